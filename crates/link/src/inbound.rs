use std::collections::{HashMap, HashSet};

use base::{Country, EntryId, NodeName, Noun as _, Precedence, Recall, Timestamp};
use record::{
    Checkpoint, Direction, Entry, Incoming, Lane, LaneAck, LaneRow, MerkleLog, NodeKey, PublicKey, Purge,
    lane_origin,
};

use crate::wire::{MAX_BATCH_ITEMS, ReceivedBatch, ReceivedItem};
use crate::{LaneLog, Refusal, Reply};

/// Who a peer is, as its officer and ours agreed outside this link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    /// Its node name.
    pub node: NodeName,
    /// Its country.
    pub country: Country,
    /// Its signing key.
    pub key: PublicKey,
}

/// The receiving half of a link: what this node holds of the peer's log for it.
#[derive(Debug, Clone)]
pub struct Inbound {
    me: NodeName,
    peer: PeerIdentity,
    log: MerkleLog,
    places: HashMap<EntryId, u64>,
    ids: Vec<EntryId>,
    acked: Option<Checkpoint>,
}

/// A batch that passed every check. Store it in one commit, then call [`Inbound::stored`], then answer.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// What to store.
    pub batch: record::Batch,
    /// What to answer once it is stored.
    pub reply: Reply,
    /// Items that are new.
    pub new_items: usize,
    ids: Vec<EntryId>,
    checkpoint: Checkpoint,
    author: PublicKey,
}

impl Acceptance {
    /// Drops each purge that has nothing to purge; `held` finds the content that the record holds under an id. Call
    /// it before storing: a place in the log does not say that content ever came, and the record refuses to purge
    /// what is not there.
    ///
    /// What stays is content that this peer signed and that is no recall: a recall is the proof of its purge.
    pub fn purge_only_held(&mut self, held: impl Fn(&EntryId) -> Option<Entry>) {
        let arriving: HashMap<_, _> = self.batch.entries.iter().map(|i| (i.entry.id(), &i.entry)).collect();
        let may_go = |entry: &Entry| *entry.key() == self.author && entry.kind() != Recall::SCHEMA;
        let mut gone = HashSet::new();
        self.batch.purge.retain(|purge| {
            let may_go = match arriving.get(&purge.target) {
                Some(entry) => may_go(entry),
                None => held(&purge.target).is_some_and(|entry| may_go(&entry)),
            };
            may_go && gone.insert(purge.target)
        });
    }
}

impl Inbound {
    /// The half for `peer`, standing where `state` says.
    pub fn new(me: NodeName, peer: PeerIdentity, state: LaneLog) -> Self {
        let log = MerkleLog::from_ids(&state.ids);
        let places = state.ids.iter().enumerate().map(|(place, id)| (*id, place as u64)).collect();
        Self { me, peer, log, places, ids: state.ids, acked: state.acked }
    }

    /// How many items of the peer's log this node holds.
    pub const fn size(&self) -> u64 {
        self.log.size()
    }

    /// The peer.
    pub const fn peer(&self) -> &PeerIdentity {
        &self.peer
    }

    /// Checks a batch that came over the connection of this peer. Nothing changes until [`Self::stored`].
    ///
    /// A batch that ends exactly where this node stands is the sender's repetition after a lost answer and is
    /// answered again; one that ends before is a replay.
    ///
    /// What the batch would purge is named by place alone: see [`Acceptance::purge_only_held`].
    ///
    /// # Errors
    /// The [`Refusal`] that belongs to the first check that fails.
    pub fn receive(
        &self,
        batch: &ReceivedBatch,
        key: &NodeKey,
        now: Timestamp,
    ) -> Result<Acceptance, Refusal> {
        let (checkpoint, fresh) = self.check_frame(batch)?;
        let bad = |e: record::CheckpointError| Refusal::BadCheckpoint { reason: e.to_string() };
        if fresh.is_empty()
            && let Some(acked) = self.acked.as_ref().filter(|acked| acked.size() == self.size())
        {
            // A heartbeat or a repetition: the receipt that is on disk already answers it, if it is of the same tree.
            checkpoint.check_root(acked.root()).map_err(bad)?;
            return Ok(Acceptance {
                batch: record::Batch::default(),
                reply: Reply::Ack { checkpoint: acked.note().to_owned() },
                new_items: 0,
                ids: Vec::new(),
                checkpoint: acked.clone(),
                author: self.peer.key,
            });
        }
        let mut entries = Vec::with_capacity(fresh.len());
        let mut purge = Vec::new();
        let mut in_batch = HashSet::with_capacity(fresh.len());
        for (offset, item) in fresh.iter().enumerate() {
            let place = self.size() + offset as u64;
            if !in_batch.insert(item.id) {
                return Err(Refusal::Replay {
                    reason: format!("entry {} stands twice in the batch", item.id),
                });
            }
            let Some(entry) = self.check_item(place, item)? else { continue };
            if let Ok(recall) = entry.noun::<Recall>() {
                // Only what this peer itself sent can be taken back by it.
                if self.holds(&recall.target, &entries) {
                    purge.push(Purge { target: recall.target, recall: entry.id() });
                }
            }
            entries.push(Incoming { entry, received: Some(now) });
        }
        let mut log = self.log.clone();
        for item in fresh {
            log.push(&item.id);
        }
        checkpoint.check_root(log.root()).map_err(bad)?;
        let cosigned = checkpoint.cosign(key, now).map_err(bad)?;
        let lane =
            Lane { peer: self.peer.node.clone(), direction: Direction::In, precedence: Precedence::Routine };
        // A withdrawn item has a place in the log but no entry; its row still keeps the place.
        let ids: Vec<_> = fresh.iter().map(|item| item.id).collect();
        let lane_rows = ids.iter().map(|id| LaneRow { lane: lane.clone(), id: *id }).collect();
        let acks = vec![LaneAck { lane, checkpoint: cosigned.clone() }];
        Ok(Acceptance {
            batch: record::Batch { entries, lane_rows, acks, purge, cursors: Vec::new() },
            reply: Reply::Ack { checkpoint: cosigned.note().to_owned() },
            new_items: fresh.len(),
            ids,
            checkpoint: cosigned,
            author: self.peer.key,
        })
    }

    /// The batch behind `acceptance` is on disk.
    pub fn stored(&mut self, acceptance: &Acceptance) {
        for id in &acceptance.ids {
            self.places.insert(*id, self.log.size());
            self.log.push(id);
            self.ids.push(*id);
        }
        self.acked = Some(acceptance.checkpoint.clone());
    }

    /// The newest checkpoint that this node has cosigned.
    pub const fn acked(&self) -> Option<&Checkpoint> {
        self.acked.as_ref()
    }

    /// Sender, recipient, limits, checkpoint signature, place in the log. Gives the items that are new.
    fn check_frame<'a>(&self, batch: &'a ReceivedBatch) -> Result<(Checkpoint, &'a [ReceivedItem]), Refusal> {
        if !batch.speaks() {
            return Err(Refusal::Malformed { reason: "another schema than bongsu.link-batch/1".to_owned() });
        }
        if batch.from != self.peer.node {
            return Err(Refusal::WrongSender { claimed: batch.from.clone() });
        }
        if batch.to != self.me {
            return Err(Refusal::WrongRecipient { meant: batch.to.clone() });
        }
        if batch.items.len() > MAX_BATCH_ITEMS {
            return Err(Refusal::TooLarge { limit: MAX_BATCH_ITEMS as u64 });
        }
        let bad = |e: record::CheckpointError| Refusal::BadCheckpoint { reason: e.to_string() };
        let checkpoint = Checkpoint::parse(&batch.checkpoint).map_err(bad)?;
        checkpoint
            .check(
                &lane_origin(&self.peer.node, &self.me, Precedence::Routine),
                &self.peer.node,
                &self.peer.key,
            )
            .map_err(bad)?;
        let size = self.size();
        let end = batch.start.saturating_add(batch.items.len() as u64);
        if checkpoint.size() != end {
            let reason = format!("it is over {} items, the batch ends at {end}", checkpoint.size());
            return Err(Refusal::BadCheckpoint { reason });
        }
        if batch.start > size {
            return Err(Refusal::Gap { start: batch.start, size });
        }
        // Everything before `size` must be what was received at its place.
        let held = usize::try_from(size - batch.start).unwrap_or(usize::MAX).min(batch.items.len());
        for (offset, item) in batch.items[..held].iter().enumerate() {
            let place = batch.start + offset as u64;
            if self.places.get(&item.id) != Some(&place) {
                return Err(Refusal::Fork { place });
            }
        }
        if end < size {
            return Err(Refusal::Replay { reason: format!("it ends at {end}, this node stands at {size}") });
        }
        Ok((checkpoint, &batch.items[held..]))
    }

    fn check_item(&self, place: u64, item: &ReceivedItem) -> Result<Option<Entry>, Refusal> {
        if let Some(before) = self.places.get(&item.id) {
            let reason = format!("entry {} stands at place {before} already", item.id);
            return Err(Refusal::Replay { reason });
        }
        let bad = |reason: String| Refusal::BadEntry { place, reason };
        let envelope = match (&item.envelope, item.withdrawn) {
            (Some(envelope), false) => envelope,
            (None, true) => return Ok(None),
            _ => return Err(bad("neither an envelope nor withdrawn".to_owned())),
        };
        let entry = Entry::from_envelope(envelope).map_err(|e| bad(e.to_string()))?;
        if entry.id() != item.id {
            return Err(bad(format!("its hash is {}, not {}", entry.id(), item.id)));
        }
        let author = entry.author();
        let is_peers = author.node == self.peer.node
            && author.country == self.peer.country
            && *entry.key() == self.peer.key;
        if !is_peers {
            return Err(Refusal::OtherAuthor { place, author: author.node.to_string() });
        }
        Ok(Some(entry))
    }

    fn holds(&self, id: &EntryId, entries: &[Incoming]) -> bool {
        self.places.contains_key(id) || entries.iter().any(|incoming| incoming.entry.id() == *id)
    }
}
