//! When one satellite has access to one cell.
//!
//! Access is where all *margins* are at least zero: smooth functions of time such as "height above the local horizon".
//! Of each margin f a bound M of its curvature is known in every cell of the lattice, so between two times h apart with
//! values p and q of the same sign it cannot reach zero while sqrt|p| + sqrt|q| >= h sqrt(M / 2): the parabola with
//! curvature M that touches zero between them needs exactly that much time. Where this does not decide, the time is
//! halved. So no window is stepped over, however short, down to [`SHORTEST_S`]; an edge is halved down to [`EDGE_S`], or,
//! once nothing but one monotone margin can change, closed in on by bisection and false position in turn.

use crate::frame::{dot, minus, norm};
use crate::geodetic::zenith;

use super::merit::Stretch;
use super::region::Cell;
use super::sun::sun_direction;
use super::track::{Bounds, STEP_S, Track};
use super::{AccessLimits, Nadir, View};

/// Edges of windows are found to this many seconds.
pub(super) const EDGE_S: f64 = 1e-6;

/// Windows, and interruptions of windows, shorter than this may go unseen.
const SHORTEST_S: f64 = 1e-3;

/// A cell on the ground, ready for computing.
pub(super) struct Ground {
    position_km: [f64; 3],
    zenith: [f64; 3],
}

impl Ground {
    pub(super) fn new(cell: &Cell) -> Self {
        let position_km = cell.position_km();
        let zenith = zenith(position_km);
        Self { position_km, zenith }
    }
}

/// A margin's value, or the bound of its curvature.
type Margins = [f64; 3];

/// A time with the margins there. Without a state they are all -infinity.
#[derive(Clone, Copy)]
struct Sample {
    second: f64,
    margins: Margins,
}

impl Sample {
    fn inside(&self) -> bool {
        self.margins.iter().all(|margin| *margin >= 0.0)
    }
}

/// For each cell of the lattice: a satellite whose positions at both ends, taken along a cell's zenith from the Earth's
/// centre, are shorter than this has no access to that cell in between.
///
/// With r the satellite's distance and R the ground's from the Earth's centre, access at an elevation of at least E, or an
/// off-nadir angle of at most n, ends at an angle of acos(R cos E / r) - E, or asin(r sin n / R) - n, between the two.
/// The ellipsoid is in it by the least R, by 0.2 degrees on each angle for the normal (0.193 at most) and by the same on
/// the result for the zenith; the time between the ends by the curvature.
pub(super) fn nearness_km(track: &Track, limits: &AccessLimits) -> Vec<f64> {
    const LEAST_RADIUS_KM: f64 = 6356.7;
    let slack = 0.2_f64.to_radians();
    (0..track.cells())
        .map(|cell| {
            let bounds = track.bounds(cell);
            let share = LEAST_RADIUS_KM / bounds.top_km;
            let above = |elevation: f64| (share * elevation.cos()).min(1.0).acos() - elevation;
            let angle = match limits.view {
                View::MinElevation { sine, .. } => above(sine.asin() - slack),
                View::OffNadir { cosine, .. } => {
                    let off_nadir = cosine.acos() + slack;
                    let sine = off_nadir.sin() / share;
                    let horizon = above(-slack);
                    if sine < 1.0 { (sine.asin() - off_nadir).min(horizon) } else { horizon }
                }
            };
            let cosine = (angle + slack).cos();
            let reach_km = cosine * if cosine > 0.0 { bounds.radius_km } else { bounds.top_km };
            reach_km - bounds.acceleration_km_s2 * STEP_S * STEP_S / 8.0
        })
        .collect()
}

enum Known {
    Inside,
    Outside,
    Unknown,
}

/// The search for one satellite and one cell.
pub(super) struct Search<'a> {
    pub(super) track: &'a Track<'a>,
    pub(super) ground: &'a Ground,
    pub(super) limits: &'a AccessLimits,
    /// What [`nearness_km`] gives.
    pub(super) nearness_km: &'a [f64],
}

impl Search<'_> {
    /// All windows, in order.
    pub(super) fn windows(&self) -> Vec<Stretch> {
        let [nx, ny, nz] = self.ground.zenith;
        let mut windows = Vec::new();
        for stretch in self.track.valid() {
            let first = ((stretch.start_s - self.track.cell_start_s(0)) / STEP_S).floor() as usize;
            let last = ((stretch.end_s - self.track.cell_start_s(0)) / STEP_S).ceil() as usize;
            let cells = first..last.min(self.track.cells());
            let samples = Track::sample_of(cells.start)..=Track::sample_of(cells.end);
            let (x, y, z) =
                (&self.track.x[samples.clone()], &self.track.y[samples.clone()], &self.track.z[samples]);
            let height_km = |i: usize| nx * x[i] + ny * y[i] + nz * z[i];
            let mut open = None;
            let mut left_km = height_km(0);
            for (i, cell) in cells.enumerate() {
                let right_km = height_km(i + 1);
                // NaN, where there is no state, counts as near.
                if left_km < self.nearness_km[cell] && right_km < self.nearness_km[cell] {
                    turn(false, self.track.cell_start_s(cell), &mut open, &mut windows);
                } else {
                    self.cell(cell, *stretch, &mut open, &mut windows);
                }
                left_km = right_km;
            }
            windows.extend(open.map(|start_s| Stretch { start_s, end_s: stretch.end_s }));
        }
        windows.retain(|window| window.end_s > window.start_s);
        windows
    }

    /// The windows that begin or end in the part of a cell of the lattice that has states.
    fn cell(&self, cell: usize, valid: Stretch, open: &mut Option<f64>, windows: &mut Vec<Stretch>) {
        let start_s = self.track.cell_start_s(cell);
        let Some(part) = (Stretch { start_s, end_s: start_s + STEP_S }).within(valid.start_s, valid.end_s)
        else {
            return;
        };
        let (a, b) = (self.sample(cell, part.start_s), self.sample(cell, part.end_s));
        turn(a.inside(), part.start_s, open, windows);
        let mut crossing = |second: f64| turn(open.is_none(), second, open, windows);
        self.halve(cell, &a, &b, &self.curvatures(cell, &a, &b), &mut crossing);
    }

    /// Finds all changes between two samples, in order.
    fn halve(
        &self,
        cell: usize,
        a: &Sample,
        b: &Sample,
        curvatures: &Margins,
        crossing: &mut dyn FnMut(f64),
    ) {
        let seconds = b.second - a.second;
        let changes = a.inside() != b.inside();
        if let Known::Inside | Known::Outside = known(a, b, curvatures) {
            return;
        }
        if changes && let Some(margin) = self.monotone(a, b, curvatures) {
            return crossing(self.edge_s(cell, a, b, margin, curvatures));
        }
        if seconds <= if changes { EDGE_S } else { SHORTEST_S } {
            if changes {
                crossing(0.5 * (a.second + b.second));
            }
            return;
        }
        let middle = self.sample(cell, 0.5 * (a.second + b.second));
        self.halve(cell, a, &middle, curvatures, crossing);
        self.halve(cell, &middle, b, curvatures, crossing);
    }

    /// The margin that alone changes its sign between two samples, once, while the others are known not to.
    ///
    /// A mean slope of more than the curvature's bound times the time leaves no room for a slope of zero.
    fn monotone(&self, a: &Sample, b: &Sample, curvatures: &Margins) -> Option<usize> {
        let changing = |i: &usize| (a.margins[*i] >= 0.0) != (b.margins[*i] >= 0.0);
        let margin = (0..curvatures.len()).find(changing)?;
        let seconds = b.second - a.second;
        let steep = least_slope(a, b, margin, curvatures) > 0.0;
        let others = (0..curvatures.len())
            .filter(|i| *i != margin)
            .all(|i| sure(a.margins[i], b.margins[i], seconds, curvatures[i]));
        (steep && others).then_some(margin)
    }

    /// Where a monotone margin is zero, to half of [`EDGE_S`].
    fn edge_s(&self, cell: usize, a: &Sample, b: &Sample, margin: usize, curvatures: &Margins) -> f64 {
        let near = 0.5 * EDGE_S * least_slope(a, b, margin, curvatures);
        let (mut a, mut b) = ((a.second, a.margins[margin]), (b.second, b.margins[margin]));
        let mut falsely = true;
        while b.0 - a.0 > EDGE_S {
            let middle = 0.5 * (a.0 + b.0);
            let zero = a.0 + (b.0 - a.0) * a.1 / (a.1 - b.1);
            let second = if falsely && a.0 < zero && zero < b.0 { zero } else { middle };
            let value = self.sample(cell, second).margins[margin];
            if value.abs() <= near {
                return second;
            }
            // False position alone may move one end only.
            falsely = !falsely;
            if (value >= 0.0) == (a.1 >= 0.0) { a = (second, value) } else { b = (second, value) }
        }
        0.5 * (a.0 + b.0)
    }

    fn sample(&self, cell: usize, second: f64) -> Sample {
        let margins = self
            .track
            .position(cell, second)
            .map_or([f64::NEG_INFINITY; 3], |position| self.margins(position, second));
        Sample { second, margins }
    }

    /// Margins in km: above the horizon (or above the cone of the least elevation), within the cone of the
    /// sensor; and the sine of the Sun's elevation. What does not limit is infinite.
    fn margins(&self, position_km: [f64; 3], second: f64) -> Margins {
        let line = minus(position_km, self.ground.position_km);
        let up_km = dot(self.ground.zenith, line);
        let mut margins = [up_km, f64::INFINITY, f64::INFINITY];
        match self.limits.view {
            View::MinElevation { sine, .. } => margins[0] = up_km - sine * norm(line),
            View::OffNadir { cosine, nadir, .. } => {
                margins[1] = dot(up(position_km, nadir), line) - cosine * norm(line);
            }
        }
        if self.limits.sunlit {
            margins[2] = dot(self.ground.zenith, sun_direction(self.track.time(second)));
        }
        margins
    }

    /// Bounds of the second derivatives of the margins while the satellite is above the horizon.
    ///
    /// With the line d from cell to satellite, its speed v, its acceleration a: the second derivative of |d| is at
    /// most a + v^2/|d|. That of u . d, with u the satellite's zenith, is u'' . d + 2 u' . v + u . a, with u' at most
    /// 1.01 v/r and u'' at most 1.05 (a/r + 3 v^2/r^2): the normal of the ellipsoid turns at most 1 % faster than
    /// that of a sphere.
    fn curvatures(&self, cell: usize, a: &Sample, b: &Sample) -> Margins {
        const SUN_RATE_RAD_S: f64 = 7.3e-5;
        let Bounds { speed_km_s: v, acceleration_km_s2: acceleration, radius_km: r, .. } =
            self.track.bounds(cell);
        let margins = |range_km: f64, far_km: f64| {
            let range = acceleration + v * v / range_km;
            match self.limits.view {
                View::MinElevation { sine, .. } => [acceleration + sine * range, 0.0],
                View::OffNadir { cosine, .. } => {
                    let turning = 1.05 * (acceleration / r + 3.0 * v * v / (r * r));
                    [acceleration, turning * far_km + 2.02 * v * v / r + acceleration + cosine * range]
                }
            }
        };
        let distance = |sample: &Sample| {
            self.track.position(cell, sample.second).map(|p| norm(minus(p, self.ground.position_km)))
        };
        let [view, cone] = match (distance(a), distance(b)) {
            (Some(da), Some(db)) => {
                let half_km = v * (b.second - a.second) / 2.0;
                // The range is at least the height above the ground, which no radius of the Earth exceeds 6378.2.
                let near_km = (da.min(db) - half_km).max(r - 6378.2).max(1.0);
                margins(near_km, da.max(db) + half_km)
            }
            _ => [f64::INFINITY; 2],
        };
        [view, cone, SUN_RATE_RAD_S * SUN_RATE_RAD_S]
    }
}

/// Begins or ends a window, unless it is already so. At the border of two cells of the lattice both sides may see an edge
/// that lies there within rounding, or neither.
fn turn(inside: bool, second: f64, open: &mut Option<f64>, windows: &mut Vec<Stretch>) {
    match (inside, *open) {
        (true, None) => *open = Some(second),
        (false, Some(start_s)) => {
            windows.push(Stretch { start_s, end_s: second });
            *open = None;
        }
        _ => {}
    }
}

/// What the values at two times say about all times between them.
fn known(a: &Sample, b: &Sample, curvatures: &Margins) -> Known {
    let seconds = b.second - a.second;
    let mut inside = true;
    for ((p, q), curvature) in a.margins.iter().zip(b.margins).zip(curvatures) {
        let sure = sure(*p, q, seconds, *curvature);
        if sure && *p < 0.0 {
            return Known::Outside;
        }
        inside &= sure;
    }
    if inside { Known::Inside } else { Known::Unknown }
}

/// Whether a margin keeps its sign between two times with these values. An infinite curvature decides nothing.
fn sure(p: f64, q: f64, seconds: f64, curvature: f64) -> bool {
    (p >= 0.0) == (q >= 0.0) && p.abs().sqrt() + q.abs().sqrt() > seconds * (0.5 * curvature).sqrt()
}

/// The least slope, whichever its sign, that a margin can have between two samples; not above 0 when it may be zero.
fn least_slope(a: &Sample, b: &Sample, margin: usize, curvatures: &Margins) -> f64 {
    let seconds = b.second - a.second;
    (b.margins[margin] - a.margins[margin]).abs() / seconds - curvatures[margin] * seconds
}

fn up(position_km: [f64; 3], nadir: Nadir) -> [f64; 3] {
    match nadir {
        Nadir::Geodetic => zenith(position_km),
        Nadir::Geocentric => {
            let radius_km = norm(position_km);
            position_km.map(|x| x / radius_km)
        }
    }
}
