//! Who looked with which ally's eyes: one act an hour for each person and peer.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base::{NodeName, Timestamp};

use super::act::{Act, ActKind, Actor};
use super::session::Caller;
use super::{People, Way};
use crate::NodeError;
use crate::core::lock;
use crate::view::{Noun, View};

/// One entry in so long for each person and peer.
const EVERY_SECONDS: f64 = 3600.0;
/// Acts that are looked through for one of the last hour, after a start.
const LOOKED_THROUGH: usize = 1000;
/// Pairs that are remembered; the record knows the others.
const REMEMBERED: usize = 4096;

/// A person, by the account and how it came in, and a peer.
type Looked = (Option<String>, Way, NodeName);

/// When each person last looked with each peer's eyes.
#[derive(Default)]
pub(super) struct SeenAs(Mutex<BTreeMap<Looked, Timestamp>>);

impl People {
    /// Records that the caller looks with the eyes of `peer`, if that was not said within the hour.
    pub(crate) async fn note_seen_as(&self, caller: &Caller, peer: &NodeName) -> Result<(), NodeError> {
        let now = self.core.surroundings.now();
        let by = caller.actor();
        let key = (by.account.as_ref().map(ToString::to_string), by.way, peer.clone());
        let fresh = |at: Timestamp| now.seconds_since(at) < EVERY_SECONDS;
        if lock(&self.seen_as.0).get(&key).is_some_and(|at| fresh(*at)) {
            return Ok(());
        }
        // Two that come at once are one act.
        let _alone = self.changing.lock().await;
        if lock(&self.seen_as.0).get(&key).is_some_and(|at| fresh(*at)) {
            return Ok(());
        }
        let at = match self.last_seen_as(&by, peer).await?.filter(|at| fresh(*at)) {
            Some(at) => at,
            None => {
                self.record(self.core.act(ActKind::SeenAs, by).detail(peer.as_str())).await?;
                now
            }
        };
        let mut seen = lock(&self.seen_as.0);
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(key, at);
        Ok(())
    }

    /// When the record last says so.
    async fn last_seen_as(&self, by: &Actor, peer: &NodeName) -> Result<Option<Timestamp>, NodeError> {
        let (by, peer) = (by.clone(), peer.clone());
        let found = self.core.read(&View::Owner, move |reader| {
            let acts = reader.rows()?.standing(Noun::Act, None, LOOKED_THROUGH)?;
            let same = |act: &Act| {
                act.kind == ActKind::SeenAs && act.by == by && act.detail.as_deref() == Some(peer.as_str())
            };
            Ok(acts
                .iter()
                .filter(|row| row.is_own())
                .filter_map(|row| row.act())
                .find(same)
                .map(|act| act.at))
        });
        found.await
    }
}
