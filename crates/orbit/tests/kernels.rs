//! Every kernel of this processor beside the scalar reference: the same states, and none where there is none.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and shows its figures"
)]

use orbit::{ElementSet, Kernel, Propagator, StateBatch};

const CATALOGUES: [&str; 3] = [
    include_str!("../../../samples/orbit/korea-2026-03.csv"),
    include_str!("../../../samples/orbit/korea-2025-04-15.3le"),
    include_str!("../../../samples/orbit/synthetic-history.tle"),
];

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

fn perigee_km(set: &ElementSet) -> f64 {
    set.semi_major_axis_km().map_or(0.0, |axis_km| axis_km * (1.0 - set.eccentricity()))
}

/// Objects of the samples, and orbits of all shapes: near and deep, round and long, over the equator and backwards. Not at
/// an inclination of 180 degrees to the last bit: SGP4 divides by its sine.
fn propagators() -> Vec<Propagator> {
    let mut all = Vec::new();
    for text in CATALOGUES {
        let read = orbit::read_catalogue(text.as_bytes(), "sample");
        all.extend(read.catalogue.iter().map(|set| Propagator::new(set).unwrap()));
        for set in read.catalogue.iter().take(2) {
            for motion in [0.3, 1.002_7, 2.005_6, 6.3, 6.5, 12.0, 15.9] {
                for (eccentricity, bstar) in
                    [(1e-7, 0.0), (0.02, 1e-4), (0.3, 1e-3), (0.7, 0.0), (1e-3, 0.02)]
                {
                    for inclination_deg in [0.0, 63.4, 98.0, 179.0] {
                        let mut elements = set.elements().clone();
                        elements.mean_motion_rev_per_day = motion;
                        elements.eccentricity = eccentricity;
                        elements.bstar = bstar;
                        elements.inclination_deg = inclination_deg;
                        let changed = ElementSet::new(elements).unwrap();
                        // Below, SGP4 carries objects off, and a last bit grows without end.
                        if perigee_km(&changed) > 6600.0 {
                            all.push(Propagator::new(&changed).unwrap());
                        }
                    }
                }
            }
        }
    }
    all
}

#[test]
fn kernels_agree_with_the_scalar_reference() {
    // Neither the first time nor the number of times is a whole vector.
    let (first, step, count) = (-4321.0, 7.3, 1201);
    let propagators = propagators();
    let (mut valid, mut invalid) = (0, 0);
    for kernel in Kernel::available() {
        let (mut near_km, mut deep_km) = (0.0f64, 0.0f64);
        let mut batch = StateBatch::default();
        for propagator in &propagators {
            propagator.states_every(first, step, count, *kernel, &mut batch);
            assert_eq!(batch.len(), count);
            let worst = if propagator.is_deep_space() { &mut deep_km } else { &mut near_km };
            for index in 0..count {
                let alone = propagator.state_at_minutes(first + step * index as f64);
                assert_eq!(batch.position_km(index).is_some(), alone.is_ok(), "{kernel:?} {alone:?}");
                let (Some(position), Ok(state)) = (batch.position_km(index), alone) else {
                    invalid += 1;
                    continue;
                };
                *worst = worst.max(distance(position, state.position().km()));
                valid += 1;
            }
        }
        println!("{kernel:?}: at most {near_km:e} km apart, {deep_km:e} km in deep space");
        assert!(near_km < 3e-8 && deep_km < 1e-6, "{kernel:?}: {near_km} km, {deep_km} km");
    }
    println!("{valid} states, and {invalid} times without one");
    assert!(valid > 100_000 && invalid > 100);
}
