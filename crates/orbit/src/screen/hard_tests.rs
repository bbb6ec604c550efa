//! Hard cases: against brute force, and every plan, kernel and way of naming primaries against each other.

use super::tests::{check_against_brute, excerpt, go, renumbered, span};
use super::*;
use crate::{ElementSet, Elements, Kernel};

const EPOCH: &str = "2026-03-10T12:00:00Z";

fn set(id: u32, change: impl Fn(&mut Elements)) -> ElementSet {
    let all = excerpt();
    let first = all.iter().next().unwrap();
    renumbered(first, id, |e| {
        e.epoch = EPOCH.parse().unwrap();
        (e.bstar, e.mean_motion_dot, e.mean_motion_ddot) = (0.0, 0.0, 0.0);
        change(e);
    })
}

/// Numbers from 0 to 1, the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.roll()
    }

    fn angles(&mut self, e: &mut Elements) {
        e.raan_deg = self.between(0.0, 360.0);
        e.argument_of_perigee_deg = self.between(0.0, 360.0);
        e.mean_anomaly_deg = self.between(0.0, 360.0);
    }
}

/// Low, transfer, geostationary and farther orbits, some with much drag, some about to decay, some backwards.
fn zoo(dice: &mut Dice, first: u32) -> Vec<ElementSet> {
    let mut all = Vec::new();
    let mut put = |all: &mut Vec<ElementSet>, count: u32, kind: &dyn Fn(&mut Dice, &mut Elements)| {
        for _ in 0..count {
            let id = first + all.len() as u32;
            let mut elements = set(id, |_| {}).elements().clone();
            dice.angles(&mut elements);
            kind(dice, &mut elements);
            all.push(ElementSet::new(elements).unwrap());
        }
    };
    put(&mut all, 14, &|d, e| {
        (e.mean_motion_rev_per_day, e.eccentricity) = (d.between(15.05, 15.10), d.between(0.0, 0.002));
        e.inclination_deg = d.between(50.0, 130.0);
    });
    put(&mut all, 6, &|d, e| {
        // Perigee among the low ones.
        (e.mean_motion_rev_per_day, e.eccentricity) = (d.between(2.2, 2.4), d.between(0.71, 0.73));
        (e.inclination_deg, e.mean_anomaly_deg) = (d.between(0.0, 70.0), d.between(-6.0, 6.0));
    });
    put(&mut all, 5, &|d, e| {
        (e.mean_motion_rev_per_day, e.eccentricity) = (d.between(1.0, 1.01), d.between(0.0, 0.001));
        (e.inclination_deg, e.mean_anomaly_deg) = (d.between(0.0, 0.2), d.between(0.0, 6.0));
        (e.raan_deg, e.argument_of_perigee_deg) = (10.0, 20.0);
    });
    put(&mut all, 4, &|d, e| {
        (e.mean_motion_rev_per_day, e.eccentricity) = (d.between(0.05, 0.7), d.between(0.1, 0.97));
        e.inclination_deg = d.between(0.0, 180.0);
    });
    put(&mut all, 6, &|d, e| {
        (e.mean_motion_rev_per_day, e.eccentricity) = (d.between(15.9, 16.4), d.between(0.0, 0.004));
        (e.inclination_deg, e.bstar) = (d.between(50.0, 100.0), d.between(1e-3, 0.1));
    });
    all
}

/// One result by every plan and kernel, with all objects, and with all of them named as primaries.
fn same_by_all_plans(catalogue: &Catalogue, when: Interval, within_km: f64) -> Screening {
    let limits = ScreenLimits::within_km(within_km).unwrap();
    let everyone: BTreeSet<NoradId> = catalogue.iter().map(ElementSet::norad_id).collect();
    let quiet = |_: u64, _: u64| ControlFlow::Continue(());
    let by = |primaries, plan| screen_with(catalogue, when, &limits, primaries, None, &quiet, plan).unwrap();
    let expect = by(None, Plan::default());
    for kernel in Kernel::available().iter().copied() {
        for cells in [1, 3, 8, 16] {
            let plan = Plan { cells: Some(cells), kernel, max_few: 0 };
            assert_eq!(by(None, plan), expect, "{plan:?}");
            assert_eq!(by(Some(&everyone), plan), expect, "all are primaries, {plan:?}");
            let plan = Plan { max_few: usize::MAX, ..plan };
            assert_eq!(by(Some(&everyone), plan), expect, "all are primaries, {plan:?}");
        }
    }
    let some: BTreeSet<NoradId> = everyone.iter().copied().step_by(3).collect();
    let many = by(Some(&some), Plan { max_few: 0, ..Plan::default() });
    assert_eq!(by(Some(&some), Plan { max_few: usize::MAX, ..Plan::default() }), many);
    let ours = |f: &&Approach| some.contains(&f.norad_a()) || some.contains(&f.norad_b());
    assert_eq!(many.approaches, expect.approaches.iter().filter(ours).copied().collect::<Vec<_>>());
    assert_eq!(many.faults, expect.faults);
    expect
}

#[test]
fn the_zoo_against_brute_force() {
    let mut dice = Dice(7);
    let catalogue = Catalogue::new(zoo(&mut dice, 1));
    let (mut events, mut stays) = (0, 0);
    for (within_km, seconds) in [(0.5, 3600.0), (5.0, 3600.0), (50.0, 7200.0), (500.0, 10_800.0)] {
        let found = check_against_brute(&catalogue, span(EPOCH, seconds), within_km);
        (events, stays) = (events + found.0, stays + found.1);
    }
    assert!(events > 30 && stays > 2, "{events} events, {stays} stays");
}

#[test]
fn the_zoo_by_all_plans() {
    let mut dice = Dice(11);
    let catalogue = Catalogue::new(zoo(&mut dice, 1));
    for (within_km, seconds) in [(5.0, 7230.5), (300.0, 3600.0), (1000.0, 900.0)] {
        same_by_all_plans(&catalogue, span(EPOCH, seconds), within_km);
    }
    let found = same_by_all_plans(&catalogue, span("2026-03-13T00:00:00Z", 10_800.0), 500.0);
    assert!(found.faults.iter().any(|f| f.code == "orbit::error_state"), "none of them decays");
    // Before the epochs, and half a year after them.
    same_by_all_plans(&catalogue, span("2026-02-20T00:00:00Z", 3600.0), 500.0);
    same_by_all_plans(&catalogue, span("2026-09-13T00:00:00Z", 3600.0), 500.0);
}

#[test]
fn short_and_empty_spans_by_all_plans() {
    let catalogue = excerpt().only(|s| s.norad_id().get() % 3 == 0);
    for seconds in [1e-9, 1.0, 29.9, 30.0, 30.000_000_001, 240.0, 241.0] {
        same_by_all_plans(&catalogue, span(EPOCH, seconds), 100.0);
    }
    let twins = Catalogue::new([set(1, |_| {}), set(2, |_| {})]);
    for few in [0, 1, 2] {
        let some = twins.only(|s| s.norad_id().get() <= few);
        let found = same_by_all_plans(&some, span(EPOCH, 3600.0), 5.0);
        assert_eq!(found.approaches.len(), usize::from(few == 2));
    }
}

#[test]
fn a_month_of_a_few() {
    let mut dice = Dice(3);
    let all = Catalogue::new(zoo(&mut dice, 1));
    let few = all.only(|s| s.norad_id().get() % 4 == 0);
    same_by_all_plans(&few, span(EPOCH, 31.0 * 86_400.0), 50.0);
}

#[test]
fn perigee_passes_are_found_in_every_phase() {
    // A transfer orbit and low ones that meet it at its perigee, wherever the window's border lies.
    let transfer = set(1, |e| {
        (e.mean_motion_rev_per_day, e.eccentricity, e.inclination_deg) = (2.27, 0.7285, 7.0);
        (e.raan_deg, e.argument_of_perigee_deg, e.mean_anomaly_deg) = (0.0, 0.0, 359.0);
    });
    let low = (0..60).map(|i| {
        set(2 + i, |e| {
            (e.mean_motion_rev_per_day, e.eccentricity, e.inclination_deg) = (15.6, 0.0001, 97.0);
            (e.raan_deg, e.argument_of_perigee_deg) = (3.0 * f64::from(i % 6), 0.0);
            e.mean_anomaly_deg = 340.0 + f64::from(i) * 0.6 - 360.0 * f64::from(u8::from(i > 33));
        })
    });
    let catalogue = Catalogue::new(std::iter::once(transfer).chain(low));
    let mut events = 0;
    for start in ["2026-03-10T11:59:00Z", "2026-03-10T11:59:47Z", "2026-03-10T12:00:31.5Z"] {
        let primaries = BTreeSet::from([NoradId::new(1)]);
        let when = span(start, 1500.0);
        let pairs = |f: &&Approach| primaries.contains(&f.norad_a());
        let found = go(&catalogue, when, 300.0, 8);
        let expect: Vec<Approach> = found.approaches.iter().filter(pairs).copied().collect();
        let limits = ScreenLimits::within_km(300.0).unwrap();
        let quiet = |_: u64, _: u64| ControlFlow::Continue(());
        assert_eq!(
            screen(&catalogue, when, &limits, Some(&primaries), None, &quiet).unwrap().approaches,
            expect
        );
        events += expect.len();
        let part = catalogue.only(|s| s.norad_id().get() < 30);
        check_against_brute(&part, when, 300.0);
    }
    assert!(events > 3, "{events}");
}
