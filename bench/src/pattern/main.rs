//! Our side of the comparison of pattern matchers. `bench/peers/patterns.sh` drives it.
//!
//! **Invariant:** nothing of it is in the product, and no test depends on a time that it measured.

#[path = "../clock.rs"]
mod clock;
mod inputs;

use std::fs;
use std::hint::black_box;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Parser;
use serde_json::json;
use threat::{Observations, Pattern, PatternLimits, PatternMatcher, PatternSet, SpecVersion};

use clock::{peak_mib, timed};

#[derive(Debug, Parser)]
#[command(
    name = "patterns",
    about = "Patterns over observations, timed, for the comparison with other programs"
)]
enum Work {
    /// Writes observed.json and patterns.json into a folder
    Write {
        /// How many observations
        #[arg(long, default_value_t = 1000)]
        observations: usize,
        /// Where to
        folder: PathBuf,
    },
    /// Reads the observations once, then holds each pattern against all of them, over and over
    Match {
        /// How many observations
        #[arg(long, default_value_t = 1000)]
        observations: usize,
        /// How often
        #[arg(long, default_value_t = 200)]
        rounds: u32,
    },
    /// Reads equality patterns into one set, and holds it against observations
    Set {
        /// How many patterns
        #[arg(long, default_value_t = 100_000)]
        patterns: usize,
        /// How many observations
        #[arg(long, default_value_t = 100_000)]
        observations: usize,
    },
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let told = match Work::parse() {
        Work::Write { observations, folder } => {
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("observed.json"), inputs::observed_json(observations))?;
            fs::write(folder.join("patterns.json"), serde_json::to_string(&inputs::PATTERNS)?)?;
            json!({ "observations": observations, "patterns": inputs::PATTERNS.len() })
        }
        Work::Match { observations, rounds } => matched(observations, rounds)?,
        Work::Set { patterns, observations } => set(patterns, observations)?,
    };
    writeln!(io::stdout(), "{told}")?;
    Ok(())
}

/// Observations are in their columns and patterns are compiled before the clock starts; the look-up index of a column
/// is built in the first round, which is timed alone.
fn matched(count: usize, rounds: u32) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
    let text = inputs::observed_json(count);
    let (read, read_times) = timed(|| Observations::from_json(text.as_bytes()));
    let (matchers, compile_times) = timed(|| {
        let all = inputs::PATTERNS.iter();
        all.map(|text| PatternMatcher::new(&Pattern::parse(text, SpecVersion::V2_1)?))
            .collect::<Result<Vec<_>, _>>()
    });
    let (matchers, limits) = (matchers?, PatternLimits::default());
    let round = || -> Result<u32, threat::MatchError> {
        matchers.iter().try_fold(0, |hits, matcher| {
            Ok(hits
                + u32::from(black_box(matcher).matches(black_box(&read.observations), &limits)?.is_some()))
        })
    };
    let (hits, first_times) = timed(round);
    let mut hits = hits?;
    let (result, times) = timed(|| {
        for _ in 0..rounds {
            hits = round()?;
        }
        Ok::<_, threat::MatchError>(())
    });
    result?;
    let mut each = Vec::new();
    for (matcher, text) in matchers.iter().zip(inputs::PATTERNS) {
        let (_, times) = timed(|| {
            (0..rounds).try_for_each(|_| matcher.matches(black_box(&read.observations), &limits).map(drop))
        });
        each.push(json!({ "pattern": text, "microseconds": times.wall_s / f64::from(rounds) * 1e6 }));
    }
    let work = count as f64 * inputs::PATTERNS.len() as f64;
    Ok(json!({
        "observations": count, "patterns": inputs::PATTERNS.len(), "hits": hits, "rounds": rounds,
        "read_s": read_times.wall_s, "compile_s": compile_times.wall_s, "first_round_s": first_times.wall_s,
        "wall_s": times.wall_s / f64::from(rounds), "cpu_s": times.cpu_s.map(|cpu| cpu / f64::from(rounds)),
        "per_s": work * f64::from(rounds) / times.cpu_s.unwrap_or(times.wall_s), "each": each, "peak_mib": peak_mib(),
    }))
}

fn set(patterns: usize, count: usize) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
    let texts: Vec<String> = inputs::equalities(patterns).collect();
    let (set, build_times) = timed(|| {
        let mut set = PatternSet::default();
        for text in &texts {
            set.add(&Pattern::parse(text, SpecVersion::V2_1)?)?;
        }
        Ok::<_, threat::PatternFault>(set)
    });
    let set = set?;
    let text = inputs::observed_json(count);
    let (read, read_times) = timed(|| Observations::from_json(text.as_bytes()));
    let (found, times) = timed(|| set.matches(black_box(&read.observations), &PatternLimits::default()));
    Ok(json!({
        "observations": count, "patterns": patterns, "found": found.found.len(), "errors": found.errors.len(),
        "build_s": build_times.wall_s, "read_s": read_times.wall_s, "wall_s": times.wall_s, "cpu_s": times.cpu_s,
        "observations_per_s": count as f64 / times.cpu_s.unwrap_or(times.wall_s), "peak_mib": peak_mib(),
    }))
}
