//! The sending half by example: what it does when an answer is late, wrong or hostile.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod common;

use base::Timestamp;
use common::{
    LaneLog, Out, checkpoint, identity, ids, items_for_washington, key, name, note, now, outbound,
    over_the_wire,
};
use common::{receive, released, seoul, tokyo, washington};
use link::{Action, Event, Item, LinkState, MAX_BATCH_BYTES, MAX_BATCH_ITEMS, Refusal, Reply};
use record::{Checkpoint, Entry, NodeKey};

const SECOND: i64 = 1_000_000_000;

fn after(seconds: i64) -> Timestamp {
    now().plus_nanos(seconds * SECOND)
}

fn three() -> Vec<Entry> {
    (0..3).map(|n| note(&format!("note {n}"))).collect()
}

/// The half with [`three`] in its log and a batch of all of them under way.
fn under_way() -> (Out, Vec<Entry>) {
    let entries = three();
    let mut half = outbound(LaneLog::default());
    for entry in &entries {
        half.append(&released(entry, "washington")).unwrap();
    }
    assert_eq!(half.state(), &LinkState::Never);
    assert_eq!(half.poll(now(), Vec::new()), [Action::Send { start: 0, end: 3 }, Action::WakeAt(after(30))]);
    half.batch(0, items_for_washington(&entries), &seoul()).unwrap();
    (half, entries)
}

/// The receipt for the first `size` of `entries`, cosigned by `reader`.
fn receipt(entries: &[Entry], size: usize, reader: &NodeKey) -> Checkpoint {
    checkpoint(&ids(&entries[..size]), &seoul()).cosign(reader, now()).unwrap()
}

fn ack(checkpoint: &Checkpoint) -> Vec<Event> {
    vec![Event::Reply(Reply::Ack { checkpoint: checkpoint.note().to_owned() })]
}

fn refused(refusal: Refusal, size: u64) -> Vec<Event> {
    vec![Event::Reply(Reply::Refused { refusal, size })]
}

fn replay() -> Refusal {
    Refusal::Replay { reason: "seen".to_owned(), made_anew: false }
}

fn sends(actions: &[Action]) -> Vec<(u64, u64)> {
    let send = |action: &Action| match action {
        Action::Send { start, end } => Some((*start, *end)),
        _ => None,
    };
    actions.iter().filter_map(send).collect()
}

#[test]
fn a_receipt_is_kept_and_told_once() {
    let (mut half, entries) = under_way();
    let receipt = receipt(&entries, 3, &washington());
    let told = half.poll(after(1), ack(&receipt));
    let expected =
        [Action::Acknowledged(receipt.clone()), Action::Changed(LinkState::Up), Action::WakeAt(after(6))];
    assert_eq!(told, expected);
    assert_eq!((half.acked(), half.last_ack()), (3, Some(&receipt)));
    // The same answer again, and late ones, change nothing.
    assert_eq!(half.poll(after(2), ack(&receipt)), [Action::WakeAt(after(6))]);
    let late = vec![Event::Failed("connection reset".to_owned())];
    assert_eq!(half.poll(after(3), late), [Action::WakeAt(after(6))]);
    assert_eq!(half.poll(after(4), refused(replay(), 0)), [Action::WakeAt(after(6))]);
    assert_eq!(half.state(), &LinkState::Up);
    // A heartbeat is answered with the receipt that is held already: nothing new to store.
    assert_eq!(sends(&half.poll(after(6), Vec::new())), [(3, 3)]);
    half.batch(3, Vec::new(), &seoul()).unwrap();
    assert_eq!(half.poll(after(6), ack(&receipt)), [Action::WakeAt(after(11))]);
}

fn not_a_receipt(receipt: &Checkpoint, why: &str) {
    let (mut half, _) = under_way();
    let told = half.poll(after(1), ack(receipt));
    let down = LinkState::Down(format!("its receipt does not hold: {why}"));
    let expected = [Action::Changed(down), Action::WakeAt(after(1).plus_nanos(SECOND / 10))];
    assert_eq!(told, expected);
    assert_eq!((half.acked(), half.last_ack()), (0, None));
}

#[test]
fn a_receipt_of_another_node() {
    let expected = "no valid signature of `washington` on it";
    not_a_receipt(&receipt(&three(), 3, &tokyo()), expected);
    not_a_receipt(&receipt(&three(), 3, &key("washington", 99)), expected);
    not_a_receipt(&checkpoint(&ids(&three()), &seoul()), expected);
    // Washington's ordinary signature is no cosignature.
    not_a_receipt(&checkpoint(&ids(&three()), &washington()), "no valid signature of `seoul` on it");
}

#[test]
fn a_receipt_for_other_places() {
    not_a_receipt(&receipt(&three(), 2, &washington()), "it is of another checkpoint");
    let other = Checkpoint::sign("bongsu/seoul/to/tokyo/routine", 3, [0; 32], &seoul()).unwrap();
    not_a_receipt(&other.cosign(&washington(), now()).unwrap(), "it is of another checkpoint");
}

#[test]
fn a_receipt_for_other_items() {
    let mut other = three();
    other.swap(0, 1);
    let (mut half, _) = under_way();
    half.poll(after(1), ack(&receipt(&other, 3, &washington())));
    let LinkState::Down(why) = half.state() else { panic!("{:?}", half.state()) };
    assert!(why.starts_with("its receipt does not hold: size 3 has root "), "{why}");
    assert_eq!(half.acked(), 0);
}

/// Else the record would keep a receipt whose check fails, and call itself damaged.
#[test]
fn a_receipt_from_which_the_senders_signature_was_taken() {
    let whole = receipt(&three(), 3, &washington());
    let (text, signatures) = whole.note().split_once("\n\n").unwrap();
    let theirs = signatures.lines().find(|line| line.starts_with("— washington ")).unwrap();
    let stripped = Checkpoint::parse(&format!("{text}\n\n{theirs}\n")).unwrap();
    stripped.check_cosigned(&name("washington"), &washington().public()).unwrap();
    not_a_receipt(&stripped, "no valid signature of `seoul` on it");
}

#[test]
fn a_receipt_that_is_none() {
    let (mut half, _) = under_way();
    half.poll(after(1), vec![Event::Reply(Reply::Ack { checkpoint: "ok".to_owned() })]);
    assert!(matches!(half.state(), LinkState::Down(_)));
    assert_eq!(half.acked(), 0);
}

#[test]
fn waits_grow_to_a_limit_and_end_with_a_success() {
    let (mut half, entries) = under_way();
    let mut waits = Vec::new();
    let mut at = now();
    for _ in 0..8 {
        let told = half.poll(at, vec![Event::Failed("no route".to_owned())]);
        let Some(Action::WakeAt(wake)) = told.last() else { panic!("{told:?}") };
        waits.push(wake.millis_since(at));
        assert_eq!(sends(&half.poll(wake.plus_nanos(-1), Vec::new())), [], "not before");
        at = *wake;
        assert_eq!(sends(&half.poll(at, Vec::new())), [(0, 3)]);
    }
    assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    assert_eq!(half.state(), &LinkState::Down("no route".to_owned()));
    half.batch(0, items_for_washington(&entries), &seoul()).unwrap();
    half.poll(at, ack(&receipt(&entries, 3, &washington())));
    assert_eq!((half.state(), half.acked()), (&LinkState::Up, 3));
    half.poll(at.plus_nanos(5 * SECOND), Vec::new());
    let told = half.poll(at.plus_nanos(5 * SECOND), vec![Event::Failed("no route".to_owned())]);
    assert_eq!(told.last(), Some(&Action::WakeAt(at.plus_nanos(5 * SECOND + SECOND / 10))));
}

#[test]
fn no_answer_counts_as_a_failure() {
    let (mut half, _) = under_way();
    assert_eq!(half.poll(after(29), Vec::new()), [Action::WakeAt(after(30))]);
    half.poll(after(30), Vec::new());
    assert_eq!(half.state(), &LinkState::Down("no answer".to_owned()));
}

#[test]
fn an_officer_can_cut_a_wait_short() {
    let (mut half, _) = under_way();
    assert_eq!(sends(&half.poll(now(), vec![Event::Retry])), [], "one is under way already");
    half.poll(now(), vec![Event::Failed("no route".to_owned())]);
    assert_eq!(sends(&half.poll(now(), vec![Event::Retry])), [(0, 3)]);
}

/// A wall clock may be set back by hours; the link must not sleep as long.
#[test]
fn a_clock_set_back_does_not_stop_the_link() {
    let (mut half, entries) = under_way();
    half.poll(after(7200), vec![Event::Failed("no route".to_owned())]);
    assert_eq!(sends(&half.poll(now(), Vec::new())), [(0, 3)]);
    half.batch(0, items_for_washington(&entries), &seoul()).unwrap();
    half.poll(after(7200), ack(&receipt(&entries, 3, &washington())));
    assert_eq!(half.state(), &LinkState::Up);
    assert_eq!(sends(&half.poll(now(), Vec::new())), [(3, 3)], "heartbeats go on");
}

#[test]
fn it_goes_on_from_where_the_peer_stands() {
    for refusal in [replay(), Refusal::Gap { start: 0, size: 2 }] {
        let (mut half, entries) = under_way();
        assert_eq!(sends(&half.poll(now(), refused(refusal.clone(), 2))), [(2, 3)]);
        half.batch(2, items_for_washington(&entries[2..]), &seoul()).unwrap();
        half.poll(now(), ack(&receipt(&entries, 3, &washington())));
        assert_eq!((half.acked(), half.state()), (3, &LinkState::Up));
        // And again at once the next time.
        assert_eq!(sends(&half.poll(after(5), Vec::new())), [(3, 3)]);
        assert_eq!(sends(&half.poll(after(5), refused(refusal, 1))), [(1, 3)]);
    }
}

#[test]
fn a_peer_that_stands_beyond_our_log_is_shown_to_people() {
    let (mut half, _) = under_way();
    assert_eq!(sends(&half.poll(now(), refused(replay(), 4))), []);
    assert_eq!(half.state(), &LinkState::Refused(replay()));
}

#[test]
fn other_refusals_move_nothing() {
    let (mut half, _) = under_way();
    let fork = Refusal::Fork { place: 1 };
    let told = half.poll(now(), refused(fork.clone(), 1));
    let wait = Action::WakeAt(now().plus_nanos(SECOND / 10));
    assert_eq!(told, [Action::Changed(LinkState::Refused(fork)), wait]);
    assert_eq!(sends(&half.poll(after(1), Vec::new())), [(0, 3)]);
}

/// A hostile peer that names another place with each refusal must not make us send without pause.
#[test]
fn a_peer_cannot_make_us_spin() {
    let (mut half, _) = under_way();
    let mut sent = 0;
    for round in 0..1000_u64 {
        sent += sends(&half.poll(now(), refused(replay(), round % 2 + 1))).len();
    }
    assert_eq!(sent, 1, "at once only the first time");
    assert!(matches!(half.state(), LinkState::Refused(Refusal::Replay { .. })));
}

/// Sends `entries` over a perfect line; gives the places asked for and the sizes of the batches in bytes.
fn send_all(entries: &[Entry]) -> (Vec<(u64, u64)>, Vec<usize>) {
    let mut half = outbound(LaneLog { ids: ids(entries), acked: None });
    let mut washington_half = common::inbound(LaneLog::default());
    let mut told = half.poll(now(), Vec::new());
    let (mut asked, mut bytes) = (Vec::new(), Vec::new());
    while let [(start, end)] = sends(&told)[..] {
        let items = items_for_washington(&entries[start as usize..end as usize]);
        let batch = half.batch(start, items, &seoul()).unwrap();
        assert!(!batch.is_empty());
        asked.push((start, end));
        bytes.push(batch.to_bytes().unwrap().len());
        let acceptance = receive(&washington_half, &over_the_wire(&batch)).unwrap();
        washington_half.stored(&acceptance);
        told = half.poll(now(), vec![Event::Reply(acceptance.reply)]);
    }
    assert_eq!((half.acked(), washington_half.size()), (half.size(), half.size()));
    (asked, bytes)
}

#[test]
fn a_long_log_goes_in_batches_of_the_limit() {
    let entries: Vec<_> = (0..2 * MAX_BATCH_ITEMS + 1).map(|n| note(&n.to_string())).collect();
    let (asked, _) = send_all(&entries);
    assert_eq!(asked, [(0, 512), (512, 1024), (1024, 1025)]);
}

/// Entries of the largest size: batches stay within what a receiver reads.
#[test]
fn large_entries_go_in_smaller_batches() {
    let text = "x".repeat(record::MAX_ENTRY_BYTES - 500);
    let entries: Vec<_> = (0..9).map(|n| note(&format!("{n}{text}"))).collect();
    assert!(entries.iter().all(|e| e.payload().len() > record::MAX_ENTRY_BYTES - 300));
    let (asked, bytes) = send_all(&entries);
    assert!(asked.len() > 1 && asked.iter().all(|(_, end)| *end == 9), "{asked:?}");
    assert!(bytes.iter().all(|bytes| *bytes <= MAX_BATCH_BYTES), "{bytes:?}");
}

#[test]
fn a_batch_takes_no_more_items_than_the_limit() {
    let all: Vec<_> = (0..=MAX_BATCH_ITEMS).map(|n| note(&n.to_string()).id()).collect();
    let mut half = outbound(LaneLog { ids: all.clone(), acked: None });
    let items = all.into_iter().map(Item::Withdrawn).collect();
    assert_eq!(half.batch(0, items, &seoul()).unwrap().len(), MAX_BATCH_ITEMS);
}

#[test]
fn after_a_restart_it_goes_on_from_the_receipt_on_disk() {
    let entries = three();
    let acked = Some(receipt(&entries, 2, &washington()));
    let mut half = outbound(LaneLog { ids: ids(&entries), acked: acked.clone() });
    assert_eq!((half.acked(), half.last_ack()), (2, acked.as_ref()));
    assert_eq!(sends(&half.poll(now(), Vec::new())), [(2, 3)]);
}

#[test]
fn a_half_knows_its_peer_and_its_log() {
    let (half, entries) = under_way();
    assert_eq!(half.peer(), &identity(&washington(), "USA"));
    assert_eq!((half.size(), half.precedence()), (3, base::Precedence::Routine));
    assert_eq!(half.frontier_at(3), Some(record::Frontier::from_ids(&ids(&entries))));
    assert_eq!(half.frontier_at(1), None, "the record is asked");
}

/// A peering agreement that runs out stops the link, and a new one starts it again.
#[test]
fn an_agreement_that_ran_out_stops_the_link() {
    let (mut half, entries) = under_way();
    half.poll(after(1), ack(&receipt(&entries, 3, &washington())));
    half.expires_at(Some(after(60)));
    assert_eq!(sends(&half.poll(after(59), Vec::new())), [(3, 3)]);
    let told = half.poll(after(60), Vec::new());
    assert_eq!(told, [Action::Changed(LinkState::Expired(after(60))), Action::WakeAt(after(65))]);
    assert_eq!(half.poll(after(61), vec![Event::Retry]), [Action::WakeAt(after(66))]);
    half.expires_at(Some(after(7200)));
    assert_eq!(sends(&half.poll(after(62), Vec::new())), [(3, 3)]);
}

/// A receipt that comes as a file counts like one that comes over the line, if it holds.
#[test]
fn a_receipt_by_another_way() {
    let (mut half, entries) = under_way();
    half.poll(after(1), vec![Event::Failed("no route".to_owned())]);
    for (bad, why) in [
        (receipt(&entries, 2, &tokyo()), "another's"),
        (checkpoint(&ids(&entries), &seoul()), "not cosigned"),
    ] {
        half.poll(after(1), vec![Event::Receipt(bad)]);
        assert_eq!(half.acked(), 0, "{why}");
        half.poll(after(1), vec![Event::Failed("no route".to_owned())]);
    }
    let two = receipt(&entries, 2, &washington());
    let told = half.poll(after(1), vec![Event::Receipt(two.clone())]);
    assert!(told.contains(&Action::Acknowledged(two)), "{told:?}");
    assert_eq!(half.acked(), 2);
    half.poll(after(1), vec![Event::Receipt(receipt(&entries, 1, &washington()))]);
    assert_eq!(half.acked(), 2, "it never goes back");
}
