//! `record verify`: is every byte of the folder what was written, and is every entry there?
//!
//! Two passes. The physical one takes each file for itself: database pages against their digests, frames of the
//! write-ahead log against their checksums, blobs against their names. The logical one reads all entries in order:
//! canonical form, hash, signature, Merkle root against the signed checkpoint, tiles, lanes and their
//! cosignatures, evidence. Reading changes nothing: the folder may be evidence itself.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::Path;

use base::{BlobHash, EntryId, NodeName, Observation, Recall};
use rusqlite::{Connection, OpenFlags};

use super::damage::{Damage, DamageKind, Verdict};
use super::lock::Lock;
use super::queries::stored_row;
use super::sqlite::FORMAT;
use super::{Genesis, Peer, StoreError, Stored, blobs, home_origin, lane_origin, pages, queries, wal};
use crate::store::{Direction, Lane};
use crate::{Checkpoint, MerkleLog, PublicKey};

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
    log: MerkleLog,
    owner: Option<(NodeName, PublicKey)>,
    peers: HashMap<NodeName, PublicKey>,
    ids: HashMap<EntryId, u64>,
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
            root: hex::encode(self.log.root()),
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
        let database = self.read(root, "record.db", DamageKind::Database)?;
        let sums = self.read(root, "record.pages", DamageKind::Pages)?;
        let wal_bytes = self.read(root, "record.db-wal", DamageKind::Wal)?;
        let scan = wal::scan(&wal_bytes);
        self.physical.extend(pages::check(&database, &sums, &scan));
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
            let known =
                ["format", "record.db", "record.db-wal", "record.pages", "tiles", "checkpoints", "blobs"];
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
        let db = match open_read_only(root, copy.path()) {
            Ok(db) => db,
            Err(e) => {
                self.logical.push(Damage::general(DamageKind::Database, format!("cannot be opened: {e}")));
                return Ok(());
            }
        };
        if let Err(e) = self.rows(&db) {
            self.logical.push(Damage::general(DamageKind::Database, format!("cannot be read: {e}")));
        }
        if let Err(e) = self.check_lanes(&db) {
            self.logical.push(Damage::general(DamageKind::Database, format!("cannot be read: {e}")));
        }
        self.check_home(root)
    }

    fn rows(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let mut select = db.prepare(
            "SELECT seq, id, payload, signature, key, received, purged_by FROM entry ORDER BY seq",
        )?;
        let mut rows = select.query([])?;
        let mut expected = 0;
        let mut purged: Vec<(Stored, Option<[u8; 32]>)> = Vec::new();
        while let Some(row) = rows.next()? {
            let seq = row.get::<_, i64>(0)?.cast_unsigned();
            let id = EntryId::from_bytes(row.get(1)?);
            // A whole range may be gone: name the first and the count, not each.
            if seq > expected {
                let mut damage = Damage::missing_entry(expected);
                if seq - expected > 1 {
                    damage.message = format!("{} entries are missing from here", seq - expected);
                }
                self.logical.push(damage);
            }
            expected = seq + 1;
            self.entries += 1;
            self.log.push(&id);
            self.ids.insert(id, seq);
            match stored_row(row)? {
                Err(StoreError::Damaged { first }) => self.logical.push(*first),
                Err(e) => self.logical.push(Damage::entry(seq, id, &e.to_string())),
                Ok(stored) if stored.entry.is_none() => purged.push((stored, row.get(6)?)),
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
        let known = if stored.received.is_some() { self.peers.get(author).copied() } else { own };
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
            self.peers.insert(peer.node, key);
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

    fn check_lanes(&mut self, db: &Connection) -> rusqlite::Result<()> {
        for lane in queries::lanes(db)? {
            self.lanes += 1;
            let ids = queries::lane_ids(db, &lane, 0, u64::MAX)?;
            if queries::lane_size(db, &lane)? != ids.len() as u64 {
                self.logical.push(Damage::general(DamageKind::Lane, format!("the lane {lane} has a gap")));
            }
            // A received lane may hold the place of an entry that its owner withdrew before it was sent.
            let sent = lane.direction == Direction::Out;
            if let Some(id) = ids.iter().find(|id| sent && !self.ids.contains_key(id)) {
                self.logical.push(Damage::general(
                    DamageKind::Lane,
                    format!("the lane {lane} holds {id}, which is not in the record"),
                ));
            }
            if let Some(note) = queries::ack_note(db, &lane)?
                && let Err(why) = self.check_ack(&lane, &ids, &note)
            {
                self.logical.push(Damage::general(
                    DamageKind::Lane,
                    format!("the acknowledged checkpoint of the lane {lane}: {why}"),
                ));
            }
        }
        Ok(())
    }

    fn check_ack(&self, lane: &Lane, ids: &[EntryId], note: &str) -> Result<(), String> {
        let (own, own_key) = self.owner.as_ref().ok_or("the owner is unknown")?;
        let peer_key = self.peers.get(&lane.peer).ok_or("the peer is unknown")?;
        let (writer, writer_key, reader, reader_key) = match lane.direction {
            Direction::Out => (own, own_key, &lane.peer, peer_key),
            Direction::In => (&lane.peer, peer_key, own, own_key),
        };
        let text = |e: crate::CheckpointError| e.to_string();
        let checkpoint = Checkpoint::parse(note).map_err(text)?;
        checkpoint.check(&lane_origin(writer, reader, lane.precedence), writer, writer_key).map_err(text)?;
        checkpoint.check_cosigned(reader, reader_key).map_err(text)?;
        let root = MerkleLog::from_ids(ids).root_at(checkpoint.size()).map_err(|e| e.to_string())?;
        checkpoint.check_root(root).map_err(text)
    }

    fn check_home(&mut self, root: &Path) -> Result<(), StoreError> {
        let note = self.read(root, "checkpoints/home", DamageKind::Checkpoint)?;
        if note.is_empty() {
            return Ok(());
        }
        let parsed = Checkpoint::parse(&String::from_utf8_lossy(&note));
        let signed = match (&parsed, &self.owner) {
            (Ok(checkpoint), Some((name, key))) => checkpoint.check(&home_origin(name), name, key),
            (Err(e), _) => Err(e.clone()),
            (Ok(_), None) => Ok(()),
        };
        if let Err(e) = signed {
            self.physical.push(Damage::file(
                DamageKind::Checkpoint,
                "checkpoints/home",
                0,
                note.len(),
                &e.to_string(),
            ));
        }
        let Ok(checkpoint) = parsed else { return Ok(()) };
        match self.log.root_at(checkpoint.size()) {
            Err(_) => self.logical.push(Damage::missing_entry(self.log.size())),
            Ok(root) => {
                if let Err(e) = checkpoint.check_root(root) {
                    self.logical.push(Damage::general(DamageKind::Checkpoint, e.to_string()));
                }
            }
        }
        self.check_tiles(&root.join("tiles"), checkpoint.size())
    }

    fn check_tiles(&mut self, tiles: &Path, size: u64) -> Result<(), StoreError> {
        let complete = self.log.size() >= size && self.logical.is_empty();
        let mut there = BTreeMap::new();
        for path in files_below(tiles)? {
            let full = tiles.join(&path);
            let bytes = fs::read(&full).map_err(|e| blobs::io_error(&full, e))?;
            there.insert(path, bytes);
        }
        if complete {
            let mut upto = self.log.clone();
            if upto.size() > size {
                upto = MerkleLog::from_ids(
                    self.ids_in_order().iter().take(usize::try_from(size).unwrap_or(usize::MAX)),
                );
            }
            for (path, expected) in upto.new_tiles(0) {
                if !there.contains_key(&path) {
                    let end = expected.len();
                    let name = format!("tiles/{path}");
                    self.physical.push(Damage::file(DamageKind::Tile, &name, 0, end, "the tile is missing"));
                }
            }
        }
        for (path, bytes) in there {
            let name = format!("tiles/{path}");
            match self.log.tile_at(&path) {
                Some(expected) if expected == bytes => {}
                Some(expected) => {
                    let byte = expected.iter().zip(&bytes).take_while(|(a, b)| a == b).count();
                    self.physical.push(Damage::file(
                        DamageKind::Tile,
                        &name,
                        byte,
                        byte + 1,
                        "differs from the hashes of the entries",
                    ));
                    self.name_by_leaf(&path, &bytes);
                }
                None => self.stray(&name),
            }
        }
        Ok(())
    }

    /// A leaf tile that differs tells which entry was exchanged for another.
    fn name_by_leaf(&mut self, path: &str, bytes: &[u8]) {
        if !self.logical.iter().any(|d| d.kind == DamageKind::Checkpoint) || !path.starts_with("0/") {
            return;
        }
        let Some(expected) = self.log.tile_at(path) else { return };
        let index = expected.chunks(32).zip(bytes.chunks(32)).take_while(|(a, b)| a == b).count() as u64;
        let tile: u64 = path[2..]
            .split(".p/")
            .next()
            .unwrap_or_default()
            .split('/')
            .filter_map(|part| part.trim_start_matches('x').parse::<u64>().ok())
            .fold(0, |n, part| n * 1000 + part);
        let mut damage = Damage::missing_entry(tile * 256 + index);
        damage.message = "another entry stood here when the tile was written".to_owned();
        self.logical.insert(0, damage);
    }

    fn ids_in_order(&self) -> Vec<EntryId> {
        let mut ids: Vec<_> = self.ids.iter().map(|(id, seq)| (*seq, *id)).collect();
        ids.sort_unstable();
        ids.into_iter().map(|(_, id)| id).collect()
    }
}

/// Opens a copy, or, when the log is empty, the file itself as one that nobody changes.
pub(crate) fn open_read_only(root: &Path, copy: &Path) -> Result<Connection, Box<dyn std::error::Error>> {
    let database = root.join("record.db");
    let log = root.join("record.db-wal");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    if fs::metadata(&log).map_or(0, |m| m.len()) == 0 {
        let path = database.to_str().ok_or("the path is not UTF-8")?;
        let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        return Ok(Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)?);
    }
    fs::copy(&database, copy.join("record.db"))?;
    fs::copy(&log, copy.join("record.db-wal"))?;
    Ok(Connection::open(copy.join("record.db"))?)
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
