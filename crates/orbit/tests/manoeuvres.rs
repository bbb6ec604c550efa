//! Manoeuvres in histories whose burns are known, because they were simulated.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use base::{NoradId, Timestamp};
use orbit::{
    ElementHistory, Manoeuvre, ManoeuvreKind, ManoeuvreSettings, detect_manoeuvres,
    detect_manoeuvres_causally, read_history,
};
use proptest::prelude::*;
use testkit::{SimulatedBurn, SimulatedHistory};

const DAY_S: f64 = 86_400.0;

fn burn(day: f64, in_plane_m_s: f64, cross_plane_m_s: f64) -> SimulatedBurn {
    SimulatedBurn { day, in_plane_m_s, cross_plane_m_s }
}

fn history(of: &SimulatedHistory) -> ElementHistory {
    let read = read_history(of.tle().as_bytes(), "simulated");
    assert_eq!(read.faults, []);
    read.history
}

/// The claims, without what is below the floor.
fn claims(of: &SimulatedHistory) -> Vec<Manoeuvre> {
    let all = detect_manoeuvres(&history(of), &ManoeuvreSettings::default());
    all.into_iter().filter(|one| !one.below_floor).collect()
}

/// 2024-01-10T07:12:00Z: day 10.3 of 2024, where the simulated histories start.
fn start() -> Timestamp {
    "2024-01-10T07:12:00Z".parse().unwrap()
}

fn day(time: Timestamp) -> f64 {
    time.seconds_since(start()) / DAY_S
}

#[test]
fn burns_are_found_at_their_time_and_size() {
    let burns =
        [burn(40.45, 0.02, 0.0), burn(75.2, -0.015, 0.0), burn(110.8, 0.03, 0.0), burn(150.6, 0.5, 0.0)];
    let found = claims(&SimulatedHistory::low_orbit(200, burns.to_vec(), 1));
    assert_eq!(found.len(), burns.len(), "{found:#?}");
    for (one, burn) in found.iter().zip(&burns) {
        assert!((day(one.onset) - burn.day).abs() < 0.5, "{burn:?}: {one:?}");
        assert!((day(one.time) - burn.day).abs() < 1.0, "{burn:?}: {one:?}");
        assert!(one.window_start <= one.time && one.time <= one.window_end, "{one:?}");
        assert!((one.in_plane_m_s / burn.in_plane_m_s - 1.0).abs() < 0.05, "{burn:?}: {one:?}");
        assert_eq!(one.kind, ManoeuvreKind::InPlane);
        assert!(one.confidence > 0.99 && one.delta_v_m_s > one.floor_m_s, "{one:?}");
    }
}

#[test]
fn a_burn_across_the_plane_is_told_from_one_along_the_track() {
    let burns = vec![burn(60.4, 0.0, 2.0), burn(120.8, 0.8, 2.0)];
    let found = claims(&SimulatedHistory::low_orbit(180, burns, 3));
    let kinds: Vec<ManoeuvreKind> = found.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [ManoeuvreKind::CrossPlane, ManoeuvreKind::Mixed], "{found:#?}");
    for one in found {
        assert!((one.cross_plane_m_s - 2.0).abs() < 0.2, "{one:?}");
    }
}

#[test]
fn a_geosynchronous_object_keeps_its_station() {
    let burns = [burn(50.6, -0.25, 0.0), burn(110.7, -0.26, 0.0)];
    let found = claims(&SimulatedHistory::geosynchronous(160, burns.to_vec(), 2));
    assert_eq!(found.len(), 2, "{found:#?}");
    for (one, burn) in found.iter().zip(&burns) {
        assert_eq!(one.kind, ManoeuvreKind::StationKeeping);
        assert!((day(one.time) - burn.day).abs() < 1.0, "{one:?}");
        assert!((one.in_plane_m_s / burn.in_plane_m_s - 1.0).abs() < 0.1, "{one:?}");
    }
}

#[test]
fn a_quiet_object_has_next_to_no_claims() {
    // A year each: the false-discovery rate lets one slip now and then, not one each.
    let false_ones: usize = (0..10)
        .map(|seed| {
            claims(&SimulatedHistory::low_orbit(365, Vec::new(), seed)).len()
                + claims(&SimulatedHistory::geosynchronous(365, Vec::new(), seed)).len()
        })
        .sum();
    assert!(false_ones <= 2, "{false_ones} claims in 20 quiet years");
}

#[test]
fn single_bad_sets_are_no_burns() {
    let tle = SimulatedHistory::low_orbit(150, Vec::new(), 5);
    let mut sets = history(&tle).sets(NoradId::new(99001)).to_vec();
    for (index, factor) in [(40, 1.0005), (90, 0.9992), (120, 1.000_05)] {
        let mut elements = sets[index].elements().clone();
        elements.mean_motion_rev_per_day *= factor;
        elements.inclination_deg += 0.05;
        sets[index] = orbit::ElementSet::new(elements).unwrap();
    }
    let found = detect_manoeuvres(&ElementHistory::new(sets), &ManoeuvreSettings::default());
    assert!(found.iter().all(|one| one.below_floor), "{found:#?}");
}

#[test]
fn a_gap_of_months_hides_no_gross_burn_and_invents_none() {
    for (size, count) in [(0.0, 0), (5.0, 1)] {
        let sets = history(&SimulatedHistory::low_orbit(240, vec![burn(100.0, size, 0.0)], 7));
        let all = sets.sets(NoradId::new(99001));
        let holed = all[..60].iter().chain(&all[180..]).cloned();
        let found = detect_manoeuvres(&ElementHistory::new(holed), &ManoeuvreSettings::default());
        let found: Vec<_> = found.iter().filter(|one| !one.below_floor).collect();
        assert_eq!(found.len(), count, "{size} m/s: {found:#?}");
    }
}

#[test]
fn few_sets_are_no_burns_and_no_error() {
    assert_eq!(detect_manoeuvres(&ElementHistory::default(), &ManoeuvreSettings::default()), []);
    for count in 1..12 {
        let few = SimulatedHistory::low_orbit(count, Vec::new(), 11);
        assert_eq!(claims(&few), [], "{count} sets");
        assert_eq!(
            detect_manoeuvres_causally(&history(&few), &ManoeuvreSettings::default()),
            [],
            "{count} sets"
        );
    }
}

#[test]
fn a_set_published_again_is_one_set() {
    let text = SimulatedHistory::low_orbit(150, vec![burn(70.0, 0.02, 0.0)], 4).tle();
    let settings = ManoeuvreSettings::default();
    let once = read_history(text.as_bytes(), "once").history;
    let twice = read_history(format!("{text}{text}").as_bytes(), "twice").history;
    assert_eq!(once, twice);
    assert_eq!(detect_manoeuvres(&once, &settings), detect_manoeuvres(&twice, &settings));
}

#[test]
fn an_alarm_uses_no_set_after_it() {
    let simulated = SimulatedHistory::low_orbit(160, vec![burn(60.3, 0.02, 0.0), burn(110.7, 0.03, 0.0)], 6);
    let all = history(&simulated);
    let settings = ManoeuvreSettings::default();
    let alarms = detect_manoeuvres_causally(&all, &settings);
    assert_eq!(alarms.len(), 2, "{alarms:#?}");
    for (one, true_day) in alarms.iter().zip([60.3, 110.7]) {
        let alarm = one.alarm.unwrap();
        assert!((day(one.time) - true_day).abs() < 1.0, "{one:?}");
        assert!((3..=8).contains(&alarm.sets) && alarm.time > one.onset, "{one:?}");
        let known = all.sets(NoradId::new(99001)).iter().filter(|set| set.epoch() <= alarm.time).cloned();
        let then = detect_manoeuvres_causally(&ElementHistory::new(known), &settings);
        assert_eq!(then.last(), Some(one));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_the_sets_does_not_matter(seed in 0_u64..1000, turn in 1_usize..149) {
        let sets = history(&SimulatedHistory::low_orbit(150, vec![burn(70.0, 0.02, 0.0)], seed));
        let mut other: Vec<_> = sets.sets(NoradId::new(99001)).to_vec();
        other.rotate_left(turn);
        other[..turn].reverse();
        let settings = ManoeuvreSettings::default();
        prop_assert_eq!(
            detect_manoeuvres(&sets, &settings),
            detect_manoeuvres(&ElementHistory::new(other), &settings)
        );
    }

    #[test]
    fn a_burn_well_above_the_noise_is_found(seed in 0_u64..1000, day_of in 40.0_f64..110.0, size in 0.01_f64..3.0, up: bool) {
        let size = if up { size } else { -size };
        let found = claims(&SimulatedHistory::low_orbit(150, vec![burn(day_of, size, 0.0)], seed));
        let near = |one: &&Manoeuvre| (day(one.time) - day_of).abs() < 2.0;
        let mut near = found.iter().filter(near);
        prop_assert!(near.any(|one| (one.in_plane_m_s / size - 1.0).abs() < 0.15), "{:?}", found);
    }

    #[test]
    fn odd_sets_end_in_no_panic(
        values in prop::collection::vec((0.0..400.0, 0.01..18.0, 0.0..0.99, 0.0..180.0, 0.0..360.0), 0..60)
    ) {
        let template = history(&SimulatedHistory::low_orbit(1, Vec::new(), 0));
        let elements = template.sets(NoradId::new(99001))[0].elements().clone();
        let sets = values.into_iter().map(|(days, motion, eccentricity, inclination, angle)| {
            orbit::ElementSet::new(orbit::Elements {
                epoch: start().plus_seconds(days * DAY_S),
                mean_motion_rev_per_day: motion,
                eccentricity,
                inclination_deg: inclination,
                mean_anomaly_deg: angle,
                ..elements.clone()
            })
            .unwrap()
        });
        let odd = ElementHistory::new(sets);
        let settings = ManoeuvreSettings::default();
        for one in detect_manoeuvres(&odd, &settings).into_iter().chain(detect_manoeuvres_causally(&odd, &settings)) {
            prop_assert!(one.delta_v_m_s.is_finite() && (0.0..=1.0).contains(&one.confidence), "{:?}", one);
            prop_assert!(one.window_start <= one.time && one.time <= one.window_end, "{:?}", one);
        }
    }
}
