//! The index from ids to places, against the entries; and an index of its own to look entries up in.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use base::EntryId;
use rusqlite::Connection;

use super::super::damage::{Damage, DamageKind};
use super::super::ids::{self, IdIndex, PairSum, Run, RunError};
use super::super::{StoreError, blobs, queries};
use super::Check;
use super::files::folder;

/// For each run the sum over the pairs that the entries give for its places.
pub(super) struct RunSums(BTreeMap<String, (Range<u64>, PairSum)>);

impl RunSums {
    /// Over the runs of a record; those that cannot be opened are named later.
    pub(super) fn of(root: &Path) -> Result<Self, StoreError> {
        let mut sums = BTreeMap::new();
        for name in folder(&root.join("ids"))? {
            let file = format!("ids/{name}");
            if let Ok(run) = Run::open(&root.join(&file)) {
                sums.insert(file, (run.first()..run.end(), PairSum::default()));
            }
        }
        Ok(Self(sums))
    }

    /// The next entry stands at `seq`.
    pub(super) fn push(&mut self, seq: u64, id: &EntryId) {
        for (places, sum) in self.0.values_mut() {
            if places.contains(&seq) {
                sum.add(ids::prefix_of(id), seq);
            }
        }
    }
}

/// Which entries were read, in a folder of its own: memory does not grow with the record, and what its index says is
/// not believed.
pub(super) struct Seen {
    folder: PathBuf,
    index: IdIndex,
    count: u64,
}

/// So many entries are taken in between two looks at what is due.
const TIDY_EVERY: usize = 1024;

impl Seen {
    pub(super) fn none(folder: &Path) -> Result<Self, StoreError> {
        let folder = folder.join("seen");
        let index = IdIndex::open(&folder, 0, ids::RECENT, &mut |_, _, _| Ok::<(), io::Error>(()))
            .map_err(|e| blobs::io_error(&folder, e))?;
        Ok(Self { folder, index, count: 0 })
    }

    /// The next entry, at the next place.
    pub(super) fn push(&mut self, id: EntryId) -> Result<(), StoreError> {
        self.index.push(id);
        self.count += 1;
        if self.count.is_multiple_of(TIDY_EVERY as u64) {
            self.index.tidy(TIDY_EVERY).map_err(|(_, e)| self.error(e))?;
        }
        Ok(())
    }

    /// The place of an entry that was read.
    pub(super) fn place(&self, db: &Connection, id: &EntryId) -> Result<Option<u64>, StoreError> {
        for seq in self.index.candidates(id).map_err(|(_, e)| self.error(e))? {
            if queries::id_at(db, seq).map_err(StoreError::Sql)?.as_ref() == Some(id) {
                return Ok(Some(seq));
            }
        }
        Ok(None)
    }

    fn error(&self, error: RunError) -> StoreError {
        match error {
            RunError::Io(e) => blobs::io_error(&self.folder, e),
            damaged @ RunError::Damaged { .. } => blobs::io_error(&self.folder, io::Error::other(damaged)),
        }
    }
}

impl Check {
    /// The index from ids to places.
    pub(super) fn index(&mut self, root: &Path, sums: &RunSums) -> Result<(), StoreError> {
        let mut end = 0;
        let mut runs = Vec::new();
        for name in folder(&root.join("ids"))? {
            let file = format!("ids/{name}");
            match Run::open(&root.join(&file)) {
                _ if name.ends_with(".tmp") => self.stray(&file),
                Ok(run) if name == format!("{}-{}", run.first(), run.count()) => runs.push((run, file)),
                Ok(_) => self.stray(&file),
                Err(e) => self.bad_run(root, &file, &e)?,
            }
        }
        runs.sort_by_key(|(run, _)| (run.first(), std::cmp::Reverse(run.end())));
        for (run, file) in runs {
            if let Err(e) = run.check(sums.0.get(&file).map(|(_, sum)| *sum)) {
                self.bad_run(root, &file, &e)?;
            }
            // Two that were merged may still lie beside the result when the process was killed.
            if run.first() > end {
                let why = format!("the places {end} to {} are not in the index", run.first());
                self.in_file(Damage::general(DamageKind::Index, why));
            }
            end = end.max(run.end());
        }
        if self.entries.saturating_sub(end) > ids::MAX_TAIL {
            let why = format!("the places from {end} on are not in the index");
            self.in_file(Damage::general(DamageKind::Index, why));
        }
        Ok(())
    }

    fn bad_run(&mut self, root: &Path, file: &str, error: &RunError) -> Result<(), StoreError> {
        match error {
            RunError::Io(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
                Err(blobs::io_error(&root.join(file), std::io::Error::new(e.kind(), e.to_string())))
            }
            RunError::Io(_) => {
                self.in_file(Damage::file(DamageKind::Index, file, 0, 0, "the file is cut off"));
                Ok(())
            }
            RunError::Damaged { start, end } => {
                let why = "the index is not as the entries give it";
                let damage = Damage::file(DamageKind::Index, file, 0, 0, why);
                self.in_file(Damage { byte_start: Some(*start), byte_end: Some(*end), ..damage });
                Ok(())
            }
        }
    }
}
