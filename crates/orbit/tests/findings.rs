//! An approach as a finding.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use base::{Confidence, Interval, Marking, NoradId, Severity};
use orbit::{Approach, Catalogue, Event, FindingContext, ScreenLimits, finding, read_catalogue, screen};

const EXCERPT: &[u8] = include_bytes!("data/celestrak/active-2026-03-excerpt.csv");

fn excerpt() -> Catalogue {
    read_catalogue(EXCERPT, "excerpt").catalogue
}

fn event(a: u32, b: u32, miss_km: f64, tca: &str) -> Approach {
    Approach::Event(Event {
        norad_a: NoradId::new(a),
        norad_b: NoradId::new(b),
        tca: tca.parse().unwrap(),
        miss_km,
        relative_speed_km_s: 10.0,
        radial_km: 0.0,
        in_track_km: miss_km,
        cross_track_km: 0.0,
    })
}

#[test]
fn an_event_is_an_approach() {
    let catalogue = excerpt();
    let (a, b) = (catalogue.get(NoradId::new(39_227)).unwrap(), catalogue.get(NoradId::new(40_536)).unwrap());
    let protected = BTreeSet::from([NoradId::new(40_536)]);
    let context = FindingContext {
        protected: &protected,
        marking: Marking::new("RESTRICTED", &["USA"], "KOR"),
        evidence: vec![base::EntryId::from_bytes([7; 32])],
        version: "0.1.0",
    };
    let approach = event(39_227, 40_536, 0.84, "2026-03-10T12:00:00Z");
    let got = finding(&approach, a, b, &context);
    assert_eq!(got.title, "ARIRANG-5 (KOMPSAT-5) passes KOMPSAT-3A at 0.84 km");
    assert_eq!(
        (got.kind.as_str(), got.severity, got.confidence),
        ("orbit.approach", Severity::Approaching, Confidence::Moderate)
    );
    assert_eq!(got.interval, Interval::at("2026-03-10T12:00:00Z".parse().unwrap()));
    let ids: Vec<_> = got.objects.iter().map(|o| (o.id.as_str(), o.protected)).collect();
    assert_eq!(ids, [("norad:40536", true), ("norad:39227", false)]);
    assert_eq!(got.measures["miss_km"], 0.84);
    assert_eq!((got.marking.originator.as_str(), got.evidence.len()), ("KOR", 1));
    // KOMPSAT-5 flies at 550 km.
    let place = got.place.clone().unwrap();
    assert!((place.altitude_km().unwrap() - 550.0).abs() < 30.0, "{place:?}");
    base::to_document(&got).unwrap();
    for (miss_km, severity) in
        [(0.199, Severity::AtTheBorder), (0.2, Severity::Approaching), (1.0, Severity::Seen)]
    {
        let approach = event(39_227, 40_536, miss_km, "2026-03-10T12:00:00Z");
        assert_eq!(finding(&approach, a, b, &context).severity, severity);
    }
    let late = event(39_227, 40_536, 0.05, "2026-03-20T12:00:00Z");
    let late = finding(&late, a, b, &context);
    assert_eq!(late.confidence, Confidence::Low);
    assert!(late.title.ends_with("at 0.050 km"));
}

#[test]
fn a_stay_is_a_proximity() {
    let catalogue = excerpt();
    let span = Interval::starting("2026-03-10T12:00:00Z".parse().unwrap(), 3600.0);
    let limits = ScreenLimits::within_km(5.0).unwrap();
    let found = screen(&catalogue, span, &limits, None, None, &|_, _| ControlFlow::Continue(())).unwrap();
    let stay = found.approaches.iter().find(|a| matches!(a, Approach::Interval(_))).unwrap();
    let (a, b) = (catalogue.get(stay.norad_a()).unwrap(), catalogue.get(stay.norad_b()).unwrap());
    let none = BTreeSet::new();
    let context = FindingContext {
        protected: &none,
        marking: Marking::new("OPEN", &[], "KOR"),
        evidence: Vec::new(),
        version: "0.1.0",
    };
    let got = finding(stay, a, b, &context);
    assert_eq!((got.kind.as_str(), got.severity), ("orbit.proximity", Severity::Seen));
    assert_eq!(got.interval, stay.interval());
    assert!(got.title.contains(" stays near "));
    assert!(got.measures["min_km"] <= got.measures["mean_km"]);
}
