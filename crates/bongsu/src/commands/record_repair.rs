//! `record repair`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use record::{RepairSource, entries_in};
use serde_json::Value;

use crate::Common;
use crate::error::CliError;
use crate::input;

/// Folders are backups; files hold envelopes of entries, as JSON or as one JSON document a line.
fn source(path: &Path) -> Result<RepairSource, CliError> {
    if path.is_dir() {
        return Ok(RepairSource::Folder(path.to_owned()));
    }
    let name = path.display().to_string();
    let bytes = input::read(&name)?;
    let documents: Vec<Value> =
        serde_json::Deserializer::from_slice(&bytes).into_iter().collect::<Result<_, _>>().map_err(|e| {
            CliError::Usage(format!(
                "`{name}` is neither a data folder nor JSON with envelopes of entries: {e}"
            ))
        })?;
    let entries: Vec<_> = documents.iter().flat_map(entries_in).collect();
    if entries.is_empty() {
        return Err(CliError::NothingRead(format!("`{name}`: it holds no envelope of an entry in order")));
    }
    Ok(RepairSource::Entries(entries))
}

/// Exit 1 when something was found nowhere; then nothing has changed.
pub(crate) fn run(dir: &Path, from: &[PathBuf], common: &Common) -> Result<ExitCode, CliError> {
    let sources = from.iter().map(|path| source(path)).collect::<Result<Vec<_>, _>>()?;
    let report = node::repair(dir, &sources)?;
    common.out().document("bongsu.record-repair/1", &report)?;
    Ok(if report.done { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
