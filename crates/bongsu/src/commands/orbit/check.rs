use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

use base::{Fault, FaultLevel, Timestamp};
use orbit::{Found, Message, MessageKind};
use serde::Serialize;

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::{List, report};

/// Who makes the messages that stand for element sets of another format.
const ORIGINATOR: &str = "BONGSU";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu orbit check samples/orbit/korea-2026-03.csv samples/orbit/korea-2025-04-15.3le
  bongsu orbit check samples/ccsds/conjunction.cdm
  bongsu orbit check samples/ccsds/state.opm --to xml
  bongsu orbit check samples/orbit/korea-2025-04-15.3le --to kvn \\
    --now 2026-03-10T12:00:00Z

Read are TLE, 3LE, OMM as CSV, JSON, KVN and XML, and OPM, OEM, CDM and TDM as KVN
and XML, alone, one after the other, or in an <ndm>. A file with an error is
refused (`ok` is false) and makes the exit 2; warnings do not. `objects` counts
what the file tells of: element sets, the objects of states and conjunctions,
participants of a tracking.

With --to all that is in order is written again to standard output: comments,
units and the text of every number are kept. TLE, 3LE, CSV and JSON become OMMs
of the present time.")]
pub(crate) struct Check {
    /// The files; .zst and .gz too; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Write what was read again in this form
    #[arg(long, value_enum, value_name = "FORM", env = "BONGSU_TO_FORM", hide_env_values = true)]
    to: Option<Form>,
}

/// What messages can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Keyword = value, one message after the other.
    Kvn,
    /// XML, several messages in one `ndm`.
    Xml,
    /// JSON: an OMM as a flat object, others by section; an array of all.
    Json,
}

#[derive(Serialize)]
struct Item<'a> {
    file: &'a str,
    kind: String,
    /// Element sets as they are passed around name no version.
    version: Option<String>,
    ok: bool,
    objects: usize,
}

/// What was found in a file.
struct Checked {
    kind: String,
    version: Option<String>,
    objects: usize,
    faults: Vec<Fault>,
    /// Only when they are to be written again.
    messages: Vec<Message>,
}

pub(super) fn run(args: &Check, common: &Common) -> Result<ExitCode, CliError> {
    let now = common.now.unwrap_or_else(super::super::present);
    // What is written again takes the place of the items.
    let mut list = args.to.is_none().then(|| common.out().list("bongsu.orbit-check/1"));
    let (mut refused, mut faults) = (0_usize, 0_usize);
    let mut messages = Vec::new();
    for file in &args.files {
        let name = input::name(file);
        let bytes = match input::read(file) {
            Ok(bytes) => bytes,
            Err(error) => {
                let fault = Fault::error(error.code(), error.to_string()).in_source(&name).in_field("file");
                tell(list.as_mut(), fault, common);
                (refused, faults) = (refused + 1, faults + 1);
                continue;
            }
        };
        let keep = args.to.map(|_| now);
        let checked = match orbit::message_form(&bytes) {
            Some(_) => check_messages(&bytes, &name, keep.is_some()),
            None => check_catalogue(&bytes, &name, keep),
        };
        let ok = checked.objects > 0 && checked.faults.iter().all(|fault| fault.level == FaultLevel::Warning);
        refused += usize::from(!ok);
        faults += checked.faults.len();
        for fault in checked.faults {
            tell(list.as_mut(), fault, common);
        }
        messages.extend(checked.messages);
        if let Some(list) = &mut list {
            let (kind, version) = (checked.kind, checked.version);
            list.item(&Item { file, kind, version, ok, objects: checked.objects })?;
        }
    }
    if let Some(form) = args.to {
        write(form, &messages)?;
    }
    let refusal = CliError::Refused { refused, files: args.files.len() };
    match list {
        Some(list) if refused > 0 => return list.fail(refusal),
        Some(list) => list.finish()?,
        None if refused > 0 => return Err(refusal),
        None if common.strict && faults > 0 => return Err(CliError::Strict(faults)),
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(list: Option<&mut List>, fault: Fault, common: &Common) {
    match list {
        Some(list) => list.fault(fault),
        None => report(&fault, common.out().format()),
    }
}

fn check_messages(bytes: &[u8], name: &str, keep: bool) -> Checked {
    let form = orbit::message_form(bytes).map_or_else(String::new, |form| format!(" {form}"));
    let mut checked =
        Checked { kind: String::new(), version: None, objects: 0, faults: Vec::new(), messages: Vec::new() };
    let mut found: BTreeSet<(String, Option<String>)> = BTreeSet::new();
    orbit::each_message(bytes, name, &mut |outcome| {
        let Found { kind, version, .. } = outcome.found;
        if !kind.is_empty() {
            found.insert((kind, version));
        }
        checked.faults.extend(outcome.faults);
        if let Some(message) = outcome.message {
            checked.objects += objects(&message);
            if keep {
                checked.messages.push(message);
            }
        }
    });
    let kinds: BTreeSet<&str> = found.iter().map(|(kind, _)| kind.as_str()).collect();
    let kind = match kinds.iter().next() {
        None => "unknown".to_owned(),
        Some(only) if kinds.len() == 1 => format!("{only}{form}"),
        Some(_) => format!("NDM{form}"),
    };
    let versions: BTreeSet<Option<&str>> = found.iter().map(|(_, version)| version.as_deref()).collect();
    let version = match versions.into_iter().collect::<Vec<_>>().as_slice() {
        [only] => only.map(str::to_owned),
        _ => None,
    };
    Checked { kind, version, ..checked }
}

/// How many objects a message tells of.
fn objects(message: &Message) -> usize {
    let segments = message.segments().iter();
    match message.kind() {
        MessageKind::Oem => {
            let names =
                segments.map(|s| (s.metadata().value("OBJECT_ID"), s.metadata().value("OBJECT_NAME")));
            names.collect::<BTreeSet<_>>().len()
        }
        MessageKind::Tdm => {
            let participants = segments
                .flat_map(|s| s.metadata().fields())
                .filter(|f| f.keyword().starts_with("PARTICIPANT_"));
            participants.map(|field| field.value()).collect::<BTreeSet<_>>().len()
        }
        _ => segments.len(),
    }
}

fn check_catalogue(bytes: &[u8], name: &str, keep: Option<Timestamp>) -> Checked {
    let read = orbit::read_catalogue(bytes, name);
    let messages = keep.map_or_else(Vec::new, |now| {
        read.catalogue.iter().map(|set| Message::omm(set, now, ORIGINATOR)).collect()
    });
    Checked {
        kind: read.format.to_string(),
        version: None,
        objects: read.catalogue.len(),
        faults: read.faults,
        messages,
    }
}

fn write(form: Form, messages: &[Message]) -> Result<(), CliError> {
    if messages.is_empty() {
        return Ok(());
    }
    let mut out = crate::out::writer();
    let written = match form {
        Form::Kvn => messages.iter().enumerate().try_for_each(|(i, message)| {
            let between = if i == 0 { "" } else { "\n" };
            write!(out, "{between}{}", message.to_kvn())
        }),
        Form::Xml => out.write_all(orbit::to_xml_document(messages).as_bytes()),
        Form::Json => {
            let all: Vec<serde_json::Value> = messages.iter().map(Message::to_json).collect();
            serde_json::to_writer_pretty(&mut out, &all)
                .map_err(std::io::Error::from)
                .and_then(|()| writeln!(out))
        }
    };
    written.and_then(|()| out.flush()).map_err(crate::out::output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_is_not_ours_is_told_by_its_kind() {
        let ocm =
            check_messages(b"CCSDS_OCM_VERS = 3.0\nCREATION_DATE = 2026-03-10T12:00:00\n", "x.ocm", false);
        assert_eq!((ocm.kind.as_str(), ocm.version.as_deref(), ocm.objects), ("OCM KVN", Some("3.0"), 0));
        assert_eq!(ocm.faults[0].code, "orbit::unsupported_message");
    }
}
