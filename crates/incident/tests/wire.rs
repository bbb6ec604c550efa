//! The wire form of an incident.

use base::{Noun, from_document, to_document};
use incident::{Incident, TimelineItem};
use proptest::collection::vec;
use proptest::prelude::*;
use testkit::nouns;

fn timeline_item() -> impl Strategy<Value = TimelineItem> {
    (nouns::timestamp(), nouns::kind(), nouns::text(), nouns::entry_id())
        .prop_map(|(time, kind, title, entry)| TimelineItem { time, kind, title, entry })
}

fn incident() -> impl Strategy<Value = Incident> {
    let what =
        (nouns::text(), nouns::severity(), nouns::interval(), vec(nouns::object(), 0..4), nouns::marking());
    let ids = || vec(nouns::entry_id(), 0..4);
    (what, ids(), vec(timeline_item(), 0..4), ids(), ids()).prop_map(
        |((title, severity, interval, objects, marking), findings, timeline, supersedes, evidence)| {
            Incident { title, severity, interval, objects, findings, timeline, marking, supersedes, evidence }
        },
    )
}

/// Byte for byte: a change here needs a new version in the schema name.
#[test]
fn golden() -> Result<(), Box<dyn std::error::Error>> {
    for golden in
        [include_str!("data/golden/incident.json"), include_str!("data/golden/incident_superseding.json")]
    {
        let read: Incident = from_document(&serde_json::from_str(golden)?)?;
        assert_eq!(testkit::sorted_text(to_document(&read)?), golden);
    }
    Ok(())
}

proptest! {
    #[test]
    fn round_trip(noun in incident()) {
        let fail = |e: &dyn std::fmt::Display| TestCaseError::fail(e.to_string());
        let document = to_document(&noun).map_err(|e| fail(&e))?;
        prop_assert_eq!(base::schema_of(&document), Incident::SCHEMA);
        let text = serde_json::to_string(&document).map_err(|e| fail(&e))?;
        let read: Incident = serde_json::from_str(&text)
            .map_err(|e| fail(&e))
            .and_then(|d| from_document(&d).map_err(|e| fail(&e)))?;
        prop_assert_eq!(read, noun);
    }

    #[test]
    fn an_unknown_field_is_refused(noun in incident(), name in "x_[a-z]{1,8}") {
        let mut document = to_document(&noun).map_err(|e| TestCaseError::fail(e.to_string()))?;
        if let Some(map) = document.as_object_mut() {
            map.insert(name, serde_json::Value::Null);
        }
        prop_assert!(from_document::<Incident>(&document).is_err());
    }
}
