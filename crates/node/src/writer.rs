//! The one thread that owns the record and writes.
//!
//! Commands that arrive together share one commit (group commit). What an own entry releases to whom is decided
//! before the commit and stored in it, so that after any crash the log for a peer and the own log agree.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};

use base::{
    Country, EntryId, Finding, KeyFingerprint, Marking, NodeName, Noun, Precedence, Recall, Timestamp,
};
use incident::GroupRules;
use label::{Audience, Evidence, Level, Released, Rules, Standing, Withheld};
use link::{Inbound, Item, LaneLog, Outbound, PeerIdentity, ReceivedBatch, Refusal, Refused, Reply};
use record::{
    Batch, Direction, Entry, Lane, LaneAck, LaneRow, NodeKey, Peer, PublicKey, RecordStore, SqliteRecord,
    Stored,
};
use tokio::sync::{Notify, broadcast, oneshot};

use crate::core::{Appended, Chance, Command, Core, Draft, Judgement, PeerLink, Surroundings, lock, nobody};
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use crate::situation::Situation;
use crate::thinner::Thinner;
use crate::upkeep::{Folds, PRECEDENCES};
use crate::view::{Decided, View, Views};
use crate::{Config, NodeError, inherit};

/// Drafts that share one commit at the most.
const GROUP: usize = 1024;
/// Entries that are decided for a new peer in one commit.
const CATCH_UP: u64 = 1000;

/// Opens the record and starts the thread that owns it.
pub(crate) fn start(
    config: Config,
    key: NodeKey,
    certificate: KeyFingerprint,
    surroundings: Arc<dyn Surroundings>,
) -> Result<(Arc<Core>, std::thread::JoinHandle<()>), NodeError> {
    let options =
        record::SqliteOptions { max_bytes: config.max_record_bytes, ..record::SqliteOptions::default() };
    let own_key = || NodeKey::from_secret(key.name().clone(), &key.secret());
    if !SqliteRecord::exists(&config.data) {
        let version = env!("CARGO_PKG_VERSION");
        SqliteRecord::create(
            &config.data,
            own_key(),
            &config.country,
            &config.title,
            version,
            surroundings.now(),
            &mut Chance(&*surroundings),
        )?;
    }
    let record = SqliteRecord::open(&config.data, own_key(), options)?;
    let (commands, inbox) = mpsc::channel();
    let (events, _) = broadcast::channel(4096);
    let views = Views::new(&config.data)?;
    let folds = Folds::open(&views, &record)?;
    let core = Arc::new(Core {
        public: key.public(),
        certificate,
        rules: Rules::new(config.country.clone()),
        events,
        jobs: Jobs::default(),
        metrics: Metrics::default(),
        checkpoint: Mutex::new(Some(record.checkpoint().clone())),
        situation: RwLock::new(Situation::default()),
        views,
        surroundings,
        links: RwLock::new(BTreeMap::new()),
        commands,
        peer_added: Notify::new(),
        link_address: Mutex::new(config.link_address.clone()),
        config,
    });
    let mut writer = Writer {
        core: Arc::clone(&core),
        key,
        record,
        folds,
        inbounds: HashMap::new(),
        refusals: Thinner::default(),
    };
    writer.take_up()?;
    let indexing = Arc::clone(&core);
    std::thread::Builder::new()
        .name("words".to_owned())
        .spawn(move || indexing.views.index())
        .map_err(|source| NodeError::Io { path: "thread".into(), source })?;
    let thread = std::thread::Builder::new()
        .name("record".to_owned())
        .spawn(move || writer.run(&inbox))
        .map_err(|source| NodeError::Io { path: "thread".into(), source })?;
    Ok((core, thread))
}

struct Writer {
    core: Arc<Core>,
    key: NodeKey,
    record: SqliteRecord,
    folds: Folds,
    inbounds: HashMap<NodeName, Inbound>,
    refusals: Thinner,
}

/// What one commit of own entries needs.
#[derive(Default)]
struct Plan {
    batch: Batch,
    released: Vec<(NodeName, Released<Entry>)>,
    /// For whom, on the entry at which place, and why not.
    decisions: Vec<(NodeName, u64, EntryId, Option<Withheld>)>,
}

impl Writer {
    fn run(mut self, inbox: &mpsc::Receiver<Command>) {
        let mut held = None;
        loop {
            let Some(command) = held.take().or_else(|| inbox.recv().ok()) else { return };
            match command {
                Command::Append { drafts, reply } => {
                    let mut group = vec![(drafts, reply)];
                    let mut count = group[0].0.len();
                    while count < GROUP {
                        match inbox.try_recv() {
                            Ok(Command::Append { drafts, reply }) => {
                                count += drafts.len();
                                group.push((drafts, reply));
                            }
                            Ok(other) => {
                                held = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.append(group);
                }
                Command::Receive { peer, batch, address, reply } => {
                    let answer = self.receive(&peer, &batch, address);
                    let _ = reply.send(answer);
                }
                Command::Gather { peer, start, end, reply } => {
                    let current = self.folds.keep_up(&self.core.views, &self.record);
                    let _ = reply.send(current.and_then(|()| self.gather(&peer, start, end)));
                }
                Command::Acknowledged { peer, checkpoint } => {
                    let lane = Lane { peer, direction: Direction::Out, precedence: Precedence::Routine };
                    let acks = vec![LaneAck { lane, checkpoint }];
                    if let Err(e) = self.record.commit(&Batch { acks, ..Batch::default() }) {
                        // The peer has it; the receipt will come again with the next batch.
                        tracing::warn!(error = %e, "receipt not stored");
                    }
                }
                Command::Read(read) => read(&mut self.record),
                Command::Open { view, reply } => {
                    let _ = reply.send(self.folds.add(&self.core.views, &self.record, view));
                }
                Command::Judge { id, peer, reply } => {
                    let _ = reply.send(self.judge(&id, &peer));
                }
                Command::Stop => {
                    self.core.views.stop();
                    return;
                }
            }
        }
    }

    /// Picks up where the last run stopped.
    fn take_up(&mut self) -> Result<(), NodeError> {
        for peer in self.folds.owner()?.peers()? {
            self.introduce(peer)?;
        }
        Ok(())
    }

    /// Makes the link for a peer and decides for it on everything that was recorded before.
    fn introduce(&mut self, peer: Peer) -> Result<(), NodeError> {
        let bad = |message: &str| NodeError::BadPeer { message: message.to_owned() };
        let key = PublicKey::from_hex(&peer.key).map_err(|_| bad("its key is no Ed25519 public key"))?;
        let clearance: Level =
            peer.clearance.parse().map_err(|_| bad("its clearance is not a level word such as SECRET"))?;
        let me = self.core.config.name.clone();
        let identity = PeerIdentity { node: peer.node.clone(), country: peer.country.clone(), key };
        let audience = Audience { node: peer.node.clone(), country: peer.country.clone(), clearance };
        let held = |direction| -> Result<LaneLog, NodeError> {
            let lane = Lane { peer: peer.node.clone(), direction, precedence: Precedence::Routine };
            let ids = self.record.lane_ids(&lane, 0, u64::MAX)?;
            Ok(LaneLog { ids, acked: self.record.lane(&lane)?.acked })
        };
        let inbound = Inbound::new(me.clone(), identity.clone(), held(Direction::In)?);
        let received = inbound.size();
        self.inbounds.insert(peer.node.clone(), inbound);
        let outbound = Outbound::new(me, identity, held(Direction::Out)?);
        let link = Arc::new(PeerLink {
            audience,
            outbound: Mutex::new(outbound),
            wake: Notify::new(),
            received: received.into(),
            since: Mutex::new(None),
            last_ack: Mutex::new(None),
            peer,
        });
        self.catch_up(&link)?;
        self.core
            .links
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(link.peer.node.clone(), Arc::clone(&link));
        self.core.peer_added.notify_one();
        Ok(())
    }

    fn catch_up(&mut self, link: &Arc<PeerLink>) -> Result<(), NodeError> {
        let name = &link.peer.node;
        let cursor = self.record.cursor(name)?;
        let noted = self.folds.owner()?.decided_upto(name)?;
        let end = self.record.log_size();
        let mut from = cursor.min(noted);
        // In steps: a peer that is new to a long log must not fill the memory.
        while from < end {
            let upto = (from + CATCH_UP).min(end);
            self.catch_up_to(link, from, upto, cursor)?;
            from = upto;
        }
        self.folds.add(&self.core.views, &self.record, View::Peer(name.clone()))?;
        link.wake.notify_one();
        Ok(())
    }

    fn catch_up_to(
        &mut self,
        link: &Arc<PeerLink>,
        from: u64,
        upto: u64,
        cursor: u64,
    ) -> Result<(), NodeError> {
        let name = &link.peer.node;
        let mut plan = Plan::default();
        for seq in from..upto {
            let Some(stored) = self.record.at(seq)? else { continue };
            if stored.received.is_some() {
                continue;
            }
            if self.place_for(name, &stored.id)?.is_some() {
                plan.decisions.push((name.clone(), seq, stored.id, None));
                continue;
            }
            let Some(entry) = stored.entry else { continue };
            match self.decide(&entry, link, &HashMap::new()) {
                Some(Ok(released)) if seq >= cursor => {
                    plan.decisions.push((name.clone(), seq, stored.id, None));
                    plan.released.push((name.clone(), released));
                }
                Some(Err(withheld)) => {
                    plan.decisions.push((name.clone(), seq, stored.id, Some(withheld)));
                }
                // It was looked through before and not released then: rules may widen, the past stays.
                _ => {}
            }
        }
        plan.batch.lane_rows = lane_rows(&plan.released);
        plan.batch.cursors.push((name.clone(), upto.max(cursor)));
        self.record.commit(&plan.batch)?;
        for (_, released) in &plan.released {
            if let Err(e) = lock(&link.outbound).append(released) {
                tracing::error!(error = %e, "released for another peer");
            }
        }
        self.folds.committed(&self.core.views, &self.record, &plan.batch, &[]);
        self.note_decisions(plan.decisions, [name.clone()], upto);
        Ok(())
    }

    /// Where `id` stands in a lane to `peer`.
    fn place_for(&self, peer: &NodeName, id: &EntryId) -> Result<Option<(Precedence, u64)>, NodeError> {
        for precedence in PRECEDENCES {
            let lane = Lane { peer: peer.clone(), direction: Direction::Out, precedence };
            if let Some(place) = self.record.lane_place(&lane, id)? {
                return Ok(Some((precedence, place)));
            }
        }
        Ok(None)
    }

    /// Whether `entry` goes to the peer. `None`: it is no matter between the two, and leaves no line anywhere.
    fn decide(
        &self,
        entry: &Entry,
        link: &PeerLink,
        pending: &HashMap<EntryId, Evidence>,
    ) -> Option<Result<Released<Entry>, Withheld>> {
        if let Ok(recall) = entry.noun::<Recall>()
            && !matches!(self.place_for(&link.peer.node, &recall.target), Ok(Some(_)))
        {
            // A recall of something that the peer never had would tell it that there was something.
            return None;
        }
        let look_up =
            |id: &EntryId| pending.get(id).cloned().unwrap_or_else(|| self.folds.evidence(&self.record, id));
        let recalled = self.folds.is_recalled(&self.record, &entry.id());
        let standing = Standing { recalled, evidence: &look_up };
        let now = self.core.surroundings.now();
        Some(label::release(entry.clone(), &link.audience, &self.core.rules, &standing, now))
    }

    /// What the kernel says now on an own entry and a peer, with what was decided then.
    fn judge(&self, id: &EntryId, peer: &NodeName) -> Result<Option<Judgement>, NodeError> {
        let (Some(link), Some(stored)) = (self.core.link(peer), self.record.get(id)?) else {
            return Ok(None);
        };
        let Some(entry) = stored.entry else { return Ok(None) };
        let decided = self.folds.owner()?.decision(peer, stored.seq)?;
        let now = self.decide(&entry, &link, &HashMap::new()).map(|decided| decided.map(|_| ()));
        Ok(Some(Judgement { decided, now }))
    }

    fn sign(&self, draft: &Draft) -> Result<Entry, NodeError> {
        let (key, country) = (&self.key, &self.core.config.country);
        let surroundings = &*self.core.surroundings;
        fn with<T: Noun>(
            noun: &T,
            key: &NodeKey,
            country: &Country,
            surroundings: &dyn Surroundings,
        ) -> Result<Entry, NodeError> {
            Ok(Entry::sign(noun, country, key, surroundings.now(), &mut Chance(surroundings))?)
        }
        match draft {
            Draft::Observation(noun) => with(noun, key, country, surroundings),
            Draft::Finding(noun) => with(noun, key, country, surroundings),
            Draft::Incident(noun) => with(noun, key, country, surroundings),
            Draft::Recall(noun) => with(noun, key, country, surroundings),
            Draft::Peer(noun) => with(noun, key, country, surroundings),
            Draft::Refused(noun) => with(noun, key, country, surroundings),
        }
    }

    fn append(&mut self, group: Vec<(Vec<Draft>, oneshot::Sender<Appended>)>) {
        if let Err(error) = self.folds.keep_up(&self.core.views, &self.record) {
            tracing::error!(%error, "the owner's view is behind; nothing is recorded until it can be written");
            for (_, reply) in group {
                let _ = reply.send(Err(NodeError::NotStored { message: error.to_string() }));
            }
            return;
        }
        let mut entries = Vec::new();
        let mut replies = Vec::new();
        for (drafts, reply) in group {
            let drafts: Vec<_> = drafts
                .into_iter()
                .filter_map(|draft| self.refusals.admit(draft))
                .map(|draft| {
                    let look_up = |id: &EntryId| self.folds.evidence(&self.record, id);
                    inherit::narrowed(draft, &self.core.rules.codes, look_up)
                })
                .collect();
            match drafts
                .iter()
                .map(|draft| Ok((self.sign(draft)?, draft.clone())))
                .collect::<Result<Vec<_>, NodeError>>()
            {
                Ok(signed) => {
                    replies.push((signed.iter().map(|(entry, _)| entry.id()).collect::<Vec<_>>(), reply));
                    entries.extend(signed);
                }
                Err(e) => {
                    let _ = reply.send(Err(e));
                }
            }
        }
        match self.commit_own(entries) {
            Ok(()) => {
                for (ids, reply) in replies {
                    let _ = reply.send(Ok(ids));
                }
            }
            Err(e) => {
                tracing::error!(error = %e, "commit failed; nothing of it was written");
                let message = e.to_string();
                for (_, reply) in replies {
                    let _ = reply.send(Err(NodeError::NotStored { message: message.clone() }));
                }
            }
        }
    }

    fn commit_own(&mut self, mut entries: Vec<(Entry, Draft)>) -> Result<(), NodeError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.folds.keep_up(&self.core.views, &self.record)?;
        self.regroup(&mut entries)?;
        let held = entries.iter().map(|(entry, _)| (entry.id(), Evidence::held(entry)));
        let recalled = recalled(&entries).into_iter().map(|id| (id, Evidence::Recalled));
        let pending: HashMap<EntryId, Evidence> = held.chain(recalled).collect();
        let links = self.core.links();
        let mut plan =
            Plan { batch: Batch::of(entries.iter().map(|(entry, _)| entry.clone())), ..Plan::default() };
        for (seq, (entry, _)) in (self.record.log_size()..).zip(&entries) {
            for link in &links {
                let name = link.peer.node.clone();
                match self.decide(entry, link, &pending) {
                    Some(Ok(released)) => {
                        plan.decisions.push((name.clone(), seq, entry.id(), None));
                        plan.released.push((name, released));
                    }
                    Some(Err(withheld)) => plan.decisions.push((name, seq, entry.id(), Some(withheld))),
                    None => {}
                }
            }
        }
        plan.batch.lane_rows = lane_rows(&plan.released);
        let end = self.record.log_size() + entries.len() as u64;
        plan.batch.cursors = links.iter().map(|link| (link.peer.node.clone(), end)).collect();
        let committed = self.record.commit(&plan.batch)?;
        if let Some(why) = committed.derived_behind {
            tracing::warn!(why, "tiles or checkpoint are behind; the entries are safe");
        }
        let fresh: Vec<Stored> = entries
            .iter()
            .zip(&committed.places)
            .map(|((entry, _), (seq, _))| Stored {
                seq: *seq,
                id: entry.id(),
                entry: Some(entry.clone()),
                key: *entry.key(),
                received: None,
            })
            .collect();
        for (name, released) in &plan.released {
            if let Some(link) = links.iter().find(|l| l.peer.node == *name)
                && let Err(e) = lock(&link.outbound).append(released)
            {
                tracing::error!(error = %e, "released for another peer");
            }
        }
        let peers: Vec<NodeName> = links.iter().map(|link| link.peer.node.clone()).collect();
        self.after_commit(&plan.batch, &fresh, |writer| writer.note_decisions(plan.decisions, peers, end));
        for link in &links {
            link.wake.notify_one();
        }
        for (_, draft) in entries {
            if let Draft::Peer(peer) = draft {
                self.introduce(peer)?;
            }
        }
        Ok(())
    }

    /// Adds the incident entries that follow from new findings and recalls. Only what these can touch is read.
    fn regroup(&self, entries: &mut Vec<(Entry, Draft)>) -> Result<(), NodeError> {
        let recalls = recalled(entries);
        let mut fresh: Vec<(EntryId, Finding)> = entries
            .iter()
            .filter_map(|(entry, draft)| {
                if let Draft::Finding(finding) = draft { Some((entry.id(), finding.clone())) } else { None }
            })
            .collect();
        if recalls.is_empty() && fresh.is_empty() {
            return Ok(());
        }
        let owner = self.folds.owner()?;
        let places: Vec<u64> =
            recalls.iter().filter_map(|id| self.record.place(id).transpose()).collect::<Result<_, _>>()?;
        // An incident that tells of a recalled finding is recalled with it, also one that was replaced since.
        let mut told: BTreeMap<u64, (EntryId, Option<Marking>)> = BTreeMap::new();
        for place in &places {
            let with = owner.incidents_with(*place)?;
            told.extend(with.into_iter().map(|row| (row.seq, (row.id, row.marking))));
        }
        let mut withdrawn: Vec<(EntryId, Marking)> = told
            .into_values()
            .filter(|(id, _)| !recalls.contains(id))
            .filter_map(|(id, marking)| Some((id, marking?)))
            .collect();
        let gap_seconds = self.core.config.incident_gap_hours * 3600.0;
        let new: Vec<&Finding> = fresh.iter().map(|(_, finding)| finding).collect();
        let mut near = owner.nearby(&new, &places, gap_seconds)?;
        let gone = |id: &EntryId| recalls.contains(id) || withdrawn.iter().any(|(w, _)| w == id);
        near.findings.retain(|(id, _)| !recalls.contains(id));
        near.findings.append(&mut fresh);
        near.incidents.retain(|(id, _)| !gone(id));
        let update = incident::update(&near.incidents, &near.findings, &GroupRules { gap_seconds });
        for id in update.withdraw {
            let marking = near.incidents.iter().find(|(i, _)| *i == id).map(|(_, i)| i.marking.clone());
            withdrawn.extend(marking.map(|marking| (id, marking)));
        }
        for (target, marking) in withdrawn {
            let reason = "it told of a finding that was recalled".to_owned();
            let draft = Draft::Recall(Recall { target, reason, marking });
            entries.push((self.sign(&draft)?, draft));
        }
        for found in update.write {
            let draft = Draft::Incident(found);
            entries.push((self.sign(&draft)?, draft));
        }
        Ok(())
    }

    /// Brings the views up, with what is to be noted beside, and then tells the pages.
    fn after_commit(&mut self, batch: &Batch, fresh: &[Stored], note: impl FnOnce(&mut Self)) {
        *lock(&self.core.checkpoint) = Some(self.record.checkpoint().clone());
        self.core.metrics.entries.inc_by(fresh.len() as u64);
        self.folds.committed(&self.core.views, &self.record, batch, fresh);
        note(self);
    }

    /// Notes decisions in the owner's view: pages show them. They follow from the record and can be made up for.
    fn note_decisions(
        &mut self,
        decisions: Vec<(NodeName, u64, EntryId, Option<Withheld>)>,
        peers: impl IntoIterator<Item = NodeName>,
        upto: u64,
    ) {
        let mut by_peer: BTreeMap<NodeName, Vec<(u64, Decided)>> =
            peers.into_iter().map(|peer| (peer, Vec::new())).collect();
        for (name, seq, id, withheld) in decisions {
            let outcome = match withheld {
                Some(withheld) => Decided::Withheld(withheld),
                None => match self.place_for(&name, &id) {
                    Ok(Some((precedence, place))) => Decided::Shared { lane: precedence.to_string(), place },
                    _ => continue,
                },
            };
            by_peer.entry(name).or_default().push((seq, outcome));
        }
        for (peer, decisions) in by_peer {
            if let Err(error) = self.folds.note_decisions(&peer, &decisions, upto) {
                tracing::error!(%error, %peer, "decisions are not noted; the next start makes up for it");
            }
        }
    }

    fn receive(&mut self, peer: &NodeName, batch: &ReceivedBatch, address: String) -> Reply {
        let Some(inbound) = self.inbounds.get(peer) else {
            return Reply::Refused { refusal: Refusal::UnknownPeer, size: 0 };
        };
        let size = inbound.size();
        let at = self.core.surroundings.now();
        let mut acceptance = match inbound.receive(batch, &self.key, at) {
            Ok(acceptance) => acceptance,
            Err(refusal) => {
                tracing::warn!(%peer, code = refusal.code(), %refusal, "batch refused");
                if !refusal.is_ordinary() {
                    self.record_refusal(peer, address, refusal.clone(), at);
                }
                return Reply::Refused { refusal, size };
            }
        };
        // Only what is here, and is this peer's, can go.
        acceptance.purge_only_held(|id| self.record.get(id).ok().flatten().and_then(|stored| stored.entry));
        if !acceptance.batch.is_empty() {
            let committed = match self.record.commit(&acceptance.batch) {
                Ok(committed) => committed,
                Err(e) => {
                    tracing::error!(%peer, error = %e, "cannot store what the peer sent; it will send it again");
                    let refusal = Refusal::CannotStore { reason: "the record cannot be written".to_owned() };
                    return Reply::Refused { refusal, size };
                }
            };
            let new = acceptance.batch.entries.iter().zip(&committed.places).filter(|(_, (_, new))| *new);
            let stored: Vec<Stored> = new
                .map(|(incoming, (seq, _))| Stored {
                    seq: *seq,
                    id: incoming.entry.id(),
                    entry: Some(incoming.entry.clone()),
                    key: *incoming.entry.key(),
                    received: incoming.received,
                })
                .collect();
            self.after_commit(&acceptance.batch, &stored, |_| ());
        }
        if let Some(inbound) = self.inbounds.get_mut(peer) {
            inbound.stored(&acceptance);
            if let Some(link) = self.core.link(peer) {
                link.received.store(inbound.size(), std::sync::atomic::Ordering::Relaxed);
            }
        }
        // Who sends can be reached: do not wait with what lies here for it.
        if let Some(link) = self.core.link(peer) {
            link.wake.notify_one();
        }
        self.core.metrics.items_received.inc_by(acceptance.new_items as u64);
        acceptance.reply
    }

    fn record_refusal(&mut self, peer: &NodeName, address: String, refusal: Refusal, at: Timestamp) {
        self.core.metrics.refusals.inc();
        let certificate = self.core.link(peer).map(|link| link.peer.certificate);
        let refused = Refused {
            peer: Some(peer.clone()),
            certificate,
            address: Some(address),
            refusal,
            at,
            suppressed: 0,
            marking: nobody(&self.core.config.country),
        };
        let Some(draft) = self.refusals.admit(Draft::Refused(refused)) else { return };
        let committed = self.sign(&draft).and_then(|entry| self.commit_own(vec![(entry, draft)]));
        if let Err(e) = committed {
            tracing::error!(error = %e, "refusal not recorded");
        }
    }

    fn gather(&self, peer: &NodeName, start: u64, end: u64) -> Result<Vec<Item>, NodeError> {
        let link =
            self.core.link(peer).ok_or_else(|| NodeError::NotFound { what: format!("peer `{peer}`") })?;
        let mut items = Vec::new();
        let mut bytes = 0;
        for place in start..end {
            let Some(id) = lock(&link.outbound).id_at(place) else { break };
            let entry = self.record.get(&id)?.and_then(|stored| stored.entry);
            // Decided anew: what was recalled since it entered the log stays here.
            let released = entry.and_then(|entry| self.decide(&entry, &link, &HashMap::new())?.ok());
            items.push(match released {
                Some(released) => {
                    bytes += released.get().payload().len();
                    Item::Released(released)
                }
                None => Item::Withdrawn(id),
            });
            if bytes > link::MAX_BATCH_BYTES / 2 {
                break;
            }
        }
        Ok(items)
    }
}

/// What the recalls among `entries` take back.
fn recalled(entries: &[(Entry, Draft)]) -> Vec<EntryId> {
    entries
        .iter()
        .filter_map(|(_, draft)| if let Draft::Recall(recall) = draft { Some(recall.target) } else { None })
        .collect()
}

fn lane_rows(released: &[(NodeName, Released<Entry>)]) -> Vec<LaneRow> {
    released
        .iter()
        .map(|(peer, entry)| LaneRow {
            lane: Lane { peer: peer.clone(), direction: Direction::Out, precedence: Precedence::Routine },
            id: entry.get().id(),
        })
        .collect()
}
