//! Complete against brute force, and the same whatever the windows, the threads and the order.

use super::*;
use crate::frame::{dot, minus, norm};
use crate::{ElementSet, Elements, Propagator, read_catalogue};

const EXCERPT: &[u8] = include_bytes!("../../tests/data/celestrak/active-2026-03-excerpt.csv");
const VERIFY: &str = include_str!("../../tests/data/sgp4-verify/SGP4-VER.TLE");

pub(super) fn excerpt() -> Catalogue {
    let read = read_catalogue(EXCERPT, "excerpt");
    assert!(read.faults.is_empty());
    read.catalogue
}

pub(super) fn span(start: &str, seconds: f64) -> Interval {
    Interval::starting(start.parse().unwrap(), seconds)
}

pub(super) fn go(catalogue: &Catalogue, span: Interval, within_km: f64, cells: u64) -> Screening {
    let limits = ScreenLimits::within_km(within_km).unwrap();
    let plan = Plan { cells: Some(cells), ..Plan::default() };
    screen_with(catalogue, span, &limits, None, None, &|_, _| ControlFlow::Continue(()), plan).unwrap()
}

pub(super) fn renumbered(set: &ElementSet, id: u32, change: impl Fn(&mut Elements)) -> ElementSet {
    let mut elements = set.elements().clone();
    elements.norad_id = NoradId::new(id);
    change(&mut elements);
    ElementSet::new(elements).unwrap()
}

/// Minima of the distance found by steps of a second, refined by golden section, that lie well inside the limit.
/// Gives pair, seconds from the start, distance, relative speed.
fn brute(catalogue: &Catalogue, span: Interval, within_km: f64) -> Vec<(NoradId, NoradId, f64, f64, f64)> {
    let bodies: Vec<Propagator> = catalogue.iter().map(|s| Propagator::new(s).unwrap()).collect();
    let steps = span.seconds() as usize;
    let tracks: Vec<Vec<Option<[f64; 3]>>> = bodies
        .iter()
        .map(|b| {
            (0..=steps)
                .map(|s| b.state_at(span.start().plus_seconds(s as f64)).ok().map(|s| s.position().km()))
                .collect()
        })
        .collect();
    let mut out = Vec::new();
    for (i, a) in bodies.iter().enumerate() {
        for (j, b) in bodies.iter().enumerate().skip(i + 1) {
            let distance = |s: usize| Some(norm(minus(tracks[j][s]?, tracks[i][s]?)));
            let at = |s: f64| {
                let t = span.start().plus_seconds(s);
                let (x, y) = (a.state_at(t).unwrap(), b.state_at(t).unwrap());
                let r = minus(y.position().km(), x.position().km());
                let v = minus(y.velocity().km_s(), x.velocity().km_s());
                (norm(r), norm(v))
            };
            for s in 1..steps {
                let (Some(d0), Some(d1), Some(d2)) = (distance(s - 1), distance(s), distance(s + 1)) else {
                    continue;
                };
                // No two objects close in faster than 20 km in a second.
                if d1 > within_km + 20.0 || d1 > d0 || d1 >= d2 {
                    continue;
                }
                let (mut low, mut high) = (s as f64 - 1.0, s as f64 + 1.0);
                while high - low > 1e-5 {
                    let (x, y) = (low + 0.382 * (high - low), high - 0.382 * (high - low));
                    if at(x).0 < at(y).0 { high = y } else { low = x }
                }
                let (km, speed) = at(0.5 * (low + high));
                out.push((a.norad_id(), b.norad_id(), 0.5 * (low + high), km, speed));
            }
        }
    }
    out
}

/// Every brute minimum is reported, and every report is a brute minimum.
pub(super) fn check_against_brute(catalogue: &Catalogue, span: Interval, within_km: f64) -> (usize, usize) {
    let found = go(catalogue, span, within_km, 2);
    assert_eq!(go(catalogue, span, within_km, 8), found, "windows of 8 cells");
    let minima = brute(catalogue, span, within_km);
    for (a, b, s, km, speed) in minima.iter().filter(|m| m.3 < within_km - 1e-3 && m.2 > 1.0) {
        let time = span.start().plus_seconds(*s);
        let hit = found.approaches.iter().any(|f| {
            f.norad_a() == *a
                && f.norad_b() == *b
                && match f {
                    Approach::Event(e) => {
                        // Near 50 m/s either report may hold it; the minimum is flat where they are slow.
                        e.tca.seconds_since(time).abs() < 0.2 && (e.miss_km - km).abs() < 1e-4
                    }
                    Approach::Interval(p) => p.start <= time && time <= p.end && p.min_km <= km + 1e-6,
                }
        });
        assert!(hit, "{a} {b} at {time}: {km} km, {speed} km/s is missing");
    }
    for f in &found.approaches {
        let Approach::Event(e) = f else { continue };
        assert!(e.relative_speed_km_s >= SLOW_KM_S && e.miss_km <= within_km && span.contains(e.tca));
        let since = e.tca.seconds_since(span.start());
        let known = since < 1.0
            || since > span.seconds() - 1.0
            || minima.iter().any(|m| m.0 == e.norad_a && m.1 == e.norad_b && (m.2 - since).abs() < 0.2);
        assert!(known, "{e:?} is no minimum");
        let parts = [e.radial_km, e.in_track_km, e.cross_track_km];
        assert!((norm(parts) - e.miss_km).abs() < 1e-9);
    }
    let events = found.approaches.iter().filter(|f| matches!(f, Approach::Event(_))).count();
    (events, found.approaches.len() - events)
}

#[test]
fn complete_on_a_mixed_catalogue() {
    let catalogue = excerpt();
    let (events, stays) = check_against_brute(&catalogue, span("2026-03-10T12:00:00Z", 3000.0), 100.0);
    assert!(events > 80 && stays > 10, "{events} events, {stays} stays: too few to test anything");
}

#[test]
fn complete_for_eccentric_and_geostationary_orbits() {
    let catalogue = excerpt().only(|s| s.mean_motion_rev_per_day() < 3.0);
    let (events, stays) = check_against_brute(&catalogue, span("2026-03-11T00:00:00Z", 7200.0), 900.0);
    assert!(events >= 2 && stays >= 5, "{events} events, {stays} stays");
}

#[test]
fn complete_for_hard_pairs() {
    let all = excerpt();
    let low = all.get(NoradId::new(40_536)).unwrap();
    let molniya = all.iter().max_by(|a, b| a.eccentricity().total_cmp(&b.eccentricity())).unwrap();
    let cases = Catalogue::new([
        renumbered(low, 1, |_| {}),
        // The same object under another number, one just behind, one head on.
        renumbered(low, 2, |_| {}),
        renumbered(low, 3, |e| e.mean_anomaly_deg += 0.02),
        renumbered(low, 4, |e| e.inclination_deg = 180.0 - e.inclination_deg),
        renumbered(low, 5, |e| e.raan_deg = (e.raan_deg + 0.3) % 360.0),
        renumbered(molniya, 6, |_| {}),
        renumbered(molniya, 7, |e| e.raan_deg = (e.raan_deg + 0.05) % 360.0),
        renumbered(molniya, 8, |e| e.eccentricity -= 0.0001),
    ]);
    let when = span("2026-03-10T12:00:00Z", 7000.0);
    let (events, stays) = check_against_brute(&cases, when, 20.0);
    assert!(events >= 4 && stays >= 2, "{events} events, {stays} stays");
    let found = go(&cases, when, 20.0, 2);
    let twin = found.approaches.iter().find(|f| (f.norad_a().get(), f.norad_b().get()) == (1, 2)).unwrap();
    let Approach::Interval(twin) = twin else { panic!("{twin:?}") };
    assert_eq!((twin.start, twin.end, twin.min_km, twin.mean_km), (when.start(), when.end(), 0.0, 0.0));
}

#[test]
fn complete_for_objects_that_decay_and_old_epochs() {
    let text: String = VERIFY
        .lines()
        .filter(|l| l.starts_with(['1', '2']))
        .flat_map(|l| [l.get(..69).unwrap(), "\n"])
        .collect();
    let read = read_catalogue(text.as_bytes(), "SGP4-VER.TLE");
    let near = read.catalogue.only(|s| [28_872, 29_141, 28_350, 22_312].contains(&s.norad_id().get()));
    assert_eq!(near.len(), 4);
    // Each with a twin that runs 0.1 degree behind: the stay ends where the first of them decays.
    let twins: Vec<ElementSet> = near
        .iter()
        .map(|s| {
            renumbered(s, s.norad_id().get() + 100_000, |e| {
                e.mean_anomaly_deg = (e.mean_anomaly_deg + 359.9) % 360.0
            })
        })
        .collect();
    let both = near.merged(&Catalogue::new(twins));
    for set in &near {
        let when = Interval::starting(set.epoch(), 30_000.0);
        let found = go(&both, when, 30.0, 2);
        let stay = found
            .approaches
            .iter()
            .find(|f| f.norad_a() == set.norad_id() && f.norad_b().get() == set.norad_id().get() + 100_000);
        let Some(Approach::Interval(stay)) = stay else { panic!("{} has no stay: {stay:?}", set.norad_id()) };
        assert!(stay.start == when.start() && stay.min_km > 1.0 && stay.mean_km <= 30.0);
        let own = both.only(|s| s.norad_id().get() % 100_000 == set.norad_id().get());
        check_against_brute(&own, Interval::starting(set.epoch(), 4000.0), 30.0);
    }
    assert!(
        go(&both, Interval::starting(near.get(NoradId::new(28_872)).unwrap().epoch(), 5400.0), 30.0, 2)
            .faults
            .iter()
            .any(|f| f.code == "orbit::error_state")
    );
    // Twenty years on: all in error states or far off, and quick because the integrators start near.
    let (events, _) = check_against_brute(
        &read.catalogue.only(|s| s.mean_motion_rev_per_day() < 14.0),
        span("2026-03-10T12:00:00Z", 600.0),
        900.0,
    );
    assert!(events < 1000);
}

#[test]
fn the_same_for_every_window_thread_and_order() {
    let catalogue = excerpt();
    let when = span("2026-03-10T12:00:07.123456789Z", 5417.5);
    let expect = go(&catalogue, when, 40.0, 2);
    assert!(expect.approaches.len() > 50);
    for cells in [1, 3, 4, 7] {
        assert_eq!(go(&catalogue, when, 40.0, cells), expect, "windows of {cells} cells");
    }
    let limits = ScreenLimits::within_km(40.0).unwrap();
    let quiet = |_: u64, _: u64| ControlFlow::Continue(());
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(screen(&catalogue, when, &limits, None, Some(&pool), &quiet).unwrap(), expect);
    }
    let reversed = Catalogue::new(catalogue.iter().rev().cloned());
    assert_eq!(go(&reversed, when, 40.0, 2), expect);
}

#[test]
fn primaries_give_their_part_of_all_pairs() {
    let catalogue = excerpt();
    let when = span("2026-03-10T12:00:00Z", 7200.0);
    let all = go(&catalogue, when, 60.0, 2);
    let limits = ScreenLimits::within_km(60.0).unwrap();
    let quiet = |_: u64, _: u64| ControlFlow::Continue(());
    // Directly, and through the grid.
    for every in [20, 2] {
        let primaries: BTreeSet<NoradId> =
            catalogue.iter().step_by(every).map(ElementSet::norad_id).collect();
        let expect: Vec<Approach> = all
            .approaches
            .iter()
            .filter(|f| primaries.contains(&f.norad_a()) || primaries.contains(&f.norad_b()))
            .copied()
            .collect();
        assert!(!expect.is_empty());
        for max_few in [0, usize::MAX] {
            let plan = Plan { max_few, ..Plan::default() };
            let some = screen_with(&catalogue, when, &limits, Some(&primaries), None, &quiet, plan).unwrap();
            assert_eq!(some.approaches, expect, "every {every}th, {plan:?}");
        }
    }
    let absent = BTreeSet::from([NoradId::new(4_000_000_000)]);
    let none = screen(&catalogue, when, &limits, Some(&absent), None, &quiet).unwrap();
    assert!(none.approaches.is_empty());
    assert_eq!(none.faults.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["orbit::not_in_catalogue"]);
}

#[test]
fn changed_objects_are_screened_again() {
    let old = excerpt();
    let when = span("2026-03-10T12:00:00Z", 7200.0);
    let before = go(&old, when, 60.0, 8);
    let gone: BTreeSet<NoradId> = old.iter().skip(5).step_by(40).map(ElementSet::norad_id).collect();
    let moved = |set: &ElementSet, id: u32| {
        renumbered(set, id, |e| e.mean_anomaly_deg = (e.mean_anomaly_deg + 1.0) % 360.0)
    };
    // Every tenth has a new set, some are gone, and one has come that goes with an old one.
    let mut changed = gone.clone();
    let mut sets: Vec<ElementSet> = Vec::new();
    for (i, set) in old.iter().filter(|s| !gone.contains(&s.norad_id())).enumerate() {
        if i % 10 == 0 {
            changed.insert(set.norad_id());
            sets.push(moved(set, set.norad_id().get()));
        } else {
            sets.push(set.clone());
        }
    }
    sets.push(renumbered(&sets[3], 900_000, |_| {}));
    changed.insert(NoradId::new(900_000));
    let new = Catalogue::new(sets);
    let expect = go(&new, when, 60.0, 8);
    assert_ne!(expect, before);
    let limits = ScreenLimits::within_km(60.0).unwrap();
    let quiet = |_: u64, _: u64| ControlFlow::Continue(());
    let again = |changed: &BTreeSet<NoradId>, limits: &ScreenLimits| {
        rescreen(&before.approaches, changed, &new, when, limits, None, &quiet)
    };
    assert_eq!(again(&changed, &limits), Ok(expect.clone()));
    // Naming more than need be changes nothing; naming none keeps all that is still there.
    let everyone = new.iter().map(ElementSet::norad_id).collect();
    assert_eq!(again(&everyone, &limits), Ok(expect));
    let kept = again(&BTreeSet::new(), &limits).unwrap().approaches;
    let is_there = |a: &&Approach| !gone.contains(&a.norad_a()) && !gone.contains(&a.norad_b());
    assert_eq!(kept, before.approaches.iter().filter(is_there).copied().collect::<Vec<_>>());

    let nearer = ScreenLimits::within_km(10.0).unwrap();
    assert!(matches!(again(&changed, &nearer), Err(ScreenError::OtherScreening { .. })));
    let later = span("2026-03-10T12:30:00Z", 7200.0);
    let other = rescreen(&before.approaches, &changed, &new, later, &limits, None, &quiet);
    assert!(matches!(other, Err(ScreenError::OtherScreening { .. })));
}

#[test]
fn spans_that_meet_share_no_event_and_lose_none() {
    let catalogue = excerpt();
    let events = |w: Interval| -> Vec<(NoradId, NoradId)> {
        let found = go(&catalogue, w, 80.0, 2).approaches;
        found.iter().filter(|f| matches!(f, Approach::Event(_))).map(|f| (f.norad_a(), f.norad_b())).collect()
    };
    let whole = events(span("2026-03-10T12:00:00Z", 3600.0));
    let parts =
        [events(span("2026-03-10T12:00:00Z", 1799.5)), events(span("2026-03-10T12:29:59.5Z", 1800.5))]
            .concat();
    assert_eq!(whole.len(), parts.len());
    assert!(whole.len() > 50);
}

#[test]
fn stays_hold_what_they_say() {
    let catalogue = excerpt();
    let when = span("2026-03-10T12:00:00Z", 86_400.0 / 2.0);
    let found = go(&catalogue, when, 5.0, 2);
    let stays: Vec<&Proximity> = found
        .approaches
        .iter()
        .filter_map(|f| if let Approach::Interval(p) = f { Some(p) } else { None })
        .collect();
    assert!(stays.len() > 5);
    for stay in stays {
        let a = Propagator::new(catalogue.get(stay.norad_a).unwrap()).unwrap();
        let b = Propagator::new(catalogue.get(stay.norad_b).unwrap()).unwrap();
        let km = |t: Timestamp| {
            norm(minus(b.state_at(t).unwrap().position().km(), a.state_at(t).unwrap().position().km()))
        };
        assert!(
            when.start() <= stay.start
                && stay.end <= when.end()
                && stay.start <= stay.min_time
                && stay.min_time <= stay.end
        );
        assert!((km(stay.min_time) - stay.min_km).abs() < 1e-9);
        let seconds = stay.end.seconds_since(stay.start);
        let steps = 4_000;
        let sampled: Vec<f64> = (0..=steps)
            .map(|i| km(stay.start.plus_seconds(seconds * f64::from(i) / f64::from(steps))))
            .collect();
        assert!(sampled.iter().all(|d| *d <= 5.0 + 1e-6 && *d >= stay.min_km - 1e-7));
        let mean = sampled.iter().sum::<f64>() / sampled.len() as f64;
        assert!((mean - stay.mean_km).abs() < 2e-3 * (1.0 + mean), "{mean} and {}", stay.mean_km);
        for (edge, outward) in [(stay.start, -0.5), (stay.end, 0.5)] {
            if edge != when.start() && edge != when.end() {
                assert!((km(edge) - 5.0).abs() < 1e-6);
                assert!(km(edge.plus_seconds(outward)) > 5.0);
            }
        }
    }
}

#[test]
fn empty_small_and_cancelled() {
    let one = excerpt().only(|s| s.norad_id().get() == 40_536);
    let when = span("2026-03-10T12:00:00Z", 3600.0);
    assert_eq!(go(&Catalogue::default(), when, 5.0, 2), Screening::default());
    assert_eq!(go(&one, when, 5.0, 2), Screening::default());
    assert_eq!(go(&excerpt(), span("2026-03-10T12:00:00Z", 0.0), 5.0, 2), Screening::default());
    let limits = ScreenLimits::within_km(5.0).unwrap();
    let stop = |_: u64, _: u64| ControlFlow::Break(());
    assert_eq!(screen(&excerpt(), when, &limits, None, None, &stop), Err(ScreenError::Cancelled));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1000.1] {
        assert!(ScreenLimits::within_km(bad).is_err());
    }
}

#[test]
fn the_closest_approach_is_where_the_range_rate_is_zero() {
    let catalogue = excerpt();
    for f in go(&catalogue, span("2026-03-10T12:00:00Z", 3000.0), 100.0, 2).approaches {
        let Approach::Event(e) = f else { continue };
        let a = Propagator::new(catalogue.get(e.norad_a).unwrap()).unwrap().state_at(e.tca).unwrap();
        let b = Propagator::new(catalogue.get(e.norad_b).unwrap()).unwrap().state_at(e.tca).unwrap();
        let r = minus(b.position().km(), a.position().km());
        let v = minus(b.velocity().km_s(), a.velocity().km_s());
        assert!((norm(r) - e.miss_km).abs() < 1e-8);
        // Off by less than a microsecond.
        assert!((dot(r, v) / dot(v, v)).abs() < 1e-6);
    }
}
