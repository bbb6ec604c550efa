//! Our SGP4 beside that of the `sgp4` crate, which was written from the same paper by others.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and shows its figures"
)]

use std::f64::consts::PI;

use orbit::{ElementSet, Propagator};

const CATALOGUES: [&str; 2] = [
    include_str!("../../../samples/orbit/korea-2026-03.csv"),
    include_str!("../../../samples/orbit/korea-2025-04-15.3le"),
];

/// 2000-01-01T12:00:00Z.
const J2000_UNIX_S: f64 = 946_728_000.0;

fn their_orbit(set: &ElementSet) -> sgp4::Orbit {
    sgp4::Orbit::from_kozai_elements(
        &sgp4::WGS72,
        set.inclination_deg().to_radians(),
        set.raan_deg().to_radians(),
        set.eccentricity(),
        set.argument_of_perigee_deg().to_radians(),
        set.mean_anomaly_deg().to_radians(),
        set.mean_motion_rev_per_day() * (PI / 720.0),
    )
    .unwrap()
}

fn theirs(set: &ElementSet) -> sgp4::Constants {
    let years = (set.epoch().unix_seconds() - J2000_UNIX_S) / (365.25 * 86_400.0);
    let sidereal = sgp4::iau_epoch_to_sidereal_time;
    sgp4::Constants::new(sgp4::WGS72, sidereal, years, set.bstar(), their_orbit(set)).unwrap()
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn a_week_of_korean_satellites_agrees_with_another_implementation() {
    let (mut states, mut worst_km, mut worst_km_s) = (0, 0.0f64, 0.0f64);
    for text in CATALOGUES {
        let read = orbit::read_catalogue(text.as_bytes(), "sample");
        assert!(read.faults.is_empty(), "{:?}", read.faults);
        for set in read.catalogue.iter() {
            // Kepler's law of the mean motion, and the series of the report, differ in the second order of J2.
            let their_axis_km =
                sgp4::WGS72.ae * (sgp4::WGS72.ke / their_orbit(set).mean_motion).powf(2.0 / 3.0);
            assert!((set.semi_major_axis_km().unwrap() - their_axis_km).abs() < 0.02);
            let (ours, theirs) = (Propagator::new(set).unwrap(), theirs(set));
            // Both ways from the epoch, where deep space is integrated step by step.
            for minutes in (-10_080..=10_080).step_by(97).map(f64::from) {
                let ours = ours.state_at_minutes(minutes).unwrap();
                let theirs = theirs.propagate(sgp4::MinutesSinceEpoch(minutes)).unwrap();
                worst_km = worst_km.max(distance(ours.position().km(), theirs.position));
                worst_km_s = worst_km_s.max(distance(ours.velocity().km_s(), theirs.velocity));
                states += 1;
            }
        }
    }
    println!("{states} states, at most {worst_km:e} km and {worst_km_s:e} km/s apart");
    assert!(states > 8000, "{states}");
    assert!(worst_km < 1e-6, "{worst_km}");
    assert!(worst_km_s < 1e-9, "{worst_km_s}");
}
