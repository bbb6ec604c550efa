//! From an id to a place: sorted runs in plain files, and the newest ids in memory.
//!
//! A unique index over random ids in the database would write a page for each entry once it is large. Here the newest
//! ids (32,768 by default) are in memory; then they become a run, and runs of like size become one, in steps that keep pace
//! with the entries that come in. All of it follows from the entries: what is missing or damaged is written anew.

mod run;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::EntryId;

use super::files::sync_folder;
use run::{Pair, RunWriter};
pub(crate) use run::{PairSum, Run, RunError, prefix_of};

/// So many ids are kept in memory, by default, before they become a run; as many rows are read again at the start.
pub(crate) const RECENT: usize = 1 << 15;

/// No more entries than this can be without a run, unless one is lost.
pub(crate) const MAX_TAIL: u64 = 1 << 17;

/// Pairs that a merge moves for each new entry. A merge at one of the some ten levels of sizes may last until the
/// next of the same level is due.
const STEPS_PER_ENTRY: usize = 24;

/// Gives the ids of the places from the first to before the second to a callback, in order.
pub(crate) type ReadIds<'a, E> =
    dyn FnMut(u64, u64, &mut dyn FnMut(EntryId) -> Result<(), E>) -> Result<(), E> + 'a;

/// The index over all entries of a log.
#[derive(Debug)]
pub(crate) struct IdIndex {
    folder: PathBuf,
    /// In the order of places, without gaps from 0.
    runs: Vec<Run>,
    /// The entries after the last run.
    recent: HashMap<EntryId, u64>,
    /// So many recent ones become a run.
    limit: usize,
    size: u64,
    merge: Option<Merge>,
    /// Healing did not come to its end: some ids may be in no run.
    incomplete: bool,
}

/// Two neighbouring runs on their way into one.
#[derive(Debug)]
struct Merge {
    left: Cursor,
    right: Cursor,
    out: RunWriter,
}

/// How far a run was read.
#[derive(Debug)]
struct Cursor {
    first: u64,
    block: usize,
    pairs: std::vec::IntoIter<Pair>,
    next: Option<Pair>,
}

impl Cursor {
    fn new(run: &Run) -> Result<Self, (u64, RunError)> {
        let mut cursor = Self { first: run.first(), block: 0, pairs: Vec::new().into_iter(), next: None };
        cursor.advance(run)?;
        Ok(cursor)
    }

    fn advance(&mut self, run: &Run) -> Result<(), (u64, RunError)> {
        self.next = self.pairs.next();
        if self.next.is_none() && self.block < run.blocks() {
            self.pairs = run.block(self.block).map_err(|e| (self.first, e))?.into_iter();
            self.block += 1;
            self.next = self.pairs.next();
        }
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
impl IdIndex {
    /// Opens the runs in `folder` over a log of `size` entries. What is not covered by them is read with `ids_from`,
    /// which gives the ids of the places from the first to before the second to a callback, in order.
    pub(crate) fn open<E: From<io::Error>>(
        folder: &Path,
        size: u64,
        limit: usize,
        ids_from: &mut ReadIds<'_, E>,
    ) -> Result<Self, E> {
        fs::create_dir_all(folder)?;
        let mut index = Self {
            folder: folder.to_owned(),
            runs: runs_in(folder, size)?,
            recent: HashMap::new(),
            limit: limit.max(1),
            size: 0,
            merge: None,
            incomplete: false,
        };
        index.drop_unused()?;
        index.fill(size, ids_from)?;
        Ok(index)
    }

    /// The same for one who only reads: nothing is written, all that is not covered stays in memory.
    pub(crate) fn open_to_read<E: From<io::Error>>(
        folder: &Path,
        size: u64,
        ids_from: &mut ReadIds<'_, E>,
    ) -> Result<Self, E> {
        let mut runs = runs_in(folder, size)?;
        let whole = runs
            .iter()
            .scan(0, |at, run| Some((run.first() == std::mem::replace(at, run.end())).then_some(())))
            .take_while(Option::is_some)
            .count();
        runs.truncate(whole);
        let start = runs.last().map_or(0, Run::end);
        let mut recent = HashMap::new();
        let mut at = start;
        ids_from(start, size, &mut |id| {
            recent.insert(id, at);
            at += 1;
            Ok(())
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            runs,
            recent,
            limit: RECENT,
            size,
            merge: None,
            incomplete: false,
        })
    }

    /// Closes the gaps between runs and behind the last.
    fn fill<E: From<io::Error>>(&mut self, size: u64, ids_from: &mut ReadIds<'_, E>) -> Result<(), E> {
        let kept = std::mem::take(&mut self.runs);
        let tail = kept.last().map_or(0, Run::end);
        self.size = 0;
        for run in kept {
            if self.size < run.first() {
                self.read_in(run.first(), ids_from)?;
                self.flush()?;
            }
            self.size = run.end();
            self.runs.push(run);
        }
        self.size = tail;
        self.read_in(size, ids_from)
    }

    fn read_in<E: From<io::Error>>(&mut self, end: u64, ids_from: &mut ReadIds<'_, E>) -> Result<(), E> {
        ids_from(self.size, end, &mut |id| {
            self.recent.insert(id, self.size);
            self.size += 1;
            if self.recent.len() >= self.limit { self.flush().map_err(E::from) } else { Ok(()) }
        })
    }

    /// Places that may hold `id`, the newest first: the entry at the place decides.
    pub(crate) fn candidates(&self, id: &EntryId) -> Result<Vec<u64>, (u64, RunError)> {
        // Better no answer than "absent" for what is there.
        if self.incomplete {
            return Err((0, RunError::Damaged { start: 0, end: 0 }));
        }
        let mut found = Vec::new();
        if let Some(seq) = self.recent.get(id) {
            found.push(*seq);
            return Ok(found);
        }
        for run in self.runs.iter().rev() {
            run.find(prefix_of(id), &mut found).map_err(|e| (run.first(), e))?;
        }
        Ok(found)
    }

    /// The next entry of the log is on disk.
    pub(crate) fn push(&mut self, id: EntryId) {
        self.recent.insert(id, self.size);
        self.size += 1;
    }

    /// Writes what became due, and goes on with a merge in step with `new` entries. An error leaves the index as it
    /// was, longer in memory, but right; it names the run where it happened by its first place.
    pub(crate) fn tidy(&mut self, new: usize) -> Result<(), (u64, RunError)> {
        if self.incomplete {
            return Ok(());
        }
        if self.recent.len() >= self.limit {
            self.flush().map_err(|e| (self.size, e.into()))?;
        }
        self.step(new.saturating_mul(STEPS_PER_ENTRY))
    }

    /// Forgets a run that is damaged, and reads its entries again.
    pub(crate) fn heal<E: From<io::Error>>(
        &mut self,
        first: u64,
        ids_from: &mut ReadIds<'_, E>,
    ) -> Result<(), E> {
        self.merge = None;
        self.incomplete = true;
        let size = self.size;
        self.runs.retain(|run| run.first() != first);
        self.recent.clear();
        let healed = self.drop_unused().map_err(E::from).and_then(|()| self.fill(size, ids_from));
        self.incomplete = healed.is_err();
        self.size = size;
        healed
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.recent.is_empty() {
            return Ok(());
        }
        let count = self.recent.len() as u64;
        let mut pairs: Vec<Pair> =
            self.recent.iter().map(|(id, seq)| Pair { prefix: prefix_of(id), seq: *seq }).collect();
        pairs.sort_unstable();
        let mut out = RunWriter::create(&self.folder, self.size - count, count)?;
        for pair in pairs {
            out.push(pair)?;
        }
        self.runs.push(out.finish()?);
        self.recent.clear();
        Ok(())
    }

    /// Moves `budget` pairs of the merge under way, or begins one.
    fn step(&mut self, mut budget: usize) -> Result<(), (u64, RunError)> {
        while budget > 0 {
            let Some(mut merge) = self.merge.take().map_or_else(|| self.begin_merge(), |m| Ok(Some(m)))?
            else {
                return Ok(());
            };
            let run = |first: u64| self.runs.iter().find(|run| run.first() == first);
            let (Some(left), Some(right)) = (run(merge.left.first), run(merge.right.first)) else {
                return Ok(());
            };
            while budget > 0 {
                let smaller = match (merge.left.next, merge.right.next) {
                    (Some(l), Some(r)) if l <= r => (l, &mut merge.left, left),
                    (_, Some(r)) => (r, &mut merge.right, right),
                    (Some(l), None) => (l, &mut merge.left, left),
                    (None, None) => break,
                };
                merge.out.push(smaller.0).map_err(|e| (smaller.1.first, e.into()))?;
                smaller.1.advance(smaller.2)?;
                budget -= 1;
            }
            if merge.left.next.is_none() && merge.right.next.is_none() {
                let first = merge.left.first;
                self.end_merge(merge).map_err(|e| (first, e.into()))?;
            } else {
                self.merge = Some(merge);
            }
        }
        Ok(())
    }

    /// Neighbours where the older is less than twice the newer become one, the newest such pair first: so the sizes
    /// fall by half at least, and there are few runs.
    fn begin_merge(&self) -> Result<Option<Merge>, (u64, RunError)> {
        let due = |pair: &&[Run]| pair[0].count() < 2 * pair[1].count();
        let Some([left, right]) = self.runs.windows(2).rev().find(due) else { return Ok(None) };
        let out = RunWriter::create(&self.folder, left.first(), left.count() + right.count())
            .map_err(|e| (left.first(), e.into()))?;
        Ok(Some(Merge { left: Cursor::new(left)?, right: Cursor::new(right)?, out }))
    }

    fn end_merge(&mut self, merge: Merge) -> io::Result<()> {
        let (left, right) = (merge.left.first, merge.right.first);
        let merged = merge.out.finish()?;
        let old: Vec<PathBuf> = self
            .runs
            .iter()
            .filter(|run| run.first() == left || run.first() == right)
            .map(|run| run.path().to_owned())
            .collect();
        self.runs.retain(|run| run.first() != right);
        if let Some(run) = self.runs.iter_mut().find(|run| run.first() == left) {
            *run = merged;
        }
        // The new name is on disk before the old ones go.
        sync_folder(&self.folder)?;
        for path in old {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// Removes files of the folder that no run stands for: of a merge that was cut off, or damaged.
    fn drop_unused(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if !self.runs.iter().any(|run| run.path() == path) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// The runs of a folder that can be used, in order and without overlap: of two that begin at one place the longer.
#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
fn runs_in(folder: &Path, size: u64) -> io::Result<Vec<Run>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some() {
            continue;
        }
        match Run::open(&path) {
            Ok(run) if run.end() <= size => found.push(run),
            Ok(_) | Err(RunError::Damaged { .. }) => {}
            Err(RunError::Io(e)) => return Err(e),
        }
    }
    found.sort_by_key(|run| (run.first(), std::cmp::Reverse(run.end())));
    let mut end = 0;
    found.retain(|run| {
        let next = run.first() >= end;
        if next {
            end = run.end();
        }
        next
    });
    Ok(found)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests damage real files")]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn id(n: u64) -> EntryId {
        EntryId::from_bytes(Sha256::digest(n.to_be_bytes()).into())
    }

    fn read(start: u64, end: u64, give: &mut dyn FnMut(EntryId) -> io::Result<()>) -> io::Result<()> {
        (start..end).try_for_each(|n| give(id(n)))
    }

    fn grown(folder: &Path, size: u64) -> IdIndex {
        let mut index = IdIndex::open(folder, 0, RECENT, &mut read).unwrap();
        for n in 0..size {
            index.push(id(n));
            if n % 100 == 99 {
                index.tidy(100).unwrap();
            }
        }
        index
    }

    fn check(index: &IdIndex, size: u64) {
        for n in (0..size).step_by(997) {
            assert!(index.candidates(&id(n)).unwrap().contains(&n), "{n}");
        }
        let in_vain = (size..size + 2000).filter(|n| !index.candidates(&id(*n)).unwrap().is_empty()).count();
        assert_eq!(in_vain, 0);
    }

    #[test]
    fn runs_stay_few_and_what_is_gone_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let size = 12 * RECENT as u64 + 17;
        let index = grown(folder.path(), size);
        check(&index, size);
        assert!(index.runs.len() <= 5, "{:?}", index.runs.iter().map(Run::count).collect::<Vec<_>>());
        for run in &index.runs {
            let sum_of = |id_at: &dyn Fn(u64) -> EntryId| {
                let mut sum = PairSum::default();
                (run.first()..run.end()).for_each(|seq| sum.add(prefix_of(&id_at(seq)), seq));
                Some(sum)
            };
            run.check(sum_of(&id)).unwrap();
            assert!(run.check(sum_of(&|seq| id(seq + 1))).is_err());
            assert!(run.check(None).is_err());
        }
        drop(index);
        check(&IdIndex::open_to_read(folder.path(), size, &mut read).unwrap(), size);
        let again = IdIndex::open(folder.path(), size, RECENT, &mut read).unwrap();
        check(&again, size);
        let paths: Vec<PathBuf> = again.runs.iter().map(|run| run.path().to_owned()).collect();
        drop(again);
        // One is gone, one has a flipped bit in its tail: both gaps are filled.
        fs::remove_file(&paths[0]).unwrap();
        if let Some(path) = paths.get(1) {
            let mut bytes = fs::read(path).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(path, bytes).unwrap();
        }
        check(&IdIndex::open_to_read(folder.path(), size, &mut read).unwrap(), size);
        check(&IdIndex::open(folder.path(), size, RECENT, &mut read).unwrap(), size);
    }

    #[test]
    fn a_flipped_bit_in_a_block_is_told_and_healed() {
        let folder = tempfile::tempdir().unwrap();
        let size = 2 * RECENT as u64;
        let mut index = grown(folder.path(), size);
        let path = index.runs[0].path().to_owned();
        let mut bytes = fs::read(&path).unwrap();
        bytes[70_000] ^= 4;
        fs::write(&path, bytes).unwrap();
        let hit = (0..size).find_map(|n| index.candidates(&id(n)).err());
        let (first, RunError::Damaged { .. }) = hit.unwrap() else { unreachable!() };
        index.heal(first, &mut read).unwrap();
        check(&index, size);
    }
}
