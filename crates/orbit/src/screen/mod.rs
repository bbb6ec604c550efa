//! Screening: which objects come within a distance of each other, when and how.
//!
//! # What is reported
//! Let d(t) be the distance of a pair and f(t) = r . v its relative position times its relative velocity, both from
//! SGP4. A *closest point* is a time at which f rises through zero; the first instant of the span is one too where f
//! is not negative there, and the last where f is negative there (likewise where an error state begins or ends).
//!
//! - An [`Event`] is a closest point inside the half-open span with d at most the limit and a relative speed of at
//!   least [`SLOW_KM_S`]. Closest points at the border of the span are no events: their minimum lies outside.
//! - A *stay* is an unbroken run of time in the span with d at most the limit. A stay with a closest point slower than
//!   [`SLOW_KM_S`] (border points count) is reported as one [`Proximity`], whatever number of minima it has; its minimum
//!   is that of the distance itself, its mean the time average by Simpson's rule on the lattice named below. So docked,
//!   co-located and formation pairs are never dropped, and every closest point belongs to exactly one report, except
//!   fast ones at the border.
//!
//! Error states (decay and so on) are masked: nothing is reported from them, and the object gets one warning.
//!
//! # Why nothing is missed
//! The span is cut into windows of 2h. At the middle of each, all objects are propagated. For a pair with separation
//! s and relative velocity u at the middle, the separation at tau from there differs from s + u tau by at most
//! `m = L D h^2 / 2` for two-body motion, where `L = 2 mu / rho^3` bounds the gravity gradient between two points
//! outside the Earth and `D = (|s| + |u| h) / (1 - L h^2 / 2)` bounds the separation in the window (D solves
//! D = |s| + |u| h + L D h^2 / 2). What SGP4 adds to two-body motion in a window (J2, drag, its velocity not being the
//! exact derivative of its position) is bounded object by object: its `pad` is twice the largest deviation found at
//! 16 to 64 times in the span, and at least what J2 can do at the Earth's surface. Objects that SGP4 carries off (a pad
//! above 1 km: it does so with objects about to decay) get their pad window by window, and while it stays above 1 km, or
//! while they are in an error state in a part of the window, a ball around where they are seen every 10 s. So a pair can only come within w if
//! the minimum of |s + u tau| over |tau| <= h is at most w + m + pad_a + pad_b. This test is put to every pair whose
//! middle positions are nearer than w plus both *reaches* (speed h + g h^2 / 2 + pad), and the grid hands out every
//! such pair: its cell is as large as w plus twice the reach of a circular low orbit, and faster objects look around
//! further. The sampled pad is the one part that is measured, not proved; `tests` compare with brute force.
//!
//! A pair that passes is searched on a lattice of 30 s that depends on nothing but the span, by scalar SGP4 and
//! root finding. So the reports do not depend on the windows, the grid, the order of objects or the number of threads,
//! down to the last bit. Within a lattice cell f rises through zero at most once: f' = v^2 + r . a is positive for every
//! pair faster than sqrt(L) d (0.5 km/s at 300 km), and slower pairs move on the time scale 1/sqrt(L) = 570 s.

mod bodies;
mod bound;
mod few;
mod grid;
mod marks;
mod refine;
mod slow;
mod sweep;
#[cfg(test)]
mod hard_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use base::{Fault, Interval, NoradId, Timestamp};

use crate::Catalogue;
use sweep::Plan;

/// Relative speed in km/s below which a closest point makes a [`Proximity`] instead of an [`Event`].
pub const SLOW_KM_S: f64 = 0.05;

/// The largest distance that can be screened for, in km.
pub const MAX_WITHIN_KM: f64 = 1000.0;

/// More reports than this are refused: the limit was chosen too wide.
const MAX_APPROACHES: usize = 5_000_000;

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScreenLimits {
    within_km: f64,
}

/// A limit that cannot be screened for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{within_km}` km cannot be screened for; allowed is above 0 and up to {MAX_WITHIN_KM} km")]
pub struct LimitsError {
    /// What was given.
    pub within_km: f64,
}

impl ScreenLimits {
    /// Approaches to within `within_km`.
    ///
    /// # Errors
    /// When the distance is not above 0 and up to [`MAX_WITHIN_KM`].
    pub fn within_km(within_km: f64) -> Result<Self, LimitsError> {
        if within_km > 0.0 && within_km <= MAX_WITHIN_KM {
            Ok(Self { within_km })
        } else {
            Err(LimitsError { within_km })
        }
    }

    /// The distance in km.
    pub fn km(&self) -> f64 {
        self.within_km
    }
}

/// A fast pass: one minimum of the distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// The object with the lower catalogue number.
    pub norad_a: NoradId,
    /// The other.
    pub norad_b: NoradId,
    /// Time of closest approach, to the nanosecond.
    pub tca: Timestamp,
    /// Distance then in km.
    pub miss_km: f64,
    /// Relative speed then in km/s.
    pub relative_speed_km_s: f64,
    /// Position of b relative to a along a's radius (outwards) in km.
    pub radial_km: f64,
    /// Position of b relative to a along the normal to a's radius in its orbit plane, forwards, in km.
    pub in_track_km: f64,
    /// Position of b relative to a along a's orbit normal (r x v) in km.
    pub cross_track_km: f64,
}

/// A slow pair: a run of time within the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proximity {
    /// The object with the lower catalogue number.
    pub norad_a: NoradId,
    /// The other.
    pub norad_b: NoradId,
    /// When the distance falls to the limit, or the start of the span.
    pub start: Timestamp,
    /// When it rises above it again, or the end of the span.
    pub end: Timestamp,
    /// Smallest distance in km.
    pub min_km: f64,
    /// When it is smallest.
    pub min_time: Timestamp,
    /// Mean distance over the time in km.
    pub mean_km: f64,
}

/// One report of [`screen`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Approach {
    /// A fast pass.
    Event(Event),
    /// A slow pair.
    Interval(Proximity),
}

impl Approach {
    /// The object with the lower catalogue number.
    pub fn norad_a(&self) -> NoradId {
        match self {
            Self::Event(e) => e.norad_a,
            Self::Interval(p) => p.norad_a,
        }
    }

    /// The other object.
    pub fn norad_b(&self) -> NoradId {
        match self {
            Self::Event(e) => e.norad_b,
            Self::Interval(p) => p.norad_b,
        }
    }

    /// Time of closest approach.
    pub fn closest_time(&self) -> Timestamp {
        match self {
            Self::Event(e) => e.tca,
            Self::Interval(p) => p.min_time,
        }
    }

    /// Smallest distance in km.
    pub fn closest_km(&self) -> f64 {
        match self {
            Self::Event(e) => e.miss_km,
            Self::Interval(p) => p.min_km,
        }
    }

    /// The instant of an event, the time of a proximity.
    pub fn interval(&self) -> Interval {
        match self {
            Self::Event(e) => Interval::at(e.tca),
            Self::Interval(p) => Interval::new(p.start, p.end).unwrap_or(Interval::at(p.start)),
        }
    }

    fn order(&self) -> (Timestamp, NoradId, NoradId, bool) {
        (self.interval().start(), self.norad_a(), self.norad_b(), matches!(self, Self::Interval(_)))
    }
}

/// What [`screen`] found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Screening {
    /// By time (event: closest approach; proximity: start), then by the two numbers.
    pub approaches: Vec<Approach>,
    /// `orbit::cannot_propagate` (error), `orbit::error_state` and `orbit::not_in_catalogue` (warnings).
    pub faults: Vec<Fault>,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScreenError {
    /// `progress` asked to stop.
    #[error("screening was cancelled")]
    Cancelled,
    /// The limit is too wide for this catalogue.
    #[error("more than {limit} approaches; choose a smaller distance, a shorter span or primaries")]
    TooMany {
        /// How many are kept.
        limit: usize,
    },
}

/// Screens all pairs of `catalogue` over `span`, or with `primaries` the pairs that have at least one of them.
///
/// See the module's notes for what is reported and why it is complete. `pool` spreads the work; without one it runs on
/// the calling thread; the result is the same to the last bit. `progress` gets steps done and steps in all, from any
/// thread, and stops the work by returning [`ControlFlow::Break`].
///
/// # Errors
/// When `progress` stopped it, or when there are too many approaches to keep.
///
/// ```
/// use std::ops::ControlFlow;
/// let catalogue = orbit::Catalogue::default();
/// let span = base::Interval::starting("2026-03-10T12:00:00Z".parse().unwrap(), 3600.0);
/// let limits = orbit::ScreenLimits::within_km(5.0).unwrap();
/// let found = orbit::screen(&catalogue, span, &limits, None, None, &|_, _| ControlFlow::Continue(())).unwrap();
/// assert!(found.approaches.is_empty());
/// ```
pub fn screen(
    catalogue: &Catalogue,
    span: Interval,
    limits: &ScreenLimits,
    primaries: Option<&BTreeSet<NoradId>>,
    pool: Option<&rayon::ThreadPool>,
    progress: &(dyn Fn(u64, u64) -> ControlFlow<()> + Sync),
) -> Result<Screening, ScreenError> {
    screen_with(catalogue, span, limits, primaries, pool, progress, Plan::default())
}

/// [`screen`] by a plan, which must not change the result.
fn screen_with(
    catalogue: &Catalogue,
    span: Interval,
    limits: &ScreenLimits,
    primaries: Option<&BTreeSet<NoradId>>,
    pool: Option<&rayon::ThreadPool>,
    progress: &(dyn Fn(u64, u64) -> ControlFlow<()> + Sync),
    plan: Plan,
) -> Result<Screening, ScreenError> {
    let run = sweep::Run { catalogue, span, within_km: limits.within_km, primaries, pool, progress, plan };
    let mut found = run.go()?;
    found.approaches.sort_by_key(Approach::order);
    Ok(found)
}
