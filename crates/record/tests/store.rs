//! The store and its verification, on real folders.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests prepare and damage real folders")]

use std::fs;
use std::path::{Path, PathBuf};

use base::{
    Confidence, Country, Finding, Interval, Marking, Method, ObjectRef, Observation, Precedence, Recall,
    Severity, Source, Timestamp,
};
use rand_core::{OsRng, RngCore};
use record::{
    Batch, Checkpoint, DamageKind, Direction, Entry, Incoming, Lane, LaneAck, LaneRow, MerkleLog, NodeKey,
    Peer, Purge, RecordStore, RepairSource, SqliteOptions, SqliteRecord, StoreError, lane_origin, repair,
    verify_dir,
};

fn key(name: &str) -> NodeKey {
    NodeKey::generate(name.parse().unwrap(), &mut OsRng)
}

fn same(key: &NodeKey) -> NodeKey {
    NodeKey::from_secret(key.name().clone(), &key.secret())
}

fn now() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

fn country() -> Country {
    "KOR".parse().unwrap()
}

fn finding(n: u64) -> Finding {
    Finding {
        kind: "orbit.approach".into(),
        title: format!("finding number {n}"),
        text: None,
        interval: Interval::at(now()),
        place: None,
        objects: vec![ObjectRef { id: format!("norad:{n}"), name: None, protected: true }],
        severity: Severity::Seen,
        likelihood: None,
        confidence: Confidence::Low,
        method: Method { name: "test".into(), version: "1".into() },
        measures: [("miss_km".to_owned(), n as f64 * 0.1)].into(),
        marking: Marking::new("RESTRICTED", &["USA"], "KOR"),
        evidence: Vec::new(),
    }
}

fn entry(key: &NodeKey, n: u64) -> Entry {
    Entry::sign(&finding(n), &country(), key, now(), &mut OsRng).unwrap()
}

/// A record with everything in it: own entries, a blob, a peer, two lanes, a received and a purged entry.
fn full_record(data: &Path) -> (NodeKey, u64) {
    let own = key("seoul");
    let peer = key("washington");
    let mut record =
        SqliteRecord::create(data, same(&own), &country(), "Seoul", "0.1.0", now(), &mut OsRng).unwrap();
    let blob = record.put_blob(b"the bytes as received").unwrap();
    let observation = Observation {
        kind: "orbit.catalogue".into(),
        title: "a catalogue".into(),
        source: Source::ungraded("file"),
        received: now(),
        interval: Interval::at(now()),
        place: None,
        blob,
        bytes: 21,
        items: 1,
        faults: 0,
        marking: Marking::new("UNCLASSIFIED", &["USA"], "KOR"),
        evidence: vec![],
    };
    let met = Peer {
        node: "washington".parse().unwrap(),
        title: "Washington".into(),
        country: "USA".parse().unwrap(),
        clearance: "SECRET".into(),
        key: peer.public().to_hex(),
        certificate: base::KeyFingerprint::from_bytes([7; 32]),
        address: "127.0.0.1:1".into(),
        marking: Marking::new("RESTRICTED", &[], "KOR"),
    };
    let observed = Entry::sign(&observation, &country(), &own, now(), &mut OsRng).unwrap();
    let met = Entry::sign(&met, &country(), &own, now(), &mut OsRng).unwrap();
    record.commit(&Batch::of([observed, met])).unwrap();
    for round in 0..6 {
        let batch = Batch::of((0..60).map(|n| entry(&own, round * 100 + n)));
        record.commit(&batch).unwrap();
    }
    let usa: Country = "USA".parse().unwrap();
    let sign = |n| Entry::sign(&finding(n), &usa, &peer, now(), &mut OsRng).unwrap();
    let (kept, gone) = (sign(9001), sign(9002));
    let recall = Recall {
        target: gone.id(),
        reason: "wrong".into(),
        marking: Marking::new("RESTRICTED", &["KOR"], "USA"),
    };
    let recall = Entry::sign(&recall, &usa, &peer, now(), &mut OsRng).unwrap();
    let lane = Lane {
        peer: "washington".parse().unwrap(),
        direction: Direction::In,
        precedence: Precedence::Routine,
    };
    let ids = [kept.id(), gone.id(), recall.id()];
    let origin = lane_origin(peer.name(), own.name(), Precedence::Routine);
    let checkpoint = Checkpoint::sign(&origin, 3, MerkleLog::from_ids(&ids).root(), &peer)
        .unwrap()
        .cosign(&own, now())
        .unwrap();
    let purge = vec![Purge { target: gone.id(), recall: recall.id() }];
    let entries =
        [kept, gone, recall].map(|entry| Incoming { entry, received: Some(now()) }).into_iter().collect();
    let lane_rows = ids.map(|id| LaneRow { lane: lane.clone(), id }).into();
    let acks = vec![LaneAck { lane, checkpoint }];
    record.commit(&Batch { entries, lane_rows, acks, purge, cursors: vec![] }).unwrap();
    (own, record.log_size())
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(all_files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

fn copy_tree(from: &Path, to: &Path) {
    for file in all_files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

#[test]
fn what_is_committed_is_there_after_opening_again_and_verifies() {
    let data = tempfile::tempdir().unwrap();
    let (own, size) = full_record(data.path());
    let verdict = verify_dir(data.path()).unwrap();
    assert_eq!(verdict.damage, []);
    assert!(verdict.ok);
    assert_eq!((verdict.entries, verdict.purged, verdict.blobs, verdict.lanes), (size, 1, 1, 1));
    let record = SqliteRecord::open(data.path(), own, SqliteOptions::default()).unwrap();
    assert_eq!(record.log_size(), size);
    let lane = Lane {
        peer: "washington".parse().unwrap(),
        direction: Direction::In,
        precedence: Precedence::Routine,
    };
    let state = record.lane(&lane).unwrap();
    assert_eq!(state.frontier.size(), 3);
    let ids = record.lane_ids(&lane, 0, 10).unwrap();
    assert!(record.get(&ids[0]).unwrap().unwrap().entry.is_some());
    assert!(record.get(&ids[1]).unwrap().unwrap().entry.is_none(), "recalled content must be gone");
    assert_eq!(record.checkpoint().size(), size);
    let items = record.lane_items(&lane, 0, 10, usize::MAX).unwrap();
    assert_eq!(items.iter().map(|item| item.id).collect::<Vec<_>>(), ids);
    for item in &items {
        let stored = record.get(&item.id).unwrap().unwrap();
        assert_eq!((item.seq, &item.entry), (Some(stored.seq), &stored.entry));
    }
    assert_eq!(record.lane_items(&lane, 1, 1, usize::MAX).unwrap().len(), 1);
    assert_eq!(record.lane_items(&lane, 0, 10, 1).unwrap().len(), 1, "one at least, however large");
    assert!(record.lane_items(&lane, 3, 10, usize::MAX).unwrap().is_empty());
}

#[test]
fn what_is_read_for_sending_on_is_as_it_was_written() {
    let change = |sql: &str| {
        let data = tempfile::tempdir().unwrap();
        let (own, size) = full_record(data.path());
        let record = SqliteRecord::open(data.path(), same(&own), SqliteOptions::default()).unwrap();
        let lane = record.lanes().unwrap()[0].clone();
        let kept = record.lane_items(&lane, 0, 1, usize::MAX).unwrap()[0].seq.unwrap();
        assert_eq!(kept, size - 3);
        drop(record);
        let path = data.path().join("record/record.db");
        let db = rusqlite::Connection::open(&path).unwrap();
        assert_eq!(db.execute(&format!("{sql} WHERE seq = {kept}"), []).unwrap(), 1, "{sql}");
        drop(db);
        // As if the pages had rotted before their digests were taken: only the rows are left to tell.
        let _ = fs::remove_file(data.path().join("record/record.db-wal"));
        let bytes = fs::read(&path).unwrap();
        let head = fs::read(data.path().join("record/record.pages")).unwrap()[..32].to_vec();
        let sums: Vec<u8> = bytes.chunks(4096).flat_map(sha2_011_digest).collect();
        fs::write(data.path().join("record/record.pages"), [head, sums].concat()).unwrap();
        match SqliteRecord::open(data.path(), own, SqliteOptions::default()) {
            Ok(record) => record.lane_items(&lane, 0, 10, usize::MAX).map(|_| ()),
            Err(e) => Err(e),
        }
    };
    for sql in [
        "UPDATE entry SET payload = CAST(payload || x'20' AS BLOB)",
        "UPDATE entry SET payload = NULL",
        "UPDATE entry SET signature = zeroblob(64)",
        "UPDATE entry SET received = received + 1",
        "UPDATE entry SET sum = sum + 1",
        "UPDATE lane_row SET seq = seq - 1",
        "UPDATE lane_row SET sum = sum + 1",
    ] {
        assert!(matches!(change(sql), Err(StoreError::Damaged { .. })), "{sql}: {:?}", change(sql));
    }
}

fn sha2_011_digest(page: &[u8]) -> [u8; 32] {
    use sha2_011::Digest as _;
    sha2_011::Sha256::digest(page).into()
}

#[test]
fn the_purged_content_is_nowhere_in_the_folder() {
    let data = tempfile::tempdir().unwrap();
    full_record(data.path());
    for file in all_files(data.path()) {
        let bytes = fs::read(&file).unwrap();
        let found = bytes.windows(19).any(|w| w == b"finding number 9002");
        assert!(!found, "{} still holds recalled content", file.display());
    }
}

#[test]
fn an_entry_twice_is_there_once() {
    let data = tempfile::tempdir().unwrap();
    let (own, size) = full_record(data.path());
    let mut record = SqliteRecord::open(data.path(), same(&own), SqliteOptions::default()).unwrap();
    let e = entry(&own, 5);
    assert_eq!(
        record.commit(&Batch::of([e.clone(), e.clone()])).unwrap().places,
        [(size, true), (size, false)]
    );
    assert_eq!(record.commit(&Batch::of([e])).unwrap().places, [(size, false)]);
    assert_eq!(record.log_size(), size + 1);
}

/// 1,000 random single-bit flips over all files of the record, each alone: all are found.
#[test]
fn every_flipped_bit_is_found() {
    let data = tempfile::tempdir().unwrap();
    full_record(data.path());
    let files: Vec<_> = all_files(&data.path().join("record"))
        .into_iter()
        .map(|f| (fs::metadata(&f).unwrap().len(), f))
        .filter(|(len, _)| *len > 0)
        .collect();
    let total: u64 = files.iter().map(|(len, _)| len).sum();
    let mut missed = Vec::new();
    for round in 0..1000 {
        // Every other flip by file, so that small files get their share.
        let (file, at) = if round % 2 == 0 {
            let mut at = OsRng.next_u64() % total;
            let (_, file) = files
                .iter()
                .find(|(len, _)| {
                    let here = at < *len;
                    if !here {
                        at -= len;
                    }
                    here
                })
                .unwrap();
            (file, at)
        } else {
            let (len, file) = &files[(OsRng.next_u64() % files.len() as u64) as usize];
            (file, OsRng.next_u64() % len)
        };
        let good = fs::read(file).unwrap();
        let mut bad = good.clone();
        let bit = (OsRng.next_u32() % 8) as u8;
        bad[at as usize] ^= 1 << bit;
        fs::write(file, &bad).unwrap();
        let verdict = verify_dir(data.path()).unwrap();
        if verdict.ok || verdict.first.is_none() {
            missed.push((file.clone(), at, bit));
        }
        fs::write(file, &good).unwrap();
    }
    assert_eq!(missed, []);
    assert!(verify_dir(data.path()).unwrap().ok);
}

#[test]
fn a_flipped_bit_in_an_unemptied_log_is_found() {
    let data = tempfile::tempdir().unwrap();
    let (own, _) = full_record(data.path());
    let copy = tempfile::tempdir().unwrap();
    {
        let mut record = SqliteRecord::open(data.path(), same(&own), SqliteOptions::default()).unwrap();
        for n in 0..5 {
            record.commit(&Batch::of([entry(&own, 500 + n)])).unwrap();
        }
        // As a killed process leaves it: log not copied.
        copy_tree(data.path(), copy.path());
    }
    let verdict = verify_dir(copy.path()).unwrap();
    assert_eq!(verdict.damage, []);
    let log = copy.path().join("record/record.db-wal");
    let good = fs::read(&log).unwrap();
    assert!(good.len() > 4096);
    for _ in 0..200 {
        let at = (OsRng.next_u64() % good.len() as u64) as usize;
        let mut bad = good.clone();
        bad[at] ^= 1 << (OsRng.next_u32() % 8);
        fs::write(&log, &bad).unwrap();
        assert!(!verify_dir(copy.path()).unwrap().ok, "flip at {at} was not found");
    }
}

#[test]
fn a_missing_entry_is_named() {
    let data = tempfile::tempdir().unwrap();
    let (own, size) = full_record(data.path());
    let db = rusqlite::Connection::open(data.path().join("record/record.db")).unwrap();
    db.execute("DELETE FROM entry WHERE seq = 17", []).unwrap();
    drop(db);
    let verdict = verify_dir(data.path()).unwrap();
    let first = verdict.first.unwrap();
    assert_eq!((first.kind, first.seq), (DamageKind::Entry, Some(17)));
    // The last one leaves no gap, but the signed checkpoint knows of it.
    let other = tempfile::tempdir().unwrap();
    let (_, size_2) = full_record(other.path());
    let db = rusqlite::Connection::open(other.path().join("record/record.db")).unwrap();
    for table in ["lane", "lane_row", "lane_entry", "lane_absent"] {
        db.execute(&format!("DELETE FROM {table}"), []).unwrap();
    }
    db.execute("DELETE FROM entry WHERE seq = ?1", [size_2 as i64 - 1]).unwrap();
    drop(db);
    let verdict = verify_dir(other.path()).unwrap();
    assert!(!verdict.ok);
    assert!(verdict.damage.iter().any(|d| d.seq == Some(size_2 - 1)), "{:?}", verdict.damage);
    assert!(matches!(
        SqliteRecord::open(data.path(), own, SqliteOptions::default()),
        Err(StoreError::Damaged { .. })
    ));
    assert!(size > 17);
}

#[test]
fn an_entry_exchanged_for_another_valid_one_is_named() {
    let data = tempfile::tempdir().unwrap();
    let (own, _) = full_record(data.path());
    let forged = entry(&own, 777);
    let db = rusqlite::Connection::open(data.path().join("record/record.db")).unwrap();
    db.execute(
        "UPDATE entry SET id = ?1, payload = ?2, signature = ?3 WHERE seq = 40",
        rusqlite::params![forged.id().as_bytes(), forged.payload(), forged.signature()],
    )
    .unwrap();
    drop(db);
    let verdict = verify_dir(data.path()).unwrap();
    assert_eq!(verdict.first.unwrap().seq, Some(40));
}

#[test]
fn missing_cut_and_stray_files_are_found() {
    let data = tempfile::tempdir().unwrap();
    full_record(data.path());
    for file in all_files(&data.path().join("record")) {
        let good = fs::read(&file).unwrap();
        if good.is_empty() {
            continue;
        }
        fs::remove_file(&file).unwrap();
        assert!(!verify_dir(data.path()).unwrap().ok, "{} is missing", file.display());
        fs::write(&file, &good[..good.len() / 2]).unwrap();
        assert!(!verify_dir(data.path()).unwrap().ok, "{} is cut", file.display());
        fs::write(&file, &good).unwrap();
    }
    fs::write(data.path().join("record/blobs/odd"), "x").unwrap();
    assert!(!verify_dir(data.path()).unwrap().ok);
}

#[test]
fn a_later_format_is_refused_with_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let (own, _) = full_record(data.path());
    fs::write(data.path().join("record/format"), "bongsu.record/3\n").unwrap();
    let error = SqliteRecord::open(data.path(), own, SqliteOptions::default()).err().unwrap();
    assert!(matches!(&error, StoreError::OtherFormat { found, .. } if found == "bongsu.record/3"), "{error}");
    assert!(error.to_string().contains("newer"), "{error}");
}

#[test]
fn two_processes_cannot_have_one_record() {
    let data = tempfile::tempdir().unwrap();
    let (own, _) = full_record(data.path());
    let _held = SqliteRecord::open(data.path(), same(&own), SqliteOptions::default()).unwrap();
    assert!(matches!(
        SqliteRecord::open(data.path(), own, SqliteOptions::default()),
        Err(StoreError::InUse { .. })
    ));
    assert!(matches!(verify_dir(data.path()), Err(StoreError::InUse { .. })));
}

#[test]
fn a_full_disk_writes_nothing_of_the_batch_and_the_rest_stays() {
    let data = tempfile::tempdir().unwrap();
    let (own, size) = full_record(data.path());
    let bytes = fs::metadata(data.path().join("record/record.db")).unwrap().len();
    let options = SqliteOptions { max_bytes: bytes + 40_960, ..SqliteOptions::default() };
    {
        let mut record = SqliteRecord::open(data.path(), same(&own), options).unwrap();
        let error = record.commit(&Batch::of((0..200).map(|n| entry(&own, n)))).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        assert_eq!(record.log_size(), size);
        // A small one still fits.
        record.commit(&Batch::of([entry(&own, 1)])).unwrap();
    }
    let verdict = verify_dir(data.path()).unwrap();
    assert_eq!(verdict.damage, []);
    assert_eq!(verdict.entries, size + 1);
}

#[test]
fn only_the_author_can_have_content_purged() {
    let data = tempfile::tempdir().unwrap();
    let (own, _) = full_record(data.path());
    let mut record = SqliteRecord::open(data.path(), same(&own), SqliteOptions::default()).unwrap();
    let lane = Lane {
        peer: "washington".parse().unwrap(),
        direction: Direction::In,
        precedence: Precedence::Routine,
    };
    let target = record.lane_ids(&lane, 0, 1).unwrap()[0];
    let recall = Recall { target, reason: "x".into(), marking: Marking::new("RESTRICTED", &[], "KOR") };
    let recall = Entry::sign(&recall, &country(), &own, now(), &mut OsRng).unwrap();
    let purge = vec![Purge { target, recall: recall.id() }];
    let batch = Batch { purge, ..Batch::of([recall]) };
    assert!(matches!(record.commit(&batch), Err(StoreError::CannotPurge { .. })));
    assert!(record.get(&target).unwrap().unwrap().entry.is_some());
}

/// A power cut may leave tiles that were never synced: after a run that did not end in order they are written anew.
#[test]
fn tiles_lost_in_a_power_cut_come_back() {
    let data = tempfile::tempdir().unwrap();
    let (own, _) = full_record(data.path());
    let cut = tempfile::tempdir().unwrap();
    {
        let mut record = SqliteRecord::open(data.path(), same(&own), SqliteOptions::default()).unwrap();
        record.commit(&Batch::of([entry(&own, 1)])).unwrap();
        copy_tree(data.path(), cut.path());
    }
    for tile in all_files(&cut.path().join("record/tiles")) {
        fs::write(tile, b"").unwrap();
    }
    assert!(!verify_dir(cut.path()).unwrap().ok);
    drop(SqliteRecord::open(cut.path(), own, SqliteOptions::default()).unwrap());
    assert_eq!(verify_dir(cut.path()).unwrap().damage, []);
}

/// A backup from before a recall must not bring the content back.
#[test]
fn a_repair_does_not_undo_a_recall() {
    let data = tempfile::tempdir().unwrap();
    let (own, size) = full_record(data.path());
    // The peer sends one more, and takes it back after the backup.
    let peer = key("washington");
    let usa: Country = "USA".parse().unwrap();
    let met = Peer {
        node: "washington".parse().unwrap(),
        title: "Washington".into(),
        country: usa.clone(),
        clearance: "SECRET".into(),
        key: peer.public().to_hex(),
        certificate: base::KeyFingerprint::from_bytes([7; 32]),
        address: "127.0.0.1:1".into(),
        marking: Marking::new("RESTRICTED", &[], "KOR"),
    };
    let met = Entry::sign(&met, &country(), &own, now(), &mut OsRng).unwrap();
    let gone = Entry::sign(&finding(7), &usa, &peer, now(), &mut OsRng).unwrap();
    let noun = Recall {
        target: gone.id(),
        reason: "wrong".into(),
        marking: Marking::new("RESTRICTED", &["KOR"], "USA"),
    };
    let recall = Entry::sign(&noun, &usa, &peer, now(), &mut OsRng).unwrap();
    let received = |entry: &Entry| Incoming { entry: entry.clone(), received: Some(now()) };
    let mut record = SqliteRecord::open(data.path(), same(&own), SqliteOptions::default()).unwrap();
    record.commit(&Batch::of([met])).unwrap();
    record.commit(&Batch { entries: vec![received(&gone)], ..Batch::default() }).unwrap();
    record.copy_log().unwrap();
    let backup = tempfile::tempdir().unwrap();
    copy_tree(data.path(), backup.path());
    let purge = vec![Purge { target: gone.id(), recall: recall.id() }];
    record.commit(&Batch { entries: vec![received(&recall)], purge, ..Batch::default() }).unwrap();
    drop(record);
    let db = rusqlite::Connection::open(data.path().join("record/record.db")).unwrap();
    db.execute("UPDATE entry SET received = 5 WHERE seq = ?1", [size as i64 + 1]).unwrap();
    drop(db);
    assert!(!verify_dir(data.path()).unwrap().ok);
    let report = repair(data.path(), &own, &[RepairSource::Folder(backup.path().to_owned())]).unwrap();
    assert_eq!((report.done, report.restored), (true, 1));
    let record = SqliteRecord::open(data.path(), own, SqliteOptions::default()).unwrap();
    assert_eq!(record.log_size(), size + 3);
    let stored = record.get(&gone.id()).unwrap().unwrap();
    assert_eq!((stored.seq, stored.entry), (size + 1, None));
}
