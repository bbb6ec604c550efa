//! Proofs that a log broke its promise to only grow: two checkpoints that it signed itself.

use base::{EntryId, Marking, NodeName, Noun};
use serde::{Deserialize, Serialize};

use crate::merkle_proof::{EMPTY_ROOT, leaf_included, only_grew};
use crate::note::{Signed, SignedText};
use crate::{Checkpoint, KeyUse, MerkleLog, VerifierKey, leaf_hash};

/// The schema name of a [`FraudProof`].
pub const FRAUD_PROOF_SCHEMA: &str = "bongsu.fraud-proof/1";

/// The largest file of a proof that is read: two checkpoints and two paths are far below.
pub const MAX_FRAUD_BYTES: usize = 4 << 20;

/// How two checkpoints of one log stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comparison {
    /// Checkpoints of different logs say nothing about each other.
    OtherLog,
    /// Same size and root.
    Same,
    /// The smaller tree is a prefix of the larger one: shown by the proof at hand, or the smaller one is empty.
    Grown,
    /// Same size, another root: no log has both. This needs nothing but the two checkpoints.
    SplitView,
    /// The sizes differ and the proof at hand, if any, does not hold. That proves nothing by itself: the proof may be
    /// wrong while the log is right. A [`FraudKind::Fork`] needs the two hashes at one place.
    Unproven,
}

/// Compares two checkpoints, with the consistency proof between them where the sizes differ and one is at hand (the
/// order does not matter). Signatures are not looked at.
pub fn compare(a: &Checkpoint, b: &Checkpoint, proof: Option<&[[u8; 32]]>) -> Comparison {
    if a.origin() != b.origin() {
        return Comparison::OtherLog;
    }
    let (old, new) = if a.size() <= b.size() { (a, b) } else { (b, a) };
    if old.size() == new.size() {
        return if old.root() == new.root() { Comparison::Same } else { Comparison::SplitView };
    }
    let empty = old.size() == 0 && old.root() == EMPTY_ROOT;
    let proof = proof.unwrap_or_default();
    if empty || only_grew(proof, (old.size(), old.root()), (new.size(), new.root())) {
        Comparison::Grown
    } else {
        Comparison::Unproven
    }
}

/// What a [`FraudProof`] shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FraudKind {
    /// One size, two roots. Certain: the log signed two histories.
    SplitView,
    /// Two sizes, and at one place below both another entry. Certain: the log signed two histories.
    Fork,
    /// One witness cosigned a smaller checkpoint later than a larger one. Certain is that the log or the witness went
    /// back: the log's own signature has no time, so a witness that is itself false can make this alone.
    Rewind,
}

/// What stands at one place in one tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafAt {
    /// `SHA-256(0x00 || id)`, hexadecimal; the entry itself is not shown.
    #[serde(with = "hex_hash")]
    pub leaf: [u8; 32],
    /// Inclusion proof from the leaf's sibling up (RFC 6962, 2.1.1), hexadecimal.
    #[serde(with = "hex_path")]
    pub path: Vec<[u8; 32]>,
}

/// The two hashes at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkAt {
    /// The place, from 0.
    pub index: u64,
    /// In the tree of the first checkpoint.
    pub first: LeafAt,
    /// In the tree of the second.
    pub second: LeafAt,
}

/// A self-contained proof of fraud: whoever trusts that `log` is the key of the accused needs nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FraudProof {
    /// [`FRAUD_PROOF_SCHEMA`].
    pub schema: String,
    /// What it shows.
    pub kind: FraudKind,
    /// The log's key.
    pub log: VerifierKey,
    /// A checkpoint that the log signed; of a rewind the larger one, which was cosigned first.
    pub first: String,
    /// Another.
    pub second: String,
    /// Of a rewind: the witness's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<VerifierKey>,
    /// Of a fork: the place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<ForkAt>,
}

/// Why a text is no proof of fraud. The accused stands unproven.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FraudError {
    /// Not a document of this schema.
    #[error("not a {FRAUD_PROOF_SCHEMA}: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// A checkpoint is not signed by the log, or not cosigned by the witness.
    #[error("the {which} checkpoint has no valid signature of `{name}`")]
    NotSigned {
        /// `first` or `second`.
        which: &'static str,
        /// Whose signature is missing or wrong.
        name: String,
    },
    /// The two checkpoints do not contradict each other in the way that is claimed.
    #[error("the two checkpoints are no {kind}: {reason}")]
    NoContradiction {
        /// What was claimed.
        kind: &'static str,
        /// Why it does not hold.
        reason: &'static str,
    },
}

impl FraudError {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "fraud::malformed",
            Self::NotSigned { .. } => "fraud::not_signed",
            Self::NoContradiction { .. } => "fraud::no_contradiction",
        }
    }
}

impl FraudKind {
    /// What is certain when the proof holds, in one sentence.
    pub const fn shows(self) -> &'static str {
        match self {
            Self::SplitView => "the log signed two different histories of one size",
            Self::Fork => "the log signed two histories with different entries at one place",
            Self::Rewind => {
                "the log or the witness went back: the witness cosigned a smaller log after a larger one"
            }
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::SplitView => "split view",
            Self::Fork => "fork",
            Self::Rewind => "rewind",
        }
    }
}

impl FraudProof {
    /// The proof that `log` showed two faces at one size.
    ///
    /// # Errors
    /// When the two do not prove it.
    pub fn split_view(log: VerifierKey, a: &Checkpoint, b: &Checkpoint) -> Result<Self, FraudError> {
        Self::new(FraudKind::SplitView, log, a, b, None, None)
    }

    /// The proof that another entry stands at one place in each of two trees.
    ///
    /// # Errors
    /// When the two do not prove it.
    pub fn fork(log: VerifierKey, a: &Checkpoint, b: &Checkpoint, at: ForkAt) -> Result<Self, FraudError> {
        Self::new(FraudKind::Fork, log, a, b, None, Some(at))
    }

    /// The proof from two checkpoints and the ids under each, as a receiver has them that was shown both: a split view where
    /// the sizes are equal, else a fork at the first place that differs.
    ///
    /// # Errors
    /// When the shorter one is where the longer one begins, or the ids are not those of the checkpoints.
    pub fn between(
        log: VerifierKey,
        (a, a_ids): (&Checkpoint, &[EntryId]),
        (b, b_ids): (&Checkpoint, &[EntryId]),
    ) -> Result<Self, FraudError> {
        if a.size() == b.size() {
            return Self::split_view(log, a, b);
        }
        let none = |reason| FraudError::NoContradiction { kind: FraudKind::Fork.name(), reason };
        let index = a_ids
            .iter()
            .zip(b_ids)
            .position(|(a, b)| a != b)
            .ok_or_else(|| none("the shorter log is where the longer one begins"))?;
        let leaf = |ids: &[EntryId], size: u64| {
            let path = MerkleLog::from_ids(ids).inclusion(index as u64, size).ok()?;
            Some(LeafAt { leaf: leaf_hash(&ids[index]), path })
        };
        let beyond = || none("the ids are not those of the checkpoints");
        let first = leaf(a_ids, a.size()).ok_or_else(beyond)?;
        let second = leaf(b_ids, b.size()).ok_or_else(beyond)?;
        Self::fork(log, a, b, ForkAt { index: index as u64, first, second })
    }

    /// The proof that `witness` cosigned `smaller` after `larger`.
    ///
    /// # Errors
    /// When the two do not prove it.
    pub fn rewind(
        log: VerifierKey,
        larger: &Checkpoint,
        smaller: &Checkpoint,
        witness: VerifierKey,
    ) -> Result<Self, FraudError> {
        Self::new(FraudKind::Rewind, log, larger, smaller, Some(witness), None)
    }

    fn new(
        kind: FraudKind,
        log: VerifierKey,
        first: &Checkpoint,
        second: &Checkpoint,
        witness: Option<VerifierKey>,
        fork: Option<ForkAt>,
    ) -> Result<Self, FraudError> {
        let proof = Self {
            schema: FRAUD_PROOF_SCHEMA.to_owned(),
            kind,
            log,
            first: first.note().to_owned(),
            second: second.note().to_owned(),
            witness,
            fork,
        };
        proof.check()?;
        Ok(proof)
    }

    /// Reads the file of a proof and checks it.
    ///
    /// # Errors
    /// See [`FraudError`].
    pub fn read(bytes: &[u8]) -> Result<Self, FraudError> {
        let bad = |reason: String| FraudError::Malformed { reason };
        if bytes.len() > MAX_FRAUD_BYTES {
            return Err(bad(format!("it has {} bytes, allowed are {MAX_FRAUD_BYTES}", bytes.len())));
        }
        let proof: Self = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        if proof.to_bytes() != bytes {
            return Err(bad("it is not in canonical form (RFC 8785)".to_owned()));
        }
        proof.check()?;
        Ok(proof)
    }

    /// The file: canonical JSON (RFC 8785).
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }

    /// Checks that the two checkpoints prove what is claimed.
    ///
    /// # Errors
    /// See [`FraudError`].
    pub fn check(&self) -> Result<(), FraudError> {
        let bad = |reason: &str| FraudError::Malformed { reason: reason.to_owned() };
        let none = |reason| FraudError::NoContradiction { kind: self.kind.name(), reason };
        if self.schema != FRAUD_PROOF_SCHEMA {
            return Err(bad("another schema"));
        }
        let (first, second) = (self.signed("first", &self.first)?, self.signed("second", &self.second)?);
        if first.origin() != second.origin() {
            return Err(none("they are of different logs"));
        }
        match (self.kind, &self.witness, &self.fork) {
            (FraudKind::SplitView, None, None) => match compare(&first, &second, None) {
                Comparison::SplitView => Ok(()),
                Comparison::Same => Err(none("they say the same")),
                _ => Err(none("their sizes differ")),
            },
            (FraudKind::Fork, None, Some(at)) => {
                let stands = |tree: &Checkpoint, leaf: &LeafAt| {
                    leaf_included(&leaf.path, tree.size(), tree.root(), at.index, leaf.leaf)
                };
                if at.first.leaf == at.second.leaf {
                    Err(none("the same entry stands at the place in both"))
                } else if !stands(&first, &at.first) || !stands(&second, &at.second) {
                    Err(none("an inclusion proof does not hold"))
                } else {
                    Ok(())
                }
            }
            (FraudKind::Rewind, Some(witness), None) => {
                if witness.usage() != KeyUse::Cosigner {
                    return Err(bad("`witness` is not the key of a cosigner"));
                }
                let larger = cosigned(witness, "first", &first)?;
                let smaller = cosigned(witness, "second", &second)?;
                if first.size() <= second.size() {
                    Err(none("the second is not smaller"))
                } else if larger >= smaller {
                    Err(none("the smaller one was not cosigned later"))
                } else {
                    Ok(())
                }
            }
            _ => Err(bad("`witness` belongs to a rewind and `fork` to a fork, and to nothing else")),
        }
    }

    fn signed(&self, which: &'static str, note: &str) -> Result<Checkpoint, FraudError> {
        let bad =
            || FraudError::Malformed { reason: format!("`{which}` is no checkpoint (C2SP tlog-checkpoint)") };
        let checkpoint = Checkpoint::parse(note).map_err(|_| bad())?;
        let text = SignedText::of(note).ok_or_else(bad)?;
        if text.text.matches('\n').count() != 3 {
            return Err(FraudError::Malformed { reason: format!("`{which}` has extension lines") });
        }
        let of_log = self.log.is_of_log(checkpoint.origin());
        if !of_log || !matches!(self.log.look_at(&text), Signed::Holds(_)) {
            return Err(FraudError::NotSigned { which, name: self.log.name().to_owned() });
        }
        Ok(checkpoint)
    }

    /// The log that is accused.
    pub fn origin(&self) -> &str {
        self.first.split('\n').next().unwrap_or_default()
    }
}

/// When the witness cosigned.
fn cosigned(witness: &VerifierKey, which: &'static str, checkpoint: &Checkpoint) -> Result<u64, FraudError> {
    match SignedText::of(checkpoint.note()).map(|text| witness.look_at(&text)) {
        Some(Signed::Holds(Some(time))) => Ok(time),
        _ => Err(FraudError::NotSigned { which, name: witness.name().to_owned() }),
    }
}

/// The record's entry about a fraud that this node can prove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fraud {
    /// The node whose log it is.
    pub node: NodeName,
    /// One line for people.
    pub title: String,
    /// The proof; write it to a file with [`FraudProof::to_bytes`].
    pub proof: FraudProof,
    /// Entries that it rests on, as a rule none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EntryId>,
    /// Who may have it.
    pub marking: Marking,
}

impl Noun for Fraud {
    const SCHEMA: &'static str = "bongsu.fraud/1";
}

mod hex_hash {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(hash: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&hex::encode(hash))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        read(&String::deserialize(from)?).ok_or_else(|| de::Error::custom("not 64 hexadecimal digits"))
    }

    pub(super) fn read(text: &str) -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(bytes)
    }
}

mod hex_path {
    use serde::ser::SerializeSeq as _;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(path: &[[u8; 32]], to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(path.len()))?;
        for hash in path {
            list.serialize_element(&hex::encode(hash))?;
        }
        list.end()
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<[u8; 32]>, D::Error> {
        let list = Vec::<String>::deserialize(from)?;
        let read = list.iter().map(|text| super::hex_hash::read(text)).collect::<Option<Vec<_>>>();
        read.ok_or_else(|| de::Error::custom("not a list of 64 hexadecimal digits each"))
    }
}
