use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use base::{Interval, Marking, NoradId, Severity, Timestamp};
use orbit::{Approach, Catalogue, FindingContext, ScreenLimits};
use serde::{Serialize, Serializer};

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::picture::{self, ScreeningPicture};
use crate::progress::Progress;

use super::{MAX_HOURS, catalogue, ids, known, pool};

/// Fractional digits of a second that a closest approach has at least.
const TCA_DIGITS: usize = 4;

const COLUMNS: &[&str] = &[
    "kind",
    "norad_a",
    "norad_b",
    "tca",
    "miss_km",
    "relative_speed_km_s",
    "radial_km",
    "in_track_km",
    "cross_track_km",
    "start",
    "end",
    "min_km",
    "min_time",
    "mean_km",
];

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu orbit screen samples/orbit/korea-2026-03.csv \\
    --from 2026-03-10T12:00:00Z --hours 24 --within-km 50
  bongsu orbit screen samples/orbit/celestrak-active-2026-03.csv.zst \\
    --from 2026-03-10T12:00:00Z --hours 2 --within-km 5 --primaries 29268,38338
  bongsu orbit screen samples/orbit/korea-2025-04-15.3le --fail-on 3 \\
    --from 2025-04-15T00:00:00Z --hours 12 --within-km 100 --primaries ids.txt

An item is an event (one fast pass) or an interval (a pair that stays near at
less than 50 m/s), by time. The position of norad_b relative to norad_a is given
radial, in track and cross track. With --fail-on the exit is 1 when an approach
is that severe: 4 below 0.2 km, 3 below 1 km, else 2.")]
pub(crate) struct Screen {
    /// The catalogue: TLE, 3LE or OMM (CSV, JSON, KVN, XML); .zst and .gz too; - is standard input
    #[arg(value_name = "CAT")]
    catalogue: String,
    /// When to start, say 2026-03-10T12:00:00Z [default: --now]
    #[arg(long, value_name = "TIME", env = "BONGSU_FROM", hide_env_values = true)]
    from: Option<Timestamp>,
    /// How long, in hours; the end is not part of the span
    #[arg(long, value_name = "H", env = "BONGSU_HOURS", hide_env_values = true)]
    hours: f64,
    /// How near is near
    #[arg(long, value_name = "KM", env = "BONGSU_WITHIN_KM", hide_env_values = true)]
    within_km: f64,
    /// Only pairs with one of these: numbers with commas, or a file with one a line (# starts a note)
    #[arg(long, value_name = "IDS|FILE", env = "BONGSU_PRIMARIES", hide_env_values = true)]
    primaries: Option<String>,
    /// How many threads [default: one a core]; the result is the same with any number
    #[arg(long, value_name = "N", env = "BONGSU_THREADS", hide_env_values = true)]
    threads: Option<NonZeroUsize>,
    /// Draw distance over time into this file, as SVG; an older one of that name is replaced
    #[arg(long, value_name = "FILE", env = "BONGSU_PICTURE", hide_env_values = true)]
    picture: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Item {
    Event {
        norad_a: NoradId,
        norad_b: NoradId,
        #[serde(serialize_with = "precise")]
        tca: Timestamp,
        miss_km: f64,
        relative_speed_km_s: f64,
        radial_km: f64,
        in_track_km: f64,
        cross_track_km: f64,
    },
    Interval {
        norad_a: NoradId,
        norad_b: NoradId,
        start: Timestamp,
        end: Timestamp,
        min_km: f64,
        #[serde(serialize_with = "precise")]
        min_time: Timestamp,
        mean_km: f64,
    },
}

impl From<&Approach> for Item {
    fn from(approach: &Approach) -> Self {
        match *approach {
            Approach::Event(e) => Self::Event {
                norad_a: e.norad_a,
                norad_b: e.norad_b,
                tca: e.tca,
                miss_km: e.miss_km,
                relative_speed_km_s: e.relative_speed_km_s,
                radial_km: e.radial_km,
                in_track_km: e.in_track_km,
                cross_track_km: e.cross_track_km,
            },
            Approach::Interval(p) => Self::Interval {
                norad_a: p.norad_a,
                norad_b: p.norad_b,
                start: p.start,
                end: p.end,
                min_km: p.min_km,
                min_time: p.min_time,
                mean_km: p.mean_km,
            },
        }
    }
}

/// A time with at least [`TCA_DIGITS`] digits behind the second: it was found by root finding, so `:00Z` would hide
/// how exact it is.
fn precise<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    let text = time.to_string();
    let body = text.strip_suffix('Z').unwrap_or(&text);
    let digits = body.split_once('.').map_or(0, |(_, digits)| digits.len());
    if digits >= TCA_DIGITS {
        return to.serialize_str(&text);
    }
    let point = if digits == 0 { "." } else { "" };
    let zeros = "0".repeat(TCA_DIGITS - digits);
    to.serialize_str(&format!("{body}{point}{zeros}Z"))
}

pub(super) fn run(args: &Screen, common: &Common) -> Result<ExitCode, CliError> {
    let usage = |message: &str| CliError::Usage(message.to_owned());
    let from = args.from.or(common.now).ok_or_else(|| usage("from when? give --from TIME"))?;
    if !(args.hours > 0.0 && args.hours <= MAX_HOURS) {
        return Err(usage(&format!("--hours {} is not above 0 and up to {MAX_HOURS}", args.hours)));
    }
    let limits = ScreenLimits::within_km(args.within_km).map_err(|e| usage(&format!("--within-km: {e}")))?;
    if args.catalogue == "-" && args.primaries.as_deref() == Some("-") {
        return Err(usage("only one of CAT and --primaries can be standard input"));
    }
    let mut list = common.out().list("bongsu.approaches/1").with_columns(COLUMNS);
    let wanted = args.primaries.as_ref().map(|text| ids(text, &mut list)).transpose()?;
    let name = input::name(&args.catalogue);
    let Some(catalogue) = catalogue(&args.catalogue, &mut list)? else {
        return list.fail(CliError::NothingRead(name));
    };
    let primaries = match wanted.map(|wanted| known(&wanted, &catalogue, &name, &mut list)).transpose() {
        Ok(primaries) => primaries,
        Err(error) => return list.fail(error),
    };
    let span = Interval::starting(from, args.hours * 3600.0);
    let found = screen(&catalogue, span, &limits, primaries.as_ref(), args.threads)?;
    for fault in found.faults {
        list.fault(fault.in_source(&name));
    }
    let mut worst = None;
    for approach in &found.approaches {
        if common.fail_on.is_some() {
            worst = worst.max(severity(approach, &catalogue));
        }
        list.item(&Item::from(approach))?;
    }
    list.finish()?;
    if let Some(path) = &args.picture {
        let name = |id: NoradId| catalogue.get(id).map_or_else(|| id.to_string(), orbit::ElementSet::label);
        let drawn =
            ScreeningPicture { span, within_km: args.within_km, approaches: &found.approaches, name: &name };
        picture::write(&picture::screening(&drawn), path)?;
    }
    let failed = common.fail_on.is_some_and(|level| worst.is_some_and(|worst| worst >= level));
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn screen(
    catalogue: &Catalogue,
    span: Interval,
    limits: &ScreenLimits,
    primaries: Option<&BTreeSet<NoradId>>,
    threads: Option<NonZeroUsize>,
) -> Result<orbit::Screening, CliError> {
    let pool = pool(threads)?;
    let progress = Progress::new("screening");
    let tell = |done, total| {
        progress.at(done, total);
        ControlFlow::Continue(())
    };
    Ok(orbit::screen(catalogue, span, limits, primaries, Some(&pool), &tell)?)
}

/// How bad room `orbit` says it is.
fn severity(approach: &Approach, catalogue: &Catalogue) -> Option<Severity> {
    let context = FindingContext {
        protected: &BTreeSet::new(),
        marking: Marking::new("UNCLASSIFIED", &[], "ZZZ"),
        evidence: Vec::new(),
        version: env!("CARGO_PKG_VERSION"),
    };
    let (a, b) = (catalogue.get(approach.norad_a())?, catalogue.get(approach.norad_b())?);
    Some(orbit::finding(approach, a, b, &context).severity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closest_approaches_have_four_digits_at_least() {
        let shown = |text: &str| {
            let time: Timestamp = text.parse().unwrap();
            precise(&time, serde_json::value::Serializer).unwrap()
        };
        assert_eq!(shown("2026-03-10T12:00:00Z"), "2026-03-10T12:00:00.0000Z");
        assert_eq!(shown("2026-03-10T12:00:00.25Z"), "2026-03-10T12:00:00.2500Z");
        assert_eq!(shown("2026-03-10T12:00:00.123456789Z"), "2026-03-10T12:00:00.123456789Z");
    }
}
