//! Our side of the comparison with other programs, and that of the Rust `sgp4` crate: each command does one piece of
//! work and prints its times as a line of JSON. `bench/peers/run.sh` drives it.
//!
//! **Invariant:** nothing of it is in the product, and no test depends on a time that it measured.

mod clock;
mod engine;
mod inputs;
mod propagation;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use base::{Interval, Timestamp};
use clap::Parser;
use orbit::{AccessLimits, Catalogue, EndGaps, Ephemeris, Requirement, ScreenLimits, View};
use serde_json::{Value, json};

use clock::{peak_mib, timed};
use engine::Engine;

#[derive(Debug, Parser)]
#[command(name = "peers", about = "One piece of work, timed, for the comparison with other programs")]
enum Work {
    /// Writes near.tle, deep.tle, all.tle and omm.json of a catalogue into a folder
    Split {
        /// TLE, 3LE or OMM; .zst too
        catalogue: PathBuf,
        /// Where to
        folder: PathBuf,
    },
    /// Propagates every object by one-minute steps
    Propagate {
        /// Whose SGP4
        engine: Engine,
        #[command(flatten)]
        steps: Steps,
        /// Writes the positions of every kept step here: objects by steps by 3 numbers of 8 bytes, little-endian
        #[arg(long)]
        positions: Option<PathBuf>,
    },
    /// Writes positions only, to be compared with those of others
    Positions {
        /// Whose SGP4
        engine: Engine,
        #[command(flatten)]
        steps: Steps,
        /// Where to: objects by kept steps by 3 numbers of 8 bytes, little-endian
        out: PathBuf,
    },
    /// Screens all against all, or some against all
    Screen {
        /// The element sets
        tle: PathBuf,
        /// First time
        #[arg(long)]
        start: Timestamp,
        /// How long
        #[arg(long, default_value_t = 24.0)]
        hours: f64,
        /// How near
        #[arg(long, default_value_t = 5.0)]
        within_km: f64,
        /// Only pairs with one of so many objects, spread over the catalogue
        #[arg(long)]
        primaries: Option<usize>,
        /// Threads
        #[arg(long, default_value_t = 1)]
        threads: usize,
    },
    /// Finds the windows of some satellites over a thousand cells, and what the loss of one or two costs
    Losses {
        /// The element sets
        tle: PathBuf,
        /// First time
        #[arg(long)]
        start: Timestamp,
        /// How long
        #[arg(long, default_value_t = 168.0)]
        hours: f64,
        /// How many satellites, spread over the low ones
        #[arg(long, default_value_t = 30)]
        satellites: usize,
        /// Threads
        #[arg(long, default_value_t = 1)]
        threads: usize,
    },
    /// Reads OMM JSON and prepares SGP4 for every object
    Ingest {
        /// The messages
        json: PathBuf,
    },
}

/// Which objects, and when.
#[derive(Debug, clap::Args)]
struct Steps {
    /// The element sets
    tle: PathBuf,
    /// First time
    #[arg(long)]
    start: Timestamp,
    /// How many minutes
    #[arg(long, default_value_t = 1440)]
    steps: usize,
    /// Of so many steps one is kept
    #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u32).range(1..))]
    kept: u32,
}

fn main() -> io::Result<()> {
    let line = match Work::parse() {
        Work::Split { catalogue, folder } => split(&inputs::catalogue(&catalogue)?, &folder)?,
        Work::Propagate { engine, steps, positions } => {
            runs(engine)?;
            let catalogue = inputs::catalogue(&steps.tle)?;
            let (states, times) =
                propagation::propagate(engine, &catalogue, steps.start, steps.steps, steps.kept as usize);
            if let Some(path) = positions {
                write(&path, &states.kept_km)?;
            }
            json!({ "states": states.count, "sum": states.sum, "wall_s": times.wall_s, "cpu_s": times.cpu_s })
        }
        Work::Positions { engine, steps, out } => {
            runs(engine)?;
            let catalogue = inputs::catalogue(&steps.tle)?;
            let kept =
                propagation::positions(engine, &catalogue, steps.start, steps.steps, steps.kept as usize);
            write(&out, &kept)?;
            json!({ "positions": kept.len() / 3 })
        }
        Work::Screen { tle, start, hours, within_km, primaries, threads } => {
            let catalogue = inputs::catalogue(&tle)?;
            let primaries = primaries.map(|count| inputs::spread(&catalogue, count).into_iter().collect());
            let span = Interval::starting(start, hours * 3600.0);
            screen(&catalogue, span, within_km, primaries.as_ref(), threads)?
        }
        Work::Losses { tle, start, hours, satellites, threads } => {
            let satellites = inputs::constellation(&inputs::catalogue(&tle)?, satellites);
            losses(&satellites, Interval::starting(start, hours * 3600.0), threads)?
        }
        Work::Ingest { json } => ingest(&inputs::bytes(&json)?),
    };
    writeln!(io::stdout(), "{line}")
}

/// # Errors
/// When this processor has not the instructions: the kernel would fall back to plain code, and the figure be a lie.
fn runs(engine: Engine) -> io::Result<()> {
    let message = || io::Error::new(io::ErrorKind::Unsupported, format!("this processor has no `{engine}`"));
    engine.runs().then_some(()).ok_or_else(message)
}

fn write(path: &Path, numbers: &[f64]) -> io::Result<()> {
    fs::write(path, numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())
}

fn split(catalogue: &Catalogue, folder: &Path) -> io::Result<Value> {
    fs::create_dir_all(folder)?;
    let fits = catalogue.only(|set| set.to_tle().is_ok());
    let near = fits.only(|set| set.period_min() < inputs::DEEP_SPACE_MIN);
    let deep = fits.only(|set| set.period_min() >= inputs::DEEP_SPACE_MIN);
    for (name, part) in [("near.tle", &near), ("deep.tle", &deep), ("all.tle", &fits)] {
        fs::write(folder.join(name), inputs::tle(part))?;
    }
    fs::write(folder.join("omm.json"), inputs::omm_json(catalogue, inputs::JSON_OBJECTS))?;
    let engines: Vec<String> = Engine::ours().iter().map(Engine::to_string).collect();
    Ok(json!({
        "near": near.len(), "deep": deep.len(), "all": fits.len(), "omm": inputs::JSON_OBJECTS,
        "start": inputs::start(&fits), "engines": engines,
    }))
}

/// A pool, save for one thread: that is the calling one.
fn pool(threads: usize) -> io::Result<Option<rayon::ThreadPool>> {
    let build = || rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(io::Error::other);
    (threads > 1).then(build).transpose()
}

fn screen(
    catalogue: &Catalogue,
    span: Interval,
    within_km: f64,
    primaries: Option<&BTreeSet<base::NoradId>>,
    threads: usize,
) -> io::Result<Value> {
    let limits = ScreenLimits::within_km(within_km).map_err(io::Error::other)?;
    let pool = pool(threads)?;
    let go = |_, _| ControlFlow::Continue(());
    let (found, times) = timed(|| orbit::screen(catalogue, span, &limits, primaries, pool.as_ref(), &go));
    let approaches = found.map_err(io::Error::other)?.approaches;
    let events = approaches.iter().filter(|a| matches!(a, orbit::Approach::Event(_))).count();
    Ok(json!({
        "events": events, "intervals": approaches.len() - events, "peak_mib": peak_mib(),
        "wall_s": times.wall_s, "cpu_s": times.cpu_s,
    }))
}

fn losses(satellites: &Catalogue, span: Interval, threads: usize) -> io::Result<Value> {
    let cells = inputs::cells().map_err(io::Error::other)?;
    let view = View::min_elevation(10.0).map_err(io::Error::other)?;
    let limits = AccessLimits { view, sunlit: false };
    let pool = pool(threads)?;
    let count = cells.len();
    let (found, windows) =
        timed(|| orbit::coverage(satellites, cells, span, &limits, EndGaps::Cut, pool.as_ref(), &|_, _| {}));
    let coverage = found.map_err(io::Error::other)?;
    let required = Requirement { revisit_max_s: Some(21_600.0), covered_percent: None };
    let (losses, times) = timed(|| coverage.losses(true, &required, pool.as_ref()));
    Ok(json!({
        "satellites": satellites.len(), "cells": count, "losses": losses.map_err(io::Error::other)?.len(),
        "windows_s": windows.wall_s, "losses_s": times.wall_s, "peak_mib": peak_mib(),
        "wall_s": windows.wall_s + times.wall_s,
        "cpu_s": windows.cpu_s.zip(times.cpu_s).map(|(a, b)| a + b),
    }))
}

fn ingest(bytes: &[u8]) -> Value {
    let (read, parse) = timed(|| orbit::read_catalogue(bytes, "omm.json"));
    let ((ephemeris, _), initialise) = timed(|| Ephemeris::new(&read.catalogue));
    json!({
        "objects": ephemeris.propagators().len(), "faults": read.faults.len(), "parse_s": parse.wall_s,
        "initialise_s": initialise.wall_s, "wall_s": parse.wall_s + initialise.wall_s,
        "cpu_s": parse.cpu_s.zip(initialise.cpu_s).map(|(a, b)| a + b),
    })
}
