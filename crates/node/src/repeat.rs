//! A node whose run can be repeated: its time stands still and its salts follow from a seed.

use std::sync::atomic::{AtomicU64, Ordering};

use base::Timestamp;
use sha2::{Digest, Sha256};

use crate::core::{Machine, Surroundings};

/// What of a run is fixed, so that the same input gives the same entries to the last byte. For tests and trials: who
/// knows the seed can guess what an entry's salt is to hide. Keys, sessions and waiting times are those of the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repeatable {
    /// The time of every entry, and of every decision.
    pub now: Option<Timestamp>,
    /// Where salts come from.
    pub seed: Option<u64>,
}

/// The surroundings of such a node: what is not fixed is the machine's.
pub(crate) struct Repeated {
    fixed: Repeatable,
    drawn: AtomicU64,
}

impl Repeated {
    pub(crate) const fn new(fixed: Repeatable) -> Self {
        Self { fixed, drawn: AtomicU64::new(0) }
    }
}

impl Surroundings for Repeated {
    fn now(&self) -> Timestamp {
        self.fixed.now.unwrap_or_else(|| Machine.now())
    }

    fn fill(&self, bytes: &mut [u8]) {
        let Some(seed) = self.fixed.seed else { return Machine.fill(bytes) };
        for chunk in bytes.chunks_mut(32) {
            let number = self.drawn.fetch_add(1, Ordering::Relaxed);
            let block = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(number.to_le_bytes());
            chunk.copy_from_slice(&block.finalize()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(fixed: Repeatable) -> ([u8; 40], Timestamp) {
        let of = Repeated::new(fixed);
        let mut bytes = [0; 40];
        of.fill(&mut [0; 16]);
        of.fill(&mut bytes);
        (bytes, of.now())
    }

    #[test]
    fn a_seed_and_a_time_are_repeated_and_nothing_else_is() {
        let fixed = Repeatable { now: Some(Timestamp::UNIX_EPOCH), seed: Some(7) };
        assert_eq!(drawn(fixed), drawn(fixed));
        assert_ne!(drawn(fixed).0, drawn(Repeatable { seed: Some(8), ..fixed }).0);
        let by_machine = Repeatable::default();
        assert_ne!(drawn(by_machine).0, drawn(by_machine).0);
        assert!(drawn(by_machine).1 > Timestamp::UNIX_EPOCH);
    }
}
