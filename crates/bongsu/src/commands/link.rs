//! `link offer|accept|status|send-file|receive-file`: introduce peers, and exchange with them by files, while the
//! node is stopped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base::{Fault, NodeName, Precedence, Timestamp};
use node::{Card, NodeError, Terms};
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
  bongsu link accept washington.card.json --data ./seoul --clearance SECRET \\
    --expires 2036-01-01T00:00:00Z --witness kisa-witness

With --expires this node signs a peering agreement; it is signed by both once the
other officer accepts this node's card on the same terms: time, lanes, witnesses
and tables. The contacts of each side stand on its card (`contacts` under [link]
in bongsu.toml). When it runs out, the link stops.

Stop the node first, or use its console.")]
    Accept {
        /// The card, a file; - is standard input
        #[arg(value_name = "CARD")]
        card: String,
        /// The highest level that the peer may have: UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET, TOP SECRET
        #[arg(long, value_name = "LEVEL", env = "BONGSU_CLEARANCE", hide_env_values = true)]
        clearance: String,
        /// When the peering agreement runs out; without it there is none
        #[arg(long, value_name = "TIME")]
        expires: Option<Timestamp>,
        /// A lane that is used: flash, immediate, priority, routine; may be given again [default: all]
        #[arg(long = "lane", value_name = "LANE", requires = "expires")]
        lanes: Vec<Precedence>,
        /// A witness that both take, by name; may be given again
        #[arg(long = "witness", value_name = "NAME", requires = "expires")]
        witnesses: Vec<String>,
        /// The version of a table that both decide by; may be given again
        #[arg(long = "table", value_name = "NAME=VERSION", requires = "expires", value_parser = table)]
        tables: Vec<(String, String)>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Write what a peer has not acknowledged into a file, for a courier or a diode
    #[command(after_help = "Example:
  bongsu link send-file washington --data ./seoul --out to-washington.bongsu

The batches are those of the line: signed, in order, lane by lane. Without
receipts each file begins where the last receipt ended; --from says otherwise.")]
    SendFile {
        /// The peer's name
        peer: NodeName,
        /// Where to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// For a lane the first place to send, say routine=120; may be given for each lane
        #[arg(long, value_name = "LANE=PLACE", value_parser = place)]
        from: Vec<(Precedence, u64)>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Take in a file of batches from a peer, or of receipts for what was sent to it
    #[command(after_help = "Example:
  bongsu link receive-file from-washington.bongsu --data ./seoul --receipts to-washington.receipts

What is missing is told with its places. A file of receipts is taken in by the
same command.")]
    ReceiveFile {
        /// The file
        file: PathBuf,
        /// Where to write the receipts, which the peer takes in with this command
        #[arg(long, value_name = "FILE")]
        receipts: Option<PathBuf>,
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
        Link::Accept { card, clearance, expires, lanes, witnesses, tables, settings } => {
            let name = input::name(&card);
            let read: Card = serde_json::from_slice(&input::read(&card)?).map_err(|e| {
                CliError::Usage(format!("`{name}` is no card as `bongsu link offer` prints it: {e}"))
            })?;
            let terms = expires.map(|expires| {
                let all = Terms::until(expires);
                let lanes = if lanes.is_empty() { all.lanes } else { lanes };
                Terms { expires, lanes, witnesses, tables: tables.into_iter().collect() }
            });
            let (entry, peer) = node::accept_until(&settings.load()?, read, &clearance, terms, common.now)
                .map_err(running)?;
            let accepted = Accepted { entry: entry.to_string(), peer };
            common.out().document("bongsu.link-accept/1", &accepted)?;
        }
        Link::Status { data } => status(&data, common)?,
        Link::SendFile { peer, out, from, settings } => send_file(&settings, &peer, &out, from, common)?,
        Link::ReceiveFile { file, receipts, settings } => {
            receive_file(&settings, &file, receipts.as_deref(), common)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `grades=2026-03`
fn table(text: &str) -> Result<(String, String), String> {
    let (name, version) = text.split_once('=').ok_or("give NAME=VERSION, say grades=2026-03")?;
    Ok((name.to_owned(), version.to_owned()))
}

/// `routine=120`
fn place(text: &str) -> Result<(Precedence, u64), String> {
    let (lane, place) = text.split_once('=').ok_or("give LANE=PLACE, say routine=120")?;
    Ok((lane.parse().map_err(|e: base::UnknownWord| e.to_string())?, place.parse().map_err(|_| "no place")?))
}

fn send_file(
    settings: &Settings,
    peer: &NodeName,
    out: &Path,
    from: Vec<(Precedence, u64)>,
    common: &Common,
) -> Result<(), CliError> {
    let config = settings.load()?;
    let io = |source| CliError::Io { path: out.to_owned(), source };
    let mut file = BufWriter::new(File::create(out).map_err(io)?);
    let spans = node::send_file(&config, peer, &from.into_iter().collect(), &mut file).map_err(running)?;
    file.into_inner().map_err(|e| io(e.into_error()))?.sync_all().map_err(io)?;
    let mut list = common.out().list("bongsu.link-send-file/1");
    for span in &spans {
        list.item(span)?;
    }
    list.finish()
}

fn receive_file(
    settings: &Settings,
    path: &Path,
    receipts: Option<&Path>,
    common: &Common,
) -> Result<(), CliError> {
    let config = settings.load()?;
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| CliError::Io { path: path.clone(), source }
    };
    let open = || File::open(path).map_err(io(path));
    let mut first = Vec::new();
    open()?.take(1).read_to_end(&mut first).map_err(io(path))?;
    let mut list = common.out().list("bongsu.link-receive-file/1");
    // A receipt is a JSON string; a file of batches begins with its name.
    if first == b"\"" {
        for span in node::receive_receipts(&config, BufReader::new(open()?)).map_err(running)? {
            list.item(&span)?;
        }
        return list.finish();
    }
    let received = node::receive_file(&config, BufReader::new(open()?)).map_err(running)?;
    for span in &received.lanes {
        list.item(span)?;
    }
    for fault in received.faults {
        list.fault(fault.in_source(path.display().to_string()));
    }
    if let Some(out) = receipts {
        let mut file = File::create(out).map_err(io(out))?;
        for receipt in &received.receipts {
            let line = serde_json::to_string(receipt).map_err(|e| io(out)(e.into()))?;
            writeln!(file, "{line}").map_err(io(out))?;
        }
        file.sync_all().map_err(io(out))?;
    }
    list.finish()
}

/// What to do when the node has its folder.
fn running(error: NodeError) -> CliError {
    match error {
        NodeError::Store(StoreError::InUse { path }) => CliError::Usage(format!(
            "the node in `{}` runs: use its console or its API (GET /api/card, POST /api/peers, POST /api/peers/NAME/file, POST /api/link/file), or stop it first",
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
