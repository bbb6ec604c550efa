//! What Washington does not take: one question a test, each asked with real keys, entries and checkpoints.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod common;

use base::{EntryId, Precedence};
use common::{
    In, LaneLog, batch, checkpoint, decide, holding, id_of, ids, inbound, item, items_for_washington, key,
    name, note, note_of, now, outbound, recall, recall_again, receive, released, seoul, tokyo, verified,
    washington, with_head,
};
use link::{BatchError, Item, MAX_BATCH_ITEMS, ReceivedBatch, ReceivedItem, Refusal, Reply};
use record::{Checkpoint, Entry, MerkleLog, NodeKey, lane_origin};

fn five() -> Vec<Entry> {
    (0..5).map(|n| note(&format!("note {n}"))).collect()
}

/// Washington holds the first two of [`five`]; the batch brings the others.
fn at_two() -> (In, Vec<Entry>, ReceivedBatch) {
    let entries = five();
    (holding(&entries[..2]), entries.clone(), batch(&entries, 2))
}

/// The refusal of `bad`; afterwards all stands as before and the honest batch is still taken.
fn refusal(inbound: &In, bad: &ReceivedBatch) -> Refusal {
    let before = (inbound.size(), inbound.acked().cloned());
    let refusal = receive(inbound, bad).unwrap_err();
    assert_eq!((inbound.size(), inbound.acked().cloned()), before);
    let honest = receive(inbound, &batch(&five(), 2)).unwrap();
    assert_eq!((honest.new_items, honest.batch.entries.len(), honest.batch.lane_rows.len()), (3, 3, 3));
    refusal
}

fn reason(refusal: Refusal) -> (&'static str, String) {
    let code = refusal.code();
    match refusal {
        Refusal::BadCheckpoint { reason }
        | Refusal::BadEntry { reason, .. }
        | Refusal::Replay { reason, .. } => (code, reason),
        other => (code, other.to_string()),
    }
}

/// The batch with other items from place 2 on, under a checkpoint that Seoul signed over just these.
fn with_items(entries: &[Entry], items: Vec<ReceivedItem>) -> ReceivedBatch {
    let all: Vec<EntryId> = ids(&entries[..2]).into_iter().chain(items.iter().map(id_of)).collect();
    let mut batch = batch(&entries[..2], 2);
    batch.head.checkpoint = checkpoint(&all, &seoul()).note().to_owned();
    batch.head.count = items.len() as u32;
    batch.items = items;
    batch
}

#[test]
fn an_honest_batch_is_taken() {
    let (mut inbound, entries, good) = at_two();
    let acceptance = receive(&inbound, &good).unwrap();
    assert_eq!(inbound.size(), 2, "nothing changes until it is stored");
    inbound.stored(&acceptance);
    assert_eq!(inbound.size(), 5);
    let stored: Vec<_> = acceptance.batch.entries.iter().map(|incoming| incoming.entry.clone()).collect();
    assert_eq!(stored, entries[2..]);
    let Reply::Ack { checkpoint } = acceptance.reply else { panic!("refused") };
    let receipt = Checkpoint::parse(&checkpoint).unwrap();
    assert_eq!((receipt.size(), receipt.root()), (5, MerkleLog::from_ids(&ids(&entries)).root()));
    receipt.check_cosigned(&name("washington"), &washington().public()).unwrap();
    assert_eq!(inbound.acked(), Some(&receipt));
}

#[test]
fn a_forged_peer() {
    let (inbound, _, good) = at_two();
    let bad = with_head(good, |head| head.from = name("tokyo"));
    assert_eq!(refusal(&inbound, &bad), Refusal::WrongSender { claimed: name("tokyo") });
}

#[test]
fn a_batch_for_another_node() {
    let (inbound, _, good) = at_two();
    let bad = with_head(good, |head| head.to = name("tokyo"));
    assert_eq!(refusal(&inbound, &bad), Refusal::WrongRecipient { meant: name("tokyo") });
}

#[test]
fn too_many_items() {
    let (inbound, entries, _) = at_two();
    let many = |count: usize| {
        let withdrawn = |n: usize| {
            let mut bytes = [9; 32];
            bytes[..8].copy_from_slice(&n.to_le_bytes());
            ReceivedItem::Withdrawn(EntryId::from_bytes(bytes))
        };
        with_items(&entries, (0..count).map(withdrawn).collect())
    };
    assert_eq!(receive(&inbound, &many(MAX_BATCH_ITEMS)).unwrap().new_items, 512);
    let bytes = many(MAX_BATCH_ITEMS + 1).to_bytes().unwrap();
    assert_eq!(ReceivedBatch::read(&bytes).unwrap_err(), Refusal::TooLarge { limit: 512 });
}

fn with_checkpoint(checkpoint: &Checkpoint) -> (&'static str, String) {
    let (inbound, _, good) = at_two();
    reason(refusal(&inbound, &with_head(good, |head| head.checkpoint = checkpoint.note().to_owned())))
}

#[test]
fn a_checkpoint_that_is_none() {
    let (inbound, _, good) = at_two();
    let cut = good.head.checkpoint[..good.head.checkpoint.len() - 1].to_owned();
    for note in [String::new(), "seoul".to_owned(), good.head.checkpoint.replace('\n', "\r\n"), cut] {
        let bad = with_head(good.clone(), |head| head.checkpoint = note);
        let expected = "not a signed note of a checkpoint (C2SP tlog-checkpoint)".to_owned();
        assert_eq!(reason(refusal(&inbound, &bad)), ("bad_checkpoint", expected));
    }
}

#[test]
fn a_checkpoint_signed_by_another_key() {
    for forger in [tokyo(), washington(), key("seoul", 99)] {
        let (code, why) = with_checkpoint(&checkpoint(&ids(&five()), &forger));
        assert_eq!(
            (code, why.as_str()),
            ("bad_checkpoint", "no valid signature of `seoul` on it"),
            "{forger:?}"
        );
    }
}

#[test]
fn a_checkpoint_whose_signature_is_spoilt() {
    let (inbound, _, good) = at_two();
    let other = checkpoint(&ids(&five()[..4]), &seoul());
    // Seoul's true signature, under another text.
    let (text, _) = good.head.checkpoint.split_once("\n\n").unwrap();
    let (_, signature) = other.note().split_once("\n\n").unwrap();
    let spoilt = format!("{text}\n\n{signature}");
    let bad = with_head(good, |head| head.checkpoint = spoilt);
    assert_eq!(
        reason(refusal(&inbound, &bad)),
        ("bad_checkpoint", "no valid signature of `seoul` on it".to_owned())
    );
}

#[test]
fn a_checkpoint_of_another_log() {
    let log = MerkleLog::from_ids(&ids(&five()));
    for origin in [
        lane_origin(&name("seoul"), &name("tokyo"), Precedence::Routine),
        lane_origin(&name("washington"), &name("seoul"), Precedence::Routine),
        record::home_origin(&name("seoul")),
    ] {
        let (code, why) = with_checkpoint(&Checkpoint::sign(&origin, 5, log.root(), &seoul()).unwrap());
        let expected =
            format!("it is a checkpoint of `{origin}`, expected `bongsu/seoul/to/washington/routine`");
        assert_eq!((code, why), ("bad_checkpoint", expected));
    }
}

#[test]
fn a_checkpoint_over_another_size() {
    for size in [0, 2, 4] {
        let (code, why) = with_checkpoint(&checkpoint(&ids(&five()[..size]), &seoul()));
        let expected = format!("it is over {size} items, the batch ends at 5");
        assert_eq!((code, why), ("bad_checkpoint", expected));
    }
}

#[test]
fn a_checkpoint_with_another_root() {
    let mut other = ids(&five());
    other.swap(3, 4);
    let (code, why) = with_checkpoint(&checkpoint(&other, &seoul()));
    assert_eq!(code, "bad_checkpoint");
    assert!(why.starts_with("size 5 has root "), "{why}");
}

/// The items are new and consecutive, but the tree under them is not the one that was shown before.
#[test]
fn a_history_rewritten_before_the_batch() {
    let mut other = ids(&five());
    other[0] = note("another history").id();
    let (code, why) = with_checkpoint(&checkpoint(&other, &seoul()));
    assert_eq!(code, "bad_checkpoint");
    assert!(why.starts_with("size 5 has root "), "{why}");
}

/// A heartbeat brings no items, only a checkpoint; one of another tree is the proof of two faces.
#[test]
fn a_heartbeat_with_another_root() {
    let (inbound, entries, _) = at_two();
    let honest = receive(&inbound, &batch(&entries[..2], 2)).unwrap();
    assert_eq!(honest.reply, Reply::Ack { checkpoint: inbound.acked().unwrap().note().to_owned() });
    let other = [entries[0].id(), note("another history").id()];
    for start in [0, 2] {
        let bad = with_head(batch(&entries[..2], start), |head| {
            head.checkpoint = checkpoint(&other, &seoul()).note().to_owned();
        });
        let (code, why) = reason(refusal(&inbound, &bad));
        assert_eq!(code, "bad_checkpoint", "{start}");
        assert!(why.starts_with("size 2 has root "), "{why}");
    }
}

#[test]
fn a_gap() {
    let (inbound, entries, _) = at_two();
    assert_eq!(refusal(&inbound, &batch(&entries, 3)), Refusal::Gap { start: 3, size: 2 });
    assert_eq!(refusal(&inbound, &batch(&entries, 5)), Refusal::Gap { start: 5, size: 2 });
}

#[test]
fn a_batch_at_the_end_of_all_numbers() {
    let (inbound, entries, good) = at_two();
    let origin = lane_origin(&name("seoul"), &name("washington"), Precedence::Routine);
    for start in [u64::MAX, u64::MAX - 3] {
        let checkpoint = Checkpoint::sign(&origin, start, [1; 32], &seoul());
        let checkpoint = checkpoint.map_or_else(|_| good.head.checkpoint.clone(), |c| c.note().to_owned());
        let bad = with_head(batch(&entries, 2), |head| (head.start, head.checkpoint) = (start, checkpoint));
        assert!(["gap", "bad_checkpoint"].contains(&refusal(&inbound, &bad).code()));
    }
}

#[test]
fn an_older_batch_again() {
    let (mut inbound, entries, good) = at_two();
    let acceptance = receive(&inbound, &good).unwrap();
    inbound.stored(&acceptance);
    for (end, start) in [(2, 0), (4, 2), (4, 4), (0, 0)] {
        let old = receive(&inbound, &batch(&entries[..end], start)).unwrap_err();
        let expected = format!("it ends at {end}, this node stands at 5");
        assert_eq!(reason(old), ("replay", expected));
    }
    assert_eq!(inbound.size(), 5);
}

/// The newest batch again is what a sender does whose receipt was lost.
#[test]
fn the_newest_batch_again_is_answered_again() {
    let (mut inbound, entries, good) = at_two();
    let acceptance = receive(&inbound, &good).unwrap();
    inbound.stored(&acceptance);
    for start in [0, 2, 4, 5] {
        let again = receive(&inbound, &batch(&entries, start)).unwrap();
        assert_eq!((again.new_items, again.batch.is_empty()), (0, true), "{start}");
        assert_eq!(again.reply, acceptance.reply);
        inbound.stored(&again);
        assert_eq!(inbound.size(), 5);
    }
}

#[test]
fn an_entry_that_stands_at_another_place_already() {
    let (inbound, entries, _) = at_two();
    let bad = with_items(&entries, vec![item(&entries[2]), item(&entries[1])]);
    let expected = format!("entry {} stands at place 1 of the lane routine already", entries[1].id());
    assert_eq!(reason(refusal(&inbound, &bad)), ("replay", expected));
}

#[test]
fn an_entry_twice_in_one_batch() {
    let (inbound, entries, _) = at_two();
    let withdrawn = ReceivedItem::Withdrawn(entries[2].id());
    for again in [item(&entries[2]), withdrawn] {
        let bad = with_items(&entries, vec![item(&entries[2]), item(&entries[3]), again]);
        let expected = format!("entry {} stands twice in the batch", entries[2].id());
        assert_eq!(reason(refusal(&inbound, &bad)), ("replay", expected));
    }
}

#[test]
fn a_fork() {
    let (inbound, entries, _) = at_two();
    let mut other = entries.clone();
    other[1] = note("another history");
    assert_eq!(refusal(&inbound, &batch(&other, 0)), Refusal::Fork { place: 1 });
    assert_eq!(refusal(&inbound, &batch(&other, 1)), Refusal::Fork { place: 1 });
    let mut swapped = entries;
    swapped.swap(0, 1);
    assert_eq!(refusal(&inbound, &batch(&swapped, 0)), Refusal::Fork { place: 0 });
    assert_eq!(refusal(&inbound, &batch(&swapped[..1], 0)), Refusal::Fork { place: 0 });
}

/// The refusal when the second new item is `bad`.
fn with_item(bad: ReceivedItem) -> Refusal {
    let (inbound, entries, _) = at_two();
    refusal(&inbound, &with_items(&entries, vec![item(&entries[2]), bad, item(&entries[4])]))
}

fn bad_entry(bad: ReceivedItem) -> String {
    match with_item(bad) {
        Refusal::BadEntry { place: 3, reason } => reason,
        other => panic!("{other:?}"),
    }
}

/// So many that they are checked with what is made ready once for all.
#[test]
fn one_broken_signature_among_many_is_named() {
    let entries: Vec<_> = (0..130).map(|n| note(&format!("note {n}"))).collect();
    let good = batch(&entries, 0);
    assert_eq!(receive(&inbound(LaneLog::default()), &good).unwrap().new_items, 130);
    for place in [0, 23, 129] {
        for byte in [0, 31, 32, 63] {
            let mut bad = good.clone();
            let ReceivedItem::Entry { signature, .. } = &mut bad.items[place] else { panic!() };
            signature[byte] ^= 1;
            let refused =
                Refusal::BadEntry { place: place as u64, reason: "the signature does not hold".to_owned() };
            assert_eq!(verified(&bad, now()).unwrap_err(), refused);
        }
    }
}

#[test]
fn an_entry_with_a_broken_signature() {
    let mut bad = item(&note("note 3"));
    let ReceivedItem::Entry { signature, .. } = &mut bad else { panic!() };
    *signature = *note("other").signature();
    assert_eq!(bad_entry(bad), "the signature does not hold");
}

#[test]
fn an_entry_whose_content_was_changed() {
    // Seoul's signature over its note, another payload above it.
    let mut bad = item(&note("note 3"));
    let ReceivedItem::Entry { payload, .. } = &mut bad else { panic!() };
    *payload = note("other").payload().to_vec();
    assert_eq!(bad_entry(bad), "the signature does not hold");
}

#[test]
fn a_key_that_is_none() {
    let mut bad = item(&note("note 3"));
    let ReceivedItem::Entry { key, .. } = &mut bad else { panic!() };
    *key = [0; 32];
    assert_eq!(bad_entry(bad), "the 32 bytes are no usable Ed25519 public key");
}

/// An entry of an exercise is signed for another payload type: offered as live it is refused, and the other way.
#[test]
fn an_exercise_never_enters_the_live_log() {
    let heading = record::Heading { domain: record::Domain::Exercise, precedence: None };
    let noun = common::Note { text: "EXERCISE".to_owned(), marking: common::to_usa() };
    let (now, mut rng) = (common::now(), common::Rng(5));
    let played = Entry::sign_as(&noun, heading, &common::country("KOR"), &seoul(), now, &mut rng).unwrap();
    let other = Refusal::OtherDomain { found: record::Domain::Exercise };
    assert_eq!(with_item(item(&played)), other);
    // A batch that says so itself is refused whole.
    let (inbound, _, good) = at_two();
    let bad = with_head(good, |head| head.domain = record::Domain::Exercise);
    assert_eq!(refusal(&inbound, &bad), other);
    // What was played cannot be put under the live payload type: the signature does not hold there.
    let mut envelope = played.to_envelope();
    envelope["payloadType"] = serde_json::json!(record::PAYLOAD_TYPE);
    assert!(Entry::from_envelope(&envelope).is_err());
    let live = String::from_utf8(played.payload().to_vec()).unwrap().replace("exercise-entry", "entry");
    assert!(Entry::from_parts(live.into_bytes(), played.key(), *played.signature()).is_err());
    // The other way: a node that plays takes nothing live, and its own sending half neither.
    let (me, peer) = (name("washington"), common::identity(&seoul(), "KOR"));
    let expected = link::Expected {
        me: &me,
        domain: record::Domain::Exercise,
        peer: &peer,
        lane: None,
        now: None,
        author: &|_| None,
    };
    let live = link::verify(batch(&five(), 0), &expected, common::pool()).unwrap_err();
    assert_eq!(live, Refusal::OtherDomain { found: record::Domain::Live });
    let mut half = outbound(LaneLog::default());
    let (id, found) = (played.id(), record::Domain::Exercise);
    let refused = BatchError::OtherDomain { id, found, expected: record::Domain::Live };
    assert_eq!(half.append(&released(&played, "washington")), Err(refused));
}

/// A clock that is an hour off would make nonsense of every expiry: people must look at it.
#[test]
fn a_clock_an_hour_off() {
    let (inbound, _, good) = at_two();
    for seconds in [3600, -3600] {
        let made = common::now().plus_nanos(seconds * 1_000_000_000);
        let bad = with_head(good.clone(), |head| head.made = made);
        assert_eq!(refusal(&inbound, &bad), Refusal::ClockOff { seconds });
    }
    let near = with_head(good, |head| head.made = common::now().plus_nanos(60_000_000_000));
    assert_eq!(receive(&inbound, &near).unwrap().new_items, 3);
}

fn other_author(key: &NodeKey, of: &str) -> Refusal {
    with_item(item(&note_of(key, of, "in another's name")))
}

fn in_the_name_of(author: &str) -> Refusal {
    Refusal::OtherAuthor { place: 3, author: author.to_owned() }
}

#[test]
fn an_entry_of_a_third_node() {
    assert_eq!(other_author(&tokyo(), "JPN"), in_the_name_of("tokyo"));
}

#[test]
fn an_entry_of_the_receiver_itself() {
    assert_eq!(other_author(&washington(), "USA"), in_the_name_of("washington"));
}

#[test]
fn the_right_name_with_another_key() {
    assert_eq!(other_author(&key("seoul", 99), "KOR"), in_the_name_of("seoul"));
}

#[test]
fn the_right_key_with_another_name() {
    let key = NodeKey::from_secret(name("tokyo"), &seoul().secret());
    assert_eq!(other_author(&key, "KOR"), in_the_name_of("tokyo"));
}

#[test]
fn the_right_key_with_another_country() {
    assert_eq!(other_author(&seoul(), "JPN"), in_the_name_of("seoul"));
}

/// The purges of a batch that brings `items` from place 2 on, to a record that holds `held`.
fn purges(items: Vec<ReceivedItem>, held: &[&Entry]) -> Vec<(EntryId, EntryId)> {
    let (mut inbound, entries, _) = at_two();
    inbound.held = held.iter().map(|entry| (*entry).clone()).collect();
    let acceptance = receive(&inbound, &with_items(&entries, items)).unwrap();
    acceptance.batch.purge.iter().map(|purge| (purge.target, purge.recall)).collect()
}

/// A recall in a more urgent lane may come before what it recalls: that is never stored.
#[test]
fn what_was_recalled_before_it_came_is_not_stored() {
    let (mut inbound, entries, good) = at_two();
    inbound.held.push(recall(entries[3].id()));
    let acceptance = receive(&inbound, &good).unwrap();
    assert_eq!((acceptance.new_items, acceptance.batch.lane_rows.len()), (3, 3));
    let stored: Vec<_> = acceptance.batch.entries.iter().map(|incoming| incoming.entry.id()).collect();
    assert_eq!(stored, [entries[2].id(), entries[4].id()]);
    assert_eq!(acceptance.batch.purge, []);
    // The recall of another does not count.
    let (mut inbound, entries, good) = at_two();
    let noun = base::Recall { target: entries[3].id(), reason: String::new(), marking: common::to_usa() };
    let (now, mut rng) = (common::now(), common::Rng(6));
    inbound.held.push(Entry::sign(&noun, &common::country("JPN"), &tokyo(), now, &mut rng).unwrap());
    assert_eq!(receive(&inbound, &good).unwrap().batch.entries.len(), 3);
}

fn grant(target: EntryId, to: &str, granted: bool, hours: i64) -> Entry {
    let noun = link::Grant {
        target,
        audience: name(to),
        audience_country: common::country("USA"),
        granted,
        request: None,
        expires: common::now().plus_nanos(hours * 3_600_000_000_000),
        marking: common::to_usa(),
    };
    Entry::sign(&noun, &common::country("JPN"), &tokyo(), common::now(), &mut common::Rng(8)).unwrap()
}

/// Tokyo's item comes over Seoul only with Tokyo's own grant for Washington, bound to the item and to a time.
#[test]
fn a_relayed_item_needs_its_authors_grant() {
    let relayed = note_of(&tokyo(), "JPN", "tokyo's");
    let (inbound, entries, _) = at_two();
    let take = |items: &[&Entry]| {
        let items = items.iter().map(|entry| item(entry)).collect();
        receive(&inbound, &with_items(&entries, items)).map(|taken| taken.new_items)
    };
    let other = |place| Err(Refusal::OtherAuthor { place, author: "tokyo".to_owned() });
    let good = grant(relayed.id(), "washington", true, 1);
    assert_eq!(take(&[&good, &relayed]), Ok(2));
    assert_eq!(take(&[&relayed]), other(2));
    assert_eq!(take(&[&grant(entries[0].id(), "washington", true, 1), &relayed]), other(3));
    assert_eq!(take(&[&grant(relayed.id(), "washington", false, 1), &relayed]), other(3));
    assert_eq!(take(&[&grant(relayed.id(), "washington", true, -1), &relayed]), other(3));
    assert_eq!(take(&[&grant(relayed.id(), "busan", true, 1), &relayed]), other(2));
    // Held from before, it counts as well.
    let mut inbound = holding(&entries[..2]);
    inbound.held.push(good);
    assert!(receive(&inbound, &with_items(&entries, vec![item(&relayed)])).is_ok());
    // Somebody whom nobody here knows cannot be relayed at all.
    let busan = note_of(&key("busan", 9), "KOR", "busan's");
    let unknown = receive(&inbound, &with_items(&entries, vec![item(&busan)])).unwrap_err();
    assert_eq!(unknown, Refusal::OtherAuthor { place: 2, author: "busan".to_owned() });
}

fn withdrawn(entry: &Entry) -> ReceivedItem {
    ReceivedItem::Withdrawn(entry.id())
}

#[test]
fn a_recall_purges_what_this_peer_sent() {
    let entries = five();
    let earlier = recall(entries[1].id());
    assert_eq!(purges(vec![item(&earlier)], &[&entries[1]]), [(entries[1].id(), earlier.id())]);
    let beside = recall(entries[2].id());
    assert_eq!(purges(vec![item(&entries[2]), item(&beside)], &[]), [(entries[2].id(), beside.id())]);
}

#[test]
fn a_recall_of_what_is_gone_already_purges_nothing() {
    assert_eq!(purges(vec![item(&recall(five()[1].id()))], &[]), []);
}

#[test]
fn two_recalls_of_one_entry_purge_it_once() {
    let target = five()[1].clone();
    let (first, second) = (recall(target.id()), recall_again(target.id()));
    assert_eq!(purges(vec![item(&first), item(&second)], &[&target]), [(target.id(), first.id())]);
}

#[test]
fn a_recall_of_what_was_withdrawn_purges_nothing() {
    let never_came = note("recalled before it was sent");
    assert_eq!(purges(vec![withdrawn(&never_came), item(&recall(never_came.id()))], &[]), []);
}

#[test]
fn a_recall_purges_nothing_that_another_sent() {
    let foreign = note_of(&tokyo(), "JPN", "tokyo's");
    assert_eq!(purges(vec![item(&recall(foreign.id()))], &[&foreign]), []);
}

/// A peer may name any id as withdrawn, also one that this node holds from elsewhere, and recall it later.
#[test]
fn a_recall_purges_nothing_through_a_place_without_content() {
    for foreign in [note_of(&washington(), "USA", "washington's"), note_of(&tokyo(), "JPN", "tokyo's")] {
        let (mut inbound, entries, _) = at_two();
        let first = receive(&inbound, &with_items(&entries, vec![withdrawn(&foreign)])).unwrap();
        assert_eq!((first.new_items, first.batch.entries.len(), first.batch.lane_rows.len()), (1, 0, 1));
        inbound.stored(&first);
        let items = vec![withdrawn(&foreign), item(&recall(foreign.id()))];
        inbound.held.push(foreign);
        let second = receive(&inbound, &with_items(&entries, items)).unwrap();
        assert_eq!((second.new_items, second.batch.purge), (1, Vec::new()));
    }
}

/// The recall must stay: it is the proof that its target was rightly purged.
#[test]
fn a_recall_of_a_recall_purges_nothing() {
    let first = recall(five()[1].id());
    let second = recall(first.id());
    let expected = [(five()[1].id(), first.id())];
    assert_eq!(purges(vec![item(&first), item(&second)], &[&five()[1]]), expected);
}

#[test]
fn the_sending_half_takes_nothing_released_for_another() {
    let entry = note("for both");
    let mut seoul_half = outbound(LaneLog::default());
    let other =
        BatchError::OtherAudience { id: entry.id(), released_for: name("tokyo"), peer: name("washington") };
    assert_eq!(seoul_half.append(&released(&entry, "tokyo")), Err(other.clone()));
    assert_eq!((seoul_half.size(), seoul_half.ids.len()), (0, 0));
    // The same entry was rightly released for Washington, but what is now put into the batch was not.
    seoul_half.append(&released(&entry, "washington")).unwrap();
    let for_tokyo = vec![Item::Released(released(&entry, "tokyo"))];
    assert_eq!(seoul_half.batch(0, for_tokyo, &seoul()).map(|_| ()), Err(other));
    let batch = seoul_half.batch(0, items_for_washington(&[entry]), &seoul()).unwrap();
    assert_eq!((batch.start(), batch.len(), batch.is_empty()), (0, 1, false));
}

#[test]
fn the_sending_half_takes_nothing_at_another_place() {
    let entries = five();
    let mut half = outbound(LaneLog { ids: ids(&entries), acked: None });
    let mut swapped = entries.clone();
    swapped.swap(0, 2);
    let expected = BatchError::OtherPlace { start: 0 };
    assert_eq!(half.batch(0, items_for_washington(&swapped), &seoul()).map(|_| ()), Err(expected));
    let beyond = vec![Item::Withdrawn(entries[1].id())];
    assert_eq!(half.batch(5, beyond, &seoul()).map(|_| ()), Err(BatchError::OtherPlace { start: 5 }));
}

#[test]
fn what_was_recalled_is_not_released_again() {
    assert_eq!(decide(note("recalled"), "washington", true).unwrap_err().rule.as_str(), "recalled");
}

#[test]
fn only_what_honest_nodes_run_into_is_ordinary() {
    let (inbound, entries, _) = at_two();
    assert!(refusal(&inbound, &batch(&entries, 3)).is_ordinary());
    assert!(Refusal::CannotStore { reason: "disk full".to_owned() }.is_ordinary());
    let forged = with_head(batch(&entries, 2), |head| head.from = name("tokyo"));
    assert!(!refusal(&inbound, &forged).is_ordinary());
    assert!(!Refusal::Fork { place: 0 }.is_ordinary());
}

#[test]
fn a_first_heartbeat_is_acknowledged() {
    let inbound = inbound(LaneLog::default());
    let acceptance = receive(&inbound, &batch(&[], 0)).unwrap();
    assert_eq!((acceptance.new_items, acceptance.batch.acks.len()), (0, 1));
}
