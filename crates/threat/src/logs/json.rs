//! JSON: one object a line, or an array of objects. Every text is looked at under its path; Zeek, ECS, OCSF and
//! Windows events are known by their names, others by what the values look like.

use std::borrow::Cow;
use std::fmt;
use std::io;

use base::{Fault, Timestamp};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{FieldType, LineShape, cut_line, field_type, time, without_mark};
use crate::lines::Lines;
use crate::matching::Scan;

/// Largest array of objects: it is held as a whole, lines are not.
const MAX_DOCUMENT: usize = 256 << 20;
/// Longest path of a field; deeper names are cut.
const MAX_PATH: usize = 512;

pub(super) fn read(lines: &mut Lines<'_>, scan: &mut Scan<'_, '_>) -> io::Result<()> {
    let head = lines.peek(1 << 16)?;
    let solid =
        head.iter().position(|b| !b.is_ascii_whitespace() && !b"\xEF\xBB\xBF".contains(b)).unwrap_or(0);
    let first = head[solid..].split(|b| *b == b'\n').next().unwrap_or_default();
    let array = first.first() == Some(&b'[');
    // One object over several lines: the first goes on. A line that is merely cut off ends otherwise.
    let goes_on = first.trim_ascii_end().ends_with(b"{") || first.trim_ascii_end().ends_with(b",");
    let spread = goes_on && head.len() > solid + first.len();
    if array || spread {
        return document(lines, scan);
    }
    objects(lines, scan)
}

/// One object a line.
pub(super) fn objects(lines: &mut Lines<'_>, scan: &mut Scan<'_, '_>) -> io::Result<()> {
    scan.shape(|| LineShape::Json);
    while let Some(line) = lines.next()? {
        scan.begin(line.number, line.offset);
        if line.cut {
            cut_line(&line, scan);
        }
        let bytes = without_mark(&line);
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        object(bytes, line.offset, scan);
    }
    Ok(())
}

/// Looks at one object. One that is no JSON, or no UTF-8, is searched as text.
pub(super) fn object(bytes: &[u8], offset: u64, scan: &mut Scan<'_, '_>) {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) => {
            let at = offset + error.valid_up_to() as u64;
            let message = "the line is no UTF-8; its bad bytes were read as replacement characters";
            let line = scan.line();
            scan.fault(Fault::warning("log::bad_utf8", message).at_line(line).at_bytes(at, at + 1));
            String::from_utf8_lossy(bytes)
        }
    };
    let mut path = String::new();
    let mut from = serde_json::Deserializer::from_str(&text);
    let mut pair = HostAndPath::default();
    let outcome =
        Walk { scan, path: &mut path, pair: &mut pair }.deserialize(&mut from).and_then(|()| from.end());
    if let Err(error) = outcome {
        let at = offset + (error.column().saturating_sub(1) as u64).min(bytes.len() as u64);
        let message = format!("the line is no JSON: {error}; it was searched as text");
        let line = scan.line();
        scan.fault(Fault::error("log::bad_json", message).at_line(line).at_bytes(at, at + 1));
        // What was found before the break is found again, in the line as a whole.
        scan.begin(line, offset);
        scan.text("line", bytes);
        scan.texts_of_line(bytes, |_| "line");
    }
    if let (Some(host), Some(path)) = (pair.host, pair.path) {
        scan.host_and_path("uri", host.as_bytes(), path.as_bytes());
    }
    if scan.wants_events()
        && let Ok(value @ Value::Object(_)) = serde_json::from_str(&text)
    {
        scan.event(bytes, &value, time_of(&value), None);
    }
    scan.end(bytes, || time_of(&serde_json::from_str(&text).ok()?));
}

fn time_of(value: &Value) -> Option<Timestamp> {
    let nested = |path: &[&str]| path.iter().try_fold(value, |value, name| value.get(name));
    let windows = || {
        nested(&["Event", "System", "TimeCreated", "#attributes", "SystemTime"])?
            .as_str()
            .and_then(time::time)
    };
    time::time_of(value).or_else(windows)
}

/// An array of objects, or objects that go over several lines. `line` is the one on which an object begins.
fn document(lines: &mut Lines<'_>, scan: &mut Scan<'_, '_>) -> io::Result<()> {
    scan.shape(|| LineShape::JsonDocument);
    let bytes = match lines.rest(MAX_DOCUMENT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            let message = format!("{error}; one object a line is read at any size");
            scan.fault(Fault::error("log::large_document", message).at_line(1));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let body = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let mut place = Place { bytes: body, counted: (0, 1) };
    let mut from = serde_json::Deserializer::from_slice(body);
    loop {
        match (Items { place: &mut place, scan }).deserialize(&mut from) {
            Ok(()) => {}
            Err(error) => {
                let message = format!("the document breaks here: {error}; what stands before was searched");
                scan.fault(Fault::error("log::bad_json", message).at_line(error.line().max(1) as u64));
                return Ok(());
            }
        }
        if from.end().is_ok() {
            return Ok(());
        }
    }
}

/// Where in a document the reading is.
struct Place<'d> {
    bytes: &'d [u8],
    counted: (usize, u64),
}

impl Place<'_> {
    /// First byte and line of a part of the document.
    fn of(&mut self, part: &str) -> (u64, u64) {
        let at = (part.as_ptr() as usize).saturating_sub(self.bytes.as_ptr() as usize);
        let (from, line) = self.counted;
        if let Some(between) = self.bytes.get(from..at) {
            self.counted = (at, line + memchr::memchr_iter(b'\n', between).count() as u64);
        }
        (at as u64, self.counted.1)
    }
}

/// Objects, alone or in arrays.
struct Items<'a, 'd, 's, 'w> {
    place: &'a mut Place<'d>,
    scan: &'a mut Scan<'s, 'w>,
}

impl<'de> DeserializeSeed<'de> for Items<'_, 'de, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, from: D) -> Result<(), D::Error> {
        // A document that begins with `[` is one array; all others are objects one after the other.
        if self.place.bytes.trim_ascii_start().first() == Some(&b'[') {
            return from.deserialize_seq(self);
        }
        let raw: &'de RawValue = serde::Deserialize::deserialize(from)?;
        self.item(raw);
        Ok(())
    }
}

impl Items<'_, '_, '_, '_> {
    fn item(&mut self, raw: &RawValue) {
        let (offset, line) = self.place.of(raw.get());
        self.scan.begin(line, offset);
        object(raw.get().as_bytes(), offset, self.scan);
    }
}

impl<'de> Visitor<'de> for Items<'_, 'de, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<&'de RawValue>()? {
            self.item(raw);
        }
        Ok(())
    }
}

/// Zeek writes the host and the path of a request into two fields.
#[derive(Default)]
pub(super) struct HostAndPath {
    host: Option<String>,
    path: Option<String>,
}

/// Gives every text of a value to the look-up.
pub(super) struct Walk<'a, 's, 'w> {
    pub(super) scan: &'a mut Scan<'s, 'w>,
    /// The names that lead here, with dots between.
    pub(super) path: &'a mut String,
    pub(super) pair: &'a mut HostAndPath,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let length = self.path.len();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if length + key.len() < MAX_PATH {
                if length > 0 {
                    self.path.push('.');
                }
                self.path.push_str(&key);
            }
            map.next_value_seed(Walk { scan: self.scan, path: self.path, pair: self.pair })?;
            self.path.truncate(length);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Walk { scan: self.scan, path: self.path, pair: self.pair })?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let sort = field_type(self.path);
        self.scan.value(sort, self.path, text.as_bytes());
        self.scan.texts(self.path, text.as_bytes());
        match (sort, self.path.as_str()) {
            (FieldType::Host, "host") => self.pair.host = Some(text.to_owned()),
            (FieldType::Path, "uri") => self.pair.path = Some(text.to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}
