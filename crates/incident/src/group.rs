use std::collections::BTreeMap;

use base::{EntryId, Finding, Interval, Marking, ObjectRef, Timestamp};

use crate::title::title;
use crate::{Incident, TimelineItem};

/// How findings are grouped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupRules {
    /// The longest silence inside an incident, in seconds: findings further apart begin a new one. Below zero or NaN
    /// counts as zero.
    pub gap_seconds: f64,
}

impl Default for GroupRules {
    /// Six hours: some four revolutions of a low orbit, and about one watch.
    fn default() -> Self {
        Self { gap_seconds: 6.0 * 3600.0 }
    }
}

/// A finding with the id of its entry.
pub(crate) type Entry<'a> = (EntryId, &'a Finding);

/// The incidents that these findings make, sorted by severity (worst first), start and first finding.
///
/// Two findings belong to the same incident when all of this holds, directly or through further findings:
///
/// - their markings have the same level, REL words, caveats and originator, in any order of words. A group code and
///   its members spelt out count as different: two incidents too many are better than one that leaks;
/// - they share an object that ties. A finding that names protected objects is tied by those only: one bystander that
///   passes two protected satellites does not make one incident of them. Without any protected object every object
///   ties;
/// - their intervals touch or lie within [`gap_seconds`](GroupRules::gap_seconds) of each other.
///
/// A finding without objects is an incident of its own. The same entry given twice counts once (the first is taken).
/// The number of beacons is that of the worst finding.
///
/// Takes O(n log n) for n mentions of objects.
///
/// So that a withheld finding cannot hold an incident back either, each finding's marking must be at least as narrow
/// as that of its evidence, as [`Finding::marking`] demands, and recalled findings must be left out by the caller.
pub fn group(findings: &[(EntryId, Finding)], rules: &GroupRules) -> Vec<Incident> {
    let mut unique: BTreeMap<EntryId, &Finding> = BTreeMap::new();
    for (id, finding) in findings {
        unique.entry(*id).or_insert(finding);
    }
    let mut by_marking: BTreeMap<Marking, Vec<Entry<'_>>> = BTreeMap::new();
    for (id, finding) in unique {
        by_marking.entry(normalised(&finding.marking)).or_default().push((id, finding));
    }
    let mut incidents: Vec<Incident> = by_marking
        .into_iter()
        .flat_map(|(marking, mut class)| {
            class.sort_by_key(|(id, finding)| (finding.interval.start(), *id));
            components(&class, rules)
                .into_iter()
                .map(|members| build(&members, marking.clone()))
                .collect::<Vec<_>>()
        })
        .collect();
    incidents.sort_by(|a, b| {
        (b.severity, a.interval.start(), &a.findings).cmp(&(a.severity, b.interval.start(), &b.findings))
    });
    incidents
}

/// The marking with each list sorted and nothing twice: the words as a set.
pub(crate) fn normalised(marking: &Marking) -> Marking {
    let set = |words: &[String]| {
        let mut words = words.to_vec();
        words.sort();
        words.dedup();
        words
    };
    let mut derived_from = marking.derived_from.clone();
    derived_from.sort();
    derived_from.dedup();
    Marking {
        rel_to: set(&marking.rel_to),
        caveats: set(&marking.caveats),
        categories: set(&marking.categories),
        display_only: set(&marking.display_only),
        derived_from,
        ..marking.clone()
    }
}

/// The objects by which a finding is tied to others: the protected ones, or all when none is protected.
pub(crate) fn ties(finding: &Finding) -> impl Iterator<Item = &ObjectRef> {
    let any_protected = finding.objects.iter().any(|object| object.protected);
    finding.objects.iter().filter(move |object| object.protected || !any_protected)
}

/// Splits findings of one marking, sorted by start, into those that belong together, each still sorted.
fn components<'a>(class: &[Entry<'a>], rules: &GroupRules) -> Vec<Vec<Entry<'a>>> {
    let gap_seconds = rules.gap_seconds.max(0.0);
    let mut sets = Sets::new(class.len());
    // Per tying object the last end so far and who has it. Sorted by start, a finding that is too late for the last
    // end is too late for all before it.
    let mut last: BTreeMap<&str, (Interval, usize)> = BTreeMap::new();
    for (index, (_, finding)) in class.iter().enumerate() {
        for object in ties(finding) {
            let here = (finding.interval, index);
            let latest = last.entry(&object.id).or_insert(here);
            if latest.0.gap_seconds(&finding.interval) <= gap_seconds {
                sets.unite(latest.1, index);
            }
            if latest.0.end() <= finding.interval.end() {
                *latest = here;
            }
        }
    }
    let mut members: BTreeMap<usize, Vec<Entry<'a>>> = BTreeMap::new();
    for (index, entry) in class.iter().enumerate() {
        members.entry(sets.root(index)).or_default().push(*entry);
    }
    members.into_values().collect()
}

/// Disjoint sets over `0..n`.
struct Sets(Vec<usize>);

impl Sets {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn root(&mut self, mut index: usize) -> usize {
        while self.0[index] != index {
            self.0[index] = self.0[self.0[index]];
            index = self.0[index];
        }
        index
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// One incident of findings that are sorted by start and id; there is at least one.
fn build(members: &[Entry<'_>], marking: Marking) -> Incident {
    let mut objects: BTreeMap<&str, ObjectRef> = BTreeMap::new();
    for object in members.iter().flat_map(|(_, finding)| &finding.objects) {
        let known = objects.entry(&object.id).or_insert_with(|| object.clone());
        known.protected |= object.protected;
        // Of several names the first by letter, so that the order of findings plays no part.
        if object.name.is_some() && (known.name.is_none() || object.name < known.name) {
            known.name.clone_from(&object.name);
        }
    }
    let objects: Vec<ObjectRef> = objects.into_values().collect();
    let ids: Vec<EntryId> = members.iter().map(|(id, _)| *id).collect();
    let interval = members
        .iter()
        .map(|(_, finding)| finding.interval)
        .reduce(|all, one| all.hull(&one))
        .unwrap_or(Interval::at(Timestamp::UNIX_EPOCH));
    Incident {
        title: title(members, &objects),
        severity: members.iter().map(|(_, f)| f.severity).max().unwrap_or(base::Severity::Calm),
        interval,
        objects,
        timeline: members
            .iter()
            .map(|(id, finding)| TimelineItem {
                time: finding.interval.start(),
                kind: finding.kind.clone(),
                title: finding.title.clone(),
                entry: *id,
            })
            .collect(),
        findings: ids.clone(),
        marking,
        supersedes: Vec::new(),
        evidence: ids,
    }
}
