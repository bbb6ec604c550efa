//! A peer's share of this machine: how fast it may send, how much of the writer's time it may take while others need
//! it, how much memory its batches may hold. What it may keep on the disk, the writer asks of the record.
//!
//! Who goes beyond waits unread; nothing of it is lost, and nobody else waits with it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::Precedence;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::core::lock;

/// What one peer's batches may hold in memory at once, once they are read, in KiB.
const MEMORY_KIB: u32 = 96 << 10;
/// What an item costs on the disk beside its payload: its rows, index and tile.
pub(crate) const ITEM_OVERHEAD_BYTES: u64 = 512;
/// What a byte of a batch takes in memory: itself, its parsed form (bounded by the number of JSON values, which
/// `link` counts), and a copy of both on its way into the record and the views.
const MEMORY_FOR_A_BYTE: usize = 16;
/// Whoever was active so short a time ago still needs the machine.
const NEEDS_IT_FOR: Duration = Duration::from_secs(1);
/// The share of the writer's time that one peer may take while others need it ..
const WORK_SHARE: f64 = 1.0 / 3.0;
/// .. and how much at once, in seconds.
const WORK_BURST_SECONDS: f64 = 0.25;
/// A rate may be exceeded at once by what it lets through in this time.
const BURST_SECONDS: f64 = 2.0;
/// No pause is longer: a sender gives up waiting after 20 s.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How fast a peer may send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) items_per_second: f64,
    pub(crate) bytes_per_second: f64,
}

/// A bucket that leaks: what was taken and has not run off yet.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: f64,
    at: Instant,
}

impl Bucket {
    const fn new(at: Instant) -> Self {
        Self { level: 0.0, at }
    }

    /// Adds `amount`, beyond `most` nothing: what is owed for more than that is forgiven.
    fn add(&mut self, amount: f64, rate: f64, most: f64, now: Instant) {
        let left = self.level_at(rate, now);
        *self = Self { level: (left + amount).min(most), at: now };
    }

    fn level_at(&self, rate: f64, now: Instant) -> f64 {
        (self.level - rate * now.saturating_duration_since(self.at).as_secs_f64()).max(0.0)
    }

    /// How long until no more than `burst` is left.
    fn pause(&self, rate: f64, burst: f64, now: Instant) -> Duration {
        let beyond = (self.level_at(rate, now) - burst).max(0.0);
        Duration::try_from_secs_f64(beyond / rate).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
    }
}

/// What a lane and the more urgent ones took: a warning does not wait for what its own sender's bulk has used up.
#[derive(Debug, Clone, Copy)]
struct Taken {
    items: Bucket,
    bytes: Bucket,
    work: Bucket,
}

/// One peer's share.
pub(crate) struct Share {
    rates: Rates,
    taken: Mutex<[Taken; Precedence::ALL.len()]>,
    memory: Semaphore,
    used: Mutex<Option<Instant>>,
    paused_milliseconds: AtomicU64,
}

impl Share {
    pub(crate) fn new(rates: Rates) -> Self {
        let bucket = Bucket::new(Instant::now());
        let none = Taken { items: bucket, bytes: bucket, work: bucket };
        Self {
            rates,
            taken: Mutex::new([none; Precedence::ALL.len()]),
            memory: Semaphore::new(MEMORY_KIB as usize),
            used: Mutex::new(None),
            paused_milliseconds: AtomicU64::new(0),
        }
    }

    /// How long the next batch of `lane` must wait; `contended`: others need the machine.
    pub(crate) fn pause(&self, lane: Precedence, contended: bool) -> Duration {
        let now = Instant::now();
        let taken = lock(&self.taken)[lane as usize];
        let Rates { items_per_second, bytes_per_second } = self.rates;
        let work =
            if contended { taken.work.pause(WORK_SHARE, WORK_BURST_SECONDS, now) } else { Duration::ZERO };
        taken
            .items
            .pause(items_per_second, items_per_second * BURST_SECONDS, now)
            .max(taken.bytes.pause(bytes_per_second, bytes_per_second * BURST_SECONDS, now))
            .max(work)
    }

    /// A pause was kept.
    pub(crate) fn paused(&self, pause: Duration) {
        let milliseconds = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.paused_milliseconds.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// For how long the peer was made to wait since the start.
    pub(crate) fn paused_milliseconds(&self) -> u64 {
        self.paused_milliseconds.load(Ordering::Relaxed)
    }

    /// A batch of `lane` came.
    pub(crate) fn came(&self, lane: Precedence, items: u64, bytes: u64) {
        let now = Instant::now();
        *lock(&self.used) = Some(now);
        let Rates { items_per_second, bytes_per_second } = self.rates;
        let longest = BURST_SECONDS + LONGEST_PAUSE.as_secs_f64();
        for taken in &mut lock(&self.taken)[lane as usize..] {
            taken.items.add(items as f64, items_per_second, items_per_second * longest, now);
            taken.bytes.add(bytes as f64, bytes_per_second, bytes_per_second * longest, now);
        }
    }

    /// It took so much time of the threads that all share.
    pub(crate) fn worked(&self, lane: Precedence, time: Duration) {
        let now = Instant::now();
        let most = WORK_BURST_SECONDS + WORK_SHARE * LONGEST_PAUSE.as_secs_f64();
        for taken in &mut lock(&self.taken)[lane as usize..] {
            taken.work.add(time.as_secs_f64(), WORK_SHARE, most, now);
        }
    }

    /// Whether the peer sent something a moment ago.
    pub(crate) fn needs_it(&self) -> bool {
        is_recent(*lock(&self.used))
    }

    /// Waits until the peer's other batches leave room in its share of memory for one of `bytes`.
    pub(crate) async fn room_for(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        let kib = u32::try_from(bytes.saturating_mul(MEMORY_FOR_A_BYTE) >> 10)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        // One that needs all of it has all of it for itself.
        self.memory.acquire_many(kib.min(MEMORY_KIB)).await.ok()
    }
}

/// Whether somebody who was last active at `used` still needs the machine.
pub(crate) fn is_recent(used: Option<Instant>) -> bool {
    used.is_some_and(|used| used.elapsed() < NEEDS_IT_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_a_burst_through_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        bucket.add(20.0, 10.0, 1000.0, start);
        assert_eq!(bucket.pause(10.0, 20.0, start), Duration::ZERO);
        bucket.add(5.0, 10.0, 1000.0, start);
        assert_eq!(bucket.pause(10.0, 20.0, start), Duration::from_millis(500));
        let later = start + Duration::from_secs(1);
        assert_eq!(bucket.pause(10.0, 20.0, later), Duration::ZERO);
        // What is owed has an end.
        bucket.add(1e12, 10.0, 30.0, later);
        assert_eq!(bucket.pause(10.0, 20.0, later), Duration::from_secs(1));
    }

    #[test]
    fn a_warning_does_not_wait_for_its_senders_bulk() {
        let share = Share::new(Rates { items_per_second: 10.0, bytes_per_second: 1e9 });
        share.came(Precedence::Routine, 1000, 1000);
        assert_eq!(share.pause(Precedence::Flash, true), Duration::ZERO);
        assert!(share.pause(Precedence::Routine, false) > Duration::from_secs(1));
        // What is urgent counts for what is not.
        share.came(Precedence::Flash, 1000, 1000);
        assert!(share.pause(Precedence::Flash, false) > Duration::from_secs(1));
        assert!(share.pause(Precedence::Priority, false) > Duration::from_secs(1));
    }

    #[test]
    fn time_counts_only_while_others_need_it() {
        let share = Share::new(Rates { items_per_second: 1e9, bytes_per_second: 1e9 });
        share.worked(Precedence::Routine, Duration::from_secs(1));
        assert_eq!(share.pause(Precedence::Routine, false), Duration::ZERO);
        assert!(share.pause(Precedence::Routine, true) > Duration::from_secs(1));
        assert_eq!(share.pause(Precedence::Priority, true), Duration::ZERO);
    }
}
