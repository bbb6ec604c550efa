//! Markings of STIX from tags and from how far MISP lets something go.

use serde_json::{Value, json};
use uuid::Uuid;

use super::NAMESPACE;
use crate::misp::{MispDistance, MispReach, MispSharingGroup};

/// The definitions of the Traffic Light Protocol: the tag, the UUID, and whether it is one of STIX itself (clause
/// 7.2.1.4) or of the extension for TLP 2.0.
pub(in crate::misp) const TLP: [(&str, &str, bool); 6] = [
    ("white", "613f2e26-407d-48c7-9eca-b8e91df99dc9", true),
    ("clear", "94868c89-83c2-464b-929b-a1a8aa3c8487", false),
    ("green", "34098fce-860f-48ae-8e50-ebd3cc5e41da", true),
    ("amber", "f88d31f6-486f-44da-b317-01333bde0b82", true),
    ("amber+strict", "939a9414-2ddd-4d32-a0cd-375ea402b003", false),
    RED,
];

/// The narrowest of them.
const RED: (&str, &str, bool) = ("red", "5e57c739-391a-4eb3-b6be-7d15ca92d5ed", true);

/// The extension definition for TLP 2.0.
const TLP_2: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

pub(super) struct Found {
    pub(super) id: String,
    pub(super) definition: Value,
    /// Whether the marking says all that the tag does.
    pub(super) exact: bool,
}

/// The marking of a `tlp:` tag. One that is no colour, such as `tlp:unclear`, is taken as the narrowest.
pub(super) fn of_tag(tag: &str) -> Option<Found> {
    let lower = tag.to_lowercase();
    let word = lower.strip_prefix("tlp:")?;
    let known = TLP.iter().find(|(colour, ..)| *colour == word);
    let (colour, uuid, own) = known.copied().unwrap_or(RED);
    let id = format!("marking-definition--{uuid}");
    let mut definition = json!({
        "type": "marking-definition", "spec_version": "2.1", "id": id,
        "created": if own { "2017-01-20T00:00:00.000Z" } else { "2022-10-01T00:00:00.000Z" },
        "name": format!("TLP:{}", colour.to_uppercase()),
    });
    if own {
        definition["definition_type"] = json!("tlp");
        definition["definition"] = json!({ "tlp": colour });
    } else {
        definition["extensions"] =
            json!({ TLP_2: { "extension_type": "property-extension", "tlp_2_0": colour } });
    }
    Some(Found { id, definition, exact: known.is_some() })
}

/// The statement of how far MISP lets something go; none when it may go anywhere.
pub(super) fn of_reach(reach: &MispReach, group: Option<&MispSharingGroup>) -> Option<(String, Value)> {
    let said = match reach.distance {
        MispDistance::OwnOrganisation => "your organisation only",
        MispDistance::ThisCommunity => "this community only",
        MispDistance::ConnectedCommunities => "connected communities",
        MispDistance::AllCommunities => "all communities",
    };
    if reach.is_open() {
        return None;
    }
    let mut statement = format!("MISP distribution: {said}");
    if let Some(organisations) = &reach.organisations {
        let all: Vec<&str> = organisations.iter().map(String::as_str).collect();
        let names = if all.is_empty() { "nobody".to_owned() } else { all.join(", ") };
        statement.push_str(&format!("; of these the organisations: {names}"));
    }
    // A group's UUID names it for ever: only one that has exactly these organisations is named.
    let same = |group: &&MispSharingGroup| {
        let members = group.organisations.iter();
        group.uuid.is_some() && reach.organisations.as_ref().is_some_and(|all| all.iter().eq(members))
    };
    let group = group.filter(same).and_then(|group| group.uuid.clone());
    let name = format!("{statement}; {}", group.as_deref().unwrap_or_default());
    let id = format!("marking-definition--{}", Uuid::new_v5(&NAMESPACE, name.as_bytes()));
    let mut definition = json!({
        "type": "marking-definition", "spec_version": "2.1", "id": id, "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement", "definition": { "statement": statement },
        "x_misp_distance": reach.distance as u8,
    });
    if let Some(organisations) = &reach.organisations
        && !organisations.is_empty()
    {
        definition["x_misp_organisations"] = json!(organisations);
    }
    if let Some(group) = group {
        definition["x_misp_sharing_group"] = json!(group);
    }
    Some((id, definition))
}
