//! Events to STIX 2.1, with the ids that misp-stix gives: `indicator--` and the UUID of the attribute.
//!
//! Each object carries the marking of its event besides its own, and a statement of how far MISP lets it go, so that no
//! object is freer alone than it was within its event.

mod attribute;
mod cluster;
mod fact;
mod marking;
mod object;
mod observable;

pub(super) use fact::{is_address, time};
pub(super) use marking::TLP;

use std::collections::{BTreeMap, HashMap, HashSet};

use base::{Fault, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{MispEvent, MispGalaxy, MispOrganisation, MispReach, MispReport, MispSighting, MispTag};

/// An event as STIX.
#[derive(Debug, Clone)]
pub struct MispToStix {
    /// The objects, each as JSON: who made the event, the event as a `report` or `grouping`, and what is in it.
    pub objects: Vec<Vec<u8>>,
    /// What STIX cannot say, each sort once with how often: warnings `misp::lost`.
    pub losses: Vec<Fault>,
}

impl MispToStix {
    /// Adds another event. What both have, such as a marking, stands once, as the first has it.
    pub fn extend(&mut self, other: Self) {
        let id = |bytes: &[u8]| {
            crate::stix::Header::read(bytes, 0).ok().and_then(|header| Some(header.id?.into_owned()))
        };
        let known: HashSet<String> = self.objects.iter().filter_map(|object| id(object)).collect();
        let more = other.objects.into_iter();
        self.objects.extend(more.filter(|object| id(object).is_none_or(|id| !known.contains(&id))));
        self.losses.extend(other.losses);
    }

    /// The objects as one bundle, named by what is in it.
    pub fn to_bundle(&self) -> Vec<u8> {
        let mut name = Vec::new();
        for object in &self.objects {
            name.extend_from_slice(object);
        }
        let id = Uuid::new_v5(&NAMESPACE, &name);
        let mut bundle =
            format!("{{\"type\":\"bundle\",\"id\":\"bundle--{id}\",\"objects\":[\n").into_bytes();
        for (number, object) in self.objects.iter().enumerate() {
            bundle.extend_from_slice(if number > 0 { b",\n" } else { b"" });
            bundle.extend_from_slice(object);
        }
        bundle.extend_from_slice(b"\n]}\n");
        bundle
    }
}

/// The namespace of misp-stix for ids that no UUID of MISP gives.
const NAMESPACE: Uuid = Uuid::from_u128(0x76be_ed5f_7251_457e_8c2a_b45f_7b58_9d3d);

/// The same event as STIX 2.1. What STIX cannot say is told.
///
/// ```
/// let read = threat::read_misp(br#"{"Event": {"uuid": "a6ef17d6-91cb-4a05-b10b-2f045daf874f", "info": "x",
///   "timestamp": "1700000000", "distribution": "3", "Orgc": {"name": "KrCERT",
///   "uuid": "a0c22599-9e58-4da4-96ac-7051603fa951"}, "Attribute": [{"type": "domain", "value": "a.example",
///   "uuid": "5e384ae7-672c-4250-9cda-3b4d00000001", "to_ids": true, "timestamp": "1700000000"}]}}"#);
/// let stix = threat::misp_to_stix(&read.events[0]);
/// let text = String::from_utf8(stix.to_bundle()).unwrap();
/// assert!(text.contains("indicator--5e384ae7-672c-4250-9cda-3b4d00000001"));
/// assert!(text.contains("[domain-name:value = 'a.example']"));
/// ```
pub fn misp_to_stix(event: &MispEvent) -> MispToStix {
    let mut convert = Convert::new(event);
    convert.all();
    let objects = convert.objects.iter().map(|object| object.to_string().into_bytes()).collect();
    MispToStix { objects, losses: convert.losses.faults() }
}

/// What is lost, each sort once with how often.
#[derive(Default)]
pub(super) struct Losses(BTreeMap<(String, &'static str), (usize, String)>);

impl Losses {
    /// `of` has something in `field` that the other format cannot say.
    pub(super) fn add(&mut self, field: impl Into<String>, why: &'static str, of: &str) {
        self.0.entry((field.into(), why)).or_insert_with(|| (0, of.to_owned())).0 += 1;
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        let one = |((field, why), (count, first)): (&(String, &'static str), &(usize, String))| {
            let more = if *count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            Fault::warning("misp::lost", format!("{first}{more}: {why}")).in_field(field.clone())
        };
        self.0.iter().map(one).collect()
    }
}

/// The marks and labels that an object gets.
struct Marks {
    refs: Vec<String>,
    labels: Vec<String>,
}

struct Convert<'e> {
    event: &'e MispEvent,
    reach: MispReach,
    objects: Vec<Value>,
    ids: HashSet<String>,
    /// What is in the event, in its order.
    listed: Vec<String>,
    /// The object of STIX that stands for an element of MISP, by UUID.
    primary: HashMap<String, String>,
    relationships: Vec<Value>,
    losses: Losses,
    creator: Option<String>,
    /// The marks of the event, which everything in it has.
    marks: Vec<String>,
}

impl<'e> Convert<'e> {
    fn new(event: &'e MispEvent) -> Self {
        Self {
            event,
            reach: event.reach(),
            objects: Vec::new(),
            ids: HashSet::new(),
            listed: Vec::new(),
            primary: HashMap::new(),
            relationships: Vec::new(),
            losses: Losses::default(),
            creator: None,
            marks: Vec::new(),
        }
    }

    fn all(&mut self) {
        let event = self.event;
        let reach = self.reach.clone();
        let marks = self.marks_of(&event.tags, &reach, event.sharing_group.as_ref());
        self.marks.clone_from(&marks.refs);
        if let Some(creator) = &event.creator {
            let id = self.identity(creator, &marks.refs.clone());
            self.creator = Some(id.clone());
            self.listed.retain(|listed| *listed != id);
        }
        // The event stands behind who made it and before what is in it.
        let place = self.objects.len();
        self.galaxies(&event.galaxies, None, event.timestamp_s);
        for attribute in &event.attributes {
            self.attribute(attribute);
        }
        for object in &event.objects {
            self.object(object);
        }
        for object in event.objects.iter().filter(|object| !object.deleted) {
            self.references(object);
        }
        let id = self.event_id();
        for report in &event.reports {
            self.report(report, &id);
        }
        for relationship in std::mem::take(&mut self.relationships) {
            self.push(relationship, true);
        }
        let whole = self.whole(&id, &marks);
        self.objects.insert(place, whole);
        for (name, _) in &event.unknown {
            if !["extends_uuid", "locked", "proposal_email_lock", "disable_correlation", "protected"]
                .contains(&name.as_str())
            {
                self.losses.add(name.clone(), "STIX has nothing for it", &event.uuid);
            }
        }
        if !event.complete {
            self.losses.add("Event", "not all of it could be read; what was not is missing", &event.uuid);
        }
    }

    fn event_id(&self) -> String {
        let kind = if self.event.published { "report" } else { "grouping" };
        format!("{kind}--{}", self.event.uuid)
    }

    /// The event itself.
    fn whole(&mut self, id: &str, marks: &Marks) -> Value {
        let event = self.event;
        let kind = if event.published { "report" } else { "grouping" };
        let mut whole = self.head(kind, &event.uuid, event.timestamp_s, marks);
        let mut set = |name: &str, value: Value| whole.insert(name.to_owned(), value);
        set("name", json!(if event.info.is_empty() { "MISP event" } else { &event.info }));
        if event.published {
            let at = event.publish_timestamp_s.filter(|at| *at > 0).or(event.timestamp_s);
            set("published", json!(stix_time(at.unwrap_or_else(|| self.day_s()))));
        } else {
            set("context", json!("suspicious-activity"));
        }
        let mut labels = vec!["Threat-Report".to_owned()];
        labels.extend(marks.labels.iter().cloned());
        set("labels", json!(labels));
        for (name, value) in [
            ("x_misp_date", event.date.as_ref().map(|date| json!(date))),
            ("x_misp_threat_level", event.threat_level.map(|level| json!(level))),
            ("x_misp_analysis", event.analysis.map(|analysis| json!(analysis))),
            // Anything narrower is a marking.
            ("x_misp_distribution", self.reach.is_open().then(|| json!(3))),
        ] {
            if let Some(value) = value {
                set(name, value);
            }
        }
        // A report of nothing is none: it is about who made it, or about itself at worst.
        let none = self.listed.is_empty();
        let fallback = || vec![self.creator.clone().unwrap_or_else(|| id.to_owned())];
        set("object_refs", json!(if none { fallback() } else { std::mem::take(&mut self.listed) }));
        Value::Object(whole)
    }

    /// Midnight of the event's day; the first moment of Unix time when it has none.
    fn day_s(&self) -> i64 {
        let day = self.event.date.as_deref().and_then(time);
        day.map_or(0, |day| day.unix_nanos().div_euclid(1_000_000_000).max(0))
    }

    /// The properties that every object has which is not an observable.
    fn head(&self, kind: &str, uuid: &str, at_s: Option<i64>, marks: &Marks) -> Map<String, Value> {
        let at = stix_time(at_s.or(self.event.timestamp_s).unwrap_or_else(|| self.day_s()));
        let mut head = Map::new();
        let mut set = |name: &str, value: Value| head.insert(name.to_owned(), value);
        set("type", json!(kind));
        set("spec_version", json!("2.1"));
        set("id", json!(format!("{kind}--{uuid}")));
        set("created", json!(at));
        set("modified", json!(at));
        if let Some(creator) = &self.creator {
            set("created_by_ref", json!(creator));
        }
        if !marks.refs.is_empty() {
            set("object_marking_refs", json!(marks.refs));
        }
        if !marks.labels.is_empty() {
            set("labels", json!(marks.labels));
        }
        head
    }

    /// Takes an object, unless one of its id was taken. `listed`: it is in the event.
    fn push(&mut self, mut object: Value, listed: bool) -> String {
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        if object.get("external_references").is_some() && !is_valid(&object) {
            // Mostly a reference that is no URL.
            if let Some(map) = object.as_object_mut()
                && let Some(references) = map.remove("external_references")
            {
                map.insert("x_misp_references".to_owned(), references);
            }
        }
        if self.ids.insert(id.clone()) {
            if listed {
                self.listed.push(id.clone());
            }
            self.objects.push(object);
        }
        id
    }

    fn identity(&mut self, organisation: &MispOrganisation, marks: &[String]) -> String {
        let uuid = organisation.uuid.clone().unwrap_or_else(|| {
            Uuid::new_v5(&NAMESPACE, format!("identity - {}", organisation.name).as_bytes()).to_string()
        });
        let marks = Marks { refs: marks.to_vec(), labels: Vec::new() };
        let mut identity = self.head("identity", &uuid, self.event.timestamp_s, &marks);
        identity.remove("created_by_ref");
        let name = if organisation.name.is_empty() { &uuid } else { &organisation.name };
        identity.insert("name".to_owned(), json!(name));
        identity.insert("identity_class".to_owned(), json!("organization"));
        self.push(Value::Object(identity), true)
    }

    fn relationship(&mut self, from: &str, kind: &str, to: &str, at_s: Option<i64>, marks: &Marks) {
        let name = format!("{from} - {kind} - {to}");
        let uuid = Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string();
        self.named_relationship(&uuid, [from, kind, to], at_s, marks);
    }

    fn named_relationship(
        &mut self,
        uuid: &str,
        [from, kind, to]: [&str; 3],
        at_s: Option<i64>,
        marks: &Marks,
    ) {
        let marks = Marks { refs: marks.refs.clone(), labels: Vec::new() };
        let mut relationship = self.head("relationship", uuid, at_s, &marks);
        let plain: String = kind
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let plain = if plain.is_empty() { "related-to".to_owned() } else { plain };
        if plain != kind {
            relationship.insert("x_misp_relationship_type".to_owned(), json!(kind));
        }
        relationship.insert("relationship_type".to_owned(), json!(plain));
        relationship.insert("source_ref".to_owned(), json!(from));
        relationship.insert("target_ref".to_owned(), json!(to));
        self.relationships.push(Value::Object(relationship));
    }

    /// Sightings of what `seen` stands for: an indicator or observed data first.
    fn sightings(&mut self, sightings: &[MispSighting], seen: &[String], marks: &Marks) {
        for sighting in sightings {
            let Some(of) = seen.first() else {
                self.losses.add("Sighting", "STIX has nothing that could be sighted", &sighting.uuid);
                continue;
            };
            let plain = Marks { refs: marks.refs.clone(), labels: Vec::new() };
            let by = sighting.organisation.as_ref().map(|one| self.identity(one, &marks.refs));
            let kind = match sighting.kind {
                0 => "sighting",
                1 => "opinion",
                _ => {
                    self.losses.add(
                        "Sighting.type",
                        "STIX does not say that something expired",
                        &sighting.uuid,
                    );
                    continue;
                }
            };
            let mut object = self.head(kind, &sighting.uuid, sighting.date_s, &plain);
            let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
            if kind == "sighting" {
                set("sighting_of_ref", json!(of));
                if let Some(data) = seen.iter().find(|id| id.starts_with("observed-data--")) {
                    set("observed_data_refs", json!([data]));
                }
                if let Some(by) = by {
                    set("where_sighted_refs", json!([by]));
                }
                if !sighting.source.is_empty() {
                    set("description", json!(sighting.source));
                }
            } else {
                set("opinion", json!("strongly-disagree"));
                set("explanation", json!("False positive Sighting"));
                set("object_refs", json!(seen));
                if let Some(by) = &sighting.organisation {
                    set("authors", json!([by.name]));
                }
                if let Some(by) = by {
                    set("x_misp_author_ref", json!(by));
                }
                if !sighting.source.is_empty() {
                    set("x_misp_source", json!(sighting.source));
                }
            }
            self.push(Value::Object(object), true);
        }
    }

    fn report(&mut self, report: &MispReport, event: &str) {
        if report.deleted {
            self.losses.add("EventReport.deleted", "what was withdrawn is left out", &report.uuid);
            return;
        }
        let reach = report.reach(&self.reach);
        let mut marks = self.marks_of(&[], &reach, report.sharing_group.as_ref());
        marks.labels.push("misp:data-layer=\"Event Report\"".to_owned());
        let mut note = self.head("note", &report.uuid, report.timestamp_s, &marks);
        note.insert("abstract".to_owned(), json!(report.name));
        note.insert("content".to_owned(), json!(report.content));
        note.insert("object_refs".to_owned(), json!([event]));
        self.push(Value::Object(note), false);
    }

    /// What tags and the reach say, on top of the event.
    fn marks_of(
        &mut self,
        tags: &[MispTag],
        reach: &MispReach,
        group: Option<&super::MispSharingGroup>,
    ) -> Marks {
        let mut refs = self.marks.clone();
        let mut labels = Vec::new();
        let mut take = |convert: &mut Self, (id, definition): (String, Value)| {
            if !refs.contains(&id) {
                refs.push(id);
            }
            convert.push(definition, false);
        };
        for tag in tags {
            match marking::of_tag(&tag.name) {
                Some(found) => {
                    let exact = found.exact;
                    take(self, (found.id, found.definition));
                    if !exact {
                        labels.push(tag.name.clone());
                    }
                }
                None => labels.push(tag.name.clone()),
            }
        }
        if let Some(found) = marking::of_reach(reach, group.or(self.event.sharing_group.as_ref())) {
            take(self, found);
        }
        labels.sort();
        labels.dedup();
        Marks { refs, labels }
    }

    /// The clusters of galaxies, and the relationships from `from` to them.
    fn galaxies(&mut self, galaxies: &[MispGalaxy], from: Option<(&str, &Marks)>, at_s: Option<i64>) {
        for galaxy in galaxies {
            for one in &galaxy.clusters {
                let marks = Marks {
                    refs: from.map_or_else(|| self.marks.clone(), |(_, marks)| marks.refs.clone()),
                    labels: Vec::new(),
                };
                let object = cluster::object(self, galaxy, one, at_s, marks);
                let id = self.push(object, true);
                if let Some((from, marks)) = from {
                    let indicates = from.starts_with("indicator--")
                        && ["attack-pattern", "campaign", "intrusion-set", "malware", "threat-actor", "tool"]
                            .iter()
                            .any(|kind| id.split("--").next() == Some(kind));
                    self.relationship(
                        from,
                        if indicates { "indicates" } else { "related-to" },
                        &id,
                        at_s,
                        marks,
                    );
                }
            }
        }
    }
}

/// Whether an object is valid STIX.
fn is_valid(object: &Value) -> bool {
    let verdict =
        crate::stix::validate(object.to_string().as_bytes(), &crate::stix::ValidateOptions::default());
    verdict.valid
}

/// A time as STIX writes it, to the millisecond.
fn stix_time(seconds: i64) -> String {
    let time = Timestamp::from_unix_nanos(seconds.saturating_mul(1_000_000_000)).to_string();
    time.replace('Z', ".000Z")
}
