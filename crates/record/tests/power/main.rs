//! The power is cut 1,000 times under a real process: nothing that it acknowledged is lost.
//!
//! A process that stores runs under a shim (`shim.rs`) which writes down each of its changes to files. For moments spread
//! over all of them the test makes what a power cut may have left then (`disk.rs`): synced bytes and names for sure, of all
//! else any part. Each image is opened and checked.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests prepare real folders and start real processes"
)]

#[path = "../common/mod.rs"]
mod common;
mod disk;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base::BlobHash;
use common::{Rng, all_files, append, check_all, found, key, restless};
use disk::{Change, Disk, Kept, changes};
use record::{RecordStore, SqliteRecord, verify_dir};

const CUTS: u64 = 1000;
/// Commits, copies of the log and raw inputs of one process.
const STEPS: u64 = 150;
const PROCESSES: u64 = 4;
const SEED: &str = "BONGSU_TEST_POWER_SEED";
const FOLDER: &str = "BONGSU_POWER_FOLDER";
const TRACE: &str = "BONGSU_POWER_TRACE";
/// What the process acknowledged, a line each; no part of the record.
const ACKNOWLEDGED: &str = "acknowledged";

/// Not a test by itself: what the process does.
#[test]
fn the_process_that_loses_power() {
    let (Ok(data), Ok(seed)) = (std::env::var(FOLDER), std::env::var(SEED)) else { return };
    let data = Path::new(&data);
    let mut rng = Rng(seed.parse().unwrap());
    let mut file = fs::File::create(data.join(ACKNOWLEDGED)).unwrap();
    let mut acknowledge = |line: String| file.write_all((line + "\n").as_bytes()).unwrap();
    found(data);
    acknowledge("stored 0".to_owned());
    let mut record = SqliteRecord::open(data, key(), restless()).unwrap();
    for step in 0..STEPS {
        let notes = record.log_size() - 1;
        match rng.below(10) {
            0 => record.copy_log().unwrap(),
            1 => {
                let raw: Vec<u8> = (0..rng.below(3000)).map(|n| (n * step) as u8).collect();
                let hash = record.put_blob(&raw).unwrap();
                acknowledge(format!("blob {hash}"));
            }
            2 if rng.percent(30) => {
                drop(record);
                record = SqliteRecord::open(data, key(), restless()).unwrap();
            }
            _ => {
                append(&mut record, notes, notes + 1 + rng.below(12));
                acknowledge(format!("stored {}", record.log_size() - 1));
            }
        }
    }
}

/// The shim as a library. It is built here because cargo hands no such library to a test.
fn shim(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/shim.rs");
    let library = folder.join("libpower.so");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let built = Command::new(rustc)
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "cdylib",
            "-O",
            "-C",
            "panic=abort",
            "-D",
            "warnings",
            "-o",
        ])
        .args([&library, &source])
        .status();
    assert!(built.unwrap().success(), "the shim does not build");
    library
}

/// Runs the process under the shim and gives its changes.
fn run(library: &Path, seed: u64) -> Vec<Change> {
    let folder = scratch();
    let data = folder.path().canonicalize().unwrap().join("data");
    fs::create_dir(&data).unwrap();
    let trace = folder.path().join("trace");
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_that_loses_power"])
        .env("LD_PRELOAD", library)
        .env(FOLDER, &data)
        .env(TRACE, &trace)
        .env(SEED, seed.to_string())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let changes = changes(&fs::read(trace).unwrap());
    let mut disk = Disk::empty();
    for change in &changes {
        disk.apply(change);
    }
    let whole = scratch();
    disk.after_cut(Kept::Everything, whole.path(), &mut Rng(0));
    assert!(contents(&data) == contents(whole.path()), "a change to a file went past the shim");
    changes
}

/// A folder in memory, where the system has such a place: what is on disk is told by the changes, not by a disk.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let name = |file: &Path| file.strip_prefix(folder).unwrap().to_owned();
    all_files(folder).iter().map(|file| (name(file), fs::read(file).unwrap())).collect()
}

/// What was acknowledged at a moment: the number of notes (`None` before the record was founded), raw inputs.
fn acknowledged(disk: &Disk) -> (Option<u64>, Vec<BlobHash>) {
    let text = String::from_utf8(disk.read(ACKNOWLEDGED).unwrap_or_default().to_vec()).unwrap();
    let of = |word: &str| -> Vec<String> {
        text.lines().filter_map(|line| Some(line.strip_prefix(word)?.trim().to_owned())).collect()
    };
    let notes = of("stored").last().map(|last| last.parse().unwrap());
    (notes, of("blob").iter().map(|hash| hash.parse().unwrap()).collect())
}

fn check(disk: &Disk, kept: Kept, cut: u64, rng: &mut Rng) {
    let image = scratch();
    disk.after_cut(kept, image.path(), rng);
    let (notes, blobs) = acknowledged(disk);
    if !SqliteRecord::exists(image.path()) {
        assert_eq!((notes, blobs.len()), (None, 0), "cut {cut}, {kept:?}: the record is gone");
        return;
    }
    let record = SqliteRecord::open(image.path(), key(), restless())
        .unwrap_or_else(|e| unreachable!("cut {cut}, {kept:?}: {e}"));
    assert!(record.log_size() > notes.unwrap_or_default(), "cut {cut}, {kept:?}");
    for blob in &blobs {
        assert!(record.blob(blob).unwrap().is_some(), "cut {cut}, {kept:?}: raw input {blob} is lost");
    }
    assert_eq!(record.healed(), [], "cut {cut}, {kept:?}");
    if cut.is_multiple_of(10) {
        check_all(&record, notes.unwrap_or_default());
    }
    drop(record);
    if cut.is_multiple_of(3) {
        assert_eq!(verify_dir(image.path()).unwrap().damage, [], "cut {cut}, {kept:?}");
    }
}

#[test]
fn whatever_a_power_cut_leaves_nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let library = shim(folder.path());
    let mut rng = Rng(77);
    let mut done: BTreeMap<Kept, u64> = BTreeMap::new();
    let mut cuts = 0;
    for process in 0..PROCESSES {
        let changes = run(&library, process);
        let mut disk = Disk::empty();
        let mut due = 0;
        for change in &changes {
            disk.apply(change);
            // Evenly over all moments at which something is not on disk.
            due += CUTS;
            let each = changes.len() as u64 * PROCESSES;
            while due >= each {
                due -= each;
                let kept = match rng.below(8) {
                    0 => Kept::Everything,
                    1 | 2 => Kept::Nothing,
                    3 | 4 => Kept::Beginnings,
                    _ => Kept::Anything,
                };
                check(&disk, kept, cuts, &mut rng);
                cuts += 1;
                *done.entry(kept).or_default() += u64::from(disk.is_behind());
            }
        }
    }
    assert!(cuts >= CUTS - PROCESSES, "{cuts}");
    // Most cuts must find something that is not on disk.
    assert!(done.values().sum::<u64>() > CUTS / 2 && done.len() == 4, "{done:?}");
}
