//! Objects: observables, domain objects, rules, and objects of our own for the rest.

use serde_json::{Map, Value, json};

use super::attribute::cve;
use super::fact::{Fact, pattern};
use super::observable::Observables;
use super::{Convert, Marks, is_valid};
use crate::misp::table::{DOMAIN_OBJECTS, HASHES, Holds, OBJECTS, ObjectType, RULE_OBJECTS, holds, is_list};
use crate::misp::{MispAttribute, MispObject, MispReach};

impl Convert<'_> {
    pub(super) fn object(&mut self, object: &MispObject) {
        if object.deleted {
            self.losses.add("Object.deleted", "what was withdrawn is left out", &object.uuid);
            return;
        }
        let reach = self.narrowest(object);
        let group = object.sharing_group.as_ref();
        let tags: Vec<_> =
            object.attributes.iter().filter(|one| !one.deleted).flat_map(|one| one.tags.clone()).collect();
        let mut marks = self.marks_of(&tags, &reach, group);
        marks.labels.extend([
            format!("misp:name=\"{}\"", object.name),
            format!("misp:meta-category=\"{}\"", object.meta_category),
        ]);
        let made = self.objects_of(object, &marks);
        if let Some(first) = made.first() {
            self.primary.insert(object.uuid.clone(), first.clone());
            for attribute in &object.attributes {
                self.primary.insert(attribute.uuid.clone(), first.clone());
            }
        }
        let from = made.iter().find(|id| id.starts_with("indicator--")).or_else(|| made.first()).cloned();
        if let Some(from) = from {
            for attribute in object.attributes.iter().filter(|one| !one.deleted) {
                self.galaxies(&attribute.galaxies, Some((&from, &marks)), attribute.timestamp_s);
                let mut seen = vec![from.clone()];
                seen.extend(made.iter().filter(|id| **id != from).cloned());
                self.sightings(&attribute.sightings, &seen, &marks);
            }
        }
        for (name, value) in &object.unknown {
            if value.get() != "null"
                && !["template_uuid", "template_version", "description"].contains(&name.as_str())
            {
                self.losses.add(format!("Object.{name}"), "STIX has nothing for it", &object.uuid);
            }
        }
    }

    /// One object of STIX says all attributes: it goes no further than the narrowest of them.
    fn narrowest(&self, object: &MispObject) -> MispReach {
        let own = object.reach(&self.reach);
        let attributes = object.attributes.iter().filter(|one| !one.deleted);
        attributes.fold(own.clone(), |reach, attribute| reach.narrowed(&attribute.reach(&own)))
    }

    fn objects_of(&mut self, object: &MispObject, marks: &Marks) -> Vec<String> {
        if let Some((language, relation, name)) = RULE_OBJECTS.iter().find(|(kind, ..)| *kind == object.name)
            && let Some(rule) = value_of(object, relation)
        {
            let rule = self.rule_object(object, language, rule, value_of(object, name), marks);
            return vec![self.push(rule, true)];
        }
        if let Some(kind) = DOMAIN_OBJECTS.iter().find(|one| one.name == object.name)
            && let Some(made) = self.domain_object(object, kind, marks).filter(is_valid)
        {
            return vec![self.push(made, true)];
        }
        if let Some(kind) = OBJECTS.iter().find(|one| one.name == object.name)
            && let Some(made) = self.observable_object(object, kind, marks)
        {
            return made;
        }
        vec![self.custom_object(object, marks)]
    }

    fn rule_object(
        &self,
        object: &MispObject,
        language: &str,
        rule: &MispAttribute,
        name: Option<&MispAttribute>,
        marks: &Marks,
    ) -> Value {
        let mut indicator = self.head("indicator", &object.uuid, object.timestamp_s, marks);
        let mut set = |name: &str, value: Value| indicator.insert(name.to_owned(), value);
        set("pattern", json!(rule.value));
        set("pattern_type", json!(language));
        if let Some(name) = name {
            set("name", json!(name.value));
        }
        if let Some(comment) = value_of(object, "comment") {
            set("description", json!(comment.value));
        }
        let at = indicator["modified"].clone();
        indicator.insert("valid_from".to_owned(), at);
        Value::Object(indicator)
    }

    fn domain_object(&mut self, object: &MispObject, kind: &ObjectType, marks: &Marks) -> Option<Value> {
        let mut made = self.head(kind.observable, &object.uuid, object.timestamp_s, marks);
        let mut references = Vec::new();
        let mut extra = Extra::default();
        for attribute in object.attributes.iter().filter(|one| !one.deleted) {
            let relation = attribute.object_relation.as_deref().unwrap_or_default();
            match (object.name.as_str(), relation) {
                (_, "references") => references.push(reference(&attribute.value)),
                ("attack-pattern", "id") => {
                    let id = format!("CAPEC-{}", attribute.value.trim_start_matches("CAPEC-"));
                    references.push(json!({ "source_name": "capec", "external_id": id }));
                }
                _ => {
                    let path =
                        kind.relations.iter().find(|(name, ..)| *name == relation).map(|(.., path)| *path);
                    if !path.is_some_and(|path| set_property(&mut made, path, &attribute.value)) {
                        extra.add(relation, &attribute.value);
                    }
                }
            }
        }
        let name = made.get("name").and_then(Value::as_str).map(str::to_owned);
        if let Some(id) = name.as_deref().and_then(cve) {
            references.insert(0, json!({ "source_name": "cve", "external_id": id }));
        }
        if !references.is_empty() {
            made.insert("external_references".to_owned(), json!(references));
        }
        match kind.observable {
            "identity" => {
                let class = if object.name == "person" { "individual" } else { "organization" };
                made.insert("identity_class".to_owned(), json!(class));
            }
            "location" => {
                // A place is a country, a region, or both coordinates (clause 4.11).
                let has = |name: &str| made.contains_key(name);
                if has("latitude") != has("longitude")
                    || !(has("country") || has("region") || has("latitude"))
                {
                    return None;
                }
            }
            _ => {}
        }
        if kind.observable != "location" && name.is_none() {
            return None;
        }
        extra.into_map(&mut made);
        Some(Value::Object(made))
    }

    /// Observed data and, when something is for detection, an indicator.
    fn observable_object(
        &mut self,
        object: &MispObject,
        kind: &ObjectType,
        marks: &Marks,
    ) -> Option<Vec<String>> {
        let mut observables = Observables::new(kind.observable, &object.uuid);
        let (mut facts, mut extra) = (Vec::new(), Extra::default());
        for attribute in object.attributes.iter().filter(|one| !one.deleted) {
            let relation = attribute.object_relation.as_deref().unwrap_or(&attribute.kind);
            if kind.name == "file"
                && matches!(relation, "malware-sample" | "attachment")
                && attribute.data.is_some()
            {
                if let Some(artifact) = self.artifact(attribute) {
                    let file_name = attribute.value.split('|').next().unwrap_or_default();
                    let mut artifact = artifact;
                    artifact.insert("x_misp_filename".to_owned(), json!(file_name));
                    observables.set("content_ref", artifact["id"].clone());
                    observables.others.push(artifact);
                }
                continue;
            }
            match fact(kind, relation, attribute) {
                Some(fact) if observables.take(&fact) => {
                    extra.say(kind, relation, &fact.keys.join("."));
                    facts.push(fact);
                }
                _ => {
                    let key = extra.add(relation, &attribute.value);
                    let path = format!("{}:{key}", kind.observable);
                    facts.extend(Fact::new(
                        "text",
                        &path,
                        &path,
                        &attribute.value,
                        &attribute.uuid,
                        attribute.to_ids,
                    ));
                }
            }
        }
        let mut observables = observables.finish()?;
        extra.into_map(&mut observables.main);
        let head = self.head("observed-data", &object.uuid, object.timestamp_s, marks);
        let seen = [object.first_seen.as_deref(), object.last_seen.as_deref()];
        let data = self.push_observed(head, observables, seen, &marks.refs)?;
        let mut made = vec![data.clone()];
        facts.retain(|fact| fact.to_ids);
        if !facts.is_empty() {
            let mut indicator = self.head("indicator", &object.uuid, object.timestamp_s, marks);
            let at = indicator["modified"].clone();
            let mut set = |name: &str, value: Value| indicator.insert(name.to_owned(), value);
            set("pattern", json!(pattern(facts.iter())));
            set("pattern_type", json!("stix"));
            set("pattern_version", json!("2.1"));
            set("valid_from", at);
            if !object.comment.is_empty() {
                set("description", json!(object.comment));
            }
            if !object.meta_category.is_empty() {
                let phase = json!({ "kill_chain_name": "misp-category", "phase_name": object.meta_category });
                set("kill_chain_phases", json!([phase]));
            }
            let id = self.push(Value::Object(indicator), true);
            self.relationship(&id, "based-on", &data, object.timestamp_s, marks);
            made.push(id);
        } else if !object.comment.is_empty() {
            self.losses.add("Object.comment", "observed data has no description", &object.uuid);
        }
        self.losses.add(
            "Object.Attribute",
            "an observable has no UUID, time or comment for each of its parts",
            &object.uuid,
        );
        Some(made)
    }

    /// What STIX has no object for, with all that it says.
    fn custom_object(&mut self, object: &MispObject, marks: &Marks) -> String {
        let mut made = self.head("x-misp-object", &object.uuid, object.timestamp_s, marks);
        let mut set = |name: &str, value: Value| made.insert(name.to_owned(), value);
        set("x_misp_name", json!(object.name));
        set("x_misp_meta_category", json!(object.meta_category));
        if !object.comment.is_empty() {
            set("x_misp_comment", json!(object.comment));
        }
        let parts = object.attributes.iter().filter(|one| !one.deleted).map(|attribute| {
            let mut part = Map::new();
            let mut set = |name: &str, value: Value| part.insert(name.to_owned(), value);
            set("uuid", json!(attribute.uuid));
            set("type", json!(attribute.kind));
            set("object_relation", json!(attribute.object_relation));
            set("value", json!(attribute.value));
            set("category", json!(attribute.category));
            set("to_ids", json!(attribute.to_ids));
            if let Some(timestamp) = attribute.timestamp_s {
                set("timestamp", json!(timestamp.to_string()));
            }
            for (name, text) in [
                ("comment", Some(&attribute.comment).filter(|text| !text.is_empty())),
                ("first_seen", attribute.first_seen.as_ref()),
                ("last_seen", attribute.last_seen.as_ref()),
                ("data", attribute.data.as_ref()),
            ] {
                if let Some(text) = text {
                    set(name, json!(text));
                }
            }
            Value::Object(part)
        });
        let parts: Vec<Value> = parts.collect();
        if !parts.is_empty() {
            set("x_misp_attributes", Value::Array(parts));
        }
        let why =
            "STIX has no object for it, or it lacks what that must have; it becomes an object of our own";
        self.losses.add(format!("Object.name {}", object.name), why, &object.uuid);
        self.push(Value::Object(made), true)
    }

    /// What the object points at.
    pub(super) fn references(&mut self, object: &MispObject) {
        let Some(from) = self.primary.get(&object.uuid).cloned() else { return };
        let reach = self.narrowest(object);
        let marks = self.marks_of(&[], &reach, object.sharing_group.as_ref());
        for reference in &object.references {
            match self.primary.get(&reference.referenced).cloned() {
                Some(to) => {
                    let parts = [from.as_str(), reference.relation.as_str(), to.as_str()];
                    self.named_relationship(&reference.uuid, parts, reference.timestamp_s, &marks);
                }
                None => {
                    self.losses.add("ObjectReference", "it points at nothing that is there", &reference.uuid)
                }
            }
        }
    }
}

fn value_of<'o>(object: &'o MispObject, relation: &str) -> Option<&'o MispAttribute> {
    let found = object.attributes.iter().find(|one| one.object_relation.as_deref() == Some(relation));
    found.filter(|one| !one.deleted && !one.value.trim().is_empty())
}

/// The fact that an attribute of an object states.
fn fact(kind: &ObjectType, relation: &str, attribute: &MispAttribute) -> Option<Fact> {
    let said = |key: &str| format!("{}:{key}", kind.observable);
    let known = kind.relations.iter().find(|(name, ..)| *name == relation);
    let (path, pattern) = match known {
        Some((.., path)) => (said(path), said(path)),
        None if kind.observable == "file" && kind.name != "pe" => {
            let (_, object, pattern, _) = HASHES.iter().find(|(name, ..)| *name == relation)?;
            (said(&format!("hashes.{object}")), said(&format!("hashes.{pattern}")))
        }
        None => return None,
    };
    Fact::new(&attribute.kind, &path, &pattern, &attribute.value, &attribute.uuid, attribute.to_ids)
}

fn reference(text: &str) -> Value {
    let source = if text.contains("attack.mitre.org") { "mitre-attack" } else { "url" };
    json!({ "source_name": source, "url": text })
}

/// Puts a text into a property of a domain object. `false`: it is taken, or the text does not fit.
fn set_property(made: &mut Map<String, Value>, path: &str, text: &str) -> bool {
    if text.is_empty() {
        return false;
    }
    if is_list(path) {
        let list = made.entry(path).or_insert_with(|| json!([]));
        let Value::Array(list) = list else { return false };
        list.push(json!(text));
        return true;
    }
    let value = match (holds(path), path) {
        (Holds::Number, _) => {
            let most = if path == "latitude" { 90.0 } else { 180.0 };
            text.parse::<f64>().ok().filter(|number| number.abs() <= most).map(|number| json!(number))
        }
        (_, "country") => {
            let code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
            code.then(|| json!(text.to_ascii_uppercase()))
        }
        _ => Some(json!(text)),
    };
    match value {
        Some(value) if !made.contains_key(path) => {
            made.insert(path.to_owned(), value);
            true
        }
        _ => false,
    }
}

/// Relations that the object of STIX has no property for.
#[derive(Default)]
struct Extra {
    /// The property, the relation and its values.
    values: Vec<(String, String, Vec<String>)>,
    /// Relations that their property does not tell.
    names: Map<String, Value>,
}

impl Extra {
    /// The property for a relation, which takes the value.
    fn add(&mut self, relation: &str, value: &str) -> String {
        let plain: String = relation
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
            .take(200)
            .collect();
        let key = format!("x_misp_{plain}");
        match self.values.iter_mut().find(|(known, ..)| *known == key) {
            Some((.., values)) => values.push(value.to_owned()),
            None => self.values.push((key.clone(), relation.to_owned(), vec![value.to_owned()])),
        }
        key
    }

    /// Of several relations with one path the first is taken on the way back: tells when it was another.
    fn say(&mut self, kind: &ObjectType, relation: &str, path: &str) {
        let first = kind.relations.iter().find(|(.., known)| *known == path).map(|(name, ..)| *name);
        if first.is_some_and(|first| first != relation) && !path.split('.').any(is_list) {
            self.names.insert(path.to_owned(), json!(relation));
        }
    }

    fn into_map(self, map: &mut Map<String, Value>) {
        let mut names = self.names;
        for (key, relation, values) in self.values {
            // What a blank or capital became is not to be guessed on the way back.
            if key.strip_prefix("x_misp_").is_none_or(|plain| plain.replace('_', "-") != relation) {
                names.insert(key.clone(), json!(relation));
            }
            let value = if values.len() == 1 { json!(values[0]) } else { json!(values) };
            map.insert(key, value);
        }
        if !names.is_empty() {
            map.insert("x_misp_original_names".to_owned(), Value::Object(names));
        }
    }
}
