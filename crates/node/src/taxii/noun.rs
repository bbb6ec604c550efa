//! What clients did to collections, as entries of the record: the index of objects is computed from these alone.

use base::{BlobHash, EntryId, Marked, Marking, Noun, Timestamp};
use serde::{Deserialize, Serialize};

/// An envelope that a client added, word by word in a blob.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiAdded {
    /// The id of the collection.
    pub collection: String,
    /// The envelope as it came.
    pub blob: BlobHash,
    /// Its size.
    pub bytes: u64,
    /// How many objects it lists.
    pub objects: u64,
    /// When it came; the `date_added` of its objects.
    pub at: Timestamp,
    /// The time at which each object was added to the server that it was taken over from, in the order of the envelope;
    /// empty for what came by TAXII.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Timestamp>,
    /// The client, as the settings name it.
    pub client: String,
    /// The id of the status resource.
    pub status: String,
    /// Nobody's: what leaves the node is decided object by object.
    pub marking: Marking,
}

impl Noun for TaxiiAdded {
    const SCHEMA: &'static str = "bongsu.taxii-added/1";
}

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovedVersion {
    /// The version, in microseconds since 1970.
    pub version: i64,
    /// `2.1`.
    pub spec_version: String,
}

/// Versions of an object that a client deleted. Their bytes stay in the record as evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiRemoved {
    /// The id of the collection.
    pub collection: String,
    /// The object.
    pub object: String,
    /// Which of its versions.
    pub versions: Vec<RemovedVersion>,
    /// When.
    pub at: Timestamp,
    /// The client, as the settings name it.
    pub client: String,
    /// Nobody's.
    pub marking: Marking,
}

impl Noun for TaxiiRemoved {
    const SCHEMA: &'static str = "bongsu.taxii-removed/1";
}

/// A status resource of the server that was taken over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiStatusTaken {
    /// The path of the root.
    pub root: String,
    /// The resource as it was.
    pub status: serde_json::Value,
    /// Nobody's.
    pub marking: Marking,
}

impl Noun for TaxiiStatusTaken {
    const SCHEMA: &'static str = "bongsu.taxii-status-taken/1";
}

impl Marked for TaxiiStatusTaken {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.marking)
    }

    fn evidence(&self) -> &[EntryId] {
        &[]
    }
}

impl Marked for TaxiiAdded {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.marking)
    }

    fn evidence(&self) -> &[EntryId] {
        &[]
    }
}

impl Marked for TaxiiRemoved {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.marking)
    }

    fn evidence(&self) -> &[EntryId] {
        &[]
    }
}
