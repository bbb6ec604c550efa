//! What follows from the entries of a bundle: labels, custody and provenance. Both verifiers derive them again.

use base::{EntryId, Marked, Timestamp};
use serde_json::{Value, json};

use super::manifest::{ItemRow, Manifest, canonical};
use crate::Entry;

/// An item with its entry, `None` when the content is gone.
pub(crate) struct Item<'a> {
    pub(crate) row: &'a ItemRow,
    pub(crate) entry: Option<&'a Entry>,
}

/// `labels.ndjson`: the marking of each entry, as it was signed.
pub(crate) fn labels(items: &[Item<'_>]) -> Vec<u8> {
    let present = items.iter().filter_map(|item| item.entry);
    lines(present.map(|entry| {
        let marking = entry.body().get("marking").cloned().unwrap_or_default();
        json!({"id": entry.id(), "kind": entry.kind(), "marking": marking})
    }))
}

/// `custody.ndjson`: one line an event, each with exactly six answers: who, what, when, why, with, result.
pub(crate) fn custody(manifest: &Manifest, items: &[Item<'_>]) -> Vec<u8> {
    let exporter = json!(manifest.exporter);
    let mut events = Vec::new();
    for item in items {
        let Some(entry) = item.entry else { continue };
        let author = entry.author();
        events.push(event(
            &json!({"node": author.node, "country": author.country, "key": entry.key().to_hex()}),
            &json!({"act": "signed", "entry": entry.id(), "kind": entry.kind()}),
            &json!(entry.time()),
            &why(entry.body()),
            &tool(entry.body()),
            &result(entry.body()),
        ));
        if let Some(received) = item.row.received {
            let what = json!({"act": "received", "entry": entry.id(), "kind": entry.kind()});
            let nothing = Value::Null;
            events.push(event(&exporter, &what, &json!(received), &nothing, &nothing, &nothing));
        }
    }
    if let Some(exported) = manifest.exported {
        let what = json!({"act": "exported", "items": items.len()});
        let why = json!(manifest.audience);
        let result = json!({"logs": manifest.logs});
        events.push(event(&exporter, &what, &json!(exported), &why, &json!(manifest.software), &result));
    }
    lines(events)
}

fn event(who: &Value, what: &Value, when: &Value, why: &Value, with: &Value, result: &Value) -> Value {
    json!({"who": who, "what": what, "when": when, "why": why, "with": with, "result": result})
}

/// The reason that the entry states, else the source that it was taken from, else `null`.
fn why(body: &Value) -> Value {
    let reason = body.get("reason").filter(|reason| reason.is_string());
    let source = body.get("source").and_then(|source| source.get("name")).filter(|name| name.is_string());
    reason.or(source).cloned().unwrap_or_default()
}

/// The method that the entry names. No entry of this version carries the hash of the program.
fn tool(body: &Value) -> Value {
    let part = |field: &str| body.get("method")?.get(field).filter(|part| part.is_string()).cloned();
    match (part("name"), part("version")) {
        (Some(name), Some(version)) => json!({"name": name, "version": version, "sha256": null}),
        _ => Value::Null,
    }
}

/// What came of it: the words and hashes that the entry states about its outcome.
fn result(body: &Value) -> Value {
    let stated = ["title", "blob", "target", "severity", "confidence"].into_iter().filter_map(|field| {
        let value = body.get(field).filter(|value| value.is_string())?;
        Some((field.to_owned(), value.clone()))
    });
    Value::Object(stated.collect())
}

/// `prov.jsonld`: the same events as PROV-O (W3C), in JSON-LD.
pub(crate) fn provenance(manifest: &Manifest, items: &[Item<'_>]) -> Vec<u8> {
    let agent = |key: &str| json!({"@id": format!("urn:bongsu:key:{key}")});
    let mut graph = Vec::new();
    let mut known = std::collections::BTreeMap::new();
    known.insert(manifest.exporter.key.clone(), manifest.exporter.node.to_string());
    for entry in items.iter().filter_map(|item| item.entry) {
        known.insert(entry.key().to_hex(), entry.author().node.to_string());
        let by = agent(&entry.key().to_hex());
        let used: Vec<Value> = entry.evidence().iter().map(node).collect();
        let id = node(&entry.id());
        let activity = json!({"@id": format!("urn:bongsu:signing:{}", entry.id())});
        let mut made = json!({
            "@id": id["@id"], "@type": "prov:Entity", "bongsu:kind": entry.kind(),
            "prov:wasAttributedTo": by, "prov:wasGeneratedBy": activity, "prov:wasDerivedFrom": used,
        });
        if let (Some(blob), Some(made)) = (blob_of(entry), made.as_object_mut()) {
            made.insert("prov:hadPrimarySource".to_owned(), json!({"@id": format!("urn:sha256:{blob}")}));
        }
        graph.push(made);
        graph.push(json!({
            "@id": activity["@id"], "@type": "prov:Activity", "prov:endedAtTime": moment(entry.time()),
            "prov:used": used, "prov:wasAssociatedWith": by,
        }));
        if let Some(target) = recalled_by(entry) {
            graph.push(
                json!({"@id": format!("urn:bongsu:entry:{target}"), "prov:wasInvalidatedBy": activity}),
            );
        }
    }
    for (key, name) in known {
        graph.push(json!({
            "@id": format!("urn:bongsu:key:{key}"), "@type": "prov:Organization", "bongsu:node": name,
        }));
    }
    canonical(&json!({
        "@context": {
            "bongsu": "urn:bongsu:", "prov": "http://www.w3.org/ns/prov#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@graph": graph,
    }))
}

fn node(id: &EntryId) -> Value {
    json!({"@id": format!("urn:bongsu:entry:{id}")})
}

fn moment(time: Timestamp) -> Value {
    json!({"@type": "xsd:dateTime", "@value": time})
}

/// The raw bytes that an observation names.
pub(crate) fn blob_of(entry: &Entry) -> Option<&str> {
    (entry.kind() == "bongsu.observation/1").then(|| hash_in(entry.body(), "blob"))?
}

/// The entry that a recall takes back.
pub(crate) fn recalled_by(entry: &Entry) -> Option<&str> {
    (entry.kind() == "bongsu.recall/1").then(|| hash_in(entry.body(), "target"))?
}

fn hash_in<'a>(body: &'a Value, field: &str) -> Option<&'a str> {
    let text = body.get(field)?.as_str()?;
    text.parse::<EntryId>().is_ok().then_some(text)
}

/// Each in canonical form on a line of its own.
fn lines(values: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        bytes.extend_from_slice(&canonical(&value));
        bytes.push(b'\n');
    }
    bytes
}
