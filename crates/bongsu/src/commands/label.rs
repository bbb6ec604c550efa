//! `label check|join|preview|table|policy|tearline`: what a marking means, by which rules it is decided, and what a
//! peer would get.

mod dry_run;
mod picture;
mod policy;
mod preview;
mod table;
mod tearline;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{EntryId, NodeName, Timestamp};

use node::{RulesAnswer, RulesOrder};
use record::StoreError;

use super::marking;
use crate::Common;
use crate::error::CliError;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Label {
    /// Whether markings can be read, and what they say, in our words or another form; exit 1 when one cannot
    #[command(after_help = "Examples:
  bongsu label check '{\"level\":\"RESTRICTED\",\"rel_to\":[\"USA\"],\"originator\":\"KOR\"}'
  bongsu label check markings.jsonl
  bongsu label check 'SECRET//REL TO USA, KOR' '(S//NF)'
  bongsu label check '//KOR SECRET//REL TO USA' --to stanag4774 --format text

Each input is one marking of ours, an array of them or one a line (of any other
document of ours its `marking` is taken), or a document in one of the forms of
--to, told apart by content: stix, capco (one banner or portion a line), ism,
stanag4774 (XML, or JSON as in OpenTDF), misp, cot, cap. An IC-ISM document is
also held against rules 33, 41, 67, 88, 199, 319 and 320 of its Schematron.
With --store a marking may be in the words of the tables in that folder.
--to writes each marking in that form; it never reaches more than before, and
what is lost is told.")]
    Check(marking::Check),
    /// The marking that something derived from both must carry at least
    #[command(after_help = "Example:
  bongsu label join \\
    '{\"level\":\"RESTRICTED\",\"rel_to\":[\"JPN\",\"USA\"],\"originator\":\"KOR\"}' \\
    '{\"level\":\"SECRET\",\"rel_to\":[\"USA\"],\"originator\":\"KOR\"}'")]
    Join {
        /// A marking in any form that `label check` reads, or a file with one
        #[arg(value_name = "MARKING|FILE")]
        a: String,
        /// Another
        #[arg(value_name = "MARKING|FILE")]
        b: String,
        #[command(flatten)]
        tables: marking::Tables,
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
        Label::Check(args) => marking::check(&args, common),
        Label::Join { a, b, tables } => marking::join(&a, &b, &tables, common),
        Label::Preview { store, peer, policy } => preview::preview(&store, &peer, policy.as_deref(), common),
        Label::Table(command) => table::run(command, common),
        Label::Policy(command) => policy::run(command, common),
        Label::Tearline(command) => tearline::run(command, common),
    }
}

/// What room `label` decides on a node's own entries for `peer`: those that it may have, and those that were taken back.
pub(super) fn decided(
    store: &Path,
    peer: &NodeName,
    now: Timestamp,
) -> Result<(BTreeSet<EntryId>, BTreeSet<EntryId>), CliError> {
    let picture = picture::Picture::read(store)?;
    let audience = picture.audience(peer)?;
    let rules = picture.rules.at(now);
    let (mut released, mut taken_back) = (BTreeSet::new(), BTreeSet::new());
    for held in picture.entries.iter().filter(|held| held.is_own) {
        if held.recalled {
            taken_back.insert(held.id);
        } else if picture.decide(held, &audience, &rules, now).is_ok() {
            released.insert(held.id);
        }
    }
    Ok((released, taken_back))
}

/// The settings of the stopped node in a data folder.
/// What was opened, or nothing when a node has it open and is to be asked.
fn stopped<T>(opened: Result<T, StoreError>) -> Result<Option<T>, CliError> {
    match opened {
        Err(StoreError::InUse { .. }) => Ok(None),
        opened => Ok(Some(opened?)),
    }
}

/// Has the node that runs on `store` carry out an order.
fn running(store: &Path, order: RulesOrder) -> Result<RulesAnswer, CliError> {
    Ok(node::order_rules(&settings(store)?, order)?.0)
}

fn settings(store: &Path) -> Result<node::Config, CliError> {
    Ok(node::Config::load(store, &node::Overrides::default())?)
}
