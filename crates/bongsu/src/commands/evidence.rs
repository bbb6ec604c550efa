//! `record export|checkpoint|witness|fraud`, and `record verify` of a file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{EntryId, NodeName, Precedence, Timestamp};
use node::{ForPeer, Selection, Stopped, WitnessState};
use record::{
    BundleTrust, EvidenceGrade, FraudProof, PublicKey, QuorumPolicy, Software, VerifierKey, verify_bundle,
};
use serde::Serialize;
use serde_json::json;

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::{Format, output, report, say, writer};

/// What the one who checks knows beforehand.
#[derive(Debug, clap::Args)]
pub(crate) struct Trust {
    /// Of a bundle: the exporter's Ed25519 key, 64 hexadecimal digits, as its officer told it
    #[arg(long, value_name = "HEX", env = "BONGSU_EXPORTER_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Of a bundle: whose cosignatures count, in the form of C2SP tlog-policy
    #[arg(long, value_name = "FILE", env = "BONGSU_QUORUM_POLICY", hide_env_values = true)]
    policy: Option<PathBuf>,
    /// Of a bundle: refuse what is less
    #[arg(long, value_enum, env = "BONGSU_REQUIRE", hide_env_values = true)]
    require: Option<Grade>,
    /// Of a bundle: list its items with the bounds of their times
    #[arg(long, env = "BONGSU_ITEMS", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    items: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Grade {
    /// One nation's group stands behind it.
    National,
    /// The quorum, with groups of two nations.
    Joint,
}

impl Trust {
    /// # Errors
    /// When something was given that says nothing about a folder.
    pub(crate) fn for_folder(&self) -> Result<(), CliError> {
        if self.key.is_some() || self.policy.is_some() || self.require.is_some() || self.items {
            let message = "--key, --policy, --require and --items are for a bundle, this is a folder";
            return Err(CliError::Usage(message.to_owned()));
        }
        Ok(())
    }

    fn load(&self, common: &Common) -> Result<BundleTrust, CliError> {
        let key = self.key.as_deref().map(PublicKey::from_hex).transpose();
        let key = key.map_err(|e| CliError::Usage(format!("--key: {e}")))?;
        let policy = self.policy.as_deref().map(|path| policy(path, common)).transpose()?;
        let require = self.require.map(|grade| match grade {
            Grade::National => EvidenceGrade::National,
            Grade::Joint => EvidenceGrade::Joint,
        });
        Ok(BundleTrust { key, policy: policy.map(|(_, policy)| policy), require })
    }
}

/// A policy with its bytes.
fn policy(path: &Path, common: &Common) -> Result<(Vec<u8>, QuorumPolicy), CliError> {
    let bytes = read(path, record::MAX_POLICY_BYTES as u64)?;
    let (policy, faults) = QuorumPolicy::read(&bytes);
    for fault in faults {
        report(&fault.in_source(path.display().to_string()), common.out().format());
    }
    let bad = || CliError::Usage(format!("`{}` is no policy", path.display()));
    policy.map(|policy| (bytes, policy)).ok_or_else(bad)
}

/// The bytes of a file as they are; a bundle is never unpacked.
fn read(path: &Path, most: u64) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(CliError::io(path))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(CliError::io(path))?;
    if bytes.len() as u64 > most {
        return Err(CliError::Usage(format!("`{}` has more than {most} bytes", path.display())));
    }
    Ok(bytes)
}

pub(crate) fn verify(path: &Path, trust: &Trust, common: &Common) -> Result<ExitCode, CliError> {
    let known = trust.load(common)?;
    let bytes = read(path, record::MAX_BUNDLE_BYTES)?;
    if bytes.starts_with(b"{") {
        return verify_fraud(&bytes, common);
    }
    let verdict = verify_bundle(&bytes, &known);
    let format = common.out().format();
    for fault in &verdict.faults {
        report(fault, format);
    }
    if format == Format::Text {
        for note in &verdict.notes {
            say(&format!("note: {note}"));
        }
    }
    if trust.items {
        let mut list = common.out().list("bongsu.bundle-items/1");
        for item in &verdict.checked {
            list.item(item)?;
        }
        list.finish()?;
    } else {
        common.out().document("bongsu.bundle-verdict/1", &verdict)?;
    }
    Ok(if verdict.ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What a proof of fraud shows, and how far.
fn verify_fraud(bytes: &[u8], common: &Common) -> Result<ExitCode, CliError> {
    let read = FraudProof::read(bytes);
    let shown = match &read {
        Ok(proof) => json!({
            "ok": true, "kind": proof.kind, "origin": proof.origin(), "log": proof.log, "witness": proof.witness,
            "shows": proof.kind.shows(), "code": null, "message": null,
        }),
        Err(error) => json!({"ok": false, "code": error.code(), "message": error.to_string()}),
    };
    common.out().document("bongsu.fraud-verdict/1", &shown)?;
    Ok(if read.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The node's data folder
    dir: PathBuf,
    /// The file to write; one that is there is replaced as a whole
    #[arg(long, value_name = "FILE", env = "BONGSU_BUNDLE", hide_env_values = true)]
    bundle: PathBuf,
    /// Only these entries, with what they rest on, recalls of them, policies and tables
    #[arg(long, value_name = "ID,..", value_delimiter = ',', env = "BONGSU_IDS", hide_env_values = true)]
    ids: Vec<EntryId>,
    /// Only what this peer may have, proven from the log that the node keeps for it
    #[arg(long = "as", value_name = "PEER", env = "BONGSU_AS", hide_env_values = true)]
    peer: Option<NodeName>,
    /// Prove under this checkpoint, as a witness has given it back, instead of the newest; once for each log
    #[arg(long, value_name = "FILE", env = "BONGSU_CHECKPOINT", hide_env_values = true)]
    checkpoint: Vec<PathBuf>,
    /// Put this policy beside the items: whose cosignatures should count (C2SP tlog-policy)
    #[arg(long, value_name = "FILE", env = "BONGSU_QUORUM_POLICY", hide_env_values = true)]
    policy: Option<PathBuf>,
}

#[derive(Serialize)]
struct Exported<'a> {
    bundle: String,
    bytes: usize,
    audience: Option<&'a NodeName>,
    items: u64,
    withdrawn: u64,
    blobs: u64,
    logs: &'a [record::BundleLog],
}

pub(crate) fn export(export: &Export, common: &Common) -> Result<ExitCode, CliError> {
    let checkpoints = export.checkpoint.iter().map(|path| checkpoint_file(path)).collect::<Result<_, _>>()?;
    let policy = export.policy.as_deref().map(|path| policy(path, common)).transpose()?;
    let audience = match &export.peer {
        None => None,
        Some(peer) => {
            // Rules that depend on the time are judged at --now, else at the present time.
            let now = common.now.unwrap_or_else(present);
            let (released, recalled) = super::label::decided(&export.dir, peer, now)?;
            Some(ForPeer { node: peer.clone(), released, recalled })
        }
    };
    let selection = Selection {
        ids: (!export.ids.is_empty()).then(|| export.ids.iter().copied().collect::<BTreeSet<_>>()),
        audience,
        checkpoints,
        policy: policy.map(|(bytes, _)| bytes),
        exported: common.now,
        software: software(),
    };
    let stopped = Stopped::open(&export.dir)?;
    let bundle = stopped.contents(&selection)?.write(&stopped.key)?;
    node::write_whole(&export.bundle, &bundle)?;
    let verdict = verify_bundle(&bundle, &BundleTrust::default());
    let exported = Exported {
        bundle: export.bundle.display().to_string(),
        bytes: bundle.len(),
        audience: export.peer.as_ref(),
        items: verdict.items,
        withdrawn: verdict.withdrawn,
        blobs: verdict.blobs,
        logs: &verdict.logs,
    };
    common.out().document("bongsu.bundle-export/1", &exported)?;
    Ok(ExitCode::SUCCESS)
}

fn present() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// This program, with the hash of its file where the system lets us read it.
pub(crate) fn software() -> Software {
    let file = std::env::current_exe().and_then(std::fs::read).ok();
    Software {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sha256: file.map(|bytes| record::sha256_hex(&bytes)),
    }
}

fn checkpoint_file(path: &Path) -> Result<record::Checkpoint, CliError> {
    let bytes = read(path, 1_000_000)?;
    let parsed = record::Checkpoint::parse(&String::from_utf8_lossy(&bytes));
    parsed.map_err(|e| CliError::Usage(format!("`{}`: {e}", path.display())))
}

#[derive(Debug, clap::Args)]
pub(crate) struct Checkpoint {
    /// The node's data folder
    dir: PathBuf,
    /// The log for this peer, as far as it has acknowledged it, instead of the home log
    #[arg(long = "as", value_name = "PEER", env = "BONGSU_AS", hide_env_values = true)]
    peer: Option<NodeName>,
    /// Which of the logs for that peer: flash, immediate, priority, routine
    #[arg(long, value_name = "PRECEDENCE", default_value_t = Precedence::Routine, env = "BONGSU_LANE", hide_env_values = true)]
    lane: Precedence,
    /// The size that the witness cosigned last
    #[arg(long, value_name = "SIZE", default_value_t = 0, env = "BONGSU_OLD_SIZE", hide_env_values = true)]
    old_size: u64,
    /// Print the log's key instead, as a witness or a policy needs it
    #[arg(long, env = "BONGSU_SHOW_VKEY", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    vkey: bool,
}

pub(crate) fn checkpoint(checkpoint: &Checkpoint) -> Result<ExitCode, CliError> {
    let stopped = Stopped::open(&checkpoint.dir)?;
    let text = if checkpoint.vkey {
        format!("{}\n", VerifierKey::log(&stopped.genesis.node, &stopped.key.public()))
    } else {
        let lane = checkpoint.peer.as_ref().map(|peer| (peer, checkpoint.lane));
        stopped.for_witness(lane, checkpoint.old_size)?.to_string()
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn print(text: &str) -> Result<(), CliError> {
    let mut out = writer();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(output)
}

#[derive(Debug, clap::Args)]
pub(crate) struct Witness {
    /// What `bongsu record checkpoint` printed; - is standard input
    #[arg(value_name = "REQUEST")]
    request: String,
    /// The witness's name in its signatures
    #[arg(long, env = "BONGSU_WITNESS_NAME", hide_env_values = true)]
    name: String,
    /// The file of its key, made when it is not there
    #[arg(long, value_name = "FILE", env = "BONGSU_WITNESS_KEY", hide_env_values = true)]
    key: PathBuf,
    /// The folder of what it cosigned last
    #[arg(long, value_name = "DIR", env = "BONGSU_WITNESS_STATE", hide_env_values = true)]
    state: PathBuf,
    /// The key of a log that it watches (`record checkpoint --vkey`); once for each
    #[arg(long, value_name = "VKEY", required = true, env = "BONGSU_LOG_VKEY", hide_env_values = true)]
    log: Vec<String>,
}

pub(crate) fn witness(witness: &Witness, common: &Common) -> Result<ExitCode, CliError> {
    let text = input::read(&witness.request)?;
    let request = record::read_request(&String::from_utf8_lossy(&text))?;
    let logs = witness.log.iter().map(|text| vkey("--log", text)).collect::<Result<Vec<_>, _>>()?;
    let state = WitnessState::open(&witness.state)?;
    let own = node::witness_key(&witness.key, &witness.name)?;
    say(&format!("key of this witness: {}", own.verifier()));
    let latest = state.latest(request.checkpoint().origin())?;
    let now = common.now.unwrap_or_else(present);
    let cosigned = record::witness(&request, &logs, latest.as_ref(), &own, now)?;
    // First kept, then handed out: it must never sign what contradicts this.
    state.keep(&cosigned)?;
    print(cosigned.note())?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, clap::Args)]
pub(crate) struct Fraud {
    /// A checkpoint that the log signed
    first: PathBuf,
    /// Another one of the same log
    second: PathBuf,
    /// The key of that log (`record checkpoint --vkey` at its node)
    #[arg(long, value_name = "VKEY", env = "BONGSU_LOG_VKEY", hide_env_values = true)]
    log: String,
    /// The key of a witness that cosigned both, when their sizes differ
    #[arg(long, value_name = "VKEY", env = "BONGSU_WITNESS_VKEY", hide_env_values = true)]
    witness: Option<String>,
}

pub(crate) fn fraud(fraud: &Fraud) -> Result<ExitCode, CliError> {
    let log = vkey("--log", &fraud.log)?;
    let witness = fraud.witness.as_ref().map(|text| vkey("--witness", text)).transpose()?;
    let (a, b) = (checkpoint_file(&fraud.first)?, checkpoint_file(&fraud.second)?);
    let (smaller, larger) = if a.size() <= b.size() { (&a, &b) } else { (&b, &a) };
    let proof = match witness {
        Some(witness) => FraudProof::rewind(log, larger, smaller, witness)?,
        None => FraudProof::split_view(log, &a, &b)?,
    };
    print(&String::from_utf8_lossy(&proof.to_bytes()))?;
    Ok(ExitCode::SUCCESS)
}

fn vkey(option: &str, text: &str) -> Result<VerifierKey, CliError> {
    text.trim().parse().map_err(|e| CliError::Usage(format!("{option} `{text}`: {e}")))
}
