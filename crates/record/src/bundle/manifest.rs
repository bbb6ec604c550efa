//! What stands in `manifest.json` and `keys.json`, and the paths of a bundle.

use base::{Country, EntryId, NodeName, Timestamp};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::entry::pre_authentication;
use crate::key::{NodeKey, PublicKey};

/// The schema of `manifest.json`.
pub const BUNDLE_SCHEMA: &str = "bongsu.bundle/2";

/// The schema of `keys.json`.
pub(crate) const KEYS_SCHEMA: &str = "bongsu.bundle-keys/1";

/// The `payloadType` under which the manifest is signed (DSSE).
const MANIFEST_TYPE: &str = "application/vnd.bongsu.bundle-manifest+json";

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const SIGNATURE: &str = "manifest.sig";
pub(crate) const KEYS: &str = "keys.json";
pub(crate) const LABELS: &str = "labels.ndjson";
pub(crate) const CUSTODY: &str = "custody.ndjson";
pub(crate) const PROVENANCE: &str = "prov.jsonld";
pub(crate) const POLICY: &str = "quorum.policy";
pub(crate) const SUMMARY: &str = "summary.html";

pub(crate) fn checkpoint_path(log: usize) -> String {
    format!("checkpoints/{log}.txt")
}

pub(crate) fn item_path(id: &EntryId) -> String {
    format!("items/{id}.json")
}

pub(crate) fn proof_path(id: &EntryId) -> String {
    format!("proofs/{id}.tlog-proof")
}

pub(crate) fn blob_path(sha256: &str) -> String {
    format!("blobs/{sha256}")
}

/// The program that wrote a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Software {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the program's file, hexadecimal, when it could be read.
    pub sha256: Option<String>,
}

/// Whose bundle it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exporter {
    /// The node.
    pub node: NodeName,
    /// Its country.
    pub country: Country,
    /// Its Ed25519 public key, hexadecimal.
    pub key: String,
}

/// What a key in `keys.json` is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyRole {
    /// The node that wrote the bundle.
    Exporter,
    /// A node that signed an entry in it.
    Author,
    /// A node that cosigns the logs in it.
    Witness,
}

/// A key that the bundle is checked with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleKey {
    /// What it is for.
    pub role: KeyRole,
    /// The node.
    pub node: NodeName,
    /// Its country.
    pub country: Country,
    /// Its Ed25519 public key, hexadecimal.
    pub key: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    pub(crate) schema: String,
    pub(crate) keys: Vec<BundleKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogRow {
    pub(crate) origin: String,
    pub(crate) size: u64,
}

/// One item: an entry, or the place of one whose content is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemRow {
    pub(crate) id: EntryId,
    pub(crate) log: usize,
    pub(crate) index: u64,
    pub(crate) received: Option<Timestamp>,
    pub(crate) withdrawn: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileRow {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) schema: String,
    pub(crate) software: Software,
    pub(crate) exporter: Exporter,
    pub(crate) audience: Option<NodeName>,
    pub(crate) exported: Option<Timestamp>,
    pub(crate) logs: Vec<LogRow>,
    pub(crate) items: Vec<ItemRow>,
    pub(crate) files: Vec<FileRow>,
}

/// The detached DSSE signature over `manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ManifestSignature {
    keyid: String,
    payload_type: String,
    sig: String,
}

/// SHA-256 in hexadecimal, as a bundle names files and programs.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// RFC 8785. What is written here has no map with other keys than text and no number that is not finite.
pub(crate) fn canonical<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

/// A document in canonical form, with no field that is not known.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn document<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let again = canonical(&value);
    if again != bytes {
        let byte = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        return Err(format!("it differs from its canonical form (RFC 8785) at byte {byte}"));
    }
    serde_json::from_value(value).map_err(|e| e.to_string())
}

/// `manifest.sig`.
pub(crate) fn sign_manifest(manifest: &[u8], key: &NodeKey) -> Vec<u8> {
    canonical(&ManifestSignature {
        keyid: key.public().to_hex(),
        payload_type: MANIFEST_TYPE.to_owned(),
        sig: BASE64_STANDARD.encode(key.sign(&pre_authentication(MANIFEST_TYPE, manifest))),
    })
}

/// Whether `signature` is the exporter's over the manifest.
pub(crate) fn manifest_signed(manifest: &[u8], signature: &[u8], key: &PublicKey) -> Result<(), String> {
    let read: ManifestSignature = document(signature)?;
    if read.payload_type != MANIFEST_TYPE {
        return Err(format!("`payloadType` is not {MANIFEST_TYPE}"));
    }
    if read.keyid != key.to_hex() {
        return Err("`keyid` is not the exporter's key".to_owned());
    }
    let bytes: [u8; 64] = BASE64_STANDARD
        .decode(&read.sig)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("`sig` is not 64 bytes of base64")?;
    key.verify(&pre_authentication(MANIFEST_TYPE, manifest), &bytes).map_err(|e| e.to_string())
}

/// A public key in its one spelling.
pub(crate) fn public_key(hexadecimal: &str) -> Option<PublicKey> {
    PublicKey::from_hex(hexadecimal).ok().filter(|key| key.to_hex() == hexadecimal)
}
