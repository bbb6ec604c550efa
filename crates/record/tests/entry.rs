//! Entries, the Merkle log and checkpoints by themselves.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its input has failed")]

use base::{Country, EntryId, Marked, Marking, Recall, Timestamp};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use rand_core::OsRng;
use record::{Checkpoint, Entry, EntryError, MerkleLog, NodeKey, inclusion_holds};
use serde_json::Value;

fn key(name: &str) -> NodeKey {
    NodeKey::generate(name.parse().unwrap(), &mut OsRng)
}

fn now() -> Timestamp {
    "2026-03-10T12:00:00.5Z".parse().unwrap()
}

fn sign(reason: &str, key: &NodeKey) -> Entry {
    let recall = Recall {
        target: EntryId::from_bytes([3; 32]),
        reason: reason.to_owned(),
        marking: Marking::new("RESTRICTED", &["USA"], "KOR"),
    };
    let country: Country = "KOR".parse().unwrap();
    Entry::sign(&recall, &country, key, now(), &mut OsRng).unwrap()
}

proptest! {
    #[test]
    fn an_envelope_reads_back_to_the_same_entry(reason in ".{0,200}") {
        let entry = sign(&reason, &key("seoul"));
        let text = serde_json::to_string(&entry).unwrap();
        let back = Entry::from_envelope(&serde_json::from_str(&text).unwrap()).unwrap();
        prop_assert_eq!(&back, &entry);
        prop_assert_eq!(back.noun::<Recall>().unwrap().reason, reason);
    }

    #[test]
    fn one_flipped_bit_of_payload_or_signature_is_refused(bit in 0_usize..4000) {
        let entry = sign("x", &key("seoul"));
        let mut payload = entry.payload().to_vec();
        let mut signature = *entry.signature();
        let total = payload.len() * 8 + 512;
        let bit = bit % total;
        if bit < payload.len() * 8 { payload[bit / 8] ^= 1 << (bit % 8) }
        else { let b = bit - payload.len() * 8; signature[b / 8] ^= 1 << (b % 8) }
        prop_assert!(Entry::from_parts(payload, entry.key(), signature).is_err());
    }

    #[test]
    fn random_envelopes_are_refused_without_panic(text in ".{0,300}") {
        let value = serde_json::from_str::<Value>(&text).unwrap_or(Value::String(text));
        prop_assert!(Entry::from_envelope(&value).is_err());
    }

    /// Against an independent implementation of RFC 6962.
    #[test]
    fn roots_equal_those_of_another_library(n in 0_usize..300) {
        let ids: Vec<_> = (0..n).map(|i| EntryId::from_bytes([i as u8 ^ (i >> 3) as u8; 32])).collect();
        let mut other = MemoryBackedTree::<sha2_011::Sha256, Vec<u8>>::new();
        for id in &ids { other.push(id.as_bytes().to_vec()); }
        let other = other.root();
        prop_assert_eq!(&MerkleLog::from_ids(&ids).root()[..], &other.as_bytes()[..]);
    }

    #[test]
    fn inclusion_proofs_hold_for_the_leaf_and_for_no_other(size in 1_u64..600, pick in 0_u64..600) {
        let ids: Vec<_> = (0..size).map(|i| { let mut b = [0; 32]; b[..8].copy_from_slice(&i.to_be_bytes()); EntryId::from_bytes(b) }).collect();
        let log = MerkleLog::from_ids(&ids);
        let index = pick % size;
        let proof = log.inclusion(index, size).unwrap();
        prop_assert!(inclusion_holds(&proof, size, log.root(), index, &ids[index as usize]));
        prop_assert!(!inclusion_holds(&proof, size, log.root(), index, &EntryId::from_bytes([9; 32])));
        prop_assert!(log.inclusion(size, size).is_err());
    }
}

#[test]
fn same_content_twice_has_two_ids() {
    let key = key("seoul");
    assert_ne!(sign("x", &key).id(), sign("x", &key).id(), "the salt must hide equal content");
}

#[test]
fn another_spelling_of_the_same_json_is_refused() {
    let key = key("seoul");
    let entry = sign("x", &key);
    let spaced = String::from_utf8(entry.payload().to_vec()).unwrap().replacen(':', ": ", 1);
    // The signature fails first; a signer that writes loosely is refused by the canonical check.
    assert!(matches!(
        Entry::from_parts(spaced.into_bytes(), entry.key(), *entry.signature()),
        Err(EntryError::Key(_))
    ));
}

#[test]
fn marking_is_read_from_the_body() {
    let entry = sign("x", &key("seoul"));
    assert_eq!(entry.marking().unwrap().level, "RESTRICTED");
    assert_eq!(entry.kind(), "bongsu.recall/1");
}

#[test]
fn checkpoints_hold_for_their_log_and_key_only() {
    let (seoul, other) = (key("seoul"), key("seoul"));
    let checkpoint = Checkpoint::sign("bongsu/seoul/home", 5, [1; 32], &seoul).unwrap();
    let name = "seoul".parse().unwrap();
    assert_eq!(checkpoint.check("bongsu/seoul/home", &name, &seoul.public()), Ok(()));
    assert!(checkpoint.check("bongsu/seoul/other", &name, &seoul.public()).is_err());
    assert!(checkpoint.check("bongsu/seoul/home", &name, &other.public()).is_err());
    assert!(checkpoint.check_root([2; 32]).is_err());
    let washington = key("washington");
    let acked = checkpoint.cosign(&washington, now()).unwrap();
    let theirs = "washington".parse().unwrap();
    assert_eq!(acked.check_cosigned(&theirs, &washington.public()), Ok(()));
    assert!(acked.check_cosigned(&theirs, &seoul.public()).is_err());
    assert!(checkpoint.check_cosigned(&theirs, &washington.public()).is_err());
    assert_eq!(Checkpoint::parse(acked.note()).unwrap(), acked);
}

/// The example of the C2SP signed-note and tlog-checkpoint specifications has this shape; a Go tool reads ours.
#[test]
fn a_checkpoint_has_the_form_of_the_specification() {
    let checkpoint = Checkpoint::sign("bongsu/seoul/home", 1, [0; 32], &key("seoul")).unwrap();
    let lines: Vec<_> = checkpoint.note().lines().collect();
    assert_eq!(lines[..4], ["bongsu/seoul/home", "1", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", ""]);
    assert!(lines[4].starts_with("— seoul "));
    assert_eq!(lines.len(), 5);
}
