//! Two nodes, a third one, and what passes between them. All from seeds.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use base::{Country, EntryId, Marking, NodeName, Noun, Precedence, Recall, Timestamp};
use label::{Audience, Evidence, Level, Released, Rules, Standing, Withheld, release};
use link::{
    Acceptance, Action, Batch, BatchError, BatchHead, Event, Expected, Held, Inbound, Item, Outbound,
    PeerIdentity, ReceivedBatch, ReceivedItem, Refusal,
};
use rand_core::{CryptoRng, RngCore};
use record::{Checkpoint, Domain, Entry, Frontier, LaneState, NodeKey, PublicKey, lane_origin};
use serde::{Deserialize, Serialize};

/// SplitMix64: small, seeded, the same everywhere. Not for secrets outside tests.
#[derive(Debug, Clone)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    /// Less than `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next_u64() % bound as u64) as usize
    }

    /// True in `percent` of all cases.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

impl RngCore for Rng {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Rng {}

/// The smallest thing that can be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) text: String,
    pub(crate) marking: Marking,
}

impl Noun for Note {
    const SCHEMA: &'static str = "bongsu.note/1";
}

pub(crate) fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

pub(crate) fn name(text: &str) -> NodeName {
    text.parse().unwrap()
}

pub(crate) fn country(text: &str) -> Country {
    text.parse().unwrap()
}

pub(crate) fn to_usa() -> Marking {
    Marking::new("RESTRICTED", &["USA", "JPN"], "KOR")
}

/// The same name and number give the same key.
pub(crate) fn key(node: &str, number: u64) -> NodeKey {
    NodeKey::generate(name(node), &mut Rng(number))
}

pub(crate) fn seoul() -> NodeKey {
    key("seoul", 1)
}

pub(crate) fn washington() -> NodeKey {
    key("washington", 2)
}

pub(crate) fn tokyo() -> NodeKey {
    key("tokyo", 3)
}

pub(crate) fn identity(key: &NodeKey, of: &str) -> PeerIdentity {
    PeerIdentity { node: key.name().clone(), country: country(of), key: key.public() }
}

pub(crate) fn note_of(key: &NodeKey, of: &str, text: &str) -> Entry {
    let note = Note { text: text.to_owned(), marking: to_usa() };
    let seed = text.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
    Entry::sign(&note, &country(of), key, now(), &mut Rng(seed)).unwrap()
}

pub(crate) fn note(text: &str) -> Entry {
    note_of(&seoul(), "KOR", text)
}

fn signed_recall(target: EntryId, seed: u64) -> Entry {
    let recall = Recall { target, reason: "wrong object".to_owned(), marking: to_usa() };
    Entry::sign(&recall, &country("KOR"), &seoul(), now(), &mut Rng(seed)).unwrap()
}

pub(crate) fn recall(target: EntryId) -> Entry {
    signed_recall(target, 11)
}

/// Another entry with the same recall.
pub(crate) fn recall_again(target: EntryId) -> Entry {
    signed_recall(target, 12)
}

/// Seoul's decision on an entry for one of the two others.
pub(crate) fn decide(entry: Entry, to: &str, recalled: bool) -> Result<Released<Entry>, Withheld> {
    let of = if to == "washington" { "USA" } else { "JPN" };
    let audience =
        Audience { node: name(to), country: country(of), clearance: Level::Secret, organisation: None };
    let standing = Standing { recalled, evidence: &|_| Evidence::Unknown };
    release(entry, &audience, &Rules::new(country("KOR")), &standing, now())
}

pub(crate) fn released(entry: &Entry, to: &str) -> Released<Entry> {
    decide(entry.clone(), to, false).unwrap()
}

/// A lane as it lies on a disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct LaneLog {
    pub(crate) ids: Vec<EntryId>,
    pub(crate) acked: Option<Checkpoint>,
}

impl LaneLog {
    pub(crate) fn state(&self) -> LaneState {
        LaneState { frontier: Frontier::from_ids(&self.ids), acked: self.acked.clone() }
    }
}

/// Seoul's half toward Washington, with the record that it asks for former edges of its log.
#[derive(Debug)]
pub(crate) struct Out {
    half: Outbound,
    pub(crate) ids: Vec<EntryId>,
}

impl std::ops::Deref for Out {
    type Target = Outbound;

    fn deref(&self) -> &Outbound {
        &self.half
    }
}

impl Out {
    pub(crate) fn append(&mut self, entry: &Released<Entry>) -> Result<(), BatchError> {
        let place = self.half.append(entry)?;
        assert_eq!(place, self.ids.len() as u64);
        self.ids.push(entry.get().id());
        Ok(())
    }

    pub(crate) fn expires_at(&mut self, expires: Option<Timestamp>) {
        self.half.expires_at(expires);
    }

    pub(crate) fn poll(&mut self, now: Timestamp, inbox: Vec<Event>) -> Vec<Action> {
        self.half.poll(now, inbox)
    }

    pub(crate) fn batch(&mut self, start: u64, items: Vec<Item>, key: &NodeKey) -> Result<Batch, BatchError> {
        let before = Frontier::from_ids(&self.ids[..start as usize]);
        if let Some(known) = self.half.frontier_at(start) {
            assert_eq!(known, before);
        }
        self.half.batch(before, items, key, now())
    }
}

pub(crate) fn outbound(log: LaneLog) -> Out {
    let peer = identity(&washington(), "USA");
    let half = Outbound::new(name("seoul"), peer, Precedence::Routine, Domain::Live, log.state());
    Out { half, ids: log.ids }
}

/// Washington's half toward Seoul, with the record that it asks.
#[derive(Debug, Clone)]
pub(crate) struct In {
    pub(crate) half: Inbound,
    pub(crate) ids: Vec<EntryId>,
    /// The content that the record holds.
    pub(crate) held: Vec<Entry>,
}

impl In {
    pub(crate) fn size(&self) -> u64 {
        self.half.size()
    }

    pub(crate) fn acked(&self) -> Option<&Checkpoint> {
        self.half.acked()
    }

    pub(crate) fn stored(&mut self, acceptance: &Acceptance) {
        self.half.stored(acceptance);
        self.ids.extend(acceptance.batch.lane_rows.iter().map(|row| row.id));
        let gone = |entry: &Entry| acceptance.batch.purge.iter().any(|purge| purge.target == entry.id());
        self.held.extend(acceptance.batch.entries.iter().map(|incoming| incoming.entry.clone()));
        self.held.retain(|entry| !gone(entry));
    }
}

impl Held for In {
    fn lane_ids(&self, start: u64, count: usize) -> Result<Vec<EntryId>, String> {
        Ok(self.ids.iter().skip(start as usize).take(count).copied().collect())
    }

    fn place(&self, id: &EntryId) -> Result<Option<(Precedence, u64)>, String> {
        let at = self.ids.iter().position(|held| held == id);
        Ok(at.map(|place| (Precedence::Routine, place as u64)))
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, String> {
        Ok(self.held.iter().find(|entry| entry.id() == *id).cloned())
    }

    fn is_recalled(&self, id: &EntryId, author: &PublicKey) -> bool {
        self.held.iter().any(|entry| recalls(entry, id, author))
    }

    fn is_granted(&self, id: &EntryId, author: &PublicKey, now: Timestamp) -> bool {
        let lets = |entry: &Entry| {
            entry.noun::<link::Grant>().is_ok_and(|grant| grant.lets(id, &name("washington"), now))
        };
        self.held.iter().any(|entry| entry.key() == author && lets(entry))
    }
}

/// Whether `entry` is a recall of `id` by `author`.
pub(crate) fn recalls(entry: &Entry, id: &EntryId, author: &PublicKey) -> bool {
    entry.key() == author && entry.noun::<Recall>().is_ok_and(|recall| recall.target == *id)
}

pub(crate) fn inbound(log: LaneLog) -> In {
    let half = Inbound::new(name("washington"), identity(&seoul(), "KOR"), Precedence::Routine, log.state());
    In { half, ids: log.ids, held: Vec::new() }
}

pub(crate) fn ids(entries: &[Entry]) -> Vec<EntryId> {
    entries.iter().map(Entry::id).collect()
}

/// A checkpoint of the log from Seoul to Washington over `ids`, signed by `key`.
pub(crate) fn checkpoint(ids: &[EntryId], key: &NodeKey) -> Checkpoint {
    let origin = lane_origin(&name("seoul"), &name("washington"), Precedence::Routine);
    Checkpoint::sign(&origin, ids.len() as u64, Frontier::from_ids(ids).root(), key).unwrap()
}

pub(crate) fn item(entry: &Entry) -> ReceivedItem {
    ReceivedItem::of(entry)
}

/// The id of an item, as the receiver will find it.
pub(crate) fn id_of(item: &ReceivedItem) -> EntryId {
    match item {
        ReceivedItem::Withdrawn(id) => *id,
        ReceivedItem::Entry { payload, .. } => {
            use sha2::Digest as _;
            EntryId::from_bytes(sha2::Sha256::digest(payload).into())
        }
    }
}

/// A batch in Seoul's name as anybody could put it together: all of `entries` from place `start` on.
pub(crate) fn batch(entries: &[Entry], start: usize) -> ReceivedBatch {
    ReceivedBatch {
        head: BatchHead {
            from: name("seoul"),
            to: name("washington"),
            precedence: Precedence::Routine,
            domain: Domain::Live,
            start: start as u64,
            count: (entries.len() - start) as u32,
            made: now(),
            checkpoint: checkpoint(&ids(entries), &seoul()).note().to_owned(),
        },
        items: entries[start..].iter().map(item).collect(),
    }
}

/// The batch with something else in its head.
pub(crate) fn with_head(mut batch: ReceivedBatch, change: impl FnOnce(&mut BatchHead)) -> ReceivedBatch {
    change(&mut batch.head);
    batch
}

pub(crate) fn pool() -> &'static rayon::ThreadPool {
    static POOL: std::sync::OnceLock<rayon::ThreadPool> = std::sync::OnceLock::new();
    POOL.get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap())
}

/// What Washington says of a batch by itself.
pub(crate) fn verified(batch: &ReceivedBatch, now: Timestamp) -> Result<link::VerifiedBatch, Refusal> {
    let (me, peer) = (name("washington"), identity(&seoul(), "KOR"));
    let author = |node: &NodeName| (*node == name("tokyo")).then(|| identity(&tokyo(), "JPN"));
    let lane = Some(Precedence::Routine);
    let expected =
        Expected { me: &me, domain: Domain::Live, peer: &peer, lane, now: Some(now), author: &author };
    link::verify(batch.clone(), &expected, pool())
}

/// What Washington says of a batch.
pub(crate) fn receive(inbound: &In, batch: &ReceivedBatch) -> Result<Acceptance, Refusal> {
    inbound.half.receive(verified(batch, now())?, inbound, &washington(), now())
}

/// Washington's half when it has received `entries`.
pub(crate) fn holding(entries: &[Entry]) -> In {
    let mut inbound = inbound(LaneLog::default());
    let acceptance = receive(&inbound, &batch(entries, 0)).unwrap();
    inbound.stored(&acceptance);
    inbound
}

/// A batch as it arrives, from a batch as it leaves.
pub(crate) fn over_the_wire(batch: &Batch) -> ReceivedBatch {
    ReceivedBatch::read(&batch.to_bytes().unwrap()).unwrap()
}

pub(crate) fn items_for_washington(entries: &[Entry]) -> Vec<Item> {
    entries.iter().map(|entry| Item::Released(released(entry, "washington"))).collect()
}
