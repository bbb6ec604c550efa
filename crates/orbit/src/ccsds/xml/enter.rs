//! What an element is by its name and its place.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;

use super::{Level, OTHER_KINDS, Open, Reader, Reading};
use crate::ccsds::MessageKind;
use crate::ccsds::faults::Faults;
use crate::ccsds::model::{Field, Message, MessageForm, Place, Section, Segment};
use crate::ccsds::read::{Found, Outcome, unsupported};
use crate::ccsds::schema::{SectionTable, Table, USER_DEFINED};
use crate::lines::shown;

impl Reader<'_, '_> {
    /// What an element is where the reader stands.
    pub(super) fn enter(&mut self, name: &str, tag: &BytesStart<'_>, place: Place, to: usize) -> Level {
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

    pub(super) fn enter_message(&mut self, name: &str, tag: &BytesStart<'_>, place: Place) -> Level {
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

    pub(super) fn enter_inside(
        &mut self,
        level: Level,
        table: &'static Table,
        name: &str,
        tag: &BytesStart<'_>,
        place: Place,
        to: usize,
    ) -> Level {
        match level {
            Level::Section(_, Some(section)) if section.keys.iter().any(|key| key.group == Some(name)) => {
                Level::Group(section)
            }
            Level::Section(element, section) => {
                self.enter_field(element, section, table, name, tag, place, to)
            }
            Level::Group(section) => {
                self.enter_field(section.element, Some(section), table, name, tag, place, to)
            }
            _ => self
                .message
                .as_mut()
                .map_or(Level::Skipped, |reading| reading.enter_block(level, table, name, place)),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the place in the document and what stands there")]
    pub(super) fn enter_field(
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
}

impl Reading {
    /// Enters a block of the message: its header, a segment, a section. Each has its place, and most come once.
    fn enter_block(&mut self, level: Level, table: &'static Table, name: &str, place: Place) -> Level {
        const MISPLACED: &str = "orbit::misplaced_keyword";
        let Some((_, message)) = &mut self.table else { return Level::Skipped };
        // Line 0 stands for a segment whose metadata have not come.
        let begun = message.segments.last().is_some_and(|segment| segment.metadata.place.line != 0);
        let filled = message.segments.last().is_some_and(|segment| !segment.data.is_empty());
        match (level, name) {
            (Level::Message, "header") => {
                self.headers += 1;
                if self.headers > 1 || self.bodies > 0 {
                    return self.refuse(MISPLACED, place, name, "one header, before the body");
                }
                message.header.place = place;
                let header = std::mem::replace(&mut message.header, Section::new(table.header.name, place));
                self.section = Some(header);
                Level::Section("header", Some(&table.header))
            }
            (Level::Message, "body") => {
                self.bodies += 1;
                if self.bodies > 1 || self.headers == 0 {
                    return self.refuse(MISPLACED, place, name, "one body, behind the header");
                }
                Level::Body
            }
            (Level::Body, "relativeMetadataData") if table.relative.is_some() => {
                if message.relative.is_some() || !message.segments.is_empty() {
                    return self.refuse(MISPLACED, place, name, "one, before the segments");
                }
                self.section = Some(Section::new("relativeMetadataData", place));
                Level::Section("relativeMetadataData", table.relative.as_ref())
            }
            (Level::Body, "segment") => {
                let metadata = Section::new(table.metadata.name, Place { line: 0, ..place });
                message.segments.push(Segment { metadata, data: Vec::new() });
                Level::Segment
            }
            (Level::Segment, "metadata") if begun || filled => {
                self.refuse("orbit::repeated_keyword", place, name, "one a segment, before the data")
            }
            (Level::Segment, "metadata") => {
                self.section = Some(Section::new(table.metadata.name, place));
                Level::Section("metadata", Some(&table.metadata))
            }
            (Level::Segment, "data") if !begun || filled => {
                self.refuse(MISPLACED, place, name, "one a segment, behind its metadata")
            }
            (Level::Segment, "data") => Level::Data,
            (Level::Data, _) => self.enter_data(table, name, place),
            _ => self.unknown(place, name),
        }
    }

    /// Enters a section of the data. Where one element stands for several, its first field tells which it is.
    fn enter_data(&mut self, table: &'static Table, name: &str, place: Place) -> Level {
        let mut tables = table.data.iter().filter(|section| section.element == name);
        match (tables.next(), tables.next()) {
            (Some(only), None) => {
                self.section = Some(Section::new(only.name, place));
                Level::Section(only.element, Some(only))
            }
            (Some(first), Some(_)) => {
                self.section = Some(Section::new("", place));
                Level::Section(first.element, None)
            }
            (None, _) => self.unknown(place, name),
        }
    }

    fn refuse(&mut self, code: &str, place: Place, name: &str, message: &str) -> Level {
        self.faults.error(code, place, Some(name), message);
        Level::Skipped
    }

    fn unknown(&mut self, place: Place, name: &str) -> Level {
        let message = format!("no element of {} here; correct its name or its place", self.found.kind);
        self.refuse("orbit::unknown_keyword", place, name, &message)
    }
}

/// The value of an attribute, whatever its namespace. Only the entities of XML itself are resolved in it; one with
/// another stays as it was written, and is refused as the value that it is.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = tag.attributes().filter_map(Result::ok).find(|a| a.key.local_name().as_ref() == name)?;
    let resolved = attribute.normalized_value(XmlVersion::Implicit1_0).map(Cow::into_owned);
    Some(resolved.unwrap_or_else(|_| attribute.value.into_owned()))
}
