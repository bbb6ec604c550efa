//! The link without a line: the same batches in a file that a courier or a diode carries, and receipts that may come
//! back as a file. The node is stopped meanwhile; its record is the one that the running node has.

use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write};
use std::path::Path;
use std::sync::Arc;

use base::{Fault, NodeName, Precedence};
use link::{Action, Event, FileReader, FileWriter, ReceivedBatch, Refusal, Reply};
use record::{Checkpoint, Direction, Lane, RecordStore, lane_origin};
use serde::Serialize;

use crate::core::{Core, Machine, lock, now};
use crate::link_in::verified;
use crate::peer_link::Gathered;
use crate::{Config, NodeError, keys, offline, writer};

/// What one lane has in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LaneSpan {
    /// The other node.
    pub peer: NodeName,
    /// Which lane.
    pub precedence: Precedence,
    /// The first place.
    pub start: u64,
    /// The first place after.
    pub end: u64,
}

/// What came of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileReceived {
    /// For each lane in the file: where this node stood before and stands now.
    pub lanes: Vec<LaneSpan>,
    /// Receipts that the sender did not have.
    pub receipts: Vec<String>,
    /// What was not taken: refusals, and gaps with the places that are missing.
    #[serde(skip)]
    pub faults: Vec<Fault>,
}

/// The stopped node in `config.data`, without its sockets.
struct Stopped {
    core: Arc<Core>,
    runtime: tokio::runtime::Runtime,
    writer: Option<std::thread::JoinHandle<()>>,
}

impl Stopped {
    fn open(config: &Config) -> Result<Self, NodeError> {
        let config = offline::settings(config)?;
        let key = keys::signing_key(&config.data, &config.name)?;
        let certificate = keys::tls_identity(&config.data, &config.name)?.fingerprint();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|source| NodeError::Io { path: "runtime".into(), source })?;
        let (core, writer) = writer::start(config, key, certificate, Arc::new(Machine))?;
        Ok(Self { core, runtime, writer: Some(writer) })
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.core.stop();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> NodeError {
    move |source| NodeError::Io { path: path.to_owned(), source }
}

/// Writes what `peer` has not acknowledged into `to`, lane by lane, the most urgent first; `from` says for a lane from
/// which place on instead. Each lane that was ever used stands in it with at least its newest checkpoint, so that the
/// receiver sees what is missing.
///
/// # Errors
/// When there is no record or no such peer, the node runs, or `to` does not take the bytes.
pub fn send_file(
    config: &Config,
    peer: &NodeName,
    from: &BTreeMap<Precedence, u64>,
    to: &mut dyn Write,
) -> Result<Vec<LaneSpan>, NodeError> {
    let stopped = Stopped::open(config)?;
    stopped.runtime.block_on(write_lanes(&stopped.core, peer, from, to))
}

/// The same of a node that is open.
pub(crate) async fn write_lanes(
    core: &Core,
    peer: &NodeName,
    from: &BTreeMap<Precedence, u64>,
    to: &mut dyn Write,
) -> Result<Vec<LaneSpan>, NodeError> {
    let link = core.link(peer).ok_or_else(|| NodeError::NotFound { what: format!("peer `{peer}`") })?;
    let bad = |message: String| NodeError::BadRequest { message };
    let io = io(Path::new("the file to send"));
    let mut file = FileWriter::begin(to).map_err(&io)?;
    let mut spans = Vec::new();
    for precedence in Precedence::ALL {
        let lane = link.lane(precedence);
        let (size, acked) = {
            let outbound = lock(&lane.outbound);
            (outbound.size(), outbound.acked())
        };
        let first = from.get(&precedence).copied().unwrap_or(acked);
        if first > size {
            return Err(bad(format!("the lane {precedence} has {size} items, not {first}")));
        }
        if size == 0 {
            continue;
        }
        let mut start = first;
        loop {
            let Gathered { before, items } = core.gather(peer.clone(), precedence, start, size).await?;
            let now = core.surroundings.now();
            let batch =
                lock(&lane.outbound).batch(before, items, &core.key, now).map_err(|e| bad(e.to_string()))?;
            file.add(&batch.to_bytes().map_err(|e| bad(e.to_string()))?).map_err(&io)?;
            start += batch.len() as u64;
            if start >= size || batch.is_empty() {
                break;
            }
        }
        spans.push(LaneSpan { peer: peer.clone(), precedence, start: first, end: start });
    }
    file.finish().map_err(&io)?;
    Ok(spans)
}

/// Takes in a file of batches, whoever of the peers wrote it. What was taken before is passed over; a gap is told with
/// the places that are missing, and the other lanes are taken all the same.
///
/// # Errors
/// When there is no record, the node runs, or it is no such file.
pub fn receive_file(config: &Config, from: impl Read) -> Result<FileReceived, NodeError> {
    let stopped = Stopped::open(config)?;
    let bad = |e: std::io::Error| NodeError::BadInput { name: "the file".to_owned(), message: e.to_string() };
    let mut file = FileReader::begin(from).map_err(bad)?;
    let mut received = FileReceived::default();
    let mut lanes: BTreeMap<(NodeName, Precedence), (LaneSpan, Option<String>)> = BTreeMap::new();
    let mut number = 0;
    loop {
        let bytes = match file.next_batch() {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            Err(e) => {
                received.faults.push(Fault::error("link::cut_file", format!("behind batch {number}: {e}")));
                break;
            }
        };
        number += 1;
        if let Err((refusal, what)) = take(&stopped, &bytes, &mut lanes) {
            received.faults.push(fault(number, &refusal, &what));
        }
    }
    for (span, receipt) in lanes.into_values() {
        received.lanes.push(span);
        received.receipts.extend(receipt);
    }
    Ok(received)
}

fn take(
    stopped: &Stopped,
    bytes: &[u8],
    lanes: &mut BTreeMap<(NodeName, Precedence), (LaneSpan, Option<String>)>,
) -> Result<(), (Refusal, String)> {
    let core = &stopped.core;
    let head = ReceivedBatch::read(bytes).map_err(|e| (e, "a batch".to_owned()))?.head;
    let what = format!("the lane {} of {}", head.precedence, head.from);
    let link = core.link(&head.from).ok_or_else(|| (Refusal::UnknownPeer, what.clone()))?;
    let batch = verified(core, &link, None, bytes).map_err(|e| (e, what.clone()))?;
    let before = link.lane(head.precedence).received();
    let reply = stopped.runtime.block_on(core.receive(head.from.clone(), batch, "a file".to_owned()));
    let after = link.lane(head.precedence).received();
    let (span, receipt) = lanes.entry((head.from.clone(), head.precedence)).or_insert_with(|| {
        (LaneSpan { peer: head.from.clone(), precedence: head.precedence, start: before, end: before }, None)
    });
    span.end = after;
    match reply {
        Ok(Reply::Ack { checkpoint }) => *receipt = Some(checkpoint),
        // It came before, by another file or over the line.
        Ok(Reply::Refused { refusal: Refusal::Replay { .. }, .. })
            if head.start + u64::from(head.count) <= before => {}
        Ok(Reply::Refused { refusal, .. }) => return Err((refusal, what)),
        Err(e) => return Err((Refusal::CannotStore { reason: e.to_string() }, what)),
    }
    Ok(())
}

fn fault(number: usize, refusal: &Refusal, what: &str) -> Fault {
    let message = match refusal {
        Refusal::Gap { start, size } => format!(
            "batch {number}: the places {size} to {} of {what} are missing; ask its sender for a file from {size} on",
            start - 1
        ),
        other => format!("batch {number}, {what}: {other}"),
    };
    Fault::error(&format!("link::{}", refusal.code()), message)
}

/// Takes in receipts, one note after the other as JSON strings, one a line; gives how far each lane is acknowledged
/// now.
///
/// # Errors
/// When there is no record, the node runs, or a line is no receipt of a peer for a log of this node.
pub fn receive_receipts(config: &Config, from: impl BufRead) -> Result<Vec<LaneSpan>, NodeError> {
    let stopped = Stopped::open(config)?;
    let core = &stopped.core;
    let bad = |message: String| NodeError::BadInput { name: "the receipts".to_owned(), message };
    let mut spans = Vec::new();
    for (number, line) in from.lines().enumerate() {
        let line = line.map_err(|e| bad(e.to_string()))?;
        let wrong = |why: &str| bad(format!("line {}: {why}", number + 1));
        let note: String = serde_json::from_str(&line).map_err(|e| wrong(&e.to_string()))?;
        let checkpoint = Checkpoint::parse(&note).map_err(|e| wrong(&e.to_string()))?;
        let mut lanes =
            core.links().into_iter().flat_map(|link| Precedence::ALL.map(|p| (Arc::clone(&link), p)));
        let (link, precedence) = lanes
            .find(|(link, p)| checkpoint.origin() == lane_origin(&core.config.name, &link.peer.node, *p))
            .ok_or_else(|| wrong("it is of no log of this node"))?;
        checkpoint
            .check(checkpoint.origin(), &core.config.name, &core.public)
            .map_err(|e| wrong(&e.to_string()))?;
        let lane = Lane { peer: link.peer.node.clone(), direction: Direction::Out, precedence };
        let size = checkpoint.size();
        let root = core
            .with_record_blocking(move |record| record.lane_frontier(&lane, size).map(|edge| edge.root()))?
            .map_err(|e| wrong(&e.to_string()))?;
        checkpoint.check_root(root).map_err(|e| wrong(&e.to_string()))?;
        let start = lock(&link.lane(precedence).outbound).acked();
        let actions = lock(&link.lane(precedence).outbound).poll(now(), vec![Event::Receipt(checkpoint)]);
        for action in actions {
            if let Action::Acknowledged(checkpoint) = action {
                core.acknowledged(link.peer.node.clone(), precedence, checkpoint)?;
            }
        }
        let end = lock(&link.lane(precedence).outbound).acked();
        if end < size {
            return Err(wrong("the cosignature is not the peer's"));
        }
        spans.push(LaneSpan { peer: link.peer.node.clone(), precedence, start, end });
    }
    Ok(spans)
}
