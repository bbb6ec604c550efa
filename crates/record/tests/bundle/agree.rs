//! Both verifiers say the same about every bundle.

use std::collections::BTreeMap;

use base::EntryId;
use record::{BundleItem, BundleTrust, Checkpoint, EvidenceGrade, MerkleLog, QuorumPolicy, verify_bundle};
use sha2::{Digest, Sha256};

use crate::make::made;
use crate::mutate::{SORTS, files, mutated, zip};
use crate::second::{Said, python};

fn ours(bytes: &[u8], trust: &BundleTrust) -> Said {
    let verdict = verify_bundle(bytes, trust);
    let grade = |grade| match grade {
        EvidenceGrade::None => "none".to_owned(),
        EvidenceGrade::National => "national".to_owned(),
        EvidenceGrade::Joint => "joint".to_owned(),
    };
    Said {
        exit: i64::from(!verdict.ok),
        code: verdict.first.map(|fault| fault.code),
        evidence: verdict.evidence.map(grade),
    }
}

fn run(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> Vec<String> {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    vec![path.to_str().unwrap().to_owned()]
}

#[test]
fn two_hundred_good_bundles_are_right_for_both() {
    let folder = tempfile::tempdir().unwrap();
    let mut runs = Vec::new();
    let (mut with_peer, mut with_recall, mut cosigned) = (0, 0, 0);
    for seed in 0..200 {
        let made = made(seed);
        let bytes = made.bytes();
        assert_eq!(bytes, made.bytes(), "seed {seed}: the same contents gave other bytes");
        assert_eq!(zip(&files(&bytes), 0x21), bytes, "seed {seed}: not the one form of the archive");
        let verdict = verify_bundle(&bytes, &BundleTrust::default());
        assert!(verdict.ok, "seed {seed}: {verdict:?}");
        with_peer += u32::from(verdict.audience.is_some());
        with_recall += u32::from(verdict.withdrawn > 0);
        cosigned += u32::from(!verdict.logs[0].cosigned.is_empty());
        runs.push(run(&folder, &format!("{seed}.zip"), &bytes));
    }
    assert!(with_peer > 50 && with_recall > 10 && cosigned > 50, "{with_peer} {with_recall} {cosigned}");
    for (seed, said) in python(&runs).iter().enumerate() {
        assert_eq!((said.exit, said.code.as_deref()), (0, None), "seed {seed}");
    }
}

/// More files than a zip counts without its 64-bit extension; entries without content, so that it is soon made.
#[test]
fn a_bundle_of_seventy_thousand_items_is_right_for_both() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = made(3);
    let id = |n: u64| EntryId::from_bytes(Sha256::digest(n.to_be_bytes()).into());
    made.ids = (0..70_000).map(id).collect();
    let log = MerkleLog::from_ids(&made.ids);
    let item = |(index, id): (u64, &EntryId)| BundleItem {
        id: *id,
        log: 0,
        index,
        path: log.inclusion(index, log.size()).unwrap(),
        entry: None,
        received: None,
    };
    made.contents.items = (0..).zip(&made.ids).map(item).collect();
    made.contents.blobs.clear();
    let origin = made.contents.checkpoints[0].origin().to_owned();
    made.contents.checkpoints = vec![Checkpoint::sign(&origin, log.size(), log.root(), &made.key).unwrap()];
    let bytes = made.bytes();
    let verdict = verify_bundle(&bytes, &BundleTrust::default());
    assert_eq!((verdict.ok, verdict.items, verdict.withdrawn), (true, 70_000, 70_000), "{:?}", verdict.first);
    // The number of files at the end, and the extension: neither may be another.
    let (mut fewer, mut without) = (bytes.clone(), bytes.clone());
    let end = bytes.len() - 22;
    fewer[end + 8] = 0;
    without.drain(end - 76..end);
    let runs: Vec<_> = [("a", &bytes), ("b", &fewer), ("c", &without)]
        .map(|(name, bytes)| run(&folder, &format!("{name}.zip"), bytes))
        .into();
    for (said, bytes) in python(&runs).into_iter().zip([&bytes, &fewer, &without]) {
        assert_eq!(said, ours(bytes, &BundleTrust::default()));
    }
    assert!([fewer, without].iter().all(|bytes| ours(bytes, &BundleTrust::default()).exit == 1));
}

#[test]
fn mutated_bundles_are_wrong_for_both_and_for_the_same_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (mut runs, mut wanted, mut sorts) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut seed = 1000;
    while runs.len() < 400 {
        let sort = usize::try_from(seed).unwrap() % SORTS;
        let mut made = made(seed);
        seed += 1;
        let Some((what, bytes)) = mutated(&mut made, sort) else { continue };
        let said = ours(&bytes, &BundleTrust::default());
        assert_eq!(said.exit, 1, "seed {} of sort {sort}: {what} went unseen", seed - 1);
        *sorts.entry(sort).or_insert(0) += 1;
        runs.push(run(&folder, &format!("{seed}.zip"), &bytes));
        wanted.push((seed - 1, what, said));
    }
    assert_eq!(sorts.len(), SORTS, "{sorts:?}");
    for ((seed, what, ours), theirs) in wanted.iter().zip(python(&runs)) {
        assert_eq!(&theirs, ours, "seed {seed}: {what}");
    }
}

#[test]
fn joint_evidence_needs_both_nations() {
    let folder = tempfile::tempdir().unwrap();
    let (mut runs, mut wanted, mut grades) = (Vec::new(), Vec::new(), BTreeMap::new());
    for seed in 0..80 {
        let made = made(seed);
        let bytes = made.bytes();
        let path = run(&folder, &format!("{seed}.zip"), &bytes).remove(0);
        let policy_path = run(&folder, &format!("{seed}.policy"), made.policy.as_bytes()).remove(0);
        let (policy, faults) = QuorumPolicy::read(made.policy.as_bytes());
        assert_eq!(faults, [], "seed {seed}");
        for require in [None, Some(EvidenceGrade::Joint)] {
            let trust = BundleTrust { policy: policy.clone(), require, key: None };
            let said = ours(&bytes, &trust);
            let grade = said.evidence.clone().unwrap();
            let accepted = grade == "joint" || (grade == "national" && require.is_none());
            assert_eq!(said.exit == 0, accepted, "seed {seed}: {said:?}");
            *grades.entry(grade).or_insert(0) += 1;
            let mut line = vec![path.clone(), "--policy".to_owned(), policy_path.clone()];
            line.extend(require.map(|_| ["--require".to_owned(), "joint".to_owned()]).into_iter().flatten());
            runs.push(line);
            wanted.push(said);
        }
    }
    assert_eq!(grades.len(), 3, "{grades:?}");
    for (at, theirs) in python(&runs).into_iter().enumerate() {
        assert_eq!(theirs, wanted[at], "{:?}", runs[at]);
    }
}

#[test]
fn a_key_that_is_known_beforehand_must_be_the_exporters() {
    let folder = tempfile::tempdir().unwrap();
    let made = made(3);
    let bytes = made.bytes();
    let path = run(&folder, "a.zip", &bytes).remove(0);
    let mut runs = Vec::new();
    for (key, exit) in [(made.key.public(), 0), (made.peer.public(), 1)] {
        let trust = BundleTrust { key: Some(key), ..BundleTrust::default() };
        assert_eq!(ours(&bytes, &trust).exit, exit);
        assert_eq!(verify_bundle(&bytes, &trust).key_known, exit == 0);
        runs.push(vec![path.clone(), "--key".to_owned(), key.to_hex()]);
    }
    let exits: Vec<i64> = python(&runs).iter().map(|said| said.exit).collect();
    assert_eq!(exits, [0, 1]);
}

/// What one verifier takes for a policy the other takes too.
#[test]
fn both_read_the_same_policies() {
    let folder = tempfile::tempdir().unwrap();
    let made = made(3);
    let bundle = run(&folder, "a.zip", &made.bytes()).remove(0);
    let lines: Vec<&str> = made.policy.lines().collect();
    let vkeys: Vec<&str> = lines[..3].iter().filter_map(|line| line.split(' ').next_back()).collect();
    let mut policies: Vec<Vec<u8>> =
        vec![made.policy.clone().into_bytes(), Vec::new(), b"quorum none".to_vec()];
    for extra in [
        "# a comment",
        "  \t# another",
        "#quorum none",
        "group x 02 court ally",
        "group x 1 court",
        "group x 3 court ally",
        "group x any",
        "group x any court court",
        "group x any nobody",
        "group none any court",
        "quorum court",
        "witness none x",
        "witness \u{c99d}\u{c778} x",
        "log x",
        "log",
        "Log x",
        "quorum",
        "group JP any KR",
        "\u{7f}",
        "group x 1\u{a0}court",
        "\r",
        "group x \u{661} court",
    ] {
        for at in 0..=lines.len() {
            let mut with = lines.clone();
            with.insert(at, extra);
            policies.push(with.join("\n").into_bytes());
        }
    }
    for (index, vkey) in vkeys.iter().enumerate() {
        let kind = if index == 0 { "witness w" } else { "log" };
        policies.push(format!("{}{kind} {vkey}\n", made.policy).into_bytes());
        for at in 0..vkey.len() {
            let mut flipped = made.policy.clone().into_bytes();
            let start = made.policy.find(vkey).unwrap() + at;
            flipped[start] ^= 1;
            policies.push(flipped);
        }
    }
    policies.push([made.policy.as_bytes(), b"# \xff\xfe\n"].concat());
    let (mut runs, mut wanted) = (Vec::new(), Vec::new());
    for (number, bytes) in policies.iter().enumerate() {
        let path = run(&folder, &format!("{number}.policy"), bytes).remove(0);
        runs.push(vec![bundle.clone(), "--policy".to_owned(), path]);
        wanted.push(QuorumPolicy::read(bytes).0);
    }
    assert!(wanted.iter().flatten().count() > 10);
    for ((said, policy), bytes) in python(&runs).into_iter().zip(wanted).zip(&policies) {
        let shown = String::from_utf8_lossy(bytes);
        match policy {
            None => assert_eq!(said.exit, 2, "{shown}"),
            Some(policy) => {
                let trust = BundleTrust { policy: Some(policy), ..BundleTrust::default() };
                assert_eq!(said, ours(&made.bytes(), &trust), "{shown}");
            }
        }
    }
}
