//! `orbit ..`: catalogues, histories and messages in; states, approaches, company, manoeuvres, coverage and verdicts out.

mod approaches;
mod check;
mod companions;
mod coverage;
mod manoeuvres;
mod probability;
mod propagate;
mod screen;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;

use base::{Fault, NoradId};
use orbit::Catalogue;

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::List;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Orbit {
    /// Where the objects of a catalogue are at given times
    Propagate(propagate::Propagate),
    /// Which objects of a catalogue come near each other, when and how
    Screen(screen::Screen),
    /// Which objects keep company, since when, and who came to whom
    Companions(companions::Companions),
    /// When the objects of an element-set history burned their engines
    Manoeuvres(manoeuvres::Manoeuvres),
    /// When satellites see a region, how well that covers it, and what the loss of one costs
    Coverage(coverage::Coverage),
    /// How likely the objects of a conjunction data message collide
    Probability(probability::Probability),
    /// Whether catalogues and messages are in order, and what is wrong; writes them in another form
    Check(check::Check),
}

pub(crate) fn run(command: Orbit, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Orbit::Propagate(args) => propagate::run(&args, common),
        Orbit::Screen(args) => screen::run(&args, common),
        Orbit::Companions(args) => companions::run(&args, common),
        Orbit::Manoeuvres(args) => manoeuvres::run(&args, common),
        Orbit::Coverage(args) => coverage::run(&args, common),
        Orbit::Probability(args) => probability::run(&args, common),
        Orbit::Check(args) => check::run(&args, common),
    }
}

/// The longest span that is screened: element sets say nothing about a time further off.
const MAX_HOURS: f64 = 31.0 * 24.0;

/// The threads to work on: so many, or one a core.
pub(super) fn pool(threads: Option<NonZeroUsize>) -> Result<rayon::ThreadPool, CliError> {
    let threads = threads
        .map_or_else(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get), NonZeroUsize::get);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| CliError::Usage(format!("--threads {threads}: {e}")))
}

/// Reads a catalogue and tells of its faults. `None`: not one object could be read.
fn catalogue(path: &str, list: &mut List) -> Result<Option<Catalogue>, CliError> {
    let read = orbit::read_catalogue(&input::read(path)?, &input::name(path));
    for fault in read.faults {
        list.fault(fault);
    }
    Ok(Some(read.catalogue).filter(|catalogue| !catalogue.is_empty()))
}

/// The objects of `wanted` that the catalogue has; each of the others is a fault.
fn known(
    wanted: &BTreeSet<NoradId>,
    catalogue: &Catalogue,
    source: &str,
    list: &mut List,
) -> Result<BTreeSet<NoradId>, CliError> {
    let (known, unknown): (BTreeSet<_>, BTreeSet<_>) =
        wanted.iter().partition(|id| catalogue.get(**id).is_some());
    for id in unknown {
        let message = format!(
            "object {id} is not in the catalogue; look for the number, or give a catalogue that has it"
        );
        list.fault(Fault::error("orbit::unknown_id", message).in_source(source));
    }
    if known.is_empty() {
        return Err(CliError::Usage(format!("none of the objects asked for is in `{source}`")));
    }
    Ok(known)
}

/// Catalogue numbers from a list with commas, or from a file with one a line.
fn ids(text: &str, list: &mut List) -> Result<BTreeSet<NoradId>, CliError> {
    if text != "-" && !Path::new(text).is_file() {
        let parsed: Result<BTreeSet<NoradId>, _> = text.split(',').map(|id| id.trim().parse()).collect();
        return parsed.map_err(|e| {
            CliError::Usage(format!(
                "`{text}` is neither a list of catalogue numbers such as 29268,38338 nor a file: {e}"
            ))
        });
    }
    let bytes = input::read(text)?;
    let source = input::name(text);
    let mut ids = BTreeSet::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = String::from_utf8_lossy(line);
        let content = line.split('#').next().unwrap_or_default().trim();
        if content.is_empty() {
            continue;
        }
        match content.parse() {
            Ok(id) => {
                ids.insert(id);
            }
            Err(error) => {
                let message = format!("{error}; one catalogue number a line, notes behind #");
                list.fault(
                    Fault::error("orbit::bad_id", message).in_source(&source).at_line(index as u64 + 1),
                );
            }
        }
    }
    if ids.is_empty() {
        return Err(CliError::NothingRead(format!("`{source}`: it names no object")));
    }
    Ok(ids)
}
