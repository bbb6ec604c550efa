//! STIX 2.0 objects as objects of 2.1. `docs/reference/stix.md` lists what changes.

use std::collections::BTreeMap;

use base::Fault;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::json::{self, Node};
use super::sco_id::{self, deterministic_id, plain};

/// What an object of STIX 2.0 is in 2.1. The original is not touched: keep its bytes beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgraded {
    /// The object, and before it the cyber-observables that it held, as JSON.
    pub objects: Vec<Vec<u8>>,
    /// What 2.1 has no place for, or what had to be assumed: warnings.
    pub faults: Vec<Fault>,
}

/// Turns an object of STIX 2.0 into objects of 2.1. Observables in `objects` of observed-data become objects with ids of
/// their own (UUID version 5, STIX 2.1 clause 2.9), so that the same observable has the same id wherever it was seen.
/// Objects that are 2.1 already come back as they are.
///
/// # Errors
/// What is not JSON or no object, with its place; bytes count from `offset`.
pub fn upgrade(object: &[u8], offset: u64) -> Result<Upgraded, Box<Fault>> {
    let node = json::parse(object).map_err(|error| Box::new(error.to_fault(offset)))?;
    if node.as_map().is_none() || node.text("type").is_none() {
        let fault = Fault::error("threat::not_an_object", "a STIX object is a JSON object with a `type`");
        return Err(Box::new(fault.at_bytes(offset, offset + object.len() as u64)));
    }
    let new_already = node.text("spec_version") == Some("2.1");
    let observable = sco_id::is_observable(&node) && node.get("created").is_none();
    if new_already || observable {
        return Ok(Upgraded { objects: vec![object.to_vec()], faults: Vec::new() });
    }
    let mut work = Work { node: &node, offset, faults: Vec::new(), observables: Vec::new() };
    let new = work.object();
    let mut objects: Vec<Vec<u8>> = work.observables.into_iter().map(|(_, value)| bytes(&value)).collect();
    objects.push(bytes(&new));
    Ok(Upgraded { objects, faults: work.faults })
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// Types whose `labels` of 2.0 are a property of their own in 2.1.
const LABELS: &[(&str, &str)] = &[
    ("indicator", "indicator_types"),
    ("malware", "malware_types"),
    ("report", "report_types"),
    ("threat-actor", "threat_actor_types"),
    ("tool", "tool_types"),
];

/// Properties of observables that have another name in 2.1.
const RENAMED: &[(&str, &str, &str)] = &[
    ("process", "created", "created_time"),
    ("process", "binary_ref", "image_ref"),
    ("user-account", "password_last_changed", "credential_last_changed"),
    ("windows-registry-key", "modified", "modified_time"),
];

/// Properties of observables that 2.1 no longer has.
const GONE: &[(&str, &str)] = &[
    ("file", "is_encrypted"),
    ("file", "encryption_algorithm"),
    ("file", "decryption_key"),
    ("process", "name"),
    ("process", "arguments"),
];

/// Properties of their extensions that 2.1 no longer has.
const GONE_OF_EXTENSIONS: &[(&str, &str)] = &[
    ("archive-ext", "version"),
    ("raster-image-ext", "image_compression_algorithm"),
    ("socket-ext", "protocol_family"),
];

/// TLP as 2.1 writes it: id, name.
const TLP: &[(&str, &str)] = &[
    ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", "TLP:WHITE"),
    ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", "TLP:GREEN"),
    ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", "TLP:AMBER"),
    ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "TLP:RED"),
];

struct Work<'n> {
    node: &'n Node<'n>,
    offset: u64,
    faults: Vec<Fault>,
    /// Key in `objects` and what it became, in the order in which they refer to one another.
    observables: Vec<(String, Value)>,
}

impl Work<'_> {
    fn object(&mut self) -> Value {
        let mut new = match plain(self.node) {
            Value::Object(map) => map,
            other => return other,
        };
        let name = self.node.text("type").unwrap_or_default().to_owned();
        if name == "bundle" {
            new.remove("spec_version");
            return Value::Object(new);
        }
        new.insert("spec_version".to_owned(), json!("2.1"));
        if let Some((_, to)) = LABELS.iter().find(|(of, _)| *of == name)
            && let Some(labels) = new.remove("labels")
        {
            new.insert((*to).to_owned(), labels);
        }
        match name.as_str() {
            "indicator" => {
                new.insert("pattern_type".to_owned(), json!("stix"));
                new.insert("pattern_version".to_owned(), json!("2.0"));
            }
            "malware" if !new.contains_key("is_family") => {
                new.insert("is_family".to_owned(), json!(false));
                self.warn(
                    "threat::assumed",
                    "is_family",
                    "2.0 does not say whether this is a family: taken as one sample",
                );
            }
            "marking-definition" => self.marking(&mut new),
            "observed-data" => self.observed(&mut new),
            _ => {}
        }
        Value::Object(new)
    }

    fn warn(&mut self, code: &str, field: &str, message: &str) {
        let (start, end) = (self.offset + self.node.start as u64, self.offset + self.node.end as u64);
        self.faults.push(Fault::warning(code, message).in_field(field).at_bytes(start, end));
    }

    fn marking(&mut self, new: &mut Map<String, Value>) {
        let id = self.node.text("id").unwrap_or_default();
        if let Some((_, name)) = TLP.iter().find(|(tlp, _)| *tlp == id) {
            new.insert("name".to_owned(), json!(name));
            new.insert("created".to_owned(), json!("2017-01-20T00:00:00.000Z"));
            new.remove("created_by_ref");
        }
    }

    fn observed(&mut self, new: &mut Map<String, Value>) {
        let Some(Value::Object(objects)) = new.remove("objects") else { return };
        let mut ids = BTreeMap::new();
        for key in objects.keys() {
            self.observable(key, &objects, &mut ids, 0);
        }
        let mut refs: Vec<&String> = objects.keys().filter_map(|key| ids.get(key)).collect();
        refs.sort_unstable();
        refs.dedup();
        let refs = json!(refs);
        self.mark(new);
        // Two keys with the same content are one object.
        let mut seen = std::collections::BTreeSet::new();
        self.observables
            .retain(|(_, value)| seen.insert(value["id"].as_str().unwrap_or_default().to_owned()));
        new.insert("object_refs".to_owned(), refs);
    }

    /// What was marked in the whole is marked in its parts: each observable has the markings of the observed-data, and
    /// those of its own parts. A part that has another name now or is gone leaves its marking to the whole observable.
    fn mark(&mut self, new: &mut Map<String, Value>) {
        let whole = new.get("object_marking_refs").and_then(Value::as_array).cloned().unwrap_or_default();
        for (_, observable) in &mut self.observables {
            add_markings(observable, &whole);
        }
        let Some(Value::Array(granular)) = new.remove("granular_markings") else { return };
        let mut rest = Vec::new();
        for mut marking in granular {
            let reference = marking.get("marking_ref").cloned();
            if let Some(Value::Array(selectors)) = marking.get_mut("selectors") {
                selectors.retain(|selector| {
                    let path = selector.as_str().unwrap_or_default();
                    if path != "objects" && !path.starts_with("objects.") {
                        return true;
                    }
                    let (key, part) = path.strip_prefix("objects.").map_or((None, ""), |path| {
                        path.split_once('.').map_or((Some(path), ""), |(key, part)| (Some(key), part))
                    });
                    for (own, observable) in &mut self.observables {
                        if key.is_none_or(|key| key == own) {
                            mark_part(observable, part, reference.as_ref());
                        }
                    }
                    false
                });
                if selectors.is_empty() {
                    continue;
                }
            }
            rest.push(marking);
        }
        if !rest.is_empty() {
            new.insert("granular_markings".to_owned(), Value::Array(rest));
        }
    }

    /// Turns the observable under `key` and those that it refers to. A circle ends at its first object: the reference
    /// back to it counts for nothing in the id.
    fn observable(
        &mut self,
        key: &str,
        all: &Map<String, Value>,
        ids: &mut BTreeMap<String, String>,
        depth: usize,
    ) {
        if ids.contains_key(key) {
            return;
        }
        let Some(Value::Object(old)) = all.get(key) else {
            self.warn("threat::not_an_object", &format!("objects.{key}"), "no observable: left out");
            return;
        };
        let Some(name) = old.get("type").and_then(Value::as_str).map(str::to_owned) else {
            self.warn("threat::missing_property", &format!("objects.{key}.type"), "it has no type: left out");
            return;
        };
        // Stands for an object whose id is being made.
        ids.insert(key.to_owned(), String::new());
        let mut new = self.renamed(key, &name, old.clone());
        if depth < json::MAX_DEPTH {
            for reference in references(&new) {
                self.observable(&reference, all, ids, depth + 1);
            }
        }
        let open = resolve(&mut new, ids);
        let node = serde_json::to_vec(&new).unwrap_or_default();
        let id = deterministic_id(&node).unwrap_or_else(|| self.random_like(&name, key));
        new.insert("id".to_owned(), json!(id));
        new.insert("spec_version".to_owned(), json!("2.1"));
        ids.insert(key.to_owned(), id);
        if !open.is_empty() {
            let field = format!("objects.{key}");
            self.warn(
                "threat::reference_unknown",
                &field,
                "a reference to itself or to nothing was left out",
            );
        }
        self.observables.push((key.to_owned(), Value::Object(new)));
    }

    /// Processes, and objects without content to make an id of, have ids that look random (version 4) and are the same
    /// whenever this very object is turned.
    fn random_like(&self, name: &str, key: &str) -> String {
        let seed = format!("{}\n{key}", self.node.text("id").unwrap_or_default());
        let digest: [u8; 32] = Sha256::digest(seed).into();
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        format!("{name}--{}", uuid::Builder::from_random_bytes(half).into_uuid())
    }

    /// The observable with the names of 2.1.
    fn renamed(&mut self, key: &str, name: &str, mut old: Map<String, Value>) -> Map<String, Value> {
        for (_, from, to) in RENAMED.iter().filter(|(of, ..)| *of == name) {
            if let Some(value) = old.remove(*from) {
                old.insert((*to).to_owned(), value);
            }
        }
        for (_, gone) in GONE.iter().filter(|(of, _)| *of == name) {
            if old.remove(*gone).is_some() {
                let field = format!("objects.{key}.{gone}");
                self.warn(
                    "threat::no_place",
                    &field,
                    "2.1 has no such property: it stays in the original only",
                );
            }
        }
        for (extension, gone) in GONE_OF_EXTENSIONS {
            let inner = old.get_mut("extensions").and_then(|all| all.get_mut(*extension));
            if inner.and_then(Value::as_object_mut).is_some_and(|inner| inner.remove(*gone).is_some()) {
                let field = format!("objects.{key}.extensions.{extension}.{gone}");
                self.warn(
                    "threat::no_place",
                    &field,
                    "2.1 has no such property: it stays in the original only",
                );
            }
        }
        old
    }
}

/// Marks the part of an observable that `part` selects, or all of it.
fn mark_part(observable: &mut Value, part: &str, reference: Option<&Value>) {
    let Some(reference) = reference else { return };
    let bytes = observable.to_string().into_bytes();
    let there = json::parse(&bytes).is_ok_and(|node| super::validate::select(&node, part).is_some());
    if part.is_empty() || !there {
        add_markings(observable, std::slice::from_ref(reference));
        return;
    }
    let marking = json!({"selectors": [part], "marking_ref": reference});
    match observable.get_mut("granular_markings").and_then(Value::as_array_mut) {
        Some(all) => all.push(marking),
        None => observable["granular_markings"] = json!([marking]),
    }
}

fn add_markings(observable: &mut Value, markings: &[Value]) {
    if markings.is_empty() {
        return;
    }
    let mut all =
        observable.get("object_marking_refs").and_then(Value::as_array).cloned().unwrap_or_default();
    for marking in markings {
        if !all.contains(marking) {
            all.push(marking.clone());
        }
    }
    observable["object_marking_refs"] = Value::Array(all);
}

/// Keys that an observable refers to.
fn references(object: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    each_reference(object, &mut |value| {
        if let Value::String(key) = value {
            found.push(key.clone());
        }
    });
    found
}

/// Does `visit` on every value of a property whose name ends in `_ref` or `_refs`.
fn each_reference(object: &Map<String, Value>, visit: &mut dyn FnMut(&Value)) {
    for (name, value) in object {
        match value {
            Value::Array(items) if name.ends_with("_refs") => {
                items.iter().for_each(&mut *visit);
            }
            Value::String(_) if name.ends_with("_ref") => visit(value),
            Value::Object(inner) => each_reference(inner, visit),
            Value::Array(items) => {
                for inner in items.iter().filter_map(Value::as_object) {
                    each_reference(inner, visit);
                }
            }
            _ => {}
        }
    }
}

/// Puts ids in the place of keys; gives the keys that stand for nothing, and takes them out.
fn resolve(object: &mut Map<String, Value>, ids: &BTreeMap<String, String>) -> Vec<String> {
    let mut open = Vec::new();
    let known = |key: &str| ids.get(key).filter(|id| !id.is_empty());
    object.retain(|name, value| match value {
        Value::Array(items) if name.ends_with("_refs") => {
            items.retain_mut(|item| match item.as_str().map(|key| (key.to_owned(), known(key))) {
                Some((_, Some(id))) => {
                    *item = json!(id);
                    true
                }
                Some((key, None)) => {
                    open.push(key);
                    false
                }
                None => true,
            });
            !items.is_empty()
        }
        Value::String(key) if name.ends_with("_ref") => match known(key) {
            Some(id) => {
                *value = json!(id);
                true
            }
            None => {
                open.push(key.clone());
                false
            }
        },
        Value::Object(inner) => {
            open.extend(resolve(inner, ids));
            true
        }
        Value::Array(items) => {
            for inner in items.iter_mut().filter_map(Value::as_object_mut) {
                open.extend(resolve(inner, ids));
            }
            true
        }
        _ => true,
    });
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upgraded(text: &str) -> (Vec<Value>, Vec<String>) {
        let all = upgrade(text.as_bytes(), 0).unwrap();
        let objects = all.objects.iter().map(|one| serde_json::from_slice(one).unwrap()).collect();
        (objects, all.faults.into_iter().map(|fault| fault.code).collect())
    }

    const OBSERVED: &str = r#"{"type":"observed-data","id":"observed-data--b67d30ff-02ac-498a-92f9-32f845f448cf",
        "created":"2016-04-06T19:58:16.000Z","modified":"2016-04-06T19:58:16.000Z","number_observed":1,
        "first_observed":"2015-12-21T19:00:00Z","last_observed":"2015-12-21T19:00:00Z","objects":{
        "0":{"type":"ipv4-addr","value":"198.51.100.3"},
        "1":{"type":"network-traffic","src_ref":"0","dst_ref":"2","protocols":["tcp"]},
        "2":{"type":"domain-name","value":"example.com","resolves_to_refs":["0"]},
        "3":{"type":"process","name":"a.exe","binary_ref":"4","created":"2016-01-20T14:11:25.55Z"},
        "4":{"type":"file","name":"a.exe","extensions":{"archive-ext":{"contains_refs":["4"],"version":"5"}}}}}"#;

    #[test]
    fn observables_become_objects_with_ids_of_their_content() {
        let (objects, faults) = upgraded(OBSERVED);
        let kinds: Vec<_> = objects.iter().map(|one| one["type"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            ["ipv4-addr", "domain-name", "network-traffic", "file", "process", "observed-data"]
        );
        assert_eq!(objects[0]["id"], "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4");
        assert_eq!(objects[2]["src_ref"], objects[0]["id"]);
        assert_eq!(objects[4]["image_ref"], objects[3]["id"]);
        assert_eq!(objects[4]["created_time"], "2016-01-20T14:11:25.55Z");
        assert_eq!(objects[5]["object_refs"].as_array().unwrap().len(), 5);
        assert_eq!(faults, ["threat::no_place", "threat::no_place", "threat::reference_unknown"]);
        assert_eq!(upgraded(OBSERVED), (objects.clone(), faults), "the same every time");
        for object in objects {
            let checks = crate::Checks::of(&["deterministic-ids".to_owned()], &[]).unwrap();
            let options = crate::ValidateOptions { checks, ..Default::default() };
            let verdict = crate::validate(object.to_string().as_bytes(), &options);
            // The archive lost its only member, which was itself.
            let expected = if object["type"] == "file" { 2 } else { 0 };
            assert_eq!(verdict.violations.len(), expected, "{object} {:?}", verdict.violations);
        }
    }

    #[test]
    fn what_was_marked_stays_marked() {
        let (red, amber) = (
            "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
            "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
        );
        let marked = format!(
            r#""object_marking_refs":["{amber}"],"granular_markings":[
            {{"selectors":["objects.0.value","number_observed"],"marking_ref":"{red}"}},
            {{"selectors":["objects.3.name"],"marking_ref":"{red}"}}],"objects""#
        );
        let (objects, _) = upgraded(&OBSERVED.replace("\"objects\"", &marked));
        assert!(objects.iter().all(|one| one["object_marking_refs"][0] == amber));
        assert_eq!(objects[0]["granular_markings"], json!([{"selectors": ["value"], "marking_ref": red}]));
        // The name of a process is gone: all of it is marked.
        assert_eq!(objects[4]["object_marking_refs"], json!([amber, red]));
        assert_eq!(
            objects[5]["granular_markings"],
            json!([{"selectors": ["number_observed"], "marking_ref": red}])
        );
    }

    #[test]
    fn labels_patterns_and_markings_find_their_place() {
        let common = r#""created":"2016-04-06T19:58:16.000Z","modified":"2016-04-06T19:58:16.000Z""#;
        let id = "b67d30ff-02ac-498a-92f9-32f845f448cf";
        let (objects, _) = upgraded(&format!(
            r#"{{"type":"indicator","id":"indicator--{id}",{common},"labels":["malicious-activity"],
            "pattern":"[a:b = 1]","valid_from":"2016-01-01T00:00:00Z"}}"#
        ));
        assert_eq!(objects[0]["indicator_types"], json!(["malicious-activity"]));
        assert_eq!((objects[0]["pattern_type"].as_str(), objects[0].get("labels")), (Some("stix"), None));
        let (_, faults) = upgraded(&format!(
            r#"{{"type":"malware","id":"malware--{id}",{common},"name":"a","labels":["bot"]}}"#
        ));
        assert_eq!(faults, ["threat::assumed"]);
        let (objects, _) = upgraded(
            r#"{"type":"marking-definition","id":"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
            "created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","definition":{"tlp":"green"}}"#,
        );
        let text = objects[0].to_string();
        assert!(crate::validate(text.as_bytes(), &Default::default()).valid, "{text}");
        assert_eq!(upgrade(b"[1]", 5).unwrap_err().byte_start, Some(5));
    }
}
