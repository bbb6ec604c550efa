//! A witness: it cosigns a checkpoint of somebody else's log once it has seen that the log only grew (C2SP
//! tlog-witness), here by file instead of by HTTP.

use base::Timestamp;

use crate::merkle_proof::{EMPTY_ROOT, only_grew};
use crate::note::{Signed, SignedText, WitnessKey};
use crate::{Checkpoint, CheckpointError, ConsistencyProof, VerifierKey};

/// More lines than a consistency proof may have (tlog-witness).
const MAX_PROOF_LINES: usize = 63;

/// Why a witness does not cosign. Each is one answer of tlog-witness.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// The request is not in the form of `add-checkpoint`, or its old size is over the checkpoint's.
    #[error("not a request to a witness: {reason}")]
    BadRequest {
        /// What is wrong.
        reason: String,
    },
    /// No key of this log is trusted here.
    #[error("the log `{origin}` is not known here: give its key with --log")]
    UnknownLog {
        /// The origin line.
        origin: String,
    },
    /// No trusted key of the log signed it, or a signature of one is wrong.
    #[error("the checkpoint of `{origin}` has no valid signature of a key that is trusted for it")]
    NotSigned {
        /// The origin line.
        origin: String,
    },
    /// The old size is not that of the checkpoint that this witness cosigned last.
    #[error(
        "the request starts at size {asked}, this witness stands at {latest}: ask for a proof from {latest}"
    )]
    Conflict {
        /// The size that this witness cosigned last; 0 when it never did.
        latest: u64,
        /// The old size of the request.
        asked: u64,
    },
    /// The log did not only grow: the proof does not hold, or the same size has another root.
    #[error("the log is not shown to have only grown: {reason}; keep this checkpoint, it may prove a fraud")]
    NotConsistent {
        /// What does not fit.
        reason: String,
    },
    /// The checkpoint cannot take the cosignature.
    #[error("{0}")]
    Checkpoint(#[from] CheckpointError),
}

impl WitnessError {
    /// The HTTP status of the same answer in tlog-witness.
    pub const fn status(&self) -> u16 {
        match self {
            Self::BadRequest { .. } | Self::Checkpoint(_) => 400,
            Self::NotSigned { .. } => 403,
            Self::UnknownLog { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::NotConsistent { .. } => 422,
        }
    }
}

/// Reads what a log asks of a witness: the body of `add-checkpoint`.
///
/// # Errors
/// [`WitnessError::BadRequest`] when it is not in the form of tlog-witness.
pub fn read_request(text: &str) -> Result<ConsistencyProof, WitnessError> {
    let bad = |reason: String| WitnessError::BadRequest { reason };
    let request: ConsistencyProof = text.parse().map_err(|e: crate::ProofError| bad(e.to_string()))?;
    if request.hashes().len() > MAX_PROOF_LINES {
        return Err(bad(format!("more than {MAX_PROOF_LINES} lines of proof")));
    }
    Ok(request)
}

/// Answers a log's request as the witness `key`, which trusts the keys `logs` and cosigned `latest` of this log last.
/// Gives the checkpoint with the cosignature; the caller keeps it as `latest` before it hands it out.
///
/// # Errors
/// See [`WitnessError`], in the order of tlog-witness.
pub fn witness(
    request: &ConsistencyProof,
    logs: &[VerifierKey],
    latest: Option<&Checkpoint>,
    key: &WitnessKey,
    now: Timestamp,
) -> Result<Checkpoint, WitnessError> {
    let new = request.checkpoint();
    let origin = || new.origin().chars().take(200).collect::<String>();
    let trusted: Vec<_> = logs.iter().filter(|log| log.is_of_log(new.origin())).collect();
    if trusted.is_empty() {
        return Err(WitnessError::UnknownLog { origin: origin() });
    }
    let note = SignedText::of(new.note()).ok_or(CheckpointError::Malformed)?;
    let seen: Vec<_> = trusted.iter().map(|log| log.look_at(&note)).collect();
    if seen.contains(&Signed::Wrong) || !seen.iter().any(|seen| matches!(seen, Signed::Holds(_))) {
        return Err(WitnessError::NotSigned { origin: origin() });
    }
    if request.old_size() > new.size() {
        let reason = format!("the old size {} is over the new one, {}", request.old_size(), new.size());
        return Err(WitnessError::BadRequest { reason });
    }
    let (size, root) = latest.map_or((0, EMPTY_ROOT), |latest| (latest.size(), latest.root()));
    if request.old_size() != size {
        return Err(WitnessError::Conflict { latest: size, asked: request.old_size() });
    }
    let not_consistent = |reason: &str| WitnessError::NotConsistent { reason: reason.to_owned() };
    if new.size() == 0 && new.root() != EMPTY_ROOT {
        return Err(not_consistent("the empty log has another root than the empty tree"));
    }
    if size == new.size() && root != new.root() {
        return Err(not_consistent("the same size has another root than the one cosigned before"));
    }
    if !only_grew(request.hashes(), (size, root), (new.size(), new.root())) {
        return Err(not_consistent("the consistency proof does not hold"));
    }
    Ok(new.with_line(&key.line(note.text, now))?)
}
