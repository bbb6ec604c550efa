//! One file a command.

mod account;
mod config;
mod demo;
mod evidence;
mod incident;
mod label;
mod link;
mod marking;
mod officer;
mod orbit;
mod record;
mod record_proof;
mod record_repair;
mod serve;
mod shell;
mod taxii;
mod threat;

use std::process::ExitCode;

use crate::Common;
use crate::error::CliError;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Orbits: propagate, screen, check
    #[command(subcommand)]
    Orbit(orbit::Orbit),
    /// Cyber threats: judge STIX, match patterns, find indicators in logs
    #[command(subcommand)]
    Threat(threat::Threat),
    /// Release markings: check, join, preview what a peer would get
    #[command(subcommand)]
    Label(label::Label),
    /// The record: verify, export as evidence, witness, show, statistics
    #[command(subcommand)]
    Record(record::Record),
    /// Incidents of a node's record
    #[command(subcommand)]
    Incident(incident::Incident),
    /// Introduce peers
    #[command(subcommand)]
    Link(link::Link),
    /// TAXII: the node's server, its accounts and collections, and getting objects from other servers
    #[command(subcommand)]
    Taxii(taxii::Taxii),
    /// Run a node
    Serve(serve::Serve),
    /// Run two nodes on this machine through the whole story
    Demo(demo::Demo),
    /// The people of a node and their roles
    #[command(subcommand)]
    Account(account::Account),
    /// Let the first officer in, or break the glass
    #[command(subcommand)]
    Officer(officer::Officer),
    /// Settings and where each comes from
    #[command(subcommand)]
    Config(config::Config),
    /// Completions for a shell, on standard output
    Completions(shell::Completions),
    /// Man pages, into a folder
    Man(shell::Man),
    /// The OpenAPI document of the HTTP interface, on standard output
    Openapi(shell::Openapi),
}

pub(crate) fn run(command: Command, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Command::Orbit(command) => orbit::run(command, common),
        Command::Threat(command) => threat::run(command, common),
        Command::Label(command) => label::run(command, common),
        Command::Record(command) => record::run(command, common),
        Command::Incident(command) => incident::run(command, common),
        Command::Link(command) => link::run(command, common),
        Command::Taxii(command) => taxii::run(command, common),
        Command::Serve(command) => serve::run(command, common),
        Command::Demo(command) => demo::run(command, common),
        Command::Account(command) => account::run(command, common),
        Command::Officer(command) => officer::run(command, common),
        Command::Config(command) => config::run(command, common),
        Command::Completions(command) => shell::completions(command),
        Command::Man(command) => shell::man(command),
        Command::Openapi(_) => shell::openapi(),
    }
}

/// The present, by this machine's clock.
fn present() -> base::Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    base::Timestamp::UNIX_EPOCH.plus_seconds(since.as_secs() as f64)
}
