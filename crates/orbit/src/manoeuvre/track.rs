//! What an element-set history observes: along-track place and rate, plane, shape; without bad sets.

use std::f64::consts::{PI, TAU};

use base::Timestamp;

use crate::ElementSet;
use crate::element_set::{Brouwer, J2, MU_KM3_S2};
use crate::sgp4::EARTH_RADIUS_KM;

use super::fit::{MEDIAN_OF_GAUSSIAN, median, median_abs};

pub(super) const SECONDS_PER_DAY: f64 = 86_400.0;

/// Sets closer together than this are one set that was published again; the later stays.
const SAME_SET_DAYS: f64 = 1.0 / 1440.0;

/// Below this inclination the node is not well defined and counts with the argument of latitude.
const NEAR_EQUATOR_RAD: f64 = 20.0 * PI / 180.0;

/// A set this many spreads off the line between its neighbours is bad when the neighbours agree.
const BAD_SET_SPREADS: f64 = 10.0;

/// One object's element sets as time series; all vectors have one entry a set.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    start: Option<Timestamp>,
    /// Days since the first set.
    pub(super) day: Vec<f64>,
    /// How far the object is ahead of one that keeps the median rate, m.
    pub(super) along_m: Vec<f64>,
    /// Along-track rate against the median rate, from the mean motion and the secular rates by J2, m a day.
    pub(super) rate_m_day: Vec<f64>,
    pub(super) axis_km: Vec<f64>,
    pub(super) inclination_rad: Vec<f64>,
    /// How far the ascending node is ahead of its secular drift by J2.
    pub(super) node_rad: Vec<f64>,
    /// Eccentricity times the cosine of the argument of perigee.
    pub(super) e_cos: Vec<f64>,
    /// Eccentricity times the sine of the argument of perigee.
    pub(super) e_sin: Vec<f64>,
    /// Sets that were left out because the next one takes back what they say.
    pub(super) vetoed: usize,
}

/// The elements of one set that are looked at.
#[derive(Debug, Clone, Copy)]
struct Sample {
    day: f64,
    /// Mean argument of latitude, near the equator mean longitude, rad.
    angle_rad: f64,
    /// Its secular rate, rad a day.
    rate_rad_day: f64,
    axis_km: f64,
    inclination_rad: f64,
    node_rad: f64,
    node_rate_rad_day: f64,
    e_cos: f64,
    e_sin: f64,
}

impl Track {
    /// The track of `sets` of one object, sorted by epoch.
    pub(super) fn new(sets: &[ElementSet]) -> Self {
        let Some(start) = sets.first().map(ElementSet::epoch) else {
            return Self::default();
        };
        let mut inclinations: Vec<f64> = sets.iter().map(|set| set.inclination_deg().to_radians()).collect();
        let near_equator = median(&mut inclinations) < NEAR_EQUATOR_RAD;
        let mut samples: Vec<Sample> = Vec::with_capacity(sets.len());
        for set in sets {
            let sample = sample(set, start, near_equator);
            if !sample.axis_km.is_finite() || !sample.rate_rad_day.is_finite() {
                continue;
            }
            match samples.last_mut() {
                Some(last) if sample.day - last.day < SAME_SET_DAYS => *last = sample,
                _ => samples.push(sample),
            }
        }
        let before = samples.len();
        // A second look: what a bad set hid.
        let samples = without_bad_sets(without_bad_sets(samples));
        let mut track = unwrapped(&samples);
        track.start = Some(start);
        track.vetoed = before - samples.len();
        track
    }

    pub(super) fn len(&self) -> usize {
        self.day.len()
    }

    /// The time `day` days after the first set.
    pub(super) fn time(&self, day: f64) -> Timestamp {
        self.start.unwrap_or(Timestamp::UNIX_EPOCH).plus_seconds(day * SECONDS_PER_DAY)
    }

    /// How far set `index` turns about the Earth, degrees a day, without perturbations.
    pub(super) fn turn_deg_day(&self, index: usize) -> f64 {
        let axis_km = self.axis_km[index];
        (MU_KM3_S2 / axis_km).sqrt() / axis_km * SECONDS_PER_DAY * 180.0 / PI
    }
}

/// Speed on a circular orbit, m/s.
pub(super) fn circular_speed_m_s(axis_km: f64) -> f64 {
    (MU_KM3_S2 / axis_km).sqrt() * 1e3
}

fn sample(set: &ElementSet, start: Timestamp, near_equator: bool) -> Sample {
    let inclination = set.inclination_deg().to_radians();
    let (e, cos_i) = (set.eccentricity(), inclination.cos());
    let shape = 1.0 - e * e;
    let Brouwer { motion_rad_s: n, axis_km } = set.brouwer();
    // Secular rates by J2 of first order: Spacetrack Report #3, section 6, in km.
    let k2 = 0.5 * J2 * EARTH_RADIUS_KM * EARTH_RADIUS_KM;
    let p2 = axis_km * axis_km * shape * shape;
    let anomaly = n * (1.0 + 1.5 * k2 * (3.0 * cos_i * cos_i - 1.0) / (axis_km * axis_km * shape.powf(1.5)));
    let perigee = n * 1.5 * k2 * (5.0 * cos_i * cos_i - 1.0) / p2;
    let node = -3.0 * k2 * n * cos_i / p2;
    let argument = set.argument_of_perigee_deg().to_radians();
    let latitude = set.mean_anomaly_deg().to_radians() + argument;
    let (angle, rate) = if near_equator {
        (latitude + set.raan_deg().to_radians(), anomaly + perigee + node)
    } else {
        (latitude, anomaly + perigee)
    };
    Sample {
        day: set.epoch().seconds_since(start) / SECONDS_PER_DAY,
        angle_rad: angle,
        rate_rad_day: rate * SECONDS_PER_DAY,
        axis_km,
        inclination_rad: inclination,
        node_rad: set.raan_deg().to_radians(),
        node_rate_rad_day: node * SECONDS_PER_DAY,
        e_cos: e * argument.cos(),
        e_sin: e * argument.sin(),
    }
}

fn unwrapped(samples: &[Sample]) -> Track {
    let mut rates: Vec<f64> = samples.iter().map(|s| s.rate_rad_day).collect();
    let reference = median(&mut rates);
    let mut axes: Vec<f64> = samples.iter().map(|s| s.axis_km).collect();
    let metres = median(&mut axes) * 1e3;
    let (mut ahead, mut node) = (0.0, 0.0);
    let mut track = Track::default();
    let mut previous: Option<&Sample> = None;
    for now in samples {
        if let Some(last) = previous {
            let days = now.day - last.day;
            let expected = 0.5 * (now.rate_rad_day + last.rate_rad_day) * days;
            // The mean of both rates counts the revolutions; the angles say the rest.
            let rest = wrapped(now.angle_rad - last.angle_rad - expected);
            ahead += rest + expected - reference * days;
            let drift = 0.5 * (now.node_rate_rad_day + last.node_rate_rad_day) * days;
            node += wrapped(now.node_rad - last.node_rad - drift);
        }
        previous = Some(now);
        track.day.push(now.day);
        track.along_m.push(ahead * metres);
        track.rate_m_day.push((now.rate_rad_day - reference) * metres);
        track.axis_km.push(now.axis_km);
        track.inclination_rad.push(now.inclination_rad);
        track.node_rad.push(node);
        track.e_cos.push(now.e_cos);
        track.e_sin.push(now.e_sin);
    }
    remove_rate_bias(&mut track);
    track
}

/// The mean motion leaves out what the Sun, the Moon and higher harmonics add to the rate; the angles have it.
fn remove_rate_bias(track: &mut Track) {
    let mut differences: Vec<f64> = track
        .day
        .windows(2)
        .zip(track.along_m.windows(2).zip(track.rate_m_day.windows(2)))
        .filter(|(day, _)| day[1] - day[0] > 0.3)
        .map(|(day, (along, rate))| (along[1] - along[0]) / (day[1] - day[0]) - 0.5 * (rate[0] + rate[1]))
        .collect();
    let bias = median(&mut differences);
    for rate in &mut track.rate_m_day {
        *rate += bias;
    }
}

fn wrapped(angle_rad: f64) -> f64 {
    angle_rad - TAU * (angle_rad / TAU).round()
}

/// Leaves out sets whose rate or plane lies far off the line between its neighbours while these agree: a burn stays
/// in the sets that follow it, a bad fit does not.
fn without_bad_sets(samples: Vec<Sample>) -> Vec<Sample> {
    let rates: Vec<(f64, f64)> = samples.iter().map(|s| (s.day, s.rate_rad_day)).collect();
    let planes: Vec<(f64, f64)> = samples.iter().map(|s| (s.day, s.inclination_rad)).collect();
    let (bad_rate, bad_plane) = (reversals(&rates), reversals(&planes));
    samples
        .into_iter()
        .enumerate()
        .filter(|(index, _)| !bad_rate[*index] && !bad_plane[*index])
        .map(|(_, sample)| sample)
        .collect()
}

fn reversals(series: &[(f64, f64)]) -> Vec<bool> {
    let mut bad = vec![false; series.len()];
    let offsets: Vec<f64> = series
        .windows(3)
        .map(|w| {
            let share = (w[1].0 - w[0].0) / (w[2].0 - w[0].0);
            w[1].1 - w[0].1 - share * (w[2].1 - w[0].1)
        })
        .collect();
    let spread = median_abs(&offsets) / MEDIAN_OF_GAUSSIAN;
    for (index, (window, offset)) in series.windows(3).zip(&offsets).enumerate() {
        let across = (window[2].1 - window[0].1).abs();
        // Never two in a row: then nothing says which of them is right.
        if offset.abs() > BAD_SET_SPREADS * spread
            && across < 0.2 * offset.abs()
            && spread > 0.0
            && !bad[index]
        {
            bad[index + 1] = true;
        }
    }
    bad
}
