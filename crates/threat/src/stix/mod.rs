//! STIX objects: read, kept byte for byte, validated.

mod brackets;
mod feed;
mod frame;
mod header;
pub(crate) mod json;
mod reader;
mod sco_id;
mod upgrade;
mod validate;
mod version;

pub use frame::Frame;
pub use header::{GranularMarking, Header};
pub use json::MAX_DEPTH;
pub use reader::{BundleReader, Piece, RawObject, ReadLimits};
pub use sco_id::deterministic_id;
pub(crate) use sco_id::{is_observable_type, plain};
pub use upgrade::{Upgraded, upgrade};
pub use validate::{
    BundleCheck, Check, Checks, Level, UnknownCheck, ValidateOptions, Verdict, Violation, validate,
    validate_frame, validate_member, validate_object,
};
pub use version::{Inserted, ObjectVersion, Version, Versions};
