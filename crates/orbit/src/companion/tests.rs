use std::ops::ControlFlow;

use base::{Interval, NoradId, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::Elements;

const DAY_S: f64 = 86_400.0;

fn noon() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

fn day() -> Interval {
    Interval::starting(noon(), DAY_S)
}

/// A satellite in GEO at a mean longitude (against an arbitrary meridian), drifting over the ground.
fn geo(id: u32, epoch: Timestamp, longitude_deg: f64, drift_deg_day: f64) -> ElementSet {
    let gmst_deg = crate::frame::gmst_rad(epoch).to_degrees();
    let elements = Elements {
        norad_id: NoradId::new(id),
        name: None,
        object_id: None,
        epoch,
        mean_motion_rev_per_day: 1.002_700_2 + drift_deg_day / 360.0,
        eccentricity: 0.0002,
        inclination_deg: 0.05,
        raan_deg: 80.0,
        argument_of_perigee_deg: 0.0,
        mean_anomaly_deg: (longitude_deg + gmst_deg - 80.0).rem_euclid(360.0),
        bstar: 0.0,
        mean_motion_dot: 0.0,
        mean_motion_ddot: 0.0,
        classification: 'U',
        element_set_no: 1,
        rev_at_epoch: 1,
    };
    ElementSet::new(elements).unwrap()
}

/// A satellite in low orbit at 500 km, by node, phase and mean motion.
fn leo(id: u32, epoch: Timestamp, raan_deg: f64, phase_deg: f64, mean_motion: f64) -> ElementSet {
    let elements = Elements {
        mean_motion_rev_per_day: mean_motion,
        eccentricity: 0.0005,
        inclination_deg: 97.4,
        raan_deg,
        mean_anomaly_deg: phase_deg.rem_euclid(360.0),
        ..geo(id, epoch, 0.0, 0.0).elements().clone()
    };
    ElementSet::new(elements).unwrap()
}

fn named(set: ElementSet, name: &str, object_id: &str) -> ElementSet {
    let elements = Elements {
        name: Some(name.to_owned()),
        object_id: Some(object_id.to_owned()),
        ..set.elements().clone()
    };
    ElementSet::new(elements).unwrap()
}

fn run(catalogues: &[Catalogue]) -> Companions {
    let limits = ScreenLimits::within_km(300.0).unwrap();
    companions(catalogues, day(), &limits, None, &|_, _| ControlFlow::Continue(())).unwrap()
}

fn one(sets: impl IntoIterator<Item = ElementSet>) -> Vec<Companion> {
    run(&[Catalogue::new(sets)]).companions
}

fn ids(pair: &Companion) -> (u32, u32) {
    (pair.chaser.get(), pair.target.get())
}

#[test]
fn who_stays_ranks_above_who_passes_nearer_in_geo() {
    // 0.122 degrees are 90 km. The passer crosses the longitude of its target in the middle of the day.
    let found = one([
        geo(10, noon(), 60.0, 0.0),
        geo(11, noon(), 60.122, 0.0),
        geo(20, noon(), 90.0, 0.0),
        geo(21, noon(), 89.75, 0.5),
    ]);
    let order: Vec<_> = found.iter().map(ids).collect();
    assert_eq!(order, [(11, 10), (21, 20)], "{found:#?}");
    let [inspector, passer] = [&found[0], &found[1]];
    assert!((inspector.mean_km - 90.0).abs() < 3.0 && inspector.dwell_share == 1.0, "{inspector:#?}");
    assert!(passer.min_km < 47.0 && passer.min_km < inspector.min_km, "{passer:#?}");
    assert!((passer.drift_deg_per_day - 0.5).abs() < 0.01, "{passer:#?}");
    assert!(inspector.score > 2.0 * passer.score);
    // The drift over the ground tells who came.
    assert_eq!((inspector.direction, passer.direction), (Direction::Unknown, Direction::Drifts));
}

#[test]
fn who_stays_ranks_above_who_passes_nearer_in_low_orbit() {
    // 0.75 degrees of phase are 90 km. The passer's plane is a quarter turn away; its node is tuned to meet its target.
    let target = leo(20, noon(), 10.0, 0.0, 15.2);
    let passers = (0..720).map(|i| leo(30 + i, noon(), 100.0, f64::from(i) / 2.0, 15.2));
    let near = |set: &ElementSet| {
        let pair = Catalogue::new([target.clone(), set.clone()]);
        let limits = ScreenLimits::within_km(47.0).unwrap();
        let met = screen(&pair, day(), &limits, None, None, &|_, _| ControlFlow::Continue(())).unwrap();
        !met.approaches.is_empty()
    };
    let passer = passers.into_iter().find(near).unwrap();
    let found = one([leo(10, noon(), 50.0, 0.0, 15.2), leo(11, noon(), 50.0, 0.75, 15.2), target, passer]);
    let of = |id: u32| found.iter().position(|p| p.target.get() == id && p.min_km <= 90.0).unwrap();
    let (inspector, passer) = (of(10), of(20));
    assert!(inspector < passer && found[passer].min_km <= 47.0, "{found:#?}");
    assert_eq!(inspector, 0);
    assert!(found[passer].dwell_share > 0.0 && found[passer].dwell_share < 0.02);
    assert!(found[passer].explanation.contains("only passes"), "{}", found[passer].explanation);
}

#[test]
fn arrival_in_geo_names_who_came_and_since_when() {
    let before = noon().plus_seconds(-6.0 * DAY_S);
    // Number 10 is the later arrival, though it has the lower number; it had stood 6 degrees west.
    let old =
        Catalogue::new([geo(10, before, 54.0, 1.0), geo(50, before, 60.0, 0.0), geo(51, before, 60.2, 0.0)]);
    let new =
        Catalogue::new([geo(10, noon(), 60.1, 0.0), geo(50, noon(), 60.0, 0.0), geo(51, noon(), 60.2, 0.0)]);
    let found = run(&[old.clone(), new.clone()]).companions;
    let of = |a: u32, b: u32| found.iter().find(|p| [(a, b), (b, a)].contains(&ids(p))).unwrap();
    let arrival = of(10, 50);
    assert_eq!((ids(arrival), arrival.direction, arrival.since), ((10, 50), Direction::Moved, noon()));
    assert!(arrival.explanation.contains("it went from 54.0"), "{}", arrival.explanation);
    assert_eq!(ids(of(10, 51)), (10, 51));
    // The two others are neighbours since the first catalogue, and rank below.
    let neighbours = of(50, 51);
    assert_eq!((neighbours.direction, neighbours.since), (Direction::Unknown, before));
    assert!(
        neighbours.explanation.contains("in the earliest catalogue already"),
        "{}",
        neighbours.explanation
    );
    assert!(neighbours.score < of(10, 51).score);
    // With the present catalogue alone, nobody can say who came.
    let alone = run(std::slice::from_ref(&new)).companions;
    let pair = alone.iter().find(|p| ids(p) == (50, 10)).unwrap();
    assert_eq!(pair.direction, Direction::Unknown);
    assert!(pair.explanation.contains("not known"), "{}", pair.explanation);
    assert!(pair.score < arrival.score);
    // Nor does the order of the catalogues, or giving one twice, matter.
    assert_eq!(run(&[new.clone(), old.clone()]).companions, found);
    assert_eq!(run(&[new.clone(), old, new]).companions, found);
}

#[test]
fn arrival_in_low_orbit_is_told_by_the_orbit_that_changed() {
    let before = noon().plus_seconds(-2.0 * DAY_S);
    // Number 10 was 6 km lower and phasing at some 7 degrees a day in the same plane.
    let old = Catalogue::new([leo(10, before, 50.0, 20.0, 15.22), leo(50, before, 50.0, 0.0, 15.2)]);
    // Carried on by the turn of the plane (0.99 degrees a day), and beside its target.
    let new = Catalogue::new([leo(10, noon(), 51.98, 40.5, 15.2), leo(50, noon(), 51.98, 40.0, 15.2)]);
    let found = run(&[old, new]).companions;
    assert_eq!(found.len(), 1);
    assert_eq!((ids(&found[0]), found[0].direction), ((10, 50), Direction::Moved), "{found:#?}");
    assert!(found[0].explanation.contains("same plane"), "{found:#?}");
}

#[test]
fn a_launch_into_company_is_new() {
    let before = noon().plus_seconds(-20.0 * DAY_S);
    let target = |epoch| named(geo(50, epoch, 60.0, 0.0), "OLD", "2010-001A");
    let launched = |id, since: &str| named(geo(id, noon(), 60.1, 0.0), "CAME", since);
    let found =
        run(&[Catalogue::new([target(before)]), Catalogue::new([target(noon()), launched(70, "2026-020A")])]);
    assert_eq!(found.companions[0].direction, Direction::New);
    assert_eq!(ids(&found.companions[0]), (70, 50));
    // One that was launched long before was merely not listed.
    let found =
        run(&[Catalogue::new([target(before)]), Catalogue::new([target(noon()), launched(70, "2012-020A")])]);
    assert_eq!(found.companions[0].direction, Direction::Unknown);
}

#[test]
fn company_by_design_is_named_and_marked_down_but_listed() {
    let pair = |a: (&str, &str), b: (&str, &str)| {
        let sets =
            [named(geo(900, noon(), 60.0, 0.0), a.0, a.1), named(geo(901, noon(), 60.1, 0.0), b.0, b.1)];
        let found = one(sets);
        assert_eq!(found.len(), 1);
        found[0].clone()
    };
    let stranger = pair(("EUTELSAT 9B", "2016-005A"), ("COSMOS 2526", "2018-037A"));
    assert_eq!(stranger.recognised, None);
    let cases = [
        (("ASTRA 1M", "2008-057A"), ("ASTRA 1N", "2011-041A"), "ASTRA, 19.2 E"),
        (("GEO-KOMPSAT-2A", "2018-100A"), ("geo-kompsat-2b", "2020-013B"), "Geo-Kompsat"),
        (("STARLINK-1", "2019-029A"), ("STARLINK-2", "2020-029A"), "Starlink"),
        (("COSMOS 2589", "2025-131A"), ("OBJECT D", "2025-131D"), "same launch, 2025-131"),
        (("EUTELSAT 7B", "2013-022A"), ("EUTELSAT 7C", "2019-034B"), "both are named EUTELSAT"),
        (("GALAXY 32", "2022-153B"), ("INTELSAT 40E", "2023-052A"), "same operator: Intelsat"),
        (("COSMOS 2558", "2022-089A"), ("STARLINK-2", "2020-029A"), "dense constellation Starlink"),
    ];
    for (a, b, words) in cases {
        let found = pair(a, b);
        assert!(found.explanation.contains(words), "{}", found.explanation);
        assert!(found.recognised.is_some() && found.score < 0.5 * stranger.score, "{found:#?}");
    }
    // Families need letters, unnamed objects are no family, and names are not cut within a word.
    for (a, b) in [("OBJECT A", "OBJECT B"), ("IONOSFERA-M 1", "HAWKEYE"), ("", "")] {
        assert_eq!(pair((a, ""), (b, "")).recognised, None, "{a} {b}");
    }
}

#[test]
fn one_object_under_two_numbers_is_named_as_such() {
    let found = one([geo(10, noon(), 60.0, 0.0), geo(11, noon(), 60.0, 0.0)]);
    assert_eq!((found[0].mean_km, found[0].min_km, found[0].dwell_share), (0.0, 0.0, 1.0));
    assert!(found[0].explanation.contains("under two numbers"), "{}", found[0].explanation);
    assert!(found[0].score < 0.1);
    // Modules of a station have one set of elements: the station is named too.
    let module = |id, name| named(geo(id, noon(), 60.0, 0.0), name, "");
    let found = one([module(25_544, "ISS (ZARYA)"), module(26_400, "ISS (ZVEZDA)")]);
    assert!(found[0].explanation.contains("International Space Station"), "{}", found[0].explanation);
}

#[test]
fn small_and_odd_catalogues() {
    assert_eq!(run(&[]), Companions::default());
    assert_eq!(run(&[Catalogue::default(), Catalogue::default()]), Companions::default());
    assert_eq!(one([geo(10, noon(), 60.0, 0.0)]), []);
    // Months old, all of them: they are used, and the words say so.
    let old = noon().plus_seconds(-200.0 * DAY_S);
    let found = one([geo(10, old, 60.0, 0.0), geo(11, old, 60.1, 0.0)]);
    assert!(found[0].explanation.contains("up to 200 days from the span"), "{}", found[0].explanation);
    // Months old, among others that are not: left out, and said once.
    let got = run(&[Catalogue::new([
        geo(10, old, 60.0, 0.0),
        geo(11, noon(), 60.1, 0.0),
        geo(12, noon(), 60.2, 0.0),
    ])]);
    assert_eq!(got.companions.iter().map(ids).collect::<Vec<_>>(), [(12, 11)]);
    assert_eq!(got.faults.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["orbit::stale_elements"]);
    // One that decays beside one that does not.
    let falling =
        Elements { bstar: 0.5, mean_motion_dot: 0.2, ..leo(10, noon(), 0.0, 0.0, 16.3).elements().clone() };
    let got = run(&[Catalogue::new([ElementSet::new(falling).unwrap(), leo(11, noon(), 0.0, 0.1, 16.3)])]);
    assert!(got.faults.iter().any(|f| f.code == "orbit::error_state"), "{got:#?}");
    assert!(got.companions.iter().all(|p| p.score.is_finite() && p.mean_km.is_finite()), "{found:#?}");
}

#[test]
fn stopping_stops() {
    let limits = ScreenLimits::within_km(300.0).unwrap();
    let sets = Catalogue::new([geo(10, noon(), 60.0, 0.0), geo(11, noon(), 60.1, 0.0)]);
    let stop = |_, _| ControlFlow::Break(());
    assert_eq!(companions(&[sets], day(), &limits, None, &stop), Err(CompanionError::Cancelled));
}

/// Every pair that screening finds to stay near for a good part of the day is found on the samples too.
#[test]
fn slow_neighbours_of_screening_are_all_found() {
    let bytes = include_bytes!("../../tests/data/celestrak/active-2026-03-excerpt.csv");
    let catalogue = crate::read_catalogue(bytes, "excerpt").catalogue;
    let limits = ScreenLimits::within_km(300.0).unwrap();
    let go = |_, _| ControlFlow::Continue(());
    let screened = screen(&catalogue, day(), &limits, None, None, &go).unwrap();
    let found = companions(&[catalogue], day(), &limits, None, &go).unwrap();
    let ids = |a: NoradId, b: NoradId| (a.min(b), a.max(b));
    let (mut shares, mut minima) = (BTreeMap::new(), BTreeMap::new());
    for approach in &screened.approaches {
        let key = ids(approach.norad_a(), approach.norad_b());
        let least = minima.entry(key).or_insert(f64::INFINITY);
        *least = approach.closest_km().min(*least);
        if let Approach::Interval(stay) = approach {
            *shares.entry(key).or_insert(0.0) += stay.end.seconds_since(stay.start) / DAY_S;
        }
    }
    let mut checked = 0;
    for (key, share) in shares {
        let pair = found.companions.iter().find(|p| ids(p.chaser, p.target) == key).unwrap();
        assert!(pair.dwell_share >= share - 0.02, "{share} {pair:?}");
        assert!((pair.min_km - minima[&key]).abs() < 1.0, "{} {pair:?}", minima[&key]);
        checked += 1;
    }
    assert!(checked > 0);
}

#[test]
fn a_pool_changes_nothing() {
    let sets = (0..40).map(|i| geo(100 + i, noon(), f64::from(i) * 0.15, f64::from(i % 3) * 0.1));
    let catalogue = Catalogue::new(sets);
    let limits = ScreenLimits::within_km(300.0).unwrap();
    let go = |_, _| ControlFlow::Continue(());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let spread = companions(std::slice::from_ref(&catalogue), day(), &limits, Some(&pool), &go).unwrap();
    assert!(spread.companions.len() > 40);
    assert_eq!(spread, run(&[catalogue]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_objects_does_not_matter_and_scores_are_shares(
        places in prop::collection::vec((0.0f64..3.0, -0.5f64..0.5), 2..12), turn in 0usize..12,
    ) {
        let mut sets: Vec<ElementSet> =
            places.iter().zip(100..).map(|((lon, drift), id)| geo(id, noon(), *lon, *drift)).collect();
        let found = one(sets.clone());
        let turn = turn % sets.len();
        sets.rotate_left(turn);
        // Split over two catalogues of one day, too.
        let (left, right) = sets.split_at(turn);
        let split = run(&[Catalogue::new(left.to_vec()), Catalogue::new(right.to_vec())]);
        prop_assert_eq!(&found, &split.companions);
        for pair in &found {
            prop_assert!((0.0..=1.0).contains(&pair.score) && (0.0..=1.0).contains(&pair.dwell_share));
            prop_assert!(pair.min_km <= 300.0 && pair.min_km <= pair.mean_km + 1e-9);
        }
        prop_assert!(found.windows(2).all(|w| w[0].score >= w[1].score));
    }

    #[test]
    fn the_score_grows_with_dwell(
        dwell in 0.0f64..1.0, more in 0.0f64..1.0, mean_km in 0.0f64..1e5, drift in -1e5f64..1e5, angle in 0.0f64..180.0,
    ) {
        let parts = score::Parts {
            dwell_share: dwell, mean_km, within_km: 300.0, drift_km_per_day: drift, plane_angle_deg: angle,
            direction: Direction::Unknown, long_standing: false, recognition: 1.0,
        };
        let longer = score::Parts { dwell_share: (dwell + more).min(1.0), ..parts };
        prop_assert!(parts.score() <= longer.score() && longer.score() <= 1.0);
    }
}
