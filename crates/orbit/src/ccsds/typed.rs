//! What messages say, as values of this room.

use std::borrow::Cow;

use base::{Fault, Timestamp};

use super::model::{Field, Message, MessageKind, Place, Segment};
use crate::omm::{Cell, Message as Omm};
use crate::utc::parse_ccsds;
use crate::ElementSet;

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
