//! Space incidents in STIX: typed extensions in the place of free text.

mod export;
mod fields;
mod incident;

pub use export::{ExportContext, export_finding, export_space_incident, extension_definitions};
pub use fields::{SPACE_INCIDENT_FIELDS, SpaceIncidentField};
pub use incident::{
    AnomalyType, Attitude, EarthFixedState, FrequencyBand, GroundStation, LinkDirection, OrbitRegime, Point,
    Polarization, SatelliteStatus, SpaceIncident, TwoLineElements, gps_to_utc,
};

/// The id of the extension `space-incident/1`.
pub const SPACE_INCIDENT_EXTENSION: &str = "extension-definition--7c6f2d0e-4a55-4b0d-9c2e-5d1f0f6a9b31";
/// The id of the extension `finding/1`.
pub const FINDING_EXTENSION: &str = "extension-definition--0b7d5c84-93c1-4e0f-8a6b-2f4f5c1e7d92";
