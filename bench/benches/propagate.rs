//! SGP4 and SDP4: an hour of one-minute steps of every hundredth object.

mod measured;

use divan::Bencher;
use divan::counter::ItemsCount;
use orbit::{ElementSet, Propagator};

const STEPS: usize = 60;
use measured::{inputs, measured};

fn main() {
    divan::main();
}

fn propagate(bencher: Bencher<'_, '_>, wanted: impl Fn(&&ElementSet) -> bool) {
    let catalogue = measured();
    let sets: Vec<&ElementSet> = catalogue.iter().filter(wanted).step_by(100).collect();
    let propagators: Vec<Propagator> = sets.iter().filter_map(|set| Propagator::new(set).ok()).collect();
    bencher.counter(ItemsCount::new(propagators.len() * STEPS)).bench(|| {
        let states = propagators
            .iter()
            .flat_map(|p| (0..STEPS).filter_map(|minute| p.state_at_minutes(minute as f64).ok()));
        states.map(|state| state.position().km()[0]).sum::<f64>()
    });
}

#[divan::bench]
fn near_earth(bencher: Bencher<'_, '_>) {
    propagate(bencher, |set| set.period_min() < inputs::DEEP_SPACE_MIN);
}

#[divan::bench]
fn deep_space(bencher: Bencher<'_, '_>) {
    propagate(bencher, |set| set.period_min() >= inputs::DEEP_SPACE_MIN);
}
