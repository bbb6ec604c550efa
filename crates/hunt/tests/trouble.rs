//! Damage, crashes and two at once: what is whole is found, what is not is named.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking and harms files"
)]

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use hunt::{HuntError, HuntOptions, HuntSummary, IndexLimits, Indexer, Store, Taken};
use threat::{Indicator, Matcher, Origin, SetBuilder};

const LIMITS: IndexLimits = IndexLimits {
    block_lines: 10,
    block_bytes: 4096,
    segment_lines: 50,
    segment_keys: 100_000,
    segment_bytes: 1 << 20,
};

/// Text logs have no time; each line names a host of its own.
fn log(lines: usize) -> Vec<u8> {
    (1..=lines).map(|n| format!("asked for host{n}.example\n")).collect::<String>().into_bytes()
}

fn add(indexer: &mut Indexer, name: &str, bytes: &[u8]) -> Taken {
    indexer.add(name, &mut || io::Result::Ok(Box::new(bytes) as Box<dyn Read>)).unwrap().taken
}

fn hunt(folder: &Path, indicators: &[&str]) -> (Vec<u64>, HuntSummary) {
    let mut builder = SetBuilder::with_search_keys([1; 32]);
    let origin = builder.origin(Origin::of_source("test")).unwrap();
    indicators.iter().for_each(|text| builder.add(&Indicator::by_shape(text).unwrap(), origin));
    let keys = builder.take_search_keys();
    let set = builder.finish().unwrap();
    let matcher = Matcher { set: &set, warninglists: None };
    let mut lines = Vec::new();
    let store = Store::open(folder).unwrap();
    let options = HuntOptions::default();
    let summary = store.hunt(&keys, &matcher, &options, None, &|_, _| {}, &mut |hit, _| lines.push(hit.line));
    (lines, summary)
}

fn stored(lines: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut indexer = Indexer::open(folder.path(), LIMITS).unwrap();
    add(&mut indexer, "log", &log(lines));
    indexer.finish().unwrap();
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn one_indicator_opens_one_block() {
    let folder = stored(200);
    let (lines, summary) = hunt(folder.path(), &["host77.example"]);
    assert_eq!(lines, [77]);
    assert_eq!((summary.blocks, summary.blocks_searched, summary.lines_searched), (20, 1, 10));
    let (lines, summary) = hunt(folder.path(), &["absent.example"]);
    assert_eq!((lines.len(), summary.blocks_searched), (0, 0));
}

/// Every byte of every segment, wrong one after the other: each hunt finds all, or says which segment is damaged.
#[test]
fn a_wrong_byte_is_told_or_of_no_account() {
    let folder = stored(100);
    let wanted: Vec<String> = (1..=100).map(|n| format!("host{n}.example")).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let mut told = 0;
    for path in files(folder.path()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("segment-") {
            continue;
        }
        let good = std::fs::read(&path).unwrap();
        for at in (0..good.len()).step_by(17) {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            std::fs::write(&path, bad).unwrap();
            let (lines, summary) = hunt(folder.path(), &wanted);
            if lines.len() < 100 {
                assert!(!summary.faults.is_empty(), "byte {at} of {name}: {} hits", lines.len());
            }
            for fault in &summary.faults {
                assert_eq!(fault.code, "hunt::damaged_segment");
                assert!(fault.message.contains(&name), "{fault:?}");
                told += 1;
            }
            // The other segment has fifty lines.
            assert!(lines.len() >= 50, "byte {at} of {name}");
        }
        std::fs::write(&path, &good[..good.len() / 2]).unwrap();
        assert_eq!(hunt(folder.path(), &wanted).1.faults.len(), 1, "{name} cut off");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(hunt(folder.path(), &wanted).1.faults.len(), 1, "{name} gone");
        std::fs::write(&path, good).unwrap();
    }
    assert!(told > 50, "{told}");
    assert_eq!(hunt(folder.path(), &wanted).0.len(), 100);
}

#[test]
fn what_was_cut_off_is_indexed_again() {
    let folder = tempfile::tempdir().unwrap();
    let whole = log(120);
    let mut indexer = Indexer::open(folder.path(), LIMITS).unwrap();
    add(&mut indexer, "log", &whole);
    // The process ends here: two segments are whole, the third has no name.
    drop(indexer);
    assert_eq!(Store::open(folder.path()).unwrap().segments().len(), 2);
    assert_eq!(hunt(folder.path(), &["host30.example", "host110.example"]).0, [30]);
    // What a kill leaves: files that no manifest knows.
    for name in ["segment-0000000003.parquet.tmp", "segment-0000000003.keys", "notes.txt"] {
        std::fs::write(folder.path().join(name), b"half").unwrap();
    }
    let mut indexer = Indexer::open(folder.path(), LIMITS).unwrap();
    assert_eq!(add(&mut indexer, "log", &whole), Taken::Again);
    indexer.finish().unwrap();
    assert_eq!(hunt(folder.path(), &["host30.example", "host110.example"]).0, [30, 110]);
    assert!(!folder.path().join("segment-0000000003.parquet.tmp").exists());
    assert!(folder.path().join("notes.txt").exists());

    // A log longer than what its format is told from goes on where the last whole segment ends.
    let long = log(6000);
    assert!(long.len() > 100_000);
    let limits = IndexLimits { block_lines: 100, segment_lines: 4000, ..LIMITS };
    let folder = tempfile::tempdir().unwrap();
    let mut indexer = Indexer::open(folder.path(), limits).unwrap();
    add(&mut indexer, "log", &long);
    drop(indexer);
    let mut indexer = Indexer::open(folder.path(), limits).unwrap();
    let taken = indexer.add("log", &mut || io::Result::Ok(Box::new(long.as_slice()))).unwrap();
    assert_eq!((taken.taken, taken.lines), (Taken::Continued, 2000));
    indexer.finish().unwrap();
    assert_eq!(
        hunt(folder.path(), &["host3999.example", "host4000.example", "host4001.example"]).0,
        [3999, 4000, 4001]
    );
}

/// Gives some bytes and then an error.
struct Broken<'b>(&'b [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_log_that_breaks_is_kept_as_far_as_it_goes_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let whole = log(4000);
    let half = &whole[..whole.len() / 2];
    assert!(half.len() < 64 << 10 && whole.len() > 64 << 10);
    let mut indexer = Indexer::open(folder.path(), LIMITS).unwrap();
    let broken = indexer.add("log", &mut || io::Result::Ok(Box::new(Broken(half)))).unwrap();
    assert!(broken.failed.is_some());
    let gone = indexer.add("gone", &mut || Err(io::Error::from(io::ErrorKind::NotFound))).unwrap();
    assert_eq!(gone.failed.unwrap().kind(), io::ErrorKind::NotFound);
    add(&mut indexer, "log", &whole);
    indexer.finish().unwrap();
    assert_eq!(hunt(folder.path(), &["host9.example", "host3999.example"]).0, [9, 3999]);
}

#[test]
fn one_indexer_at_a_time_and_a_store_must_be_there() {
    let folder = stored(10);
    let first = Indexer::open(folder.path(), LIMITS).unwrap();
    let second = Indexer::open(folder.path(), LIMITS).err().unwrap();
    assert!(matches!(second, HuntError::InUse { .. }), "{second}");
    assert_eq!(hunt(folder.path(), &["host3.example"]).0, [3]);
    drop(first);
    assert!(Indexer::open(folder.path(), LIMITS).is_ok());

    let empty = tempfile::tempdir().unwrap();
    assert_eq!(Store::open(empty.path()).err().unwrap().code(), "hunt::no_store");
    let manifest = folder.path().join("manifest.json");
    for bad in ["{", "{\"schema\":\"bongsu.hunt-store/9\",\"next_segment\":1,\"logs\":[],\"segments\":[]}"] {
        std::fs::write(&manifest, bad).unwrap();
        assert_eq!(Store::open(folder.path()).err().unwrap().code(), "hunt::bad_manifest");
        assert_eq!(Indexer::open(folder.path(), LIMITS).err().unwrap().code(), "hunt::bad_manifest");
    }
}
