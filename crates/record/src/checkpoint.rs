use base::{NodeName, Timestamp};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest, Sha256};
use signed_note::{Note, Signer, StandardVerifier, Verifier, VerifierList, new_ed25519_verifier_key};
use tlog_tiles::checkpoint::Checkpoint as TlogCheckpoint;
use tlog_tiles::tlog::Hash;

use crate::key::{NodeKey, PublicKey};

/// Signature type of an Ed25519 cosignature (C2SP tlog-cosignature).
const COSIGNATURE_V1: u8 = 0x04;

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
        let verifier = StandardVerifier::new(&new_ed25519_verifier_key(name.as_str(), key.inner()))
            .map_err(|_| CheckpointError::Malformed)?;
        self.signed_by(name, Box::new(verifier))
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
        self.signed_by(name, Box::new(CosignatureVerifier { name: name.clone(), key: *key }))
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

    fn signed_by(&self, name: &NodeName, verifier: Box<dyn Verifier>) -> Result<(), CheckpointError> {
        let not_signed = || CheckpointError::NotSigned { name: name.to_string() };
        let note = Note::from_bytes(self.note.as_bytes()).map_err(|_| CheckpointError::Malformed)?;
        note.verify(&VerifierList::new(vec![verifier])).map(|_| ()).map_err(|_| not_signed())
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
        let mut typed = vec![0x01];
        typed.extend_from_slice(&self.0.public().to_bytes());
        signed_note::key_id(self.name(), &typed)
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
        cosigner_id(self.name(), &self.key.public())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ed25519_dalek::SignatureError> {
        let mut signature = self.posix_seconds.to_be_bytes().to_vec();
        signature.extend_from_slice(&self.key.sign(&cosigned_message(self.posix_seconds, message)));
        Ok(signature)
    }
}

struct CosignatureVerifier {
    name: NodeName,
    key: PublicKey,
}

impl Verifier for CosignatureVerifier {
    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn key_id(&self) -> u32 {
        cosigner_id(self.name(), &self.key)
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some((time, rest)) = signature.split_first_chunk::<8>() else { return false };
        let Ok(rest) = <&[u8; 64]>::try_from(rest) else { return false };
        self.key.verify(&cosigned_message(u64::from_be_bytes(*time), message), rest).is_ok()
    }
}

/// `SHA-256(<name> || "\n" || 0x04 || key)[:4]`.
fn cosigner_id(name: &str, key: &PublicKey) -> u32 {
    let mut hash = Sha256::new();
    hash.update(name.as_bytes());
    hash.update([b'\n', COSIGNATURE_V1]);
    hash.update(key.to_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

fn cosigned_message(posix_seconds: u64, note_text: &[u8]) -> Vec<u8> {
    let mut message = format!("cosignature/v1\ntime {posix_seconds}\n").into_bytes();
    message.extend_from_slice(note_text);
    message
}
