//! Events from JSON, in the forms in which they are passed around: `{"Event": {}}`, `{"response": [..]}`, a list, a bare
//! event.

mod elements;

pub(super) use elements::{cluster_uuid, meta};

use std::collections::HashSet;

use base::{Fault, FaultLevel};

use super::MispEvent;
use super::value::{flag, seconds, text, uuid, whole};
use crate::stix::json::{Cursor, JsonError, JsonErrorKind, Node};
use elements::Elements;

/// Largest element of an event, a number of bytes; an attachment is within it.
const MAX_ELEMENT: usize = 64 << 20;
/// Most faults that are listed; the number of the others is told.
const MAX_FAULTS: usize = 10_000;
/// Levels of `response` and lists around events.
const MAX_NESTING: usize = 4;
/// Namespace of the UUIDs that elements without one get.
pub(super) const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x8f1c_0a52_6b3e_4c1d_9a57_2d0e_5b7f_41c3);

/// What was read of MISP events.
#[derive(Debug, Clone)]
pub struct MispRead {
    /// The events, in the order of the text.
    pub events: Vec<MispEvent>,
    /// What could not be read, or was read with a doubt.
    pub faults: Vec<Fault>,
}

/// Whether a JSON text begins like an event of MISP, a list of events, or an answer with events, rather than STIX.
pub fn looks_like_misp(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(64 << 10)];
    let word = |word: &[u8]| memchr::memmem::find(head, word);
    let marks: [&[u8]; 5] =
        [b"\"Event\"", b"\"response\"", b"\"Orgc\"", b"\"threat_level_id\"", b"\"Attribute\""];
    let misp = marks.iter().filter_map(|mark| word(mark)).min();
    match (misp, word(b"\"spec_version\"").into_iter().chain(word(b"\"objects\"")).min()) {
        (Some(misp), Some(stix)) => misp < stix,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Reads events. What breaks off or cannot be read is a fault, and its event is not complete; what stands before was read.
///
/// ```
/// let read = threat::read_misp(br#"{"response": [{"Event": {"uuid": "a6ef17d6-91cb-4a05-b10b-2f045daf874f",
///   "info": "x", "distribution": 0, "threat_level_id": "1", "Attribute": [
///   {"uuid": "5e384ae7-672c-4250-9cda-3b4d00000001", "type": "domain", "value": "a.example", "to_ids": "1"}"#);
/// assert_eq!(read.events[0].attributes[0].value, "a.example");
/// assert!(!read.events[0].complete);
/// assert_eq!(read.faults.last().unwrap().code, "threat::cut_off");
/// ```
pub fn read_misp(bytes: &[u8]) -> MispRead {
    let start = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut reader = Reader {
        bytes: &bytes[start..],
        offset: start as u64,
        events: Vec::new(),
        faults: Vec::new(),
        more_faults: 0,
        counted: (0, 1),
    };
    reader.all();
    let Reader { events, mut faults, more_faults, .. } = reader;
    if more_faults > 0 {
        let message = format!("{more_faults} more faults are not listed; correct these first");
        faults.push(Fault::error("misp::too_many_faults", message));
    }
    if events.is_empty() && faults.iter().all(|fault| fault.level == FaultLevel::Warning) {
        faults.push(Fault::error("misp::no_event", "there is no event of MISP in it"));
    }
    MispRead { events, faults }
}

pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    /// Of the first byte in the input.
    offset: u64,
    events: Vec<MispEvent>,
    faults: Vec<Fault>,
    more_faults: u64,
    /// A byte and its line, so that lines are counted once.
    counted: (usize, u64),
}

impl<'b> Reader<'b> {
    fn all(&mut self) {
        let mut text = self.bytes;
        let mut cursor = match Cursor::new(text) {
            Ok(cursor) => cursor,
            Err(error) => {
                self.json(error, 0);
                text = &text[..error.start];
                let Ok(cursor) = Cursor::new(text) else { return };
                cursor
            }
        };
        let result = self.documents(&mut cursor, 0).and_then(|()| {
            cursor.space();
            let rest = text.len() - cursor.at;
            let error = JsonError { kind: JsonErrorKind::TrailingText, start: cursor.at, end: text.len() };
            if rest > 0 { Err(error) } else { Ok(()) }
        });
        if let Err(error) = result {
            // The text was cut where it is no UTF-8: that was told.
            if text.len() == self.bytes.len() {
                self.json(error, 0);
            }
            // Text behind the last event takes nothing from it.
            if error.kind != JsonErrorKind::TrailingText
                && let Some(last) = self.events.last_mut()
            {
                last.complete = false;
            }
        }
    }

    fn documents(&mut self, cursor: &mut Cursor<'b>, nesting: usize) -> Result<(), JsonError> {
        cursor.space();
        if cursor.peek() != Some(b'[') {
            return self.document(cursor, nesting);
        }
        if nesting >= MAX_NESTING {
            return Err(JsonError { kind: JsonErrorKind::TooDeep, start: cursor.at, end: cursor.at + 1 });
        }
        cursor.at += 1;
        cursor.space();
        if cursor.peek() == Some(b']') {
            cursor.at += 1;
            return Ok(());
        }
        loop {
            self.documents(cursor, nesting + 1)?;
            if cursor.ends(b']')? {
                return Ok(());
            }
        }
    }

    /// An object that is an event, holds one, or holds an answer with several.
    fn document(&mut self, cursor: &mut Cursor<'b>, nesting: usize) -> Result<(), JsonError> {
        cursor.space();
        let start = cursor.at;
        if cursor.peek() != Some(b'{') {
            cursor.skip(0)?;
            self.fault(Fault::error("misp::no_event", "this is no event of MISP"), start);
            return Ok(());
        }
        let mut draft = Draft::new(self.line_of(start));
        let read = self.members(cursor, nesting, &mut draft);
        draft.broken |= read.is_err();
        if draft.is_event() {
            self.finish(draft, start);
        }
        read
    }

    fn members(
        &mut self,
        cursor: &mut Cursor<'b>,
        nesting: usize,
        draft: &mut Draft,
    ) -> Result<(), JsonError> {
        cursor.expect(b'{', "`{`")?;
        cursor.space();
        if cursor.peek() == Some(b'}') {
            cursor.at += 1;
            return Ok(());
        }
        let mut keys: HashSet<String> = HashSet::new();
        loop {
            let (key, key_start) = cursor.key()?;
            if !keys.insert(key.clone().into_owned()) {
                let kind = JsonErrorKind::DuplicateKey;
                self.json(JsonError { kind, start: key_start, end: key_start + key.len() + 2 }, 0);
                draft.broken = true;
                cursor.skip(1)?;
            } else if nesting <= MAX_NESTING && (key == "Event" || key == "response") {
                self.documents(cursor, nesting + 1)?;
            } else {
                self.member(cursor, &key, draft)?;
            }
            if cursor.ends(b'}')? {
                return Ok(());
            }
        }
    }

    fn member(&mut self, cursor: &mut Cursor<'b>, key: &str, draft: &mut Draft) -> Result<(), JsonError> {
        match key {
            "Attribute" | "Object" | "EventReport" => self.elements(cursor, key, draft),
            "RelatedEvent" => {
                cursor.space();
                let start = cursor.at;
                cursor.skip(1)?;
                if cursor.at - start > 2 {
                    let message = "related events are of another server's reckoning; they are left out";
                    self.fault(Fault::warning("misp::lost", message).in_field("RelatedEvent"), start);
                }
                Ok(())
            }
            _ => {
                let (start, element) = self.span(cursor)?;
                self.parsed(start, element, key, |reader, node, source| {
                    draft.known.insert(key.to_owned());
                    let mut elements = Elements { reader, at: start, source };
                    if !known_member(&mut elements, &mut draft.event, key, node)
                        && let Some(raw) = super::value::raw(source, node)
                    {
                        draft.event.unknown.push((key.to_owned(), raw));
                    }
                    true
                })
                .then_some(())
                .map_or_else(
                    || {
                        draft.broken = true;
                        Ok(())
                    },
                    Ok,
                )
            }
        }
    }

    /// The elements of a list, one after the other.
    fn elements(&mut self, cursor: &mut Cursor<'b>, key: &str, draft: &mut Draft) -> Result<(), JsonError> {
        cursor.space();
        draft.known.insert(key.to_owned());
        if cursor.peek() != Some(b'[') {
            let start = cursor.at;
            cursor.skip(1)?;
            let message = format!("`{key}` is no list; it is left out");
            self.fault(Fault::error("misp::bad_element", message).in_field(key), start);
            draft.broken = true;
            return Ok(());
        }
        cursor.at += 1;
        cursor.space();
        if cursor.peek() == Some(b']') {
            cursor.at += 1;
            return Ok(());
        }
        loop {
            let (start, element) = self.span(cursor)?;
            let read = self.parsed(start, element, key, |reader, node, source| {
                Elements { reader, at: start, source }.element(key, node, draft)
            });
            draft.broken |= !read;
            if cursor.ends(b']')? {
                return Ok(());
            }
        }
    }

    /// Where the next value stands and its bytes.
    fn span(&mut self, cursor: &mut Cursor<'b>) -> Result<(usize, &'b [u8]), JsonError> {
        cursor.space();
        let start = cursor.at;
        cursor.skip(2)?;
        Ok((start, &self.bytes[start..cursor.at]))
    }

    /// Hands the value over when it can be read, and tells of it otherwise. Whether it was taken.
    fn parsed(
        &mut self,
        start: usize,
        element: &'b [u8],
        key: &str,
        take: impl FnOnce(&mut Self, &Node<'b>, &'b [u8]) -> bool,
    ) -> bool {
        if element.len() > MAX_ELEMENT {
            let message = format!("it has {} bytes, more than {MAX_ELEMENT}; it is left out", element.len());
            self.fault(Fault::error("misp::too_large", message).in_field(key), start);
            return false;
        }
        match crate::stix::json::parse(element) {
            Ok(node) => take(self, &node, element),
            Err(error) => {
                self.json(error, start);
                false
            }
        }
    }

    fn finish(&mut self, draft: Draft, start: usize) {
        let Draft { mut event, known, broken, .. } = draft;
        event.complete = !broken;
        if event.uuid.is_empty() {
            let name = format!("{}\n{}", event.date.as_deref().unwrap_or_default(), event.info);
            event.uuid = uuid::Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string();
            let message = "the event has no UUID; it gets one from its title and date";
            self.fault(Fault::warning("misp::no_uuid", message).in_field("uuid"), start);
        }
        if !known.contains("distribution") && event.sharing_group.is_some() {
            // A group alone marks as distribution 4 would.
            event.distribution = Some(super::MispDistribution::SharingGroup);
        }
        let group = event.distribution.and_then(|distribution| {
            super::reach::fault_of_group(distribution, event.sharing_group.as_ref())
        });
        if let Some(fault) = group {
            self.fault(fault, start);
        }
        self.events.push(event);
    }

    /// A fault of the JSON of an element that begins at byte `start`.
    fn json(&mut self, error: JsonError, start: usize) {
        let mut fault = error.to_fault(self.offset + start as u64);
        fault.line = Some(self.line_of(start + error.start));
        self.push(fault);
    }

    /// A fault of an element that begins at byte `start`.
    pub(super) fn fault(&mut self, fault: Fault, start: usize) {
        let line = self.line_of(start);
        let fault = if fault.byte_start.is_none() {
            let at = self.offset + start as u64;
            fault.at_bytes(at, (at + 1).min(self.offset + self.bytes.len() as u64).max(at))
        } else {
            fault
        };
        self.push(fault.at_line(line));
    }

    fn push(&mut self, fault: Fault) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        } else {
            self.more_faults += 1;
        }
    }

    fn line_of(&mut self, at: usize) -> u64 {
        let (from, line) = self.counted;
        let (from, line) = if at < from { (0, 1) } else { (from, line) };
        let at = at.min(self.bytes.len());
        self.counted = (at, line + memchr::memchr_iter(b'\n', &self.bytes[from..at]).count() as u64);
        self.counted.1
    }
}

/// An event that is being read.
pub(super) struct Draft {
    event: MispEvent,
    /// The members that were there.
    known: HashSet<String>,
    /// UUIDs of attributes and objects.
    uuids: HashSet<String>,
    broken: bool,
}

impl Draft {
    fn new(line: u64) -> Self {
        let event = MispEvent {
            uuid: String::new(),
            info: String::new(),
            date: None,
            threat_level: None,
            analysis: None,
            published: false,
            timestamp_s: None,
            publish_timestamp_s: None,
            distribution: None,
            sharing_group: None,
            creator: None,
            owner: None,
            tags: Vec::new(),
            galaxies: Vec::new(),
            attributes: Vec::new(),
            objects: Vec::new(),
            reports: Vec::new(),
            unknown: Vec::new(),
            complete: false,
            line,
        };
        Self { event, known: HashSet::new(), uuids: HashSet::new(), broken: false }
    }

    /// Whether what was read is an event, and not what holds one.
    fn is_event(&self) -> bool {
        ["info", "Attribute", "Object", "Orgc", "threat_level_id"]
            .iter()
            .any(|member| self.known.contains(*member))
    }
}

/// Reads a member of an event that is not a list of elements. Whether it is known here.
fn known_member(elements: &mut Elements<'_, '_>, event: &mut MispEvent, key: &str, node: &Node<'_>) -> bool {
    let small = |most: u64| whole(node).filter(|number| *number <= most).map(|number| number as u8);
    match key {
        "uuid" => event.uuid = text(node).as_deref().and_then(uuid).unwrap_or_default(),
        "info" => event.info = text(node).unwrap_or_default(),
        "date" => event.date = text(node),
        "threat_level_id" => event.threat_level = small(4),
        "analysis" => event.analysis = small(2),
        "published" => event.published = flag(node).unwrap_or_default(),
        "timestamp" => event.timestamp_s = elements.time(key, node),
        "publish_timestamp" => event.publish_timestamp_s = seconds(node),
        "distribution" => event.distribution = Some(elements.distribution(node, false)),
        "SharingGroup" => event.sharing_group = elements.group(node),
        "Orgc" => event.creator = elements.organisation(node),
        "Org" => event.owner = elements.organisation(node),
        "Tag" => event.tags = elements.tags(node),
        "Galaxy" => event.galaxies = elements.galaxies(node),
        // Numbers of one server, and counts of what is there.
        "id" | "org_id" | "orgc_id" | "sharing_group_id" | "attribute_count" => {}
        _ => return false,
    }
    true
}
