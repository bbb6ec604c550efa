use serde::{Deserialize, Serialize};

use crate::{BlobHash, EntryId, Facts, Interval, Marked, Marking, Noun, Place, Source, Timestamp};

/// What was received, before anybody concluded anything from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// What sort of input, in dotted words: `orbit.catalogue`.
    pub kind: String,
    /// One line for people.
    pub title: String,
    /// Where it came from.
    pub source: Source,
    /// When this node received it.
    pub received: Timestamp,
    /// The span of time that it tells about.
    pub interval: Interval,
    /// Where, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// SHA-256 of the bytes as received.
    pub blob: BlobHash,
    /// How many bytes.
    pub bytes: u64,
    /// How many items were read from it, and how many faults that left.
    pub items: u64,
    /// Number of faults the reader reported.
    pub faults: u64,
    /// Who may have it.
    pub marking: Marking,
    /// Entries that it was taken from, as a rule none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EntryId>,
}

impl Noun for Observation {
    const SCHEMA: &'static str = "bongsu.observation/1";
}

impl Marked for Observation {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.marking)
    }

    fn evidence(&self) -> &[EntryId] {
        &self.evidence
    }

    fn facts(&self) -> Option<Facts> {
        Some(Facts { kind: Some(self.kind.clone()), ..Facts::of_noun(Self::SCHEMA) })
    }
}
