//! Manoeuvres from the history of an object's element sets.
//!
//! **What is observed.** A burn along the track changes the mean motion, so that from then on the object runs ahead
//! or behind: the mean argument of latitude (near the equator the mean longitude) against a constant rate bends. A
//! metre of semi-major axis in low orbit is some 130 m a day, and element sets know the place along the track to
//! tens or hundreds of metres, so that burns of a millimetre per second show within days. A burn across the plane
//! steps the inclination and the node.
//!
//! **Method.** About every gap between two sets, the sets within [`Settings::window_days`] are fitted jointly: places
//! and rates along the track by a parabola (rate and drag are shared by both sides) whose slope has a step at the
//! gap; inclination, node, e cos w and e sin w by a parabola with a step. Weights are Huber's, so that single bad
//! sets do not count in full. Burns already found nearby are unknowns of the same fit. The step over its formal
//! deviation, and the step itself, are each divided by the median of the same object within 150 days: the object's
//! own noise, whatever its kind. The smaller of both decides: a burn must be clear against its fit and large against
//! the steps that the object always shows. Which scores are burns is decided over all gaps together by Benjamini and
//! Hochberg's procedure.
//!
//! **Vetoes.** Sets that the next set takes back are left out. After a burn the fits of the tracking network swing
//! for days, because they hold data from before it: smaller steps back and steps of the plane within a week are such
//! echoes. Weak steps far below the usual size of the object's burns are reported as below the floor.
//!
//! **When.** A set after a burn may be fitted over data from before it, and a set whose epoch lies before a burn may
//! hold data from after it. So which sets know of the burn and when it was are two questions: the first is answered
//! by the best gap, the second ([`Manoeuvre::onset`]) by the time at which the place along the track before and after
//! meet, within a day of that gap.
//!
//! **How large.** dv = n da / 2 along the track (Gauss's equations on a near-circular orbit; vis-viva where there is
//! no fit), speed times step of inclination and node across it.
//!
//! **Limits.** Purely radial burns show only in the eccentricity and are not looked for. Burns closer together than
//! the sets are one. Continuous thrust looks like drag. Objects low enough for drag to change within days have a
//! high floor. A gap of more than twice the window hides all but gross burns.
//!
//! Sources: Vallado, "Fundamentals of Astrodynamics and Applications", chapter 9 (Gauss's equations); Spacetrack
//! Report #3, section 6 (mean motion and secular rates); Huber, "Robust Statistics"; Benjamini and Hochberg 1995
//! (Journal of the Royal Statistical Society B 57); Holt and Armellin 2021 and Shorten et al. 2023 for what element
//! sets can show.

mod causal;
mod delta_v;
mod detect;
mod fit;
mod history;
mod step;
mod track;

use std::fmt;

use base::{NoradId, Timestamp};

use crate::ElementSet;
use delta_v::{DeltaV, along_track_m_s, delta_v};
use detect::Found;
use step::Burn;
use track::Track;

pub use history::ElementHistory;

/// How [`detect_manoeuvres`] judges. The defaults are what the published table was measured with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ManoeuvreSettings {
    /// Sets within this many days of a gap are fitted together.
    pub window_days: f64,
    /// The share of false ones among the burns that are claimed, as far as an object's noise is Gaussian.
    pub false_discovery_rate: f64,
    /// No step below this many spreads of the object's own is a burn, however few there are to judge.
    pub least_score: f64,
}

impl Default for ManoeuvreSettings {
    fn default() -> Self {
        Self { window_days: 10.0, false_discovery_rate: 0.1, least_score: 2.8 }
    }
}

use ManoeuvreSettings as Settings;

/// In which direction a burn was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ManoeuvreKind {
    /// Along the track.
    InPlane,
    /// Across the plane; along the track less than a fifth of that.
    CrossPlane,
    /// Both.
    Mixed,
    /// Any burn of a geosynchronous object that keeps its place: it drifts less than 0.5 degrees a day before and
    /// after.
    StationKeeping,
}

impl ManoeuvreKind {
    /// The name in output: `in_plane`, `cross_plane`, `mixed` or `station_keeping`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InPlane => "in_plane",
            Self::CrossPlane => "cross_plane",
            Self::Mixed => "mixed",
            Self::StationKeeping => "station_keeping",
        }
    }
}

impl fmt::Display for ManoeuvreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A burn, or several within a day of each other, as an object's element sets show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Manoeuvre {
    /// The object.
    pub norad_id: NoradId,
    /// The middle between [`onset`](Self::onset) and the epoch of the first set that knows of the burn, at most half a
    /// day from the onset.
    pub time: Timestamp,
    /// The best estimate of when the burn was, from where the places along the track before and after meet.
    pub onset: Timestamp,
    /// The earliest time that the places allow (95 %), not after `time`.
    pub window_start: Timestamp,
    /// The later of the latest time that the places allow (95 %) and the epoch of the first set that knows of it.
    pub window_end: Timestamp,
    /// Change of velocity in m/s, without sign.
    pub delta_v_m_s: f64,
    /// Its part along the track in m/s; positive raises the orbit.
    pub in_plane_m_s: f64,
    /// Its part across the plane in m/s, without sign; 0 where the plane shows no step.
    pub cross_plane_m_s: f64,
    /// The change of velocity along the track in m/s below which nothing is claimed of this object here.
    pub floor_m_s: f64,
    /// In which direction.
    pub kind: ManoeuvreKind,
    /// 0 to 1: one less the share of false ones expected among the object's steps that are as clear as this.
    pub confidence: f64,
    /// The step is there, but this object's sets show such steps without a burn too: no claim is made.
    pub below_floor: bool,
    /// When it would have been known; only from [`detect_manoeuvres_causally`].
    pub alarm: Option<Alarm>,
}

/// When a burn becomes known to somebody who reads the sets as they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// Epoch of the newest set that was needed.
    pub time: Timestamp,
    /// How many sets after the burn were needed.
    pub sets: usize,
}

/// The manoeuvres in `history`, by object and time. Looks at all sets, those after a burn too.
///
/// Objects with fewer than seven usable sets show none but gross ones. The order of the sets does not matter.
pub fn detect_manoeuvres(history: &ElementHistory, settings: &ManoeuvreSettings) -> Vec<Manoeuvre> {
    history.iter().flat_map(|(id, sets)| manoeuvres_of(id, sets, settings)).collect()
}

/// The manoeuvres in `history` as alarms: each is found with the sets up to its [`Alarm`] only.
///
/// A set later than the alarm changes nothing in it. The threshold is fixed, because false-discovery control needs
/// all gaps; what was an alarm once stays one.
pub fn detect_manoeuvres_causally(history: &ElementHistory, settings: &ManoeuvreSettings) -> Vec<Manoeuvre> {
    history.iter().flat_map(|(id, sets)| manoeuvre_alarms_of(id, sets, settings)).collect()
}

/// As [`detect_manoeuvres_causally`] for object `id`, whose `sets` come by rising epoch.
pub fn manoeuvre_alarms_of(id: NoradId, sets: &[ElementSet], settings: &ManoeuvreSettings) -> Vec<Manoeuvre> {
    causal::alarms(id, sets, settings)
}

/// As [`detect_manoeuvres`] for object `id`, whose `sets` come by rising epoch.
pub fn manoeuvres_of(id: NoradId, sets: &[ElementSet], settings: &ManoeuvreSettings) -> Vec<Manoeuvre> {
    let track = Track::new(sets);
    let all = detect::find(&track, settings);
    let known: Vec<Burn> = all.iter().filter(|one| !one.gap.below_floor).map(|one| one.burn).collect();
    let mut found: Vec<Manoeuvre> = Vec::new();
    let mut previous: Option<&Found> = None;
    for one in &all {
        let next = manoeuvre(id, &track, one, &known, settings);
        match (found.last_mut(), previous) {
            (Some(last), Some(before)) if is_one_episode(&track, before, one, last, &next) => {
                *last = joined(last, &next);
            }
            _ => found.push(next),
        }
        previous = Some(one);
    }
    found
}

/// How far [`Manoeuvre::time`] may lie from the onset.
const LATEST_DAYS: f64 = 0.5;

fn manoeuvre(id: NoradId, track: &Track, found: &Found, known: &[Burn], settings: &Settings) -> Manoeuvre {
    let velocity: DeltaV = delta_v(track, found, known, settings);
    let first_set = track.day[found.burn.before + 1];
    let day = found.burn.day + (0.5 * (first_set - found.burn.day)).clamp(-LATEST_DAYS, LATEST_DAYS);
    Manoeuvre {
        norad_id: id,
        time: whole_seconds(track.time(day)),
        onset: whole_seconds(track.time(found.burn.day)),
        window_start: whole_seconds(track.time(found.onset.0.min(day))),
        window_end: whole_seconds(track.time(found.onset.1.max(first_set))),
        delta_v_m_s: velocity.total_m_s(),
        in_plane_m_s: velocity.in_plane_m_s,
        cross_plane_m_s: velocity.cross_plane_m_s,
        floor_m_s: along_track_m_s(found.floor_m_day).abs(),
        kind: velocity.kind,
        confidence: found.confidence,
        below_floor: found.gap.below_floor,
        alarm: None,
    }
}

/// Nothing here is known better.
fn whole_seconds(time: Timestamp) -> Timestamp {
    const NANOS: i64 = 1_000_000_000;
    Timestamp::from_unix_nanos(time.unix_nanos().div_euclid(NANOS) * NANOS)
}

/// Steps in the same direction between neighbouring sets closer than this are one burn whose fit takes several sets.
const EPISODE_DAYS: f64 = 1.1;

fn is_one_episode(track: &Track, before: &Found, after: &Found, last: &Manoeuvre, next: &Manoeuvre) -> bool {
    let neighbours = after.burn.before == before.burn.before + 1;
    let apart = track.day[after.burn.before + 1] - track.day[before.burn.before + 1];
    let claims = !last.below_floor && !next.below_floor;
    let within_a_day = next.time.seconds_since(last.time) < track::SECONDS_PER_DAY;
    let same_way = last.in_plane_m_s * next.in_plane_m_s > 0.0;
    claims && (within_a_day || neighbours && apart < EPISODE_DAYS && same_way)
}

/// Both as one: the larger gives the time and the kind. Each has seen the step of the plane whole.
fn joined(a: &Manoeuvre, b: &Manoeuvre) -> Manoeuvre {
    let larger = if b.delta_v_m_s > a.delta_v_m_s { b } else { a };
    let (in_plane, cross) = (a.in_plane_m_s + b.in_plane_m_s, a.cross_plane_m_s.max(b.cross_plane_m_s));
    Manoeuvre {
        window_start: a.window_start.min(b.window_start),
        window_end: a.window_end.max(b.window_end),
        delta_v_m_s: in_plane.hypot(cross),
        in_plane_m_s: in_plane,
        cross_plane_m_s: cross,
        confidence: a.confidence.max(b.confidence),
        ..larger.clone()
    }
}
