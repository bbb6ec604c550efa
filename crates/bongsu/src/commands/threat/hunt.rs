use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use base::{Severity, Timestamp};
use hunt::{HuntOptions, Store};
use threat::{Matcher, SetBuilder};

use super::r#match::{Item, item, read_warninglists};
use super::{read_indicators, secret};
use crate::Common;
use crate::commands::orbit::pool;
use crate::error::CliError;
use crate::out::say;
use crate::progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu threat hunt --indicators samples/threat/indicators.txt --store ./hunted
  bongsu threat hunt --indicators samples/threat/indicators.stix.json --store ./hunted \\
    --from 2026-03-10T12:00:00Z --to 2026-03-10T12:00:01Z --format text
  bongsu threat hunt --indicators samples/threat/indicators.txt --store ./hunted \\
    --warninglists samples/threat/warninglist.json --fail-on 2

The store is made by `threat index`. Hits are those that `threat match` finds in the
same logs. --from and --to are half-open: the first is in, the second is not; lines
without a time are then left out, and their hits are counted on standard error.
A damaged segment is a fault with its name and makes the exit 2; the others are
searched. A hit has two beacons for --fail-on; a suppressed one has none.")]
pub(crate) struct Hunt {
    /// Indicators: STIX, MISP, CSV or plain lists; - is standard input
    #[arg(long, required = true, num_args = 1.., value_name = "FILE", env = "BONGSU_INDICATORS", hide_env_values = true)]
    indicators: Vec<String>,
    /// The folder of the store
    #[arg(long, value_name = "DIR", env = "BONGSU_HUNT_STORE", hide_env_values = true)]
    store: PathBuf,
    /// Only lines of this time and later
    #[arg(long, value_name = "TIME", env = "BONGSU_FROM", hide_env_values = true)]
    from: Option<Timestamp>,
    /// Only lines before this time
    #[arg(long, value_name = "TIME", env = "BONGSU_TO", hide_env_values = true)]
    to: Option<Timestamp>,
    /// With --from or --to: lines without a time too
    #[arg(long, env = "BONGSU_UNDATED", hide_env_values = true)]
    undated: bool,
    /// Warninglists of MISP: values that raise no alarm
    #[arg(long, num_args = 1.., value_name = "FILE", env = "BONGSU_WARNINGLISTS", hide_env_values = true)]
    warninglists: Vec<String>,
    /// Print suppressed hits too, with the list that knows them
    #[arg(long, env = "BONGSU_SHOW_SUPPRESSED", hide_env_values = true)]
    show_suppressed: bool,
    /// How many threads [default: one a core]; the result is the same with any number
    #[arg(long, value_name = "N", env = "BONGSU_THREADS", hide_env_values = true)]
    threads: Option<NonZeroUsize>,
}

pub(super) fn run(args: &Hunt, common: &Common) -> Result<ExitCode, CliError> {
    if [&args.indicators, &args.warninglists].into_iter().flatten().filter(|f| *f == "-").count() > 1 {
        return Err(CliError::Usage("only one input can be standard input".to_owned()));
    }
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        return Err(CliError::Usage("--from is later than --to".to_owned()));
    }
    let store = Store::open(&args.store)?;
    let mut list = common.out().list("bongsu.threat-hunt/1");
    let mut builder = SetBuilder::with_search_keys(secret());
    let unreadable = read_indicators(&args.indicators, &mut builder, &mut list, |_, _, _| Ok(()))?;
    if builder.is_empty() {
        return list
            .fail(CliError::NothingRead("the files of --indicators: they hold no indicator".to_owned()));
    }
    let keys = builder.take_search_keys();
    let set = builder.finish()?;
    let warninglists = read_warninglists(&args.warninglists, &mut list)?;
    let matcher = Matcher { set: &set, warninglists: Some(&warninglists) };
    let options =
        HuntOptions { from: args.from, to: args.to, undated: args.undated, suppressed: args.show_suppressed };
    let pool = pool(args.threads)?;
    let progress = Progress::new("hunting");
    let mut failed = Ok(());
    let at = |done: u64, total: u64| progress.at(done, total);
    let summary = store.hunt(&keys, &matcher, &options, Some(&pool), &at, &mut |hit, _| {
        if failed.is_ok() {
            let item: Item<'_> = item(hit, &hit.log, &set);
            failed = list.item(&item);
        }
    });
    drop(progress);
    failed?;
    let damaged = summary.faults.len();
    for fault in summary.faults {
        list.fault(fault);
    }
    if unreadable > 0 {
        return list.fail(CliError::Refused { refused: unreadable, files: args.indicators.len() });
    }
    if damaged > 0 {
        return list.fail(CliError::DamagedStore(args.store.clone()));
    }
    list.finish()?;
    if summary.suppressed > 0 && !args.show_suppressed {
        say(&format!(
            "{} hits suppressed by warninglists; --show-suppressed prints them",
            summary.suppressed
        ));
    }
    if summary.undated > 0 {
        say(&format!("{} hits in lines without a time left out; --undated prints them", summary.undated));
    }
    let found = summary.hits > 0 && common.fail_on.is_some_and(|level| level <= Severity::Seen);
    Ok(if found { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
