//! Which techniques were seen: counted over findings, STIX, MISP events and hits of rules, across frameworks.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use base::{Fault, Finding, Timestamp};

use crate::stix::json::{self, Node};
use crate::stix::{BundleReader, Piece, ReadLimits};
use crate::technique::{Framework, TechniqueIndex};

/// A technique that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TechniqueSeen {
    /// Its id: `T1059.001`, `EX-0016`.
    pub technique: String,
    /// Its name, when the index or an object that was read says it.
    pub name: Option<String>,
    /// Whose list it is from.
    pub framework: Framework,
    /// Its tactics, sorted, when known.
    pub tactics: Vec<String>,
    /// How often it was seen. An `attack-pattern` counts by what refers to it, once when nothing does.
    pub seen: u64,
    /// The earliest time at which it was seen, as far as what was read says.
    pub first: Option<Timestamp>,
    /// The latest.
    pub last: Option<Timestamp>,
    /// Where it was seen, sorted.
    pub sources: Vec<String>,
}

/// Counts techniques of ATT&CK and SPARTA.
///
/// ```
/// let mut matrix = threat::TechniqueMatrix::new();
/// let hit = br#"{"time": "2026-03-10T12:00:00Z", "rule": "Whoami", "tags": ["attack.t1033"]}"#;
/// assert!(matrix.read(&hit[..], "hits.ndjson").is_empty());
/// let seen = matrix.items(&threat::TechniqueIndex::new());
/// assert_eq!((seen[0].technique.as_str(), seen[0].seen), ("T1033", 1));
/// ```
#[derive(Debug, Clone, Default)]
pub struct TechniqueMatrix {
    seen: BTreeMap<(Framework, String), Seen>,
    /// What objects that were read say of techniques: name and tactics.
    told: BTreeMap<String, (String, Vec<String>)>,
}

#[derive(Debug, Clone, Default)]
struct Seen {
    count: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    sources: BTreeSet<String>,
}

/// When something was seen: from and to.
type Times = (Option<Timestamp>, Option<Timestamp>);

/// What a STIX object refers to: the object, how often, when.
type Reference = (String, u64, Times);

/// Attack patterns of one source, and what refers to them.
#[derive(Default)]
struct References {
    patterns: BTreeMap<String, BTreeSet<String>>,
    to: Vec<Reference>,
}

/// Relationships that say nothing about what was seen.
const KNOWLEDGE: &[&str] =
    &["derived-from", "detects", "duplicate-of", "mitigates", "revoked-by", "subtechnique-of"];

impl TechniqueMatrix {
    /// Without any technique.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the techniques of a finding: its objects `attack:T1059` and `sparta:EX-0016`.
    pub fn add_finding(&mut self, finding: &Finding, source: &str) {
        let times = (Some(finding.interval.start()), Some(finding.interval.end()));
        let ids: BTreeSet<String> =
            finding.objects.iter().filter_map(|object| of_object(&object.id)).collect();
        ids.iter().for_each(|id| self.note(id, source, 1, times));
    }

    /// Counts what is in a source: STIX bundles, MISP events, findings and hits, also one a line or in the `items` of
    /// a document. Each object is held by itself.
    pub fn read(&mut self, input: impl Read, source: &str) -> Vec<Fault> {
        let mut reader = BundleReader::new(input, ReadLimits::default());
        let (mut faults, mut references) = (Vec::new(), References::default());
        while let Some(piece) = reader.next_piece() {
            match piece {
                Piece::Object(object) => match json::parse(object.bytes) {
                    Ok(node) => self.object(&node, source, &mut references),
                    Err(error) => faults.push(error.to_fault(object.offset).at_line(object.line)),
                },
                Piece::Fault(fault) => faults.push(fault),
                Piece::Frame(_) => {}
            }
        }
        let mut referred = BTreeSet::new();
        for (to, count, times) in &references.to {
            for id in references.patterns.get(to).into_iter().flatten() {
                referred.insert(to);
                self.note(id, source, *count, *times);
            }
        }
        for (pattern, ids) in &references.patterns {
            if !referred.contains(pattern) {
                ids.iter().for_each(|id| self.note(id, source, 1, (None, None)));
            }
        }
        faults.into_iter().map(|fault| fault.in_source(source)).collect()
    }

    fn object(&mut self, node: &Node<'_>, source: &str, references: &mut References) {
        if let Some(items) = node.get("items").and_then(Node::as_list) {
            items.iter().for_each(|item| self.item(item, source));
        } else if let Some(event) = node.get("Event") {
            self.misp(event, source);
        } else if let Some(events) = node.get("response").and_then(Node::as_list) {
            events.iter().filter_map(|one| one.get("Event")).for_each(|event| self.misp(event, source));
        } else if node.text("type").is_some() && node.text("id").is_some() {
            self.stix(node, source, references);
        } else {
            self.item(node, source);
        }
    }

    /// A finding, or a hit with `techniques` or `tags`.
    fn item(&mut self, node: &Node<'_>, source: &str) {
        let texts = |key: &str| {
            let list = node.get(key).and_then(Node::as_list).unwrap_or_default();
            list.iter().filter_map(Node::as_str).collect::<Vec<_>>()
        };
        let objects = node.get("objects").and_then(Node::as_list).unwrap_or_default();
        let mut ids: BTreeSet<String> =
            objects.iter().filter_map(|object| of_object(object.text("id")?)).collect();
        // The stream reader takes a finding for a bundle and gives its objects one by one: they have no time.
        ids.extend(node.text("id").and_then(of_object));
        ids.extend(texts("techniques").into_iter().filter_map(known));
        ids.extend(texts("tags").into_iter().filter_map(of_tag));
        let part = |key: &str| node.get("interval").and_then(|interval| time(interval, key));
        let at = time(node, "time");
        let times = (part("start").or(at), part("end").or(at));
        ids.iter().for_each(|id| self.note(id, source, 1, times));
    }

    fn stix(&mut self, node: &Node<'_>, source: &str, references: &mut References) {
        match node.text("type") {
            Some("relationship") => {
                if node.text("relationship_type").is_none_or(|kind| KNOWLEDGE.contains(&kind)) {
                    return;
                }
                let times = (time(node, "start_time"), time(node, "stop_time"));
                let ends = ["source_ref", "target_ref"].into_iter().filter_map(|key| node.text(key));
                references.to.extend(ends.map(|end| (end.to_owned(), 1, times)));
            }
            Some("sighting") => {
                let count = match node.get("count").map(|node| &node.value) {
                    Some(json::Value::Number(text)) => text.parse().unwrap_or(1),
                    _ => 1,
                };
                if let Some(of) = node.text("sighting_of_ref") {
                    let times = (time(node, "first_seen"), time(node, "last_seen"));
                    references.to.push((of.to_owned(), count, times));
                }
            }
            // What helps, and what a list of techniques is made of.
            Some("course-of-action" | "marking-definition" | "extension-definition") => {}
            Some("attack-pattern") => {
                let ids = of_references(node);
                let phases = node.get("kill_chain_phases").and_then(Node::as_list).unwrap_or_default();
                let mut tactics: Vec<String> =
                    phases.iter().filter_map(|one| one.text("phase_name").map(str::to_owned)).collect();
                tactics.sort();
                tactics.dedup();
                if let Some(name) = node.text("name") {
                    for id in &ids {
                        self.told.entry(id.clone()).or_insert_with(|| (name.to_owned(), tactics.clone()));
                    }
                }
                references
                    .patterns
                    .entry(node.text("id").unwrap_or_default().to_owned())
                    .or_default()
                    .extend(ids);
            }
            Some(kind) if kind.starts_with("x-mitre-") => {}
            _ => {
                let times = (time(node, "first_seen"), time(node, "last_seen"));
                of_references(node).iter().for_each(|id| self.note(id, source, 1, times));
            }
        }
    }

    /// The event, its attributes and its objects, each by its own tags and galaxies.
    fn misp(&mut self, event: &Node<'_>, source: &str) {
        let day = event.text("date").and_then(|day| format!("{day}T00:00:00Z").parse().ok());
        self.tagged(event, source, (day, day));
        let of = |node: &Node<'_>| {
            let stamp = node.text("timestamp").and_then(|text| text.parse::<i64>().ok());
            let stamp =
                stamp.and_then(|seconds| seconds.checked_mul(1_000_000_000)).map(Timestamp::from_unix_nanos);
            (time(node, "first_seen").or(stamp), time(node, "last_seen").or(stamp))
        };
        for attribute in event.get("Attribute").and_then(Node::as_list).unwrap_or_default() {
            self.tagged(attribute, source, of(attribute));
        }
        for object in event.get("Object").and_then(Node::as_list).unwrap_or_default() {
            for attribute in object.get("Attribute").and_then(Node::as_list).unwrap_or_default() {
                self.tagged(attribute, source, of(attribute));
            }
        }
    }

    /// A tag and the galaxy cluster that it names are one mention.
    fn tagged(&mut self, node: &Node<'_>, source: &str, times: Times) {
        let mut ids = BTreeSet::new();
        for tag in node.get("Tag").and_then(Node::as_list).unwrap_or_default() {
            ids.extend(tag.text("name").and_then(of_tag));
        }
        for galaxy in node.get("Galaxy").and_then(Node::as_list).unwrap_or_default() {
            for cluster in galaxy.get("GalaxyCluster").and_then(Node::as_list).unwrap_or_default() {
                let external = cluster.get("meta").and_then(|meta| meta.get("external_id"));
                let external = external.and_then(Node::as_list).unwrap_or_default();
                ids.extend(external.iter().filter_map(Node::as_str).filter_map(known));
                ids.extend(cluster.text("tag_name").and_then(of_tag));
            }
        }
        ids.iter().for_each(|id| self.note(id, source, 1, times));
    }

    fn note(&mut self, id: &str, source: &str, count: u64, (first, last): Times) {
        let Some(framework) = framework(id) else { return };
        let seen = self.seen.entry((framework, id.to_owned())).or_default();
        seen.count = seen.count.saturating_add(count);
        for time in [first, last].into_iter().flatten() {
            seen.first = Some(seen.first.map_or(time, |known| known.min(time)));
            seen.last = Some(seen.last.map_or(time, |known| known.max(time)));
        }
        seen.sources.insert(source.to_owned());
    }

    /// What was seen, by framework and id. Names and tactics are those of `index`, else those that were read.
    pub fn items(&self, index: &TechniqueIndex) -> Vec<TechniqueSeen> {
        let item = |((framework, id), seen): (&(Framework, String), &Seen)| {
            let told = match index.get(id) {
                Some(known) => Some((known.name.clone(), known.tactics.clone())),
                None => self.told.get(id).cloned(),
            };
            let (name, mut tactics) =
                told.map_or((None, Vec::new()), |(name, tactics)| (Some(name), tactics));
            tactics.sort();
            tactics.dedup();
            TechniqueSeen {
                technique: id.clone(),
                name,
                framework: *framework,
                tactics,
                seen: seen.count,
                first: seen.first,
                last: seen.last,
                sources: seen.sources.iter().cloned().collect(),
            }
        };
        self.seen.iter().map(item).collect()
    }
}

fn time(node: &Node<'_>, key: &str) -> Option<Timestamp> {
    node.text(key)?.parse().ok()
}

/// Techniques among the external references of an object.
fn of_references(node: &Node<'_>) -> BTreeSet<String> {
    let references = node.get("external_references").and_then(Node::as_list).unwrap_or_default();
    let listed = |one: &&Node<'_>| {
        one.text("source_name").is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            name.starts_with("mitre") || name.contains("attack") || name.contains("sparta")
        })
    };
    references.iter().filter(listed).filter_map(|one| known(one.text("external_id")?)).collect()
}

/// `attack:T1059` of a finding.
fn of_object(id: &str) -> Option<String> {
    let (space, id) = id.split_once(':')?;
    ["attack", "sparta"].contains(&space).then(|| known(id)).flatten()
}

/// `attack.t1059` of a rule, `misp-galaxy:mitre-attack-pattern="Name - T1059"` of MISP.
fn of_tag(tag: &str) -> Option<String> {
    if let Some((_, id)) =
        tag.split_once('.').filter(|(space, _)| ["attack", "sparta"].contains(&&*space.to_ascii_lowercase()))
    {
        return known(id);
    }
    let value = tag.strip_prefix("misp-galaxy:")?.trim_end_matches('"');
    known(value.rsplit([' ', '"']).next()?)
}

/// The id in capitals when it is one of a technique.
fn known(id: &str) -> Option<String> {
    let id = id.trim().to_ascii_uppercase();
    framework(&id).map(|_| id)
}

/// Whose technique an id is, by its form.
fn framework(id: &str) -> Option<Framework> {
    const SPARTA: &[&str] = &["DE", "EX", "EXF", "IA", "IMP", "LM", "PER", "RD", "REC"];
    let numbers = |text: &str, part_length: usize| {
        let (whole, part) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
        let digits = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        digits(whole, 4) && part.is_none_or(|part| digits(part, part_length))
    };
    if id.strip_prefix('T').is_some_and(|rest| numbers(rest, 3)) {
        return Some(Framework::Attack);
    }
    let (tactic, rest) = id.split_once('-')?;
    (SPARTA.contains(&tactic) && numbers(rest, 2)).then_some(Framework::Sparta)
}
