//! `record verify`: is every byte of the folder what was written, and is every entry there?
//!
//! Two passes. The physical one takes each file for itself: database pages against their digests, frames of the
//! write-ahead log against their checksums, blobs against their names. The logical one reads all entries in order:
//! canonical form, hash, signature, Merkle root against the signed checkpoint, tiles, lanes and their
//! cosignatures, evidence. Reading changes nothing: the folder may be evidence itself.

mod files;
mod index;
mod lanes;
mod tiles;

use std::collections::HashMap;
use std::path::Path;

use base::{BlobHash, EntryId, NodeName, Observation, Recall};
use rusqlite::Connection;

use self::index::{RunSums, Seen};
use self::tiles::TileCheck;
use super::damage::{Damage, DamageKind, MAX_DAMAGE, Verdict};
use super::lock::Lock;
use super::queries::{self, SELECT_ROW, stored_row};
use super::schema;
use super::{Genesis, Peer, StoreError, Stored, blobs, home_origin};
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
    blobs: u64,
    /// A file of raw bytes does not have its hash.
    bad_blobs: bool,
    lanes: u64,
    root: [u8; 32],
    owner: Option<(NodeName, PublicKey)>,
    peers: HashMap<NodeName, Vec<PublicKey>>,
    /// Entries are missing: places cannot be told by counting.
    gaps: bool,
}

impl Check {
    /// Notes damage in the order of the log, as far as a verdict names it.
    fn in_log(&mut self, damage: Damage) {
        if self.logical.len() < MAX_DAMAGE {
            self.logical.push(damage);
        }
    }

    /// Notes damage of a file, as far as a verdict names it.
    fn in_file(&mut self, damage: Damage) {
        if self.physical.len() < MAX_DAMAGE {
            self.physical.push(damage);
        }
    }

    fn verdict(self) -> Verdict {
        let mut damage = self.logical;
        damage.extend(self.physical);
        damage.truncate(MAX_DAMAGE);
        Verdict {
            ok: damage.is_empty(),
            node: self.owner.as_ref().map(|(name, _)| name.clone()),
            key: self.owner.as_ref().map(|(_, key)| key.to_hex()),
            entries: self.entries,
            purged: self.purged,
            blobs: self.blobs,
            lanes: self.lanes,
            root: hex::encode(self.root),
            first: damage.first().cloned(),
            damage,
            notes: self.notes,
        }
    }

    /// The logical pass.
    fn entries(&mut self, root: &Path) -> Result<(), StoreError> {
        let copy = tempfile::tempdir().map_err(|e| blobs::io_error(root, e))?;
        let db = match schema::open_to_read(root, copy.path()) {
            Ok(db) => db,
            Err(e) => {
                self.in_log(Damage::general(DamageKind::Database, format!("cannot be opened: {e}")));
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
            StoreError::Damaged { first } => check.in_log(*first),
            e => check.in_log(Damage::general(DamageKind::Database, format!("cannot be read: {e}"))),
        };
        let mut sums = RunSums::of(root)?;
        let mut seen = Seen::none(copy.path())?;
        let rows = self.rows(&db, root, &mut tiles, &mut sums, &mut seen);
        let whole = match rows {
            // The place for temporary files is full or gone: that says nothing about the record.
            Err(StoreError::Io { path, source }) if path.starts_with(copy.path()) => {
                return Err(StoreError::Io { path, source });
            }
            Err(StoreError::Full { path }) if path.starts_with(copy.path()) => {
                return Err(StoreError::Full { path });
            }
            rows => rows.map_err(|e| unreadable(self, e)).is_ok(),
        };
        self.root = tiles.finish()?;
        let head = queries::head(&db).map_err(|e| unreadable(self, e));
        if whole && head.is_ok_and(|head| head != *tiles.frontier()) {
            let why = "the entries do not lead to the size and right edge in the table `head`";
            self.in_log(Damage::general(DamageKind::Database, why));
        }
        if let Err(e) = self.lanes(&db) {
            unreadable(self, e);
        }
        self.home(checkpoint.as_ref(), &tiles);
        for path in std::mem::take(&mut tiles.stray) {
            self.stray(&format!("tiles/{path}"));
        }
        if whole {
            for damage in std::mem::take(&mut tiles.damage) {
                self.in_file(damage);
            }
            self.index(root, &sums)?;
        }
        Ok(())
    }

    fn rows(
        &mut self,
        db: &Connection,
        root: &Path,
        tiles: &mut TileCheck,
        sums: &mut RunSums,
        seen: &mut Seen,
    ) -> Result<(), StoreError> {
        let mut select = db.prepare(&format!("{SELECT_ROW} ORDER BY seq")).map_err(StoreError::Sql)?;
        let mut rows = select.query([]).map_err(StoreError::Sql)?;
        let mut expected = 0;
        while let Some(row) = rows.next().map_err(StoreError::Sql)? {
            let seq = row.get::<_, i64>(0).map_err(StoreError::Sql)?.cast_unsigned();
            let id = EntryId::from_bytes(row.get(1).map_err(StoreError::Sql)?);
            // A whole range may be gone: name the first and the count, not each.
            if seq > expected {
                let mut damage = Damage::missing_entry(expected);
                if seq - expected > 1 {
                    damage.message = format!("{} entries are missing from here", seq - expected);
                }
                self.in_log(damage);
                self.gaps = true;
            }
            expected = seq.saturating_add(1);
            tiles.push(&id)?;
            sums.push(self.entries, &id);
            self.entries += 1;
            match stored_row(row).map_err(StoreError::Sql)? {
                Err(StoreError::Damaged { first }) => self.in_log(*first),
                Err(e) => self.in_log(Damage::entry(seq, id, &e.to_string())),
                Ok(stored) if stored.entry.is_none() => self.purged += 1,
                Ok(stored) => self.entry(db, root, &stored, seen)?,
            }
            seen.push(id)?;
        }
        if self.purged > 0 { self.purges(db, seen) } else { Ok(()) }
    }

    /// The content of an entry is gone only because its author said so.
    fn purges(&mut self, db: &Connection, seen: &Seen) -> Result<(), StoreError> {
        let mut select = db
            .prepare(&format!("{SELECT_ROW} WHERE payload IS NULL ORDER BY seq"))
            .map_err(StoreError::Sql)?;
        let mut rows = select.query([]).map_err(StoreError::Sql)?;
        while let Some(row) = rows.next().map_err(StoreError::Sql)? {
            let Ok(stored) = stored_row(row).map_err(StoreError::Sql)? else { continue };
            let purged_by: Option<[u8; 32]> = row.get(4).map_err(StoreError::Sql)?;
            let recall = match purged_by {
                Some(id) => seen.place(db, &EntryId::from_bytes(id))?,
                None => None,
            };
            let recall = match recall {
                Some(seq) => queries::stored_at(db, seq).map_err(StoreError::Sql)?.and_then(Result::ok),
                None => None,
            };
            let target =
                recall.and_then(|recall| Some((recall.entry?.noun::<Recall>().ok()?.target, recall.key)));
            if stored.received.is_none() || (target != Some((stored.id, stored.key)) && !self.gaps) {
                let why = "its content is gone and no recall by its author says so";
                self.in_log(Damage::entry(stored.seq, stored.id, why));
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        db: &Connection,
        root: &Path,
        stored: &Stored,
        seen: &Seen,
    ) -> Result<(), StoreError> {
        let Some(entry) = &stored.entry else { return Ok(()) };
        let wrong = |message: &str| Damage::entry(stored.seq, stored.id, message);
        if stored.seq == 0 {
            match entry.noun::<Genesis>() {
                Ok(genesis) => self.owner = Some((genesis.node, stored.key)),
                Err(_) => self.in_log(wrong("the first entry does not found a record")),
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
            self.in_log(wrong("it is signed by a key that this record does not know for its author"));
        }
        // A peer may rest on what it did not share; what this node concludes rests on what it holds.
        if stored.received.is_none() && !self.gaps {
            for evidence in base::Marked::evidence(entry) {
                if seen.place(db, evidence)?.is_none() {
                    self.in_log(wrong(&format!(
                        "it rests on {evidence}, which is not in the record before it"
                    )));
                }
            }
        }
        if let Ok(peer) = entry.noun::<Peer>()
            && Some(stored.key) == own
            && let Ok(key) = PublicKey::from_hex(&peer.key)
        {
            self.peers.entry(peer.node).or_default().push(key);
        }
        if let Ok(observation) = entry.noun::<Observation>()
            && stored.received.is_none()
            && !self.holds_blob(root, &observation.blob)
        {
            self.in_log(wrong(&format!("its raw bytes, blob {}, are missing or damaged", observation.blob)));
        }
        Ok(())
    }

    /// Whether raw bytes are there and right; all files were compared with their hash before.
    fn holds_blob(&self, root: &Path, hash: &BlobHash) -> bool {
        let blobs = root.join("blobs");
        let there = blobs::path_of(&blobs, hash).is_file();
        there && (!self.bad_blobs || blobs::get(&blobs, hash).is_ok_and(|bytes| bytes.is_some()))
    }

    /// The newest signed checkpoint, as far as its file and its signature go.
    fn home_checkpoint(&mut self, root: &Path) -> Result<Option<Checkpoint>, StoreError> {
        let note = self.read(root, "checkpoints/home", DamageKind::Checkpoint)?;
        if note.is_empty() {
            if root.join("checkpoints/home").exists() {
                let why = "the file is empty";
                self.in_file(Damage::file(DamageKind::Checkpoint, "checkpoints/home", 0, 0, why));
            }
            return Ok(None);
        }
        match Checkpoint::parse(&String::from_utf8_lossy(&note)) {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(e) => {
                let why = e.to_string();
                self.in_file(Damage::file(DamageKind::Checkpoint, "checkpoints/home", 0, note.len(), &why));
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
            self.in_file(Damage::file(DamageKind::Checkpoint, file, 0, end, &e.to_string()));
        }
        match tiles.root_at(checkpoint.size()) {
            None => self.in_log(Damage::missing_entry(tiles.size())),
            Some(root) => {
                if let Err(e) = checkpoint.check_root(root) {
                    self.in_log(Damage::general(DamageKind::Checkpoint, e.to_string()));
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
}
