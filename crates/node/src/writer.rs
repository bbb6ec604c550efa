//! The one thread that owns the record and writes; what it does for the link is in `exchange`, and what belongs
//! together in `incidents`.
//!
//! Commands that arrive together share one commit (group commit). What an own entry releases to whom is decided
//! before the commit and stored in it, so that after any crash the log for a peer and the own log agree.

mod exchange;
mod incidents;
mod program;
mod refusals;
mod restored;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use base::{EntryId, KeyFingerprint, NodeName, Precedence, Timestamp};
use label::Released;
use link::Inbound;
use record::{Batch, Entry, LaneAck, NodeKey, RecordStore, SqliteRecord, Stored};
use tokio::sync::{Notify, broadcast, oneshot};

use self::exchange::hand_on;
pub use self::incidents::IncidentParts;
use self::incidents::{pending, stored};
use crate::core::{Appended, Chance, Command, Core, Draft, Surroundings, lock};
use crate::feeds::Indicators;
use crate::jobs::Jobs;
use crate::link_index::LinkIndex;
use crate::metrics::Metrics;
use crate::peer_link::PeerLink;
use crate::policy_change::RulesOnRecord;
use crate::queue::{Queue, Quiet};
use crate::situation::Situation;
use crate::thinner::Thinner;
use crate::tombstones::Tombstones;
use crate::upkeep::Folds;
use crate::view::{Decided, Views};
use crate::{Config, NodeError};

/// Entries that share one commit at the most: what is more urgent waits for one commit.
const GROUP: usize = 256;

/// Looks at what a policy would change that may go on at once.
const DRY_RUNS: usize = 2;

/// So often a piece of the database is compared with its digests,
const SCRUB_EVERY: Duration = Duration::from_secs(1);

/// and so large it is: a third of a millisecond's work, 10 GiB in half a day.
const SCRUB_PAGES: u64 = 64;

/// Receipts of peers wait so long for a commit to go with.
const RECEIPTS_WAIT: Duration = Duration::from_millis(20);

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
        found(&config, own_key(), &*surroundings)?;
    }
    let mut record = SqliteRecord::open(&config.data, own_key(), options)?;
    let (events, _) = broadcast::channel(4096);
    let (tombstones, recalls) = Tombstones::open(&config.tombstones)?;
    let own_recalls =
        restored::purge_again(&config, &mut record, recalls, &key.public(), surroundings.now())?;
    let unconfirmed = restored::look(&config, &record, &tombstones)?;
    program::name(&mut record, &config, &key, &*surroundings)?;
    let views = Views::new(&config.data)?;
    let folds = Folds::open(&views, &record, unconfirmed)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .thread_name(|number| format!("signatures {number}"))
        .build()
        .map_err(|e| NodeError::Io { path: "threads".into(), source: std::io::Error::other(e) })?;
    let core = Arc::new(Core {
        public: key.public(),
        certificate,
        rules: RwLock::new(RulesOnRecord::new(config.country.clone())),
        policy_steps: tokio::sync::Mutex::default(),
        dry_runs: Arc::new(tokio::sync::Semaphore::new(DRY_RUNS)),
        events,
        jobs: Jobs::default(),
        metrics: Metrics::default(),
        checkpoint: Mutex::new(Some(record.checkpoint().clone())),
        situation: RwLock::new(Situation::default()),
        indicators: Indicators::default(),
        views,
        surroundings,
        links: RwLock::new(BTreeMap::new()),
        commands: Queue::default(),
        index: Mutex::new(LinkIndex::of(key.public())),
        key,
        pool,
        refusals: Mutex::new(Thinner::default()),
        peer_added: Notify::new(),
        link_address: Mutex::new(config.link_address.clone()),
        used: Mutex::new(None),
        config,
    });
    let mut writer = Writer {
        core: Arc::clone(&core),
        record,
        folds,
        inbounds: HashMap::new(),
        receipts: Vec::new(),
        scrubbed: Instant::now(),
        proven: HashMap::new(),
        tombstones,
    };
    writer.take_up(own_recalls)?;
    let indexing = Arc::clone(&core);
    std::thread::Builder::new()
        .name("words".to_owned())
        .spawn(move || indexing.views.index())
        .map_err(|source| NodeError::Io { path: "thread".into(), source })?;
    let thread = std::thread::Builder::new()
        .name("record".to_owned())
        .spawn(move || writer.run())
        .map_err(|source| NodeError::Io { path: "thread".into(), source })?;
    Ok((core, thread))
}

/// Makes the record of a folder that has none.
pub(crate) fn found(config: &Config, key: NodeKey, surroundings: &dyn Surroundings) -> Result<(), NodeError> {
    SqliteRecord::create(
        &config.data,
        key,
        &config.country,
        &config.title,
        env!("CARGO_PKG_VERSION"),
        surroundings.now(),
        &mut Chance(surroundings),
    )?;
    Ok(())
}

struct Writer {
    core: Arc<Core>,
    record: SqliteRecord,
    folds: Folds,
    /// For each peer its four lanes, the most urgent first.
    inbounds: HashMap<NodeName, [Inbound; 4]>,
    /// Receipts of peers that are not stored yet, the newest of each lane. One that is lost comes again: whoever is asked
    /// where it stands answers with it.
    receipts: Vec<LaneAck>,
    /// When a piece of the disk was last looked at.
    scrubbed: Instant,
    /// When a proof of fraud was last looked for, by peer and lane.
    proven: HashMap<(NodeName, Precedence), Timestamp>,
    tombstones: Tombstones,
}

/// Entries that one caller wants to have recorded, and where he waits.
type ToAppend = (Vec<(Entry, Draft)>, oneshot::Sender<Appended>);

/// What was decided on own entries for each peer, by their places in the home log.
type Decisions = BTreeMap<NodeName, Vec<(u64, Decided)>>;

/// What one commit of own entries needs.
#[derive(Default)]
struct Plan {
    batch: Batch,
    released: Vec<(Arc<PeerLink>, Precedence, Released<Entry>)>,
    /// By peer: the entry's place in the home log, and its lane and place there, or why it has none.
    decisions: Decisions,
    /// How many of the released ones stand in each lane.
    planned: HashMap<(NodeName, Precedence), u64>,
}

impl Writer {
    fn run(mut self) {
        let core = Arc::clone(&self.core);
        while let Some(command) = self.next(&core.commands) {
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
                    let (lane, began) = (batch.precedence(), Instant::now());
                    let answer = self.receive(&peer, *batch, address);
                    if let Some(link) = core.link(&peer) {
                        link.share.worked(lane, began.elapsed());
                    }
                    let _ = reply.send(answer);
                }
                Command::Gather { peer, lane, start, end, reply } => {
                    let current = self.folds.keep_up(&self.core.views, &self.record);
                    let _ = reply.send(current.and_then(|()| self.gather(&peer, lane, start, end)));
                }
                Command::Acknowledged { peer, lane, checkpoint } => self.acknowledged(peer, lane, checkpoint),
                Command::Read(read) => read(&mut self.record),
                Command::Open { view, reply } => {
                    match self.folds.add_piece(&core.views, &self.record, &view) {
                        // The rest when nothing else waits.
                        Ok(false) if !reply.is_closed() => {
                            core.commands.push(Precedence::Routine, Command::Open { view, reply });
                        }
                        opened => drop(reply.send(opened.map(|_| ()))),
                    }
                }
                Command::Evidence { ids, reply } => {
                    let held = ids.into_iter().map(|id| (id, self.folds.evidence(&self.record, &id)));
                    let _ = reply.send(held.collect());
                }
                Command::Judge { id, peer, reply } => {
                    let _ = reply.send(self.judge(&id, &peer));
                }
                Command::Stop => core.commands.close(),
            }
        }
        self.core.views.stop();
    }

    /// The next command; once a second, before it, a look at a piece of the disk.
    fn next(&mut self, commands: &Queue<Command>) -> Option<Command> {
        loop {
            if self.scrubbed.elapsed() >= SCRUB_EVERY {
                self.scrub();
            }
            let patience = if self.receipts.is_empty() { SCRUB_EVERY } else { RECEIPTS_WAIT };
            match commands.pop(patience) {
                Ok(command) => return Some(command),
                Err(Quiet::Yet) => self.keep_receipts(),
                Err(Quiet::ForEver) => {
                    self.keep_receipts();
                    return None;
                }
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

    /// Picks up where the last run stopped.
    fn take_up(&mut self, own_recalls: Vec<Entry>) -> Result<(), NodeError> {
        // Only the founding entry is the same in both domains; after it, the first one tells.
        if let Some(entry) = self.record.at(1)?.and_then(|stored| stored.entry)
            && entry.domain() != self.core.domain()
        {
            let message = format!(
                "the folder holds a record that is {}; what is played needs a folder of its own",
                entry.domain()
            );
            return Err(NodeError::Conflict { message });
        }
        for id in self.folds.owner()?.exchanged()? {
            if let Some(stored) = self.record.get(&id)? {
                self.core.note_rules(&stored);
                if let Some(entry) = &stored.entry {
                    lock(&self.core.index).apply(entry);
                }
            }
        }
        self.recall_again(own_recalls)?;
        for fault in self.core.rules_on_record().faults() {
            tracing::warn!("{fault}");
        }
        for peer in self.folds.owner()?.peers()? {
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
        self.folds.keep_up(&self.core.views, &self.record)?;
        let readers = self.regroup(&mut entries)?;
        self.grant_through_hubs(&mut entries, &readers)?;
        let pending = pending(&entries);
        let links = self.core.links();
        let mut plan =
            Plan { batch: Batch::of(entries.iter().map(|(entry, _)| entry.clone())), ..Plan::default() };
        for (seq, (entry, _)) in (self.record.log_size()..).zip(&entries) {
            for link in links.iter().filter(|link| link.via.is_none()) {
                let decided = self.decide(entry, link, &pending)?;
                let is_for = readers.has(entry, &link.peer.node);
                if let Some(decided) = decided.filter(|decided| is_for || decided.is_err()) {
                    plan.add(link, seq, entry.id(), decided);
                }
            }
        }
        let end = self.record.log_size() + entries.len() as u64;
        plan.batch.acks = std::mem::take(&mut self.receipts);
        plan.batch.cursors = links.iter().map(|link| (link.peer.node.clone(), end)).collect();
        self.remember_recalls(entries.iter().map(|(entry, _)| entry));
        let committed = self.record.commit(&plan.batch)?;
        if let Some(why) = committed.derived_behind {
            tracing::warn!(why, "tiles or checkpoint are behind; the entries are safe");
        }
        let signed: Vec<Entry> = entries.iter().map(|(entry, _)| entry.clone()).collect();
        let fresh = stored(&signed, &committed.places);
        {
            let mut index = lock(&self.core.index);
            entries.iter().for_each(|(entry, _)| index.apply(entry));
        }
        for link in &links {
            plan.decisions.entry(link.peer.node.clone()).or_default();
        }
        self.after_commit(&plan.batch, &fresh, |writer| writer.note_decisions(plan.decisions, end));
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

    /// Brings the views up, with what is to be noted beside, and then tells the pages.
    fn after_commit(&mut self, batch: &Batch, fresh: &[Stored], note: impl FnOnce(&mut Self)) {
        *lock(&self.core.checkpoint) = Some(self.record.checkpoint().clone());
        self.core.metrics.entries.inc_by(fresh.len() as u64);
        fresh.iter().for_each(|stored| self.core.note_rules(stored));
        self.folds.committed(&self.core.views, &self.record, batch, fresh);
        note(self);
    }

    /// Notes decisions in the owner's view: pages show them. They follow from the record and can be made up for.
    fn note_decisions(&mut self, decisions: Decisions, upto: u64) {
        for (peer, decisions) in decisions {
            if let Err(error) = self.folds.note_decisions(&peer, &decisions, upto) {
                tracing::error!(%error, %peer, "decisions are not noted; the next start makes up for it");
            }
        }
    }
}

/// What the recalls among `entries` take back.
fn recalled(entries: &[(Entry, Draft)]) -> Vec<EntryId> {
    entries
        .iter()
        .filter_map(|(_, draft)| if let Draft::Recall(recall) = draft { Some(recall.target) } else { None })
        .collect()
}
