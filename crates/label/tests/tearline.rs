//! Tear-lines: a sanitised version verifies against the signed whole, and tells nothing of what it hides.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

#[expect(dead_code, reason = "not every file asks all of it")]
mod common;

use base::Marking;
use common::{Held, audience, decide};
use label::{Disclosed, Level, MAX_DISCLOSED, MAX_FIELDS, Tearline, TearlineError, Whole, verify_tearline};
use proptest::prelude::*;
use serde_json::{Value, json};

const SECRET: [u8; 32] = [7; 32];

fn whole() -> Value {
    json!({
        "title": "Approach to KOMPSAT-3A",
        "objects": [{"id": "norad:40536", "name": "KOMPSAT-3A"}, {"id": "norad:1", "note": null}],
        "source": {"sensor": "radar 7", "operator": {"name": "Lee", "shift": 2}},
        "measures": {"miss_km": 0.5, "speed": 1.0},
        "a/b": {"~": true},
        "empty": {"list": [], "object": {}},
    })
}

fn pointers(list: &[&str]) -> Vec<String> {
    list.iter().map(|pointer| (*pointer).to_owned()).collect()
}

fn disclose(list: &[&str]) -> (String, Vec<Disclosed>) {
    let whole = Whole::new(&whole(), &SECRET).unwrap();
    (whole.root(), whole.disclose(&pointers(list)).unwrap())
}

fn code(root: &str, disclosed: &[Disclosed]) -> &'static str {
    verify_tearline(root, disclosed).map_or_else(|e| e.code(), |_| "ok")
}

#[test]
fn what_is_disclosed_is_what_the_receiver_reads() {
    let read = |list: &[&str]| {
        let (root, disclosed) = disclose(list);
        // Over the wire and back.
        let sent = serde_json::to_string(&disclosed).unwrap();
        verify_tearline(&root, &serde_json::from_str::<Vec<_>>(&sent).unwrap()).unwrap()
    };
    assert_eq!(read(&["/title"]), json!({"title": "Approach to KOMPSAT-3A"}));
    assert_eq!(read(&["/objects/0/id"]), json!({"objects": [{"id": "norad:40536"}]}));
    assert_eq!(read(&["/objects/1/note"]), json!({"objects": [{"note": null}]}));
    assert_eq!(
        read(&["/objects/1", "/objects/0/id"]),
        json!({"objects": [{"id": "norad:40536"}, {"id": "norad:1", "note": null}]})
    );
    assert_eq!(read(&["/source/operator"]), json!({"source": {"operator": {"name": "Lee", "shift": 2}}}));
    assert_eq!(read(&["/a~1b/~0"]), json!({"a/b": {"~": true}}));
    assert_eq!(read(&["/empty"]), json!({"empty": {"list": [], "object": {}}}));
    assert_eq!(read(&["/measures"]), json!({"measures": {"miss_km": 0.5, "speed": 1}}));
    let all = read(&[""]);
    assert_eq!(all["objects"], whole()["objects"]);
    assert_eq!(all.as_object().unwrap().len(), 6);
}

#[test]
fn what_names_nothing_is_refused() {
    let whole = Whole::new(&whole(), &SECRET).unwrap();
    for pointer in
        ["/titl", "title", "/objects/2", "/objects/-", "/objects/00", "/title/x", "/", "/objects/0/"]
    {
        let got = whole.disclose(&pointers(&["/title", pointer]));
        assert_eq!(got, Err(TearlineError::NoSuchField { pointer: pointer.to_owned() }));
    }
    assert_eq!(whole.disclose(&[]), Err(TearlineError::Nothing));
}

#[test]
fn what_makes_no_whole_is_refused() {
    let refused = |document: Value| Whole::new(&document, &SECRET).unwrap_err();
    for document in [json!({}), json!([1]), json!("a"), json!(null)] {
        assert_eq!(refused(document), TearlineError::NoObject);
    }
    let many: Vec<u32> = (0..=MAX_FIELDS as u32).collect();
    assert_eq!(refused(json!({"a": many})), TearlineError::TooManyFields { count: MAX_FIELDS + 1 });
    let deep = (0..40).fold(json!(1), |inner, _| json!({"a": inner}));
    assert_eq!(refused(deep), TearlineError::TooDeep);
    let big = json!({"a": {"b": 9_007_199_254_740_993_u64}});
    assert_eq!(refused(big), TearlineError::Inexact { pointer: "/a/b".to_owned() });
    // At the limit it works, and so much at once does not fit.
    let many: Vec<u32> = (0..MAX_FIELDS as u32).collect();
    let whole = Whole::new(&json!({"a": many}), &SECRET).unwrap();
    assert_eq!(
        whole.disclose(&pointers(&["/a"])),
        Err(TearlineError::TooManyDisclosed { count: MAX_FIELDS })
    );
    let some: Vec<String> = (0..MAX_DISCLOSED).map(|n| format!("/a/{n}")).collect();
    let read = verify_tearline(&whole.root(), &whole.disclose(&some).unwrap()).unwrap();
    assert_eq!(read, json!({"a": (0..MAX_DISCLOSED).collect::<Vec<_>>()}));
}

#[test]
fn a_changed_field_is_refused() {
    let (root, good) = disclose(&["/objects", "/title", "/source"]);
    assert_eq!(code(&root, &good), "ok");
    let value = serde_json::to_value(&good).unwrap();
    let with = |index: usize, field: &str, to: Value| -> Vec<Disclosed> {
        let mut changed = value.clone();
        changed[index][field] = to;
        serde_json::from_value(changed).unwrap()
    };
    for (index, honest) in good.iter().enumerate() {
        for to in [json!("x"), json!(1), json!({}), json!([])] {
            assert_eq!(code(&root, &with(index, "value", to)), "tearline::foreign");
        }
        assert_eq!(code(&root, &with(index, "path", json!(["x"]))), "tearline::foreign");
        assert_eq!(code(&root, &with(index, "salt", json!("0".repeat(32)))), "tearline::foreign");
        let slot = if honest.slot == "000" { "001" } else { "000" };
        assert_eq!(code(&root, &with(index, "slot", json!(slot))), "tearline::foreign");
        for (field, to) in [
            ("salt", json!("")),
            ("salt", json!(honest.salt.to_uppercase() + "0")),
            ("salt", json!("g".repeat(32))),
            ("slot", json!("1000")),
            ("slot", json!("0")),
            ("slot", json!("-01")),
            ("beside", json!([])),
            ("beside", json!(vec![""; 12])),
            ("path", json!([])),
            ("path", json!([["0123456789abcdef"], "a"])),
            ("path", json!(["objects", ["0"]])),
            ("value", json!({"a": 1})),
            ("value", json!([1])),
            ("value", json!(1.0)),
        ] {
            assert_eq!(code(&root, &with(index, field, to)), "tearline::bad_field");
        }
    }
    assert_eq!(code(&"0".repeat(64), &good), "tearline::foreign");
    assert_eq!(code("", &good), "tearline::foreign");
    assert_eq!(code(&root, &[]), "tearline::nothing");
}

#[test]
fn a_field_of_another_whole_is_refused() {
    let other = Whole::new(&whole(), &[8; 32]).unwrap();
    let (root, _) = disclose(&["/title"]);
    let theirs = other.disclose(&pointers(&["/title"])).unwrap();
    assert_eq!(code(&other.root(), &theirs), "ok");
    assert_eq!(code(&root, &theirs), "tearline::foreign");
}

#[test]
fn fields_twice_or_in_another_order_are_refused() {
    let (root, good) = disclose(&["/objects", "/source"]);
    let twice = [&good[..], &good[..1]].concat();
    assert_eq!(code(&root, &twice), "tearline::twice");
    let next_to_itself = [&good[..1], &good[..]].concat();
    assert_eq!(code(&root, &next_to_itself), "tearline::twice");
    // objects: id, name | id, note; source: operator.name, operator.shift, sensor.
    for (a, b) in [(0, 1), (4, 5), (5, 6), (0, 6), (1, 4)] {
        let mut swapped = good.clone();
        swapped.swap(a, b);
        assert_eq!(code(&root, &swapped), "tearline::out_of_order", "{a} and {b}");
    }
    // The values of two fields exchanged are those of no whole.
    let mut exchanged = good.clone();
    let value = exchanged[0].value.clone();
    exchanged[0].value = std::mem::replace(&mut exchanged[1].value, value);
    assert_eq!(code(&root, &exchanged), "tearline::foreign");
}

#[test]
fn a_dishonest_originator_cannot_make_one_document_two() {
    // A member that is a value and an object at once can only come from two wholes, so the tree refuses it before.
    let a = Whole::new(&json!({"a": 1}), &SECRET).unwrap();
    let b = Whole::new(&json!({"a": {"b": 1}}), &SECRET).unwrap();
    let both = [a.disclose(&pointers(&["/a"])).unwrap(), b.disclose(&pointers(&["/a/b"])).unwrap()].concat();
    assert_eq!(code(&a.root(), &both), "tearline::foreign");
}

#[test]
fn the_salts_are_long_and_all_different() {
    let (_, disclosed) = disclose(&[""]);
    let salts: std::collections::BTreeSet<_> = disclosed.iter().map(|one| &one.salt).collect();
    assert_eq!(salts.len(), disclosed.len());
    assert!(salts.iter().all(|salt| salt.len() == 32), "128 bits");
    let other = Whole::new(&whole(), &[8; 32]).unwrap().disclose(&pointers(&[""])).unwrap();
    assert!(other.iter().all(|one| !salts.contains(&one.salt)));
}

#[test]
fn whole_and_version_are_released_by_their_own_markings() {
    let (_, disclosed) = disclose(&["/title"]);
    let version =
        Tearline { whole: json!({}), disclosed, marking: Marking::new("RESTRICTED", &["USA"], "KOR") };
    let whole = common::Item::new(Marking::new("SECRET", &[], "KOR"));
    let usa = audience("USA", Level::Secret);
    assert!(decide(&version, &usa, &Held::new()).is_ok());
    assert!(decide(whole, &usa, &Held::new()).is_err());
    assert!(decide(&version, &audience("JPN", Level::Secret), &Held::new()).is_err());
}

/// The shape of a JSON text: everything but the digits of salts, places and hashes.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(text.len()),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(map) => map.iter().map(|(name, inner)| (name.clone(), shape(inner))).collect(),
        other => other.clone(),
    }
}

/// Any JSON of some depth.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<f64>().prop_map(|n| if n.is_finite() { json!(n) } else { json!(0) }),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(".{0,6}", inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

fn any_hidden() -> impl Strategy<Value = Value> {
    proptest::collection::btree_map("[a-z]{1,20}", any_json(), 0..12)
        .prop_map(|map| map.into_iter().collect::<Value>())
}

/// A whole that shows the same and hides `hidden`, also before the shown element of an array.
fn hiding(hidden: &Value, before: usize) -> Value {
    let mut items: Vec<Value> = (0..before).map(|n| json!({"hidden": n})).collect();
    items.push(json!({"id": "shown", "more": hidden}));
    json!({"title": "shown", "list": items, "zz": hidden, "aa": hidden, "mid": {"shown": 1, "rest": hidden}})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two wholes that differ only in what is hidden give versions of the same size and structure.
    #[test]
    fn the_hidden_fields_do_not_show(
        a in any_hidden(), b in any_hidden(), before_a in 0_usize..40, before_b in 0_usize..40,
        secret_a in any::<[u8; 32]>(), secret_b in any::<[u8; 32]>(),
    ) {
        let version = |hidden, before: usize, secret| {
            let whole = Whole::new(&hiding(hidden, before), secret).unwrap();
            let shown = pointers(&["/title", &format!("/list/{before}/id"), "/mid/shown"]);
            let disclosed = whole.disclose(&shown).unwrap();
            let read = verify_tearline(&whole.root(), &disclosed).unwrap();
            (json!({"root": whole.root(), "disclosed": disclosed}), read)
        };
        let (x, read_x) = version(&a, before_a, &secret_a);
        let (y, read_y) = version(&b, before_b, &secret_b);
        prop_assert_eq!(&read_x, &json!({"title": "shown", "list": [{"id": "shown"}], "mid": {"shown": 1}}));
        prop_assert_eq!(read_x, read_y);
        prop_assert_eq!(x.to_string().len(), y.to_string().len());
        prop_assert_eq!(shape(&x), shape(&y));
        // The places do not follow from the names: nothing but chance says which leaf is which.
        if secret_a != secret_b {
            prop_assert_ne!(x["root"].clone(), y["root"].clone());
        }
    }

    /// Whatever the document, all of it verifies and reads as it was, and any one byte of a version counts.
    #[test]
    fn a_version_verifies_until_a_byte_is_changed(
        document in any_hidden(), secret in any::<[u8; 32]>(), at in any::<proptest::sample::Index>(), flip in 1_u8..128,
    ) {
        let Ok(whole) = Whole::new(&document, &secret) else { return Ok(()) };
        let Ok(disclosed) = whole.disclose(&pointers(&[""])) else { return Ok(()) };
        let read = verify_tearline(&whole.root(), &disclosed).unwrap();
        prop_assert_eq!(
            serde_json_canonicalizer::to_string(&read).unwrap(),
            serde_json_canonicalizer::to_string(&document).unwrap()
        );
        let mut bytes = serde_json::to_vec(&disclosed).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(changed) = serde_json::from_slice::<Vec<Disclosed>>(&bytes)
            && changed != disclosed
        {
            let refused = verify_tearline(&whole.root(), &changed);
            prop_assert!(refused.is_err(), "{:?}", refused);
        }
    }

    /// A subset of the fields verifies; any other order of them, or one of them twice, does not.
    #[test]
    fn only_the_order_of_the_document_is_taken(
        secret in any::<[u8; 32]>(), keep in proptest::collection::vec(any::<bool>(), 13),
        a in any::<proptest::sample::Index>(), b in any::<proptest::sample::Index>(),
    ) {
        let whole = Whole::new(&whole(), &secret).unwrap();
        let all = whole.disclose(&pointers(&[""])).unwrap();
        let some: Vec<_> = all.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(one, _)| one.clone()).collect();
        if some.is_empty() { return Ok(()) }
        prop_assert!(verify_tearline(&whole.root(), &some).is_ok());
        let (a, b) = (a.index(some.len()), b.index(some.len()));
        let mut doubled = some.clone();
        doubled.insert(b, some[a].clone());
        prop_assert!(verify_tearline(&whole.root(), &doubled).is_err());
    }
}
