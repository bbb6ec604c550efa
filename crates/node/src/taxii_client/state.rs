//! How it stands with each server, on disk: where pulls are, what was pushed, what went wrong.
//!
//! A place is written after the objects in front of it are in the record. Where this file is lost, collections are
//! gone through from the beginning, and what is there already is dropped.

use std::path::Path;
use std::sync::Mutex;

use base::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use threat::taxii::client::PullPlace;
use utoipa::ToSchema;

use super::trouble::TaxiiFault;
use crate::NodeError;
use crate::core::lock;

/// The form of the database; another is begun anew.
const FORMAT: i64 = 1;
const FILE: &str = "taxii/peers.db";
/// Faults that are kept of each server.
const FAULTS: usize = 20;

const SCHEMA: &str = "
CREATE TABLE peer (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE place (peer TEXT NOT NULL, task TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (peer, task)) WITHOUT ROWID;
CREATE TABLE sent (
  peer TEXT NOT NULL, task TEXT NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL, spec TEXT NOT NULL,
  state TEXT NOT NULL, status TEXT, message TEXT,
  PRIMARY KEY (peer, task, id, version, spec)
) WITHOUT ROWID;
CREATE INDEX sent_state ON sent (peer, state) WHERE state <> 'done';
";

/// How it stands with a server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaxiiPeerState {
    /// When all that was to be done with it was last done.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_success: Option<Timestamp>,
    /// The last error; none after a success.
    pub last_error: Option<TaxiiFault>,
    /// Tries in a row that failed.
    pub failures: u32,
    /// When it is tried next.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_try: Option<Timestamp>,
    /// Objects that were taken from it.
    pub pulled: u64,
    /// Objects that it gave again and that were dropped.
    pub repeats: u64,
    /// Taken objects whose version was here with another content: both are kept and the first is served.
    pub conflicts: u64,
    /// Objects that could not be taken.
    pub refused: u64,
    /// Things that were got over or concern single objects, the newest first.
    pub faults: Vec<TaxiiFault>,
}

impl TaxiiPeerState {
    pub(super) fn note(&mut self, fault: TaxiiFault) {
        self.faults.retain(|known| (&known.code, &known.message) != (&fault.code, &fault.message));
        self.faults.insert(0, fault);
        self.faults.truncate(FAULTS);
    }
}

/// Where a pull of one collection stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TaxiiPlace {
    /// The collection there.
    pub collection: String,
    /// What was added there up to this time has been taken; null: nothing is known to be.
    pub taken_up_to: Option<String>,
    /// Whether a walk through it is under way.
    pub under_way: bool,
}

/// How many objects of a push stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TaxiiPushed {
    /// Taken by the server.
    pub done: u64,
    /// Not yet dealt with by the server, or its answer did not come.
    pub pending: u64,
    /// Refused by the server.
    pub failed: u64,
}

/// An object that the server has not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TaxiiUnsent {
    /// The object.
    pub id: String,
    /// Its version.
    pub version: String,
    /// `pending` or `failed`.
    pub state: String,
    /// What the server said.
    pub message: Option<String>,
}

/// What became of an object that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// On its way: whether the server has it is not known.
    Sending,
    Pending,
    Done,
    Failed,
}

impl Sent {
    const fn word(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// An object of a push, as the database names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SentKey {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) spec: String,
}

/// One push, as the database names it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) peer: &'a str,
    pub(super) task: &'a str,
}

pub(crate) struct PeerStore(Mutex<Connection>);

impl PeerStore {
    /// Opens the database of the data folder, or makes an empty one.
    pub(super) fn open(data: &Path) -> Result<Self, NodeError> {
        let path = data.join(FILE);
        if let Some(folder) = path.parent() {
            let io = |source| NodeError::Io { path: folder.to_owned(), source };
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        let db = Connection::open(&path)?;
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        let format: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if format != FORMAT {
            db.execute_batch(
                "DROP TABLE IF EXISTS peer; DROP TABLE IF EXISTS place; DROP TABLE IF EXISTS sent;",
            )?;
            db.execute_batch(SCHEMA)?;
            db.pragma_update(None, "user_version", FORMAT)?;
        }
        Ok(Self(Mutex::new(db)))
    }

    /// `None` when the node never spoke to another server.
    pub(super) fn open_existing(data: &Path) -> Result<Option<Self>, NodeError> {
        if data.join(FILE).exists() { Self::open(data).map(Some) } else { Ok(None) }
    }

    pub(super) fn peer(&self, name: &str) -> Result<TaxiiPeerState, NodeError> {
        let db = lock(&self.0);
        let body: Option<String> = db
            .prepare_cached("SELECT body FROM peer WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        Ok(body.and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default())
    }

    pub(super) fn keep(&self, name: &str, state: &TaxiiPeerState) -> Result<(), NodeError> {
        keep(&lock(&self.0), name, state)
    }

    pub(super) fn place(&self, of: Task<'_>) -> Result<Option<PullPlace>, NodeError> {
        let db = lock(&self.0);
        let body: Option<String> = db
            .prepare_cached("SELECT body FROM place WHERE peer = ?1 AND task = ?2")?
            .query_row(params![of.peer, of.task], |row| row.get(0))
            .optional()?;
        // A place that cannot be read is none: the collection is gone through anew.
        Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
    }

    /// Keeps a place with how it stands with the server, both or neither.
    pub(super) fn keep_place(
        &self,
        of: Task<'_>,
        place: &PullPlace,
        state: &TaxiiPeerState,
    ) -> Result<(), NodeError> {
        let mut db = lock(&self.0);
        let tx = db.transaction()?;
        tx.prepare_cached("INSERT OR REPLACE INTO place (peer, task, body) VALUES (?1, ?2, ?3)")?
            .execute(params![of.peer, of.task, json(place)?])?;
        keep(&tx, of.peer, state)?;
        Ok(tx.commit()?)
    }

    /// All places of a server.
    pub(super) fn places(&self, name: &str) -> Result<Vec<(String, PullPlace)>, NodeError> {
        let db = lock(&self.0);
        let mut statement =
            db.prepare_cached("SELECT task, body FROM place WHERE peer = ?1 ORDER BY task")?;
        let rows = statement.query_map([name], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        let rows: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
        Ok(rows
            .into_iter()
            .filter_map(|(task, body)| Some((task, serde_json::from_str(&body).ok()?)))
            .collect())
    }

    /// Whether an object was given to the server before, whatever became of it.
    pub(super) fn was_sent(&self, of: Task<'_>, key: &SentKey) -> Result<bool, NodeError> {
        let db = lock(&self.0);
        let mut statement = db.prepare_cached(
            "SELECT 1 FROM sent WHERE peer = ?1 AND task = ?2 AND id = ?3 AND version = ?4 AND spec = ?5",
        )?;
        Ok(statement.exists(params![of.peer, of.task, key.id, key.version, key.spec])?)
    }

    /// Notes what became of objects, all at once.
    pub(super) fn mark<'k>(
        &self,
        of: Task<'_>,
        objects: impl Iterator<Item = (&'k SentKey, Sent, Option<&'k str>, Option<&'k str>)>,
    ) -> Result<(), NodeError> {
        let mut db = lock(&self.0);
        let tx = db.transaction()?;
        for (key, state, status, message) in objects {
            tx.prepare_cached(
                "INSERT OR REPLACE INTO sent (peer, task, id, version, spec, state, status, message)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                of.peer,
                of.task,
                key.id,
                key.version,
                key.spec,
                state.word(),
                status,
                message
            ])?;
        }
        Ok(tx.commit()?)
    }

    /// Lets objects be sent again.
    pub(super) fn forget(&self, of: Task<'_>, objects: &[SentKey]) -> Result<(), NodeError> {
        let mut db = lock(&self.0);
        let tx = db.transaction()?;
        for key in objects {
            tx.prepare_cached(
                "DELETE FROM sent WHERE peer = ?1 AND task = ?2 AND id = ?3 AND version = ?4 AND spec = ?5",
            )?
            .execute(params![of.peer, of.task, key.id, key.version, key.spec])?;
        }
        Ok(tx.commit()?)
    }

    /// Objects of a push that stand so, with the status resource that tells of them.
    pub(super) fn standing(
        &self,
        of: Task<'_>,
        state: Sent,
    ) -> Result<Vec<(SentKey, Option<String>)>, NodeError> {
        let db = lock(&self.0);
        let mut statement = db.prepare_cached(
            "SELECT id, version, spec, status FROM sent WHERE peer = ?1 AND task = ?2 AND state = ?3",
        )?;
        let rows = statement.query_map(params![of.peer, of.task, state.word()], |row| {
            Ok((SentKey { id: row.get(0)?, version: row.get(1)?, spec: row.get(2)? }, row.get(3)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many objects of a server's pushes stand how, and some of those that it has not taken.
    pub(super) fn pushed(&self, name: &str) -> Result<(TaxiiPushed, Vec<TaxiiUnsent>), NodeError> {
        let db = lock(&self.0);
        let mut pushed = TaxiiPushed::default();
        let mut statement =
            db.prepare_cached("SELECT state, count(*) FROM sent WHERE peer = ?1 GROUP BY state")?;
        let rows =
            statement.query_map([name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
        for row in rows {
            let (state, count) = row?;
            match state.as_str() {
                "done" => pushed.done += count.cast_unsigned(),
                "failed" => pushed.failed += count.cast_unsigned(),
                _ => pushed.pending += count.cast_unsigned(),
            }
        }
        let mut statement = db.prepare_cached(
            "SELECT id, version, state, message FROM sent WHERE peer = ?1 AND state <> 'done'
             ORDER BY state, id, version LIMIT 100",
        )?;
        let rows = statement.query_map([name], |row| {
            let state: String = row.get(2)?;
            let state = if state == "failed" { state } else { "pending".to_owned() };
            Ok(TaxiiUnsent { id: row.get(0)?, version: row.get(1)?, state, message: row.get(3)? })
        })?;
        Ok((pushed, rows.collect::<Result<_, _>>()?))
    }
}

fn keep(db: &Connection, name: &str, state: &TaxiiPeerState) -> Result<(), NodeError> {
    db.prepare_cached("INSERT OR REPLACE INTO peer (name, body) VALUES (?1, ?2)")?
        .execute(params![name, json(state)?])?;
    Ok(())
}

fn json<T: Serialize>(value: &T) -> Result<String, NodeError> {
    serde_json::to_string(value).map_err(|e| NodeError::BadRequest { message: e.to_string() })
}
