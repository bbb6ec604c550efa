//! Hearing of entries as they become visible, for who measures or tests a node from outside.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use crate::NodeError;
use crate::view::Opened;

/// Most entries that are read in one go.
const MOST_AT_ONCE: usize = 1000;

/// One entry that became visible, or was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arrival {
    /// It is there.
    Entry(base::EntryId),
    /// It was recalled.
    Recalled(base::EntryId),
}

/// Hears of entries as they become visible to the owner, in the order of the home log; see
/// [`Node::arrivals`](crate::Node::arrivals).
pub struct Arrivals {
    opened: Arc<Opened>,
    growth: watch::Receiver<u64>,
    /// The place of the next entry.
    next: u64,
    read: VecDeque<Arrival>,
}

impl Arrivals {
    pub(crate) fn of(opened: Arc<Opened>) -> Result<Self, NodeError> {
        let growth = opened.growth();
        let next = *growth.borrow();
        Ok(Self { opened, growth, next, read: VecDeque::new() })
    }

    /// The next one; `None` once the node stops or its view cannot be read.
    pub async fn next(&mut self) -> Option<Arrival> {
        loop {
            if let Some(arrival) = self.read.pop_front() {
                return Some(arrival);
            }
            if *self.growth.borrow_and_update() <= self.next {
                self.growth.changed().await.ok()?;
                continue;
            }
            let (opened, from) = (Arc::clone(&self.opened), self.next);
            let read = move || -> Result<_, NodeError> {
                Ok(opened.reader()?.rows()?.arrivals(from, MOST_AT_ONCE)?)
            };
            let (read, next) = tokio::task::spawn_blocking(read).await.ok()?.ok()?;
            (self.read, self.next) = (read.into(), next);
        }
    }
}

impl std::fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrivals").field("next", &self.next).finish_non_exhaustive()
    }
}
