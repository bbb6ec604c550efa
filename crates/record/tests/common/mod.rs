//! Small records on real folders.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests prepare and damage real folders")]

use std::fs;
use std::path::{Path, PathBuf};

use base::{EntryId, Marking, Noun, Precedence, Timestamp};
use rand_core::{CryptoRng, RngCore};
use record::{Batch, Direction, Entry, Lane, LaneRow, NodeKey, RecordStore, SqliteOptions, SqliteRecord};
use serde::{Deserialize, Serialize};

/// SplitMix64: small, seeded, the same everywhere. Not for secrets outside tests.
#[derive(Debug, Clone)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    /// Less than `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next_u64() % bound
    }

    /// True in `percent` of all cases.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
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

/// The smallest thing that can be recorded.
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

pub(crate) fn key() -> NodeKey {
    NodeKey::from_secret("seoul".parse().unwrap(), &[5; 32])
}

/// The entry of a number: the same in every process.
pub(crate) fn note(n: u64) -> Entry {
    let text = format!("note {n}, {}", "and some more text ".repeat((n % 7) as usize));
    let note = Note { text, marking: Marking::new("RESTRICTED", &["USA"], "KOR") };
    Entry::sign(&note, &"KOR".parse().unwrap(), &key(), now(), &mut Rng(n)).unwrap()
}

pub(crate) fn lane() -> Lane {
    Lane { peer: "washington".parse().unwrap(), direction: Direction::Out, precedence: Precedence::Routine }
}

/// Files change places often: logs are copied and runs written after few entries.
pub(crate) fn restless() -> SqliteOptions {
    SqliteOptions { wal_bytes: 100_000, recent_ids: 40, ..SqliteOptions::default() }
}

/// A record with its first entry only; notes follow, so that note `n` stands at place `n + 1`.
pub(crate) fn found(data: &Path) {
    let country = "KOR".parse().unwrap();
    drop(SqliteRecord::create(data, key(), &country, "Seoul", "0", now(), &mut Rng(1)).unwrap());
}

/// Appends the notes `start` to before `end` to the log and to the lane.
pub(crate) fn append(record: &mut SqliteRecord, start: u64, end: u64) {
    let notes: Vec<Entry> = (start..end).map(note).collect();
    let lane_rows = notes.iter().map(|note| LaneRow { lane: lane(), id: note.id() }).collect();
    record.commit(&Batch { lane_rows, ..Batch::of(notes) }).unwrap();
}

/// Every entry is there under its place and its id, every lane place too, and the signed checkpoint is of all of them.
pub(crate) fn check_all(record: &SqliteRecord, at_least: u64) {
    let size = record.log_size();
    assert!(size > at_least, "{size} entries, {at_least} notes were acknowledged");
    assert_eq!(record.checkpoint().size(), size);
    assert_eq!(record.checkpoint().root(), record.root());
    let lane_ids = record.lane_ids(&lane(), 0, u64::MAX).unwrap();
    assert_eq!(lane_ids.len() as u64, size - 1);
    for (n, id) in (0..).zip(lane_ids) {
        let stored = record.get(&id).unwrap().unwrap();
        assert_eq!((stored.seq, record.lane_place(&lane(), &id).unwrap()), (n + 1, Some(n)));
        assert_eq!(
            stored.entry.unwrap().noun::<Note>().unwrap().text.split(',').next(),
            Some(&*format!("note {n}"))
        );
    }
    assert_eq!(record.get(&EntryId::from_bytes([9; 32])).unwrap().map(|s| s.seq), None);
}

pub(crate) fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(all_files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    for file in all_files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}
