//! Cyber threat intelligence: STIX objects kept byte for byte, judged, and told of.
//!
//! **Invariant:** nothing here speaks HTTP, reads a clock or opens a file; bytes and times are handed in.

mod stix;

pub use stix::{
    BundleCheck, BundleReader, Check, Checks, Frame, GranularMarking, Header, Inserted, Level, MAX_DEPTH,
    ObjectVersion, Piece, RawObject, ReadLimits, SpecVersion, UnknownCheck, Upgraded, ValidateOptions,
    Verdict, Version, Versions, Violation, deterministic_id, upgrade, validate, validate_frame,
    validate_object,
};
