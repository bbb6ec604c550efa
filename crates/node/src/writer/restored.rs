//! After a restore: recalls that the record has lost are taken in again, and what peers sent stays hidden until they
//! were heard.

use std::collections::BTreeSet;

use base::{EntryId, NodeName, Noun as _, Recall, Timestamp};
use record::{Batch, Direction, Domain, Entry, Incoming, PublicKey, Purge, RecordStore, SqliteRecord};

use super::Writer;
use crate::core::Draft;
use crate::tombstones::{Tombstones, Unconfirmed, settle, was_copied};
use crate::upkeep::Folds;
use crate::view::View;
use crate::{Config, NodeError};

/// Whether the folder was restored or copied since the node last ran; then what came from its peers is hidden, and the
/// views are built anew without it.
pub(super) fn look(
    config: &Config,
    record: &SqliteRecord,
    tombstones: &Tombstones,
) -> Result<Unconfirmed, NodeError> {
    let data = &config.data;
    let mut hidden = Unconfirmed::read(data)?;
    let mut peers: BTreeSet<NodeName> = BTreeSet::new();
    for lane in record.lanes()?.into_iter().filter(|lane| lane.direction == Direction::In) {
        if record.lane(&lane)?.frontier.size() > 0 {
            peers.insert(lane.peer);
        }
    }
    let copied = was_copied(data);
    if copied && !peers.is_empty() && !config.show_unconfirmed && !tombstones.outlives(data) {
        tracing::warn!(
            ?peers,
            "this folder was restored or copied: what these peers sent stays hidden until each was heard again, since \
             it may have been recalled meanwhile"
        );
        hidden = Unconfirmed::hide(data, peers, record.log_size())?;
        remove_views(config)?;
    } else if config.show_unconfirmed && hidden != Unconfirmed::default() {
        tracing::warn!(
            "link.show_unconfirmed: what was hidden since the restore is shown; it may have been recalled"
        );
        hidden = Unconfirmed::hide(data, BTreeSet::new(), 0)?;
        remove_views(config)?;
    }
    tombstones.begin(data)?;
    if copied {
        // Last: should the node stop before, it looks again.
        settle(data)?;
    }
    Ok(hidden)
}

/// Takes in what peers recalled after the record was last saved: before there is a view that could show it. Gives the
/// own recalls that the record lacks.
pub(super) fn purge_again(
    config: &Config,
    record: &mut SqliteRecord,
    tombstones: Vec<Entry>,
    own_key: &PublicKey,
    now: Timestamp,
) -> Result<Vec<Entry>, NodeError> {
    let domain = if config.exercise { Domain::Exercise } else { Domain::Live };
    let (mut own, mut entries, mut purge) = (Vec::new(), Vec::new(), Vec::<Purge>::new());
    for entry in tombstones {
        let Ok(recall) = entry.noun::<Recall>() else { continue };
        if entry.domain() != domain || record.place(&entry.id())?.is_some() {
            continue;
        }
        if entry.key() == own_key {
            own.push(entry);
            continue;
        }
        let goes = record.get(&recall.target)?.is_some_and(|stored| {
            stored.received.is_some()
                && stored.key == *entry.key()
                && stored.entry.is_some_and(|target| target.kind() != Recall::SCHEMA)
        });
        if goes && purge.iter().all(|purge| purge.target != recall.target) {
            purge.push(Purge { target: recall.target, recall: entry.id() });
        }
        entries.push(Incoming { entry, received: Some(now) });
    }
    let count = own.len() + entries.len();
    if count > 0 {
        tracing::warn!(count, "recalls that the record does not have are taken in again from the tombstones");
        record.commit(&Batch { entries, purge, ..Batch::default() })?;
        remove_views(config)?;
    }
    Ok(own)
}

fn remove_views(config: &Config) -> Result<(), NodeError> {
    let views = config.data.join("views");
    match std::fs::remove_dir_all(&views) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(NodeError::Io { path: views, source })
        }
        _ => Ok(()),
    }
}

impl Writer {
    /// Keeps the recalls among `entries` where a restore of the folder does not reach. They hold also where that fails:
    /// what is recalled must not stay in sight because another disk is full.
    pub(super) fn remember_recalls<'e>(&mut self, entries: impl IntoIterator<Item = &'e Entry>) {
        if let Err(error) = self.tombstones.add(entries) {
            tracing::error!(%error, "a recall is not among the tombstones: a restored backup would not know of it");
        }
    }

    /// Records the own recalls that the record has lost, and completes the tombstones from the record. Nothing is shown or
    /// sent yet.
    pub(super) fn recall_again(&mut self, own: Vec<Entry>) -> Result<(), NodeError> {
        let drafts = own.into_iter().filter_map(|entry| {
            let recall = entry.noun::<Recall>().ok()?;
            Some((entry, Draft::Recall(recall)))
        });
        self.commit_own(drafts.collect())?;
        let recalls: Vec<EntryId> = self.folds.owner()?.recalls()?;
        let held = |id: &EntryId| self.record.get(id).ok().flatten().and_then(|stored| stored.entry);
        let held: Vec<Entry> =
            recalls.iter().filter(|id| !self.tombstones.has(id)).filter_map(held).collect();
        self.remember_recalls(&held);
        Ok(())
    }

    /// The peer has nothing urgent that is not here: what it recalled while this folder was a backup is gone, and the
    /// rest of what it sent is shown again.
    pub(super) fn confirm(&mut self, peer: &NodeName) {
        if !self.folds.unconfirmed().has(peer) {
            return;
        }
        if let Err(error) = self.show_again(peer) {
            tracing::error!(%error, %peer, "what was hidden since the restore is shown after the next start");
        }
    }

    fn show_again(&mut self, peer: &NodeName) -> Result<(), NodeError> {
        tracing::info!(%peer, "heard again since the folder was restored: what it sent is shown");
        let open = self.folds.views();
        let mut hidden = self.folds.unconfirmed().clone();
        // Should the node stop in between, no view is left that was made by the other rule.
        self.folds.discard(&self.core.views);
        hidden.confirm(&self.core.config.data, peer)?;
        self.folds = Folds::open(&self.core.views, &self.record, hidden)?;
        for link in self.core.links().iter().filter(|link| link.via.is_none()) {
            self.catch_up(link)?;
        }
        for view in open.into_iter().filter(|view| matches!(view, View::User(_))) {
            self.folds.add(&self.core.views, &self.record, view)?;
        }
        Ok(())
    }
}
