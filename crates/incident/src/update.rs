use std::collections::{BTreeMap, BTreeSet};

use base::{EntryId, Finding};

use crate::group::normalised;
use crate::{GroupRules, Incident, group};

/// What must be done so that the record's incidents are those that its findings make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Update {
    /// Incidents to write: new ones, and changed ones that supersede their former entries.
    pub write: Vec<Incident>,
    /// Incident entries to recall, sorted: those that nothing takes the place of, and those that rest on a finding
    /// that is gone. The latter repeat its title and times, so being superseded is not enough.
    pub withdraw: Vec<EntryId>,
}

/// Compares the current incidents with those that the findings make.
///
/// `current` are this node's incident entries that are neither recalled nor superseded; an entry stays superseded when
/// the one that took its place is recalled (one superseded by another in the list is passed over). `findings` are all findings that are not recalled, not only the new ones: a finding that
/// is not given counts as gone.
///
/// Both lists may be cut to what a change can touch. An incident that is not given is left alone; the findings must then
/// be those of the given incidents, those that are new, and those that share an object with a new one and lie within the
/// gap of it. All others form the incidents that they form already.
///
/// A wanted incident that is already there, apart from what it superseded, is left alone; otherwise it is written and
/// supersedes every current incident of the same marking with which it shares a finding. When what is to be written
/// was written and what is to be withdrawn was recalled, the next call finds nothing to do.
///
/// Former entries that were superseded long ago are not looked at: whoever recalls a finding recalls every entry that
/// rests on it.
pub fn update(
    current: &[(EntryId, Incident)],
    findings: &[(EntryId, Finding)],
    rules: &GroupRules,
) -> Update {
    let superseded: BTreeSet<EntryId> = current.iter().flat_map(|(_, i)| &i.supersedes).copied().collect();
    let current: BTreeMap<EntryId, &Incident> =
        current.iter().filter(|(id, _)| !superseded.contains(id)).map(|(id, i)| (*id, i)).collect();
    let mut holders: BTreeMap<EntryId, Vec<EntryId>> = BTreeMap::new();
    for (id, incident) in &current {
        for finding in &incident.findings {
            holders.entry(*finding).or_default().push(*id);
        }
    }

    let mut settled: BTreeSet<EntryId> = BTreeSet::new();
    let mut write = Vec::new();
    for mut wanted in group(findings, rules) {
        let former: BTreeSet<EntryId> =
            wanted.findings.iter().filter_map(|finding| holders.get(finding)).flatten().copied().collect();
        // Of two equal entries the first by id stays; the other is withdrawn below.
        let kept = former.iter().find(|id| current.get(id).is_some_and(|i| same_but_for_history(i, &wanted)));
        if let Some(kept) = kept {
            settled.insert(*kept);
            continue;
        }
        wanted.supersedes = former
            .into_iter()
            .filter(|id| current.get(id).is_some_and(|i| normalised(&i.marking) == wanted.marking))
            .collect();
        settled.extend(&wanted.supersedes);
        write.push(wanted);
    }

    let held: BTreeSet<EntryId> = findings.iter().map(|(id, _)| *id).collect();
    let withdraw = current
        .iter()
        .filter(|(id, incident)| {
            !settled.contains(id) || incident.findings.iter().any(|finding| !held.contains(finding))
        })
        .map(|(id, _)| *id)
        .collect();
    Update { write, withdraw }
}

fn same_but_for_history(a: &Incident, b: &Incident) -> bool {
    let without = |incident: &Incident| Incident { supersedes: Vec::new(), ..incident.clone() };
    without(a) == without(b)
}
