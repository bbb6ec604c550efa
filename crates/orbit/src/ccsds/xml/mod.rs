//! The XML form (CCSDS 505.0-B), read as a stream. quick-xml finds the tags; nothing is resolved but the five
//! entities of XML itself and character numbers.

mod enter;
mod leave;

use std::borrow::Cow;

use base::Fault;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader as Tags, XmlVersion};

use crate::ccsds::encoding::Decoded;
use crate::ccsds::faults::Faults;
use crate::ccsds::model::{Entry, Message, Place, Section};
use crate::ccsds::read::{Found, MAX_ONE_MESSAGE_BYTES, Outcome};
use crate::ccsds::schema::{SectionTable, Table};
use crate::lines::shown;

/// Messages of the navigation family that are known and not read.
const OTHER_KINDS: [&str; 6] = ["ocm", "apm", "aem", "acm", "rdm", "prm"];

/// Elements within elements: a message has eight at most.
const MAX_DEPTH: usize = 32;

/// What the reader is within.
#[derive(Debug, Clone, Copy)]
enum Level {
    Combined,
    Message,
    Body,
    Segment,
    Data,
    /// A section whose fields are being read; `None` until a field tells which of several with one element it is.
    Section(&'static str, Option<&'static SectionTable>),
    Group(&'static SectionTable),
    Field,
    Comment,
    Skipped,
}

/// A field or comment whose text is being read.
#[derive(Debug, Default)]
struct Open {
    keyword: Cow<'static, str>,
    unit: Option<String>,
    text: String,
    place: Place,
    text_start: usize,
}

pub(super) fn read(decoded: &Decoded<'_>, take: &mut dyn FnMut(Outcome)) {
    let text: &str = &decoded.text;
    let mut tags = Tags::from_str(text);
    let mut reader = Reader::new(decoded, take);
    let mut from = 0;
    loop {
        let event = tags.read_event();
        let to = usize::try_from(tags.buffer_position()).unwrap_or(text.len()).min(text.len());
        let ended = match event {
            Ok(Event::Eof) => true,
            Ok(event) => reader.event(event, from, to),
            Err(error) => {
                let at = usize::try_from(tags.error_position()).unwrap_or(from).min(text.len());
                let place = reader.place(at, at);
                // The error repeats what it stumbled over, however long.
                let error: String = error.to_string().chars().take(200).collect();
                reader.whole_error("orbit::bad_xml", place, None, &format!("not well formed: {error}"));
                true
            }
        };
        if ended {
            break;
        }
        from = to;
    }
    reader.end();
}

struct Reader<'r, 't> {
    decoded: &'r Decoded<'t>,
    take: &'r mut dyn FnMut(Outcome),
    levels: Vec<Level>,
    /// How many elements deep; more than `levels` within skipped ones.
    depth: usize,
    skipped_below: usize,
    message: Option<Reading>,
    open: Open,
    /// Comments of an `<ndm>`, which go to the message behind them.
    combined_comments: Vec<Entry>,
    roots: usize,
    stopped: bool,
    counted: (usize, u64),
    any: bool,
}

/// A message that is being read.
struct Reading {
    table: Option<(&'static Table, Message)>,
    found: Found,
    faults: Faults,
    section: Option<Section>,
    headers: usize,
    bodies: usize,
    start: usize,
    last: Place,
}

impl<'r, 't> Reader<'r, 't> {
    fn new(decoded: &'r Decoded<'t>, take: &'r mut dyn FnMut(Outcome)) -> Self {
        Self {
            decoded,
            take,
            levels: Vec::new(),
            depth: 0,
            skipped_below: 0,
            message: None,
            open: Open::default(),
            combined_comments: Vec::new(),
            roots: 0,
            stopped: false,
            counted: (0, 1),
            any: false,
        }
    }

    /// Line and bytes of `from..to` of the text. Calls go forward, so that each line end is counted once.
    fn place(&mut self, from: usize, to: usize) -> Place {
        let (at, line) = self.counted;
        let line = if from >= at {
            let between = self.decoded.text.as_bytes().get(at..from).unwrap_or_default();
            let line = line + between.iter().filter(|b| **b == b'\n').count() as u64;
            self.counted = (from, line);
            line
        } else {
            let back = self.decoded.text.as_bytes().get(from..at).unwrap_or_default();
            line - back.iter().filter(|b| **b == b'\n').count() as u64
        };
        Place { line, byte_start: self.decoded.offset(from), byte_end: self.decoded.offset(to) }
    }

    /// Handles one event, which stands at `from..to`; whether reading ends.
    fn event(&mut self, event: Event<'_>, from: usize, to: usize) -> bool {
        match event {
            Event::Start(tag) => self.start(&tag, from, to),
            Event::Empty(tag) => {
                self.start(&tag, from, to);
                self.stop(to);
            }
            Event::End(_) => self.stop(from),
            Event::Text(text) => self.text(&text.xml_content(XmlVersion::Implicit1_0), from, to),
            Event::CData(text) => self.text(&text.xml_content(XmlVersion::Implicit1_0), from, to),
            Event::GeneralRef(name) => self.reference(&name, from, to),
            Event::DocType(_) => {
                let place = self.place(from, to);
                let message =
                    "a document type is never read or resolved; remove it and send the message itself";
                self.whole_error("orbit::xml_doctype", place, Some("DOCTYPE"), message);
                return true;
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Eof => {}
        }
        self.stopped
    }

    /// An error of the document: it counts for the message that is being read, or stands alone.
    fn whole_error(&mut self, code: &str, place: Place, field: Option<&str>, message: &str) {
        self.stopped = true;
        if let Some(reading) = &mut self.message {
            reading.faults.error(code, place, field, message);
            return;
        }
        let mut faults = Faults::default();
        faults.error(code, place, field, message);
        self.alone(faults.finish(place), place);
    }

    fn alone(&mut self, faults: Vec<Fault>, place: Place) {
        self.any = true;
        let found = Found { kind: String::new(), version: None, ok: false, place };
        (self.take)(Outcome { found, message: None, faults });
    }

    fn start(&mut self, tag: &BytesStart<'_>, from: usize, to: usize) {
        self.depth += 1;
        let name = tag.local_name();
        let name: &str = name.as_ref();
        let place = self.place(from, to);
        if let Some(reading) = &mut self.message {
            reading.last = place;
            if to - reading.start > MAX_ONE_MESSAGE_BYTES && !self.stopped {
                let message = format!("a message of more than {MAX_ONE_MESSAGE_BYTES} bytes; split it");
                self.whole_error("orbit::too_large", place, None, &message);
                return;
            }
        }
        if self.skipped_below > 0 {
            if self.depth > MAX_DEPTH {
                self.whole_error("orbit::too_deep", place, None, "elements nest too deeply for any message");
            }
            return;
        }
        let next = self.enter(name, tag, place, to);
        if matches!(next, Level::Skipped) {
            self.skipped_below = self.depth;
        }
        self.levels.push(next);
    }

    /// The present element ends; its end tag begins at `at`.
    fn stop(&mut self, at: usize) {
        if self.stopped {
            return;
        }
        let depth = self.depth;
        self.depth = self.depth.saturating_sub(1);
        if self.skipped_below > 0 {
            if depth > self.skipped_below {
                return;
            }
            self.skipped_below = 0;
        }
        match self.levels.pop() {
            Some(Level::Field) => self.end_field(at),
            Some(Level::Comment) => self.end_comment(),
            Some(Level::Section(..)) => self.end_section(),
            Some(Level::Message) => self.end_message(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, from: usize, to: usize) {
        match self.levels.last() {
            Some(Level::Field | Level::Comment) => self.open.text.push_str(text),
            Some(Level::Skipped) => {}
            _ if text.trim().is_empty() => {}
            _ => {
                let place = self.place(from, to);
                let message = "text between elements; only fields and comments hold text";
                match &mut self.message {
                    Some(reading) => reading.faults.error("orbit::bad_xml", place, None, message),
                    None => self.whole_error("orbit::bad_xml", place, None, message),
                }
            }
        }
    }

    fn reference(&mut self, name: &BytesRef<'_>, from: usize, to: usize) {
        let character = match &**name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => name.resolve_char_ref().ok().flatten(),
        };
        match character {
            Some(c) => self.text(c.encode_utf8(&mut [0; 4]), from, to),
            None => {
                let place = self.place(from, to);
                let message =
                    format!("entity `&{};` is not resolved; write the characters themselves", shown(name));
                self.whole_error("orbit::xml_entity", place, None, &message);
            }
        }
    }

    fn end(mut self) {
        let at = self.decoded.text.len();
        let place = self.place(at, at);
        if let Some(reading) = &mut self.message {
            if !reading.faults.failed() {
                reading.faults.error("orbit::truncated", place, None, "the document ends within the message");
            }
            self.end_message();
        } else if !self.any {
            let mut faults = Faults::default();
            faults.error("orbit::empty", place, Some("ndm"), "the document holds no message");
            self.alone(faults.finish(place), place);
        } else if self.depth > 0 && !self.stopped {
            let mut faults = Faults::default();
            faults.error("orbit::truncated", place, None, "the document ends within an element");
            self.alone(faults.finish(place), place);
        }
    }
}
