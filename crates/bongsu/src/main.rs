//! The command line: `bongsu <room> <verb>`. One file a command; data on stdout, everything else on stderr.
//!
//! **Invariant:** no rule, no analysis and no format of a domain is written here: a command reads its inputs, calls
//! a room, and prints what it says.

mod commands;
mod demo;
mod error;
mod input;
mod out;
mod progress;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::error::CliError;
use crate::out::{Format, Out};

/// Options that every command takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    /// How to print: text on a terminal and ndjson elsewhere when left out
    #[arg(long, global = true, value_enum, env = "BONGSU_FORMAT")]
    format: Option<Format>,
    /// One JSON document; short for --format json
    #[arg(long, global = true, conflicts_with = "format")]
    json: bool,
    /// Any fault in an input makes the exit 2
    #[arg(long, global = true, env = "BONGSU_STRICT")]
    strict: bool,
    /// Exit 1 when something found has at least so many beacons (1 to 5)
    #[arg(long, global = true, value_name = "LEVEL", env = "BONGSU_FAIL_ON", value_parser = clap::value_parser!(base::Severity))]
    fail_on: Option<base::Severity>,
    /// Take this as the present time, so that a run can be repeated
    #[arg(long, global = true, value_name = "TIME", env = "BONGSU_NOW")]
    now: Option<base::Timestamp>,
    /// Seed for anything random, so that a run can be repeated; keys are always random
    #[arg(long, global = true, value_name = "N", env = "BONGSU_SEED")]
    #[expect(dead_code, reason = "part of every command's contract; nothing random but keys exists yet")]
    seed: Option<u64>,
}

impl Common {
    pub(crate) fn out(&self) -> Out {
        Out::new(if self.json { Some(Format::Json) } else { self.format }, self.strict)
    }
}

/// Bongsu: see a cyber or space attack together, share by rule, keep evidence.
#[derive(Debug, Parser)]
#[command(name = "bongsu", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Examples:\n  bongsu demo --once\n  bongsu serve --data ./seoul --name seoul --country KOR\n  bongsu orbit screen catalogue.csv --from 2026-03-10T12:00:00Z --hours 24 --within-km 5 --primaries 29268\n  bongsu record verify ./seoul\n\nExit: 0 done, 1 found something (--fail-on, damage), 2 could not do it.")]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = cli.common.out().format();
    match commands::run(cli.command, &cli.common) {
        Ok(code) => code,
        Err(CliError::Pipe) => ExitCode::SUCCESS,
        Err(error) => {
            out::complain(&error, format);
            ExitCode::from(2)
        }
    }
}

/// The command tree, for completions and man pages.
pub(crate) fn command_tree() -> clap::Command {
    Cli::command()
}
