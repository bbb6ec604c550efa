//! What tests of several rooms share. Nothing that ships depends on it.
//!
//! **Invariant:** nothing here knows a room above `base`, so that any room's tests may use it; and nothing here draws
//! from a clock or from the system's randomness: a failing case is repeated by its seed.

mod history;
pub mod nouns;

pub use history::{SimulatedBurn, SimulatedHistory, sample_history};

/// Checks that a golden document reads as the noun `T` and is written again byte for byte.
///
/// # Errors
/// When it cannot be read or written.
///
/// # Panics
/// When the bytes differ: that is a change of the format and needs a new version in the schema name.
pub fn noun_golden<T: base::Noun>(golden: &str) -> Result<(), Box<dyn std::error::Error>> {
    let read: T = base::from_document(&serde_json::from_str(golden)?)?;
    assert_eq!(serde_json::to_string_pretty(&base::to_document(&read)?)? + "\n", golden);
    Ok(())
}
