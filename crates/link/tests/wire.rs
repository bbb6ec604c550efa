//! The wire form: what leaves is what arrives, and nothing that arrives makes the receiver stumble.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod common;

use common::{Rng, batch, holding, ids, items_for_washington, note, outbound, over_the_wire, receive, seoul};
use link::{Item, LaneLog, ReceivedBatch, Refusal, Reply};
use proptest::collection::vec;
use proptest::prelude::*;
use record::Entry;
use serde_json::{Value, json};

fn five() -> Vec<Entry> {
    (0..5).map(|n| note(&format!("note {n}"))).collect()
}

#[test]
fn a_batch_arrives_as_it_left() {
    let entries = five();
    let mut half = outbound(LaneLog { ids: ids(&entries), acked: None });
    let mut items = items_for_washington(&entries[2..]);
    items[1] = Item::Withdrawn(entries[3].id());
    let sent = half.batch(2, items, &seoul()).unwrap();
    let arrived = over_the_wire(&sent);
    assert_eq!((arrived.from.as_str(), arrived.to.as_str(), arrived.start), ("seoul", "washington", 2));
    let envelope = |entry: &Entry| Some(entry.to_envelope());
    let expected = [
        (entries[2].id(), envelope(&entries[2]), false),
        (entries[3].id(), None, true),
        (entries[4].id(), envelope(&entries[4]), false),
    ];
    let got: Vec<_> = arrived.items.iter().map(|i| (i.id, i.envelope.clone(), i.withdrawn)).collect();
    assert_eq!(got, expected);
    assert_eq!(arrived.checkpoint, batch(&entries, 2).checkpoint);
    assert_eq!(serde_json::to_value(&arrived).unwrap(), serde_json::to_value(&sent).unwrap());
}

/// The form itself, so that a change of it does not pass unseen.
#[test]
fn the_form_of_a_batch() {
    let entries = five();
    let value = serde_json::to_value(batch(&entries[..1], 0)).unwrap();
    let expected = json!({
        "schema": "bongsu.link-batch/1",
        "from": "seoul",
        "to": "washington",
        "start": 0,
        "items": [{"id": entries[0].id().to_string(), "envelope": entries[0].to_envelope()}],
        "checkpoint": batch(&entries[..1], 0).checkpoint,
    });
    assert_eq!(value, expected);
}

#[test]
fn the_form_of_an_answer() {
    let ack = Reply::Ack { checkpoint: "note".to_owned() };
    let expected = json!({"schema": "bongsu.link-ack/1", "checkpoint": "note"});
    assert_eq!(serde_json::to_value(ack).unwrap(), expected);
    let refused = Reply::Refused { refusal: Refusal::Gap { start: 5, size: 3 }, size: 3 };
    let expected = json!({
        "schema": "bongsu.link-refusal/1",
        "refusal": {"code": "gap", "start": 5, "size": 3},
        "size": 3,
    });
    assert_eq!(serde_json::to_value(refused).unwrap(), expected);
}

#[test]
fn unknown_fields_are_refused() {
    let good = serde_json::to_value(batch(&five(), 0)).unwrap();
    let reads = |value: &Value| serde_json::from_value::<ReceivedBatch>(value.clone()).is_ok();
    assert!(reads(&good));
    let mut bad = good.clone();
    bad["urgent"] = json!(true);
    assert!(!reads(&bad));
    let mut bad = good;
    bad["items"][0]["urgent"] = json!(true);
    assert!(!reads(&bad));
}

fn any_refusal() -> impl Strategy<Value = Refusal> {
    let text = || ".{0,40}";
    let node = || node_name().prop_map(|name| name.parse().unwrap());
    prop_oneof![
        Just(Refusal::UnknownPeer),
        node().prop_map(|claimed| Refusal::WrongSender { claimed }),
        node().prop_map(|meant| Refusal::WrongRecipient { meant }),
        text().prop_map(|reason| Refusal::Malformed { reason }),
        any::<u64>().prop_map(|limit| Refusal::TooLarge { limit }),
        any::<(u64, u64)>().prop_map(|(start, size)| Refusal::Gap { start, size }),
        text().prop_map(|reason| Refusal::Replay { reason }),
        any::<u64>().prop_map(|place| Refusal::Fork { place }),
        text().prop_map(|reason| Refusal::BadCheckpoint { reason }),
        (any::<u64>(), text()).prop_map(|(place, reason)| Refusal::BadEntry { place, reason }),
        (any::<u64>(), text()).prop_map(|(place, author)| Refusal::OtherAuthor { place, author }),
        text().prop_map(|reason| Refusal::CannotStore { reason }),
    ]
}

fn node_name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,10}"
}

/// Any JSON, with the words of the link strewn in.
fn any_json() -> impl Strategy<Value = Value> {
    let words = proptest::sample::select(vec![
        "schema",
        "from",
        "to",
        "start",
        "items",
        "checkpoint",
        "id",
        "envelope",
        "withdrawn",
        "refusal",
        "code",
        "size",
        "gap",
        "bongsu.link-batch/1",
        "bongsu.link-ack/1",
        "bongsu.link-refusal/1",
        "seoul",
        "washington",
    ]);
    let word = prop_oneof![words.prop_map(str::to_owned), ".{0,10}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((word.clone(), inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// All places in a document that can be replaced.
fn places(value: &Value, path: &str, all: &mut Vec<String>) {
    all.push(path.to_owned());
    match value {
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(n, inner)| places(inner, &format!("{path}/{n}"), all));
        }
        Value::Object(map) => {
            map.iter().for_each(|(name, inner)| places(inner, &format!("{path}/{name}"), all))
        }
        _ => {}
    }
}

/// Whatever was done to the honest batch of [`five`] from place 2 on: it is refused, or it is the same still.
fn refused_or_the_same(text: &[u8]) -> Option<Refusal> {
    let received: ReceivedBatch = serde_json::from_slice(text).ok()?;
    let entries = five();
    let acceptance = match receive(&holding(&entries[..2]), &received) {
        Ok(acceptance) => acceptance,
        Err(refusal) => return Some(refusal),
    };
    let rows: Vec<_> = acceptance.batch.lane_rows.iter().map(|row| row.id).collect();
    // A shorter batch can only come with a checkpoint that Seoul signed over it.
    assert_eq!(rows, ids(&entries[2..]));
    for incoming in &acceptance.batch.entries {
        assert!(entries[2..].contains(&incoming.entry), "an entry that Seoul did not write");
    }
    None
}

proptest! {
    #[test]
    fn an_answer_arrives_as_it_left(refusal in any_refusal(), size in any::<u64>(), checkpoint in ".{0,60}") {
        for reply in [Reply::Refused { refusal, size }, Reply::Ack { checkpoint }] {
            let text = serde_json::to_string(&reply).unwrap();
            prop_assert_eq!(serde_json::from_str::<Reply>(&text).unwrap(), reply);
        }
    }

    #[test]
    fn the_code_of_a_refusal_is_that_on_the_wire(refusal in any_refusal()) {
        let value = serde_json::to_value(&refusal).unwrap();
        prop_assert_eq!(value["code"].as_str(), Some(refusal.code()));
    }

    #[test]
    fn random_json_never_panics(value in any_json()) {
        let _ = serde_json::from_value::<Reply>(value.clone());
        let _ = serde_json::from_value::<ReceivedBatch>(value);
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = serde_json::from_slice::<Reply>(&bytes);
        let _ = serde_json::from_slice::<ReceivedBatch>(&bytes);
    }

    /// One value anywhere in an honest batch replaced by any other.
    #[test]
    fn a_batch_with_one_value_replaced(other in any_json(), at in any::<proptest::sample::Index>()) {
        let mut value = serde_json::to_value(batch(&five(), 2)).unwrap();
        let mut all = Vec::new();
        places(&value, "", &mut all);
        *value.pointer_mut(&all[at.index(all.len())]).unwrap() = other;
        refused_or_the_same(&serde_json::to_vec(&value).unwrap());
    }
}

/// Single flipped bits over the whole text, each refused or without effect.
#[test]
fn a_batch_with_one_bit_flipped() {
    let text = serde_json::to_vec(&batch(&five(), 2)).unwrap();
    let mut rng = Rng(5);
    let mut codes = std::collections::BTreeMap::<_, usize>::new();
    for _ in 0..3000 {
        let mut flipped = text.clone();
        flipped[rng.below(text.len())] ^= 1 << rng.below(8);
        if let Some(refusal) = refused_or_the_same(&flipped) {
            *codes.entry(refusal.code()).or_default() += 1;
        }
    }
    // Most flips hit an entry, some the checkpoint; were these never refused, the test would not be looking.
    assert!(codes["bad_entry"] > 1000 && codes["bad_checkpoint"] > 100, "{codes:?}");
}
