//! Our side of the comparison with other programs, and that of the Rust `sgp4` crate: each command does one piece of
//! work on one thread and prints its times as a line of JSON. `bench/peers/run.sh` drives it.
//!
//! **Invariant:** nothing of it is in the product, and no test depends on a time that it measured.

mod inputs;

use std::fs;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use base::{Interval, Timestamp};
use clap::{Parser, ValueEnum};
use orbit::{Catalogue, ElementSet, Ephemeris, Propagator, ScreenLimits};
use serde_json::json;

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
        /// The element sets
        tle: PathBuf,
        /// First time
        #[arg(long)]
        start: Timestamp,
        /// How many minutes
        #[arg(long, default_value_t = 1440)]
        steps: usize,
        /// Writes the positions of every 240th step here: objects by steps by 3 numbers of 8 bytes, little-endian
        #[arg(long)]
        positions: Option<PathBuf>,
    },
    /// Screens all against all
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
    },
    /// Reads OMM JSON and prepares SGP4 for every object
    Ingest {
        /// The messages
        json: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Ours.
    Bongsu,
    /// The `sgp4` crate.
    Sgp4,
}

/// 2000-01-01T12:00:00Z in seconds since 1970.
const J2000_UNIX_S: f64 = 946_728_000.0;

/// Every so many steps a position is kept for the comparison of exactness.
const KEPT: usize = 240;

fn main() -> io::Result<()> {
    let line = match Work::parse() {
        Work::Split { catalogue, folder } => split(&inputs::catalogue(&catalogue)?, &folder)?,
        Work::Propagate { engine, tle, start, steps, positions } => {
            let catalogue = inputs::catalogue(&tle)?;
            let (states, times) = match engine {
                Engine::Bongsu => bongsu(&catalogue, start, steps),
                Engine::Sgp4 => sgp4_crate(&catalogue, start, steps),
            };
            if let Some(path) = positions {
                fs::write(path, states.kept.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
            }
            json!({ "states": states.count, "sum": states.sum, "wall_s": times.0, "cpu_s": times.1 })
        }
        Work::Screen { tle, start, hours, within_km } => {
            screen(&inputs::catalogue(&tle)?, Interval::starting(start, hours * 3600.0), within_km)?
        }
        Work::Ingest { json } => ingest(&inputs::bytes(&json)?),
    };
    writeln!(io::stdout(), "{line}")
}

fn split(catalogue: &Catalogue, folder: &std::path::Path) -> io::Result<serde_json::Value> {
    fs::create_dir_all(folder)?;
    let fits = catalogue.only(|set| set.to_tle().is_ok());
    let near = fits.only(|set| set.period_min() < inputs::DEEP_SPACE_MIN);
    let deep = fits.only(|set| set.period_min() >= inputs::DEEP_SPACE_MIN);
    for (name, part) in [("near.tle", &near), ("deep.tle", &deep), ("all.tle", &fits)] {
        fs::write(folder.join(name), inputs::tle(part))?;
    }
    fs::write(folder.join("omm.json"), inputs::omm_json(catalogue, inputs::JSON_OBJECTS))?;
    Ok(json!({
        "near": near.len(), "deep": deep.len(), "all": fits.len(), "omm": inputs::JSON_OBJECTS,
        "start": inputs::start(&fits),
    }))
}

/// What came out, so that no compiler can leave the work out.
struct States {
    count: usize,
    sum: f64,
    kept: Vec<f64>,
}

impl States {
    fn new() -> Self {
        Self { count: 0, sum: 0.0, kept: Vec::new() }
    }

    fn take(&mut self, step: usize, state: Option<([f64; 3], [f64; 3])>) {
        if let Some((position_km, velocity_km_s)) = state {
            self.count += 1;
            self.sum += position_km[0] + velocity_km_s[0];
        }
        if step.is_multiple_of(KEPT) {
            self.kept.extend(state.map_or([f64::NAN; 3], |(position_km, _)| position_km));
        }
    }
}

/// Ours. To time another way of asking (a batch of times at once), change the body of the loop.
fn bongsu(catalogue: &Catalogue, start: Timestamp, steps: usize) -> (States, (f64, Option<f64>)) {
    let (ephemeris, _) = Ephemeris::new(catalogue);
    timed(|| {
        let mut states = States::new();
        for propagator in ephemeris.propagators() {
            let first = propagator.minutes_to(start);
            for step in 0..steps {
                states.take(step, at_minutes(propagator, first + step as f64));
            }
        }
        states
    })
}

fn at_minutes(propagator: &Propagator, minutes: f64) -> Option<([f64; 3], [f64; 3])> {
    let state = propagator.state_at_minutes(minutes).ok()?;
    Some((state.position().km(), state.velocity().km_s()))
}

/// The `sgp4` crate with the constants that python-sgp4 uses.
fn sgp4_crate(catalogue: &Catalogue, start: Timestamp, steps: usize) -> (States, (f64, Option<f64>)) {
    let all: Vec<_> = catalogue
        .iter()
        .map(|set| {
            // Of an object that it refuses no step counts.
            sgp4_constants(set).map(|constants| (constants, start.seconds_since(set.epoch()) / 60.0))
        })
        .collect();
    timed(|| {
        let mut states = States::new();
        for object in &all {
            for step in 0..steps {
                let state = object.as_ref().and_then(|(constants, minutes)| {
                    constants.propagate(sgp4::MinutesSinceEpoch(minutes + step as f64)).ok()
                });
                states.take(step, state.map(|s| (s.position, s.velocity)));
            }
        }
        states
    })
}

fn sgp4_constants(set: &ElementSet) -> Option<sgp4::Constants> {
    let orbit = sgp4::Orbit::from_kozai_elements(
        &sgp4::WGS72,
        set.inclination_deg().to_radians(),
        set.raan_deg().to_radians(),
        set.eccentricity(),
        set.argument_of_perigee_deg().to_radians(),
        set.mean_anomaly_deg().to_radians(),
        set.mean_motion_rev_per_day() * (std::f64::consts::PI / 720.0),
    );
    let years = (set.epoch().unix_seconds() - J2000_UNIX_S) / (365.25 * 86_400.0);
    sgp4::Constants::new(sgp4::WGS72, sgp4::iau_epoch_to_sidereal_time, years, set.bstar(), orbit.ok()?).ok()
}

fn screen(catalogue: &Catalogue, span: Interval, within_km: f64) -> io::Result<serde_json::Value> {
    let limits = ScreenLimits::within_km(within_km).map_err(io::Error::other)?;
    let go = |_, _| ControlFlow::Continue(());
    let (found, times) = timed(|| orbit::screen(catalogue, span, &limits, None, None, &go));
    let approaches = found.map_err(io::Error::other)?.approaches;
    let events = approaches.iter().filter(|a| matches!(a, orbit::Approach::Event(_))).count();
    Ok(json!({
        "events": events, "intervals": approaches.len() - events, "wall_s": times.0, "cpu_s": times.1,
    }))
}

fn ingest(bytes: &[u8]) -> serde_json::Value {
    let (read, parse) = timed(|| orbit::read_catalogue(bytes, "omm.json"));
    let ((ephemeris, _), initialise) = timed(|| Ephemeris::new(&read.catalogue));
    let cpu_s = parse.1.zip(initialise.1).map(|(a, b)| a + b);
    json!({
        "objects": ephemeris.propagators().len(), "faults": read.faults.len(), "parse_s": parse.0,
        "initialise_s": initialise.0, "wall_s": parse.0 + initialise.0, "cpu_s": cpu_s,
    })
}

/// The result of `work`, and the wall and processor time that it took in seconds.
fn timed<T>(work: impl FnOnce() -> T) -> (T, (f64, Option<f64>)) {
    let (cpu, wall) = (cpu_s(), Instant::now());
    let result = work();
    let wall_s = wall.elapsed().as_secs_f64();
    (result, (wall_s, cpu.zip(cpu_s()).map(|(from, to)| to - from)))
}

/// Processor time of this thread so far, where the kernel tells.
fn cpu_s() -> Option<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse::<f64>().ok().map(|nanos| nanos / 1e9)
}
