//! What all parts of a node share: settings, the projection, the links, and the way to the one thread that writes
//! (`writer`). Everybody sends it commands and reads the projection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use base::{
    Country, EntryId, Finding, KeyFingerprint, Marking, NodeName, Noun, Observation, Precedence, Recall,
    Timestamp,
};
use incident::Incident;
use label::Rules;
use link::{Agreement, DerivativeFlag, Grant, RecallReceipt, Refused, ReleaseRequest, Reply, VerifiedBatch};
use rand_core::OsRng;
use rayon::prelude::*;
use record::{Checkpoint, Domain, Entry, Heading, NodeKey, Peer, PublicKey, SqliteRecord};
use tokio::sync::{Notify, broadcast, oneshot};

use crate::events::NodeEvent;
use crate::jobs::Jobs;
use crate::link_index::LinkIndex;
use crate::metrics::Metrics;
use crate::peer_link::{Gathered, PeerLink};
use crate::projection::Projection;
use crate::queue::Queue;
use crate::thinner::Thinner;
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
    Receipt(RecallReceipt),
    Flag(DerivativeFlag),
    Request(ReleaseRequest),
    Grant(Grant),
    Agreement(Box<Agreement>),
}

/// Ids of the entries that drafts became, or why none of them was recorded.
pub(crate) type Appended = Result<Vec<EntryId>, NodeError>;

pub(crate) type ReadJob = Box<dyn FnOnce(&mut SqliteRecord) + Send>;

pub(crate) enum Command {
    Append {
        entries: Vec<(Entry, Draft)>,
        reply: oneshot::Sender<Appended>,
    },
    Receive {
        peer: NodeName,
        batch: Box<VerifiedBatch>,
        address: String,
        reply: oneshot::Sender<Reply>,
    },
    Gather {
        peer: NodeName,
        lane: Precedence,
        start: u64,
        end: u64,
        reply: oneshot::Sender<Result<Gathered, NodeError>>,
    },
    Acknowledged {
        peer: NodeName,
        lane: Precedence,
        checkpoint: Checkpoint,
    },
    Read(ReadJob),
    Stop,
}

/// What all parts of a node share.
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) public: PublicKey,
    pub(crate) certificate: KeyFingerprint,
    pub(crate) rules: Rules,
    pub(crate) events: broadcast::Sender<NodeEvent>,
    pub(crate) jobs: Jobs,
    pub(crate) metrics: Metrics,
    /// The newest checkpoint of the own log, for pages.
    pub(crate) checkpoint: Mutex<Option<Checkpoint>>,
    pub(crate) projection: RwLock<Projection>,
    pub(crate) links: RwLock<BTreeMap<NodeName, Arc<PeerLink>>>,
    pub(crate) commands: Queue<Command>,
    /// What the record says about recalls, grants and agreements.
    pub(crate) index: Mutex<LinkIndex>,
    /// Signs entries, checkpoints of lanes and receipts.
    pub(crate) key: NodeKey,
    /// Where signatures are made and checked, outside the thread that writes.
    pub(crate) pool: rayon::ThreadPool,
    pub(crate) refusals: Mutex<Thinner>,
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

    /// Live, or playing.
    pub(crate) const fn domain(&self) -> Domain {
        if self.config.exercise { Domain::Exercise } else { Domain::Live }
    }

    fn send(&self, precedence: Precedence, command: Command) -> Result<(), NodeError> {
        if self.commands.push(precedence, command) { Ok(()) } else { Err(NodeError::Stopping) }
    }

    /// Sends a command that will be answered.
    fn ask<R>(
        &self,
        precedence: Precedence,
        command: impl FnOnce(oneshot::Sender<R>) -> Command,
    ) -> Result<oneshot::Receiver<R>, NodeError> {
        let (reply, answer) = oneshot::channel();
        self.send(precedence, command(reply))?;
        Ok(answer)
    }

    fn ask_record<R: Send + 'static>(
        &self,
        read: impl FnOnce(&mut SqliteRecord) -> R + Send + 'static,
    ) -> Result<oneshot::Receiver<R>, NodeError> {
        // A person waits for it.
        self.ask(Precedence::Immediate, |reply| {
            Command::Read(Box::new(move |record| {
                let _ = reply.send(read(record));
            }))
        })
    }

    pub(crate) fn sign(&self, draft: &Draft, precedence: Option<Precedence>) -> Result<Entry, NodeError> {
        fn with<T: Noun>(core: &Core, noun: &T, precedence: Option<Precedence>) -> Result<Entry, NodeError> {
            let heading = Heading { domain: core.domain(), precedence };
            Ok(Entry::sign_as(noun, heading, &core.config.country, &core.key, now(), &mut OsRng)?)
        }
        match draft {
            Draft::Observation(noun) => with(self, noun, precedence),
            Draft::Finding(noun) => with(self, noun, precedence),
            Draft::Incident(noun) => with(self, noun, precedence),
            Draft::Recall(noun) => with(self, noun, precedence),
            Draft::Peer(noun) => with(self, noun, precedence),
            Draft::Refused(noun) => with(self, noun, precedence),
            Draft::Receipt(noun) => with(self, noun, precedence),
            Draft::Flag(noun) => with(self, noun, precedence),
            Draft::Request(noun) => with(self, noun, precedence),
            Draft::Grant(noun) => with(self, noun, precedence),
            Draft::Agreement(noun) => with(self, noun.as_ref(), precedence),
        }
    }

    fn sign_all(
        &self,
        drafts: Vec<Draft>,
        precedence: Option<Precedence>,
    ) -> Result<Vec<(Entry, Draft)>, NodeError> {
        let sign = |draft: Draft| Ok((self.sign(&draft, precedence)?, draft));
        let drafts: Vec<_> =
            drafts.into_iter().filter_map(|draft| lock(&self.refusals).admit(draft)).collect();
        if drafts.len() < 8 {
            return drafts.into_iter().map(sign).collect();
        }
        self.pool.install(|| drafts.into_par_iter().map(sign).collect())
    }

    fn ask_append(
        &self,
        drafts: Vec<Draft>,
        precedence: Option<Precedence>,
    ) -> Result<oneshot::Receiver<Appended>, NodeError> {
        let entries = self.sign_all(drafts, precedence)?;
        // Nothing to write waits behind what is less urgent.
        let first = entries.iter().map(|(entry, _)| link::precedence_of(entry)).min();
        self.ask(first.unwrap_or(Precedence::Routine), |reply| Command::Append { entries, reply })
    }

    /// Records drafts; when it returns they are signed, on disk and decided for every peer.
    pub(crate) async fn append(&self, drafts: Vec<Draft>) -> Appended {
        self.append_as(drafts, None).await
    }

    /// The same at a precedence that their author names.
    pub(crate) async fn append_as(&self, drafts: Vec<Draft>, precedence: Option<Precedence>) -> Appended {
        self.ask_append(drafts, precedence)?.await.map_err(|_| NodeError::Stopping)?
    }

    /// The same from a thread outside the async part.
    pub(crate) fn append_blocking(&self, drafts: Vec<Draft>) -> Appended {
        self.ask_append(drafts, None)?.blocking_recv().map_err(|_| NodeError::Stopping)?
    }

    /// Records a refusal; a flood of them is thinned.
    pub(crate) fn refuse(&self, refused: Refused) {
        self.metrics.refusals.inc();
        // Nobody waits for it; when the node is stopping it is too late anyway.
        let _ = self.ask_append(vec![Draft::Refused(refused)], None);
    }

    pub(crate) async fn receive(
        &self,
        peer: NodeName,
        batch: VerifiedBatch,
        address: String,
    ) -> Result<Reply, NodeError> {
        let (lane, batch) = (batch.precedence(), Box::new(batch));
        let answer = self.ask(lane, |reply| Command::Receive { peer, batch, address, reply })?;
        answer.await.map_err(|_| NodeError::Stopping)
    }

    /// Reads items of a lane from the record.
    pub(crate) async fn gather(
        &self,
        peer: NodeName,
        lane: Precedence,
        start: u64,
        end: u64,
    ) -> Result<Gathered, NodeError> {
        let answer = self.ask(lane, |reply| Command::Gather { peer, lane, start, end, reply })?;
        answer.await.map_err(|_| NodeError::Stopping)?
    }

    pub(crate) fn acknowledged(
        &self,
        peer: NodeName,
        lane: Precedence,
        checkpoint: Checkpoint,
    ) -> Result<(), NodeError> {
        self.send(Precedence::Routine, Command::Acknowledged { peer, lane, checkpoint })
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
        let _ = self.send(Precedence::Routine, Command::Stop);
    }
}

/// A marking that reaches nobody.
pub(crate) fn nobody(country: &Country) -> Marking {
    Marking::new("RESTRICTED", &[], country.as_str())
}
