//! The check of a bundle, offline, in the order of docs/reference/bundle.md.

mod contents;
mod items;
mod logs;

use std::collections::BTreeMap;

use base::{EntryId, Fault, NodeName, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::archive;
use super::manifest::{
    BUNDLE_SCHEMA, MANIFEST, Manifest, SIGNATURE, checkpoint_path, document, manifest_signed, public_key,
};
use super::times::TimeBounds;
use crate::{Checkpoint, EvidenceGrade, PolicyVerdict, PublicKey, QuorumPolicy};

/// The most faults that a verdict names.
const MAX_FAULTS: usize = 100;

/// What the one who checks knows beforehand. Without it a bundle only shows that it fits together.
#[derive(Debug, Clone, Default)]
pub struct BundleTrust {
    /// The exporter's key, as its officer told it by another way.
    pub key: Option<PublicKey>,
    /// Whose signatures and cosignatures count.
    pub policy: Option<QuorumPolicy>,
    /// Refuse what is below this grade.
    pub require: Option<EvidenceGrade>,
}

/// A log of a bundle and who vouches for its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BundleLog {
    /// The origin line.
    pub origin: String,
    /// How many entries the checkpoint covers.
    pub size: u64,
    /// The Merkle root, hexadecimal.
    pub root: String,
    /// Cosigners whose signature was checked, and the time that each states.
    pub cosigned: BTreeMap<String, Timestamp>,
}

/// An item of a bundle that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedItem {
    /// Which entry.
    pub id: EntryId,
    /// The schema of its body; `None` when its content is gone.
    pub kind: Option<String>,
    /// Who signed it.
    pub author: Option<NodeName>,
    /// The origin of its log.
    pub log: String,
    /// Its place there.
    pub index: u64,
    /// When it was there.
    #[serde(flatten)]
    pub times: TimeBounds,
}

/// What the check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BundleVerdict {
    /// Everything holds.
    pub ok: bool,
    /// Who wrote the bundle, once the manifest could be read.
    pub exporter: Option<NodeName>,
    /// The exporter's key: compare it with what its officer told you by another way.
    pub key: Option<String>,
    /// Whether that key, or the log's, was known beforehand.
    pub key_known: bool,
    /// The peer that it was made for.
    pub audience: Option<NodeName>,
    /// How many items.
    pub items: u64,
    /// How many of them have no content any more.
    pub withdrawn: u64,
    /// How many files, with the manifest and its signature.
    pub files: u64,
    /// How many raw inputs.
    pub blobs: u64,
    /// The logs.
    pub logs: Vec<BundleLog>,
    /// What the cosignatures make of it under the policy that was handed in; `None` without one.
    pub evidence: Option<EvidenceGrade>,
    /// Whether the quorum of that policy holds.
    pub quorum: Option<bool>,
    /// The nations of that policy that stand behind it.
    pub nations: Vec<String>,
    /// The first thing that is wrong; `source` is the file in the bundle.
    pub first: Option<Fault>,
    /// All that was found wrong before the check stopped (at most 100).
    pub faults: Vec<Fault>,
    /// What is worth knowing.
    pub notes: Vec<String>,
    /// The items, when everything holds.
    #[serde(skip)]
    pub checked: Vec<CheckedItem>,
}

/// Checks the bytes of a bundle. Never fails: what is wrong stands in the verdict.
pub fn verify_bundle(bytes: &[u8], trust: &BundleTrust) -> BundleVerdict {
    let mut check = Check { trust, verdict: BundleVerdict::default() };
    if let Err(faults) = check.all(bytes) {
        check.verdict.checked.clear();
        check.verdict.first = faults.first().cloned();
        check.verdict.faults = faults;
    }
    check.verdict.ok = check.verdict.first.is_none();
    check.verdict
}

/// Each step stops the check with what it found wrong: the next one would only repeat it.
type Step<T> = Result<T, Vec<Fault>>;

struct Check<'a> {
    trust: &'a BundleTrust,
    verdict: BundleVerdict,
}

/// A bundle whose manifest and files fit together.
struct Opened<'a> {
    manifest: Manifest,
    files: BTreeMap<&'a str, &'a [u8]>,
    exporter: PublicKey,
}

fn wrong(code: &str, file: &str, message: impl Into<String>) -> Vec<Fault> {
    vec![Fault::error(code, message).in_source(file)]
}

fn none_or(faults: Vec<Fault>) -> Step<()> {
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

impl Check<'_> {
    fn all(&mut self, bytes: &[u8]) -> Step<()> {
        let opened = self.open(bytes)?;
        self.pinned(&opened.exporter)?;
        let keys = logs::check_keys(&opened)?;
        let bundled = logs::bundled_policy(&opened)?;
        let checkpoints = self.checkpoints(&opened, &keys, bundled.as_ref())?;
        let witnessed: Vec<_> =
            self.verdict.logs.iter().map(|log| log.cosigned.values().min().copied()).collect();
        let checked = items::check(&opened, &keys, &checkpoints, &witnessed)?;
        self.verdict.blobs = checked.blobs;
        self.verdict.checked = checked.items;
        self.under_policy(&checkpoints)?;
        self.tell(bundled.is_some());
        Ok(())
    }

    /// Archive, manifest, signature, and the hash of each file.
    fn open<'a>(&mut self, bytes: &'a [u8]) -> Step<Opened<'a>> {
        let members = archive::read(bytes).map_err(|fault| vec![*fault])?;
        self.verdict.files = members.len() as u64;
        let [manifest, signature, rest @ ..] = members.as_slice() else {
            return Err(wrong("bundle::bad_manifest", MANIFEST, "there is no manifest"));
        };
        if manifest.name != MANIFEST || signature.name != SIGNATURE {
            let message = format!("the first two files must be {MANIFEST} and {SIGNATURE}");
            return Err(wrong("bundle::bad_manifest", manifest.name, message));
        }
        let bad = |message: String| wrong("bundle::bad_manifest", MANIFEST, message);
        let value: Value = document(manifest.bytes).map_err(bad)?;
        let schema = base::schema_of(&value);
        if schema != BUNDLE_SCHEMA {
            let schema: String = schema.chars().take(80).collect();
            let message = format!("its schema is `{schema}`, this program knows {BUNDLE_SCHEMA}");
            return Err(wrong("bundle::unknown_schema", MANIFEST, message));
        }
        let read: Manifest = serde_json::from_value(value).map_err(|e| bad(e.to_string()))?;
        let exporter = public_key(&read.exporter.key)
            .ok_or_else(|| bad("`exporter.key` is no Ed25519 public key".to_owned()))?;
        self.verdict.exporter = Some(read.exporter.node.clone());
        self.verdict.key = Some(read.exporter.key.clone());
        self.verdict.audience.clone_from(&read.audience);
        manifest_signed(manifest.bytes, signature.bytes, &exporter)
            .map_err(|why| wrong("bundle::bad_manifest_signature", SIGNATURE, why))?;
        contents::check_rows(&read).map_err(bad)?;
        contents::check_files(rest, &read.files)?;
        let files: BTreeMap<&str, &[u8]> = rest.iter().map(|member| (member.name, member.bytes)).collect();
        contents::check_names(&read, &files)?;
        self.verdict.items = read.items.len() as u64;
        self.verdict.withdrawn = read.items.iter().filter(|item| item.withdrawn).count() as u64;
        Ok(Opened { manifest: read, files, exporter })
    }

    fn pinned(&mut self, exporter: &PublicKey) -> Step<()> {
        match self.trust.key {
            None => Ok(()),
            Some(key) if key == *exporter => {
                self.verdict.key_known = true;
                Ok(())
            }
            Some(key) => {
                let message =
                    format!("the exporter's key is {}, expected is {}", exporter.to_hex(), key.to_hex());
                Err(wrong("bundle::other_key", MANIFEST, message))
            }
        }
    }

    fn under_policy(&mut self, checkpoints: &[Checkpoint]) -> Step<()> {
        let Some(policy) = &self.trust.policy else {
            return match self.trust.require {
                None => Ok(()),
                Some(_) => {
                    Err(wrong("bundle::no_quorum", MANIFEST, "a grade is required, but no policy was given"))
                }
            };
        };
        let mut all: Option<PolicyVerdict> = None;
        for (log, checkpoint) in checkpoints.iter().enumerate() {
            let file = checkpoint_path(log);
            let one = policy
                .judge(checkpoint)
                .map_err(|e| wrong("bundle::policy_refused", &file, e.to_string()))?;
            all = Some(all.map_or_else(|| one.clone(), |all| all.and(&one)));
        }
        let Some(all) = all else { return Ok(()) };
        let grade = all.grade();
        self.verdict.evidence = Some(grade);
        self.verdict.quorum = Some(all.quorum);
        self.verdict.key_known |= all.log_known;
        self.verdict.nations = all.nations.iter().cloned().collect();
        let enough = match self.trust.require {
            Some(wanted) => grade >= wanted,
            None => all.quorum || grade >= EvidenceGrade::National,
        };
        if enough {
            return Ok(());
        }
        let nations =
            if all.nations.is_empty() { "no nation".to_owned() } else { self.verdict.nations.join(", ") };
        let message =
            format!("the cosignatures are not those that the policy wants: {nations} stands behind it");
        Err(wrong("bundle::no_quorum", &checkpoint_path(0), message))
    }

    /// What is worth knowing of a right bundle.
    fn tell(&mut self, has_policy: bool) {
        let mut note = |note: &str| self.verdict.notes.push(note.to_owned());
        if !self.verdict.key_known {
            note(
                "the exporter's key was not known beforehand: compare `key` with what its officer told you by \
                 another way, or give it with --key",
            );
        }
        if has_policy && self.trust.policy.is_none() {
            note("the bundle names a quorum policy; it counts only when you hand in your own copy of it");
        }
        if self.verdict.logs.iter().any(|log| log.cosigned.is_empty()) {
            note("a log is not cosigned: only its owner's word stands against another history of it");
        }
    }
}
