//! What verification and opening say about a record that is not as it was written.

use std::fmt;

use base::{EntryId, NodeName};
use serde::Serialize;

/// What is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// An entry: its bytes, hash or signature, or it is missing.
    Entry,
    /// The log as a whole: root or checkpoint.
    Checkpoint,
    /// A lane to or from a peer, or its cosigned checkpoint.
    Lane,
    /// A blob: bytes that do not have their hash, or that are missing.
    Blob,
    /// A Merkle tile.
    Tile,
    /// The index from ids to places.
    Index,
    /// The database as SQLite sees it.
    Database,
    /// A page of the database file.
    Page,
    /// The file of page digests.
    Pages,
    /// The write-ahead log.
    Wal,
    /// The format file.
    Format,
    /// A file that does not belong there.
    Stray,
}

/// One thing that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// What.
    pub kind: DamageKind,
    /// The entry's place in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The entry's id, when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<EntryId>,
    /// The file, below `record/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// First byte of the smallest piece that is known to hold the wrong byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_start: Option<u64>,
    /// First byte after that piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte_end: Option<u64>,
    /// In words.
    pub message: String,
}

impl Damage {
    pub(crate) fn file(kind: DamageKind, file: &str, start: usize, end: usize, message: &str) -> Self {
        Self {
            kind,
            seq: None,
            id: None,
            file: Some(file.to_owned()),
            byte_start: Some(start as u64),
            byte_end: Some(end as u64),
            message: message.to_owned(),
        }
    }

    pub(crate) fn entry(seq: u64, id: EntryId, message: &str) -> Self {
        Self {
            kind: DamageKind::Entry,
            seq: Some(seq),
            id: Some(id),
            file: None,
            byte_start: None,
            byte_end: None,
            message: message.to_owned(),
        }
    }

    pub(crate) fn missing_entry(seq: u64) -> Self {
        Self {
            kind: DamageKind::Entry,
            seq: Some(seq),
            id: None,
            file: None,
            byte_start: None,
            byte_end: None,
            message: "the entry is missing".to_owned(),
        }
    }

    pub(crate) fn general(kind: DamageKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            seq: None,
            id: None,
            file: None,
            byte_start: None,
            byte_end: None,
            message: message.into(),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seq) = self.seq {
            write!(f, "entry {seq}")?;
            if let Some(id) = &self.id {
                write!(f, " ({})", id.short())?;
            }
            write!(f, ": ")?;
        }
        if let Some(file) = &self.file {
            write!(f, "{file}")?;
            if let (Some(start), Some(end)) = (self.byte_start, self.byte_end) {
                write!(f, " bytes {start} to {end}")?;
            }
            write!(f, ": ")?;
        }
        f.write_str(&self.message)
    }
}

/// The most damage that a verdict names.
pub(crate) const MAX_DAMAGE: usize = 1000;

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// No damage at all.
    pub ok: bool,
    /// The node whose record it is.
    pub node: Option<NodeName>,
    /// Its public key: compare it with what its owner told you by another way.
    pub key: Option<String>,
    /// How many entries were read.
    pub entries: u64,
    /// How many of them were recalled by their owner and hold no content any more.
    pub purged: u64,
    /// How many blobs were read.
    pub blobs: u64,
    /// How many lanes.
    pub lanes: u64,
    /// The Merkle root over all entries, hexadecimal.
    pub root: String,
    /// The first damage in the order of the log, else of the files.
    pub first: Option<Damage>,
    /// All damage (at most 1,000 items; the rest only counts into `ok`).
    pub damage: Vec<Damage>,
    /// What is worth knowing but no damage.
    pub notes: Vec<String>,
}
