//! Vallado's verification set: every printed state, and the error states where the printing stops.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and shows its figures"
)]

use orbit::{ElementSet, PropagationError, Propagator};

const SETS: &str = include_str!("data/sgp4-verify/SGP4-VER.TLE");
const EXPECTED: &str = include_str!("data/sgp4-verify/tcppver.out");

struct Case {
    set: ElementSet,
    start_min: f64,
    stop_min: f64,
    step_min: f64,
    rows: Vec<[f64; 7]>,
}

/// The sets 33333 to 33335 come with the checksums of the sets that they were made from.
fn mended(line: &str) -> String {
    let body = line.get(..68).unwrap();
    let sum: u32 = body.chars().map(|c| if c == '-' { 1 } else { c.to_digit(10).unwrap_or(0) }).sum();
    format!("{body}{}", sum % 10)
}

fn cases() -> Vec<Case> {
    let mut blocks: Vec<Vec<[f64; 7]>> = Vec::new();
    for line in EXPECTED.lines() {
        if line.trim_end().ends_with("xx") {
            blocks.push(Vec::new());
            continue;
        }
        let numbers: Vec<f64> = line.split_whitespace().take(7).map(|n| n.parse().unwrap()).collect();
        blocks.last_mut().unwrap().push(numbers.try_into().unwrap());
    }
    let lines: Vec<&str> = SETS.lines().filter(|l| l.starts_with(['1', '2'])).collect();
    assert_eq!(lines.len() / 2, blocks.len());
    lines
        .chunks(2)
        .zip(blocks)
        .map(|(pair, rows)| {
            let text = format!("{}\n{}\n", mended(pair[0]), mended(pair[1]));
            let read = orbit::read_catalogue(text.as_bytes(), "SGP4-VER.TLE");
            assert!(read.faults.is_empty(), "{:?}", read.faults);
            let times: Vec<f64> = pair[1][69..].split_whitespace().map(|n| n.parse().unwrap()).collect();
            Case {
                set: read.catalogue.iter().next().unwrap().clone(),
                start_min: times[0],
                stop_min: times[1],
                step_min: times[2],
                rows,
            }
        })
        .collect()
}

fn distance(a: [f64; 3], b: &[f64]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn every_printed_state_is_met() {
    let (mut worst_km, mut worst_km_s, mut states) = (0.0f64, 0.0f64, 0);
    for case in cases() {
        let id = case.set.norad_id();
        if id.get() == 33_334 {
            continue;
        }
        let propagator = Propagator::new(&case.set).unwrap();
        for row in &case.rows {
            let state = propagator.state_at_minutes(row[0]).unwrap_or_else(|e| panic!("{id}: {e}"));
            let off_km = distance(state.position().km(), &row[1..4]);
            let off_km_s = distance(state.velocity().km_s(), &row[4..7]);
            if off_km > 2e-8 {
                println!("{id} at {} min: {off_km:e} km, {off_km_s:e} km/s", row[0]);
            }
            worst_km = worst_km.max(off_km);
            worst_km_s = worst_km_s.max(off_km_s);
            states += 1;
        }
    }
    println!("{states} states, at most {worst_km:e} km and {worst_km_s:e} km/s off");
    assert_eq!(states, EXPECTED.lines().filter(|l| !l.contains("xx")).count() - 1);
    assert!(worst_km < 2.5e-7, "{worst_km}");
    assert!(worst_km_s < 1e-9, "{worst_km_s}");
}

#[test]
fn where_the_printing_stops_there_is_an_error() {
    let mut stopped = Vec::new();
    for case in cases() {
        let id = case.set.norad_id().get();
        let propagator = Propagator::new(&case.set);
        let last = case.rows.last().map_or(0.0, |r| r[0]);
        // The first row is always the epoch; then start, start + step, .. up to stop.
        let next =
            if case.rows.len() == 1 { case.start_min.max(case.step_min) } else { last + case.step_min };
        if id == 33_334 {
            assert!(propagator.unwrap().state_at_minutes(0.0).is_err());
            continue;
        }
        if next > case.stop_min + 1e-9 {
            continue;
        }
        let error = propagator.unwrap().state_at_minutes(next.min(case.stop_min));
        stopped.push((id, next, error.map(|s| s.position().km()).map_err(|e| e.code())));
    }
    println!("{stopped:?}");
    assert!(stopped.iter().all(|(_, _, e)| e.is_err()), "{stopped:?}");
    assert!(!stopped.is_empty());
}

#[test]
fn time_that_is_no_number_is_an_error() {
    let case = cases().remove(0);
    let propagator = Propagator::new(&case.set).unwrap();
    assert!(matches!(propagator.state_at_minutes(f64::NAN), Err(PropagationError::MeanMotion { .. })));
    assert!(propagator.state_at_minutes(f64::INFINITY).is_err());
}
