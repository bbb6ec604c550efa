//! What follows from the entries of a bundle: labels, custody and provenance. Both verifiers derive them again.

use std::collections::BTreeMap;

use base::{EntryId, Marked, Timestamp};
use serde_json::{Value, json};

use super::manifest::{CUSTODY, ItemRow, LABELS, Manifest, PROVENANCE, canonical};
use crate::Entry;

/// An item with its entry, `None` when the content is gone.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub(crate) row: &'a ItemRow,
    pub(crate) entry: Option<&'a Entry>,
}

/// Where derived bytes go: into a file, or beside one that is there.
pub(crate) trait Sink {
    /// The next bytes.
    fn take(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn take(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// `labels.ndjson`, `custody.ndjson` and `prov.jsonld`, made while the items come in the order of the manifest: no more
/// of them is held than the sinks hold.
pub(crate) struct Derived<'a, S> {
    manifest: &'a Manifest,
    /// The marking of each entry, as it was signed.
    labels: S,
    /// One line an event, each with exactly six answers: who, what, when, why, with, result.
    custody: S,
    provenance: Graph<S>,
    /// The program that works in a log with a key, as the newest entry says that names one.
    programs: BTreeMap<(usize, [u8; 32]), Value>,
    items: usize,
}

impl<'a, S: Sink> Derived<'a, S> {
    /// `sink` gives the sink of each file by its path.
    pub(crate) fn new(manifest: &'a Manifest, sink: impl Fn(&'static str) -> S) -> Self {
        Self {
            manifest,
            labels: sink(LABELS),
            custody: sink(CUSTODY),
            provenance: Graph::new(manifest, sink(PROVENANCE)),
            programs: BTreeMap::new(),
            items: 0,
        }
    }

    /// The next item.
    pub(crate) fn push(&mut self, item: Item<'_>) {
        self.items += 1;
        let Some(entry) = item.entry else { return };
        let marking = entry.body().get("marking").cloned().unwrap_or_default();
        line(&mut self.labels, &json!({"id": entry.id(), "kind": entry.kind(), "marking": marking}));
        self.events(item.row, entry);
        self.provenance.push(entry);
    }

    fn events(&mut self, row: &ItemRow, entry: &Entry) {
        let worker = (row.log, entry.key().to_bytes());
        if let Some(program) = program_in(entry) {
            self.programs.insert(worker, program);
        }
        let author = entry.author();
        let signed = event(
            &json!({"node": author.node, "country": author.country, "key": entry.key().to_hex()}),
            &json!({"act": "signed", "entry": entry.id(), "kind": entry.kind()}),
            &json!(entry.time()),
            &why(entry.body()),
            &tool(entry.body(), self.programs.get(&worker)),
            &result(entry.body()),
        );
        line(&mut self.custody, &signed);
        if let Some(received) = row.received {
            let what = json!({"act": "received", "entry": entry.id(), "kind": entry.kind()});
            let (exporter, nothing) = (json!(self.manifest.exporter), Value::Null);
            let received = event(&exporter, &what, &json!(received), &nothing, &nothing, &nothing);
            line(&mut self.custody, &received);
        }
    }

    /// After the last item: the three sinks, each with its path.
    pub(crate) fn finish(mut self) -> [(&'static str, S); 3] {
        let manifest = self.manifest;
        if let Some(exported) = manifest.exported {
            let what = json!({"act": "exported", "items": self.items});
            let (why, with) = (json!(manifest.audience), json!(manifest.software));
            let result = json!({"logs": manifest.logs});
            let exporter = json!(manifest.exporter);
            line(&mut self.custody, &event(&exporter, &what, &json!(exported), &why, &with, &result));
        }
        [(LABELS, self.labels), (CUSTODY, self.custody), (PROVENANCE, self.provenance.finish())]
    }
}

/// The canonical form on a line of its own.
fn line(sink: &mut impl Sink, value: &Value) {
    sink.take(&canonical(value));
    sink.take(b"\n");
}

fn event(who: &Value, what: &Value, when: &Value, why: &Value, with: &Value, result: &Value) -> Value {
    json!({"who": who, "what": what, "when": when, "why": why, "with": with, "result": result})
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str()
}

/// The reason that the entry states, else the source that it was taken from, else `null`.
fn why(body: &Value) -> Value {
    json!(text(body, "reason").or_else(|| text(body.get("source")?, "name")))
}

/// The program that an entry names: `bongsu.program/1` with its hash, `bongsu.genesis/1` with its version only.
fn program_in(entry: &Entry) -> Option<Value> {
    let body = entry.body();
    let version = text(body, "version")?;
    match entry.kind() {
        "bongsu.genesis/1" => Some(json!({"name": "bongsu", "version": version, "sha256": null})),
        "bongsu.program/1" => {
            let (name, sha256) = (text(body, "name")?, hash_in(body, "sha256"));
            Some(json!({"name": name, "version": version, "sha256": sha256}))
        }
        _ => None,
    }
}

/// The method that the entry names, else the program that signed it; with the hash of that program, as far as it is
/// known. `null` when neither is.
fn tool(body: &Value, program: Option<&Value>) -> Value {
    let part = |field: &str| text(body.get("method")?, field);
    match (part("name"), part("version")) {
        (Some(name), Some(version)) => {
            let sha256 = program.and_then(|program| text(program, "sha256"));
            json!({"name": name, "version": version, "sha256": sha256})
        }
        _ => program.cloned().unwrap_or_default(),
    }
}

/// What came of it: the words and hashes that the entry states about its outcome.
fn result(body: &Value) -> Value {
    let stated = ["title", "blob", "target", "severity", "confidence"]
        .into_iter()
        .filter_map(|field| Some((field.to_owned(), json!(text(body, field)?))));
    Value::Object(stated.collect())
}

/// `prov.jsonld`: the events as PROV-O (W3C), in JSON-LD.
struct Graph<S> {
    sink: S,
    empty: bool,
    /// The name of each author's node, by its key.
    authors: BTreeMap<String, String>,
}

impl<S: Sink> Graph<S> {
    fn new(manifest: &Manifest, mut sink: S) -> Self {
        let context = canonical(&json!({
            "bongsu": "urn:bongsu:", "prov": "http://www.w3.org/ns/prov#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        }));
        sink.take(b"{\"@context\":");
        sink.take(&context);
        sink.take(b",\"@graph\":[");
        let exporter = &manifest.exporter;
        Self { sink, empty: true, authors: [(exporter.key.clone(), exporter.node.to_string())].into() }
    }

    fn node(&mut self, node: &Value) {
        if !self.empty {
            self.sink.take(b",");
        }
        self.empty = false;
        self.sink.take(&canonical(node));
    }

    fn push(&mut self, entry: &Entry) {
        let key = entry.key().to_hex();
        let by = json!({"@id": format!("urn:bongsu:key:{key}")});
        self.authors.insert(key, entry.author().node.to_string());
        let used: Vec<Value> = entry.evidence().iter().map(reference).collect();
        let id = reference(&entry.id());
        let activity = json!({"@id": format!("urn:bongsu:signing:{}", entry.id())});
        let mut made = json!({
            "@id": id["@id"], "@type": "prov:Entity", "bongsu:kind": entry.kind(),
            "prov:wasAttributedTo": by, "prov:wasGeneratedBy": activity, "prov:wasDerivedFrom": used,
        });
        if let (Some(blob), Some(made)) = (blob_of(entry), made.as_object_mut()) {
            made.insert("prov:hadPrimarySource".to_owned(), json!({"@id": format!("urn:sha256:{blob}")}));
        }
        self.node(&made);
        self.node(&json!({
            "@id": activity["@id"], "@type": "prov:Activity", "prov:endedAtTime": moment(entry.time()),
            "prov:used": used, "prov:wasAssociatedWith": by,
        }));
        if let Some(target) = recalled_by(entry) {
            let recalled = format!("urn:bongsu:entry:{target}");
            self.node(&json!({"@id": recalled, "prov:wasInvalidatedBy": activity}));
        }
    }

    fn finish(mut self) -> S {
        for (key, name) in std::mem::take(&mut self.authors) {
            let id = format!("urn:bongsu:key:{key}");
            self.node(&json!({"@id": id, "@type": "prov:Organization", "bongsu:node": name}));
        }
        self.sink.take(b"]}");
        self.sink
    }
}

fn reference(id: &EntryId) -> Value {
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
fn recalled_by(entry: &Entry) -> Option<&str> {
    (entry.kind() == "bongsu.recall/1").then(|| hash_in(entry.body(), "target"))?
}

fn hash_in<'a>(body: &'a Value, field: &str) -> Option<&'a str> {
    text(body, field).filter(|text| text.parse::<EntryId>().is_ok())
}
