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
//! Error states (decay and so on) are masked: nothing is reported from them, and an object that is in one at any look,
//! taken every 240 s and at the end of the span, gets one warning.
//!
//! # Why nothing is missed
//! The span is cut into windows of 2h = 240 s. At the middle of each all objects are propagated, by whichever kernel.
//!
//! *Two objects.* Their separation is s and their relative velocity u at the middle. If they meet (come within w) at tau,
//! |tau| <= h, then for two-body motion the separation strays from s + u tau by at most the double integral of L |sep|,
//! where `L = 2 mu / rho^3` bounds the gravity gradient between two points outside the Earth (rho is less than the
//! Earth's radius, because the line between the points may sag below the surface). Until they meet they are at most
//! w plus both *reaches* apart, which bounds what they stray by M. With |sep| at most the way between |s| and w + M,
//! plus M, they stray by at most `L h^2 (|s| / 3 + (w + M) / 6 + M / 2)`. So they can only meet if the least of
//! |s + u tau| is at most w, plus that, plus both *pads*; its square is at most `fixed + share |s|^2` ([`bound::Test`]).
//! The times at which |s + u tau| is that small are the only lattice cells that are searched.
//!
//! *Pads* hold what SGP4 adds to two-body motion within half a window: J2, drag, its velocity not being the exact
//! derivative of its position. A pad is twice the largest deviation that was seen, and at least what J2 can do at the
//! surface. Circular orbits that cannot decay (*even* ones) are looked at 16 times in the span; eccentric ones, those
//! that may decay and those that SDP4 may let jump are looked at in every window in which they come below two radii of
//! the Earth, and in every 64th besides: further out J2 does less than a sixteenth of what the pad has for it. This and
//! the curves below are the parts that are measured, not proved; `tests` and `hard_tests` compare with brute force.
//!
//! *Rough and odd objects.* Where the pad is above 1 km (SGP4 carries off objects about to decay) it is worked out window
//! by window; while it stays above, or while the object has no valid state at the middle, it is *odd*: it has no mark,
//! but was seen every 10 s, and the straight ways between sightings stand for it, with room for their bend. Where it is
//! in an error state at both ends of all lattice cells of a window, nothing is searched there and it is not seen.
//!
//! *Reach* is the speed at the lowest radius within the window, times h, plus the pad: no object gets further from its
//! place at the middle. So objects that meet are at most w plus both reaches apart at the middle, along every axis.
//! Objects whose reach or pad is above that of a circular low orbit are *special*.
//!
//! *The grid* hands out every pair of ordinary objects that is so near ([`grid`]): its cell is as large as w plus two
//! ordinary reaches, so such objects are in columns (of y and z) that are the same or touch. Places beyond the grid's
//! edge fall into the last columns, which keeps neighbours neighbours. An object is in the list of its own column and of
//! the two beside it in the row, on its own side of x, and on the other too if it is within a cell of x = 0: one that
//! meets it from across lies within a cell of x = 0 as well. It searches the lists of its column and of those in the
//! rows above and below. In a list, both objects' ranges of radius, each widened by half of w, must overlap; of two ranges
//! that do, one begins within the other, so one of the two finds the pair, or both do. Specials look around as far as w,
//! their own reach and an ordinary one; specials among each other, and odd objects with all, are compared one by one.
//! Primaries look around like specials.
//!
//! *Few primaries* do without the grid ([`few`]). The span is cut into longer steps of 16 windows, and the two objects
//! of a pair are compared window by window, as above, only in steps in which the *curves* ([`curves`]) let them meet. The
//! curve of an object in a step lies in the plane of its place and velocity at the middle; it is SGP4's ellipse there
//! with the short-period term of the radius, so that J2, which bends an osculating ellipse by kilometres, hardly bends
//! it. Within the step the object strays from that plane by at most z (height), and its foot in the plane from the curve
//! by at most d along the radius, and it turns about the Earth in t seconds from the middle by between `a t` and `b t`.
//! These four are measured like pads, with double the margin seen: at the borders of steps and halfway to them, in 16
//! steps for even orbits, spread over the orbit by the golden ratio, and in every step for others. A step in which an object has no valid state, strays by more than
//! 100 km or turns faster than anything that is bound has no curve, and everything is compared window by window.
//!
//! Let P and Q be the places of A and B when they meet, so |P - Q| <= w, P' and Q' their feet, r and r' the radii of
//! these, c the unit vector of the line in which the planes meet, and s the sine of the angle between the planes. Then:
//! 1. |r - r'| <= w + (z_A^2 + z_B^2) / (2 r), since a place is higher than its foot by no more than z^2 / (2 r).
//! 2. P' is no further than Z = w + z_A + z_B from the plane of B, and Q' from that of A: so both are within an angle x of
//!    c or of -c with sin x <= Z / (r s). Where that is below 1/2, x <= 1.05 Z / (r s), and both are at the same of the
//!    two, since they are near each other; where it is not, the planes are *flat* and nothing is said.
//! 3. An ellipse's radius changes with the angle by at most G = e / sqrt(1 - e^2) of itself; so from P' to c by at most
//!    1.72 G x r as long as G x <= 1 (else: flat), which is less than 1.82 G Z / s, and the term of J2, 2 k c_z^2 / p, by
//!    at most 2 k x / p. That term differs between both by at most 2 |k / p_A - k / p_B|. So the ellipses' radii towards
//!    c differ by at most w + d_A + d_B, the squares above, the difference of the terms and Z (1.82 (G_A + G_B) + ..) / s.
//! 4. Meeting t seconds from the middle they have turned by angles that differ by at most |t| times the difference of
//!    the rates; the angles from their places at the middle to c differ by at most that and both x. The chord between
//!    two directions is no longer than the angle.
//!
//! A step in which 3 or 4 fails for c and for -c holds no meeting. Over a block of steps the curves keep between two
//! radii, which is compared first, and so are the bounds of both radii over the whole span.
//!
//! *Rounding.* Marks are floats. `share` has 2e-6 for the rounding of products, `fixed` 2 m for that of places in low
//! orbits; far out, where a float's last place is longer (16 m at 260,000 km), the pad has 0.2 km to spare, because J2 is
//! weak there.
//!
//! # Why nothing depends on the plan
//! A pair that passes is searched on a lattice of 30 s that depends on nothing but the span, by scalar SGP4 and root
//! finding, in all cells in which it can be within w. Cells that are searched in vain give nothing, so the reports do
//! not depend on the windows, the kernel, the grid, the order of objects, the number of threads or the way in which
//! primaries are compared, down to the last bit. Within a lattice cell f rises through zero at most once:
//! f' = v^2 + r . a is positive for every pair faster than sqrt(L) d (0.5 km/s at 300 km), and slower pairs move on the
//! time scale 1/sqrt(L) = 570 s. A cell is passed over where the straight way between the separations at its ends keeps
//! further away than the pair can stray from it in 30 s (`stays_out`).

mod again;
mod astray;
mod bodies;
mod bound;
mod curves;
mod few;
mod grid;
#[cfg(test)]
mod hard_tests;
mod many;
mod marks;
mod refine;
mod rough;
mod sightings;
mod slow;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use base::{Fault, Interval, NoradId, Timestamp};

use crate::Catalogue;
use sweep::Plan;

pub use again::rescreen;

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
    /// What [`rescreen`] was given comes from a screening of another span or distance.
    #[error("the approach of {a} and {b} is not of this span and distance; screen all pairs anew")]
    OtherScreening {
        /// The object with the lower catalogue number.
        a: NoradId,
        /// The other.
        b: NoradId,
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
