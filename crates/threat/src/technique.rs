//! What adversaries do, and what helps against it: ATT&CK and SPARTA in one index.

use std::collections::BTreeMap;
use std::io::Read;

use base::Fault;

use crate::stix::json::{self, Node};
use crate::stix::{BundleReader, Piece, ReadLimits};

/// Whose list a technique is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Framework {
    /// MITRE ATT&CK, any of its domains.
    Attack,
    /// SPARTA of The Aerospace Corporation: spacecraft and their ground segment.
    Sparta,
}

/// What an entry of the index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TechniqueKind {
    /// Something that an adversary does.
    Technique,
    /// Something that helps against it: ATT&CK mitigation, SPARTA countermeasure.
    Countermeasure,
}

/// A relation from one entry to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation {
    /// `subtechnique-of`, `mitigates`, `uses`, `detects`, as the source names it; `mitigated-by` and the like from the
    /// other end.
    pub kind: String,
    /// The external id of the other end, or its STIX id when it has none.
    pub other: String,
    /// Its name.
    pub name: String,
}

/// One technique or countermeasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Technique {
    /// The id by which people know it: `T0801`, `EX-0016.01`.
    pub external_id: String,
    /// Its name.
    pub name: String,
    /// Whose list it is from.
    pub framework: Framework,
    /// What it is.
    pub kind: TechniqueKind,
    /// Tactics, as words with hyphens: `initial-access`.
    pub tactics: Vec<String>,
    /// Where the entry was read from: `mitre-attack`, `sparta`.
    pub source: String,
    /// Its page.
    pub url: Option<String>,
    /// STIX id of ATT&CK, or UUID of the cluster of SPARTA.
    pub id: String,
    /// Revoked or deprecated by its makers.
    pub withdrawn: bool,
    /// To and from others, sorted.
    pub relations: Vec<Relation>,
}

/// Techniques of several frameworks by their external ids.
///
/// ```
/// let mut index = threat::TechniqueIndex::new();
/// let cluster = br#"{"type": "sparta-techniques", "values": [{"uuid": "04e9ed6f-b45d-433b-8f0d-3654524b798c",
///   "value": "Disable Fault Management", "meta": {"external_id": "DE-0001", "kill_chain": ["sparta:defense-evasion"]}}]}"#;
/// assert!(index.add_sparta(cluster).is_empty());
/// assert_eq!(index.get("de-0001").unwrap().tactics, ["defense-evasion"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct TechniqueIndex {
    entries: BTreeMap<String, Technique>,
}

/// An object of ATT&CK at the end of a relationship.
struct End {
    external_id: Option<String>,
    name: String,
}

impl TechniqueIndex {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The entry with this external id; capitals do not matter.
    pub fn get(&self, external_id: &str) -> Option<&Technique> {
        self.entries.get(&external_id.to_ascii_uppercase())
    }

    /// Every entry, by external id.
    pub fn iter(&self) -> impl Iterator<Item = &Technique> {
        self.entries.values()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds techniques, mitigations and their relationships from an ATT&CK bundle.
    pub fn add_attack(&mut self, bundle: impl Read) -> Vec<Fault> {
        let mut reader = BundleReader::new(bundle, ReadLimits::default());
        let (mut faults, mut ends, mut relationships) = (Vec::new(), BTreeMap::new(), Vec::new());
        while let Some(piece) = reader.next_piece() {
            let object = match piece {
                Piece::Object(object) => object,
                Piece::Fault(fault) => {
                    faults.push(fault);
                    continue;
                }
                Piece::Frame(_) => continue,
            };
            match json::parse(object.bytes) {
                Ok(node) => {
                    self.attack_object(&node, &mut ends, &mut relationships, &mut faults, object.offset)
                }
                Err(error) => faults.push(error.to_fault(object.offset)),
            }
        }
        for (kind, from, to) in relationships {
            self.relate(&kind, ends.get(&from), ends.get(&to));
        }
        faults
    }

    fn attack_object(
        &mut self,
        node: &Node<'_>,
        ends: &mut BTreeMap<String, End>,
        relationships: &mut Vec<(String, String, String)>,
        faults: &mut Vec<Fault>,
        offset: u64,
    ) {
        let (Some(name), Some(id)) = (node.text("type"), node.text("id")) else { return };
        if name == "relationship" {
            let part = |key: &str| node.text(key).map(str::to_owned);
            if let (Some(kind), Some(from), Some(to)) =
                (part("relationship_type"), part("source_ref"), part("target_ref"))
            {
                relationships.push((kind, from, to));
            }
            return;
        }
        let references = node.get("external_references").and_then(Node::as_list).unwrap_or_default();
        let own = references
            .iter()
            .find(|one| one.text("source_name").is_some_and(|from| from.starts_with("mitre-")));
        let external_id = own.and_then(|one| one.text("external_id")).map(str::to_owned);
        let title = node.text("name").unwrap_or_default().to_owned();
        ends.insert(id.to_owned(), End { external_id: external_id.clone(), name: title.clone() });
        let kind = match name {
            "attack-pattern" => TechniqueKind::Technique,
            "course-of-action" => TechniqueKind::Countermeasure,
            _ => return,
        };
        let (Some(external_id), Some(own)) = (external_id, own) else { return };
        let phases = node.get("kill_chain_phases").and_then(Node::as_list).unwrap_or_default();
        let yes = |key: &str| matches!(node.get(key).map(|node| &node.value), Some(json::Value::Bool(true)));
        let technique = Technique {
            external_id,
            name: title,
            framework: Framework::Attack,
            kind,
            tactics: phases.iter().filter_map(|one| one.text("phase_name").map(str::to_owned)).collect(),
            source: own.text("source_name").unwrap_or_default().to_owned(),
            url: own.text("url").map(str::to_owned),
            id: id.to_owned(),
            withdrawn: yes("revoked") || yes("x_mitre_deprecated"),
            relations: Vec::new(),
        };
        let end = offset + (node.end - node.start) as u64;
        faults.extend(self.add(technique).map(|fault| fault.at_bytes(offset, end)));
    }

    /// Adds techniques or countermeasures from a SPARTA cluster of misp-galaxy.
    pub fn add_sparta(&mut self, cluster: &[u8]) -> Vec<Fault> {
        let node = match json::parse(cluster) {
            Ok(node) => node,
            Err(error) => return vec![error.to_fault(0)],
        };
        let kind = match node.text("type") {
            Some("sparta-techniques") => TechniqueKind::Technique,
            Some("sparta-mitigations") => TechniqueKind::Countermeasure,
            _ => {
                let message = "this is no cluster of SPARTA techniques or mitigations";
                return vec![Fault::error("threat::not_sparta", message).in_field("type")];
            }
        };
        let mut faults = Vec::new();
        for one in node.get("values").and_then(Node::as_list).unwrap_or_default() {
            let place = |fault: Fault| fault.at_bytes(one.start as u64, one.end as u64);
            let meta = one.get("meta");
            let Some(external_id) = meta.and_then(|meta| meta.text("external_id")) else {
                faults.push(place(Fault::warning(
                    "threat::no_external_id",
                    "an entry without an id: left out",
                )));
                continue;
            };
            let texts = |key: &str| {
                let list = meta.and_then(|meta| meta.get(key)).and_then(Node::as_list).unwrap_or_default();
                list.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect::<Vec<_>>()
            };
            let tactic = |text: String| text.strip_prefix("sparta:").unwrap_or(&text).to_owned();
            let technique = Technique {
                external_id: external_id.to_owned(),
                name: one.text("value").unwrap_or_default().to_owned(),
                framework: Framework::Sparta,
                kind,
                tactics: texts("kill_chain").into_iter().map(tactic).collect(),
                source: "sparta".to_owned(),
                url: texts("refs").into_iter().next(),
                id: one.text("uuid").unwrap_or_default().to_owned(),
                withdrawn: false,
                relations: Vec::new(),
            };
            faults.extend(self.add(technique).map(place));
        }
        self.relate_sparta();
        faults
    }

    /// A number behind a point is a part of what stands before the point.
    fn relate_sparta(&mut self) {
        let parts: Vec<(String, String)> = self
            .entries
            .values()
            .filter(|one| one.framework == Framework::Sparta)
            .filter_map(|one| Some((one.external_id.clone(), one.external_id.rsplit_once('.')?.0.to_owned())))
            .collect();
        for (part, whole) in parts {
            let end = |id: &str| {
                self.get(id).map(|one| End { external_id: Some(id.to_owned()), name: one.name.clone() })
            };
            let (from, to) = (end(&part), end(&whole));
            self.relate("subtechnique-of", from.as_ref(), to.as_ref());
        }
    }

    fn add(&mut self, technique: Technique) -> Option<Fault> {
        let key = technique.external_id.to_ascii_uppercase();
        match self.entries.get(&key) {
            None => {
                self.entries.insert(key, technique);
                None
            }
            // A list may be read twice; a withdrawn entry gives way to one that is not.
            Some(old) if old.id == technique.id => None,
            Some(old) if old.withdrawn && !technique.withdrawn => {
                self.entries.insert(key, technique);
                None
            }
            Some(_) if technique.withdrawn => None,
            Some(old) => {
                let message = format!("{key} is also {} of {}: the first stays", old.name, old.source);
                Some(Fault::warning("threat::duplicate_id", message))
            }
        }
    }

    fn relate(&mut self, kind: &str, from: Option<&End>, to: Option<&End>) {
        let (Some(from), Some(to)) = (from, to) else { return };
        let back = match kind {
            "subtechnique-of" => "has-subtechnique".to_owned(),
            "mitigates" => "mitigated-by".to_owned(),
            "uses" => "used-by".to_owned(),
            "detects" => "detected-by".to_owned(),
            "revoked-by" => "replaces".to_owned(),
            other => format!("{other} (from)"),
        };
        for (one, other, kind) in [(from, to, kind.to_owned()), (to, from, back)] {
            let Some(key) = one.external_id.as_ref().map(|id| id.to_ascii_uppercase()) else { continue };
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            let id = other.external_id.clone().unwrap_or_default();
            let relation = Relation { kind, other: id, name: other.name.clone() };
            if let Err(at) = entry.relations.binary_search(&relation) {
                entry.relations.insert(at, relation);
            }
        }
    }
}
