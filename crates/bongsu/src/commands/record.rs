//! `record verify|show|repair|proof|stats`.

use std::path::PathBuf;
use std::process::ExitCode;

use base::EntryId;
use record::{Verdict, verify_dir};
use serde::Serialize;

use crate::Common;
use crate::commands::{record_proof, record_repair};
use crate::error::CliError;
use crate::out::{Format, say};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Record {
    /// Check every byte and every entry of a node's record; exit 1 when anything is damaged or missing
    #[command(
        after_help = "Example:\n  bongsu record verify ./seoul\n\nThe folder is only read. Stop the node first, or use the console's button."
    )]
    Verify {
        /// The node's data folder
        dir: PathBuf,
    },
    /// Print one entry
    #[command(after_help = "Example:\n  bongsu record show 5d1f… --store ./seoul")]
    Show {
        /// The entry's id
        id: EntryId,
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
    /// Put a damaged record together again from what is left and from other copies; exit 1 when something is nowhere
    #[command(
        after_help = "Example:\n  bongsu record repair ./seoul --from ./backup/seoul --from ours-at-washington.json\n\nEach entry counts only if it leads to the root of the signed checkpoint. The damaged record is kept beside the\nnew one. Stop the node first."
    )]
    Repair {
        /// The node's data folder
        dir: PathBuf,
        /// A data folder of a backup, or a file with envelopes of entries in JSON, such as what a peer holds
        #[arg(long, value_name = "COPY")]
        from: Vec<PathBuf>,
    },
    /// Make or check a proof that an entry stands in the log, or that the log only grew (C2SP tlog-proof)
    #[command(
        after_help = "Example:\n  bongsu record proof 5d1f… --store ./seoul > entry.tlog-proof\n  bongsu record proof --verify entry.tlog-proof --key 9f2c…\n  bongsu record proof --since old.checkpoint --store ./seoul > grown.proof\n  bongsu record proof --verify grown.proof --since old.checkpoint --key 9f2c…"
    )]
    Proof(record_proof::Proof),
    /// Count what is in the record
    #[command(after_help = "Example:\n  bongsu record stats --store ./seoul")]
    Stats {
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
}

pub(crate) fn run(command: Record, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Record::Verify { dir } => verify(&dir, common),
        Record::Show { id, store } => {
            let read = record::ReadRecord::open(&store)?;
            let stored =
                read.get(&id)?.ok_or_else(|| CliError::Usage(format!("entry {id} is not in the record")))?;
            let Some(entry) = stored.entry else {
                return Err(CliError::Usage(format!(
                    "entry {id} was recalled by its owner; its content is gone"
                )));
            };
            let shown = serde_json::json!({
                "id": id, "seq": stored.seq, "kind": entry.kind(), "author": entry.author(), "time": entry.time(),
                "received": stored.received, "body": entry.body(), "envelope": entry.to_envelope(),
            });
            common.out().document("bongsu.entry-view/1", &shown)?;
            Ok(ExitCode::SUCCESS)
        }
        Record::Repair { dir, from } => record_repair::run(&dir, &from, common),
        Record::Proof(proof) => record_proof::run(&proof, common),
        Record::Stats { store } => stats(&store, common),
    }
}

#[derive(Serialize)]
struct Stats {
    entries: u64,
    own: u64,
    received: u64,
    purged: u64,
    kinds: std::collections::BTreeMap<String, u64>,
    lanes: std::collections::BTreeMap<String, u64>,
}

fn stats(store: &std::path::Path, common: &Common) -> Result<ExitCode, CliError> {
    let read = record::ReadRecord::open(store)?;
    let mut stats = Stats {
        entries: read.size()?,
        own: 0,
        received: 0,
        purged: 0,
        kinds: std::collections::BTreeMap::new(),
        lanes: read.lane_sizes()?.into_iter().map(|(lane, size)| (lane.to_string(), size)).collect(),
    };
    for seq in 0..stats.entries {
        let Some(stored) = read.at(seq)? else { continue };
        *(if stored.received.is_some() { &mut stats.received } else { &mut stats.own }) += 1;
        match &stored.entry {
            Some(entry) => *stats.kinds.entry(entry.kind().to_owned()).or_default() += 1,
            None => stats.purged += 1,
        }
    }
    common.out().document("bongsu.record-stats/1", &stats)?;
    Ok(ExitCode::SUCCESS)
}

fn verify(dir: &std::path::Path, common: &Common) -> Result<ExitCode, CliError> {
    let verdict: Verdict = verify_dir(dir)?;
    if common.out().format() == Format::Text {
        for note in &verdict.notes {
            say(&format!("note: {note}"));
        }
        for damage in &verdict.damage {
            say(&format!("damage: {damage}"));
        }
    }
    common.out().document("bongsu.record-verdict/1", &verdict)?;
    Ok(if verdict.ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
