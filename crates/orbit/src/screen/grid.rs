//! Which pairs of many objects can come near each other around one time: columns along one axis of space, each sorted
//! by the lowest radius that its objects reach.
//!
//! Objects that can meet lie in the same column or in columns that touch, and their ranges of radius overlap. Columns
//! come in rows; for each column there is a *list* of the objects in it and in its two neighbours of the row, so that
//! each object is in three lists and finds all that it can meet in three: that of its own column, and those of the
//! columns beside it in the rows on either side. A column pierces the shell of low orbits twice, so each list comes
//! twice as well: one for the side where x is above zero, which holds what lies above minus a cell, and one for the
//! other. In each list an object looks at those whose range of radius begins within its own, sixteen at once; of two
//! objects whose ranges overlap, one's begins within the other's.

use std::ops::Range;

use super::bound::{BINS, Bound, Mark, Special, Test};
use crate::simd::{Floats, Job, Kernel, Lanes, MAX_FLOATS, dispatch};

/// Columns along each of the two axes, at most.
const MAX_COLUMNS: usize = 96;

/// Objects in lists, and the memory for them, kept between windows.
#[derive(Default)]
pub(super) struct Grid {
    cell_km: f32,
    per_km: f32,
    across: usize,
    /// Where each list begins.
    starts: Vec<u32>,
    /// Per place in a list, by list and then by the lowest bin: the index of the body with [`NEIGHBOUR`] where it is
    /// of a column beside the list's own, and its mark, as columns of numbers.
    index: Vec<u32>,
    columns: [Vec<f32>; 6],
    low: Vec<f32>,
    high: Vec<f32>,
    /// The body and the column of each mark, and the sides of x that it is on, by the lowest bin.
    by_bin: Vec<(u32, u32, Sides)>,
    counts: Vec<u32>,
    /// Lists whose own column is not empty.
    filled: Vec<bool>,
}

/// Set in the index of a place whose object is in a column beside that of the list, or on the other side of x.
const NEIGHBOUR: u32 = 1 << 31;

/// Which side of x an object is on, and whether it is near enough to the other to be in its lists too.
#[derive(Debug, Clone, Copy, Default)]
struct Sides {
    own: u8,
    both: bool,
}

impl Sides {
    fn of(x_km: f32, cell_km: f32) -> Self {
        Self { own: u8::from(x_km > 0.0), both: x_km.abs() <= cell_km }
    }

    fn all(self) -> impl Iterator<Item = u8> {
        let other = self.both.then_some(1 - self.own);
        std::iter::once(self.own).chain(other)
    }
}

impl Grid {
    /// Sorts the marks of all bodies; those whose `low` is NaN are left out.
    pub(super) fn fill(&mut self, marks: &[Mark], bound: &Bound) {
        let cell = bound.within_km + 2.0 * bound.ordinary_km;
        // Coarser cells are as right; the grid covers what is bound to the Earth's neighbourhood, and objects further
        // out share the last columns.
        self.cell_km = (1.000_01 * cell).max(2.0 * 46_000.0 / MAX_COLUMNS as f64) as f32;
        self.per_km = 1.0 / self.cell_km;
        self.across = ((2.0 * 46_000.0 / f64::from(self.cell_km)).ceil() as usize).clamp(1, MAX_COLUMNS);
        self.sort_by_bin(marks);
        self.sort_into_lists(marks);
    }

    fn sort_by_bin(&mut self, marks: &[Mark]) {
        self.counts.clear();
        self.counts.resize(BINS + 1, 0);
        for mark in marks.iter().filter(|m| !m.low.is_nan()) {
            self.counts[mark.low as usize + 1] += 1;
        }
        let count = running_sums(&mut self.counts);
        self.by_bin.clear();
        self.by_bin.resize(count, (0, 0, Sides::default()));
        for (i, mark) in (0u32..).zip(marks).filter(|(_, m)| !m.low.is_nan()) {
            let column = self.column(mark.r) as u32;
            let sides = Sides::of(mark.r[0], self.cell_km);
            let at = &mut self.counts[mark.low as usize];
            self.by_bin[*at as usize] = (i, column, sides);
            *at += 1;
        }
    }

    fn sort_into_lists(&mut self, marks: &[Mark]) {
        let half = self.lists();
        self.starts.clear();
        self.starts.resize(2 * half + 1, 0);
        self.filled.clear();
        self.filled.resize(2 * half, false);
        for (_, column, sides) in &self.by_bin {
            self.filled[*column as usize + half * usize::from(sides.own)] = true;
            for side in sides.all() {
                let column = *column as usize + half * usize::from(side);
                self.starts[column] += 1;
                self.starts[column + 1] += 1;
                self.starts[column + 2] += 1;
            }
        }
        // `starts[i + 1]` holds the count of list i: those of its own column and of the two beside it.
        let count = running_sums(&mut self.starts);
        self.counts.clear();
        self.counts.extend_from_slice(&self.starts);
        self.resize(count);
        let [x, y, z, u, v, w] = &mut self.columns;
        for (from, column, sides) in &self.by_bin {
            let mark = &marks[*from as usize];
            for side in sides.all() {
                let column = *column as usize + half * usize::from(side);
                for list in column - 1..=column + 1 {
                    let next = &mut self.counts[list];
                    let at = *next as usize;
                    *next += 1;
                    let is_own = list == column && side == sides.own;
                    self.index[at] = if is_own { *from } else { *from | NEIGHBOUR };
                    (x[at], y[at], z[at]) = (mark.r[0], mark.r[1], mark.r[2]);
                    (u[at], v[at], w[at]) = (mark.v[0], mark.v[1], mark.v[2]);
                    (self.low[at], self.high[at]) = (mark.low, mark.high);
                }
            }
        }
    }

    /// Lists of one side of x: one column more on either end of a row, so that each has two neighbours, and one more,
    /// so that the two sides do not touch.
    fn lists(&self) -> usize {
        self.across * (self.across + 2) + 1
    }

    fn resize(&mut self, count: usize) {
        // Sixteen more, so that a load at the end stays inside.
        let padded = count + MAX_FLOATS;
        self.index.resize(padded, 0);
        self.columns.iter_mut().for_each(|column| column.resize(padded, 0.0));
        self.low.resize(padded, 0.0);
        self.high.resize(padded, 0.0);
    }

    fn axis(&self, x_km: f32) -> usize {
        // The cast rounds down, and takes what is below zero for zero.
        ((x_km * self.per_km + 0.5 * self.across as f32) as usize).min(self.across - 1)
    }

    /// The column of a place; its row is the whole part of `column / (across + 2)`.
    fn column(&self, r: [f32; 3]) -> usize {
        self.axis(r[1]) * (self.across + 2) + self.axis(r[2]) + 1
    }

    fn list(&self, list: usize) -> Range<usize> {
        self.starts[list] as usize..self.starts[list + 1] as usize
    }

    /// Lists that together hold all columns that touch the column of `r` by `far` or less. An object may come twice,
    /// once from each side of x, where both can be reached.
    fn lists_near(&self, r: [f32; 3], far: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let (row, at, far) = (self.axis(r[1]), self.axis(r[2]), far.min(self.across));
        let rows = row.saturating_sub(far)..=(row + far).min(self.across - 1);
        let first = at.saturating_sub(far);
        let last = (at + far).min(self.across - 1);
        // A list in the middle of every three columns.
        let middles = (first + 1..=last + 1).step_by(3).map(|m| m.min(self.across));
        let half = self.lists();
        // A side's lists reach one cell beyond x = 0.
        let crosses = r[0].abs() <= (far as f32 - 1.0) * self.cell_km;
        let sides = Sides { own: u8::from(r[0] > 0.0), both: crosses };
        sides.all().flat_map(move |side| {
            let middles = middles.clone();
            rows.clone().flat_map(move |row| {
                let first = half * usize::from(side) + row * (self.across + 2) + 1;
                middles.clone().map(move |m| self.list(first + m))
            })
        })
    }

    /// The bodies and their marks within `far_km` of a point along both axes, and some beyond, whose bins overlap `bins`.
    /// A body may come twice.
    pub(super) fn marks_near(
        &self,
        center: [f64; 3],
        far_km: f64,
        bins: (f32, f32),
    ) -> impl Iterator<Item = (u32, Mark)> + '_ {
        let far = (far_km / f64::from(self.cell_km)).ceil() as usize;
        let lists = self.lists_near(center.map(|x| x as f32), far);
        lists.flat_map(move |list| {
            let rising = list.take_while(move |i| self.low[*i] <= bins.1);
            let overlap = rising.filter(move |i| self.high[*i] >= bins.0);
            overlap.map(|i| (self.index[i] & !NEIGHBOUR, self.mark(i)))
        })
    }

    #[inline(always)]
    fn mark(&self, i: usize) -> Mark {
        let [x, y, z, u, v, w] = &self.columns;
        Mark { r: [x[i], y[i], z[i]], v: [u[i], v[i], w[i]], low: self.low[i], high: self.high[i] }
    }

    /// All pairs of bodies that the test lets through; a pair may come twice.
    pub(super) fn pairs(&self, test: &Test, kernel: Kernel, found: &mut Vec<(u32, u32)>) {
        dispatch(kernel, AllPairs { grid: self, test, found });
    }

    /// All bodies that `one` can meet by the test; `far_km` is the largest distance at the middle.
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
        let row = grid.across + 2;
        for (list, _) in grid.filled.iter().enumerate().filter(|(_, filled)| **filled) {
            // The lists of the rows on either side; beyond the last row of a side there is none.
            let half = grid.lists();
            let (side, at) = (list / half * half, list % half);
            for other in [at.wrapping_sub(row), at, at + row] {
                if other >= half {
                    continue;
                }
                let other = side + other;
                let own = other == list;
                let Range { start: mut from, end } = grid.list(other);
                for i in grid.list(list) {
                    if grid.index[i] & NEIGHBOUR != 0 {
                        continue;
                    }
                    let mark = grid.mark(i);
                    // In steps of eight: whether one more is below is a coin toss, whether all are is not.
                    while from + 8 <= end && grid.low[from + 7] < mark.low {
                        from += 8;
                    }
                    let first = if own { i + 1 } else { from };
                    let body = grid.index[i];
                    scan(grid, &test, &mark, mark.low, first, end, |j| found.push((body, j)));
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
        for Range { start, end } in grid.lists_near(one.mark.r, far) {
            // Those that begin lower may reach up to it: all from the list's start.
            scan(grid, &test, &one.mark, -1.0, start, end, |j| found.push(j));
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
        // A little more, because the numbers themselves are rounded.
        Self {
            fixed: F::splat((test.fixed * 1.000_001) as f32),
            share: F::splat((test.share * 1.000_001) as f32),
            half: F::splat(h as f32),
            twice: F::splat((2.0 * h) as f32),
            square: F::splat((h * h) as f32),
        }
    }

    /// Which of the pairs with separations `s` and relative velocities `u` can meet; see [`Test`].
    ///
    /// The line s + u tau is nearest at tau = -su/u2. Its square distance there is s2 - su^2/u2, which must be small
    /// in any case; if that tau is outside the window, the nearer end of the window must be near as well.
    #[inline(always)]
    pub(super) fn hits(&self, s: [F; 3], u: [F; 3]) -> u32 {
        let (s2, su, u2) = (dot(s, s), dot(s, u), dot(u, u));
        let limit = self.share.mul_add(s2, self.fixed);
        let line = su.neg_mul_add(su, s2.mul(u2)).at_most(limit.mul(u2));
        let inside = su.abs().at_most(self.half.mul(u2));
        let at_end = self.twice.neg_mul_add(su.abs(), self.square.mul_add(u2, s2)).at_most(limit);
        at_end | line & inside
    }
}

/// Turns counts into places: each becomes the sum of all before it and itself. Gives the last.
fn running_sums(counts: &mut [u32]) -> usize {
    let mut sum = 0;
    for count in counts {
        sum += *count;
        *count = sum;
    }
    sum as usize
}

#[inline(always)]
fn dot<F: Floats>(a: [F; 3], b: [F; 3]) -> F {
    a[0].mul_add(b[0], a[1].mul_add(b[1], a[2].mul(b[2])))
}

/// Looks at the places `from..end` whose lowest bin lies between `low` and the mark's highest, up to the first beyond.
#[inline(always)]
fn scan<F: Floats>(
    grid: &Grid,
    test: &Splat<F>,
    mark: &Mark,
    low: f32,
    from: usize,
    end: usize,
    mut hit: impl FnMut(u32),
) {
    let (low, high) = (F::splat(low), F::splat(mark.high));
    let [x, y, z] = mark.r;
    let [u, v, w] = mark.v;
    let (x, y, z) = (F::splat(x), F::splat(y), F::splat(z));
    let (u, v, w) = (F::splat(u), F::splat(v), F::splat(w));
    let [xs, ys, zs, us, vs, ws] = &grid.columns;
    let mut at = from;
    while at < end {
        let lows = F::load(&grid.low[at..]);
        let in_range = low.at_most(lows) & lows.at_most(high);
        let s = [F::load(&xs[at..]).sub(x), F::load(&ys[at..]).sub(y), F::load(&zs[at..]).sub(z)];
        let t = [F::load(&us[at..]).sub(u), F::load(&vs[at..]).sub(v), F::load(&ws[at..]).sub(w)];
        let mut bits = test.hits(s, t) & in_range;
        if end - at < F::N {
            bits &= (1u32 << (end - at)) - 1;
        }
        while bits != 0 {
            hit(grid.index[at + bits.trailing_zeros() as usize] & !NEIGHBOUR);
            bits &= bits - 1;
        }
        at += F::N;
        if at < end && grid.low[at] > mark.high {
            break;
        }
    }
}
