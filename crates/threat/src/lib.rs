//! Threat intelligence: STIX patterns over observations.
//!
//! A [`Pattern`] is parsed once and held against [`Observations`]; a [`PatternSet`] holds many patterns against them at
//! once.
//!
//! **Invariant:** nothing here reads a clock, a file or a socket, and no pattern and no observation can make it work
//! without bound: [`PatternLimits`] ends each evaluation.
//!
//! ```
//! use threat::{PatternLimits, Observations, Pattern, SpecVersion};
//!
//! let pattern = Pattern::parse("[file:name LIKE 'invoice%' AND file:size > 5]", SpecVersion::V2_1).unwrap();
//! let read = Observations::from_json(br#"[{"type": "observed-data", "id": "observed-data--1",
//!     "first_observed": "2026-01-01T00:00:00Z", "last_observed": "2026-01-01T00:00:00Z", "number_observed": 1,
//!     "objects": {"0": {"type": "file", "name": "invoice.exe", "size": 7}}}]"#);
//! assert!(read.faults.is_empty());
//! let found = pattern.matches(&read.observations, &PatternLimits::default()).unwrap().unwrap();
//! assert_eq!(found.observations().len(), 1);
//! ```

mod pattern;

pub use pattern::{
    Binding, MAX_OBSERVED_BYTES, MAX_PATTERN_BYTES, MAX_PATTERN_NESTING, MatchError, ObservationIndex,
    Observations, Pattern, PatternFault, PatternLimits, PatternMatch, PatternMatcher, PatternSet,
    ReadObservations, SetMatches, Span, SpecVersion, Unreadable, ValueFault,
};
