/// A reporting element of radio-frequency and electro-optical interference with satellites, and the property that holds
/// it. The elements are those of the contribution of the Space ISAC to the OASIS SATIS committee (July 2025), which put
/// thirteen of them into free text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceIncidentField {
    /// The element, in the words of the contribution.
    pub element: &'static str,
    /// The property of the extension, or of the STIX object that holds it.
    pub property: &'static str,
    /// Its type and unit.
    pub form: &'static str,
}

/// All 23 elements.
pub const SPACE_INCIDENT_FIELDS: &[SpaceIncidentField] = &[
    field("Aerospace SPARTA TTP", "sparta_techniques", "list of SPARTA ids; each also an attack-pattern"),
    field("Anomaly Details", "anomaly_title", "string; also the name of the incident"),
    field(
        "Anomaly Type Capture",
        "anomaly_types",
        "list of interference, jamming, spoofing, laser, kinetic, cyber, space-weather, unknown",
    ),
    field("Any additional anomalies captured", "additional_anomalies", "list of strings"),
    field(
        "Associated Ground Station at Point of Impact or Anomaly",
        "ground_stations",
        "list of name and point; each also an infrastructure",
    ),
    field(
        "Exhibited Anomaly Capture (Narrative)",
        "narrative",
        "string; also the description of the incident",
    ),
    field("Exhibited Anomaly Payload Impact", "payload_impact", "string"),
    field("Frequency Band Impacted", "frequency_bands", "list of low_hz, high_hz, designation"),
    field(
        "GPS time, ECEF position and velocity",
        "states",
        "list of gps_time, position_m[3], velocity_m_s[3], Earth-fixed",
    ),
    field("MITRE ATT&CK TTP", "attack_techniques", "list of ATT&CK ids; each also an attack-pattern"),
    field("MITRE D3FEND", "d3fend_techniques", "list of D3FEND ids; each also a course-of-action"),
    field("MITRE FIGHT TTP", "fight_techniques", "list of FiGHT ids; each also an attack-pattern"),
    field("NORAD ID", "norad_ids", "list of integers; each also an identity"),
    field("Orbit (LEO, SSO, HEO, MEO, GEO)", "orbit_regime", "one of leo, sso, heo, meo, geo"),
    field(
        "Orbital Altitude at Point of Anomaly Capture",
        "altitude_km",
        "number, kilometres above the ellipsoid",
    ),
    field(
        "Polarization",
        "polarization",
        "one of horizontal, vertical, right-circular, left-circular, unpolarized, unknown",
    ),
    field(
        "Post Event Status of Satellite",
        "satellite_status",
        "one of operational, degraded, non-operational, unknown",
    ),
    field("Sensor Field of View", "field_of_view_deg", "number, degrees"),
    field("Sensor Pointing Angle(s) During Anomaly", "attitudes", "list of gps_time and unit quaternion[4]"),
    field(
        "Terrestrial Lat/Long (SSO and LEO)",
        "ground_points",
        "list of latitude_deg, longitude_deg; each also a location",
    ),
    field("TLE Before & TLE After", "elements_before, elements_after", "two element sets of two lines each"),
    field("Uplink or Downlink Impacted", "link_directions", "list of uplink, downlink, crosslink"),
    field("UTC Correlated Event Start/Stop (Provides Duration)", "start_time, stop_time", "timestamps, UTC"),
];

const fn field(element: &'static str, property: &'static str, form: &'static str) -> SpaceIncidentField {
    SpaceIncidentField { element, property, form }
}
