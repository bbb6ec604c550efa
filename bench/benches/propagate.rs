//! SGP4 and SDP4: a day of one-minute steps of every hundredth object, one state at a time and by every kernel.

#[path = "../src/engine.rs"]
#[allow(dead_code, reason = "the comparison takes more of it")]
mod engine;
mod measured;

use divan::Bencher;
use divan::counter::ItemsCount;
use engine::{Engine, each_minute};
use measured::{inputs, measured};
use orbit::{ElementSet, Propagator, StateBatch};

const STEPS: usize = 1440;

fn main() {
    divan::main();
}

fn propagate(bencher: Bencher<'_, '_>, engine: Engine, wanted: impl Fn(&&ElementSet) -> bool) {
    let catalogue = measured();
    let sets: Vec<&ElementSet> = catalogue.iter().filter(wanted).step_by(100).collect();
    let propagators: Vec<Propagator> = sets.iter().filter_map(|set| Propagator::new(set).ok()).collect();
    let mut batch = StateBatch::default();
    bencher.counter(ItemsCount::new(propagators.len() * STEPS)).bench_local(|| {
        let mut sum = 0.0;
        for propagator in &propagators {
            each_minute(propagator, 0.0, STEPS, engine.kernel(), &mut batch, |_, state| {
                sum += state.map_or(0.0, |(position_km, _)| position_km[0]);
            });
        }
        sum
    });
}

#[divan::bench(args = Engine::ours())]
fn near_earth(bencher: Bencher<'_, '_>, engine: Engine) {
    propagate(bencher, engine, |set| set.period_min() < inputs::DEEP_SPACE_MIN);
}

#[divan::bench(args = Engine::ours())]
fn deep_space(bencher: Bencher<'_, '_>, engine: Engine) {
    propagate(bencher, engine, |set| set.period_min() >= inputs::DEEP_SPACE_MIN);
}
