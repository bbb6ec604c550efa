//! Founding a record, and opening one.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};

use base::{Country, Marking, Timestamp};
use rand_core::CryptoRngCore;
use rusqlite::Connection;

use super::damage::{Damage, DamageKind};
use super::files::{sync_all_below, sync_folder, write_whole};
use super::ids::IdIndex;
use super::lanes;
use super::queries::{self, ReadError};
use super::schema::{self, FORMAT, SCHEMA, check_format, configure};
use super::sqlite::{SqliteOptions, SqliteRecord, at, read_log};
use super::tree::Tree;
use super::{Batch, Genesis, RecordStore, StoreError, blobs, home_origin, lock::Lock, pages, wal};
use crate::{Checkpoint, Entry, Frontier, NodeKey};

/// A record that a repair wrote, beside the damaged one.
pub(super) const REPAIRED: &str = "record.repaired";

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
impl SqliteRecord {
    /// Whether `data` holds a record.
    pub fn exists(data: &Path) -> bool {
        data.join("record").exists() || data.join(REPAIRED).exists()
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
        if Self::exists(data) {
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
        sync_folder(data).map_err(|e| io(data, e))?;
        Self::open_folder(root, key, SqliteOptions::default(), Some(lock))
    }

    /// Writes a whole record of one entry into the folder `draft`. A process killed meanwhile leaves no record, rather
    /// than one without its first entry, which would be nobody's.
    fn found(draft: &Path, key: &NodeKey, first: Entry) -> Result<(), StoreError> {
        let mut record = Self::empty(draft, key)?;
        record.commit(&Batch::of([first]))?;
        record.copy_log()?;
        drop(record);
        sync_all_below(draft).map_err(|e| blobs::io_error(draft, e))
    }

    /// A record without any entry in the new folder `draft`, which no lock guards.
    pub(super) fn empty(draft: &Path, key: &NodeKey) -> Result<Self, StoreError> {
        let io = |path: &Path, source| blobs::io_error(path, source);
        for folder in ["blobs", "tiles", "checkpoints", "ids"] {
            fs::create_dir_all(draft.join(folder)).map_err(|e| io(draft, e))?;
        }
        let database = draft.join("record.db");
        {
            let db = Connection::open(&database).map_err(|e| queries::sql_error(draft, e))?;
            db.execute_batch("PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
                .and_then(|()| db.execute_batch(SCHEMA))
                .and_then(|()| db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);"))
                .map_err(|e| queries::sql_error(draft, e))?;
        }
        pages::write_all(&database, &draft.join("record.pages")).map_err(|e| io(draft, e))?;
        let checkpoint = Checkpoint::sign(&home_origin(key.name()), 0, Frontier::default().root(), key)?;
        write_whole(&draft.join("checkpoints/home"), checkpoint.note().as_bytes(), true)
            .map_err(|e| io(draft, e))?;
        fs::write(draft.join("format"), FORMAT).map_err(|e| io(draft, e))?;
        let own = NodeKey::from_secret(key.name().clone(), &key.secret());
        Self::open_folder(draft.to_owned(), own, SqliteOptions::default(), None)
    }

    /// Opens the record in `data`; what a killed process left behind is put in order, damage is refused.
    ///
    /// What is read does not grow with the log: the write-ahead log, the pages that it touches and some at both ends,
    /// the tables of heads, the right edge of the tree against the signed checkpoint, and the entries since the last
    /// run of the index. All else is checked when it is read, by [`Self::scrub`] and by [`super::verify_dir`].
    ///
    /// # Errors
    /// When there is none, another process has it, its format is another one, or it is damaged.
    pub fn open(data: &Path, key: NodeKey, options: SqliteOptions) -> Result<Self, StoreError> {
        if !Self::exists(data) {
            return Err(StoreError::Missing { path: data.to_owned() });
        }
        let lock = Lock::take(data)?;
        let root = data.join("record");
        if !root.exists() {
            // A repair was cut off between its last two steps: the new record is whole, the old one set aside.
            fs::rename(data.join(REPAIRED), &root).map_err(|e| blobs::io_error(&root, e))?;
        }
        Self::open_folder(root, key, options, Some(lock))
    }

    fn open_folder(
        root: PathBuf,
        key: NodeKey,
        options: SqliteOptions,
        lock: Option<Lock>,
    ) -> Result<Self, StoreError> {
        check_format(&root)?;
        // A frame that fails may be the mark of a power cut behind the last commit; whether an entry is missing is
        // decided below by the signed checkpoint.
        let broken = check_log_and_ends(&root)?;
        let sql = |e| queries::sql_error(&root, e);
        // Tiles are on disk for the size that the main file has without its log (see `copy_log`).
        let synced = schema::open_alone(&root)
            .ok()
            .and_then(|db| queries::head(&db).ok())
            .map_or(0, |frontier| frontier.size());
        let db = Connection::open(root.join("record.db")).map_err(sql)?;
        configure(&db, options).map_err(sql)?;
        let head = queries::head(&db).map_err(|e| at(&root, e))?;
        let last: Option<i64> =
            db.query_row("SELECT max(seq) FROM entry", [], |row| row.get(0)).map_err(sql)?;
        let held = last.map_or(0, |seq| seq.cast_unsigned().saturating_add(1));
        if held != head.size() {
            return Err(Damage::missing_entry(held.min(head.size())).into());
        }
        if queries::owner_key(&db).map_err(sql)?.is_some_and(|owner| owner != key.public().to_bytes()) {
            return Err(StoreError::OtherKey { path: root });
        }
        let lanes = lanes::read_all(&db).map_err(|e| at(&root, e))?;
        let checkpoint = read_checkpoint(&root, &key)?;
        if checkpoint.size() > head.size() {
            return Err(Damage::missing_entry(head.size()).into());
        }
        let mut healed = Vec::new();
        let tree = Tree::open(&root.join("tiles"), &head, synced, &mut |start, end, give| {
            queries::for_ids(&db, start, end, give)
        })
        .map_err(|e: ReadError| e.at(&root))?;
        let Some((tree, rebuilt)) = tree else {
            let why = "the entries do not lead to the root that the newest commit wrote";
            return Err(Damage::general(DamageKind::Database, why).into());
        };
        if rebuilt {
            healed.push(Damage::general(
                DamageKind::Tile,
                "tiles did not lead to the root; all were written anew",
            ));
        }
        let ids =
            IdIndex::open(&root.join("ids"), head.size(), options.recent_ids, &mut |start, end, give| {
                queries::for_ids(&db, start, end, give)
            })
            .map_err(|e: ReadError| e.at(&root))?;
        let mut record = Self {
            root,
            db,
            key,
            tree,
            ids: RefCell::new(ids),
            lanes,
            checkpoint,
            options,
            stale_tail: broken,
            log_copy: Vec::new(),
            healed: RefCell::new(healed),
            scrub_at: 0,
            ways_back_checked: Cell::new(false),
            lock,
        };
        let root = record.proven(record.checkpoint.size(), |tree| tree.root_at(record.checkpoint.size()))?;
        record.checkpoint.check_root(root)?;
        record.copy_log()?;
        record.write_checkpoint().map_err(|e| blobs::io_error(&record.root, e))?;
        Ok(record)
    }
}

/// Looks at the write-ahead log, at the pages that it replaces, and at those at both ends of the main file. Gives
/// whether a frame of the log is broken.
fn check_log_and_ends(root: &Path) -> Result<bool, StoreError> {
    let bytes = read_log(root)?;
    let scan = wal::scan(&bytes);
    let damage = pages::check_ends(root, &scan).map_err(|e| blobs::io_error(&root.join("record.db"), e))?;
    damage.into_iter().next().map_or(Ok(scan.broken_at.is_some()), |first| Err(first.into()))
}

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
fn read_checkpoint(root: &Path, key: &NodeKey) -> Result<Checkpoint, StoreError> {
    let path = root.join("checkpoints/home");
    let note = fs::read_to_string(&path).map_err(|e| blobs::io_error(&path, e))?;
    Checkpoint::parse(&note)
        .and_then(|c| c.check(&home_origin(key.name()), key.name(), &key.public()).map(|()| c))
        .map_err(|e| {
            Damage::file(DamageKind::Checkpoint, "checkpoints/home", 0, note.len(), &e.to_string()).into()
        })
}
