//! Keyword = value notation (502.0-B-3, 7; 508.0-B-1, 6.3; 503.0-B-2, 4.3).

mod blocks;
mod filling;

use std::borrow::Cow;

use crate::ccsds::MessageKind;
use crate::ccsds::encoding::Decoded;
use crate::ccsds::faults::Faults;
use crate::ccsds::model::{Entry, Field, Message, MessageForm, Place, Section};
use crate::ccsds::read::{Found, Outcome};
use crate::ccsds::schema::{Key, Kind, SectionTable, Shape, Table};
use crate::ccsds::{check, read};
use crate::lines::shown;
use crate::read::MAX_LINE_BYTES;

/// One line of the text: its number from 1, its first byte in the text, and its characters without the line end.
#[derive(Debug, Clone, Copy)]
struct Line<'t> {
    number: u64,
    start: usize,
    text: &'t str,
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split('\n').zip(1..).map(move |(line, number)| {
        let this = Line { number, start, text: line.strip_suffix('\r').unwrap_or(line) };
        start += line.len() + 1;
        this
    })
}

/// The keyword of a first line: `CCSDS_OPM_VERS = 2.0` gives `CCSDS_OPM_VERS` and `2.0`.
fn version_line(line: &str) -> Option<(&str, &str)> {
    let (keyword, value) = line.split_once('=')?;
    let keyword = keyword.trim();
    (keyword.starts_with("CCSDS_") && keyword.contains("_VERS")).then(|| (keyword, value.trim()))
}

/// Whether the first line that says something begins a message.
pub(super) fn begins_message(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !is_comment(line))
        .take(1)
        .any(|line| version_line(line).is_some())
}

fn is_comment(line: &str) -> bool {
    line.strip_prefix("COMMENT").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '=']))
}

/// Reads every message of the text, one after the other, and hands each on as soon as it is complete.
pub(super) fn read(decoded: &Decoded<'_>, take: &mut dyn FnMut(Outcome)) {
    let mut current: Option<Reader<'_>> = None;
    let mut before: Vec<Line<'_>> = Vec::new();
    for line in lines(&decoded.text) {
        let trimmed = line.text.trim();
        if let Some((keyword, version)) = version_line(trimmed) {
            if let Some(reader) = current.take() {
                take(reader.finish());
            }
            let mut reader = Reader::new(decoded, line, keyword, version);
            for comment in before.drain(..) {
                reader.line(comment);
            }
            current = Some(reader);
        } else if let Some(reader) = &mut current {
            reader.line(line);
        } else if is_comment(trimmed) && before.len() < 1000 {
            before.push(line);
        }
    }
    if let Some(reader) = current {
        take(reader.finish());
    }
}

/// Where the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Header,
    Relative,
    Metadata,
    /// Behind `META_STOP` or a data section: the section of this number, or none yet.
    Data(Option<usize>),
    /// Behind `DATA_STOP`.
    Closed,
}

struct Reader<'t> {
    decoded: &'t Decoded<'t>,
    found: Found,
    /// `None` for a kind that is not read: its lines are stepped over.
    message: Option<(&'static Table, Message)>,
    at: At,
    /// The line of the `.._START` whose `.._STOP` has not come.
    open_mark: Option<(&'static str, Place)>,
    /// Rows of the triangle that were read.
    rows: usize,
    pending: Vec<String>,
    faults: Faults,
    last: Place,
}

impl<'t> Reader<'t> {
    fn new(decoded: &'t Decoded<'t>, line: Line<'_>, keyword: &str, version: &str) -> Self {
        let place = place(decoded, line, line.text);
        let table = MessageKind::ALL.iter().map(|kind| kind.table()).find(|table| table.version == keyword);
        let kind = keyword.trim_start_matches("CCSDS_").split("_VERS").next().unwrap_or_default();
        let found = Found {
            kind: shown(kind),
            version: Some(shown(version)).filter(|v| !v.is_empty()),
            ok: false,
            place,
        };
        let mut faults = Faults::default();
        let message = table.map(|table| {
            let version = field(decoded, line, Cow::Borrowed(table.version), version, None);
            let header = Section::new(table.header.name, place);
            (
                table,
                Message {
                    kind: table.kind,
                    form: MessageForm::Kvn,
                    version,
                    header,
                    relative: None,
                    segments: Vec::new(),
                },
            )
        });
        if message.is_none() {
            read::unsupported(&mut faults, place, keyword, &found.kind);
        }
        Self {
            decoded,
            found,
            message,
            at: At::Header,
            open_mark: None,
            rows: 0,
            pending: Vec::new(),
            faults,
            last: place,
        }
    }

    fn line(&mut self, line: Line<'_>) {
        let Some((table, _)) = self.message else { return };
        let text = line.text.trim();
        if text.is_empty() {
            return;
        }
        let here = place(self.decoded, line, text);
        self.last = here;
        if here.byte_end.saturating_sub(self.found.place.byte_start) > read::MAX_ONE_MESSAGE_BYTES as u64 {
            let message = format!("a message of more than {} bytes; split it", read::MAX_ONE_MESSAGE_BYTES);
            self.faults.error("orbit::too_large", here, None, message);
            self.message = None;
            return;
        }
        if line.text.len() > MAX_LINE_BYTES {
            let message = format!("{} bytes, more than the {MAX_LINE_BYTES} that are read", line.text.len());
            self.faults.error("orbit::line_too_long", here, None, message);
        } else if is_comment(text) {
            let comment = text.strip_prefix("COMMENT").unwrap_or_default();
            let comment = comment.strip_prefix([' ', '\t']).unwrap_or(comment);
            self.pending.push(comment.to_owned());
        } else if self.mark(table, text, here) {
            // Done there.
        } else if let Some((keyword, value)) = text.split_once('=') {
            self.field(table, line, keyword.trim(), value.trim());
        } else {
            self.row(table, line, text, here);
        }
    }

    fn field(&mut self, table: &'static Table, line: Line<'_>, keyword: &str, value: &str) {
        let here = place(self.decoded, line, line.text.trim());
        let Some((section, restart)) = self.target(table, keyword) else {
            self.refuse_keyword(table, keyword, here);
            return;
        };
        let key = section.key(keyword);
        if section.shape == Shape::Observation {
            self.observation(section, line, key, value, here);
            return;
        }
        if restart {
            self.start(section, here);
        }
        let name = key.map_or_else(|| Cow::Owned(keyword.to_owned()), |key| Cow::Borrowed(key.name));
        let (value, unit) = split_unit(value, key.map(|key| key.kind));
        let new = field(self.decoded, line, name, value, unit);
        self.flush();
        let Some(open) = self.section() else { return };
        if open.fields().any(|old| old.keyword == new.keyword) {
            self.faults.error(
                "orbit::repeated_keyword",
                new.place,
                Some(&new.keyword),
                "it stands in this block already; keep one of the two",
            );
        } else {
            open.entries.push(Entry::Field(new));
        }
    }

    fn observation(
        &mut self,
        section: &'static SectionTable,
        line: Line<'_>,
        key: Option<&'static Key>,
        value: &str,
        here: Place,
    ) {
        let parts: Vec<&str> = value.split_whitespace().collect();
        let ([time, number], Some(key)) = (parts.as_slice(), key) else {
            self.faults.error(
                "orbit::bad_line",
                here,
                key.map(|key| key.name),
                format!("{} values, where a time and one value stand", parts.len()),
            );
            return;
        };
        self.loose_comments(here);
        self.start(section, here);
        let epoch = field(self.decoded, line, Cow::Borrowed("EPOCH"), time, None);
        let observed = field(self.decoded, line, Cow::Borrowed(key.name), number, None);
        if let Some(open) = self.section() {
            open.entries.extend([Entry::Field(epoch), Entry::Field(observed)]);
        }
    }

    /// A line without `=`: a state of an ephemeris, or a row of a covariance.
    fn row(&mut self, table: &'static Table, line: Line<'_>, text: &str, here: Place) {
        let values: Vec<&str> = text.split_whitespace().collect();
        let open = self.open_mark.map(|(mark, _)| mark);
        let rows = table.data.iter().find(|section| section.shape == Shape::Row);
        let triangle = table.data.iter().find(|section| section.shape == Shape::Triangle);
        match (open, self.at, rows, triangle) {
            (Some("COVARIANCE_START"), At::Data(Some(_)), _, Some(section)) => {
                let keys = section.matrix_keys();
                let from = self.rows * (self.rows + 1) / 2;
                let keys = keys.get(from..(from + self.rows + 1).min(keys.len())).unwrap_or_default();
                self.rows += 1;
                if keys.is_empty() {
                    self.bad_row(here, "a covariance has six lines; this one is too many".to_owned());
                } else if keys.len() != values.len() {
                    let (row, wanted, got) = (self.rows, keys.len(), values.len());
                    self.bad_row(
                        here,
                        format!("line {row} of a covariance has {wanted} values, this one has {got}"),
                    );
                } else {
                    self.flush();
                    self.values(line, keys, &values);
                }
            }
            (None, At::Data(_), Some(section), _) => {
                if values.len() != 7 && values.len() != 10 {
                    let got = values.len();
                    let message = format!(
                        "a line of an ephemeris has a time and 6 values, or 9 with acceleration; this one has {got} columns"
                    );
                    self.bad_row(here, message);
                } else {
                    self.loose_comments(here);
                    self.at = At::Data(table.data.iter().position(|s| s.shape == Shape::Row));
                    self.start(section, here);
                    self.values(line, section.keys, &values);
                }
            }
            _ => {
                let message = format!(
                    "`{}` is neither `KEYWORD = value` nor a comment nor a line of data",
                    shown(text)
                );
                self.bad_row(here, message);
            }
        }
    }

    fn bad_row(&mut self, here: Place, message: String) {
        self.faults.error("orbit::bad_line", here, None, message);
    }

    fn values(&mut self, line: Line<'_>, keys: &'static [Key], values: &[&str]) {
        let decoded = self.decoded;
        let new = keys
            .iter()
            .zip(values)
            .map(|(key, value)| Entry::Field(field(decoded, line, Cow::Borrowed(key.name), value, None)));
        let new: Vec<Entry> = new.collect();
        if let Some(open) = self.section() {
            open.entries.extend(new);
        }
    }

    fn finish(mut self) -> Outcome {
        let last = self.last;
        if let Some((table, _)) = self.message {
            match self.at {
                At::Data(_) | At::Closed if table.meta_marks => self.loose_comments(last),
                _ => self.flush(),
            }
        }
        if let Some((mark, place)) = self.open_mark {
            let stop = mark.replace("START", "STOP");
            let message = format!("the message ends before {stop}; it is cut off");
            self.faults.error("orbit::truncated", place, Some(&stop), message);
        }
        let message = self.message.map(|(_, message)| message);
        check::conclude(message, self.found, self.faults, last)
    }
}

impl Table {
    fn name_is_data(&self, section: &SectionTable) -> bool {
        self.data.iter().any(|data| data.name == section.name)
    }
}

fn has_triangle(table: &Table) -> bool {
    table.data.iter().any(|section| section.shape == Shape::Triangle)
}

/// A number may have its unit in brackets behind it; in a text brackets are a part of it.
fn split_unit(value: &str, kind: Option<Kind>) -> (&str, Option<&str>) {
    if !matches!(kind, Some(Kind::Number | Kind::Count | Kind::Numbers(_))) {
        return (value, None);
    }
    match value.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((number, unit)) => (number.trim_end(), Some(unit.trim())),
        None => (value, None),
    }
}

/// Where `part`, which is a part of `line`, stands in the input.
fn place(decoded: &Decoded<'_>, line: Line<'_>, part: &str) -> Place {
    // `part` was cut out of the line, so the difference of addresses is its offset in it.
    let offset = (part.as_ptr() as usize).saturating_sub(line.text.as_ptr() as usize).min(line.text.len());
    let start = line.start + offset;
    Place {
        line: line.number,
        byte_start: decoded.offset(start),
        byte_end: decoded.offset(start + part.len()),
    }
}

fn field(
    decoded: &Decoded<'_>,
    line: Line<'_>,
    keyword: Cow<'static, str>,
    value: &str,
    unit: Option<&str>,
) -> Field {
    // An empty value points at its line.
    let part = if value.is_empty() { line.text.trim() } else { value };
    // An attribute of XML has no tabs.
    let unit = unit.map(|unit| unit.replace('\t', " "));
    Field { keyword, value: value.to_owned(), unit, place: place(decoded, line, part) }
}
