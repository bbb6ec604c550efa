//! What all parts of a node share: settings, the projection, the links, and the way to the one thread that writes
//! (`writer`). Everybody sends it commands and reads the projection.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use base::{Country, EntryId, Finding, KeyFingerprint, Marking, NodeName, Observation, Recall, Timestamp};
use incident::Incident;
use label::{Audience, Rules};
use link::{Item, Outbound, ReceivedBatch, Refused, Reply};
use record::{Checkpoint, Peer, PublicKey, SqliteRecord, Stored};
use tokio::sync::{Notify, broadcast, oneshot};

use crate::events::NodeEvent;
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use crate::policy_change::RulesOnRecord;
use crate::projection::Projection;
use crate::{Config, NodeError};

/// The time by this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// A lock is never held across a panic that matters: what it guards is rebuilt from the record.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something to sign and record.
#[derive(Debug, Clone)]
pub(crate) enum Draft {
    Observation(Observation),
    Finding(Finding),
    Incident(Incident),
    Recall(Recall),
    Peer(Peer),
    Refused(Refused),
}

/// Ids of the entries that drafts became, or why none of them was recorded.
pub(crate) type Appended = Result<Vec<EntryId>, NodeError>;

pub(crate) type ReadJob = Box<dyn FnOnce(&mut SqliteRecord) + Send>;

pub(crate) enum Command {
    Append { drafts: Vec<Draft>, reply: oneshot::Sender<Appended> },
    Receive { peer: NodeName, batch: Box<ReceivedBatch>, address: String, reply: oneshot::Sender<Reply> },
    Gather { peer: NodeName, start: u64, end: u64, reply: oneshot::Sender<Result<Vec<Item>, NodeError>> },
    Acknowledged { peer: NodeName, checkpoint: Checkpoint },
    Read(ReadJob),
    Stop,
}

/// One peer as the link's task sees it.
pub(crate) struct PeerLink {
    pub(crate) peer: Peer,
    pub(crate) audience: Audience,
    pub(crate) outbound: Mutex<Outbound>,
    /// There is something to do for the link's task.
    pub(crate) wake: Notify,
    /// Items received from the peer, and when its state changed last.
    pub(crate) received: std::sync::atomic::AtomicU64,
    pub(crate) since: Mutex<Option<Timestamp>>,
    pub(crate) last_ack: Mutex<Option<Timestamp>>,
}

/// What all parts of a node share.
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) public: PublicKey,
    pub(crate) certificate: KeyFingerprint,
    /// Tables and policies of the record, and from them the rules of the day.
    pub(crate) rules: RwLock<RulesOnRecord>,
    pub(crate) events: broadcast::Sender<NodeEvent>,
    pub(crate) jobs: Jobs,
    pub(crate) metrics: Metrics,
    /// The newest checkpoint of the own log, for pages.
    pub(crate) checkpoint: Mutex<Option<Checkpoint>>,
    pub(crate) projection: RwLock<Projection>,
    pub(crate) links: RwLock<BTreeMap<NodeName, Arc<PeerLink>>>,
    pub(crate) commands: mpsc::Sender<Command>,
    /// Signals that a peer was added, so that its task starts.
    pub(crate) peer_added: Notify,
    pub(crate) link_address: Mutex<String>,
}

impl Core {
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Projection> {
        self.projection.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut Projection) -> R) -> R {
        change(&mut self.projection.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The rules of release at `now`.
    pub(crate) fn rules(&self, now: Timestamp) -> Arc<Rules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).at(now)
    }

    /// Takes in what an entry says of tables and policies.
    pub(crate) fn note_rules(&self, stored: &Stored) {
        if let Some(entry) = &stored.entry
            && stored.received.is_none()
            && RulesOnRecord::concerns(entry.kind())
        {
            self.rules.write().unwrap_or_else(PoisonError::into_inner).apply(entry);
        }
    }

    pub(crate) fn links(&self) -> Vec<Arc<PeerLink>> {
        self.links.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn link(&self, peer: &NodeName) -> Option<Arc<PeerLink>> {
        self.links.read().unwrap_or_else(PoisonError::into_inner).get(peer).cloned()
    }

    /// The peer that is pinned to a certificate.
    pub(crate) fn peer_by_certificate(&self, certificate: &KeyFingerprint) -> Option<NodeName> {
        self.links().into_iter().find(|l| l.peer.certificate == *certificate).map(|l| l.peer.node.clone())
    }

    fn send(&self, command: Command) -> Result<(), NodeError> {
        self.commands.send(command).map_err(|_| NodeError::Stopping)
    }

    /// Sends a command that will be answered.
    fn ask<R>(
        &self,
        command: impl FnOnce(oneshot::Sender<R>) -> Command,
    ) -> Result<oneshot::Receiver<R>, NodeError> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply))?;
        Ok(answer)
    }

    fn ask_record<R: Send + 'static>(
        &self,
        read: impl FnOnce(&mut SqliteRecord) -> R + Send + 'static,
    ) -> Result<oneshot::Receiver<R>, NodeError> {
        self.ask(|reply| {
            Command::Read(Box::new(move |record| {
                let _ = reply.send(read(record));
            }))
        })
    }

    /// Records drafts; when it returns they are signed, on disk and decided for every peer.
    pub(crate) async fn append(&self, drafts: Vec<Draft>) -> Appended {
        self.ask(|reply| Command::Append { drafts, reply })?.await.map_err(|_| NodeError::Stopping)?
    }

    /// The same from a thread outside the async part.
    pub(crate) fn append_blocking(&self, drafts: Vec<Draft>) -> Appended {
        self.ask(|reply| Command::Append { drafts, reply })?
            .blocking_recv()
            .map_err(|_| NodeError::Stopping)?
    }

    /// Records a refusal; a flood of them is thinned by the writer.
    pub(crate) fn refuse(&self, refused: Refused) {
        self.metrics.refusals.inc();
        // Nobody waits for it; when the node is stopping it is too late anyway.
        let _ = self.ask(|reply| Command::Append { drafts: vec![Draft::Refused(refused)], reply });
    }

    pub(crate) async fn receive(
        &self,
        peer: NodeName,
        batch: ReceivedBatch,
        address: String,
    ) -> Result<Reply, NodeError> {
        let batch = Box::new(batch);
        let answer = self.ask(|reply| Command::Receive { peer, batch, address, reply })?;
        answer.await.map_err(|_| NodeError::Stopping)
    }

    pub(crate) async fn gather(&self, peer: NodeName, start: u64, end: u64) -> Result<Vec<Item>, NodeError> {
        let answer = self.ask(|reply| Command::Gather { peer, start, end, reply })?;
        answer.await.map_err(|_| NodeError::Stopping)?
    }

    pub(crate) fn acknowledged(&self, peer: NodeName, checkpoint: Checkpoint) -> Result<(), NodeError> {
        self.send(Command::Acknowledged { peer, checkpoint })
    }

    /// Reads from the record in the writer's turn.
    pub(crate) async fn with_record<R: Send + 'static>(
        &self,
        read: impl FnOnce(&mut SqliteRecord) -> R + Send + 'static,
    ) -> Result<R, NodeError> {
        self.ask_record(read)?.await.map_err(|_| NodeError::Stopping)
    }

    /// The same from a thread outside the async part.
    pub(crate) fn with_record_blocking<R: Send + 'static>(
        &self,
        read: impl FnOnce(&mut SqliteRecord) -> R + Send + 'static,
    ) -> Result<R, NodeError> {
        self.ask_record(read)?.blocking_recv().map_err(|_| NodeError::Stopping)
    }

    pub(crate) fn stop(&self) {
        let _ = self.send(Command::Stop);
    }
}

/// A marking that reaches nobody.
pub(crate) fn nobody(country: &Country) -> Marking {
    Marking::new("RESTRICTED", &[], country.as_str())
}
