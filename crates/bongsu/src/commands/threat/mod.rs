//! `threat ..`: STIX judged, patterns held against observations, indicators found in logs.

mod check;
mod check_misp;
mod convert;
mod feed;
mod hunt;
mod index;
mod load;
mod r#match;
mod matrix;
mod pattern;
#[cfg(feature = "sigma")]
mod sigma;

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read};
use std::process::ExitCode;

use base::Fault;
use threat::{IndicatorReader, IndicatorsRead, Origin, SetBuilder};

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::List;
use crate::progress::Progress;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Threat {
    /// Whether STIX objects and bundles are what the specification demands and recommends
    #[command(visible_alias = "validate")]
    Check(check::Check),
    /// STIX patterns: whether they are valid, and whether they match observed data
    #[command(subcommand)]
    Pattern(pattern::Pattern),
    /// Write STIX as events of MISP, and events of MISP as STIX
    Convert(convert::Convert),
    /// Read indicators and say what was in each file
    Load(load::Load),
    /// Find indicators in logs
    Match(r#match::Match),
    /// Take logs into a store that is hunted in later
    Index(index::Index),
    /// Find indicators in a store of old logs
    Hunt(hunt::Hunt),
    /// Which techniques were seen, of ATT&CK and SPARTA
    Matrix(matrix::Matrix),
}

pub(crate) fn run(command: Threat, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Threat::Check(args) => check::run(&args, common),
        Threat::Pattern(command) => pattern::run(command, common),
        Threat::Convert(args) => convert::run(&args, common),
        Threat::Load(args) => load::run(&args, common),
        Threat::Match(args) => r#match::run(&args, common),
        Threat::Index(args) => index::run(&args, common),
        Threat::Hunt(args) => hunt::run(&args, common),
        Threat::Matrix(args) => matrix::run(&args, common),
    }
}

/// The unpacked bytes of `path`, as a stream. `progress` hears of the bytes as they lie on the disk.
fn open<'p>(path: &str, progress: &'p Progress) -> Result<Box<dyn Read + 'p>, CliError> {
    let (stream, total): (Box<dyn Read + 'p>, u64) = if path == "-" {
        (Box::new(io::stdin().lock()), 0)
    } else {
        let file = File::open(path).map_err(CliError::io(path))?;
        let total = file.metadata().map_or(0, |metadata| metadata.len());
        (Box::new(file), total)
    };
    node::unpacked(Counted { stream, done: 0, total, progress }).map_err(CliError::io(path))
}

/// A stream that tells how far it was read.
struct Counted<'p> {
    stream: Box<dyn Read + 'p>,
    done: u64,
    total: u64,
    progress: &'p Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.done += count as u64;
        self.progress.at(self.done, self.total.max(self.done));
        Ok(count)
    }
}

/// A set that hashes by a secret of this run.
fn new_set() -> SetBuilder {
    SetBuilder::new(secret())
}

/// A secret of this run, drawn from the system's randomness.
fn secret() -> [u8; 32] {
    let mut seed = [0; 32];
    for part in seed.chunks_exact_mut(8) {
        part.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
    }
    seed
}

/// Reads the files of indicators into `builder` and tells of their faults; `read` hears of each file. How many could
/// not be read.
fn read_indicators(
    files: &[String],
    builder: &mut SetBuilder,
    list: &mut List,
    mut read: impl FnMut(&mut List, &str, &IndicatorsRead) -> Result<(), CliError>,
) -> Result<usize, CliError> {
    let mut unreadable = 0;
    let files = feed::files(files, &mut |fault| {
        unreadable += usize::from(fault.level == base::FaultLevel::Error);
        list.fault(fault);
    });
    for file in &files {
        let name = input::name(file);
        let progress = Progress::new("reading indicators");
        let outcome = open(file, &progress).and_then(|mut stream| {
            let origin = Origin::of_source(&name);
            IndicatorReader::new(builder).read(&mut stream, &origin).map_err(CliError::io(file))
        });
        match outcome {
            Ok(found) => {
                read(list, file, &found)?;
                for fault in found.faults {
                    list.fault(fault);
                }
            }
            Err(error) => {
                unreadable += 1;
                list.fault(Fault::error(error.code(), error.to_string()).in_source(&name).in_field("file"));
            }
        }
    }
    Ok(unreadable)
}
