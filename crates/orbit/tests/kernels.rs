//! Every kernel against the scalar reference over a week, and the reference against the `sgp4` crate.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and shows its figures"
)]

use orbit::{Catalogue, ElementSet, Elements, Kernel, Propagator, StateBatch, read_catalogue};

/// All element sets that are shipped for tests and samples, one catalogue a file.
fn shipped() -> Vec<Catalogue> {
    let verify: String = include_str!("data/sgp4-verify/SGP4-VER.TLE")
        .lines()
        .filter(|l| l.starts_with(['1', '2']))
        .flat_map(|l| [l.get(..69).unwrap(), "\n"])
        .collect();
    let files: [&[u8]; 5] = [
        include_bytes!("data/celestrak/active-2026-03-excerpt.csv"),
        include_bytes!("data/celestrak/active-2025-04-15-excerpt.3le"),
        include_bytes!("../../../samples/orbit/korea-2026-03.csv"),
        include_bytes!("../../../samples/orbit/korea-2025-04-15.3le"),
        verify.as_bytes(),
    ];
    files.iter().map(|bytes| read_catalogue(bytes, "shipped").catalogue).collect()
}

fn apart(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

/// Largest differences in km, near the Earth and in deep space, and how many states were compared.
#[derive(Default)]
struct Worst {
    near_km: f64,
    deep_km: f64,
    states: usize,
}

fn compare(set: &ElementSet, first: f64, step: f64, count: usize, worst: &mut Worst) {
    let Ok(propagator) = Propagator::new(set) else { return };
    let mut batch = StateBatch::default();
    let alone: Vec<_> =
        (0..count).map(|i| propagator.state_at_minutes(first + step * i as f64).ok()).collect();
    for kernel in Kernel::available() {
        propagator.states_every(first, step, count, *kernel, &mut batch);
        for (i, alone) in alone.iter().enumerate() {
            let (id, minutes) = (set.norad_id(), first + step * i as f64);
            let (batch, Some(state)) = (batch.position_km(i), alone) else {
                assert!(
                    batch.position_km(i).is_none() && batch.velocity_km_s(i).is_none(),
                    "{id} {minutes}: {kernel:?} has a state"
                );
                continue;
            };
            let Some(position) = batch else { panic!("{id} {minutes}: {kernel:?} has no state") };
            let off_km = apart(position, state.position().km());
            let largest = if propagator.is_deep_space() { &mut worst.deep_km } else { &mut worst.near_km };
            assert!(off_km < 1e-3, "{id} {minutes}: {kernel:?} is {off_km} km off");
            *largest = largest.max(off_km);
            worst.states += 1;
        }
    }
}

#[test]
fn a_week_of_all_shipped_sets_by_every_kernel() {
    let mut worst = Worst::default();
    for catalogue in shipped() {
        for set in &catalogue {
            compare(set, 0.0, 31.7, 318, &mut worst);
        }
    }
    println!("{} states, near {:e} km, deep {:e} km", worst.states, worst.near_km, worst.deep_km);
    assert!(worst.states > 300_000, "{}", worst.states);
    assert!(worst.near_km < 1e-8 && worst.deep_km < 1e-6, "{:e} {:e}", worst.near_km, worst.deep_km);
}

#[test]
fn no_element_set_makes_a_kernel_panic_or_give_a_place_inside_the_earth() {
    // Corners of what an element set may hold.
    let some = shipped().remove(0).iter().next().unwrap().elements().clone();
    let mut states = 0;
    for mean_motion_rev_per_day in [1e-300, 1e-6, 0.5, 1.0027, 2.006, 6.4, 15.5, 17.2, 20.0] {
        for eccentricity in [0.0, 1e-5, 0.3, 0.74, 0.99, 1.0 - 1e-15] {
            for inclination_deg in [0.0, 63.4, 180.0] {
                for bstar in [-1000.0, -0.1, 0.0, 1e-3, 1000.0] {
                    let set = ElementSet::new(Elements {
                        mean_motion_rev_per_day,
                        eccentricity,
                        inclination_deg,
                        bstar,
                        ..some.clone()
                    });
                    let Ok(propagator) = Propagator::new(&set.unwrap()) else { continue };
                    let mut batch = StateBatch::default();
                    for (first, step) in [(-3000.0, 171.3), (500_000.0, 0.5), (0.0, 0.0), (-1e6, 54_321.0)] {
                        for kernel in Kernel::available() {
                            propagator.states_every(first, step, 37, *kernel, &mut batch);
                            for i in 0..37 {
                                let Some(r) = batch.position_km(i) else { continue };
                                let height = apart(r, [0.0; 3]);
                                assert!(
                                    height > 6378.0 && height.is_finite(),
                                    "{propagator:?} {first} {step} {i} {kernel:?}: {height}"
                                );
                                states += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(states > 1000);
}

#[test]
fn the_reference_agrees_with_another_program() {
    let (mut near_km, mut deep_km, mut states, mut differ) = (0.0f64, 0.0f64, 0, Vec::new());
    for set in shipped().iter().flatten() {
        let Ok(ours) = Propagator::new(set) else { continue };
        let e = set.elements();
        let rad = f64::to_radians;
        let orbit = sgp4::Orbit::from_kozai_elements(
            &sgp4::WGS72,
            rad(e.inclination_deg),
            rad(e.raan_deg),
            e.eccentricity,
            rad(e.argument_of_perigee_deg),
            rad(e.mean_anomaly_deg),
            e.mean_motion_rev_per_day * std::f64::consts::PI / 720.0,
        );
        let since_j2000 = (e.epoch.unix_nanos() as f64 - 946_728_000e9) / 86_400e9 / 365.25;
        let theirs = sgp4::Constants::new(
            sgp4::WGS72,
            sgp4::iau_epoch_to_sidereal_time,
            since_j2000,
            e.bstar,
            orbit.unwrap(),
        );
        let Ok(theirs) = theirs else { continue };
        for minutes in (0..=7).map(|day| f64::from(day) * 1440.0 + 17.3) {
            let (Ok(a), Ok(b)) =
                (ours.state_at_minutes(minutes), theirs.propagate(sgp4::MinutesSinceEpoch(minutes)))
            else {
                // Only here are decayed objects told from others.
                let ours = ours.state_at_minutes(minutes).is_ok();
                differ.extend(ours.then_some((e.norad_id, minutes)));
                continue;
            };
            let off_km = apart(a.position().km(), b.position);
            let largest = if ours.is_deep_space() { &mut deep_km } else { &mut near_km };
            *largest = largest.max(off_km);
            states += 1;
        }
    }
    println!("{states} states, near {near_km:e} km, deep {deep_km:e} km, valid only here {differ:?}");
    assert!(states > 2500);
    assert!(differ.is_empty());
    assert!(near_km < 1e-6 && deep_km < 1e-5, "{near_km:e} {deep_km:e}");
}
