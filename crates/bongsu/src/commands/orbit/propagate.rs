use std::collections::BTreeSet;
use std::process::ExitCode;

use base::{NoradId, Timestamp};
use orbit::{Propagator, State, Teme};
use serde::Serialize;

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::progress::Progress;

use super::{catalogue, known};

/// More states than this of one object are a slip of the keyboard.
const MAX_TIMES: i128 = 100_000_000;

const COLUMNS: &[&str] = &[
    "norad_id",
    "time",
    "position_km.0",
    "position_km.1",
    "position_km.2",
    "velocity_km_s.0",
    "velocity_km_s.1",
    "velocity_km_s.2",
    "error_code",
];

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu orbit propagate samples/orbit/korea-2026-03.csv --at 2026-03-10T12:00:00Z
  bongsu orbit propagate samples/orbit/korea-2025-04-15.3le --ids 29268 \\
    --from 2025-04-15T00:00:00Z --to 2025-04-15T01:00:00Z --step 10m --frame itrf
  zstdcat samples/orbit/celestrak-active-2026-03.csv.zst | bongsu orbit \\
    propagate - --at 2026-03-10T12:00:00Z --ids 29268,29349 --format csv

Objects come by rising number, the times of each in order; the end of the span
counts. An object that SGP4 has no state for at a time (1 to 4: bad elements,
6: decayed) gives an item with `error_code` and without a position.")]
pub(crate) struct Propagate {
    /// The catalogue: TLE, 3LE or OMM (CSV, JSON, KVN, XML); .zst and .gz too; - is standard input
    #[arg(value_name = "CAT")]
    catalogue: String,
    /// First time of a span, say 2026-03-10T12:00:00Z [default: --now]
    #[arg(long, value_name = "TIME", env = "BONGSU_FROM", hide_env_values = true)]
    from: Option<Timestamp>,
    /// Last time of a span
    #[arg(long, value_name = "TIME", env = "BONGSU_TO", hide_env_values = true)]
    to: Option<Timestamp>,
    /// Time between two states of a span: 60s, 0.5s, 10m, 2h, 1d
    #[arg(long, value_name = "DURATION", default_value = "60s", env = "BONGSU_STEP", hide_env_values = true, value_parser = step)]
    step: Step,
    /// These times instead of a span
    #[arg(long, value_name = "TIME", value_delimiter = ',', env = "BONGSU_AT", hide_env_values = true)]
    at: Vec<Timestamp>,
    /// These objects only
    #[arg(long, value_name = "IDS", value_delimiter = ',', env = "BONGSU_IDS", hide_env_values = true)]
    ids: Vec<NoradId>,
    /// The frame of positions and velocities
    #[arg(long, value_enum, default_value = "teme", env = "BONGSU_FRAME", hide_env_values = true)]
    frame: FrameName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FrameName {
    /// True equator, mean equinox of date: the frame of SGP4.
    Teme,
    /// Fixed to the Earth (polar motion and UT1-UTC taken as zero).
    Itrf,
    /// Inertial, geocentric celestial reference frame.
    Gcrf,
}

/// A step in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step(i64);

fn step(text: &str) -> Result<Step, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_s = match &text[digits.len()..] {
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        other => return Err(format!("`{other}` is no unit; use ms, s, m, h or d")),
    };
    let number: f64 =
        digits.parse().map_err(|_| format!("`{text}` is no duration such as 60s, 10m or 2h"))?;
    let nanos = (number * unit_s * 1e9).round();
    if !(1e6..=1e18).contains(&nanos) {
        return Err(format!("`{text}` is not between 1 ms and 11,574 days"));
    }
    Ok(Step(nanos as i64))
}

/// The times that are asked for.
enum Times {
    At(Vec<Timestamp>),
    Span { from: Timestamp, step: i64, count: u64 },
}

impl Times {
    fn iter(&self) -> Box<dyn Iterator<Item = Timestamp> + '_> {
        match self {
            Self::At(times) => Box::new(times.iter().copied()),
            Self::Span { from, step, count } => Box::new(
                (0..*count).map(move |index| from.plus_nanos(step.saturating_mul(index.cast_signed()))),
            ),
        }
    }
}

fn times(args: &Propagate, now: Option<Timestamp>) -> Result<Times, CliError> {
    let wrong = |message: &str| Err(CliError::Usage(message.to_owned()));
    if !args.at.is_empty() {
        if args.from.is_some() || args.to.is_some() {
            return wrong("give either --at, or --from and --to");
        }
        return Ok(Times::At(args.at.clone()));
    }
    let (Some(from), Some(to)) = (args.from.or(now), args.to) else {
        return wrong("for when? give --at TIME[,TIME], or --from TIME --to TIME --step 60s");
    };
    if to < from {
        return wrong("--to lies before --from");
    }
    let Step(step) = args.step;
    let count = (i128::from(to.unix_nanos()) - i128::from(from.unix_nanos())) / i128::from(step) + 1;
    match u64::try_from(count) {
        Ok(counted) if count <= MAX_TIMES => Ok(Times::Span { from, step, count: counted }),
        _ => wrong("more than 100,000,000 times an object; choose a longer --step or a shorter span"),
    }
}

#[derive(Serialize)]
struct Item {
    norad_id: NoradId,
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    position_km: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    velocity_km_s: Option<[f64; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u8>,
}

impl Item {
    fn state(id: NoradId, time: Timestamp, position_km: [f64; 3], velocity_km_s: [f64; 3]) -> Self {
        Self {
            norad_id: id,
            time,
            position_km: Some(position_km),
            velocity_km_s: Some(velocity_km_s),
            error_code: None,
        }
    }
}

pub(super) fn run(args: &Propagate, common: &Common) -> Result<ExitCode, CliError> {
    let times = times(args, common.now)?;
    let mut list = common.out().list("bongsu.states/1").with_columns(COLUMNS);
    let Some(catalogue) = catalogue(&args.catalogue, &mut list)? else {
        return list.fail(CliError::NothingRead(input::name(&args.catalogue)));
    };
    let wanted: BTreeSet<NoradId> = args.ids.iter().copied().collect();
    let catalogue = if wanted.is_empty() {
        catalogue
    } else {
        match known(&wanted, &catalogue, &input::name(&args.catalogue), &mut list) {
            Ok(known) => catalogue.only(|set| known.contains(&set.norad_id())),
            Err(error) => return list.fail(error),
        }
    };
    let progress = Progress::new("propagating");
    let total = catalogue.len() as u64;
    for (done, set) in catalogue.iter().enumerate() {
        progress.at(done as u64, total);
        let id = set.norad_id();
        let propagator = Propagator::new(set);
        for time in times.iter() {
            let state = propagator.as_ref().map_err(Clone::clone).and_then(|p| p.state_at(time));
            let item = match state {
                Ok(state) => in_frame(id, time, &state, args.frame),
                Err(error) => Item {
                    norad_id: id,
                    time,
                    position_km: None,
                    velocity_km_s: None,
                    error_code: Some(error.code()),
                },
            };
            list.item(&item)?;
        }
    }
    drop(progress);
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn in_frame(id: NoradId, time: Timestamp, state: &State<Teme>, frame: FrameName) -> Item {
    match frame {
        FrameName::Teme => Item::state(id, time, state.position().km(), state.velocity().km_s()),
        FrameName::Itrf => {
            let state = state.to_pef();
            Item::state(id, time, state.position().km(), state.velocity().km_s())
        }
        FrameName::Gcrf => {
            let state = state.to_gcrf();
            Item::state(id, time, state.position().km(), state.velocity().km_s())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read() {
        assert_eq!(step("60s"), Ok(Step(60_000_000_000)));
        assert_eq!(step("0.5"), Ok(Step(500_000_000)));
        assert_eq!(step("250ms"), Ok(Step(250_000_000)));
        assert_eq!(step("10m"), Ok(Step(600_000_000_000)));
        assert_eq!(step("1d"), Ok(Step(86_400_000_000_000)));
        for wrong in ["", "s", "60x", "0s", "-5s", "NaNs", "inf", "1e12d"] {
            assert!(step(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_span_counts_its_end() {
        let from = Timestamp::UNIX_EPOCH;
        let span = Times::Span { from, step: 60_000_000_000, count: 3 };
        assert_eq!(span.iter().last(), Some(from.plus_seconds(120.0)));
    }
}
