//! What markings of STIX say in the words of MISP.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::value::RawValue;

use super::{Store, refs, text};
use crate::misp::to_stix::{Losses, TLP};
use crate::misp::{MispDistance, MispDistribution, MispReach, MispSharingGroup, MispTag};

/// What the markings of an object say.
pub(super) struct Marks {
    /// `tlp:amber`.
    pub(super) tlp: Vec<String>,
    /// How far it may go; none when no marking says so.
    pub(super) reach: Option<MispReach>,
    /// The sharing group that the reach is of.
    pub(super) group: Option<String>,
}

/// Reads the markings of an object. One that means nothing here keeps it at its own organisation, and is told.
pub(super) fn of(store: &Store, object: &Value, losses: &mut Losses) -> Marks {
    let mut marks = Marks { tlp: Vec::new(), reach: None, group: None };
    let id = text(object, "id");
    for marking in refs(object, "object_marking_refs") {
        let uuid = marking.strip_prefix("marking-definition--").unwrap_or(marking);
        if let Some((colour, ..)) = TLP.iter().find(|(_, known, _)| *known == uuid) {
            marks.tlp.push(format!("tlp:{colour}"));
            continue;
        }
        let said = store.get(marking).and_then(|definition| {
            let reach = reach_of(definition)?;
            Some((reach, definition["x_misp_sharing_group"].as_str().map(str::to_owned)))
        });
        let (reach, group) = said.unwrap_or_else(|| {
            let why = "a marking means nothing to MISP; what has it is for its own organisation only";
            losses.add("object_marking_refs", why, id);
            (MispReach::own(), None)
        });
        // Of two that say different things neither group stands for both.
        marks.group =
            if marks.reach.is_none() || marks.reach.as_ref() == Some(&reach) { group } else { None };
        marks.reach = Some(marks.reach.map_or_else(|| reach.clone(), |known| known.narrowed(&reach)));
    }
    if object.get("granular_markings").is_some() {
        let why = "parts of an object are marked; it is for its own organisation only";
        losses.add("granular_markings", why, id);
        marks.reach = Some(MispReach::own());
    }
    marks
}

fn reach_of(definition: &Value) -> Option<MispReach> {
    let distance = match definition.get("x_misp_distance")?.as_u64()? {
        0 => MispDistance::OwnOrganisation,
        1 => MispDistance::ThisCommunity,
        2 => MispDistance::ConnectedCommunities,
        3 => MispDistance::AllCommunities,
        _ => return None,
    };
    let named = definition.get("x_misp_organisations").is_some();
    let statement = definition.pointer("/definition/statement").and_then(Value::as_str).unwrap_or_default();
    let organisations: Option<BTreeSet<String>> = (named || statement.contains("of these the organisations"))
        .then(|| refs(definition, "x_misp_organisations").filter_map(crate::misp::value::uuid).collect());
    // Ours always name somebody, or are no further than the organisation.
    let open = distance == MispDistance::AllCommunities && organisations.is_none();
    Some(if open { MispReach::own() } else { MispReach { distance, organisations } })
}

/// The distribution that says a reach, and its group. What no group names is for its own organisation only.
pub(super) fn distribution(
    reach: &MispReach,
    group: Option<&str>,
) -> (MispDistribution, Option<MispSharingGroup>) {
    if reach.is_own_only() {
        return (MispDistribution::YourOrganisation, None);
    }
    let Some(organisations) = &reach.organisations else {
        let number = reach.distance as u64;
        let said = MispDistribution::from_number(number);
        return (said.unwrap_or(MispDistribution::YourOrganisation), None);
    };
    let narrower = reach.distance != MispDistance::AllCommunities;
    match group.filter(|_| !narrower).and_then(|uuid| sharing_group(uuid, organisations)) {
        Some(group) => (MispDistribution::SharingGroup, Some(group)),
        None => (MispDistribution::YourOrganisation, None),
    }
}

fn sharing_group(uuid: &str, organisations: &BTreeSet<String>) -> Option<MispSharingGroup> {
    let uuid = crate::misp::value::uuid(uuid)?;
    let members: Vec<Value> =
        organisations.iter().map(|one| serde_json::json!({ "Organisation": { "uuid": one } })).collect();
    let raw = serde_json::json!({ "uuid": uuid, "name": uuid, "active": true, "SharingGroupOrg": members });
    Some(MispSharingGroup {
        name: uuid.clone(),
        uuid: Some(uuid),
        active: true,
        organisations: organisations.iter().cloned().collect(),
        raw: RawValue::from_string(raw.to_string()).ok()?,
    })
}

/// The tags of an object: what its labels and markings say and those of the event do not.
pub(super) fn tags(object: &Value, tlp: &[String], but: &BTreeSet<String>) -> Vec<MispTag> {
    const OURS: [&str; 8] = [
        "misp:type=",
        "misp:category=",
        "misp:name=",
        "misp:meta-category=",
        "misp:to_ids=",
        "misp:tool=",
        "misp:data-layer=",
        "misp:galaxy-",
    ];
    let labels = refs(object, "labels").filter(|label| {
        !OURS.iter().any(|ours| label.starts_with(ours)) && *label != "Threat-Report" && !label.is_empty()
    });
    let names: BTreeSet<String> = labels.map(str::to_owned).chain(tlp.iter().cloned()).collect();
    let names = names.into_iter().filter(|name| !but.contains(name));
    names.map(|name| MispTag { name, local: false, unknown: Vec::new() }).collect()
}
