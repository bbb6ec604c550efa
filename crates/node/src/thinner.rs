//! Keeping a flood of refusals from filling the record.

use std::collections::HashMap;
use std::time::Duration;

use base::{KeyFingerprint, NodeName, Timestamp};

use crate::core::Draft;

/// Who, by what certificate, and which code.
type Sort = (Option<NodeName>, Option<KeyFingerprint>, &'static str);

/// When one was let through, and how many were not since.
type Last = (Timestamp, u64);

/// Lets through one refusal a minute for each origin and code, and counts the others.
#[derive(Default)]
pub(crate) struct Thinner {
    last: HashMap<Sort, Last>,
}

impl Thinner {
    const EVERY: Duration = Duration::from_secs(60);
    const ORIGINS: usize = 256;

    pub(crate) fn admit(&mut self, draft: Draft) -> Option<Draft> {
        let Draft::Refused(mut refused) = draft else { return Some(draft) };
        let mut key = (refused.peer.clone(), refused.certificate, refused.refusal.code());
        if self.last.len() >= Self::ORIGINS && !self.last.contains_key(&key) {
            // Whoever makes up a new certificate each time shares one line a minute with the others of that sort.
            key = (None, None, key.2);
        }
        match self.last.get_mut(&key) {
            Some((last, suppressed)) if refused.at.seconds_since(*last) < Self::EVERY.as_secs_f64() => {
                *suppressed += 1;
                None
            }
            Some((last, suppressed)) => {
                *last = refused.at;
                refused.suppressed = std::mem::take(suppressed);
                Some(Draft::Refused(refused))
            }
            None => {
                self.last.insert(key, (refused.at, 0));
                Some(Draft::Refused(refused))
            }
        }
    }
}
