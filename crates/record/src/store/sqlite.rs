//! The default store: one SQLite database in write-ahead mode with `synchronous=FULL`, opened by one process alone,
//! with tiles, checkpoint and the index of ids as plain files beside it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base::{BlobHash, EntryId, NodeName};
use rusqlite::{Connection, OptionalExtension};

use super::damage::{Damage, DamageKind};
use super::files::write_whole;
use super::ids::{self, IdIndex, RunError};
use super::lanes::{self, LaneHead};
use super::queries::{self, ReadError};
use super::tree::{Tree, TreeError};
use super::write::Row;
use super::{
    Batch, Committed, Lane, LaneItem, LaneState, RecordStore, StoreError, Stored, blobs, lock::Lock, pages,
    wal,
};
use crate::{Checkpoint, Frontier, NodeKey, inclusion_holds};

/// Limits of a [`SqliteRecord`].
#[derive(Debug, Clone, Copy)]
pub struct SqliteOptions {
    /// The log is copied into the main file once it has this many bytes.
    pub wal_bytes: u64,
    /// The database may grow to this many bytes; beyond, a commit fails with [`StoreError::Full`].
    pub max_bytes: u64,
    /// So many of the newest ids are held in memory before they are sorted into a file.
    pub recent_ids: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { wal_bytes: 8 << 20, max_bytes: 1 << 40, recent_ids: ids::RECENT }
    }
}

/// A record in the folder `record/` of a node's data folder:
///
/// | path | what |
/// |---|---|
/// | `format` | the name of this layout |
/// | `record.db`, `record.db-wal` | entries, lanes, acknowledgements |
/// | `record.pages` | SHA-256 of every database page |
/// | `tiles/<level>/<index>[.p/<width>]` | Merkle tiles (C2SP tlog-tiles) |
/// | `checkpoints/home` | the newest signed checkpoint (C2SP tlog-checkpoint) |
/// | `ids/<first>-<count>` | from the first eight bytes of an id to its place |
/// | `blobs/<xx>/<sha256>` | raw bytes as received |
///
/// Memory does not grow with the log, but for ten bits an entry. One process at a time: a lock on `record.lock` in
/// the data folder says so.
pub struct SqliteRecord {
    pub(super) root: PathBuf,
    pub(super) db: Connection,
    pub(super) key: NodeKey,
    pub(super) tree: Tree,
    pub(super) ids: RefCell<IdIndex>,
    pub(super) lanes: HashMap<Lane, LaneHead>,
    pub(super) checkpoint: Checkpoint,
    pub(super) options: SqliteOptions,
    /// The log as it was copied last: its memory is used again.
    pub(super) log_copy: Vec<u8>,
    /// A commit failed: its frames may still lie behind the last commit in the log.
    pub(super) stale_tail: bool,
    /// What was found wrong in files that follow from the entries, and written anew.
    pub(super) healed: RefCell<Vec<Damage>>,
    /// The page that [`Self::scrub`] looks at next.
    pub(super) scrub_at: u64,
    /// See [`Self::check_ways_back`].
    pub(super) ways_back_checked: Cell<bool>,
    /// None only while the folder is being founded under another name.
    #[expect(dead_code, reason = "held for its lock")]
    pub(super) lock: Option<Lock>,
}

impl SqliteRecord {
    /// Copies the write-ahead log into the main file and empties it. The order makes sure that each moment leaves
    /// what [`Self::open`] expects: tiles on disk, then the pages, then their digests (see `pages`), then no log.
    ///
    /// # Errors
    /// When the disk refuses; the record stays readable, nothing is lost.
    pub fn copy_log(&mut self) -> Result<(), StoreError> {
        let sql = |e| queries::sql_error(&self.root, e);
        self.tree.publish().map_err(|e| blobs::io_error(&self.root.join("tiles"), e))?;
        self.db.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())).map_err(sql)?;
        let mut log = std::mem::take(&mut self.log_copy);
        read_log_into(&self.root, &mut log)?;
        self.log_copy = log;
        pages::update(&self.root.join("record.pages"), &self.log_copy)
            .map_err(|e| blobs::io_error(&self.root.join("record.pages"), e))?;
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(sql)?;
        if self.log_copy.capacity() as u64 > 2 * self.options.wal_bytes {
            self.log_copy = Vec::new();
        }
        self.stale_tail = false;
        Ok(())
    }

    /// The folder `record/`.
    pub fn folder(&self) -> &Path {
        &self.root
    }

    /// The key that signs here.
    pub const fn key(&self) -> &NodeKey {
        &self.key
    }

    /// The place of `id` in the own log, without reading the entry.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn place(&self, id: &EntryId) -> Result<Option<u64>, StoreError> {
        self.place_of(id)
    }

    /// All lanes that were ever used, sorted.
    ///
    /// # Errors
    /// None; they were read when the record was opened.
    pub fn lanes(&self) -> Result<Vec<Lane>, StoreError> {
        let mut lanes: Vec<_> = self.lanes.keys().cloned().collect();
        lanes.sort();
        Ok(lanes)
    }

    /// What was found wrong since the last call in files that follow from the entries (tiles, the index of ids) and
    /// written anew. An operator should hear of it: a disk may be failing.
    pub fn healed(&self) -> Vec<Damage> {
        std::mem::take(&mut *self.healed.borrow_mut())
    }

    /// Compares the next `count` pages of the main file with their digests, and begins again at the end. Call it now
    /// and then with a small count: so a page that nobody reads does not rot unseen. Gives whether the end was
    /// reached.
    ///
    /// # Errors
    /// The first page that is not as it was written.
    pub fn scrub(&mut self, count: u64) -> Result<bool, StoreError> {
        // Pages change only while the log is copied, which does not happen here.
        let io = |e| blobs::io_error(&self.root, e);
        let (damage, pages) = pages::check_range(&self.root, self.scrub_at, count).map_err(io)?;
        self.scrub_at = self.scrub_at.saturating_add(count);
        let ended = self.scrub_at >= pages;
        if ended {
            self.scrub_at = 0;
        }
        damage.into_iter().next().map_or(Ok(ended), |first| Err(first.into()))
    }

    /// Reads from the tree; when a tile is wrong, the tiles around it are written anew from the ids, at worst all.
    pub(super) fn proven<R>(
        &self,
        near: u64,
        read: impl Fn(&Tree) -> Result<R, TreeError>,
    ) -> Result<R, StoreError> {
        let tile = match read(&self.tree) {
            Ok(read) => return Ok(read),
            Err(TreeError::Beyond(e)) => return Err(e.into()),
            Err(TreeError::Tile(tile)) => tile,
        };
        let mut ids = |start, end, give: &mut dyn FnMut(EntryId) -> Result<(), ReadError>| {
            queries::for_ids(&self.db, start, end, give)
        };
        self.tree.heal_near(near, &mut ids).map_err(|e| e.at(&self.root))?;
        let mut again = read(&self.tree);
        if matches!(again, Err(TreeError::Tile(_))) {
            let whole = Tree::open(&self.root.join("tiles"), self.tree.frontier(), 0, &mut ids);
            if whole.map_err(|e| e.at(&self.root))?.is_none() {
                let why = "the ids of the entries do not lead to the root of the tree";
                return Err(Damage::general(DamageKind::Database, why).into());
            }
            again = read(&self.tree);
        }
        let name = format!("tiles/{tile}");
        match again {
            Ok(read) => {
                let why = "it did not lead to the root, and was written anew";
                self.healed.borrow_mut().push(Damage::file(DamageKind::Tile, &name, 0, 0, why));
                Ok(read)
            }
            Err(_) => Err(Damage::file(DamageKind::Tile, &name, 0, 0, "it does not lead to the root").into()),
        }
    }

    /// The place of an entry. A damaged run of the index is written anew.
    pub(super) fn place_of(&self, id: &EntryId) -> Result<Option<u64>, StoreError> {
        let found = self.ids.borrow().candidates(id);
        let candidates = match found {
            Ok(candidates) => candidates,
            Err((first, e)) => {
                self.heal_index(first, &e)?;
                self.ids.borrow().candidates(id).map_err(|(_, e)| match e {
                    RunError::Io(e) => blobs::io_error(&self.root.join("ids"), e),
                    RunError::Damaged { .. } => Damage::general(DamageKind::Index, e.to_string()).into(),
                })?
            }
        };
        for seq in candidates {
            let held = queries::id_at(&self.db, seq).map_err(|e| queries::sql_error(&self.root, e))?;
            match held {
                Some(held) if held == *id => return Ok(Some(seq)),
                // Another entry whose id begins alike, or this one and damaged.
                Some(held) => self.check_leaf(seq, &held)?,
                None => return Err(Damage::missing_entry(seq).into()),
            }
        }
        Ok(None)
    }

    /// Whether the tree has this entry at this place.
    fn check_leaf(&self, seq: u64, id: &EntryId) -> Result<(), StoreError> {
        if self.tree.leaf(seq) == Some(crate::leaf_hash(id)) {
            return Ok(());
        }
        // Tile or entry: the root decides.
        let size = self.tree.size();
        let proof = self.proven(seq, |tree| tree.inclusion(seq, size))?;
        if inclusion_holds(&proof, size, self.tree.root(), seq, id) {
            return Ok(());
        }
        Err(Damage::entry(seq, *id, "another entry stood at this place").into())
    }

    /// The tables with the way from an entry to its place in a lane hold nothing that tells a row that is missing from
    /// one that never was. So before the first answer their pages are compared with their digests.
    fn check_ways_back(&self) -> Result<(), StoreError> {
        if self.ways_back_checked.get() {
            return Ok(());
        }
        let pages = lanes::pages_of_ways_back(&self.db).map_err(|e| queries::sql_error(&self.root, e))?;
        let log = read_log(&self.root)?;
        let damage = pages::check_some(&self.root, &pages, &wal::scan(&log));
        let damage = damage.map_err(|e| blobs::io_error(&self.root.join("record.db"), e))?;
        if let Some(first) = damage.into_iter().next() {
            return Err(first.into());
        }
        self.ways_back_checked.set(true);
        Ok(())
    }

    fn heal_index(&self, first: u64, error: &RunError) -> Result<(), StoreError> {
        let why = format!("the run from place {first}: {error}; it was written anew");
        self.healed.borrow_mut().push(Damage::general(DamageKind::Index, why));
        let mut ids = |start, end, give: &mut dyn FnMut(EntryId) -> Result<(), ReadError>| {
            queries::for_ids(&self.db, start, end, give)
        };
        self.ids.borrow_mut().heal(first, &mut ids).map_err(|e| e.at(&self.root))
    }

    /// Signs the present size and puts the checkpoint on disk.
    pub(super) fn write_checkpoint(&mut self) -> std::io::Result<()> {
        let size = self.tree.size();
        if size == self.checkpoint.size() {
            return Ok(());
        }
        let checkpoint = Checkpoint::sign(self.checkpoint.origin(), size, self.tree.root(), &self.key)
            .map_err(std::io::Error::other)?;
        write_whole(&self.root.join("checkpoints/home"), checkpoint.note().as_bytes(), true)?;
        self.checkpoint = checkpoint;
        Ok(())
    }

    /// Appends rows as they stood in another copy of this record.
    pub(super) fn restore(&mut self, rows: &[Row]) -> Result<(), StoreError> {
        let written = self.write_rows(rows)?;
        match self.follow(&written.new_ids) {
            Some(why) => Err(blobs::io_error(&self.root, std::io::Error::other(why))),
            None => Ok(()),
        }
    }

    /// What follows from a commit: tiles, checkpoint, index. The first error of each; what failed is tried again with
    /// the next commit.
    fn follow(&mut self, new_ids: &[EntryId]) -> Option<String> {
        for id in new_ids {
            self.tree.push(id);
            self.ids.get_mut().push(*id);
        }
        let tiles = self.tree.write_full().err();
        let checkpoint = self.write_checkpoint().err();
        let index = match self.ids.get_mut().tidy(new_ids.len()) {
            Ok(()) => None,
            Err((first, e @ RunError::Damaged { .. })) => {
                self.heal_index(first, &e).err().map(|e| e.to_string())
            }
            Err((_, RunError::Io(e))) => Some(e.to_string()),
        };
        tiles.or(checkpoint).map(|e| e.to_string()).or(index)
    }

    fn wal_bytes(&self) -> u64 {
        fs::metadata(self.root.join("record.db-wal")).map_or(0, |m| m.len())
    }

    fn head_of(&self, lane: &Lane) -> Option<&LaneHead> {
        self.lanes.get(lane)
    }
}

/// The write-ahead log; one that is not there is empty.
pub(super) fn read_log(root: &Path) -> Result<Vec<u8>, StoreError> {
    let mut log = Vec::new();
    read_log_into(root, &mut log)?;
    Ok(log)
}

/// The same in place of what `log` holds.
#[expect(clippy::disallowed_types, reason = "the record's stores touch disk (DESIGN.md section 2)")]
fn read_log_into(root: &Path, log: &mut Vec<u8>) -> Result<(), StoreError> {
    let path = root.join("record.db-wal");
    log.clear();
    match fs::File::open(&path).and_then(|mut file| file.read_to_end(log)) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(blobs::io_error(&path, source)),
    }
}

/// An error of a query with the folder where it happened.
pub(super) fn at(root: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Sql(e) => queries::sql_error(root, e),
        other => other,
    }
}

impl RecordStore for SqliteRecord {
    fn commit(&mut self, batch: &Batch) -> Result<Committed, StoreError> {
        let written = match self.write_batch(batch) {
            Ok(written) => written,
            Err(e) => {
                self.stale_tail = true;
                return Err(e);
            }
        };
        self.lanes.extend(written.lanes);
        let behind = self.follow(&written.new_ids);
        // Purged content also goes from the write-ahead log, at once.
        let tidy = if self.stale_tail || !batch.purge.is_empty() || self.wal_bytes() > self.options.wal_bytes
        {
            self.copy_log().err().map(|e| e.to_string())
        } else {
            None
        };
        Ok(Committed { places: written.places, derived_behind: behind.or(tidy) })
    }

    fn at(&self, seq: u64) -> Result<Option<Stored>, StoreError> {
        if seq >= self.tree.size() {
            return Ok(None);
        }
        let stored = queries::stored_at(&self.db, seq)
            .map_err(|e| queries::sql_error(&self.root, e))?
            .ok_or_else(|| StoreError::from(Damage::missing_entry(seq)))??;
        self.check_leaf(seq, &stored.id)?;
        Ok(Some(stored))
    }

    fn get(&self, id: &EntryId) -> Result<Option<Stored>, StoreError> {
        match self.place_of(id)? {
            Some(seq) => self.at(seq),
            None => Ok(None),
        }
    }

    fn log_size(&self) -> u64 {
        self.tree.size()
    }

    fn root(&self) -> [u8; 32] {
        self.tree.root()
    }

    fn inclusion(&self, index: u64, size: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        self.proven(index, |tree| tree.inclusion(index, size))
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        self.proven(old, |tree| tree.consistency(old, new))
    }

    fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    fn lane(&self, lane: &Lane) -> Result<LaneState, StoreError> {
        let Some(head) = self.head_of(lane) else { return Ok(LaneState::default()) };
        let acked = head.ack.as_deref().map(Checkpoint::parse).transpose()?;
        Ok(LaneState { frontier: head.frontier.clone(), acked })
    }

    fn lane_frontier(&self, lane: &Lane, size: u64) -> Result<Frontier, StoreError> {
        match self.head_of(lane) {
            Some(head) => lanes::frontier_at(&self.db, lane, head, size, |id, seq| self.check_leaf(seq, id))
                .map_err(|e| at(&self.root, e)),
            None if size == 0 => Ok(Frontier::default()),
            None => Err(crate::BeyondLog { size: 0, asked: size }.into()),
        }
    }

    fn lane_ids(&self, lane: &Lane, start: u64, count: u64) -> Result<Vec<EntryId>, StoreError> {
        let mut ids = Vec::new();
        if let Some(head) = self.head_of(lane) {
            lanes::for_ids(&self.db, lane, head, start, count, |id, seq| {
                ids.push(id);
                seq.map_or(Ok(()), |seq| self.check_leaf(seq, &id))
            })
            .map_err(|e| at(&self.root, e))?;
        }
        Ok(ids)
    }

    fn lane_items(
        &self,
        lane: &Lane,
        start: u64,
        count: u64,
        most_bytes: usize,
    ) -> Result<Vec<LaneItem>, StoreError> {
        let Some(head) = self.head_of(lane) else { return Ok(Vec::new()) };
        let items = lanes::items(&self.db, lane, head, (start, count), most_bytes, &self.key.public())
            .map_err(|e| at(&self.root, e))?;
        for item in &items {
            if let Some(seq) = item.seq
                && self.tree.leaf(seq) != Some(crate::leaf_hash(&item.id))
            {
                // Tile or entry is wrong: a tile is written anew, an entry is told.
                self.at(seq)?;
            }
        }
        Ok(items)
    }

    fn lane_place(&self, lane: &Lane, id: &EntryId) -> Result<Option<u64>, StoreError> {
        let Some(head) = self.head_of(lane) else { return Ok(None) };
        self.check_ways_back()?;
        let seq = self.place_of(id)?;
        lanes::place(&self.db, lane, head, id, seq).map_err(|e| at(&self.root, e))
    }

    fn cursor(&self, peer: &NodeName) -> Result<u64, StoreError> {
        self.db
            .prepare_cached("SELECT seq FROM cursor WHERE peer = ?1")
            .and_then(|mut select| select.query_row([peer.as_str()], |row| row.get::<_, i64>(0)).optional())
            .map(|seq| seq.unwrap_or(0).cast_unsigned())
            .map_err(|e| queries::sql_error(&self.root, e))
    }

    fn put_blob(&mut self, bytes: &[u8]) -> Result<BlobHash, StoreError> {
        blobs::put(&self.root.join("blobs"), bytes)
    }

    fn blob(&self, hash: &BlobHash) -> Result<Option<Vec<u8>>, StoreError> {
        blobs::get(&self.root.join("blobs"), hash)
    }

    fn has_blob(&self, hash: &BlobHash) -> bool {
        blobs::path_of(&self.root.join("blobs"), hash).exists()
    }
}

impl Drop for SqliteRecord {
    fn drop(&mut self) {
        // Best effort: a process that is killed does not come here either, and `open` puts that in order.
        let _ = self.write_checkpoint();
        let _ = self.copy_log();
    }
}
