//! What the writing thread does about a peer that does what it may not: the refusal, its share of the disk, and the
//! proof that it showed two histories.

use base::{NodeName, Precedence, Timestamp};
use link::{Refusal, Refused, Shown, VerifiedBatch};
use record::Fraud;

use super::Writer;
use super::exchange::HeldRecord;
use crate::NodeError;
use crate::core::{Draft, lock, nobody};
use crate::share::ITEM_OVERHEAD_BYTES;

/// A lane's proof takes time that others wait for: so seldom one is made.
const PROOF_EVERY_SECONDS: f64 = 60.0;
/// So many proofs against one peer are kept; one is enough.
const FRAUDS_OF_A_PEER: usize = 16;
/// Recalls may go beyond the peer's share of the disk by one part in so many: they are what makes room.
const RECALL_RESERVE: u64 = 16;

impl Writer {
    /// What the entries of a peer take here.
    pub(super) fn disk_share(&self, peer: &NodeName) -> Result<u64, NodeError> {
        let bytes = self.folds.owner()?.tally("received_bytes", peer.as_str())?;
        let items = self.core.link(peer).map_or(0, |link| link.received());
        Ok(bytes + items * ITEM_OVERHEAD_BYTES)
    }

    /// Whether a batch fits into what its peer may keep here.
    pub(super) fn check_disk_share(&self, peer: &NodeName, batch: &VerifiedBatch) -> Result<(), Refusal> {
        if batch.is_empty() {
            return Ok(());
        }
        let cannot = |_| Refusal::CannotStore { reason: "the record cannot be read".to_owned() };
        let taken = self.disk_share(peer).map_err(cannot)?;
        let more = batch.payload_bytes() + batch.len() as u64 * ITEM_OVERHEAD_BYTES;
        let limit = self.core.config.peer_max_bytes;
        let reserve = if batch.only_recalls() { limit / RECALL_RESERVE } else { 0 };
        if taken.saturating_add(more) > limit.saturating_add(reserve) {
            return Err(Refusal::OverShare { what: format!("the disk ({limit} bytes)") });
        }
        Ok(())
    }

    pub(super) fn record_refusal(
        &mut self,
        peer: &NodeName,
        address: String,
        refusal: Refusal,
        at: Timestamp,
    ) {
        self.core.metrics.refusals.inc();
        let certificate = self.core.link(peer).map(|link| link.peer.certificate);
        let refused = Refused {
            peer: Some(peer.clone()),
            certificate,
            address: Some(address),
            refusal,
            at,
            suppressed: 0,
            marking: nobody(&self.core.config.country),
        };
        let Some(draft) = lock(&self.core.refusals).admit(Draft::Refused(refused)) else { return };
        let committed = self.core.sign(&draft, None).and_then(|entry| self.commit_own(vec![(entry, draft)]));
        if let Err(e) = committed {
            tracing::error!(error = %e, "refusal not recorded");
        }
    }

    /// Records the proof that a refused batch contradicts what the peer signed before, where it does.
    pub(super) fn record_fraud(
        &mut self,
        peer: &NodeName,
        precedence: Precedence,
        refusal: &Refusal,
        shown: &Shown,
        at: Timestamp,
    ) {
        if !matches!(refusal, Refusal::Fork { .. } | Refusal::BadCheckpoint { .. }) {
            return;
        }
        let lane = (peer.clone(), precedence);
        let waits =
            self.proven.get(&lane).is_some_and(|last| at.seconds_since(*last).abs() < PROOF_EVERY_SECONDS);
        if waits || lock(&self.core.index).frauds_of(peer).len() >= FRAUDS_OF_A_PEER {
            return;
        }
        self.proven.insert(lane, at);
        let proof = {
            let index = lock(&self.core.index);
            let me = &self.core.config.name;
            let held = HeldRecord { record: &self.record, index: &index, me, peer, precedence };
            let inbound = self.inbounds.get(peer).map(|lanes| &lanes[precedence as usize]);
            inbound.and_then(|inbound| inbound.prove_fraud(shown, &held))
        };
        let Some(proof) = proof else { return };
        tracing::error!(%peer, lane = %precedence, shows = proof.kind.shows(), "a peer showed two histories");
        let fraud = Fraud {
            node: peer.clone(),
            title: format!("{peer}, lane {precedence}: {}", proof.kind.shows()),
            proof,
            evidence: Vec::new(),
            marking: nobody(&self.core.config.country),
        };
        let draft = Draft::Fraud(Box::new(fraud));
        let committed = self.core.sign(&draft, None).and_then(|entry| self.commit_own(vec![(entry, draft)]));
        match committed {
            Ok(()) => {
                self.core.metrics.frauds.inc();
            }
            Err(e) => tracing::error!(error = %e, "the proof of a fraud is not recorded"),
        }
    }
}
