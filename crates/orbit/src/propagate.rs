//! SGP4/SDP4 by the `sgp4` crate, with Vallado's error codes around it.

use std::fmt;

use base::{Fault, NoradId, Timestamp};
use rayon::prelude::*;

use crate::frame::{Pef, Position, State, Teme, Velocity};
use crate::{Catalogue, ElementSet};

/// WGS-72 equatorial radius in km: SGP4's unit of length.
pub(crate) const EARTH_RADIUS_KM: f64 = 6378.135;

/// 2000-01-01T12:00:00Z in nanoseconds since 1970.
pub(crate) const J2000_UNIX_NANOS: i128 = 946_728_000_000_000_000;

const NANOS_PER_MINUTE: f64 = 6e10;

/// Why an object has no state at a time: the error codes of Vallado 2006, appendix B (`satrec.error`).
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PropagationError {
    /// Code 1.
    #[error("mean eccentricity left 0 to 1 at {minutes} min from the epoch (code 1)")]
    MeanElements {
        /// Minutes since the epoch.
        minutes: f64,
    },
    /// Code 2.
    #[error("mean motion fell below zero at {minutes} min from the epoch (code 2)")]
    MeanMotion {
        /// Minutes since the epoch.
        minutes: f64,
    },
    /// Code 3.
    #[error("perturbed eccentricity left 0 to 1 at {minutes} min from the epoch (code 3)")]
    PerturbedElements {
        /// Minutes since the epoch.
        minutes: f64,
    },
    /// Code 4.
    #[error("semi-latus rectum fell below zero at {minutes} min from the epoch (code 4)")]
    SemiLatusRectum {
        /// Minutes since the epoch.
        minutes: f64,
    },
    /// Code 6.
    #[error("decayed: below the Earth's surface at {minutes} min from the epoch (code 6)")]
    Decayed {
        /// Minutes since the epoch.
        minutes: f64,
    },
}

impl PropagationError {
    /// Vallado's code: 1, 2, 3, 4 or 6 (5, sub-orbital epoch elements, is no longer raised there either).
    pub const fn code(&self) -> u8 {
        match self {
            Self::MeanElements { .. } => 1,
            Self::MeanMotion { .. } => 2,
            Self::PerturbedElements { .. } => 3,
            Self::SemiLatusRectum { .. } => 4,
            Self::Decayed { .. } => 6,
        }
    }
}

/// SGP4 made ready for one object. Uses WGS-72, the IAU-82 sidereal time and Vallado's improved mode.
///
/// Against Vallado's verification set (`tests/data/sgp4-verify`, 666 printed states) the largest difference is
/// 2.1e-7 km, on an orbit of eccentricity 0.79; on all but that one it is below 2e-8 km. Velocities agree to 1e-9 km/s.
#[derive(Clone)]
pub struct Propagator {
    norad_id: NoradId,
    epoch: Timestamp,
    constants: sgp4::Constants,
    /// The resonance integrator somewhere between the epoch and the times of interest; saves steps, changes nothing.
    anchor: Option<sgp4::ResonanceState>,
}

impl fmt::Debug for Propagator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Propagator")
            .field("norad_id", &self.norad_id)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl Propagator {
    /// Prepares `set`.
    ///
    /// # Errors
    /// When the mean elements make no orbit (codes 1 and 2).
    pub fn new(set: &ElementSet) -> Result<Self, PropagationError> {
        let to_rad = std::f64::consts::PI / 180.0;
        let orbit = sgp4::Orbit::from_kozai_elements(
            &sgp4::WGS72,
            set.inclination_deg() * to_rad,
            set.raan_deg() * to_rad,
            set.eccentricity(),
            set.argument_of_perigee_deg() * to_rad,
            set.mean_anomaly_deg() * to_rad,
            set.mean_motion_rev_per_day() * (std::f64::consts::PI / 720.0),
        )
        .map_err(|_| PropagationError::MeanMotion { minutes: 0.0 })?;
        let since_j2000 = i128::from(set.epoch().unix_nanos()) - J2000_UNIX_NANOS;
        // This date only feeds the sidereal time and the places of Sun and Moon; minutes since the epoch are exact.
        // It is rounded to one Julian date (4e-5 s) because Vallado's code does so: WIND (23333) shows it, 4e-6 km.
        let julian_date = since_j2000 as f64 / 86_400e9 + 2_451_545.0;
        let years = (julian_date - 2_451_545.0) / 365.25;
        let constants =
            sgp4::Constants::new(sgp4::WGS72, sgp4::iau_epoch_to_sidereal_time, years, set.bstar(), orbit)
                .map_err(|_| PropagationError::MeanElements { minutes: 0.0 })?;
        let anchor = constants.initial_state();
        Ok(Self { norad_id: set.norad_id(), epoch: set.epoch(), constants, anchor })
    }

    /// The object's catalogue number.
    pub fn norad_id(&self) -> NoradId {
        self.norad_id
    }

    /// When the element set holds.
    pub fn epoch(&self) -> Timestamp {
        self.epoch
    }

    /// Minutes from the epoch to `time`.
    pub fn minutes_to(&self, time: Timestamp) -> f64 {
        (i128::from(time.unix_nanos()) - i128::from(self.epoch.unix_nanos())) as f64 / NANOS_PER_MINUTE
    }

    /// The state at `time`.
    ///
    /// # Errors
    /// When SGP4 has no valid state there; see [`PropagationError`].
    pub fn state_at(&self, time: Timestamp) -> Result<State<Teme>, PropagationError> {
        let (position, velocity) = self.raw(self.minutes_to(time))?;
        Ok(State::new(time, Position::new(position), Velocity::new(velocity)))
    }

    /// The state at `minutes` from the epoch (negative is before); its time is rounded to the nanosecond.
    ///
    /// # Errors
    /// When SGP4 has no valid state there, or `minutes` is not finite (code 2).
    pub fn state_at_minutes(&self, minutes: f64) -> Result<State<Teme>, PropagationError> {
        let (position, velocity) = self.raw(minutes)?;
        let time = self.epoch.plus_nanos((minutes * NANOS_PER_MINUTE).round() as i64);
        Ok(State::new(time, Position::new(position), Velocity::new(velocity)))
    }

    /// Position in km and velocity in km/s, TEME, at `minutes` from the epoch.
    pub(crate) fn raw(&self, minutes: f64) -> Result<([f64; 3], [f64; 3]), PropagationError> {
        // The integrator of the `sgp4` crate would not come back from a NaN.
        if !minutes.is_finite() {
            return Err(PropagationError::MeanMotion { minutes });
        }
        let mut resonance = self.resonance_for(minutes);
        let state = self
            .constants
            .propagate_from_state(sgp4::MinutesSinceEpoch(minutes), resonance.as_mut(), false)
            .map_err(|error| match error {
                sgp4::Error::OutOfRangeEccentricity { .. } => PropagationError::MeanElements { minutes },
                sgp4::Error::OutOfRangePerturbedEccentricity { .. } => {
                    PropagationError::PerturbedElements { minutes }
                }
                sgp4::Error::NegativeSemiLatusRectum { .. } => PropagationError::SemiLatusRectum { minutes },
            })?;
        let [x, y, z] = state.position;
        let radius_squared = x * x + y * y + z * z;
        // A mean motion below zero comes out of the crate as NaN.
        if !radius_squared.is_finite() || state.velocity.iter().any(|v| !v.is_finite()) {
            return Err(PropagationError::MeanMotion { minutes });
        }
        if radius_squared < EARTH_RADIUS_KM * EARTH_RADIUS_KM {
            return Err(PropagationError::Decayed { minutes });
        }
        Ok((state.position, state.velocity))
    }

    /// An integrator state from which `minutes` can be reached: the anchor when it lies on the way, else the start.
    fn resonance_for(&self, minutes: f64) -> Option<sgp4::ResonanceState> {
        let anchor = self.anchor?;
        let on_the_way = anchor.t() == 0.0
            || (anchor.t().is_sign_positive() == minutes.is_sign_positive()
                && minutes.abs() >= anchor.t().abs());
        if on_the_way { Some(anchor) } else { self.constants.initial_state() }
    }

    /// The same propagator, its integrator brought near to `start..=end`; states are the same to the last bit.
    pub(crate) fn anchored(mut self, start: Timestamp, end: Timestamp) -> Self {
        let (from, to) = (self.minutes_to(start), self.minutes_to(end));
        let nearest = if from > 0.0 {
            from
        } else if to < 0.0 {
            to
        } else {
            return self;
        };
        if let Some(mut state) = self.resonance_for(nearest) {
            let at = sgp4::MinutesSinceEpoch(nearest);
            if self.constants.propagate_from_state(at, Some(&mut state), false).is_ok() {
                self.anchor = Some(state);
            }
        }
        self
    }
}

/// All propagators of a catalogue, to ask for many states at one time.
#[derive(Debug, Clone)]
pub struct Ephemeris {
    propagators: Vec<Propagator>,
}

impl Ephemeris {
    /// Prepares every object; objects that make no orbit give a fault `orbit::cannot_propagate`.
    pub fn new(catalogue: &Catalogue) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut propagators = Vec::with_capacity(catalogue.len());
        for set in catalogue {
            match Propagator::new(set) {
                Ok(propagator) => propagators.push(propagator),
                Err(error) => faults.push(Fault::error(
                    "orbit::cannot_propagate",
                    format!("object {}: {error}; get a newer element set", set.norad_id()),
                )),
            }
        }
        (Self { propagators }, faults)
    }

    /// The propagators by rising catalogue number.
    pub fn propagators(&self) -> &[Propagator] {
        &self.propagators
    }

    /// The Earth-fixed states of all objects at `time`, by rising catalogue number; objects in an error state are
    /// left out. Works on `pool` when there is one; the result is the same without.
    pub fn states_at(&self, time: Timestamp, pool: Option<&rayon::ThreadPool>) -> Vec<(NoradId, State<Pef>)> {
        let gmst_rad = crate::frame::gmst_rad(time);
        let one = |p: &Propagator| p.state_at(time).ok().map(|s| (p.norad_id(), s.to_pef_at(gmst_rad)));
        match pool {
            Some(pool) => pool.install(|| self.propagators.par_iter().filter_map(one).collect()),
            None => self.propagators.iter().filter_map(one).collect(),
        }
    }
}
