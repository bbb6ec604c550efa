use std::process::ExitCode;

use base::{Fault, FaultLevel};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use threat::{
    BundleCheck, BundleReader, Checks, Header, Piece, SpecVersion, ValidateOptions, Verdict, Violation,
};

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::out::{Format, List, Out, report};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bongsu threat check samples/threat/indicator-for-malicious-url.json
  bongsu threat check samples/threat/indicator-for-malicious-url.json \\
    --disabled extref-hashes,region --strict-properties
  bongsu threat check --cases samples/threat/cases.jsonl

Read are bundles, TAXII envelopes, lists, single objects and one object a line; one
object is held at a time. An item for each object and for each bundle says whether it
is valid; any that is not makes the exit 1. Of an event of
MISP the item says whether all of it was read, what is in it, and how far it goes.

The names and numbers of checks are those of stix2-validator, and so is their effect:
with --disabled also uuid-check, extension-description, extension-properties,
grouping-context, implementation-languages, infrastructure-types,
malware-capabilities, malware-result and processor-architecture are left out; with
--enabled alone only those that are named are done. Two checks are ours and done only
when enabled: deterministic-ids and observable-references. With --strict what is
recommended counts like what is demanded.")]
pub(crate) struct Check {
    /// The files; .zst and .gz too; - is standard input
    #[arg(required_unless_present = "cases", value_name = "FILE")]
    files: Vec<String>,
    /// The version of STIX of what has no version of its own
    #[arg(long, value_name = "VERSION", default_value = "2.1", value_parser = ["2.0", "2.1"], env = "BONGSU_SPEC", hide_env_values = true)]
    spec: String,
    /// Recommended checks to do
    #[arg(
        long,
        visible_alias = "enable",
        value_delimiter = ',',
        value_name = "CHECKS",
        env = "BONGSU_ENABLED",
        hide_env_values = true
    )]
    enabled: Vec<String>,
    /// Recommended checks to leave out
    #[arg(long, visible_aliases = ["disable", "ignored"], value_delimiter = ',', value_name = "CHECKS", env = "BONGSU_DISABLED", hide_env_values = true)]
    disabled: Vec<String>,
    /// Tell of types that the specification does not define
    #[arg(long, env = "BONGSU_STRICT_TYPES", hide_env_values = true)]
    strict_types: bool,
    /// Tell of properties that the specification does not define
    #[arg(long, env = "BONGSU_STRICT_PROPERTIES", hide_env_values = true)]
    strict_properties: bool,
    /// Tell of relationships whose ends are not in the same bundle
    #[arg(long, env = "BONGSU_ENFORCE_REFS", hide_env_values = true)]
    enforce_refs: bool,
    /// Judge the lines {case, spec, instance, options} of this file instead; exit 0 whatever the verdicts
    #[arg(long, value_name = "FILE", conflicts_with = "files", env = "BONGSU_CASES", hide_env_values = true)]
    cases: Option<String>,
}

/// What is wrong, as an item shows it.
#[derive(Serialize)]
struct Finding<'a> {
    code: &'a str,
    path: &'a str,
    message: &'a str,
    byte_start: u64,
    byte_end: u64,
}

impl<'a> From<&'a Violation> for Finding<'a> {
    fn from(violation: &'a Violation) -> Self {
        let Violation { code, path, message, byte_start, byte_end, .. } = violation;
        Self { code, path, message, byte_start: *byte_start, byte_end: *byte_end }
    }
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    valid: bool,
    errors: Vec<Finding<'a>>,
    warnings: Vec<Finding<'a>>,
}

/// An item for people; what is wrong stands on standard error.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    valid: bool,
    errors: usize,
    warnings: usize,
}

pub(super) fn run(args: &Check, common: &Common) -> Result<ExitCode, CliError> {
    let format = if common.json { Some(Format::Json) } else { common.format };
    // --strict is about what is recommended, and an invalid object makes the exit 1.
    let out = Out::new(format, false);
    let options = ValidateOptions {
        spec: spec(&args.spec),
        strict: common.strict,
        strict_types: args.strict_types,
        strict_properties: args.strict_properties,
        enforce_refs: args.enforce_refs,
        checks: Checks::of(&args.enabled, &args.disabled)
            .map_err(|error| CliError::Usage(error.to_string()))?,
    };
    if let Some(cases) = &args.cases {
        return run_cases(cases, &out);
    }
    let mut run =
        Run { list: out.list("bongsu.threat-check/1"), format: out.format(), options, invalid: 0, unread: 0 };
    for file in &args.files {
        match input::read(file) {
            Ok(bytes) => run.file(&bytes, &input::name(file))?,
            Err(error) => {
                run.unread += 1;
                let fault = Fault::error(error.code(), error.to_string()).in_source(input::name(file));
                run.list.fault(fault.in_field("file"));
            }
        }
    }
    if run.unread > 0 {
        return run.list.fail(CliError::Refused { refused: run.unread, files: args.files.len() });
    }
    let invalid = run.invalid;
    run.list.finish()?;
    Ok(if invalid > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn spec(text: &str) -> SpecVersion {
    if text == "2.0" { SpecVersion::V2_0 } else { SpecVersion::V2_1 }
}

struct Run {
    list: List,
    format: Format,
    options: ValidateOptions,
    invalid: usize,
    unread: usize,
}

impl Run {
    fn file(&mut self, bytes: &[u8], name: &str) -> Result<(), CliError> {
        if threat::looks_like_misp(bytes) {
            self.invalid += super::check_misp::tell(bytes, name, self.format, &mut self.list)?;
            return Ok(());
        }
        let mut reader = BundleReader::new(bytes, Default::default());
        let mut check = BundleCheck::new();
        let mut seen = false;
        while let Some(piece) = reader.next_piece() {
            seen = true;
            match piece {
                Piece::Object(object) => {
                    let judge = if object.member { threat::validate_member } else { threat::validate_object };
                    let mut verdict = judge(object.bytes, object.offset, &self.options);
                    if let Ok(header) = Header::read(object.bytes, object.offset) {
                        let length = object.bytes.len() as u64;
                        let repeated = check.object(&header, object.offset, length, &self.options);
                        verdict.extend(repeated, &self.options);
                    }
                    self.tell(&verdict, name, Some(object.line))?;
                }
                Piece::Frame(frame) => {
                    let mut verdict = threat::validate_frame(&frame, &self.options);
                    verdict.extend(std::mem::take(&mut check).finish(), &self.options);
                    self.tell(&verdict, name, None)?;
                }
                Piece::Fault(fault) => {
                    // What cannot be read is no valid object, and has no id to make an item of.
                    self.invalid += 1;
                    self.list.fault(fault.in_source(name));
                }
            }
        }
        if !seen {
            self.invalid += 1;
            self.list
                .fault(Fault::error("threat::empty", "nothing is in it").in_source(name).in_field("file"));
        }
        Ok(())
    }

    fn tell(&mut self, verdict: &Verdict, name: &str, line: Option<u64>) -> Result<(), CliError> {
        self.invalid += usize::from(!verdict.valid);
        let (errors, warnings) = findings(verdict, &self.options);
        if self.format != Format::Text {
            return self.list.item(&Item { id: &verdict.id, valid: verdict.valid, errors, warnings });
        }
        for violation in &verdict.violations {
            let mut fault = violation.to_fault().in_source(name);
            fault.line = line;
            if self.options.strict {
                fault.level = FaultLevel::Error;
            }
            report(&fault, self.format);
        }
        let (errors, warnings) = (errors.len(), warnings.len());
        self.list.item(&Row { id: &verdict.id, valid: verdict.valid, errors, warnings })
    }
}

fn findings<'v>(verdict: &'v Verdict, options: &ValidateOptions) -> (Vec<Finding<'v>>, Vec<Finding<'v>>) {
    let errors = verdict.errors(options).map(Finding::from).collect();
    (errors, verdict.warnings(options).map(Finding::from).collect())
}

/// A line of `--cases`.
#[derive(Deserialize)]
struct Case<'a> {
    #[serde(borrow)]
    case: &'a RawValue,
    #[serde(default)]
    spec: Option<String>,
    instance: String,
    #[serde(default)]
    options: CaseOptions,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CaseOptions {
    enabled: Vec<String>,
    disabled: Vec<String>,
    strict: bool,
    strict_types: bool,
    strict_properties: bool,
    enforce_refs: bool,
}

#[derive(Serialize)]
struct CaseItem<'a> {
    case: &'a RawValue,
    valid: bool,
    errors: Vec<Finding<'a>>,
    warnings: Vec<Finding<'a>>,
}

fn run_cases(path: &str, out: &Out) -> Result<ExitCode, CliError> {
    let bytes = input::read(path)?;
    let mut list = out.list("bongsu.threat-check-case/1");
    let (mut read, mut lines) = (0_usize, 0_u64);
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        lines += 1;
        let fault = |message: String| {
            Fault::error("threat::bad_case", message).in_source(input::name(path)).at_line(index as u64 + 1)
        };
        let case: Case<'_> = match serde_json::from_slice(line) {
            Ok(case) => case,
            Err(error) => {
                list.fault(fault(format!("no case {{case, spec, instance, options}}: {error}")));
                continue;
            }
        };
        let checks = match Checks::of(&case.options.enabled, &case.options.disabled) {
            Ok(checks) => checks,
            Err(error) => {
                list.fault(fault(error.to_string()));
                continue;
            }
        };
        let options = ValidateOptions {
            spec: spec(case.spec.as_deref().unwrap_or("2.1")),
            strict: case.options.strict,
            strict_types: case.options.strict_types,
            strict_properties: case.options.strict_properties,
            enforce_refs: case.options.enforce_refs,
            checks,
        };
        let verdict = threat::validate(case.instance.as_bytes(), &options);
        let (errors, warnings) = findings(&verdict, &options);
        list.item(&CaseItem { case: case.case, valid: verdict.valid, errors, warnings })?;
        read += 1;
    }
    if read == 0 && lines > 0 {
        return list.fail(CliError::NothingRead(format!("`{}`: it has no case", input::name(path))));
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}
