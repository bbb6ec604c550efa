//! The power is cut while a damaged record is put together again: it can always be repaired once more, or is repaired.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use record::{RecordStore, RepairSource, SqliteRecord, repair, verify_dir};

use crate::common::{Rng, all_files, append, check_all, copy_tree, found, key, restless};
use crate::disk::{Change, Disk, Kept, changes};
use crate::{FOLDER, TRACE, scratch, shim};

const BACKUP: &str = "BONGSU_POWER_BACKUP";
const CUTS: u64 = 200;
const NOTES: u64 = 60;

/// Not a test by itself: what the process does.
#[test]
fn the_process_that_repairs() {
    let (Ok(data), Ok(backup)) = (std::env::var(FOLDER), std::env::var(BACKUP)) else { return };
    let report = repair(Path::new(&data), &key(), &[RepairSource::Folder(backup.into())]).unwrap();
    assert!(report.done && report.missing.is_empty(), "{report:?}");
}

/// A disk that has all of `data` safe.
fn safe(data: &Path) -> Disk {
    let mut disk = Disk::empty();
    let mut folders = vec![String::new()];
    for file in all_files(data) {
        let path = file.strip_prefix(data).unwrap();
        for folder in path.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
            let folder = folder.to_str().unwrap().to_owned();
            if !folders.contains(&folder) {
                disk.apply(&Change::MakeFolder(folder.clone()));
                folders.push(folder);
            }
        }
        let path = path.to_str().unwrap().to_owned();
        disk.apply(&Change::Create(path.clone()));
        disk.apply(&Change::Write { path: path.clone(), offset: 0, bytes: fs::read(&file).unwrap() });
        disk.apply(&Change::Sync(path));
    }
    folders.into_iter().for_each(|folder| disk.apply(&Change::Sync(folder)));
    disk
}

#[test]
fn a_repair_that_loses_power_loses_nothing() {
    let folder = scratch();
    let library = shim(folder.path());
    let root = folder.path().canonicalize().unwrap();
    let (data, backup, trace) = (root.join("data"), root.join("backup"), root.join("trace"));
    fs::create_dir(&data).unwrap();
    found(&data);
    let mut record = SqliteRecord::open(&data, key(), restless()).unwrap();
    append(&mut record, 0, NOTES);
    drop(record);
    copy_tree(&data, &backup);
    // What came after the backup is good in the damaged record only.
    let mut record = SqliteRecord::open(&data, key(), restless()).unwrap();
    append(&mut record, NOTES, NOTES + 20);
    drop(record);
    let database = data.join("record/record.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[18 * 4096..26 * 4096].fill(0x55);
    fs::write(&database, bytes).unwrap();
    assert!(!verify_dir(&data).unwrap().ok);
    let mut disk = safe(&data);
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "repair::the_process_that_repairs"])
        .env("LD_PRELOAD", &library)
        .env(FOLDER, &data)
        .env(BACKUP, &backup)
        .env(TRACE, &trace)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let changes = changes(&fs::read(trace).unwrap());
    let mut rng = Rng(91);
    // How many images were repaired already, and how many had to be once more.
    let mut found: BTreeMap<bool, u64> = BTreeMap::new();
    // The last steps put the new record in the place of the old one: each of them is cut, in all four ways.
    let last = changes.len().saturating_sub(12);
    let every = (changes.len() as u64 / CUTS).max(1);
    for (step, change) in changes.iter().enumerate() {
        disk.apply(change);
        let ways = match step {
            _ if step >= last => &[Kept::Nothing, Kept::Everything, Kept::Beginnings, Kept::Anything][..],
            _ if (step as u64).is_multiple_of(every) => &[Kept::Anything][..],
            _ => &[],
        };
        for kept in ways {
            for _ in 0..if step >= last { 5 } else { 1 } {
                *found.entry(check(&disk, *kept, step, &backup, &mut rng)).or_default() += 1;
            }
        }
    }
    assert!(found.len() == 2 && found.values().sum::<u64>() >= CUTS, "{found:?}");
}

/// Whether the image is repaired; one that is not is repaired now.
fn check(disk: &Disk, kept: Kept, step: usize, backup: &Path, rng: &mut Rng) -> bool {
    let image = scratch();
    disk.after_cut(kept, image.path(), rng);
    let at = format!("step {step}, {kept:?}");
    assert!(SqliteRecord::exists(image.path()), "{at}: the record is gone");
    let opened = SqliteRecord::open(image.path(), key(), restless()).map(drop);
    let repaired = opened.is_ok() && verify_dir(image.path()).unwrap().ok;
    if !repaired {
        let again = repair(image.path(), &key(), &[RepairSource::Folder(backup.to_owned())]);
        let again = again.unwrap_or_else(|e| unreachable!("{at}: {e}"));
        assert!(again.done && again.missing.is_empty(), "{at}: {again:?}");
    }
    let verified = verify_dir(image.path()).unwrap();
    assert_eq!(verified.damage, [], "{at}");
    let record = SqliteRecord::open(image.path(), key(), restless()).unwrap();
    assert_eq!(record.log_size(), NOTES + 21, "{at}");
    check_all(&record, NOTES + 20);
    repaired
}
