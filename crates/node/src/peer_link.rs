//! One peer as the node holds it: four lanes, each with its own sending half, queue and signal.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base::{Precedence, Timestamp};
use label::{Audience, Released};
use link::{Agreement, BatchError, Event, Item, LinkState, Outbound};
use record::{Entry, Frontier, Peer};
use tokio::sync::Notify;

use crate::core::lock;
use crate::share::{Rates, Share};

/// How the address of a peer begins that is reached through a hub only: `via:washington`.
const VIA: &str = "via:";

/// A peer that was heard of is tried at once, but not more often than this.
const RETRY_AT_MOST: Duration = Duration::from_secs(1);

/// What was released since, kept so that it need not be read from the record again: at most so many items ..
const FRESH_ITEMS: usize = 4096;
/// .. and so many bytes.
const FRESH_BYTES: usize = 8 << 20;

/// One peer as the link's tasks see it.
pub(crate) struct PeerLink {
    pub(crate) peer: Peer,
    pub(crate) audience: Audience,
    lanes: [Lane; Precedence::ALL.len()],
    /// When its state changed last, and when it last acknowledged something.
    pub(crate) since: Mutex<Option<Timestamp>>,
    pub(crate) last_ack: Mutex<Option<Timestamp>>,
    /// The hub through which alone the peer is reached; nothing is sent to it from here.
    pub(crate) via: Option<base::NodeName>,
    /// When the agreement runs out, if there is one.
    pub(crate) expires: Mutex<Option<Timestamp>>,
    /// The lanes that the agreement names; without one all.
    agreed: Mutex<Vec<Precedence>>,
    /// Connections that the peer has open to this node.
    pub(crate) connections: AtomicUsize,
    /// Refusals in a row, for which the peer waits.
    pub(crate) refused: AtomicUsize,
    /// How much of this machine it may use.
    pub(crate) share: Share,
}

/// One lane to and from a peer.
pub(crate) struct Lane {
    pub(crate) outbound: Mutex<Outbound>,
    fresh: Mutex<Fresh>,
    /// There is something to do for the lane's task.
    pub(crate) wake: Notify,
    /// The peer was heard of since the lane's task last looked: one that could not be reached need not be waited for.
    heard: AtomicBool,
    /// When that last led to a try.
    retried: Mutex<Option<Instant>>,
    pub(crate) received: AtomicU64,
    /// One batch of the peer is read and checked at a time ..
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// .. and one is stored.
    pub(crate) storing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Fresh {
    items: VecDeque<(u64, Released<Entry>)>,
    bytes: usize,
}

/// Items of a lane as they may go, and the right edge of the log before them.
pub(crate) struct Gathered {
    pub(crate) before: Frontier,
    pub(crate) items: Vec<Item>,
}

impl PeerLink {
    pub(crate) fn new(
        peer: Peer,
        audience: Audience,
        outbound: [Outbound; 4],
        received: [u64; 4],
        rates: Rates,
    ) -> Self {
        let via = peer.address.strip_prefix(VIA).and_then(|hub| hub.parse().ok());
        let mut received = received.into_iter();
        let lanes = outbound.map(|outbound| Lane {
            outbound: Mutex::new(outbound),
            fresh: Mutex::default(),
            wake: Notify::new(),
            heard: AtomicBool::new(false),
            retried: Mutex::new(None),
            received: received.next().unwrap_or_default().into(),
            turn: tokio::sync::Mutex::default(),
            storing: tokio::sync::Mutex::default(),
        });
        Self {
            peer,
            audience,
            lanes,
            since: Mutex::new(None),
            last_ack: Mutex::new(None),
            via,
            expires: Mutex::new(None),
            agreed: Mutex::new(Precedence::ALL.to_vec()),
            connections: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            share: Share::new(rates),
        }
    }

    pub(crate) const fn lane(&self, precedence: Precedence) -> &Lane {
        &self.lanes[precedence as usize]
    }

    /// The lane in which something of this precedence goes: its own, or the next less urgent one that is agreed on, or
    /// else the least urgent.
    pub(crate) fn lane_for(&self, precedence: Precedence) -> Precedence {
        let agreed = lock(&self.agreed);
        agreed
            .iter()
            .find(|lane| **lane >= precedence)
            .or_else(|| agreed.last())
            .copied()
            .unwrap_or(precedence)
    }

    /// The agreement that holds with the peer.
    pub(crate) fn agree(&self, agreement: &Agreement) {
        let expires = agreement.expires;
        let mut lanes = agreement.lanes.clone();
        lanes.sort_unstable();
        *lock(&self.agreed) = lanes;
        *lock(&self.expires) = Some(expires);
        self.lanes.iter().for_each(|lane| lock(&lane.outbound).expires_at(Some(expires)));
    }

    /// The peer was heard of, or something else says that it is worth a try.
    pub(crate) fn wake(&self) {
        for lane in &self.lanes {
            lane.heard.store(true, Ordering::Relaxed);
            lane.wake.notify_one();
        }
    }

    /// Items in all logs for the peer.
    pub(crate) fn size(&self) -> u64 {
        self.lanes.iter().map(|lane| lock(&lane.outbound).size()).sum()
    }

    /// How many of them the peer has acknowledged.
    pub(crate) fn acked(&self) -> u64 {
        self.lanes.iter().map(|lane| lock(&lane.outbound).acked()).sum()
    }

    /// Items received from it.
    pub(crate) fn received(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.received.load(Ordering::Relaxed)).sum()
    }

    /// How the link stands: as its worst lane does.
    pub(crate) fn state(&self) -> LinkState {
        let states = self.lanes.iter().map(|lane| lock(&lane.outbound).state().clone());
        let weight = |state: &LinkState| match state {
            LinkState::Expired(_) => 4,
            LinkState::Refused(_) => 3,
            LinkState::Down(_) => 2,
            LinkState::Never => 1,
            LinkState::Up => 0,
        };
        states.max_by_key(weight).unwrap_or(LinkState::Never)
    }
}

impl Lane {
    /// What the lane's task is to know when it was woken: a peer that could not be reached is tried again at once when
    /// it was heard of. One that refuses what it gets waits as before.
    pub(crate) fn news(&self) -> Option<Event> {
        let heard = self.heard.swap(false, Ordering::Relaxed);
        let unreachable = matches!(lock(&self.outbound).state(), LinkState::Never | LinkState::Down(_));
        let mut retried = lock(&self.retried);
        // A peer that can call but not be called is not tried with each of its calls.
        if !heard || !unreachable || retried.is_some_and(|at| at.elapsed() < RETRY_AT_MOST) {
            return None;
        }
        *retried = Some(Instant::now());
        Some(Event::Retry)
    }

    /// Items received from the peer.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// What was just recorded and released enters the log; gives its place.
    pub(crate) fn append(&self, entry: Released<Entry>) -> Result<u64, BatchError> {
        let place = lock(&self.outbound).append(&entry)?;
        let mut fresh = lock(&self.fresh);
        let bytes = entry.get().payload().len();
        // A queue with a hole in it serves nobody: once it was full it fills again only from empty.
        let follows = fresh.items.back().is_none_or(|(last, _)| last + 1 == place);
        if follows && fresh.items.len() < FRESH_ITEMS && fresh.bytes + bytes < FRESH_BYTES {
            fresh.bytes += bytes;
            fresh.items.push_back((place, entry));
        }
        Ok(place)
    }

    /// The items from `start` to `end`, when they are still at hand.
    pub(crate) fn take_fresh(&self, start: u64, end: u64) -> Vec<Released<Entry>> {
        let mut fresh = lock(&self.fresh);
        let mut taken = Vec::new();
        let wanted = |place: u64, taken: &[Released<Entry>]| {
            place < start || (place < end && place == start + taken.len() as u64)
        };
        while let Some((place, entry)) = fresh.items.pop_front_if(|(place, _)| wanted(*place, &taken)) {
            fresh.bytes -= entry.get().payload().len();
            if place >= start {
                taken.push(entry);
            }
        }
        taken
    }
}
