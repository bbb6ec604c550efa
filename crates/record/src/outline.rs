use std::borrow::Cow;

use base::{EntryId, Facts, Marking, NodeName, ObjectRef, Severity, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The bytes of an entry as they lie in the record, not looked at yet.
#[derive(Debug, Clone)]
pub struct RawEntry {
    /// Its place in the log, from 0.
    pub seq: u64,
    /// Its id.
    pub id: EntryId,
    /// Its payload; `None` once it was purged.
    pub payload: Option<Vec<u8>>,
    /// When it came from a peer; `None` for an own one.
    pub received: Option<Timestamp>,
}

/// What a release decision looks at in an entry, read fast: the payload has its hash, but the signature is not
/// checked. For previews; evidence is read with [`ReadRecord::get`](crate::ReadRecord::get).
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// The node that wrote it.
    pub node: NodeName,
    /// When, by its clock.
    pub time: Timestamp,
    /// The schema of the body.
    pub kind: String,
    /// Its marking; `None` when it has none that can be read.
    pub marking: Option<Marking>,
    /// The entries it rests on.
    pub evidence: Vec<EntryId>,
    /// What a policy may look at; `None` when it cannot be told.
    pub facts: Option<Facts>,
    /// The entry that it is about, as a recall is.
    pub target: Option<EntryId>,
}

impl RawEntry {
    /// The outline; `None` when the payload was purged, does not have its hash or is no entry.
    pub fn outline(&self) -> Option<Outline> {
        let payload = self.payload.as_ref()?;
        if EntryId::from_bytes(Sha256::digest(payload).into()) != self.id {
            return None;
        }
        // A body in an unusual form is read as `Entry` reads it.
        match serde_json::from_slice::<Plain<'_>>(payload) {
            Ok(plain) => Some(plain.outline()),
            Err(_) => any_form(payload),
        }
    }
}

/// The usual form. Unknown fields are passed over; a known field in another form makes it fail.
#[derive(Deserialize)]
struct Plain<'a> {
    author: PlainAuthor,
    time: Timestamp,
    #[serde(borrow)]
    body: PlainBody<'a>,
}

#[derive(Deserialize)]
struct PlainAuthor {
    node: NodeName,
}

#[derive(Deserialize)]
struct PlainBody<'a> {
    #[serde(borrow)]
    schema: Cow<'a, str>,
    #[serde(default, deserialize_with = "present")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "present")]
    objects: Option<Vec<PlainObject>>,
    #[serde(default, deserialize_with = "present")]
    severity: Option<Severity>,
    #[serde(default, deserialize_with = "present")]
    precedence: Option<String>,
    #[serde(default, deserialize_with = "present")]
    marking: Option<Marking>,
    #[serde(default, deserialize_with = "present")]
    evidence: Option<Vec<EntryId>>,
    #[serde(default, deserialize_with = "present")]
    target: Option<EntryId>,
}

#[derive(Deserialize)]
struct PlainObject {
    id: String,
}

/// A field that is there has a value: null is another form.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl Plain<'_> {
    fn outline(self) -> Outline {
        let body = self.body;
        let objects: Vec<ObjectRef> = body
            .objects
            .unwrap_or_default()
            .into_iter()
            .map(|object| ObjectRef { id: object.id, name: None, protected: false })
            .collect();
        let facts = Facts {
            kind: body.kind,
            objects: Facts::ids(&objects),
            severity: body.severity,
            precedence: body.precedence,
            ..Facts::of_noun(&body.schema)
        };
        Outline {
            node: self.author.node,
            time: self.time,
            kind: body.schema.into_owned(),
            marking: body.marking,
            evidence: body.evidence.unwrap_or_default(),
            facts: Some(facts).filter(|facts| !facts.noun.is_empty()),
            target: body.target,
        }
    }
}

fn any_form(payload: &[u8]) -> Option<Outline> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    let read = |value: Option<&Value>| value.cloned().unwrap_or_default();
    let body = value.get("body")?;
    let evidence = match body.get("evidence") {
        None => Vec::new(),
        Some(list) => serde_json::from_value(list.clone()).ok()?,
    };
    Some(Outline {
        node: serde_json::from_value(read(value.pointer("/author/node"))).ok()?,
        time: serde_json::from_value(read(value.get("time"))).ok()?,
        kind: base::schema_of(body).to_owned(),
        marking: serde_json::from_value(read(body.get("marking"))).ok(),
        evidence,
        facts: Facts::read(body),
        target: serde_json::from_value(read(body.get("target"))).ok(),
    })
}

#[cfg(test)]
mod tests {
    use base::{Country, KeyFingerprint, Marked};
    use rand_core::OsRng;
    use serde_json::json;

    use super::*;
    use crate::{Entry, NodeKey};

    /// An entry with any body, as its bytes lie in the record, and the entry itself when it is one.
    fn raw(body: &Value) -> (RawEntry, Option<Entry>) {
        let key = NodeKey::generate("seoul".parse().unwrap(), &mut OsRng);
        let country: Country = "KOR".parse().unwrap();
        let fingerprint: KeyFingerprint = key.public().fingerprint();
        let payload = serde_json_canonicalizer::to_vec(&json!({
            "schema": crate::ENTRY_SCHEMA, "time": "2026-03-10T12:00:00Z", "salt": "0".repeat(32), "body": body,
            "author": {"node": "seoul", "country": country, "key": fingerprint},
        }))
        .unwrap();
        let prefix =
            format!("DSSEv1 {} {} {} ", crate::PAYLOAD_TYPE.len(), crate::PAYLOAD_TYPE, payload.len());
        let signature = key.sign(&[prefix.as_bytes(), &payload[..]].concat());
        let id = EntryId::from_bytes(Sha256::digest(&payload).into());
        let entry = Entry::from_parts(payload.clone(), &key.public(), signature).ok();
        (RawEntry { seq: 0, id, payload: Some(payload), received: None }, entry)
    }

    #[test]
    fn an_outline_says_what_the_entry_says() {
        let id = "a".repeat(64);
        let marking = json!({"level": "SECRET", "rel_to": ["USA"], "originator": "KOR"});
        for body in [
            json!({"schema": "bongsu.finding/1", "kind": "orbit.approach", "severity": 3, "marking": marking,
                   "objects": [{"id": "norad:2"}, {"id": "norad:1", "name": "\u{51}"}], "evidence": [id]}),
            json!({"schema": "bongsu.recall/1", "target": id, "reason": "\"a\"", "marking": marking}),
            json!({"schema": "x/1"}),
            json!({"schema": "x/\u{e9}\n1", "kind": "\t"}),
            json!({"schema": "x/1", "kind": null, "marking": null}),
            json!({"schema": "x/1", "kind": 1, "marking": {"level": 1}}),
            json!({"schema": "x/1", "objects": ["a"], "marking": marking}),
            json!({"schema": "x/1", "severity": 9, "target": 1}),
        ] {
            let (raw, entry) = raw(&body);
            let (outline, entry) = (raw.outline().unwrap(), entry.unwrap());
            assert_eq!(outline.node, entry.author().node);
            assert_eq!(outline.time, entry.time());
            assert_eq!(outline.kind, entry.kind());
            assert_eq!(outline.marking.as_ref(), entry.marking(), "{body}");
            assert_eq!(outline.evidence, entry.evidence());
            assert_eq!(outline.facts, entry.facts(), "{body}");
        }
    }

    #[test]
    fn what_has_another_hash_or_is_no_entry_has_no_outline() {
        let (good, _) = raw(&json!({"schema": "x/1"}));
        let mut other = good.clone();
        other.payload.as_mut().unwrap().push(b' ');
        assert_eq!(other.outline(), None);
        assert_eq!(RawEntry { payload: None, ..good.clone() }.outline(), None);
        let bytes = b"{}".to_vec();
        let id = EntryId::from_bytes(Sha256::digest(&bytes).into());
        assert_eq!(RawEntry { id, payload: Some(bytes), ..good }.outline(), None);
        let (bad, entry) = raw(&json!({"schema": "x/1", "evidence": [1]}));
        assert_eq!((bad.outline(), entry), (None, None));
    }
}
