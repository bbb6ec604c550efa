//! The command line: `bongsu <room> <verb>`. One file a command; data on stdout, everything else on stderr.
//!
//! **Invariant:** no rule, no analysis and no format of a domain is written here: a command reads its inputs, calls
//! a room, and prints what it says.

mod commands;
mod demo;
mod error;
mod flat;
mod input;
mod out;
mod picture;
mod progress;

use std::process::ExitCode;

use clap::builder::FalseyValueParser;
use clap::{CommandFactory, Parser};

use crate::error::CliError;
use crate::out::{Format, Out};

/// Where help lists them.
const COMMON: &str = "Options of every command";

/// Options that every command takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    /// How to print: text on a terminal and ndjson elsewhere when left out
    #[arg(long, global = true, help_heading = COMMON, value_enum, env = "BONGSU_FORMAT", hide_env_values = true)]
    format: Option<Format>,
    /// One JSON document; short for --format json
    // It may stand beside BONGSU_FORMAT, so the two do not exclude each other.
    #[arg(long, global = true, help_heading = COMMON, env = "BONGSU_JSON", hide_env_values = true, value_parser = FalseyValueParser::new())]
    json: bool,
    /// Any fault in an input makes the exit 2
    #[arg(long, global = true, help_heading = COMMON, env = "BONGSU_STRICT", hide_env_values = true, value_parser = FalseyValueParser::new())]
    strict: bool,
    /// Exit 1 when something found has at least so many beacons (1 to 5)
    #[arg(long, global = true, help_heading = COMMON, value_name = "LEVEL", env = "BONGSU_FAIL_ON", hide_env_values = true, value_parser = clap::value_parser!(base::Severity))]
    fail_on: Option<base::Severity>,
    /// Take this as the present time, so that a run can be repeated
    #[arg(long, global = true, help_heading = COMMON, value_name = "TIME", env = "BONGSU_NOW", hide_env_values = true)]
    now: Option<base::Timestamp>,
    /// Seed for anything random, so that a run can be repeated; keys are always random
    #[arg(long, global = true, help_heading = COMMON, value_name = "N", env = "BONGSU_SEED", hide_env_values = true)]
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
#[command(after_help = "Examples:
  bongsu demo --once
  bongsu serve --data ./seoul --name seoul --country KOR
  bongsu orbit screen samples/orbit/korea-2026-03.csv \\
    --from 2026-03-10T12:00:00Z --hours 24 --within-km 50
  bongsu record verify ./seoul

Data goes to standard output, everything else to standard error.
Exit: 0 done, 1 found something (--fail-on, damage), 2 could not do it.
Each option can also be set by the environment variable beside it.")]
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

/// The present time, as it was given or by this machine's clock.
pub(crate) fn now(common: &Common) -> base::Timestamp {
    common.now.unwrap_or_else(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        base::Timestamp::from_unix_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    })
}

/// The command tree, for completions and man pages.
pub(crate) fn command_tree() -> clap::Command {
    Cli::command()
}
