//! Whether a message is what its standard demands: required keywords, values, units, and what must agree.

use super::faults::Faults;
use super::model::{Field, Message, MessageKind, Place, Section, Segment};
use super::read::{Found, LOOSE, Outcome};
use super::schema::{ANY_UNIT, Key, Kind, Occurs, SectionTable, Shape, Table};
use super::units;
use crate::lines::shown;
use crate::utc::ccsds_nanos;

/// The time systems of 502.0-B-3, annex B, and of the registry that it names.
const TIME_SYSTEMS: [&str; 12] =
    ["GMST", "GPS", "MET", "MRT", "SCLK", "TAI", "TCB", "TDB", "TCG", "TT", "UT1", "UTC"];

/// Checks a message that was read and closes its case.
pub(super) fn conclude(message: Option<Message>, found: Found, mut faults: Faults, last: Place) -> Outcome {
    if let Some(message) = &message {
        check(message, &mut faults, last);
    }
    let message = message.filter(|_| !faults.failed());
    let found = Found { ok: message.is_some(), ..found };
    Outcome { found, message, faults: faults.finish(last) }
}

fn check(message: &Message, faults: &mut Faults, last: Place) {
    let table = message.kind.table();
    check_version(message, table, faults);
    check_section(&message.header, &table.header, faults);
    match (&message.relative, &table.relative) {
        (Some(section), Some(table)) => check_section(section, table, faults),
        (None, Some(table)) => absent(table, last, faults),
        (_, None) => {}
    }
    let count = message.segments.len();
    if count == 0 {
        absent(&table.metadata, last, faults);
    } else if table.segments != 0 && count != table.segments {
        let wanted = table.segments;
        let first = table.metadata.keys.first().map(|key| key.name);
        let place = message.segments.last().map_or(last, |segment| segment.metadata.place);
        let text = format!("{count} blocks of metadata with their data, where {} has {wanted}", message.kind);
        faults.error("orbit::missing_field", Place { line: place.line.max(1), ..place }, first, text);
    }
    for segment in &message.segments {
        check_segment(segment, table, faults, last);
    }
    match message.kind {
        MessageKind::Opm => check_opm(message, faults),
        MessageKind::Omm => check_omm(message, faults),
        MessageKind::Oem => one_time_system(message, faults),
        MessageKind::Cdm => check_cdm(message, faults),
        MessageKind::Tdm => check_tdm(message, faults),
    }
}

fn check_version(message: &Message, table: &Table, faults: &mut Faults) {
    let version = &message.version;
    let known = table.versions.contains(&version.value.as_str());
    let number = decimal(&version.value).is_some_and(|v| (1.0..100.0).contains(&v));
    if version.value.is_empty() {
        missing(faults, version.place, table.version, "the version of the format");
    } else if !number {
        let text = format!("`{}` is no version of a format", shown(&version.value));
        faults.error("orbit::bad_field", version.place, Some(table.version), text);
    } else if !known {
        let text = format!(
            "version {} is not one of {}; it was read by the newest of them",
            shown(&version.value),
            table.versions.join(", ")
        );
        faults.warning("orbit::unknown_version", version.place, Some(table.version), text);
    }
}

fn absent(table: &SectionTable, place: Place, faults: &mut Faults) {
    let first = table.keys.iter().find(|key| key.required).map_or(table.element, |key| key.name);
    missing(faults, place, first, table.element);
}

fn missing(faults: &mut Faults, place: Place, field: &str, what: &str) {
    let text =
        format!("{field} is required ({what}) and absent or empty; ask the originator for the full message");
    faults.error("orbit::missing_field", place, Some(field), text);
}

fn check_segment(segment: &Segment, table: &Table, faults: &mut Faults, last: Place) {
    if segment.metadata.place.line == 0 {
        absent(&table.metadata, Place { line: last.line, ..segment.metadata.place }, faults);
    } else {
        check_section(&segment.metadata, &table.metadata, faults);
    }
    let mut order = 0;
    for section in segment.data.iter().filter(|section| section.name != LOOSE) {
        let Some((index, rules)) =
            table.data.iter().enumerate().find(|(_, rules)| rules.name == section.name)
        else {
            continue;
        };
        if index < order {
            let text = "it stands behind blocks that it must precede; put them in the order of the standard";
            faults.error("orbit::misplaced_keyword", section.place, Some(rules.element), text);
        }
        order = order.max(index);
        check_section(section, rules, faults);
    }
    for rules in table.data {
        let mut found = segment.data.iter().filter(|section| section.name == rules.name);
        match (rules.occurs, found.next(), found.next()) {
            (Occurs::Once, None, _) => absent(rules, segment.data.last().map_or(last, |s| s.place), faults),
            (Occurs::Once | Occurs::AtMostOnce, Some(_), Some(again)) => {
                let text = "this block may stand once a segment";
                faults.error("orbit::repeated_keyword", again.place, Some(rules.element), text);
            }
            _ => {}
        }
    }
    for comment in segment.data.iter().filter(|section| section.name == LOOSE) {
        check_comments(comment, faults);
    }
}

fn check_section(section: &Section, table: &SectionTable, faults: &mut Faults) {
    check_comments(section, faults);
    for key in table.keys.iter().filter(|key| key.required) {
        let field = section.fields().find(|field| field.keyword == key.name);
        match field {
            None => missing(faults, section.place, key.name, table.element),
            Some(field) if field.value.is_empty() && !key.may_be_empty => {
                missing(faults, field.place, key.name, table.element);
            }
            Some(_) => {}
        }
    }
    for field in section.fields().filter(|field| !field.value.is_empty()) {
        if field.value.chars().any(forbidden) {
            wrong(faults, field, "it holds a control character".to_owned());
        }
        match table.key(&field.keyword) {
            Some(key) => check_value(field, key, table, faults),
            None if field.unit.is_some() => bad_unit(faults, field, "no unit"),
            None => {}
        }
    }
    if table.shape == Shape::Observation {
        let mut observed = section.fields().filter(|f| f.keyword != "EPOCH" && !f.value.is_empty());
        match (observed.next(), observed.next()) {
            (None, _) => missing(faults, section.place, "observation", "one value an observation"),
            (Some(_), Some(second)) => {
                let text = "an observation has one value; put the second into one of its own";
                faults.error("orbit::repeated_keyword", second.place, Some(&second.keyword), text);
            }
            _ => {}
        }
    }
}

fn check_comments(section: &Section, faults: &mut Faults) {
    if section.comments().any(|text| text.chars().any(forbidden)) {
        let text = "a comment holds a control character; remove it";
        faults.error("orbit::bad_field", section.place, Some("COMMENT"), text);
    }
}

/// Characters that one of the two forms cannot carry.
fn forbidden(c: char) -> bool {
    (c.is_control() && c != '\t') || matches!(c, '\u{FFFE}' | '\u{FFFF}')
}

fn wrong(faults: &mut Faults, field: &Field, text: String) {
    faults.error("orbit::bad_field", field.place, Some(&field.keyword), text);
}

fn bad_unit(faults: &mut Faults, field: &Field, wanted: &str) {
    let given = shown(field.unit.as_deref().unwrap_or_default());
    let text = format!("unit `{given}` does not measure what {wanted} measures");
    faults.error("orbit::bad_unit", field.place, Some(&field.keyword), text);
}

fn check_value(field: &Field, key: &Key, table: &SectionTable, faults: &mut Faults) {
    let value = field.value.as_str();
    let given = || shown(value);
    match key.kind {
        Kind::Text => {}
        Kind::Time => {
            if ccsds_nanos(value).is_none() || !value.contains('T') {
                wrong(
                    faults,
                    field,
                    format!(
                        "`{}` is no time such as 2026-03-10T07:26:52.15 or 2026-069T07:26:52.15",
                        given()
                    ),
                );
            }
        }
        Kind::Number => {
            if decimal(value).is_none() {
                wrong(faults, field, format!("`{}` is not a finite decimal number", given()));
            }
        }
        Kind::Count => {
            if value.len() > 18 || !value.bytes().all(|b| b.is_ascii_digit()) {
                wrong(faults, field, format!("`{}` is not a whole number", given()));
            }
        }
        Kind::Numbers(wanted) => {
            let count = value.split_whitespace().filter(|number| decimal(number).is_some()).count();
            if count != wanted || value.split_whitespace().count() != wanted {
                wrong(faults, field, format!("`{}` is not {wanted} numbers with blanks between", given()));
            }
        }
        Kind::Counts => {
            let mut parts = value.split([' ', ',', '\t']).filter(|part| !part.is_empty());
            if !parts.all(|part| part.len() <= 18 && part.bytes().all(|b| b.is_ascii_digit())) {
                wrong(faults, field, format!("`{}` is not a list of whole numbers", given()));
            }
        }
        Kind::Word(words) => {
            let plain = value.replace(' ', "_");
            if !words.iter().any(|word| word.eq_ignore_ascii_case(&plain)) {
                wrong(faults, field, format!("`{}` is not one of {}", given(), words.join(", ")));
            }
        }
        Kind::TimeSystem => {
            if !TIME_SYSTEMS.iter().any(|system| system.eq_ignore_ascii_case(value)) {
                wrong(
                    faults,
                    field,
                    format!("`{}` is no time system; known are {}", given(), TIME_SYSTEMS.join(", ")),
                );
            }
        }
        Kind::Path => {
            if path(value).is_none() {
                wrong(faults, field, format!("`{}` is not a list of participants such as 2,1", given()));
            }
        }
    }
    check_unit(field, key, table, faults);
}

fn check_unit(field: &Field, key: &Key, table: &SectionTable, faults: &mut Faults) {
    let Some(unit) = field.unit.as_deref() else { return };
    let fits = match (table.shape, key.kind) {
        // These have no room for a unit in KVN, so that none but the one of the standard may be meant.
        (Shape::Row | Shape::Triangle | Shape::Observation, _) if key.unit != ANY_UNIT => unit == key.unit,
        (_, Kind::Numbers(_)) => units::is_unit(unit),
        (_, Kind::Number | Kind::Count) if key.unit == ANY_UNIT => units::is_unit(unit),
        (_, Kind::Number | Kind::Count) => units::factor(unit, key.unit).is_some(),
        _ => false,
    };
    if !fits {
        bad_unit(faults, field, if key.unit.is_empty() { "a pure number" } else { key.unit });
    }
}

/// A decimal number as CCSDS writes it: no `NaN`, no `inf`, no hexadecimal, nothing beyond the range of a double.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|value| plain && value.is_finite())
}

fn path(text: &str) -> Option<Vec<usize>> {
    let parts: Option<Vec<usize>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    parts.filter(|parts| parts.len() >= 2 && parts.iter().all(|part| (1..=5).contains(part)))
}

fn check_opm(message: &Message, faults: &mut Faults) {
    let data = message.segments.iter().flat_map(|segment| &segment.data);
    for section in data.filter(|section| section.name == "keplerianElements") {
        match (section.field("TRUE_ANOMALY"), section.field("MEAN_ANOMALY")) {
            (None, None) => missing(faults, section.place, "TRUE_ANOMALY", "or MEAN_ANOMALY"),
            (Some(_), Some(second)) => {
                let text = "either TRUE_ANOMALY or MEAN_ANOMALY, not both";
                faults.error("orbit::inconsistent", second.place, Some("MEAN_ANOMALY"), text);
            }
            _ => {}
        }
    }
}

fn check_omm(message: &Message, faults: &mut Faults) {
    for segment in &message.segments {
        if let Some(section) = segment.section("meanElements")
            && section.field("MEAN_MOTION").is_none()
            && section.field("SEMI_MAJOR_AXIS").is_none()
        {
            missing(faults, section.place, "MEAN_MOTION", "or SEMI_MAJOR_AXIS");
        }
        let theory = segment.metadata.value("MEAN_ELEMENT_THEORY").unwrap_or_default();
        if let Some(section) = segment.section("tleParameters")
            && ["SGP", "SGP/SGP4", "PPT3"].iter().any(|name| theory.eq_ignore_ascii_case(name))
        {
            // These theories propagate with the derivatives; SGP4 does not (502.0-B-3, table 4-3).
            for keyword in ["MEAN_MOTION_DOT", "MEAN_MOTION_DDOT"] {
                if section.field(keyword).is_none() {
                    missing(faults, section.place, keyword, "for this MEAN_ELEMENT_THEORY");
                }
            }
        }
    }
}

fn one_time_system(message: &Message, faults: &mut Faults) {
    let mut systems = message.segments.iter().filter_map(|segment| segment.metadata.field("TIME_SYSTEM"));
    let Some(first) = systems.next() else { return };
    if let Some(other) = systems.find(|field| field.value != first.value) {
        let text = format!(
            "`{}` here and `{}` before; all segments of a message have one time system",
            shown(&other.value),
            shown(&first.value)
        );
        faults.error("orbit::inconsistent", other.place, Some("TIME_SYSTEM"), text);
    }
}

fn check_cdm(message: &Message, faults: &mut Faults) {
    for (segment, wanted) in message.segments.iter().zip(["OBJECT1", "OBJECT2"]) {
        if let Some(object) = segment.metadata.field("OBJECT")
            && !object.value.eq_ignore_ascii_case(wanted)
        {
            let text = format!("`{}` where {wanted} stands", shown(&object.value));
            faults.error("orbit::inconsistent", object.place, Some("OBJECT"), text);
        }
    }
    if let Some(relative) = &message.relative {
        let shape: &[&str] = &["SCREEN_VOLUME_SHAPE"];
        let threshold: &[&str] = &["SCREEN_PC_THRESHOLD"];
        let types = [("SHAPE", shape), ("PC", threshold), ("PC_MAX", threshold)];
        check_conditions(relative, "SCREEN_TYPE", &types, faults);
    }
    for segment in &message.segments {
        let frame: &[&str] = &["ALT_COV_REF_FRAME"];
        check_conditions(&segment.metadata, "ALT_COV_TYPE", &[("XYZ", frame)], faults);
    }
}

/// What a screening or an alternative covariance needs beside its type (508.0-B, second issue).
fn check_conditions(section: &Section, keyword: &str, needs: &[(&str, &[&str])], faults: &mut Faults) {
    let Some(field) = section.field(keyword) else { return };
    for (value, needed) in needs {
        if !field.value.eq_ignore_ascii_case(value) {
            continue;
        }
        for name in needed.iter().filter(|name| section.field(name).is_none()) {
            missing(faults, field.place, name, &format!("for {keyword} = {value}"));
        }
    }
}

fn check_tdm(message: &Message, faults: &mut Faults) {
    one_time_system(message, faults);
    for segment in &message.segments {
        for keyword in ["PATH", "PATH_1", "PATH_2"] {
            let Some(field) = segment.metadata.field(keyword) else { continue };
            let absent = path(&field.value)
                .unwrap_or_default()
                .into_iter()
                .find(|index| segment.metadata.fields().all(|f| f.keyword != format!("PARTICIPANT_{index}")));
            if let Some(index) = absent {
                let text = format!("there is no PARTICIPANT_{index}");
                faults.error("orbit::inconsistent", field.place, Some(keyword), text);
            }
        }
    }
}
