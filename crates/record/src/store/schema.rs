//! The layout of the database, and how a connection to it is set up.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::{SqliteOptions, StoreError, blobs, wal};

pub(crate) const FORMAT: &str = "bongsu.record/2\n";

/// `head` is the own log's size and right edge, written in the commit that wrote the entries. A lane's row holds the
/// place of its entry, so that it costs a few bytes at the end of a table; `lane_entry` is the way back, and
/// `lane_absent` that of ids whose entry is not here (its owner withdrew it). `lane_edge` has the right edge of a lane
/// at every [`super::lanes::EDGE_EVERY`]th size; `sum` vouches for a row (see [`super::lanes`]). The key of a lane's rows is `lane.number * 2^40 + place`.
pub(crate) const SCHEMA: &str = "
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, edge BLOB NOT NULL) STRICT;
INSERT INTO head VALUES (1, 0, x'');
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  sum INTEGER NOT NULL,
  received INTEGER,
  purged_by BLOB,
  key BLOB NOT NULL,
  signature BLOB NOT NULL,
  payload BLOB
) STRICT;
CREATE TABLE lane (
  number INTEGER PRIMARY KEY,
  peer TEXT NOT NULL,
  direction TEXT NOT NULL,
  precedence TEXT NOT NULL,
  size INTEGER NOT NULL,
  edge BLOB NOT NULL,
  ack TEXT,
  sum INTEGER NOT NULL,
  UNIQUE (peer, direction, precedence)
) STRICT;
CREATE TABLE lane_row (at INTEGER PRIMARY KEY, seq INTEGER, id BLOB, sum INTEGER NOT NULL) STRICT;
CREATE TABLE lane_entry (lane INTEGER NOT NULL, seq INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (lane, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE lane_absent (lane INTEGER NOT NULL, id BLOB NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (lane, id)) STRICT, WITHOUT ROWID;
CREATE TABLE lane_edge (at INTEGER PRIMARY KEY, edge BLOB NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE cursor (peer TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

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
         PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON; PRAGMA cache_size=-8192;",
    )?;
    // The store itself decides when the log is copied (see `SqliteRecord::copy_log`).
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let pages = options.max_bytes / wal::PAGE_BYTES as u64;
    db.query_row(&format!("PRAGMA max_page_count={pages}"), [], |_| Ok(()))?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Opens the database to read it and to change no byte of the folder, also while a log lies beside it that a killed
/// process left. When the folder cannot be written to, SQLite cannot read such a log: then a copy is made in `copy`.
pub(crate) fn open_to_read(root: &Path, copy: &Path) -> Result<Connection, Box<dyn std::error::Error>> {
    let log = root.join("record.db-wal");
    if fs::metadata(&log).map_or(0, |m| m.len()) == 0 {
        return Ok(open_alone(root)?);
    }
    let as_owner = || -> rusqlite::Result<Connection> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let db = Connection::open_with_flags(root.join("record.db"), flags)?;
        configure(&db, SqliteOptions::default())?;
        db.execute_batch("PRAGMA query_only=ON;")?;
        db.query_row("SELECT size FROM head", [], |_| Ok(()))?;
        Ok(db)
    };
    if let Ok(db) = as_owner() {
        return Ok(db);
    }
    fs::copy(root.join("record.db"), copy.join("record.db"))?;
    fs::copy(&log, copy.join("record.db-wal"))?;
    Ok(Connection::open(copy.join("record.db"))?)
}

/// Opens the main file as one that nobody changes, without the log beside it.
pub(crate) fn open_alone(root: &Path) -> rusqlite::Result<Connection> {
    use rusqlite::OpenFlags;
    let path = root.join("record.db");
    let path = path.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(path.clone()))?;
    let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)
}
