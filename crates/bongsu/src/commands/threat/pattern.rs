//! `threat pattern check|match`: STIX patterns.

use std::process::ExitCode;

use base::{Fault, FaultLevel};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use threat::{
    MatchError, ObservationIndex, Observations, PatternLimits, PatternMatch, PatternMatcher, SpecVersion,
    Unreadable,
};

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::List;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Pattern {
    /// Whether patterns are valid, and where not; exit 1 when one is not
    #[command(after_help = "Examples:
  bongsu threat pattern check \"[file:name LIKE 'invoice%' AND file:size > 5]\"
  bongsu threat pattern check --file samples/threat/patterns.txt --format text

A file holds one pattern, or one a line; lines that start with # are left out.
`canonical` is the one spelling of the pattern. `warnings` names what is valid
and could not be evaluated, such as a day that no month has.")]
    Check(Check),
    /// Whether a pattern matches observed data, and by which observations
    #[command(after_help = "Examples:
  bongsu threat pattern match \"[ipv4-addr:value ISSUBSET '198.51.100.0/24']\" \\
    --data samples/threat/observed.json
  bongsu threat pattern match --cases samples/threat/pattern-cases.jsonl

The data is observed-data of STIX 2.0 or 2.1: one, a bundle, or an array of
either. `bindings` tells for each [..] of the pattern which observations it is
bound to; an observation without an id is told by its number, from 0.
With --cases each line {case, spec, pattern, observed} gives one line, `matched`
or `error`; a case with an error leaves the exit at 0.")]
    Match(Match),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The pattern
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pattern: Option<String>,
    /// A file of patterns, or -
    #[arg(long, value_name = "FILE", env = "BONGSU_FILE", hide_env_values = true)]
    file: Option<String>,
    /// The version of STIX: 2.0 or 2.1
    #[arg(long, default_value = "2.1", env = "BONGSU_SPEC", hide_env_values = true)]
    spec: SpecVersion,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Match {
    /// The pattern
    #[arg(required_unless_present = "cases", conflicts_with = "cases")]
    pattern: Option<String>,
    /// Observed data in JSON, or -
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "cases",
        conflicts_with = "cases",
        env = "BONGSU_DATA_FILE",
        hide_env_values = true
    )]
    data: Option<String>,
    /// Cases, one a line, or -
    #[arg(long, value_name = "FILE", env = "BONGSU_CASES", hide_env_values = true)]
    cases: Option<String>,
    /// The version of STIX of the pattern, 2.0 or 2.1; a case has its own
    #[arg(long, default_value = "2.1", env = "BONGSU_SPEC", hide_env_values = true)]
    spec: SpecVersion,
    /// A value that cannot be compared, such as a string where a time is asked for, does not match instead of ending with an error
    #[arg(long, env = "BONGSU_SKIP_UNREADABLE", hide_env_values = true)]
    skip_unreadable: bool,
    /// End with an error after so many comparisons
    #[arg(long, value_name = "N", default_value_t = PatternLimits::default().max_steps, env = "BONGSU_MAX_STEPS", hide_env_values = true)]
    max_steps: u64,
}

pub(crate) fn run(command: Pattern, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Pattern::Check(args) => check(&args, common),
        Pattern::Match(args) => matches(&args, common),
    }
}

#[derive(Serialize)]
struct Checked {
    line: u64,
    valid: bool,
    spec: String,
    canonical: Option<String>,
    error: Option<Problem>,
    warnings: Vec<Problem>,
}

/// What is wrong with a pattern, and which bytes of it.
#[derive(Serialize)]
struct Problem {
    code: String,
    message: String,
    byte_start: Option<u64>,
    byte_end: Option<u64>,
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self {
            code: fault.code,
            message: fault.message,
            byte_start: fault.byte_start,
            byte_end: fault.byte_end,
        }
    }
}

fn check(args: &Check, common: &Common) -> Result<ExitCode, CliError> {
    let mut list = common.out().list("bongsu.pattern-check/1").with_columns(&[
        "line",
        "valid",
        "spec",
        "canonical",
        "error.code",
        "error.message",
        "error.byte_start",
        "error.byte_end",
        "warnings",
    ]);
    let mut all_valid = true;
    let mut tell = |text: &str, line: u64, source: &str| {
        let (item, fault) = checked(text, line, args.spec);
        all_valid &= item.valid;
        if let Some(fault) = fault {
            list.fault(fault.in_source(source).at_line(line));
        }
        list.item(&item)
    };
    match (&args.pattern, &args.file) {
        (Some(pattern), _) => tell(pattern, 1, "the argument")?,
        (None, file) => {
            let path = file.as_deref().unwrap_or("-");
            let bytes = input::read(path)?;
            let text = String::from_utf8(bytes)
                .map_err(|_| CliError::Usage(format!("{} is not UTF-8", input::name(path))))?;
            let whole = text.trim_end();
            if threat::Pattern::parse(whole, args.spec).is_ok() {
                tell(whole, 1, &input::name(path))?;
            } else {
                let lines = text
                    .lines()
                    .zip(1..)
                    .filter(|(line, _)| !line.trim().is_empty() && !line.starts_with('#'));
                for (line, number) in lines {
                    tell(line, number, &input::name(path))?;
                }
            }
        }
    }
    list.finish()?;
    Ok(if all_valid { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn checked(text: &str, line: u64, spec: SpecVersion) -> (Checked, Option<Fault>) {
    let (canonical, mut faults, warnings) = match threat::Pattern::parse(text, spec) {
        Ok(pattern) => {
            let warning = PatternMatcher::new(&pattern).err().map(|fault| fault.to_fault().into());
            (Some(pattern.to_string()), pattern.check(), warning)
        }
        Err(fault) => (None, vec![fault.to_fault()], None),
    };
    let fault = (!faults.is_empty()).then(|| faults.swap_remove(0));
    let item = Checked {
        line,
        valid: fault.is_none(),
        spec: spec.to_string(),
        canonical,
        error: fault.clone().map(Problem::from),
        warnings: warnings.into_iter().collect(),
    };
    (item, fault)
}

#[derive(Serialize)]
struct Matched {
    matched: bool,
    observations: Vec<Value>,
    bindings: Vec<Bound>,
}

#[derive(Serialize)]
struct Bound {
    expression: String,
    byte_start: u64,
    byte_end: u64,
    observations: Vec<Value>,
}

fn matches(args: &Match, common: &Common) -> Result<ExitCode, CliError> {
    let limits = PatternLimits {
        max_steps: args.max_steps,
        unreadable: if args.skip_unreadable { Unreadable::NoMatch } else { Unreadable::Error },
    };
    let list = common.out().list("bongsu.pattern-match/1");
    let (Some(pattern), Some(data)) = (&args.pattern, &args.data) else {
        return cases(args.cases.as_deref().unwrap_or("-"), &limits, list);
    };
    one(pattern, data, args.spec, &limits, list)
}

fn one(
    text: &str,
    data: &str,
    spec: SpecVersion,
    limits: &PatternLimits,
    mut list: List,
) -> Result<ExitCode, CliError> {
    let bytes = input::read(data)?;
    let read = Observations::from_json(&bytes);
    let unread =
        read.observations.is_empty() && read.faults.iter().any(|fault| fault.level == FaultLevel::Error);
    for fault in read.faults {
        list.fault(fault.in_source(input::name(data)));
    }
    if unread {
        return list.fail(CliError::NothingRead(input::name(data)));
    }
    let matched = threat::Pattern::parse(text, spec)
        .map_err(MatchError::from)
        .and_then(|pattern| pattern.matches(&read.observations, limits));
    match matched {
        Ok(found) => {
            list.item(&told(found, text, &read.observations))?;
            list.finish()?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            list.fault(error.to_fault().in_source("the pattern"));
            list.fail(CliError::Usage("the pattern could not be evaluated".to_owned()))
        }
    }
}

fn told(found: Option<PatternMatch>, text: &str, observations: &Observations) -> Matched {
    let names =
        |list: Vec<ObservationIndex>| list.into_iter().map(|index| name(index, observations)).collect();
    let Some(found) = found else {
        return Matched { matched: false, observations: Vec::new(), bindings: Vec::new() };
    };
    let all = names(found.observations());
    let bindings = found.bindings.into_iter().map(|binding| {
        let span = binding.expression;
        Bound {
            expression: text.get(span.start..span.end).unwrap_or_default().to_owned(),
            byte_start: span.start as u64,
            byte_end: span.end as u64,
            observations: names(binding.observations),
        }
    });
    Matched { matched: true, observations: all, bindings: bindings.collect() }
}

/// The id of an observation, or its number where it has none.
fn name(index: ObservationIndex, observations: &Observations) -> Value {
    match observations.id(index) {
        "" => index.get().into(),
        id => id.into(),
    }
}

/// A line of `--cases`.
#[derive(Deserialize)]
struct Case<'a> {
    #[serde(default)]
    case: Value,
    spec: Option<String>,
    pattern: String,
    #[serde(borrow)]
    observed: &'a RawValue,
}

#[derive(Serialize)]
struct Outcome {
    case: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    matched: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

fn cases(path: &str, limits: &PatternLimits, list: List) -> Result<ExitCode, CliError> {
    let bytes = input::read(path)?;
    let columns = ["case", "matched", "error.code", "error.message", "error.byte_start", "error.byte_end"];
    let mut list = list.with_columns(&columns);
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1_u64..) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Case<'_>>(line) {
            Ok(case) => {
                let (matched, error) = match outcome(&case, limits) {
                    Ok(matched) => (Some(matched), None),
                    Err(fault) => (None, Some((*fault).into())),
                };
                list.item(&Outcome { case: case.case, matched, error })?;
            }
            Err(error) => {
                let message = format!("no case {{case, spec, pattern, observed}}: {error}");
                list.fault(
                    Fault::error("pattern::bad_case", message).in_source(input::name(path)).at_line(number),
                );
            }
        }
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn outcome(case: &Case<'_>, limits: &PatternLimits) -> Result<bool, Box<Fault>> {
    let spec = case.spec.as_deref().unwrap_or("2.1");
    let spec: SpecVersion =
        spec.parse().map_err(|message: String| Fault::error("pattern::bad_case", message))?;
    let pattern = threat::Pattern::parse(&case.pattern, spec).map_err(|fault| fault.to_fault())?;
    let read = Observations::from_json(case.observed.get().as_bytes());
    if let Some(fault) = read.faults.into_iter().find(|fault| fault.level == FaultLevel::Error) {
        return Err(fault.into());
    }
    let found = pattern.matches(&read.observations, limits).map_err(|error| error.to_fault())?;
    Ok(found.is_some())
}
