//! A bundle: entries with all that a third party needs to check them, in one file and without this program. The form
//! stands in docs/reference/bundle.md.

mod archive;
mod custody;
mod manifest;
mod summary;
mod times;
mod verify;

use std::collections::{BTreeMap, BTreeSet};

use base::{BlobHash, Country, EntryId, Fault, NodeName, Timestamp};

use self::archive::Member;
use self::custody::{Derived, Item};
use self::manifest::{
    Exporter as Row, FileRow, ItemRow, KEYS, KEYS_SCHEMA, Keys, LogRow, MANIFEST, Manifest, POLICY,
    SIGNATURE, SUMMARY, blob_path, canonical, checkpoint_path, item_path, proof_path, sign_manifest,
};
use crate::{Checkpoint, Entry, InclusionProof, NodeKey};

pub use archive::{MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES};
pub use manifest::{BUNDLE_SCHEMA, BundleKey, Exporter, KeyRole, Software, sha256_hex};
pub use times::TimeBounds;
pub use verify::{BundleLog, BundleTrust, BundleVerdict, CheckedItem, verify_bundle};

/// One item on its way into a bundle.
#[derive(Debug, Clone)]
pub struct BundleItem {
    /// Which entry.
    pub id: EntryId,
    /// The place of its log in [`BundleContents::checkpoints`].
    pub log: usize,
    /// Its place in that log, from 0.
    pub index: u64,
    /// The inclusion proof under that log's checkpoint.
    pub path: Vec<[u8; 32]>,
    /// The entry; `None` when its content is gone or was taken back.
    pub entry: Option<Entry>,
    /// When the exporter received it; `None` for its own.
    pub received: Option<Timestamp>,
}

/// All that goes into a bundle. Who may have it was decided before: nothing is left out here.
#[derive(Debug, Clone)]
pub struct BundleContents {
    /// The program that writes it.
    pub software: Software,
    /// The exporter's country; name and key are those of the key that signs.
    pub country: Country,
    /// The peer that it is made for; its logs are then those for this peer, else the home log.
    pub audience: Option<NodeName>,
    /// When it is written, if that is to stand in it.
    pub exported: Option<Timestamp>,
    /// The newest checkpoint of each log.
    pub checkpoints: Vec<Checkpoint>,
    /// The items, in any order.
    pub items: Vec<BundleItem>,
    /// Raw bytes of the observations among them.
    pub blobs: BTreeMap<BlobHash, Vec<u8>>,
    /// Keys of authors and witnesses; the exporter's is added.
    pub keys: Vec<BundleKey>,
    /// Whose cosignatures should count, in the form of C2SP tlog-policy.
    pub policy: Option<Vec<u8>>,
}

/// Why a bundle is not written. Nothing of it is there then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// Over [`MAX_BUNDLE_BYTES`] or [`MAX_BUNDLE_FILES`].
    #[error(
        "the bundle would be over {MAX_BUNDLE_BYTES} bytes or {MAX_BUNDLE_FILES} files; make several, each of some ids"
    )]
    TooLarge,
    /// What was handed in does not fit together.
    #[error("the bundle would not verify: {0}")]
    NotRight(Box<Fault>),
}

impl BundleContents {
    /// The bytes of the bundle, signed by `key`. The same contents and key give the same bytes.
    ///
    /// # Errors
    /// When it would be too large or would not verify.
    pub fn write(&self, key: &NodeKey) -> Result<Vec<u8>, BundleError> {
        let mut items: Vec<&BundleItem> = self.items.iter().collect();
        items.sort_by_key(|item| (item.log, item.index));
        let mut manifest = self.manifest(key, &items);
        let files = self.files(key, &manifest, &items);
        manifest.files = files
            .iter()
            .map(|(path, bytes)| FileRow {
                path: path.clone(),
                bytes: bytes.len() as u64,
                sha256: sha256_hex(bytes),
            })
            .collect();
        let head = canonical(&manifest);
        let signature = sign_manifest(&head, key);
        let mut members = vec![Member::new(MANIFEST, &head), Member::new(SIGNATURE, &signature)];
        members.extend(files.iter().map(|(path, bytes)| Member::new(path, bytes)));
        let archive = archive::write(&members).ok_or(BundleError::TooLarge)?;
        match verify_bundle(&archive, &BundleTrust::default()).first {
            None => Ok(archive),
            Some(fault) => Err(BundleError::NotRight(Box::new(fault))),
        }
    }

    fn manifest(&self, key: &NodeKey, items: &[&BundleItem]) -> Manifest {
        let row = |item: &&BundleItem| ItemRow {
            id: item.id,
            log: item.log,
            index: item.index,
            received: item.received,
            withdrawn: item.entry.is_none(),
        };
        let log = |log: &Checkpoint| LogRow { origin: log.origin().to_owned(), size: log.size() };
        Manifest {
            schema: BUNDLE_SCHEMA.to_owned(),
            software: self.software.clone(),
            exporter: Row {
                node: key.name().clone(),
                country: self.country.clone(),
                key: key.public().to_hex(),
            },
            audience: self.audience.clone(),
            exported: self.exported,
            logs: self.checkpoints.iter().map(log).collect(),
            items: items.iter().map(row).collect(),
            files: Vec::new(),
        }
    }

    /// All files but the manifest and its signature, by the order of their paths.
    fn files(&self, key: &NodeKey, manifest: &Manifest, items: &[&BundleItem]) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for (log, checkpoint) in self.checkpoints.iter().enumerate() {
            files.insert(checkpoint_path(log), checkpoint.note().as_bytes().to_vec());
        }
        for item in items {
            if let Some(entry) = &item.entry {
                files.insert(item_path(&item.id), canonical(entry));
            }
            if let Some(checkpoint) = self.checkpoints.get(item.log) {
                let proof = InclusionProof::new(item.index, item.path.clone(), checkpoint.clone(), None);
                files.insert(proof_path(&item.id), proof.to_string().into_bytes());
            }
        }
        for (hash, bytes) in &self.blobs {
            files.insert(blob_path(&hash.to_string()), bytes.clone());
        }
        let keys = Keys { schema: KEYS_SCHEMA.to_owned(), keys: self.all_keys(key) };
        let of: Vec<Item<'_>> = manifest
            .items
            .iter()
            .zip(items)
            .map(|(row, item)| Item { row, entry: item.entry.as_ref() })
            .collect();
        files.insert(KEYS.to_owned(), canonical(&keys));
        let mut derived = Derived::new(manifest, |_| Vec::new());
        of.iter().for_each(|item| derived.push(*item));
        files.extend(derived.finish().map(|(path, bytes)| (path.to_owned(), bytes)));
        if let Some(policy) = &self.policy {
            files.insert(POLICY.to_owned(), policy.clone());
        }
        let page = summary::page(manifest, &keys.keys, &self.checkpoints, &of, self.policy.as_deref());
        files.insert(SUMMARY.to_owned(), page.into_bytes());
        files
    }

    /// In one order, each once.
    fn all_keys(&self, key: &NodeKey) -> Vec<BundleKey> {
        let mut keys: BTreeSet<BundleKey> = self.keys.iter().cloned().collect();
        keys.insert(BundleKey {
            role: KeyRole::Exporter,
            node: key.name().clone(),
            country: self.country.clone(),
            key: key.public().to_hex(),
        });
        keys.into_iter().collect()
    }
}
