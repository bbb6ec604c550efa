//! What the record says now, kept in memory: every list and page is read from here. It follows from the entries
//! alone and is rebuilt from them at every start.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use base::{
    Country, EntryId, Facts, Finding, Interval, Marked, Marking, NodeName, Observation, Recall, Severity,
    Timestamp,
};
use incident::Incident;
use label::{Evidence, Withheld};
use link::Refused;
use record::{Entry, Peer, Stored};

/// What every entry shows in a list.
#[derive(Debug, Clone)]
pub(crate) struct Meta {
    pub(crate) seq: u64,
    pub(crate) id: EntryId,
    /// The schema of the body.
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) severity: Option<Severity>,
    pub(crate) node: NodeName,
    pub(crate) country: Country,
    pub(crate) time: Timestamp,
    pub(crate) received: Option<Timestamp>,
    pub(crate) marking: Option<Marking>,
    pub(crate) evidence: Vec<EntryId>,
    pub(crate) recalled_by: Option<EntryId>,
}

impl Meta {
    pub(crate) const fn is_own(&self) -> bool {
        self.received.is_none()
    }
}

/// A catalogue with what is computed from it once.
pub(crate) struct LoadedCatalogue {
    pub(crate) entry: EntryId,
    pub(crate) title: String,
    pub(crate) received: Timestamp,
    pub(crate) epochs: Option<Interval>,
    pub(crate) catalogue: orbit::Catalogue,
    pub(crate) ephemeris: orbit::Ephemeris,
}

/// One line of a peer's page, for the owner's eyes.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    pub(crate) id: EntryId,
    /// The place in the log for the peer, or why there is none.
    pub(crate) outcome: Result<u64, Withheld>,
}

#[derive(Default)]
pub(crate) struct Projection {
    pub(crate) entries: Vec<Meta>,
    pub(crate) by_id: HashMap<EntryId, usize>,
    pub(crate) findings: HashMap<EntryId, Arc<Finding>>,
    pub(crate) observations: HashMap<EntryId, Arc<Observation>>,
    pub(crate) incidents: HashMap<EntryId, Arc<Incident>>,
    /// Incident entries that a later one replaces, and by which.
    pub(crate) superseded: HashMap<EntryId, EntryId>,
    pub(crate) peers: BTreeMap<NodeName, Peer>,
    pub(crate) refusals: Vec<(EntryId, Refused)>,
    /// Per peer every own entry with its decision, in the order of the log.
    pub(crate) decisions: BTreeMap<NodeName, Vec<Decision>>,
    pub(crate) catalogue: Option<Arc<LoadedCatalogue>>,
    pub(crate) protected: Arc<std::collections::BTreeSet<base::NoradId>>,
    pub(crate) screened: Option<Interval>,
}

impl Projection {
    /// Takes in the next entry of the log.
    pub(crate) fn apply(&mut self, stored: &Stored) {
        let Some(entry) = &stored.entry else {
            return self.apply_purged(stored);
        };
        let mut meta = Meta {
            seq: stored.seq,
            id: stored.id,
            kind: entry.kind().to_owned(),
            title: String::new(),
            severity: None,
            node: entry.author().node.clone(),
            country: entry.author().country.clone(),
            time: entry.time(),
            received: stored.received,
            marking: base::Marked::marking(entry).cloned(),
            evidence: base::Marked::evidence(entry).to_vec(),
            recalled_by: None,
        };
        self.read_body(entry, stored, &mut meta);
        self.push(meta);
        if let Ok(recall) = entry.noun::<Recall>() {
            self.recall(&recall.target, stored.id);
        }
    }

    fn apply_purged(&mut self, stored: &Stored) {
        // The content is gone; only the place is known, and whose key signed it. It shows nowhere, but the recall that
        // follows is told of.
        let key = stored.key.to_hex();
        let author = self.peers.values().find(|p| p.key == key).map(|p| p.node.clone());
        if let Some(nobody) = author.or_else(|| "purged".parse::<NodeName>().ok())
            && let Ok(nowhere) = "ZZZ".parse::<Country>()
        {
            self.push(Meta {
                seq: stored.seq,
                id: stored.id,
                kind: "purged".to_owned(),
                title: String::new(),
                severity: None,
                node: nobody,
                country: nowhere,
                time: Timestamp::UNIX_EPOCH,
                received: stored.received,
                marking: None,
                evidence: Vec::new(),
                recalled_by: Some(stored.id),
            });
        }
    }

    fn push(&mut self, meta: Meta) {
        self.by_id.insert(meta.id, self.entries.len());
        self.entries.push(meta);
    }

    fn read_body(&mut self, entry: &Entry, stored: &Stored, meta: &mut Meta) {
        let own = stored.received.is_none();
        if let Ok(finding) = entry.noun::<Finding>() {
            meta.title.clone_from(&finding.title);
            meta.severity = Some(finding.severity);
            self.findings.insert(stored.id, Arc::new(finding));
        } else if let Ok(found) = entry.noun::<Incident>() {
            meta.title.clone_from(&found.title);
            meta.severity = Some(found.severity);
            for old in &found.supersedes {
                // Only its author may replace an incident.
                if self.get(old).is_none_or(|m| m.node == meta.node) {
                    self.superseded.insert(*old, stored.id);
                }
            }
            self.incidents.insert(stored.id, Arc::new(found));
        } else if let Ok(observation) = entry.noun::<Observation>() {
            meta.title.clone_from(&observation.title);
            self.observations.insert(stored.id, Arc::new(observation));
        } else if let Ok(recall) = entry.noun::<Recall>() {
            meta.title = recall.reason;
        } else if let Ok(peer) = entry.noun::<Peer>() {
            meta.title = format!("{} ({})", peer.title, peer.country);
            if own {
                self.peers.insert(peer.node.clone(), peer);
            }
        } else if let Ok(refused) = entry.noun::<Refused>() {
            meta.title = refused.refusal.to_string();
            self.refusals.push((stored.id, refused));
        } else {
            meta.title = entry.kind().to_owned();
        }
    }

    fn recall(&mut self, target: &EntryId, by: EntryId) {
        let Some(recaller) = self.get(&by).map(|m| m.node.clone()) else { return };
        let Some(index) = self.by_id.get(target).copied() else { return };
        let meta = &mut self.entries[index];
        if meta.node != recaller {
            return;
        }
        meta.recalled_by = Some(by);
        if !meta.is_own() {
            // The owner took it back: nothing of it stays in memory either.
            meta.title.clear();
            self.findings.remove(target);
            self.observations.remove(target);
            self.incidents.remove(target);
        }
    }

    pub(crate) fn get(&self, id: &EntryId) -> Option<&Meta> {
        self.by_id.get(id).and_then(|index| self.entries.get(*index))
    }

    /// What the label kernel asks about evidence.
    pub(crate) fn evidence(&self, id: &EntryId) -> Evidence {
        match self.get(id) {
            None => Evidence::Unknown,
            Some(meta) if meta.recalled_by.is_some() => Evidence::Recalled,
            Some(meta) => Evidence::Held {
                marking: meta.marking.clone(),
                evidence: meta.evidence.clone(),
                facts: self.facts(id),
            },
        }
    }

    /// What a national policy may look at; `None` for what is kept here without its content.
    fn facts(&self, id: &EntryId) -> Option<Facts> {
        let finding = self.findings.get(id).and_then(|finding| finding.facts());
        finding
            .or_else(|| self.observations.get(id).and_then(|observation| observation.facts()))
            .or_else(|| self.incidents.get(id).and_then(|incident| incident.facts()))
    }

    pub(crate) fn is_recalled(&self, id: &EntryId) -> bool {
        self.get(id).is_some_and(|meta| meta.recalled_by.is_some())
    }

    /// Incidents that stand: neither recalled nor replaced, worst first, then by start.
    pub(crate) fn open_incidents(&self) -> Vec<(&Meta, &Arc<Incident>)> {
        let mut open: Vec<_> = self
            .incidents
            .iter()
            .filter(|(id, _)| !self.superseded.contains_key(id))
            .filter_map(|(id, incident)| Some((self.get(id)?, incident)))
            .filter(|(meta, _)| meta.recalled_by.is_none())
            .collect();
        open.sort_by(|(a, x), (b, y)| {
            y.severity
                .cmp(&x.severity)
                .then_with(|| x.interval.start().cmp(&y.interval.start()))
                .then_with(|| a.id.cmp(&b.id))
        });
        open
    }

    /// Own findings that stand, in the order of the log.
    pub(crate) fn own_findings(&self) -> Vec<(EntryId, Finding)> {
        self.entries
            .iter()
            .filter(|meta| meta.is_own() && meta.recalled_by.is_none())
            .filter_map(|meta| Some((meta.id, self.findings.get(&meta.id)?.as_ref().clone())))
            .collect()
    }

    /// Own incidents that stand.
    pub(crate) fn own_incidents(&self) -> Vec<(EntryId, Incident)> {
        self.open_incidents()
            .into_iter()
            .filter(|(meta, _)| meta.is_own())
            .map(|(meta, incident)| (meta.id, incident.as_ref().clone()))
            .collect()
    }

    /// Own incident entries, replaced ones too, that mention `finding` and were not recalled yet.
    pub(crate) fn own_incidents_with(&self, finding: &EntryId) -> Vec<EntryId> {
        let mut with: Vec<_> = self
            .incidents
            .iter()
            .filter(|(_, incident)| incident.findings.contains(finding))
            .filter_map(|(id, _)| self.get(id))
            .filter(|meta| meta.is_own() && meta.recalled_by.is_none())
            .map(|meta| (meta.seq, meta.id))
            .collect();
        with.sort_unstable();
        with.into_iter().map(|(_, id)| id).collect()
    }

    /// Keys by which a finding that was reached before is known again: kind, objects and start to the second.
    pub(crate) fn finding_keys(&self) -> HashSet<(String, Vec<String>, i64)> {
        self.own_findings().iter().map(|(_, finding)| finding_key(finding)).collect()
    }
}

/// See [`Projection::finding_keys`].
pub(crate) fn finding_key(finding: &Finding) -> (String, Vec<String>, i64) {
    let objects = finding.objects.iter().map(|o| o.id.clone()).collect();
    (finding.kind.clone(), objects, finding.interval.start().unix_nanos().div_euclid(1_000_000_000))
}
