//! Findings of a bounded world: few objects, few hours, few markings, so that they meet often.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;

use base::{Confidence, EntryId, Finding, Interval, Marking, Method, ObjectRef, Severity, Timestamp};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use testkit::nouns;

pub(crate) type Entry = (EntryId, Finding);

pub(crate) fn id(number: u8) -> EntryId {
    EntryId::from_bytes([number; 32])
}

/// `hour` hours after the first.
pub(crate) fn at(hour: f64) -> Timestamp {
    Timestamp::from_unix_nanos(1_773_100_800_000_000_000).plus_seconds(hour * 3600.0)
}

/// A star before a name makes it protected.
pub(crate) fn object(name: &str) -> ObjectRef {
    let bare = name.trim_start_matches('*');
    ObjectRef { id: format!("norad:{bare}"), name: Some(bare.to_owned()), protected: bare != name }
}

pub(crate) fn finding(hour: f64, objects: &[&str]) -> Finding {
    Finding {
        kind: "orbit.approach".to_owned(),
        title: format!("approach in hour {hour}"),
        text: None,
        interval: Interval::at(at(hour)),
        place: None,
        objects: objects.iter().map(|name| object(name)).collect(),
        severity: Severity::Seen,
        likelihood: None,
        confidence: Confidence::Moderate,
        method: Method { name: "orbit.screen".to_owned(), version: "0.1.0".to_owned() },
        measures: BTreeMap::from([("miss_km".to_owned(), hour + 0.5)]),
        marking: Marking::new("RESTRICTED", &["USA"], "KOR"),
        evidence: Vec::new(),
    }
}

const NAMES: [&str; 6] = ["*A", "*B", "C", "D", "A", "E"];

pub(crate) fn marking() -> impl Strategy<Value = Marking> {
    select(vec![
        Marking::new("RESTRICTED", &["USA"], "KOR"),
        Marking::new("RESTRICTED", &["USA", "JPN"], "KOR"),
        Marking::new("RESTRICTED", &["JPN", "USA", "JPN"], "KOR"),
        Marking::new("SECRET", &["USA"], "KOR"),
    ])
}

pub(crate) fn one() -> impl Strategy<Value = Finding> {
    let when = (0..60_u8, 0..6_u8);
    let what = (select(vec!["orbit.approach", "orbit.proximity", "report.officer", "x"]), nouns::text());
    (when, vec(select(&NAMES[..]), 0..3), nouns::severity(), what, marking(), option::of(0.0..9.0)).prop_map(
        |((hour, hours), names, severity, (kind, title), marking, miss_km)| Finding {
            kind: kind.to_owned(),
            title,
            interval: Interval::starting(at(f64::from(hour)), f64::from(hours) * 3600.0),
            severity,
            marking,
            measures: miss_km.map(|km| ("miss_km".to_owned(), km)).into_iter().collect(),
            ..finding(0.0, &names)
        },
    )
}

/// Findings in the order of their ids.
pub(crate) fn several() -> impl Strategy<Value = Vec<Entry>> {
    btree_map(any::<u8>().prop_map(id), one(), 0..16).prop_map(|map| map.into_iter().collect())
}
