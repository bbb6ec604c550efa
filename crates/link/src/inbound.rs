use std::collections::{HashMap, HashSet};

use base::{EntryId, NodeName, Noun as _, Precedence, Recall, Timestamp};
use record::{
    Checkpoint, Direction, Entry, Frontier, Incoming, Lane, LaneAck, LaneRow, LaneState, NodeKey, PublicKey,
    Purge,
};

use crate::verify::{VerifiedBatch, VerifiedItem};
use crate::{Grant, PeerIdentity, Refusal, Reply};

/// What the receiving half asks of the record. Each answer is of what is on disk.
pub trait Held {
    /// The ids of this lane from place `start` on, at most `count`.
    ///
    /// # Errors
    /// In words, when the record cannot be read.
    fn lane_ids(&self, start: u64, count: usize) -> Result<Vec<EntryId>, String>;

    /// Where an id stands in any lane from this peer.
    ///
    /// # Errors
    /// In words, when the record cannot be read.
    fn place(&self, id: &EntryId) -> Result<Option<(Precedence, u64)>, String>;

    /// The content that is held under an id.
    ///
    /// # Errors
    /// In words, when the record cannot be read.
    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, String>;

    /// Whether a recall of `id` by the key `author` is held.
    fn is_recalled(&self, id: &EntryId, author: &PublicKey) -> bool;

    /// Whether a grant by the key `author` that lets `id` come here is held, and holds at `now`.
    fn is_granted(&self, id: &EntryId, author: &PublicKey, now: Timestamp) -> bool;
}

/// The receiving half of one lane: how much of the peer's log this node holds.
#[derive(Debug, Clone)]
pub struct Inbound {
    me: NodeName,
    peer: PeerIdentity,
    precedence: Precedence,
    frontier: Frontier,
    acked: Option<Checkpoint>,
    /// When the newest batch was made that was accepted since this half was made.
    newest: Timestamp,
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
    /// The recalls among the new items, in order: each with what it recalls.
    pub recalls: Vec<(EntryId, EntryId)>,
    frontier: Frontier,
    checkpoint: Checkpoint,
    /// When the sender made the batch.
    made: Timestamp,
}

impl Inbound {
    /// The half for the lane `precedence` from `peer`, standing where `state` says.
    pub fn new(me: NodeName, peer: PeerIdentity, precedence: Precedence, state: LaneState) -> Self {
        Self {
            me,
            peer,
            precedence,
            frontier: state.frontier,
            acked: state.acked,
            newest: Timestamp::UNIX_EPOCH,
        }
    }

    /// How many items of the peer's log this node holds.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The peer.
    pub const fn peer(&self) -> &PeerIdentity {
        &self.peer
    }

    /// The newest checkpoint that this node has cosigned.
    pub const fn acked(&self) -> Option<&Checkpoint> {
        self.acked.as_ref()
    }

    /// The batch behind `acceptance` is on disk.
    pub fn stored(&mut self, acceptance: &Acceptance) {
        self.frontier = acceptance.frontier.clone();
        self.newest = self.newest.max(acceptance.made);
        self.acked = Some(acceptance.checkpoint.clone());
    }

    /// Holds a verified batch against what was received before. Nothing changes until [`Self::stored`].
    ///
    /// A batch that ends exactly where this node stands is the sender's repetition after a lost answer and is
    /// answered again; one that ends before is a replay. An item that its author recalled already, by a recall that
    /// overtook it in a more urgent lane, keeps its place, and its content is not stored.
    ///
    /// # Errors
    /// The [`Refusal`] that belongs to the first check that fails.
    pub fn receive(
        &self,
        batch: VerifiedBatch,
        held: &dyn Held,
        key: &NodeKey,
        now: Timestamp,
    ) -> Result<Acceptance, Refusal> {
        let cannot = |_: String| Refusal::CannotStore { reason: "the record cannot be read".to_owned() };
        let bad = |e: record::CheckpointError| Refusal::BadCheckpoint { reason: e.to_string() };
        let known = self.check_start(&batch, held, cannot)?;
        let made = batch.made;
        let checkpoint = batch.checkpoint;
        let mut fresh = batch.items;
        fresh.drain(..known);
        if fresh.is_empty()
            && let Some(acked) = self.acked.as_ref().filter(|acked| acked.size() == self.size())
        {
            // A heartbeat or a repetition: the receipt that is on disk already answers it, if it is of the same tree.
            checkpoint.check_root(acked.root()).map_err(bad)?;
            return Ok(Acceptance {
                batch: record::Batch::default(),
                reply: Reply::Ack { checkpoint: acked.note().to_owned() },
                new_items: 0,
                recalls: Vec::new(),
                frontier: self.frontier.clone(),
                checkpoint: acked.clone(),
                made,
            });
        }
        let ids: Vec<_> = fresh.iter().map(VerifiedItem::id).collect();
        self.check_new(&ids, held, cannot)?;
        let mut frontier = self.frontier.clone();
        ids.iter().for_each(|id| frontier.push(id));
        checkpoint.check_root(frontier.root()).map_err(bad)?;
        let arriving = Arriving::of(&fresh);
        self.check_relayed(&fresh, &arriving, held, now)?;
        let (purge, recalls) = arriving.purges(held, cannot)?;
        let cosigned = checkpoint.cosign(key, now).map_err(bad)?;
        let new_items = fresh.len();
        let entries = fresh
            .into_iter()
            .filter_map(|item| if let VerifiedItem::Entry(entry) = item { Some(entry) } else { None })
            .filter(|entry| entry.kind() == Recall::SCHEMA || !held.is_recalled(&entry.id(), entry.key()))
            .map(|entry| Incoming { entry, received: Some(now) })
            .collect();
        let lane =
            Lane { peer: self.peer.node.clone(), direction: Direction::In, precedence: self.precedence };
        // A withdrawn item has a place in the log but no entry; its row still keeps the place.
        let lane_rows = ids.iter().map(|id| LaneRow { lane: lane.clone(), id: *id }).collect();
        let acks = vec![LaneAck { lane, checkpoint: cosigned.clone() }];
        Ok(Acceptance {
            batch: record::Batch { entries, lane_rows, acks, purge, ..record::Batch::default() },
            reply: Reply::Ack { checkpoint: cosigned.note().to_owned() },
            new_items,
            recalls,
            frontier,
            checkpoint: cosigned,
            made,
        })
    }

    /// How many of the batch's items this node has already, each at its place.
    fn check_start(
        &self,
        batch: &VerifiedBatch,
        held: &dyn Held,
        cannot: impl Fn(String) -> Refusal,
    ) -> Result<usize, Refusal> {
        if batch.from != self.peer.node || batch.precedence != self.precedence {
            // Not this half's: the caller took the wrong one.
            return Err(Refusal::WrongSender { claimed: batch.from.clone() });
        }
        let size = self.size();
        let end = batch.start.saturating_add(batch.items.len() as u64);
        if batch.start > size {
            return Err(Refusal::Gap { start: batch.start, size });
        }
        let known = usize::try_from(size - batch.start).unwrap_or(usize::MAX).min(batch.items.len());
        if known > 0 {
            let before = held.lane_ids(batch.start, known).map_err(cannot)?;
            for (offset, item) in batch.items[..known].iter().enumerate() {
                if before.get(offset) != Some(&item.id()) {
                    return Err(Refusal::Fork { place: batch.start + offset as u64 });
                }
            }
        }
        if end < size {
            let reason = format!("it ends at {end}, this node stands at {size}");
            return Err(Refusal::Replay { reason, made_anew: batch.made > self.newest });
        }
        Ok(known)
    }

    /// No item may come a second time, in this lane or in another.
    fn check_new(
        &self,
        ids: &[EntryId],
        held: &dyn Held,
        cannot: impl Fn(String) -> Refusal,
    ) -> Result<(), Refusal> {
        let mut in_batch = HashSet::with_capacity(ids.len());
        for id in ids {
            if !in_batch.insert(*id) {
                let reason = format!("entry {id} stands twice in the batch");
                return Err(Refusal::Replay { reason, made_anew: false });
            }
            if let Some((lane, place)) = held.place(id).map_err(&cannot)? {
                let reason = format!("entry {id} stands at place {place} of the lane {lane} already");
                return Err(Refusal::Replay { reason, made_anew: false });
            }
        }
        Ok(())
    }

    /// An item of another author than the peer comes only with that author's grant for this node; so do the grant
    /// itself and a recall of what was granted.
    fn check_relayed(
        &self,
        fresh: &[VerifiedItem],
        arriving: &Arriving<'_>,
        held: &dyn Held,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        for (offset, item) in fresh.iter().enumerate() {
            let VerifiedItem::Entry(entry) = item else { continue };
            if *entry.key() == self.peer.key {
                continue;
            }
            let granted = |id: &EntryId| {
                held.is_granted(id, entry.key(), now)
                    || arriving
                        .grants
                        .iter()
                        .any(|(key, grant)| *key == entry.key() && grant.lets(id, &self.me, now))
            };
            let may_come = if let Ok(grant) = entry.noun::<Grant>() {
                grant.audience == self.me
            } else if let Ok(recall) = entry.noun::<Recall>() {
                // What came once may be taken back, also after the grant has run out.
                granted(&recall.target) || held.place(&recall.target).is_ok_and(|place| place.is_some())
            } else {
                granted(&entry.id())
            };
            if !may_come {
                let place = self.size() + offset as u64;
                return Err(Refusal::OtherAuthor { place, author: entry.author().node.to_string() });
            }
        }
        Ok(())
    }
}

/// What of a batch bears on other items.
struct Arriving<'a> {
    entries: HashMap<EntryId, &'a Entry>,
    grants: Vec<(&'a PublicKey, Grant)>,
    recalls: Vec<(&'a Entry, EntryId)>,
}

impl<'a> Arriving<'a> {
    fn of(fresh: &'a [VerifiedItem]) -> Self {
        let mut arriving = Self { entries: HashMap::new(), grants: Vec::new(), recalls: Vec::new() };
        for item in fresh {
            let VerifiedItem::Entry(entry) = item else { continue };
            match entry.kind() {
                Grant::SCHEMA => {
                    if let Ok(grant) = entry.noun::<Grant>() {
                        arriving.grants.push((entry.key(), grant));
                    }
                }
                Recall::SCHEMA => {
                    if let Ok(recall) = entry.noun::<Recall>() {
                        arriving.recalls.push((entry, recall.target));
                    }
                }
                _ => {}
            }
        }
        if !arriving.recalls.is_empty() {
            arriving.entries = fresh
                .iter()
                .filter_map(|item| {
                    if let VerifiedItem::Entry(entry) = item { Some((entry.id(), entry)) } else { None }
                })
                .collect();
        }
        arriving
    }

    /// What the recalls take from the record: content that is there or comes with them, that their own author signed
    /// and that is no recall. A recall is the proof of its purge.
    #[expect(clippy::type_complexity, reason = "two lists that are made in one walk")]
    fn purges(
        &self,
        held: &dyn Held,
        cannot: impl Fn(String) -> Refusal,
    ) -> Result<(Vec<Purge>, Vec<(EntryId, EntryId)>), Refusal> {
        let (mut purge, mut recalls) = (Vec::new(), Vec::new());
        let mut gone = HashSet::new();
        for (recall, target) in &self.recalls {
            let may_go = |entry: &Entry| entry.key() == recall.key() && entry.kind() != Recall::SCHEMA;
            recalls.push((recall.id(), *target));
            let is_here = match self.entries.get(target) {
                // What was recalled before is not stored at all.
                Some(entry) => may_go(entry) && !held.is_recalled(target, entry.key()),
                None => held.entry(target).map_err(&cannot)?.is_some_and(|entry| may_go(&entry)),
            };
            if is_here && gone.insert(*target) {
                purge.push(Purge { target: *target, recall: recall.id() });
            }
        }
        Ok((purge, recalls))
    }
}
