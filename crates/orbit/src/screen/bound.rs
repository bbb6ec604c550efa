//! What can happen to objects within a window, and the numbers that the tests of pairs need. The proofs are in the
//! notes of [`super`].

#![expect(clippy::neg_cmp_op_on_partial_ord, reason = "NaN must fail these tests as well")]

use super::bodies::{GRAVITY_KM_S2, MU_KM3_S2};
use crate::frame::{dot, minus, norm};
use crate::simd::Lanes;

/// An object at the middle of a window, as floats: TEME in km and km/s, and the bins (see [`bin`]) of the radii between
/// which it stays, widened by half the limit. Two objects whose bins do not overlap cannot meet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    pub(super) r: [f32; 3],
    pub(super) v: [f32; 3],
    pub(super) low: f32,
    pub(super) high: f32,
}

/// Bins of radius.
pub(super) const BINS: usize = 4096;

/// A whole number that rises with the radius: one a kilometre near the Earth, where it is crowded, one each 25 km above,
/// and one for all that is further out.
#[inline(always)]
pub(super) fn bin<D: Lanes>(radius_km: D) -> D {
    let c = D::splat;
    let near = radius_km - c(6200.0);
    let far = (near - c(2048.0)).mul_add(c(0.04), c(2048.0));
    near.min(far).max(c(0.0)).min(c((BINS - 1) as f64)).round()
}

/// A mark whose object is faster or less regular than the grid is made for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Special {
    pub(super) index: u32,
    pub(super) mark: Mark,
    pub(super) reach_km: f64,
    pub(super) pad_km: f64,
}

/// Speed in km/s up to which an object counts as ordinary.
const ORDINARY_KM_S: f64 = 8.05;

/// Constants of a sweep, worked out once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    pub(super) within_km: f64,
    pub(super) half_window_s: f64,
    /// Largest reach and largest pad of an ordinary object.
    pub(super) ordinary_km: f64,
    pub(super) ordinary_pad_km: f64,
    /// L h^2.
    bend: f64,
}

/// The test of a pair: the two come within the limit only if the least of |s + u tau|^2 over |tau| <= h is at most
/// `fixed + share * |s|^2`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Test {
    pub(super) fixed: f64,
    pub(super) share: f64,
    pub(super) half_window_s: f64,
}

impl Bound {
    pub(super) fn new(within_km: f64, half_window_s: f64) -> Self {
        let h = half_window_s;
        let ordinary_pad_km = 0.1 + 5e-5 * h * h;
        // Two points outside the Earth (6378 km) that can meet in the window are at most this far apart, so the line
        // between them sags at most so far below the surface. Twice the escape speed bounds every reach.
        let apart_km = within_km + 2.0 * (11.3 * h + 10.0);
        let rho_km = (6378.0f64.powi(2) - (0.5 * apart_km).powi(2)).sqrt();
        let gradient = 2.0 * MU_KM3_S2 / rho_km.powi(3);
        Self {
            within_km,
            half_window_s: h,
            ordinary_km: ORDINARY_KM_S * h + ordinary_pad_km,
            ordinary_pad_km,
            bend: gradient * h * h,
        }
    }

    /// Whether the grid is made for it.
    pub(super) fn is_ordinary(&self, reach_km: f64, pad_km: f64) -> bool {
        reach_km <= self.ordinary_km && pad_km <= self.ordinary_pad_km
    }

    /// The test for a pair with these reaches and the sum of their pads.
    pub(super) fn test(&self, reaches_km: f64, pads_km: f64) -> Test {
        let apart = self.within_km + reaches_km;
        // M bounds how far the separation strays from s + u tau: half of L h^2 times the largest separation.
        let m = 0.5 * self.bend * apart / (1.0 - 0.5 * self.bend);
        // At a meeting it strays by at most L h^2 (|s| / 3 + (w + M) / 6 + M / 2); a metre or two is for floats.
        let near = self.within_km
            + pads_km
            + self.bend * ((self.within_km + m + pads_km) / 6.0 + 0.5 * (m + pads_km))
            + 2e-3;
        let slope = self.bend / 3.0;
        // (near + slope s)^2 <= (1 + q) near^2 + (1 + 1/q) slope^2 s^2 for every q > 0
        let q = (0.5 * slope * apart / near).max(1e-3);
        Test {
            fixed: (1.0 + q) * near * near,
            share: (1.0 + 1.0 / q) * slope * slope + 2e-6,
            half_window_s: self.half_window_s,
        }
    }

    /// The test for two ordinary objects.
    pub(super) fn ordinary_test(&self) -> Test {
        self.test(2.0 * self.ordinary_km, 2.0 * self.ordinary_pad_km)
    }

    /// The test for two objects of which nothing but their pads is known.
    pub(super) fn widest_test(&self, pads_km: f64) -> Test {
        self.test(2.0 * (11.3 * self.half_window_s + 10.0), pads_km)
    }
}

/// When two marked objects may be within the limit: seconds from the middle of the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Meeting {
    pub(super) from_s: f64,
    pub(super) to_s: f64,
    /// They never pass each other at [`super::SLOW_KM_S`] or more in this window.
    pub(super) slow: bool,
}

/// The relative motion of two marks over a window, to the third power of time, and how far it may be off.
struct Course {
    s: [f64; 3],
    u: [f64; 3],
    a: [f64; 3],
    j: [f64; 3],
    off_km: f64,
}

/// Acceleration and jerk of two-body motion, and a bound on the fourth derivative over a window that reaches as low as
/// `lowest_km`.
///
/// With q = mu / r^3 the derivatives are -q r, -q (v - 3 (r.v) r / r^2) and
/// -q (a - 6 (r.v) v / r^2 - 3 (v^2 + r.a) r / r^2 + 15 (r.v)^2 r / r^4). On an orbit of eccentricity e the last is at
/// most mu^2 / r^5 (1 + 15 e + 23 e^2), because v^2 - mu/r is at most e mu/r times (1 + e), and (r.v)/r at most e v.
fn pulls(r: [f64; 3], v: [f64; 3], half_window_s: f64) -> ([f64; 3], [f64; 3], f64) {
    let radius = norm(r);
    let along = dot(r, v);
    let pull = MU_KM3_S2 / radius.powi(3);
    let a = r.map(|x| -pull * x);
    let share = 3.0 * along / (radius * radius);
    let j = [0, 1, 2].map(|k| -pull * (v[k] - share * r[k]));
    let parameter = (radius * radius * dot(v, v) - along * along) / MU_KM3_S2;
    let rate = along / radius;
    let e = ((parameter / radius - 1.0).powi(2) + rate * rate * parameter / MU_KM3_S2).sqrt().min(1.5);
    let lowest = (radius - rate.abs() * half_window_s - 0.5 * GRAVITY_KM_S2 * e * half_window_s.powi(2))
        .max(parameter / (1.0 + e))
        .max(6000.0);
    let snap = MU_KM3_S2 * MU_KM3_S2 / lowest.powi(5) * (1.0 + e * (15.0 + 23.0 * e)) * (1.0 + e);
    (a, j, snap)
}

impl Course {
    fn new(a: &Mark, b: &Mark, half_window_s: f64) -> Self {
        let (ra, va) = (a.r.map(f64::from), a.v.map(f64::from));
        let (rb, vb) = (b.r.map(f64::from), b.v.map(f64::from));
        let (aa, ja, snap_a) = pulls(ra, va, half_window_s);
        let (ab, jb, snap_b) = pulls(rb, vb, half_window_s);
        Self {
            s: minus(rb, ra),
            u: minus(vb, va),
            a: minus(ab, aa),
            j: minus(jb, ja),
            off_km: (snap_a + snap_b) * half_window_s.powi(4) / 24.0,
        }
    }

    fn at(&self, t: f64) -> ([f64; 3], [f64; 3], [f64; 3]) {
        let place = |k: usize| self.s[k] + t * (self.u[k] + t * (0.5 * self.a[k] + t * self.j[k] / 6.0));
        let rate = |k: usize| self.u[k] + t * (self.a[k] + 0.5 * t * self.j[k]);
        let bend = |k: usize| self.a[k] + t * self.j[k];
        ([place(0), place(1), place(2)], [rate(0), rate(1), rate(2)], [bend(0), bend(1), bend(2)])
    }

    /// When they are nearest within `h` of the middle, by Newton's method from there.
    fn nearest_s(&self, h: f64) -> f64 {
        let mut t = (-dot(self.s, self.u) / dot(self.u, self.u)).clamp(-h, h);
        for _ in 0..4 {
            let (s, v, a) = self.at(t);
            let slope = dot(v, v) + dot(s, a);
            if !(slope > 0.0) {
                break;
            }
            t = (t - dot(s, v) / slope).clamp(-h, h);
        }
        t
    }
}

/// Relative speed in km/s from which a pair's distance has one minimum in a window: below, gravity's gradient may bend
/// the way so much that it has more.
const PASSING_KM_S: f64 = 0.3;

impl Test {
    /// The plain form of the test, for pairs that have passed the one for many; `pads_km` is the sum of their pads.
    pub(super) fn meeting(&self, bound: &Bound, a: &Mark, b: &Mark, pads_km: f64) -> Option<Meeting> {
        let h = self.half_window_s;
        let course = Course::new(a, b, h);
        let (s2, su, u2) = (dot(course.s, course.s), dot(course.s, course.u), dot(course.u, course.u));
        let limit = self.fixed + self.share * s2;
        let tau = if u2 > 0.0 { (-su / u2).clamp(-h, h) } else { 0.0 };
        if s2 + tau * (2.0 * su + tau * u2) > limit {
            return None;
        }
        let speed = u2.sqrt();
        if speed > PASSING_KM_S {
            return course.passing(bound, h, pads_km);
        }
        // The rate at which the relative velocity can turn, and what floats and SGP4's own velocity add.
        let faster = bound.bend / h * (s2.sqrt() + speed * h) + 5e-3;
        let slow = speed + faster < super::SLOW_KM_S;
        let half = ((limit - (s2 - su * su / u2)).max(0.0)).sqrt() / speed;
        if !half.is_finite() || half > 4.0 * h {
            return Some(Meeting { from_s: -h, to_s: h, slow });
        }
        let middle = -su / u2;
        let slack = 0.05 + 5e-3 / speed + 1e-4 * middle.abs();
        Some(Meeting { from_s: (middle - half - slack).max(-h), to_s: (middle + half + slack).min(h), slow })
    }
}

impl Course {
    /// When two that pass each other can be within the limit.
    fn passing(&self, bound: &Bound, h: f64, pads_km: f64) -> Option<Meeting> {
        // Floats: half a metre a mark.
        let limit = bound.within_km + pads_km + self.off_km + 2e-3;
        let t = self.nearest_s(h);
        let (s, v, _) = self.at(t);
        let rest = limit * limit - dot(s, s);
        if rest < 0.0 {
            return None;
        }
        // The speed changes little while they are so near; a third more for it, and for the curve.
        let half = 1.34 * rest.sqrt() / norm(v).max(0.5 * PASSING_KM_S) + 0.1 + 5e-3 / norm(v);
        Some(Meeting { from_s: (t - half).max(-h), to_s: (t + half).min(h), slow: false })
    }
}
