use std::borrow::Cow;

use base::Fault;

use super::json::{self, Cursor, Node, Value};

/// What of an object is read before anything else of it: who it is, of when, and who may have it.
///
/// Everything is optional, because a reader does not fail: a property that is not there, or is no string, is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header<'a> {
    /// `type`.
    pub object_type: Option<Cow<'a, str>>,
    /// `id`.
    pub id: Option<Cow<'a, str>>,
    /// `spec_version`: "2.1"; objects of STIX 2.0 have none.
    pub spec_version: Option<Cow<'a, str>>,
    /// `created`, as it was spelled.
    pub created: Option<Cow<'a, str>>,
    /// `modified`, as it was spelled.
    pub modified: Option<Cow<'a, str>>,
    /// `revoked`.
    pub revoked: bool,
    /// `created_by_ref`.
    pub created_by_ref: Option<Cow<'a, str>>,
    /// `object_marking_refs`.
    pub object_marking_refs: Vec<Cow<'a, str>>,
    /// `granular_markings`.
    pub granular_markings: Vec<GranularMarking<'a>>,
    /// `source_ref` of a relationship.
    pub source_ref: Option<Cow<'a, str>>,
    /// `target_ref` of a relationship.
    pub target_ref: Option<Cow<'a, str>>,
}

/// A marking of parts of an object (STIX 2.1 clause 7.2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GranularMarking<'a> {
    /// Which properties: `description`, `labels.[0]`.
    pub selectors: Vec<Cow<'a, str>>,
    /// The marking, or none when the language is marked.
    pub marking_ref: Option<Cow<'a, str>>,
    /// The language.
    pub lang: Option<Cow<'a, str>>,
}

impl<'a> Header<'a> {
    /// Reads the header of the object in `bytes`. Other properties are looked over, not kept.
    ///
    /// # Errors
    /// What is not JSON, with its bytes counted from `offset`.
    pub fn read(bytes: &'a [u8], offset: u64) -> Result<Self, Box<Fault>> {
        let fault = |error: json::JsonError| Box::new(error.to_fault(offset));
        let mut cursor = Cursor::new(bytes).map_err(fault)?;
        cursor.space();
        if cursor.peek() != Some(b'{') {
            let fault = Fault::error("threat::not_an_object", "a STIX object is a JSON object");
            return Err(Box::new(fault.at_bytes(offset, offset + bytes.len() as u64)));
        }
        let mut header = Self::default();
        let end = header.members(&mut cursor).map_err(fault)?;
        debug_assert!(end <= bytes.len());
        Ok(header)
    }

    fn members(&mut self, cursor: &mut Cursor<'a>) -> Result<usize, json::JsonError> {
        cursor.expect(b'{', "`{`")?;
        cursor.space();
        if cursor.peek() == Some(b'}') {
            return Ok(cursor.at);
        }
        loop {
            let (key, _) = cursor.key()?;
            if is_header(&key) {
                let node = cursor.node(1)?;
                self.set(&key, node);
            } else {
                cursor.skip(1)?;
            }
            if cursor.ends(b'}')? {
                return Ok(cursor.at);
            }
        }
    }

    /// The header of an object that was read already.
    pub(crate) fn of<'n>(node: &'n Node<'_>) -> Header<'n> {
        let mut header = Header::default();
        for member in node.as_map().unwrap_or_default().iter().filter(|member| is_header(&member.key)) {
            header.set(&member.key, borrowed(&member.value));
        }
        header
    }

    fn set(&mut self, key: &str, node: Node<'a>) {
        match (key, node.value) {
            ("revoked", Value::Bool(revoked)) => self.revoked = revoked,
            ("object_marking_refs", Value::List(items)) => self.object_marking_refs = texts(items),
            ("granular_markings", Value::List(items)) => {
                self.granular_markings = items.into_iter().map(granular).collect();
            }
            (key, Value::Text(text)) => {
                let slot = match key {
                    "type" => &mut self.object_type,
                    "id" => &mut self.id,
                    "spec_version" => &mut self.spec_version,
                    "created" => &mut self.created,
                    "modified" => &mut self.modified,
                    "created_by_ref" => &mut self.created_by_ref,
                    "source_ref" => &mut self.source_ref,
                    "target_ref" => &mut self.target_ref,
                    _ => return,
                };
                *slot = Some(text);
            }
            _ => {}
        }
    }
}

fn is_header(key: &str) -> bool {
    matches!(
        key,
        "type"
            | "id"
            | "spec_version"
            | "created"
            | "modified"
            | "revoked"
            | "created_by_ref"
            | "object_marking_refs"
            | "granular_markings"
            | "source_ref"
            | "target_ref"
    )
}

fn texts(items: Vec<Node<'_>>) -> Vec<Cow<'_, str>> {
    items
        .into_iter()
        .filter_map(|item| match item.value {
            Value::Text(text) => Some(text),
            _ => None,
        })
        .collect()
}

fn granular(node: Node<'_>) -> GranularMarking<'_> {
    let mut marking = GranularMarking::default();
    let Value::Map(members) = node.value else { return marking };
    for member in members {
        match (&*member.key, member.value.value) {
            ("selectors", Value::List(items)) => marking.selectors = texts(items),
            ("marking_ref", Value::Text(text)) => marking.marking_ref = Some(text),
            ("lang", Value::Text(text)) => marking.lang = Some(text),
            _ => {}
        }
    }
    marking
}

/// The same value with its texts borrowed.
fn borrowed<'n>(node: &'n Node<'_>) -> Node<'n> {
    let value = match &node.value {
        Value::Null => Value::Null,
        Value::Bool(value) => Value::Bool(*value),
        Value::Number(text) => Value::Number(text),
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        Value::List(items) => Value::List(items.iter().map(borrowed).collect()),
        Value::Map(members) => Value::Map(
            members
                .iter()
                .map(|member| json::Member {
                    key: Cow::Borrowed(&member.key),
                    key_start: member.key_start,
                    value: borrowed(&member.value),
                })
                .collect(),
        ),
    };
    Node { value, start: node.start, end: node.end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_and_the_rest_is_only_looked_over() {
        let text = br#"{"name": {"deep": [1, {"id": "no"}]}, "id": "tool--1", "revoked": true,
            "object_marking_refs": ["a", 1, "b"], "granular_markings": [{"selectors": ["name"], "marking_ref": "m"}]}"#;
        let header = Header::read(text, 0).unwrap();
        assert_eq!(header.id.as_deref(), Some("tool--1"));
        assert!(header.revoked);
        assert_eq!(header.object_marking_refs, ["a", "b"]);
        assert_eq!(header.granular_markings[0].selectors, ["name"]);
        assert_eq!(Header::of(&json::parse(text).unwrap()), header);
    }

    #[test]
    fn what_is_not_json_has_its_place_in_the_input() {
        let fault = Header::read(br#"{"a": [1, }"#, 100).unwrap_err();
        assert_eq!((fault.code.as_str(), fault.byte_start), ("threat::not_json", Some(110)));
        assert_eq!(Header::read(b"[]", 7).unwrap_err().byte_start, Some(7));
    }
}
