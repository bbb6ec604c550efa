//! The one thread that owns the record and writes.
//!
//! Commands that arrive together share one commit (group commit). What an own entry releases to whom is decided
//! before the commit and stored in it, so that after any crash the log for a peer and the own log agree.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};
use std::time::{Duration, Instant};

use base::{
    Country, EntryId, Finding, KeyFingerprint, Marking, NodeName, Noun, Precedence, Recall, Timestamp,
};
use incident::GroupRules;
use label::{Audience, Evidence, Level, Released, Rules, Standing, Withheld};
use link::{Inbound, Item, LaneLog, Outbound, PeerIdentity, ReceivedBatch, Refusal, Refused, Reply};
use rand_core::OsRng;
use record::{
    Batch, Direction, Entry, Lane, LaneAck, LaneRow, NodeKey, Peer, PublicKey, RecordStore, SqliteRecord,
    Stored,
};
use tokio::sync::{Notify, broadcast, oneshot};

use crate::core::{Appended, Command, Core, Draft, PeerLink, lock, nobody, now};
use crate::events::NodeEvent;
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use crate::projection::{Decision, Projection};
use crate::thinner::Thinner;
use crate::{Config, NodeError};

/// Drafts that share one commit at the most.
const GROUP: usize = 1024;

/// So often a piece of the database is compared with its digests,
const SCRUB_EVERY: Duration = Duration::from_secs(1);

/// and so large it is: a third of a millisecond's work, 10 GiB in half a day.
const SCRUB_PAGES: u64 = 64;

/// Opens the record and starts the thread that owns it.
pub(crate) fn start(
    config: Config,
    key: NodeKey,
    certificate: KeyFingerprint,
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
            now(),
            &mut OsRng,
        )?;
    }
    let record = SqliteRecord::open(&config.data, own_key(), options)?;
    let (commands, inbox) = mpsc::channel();
    let (events, _) = broadcast::channel(4096);
    let core = Arc::new(Core {
        public: key.public(),
        certificate,
        rules: Rules::new(config.country.clone()),
        events,
        jobs: Jobs::default(),
        metrics: Metrics::default(),
        checkpoint: Mutex::new(Some(record.checkpoint().clone())),
        projection: RwLock::new(Projection::default()),
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
        inbounds: HashMap::new(),
        refusals: Thinner::default(),
        scrubbed: Instant::now(),
    };
    writer.rebuild()?;
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
    inbounds: HashMap<NodeName, Inbound>,
    refusals: Thinner,
    /// When a piece of the disk was last looked at.
    scrubbed: Instant,
}

/// What one commit of own entries needs.
#[derive(Default)]
struct Plan {
    batch: Batch,
    released: Vec<(NodeName, Released<Entry>)>,
    decisions: Vec<(NodeName, EntryId, Option<Withheld>)>,
}

impl Writer {
    fn run(mut self, inbox: &mpsc::Receiver<Command>) {
        let mut held = None;
        loop {
            let Some(command) = held.take().or_else(|| self.next(inbox)) else { return };
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
                    let _ = reply.send(self.gather(&peer, start, end));
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
                Command::Stop => return,
            }
        }
    }

    /// The next command; once a second, before it, a look at a piece of the disk.
    fn next(&mut self, inbox: &mpsc::Receiver<Command>) -> Option<Command> {
        loop {
            if self.scrubbed.elapsed() >= SCRUB_EVERY {
                self.scrub();
            }
            match inbox.recv_timeout(SCRUB_EVERY) {
                Ok(command) => return Some(command),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// What nobody reads must not rot unseen.
    fn scrub(&mut self) {
        self.scrubbed = Instant::now();
        if let Err(e) = self.record.scrub(SCRUB_PAGES) {
            tracing::error!(error = %e, "found while looking through the record");
        }
        for damage in self.record.healed() {
            tracing::error!(%damage, "written anew from the entries; the disk may be failing");
        }
    }

    /// Reads the whole record into the projection and picks up where the last run stopped.
    fn rebuild(&mut self) -> Result<(), NodeError> {
        let size = self.record.log_size();
        for seq in 0..size {
            let Some(stored) = self.record.at(seq)? else { continue };
            self.core.update(|p| p.apply(&stored));
        }
        let peers: Vec<Peer> = self.core.read().peers.values().cloned().collect();
        for peer in peers {
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
        let places: HashMap<EntryId, u64> =
            lock(&link.outbound).ids().iter().enumerate().map(|(place, id)| (*id, place as u64)).collect();
        let own: Vec<(u64, EntryId)> =
            self.core.read().entries.iter().filter(|m| m.is_own()).map(|m| (m.seq, m.id)).collect();
        let mut plan = Plan::default();
        let mut known = Vec::new();
        for (seq, id) in own {
            if let Some(place) = places.get(&id) {
                known.push(Decision { id, outcome: Ok(*place) });
                continue;
            }
            let Some(entry) = self.record.get(&id)?.and_then(|stored| stored.entry) else { continue };
            let decided = self.decide(&entry, link, &HashMap::new());
            match decided {
                Some(Ok(released)) if seq >= cursor => {
                    plan.decisions.push((name.clone(), id, None));
                    plan.released.push((name.clone(), released));
                }
                Some(Err(withheld)) => plan.decisions.push((name.clone(), id, Some(withheld))),
                // It was looked through before and not released then: rules may widen, the past stays.
                _ => {}
            }
        }
        self.core.update(|p| p.decisions.insert(name.clone(), known));
        plan.batch.lane_rows = lane_rows(&plan.released);
        plan.batch.cursors.push((name.clone(), self.record.log_size()));
        self.record.commit(&plan.batch)?;
        for (_, released) in &plan.released {
            if let Err(e) = lock(&link.outbound).append(released) {
                tracing::error!(error = %e, "released for another peer");
            }
        }
        self.note_decisions(plan.decisions, Some(link));
        link.wake.notify_one();
        Ok(())
    }

    /// Whether `entry` goes to the peer. `None`: it is no matter between the two, and leaves no line anywhere.
    fn decide(
        &self,
        entry: &Entry,
        link: &PeerLink,
        pending: &HashMap<EntryId, Evidence>,
    ) -> Option<Result<Released<Entry>, Withheld>> {
        if let Ok(recall) = entry.noun::<Recall>()
            && !lock(&link.outbound).ids().contains(&recall.target)
        {
            // A recall of something that the peer never had would tell it that there was something.
            return None;
        }
        let projection = self.core.read();
        let look_up = |id: &EntryId| pending.get(id).cloned().unwrap_or_else(|| projection.evidence(id));
        let standing = Standing { recalled: projection.is_recalled(&entry.id()), evidence: &look_up };
        Some(label::release(entry.clone(), &link.audience, &self.core.rules, &standing, now()))
    }

    fn sign(&self, draft: &Draft) -> Result<Entry, NodeError> {
        fn with<T: Noun>(noun: &T, key: &NodeKey, country: &Country) -> Result<Entry, NodeError> {
            Ok(Entry::sign(noun, country, key, now(), &mut OsRng)?)
        }
        let (key, country) = (&self.key, &self.core.config.country);
        match draft {
            Draft::Observation(noun) => with(noun, key, country),
            Draft::Finding(noun) => with(noun, key, country),
            Draft::Incident(noun) => with(noun, key, country),
            Draft::Recall(noun) => with(noun, key, country),
            Draft::Peer(noun) => with(noun, key, country),
            Draft::Refused(noun) => with(noun, key, country),
        }
    }

    fn append(&mut self, group: Vec<(Vec<Draft>, oneshot::Sender<Appended>)>) {
        let mut entries = Vec::new();
        let mut replies = Vec::new();
        for (drafts, reply) in group {
            let drafts: Vec<_> = drafts.into_iter().filter_map(|draft| self.refusals.admit(draft)).collect();
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
        self.regroup(&mut entries)?;
        let held = entries.iter().map(|(entry, _)| (entry.id(), Evidence::held(entry)));
        let recalled = recalled(&entries).into_iter().map(|id| (id, Evidence::Recalled));
        let pending: HashMap<EntryId, Evidence> = held.chain(recalled).collect();
        let links = self.core.links();
        let mut plan =
            Plan { batch: Batch::of(entries.iter().map(|(entry, _)| entry.clone())), ..Plan::default() };
        for (entry, _) in &entries {
            for link in &links {
                let name = link.peer.node.clone();
                match self.decide(entry, link, &pending) {
                    Some(Ok(released)) => {
                        plan.decisions.push((name.clone(), entry.id(), None));
                        plan.released.push((name, released));
                    }
                    Some(Err(withheld)) => plan.decisions.push((name, entry.id(), Some(withheld))),
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
        self.after_commit(entries.iter().zip(&committed.places).map(|((entry, _), (seq, _))| Stored {
            seq: *seq,
            id: entry.id(),
            entry: Some(entry.clone()),
            key: *entry.key(),
            received: None,
        }));
        for (name, released) in &plan.released {
            if let Some(link) = links.iter().find(|l| l.peer.node == *name)
                && let Err(e) = lock(&link.outbound).append(released)
            {
                tracing::error!(error = %e, "released for another peer");
            }
        }
        self.note_decisions(plan.decisions, None);
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

    /// Adds the incident entries that follow from new findings and recalls.
    fn regroup(&self, entries: &mut Vec<(Entry, Draft)>) -> Result<(), NodeError> {
        let recalls = recalled(entries);
        let fresh: Vec<(EntryId, Finding)> = entries
            .iter()
            .filter_map(|(entry, draft)| {
                if let Draft::Finding(finding) = draft { Some((entry.id(), finding.clone())) } else { None }
            })
            .collect();
        if recalls.is_empty() && fresh.is_empty() {
            return Ok(());
        }
        let (mut findings, current, marked) = {
            let projection = self.core.read();
            // An incident that tells of a recalled finding is recalled with it, also one that was replaced since.
            let with: Vec<EntryId> =
                recalls.iter().flat_map(|id| projection.own_incidents_with(id)).collect();
            let marked: Vec<(EntryId, Marking)> = with
                .into_iter()
                .filter(|id| !recalls.contains(id))
                .filter_map(|id| Some((id, projection.get(&id)?.marking.clone()?)))
                .collect();
            (projection.own_findings(), projection.own_incidents(), marked)
        };
        findings.retain(|(id, _)| !recalls.contains(id));
        findings.extend(fresh);
        let gone = |id: &EntryId| recalls.contains(id) || marked.iter().any(|(m, _)| m == id);
        let current: Vec<_> = current.into_iter().filter(|(id, _)| !gone(id)).collect();
        let rules = GroupRules { gap_seconds: self.core.config.incident_gap_hours * 3600.0 };
        let update = incident::update(&current, &findings, &rules);
        let withdrawn = {
            let projection = self.core.read();
            update
                .withdraw
                .iter()
                .filter_map(|id| Some((*id, projection.get(id)?.marking.clone()?)))
                .collect::<Vec<_>>()
        };
        for (target, marking) in marked.into_iter().chain(withdrawn) {
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

    fn after_commit(&self, stored: impl Iterator<Item = Stored>) {
        *lock(&self.core.checkpoint) = Some(self.record.checkpoint().clone());
        let mut events = Vec::new();
        self.core.update(|projection| {
            for stored in stored {
                projection.apply(&stored);
                events.extend(NodeEvent::of(projection, &stored));
            }
        });
        self.core.metrics.entries.inc_by(events.len() as u64);
        for event in events {
            // Nobody listening is no error.
            let _ = self.core.events.send(event);
        }
    }

    fn note_decisions(
        &self,
        decisions: Vec<(NodeName, EntryId, Option<Withheld>)>,
        link: Option<&Arc<PeerLink>>,
    ) {
        let places: HashMap<(NodeName, EntryId), u64> = self
            .core
            .links()
            .iter()
            .chain(link)
            .flat_map(|link| {
                let name = link.peer.node.clone();
                let outbound = lock(&link.outbound);
                let from = outbound.ids().len().saturating_sub(decisions.len());
                outbound.ids()[from..]
                    .iter()
                    .enumerate()
                    .map(|(offset, id)| ((name.clone(), *id), (from + offset) as u64))
                    .collect::<Vec<_>>()
            })
            .collect();
        self.core.update(|projection| {
            for (name, id, withheld) in decisions {
                let outcome = match withheld {
                    Some(withheld) => Err(withheld),
                    None => Ok(places.get(&(name.clone(), id)).copied().unwrap_or_default()),
                };
                projection.decisions.entry(name).or_default().push(Decision { id, outcome });
            }
        });
    }

    fn receive(&mut self, peer: &NodeName, batch: &ReceivedBatch, address: String) -> Reply {
        let Some(inbound) = self.inbounds.get(peer) else {
            return Reply::Refused { refusal: Refusal::UnknownPeer, size: 0 };
        };
        let size = inbound.size();
        let at = now();
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
            self.after_commit(stored.into_iter());
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
