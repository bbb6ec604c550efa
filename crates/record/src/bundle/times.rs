//! When an item was there: bounds, never one instant.

use base::Timestamp;
use serde::Serialize;

use super::custody::Item;

/// What can be said about the time of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeBounds {
    /// When its author says it was signed, by the author's clock.
    pub claimed: Option<Timestamp>,
    /// Receipt of its predecessor: the time at which the exporter says it had the item before it in the same log (as
    /// far as that one is in the bundle), by the exporter's clock.
    pub not_before: Option<Timestamp>,
    /// Witness time: the earliest cosignature on a checkpoint that includes it, by the witness's clock.
    pub not_after: Option<Timestamp>,
}

/// The bounds of items that come in the order of their logs and places.
pub(crate) struct Bounds<'a> {
    /// For each log the earliest time of a cosignature on its checkpoint.
    witnessed: &'a [Option<Timestamp>],
    /// The log of the item before, and when the exporter had it.
    before: Option<(usize, Timestamp)>,
}

impl<'a> Bounds<'a> {
    pub(crate) const fn new(witnessed: &'a [Option<Timestamp>]) -> Self {
        Self { witnessed, before: None }
    }

    /// The bounds of the next item.
    pub(crate) fn next(&mut self, item: Item<'_>) -> TimeBounds {
        let log = item.row.log;
        let claimed = item.entry.map(crate::Entry::time);
        let bounds = TimeBounds {
            claimed,
            not_before: self.before.filter(|(of, _)| *of == log).map(|(_, time)| time),
            not_after: self.witnessed.get(log).copied().flatten(),
        };
        if let Some(time) = item.row.received.or(claimed) {
            self.before = Some((log, time));
        }
        bounds
    }
}

/// A time of a cosignature.
pub(crate) fn from_posix(seconds: u64) -> Option<Timestamp> {
    let nanos = i64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?;
    Some(Timestamp::from_unix_nanos(nanos))
}
