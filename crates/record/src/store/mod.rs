//! Where entries are kept: one trait, and SQLite behind it. The only part of the room that touches disk.

mod blobs;
mod damage;
mod files;
mod ids;
mod lanes;
mod lock;
mod open;
mod pages;
mod queries;
mod read;
mod repair;
mod schema;
mod sqlite;
mod tree;
mod verify;
mod wal;
mod write;

use std::fmt;
use std::path::PathBuf;

use base::{BlobHash, Country, EntryId, Marking, NodeName, Noun, Precedence, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{BeyondLog, Checkpoint, CheckpointError, Entry, EntryError, Frontier, PublicKey};

pub use damage::{Damage, DamageKind, Verdict};
pub use read::{ReadRecord, founder};
pub use repair::{RepairSource, Repaired, entries_in, repair};
pub use sqlite::{SqliteOptions, SqliteRecord};
pub use verify::{verify_dir, verify_open};

/// Why the record cannot be opened, read or written. Nothing is half-written: a commit happens whole or not at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process holds the folder.
    #[error("`{}` is in use by another bongsu process; stop that one first", path.display())]
    InUse {
        /// The data folder.
        path: PathBuf,
    },
    /// No record here.
    #[error("`{}` holds no record; give the data folder of a node", path.display())]
    Missing {
        /// The data folder.
        path: PathBuf,
    },
    /// Written by a later version.
    #[error("`{}` has format `{found}`, this program reads `{expected}`; use the bongsu that wrote it or a newer one", path.display())]
    OtherFormat {
        /// The format file.
        path: PathBuf,
        /// Its content.
        found: String,
        /// What this version reads.
        expected: &'static str,
    },
    /// The key at hand is not the owner's.
    #[error("`{}` was signed with another key than `keys/signing.key` holds; restore that file from a copy", path.display())]
    OtherKey {
        /// The record folder.
        path: PathBuf,
    },
    /// Damage was found while opening.
    #[error(
        "the record is damaged: {first}; run `bongsu record verify` on the folder, and restore it from a copy"
    )]
    Damaged {
        /// The first damage.
        first: Box<Damage>,
    },
    /// No space left, or over the size limit.
    #[error("no space left for the record in `{}`; nothing of this batch was written: free some space and try again", path.display())]
    Full {
        /// The record folder.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// SQLite said no.
    #[error("the record's database: {0}")]
    Sql(rusqlite::Error),
    /// An entry that is not in order.
    #[error("{0}")]
    Entry(#[from] EntryError),
    /// A checkpoint that is not in order.
    #[error("{0}")]
    Checkpoint(#[from] CheckpointError),
    /// Something beyond the log was asked for.
    #[error("{0}")]
    Beyond(#[from] BeyondLog),
    /// A recall of something that is not there, or not the caller's to recall.
    #[error("entry {id} cannot be purged: {reason}")]
    CannotPurge {
        /// Which entry.
        id: EntryId,
        /// Why.
        reason: &'static str,
    },
}

impl From<Damage> for StoreError {
    fn from(first: Damage) -> Self {
        Self::Damaged { first: Box::new(first) }
    }
}

/// The two ends of a log that is shared with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// This node writes, the peer reads.
    Out,
    /// The peer writes, this node reads.
    In,
}

/// One log between two nodes: who, which way, and how urgent. Lanes of another precedence are logs of their own, so
/// that a warning never waits behind a bulk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The other node.
    pub peer: NodeName,
    /// Which of the two writes.
    pub direction: Direction,
    /// How soon its items must be there.
    pub precedence: Precedence,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction {
            Direction::Out => write!(f, "to {} ({})", self.peer, self.precedence),
            Direction::In => write!(f, "from {} ({})", self.peer, self.precedence),
        }
    }
}

/// The origin line of a node's own log.
pub fn home_origin(node: &NodeName) -> String {
    format!("bongsu/{node}/home")
}

/// The origin line of the log that `from` keeps for `to` at one precedence.
pub fn lane_origin(from: &NodeName, to: &NodeName, precedence: Precedence) -> String {
    format!("bongsu/{from}/to/{to}/{precedence}")
}

/// The first entry of every record: who owns it. Never released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// The node.
    pub node: NodeName,
    /// Its name for people.
    pub title: String,
    /// Its country.
    pub country: Country,
    /// The version of the program that founded it.
    pub version: String,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for Genesis {
    const SCHEMA: &'static str = "bongsu.genesis/1";
}

/// The program that signs here from now on, in a record that another program founded or wrote last. Never released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the program's file, when it could be read.
    pub sha256: Option<BlobHash>,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for Program {
    const SCHEMA: &'static str = "bongsu.program/1";
}

/// A node that this one exchanges entries with, as its officer introduced it. Never released. A later entry for the
/// same node replaces an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// The node's name.
    pub node: NodeName,
    /// Its name for people.
    pub title: String,
    /// Its country.
    pub country: Country,
    /// The highest level that it may have, as a level word of room `label`.
    pub clearance: String,
    /// Its Ed25519 key: 64 hexadecimal digits.
    pub key: String,
    /// SHA-256 of its TLS certificate in DER.
    pub certificate: base::KeyFingerprint,
    /// Host and port of its link.
    pub address: String,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for Peer {
    const SCHEMA: &'static str = "bongsu.peer/1";
}

/// An entry on its way into the record.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The entry.
    pub entry: Entry,
    /// When it came from a peer; `None` for an own one.
    pub received: Option<Timestamp>,
}

/// An entry as it lies in the record.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its place in the log, from 0.
    pub seq: u64,
    /// Its id.
    pub id: EntryId,
    /// The content; `None` once its owner recalled it and this node is not the owner.
    pub entry: Option<Entry>,
    /// Who signed it.
    pub key: PublicKey,
    /// When it came from a peer; `None` for an own one.
    pub received: Option<Timestamp>,
}

/// One more leaf of a lane's log.
#[derive(Debug, Clone)]
pub struct LaneRow {
    /// Which lane.
    pub lane: Lane,
    /// The entry.
    pub id: EntryId,
}

/// A leaf of a lane with its entry, as it is read for sending on.
#[derive(Debug, Clone)]
pub struct LaneItem {
    /// Its id.
    pub id: EntryId,
    /// The entry's place in the own log; `None` when the entry never came.
    pub seq: Option<u64>,
    /// The content; `None` when it never came, or was purged.
    pub entry: Option<Entry>,
}

/// The newest checkpoint of a lane that both sides have signed.
#[derive(Debug, Clone)]
pub struct LaneAck {
    /// Which lane.
    pub lane: Lane,
    /// The checkpoint with the cosignature.
    pub checkpoint: Checkpoint,
}

/// The content of a received entry goes, because its owner said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purge {
    /// The entry whose content goes.
    pub target: EntryId,
    /// The recall, in the record or in the same batch, signed by the key that signed the target.
    pub recall: EntryId,
}

/// What one commit writes, all or nothing.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Entries to append; one whose id is already there is skipped.
    pub entries: Vec<Incoming>,
    /// Leaves to append to lanes.
    pub lane_rows: Vec<LaneRow>,
    /// New acknowledged checkpoints.
    pub acks: Vec<LaneAck>,
    /// Per peer: up to where the own log has been looked through for it.
    pub cursors: Vec<(NodeName, u64)>,
    /// Received entries whose owner recalled them: their content goes, their place stays.
    pub purge: Vec<Purge>,
}

impl Batch {
    /// A batch that appends own entries.
    pub fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self {
            entries: entries.into_iter().map(|entry| Incoming { entry, received: None }).collect(),
            ..Self::default()
        }
    }

    /// Whether it would write nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.lane_rows.is_empty()
            && self.acks.is_empty()
            && self.cursors.is_empty()
            && self.purge.is_empty()
    }
}

/// What a commit did. When it returns, all of it is on disk.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// For each entry of the batch its place in the log, and whether it is new there.
    pub places: Vec<(u64, bool)>,
    /// The tile or checkpoint files could not be written (the entries are safe in the database); the next commit
    /// tries again.
    pub derived_behind: Option<String>,
}

/// Where a lane stands.
#[derive(Debug, Clone, Default)]
pub struct LaneState {
    /// The right edge of its tree: size and root follow from it.
    pub frontier: Frontier,
    /// The newest checkpoint that both sides signed.
    pub acked: Option<Checkpoint>,
}

/// What a record store does. SQLite is one; the same conformance tests will run on others.
pub trait RecordStore {
    /// Writes a batch, all or nothing, and returns when it is on disk.
    ///
    /// # Errors
    /// See [`StoreError`]; on an error nothing of the batch was written.
    fn commit(&mut self, batch: &Batch) -> Result<Committed, StoreError>;

    /// The entry at place `seq`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn at(&self, seq: u64) -> Result<Option<Stored>, StoreError>;

    /// The entry `id`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn get(&self, id: &EntryId) -> Result<Option<Stored>, StoreError>;

    /// How many entries the own log has.
    fn log_size(&self) -> u64;

    /// The root over all of them.
    fn root(&self) -> [u8; 32];

    /// The inclusion proof (RFC 6962, 2.1.1) of entry `index` in the own log's tree over its first `size` entries,
    /// checked before it is given.
    ///
    /// # Errors
    /// When the entry or the size is beyond the log, or the store cannot be read.
    fn inclusion(&self, index: u64, size: u64) -> Result<Vec<[u8; 32]>, StoreError>;

    /// The consistency proof (RFC 6962, 2.1.2) between the own log's trees over its first `old` and `new` entries,
    /// checked before it is given; empty when the sizes are equal or `old` is 0.
    ///
    /// # Errors
    /// When `old` is larger than `new` or `new` beyond the log, or the store cannot be read.
    fn consistency(&self, old: u64, new: u64) -> Result<Vec<[u8; 32]>, StoreError>;

    /// The newest signed checkpoint of the own log.
    fn checkpoint(&self) -> &Checkpoint;

    /// Where a lane stands; empty when it was never used.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn lane(&self, lane: &Lane) -> Result<LaneState, StoreError>;

    /// The right edge of a lane's tree over its first `size` leaves.
    ///
    /// # Errors
    /// When the lane is shorter, or the store cannot be read.
    fn lane_frontier(&self, lane: &Lane, size: u64) -> Result<Frontier, StoreError>;

    /// The leaves of a lane from place `start` on, at most `count`; fewer where the lane ends.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn lane_ids(&self, lane: &Lane, start: u64, count: u64) -> Result<Vec<EntryId>, StoreError>;

    /// The same with the entries, for sending them on; fewer once they have `most_bytes` of content. Rows and ids vouch
    /// for what is read; signatures are left to be checked by who gets it.
    ///
    /// # Errors
    /// When the store cannot be read or what was read is not as it was written.
    fn lane_items(
        &self,
        lane: &Lane,
        start: u64,
        count: u64,
        most_bytes: usize,
    ) -> Result<Vec<LaneItem>, StoreError>;

    /// At which place of a lane `id` stands; `None` when it does not.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn lane_place(&self, lane: &Lane, id: &EntryId) -> Result<Option<u64>, StoreError>;

    /// Up to where the own log has been looked through for `peer`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn cursor(&self, peer: &NodeName) -> Result<u64, StoreError>;

    /// Keeps `bytes` under their hash; keeping the same bytes again is nothing new.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    fn put_blob(&mut self, bytes: &[u8]) -> Result<BlobHash, StoreError>;

    /// The bytes under `hash`, checked; `None` when they are not held.
    ///
    /// # Errors
    /// When they cannot be read or do not have that hash any more.
    fn blob(&self, hash: &BlobHash) -> Result<Option<Vec<u8>>, StoreError>;

    /// Whether the bytes under `hash` are held.
    fn has_blob(&self, hash: &BlobHash) -> bool;
}
