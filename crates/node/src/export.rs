//! What of a stopped node's record goes into an evidence bundle.

use std::collections::{BTreeMap, BTreeSet};

use base::{EntryId, Marked, NodeName, Observation, Precedence, Recall, Timestamp};
use record::{
    AddCheckpoint, BundleContents, BundleItem, BundleKey, Checkpoint, Direction, KeyRole, Lane, MerkleLog,
    Peer, RecordStore, Software, Stored, home_origin, lane_origin,
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

/// A log to prove from.
struct Log {
    ids: Vec<EntryId>,
    tree: MerkleLog,
    checkpoint: Checkpoint,
}

impl Log {
    /// The ids below the checkpoint.
    fn covered(&self) -> &[EntryId] {
        let size = usize::try_from(self.checkpoint.size()).unwrap_or(usize::MAX);
        &self.ids[..size.min(self.ids.len())]
    }
}

impl Stopped {
    /// The contents of a bundle.
    ///
    /// # Errors
    /// When the record cannot be read, an id is in no log that the audience has, or a checkpoint is not one of them.
    pub fn contents(&self, selection: &Selection) -> Result<BundleContents, NodeError> {
        let mut left: Vec<&Checkpoint> = selection.checkpoints.iter().collect();
        let logs = self.logs(selection.audience.as_ref().map(|peer| &peer.node), &mut left)?;
        if let Some(other) = left.first() {
            return Err(bad(format!("the checkpoint of `{}` is of no log in this bundle", other.origin())));
        }
        let covered: Vec<EntryId> = logs.iter().flat_map(Log::covered).copied().collect();
        let chosen = self.chosen(selection, &covered)?;
        let mut items = Vec::new();
        for (number, log) in logs.iter().enumerate() {
            for (index, id) in (0..).zip(log.covered()).filter(|(_, id)| chosen.contains(id)) {
                let Some(stored) = self.record.get(id)? else { continue };
                let Some(keep) = selection.audience.as_ref().map_or(Some(true), |peer| peer.may_see(id)) else {
                    continue;
                };
                let path = log
                    .tree
                    .inclusion(index, log.checkpoint.size())
                    .map_err(|e| NodeError::Conflict { message: e.to_string() })?;
                let entry = stored.entry.filter(|_| keep);
                items.push(BundleItem { id: *id, log: number, index, path, entry, received: stored.received });
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

    /// What to send to a witness that stands at `old_size`: the newest checkpoint of the home log, or of the lane to a
    /// peer, with the proof that the log only grew (C2SP tlog-witness).
    ///
    /// # Errors
    /// When the record cannot be read or the log is shorter than `old_size`.
    pub fn for_witness(
        &self,
        lane: Option<(&NodeName, Precedence)>,
        old_size: u64,
    ) -> Result<AddCheckpoint, NodeError> {
        let log = self.log(lane, &mut Vec::new())?;
        let proof = log
            .tree
            .consistency(old_size, log.checkpoint.size())
            .map_err(|e| bad(format!("the witness cannot stand at {old_size}: {e}")))?;
        Ok(AddCheckpoint { old_size, proof, checkpoint: log.checkpoint })
    }

    /// The home log, or those of the lanes to `peer` that were ever used, the most urgent first.
    fn logs(&self, peer: Option<&NodeName>, given: &mut Vec<&Checkpoint>) -> Result<Vec<Log>, NodeError> {
        let Some(peer) = peer else { return Ok(vec![self.log(None, given)?]) };
        let mut logs = Vec::new();
        for precedence in Precedence::ALL {
            let log = self.log(Some((peer, precedence)), given)?;
            // A bundle without any log would prove nothing, not even that there was nothing.
            if !log.ids.is_empty() || (precedence == Precedence::Routine && logs.is_empty()) {
                logs.push(log);
            }
        }
        Ok(logs)
    }

    /// The home log or a lane's. A checkpoint handed in for it is taken out of `given` and used.
    fn log(
        &self,
        lane: Option<(&NodeName, Precedence)>,
        given: &mut Vec<&Checkpoint>,
    ) -> Result<Log, NodeError> {
        let own = &self.genesis.node;
        let (origin, ids, newest) = match lane {
            Some((peer, precedence)) => {
                let lane = Lane { peer: peer.clone(), direction: Direction::Out, precedence };
                let ids = self.record.lane_ids(&lane, 0, u64::MAX)?;
                (lane_origin(own, peer, precedence), ids, self.record.lane(&lane)?.acked)
            }
            None => {
                let mut ids = Vec::new();
                while let Some(stored) = self.record.at(ids.len() as u64)? {
                    ids.push(stored.id);
                }
                (home_origin(own), ids, Some(self.record.checkpoint().clone()))
            }
        };
        let tree = MerkleLog::from_ids(&ids);
        let handed =
            given.iter().position(|checkpoint| checkpoint.origin() == origin).map(|at| given.remove(at));
        let checkpoint = match handed.cloned().or(newest) {
            Some(checkpoint) => checkpoint,
            // Nobody has acknowledged anything yet.
            None => Checkpoint::sign(&origin, tree.size(), tree.root(), &self.key)
                .map_err(record::StoreError::Checkpoint)?,
        };
        let right = checkpoint
            .check(&origin, own, &self.key.public())
            .map_err(|e| e.to_string())
            .and_then(|()| tree.root_at(checkpoint.size()).map_err(|e| e.to_string()))
            .and_then(|root| checkpoint.check_root(root).map_err(|e| e.to_string()));
        right.map_err(|why| bad(format!("the checkpoint of `{origin}` is not of this record: {why}")))?;
        Ok(Log { ids, tree, checkpoint })
    }

    /// The ids that were asked for, and what belongs to them.
    fn chosen(&self, selection: &Selection, log: &[EntryId]) -> Result<BTreeSet<EntryId>, NodeError> {
        let Some(wanted) = &selection.ids else { return Ok(log.iter().copied().collect()) };
        let there: BTreeSet<EntryId> = log.iter().copied().collect();
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
        for id in log {
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

    /// The keys of other authors, and those of peers that cosigned a checkpoint.
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

/// Entries without which a decision cannot be followed: whose record it is, policies and tables.
fn is_rule_of_the_day(kind: &str) -> bool {
    ["bongsu.genesis/", "bongsu.policy", "bongsu.code-table/", "bongsu.mapping-table/"]
        .iter()
        .any(|start| kind.starts_with(start))
}

fn bad(message: String) -> NodeError {
    NodeError::BadRequest { message }
}
