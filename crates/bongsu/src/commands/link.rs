//! `link offer|accept|status`: introduce peers while the node is stopped.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use base::{Fault, NodeName};
use node::{Card, NodeError};
use record::{Direction, Peer, ReadRecord, StoreError};
use serde::Serialize;

use crate::Common;
use crate::commands::serve::Settings;
use crate::error::CliError;
use crate::input;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Link {
    /// Print this node's card, to be handed to another node's officer
    #[command(after_help = "Example:
  bongsu link offer --data ./seoul --link-address seoul.example:8421 > seoul.card.json

Hand the card over, and compare the two fingerprints (`key`, `certificate`) by
another way, such as by voice. Stop the node first, or use its console.")]
    Offer(Settings),
    /// Introduce a peer by its card; everything recorded so far is decided for it at the next start
    #[command(after_help = "Example:
  bongsu link accept washington.card.json --data ./seoul --clearance SECRET

Stop the node first, or use its console.")]
    Accept {
        /// The card, a file; - is standard input
        #[arg(value_name = "CARD")]
        card: String,
        /// The highest level that the peer may have: UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET, TOP SECRET
        #[arg(long, value_name = "LEVEL", env = "BONGSU_CLEARANCE", hide_env_values = true)]
        clearance: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// The peers, and how many items went to and came from each
    #[command(after_help = "Example:
  bongsu link status --data ./seoul")]
    Status {
        /// The node's data folder
        #[arg(long, value_name = "DIR", env = "BONGSU_DATA", hide_env_values = true)]
        data: PathBuf,
    },
}

pub(crate) fn run(command: Link, common: &Common) -> Result<ExitCode, CliError> {
    match command {
        Link::Offer(settings) => {
            let card = node::card(&settings.load()?).map_err(running)?;
            common.out().document(node::CARD_SCHEMA, &card)?;
        }
        Link::Accept { card, clearance, settings } => {
            let name = input::name(&card);
            let read: Card = serde_json::from_slice(&input::read(&card)?).map_err(|e| {
                CliError::Usage(format!("`{name}` is no card as `bongsu link offer` prints it: {e}"))
            })?;
            let (entry, peer) =
                node::accept(&settings.load()?, read, &clearance, common.now).map_err(running)?;
            let accepted = Accepted { entry: entry.to_string(), peer };
            common.out().document("bongsu.link-accept/1", &accepted)?;
        }
        Link::Status { data } => status(&data, common)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What to do when the node has its folder.
fn running(error: NodeError) -> CliError {
    match error {
        NodeError::Store(StoreError::InUse { path }) => CliError::Usage(format!(
            "the node in `{}` runs: use the sharing page of its console (or GET /api/card and POST /api/peers), or stop it first",
            path.display()
        )),
        other => other.into(),
    }
}

#[derive(Serialize)]
struct Accepted {
    /// The entry that records the introduction.
    entry: String,
    #[serde(flatten)]
    peer: Peer,
}

#[derive(Serialize, Default)]
struct Status {
    name: String,
    title: Option<String>,
    country: Option<String>,
    clearance: Option<String>,
    address: Option<String>,
    /// Items in the log for the peer.
    log_size: u64,
    /// Items received from it.
    received: u64,
    certificate: Option<String>,
}

fn status(data: &std::path::Path, common: &Common) -> Result<(), CliError> {
    let record = ReadRecord::open(data).map_err(|e| running(e.into()))?;
    let mut peers: BTreeMap<NodeName, Status> = BTreeMap::new();
    let mut list = common.out().list("bongsu.link-status/1");
    for seq in 0..record.size()? {
        let Some(stored) = record.at(seq)? else { continue };
        let Some(entry) =
            stored.entry.filter(|entry| stored.received.is_none() && entry.kind() == "bongsu.peer/1")
        else {
            continue;
        };
        match entry.noun::<Peer>() {
            Ok(peer) => {
                let status = Status {
                    name: peer.node.to_string(),
                    title: Some(peer.title),
                    country: Some(peer.country.to_string()),
                    clearance: Some(peer.clearance),
                    address: Some(peer.address),
                    certificate: Some(peer.certificate.to_string()),
                    ..Status::default()
                };
                peers.insert(peer.node, status);
            }
            Err(error) => {
                let fault = Fault::error("record::bad_body", format!("entry {}: {error}", stored.id));
                list.fault(fault.in_source(data.display().to_string()));
            }
        }
    }
    for (lane, size) in record.lane_sizes()? {
        let status = peers
            .entry(lane.peer.clone())
            .or_insert_with(|| Status { name: lane.peer.to_string(), ..Status::default() });
        match lane.direction {
            Direction::Out => status.log_size += size,
            Direction::In => status.received += size,
        }
    }
    for status in peers.into_values() {
        list.item(&status)?;
    }
    list.finish()
}
