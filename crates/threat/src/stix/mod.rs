//! STIX objects: read, kept byte for byte, validated.

mod header;
mod json;
mod pattern_syntax;
mod sco_id;
mod validate;

pub use header::{GranularMarking, Header};
pub use json::MAX_DEPTH;
pub use sco_id::deterministic_id;
pub use validate::{
    BundleCheck, Check, Checks, Level, UnknownCheck, ValidateOptions, Verdict, Violation, validate,
    validate_object,
};
