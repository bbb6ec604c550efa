//! Markings as other programs write them: read into a [`Marking`], and written from a [`Label`].
//!
//! **Invariant:** a conversion only narrows. What a format cannot say closes the result to everybody but the
//! originator, or is carried beside it where it decides nothing about who; either way it is told as a [`Loss`]. What a
//! reader does not know it keeps as a restrictive category, which no table knows, and so withholds.

mod cap;
mod capco;
mod cot;
mod ism;
mod misp;
mod stanag4774;
mod stix;
mod xml;

use std::fmt;
use std::str::FromStr;

use base::{Country, Fault, Marking};
use serde::Serialize;

pub use ism::check_ism;
pub use misp::Organisations;
pub use stix::{EXTENSION as STIX_EXTENSION, Redacted, redact_stix};

use crate::{Caveat, Codes, Label, Level, MAX_WORDS, UnknownWord};

/// The largest document that is read, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 32 << 20;

/// The form in which somebody else writes a marking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// STIX 2.0 or 2.1: object and granular markings, TLP 1 and 2, statements.
    Stix,
    /// Banner and portion lines after the CAPCO register, one a line.
    Capco,
    /// XML with IC-ISM attributes (ISM.XML, DES version 10).
    Ism,
    /// The confidentiality label of STANAG 4774, and the JSON form that OpenTDF carries.
    Stanag4774,
    /// A MISP event: distribution, sharing group, tags.
    Misp,
    /// A Cursor-on-Target event: `access`, `caveat`, `releaseableTo`.
    Cot,
    /// A CAP 1.2 alert: `scope`, `restriction`, `addresses`.
    Cap,
}

impl Format {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Stix, Self::Capco, Self::Ism, Self::Stanag4774, Self::Misp, Self::Cot, Self::Cap];

    /// The word for it on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stix => "stix",
            Self::Capco => "capco",
            Self::Ism => "ism",
            Self::Stanag4774 => "stanag4774",
            Self::Misp => "misp",
            Self::Cot => "cot",
            Self::Cap => "cap",
        }
    }

    /// Which form a document has, by what is in it; `None` for anything else, our own markings among it.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok()?;
        let text = text.trim_start();
        match text.chars().next()? {
            '<' => Self::of_xml(text),
            '{' | '[' => Self::of_json(&serde_json::from_str(text).ok()?),
            _ => text.lines().any(capco::is_marking).then_some(Self::Capco),
        }
    }

    fn of_xml(text: &str) -> Option<Self> {
        let Ok(elements) = xml::elements(text) else {
            // A damaged document still looks like something, and its reader says what is wrong where.
            let signs = [
                ("ConfidentialityInformation", Self::Stanag4774),
                ("urn:us:gov:ic:ism", Self::Ism),
                ("<event", Self::Cot),
                ("alert", Self::Cap),
            ];
            return signs.into_iter().find(|(sign, _)| text.contains(sign)).map(|(_, format)| format);
        };
        let root = elements.first()?;
        match root.name.as_str() {
            "event" => Some(Self::Cot),
            "alert" => Some(Self::Cap),
            _ if elements.iter().any(stanag4774::is_label) => Some(Self::Stanag4774),
            _ => elements.iter().any(ism::is_marked).then_some(Self::Ism),
        }
    }

    /// Which form a JSON document has.
    pub fn of_json(value: &serde_json::Value) -> Option<Self> {
        let has = |key: &str| value.get(key).is_some();
        let first_has = |key: &str| value.get(0).is_some_and(|first| first.get(key).is_some());
        if value.get("schema").is_some() {
            None
        } else if stix::is_stix(value) {
            Some(Self::Stix)
        } else if ["Event", "SharingGroup", "distribution"].iter().any(|key| has(key) || first_has(key)) {
            Some(Self::Misp)
        } else if has("ocl") || has("assertions") {
            Some(Self::Stanag4774)
        } else {
            None
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.iter().copied().find(|format| format.as_str() == word).ok_or_else(|| UnknownWord {
            word: cut(word),
            scale: "format",
            allowed: "stix, capco, ism, stanag4774, misp, cot, cap",
        })
    }
}

/// What a reader or writer must know that the document does not say.
#[derive(Debug, Clone, Copy)]
pub struct FormatContext<'a> {
    /// The table of codes of the day.
    pub codes: &'a Codes,
    /// Whose an item is in forms that do not say it; where a form says it, the form is right. Without it such an item
    /// is marked as of [`UNKNOWN_ORIGINATOR`], which no table knows.
    pub originator: Option<&'a Country>,
    /// Which MISP organisations stand for which country.
    pub organisations: &'a Organisations,
}

/// The code for an originator that nobody named: one of those that ISO 3166-1 leaves to its users.
pub const UNKNOWN_ORIGINATOR: &str = "ZZZ";

impl FormatContext<'_> {
    fn owner(&self) -> &str {
        self.originator.map_or(UNKNOWN_ORIGINATOR, Country::as_str)
    }
}

/// One marking of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadMarking {
    /// What is marked: the id of a STIX object, `banner`, `portion 2`, `event`, or empty.
    pub name: String,
    /// The line on which the marking stands, from 1.
    pub line: u64,
    /// The marking in our words. Nothing is judged yet: that is [`Label::parse`]'s matter and the release decision's.
    pub marking: Marking,
}

/// What was read from a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadMarkings {
    /// The markings in the order of the document. What could not be understood gives none, and reaches nobody.
    pub items: Vec<ReadMarking>,
    /// What was wrong, and what the form says that our words do not.
    pub faults: Vec<Fault>,
}

impl ReadMarkings {
    fn fault(fault: Fault) -> Self {
        Self { items: Vec::new(), faults: vec![fault] }
    }

    fn push(&mut self, name: impl Into<String>, line: u64, marking: Marking) {
        self.items.push(ReadMarking { name: name.into(), line, marking });
    }
}

/// Reads the markings of a document in the given form. Never fails: what cannot be understood is a fault, and the
/// item that it stands on has no marking.
pub fn read_markings(bytes: &[u8], format: Format, context: &FormatContext<'_>) -> ReadMarkings {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        let message = format!("a document of more than {MAX_DOCUMENT_BYTES} bytes; split it");
        return ReadMarkings::fault(Fault::error("label::too_large", message));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to() as u64;
            let fault =
                Fault::error("label::not_utf8", "the document is no UTF-8; convert it").at_bytes(at, at + 1);
            return ReadMarkings::fault(fault);
        }
    };
    match format {
        Format::Stix => json(text, |value| stix::read(value, context)),
        Format::Capco => capco::read(text, context),
        Format::Ism => xml_document(text, |elements| ism::read(elements, context)),
        Format::Stanag4774 if text.trim_start().starts_with(['{', '[']) => {
            json(text, |value| stanag4774::read_json(value, context))
        }
        Format::Stanag4774 => xml_document(text, |elements| stanag4774::read(elements, context)),
        Format::Misp => json(text, |value| misp::read(value, context)),
        Format::Cot => xml_document(text, |elements| cot::read(elements, context)),
        Format::Cap => xml_document(text, |elements| cap::read(elements, context)),
    }
}

fn json(text: &str, read: impl FnOnce(&serde_json::Value) -> ReadMarkings) -> ReadMarkings {
    match serde_json::from_str(text) {
        Ok(value) => read(&value),
        Err(error) => {
            let fault = Fault::error("label::bad_json", format!("no JSON: {error}"));
            ReadMarkings::fault(fault.at_line(error.line() as u64))
        }
    }
}

fn xml_document(text: &str, read: impl FnOnce(&[xml::Element]) -> ReadMarkings) -> ReadMarkings {
    match xml::elements(text) {
        Ok(elements) => read(&elements),
        Err(fault) => ReadMarkings::fault(*fault),
    }
}

/// Something that a label says and the written form does not, or not for every reader.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Loss {
    /// The field of the marking.
    pub field: String,
    /// What was lost.
    pub lost: String,
    /// Why, and what was done instead.
    pub why: String,
}

impl Loss {
    fn new(field: &str, lost: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.to_owned(), lost: lost.into(), why: why.into() }
    }
}

/// A label in another form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenMarking {
    /// The document, or the part of one that carries the marking.
    pub text: String,
    /// What it does not say, sorted by field.
    pub losses: Vec<Loss>,
}

/// Writes a label in the given form. Whoever may have the item by what is written may have it by the label.
///
/// What is written is read again and held against the label; should it reach further, it is closed to everybody but
/// the originator, so a fault of a writer can hide an item but not leak it.
pub fn write_marking(label: &Label, format: Format, context: &FormatContext<'_>) -> WrittenMarking {
    // A form that does not say whose the item is leaves it to the reader, who reads it as the originator's.
    let context = FormatContext { originator: label.originators.first(), ..*context };
    let (open, mut losses) = close_for(label, format, &context);
    let mut text = emit(&open, format, &context, &mut losses);
    if !holds(&text, label, format, &context) {
        let why = format!("{format} would say more than the label; closed to everybody but the originator");
        losses.push(Loss::new("rel_to", countries(label.rel_to.iter()), why));
        text = emit(&closed(label), format, &context, &mut losses);
    }
    if !label.derived_from.is_empty() {
        let lost = format!("{} entries", label.derived_from.len());
        losses.push(Loss::new("derived_from", lost, "ids of this record mean nothing elsewhere"));
    }
    losses.sort();
    losses.dedup();
    WrittenMarking { text, losses }
}

fn emit(label: &Label, format: Format, context: &FormatContext<'_>, losses: &mut Vec<Loss>) -> String {
    match format {
        Format::Stix => stix::write(label, losses),
        Format::Capco => capco::write(label, losses),
        Format::Ism => ism::write(label, losses),
        Format::Stanag4774 => stanag4774::write(label, losses),
        Format::Misp => misp::write(label, context, losses),
        Format::Cot => cot::write(label, losses),
        Format::Cap => cap::write(label, losses),
    }
}

/// Whether what was written, read again, reaches nobody whom the label does not.
fn holds(text: &str, label: &Label, format: Format, context: &FormatContext<'_>) -> bool {
    let read = read_markings(text.as_bytes(), format, context);
    let [one] = read.items.as_slice() else { return false };
    match Label::parse(&one.marking, context.codes) {
        Ok(again) => again.restricts_at_least(label) || (again.is_closed() && again.warns_as(label)),
        Err(_) => false,
    }
}

/// The label with everything that reaches anybody taken away.
fn closed(label: &Label) -> Label {
    let mut closed = label.clone();
    closed.rel_to.clear();
    closed.display_only.clear();
    closed.relido = false;
    closed.caveats.insert(Caveat::Noforn);
    closed
}

/// The label that the form can carry: closed when the form, as others read it, cannot hold back what the label does.
fn close_for(label: &Label, format: Format, context: &FormatContext<'_>) -> (Label, Vec<Loss>) {
    let mut losses = Vec::new();
    let mut close = |field: &str, lost: String| {
        let why = format!("{format} has no place for it; closed to everybody but the originator");
        losses.push(Loss::new(field, lost, why));
    };
    let carries_level = !matches!(format, Format::Stix | Format::Misp);
    let carries_time = matches!(format, Format::Capco | Format::Stanag4774 | Format::Cot | Format::Cap);
    if !carries_level && label.level > Level::Unclassified {
        close("level", label.level.to_string());
    }
    if !carries_time {
        if let Some(time) = label.valid_from {
            close("valid_from", time.to_string());
        }
        if let Some(time) = label.expires {
            close("expires", time.to_string());
        }
        for policy in label.policies.iter().filter(|policy| !context.codes.knows_policy(policy)) {
            close("policy", policy.clone());
        }
        for category in label.categories.iter().filter(|c| format != Format::Ism || !ism::is_native(c)) {
            close("categories", category.clone());
        }
        if label.tlp == Some(crate::Tlp::Red) && format == Format::Ism {
            close("tlp", "RED".to_owned());
        }
    }
    let open = if losses.is_empty() { label.clone() } else { closed(label) };
    (open, losses)
}

/// Country codes for a text, the United States first, as the CAPCO register and IC-ISM have it.
fn countries<'a>(codes: impl Iterator<Item = &'a Country>) -> String {
    ordered(codes).join(", ")
}

fn ordered<'a>(codes: impl Iterator<Item = &'a Country>) -> Vec<&'a str> {
    let mut codes: Vec<&str> = codes.map(Country::as_str).collect();
    codes.sort_by_key(|code| (*code != "USA", *code));
    codes
}

/// A second word of a scale narrows the first; a word that is not known stays, and is withheld.
fn narrow<T: FromStr + Ord>(field: &mut Option<String>, word: &str) {
    let narrower = match field.as_deref().map(str::parse::<T>) {
        None => true,
        Some(Err(_)) => false,
        Some(Ok(before)) => word.parse::<T>().map_or(true, |after| after > before),
    };
    if narrower {
        *field = Some(word.to_owned());
    }
}

/// A restrictive category for a word that no reader knows: its signs are written so that it can stand anywhere.
fn category(space: &str, word: &str) -> String {
    let mut text = format!("{space}:");
    for byte in word.split_whitespace().collect::<Vec<_>>().join(" ").bytes() {
        if text.len() > 100 {
            // So long a word is not to be found in a table, and must not be taken for one that begins alike.
            text.push_str("%MORE");
            break;
        }
        if byte.is_ascii_alphanumeric() || b":._+@=- ".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text.trim_end().to_owned()
}

/// Adds a word once. One more than a marking may have is kept, so that it is refused as too long; a list of a
/// million words costs no more than that.
fn push_new(words: &mut Vec<String>, word: impl Into<String>) {
    let word = word.into();
    if words.len() <= MAX_WORDS && !words.contains(&word) {
        words.push(word);
    }
}

/// The most faults of one document that are told.
const MAX_FAULTS: usize = 1_000;

/// Adds a fault, and after many of them only that there are more.
fn complain(faults: &mut Vec<Fault>, fault: Fault) {
    if faults.len() < MAX_FAULTS {
        faults.push(fault);
    } else if faults.len() == MAX_FAULTS {
        let message = format!("more than {MAX_FAULTS} faults; mend these first");
        faults.push(Fault::error("label::more_faults", message));
    }
}

fn push_caveat(marking: &mut Marking, caveat: Caveat) {
    push_new(&mut marking.caveats, caveat.as_str());
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}
