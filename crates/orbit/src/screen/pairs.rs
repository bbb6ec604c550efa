//! Which pairs can come near each other around one time: a sorted grid for all against all, a plain scan for few
//! primaries. Both hand every pair that the module's bound allows to the same test.

use super::bodies::{GRAVITY_KM_S2, MU_KM3_S2, ROUGH_PAD_KM};
use crate::frame::{minus, norm};

/// Up to this many primaries are compared with all objects directly; more go through the grid.
pub(super) const MAX_DIRECT: usize = 200;

/// Speed in km/s up to which an object counts as ordinary for the size of the grid's cells.
const ORDINARY_KM_S: f64 = 8.1;

/// An object at the middle of a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) index: u32,
    pub(super) r: [f64; 3],
    pub(super) v: [f64; 3],
    pub(super) pad_km: f64,
    /// How far it can get from `r` within the window.
    pub(super) reach_km: f64,
}

/// Constants of a sweep, worked out once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    within_km: f64,
    half_window_s: f64,
    /// Reach of an ordinary object.
    ordinary_km: f64,
    /// L h^2 / 2.
    bend: f64,
}

impl Bound {
    pub(super) fn new(within_km: f64, half_window_s: f64) -> Self {
        let ordinary_km = reach_km(ORDINARY_KM_S, half_window_s, ROUGH_PAD_KM);
        // Two points outside the Earth (6378 km) that can meet in the window are at most this far apart, so the line
        // between them sags at most so far below the surface. Twice the escape speed bounds every reach.
        let apart_km = within_km + 2.0 * reach_km(11.3, half_window_s, 10.0);
        let rho_km = (6378.0f64.powi(2) - (0.5 * apart_km).powi(2)).sqrt();
        let gradient = 2.0 * MU_KM3_S2 / rho_km.powi(3);
        Self { within_km, half_window_s, ordinary_km, bend: 0.5 * gradient * half_window_s * half_window_s }
    }

    pub(super) fn mark(&self, index: u32, r: [f64; 3], v: [f64; 3], pad_km: f64) -> Mark {
        let speed = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
        Mark { index, r, v, pad_km, reach_km: reach_km(speed, self.half_window_s, pad_km) }
    }

    /// Whether two objects can come within the limit during the window.
    #[inline]
    fn can_meet(&self, a: &Mark, b: &Mark) -> bool {
        let s = [b.r[0] - a.r[0], b.r[1] - a.r[1], b.r[2] - a.r[2]];
        let distance2 = s[0] * s[0] + s[1] * s[1] + s[2] * s[2];
        let reach = self.within_km + a.reach_km + b.reach_km;
        if distance2 > reach * reach {
            return false;
        }
        let u = [b.v[0] - a.v[0], b.v[1] - a.v[1], b.v[2] - a.v[2]];
        let speed2 = u[0] * u[0] + u[1] * u[1] + u[2] * u[2];
        let h = self.half_window_s;
        let apart = (distance2.sqrt() + speed2.sqrt() * h) / (1.0 - self.bend);
        let limit = self.within_km + self.bend * apart + a.pad_km + b.pad_km;
        let along = s[0] * u[0] + s[1] * u[1] + s[2] * u[2];
        let tau = if speed2 > 0.0 { (-along / speed2).clamp(-h, h) } else { 0.0 };
        distance2 + tau * (2.0 * along + tau * speed2) <= limit * limit
    }

    /// Whether an object that stays inside a ball can meet another; see [`Ball`].
    pub(super) fn can_meet_ball(&self, ball: &Ball, center: [f64; 3], reach_km: f64) -> bool {
        let height = norm(center);
        let margin = self.within_km + reach_km;
        norm(minus(center, ball.center)) <= ball.radius_km + margin
            && height + margin >= ball.lowest_km
            && height - margin <= ball.highest_km
    }

    pub(super) fn half_window_s(&self) -> f64 {
        self.half_window_s
    }
}

/// Where an object is somewhere during a window, when no better bound is to be had: it is in an error state in a part
/// of the window, or SGP4 carries it off. Then it may turn wildly about the Earth, but at a known height.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ball {
    pub(super) index: u32,
    pub(super) center: [f64; 3],
    pub(super) radius_km: f64,
    lowest_km: f64,
    highest_km: f64,
}

impl Ball {
    /// Around places that the object has been seen at, at most `gap_s` apart.
    pub(super) fn around(index: u32, places: &[[f64; 3]], gap_s: f64) -> Option<Self> {
        let center = *places.get(places.len() / 2)?;
        let far_km = places.iter().map(|p| norm(minus(*p, center))).fold(0.0, f64::max);
        let lowest = places.iter().map(|p| norm(*p)).fold(f64::INFINITY, f64::min);
        let highest = places.iter().map(|p| norm(*p)).fold(0.0, f64::max);
        // A quarter more, and what a bound orbit can do in a gap.
        let gap_km = 12.0 * gap_s;
        let more_km = 0.25 * (highest - lowest) + gap_km;
        Some(Self {
            index,
            center,
            radius_km: 1.25 * far_km + gap_km,
            lowest_km: lowest - more_km,
            highest_km: highest + more_km,
        })
    }
}

fn reach_km(speed_km_s: f64, half_window_s: f64, pad_km: f64) -> f64 {
    speed_km_s * half_window_s + 0.5 * GRAVITY_KM_S2 * half_window_s * half_window_s + pad_km
}

/// All candidate pairs of which `wanted` is true for one index; each once.
pub(super) fn direct(marks: &[Mark], bound: &Bound, wanted: &[bool], found: &mut Vec<(u32, u32)>) {
    let is_wanted = |m: &Mark| wanted.get(m.index as usize).copied().unwrap_or(false);
    for primary in marks.iter().filter(|m| is_wanted(m)) {
        for other in marks {
            // A pair of two primaries is met twice; the lower one takes it.
            if other.index == primary.index || (is_wanted(other) && other.index < primary.index) {
                continue;
            }
            if bound.can_meet(primary, other) {
                found.push(ordered(primary.index, other.index));
            }
        }
    }
}

pub(super) fn ordered(a: u32, b: u32) -> (u32, u32) {
    if a < b { (a, b) } else { (b, a) }
}

/// Memory of the grid, kept between windows.
#[derive(Default)]
pub(super) struct Grid {
    order: Vec<(u64, u32)>,
    keys: Vec<u64>,
    sorted: Vec<Mark>,
    wide: Vec<Mark>,
}

const AXIS_BITS: u32 = 21;
const AXIS_HALF: i64 = 1 << 20;

/// Cell numbers along an axis; beyond the grid's end (5e8 km) objects share the last cells, which loses no pair.
fn axis(x_km: f64, cell_km: f64) -> i64 {
    ((x_km / cell_km).floor() as i64).clamp(-AXIS_HALF + 64, AXIS_HALF - 64) + AXIS_HALF
}

fn key(ix: i64, iy: i64, iz: i64) -> u64 {
    ((iz as u64) << (2 * AXIS_BITS)) | ((iy as u64) << AXIS_BITS) | ix as u64
}

impl Grid {
    /// All candidate pairs, each once.
    pub(super) fn all_pairs(&mut self, marks: &[Mark], bound: &Bound, found: &mut Vec<(u32, u32)>) {
        let cell_km = bound.within_km + 2.0 * bound.ordinary_km;
        self.fill(marks, bound, cell_km);
        self.ordinary_pairs(bound, found);
        self.wide_pairs(bound, cell_km, found);
    }

    fn fill(&mut self, marks: &[Mark], bound: &Bound, cell_km: f64) {
        self.order.clear();
        self.keys.clear();
        self.sorted.clear();
        self.wide.clear();
        for (i, m) in marks.iter().enumerate() {
            if m.reach_km > bound.ordinary_km {
                self.wide.push(*m);
            } else {
                let at = |k: usize| axis(m.r[k], cell_km);
                self.order.push((key(at(0), at(1), at(2)), i as u32));
            }
        }
        self.order.sort_unstable();
        for (key, i) in &self.order {
            self.keys.push(*key);
            self.sorted.extend(marks.get(*i as usize));
        }
    }

    /// Pairs of ordinary objects lie in the same cell or in cells that touch. Each object looks at those behind it in
    /// its own cell and the next, and at the rows above; the rows' ends only move forward, because the keys are sorted.
    fn ordinary_pairs(&self, bound: &Bound, found: &mut Vec<(u32, u32)>) {
        let row = |dy: i64, dz: i64| (dz << (2 * AXIS_BITS)) + (dy << AXIS_BITS);
        let rows = [row(1, 0), row(-1, 1), row(0, 1), row(1, 1)];
        let mut ends = [(0usize, 0usize); 4];
        let mut own_end = 0;
        let count = self.keys.len();
        for (i, (mark, key)) in self.sorted.iter().zip(&self.keys).enumerate() {
            while own_end < count && self.keys[own_end] <= key + 1 {
                own_end += 1;
            }
            let own = self.sorted.get(i + 1..own_end).unwrap_or_default();
            let mut look = |others: &[Mark]| {
                for other in others {
                    if bound.can_meet(mark, other) {
                        found.push(ordered(mark.index, other.index));
                    }
                }
            };
            look(own);
            for (offset, (from, to)) in rows.iter().zip(ends.iter_mut()) {
                let middle = key.saturating_add_signed(*offset);
                while *from < count && self.keys[*from] < middle - 1 {
                    *from += 1;
                }
                while *to < count && self.keys[*to] <= middle + 1 {
                    *to += 1;
                }
                look(self.sorted.get(*from..*to).unwrap_or_default());
            }
        }
    }

    /// Objects with a long reach (near perigee of an eccentric orbit, or badly behaved) look as far as they must.
    fn wide_pairs(&self, bound: &Bound, cell_km: f64, found: &mut Vec<(u32, u32)>) {
        for (i, mark) in self.wide.iter().enumerate() {
            for other in self.wide.get(i + 1..).unwrap_or_default() {
                if bound.can_meet(mark, other) {
                    found.push(ordered(mark.index, other.index));
                }
            }
            let far_km = bound.within_km + mark.reach_km + bound.ordinary_km;
            if far_km > 8.0 * cell_km {
                // So many rows that looking at everything is cheaper.
                self.sorted
                    .iter()
                    .filter(|o| bound.can_meet(mark, o))
                    .for_each(|o| found.push(ordered(mark.index, o.index)));
                continue;
            }
            let low = [0, 1, 2].map(|k| axis(mark.r[k] - far_km, cell_km));
            let high = [0, 1, 2].map(|k| axis(mark.r[k] + far_km, cell_km));
            for iz in low[2]..=high[2] {
                for iy in low[1]..=high[1] {
                    let (first, last) = (key(low[0], iy, iz), key(high[0], iy, iz));
                    let from = self.keys.partition_point(|k| *k < first);
                    let rest = self.keys.get(from..).unwrap_or_default();
                    let to = from + rest.partition_point(|k| *k <= last);
                    for other in self.sorted.get(from..to).unwrap_or_default() {
                        if bound.can_meet(mark, other) {
                            found.push(ordered(mark.index, other.index));
                        }
                    }
                }
            }
        }
    }
}
