use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use base::{Interval, Marking, NoradId, Severity, Timestamp};
use orbit::{Approach, Catalogue, FindingContext, ScreenLimits, Screening};

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::picture::{self, ScreeningPicture};
use crate::progress::Progress;

use super::approaches::{Item, earlier};
use super::{MAX_HOURS, catalogue, ids, known, pool};

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
  bongsu orbit screen samples/orbit/korea-2026-03.csv \\
    --from 2026-03-10T12:00:00Z --hours 24 --within-km 50 \\
    --update-from earlier.ndjson --changed 29268,38338

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
    /// What this command printed for the catalogue as it was, as JSON or NDJSON, with the same --from, --hours and
    /// --within-km and without --primaries: only pairs with an object of --changed are screened again
    #[arg(long, value_name = "FILE", env = "BONGSU_UPDATE_FROM", hide_env_values = true)]
    #[arg(requires = "changed", conflicts_with = "primaries")]
    update_from: Option<String>,
    /// The objects that have a new element set, or have come or gone, since then: numbers with commas, or a file
    #[arg(long, value_name = "IDS|FILE", env = "BONGSU_CHANGED", hide_env_values = true)]
    #[arg(requires = "update_from")]
    changed: Option<String>,
    /// How many threads [default: one a core]; the result is the same with any number
    #[arg(long, value_name = "N", env = "BONGSU_THREADS", hide_env_values = true)]
    threads: Option<NonZeroUsize>,
    /// Draw distance over time into this file, as SVG; an older one of that name is replaced
    #[arg(long, value_name = "FILE", env = "BONGSU_PICTURE", hide_env_values = true)]
    picture: Option<PathBuf>,
}

pub(super) fn run(args: &Screen, common: &Common) -> Result<ExitCode, CliError> {
    let usage = |message: &str| CliError::Usage(message.to_owned());
    let from = args.from.or(common.now).ok_or_else(|| usage("from when? give --from TIME"))?;
    if !(args.hours > 0.0 && args.hours <= MAX_HOURS) {
        return Err(usage(&format!("--hours {} is not above 0 and up to {MAX_HOURS}", args.hours)));
    }
    let limits = ScreenLimits::within_km(args.within_km).map_err(|e| usage(&format!("--within-km: {e}")))?;
    let inputs =
        [Some(&args.catalogue), args.primaries.as_ref(), args.update_from.as_ref(), args.changed.as_ref()];
    if inputs.into_iter().flatten().filter(|input| *input == "-").count() > 1 {
        return Err(usage("only one of CAT, --primaries, --update-from and --changed can be standard input"));
    }
    let mut list = common.out().list("bongsu.approaches/1").with_columns(COLUMNS);
    let update = match args.update_from.as_deref().zip(args.changed.as_deref()) {
        Some((file, changed)) => Some((earlier(file)?, ids(changed, &mut list)?)),
        None => None,
    };
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
    let found = match &update {
        Some((previous, changed)) => with_threads(args.threads, |pool, tell| {
            orbit::rescreen(previous, changed, &catalogue, span, &limits, pool, tell)
        }),
        None => with_threads(args.threads, |pool, tell| {
            orbit::screen(&catalogue, span, &limits, primaries.as_ref(), pool, tell)
        }),
    }?;
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

/// Screens on so many threads and shows how far it is.
fn with_threads(
    threads: Option<NonZeroUsize>,
    work: impl FnOnce(Option<&rayon::ThreadPool>, &Tell<'_>) -> Result<Screening, orbit::ScreenError>,
) -> Result<Screening, CliError> {
    let pool = pool(threads)?;
    let progress = Progress::new("screening");
    let tell = |done, total| {
        progress.at(done, total);
        ControlFlow::Continue(())
    };
    Ok(work(Some(&pool), &tell)?)
}

/// How a screening tells of its progress.
type Tell<'a> = dyn Fn(u64, u64) -> ControlFlow<()> + Sync + 'a;

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
