//! What tests of several rooms share. Nothing that ships depends on it.
//!
//! **Invariant:** nothing here knows a room above `base`, so that any room's tests may use it; and nothing here draws
//! from a clock or from the system's randomness: a failing case is repeated by its seed.

pub mod corpus;
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
    assert_eq!(sorted_text(base::to_document(&read)?), golden);
    Ok(())
}

/// A document over several lines with its fields sorted: whether JSON maps keep the order in which they were filled
/// depends on what else is built.
pub fn sorted_text(document: serde_json::Value) -> String {
    format!("{:#}\n", sorted(document))
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let fields: std::collections::BTreeMap<_, _> =
                fields.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}
