//! The one thread that owns the record and writes; what it does for the link is in `exchange`.
//!
//! Commands that arrive together share one commit (group commit). What an own entry releases to whom is decided
//! before the commit and stored in it, so that after any crash the log for a peer and the own log agree.

mod exchange;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use base::{EntryId, Finding, KeyFingerprint, Marking, NodeName, Precedence, Recall};
use incident::GroupRules;
use label::{Evidence, Released, Rules};
use link::Inbound;
use rand_core::OsRng;
use record::{Batch, Entry, NodeKey, Peer, RecordStore, SqliteRecord, Stored};
use tokio::sync::{Notify, broadcast, oneshot};

use self::exchange::hand_on;
use crate::core::{Appended, Command, Core, Draft, lock, now};
use crate::events::NodeEvent;
use crate::jobs::Jobs;
use crate::link_index::LinkIndex;
use crate::metrics::Metrics;
use crate::peer_link::PeerLink;
use crate::projection::{Decision, Projection};
use crate::queue::{Popped, Queue};
use crate::thinner::Thinner;
use crate::{Config, NodeError};

/// Entries that share one commit at the most: what is more urgent waits for one commit.
const GROUP: usize = 256;

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
    let (events, _) = broadcast::channel(4096);
    let pool = rayon::ThreadPoolBuilder::new()
        .thread_name(|number| format!("signatures {number}"))
        .build()
        .map_err(|e| NodeError::Io { path: "threads".into(), source: std::io::Error::other(e) })?;
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
        commands: Queue::default(),
        index: Mutex::new(LinkIndex::default()),
        key,
        pool,
        refusals: Mutex::new(Thinner::default()),
        peer_added: Notify::new(),
        link_address: Mutex::new(config.link_address.clone()),
        config,
    });
    let mut writer =
        Writer { core: Arc::clone(&core), record, inbounds: HashMap::new(), scrubbed: Instant::now() };
    writer.rebuild()?;
    let thread = std::thread::Builder::new()
        .name("record".to_owned())
        .spawn(move || writer.run())
        .map_err(|source| NodeError::Io { path: "thread".into(), source })?;
    Ok((core, thread))
}

struct Writer {
    core: Arc<Core>,
    record: SqliteRecord,
    /// For each peer its four lanes, the most urgent first.
    inbounds: HashMap<NodeName, [Inbound; 4]>,
    /// When a piece of the disk was last looked at.
    scrubbed: Instant,
}

/// Entries that one caller wants to have recorded, and where he waits.
type ToAppend = (Vec<(Entry, Draft)>, oneshot::Sender<Appended>);

/// What one commit of own entries needs.
#[derive(Default)]
struct Plan {
    batch: Batch,
    released: Vec<(Arc<PeerLink>, Precedence, Released<Entry>)>,
    decisions: Vec<(NodeName, Decision)>,
    /// How many of the released ones stand in each lane.
    planned: HashMap<(NodeName, Precedence), u64>,
}

impl Writer {
    fn run(mut self) {
        let core = Arc::clone(&self.core);
        while let Some(command) = self.next(&core) {
            match command {
                Command::Append { entries, reply } => {
                    let mut group = vec![(entries, reply)];
                    let mut count = group[0].0.len();
                    // What waits in the same commit need not wait for the next.
                    'lanes: for lane in Precedence::ALL {
                        while count < GROUP {
                            let is_append = |waiting: &Command| matches!(waiting, Command::Append { .. });
                            match core.commands.pop_if(lane, is_append) {
                                Some(Command::Append { entries, reply }) => {
                                    count += entries.len();
                                    group.push((entries, reply));
                                }
                                _ => continue 'lanes,
                            }
                        }
                    }
                    self.append(group);
                }
                Command::Receive { peer, batch, address, reply } => {
                    let answer = self.receive(&peer, *batch, address);
                    let _ = reply.send(answer);
                }
                Command::Gather { peer, lane, start, end, reply } => {
                    let _ = reply.send(self.gather(&peer, lane, start, end));
                }
                Command::Acknowledged { peer, lane, checkpoint } => self.acknowledged(peer, lane, checkpoint),
                Command::Read(read) => read(&mut self.record),
                Command::Stop => core.commands.close(),
            }
        }
    }

    /// The next command; once a second, before it, a look at a piece of the disk.
    fn next(&mut self, core: &Core) -> Option<Command> {
        loop {
            if self.scrubbed.elapsed() >= SCRUB_EVERY {
                self.scrub();
            }
            match core.commands.pop_within(SCRUB_EVERY) {
                Popped::Item(command) => return Some(command),
                Popped::Nothing => {}
                Popped::Closed => return None,
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
            if let Some(entry) = &stored.entry {
                // Only the founding entry is the same in both.
                if seq > 0 && entry.domain() != self.core.domain() {
                    let message = format!(
                        "the folder holds a record that is {}; what is played needs a folder of its own",
                        entry.domain()
                    );
                    return Err(NodeError::Conflict { message });
                }
                lock(&self.core.index).apply(entry);
            }
            self.core.update(|p| p.apply(&stored));
        }
        let peers: Vec<Peer> = self.core.read().peers.values().cloned().collect();
        for peer in peers {
            self.introduce(peer)?;
        }
        Ok(())
    }

    fn append(&mut self, group: Vec<ToAppend>) {
        let mut entries = Vec::new();
        let mut replies = Vec::new();
        for (signed, reply) in group {
            replies.push((signed.iter().map(|(entry, _)| entry.id()).collect::<Vec<_>>(), reply));
            entries.extend(signed);
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
        self.grant_through_hubs(&mut entries)?;
        let held = entries.iter().map(|(entry, _)| (entry.id(), Evidence::held(entry)));
        let recalled = recalled(&entries).into_iter().map(|id| (id, Evidence::Recalled));
        let pending: HashMap<EntryId, Evidence> = held.chain(recalled).collect();
        let links = self.core.links();
        let mut plan =
            Plan { batch: Batch::of(entries.iter().map(|(entry, _)| entry.clone())), ..Plan::default() };
        for (entry, _) in &entries {
            for link in links.iter().filter(|link| link.via.is_none()) {
                if let Some(decided) = self.decide(entry, link, &pending)? {
                    plan.add(link, entry.id(), decided);
                }
            }
        }
        let end = self.record.log_size() + entries.len() as u64;
        plan.batch.cursors = links.iter().map(|link| (link.peer.node.clone(), end)).collect();
        let committed = self.record.commit(&plan.batch)?;
        if let Some(why) = committed.derived_behind {
            tracing::warn!(why, "tiles or checkpoint are behind; the entries are safe");
        }
        {
            let mut index = lock(&self.core.index);
            entries.iter().for_each(|(entry, _)| index.apply(entry));
        }
        self.after_commit(entries.iter().zip(&committed.places).map(|((entry, _), (seq, _))| Stored {
            seq: *seq,
            id: entry.id(),
            entry: Some(entry.clone()),
            key: *entry.key(),
            received: None,
        }));
        self.note_decisions(plan.decisions);
        hand_on(plan.released);
        for (_, draft) in entries {
            match draft {
                Draft::Peer(peer) => self.introduce(peer)?,
                Draft::Agreement(agreement) => self.agreed(&agreement),
                _ => {}
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
            entries.push((self.core.sign(&draft, None)?, draft));
        }
        for found in update.write {
            let draft = Draft::Incident(found);
            entries.push((self.core.sign(&draft, None)?, draft));
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

    fn note_decisions(&self, decisions: Vec<(NodeName, Decision)>) {
        self.core.update(|projection| {
            for (name, decision) in decisions {
                projection.decisions.entry(name).or_default().push(decision);
            }
        });
    }
}

/// What the recalls among `entries` take back.
fn recalled(entries: &[(Entry, Draft)]) -> Vec<EntryId> {
    entries
        .iter()
        .filter_map(|(_, draft)| if let Draft::Recall(recall) = draft { Some(recall.target) } else { None })
        .collect()
}
