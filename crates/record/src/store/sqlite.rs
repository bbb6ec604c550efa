//! The default store: one SQLite database in write-ahead mode with `synchronous=FULL`, opened by one process alone.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use base::{BlobHash, Country, EntryId, Marking, NodeName, Recall, Timestamp};
use rand_core::CryptoRngCore;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, params};

use super::damage::{Damage, DamageKind};
use super::{
    Batch, Committed, Genesis, Lane, LaneState, RecordStore, StoreError, Stored, blobs, derived, home_origin,
    lock::Lock, pages, queries, wal,
};
use crate::{BeyondLog, Checkpoint, Entry, Frontier, MerkleLog, NodeKey};

pub(crate) const FORMAT: &str = "bongsu.record/1\n";

const SCHEMA: &str = "
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  payload BLOB,
  signature BLOB NOT NULL,
  key BLOB NOT NULL,
  received INTEGER,
  purged_by BLOB
) STRICT;
CREATE TABLE lane (
  peer TEXT NOT NULL,
  outward INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  id BLOB NOT NULL,
  PRIMARY KEY (peer, outward, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX lane_id ON lane (peer, outward, id);
CREATE TABLE ack (
  peer TEXT NOT NULL,
  outward INTEGER NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (peer, outward)
) STRICT, WITHOUT ROWID;
CREATE TABLE cursor (peer TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// Limits of a [`SqliteRecord`].
#[derive(Debug, Clone, Copy)]
pub struct SqliteOptions {
    /// The log is copied into the main file once it has this many bytes.
    pub wal_bytes: u64,
    /// The database may grow to this many bytes; beyond, a commit fails with [`StoreError::Full`].
    pub max_bytes: u64,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { wal_bytes: 8 << 20, max_bytes: 1 << 40 }
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
/// | `blobs/<xx>/<sha256>` | raw bytes as received |
///
/// One process at a time: a lock on `record.lock` in the data folder says so.
pub struct SqliteRecord {
    root: PathBuf,
    db: Connection,
    key: NodeKey,
    log: MerkleLog,
    checkpoint: Checkpoint,
    /// Size of the log that the tile and checkpoint files show.
    derived_size: u64,
    lane_sizes: HashMap<Lane, u64>,
    options: SqliteOptions,
    /// A commit failed: its frames may still lie behind the last commit in the log.
    stale_tail: bool,
    /// None only while the folder is being founded under another name.
    #[expect(dead_code, reason = "held for its lock")]
    lock: Option<Lock>,
}

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
impl SqliteRecord {
    /// Whether `data` holds a record.
    pub fn exists(data: &Path) -> bool {
        data.join("record").exists()
    }

    /// Founds a record in the data folder `data`, with its first entry.
    ///
    /// # Errors
    /// When there is one already, or the disk refuses. Nothing is left half-made: the folder appears as a whole.
    pub fn create(
        data: &Path,
        key: NodeKey,
        country: &Country,
        title: &str,
        version: &str,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, StoreError> {
        let lock = Lock::take(data)?;
        let root = data.join("record");
        if root.exists() {
            return Err(StoreError::InUse { path: data.to_owned() });
        }
        let genesis = Genesis {
            node: key.name().clone(),
            title: title.to_owned(),
            country: country.clone(),
            version: version.to_owned(),
            marking: Marking::new("RESTRICTED", &[], country.as_str()),
        };
        let first = Entry::sign(&genesis, country, &key, now, rng)?;
        let draft = data.join("record.new");
        let io = |path: &Path, source| blobs::io_error(path, source);
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(|e| io(&draft, e))?;
        }
        if let Err(e) = Self::found(&draft, &key, first) {
            // What is left of it, should this fail too, the next try removes.
            let _ = fs::remove_dir_all(&draft);
            return Err(e);
        }
        fs::rename(&draft, &root).map_err(|e| io(&root, e))?;
        blobs::sync_folder(data).map_err(|e| io(data, e))?;
        Self::open_folder(root, key, SqliteOptions::default(), Some(lock))
    }

    /// Writes a whole record of one entry into the folder `draft`. A process killed meanwhile leaves no record, rather
    /// than one without its first entry, which would be nobody's.
    fn found(draft: &Path, key: &NodeKey, first: Entry) -> Result<(), StoreError> {
        let io = |path: &Path, source| blobs::io_error(path, source);
        fs::create_dir_all(draft.join("blobs")).map_err(|e| io(draft, e))?;
        let database = draft.join("record.db");
        {
            let db = Connection::open(&database).map_err(|e| queries::sql_error(draft, e))?;
            db.execute_batch("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
                .and_then(|()| db.execute_batch(SCHEMA))
                .and_then(|()| db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);"))
                .map_err(|e| queries::sql_error(draft, e))?;
        }
        pages::write_all(&database, &draft.join("record.pages")).map_err(|e| io(draft, e))?;
        let checkpoint = Checkpoint::sign(&home_origin(key.name()), 0, MerkleLog::default().root(), key)?;
        derived::write(draft, &MerkleLog::default(), 0, &checkpoint).map_err(|e| io(draft, e))?;
        fs::write(draft.join("format"), FORMAT).map_err(|e| io(draft, e))?;
        let own = NodeKey::from_secret(key.name().clone(), &key.secret());
        let mut record = Self::open_folder(draft.to_owned(), own, SqliteOptions::default(), None)?;
        record.commit(&Batch::of([first]))?;
        record.copy_log()?;
        record.write_derived().map_err(|e| io(draft, e))?;
        drop(record);
        blobs::sync_all_below(draft).map_err(|e| io(draft, e))
    }

    /// Opens the record in `data`; what a killed process left behind is put in order, damage is refused.
    ///
    /// # Errors
    /// When there is none, another process has it, its format is another one, or it is damaged.
    pub fn open(data: &Path, key: NodeKey, options: SqliteOptions) -> Result<Self, StoreError> {
        if !Self::exists(data) {
            return Err(StoreError::Missing { path: data.to_owned() });
        }
        let lock = Lock::take(data)?;
        Self::open_folder(data.join("record"), key, options, Some(lock))
    }

    fn open_folder(
        root: PathBuf,
        key: NodeKey,
        options: SqliteOptions,
        lock: Option<Lock>,
    ) -> Result<Self, StoreError> {
        check_format(&root)?;
        let database = root.join("record.db");
        let read = |name: &str| {
            let path = root.join(name);
            match fs::read(&path) {
                Ok(bytes) => Ok(bytes),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound && name.ends_with("-wal") => {
                    Ok(Vec::new())
                }
                Err(source) => Err(blobs::io_error(&path, source)),
            }
        };
        let wal_bytes = read("record.db-wal")?;
        let broken = {
            let scan = wal::scan(&wal_bytes);
            // A frame that fails may be the mark of a power cut behind the last commit; whether an entry is missing
            // is decided below by the signed checkpoint.
            if let Some(first) =
                pages::check(&read("record.db")?, &read("record.pages")?, &scan).into_iter().next()
            {
                return Err(first.into());
            }
            scan.broken_at.is_some()
        };
        let sql = |e| queries::sql_error(&root, e);
        let db = Connection::open(&database).map_err(sql)?;
        configure(&db, options).map_err(sql)?;
        let ids = queries::all_ids(&db).map_err(sql)?;
        if queries::owner_key(&db).map_err(sql)?.is_some_and(|owner| owner != key.public().to_bytes()) {
            return Err(StoreError::OtherKey { path: root });
        }
        let log = MerkleLog::from_ids(&ids);
        let path = root.join("checkpoints/home");
        let note = fs::read_to_string(&path).map_err(|e| blobs::io_error(&path, e))?;
        let checkpoint = Checkpoint::parse(&note)
            .and_then(|c| c.check(&home_origin(key.name()), key.name(), &key.public()).map(|()| c))
            .map_err(|e| {
                Damage::file(DamageKind::Checkpoint, "checkpoints/home", 0, note.len(), &e.to_string())
            })?;
        let derived_size = checkpoint.size();
        match log.root_at(derived_size) {
            Err(_) => return Err(Damage::missing_entry(log.size()).into()),
            Ok(root) => checkpoint.check_root(root)?,
        }
        let mut record = Self {
            root,
            db,
            key,
            log,
            checkpoint,
            derived_size,
            lane_sizes: HashMap::new(),
            options,
            stale_tail: broken,
            lock,
        };
        record.copy_log()?;
        if !wal_bytes.is_empty() {
            // The last run did not end in order: what it had not synced follows from the entries and is written anew.
            record.derived_size = 0;
        }
        record.write_derived().map_err(|e| blobs::io_error(&record.root, e))?;
        Ok(record)
    }

    /// Copies the write-ahead log into the main file and empties it, with the page digests in between (see `pages`).
    ///
    /// # Errors
    /// When the disk refuses; the record stays readable, nothing is lost.
    pub fn copy_log(&mut self) -> Result<(), StoreError> {
        let sql = |e| queries::sql_error(&self.root, e);
        self.db.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(())).map_err(sql)?;
        let path = self.root.join("record.db-wal");
        match fs::read(&path) {
            Ok(bytes) => pages::update(&self.root.join("record.pages"), &bytes)
                .map_err(|e| blobs::io_error(&self.root.join("record.pages"), e))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(blobs::io_error(&path, e)),
        }
        self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(sql)?;
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

    /// All lanes that were ever used, sorted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn lanes(&self) -> Result<Vec<Lane>, StoreError> {
        queries::lanes(&self.db).map_err(|e| queries::sql_error(&self.root, e))
    }

    fn write_derived(&mut self) -> std::io::Result<()> {
        let size = self.log.size();
        if size == self.derived_size {
            return Ok(());
        }
        let checkpoint = Checkpoint::sign(self.checkpoint.origin(), size, self.log.root(), &self.key)
            .map_err(std::io::Error::other)?;
        derived::write(&self.root, &self.log, self.derived_size, &checkpoint)?;
        self.checkpoint = checkpoint;
        self.derived_size = size;
        Ok(())
    }

    fn write_batch(&mut self, batch: &Batch) -> Result<Written, StoreError> {
        let root = self.root.clone();
        let sql = |e| queries::sql_error(&root, e);
        let mut next = self.log.size();
        let mut places = Vec::with_capacity(batch.entries.len());
        let mut new_ids = Vec::new();
        let mut lane_sizes = self.lane_sizes.clone();
        let tx = self.db.transaction().map_err(sql)?;
        for incoming in &batch.entries {
            let entry = &incoming.entry;
            if let Some(seq) = queries::place_of(&tx, &entry.id()).map_err(sql)? {
                places.push((seq, false));
                continue;
            }
            tx.prepare_cached(
                "INSERT INTO entry (seq, id, payload, signature, key, received) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    next.cast_signed(),
                    entry.id().as_bytes(),
                    entry.payload(),
                    entry.signature(),
                    entry.key().to_bytes(),
                    incoming.received.map(Timestamp::unix_nanos),
                ])
            })
            .map_err(sql)?;
            places.push((next, true));
            new_ids.push(entry.id());
            next += 1;
        }
        for row in &batch.lane_rows {
            let size = match lane_sizes.get(&row.lane) {
                Some(size) => *size,
                None => queries::lane_size(&tx, &row.lane).map_err(sql)?,
            };
            tx.prepare_cached("INSERT INTO lane (peer, outward, seq, id) VALUES (?1, ?2, ?3, ?4)")
                .and_then(|mut insert| {
                    insert.execute(params![
                        row.lane.peer.as_str(),
                        queries::outward(&row.lane),
                        size.cast_signed(),
                        row.id.as_bytes()
                    ])
                })
                .map_err(sql)?;
            lane_sizes.insert(row.lane.clone(), size + 1);
        }
        for ack in &batch.acks {
            tx.prepare_cached("INSERT OR REPLACE INTO ack (peer, outward, note) VALUES (?1, ?2, ?3)")
                .and_then(|mut put| {
                    put.execute(params![
                        ack.lane.peer.as_str(),
                        queries::outward(&ack.lane),
                        ack.checkpoint.note()
                    ])
                })
                .map_err(sql)?;
        }
        for (peer, seq) in &batch.cursors {
            tx.prepare_cached("INSERT OR REPLACE INTO cursor (peer, seq) VALUES (?1, ?2)")
                .and_then(|mut put| put.execute(params![peer.as_str(), seq.cast_signed()]))
                .map_err(sql)?;
        }
        for purge in &batch.purge {
            let no = |reason| StoreError::CannotPurge { id: purge.target, reason };
            let target = queries::stored(&tx, &purge.target)
                .map_err(sql)?
                .ok_or_else(|| no("it is not in the record"))??;
            let recall = queries::stored(&tx, &purge.recall)
                .map_err(sql)?
                .ok_or_else(|| no("its recall is not there"))??;
            if target.received.is_none() {
                return Err(no("it is this node's own"));
            }
            let names_it = recall
                .entry
                .as_ref()
                .and_then(|e| e.noun::<Recall>().ok())
                .is_some_and(|noun| noun.target == purge.target);
            if !names_it || recall.key != target.key {
                return Err(no("the recall is not its author's"));
            }
            tx.prepare_cached("UPDATE entry SET payload = NULL, purged_by = ?2 WHERE id = ?1")
                .and_then(|mut put| put.execute(params![purge.target.as_bytes(), purge.recall.as_bytes()]))
                .map_err(sql)?;
        }
        tx.commit().map_err(sql)?;
        self.lane_sizes = lane_sizes;
        Ok(Written { places, new_ids })
    }
}

/// What a transaction wrote.
struct Written {
    places: Vec<(u64, bool)>,
    new_ids: Vec<EntryId>,
}

impl RecordStore for SqliteRecord {
    fn commit(&mut self, batch: &Batch) -> Result<Committed, StoreError> {
        let Written { places, new_ids } = match self.write_batch(batch) {
            Ok(done) => done,
            Err(e) => {
                self.stale_tail = true;
                return Err(e);
            }
        };
        for id in &new_ids {
            self.log.push(id);
        }
        let behind = self.write_derived().err();
        // Purged content also goes from the write-ahead log, at once.
        let tidy = if self.stale_tail || !batch.purge.is_empty() || self.wal_bytes() > self.options.wal_bytes
        {
            self.copy_log().err().map(|e| e.to_string())
        } else {
            None
        };
        Ok(Committed { places, derived_behind: behind.map(|e| e.to_string()).or(tidy) })
    }

    fn at(&self, seq: u64) -> Result<Option<Stored>, StoreError> {
        let sql = |e| queries::sql_error(&self.root, e);
        self.db
            .prepare_cached("SELECT seq, id, payload, signature, key, received FROM entry WHERE seq = ?1")
            .and_then(|mut select| select.query_row([seq.cast_signed()], queries::stored_row).optional())
            .map_err(sql)?
            .transpose()
    }

    fn get(&self, id: &EntryId) -> Result<Option<Stored>, StoreError> {
        queries::stored(&self.db, id).map_err(|e| queries::sql_error(&self.root, e))?.transpose()
    }

    fn log_size(&self) -> u64 {
        self.log.size()
    }

    fn root(&self) -> [u8; 32] {
        self.log.root()
    }

    fn inclusion(&self, index: u64, size: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        Ok(self.log.inclusion(index, size)?)
    }

    fn consistency(&self, old: u64, new: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        Ok(self.log.consistency(old, new)?)
    }

    fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    fn lane(&self, lane: &Lane) -> Result<LaneState, StoreError> {
        let frontier = Frontier::from_ids(&self.lane_ids(lane, 0, u64::MAX)?);
        let note = queries::ack_note(&self.db, lane).map_err(|e| queries::sql_error(&self.root, e))?;
        Ok(LaneState { frontier, acked: note.map(|n| Checkpoint::parse(&n)).transpose()? })
    }

    fn lane_frontier(&self, lane: &Lane, size: u64) -> Result<Frontier, StoreError> {
        let frontier = Frontier::from_ids(&self.lane_ids(lane, 0, size)?);
        if frontier.size() == size {
            Ok(frontier)
        } else {
            Err(BeyondLog { size: frontier.size(), asked: size }.into())
        }
    }

    fn lane_ids(&self, lane: &Lane, start: u64, count: u64) -> Result<Vec<EntryId>, StoreError> {
        queries::lane_ids(&self.db, lane, start, count).map_err(|e| queries::sql_error(&self.root, e))
    }

    fn lane_place(&self, lane: &Lane, id: &EntryId) -> Result<Option<u64>, StoreError> {
        queries::lane_place(&self.db, lane, id).map_err(|e| queries::sql_error(&self.root, e))
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

impl SqliteRecord {
    fn wal_bytes(&self) -> u64 {
        fs::metadata(self.root.join("record.db-wal")).map_or(0, |m| m.len())
    }
}

impl Drop for SqliteRecord {
    fn drop(&mut self) {
        // Best effort: a process that is killed does not come here either, and `open` puts that in order.
        let _ = self.write_derived();
        let _ = self.copy_log();
    }
}

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub(crate) fn check_format(root: &Path) -> Result<(), StoreError> {
    let path = root.join("format");
    let found = fs::read_to_string(&path).map_err(|source| blobs::io_error(&path, source))?;
    if found == FORMAT {
        return Ok(());
    }
    let found = found.trim_end().chars().take(80).collect();
    Err(StoreError::OtherFormat { path, found, expected: FORMAT.trim_end() })
}

pub(crate) fn configure(db: &Connection, options: SqliteOptions) -> rusqlite::Result<()> {
    // Exclusive mode keeps the log's index in memory: no third file whose bytes nothing vouches for.
    db.execute_batch(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON;",
    )?;
    // The store itself decides when the log is copied (see `copy_log`).
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let pages = options.max_bytes / wal::PAGE_BYTES as u64;
    db.query_row(&format!("PRAGMA max_page_count={pages}"), [], |_| Ok(()))?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(())
}
