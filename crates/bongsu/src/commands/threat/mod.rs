//! `threat ..`: STIX objects and bundles in; verdicts out.

mod check;

use std::process::ExitCode;

use crate::Common;
use crate::error::CliError;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Threat {
    /// Whether STIX objects and bundles are what the specification demands and recommends
    #[command(visible_alias = "validate")]
    Check(check::Check),
}

pub(crate) fn run(command: Threat, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Threat::Check(args) => check::run(&args, common),
    }
}
