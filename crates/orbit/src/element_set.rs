use std::f64::consts::TAU;

use base::{NoradId, Timestamp};

use crate::sgp4::EARTH_RADIUS_KM;

/// WGS-72, as SGP4 uses it: gravitational parameter in km^3/s^2.
pub(crate) const MU_KM3_S2: f64 = 398_600.8;

/// WGS-72: second zonal harmonic.
pub(crate) const J2: f64 = 0.001_082_616;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// The mean elements of one object, checked: what SGP4 propagates.
///
/// Every value is finite and in its range (see [`ElementSet::new`]). The elements are Kozai mean elements in TEME at
/// the epoch, as in a TLE (Spacetrack Report #3) or in an OMM whose theory is SGP4 (CCSDS 502.0-B-3, 4.2.4).
#[derive(Debug, Clone, PartialEq)]
pub struct ElementSet {
    elements: Elements,
}

/// The values of an [`ElementSet`] before they are checked; names and units are those of its getters.
#[derive(Debug, Clone, PartialEq)]
pub struct Elements {
    /// The catalogue number.
    pub norad_id: NoradId,
    /// The object's name.
    pub name: Option<String>,
    /// The international designator, say `1998-067A`.
    pub object_id: Option<String>,
    /// When the elements hold, UTC.
    pub epoch: Timestamp,
    /// Kozai mean motion in revolutions per day.
    pub mean_motion_rev_per_day: f64,
    /// Eccentricity.
    pub eccentricity: f64,
    /// Inclination in degrees.
    pub inclination_deg: f64,
    /// Right ascension of the ascending node in degrees.
    pub raan_deg: f64,
    /// Argument of perigee in degrees.
    pub argument_of_perigee_deg: f64,
    /// Mean anomaly in degrees.
    pub mean_anomaly_deg: f64,
    /// SGP4's drag term B* per Earth radius.
    pub bstar: f64,
    /// Half the first derivative of the mean motion in revolutions per day squared; SGP4 does not use it.
    pub mean_motion_dot: f64,
    /// A sixth of the second derivative of the mean motion in revolutions per day cubed; SGP4 does not use it.
    pub mean_motion_ddot: f64,
    /// `U`, `C` or `S`.
    pub classification: char,
    /// Number of the element set.
    pub element_set_no: u32,
    /// Revolution number at the epoch.
    pub rev_at_epoch: u32,
}

/// A value that makes no orbit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{value}` is out of range; allowed is {allowed}")]
pub struct ElementError {
    /// The field's name as in an OMM.
    pub field: &'static str,
    /// What was given.
    pub value: f64,
    /// What may be given.
    pub allowed: &'static str,
}

impl ElementSet {
    /// Checks `elements`.
    ///
    /// # Errors
    /// The first value that is not finite or out of range: mean motion above 0 and up to 20 rev/day, eccentricity
    /// from 0 to below 1, inclination 0 to 180 degrees, the other angles -360 to 360 degrees, |B*| up to 1000, the
    /// derivatives finite.
    pub fn new(elements: Elements) -> Result<Self, ElementError> {
        let e = &elements;
        // Every comparison is written so that NaN fails it.
        let checks = [
            (
                "MEAN_MOTION",
                e.mean_motion_rev_per_day,
                e.mean_motion_rev_per_day > 0.0 && e.mean_motion_rev_per_day <= 20.0,
                "above 0 and up to 20 revolutions per day",
            ),
            ("ECCENTRICITY", e.eccentricity, e.eccentricity >= 0.0 && e.eccentricity < 1.0, "0 to below 1"),
            (
                "INCLINATION",
                e.inclination_deg,
                (0.0..=180.0).contains(&e.inclination_deg),
                "0 to 180 degrees",
            ),
            ("RA_OF_ASC_NODE", e.raan_deg, e.raan_deg.abs() <= 360.0, "-360 to 360 degrees"),
            (
                "ARG_OF_PERICENTER",
                e.argument_of_perigee_deg,
                e.argument_of_perigee_deg.abs() <= 360.0,
                "-360 to 360 degrees",
            ),
            ("MEAN_ANOMALY", e.mean_anomaly_deg, e.mean_anomaly_deg.abs() <= 360.0, "-360 to 360 degrees"),
            ("BSTAR", e.bstar, e.bstar.abs() <= 1000.0, "-1000 to 1000 per Earth radius"),
            ("MEAN_MOTION_DOT", e.mean_motion_dot, e.mean_motion_dot.is_finite(), "a finite number"),
            ("MEAN_MOTION_DDOT", e.mean_motion_ddot, e.mean_motion_ddot.is_finite(), "a finite number"),
        ];
        for (field, value, ok, allowed) in checks {
            if !ok {
                return Err(ElementError { field, value, allowed });
            }
        }
        Ok(Self { elements })
    }

    /// All values, to change some and check them again by [`ElementSet::new`].
    pub fn elements(&self) -> &Elements {
        &self.elements
    }

    /// The catalogue number.
    pub fn norad_id(&self) -> NoradId {
        self.elements.norad_id
    }

    /// The name, when the source has one.
    pub fn name(&self) -> Option<&str> {
        self.elements.name.as_deref()
    }

    /// The name, or `object NNN` where there is none.
    pub fn label(&self) -> String {
        self.name().map_or_else(|| format!("object {}", self.norad_id()), str::to_owned)
    }

    /// The international designator such as `1998-067A`, when the source has one.
    pub fn object_id(&self) -> Option<&str> {
        self.elements.object_id.as_deref()
    }

    /// When the elements hold (UTC).
    pub fn epoch(&self) -> Timestamp {
        self.elements.epoch
    }

    /// Kozai mean motion in revolutions per day.
    pub fn mean_motion_rev_per_day(&self) -> f64 {
        self.elements.mean_motion_rev_per_day
    }

    /// Eccentricity, 0 to below 1.
    pub fn eccentricity(&self) -> f64 {
        self.elements.eccentricity
    }

    /// Inclination in degrees, 0 to 180.
    pub fn inclination_deg(&self) -> f64 {
        self.elements.inclination_deg
    }

    /// Right ascension of the ascending node in degrees.
    pub fn raan_deg(&self) -> f64 {
        self.elements.raan_deg
    }

    /// Argument of perigee in degrees.
    pub fn argument_of_perigee_deg(&self) -> f64 {
        self.elements.argument_of_perigee_deg
    }

    /// Mean anomaly in degrees.
    pub fn mean_anomaly_deg(&self) -> f64 {
        self.elements.mean_anomaly_deg
    }

    /// Drag term B* per Earth radius.
    pub fn bstar(&self) -> f64 {
        self.elements.bstar
    }

    /// Half the first derivative of the mean motion in rev/day^2, as the formats give it.
    pub fn mean_motion_dot(&self) -> f64 {
        self.elements.mean_motion_dot
    }

    /// A sixth of the second derivative of the mean motion in rev/day^3, as the formats give it.
    pub fn mean_motion_ddot(&self) -> f64 {
        self.elements.mean_motion_ddot
    }

    /// Classification: `U`, `C` or `S`.
    pub fn classification(&self) -> char {
        self.elements.classification
    }

    /// Number of the element set.
    pub fn element_set_no(&self) -> u32 {
        self.elements.element_set_no
    }

    /// Revolution number at the epoch.
    pub fn rev_at_epoch(&self) -> u32 {
        self.elements.rev_at_epoch
    }

    /// Period in minutes.
    pub fn period_min(&self) -> f64 {
        1440.0 / self.mean_motion_rev_per_day()
    }

    /// Mean semi-major axis in km: Brouwer's, from Kozai's mean motion (Spacetrack Report #3, section 6; WGS-72). `None` when the perigee lies within the Earth, where that series does not hold.
    pub fn semi_major_axis_km(&self) -> Option<f64> {
        let kozai_rad_s = self.mean_motion_rev_per_day() * TAU / SECONDS_PER_DAY;
        let kepler_km = (MU_KM3_S2 / (kozai_rad_s * kozai_rad_s)).cbrt();
        let axis_km = self.brouwer().axis_km;
        (kepler_km * (1.0 - self.eccentricity()) > EARTH_RADIUS_KM && axis_km.is_finite()).then_some(axis_km)
    }

    /// Brouwer's mean motion and axis from Kozai's (ibid.), whatever the perigee.
    pub(crate) fn brouwer(&self) -> Brouwer {
        let (e, cos_i) = (self.eccentricity(), self.inclination_deg().to_radians().cos());
        let kozai = self.mean_motion_rev_per_day() * TAU / SECONDS_PER_DAY;
        let k2 = 0.5 * J2 * EARTH_RADIUS_KM * EARTH_RADIUS_KM;
        let tilt = 1.5 * k2 * (3.0 * cos_i * cos_i - 1.0) / (1.0 - e * e).powf(1.5);
        let a1 = (MU_KM3_S2 / (kozai * kozai)).cbrt();
        let d1 = tilt / (a1 * a1);
        let a0 = a1 * (1.0 - d1 / 3.0 - d1 * d1 - 134.0 / 81.0 * d1 * d1 * d1);
        let d0 = tilt / (a0 * a0);
        Brouwer { motion_rad_s: kozai / (1.0 + d0), axis_km: a0 / (1.0 - d0) }
    }
}

/// Mean motion and mean semi-major axis in Brouwer's sense.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brouwer {
    pub(crate) motion_rad_s: f64,
    pub(crate) axis_km: f64,
}

#[cfg(test)]
mod tests {
    use crate::read_catalogue;

    use super::*;

    #[test]
    fn only_orbits_above_the_earth_have_an_axis() {
        let iss = b"1 25544U 98067A   20194.88612269 -.00002218  00000-0 -31515-4 0  9992\n\
2 25544  51.6461 221.2784 0001413  89.1723 280.4612 15.49507896236008\n";
        let read = read_catalogue(iss, "iss");
        let axis_km = |motion, eccentricity| {
            let mut elements = read.catalogue.iter().next().unwrap().elements().clone();
            elements.mean_motion_rev_per_day = motion;
            elements.eccentricity = eccentricity;
            ElementSet::new(elements).unwrap().semi_major_axis_km()
        };
        assert!((axis_km(1.002_737_9, 0.0).unwrap() - 42_164.2).abs() < 1.0);
        assert_eq!(axis_km(15.5, 0.1), None);
        assert_eq!(axis_km(1.0, 0.999_999_9), None);
        assert_eq!(axis_km(17.5, 0.0), None);
    }
}
