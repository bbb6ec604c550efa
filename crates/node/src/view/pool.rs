//! The views of a node and the connections that read them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::watch;

use super::fold::{Fold, Intake};
use super::owner::OwnerRows;
use super::rows::{Row, Rows};
use super::words::Words;
use super::{USER, View, schema};
use crate::NodeError;
use crate::core::lock;

/// Idle connections kept for each view.
const KEPT: usize = 8;
/// Entries that the search index takes in at a time, with its lock held.
const STEP: usize = 200;
/// How long a search waits for the index.
const CATCH_UP: Duration = Duration::from_secs(2);
/// How often the index looks when nobody tells it.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So many entries in one intake are a bulk ..
const BULK: u64 = 64;
/// .. and for so long after it the index leaves the processor to what is urgent: ..
const AFTER_BULK: Duration = Duration::from_millis(300);
/// .. it rests so many times as long as a step took. A search waits for the index whatever it does.
const RESTS: u32 = 49;
/// The longest of these rests.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// A view that can be read.
pub(crate) struct Opened {
    view: View,
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    words: Mutex<Words>,
    /// How many entries the view holds; changes wake open streams of this view and no other's.
    size: watch::Sender<u64>,
}

/// All views that are open.
pub(crate) struct Views {
    folder: PathBuf,
    open: RwLock<BTreeMap<View, Arc<Opened>>>,
    /// Whether the search indexes have something to do, or shall stop.
    work: Mutex<Work>,
    wake: Condvar,
}

#[derive(Default)]
struct Work {
    behind: bool,
    stop: bool,
    /// When a view last took in many entries at once.
    bulk: Option<Instant>,
}

impl Views {
    /// Views in the data folder `data`; none is open yet.
    pub(crate) fn new(data: &Path) -> Result<Self, NodeError> {
        let folder = data.join("views");
        std::fs::create_dir_all(&folder).map_err(|source| NodeError::Io { path: folder.clone(), source })?;
        Ok(Self { folder, open: RwLock::default(), work: Mutex::default(), wake: Condvar::new() })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes the files of people's views that nobody needs: what is not followed would keep what was recalled.
    pub(crate) fn sweep(&self, needed: &BTreeSet<View>) {
        let kept: BTreeSet<String> = needed.iter().map(View::file).collect();
        let Ok(files) = std::fs::read_dir(&self.folder) else { return };
        for path in files.filter_map(Result::ok).map(|file| file.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // The names of views have two dots, and their files one more.
            let view = name.splitn(4, '.').take(3).collect::<Vec<_>>().join(".");
            if name.starts_with(USER)
                && !kept.contains(&view)
                && let Err(error) = std::fs::remove_file(&path)
            {
                tracing::error!(%error, path = %path.display(), "a view that nobody needs is still there");
            }
        }
    }

    /// Lets a view be read.
    pub(crate) fn show(&self, fold: &Fold) -> Result<(), NodeError> {
        let size = fold.rows().size()?;
        let opened = Opened {
            view: fold.view().clone(),
            path: fold.path().to_owned(),
            idle: Mutex::default(),
            words: Mutex::new(Words::open(fold.path(), size)?),
            size: watch::Sender::new(size),
        };
        self.open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(fold.view().clone(), Arc::new(opened));
        self.index_soon();
        Ok(())
    }

    /// Closes a view and removes its files. Who still reads it reads what it was.
    pub(crate) fn discard(&self, view: &View) {
        let closed = self.open.write().unwrap_or_else(PoisonError::into_inner).remove(view);
        if let Some(closed) = closed {
            lock(&closed.idle).clear();
        }
        for name in [format!("{}.db", view.file()), format!("{}.words.db", view.file())] {
            schema::remove(&self.folder.join(name));
        }
    }

    /// The view, when it is open.
    pub(crate) fn get(&self, view: &View) -> Option<Arc<Opened>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(view).cloned()
    }

    /// Tells of what a view took in.
    pub(crate) fn took_in(&self, view: &View, intake: &Intake) {
        let Some(opened) = self.get(view) else { return };
        if !intake.gone.is_empty()
            && let Err(error) = lock(&opened.words).forget(&intake.gone)
        {
            tracing::error!(%error, ?view, "the search index still knows what was recalled");
        }
        let mut grown = 0;
        opened.size.send_if_modified(|size| {
            grown = intake.size.saturating_sub(*size);
            std::mem::replace(size, intake.size) != intake.size
        });
        if grown >= BULK {
            lock(&self.work).bulk = Some(Instant::now());
        }
        self.index_soon();
    }

    fn index_soon(&self) {
        lock(&self.work).behind = true;
        self.wake.notify_one();
    }

    /// Keeps the search indexes up until the node stops. Blocks: it has a thread of its own.
    pub(crate) fn index(&self) {
        loop {
            {
                let work = lock(&self.work);
                let (mut work, _) = self
                    .wake
                    .wait_timeout_while(work, LOOK_EVERY, |work| !work.behind && !work.stop)
                    .unwrap_or_else(PoisonError::into_inner);
                if work.stop {
                    return;
                }
                work.behind = false;
            }
            let open: Vec<Arc<Opened>> =
                self.open.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
            for view in open {
                loop {
                    if lock(&self.work).stop {
                        return;
                    }
                    let began = Instant::now();
                    match view.index_step() {
                        Ok(true) => self.rest(began.elapsed()),
                        Ok(false) => break,
                        Err(error) => {
                            tracing::error!(%error, view = ?view.view, "search index");
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Between two steps of the index: nothing, but while many entries come.
    fn rest(&self, step: Duration) {
        let work = lock(&self.work);
        if work.bulk.is_some_and(|bulk| bulk.elapsed() < AFTER_BULK) {
            let rest = step.saturating_mul(RESTS).min(LONGEST_REST);
            drop(self.wake.wait_timeout_while(work, rest, |work| !work.stop));
        }
    }

    pub(crate) fn stop(&self) {
        lock(&self.work).stop = true;
        self.wake.notify_all();
    }
}

impl Opened {
    /// Told whenever the view grew.
    pub(crate) fn growth(&self) -> watch::Receiver<u64> {
        self.size.subscribe()
    }

    /// A reader of this view; what it reads is of one moment.
    pub(crate) fn reader(self: &Arc<Self>) -> Result<Reader, NodeError> {
        let idle = lock(&self.idle).pop();
        let db = match idle {
            Some(db) => db,
            None => schema::connect_reader(&self.path)?,
        };
        db.execute_batch("BEGIN")?;
        Ok(Reader { opened: Arc::clone(self), db: Some(db) })
    }

    fn index_step(self: &Arc<Self>) -> Result<bool, NodeError> {
        // The lock first: what is forgotten while we read would come back.
        let mut words = lock(&self.words);
        let reader = self.reader()?;
        Ok(words.follow(reader.rows()?, STEP)?)
    }
}

/// Reads one view.
pub(crate) struct Reader {
    opened: Arc<Opened>,
    /// None only while it is dropped.
    db: Option<Connection>,
}

impl Reader {
    pub(crate) fn rows(&self) -> Result<Rows<'_>, NodeError> {
        let at_home = self.opened.view.is_at_home();
        self.db.as_ref().map(|db| Rows { db, at_home }).ok_or(NodeError::Stopping)
    }

    /// The rows with what only the owner may ask; an error for every other view.
    pub(crate) fn owner(&self) -> Result<OwnerRows<'_>, NodeError> {
        if self.opened.view != View::Owner {
            return Err(NodeError::NotFound { what: "this".to_owned() });
        }
        Ok(OwnerRows { rows: self.rows()? })
    }

    /// Entries that hold all words of `question`, newest first, below `before`, and up to which place the index is.
    /// `None` when the question has no word.
    pub(crate) fn search(
        &self,
        question: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Option<(Vec<Row>, u64)>, NodeError> {
        let since = Instant::now();
        while self.opened.index_step()? && since.elapsed() < CATCH_UP {}
        let words = lock(&self.opened.words);
        let Some(places) = words.find(question, before, limit)? else { return Ok(None) };
        let indexed = words.indexed();
        drop(words);
        let rows = self.rows()?;
        let found = places.into_iter().filter_map(|seq| rows.at(seq).transpose());
        let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
        // A moment later than this reader's, the index may know more or less than it.
        let found = found.into_iter().filter(|row| row.recalled_by.is_none()).collect();
        Ok(Some((found, indexed)))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        if db.execute_batch("COMMIT").is_ok() {
            let mut idle = lock(&self.opened.idle);
            if idle.len() < KEPT {
                idle.push(db);
            }
        }
    }
}
