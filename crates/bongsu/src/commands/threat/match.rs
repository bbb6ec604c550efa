use std::process::ExitCode;

use base::{Fault, Severity, Timestamp};
use serde::Serialize;
use threat::{Hit, IndicatorSet, MatchOptions, Matcher, Warninglists, match_log};

use super::{new_set, open, read_indicators};
use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::{List, say};
use crate::progress::Progress;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu threat match samples/threat/dns.log --indicators samples/threat/indicators.txt
  bongsu threat match samples/threat/mail.log samples/threat/dns.log \\
    --indicators samples/threat/indicators.txt samples/threat/indicators.stix.json \\
    --warninglists samples/threat/warninglist.json --format text
  bongsu threat match samples/threat/dns.log --fail-on 2 \\
    --indicators samples/threat/indicators.txt

Logs are Zeek (its tables and JSON), EVTX, JSON lines (ECS, OCSF and others), CSV
and plain text, told apart by content. Only fields that can hold an indicator are
looked at, each by its type. A name also matches the names below it, an address the
networks that hold it. `line` is the physical line from 1, head lines counted; in
EVTX the record. A hit has two beacons for --fail-on; a suppressed one has none.
With --sigma, rules are held against the logs too: items with `rule`, `level`,
`title`, `tags` and `techniques`. A rule is asked about the logs that it names.")]
pub(crate) struct Match {
    /// The logs; .zst and .gz too; - is standard input
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<String>,
    /// Indicators: STIX, MISP (events and feeds), CSV or plain lists
    #[arg(long, required_unless_present = "sigma", num_args = 1.., value_name = "FILE", env = "BONGSU_INDICATORS", hide_env_values = true)]
    indicators: Vec<String>,
    /// Sigma rules: files, and folders of .yml (builds with the feature `sigma`)
    #[arg(long, num_args = 1.., value_name = "PATH", env = "BONGSU_SIGMA", hide_env_values = true)]
    sigma: Vec<String>,
    /// Warninglists of MISP: values that raise no alarm
    #[arg(long, num_args = 1.., value_name = "FILE", env = "BONGSU_WARNINGLISTS", hide_env_values = true)]
    warninglists: Vec<String>,
    /// Print suppressed hits too, with the list that knows them
    #[arg(long, env = "BONGSU_SHOW_SUPPRESSED", hide_env_values = true)]
    show_suppressed: bool,
}

#[derive(Serialize)]
pub(super) struct Item<'a> {
    time: Option<Timestamp>,
    log: &'a str,
    line: u64,
    field: &'a str,
    value: &'a str,
    kind: &'static str,
    indicator: &'a str,
    source: &'a str,
    /// The STIX or MISP identifier of the indicator.
    object: Option<&'a str>,
    /// Other sources of the same indicator.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_sources: Vec<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    outside_validity: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed_by: Option<&'a str>,
}

pub(super) fn run(args: &Match, common: &Common) -> Result<ExitCode, CliError> {
    if [&args.logs, &args.indicators, &args.warninglists].into_iter().flatten().filter(|f| *f == "-").count()
        > 1
    {
        return Err(CliError::Usage("only one input can be standard input".to_owned()));
    }
    let mut list = common.out().list("bongsu.threat-match/1");
    let worst = if args.sigma.is_empty() { None } else { rules(args, &mut list)? };
    if args.indicators.is_empty() {
        list.finish()?;
        return Ok(exit(worst, common));
    }
    let mut builder = new_set();
    let mut unreadable = read_indicators(&args.indicators, &mut builder, &mut list, |_, _, _| Ok(()))?;
    if builder.is_empty() {
        return list
            .fail(CliError::NothingRead("the files of --indicators: they hold no indicator".to_owned()));
    }
    let set = builder.finish()?;
    let warninglists = read_warninglists(&args.warninglists, &mut list)?;
    let matcher = Matcher { set: &set, warninglists: Some(&warninglists) };
    let (mut hits, mut suppressed) = (0, 0);
    for log in &args.logs {
        match match_one(log, &matcher, args.show_suppressed, &mut list)? {
            Some(found) => {
                hits += found.0;
                suppressed += found.1;
            }
            None => unreadable += 1,
        }
    }
    if unreadable > 0 {
        let files = args.logs.len() + args.indicators.len();
        return list.fail(CliError::Refused { refused: unreadable, files });
    }
    list.finish()?;
    if suppressed > 0 && !args.show_suppressed {
        say(&format!("{suppressed} hits suppressed by warninglists; --show-suppressed prints them"));
    }
    Ok(exit(worst.max((hits > 0).then_some(Severity::Seen)), common))
}

fn exit(worst: Option<Severity>, common: &Common) -> ExitCode {
    let failed = common.fail_on.is_some_and(|level| worst.is_some_and(|worst| worst >= level));
    if failed { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

/// Holds the rules of --sigma against the logs: the worst that was hit.
#[cfg(feature = "sigma")]
fn rules(args: &Match, list: &mut List) -> Result<Option<Severity>, CliError> {
    if !args.indicators.is_empty() && args.logs.iter().any(|log| log == "-") {
        return Err(CliError::Usage("standard input cannot be read twice; give --sigma alone".to_owned()));
    }
    let rules = super::sigma::load(&args.sigma, list)?;
    let (mut worst, mut unreadable) = (None, 0);
    for log in &args.logs {
        match super::sigma::match_one(log, &rules, list)? {
            Ok(found) => worst = worst.max(found),
            Err(fault) => {
                unreadable += 1;
                list.fault(fault);
            }
        }
    }
    // With indicators, the logs are read and told of once more.
    if unreadable > 0 && args.indicators.is_empty() {
        return Err(CliError::Refused { refused: unreadable, files: args.logs.len() });
    }
    Ok(worst)
}

#[cfg(not(feature = "sigma"))]
fn rules(_: &Match, _: &mut List) -> Result<Option<Severity>, CliError> {
    let message = "this program was built without Sigma; build it with `cargo build --release -p bongsu \
        --features sigma`";
    Err(CliError::Usage(message.to_owned()))
}

/// Reads warninglists and tells of their faults.
pub(super) fn read_warninglists(files: &[String], list: &mut List) -> Result<Warninglists, CliError> {
    let mut warninglists = Warninglists::default();
    for file in files {
        for fault in warninglists.read(&input::read(file)?, &input::name(file)) {
            list.fault(fault);
        }
    }
    Ok(warninglists)
}

/// Matches one log: hits that count and hits that were suppressed. `None`: it could not be read to its end, which a
/// fault tells.
fn match_one(
    log: &str,
    matcher: &Matcher<'_>,
    show_suppressed: bool,
    list: &mut List,
) -> Result<Option<(u64, u64)>, CliError> {
    let name = input::name(log);
    let progress = Progress::new("matching");
    let mut failed = Ok(());
    let outcome = open(log, &progress).and_then(|mut stream| {
        let options = MatchOptions { log: name.clone(), suppressed: show_suppressed };
        let mut tell = |hit: &Hit, _: &threat::HitLine<'_>| {
            if failed.is_ok() {
                failed = list.item(&item(hit, log, matcher.set));
            }
        };
        match_log(&mut stream, matcher, &options, &mut tell).map_err(CliError::io(log))
    });
    failed?;
    match outcome {
        Ok(summary) => {
            for fault in summary.faults {
                list.fault(fault);
            }
            Ok(Some((summary.hits, summary.suppressed)))
        }
        Err(error) => {
            list.fault(Fault::error(error.code(), error.to_string()).in_source(&name).in_field("file"));
            Ok(None)
        }
    }
}

pub(super) fn item<'a>(hit: &'a Hit, log: &'a str, set: &'a IndicatorSet) -> Item<'a> {
    let mut origins = hit.origins.iter().filter_map(|id| set.origin(*id));
    let first = origins.next();
    let source = first.map_or("", |origin| origin.source.as_str());
    let mut other_sources: Vec<&str> =
        origins.map(|origin| origin.source.as_str()).filter(|other| *other != source).collect();
    other_sources.dedup();
    Item {
        time: hit.time,
        log,
        line: hit.line,
        field: &hit.field,
        value: &hit.value,
        kind: hit.kind.name(),
        indicator: &hit.indicator,
        source,
        object: first.and_then(|origin| origin.object.as_deref()),
        other_sources,
        outside_validity: hit.outside_validity,
        suppressed_by: hit.suppressed_by.as_deref(),
    }
}
