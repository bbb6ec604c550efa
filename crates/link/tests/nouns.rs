//! The wire form of this room's noun, byte for byte.

use link::Refused;
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
