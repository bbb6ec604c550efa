use base::{
    Country, EntryId, KeyFingerprint, Marked, Marking, NodeName, Noun, Precedence, Timestamp, WireError,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::Domain;
use crate::key::{KeyError, NodeKey, PublicKey};

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
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    id: EntryId,
    heading: Heading,
    author: Author,
    time: Timestamp,
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
        let bytes = serde_json_canonicalizer::to_vec(&payload)
            .map_err(|e| EntryError::BadPayload { reason: e.to_string() })?;
        let signature = key.sign(&pre_authentication(heading.domain, &bytes));
        // Read back, so that what is written here can be read everywhere. The bytes are canonical and the signature
        // holds, because they were made so.
        UnverifiedEntry::parse(bytes, &key.public(), signature).map(|unverified| unverified.0)
    }

    /// An entry from its stored parts; everything is checked.
    ///
    /// # Errors
    /// See [`EntryError`]: size, canonical form, schema, author's key, signature.
    pub fn from_parts(payload: Vec<u8>, key: &PublicKey, signature: [u8; 64]) -> Result<Self, EntryError> {
        UnverifiedEntry::parse(payload, key, signature)?.verify()
    }

    /// An entry from its DSSE envelope, as it arrives from a peer; everything is checked.
    ///
    /// # Errors
    /// See [`EntryError`].
    pub fn from_envelope(envelope: &Value) -> Result<Self, EntryError> {
        UnverifiedEntry::from_envelope(envelope)?.verify()
    }

    /// The DSSE envelope (`keyid` is the public key in hexadecimal).
    pub fn to_envelope(&self) -> Value {
        json!({
            "payloadType": self.domain().payload_type(),
            "payload": BASE64_STANDARD.encode(&self.payload),
            "signatures": [{"keyid": self.key.to_hex(), "sig": BASE64_STANDARD.encode(self.signature)}],
        })
    }

    /// SHA-256 of the canonical payload.
    pub const fn id(&self) -> EntryId {
        self.id
    }

    /// Who wrote it.
    pub const fn author(&self) -> &Author {
        &self.author
    }

    /// When the author signed it, by the author's clock.
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// Live or exercise.
    pub const fn domain(&self) -> Domain {
        self.heading.domain
    }

    /// How urgent, when its author said so.
    pub const fn precedence(&self) -> Option<Precedence> {
        self.heading.precedence
    }

    /// The schema of the body: `bongsu.finding/1`.
    pub fn kind(&self) -> &str {
        base::schema_of(&self.body)
    }

    /// The body as JSON.
    pub const fn body(&self) -> &Value {
        &self.body
    }

    /// The body as the noun `T`.
    ///
    /// # Errors
    /// When the schema is another one or a field does not fit.
    pub fn noun<T: Noun>(&self) -> Result<T, WireError> {
        base::from_document(&self.body)
    }

    /// The canonical bytes that are hashed and signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The key that signed.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The signature over the DSSE pre-authentication encoding.
    pub const fn signature(&self) -> &[u8; 64] {
        &self.signature
    }
}

impl Marked for Entry {
    fn marking(&self) -> Option<&Marking> {
        self.marking.as_ref()
    }

    fn evidence(&self) -> &[EntryId] {
        &self.evidence
    }
}

/// As its DSSE envelope.
impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.to_envelope().serialize(to)
    }
}

/// An entry whose form was read, but whose canonical form and signature were not checked yet: the part of
/// [`Entry::from_envelope`] that takes most of its time stands apart, so that a caller can do it for many entries on all
/// cores. Nothing can be read from it but its id.
#[derive(Debug, Clone)]
pub struct UnverifiedEntry(Entry);

impl UnverifiedEntry {
    /// SHA-256 of the payload.
    pub const fn id(&self) -> EntryId {
        self.0.id
    }

    /// Checks canonical form and signature.
    ///
    /// # Errors
    /// [`EntryError::NotCanonical`], or [`EntryError::Key`] when the signature does not hold.
    pub fn verify(self) -> Result<Entry, EntryError> {
        let payload = &self.0.payload;
        self.0.key.verify(&pre_authentication(self.0.heading.domain, payload), &self.0.signature)?;
        let bad = |e: String| EntryError::BadPayload { reason: e };
        let value: Value = serde_json::from_slice(payload).map_err(|e| bad(e.to_string()))?;
        let canonical = serde_json_canonicalizer::to_vec(&value).map_err(|e| bad(e.to_string()))?;
        if canonical != *payload {
            let byte = canonical.iter().zip(payload).take_while(|(a, b)| a == b).count();
            return Err(EntryError::NotCanonical { byte });
        }
        Ok(self.0)
    }

    /// Reads the DSSE envelope of an entry.
    ///
    /// # Errors
    /// See [`EntryError`]; canonical form and signature are not checked here.
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
        let unverified = Self::parse(payload, &key, sig)?;
        if named != unverified.0.domain().payload_type() {
            return Err(bad("`payloadType` is not that of the payload"));
        }
        Ok(unverified)
    }

    fn parse(payload: Vec<u8>, key: &PublicKey, signature: [u8; 64]) -> Result<Self, EntryError> {
        if payload.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::TooLarge { bytes: payload.len() });
        }
        let bad = |reason: String| EntryError::BadPayload { reason };
        let parsed: Payload = serde_json::from_slice(&payload).map_err(|e| bad(e.to_string()))?;
        // The schema says which of the two payload types the signature must be over.
        let domain = Domain::ALL
            .into_iter()
            .find(|domain| parsed.schema == domain.entry_schema())
            .ok_or_else(|| bad(format!("schema is `{}`", parsed.schema)))?;
        if parsed.salt.len() != 32 || !parsed.salt.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad("salt is not 32 hexadecimal digits".to_owned()));
        }
        if base::schema_of(&parsed.body).is_empty() {
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
        Ok(Self(Entry {
            id: EntryId::from_bytes(Sha256::digest(&payload).into()),
            heading: Heading { domain, precedence: parsed.precedence },
            author: parsed.author,
            time: parsed.time,
            // A marking of a later version may not parse: then nobody gets the entry.
            marking: parsed.body.get("marking").and_then(|m| serde_json::from_value(m.clone()).ok()),
            evidence,
            body: parsed.body,
            payload,
            key: *key,
            signature,
        }))
    }
}

/// DSSE v1 PAE: `"DSSEv1" SP LEN(type) SP type SP LEN(body) SP body`.
fn pre_authentication(domain: Domain, payload: &[u8]) -> Vec<u8> {
    let named = domain.payload_type();
    let mut bytes = format!("DSSEv1 {} {named} {} ", named.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}
