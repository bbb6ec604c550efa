//! Indicators and observed data as attributes and objects.

use std::collections::BTreeSet;

use serde_json::Value;
use uuid::Uuid;

use super::mark::{self, Marks};
use super::{Store, label, refs, seconds, text, uuid_of};
use crate::SpecVersion;
use crate::misp::read::NAMESPACE;
use crate::misp::table::{
    DOMAIN_OBJECTS, OBJECTS, ObjectType, RULE_OBJECTS, RULES, attribute_of_paths, category_of, hash_of_name,
    paths_of,
};
use crate::misp::to_stix::{Losses, is_address};
use crate::misp::{MispAttribute, MispDistribution, MispObject, MispReach, MispTag};
use crate::pattern::{Equalities, Pattern};

/// Values at paths: `file:hashes.MD5`.
type Facts = Vec<(String, String)>;

/// What an object of STIX becomes.
pub(super) enum Element {
    Attribute(Box<MispAttribute>),
    Object(Box<MispObject>),
}

/// Makes the elements of one event.
pub(super) struct Elements<'s> {
    pub(super) store: &'s Store,
    /// How far the event goes.
    pub(super) reach: MispReach,
    /// Its tags, which its elements do not repeat.
    pub(super) tags: BTreeSet<String>,
}

impl Elements<'_> {
    /// The elements that an object is; the observed data of the same UUID is looked at with its indicator. Empty:
    /// it is none.
    pub(super) fn of(&self, object: &Value, losses: &mut Losses) -> Vec<Element> {
        let kind = text(object, "type");
        match kind {
            "indicator" => self.indicator(object, losses),
            "observed-data" => self.observed(object, losses).into_iter().collect(),
            "x-misp-attribute" => self.custom_attribute(object, losses).into_iter().collect(),
            "x-misp-object" => self.custom_object(object, losses).into_iter().collect(),
            "vulnerability" | "campaign" if label(object, "misp:type").is_some() => {
                let to_ids = label(object, "misp:to_ids") == Some("true");
                let name = label(object, "misp:type").unwrap_or_default();
                let mut attribute = self.attribute(object, name, text(object, "name"), to_ids, losses);
                attribute.comment = text(object, "description").to_owned();
                vec![Element::Attribute(Box::new(attribute))]
            }
            _ if label(object, "misp:name").is_some() => {
                self.domain_object(object, losses).into_iter().collect()
            }
            _ => self.lone(object, losses).into_iter().collect(),
        }
    }

    fn indicator(&self, object: &Value, losses: &mut Losses) -> Vec<Element> {
        let (language, pattern) = (text(object, "pattern_type"), text(object, "pattern"));
        if RULES.contains(&language) {
            return vec![self.rule(object, language, pattern, losses)];
        }
        let version =
            if text(object, "pattern_version") == "2.0" { SpecVersion::V2_0 } else { SpecVersion::V2_1 };
        let equalities = Some(language)
            .filter(|language| *language == "stix")
            .and_then(|_| Pattern::parse(pattern, version).ok()?.equalities());
        let uuid = uuid_of(text(object, "id")).unwrap_or_default();
        let data = self.store.get(&format!("observed-data--{uuid}"));
        let of_data = data.and_then(|data| self.facts_of_data(data, losses));
        match equalities {
            Some(Equalities::All(wanted)) => {
                // What was observed says what the pattern does not ask for.
                let mut facts = of_data.clone().unwrap_or_default();
                for fact in &wanted {
                    if !facts.iter().any(|known| same(known, fact)) && !fact.0.ends_with(".type") {
                        facts.push(fact.clone());
                    }
                }
                if let Some(element) = self.element(object, &facts, Some(&wanted), losses) {
                    return vec![element];
                }
            }
            Some(Equalities::Any(any)) => {
                let each: Option<Vec<_>> =
                    any.iter().map(|fact| kind_and_value(None, std::slice::from_ref(fact))).collect();
                if let Some(each) = each {
                    return self.several(object, &each, losses);
                }
            }
            None => {}
        }
        let kind = if language == "stix" { "stix2-pattern" } else { "other" };
        if kind == "other" {
            losses.add("pattern_type", "MISP has no type for this language of patterns", text(object, "id"));
        }
        let mut attribute = self.attribute(object, kind, pattern, true, losses);
        attribute.comment = comment_of(object);
        vec![Element::Attribute(Box::new(attribute))]
    }

    /// Values joined by OR, each an attribute; the first has the UUID of the indicator.
    fn several(&self, object: &Value, each: &[(String, String)], losses: &mut Losses) -> Vec<Element> {
        let mut all = Vec::with_capacity(each.len());
        for (number, (kind, value)) in each.iter().enumerate() {
            let mut attribute = self.attribute(object, kind, value, true, losses);
            attribute.comment = comment_of(object);
            if number > 0 {
                let name = format!("{}\n{number}", attribute.uuid);
                attribute.uuid = Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string();
            }
            all.push(Element::Attribute(Box::new(attribute)));
        }
        all
    }

    fn observed(&self, object: &Value, losses: &mut Losses) -> Option<Element> {
        let facts = self.facts_of_data(object, losses);
        let element = facts.as_ref().and_then(|facts| self.element(object, facts, None, losses));
        if element.is_none() {
            losses.add("object_refs", "MISP has nothing for what was observed", text(object, "id"));
        }
        element
    }

    /// An observable that stands alone.
    fn lone(&self, object: &Value, losses: &mut Losses) -> Option<Element> {
        let kind = text(object, "type");
        let known = OBJECTS.iter().any(|one| one.observable == kind)
            || ["ipv4-addr", "ipv6-addr", "mac-addr", "email-addr"].contains(&kind);
        known.then_some(())?;
        let mut facts = Facts::new();
        self.flatten(object, &format!("{kind}:"), &mut facts, 0, losses);
        self.element(object, &facts, None, losses)
    }

    /// An attribute when one type has all the facts, else an object.
    fn element(
        &self,
        object: &Value,
        facts: &Facts,
        wanted: Option<&Facts>,
        losses: &mut Losses,
    ) -> Option<Element> {
        if let Some(name) = label(object, "misp:name") {
            let kind = OBJECTS.iter().find(|one| one.name == name)?;
            return Some(self.object(object, kind, facts, wanted, losses));
        }
        let payload = |path: &&(String, String)| path.0.ends_with("content_ref.payload_bin");
        let data = facts.iter().find(payload).map(|(_, value)| value.clone());
        let plain: Facts = facts
            .iter()
            .filter(|(path, _)| !path.contains(":content_ref.") && !path.contains(":x_"))
            .cloned()
            .collect();
        let said = label(object, "misp:type");
        if let Some((kind, value)) = kind_and_value(said, &plain) {
            let mut attribute = self.attribute(object, &kind, &value, wanted.is_some(), losses);
            attribute.comment = comment_of(object);
            attribute.data = data;
            return Some(Element::Attribute(Box::new(attribute)));
        }
        let observable = facts.first()?.0.split(':').next().unwrap_or_default();
        let alike = facts.iter().all(|(path, _)| path.split(':').next() == Some(observable));
        let kind = OBJECTS.iter().find(|one| one.observable == observable).filter(|_| alike)?;
        Some(self.object(object, kind, facts, wanted, losses))
    }

    fn object(
        &self,
        source: &Value,
        kind: &ObjectType,
        facts: &Facts,
        wanted: Option<&Facts>,
        losses: &mut Losses,
    ) -> Element {
        let mut object = self.empty_object(source, kind.name, kind.meta_category, losses);
        let names = originals(self.store, source, &object.uuid, kind.observable);
        for fact in facts {
            let (path, value) = fact;
            let key = path.split_once(':').map_or(path.as_str(), |(_, key)| key);
            let to_ids = wanted.is_some_and(|wanted| wanted.iter().any(|want| same(want, fact)));
            if key == "content_ref.payload_bin" {
                let name = facts.iter().find(|(path, _)| path.ends_with("content_ref.x_misp_filename"));
                let name = name.map_or(text(source, "name"), |(_, name)| name.as_str());
                let locked = facts.iter().any(|(path, _)| path.ends_with("content_ref.decryption_key"));
                let kind = if locked { "malware-sample" } else { "attachment" };
                let digest =
                    facts.iter().find(|(path, _)| path.ends_with("hashes.MD5")).map(|(_, md5)| md5.as_str());
                let value = match digest.filter(|_| locked) {
                    Some(md5) => format!("{name}|{md5}"),
                    None => name.to_owned(),
                };
                let mut attribute = self.part(source, &object.uuid, (kind, kind), &value, false);
                attribute.data = Some(fact.1.clone());
                object.attributes.push(attribute);
                continue;
            }
            if key.starts_with("content_ref.") {
                continue;
            }
            match relation_of(kind, key, value, &names) {
                Some((relation, attribute_kind)) => {
                    let value = if attribute_kind == "AS" { format!("AS{value}") } else { value.clone() };
                    let part = self.part(source, &object.uuid, (&relation, &attribute_kind), &value, to_ids);
                    object.attributes.push(part);
                }
                None => {
                    losses.add(path.clone(), "the object of MISP has no relation for it", text(source, "id"))
                }
            }
        }
        distinct(&mut object);
        Element::Object(Box::new(object))
    }

    /// An attribute of an object.
    fn part(
        &self,
        source: &Value,
        object: &str,
        (relation, kind): (&str, &str),
        value: &str,
        to_ids: bool,
    ) -> MispAttribute {
        let name = format!("{object}\n{relation}\n{value}");
        let mut part = bare(kind, value, to_ids);
        part.uuid = Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string();
        part.object_relation = Some(relation.to_owned());
        part.timestamp_s = seconds(source, "modified");
        part
    }

    fn rule(&self, object: &Value, language: &str, pattern: &str, losses: &mut Losses) -> Element {
        let known = RULE_OBJECTS.iter().find(|(name, ..)| Some(*name) == label(object, "misp:name"));
        let Some((name, relation, title)) = known else {
            let to_ids = label(object, "misp:to_ids") != Some("false");
            let mut attribute = self.attribute(object, language, pattern, to_ids, losses);
            attribute.comment = comment_of(object);
            return Element::Attribute(Box::new(attribute));
        };
        let mut made = self.empty_object(object, name, "misc", losses);
        made.comment = String::new();
        made.attributes.push(self.part(object, &made.uuid, (relation, language), pattern, true));
        for (relation, text) in [(*title, text(object, "name")), ("comment", text(object, "description"))] {
            if !text.is_empty() {
                made.attributes.push(self.part(object, &made.uuid, (relation, "text"), text, false));
            }
        }
        Element::Object(Box::new(made))
    }

    /// A domain object that was an object of MISP.
    fn domain_object(&self, source: &Value, losses: &mut Losses) -> Option<Element> {
        let name = label(source, "misp:name")?;
        let kind = DOMAIN_OBJECTS.iter().find(|one| one.name == name)?;
        let mut object = self.empty_object(source, name, kind.meta_category, losses);
        object.comment = String::new();
        let names = original_names(source);
        for (key, value) in source.as_object()? {
            for value in texts(value) {
                if let Some((relation, attribute_kind)) = relation_of(kind, key, &value, &names) {
                    object.attributes.push(self.part(
                        source,
                        &object.uuid,
                        (&relation, &attribute_kind),
                        &value,
                        false,
                    ));
                }
            }
        }
        for reference in source.get("external_references").and_then(Value::as_array).into_iter().flatten() {
            if let Some(url) = reference["url"].as_str() {
                object.attributes.push(self.part(source, &object.uuid, ("references", "link"), url, false));
            }
            if let Some(id) = reference["external_id"].as_str().and_then(|id| id.strip_prefix("CAPEC-")) {
                object.attributes.push(self.part(source, &object.uuid, ("id", "text"), id, false));
            }
        }
        distinct(&mut object);
        Some(Element::Object(Box::new(object)))
    }

    fn custom_attribute(&self, object: &Value, losses: &mut Losses) -> Option<Element> {
        let kind = object["x_misp_type"].as_str().filter(|kind| !kind.is_empty())?;
        let to_ids = object["x_misp_to_ids"].as_bool().unwrap_or(label(object, "misp:to_ids").is_some());
        let mut attribute = self.attribute(object, kind, text(object, "x_misp_value"), to_ids, losses);
        custom_members(&mut attribute, |name| {
            object[format!("x_misp_{name}").as_str()].as_str().map(str::to_owned)
        });
        Some(Element::Attribute(Box::new(attribute)))
    }

    fn custom_object(&self, source: &Value, losses: &mut Losses) -> Option<Element> {
        let name = source["x_misp_name"].as_str().filter(|name| !name.is_empty())?;
        let category = text(source, "x_misp_meta_category");
        let mut object = self.empty_object(source, name, category, losses);
        object.comment = text(source, "x_misp_comment").to_owned();
        for part in source.get("x_misp_attributes").and_then(Value::as_array).into_iter().flatten() {
            let (kind, value) = (text(part, "type"), text(part, "value"));
            let relation = text(part, "object_relation");
            if kind.is_empty() {
                losses.add("x_misp_attributes", "an attribute has no type", text(source, "id"));
                continue;
            }
            let to_ids = part["to_ids"].as_bool().unwrap_or_default();
            let mut attribute = self.part(source, &object.uuid, (relation, kind), value, to_ids);
            custom_members(&mut attribute, |name| part[name].as_str().map(str::to_owned));
            if relation.is_empty() {
                attribute.object_relation = None;
            }
            attribute.uuid = crate::misp::value::uuid(text(part, "uuid")).unwrap_or(attribute.uuid);
            attribute.timestamp_s = text(part, "timestamp").parse().ok().or(attribute.timestamp_s);
            object.attributes.push(attribute);
        }
        distinct(&mut object);
        Some(Element::Object(Box::new(object)))
    }

    fn attribute(
        &self,
        object: &Value,
        kind: &str,
        value: &str,
        to_ids: bool,
        losses: &mut Losses,
    ) -> MispAttribute {
        let mut attribute = bare(kind, value, to_ids);
        attribute.uuid = uuid_of(text(object, "id")).unwrap_or_default();
        if let Some(category) = label(object, "misp:category") {
            attribute.category = category.to_owned();
        }
        attribute.timestamp_s = seconds(object, "modified");
        (attribute.distribution, attribute.sharing_group, attribute.tags) = self.release(object, losses);
        let differs = |name: &str| {
            let at = seconds(object, name)?;
            (Some(at) != attribute.timestamp_s).then(|| text(object, name).to_owned())
        };
        (attribute.first_seen, attribute.last_seen) = match text(object, "type") {
            "indicator" => (differs("valid_from"), differs("valid_until")),
            "observed-data" => (differs("first_observed"), differs("last_observed")),
            _ => (None, None),
        };
        attribute
    }

    fn empty_object(&self, source: &Value, name: &str, category: &str, losses: &mut Losses) -> MispObject {
        let (distribution, sharing_group, tags) = self.release(source, losses);
        if !tags.is_empty() {
            losses.add("labels", "an object of MISP has no tags", text(source, "id"));
        }
        let category = label(source, "misp:meta-category").unwrap_or(category);
        MispObject {
            uuid: uuid_of(text(source, "id")).unwrap_or_default(),
            name: name.to_owned(),
            meta_category: category.to_owned(),
            timestamp_s: seconds(source, "modified"),
            distribution,
            sharing_group,
            comment: text(source, "description").to_owned(),
            deleted: false,
            first_seen: None,
            last_seen: None,
            attributes: Vec::new(),
            references: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// What the markings say beyond those of the event.
    pub(super) fn release(
        &self,
        object: &Value,
        losses: &mut Losses,
    ) -> (MispDistribution, Option<crate::misp::MispSharingGroup>, Vec<MispTag>) {
        let Marks { tlp, reach, group } = mark::of(self.store, object, losses);
        let tags = mark::tags(object, &tlp, &self.tags);
        match reach.filter(|reach| *reach != self.reach) {
            None => (MispDistribution::Inherit, None, tags),
            Some(reach) => {
                let (distribution, sharing_group) = mark::distribution(&reach, group.as_deref());
                (distribution, sharing_group, tags)
            }
        }
    }

    /// The facts of observed data.
    fn facts_of_data(&self, data: &Value, losses: &mut Losses) -> Option<Facts> {
        let ids: Vec<&str> = refs(data, "object_refs").collect();
        let mut inner = BTreeSet::new();
        ids.iter()
            .filter_map(|id| self.store.get(id))
            .for_each(|object| super::event::referred(object, &mut inner));
        let mains: Vec<&&str> = ids.iter().filter(|id| !inner.contains(**id)).collect();
        let main = *mains.first()?;
        if mains.len() > 1 {
            losses.add(
                "object_refs",
                "of several things that were observed together the first is taken",
                text(data, "id"),
            );
        }
        let object = self.store.get(main)?;
        let mut facts = Facts::new();
        self.flatten(object, &format!("{}:", text(object, "type")), &mut facts, 0, losses);
        Some(facts)
    }

    /// The values in an observable and in what it refers to, which is bounded: a circle of references ends.
    fn flatten(&self, value: &Value, path: &str, facts: &mut Facts, depth: usize, losses: &mut Losses) {
        const MOST: usize = 10_000;
        if depth > 6 || facts.len() > MOST {
            losses.add("object_refs", "references go too deep or in a circle", path);
            return;
        }
        let Some(map) = value.as_object() else { return };
        for (key, value) in map {
            let skipped = ["type", "id", "spec_version", "object_marking_refs", "defanged", "is_multipart"];
            if skipped.contains(&key.as_str())
                || key == "content_disposition"
                || key == "x_misp_original_names"
            {
                continue;
            }
            let at = if path.ends_with(':') { format!("{path}{key}") } else { format!("{path}.{key}") };
            let ids: Vec<&str> = match value {
                Value::String(id) if key.ends_with("_ref") => vec![id],
                Value::Array(ids) if key.ends_with("_refs") => ids.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            for id in &ids {
                match self.store.get(id) {
                    Some(object) => self.flatten(object, &at, facts, depth + 1, losses),
                    None => losses.add(key.clone(), "it refers to nothing that is there", id),
                }
            }
            if !ids.is_empty() {
                continue;
            }
            match value {
                Value::Object(_) => self.flatten(value, &at, facts, depth + 1, losses),
                Value::Array(items) => {
                    for item in items {
                        match item {
                            Value::Object(_) => self.flatten(item, &at, facts, depth + 1, losses),
                            _ => facts.extend(plain(item).map(|text| (at.clone(), text))),
                        }
                    }
                }
                _ => facts.extend(plain(value).map(|text| (at, text))),
            }
        }
    }
}

/// Whether two facts say the same; the algorithms of hashes have several spellings.
fn same(a: &(String, String), b: &(String, String)) -> bool {
    let hash = |path: &str| {
        let (head, name) = path.rsplit_once('.')?;
        head.ends_with("hashes").then(|| Some((head.to_owned(), hash_of_name(name)?)))?
    };
    let paths = a.0 == b.0 || hash(&a.0).is_some_and(|known| Some(known) == hash(&b.0));
    paths && a.1 == b.1
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(plain).collect(),
        other => plain(other).into_iter().collect(),
    }
}

/// The description; observed data has none.
fn comment_of(object: &Value) -> String {
    text(object, "description").to_owned()
}

fn bare(kind: &str, value: &str, to_ids: bool) -> MispAttribute {
    MispAttribute {
        uuid: String::new(),
        kind: kind.to_owned(),
        category: category_of(kind).to_owned(),
        value: value.to_owned(),
        to_ids,
        timestamp_s: None,
        distribution: MispDistribution::Inherit,
        sharing_group: None,
        comment: String::new(),
        deleted: false,
        first_seen: None,
        last_seen: None,
        object_relation: None,
        data: None,
        tags: Vec::new(),
        galaxies: Vec::new(),
        sightings: Vec::new(),
        unknown: Vec::new(),
    }
}

fn custom_members(attribute: &mut MispAttribute, get: impl Fn(&str) -> Option<String>) {
    if let Some(category) = get("category") {
        attribute.category = category;
    }
    attribute.comment = get("comment").unwrap_or_default();
    attribute.first_seen = get("first_seen");
    attribute.last_seen = get("last_seen");
    attribute.data = get("data");
}

/// The type and value of the one attribute that states all the facts; `said` is what a label says its type is.
fn kind_and_value(said: Option<&str>, facts: &[(String, String)]) -> Option<(String, String)> {
    let facts: Vec<(&str, &str)> = facts
        .iter()
        .filter(|(path, _)| !path.ends_with(".type") && path != "network-traffic:protocols")
        .map(|(path, value)| (path.as_str(), value.as_str()))
        .collect();
    let value_at = |path: &str| facts.iter().find(|(known, _)| *known == path).map(|(_, value)| *value);
    let joined = |kind: &str, in_pattern: bool| {
        let paths = paths_of(kind, in_pattern)?;
        let values: Option<Vec<&str>> = paths.iter().map(|path| value_at(path)).collect();
        let values = values.filter(|values| values.len() == facts.len())?;
        let value = values.join("|");
        Some((kind.to_owned(), if kind == "AS" { format!("AS{value}") } else { value }))
    };
    if let Some(kind) = said {
        if matches!(kind, "malware-sample" | "attachment") {
            let name = value_at("file:name")?;
            let value = match value_at("file:hashes.MD5").filter(|_| kind == "malware-sample") {
                Some(md5) => format!("{name}|{md5}"),
                None => name.to_owned(),
            };
            return Some((kind.to_owned(), value));
        }
        return joined(kind, false).or_else(|| joined(kind, true));
    }
    if let [(path, value)] = facts[..]
        && matches!(path, "ipv4-addr:value" | "ipv6-addr:value")
    {
        return Some(("ip-dst".to_owned(), value.to_owned()));
    }
    // The table has its own order, STIX another.
    let mut paths: Vec<&str> = facts.iter().map(|(path, _)| *path).collect();
    let kind = attribute_of_paths(&paths).or_else(|| {
        paths.reverse();
        attribute_of_paths(&paths)
    })?;
    let kind = match (kind.as_str(), value_at("network-traffic:dst_ref.value")) {
        ("ip-dst", Some(name)) if !is_address(name) => "hostname".to_owned(),
        ("ip-dst|port", Some(name)) if !is_address(name) => "hostname|port".to_owned(),
        _ => kind,
    };
    let values: Vec<&str> = paths.iter().filter_map(|path| value_at(path)).collect();
    let known = paths_of(&kind, false);
    let ordered: Option<Vec<&str>> =
        known.and_then(|known| known.iter().map(|path| value_at(path)).collect());
    let value = ordered.unwrap_or(values).join("|");
    Some((kind.clone(), if kind == "AS" { format!("AS{value}") } else { value }))
}

/// The relation of an object that a property is, and the type of its attribute.
fn relation_of(
    kind: &ObjectType,
    key: &str,
    value: &str,
    names: &[(String, String)],
) -> Option<(String, String)> {
    let named = names.iter().find(|(known, _)| known == key).map(|(_, relation)| relation.clone());
    if let Some(plain) = key.strip_prefix("x_misp_") {
        if ["original_names", "date", "filename"].contains(&plain) {
            return None;
        }
        return Some((named.unwrap_or_else(|| plain.replace('_', "-")), "text".to_owned()));
    }
    if let Some(hash) =
        key.strip_prefix("hashes.").filter(|_| kind.observable == "file").and_then(hash_of_name)
    {
        return Some((hash.to_owned(), hash.to_owned()));
    }
    let fits = |attribute: &str| match attribute {
        "hostname" | "domain" if key.ends_with("_ref.value") => !is_address(value),
        "ip-src" | "ip-dst" => is_address(value),
        _ => true,
    };
    let is_named = |relation: &str| named.as_deref().is_none_or(|named| named == relation);
    let mut found = kind.relations.iter().filter(|(_, attribute, path)| *path == key && fits(attribute));
    let found = found.clone().find(|(relation, ..)| is_named(relation)).or_else(|| found.next())?;
    // The protocol of each layer is known by its name.
    let relation = match (found.0, value) {
        ("layer3-protocol", "tcp" | "udp") => "layer4-protocol",
        ("layer3-protocol", "ip" | "ipv4" | "ipv6" | "icmp") => "layer3-protocol",
        ("layer3-protocol", _) => "layer7-protocol",
        (relation, _) => relation,
    };
    Some((relation.to_owned(), found.1.to_owned()))
}

/// How the relations were spelled that a property name cannot spell.
fn originals(store: &Store, source: &Value, uuid: &str, observable: &str) -> Vec<(String, String)> {
    let main = store.get(&format!("{observable}--{uuid}"));
    main.map_or_else(|| original_names(source), original_names)
}

fn original_names(object: &Value) -> Vec<(String, String)> {
    let names = object.get("x_misp_original_names").and_then(Value::as_object);
    let pairs = names.into_iter().flatten();
    pairs.filter_map(|(key, name)| Some((key.clone(), name.as_str()?.to_owned()))).collect()
}

/// Parts of one UUID are one part.
fn distinct(object: &mut MispObject) {
    let mut seen = BTreeSet::new();
    object.attributes.retain(|part| seen.insert(part.uuid.clone()));
}
