//! Companions: which object keeps another company, since when, and who came to whom.
//!
//! # What is found
//! All objects are propagated to the same sample times, evenly spread over the span: every ten minutes up to a day,
//! [`MAX_SAMPLES`] times in longer spans, fewer for more than some 41,000 objects. At each, all pairs within the distance of each other that move at less than
//! [`SLOW_NEIGHBOUR_KM_S`] against each other are collected on a grid, so the work grows with the number of
//! neighbours and not with that of pairs. A pair that dwells less than [`MIN_DWELL`] of the samples is a passer-by and
//! is not listed, save in catalogues of at most [`MAX_PASSING_OBJECTS`] objects: there [`screen`] finds
//! every pair whose minimum is within the distance, and each is listed, with the small score that it has.
//!
//! # What is said about a pair
//! - Dwell: share of the samples within the distance. Of a pair that only passes: the time that it would take to cross
//!   the distance in a straight line at each pass.
//! - Mean distance: over all samples, whether within or not. Minimum: the lowest sample, or lower where golden section
//!   with [`crate::Propagator::state_at`] leads around the three samples from which straight motion would lead nearest.
//!
//!   Samples are by [`crate::Kernel::Portable`] on every machine, so that nothing here depends on the processor.
//! - Drift: by how many degrees a day the mean longitude along the orbit (anomaly, perigee and node) of the chaser runs
//!   ahead of that of the target, from the mean elements at the middle of the span with the secular rates of J2 (Vallado,
//!   "Fundamentals", 9.6). In GEO this is the difference of their drift over the ground; in low orbit the phasing.
//! - Since and chaser: see `history`. Recognised company (docked, formations, co-located fleets, constellations, one
//!   launch, one name) is named and marked down, never left out: see `fleet`. The score: see `score`.

mod explain;
mod fleet;
mod history;
mod mean;
mod sample;
mod score;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use base::{Fault, Interval, NoradId, Timestamp};

use crate::{Approach, Catalogue, ElementSet, Ephemeris, ScreenError, ScreenLimits, screen};
use explain::Pair;
use history::Snapshots;
use mean::MeanOrbit;
use sample::{Encounter, Samples};
use score::Parts;

/// Neighbours that move faster than this against each other at a sample are passing.
pub const SLOW_NEIGHBOUR_KM_S: f64 = 1.0;

/// Share of the samples within the distance below which a pair is not listed.
pub const MIN_DWELL: f64 = 0.05;

/// Up to this many objects even pairs that only pass are listed.
pub const MAX_PASSING_OBJECTS: usize = 250;

/// Samples in a span; more than a day has a wider spacing.
const MAX_SAMPLES: usize = 145;

/// Samples in any span, however short or full of objects.
const MIN_SAMPLES: usize = 13;

/// States that are kept, 36 bytes each: above 41,000 objects there are fewer samples for it.
const MAX_STATES: usize = 6_000_000;

/// Seconds between samples in spans of up to a day.
const STEP_S: f64 = 600.0;

/// More pairs than this are refused.
const MAX_PAIRS: usize = 4_000_000;

/// Objects whose element set is so many days further from the span than that of most others are left out: they were
/// in an earlier catalogue and are no longer in the present one.
const STALE_DAYS: f64 = 30.0;

/// A pair in company.
#[derive(Debug, Clone, PartialEq)]
pub struct Companion {
    /// Who came, or of a pair that does not tell, the object with the higher catalogue number: it was launched later.
    pub chaser: NoradId,
    /// The other.
    pub target: NoradId,
    /// 0 to 1: how much it looks like one object that keeps to another. Grows with `dwell_share`, all else being equal.
    pub score: f64,
    /// Share of the span within the distance, 0 to 1.
    pub dwell_share: f64,
    /// Mean distance over the whole span in km.
    pub mean_km: f64,
    /// Smallest distance in km.
    pub min_km: f64,
    /// Mean longitude along the orbit, chaser minus target, in degrees a day.
    pub drift_deg_per_day: f64,
    /// Since when they are in company, as far as the catalogues tell.
    pub since: Timestamp,
    /// How it is known who came; [`Direction::Unknown`] where it is not.
    pub direction: Direction,
    /// The fleet, formation or launch that explains the company, where one is recognised.
    pub recognised: Option<String>,
    /// All of this in words.
    pub explanation: String,
}

/// How it is known which object of a pair is the chaser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// Between two catalogues its orbit changed more than that of the target, and they came into company.
    Moved,
    /// It is not in the earlier catalogue, the target is.
    New,
    /// It drifts over the ground in GEO, the target stands.
    Drifts,
    /// It is on the list of vehicles that are known to visit others.
    KnownVisitor,
    /// Nothing tells.
    Unknown,
}

/// What [`companions`] found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Companions {
    /// By falling score, then by the numbers of chaser and target.
    pub companions: Vec<Companion>,
    /// `orbit::cannot_propagate` (error), `orbit::error_state` and `orbit::stale_elements` (warnings).
    pub faults: Vec<Fault>,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompanionError {
    /// `progress` asked to stop.
    #[error("the search was cancelled")]
    Cancelled,
    /// The distance is too wide for this catalogue.
    #[error("more than {limit} pairs are near each other; choose a smaller distance or fewer objects")]
    TooMany {
        /// How many are kept.
        limit: usize,
    },
    /// The catalogue is larger than any that there is.
    #[error("more than {limit} objects; choose some of them")]
    TooManyObjects {
        /// How many can be searched.
        limit: usize,
    },
}

impl From<ScreenError> for CompanionError {
    fn from(error: ScreenError) -> Self {
        match error {
            ScreenError::TooMany { limit } => Self::TooMany { limit },
            _ => Self::Cancelled,
        }
    }
}

/// The pairs of objects that keep company within `limits` during `span`, the most remarkable first.
///
/// `catalogues` may be of one day or of several, in any order: those whose epochs lie within half a day are one
/// snapshot. Each object is propagated from the element set nearest to the middle of the span; the other snapshots tell
/// what was before. `pool` spreads the work; the result is the same without. `progress` gets steps done and steps in
/// all, and stops the work by returning [`ControlFlow::Break`].
///
/// Distances between mean element sets are some kilometres wrong, and more with each day from the epoch: a score says
/// what to look at, not what happened.
///
/// # Errors
/// When `progress` stopped it, or when there are too many objects or pairs to keep.
///
/// ```
/// use std::ops::ControlFlow;
/// let span = base::Interval::starting("2026-03-10T12:00:00Z".parse().unwrap(), 86_400.0);
/// let limits = orbit::ScreenLimits::within_km(300.0).unwrap();
/// let none = orbit::Catalogue::default();
/// let found = orbit::companions(&[none], span, &limits, None, &|_, _| ControlFlow::Continue(())).unwrap();
/// assert!(found.companions.is_empty());
/// ```
pub fn companions(
    catalogues: &[Catalogue],
    span: Interval,
    limits: &ScreenLimits,
    pool: Option<&rayon::ThreadPool>,
    progress: &(dyn Fn(u64, u64) -> ControlFlow<()> + Sync),
) -> Result<Companions, CompanionError> {
    let middle = span.start().plus_seconds(span.seconds() / 2.0);
    let snapshots = Snapshots::new(catalogues, middle, STALE_DAYS);
    let mut found = Companions::default();
    if snapshots.stale > 0 {
        found.faults.push(stale(snapshots.stale));
    }
    let limit = MAX_STATES / MIN_SAMPLES;
    if snapshots.current.len() > limit {
        return Err(CompanionError::TooManyObjects { limit });
    }
    let (ephemeris, faults) = Ephemeris::new(&snapshots.current);
    found.faults.extend(faults);
    let samples = Samples::new(&ephemeris, span, pool);
    found.faults.extend(samples.in_error().into_iter().map(error_state));
    let candidates = candidates(&snapshots.current, &ephemeris, &samples, span, limits, pool, progress)?;
    let describe = |candidate: &Candidate| {
        let one = |index: u32| snapshots.current.get(ephemeris.propagators().get(index as usize)?.norad_id());
        let (a, b) = (one(candidate.a)?, one(candidate.b)?);
        let mut now = samples.encounter(candidate.a as usize, candidate.b as usize, limits.km())?;
        if let Some(pass) = &candidate.pass {
            now.dwell_share = pass.share;
            now.min_km = now.min_km.min(pass.min_km);
            now.first = pass.first;
        }
        Some(describe(a, b, &now, &snapshots, limits.km(), span))
    };
    found.companions = sample::map(pool, &candidates, describe).into_iter().flatten().collect();
    found.companions.sort_by(|x, y| {
        y.score.total_cmp(&x.score).then_with(|| (x.chaser, x.target).cmp(&(y.chaser, y.target)))
    });
    Ok(found)
}

fn stale(count: usize) -> Fault {
    Fault::warning(
        "orbit::stale_elements",
        format!(
            "{count} objects have no element set within {STALE_DAYS} days of the others; they were left out, give a \
             newer catalogue that holds them"
        ),
    )
}

fn error_state(id: NoradId) -> Fault {
    Fault::warning(
        "orbit::error_state",
        format!(
            "object {id} has no valid state in a part of the span, which was left out; get a newer element set"
        ),
    )
}

/// A pair to describe, by places in the ephemeris.
struct Candidate {
    a: u32,
    b: u32,
    /// Set for a pair that only passes.
    pass: Option<Pass>,
}

/// What screening says about a pair that only passes.
#[derive(Clone, Copy)]
struct Pass {
    /// Of the span, within the distance.
    share: f64,
    min_km: f64,
    first: Timestamp,
}

fn candidates(
    current: &Catalogue,
    ephemeris: &Ephemeris,
    samples: &Samples<'_>,
    span: Interval,
    limits: &ScreenLimits,
    pool: Option<&rayon::ThreadPool>,
    progress: &(dyn Fn(u64, u64) -> ControlFlow<()> + Sync),
) -> Result<Vec<Candidate>, CompanionError> {
    let slow = samples.slow_neighbours(limits.km(), MIN_DWELL, pool, progress)?;
    let mut pairs: BTreeMap<(u32, u32), Option<Pass>> = slow.into_iter().map(|pair| (pair, None)).collect();
    if current.len() <= MAX_PASSING_OBJECTS {
        let places: BTreeMap<NoradId, u32> =
            ephemeris.propagators().iter().zip(0..).map(|(p, index)| (p.norad_id(), index)).collect();
        let silent = |_, _| progress(samples.times.len() as u64, samples.times.len() as u64);
        let approaches = match screen(current, span, limits, None, pool, &silent) {
            Ok(screening) => screening.approaches,
            // So many passes say nothing; the slow pairs are complete without them.
            Err(ScreenError::TooMany { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        for (ids, pass) in passes(&approaches, span, limits.km()) {
            if let (Some(a), Some(b)) = (places.get(&ids.0), places.get(&ids.1)) {
                pairs.entry((*a.min(b), *a.max(b))).or_insert(Some(pass));
            }
        }
    }
    Ok(pairs.into_iter().map(|((a, b), pass)| Candidate { a, b, pass }).collect())
}

/// Time within the distance and minimum of each pair that was screened.
fn passes(approaches: &[Approach], span: Interval, within_km: f64) -> BTreeMap<(NoradId, NoradId), Pass> {
    let mut passes: BTreeMap<(NoradId, NoradId), Pass> = BTreeMap::new();
    for approach in approaches {
        let (seconds, min_km, first) = match approach {
            // Straight through the sphere.
            Approach::Event(e) => {
                let chord_km = 2.0 * (within_km * within_km - e.miss_km * e.miss_km).max(0.0).sqrt();
                (chord_km / e.relative_speed_km_s, e.miss_km, e.tca)
            }
            Approach::Interval(p) => (p.end.seconds_since(p.start), p.min_km, p.start),
        };
        let share = seconds / span.seconds();
        let pass = passes.entry((approach.norad_a(), approach.norad_b())).or_insert(Pass {
            share: 0.0,
            min_km,
            first,
        });
        pass.share = (pass.share + share).min(1.0);
        pass.min_km = pass.min_km.min(min_km);
        pass.first = pass.first.min(first);
    }
    passes
}

fn describe(
    a: &ElementSet,
    b: &ElementSet,
    now: &Encounter,
    snapshots: &Snapshots,
    within_km: f64,
    span: Interval,
) -> Companion {
    let past = snapshots.history(a, b, now, within_km, span);
    // The catalogue number rises with the launch, so the later object is taken for the one that came.
    let higher = if a.norad_id() > b.norad_id() { a } else { b };
    let first_is_chaser = past.chaser.unwrap_or(higher.norad_id()) == a.norad_id();
    let (chaser, target) = if first_is_chaser { (a, b) } else { (b, a) };
    let middle = span.start().plus_seconds(span.seconds() / 2.0);
    let orbits = (MeanOrbit::at(chaser, middle), MeanOrbit::at(target, middle));
    let drift_deg_per_day = orbits.0.drift_deg_per_day(&orbits.1);
    let synchronous = orbits.0.near_synchronous() && orbits.1.near_synchronous();
    let recognised = fleet::recognise(a, b, now.mean_km);
    let parts = Parts {
        dwell_share: now.dwell_share,
        mean_km: now.mean_km,
        within_km,
        drift_km_per_day: drift_deg_per_day.to_radians() * orbits.1.semi_major_axis_km,
        plane_angle_deg: if synchronous { 0.0 } else { orbits.0.plane_angle_deg(&orbits.1) },
        direction: past.direction,
        long_standing: past.long_standing,
        recognition: recognised.as_ref().map_or(1.0, |r| r.weight),
    };
    let pair = Pair { chaser, target, now, past: &past, orbits, within_km, span };
    Companion {
        chaser: chaser.norad_id(),
        target: target.norad_id(),
        score: parts.score(),
        dwell_share: now.dwell_share,
        mean_km: now.mean_km,
        min_km: now.min_km,
        drift_deg_per_day,
        since: past.since,
        direction: past.direction,
        explanation: pair.explanation(recognised.as_ref().map(|r| r.name.as_str())),
        recognised: recognised.map(|r| r.name),
    }
}
