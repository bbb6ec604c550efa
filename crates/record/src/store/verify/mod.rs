//! `record verify`: is every byte of the folder what was written, and is every entry there?
//!
//! Two passes. The physical one takes each file for itself: database pages against their digests, frames of the
//! write-ahead log against their checksums, blobs against their names. The logical one reads all entries in order:
//! canonical form, hash, signature, Merkle root against the signed checkpoint, tiles, lanes and their
//! cosignatures, evidence. Reading changes nothing: the folder may be evidence itself.

mod lanes;
mod tiles;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use base::{BlobHash, EntryId, NodeName, Observation, Recall};
use rusqlite::Connection;

use self::tiles::TileCheck;
use super::damage::{Damage, DamageKind, Verdict};
use super::ids::{self, Run, RunError};
use super::lock::Lock;
use super::queries::{self, SELECT_ROW, stored_row};
use super::schema::{self, FORMAT};
use super::{Genesis, Peer, StoreError, Stored, blobs, home_origin, pages, wal};
use crate::{Checkpoint, PublicKey};

/// Checks the record of the data folder `data` while no node runs on it.
///
/// # Errors
/// When there is no record, or a node has it open. Damage is no error but the verdict.
pub fn verify_dir(data: &Path) -> Result<Verdict, StoreError> {
    let root = data.join("record");
    if !root.is_dir() {
        return Err(StoreError::Missing { path: data.to_owned() });
    }
    let _lock = Lock::take(data)?;
    verify_open(&root)
}

/// Checks the folder `record/` for a caller who holds its lock and does not write meanwhile.
///
/// # Errors
/// When a file cannot be read for a reason other than damage.
pub fn verify_open(root: &Path) -> Result<Verdict, StoreError> {
    let mut check = Check::default();
    check.files(root)?;
    check.entries(root)?;
    Ok(check.verdict())
}

#[derive(Default)]
struct Check {
    /// Damage found in the order of the log; comes first in the verdict.
    logical: Vec<Damage>,
    /// Damage found in files.
    physical: Vec<Damage>,
    notes: Vec<String>,
    entries: u64,
    purged: u64,
    blobs: HashSet<BlobHash>,
    lanes: u64,
    root: [u8; 32],
    owner: Option<(NodeName, PublicKey)>,
    peers: HashMap<NodeName, Vec<PublicKey>>,
    ids: HashMap<EntryId, u64>,
    /// The first eight bytes of each id, by place.
    prefixes: Vec<u64>,
    recalls: HashMap<EntryId, (EntryId, PublicKey)>,
}

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
impl Check {
    fn verdict(self) -> Verdict {
        let mut damage = self.logical;
        damage.extend(self.physical);
        damage.truncate(1000);
        Verdict {
            ok: damage.is_empty(),
            node: self.owner.as_ref().map(|(name, _)| name.clone()),
            key: self.owner.as_ref().map(|(_, key)| key.to_hex()),
            entries: self.entries,
            purged: self.purged,
            blobs: self.blobs.len() as u64,
            lanes: self.lanes,
            root: hex::encode(self.root),
            first: damage.first().cloned(),
            damage,
            notes: self.notes,
        }
    }

    fn read(&mut self, root: &Path, name: &str, kind: DamageKind) -> Result<Vec<u8>, StoreError> {
        let path = root.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                if kind != DamageKind::Wal {
                    self.physical.push(Damage::file(kind, name, 0, 0, "the file is missing"));
                }
                Ok(Vec::new())
            }
            Err(source) => Err(blobs::io_error(&path, source)),
        }
    }

    /// The physical pass.
    fn files(&mut self, root: &Path) -> Result<(), StoreError> {
        let format = self.read(root, "format", DamageKind::Format)?;
        if format != FORMAT.as_bytes() && !format.is_empty() {
            self.physical.push(Damage::file(DamageKind::Format, "format", 0, format.len(), "unknown format"));
        }
        for name in ["record.db", "record.pages"] {
            if !root.join(name).exists() {
                self.physical.push(Damage::file(DamageKind::Database, name, 0, 0, "the file is missing"));
            }
        }
        let wal_bytes = self.read(root, "record.db-wal", DamageKind::Wal)?;
        let scan = wal::scan(&wal_bytes);
        self.physical
            .extend(pages::check(root, &scan).map_err(|e| blobs::io_error(&root.join("record.db"), e))?);
        if let Some(at) = scan.broken_at {
            let end = wal_bytes.len();
            self.physical.push(Damage::file(DamageKind::Wal, "record.db-wal", at, end, "checksum fails"));
        } else if scan.tail_bytes > 0 {
            self.notes.push(format!(
                "{} bytes at the end of record.db-wal belong to a commit that never finished; nothing in them was acknowledged",
                scan.tail_bytes
            ));
        }
        for blob in files_below(&root.join("blobs"))? {
            self.blob(root, &blob)?;
        }
        for entry in folder(root)? {
            let known = [
                "format",
                "record.db",
                "record.db-wal",
                "record.pages",
                "tiles",
                "checkpoints",
                "ids",
                "blobs",
            ];
            if !known.contains(&entry.as_str()) {
                self.physical.push(Damage::file(DamageKind::Stray, &entry, 0, 0, "does not belong here"));
            }
        }
        for name in folder(&root.join("checkpoints"))? {
            if name != "home" {
                self.stray(&format!("checkpoints/{name}"));
            }
        }
        Ok(())
    }

    fn stray(&mut self, name: &str) {
        if name.ends_with(".tmp") {
            self.notes.push(format!("{name} was left by a process that was killed; nothing refers to it"));
        } else {
            self.physical.push(Damage::file(DamageKind::Stray, name, 0, 0, "does not belong here"));
        }
    }

    fn blob(&mut self, root: &Path, relative: &str) -> Result<(), StoreError> {
        let name = format!("blobs/{relative}");
        let hash = relative.split_once('/').and_then(|(_, hash)| hash.parse::<BlobHash>().ok());
        let Some(hash) = hash.filter(|h| format!("{}/{h}", &h.to_string()[..2]) == relative) else {
            self.stray(&name);
            return Ok(());
        };
        let path = root.join(&name);
        let bytes = fs::read(&path).map_err(|e| blobs::io_error(&path, e))?;
        if blobs::hash_of(&bytes) == hash {
            self.blobs.insert(hash);
        } else {
            self.physical.push(Damage::file(
                DamageKind::Blob,
                &name,
                0,
                bytes.len(),
                "bytes do not have the hash that names the file",
            ));
        }
        Ok(())
    }

    /// The logical pass.
    fn entries(&mut self, root: &Path) -> Result<(), StoreError> {
        let copy = tempfile::tempdir().map_err(|e| blobs::io_error(root, e))?;
        let db = match schema::open_to_read(root, copy.path()) {
            Ok(db) => db,
            Err(e) => {
                self.logical.push(Damage::general(DamageKind::Database, format!("cannot be opened: {e}")));
                return Ok(());
            }
        };
        let checkpoint = self.home_checkpoint(root)?;
        let sizes = checkpoint.iter().map(Checkpoint::size).collect();
        // Tiles are there at least for what the main file alone holds.
        let alone = schema::open_alone(root).ok().and_then(|db| queries::head(&db).ok());
        let required = alone.map_or(0, |frontier| frontier.size());
        let mut tiles = TileCheck::new(&root.join("tiles"), required, sizes)?;
        let unreadable = |check: &mut Self, e: StoreError| match e {
            StoreError::Damaged { first } => check.logical.push(*first),
            e => check.logical.push(Damage::general(DamageKind::Database, format!("cannot be read: {e}"))),
        };
        let whole = self.rows(&db, &mut tiles).map_err(|e| unreadable(self, e)).is_ok();
        self.root = tiles.finish()?;
        let head = queries::head(&db).map_err(|e| unreadable(self, e));
        if whole && head.is_ok_and(|head| head != *tiles.frontier()) {
            let why = "the entries do not lead to the size and right edge in the table `head`";
            self.logical.push(Damage::general(DamageKind::Database, why));
        }
        if let Err(e) = self.lanes(&db) {
            unreadable(self, e);
        }
        self.home(checkpoint.as_ref(), &tiles);
        for path in std::mem::take(&mut tiles.stray) {
            self.stray(&format!("tiles/{path}"));
        }
        if whole {
            self.physical.append(&mut tiles.damage);
            self.index(root)?;
        }
        Ok(())
    }

    fn rows(&mut self, db: &Connection, tiles: &mut TileCheck) -> Result<(), StoreError> {
        let mut select = db.prepare(&format!("{SELECT_ROW} ORDER BY seq")).map_err(StoreError::Sql)?;
        let mut rows = select.query([]).map_err(StoreError::Sql)?;
        let mut expected = 0;
        let mut purged: Vec<(Stored, Option<[u8; 32]>)> = Vec::new();
        while let Some(row) = rows.next().map_err(StoreError::Sql)? {
            let seq = row.get::<_, i64>(0).map_err(StoreError::Sql)?.cast_unsigned();
            let id = EntryId::from_bytes(row.get(1).map_err(StoreError::Sql)?);
            // A whole range may be gone: name the first and the count, not each.
            if seq > expected {
                let mut damage = Damage::missing_entry(expected);
                if seq - expected > 1 {
                    damage.message = format!("{} entries are missing from here", seq - expected);
                }
                self.logical.push(damage);
            }
            expected = seq.saturating_add(1);
            self.entries += 1;
            tiles.push(&id)?;
            self.ids.insert(id, seq);
            self.prefixes.push(ids::prefix_of(&id));
            match stored_row(row).map_err(StoreError::Sql)? {
                Err(StoreError::Damaged { first }) => self.logical.push(*first),
                Err(e) => self.logical.push(Damage::entry(seq, id, &e.to_string())),
                Ok(stored) if stored.entry.is_none() => {
                    purged.push((stored, row.get(4).map_err(StoreError::Sql)?));
                }
                Ok(stored) => self.entry(&stored),
            }
        }
        for (stored, purged_by) in purged {
            self.purged += 1;
            let recall = purged_by.map(EntryId::from_bytes).and_then(|id| self.recalls.get(&id));
            if stored.received.is_none() || recall != Some(&(stored.id, stored.key)) {
                self.logical.push(Damage::entry(
                    stored.seq,
                    stored.id,
                    "its content is gone and no recall by its author says so",
                ));
            }
        }
        Ok(())
    }

    fn entry(&mut self, stored: &Stored) {
        let Some(entry) = &stored.entry else { return };
        let wrong = |message: &str| Damage::entry(stored.seq, stored.id, message);
        if stored.seq == 0 {
            match entry.noun::<Genesis>() {
                Ok(genesis) => self.owner = Some((genesis.node, stored.key)),
                Err(_) => self.logical.push(wrong("the first entry does not found a record")),
            }
        }
        let own = self.owner.as_ref().map(|(_, key)| *key);
        let author = &entry.author().node;
        let known = if stored.received.is_some() {
            self.peers.get(author).and_then(|keys| keys.last()).copied()
        } else {
            own
        };
        if known != Some(stored.key) {
            self.logical.push(wrong("it is signed by a key that this record does not know for its author"));
        }
        for evidence in base::Marked::evidence(entry) {
            // A peer may rest on what it did not share; what this node concludes rests on what it holds.
            if stored.received.is_none() && !self.ids.contains_key(evidence) {
                self.logical
                    .push(wrong(&format!("it rests on {evidence}, which is not in the record before it")));
            }
        }
        if let Ok(peer) = entry.noun::<Peer>()
            && Some(stored.key) == own
            && let Ok(key) = PublicKey::from_hex(&peer.key)
        {
            self.peers.entry(peer.node).or_default().push(key);
        }
        if let Ok(recall) = entry.noun::<Recall>() {
            self.recalls.insert(stored.id, (recall.target, stored.key));
        }
        if let Ok(observation) = entry.noun::<Observation>()
            && stored.received.is_none()
            && !self.blobs.contains(&observation.blob)
        {
            self.logical
                .push(wrong(&format!("its raw bytes, blob {}, are missing or damaged", observation.blob)));
        }
    }

    /// The newest signed checkpoint, as far as its file and its signature go.
    fn home_checkpoint(&mut self, root: &Path) -> Result<Option<Checkpoint>, StoreError> {
        let note = self.read(root, "checkpoints/home", DamageKind::Checkpoint)?;
        if note.is_empty() {
            if root.join("checkpoints/home").exists() {
                let why = "the file is empty";
                self.physical.push(Damage::file(DamageKind::Checkpoint, "checkpoints/home", 0, 0, why));
            }
            return Ok(None);
        }
        match Checkpoint::parse(&String::from_utf8_lossy(&note)) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(e) => {
                let why = e.to_string();
                self.physical.push(Damage::file(
                    DamageKind::Checkpoint,
                    "checkpoints/home",
                    0,
                    note.len(),
                    &why,
                ));
                Ok(None)
            }
        }
    }

    fn home(&mut self, checkpoint: Option<&Checkpoint>, tiles: &TileCheck) {
        let Some(checkpoint) = checkpoint else { return };
        if let Some((name, key)) = &self.owner
            && let Err(e) = checkpoint.check(&home_origin(name), name, key)
        {
            let (file, end) = ("checkpoints/home", checkpoint.note().len());
            self.physical.push(Damage::file(DamageKind::Checkpoint, file, 0, end, &e.to_string()));
        }
        match tiles.root_at(checkpoint.size()) {
            None => self.logical.push(Damage::missing_entry(tiles.size())),
            Some(root) => {
                if let Err(e) = checkpoint.check_root(root) {
                    self.logical.push(Damage::general(DamageKind::Checkpoint, e.to_string()));
                    // A leaf tile that differs tells which entry was exchanged for another.
                    if let Some(seq) = tiles.other_leaf {
                        let mut damage = Damage::missing_entry(seq);
                        damage.message = "another entry stood here when the tile was written".to_owned();
                        self.logical.insert(0, damage);
                    }
                }
            }
        }
    }

    /// The index from ids to places.
    fn index(&mut self, root: &Path) -> Result<(), StoreError> {
        let mut end = 0;
        let mut runs = Vec::new();
        for name in folder(&root.join("ids"))? {
            let file = format!("ids/{name}");
            match Run::open(&root.join(&file)) {
                _ if name.ends_with(".tmp") => self.stray(&file),
                Ok(run) if name == format!("{}-{}", run.first(), run.count()) => runs.push((run, file)),
                Ok(_) => self.stray(&file),
                Err(e) => self.bad_run(root, &file, &e)?,
            }
        }
        runs.sort_by_key(|(run, _)| (run.first(), std::cmp::Reverse(run.end())));
        for (run, file) in runs {
            let prefix_at = |seq: u64| self.prefixes.get(usize::try_from(seq).ok()?).copied();
            if let Err(e) = run.check(prefix_at) {
                self.bad_run(root, &file, &e)?;
            }
            // Two that were merged may still lie beside the result when the process was killed.
            if run.first() > end {
                let why = format!("the places {end} to {} are not in the index", run.first());
                self.physical.push(Damage::general(DamageKind::Index, why));
            }
            end = end.max(run.end());
        }
        if self.entries.saturating_sub(end) > ids::MAX_TAIL {
            let why = format!("the places from {end} on are not in the index");
            self.physical.push(Damage::general(DamageKind::Index, why));
        }
        Ok(())
    }

    fn bad_run(&mut self, root: &Path, file: &str, error: &RunError) -> Result<(), StoreError> {
        match error {
            RunError::Io(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
                Err(blobs::io_error(&root.join(file), std::io::Error::new(e.kind(), e.to_string())))
            }
            RunError::Io(_) => {
                self.physical.push(Damage::file(DamageKind::Index, file, 0, 0, "the file is cut off"));
                Ok(())
            }
            RunError::Damaged { start, end } => {
                let why = "the index is not as the entries give it";
                let damage = Damage::file(DamageKind::Index, file, 0, 0, why);
                self.physical.push(Damage { byte_start: Some(*start), byte_end: Some(*end), ..damage });
                Ok(())
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
fn folder(path: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(blobs::io_error(path, e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| blobs::io_error(path, e))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// All files below a folder, as paths relative to it, sorted; at most four levels deep, which is all a record has.
fn files_below(root: &Path) -> Result<Vec<String>, StoreError> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(relative) = folders.pop() {
        for name in folder(&root.join(&relative))? {
            let path = if relative.is_empty() { name } else { format!("{relative}/{name}") };
            if root.join(&path).is_dir() && path.matches('/').count() < 6 {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
