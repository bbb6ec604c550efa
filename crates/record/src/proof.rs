use std::fmt;
use std::str::FromStr;

use base::{EntryId, NodeName};
use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::{Checkpoint, CheckpointError, Entry, EntryError, MAX_ENTRY_BYTES, PublicKey};
use crate::{consistency_holds, inclusion_holds};

/// First line of an inclusion proof (C2SP tlog-proof).
const INCLUSION_HEAD: &str = "c2sp.org/tlog-proof@v1";

/// A path in a tree of 2^63 leaves has no more hashes; a consistency proof has one more.
const MAX_HASHES: usize = 64;

/// An envelope of the largest entry in base64 within base64, and a checkpoint with many signatures.
const MAX_TEXT_BYTES: usize = 2 * MAX_ENTRY_BYTES + (1 << 16);

/// Why a text is no proof, or a proof does not hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// Not in the form.
    #[error("line {line}: {reason}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// The checkpoint.
    #[error("{0}")]
    Checkpoint(#[from] CheckpointError),
    /// The entry that the proof carries.
    #[error("the entry in the proof: {0}")]
    Entry(#[from] EntryError),
    /// The hashes do not lead from the leaf, or from the former tree, to the root.
    #[error("the hashes do not lead to the root of the checkpoint")]
    DoesNotHold,
    /// A proof for another entry than the one at hand.
    #[error("the proof carries entry {found}, not {expected}")]
    OtherEntry {
        /// The entry that was asked about.
        expected: EntryId,
        /// The entry in the proof.
        found: EntryId,
    },
    /// The proof carries no entry and none was named.
    #[error("the proof carries no entry; name the one that it is for")]
    NoEntry,
}

impl ProofError {
    /// A stable code for faults.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "record::bad_proof_form",
            Self::Checkpoint(_) => "record::bad_proof_checkpoint",
            Self::Entry(_) => "record::bad_proof_entry",
            Self::DoesNotHold => "record::proof_does_not_hold",
            Self::OtherEntry { .. } => "record::proof_of_other_entry",
            Self::NoEntry => "record::proof_without_entry",
        }
    }
}

/// That one entry stands at one place of a signed log, as a text that needs nothing else but the log's key (C2SP
/// tlog-proof v1). Its `extra` line carries the DSSE envelope of the entry, so that the content is proven with it.
#[derive(Debug, Clone, PartialEq)]
pub struct InclusionProof {
    index: u64,
    hashes: Vec<[u8; 32]>,
    checkpoint: Checkpoint,
    extra: Option<Vec<u8>>,
}

impl InclusionProof {
    /// From its parts; `entry` is what the text shall carry.
    pub fn new(index: u64, hashes: Vec<[u8; 32]>, checkpoint: Checkpoint, entry: Option<&Entry>) -> Self {
        let extra = entry.map(|entry| entry.to_envelope().to_string().into_bytes());
        Self { index, hashes, checkpoint, extra }
    }

    /// The place of the entry in the log.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint that the hashes lead to.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The entry that the text carries, checked by itself; its author's key must be compared by the caller.
    ///
    /// # Errors
    /// [`ProofError::Entry`] when the `extra` line holds something else.
    pub fn entry(&self) -> Result<Option<Entry>, ProofError> {
        let Some(extra) = &self.extra else { return Ok(None) };
        let envelope = serde_json::from_slice(extra)
            .map_err(|e| EntryError::BadEnvelope { reason: format!("the `extra` line: {e}") })?;
        Ok(Some(Entry::from_envelope(&envelope)?))
    }

    /// Checks that `name` with `key` signed the checkpoint of its log `origin`, and that the entry stands in it: the
    /// one that the text carries, or `id`. Gives the entry's id.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(
        &self,
        id: Option<EntryId>,
        origin: &str,
        name: &NodeName,
        key: &PublicKey,
    ) -> Result<EntryId, ProofError> {
        let carried = self.entry()?.map(|entry| entry.id());
        let id = match (carried, id) {
            (Some(found), Some(expected)) if found != expected => {
                return Err(ProofError::OtherEntry { expected, found });
            }
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => return Err(ProofError::NoEntry),
        };
        self.checkpoint.check(origin, name, key)?;
        let (size, root) = (self.checkpoint.size(), self.checkpoint.root());
        if inclusion_holds(&self.hashes, size, root, self.index, &id) {
            Ok(id)
        } else {
            Err(ProofError::DoesNotHold)
        }
    }
}

impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{INCLUSION_HEAD}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64_STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        write_hashes(f, &self.hashes, &self.checkpoint)
    }
}

impl FromStr for InclusionProof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, ProofError> {
        let mut lines = Lines::of(text)?;
        if lines.next()? != INCLUSION_HEAD {
            return Err(lines.bad("the first line must be `c2sp.org/tlog-proof@v1`"));
        }
        let mut line = lines.next()?;
        let extra = match line.strip_prefix("extra ") {
            Some(extra) => {
                let bytes = BASE64_STANDARD.decode(extra).map_err(|_| lines.bad("`extra` is not base64"))?;
                line = lines.next()?;
                Some(bytes)
            }
            None => None,
        };
        let index = line.strip_prefix("index ").and_then(decimal).ok_or_else(|| lines.bad("no `index`"))?;
        let (hashes, checkpoint) = lines.hashes_and_checkpoint()?;
        Ok(Self { index, hashes, checkpoint, extra })
    }
}

/// That a log only grew between two of its checkpoints, in the form in which a witness takes it (C2SP tlog-witness,
/// the body of `add-checkpoint`): the former size, the hashes, the newer checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsistencyProof {
    old_size: u64,
    hashes: Vec<[u8; 32]>,
    checkpoint: Checkpoint,
}

impl ConsistencyProof {
    /// From its parts.
    pub const fn new(old_size: u64, hashes: Vec<[u8; 32]>, checkpoint: Checkpoint) -> Self {
        Self { old_size, hashes, checkpoint }
    }

    /// The former size.
    pub const fn old_size(&self) -> u64 {
        self.old_size
    }

    /// The newer checkpoint.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Checks that both checkpoints are signed by `name` with `key` for the log `origin`, and that the newer log begins
    /// with the older.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(
        &self,
        old: &Checkpoint,
        origin: &str,
        name: &NodeName,
        key: &PublicKey,
    ) -> Result<(), ProofError> {
        old.check(origin, name, key)?;
        self.checkpoint.check(origin, name, key)?;
        let (size, root) = (self.checkpoint.size(), self.checkpoint.root());
        let holds = old.size() == self.old_size
            && consistency_holds(&self.hashes, old.size(), old.root(), size, root);
        if holds { Ok(()) } else { Err(ProofError::DoesNotHold) }
    }
}

impl fmt::Display for ConsistencyProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        write_hashes(f, &self.hashes, &self.checkpoint)
    }
}

impl FromStr for ConsistencyProof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, ProofError> {
        let mut lines = Lines::of(text)?;
        let old_size =
            lines.next()?.strip_prefix("old ").and_then(decimal).ok_or_else(|| lines.bad("no `old`"))?;
        let (hashes, checkpoint) = lines.hashes_and_checkpoint()?;
        Ok(Self { old_size, hashes, checkpoint })
    }
}

fn write_hashes(f: &mut fmt::Formatter<'_>, hashes: &[[u8; 32]], checkpoint: &Checkpoint) -> fmt::Result {
    for hash in hashes {
        writeln!(f, "{}", BASE64_STANDARD.encode(hash))?;
    }
    write!(f, "\n{}", checkpoint.note())
}

/// A decimal number in its one form.
fn decimal(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|n| n.to_string() == text)
}

struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Result<Self, ProofError> {
        let lines = Self { rest: text, line: 1 };
        if text.len() > MAX_TEXT_BYTES { Err(lines.bad("the text is too long")) } else { Ok(lines) }
    }

    const fn bad(&self, reason: &'static str) -> ProofError {
        ProofError::Malformed { line: self.line, reason }
    }

    fn next(&mut self) -> Result<&'a str, ProofError> {
        let (line, rest) = self.rest.split_once('\n').ok_or_else(|| self.bad("the text ends too early"))?;
        self.rest = rest;
        self.line += 1;
        Ok(line)
    }

    /// Base64 lines up to the empty one, and the checkpoint, which is all that follows.
    fn hashes_and_checkpoint(mut self) -> Result<(Vec<[u8; 32]>, Checkpoint), ProofError> {
        let mut hashes = Vec::new();
        loop {
            let line = self.next()?;
            if line.is_empty() {
                break;
            }
            let hash = BASE64_STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
            hashes.push(hash.ok_or_else(|| self.bad("not a hash in base64"))?);
            if hashes.len() > MAX_HASHES {
                return Err(self.bad("too many hashes"));
            }
        }
        Ok((hashes, Checkpoint::parse(self.rest)?))
    }
}
