//! `label tearline make|disclose|verify`: sanitised versions that prove to come from a signed whole.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{Country, EntryId, Fault, KeyFingerprint, Marking, NodeName, Noun as _, Timestamp};
use label::{Tearline as Version, TearlineRoot, TearlineWhole, verify_tearline};
use node::Desk;
use record::{Entry, PublicKey, ReadRecord};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Common;
use crate::error::CliError;
use crate::{input, now};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Tearline {
    /// Sign the root of a whole; prints the whole with its secret, for its owner alone
    #[command(after_help = "Examples:
  bongsu label tearline make --id 5d1f… --store ./seoul > whole.json
  bongsu label tearline make samples/label/report.json --store ./seoul > whole.json

The root is recorded, the secret is not: keep the printed file as closely as the
whole itself. Stop the node first.")]
    Make {
        /// A JSON object; - is standard input
        #[arg(value_name = "FILE", required_unless_present = "id", conflicts_with = "id")]
        document: Option<String>,
        /// Take the content of this entry instead
        #[arg(long, value_name = "ENTRY", env = "BONGSU_ID", hide_env_values = true)]
        id: Option<EntryId>,
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
    /// Record a sanitised version that opens some fields of a whole, under a marking of its own; prints it too
    #[command(after_help = "Example:
  bongsu label tearline make samples/label/report.json --store ./seoul > whole.json; \\
    bongsu label tearline disclose whole.json --field /title --field /objects/0 --store ./seoul \\
    --marking '{\"level\":\"RESTRICTED\",\"rel_to\":[\"USA\"],\"originator\":\"KOR\"}'

The node decides on the version by this marking and on the whole by its own.
Stop the node first.")]
    Disclose {
        /// The whole, as `make` printed it; - is standard input
        whole: String,
        /// A field to open with all below it, as a JSON pointer; may be given again
        #[arg(
            long = "field",
            value_name = "POINTER",
            required = true,
            env = "BONGSU_FIELD",
            hide_env_values = true
        )]
        fields: Vec<String>,
        /// Who may have this version: a marking as JSON
        #[arg(long, value_name = "MARKING", env = "BONGSU_MARKING", hide_env_values = true)]
        marking: String,
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
    /// Check a sanitised version and print what it discloses; exit 1 when it does not hold
    #[command(after_help = "Example:
  bongsu label tearline make samples/label/report.json --store ./seoul > whole.json; \\
    bongsu label tearline disclose whole.json --field /title --store ./seoul \\
    --marking '{\"level\":\"RESTRICTED\",\"rel_to\":[\"USA\"],\"originator\":\"KOR\"}' > part.json; \\
    bongsu label tearline verify part.json

Compare `key` with the originator's card, or give it with --key.")]
    Verify {
        /// The version, as `disclose` printed it, or the envelope of its entry; - is standard input
        file: String,
        /// The originator's public key, 64 hexadecimal digits
        #[arg(long, value_name = "KEY", env = "BONGSU_KEY", hide_env_values = true)]
        key: Option<String>,
    },
}

pub(super) fn run(command: Tearline, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Tearline::Make { document, id, store } => make(document.as_deref(), id, &store, common),
        Tearline::Disclose { whole, fields, marking, store } => {
            disclose(&whole, &fields, &marking, &store, common)
        }
        Tearline::Verify { file, key } => verify(&file, key.as_deref(), common),
    }
}

/// What went wrong, with the file that it is about.
fn wrong(name: &str, error: &dyn std::fmt::Display) -> CliError {
    CliError::Usage(format!("`{name}`: {error}"))
}

fn read(file: &str) -> Result<Value, CliError> {
    serde_json::from_slice(&input::read(file)?).map_err(|e| wrong(&input::name(file), &e))
}

/// Times are whole seconds: more digits would give two versions two lengths.
fn second(common: &Common) -> Timestamp {
    Timestamp::from_unix_nanos(now(common).unix_nanos().div_euclid(1_000_000_000) * 1_000_000_000)
}

fn make(
    document: Option<&str>,
    id: Option<EntryId>,
    store: &Path,
    common: &Common,
) -> Result<ExitCode, CliError> {
    let (name, document) = match (document, id) {
        (Some(file), _) => (input::name(file), read(file)?),
        (None, Some(id)) => {
            let stored = ReadRecord::open(store)?.get(&id)?;
            let entry = stored.and_then(|stored| stored.entry.filter(|_| stored.received.is_none()));
            let entry =
                entry.ok_or_else(|| CliError::Usage(format!("entry {id} is no own entry of the record")))?;
            (id.to_string(), entry.body().clone())
        }
        (None, None) => return Err(CliError::Usage("give a file or --id".to_owned())),
    };
    let mut whole = TearlineWhole::new(document, &node::random_secret());
    let tree = whole.tree().map_err(|e| wrong(&name, &e))?;
    let mut desk = Desk::open(&super::settings(store)?)?;
    let root =
        desk.sign(&TearlineRoot { root: tree.root(), marking: desk.nobody() }, Some(second(common)))?;
    whole.whole = root.to_envelope();
    desk.record(root)?;
    common.out().document(TearlineWhole::SCHEMA, &whole)?;
    Ok(ExitCode::SUCCESS)
}

fn disclose(
    file: &str,
    fields: &[String],
    marking: &str,
    store: &Path,
    common: &Common,
) -> Result<ExitCode, CliError> {
    let name = input::name(file);
    let whole: TearlineWhole = base::from_document(&read(file)?).map_err(|e| wrong(&name, &e))?;
    let tree = whole.tree().map_err(|e| wrong(&name, &e))?;
    let root = Entry::from_envelope(&whole.whole).map_err(|e| wrong(&name, &e))?;
    let signed: TearlineRoot = root.noun().map_err(|e| wrong(&name, &e))?;
    if signed.root != tree.root() {
        return Err(wrong(&name, &"the document is not the one whose root was signed"));
    }
    let marking: Marking = serde_json::from_str(marking).map_err(|e| wrong("--marking", &e))?;
    let rules = node::RulesOnRecord::read(&ReadRecord::open(store)?)?.at(now(common));
    rules.label(&marking).map_err(|e| wrong("--marking", &e))?;
    let disclosed = tree.disclose(fields).map_err(|e| wrong(&name, &e))?;
    let version = Version { whole: whole.whole, disclosed, marking };
    let mut desk = Desk::open(&super::settings(store)?)?;
    let entry = desk.sign(&version, Some(second(common)))?;
    if entry.key() != root.key() {
        return Err(wrong(&name, &"it was signed by another node; only the originator discloses"));
    }
    let envelope = entry.to_envelope();
    let id = desk.record(entry)?;
    common.out().document("bongsu.tearline-version/1", &json!({"entry": id, "envelope": envelope}))?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Verified {
    ok: bool,
    /// What is disclosed.
    document: Value,
    marking: Marking,
    node: NodeName,
    country: Country,
    key: String,
    fingerprint: KeyFingerprint,
    /// When the version was signed, and its entry.
    time: Timestamp,
    entry: EntryId,
    /// When the whole was signed, and the entry of its root.
    whole_time: Timestamp,
    whole: EntryId,
}

fn verify(file: &str, key: Option<&str>, common: &Common) -> Result<ExitCode, CliError> {
    let key = key
        .map(|key| PublicKey::from_hex(key).map_err(|e| CliError::Usage(format!("--key: {e}"))))
        .transpose()?;
    let document = read(file)?;
    match verified(document.get("envelope").unwrap_or(&document), key.as_ref()) {
        Ok(verified) => {
            common.out().document("bongsu.tearline-verify/1", &verified)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => {
            let fault = fault.in_source(input::name(file));
            crate::out::report(&fault, common.out().format());
            common.out().document("bongsu.tearline-verify/1", &json!({"ok": false, "fault": fault}))?;
            Ok(ExitCode::from(1))
        }
    }
}

#[expect(clippy::result_large_err, reason = "once a run")]
fn verified(envelope: &Value, key: Option<&PublicKey>) -> Result<Verified, Fault> {
    let in_record = |e: record::EntryError| Fault::error(e.code(), e.to_string());
    let version = Entry::from_envelope(envelope).map_err(in_record)?;
    let tearline: Version = version.noun().map_err(|e| in_record(e.into()))?;
    let whole = Entry::from_envelope(&tearline.whole).map_err(|e| in_record(e).in_field("whole"))?;
    let root: TearlineRoot = whole.noun().map_err(|e| in_record(e.into()).in_field("whole"))?;
    if version.author() != whole.author() {
        let message = "the version is not signed by the originator of the whole";
        return Err(Fault::error("tearline::other_originator", message));
    }
    if key.is_some_and(|key| key != version.key()) {
        return Err(Fault::error("tearline::other_key", "it is signed with another key than --key"));
    }
    let document = verify_tearline(&root.root, &tearline.disclosed)
        .map_err(|e| Fault::error(e.code(), e.to_string()).in_field("disclosed"))?;
    let author = version.author().clone();
    Ok(Verified {
        ok: true,
        document,
        marking: tearline.marking,
        node: author.node,
        country: author.country,
        key: version.key().to_hex(),
        fingerprint: author.key,
        time: version.time(),
        entry: version.id(),
        whole_time: whole.time(),
        whole: whole.id(),
    })
}
