//! Damage is found at the start or at the first read, never read as something else; and what another copy has comes
//! back.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests prepare and damage real folders")]

mod common;

use std::fs;
use std::path::Path;

use base::{EntryId, NodeName};
use common::{Rng, all_files, append, check_all, copy_tree, found, key, lane, note, now, restless};
use proptest::prelude::*;
use record::{
    ConsistencyProof, Entry, InclusionProof, RecordStore, RepairSource, SqliteRecord, StoreError, entries_in,
    home_origin, repair, verify_dir,
};

const NOTES: u64 = 150;

fn record_of(notes: u64) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    found(data.path());
    let mut record = SqliteRecord::open(data.path(), key(), restless()).unwrap();
    for start in (0..notes).step_by(30) {
        append(&mut record, start, (start + 30).min(notes));
    }
    record.copy_log().unwrap();
    drop(record);
    data
}

/// What a reader gets from a damaged record: the truth, or an error.
fn only_truth(data: &Path, ids: &[EntryId]) {
    let record = match SqliteRecord::open(data, key(), restless()) {
        Ok(record) => record,
        Err(
            StoreError::Damaged { .. }
            | StoreError::OtherFormat { .. }
            | StoreError::Checkpoint(_)
            | StoreError::Io { .. },
        ) => return,
        Err(e) => unreachable!("{e}"),
    };
    assert_eq!(record.log_size(), ids.len() as u64 + 1);
    for (n, id) in (0..).zip(ids) {
        if let Ok(stored) = record.get(id) {
            assert_eq!(stored.unwrap().entry.unwrap(), note(n));
        }
        if let Ok(stored) = record.at(n + 1) {
            assert_eq!(stored.unwrap().id, *id);
        }
        if let Ok(proof) = record.inclusion(n + 1, record.log_size()) {
            assert!(record::inclusion_holds(&proof, record.log_size(), record.root(), n + 1, id));
        }
        if let Ok(found) = record.lane_ids(&lane(), n, 1) {
            assert_eq!(found, [*id]);
        }
        if let Ok(place) = record.lane_place(&lane(), id) {
            assert_eq!(place, Some(n));
        }
    }
}

#[test]
fn a_damaged_record_never_gives_something_else() {
    let data = record_of(NOTES);
    let ids: Vec<EntryId> = (0..NOTES).map(|n| note(n).id()).collect();
    only_truth(data.path(), &ids);
    let files: Vec<_> = all_files(&data.path().join("record"))
        .into_iter()
        .filter(|f| fs::metadata(f).unwrap().len() > 0)
        .collect();
    let mut rng = Rng(11);
    for round in 0..300 {
        let copy = tempfile::tempdir().unwrap();
        copy_tree(data.path(), copy.path());
        fs::create_dir_all(copy.path().join("record/blobs")).unwrap();
        // The database gets most of it, as it has most of the bytes.
        let file = if round % 2 == 0 {
            data.path().join("record/record.db")
        } else {
            files[rng.below(files.len() as u64) as usize].clone()
        };
        let target = copy.path().join(file.strip_prefix(data.path()).unwrap());
        let mut bytes = fs::read(&target).unwrap();
        let at = rng.below(bytes.len() as u64) as usize;
        match round % 3 {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << rng.below(8),
            _ => {
                let end = (at + 600).min(bytes.len());
                bytes[at..end].fill(0);
            }
        }
        fs::write(&target, bytes).unwrap();
        only_truth(copy.path(), &ids);
    }
}

/// Opening looks at the pages at both ends only; a page in the middle must not give another answer either.
#[test]
fn damage_in_the_middle_of_a_large_record_is_found_when_it_is_read() {
    const LARGE: u64 = 2500;
    let data = record_of(LARGE);
    let ids: Vec<EntryId> = (0..LARGE).map(|n| note(n).id()).collect();
    let path = data.path().join("record/record.db");
    let whole = fs::read(&path).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 160, "{pages}");
    let mut rng = Rng(12);
    let (mut refused, mut silent) = (0, 0);
    for page in (64..pages - 64).step_by(2) {
        let mut bytes = whole.clone();
        let page = &mut bytes[page * 4096..(page + 1) * 4096];
        match rng.below(3) {
            0 => page[rng.below(4096) as usize] ^= 1 << rng.below(8),
            1 => page[8..600].fill(0),
            // Cells that are not counted any more.
            _ => page[3..5].fill(0),
        }
        fs::write(&path, bytes).unwrap();
        let record = SqliteRecord::open(data.path(), key(), restless()).unwrap();
        let mut found = 0;
        for (n, id) in (0..).zip(&ids) {
            match record.lane_place(&lane(), id) {
                Ok(place) => assert_eq!(place, Some(n)),
                Err(_) => found += 1,
            }
            match record.lane_ids(&lane(), n, 1) {
                Ok(held) => assert_eq!(held, [*id]),
                Err(_) => found += 1,
            }
        }
        if let Ok(frontier) = record.lane_frontier(&lane(), LARGE - 1) {
            let mut tree = record::Frontier::default();
            ids[..ids.len() - 1].iter().for_each(|id| tree.push(id));
            assert_eq!(frontier, tree);
        }
        *if found > 0 { &mut refused } else { &mut silent } += 1;
    }
    // A bit of a payload, or of free space, is nothing that a lane is read from.
    assert!(refused > 15, "{refused} of {}", refused + silent);
}

#[test]
fn scrubbing_finds_a_page_that_nobody_reads() {
    let data = record_of(NOTES);
    let mut record = SqliteRecord::open(data.path(), key(), restless()).unwrap();
    let rounds = (0..10_000).take_while(|_| !record.scrub(7).unwrap()).count();
    assert!(rounds > 3);
    let path = data.path().join("record/record.db");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let found = (0..10_000).find_map(|_| record.scrub(7).err());
    assert!(
        matches!(found, Some(StoreError::Damaged { first }) if first.file.as_deref() == Some("record.db"))
    );
}

fn spoil(path: &Path, from: usize, to: usize) {
    let mut bytes = fs::read(path).unwrap();
    let end = to.min(bytes.len());
    bytes[from..end].fill(0x55);
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_a_backup_has_comes_back() {
    let data = record_of(NOTES);
    let backup = tempfile::tempdir().unwrap();
    copy_tree(data.path(), backup.path());
    // Life went on after the backup.
    let mut record = SqliteRecord::open(data.path(), key(), restless()).unwrap();
    append(&mut record, NOTES, NOTES + 20);
    let blob = record.put_blob(b"bytes that were received").unwrap();
    drop(record);
    let before = verify_dir(data.path()).unwrap();
    assert!(before.ok, "{:?}", before.damage);
    spoil(&data.path().join("record/record.db"), 18 * 4096, 26 * 4096);
    assert!(!verify_dir(data.path()).unwrap().ok);
    let report = repair(data.path(), &key(), &[]).unwrap();
    assert!(!report.done && !report.missing.is_empty(), "{report:?}");
    assert!(!verify_dir(data.path()).unwrap().ok, "nothing may have changed");
    let source = RepairSource::Folder(backup.path().to_owned());
    let report = repair(data.path(), &key(), &[source]).unwrap();
    assert!(report.done && report.missing.is_empty(), "{report:?}");
    assert_eq!((report.entries, report.kept + report.restored), (before.entries, before.entries));
    assert!(report.restored > 0 && report.kept > 20, "{report:?}");
    let after = verify_dir(data.path()).unwrap();
    assert_eq!((after.damage, after.root), (vec![], before.root));
    let record = SqliteRecord::open(data.path(), key(), restless()).unwrap();
    assert_eq!(record.blob(&blob).unwrap().unwrap(), b"bytes that were received");
    assert!(report.old.unwrap().join("record.db").exists());
}

/// A peer has our entries in its record: as envelopes they come back, and nothing else does.
#[test]
fn what_a_peer_holds_comes_back() {
    let data = record_of(NOTES);
    let before = verify_dir(data.path()).unwrap();
    spoil(&data.path().join("record/record.db"), 20 * 4096, 30 * 4096);
    let envelopes: Vec<_> = (0..NOTES).map(|n| note(n).to_envelope()).collect();
    let document = serde_json::json!({"schema": "x", "items": [{"envelope": envelopes}]});
    let mut entries = entries_in(&document);
    assert_eq!(entries.len() as u64, NOTES);
    // Others, that were never in this record, do no harm.
    entries.extend((NOTES..NOTES + 50).map(note));
    // Without those that are missing it stays as it is.
    let few: Vec<Entry> = (NOTES..NOTES + 50).map(note).collect();
    assert!(!repair(data.path(), &key(), &[RepairSource::Entries(few)]).unwrap().done);
    let report = repair(data.path(), &key(), &[RepairSource::Entries(entries)]).unwrap();
    assert!(report.done && report.restored > 0, "{report:?}");
    let after = verify_dir(data.path()).unwrap();
    assert_eq!(after.root, before.root);
    let lanes_only = |d: &record::Damage| d.kind == record::DamageKind::Lane;
    assert!(after.damage.iter().all(lanes_only), "{:?}", after.damage);
}

#[test]
fn a_lost_file_of_the_tree_or_the_index_is_no_loss() {
    for folder in ["tiles", "ids"] {
        let data = record_of(400);
        fs::remove_dir_all(data.path().join("record").join(folder)).unwrap();
        // The newest ids may be without a run, here all are.
        assert_eq!(verify_dir(data.path()).unwrap().ok, folder == "ids");
        check_all(&SqliteRecord::open(data.path(), key(), restless()).unwrap(), 400);
        assert_eq!(verify_dir(data.path()).unwrap().damage, []);
    }
}

#[test]
fn proofs_are_texts_that_anybody_can_check() {
    let data = record_of(NOTES);
    let mut record = SqliteRecord::open(data.path(), key(), restless()).unwrap();
    let (name, public): (NodeName, _) = ("seoul".parse().unwrap(), key().public());
    let origin = home_origin(&name);
    let old = record.checkpoint().clone();
    append(&mut record, NOTES, NOTES + 7);
    let new = record.checkpoint().clone();
    let entry = note(40);
    let hashes = record.inclusion(41, new.size()).unwrap();
    let proof = InclusionProof::new(41, hashes.clone(), new.clone(), Some(&entry));
    let text = proof.to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "));
    let read: InclusionProof = text.parse().unwrap();
    assert_eq!(read, proof);
    assert_eq!(read.verify(None, &origin, &name, &public).unwrap(), entry.id());
    assert_eq!(read.entry().unwrap().unwrap(), entry);
    // For no other entry, place, log or key.
    assert!(read.verify(Some(note(41).id()), &origin, &name, &public).is_err());
    assert!(read.verify(None, "bongsu/tokyo/home", &name, &public).is_err());
    let stranger = record::NodeKey::from_secret(name.clone(), &[6; 32]).public();
    assert!(read.verify(None, &origin, &name, &stranger).is_err());
    let other = InclusionProof::new(42, hashes.clone(), new.clone(), Some(&entry));
    assert!(other.verify(None, &origin, &name, &public).is_err());
    let bare = InclusionProof::new(41, hashes, new.clone(), None).to_string();
    assert!(bare.starts_with("c2sp.org/tlog-proof@v1\nindex 41\n"));
    let bare: InclusionProof = bare.parse().unwrap();
    assert!(bare.verify(None, &origin, &name, &public).is_err());
    assert_eq!(bare.verify(Some(entry.id()), &origin, &name, &public).unwrap(), entry.id());
    // The log grew.
    let hashes = record.consistency(old.size(), new.size()).unwrap();
    let grown = ConsistencyProof::new(old.size(), hashes, new.clone());
    let read: ConsistencyProof = grown.to_string().parse().unwrap();
    assert_eq!(read, grown);
    read.verify(&old, &origin, &name, &public).unwrap();
    assert!(read.verify(&new, &origin, &name, &public).is_err());
    let shown = new.cosign(&key(), now()).unwrap();
    assert!(ConsistencyProof::new(new.size(), vec![], shown).verify(&new, &origin, &name, &public).is_ok());
}

proptest! {
    #[test]
    fn no_text_makes_the_readers_of_proofs_stumble(text in "(c2sp.org/tlog-proof@v1\n|old 3\n)?(extra [A-Za-z=]{0,9}\n)?(index [0-9]{0,21}\n)?([A-Za-z0-9+/=]{0,50}\n){0,4}\n?.{0,80}") {
        let _ = text.parse::<InclusionProof>();
        let _ = text.parse::<ConsistencyProof>();
    }
}
