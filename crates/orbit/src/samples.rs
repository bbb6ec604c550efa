//! The states of one object at evenly spaced times, where figures that are printed come from them.

use base::Timestamp;

use crate::frame::norm;
use crate::{Kernel, Position, Propagator, State, StateBatch, Teme, Velocity};

/// Of an orbit that breaks up in its last days SGP4 makes numbers of any size, and a kernel's rounding decides which:
/// beyond this the scalar state counts.
const FAR_KM: f64 = 500_000.0;

/// The states at `count` times, the first at `first` and each `step_s` after the last; `None` in error states.
///
/// Not by the processor's best kernel but by the portable one, whose bits are the same on every machine. They lie
/// within 1e-8 km (below 225 min of period) or 1e-6 km of [`Propagator::state_at`].
pub(crate) fn states_every(
    propagator: &Propagator,
    first: Timestamp,
    step_s: f64,
    count: usize,
) -> impl Iterator<Item = Option<State<Teme>>> {
    let mut batch = StateBatch::default();
    propagator.states_every(propagator.minutes_to(first), step_s / 60.0, count, Kernel::Portable, &mut batch);
    (0..count).map(move |index| {
        let time = first.plus_seconds(index as f64 * step_s);
        let position_km = batch.position_km(index)?;
        if norm(position_km) > FAR_KM {
            return propagator.state_at(time).ok();
        }
        Some(State::new(time, Position::new(position_km), Velocity::new(batch.velocity_km_s(index)?)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::minus;
    use crate::read_catalogue;

    #[test]
    fn samples_are_those_of_the_scalar_propagator() {
        let verify = include_bytes!("../tests/data/sgp4-verify/SGP4-VER.TLE");
        let mut compared = 0;
        for set in &read_catalogue(verify, "verify").catalogue {
            let Ok(propagator) = Propagator::new(set) else { continue };
            let first = set.epoch().plus_seconds(-600.5);
            for (index, got) in states_every(&propagator, first, 60.0, 1000).enumerate() {
                let want = propagator.state_at(first.plus_seconds(60.0 * index as f64)).ok();
                assert_eq!(got.is_some(), want.is_some(), "{} {index}", set.norad_id());
                let (Some(got), Some(want)) = (got, want) else { continue };
                assert_eq!(got.time(), want.time());
                let apart_km = norm(minus(got.position().km(), want.position().km()));
                assert!(apart_km < 1e-6, "{} {index} {apart_km}", set.norad_id());
                compared += 1;
            }
        }
        assert!(compared > 20_000, "{compared}");
    }
}
