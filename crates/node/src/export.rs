//! What of a stopped node's record goes into an evidence bundle.

use std::collections::{BTreeMap, BTreeSet};

use base::{EntryId, Marked, NodeName, Observation, Precedence, Recall, Timestamp};
use record::{
    BundleContents, BundleItem, BundleKey, Checkpoint, ConsistencyProof, Direction, KeyRole, Lane, LaneState,
    MerkleLog, Peer, RecordStore, Software, Stored, consistency_holds, home_origin, lane_origin,
};

use crate::NodeError;
use crate::evidence::Stopped;

/// The peer that a bundle is made for, and what room `label` decided for it.
#[derive(Debug, Clone)]
pub struct ForPeer {
    /// The peer.
    pub node: NodeName,
    /// Own entries that it may have.
    pub released: BTreeSet<EntryId>,
    /// Own entries that were taken back: their places show, their content does not.
    pub recalled: BTreeSet<EntryId>,
}

/// What to put into a bundle.
#[derive(Debug, Clone)]
pub struct Selection {
    /// These entries, with what they rest on, recalls of them and the rules of the day; `None`: all.
    pub ids: Option<BTreeSet<EntryId>>,
    /// For whom; `None`: for the owner, from the home log.
    pub audience: Option<ForPeer>,
    /// Checkpoints with further cosignatures, to prove under instead of the newest.
    pub checkpoints: Vec<Checkpoint>,
    /// Whose cosignatures should count (C2SP tlog-policy).
    pub policy: Option<Vec<u8>>,
    /// When the bundle is written, if that is to stand in it.
    pub exported: Option<Timestamp>,
    /// The program that writes it.
    pub software: Software,
}

/// A log to prove from, as far as its checkpoint goes.
struct Log {
    ids: Vec<EntryId>,
    /// The tree of a lane; the record itself proves from its home log.
    lane: Option<MerkleLog>,
    checkpoint: Checkpoint,
}

impl Stopped {
    /// The contents of a bundle.
    ///
    /// # Errors
    /// When the record cannot be read, an id is in no log that the audience has, or a checkpoint is not one of them.
    pub fn contents(&self, selection: &Selection) -> Result<BundleContents, NodeError> {
        let mut given: Vec<Checkpoint> = selection.checkpoints.clone();
        let logs = match &selection.audience {
            None => vec![self.home(&mut given)?],
            Some(peer) => self.lanes(&peer.node, &mut given)?,
        };
        if let Some(other) = given.first() {
            return Err(bad(format!("the checkpoint of `{}` is of no log in this bundle", other.origin())));
        }
        let chosen = self.chosen(selection, &logs)?;
        let mut items = Vec::new();
        for (number, log) in logs.iter().enumerate() {
            for (index, id) in (0..).zip(&log.ids) {
                let seen = selection.audience.as_ref().map_or(Some(true), |peer| peer.may_see(id));
                let Some(with_content) = seen.filter(|_| chosen.contains(id)) else { continue };
                let Some(stored) = self.record.get(id)? else { continue };
                let path = self.inclusion(log, index)?;
                let entry = stored.entry.filter(|_| with_content);
                items.push(BundleItem {
                    id: *id,
                    log: number,
                    index,
                    path,
                    entry,
                    received: stored.received,
                });
            }
        }
        let checkpoints: Vec<Checkpoint> = logs.into_iter().map(|log| log.checkpoint).collect();
        Ok(BundleContents {
            software: selection.software.clone(),
            country: self.genesis.country.clone(),
            audience: selection.audience.as_ref().map(|peer| peer.node.clone()),
            exported: selection.exported,
            blobs: self.raw(&items)?,
            keys: self.keys(&items, &checkpoints)?,
            checkpoints,
            items,
            policy: selection.policy.clone(),
        })
    }

    /// What to send to a witness that stands at `old_size`: the newest checkpoint of the home log, or of one for a peer,
    /// with the proof that the log only grew (C2SP tlog-witness).
    ///
    /// # Errors
    /// When the record cannot be read or the log is shorter than `old_size`.
    pub fn for_witness(
        &self,
        lane: Option<(&NodeName, Precedence)>,
        old_size: u64,
    ) -> Result<ConsistencyProof, NodeError> {
        let beyond = |e: &dyn std::fmt::Display| bad(format!("the witness cannot stand at {old_size}: {e}"));
        let Some((peer, precedence)) = lane else {
            let newest = self.record.checkpoint().clone();
            let hashes = self.record.consistency(old_size, newest.size()).map_err(|e| beyond(&e))?;
            return Ok(ConsistencyProof::new(old_size, hashes, newest));
        };
        let log = self.lane(peer, precedence, &mut Vec::new())?;
        let tree = log.lane.unwrap_or_default();
        let hashes = tree.consistency(old_size, log.checkpoint.size()).map_err(|e| beyond(&e))?;
        Ok(ConsistencyProof::new(old_size, hashes, log.checkpoint))
    }

    fn inclusion(&self, log: &Log, index: u64) -> Result<Vec<[u8; 32]>, NodeError> {
        let size = log.checkpoint.size();
        match &log.lane {
            None => Ok(self.record.inclusion(index, size)?),
            Some(tree) => tree.inclusion(index, size).map_err(|e| record::StoreError::Beyond(e).into()),
        }
    }

    /// The home log under its newest checkpoint, or under one of `given`, which is taken out of there.
    fn home(&self, given: &mut Vec<Checkpoint>) -> Result<Log, NodeError> {
        let newest = self.record.checkpoint();
        let origin = home_origin(&self.genesis.node);
        let checkpoint = match self.handed(&origin, given)? {
            None => newest.clone(),
            Some(older) => {
                let grew = older.size() <= newest.size() && {
                    let hashes = self.record.consistency(older.size(), newest.size())?;
                    consistency_holds(&hashes, older.size(), older.root(), newest.size(), newest.root())
                };
                if !grew {
                    return Err(other_history(&origin));
                }
                older
            }
        };
        let mut ids = Vec::new();
        for seq in 0..checkpoint.size() {
            let stored = self.record.at(seq)?;
            ids.push(stored.ok_or_else(|| other_history(&origin))?.id);
        }
        Ok(Log { ids, lane: None, checkpoint })
    }

    /// The logs for `peer` in which something stands; the routine one when there is nothing at all.
    fn lanes(&self, peer: &NodeName, given: &mut Vec<Checkpoint>) -> Result<Vec<Log>, NodeError> {
        let mut logs = Vec::new();
        for precedence in Precedence::ALL {
            let log = self.lane(peer, precedence, given)?;
            if log.checkpoint.size() > 0 || (precedence == Precedence::Routine && logs.is_empty()) {
                logs.push(log);
            }
        }
        Ok(logs)
    }

    /// The log for `peer` as far as it has acknowledged it; as far as it goes when it never has.
    fn lane(
        &self,
        peer: &NodeName,
        precedence: Precedence,
        given: &mut Vec<Checkpoint>,
    ) -> Result<Log, NodeError> {
        let lane = Lane { peer: peer.clone(), direction: Direction::Out, precedence };
        let LaneState { frontier, acked, .. } = self.record.lane(&lane)?;
        let origin = lane_origin(&self.genesis.node, peer, precedence);
        let checkpoint = match self.handed(&origin, given)?.or(acked) {
            Some(checkpoint) => checkpoint,
            None => Checkpoint::sign(&origin, frontier.size(), frontier.root(), &self.key)
                .map_err(record::StoreError::Checkpoint)?,
        };
        let ids = self.record.lane_ids(&lane, 0, checkpoint.size())?;
        let tree = MerkleLog::from_ids(&ids);
        if tree.size() != checkpoint.size() || checkpoint.check_root(tree.root()).is_err() {
            return Err(other_history(&origin));
        }
        Ok(Log { ids, lane: Some(tree), checkpoint })
    }

    /// The checkpoint of the log `origin` among those that were handed in; it must be signed by this node.
    fn handed(&self, origin: &str, given: &mut Vec<Checkpoint>) -> Result<Option<Checkpoint>, NodeError> {
        let Some(at) = given.iter().position(|one| one.origin() == origin) else { return Ok(None) };
        let checkpoint = given.remove(at);
        checkpoint
            .check(origin, &self.genesis.node, &self.key.public())
            .map_err(|e| bad(format!("the checkpoint of `{origin}` is not of this node: {e}")))?;
        Ok(Some(checkpoint))
    }

    /// The ids that were asked for, and what belongs to them.
    fn chosen(&self, selection: &Selection, logs: &[Log]) -> Result<BTreeSet<EntryId>, NodeError> {
        let there: BTreeSet<EntryId> = logs.iter().flat_map(|log| log.ids.iter().copied()).collect();
        let Some(wanted) = &selection.ids else { return Ok(there) };
        if let Some(id) = wanted.iter().find(|id| !there.contains(id)) {
            return Err(bad(format!("entry {id} is not in the log that this bundle is made from")));
        }
        let mut chosen = BTreeSet::new();
        let mut open: Vec<EntryId> = wanted.iter().copied().collect();
        while let Some(id) = open.pop() {
            if there.contains(&id) && chosen.insert(id) {
                let entry = self.record.get(&id)?.and_then(|stored| stored.entry);
                open.extend(entry.iter().flat_map(|entry| entry.evidence().to_vec()));
            }
        }
        for id in &there {
            let Some(entry) = self.record.get(id)?.and_then(|stored| stored.entry) else { continue };
            let recalls = entry.noun::<Recall>().is_ok_and(|recall| chosen.contains(&recall.target));
            if recalls || is_rule_of_the_day(entry.kind()) {
                chosen.insert(*id);
            }
        }
        Ok(chosen)
    }

    /// The raw bytes of the observations whose content is in the bundle.
    fn raw(&self, items: &[BundleItem]) -> Result<BTreeMap<base::BlobHash, Vec<u8>>, NodeError> {
        let mut raw = BTreeMap::new();
        for entry in items.iter().filter_map(|item| item.entry.as_ref()) {
            let Ok(observation) = entry.noun::<Observation>() else { continue };
            if let Some(bytes) = self.record.blob(&observation.blob)? {
                raw.insert(observation.blob, bytes);
            }
        }
        Ok(raw)
    }

    /// The keys of other authors, and those of peers that cosigned the checkpoint.
    fn keys(&self, items: &[BundleItem], checkpoints: &[Checkpoint]) -> Result<Vec<BundleKey>, NodeError> {
        let own = self.key.public();
        let authors = items.iter().filter_map(|item| item.entry.as_ref()).filter(|entry| *entry.key() != own);
        let mut keys: Vec<BundleKey> = authors
            .map(|entry| BundleKey {
                role: KeyRole::Author,
                node: entry.author().node.clone(),
                country: entry.author().country.clone(),
                key: entry.key().to_hex(),
            })
            .collect();
        let signers: BTreeSet<&str> = checkpoints.iter().flat_map(Checkpoint::signers).collect();
        let mut peers: BTreeMap<NodeName, BundleKey> = BTreeMap::new();
        let mut seq = 0;
        while let Some(Stored { entry, received, .. }) = self.record.at(seq)? {
            seq += 1;
            let own = entry.filter(|_| received.is_none());
            let Some(peer) = own.and_then(|entry| entry.noun::<Peer>().ok()) else { continue };
            if signers.contains(peer.node.as_str()) && peer.node != self.genesis.node {
                let key = BundleKey {
                    role: KeyRole::Witness,
                    node: peer.node.clone(),
                    country: peer.country,
                    key: peer.key,
                };
                // A later introduction replaces an earlier one.
                peers.insert(peer.node, key);
            }
        }
        keys.extend(peers.into_values());
        Ok(keys)
    }
}

impl ForPeer {
    /// `None`: not in the bundle at all. Else whether its content is.
    fn may_see(&self, id: &EntryId) -> Option<bool> {
        if self.released.contains(id) {
            return Some(true);
        }
        self.recalled.contains(id).then_some(false)
    }
}

/// Entries without which a decision cannot be followed: whose record it is, the programs, policies and tables.
fn is_rule_of_the_day(kind: &str) -> bool {
    let rules = [
        "bongsu.genesis/",
        "bongsu.program/",
        "bongsu.policy",
        "bongsu.code-table/",
        "bongsu.mapping-table/",
    ];
    rules.iter().any(|start| kind.starts_with(start))
}

fn other_history(origin: &str) -> NodeError {
    bad(format!(
        "the checkpoint of `{origin}` is not of this record: run `bongsu record verify` on the folder"
    ))
}

fn bad(message: String) -> NodeError {
    NodeError::BadRequest { message }
}
