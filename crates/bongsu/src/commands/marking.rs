//! `label check|join`: markings in our words and in other forms.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use base::{Country, EntryId, Fault, FaultLevel, Marking, Timestamp};
use label::{
    Format as Form, FormatContext, Label, Loss, Organisations, Rules, UNKNOWN_ORIGINATOR, banner, check_ism,
    read_markings, write_marking,
};
use node::RulesOnRecord;
use record::ReadRecord;
use serde::Serialize;
use serde_json::Value;

use crate::Common;
use crate::error::CliError;
use crate::input;
use crate::now;
use crate::out::{Format, List, writer};

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// A marking, or a file with markings; - is standard input
    #[arg(required = true, value_name = "MARKING|FILE")]
    markings: Vec<String>,
    /// Write each marking in this form: stix, capco, ism, stanag4774, misp, cot or cap
    #[arg(long, value_name = "FORM", env = "BONGSU_FORM", hide_env_values = true)]
    to: Option<Form>,
    /// Whose an item is in forms that do not say it, a country code such as KOR
    #[arg(long, value_name = "CODE", env = "BONGSU_ORIGINATOR", hide_env_values = true)]
    originator: Option<Country>,
    /// Which MISP organisations stand for which country, and known sharing groups, by UUID:
    /// {"countries": {"UUID": "KOR"}, "groups": {"UUID": ["UUID"]}}
    #[arg(long, value_name = "FILE", env = "BONGSU_ORGANISATIONS", hide_env_values = true)]
    organisations: Option<PathBuf>,
    #[command(flatten)]
    tables: Tables,
}

/// By which tables markings are judged.
#[derive(Debug, clap::Args)]
pub(crate) struct Tables {
    /// Judge by the tables of the day in this node's data folder, and not by the one that ships with the program
    #[arg(
        long = "store",
        visible_alias = "data",
        value_name = "DIR",
        env = "BONGSU_STORE",
        hide_env_values = true
    )]
    store: Option<PathBuf>,
}

impl Tables {
    fn rules(&self, common: &Common) -> Result<Arc<Rules>, CliError> {
        match &self.store {
            // Nobody's: whose node judges plays no part in what a marking says.
            None => Ok(Arc::new(Rules::new("ZZZ".parse().map_err(|e| CliError::Usage(format!("{e}")))?))),
            Some(store) => Ok(RulesOnRecord::read(&ReadRecord::open(store)?)?.at(now(common))),
        }
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
    /// The fields that a plain marking does not have.
    #[serde(flatten)]
    handling: Handling,
}

#[derive(Serialize)]
struct Handling {
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    display_only: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    relido: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tlp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pap: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    derived_from: Vec<EntryId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
}

impl From<&Label> for Understood {
    fn from(label: &Label) -> Self {
        let m = label.to_marking();
        Self {
            banner: banner(label),
            level: m.level,
            rel_to: m.rel_to,
            caveats: m.caveats,
            originator: m.originator,
            handling: Handling {
                policy: m.policy,
                categories: m.categories,
                display_only: m.display_only,
                relido: m.relido,
                tlp: m.tlp,
                pap: m.pap,
                derived_from: m.derived_from,
                valid_from: m.valid_from,
                review: m.review,
                expires: m.expires,
            },
        }
    }
}

/// The columns of CSV; the first ten have been there from the beginning.
const COLUMNS: &[&str] = &[
    "line",
    "ok",
    "banner",
    "level",
    "rel_to",
    "caveats",
    "originator",
    "rule",
    "path",
    "message",
    "source",
    "name",
    "form",
    "policy",
    "categories",
    "display_only",
    "relido",
    "tlp",
    "pap",
    "derived_from",
    "valid_from",
    "review",
    "expires",
    "converted",
];

#[derive(Serialize)]
struct Checked {
    line: u64,
    ok: bool,
    #[serde(flatten)]
    understood: Option<Understood>,
    #[serde(flatten)]
    refused: Option<Unreadable>,
    /// The file, when there are several inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    form: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    converted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    losses: Option<Vec<Loss>>,
}

/// Why a marking reaches nobody.
#[derive(Serialize)]
struct Unreadable {
    rule: String,
    path: String,
    message: String,
}

/// One marking as it was read, not yet judged.
struct Found {
    line: u64,
    name: Option<String>,
    form: Option<Form>,
    marking: Result<Marking, String>,
}

/// What was read from one argument or file.
struct Documents {
    source: String,
    found: Vec<Found>,
    faults: Vec<Fault>,
}

pub(crate) fn check(args: &Check, common: &Common) -> Result<ExitCode, CliError> {
    let rules = args.tables.rules(common)?;
    let organisations = organisations(args.organisations.as_deref())?;
    let context = FormatContext {
        codes: &rules.codes,
        originator: args.originator.as_ref(),
        organisations: &organisations,
    };
    let mut list = common.out().list("bongsu.label-check/1").with_columns(COLUMNS);
    let several = args.markings.len() > 1;
    let plain = args.to.is_some() && common.out().format() == Format::Text;
    let (mut wrong, mut any) = (0, false);
    let mut texts = Vec::new();
    for text in &args.markings {
        let Documents { source, found, faults } = documents(text, &context)?;
        wrong += faults.iter().filter(|fault| fault.level == FaultLevel::Error).count();
        faults.into_iter().for_each(|fault| list.fault(fault));
        for one in found {
            any = true;
            let source = several.then(|| source.clone());
            let item = judge(one, source, args.to, (&rules, &context), &mut list);
            wrong += usize::from(!item.ok);
            match &item.converted {
                Some(text) if plain => texts.push(text.clone()),
                _ => list.item(&item)?,
            }
        }
    }
    if !any {
        return list.fail(CliError::NothingRead(
            "the input; a marking is {\"level\": .., \"rel_to\": [..], \"originator\": ..}, a banner, or a document in \
             a form of --to"
                .to_owned(),
        ));
    }
    if texts.is_empty() {
        list.finish()?;
    } else {
        list.quietly()?;
        print(&texts)?;
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn print(texts: &[String]) -> Result<(), CliError> {
    use std::io::Write as _;
    let mut out = writer();
    texts
        .iter()
        .try_for_each(|text| writeln!(out, "{text}"))
        .and_then(|()| out.flush())
        .map_err(crate::out::output)
}

fn organisations(path: Option<&Path>) -> Result<Organisations, CliError> {
    let Some(path) = path else { return Ok(Organisations::default()) };
    let bytes = input::read(&path.display().to_string())?;
    serde_json::from_slice(&bytes)
        .map_err(|e| CliError::Usage(format!("`{}` is no directory of organisations: {e}", path.display())))
}

/// Judges one marking, and converts it when that is asked for.
fn judge(
    one: Found,
    source: Option<String>,
    to: Option<Form>,
    (rules, context): (&Rules, &FormatContext<'_>),
    list: &mut List,
) -> Checked {
    let mut item = Checked {
        line: one.line,
        ok: false,
        understood: None,
        refused: None,
        source,
        name: one.name.filter(|name| !name.is_empty()),
        form: one.form.map(Form::as_str),
        converted: None,
        losses: None,
    };
    let missing = |message: String| Unreadable {
        rule: label::Rule::MarkingMissing.to_string(),
        path: "marking".to_owned(),
        message,
    };
    let label = one.marking.map_err(missing).and_then(|marking| parse(&marking, rules));
    match label {
        Err(refused) => item.refused = Some(refused),
        Ok(Owned { label, known }) => {
            item.ok = true;
            let mut understood = Understood::from(&label);
            if !known {
                understood.originator = UNKNOWN_ORIGINATOR.to_owned();
                let message = "the form does not say whose it is; give --originator CODE. Until then it is nobody's to \
                               release";
                list.fault(
                    Fault::warning("label::no_originator", message).at_line(item.line).in_field("originator"),
                );
            }
            if let Some(form) = to {
                if known {
                    let written = write_marking(&label, form, context);
                    for Loss { field, lost, why } in &written.losses {
                        let message = format!("`{lost}` is lost: {why}");
                        list.fault(Fault::warning("label::loss", message).at_line(item.line).in_field(field));
                    }
                    item.converted = Some(written.text);
                    item.losses = Some(written.losses);
                } else {
                    item.ok = false;
                }
            }
            item.understood = Some(understood);
        }
    }
    item
}

/// A label, and whether its form said whose it is.
struct Owned {
    label: Label,
    known: bool,
}

fn parse(marking: &Marking, rules: &Rules) -> Result<Owned, Unreadable> {
    let known = marking.originator != UNKNOWN_ORIGINATOR;
    let parsed = if known {
        rules.label(marking)
    } else {
        // Somebody on its own list stands in, so that the rest can be judged and shown.
        let listed = marking.rel_to.first().and_then(|word| rules.codes.expand(word)?.pop_first());
        let owner = listed.map_or_else(|| "KOR".to_owned(), |country| country.to_string());
        rules.label(&Marking { originator: owner, ..marking.clone() })
    };
    parsed.map(|label| Owned { label, known }).map_err(|e| Unreadable {
        rule: e.rule().to_string(),
        path: e.path(),
        message: e.to_string(),
    })
}

/// A document that is a marking, that holds one, or that this program printed.
fn marking_of(value: &Value) -> Result<Marking, String> {
    let mut value = value.get("marking").unwrap_or(value).clone();
    if let Some(map) = value.as_object_mut() {
        for ours in ["schema", "banner", "line", "ok", "source", "name", "form", "converted", "losses"] {
            map.remove(ours);
        }
    }
    serde_json::from_value(value).map_err(|e| e.to_string())
}

/// A banner, XML or JSON itself, and not the name of a file with it.
fn is_inline(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(['{', '[', '<', '('])
        || (Form::of(text.as_bytes()) == Some(Form::Capco) && !Path::new(text).exists())
}

/// The markings of one argument or file, in whatever form.
fn documents(text: &str, context: &FormatContext<'_>) -> Result<Documents, CliError> {
    let (bytes, source) = if is_inline(text) {
        (text.as_bytes().to_vec(), "the argument".to_owned())
    } else {
        (input::read(text)?, input::name(text))
    };
    let (found, faults) = match Form::of(&bytes) {
        Some(form) => foreign(&bytes, form, context),
        None => ours(&bytes, context),
    };
    let faults = faults.into_iter().map(|fault| fault.in_source(&source)).collect();
    Ok(Documents { source, found, faults })
}

fn foreign(bytes: &[u8], form: Form, context: &FormatContext<'_>) -> (Vec<Found>, Vec<Fault>) {
    let read = read_markings(bytes, form, context);
    let mut faults = read.faults;
    if form == Form::Ism {
        // A single element with attributes is a marking to convert, not a document to check.
        faults.extend(
            check_ism(bytes, context.codes).into_iter().filter(|fault| fault.code != "ism::no_resource"),
        );
    }
    let found = read.items.into_iter().map(|item| Found {
        line: item.line,
        name: Some(item.name),
        form: Some(form),
        marking: Ok(item.marking),
    });
    (found.collect(), faults)
}

/// One JSON document, an array of them, or one a line.
fn ours(bytes: &[u8], context: &FormatContext<'_>) -> (Vec<Found>, Vec<Fault>) {
    let one = |line, value: &Value| Found { line, name: None, form: None, marking: marking_of(value) };
    match serde_json::from_slice::<Value>(bytes) {
        Ok(Value::Array(items)) => (items.iter().map(|item| one(1, item)).collect(), Vec::new()),
        Ok(value) => (vec![one(1, &value)], Vec::new()),
        Err(error) => {
            let (values, faults) = lines(bytes);
            if values.is_empty() {
                // It is no list of lines either: the first complaint says more.
                return (Vec::new(), vec![bad_json(&error).at_line(error.line() as u64)]);
            }
            let mut all = (Vec::new(), faults);
            for (line, value) in &values {
                let Some(form) = Form::of_json(value) else {
                    all.0.push(one(*line, value));
                    continue;
                };
                let (found, faults) = foreign(value.to_string().as_bytes(), form, context);
                all.0.extend(found.into_iter().map(|found| Found { line: *line, ..found }));
                all.1.extend(faults.into_iter().map(|fault| fault.at_line(*line)));
            }
            all
        }
    }
}

fn lines(bytes: &[u8]) -> (Vec<(u64, Value)>, Vec<Fault>) {
    let (mut values, mut faults) = (Vec::new(), Vec::new());
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = index as u64 + 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Value>(line) {
            Ok(value @ Value::Object(_)) => values.push((number, value)),
            Ok(_) => faults.push(Fault::error("label::bad_json", "not a JSON object").at_line(number)),
            Err(error) => faults.push(bad_json(&error).at_line(number)),
        }
    }
    (values, faults)
}

fn bad_json(error: &serde_json::Error) -> Fault {
    Fault::error("label::bad_json", format!("no JSON, and no other form that is known: {error}"))
}

pub(crate) fn join(a: &str, b: &str, tables: &Tables, common: &Common) -> Result<ExitCode, CliError> {
    let rules = tables.rules(common)?;
    let organisations = Organisations::default();
    let context = FormatContext { codes: &rules.codes, originator: None, organisations: &organisations };
    let read = |name: &str, text: &str| {
        let wrong = |message: String| CliError::Usage(format!("marking {name}: {message}"));
        let Documents { found, faults, .. } = documents(text, &context)?;
        if let Some(fault) = faults.iter().find(|fault| fault.level == FaultLevel::Error) {
            return Err(wrong(fault.to_string()));
        }
        let [Found { marking, .. }] = found.as_slice() else {
            return Err(wrong(format!("one is wanted, {} are given", found.len())));
        };
        let marking = marking.as_ref().map_err(|e| wrong(e.clone()))?;
        rules.label(marking).map_err(|e| wrong(format!("{e} ({})", e.rule())))
    };
    let joined = label::join(&read("A", a)?, &read("B", b)?);
    common.out().document("bongsu.marking/1", &Understood::from(&joined))?;
    Ok(ExitCode::SUCCESS)
}
