//! What waits for the thread that writes: the more urgent first, and nothing for ever.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use base::Precedence;

use crate::core::lock;

/// So often may what is more urgent pass what waits; then the least urgent that waits has its turn.
const PASSES: u32 = 16;

/// Why there is no item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// None came.
    Yet,
    /// The queue is closed and empty.
    ForEver,
}

struct Waiting<T> {
    lanes: [VecDeque<T>; Precedence::ALL.len()],
    passes: u32,
    closed: bool,
}

/// A queue in four lanes, for many senders and one receiver.
pub(crate) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    ready: Condvar,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let lanes = std::array::from_fn(|_| VecDeque::new());
        Self { waiting: Mutex::new(Waiting { lanes, passes: 0, closed: false }), ready: Condvar::new() }
    }
}

impl<T> Queue<T> {
    /// Puts `item` behind the others of its lane. `false` when nothing is taken any more.
    pub(crate) fn push(&self, precedence: Precedence, item: T) -> bool {
        let mut waiting = lock(&self.waiting);
        if waiting.closed {
            return false;
        }
        waiting.lanes[precedence as usize].push_back(item);
        drop(waiting);
        self.ready.notify_one();
        true
    }

    /// The next item; waits so long for one.
    pub(crate) fn pop(&self, patience: Duration) -> Result<T, Quiet> {
        let waiting = lock(&self.waiting);
        let nothing =
            |waiting: &mut Waiting<T>| !waiting.closed && waiting.lanes.iter().all(VecDeque::is_empty);
        let (mut waiting, _) = self
            .ready
            .wait_timeout_while(waiting, patience, nothing)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match waiting.next() {
            Some(item) => Ok(item),
            None if waiting.closed => Err(Quiet::ForEver),
            None => Err(Quiet::Yet),
        }
    }

    /// The next item of the lane `precedence`, when it is there and fits.
    pub(crate) fn pop_if(&self, precedence: Precedence, fits: impl Fn(&T) -> bool) -> Option<T> {
        lock(&self.waiting).lanes[precedence as usize].pop_front_if(|item| fits(item))
    }

    /// Takes nothing any more; what waits is still given out.
    pub(crate) fn close(&self) {
        lock(&self.waiting).closed = true;
        self.ready.notify_all();
    }
}

impl<T> Waiting<T> {
    fn next(&mut self) -> Option<T> {
        let first = self.lanes.iter().position(|lane| !lane.is_empty())?;
        let last = self.lanes.iter().rposition(|lane| !lane.is_empty())?;
        if first == last {
            self.passes = 0;
            return self.lanes[first].pop_front();
        }
        self.passes += 1;
        let turn = if self.passes > PASSES { last } else { first };
        if turn == last {
            self.passes = 0;
        }
        self.lanes[turn].pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_urgent_first_and_nothing_for_ever() {
        let queue = Queue::default();
        for number in 0..40 {
            assert!(queue.push(Precedence::Routine, (Precedence::Routine, number)));
            assert!(queue.push(Precedence::Flash, (Precedence::Flash, number)));
        }
        queue.close();
        assert!(!queue.push(Precedence::Flash, (Precedence::Flash, 99)));
        let all: Vec<_> = std::iter::from_fn(|| queue.pop(Duration::ZERO).ok()).collect();
        assert_eq!(queue.pop(Duration::ZERO), Err(Quiet::ForEver));
        assert_eq!(Queue::<u8>::default().pop(Duration::ZERO), Err(Quiet::Yet));
        assert_eq!(all.len(), 80);
        assert!(all[..16].iter().all(|(lane, _)| *lane == Precedence::Flash));
        assert_eq!(all[16], (Precedence::Routine, 0), "it waited long enough");
        for lane in [Precedence::Flash, Precedence::Routine] {
            let order: Vec<_> = all.iter().filter(|(l, _)| *l == lane).map(|(_, n)| *n).collect();
            assert_eq!(order, (0..40).collect::<Vec<_>>());
        }
    }
}
