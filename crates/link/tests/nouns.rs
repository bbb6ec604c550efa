//! The wire form of this room's nouns, byte for byte.

use link::{Agreement, DerivativeFlag, Grant, RecallReceipt, Refused, ReleaseRequest};
use testkit::noun_golden;

#[test]
fn refusal() -> Result<(), Box<dyn std::error::Error>> {
    noun_golden::<Refused>(include_str!("data/golden/refusal.json"))
}

/// With all that may be left out left out.
#[test]
fn refusal_bare() -> Result<(), Box<dyn std::error::Error>> {
    noun_golden::<Refused>(include_str!("data/golden/refusal_bare.json"))
}

#[test]
fn release_request() -> Result<(), Box<dyn std::error::Error>> {
    noun_golden::<ReleaseRequest>(include_str!("data/golden/release_request.json"))
}

#[test]
fn grant() -> Result<(), Box<dyn std::error::Error>> {
    noun_golden::<Grant>(include_str!("data/golden/grant.json"))
}

#[test]
fn recall_receipt() -> Result<(), Box<dyn std::error::Error>> {
    noun_golden::<RecallReceipt>(include_str!("data/golden/recall_receipt.json"))
}

#[test]
fn derivative_flag() -> Result<(), Box<dyn std::error::Error>> {
    noun_golden::<DerivativeFlag>(include_str!("data/golden/derivative_flag.json"))
}

#[test]
fn agreement() -> Result<(), Box<dyn std::error::Error>> {
    noun_golden::<Agreement>(include_str!("data/golden/agreement.json"))
}
