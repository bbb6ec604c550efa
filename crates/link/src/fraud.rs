use base::EntryId;
use record::{Checkpoint, FraudProof, VerifierKey};

use crate::{Held, Inbound, VerifiedBatch};

/// Beyond this many items a lane's proof of fraud is not computed while others wait; the refusal still says what was
/// found.
pub const MAX_PROVEN_ITEMS: u64 = 1 << 18;

/// What a peer showed in a batch, kept beside the check so that a contradiction can be proven.
#[derive(Debug, Clone)]
pub struct Shown {
    start: u64,
    ids: Vec<EntryId>,
    checkpoint: Checkpoint,
}

impl VerifiedBatch {
    /// What the peer showed: where the batch starts, the ids in it, and the checkpoint that it signed.
    pub fn shown(&self) -> Shown {
        Shown {
            start: self.start,
            ids: self.items.iter().map(crate::verify::VerifiedItem::id).collect(),
            checkpoint: self.checkpoint.clone(),
        }
    }
}

impl Inbound {
    /// The proof that what the peer `shown` in a refused batch contradicts the checkpoint of it that this node
    /// cosigned last: two roots of one size, or two entries at one place (RFC 6962, 2.1.1). `None` where nothing is
    /// proven: the batch may be no contradiction, rest on earlier items that were not shown, or the lane is longer than
    /// [`MAX_PROVEN_ITEMS`].
    pub fn prove_fraud(&self, shown: &Shown, held: &dyn Held) -> Option<FraudProof> {
        let acked = self.acked()?;
        let log = VerifierKey::log(&self.peer().node, &self.peer().key);
        if shown.checkpoint.size() == acked.size() {
            return FraudProof::split_view(log, acked, &shown.checkpoint).ok();
        }
        if acked.size().max(shown.checkpoint.size()) > MAX_PROVEN_ITEMS || shown.start >= acked.size() {
            return None;
        }
        let mine = held.lane_ids(0, usize::try_from(acked.size()).ok()?).ok()?;
        // What stands before the batch was not shown again. Should it differ too, the checkpoint's root tells.
        let mut theirs = mine.get(..usize::try_from(shown.start).ok()?)?.to_vec();
        theirs.extend(&shown.ids);
        FraudProof::between(log, (acked, &mine), (&shown.checkpoint, &theirs)).ok()
    }
}
