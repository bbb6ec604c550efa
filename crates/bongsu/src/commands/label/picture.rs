//! What a record says that a release decision looks at, read fast: hashes are checked, signatures only of the
//! entries that make rules.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use base::{Country, EntryId, Facts, Marked, Marking, NodeName, Noun as _, Recall, Timestamp};
use label::{Audience, Evidence, Rules, Standing, Withheld};
use node::RulesOnRecord;
use rayon::prelude::*;
use record::{Direction, Genesis, Outline, Peer, RawEntry, ReadRecord};

use crate::error::CliError;
use crate::progress::Progress;

/// Entries that are read at once.
const BATCH: usize = 8192;

/// The rule that stands for a recall of something that the peer never had: it leaves no trace there. The label
/// kernel is not asked, so the word is not one of its rules.
pub(super) const RECALL_OF_NOTHING: &str = "recall.never_shared";

/// The rule that stands for an incident that was not made for the peer: see `node::IncidentParts`.
pub(super) const INCIDENT_OF_OTHERS: &str = "incident.for_others";

/// An entry as the kernel sees it.
pub(super) struct Held {
    pub(super) id: EntryId,
    pub(super) kind: String,
    pub(super) time: Timestamp,
    pub(super) is_own: bool,
    /// What a recall takes back.
    pub(super) recalls: Option<EntryId>,
    node: NodeName,
    marking: Option<Marking>,
    evidence: Vec<EntryId>,
    facts: Option<Facts>,
    pub(super) recalled: bool,
}

impl Marked for Held {
    fn marking(&self) -> Option<&Marking> {
        self.marking.as_ref()
    }

    fn evidence(&self) -> &[EntryId] {
        &self.evidence
    }

    fn facts(&self) -> Option<Facts> {
        self.facts.clone()
    }
}

impl Held {
    fn new(raw: &RawEntry, outline: Outline) -> Self {
        Self {
            id: raw.id,
            recalls: outline.target.filter(|_| outline.kind == Recall::SCHEMA),
            kind: outline.kind,
            time: outline.time,
            is_own: raw.received.is_none(),
            node: outline.node,
            marking: outline.marking,
            evidence: outline.evidence,
            facts: outline.facts,
            recalled: false,
        }
    }
}

/// Everything in the record that a decision looks at.
pub(super) struct Picture {
    pub(super) rules: RulesOnRecord,
    /// In the order of the record.
    pub(super) entries: Vec<Held>,
    places: HashMap<EntryId, usize>,
    peers: BTreeMap<NodeName, Peer>,
    /// What lies in the logs for each peer.
    shared: HashMap<NodeName, HashSet<EntryId>>,
}

impl Picture {
    pub(super) fn read(store: &Path) -> Result<Self, CliError> {
        let record = ReadRecord::open(store)?;
        let unowned = || CliError::Usage(format!("`{}` does not say whose it is", store.display()));
        let first = record.at(0)?.and_then(|stored| stored.entry).ok_or_else(unowned)?;
        let own: Country = first.noun::<Genesis>().map_err(|_| unowned())?.country;
        let mut picture = Self {
            rules: RulesOnRecord::new(own),
            entries: Vec::new(),
            places: HashMap::new(),
            peers: BTreeMap::new(),
            shared: HashMap::new(),
        };
        let progress = Progress::new("reading the record");
        let size = record.size()?;
        let mut next = 0;
        loop {
            let batch = record.raw(next, BATCH)?;
            let Some(last) = batch.last() else { break };
            next = last.seq + 1;
            progress.at(next, size);
            let outlines: Vec<Option<Outline>> = batch.par_iter().map(RawEntry::outline).collect();
            for (raw, outline) in batch.iter().zip(outlines) {
                match outline {
                    Some(outline) => picture.add(&record, Held::new(raw, outline))?,
                    // Read it in the slow way for the words of what is wrong with it; a purged one is no damage.
                    None => drop(record.at(raw.seq)?),
                }
            }
        }
        for (lane, _) in record.lane_sizes()? {
            if lane.direction == Direction::Out {
                let ids = record.lane_ids(&lane)?;
                picture.shared.entry(lane.peer.clone()).or_default().extend(ids);
            }
        }
        Ok(picture)
    }

    fn add(&mut self, record: &ReadRecord, held: Held) -> Result<(), CliError> {
        if held.is_own && held.kind == Peer::SCHEMA {
            let entry = record.get(&held.id)?.and_then(|stored| stored.entry);
            if let Some(peer) = entry.and_then(|entry| entry.noun::<Peer>().ok()) {
                self.peers.insert(peer.node.clone(), peer);
            }
        } else if held.is_own && RulesOnRecord::concerns(&held.kind) {
            self.rules.take(record, &held.id)?;
        }
        // Only its author may take an entry back.
        if let Some(target) = held.recalls.and_then(|id| self.places.get(&id).copied())
            && self.entries[target].node == held.node
        {
            self.entries[target].recalled = true;
        }
        self.places.insert(held.id, self.entries.len());
        self.entries.push(held);
        Ok(())
    }

    fn evidence(&self, id: &EntryId) -> Evidence {
        match self.places.get(id).map(|place| &self.entries[*place]) {
            None => Evidence::Unknown,
            Some(held) if held.recalled => Evidence::Recalled,
            Some(held) => Evidence::held(held),
        }
    }

    /// The audiences of all peers, by name.
    pub(super) fn audiences(&self) -> Result<Vec<Audience>, CliError> {
        self.peers.values().map(audience).collect()
    }

    /// The audience that the officer made `name`.
    pub(super) fn audience(&self, name: &NodeName) -> Result<Audience, CliError> {
        let Some(peer) = self.peers.get(name) else {
            let known: BTreeSet<&str> = self.peers.keys().map(NodeName::as_str).collect();
            let known = match known.len() {
                0 => "no peer was introduced yet (bongsu link accept)".to_owned(),
                _ => format!("known are {}", known.into_iter().collect::<Vec<_>>().join(", ")),
            };
            return Err(CliError::Usage(format!("`{name}` is no peer of this node; {known}")));
        };
        audience(peer)
    }

    /// Whether an entry lies in a log for the peer.
    pub(super) fn is_shared(&self, peer: &NodeName, id: &EntryId) -> bool {
        self.shared.get(peer).is_some_and(|ids| ids.contains(id))
    }

    /// Whether an entry is a recall of something that the peer never had.
    pub(super) fn recalls_nothing(&self, peer: &NodeName, held: &Held) -> bool {
        held.recalls.is_some_and(|target| !self.is_shared(peer, &target))
    }

    /// What the kernel decides on an entry.
    pub(super) fn decide(
        &self,
        held: &Held,
        audience: &Audience,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<(), Withheld> {
        let look_up = |id: &EntryId| self.evidence(id);
        let standing = Standing { recalled: held.recalled, evidence: &look_up };
        label::release(held, audience, rules, &standing, now).map(|_| ())
    }
}

fn audience(peer: &Peer) -> Result<Audience, CliError> {
    let clearance = peer
        .clearance
        .parse()
        .map_err(|e| CliError::Usage(format!("the clearance of `{}` cannot be read: {e}", peer.node)))?;
    Ok(Audience {
        node: peer.node.clone(),
        country: peer.country.clone(),
        clearance,
        organisation: Some(peer.title.clone()),
    })
}
