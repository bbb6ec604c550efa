use std::sync::Arc;

use base::{
    Country, EntryId, Facts, KeyFingerprint, Marked, Marking, NodeName, Noun, Precedence, Timestamp,
    WireError,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::canonical;
use crate::domain::Domain;
use crate::key::{KeyError, NodeKey, PublicKey};
use crate::verifier::Verifier;

/// The largest entry that is written or accepted, in bytes of canonical JSON. Anything larger belongs into a blob.
pub const MAX_ENTRY_BYTES: usize = 1 << 20;

/// The `payloadType` of the DSSE envelope of a live entry.
pub const PAYLOAD_TYPE: &str = Domain::Live.payload_type();

/// The schema name of a live entry.
pub const ENTRY_SCHEMA: &str = Domain::Live.entry_schema();

/// Why bytes are no [`Entry`]. The `code` is stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Over [`MAX_ENTRY_BYTES`].
    #[error("the entry has {bytes} bytes, allowed are {MAX_ENTRY_BYTES}; put large content into a blob")]
    TooLarge {
        /// How many bytes it has.
        bytes: usize,
    },
    /// The envelope is not the DSSE envelope of an entry.
    #[error("not a DSSE envelope of an entry: {reason}")]
    BadEnvelope {
        /// What is wrong.
        reason: String,
    },
    /// The payload is not RFC 8785 JSON of the entry schema.
    #[error("the payload is no {ENTRY_SCHEMA}: {reason}")]
    BadPayload {
        /// What is wrong.
        reason: String,
    },
    /// The bytes are JSON, but not in the one canonical form.
    #[error("the payload differs from its canonical form (RFC 8785) at byte {byte}")]
    NotCanonical {
        /// First byte that differs.
        byte: usize,
    },
    /// The signature or the key.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// The author's fingerprint is not that of the key that signed.
    #[error("the entry names key {named} as its author, but is signed by {signed}")]
    OtherKey {
        /// Fingerprint in the payload.
        named: KeyFingerprint,
        /// Fingerprint of the key in the envelope.
        signed: KeyFingerprint,
    },
    /// The body is not the noun that was asked for.
    #[error("{0}")]
    Wire(#[from] WireError),
}

impl EntryError {
    /// A stable code for faults.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "record::entry_too_large",
            Self::BadEnvelope { .. } => "record::bad_envelope",
            Self::BadPayload { .. } => "record::bad_payload",
            Self::NotCanonical { .. } => "record::not_canonical",
            Self::Key(_) => "record::bad_signature",
            Self::OtherKey { .. } => "record::other_key",
            Self::Wire(_) => "record::bad_body",
        }
    }
}

/// Who wrote an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Author {
    /// The node.
    pub node: NodeName,
    /// Its country.
    pub country: Country,
    /// The fingerprint of its signing key.
    pub key: KeyFingerprint,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    schema: String,
    author: Author,
    time: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    precedence: Option<Precedence>,
    salt: String,
    body: Value,
}

impl Payload {
    /// The canonical bytes, without a JSON value of the whole in between. The names stand in their order.
    fn canonical(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(1024);
        let mut field = |name: &str, value: &Value| {
            bytes.extend_from_slice(if bytes.is_empty() { b"{\"" } else { b",\"" });
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b"\":");
            canonical::write(value, &mut bytes)
        };
        field("author", &serde_json::to_value(&self.author)?)?;
        field("body", &self.body)?;
        if let Some(precedence) = self.precedence {
            field("precedence", &serde_json::to_value(precedence)?)?;
        }
        field("salt", &self.salt.as_str().into())?;
        field("schema", &self.schema.as_str().into())?;
        field("time", &serde_json::to_value(self.time)?)?;
        bytes.push(b'}');
        Ok(bytes)
    }
}

/// What stands above the body of an entry beside its author and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heading {
    /// Live or exercise.
    pub domain: Domain,
    /// How urgent, when the author says so himself.
    pub precedence: Option<Precedence>,
}

/// One signed statement: canonical JSON (RFC 8785), identified by its SHA-256, signed with Ed25519 in a DSSE
/// envelope. Immutable; a correction or a recall is another entry.
///
/// The payload holds 128 random bits (`salt`), so that the id is a hiding commitment: who sees only the id in a
/// log or in an evidence list cannot test guesses of the content against it.
///
/// A clone shares the content.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry(Arc<Parts>);

#[derive(Debug, PartialEq)]
struct Parts {
    id: EntryId,
    heading: Heading,
    author: Author,
    time: Timestamp,
    /// The schema of the body, which is asked for often.
    kind: String,
    body: Value,
    marking: Option<Marking>,
    evidence: Vec<EntryId>,
    payload: Vec<u8>,
    key: PublicKey,
    signature: [u8; 64],
}

impl Entry {
    /// Signs `noun` as a live entry of `key`'s node at time `now`.
    ///
    /// # Errors
    /// When the noun has no JSON form or is larger than [`MAX_ENTRY_BYTES`].
    pub fn sign<T: Noun>(
        noun: &T,
        country: &Country,
        key: &NodeKey,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, EntryError> {
        Self::sign_as(noun, Heading::default(), country, key, now, rng)
    }

    /// The same under a heading.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_as<T: Noun>(
        noun: &T,
        heading: Heading,
        country: &Country,
        key: &NodeKey,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, EntryError> {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let payload = Payload {
            schema: heading.domain.entry_schema().to_owned(),
            author: Author {
                node: key.name().clone(),
                country: country.clone(),
                key: key.public().fingerprint(),
            },
            time: now,
            precedence: heading.precedence,
            salt: hex::encode(salt),
            body: base::to_document(noun)?,
        };
        let bytes = payload.canonical().map_err(|e| EntryError::BadPayload { reason: e.to_string() })?;
        let signature = key.sign(&pre_authentication(heading.domain.payload_type(), &bytes));
        // Read back, so that what is written here can be read everywhere. The bytes are canonical and the signature
        // holds, because they were made so.
        let parsed =
            serde_json::from_slice(&bytes).map_err(|e| EntryError::BadPayload { reason: e.to_string() })?;
        Self::assemble(parsed, heading.domain, bytes, &key.public(), signature)
    }

    /// An entry from its stored parts; everything is checked.
    ///
    /// # Errors
    /// See [`EntryError`]: size, canonical form, schema, author's key, signature.
    pub fn from_parts(payload: Vec<u8>, key: &PublicKey, signature: [u8; 64]) -> Result<Self, EntryError> {
        Self::checked(payload, key, signature, |message| key.verify(message, &signature))
    }

    /// The same for one of many entries by one key.
    ///
    /// # Errors
    /// As [`Self::from_parts`].
    pub fn from_parts_by(
        payload: Vec<u8>,
        verifier: &Verifier,
        signature: [u8; 64],
    ) -> Result<Self, EntryError> {
        Self::checked(payload, verifier.key(), signature, |message| verifier.verify(message, &signature))
    }

    fn checked(
        payload: Vec<u8>,
        key: &PublicKey,
        signature: [u8; 64],
        holds: impl Fn(&[u8]) -> Result<(), KeyError>,
    ) -> Result<Self, EntryError> {
        if payload.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLarge { bytes: payload.len() });
        }
        // Which of the two domains was signed for is found by the signature itself.
        let domain = Domain::ALL
            .into_iter()
            .find(|domain| holds(&pre_authentication(domain.payload_type(), &payload)).is_ok())
            .ok_or(KeyError::BadSignature)?;
        let bad = |reason: String| EntryError::BadPayload { reason };
        let value: Value = serde_json::from_slice(&payload).map_err(|e| bad(e.to_string()))?;
        let canonical = canonical::to_vec(&value).map_err(|e| bad(e.to_string()))?;
        if canonical != payload {
            let byte = canonical.iter().zip(&payload).take_while(|(a, b)| a == b).count();
            return Err(EntryError::NotCanonical { byte });
        }
        let parsed: Payload = serde_json::from_value(value).map_err(|e| bad(e.to_string()))?;
        Self::assemble(parsed, domain, payload, key, signature)
    }

    /// An entry that this node checked before it stored it, of which its row vouches for key and signature and the id
    /// for the payload: neither signature nor canonical form are looked at again.
    pub(crate) fn as_stored(
        payload: Vec<u8>,
        key: &PublicKey,
        signature: [u8; 64],
    ) -> Result<Self, EntryError> {
        let bad = |reason: String| EntryError::BadPayload { reason };
        let parsed: Payload = serde_json::from_slice(&payload).map_err(|e| bad(e.to_string()))?;
        let domain = Domain::ALL
            .into_iter()
            .find(|domain| domain.entry_schema() == parsed.schema)
            .ok_or_else(|| bad(format!("schema is `{}`", parsed.schema)))?;
        Self::assemble(parsed, domain, payload, key, signature)
    }

    /// What a payload says, of which canonical form and signature are known to hold.
    fn assemble(
        parsed: Payload,
        domain: Domain,
        payload: Vec<u8>,
        key: &PublicKey,
        signature: [u8; 64],
    ) -> Result<Self, EntryError> {
        if payload.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLarge { bytes: payload.len() });
        }
        let bad = |reason: String| EntryError::BadPayload { reason };
        if parsed.schema != domain.entry_schema() {
            return Err(bad(format!("schema is `{}`", parsed.schema)));
        }
        if parsed.salt.len() != 32 || !parsed.salt.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad("salt is not 32 hexadecimal digits".to_owned()));
        }
        let kind = base::schema_of(&parsed.body).to_owned();
        if kind.is_empty() {
            return Err(bad("the body has no schema".to_owned()));
        }
        let signed = key.fingerprint();
        if parsed.author.key != signed {
            return Err(EntryError::OtherKey { named: parsed.author.key, signed });
        }
        let evidence = match parsed.body.get("evidence") {
            None => Vec::new(),
            Some(list) => serde_json::from_value(list.clone()).map_err(|e| bad(format!("evidence: {e}")))?,
        };
        Ok(Self(Arc::new(Parts {
            id: EntryId::from_bytes(Sha256::digest(&payload).into()),
            heading: Heading { domain, precedence: parsed.precedence },
            author: parsed.author,
            time: parsed.time,
            // A marking of a later version may not parse: then nobody gets the entry.
            marking: parsed.body.get("marking").and_then(|m| serde_json::from_value(m.clone()).ok()),
            evidence,
            kind,
            body: parsed.body,
            payload,
            key: *key,
            signature,
        })))
    }

    /// An entry from its DSSE envelope, as it arrives from a peer; everything is checked.
    ///
    /// # Errors
    /// See [`EntryError`].
    pub fn from_envelope(envelope: &Value) -> Result<Self, EntryError> {
        let bad = |reason: &str| EntryError::BadEnvelope { reason: reason.to_owned() };
        let text = |at: &Value, field: &'static str| -> Result<String, EntryError> {
            at.get(field)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| bad(&format!("`{field}` is missing")))
        };
        let named = text(envelope, "payloadType")?;
        if Domain::ALL.iter().all(|domain| named != domain.payload_type()) {
            return Err(bad(&format!("`payloadType` is not {PAYLOAD_TYPE}")));
        }
        let payload64 = text(envelope, "payload")?;
        if payload64.len() > MAX_ENTRY_BYTES / 3 * 4 + 8 {
            return Err(EntryError::TooLarge { bytes: payload64.len() / 4 * 3 });
        }
        let payload = BASE64_STANDARD.decode(&payload64).map_err(|_| bad("`payload` is not base64"))?;
        let [signature] = envelope.get("signatures").and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
        else {
            return Err(bad("`signatures` must hold exactly one"));
        };
        let key = PublicKey::from_hex(&text(signature, "keyid")?)?;
        let sig: [u8; 64] = BASE64_STANDARD
            .decode(text(signature, "sig")?)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| bad("`sig` is not 64 bytes of base64"))?;
        let entry = Self::from_parts(payload, &key, sig)?;
        if named != entry.domain().payload_type() {
            return Err(bad("`payloadType` is not that of the payload"));
        }
        Ok(entry)
    }

    /// The DSSE envelope (`keyid` is the public key in hexadecimal).
    pub fn to_envelope(&self) -> Value {
        json!({
            "payloadType": self.domain().payload_type(),
            "payload": BASE64_STANDARD.encode(&self.0.payload),
            "signatures": [{"keyid": self.0.key.to_hex(), "sig": BASE64_STANDARD.encode(self.0.signature)}],
        })
    }

    /// SHA-256 of the canonical payload.
    pub fn id(&self) -> EntryId {
        self.0.id
    }

    /// Who wrote it.
    pub fn author(&self) -> &Author {
        &self.0.author
    }

    /// When the author signed it, by the author's clock.
    pub fn time(&self) -> Timestamp {
        self.0.time
    }

    /// Live or exercise.
    pub fn domain(&self) -> Domain {
        self.0.heading.domain
    }

    /// How urgent, when its author said so.
    pub fn precedence(&self) -> Option<Precedence> {
        self.0.heading.precedence
    }

    /// The schema of the body: `bongsu.finding/1`.
    pub fn kind(&self) -> &str {
        &self.0.kind
    }

    /// The body as JSON.
    pub fn body(&self) -> &Value {
        &self.0.body
    }

    /// The body as the noun `T`.
    ///
    /// # Errors
    /// When the schema is another one or a field does not fit.
    pub fn noun<T: Noun>(&self) -> Result<T, WireError> {
        base::from_document(&self.0.body)
    }

    /// The canonical bytes that are hashed and signed.
    pub fn payload(&self) -> &[u8] {
        &self.0.payload
    }

    /// The key that signed.
    pub fn key(&self) -> &PublicKey {
        &self.0.key
    }

    /// The signature over the DSSE pre-authentication encoding.
    pub fn signature(&self) -> &[u8; 64] {
        &self.0.signature
    }
}

impl Marked for Entry {
    fn marking(&self) -> Option<&Marking> {
        self.0.marking.as_ref()
    }

    fn evidence(&self) -> &[EntryId] {
        &self.0.evidence
    }

    fn facts(&self) -> Option<Facts> {
        Facts::read(&self.0.body)
    }
}

/// As its DSSE envelope.
impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.to_envelope().serialize(to)
    }
}

/// DSSE v1 PAE: `"DSSEv1" SP LEN(type) SP type SP LEN(body) SP body`.
pub(crate) fn pre_authentication(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}
