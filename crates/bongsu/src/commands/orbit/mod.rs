//! `orbit propagate|screen|manoeuvres|check`: catalogues in, states, approaches and manoeuvres out.

mod check;
mod manoeuvres;
mod propagate;
mod screen;

use std::collections::BTreeSet;
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
    /// When the objects of an element-set history burned their engines
    Manoeuvres(manoeuvres::Manoeuvres),
    /// Whether catalogues can be read, and what is wrong with them
    Check(check::Check),
}

pub(crate) fn run(command: Orbit, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Orbit::Propagate(args) => propagate::run(&args, common),
        Orbit::Screen(args) => screen::run(&args, common),
        Orbit::Manoeuvres(args) => manoeuvres::run(&args, common),
        Orbit::Check(args) => check::run(&args, common),
    }
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
