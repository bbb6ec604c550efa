use std::io::{self, Read};

use base::{Fault, FaultLevel};

use super::form::{is_plain, short};
use super::read_table::Header;
use super::{Indicator, IndicatorError, IndicatorKind, Origin, SetBuilder, SetError, read_json};
use crate::lines::Lines;

/// What a file of indicators was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndicatorFormat {
    /// A STIX 2.0 or 2.1 bundle, or its objects.
    Stix,
    /// An event of MISP, or several.
    Misp,
    /// A table with a head.
    Csv,
    /// An intelligence file of Zeek.
    ZeekIntel,
    /// One indicator a line.
    List,
    /// Nothing was in it.
    Empty,
}

impl IndicatorFormat {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stix => "stix",
            Self::Misp => "misp",
            Self::Csv => "csv",
            Self::ZeekIntel => "zeek_intel",
            Self::List => "list",
            Self::Empty => "empty",
        }
    }
}

/// What a source gave.
#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorsRead {
    /// What it was read as.
    pub format: IndicatorFormat,
    /// Indicators that were read.
    pub indicators: u64,
    /// Objects that are no indicators to look up by their own word: revoked, deleted, not meant for detection.
    pub passed_over: u64,
    /// What could not be read.
    pub faults: Vec<Fault>,
}

/// Reads indicators into a set that is being built.
pub struct IndicatorReader<'b> {
    builder: &'b mut SetBuilder,
}

/// Most faults that one source gives; the number of the others is told.
pub(super) const MAX_FAULTS: usize = 10_000;
/// Largest JSON document.
const MAX_DOCUMENT: usize = 1 << 30;
/// Longest line of a list that is looked at.
const MAX_LIST_LINE: usize = 64 << 10;

impl<'b> IndicatorReader<'b> {
    /// A reader that adds to `builder`.
    pub const fn new(builder: &'b mut SetBuilder) -> Self {
        Self { builder }
    }

    /// Reads a STIX bundle, a MISP event, a table or a plain list, told apart by content. `origin` says where it comes
    /// from; objects with an identifier get an origin of their own with the same source.
    ///
    /// # Errors
    /// When the stream cannot be read or a JSON document is larger than 1 GiB. All else is a fault.
    pub fn read(&mut self, input: &mut dyn Read, origin: &Origin) -> io::Result<IndicatorsRead> {
        let mut sink = Sink::new(origin);
        let builder = &mut *self.builder;
        let mut current = None;
        let mut refused: Option<SetError> = None;
        let format = read_source(input, &mut sink, &mut |indicator, changed| {
            if let Some(origin) = changed {
                current = builder.origin(origin.clone()).map_err(|error| refused = Some(error)).ok();
            }
            if let Some(id) = current {
                builder.add(&indicator, id);
            }
        })?;
        if let Some(error) = refused {
            sink.fault(Fault::error("indicator::too_many_origins", error.to_string()));
        }
        Ok(sink.done(format))
    }

    /// Reads a source like [`IndicatorReader::read`], for the changes of a set in use.
    ///
    /// # Errors
    /// As there.
    pub fn each(
        input: &mut dyn Read,
        origin: &Origin,
        each: &mut dyn FnMut(Indicator, &Origin),
    ) -> io::Result<IndicatorsRead> {
        let mut sink = Sink::new(origin);
        let mut current = origin.clone();
        let format = read_source(input, &mut sink, &mut |indicator, changed| {
            if let Some(origin) = changed {
                current = origin.clone();
            }
            each(indicator, &current);
        })?;
        Ok(sink.done(format))
    }
}

/// Takes an indicator, and its origin when it is another one than before.
pub(super) type Take<'t> = dyn FnMut(Indicator, Option<&Origin>) + 't;

/// What a reader gathers beside the indicators.
pub(super) struct Sink {
    /// The origin of the whole source.
    pub(super) origin: Origin,
    /// Whether `origin` is not yet known to the taker.
    unsaid: bool,
    pub(super) passed_over: u64,
    indicators: u64,
    faults: Vec<Fault>,
    more_faults: u64,
}

impl Sink {
    fn new(origin: &Origin) -> Self {
        let origin = origin.clone();
        Self { origin, unsaid: true, passed_over: 0, indicators: 0, faults: Vec::new(), more_faults: 0 }
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault.in_source(&self.origin.source));
        } else {
            self.more_faults += 1;
        }
    }

    /// An indicator of the whole source, or why there is none.
    pub(super) fn take(
        &mut self,
        read: Result<Indicator, IndicatorError>,
        line: u64,
        field: Option<&str>,
        take: &mut Take<'_>,
    ) {
        match read {
            Ok(indicator) => {
                self.indicators += 1;
                let origin = std::mem::take(&mut self.unsaid).then_some(&self.origin);
                take(indicator, origin);
            }
            Err(error) => self.refuse(&error, line, field),
        }
    }

    /// Indicators of one object.
    pub(super) fn take_of_object(
        &mut self,
        indicators: Vec<Indicator>,
        origin: &Origin,
        take: &mut Take<'_>,
    ) {
        let mut origin = Some(origin);
        for indicator in indicators {
            self.indicators += 1;
            take(indicator, origin.take());
        }
        self.unsaid = true;
    }

    pub(super) fn refuse(&mut self, error: &IndicatorError, line: u64, field: Option<&str>) {
        let mut fault = Fault::error(error.code(), error.to_string()).at_line(line);
        if let Some(field) = field {
            fault = fault.in_field(field);
        }
        // Too short a text costs nothing but itself.
        if matches!(error, IndicatorError::TooShort { .. }) {
            fault.level = FaultLevel::Warning;
        }
        self.fault(fault);
    }

    fn done(mut self, format: IndicatorFormat) -> IndicatorsRead {
        if self.more_faults > 0 {
            let message = format!("{} more faults are not listed; correct these first", self.more_faults);
            let fault = Fault::error("indicator::too_many_faults", message).in_source(&self.origin.source);
            self.faults.push(fault);
        }
        let (indicators, passed_over) = (self.indicators, self.passed_over);
        IndicatorsRead { format, indicators, passed_over, faults: self.faults }
    }
}

fn read_source(input: &mut dyn Read, sink: &mut Sink, take: &mut Take<'_>) -> io::Result<IndicatorFormat> {
    let mut lines = Lines::new(input);
    let head = lines.peek(4096)?;
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        let message = "the text is UTF-16; save it as UTF-8";
        sink.fault(Fault::error("indicator::utf16", message).at_line(1));
        return Ok(IndicatorFormat::Empty);
    }
    let mut solid = head.iter().filter(|b| !b.is_ascii_whitespace());
    match (solid.next(), solid.next()) {
        (None, _) => Ok(IndicatorFormat::Empty),
        // `[2001:db8::1]` begins a list.
        (Some(b'{'), _) | (Some(b'['), Some(b'{' | b'[' | b'"' | b']') | None) => {
            let bytes = lines.rest(MAX_DOCUMENT)?;
            Ok(read_json::read(&bytes, sink, take))
        }
        _ => read_lines(&mut lines, sink, take),
    }
}

/// A list or a table, which a line of the head decides.
fn read_lines(lines: &mut Lines<'_>, sink: &mut Sink, take: &mut Take<'_>) -> io::Result<IndicatorFormat> {
    let mut header: Option<Header> = None;
    let mut content = false;
    while let Some(line) = lines.next()? {
        let bytes = if line.number == 1 { line.bytes.strip_prefix(b"\xEF\xBB\xBF") } else { None };
        let bytes = bytes.unwrap_or(line.bytes);
        if line.cut || bytes.len() > MAX_LIST_LINE {
            let message =
                format!("the line is longer than {MAX_LIST_LINE} bytes; is it a list of indicators?");
            sink.fault(Fault::error("indicator::long_line", message).at_line(line.number));
            continue;
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            let valid = bytes.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len()) as u64;
            let at = line.offset + valid;
            let message = "the line is no UTF-8; correct it or remove it";
            sink.fault(
                Fault::error("indicator::bad_utf8", message).at_line(line.number).at_bytes(at, at + 1),
            );
            continue;
        };
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        if !content && let Some(found) = Header::of(text) {
            content = !text.starts_with('#');
            header = Some(found);
            continue;
        }
        if text.starts_with('#') {
            continue;
        }
        content = true;
        match &header {
            Some(header) => header.read(text, line.number, sink, take),
            None => {
                if let Some(read) = list_entry(text) {
                    sink.take(read, line.number, None, take);
                }
            }
        }
    }
    Ok(header.map_or(IndicatorFormat::List, |header| header.format()))
}

/// The indicator in a line of a list: what stands before a note. `None`: nothing but a note.
fn list_entry(line: &str) -> Option<Result<Indicator, IndicatorError>> {
    if is_plain(line.as_bytes()) {
        return Some(Indicator::by_shape(line));
    }
    let line = without_note(line);
    if line.is_empty() {
        return None;
    }
    let mut words = line.split_whitespace();
    if let (Some(first), Some(second)) = (words.next(), words.next()) {
        // A hosts file that leads names nowhere.
        if matches!(first, "0.0.0.0" | "127.0.0.1" | "::" | "::1") {
            return Some(Indicator::by_shape(second));
        }
        let first = first.trim_end_matches([',', ';']);
        return Some(match Indicator::by_shape(first) {
            // A path may go on behind a blank.
            Ok(indicator) if indicator.kind() != IndicatorKind::Text && !first.contains('\\') => {
                Ok(indicator)
            }
            Err(error @ IndicatorError::NotAnAddress { .. }) => Err(error),
            _ => Indicator::by_shape(line),
        });
    }
    // A table without a head: the first cell, when it has a type.
    if !line.contains("://")
        && let Some((first, _)) = line.split_once([',', ';', '|'])
        && let Ok(indicator) = Indicator::by_shape(first.trim_matches('"'))
        && indicator.kind() != IndicatorKind::Text
    {
        return Some(Ok(indicator));
    }
    Some(Indicator::by_shape(line.trim_matches('"')))
}

/// What stands before `#`. In a URL `#` begins a fragment, unless a blank stands before it.
fn without_note(line: &str) -> &str {
    let url = line.contains('/');
    let note = line.match_indices('#').find(|(at, _)| !url || line[..*at].ends_with(char::is_whitespace));
    note.map_or(line, |(at, _)| &line[..at]).trim()
}

/// A message about something of JSON that is no indicator.
pub(super) fn odd(code: &str, what: &str, why: &str) -> Fault {
    Fault::warning(code, format!("`{}` {why}", short(what)))
}
