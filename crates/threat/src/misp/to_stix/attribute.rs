//! Attributes outside of objects.

use base64::Engine;
use serde_json::{Map, Value, json};

use super::fact::{Fact, pattern};
use super::observable::Observables;
use super::{Convert, Marks, is_valid, stix_time, time};
use crate::misp::MispAttribute;
use crate::misp::table::{RULES, is_observable, paths_of};

/// The pass phrase that MISP gives archives of malware, which stay closed.
pub(super) const ARCHIVE_KEY: &str = "infected";

impl Convert<'_> {
    pub(super) fn attribute(&mut self, attribute: &MispAttribute) {
        if attribute.deleted {
            self.losses.add("Attribute.deleted", "what was withdrawn is left out", &attribute.uuid);
            return;
        }
        let reach = attribute.reach(&self.reach);
        let mut marks = self.marks_of(&attribute.tags, &reach, attribute.sharing_group.as_ref());
        marks.labels.extend([
            format!("misp:type=\"{}\"", attribute.kind),
            format!("misp:category=\"{}\"", attribute.category),
        ]);
        let made = self.made(attribute, &marks);
        if let Some(first) = made.first() {
            self.primary.insert(attribute.uuid.clone(), first.clone());
        }
        // An indicator says more than what was observed.
        let by_worth = made.iter().find(|id| id.starts_with("indicator--")).or_else(|| made.first()).cloned();
        if let Some(from) = by_worth {
            let mut seen: Vec<String> = vec![from.clone()];
            seen.extend(made.iter().filter(|id| **id != from).cloned());
            self.galaxies(&attribute.galaxies, Some((&from, &marks)), attribute.timestamp_s);
            self.sightings(&attribute.sightings, &seen, &marks);
        }
        for (name, value) in &attribute.unknown {
            if value.get() != "null" && name != "disable_correlation" {
                self.losses.add(format!("Attribute.{name}"), "STIX has nothing for it", &attribute.uuid);
            }
        }
    }

    /// The objects for an attribute, observed data first.
    fn made(&mut self, attribute: &MispAttribute, marks: &Marks) -> Vec<String> {
        let kind = attribute.kind.as_str();
        if RULES.contains(&kind) && !attribute.value.trim().is_empty() {
            let object = self.rule(attribute, kind, marks);
            return vec![self.push(object, true)];
        }
        if kind == "vulnerability" || kind == "campaign-name" {
            let object = self.named(attribute, marks);
            return vec![self.push(object, true)];
        }
        let sample = matches!(kind, "malware-sample" | "attachment");
        let (facts, extra) = if sample {
            (self.sample_facts(attribute), self.artifact(attribute))
        } else {
            (facts_of(attribute), None)
        };
        let Some(facts) = facts else { return vec![self.custom(attribute, marks)] };
        let observed = is_observable(kind).then(|| self.observed(attribute, &facts, extra, marks)).flatten();
        let Some(data) = observed.clone().or_else(|| attribute.to_ids.then(String::new)) else {
            return vec![self.custom(attribute, marks)];
        };
        let mut made: Vec<String> = observed.into_iter().collect();
        if attribute.to_ids {
            let indicator = Value::Object(self.indicator(attribute, &facts, marks));
            if !is_valid(&indicator) {
                return vec![self.custom(attribute, marks)];
            }
            let id = self.push(indicator, true);
            if !data.is_empty() {
                self.relationship(&id, "based-on", &data, attribute.timestamp_s, marks);
            }
            made.push(id);
        } else if !attribute.comment.is_empty() {
            // Observed data has no description of the specification.
            self.losses.add("Attribute.comment", "observed data has no description", &attribute.uuid);
        }
        made
    }

    fn indicator(&self, attribute: &MispAttribute, facts: &[Fact], marks: &Marks) -> Map<String, Value> {
        let mut indicator = self.head("indicator", &attribute.uuid, attribute.timestamp_s, marks);
        let mut set = |name: &str, value: Value| indicator.insert(name.to_owned(), value);
        set("pattern", json!(pattern(facts.iter())));
        set("pattern_type", json!("stix"));
        set("pattern_version", json!("2.1"));
        self.times_of_indicator(&mut indicator, attribute);
        indicator
    }

    fn times_of_indicator(&self, indicator: &mut Map<String, Value>, attribute: &MispAttribute) {
        let mut set = |name: &str, value: Value| indicator.insert(name.to_owned(), value);
        let at = attribute.timestamp_s.or(self.event.timestamp_s).unwrap_or_else(|| self.day_s());
        let from = attribute.first_seen.as_deref().and_then(time).map(|time| time.to_string());
        let until = attribute.last_seen.as_deref().and_then(time).map(|time| time.to_string());
        // The end must be later than the beginning (clause 4.7).
        let span = from.as_deref().and_then(time).zip(until.as_deref().and_then(time));
        if let Some(until) = until.filter(|_| span.is_some_and(|(from, until)| from < until)) {
            set("valid_until", json!(until));
        }
        set("valid_from", json!(from.unwrap_or_else(|| stix_time(at))));
        if !attribute.comment.is_empty() {
            set("description", json!(attribute.comment));
        }
        if !attribute.category.is_empty() {
            let phase = json!({ "kill_chain_name": "misp-category", "phase_name": attribute.category });
            set("kill_chain_phases", json!([phase]));
        }
    }

    fn rule(&self, attribute: &MispAttribute, language: &str, marks: &Marks) -> Value {
        let mut indicator = self.head("indicator", &attribute.uuid, attribute.timestamp_s, marks);
        let mut set = |name: &str, value: Value| indicator.insert(name.to_owned(), value);
        set("pattern", json!(attribute.value));
        set("pattern_type", json!(language));
        if !attribute.to_ids {
            let mut labels = marks.labels.clone();
            labels.push("misp:to_ids=\"false\"".to_owned());
            set("labels", json!(labels));
        }
        self.times_of_indicator(&mut indicator, attribute);
        Value::Object(indicator)
    }

    /// A vulnerability or campaign, of which the value is the name.
    fn named(&self, attribute: &MispAttribute, marks: &Marks) -> Value {
        let kind = if attribute.kind == "vulnerability" { "vulnerability" } else { "campaign" };
        let mut object = self.head(kind, &attribute.uuid, attribute.timestamp_s, marks);
        let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
        set("name", json!(attribute.value));
        if !attribute.comment.is_empty() {
            set("description", json!(attribute.comment));
        }
        if let Some(id) = cve(&attribute.value) {
            set("external_references", json!([{ "source_name": "cve", "external_id": id }]));
        }
        if attribute.to_ids {
            let mut labels = marks.labels.clone();
            labels.push("misp:to_ids=\"true\"".to_owned());
            set("labels", json!(labels));
        }
        Value::Object(object)
    }

    /// What STIX has no object for, with all that it says.
    fn custom(&mut self, attribute: &MispAttribute, marks: &Marks) -> String {
        let mut object = self.head("x-misp-attribute", &attribute.uuid, attribute.timestamp_s, marks);
        let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
        set("x_misp_type", json!(attribute.kind));
        set("x_misp_value", json!(attribute.value));
        set("x_misp_to_ids", json!(attribute.to_ids));
        for (name, value) in [
            ("x_misp_category", Some(&attribute.category).filter(|text| !text.is_empty())),
            ("x_misp_comment", Some(&attribute.comment).filter(|text| !text.is_empty())),
            ("x_misp_first_seen", attribute.first_seen.as_ref()),
            ("x_misp_last_seen", attribute.last_seen.as_ref()),
            ("x_misp_data", attribute.data.as_ref()),
        ] {
            if let Some(value) = value {
                set(name, json!(value));
            }
        }
        self.losses.add(
            format!("Attribute.type {}", attribute.kind),
            "STIX has no object for it, or its value is none of its type; it becomes an object of our own",
            &attribute.uuid,
        );
        self.push(Value::Object(object), true)
    }

    /// Observed data and its observables; the id of the first.
    fn observed(
        &mut self,
        attribute: &MispAttribute,
        facts: &[Fact],
        extra: Option<Map<String, Value>>,
        marks: &Marks,
    ) -> Option<String> {
        let mut observables = Observables::new(&facts.first()?.observable, &attribute.uuid);
        for fact in facts {
            if !observables.take(fact) {
                self.losses.add("Attribute.value", "a part has no place in the observable", &attribute.uuid);
            }
        }
        if let Some(artifact) = extra {
            observables.set("content_ref", artifact["id"].clone());
            observables.others.push(artifact);
        }
        let observables = observables.finish()?;
        let head = self.head("observed-data", &attribute.uuid, attribute.timestamp_s, marks);
        let seen = [attribute.first_seen.as_deref(), attribute.last_seen.as_deref()];
        self.push_observed(head, observables, seen, &marks.refs)
    }

    /// Takes observed data with what it refers to; its id. `None`: an observable would be no valid STIX.
    pub(super) fn push_observed(
        &mut self,
        mut head: Map<String, Value>,
        observables: Observables,
        [first, last]: [Option<&str>; 2],
        marks: &[String],
    ) -> Option<String> {
        let all: Vec<Value> = std::iter::once(&observables.main)
            .chain(&observables.others)
            .cloned()
            .map(Value::Object)
            .collect();
        if !all.iter().all(is_valid) {
            return None;
        }
        let modified = head["modified"].as_str().and_then(time);
        let first = first.and_then(time).or(modified);
        let last = last.and_then(time).or(first).max(first);
        let text = |time: Option<base::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        head.insert("first_observed".to_owned(), json!(text(first)));
        head.insert("last_observed".to_owned(), json!(text(last)));
        head.insert("number_observed".to_owned(), json!(1));
        head.insert("object_refs".to_owned(), json!(observables.ids()));
        let id = self.push(Value::Object(head), true);
        for mut one in all {
            if !marks.is_empty() {
                one["object_marking_refs"] = json!(marks);
            }
            self.push(one, true);
        }
        Some(id)
    }

    /// The name of a file that goes with its bytes, and the digest of a sample.
    fn sample_facts(&self, attribute: &MispAttribute) -> Option<Vec<Fact>> {
        let parts = attribute.value.rsplit_once('|').filter(|_| attribute.kind == "malware-sample");
        let (name, digest) = parts.map_or((attribute.value.as_str(), None), |(name, md5)| (name, Some(md5)));
        let fact = |kind: &str, path: &str, value: &str| {
            Fact::new(kind, path, path, value, &attribute.uuid, attribute.to_ids)
        };
        let mut facts = vec![fact("filename", "file:name", name)?];
        if let Some(digest) = digest {
            facts.push(fact("md5", "file:hashes.MD5", digest)?);
        }
        Some(facts)
    }

    /// The bytes that go with an attribute, as they are: an archive is not opened.
    pub(super) fn artifact(&mut self, attribute: &MispAttribute) -> Option<Map<String, Value>> {
        let data = attribute.data.as_ref()?;
        if base64::engine::general_purpose::STANDARD.decode(data).is_err() {
            self.losses.add("Attribute.data", "it is no base64", &attribute.uuid);
            return None;
        }
        let mut artifact = Map::new();
        let mut set = |name: &str, value: Value| artifact.insert(name.to_owned(), value);
        set("type", json!("artifact"));
        set("spec_version", json!("2.1"));
        set("id", json!(format!("artifact--{}", attribute.uuid)));
        set("payload_bin", json!(data));
        if attribute.kind == "malware-sample" {
            set("mime_type", json!("application/zip"));
            set("encryption_algorithm", json!("mime-type-indicated"));
            set("decryption_key", json!(ARCHIVE_KEY));
        }
        Some(artifact)
    }
}

/// The id of a CVE.
pub(super) fn cve(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("CVE-")?;
    let (year, number) = rest.split_once('-')?;
    let digits = |text: &str, least: usize| text.len() >= least && text.bytes().all(|b| b.is_ascii_digit());
    (year.len() == 4 && digits(year, 4) && digits(number, 4)).then_some(text)
}

/// The facts that the value states. `None`: its type is not known, or the value is none of it.
fn facts_of(attribute: &MispAttribute) -> Option<Vec<Fact>> {
    let kind = attribute.kind.as_str();
    let (paths, spelled) = (paths_of(kind, false)?, paths_of(kind, true)?);
    let values: Vec<&str> = match paths.len() {
        1 => vec![&attribute.value],
        // The last part of all but a registry value is short and has no bar in it.
        2 if kind == "regkey|value" => attribute.value.split_once('|').map(|(a, b)| vec![a, b])?,
        2 => attribute.value.rsplit_once('|').map(|(a, b)| vec![a, b])?,
        _ => return None,
    };
    let parts = paths.iter().zip(&spelled).zip(values);
    parts
        .map(|((path, pattern), value)| {
            Fact::new(kind, path, pattern, value, &attribute.uuid, attribute.to_ids)
        })
        .collect()
}
