//! Cyber threat intelligence: STIX objects kept byte for byte, judged, told of, and patterns over observations.
//!
//! A [`Pattern`] is parsed once and held against [`Observations`]; a [`PatternSet`] holds many patterns against them at
//! once.
//!
//! **Invariant:** nothing here speaks HTTP, reads a clock or opens a file; bytes and times are handed
//! in, and no pattern and no observation can make it work without bound: [`PatternLimits`] ends each evaluation.
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

mod indicator;
mod lines;
mod logs;
mod matching;
mod matrix;
mod misp;
mod pattern;
mod space;
mod spec_version;
mod stix;
pub mod taxii;
mod technique;

pub use indicator::{
    Change, Indicator, IndicatorError, IndicatorFormat, IndicatorKind, IndicatorReader, IndicatorSet,
    IndicatorsRead, Origin, OriginId, SearchKeys, SetBuilder, SetError, SetStatistics, Validity,
    Warninglists, indicators_in_pattern,
};
pub use logs::{FieldType, LineShape, LogFormat, detect_log_format, field_type};
pub use matching::{
    AfterLine, Hit, HitContext, HitGroup, HitGroups, HitLine, LogEvent, LogLine, LogLines, LogPosition,
    MatchOptions, MatchSummary, Matcher, Sighting, StoredLine, finding_of_hits, log_lines, match_log,
    match_stored, observation_of_event, observation_of_hits, read_events, sightings_of_hits,
};
pub use matrix::{TechniqueMatrix, TechniqueSeen};
pub use misp::{
    MispAttribute, MispCluster, MispDistance, MispDistribution, MispEvent, MispFeed, MispFeedEntry,
    MispFeedFiles, MispFromStix, MispGalaxy, MispGalaxyFile, MispHash, MispMember, MispObject,
    MispOrganisation, MispReach, MispRead, MispReference, MispReport, MispSharingGroup, MispSighting,
    MispTag, MispToStix, looks_like_misp, misp_to_stix, read_misp, read_misp_galaxy, read_misp_hashes,
    read_misp_manifest, stix_to_misp, write_misp_event, write_misp_feed,
};
pub use pattern::{
    Binding, MAX_OBSERVED_BYTES, MAX_PATTERN_BYTES, MAX_PATTERN_NESTING, MatchError, ObservationIndex,
    Observations, Pattern, PatternFault, PatternLimits, PatternMatch, PatternMatcher, PatternSet,
    ReadObservations, SetMatches, Span, Unreadable, ValueFault,
};
pub use space::{
    AnomalyType, Attitude, EarthFixedState, ExportContext, FINDING_EXTENSION, FrequencyBand, GroundStation,
    LinkDirection, OrbitRegime, Point, Polarization, SPACE_INCIDENT_EXTENSION, SPACE_INCIDENT_FIELDS,
    SatelliteStatus, SpaceIncident, SpaceIncidentField, TwoLineElements, export_finding,
    export_space_incident, extension_definitions, gps_to_utc,
};
pub use spec_version::SpecVersion;
pub use stix::{
    BundleCheck, BundleReader, Check, Checks, Frame, GranularMarking, Header, Inserted, Level, MAX_DEPTH,
    ObjectVersion, Piece, RawObject, ReadLimits, UnknownCheck, Upgraded, ValidateOptions, Verdict, Version,
    Versions, Violation, deterministic_id, upgrade, validate, validate_frame, validate_member,
    validate_object,
};
pub use technique::{Framework, Relation, Technique, TechniqueIndex, TechniqueKind};
