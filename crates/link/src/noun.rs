use base::{Country, EntryId, Marked, Marking, NodeName, Noun, Timestamp};
use serde::{Deserialize, Serialize};

/// A holder asks an item's originator whether it may pass it on (ORCON, or any item of another owner).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The item, by its hash.
    pub target: EntryId,
    /// The node that would get it.
    pub audience: NodeName,
    /// That node's country.
    pub audience_country: Country,
    /// Why, for the originator's officer.
    pub reason: String,
    /// For the originator alone.
    pub marking: Marking,
}

impl Noun for ReleaseRequest {
    const SCHEMA: &'static str = "bongsu.release-request/1";
}

/// The originator's answer to a [`ReleaseRequest`], or its own word that an item may go on to a node that it reaches
/// only through another (a hub). Bound to one item by its hash, to one node and to a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The item, by its hash.
    pub target: EntryId,
    /// The node that may get it.
    pub audience: NodeName,
    /// That node's country.
    pub audience_country: Country,
    /// `false`: it may not.
    pub granted: bool,
    /// The request that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<EntryId>,
    /// From then on it may not leave any more.
    pub expires: Timestamp,
    /// For the holder and the audience.
    pub marking: Marking,
}

impl Grant {
    /// Whether it lets `target` go to `audience` at `now`.
    pub fn lets(&self, target: &EntryId, audience: &NodeName, now: Timestamp) -> bool {
        self.granted && self.target == *target && self.audience == *audience && now < self.expires
    }
}

impl Noun for Grant {
    const SCHEMA: &'static str = "bongsu.grant/1";
}

/// The signed word of a node that it no longer shows what was recalled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecallReceipt {
    /// What was recalled.
    pub target: EntryId,
    /// The recall.
    pub recall: EntryId,
    /// Whether its content was here and was purged; otherwise it had not come yet, and will be kept out.
    pub purged: bool,
    /// When.
    pub at: Timestamp,
    /// For the recalling side alone.
    pub marking: Marking,
}

impl Noun for RecallReceipt {
    const SCHEMA: &'static str = "bongsu.recall-receipt/1";
}

/// An own item rests on one that its owner took back. For this node's officer alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivativeFlag {
    /// The own item.
    pub item: EntryId,
    /// What was recalled.
    pub recalled: EntryId,
    /// The recall.
    pub recall: EntryId,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for DerivativeFlag {
    const SCHEMA: &'static str = "bongsu.derivative-flag/1";
}

macro_rules! marked {
    ($($noun:ty),*) => {$(
        impl Marked for $noun {
            fn marking(&self) -> Option<&Marking> {
                Some(&self.marking)
            }

            fn evidence(&self) -> &[EntryId] {
                &[]
            }
        }
    )*};
}

marked!(ReleaseRequest, Grant, RecallReceipt, DerivativeFlag);
