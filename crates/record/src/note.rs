//! Signature lines of signed notes, and the keys that check them (C2SP signed-note and tlog-cosignature).

use std::fmt;
use std::str::FromStr;

use base::{NodeName, Timestamp};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::key::{NodeKey, PublicKey};

/// Why a text is no verifier key that can be used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifierKeyError {
    /// Not `<name>+<8 hexadecimal digits>+<base64>`.
    #[error("not a verifier key: it must be `<name>+<key id>+<key>` (C2SP signed-note)")]
    Malformed,
    /// The key id is not the hash of name, type and key.
    #[error("the key id is `{found}`, name and key give `{expected}`")]
    OtherId {
        /// The id that belongs to name and key.
        expected: String,
        /// The id in the text.
        found: String,
    },
    /// A type of signature that is not Ed25519.
    #[error("signature type 0x{kind:02x} is not known here; 0x01 (log) and 0x04 (cosigner) are")]
    OtherType {
        /// The type byte.
        kind: u8,
    },
    /// No usable Ed25519 key.
    #[error("its 32 bytes are no usable Ed25519 public key")]
    BadKey,
}

/// What a verifier key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyUse {
    /// The notes of a log: signature type 0x01.
    Log,
    /// Cosignatures with a time: signature type 0x04.
    Cosigner,
}

impl KeyUse {
    const fn signature_type(self) -> u8 {
        match self {
            Self::Log => 0x01,
            Self::Cosigner => 0x04,
        }
    }
}

/// A named public key for one use: what signed-note calls a vkey, `<name>+<key id>+<key>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    usage: KeyUse,
    key: PublicKey,
}

impl VerifierKey {
    /// The key with which `name` signs its logs.
    pub fn log(name: &NodeName, key: &PublicKey) -> Self {
        Self { name: name.to_string(), usage: KeyUse::Log, key: *key }
    }

    /// The key with which `name` cosigns the logs of others.
    pub fn cosigner(name: &NodeName, key: &PublicKey) -> Self {
        Self { name: name.to_string(), usage: KeyUse::Cosigner, key: *key }
    }

    /// The name in signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it signs.
    pub const fn usage(&self) -> KeyUse {
        self.usage
    }

    /// The key itself.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whether this may be the key of the log `origin`: its name is the origin, or the node in an origin of Bongsu
    /// (`bongsu/<node>/..`).
    pub fn is_of_log(&self, origin: &str) -> bool {
        let node = || origin.strip_prefix("bongsu/")?.split_once('/').map(|(node, _)| node);
        self.usage == KeyUse::Log && (self.name == origin || node() == Some(self.name.as_str()))
    }

    /// The first four bytes of `SHA-256(name || "\n" || type || key)`.
    pub(crate) fn id(&self) -> u32 {
        let mut hash = Sha256::new();
        hash.update(self.name.as_bytes());
        hash.update([b'\n', self.usage.signature_type()]);
        hash.update(self.key.to_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
    }

    /// What this key says about a note.
    pub(crate) fn look_at(&self, note: &SignedText<'_>) -> Signed {
        let id = self.id();
        let mut seen = Signed::Absent;
        for line in note.lines.iter().filter(|line| line.id == id && line.name == self.name) {
            let Some(time) = self.checked(note.text, &line.signature) else { return Signed::Wrong };
            seen = match seen {
                Signed::Holds(earlier) => Signed::Holds(earlier.min(time)),
                _ => Signed::Holds(time),
            };
        }
        seen
    }

    /// The time of a cosignature (`None` within for a log's signature) when the signature holds.
    fn checked(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        let (time, message, signature) = match self.usage {
            KeyUse::Log => (None, text.as_bytes().to_vec(), signature),
            KeyUse::Cosigner => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                // A timestamp must not exceed 2^63 - 1 (tlog-cosignature), and the Ed25519 form always states one.
                if time == 0 || i64::try_from(time).is_err() {
                    return None;
                }
                (Some(time), cosigned_message(time, text), signature)
            }
        };
        self.key.verify(&message, signature.try_into().ok()?).ok()?;
        Some(time)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut typed = vec![self.usage.signature_type()];
        typed.extend_from_slice(&self.key.to_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id(), BASE64_STANDARD.encode(typed))
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        // The key is base64 and may hold a plus itself.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Malformed);
        };
        let hexadecimal = id.len() == 8 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_key_name(name) || !hexadecimal {
            return Err(VerifierKeyError::Malformed);
        }
        let typed = BASE64_STANDARD.decode(key).map_err(|_| VerifierKeyError::Malformed)?;
        let (kind, bytes) = typed.split_first().ok_or(VerifierKeyError::Malformed)?;
        let usage = [KeyUse::Log, KeyUse::Cosigner]
            .into_iter()
            .find(|usage| usage.signature_type() == *kind)
            .ok_or(VerifierKeyError::OtherType { kind: *kind })?;
        let bytes = bytes.try_into().map_err(|_| VerifierKeyError::BadKey)?;
        let key = PublicKey::from_bytes(bytes).map_err(|_| VerifierKeyError::BadKey)?;
        let read = Self { name: name.to_owned(), usage, key };
        let expected = format!("{:08x}", read.id());
        if expected != id {
            return Err(VerifierKeyError::OtherId { expected, found: id.to_owned() });
        }
        Ok(read)
    }
}

impl Serialize for VerifierKey {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VerifierKey {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// What one key says about one note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signed {
    /// No line of this key.
    Absent,
    /// A line of this key whose signature does not hold: the note is not to be trusted at all.
    Wrong,
    /// It signed; a cosigner at this time, in seconds since 1970 UTC.
    Holds(Option<u64>),
}

/// A note in its two parts.
#[derive(Debug)]
pub(crate) struct SignedText<'a> {
    /// The text with its last line feed: what is signed.
    pub(crate) text: &'a str,
    lines: Vec<SignatureLine<'a>>,
}

#[derive(Debug)]
struct SignatureLine<'a> {
    name: &'a str,
    id: u32,
    signature: Vec<u8>,
}

impl<'a> SignedText<'a> {
    /// The parts of a note; `None` when it is not in the form of signed-note.
    pub(crate) fn of(note: &'a str) -> Option<Self> {
        let split = note.rfind("\n\n")?;
        let (text, signatures) = (&note[..=split], &note[split + 2..]);
        let lines = signatures.strip_suffix('\n')?.split('\n').map(signature_line).collect::<Option<_>>()?;
        Some(Self { text, lines })
    }
}

fn signature_line(line: &str) -> Option<SignatureLine<'_>> {
    let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = BASE64_STANDARD.decode(signature).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    let known = is_key_name(name) && !signature.is_empty();
    known.then(|| SignatureLine { name, id: u32::from_be_bytes(*id), signature: signature.to_vec() })
}

/// Whether signed-note allows `name` as the name of a key: not empty, no Unicode space, no plus.
pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+' || c < ' ')
}

/// What a cosigner signs (tlog-cosignature, "Ed25519 signed message").
pub(crate) fn cosigned_message(posix_seconds: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {posix_seconds}\n{text}").into_bytes()
}

/// The key of a witness: a third party that watches logs of others and need not be a node.
pub struct WitnessKey {
    name: String,
    key: NodeKey,
}

impl WitnessKey {
    /// The witness `name` with its 32 secret bytes.
    ///
    /// # Errors
    /// When signed-note does not allow the name.
    pub fn from_secret(name: &str, secret: &[u8; 32]) -> Result<Self, VerifierKeyError> {
        if !is_key_name(name) {
            return Err(VerifierKeyError::Malformed);
        }
        // Only the signature is used of it: the name in the line is the witness's own.
        let inner: NodeName = "witness".parse().map_err(|_| VerifierKeyError::Malformed)?;
        Ok(Self { name: name.to_owned(), key: NodeKey::from_secret(inner, secret) })
    }

    /// What others need to check its cosignatures.
    pub fn verifier(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), usage: KeyUse::Cosigner, key: self.key.public() }
    }

    /// The signature line of a cosignature over the note text `text` at `now`.
    pub(crate) fn line(&self, text: &str, now: Timestamp) -> String {
        let posix_seconds = u64::try_from(now.unix_nanos() / 1_000_000_000).unwrap_or(0);
        let mut bytes = self.verifier().id().to_be_bytes().to_vec();
        bytes.extend_from_slice(&posix_seconds.to_be_bytes());
        bytes.extend_from_slice(&self.key.sign(&cosigned_message(posix_seconds, text)));
        format!("\u{2014} {} {}\n", self.name, BASE64_STANDARD.encode(bytes))
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secret half must not reach a log.
        write!(f, "WitnessKey({})", self.verifier())
    }
}
