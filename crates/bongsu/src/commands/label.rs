//! `label check|join|preview|table|policy|tearline`: what a marking means, by which rules it is decided, and what a
//! peer would get.

mod dry_run;
mod picture;
mod policy;
mod preview;
mod table;
mod tearline;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{Fault, Marking, NodeName};
use label::{Codes, Label as Judged, banner};
use serde::Serialize;
use serde_json::Value;

use crate::Common;
use crate::error::CliError;
use crate::input;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Label {
    /// Whether markings can be read, and what they say; exit 1 when one cannot
    #[command(after_help = "Examples:
  bongsu label check '{\"level\":\"RESTRICTED\",\"rel_to\":[\"USA\"],\"originator\":\"KOR\"}'
  bongsu label check markings.jsonl

The input is one marking, an array of them or one a line; of any other document
its `marking` is taken.")]
    Check {
        /// A marking as JSON, or a file with markings; - is standard input
        #[arg(value_name = "MARKING|FILE")]
        marking: String,
    },
    /// The marking that something derived from both must carry at least
    #[command(after_help = "Example:
  bongsu label join \\
    '{\"level\":\"RESTRICTED\",\"rel_to\":[\"JPN\",\"USA\"],\"originator\":\"KOR\"}' \\
    '{\"level\":\"SECRET\",\"rel_to\":[\"USA\"],\"originator\":\"KOR\"}'")]
    Join {
        /// A marking as JSON, or a file with one
        #[arg(value_name = "MARKING|FILE")]
        a: String,
        /// Another
        #[arg(value_name = "MARKING|FILE")]
        b: String,
    },
    /// What a peer would get of a node's own entries, and which rule keeps the others back; for the owner's eyes only
    #[command(after_help = "Examples:
  bongsu label preview --store ./seoul --as washington
  bongsu label preview --store ./seoul --as washington \\
    --policy samples/label/kor-national.cedar

`why` says it in words. Decided anew for every own entry, by the code that decides in the node; the node
itself never gives later what it once withheld. `recalled`: the owner took it
back. `recall.never_shared`: a recall of something that the peer never had.
Stop the node first, or use its console.")]
    Preview {
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
        /// The peer's name
        #[arg(long = "as", value_name = "PEER", env = "BONGSU_AS", hide_env_values = true)]
        peer: NodeName,
        /// As if this policy were in force in place of the one that is: Cedar policies as text, or a bongsu.policy/1
        #[arg(long, value_name = "FILE", env = "BONGSU_POLICY", hide_env_values = true)]
        policy: Option<String>,
    },
    /// The dated tables of codes and of nations' words
    #[command(subcommand)]
    Table(table::Table),
    /// National policy: check, dry run, propose, sign, apply
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Sanitised versions that prove to come from a signed whole
    #[command(subcommand)]
    Tearline(tearline::Tearline),
}

pub(crate) fn run(command: Label, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Label::Check { marking } => check(&marking, common),
        Label::Join { a, b } => join(&a, &b, common),
        Label::Preview { store, peer, policy } => preview::preview(&store, &peer, policy.as_deref(), common),
        Label::Table(command) => table::run(command, common),
        Label::Policy(command) => policy::run(command, common),
        Label::Tearline(command) => tearline::run(command, common),
    }
}

/// A marking as it was understood, in one spelling.
#[derive(Serialize)]
struct Understood {
    banner: String,
    level: String,
    rel_to: Vec<String>,
    caveats: Vec<String>,
    originator: String,
}

impl From<&Judged> for Understood {
    fn from(label: &Judged) -> Self {
        let Marking { level, rel_to, caveats, originator, .. } = label.to_marking();
        Self { banner: banner(label), level, rel_to, caveats, originator }
    }
}

const CHECKED: &[&str] =
    &["line", "ok", "banner", "level", "rel_to", "caveats", "originator", "rule", "path", "message"];

#[derive(Serialize)]
struct Checked {
    line: u64,
    ok: bool,
    #[serde(flatten)]
    understood: Option<Understood>,
    #[serde(flatten)]
    refused: Option<Unreadable>,
}

/// Why a marking reaches nobody.
#[derive(Serialize)]
struct Unreadable {
    rule: String,
    path: String,
    message: String,
}

fn judge(value: &Value, codes: &Codes) -> Result<Understood, Unreadable> {
    let marking = marking_of(value).map_err(|e| Unreadable {
        rule: label::Rule::MarkingMissing.to_string(),
        path: "marking".to_owned(),
        message: e.to_string(),
    })?;
    Judged::parse(&marking, codes).map(|label| Understood::from(&label)).map_err(|e| Unreadable {
        rule: e.rule().to_string(),
        path: e.path(),
        message: e.to_string(),
    })
}

/// A document that is a marking, that holds one, or that this program printed.
fn marking_of(value: &Value) -> Result<Marking, serde_json::Error> {
    let mut value = value.get("marking").unwrap_or(value).clone();
    if let Some(map) = value.as_object_mut() {
        for ours in ["schema", "banner", "line", "ok"] {
            map.remove(ours);
        }
    }
    serde_json::from_value(value)
}

/// What was read from an argument or a file.
struct Documents {
    /// Each with the line on which it starts.
    values: Vec<(u64, Value)>,
    faults: Vec<Fault>,
}

/// One JSON document, an array of them, or one a line.
fn documents(text: &str) -> Result<Documents, CliError> {
    let (bytes, source) = if text.trim_start().starts_with(['{', '[']) {
        (text.as_bytes().to_vec(), "the argument".to_owned())
    } else {
        (input::read(text)?, input::name(text))
    };
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(Value::Array(items)) => {
            Ok(Documents { values: items.into_iter().map(|item| (1, item)).collect(), faults: Vec::new() })
        }
        Ok(one) => Ok(Documents { values: vec![(1, one)], faults: Vec::new() }),
        Err(error) => {
            let mut read = lines(&bytes);
            if read.values.is_empty() {
                // It is no list of lines either: the first complaint says more.
                read.faults = vec![bad_json(&error).at_line(error.line() as u64)];
            }
            read.faults = read.faults.into_iter().map(|fault| fault.in_source(&source)).collect();
            Ok(read)
        }
    }
}

fn lines(bytes: &[u8]) -> Documents {
    let mut read = Documents { values: Vec::new(), faults: Vec::new() };
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = index as u64 + 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Value>(line) {
            Ok(value @ Value::Object(_)) => read.values.push((number, value)),
            Ok(_) => read.faults.push(Fault::error("label::bad_json", "not a JSON object").at_line(number)),
            Err(error) => read.faults.push(bad_json(&error).at_line(number)),
        }
    }
    read
}

fn bad_json(error: &serde_json::Error) -> Fault {
    Fault::error("label::bad_json", format!("no JSON: {error}"))
}

fn check(text: &str, common: &Common) -> Result<ExitCode, CliError> {
    let mut list = common.out().list("bongsu.label-check/1").with_columns(CHECKED);
    let Documents { values, faults } = documents(text)?;
    let unreadable = faults.len();
    for fault in faults {
        list.fault(fault);
    }
    if values.is_empty() {
        return list.fail(CliError::NothingRead(
            "the input; a marking is {\"level\": .., \"rel_to\": [..], \"originator\": ..}".to_owned(),
        ));
    }
    let codes = Codes::builtin();
    let mut wrong = unreadable;
    for (line, value) in &values {
        let (understood, refused) = match judge(value, &codes) {
            Ok(understood) => (Some(understood), None),
            Err(refused) => (None, Some(refused)),
        };
        wrong += usize::from(refused.is_some());
        list.item(&Checked { line: *line, ok: understood.is_some(), understood, refused })?;
    }
    list.finish()?;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn join(a: &str, b: &str, common: &Common) -> Result<ExitCode, CliError> {
    let codes = Codes::builtin();
    let read = |name: &str, text: &str| {
        let wrong = |message: String| CliError::Usage(format!("marking {name}: {message}"));
        let Documents { values, faults } = documents(text)?;
        if let Some(fault) = faults.first() {
            return Err(wrong(fault.to_string()));
        }
        let [(_, value)] = values.as_slice() else {
            return Err(wrong(format!("one is wanted, {} are given", values.len())));
        };
        let marking = marking_of(value).map_err(|e| wrong(e.to_string()))?;
        Judged::parse(&marking, &codes).map_err(|e| wrong(format!("{e} ({})", e.rule())))
    };
    let joined = label::join(&read("A", a)?, &read("B", b)?);
    common.out().document("bongsu.marking/1", &Understood::from(&joined))?;
    Ok(ExitCode::SUCCESS)
}

/// The settings of the stopped node in a data folder.
fn settings(store: &Path) -> Result<node::Config, CliError> {
    Ok(node::Config::load(store, &node::Overrides::default())?)
}
