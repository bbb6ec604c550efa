//! Three nodes, each linked to both others by a FLASH and a ROUTINE lane, over lines that lose, delay, double and
//! reorder, with crashes and clocks that jump: 10,000 seeded schedules. In the end everybody holds what everybody
//! released and did not take back. A failure names its seed; `play(seed)` repeats it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use base::{EntryId, Marking, NodeName, Noun as _, Precedence, Recall, Timestamp};
use common::{LaneLog, Note, Rng, country, identity, key, name, now, pool, recalls};
use label::{Audience, Evidence, Level, Rules, Standing, release};
use link::{Action, Event, Expected, Held, Inbound, Item, Outbound, ReceivedBatch, Refusal, Reply};
use rayon::prelude::*;
use record::{Domain, Entry, Frontier, NodeKey, PublicKey};

const SEEDS: u64 = 10_000;
const SECOND: i64 = 1_000_000_000;
const NODES: [(&str, &str); 3] = [("seoul", "KOR"), ("washington", "USA"), ("tokyo", "JPN")];
const LANES: [Precedence; 2] = [Precedence::Flash, Precedence::Routine];
/// Notes that each node can write; each can be recalled once.
const NOTES: usize = 5;

/// For each node its notes and the recall of each: signed once for all schedules.
fn entries() -> &'static [Vec<(Entry, Entry)>; 3] {
    static ALL: OnceLock<[Vec<(Entry, Entry)>; 3]> = OnceLock::new();
    ALL.get_or_init(|| {
        std::array::from_fn(|node| {
            let (_, of) = NODES[node];
            let marking = Marking::new("RESTRICTED", &["KOR", "USA", "JPN"], of);
            let mut rng = Rng(node as u64 + 70);
            let mut pairs = Vec::new();
            for number in 0..NOTES {
                let note = Note { text: format!("note {number}"), marking: marking.clone() };
                let note = Entry::sign(&note, &country(of), &key_of(node), now(), &mut rng).unwrap();
                let noun = Recall { target: note.id(), reason: String::new(), marking: marking.clone() };
                let recall = Entry::sign(&noun, &country(of), &key_of(node), now(), &mut rng).unwrap();
                pairs.push((note, recall));
            }
            pairs
        })
    })
}

fn key_of(node: usize) -> NodeKey {
    key(NODES[node].0, node as u64 + 1)
}

/// What is the same in all schedules: to make keys and rules costs more than most steps.
struct Known {
    identity: link::PeerIdentity,
    audience: Audience,
    rules: Rules,
}

fn known(node: usize) -> &'static Known {
    static ALL: OnceLock<[Known; 3]> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        std::array::from_fn(|node| {
            let (of, country) = (name(NODES[node].0), country(NODES[node].1));
            Known {
                identity: identity(&key_of(node), NODES[node].1),
                rules: Rules::new(country.clone()),
                audience: Audience { node: of, country, clearance: Level::Secret, organisation: None },
            }
        })
    });
    &all[node]
}

/// What a node has on its disk.
#[derive(Default)]
struct Disk {
    outs: BTreeMap<(usize, Precedence), LaneLog>,
    ins: BTreeMap<(usize, Precedence), LaneLog>,
    /// Content by id; `None` once it was purged.
    content: BTreeMap<EntryId, Option<Entry>>,
}

struct Node {
    number: usize,
    key: NodeKey,
    disk: Disk,
    outs: BTreeMap<(usize, Precedence), Outbound>,
    ins: BTreeMap<(usize, Precedence), Inbound>,
    /// How far its clock is off.
    offset: i64,
    written: usize,
}

impl Node {
    fn new(number: usize) -> Self {
        let mut node = Self {
            number,
            key: key_of(number),
            disk: Disk::default(),
            outs: BTreeMap::new(),
            ins: BTreeMap::new(),
            offset: 0,
            written: 0,
        };
        node.crash();
        node
    }

    /// Both halves of every lane stand where the disk says.
    fn crash(&mut self) {
        for peer in (0..3).filter(|peer| *peer != self.number) {
            for lane in LANES {
                let me = name(NODES[self.number].0);
                let state = |logs: &BTreeMap<_, LaneLog>| {
                    logs.get(&(peer, lane)).map(LaneLog::state).unwrap_or_default()
                };
                let out = Outbound::new(
                    me.clone(),
                    known(peer).identity.clone(),
                    lane,
                    Domain::Live,
                    state(&self.disk.outs),
                );
                self.outs.insert((peer, lane), out);
                self.ins.insert(
                    (peer, lane),
                    Inbound::new(me, known(peer).identity.clone(), lane, state(&self.disk.ins)),
                );
            }
        }
    }

    fn is_recalled(&self, id: &EntryId) -> bool {
        self.disk.content.values().flatten().any(|entry| recalls(entry, id, &self.key.public()))
    }

    fn release(&self, entry: &Entry, peer: usize) -> Option<label::Released<Entry>> {
        let recalled = self.is_recalled(&entry.id());
        let standing = Standing { recalled, evidence: &|_| Evidence::Unknown };
        release(entry.clone(), &known(peer).audience, &known(self.number).rules, &standing, now()).ok()
    }

    fn write(&mut self, entry: &Entry, lane: Precedence) {
        if self.disk.content.contains_key(&entry.id()) {
            return;
        }
        self.disk.content.insert(entry.id(), Some(entry.clone()));
        for peer in (0..3).filter(|peer| *peer != self.number) {
            let released = self.release(entry, peer).unwrap();
            self.outs.get_mut(&(peer, lane)).unwrap().append(&released).unwrap();
            self.disk.outs.entry((peer, lane)).or_default().ids.push(entry.id());
        }
    }
}

/// The record of a node as one of its receiving halves asks it.
struct Asked<'a>(&'a Disk, usize, Precedence);

impl Held for Asked<'_> {
    fn lane_ids(&self, start: u64, count: usize) -> Result<Vec<EntryId>, String> {
        let log = self.0.ins.get(&(self.1, self.2));
        Ok(log
            .map(|log| log.ids.iter().skip(start as usize).take(count).copied().collect())
            .unwrap_or_default())
    }

    fn place(&self, id: &EntryId) -> Result<Option<(Precedence, u64)>, String> {
        Ok(LANES.into_iter().find_map(|lane| {
            let at = self.0.ins.get(&(self.1, lane))?.ids.iter().position(|held| held == id)?;
            Some((lane, at as u64))
        }))
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, String> {
        Ok(self.0.content.get(id).cloned().flatten())
    }

    fn is_recalled(&self, id: &EntryId, author: &PublicKey) -> bool {
        self.0.content.values().flatten().any(|entry| recalls(entry, id, author))
    }

    fn is_granted(&self, _: &EntryId, _: &PublicKey, _: Timestamp) -> bool {
        false
    }
}

/// Something on a line: from, to, lane, and the bytes.
type Sent = (usize, usize, Precedence, Vec<u8>);

/// How often what happened: what never happens is not tested.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    lost: usize,
    doubled: usize,
    crashes: usize,
    clock_off: usize,
    replays: usize,
    gaps: usize,
    overtaken: usize,
    purged: usize,
    items: usize,
}

struct World {
    rng: Rng,
    now: Timestamp,
    nodes: [Node; 3],
    requests: Vec<Sent>,
    replies: Vec<Sent>,
    seen: Seen,
}

impl World {
    fn clock(&self, node: usize) -> Timestamp {
        self.now.plus_nanos(self.nodes[node].offset)
    }

    fn poll(&mut self, from: usize, to: usize, lane: Precedence, events: Vec<Event>) {
        let clock = self.clock(from);
        let node = &mut self.nodes[from];
        let actions = node.outs.get_mut(&(to, lane)).unwrap().poll(clock, events);
        let mut sent = false;
        for action in actions {
            match action {
                Action::Send { start, end } => {
                    sent = true;
                    let ids = node.disk.outs.get(&(to, lane)).map(|log| log.ids.clone()).unwrap_or_default();
                    let item = |id: &EntryId| {
                        let entry = node.disk.content[id].clone().unwrap();
                        node.release(&entry, to).map_or(Item::Withdrawn(*id), Item::Released)
                    };
                    let items = ids[start as usize..end as usize].iter().map(item).collect();
                    let before = Frontier::from_ids(&ids[..start as usize]);
                    let batch = node
                        .outs
                        .get_mut(&(to, lane))
                        .unwrap()
                        .batch(before, items, &node.key, clock)
                        .unwrap();
                    self.requests.push((from, to, lane, batch.to_bytes().unwrap()));
                }
                Action::Acknowledged(checkpoint) => {
                    node.disk.outs.entry((to, lane)).or_default().acked = Some(checkpoint);
                }
                Action::Changed(_) | Action::WakeAt(_) => {}
            }
        }
        if sent {
            self.poll(from, to, lane, Vec::new());
        }
    }

    /// A request arrives; on a bad day the receiver crashes before or after it stored.
    fn deliver(&mut self, (from, to, lane, bytes): Sent, bad_day: bool) {
        let clock = self.clock(to);
        let (before, after) = (bad_day && self.rng.percent(8), bad_day && self.rng.percent(8));
        let node = &mut self.nodes[to];
        let (me, peer) = (&known(to).audience.node, &known(from).identity);
        let author = |_: &NodeName| None;
        let expected =
            Expected { me, domain: Domain::Live, peer, lane: Some(lane), now: Some(clock), author: &author };
        let half = &node.ins[&(from, lane)];
        let size = half.size();
        let taken = link::verify(ReceivedBatch::read(&bytes).unwrap(), &expected, pool())
            .and_then(|batch| half.receive(batch, &Asked(&node.disk, from, lane), &node.key, clock));
        let reply = match taken {
            Err(refusal) => {
                match &refusal {
                    Refusal::Replay { .. } => self.seen.replays += 1,
                    Refusal::Gap { .. } => self.seen.gaps += 1,
                    Refusal::ClockOff { .. } => self.seen.clock_off += 1,
                    other => panic!("honest nodes accuse one another: {other}"),
                }
                Reply::Refused { refusal, size }
            }
            Ok(_) if before => {
                self.seen.crashes += 1;
                node.crash();
                return;
            }
            Ok(acceptance) => {
                for incoming in &acceptance.batch.entries {
                    let twice = node.disk.content.insert(incoming.entry.id(), Some(incoming.entry.clone()));
                    assert!(twice.is_none(), "stored twice");
                }
                for row in &acceptance.batch.lane_rows {
                    node.disk.ins.entry((from, lane)).or_default().ids.push(row.id);
                }
                for ack in &acceptance.batch.acks {
                    node.disk.ins.entry((from, lane)).or_default().acked = Some(ack.checkpoint.clone());
                }
                for purge in &acceptance.batch.purge {
                    let gone = node.disk.content.get_mut(&purge.target).unwrap().take();
                    assert!(gone.is_some(), "purged twice");
                }
                self.seen.purged += acceptance.batch.purge.len();
                self.seen.items += acceptance.new_items;
                self.seen.overtaken += acceptance.new_items - acceptance.batch.entries.len();
                if after {
                    self.seen.crashes += 1;
                    node.crash();
                    return;
                }
                node.ins.get_mut(&(from, lane)).unwrap().stored(&acceptance);
                acceptance.reply
            }
        };
        self.replies.push((to, from, lane, serde_json::to_vec(&reply).unwrap()));
    }

    fn answer(&mut self, (from, to, lane, bytes): Sent) {
        self.poll(to, from, lane, vec![Event::Reply(serde_json::from_slice(&bytes).unwrap())]);
    }

    /// One of what lies on a line, in any order; it may be lost, or stay and come again.
    fn take(&mut self, replies: bool) -> Option<Sent> {
        let line = if replies { &mut self.replies } else { &mut self.requests };
        if line.is_empty() {
            return None;
        }
        let at = self.rng.below(line.len());
        match self.rng.below(100) {
            0..15 => {
                self.seen.doubled += 1;
                Some(line[at].clone())
            }
            15..30 => {
                self.seen.lost += 1;
                line.swap_remove(at);
                None
            }
            _ => Some(line.swap_remove(at)),
        }
    }

    fn step(&mut self) {
        let node = self.rng.below(3);
        match self.rng.below(100) {
            0..20 => {
                let written = self.nodes[node].written;
                if written < NOTES {
                    let lane = LANES[usize::from(self.rng.percent(75))];
                    self.nodes[node].write(&entries()[node][written].0, lane);
                    self.nodes[node].written += 1;
                }
            }
            20..28 => {
                if self.nodes[node].written > 0 {
                    let at = self.rng.below(self.nodes[node].written);
                    self.nodes[node].write(&entries()[node][at].1, Precedence::Flash);
                }
            }
            28..50 => {
                if let Some(sent) = self.take(false) {
                    self.deliver(sent, true);
                }
            }
            50..70 => {
                if let Some(sent) = self.take(true) {
                    self.answer(sent);
                }
            }
            70..74 => {
                self.seen.crashes += 1;
                self.nodes[node].crash();
            }
            74..78 => self.nodes[node].offset = (self.rng.below(7200) as i64 - 3600) * SECOND,
            _ => {
                self.now = self.now.plus_nanos(self.rng.below(40) as i64 * SECOND);
                let to = (node + 1 + self.rng.below(2)) % 3;
                let lane = LANES[self.rng.below(2)];
                self.poll(node, to, lane, Vec::new());
            }
        }
    }

    /// Clocks are right, lines are good, nobody crashes: soon everything is acknowledged.
    fn quiet(&mut self) {
        self.requests.clear();
        self.replies.clear();
        self.nodes.iter_mut().for_each(|node| node.offset = 0);
        let mut rounds = 0;
        // Once everything is acknowledged a heartbeat follows, which must change nothing.
        let mut last = false;
        while !last {
            last = self.is_done();
            rounds += 1;
            assert!(rounds <= 12, "the lanes do not come to rest");
            self.now = self.now.plus_nanos(31 * SECOND);
            for from in 0..3 {
                for to in (0..3).filter(|to| *to != from) {
                    for lane in LANES {
                        self.poll(from, to, lane, Vec::new());
                    }
                }
            }
            while !self.requests.is_empty() || !self.replies.is_empty() {
                for sent in std::mem::take(&mut self.requests) {
                    self.deliver(sent, false);
                }
                for sent in std::mem::take(&mut self.replies) {
                    self.answer(sent);
                }
            }
        }
    }

    /// Whether every sender has the receipt for all that its lanes hold.
    fn is_done(&self) -> bool {
        self.nodes.iter().all(|node| node.outs.values().all(|out| out.acked() == out.size()))
    }

    fn check(&self) {
        for (from, sender) in self.nodes.iter().enumerate() {
            for (to, receiver) in self.nodes.iter().enumerate().filter(|(to, _)| *to != from) {
                let mut arrived = BTreeSet::new();
                for lane in LANES {
                    let sent =
                        sender.disk.outs.get(&(to, lane)).map(|log| log.ids.clone()).unwrap_or_default();
                    let held =
                        receiver.disk.ins.get(&(from, lane)).map(|log| log.ids.clone()).unwrap_or_default();
                    assert_eq!(held, sent, "{lane} from {from} to {to}");
                    assert_eq!(sender.outs[&(to, lane)].acked(), sent.len() as u64);
                    arrived.extend(sent);
                }
                for id in arrived {
                    let held = receiver.disk.content.get(&id).cloned().flatten();
                    let is_recall = sender.disk.content[&id].as_ref().unwrap().kind() == Recall::SCHEMA;
                    assert_eq!(
                        held.is_none(),
                        sender.is_recalled(&id) && !is_recall,
                        "{id} from {from} at {to}"
                    );
                }
            }
        }
    }
}

fn play(seed: u64) -> Seen {
    let nodes = std::array::from_fn(Node::new);
    let (requests, replies) = (Vec::new(), Vec::new());
    let mut world = World { rng: Rng(seed), now: now(), nodes, requests, replies, seen: Seen::default() };
    for _ in 0..20 + world.rng.below(60) {
        world.step();
    }
    world.quiet();
    world.check();
    world.seen
}

#[test]
fn three_nodes_end_equal_whatever_happens() {
    let seeds = pool().install(|| {
        (0..SEEDS)
            .into_par_iter()
            .map(|seed| std::panic::catch_unwind(|| play(seed)).map_err(|_| seed))
            .collect::<Vec<_>>()
    });
    let mut all = Seen::default();
    for seen in seeds {
        let seen = seen.unwrap_or_else(|seed| panic!("seed {seed} failed, see above"));
        all.lost += seen.lost;
        all.doubled += seen.doubled;
        all.crashes += seen.crashes;
        all.clock_off += seen.clock_off;
        all.replays += seen.replays;
        all.gaps += seen.gaps;
        all.overtaken += seen.overtaken;
        all.purged += seen.purged;
        all.items += seen.items;
    }
    let Seen { lost, doubled, crashes, clock_off, replays, gaps, overtaken, purged, items } = all;
    for count in [lost, doubled, crashes, clock_off, replays, gaps, overtaken, purged, items] {
        assert!(count > 100, "{all:?}");
    }
}
