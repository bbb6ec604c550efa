//! Incidents, for each reader of the findings that the reader has and of no others.
//!
//! An incident that rested on a finding its reader does not have would tell of it, and one that stayed here for such a
//! finding would tell that there is one. So what belongs together is asked once for the people of this node and once
//! for each peer, from the findings that have a place in a log for it. Mostly the answers are the same, and then it is
//! one entry for all. Where they are not, each reader gets its own, and the people of this node read theirs alone:
//! [`IncidentParts`] names the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use base::{EntryId, Finding, Marking, NodeName, Noun, Recall};
use incident::{GroupRules, Incident};
use label::Evidence;
use record::{Batch, Entry, RecordStore, Stored};
use serde::{Deserialize, Serialize};

use super::exchange::hand_on;
use super::{Plan, Writer, recalled};
use crate::NodeError;
use crate::core::Draft;
use crate::peer_link::PeerLink;
use crate::view::OwnerRows;

/// Findings of which a new peer is told at a time.
const TOLD_AT_ONCE: usize = 1000;

/// Incidents that were made for peers which do not have all findings of one of this node's own. The people of this
/// node read that one instead. Never released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentParts {
    /// The entries of those incidents, in the order of the log.
    pub incidents: Vec<EntryId>,
    /// Releasable to nobody.
    pub marking: Marking,
}

impl Noun for IncidentParts {
    const SCHEMA: &'static str = "bongsu.incident-parts/1";
}

/// Which peers are to have which of the incidents of a commit.
#[derive(Debug, Default)]
pub(super) struct Readers(HashMap<EntryId, BTreeSet<NodeName>>);

impl Readers {
    /// Whether the entry is for the peer: every entry that is no incident is, as far as the kernel lets it go.
    pub(super) fn has(&self, entry: &Entry, peer: &NodeName) -> bool {
        entry.kind() != Incident::SCHEMA
            || self.0.get(&entry.id()).is_some_and(|readers| readers.contains(peer))
    }
}

/// An incident to be written.
struct Wanted {
    incident: Incident,
    /// Whether the people of this node read it.
    at_home: bool,
    readers: BTreeSet<NodeName>,
}

impl Writer {
    fn group_rules(&self) -> GroupRules {
        GroupRules { gap_seconds: self.core.config.incident_gap_hours * 3600.0 }
    }

    /// Adds the incident entries that follow from new findings and recalls, and says who is to have them. Only what
    /// these can touch is read.
    pub(super) fn regroup(&self, entries: &mut Vec<(Entry, Draft)>) -> Result<Readers, NodeError> {
        self.recall_parts(entries)?;
        let recalls = recalled(entries);
        let fresh: Vec<(EntryId, Finding)> = entries
            .iter()
            .filter_map(|(entry, draft)| {
                if let Draft::Finding(finding) = draft { Some((entry.id(), finding.clone())) } else { None }
            })
            .collect();
        if recalls.is_empty() && fresh.is_empty() {
            return Ok(Readers::default());
        }
        let places: Vec<u64> =
            recalls.iter().filter_map(|id| self.record.place(id).transpose()).collect::<Result<_, _>>()?;
        let withdrawn = self.told_of(&places, &recalls)?;
        let change = Change { fresh: &fresh, places: &places, recalls: &recalls, withdrawn: &withdrawn };
        let home = self.changed(None, &change)?;
        let mut wanted: Vec<Wanted> = home
            .write
            .into_iter()
            .map(|incident| Wanted { incident, at_home: true, readers: BTreeSet::new() })
            .collect();
        let pending = pending(entries);
        for link in self.core.links().iter().filter(|link| link.via.is_none()) {
            let name = &link.peer.node;
            let mut has = Vec::new();
            for (entry, draft) in entries.iter() {
                if let Draft::Finding(finding) = draft
                    && matches!(self.decide(entry, link, &pending)?, Some(Ok(_)))
                {
                    has.push((entry.id(), finding.clone()));
                }
            }
            if has.is_empty() && recalls.is_empty() {
                continue;
            }
            let theirs = self.changed(Some(name), &Change { fresh: &has, ..change })?;
            for incident in theirs.write {
                match wanted.iter_mut().find(|wanted| wanted.incident == incident) {
                    Some(same) => drop(same.readers.insert(name.clone())),
                    None => wanted.push(Wanted { incident, at_home: false, readers: [name.clone()].into() }),
                }
            }
        }
        let gone = withdrawn.iter().map(|(id, marking)| (*id, marking.clone()));
        for (target, marking) in gone.chain(home.withdraw) {
            let reason = "it told of a finding that was recalled".to_owned();
            let draft = Draft::Recall(Recall { target, reason, marking });
            entries.push((self.core.sign(&draft, None)?, draft));
        }
        self.add_incidents(wanted, pending, entries)
    }

    /// With an incident that an officer takes back goes what peers have of it, in the officer's words.
    fn recall_parts(&self, entries: &mut Vec<(Entry, Draft)>) -> Result<(), NodeError> {
        let mut parts: BTreeMap<EntryId, Recall> = BTreeMap::new();
        for (_, draft) in entries.iter() {
            let Draft::Recall(recall) = draft else { continue };
            let owner = self.folds.owner()?;
            let row = self.record.place(&recall.target)?.map(|place| owner.at(place)).transpose()?.flatten();
            // Of one that was replaced here nothing follows for what replaced it.
            let row = row.filter(|row| row.is_own() && row.superseded_by.is_none());
            let Some(whole) = row.and_then(|row| row.incident()) else { continue };
            for link in self.core.links() {
                for part in self.told_to(&link.peer.node, &whole)? {
                    if part != recall.target {
                        parts.insert(part, Recall { target: part, ..recall.clone() });
                    }
                }
            }
        }
        let taken_back = recalled(entries);
        for (_, recall) in parts.into_iter().filter(|(part, _)| !taken_back.contains(part)) {
            let draft = Draft::Recall(recall);
            entries.push((self.core.sign(&draft, None)?, draft));
        }
        Ok(())
    }

    /// The incidents that a peer has of the findings of `whole`.
    fn told_to(&self, peer: &NodeName, whole: &Incident) -> Result<BTreeSet<EntryId>, NodeError> {
        let owner = self.folds.owner()?;
        let mut told = BTreeSet::new();
        for finding in &whole.findings {
            let Some(place) = self.record.place(finding)? else { continue };
            told.extend(owner.open_to(peer, place)?.into_iter().map(|row| row.id));
        }
        Ok(told)
    }

    /// The incidents that tell of one of the findings at `places`, whoever reads them, also those that were replaced
    /// since; in the order of the log.
    fn told_of(&self, places: &[u64], recalls: &[EntryId]) -> Result<Vec<(EntryId, Marking)>, NodeError> {
        let owner = self.folds.owner()?;
        let mut told: BTreeMap<u64, (EntryId, Option<Marking>)> = BTreeMap::new();
        for place in places {
            let with = owner.incidents_with(*place)?;
            told.extend(with.into_iter().map(|row| (row.seq, (row.id, row.marking))));
        }
        Ok(told
            .into_values()
            .filter(|(id, _)| !recalls.contains(id))
            .filter_map(|(id, marking)| Some((id, marking?)))
            .collect())
    }

    /// What a change makes of the incidents of one reader: a peer, or the people of this node.
    fn changed(&self, reader: Option<&NodeName>, change: &Change<'_>) -> Result<Changed, NodeError> {
        let owner: OwnerRows<'_> = self.folds.owner()?;
        let rules = self.group_rules();
        let new: Vec<&Finding> = change.fresh.iter().map(|(_, finding)| finding).collect();
        let mut near = owner.nearby(reader, &new, change.places, rules.gap_seconds)?;
        near.findings.retain(|(id, _)| !change.recalls.contains(id));
        near.findings.extend(change.fresh.iter().cloned());
        near.incidents.retain(|(id, _)| !change.is_gone(id));
        let update = incident::update(&near.incidents, &near.findings, &rules);
        let marking =
            |id: &EntryId| near.incidents.iter().find(|(i, _)| i == id).map(|(_, i)| i.marking.clone());
        let withdraw = update.withdraw.into_iter().filter_map(|id| Some((id, marking(&id)?))).collect();
        Ok(Changed { write: update.write, withdraw })
    }

    /// Signs the incidents in an order that follows from each of them alone, so that no reader learns from it of
    /// others, and passes over what no reader may have.
    fn add_incidents(
        &self,
        mut wanted: Vec<Wanted>,
        pending: HashMap<EntryId, Evidence>,
        entries: &mut Vec<(Entry, Draft)>,
    ) -> Result<Readers, NodeError> {
        fn key(incident: &Incident) -> impl Ord + '_ {
            let worst_first = std::cmp::Reverse(incident.severity);
            (worst_first, incident.interval.start(), &incident.findings, &incident.supersedes)
        }
        wanted.sort_by(|a, b| key(&a.incident).cmp(&key(&b.incident)));
        let mut readers = Readers::default();
        let mut parts = Vec::new();
        for Wanted { incident, at_home, readers: of } in wanted {
            let draft = Draft::Incident(incident);
            let entry = self.core.sign(&draft, None)?;
            if !at_home {
                let may = |link: &Arc<PeerLink>| {
                    of.contains(&link.peer.node) && self.judged(entry.clone(), false, link, &pending).is_ok()
                };
                if !self.core.links().iter().any(may) {
                    continue;
                }
                parts.push(entry.id());
            }
            readers.0.insert(entry.id(), of);
            entries.push((entry, draft));
        }
        if !parts.is_empty() {
            let draft = self.parts(parts);
            entries.push((self.core.sign(&draft, None)?, draft));
        }
        Ok(readers)
    }

    fn parts(&self, incidents: Vec<EntryId>) -> Draft {
        // Of the lowest level: each person here who sees the incidents must see that they are parts.
        let marking = Marking::new("UNCLASSIFIED", &[], self.core.config.country.as_str());
        Draft::Parts(IncidentParts { incidents, marking })
    }

    /// Tells a peer that was just introduced of the incidents that its findings at and behind place `from` of the home
    /// log make. Those that were written before are not for it: whether they rest on all of its findings, or on more,
    /// would tell of what it does not have.
    pub(super) fn tell_of_incidents(&mut self, link: &Arc<PeerLink>, from: u64) -> Result<(), NodeError> {
        let name = &link.peer.node;
        let mut from = from;
        loop {
            let untold = self.folds.owner()?.untold(name, from, TOLD_AT_ONCE)?;
            let Some((last, ..)) = untold.last() else { return Ok(()) };
            from = last + 1;
            let fresh: Vec<(EntryId, Finding)> =
                untold.into_iter().map(|(_, id, finding)| (id, finding)).collect();
            let change = Change { fresh: &fresh, places: &[], recalls: &[], withdrawn: &[] };
            let theirs = self.changed(Some(name), &change)?;
            let wanted = theirs.write.into_iter().map(|incident| Wanted {
                incident,
                at_home: false,
                readers: [name.clone()].into(),
            });
            self.write_for(link, wanted.collect())?;
        }
    }

    /// Records incidents for one peer that is not among the links yet.
    fn write_for(&mut self, link: &Arc<PeerLink>, wanted: Vec<Wanted>) -> Result<(), NodeError> {
        let mut signed = Vec::new();
        for Wanted { incident, .. } in wanted {
            let entry = self.core.sign(&Draft::Incident(incident), None)?;
            if let Ok(released) = self.judged(entry.clone(), false, link, &HashMap::new()) {
                signed.push((entry, released));
            }
        }
        if signed.is_empty() {
            return Ok(());
        }
        let incidents = signed.iter().map(|(entry, _)| entry.id()).collect();
        let parts = self.core.sign(&self.parts(incidents), None)?;
        let entries: Vec<Entry> = signed.iter().map(|(entry, _)| entry.clone()).chain([parts]).collect();
        let mut plan = Plan { batch: Batch::of(entries.iter().cloned()), ..Plan::default() };
        for (home, (entry, released)) in (self.record.log_size()..).zip(signed) {
            plan.add(link, home, entry.id(), Ok(released));
        }
        let committed = self.record.commit(&plan.batch)?;
        let fresh = stored(&entries, &committed.places);
        self.after_commit(&plan.batch, &fresh, |writer| writer.note_decisions(plan.decisions, 0));
        hand_on(plan.released);
        Ok(())
    }
}

/// What a commit changes about findings.
#[derive(Clone, Copy)]
struct Change<'a> {
    fresh: &'a [(EntryId, Finding)],
    /// Where what is recalled stands.
    places: &'a [u64],
    recalls: &'a [EntryId],
    /// The incidents that are recalled with it.
    withdrawn: &'a [(EntryId, Marking)],
}

impl Change<'_> {
    fn is_gone(&self, id: &EntryId) -> bool {
        self.recalls.contains(id) || self.withdrawn.iter().any(|(withdrawn, _)| withdrawn == id)
    }
}

/// What becomes of the incidents of one reader.
struct Changed {
    write: Vec<Incident>,
    withdraw: Vec<(EntryId, Marking)>,
}

/// What the kernel asks about evidence that is in the same commit.
pub(super) fn pending(entries: &[(Entry, Draft)]) -> HashMap<EntryId, Evidence> {
    let held = entries.iter().map(|(entry, _)| (entry.id(), Evidence::held(entry)));
    let recalled = recalled(entries).into_iter().map(|id| (id, Evidence::Recalled));
    held.chain(recalled).collect()
}

/// Own entries as they were stored.
pub(super) fn stored(entries: &[Entry], places: &[(u64, bool)]) -> Vec<Stored> {
    entries
        .iter()
        .zip(places)
        .map(|(entry, (seq, _))| Stored {
            seq: *seq,
            id: entry.id(),
            entry: Some(entry.clone()),
            key: *entry.key(),
            received: None,
        })
        .collect()
}
