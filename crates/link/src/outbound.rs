use base::{EntryId, NodeName, Precedence, Timestamp};
use label::Released;
use record::{Checkpoint, Entry, MerkleLog, NodeKey, PublicKey, lane_origin};
use serde::Serialize;

use crate::wire::{Batch, BatchError, Item, MAX_BATCH_ITEMS};
use crate::{PeerIdentity, Refusal, Reply};

/// First wait after a failure; doubled each time.
const FIRST_WAIT_NANOS: i64 = 100_000_000;
/// Longest wait between two tries.
const LONGEST_WAIT_NANOS: i64 = 5_000_000_000;
/// An idle link asks the peer this often whether it is there.
const HEARTBEAT_NANOS: i64 = 5_000_000_000;
/// No answer for so long counts as a failure.
const ANSWER_WITHIN_NANOS: i64 = 30_000_000_000;

/// How a link stands, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "detail", rename_all = "snake_case")]
pub enum LinkState {
    /// Nothing was tried yet.
    Never,
    /// The last batch was acknowledged.
    Up,
    /// The peer cannot be reached.
    Down(String),
    /// The peer refuses what we send; people must look at it.
    Refused(Refusal),
}

/// What happened outside.
#[derive(Debug)]
pub enum Event {
    /// The peer answered the batch that is under way.
    Reply(Reply),
    /// The batch that is under way did not get through.
    Failed(String),
    /// Try now, whatever the wait (an officer asked, or the peer was heard of).
    Retry,
}

/// What to do outside.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Gather the items from place `start` to `end` (exclusive) and pass them to [`Outbound::batch`], then send.
    Send {
        /// First place.
        start: u64,
        /// First place after.
        end: u64,
    },
    /// The peer acknowledged: store the cosigned checkpoint.
    Acknowledged(Checkpoint),
    /// The link stands otherwise than before: tell people.
    Changed(LinkState),
    /// Call [`Outbound::poll`] again at this time at the latest.
    WakeAt(Timestamp),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    UnderWay { end: u64, since: Timestamp },
    Waiting { until: Timestamp },
}

/// What the record holds of a lane, as the two halves start from it.
#[derive(Debug, Clone, Default)]
pub struct LaneLog {
    /// All its leaves in order.
    pub ids: Vec<EntryId>,
    /// The newest checkpoint that both sides signed.
    pub acked: Option<Checkpoint>,
}

/// The sending half of a link: the append-only log of what was released for one peer, and how far it got.
#[derive(Debug)]
pub struct Outbound {
    me: NodeName,
    peer: PeerIdentity,
    ids: Vec<EntryId>,
    log: MerkleLog,
    /// The peer has all places before this one.
    acked: u64,
    /// The next batch starts here.
    next: u64,
    phase: Phase,
    failures: u32,
    /// The peer named another place to go on from since it last acknowledged.
    resynced: bool,
    /// The key that signed the batch under way.
    signed_by: Option<PublicKey>,
    state: LinkState,
    last_ack: Option<Checkpoint>,
    /// When the peer last acknowledged something in this run.
    heard: Timestamp,
}

impl Outbound {
    /// The half for `peer`, standing where `state` says.
    pub fn new(me: NodeName, peer: PeerIdentity, state: LaneLog) -> Self {
        let acked = state.acked.as_ref().map_or(0, Checkpoint::size);
        Self {
            me,
            peer,
            log: MerkleLog::from_ids(&state.ids),
            ids: state.ids,
            acked,
            next: acked,
            phase: Phase::Idle,
            failures: 0,
            resynced: false,
            signed_by: None,
            state: LinkState::Never,
            last_ack: state.acked,
            heard: Timestamp::UNIX_EPOCH,
        }
    }

    /// A released entry enters the log; give its id to the store in the same order.
    ///
    /// # Errors
    /// When it was released for another peer.
    pub fn append(&mut self, entry: &Released<Entry>) -> Result<(), BatchError> {
        if *entry.audience() != self.peer.node {
            return Err(BatchError::OtherAudience {
                id: entry.get().id(),
                released_for: entry.audience().clone(),
                peer: self.peer.node.clone(),
            });
        }
        self.ids.push(entry.get().id());
        self.log.push(&entry.get().id());
        Ok(())
    }

    /// Takes what happened and says what to do now. Call it after each event, after [`Self::append`], and when a
    /// wait is over.
    pub fn poll(&mut self, now: Timestamp, inbox: Vec<Event>) -> Vec<Action> {
        let mut outbox = Vec::new();
        for event in inbox {
            match event {
                Event::Reply(reply) => self.reply(now, reply, &mut outbox),
                // One that comes late, when nothing is under way any more, was counted already.
                Event::Failed(why) => {
                    if matches!(self.phase, Phase::UnderWay { .. }) {
                        self.fail(now, LinkState::Down(why), &mut outbox);
                    }
                }
                Event::Retry => {
                    if matches!(self.phase, Phase::Waiting { .. }) {
                        self.phase = Phase::Idle;
                    }
                }
            }
        }
        if let Phase::UnderWay { since, .. } = self.phase
            && now >= since.plus_nanos(ANSWER_WITHIN_NANOS)
        {
            self.fail(now, LinkState::Down("no answer".to_owned()), &mut outbox);
        }
        if let Phase::Waiting { until } = self.phase
            && (now >= until || until > now.plus_nanos(LONGEST_WAIT_NANOS))
        {
            // The second case: the clock was set back.
            self.phase = Phase::Idle;
        }
        if self.phase == Phase::Idle && self.wants_to_send(now) {
            let end = (self.next + MAX_BATCH_ITEMS as u64).min(self.size());
            self.phase = Phase::UnderWay { end, since: now };
            outbox.push(Action::Send { start: self.next, end });
        }
        match self.phase {
            Phase::UnderWay { since, .. } => {
                outbox.push(Action::WakeAt(since.plus_nanos(ANSWER_WITHIN_NANOS)))
            }
            Phase::Waiting { until } => outbox.push(Action::WakeAt(until)),
            Phase::Idle => outbox.push(Action::WakeAt(self.heard.plus_nanos(HEARTBEAT_NANOS))),
        }
        outbox
    }

    /// The batch that [`Action::Send`] asked for. `items` are those of the asked places in order; fewer are taken
    /// when they are large.
    ///
    /// # Errors
    /// When an item was released for another peer or stands elsewhere in the log.
    pub fn batch(&mut self, start: u64, items: Vec<Item>, key: &NodeKey) -> Result<Batch, BatchError> {
        let from = usize::try_from(start).unwrap_or(usize::MAX).min(self.ids.len());
        let batch =
            Batch::fill(self.me.clone(), self.peer.node.clone(), start, items, &self.ids[from..], |size| {
                let root = self.log.root_at(size).map_err(|_| record::CheckpointError::Malformed)?;
                Checkpoint::sign(
                    &lane_origin(&self.me, &self.peer.node, Precedence::Routine),
                    size,
                    root,
                    key,
                )
            })?;
        self.signed_by = Some(key.public());
        if let Phase::UnderWay { end, .. } = &mut self.phase {
            *end = start + batch.len() as u64;
        }
        Ok(batch)
    }

    /// How many entries were ever released for this peer.
    pub const fn size(&self) -> u64 {
        self.log.size()
    }

    /// How many of them the peer has acknowledged.
    pub const fn acked(&self) -> u64 {
        self.acked
    }

    /// The id at `place`.
    pub fn id_at(&self, place: u64) -> Option<EntryId> {
        self.ids.get(usize::try_from(place).ok()?).copied()
    }

    /// All ids in order.
    pub fn ids(&self) -> &[EntryId] {
        &self.ids
    }

    /// How the link stands.
    pub const fn state(&self) -> &LinkState {
        &self.state
    }

    /// The peer.
    pub const fn peer(&self) -> &PeerIdentity {
        &self.peer
    }

    /// The newest checkpoint with the peer's cosignature.
    pub const fn last_ack(&self) -> Option<&Checkpoint> {
        self.last_ack.as_ref()
    }

    /// Something new, or nothing heard for a while: an empty batch asks the peer where it stands.
    fn wants_to_send(&self, now: Timestamp) -> bool {
        self.next < self.size()
            || self.state != LinkState::Up
            || now >= self.heard.plus_nanos(HEARTBEAT_NANOS)
            || now < self.heard // The clock was set back.
    }

    fn reply(&mut self, now: Timestamp, reply: Reply, outbox: &mut Vec<Action>) {
        let Phase::UnderWay { end, .. } = self.phase else { return };
        match reply {
            Reply::Ack { checkpoint } => match self.check_ack(&checkpoint, end) {
                Ok(checkpoint) => {
                    self.phase = Phase::Idle;
                    self.failures = 0;
                    self.resynced = false;
                    self.heard = now;
                    let news = self.acked != end || self.last_ack.is_none();
                    self.acked = end;
                    self.next = end;
                    // The first receipt for a size is the one that is kept, here as on disk.
                    if news {
                        self.last_ack = Some(checkpoint.clone());
                        outbox.push(Action::Acknowledged(checkpoint));
                    }
                    self.change(LinkState::Up, outbox);
                }
                Err(why) => {
                    self.fail(now, LinkState::Down(format!("its receipt does not hold: {why}")), outbox)
                }
            },
            Reply::Refused { refusal, size } => {
                // Where the peer stands is where to go on, when that is a place of ours: after a crash on either
                // side it is not where we thought. At once only the first time: a peer that names ever other places
                // must not make us spin.
                let resync = matches!(refusal, Refusal::Gap { .. } | Refusal::Replay { .. });
                if resync && size <= self.size() && size != self.next {
                    self.next = size;
                    if !self.resynced {
                        self.resynced = true;
                        self.phase = Phase::Idle;
                        return;
                    }
                }
                self.fail(now, LinkState::Refused(refusal), outbox);
            }
        }
    }

    fn check_ack(&self, note: &str, end: u64) -> Result<Checkpoint, String> {
        let checkpoint = Checkpoint::parse(note).map_err(|e| e.to_string())?;
        if checkpoint.size() != end
            || checkpoint.origin() != lane_origin(&self.me, &self.peer.node, Precedence::Routine)
        {
            return Err("it is of another checkpoint".to_owned());
        }
        let root = self.log.root_at(end).map_err(|e| e.to_string())?;
        checkpoint.check_root(root).map_err(|e| e.to_string())?;
        // Ours must still stand on it too, or what we keep as the receipt proves nothing.
        let own = self.signed_by.ok_or("nothing was signed")?;
        checkpoint
            .check(&lane_origin(&self.me, &self.peer.node, Precedence::Routine), &self.me, &own)
            .map_err(|e| e.to_string())?;
        checkpoint.check_cosigned(&self.peer.node, &self.peer.key).map_err(|e| e.to_string())?;
        Ok(checkpoint)
    }

    fn fail(&mut self, now: Timestamp, state: LinkState, outbox: &mut Vec<Action>) {
        let wait = FIRST_WAIT_NANOS.saturating_mul(1 << self.failures.min(16)).min(LONGEST_WAIT_NANOS);
        self.failures = self.failures.saturating_add(1);
        self.phase = Phase::Waiting { until: now.plus_nanos(wait) };
        self.change(state, outbox);
    }

    fn change(&mut self, state: LinkState, outbox: &mut Vec<Action>) {
        if self.state != state {
            self.state = state.clone();
            outbox.push(Action::Changed(state));
        }
    }
}
