//! Observables of STIX from facts.

use serde_json::{Map, Value, json};

use super::fact::{Fact, address_type};
use crate::misp::table::is_list;

/// An observable and those that it refers to.
pub(super) struct Observables {
    pub(super) main: Map<String, Value>,
    pub(super) others: Vec<Map<String, Value>>,
}

impl Observables {
    /// An observable of type `kind` with nothing in it.
    pub(super) fn new(kind: &str, uuid: &str) -> Self {
        Self { main: empty(kind, uuid), others: Vec::new() }
    }

    /// Puts a fact in its place. `false`: there is something already.
    pub(super) fn take(&mut self, fact: &Fact) -> bool {
        let keys: Vec<&str> = fact.keys.iter().map(String::as_str).collect();
        place(&mut self.main, &keys, &fact.value, &fact.uuid, &mut self.others)
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.main.insert(name.to_owned(), value);
    }

    /// Adds what every object of its type must have. `None`: what it must have is not there.
    pub(super) fn finish(mut self) -> Option<Self> {
        let has = |name: &str| self.main.contains_key(name);
        // type, spec_version and id are always there.
        let said = self.main.keys().filter(|key| !key.starts_with("x_misp_")).count() > 3;
        let kind = self.main["type"].as_str().unwrap_or_default().to_owned();
        let complete = match kind.as_str() {
            "network-traffic" => has("src_ref") || has("dst_ref"),
            "file" => has("name") || has("hashes"),
            "domain-name" | "url" | "email-addr" | "mac-addr" => has("value"),
            "autonomous-system" => has("number"),
            "mutex" => has("name"),
            "directory" => has("path"),
            _ => said,
        };
        if !complete {
            return None;
        }
        if kind == "network-traffic" && !has("protocols") {
            self.set("protocols", json!(["tcp"]));
        }
        if kind == "email-message" {
            let parts = self.main.contains_key("body_multipart");
            if parts && let Some(body) = self.main.remove("body") {
                // A message in parts has no body beside them (clause 6.6).
                self.set("x_misp_email_body", body);
            }
            self.set("is_multipart", json!(parts));
        }
        Some(self)
    }

    /// The ids, the main one first.
    pub(super) fn ids(&self) -> Vec<String> {
        let id = |map: &Map<String, Value>| map["id"].as_str().unwrap_or_default().to_owned();
        std::iter::once(&self.main).chain(&self.others).map(id).collect()
    }
}

fn empty(kind: &str, uuid: &str) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("type".to_owned(), json!(kind));
    map.insert("spec_version".to_owned(), json!("2.1"));
    map.insert("id".to_owned(), json!(format!("{kind}--{uuid}")));
    map
}

fn place(
    map: &mut Map<String, Value>,
    keys: &[&str],
    value: &Value,
    uuid: &str,
    others: &mut Vec<Map<String, Value>>,
) -> bool {
    let [key, rest @ ..] = keys else { return false };
    if rest.is_empty() {
        if is_list(key) {
            return append(map, key, value.clone());
        }
        let free = !map.contains_key(*key);
        if free {
            map.insert((*key).to_owned(), value.clone());
        }
        return free;
    }
    if *key == "body_multipart" {
        let id = referred("body_raw_ref", &rest[1..], value, uuid, others);
        let name = value.as_str().unwrap_or_default();
        let part =
            json!({ "body_raw_ref": id, "content_disposition": format!("attachment; filename='{name}'") });
        return append(map, key, part);
    }
    if key.ends_with("_refs") {
        let id = referred(key, rest, value, uuid, others);
        return append(map, key, json!(id));
    }
    if key.ends_with("_ref") {
        return match map.get(*key).and_then(Value::as_str).map(str::to_owned) {
            None => {
                let id = referred(key, rest, value, uuid, others);
                map.insert((*key).to_owned(), json!(id));
                true
            }
            Some(id) => {
                let at = others.iter().position(|other| other.get("id").and_then(Value::as_str) == Some(&id));
                let Some(at) = at else { return false };
                let mut other = others.swap_remove(at);
                let placed = place(&mut other, rest, value, uuid, others);
                others.push(other);
                placed
            }
        };
    }
    let inner = if is_list(key) {
        let list = map.entry(*key).or_insert_with(|| json!([{}]));
        list.get_mut(0)
    } else {
        Some(map.entry(*key).or_insert_with(|| json!({})))
    };
    match inner {
        Some(Value::Object(inner)) => place(inner, rest, value, uuid, others),
        _ => false,
    }
}

fn append(map: &mut Map<String, Value>, key: &str, value: Value) -> bool {
    let list = map.entry(key).or_insert_with(|| json!([]));
    let Value::Array(list) = list else { return false };
    if !list.contains(&value) {
        list.push(value);
    }
    true
}

/// Makes the object that a property refers to; its id.
fn referred(
    key: &str,
    rest: &[&str],
    value: &Value,
    uuid: &str,
    others: &mut Vec<Map<String, Value>>,
) -> String {
    let kind = match key {
        "src_ref" | "dst_ref" | "resolves_to_refs" => {
            value.as_str().and_then(address_type).unwrap_or("domain-name")
        }
        "from_ref" | "to_refs" | "cc_refs" | "bcc_refs" => "email-addr",
        "parent_directory_ref" => "directory",
        "parent_ref" | "child_refs" => "process",
        "content_ref" => "artifact",
        _ => "file",
    };
    let mut other = empty(kind, uuid);
    place(&mut other, rest, value, uuid, others);
    let id = format!("{kind}--{uuid}");
    others.push(other);
    id
}
