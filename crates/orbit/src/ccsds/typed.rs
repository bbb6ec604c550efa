//! What messages say, as values of this room.

use std::borrow::Cow;

use base::{Fault, Timestamp};

use super::model::{Entry, Field, Message, MessageForm, MessageKind, Place, Section, Segment};
use crate::ElementSet;
use crate::omm::{Cell, Message as Omm};
use crate::utc::parse_ccsds;

/// A state that a message gives, with what is needed to understand it.
#[derive(Debug, Clone, PartialEq)]
pub struct StateVector {
    /// When, as written, in `time_system`.
    pub epoch: String,
    /// The same time where the system is UTC and the year from 1678 to 2262.
    pub time: Option<Timestamp>,
    /// The time system, say `UTC`.
    pub time_system: String,
    /// The frame, say `EME2000`.
    pub ref_frame: String,
    /// The body in its centre, say `EARTH`.
    pub center_name: String,
    /// Position in km.
    pub position_km: [f64; 3],
    /// Velocity in km/s.
    pub velocity_km_s: [f64; 3],
    /// Where it stands in the input.
    pub place: Place,
}

impl Message {
    /// The states of an OPM (one) or OEM (its lines in their order); none in other messages.
    pub fn states(&self) -> Vec<StateVector> {
        if !matches!(self.kind, MessageKind::Opm | MessageKind::Oem) {
            return Vec::new();
        }
        self.segments.iter().flat_map(states_of).collect()
    }

    /// An OMM of version 2.0 with the elements of `set`, which `originator` makes at `creation_date` (UTC). Numbers are
    /// written with all their digits; what `set` does not know (name, designator) is `UNKNOWN`.
    pub fn omm(set: &ElementSet, creation_date: Timestamp, originator: &str) -> Self {
        let e = set.elements();
        // A name with a control character would make a message that nobody may read.
        let text = |keyword, value: &str| {
            made(keyword, value.chars().filter(|c| !c.is_control()).collect::<String>().trim(), "")
        };
        let number = |keyword, value: f64| made(keyword, digits(value), "");
        let name = set.name().unwrap_or("UNKNOWN");
        let header = vec![
            text("CREATION_DATE", &ccsds_time(creation_date)),
            text("ORIGINATOR", Some(originator.trim()).filter(|o| !o.is_empty()).unwrap_or("UNKNOWN")),
        ];
        let metadata = vec![
            text("OBJECT_NAME", name),
            text("OBJECT_ID", set.object_id().unwrap_or("UNKNOWN")),
            text("CENTER_NAME", "EARTH"),
            text("REF_FRAME", "TEME"),
            text("TIME_SYSTEM", "UTC"),
            text("MEAN_ELEMENT_THEORY", "SGP4"),
        ];
        let elements = vec![
            text("EPOCH", &ccsds_time(e.epoch)),
            number("MEAN_MOTION", e.mean_motion_rev_per_day),
            number("ECCENTRICITY", e.eccentricity),
            number("INCLINATION", e.inclination_deg),
            number("RA_OF_ASC_NODE", e.raan_deg),
            number("ARG_OF_PERICENTER", e.argument_of_perigee_deg),
            number("MEAN_ANOMALY", e.mean_anomaly_deg),
        ];
        let tle = vec![
            text("EPHEMERIS_TYPE", "0"),
            text("CLASSIFICATION_TYPE", &e.classification.to_string()),
            text("NORAD_CAT_ID", &e.norad_id.to_string()),
            text("ELEMENT_SET_NO", &e.element_set_no.to_string()),
            text("REV_AT_EPOCH", &e.rev_at_epoch.to_string()),
            number("BSTAR", e.bstar),
            number("MEAN_MOTION_DOT", e.mean_motion_dot),
            number("MEAN_MOTION_DDOT", e.mean_motion_ddot),
        ];
        Self {
            kind: MessageKind::Omm,
            form: MessageForm::Kvn,
            version: made("CCSDS_OMM_VERS", "2.0", ""),
            header: filled("header", header),
            relative: None,
            segments: vec![Segment {
                metadata: filled("metadata", metadata),
                data: vec![filled("meanElements", elements), filled("tleParameters", tle)],
            }],
        }
    }

    /// The mean elements of an OMM, for SGP4.
    ///
    /// # Errors
    /// A fault with line and field when this is no OMM, or an OMM that SGP4 cannot propagate: of another theory, frame,
    /// centre or time system, without a catalogue number, or out of range.
    pub fn element_set(&self) -> Result<ElementSet, Box<Fault>> {
        let whole = self.version.place;
        if self.kind != MessageKind::Omm {
            let text = format!("an {} holds no mean elements; give an OMM", self.kind);
            return Err(Box::new(
                Fault::error("orbit::unsupported_message", text)
                    .at_line(whole.line)
                    .at_bytes(whole.byte_start, whole.byte_end),
            ));
        }
        let field = |name: &str| self.sections().find_map(|section| section.field(name));
        let cell = |name: &str| {
            let section = self.sections().find(|section| section.field(name).is_some())?;
            let field = section.field(name)?;
            let text = match (field.unit(), section.number(name)) {
                // In the unit of the standard, as SGP4 needs it.
                (Some(_), Some(value)) if field.value.parse() != Ok(value) => Cow::Owned(value.to_string()),
                _ => Cow::Borrowed(field.value()),
            };
            Some(Cell { text, start: field.place.byte_start as usize, end: field.place.byte_end as usize })
        };
        let omm = Omm {
            line: whole.line,
            start: whole.byte_start as usize,
            end: whole.byte_end as usize,
            field: cell,
        };
        omm.element_set().map_err(|fault| {
            let line = fault.field.as_deref().and_then(field).map_or(whole.line, |field| field.place.line);
            Box::new(fault.at_line(line))
        })
    }
}

fn states_of(segment: &Segment) -> impl Iterator<Item = StateVector> + '_ {
    let text = |keyword| segment.metadata.value(keyword).unwrap_or_default().to_owned();
    let (time_system, ref_frame, center_name) = (text("TIME_SYSTEM"), text("REF_FRAME"), text("CENTER_NAME"));
    segment.data.iter().filter(|section| section.name == "stateVector").filter_map(move |section| {
        let epoch = section.value("EPOCH")?.to_owned();
        let three = |keys: [&str; 3]| -> Option<[f64; 3]> {
            Some([section.number(keys[0])?, section.number(keys[1])?, section.number(keys[2])?])
        };
        Some(StateVector {
            time: parse_ccsds(&epoch).filter(|_| time_system.eq_ignore_ascii_case("UTC")),
            epoch,
            time_system: time_system.clone(),
            ref_frame: ref_frame.clone(),
            center_name: center_name.clone(),
            position_km: three(["X", "Y", "Z"])?,
            velocity_km_s: three(["X_DOT", "Y_DOT", "Z_DOT"])?,
            place: section.place,
        })
    })
}

/// A field that was made here and stands in no input.
pub(super) fn made(keyword: &'static str, value: impl Into<String>, unit: &'static str) -> Field {
    Field {
        keyword: Cow::Borrowed(keyword),
        value: value.into(),
        unit: Some(unit.to_owned()).filter(|unit| !unit.is_empty()),
        place: Place { line: 1, ..Place::default() },
    }
}

/// A section that was made here.
pub(super) fn filled(name: &'static str, fields: Vec<Field>) -> Section {
    let place = Place { line: 1, ..Place::default() };
    Section { name, entries: fields.into_iter().map(Entry::Field).collect(), place }
}

/// All the digits that give the number back; with an exponent where there are many zeros.
pub(super) fn digits(value: f64) -> String {
    let plain = value == 0.0 || (1e-5..1e15).contains(&value.abs());
    if plain { value.to_string() } else { format!("{value:e}") }
}

/// A time without the letter of its zone: the time system says that.
pub(super) fn ccsds_time(time: Timestamp) -> String {
    time.to_string().trim_end_matches('Z').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_from_their_digits() {
        for value in [0.0, 1.5, -41_874.153_995, 3.39e-9, 1e300, f64::MIN_POSITIVE] {
            assert_eq!(digits(value).parse::<f64>().ok(), Some(value));
            assert!(digits(value).len() < 30);
        }
    }
}
