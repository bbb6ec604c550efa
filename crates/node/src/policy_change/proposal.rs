//! A policy or a table of codes on its way into force, and why a step on that way is refused.

use std::collections::{BTreeMap, BTreeSet};

use base::{BlobHash, EntryId, Timestamp};
use label::{CodeTable, PolicyDocument, Rules};

use super::OFFICERS_TO_SIGN;

/// Why a step toward a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyStepError {
    /// No such proposal.
    #[error("entry {id} is no policy or table of this record; `bongsu label policy list` shows them")]
    NoProposal {
        /// What was named.
        id: EntryId,
    },
    /// The key is no officer's.
    #[error("the key is that of no officer of this record; `bongsu officer new` makes one")]
    NoOfficer,
    /// The officer has signed.
    #[error("officer `{officer}` has signed this already; another one must")]
    SignedAlready {
        /// Who.
        officer: String,
    },
    /// Another policy came in between.
    #[error(
        "another one was put in force since this one was proposed; propose it anew, as things stand today"
    )]
    Stale,
    /// Too few signatures.
    #[error("{signed} of {OFFICERS_TO_SIGN} officers have signed it")]
    TooFew {
        /// How many have.
        signed: usize,
    },
    /// It is in force.
    #[error("it was applied already")]
    AppliedAlready,
    /// The version does not rise.
    #[error("version {version} of `{name}` does not follow version {newest}: give a higher one")]
    OldVersion {
        /// The policy's name.
        name: String,
        /// The version that was proposed.
        version: u64,
        /// The highest in the record.
        newest: u64,
    },
}

/// An officer's signature under a proposal, as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficerSigned {
    /// What tells the signing key from all others: two names with one key are one officer.
    pub by: [u8; 32],
    /// The entry that holds the signature.
    pub entry: EntryId,
}

/// What two officers sign.
#[derive(Debug, Clone, PartialEq)]
pub enum ProposedRule {
    /// A national policy.
    Policy(PolicyDocument),
    /// A table of country and group codes, with its place among those of the record, from 1.
    Codes(CodeTable, u64),
}

impl ProposedRule {
    /// Which sort it is: `policy` or `codes`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Policy(_) => "policy",
            Self::Codes(..) => "codes",
        }
    }

    /// What it is called: `policy/kor/3`, `codes/2026-03`.
    pub fn path(&self) -> String {
        match self {
            Self::Policy(document) => document.path(),
            Self::Codes(table, _) => format!("codes/{}", table.version),
        }
    }

    /// The policy, when it is one.
    pub const fn policy(&self) -> Option<&PolicyDocument> {
        match self {
            Self::Policy(document) => Some(document),
            Self::Codes(..) => None,
        }
    }

    /// Its version among those of its name: of a table its place in the record.
    pub const fn version(&self) -> u64 {
        match self {
            Self::Policy(document) => document.version,
            Self::Codes(_, place) => *place,
        }
    }

    /// From when on it holds, at the earliest.
    pub const fn effective_from(&self) -> Timestamp {
        match self {
            Self::Policy(document) => document.effective_from,
            Self::Codes(table, _) => table.valid_from,
        }
    }

    /// Whether it is what holds by `rules`.
    pub fn holds(&self, rules: &Rules) -> bool {
        match self {
            Self::Policy(document) => rules.national.path().as_deref() == Some(document.path().as_str()),
            Self::Codes(table, _) => rules.codes.version() == table.version,
        }
    }
}

/// A policy or a table of codes on its way.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// What is proposed.
    pub rule: ProposedRule,
    /// Its hash, which is signed.
    pub sha256: BlobHash,
    /// When it was recorded.
    pub time: Timestamp,
    /// Who signed, by the name of the officer or of the account: one name is one person, however it signed.
    pub signatures: BTreeMap<String, OfficerSigned>,
    /// When it was put in force.
    pub applied: Option<Timestamp>,
    /// The one of its kind that had been put in force last when this one was proposed. When another one has been since,
    /// nobody has seen what this one changes.
    pub(super) against: Option<EntryId>,
}

impl Proposal {
    /// How many officers with keys of their own have signed.
    pub fn signed(&self) -> usize {
        self.signatures.values().map(|signed| signed.by).collect::<BTreeSet<_>>().len()
    }

    /// Whoever has signed under this name or with this key.
    pub(super) fn signer(&self, name: &str, by: &[u8; 32]) -> Option<PolicyStepError> {
        let mut signed = self.signatures.iter();
        let (officer, _) = signed.find(|(signer, signed)| *signer == name || signed.by == *by)?;
        Some(PolicyStepError::SignedAlready { officer: officer.clone() })
    }
}
