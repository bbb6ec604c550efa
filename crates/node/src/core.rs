//! What all parts of a node share: settings, the views, the links, and the way to the one thread that writes
//! (`writer`). Everybody sends it commands and reads views.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base::{
    Country, EntryId, Finding, KeyFingerprint, Marking, NodeName, Noun, Observation, Precedence, Recall,
    Timestamp,
};
use incident::Incident;
use label::{CodeTable, Evidence, MappingTable, PolicyDocument, Rules, Withheld};
use link::{Agreement, DerivativeFlag, Grant, RecallReceipt, Refused, ReleaseRequest, Reply, VerifiedBatch};
use rand_core::RngCore;
use rayon::prelude::*;
use record::{Checkpoint, Domain, Entry, Fraud, Heading, NodeKey, Peer, PublicKey, SqliteRecord, Stored};
use threat::Sighting;
use tokio::sync::{Notify, broadcast, oneshot};

use crate::events::NodeEvent;
use crate::feeds::Indicators;
use crate::jobs::Jobs;
use crate::link_index::LinkIndex;
use crate::metrics::Metrics;
use crate::peer_link::{Gathered, PeerLink};
use crate::people::{Act, ActKind, Actor};
use crate::policy_account::AccountSignature;
use crate::policy_change::{PolicyApplied, PolicySignature, RulesOnRecord};
use crate::queue::Queue;
use crate::share::is_recent;
use crate::situation::Situation;
use crate::taxii::{TaxiiAdded, TaxiiRemoved};
use crate::taxii_client::TaxiiSent;
use crate::thinner::Thinner;
use crate::view::{Decided, Reader, View, Views};
use crate::writer::IncidentParts;
use crate::{Config, NodeError, inherit};

/// The time by this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// What a node takes from the machine it runs on beside files and sockets: the time and chance. Tests hand in others,
/// so that two runs give the same bytes.
pub(crate) trait Surroundings: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;
    /// Fills `bytes` with what nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's clock and its source of randomness.
pub(crate) struct Machine;

impl Surroundings for Machine {
    fn now(&self) -> Timestamp {
        now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        rand_core::OsRng.fill_bytes(bytes);
    }
}

/// The chance of some surroundings, as signing wants it.
pub(crate) struct Chance<'a>(pub(crate) &'a dyn Surroundings);

impl RngCore for Chance<'_> {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl rand_core::CryptoRng for Chance<'_> {}

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
    Fraud(Box<Fraud>),
    /// Incidents that the people of this node do not read.
    Parts(IncidentParts),
    /// A step toward the rules of release.
    Rule(Box<RuleDraft>),
    /// That an indicator was seen, for whoever gave it.
    Sighting(Box<Sighting>),
    /// What clients of the TAXII server added.
    TaxiiAdded(Box<TaxiiAdded>),
    /// What clients of the TAXII server deleted.
    TaxiiRemoved(Box<TaxiiRemoved>),
    /// What goes to another TAXII server.
    TaxiiSent(Box<TaxiiSent>),
    /// What a person did; it gets the ids of what it is recorded with.
    Act(Box<Act>),
}

/// What the rules of release are made of.
#[derive(Debug, Clone)]
pub(crate) enum RuleDraft {
    Codes(CodeTable),
    Words(MappingTable),
    Policy(PolicyDocument),
    /// A signature with an officer's key, made elsewhere.
    KeySignature(PolicySignature),
    Signature(AccountSignature),
    Applied(PolicyApplied),
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
    /// Makes a view readable.
    Open {
        view: View,
        reply: oneshot::Sender<Result<(), NodeError>>,
    },
    /// What is known of entries that a draft rests on.
    Evidence {
        ids: BTreeSet<EntryId>,
        reply: oneshot::Sender<HashMap<EntryId, Evidence>>,
    },
    /// Why an entry goes to a peer, or why not.
    Judge {
        id: EntryId,
        peer: NodeName,
        reply: oneshot::Sender<Result<Option<Judgement>, NodeError>>,
    },
    Stop,
}

/// Why an own entry goes to a peer, or why not. For the owner's eyes.
#[derive(Debug)]
pub(crate) struct Judgement {
    /// What was decided when it was recorded or the peer introduced; `None`: it was no matter between the two.
    pub(crate) decided: Option<Decided>,
    /// What the kernel says now.
    pub(crate) now: Option<Result<(), Withheld>>,
}

/// What all parts of a node share.
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) public: PublicKey,
    pub(crate) certificate: KeyFingerprint,
    /// Tables and policies of the record, and from them the rules of the day.
    pub(crate) rules: RwLock<RulesOnRecord>,
    /// Held from the look at the rules to the commit, so that steps toward a policy come one after the other.
    pub(crate) policy_steps: tokio::sync::Mutex<()>,
    /// How many may look at once what a policy would change: it reads much.
    pub(crate) dry_runs: Arc<tokio::sync::Semaphore>,
    pub(crate) events: broadcast::Sender<NodeEvent>,
    pub(crate) jobs: Jobs,
    pub(crate) metrics: Metrics,
    /// The newest checkpoint of the own log, for pages.
    pub(crate) checkpoint: Mutex<Option<Checkpoint>>,
    pub(crate) situation: RwLock<Situation>,
    /// What logs are searched for.
    pub(crate) indicators: Indicators,
    pub(crate) views: Views,
    pub(crate) surroundings: Arc<dyn Surroundings>,
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
    /// When somebody of this node last had something to record.
    pub(crate) used: Mutex<Option<Instant>>,
}

impl Core {
    /// The current catalogue and what was done with it.
    pub(crate) fn situation(&self) -> Situation {
        self.situation.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut Situation) -> R) -> R {
        change(&mut self.situation.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// A reader of one view. Blocks where the view must be opened first.
    pub(crate) fn look(&self, view: &View) -> Result<Reader, NodeError> {
        if let Some(opened) = self.views.get(view) {
            return opened.reader();
        }
        if matches!(view, View::User(_) | View::Owner) {
            // The first of this clearance since the start; or the owner's while all views are built anew.
            let view = view.clone();
            self.ask(Precedence::Immediate, |reply| Command::Open { view, reply })?
                .blocking_recv()
                .map_err(|_| NodeError::Stopping)??;
        }
        let opened =
            self.views.get(view).ok_or_else(|| NodeError::NotFound { what: "the view".to_owned() })?;
        opened.reader()
    }

    /// Makes the view readable, if it is not yet.
    pub(crate) async fn open(&self, view: &View) -> Result<(), NodeError> {
        if matches!(view, View::User(_)) && self.views.get(view).is_none() {
            let view = view.clone();
            let answer = self.ask(Precedence::Routine, |reply| Command::Open { view, reply })?;
            answer.await.map_err(|_| NodeError::Stopping)??;
        }
        Ok(())
    }

    /// Reads from one view, off the async part.
    pub(crate) async fn read<R: Send + 'static>(
        self: &Arc<Self>,
        view: &View,
        read: impl FnOnce(&Reader) -> Result<R, NodeError> + Send + 'static,
    ) -> Result<R, NodeError> {
        let (core, view) = (Arc::clone(self), view.clone());
        tokio::task::spawn_blocking(move || read(&core.look(&view)?))
            .await
            .map_err(|_| NodeError::Stopping)?
    }

    /// Where an id stands in the home log: for look-ups, never to be shown.
    pub(crate) async fn place(&self, id: EntryId) -> Result<Option<u64>, NodeError> {
        Ok(self.with_record(move |record| record.place(&id)).await??)
    }

    /// See [`Judgement`]; `None` when either is not here.
    pub(crate) async fn judge(&self, id: EntryId, peer: NodeName) -> Result<Option<Judgement>, NodeError> {
        let answer = self.ask(Precedence::Immediate, |reply| Command::Judge { id, peer, reply })?;
        answer.await.map_err(|_| NodeError::Stopping)?
    }

    /// What a person did, at the time of this node's clock.
    pub(crate) fn act(&self, kind: ActKind, by: Actor) -> Act {
        Act::new(kind, by, &self.config.country, self.surroundings.now())
    }

    /// Tables, policies and proposals as the record has them.
    pub(crate) fn rules_on_record(&self) -> RwLockReadGuard<'_, RulesOnRecord> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rules of release at `now`.
    pub(crate) fn rules(&self, now: Timestamp) -> Arc<Rules> {
        self.rules_on_record().at(now)
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

    /// Whether anybody beside this peer needs the machine just now.
    pub(crate) fn others_need_it(&self, peer: &PeerLink) -> bool {
        let other = |link: &Arc<PeerLink>| link.peer.node != peer.peer.node && link.share.needs_it();
        is_recent(*lock(&self.used)) || self.links().iter().any(other)
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
            let mut chance = Chance(&*core.surroundings);
            let now = core.surroundings.now();
            Ok(Entry::sign_as(noun, heading, &core.config.country, &core.key, now, &mut chance)?)
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
            Draft::Fraud(noun) => with(self, noun.as_ref(), precedence),
            Draft::Parts(noun) => with(self, noun, precedence),
            Draft::Rule(rule) => match rule.as_ref() {
                RuleDraft::Codes(noun) => with(self, noun, precedence),
                RuleDraft::Words(noun) => with(self, noun, precedence),
                RuleDraft::Policy(noun) => with(self, noun, precedence),
                RuleDraft::KeySignature(noun) => with(self, noun, precedence),
                RuleDraft::Signature(noun) => with(self, noun, precedence),
                RuleDraft::Applied(noun) => with(self, noun, precedence),
            },
            Draft::Sighting(noun) => with(self, noun.as_ref(), precedence),
            Draft::TaxiiAdded(noun) => with(self, noun.as_ref(), precedence),
            Draft::TaxiiRemoved(noun) => with(self, noun.as_ref(), precedence),
            Draft::TaxiiSent(noun) => with(self, noun.as_ref(), precedence),
            Draft::Act(noun) => with(self, noun.as_ref(), precedence),
        }
    }

    /// Signs what one command brought. Acts come last: they name what they are recorded with.
    fn sign_all(
        &self,
        drafts: Vec<Draft>,
        precedence: Option<Precedence>,
    ) -> Result<Vec<(Entry, Draft)>, NodeError> {
        let sign = |draft: Draft| Ok((self.sign(&draft, precedence)?, draft));
        let drafts = drafts.into_iter().filter_map(|draft| lock(&self.refusals).admit(draft));
        let (acts, drafts): (Vec<_>, Vec<_>) = drafts.partition(|draft| matches!(draft, Draft::Act(_)));
        let mut signed: Vec<(Entry, Draft)> = if drafts.len() < 8 {
            drafts.into_iter().map(sign).collect::<Result<_, NodeError>>()?
        } else {
            self.pool.install(|| drafts.into_par_iter().map(sign).collect::<Result<_, NodeError>>())?
        };
        let made: Vec<EntryId> = signed.iter().map(|(entry, _)| entry.id()).collect();
        for mut draft in acts {
            if let Draft::Act(act) = &mut draft {
                act.about.extend(&made);
                act.at = self.surroundings.now();
            }
            signed.push((self.sign(&draft, None)?, draft));
        }
        Ok(signed)
    }

    /// Asks what is known of the entries that drafts rest on; nothing to ask for most.
    fn ask_evidence(
        &self,
        drafts: &[Draft],
    ) -> Result<Option<oneshot::Receiver<HashMap<EntryId, Evidence>>>, NodeError> {
        let ids = inherit::rests_on(drafts);
        if ids.is_empty() {
            return Ok(None);
        }
        self.ask(Precedence::Immediate, |reply| Command::Evidence { ids, reply }).map(Some)
    }

    /// What is known of one entry, from a thread outside the async part.
    pub(crate) fn evidence_blocking(&self, id: EntryId) -> Result<Evidence, NodeError> {
        let ids = BTreeSet::from([id]);
        let answer = self.ask(Precedence::Routine, |reply| Command::Evidence { ids, reply })?;
        let mut held = answer.blocking_recv().map_err(|_| NodeError::Stopping)?;
        Ok(held.remove(&id).unwrap_or(Evidence::Unknown))
    }

    fn narrowed(&self, drafts: Vec<Draft>, held: &HashMap<EntryId, Evidence>) -> Vec<Draft> {
        let look_up = |id: &EntryId| held.get(id).cloned().unwrap_or(Evidence::Unknown);
        let rules = self.rules(self.surroundings.now());
        drafts.into_iter().map(|draft| inherit::narrowed(draft, &rules.codes, look_up)).collect()
    }

    fn ask_append(
        &self,
        drafts: Vec<Draft>,
        precedence: Option<Precedence>,
    ) -> Result<oneshot::Receiver<Appended>, NodeError> {
        // What a peer has refused is its own doing.
        if drafts.iter().any(|draft| !matches!(draft, Draft::Refused(_))) {
            *lock(&self.used) = Some(Instant::now());
        }
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
        let held = match self.ask_evidence(&drafts)? {
            Some(answer) => answer.await.map_err(|_| NodeError::Stopping)?,
            None => HashMap::new(),
        };
        let drafts = self.narrowed(drafts, &held);
        self.ask_append(drafts, precedence)?.await.map_err(|_| NodeError::Stopping)?
    }

    /// The same from a thread outside the async part.
    pub(crate) fn append_blocking(&self, drafts: Vec<Draft>) -> Appended {
        let held = match self.ask_evidence(&drafts)? {
            Some(answer) => answer.blocking_recv().map_err(|_| NodeError::Stopping)?,
            None => HashMap::new(),
        };
        let drafts = self.narrowed(drafts, &held);
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
