//! Items, proofs, raw bytes and what is derived, in one pass: an entry is held only while it is looked at.

use std::collections::BTreeSet;

use base::{EntryId, Fault, Timestamp};
use serde_json::Value;

use super::super::custody::{self, Derived, Item, Sink};
use super::super::manifest::{ItemRow, KEYS, KeyRole, Keys, blob_path, canonical, item_path, proof_path};
use super::super::times::Bounds;
use super::{CheckedItem, MAX_FAULTS, Opened, Step, none_or, wrong};
use crate::{Checkpoint, Entry, InclusionProof, leaf_hash, leaf_included};

/// What the items of a right bundle are.
pub(super) struct Checked {
    pub(super) items: Vec<CheckedItem>,
    pub(super) blobs: u64,
}

/// What each step found wrong. The steps are done together, and told in their order: what comes after a wrong step only
/// repeats it.
#[derive(Default)]
struct Found {
    items: Vec<Fault>,
    proofs: Vec<Fault>,
    blobs: Vec<Fault>,
    derived: Vec<Fault>,
}

/// Checks all items; `witnessed` gives for each log the earliest time of a cosignature.
pub(super) fn check(
    opened: &Opened<'_>,
    keys: &Keys,
    checkpoints: &[Checkpoint],
    witnessed: &[Option<Timestamp>],
) -> Step<Checked> {
    let authors = Authors::of(keys);
    let mut found = Found::default();
    let mut derived = Derived::new(&opened.manifest, |path| Beside::new(opened.files[path]));
    let mut named = BTreeSet::new();
    let mut bounds = Bounds::new(witnessed);
    let mut items = Vec::with_capacity(opened.manifest.items.len());
    for row in &opened.manifest.items {
        let entry = match authors.entry(opened, row) {
            Ok(entry) => entry,
            Err(faults) => {
                found.items.extend(faults);
                if found.items.len() == MAX_FAULTS {
                    break;
                }
                continue;
            }
        };
        if found.proofs.len() < MAX_FAULTS {
            found.proofs.extend(check_proof(opened, row, &checkpoints[row.log]));
        }
        let item = Item { row, entry: entry.as_ref() };
        if let Some((path, fault)) = item.entry.and_then(|entry| blob(opened, entry)) {
            found.blobs.extend(fault);
            named.insert(path);
        }
        derived.push(item);
        items.push(CheckedItem {
            id: row.id,
            kind: item.entry.map(|entry| entry.kind().to_owned()),
            author: item.entry.map(|entry| entry.author().node.clone()),
            log: opened.manifest.logs[row.log].origin.clone(),
            index: row.index,
            times: bounds.next(item),
        });
    }
    let blobs = check_blobs(opened, &named, &mut found.blobs);
    found.derived.extend(derived.finish().into_iter().filter_map(|(path, beside)| beside.fault(path)));
    found.blobs.truncate(MAX_FAULTS);
    none_or(found.items)?;
    none_or(found.proofs)?;
    none_or(found.blobs)?;
    none_or(found.derived)?;
    Ok(Checked { items, blobs })
}

/// Who may have signed an entry: node, country and key.
struct Authors<'a>(BTreeSet<(&'a str, &'a str, &'a str)>);

impl<'a> Authors<'a> {
    fn of(keys: &'a Keys) -> Self {
        let known = keys.keys.iter().filter(|key| key.role != KeyRole::Witness);
        Self(known.map(|key| (key.node.as_str(), key.country.as_str(), key.key.as_str())).collect())
    }

    /// The entry of a row, in its one spelling, with its id, signed by a key of `keys.json`; `None` when its content is
    /// gone.
    fn entry(&self, opened: &Opened<'_>, row: &ItemRow) -> Step<Option<Entry>> {
        if row.withdrawn {
            return Ok(None);
        }
        let file = item_path(&row.id);
        let read = read_item(&row.id, opened.files[file.as_str()], &self.0);
        read.map(Some).map_err(|(code, message)| wrong(code, &file, message))
    }
}

fn read_item(
    id: &EntryId,
    bytes: &[u8],
    known: &BTreeSet<(&str, &str, &str)>,
) -> Result<Entry, (&'static str, String)> {
    let bad = |message: String| ("bundle::bad_item", message);
    let envelope: Value = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
    let entry = Entry::from_envelope(&envelope).map_err(|e| bad(e.to_string()))?;
    if canonical(&entry) != bytes {
        return Err(bad("it is not the canonical form of its envelope".to_owned()));
    }
    if entry.id() != *id {
        return Err(bad(format!("its hash is {}", entry.id())));
    }
    let author = entry.author();
    let key = entry.key().to_hex();
    if !known.contains(&(author.node.as_str(), author.country.as_str(), key.as_str())) {
        let message = format!("`{}` is no author with this key in {KEYS}", author.node);
        return Err(("bundle::other_author", message));
    }
    Ok(entry)
}

fn check_proof(opened: &Opened<'_>, row: &ItemRow, checkpoint: &Checkpoint) -> Vec<Fault> {
    let file = proof_path(&row.id);
    let text = std::str::from_utf8(opened.files[file.as_str()]).unwrap_or_default();
    let message = match text.parse::<InclusionProof>() {
        Ok(proof) if proof.checkpoint().note() != checkpoint.note() => {
            "it is under another checkpoint than the item's log has"
        }
        Ok(proof) if proof.index() != row.index => "it is for another place than the manifest says",
        Ok(proof) if !proof.has_extra() => {
            let (size, root) = (checkpoint.size(), checkpoint.root());
            if leaf_included(proof.hashes(), size, root, proof.index(), leaf_hash(&row.id)) {
                return Vec::new();
            }
            "the entry is not at this place of the log"
        }
        _ => "it is not in the form of C2SP tlog-proof without extra data",
    };
    wrong("bundle::bad_proof", &file, message)
}

/// The raw bytes that an entry names, and what is wrong when they are the exporter's to give and not there.
fn blob(opened: &Opened<'_>, entry: &Entry) -> Option<(String, Vec<Fault>)> {
    let path = blob_path(custody::blob_of(entry)?);
    let mut faults = Vec::new();
    if !opened.files.contains_key(path.as_str()) && *entry.key() == opened.exporter {
        let message = format!("the raw bytes of observation {} are missing", entry.id());
        faults = wrong("bundle::missing_file", &path, message);
    }
    Some((path, faults))
}

/// Each raw input belongs to an observation here and has the hash that names it. Gives how many there are.
fn check_blobs(opened: &Opened<'_>, named: &BTreeSet<String>, faults: &mut Vec<Fault>) -> u64 {
    let mut blobs = 0;
    // The manifest's rows stand in the order of paths and have the hashes of the files, as was checked.
    for row in opened.manifest.files.iter().filter(|row| row.path.starts_with("blobs/")) {
        blobs += 1;
        if !named.contains(&row.path) {
            let message = "no observation in the bundle names these bytes";
            faults.extend(wrong("bundle::unknown_file", &row.path, message));
        } else if row.path.strip_prefix("blobs/") != Some(&row.sha256) {
            let message = "the bytes do not have the hash that names them";
            faults.extend(wrong("bundle::bad_hash", &row.path, message));
        }
    }
    blobs
}

/// Compares what is derived with the bytes of a file, piece by piece.
struct Beside<'a> {
    there: &'a [u8],
    at: usize,
    /// The first byte that differs.
    differs: Option<usize>,
}

impl<'a> Beside<'a> {
    const fn new(there: &'a [u8]) -> Self {
        Self { there, at: 0, differs: None }
    }

    /// After the last piece: what is wrong with the file at `path`.
    fn fault(self, path: &str) -> Option<Fault> {
        let byte = self.differs.or((self.at < self.there.len()).then_some(self.at))? as u64;
        let fault = Fault::error("bundle::not_derived", "it is not what the entries say");
        Some(fault.in_source(path).at_bytes(byte, byte + 1))
    }
}

impl Sink for Beside<'_> {
    fn take(&mut self, bytes: &[u8]) {
        let there = self.there.get(self.at..).unwrap_or_default();
        if self.differs.is_none() && !there.starts_with(bytes) {
            self.differs = Some(self.at + bytes.iter().zip(there).take_while(|(a, b)| a == b).count());
        }
        self.at += bytes.len();
    }
}
