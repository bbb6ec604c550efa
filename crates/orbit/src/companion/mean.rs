//! Mean elements carried to another time by the secular rates of J2.

use base::Timestamp;

use crate::ElementSet;
use crate::element_set::{J2, MU_KM3_S2};
use crate::frame::gmst_rad;
use crate::sgp4::EARTH_RADIUS_KM;

/// Turn of the Earth against the stars in degrees a day.
const EARTH_RATE_DEG_DAY: f64 = 360.985_647_3;

const DAY_S: f64 = 86_400.0;

/// The listed change of mean motion is followed for so many days and no further: beyond, it is a guess.
const DECAY_DAYS: f64 = 3.0;

/// Mean elements at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct MeanOrbit {
    pub(super) semi_major_axis_km: f64,
    pub(super) inclination_deg: f64,
    pub(super) raan_deg: f64,
    /// Anomaly plus argument of perigee.
    argument_of_latitude_deg: f64,
    /// Mean motion and motion of the perigee in degrees a day.
    latitude_rate_deg_day: f64,
    raan_rate_deg_day: f64,
    pub(super) time: Timestamp,
}

impl MeanOrbit {
    /// `set` at `time`.
    pub(super) fn at(set: &ElementSet, time: Timestamp) -> Self {
        let days = time.seconds_since(set.epoch()) / DAY_S;
        let decay = days.clamp(-DECAY_DAYS, DECAY_DAYS);
        // The formats list half the first derivative. A decaying set may list any number: motion stays an orbit.
        let motion = (set.mean_motion_rev_per_day() + 2.0 * set.mean_motion_dot() * decay).clamp(1e-3, 20.0);
        let rate_rad_s = motion * std::f64::consts::TAU / DAY_S;
        let semi_major_axis_km = (MU_KM3_S2 / (rate_rad_s * rate_rad_s)).cbrt();
        let parameter = semi_major_axis_km * (1.0 - set.eccentricity().powi(2));
        let cos_i = set.inclination_deg().to_radians().cos();
        // Vallado, "Fundamentals", 9-37 and 9-39.
        let k = 1.5 * J2 * (EARTH_RADIUS_KM / parameter).powi(2) * motion * 360.0;
        let raan_rate_deg_day = -k * cos_i;
        let latitude_rate_deg_day = motion * 360.0 + k * (2.5 * cos_i * cos_i - 0.5);
        Self {
            semi_major_axis_km,
            inclination_deg: set.inclination_deg(),
            raan_deg: (set.raan_deg() + raan_rate_deg_day * days).rem_euclid(360.0),
            argument_of_latitude_deg: (set.argument_of_perigee_deg()
                + set.mean_anomaly_deg()
                + latitude_rate_deg_day * days)
                .rem_euclid(360.0),
            latitude_rate_deg_day,
            raan_rate_deg_day,
            time,
        }
    }

    /// How fast the mean longitude along the orbit runs ahead of that of `other`, in degrees a day.
    pub(super) fn drift_deg_per_day(&self, other: &Self) -> f64 {
        let cos_i = ((self.inclination_deg + other.inclination_deg) / 2.0).to_radians().cos();
        self.latitude_rate_deg_day - other.latitude_rate_deg_day
            + cos_i * (self.raan_rate_deg_day - other.raan_rate_deg_day)
    }

    /// Phase ahead of `other` along the orbit in degrees, -180 to 180.
    pub(super) fn phase_deg(&self, other: &Self) -> f64 {
        let cos_i = ((self.inclination_deg + other.inclination_deg) / 2.0).to_radians().cos();
        wrapped(
            self.argument_of_latitude_deg - other.argument_of_latitude_deg
                + cos_i * wrapped(self.raan_deg - other.raan_deg),
        )
    }

    /// Angle between the two planes in degrees.
    pub(super) fn plane_angle_deg(&self, other: &Self) -> f64 {
        let [i, j] = [self.inclination_deg.to_radians(), other.inclination_deg.to_radians()];
        let node = (self.raan_deg - other.raan_deg).to_radians();
        // The haversine form keeps small angles exact.
        let half = ((i - j) / 2.0).sin().powi(2) + i.sin() * j.sin() * (node / 2.0).sin().powi(2);
        2.0 * half.clamp(0.0, 1.0).sqrt().asin().to_degrees()
    }

    /// Whether it stays over one part of the Earth, or drifts over it by less than some 18 degrees a day.
    pub(super) fn near_synchronous(&self) -> bool {
        self.ground_drift_deg_day().abs() < 18.0
    }

    /// Drift of the mean longitude over the ground in degrees a day, east positive.
    pub(super) fn ground_drift_deg_day(&self) -> f64 {
        self.latitude_rate_deg_day + self.raan_rate_deg_day - EARTH_RATE_DEG_DAY
    }

    /// Mean longitude over the ground in degrees, -180 to 180, east positive.
    pub(super) fn longitude_deg(&self) -> f64 {
        wrapped(self.argument_of_latitude_deg + self.raan_deg - gmst_rad(self.time).to_degrees())
    }

    /// Speed on a circle of this size in km/s.
    pub(super) fn speed_km_s(&self) -> f64 {
        (MU_KM3_S2 / self.semi_major_axis_km).sqrt()
    }
}

/// An angle in -180 to 180 degrees.
pub(super) fn wrapped(angle_deg: f64) -> f64 {
    (angle_deg + 180.0).rem_euclid(360.0) - 180.0
}
