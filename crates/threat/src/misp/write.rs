//! Events to JSON, as MISP exports them. Members that no field has are written as they were read.

use serde::Serialize;

use super::{
    MispAttribute, MispCluster, MispDistribution, MispEvent, MispGalaxy, MispMember, MispObject,
    MispOrganisation, MispReport, MispSharingGroup, MispSighting, MispTag,
};

/// An object of JSON under way, its members in the order in which they are given.
struct Members(String);

impl Members {
    fn new() -> Self {
        Self(String::from("{"))
    }

    fn raw(&mut self, name: &str, json: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&json_of(name));
        self.0.push(':');
        self.0.push_str(json);
    }

    fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.raw(name, &json_of(value));
    }

    fn some<T: Serialize>(&mut self, name: &str, value: Option<&T>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// A number as the text that MISP writes.
    fn number(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.set(name, &value.to_string());
        }
    }

    /// A list, when it has anything in it.
    fn list<T>(&mut self, name: &str, items: &[T], write: impl Fn(&T) -> String) {
        if !items.is_empty() {
            let items: Vec<String> = items.iter().map(write).collect();
            self.raw(name, &format!("[{}]", items.join(",")));
        }
    }

    fn release(&mut self, distribution: MispDistribution, group: Option<&MispSharingGroup>) {
        self.number("distribution", Some(distribution.number()));
        if let Some(group) = group {
            self.raw("SharingGroup", group.raw.get());
        }
    }

    fn finish(mut self, unknown: &[MispMember]) -> String {
        for (name, value) in unknown {
            self.raw(name, value.get());
        }
        self.0.push('}');
        self.0
    }
}

fn json_of<T: Serialize + ?Sized>(value: &T) -> String {
    // What is written is texts, numbers and lists of texts, which are always JSON.
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// The event as `{"Event": {..}}`. It says what was read and nothing else; numbers are texts, as MISP has them.
///
/// ```
/// let text = br#"{"Event": {"uuid": "a6ef17d6-91cb-4a05-b10b-2f045daf874f", "info": "x", "x_own": [1.50, "y"]}}"#;
/// let written = threat::write_misp_event(&threat::read_misp(text).events[0]);
/// assert!(written.contains(r#""x_own":[1.50, "y"]"#));
/// assert_eq!(threat::read_misp(written.as_bytes()).events[0].info, "x");
/// ```
pub fn write_misp_event(event: &MispEvent) -> String {
    let mut all = Members::new();
    all.set("uuid", &event.uuid);
    all.set("info", &event.info);
    all.some("date", event.date.as_ref());
    all.number("threat_level_id", event.threat_level);
    all.number("analysis", event.analysis);
    all.set("published", &event.published);
    all.number("timestamp", event.timestamp_s);
    all.number("publish_timestamp", event.publish_timestamp_s);
    all.number("distribution", event.distribution.map(MispDistribution::number));
    if let Some(group) = &event.sharing_group {
        all.raw("SharingGroup", group.raw.get());
    }
    for (name, organisation) in [("Orgc", &event.creator), ("Org", &event.owner)] {
        if let Some(organisation) = organisation {
            all.raw(name, &organisation_of(organisation));
        }
    }
    all.list("Tag", &event.tags, tag);
    all.list("Galaxy", &event.galaxies, galaxy);
    all.list("Attribute", &event.attributes, attribute);
    all.list("Object", &event.objects, object);
    all.list("EventReport", &event.reports, report);
    format!("{{\"Event\":{}}}", all.finish(&event.unknown))
}

/// What a feed consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MispFeedFiles {
    /// Names of files and their content: `manifest.json` first, then each event.
    pub files: Vec<(String, String)>,
    /// How many elements were left out, by UUID of their event.
    pub left_out: Vec<(String, usize)>,
}

/// A feed of events.
///
/// Into a feed goes only what may go anywhere: an event, object, attribute or report that is not for all communities
/// is left out, and so is a deleted one.
pub fn write_misp_feed(events: &[MispEvent]) -> MispFeedFiles {
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    let mut manifest = Members::new();
    let mut sorted: Vec<&MispEvent> = events.iter().collect();
    sorted.sort_by(|a, b| a.uuid.cmp(&b.uuid));
    for event in sorted {
        let (open, without) = event.for_all();
        if without > 0 {
            left_out.push((event.uuid.clone(), without));
        }
        let Some(open) = open else { continue };
        let mut entry = Members::new();
        entry.set("info", &open.info);
        entry.some("date", open.date.as_ref());
        entry.number("analysis", open.analysis);
        entry.number("threat_level_id", open.threat_level);
        entry.some("timestamp", open.timestamp_s.as_ref());
        if let Some(creator) = &open.creator {
            entry.raw("Orgc", &organisation_of(creator));
        }
        entry.list("Tag", &open.tags, tag);
        manifest.raw(&open.uuid, &entry.finish(&[]));
        files.push((format!("{}.json", open.uuid), write_misp_event(&open)));
    }
    files.insert(0, ("manifest.json".to_owned(), manifest.finish(&[])));
    MispFeedFiles { files, left_out }
}

impl MispEvent {
    /// What of the event may go anywhere, and how many elements may not; the event itself counts as one.
    fn for_all(&self) -> (Option<Self>, usize) {
        let own = self.reach();
        if !own.is_open() {
            return (None, 1);
        }
        let mut event = self.clone();
        let mut without = 0;
        let mut counted = |keep: bool| {
            without += usize::from(!keep);
            keep
        };
        event.attributes.retain(|one| counted(!one.deleted && one.reach(&own).is_open()));
        event.objects.retain(|one| counted(!one.deleted && one.reach(&own).is_open()));
        for object in &mut event.objects {
            let reach = object.reach(&own);
            object.attributes.retain(|one| counted(!one.deleted && one.reach(&reach).is_open()));
        }
        event.reports.retain(|one| counted(!one.deleted && one.reach(&own).is_open()));
        // Proposals and other members of one server have no word of their own on who may have them.
        without += event.unknown.len();
        event.unknown.clear();
        let left: std::collections::BTreeSet<String> = event
            .objects
            .iter()
            .map(|one| one.uuid.clone())
            .chain(event.all_attributes().map(|one| one.uuid.clone()))
            .collect();
        for object in &mut event.objects {
            let before = object.references.len();
            object.references.retain(|one| left.contains(&one.referenced));
            without += before - object.references.len();
        }
        for attributes in std::iter::once(&mut event.attributes)
            .chain(event.objects.iter_mut().map(|object| &mut object.attributes))
        {
            for one in attributes {
                one.tags.retain(|tag| !tag.local);
                // Who saw it is for the one who made it.
                without += std::mem::take(&mut one.sightings).len();
            }
        }
        event.tags.retain(|tag| !tag.local);
        (Some(event), without)
    }
}

fn organisation_of(organisation: &MispOrganisation) -> String {
    let mut all = Members::new();
    all.some("uuid", organisation.uuid.as_ref());
    all.set("name", &organisation.name);
    all.finish(&[])
}

fn tag(tag: &MispTag) -> String {
    let mut all = Members::new();
    all.set("name", &tag.name);
    if tag.local {
        all.set("local", &true);
    }
    all.finish(&tag.unknown)
}

fn galaxy(galaxy: &MispGalaxy) -> String {
    let mut all = Members::new();
    if !galaxy.uuid.is_empty() {
        all.set("uuid", &galaxy.uuid);
    }
    all.set("type", &galaxy.kind);
    all.set("name", &galaxy.name);
    all.list("GalaxyCluster", &galaxy.clusters, cluster);
    all.finish(&galaxy.unknown)
}

fn cluster(cluster: &MispCluster) -> String {
    let mut all = Members::new();
    all.set("uuid", &cluster.uuid);
    all.set("type", &cluster.kind);
    all.set("value", &cluster.value);
    all.set("description", &cluster.description);
    all.some("tag_name", cluster.tag_name.as_ref());
    if !cluster.meta.is_empty() {
        let mut meta = Members::new();
        cluster.meta.iter().for_each(|(name, values)| meta.set(name, values));
        all.raw("meta", &meta.finish(&[]));
    }
    all.finish(&cluster.unknown)
}

fn attribute(attribute: &MispAttribute) -> String {
    let mut all = Members::new();
    all.set("uuid", &attribute.uuid);
    all.some("object_relation", attribute.object_relation.as_ref());
    all.set("type", &attribute.kind);
    if !attribute.category.is_empty() {
        all.set("category", &attribute.category);
    }
    all.set("value", &attribute.value);
    all.set("to_ids", &attribute.to_ids);
    all.number("timestamp", attribute.timestamp_s);
    all.release(attribute.distribution, attribute.sharing_group.as_ref());
    all.set("comment", &attribute.comment);
    all.set("deleted", &attribute.deleted);
    all.some("first_seen", attribute.first_seen.as_ref());
    all.some("last_seen", attribute.last_seen.as_ref());
    all.some("data", attribute.data.as_ref());
    all.list("Tag", &attribute.tags, tag);
    all.list("Galaxy", &attribute.galaxies, galaxy);
    all.list("Sighting", &attribute.sightings, sighting);
    all.finish(&attribute.unknown)
}

fn sighting(sighting: &MispSighting) -> String {
    let mut all = Members::new();
    all.set("uuid", &sighting.uuid);
    all.number("type", Some(sighting.kind));
    all.set("source", &sighting.source);
    all.number("date_sighting", sighting.date_s);
    if let Some(organisation) = &sighting.organisation {
        all.raw("Organisation", &organisation_of(organisation));
    }
    all.finish(&sighting.unknown)
}

fn object(object: &MispObject) -> String {
    let mut all = Members::new();
    all.set("uuid", &object.uuid);
    all.set("name", &object.name);
    if !object.meta_category.is_empty() {
        all.set("meta-category", &object.meta_category);
    }
    all.number("timestamp", object.timestamp_s);
    all.release(object.distribution, object.sharing_group.as_ref());
    all.set("comment", &object.comment);
    all.set("deleted", &object.deleted);
    all.some("first_seen", object.first_seen.as_ref());
    all.some("last_seen", object.last_seen.as_ref());
    all.list("Attribute", &object.attributes, attribute);
    all.list("ObjectReference", &object.references, |reference| {
        let mut all = Members::new();
        all.set("uuid", &reference.uuid);
        all.set("object_uuid", &object.uuid);
        all.set("referenced_uuid", &reference.referenced);
        all.set("relationship_type", &reference.relation);
        all.number("timestamp", reference.timestamp_s);
        all.finish(&reference.unknown)
    });
    all.finish(&object.unknown)
}

fn report(report: &MispReport) -> String {
    let mut all = Members::new();
    all.set("uuid", &report.uuid);
    all.set("name", &report.name);
    all.set("content", &report.content);
    all.number("timestamp", report.timestamp_s);
    all.release(report.distribution, report.sharing_group.as_ref());
    all.set("deleted", &report.deleted);
    all.finish(&report.unknown)
}
