use serde::{Deserialize, Serialize};

use crate::{EntryId, Marking, Noun};

/// The owner takes an item back: who holds it removes the content and keeps only the hash in its log.
///
/// A recall cannot make a person forget; it makes every node that holds the item stop showing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recall {
    /// The entry taken back.
    pub target: EntryId,
    /// Why, in words that all who had the item may read.
    pub reason: String,
    /// As wide as the target's marking was, or the recall would not reach those who have it.
    pub marking: Marking,
}

impl Noun for Recall {
    const SCHEMA: &'static str = "bongsu.recall/1";
}
