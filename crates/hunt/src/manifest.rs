use std::path::Path;

use base::Timestamp;
use serde::{Deserialize, Serialize};
use threat::{LineShape, LogPosition};

use crate::{HuntError, disk};

/// The schema of a store's manifest.
pub const STORE_SCHEMA: &str = "bongsu.hunt-store/1";

const NAME: &str = "manifest.json";

/// What a store holds. Only what stands here counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) schema: String,
    /// The number of the segment that is written next; none is used twice.
    pub(crate) next_segment: u64,
    pub(crate) logs: Vec<KeptLog>,
    pub(crate) segments: Vec<KeptSegment>,
}

/// A log of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptLog {
    /// What it was called when it was indexed last.
    pub name: String,
    /// Unpacked bytes that are indexed.
    pub bytes: u64,
    /// SHA-256 of these bytes, in hexadecimal.
    pub sha256: String,
    /// Bytes of its beginning, by which it is known again, at most 65,536.
    pub head_bytes: u64,
    /// SHA-256 of this beginning.
    pub head_sha256: String,
    /// It was read to its end; otherwise indexing was cut off.
    pub complete: bool,
    /// Where reading goes on when it has grown. Absent: it is read from the beginning again.
    pub next: Option<Next>,
    /// The pieces in which it was read.
    pub parts: Vec<Part>,
}

/// Where reading goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// The physical line, from 1.
    pub line: u64,
    /// Its first byte.
    pub offset: u64,
    /// What the head of the log said up to there.
    pub shape: LineShape,
}

impl Next {
    pub(crate) fn of(position: &LogPosition) -> Self {
        Self { line: position.line, offset: position.offset, shape: (*position.shape).clone() }
    }

    pub(crate) fn position(&self) -> LogPosition {
        LogPosition { line: self.line, offset: self.offset, shape: std::sync::Arc::new(self.shape.clone()) }
    }
}

/// A piece of a log: what earlier segments hold of its lines from `line` on no longer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The first segment that may hold lines of it.
    pub segment: u64,
    /// Its first line.
    pub line: u64,
}

/// A segment: lines in Parquet, and the keys of their blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptSegment {
    /// Its number; the files are called after it.
    pub number: u64,
    /// Lines.
    pub lines: u64,
    /// Blocks of lines.
    pub blocks: u32,
    /// Time of its earliest line that has one.
    pub from: Option<Timestamp>,
    /// Time of its latest line.
    pub to: Option<Timestamp>,
    /// Lines without a time.
    pub undated: u64,
    /// Bytes of the file of lines.
    pub events_bytes: u64,
    /// SHA-256 of that file.
    pub events_sha256: String,
    /// Bytes of the file of keys.
    pub keys_bytes: u64,
    /// SHA-256 of that file.
    pub keys_sha256: String,
}

impl KeptSegment {
    /// The name of the file of lines within the store.
    pub fn events_name(&self) -> String {
        events_name(self.number)
    }

    /// The name of the file of keys within the store.
    pub fn keys_name(&self) -> String {
        keys_name(self.number)
    }
}

pub(crate) fn events_name(number: u64) -> String {
    format!("segment-{number:010}.parquet")
}

pub(crate) fn keys_name(number: u64) -> String {
    format!("segment-{number:010}.keys")
}

impl Manifest {
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, HuntError> {
        let path = folder.join(NAME);
        let Some(bytes) = disk::read_if_there(&path)? else { return Ok(None) };
        let bad = |reason: String| HuntError::BadManifest { path: path.clone(), reason };
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
        if manifest.schema != STORE_SCHEMA {
            return Err(bad(format!("its schema is `{}` and not `{STORE_SCHEMA}`", manifest.schema)));
        }
        Ok(Some(manifest))
    }

    pub(crate) fn new() -> Self {
        Self { schema: STORE_SCHEMA.to_owned(), next_segment: 1, logs: Vec::new(), segments: Vec::new() }
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), HuntError> {
        let path = folder.join(NAME);
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| HuntError::NotWritten { path: path.clone(), reason: error.to_string() })?;
        disk::write_whole(&path, &bytes)?;
        disk::sync_folder(folder)
    }

    /// Whether a line of segment `segment` still counts.
    pub(crate) fn counts(&self, log: usize, segment: u64, line: u64) -> bool {
        let later = |part: &Part| part.segment > segment && part.line <= line;
        self.logs.get(log).is_some_and(|log| !log.parts.iter().any(later))
    }
}
