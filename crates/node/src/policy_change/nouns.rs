//! The entries by which rules come into force, each of the node's own record.

use base::{BlobHash, Country, EntryId, Marking, NodeName, Noun, Timestamp};
use rand_core::OsRng;
use record::{Entry, NodeKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::NodeError;

/// Somebody who may sign policies, with the key to sign with. A later entry of the same name takes the place of an
/// earlier one. Never released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// The officer's name, in the form of a node's name: a-z, 0-9 and -.
    pub name: NodeName,
    /// Ed25519 public key: 64 hexadecimal digits.
    pub key: String,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for Officer {
    const SCHEMA: &'static str = "bongsu.officer/1";
}

/// What an officer signs, as an entry of the officer's own key: this policy, by its hash, is to be in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyApproval {
    /// The entry that holds the policy.
    pub proposal: EntryId,
    /// SHA-256 of the policy's canonical JSON.
    pub policy_sha256: BlobHash,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for PolicyApproval {
    const SCHEMA: &'static str = "bongsu.policy-approval/1";
}

impl PolicyApproval {
    /// Its envelope under the officer's key, at time `now`.
    ///
    /// # Errors
    /// When it makes no entry.
    pub fn signed(&self, country: &Country, key: &NodeKey, now: Timestamp) -> Result<Value, NodeError> {
        Ok(Entry::sign(self, country, key, now, &mut OsRng)?.to_envelope())
    }
}

/// An officer's approval as the node records it. Never released.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySignature {
    /// The entry that holds the policy.
    pub proposal: EntryId,
    /// The officer.
    pub officer: NodeName,
    /// The envelope of a [`PolicyApproval`] under the officer's key.
    pub approval: Value,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for PolicySignature {
    const SCHEMA: &'static str = "bongsu.policy-signature/1";
}

/// A policy is in force from the time of this entry, or from its own `effective_from` when that is later. Never
/// released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyApplied {
    /// The entry that holds the policy.
    pub proposal: EntryId,
    /// SHA-256 of the policy's canonical JSON.
    pub policy_sha256: BlobHash,
    /// The entries with the signatures.
    pub signatures: Vec<EntryId>,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for PolicyApplied {
    const SCHEMA: &'static str = "bongsu.policy-applied/1";
}
