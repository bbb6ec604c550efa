//! Two nodes, a third one, and what passes between them. All from seeds.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use base::{Country, EntryId, Marking, NodeName, Noun, Precedence, Recall, Timestamp};
use label::{Audience, Evidence, Level, Released, Rules, Standing, Withheld, release};
use link::{
    Acceptance, Inbound, Item, LaneLog, Outbound, PeerIdentity, ReceivedBatch, ReceivedItem, Refusal,
};
use rand_core::{CryptoRng, RngCore};
use record::{Checkpoint, Entry, MerkleLog, NodeKey, lane_origin};
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
    let audience = Audience { node: name(to), country: country(of), clearance: Level::Secret };
    let standing = Standing { recalled, evidence: &|_| Evidence::Unknown };
    release(entry, &audience, &Rules::new(country("KOR")), &standing, now())
}

pub(crate) fn released(entry: &Entry, to: &str) -> Released<Entry> {
    decide(entry.clone(), to, false).unwrap()
}

/// Seoul's half toward Washington.
pub(crate) fn outbound(state: LaneLog) -> Outbound {
    Outbound::new(name("seoul"), identity(&washington(), "USA"), state)
}

/// Washington's half toward Seoul.
pub(crate) fn inbound(state: LaneLog) -> Inbound {
    Inbound::new(name("washington"), identity(&seoul(), "KOR"), state)
}

pub(crate) fn ids(entries: &[Entry]) -> Vec<EntryId> {
    entries.iter().map(Entry::id).collect()
}

/// A checkpoint of the log from Seoul to Washington over `ids`, signed by `key`.
pub(crate) fn checkpoint(ids: &[EntryId], key: &NodeKey) -> Checkpoint {
    let origin = lane_origin(&name("seoul"), &name("washington"), Precedence::Routine);
    Checkpoint::sign(&origin, ids.len() as u64, MerkleLog::from_ids(ids).root(), key).unwrap()
}

pub(crate) fn item(entry: &Entry) -> ReceivedItem {
    ReceivedItem { id: entry.id(), envelope: Some(entry.to_envelope()), withdrawn: false }
}

/// A batch in Seoul's name as anybody could put it together: all of `entries` from place `start` on.
pub(crate) fn batch(entries: &[Entry], start: usize) -> ReceivedBatch {
    ReceivedBatch {
        schema: "bongsu.link-batch/1".to_owned(),
        from: name("seoul"),
        to: name("washington"),
        start: start as u64,
        items: entries[start..].iter().map(item).collect(),
        checkpoint: checkpoint(&ids(entries), &seoul()).note().to_owned(),
    }
}

/// What Washington says of a batch.
pub(crate) fn receive(inbound: &Inbound, batch: &ReceivedBatch) -> Result<Acceptance, Refusal> {
    inbound.receive(batch, &washington(), now())
}

/// Washington's half when it has received `entries`.
pub(crate) fn holding(entries: &[Entry]) -> Inbound {
    let mut inbound = inbound(LaneLog::default());
    let acceptance = receive(&inbound, &batch(entries, 0)).unwrap();
    inbound.stored(&acceptance);
    inbound
}

/// A batch as it arrives, from a batch as it leaves.
pub(crate) fn over_the_wire(batch: &link::Batch) -> ReceivedBatch {
    serde_json::from_str(&serde_json::to_string(batch).unwrap()).unwrap()
}

pub(crate) fn items_for_washington(entries: &[Entry]) -> Vec<Item> {
    entries.iter().map(|entry| Item::Released(released(entry, "washington"))).collect()
}
