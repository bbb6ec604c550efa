//! `threat ..`: threat intelligence, held against what was observed.

mod pattern;

use std::process::ExitCode;

use crate::Common;
use crate::error::CliError;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Threat {
    /// STIX patterns: whether they are valid, and whether they match observed data
    #[command(subcommand)]
    Pattern(pattern::Pattern),
}

pub(crate) fn run(command: Threat, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Threat::Pattern(command) => pattern::run(command, common),
    }
}
