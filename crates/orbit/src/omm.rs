//! Orbit mean-elements messages: fields by CCSDS 502.0-B-3, 4.2, as CelesTrak and Space-Track write them.

use std::borrow::Cow;

use base::{Fault, NoradId};

use crate::lines::{Line, lines, shown};
use crate::read::{Sink, invalid_utf8, too_long};
use crate::utc::parse_ccsds;
use crate::{ElementSet, Elements};

/// A value with its place in the input.
#[derive(Debug, Clone)]
pub(crate) struct Cell<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// An OMM: where it stands and how to find a field in it. Blank fields count as absent.
pub(crate) struct Message<'a, F: Fn(&str) -> Option<Cell<'a>>> {
    pub(crate) line: u64,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) field: F,
}

/// Without these there is no orbit.
const REQUIRED: [&str; 8] = [
    "NORAD_CAT_ID",
    "EPOCH",
    "MEAN_MOTION",
    "ECCENTRICITY",
    "INCLINATION",
    "RA_OF_ASC_NODE",
    "ARG_OF_PERICENTER",
    "MEAN_ANOMALY",
];

/// Fields that say how the elements are to be understood, and the words that are understood here.
const FIXED: [(&str, &[&str]); 4] = [
    ("CENTER_NAME", &["EARTH"]),
    ("REF_FRAME", &["TEME"]),
    ("TIME_SYSTEM", &["UTC"]),
    // The second is the word of the standard's own examples.
    ("MEAN_ELEMENT_THEORY", &["SGP4", "SGP/SGP4"]),
];

type Read<T> = Result<T, Box<Fault>>;

impl<'a, F: Fn(&str) -> Option<Cell<'a>>> Message<'a, F> {
    fn get(&self, field: &str) -> Option<Cell<'a>> {
        (self.field)(field).filter(|c| !c.text.trim().is_empty())
    }

    fn required(&self, field: &str) -> Read<Cell<'a>> {
        self.get(field).ok_or_else(|| {
            Box::new(
                Fault::error(
                    "orbit::missing_field",
                    "required in an OMM and absent here; ask the source for the full message",
                )
                .at_line(self.line)
                .in_field(field)
                .at_bytes(self.start as u64, self.end as u64),
            )
        })
    }

    fn wrong(&self, field: &str, cell: &Cell<'_>, message: String) -> Box<Fault> {
        Box::new(
            Fault::error("orbit::bad_field", message)
                .at_line(self.line)
                .in_field(field)
                .at_bytes(cell.start as u64, cell.end as u64),
        )
    }

    fn number(&self, field: &str, cell: &Cell<'_>) -> Read<f64> {
        let text = cell.text.trim();
        let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
        text.parse().ok().filter(|_| plain).ok_or_else(|| {
            self.wrong(field, cell, format!("`{}` is not a finite decimal number", shown(text)))
        })
    }

    fn float(&self, field: &str) -> Read<f64> {
        self.number(field, &self.required(field)?)
    }

    fn float_or_zero(&self, field: &str) -> Read<f64> {
        self.get(field).map_or(Ok(0.0), |cell| self.number(field, &cell))
    }

    fn count(&self, field: &str) -> Read<u32> {
        let Some(cell) = self.get(field) else { return Ok(0) };
        let text = cell.text.trim();
        let wrong = || self.wrong(field, &cell, format!("`{}` is not a whole number", shown(text)));
        if text.bytes().all(|b| b.is_ascii_digit()) {
            text.parse().map_err(|_| wrong())
        } else {
            Err(wrong())
        }
    }

    fn text(&self, field: &str) -> Option<String> {
        self.get(field).map(|c| c.text.trim().to_owned())
    }

    /// The element set in the message.
    pub(crate) fn element_set(&self) -> Read<ElementSet> {
        for field in REQUIRED {
            self.required(field)?;
        }
        for (field, words) in FIXED {
            let other = |cell: &Cell<'_>| !words.iter().any(|w| cell.text.trim().eq_ignore_ascii_case(w));
            if let Some(cell) = self.get(field).filter(other) {
                let message = format!(
                    "`{}` is not `{}`, the only one that SGP4 elements may have",
                    shown(&cell.text),
                    words.first().unwrap_or(&"")
                );
                return Err(self.wrong(field, &cell, message));
            }
        }
        if let Some(cell) = self.get("EPHEMERIS_TYPE").filter(|c| c.text.trim() == "4") {
            let message =
                "type 4 is SGP4-XP, whose elements SGP4 cannot propagate; ask the source for SGP4 elements";
            return Err(self.wrong("EPHEMERIS_TYPE", &cell, message.to_owned()));
        }
        let id = self.required("NORAD_CAT_ID")?;
        let norad_id: NoradId = id
            .text
            .trim()
            .parse()
            .map_err(|error: base::IdError| self.wrong("NORAD_CAT_ID", &id, error.to_string()))?;
        let epoch = self.required("EPOCH")?;
        let epoch = parse_ccsds(epoch.text.trim()).ok_or_else(|| {
            let message =
                format!("`{}` is not a UTC time such as 2026-03-10T07:26:52.157760", shown(&epoch.text));
            self.wrong("EPOCH", &epoch, message)
        })?;
        let elements = Elements {
            norad_id,
            name: self.text("OBJECT_NAME"),
            object_id: self.text("OBJECT_ID"),
            epoch,
            mean_motion_rev_per_day: self.float("MEAN_MOTION")?,
            eccentricity: self.float("ECCENTRICITY")?,
            inclination_deg: self.float("INCLINATION")?,
            raan_deg: self.float("RA_OF_ASC_NODE")?,
            argument_of_perigee_deg: self.float("ARG_OF_PERICENTER")?,
            mean_anomaly_deg: self.float("MEAN_ANOMALY")?,
            bstar: self.float_or_zero("BSTAR")?,
            mean_motion_dot: self.float_or_zero("MEAN_MOTION_DOT")?,
            mean_motion_ddot: self.float_or_zero("MEAN_MOTION_DDOT")?,
            classification: self.text("CLASSIFICATION_TYPE").and_then(|t| t.chars().next()).unwrap_or('U'),
            element_set_no: self.count("ELEMENT_SET_NO")?,
            rev_at_epoch: self.count("REV_AT_EPOCH")?,
        };
        ElementSet::new(elements).map_err(|error| match self.get(error.field) {
            Some(cell) => self.wrong(error.field, &cell, error.to_string()),
            None => Box::new(
                Fault::error("orbit::bad_field", error.to_string()).at_line(self.line).in_field(error.field),
            ),
        })
    }
}

/// Whether a line is the header of an OMM CSV: it names at least two of the required columns.
pub(crate) fn is_header(line: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(line) else { return false };
    let cells = split(text, 0);
    REQUIRED.iter().filter(|r| cells.iter().flatten().any(|c| c.text.trim() == **r)).count() >= 2
}

/// The cells of a CSV line (RFC 4180, without line breaks inside quotes); `None` when a quote is not closed.
fn split(text: &str, line_start: usize) -> Option<Vec<Cell<'_>>> {
    let mut cells = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        let (cell, length) = if let Some(quoted) = rest.strip_prefix('"') {
            let mut end = None;
            let mut chars = quoted.char_indices().peekable();
            while let Some((i, c)) = chars.next() {
                if c == '"' && chars.next_if(|(_, next)| *next == '"').is_none() {
                    end = Some(i);
                    break;
                }
            }
            let end = end?;
            let inside = quoted.get(..end)?;
            let text = if inside.contains("\"\"") {
                Cow::Owned(inside.replace("\"\"", "\""))
            } else {
                Cow::Borrowed(inside)
            };
            (text, end + 2)
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            (Cow::Borrowed(rest.get(..end)?), end)
        };
        cells.push(Cell { text: cell, start: line_start + at, end: line_start + at + length });
        at += length;
        match text.as_bytes().get(at) {
            None => return Some(cells),
            Some(b',') => at += 1,
            Some(_) => return None,
        }
    }
}

/// Reads an OMM CSV whose header was recognised.
pub(crate) fn read_csv(bytes: &[u8], sink: &mut Sink) {
    let mut rows = lines(bytes).filter(|l| !l.blank());
    let Some(header) = rows.next() else { return };
    let columns: Vec<String> = std::str::from_utf8(header.bytes)
        .ok()
        .and_then(|t| split(t, header.start))
        .unwrap_or_default()
        .into_iter()
        .map(|c| c.text.trim().to_owned())
        .collect();
    let mut complete = true;
    for field in REQUIRED.iter().filter(|r| !columns.iter().any(|c| c == *r)) {
        complete = false;
        sink.fault(
            Fault::error(
                "orbit::missing_field",
                "the header lacks this column; ask the source for the full table",
            )
            .at_line(header.number)
            .in_field(*field)
            .at_bytes(header.start as u64, header.end() as u64),
        );
    }
    if !complete {
        return;
    }
    for row in rows {
        if let Err(fault) = read_row(&row, &columns, sink) {
            sink.fault(*fault);
        }
    }
}

fn read_row(row: &Line<'_>, columns: &[String], sink: &mut Sink) -> Read<()> {
    if row.too_long() {
        return Err(Box::new(too_long(row.number, row.start, row.end())));
    }
    let text =
        std::str::from_utf8(row.bytes).map_err(|e| Box::new(invalid_utf8(row.number, row.start, e)))?;
    let whole = |code: &str, message: String| {
        Box::new(Fault::error(code, message).at_line(row.number).at_bytes(row.start as u64, row.end() as u64))
    };
    let cells = split(text, row.start).ok_or_else(|| {
        whole("orbit::truncated", "a quote is not closed; the row is cut or damaged".to_owned())
    })?;
    if cells.len() < columns.len() {
        let message = format!("{} of {} cells: the row is cut; fetch it again", cells.len(), columns.len());
        return Err(whole("orbit::truncated", message));
    }
    if cells.len() > columns.len() {
        let message = format!(
            "{} cells under {} columns; put quotes around cells that hold a comma",
            cells.len(),
            columns.len()
        );
        return Err(whole("orbit::bad_field", message));
    }
    let message = Message {
        line: row.number,
        start: row.start,
        end: row.end(),
        field: |name: &str| columns.iter().position(|c| c == name).and_then(|i| cells.get(i)).cloned(),
    };
    sink.set(message.element_set()?, row.number);
    Ok(())
}
