//! What clients did to collections, as entries of the record: the index of objects is computed from these alone.

use base::{BlobHash, EntryId, Marked, Marking, NodeName, Noun, Timestamp};
use serde::{Deserialize, Serialize};
use threat::taxii::Discovery;

use super::settings::{TaxiiAccount, TaxiiCollection, TaxiiRoot};

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

/// What was changed on the server's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaxiiAct {
    /// Somebody may come in from now on.
    AccountAdded {
        /// Who.
        account: TaxiiAccount,
    },
    /// Somebody may come in no more.
    AccountRemoved {
        /// Who.
        name: NodeName,
    },
    /// An API root, as it was on the server that was taken over.
    RootAdded {
        /// The root, without its collections.
        root: TaxiiRoot,
    },
    /// A collection is offered.
    CollectionAdded {
        /// The path of its root.
        root: String,
        /// What it is and who may read and write it.
        collection: TaxiiCollection,
    },
    /// A collection is offered no more. What it holds stays.
    CollectionRemoved {
        /// Its id.
        id: String,
        /// Its title.
        title: String,
    },
    /// The server introduces itself as the one that was taken over did.
    DiscoverySet {
        /// How.
        discovery: Discovery,
    },
}

/// Who may come in to the TAXII server and what it offers was changed. No password and no hash of one is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxiiSetUp {
    /// What was changed.
    #[serde(flatten)]
    pub act: TaxiiAct,
    /// Who changed it: `operator`, who has the data folder.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Nobody's.
    pub marking: Marking,
}

impl Noun for TaxiiSetUp {
    const SCHEMA: &'static str = "bongsu.taxii-set-up/1";
}

impl Marked for TaxiiSetUp {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.marking)
    }

    fn evidence(&self) -> &[EntryId] {
        &[]
    }
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
