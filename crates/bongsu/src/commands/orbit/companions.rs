use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::process::ExitCode;

use base::{Interval, NoradId, Timestamp};
use orbit::{Companion, ScreenLimits};
use serde::Serialize;

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::progress::Progress;

use super::{MAX_HOURS, catalogue, pool};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu orbit companions samples/orbit/korea-2026-03.csv \\
    --from 2026-03-10T12:00:00Z --hours 24
  bongsu orbit companions samples/orbit/korea-2025-04-15.3le \\
    samples/orbit/korea-2026-03.csv --from 2026-03-10T12:00:00Z --hours 24
  bongsu orbit companions samples/orbit/celestrak-active-2026-03.csv.zst \\
    --from 2026-03-10T12:00:00Z --hours 6 --within-km 100 --format csv

The most remarkable pair comes first: near for long, steady, and newly arrived.
Who came shows when an earlier catalogue is given too. Without it the target is
often only the object with the lower number; the explanation says so. Fleets
that are together by design are named and marked down, not left out.")]
pub(crate) struct Companions {
    /// Catalogues of one day or of several: TLE, 3LE or OMM (CSV, JSON, KVN, XML); .zst and .gz too; - is standard input
    #[arg(required = true, value_name = "CAT")]
    catalogues: Vec<String>,
    /// When to start, say 2026-03-10T12:00:00Z [default: --now]
    #[arg(long, value_name = "TIME", env = "BONGSU_FROM", hide_env_values = true)]
    from: Option<Timestamp>,
    /// How long, in hours
    #[arg(long, value_name = "H", env = "BONGSU_HOURS", hide_env_values = true)]
    hours: f64,
    /// How near is company
    #[arg(
        long,
        value_name = "KM",
        default_value_t = 300.0,
        env = "BONGSU_WITHIN_KM",
        hide_env_values = true
    )]
    within_km: f64,
    /// How many threads [default: one a core]; the result is the same with any number
    #[arg(long, value_name = "N", env = "BONGSU_THREADS", hide_env_values = true)]
    threads: Option<NonZeroUsize>,
}

#[derive(Serialize)]
struct Item {
    chaser: NoradId,
    target: NoradId,
    score: f64,
    dwell_share: f64,
    mean_km: f64,
    min_km: f64,
    drift_deg_per_day: f64,
    since: Timestamp,
    explanation: String,
}

impl From<Companion> for Item {
    fn from(pair: Companion) -> Self {
        Self {
            chaser: pair.chaser,
            target: pair.target,
            score: pair.score,
            dwell_share: pair.dwell_share,
            mean_km: pair.mean_km,
            min_km: pair.min_km,
            drift_deg_per_day: pair.drift_deg_per_day,
            since: pair.since,
            explanation: pair.explanation,
        }
    }
}

pub(super) fn run(args: &Companions, common: &Common) -> Result<ExitCode, CliError> {
    let usage = |message: &str| CliError::Usage(message.to_owned());
    let from = args.from.or(common.now).ok_or_else(|| usage("from when? give --from TIME"))?;
    if !(args.hours > 0.0 && args.hours <= MAX_HOURS) {
        return Err(usage(&format!("--hours {} is not above 0 and up to {MAX_HOURS}", args.hours)));
    }
    let limits = ScreenLimits::within_km(args.within_km).map_err(|e| usage(&format!("--within-km: {e}")))?;
    if args.catalogues.iter().filter(|name| *name == "-").count() > 1 {
        return Err(usage("only one CAT can be standard input"));
    }
    let pool = pool(args.threads)?;
    let mut list = common.out().list("bongsu.companions/1");
    let mut catalogues = Vec::new();
    for path in &args.catalogues {
        match catalogue(path, &mut list)? {
            Some(read) => catalogues.push(read),
            None => return list.fail(CliError::NothingRead(input::name(path))),
        }
    }
    let span = Interval::starting(from, args.hours * 3600.0);
    let progress = Progress::new("looking for company");
    let tell = |done, total| {
        progress.at(done, total);
        ControlFlow::Continue(())
    };
    let found = orbit::companions(&catalogues, span, &limits, Some(&pool), &tell)?;
    drop(progress);
    for fault in found.faults {
        list.fault(fault);
    }
    for pair in found.companions {
        list.item(&Item::from(pair))?;
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}
