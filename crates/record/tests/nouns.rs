//! The wire form of this room's nouns, byte for byte, and back.

use base::Noun;
use proptest::prelude::*;
use record::{Entry, Genesis, Peer, Program};
use serde_json::Value;
use testkit::noun_golden;
use testkit::nouns::{country, key_fingerprint, marking, node_name, text};

#[test]
fn genesis() -> Result<(), Box<dyn std::error::Error>> {
    noun_golden::<Genesis>(include_str!("data/golden/genesis.json"))
}

#[test]
fn peer() -> Result<(), Box<dyn std::error::Error>> {
    noun_golden::<Peer>(include_str!("data/golden/peer.json"))
}

#[test]
fn program() -> Result<(), Box<dyn std::error::Error>> {
    noun_golden::<Program>(include_str!("data/golden/program.json"))
}

/// A signed entry of the first version must read for ever.
#[test]
fn entry() -> Result<(), Box<dyn std::error::Error>> {
    let golden = include_str!("data/golden/entry.json");
    let entry = Entry::from_envelope(&serde_json::from_str::<Value>(golden)?)?;
    assert_eq!(entry.id().to_string(), "e75db59da15632ecd2a7aaa68f5f997715ce8147230370816bad729ced71ed15");
    assert_eq!(testkit::sorted_text(serde_json::to_value(&entry)?), golden);
    Ok(())
}

fn same<T: Noun + PartialEq + std::fmt::Debug>(noun: &T) -> Result<(), TestCaseError> {
    let written = base::to_document(noun).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let bytes = written.to_string();
    let read: Value = serde_json::from_str(&bytes).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let read: T = base::from_document(&read).map_err(|e| TestCaseError::fail(e.to_string()))?;
    prop_assert_eq!(noun, &read);
    Ok(())
}

proptest! {
    #[test]
    fn genesis_there_and_back(
        node in node_name(), title in text(), country in country(), version in text(), marking in marking(),
    ) {
        same(&Genesis { node, title, country, version, marking })?;
    }

    #[test]
    fn peer_there_and_back(
        (node, title, country) in (node_name(), text(), country()),
        (clearance, key, address) in (text(), text(), text()),
        certificate in key_fingerprint(),
        marking in marking(),
    ) {
        same(&Peer { node, title, country, clearance, key, certificate, address, marking })?;
    }
}
