//! The elements of an event from their JSON.

use std::collections::HashSet;

use base::Fault;
use uuid::Uuid;

use super::{Draft, NAMESPACE, Reader};
use crate::misp::reach::fault_of_group;
use crate::misp::value::{flag, raw, seconds, text, uuid, whole};
use crate::misp::{
    MispAttribute, MispCluster, MispDistribution, MispGalaxy, MispMember, MispObject, MispOrganisation,
    MispReference, MispReport, MispSharingGroup, MispSighting, MispTag,
};
use crate::stix::json::Node;

/// Longest value of an attribute, in bytes; MISP itself keeps 64 kB.
const MAX_VALUE: usize = 1 << 20;

/// Reads what is in one element.
pub(super) struct Elements<'r, 'b> {
    pub(super) reader: &'r mut Reader<'b>,
    /// The first byte of the element.
    pub(super) at: usize,
    /// Its bytes, in which nodes have their places.
    pub(super) source: &'b [u8],
}

impl Elements<'_, '_> {
    /// An element of the list `key` of an event. Whether it was taken.
    pub(super) fn element(&mut self, key: &str, node: &Node<'_>, draft: &mut Draft) -> bool {
        let Draft { event, uuids, .. } = draft;
        match key {
            "Attribute" => {
                let read = self.attribute(node, &event.uuid, uuids);
                read.map(|read| event.attributes.push(read)).is_some()
            }
            "Object" => {
                let read = self.object(node, &event.uuid, uuids);
                read.map(|(read, whole)| {
                    event.objects.push(read);
                    whole
                })
                .unwrap_or_default()
            }
            _ => self.report(node).map(|read| event.reports.push(read)).is_some(),
        }
    }

    fn fault(&mut self, fault: Fault, node: &Node<'_>) {
        self.reader.fault(fault, self.at + node.start);
    }

    fn bad(&mut self, what: &str, field: &str, node: &Node<'_>) {
        self.fault(Fault::error("misp::bad_element", what).in_field(field), node);
    }

    pub(super) fn time(&mut self, key: &str, node: &Node<'_>) -> Option<i64> {
        let found = seconds(node);
        if found.is_none() {
            let message = format!("`{key}` is no Unix time; it is taken as absent");
            self.fault(Fault::warning("misp::bad_time", message).in_field(key), node);
        }
        found
    }

    /// A distribution; what says nothing known is for its own organisation.
    pub(super) fn distribution(&mut self, node: &Node<'_>, may_inherit: bool) -> MispDistribution {
        let found = whole(node).and_then(MispDistribution::from_number);
        match found.filter(|found| may_inherit || *found != MispDistribution::Inherit) {
            Some(found) => found,
            None => {
                let message = "the distribution is none of 0 to 4 (or 5 below an event); it is for its own \
                               organisation only";
                self.fault(Fault::error("misp::bad_distribution", message).in_field("distribution"), node);
                MispDistribution::YourOrganisation
            }
        }
    }

    pub(super) fn group(&mut self, node: &Node<'_>) -> Option<MispSharingGroup> {
        node.as_map()?;
        let members = node.get("SharingGroupOrg").and_then(Node::as_list).unwrap_or_default();
        let organisation = |member: &Node<'_>| {
            let at = member.get("Organisation").or_else(|| member.get("Org"));
            at.and_then(|at| at.text("uuid")).and_then(uuid)
        };
        let mut organisations: Vec<String> = members.iter().filter_map(organisation).collect();
        organisations.sort();
        organisations.dedup();
        Some(MispSharingGroup {
            uuid: node.text("uuid").and_then(uuid),
            name: node.text("name").unwrap_or_default().to_owned(),
            active: node.get("active").and_then(flag).unwrap_or(true),
            organisations,
            raw: raw(self.source, node)?,
        })
    }

    pub(super) fn organisation(&mut self, node: &Node<'_>) -> Option<MispOrganisation> {
        node.as_map()?;
        let name = node.get("name").and_then(text).unwrap_or_default();
        let uuid = node.text("uuid").and_then(uuid);
        (uuid.is_some() || !name.is_empty()).then_some(MispOrganisation { uuid, name })
    }

    pub(super) fn tags(&mut self, node: &Node<'_>) -> Vec<MispTag> {
        let tags = node.as_list().unwrap_or_default();
        let mut all = Vec::with_capacity(tags.len());
        for tag in tags {
            // Some write a tag as its name alone.
            let name = tag.get("name").or(Some(tag)).and_then(text).filter(|name| !name.is_empty());
            let Some(name) = name else {
                self.bad("a tag has no name; it is left out", "Tag", tag);
                continue;
            };
            let local = tag.get("local").and_then(flag).unwrap_or_default();
            all.push(MispTag { name, local, unknown: self.unknown(tag, &["name", "local"]) });
        }
        all
    }

    pub(super) fn galaxies(&mut self, node: &Node<'_>) -> Vec<MispGalaxy> {
        let galaxies = node.as_list().unwrap_or_default();
        let mut all = Vec::with_capacity(galaxies.len());
        for galaxy in galaxies {
            let string = |name: &str| galaxy.get(name).and_then(text).unwrap_or_default();
            let kind = string("type");
            if kind.is_empty() {
                self.bad("a galaxy has no `type`; it is left out", "Galaxy.type", galaxy);
                continue;
            }
            let clusters = galaxy.get("GalaxyCluster").and_then(Node::as_list).unwrap_or_default();
            let clusters = clusters.iter().filter_map(|cluster| self.cluster(cluster, &kind)).collect();
            all.push(MispGalaxy {
                uuid: galaxy.text("uuid").and_then(uuid).unwrap_or_default(),
                name: string("name"),
                clusters,
                unknown: self.unknown(galaxy, &["uuid", "type", "name", "GalaxyCluster", "id"]),
                kind,
            });
        }
        all
    }

    fn cluster(&mut self, node: &Node<'_>, kind: &str) -> Option<MispCluster> {
        let Some(value) = node.get("value").and_then(text) else {
            self.bad("a cluster has no `value`; it is left out", "GalaxyCluster.value", node);
            return None;
        };
        let known = ["uuid", "type", "value", "description", "tag_name", "meta", "id", "galaxy_id"];
        Some(MispCluster {
            uuid: cluster_uuid(node.text("uuid"), kind, &value),
            kind: node.text("type").unwrap_or(kind).to_owned(),
            description: node.get("description").and_then(text).unwrap_or_default(),
            tag_name: node.text("tag_name").map(str::to_owned),
            meta: meta(node.get("meta")),
            unknown: self.unknown(node, &known),
            value,
        })
    }

    fn sightings(&mut self, node: &Node<'_>) -> Vec<MispSighting> {
        let sightings = node.as_list().unwrap_or_default();
        let mut all = Vec::with_capacity(sightings.len());
        for sighting in sightings {
            let kind = sighting.get("type").map_or(Some(0), whole).filter(|kind| *kind <= 2);
            let Some(kind) = kind else {
                self.bad(
                    "the type of a sighting is none of 0, 1, 2; it is left out",
                    "Sighting.type",
                    sighting,
                );
                continue;
            };
            let source = sighting.get("source").and_then(text).unwrap_or_default();
            let date_s = sighting.get("date_sighting").and_then(|date| self.time("date_sighting", date));
            let uuid = sighting.text("uuid").and_then(uuid).unwrap_or_else(|| {
                let name = format!("{}\n{kind}\n{source}\n{date_s:?}", self.at + sighting.start);
                Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
            });
            let organisation = sighting.get("Organisation").and_then(|node| self.organisation(node));
            let known = [
                "uuid",
                "type",
                "source",
                "date_sighting",
                "Organisation",
                "id",
                "event_id",
                "org_id",
                "attribute_id",
            ];
            let unknown = self.unknown(sighting, &known);
            all.push(MispSighting { uuid, kind: kind as u8, source, date_s, organisation, unknown });
        }
        all
    }

    /// The members that no field has. Numbers of one server are among the known: they are left out.
    fn unknown(&mut self, node: &Node<'_>, known: &[&str]) -> Vec<MispMember> {
        let members = node.as_map().unwrap_or_default();
        let others = members.iter().filter(|member| !known.contains(&&*member.key));
        others
            .filter_map(|member| Some((member.key.clone().into_owned(), raw(self.source, &member.value)?)))
            .collect()
    }

    /// The UUID of an element, or one from its content. `None`: it was there before.
    fn own_uuid(
        &mut self,
        node: &Node<'_>,
        event: &str,
        content: &str,
        uuids: &mut HashSet<String>,
    ) -> Option<String> {
        let found = match node.text("uuid").and_then(uuid) {
            Some(found) => found,
            None => {
                let message = "there is no UUID; it gets one from its content";
                self.fault(Fault::warning("misp::no_uuid", message).in_field("uuid"), node);
                Uuid::new_v5(&NAMESPACE, format!("{event}\n{content}").as_bytes()).to_string()
            }
        };
        if uuids.insert(found.clone()) {
            return Some(found);
        }
        let message = format!("UUID {found} was there before; this element is left out");
        self.fault(Fault::error("misp::duplicate_uuid", message).in_field("uuid"), node);
        None
    }

    fn attribute(
        &mut self,
        node: &Node<'_>,
        event: &str,
        uuids: &mut HashSet<String>,
    ) -> Option<MispAttribute> {
        let string = |name: &str| node.get(name).and_then(text).unwrap_or_default();
        let kind = string("type");
        let value = node.get("value").and_then(text).or_else(|| {
            let first = node.get("value1").and_then(text)?;
            let second = string("value2");
            Some(if second.is_empty() { first } else { format!("{first}|{second}") })
        });
        let (Some(value), false) = (value, kind.is_empty()) else {
            self.bad("the attribute has no `type` or no `value`; it is left out", "value", node);
            return None;
        };
        if value.len() > MAX_VALUE {
            let message =
                format!("the value has {} bytes, more than {MAX_VALUE}; it is left out", value.len());
            self.fault(Fault::error("misp::too_large", message).in_field("value"), node);
            return None;
        }
        let relation = node.text("object_relation").map(str::to_owned);
        let content = format!("{kind}\n{value}\n{}", relation.as_deref().unwrap_or_default());
        let uuid = self.own_uuid(node, event, &content, uuids)?;
        let (distribution, sharing_group) = self.release(node);
        let known = [
            "uuid",
            "type",
            "category",
            "value",
            "value1",
            "value2",
            "to_ids",
            "timestamp",
            "distribution",
            "SharingGroup",
            "sharing_group_id",
            "comment",
            "deleted",
            "first_seen",
            "last_seen",
            "object_relation",
            "data",
            "Tag",
            "Galaxy",
            "Sighting",
            "id",
            "event_id",
            "object_id",
        ];
        Some(MispAttribute {
            uuid,
            category: string("category"),
            value,
            to_ids: node.get("to_ids").and_then(flag).unwrap_or_default(),
            timestamp_s: node.get("timestamp").and_then(|at| self.time("timestamp", at)),
            distribution,
            sharing_group,
            comment: string("comment"),
            deleted: node.get("deleted").and_then(flag).unwrap_or_default(),
            first_seen: node.text("first_seen").map(str::to_owned),
            last_seen: node.text("last_seen").map(str::to_owned),
            object_relation: relation,
            data: node.text("data").filter(|data| !data.is_empty()).map(str::to_owned),
            tags: node.get("Tag").map(|tags| self.tags(tags)).unwrap_or_default(),
            galaxies: node.get("Galaxy").map(|all| self.galaxies(all)).unwrap_or_default(),
            sightings: node.get("Sighting").map(|all| self.sightings(all)).unwrap_or_default(),
            unknown: self.unknown(node, &known),
            kind,
        })
    }

    /// What an element below an event says of its release.
    fn release(&mut self, node: &Node<'_>) -> (MispDistribution, Option<MispSharingGroup>) {
        let group = node.get("SharingGroup").and_then(|group| self.group(group));
        let distribution = match node.get("distribution") {
            Some(word) => self.distribution(word, true),
            None if group.is_some() => MispDistribution::SharingGroup,
            None => MispDistribution::Inherit,
        };
        if let Some(fault) = fault_of_group(distribution, group.as_ref()) {
            self.fault(fault, node);
        }
        (distribution, group)
    }

    /// An object, and whether all of it was read.
    fn object(
        &mut self,
        node: &Node<'_>,
        event: &str,
        uuids: &mut HashSet<String>,
    ) -> Option<(MispObject, bool)> {
        let string = |name: &str| node.get(name).and_then(text).unwrap_or_default();
        let name = string("name");
        if name.is_empty() {
            self.bad("the object has no `name`; it is left out", "Object.name", node);
            return None;
        }
        let attributes = node.get("Attribute").and_then(Node::as_list).unwrap_or_default();
        let contents: Vec<&str> = attributes.iter().filter_map(|attribute| attribute.text("value")).collect();
        let uuid = self.own_uuid(node, event, &format!("{name}\n{}", contents.join("\n")), uuids)?;
        let count = attributes.len();
        let attributes: Vec<_> =
            attributes.iter().filter_map(|attribute| self.attribute(attribute, &uuid, uuids)).collect();
        let mut whole = attributes.len() == count;
        let mut references = Vec::new();
        for reference in node.get("ObjectReference").and_then(Node::as_list).unwrap_or_default() {
            match self.reference(reference, &uuid) {
                Some(read) => references.push(read),
                None => whole = false,
            }
        }
        let (distribution, sharing_group) = self.release(node);
        let known = [
            "uuid",
            "name",
            "meta-category",
            "timestamp",
            "distribution",
            "SharingGroup",
            "sharing_group_id",
            "comment",
            "deleted",
            "first_seen",
            "last_seen",
            "Attribute",
            "ObjectReference",
            "id",
            "event_id",
        ];
        let object = MispObject {
            uuid,
            name,
            meta_category: string("meta-category"),
            timestamp_s: node.get("timestamp").and_then(|at| self.time("timestamp", at)),
            distribution,
            sharing_group,
            comment: string("comment"),
            deleted: node.get("deleted").and_then(flag).unwrap_or_default(),
            first_seen: node.text("first_seen").map(str::to_owned),
            last_seen: node.text("last_seen").map(str::to_owned),
            attributes,
            references,
            unknown: self.unknown(node, &known),
        };
        Some((object, whole))
    }

    fn reference(&mut self, node: &Node<'_>, object: &str) -> Option<MispReference> {
        let nested = || node.get("Attribute").or_else(|| node.get("Object")).and_then(|end| end.text("uuid"));
        let Some(referenced) = node.text("referenced_uuid").or_else(nested).and_then(uuid) else {
            let message = "the reference does not name by UUID what it points at; it is left out";
            self.bad(message, "ObjectReference.referenced_uuid", node);
            return None;
        };
        let relation = node.get("relationship_type").and_then(text).unwrap_or_default();
        let own = node.text("uuid").and_then(uuid).unwrap_or_else(|| {
            Uuid::new_v5(&NAMESPACE, format!("{object}\n{relation}\n{referenced}").as_bytes()).to_string()
        });
        let known = [
            "uuid",
            "referenced_uuid",
            "relationship_type",
            "timestamp",
            "object_uuid",
            "id",
            "event_id",
            "object_id",
            "referenced_id",
            "referenced_type",
            "source_uuid",
            "Attribute",
            "Object",
        ];
        Some(MispReference {
            uuid: own,
            referenced,
            relation,
            timestamp_s: node.get("timestamp").and_then(seconds),
            unknown: self.unknown(node, &known),
        })
    }

    fn report(&mut self, node: &Node<'_>) -> Option<MispReport> {
        let string = |name: &str| node.get(name).and_then(text).unwrap_or_default();
        if node.as_map().is_none() {
            self.bad("a report is no object; it is left out", "EventReport", node);
            return None;
        }
        let (name, content) = (string("name"), string("content"));
        let uuid = node
            .text("uuid")
            .and_then(uuid)
            .unwrap_or_else(|| Uuid::new_v5(&NAMESPACE, format!("{name}\n{content}").as_bytes()).to_string());
        let (distribution, sharing_group) = self.release(node);
        let known = [
            "uuid",
            "name",
            "content",
            "timestamp",
            "distribution",
            "SharingGroup",
            "sharing_group_id",
            "deleted",
            "id",
            "event_id",
        ];
        Some(MispReport {
            uuid,
            name,
            content,
            timestamp_s: node.get("timestamp").and_then(|at| self.time("timestamp", at)),
            distribution,
            sharing_group,
            deleted: node.get("deleted").and_then(flag).unwrap_or_default(),
            unknown: self.unknown(node, &known),
        })
    }
}

/// The UUID of a cluster, or one from its galaxy and name.
pub(in crate::misp) fn cluster_uuid(found: Option<&str>, kind: &str, value: &str) -> String {
    found.and_then(uuid).unwrap_or_else(|| {
        let tag = format!("misp-galaxy:{kind}=\"{value}\"");
        Uuid::new_v5(&NAMESPACE, tag.as_bytes()).to_string()
    })
}

/// What a cluster says beside its description, each a list of texts, sorted by name.
pub(in crate::misp) fn meta(node: Option<&Node<'_>>) -> Vec<(String, Vec<String>)> {
    let members = node.and_then(Node::as_map).unwrap_or_default();
    let texts = |node: &Node<'_>| match node.as_list() {
        Some(list) => list.iter().filter_map(text).collect(),
        None => text(node).into_iter().collect::<Vec<_>>(),
    };
    let mut all: Vec<_> = members
        .iter()
        .map(|member| (member.key.clone().into_owned(), texts(&member.value)))
        .filter(|(_, values)| !values.is_empty())
        .collect();
    all.sort();
    all
}
