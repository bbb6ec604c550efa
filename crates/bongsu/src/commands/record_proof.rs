//! `record proof`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{EntryId, NodeName};
use record::{Checkpoint, ConsistencyProof, InclusionProof, ProofError, PublicKey, ReadRecord};
use serde::Serialize;

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::{self, Format};

#[derive(Debug, clap::Args)]
pub(crate) struct Proof {
    /// The entry that the proof is for
    #[arg(value_name = "ID")]
    id: Option<EntryId>,
    /// The data folder of a stopped node
    #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
    store: Option<PathBuf>,
    /// Prove instead that the log only grew since this checkpoint, a file
    #[arg(long, value_name = "CHECKPOINT", conflicts_with = "id")]
    since: Option<String>,
    /// Check the proof in this file instead of making one; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "store", requires = "key")]
    verify: Option<String>,
    /// The Ed25519 key of the log's owner, 64 hexadecimal digits, as its officer told you by another way
    #[arg(long, value_name = "HEX")]
    key: Option<String>,
}

pub(crate) fn run(proof: &Proof, common: &Common) -> Result<ExitCode, CliError> {
    match (&proof.verify, &proof.store) {
        (Some(file), _) => verify(proof, file, common),
        (None, Some(store)) => make(proof, store, common),
        (None, None) => Err(CliError::Usage("give --store DIR to make a proof, or --verify FILE".to_owned())),
    }
}

#[derive(Serialize)]
struct Made {
    /// Entries in the log of the checkpoint.
    size: u64,
    origin: String,
    /// The text that others can check.
    proof: String,
}

fn make(proof: &Proof, store: &Path, common: &Common) -> Result<ExitCode, CliError> {
    let read = ReadRecord::open(store)?;
    let checkpoint = read.checkpoint()?;
    let text = match (proof.id, &proof.since) {
        (Some(id), _) => {
            let stored =
                read.get(&id)?.ok_or_else(|| CliError::Usage(format!("entry {id} is not in the record")))?;
            if stored.seq >= checkpoint.size() {
                return Err(CliError::Usage(format!(
                    "entry {id} is newer than the last signed checkpoint; start and stop the node once"
                )));
            }
            let hashes = read.inclusion(stored.seq, checkpoint.size())?;
            InclusionProof::new(stored.seq, hashes, checkpoint.clone(), stored.entry.as_ref()).to_string()
        }
        (None, Some(since)) => {
            let old = old_checkpoint(since)?;
            let hashes = read.consistency(old.size(), checkpoint.size())?;
            ConsistencyProof::new(old.size(), hashes, checkpoint.clone()).to_string()
        }
        (None, None) => {
            return Err(CliError::Usage("name an entry, or a checkpoint with --since".to_owned()));
        }
    };
    // The text is the file that others take: it comes as it is, unless JSON is asked for.
    if common.out().format() == Format::Json {
        let made = Made { size: checkpoint.size(), origin: checkpoint.origin().to_owned(), proof: text };
        common.out().document("bongsu.record-proof/1", &made)?;
    } else {
        let mut to = out::writer();
        to.write_all(text.as_bytes()).and_then(|()| to.flush()).map_err(out::output)?;
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Checked {
    ok: bool,
    /// The log's name.
    origin: String,
    /// Entries in the log of the checkpoint.
    size: u64,
    /// The entry that was proven, and its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<EntryId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    /// The former size that was proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Exit 1 when the proof does not hold, 2 when it cannot be read.
fn verify(proof: &Proof, file: &str, common: &Common) -> Result<ExitCode, CliError> {
    let key = PublicKey::from_hex(proof.key.as_deref().unwrap_or_default())
        .map_err(|e| CliError::Usage(format!("`--key`: {e}")))?;
    let name = input::name(file);
    let text = String::from_utf8_lossy(&input::read(file)?).into_owned();
    let bad = |e: ProofError| CliError::Usage(format!("`{name}` is no proof: {e}"));
    let (checkpoint, outcome, index, old_size) = match &proof.since {
        None => {
            let read: InclusionProof = text.parse().map_err(bad)?;
            let (origin, owner) = owner(read.checkpoint())?;
            let outcome = read.verify(proof.id, &origin, &owner, &key).map(Some);
            (read.checkpoint().clone(), outcome, Some(read.index()), None)
        }
        Some(since) => {
            let read: ConsistencyProof = text.parse().map_err(bad)?;
            let (origin, owner) = owner(read.checkpoint())?;
            let outcome = read.verify(&old_checkpoint(since)?, &origin, &owner, &key).map(|()| None);
            (read.checkpoint().clone(), outcome, None, Some(read.old_size()))
        }
    };
    let error = outcome.as_ref().err();
    let checked = Checked {
        ok: error.is_none(),
        origin: checkpoint.origin().to_owned(),
        size: checkpoint.size(),
        index,
        old_size,
        code: error.map(ProofError::code),
        message: error.map(ToString::to_string),
        id: outcome.ok().flatten(),
    };
    common.out().document("bongsu.record-proof-verdict/1", &checked)?;
    Ok(if checked.ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn old_checkpoint(file: &str) -> Result<Checkpoint, CliError> {
    let text = String::from_utf8_lossy(&input::read(file)?).into_owned();
    Checkpoint::parse(&text).map_err(|e| CliError::Usage(format!("`{}`: {e}", input::name(file))))
}

/// The log's name and its owner, from the origin line: `bongsu/NODE/..`.
fn owner(checkpoint: &Checkpoint) -> Result<(String, NodeName), CliError> {
    let origin = checkpoint.origin().to_owned();
    let name = origin.strip_prefix("bongsu/").and_then(|rest| rest.split('/').next());
    let name = name.and_then(|name| name.parse().ok());
    name.map(|name| (origin.clone(), name))
        .ok_or_else(|| CliError::Usage(format!("`{origin}` is not the name of a node's log")))
}
