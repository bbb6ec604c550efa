use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{EntryId, Fault, Finding, NodeName, Recall, Timestamp};
use record::ReadRecord;
use serde::Serialize;
use threat::{Framework, TechniqueIndex, TechniqueMatrix, TechniqueSeen};

use super::open;
use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu threat matrix samples/threat/techniques-seen.stix.json
  bongsu threat matrix samples/threat/techniques-seen.stix.json --format text

Read are STIX bundles, MISP events, findings and hits of rules, as JSON or one a
line. An attack-pattern counts by the relationships and sightings that lead to it,
once when none does. Times are those at which something was seen: of sightings,
findings and hits. Names are those of --techniques, else those that the input gives.")]
pub(crate) struct Matrix {
    /// What was seen; .zst and .gz too; - is standard input
    #[arg(required_unless_present = "store", value_name = "FILE")]
    files: Vec<String>,
    /// Count the findings of this node's record; its data folder
    #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
    store: Option<PathBuf>,
    /// Names and tactics: ATT&CK bundles and SPARTA clusters of misp-galaxy
    #[arg(long, num_args = 1.., value_name = "FILE", env = "BONGSU_TECHNIQUES", hide_env_values = true)]
    techniques: Vec<String>,
}

#[derive(Serialize)]
struct Item<'a> {
    technique: &'a str,
    name: Option<&'a str>,
    framework: &'static str,
    tactics: &'a [String],
    seen: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    sources: &'a [String],
}

pub(super) fn run(args: &Matrix, common: &Common) -> Result<ExitCode, CliError> {
    if args.files.iter().chain(&args.techniques).filter(|file| *file == "-").count() > 1 {
        return Err(CliError::Usage("only one input can be standard input".to_owned()));
    }
    let mut list = common.out().list("bongsu.threat-matrix/1");
    let mut index = TechniqueIndex::new();
    for file in &args.techniques {
        let bytes = input::read(file)?;
        // A cluster of misp-galaxy says so in its type; all else is STIX.
        let mut faults = index.add_sparta(&bytes);
        if faults.iter().any(|fault| fault.code == "threat::not_sparta") {
            faults = index.add_attack(&bytes[..]);
        }
        faults.into_iter().for_each(|fault| list.fault(fault.in_source(input::name(file))));
    }
    let mut matrix = TechniqueMatrix::new();
    let mut unreadable = 0;
    for file in &args.files {
        let name = input::name(file);
        let progress = Progress::new("reading");
        match open(file, &progress) {
            Ok(stream) => matrix.read(stream, &name).into_iter().for_each(|fault| list.fault(fault)),
            Err(error) => {
                unreadable += 1;
                list.fault(Fault::error(error.code(), error.to_string()).in_source(&name).in_field("file"));
            }
        }
    }
    if let Some(store) = &args.store {
        for (author, finding) in findings(store)?.into_values() {
            matrix.add_finding(&finding, &author.to_string());
        }
    }
    for seen in &matrix.items(&index) {
        list.item(&item(seen))?;
    }
    if unreadable > 0 {
        return list.fail(CliError::Refused { refused: unreadable, files: args.files.len() });
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn item(seen: &TechniqueSeen) -> Item<'_> {
    Item {
        technique: &seen.technique,
        name: seen.name.as_deref(),
        framework: match seen.framework {
            Framework::Attack => "ATT&CK",
            Framework::Sparta => "SPARTA",
        },
        tactics: &seen.tactics,
        seen: seen.seen,
        first: seen.first,
        last: seen.last,
        sources: &seen.sources,
    }
}

/// The findings of a record that were not recalled by their authors.
fn findings(store: &Path) -> Result<BTreeMap<EntryId, (NodeName, Finding)>, CliError> {
    let record = ReadRecord::open(store)?;
    let mut held: BTreeMap<EntryId, (NodeName, Finding)> = BTreeMap::new();
    let progress = Progress::new("reading the record");
    let size = record.size()?;
    for seq in 0..size {
        progress.at(seq, size);
        let Some(stored) = record.at(seq)? else { continue };
        let Some(entry) = stored.entry else { continue };
        let author = &entry.author().node;
        if let Ok(finding) = entry.noun::<Finding>() {
            held.insert(stored.id, (author.clone(), finding));
        } else if let Ok(recall) = entry.noun::<Recall>()
            && held.get(&recall.target).is_some_and(|(of, _)| of == author)
        {
            held.remove(&recall.target);
        }
    }
    Ok(held)
}
