//! A conjunction: two objects at their closest approach, out of a CDM and into one.

use base::{Fault, Interval, Timestamp};

use super::model::{Entry, Field, Message, MessageForm, MessageKind, Place, Section, Segment};
use super::read::Found;
use super::typed::{ccsds_time, digits, filled, made};
use super::{check, faults::Faults, schema::Table};
use crate::ElementSet;
use crate::frame::{Gcrf, State, cross, dot, minus, norm};
use crate::utc::parse_ccsds;

/// Angular speed of the Earth in rad/s (IERS Conventions 2010, table 1.1).
const EARTH_RATE_RAD_S: f64 = 7.292_115e-5;

/// The row and column names of a covariance in a CDM, in their order.
const AXES: [&str; 6] = ["R", "T", "N", "RDOT", "TDOT", "NDOT"];

/// Two objects at their closest approach.
#[derive(Debug, Clone, PartialEq)]
pub struct Conjunction {
    /// The time of closest approach, UTC.
    pub tca: Timestamp,
    /// Both objects, OBJECT1 first.
    pub objects: [ConjunctionObject; 2],
    /// The radius of both hard bodies together in m, from a comment `HBR = R`.
    pub hard_body_radius_m: Option<f64>,
    /// The probability of collision that the message names, with its method.
    pub probability: Option<(f64, String)>,
}

/// One object of a [`Conjunction`].
#[derive(Debug, Clone, PartialEq)]
pub struct ConjunctionObject {
    /// Its designator in the catalogue, say `25544`.
    pub designator: String,
    /// The catalogue, say `SATCAT`.
    pub catalogue: String,
    /// Its name.
    pub name: String,
    /// Its international designator, say `1998-067A`.
    pub international_designator: String,
    /// Whether it can manoeuvre, where that is known.
    pub manoeuvrable: Option<bool>,
    /// The frame of position and velocity: `EME2000`, `GCRF` or `ITRF`.
    pub ref_frame: String,
    /// Position in km.
    pub position_km: [f64; 3],
    /// Velocity in km/s.
    pub velocity_km_s: [f64; 3],
    /// The covariance in the object's own radial, transverse and normal axes, symmetric: m**2, m**2/s, m**2/s**2.
    pub covariance_rtn: [[f64; 6]; 6],
}

/// What a new CDM says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CdmHeader {
    /// When it was made, UTC.
    pub creation_date: Timestamp,
    /// Who made it.
    pub originator: String,
    /// Its identification, unique for the originator.
    pub message_id: String,
    /// The span of time that was screened.
    pub screened: Option<Interval>,
}

impl ConjunctionObject {
    /// The object of `set` at `state`. The covariance is the caller's to know: element sets have none.
    pub fn of(set: &ElementSet, state: &State<Gcrf>, covariance_rtn: [[f64; 6]; 6]) -> Self {
        Self {
            designator: set.norad_id().to_string(),
            catalogue: "SATCAT".to_owned(),
            name: set.name().unwrap_or("UNKNOWN").to_owned(),
            international_designator: set.object_id().unwrap_or("UNKNOWN").to_owned(),
            manoeuvrable: None,
            // What stands behind this room's celestial frame is the equator and equinox of J2000.
            ref_frame: "EME2000".to_owned(),
            position_km: state.position().km(),
            velocity_km_s: state.velocity().km_s(),
            covariance_rtn,
        }
    }

    /// The velocity against the stars in km/s, along the axes of the frame: in a frame that turns with the Earth the
    /// turning is added, for the radial, transverse and normal axes are those of the inertial orbit.
    pub fn inertial_velocity_km_s(&self) -> [f64; 3] {
        let v = self.velocity_km_s;
        if !turns_with_the_earth(&self.ref_frame) {
            return v;
        }
        let turning = cross([0.0, 0.0, EARTH_RATE_RAD_S], self.position_km);
        [v[0] + turning[0], v[1] + turning[1], v[2] + turning[2]]
    }

    /// The unit vectors radial, transverse and normal, in the frame of the position. `None` when the position and
    /// the velocity span no plane.
    pub fn rtn_axes(&self) -> Option<[[f64; 3]; 3]> {
        let radial = unit(self.position_km)?;
        let normal = unit(cross(self.position_km, self.inertial_velocity_km_s()))?;
        Some([radial, cross(normal, radial), normal])
    }
}

/// Names of frames that turn with the Earth: ITRF and its realisations, and those of the registry of CCSDS.
fn turns_with_the_earth(frame: &str) -> bool {
    let frame = frame.to_ascii_uppercase();
    ["ITRF", "EFG", "TDR", "GRC", "WGS", "PEF", "GTOD"].iter().any(|name| frame.starts_with(name))
}

fn unit(v: [f64; 3]) -> Option<[f64; 3]> {
    let length = norm(v);
    (length > 0.0 && length.is_finite()).then(|| v.map(|x| x / length))
}

impl Conjunction {
    /// The conjunction of a CDM.
    ///
    /// # Errors
    /// A fault with line and field when this is no CDM, when its times cannot be placed, or when its objects are given
    /// in different frames.
    pub fn from_cdm(message: &Message) -> Result<Self, Box<Fault>> {
        let whole = &message.version;
        let (Some(relative), [first, second]) = (message.relative(), message.segments()) else {
            let text = format!("an {} tells of no conjunction; give a CDM", message.kind());
            return Err(fault("orbit::unsupported_message", whole, text));
        };
        let tca = required(relative, "TCA", whole)?;
        let time = parse_ccsds(tca.value())
            .ok_or_else(|| fault("orbit::bad_field", tca, "a year from 1678 to 2262 is needed".to_owned()))?;
        let objects = [object(first, whole)?, object(second, whole)?];
        if !objects[0].ref_frame.eq_ignore_ascii_case(&objects[1].ref_frame) {
            let field = required(second.metadata(), "REF_FRAME", whole)?;
            let text = format!(
                "{} here and {} for OBJECT1; both are needed in one frame",
                objects[1].ref_frame, objects[0].ref_frame
            );
            return Err(fault("orbit::inconsistent", field, text));
        }
        let method = relative.value("COLLISION_PROBABILITY_METHOD").unwrap_or_default();
        Ok(Self {
            tca: time,
            objects,
            hard_body_radius_m: message.comments().find_map(hard_body_radius_m),
            probability: relative.number("COLLISION_PROBABILITY").map(|p| (p, method.to_owned())),
        })
    }

    /// Position of OBJECT2 relative to OBJECT1 in m, in the frame of both.
    pub fn relative_position_m(&self) -> [f64; 3] {
        minus(self.objects[1].position_km, self.objects[0].position_km).map(|km| km * 1e3)
    }

    /// Velocity of OBJECT2 relative to OBJECT1 against the stars in m/s, along the axes of the frame of both.
    pub fn relative_velocity_m_s(&self) -> [f64; 3] {
        let [a, b] = &self.objects;
        minus(b.inertial_velocity_km_s(), a.inertial_velocity_km_s()).map(|km_s| km_s * 1e3)
    }

    /// The conjunction as a new CDM of version 1.0: relative state in the axes of OBJECT1, each covariance in its own
    /// object's. Numbers are written with all their digits.
    ///
    /// # Errors
    /// A fault with the field when something is not as the standard demands: a value that is not finite, an empty name.
    pub fn to_cdm(&self, header: &CdmHeader) -> Result<Message, Box<Fault>> {
        let table = MessageKind::Cdm.table();
        let version = made(table.version, "1.0", "");
        let Some(axes) = self.objects[0].rtn_axes() else {
            let field = made("X", "", "");
            return Err(fault(
                "orbit::inconsistent",
                &field,
                "position and velocity span no orbit".to_owned(),
            ));
        };
        let message = Message {
            kind: MessageKind::Cdm,
            form: MessageForm::Kvn,
            version,
            header: filled(
                "header",
                vec![
                    made("CREATION_DATE", ccsds_time(header.creation_date), ""),
                    made("ORIGINATOR", header.originator.trim(), ""),
                    made("MESSAGE_ID", header.message_id.trim(), ""),
                ],
            ),
            relative: Some(self.relative_section(&axes, header.screened)),
            segments: self.objects.iter().zip(["OBJECT1", "OBJECT2"]).map(|(o, n)| segment(o, n)).collect(),
        };
        let place = Place { line: 1, ..Place::default() };
        let found = Found { kind: "CDM".to_owned(), version: None, ok: false, place };
        let outcome = check::conclude(Some(message), found, Faults::default(), place);
        match (outcome.message, outcome.faults.into_iter().next()) {
            (Some(message), _) => Ok(message),
            (None, Some(fault)) => Err(Box::new(fault)),
            (None, None) => Err(fault("orbit::inconsistent", &made("OBJECT", "", ""), "no CDM".to_owned())),
        }
    }

    fn relative_section(&self, axes: &[[f64; 3]; 3], screened: Option<Interval>) -> Section {
        let (r, v) = (self.relative_position_m(), self.relative_velocity_m_s());
        let mut fields = vec![
            made("TCA", ccsds_time(self.tca), ""),
            made("MISS_DISTANCE", digits(norm(r)), "m"),
            made("RELATIVE_SPEED", digits(norm(v)), "m/s"),
        ];
        let position = ["RELATIVE_POSITION_R", "RELATIVE_POSITION_T", "RELATIVE_POSITION_N"];
        let velocity = ["RELATIVE_VELOCITY_R", "RELATIVE_VELOCITY_T", "RELATIVE_VELOCITY_N"];
        fields.extend(position.iter().zip(axes).map(|(name, axis)| made(name, digits(dot(*axis, r)), "m")));
        fields.extend(velocity.iter().zip(axes).map(|(name, axis)| made(name, digits(dot(*axis, v)), "m/s")));
        if let Some(span) = screened {
            fields.push(made("START_SCREEN_PERIOD", ccsds_time(span.start()), ""));
            fields.push(made("STOP_SCREEN_PERIOD", ccsds_time(span.end()), ""));
        }
        if let Some((probability, method)) = &self.probability {
            fields.push(made("COLLISION_PROBABILITY", digits(*probability), ""));
            fields.push(made("COLLISION_PROBABILITY_METHOD", method.trim(), ""));
        }
        let mut section = filled("relativeMetadataData", fields);
        if let Some(radius) = self.hard_body_radius_m {
            section.entries.insert(0, Entry::Comment(format!("HBR = {} [m]", digits(radius))));
        }
        section
    }
}

fn object(segment: &Segment, whole: &Field) -> Result<ConjunctionObject, Box<Fault>> {
    let metadata = segment.metadata();
    let text = |keyword| required(metadata, keyword, whole).map(|field| field.value().to_owned());
    let absent = |name: &str| fault("orbit::missing_field", whole, format!("{name} is required"));
    let state = segment.section("stateVector").ok_or_else(|| absent("X"))?;
    let matrix = segment.section("rtnCovariance").ok_or_else(|| absent("CR_R"))?;
    let number = |section: &Section, keyword: &str| {
        let value = section.number(keyword).filter(|value| value.is_finite());
        value.ok_or_else(|| {
            section.field(keyword).map_or_else(
                || absent(keyword),
                |field| fault("orbit::bad_field", field, "it is not a finite number".to_owned()),
            )
        })
    };
    let three = |x, y, z| Ok::<_, Box<Fault>>([number(state, x)?, number(state, y)?, number(state, z)?]);
    let mut covariance_rtn = [[0.0; 6]; 6];
    for (i, row) in AXES.iter().enumerate() {
        for (j, column) in AXES.iter().enumerate().take(i + 1) {
            let value = number(matrix, &format!("C{row}_{column}"))?;
            covariance_rtn[i][j] = value;
            covariance_rtn[j][i] = value;
        }
    }
    Ok(ConjunctionObject {
        designator: text("OBJECT_DESIGNATOR")?,
        catalogue: text("CATALOG_NAME")?,
        name: text("OBJECT_NAME")?,
        international_designator: text("INTERNATIONAL_DESIGNATOR")?,
        manoeuvrable: match metadata.value("MANEUVERABLE").map(str::to_ascii_uppercase).as_deref() {
            Some("YES") => Some(true),
            Some("NO") => Some(false),
            _ => None,
        },
        ref_frame: text("REF_FRAME")?,
        position_km: three("X", "Y", "Z")?,
        velocity_km_s: three("X_DOT", "Y_DOT", "Z_DOT")?,
        covariance_rtn,
    })
}

fn segment(object: &ConjunctionObject, number: &'static str) -> Segment {
    let metadata = filled(
        "metadata",
        vec![
            made("OBJECT", number, ""),
            made("OBJECT_DESIGNATOR", object.designator.trim(), ""),
            made("CATALOG_NAME", object.catalogue.trim(), ""),
            made("OBJECT_NAME", object.name.trim(), ""),
            made("INTERNATIONAL_DESIGNATOR", object.international_designator.trim(), ""),
            made("EPHEMERIS_NAME", "NONE", ""),
            made("COVARIANCE_METHOD", "CALCULATED", ""),
            made("MANEUVERABLE", object.manoeuvrable.map_or("N/A", |yes| if yes { "YES" } else { "NO" }), ""),
            made("REF_FRAME", object.ref_frame.trim(), ""),
        ],
    );
    let position = ["X", "Y", "Z"].iter().zip(object.position_km).map(|(k, x)| made(k, digits(x), "km"));
    let velocity =
        ["X_DOT", "Y_DOT", "Z_DOT"].iter().zip(object.velocity_km_s).map(|(k, x)| made(k, digits(x), "km/s"));
    let state = filled("stateVector", position.chain(velocity).collect());
    let table: &Table = MessageKind::Cdm.table();
    let keys = table.section("rtnCovariance").map(|section| section.keys).unwrap_or_default();
    let lower = (0..6).flat_map(|i| (0..=i).map(move |j| (i, j)));
    let values = lower.map(|(i, j)| object.covariance_rtn[i][j]);
    let matrix = keys.iter().zip(values).map(|(key, value)| made(key.name, digits(value), key.unit));
    Segment { metadata, data: vec![state, filled("rtnCovariance", matrix.collect())] }
}

fn required<'m>(section: &'m Section, keyword: &str, whole: &Field) -> Result<&'m Field, Box<Fault>> {
    section
        .field(keyword)
        .ok_or_else(|| fault("orbit::missing_field", whole, format!("{keyword} is required and absent")))
}

fn fault(code: &str, field: &Field, text: String) -> Box<Fault> {
    Box::new(
        Fault::error(code, text)
            .at_line(field.place.line)
            .in_field(field.keyword())
            .at_bytes(field.place.byte_start, field.place.byte_end),
    )
}

/// The radius in a comment `HBR = 15.0`, also with `[m]` behind it or `:` for `=`.
fn hard_body_radius_m(comment: &str) -> Option<f64> {
    let rest = comment.trim_start_matches([' ', '\t', '=']).strip_prefix("HBR")?;
    let value = rest.trim_start().strip_prefix(['=', ':'])?.trim();
    let value = value.trim_end_matches("[m]").trim_end_matches(" m").trim();
    check::decimal(value).filter(|radius| *radius > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_radius_stands_in_a_comment() {
        for (comment, radius) in [
            ("HBR                        = 15.0", Some(15.0)),
            ("HBR = 5 [m]", Some(5.0)),
            ("=HBR = 5", Some(5.0)),
            ("HBR: 2.5 m", Some(2.5)),
            ("HBR = 0", None),
            ("HBR = -1", None),
            ("HBR = NaN", None),
            ("HBRX = 5", None),
            ("Operator Hard Body Radius = 10.0 [m]", None),
        ] {
            assert_eq!(hard_body_radius_m(comment), radius, "{comment}");
        }
    }
}
