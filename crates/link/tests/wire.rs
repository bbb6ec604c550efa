//! The wire form: what leaves is what arrives, and nothing that arrives makes the receiver stumble.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod common;

use common::{
    LaneLog, Rng, batch, holding, ids, inbound, item, items_for_washington, note, outbound, over_the_wire,
    receive, seoul, with_head,
};
use link::{Item, ReceivedBatch, ReceivedItem, Refusal, Reply};
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
    let expected = [item(&entries[2]), ReceivedItem::Withdrawn(entries[3].id()), item(&entries[4])];
    assert_eq!(arrived.items, expected);
    assert_eq!(arrived.head, batch(&entries, 2).head);
    assert_eq!(arrived.to_bytes().unwrap(), sent.to_bytes().unwrap());
}

/// The form itself, so that a change of it does not pass unseen.
#[test]
fn the_form_of_a_batch() {
    let entries = five();
    let mut expected = b"bongsu.link-batch/2\n".to_vec();
    let note = batch(&entries[..2], 0).head.checkpoint;
    let head = format!(
        "{{\"from\":\"seoul\",\"to\":\"washington\",\"precedence\":\"routine\",\"domain\":\"live\",\"start\":0,\
         \"count\":2,\"made\":\"2026-03-10T12:00:00Z\",\"checkpoint\":{}}}",
        serde_json::to_string(&note).unwrap()
    );
    expected.extend((head.len() as u32).to_be_bytes());
    expected.extend(head.as_bytes());
    expected.extend((entries[0].payload().len() as u32).to_be_bytes());
    expected.extend(entries[0].payload());
    expected.extend(entries[0].key().to_bytes());
    expected.extend(entries[0].signature());
    expected.extend([0; 4]);
    expected.extend(entries[1].id().as_bytes());
    let mut two = batch(&entries[..2], 0);
    two.items[1] = ReceivedItem::Withdrawn(entries[1].id());
    assert_eq!(two.to_bytes().unwrap(), expected);
    assert_eq!(ReceivedBatch::read(&expected).unwrap(), two);
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
fn what_is_not_exactly_the_form_is_refused() {
    let good = batch(&five(), 0).to_bytes().unwrap();
    let code = |bytes: &[u8]| ReceivedBatch::read(bytes).unwrap_err().code();
    for end in 0..good.len() {
        assert_eq!(code(&good[..end]), "malformed", "cut at {end}");
    }
    let mut longer = good.clone();
    longer.push(0);
    assert_eq!(code(&longer), "malformed");
    let urgent = String::from_utf8_lossy(&good[24..]).find("\"start\"").unwrap() + 24;
    let mut field = good.clone();
    field.splice(urgent..urgent, *b"\"urgent\":1,");
    let length = u32::from_be_bytes(good[20..24].try_into().unwrap()) + 11;
    field[20..24].copy_from_slice(&length.to_be_bytes());
    assert_eq!(code(&field), "malformed");
}

/// A head that promises what does not follow costs nothing: no length is believed before the bytes are there.
#[test]
fn lengths_that_lie() {
    let good = batch(&five(), 0);
    let bytes = good.to_bytes().unwrap();
    let mut head = bytes.clone();
    head[20..24].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(ReceivedBatch::read(&head).unwrap_err(), Refusal::TooLarge { limit: 16 << 10 });
    let many = with_head(good.clone(), |head| head.count = u32::MAX).to_bytes().unwrap();
    assert_eq!(ReceivedBatch::read(&many).unwrap_err(), Refusal::TooLarge { limit: 512 });
    let mut item = with_head(good, |head| head.count = 1);
    item.items.clear();
    let mut large = item.to_bytes().unwrap();
    large.extend(u32::MAX.to_be_bytes());
    assert_eq!(ReceivedBatch::read(&large).unwrap_err(), Refusal::TooLarge { limit: 1 << 20 });
    let too_long = vec![b'x'; link::MAX_BATCH_BYTES + 1];
    assert_eq!(ReceivedBatch::read(&too_long).unwrap_err(), Refusal::TooLarge { limit: 8 << 20 });
}

/// A payload may nest as deep as it likes: reading stops long before the stack does.
#[test]
fn deep_json_is_no_entry() {
    let deep = "[".repeat(200_000);
    let mut bad = batch(&five(), 0);
    let ReceivedItem::Entry { payload, .. } = &mut bad.items[0] else { panic!() };
    *payload = deep.clone().into_bytes();
    let read = ReceivedBatch::read(&bad.to_bytes().unwrap()).unwrap();
    assert_eq!(receive(&inbound(LaneLog::default()), &read).unwrap_err().code(), "bad_entry");
    // Signed by the peer itself it is none either.
    assert!(serde_json::from_str::<Value>(&deep).is_err());
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
        (text(), any::<bool>()).prop_map(|(reason, made_anew)| Refusal::Replay { reason, made_anew }),
        any::<u64>().prop_map(|place| Refusal::Fork { place }),
        text().prop_map(|reason| Refusal::BadCheckpoint { reason }),
        (any::<u64>(), text()).prop_map(|(place, reason)| Refusal::BadEntry { place, reason }),
        (any::<u64>(), text()).prop_map(|(place, author)| Refusal::OtherAuthor { place, author }),
        Just(Refusal::OtherDomain { found: record::Domain::Exercise }),
        any::<i64>().prop_map(|seconds| Refusal::ClockOff { seconds }),
        text().prop_map(|what| Refusal::OverShare { what }),
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

/// Whatever was done to the honest batch of [`five`] from place 2 on: it is refused, or it is the same still.
fn refused_or_the_same(text: &[u8]) -> Option<Refusal> {
    let received = match ReceivedBatch::read(text) {
        Ok(received) => received,
        Err(refusal) => return Some(refusal),
    };
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
        let _ = serde_json::from_value::<link::BatchHead>(value);
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = serde_json::from_slice::<Reply>(&bytes);
        let _ = ReceivedBatch::read(&bytes);
        let _ = ReceivedBatch::read(&[link::BATCH_MAGIC, &bytes].concat());
    }

    /// A piece anywhere in an honest batch replaced by any other.
    #[test]
    fn a_batch_with_a_piece_replaced(other in vec(any::<u8>(), 0..40), at in any::<proptest::sample::Index>(), length in 0_usize..40) {
        let mut bytes = batch(&five(), 2).to_bytes().unwrap();
        let start = at.index(bytes.len());
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, other);
        refused_or_the_same(&bytes);
    }
}

/// Single flipped bits over the whole text, each refused or without effect.
#[test]
fn a_batch_with_one_bit_flipped() {
    let text = batch(&five(), 2).to_bytes().unwrap();
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
