//! Cyber threat intelligence: STIX objects kept byte for byte, judged, and told of.
//!
//! **Invariant:** nothing here speaks HTTP, reads a clock or opens a file; bytes and times are handed in.

mod space;
mod stix;
mod technique;

pub use space::{
    AnomalyType, Attitude, EarthFixedState, ExportContext, FINDING_EXTENSION, FrequencyBand, GroundStation,
    LinkDirection, OrbitRegime, Point, Polarization, SPACE_INCIDENT_EXTENSION, SPACE_INCIDENT_FIELDS,
    SatelliteStatus, SpaceIncident, SpaceIncidentField, TwoLineElements, export_finding,
    export_space_incident, extension_definitions, gps_to_utc,
};
pub use stix::{
    BundleCheck, BundleReader, Check, Checks, Frame, GranularMarking, Header, Inserted, Level, MAX_DEPTH,
    ObjectVersion, Piece, RawObject, ReadLimits, SpecVersion, UnknownCheck, Upgraded, ValidateOptions,
    Verdict, Version, Versions, Violation, deterministic_id, upgrade, validate, validate_frame,
    validate_member, validate_object,
};
pub use technique::{Framework, Relation, Technique, TechniqueIndex, TechniqueKind};
