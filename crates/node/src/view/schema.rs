//! The tables of a view, and opening them.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::View;

/// Another number: the database is built anew.
const FORMAT: i64 = 2;
/// Pages of the database that a connection keeps in memory, in KiB.
const WRITER_CACHE_KIB: i64 = 16 << 10;
const READER_CACHE_KIB: i64 = 4 << 10;
/// How long one waits for another before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything is appended by `seq`. No index is over something random such as an id: at ten million rows that alone
/// costs nine tenths of the speed. `seq` is the place in the view's own log.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE item (
  seq INTEGER PRIMARY KEY,
  home INTEGER NOT NULL,
  id BLOB NOT NULL,
  noun INTEGER NOT NULL,
  schema TEXT NOT NULL,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  severity INTEGER NOT NULL,
  start INTEGER NOT NULL,
  node TEXT NOT NULL,
  country TEXT NOT NULL,
  time INTEGER NOT NULL,
  received INTEGER,
  marking TEXT,
  body TEXT,
  refs BLOB,
  target BLOB,
  recalled_by BLOB,
  superseded_by BLOB
) STRICT;
CREATE INDEX item_home ON item (home);
CREATE INDEX standing ON item (noun, seq) WHERE recalled_by IS NULL;
CREATE INDEX standing_kind ON item (kind, seq) WHERE recalled_by IS NULL AND noun = 2;
CREATE INDEX open_incident ON item (severity, start, seq)
  WHERE recalled_by IS NULL AND superseded_by IS NULL AND noun = 3;
CREATE TABLE about (
  object TEXT NOT NULL,
  start INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  end INTEGER NOT NULL,
  PRIMARY KEY (object, start, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE longest (object TEXT PRIMARY KEY, nanos INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE member (
  finding INTEGER NOT NULL,
  incident INTEGER NOT NULL,
  PRIMARY KEY (finding, incident)
) STRICT, WITHOUT ROWID;
CREATE TABLE wanted (id BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (id, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE tally (field TEXT NOT NULL, value TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (field, value))
  STRICT, WITHOUT ROWID;
";

/// What only the owner's view has: the decisions for the peers, by the entry's place in the home log, and which
/// findings rest upon what.
const OWNER_TABLES: &str = "
CREATE TABLE shared (
  peer TEXT NOT NULL,
  seq INTEGER NOT NULL,
  lane TEXT NOT NULL,
  place INTEGER NOT NULL,
  PRIMARY KEY (peer, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE withheld (
  peer TEXT NOT NULL,
  seq INTEGER NOT NULL,
  rule TEXT NOT NULL,
  path TEXT NOT NULL,
  cause TEXT,
  PRIMARY KEY (peer, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE rest (upon INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (upon, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE decided (peer TEXT PRIMARY KEY, upto INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// Opens the database at `path` for writing; one that is damaged or of another format is thrown away. The second part
/// of the answer tells whether it is new.
pub(super) fn open(path: &Path, view: &View) -> rusqlite::Result<(Connection, bool)> {
    if let Ok(db) = connect(path)
        && format_of(&db).is_ok_and(|format| format == Some(FORMAT))
    {
        return Ok((db, false));
    }
    remove(path);
    let db = connect(path)?;
    db.execute_batch("BEGIN IMMEDIATE")?;
    db.execute_batch(TABLES)?;
    if *view == View::Owner {
        db.execute_batch(OWNER_TABLES)?;
    }
    db.execute("INSERT INTO meta (key, value) VALUES ('format', ?1)", [FORMAT])?;
    db.execute_batch("COMMIT")?;
    Ok((db, true))
}

/// Removes a derived database with what lies beside it. What cannot be removed shows when it is opened.
pub(super) fn remove(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let _ = std::fs::remove_file(name);
    }
}

pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(PATIENCE)?;
    db.set_prepared_statement_cache_capacity(64);
    // `secure_delete`: what is taken back leaves no bytes behind.
    db.execute_batch(&format!(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;
         PRAGMA cache_size=-{WRITER_CACHE_KIB};"
    ))?;
    Ok(db)
}

/// A connection that cannot write.
pub(super) fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(PATIENCE)?;
    db.set_prepared_statement_cache_capacity(64);
    db.execute_batch(&format!("PRAGMA query_only=ON; PRAGMA cache_size=-{READER_CACHE_KIB};"))?;
    Ok(db)
}

fn format_of(db: &Connection) -> rusqlite::Result<Option<i64>> {
    db.query_row("SELECT value FROM meta WHERE key = 'format'", [], |row| row.get(0)).optional()
}
