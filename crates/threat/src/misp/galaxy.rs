//! Clusters of a galaxy, from the JSON of misp-galaxy.

use base::Fault;

use super::MispCluster;
use super::read::{cluster_uuid, meta};
use super::value::{raw, text};
use crate::stix::json::{self, Node};

/// A file of clusters.
#[derive(Debug, Clone, Default)]
pub struct MispGalaxyFile {
    /// `threat-actor`, `sparta-techniques`, ..
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The clusters, in the order of the file.
    pub clusters: Vec<MispCluster>,
}

/// Reads a file of clusters as misp-galaxy has them. A cluster without a name is a fault; the others are read.
///
/// ```
/// let (galaxy, faults) = threat::read_misp_galaxy(br#"{"type": "threat-actor", "name": "Threat Actor",
///   "values": [{"value": "Kimsuky", "meta": {"synonyms": ["Thallium"], "country": "KP"}}]}"#);
/// assert!(faults.is_empty());
/// assert_eq!(galaxy.clusters[0].meta("country"), ["KP"]);
/// ```
pub fn read_misp_galaxy(bytes: &[u8]) -> (MispGalaxyFile, Vec<Fault>) {
    let node = match json::parse(bytes) {
        Ok(node) => node,
        Err(error) => return (MispGalaxyFile::default(), vec![error.to_fault(0)]),
    };
    let mut faults = Vec::new();
    let Some(values) = node.get("values").and_then(Node::as_list) else {
        let message = "there is no list `values`: give a file of clusters of misp-galaxy";
        faults.push(Fault::error("misp::no_clusters", message).in_field("values"));
        return (MispGalaxyFile::default(), faults);
    };
    let kind = node.get("type").and_then(text).unwrap_or_default();
    let mut clusters = Vec::with_capacity(values.len());
    for value in values {
        let Some(name) = value.get("value").and_then(text) else {
            let message = "a cluster has no `value`; it is left out";
            let fault = Fault::error("misp::bad_element", message).in_field("values.value");
            faults.push(fault.at_bytes(value.start as u64, value.end as u64));
            continue;
        };
        let members = value.as_map().unwrap_or_default().iter();
        let others = members.filter(|m| !["uuid", "value", "description", "meta"].contains(&&*m.key));
        clusters.push(MispCluster {
            uuid: cluster_uuid(value.text("uuid"), &kind, &name),
            description: value.get("description").and_then(text).unwrap_or_default(),
            tag_name: Some(format!("misp-galaxy:{kind}=\"{name}\"")),
            meta: meta(value.get("meta")),
            unknown: others
                .filter_map(|m| Some((m.key.clone().into_owned(), raw(bytes, &m.value)?)))
                .collect(),
            kind: kind.clone(),
            value: name,
        });
    }
    let name = node.get("name").and_then(text).unwrap_or_default();
    (MispGalaxyFile { kind, name, clusters }, faults)
}
