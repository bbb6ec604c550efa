//! Against brute force with angles in degrees and SGP4 at each second, and losses against doing it all again.

use super::*;
use crate::frame::{dot, minus, norm};
use crate::geodetic::geodetic;
use crate::{Elements, Pef, Position, read_catalogue};
use proptest::prelude::*;

const VERIFY: &str = include_str!("../../tests/data/sgp4-verify/SGP4-VER.TLE");
const EXCERPT: &[u8] = include_bytes!("../../tests/data/celestrak/active-2026-03-excerpt.csv");
const FROM: &str = "2026-03-10T12:00:00Z";

fn orbit(id: u32, rev_per_day: f64, eccentricity: f64, inclination_deg: f64, angles: [f64; 3]) -> ElementSet {
    ElementSet::new(Elements {
        norad_id: NoradId::new(id),
        name: None,
        object_id: None,
        epoch: "2026-03-10T06:00:00Z".parse().unwrap(),
        mean_motion_rev_per_day: rev_per_day,
        eccentricity,
        inclination_deg,
        raan_deg: angles[0],
        argument_of_perigee_deg: angles[1],
        mean_anomaly_deg: angles[2],
        bstar: 1e-4,
        mean_motion_dot: 0.0,
        mean_motion_ddot: 0.0,
        classification: 'U',
        element_set_no: 1,
        rev_at_epoch: 1,
    })
    .unwrap()
}

/// Low, low and crossing the poles, Molniya, medium, geosynchronous and inclined, and an eccentric one that grazes the air.
fn constellation() -> Catalogue {
    Catalogue::new([
        orbit(1, 15.05, 0.001, 97.6, [20.0, 90.0, 10.0]),
        orbit(2, 15.5, 0.0005, 51.6, [120.0, 10.0, 200.0]),
        orbit(3, 2.006, 0.72, 63.4, [250.0, 270.0, 0.0]),
        orbit(4, 2.0056, 0.01, 55.0, [10.0, 0.0, 90.0]),
        orbit(5, 1.0027, 0.05, 20.0, [300.0, 90.0, 120.0]),
        orbit(6, 5.0, 0.55, 28.0, [60.0, 30.0, 300.0]),
    ])
}

fn cell(latitude_deg: f64, longitude_deg: f64) -> Cell {
    let point = Region::of_box(latitude_deg, longitude_deg, latitude_deg, longitude_deg).unwrap();
    point.cells(1.0).unwrap().remove(0)
}

fn span(seconds: f64) -> Interval {
    Interval::starting(FROM.parse().unwrap(), seconds)
}

fn find(catalogue: &Catalogue, cells: Vec<Cell>, seconds: f64, limits: &AccessLimits) -> Coverage {
    coverage(catalogue, cells, span(seconds), limits, EndGaps::Cut, None, &|_, _| {}).unwrap()
}

fn normal(latitude_deg: f64, longitude_deg: f64) -> [f64; 3] {
    let ((s, c), (sl, cl)) = (latitude_deg.to_radians().sin_cos(), longitude_deg.to_radians().sin_cos());
    [c * cl, c * sl, s]
}

/// Elevation and off-nadir angle (from the geodetic nadir) in degrees.
fn angles(position: &Position<Pef>, cell: &Cell) -> (f64, f64) {
    let line = minus(position.km(), cell.position_km());
    let below = geodetic(position);
    let zenith_here = normal(cell.latitude_deg(), cell.longitude_deg());
    let zenith_there = normal(below.latitude_deg, below.longitude_deg);
    let angle = |a: [f64; 3]| (dot(a, line) / norm(line)).clamp(-1.0, 1.0).acos().to_degrees();
    (90.0 - angle(zenith_here), angle(zenith_there))
}

fn state(propagator: &Propagator, second: f64) -> Position<Pef> {
    propagator.state_at(span(1.0).start().plus_seconds(second)).unwrap().to_pef().position()
}

/// Compares with `access` at each of `every_s`, and just outside and inside of each edge.
fn check(
    set: &ElementSet,
    cell: &Cell,
    windows: &[Access],
    seconds: f64,
    every_s: f64,
    access: impl Fn(f64, f64, f64) -> bool,
) {
    let propagator = Propagator::new(set).unwrap();
    let at = |second: f64| {
        let (elevation, off_nadir) = angles(&state(&propagator, second), cell);
        access(second, elevation, off_nadir)
    };
    let second = |time: Timestamp| time.seconds_since(span(1.0).start());
    let mut edges = Vec::new();
    for window in windows {
        let (start, end) = (second(window.start), second(window.end));
        assert!(start == 0.0 || (!at(start - 2e-5) && at(start + 2e-5)), "{window:?}");
        assert!(end == seconds || (at(end - 2e-5) && !at(end + 2e-5)), "{window:?}");
        assert!(edges.last().is_none_or(|last| *last < start));
        edges.extend([start, end]);
    }
    for step in 0..(seconds / every_s) as u64 {
        let time = step as f64 * every_s;
        let inside = edges.partition_point(|edge| *edge <= time) % 2 == 1;
        let near = edges.iter().any(|edge| (edge - time).abs() < 1e-3);
        assert!(near || inside == at(time), "{} over {} at {time} s", set.norad_id(), cell.name());
    }
}

fn of(found: &Coverage, set: &ElementSet, cell: usize) -> Vec<Access> {
    found.accesses(&[]).filter(|a| a.norad_id == set.norad_id() && a.cell == cell).collect()
}

#[test]
fn windows_are_those_of_brute_force() {
    let day = 86_400.0;
    let cells =
        vec![cell(37.5, 127.0), cell(0.0, -180.0), cell(90.0, 0.0), cell(-63.0, 20.5), cell(51.6, 0.0)];
    let views = [
        (View::min_elevation(0.0).unwrap(), 0.0, 180.0),
        (View::min_elevation(25.0).unwrap(), 25.0, 180.0),
        (View::min_elevation(80.0).unwrap(), 80.0, 180.0),
        (View::off_nadir(8.0, Nadir::Geodetic).unwrap(), 0.0, 8.0),
        (View::off_nadir(60.0, Nadir::Geodetic).unwrap(), 0.0, 60.0),
        (View::off_nadir(90.0, Nadir::Geodetic).unwrap(), 0.0, 90.0),
    ];
    let catalogue = constellation();
    let mut count = 0;
    for (view, least, most) in views {
        let found = find(&catalogue, cells.clone(), day, &AccessLimits { view, sunlit: false });
        assert!(found.faults().is_empty());
        for set in &catalogue {
            for (index, cell) in cells.iter().enumerate() {
                let windows = of(&found, set, index);
                check(set, cell, &windows, day, 20.0, |_, e, n| e >= least && n <= most);
                count += windows.len();
            }
        }
    }
    assert!(count > 300, "{count}");
}

#[test]
fn sunlit_windows_are_those_of_brute_force() {
    let day = 86_400.0;
    let place = cell(37.5, 127.0);
    let limits = AccessLimits { view: View::min_elevation(5.0).unwrap(), sunlit: true };
    let found = find(&constellation(), vec![place.clone()], day, &limits);
    let zenith = normal(37.5, 127.0);
    let sunlit = |second: f64| dot(zenith, sun::sun_direction(span(1.0).start().plus_seconds(second))) >= 0.0;
    for set in &constellation() {
        check(set, &place, &of(&found, set, 0), day, 20.0, |t, e, _| e >= 5.0 && sunlit(t));
    }
    // The geosynchronous one sees the place all day; so its windows are the day: Seoul had sunset at 09:34 UTC and
    // sunrise at 21:46, both with refraction and the Sun's rim, which is 4 to 5 minutes.
    let edges: Vec<String> = of(&found, constellation().get(NoradId::new(5)).unwrap(), 0)
        .iter()
        .map(|window| window.start.to_string())
        .collect();
    assert!(edges.is_empty() || edges.iter().any(|start| start.starts_with("2026-03-10T21:5")), "{edges:?}");
}

#[test]
fn geocentric_nadir_is_another_angle() {
    let place = cell(65.0, 10.0);
    let set = orbit(1, 15.05, 0.001, 97.6, [20.0, 90.0, 10.0]);
    let found = |nadir| {
        let limits = AccessLimits { view: View::off_nadir(45.0, nadir).unwrap(), sunlit: false };
        find(&Catalogue::new([set.clone()]), vec![place.clone()], 4.0 * 86_400.0, &limits)
    };
    let propagator = Propagator::new(&set).unwrap();
    let windows = of(&found(Nadir::Geocentric), &set, 0);
    assert!(!windows.is_empty());
    for window in &windows {
        let position = state(&propagator, window.start.seconds_since(span(1.0).start()));
        let line = minus(position.km(), place.position_km());
        let angle = (dot(position.km(), line) / norm(line) / position.radius_km()).acos().to_degrees();
        assert!((angle - 45.0).abs() < 1e-6, "{angle}");
    }
    assert_ne!(windows, of(&found(Nadir::Geodetic), &set, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// A pass whose highest elevation is barely above the limit makes a window; barely below, none.
    #[test]
    fn grazing_passes_are_seen(latitude in -80.0..80.0f64, longitude in -180.0..180.0f64, raan in 0.0..360.0f64, below in 1e-9..1e-4f64) {
        let set = orbit(1, 15.05, 0.001, 97.6, [raan, 90.0, 10.0]);
        let propagator = Propagator::new(&set).unwrap();
        let place = cell(latitude, longitude);
        let elevation = |second: f64| angles(&state(&propagator, second), &place).0;
        let day = 43_200.0;
        let best = (0..4320).map(|i| f64::from(i) * 10.0).max_by(|a, b| elevation(*a).total_cmp(&elevation(*b))).unwrap();
        prop_assume!(best > 60.0 && best < day - 60.0 && elevation(best) > 0.5);
        let (mut a, mut b) = (best - 10.0, best + 10.0);
        while b - a > 1e-4 {
            let (c, d) = (a + (b - a) * 0.382, a + (b - a) * 0.618);
            if elevation(c) > elevation(d) { b = d } else { a = c }
        }
        let top = elevation(0.5 * (a + b));
        prop_assume!(top < 85.0);
        let windows = |degrees: f64| {
            let limits = AccessLimits { view: View::min_elevation(degrees).unwrap(), sunlit: false };
            find(&Catalogue::new([set.clone()]), vec![place.clone()], day, &limits).accesses(&[]).collect::<Vec<_>>()
        };
        let found = windows(top - below);
        prop_assert_eq!(found.len(), 1);
        prop_assert!(found[0].start <= span(1.0).start().plus_seconds(b) && found[0].end >= span(1.0).start().plus_seconds(a));
        prop_assert!(windows(top + 1e-8).is_empty());
    }

    /// The bitmaps say what doing it again without the lost ones says.
    #[test]
    fn losses_are_exact(rule in prop::sample::select(vec![EndGaps::Cut, EndGaps::Ignore, EndGaps::Extend]), hours in 2.0..30.0f64, limit in 3600.0..40_000.0f64) {
        let view = View::min_elevation(20.0).unwrap();
        let cells = Region::of_box(30.0, 120.0, 60.0, 140.0).unwrap().cells(10.0).unwrap();
        let catalogue = constellation();
        let limits = AccessLimits { view, sunlit: false };
        let found = coverage(&catalogue, cells.clone(), span(hours * 3600.0), &limits, rule, None, &|_, _| {}).unwrap();
        let requirement = Requirement { revisit_max_s: Some(limit), covered_percent: None };
        let losses = found.losses(true, &requirement, None).unwrap();
        prop_assert_eq!(losses.len(), 6 + 15);
        for loss in losses {
            let left = catalogue.only(|set| !loss.lost.contains(&set.norad_id()));
            let again = coverage(&left, cells.clone(), span(hours * 3600.0), &limits, rule, None, &|_, _| {}).unwrap();
            let outages: Vec<Outage> = loss.lost.iter().map(|id| Outage { norad_id: *id, during: None }).collect();
            prop_assert_eq!(again.region_merit(&[]), found.region_merit(&outages));
            let Merit { accesses, covered_percent, revisit_max_s, .. } = again.region_merit(&[]);
            prop_assert_eq!(loss.region.accesses, accesses);
            prop_assert_eq!(loss.region.revisit_max_s, revisit_max_s);
            prop_assert!((loss.region.covered_percent - covered_percent).abs() < 1e-9);
            let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-6 * (1.0 + a.abs()),
                (a, b) => a == b,
            };
            let merit = again.region_merit(&[]);
            prop_assert!(near(loss.region.revisit_mean_s, merit.revisit_mean_s));
            prop_assert!(near(loss.region.response_mean_s, merit.response_mean_s));
            prop_assert!(near(loss.region.time_average_gap_s, merit.time_average_gap_s));
            let crossing: Vec<usize> = (0..cells.len())
                .filter(|c| requirement.met(&found.merit(*c, &[])) && !requirement.met(&again.merit(*c, &[])))
                .collect();
            prop_assert_eq!(loss.crossing, crossing);
        }
    }
}

#[test]
fn real_satellites_over_many_cells_and_threads() {
    let catalogue = read_catalogue(EXCERPT, "excerpt").catalogue;
    let cells = Region::of_box(-60.0, -180.0, 60.0, 180.0).unwrap().cells(30.0).unwrap();
    let limits = AccessLimits { view: View::min_elevation(10.0).unwrap(), sunlit: true };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let run = |pool| {
        coverage(&catalogue, cells.clone(), span(6.0 * 3600.0), &limits, EndGaps::Extend, pool, &|_, _| {})
            .unwrap()
    };
    let (alone, together) = (run(None), run(Some(&pool)));
    assert_eq!(alone.accesses(&[]).collect::<Vec<_>>(), together.accesses(&[]).collect::<Vec<_>>());
    assert!(alone.accesses(&[]).count() > 1000);
    let outages = [Outage { norad_id: alone.satellites()[0], during: None }];
    for cell in 0..cells.len() {
        assert_eq!(alone.merit(cell, &outages), together.merit(cell, &outages));
    }
    assert_eq!(alone.region_merit(&[]), together.region_merit(&[]));
}

#[test]
fn a_gap_is_extended_to_the_accesses_outside() {
    let catalogue = Catalogue::new([orbit(1, 15.05, 0.001, 97.6, [20.0, 90.0, 10.0])]);
    let limits = AccessLimits { view: View::min_elevation(30.0).unwrap(), sunlit: false };
    let run = |start_s: f64, seconds: f64, rule| {
        let span = Interval::starting(span(1.0).start().plus_seconds(start_s), seconds);
        coverage(&catalogue, vec![cell(37.5, 127.0)], span, &limits, rule, None, &|_, _| {}).unwrap()
    };
    let long = run(-86_400.0, 3.0 * 86_400.0, EndGaps::Cut);
    let windows: Vec<Access> = long.accesses(&[]).collect();
    let pair = windows.windows(2).find(|pair| pair[0].end >= span(1.0).start()).unwrap();
    let gap_s = pair[1].start.seconds_since(pair[0].end);
    // A span of ten minutes in the middle of that gap sees nothing, and has it as its one gap.
    let start_s = pair[0].end.seconds_since(span(1.0).start()) + 0.5 * gap_s;
    let short = run(start_s, 600.0, EndGaps::Extend).merit(0, &[]);
    assert_eq!((short.accesses, short.covered_percent), (0, 0.0));
    assert!((short.revisit_max_s.unwrap() - gap_s).abs() < 1e-4);
    assert!((short.response_mean_s.unwrap() - (0.5 * gap_s - 300.0)).abs() < 1e-4);
    assert_eq!(run(start_s, 600.0, EndGaps::Cut).merit(0, &[]).revisit_max_s, Some(600.0));
}

#[test]
fn a_jammed_satellite_is_out_for_that_time() {
    let limits = AccessLimits { view: View::min_elevation(10.0).unwrap(), sunlit: false };
    let found = find(&constellation(), vec![cell(37.5, 127.0)], 86_400.0, &limits);
    let windows: Vec<Access> = found.accesses(&[]).collect();
    let norad_id = windows[1].norad_id;
    let during = Interval::new(windows[0].end, windows[1].start.plus_seconds(1.0)).unwrap();
    let jammed = found.merit(0, &[Outage { norad_id, during: Some(during) }]);
    let all = found.merit(0, &[]);
    assert_eq!(jammed.accesses, all.accesses);
    let long = Interval::new(windows[1].start, windows[1].end).unwrap();
    assert_eq!(found.merit(0, &[Outage { norad_id, during: Some(long) }]).accesses, all.accesses - 1);
    let other = Outage { norad_id: NoradId::new(77), during: None };
    assert_eq!(found.merit(0, &[other]), all);
}

#[test]
fn error_states_have_no_access_and_are_told() {
    // Decays within days of its epoch.
    let lines: Vec<&str> =
        VERIFY.lines().filter(|l| l.starts_with("1 28872") || l.starts_with("2 28872")).collect();
    let text: String = lines.iter().map(|l| format!("{}\n", &l[..69])).collect();
    let catalogue = read_catalogue(text.as_bytes(), "decaying").catalogue;
    let cells = Region::of_box(-80.0, -180.0, 80.0, 180.0).unwrap().cells(40.0).unwrap();
    let limits = AccessLimits { view: View::min_elevation(0.0).unwrap(), sunlit: false };
    let span = Interval::starting("2005-11-29T00:00:00Z".parse().unwrap(), 6.0 * 86_400.0);
    let found = coverage(&catalogue, cells, span, &limits, EndGaps::Cut, None, &|_, _| {}).unwrap();
    assert_eq!(found.faults().iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["orbit::error_state"]);
    let propagator = Propagator::new(catalogue.iter().next().unwrap()).unwrap();
    let windows: Vec<Access> = found.accesses(&[]).collect();
    assert!(!windows.is_empty());
    for window in windows {
        let middle = window.start.plus_seconds(0.5 * window.end.seconds_since(window.start));
        assert!(propagator.state_at(middle).is_ok(), "{window:?}");
    }
}

#[test]
fn too_much_is_refused() {
    let one = orbit(1, 15.05, 0.001, 97.6, [20.0, 90.0, 10.0]);
    let many = |count: u32| {
        Catalogue::new((1..=count).map(|id| {
            let elements = Elements { norad_id: NoradId::new(id), ..one.elements().clone() };
            ElementSet::new(elements).unwrap()
        }))
    };
    let limits = AccessLimits { view: View::min_elevation(0.0).unwrap(), sunlit: false };
    let found = find(&many(201), vec![cell(0.0, 0.0)], 60.0, &limits);
    let required = Requirement::default();
    assert_eq!(found.losses(true, &required, None), Err(CoverageError::TooManyLosses { satellites: 201 }));
    assert_eq!(found.losses(false, &required, None).unwrap().len(), 201);
    let cells = Region::of_box(-60.0, -180.0, 60.0, 180.0).unwrap().cells(1.0).unwrap();
    let got = coverage(&many(201), cells, span(60.0), &limits, EndGaps::Cut, None, &|_, _| {});
    assert_eq!(got.unwrap_err(), CoverageError::TooManyPairs { satellites: 201, cells: 43_200 });
}

#[test]
fn limits_are_checked() {
    for wrong in [-1.0, 90.0, f64::NAN, f64::INFINITY] {
        assert!(View::min_elevation(wrong).is_err(), "{wrong}");
    }
    for wrong in [0.0, -1.0, 90.1, f64::NAN] {
        assert!(View::off_nadir(wrong, Nadir::Geodetic).is_err(), "{wrong}");
    }
    let limits = AccessLimits { view: View::min_elevation(0.0).unwrap(), sunlit: false };
    for seconds in [0.0, 40.0 * 86_400.0] {
        let got = coverage(&constellation(), vec![], span(seconds), &limits, EndGaps::Cut, None, &|_, _| {});
        assert_eq!(got.unwrap_err(), CoverageError::Span { seconds });
    }
    let none = find(&constellation(), vec![], 600.0, &limits);
    assert_eq!((none.accesses(&[]).count(), none.region_merit(&[]).accesses), (0, 0));
    assert_eq!(none.merit(0, &[]), Merit::default());
    let nothing = find(&Catalogue::default(), vec![cell(0.0, 0.0)], 600.0, &limits);
    assert_eq!(nothing.region_merit(&[]).revisit_max_s, Some(600.0));
}
