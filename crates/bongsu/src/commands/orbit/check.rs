use std::process::ExitCode;

use base::{Fault, FaultLevel};
use serde::Serialize;

use crate::Common;
use crate::error::CliError;
use crate::input;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  bongsu orbit check samples/orbit/korea-2026-03.csv samples/orbit/korea-2025-04-15.3le

A file with an error is refused (`ok` is false) and makes the exit 2; warnings
do not. TLE, 3LE and OMM as CSV or JSON are read.")]
pub(crate) struct Check {
    /// The files; .zst and .gz too; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

#[derive(Serialize)]
struct Item<'a> {
    file: &'a str,
    kind: String,
    /// Element sets as they are passed around name no version.
    version: Option<&'static str>,
    ok: bool,
    objects: usize,
}

pub(super) fn run(args: &Check, common: &Common) -> Result<ExitCode, CliError> {
    let mut list = common.out().list("bongsu.orbit-check/1");
    let mut refused = 0_usize;
    for file in &args.files {
        let name = input::name(file);
        let bytes = match input::read(file) {
            Ok(bytes) => bytes,
            Err(error) => {
                list.fault(Fault::error(error.code(), error.to_string()).in_source(&name).in_field("file"));
                refused += 1;
                continue;
            }
        };
        let read = orbit::read_catalogue(&bytes, &name);
        let ok =
            !read.catalogue.is_empty() && read.faults.iter().all(|fault| fault.level == FaultLevel::Warning);
        refused += usize::from(!ok);
        for fault in read.faults {
            list.fault(fault);
        }
        let (kind, objects) = (read.format.to_string(), read.catalogue.len());
        list.item(&Item { file, kind, version: None, ok, objects })?;
    }
    if refused > 0 {
        return list.fail(CliError::Refused { refused, files: args.files.len() });
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}
