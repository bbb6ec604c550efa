use base::{Fault, NoradId, Timestamp};
use rayon::prelude::*;

use crate::frame::{Pef, Position, State, Teme, Velocity};
use crate::sgp4::kernel::{self, Columns, Steps};
use crate::sgp4::{Code, Mean, PosVel, Resonance, Sgp4};
use crate::{Catalogue, ElementSet, Kernel};

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
    fn new(code: Code, minutes: f64) -> Self {
        match code {
            Code::MeanEccentricity => Self::MeanElements { minutes },
            Code::MeanMotion => Self::MeanMotion { minutes },
            Code::PerturbedEccentricity => Self::PerturbedElements { minutes },
            Code::SemiLatusRectum => Self::SemiLatusRectum { minutes },
            Code::Decayed => Self::Decayed { minutes },
        }
    }

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
/// 1.2e-7 km, 3.5 years from the epoch; below 1e-7 km everywhere else. Velocities agree to 1e-9 km/s.
/// The bits are the same on every machine.
#[derive(Debug, Clone)]
pub struct Propagator {
    norad_id: NoradId,
    epoch: Timestamp,
    model: Sgp4,
    /// The resonance integrator for the times of interest; saves steps, changes nothing.
    resonance: Resonance,
}

impl Propagator {
    /// Prepares `set`.
    ///
    /// # Errors
    /// When the mean elements make no orbit (codes 1 and 2).
    pub fn new(set: &ElementSet) -> Result<Self, PropagationError> {
        let to_rad = std::f64::consts::PI / 180.0;
        let since_j2000 = i128::from(set.epoch().unix_nanos()) - J2000_UNIX_NANOS;
        let mean = Mean {
            // This date only feeds the sidereal time and the places of Sun and Moon; minutes since the epoch are
            // exact. One double holds it to 4e-5 s, as in Vallado's code: WIND (23333) shows it, 4e-6 km.
            epoch_jd: since_j2000 as f64 / 86_400e9 + 2_451_545.0,
            bstar: set.bstar(),
            ecco: set.eccentricity(),
            inclo: set.inclination_deg() * to_rad,
            nodeo: set.raan_deg() * to_rad,
            argpo: set.argument_of_perigee_deg() * to_rad,
            mo: set.mean_anomaly_deg() * to_rad,
            no_kozai: set.mean_motion_rev_per_day() / (720.0 / std::f64::consts::PI),
        };
        let model = Sgp4::new(&mean).map_err(|code| PropagationError::new(code, 0.0))?;
        Ok(Self { norad_id: set.norad_id(), epoch: set.epoch(), model, resonance: Resonance::default() })
    }

    /// The object's catalogue number.
    pub fn norad_id(&self) -> NoradId {
        self.norad_id
    }

    /// When the element set holds.
    pub fn epoch(&self) -> Timestamp {
        self.epoch
    }

    /// Whether the period is 225 min or more, so that SDP4 applies: Sun, Moon and resonance count.
    pub fn is_deep_space(&self) -> bool {
        self.model.is_deep()
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
    pub(crate) fn raw(&self, minutes: f64) -> Result<PosVel, PropagationError> {
        if !minutes.is_finite() {
            return Err(PropagationError::MeanMotion { minutes });
        }
        self.model.state(minutes, &self.resonance).map_err(|code| PropagationError::new(code, minutes))
    }

    /// States at `count` times, the first at `first` minutes from the epoch and each `step` minutes after the last, by
    /// `kernel`. They differ from those of [`Propagator::state_at_minutes`] by less than 1e-8 km (below 225 min of
    /// period) or 1e-6 km, because the order of operations is another; `out` is overwritten.
    ///
    /// ```
    /// # let tle = b"1 25544U 98067A   20194.88612269 -.00002218  00000-0 -31515-4 0  9992\n\
    /// # 2 25544  51.6461 221.2784 0001413  89.1723 280.4612 15.49507896236008\n";
    /// # let read = orbit::read_catalogue(tle, "iss");
    /// # let iss = orbit::Propagator::new(read.catalogue.iter().next().unwrap()).unwrap();
    /// let mut day = orbit::StateBatch::default();
    /// iss.states_every(0.0, 1.0, 1440, orbit::Kernel::best(), &mut day);
    /// let alone = iss.state_at_minutes(719.0).unwrap().position().km();
    /// assert!((day.position_km(719).unwrap()[0] - alone[0]).abs() < 1e-8);
    /// ```
    pub fn states_every(&self, first: f64, step: f64, count: usize, kernel: Kernel, out: &mut StateBatch) {
        let steps = Steps { first, step, count };
        out.resize(count);
        if !(first.is_finite() && step.is_finite()) {
            out.columns.iter_mut().for_each(|column| column.fill(f64::NAN));
            return;
        }
        let mut columns = out.columns.each_mut().map(Vec::as_mut_slice);
        self.fill_columns(steps, kernel, &mut columns);
    }

    /// [`Propagator::states_every`] into memory of the caller.
    pub(crate) fn fill_columns(&self, steps: Steps, kernel: Kernel, columns: &mut Columns<'_>) {
        let (from, to) = (steps.first, steps.at(steps.count));
        let (from, to) = if from <= to { (from, to) } else { (to, from) };
        // For many times the integrator runs once; it costs nothing where there is no resonance.
        let own;
        let resonance = if self.resonance.covers(from, to) {
            &self.resonance
        } else {
            own = self.model.resonance_between(from, to);
            &own
        };
        kernel::states(&self.model, steps, resonance, kernel, columns);
    }

    /// Radii in km between which every valid state from `start` to `end` lies.
    pub(crate) fn radii_between(&self, start: Timestamp, end: Timestamp) -> (f64, f64) {
        let furthest = self.minutes_to(start).abs().max(self.minutes_to(end).abs());
        self.model.radii_km(furthest)
    }

    /// Whether every state from `start` to `end` is surely valid; not every one for which this is false fails.
    pub(crate) fn always_valid_between(&self, start: Timestamp, end: Timestamp) -> bool {
        let furthest = self.minutes_to(start).abs().max(self.minutes_to(end).abs());
        self.model.is_always_valid(furthest)
    }

    /// The same propagator, its integrator run from the epoch to `start..=end` once; states are the same to the last
    /// bit.
    pub(crate) fn anchored(mut self, start: Timestamp, end: Timestamp) -> Self {
        self.resonance = self.model.resonance_between(self.minutes_to(start), self.minutes_to(end));
        self
    }
}

/// States of one object at many times, as columns: what [`Propagator::states_every`] fills. TEME, km and km/s.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StateBatch {
    columns: [Vec<f64>; 6],
}

impl StateBatch {
    fn resize(&mut self, count: usize) {
        self.columns.iter_mut().for_each(|column| column.resize(count, 0.0));
    }

    /// How many times there are.
    pub fn len(&self) -> usize {
        self.columns[0].len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.columns[0].is_empty()
    }

    /// x, y, z in km and their rates in km/s, each as long as there are times. All six are NaN where there is no valid
    /// state; [`Propagator::state_at_minutes`] says why.
    pub fn columns(&self) -> [&[f64]; 6] {
        self.columns.each_ref().map(Vec::as_slice)
    }

    /// The position at the `index`-th time in km; `None` where there is no valid state, or no such time.
    pub fn position_km(&self, index: usize) -> Option<[f64; 3]> {
        self.three(0, index)
    }

    /// The velocity at the `index`-th time in km/s; `None` where there is no valid state, or no such time.
    pub fn velocity_km_s(&self, index: usize) -> Option<[f64; 3]> {
        self.three(3, index)
    }

    fn three(&self, first: usize, index: usize) -> Option<[f64; 3]> {
        let at = |i: usize| self.columns.get(first + i)?.get(index).copied().filter(|x| !x.is_nan());
        Some([at(0)?, at(1)?, at(2)?])
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
