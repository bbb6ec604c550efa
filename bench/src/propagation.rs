//! Propagation of whole catalogues, timed, and the same states kept to be compared with those of others.

use base::Timestamp;
use orbit::{Catalogue, ElementSet, Propagator, StateBatch};

use crate::clock::{Times, timed};
use crate::engine::{Engine, PosVel, at_minutes, each_minute};

/// 2000-01-01T12:00:00Z in seconds since 1970.
const J2000_UNIX_S: f64 = 946_728_000.0;

/// What came out, so that no compiler can leave the work out.
#[derive(Default)]
pub(crate) struct States {
    pub(crate) count: usize,
    pub(crate) sum: f64,
    /// The positions of every so-manieth step in km, NaN in error states: by object, then by step.
    pub(crate) kept_km: Vec<f64>,
}

impl States {
    fn take(&mut self, keep: bool, state: Option<PosVel>) {
        if let Some((position_km, velocity_km_s)) = state {
            self.count += 1;
            self.sum += position_km[0] + velocity_km_s[0];
        }
        if keep {
            self.keep(std::iter::once(state.map(|(position_km, _)| position_km)));
        }
    }

    fn keep(&mut self, positions_km: impl Iterator<Item = Option<[f64; 3]>>) {
        self.kept_km.extend(positions_km.flat_map(|r| r.unwrap_or([f64::NAN; 3])));
    }
}

/// Every object of `catalogue` at `steps` one-minute steps from `start`. Preparing them is not timed. Of an object that
/// cannot be prepared every state is an error state.
pub(crate) fn propagate(
    engine: Engine,
    catalogue: &Catalogue,
    start: Timestamp,
    steps: usize,
    kept: usize,
) -> (States, Times) {
    if engine == Engine::Sgp4 {
        theirs(catalogue, start, steps, kept)
    } else {
        ours(engine, catalogue, start, steps, kept)
    }
}

fn ours(
    engine: Engine,
    catalogue: &Catalogue,
    start: Timestamp,
    steps: usize,
    kept: usize,
) -> (States, Times) {
    let all: Vec<Option<Propagator>> = catalogue.iter().map(|set| Propagator::new(set).ok()).collect();
    timed(|| {
        let (mut states, mut batch) = (States::default(), StateBatch::default());
        for object in &all {
            let Some(propagator) = object else {
                (0..steps).for_each(|step| states.take(step.is_multiple_of(kept), None));
                continue;
            };
            let first_min = propagator.minutes_to(start);
            if let Some(kernel) = engine.kernel() {
                // As the others that fill arrays: what is not kept is written and not read again.
                propagator.states_every(first_min, 1.0, steps, kernel, &mut batch);
                states.count +=
                    std::hint::black_box(&batch).columns()[0].iter().filter(|x| !x.is_nan()).count();
                states.keep((0..steps).step_by(kept).map(|step| batch.position_km(step)));
                continue;
            }
            each_minute(propagator, first_min, steps, None, &mut batch, |step, state| {
                states.take(step.is_multiple_of(kept), state);
            });
        }
        states
    })
}

/// The `sgp4` crate with the constants that python-sgp4 uses.
fn theirs(catalogue: &Catalogue, start: Timestamp, steps: usize, kept: usize) -> (States, Times) {
    let all: Vec<_> = catalogue
        .iter()
        .map(|set| sgp4_constants(set).map(|constants| (constants, start.seconds_since(set.epoch()) / 60.0)))
        .collect();
    timed(|| {
        let mut states = States::default();
        for object in &all {
            for step in 0..steps {
                let state = object.as_ref().and_then(|(constants, minutes)| {
                    constants.propagate(sgp4::MinutesSinceEpoch(minutes + step as f64)).ok()
                });
                states.take(step.is_multiple_of(kept), state.map(|s| (s.position, s.velocity)));
            }
        }
        states
    })
}

fn sgp4_constants(set: &ElementSet) -> Option<sgp4::Constants> {
    let orbit = sgp4::Orbit::from_kozai_elements(
        &sgp4::WGS72,
        set.inclination_deg().to_radians(),
        set.raan_deg().to_radians(),
        set.eccentricity(),
        set.argument_of_perigee_deg().to_radians(),
        set.mean_anomaly_deg().to_radians(),
        set.mean_motion_rev_per_day() * (std::f64::consts::PI / 720.0),
    );
    let years = (set.epoch().unix_seconds() - J2000_UNIX_S) / (365.25 * 86_400.0);
    sgp4::Constants::new(sgp4::WGS72, sgp4::iau_epoch_to_sidereal_time, years, set.bstar(), orbit.ok()?).ok()
}

/// Only the positions of every `kept`-th of `steps` one-minute steps, in km, NaN in error states. Kernels still make
/// all steps, as in use: their turning angles depend on it.
pub(crate) fn positions(
    engine: Engine,
    catalogue: &Catalogue,
    start: Timestamp,
    steps: usize,
    kept: usize,
) -> Vec<f64> {
    if engine != Engine::Scalar {
        return propagate(engine, catalogue, start, steps, kept).0.kept_km;
    }
    let mut states = States::default();
    for set in catalogue {
        let propagator = Propagator::new(set).ok();
        for step in (0..steps).step_by(kept) {
            let at = |p: &Propagator| at_minutes(p, p.minutes_to(start) + step as f64);
            states.take(true, propagator.as_ref().and_then(at));
        }
    }
    states.kept_km
}
