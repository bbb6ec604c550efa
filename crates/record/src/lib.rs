//! The record: signed entries in an append-only log, and the proof that nothing in it was changed or lost.
//!
//! An [`Entry`] is canonical JSON (RFC 8785) with its SHA-256 as identity and an Ed25519 signature in a DSSE
//! envelope. Entries form a [`MerkleLog`] (RFC 6962) whose size and root are signed as [`Checkpoint`]s (C2SP
//! signed-note, tlog-checkpoint, tlog-cosignature) and whose hashes stand as plain tile files (C2SP tlog-tiles), so
//! that other tools can check them. [`SqliteRecord`] keeps it all in one folder; [`verify_dir`] checks that folder
//! to the byte.
//!
//! **Invariant:** nothing here decides who may see an entry, and nothing is ever changed in place: the only thing
//! that goes away is the content of an entry whose owner recalled it, and its place in the log stays. Outside
//! `store` there are no files; nowhere is there a clock: `now` and randomness are handed in.

mod bundle;
mod canonical;
mod checkpoint;
mod domain;
mod entry;
mod fraud;
mod frontier;
mod key;
mod log;
mod merkle_proof;
mod note;
mod outline;
mod policy_quorum;
mod proof;
mod store;
mod verifier;
mod witness;

pub use bundle::{
    BUNDLE_SCHEMA, BundleContents, BundleError, BundleItem, BundleKey, BundleLog, BundleTrust, BundleVerdict,
    CheckedItem, Exporter, KeyRole, MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES, Software, TimeBounds, sha256_hex,
    verify_bundle,
};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use domain::Domain;
pub use entry::{Author, ENTRY_SCHEMA, Entry, EntryError, Heading, MAX_ENTRY_BYTES, PAYLOAD_TYPE};
pub use fraud::{
    Comparison, FRAUD_PROOF_SCHEMA, ForkAt, Fraud, FraudError, FraudKind, FraudProof, LeafAt,
    MAX_FRAUD_BYTES, compare,
};
pub use frontier::Frontier;
pub use key::{KeyError, NodeKey, PublicKey};
pub use log::{BeyondLog, MerkleLog, consistency_holds, inclusion_holds, leaf_hash};
pub use merkle_proof::leaf_included;
pub use note::{KeyUse, VerifierKey, VerifierKeyError, WitnessKey};
pub use outline::{Outline, RawEntry};
pub use policy_quorum::{EvidenceGrade, MAX_POLICY_BYTES, PolicyRefusal, PolicyVerdict, QuorumPolicy};
pub use proof::{ConsistencyProof, InclusionProof, ProofError};
pub use store::{
    Batch, Committed, Damage, DamageKind, Direction, Genesis, Incoming, Lane, LaneAck, LaneItem, LaneRow,
    LaneState, Peer, Program, Purge, ReadRecord, RecordStore, RepairSource, Repaired, SqliteOptions,
    SqliteRecord, StoreError, Stored, Verdict, entries_in, founder, home_origin, lane_origin, repair,
    verify_dir, verify_open,
};
pub use verifier::Verifier;
pub use witness::{WitnessError, read_request, witness};
