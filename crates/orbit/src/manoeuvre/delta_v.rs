//! From steps of the elements to a change of velocity: Gauss's variational equations on a near-circular orbit, and
//! vis-viva for the semi-major axis.

use super::detect::{Found, rate_change};
use super::fit::SETTLED_ROUNDS;
use super::step::{Burn, level_step};
use super::track::{SECONDS_PER_DAY, Track, circular_speed_m_s};
use super::{ManoeuvreKind, Settings};

/// A part below this share of the other does not make a burn mixed.
const MIXED_SHARE: f64 = 0.2;

/// Formal significance from which a step of the node or of the eccentricity counts.
const CLEAR_SIGNIFICANCE: f64 = 10.0;

/// An object with a mean rate this near to the Earth's turn, deg a day, keeps its place.
const STATION_DRIFT_DEG_DAY: f64 = 0.5;
const EARTH_TURN_DEG_DAY: f64 = 360.985_647;

/// The change of velocity of one burn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DeltaV {
    /// Along the track, positive raises the orbit, m/s.
    pub(super) in_plane_m_s: f64,
    /// Across the orbit's plane, without sign, m/s.
    pub(super) cross_plane_m_s: f64,
    pub(super) kind: ManoeuvreKind,
}

impl DeltaV {
    /// The whole, without sign.
    pub(super) fn total_m_s(&self) -> f64 {
        self.in_plane_m_s.hypot(self.cross_plane_m_s)
    }
}

/// The along-track change of velocity that changes the along-track rate by `rate_m_day`: da = -(2/3) dL'/n and
/// dv = n da / 2 make it a third of the rate, with the other sign.
pub(super) fn along_track_m_s(rate_m_day: f64) -> f64 {
    -rate_m_day / (3.0 * SECONDS_PER_DAY)
}

/// What `found` took, from the steps about it; `known` are all burns of the object.
pub(super) fn delta_v(track: &Track, found: &Found, known: &[Burn], settings: &Settings) -> DeltaV {
    let before = found.burn.before;
    let speed = circular_speed_m_s(track.axis_km[before]);
    let in_plane = in_plane_m_s(track, found, known, settings, speed);
    let cross = cross_plane_m_s(track, found, known, settings, speed);
    let in_plane_counts = !found.gap.by_plane || in_plane.abs() > MIXED_SHARE * cross;
    let kind = if is_on_station(track, before) {
        ManoeuvreKind::StationKeeping
    } else if cross == 0.0 || cross < MIXED_SHARE * in_plane.abs() {
        ManoeuvreKind::InPlane
    } else if !in_plane_counts || in_plane.abs() < MIXED_SHARE * cross {
        ManoeuvreKind::CrossPlane
    } else {
        ManoeuvreKind::Mixed
    };
    DeltaV { in_plane_m_s: in_plane, cross_plane_m_s: cross, kind }
}

fn in_plane_m_s(track: &Track, found: &Found, known: &[Burn], settings: &Settings, speed: f64) -> f64 {
    let before = found.burn.before;
    let rate = found.gap.rate.map_or_else(|| rate_change(track, before), |rate| rate.0);
    // Where the rate says a kilometre or more, vis-viva on the axes is exact and the thin-step formula is not.
    let (axis, after) = (track.axis_km[before], track.axis_km[before + 1]);
    let along = if found.gap.rate.is_none() {
        speed * ((2.0 - axis / after).max(0.0).sqrt() - 1.0)
    } else {
        along_track_m_s(rate)
    };
    let width = settings.window_days;
    let step = |series: &[f64]| {
        level_step(track, series, found.burn, known, width, SETTLED_ROUNDS)
            .filter(|step| step.significance.abs() >= CLEAR_SIGNIFICANCE)
            .map_or(0.0, |step| step.value)
    };
    // A tangential burn turns the eccentricity vector by at most twice its share of the speed.
    let by_shape = 0.5 * speed * step(&track.e_cos).hypot(step(&track.e_sin));
    if by_shape > along.abs() { by_shape.copysign(along) } else { along }
}

/// Steps of inclination and node. Sets that have taken in half of a burn hide part of it from the fit about one gap,
/// so that the clearest of the three gaps there counts.
fn cross_plane_m_s(track: &Track, found: &Found, known: &[Burn], settings: &Settings, speed: f64) -> f64 {
    if !found.plane_clear {
        return 0.0;
    }
    let before = found.burn.before;
    let others: Vec<Burn> = known.iter().copied().filter(|other| other.before != before).collect();
    let clearest = |series: &[f64], least: f64| {
        (before.saturating_sub(1)..=before + 1)
            .filter_map(|gap| {
                let there = Burn { before: gap, day: found.burn.day };
                level_step(track, series, there, &others, settings.window_days, SETTLED_ROUNDS)
            })
            .max_by(|a, b| a.significance.abs().total_cmp(&b.significance.abs()))
            .filter(|step| step.significance.abs() >= least)
            .map_or(0.0, |step| step.value.abs())
    };
    let tilt = clearest(&track.inclination_rad, 0.0);
    let node = clearest(&track.node_rad, CLEAR_SIGNIFICANCE);
    speed * tilt.hypot(node * track.inclination_rad[before].sin())
}

fn is_on_station(track: &Track, before: usize) -> bool {
    let drift = |index: usize| track.turn_deg_day(index) - EARTH_TURN_DEG_DAY;
    drift(before).abs() < STATION_DRIFT_DEG_DAY && drift(before + 1).abs() < STATION_DRIFT_DEG_DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_step_is_a_third_of_it_in_velocity() {
        // 1 m of axis at 7,000 km: dv = n a / 2 a, dL' = -3/2 n da a day.
        let n = (398_600.8e9_f64 / 7.0e6_f64.powi(3)).sqrt();
        let rate_m_day = -1.5 * n * SECONDS_PER_DAY;
        assert!((along_track_m_s(rate_m_day) - 0.5 * n).abs() < 1e-12);
    }
}
