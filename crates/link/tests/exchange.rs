//! The two halves against each other over a bad line, with crashes on both sides: thousands of seeded runs, each of
//! which must end with the receiver's log equal to the sender's. A failure names its seed; `play(seed)` repeats it.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use base::{EntryId, Noun as _, Precedence, Recall, Timestamp};
use common::{
    LaneLog, Note, Out, Rng, country, decide, inbound, name, now, outbound, over_the_wire, recalls, seoul,
    to_usa, verified, washington,
};
use link::{
    Acceptance, Action, Event, Held, Inbound, Item, LinkState, ReceivedBatch, ReceivedItem, Refusal, Reply,
};
use record::{Batch, Checkpoint, Direction, Entry, Lane, NodeKey, PublicKey};

const SEEDS: u64 = 2000;
const SECOND: i64 = 1_000_000_000;

/// Seoul: what is on its disk, and the half that is lost in a crash.
struct Sender {
    key: NodeKey,
    entries: BTreeMap<EntryId, Entry>,
    recalled: BTreeSet<EntryId>,
    lane: LaneLog,
    half: Out,
}

impl Sender {
    fn crash(&mut self) {
        self.half = outbound(self.lane.clone());
    }

    fn append(&mut self, entry: Entry) {
        self.half.append(&decide(entry.clone(), "washington", false).unwrap()).unwrap();
        self.lane.ids.push(entry.id());
        self.entries.insert(entry.id(), entry);
    }

    fn append_note(&mut self, rng: &mut Rng) {
        let text = format!("note {}", self.lane.ids.len());
        let note = Note { text, marking: to_usa() };
        self.append(Entry::sign(&note, &country("KOR"), &self.key, now(), rng).unwrap());
    }

    /// Takes back any note, also for the second time. Not a recall: what was recalled stays recalled.
    fn append_recall(&mut self, rng: &mut Rng) {
        let is_note = |id: &&EntryId| self.entries[*id].kind() != Recall::SCHEMA;
        let notes: Vec<EntryId> = self.lane.ids.iter().filter(is_note).copied().collect();
        if notes.is_empty() {
            return;
        }
        let target = notes[rng.below(notes.len())];
        let recall = Recall { target, reason: String::new(), marking: to_usa() };
        self.recalled.insert(target);
        self.append(Entry::sign(&recall, &country("KOR"), &self.key, now(), rng).unwrap());
    }

    /// Every item is decided on anew when it is sent.
    fn gather(&self, start: u64, end: u64) -> Vec<Item> {
        let item =
            |id: &EntryId| match decide(self.entries[id].clone(), "washington", self.recalled.contains(id)) {
                Ok(released) => Item::Released(released),
                Err(_) => Item::Withdrawn(*id),
            };
        self.lane.ids[start as usize..end as usize].iter().map(item).collect()
    }
}

/// Washington: what is on its disk, and the half that is lost in a crash.
struct Receiver {
    key: NodeKey,
    lane: LaneLog,
    /// Content by id; `None` once it was purged.
    content: BTreeMap<EntryId, Option<Entry>>,
    half: Inbound,
}

impl Receiver {
    fn crash(&mut self) {
        self.half = inbound(self.lane.clone()).half;
    }

    fn receive(&self, text: &[u8], now: Timestamp) -> Result<Acceptance, Refusal> {
        let batch = verified(&ReceivedBatch::read(text).unwrap(), common::now())?;
        self.half.receive(batch, self, &self.key, now)
    }

    /// What the record does with a batch; the same purges fail that fail there.
    fn commit(&mut self, batch: &Batch) -> usize {
        for incoming in &batch.entries {
            let before = self.content.insert(incoming.entry.id(), Some(incoming.entry.clone()));
            assert!(before.is_none(), "{} was stored twice", incoming.entry.id());
        }
        for row in &batch.lane_rows {
            assert_eq!(
                row.lane,
                Lane { peer: name("seoul"), direction: Direction::In, precedence: Precedence::Routine }
            );
            self.lane.ids.push(row.id);
        }
        for ack in &batch.acks {
            self.lane.acked = Some(ack.checkpoint.clone());
        }
        for purge in &batch.purge {
            let target = self.content.get_mut(&purge.target).expect("a purge of what is not in the record");
            assert!(target.take().is_some(), "purged twice");
        }
        batch.purge.len()
    }
}

impl Held for Receiver {
    fn lane_ids(&self, start: u64, count: usize) -> Result<Vec<EntryId>, String> {
        Ok(self.lane.ids.iter().skip(start as usize).take(count).copied().collect())
    }

    fn place(&self, id: &EntryId) -> Result<Option<(Precedence, u64)>, String> {
        let at = self.lane.ids.iter().position(|held| held == id);
        Ok(at.map(|place| (Precedence::Routine, place as u64)))
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, String> {
        Ok(self.content.get(id).cloned().flatten())
    }

    fn is_recalled(&self, id: &EntryId, author: &PublicKey) -> bool {
        self.content.values().flatten().any(|entry| recalls(entry, id, author))
    }

    fn is_granted(&self, _: &EntryId, _: &PublicKey, _: Timestamp) -> bool {
        false
    }
}

/// How often what happened, over all seeds: what never happens is not tested.
#[derive(Debug, Default)]
struct Seen {
    requests_lost: usize,
    replies_lost: usize,
    duplicates: usize,
    sender_crashes: usize,
    crashes_before_storing: usize,
    crashes_after_storing: usize,
    refused_by_store: usize,
    replays: usize,
    overtaken: usize,
    windows: usize,
    repetitions: usize,
    withdrawn: usize,
    purged: usize,
    items: usize,
}

struct World {
    rng: Rng,
    now: Timestamp,
    sender: Sender,
    receiver: Receiver,
    requests: Vec<Vec<u8>>,
    replies: Vec<Vec<u8>>,
    seen: Seen,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            rng: Rng(seed),
            now: now(),
            sender: Sender {
                key: seoul(),
                entries: BTreeMap::new(),
                recalled: BTreeSet::new(),
                lane: LaneLog::default(),
                half: outbound(LaneLog::default()),
            },
            receiver: Receiver {
                key: washington(),
                lane: LaneLog::default(),
                content: BTreeMap::new(),
                half: inbound(LaneLog::default()).half,
            },
            requests: Vec::new(),
            replies: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// One call of `poll`, and what it asks for. Gives the time to wake.
    fn poll(&mut self, events: Vec<Event>, crashes: bool) -> Timestamp {
        let actions = self.sender.half.poll(self.now, events);
        assert!(actions.len() <= 4, "{actions:?}");
        let sends = actions.iter().filter(|a| matches!(a, Action::Send { .. })).count();
        assert!(sends <= 1, "{actions:?}");
        assert!(self.sender.half.under_way() <= 2);
        let Some(Action::WakeAt(wake)) = actions.last() else { panic!("{actions:?}") };
        let mut wake = *wake;
        for action in actions {
            if crashes && self.rng.percent(3) {
                self.crash_sender();
                return self.now;
            }
            match action {
                Action::Send { start, end } => self.send(start, end),
                Action::Acknowledged(checkpoint) => self.sender.lane.acked = Some(checkpoint),
                Action::Changed(_) | Action::WakeAt(_) => {}
            }
        }
        if sends > 0 {
            self.seen.windows += usize::from(self.sender.half.under_way() > 1);
            // Another may follow.
            wake = self.poll(Vec::new(), crashes);
        }
        wake
    }

    fn send(&mut self, start: u64, end: u64) {
        let items = self.sender.gather(start, end);
        let batch = self.sender.half.batch(start, items, &self.sender.key).unwrap();
        for item in &over_the_wire(&batch).items {
            let recalled = self.sender.recalled.contains(&common::id_of(item));
            assert_eq!(matches!(item, ReceivedItem::Withdrawn(_)), recalled);
        }
        self.requests.push(batch.to_bytes().unwrap());
    }

    fn crash_sender(&mut self) {
        self.seen.sender_crashes += 1;
        self.sender.crash();
    }

    /// A request reaches Washington; `bad_days` says whether it may crash or run out of disk there.
    fn deliver_request(&mut self, text: &[u8], bad_days: bool) {
        let size = self.receiver.half.size();
        let refused = |refusal| Some(Reply::Refused { refusal, size });
        let reply = match self.receiver.receive(text, self.now) {
            Err(refusal) => {
                // Of honest nodes, only a late duplicate can be refused, and what overtook another.
                match refusal {
                    Refusal::Replay { .. } => self.seen.replays += 1,
                    Refusal::Gap { .. } => self.seen.overtaken += 1,
                    _ => panic!("{refusal}"),
                }
                refused(refusal)
            }
            Ok(_) if bad_days && self.rng.percent(10) => {
                self.seen.crashes_before_storing += 1;
                self.receiver.crash();
                None
            }
            Ok(_) if bad_days && self.rng.percent(5) => {
                self.seen.refused_by_store += 1;
                refused(Refusal::CannotStore { reason: "disk full".to_owned() })
            }
            Ok(acceptance) => {
                self.seen.purged += self.receiver.commit(&acceptance.batch);
                self.seen.items += acceptance.new_items;
                self.seen.withdrawn += acceptance.new_items - acceptance.batch.entries.len();
                self.seen.repetitions += usize::from(acceptance.batch.is_empty());
                if bad_days && self.rng.percent(10) {
                    self.seen.crashes_after_storing += 1;
                    self.receiver.crash();
                    None
                } else {
                    self.receiver.half.stored(&acceptance);
                    Some(acceptance.reply)
                }
            }
        };
        self.replies.extend(reply.map(|reply| serde_json::to_vec(&reply).unwrap()));
    }

    /// One of what lies on the line, in any order; in some cases it stays there and comes again.
    fn take(rng: &mut Rng, line: &mut Vec<Vec<u8>>, duplicates: &mut usize) -> Option<Vec<u8>> {
        if line.is_empty() {
            return None;
        }
        let at = rng.below(line.len());
        if rng.percent(15) {
            *duplicates += 1;
            return Some(line[at].clone());
        }
        Some(line.swap_remove(at))
    }

    fn step(&mut self) {
        match self.rng.below(100) {
            0..20 => self.sender.append_note(&mut self.rng),
            20..27 => self.sender.append_recall(&mut self.rng),
            27..50 => {
                if let Some(text) = Self::take(&mut self.rng, &mut self.requests, &mut self.seen.duplicates) {
                    self.deliver_request(&text, true);
                }
            }
            50..70 => {
                if let Some(text) = Self::take(&mut self.rng, &mut self.replies, &mut self.seen.duplicates) {
                    let reply: Reply = serde_json::from_slice(&text).unwrap();
                    self.poll(vec![Event::Reply(reply)], true);
                }
            }
            70..76 if !self.requests.is_empty() => {
                self.seen.requests_lost += 1;
                let at = self.rng.below(self.requests.len());
                self.requests.swap_remove(at);
                if self.rng.percent(50) {
                    self.poll(vec![Event::Failed("cut".to_owned())], true);
                }
            }
            76..82 if !self.replies.is_empty() => {
                self.seen.replies_lost += 1;
                let at = self.rng.below(self.replies.len());
                self.replies.swap_remove(at);
            }
            82..84 => self.crash_sender(),
            84..86 => self.receiver.crash(),
            86..88 => {
                self.poll(vec![Event::Retry], true);
            }
            _ => {
                self.now = self.now.plus_nanos(self.rng.below(40 * SECOND as usize) as i64);
                self.poll(Vec::new(), true);
            }
        }
        self.check_always();
    }

    fn check_always(&self) {
        let (sent, received) = (&self.sender.lane.ids, &self.receiver.lane.ids);
        assert!(sent.starts_with(received), "the receiver's log is no prefix of the sender's");
        assert_eq!(self.receiver.half.size(), received.len() as u64);
        assert_eq!(self.sender.half.ids, *sent);
        assert!(self.sender.half.acked() <= received.len() as u64, "acknowledged, but not on disk");
        let receipt = self.sender.lane.acked.as_ref().map_or(0, Checkpoint::size);
        assert!(receipt <= received.len() as u64);
    }

    /// The line is good, nobody crashes, nothing new: how many calls of `poll` until all is acknowledged.
    fn quiet(&mut self) -> usize {
        self.requests.clear();
        self.replies.clear();
        for polls in 1..20 {
            let wake = self.poll(Vec::new(), false);
            let mut events = Vec::new();
            for text in std::mem::take(&mut self.requests) {
                self.deliver_request(&text, false);
            }
            for text in std::mem::take(&mut self.replies) {
                events.push(Event::Reply(serde_json::from_slice(&text).unwrap()));
            }
            if !events.is_empty() {
                self.poll(events, false);
            } else if self.sender.half.acked() == self.sender.half.size()
                && *self.sender.half.state() == LinkState::Up
            {
                return polls;
            } else {
                assert!(wake > self.now, "asked to wake at once, with nothing to do");
                self.now = wake;
            }
        }
        panic!("no rest after 20 rounds: {:?}", self.sender.half);
    }

    fn check_end(&mut self) {
        let ids = self.sender.lane.ids.clone();
        assert_eq!(self.receiver.lane.ids, ids);
        assert_eq!(self.sender.half.acked(), ids.len() as u64);
        let receipt = self.sender.half.last_ack().expect("a receipt");
        assert_eq!(self.sender.lane.acked.as_ref(), Some(receipt));
        let kept = self.receiver.lane.acked.as_ref().expect("a receipt");
        assert_eq!((kept.size(), kept.root()), (receipt.size(), receipt.root()));
        for id in &ids {
            let held = self.receiver.content.get(id).cloned().flatten();
            if self.sender.recalled.contains(id) {
                assert_eq!(held, None, "{id} was recalled and is still there");
            } else {
                assert_eq!(held.as_ref(), self.sender.entries.get(id));
            }
        }
        assert!(self.receiver.content.len() <= ids.len());
        // Both halves rebuilt from disk stand where they stood, and there is nothing to be done at this time.
        self.sender.crash();
        self.receiver.crash();
        assert_eq!(
            (self.sender.half.acked(), self.receiver.half.size()),
            (ids.len() as u64, ids.len() as u64)
        );
    }
}

fn play(seed: u64) -> Seen {
    let mut world = World::new(seed);
    let steps = 10 + world.rng.below(120);
    for _ in 0..steps {
        world.step();
    }
    world.quiet();
    world.check_end();
    // And once more after a restart of both.
    world.sender.append_note(&mut world.rng);
    world.quiet();
    world.check_end();
    world.seen
}

#[test]
fn whatever_happens_on_the_way_the_logs_end_equal() {
    let mut all = Seen::default();
    for seed in 0..SEEDS {
        let seen = std::panic::catch_unwind(|| play(seed));
        assert!(seen.is_ok(), "seed {seed} failed, see above");
        let seen = seen.unwrap();
        all.requests_lost += seen.requests_lost;
        all.replies_lost += seen.replies_lost;
        all.duplicates += seen.duplicates;
        all.sender_crashes += seen.sender_crashes;
        all.crashes_before_storing += seen.crashes_before_storing;
        all.crashes_after_storing += seen.crashes_after_storing;
        all.refused_by_store += seen.refused_by_store;
        all.replays += seen.replays;
        all.overtaken += seen.overtaken;
        all.windows += seen.windows;
        all.repetitions += seen.repetitions;
        all.withdrawn += seen.withdrawn;
        all.purged += seen.purged;
        all.items += seen.items;
    }
    let Seen { requests_lost, replies_lost, duplicates, sender_crashes, .. } = all;
    let Seen { crashes_before_storing, crashes_after_storing, refused_by_store, replays, .. } = all;
    let Seen { overtaken, windows, repetitions, withdrawn, purged, items, .. } = all;
    for count in [
        requests_lost,
        replies_lost,
        duplicates,
        sender_crashes,
        crashes_before_storing,
        crashes_after_storing,
        refused_by_store,
        replays,
        overtaken,
        windows,
        repetitions,
        withdrawn,
        purged,
        items,
    ] {
        assert!(count > 300, "{all:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    assert_eq!(format!("{:?}", play(17)), format!("{:?}", play(17)));
}

/// Washington's disk was replaced by an older copy: Seoul goes on from where it stands.
#[test]
fn a_receiver_restored_from_an_older_copy_gets_the_rest_again() {
    let mut world = World::new(1);
    for _ in 0..4 {
        world.sender.append_note(&mut world.rng);
    }
    world.quiet();
    let copy = (world.receiver.lane.clone(), world.receiver.content.clone());
    for _ in 0..3 {
        world.sender.append_note(&mut world.rng);
    }
    world.quiet();
    (world.receiver.lane, world.receiver.content) = copy;
    world.receiver.crash();
    assert_eq!((world.sender.half.acked(), world.receiver.half.size()), (7, 4));
    // The next heartbeat finds out.
    world.now = world.now.plus_nanos(5 * SECOND);
    world.poll(Vec::new(), false);
    let text = world.requests.pop().unwrap();
    let refusal = world.receiver.receive(&text, world.now).unwrap_err();
    assert_eq!(refusal, Refusal::Gap { start: 7, size: 4 });
    world.poll(vec![Event::Reply(Reply::Refused { refusal, size: 4 })], false);
    let text = world.requests.pop().unwrap();
    world.deliver_request(&text, false);
    let reply = serde_json::from_slice(&world.replies.pop().unwrap()).unwrap();
    world.poll(vec![Event::Reply(reply)], false);
    world.check_end();
}

/// Seoul's disk was replaced by an older copy and wrote other entries since: people must look at it.
#[test]
fn a_sender_restored_from_an_older_copy_is_a_fork() {
    let mut world = World::new(2);
    for _ in 0..4 {
        world.sender.append_note(&mut world.rng);
    }
    world.quiet();
    world.sender.lane.ids.truncate(2);
    world.sender.lane.acked = None;
    world.sender.crash();
    for _ in 0..3 {
        world.sender.append_note(&mut world.rng);
    }
    world.poll(Vec::new(), false);
    let text = world.requests.pop().unwrap();
    let refusal = world.receiver.receive(&text, world.now).unwrap_err();
    assert_eq!(refusal, Refusal::Fork { place: 2 });
    world.poll(vec![Event::Reply(Reply::Refused { refusal: refusal.clone(), size: 4 })], false);
    assert_eq!(world.sender.half.state(), &LinkState::Refused(refusal));
    assert!(world.requests.is_empty());
}
