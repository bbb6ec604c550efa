//! The XML form (CCSDS 505.0-B), read as a stream. quick-xml finds the tags; nothing is resolved but the five
//! entities of XML itself and character numbers.

use std::borrow::Cow;

use base::Fault;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader as Tags, XmlVersion};

use super::encoding::Decoded;
use super::faults::Faults;
use super::model::{Entry, Field, Message, MessageForm, Place, Section, Segment};
use super::read::{Found, LOOSE, MAX_ONE_MESSAGE_BYTES, Outcome, unsupported};
use super::schema::{SectionTable, Table, USER_DEFINED};
use super::{MessageKind, check};
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

    /// What an element is where the reader stands.
    fn enter(&mut self, name: &str, tag: &BytesStart<'_>, place: Place, to: usize) -> Level {
        let level = self.levels.last().copied();
        if name == "COMMENT" && !matches!(level, None | Some(Level::Field | Level::Comment | Level::Skipped))
        {
            self.open = Open { place, text_start: to, ..Open::default() };
            return Level::Comment;
        }
        match level {
            None => {
                self.roots += 1;
                if self.roots > 1 {
                    self.whole_error("orbit::bad_xml", place, Some(name), "a document has one root element");
                    return Level::Skipped;
                }
                if name == "ndm" { Level::Combined } else { self.enter_message(name, tag, place) }
            }
            Some(Level::Combined) => {
                // What a combined message says of itself is of no message in it.
                if matches!(name, "MESSAGE_ID" | "CREATION_DATE" | "ORIGINATOR") {
                    return Level::Skipped;
                }
                self.enter_message(name, tag, place)
            }
            Some(level) => {
                match self.message.as_mut().and_then(|r| r.table.as_ref()).map(|(table, _)| *table) {
                    Some(table) => self.enter_inside(level, table, name, tag, place, to),
                    None => Level::Skipped,
                }
            }
        }
    }

    fn enter_message(&mut self, name: &str, tag: &BytesStart<'_>, place: Place) -> Level {
        let table = MessageKind::ALL.iter().map(|kind| kind.table()).find(|table| table.root == name);
        let version = attribute(tag, "version");
        let mut faults = Faults::default();
        let found = Found {
            kind: shown(&name.to_uppercase()),
            version: version.as_deref().map(shown),
            ok: false,
            place,
        };
        let Some(table) = table else {
            if OTHER_KINDS.contains(&name) {
                unsupported(&mut faults, place, name, &found.kind);
                self.any = true;
                (self.take)(Outcome { found, message: None, faults: faults.finish(place) });
            } else {
                let message =
                    format!("<{}> is no message of CCSDS; OPM, OMM, OEM, CDM and TDM are read", shown(name));
                faults.error("orbit::unknown_format", place, Some(name), message);
                self.alone(faults.finish(place), place);
            }
            return Level::Skipped;
        };
        if let Some(id) = attribute(tag, "id").filter(|id| id != table.version) {
            let message = format!("`{}` is not `{}`, which <{name}> has", shown(&id), table.version);
            faults.error("orbit::inconsistent", place, Some("id"), message);
        }
        let version = Field {
            keyword: Cow::Borrowed(table.version),
            value: version.unwrap_or_default().trim().to_owned(),
            unit: None,
            place,
        };
        let mut header = Section::new(table.header.name, place);
        header.entries.append(&mut self.combined_comments);
        let message = Message {
            kind: table.kind,
            form: MessageForm::Xml,
            version,
            header,
            relative: None,
            segments: Vec::new(),
        };
        self.message = Some(Reading {
            table: Some((table, message)),
            found,
            faults,
            section: None,
            headers: 0,
            bodies: 0,
            start: self.counted.0,
            last: place,
        });
        Level::Message
    }

    fn enter_inside(
        &mut self,
        level: Level,
        table: &'static Table,
        name: &str,
        tag: &BytesStart<'_>,
        place: Place,
        to: usize,
    ) -> Level {
        let Some(reading) = &mut self.message else { return Level::Skipped };
        let Some((_, message)) = &mut reading.table else { return Level::Skipped };
        match (level, name) {
            (Level::Message, "header") => {
                reading.headers += 1;
                if reading.headers > 1 || reading.bodies > 0 {
                    return reading.refuse(
                        "orbit::misplaced_keyword",
                        place,
                        name,
                        "one header, before the body",
                    );
                }
                message.header.place = place;
                let filled = std::mem::replace(&mut message.header, Section::new(table.header.name, place));
                reading.section = Some(filled);
                Level::Section("header", Some(&table.header))
            }
            (Level::Message, "body") => {
                reading.bodies += 1;
                if reading.bodies > 1 || reading.headers == 0 {
                    return reading.refuse(
                        "orbit::misplaced_keyword",
                        place,
                        name,
                        "one body, behind the header",
                    );
                }
                Level::Body
            }
            (Level::Body, "relativeMetadataData") if table.relative.is_some() => {
                if message.relative.is_some() || !message.segments.is_empty() {
                    return reading.refuse(
                        "orbit::misplaced_keyword",
                        place,
                        name,
                        "one, before the segments",
                    );
                }
                reading.section = Some(Section::new("relativeMetadataData", place));
                Level::Section("relativeMetadataData", table.relative.as_ref())
            }
            (Level::Body, "segment") => {
                let metadata = Section::new(table.metadata.name, Place { line: 0, ..place });
                message.segments.push(Segment { metadata, data: Vec::new() });
                Level::Segment
            }
            (Level::Segment, "metadata") => {
                // Line 0 stands for a segment whose metadata have not come.
                if message.segments.last().is_none_or(|s| s.metadata.place.line != 0 || !s.data.is_empty()) {
                    return reading.refuse(
                        "orbit::repeated_keyword",
                        place,
                        name,
                        "one a segment, before the data",
                    );
                }
                reading.section = Some(Section::new(table.metadata.name, place));
                Level::Section("metadata", Some(&table.metadata))
            }
            (Level::Segment, "data") => {
                if message.segments.last().is_none_or(|s| s.metadata.place.line == 0 || !s.data.is_empty()) {
                    return reading.refuse(
                        "orbit::misplaced_keyword",
                        place,
                        name,
                        "one a segment, behind its metadata",
                    );
                }
                Level::Data
            }
            (Level::Data, _) => {
                let mut tables = table.data.iter().filter(|section| section.element == name);
                match (tables.next(), tables.next()) {
                    (Some(only), None) => {
                        reading.section = Some(Section::new(only.name, place));
                        Level::Section(only.element, Some(only))
                    }
                    (Some(first), Some(_)) => {
                        reading.section = Some(Section::new("", place));
                        Level::Section(first.element, None)
                    }
                    (None, _) => reading.unknown(place, name),
                }
            }
            (Level::Section(_, Some(section)), _)
                if section.keys.iter().any(|key| key.group == Some(name)) =>
            {
                Level::Group(section)
            }
            (Level::Section(element, section), _) => {
                self.enter_field(element, section, table, name, tag, place, to)
            }
            (Level::Group(section), _) => {
                self.enter_field(section.element, Some(section), table, name, tag, place, to)
            }
            _ => reading.unknown(place, name),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the place in the document and what stands there")]
    fn enter_field(
        &mut self,
        element: &'static str,
        section: Option<&'static SectionTable>,
        table: &'static Table,
        name: &str,
        tag: &BytesStart<'_>,
        place: Place,
        to: usize,
    ) -> Level {
        let Some(reading) = &mut self.message else { return Level::Skipped };
        let keyword = match name.strip_prefix("USER_DEFINED") {
            Some("") => {
                Cow::Owned(format!("{USER_DEFINED}{}", attribute(tag, "parameter").unwrap_or_default()))
            }
            _ => Cow::Owned(name.to_owned()),
        };
        let found = match section {
            Some(section) => Some(section).filter(|section| section.takes(&keyword)),
            None => table.data.iter().find(|s| s.element == element && s.takes(&keyword)),
        };
        let Some(found) = found else { return reading.unknown(place, name) };
        if section.is_none() {
            if let Some(open) = &mut reading.section {
                open.name = found.name;
            }
            if let Some(Level::Section(_, which)) = self.levels.last_mut() {
                *which = Some(found);
            }
        }
        let keyword = found.key(&keyword).map_or(keyword, |key| Cow::Borrowed(key.name));
        let unit = attribute(tag, "units").map(|unit| unit.trim().to_owned()).filter(|unit| !unit.is_empty());
        self.open = Open { keyword, unit, place, text_start: to, ..Open::default() };
        Level::Field
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

    fn end_field(&mut self, at: usize) {
        let open = std::mem::take(&mut self.open);
        let value = folded(&open.text);
        let raw = self.decoded.text.get(open.text_start..at).unwrap_or_default();
        let lead = raw.len() - raw.trim_start().len();
        let place = if raw.trim().is_empty() {
            open.place
        } else {
            self.place(open.text_start + lead, open.text_start + lead + raw.trim().len())
        };
        let Some(reading) = &mut self.message else { return };
        let Some(section) = &mut reading.section else { return };
        if section.fields().any(|old| old.keyword == open.keyword) {
            let message = "it stands in this block already; keep one of the two";
            reading.faults.error("orbit::repeated_keyword", place, Some(&open.keyword), message);
            return;
        }
        section.entries.push(Entry::Field(Field { keyword: open.keyword, value, unit: open.unit, place }));
    }

    fn end_comment(&mut self) {
        let open = std::mem::take(&mut self.open);
        let comments: Vec<Entry> = if open.text.trim().contains('\n') {
            open.text
                .lines()
                .map(str::trim)
                .filter(|l| !l.is_empty())
                .map(|l| Entry::Comment(l.to_owned()))
                .collect()
        } else {
            vec![Entry::Comment(open.text.trim_matches(['\n', '\r']).trim_end().to_owned())]
        };
        let Some(reading) = &mut self.message else {
            // Bounded: a comment costs its own bytes of the input.
            self.combined_comments.extend(comments);
            return;
        };
        if let Some(section) = &mut reading.section {
            section.entries.extend(comments);
        } else if let Some((_, message)) = &mut reading.table {
            match message.segments.last_mut() {
                Some(segment) => match segment.data.last_mut().filter(|last| last.name == LOOSE) {
                    Some(loose) => loose.entries.extend(comments),
                    None => segment.data.push(Section { name: LOOSE, entries: comments, place: open.place }),
                },
                None => message.header.entries.extend(comments),
            }
        }
    }

    fn end_section(&mut self) {
        let Some(reading) = &mut self.message else { return };
        let (Some(section), Some((table, message))) = (reading.section.take(), &mut reading.table) else {
            return;
        };
        if section.name == table.header.name {
            message.header = section;
        } else if table.relative.as_ref().is_some_and(|relative| relative.name == section.name) {
            message.relative = Some(section);
        } else if let Some(segment) = message.segments.last_mut() {
            if section.name == table.metadata.name {
                segment.metadata = section;
            } else if section.name.is_empty() {
                // An element that stands for several and holds none of their fields: only its comments count.
                if !section.entries.is_empty() {
                    segment.data.push(Section { name: LOOSE, ..section });
                }
            } else {
                segment.data.push(section);
            }
        }
    }

    fn end_message(&mut self) {
        let Some(reading) = self.message.take() else { return };
        self.any = true;
        let message = reading.table.map(|(_, message)| message);
        (self.take)(check::conclude(message, reading.found, reading.faults, reading.last));
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

impl Reading {
    fn refuse(&mut self, code: &str, place: Place, name: &str, message: &str) -> Level {
        self.faults.error(code, place, Some(name), message);
        Level::Skipped
    }

    fn unknown(&mut self, place: Place, name: &str) -> Level {
        let message = format!("no element of {} here; correct its name or its place", self.found.kind);
        self.refuse("orbit::unknown_keyword", place, name, &message)
    }
}

/// The value of an attribute, whatever its namespace. Only the entities of XML itself are resolved in it.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    tag.attributes()
        .filter_map(Result::ok)
        .find(|attribute| attribute.key.local_name().as_ref() == name)
        .and_then(|attribute| attribute.normalized_value(XmlVersion::Implicit1_0).map(Cow::into_owned).ok())
}

/// A value without the blanks around it; line ends within become one blank.
fn folded(text: &str) -> String {
    let text = text.trim();
    if text.contains(['\n', '\r']) {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        text.to_owned()
    }
}
