//! `label policy ..`: national policy from the draft to force, each step an entry.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use base::{BlobHash, Country, EntryId, Marking, NodeName, Timestamp};
use label::{POLICY_SCHEMA, POLICY_SCHEMA_TEXT, Policy as Compiled, PolicyDocument};
use node::{
    Desk, NodeError, PolicyApproval, PolicySignature, PolicyStepError, PolicySummary, RulesAnswer,
    RulesOnRecord, RulesOrder,
};
use record::{Entry, NodeKey, ReadRecord};
use serde::Serialize;

use crate::Common;
use crate::error::CliError;
use crate::out::List;
use crate::{input, now};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Policy {
    /// Whether a policy can be read and fits the schema
    #[command(after_help = "Example:
  bongsu label policy check samples/label/kor-national.cedar")]
    Check {
        /// Cedar policies as text, or a bongsu.policy/1; - is standard input
        file: String,
    },
    /// What a policy may ask, as a schema in Cedar's language
    #[command(after_help = "Example:
  bongsu label policy schema")]
    Schema,
    /// What a policy would newly release or hold back, for every peer; for the owner's eyes only
    #[command(after_help = "Example:
  bongsu label policy dry-run --store ./seoul --policy samples/label/kor-national.cedar --days 90

One row a peer with the counts (`kind`: count), then one row for each own entry of these days
whose decision changes (`kind`: change). What a peer has already stays there until
it is recalled (`shared`); what was once withheld is not sent later. The node may run.")]
    DryRun {
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
        /// The new policy: Cedar policies as text, or a bongsu.policy/1; - is standard input
        #[arg(long, value_name = "FILE", env = "BONGSU_POLICY", hide_env_values = true)]
        policy: String,
        /// How many days back
        #[arg(long, default_value_t = 90, env = "BONGSU_DAYS", hide_env_values = true)]
        days: u32,
    },
    /// Record a policy for officers to sign
    #[command(after_help = "Example:
  bongsu label policy propose samples/label/kor-national.cedar --name kor-national \\
    --author Kim --store ./seoul

The node may run. The version is one above the last when it is left out.")]
    Propose {
        /// Cedar policies as text, or a bongsu.policy/1; - is standard input
        file: String,
        /// The policy's name: a-z, 0-9, `.`, `_`, `-`; of a bongsu.policy/1 its own
        #[arg(long, env = "BONGSU_POLICY_NAME", hide_env_values = true)]
        name: Option<String>,
        /// Its version
        #[arg(long, value_name = "N", env = "BONGSU_POLICY_VERSION", hide_env_values = true)]
        policy_version: Option<u64>,
        /// Who wrote it
        #[arg(long, env = "BONGSU_AUTHOR", hide_env_values = true)]
        author: Option<String>,
        /// From when on it holds, at the earliest; now when left out
        #[arg(long, value_name = "TIME", env = "BONGSU_EFFECTIVE_FROM", hide_env_values = true)]
        effective_from: Option<Timestamp>,
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
    /// Sign a proposed policy, or a table of codes, as an officer
    #[command(after_help = "Example:
  bongsu label policy sign 9ab0… --key kim.key --store ./seoul

The id is the `entry` that `propose`, or `label table load`, printed. The node may run: then the signature
is handed to it, and the key stays here.")]
    Sign {
        /// The entry of the proposal
        proposal: EntryId,
        /// The officer's key file, as `bongsu officer new` made it
        #[arg(long, value_name = "FILE", env = "BONGSU_OFFICER_KEY", hide_env_values = true)]
        key: PathBuf,
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
    /// Put a policy, or a table of codes, in force that two officers have signed
    #[command(after_help = "Example:
  bongsu label policy apply 7cd2… --store ./seoul

The node may run.")]
    Apply {
        /// The entry of the proposal
        proposal: EntryId,
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
    /// The policies and tables of codes of a record, who signed them, and which are in force
    #[command(after_help = "Example:
  bongsu label policy list --store ./seoul")]
    List {
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_STORE", hide_env_values = true)]
        store: PathBuf,
    },
}

pub(super) fn run(command: Policy, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Policy::Check { file } => check(&file, common),
        Policy::Schema => {
            use std::io::Write as _;
            let mut out = crate::out::writer();
            out.write_all(POLICY_SCHEMA_TEXT.as_bytes())
                .and_then(|()| out.flush())
                .map_err(crate::out::output)?;
            Ok(ExitCode::SUCCESS)
        }
        Policy::DryRun { store, policy, days } => super::dry_run::run(&store, &policy, days, common),
        Policy::Propose { file, name, policy_version, author, effective_from, store } => {
            let given = Given { name, version: policy_version, author, effective_from };
            propose(&file, given, &store, common)
        }
        Policy::Sign { proposal, key, store } => sign(&proposal, &key, &store, common),
        Policy::Apply { proposal, store } => apply(&proposal, &store, common),
        Policy::List { store } => list(&store, common),
    }
}

/// A document, or a text that has none of the fields around it yet.
pub(super) fn document(file: &str) -> Result<PolicyDocument, CliError> {
    let wrong = |e: &dyn std::fmt::Display| CliError::Usage(format!("`{}`: {e}", input::name(file)));
    let text = String::from_utf8(input::read(file)?).map_err(|e| wrong(&e))?;
    if text.trim_start().starts_with('{') {
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| wrong(&e))?;
        return base::from_document(&value).map_err(|e| wrong(&e));
    }
    Ok(PolicyDocument {
        name: "draft".to_owned(),
        version: 0,
        author: String::new(),
        effective_from: Timestamp::UNIX_EPOCH,
        policy_schema: POLICY_SCHEMA.to_owned(),
        text,
        marking: Marking::new("RESTRICTED", &[], "ZZZ"),
    })
}

/// The policy in a file; what is wrong with it goes to the list.
pub(super) fn compile(file: &str, list: &mut List) -> Result<Arc<Compiled>, CliError> {
    let source = input::name(file);
    match Compiled::compile(document(file)?) {
        Ok(policy) => {
            for warning in policy.warnings() {
                list.fault(warning.clone().in_source(&source));
            }
            Ok(Arc::new(policy))
        }
        Err(faults) => {
            for fault in faults {
                list.fault(fault.in_source(&source));
            }
            Err(CliError::Usage(format!("`{source}` is no policy that can be put in force")))
        }
    }
}

#[derive(Serialize)]
struct Checked {
    name: String,
    version: u64,
    sha256: Option<BlobHash>,
    warnings: usize,
}

fn check(file: &str, common: &Common) -> Result<ExitCode, CliError> {
    let mut list = common.out().list("bongsu.label-policy-check/1");
    let policy = match compile(file, &mut list) {
        Ok(policy) => policy,
        Err(error) => return list.fail(error),
    };
    let document = policy.document();
    list.item(&Checked {
        name: document.name.clone(),
        version: document.version,
        sha256: document.sha256(),
        warnings: policy.warnings().len(),
    })?;
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// What `propose` was told beside the text.
struct Given {
    name: Option<String>,
    version: Option<u64>,
    author: Option<String>,
    effective_from: Option<Timestamp>,
}

/// A step that was recorded.
#[derive(Serialize)]
struct Step<'a> {
    /// The entry of this step.
    entry: EntryId,
    /// The entry of the policy.
    proposal: EntryId,
    kind: &'a str,
    name: &'a str,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'a str>,
    sha256: BlobHash,
    effective_from: Timestamp,
    officer: Option<String>,
}

impl<'a> Step<'a> {
    fn of(entry: EntryId, policy: &'a PolicySummary, officer: Option<String>) -> Self {
        Self {
            entry,
            proposal: policy.entry,
            kind: &policy.kind,
            name: &policy.name,
            version: policy.version,
            table: policy.table.as_deref(),
            sha256: policy.sha256,
            effective_from: policy.effective_from,
            officer,
        }
    }
}

/// What stands in a list of the proposal `id`.
fn summary(id: &EntryId, rules: &RulesOnRecord, common: &Common) -> Result<PolicySummary, CliError> {
    let proposal = rules.proposal(id).map_err(NodeError::from)?;
    Ok(PolicySummary::of(id, proposal, rules, &rules.at(now(common))))
}

fn propose(file: &str, given: Given, store: &Path, common: &Common) -> Result<ExitCode, CliError> {
    let record = super::stopped(ReadRecord::open(store))?;
    let rules = record.as_ref().map(RulesOnRecord::read).transpose()?;
    // The desk opens the record for itself.
    drop(record);
    let mut document = document(file)?;
    let is_text = document.version == 0 && document.author.is_empty();
    if is_text {
        let missing = |flag: &str| CliError::Usage(format!("a policy as text needs {flag}"));
        document.name = given.name.ok_or_else(|| missing("--name"))?;
        document.author = given.author.ok_or_else(|| missing("--author"))?;
        let newest = rules.as_ref().and_then(|rules| rules.newest_version(&document.name));
        let next = newest.map_or(1, |newest| newest.saturating_add(1));
        // A running node gives the version that follows, which is written 0 until then.
        document.version = given.version.unwrap_or(if rules.is_some() { next } else { 0 });
        document.effective_from = given.effective_from.unwrap_or_else(|| now(common));
    } else if given.name.is_some() || given.version.is_some() || given.author.is_some() {
        return Err(CliError::Usage(
            "the file is a bongsu.policy/1 with a name, a version and an author of its own".to_owned(),
        ));
    }
    let Some(rules) = rules else {
        let answer = super::running(store, RulesOrder::Propose(document))?;
        return print_step("bongsu.label-policy-propose/1", answer, common);
    };
    let mut desk = Desk::open(&super::settings(store)?)?;
    if is_text {
        document.marking = desk.nobody();
    }
    rules.may_propose(&document).map_err(NodeError::from)?;
    let mut list = common.out().list("bongsu.label-policy-propose/1");
    let source = input::name(file);
    match Compiled::compile(document.clone()) {
        Ok(policy) => {
            for warning in policy.warnings() {
                list.fault(warning.clone().in_source(&source));
            }
        }
        Err(faults) => {
            for fault in faults {
                list.fault(fault.in_source(&source));
            }
            return list.fail(CliError::Usage(format!("`{source}` is no policy that can be put in force")));
        }
    }
    let entry = desk.sign(&document, common.now)?;
    let mut with = rules;
    with.apply(&entry);
    let id = desk.record(entry)?;
    list.item(&Step::of(id, &summary(&id, &with, common)?, None))?;
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn sign(id: &EntryId, key: &Path, store: &Path, common: &Common) -> Result<ExitCode, CliError> {
    let Some(record) = super::stopped(ReadRecord::open(store))? else {
        return sign_online(id, key, store, common);
    };
    let rules = RulesOnRecord::read(&record)?;
    drop(record);
    let mut desk = Desk::open(&super::settings(store)?)?;
    let anybody: NodeName = "officer".parse().map_err(|e: base::IdError| CliError::Usage(e.to_string()))?;
    let secret = node::officer_key(key, &anybody)?;
    let officer = rules.may_sign(id, &secret.public()).map_err(NodeError::from)?.clone();
    let key = NodeKey::from_secret(officer.clone(), &secret.secret());
    let proposal = rules.proposal(id).map_err(NodeError::from)?;
    let approval = PolicyApproval { proposal: *id, policy_sha256: proposal.sha256, marking: desk.nobody() };
    let signature = PolicySignature {
        proposal: *id,
        officer: officer.clone(),
        approval: desk.sign_as(&approval, &key, common.now)?.to_envelope(),
        marking: desk.nobody(),
    };
    let entry: Entry = desk.sign(&signature, common.now)?;
    let policy = summary(id, &rules, common)?;
    let step = Step::of(desk.record(entry)?, &policy, Some(officer.to_string()));
    common.out().document("bongsu.label-policy-sign/1", &step)?;
    Ok(ExitCode::SUCCESS)
}

/// The officer's key signs here; the running node records the signature.
fn sign_online(id: &EntryId, key: &Path, store: &Path, common: &Common) -> Result<ExitCode, CliError> {
    let policies = super::running(store, RulesOrder::Policies)?.policies;
    let policy = policies.iter().find(|policy| policy.entry == *id);
    let policy = policy.ok_or_else(|| NodeError::from(PolicyStepError::NoProposal { id: *id }))?;
    let anybody: NodeName = "officer".parse().map_err(|e: base::IdError| CliError::Usage(e.to_string()))?;
    let secret = node::officer_key(key, &anybody)?;
    let country: Country = "ZZZ".parse().map_err(|e: base::IdError| CliError::Usage(e.to_string()))?;
    let marking = Marking::new("RESTRICTED", &[], "ZZZ");
    let approval = PolicyApproval { proposal: *id, policy_sha256: policy.sha256, marking };
    let time = now(common);
    let approval = approval.signed(&country, &secret, time)?;
    let order = RulesOrder::Sign { proposal: *id, approval };
    print_step("bongsu.label-policy-sign/1", super::running(store, order)?, common)
}

fn apply(id: &EntryId, store: &Path, common: &Common) -> Result<ExitCode, CliError> {
    let Some(record) = super::stopped(ReadRecord::open(store))? else {
        let answer = super::running(store, RulesOrder::Apply { proposal: *id })?;
        return print_step("bongsu.label-policy-apply/1", answer, common);
    };
    let rules = RulesOnRecord::read(&record)?;
    drop(record);
    let mut desk = Desk::open(&super::settings(store)?)?;
    let applied = rules.may_apply(id, desk.nobody()).map_err(NodeError::from)?;
    let policy = summary(id, &rules, common)?;
    let entry = desk.sign(&applied, common.now)?;
    let step = Step::of(desk.record(entry)?, &policy, None);
    common.out().document("bongsu.label-policy-apply/1", &step)?;
    Ok(ExitCode::SUCCESS)
}

fn list(store: &Path, common: &Common) -> Result<ExitCode, CliError> {
    let mut list = common.out().list("bongsu.label-policy-list/1");
    match super::stopped(ReadRecord::open(store))? {
        None => {
            for policy in super::running(store, RulesOrder::Policies)?.policies {
                list.item(&policy)?;
            }
        }
        Some(record) => {
            let rules = RulesOnRecord::read(&record)?;
            let held = rules.at(now(common));
            for fault in rules.faults() {
                list.fault(fault.clone());
            }
            for (id, proposal) in rules.proposals() {
                list.item(&PolicySummary::of(id, proposal, &rules, &held))?;
            }
        }
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a step that a running node took.
fn print_step(schema: &'static str, answer: RulesAnswer, common: &Common) -> Result<ExitCode, CliError> {
    let (Some(entry), Some(policy)) = (answer.step, answer.policies.first()) else {
        return Err(CliError::Usage("the node did not say which step it took".to_owned()));
    };
    let step = Step::of(entry, policy, answer.officer);
    common.out().document(schema, &step)?;
    Ok(ExitCode::SUCCESS)
}
