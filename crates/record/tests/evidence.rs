//! Witnesses, quorum policies and proofs of fraud.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests prepare real files and run a second program"
)]

#[path = "bundle/second.rs"]
mod second;

use base::{EntryId, Timestamp};
use proptest::prelude::*;
use record::{
    Checkpoint, Comparison, ConsistencyProof, EvidenceGrade, ForkAt, FraudError, FraudKind, FraudProof,
    LeafAt, MerkleLog, NodeKey, PolicyRefusal, QuorumPolicy, VerifierKey, WitnessError, WitnessKey, compare,
    consistency_holds, leaf_hash, read_request, witness,
};

use second::{Said, python};

const ORIGIN: &str = "bongsu/seoul/home";

fn node(name: &str, secret: u8) -> NodeKey {
    NodeKey::from_secret(name.parse().unwrap(), &[secret; 32])
}

fn seoul() -> NodeKey {
    node("seoul", 1)
}

fn log_key() -> VerifierKey {
    VerifierKey::log(seoul().name(), &seoul().public())
}

fn court() -> WitnessKey {
    WitnessKey::from_secret("court.example/w1", &[7; 32]).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_nanos(1_700_000_000_000_000_000 + second * 1_000_000_000)
}

fn ids(count: u64, salt: u8) -> Vec<EntryId> {
    let id = |n: u64| {
        let mut bytes = [salt; 32];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        EntryId::from_bytes(bytes)
    };
    (0..count).map(id).collect()
}

fn signed(ids: &[EntryId]) -> Checkpoint {
    let log = MerkleLog::from_ids(ids);
    Checkpoint::sign(ORIGIN, log.size(), log.root(), &seoul()).unwrap()
}

fn ask(ids: &[EntryId], old_size: u64) -> ConsistencyProof {
    let log = MerkleLog::from_ids(ids);
    ConsistencyProof::new(old_size, log.consistency(old_size, log.size()).unwrap(), signed(ids))
}

fn first(checkpoint: &Checkpoint) -> ConsistencyProof {
    ConsistencyProof::new(0, Vec::new(), checkpoint.clone())
}

proptest! {
    #[test]
    fn a_consistency_proof_holds_for_its_two_trees_alone(new in 0_u64..70, cut in 0_u64..70, bit in 0_usize..256) {
        let old = cut.min(new);
        let all = ids(new, 0);
        let (log, before) = (MerkleLog::from_ids(&all), MerkleLog::from_ids(&all[..usize::try_from(old).unwrap()]));
        let mut proof = log.consistency(old, new).unwrap();
        prop_assert!(consistency_holds(&proof, old, before.root(), new, log.root()));
        if old > 0 {
            let mut other = before.root();
            other[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!consistency_holds(&proof, old, other, new, log.root()));
        }
        if let Some(hash) = proof.first_mut() {
            hash[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!consistency_holds(&proof, old, before.root(), new, log.root()));
        }
    }

    #[test]
    fn a_request_to_a_witness_reads_back(new in 0_u64..40, cut in 0_u64..40) {
        let request = ask(&ids(new, 0), cut.min(new));
        prop_assert_eq!(read_request(&request.to_string()).unwrap(), request);
    }

    #[test]
    fn any_bytes_are_read_as_a_policy_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (policy, faults) = QuorumPolicy::read(&bytes);
        prop_assert!(policy.is_some() || !faults.is_empty());
        let _ = FraudProof::read(&bytes);
        let _ = read_request(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn the_key_of_the_specification_reads_and_writes() {
    // The example of C2SP signed-note, section "Verifier keys".
    let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let key: VerifierKey = text.parse().unwrap();
    assert_eq!((key.name(), key.to_string().as_str()), ("example.com/foo", text));
    assert!(text.replace("530d903a", "530d903b").parse::<VerifierKey>().is_err());
    assert!(text.replace("/foo", "/ foo").parse::<VerifierKey>().is_err());
}

#[test]
fn a_witness_cosigns_what_only_grew() {
    let (small, large) = (ids(5, 0), ids(9, 0));
    let before = witness(&ask(&small, 0), &[log_key()], None, &court(), at(0)).unwrap();
    assert_eq!(before.signers(), ["seoul", "court.example/w1"]);
    let second = witness(&ask(&large, 5), &[log_key()], Some(&before), &court(), at(1)).unwrap();
    assert_eq!(second.size(), 9);
    // The same size again is no growth and no fault.
    witness(&ask(&large, 9), &[log_key()], Some(&second), &court(), at(2)).unwrap();
}

#[test]
fn a_witness_refuses_as_tlog_witness_says() {
    let small = ids(5, 0);
    let before = witness(&ask(&small, 0), &[log_key()], None, &court(), at(0)).unwrap();
    let refused = |request: &ConsistencyProof, logs: &[VerifierKey]| {
        let error = witness(request, logs, Some(&before), &court(), at(1)).unwrap_err();
        error.status()
    };
    assert_eq!(refused(&ask(&ids(9, 0), 5), &[]), 404);
    let stranger = node("seoul", 9);
    assert_eq!(refused(&ask(&ids(9, 0), 5), &[VerifierKey::log(stranger.name(), &stranger.public())]), 403);
    let backwards = ConsistencyProof::new(10, Vec::new(), signed(&ids(9, 0)));
    assert_eq!(refused(&backwards, &[log_key()]), 400);
    assert_eq!(
        witness(&ask(&ids(9, 0), 4), &[log_key()], Some(&before), &court(), at(1)).unwrap_err(),
        WitnessError::Conflict { latest: 5, asked: 4 }
    );
    // Another history of the same log, however it is asked for.
    assert_eq!(refused(&ask(&ids(9, 1), 5), &[log_key()]), 422);
    assert_eq!(refused(&ask(&ids(5, 1), 5), &[log_key()]), 422);
    let hashes = ask(&ids(9, 0), 5).hashes()[1..].to_vec();
    assert_eq!(refused(&ConsistencyProof::new(5, hashes, signed(&ids(9, 0))), &[log_key()]), 422);
    let needless = ConsistencyProof::new(0, vec![[0; 32]], signed(&small));
    assert_eq!(witness(&needless, &[log_key()], None, &court(), at(1)).unwrap_err().status(), 422);
    let empty = Checkpoint::sign(ORIGIN, 0, [1; 32], &seoul()).unwrap();
    assert_eq!(witness(&first(&empty), &[log_key()], None, &court(), at(1)).unwrap_err().status(), 422);
    for text in ["", "old 5", "old 05\n\nx", "old 1\nAAAA\n\nx", "new 1\n\nx"] {
        assert_eq!(read_request(text).unwrap_err().status(), 400, "{text:?}");
    }
}

fn vkeys() -> [String; 3] {
    let key = |name: &str, secret| {
        let key = node(name, secret);
        VerifierKey::cosigner(key.name(), &key.public()).to_string()
    };
    [key("kaist", 11), key("court", 12), key("washington", 13)]
}

fn cosigned(by: &[(&str, u8)]) -> Checkpoint {
    let mut checkpoint = signed(&ids(3, 0));
    for (name, secret) in by {
        checkpoint = checkpoint.cosign(&node(name, *secret), at(0)).unwrap();
    }
    checkpoint
}

fn policy(groups: &str) -> (Option<QuorumPolicy>, Vec<(String, Option<u64>)>) {
    let [kaist, court, washington] = vkeys();
    let log = log_key();
    let text = format!(
        "# who counts\nlog {log} https://seoul.example\nwitness kaist {kaist}\n\twitness court {court}\nwitness us {washington}\n{groups}"
    );
    let (policy, faults) = QuorumPolicy::read(text.as_bytes());
    (policy, faults.into_iter().map(|fault| (fault.code, fault.line)).collect())
}

#[test]
fn joint_national_and_none() {
    let (both, faults) =
        policy("group KR 2 kaist court\ngroup US any us\ngroup both all KR US\nquorum both\n");
    assert_eq!(faults, []);
    let both = both.unwrap();
    let grade = |by: &[(&str, u8)]| both.judge(&cosigned(by)).unwrap().grade();
    let (kaist, court, us) = (("kaist", 11), ("court", 12), ("washington", 13));
    assert_eq!(grade(&[]), EvidenceGrade::None);
    assert_eq!(grade(&[kaist]), EvidenceGrade::None);
    assert_eq!(grade(&[kaist, court]), EvidenceGrade::National);
    assert_eq!(grade(&[us]), EvidenceGrade::National);
    assert_eq!(grade(&[kaist, us]), EvidenceGrade::National);
    assert_eq!(grade(&[us, court, kaist]), EvidenceGrade::Joint);
    // A quorum that one nation fills makes nothing joint.
    let (any, _) =
        policy("group KR any kaist court\ngroup US any us\ngroup either any KR US\nquorum either\n");
    let alone = any.unwrap().judge(&cosigned(&[kaist])).unwrap();
    assert_eq!((alone.quorum, alone.grade()), (true, EvidenceGrade::National));
    // Nations count by their groups alone.
    let (witnesses, _) = policy("group all-of-them all kaist court us\nquorum all-of-them\n");
    let all = witnesses.unwrap().judge(&cosigned(&[kaist, court, us])).unwrap();
    assert_eq!((all.quorum, all.grade()), (true, EvidenceGrade::None));
    let (free, _) = policy("quorum none\n");
    assert!(free.unwrap().judge(&cosigned(&[])).unwrap().quorum);
}

#[test]
fn a_wrong_signature_of_a_known_key_refuses_the_whole_note() {
    let (policy, _) = policy("quorum none\n");
    let policy = policy.unwrap();
    let note = cosigned(&[("kaist", 11)]).note().to_owned();
    // The cosignature of another text, well-formed and by the right key.
    let other = signed(&ids(4, 0)).cosign(&node("kaist", 11), at(0)).unwrap();
    let line = |note: &str| note.lines().last().unwrap().to_owned();
    let forged = Checkpoint::parse(&note.replace(&line(&note), &line(other.note()))).unwrap();
    assert_eq!(policy.judge(&forged), Err(PolicyRefusal::BadSignature { name: "kaist".to_owned() }));
    let stranger = node("seoul", 9);
    let log = MerkleLog::from_ids(&ids(3, 0));
    let theirs = Checkpoint::sign(ORIGIN, 3, log.root(), &stranger).unwrap();
    assert!(matches!(policy.judge(&theirs), Err(PolicyRefusal::UnknownLog { .. })));
}

#[test]
fn each_wrong_line_of_a_policy_is_named() {
    let [kaist, ..] = vkeys();
    let log = log_key();
    for (groups, code, line) in [
        ("quorum nobody\n", "policy::undefined_name", 6),
        ("group KR any kaist nobody\nquorum KR\n", "policy::undefined_name", 6),
        ("group KR all KR\nquorum KR\n", "policy::undefined_name", 6),
        ("group KR 3 kaist court\nquorum KR\n", "policy::bad_threshold", 6),
        ("group KR 0 kaist\nquorum none\n", "policy::bad_threshold", 6),
        ("group KR some kaist\nquorum none\n", "policy::bad_threshold", 6),
        ("group KR any kaist kaist\nquorum KR\n", "policy::member_twice", 6),
        ("group KR any kaist\ngroup US any kaist\nquorum KR\n", "policy::member_twice", 7),
        ("group KR any kaist\ngroup JP any KR\nquorum JP\n", "policy::nested_nation", 7),
        ("group KR any kaist\ngroup x any KR\ngroup JP any x\nquorum JP\n", "policy::nested_nation", 8),
        ("group none any kaist\nquorum none\n", "policy::reserved_name", 6),
        ("group kaist any court\nquorum none\n", "policy::duplicate_name", 6),
        (&format!("witness again {kaist}\nquorum none\n"), "policy::duplicate_key", 6),
        (&format!("log {log}\nquorum none\n"), "policy::duplicate_key", 6),
        (&format!("witness log {log}\nquorum none\n"), "policy::wrong_key_type", 6),
        ("witness x y\nquorum none\n", "policy::bad_key", 6),
        ("quorum none\nquorum none\n", "policy::second_quorum", 7),
        ("group KR\nquorum none\n", "policy::bad_line", 6),
        ("Quorum none\nquorum none\n", "policy::unknown_keyword", 6),
        ("quorum none\r\nquorum none\n", "policy::bad_octet", 6),
    ] {
        let (read, faults) = policy(groups);
        assert_eq!(faults.first(), Some(&(code.to_owned(), Some(line))), "{groups}");
        assert!(read.is_none(), "{groups}");
    }
    assert_eq!(policy("").1, [("policy::no_quorum".to_owned(), None)]);
}

#[test]
fn checkpoints_are_compared() {
    let (a, b) = (ids(5, 0), ids(9, 0));
    let proof = MerkleLog::from_ids(&b).consistency(5, 9).unwrap();
    assert_eq!(compare(&signed(&a), &signed(&a), None), Comparison::Same);
    assert_eq!(compare(&signed(&a), &signed(&ids(5, 1)), None), Comparison::SplitView);
    assert_eq!(compare(&signed(&b), &signed(&a), Some(&proof)), Comparison::Grown);
    assert_eq!(compare(&signed(&ids(0, 0)), &signed(&a), None), Comparison::Grown);
    // A proof that is not there, or does not hold, proves nothing.
    assert_eq!(compare(&signed(&a), &signed(&b), None), Comparison::Unproven);
    assert_eq!(compare(&signed(&ids(5, 1)), &signed(&b), Some(&proof)), Comparison::Unproven);
    let lane = Checkpoint::sign("bongsu/seoul/to/tokyo/routine", 5, [0; 32], &seoul()).unwrap();
    assert_eq!(compare(&signed(&a), &lane, None), Comparison::OtherLog);
}

fn leaf(ids: &[EntryId], index: u64) -> LeafAt {
    let log = MerkleLog::from_ids(ids);
    let place = usize::try_from(index).unwrap();
    LeafAt { leaf: leaf_hash(&ids[place]), path: log.inclusion(index, log.size()).unwrap() }
}

/// One proof of each kind.
fn proofs() -> Vec<FraudProof> {
    let (honest, other) = (ids(5, 0), ids(9, 1));
    let fork = ForkAt { index: 3, first: leaf(&honest, 3), second: leaf(&other, 3) };
    let by_court =
        |ids: &[EntryId], second| witness(&ask(ids, 0), &[log_key()], None, &court(), at(second)).unwrap();
    let (larger, smaller) = (by_court(&ids(9, 0), 0), by_court(&honest, 60));
    vec![
        FraudProof::split_view(log_key(), &signed(&honest), &signed(&ids(5, 1))).unwrap(),
        FraudProof::fork(log_key(), &signed(&honest), &signed(&other), fork).unwrap(),
        FraudProof::rewind(log_key(), &larger, &smaller, court().verifier()).unwrap(),
    ]
}

#[test]
fn a_receiver_of_two_histories_proves_it() {
    let mut forked = ids(9, 0);
    forked[4] = ids(9, 1)[4];
    let (held, shown) = (ids(6, 0), forked);
    let between =
        |a: &[EntryId], b: &[EntryId]| FraudProof::between(log_key(), (&signed(a), a), (&signed(b), b));
    let proof = between(&held, &shown).unwrap();
    assert_eq!((proof.kind, proof.fork.unwrap().index), (FraudKind::Fork, 4));
    assert_eq!(between(&held, &shown[..6]).unwrap().kind, FraudKind::SplitView);
    assert!(between(&held, &ids(9, 0)).is_err());
    let other = FraudProof::between(log_key(), (&signed(&held), &held), (&signed(&ids(9, 2)), &shown));
    assert!(matches!(other, Err(FraudError::NoContradiction { .. })), "{other:?}");
}

#[test]
fn what_is_no_contradiction_is_no_proof() {
    let (a, b) = (signed(&ids(5, 0)), signed(&ids(9, 0)));
    let none = |result: Result<FraudProof, FraudError>| {
        assert!(matches!(result, Err(FraudError::NoContradiction { .. })), "{result:?}");
    };
    none(FraudProof::split_view(log_key(), &a, &a));
    none(FraudProof::split_view(log_key(), &a, &b));
    let same = ForkAt { index: 3, first: leaf(&ids(5, 0), 3), second: leaf(&ids(9, 0), 3) };
    none(FraudProof::fork(log_key(), &a, &b, same.clone()));
    let false_path = ForkAt { second: leaf(&ids(9, 1), 3), ..same };
    none(FraudProof::fork(log_key(), &a, &b, false_path));
    let by = |checkpoint: &Checkpoint, second| {
        witness(&first(checkpoint), &[log_key()], None, &court(), at(second)).unwrap()
    };
    none(FraudProof::rewind(log_key(), &by(&b, 60), &by(&a, 0), court().verifier()));
    none(FraudProof::rewind(log_key(), &by(&a, 0), &by(&b, 60), court().verifier()));
    let unsigned = FraudProof::rewind(log_key(), &b, &a, court().verifier());
    assert!(matches!(unsigned, Err(FraudError::NotSigned { which: "first", .. })));
    let stranger = node("seoul", 9);
    let other_key = VerifierKey::log(stranger.name(), &stranger.public());
    let result = FraudProof::split_view(other_key, &a, &signed(&ids(5, 1)));
    assert!(matches!(result, Err(FraudError::NotSigned { .. })));
}

#[test]
fn both_verifiers_read_proofs_of_fraud() {
    let folder = tempfile::tempdir().unwrap();
    let (mut runs, mut wanted) = (Vec::new(), Vec::new());
    let mut put = |bytes: &[u8], right: bool| {
        let path = folder.path().join(format!("{}.json", runs.len()));
        std::fs::write(&path, bytes).unwrap();
        runs.push(vec![path.to_str().unwrap().to_owned()]);
        let code = FraudProof::read(bytes).err().map(|error| error.code().to_owned());
        assert!(code.is_none() || !right, "{code:?}: {}", String::from_utf8_lossy(bytes));
        wanted.push(Said { exit: i64::from(code.is_some()), code, evidence: None });
    };
    let kinds = [FraudKind::SplitView, FraudKind::Fork, FraudKind::Rewind];
    for (proof, kind) in proofs().into_iter().zip(kinds) {
        let bytes = proof.to_bytes();
        assert_eq!((proof.kind, FraudProof::read(&bytes).unwrap() == proof), (kind, true));
        put(&bytes, true);
        let swapped =
            FraudProof { first: proof.second.clone(), second: proof.first.clone(), ..proof.clone() };
        let same = FraudProof { second: proof.first.clone(), ..proof.clone() };
        let later = FraudProof { schema: "bongsu.fraud-proof/2".to_owned(), ..proof.clone() };
        for other in [swapped, same, later] {
            put(&other.to_bytes(), false);
        }
        for at in (1..bytes.len()).step_by(3) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            put(&flipped, false);
        }
    }
    for ((theirs, ours), run) in python(&runs).iter().zip(&wanted).zip(&runs) {
        let shown = std::fs::read(&run[0]).unwrap();
        assert_eq!(theirs, ours, "{}", String::from_utf8_lossy(&shown));
    }
}
