//! `label check|join|preview`: what a marking means, and what a peer would get.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{Country, EntryId, Facts, Marked, Marking, NodeName, Precedence, Recall, Timestamp};
use label::{Audience, Evidence, Rules, Standing, Withheld};
use record::{Direction, Entry, Genesis, Lane, Peer, ReadRecord};
use serde::Serialize;

use super::marking;
use crate::Common;
use crate::error::CliError;
use crate::progress::Progress;

/// The rule that a preview shows for a recall of something that the peer never had: it leaves no trace there. The
/// label kernel is not asked, so the word is not one of its rules.
const RECALL_OF_NOTHING: &str = "recall.never_shared";

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
    },
    /// What a peer would get of a node's own entries, and which rule keeps the others back; for the owner's eyes only
    #[command(after_help = "Example:
  bongsu label preview --store ./seoul --as washington

Decided anew for every own entry, by the code that decides in the node; the node
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
    },
}

pub(crate) fn run(command: Label, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Label::Check(args) => marking::check(&args, common),
        Label::Join { a, b } => marking::join(&a, &b, common),
        Label::Preview { store, peer } => preview(&store, &peer, common),
    }
}

/// What the kernel is told about an entry.
struct Held {
    author: NodeName,
    marking: Option<Marking>,
    evidence: Vec<EntryId>,
    facts: Option<Facts>,
    recalled: bool,
}

/// What room `label` decides on a node's own entries for `peer`: those that it may have, and those that were taken back.
pub(super) fn decided(
    store: &Path,
    peer: &NodeName,
    now: Timestamp,
) -> Result<(BTreeSet<EntryId>, BTreeSet<EntryId>), CliError> {
    let record = ReadRecord::open(store)?;
    let picture = Picture::read(&record)?;
    let audience = picture.audience(peer)?;
    let rules = Rules::new(picture.owner(store)?);
    let look_up = |id: &EntryId| picture.evidence(id);
    let (mut released, mut taken_back) = (BTreeSet::new(), BTreeSet::new());
    for seq in 0..record.size()? {
        let Some(stored) = record.at(seq)? else { continue };
        let Some(entry) = stored.entry.filter(|_| stored.received.is_none()) else { continue };
        let recalled = picture.held.get(&stored.id).is_some_and(|held| held.recalled);
        let standing = Standing { recalled, evidence: &look_up };
        if recalled {
            taken_back.insert(stored.id);
        } else if label::release(entry, &audience, &rules, &standing, now).is_ok() {
            released.insert(stored.id);
        }
    }
    Ok((released, taken_back))
}

/// Everything in the record that a decision looks at.
struct Picture {
    own: Option<Country>,
    held: HashMap<EntryId, Held>,
    peers: HashMap<NodeName, Peer>,
}

impl Picture {
    fn read(record: &ReadRecord) -> Result<Self, CliError> {
        let mut picture = Self { own: None, held: HashMap::new(), peers: HashMap::new() };
        let progress = Progress::new("reading the record");
        let size = record.size()?;
        for seq in 0..size {
            progress.at(seq, size);
            let Some(stored) = record.at(seq)? else { continue };
            let Some(entry) = &stored.entry else {
                continue;
            };
            picture.held.insert(
                stored.id,
                Held {
                    author: entry.author().node.clone(),
                    marking: entry.marking().cloned(),
                    evidence: entry.evidence().to_vec(),
                    facts: entry.facts(),
                    recalled: false,
                },
            );
            picture.apply(entry, stored.received.is_none());
        }
        Ok(picture)
    }

    fn apply(&mut self, entry: &Entry, own: bool) {
        if let Ok(recall) = entry.noun::<Recall>() {
            // Only its author may take an entry back.
            if let Some(target) = self.held.get_mut(&recall.target)
                && target.author == entry.author().node
            {
                target.recalled = true;
            }
        } else if own && let Ok(peer) = entry.noun::<Peer>() {
            self.peers.insert(peer.node.clone(), peer);
        } else if own && let Ok(genesis) = entry.noun::<Genesis>() {
            self.own = Some(genesis.country);
        }
    }

    fn evidence(&self, id: &EntryId) -> Evidence {
        match self.held.get(id) {
            None => Evidence::Unknown,
            Some(held) if held.recalled => Evidence::Recalled,
            Some(held) => Evidence::Held {
                marking: held.marking.clone(),
                evidence: held.evidence.clone(),
                facts: held.facts.clone(),
            },
        }
    }

    /// Whose record it is.
    fn owner(&self, store: &Path) -> Result<Country, CliError> {
        let unknown = || CliError::Usage(format!("`{}` does not say whose it is", store.display()));
        self.own.clone().ok_or_else(unknown)
    }

    /// The audience that the officer made `name`.
    fn audience(&self, name: &NodeName) -> Result<Audience, CliError> {
        let Some(peer) = self.peers.get(name) else {
            let known: BTreeSet<&str> = self.peers.keys().map(NodeName::as_str).collect();
            let known = match known.len() {
                0 => "no peer was introduced yet (bongsu link accept)".to_owned(),
                _ => format!("known are {}", known.into_iter().collect::<Vec<_>>().join(", ")),
            };
            return Err(CliError::Usage(format!("`{name}` is no peer of this node; {known}")));
        };
        let clearance = peer
            .clearance
            .parse()
            .map_err(|e| CliError::Usage(format!("the clearance of `{name}` cannot be read: {e}")))?;
        Ok(Audience {
            node: peer.node.clone(),
            country: peer.country.clone(),
            clearance,
            organisation: Some(peer.title.clone()),
        })
    }
}

#[derive(Serialize)]
struct Previewed<'a> {
    id: EntryId,
    kind: &'a str,
    released: bool,
    rule: Option<String>,
    path: Option<String>,
}

fn preview(store: &Path, peer: &NodeName, common: &Common) -> Result<ExitCode, CliError> {
    let record = ReadRecord::open(store)?;
    let picture = Picture::read(&record)?;
    let audience = picture.audience(peer)?;
    let rules = Rules::new(picture.owner(store)?);
    let mut shared: BTreeSet<EntryId> = BTreeSet::new();
    for precedence in Precedence::ALL {
        shared.extend(record.lane_ids(&Lane { peer: peer.clone(), direction: Direction::Out, precedence })?);
    }
    let now = common.now.unwrap_or_else(super::present);
    let look_up = |id: &EntryId| picture.evidence(id);
    let mut list = common.out().list("bongsu.label-preview/1");
    for seq in 0..record.size()? {
        let Some(stored) = record.at(seq)? else { continue };
        let Some(entry) = stored.entry.filter(|_| stored.received.is_none()) else { continue };
        let kind = entry.kind().to_owned();
        let never_had = entry.noun::<Recall>().is_ok_and(|recall| !shared.contains(&recall.target));
        let recalled = picture.held.get(&stored.id).is_some_and(|held| held.recalled);
        let (rule, path) = if never_had {
            (Some(RECALL_OF_NOTHING.to_owned()), Some("target".to_owned()))
        } else {
            let standing = Standing { recalled, evidence: &look_up };
            match label::release(entry, &audience, &rules, &standing, now) {
                Ok(_) => (None, None),
                Err(Withheld { rule, path, .. }) => (Some(rule.to_string()), Some(path)),
            }
        };
        list.item(&Previewed { id: stored.id, kind: &kind, released: rule.is_none(), rule, path })?;
    }
    list.finish()?;
    Ok(ExitCode::SUCCESS)
}
