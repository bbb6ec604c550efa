//! One event from a report or grouping and its objects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use super::element::{Element, Elements};
use super::{Part, Store, cluster, label, mark, refs, seconds, text, uuid_of};
use crate::misp::read::NAMESPACE;
use crate::misp::to_stix::Losses;
use crate::misp::{
    MispEvent, MispGalaxy, MispOrganisation, MispReach, MispReference, MispReport, MispSighting,
};

/// Builds the event.
pub(super) fn build(store: &Store, part: &Part, losses: &mut Losses) -> MispEvent {
    let whole = part.whole.as_ref().and_then(|id| store.get(id));
    let mut event = head(store, part, whole, losses);
    let tags = event.tags.iter().map(|tag| tag.name.clone()).collect();
    let elements = Elements { store, reach: event.reach(), tags };
    let mut made = Made::default();
    let mut inner = BTreeSet::new();
    store.objects.values().filter(|one| holds_refs(one)).for_each(|one| referred(one, &mut inner));
    let mut later = Vec::new();
    for id in &part.ids {
        let Some(object) = store.get(id) else { continue };
        let uuid = uuid_of(id);
        let kind = text(object, "type");
        match kind {
            "relationship" | "sighting" | "note" | "opinion" => later.push(object),
            "marking-definition" | "extension-definition" | "bundle" | "language-content" => {}
            _ if uuid.is_none() => losses.add("id", "it has no UUID", id),
            _ if inner.contains(id) => made.inside(id),
            "observed-data" if has_indicator(store, id) => {}
            "identity"
                if label(object, "misp:name").is_none() && label(object, "misp:galaxy-type").is_none() =>
            {
                if object["identity_class"] != "organization" {
                    losses.add("identity", "MISP has no place for it", id);
                }
            }
            _ => take(&elements, object, &mut event, &mut made, losses),
        }
    }
    for object in later {
        match text(object, "type") {
            "relationship" => relationship(object, &mut event, &mut made, &elements, losses),
            "sighting" | "opinion" => sighting(store, object, &mut event, &made, losses),
            _ => {
                let (distribution, sharing_group, _) = elements.release(object, losses);
                event.reports.push(MispReport {
                    uuid: uuid_of(text(object, "id")).unwrap_or_default(),
                    name: text(object, "abstract").to_owned(),
                    content: text(object, "content").to_owned(),
                    timestamp_s: seconds(object, "modified"),
                    distribution,
                    sharing_group,
                    deleted: false,
                    unknown: Vec::new(),
                });
            }
        }
    }
    // What nothing in the event points at is of the event.
    let loose = made.galaxies.into_iter().filter(|(id, _)| !made.attached.contains(id));
    loose.for_each(|(_, galaxy)| event.galaxies.push(galaxy));
    event
}

/// What became of the objects.
#[derive(Default)]
struct Made {
    /// The UUID of the element that an object of STIX became.
    elements: BTreeMap<String, String>,
    galaxies: BTreeMap<String, MispGalaxy>,
    /// Galaxies that belong to attributes.
    attached: BTreeSet<String>,
    uuids: BTreeSet<String>,
}

impl Made {
    /// An observable inside another: it has been told with it.
    fn inside(&mut self, id: &str) {
        if let Some(uuid) = uuid_of(id) {
            self.elements.entry(id.to_owned()).or_insert(uuid);
        }
    }
}

fn take(
    elements: &Elements<'_>,
    object: &Value,
    event: &mut MispEvent,
    made: &mut Made,
    losses: &mut Losses,
) {
    let id = text(object, "id");
    let found = elements.of(object, losses);
    if found.is_empty() {
        match cluster::galaxy(object) {
            Some(galaxy) => drop(made.galaxies.insert(id.to_owned(), galaxy)),
            None => losses.add(format!("type {}", text(object, "type")), "MISP has nothing for it", id),
        }
        return;
    }
    for element in found {
        let uuid = match &element {
            Element::Attribute(one) => &one.uuid,
            Element::Object(one) => &one.uuid,
        };
        if !made.uuids.insert(uuid.clone()) {
            losses.add("id", "another object has the same UUID", id);
            continue;
        }
        let stem = uuid_of(id).unwrap_or_default();
        made.elements.entry(id.to_owned()).or_insert_with(|| uuid.clone());
        made.elements.entry(format!("observed-data--{stem}")).or_insert_with(|| uuid.clone());
        match element {
            Element::Attribute(one) => event.attributes.push(*one),
            Element::Object(one) => event.objects.push(*one),
        }
    }
}

fn has_indicator(store: &Store, observed: &str) -> bool {
    let uuid = observed.split_once("--").map_or("", |(_, uuid)| uuid);
    store.get(&format!("indicator--{uuid}")).is_some()
}

/// Whether the references of an object are to parts of it.
fn holds_refs(object: &Value) -> bool {
    let kind = text(object, "type");
    kind == "observed-data" || crate::stix::is_observable_type(kind)
}

/// The ids that an observable or observed data refers to.
pub(super) fn referred(object: &Value, ids: &mut BTreeSet<String>) {
    let Some(map) = object.as_object() else { return };
    for (key, value) in map {
        match value {
            Value::String(id) if key.ends_with("_ref") && key != "created_by_ref" => ids.extend([id.clone()]),
            Value::Array(items) if key.ends_with("_refs") && key != "object_marking_refs" => {
                ids.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            Value::Array(items) => items.iter().for_each(|item| referred(item, ids)),
            _ => {}
        }
    }
}

fn head(store: &Store, part: &Part, whole: Option<&Value>, losses: &mut Losses) -> MispEvent {
    let nothing = Value::Null;
    let object = whole.unwrap_or(&nothing);
    let marks = mark::of(store, object, losses);
    let said = object["x_misp_distribution"].as_u64() == Some(3);
    let open = MispReach { distance: crate::misp::MispDistance::AllCommunities, organisations: None };
    let reach = marks.reach.unwrap_or(if said { open } else { MispReach::own() });
    let (distribution, sharing_group) = mark::distribution(&reach, marks.group.as_deref());
    let number = |name: &str| object[name].as_u64().map(|number| number.min(9) as u8);
    let uuid = part
        .whole
        .as_deref()
        .and_then(uuid_of)
        .unwrap_or_else(|| Uuid::new_v5(&NAMESPACE, part.ids.join("\n").as_bytes()).to_string());
    let created = seconds(object, "modified");
    let latest = || part.ids.iter().filter_map(|id| seconds(store.get(id)?, "modified")).max();
    let day = text(object, "created").get(..10).map(str::to_owned);
    MispEvent {
        uuid,
        info: if text(object, "name").is_empty() { "STIX objects" } else { text(object, "name") }.to_owned(),
        date: object["x_misp_date"].as_str().map(str::to_owned).or(day),
        threat_level: number("x_misp_threat_level"),
        analysis: number("x_misp_analysis"),
        published: text(object, "type") == "report",
        timestamp_s: created.or_else(latest),
        publish_timestamp_s: seconds(object, "published"),
        distribution: Some(distribution),
        sharing_group,
        creator: organisation(store, text(object, "created_by_ref")),
        owner: None,
        tags: mark::tags(object, &marks.tlp, &BTreeSet::new()),
        galaxies: Vec::new(),
        attributes: Vec::new(),
        objects: Vec::new(),
        reports: description(object),
        unknown: Vec::new(),
        complete: true,
        line: 1,
    }
}

/// The description of a report is a report of MISP.
fn description(object: &Value) -> Vec<MispReport> {
    let content = text(object, "description");
    if content.is_empty() {
        return Vec::new();
    }
    let name = text(object, "name");
    vec![MispReport {
        uuid: Uuid::new_v5(&NAMESPACE, format!("{}\n{content}", text(object, "id")).as_bytes()).to_string(),
        name: name.to_owned(),
        content: content.to_owned(),
        timestamp_s: seconds(object, "modified"),
        distribution: crate::misp::MispDistribution::Inherit,
        sharing_group: None,
        deleted: false,
        unknown: Vec::new(),
    }]
}

fn organisation(store: &Store, id: &str) -> Option<MispOrganisation> {
    let identity = store.get(id)?;
    Some(MispOrganisation { uuid: uuid_of(id), name: text(identity, "name").to_owned() })
}

fn relationship(
    object: &Value,
    event: &mut MispEvent,
    made: &mut Made,
    elements: &Elements<'_>,
    losses: &mut Losses,
) {
    let id = text(object, "id");
    let kind =
        object["x_misp_relationship_type"].as_str().unwrap_or_else(|| text(object, "relationship_type"));
    let (from, to) = (text(object, "source_ref"), text(object, "target_ref"));
    let ends = (made.elements.get(from).cloned(), made.elements.get(to).cloned());
    if kind == "based-on" && ends.0.is_some() && ends.0 == ends.1 {
        return;
    }
    // A reference says what it ties, and has no word of its own on who may know: it must not be narrower.
    let (distribution, _, tags) = elements.release(object, losses);
    let narrower = distribution != crate::misp::MispDistribution::Inherit || !tags.is_empty();
    match ends {
        (Some(from), Some(to)) => {
            let Some(holder) = event.objects.iter_mut().find(|one| one.uuid == from) else {
                losses.add("relationship", "in MISP only objects point at others", id);
                return;
            };
            if narrower && distribution != holder.distribution {
                losses.add("relationship", "it is for fewer than the object that would hold it", id);
                return;
            }
            holder.references.push(MispReference {
                uuid: uuid_of(id).unwrap_or_default(),
                referenced: to,
                relation: kind.to_owned(),
                timestamp_s: seconds(object, "modified"),
                unknown: Vec::new(),
            });
        }
        (Some(from), None) if made.galaxies.contains_key(to) => {
            let galaxy = made.galaxies[to].clone();
            let attribute = event.attributes.iter_mut().find(|one| one.uuid == from);
            let attribute = attribute
                .or_else(|| event.objects.iter_mut().find(|one| one.uuid == from)?.attributes.first_mut());
            if let Some(attribute) = attribute {
                attribute.galaxies.push(galaxy);
                made.attached.insert(to.to_owned());
            }
        }
        _ => losses.add("relationship", "MISP has no place for it", id),
    }
}

fn sighting(store: &Store, object: &Value, event: &mut MispEvent, made: &Made, losses: &mut Losses) {
    let id = text(object, "id");
    let seen = text(object, "type") == "sighting";
    let false_alarm = text(object, "explanation") == "False positive Sighting";
    let of = if seen { Some(text(object, "sighting_of_ref")) } else { refs(object, "object_refs").next() };
    let element = of.and_then(|of| made.elements.get(of)).filter(|_| seen || false_alarm);
    let by = if seen {
        refs(object, "where_sighted_refs").next().and_then(|by| organisation(store, by))
    } else {
        object["x_misp_author_ref"].as_str().and_then(|by| organisation(store, by))
    };
    let source = if seen { "description" } else { "x_misp_source" };
    let one = MispSighting {
        uuid: uuid_of(id).unwrap_or_default(),
        kind: u8::from(!seen),
        source: text(object, source).to_owned(),
        date_s: seconds(object, "modified"),
        organisation: by,
        unknown: Vec::new(),
    };
    let holder = element.and_then(|uuid| {
        let direct = event.attributes.iter_mut().find(|attribute| attribute.uuid == *uuid);
        direct.or_else(|| event.objects.iter_mut().find(|one| one.uuid == *uuid)?.attributes.first_mut())
    });
    match holder {
        Some(attribute) => attribute.sightings.push(one),
        None => losses.add(text(object, "type").to_owned(), "MISP has no place for it", id),
    }
}
