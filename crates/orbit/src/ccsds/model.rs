//! A message as it was read: every value with its text, its unit and its place.

use std::borrow::Cow;
use std::fmt;

use super::read::LOOSE;
use super::schema::{self, Table};

/// The kinds of message that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// Orbit Parameter Message (CCSDS 502.0-B-3, 3): one state.
    Opm,
    /// Orbit Mean-elements Message (502.0-B-3, 4).
    Omm,
    /// Orbit Ephemeris Message (502.0-B-3, 5).
    Oem,
    /// Conjunction Data Message (508.0-B-1).
    Cdm,
    /// Tracking Data Message (503.0-B-2).
    Tdm,
}

impl MessageKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Opm, Self::Omm, Self::Oem, Self::Cdm, Self::Tdm];

    pub(crate) fn table(self) -> &'static Table {
        schema::table(self)
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opm => "OPM",
            Self::Omm => "OMM",
            Self::Oem => "OEM",
            Self::Cdm => "CDM",
            Self::Tdm => "TDM",
        })
    }
}

/// How a message is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MessageForm {
    /// Keyword = value, a line each.
    Kvn,
    /// XML (CCSDS 505.0-B).
    Xml,
}

impl fmt::Display for MessageForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kvn => "KVN",
            Self::Xml => "XML",
        })
    }
}

/// Where something stands in the input: its physical line from 1 and its bytes `byte_start..byte_end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The first byte, from 0.
    pub byte_start: u64,
    /// The first byte behind.
    pub byte_end: u64,
}

/// A keyword with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub(crate) keyword: Cow<'static, str>,
    pub(crate) value: String,
    pub(crate) unit: Option<String>,
    pub(crate) place: Place,
}

impl Field {
    /// The keyword, say `MISS_DISTANCE`.
    pub fn keyword(&self) -> &str {
        &self.keyword
    }

    /// The value as it was written, without blanks around it; empty where there was none.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The unit as it was written, without brackets.
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// Where the value stands.
    pub const fn place(&self) -> Place {
        self.place
    }
}

/// A part of a section.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Entry {
    /// The text of a comment.
    Comment(String),
    /// A keyword with its value.
    Field(Field),
}

/// A logical block of a message: its header, its metadata, a state vector, one line of an ephemeris.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub(crate) name: &'static str,
    pub(crate) entries: Vec<Entry>,
    pub(crate) place: Place,
}

impl Section {
    pub(crate) const fn new(name: &'static str, place: Place) -> Self {
        Self { name, entries: Vec::new(), place }
    }

    /// The name of the section, which is mostly its element in XML, say `stateVector`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Comments and fields in the order of the input.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where the section begins.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The fields.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Field(field) => Some(field),
            Entry::Comment(_) => None,
        })
    }

    /// The comments.
    pub fn comments(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Comment(text) => Some(text.as_str()),
            Entry::Field(_) => None,
        })
    }

    /// The field of `keyword` that has a value.
    pub fn field(&self, keyword: &str) -> Option<&Field> {
        self.fields().find(|field| field.keyword == keyword && !field.value.is_empty())
    }

    /// The value of `keyword`.
    pub fn value(&self, keyword: &str) -> Option<&str> {
        self.field(keyword).map(Field::value)
    }

    /// The number of `keyword` in the unit of the standard; `None` where it is absent.
    pub fn number(&self, keyword: &str) -> Option<f64> {
        let field = self.field(keyword)?;
        let value: f64 = field.value.parse().ok()?;
        let factor = match (field.unit(), schema::unit_of(self.name, keyword)) {
            (Some(given), Some(wanted)) => super::units::factor(given, wanted)?,
            _ => 1.0,
        };
        // A factor of one must not touch the last bit.
        Some(if factor == 1.0 { value } else { value * factor })
    }
}

/// Metadata and the data that they are about.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    pub(crate) metadata: Section,
    pub(crate) data: Vec<Section>,
}

impl Segment {
    /// What the data are about.
    pub const fn metadata(&self) -> &Section {
        &self.metadata
    }

    /// The sections of the data in their order. A section named `data` holds comments only.
    pub fn data(&self) -> &[Section] {
        &self.data
    }

    /// The first section of that name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.data.iter().find(|section| section.name == name)
    }

    /// Adds comments that belong to no section of the data, found at `place`. Those that follow one another are one
    /// section, whatever marks stood between them: only so are they the same when they are read again.
    pub(crate) fn add_loose(&mut self, comments: Vec<Entry>, place: Place) {
        if comments.is_empty() {
            return;
        }
        match self.data.last_mut() {
            Some(last) if last.name == LOOSE => last.entries.extend(comments),
            _ => self.data.push(Section { name: LOOSE, entries: comments, place }),
        }
    }
}

/// A message that was read and found in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub(crate) kind: MessageKind,
    pub(crate) form: MessageForm,
    pub(crate) version: Field,
    pub(crate) header: Section,
    pub(crate) relative: Option<Section>,
    pub(crate) segments: Vec<Segment>,
}

impl Message {
    /// Its kind.
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// How it was written.
    pub const fn form(&self) -> MessageForm {
        self.form
    }

    /// The version of the format, say `2.0`.
    pub fn version(&self) -> &str {
        &self.version.value
    }

    /// The header.
    pub const fn header(&self) -> &Section {
        &self.header
    }

    /// What a CDM says of both objects; `None` in the other kinds.
    pub const fn relative(&self) -> Option<&Section> {
        self.relative.as_ref()
    }

    /// The segments: one in OPM and OMM, two in a CDM.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// All sections in the order in which they are written.
    pub fn sections(&self) -> impl Iterator<Item = &Section> {
        std::iter::once(&self.header).chain(self.relative.as_ref()).chain(
            self.segments.iter().flat_map(|segment| std::iter::once(&segment.metadata).chain(&segment.data)),
        )
    }

    /// All comments in the order in which they are written.
    pub fn comments(&self) -> impl Iterator<Item = &str> {
        self.sections().flat_map(Section::comments)
    }

    /// Whether both say the same: kind, version, sections, comments, values and units; form and places may differ.
    pub fn same_content(&self, other: &Self) -> bool {
        let plain = |m: &Self| {
            let mut m = m.clone();
            m.form = MessageForm::Kvn;
            m.version.place = Place::default();
            let sections = std::iter::once(&mut m.header).chain(m.relative.as_mut()).chain(
                m.segments.iter_mut().flat_map(|s| std::iter::once(&mut s.metadata).chain(&mut s.data)),
            );
            for section in sections {
                section.place = Place::default();
                for entry in &mut section.entries {
                    if let Entry::Field(field) = entry {
                        field.place = Place::default();
                    }
                }
            }
            m
        };
        plain(self) == plain(other)
    }
}
