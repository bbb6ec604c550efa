//! The index of objects: where the bytes of each version lie, in which order they came, and what marking they carry.
//!
//! It is derived: all of it follows from the entries of the record and their blobs, and it is built again from these
//! when it is absent or of another format. Objects are read from the blobs, byte by byte as they came.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base::{BlobHash, Marking};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction, params};
use serde_json::Value;
use sha2::{Digest, Sha256};
use threat::taxii::{Header, Micros, Status, StatusDetails, format_micros};

use crate::NodeError;
use crate::core::lock;

/// The form of the database; another is built anew.
const FORMAT: i64 = 1;
/// Idle connections that are kept.
const KEPT: usize = 8;
/// Open blobs that are kept.
const FILES: usize = 64;

/// In place of a client's name: no client is called so.
const ANYBODY: &str = "*";

const SCHEMA: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE collection (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE blob (number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE);
CREATE TABLE class (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, marking TEXT NOT NULL, UNIQUE (kind, marking));
CREATE TABLE object (
  collection INTEGER NOT NULL, added INTEGER NOT NULL, seq INTEGER NOT NULL,
  name INTEGER NOT NULL, id TEXT NOT NULL, class INTEGER NOT NULL, spec TEXT NOT NULL,
  version INTEGER NOT NULL, text TEXT, blob INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
  alone INTEGER NOT NULL, conflict INTEGER NOT NULL,
  PRIMARY KEY (collection, added, seq)
) WITHOUT ROWID;
CREATE INDEX object_name ON object (collection, name);
CREATE INDEX object_class ON object (collection, class);
CREATE TABLE status (id TEXT PRIMARY KEY, client TEXT NOT NULL, root TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
";

/// One version of an object as the index has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) seq: u64,
    pub(crate) added: Micros,
    pub(crate) id: String,
    pub(crate) class: i64,
    pub(crate) spec: String,
    pub(crate) version: Micros,
    /// The version as the object writes it; none when it has none.
    pub(crate) text: Option<String>,
    pub(crate) blob: i64,
    pub(crate) start: u64,
    pub(crate) length: usize,
    /// Whether the collection holds no other version of it.
    pub(crate) alone: bool,
    /// Whether another content has the same version.
    pub(crate) conflict: bool,
}

impl Held {
    /// The version in words.
    pub(crate) fn version_text(&self) -> String {
        self.text.clone().unwrap_or_else(|| format_micros(self.version))
    }

    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Self::read(row, Depth::Whole)
    }

    fn read(row: &Row<'_>, depth: Depth) -> rusqlite::Result<Self> {
        let alone: bool = row.get(10)?;
        // What nobody looks at is not copied: a page of a thousand objects needs only their places.
        let whole = depth == Depth::Whole || !alone;
        Ok(Self {
            added: row.get(0)?,
            seq: row.get::<_, i64>(1)?.cast_unsigned(),
            id: if whole { row.get(2)? } else { String::new() },
            class: row.get(3)?,
            spec: if whole { row.get(4)? } else { String::new() },
            version: row.get(5)?,
            text: if whole { row.get(6)? } else { None },
            blob: row.get(7)?,
            start: row.get::<_, i64>(8)?.cast_unsigned(),
            length: usize::try_from(row.get::<_, i64>(9)?).unwrap_or(0),
            alone,
            conflict: row.get(11)?,
        })
    }
}

/// How much of each version is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// All of it.
    Whole,
    /// Of the only version of an object no id, version of the standard and text.
    Place,
}

const COLUMNS: &str = "added, seq, id, class, spec, version, text, blob, start, length, alone, conflict";

/// What is added in one step.
pub(crate) struct Addition<'a> {
    pub(crate) collection: &'a str,
    pub(crate) root: &'a str,
    pub(crate) client: &'a str,
    pub(crate) status: &'a str,
    pub(crate) at: Micros,
    pub(crate) blob: BlobHash,
    /// Where the entry stands in the home log.
    pub(crate) home: u64,
    pub(crate) objects: Vec<ToAdd<'a>>,
    /// Whether the client may have what is of this kind and carries this marking: its status tells of nothing else.
    pub(crate) told: &'a dyn Fn(&str, &Marking) -> bool,
}

/// One object of it.
pub(crate) struct ToAdd<'a> {
    pub(crate) start: usize,
    pub(crate) bytes: &'a [u8],
    /// Its own time, where it was taken over from another server.
    pub(crate) added: Option<Micros>,
    pub(crate) header: Result<(Header<'a>, Marking), (Option<String>, String)>,
}

pub(crate) struct Store {
    folder: PathBuf,
    blobs: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    files: Mutex<HashMap<i64, Arc<File>>>,
}

fn path(folder: &Path) -> PathBuf {
    folder.join("index.db")
}

impl Store {
    /// Opens the index in the data folder, or makes an empty one.
    pub(crate) fn open(data: &Path) -> Result<Self, NodeError> {
        let folder = data.join("taxii");
        std::fs::create_dir_all(&folder).map_err(|source| NodeError::Io { path: folder.clone(), source })?;
        let writer = match connect(&folder) {
            Ok(Some(db)) => db,
            Ok(None) | Err(_) => create(&folder)?,
        };
        let blobs = data.join("record/blobs");
        Ok(Self {
            folder,
            blobs,
            writer: Mutex::new(writer),
            readers: Mutex::default(),
            files: Mutex::default(),
        })
    }

    /// All entries of the home log before this place are in the index.
    pub(crate) fn applied(&self) -> Result<u64, NodeError> {
        let db = lock(&self.writer);
        let applied: i64 =
            db.query_row("SELECT value FROM meta WHERE key = 'applied'", [], |row| row.get(0))?;
        Ok(applied.cast_unsigned())
    }

    /// Notes that nothing before `home` is missing.
    pub(crate) fn skip_to(&self, home: u64) -> Result<(), NodeError> {
        lock(&self.writer)
            .execute("UPDATE meta SET value = ?1 WHERE key = 'applied'", [home.cast_signed()])?;
        Ok(())
    }

    /// Takes an envelope in, whole or not at all, and gives its status.
    pub(crate) fn add(&self, addition: &Addition<'_>) -> Result<Status, NodeError> {
        let mut db = lock(&self.writer);
        let tx = db.transaction()?;
        let mut step = Step::new(&tx, addition)?;
        let mut status = Status {
            id: addition.status.to_owned(),
            status: "complete".to_owned(),
            request_timestamp: Some(format_micros(addition.at)),
            total_count: addition.objects.len() as u64,
            success_count: 0,
            successes: Vec::with_capacity(addition.objects.len()),
            failure_count: 0,
            failures: Vec::new(),
            pending_count: 0,
            pendings: Vec::new(),
        };
        for object in &addition.objects {
            match &object.header {
                Ok((header, marking)) => {
                    let (version, message) = step.add(self, object, header, marking)?;
                    let id = header.id.clone().into_owned();
                    status.successes.push(StatusDetails { id, version, message });
                }
                Err((id, why)) => status.failures.push(StatusDetails {
                    id: id.clone().unwrap_or_default(),
                    version: String::new(),
                    message: Some(why.clone()),
                }),
            }
        }
        step.finish()?;
        status.success_count = status.successes.len() as u64;
        status.failure_count = status.failures.len() as u64;
        let body =
            serde_json::to_string(&status).map_err(|e| NodeError::BadRequest { message: e.to_string() })?;
        tx.prepare_cached("INSERT OR REPLACE INTO status (id, client, root, body) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![addition.status, addition.client, addition.root, body])?;
        applied(&tx, addition.home + 1)?;
        tx.commit()?;
        Ok(status)
    }

    /// Keeps a status resource of another server, for all clients.
    pub(crate) fn keep_status(&self, root: &str, status: &Value, home: u64) -> Result<(), NodeError> {
        let mut db = lock(&self.writer);
        let tx = db.transaction()?;
        let id = status.get("id").and_then(Value::as_str).unwrap_or_default();
        tx.execute(
            "INSERT OR REPLACE INTO status (id, client, root, body) VALUES (?1, ?2, ?3, ?4)",
            params![id, ANYBODY, root, status.to_string()],
        )?;
        applied(&tx, home + 1)?;
        tx.commit()?;
        Ok(())
    }

    /// Takes versions of an object out.
    pub(crate) fn remove(
        &self,
        collection: &str,
        id: &str,
        versions: &[(Micros, &str)],
        home: u64,
    ) -> Result<(), NodeError> {
        let mut db = lock(&self.writer);
        let tx = db.transaction()?;
        if let Some(number) = collection_number(&tx, collection)? {
            for held in group(&tx, number, id)? {
                if versions.iter().any(|(version, spec)| held.version == *version && held.spec == *spec) {
                    tx.prepare_cached(
                        "DELETE FROM object WHERE collection = ?1 AND added = ?2 AND seq = ?3",
                    )?
                    .execute(params![number, held.added, held.seq.cast_signed()])?;
                }
            }
            if let [last] = &group(&tx, number, id)?[..] {
                set_alone(&tx, number, last, true)?;
            }
        }
        applied(&tx, home + 1)?;
        tx.commit()?;
        Ok(())
    }

    /// A reader of one moment.
    pub(crate) fn reader(&self) -> Result<Reader<'_>, NodeError> {
        let idle = lock(&self.readers).pop();
        let db = match idle {
            Some(db) => db,
            None => {
                let db = Connection::open_with_flags(path(&self.folder), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
                db.execute_batch("PRAGMA cache_size = -1024; PRAGMA query_only = ON;")?;
                db
            }
        };
        db.execute_batch("BEGIN")?;
        Ok(Reader { store: self, db: Some(db) })
    }

    /// The file of a blob. Its bytes are checked against their hash when it is first opened.
    fn file(&self, db: &Connection, number: i64) -> Result<Arc<File>, NodeError> {
        if let Some(file) = lock(&self.files).get(&number) {
            return Ok(Arc::clone(file));
        }
        let hash = db
            .prepare_cached("SELECT hash FROM blob WHERE number = ?1")?
            .query_row([number], |row| row.get::<_, [u8; 32]>(0))?;
        let hash = BlobHash::from_bytes(hash);
        let name = hash.to_string();
        let path = self.blobs.join(&name[..2]).join(&name);
        let io = |source| NodeError::Io { path: path.clone(), source };
        let bytes = std::fs::read(&path).map_err(io)?;
        if Sha256::digest(&bytes)[..] != hash.as_bytes()[..] {
            let message = "its bytes do not have their hash; restore it from a copy (`bongsu record repair`)"
                .to_owned();
            return Err(NodeError::BadInput { name: path.display().to_string(), message });
        }
        let file = Arc::new(File::open(&path).map_err(io)?);
        let mut files = lock(&self.files);
        if files.len() >= FILES {
            files.clear();
        }
        files.insert(number, Arc::clone(&file));
        Ok(file)
    }
}

fn connect(folder: &Path) -> Result<Option<Connection>, NodeError> {
    let path = path(folder);
    if !path.exists() {
        return Ok(None);
    }
    let db = Connection::open(&path)?;
    settle(&db)?;
    let format: i64 = db.query_row("SELECT value FROM meta WHERE key = 'format'", [], |row| row.get(0))?;
    Ok((format == FORMAT).then_some(db))
}

fn create(folder: &Path) -> Result<Connection, NodeError> {
    for file in ["index.db", "index.db-wal", "index.db-shm"] {
        let path = folder.join(file);
        if path.exists() {
            std::fs::remove_file(&path).map_err(|source| NodeError::Io { path, source })?;
        }
    }
    let db = Connection::open(path(folder))?;
    settle(&db)?;
    db.execute_batch(SCHEMA)?;
    db.execute("INSERT INTO meta VALUES ('format', ?1), ('applied', 0), ('next', 0)", [FORMAT])?;
    Ok(db)
}

fn settle(db: &Connection) -> Result<(), NodeError> {
    // Derived, but a client was told that it is there: synced like the record.
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -4096;")?;
    Ok(())
}

fn applied(tx: &Transaction<'_>, home: u64) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE meta SET value = max(value, ?1) WHERE key = 'applied'")?
        .execute([home.cast_signed()])
        .map(|_| ())
}

fn collection_number(db: &Connection, id: &str) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT number FROM collection WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()
}

/// A number for an id, to look it up by; the id itself decides.
fn name_of(id: &str) -> i64 {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.cast_signed()
}

/// All versions of an object, in the order in which they came.
fn group(db: &Connection, collection: i64, id: &str) -> rusqlite::Result<Vec<Held>> {
    let sql = format!("SELECT {COLUMNS} FROM object WHERE collection = ?1 AND name = ?2 AND id = ?3");
    let mut held = db
        .prepare_cached(&sql)?
        .query_map(params![collection, name_of(id), id], Held::of)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    held.sort_by_key(|held| (held.added, held.seq));
    Ok(held)
}

fn set_alone(tx: &Transaction<'_>, collection: i64, held: &Held, alone: bool) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE object SET alone = ?4 WHERE collection = ?1 AND added = ?2 AND seq = ?3")?
        .execute(params![collection, held.added, held.seq.cast_signed(), alone])
        .map(|_| ())
}

/// One envelope on its way in.
struct Step<'s> {
    tx: &'s Transaction<'s>,
    at: Micros,
    collection: i64,
    blob: i64,
    next: i64,
    /// Numbers of markings, by kind and marking.
    classes: HashMap<(String, Marking), i64>,
    told: &'s dyn Fn(&str, &Marking) -> bool,
}

impl<'s> Step<'s> {
    fn new(tx: &'s Transaction<'s>, addition: &'s Addition<'_>) -> rusqlite::Result<Self> {
        tx.prepare_cached("INSERT OR IGNORE INTO collection (id) VALUES (?1)")?
            .execute([addition.collection])?;
        let hash = addition.blob.as_bytes();
        tx.prepare_cached("INSERT OR IGNORE INTO blob (hash) VALUES (?1)")?.execute([hash])?;
        let blob = tx
            .prepare_cached("SELECT number FROM blob WHERE hash = ?1")?
            .query_row([hash], |row| row.get(0))?;
        let next = tx.query_row("SELECT value FROM meta WHERE key = 'next'", [], |row| row.get(0))?;
        let collection = collection_number(tx, addition.collection)?.unwrap_or_default();
        Ok(Self { tx, at: addition.at, collection, blob, next, classes: HashMap::new(), told: addition.told })
    }

    /// Adds one object; gives its version and what is to be said of it.
    fn add(
        &mut self,
        store: &Store,
        object: &ToAdd<'_>,
        header: &Header<'_>,
        marking: &Marking,
    ) -> Result<(String, Option<String>), NodeError> {
        let earlier = group(self.tx, self.collection, &header.id)?;
        let added = object.added.unwrap_or(self.at);
        // Without a version of its own, the time at which it was added. That must not depend on what else is held: who
        // adds it may not know of that.
        let version = header.version.unwrap_or(added);
        let text = header.version_text.as_deref().map_or_else(|| format_micros(version), str::to_owned);
        let class = self.class(&header.kind, marking)?;
        let (mut conflict, mut told) = (false, false);
        for held in &earlier {
            let same_version = header.version.is_none() || held.version == version;
            if !same_version || held.spec != header.spec_version {
                continue;
            }
            if held.class == class && self.same_content(store, held, object.bytes)? {
                let known = (self.told)(&header.kind, marking);
                return Ok((if known { held.version_text() } else { text }, None));
            }
            if held.version == version {
                conflict = true;
                told |= self.is_told(held.class)?;
            }
        }
        let alone = earlier.iter().all(|held| held.conflict) && !conflict;
        if !conflict {
            for held in earlier.iter().filter(|held| held.alone) {
                set_alone(self.tx, self.collection, held, false)?;
            }
        }
        let seq = self.next;
        self.next += 1;
        self.tx
            .prepare_cached(
                "INSERT INTO object (collection, added, seq, name, id, class, spec, version, text, blob, start, length,
                 alone, conflict) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?
            .execute(params![
                self.collection,
                added,
                seq,
                name_of(&header.id),
                header.id,
                class,
                header.spec_version,
                version,
                header.version_text,
                self.blob,
                object.start as i64,
                object.bytes.len() as i64,
                alone,
                conflict,
            ])?;
        let message = told.then(|| {
            "another content has the same id and version: both are kept, the first is served, and an analyst is told"
                .to_owned()
        });
        Ok((text, message))
    }

    /// Whether the client may have what carries the marking of this number.
    fn is_told(&self, class: i64) -> Result<bool, NodeError> {
        let (kind, marking): (String, String) = self
            .tx
            .prepare_cached("SELECT kind, marking FROM class WHERE number = ?1")?
            .query_row([class], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(serde_json::from_str(&marking).is_ok_and(|marking| (self.told)(&kind, &marking)))
    }

    /// Whether a version that is held says the same, however it is spelled.
    fn same_content(&self, store: &Store, held: &Held, bytes: &[u8]) -> Result<bool, NodeError> {
        let before = read(store, self.tx, held)?;
        if before == bytes {
            return Ok(true);
        }
        let value = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
        Ok(value(&before).is_some_and(|before| Some(before) == value(bytes)))
    }

    /// Notes how far the numbers went.
    fn finish(self) -> rusqlite::Result<()> {
        self.tx.execute("UPDATE meta SET value = ?1 WHERE key = 'next'", [self.next]).map(|_| ())
    }

    fn class(&mut self, kind: &str, marking: &Marking) -> Result<i64, NodeError> {
        let key = (kind.to_owned(), marking.clone());
        if let Some(number) = self.classes.get(&key) {
            return Ok(*number);
        }
        let text =
            serde_json::to_string(marking).map_err(|e| NodeError::BadRequest { message: e.to_string() })?;
        self.tx
            .prepare_cached("INSERT OR IGNORE INTO class (kind, marking) VALUES (?1, ?2)")?
            .execute(params![kind, text])?;
        let number = self
            .tx
            .prepare_cached("SELECT number FROM class WHERE kind = ?1 AND marking = ?2")?
            .query_row(params![kind, text], |row| row.get(0))?;
        self.classes.insert(key, number);
        Ok(number)
    }
}

fn read(store: &Store, db: &Connection, held: &Held) -> Result<Vec<u8>, NodeError> {
    let mut bytes = vec![0; held.length];
    let file = store.file(db, held.blob)?;
    let io = |source| NodeError::Io { path: PathBuf::from("blobs"), source };
    file.read_exact_at(&mut bytes, held.start).map_err(io)?;
    Ok(bytes)
}

/// Reads the index and the blobs.
pub(crate) struct Reader<'s> {
    store: &'s Store,
    /// None only while it is dropped.
    db: Option<Connection>,
}

impl Reader<'_> {
    fn db(&self) -> Result<&Connection, NodeError> {
        self.db.as_ref().ok_or(NodeError::Stopping)
    }

    pub(crate) fn collection(&self, id: &str) -> Result<Option<i64>, NodeError> {
        Ok(collection_number(self.db()?, id)?)
    }

    /// All markings with their kinds.
    pub(crate) fn classes(&self) -> Result<HashMap<i64, (String, Marking)>, NodeError> {
        let db = self.db()?;
        let mut statement = db.prepare_cached("SELECT number, kind, marking FROM class")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))?;
        let mut classes = HashMap::new();
        for row in rows {
            let (number, kind, marking) = row?;
            // What cannot be read reaches nobody: it is left out.
            if let Ok(marking) = serde_json::from_str(&marking) {
                classes.insert(number, (kind, marking));
            }
        }
        Ok(classes)
    }

    /// All versions of an object.
    pub(crate) fn group(&self, collection: i64, id: &str) -> Result<Vec<Held>, NodeError> {
        Ok(group(self.db()?, collection, id)?)
    }

    /// Goes through a collection in the order of `(added, seq)`, from that place on, until `take` says `false`. With
    /// `class`, through what carries that marking alone.
    pub(crate) fn scan(
        &self,
        collection: i64,
        from: (Micros, u64),
        class: Option<i64>,
        depth: Depth,
        mut take: impl FnMut(Held) -> Result<bool, NodeError>,
    ) -> Result<(), NodeError> {
        let of_class = if class.is_some() { "AND class = ?4 " } else { "AND ?4 IS NULL " };
        let sql = format!(
            "SELECT {COLUMNS} FROM object WHERE collection = ?1 AND (added, seq) >= (?2, ?3) {of_class}
             ORDER BY added, seq"
        );
        let mut statement = self.db()?.prepare_cached(&sql)?;
        let mut rows = statement.query(params![collection, from.0, from.1.cast_signed(), class])?;
        while let Some(row) = rows.next()? {
            if !take(Held::read(row, depth)?)? {
                break;
            }
        }
        Ok(())
    }

    /// The bytes of one object.
    pub(crate) fn bytes(&self, held: &Held) -> Result<Vec<u8>, NodeError> {
        read(self.store, self.db()?, held)
    }

    /// Appends objects, separated by commas. What lies side by side in a blob is read at once.
    pub(crate) fn append(&self, held: &[Held], out: &mut Vec<u8>) -> Result<(), NodeError> {
        let db = self.db()?;
        let mut at = 0;
        while let Some(first) = held.get(at) {
            let mut end = first.start + first.length as u64;
            let mut upto = at + 1;
            // Between two objects stands a comma, or a comma and one white space; more could be another object.
            while let Some(next) = held.get(upto)
                && next.blob == first.blob
                && next.start > end
                && next.start - end <= 2
            {
                end = next.start + next.length as u64;
                upto += 1;
            }
            if at > 0 {
                out.push(b',');
            }
            let begin = out.len();
            out.resize(begin + usize::try_from(end - first.start).unwrap_or(0), 0);
            let file = self.store.file(db, first.blob)?;
            let io = |source| NodeError::Io { path: PathBuf::from("blobs"), source };
            file.read_exact_at(&mut out[begin..], first.start).map_err(io)?;
            at = upto;
        }
        Ok(())
    }

    /// The status of a request, when that client made it.
    pub(crate) fn status(&self, id: &str, client: &str, root: &str) -> Result<Option<String>, NodeError> {
        Ok(self
            .db()?
            .prepare_cached("SELECT body FROM status WHERE id = ?1 AND client IN (?2, ?4) AND root = ?3")?
            .query_row(params![id, client, root, ANYBODY], |row| row.get(0))
            .optional()?)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        if db.execute_batch("COMMIT").is_ok() {
            let mut idle = lock(&self.store.readers);
            if idle.len() < KEPT {
                idle.push(db);
            }
        }
    }
}
