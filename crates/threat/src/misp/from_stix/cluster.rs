//! Domain objects as clusters of galaxies.

use serde_json::Value;

use super::{label, refs, text, uuid_of};
use crate::misp::{MispCluster, MispGalaxy};

/// The types that are clusters, with the galaxy of those that name none.
const CLUSTERS: &[&str] = &[
    "attack-pattern",
    "campaign",
    "course-of-action",
    "intrusion-set",
    "location",
    "malware",
    "threat-actor",
    "tool",
    "vulnerability",
    "infrastructure",
];

/// The galaxy with the one cluster that an object is; `None` when it is none.
pub(super) fn galaxy(object: &Value) -> Option<MispGalaxy> {
    let stix = text(object, "type");
    let uuid = uuid_of(text(object, "id"))?;
    let named = label(object, "misp:galaxy-type");
    let custom = stix == "x-misp-galaxy-cluster";
    if !CLUSTERS.contains(&stix) && named.is_none() && !custom {
        return None;
    }
    let kind = match (named, custom) {
        (Some(kind), _) => kind.to_owned(),
        (None, true) => text(object, "x_misp_type").to_owned(),
        (None, false) => format!("stix-2.1-{stix}"),
    };
    let tag = refs(object, "labels").find(|label| label.starts_with("misp-galaxy:")).map(str::to_owned);
    let in_tag = tag.as_deref().and_then(|tag| tag.split_once("=\"")?.1.strip_suffix('"')).map(str::to_owned);
    let name = if custom { text(object, "x_misp_value") } else { text(object, "name") };
    let value = in_tag.unwrap_or_else(|| name.to_owned());
    let mut meta: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |name: &str, values: Vec<String>| {
        if !values.is_empty() {
            meta.push((name.to_owned(), values));
        }
    };
    let list = |name: &str| refs(object, name).map(str::to_owned).collect::<Vec<_>>();
    add("synonyms", [list("aliases"), list("x_misp_synonyms")].concat());
    let references = object.get("external_references").and_then(Value::as_array);
    let references = references.map_or(&[][..], Vec::as_slice);
    let of = |name: &str| references.iter().filter_map(|one| one[name].as_str()).map(str::to_owned).collect();
    add("external_id", of("external_id"));
    add("refs", of("url"));
    let phases = object.get("kill_chain_phases").and_then(Value::as_array);
    let phases = phases.map_or(&[][..], Vec::as_slice).iter();
    add(
        "kill_chain",
        phases.map(|one| format!("{}:{}", text(one, "kill_chain_name"), text(one, "phase_name"))).collect(),
    );
    if let Some(more) = object.get("x_misp_meta").and_then(Value::as_object) {
        for (name, values) in more {
            match values.as_array() {
                Some(values) => {
                    add(name, values.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                }
                None => add(name, values.as_str().map(str::to_owned).into_iter().collect()),
            }
        }
    } else if stix == "location" {
        add(
            "ISO",
            Some(text(object, "country").to_owned()).filter(|code| !code.is_empty()).into_iter().collect(),
        );
    }
    meta.sort();
    meta.dedup_by(|a, b| a.0 == b.0);
    let description = if custom { "x_misp_description" } else { "description" };
    let cluster = MispCluster {
        tag_name: Some(tag.unwrap_or_else(|| format!("misp-galaxy:{kind}=\"{value}\""))),
        uuid,
        description: text(object, description).to_owned(),
        kind: kind.clone(),
        value,
        meta,
        unknown: Vec::new(),
    };
    let name = label(object, "misp:galaxy-name").unwrap_or(&kind).to_owned();
    Some(MispGalaxy { uuid: String::new(), name, kind, clusters: vec![cluster], unknown: Vec::new() })
}
