use base::{Fault, NoradId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::stix::json;

/// Interference with a satellite or its links, as its operator reports it. What was not observed is left out.
///
/// [`crate::SPACE_INCIDENT_FIELDS`] says which reporting element each field holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpaceIncident {
    /// One line for people.
    pub anomaly_title: String,
    /// What sort of anomaly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub anomaly_types: Vec<AnomalyType>,
    /// What else was seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_anomalies: Vec<String>,
    /// What happened, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrative: Option<String>,
    /// What it did to the payload, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_impact: Option<String>,
    /// When it began, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// When it ended, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_time: Option<Timestamp>,
    /// The satellites.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub norad_ids: Vec<NoradId>,
    /// What orbit they are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orbit_regime: Option<OrbitRegime>,
    /// Height above the ellipsoid at the anomaly, kilometres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub altitude_km: Option<f64>,
    /// Where the satellite was and how it moved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<EarthFixedState>,
    /// Places on the ground that the anomaly is correlated with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ground_points: Vec<Point>,
    /// The last element set before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elements_before: Option<TwoLineElements>,
    /// The first element set after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elements_after: Option<TwoLineElements>,
    /// Ground stations at the point of impact.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ground_stations: Vec<GroundStation>,
    /// Which way the link that suffered goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub link_directions: Vec<LinkDirection>,
    /// What frequencies suffered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frequency_bands: Vec<FrequencyBand>,
    /// Polarization of the interference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polarization: Option<Polarization>,
    /// Field of view of the sensor, degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field_of_view_deg: Option<f64>,
    /// How the sensor pointed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attitudes: Vec<Attitude>,
    /// How the satellite was afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub satellite_status: Option<SatelliteStatus>,
    /// SPARTA ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sparta_techniques: Vec<String>,
    /// ATT&CK ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attack_techniques: Vec<String>,
    /// FiGHT ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fight_techniques: Vec<String>,
    /// D3FEND ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub d3fend_techniques: Vec<String>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$of])* $variant,)* }
    };
}

words! {
    /// What sort of anomaly.
    AnomalyType {
        /// Energy in the band, without a known intent.
        Interference,
        /// Energy in the band to deny it.
        Jamming,
        /// False signals.
        Spoofing,
        /// Light at a sensor.
        Laser,
        /// A body.
        Kinetic,
        /// Through computers.
        Cyber,
        /// The Sun.
        SpaceWeather,
        /// Not known.
        Unknown,
    }
}

words! {
    /// What orbit.
    OrbitRegime {
        /// Low.
        Leo,
        /// Sun-synchronous.
        Sso,
        /// Highly elliptical.
        Heo,
        /// Medium.
        Meo,
        /// Geosynchronous.
        Geo,
    }
}

words! {
    /// Polarization of a signal.
    Polarization {
        /// Linear, horizontal.
        Horizontal,
        /// Linear, vertical.
        Vertical,
        /// Circular, right-handed.
        RightCircular,
        /// Circular, left-handed.
        LeftCircular,
        /// None.
        Unpolarized,
        /// Not known.
        Unknown,
    }
}

words! {
    /// How a satellite is.
    SatelliteStatus {
        /// As before.
        Operational,
        /// Works in part.
        Degraded,
        /// Does not work.
        NonOperational,
        /// Not known.
        Unknown,
    }
}

words! {
    /// Which way a link goes.
    LinkDirection {
        /// To the satellite.
        Uplink,
        /// From the satellite.
        Downlink,
        /// Between satellites.
        Crosslink,
    }
}

/// Position and velocity in the Earth-fixed frame (ECEF).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarthFixedState {
    /// GPS time, which has no leap seconds: `2025-01-05T10:07:30.399842000`, without a zone.
    pub gps_time: String,
    /// Metres.
    pub position_m: [f64; 3],
    /// Metres a second.
    pub velocity_m_s: [f64; 3],
}

/// How a sensor pointed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attitude {
    /// GPS time.
    pub gps_time: String,
    /// Unit quaternion in the order of the report.
    pub quaternion: [f64; 4],
}

/// A point on the ground, WGS-84, degrees north and east.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Degrees north.
    pub latitude_deg: f64,
    /// Degrees east.
    pub longitude_deg: f64,
}

/// A ground station.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroundStation {
    /// Its name.
    pub name: String,
    /// Where it is, when that may be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<Point>,
}

/// Frequencies from `low_hz` to `high_hz`; both are the same for a single one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrequencyBand {
    /// Hertz.
    pub low_hz: f64,
    /// Hertz.
    pub high_hz: f64,
    /// What the band is called: `X`, `L1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub designation: Option<String>,
}

/// An element set as it is passed around.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwoLineElements {
    /// The first line.
    pub line1: String,
    /// The second line.
    pub line2: String,
}

impl SpaceIncident {
    /// Reads the extension of a STIX incident.
    ///
    /// # Errors
    /// `threat::not_json` and the like, `threat::no_extension` when the object does not have it, `threat::bad_extension`
    /// when a field has another form, with what is expected.
    pub fn from_stix(object: &[u8]) -> Result<Self, Box<Fault>> {
        let node = json::parse(object).map_err(|error| Box::new(error.to_fault(0)))?;
        let bad = |message: String, field: &str, extension: &json::Node<'_>| {
            let fault = Fault::error("threat::bad_extension", message).in_field(field);
            Box::new(fault.at_bytes(extension.start as u64, extension.end as u64))
        };
        let Some(extension) = node.get("extensions").and_then(|all| all.get(super::SPACE_INCIDENT_EXTENSION))
        else {
            let message = "the object has no space incident in `extensions`";
            return Err(Box::new(Fault::error("threat::no_extension", message).in_field("extensions")));
        };
        let read: Self =
            serde_json::from_slice(&object[extension.start..extension.end]).map_err(|error| {
                bad(format!("the space incident cannot be read: {error}"), "extensions", extension)
            })?;
        match read.wrong() {
            None => Ok(read),
            Some((field, message)) => Err(bad(message.to_owned(), field, extension)),
        }
    }

    /// The first field whose value cannot be, and why.
    pub fn wrong(&self) -> Option<(&'static str, &'static str)> {
        let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
        let on_earth = |point: &Point| {
            (-90.0..=90.0).contains(&point.latitude_deg) && (-180.0..=180.0).contains(&point.longitude_deg)
        };
        let stations = self.ground_stations.iter().filter_map(|one| one.point.as_ref());
        let unit =
            |one: &Attitude| (one.quaternion.iter().map(|part| part * part).sum::<f64>() - 1.0).abs() < 1e-3;
        let gps = |text: &str| gps_to_utc(text).is_some();
        if self.start_time.zip(self.stop_time).is_some_and(|(start, stop)| stop < start) {
            return Some(("stop_time", "must not be earlier than `start_time`"));
        }
        if !self.ground_points.iter().chain(stations).all(on_earth) {
            return Some(("ground_points", "latitude -90 to 90, longitude -180 to 180 degrees"));
        }
        if !self
            .states
            .iter()
            .all(|one| finite(&one.position_m) && finite(&one.velocity_m_s) && gps(&one.gps_time))
        {
            return Some(("states", "GPS time since 2017, metres and metres a second"));
        }
        if !self.attitudes.iter().all(|one| unit(one) && gps(&one.gps_time)) {
            return Some(("attitudes", "GPS time since 2017 and a quaternion of length 1"));
        }
        if !self
            .frequency_bands
            .iter()
            .all(|one| one.low_hz > 0.0 && one.high_hz >= one.low_hz && one.high_hz.is_finite())
        {
            return Some(("frequency_bands", "hertz, the lower first"));
        }
        if self.field_of_view_deg.is_some_and(|angle| !(angle > 0.0 && angle <= 360.0)) {
            return Some(("field_of_view_deg", "more than 0, at most 360 degrees"));
        }
        if self.altitude_km.is_some_and(|altitude| !(altitude > 0.0 && altitude.is_finite())) {
            return Some(("altitude_km", "kilometres above the ellipsoid"));
        }
        None
    }
}

/// UTC of a GPS time without zone. GPS is ahead by 18 s since 2017-01-01 (IERS Bulletin C 52, and no leap second since);
/// `None` for an earlier time or for what is no time.
pub fn gps_to_utc(text: &str) -> Option<Timestamp> {
    const OFFSET_SECONDS: i64 = 18;
    let gps: Timestamp = format!("{}Z", text.strip_suffix('Z').unwrap_or(text)).parse().ok()?;
    let first: Timestamp = "2017-01-01T00:00:18Z".parse().ok()?;
    (gps >= first).then(|| Timestamp::from_unix_nanos(gps.unix_nanos() - OFFSET_SECONDS * 1_000_000_000))
}
