use base::{NodeName, Timestamp};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use signed_note::{Note, Signer};
use tlog_tiles::checkpoint::Checkpoint as TlogCheckpoint;
use tlog_tiles::tlog::Hash;

use crate::VerifierKey;
use crate::key::{NodeKey, PublicKey};
use crate::note::{Signed, SignedText, cosigned_message};

/// Why a text is no checkpoint of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Not in the C2SP signed-note and tlog-checkpoint form, byte for byte.
    #[error("not a signed note of a checkpoint (C2SP tlog-checkpoint)")]
    Malformed,
    /// A checkpoint of another log.
    #[error("it is a checkpoint of `{found}`, expected `{expected}`")]
    OtherLog {
        /// The origin that was expected.
        expected: String,
        /// The origin line of the checkpoint.
        found: String,
    },
    /// The log's key did not sign it.
    #[error("no valid signature of `{name}` on it")]
    NotSigned {
        /// Whose signature is missing or wrong.
        name: String,
    },
    /// Same size, other root: the log shows two faces.
    #[error("size {size} has root {found}, expected {expected}")]
    OtherRoot {
        /// The size of the tree.
        size: u64,
        /// Root that the entries at hand give, in base64.
        expected: String,
        /// Root in the checkpoint, in base64.
        found: String,
    },
}

/// A log's size and root at one moment, as a signed note (C2SP signed-note, tlog-checkpoint).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: [u8; 32],
    note: String,
}

impl Checkpoint {
    /// Signs size and root of the log `origin` with `key`.
    ///
    /// # Errors
    /// When `origin` is empty or holds a line break.
    pub fn sign(origin: &str, size: u64, root: [u8; 32], key: &NodeKey) -> Result<Self, CheckpointError> {
        let text = TlogCheckpoint::new(origin, size, Hash(root), "")
            .map_err(|_| CheckpointError::Malformed)?
            .to_bytes();
        let mut note = Note::new(&text, &[]).map_err(|_| CheckpointError::Malformed)?;
        note.add_sigs(&[&LogSigner(key)]).map_err(|_| CheckpointError::Malformed)?;
        Self::parse(&String::from_utf8_lossy(&note.to_bytes()))
    }

    /// Reads a checkpoint; signatures are not yet checked.
    ///
    /// # Errors
    /// When it is not exactly in the C2SP form.
    pub fn parse(note: &str) -> Result<Self, CheckpointError> {
        let parsed = Note::from_bytes(note.as_bytes()).map_err(|_| CheckpointError::Malformed)?;
        let checkpoint = TlogCheckpoint::from_bytes(parsed.text()).map_err(|_| CheckpointError::Malformed)?;
        // One form only: a checkpoint that reads the same in other bytes could hide a flipped bit.
        if parsed.to_bytes() != note.as_bytes() || checkpoint.to_bytes() != parsed.text() {
            return Err(CheckpointError::Malformed);
        }
        Ok(Self {
            origin: checkpoint.origin().to_owned(),
            size: checkpoint.size(),
            root: checkpoint.hash().0,
            note: note.to_owned(),
        })
    }

    /// Checks that `name` signed this as a checkpoint of its log `origin`.
    ///
    /// # Errors
    /// When the log is another one or the signature is missing or wrong.
    pub fn check(&self, origin: &str, name: &NodeName, key: &PublicKey) -> Result<(), CheckpointError> {
        if self.origin != origin {
            return Err(CheckpointError::OtherLog {
                expected: origin.to_owned(),
                found: self.origin.chars().take(200).collect(),
            });
        }
        self.signed_by(&VerifierKey::log(name, key))
    }

    /// Adds the cosignature of `key` at `now`: "as of this time this is the largest tree of this log that I hold,
    /// and it grew from all that I held before" (C2SP tlog-cosignature v1). It is the receiver's receipt.
    ///
    /// # Errors
    /// When the note cannot take the signature.
    pub fn cosign(&self, key: &NodeKey, now: Timestamp) -> Result<Self, CheckpointError> {
        let mut note = Note::from_bytes(self.note.as_bytes()).map_err(|_| CheckpointError::Malformed)?;
        let posix_seconds = u64::try_from(now.unix_nanos() / 1_000_000_000).unwrap_or(0);
        note.add_sigs(&[&Cosigner { key, posix_seconds }]).map_err(|_| CheckpointError::Malformed)?;
        Self::parse(&String::from_utf8_lossy(&note.to_bytes()))
    }

    /// This with one more signature line, `— <name> <base64>` and a line feed. A line that is there already is not
    /// added again.
    pub(crate) fn with_line(&self, line: &str) -> Result<Self, CheckpointError> {
        if self.note.ends_with(&format!("\n{line}")) {
            return Ok(self.clone());
        }
        Self::parse(&format!("{}{line}", self.note))
    }

    /// Checks that `name` cosigned this.
    ///
    /// # Errors
    /// When the cosignature is missing or wrong.
    pub fn check_cosigned(&self, name: &NodeName, key: &PublicKey) -> Result<(), CheckpointError> {
        self.signed_by(&VerifierKey::cosigner(name, key))
    }

    /// The names in its signature lines, in order; nothing is checked.
    pub fn signers(&self) -> Vec<&str> {
        let lines = self.note.rsplit("\n\n").next().unwrap_or_default().lines();
        lines.filter_map(|line| line.strip_prefix("\u{2014} ")?.split(' ').next()).collect()
    }

    /// Checks that this checkpoint is of the tree that has `root` at this size.
    ///
    /// # Errors
    /// When the roots differ.
    pub fn check_root(&self, root: [u8; 32]) -> Result<(), CheckpointError> {
        if self.root == root {
            return Ok(());
        }
        Err(CheckpointError::OtherRoot {
            size: self.size,
            expected: BASE64_STANDARD.encode(root),
            found: BASE64_STANDARD.encode(self.root),
        })
    }

    fn signed_by(&self, key: &VerifierKey) -> Result<(), CheckpointError> {
        let note = SignedText::of(&self.note).ok_or(CheckpointError::Malformed)?;
        match key.look_at(&note) {
            Signed::Holds(_) => Ok(()),
            _ => Err(CheckpointError::NotSigned { name: key.name().to_owned() }),
        }
    }

    /// The origin line: which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The Merkle root.
    pub const fn root(&self) -> [u8; 32] {
        self.root
    }

    /// The note as text, with all its signature lines.
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// A checkpoint signature of a log's own key (type 0x01 of signed-note).
struct LogSigner<'a>(&'a NodeKey);

impl Signer for LogSigner<'_> {
    fn name(&self) -> &str {
        self.0.name().as_str()
    }

    fn key_id(&self) -> u32 {
        VerifierKey::log(self.0.name(), &self.0.public()).id()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ed25519_dalek::SignatureError> {
        Ok(self.0.sign(message).to_vec())
    }
}

struct Cosigner<'a> {
    key: &'a NodeKey,
    posix_seconds: u64,
}

impl Signer for Cosigner<'_> {
    fn name(&self) -> &str {
        self.key.name().as_str()
    }

    fn key_id(&self) -> u32 {
        VerifierKey::cosigner(self.key.name(), &self.key.public()).id()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ed25519_dalek::SignatureError> {
        let mut signature = self.posix_seconds.to_be_bytes().to_vec();
        signature.extend_from_slice(
            &self.key.sign(&cosigned_message(self.posix_seconds, &String::from_utf8_lossy(message))),
        );
        Ok(signature)
    }
}
