//! What of a STIX bundle an audience may have.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use base::Marking;
use label::{Codes, FormatContext, Organisations, Redacted, redact_stix};
use serde_json::{Value, json};

const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
const CLEAR: &str = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";

/// For a reader who may have GREEN and nothing that is narrower or unknown.
fn green(value: &Value) -> Redacted {
    let codes = Codes::builtin();
    let organisations = Organisations::default();
    let context = FormatContext { codes: &codes, originator: None, organisations: &organisations };
    let may_have = |marking: &Marking| {
        marking.categories.is_empty()
            && ["GREEN", "CLEAR"].contains(&marking.tlp.as_deref().unwrap_or_default())
    };
    redact_stix(value, &may_have, &context)
}

fn left(value: &Value) -> Value {
    green(value).value.unwrap_or_default()
}

fn indicator(extra: Value) -> Value {
    let mut object = json!({ "type": "indicator", "id": "indicator--1", "object_marking_refs": [GREEN] });
    object.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    object
}

#[test]
fn a_field_goes_with_its_selector_and_the_name_of_its_marking() {
    let object = indicator(json!({
        "name": "x", "description": "secret",
        "granular_markings": [{ "selectors": ["description"], "marking_ref": RED }],
    }));
    assert_eq!(left(&object), indicator(json!({ "name": "x" })));
    let withheld = green(&object).withheld;
    assert!(withheld[0].message.contains("description"), "{withheld:?}");
}

#[test]
fn a_granular_marking_that_is_wider_than_the_object_releases_nothing() {
    let object = json!({
        "type": "indicator", "id": "indicator--1", "name": "x", "object_marking_refs": [RED],
        "granular_markings": [{ "selectors": ["name"], "marking_ref": CLEAR }],
    });
    assert_eq!(green(&object).value, None);
}

#[test]
fn later_selectors_are_numbered_anew() {
    let object = indicator(json!({
        "external_references": [{ "source_name": "a" }, { "source_name": "b" }, { "source_name": "c", "url": "u" }],
        "granular_markings": [
            { "selectors": ["external_references.[1]"], "marking_ref": RED },
            { "selectors": ["external_references.[2].url", "external_references.[0]"], "marking_ref": GREEN },
        ],
    }));
    let expected = indicator(json!({
        "external_references": [{ "source_name": "a" }, { "source_name": "c", "url": "u" }],
        "granular_markings": [
            { "selectors": ["external_references.[1].url", "external_references.[0]"], "marking_ref": GREEN },
        ],
    }));
    assert_eq!(left(&object), expected);
}

#[test]
fn what_becomes_empty_goes_and_the_rest_is_numbered_by_what_is_left() {
    let object = indicator(json!({
        "list": [{ "only": 1 }, { "a": 1, "b": [1, 2, 3] }],
        "alone": { "inner": ["x"] },
        "granular_markings": [
            { "selectors": ["list.[0].only", "alone.inner.[0]", "list.[1].b.[0]", "list.[1].b.[2]"], "marking_ref": RED },
            { "selectors": ["list.[1].b.[1]"], "lang": "en" },
        ],
    }));
    let expected = indicator(json!({
        "list": [{ "a": 1, "b": [2] }],
        "granular_markings": [{ "selectors": ["list.[0].b.[0]"], "lang": "en" }],
    }));
    assert_eq!(left(&object), expected);
}

#[test]
fn selectors_that_point_at_nothing_or_at_what_every_object_needs_hold_the_object_back() {
    for selector in [
        "object_marking_refs.[0]",
        "nothing",
        "external_references.[0]",
        "name.[0]",
        "",
        "type",
        "id",
        "name.",
        "[0]",
    ] {
        let object = indicator(json!({
            "name": "x", "granular_markings": [{ "selectors": [selector], "marking_ref": RED }],
        }));
        assert_eq!(green(&object).value, None, "`{selector}`");
    }
    for granular in
        [json!("x"), json!([{ "selectors": "name", "marking_ref": RED }]), json!([{ "selectors": ["name"] }])]
    {
        assert_eq!(green(&indicator(json!({ "name": "x", "granular_markings": granular }))).value, None);
    }
}

#[test]
fn a_list_that_every_object_needs_is_not_emptied() {
    let report = |refs: &[&str], selector: &str| {
        json!({
            "type": "report", "id": "report--1", "object_marking_refs": [GREEN], "object_refs": refs,
            "granular_markings": [{ "selectors": [selector], "marking_ref": RED }],
        })
    };
    assert_eq!(left(&report(&["a--1", "b--1"], "object_refs.[0]"))["object_refs"], json!(["b--1"]));
    assert_eq!(green(&report(&["a--1"], "object_refs.[0]")).value, None);
}

#[test]
fn more_selectors_than_anybody_writes_hold_the_object_back() {
    let selectors: Vec<String> = (0..2_000).map(|n| format!("list.[{n}]")).collect();
    let object = indicator(json!({
        "list": vec![0; 3_000], "granular_markings": [{ "selectors": selectors, "marking_ref": RED }],
    }));
    assert_eq!(green(&object).value, None);
}

fn bundle(objects: Value) -> Value {
    json!({ "type": "bundle", "id": "bundle--1", "objects": objects })
}

/// OpenCTI issue 11496: neither end of a hidden relation shows the other, and nothing else changes.
#[test]
fn a_hidden_relation_leaves_no_trace() {
    let ends =
        json!([indicator(json!({})), { "type": "tool", "id": "tool--1", "object_marking_refs": [GREEN] }]);
    let mut with = ends.clone();
    with.as_array_mut().unwrap().push(json!({
        "type": "relationship", "id": "relationship--1", "object_marking_refs": [RED],
        "source_ref": "indicator--1", "target_ref": "tool--1",
    }));
    assert_eq!(left(&bundle(with)), bundle(ends));
}

#[test]
fn a_relation_to_something_hidden_goes_with_it() {
    let objects = json!([
        indicator(json!({ "created_by_ref": "identity--1" })),
        { "type": "identity", "id": "identity--1", "object_marking_refs": [RED] },
        { "type": "tool", "id": "tool--1", "object_marking_refs": [RED] },
        { "type": "relationship", "id": "relationship--1", "object_marking_refs": [GREEN],
          "source_ref": "indicator--1", "target_ref": "tool--1" },
        { "type": "sighting", "id": "sighting--1", "object_marking_refs": [GREEN],
          "sighting_of_ref": "relationship--1" },
    ]);
    assert_eq!(left(&bundle(objects)), bundle(json!([indicator(json!({}))])));
}

/// OpenCTI issue 15533: the references went, the values that were made from them stayed.
#[test]
fn what_was_derived_from_a_hidden_reference_goes_too() {
    let sighting = |extra: Value| {
        let mut object = json!({
            "type": "sighting", "id": "sighting--1", "object_marking_refs": [GREEN], "sighting_of_ref": "indicator--1",
        });
        object.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        object
    };
    let seen = json!({
        "where_sighted_refs": ["identity--1", "identity--2"], "where_sighted_values": ["Secret Office", "Open Office"],
    });
    let objects = json!([
        indicator(json!({})),
        { "type": "identity", "id": "identity--1", "object_marking_refs": [RED] },
        { "type": "identity", "id": "identity--2", "object_marking_refs": [GREEN] },
        sighting(seen),
    ]);
    let text = left(&bundle(objects));
    assert_eq!(text["objects"][2], sighting(json!({ "where_sighted_refs": ["identity--2"] })));
    assert!(!text.to_string().contains("Secret Office"));
}

/// OpenCTI issue 6856: names of markings that a reader does not hold were listed.
#[test]
fn definitions_that_nothing_refers_to_go() {
    let definition = |id: &str, name: &str| json!({ "type": "marking-definition", "id": id, "name": name });
    let objects = json!([
        definition(GREEN, "TLP:GREEN"),
        definition(RED, "TLP:RED"),
        indicator(json!({
            "name": "x", "granular_markings": [{ "selectors": ["name"], "marking_ref": RED }],
        })),
    ]);
    let expected = bundle(json!([definition(GREEN, "TLP:GREEN"), indicator(json!({}))]));
    assert_eq!(left(&bundle(objects)), expected);
}

#[test]
fn an_unknown_or_missing_marking_holds_back() {
    let unknown =
        json!({ "type": "tool", "id": "tool--1", "object_marking_refs": [GREEN, "marking-definition--x"] });
    let bare = json!({ "type": "tool", "id": "tool--2" });
    assert_eq!(green(&bundle(json!([unknown, bare]))).value, None);
    assert_eq!(green(&bundle(json!([unknown, bare]))).withheld.len(), 2);
}
