//! What went to other TAXII servers, as entries of the record.

use base::{Country, EntryId, Marked, Marking, NodeName, Noun, Timestamp};
use serde::{Deserialize, Serialize};

/// One object that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentObject {
    /// The object.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// Objects that the rules of release let go to another TAXII server. Recorded before the first byte leaves, so that it
/// also tells of what may have left when no answer came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiSent {
    /// The server, as the settings name it.
    pub peer: NodeName,
    /// Whose it is.
    pub country: Country,
    /// Up to which level it was asked.
    pub clearance: String,
    /// The address they were posted to.
    pub url: String,
    /// The collection of this node that they are of.
    pub from: String,
    /// The objects, in the order of the envelope.
    pub objects: Vec<SentObject>,
    /// When.
    pub at: Timestamp,
    /// Nobody's.
    pub marking: Marking,
}

impl Noun for TaxiiSent {
    const SCHEMA: &'static str = "bongsu.taxii-sent/1";
}

impl Marked for TaxiiSent {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.marking)
    }

    fn evidence(&self) -> &[EntryId] {
        &[]
    }
}
