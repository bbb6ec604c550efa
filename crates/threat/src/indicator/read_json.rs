//! Indicators from JSON: bundles of STIX, events of MISP. Objects are taken as they come, so a document that is cut
//! off gives what stands before the cut.

use std::borrow::Cow;
use std::fmt;

use base::{Fault, Marking, Timestamp};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::form::short;
use super::pattern_values::kind_of_path;
use super::read::{Sink, Take, odd};
use super::read_table::{WordKind, first_part, kind_of_word};
use super::{
    Indicator, IndicatorError, IndicatorFormat, IndicatorKind, Origin, Validity, indicators_in_pattern,
};

/// Reads all documents in `bytes`, one after the other.
pub(super) fn read(bytes: &[u8], sink: &mut Sink, take: &mut Take<'_>) -> IndicatorFormat {
    let start = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut reading = Reading {
        bytes,
        counted: (start, 1),
        sink,
        take,
        format: IndicatorFormat::Empty,
        event: Event::default(),
    };
    let mut from = start;
    loop {
        // Where this document begins: lone objects have no other place.
        let blank = bytes[from..].iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(0);
        let newlines = memchr::memchr_iter(b'\n', &bytes[reading.counted.0..from + blank]).count() as u64;
        reading.counted = (from + blank, reading.counted.1 + newlines);
        let mut documents = serde_json::Deserializer::from_slice(&bytes[from..]);
        let outcome = Part(&mut reading, 0).deserialize(&mut documents);
        reading.end_event();
        match outcome {
            Ok(()) => {}
            Err(error) => {
                reading.broken(&bytes[from..], from, &error);
                return reading.format;
            }
        }
        let stream = documents.into_iter::<IgnoredAny>();
        // Where this document ended and whether another follows.
        from += stream.byte_offset();
        if bytes[from..].iter().all(u8::is_ascii_whitespace) {
            return reading.format;
        }
    }
}

struct Reading<'r, 's, 't> {
    bytes: &'r [u8],
    /// A byte and its line: lines are counted onwards from there.
    counted: (usize, u64),
    sink: &'s mut Sink,
    take: &'s mut Take<'t>,
    format: IndicatorFormat,
    event: Event,
}

/// Attributes of an event of MISP wait for its tags, which come last.
#[derive(Default)]
struct Event {
    waiting: Vec<(Vec<Indicator>, Origin)>,
    marking: Option<Marking>,
}

/// What stands at some depth of a document.
struct Part<'a, 'r, 's, 't>(&'a mut Reading<'r, 's, 't>, u8);

/// Depth at which objects that hold attributes may stand: response, event, object.
const MAX_DEPTH: u8 = 8;

impl<'de> DeserializeSeed<'de> for Part<'_, 'de, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_, 'de, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a STIX bundle or a MISP event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(reading, depth) = self;
        let mut lone = Lone::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                _ if depth >= MAX_DEPTH => drop(map.next_value::<IgnoredAny>()?),
                "objects" => {
                    reading.format = IndicatorFormat::Stix;
                    map.next_value_seed(Objects(reading))?;
                }
                "Attribute" => {
                    reading.format = IndicatorFormat::Misp;
                    map.next_value_seed(Attributes(reading))?;
                }
                "Event" | "response" | "Object" => {
                    map.next_value_seed(Part(reading, depth + 1))?;
                    if key == "Event" {
                        reading.end_event();
                    }
                }
                "Tag" => {
                    let tags: Value = map.next_value()?;
                    reading.event.marking = marking_of_tags(&tags).or(reading.event.marking.take());
                }
                "id" | "type" | "pattern" | "value" => {
                    let value: Value = map.next_value()?;
                    lone.keep(&key, value);
                }
                _ => lone.rest(&key, map.next_value::<&'de RawValue>()?),
            }
        }
        // A STIX object without a bundle around it.
        if let Some(object) = lone.object().filter(|_| depth <= 1) {
            reading.format = IndicatorFormat::Stix;
            let line = reading.counted.1;
            reading.stix_object(&object, line);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self(reading, depth) = self;
        if depth >= MAX_DEPTH {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        while seq.next_element_seed(Part(reading, depth + 1))?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
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

/// The properties of an object that may be a STIX object by itself.
#[derive(Default)]
struct Lone(serde_json::Map<String, Value>);

/// Longest property that is looked at in a lone object.
const MAX_PROPERTY: usize = 1 << 20;

impl Lone {
    fn keep(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    fn rest(&mut self, key: &str, raw: &RawValue) {
        if raw.get().len() <= MAX_PROPERTY
            && let Ok(value) = serde_json::from_str(raw.get())
        {
            self.keep(key, value);
        }
    }

    fn object(self) -> Option<Value> {
        let of = |name: &str| self.0.get(name).and_then(Value::as_str);
        let kind = of("type")?;
        of("id").is_some_and(|id| id.starts_with(&format!("{kind}--"))).then_some(Value::Object(self.0))
    }
}

/// The objects of a bundle.
struct Objects<'a, 'r, 's, 't>(&'a mut Reading<'r, 's, 't>);

impl<'de> DeserializeSeed<'de> for Objects<'_, 'de, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Objects<'_, 'de, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the array of a bundle's objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<&'de RawValue>()? {
            let line = self.0.line_of(raw);
            match serde_json::from_str(raw.get()) {
                Ok(object) => self.0.stix_object(&object, line),
                Err(error) => {
                    let message = format!("the object cannot be read: {error}");
                    self.0.sink.fault(Fault::error("indicator::bad_object", message).at_line(line));
                }
            }
        }
        Ok(())
    }

    // STIX 2.0 knew bundles whose objects are an object of arrays no more; what is left is no bundle.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The attributes of an event or object of MISP.
struct Attributes<'a, 'r, 's, 't>(&'a mut Reading<'r, 's, 't>);

impl<'de> DeserializeSeed<'de> for Attributes<'_, 'de, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Attributes<'_, 'de, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of attributes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<&'de RawValue>()? {
            let line = self.0.line_of(raw);
            match serde_json::from_str(raw.get()) {
                Ok(attribute) => self.0.misp_attribute(&attribute, line),
                Err(error) => {
                    let message = format!("the attribute cannot be read: {error}");
                    self.0.sink.fault(Fault::error("indicator::bad_object", message).at_line(line));
                }
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

impl Reading<'_, '_, '_> {
    /// The line on which a value of the document begins.
    fn line_of(&mut self, raw: &RawValue) -> u64 {
        let at = (raw.get().as_ptr() as usize).saturating_sub(self.bytes.as_ptr() as usize);
        let (from, line) = self.counted;
        if let Some(between) = self.bytes.get(from..at) {
            self.counted = (at, line + memchr::memchr_iter(b'\n', between).count() as u64);
        }
        self.counted.1
    }

    fn broken(&mut self, part: &[u8], from: usize, error: &serde_json::Error) {
        let before = memchr::memchr_iter(b'\n', &self.bytes[..from]).count() as u64;
        let line = before + error.line().max(1) as u64;
        let ends: Vec<usize> =
            memchr::memchr_iter(b'\n', part).take(error.line().saturating_sub(1)).collect();
        let start = if error.line() > 1 { ends.last().map_or(0, |end| end + 1) } else { 0 };
        let at = (from + start + error.column().saturating_sub(1)).min(self.bytes.len()) as u64;
        let message =
            format!("the document breaks here: {}; what stands before was read", short(&error.to_string()));
        let end = (at + 1).min(self.bytes.len() as u64);
        self.sink
            .fault(Fault::error("indicator::bad_json", message).at_line(line).at_bytes(at.min(end), end));
    }

    fn stix_object(&mut self, object: &Value, line: u64) {
        let of = |name: &str| object.get(name).and_then(Value::as_str);
        let Some(kind) = of("type") else {
            let message = "the object has no `type`; correct it or remove it";
            self.sink.fault(Fault::error("indicator::bad_object", message).at_line(line).in_field("type"));
            return;
        };
        if object.get("revoked") == Some(&Value::Bool(true)) {
            self.sink.passed_over += 1;
            return;
        }
        let read = match kind {
            "indicator" => self.stix_indicator(object, line),
            "domain-name" | "ipv4-addr" | "ipv6-addr" | "url" | "email-addr" | "file" => {
                observable(object, kind)
            }
            _ => return,
        };
        let mut good = Vec::new();
        for one in read {
            match one {
                Ok(indicator) => good.push(indicator),
                Err(error) => self.sink.refuse(
                    &error,
                    line,
                    Some(if kind == "indicator" { "pattern" } else { "value" }),
                ),
            }
        }
        if !good.is_empty() {
            let origin = Origin {
                source: self.sink.origin.source.clone(),
                object: of("id").map(str::to_owned),
                name: of("name").map(short),
                marking: marking_of_stix(object).or_else(|| self.sink.origin.marking.clone()),
                validity: self.validity(object, line),
            };
            self.sink.take_of_object(good, &origin, self.take);
        }
    }

    fn stix_indicator(&mut self, object: &Value, line: u64) -> Vec<Result<Indicator, IndicatorError>> {
        let of = |name: &str| object.get(name).and_then(Value::as_str);
        let fault =
            |code: &str, text: &str, why: &str| odd(code, text, why).at_line(line).in_field("pattern");
        if let Some(other) = of("pattern_type").filter(|sort| *sort != "stix") {
            let why = "patterns are not looked up in logs; only those of type `stix` are";
            self.sink.fault(fault("indicator::other_pattern", other, why));
            return Vec::new();
        }
        let Some(pattern) = of("pattern") else {
            let message = "the indicator has no `pattern`; correct it or remove it";
            self.sink.fault(Fault::error("indicator::bad_object", message).at_line(line).in_field("pattern"));
            return Vec::new();
        };
        indicators_in_pattern(pattern).unwrap_or_else(|| {
            let why = "is more than values joined by OR; match it with `bongsu threat pattern match`";
            self.sink.fault(fault("indicator::pattern_beyond_values", pattern, why));
            Vec::new()
        })
    }

    fn validity(&mut self, object: &Value, line: u64) -> Validity {
        let mut time = |name: &str| {
            let text = object.get(name)?.as_str()?;
            let time: Option<Timestamp> = text.parse().ok();
            if time.is_none() {
                let message = format!("`{}` is no time; it is taken as absent", short(text));
                self.sink.fault(Fault::warning("indicator::bad_time", message).at_line(line).in_field(name));
            }
            time
        };
        Validity { from: time("valid_from"), until: time("valid_until") }
    }

    fn misp_attribute(&mut self, attribute: &Value, line: u64) {
        let of = |name: &str| attribute.get(name).and_then(Value::as_str);
        let is = |name: &str, want: bool| match attribute.get(name) {
            Some(Value::Bool(found)) => *found == want,
            Some(Value::String(found)) => found == if want { "1" } else { "0" },
            _ => false,
        };
        let (Some(sort), Some(value)) = (of("type"), of("value").or_else(|| of("value1"))) else {
            let message = "the attribute has no `type` or no `value`; correct it or remove it";
            self.sink.fault(Fault::error("indicator::bad_object", message).at_line(line).in_field("value"));
            return;
        };
        if is("to_ids", false) || is("deleted", true) {
            self.sink.passed_over += 1;
            return;
        }
        let mut good = Vec::new();
        for read in misp_values(sort, value) {
            match read {
                Some(Ok(indicator)) => good.push(indicator),
                Some(Err(error)) => self.sink.refuse(&error, line, Some(sort)),
                None => self.sink.passed_over += 1,
            }
        }
        if !good.is_empty() {
            let origin = Origin {
                source: self.sink.origin.source.clone(),
                object: of("uuid").map(str::to_owned),
                name: of("comment").filter(|text| !text.is_empty()).map(short),
                marking: attribute.get("Tag").and_then(marking_of_tags),
                validity: Validity::default(),
            };
            self.event.waiting.push((good, origin));
        }
    }

    /// Gives the attributes of an event whose end was reached.
    fn end_event(&mut self) {
        let Event { waiting, marking } = std::mem::take(&mut self.event);
        for (indicators, mut origin) in waiting {
            origin.marking =
                origin.marking.or_else(|| marking.clone()).or_else(|| self.sink.origin.marking.clone());
            self.sink.take_of_object(indicators, &origin, self.take);
        }
    }
}

/// The values of a cyber-observable object.
fn observable(object: &Value, kind: &str) -> Vec<Result<Indicator, IndicatorError>> {
    if kind == "file" {
        let hashes = object.get("hashes").and_then(Value::as_object).into_iter().flatten();
        let digests = hashes.filter_map(|(algorithm, value)| {
            let kind = kind_of_path(&format!("file:hashes.{algorithm}"))?;
            Some(Indicator::new(kind, value.as_str()?))
        });
        let name = object.get("name").and_then(Value::as_str);
        return digests.chain(name.map(|name| Indicator::new(IndicatorKind::FileName, name))).collect();
    }
    let Some(value) = object.get("value").and_then(Value::as_str) else { return Vec::new() };
    let kind = match kind_of_path(&format!("{kind}:value")) {
        Some(IndicatorKind::Address) if value.contains('/') => IndicatorKind::Network,
        Some(kind) => kind,
        None => return Vec::new(),
    };
    vec![Indicator::new(kind, value)]
}

/// The values of an attribute; `None` for what is not looked up.
fn misp_values(sort: &str, value: &str) -> Vec<Option<Result<Indicator, IndicatorError>>> {
    if sort == "domain|ip"
        && let Some((name, ip)) = value.split_once('|')
    {
        return vec![
            Some(Indicator::new(IndicatorKind::Domain, name)),
            Some(Indicator::new(IndicatorKind::Address, ip)),
        ];
    }
    let WordKind::Kind(kind) = kind_of_word(sort) else { return vec![None] };
    let value = first_part(value, kind);
    let kind =
        if kind == IndicatorKind::Address && value.contains('/') { IndicatorKind::Network } else { kind };
    vec![Some(Indicator::new(kind, value))]
}

/// Markings of STIX. The ones of the Traffic Light Protocol have fixed identifiers (STIX 2.1, 7.2.1.4, and the
/// extension for TLP 2.0); any other is kept as a caveat, which no table of ours opens.
fn marking_of_stix(object: &Value) -> Option<Marking> {
    let references = object.get("object_marking_refs")?.as_array()?;
    let mut marking = Marking::default();
    for reference in references.iter().filter_map(Value::as_str) {
        match TLP.iter().find(|(id, _)| reference.strip_prefix("marking-definition--") == Some(*id)) {
            Some((_, word)) => narrow(&mut marking, word),
            None => marking.caveats.push(short(reference)),
        }
    }
    (marking != Marking::default()).then_some(marking)
}

const TLP: &[(&str, &str)] = &[
    ("613f2e26-407d-48c7-9eca-b8e91df99dc9", "CLEAR"),
    ("34098fce-860f-48ae-8e50-ebd3cc5e41da", "GREEN"),
    ("f88d31f6-486f-44da-b317-01333bde0b82", "AMBER"),
    ("5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "RED"),
    ("94868c89-83c2-464b-929b-a1a8aa3c8487", "CLEAR"),
    ("bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "GREEN"),
    ("55d920b0-5e8b-4f79-9ee9-91f868d9b421", "AMBER"),
    ("939a9414-2ddd-4d32-a0cd-375ea402b003", "AMBER+STRICT"),
    ("e828b379-4e03-4974-9ac4-e53a884c97c1", "RED"),
];

/// The narrowest word wins.
fn narrow(marking: &mut Marking, word: &str) {
    const RISING: [&str; 5] = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"];
    let rank = |word: &str| RISING.iter().position(|known| *known == word);
    if marking.tlp.as_deref().and_then(rank) < rank(word) {
        marking.tlp = Some(word.to_owned());
    }
}

/// The marking that tags of MISP say: `tlp:amber`.
fn marking_of_tags(tags: &Value) -> Option<Marking> {
    let mut marking = Marking::default();
    for tag in tags.as_array()? {
        let name = tag.get("name").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        match name.strip_prefix("tlp:") {
            Some("white" | "clear") => narrow(&mut marking, "CLEAR"),
            Some(word @ ("green" | "amber" | "amber+strict" | "red")) => {
                narrow(&mut marking, &word.to_ascii_uppercase());
            }
            Some(other) => marking.caveats.push(format!("tlp:{}", short(other))),
            None => {}
        }
    }
    (marking != Marking::default()).then_some(marking)
}
