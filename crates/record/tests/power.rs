//! 1,000 images of what a power cut may leave, for each step of the store at which bytes were written and not yet
//! synced.
//!
//! An image is made from two folders, before and after a step. What the step wrote before its first sync may be there in
//! any sectors, or not; what it wrote after that sync comes only with all that was before it. The order of the syncs is
//! that of `SqliteRecord::{commit, copy_log}`:
//!
//! 1. commit: frames of the log; SYNC; full tiles, runs of the index (each synced by itself before it has its name) and
//!    the checkpoint (the same), in any order: names may be lost;
//! 2. copying the log: tiles; SYNC; pages of the main file; SYNC; their digests; SYNC; the log is emptied.
//!
//! This covers what the file formats and that order allow. It does not cover a disk that says "synced" and lies.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests prepare and damage real folders")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{Rng, all_files, append, check_all, copy_tree, found, key, restless};
use record::{RecordStore, SqliteRecord, verify_dir};

const IMAGES: u64 = 1000;
const SECTOR: usize = 512;

/// Which writes of a step a power cut may have taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// In the commit: the log is torn, nothing after it was begun.
    InLog,
    /// The commit is on disk; tiles, checkpoint and index may or may not be.
    AfterCommit,
    /// While the log is copied: the tiles are there, the main file has some of its pages.
    InPages,
    /// The main file is there, its digests are torn.
    InDigests,
    /// All is there, the log is emptied or not.
    AfterCopy,
}

/// Some of the sectors that `new` has beside `old`; a torn file may end early or have zeros where nothing was written.
fn torn(old: &[u8], new: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = old.to_vec();
    let length = match rng.below(3) {
        0 => new.len(),
        _ => old.len() + rng.below((new.len().saturating_sub(old.len()) + 1) as u64) as usize,
    };
    bytes.resize(length.max(old.len().min(new.len())), 0);
    let share = rng.below(101);
    for start in (0..bytes.len()).step_by(SECTOR) {
        let end = (start + SECTOR).min(bytes.len()).min(new.len());
        if start < end && rng.percent(share) {
            bytes[start..end].copy_from_slice(&new[start..end]);
        }
    }
    bytes
}

fn is_log(name: &str) -> bool {
    name.ends_with("record.db-wal")
}

/// What the file `name` is after the cut; `None` when it is not there.
fn after_cut(cut: Cut, name: &str, old: Option<&[u8]>, new: Option<&[u8]>, rng: &mut Rng) -> Option<Vec<u8>> {
    let pick = |rng: &mut Rng| if rng.percent(50) { old } else { new }.map(<[u8]>::to_vec);
    let torn_one = |rng: &mut Rng| Some(torn(old.unwrap_or_default(), new.unwrap_or_default(), rng));
    let tile = name.starts_with("tiles/");
    match cut {
        Cut::InLog if is_log(name) => torn_one(rng),
        Cut::InLog => old.map(<[u8]>::to_vec),
        Cut::AfterCommit if is_log(name) => new.map(<[u8]>::to_vec),
        // A full tile is not synced when it gets its name: it may be empty or torn.
        Cut::AfterCommit if tile && old.is_none() && rng.percent(50) => torn_one(rng),
        Cut::AfterCommit => pick(rng),
        _ if tile || name.starts_with("ids/") || name.starts_with("checkpoints/") => new.map(<[u8]>::to_vec),
        Cut::InPages if name == "record.db" => torn_one(rng),
        Cut::InDigests if name == "record.db" => new.map(<[u8]>::to_vec),
        Cut::InDigests if name == "record.pages" => torn_one(rng),
        Cut::AfterCopy if is_log(name) => pick(rng),
        Cut::AfterCopy => new.map(<[u8]>::to_vec),
        _ => old.map(<[u8]>::to_vec),
    }
}

fn image(cut: Cut, before: &Path, after: &Path, to: &Path, rng: &mut Rng) {
    let names = |folder: &Path| -> BTreeSet<String> {
        let root = folder.join("record");
        let name = |file: &std::path::PathBuf| file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        all_files(&root).iter().map(name).collect()
    };
    for folder in ["blobs", "tiles", "checkpoints", "ids"] {
        fs::create_dir_all(to.join("record").join(folder)).unwrap();
    }
    for name in names(before).union(&names(after)) {
        let read = |folder: &Path| fs::read(folder.join("record").join(name)).ok();
        let (old, new) = (read(before), read(after));
        let bytes = if old == new { new } else { after_cut(cut, name, old.as_deref(), new.as_deref(), rng) };
        if let Some(bytes) = bytes {
            let path = to.join("record").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn whatever_a_power_cut_leaves_nothing_acknowledged_is_lost() {
    let mut rng = Rng(77);
    let data = tempfile::tempdir().unwrap();
    found(data.path());
    let mut record = SqliteRecord::open(data.path(), key(), restless()).unwrap();
    let mut images = 0;
    let mut done = BTreeSet::new();
    while images < IMAGES {
        let before = tempfile::tempdir().unwrap();
        copy_tree(data.path(), before.path());
        let notes = record.log_size() - 1;
        let copying = rng.percent(40);
        if copying {
            record.copy_log().unwrap();
        } else {
            append(&mut record, notes, notes + 1 + rng.below(30));
        }
        let after = tempfile::tempdir().unwrap();
        copy_tree(data.path(), after.path());
        let log =
            |folder: &Path| fs::metadata(folder.join("record/record.db-wal")).map_or(0, |log| log.len());
        // A commit that ends by copying the log is two steps: only its end is one that can be cut here.
        let copied = log(after.path()) == 0;
        let cuts: &[Cut] = match (copying, copied) {
            (true, _) if log(before.path()) == 0 => &[],
            (true, _) => &[Cut::InPages, Cut::InDigests, Cut::AfterCopy],
            (false, true) => &[],
            (false, false) => &[Cut::InLog, Cut::AfterCommit],
        };
        for cut in cuts {
            for _ in 0..3 {
                let folder = tempfile::tempdir().unwrap();
                image(*cut, before.path(), after.path(), folder.path(), &mut rng);
                let acknowledged = if *cut == Cut::InLog { notes } else { record.log_size() - 1 };
                let opened = SqliteRecord::open(folder.path(), key(), restless())
                    .unwrap_or_else(|e| unreachable!("image {images}, {cut:?}: {e}"));
                assert!(opened.log_size() > acknowledged, "image {images}, {cut:?}");
                if images % 10 == 0 {
                    check_all(&opened, acknowledged);
                }
                drop(opened);
                if images % 3 == 0 {
                    assert_eq!(verify_dir(folder.path()).unwrap().damage, [], "image {images}, {cut:?}");
                }
                images += 1;
                done.insert(format!("{cut:?}"));
            }
        }
        if record.log_size() > 700 {
            // A small one again.
            drop(record);
            fs::remove_dir_all(data.path().join("record")).unwrap();
            found(data.path());
            record = SqliteRecord::open(data.path(), key(), restless()).unwrap();
        }
    }
    assert_eq!(done.len(), 5, "{done:?}");
}
