//! `threat ..`: threat intelligence judged, and held against what was observed.

mod check;
mod pattern;

use std::process::ExitCode;

use crate::Common;
use crate::error::CliError;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Threat {
    /// Whether STIX objects and bundles are what the specification demands and recommends
    #[command(visible_alias = "validate")]
    Check(check::Check),
    /// STIX patterns: whether they are valid, and whether they match observed data
    #[command(subcommand)]
    Pattern(pattern::Pattern),
}

pub(crate) fn run(command: Threat, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Threat::Check(args) => check::run(&args, common),
        Threat::Pattern(command) => pattern::run(command, common),
    }
}
