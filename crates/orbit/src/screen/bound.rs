//! What can happen to objects within a window, and the numbers that the tests of pairs need. The proofs are in the
//! notes of [`super`].

use super::bodies::MU_KM3_S2;
use crate::frame::{minus, norm};

/// An object at the middle of a window, as floats: TEME in km and km/s, and the radii between which it stays, widened
/// by half the limit, so that two objects whose radii do not overlap cannot meet.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    pub(super) r: [f32; 3],
    pub(super) v: [f32; 3],
    pub(super) low: f32,
    pub(super) high: f32,
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

    /// Whether an object that stays inside a ball can meet another; see [`Ball`].
    pub(super) fn can_meet_ball(&self, ball: &Ball, center: [f64; 3], reach_km: f64) -> bool {
        let height = norm(center);
        let margin = self.within_km + reach_km;
        norm(minus(center, ball.center)) <= ball.radius_km + margin
            && height + margin >= ball.lowest_km
            && height - margin <= ball.highest_km
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

impl Test {
    /// The plain form of the test, for pairs that have passed the one for many.
    pub(super) fn meeting(&self, bound: &Bound, a: &Mark, b: &Mark) -> Option<Meeting> {
        let difference = |x: [f32; 3], y: [f32; 3]| [0, 1, 2].map(|i| f64::from(y[i]) - f64::from(x[i]));
        let (s, u) = (difference(a.r, b.r), difference(a.v, b.v));
        let dot = |x: [f64; 3], y: [f64; 3]| x[0] * y[0] + x[1] * y[1] + x[2] * y[2];
        let (s2, su, u2) = (dot(s, s), dot(s, u), dot(u, u));
        let h = self.half_window_s;
        let limit = self.fixed + self.share * s2;
        let tau = if u2 > 0.0 { (-su / u2).clamp(-h, h) } else { 0.0 };
        if s2 + tau * (2.0 * su + tau * u2) > limit {
            return None;
        }
        let speed = u2.sqrt();
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

    /// Whether the two can meet.
    pub(super) fn can_meet(&self, other: &Self, bound: &Bound) -> bool {
        bound.can_meet_ball(self, other.center, other.radius_km)
    }
}
