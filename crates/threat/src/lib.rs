//! Cyber threat intelligence: STIX objects kept byte for byte, judged, and told of.
//!
//! **Invariant:** nothing here speaks HTTP, reads a clock or opens a file; bytes and times are handed in.

mod stix;

pub use stix::{
    BundleCheck, Check, Checks, GranularMarking, Header, Level, MAX_DEPTH, UnknownCheck, ValidateOptions,
    Verdict, Violation, deterministic_id, validate, validate_object,
};
