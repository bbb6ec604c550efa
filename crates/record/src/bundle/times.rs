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

/// The bounds of each item, which stand in the order of their logs and places; `witnessed` gives for each log the
/// earliest time of a cosignature on its checkpoint.
pub(crate) fn bounds(items: &[Item<'_>], witnessed: &[Option<Timestamp>]) -> Vec<TimeBounds> {
    let mut before: Option<(usize, Timestamp)> = None;
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        let log = item.row.log;
        let claimed = item.entry.map(crate::Entry::time);
        all.push(TimeBounds {
            claimed,
            not_before: before.filter(|(of, _)| *of == log).map(|(_, time)| time),
            not_after: witnessed.get(log).copied().flatten(),
        });
        if let Some(time) = item.row.received.or(claimed) {
            before = Some((log, time));
        }
    }
    all
}

/// A time of a cosignature.
pub(crate) fn from_posix(seconds: u64) -> Option<Timestamp> {
    let nanos = i64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?;
    Some(Timestamp::from_unix_nanos(nanos))
}
