use std::process::ExitCode;

use serde::Serialize;

use super::{new_set, read_indicators};
use crate::Common;
use crate::error::CliError;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu threat load samples/threat/indicators.txt samples/threat/indicators.stix.json
  bongsu threat load samples/threat/indicators.txt --json

Read are STIX bundles (values joined by OR, and observables), MISP events and feeds
(the folder or its manifest.json), tables with a head, intelligence files of Zeek, and plain lists with notes behind #; told
apart by content. hxxp://, [.] and [@] are understood. `passed_over` counts what is
no indicator to look up by its own word: revoked, deleted, not for detection.")]
pub(crate) struct Load {
    /// The files; .zst and .gz too; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

#[derive(Serialize)]
struct Item<'a> {
    file: &'a str,
    format: &'static str,
    indicators: u64,
    passed_over: u64,
    faults: usize,
}

pub(super) fn run(args: &Load, common: &Common) -> Result<ExitCode, CliError> {
    let mut list = common.out().list("bongsu.threat-load/1");
    let mut builder = new_set();
    let unreadable = read_indicators(&args.files, &mut builder, &mut list, |list, file, read| {
        list.item(&Item {
            file,
            format: read.format.name(),
            indicators: read.indicators,
            passed_over: read.passed_over,
            faults: read.faults.len(),
        })
    })?;
    if unreadable > 0 {
        return list.fail(CliError::Refused { refused: unreadable, files: args.files.len() });
    }
    if builder.is_empty() {
        return list.fail(CliError::NothingRead("the files: they hold no indicator".to_owned()));
    }
    builder.finish()?;
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}
