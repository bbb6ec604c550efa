//! What was begun and waits for its second half: few, and not for long.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::session::{hash, token};
use crate::core::lock;

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How many may be under way at once; the oldest goes when there is one more.
const MOST: usize = 1024;

/// Things under way, by the hash of a token that only who began them has.
pub(crate) struct Pending<T>(Mutex<BTreeMap<String, (Instant, T)>>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }
}

impl<T> Pending<T> {
    /// Keeps `value` and gives the token that takes it back.
    pub(crate) fn put(&self, value: T) -> String {
        let token = token();
        self.put_as(&token, value);
        token
    }

    pub(crate) fn put_as(&self, token: &str, value: T) {
        let mut pending = lock(&self.0);
        pending.retain(|_, (since, _)| since.elapsed() < PATIENCE);
        while pending.len() >= MOST {
            let oldest = pending.iter().min_by_key(|(_, (since, _))| *since).map(|(key, _)| key.clone());
            oldest.map(|key| pending.remove(&key));
        }
        pending.insert(hash(token), (Instant::now(), value));
    }

    /// Takes back what was kept: once, and not too late.
    pub(crate) fn take(&self, token: &str) -> Option<T> {
        let (since, value) = lock(&self.0).remove(&hash(token))?;
        (since.elapsed() < PATIENCE).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_given_back_once_and_the_oldest_makes_room() {
        let pending = Pending::default();
        let tokens: Vec<String> = (0..MOST + 10).map(|n| pending.put(n)).collect();
        assert_eq!(lock(&pending.0).len(), MOST);
        assert_eq!(pending.take(&tokens[0]), None);
        assert_eq!(pending.take(&tokens[MOST]), Some(MOST));
        assert_eq!(pending.take(&tokens[MOST]), None);
        assert_eq!(pending.take("none"), None);
    }
}
