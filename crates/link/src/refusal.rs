use base::{KeyFingerprint, Marking, NodeName, Noun, Precedence, Timestamp};
use record::Domain;
use serde::{Deserialize, Serialize};

/// Why something from a peer was not taken. The receiver says so to the peer and keeps it in its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// A certificate that no peering pins.
    #[error("the certificate is not that of a peer")]
    UnknownPeer,
    /// The certificate is one peer's, the batch says another.
    #[error("the connection is that of another peer than `{claimed}`")]
    WrongSender {
        /// Who the batch says it is from.
        claimed: NodeName,
    },
    /// Meant for another node.
    #[error("the batch is for `{meant}`")]
    WrongRecipient {
        /// For whom.
        meant: NodeName,
    },
    /// Not the wire form that this version speaks.
    #[error("not a batch: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// Too many items or bytes.
    #[error("over the limit of {limit}")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// Items before this batch are missing.
    #[error("the batch starts at {start}, this node stands at {size}")]
    Gap {
        /// Where the batch starts.
        start: u64,
        /// Where this node stands.
        size: u64,
    },
    /// Old items, or an item for the second time.
    #[error("a replay: {reason}")]
    Replay {
        /// What was seen before.
        reason: String,
        /// The batch was made after the newest that was accepted, and holds what is held here: a sender that lost its
        /// last receipts in a crash begins again so.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        made_anew: bool,
    },
    /// The sender's log differs from what it showed before.
    #[error("the log was rewritten at place {place}")]
    Fork {
        /// First place that differs.
        place: u64,
    },
    /// The checkpoint is not the sender's, or not over these items.
    #[error("the checkpoint does not hold: {reason}")]
    BadCheckpoint {
        /// What is wrong.
        reason: String,
    },
    /// An entry that is damaged or forged.
    #[error("item {place} is no valid entry: {reason}")]
    BadEntry {
        /// Its place.
        place: u64,
        /// What is wrong.
        reason: String,
    },
    /// An entry that somebody else wrote.
    #[error("item {place} is in the name of `{author}`")]
    OtherAuthor {
        /// Its place.
        place: u64,
        /// In whose name.
        author: String,
    },
    /// An entry of an exercise offered as live, or the other way.
    #[error("it is {found}, this link is not")]
    OtherDomain {
        /// What it is.
        found: Domain,
    },
    /// The two clocks differ by more than the link bears.
    #[error("the sender's clock differs by {seconds} s from this node's")]
    ClockOff {
        /// By how much the sender's is ahead.
        seconds: i64,
    },
    /// The peering agreement has run out.
    #[error("the peering agreement has run out at {at}")]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// A lane that the peering agreement does not name.
    #[error("the peering agreement does not name the lane {lane}")]
    LaneNotAgreed {
        /// Which.
        lane: Precedence,
    },
    /// More at once than one peer may.
    #[error("over this peer's share of {what}")]
    OverShare {
        /// Of what.
        what: String,
    },
    /// The receiver could not store it.
    #[error("cannot store now: {reason}")]
    CannotStore {
        /// Why.
        reason: String,
    },
}

impl Refusal {
    /// The stable code, as it stands on the wire.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownPeer => "unknown_peer",
            Self::WrongSender { .. } => "wrong_sender",
            Self::WrongRecipient { .. } => "wrong_recipient",
            Self::Malformed { .. } => "malformed",
            Self::TooLarge { .. } => "too_large",
            Self::Gap { .. } => "gap",
            Self::Replay { .. } => "replay",
            Self::Fork { .. } => "fork",
            Self::BadCheckpoint { .. } => "bad_checkpoint",
            Self::BadEntry { .. } => "bad_entry",
            Self::OtherAuthor { .. } => "other_author",
            Self::OtherDomain { .. } => "other_domain",
            Self::ClockOff { .. } => "clock_off",
            Self::Expired { .. } => "expired",
            Self::LaneNotAgreed { .. } => "lane_not_agreed",
            Self::OverShare { .. } => "over_share",
            Self::CannotStore { .. } => "cannot_store",
        }
    }

    /// Whether honest nodes run into it in ordinary work (after a crash, on a full disk, when an agreement has run out). Such a one is answered
    /// but not kept in the record.
    pub const fn is_ordinary(&self) -> bool {
        matches!(
            self,
            Self::Gap { .. }
                | Self::CannotStore { .. }
                | Self::Expired { .. }
                | Self::Replay { made_anew: true, .. }
        )
    }
}

/// The record's entry about a refusal. Releasable to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// The peer whose connection it was, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<NodeName>,
    /// The certificate of the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<KeyFingerprint>,
    /// Address and port it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Why.
    pub refusal: Refusal,
    /// When.
    pub at: Timestamp,
    /// How many of the same sort were left out since the last such entry, so that a flood cannot fill the record.
    pub suppressed: u64,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for Refused {
    const SCHEMA: &'static str = "bongsu.refusal/1";
}
