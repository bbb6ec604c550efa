//! Taking a log in: each entry once, in order. What a view shows follows from this alone.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base::EntryId;
use rusqlite::{Connection, OptionalExtension, params};

use super::content::Prepared;
use super::owner::OwnerRows;
use super::rows::Rows;
use super::step::{Recent, Step};
use super::{View, schema};

/// Finds the place of an id in the home log.
pub(crate) type Find<'a> = &'a dyn Fn(&EntryId) -> Option<u64>;

/// How far an intake brings a view.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mark<'a> {
    /// To this place of the home log: entries before it that are not given are not for the view.
    Home(u64),
    /// A peer's view: to these sizes of lanes, by their names.
    Lanes(&'a BTreeMap<String, u64>),
}

/// What an intake did.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    /// The size of the view now.
    pub(crate) size: u64,
    /// Entries that were taken back: the words of these go from the search index.
    pub(crate) gone: Vec<u64>,
    /// Content was removed: its bytes must leave the files too.
    pub(crate) purged: bool,
}

/// The writing side of one view.
pub(crate) struct Fold {
    view: View,
    path: PathBuf,
    pub(super) db: Connection,
    /// The next place of the view.
    size: u64,
    /// Entries of the home log before this place were looked at; in a peer's view, the place behind the last entry.
    applied: u64,
    /// The id of the last of them, by which a record with another history is known.
    last: Option<EntryId>,
    /// A peer's view: how much of each lane was taken in.
    lanes: BTreeMap<String, u64>,
    recent: Recent,
    /// How many ids are waited for.
    wanted: u64,
}

impl Fold {
    /// Opens the view's database in `folder`. `holds` tells whether the home log has that id at that place: a database
    /// that followed another log is built anew.
    pub(crate) fn open(
        folder: &Path,
        view: View,
        holds: impl Fn(u64, &EntryId) -> bool,
    ) -> rusqlite::Result<Self> {
        let path = folder.join(format!("{}.db", view.file()));
        let mut fold = Self::start(&path, view.clone())?;
        let follows = match (fold.applied, fold.last) {
            (0, _) => true,
            (applied, Some(last)) => holds(applied - 1, &last),
            (_, None) => false,
        };
        if !follows {
            drop(fold);
            schema::remove(&path);
            schema::remove(&folder.join(format!("{}.words.db", view.file())));
            fold = Self::start(&path, view)?;
        }
        Ok(fold)
    }

    fn start(path: &Path, view: View) -> rusqlite::Result<Self> {
        let (db, _) = schema::open(path, &view)?;
        let meta = |key: &str| -> rusqlite::Result<Option<i64>> {
            db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
        };
        let applied = meta("applied")?.unwrap_or(0).cast_unsigned();
        let last: Option<[u8; 32]> =
            db.query_row("SELECT value FROM meta WHERE key = 'last'", [], |row| row.get(0)).optional()?;
        let size = Rows { db: &db, at_home: true }.size()?;
        let wanted = db.query_row("SELECT count(*) FROM wanted", [], |row| row.get::<_, i64>(0))?;
        let lanes = db
            .prepare("SELECT substr(key, 6), value FROM meta WHERE key LIKE 'lane/%'")?
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            lanes,
            view,
            path: path.to_owned(),
            db,
            size,
            applied,
            last: last.map(EntryId::from_bytes),
            recent: Recent::default(),
            wanted: wanted.cast_unsigned(),
        })
    }

    pub(crate) const fn view(&self) -> &View {
        &self.view
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Up to which place of the home log the view is.
    pub(crate) const fn applied(&self) -> u64 {
        self.applied
    }

    /// How much of a lane a peer's view has taken in.
    pub(crate) fn lane(&self, name: &str) -> u64 {
        self.lanes.get(name).copied().unwrap_or(0)
    }

    /// The rows as they stand, also for the thread that writes.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows { db: &self.db, at_home: self.view.is_at_home() }
    }

    /// The same with what only the owner may ask.
    pub(crate) fn owner_rows(&self) -> Option<OwnerRows<'_>> {
        (self.view == View::Owner).then(|| OwnerRows { rows: self.rows() })
    }

    /// Takes in the next entries of the log, all or nothing.
    pub(crate) fn take_in(
        &mut self,
        entries: impl IntoIterator<Item = impl Borrow<Prepared>>,
        mark: Mark<'_>,
        find: Find<'_>,
    ) -> rusqlite::Result<Intake> {
        let former = (self.size, self.wanted);
        let taken = self.write(entries, mark, find);
        if taken.is_err() {
            (self.size, self.wanted) = former;
            self.recent = Recent::default();
        }
        taken
    }

    fn write(
        &mut self,
        entries: impl IntoIterator<Item = impl Borrow<Prepared>>,
        mark: Mark<'_>,
        find: Find<'_>,
    ) -> rusqlite::Result<Intake> {
        let Self { view, db, size, recent, wanted, last, applied, .. } = self;
        let tx = db.transaction()?;
        let mut step = Step {
            view,
            tx: &tx,
            size: &mut *size,
            recent,
            wanted,
            find,
            tallies: BTreeMap::new(),
            intake: Intake::default(),
        };
        let (mut newest, mut applied) = (*last, *applied);
        for prepared in entries {
            let stored = &prepared.borrow().stored;
            if step.is_for(stored) {
                step.apply(prepared.borrow())?;
            }
            (newest, applied) = (Some(stored.id), stored.seq + 1);
        }
        step.keep_tallies()?;
        let mut intake = step.intake;
        intake.size = *size;
        match mark {
            // The log has no gaps: what was given last is what stands before `upto`.
            Mark::Home(upto) => applied = upto,
            Mark::Lanes(lanes) => {
                for (lane, size) in lanes {
                    keep(&tx, &format!("lane/{lane}"), &size.cast_signed())?;
                }
            }
        }
        keep(&tx, "applied", &applied.cast_signed())?;
        if let Some(last) = newest {
            keep(&tx, "last", last.as_bytes())?;
        }
        tx.commit()?;
        self.applied = applied;
        self.last = newest;
        if let Mark::Lanes(lanes) = mark {
            self.lanes.extend(lanes.iter().map(|(lane, size)| (lane.clone(), *size)));
        }
        if intake.purged {
            self.wipe();
        }
        Ok(intake)
    }

    /// Empties the log of the database, which still holds what was removed.
    fn wipe(&self) {
        let wiped: rusqlite::Result<i64> =
            self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        if !matches!(wiped, Ok(0)) {
            tracing::warn!(view = ?self.view, "what was recalled is still in the log of a view");
        }
    }
}

fn keep(tx: &Connection, key: &str, value: &dyn rusqlite::ToSql) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value])
        .map(|_| ())
}
