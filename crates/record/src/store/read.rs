//! A record that is only looked at: no key, nothing written.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::path::Path;

use base::{EntryId, Timestamp};
use rusqlite::{Connection, OpenFlags};

use super::damage::{Damage, DamageKind};
use super::ids::IdIndex;
use super::lanes::{self, LaneHead};
use super::lock::Lock;
use super::queries::{self, ReadError, sql_error};
use super::schema::{self, check_format, configure};
use super::sqlite::{SqliteOptions, at};
use super::tree::{Tree, TreeError};
use super::{Genesis, Lane, StoreError, Stored, blobs};
use crate::{Checkpoint, RawEntry};

/// Who founded the record in the data folder `data`, whose node does not run. `None` when its first entry cannot be
/// read: opening the record will say why.
///
/// # Errors
/// When there is no record, a node has it open, or its format is another one.
pub fn founder(data: &Path) -> Result<Option<Genesis>, StoreError> {
    let root = data.join("record");
    if !root.is_dir() {
        return Err(StoreError::Missing { path: data.to_owned() });
    }
    let _lock = Lock::take(data)?;
    check_format(&root)?;
    let first = || -> rusqlite::Result<_> {
        // As the owner opens it, so that a log that a killed process left is read too and nothing is changed.
        let db = Connection::open_with_flags(root.join("record.db"), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        configure(&db, SqliteOptions::default())?;
        queries::stored_at(&db, 0)
    };
    let entry = first().ok().flatten().and_then(Result::ok).and_then(|stored| stored.entry);
    Ok(entry.and_then(|entry| entry.noun().ok()))
}

/// Read access to the record of a node that does not run.
pub struct ReadRecord {
    root: std::path::PathBuf,
    db: Connection,
    size: u64,
    lanes: HashMap<Lane, LaneHead>,
    /// Opened when the first entry is asked for by its id.
    ids: OnceCell<IdIndex>,
    _lock: Lock,
    _copy: tempfile::TempDir,
}

impl ReadRecord {
    /// Opens the record in the data folder `data`.
    ///
    /// # Errors
    /// When there is none, a node has it open, or its format is another one.
    pub fn open(data: &Path) -> Result<Self, StoreError> {
        let root = data.join("record");
        if !root.is_dir() {
            return Err(StoreError::Missing { path: data.to_owned() });
        }
        let lock = Lock::take(data)?;
        check_format(&root)?;
        let copy = tempfile::tempdir().map_err(|e| blobs::io_error(&root, e))?;
        let db = schema::open_to_read(&root, copy.path())
            .map_err(|e| Damage::file(DamageKind::Database, "record.db", 0, 0, &e.to_string()))?;
        let size = queries::head(&db).map_err(|e| at(&root, e))?.size();
        let lanes = lanes::read_all(&db).map_err(|e| at(&root, e))?;
        Ok(Self { root, db, size, lanes, ids: OnceCell::new(), _lock: lock, _copy: copy })
    }

    /// How many entries.
    ///
    /// # Errors
    /// None; the size was read when the record was opened.
    pub const fn size(&self) -> Result<u64, StoreError> {
        Ok(self.size)
    }

    /// The entry at place `seq`.
    ///
    /// # Errors
    /// When the database cannot be read or the entry is damaged.
    pub fn at(&self, seq: u64) -> Result<Option<Stored>, StoreError> {
        let stored = queries::stored_at(&self.db, seq).map_err(|e| sql_error(&self.root, e))?;
        match stored {
            None if seq < self.size => Err(Damage::missing_entry(seq).into()),
            stored => stored.transpose(),
        }
    }

    /// At most `count` entries from place `from` on, as their bytes lie there.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn raw(&self, from: u64, count: usize) -> Result<Vec<RawEntry>, StoreError> {
        let sql = "SELECT seq, id, payload, received FROM entry WHERE seq >= ?1 ORDER BY seq LIMIT ?2";
        let row = |row: &rusqlite::Row<'_>| {
            Ok(RawEntry {
                seq: row.get::<_, i64>(0)?.cast_unsigned(),
                id: EntryId::from_bytes(row.get(1)?),
                payload: row.get(2)?,
                received: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_unix_nanos),
            })
        };
        let limit = i64::try_from(count).unwrap_or(i64::MAX);
        self.db
            .prepare_cached(sql)
            .and_then(|mut select| select.query_map([from.cast_signed(), limit], row)?.collect())
            .map_err(|e| sql_error(&self.root, e))
    }

    /// The entry `id`.
    ///
    /// # Errors
    /// When the database or the index cannot be read, or the entry is damaged.
    pub fn get(&self, id: &EntryId) -> Result<Option<Stored>, StoreError> {
        let ids = match self.ids.get() {
            Some(ids) => ids,
            None => {
                let opened =
                    IdIndex::open_to_read(&self.root.join("ids"), self.size, &mut |start, end, give| {
                        queries::for_ids(&self.db, start, end, give)
                    })
                    .map_err(|e: ReadError| e.at(&self.root))?;
                self.ids.get_or_init(|| opened)
            }
        };
        let candidates = ids.candidates(id).map_err(|(first, e)| {
            Damage::general(DamageKind::Index, format!("the run from place {first}: {e}"))
        })?;
        for seq in candidates {
            if queries::id_at(&self.db, seq).map_err(|e| sql_error(&self.root, e))? == Some(*id) {
                return self.at(seq);
            }
        }
        Ok(None)
    }

    /// The newest signed checkpoint of the own log.
    ///
    /// # Errors
    /// When its file cannot be read. Its signature is not checked: the caller knows the key.
    #[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
    pub fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        let path = self.root.join("checkpoints/home");
        let note = std::fs::read_to_string(&path).map_err(|e| blobs::io_error(&path, e))?;
        Ok(Checkpoint::parse(&note)?)
    }

    /// The inclusion proof of the entry at `index` in the tree over the first `size` entries.
    ///
    /// # Errors
    /// When one is beyond the log, or the tiles and the entries do not lead to its root.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        self.proven(|tree| tree.inclusion(index, size))
    }

    /// The consistency proof between the trees over the first `old` and `new` entries.
    ///
    /// # Errors
    /// When one is beyond the log, or the tiles and the entries do not lead to its root.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<[u8; 32]>, StoreError> {
        self.proven(|tree| tree.consistency(old, new))
    }

    fn proven<R>(&self, read: impl FnOnce(&Tree) -> Result<R, TreeError>) -> Result<R, StoreError> {
        let head = queries::head(&self.db).map_err(|e| at(&self.root, e))?;
        let alone = schema::open_alone(&self.root).ok().and_then(|db| queries::head(&db).ok());
        let synced = alone.map_or(0, |frontier| frontier.size());
        let tree = Tree::open_to_read(&self.root.join("tiles"), &head, synced, &mut |start, end, give| {
            queries::for_ids(&self.db, start, end, give)
        })
        .map_err(|e: ReadError| e.at(&self.root))?;
        let wrong = |what: String| StoreError::from(Damage::general(DamageKind::Tile, what));
        let tree = tree.ok_or_else(|| wrong("tiles and entries do not lead to the root".to_owned()))?;
        read(&tree).map_err(|e| match e {
            TreeError::Beyond(e) => e.into(),
            TreeError::Tile(_) => wrong(e.to_string()),
        })
    }

    /// All lanes with the number of their items, sorted.
    ///
    /// # Errors
    /// None; they were read when the record was opened.
    pub fn lane_sizes(&self) -> Result<Vec<(Lane, u64)>, StoreError> {
        let mut sizes: Vec<_> =
            self.lanes.iter().map(|(lane, head)| (lane.clone(), head.frontier.size())).collect();
        sizes.sort();
        Ok(sizes)
    }

    /// What was put into `lane`, in order.
    ///
    /// # Errors
    /// When the database cannot be read, or the lane has a gap.
    pub fn lane_ids(&self, lane: &Lane) -> Result<Vec<EntryId>, StoreError> {
        let mut ids = Vec::new();
        if let Some(head) = self.lanes.get(lane) {
            lanes::for_ids(&self.db, lane, head, 0, u64::MAX, |id, _| {
                ids.push(id);
                Ok(())
            })
            .map_err(|e| at(&self.root, e))?;
        }
        Ok(ids)
    }
}
