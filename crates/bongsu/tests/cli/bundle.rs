//! `record export|verify|checkpoint|witness`: a bundle from a node's folder to a third party's desk.

use std::path::Path;
use std::process::Command;

use base::EntryId;
use serde_json::Value;

use crate::support::{Ran, Seoul, bongsu_in, finding, hold, nobody, recall, root, to_usa, washington};

const CANARY: &str = "canary-7f3a";

/// A record with something shared, something kept and something taken back. Gives the ids of these three.
fn record(hidden: usize) -> (tempfile::TempDir, [EntryId; 3]) {
    let mut seoul = Seoul::found();
    seoul.add(&washington());
    let shared = seoul.add(&finding("shared", 3, &to_usa(), &[]));
    let mut kept = shared;
    for _ in 0..hidden {
        kept = seoul.add(&finding(CANARY, 2, &nobody(), &[]));
    }
    let gone = seoul.add(&finding("gone", 5, &to_usa(), &[]));
    seoul.share("washington", shared);
    seoul.share("washington", gone);
    let back = seoul.add(&recall(gone, to_usa()));
    seoul.share("washington", back);
    (seoul.close(), [shared, kept, gone])
}

fn export(folder: &Path, more: &[&str]) -> Ran {
    let args = ["record", "export", "seoul", "--bundle", "case.bundle"];
    bongsu_in(folder, &[&args, more].concat())
}

fn verify(folder: &Path, more: &[&str]) -> Ran {
    bongsu_in(folder, &[&["record", "verify", "case.bundle"], more].concat())
}

/// The exit of the verifier in Python.
fn second(folder: &Path) -> i32 {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let ran = Command::new(python)
        .arg(root().join("tools/verify_bundle.py"))
        .arg(folder.join("case.bundle"))
        .output()
        .expect("the second verifier needs python3 (and python3-cryptography)");
    ran.status.code().unwrap()
}

#[test]
fn the_whole_record_as_a_bundle() {
    let (folder, [_, kept, _]) = record(2);
    let folder = folder.path();
    let said = export(folder, &[]).exits(0).json();
    assert_eq!((&said["items"], &said["withdrawn"]), (&7.into(), &0.into()));
    let bytes = std::fs::read(folder.join("case.bundle")).unwrap();
    export(folder, &[]).exits(0);
    assert_eq!(std::fs::read(folder.join("case.bundle")).unwrap(), bytes, "the same record gave other bytes");
    let verdict = verify(folder, &[]).exits(0).json();
    assert_eq!((&verdict["ok"], &verdict["key_known"]), (&true.into(), &false.into()));
    assert_eq!(second(folder), 0);
    let key = verdict["key"].as_str().unwrap();
    assert_eq!(verify(folder, &["--key", key]).exits(0).json()["key_known"], true);
    let items = verify(folder, &["--items"]).exits(0).items();
    assert!(items.iter().any(|item| item["id"] == kept.to_string()));
    assert!(items[1..].iter().all(|item| item["not_before"].is_string() && item["not_after"].is_null()));
}

#[test]
fn a_bundle_for_a_peer_holds_nothing_of_the_rest() {
    let (few, [shared, _, gone]) = record(1);
    export(few.path(), &["--as", "washington"]).exits(0);
    let bytes = std::fs::read(few.path().join("case.bundle")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains(CANARY) && !text.contains("bongsu/seoul/home"), "something kept is in it");
    let items = verify(few.path(), &["--items"]).exits(0).items();
    let row = |id: EntryId| -> &Value { items.iter().find(|item| item["id"] == id.to_string()).unwrap() };
    assert_eq!(items.len(), 3);
    assert_eq!(row(shared)["kind"], "bongsu.finding/1");
    assert_eq!(row(gone)["kind"], Value::Null);
    assert_eq!(second(few.path()), 0);
    export(few.path(), &["--as", "tokyo"]).exits(2);
}

/// Two records that agree on what the peer may have give it the same bundle, to the byte.
#[test]
fn a_bundle_for_a_peer_does_not_depend_on_what_is_kept() {
    let (folder, _) = record(0);
    export(folder.path(), &["--as", "washington"]).exits(0);
    let before = std::fs::read(folder.path().join("case.bundle")).unwrap();
    let mut record = hold(folder.path());
    let genesis = record::RecordStore::at(&record, 0).unwrap().unwrap().entry.unwrap();
    let secret = std::fs::read_to_string(folder.path().join("seoul/keys/signing.key")).unwrap();
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(secret.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    }
    let key = record::NodeKey::from_secret("seoul".parse().unwrap(), &bytes);
    for _ in 0..9 {
        let noun = finding(CANARY, 2, &nobody(), &[]);
        let entry = record::Entry::sign(
            &noun,
            &genesis.author().country,
            &key,
            genesis.time(),
            &mut rand_core::OsRng,
        );
        record::RecordStore::commit(&mut record, &record::Batch::of([entry.unwrap()])).unwrap();
    }
    drop(record);
    export(folder.path(), &["--as", "washington"]).exits(0);
    let after = std::fs::read(folder.path().join("case.bundle")).unwrap();
    assert_eq!(before, after);
}

#[test]
fn some_ids_bring_what_belongs_to_them() {
    let (folder, [_, _, gone]) = record(1);
    let said = export(folder.path(), &["--ids", &gone.to_string()]).exits(0).json();
    // The entry, its recall, and whose record it is.
    assert_eq!(said["items"], 3);
    let unknown = "0".repeat(64);
    export(folder.path(), &["--ids", &unknown]).exits(2);
    assert_eq!(verify(folder.path(), &[]).exits(0).json()["items"], 3, "the bundle before is gone");
}

#[test]
fn wrong_unreadable_and_unknown_are_told_apart() {
    let (folder, _) = record(1);
    let folder = folder.path();
    export(folder, &[]).exits(0);
    let path = folder.join("case.bundle");
    let good = std::fs::read(&path).unwrap();
    let at = good.len() / 3;
    let mut bad = good.clone();
    bad[at] ^= 4;
    std::fs::write(&path, &bad).unwrap();
    let ran = verify(folder, &[]).exits(1);
    let verdict = ran.json();
    let first = &verdict["first"];
    let (start, end) = (first["byte_start"].as_u64().unwrap(), first["byte_end"].as_u64().unwrap());
    assert!((start..end).contains(&(at as u64)) || first["code"] == "bundle::bad_archive", "{first}");
    assert_eq!(ran.faults()[0]["code"], first["code"]);
    assert_eq!(second(folder), 1);
    for content in [b"".as_slice(), b"no zip at all", b"{}"] {
        std::fs::write(&path, content).unwrap();
        verify(folder, &[]).exits(1);
        assert_eq!(second(folder), 1);
    }
    std::fs::remove_file(&path).unwrap();
    verify(folder, &[]).exits(2);
    assert_eq!(second(folder), 2);
    bongsu_in(folder, &["record", "verify", "seoul", "--require", "joint"]).exits(2);
}

#[test]
fn a_witness_signs_once_the_log_only_grew() {
    let (folder, _) = record(1);
    let folder = folder.path();
    let vkey = bongsu_in(folder, &["record", "checkpoint", "seoul", "--vkey"]).exits(0).out;
    let ask = |old: &str| {
        let ran = bongsu_in(folder, &["record", "checkpoint", "seoul", "--old-size", old]);
        std::fs::write(folder.join("request.txt"), ran.exits(0).out).unwrap();
    };
    let sign = || {
        let args = "record witness request.txt --name court.example --key court.key --state court --log";
        bongsu_in(folder, &args.split(' ').chain([vkey.trim()]).collect::<Vec<_>>())
    };
    ask("0");
    let first = sign().exits(0).out;
    assert!(first.contains("\u{2014} court.example "), "{first}");
    // It stands at 6 now: a request that starts elsewhere is refused with what tlog-witness answers.
    let refused = sign().exits(2);
    assert!(refused.err.contains("409"), "{refused:?}");
    let mut record = hold(folder);
    let before = record::RecordStore::at(&record, 2).unwrap().unwrap().entry.unwrap();
    let _ = record::RecordStore::commit(&mut record, &record::Batch::of([before])).unwrap();
    drop(record);
    ask("6");
    sign().exits(0);
    std::fs::write(folder.join("cosigned.txt"), &first).unwrap();
    let policy = "none.policy";
    std::fs::write(folder.join(policy), "quorum court\n").unwrap();
    export(folder, &["--checkpoint", "cosigned.txt", "--policy", policy]).exits(2);
    export(folder, &["--checkpoint", "cosigned.txt"]).exits(0);
    assert_eq!(verify(folder, &[]).exits(0).json()["items"], 6);
    bongsu_in(folder, &["record", "checkpoint", "seoul", "--old-size", "99"]).exits(2);
}

#[test]
fn two_faces_of_a_log_are_proven_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = record::NodeKey::from_secret("tokyo".parse().unwrap(), &[5; 32]);
    let vkey = record::VerifierKey::log(key.name(), &key.public()).to_string();
    for (name, size, root) in [("a", 9, 1), ("b", 9, 2), ("c", 7, 3)] {
        let face = record::Checkpoint::sign("bongsu/tokyo/home", size, [root; 32], &key).unwrap();
        std::fs::write(folder.join(name), face.note()).unwrap();
    }
    let proof = bongsu_in(folder, &["record", "fraud", "a", "b", "--log", &vkey]).exits(0).out;
    std::fs::write(folder.join("case.bundle"), &proof).unwrap();
    let verdict = verify(folder, &[]).exits(0).json();
    assert_eq!((&verdict["kind"], &verdict["origin"]), (&"split_view".into(), &"bongsu/tokyo/home".into()));
    assert_eq!(second(folder), 0);
    std::fs::write(folder.join("case.bundle"), proof.replace("split_view", "rewind")).unwrap();
    assert_eq!(verify(folder, &[]).exits(1).json()["code"], "fraud::malformed");
    assert_eq!(second(folder), 1);
    // Two sizes alone prove nothing.
    bongsu_in(folder, &["record", "fraud", "a", "c", "--log", &vkey]).exits(2);
    bongsu_in(folder, &["record", "fraud", "a", "a", "--log", &vkey]).exits(2);
}
