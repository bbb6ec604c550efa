use std::collections::VecDeque;

use base::{NodeName, Precedence, Timestamp};
use label::Released;
use record::{Checkpoint, Domain, Entry, Frontier, LaneState, NodeKey, PublicKey, lane_origin};
use serde::Serialize;

use crate::wire::{Batch, BatchError, BatchHead, Item, MAX_BATCH_ITEMS, that_fit};
use crate::{PeerIdentity, Refusal, Reply};

/// First wait after a failure; doubled each time.
const FIRST_WAIT_NANOS: i64 = 100_000_000;
/// Longest wait between two tries.
const LONGEST_WAIT_NANOS: i64 = 5_000_000_000;
/// An idle link asks the peer this often whether it is there.
const HEARTBEAT_NANOS: i64 = 5_000_000_000;
/// No answer for so long counts as a failure.
const ANSWER_WITHIN_NANOS: i64 = 30_000_000_000;
/// Batches that may be under way at once: while the peer stores one it checks the next.
const WINDOW: usize = 2;

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
    /// The peering agreement has run out; nothing is sent until the two sides make a new one.
    Expired(Timestamp),
}

/// What happened outside.
#[derive(Debug)]
pub enum Event {
    /// The peer answered a batch that is under way.
    Reply(Reply),
    /// A batch that is under way did not get through; what was sent behind it is given up with it.
    Failed(String),
    /// Try now, whatever the wait (an officer asked, or the peer was heard of).
    Retry,
    /// The peer acknowledged by another way: a receipt that came as a file.
    Receipt(Checkpoint),
}

/// What to do outside.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Gather the items from place `start` to `end` (exclusive) and pass them to [`Outbound::batch`], then send, and
    /// call [`Outbound::poll`] again: another batch may follow. The peer gets batches in the order of these.
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

/// A batch that was sent and not answered.
#[derive(Debug)]
struct Flight {
    start: u64,
    end: u64,
    since: Timestamp,
    /// What was signed for it, once it was made.
    signed: Option<Signed>,
}

#[derive(Debug, Clone)]
struct Signed {
    root: [u8; 32],
    by: PublicKey,
}

/// The sending half of one lane: the append-only log of what was released for one peer at one precedence, and how far
/// it got.
#[derive(Debug)]
pub struct Outbound {
    me: NodeName,
    peer: PeerIdentity,
    precedence: Precedence,
    domain: Domain,
    frontier: Frontier,
    /// The peer has all places before this one.
    acked: u64,
    /// The next batch starts here.
    next: u64,
    /// Oldest first.
    flights: VecDeque<Flight>,
    /// Nothing is sent before then.
    waits_until: Option<Timestamp>,
    failures: u32,
    /// The peer named another place to go on from since it last acknowledged.
    resynced: bool,
    /// The log up to the end of the batch that was made last.
    sent: Option<Frontier>,
    /// The agreement runs out then.
    expires: Option<Timestamp>,
    state: LinkState,
    last_ack: Option<Checkpoint>,
    /// When the peer last acknowledged something in this run.
    heard: Timestamp,
}

impl Outbound {
    /// The half for the lane `precedence` to `peer`, standing where `state` says.
    pub fn new(
        me: NodeName,
        peer: PeerIdentity,
        precedence: Precedence,
        domain: Domain,
        state: LaneState,
    ) -> Self {
        let acked = state.acked.as_ref().map_or(0, Checkpoint::size);
        Self {
            me,
            peer,
            precedence,
            domain,
            frontier: state.frontier,
            acked,
            next: acked,
            flights: VecDeque::new(),
            waits_until: None,
            failures: 0,
            resynced: false,
            sent: None,
            expires: None,
            state: LinkState::Never,
            last_ack: state.acked,
            heard: Timestamp::UNIX_EPOCH,
        }
    }

    /// Until when the peering agreement holds; without one it holds for good.
    pub const fn expires_at(&mut self, expires: Option<Timestamp>) {
        self.expires = expires;
    }

    /// A released entry enters the log; give its id to the store in the same order. Gives its place.
    ///
    /// # Errors
    /// When it was released for another peer, or is of the other domain.
    pub fn append(&mut self, entry: &Released<Entry>) -> Result<u64, BatchError> {
        self.check(entry)?;
        self.frontier.push(&entry.get().id());
        Ok(self.frontier.size() - 1)
    }

    /// Takes what happened and says what to do now. Call it after each event, after [`Self::append`], after
    /// [`Self::batch`], and when a wait is over.
    pub fn poll(&mut self, now: Timestamp, inbox: Vec<Event>) -> Vec<Action> {
        let mut outbox = Vec::new();
        for event in inbox {
            match event {
                Event::Reply(reply) => self.reply(now, reply, &mut outbox),
                // One that comes late, when nothing is under way any more, was counted already.
                Event::Failed(why) => {
                    if !self.flights.is_empty() {
                        self.fail(now, LinkState::Down(why), &mut outbox);
                    }
                }
                Event::Retry => self.waits_until = None,
                Event::Receipt(checkpoint) => self.receipt(checkpoint, &mut outbox),
            }
        }
        if let Some(expires) = self.expires.filter(|expires| now >= *expires) {
            self.give_up();
            self.waits_until = None;
            self.change(LinkState::Expired(expires), &mut outbox);
            outbox.push(Action::WakeAt(now.plus_nanos(HEARTBEAT_NANOS)));
            return outbox;
        }
        for flight in &mut self.flights {
            // When the clock was set back, the wait for the answer begins again.
            flight.since = now.min(flight.since);
        }
        if self.answer_by().is_some_and(|at| now >= at) {
            self.fail(now, LinkState::Down("no answer".to_owned()), &mut outbox);
        }
        // The second case: the clock was set back.
        self.waits_until.take_if(|until| now >= *until || *until > now.plus_nanos(LONGEST_WAIT_NANOS));
        if self.waits_until.is_none() && self.wants_to_send(now) {
            let (start, end) = (self.next, (self.next + MAX_BATCH_ITEMS as u64).min(self.size()));
            self.flights.push_back(Flight { start, end, since: now, signed: None });
            self.next = end;
            outbox.push(Action::Send { start, end });
        }
        let heartbeat = self.heard.plus_nanos(HEARTBEAT_NANOS);
        outbox.push(Action::WakeAt(self.waits_until.or_else(|| self.answer_by()).unwrap_or(heartbeat)));
        outbox
    }

    /// When the oldest batch under way must be answered.
    fn answer_by(&self) -> Option<Timestamp> {
        self.flights.front().map(|flight| flight.since.plus_nanos(ANSWER_WITHIN_NANOS))
    }

    /// How many batches are under way; answers to others are of no use any more.
    pub fn under_way(&self) -> usize {
        self.flights.len()
    }

    /// The right edge of the log's first `start` places, when this half knows it; else the record does
    /// (`lane_frontier`).
    pub fn frontier_at(&self, start: u64) -> Option<Frontier> {
        [Some(&self.frontier), self.sent.as_ref()]
            .into_iter()
            .flatten()
            .find(|edge| edge.size() == start)
            .cloned()
    }

    /// The batch that [`Action::Send`] asked for. `before` is the right edge of the log before `items`, which are
    /// those of the asked places in order; fewer are taken when they are large.
    ///
    /// # Errors
    /// When an item was released for another peer, is of the other domain or stands elsewhere in the log.
    pub fn batch(
        &mut self,
        before: Frontier,
        items: Vec<Item>,
        key: &NodeKey,
        now: Timestamp,
    ) -> Result<Batch, BatchError> {
        let (batch, frontier) = self.make(before, items, key, now)?;
        let start = batch.start();
        if let Some(flight) = self.flights.back_mut().filter(|flight| flight.start == start) {
            flight.end = frontier.size();
            flight.signed = Some(Signed { root: frontier.root(), by: key.public() });
            self.next = frontier.size();
        }
        self.sent = Some(frontier);
        Ok(batch)
    }

    /// The same batch for a file that goes another way: what is under way on the line is not touched.
    ///
    /// # Errors
    /// As [`Self::batch`].
    pub fn batch_for_file(
        &self,
        before: Frontier,
        items: Vec<Item>,
        key: &NodeKey,
        now: Timestamp,
    ) -> Result<Batch, BatchError> {
        Ok(self.make(before, items, key, now)?.0)
    }

    fn make(
        &self,
        before: Frontier,
        mut items: Vec<Item>,
        key: &NodeKey,
        now: Timestamp,
    ) -> Result<(Batch, Frontier), BatchError> {
        let start = before.size();
        items.truncate(that_fit(&items));
        let mut frontier = before;
        for item in &items {
            if let Item::Released(entry) = item {
                self.check(entry)?;
            }
            frontier.push(&item.id());
        }
        let (end, root) = (frontier.size(), frontier.root());
        if end > self.size() || (end == self.size() && root != self.frontier.root()) {
            return Err(BatchError::OtherPlace { start });
        }
        let checkpoint = Checkpoint::sign(&self.origin(), end, root, key)?;
        let head = BatchHead {
            from: self.me.clone(),
            to: self.peer.node.clone(),
            precedence: self.precedence,
            domain: self.domain,
            start,
            count: u32::try_from(items.len()).unwrap_or(u32::MAX),
            made: now,
            checkpoint: checkpoint.note().to_owned(),
        };
        Ok((Batch::new(head, items), frontier))
    }

    /// Takes a receipt that came another way, as a file, and gives the checkpoint to store when it goes further than
    /// what was known. While a batch is under way on the line nothing is taken: the peer's own answer comes first.
    pub fn receipt_by_file(&mut self, checkpoint: Checkpoint) -> Option<Checkpoint> {
        let mut outbox = Vec::new();
        self.receipt(checkpoint, &mut outbox);
        outbox.into_iter().find_map(|action| match action {
            Action::Acknowledged(checkpoint) => Some(checkpoint),
            _ => None,
        })
    }

    /// How many entries were ever released for this peer in this lane.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// How many of them the peer has acknowledged.
    pub const fn acked(&self) -> u64 {
        self.acked
    }

    /// Which lane.
    pub const fn precedence(&self) -> Precedence {
        self.precedence
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

    fn origin(&self) -> String {
        lane_origin(&self.me, &self.peer.node, self.precedence)
    }

    fn check(&self, entry: &Released<Entry>) -> Result<(), BatchError> {
        let id = entry.get().id();
        if *entry.audience() != self.peer.node {
            let (released_for, peer) = (entry.audience().clone(), self.peer.node.clone());
            return Err(BatchError::OtherAudience { id, released_for, peer });
        }
        if entry.get().domain() != self.domain {
            return Err(BatchError::OtherDomain { id, found: entry.get().domain(), expected: self.domain });
        }
        Ok(())
    }

    /// Something new, or nothing heard for a while: an empty batch asks the peer where it stands. Until it has answered
    /// one, and while one is being made, no other goes.
    fn wants_to_send(&self, now: Timestamp) -> bool {
        if let Some(last) = self.flights.back() {
            let steady = self.state == LinkState::Up && !self.resynced;
            return steady && self.flights.len() < WINDOW && last.signed.is_some() && self.next < self.size();
        }
        self.next < self.size()
            || self.state != LinkState::Up
            || now >= self.heard.plus_nanos(HEARTBEAT_NANOS)
            || now < self.heard // The clock was set back.
    }

    fn reply(&mut self, now: Timestamp, reply: Reply, outbox: &mut Vec<Action>) {
        let Some(oldest) = self.flights.front().map(|flight| flight.start) else { return };
        match reply {
            Reply::Ack { checkpoint } => match self.check_ack(&checkpoint) {
                Ok(Some(checkpoint)) => {
                    let end = checkpoint.size();
                    // Who has this one has those before it.
                    self.flights.retain(|flight| flight.end > end);
                    self.failures = 0;
                    self.resynced = false;
                    self.heard = now;
                    self.acknowledged(checkpoint, end, outbox);
                    self.change(LinkState::Up, outbox);
                }
                Ok(None) => {}
                Err(why) => {
                    self.fail(now, LinkState::Down(format!("its receipt does not hold: {why}")), outbox)
                }
            },
            Reply::Refused { refusal, size } => {
                // The second came before the first, which is still to be answered.
                if matches!(refusal, Refusal::Gap { .. }) && size == oldest && self.flights.len() > 1 {
                    self.flights.truncate(1);
                    self.next = self.flights.front().map_or(self.next, |flight| flight.end);
                    self.resynced = true;
                    return;
                }
                // Where the peer stands is where to go on, when that is a place of ours: after a crash on either
                // side it is not where we thought. At once only the first time: a peer that names ever other places
                // must not make us spin.
                let resync = matches!(refusal, Refusal::Gap { .. } | Refusal::Replay { .. });
                if resync && size <= self.size() && size != oldest {
                    let first = !std::mem::replace(&mut self.resynced, true);
                    self.give_up();
                    if !first {
                        self.fail(now, LinkState::Refused(refusal), outbox);
                    }
                    self.next = size;
                    return;
                }
                self.fail(now, LinkState::Refused(refusal), outbox);
            }
        }
    }

    fn acknowledged(&mut self, checkpoint: Checkpoint, end: u64, outbox: &mut Vec<Action>) {
        let news = self.acked != end || self.last_ack.is_none();
        self.acked = end;
        if self.flights.is_empty() {
            self.next = end;
        }
        // The first receipt for a size is the one that is kept, here as on disk.
        if news {
            self.last_ack = Some(checkpoint.clone());
            outbox.push(Action::Acknowledged(checkpoint));
        }
    }

    /// A receipt by another way counts when it goes further and holds; its root was checked by who read the log.
    fn receipt(&mut self, checkpoint: Checkpoint, outbox: &mut Vec<Action>) {
        let end = checkpoint.size();
        let holds = checkpoint.origin() == self.origin()
            && checkpoint.check_cosigned(&self.peer.node, &self.peer.key).is_ok();
        if holds && end > self.acked && end <= self.size() && self.flights.is_empty() {
            self.acknowledged(checkpoint, end, outbox);
        }
    }

    /// The receipt of a batch under way; `None` when it says less than is known already.
    fn check_ack(&self, note: &str) -> Result<Option<Checkpoint>, String> {
        let checkpoint = Checkpoint::parse(note).map_err(|e| e.to_string())?;
        let origin = self.origin();
        if checkpoint.origin() != origin {
            return Err("it is of another checkpoint".to_owned());
        }
        let end = checkpoint.size();
        let Some(flight) = self.flights.iter().find(|flight| flight.end == end) else {
            let late = end <= self.acked && self.last_ack.is_some();
            return if late { Ok(None) } else { Err("it is of another checkpoint".to_owned()) };
        };
        let signed = flight.signed.as_ref().ok_or("nothing was signed")?;
        checkpoint.check_root(signed.root).map_err(|e| e.to_string())?;
        // Ours must still stand on it too, or what we keep as the receipt proves nothing.
        checkpoint.check(&origin, &self.me, &signed.by).map_err(|e| e.to_string())?;
        checkpoint.check_cosigned(&self.peer.node, &self.peer.key).map_err(|e| e.to_string())?;
        Ok(Some(checkpoint))
    }

    /// Nothing is under way any more; what was is sent again.
    fn give_up(&mut self) {
        if let Some(oldest) = self.flights.front() {
            self.next = oldest.start;
        }
        self.flights.clear();
    }

    fn fail(&mut self, now: Timestamp, state: LinkState, outbox: &mut Vec<Action>) {
        let wait = FIRST_WAIT_NANOS.saturating_mul(1 << self.failures.min(16)).min(LONGEST_WAIT_NANOS);
        self.failures = self.failures.saturating_add(1);
        self.give_up();
        self.waits_until = Some(now.plus_nanos(wait));
        self.change(state, outbox);
    }

    fn change(&mut self, state: LinkState, outbox: &mut Vec<Action>) {
        if self.state != state {
            self.state = state.clone();
            outbox.push(Action::Changed(state));
        }
    }
}
