//! The check of a bundle, offline, in the order of docs/reference/bundle.md.

use std::collections::{BTreeMap, BTreeSet};

use base::{EntryId, Fault, NodeName, Precedence, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::archive::{self, Member};
use super::custody::{self, Item};
use super::manifest::{
    BUNDLE_SCHEMA, CUSTODY, FileRow, KEYS, KEYS_SCHEMA, KeyRole, Keys, LABELS, MANIFEST, Manifest, POLICY,
    PROVENANCE, SIGNATURE, SUMMARY, blob_path, canonical, checkpoint_path, document, item_path,
    manifest_signed, proof_path, public_key, sha256_hex,
};
use super::times::{self, TimeBounds};
use crate::note::{Signed, SignedText};
use crate::{
    Checkpoint, Entry, EvidenceGrade, InclusionProof, PolicyVerdict, PublicKey, QuorumPolicy, VerifierKey,
    home_origin, leaf_hash, leaf_included,
};

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
        let manifest = &opened.manifest;
        self.pinned(&opened.exporter)?;
        let keys = check_keys(&opened)?;
        let bundled = bundled_policy(&opened)?;
        let checkpoints = self.checkpoints(&opened, &keys, bundled.as_ref())?;
        let entries = check_items(&opened, &keys)?;
        check_proofs(&opened, &checkpoints)?;
        self.verdict.blobs = check_blobs(&opened, &entries)?;
        let items: Vec<Item<'_>> = manifest
            .items
            .iter()
            .zip(&entries)
            .map(|(row, entry)| Item { row, entry: entry.as_ref() })
            .collect();
        check_derived(&opened, &items)?;
        self.under_policy(&checkpoints)?;
        self.tell(&opened, &items, bundled.as_ref());
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
        check_rows(&read).map_err(bad)?;
        check_files(rest, &read.files)?;
        let files: BTreeMap<&str, &[u8]> = rest.iter().map(|member| (member.name, member.bytes)).collect();
        check_names(&read, &files)?;
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

    /// Reads the checkpoints; each is signed by the exporter, and no signature of a known cosigner on it is wrong.
    fn checkpoints(
        &mut self,
        opened: &Opened<'_>,
        keys: &Keys,
        bundled: Option<&QuorumPolicy>,
    ) -> Step<Vec<Checkpoint>> {
        let manifest = &opened.manifest;
        let own = VerifierKey::log(&manifest.exporter.node, &opened.exporter);
        let mut cosigners: Vec<VerifierKey> = keys
            .keys
            .iter()
            .filter(|key| key.role == KeyRole::Witness)
            .filter_map(|key| Some(VerifierKey::cosigner(&key.node, &public_key(&key.key)?)))
            .collect();
        for policy in [bundled, self.trust.policy.as_ref()].into_iter().flatten() {
            cosigners.extend(policy.witnesses().cloned());
        }
        let mut all = Vec::new();
        for (log, row) in manifest.logs.iter().enumerate() {
            let file = checkpoint_path(log);
            let bad = |message: &str| wrong("bundle::bad_checkpoint", &file, message);
            let text = opened.files.get(file.as_str()).and_then(|bytes| std::str::from_utf8(bytes).ok());
            let text = text.ok_or_else(|| bad("it is no text"))?;
            let checkpoint = Checkpoint::parse(text).map_err(|e| bad(&e.to_string()))?;
            let note = SignedText::of(text).ok_or_else(|| bad("it is no signed note"))?;
            if note.text.matches('\n').count() != 3 {
                return Err(bad("it has extension lines, which no log of this form has"));
            }
            if checkpoint.origin() != row.origin || checkpoint.size() != row.size {
                return Err(bad("origin and size are not those of the manifest"));
            }
            if !is_right_origin(manifest, &row.origin) {
                return Err(bad("it is of a log that does not belong into this bundle"));
            }
            if !matches!(own.look_at(&note), Signed::Holds(_)) {
                return Err(bad("no valid signature of the exporter is on it"));
            }
            let mut cosigned = BTreeMap::new();
            for cosigner in &cosigners {
                match cosigner.look_at(&note) {
                    Signed::Absent => {}
                    Signed::Wrong => {
                        let message = format!("the cosignature of `{}` does not hold", cosigner.name());
                        return Err(wrong("bundle::bad_cosignature", &file, message));
                    }
                    Signed::Holds(time) => {
                        let time = time.and_then(times::from_posix);
                        let time =
                            time.ok_or_else(|| bad("a cosignature is of a time beyond the year 2262"))?;
                        cosigned.insert(cosigner.name().to_owned(), time);
                    }
                }
            }
            self.verdict.logs.push(BundleLog {
                origin: row.origin.clone(),
                size: row.size,
                root: hex::encode(checkpoint.root()),
                cosigned,
            });
            all.push(checkpoint);
        }
        Ok(all)
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

    /// What a right bundle says.
    fn tell(&mut self, opened: &Opened<'_>, items: &[Item<'_>], bundled: Option<&QuorumPolicy>) {
        let logs = &self.verdict.logs;
        let witnessed: Vec<_> = logs.iter().map(|log| log.cosigned.values().min().copied()).collect();
        let bounds = times::bounds(items, &witnessed);
        self.verdict.checked = items
            .iter()
            .zip(bounds)
            .map(|(item, times)| CheckedItem {
                id: item.row.id,
                kind: item.entry.map(|entry| entry.kind().to_owned()),
                author: item.entry.map(|entry| entry.author().node.clone()),
                log: opened.manifest.logs[item.row.log].origin.clone(),
                index: item.row.index,
                times,
            })
            .collect();
        if !self.verdict.key_known {
            self.verdict.notes.push(
                "the exporter's key was not known beforehand: compare `key` with what its officer told you by \
                 another way, or give it with --key"
                    .to_owned(),
            );
        }
        if bundled.is_some() && self.trust.policy.is_none() {
            let note =
                "the bundle names a quorum policy; it counts only when you hand in your own copy of it";
            self.verdict.notes.push(note.to_owned());
        }
        if logs.iter().any(|log| log.cosigned.is_empty()) {
            let note = "a log is not cosigned: only its owner's word stands against another history of it";
            self.verdict.notes.push(note.to_owned());
        }
    }
}

/// Whether a log may be proven from in this bundle: the home log, or with an audience the lanes to it.
fn is_right_origin(manifest: &Manifest, origin: &str) -> bool {
    let node = &manifest.exporter.node;
    match &manifest.audience {
        None => origin == home_origin(node),
        Some(peer) => origin
            .strip_prefix(&format!("bongsu/{node}/to/{peer}/"))
            .is_some_and(|lane| lane.parse::<Precedence>().is_ok()),
    }
}

/// The rows of the manifest by themselves.
fn check_rows(manifest: &Manifest) -> Result<(), String> {
    let hash = |text: &str| text.parse::<EntryId>().is_ok();
    if manifest.software.sha256.as_ref().is_some_and(|text| !hash(text)) {
        return Err("`software.sha256` is not 64 hexadecimal digits".to_owned());
    }
    if manifest.logs.is_empty() {
        return Err("it names no log".to_owned());
    }
    let origins: BTreeSet<&str> = manifest.logs.iter().map(|log| log.origin.as_str()).collect();
    if origins.len() != manifest.logs.len() {
        return Err("a log stands twice".to_owned());
    }
    let mut ids = BTreeSet::new();
    let mut last = None;
    for item in &manifest.items {
        let Some(log) = manifest.logs.get(item.log) else {
            return Err(format!("item {} is of a log that is not listed", item.id));
        };
        if item.index >= log.size {
            return Err(format!("item {} lies beyond the size of its log", item.id));
        }
        if last >= Some((item.log, item.index)) {
            return Err(format!("item {} does not stand in the order of logs and places", item.id));
        }
        last = Some((item.log, item.index));
        if !ids.insert(item.id) {
            return Err(format!("item {} stands twice", item.id));
        }
    }
    Ok(())
}

/// Each file has the size and hash that the manifest states, and none is more or less.
fn check_files(members: &[Member<'_>], rows: &[FileRow]) -> Step<()> {
    let mut faults = Vec::new();
    if let Some(pair) = rows.windows(2).find(|pair| pair[0].path >= pair[1].path) {
        let message = format!("`{}` does not stand in the order of paths", pair[1].path);
        return Err(wrong("bundle::bad_manifest", MANIFEST, message));
    }
    let listed: BTreeSet<&str> = rows.iter().map(|row| row.path.as_str()).collect();
    let there: BTreeSet<&str> = members.iter().map(|member| member.name).collect();
    for extra in there.difference(&listed).take(MAX_FAULTS) {
        faults.extend(wrong("bundle::unknown_file", extra, "the manifest does not list this file"));
    }
    for missing in listed.difference(&there).take(MAX_FAULTS) {
        faults.extend(wrong(
            "bundle::missing_file",
            missing,
            "the manifest lists this file, it is not there",
        ));
    }
    none_or(std::mem::take(&mut faults))?;
    if let Some((member, row)) = members.iter().zip(rows).find(|(member, row)| member.name != row.path) {
        let message = format!("`{}` stands here, `{}` is next in the manifest", member.name, row.path);
        return Err(wrong("bundle::bad_archive", member.name, message));
    }
    for (member, row) in members.iter().zip(rows) {
        if member.bytes.len() as u64 != row.bytes || sha256_hex(member.bytes) != row.sha256 {
            let end = member.bytes.len() as u64;
            let fault = Fault::error("bundle::bad_hash", "its bytes do not have the hash of the manifest");
            faults.push(fault.in_source(member.name).at_bytes(0, end));
        }
    }
    faults.truncate(MAX_FAULTS);
    none_or(faults)
}

/// The files are those that the items call for. Blobs are matched when the entries are read.
fn check_names(manifest: &Manifest, files: &BTreeMap<&str, &[u8]>) -> Step<()> {
    let mut wanted: BTreeSet<String> = [KEYS, LABELS, CUSTODY, PROVENANCE, SUMMARY].map(str::to_owned).into();
    wanted.extend((0..manifest.logs.len()).map(checkpoint_path));
    wanted.extend(manifest.items.iter().map(|item| proof_path(&item.id)));
    wanted.extend(manifest.items.iter().filter(|item| !item.withdrawn).map(|item| item_path(&item.id)));
    let mut faults = Vec::new();
    for missing in wanted.iter().filter(|path| !files.contains_key(path.as_str())).take(MAX_FAULTS) {
        faults.extend(wrong("bundle::missing_file", missing, "this file belongs into the bundle"));
    }
    let known = |path: &str| wanted.contains(path) || path == POLICY || path.starts_with("blobs/");
    for extra in files.keys().filter(|path| !known(path)).take(MAX_FAULTS) {
        faults.extend(wrong("bundle::unknown_file", extra, "no file of this name belongs into a bundle"));
    }
    none_or(faults)
}

fn check_keys(opened: &Opened<'_>) -> Step<Keys> {
    let bad = |message: String| wrong("bundle::bad_keys", KEYS, message);
    let keys: Keys = document(opened.files[KEYS]).map_err(bad)?;
    if keys.schema != KEYS_SCHEMA {
        return Err(wrong("bundle::unknown_schema", KEYS, format!("this program knows {KEYS_SCHEMA}")));
    }
    if keys.keys.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(bad("the keys do not stand in order, each once".to_owned()));
    }
    if let Some(key) = keys.keys.iter().find(|key| public_key(&key.key).is_none()) {
        return Err(bad(format!("the key of `{}` is no Ed25519 public key", key.node)));
    }
    let exporters: Vec<_> = keys.keys.iter().filter(|key| key.role == KeyRole::Exporter).collect();
    let exporter = &opened.manifest.exporter;
    match exporters.as_slice() {
        [key] if key.node == exporter.node && key.country == exporter.country && key.key == exporter.key => {
            Ok(keys)
        }
        _ => Err(bad("the exporter is not that of the manifest".to_owned())),
    }
}

fn bundled_policy(opened: &Opened<'_>) -> Step<Option<QuorumPolicy>> {
    let Some(bytes) = opened.files.get(POLICY) else { return Ok(None) };
    let (policy, faults) = QuorumPolicy::read(bytes);
    if policy.is_some() {
        return Ok(policy);
    }
    let place = faults.first().map_or_else(String::new, |fault| fault.to_string());
    Err(wrong("bundle::bad_policy", POLICY, place))
}

/// Each item is an entry in its one spelling, has its id, and is signed by a key of `keys.json`.
fn check_items(opened: &Opened<'_>, keys: &Keys) -> Step<Vec<Option<Entry>>> {
    let known: BTreeSet<(&str, &str, &str)> = keys
        .keys
        .iter()
        .filter(|key| key.role != KeyRole::Witness)
        .map(|key| (key.node.as_str(), key.country.as_str(), key.key.as_str()))
        .collect();
    let mut faults = Vec::new();
    let mut entries = Vec::with_capacity(opened.manifest.items.len());
    for row in &opened.manifest.items {
        if row.withdrawn {
            entries.push(None);
            continue;
        }
        let file = item_path(&row.id);
        match read_item(&row.id, opened.files[file.as_str()], &known) {
            Ok(entry) => entries.push(Some(entry)),
            Err((code, message)) => faults.extend(wrong(code, &file, message)),
        }
        if faults.len() == MAX_FAULTS {
            break;
        }
    }
    none_or(faults)?;
    Ok(entries)
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

fn check_proofs(opened: &Opened<'_>, checkpoints: &[Checkpoint]) -> Step<()> {
    let mut faults = Vec::new();
    for row in &opened.manifest.items {
        let file = proof_path(&row.id);
        let checkpoint = &checkpoints[row.log];
        let text = std::str::from_utf8(opened.files[file.as_str()]).unwrap_or_default();
        let message = match text.parse::<InclusionProof>() {
            Ok(proof) if proof.checkpoint().note() != checkpoint.note() => {
                "it is under another checkpoint than the item's log has"
            }
            Ok(proof) if proof.index() != row.index => "it is for another place than the manifest says",
            Ok(proof) if !proof.has_extra() => {
                let (size, root) = (checkpoint.size(), checkpoint.root());
                if leaf_included(proof.hashes(), size, root, proof.index(), leaf_hash(&row.id)) {
                    continue;
                }
                "the entry is not at this place of the log"
            }
            _ => "it is not in the form of C2SP tlog-proof without extra data",
        };
        faults.extend(wrong("bundle::bad_proof", &file, message));
        if faults.len() == MAX_FAULTS {
            break;
        }
    }
    none_or(faults)
}

/// Each raw input belongs to an observation here, and the exporter's own observations have theirs.
fn check_blobs(opened: &Opened<'_>, entries: &[Option<Entry>]) -> Step<u64> {
    let hashes: BTreeMap<&str, &str> =
        opened.manifest.files.iter().map(|file| (file.path.as_str(), file.sha256.as_str())).collect();
    let mut named = BTreeSet::new();
    let mut faults = Vec::new();
    for entry in entries.iter().flatten() {
        let Some(blob) = custody::blob_of(entry) else { continue };
        let path = blob_path(blob);
        if !opened.files.contains_key(path.as_str()) && *entry.key() == opened.exporter {
            let message = format!("the raw bytes of observation {} are missing", entry.id());
            faults.extend(wrong("bundle::missing_file", &path, message));
        }
        named.insert(path);
    }
    let mut blobs = 0;
    for path in opened.files.keys().filter(|path| path.starts_with("blobs/")) {
        blobs += 1;
        if !named.contains(*path) {
            faults.extend(wrong(
                "bundle::unknown_file",
                path,
                "no observation in the bundle names these bytes",
            ));
        } else if path.strip_prefix("blobs/") != hashes.get(path).copied() {
            faults.extend(wrong("bundle::bad_hash", path, "the bytes do not have the hash that names them"));
        }
    }
    faults.truncate(MAX_FAULTS);
    none_or(faults)?;
    Ok(blobs)
}

/// Labels, custody and provenance are what the entries say, to the byte.
fn check_derived(opened: &Opened<'_>, items: &[Item<'_>]) -> Step<()> {
    let derived = [
        (LABELS, custody::labels(items)),
        (CUSTODY, custody::custody(&opened.manifest, items)),
        (PROVENANCE, custody::provenance(&opened.manifest, items)),
    ];
    let mut faults = Vec::new();
    for (file, wanted) in derived {
        let there = opened.files[file];
        if there != wanted {
            let byte = there.iter().zip(&wanted).take_while(|(a, b)| a == b).count() as u64;
            let fault = Fault::error("bundle::not_derived", "it is not what the entries say");
            faults.push(fault.in_source(file).at_bytes(byte, byte + 1));
        }
    }
    none_or(faults)
}
