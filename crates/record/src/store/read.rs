//! A record that is only looked at: no key, nothing written.

use std::path::Path;

use base::{EntryId, Timestamp};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::damage::{Damage, DamageKind};
use super::lock::Lock;
use super::queries::{self, sql_error, stored_row};
use super::sqlite::{SqliteOptions, check_format, configure};
use super::{Genesis, Lane, StoreError, Stored, blobs, verify};
use crate::RawEntry;

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
        db.query_row(
            "SELECT seq, id, payload, signature, key, received FROM entry WHERE seq = 0",
            [],
            stored_row,
        )
    };
    let entry = first().ok().and_then(Result::ok).and_then(|stored| stored.entry);
    Ok(entry.and_then(|entry| entry.noun().ok()))
}

/// Read access to the record of a node that does not run.
pub struct ReadRecord {
    root: std::path::PathBuf,
    db: Connection,
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
        let db = verify::open_read_only(&root, copy.path())
            .map_err(|e| Damage::file(DamageKind::Database, "record.db", 0, 0, &e.to_string()))?;
        Ok(Self { root, db, _lock: lock, _copy: copy })
    }

    /// How many entries.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn size(&self) -> Result<u64, StoreError> {
        self.db
            .query_row("SELECT coalesce(max(seq) + 1, 0) FROM entry", [], |row| row.get::<_, i64>(0))
            .map(i64::cast_unsigned)
            .map_err(|e| sql_error(&self.root, e))
    }

    /// The entry at place `seq`.
    ///
    /// # Errors
    /// When the database cannot be read or the entry is damaged.
    pub fn at(&self, seq: u64) -> Result<Option<Stored>, StoreError> {
        self.one(
            "SELECT seq, id, payload, signature, key, received FROM entry WHERE seq = ?1",
            seq.cast_signed(),
        )
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
    /// When the database cannot be read or the entry is damaged.
    pub fn get(&self, id: &EntryId) -> Result<Option<Stored>, StoreError> {
        self.one("SELECT seq, id, payload, signature, key, received FROM entry WHERE id = ?1", id.as_bytes())
    }

    fn one(&self, sql: &str, value: impl rusqlite::ToSql) -> Result<Option<Stored>, StoreError> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut select| select.query_row([value], stored_row).optional())
            .map_err(|e| sql_error(&self.root, e))?
            .transpose()
    }

    /// All lanes with the number of their items.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn lane_sizes(&self) -> Result<Vec<(Lane, u64)>, StoreError> {
        let sql = |e| sql_error(&self.root, e);
        let lanes = queries::lanes(&self.db).map_err(sql)?;
        lanes
            .into_iter()
            .map(|lane| {
                let size = queries::lane_size(&self.db, &lane).map_err(sql)?;
                Ok((lane, size))
            })
            .collect()
    }

    /// What was put into `lane`, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn lane_ids(&self, lane: &Lane) -> Result<Vec<EntryId>, StoreError> {
        queries::lane_ids(&self.db, lane).map_err(|e| sql_error(&self.root, e))
    }
}
