//! Clusters of galaxies: actors, techniques, tools.

use serde_json::{Value, json};

use super::attribute::cve;
use super::{Convert, Marks};
use crate::misp::table::galaxy_type;
use crate::misp::{MispCluster, MispGalaxy};

/// A cluster as an object of STIX; of our own type when STIX has none.
pub(super) fn object(
    convert: &mut Convert<'_>,
    galaxy: &MispGalaxy,
    cluster: &MispCluster,
    at_s: Option<i64>,
    mut marks: Marks,
) -> Value {
    let kind = if cluster.kind.is_empty() { &galaxy.kind } else { &cluster.kind };
    marks.labels.extend([
        format!("misp:galaxy-name=\"{}\"", galaxy.name),
        format!("misp:galaxy-type=\"{kind}\""),
        cluster.tag_name.clone().unwrap_or_else(|| format!("misp-galaxy:{kind}=\"{}\"", cluster.value)),
    ]);
    let country = cluster
        .meta("ISO")
        .iter()
        .chain(cluster.meta("country"))
        .find(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let stix = galaxy_type(kind).filter(|stix| *stix != "location" || country.is_some());
    let Some(stix) = stix else { return custom(convert, cluster, kind, at_s, &marks) };
    let mut made = convert.head(stix, &cluster.uuid, at_s, &marks);
    let mut set = |name: &str, value: Value| made.insert(name.to_owned(), value);
    let external = cluster.meta("external_id");
    // The id stands behind the name: `Spearphishing Attachment - T1566.001`.
    let name = cluster.value.rsplit_once(" - ").filter(|(_, id)| external.iter().any(|known| known == id));
    set("name", json!(name.map_or(cluster.value.as_str(), |(name, _)| name)));
    if !cluster.description.is_empty() {
        set("description", json!(cluster.description));
    }
    match stix {
        "malware" => {
            set("is_family", json!(true));
        }
        "identity" => {
            set("identity_class", json!("class"));
        }
        "location" => {
            let code = country.map(|code| code.to_ascii_uppercase());
            set("country", json!(code));
        }
        _ => {}
    }
    let synonyms = cluster.meta("synonyms");
    if !synonyms.is_empty() {
        let aliased = ["attack-pattern", "campaign", "intrusion-set", "malware", "threat-actor", "tool"];
        set(if aliased.contains(&stix) { "aliases" } else { "x_misp_synonyms" }, json!(synonyms));
    }
    let phases: Vec<Value> = cluster.meta("kill_chain").iter().filter_map(|text| phase(text)).collect();
    if !phases.is_empty() && matches!(stix, "attack-pattern" | "malware" | "tool") {
        set("kill_chain_phases", json!(phases));
    }
    let mut references: Vec<Value> = external.iter().map(|id| external_id(kind, id)).collect();
    references.extend(cve(&cluster.value).map(|id| json!({ "source_name": "cve", "external_id": id })));
    references.extend(cluster.meta("refs").iter().map(|url| json!({ "source_name": "url", "url": url })));
    if !references.is_empty() {
        set("external_references", json!(references));
    }
    let told = ["external_id", "synonyms", "refs", "kill_chain"];
    let rest = cluster.meta.iter().filter(|(name, _)| !told.contains(&name.as_str()));
    let rest: serde_json::Map<String, Value> =
        rest.map(|(name, values)| (name.clone(), json!(values))).collect();
    if !rest.is_empty() {
        set("x_misp_meta", Value::Object(rest));
    }
    Value::Object(made)
}

fn custom(
    convert: &mut Convert<'_>,
    cluster: &MispCluster,
    kind: &str,
    at_s: Option<i64>,
    marks: &Marks,
) -> Value {
    let mut made = convert.head("x-misp-galaxy-cluster", &cluster.uuid, at_s, marks);
    let mut set = |name: &str, value: Value| made.insert(name.to_owned(), value);
    set("x_misp_name", json!(cluster.value));
    set("x_misp_type", json!(kind));
    set("x_misp_value", json!(cluster.value));
    if !cluster.description.is_empty() {
        set("x_misp_description", json!(cluster.description));
    }
    if !cluster.meta.is_empty() {
        let meta: serde_json::Map<String, Value> =
            cluster.meta.iter().map(|(name, values)| (name.clone(), json!(values))).collect();
        set("x_misp_meta", Value::Object(meta));
    }
    convert.losses.add(
        format!("Galaxy.type {kind}"),
        "STIX has no object for it; it becomes an object of our own",
        &cluster.uuid,
    );
    Value::Object(made)
}

/// `mitre-attack:enterprise:initial-access`: the first word is the kill chain, the last the phase.
fn phase(text: &str) -> Option<Value> {
    let (chain, rest) = text.split_once(':')?;
    let phase = rest.rsplit(':').next().unwrap_or(rest);
    let filled = !chain.is_empty() && !phase.is_empty();
    filled.then(|| json!({ "kill_chain_name": chain, "phase_name": phase }))
}

fn external_id(kind: &str, id: &str) -> Value {
    let source = if id.starts_with("CAPEC-") {
        "capec"
    } else if kind.starts_with("sparta") {
        "sparta"
    } else {
        "mitre-attack"
    };
    json!({ "source_name": source, "external_id": id })
}
