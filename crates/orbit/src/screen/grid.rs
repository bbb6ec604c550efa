//! Which pairs of many objects can come near each other around one time: columns along one axis of space, each sorted
//! by the lowest radius that its objects reach.
//!
//! Objects that can meet lie in the same column or in columns that touch, and their ranges of radius overlap. Each
//! object looks at the objects of nine columns whose range begins within its own; sixteen at once.

use super::bound::{Bound, Mark, Special, Test};
use crate::simd::{Floats, Job, Kernel, Lanes, MAX_FLOATS, dispatch};

/// Radii as small numbers that rise with the radius: a kilometre each near the Earth, where it is crowded, 25 km each
/// above, all that is further in the last.
const BINS: usize = 4096;

fn bin(radius_km: f32) -> f32 {
    let near = radius_km - 6200.0;
    let far = 2048.0 + (near - 2048.0) * 0.04;
    (if near < 2048.0 { near } else { far }).clamp(0.0, (BINS - 1) as f32).floor()
}

/// Columns along each of the two axes, at most.
const MAX_COLUMNS: usize = 96;

/// Objects in columns, and the memory for them, kept between windows.
#[derive(Default)]
pub(super) struct Grid {
    cell_km: f32,
    across: usize,
    /// Where each column begins.
    starts: Vec<u32>,
    /// Per object, by column and then by bin: the index of its body and its mark, as columns of numbers. `high` is the
    /// bin of the highest radius.
    index: Vec<u32>,
    columns: [Vec<f32>; 6],
    low: Vec<f32>,
    high: Vec<f32>,
    marks: Vec<Mark>,
    by_bin: Vec<u32>,
    counts: Vec<u32>,
}

impl Grid {
    /// Sorts `marks`, whose bodies are `index`.
    pub(super) fn fill(&mut self, index: &[u32], marks: &[Mark], bound: &Bound) {
        let cell = bound.within_km + 2.0 * bound.ordinary_km;
        // Coarser cells are as right; the grid covers what is bound to the Earth's neighbourhood, and objects further
        // out share the last columns.
        self.cell_km = cell.max(2.0 * 46_000.0 / MAX_COLUMNS as f64) as f32;
        self.across = ((2.0 * 46_000.0 / f64::from(self.cell_km)).ceil() as usize).clamp(1, MAX_COLUMNS);
        let count = marks.len();
        self.counts.clear();
        self.counts.resize(BINS + 1, 0);
        for mark in marks {
            self.counts[bin(mark.low) as usize + 1] += 1;
        }
        for i in 1..=BINS {
            self.counts[i] += self.counts[i - 1];
        }
        self.by_bin.clear();
        self.by_bin.resize(count, 0);
        for (i, mark) in (0u32..).zip(marks) {
            let at = &mut self.counts[bin(mark.low) as usize];
            self.by_bin[*at as usize] = i;
            *at += 1;
        }
        let cells = self.across * self.across;
        self.starts.clear();
        self.starts.resize(cells + 1, 0);
        for mark in marks {
            let at = self.column(mark);
            self.starts[at + 1] += 1;
        }
        for i in 1..=cells {
            self.starts[i] += self.starts[i - 1];
        }
        self.counts.clear();
        self.counts.extend_from_slice(&self.starts);
        self.resize(count);
        for i in 0..count {
            let from = self.by_bin[i] as usize;
            let mark = marks[from];
            let column = self.column(&mark);
            let at = self.counts[column] as usize;
            self.counts[column] += 1;
            self.index[at] = index[from];
            for k in 0..3 {
                self.columns[k][at] = mark.r[k];
                self.columns[3 + k][at] = mark.v[k];
            }
            self.low[at] = bin(mark.low);
            self.high[at] = bin(mark.high);
            self.marks[at] = mark;
        }
    }

    fn resize(&mut self, count: usize) {
        // Sixteen more, so that a load at the end stays inside.
        let padded = count + MAX_FLOATS;
        self.index.resize(padded, 0);
        self.columns.iter_mut().for_each(|column| column.resize(padded, 0.0));
        self.low.resize(padded, 0.0);
        self.high.resize(padded, 0.0);
        self.marks.resize(padded, Mark::default());
    }

    fn axis(&self, x_km: f32) -> usize {
        let at = (x_km / self.cell_km).floor() as i64 + (self.across / 2) as i64;
        at.clamp(0, self.across as i64 - 1) as usize
    }

    fn column(&self, mark: &Mark) -> usize {
        self.axis(mark.r[1]) * self.across + self.axis(mark.r[2])
    }

    /// The columns that touch `column` by `far` or less, itself among them.
    fn around(&self, column: usize, far: usize) -> impl Iterator<Item = usize> + use<> {
        let across = self.across;
        let (row, at) = (column / across, column % across);
        let span = move |x: usize| x.saturating_sub(far)..=(x + far).min(across - 1);
        span(row).flat_map(move |row| span(at).map(move |at| row * across + at))
    }

    pub(super) fn mark(&self, at: u32) -> (&Mark, u32) {
        (&self.marks[at as usize], self.index[at as usize])
    }

    /// All pairs of places in the grid that the test lets through; a pair may come twice.
    pub(super) fn pairs(&self, test: &Test, kernel: Kernel, found: &mut Vec<(u32, u32)>) {
        dispatch(kernel, AllPairs { grid: self, test, found });
    }

    /// All places in the grid that `one` can meet by the test; `far_km` is the largest distance at the middle.
    pub(super) fn near(&self, one: &Special, test: &Test, far_km: f64, kernel: Kernel, found: &mut Vec<u32>) {
        dispatch(kernel, OneToAll { grid: self, one, test, far_km, found });
    }
}

struct AllPairs<'a> {
    grid: &'a Grid,
    test: &'a Test,
    found: &'a mut Vec<(u32, u32)>,
}

impl Job for AllPairs<'_> {
    type Out = ();

    #[inline(always)]
    fn run<D: Lanes, F: Floats>(self) {
        let Self { grid, test, found } = self;
        let test = Splat::<F>::new(test);
        for column in 0..grid.across * grid.across {
            let own = grid.starts[column] as usize..grid.starts[column + 1] as usize;
            if own.is_empty() {
                continue;
            }
            for other in grid.around(column, 1) {
                let (mut from, end) = (grid.starts[other] as usize, grid.starts[other + 1] as usize);
                if from == end {
                    continue;
                }
                for i in own.clone() {
                    let (low, high) = (grid.low[i], grid.high[i]);
                    // In steps of eight: whether one more is below is a coin toss, whether all are is not.
                    while from + 8 <= end && grid.low[from + 7] < low {
                        from += 8;
                    }
                    let first = if other == column { i + 1 } else { from };
                    let mark = &grid.marks[i];
                    scan(grid, &test, mark, low, high, first, end, |j| found.push((i as u32, j)));
                }
            }
        }
    }
}

struct OneToAll<'a> {
    grid: &'a Grid,
    one: &'a Special,
    test: &'a Test,
    far_km: f64,
    found: &'a mut Vec<u32>,
}

impl Job for OneToAll<'_> {
    type Out = ();

    #[inline(always)]
    fn run<D: Lanes, F: Floats>(self) {
        let Self { grid, one, test, far_km, found } = self;
        let test = Splat::<F>::new(test);
        let far = (far_km / f64::from(grid.cell_km)).ceil() as usize;
        let high = bin(one.mark.high);
        for column in grid.around(grid.column(&one.mark), far) {
            let (from, end) = (grid.starts[column] as usize, grid.starts[column + 1] as usize);
            // Those that begin lower may reach up to it: all from the column's start.
            scan(grid, &test, &one.mark, -1.0, high, from, end, |j| found.push(j));
        }
    }
}

/// The numbers of a test on all floats.
pub(super) struct Splat<F> {
    fixed: F,
    share: F,
    half: F,
    twice: F,
    square: F,
}

impl<F: Floats> Splat<F> {
    #[inline(always)]
    pub(super) fn new(test: &Test) -> Self {
        let h = test.half_window_s;
        let s = |x: f64| F::splat(x as f32);
        // A little more, because the numbers themselves are rounded.
        Self {
            fixed: s(test.fixed * 1.000_001),
            share: s(test.share * 1.000_001),
            half: s(h),
            twice: s(2.0 * h),
            square: s(h * h),
        }
    }

    /// Which of the pairs with separations `s` and relative velocities `u` can meet; see [`Test`].
    ///
    /// The line s + u tau is nearest at tau = -su/u2. Its square distance there is s2 - su^2/u2, which must be small
    /// in any case; if that tau is outside the window, the nearer end of the window must be near as well.
    #[inline(always)]
    pub(super) fn hits(&self, s: [F; 3], u: [F; 3]) -> u32 {
        let dot = |a: [F; 3], b: [F; 3]| a[0].mul_add(b[0], a[1].mul_add(b[1], a[2].mul(b[2])));
        let (s2, su, u2) = (dot(s, s), dot(s, u), dot(u, u));
        let limit = self.share.mul_add(s2, self.fixed);
        let line = su.neg_mul_add(su, s2.mul(u2)).at_most(limit.mul(u2));
        let inside = su.abs().at_most(self.half.mul(u2));
        let at_end = self.twice.neg_mul_add(su.abs(), self.square.mul_add(u2, s2)).at_most(limit);
        // For a pair without relative motion the line says nothing.
        (line | at_end) & (inside | at_end)
    }
}

/// Looks at the places `from..end` whose lowest bin lies in `low..=high`, up to the first beyond.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "one inner loop for two callers")]
fn scan<F: Floats>(
    grid: &Grid,
    test: &Splat<F>,
    mark: &Mark,
    low: f32,
    high: f32,
    from: usize,
    end: usize,
    mut hit: impl FnMut(u32),
) {
    let (low, high_all) = (F::splat(low), F::splat(high));
    let r = mark.r.map(F::splat);
    let v = mark.v.map(F::splat);
    let mut at = from;
    while at < end {
        let lows = F::load(&grid.low[at..]);
        let in_range = low.at_most(lows) & lows.at_most(high_all);
        let s = [0, 1, 2].map(|k| F::load(&grid.columns[k][at..]).sub(r[k]));
        let u = [0, 1, 2].map(|k| F::load(&grid.columns[3 + k][at..]).sub(v[k]));
        let mut bits = test.hits(s, u) & in_range;
        if end - at < F::N {
            bits &= (1u32 << (end - at)) - 1;
        }
        while bits != 0 {
            hit((at + bits.trailing_zeros() as usize) as u32);
            bits &= bits - 1;
        }
        at += F::N;
        if at < end && grid.low[at] > high {
            break;
        }
    }
}
