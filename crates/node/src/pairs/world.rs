//! One node of a pair, in this process and without sockets: its time, its chance and its keys are set.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use base::{
    Confidence, EntryId, Finding, Interval, KeyFingerprint, Marking, Method, NodeName, ObjectRef,
    Observation, Recall, Severity, Source, Timestamp,
};
use record::{Batch, Direction, Entry, Incoming, Lane, LaneRow, NodeKey, Peer, RecordStore};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tower::ServiceExt;

use super::canary::CANARY;
use super::taxii::{self, Shelf};
use crate::core::{Core, Draft, Surroundings, nobody};
use crate::feeds::FeedKind;
use crate::{Config, api, people, writer};

/// 2026-03-10T00:00:00Z.
const DAY_NANOS: i64 = 1_773_100_800_000_000_000;
const MINUTE_NANOS: i64 = 60_000_000_000;
const OBJECTS: [&str; 5] = ["norad:29268", "norad:43823", "host:a", "사람:김", "net:10.0.0.0/8"];
const KINDS: [&str; 3] = ["orbit.approach", "report.officer", "lure.mail"];
const LEVELS: [&str; 5] = ["UNCLASSIFIED", "RESTRICTED", "CONFIDENTIAL", "SECRET", "TOP SECRET"];

/// Withheld before the tenth minute, and then only for what was recorded before.
const EARLY: &str = "host:early";

/// The policy of every second world: it withholds by kind, severity, object and time, and from Tokyo otherwise than
/// from Washington. Washington is not told that there is one, so what it says must show in nothing.
const POLICY: &str = r#"
permit (principal, action, resource);
forbid (principal, action, resource) when { resource has kind && resource.kind == "stix.tool" };
forbid (principal, action, resource) when { resource has kind && resource.kind == "lure.mail" };
forbid (principal, action, resource) when { resource has severity && resource.severity == 3 };
forbid (principal, action, resource)
  when { resource.objects.contains("host:early") && context.unix_time_s < 1773101400 };
forbid (principal == Node::"tokyo", action, resource)
  when { resource has kind && resource.kind == "report.officer" };
"#;

/// SplitMix64: small, seeded, the same everywhere.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// Less than `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

/// The time and the chance that a test sets.
#[derive(Default)]
pub(super) struct Still {
    now: AtomicI64,
    seed: AtomicU64,
}

impl Still {
    fn set(&self, now: i64, seed: u64) {
        self.now.store(now, Ordering::Relaxed);
        self.seed.store(seed, Ordering::Relaxed);
    }
}

impl Surroundings for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_nanos(self.now.load(Ordering::Relaxed))
    }

    /// The same at each draw of a moment: a salt must not tell how many were drawn before it.
    fn fill(&self, bytes: &mut [u8]) {
        for (number, chunk) in (0_u64..).zip(bytes.chunks_mut(32)) {
            let mut hash = Sha256::new();
            hash.update(self.seed.load(Ordering::Relaxed).to_le_bytes());
            hash.update(number.to_le_bytes());
            chunk.copy_from_slice(&hash.finalize()[..chunk.len()]);
        }
    }
}

/// What one knows of an item to predict whether Washington may have what rests on it: a second, simpler kernel.
#[derive(Debug, Clone)]
struct Item {
    level: usize,
    caveats: Vec<String>,
    recalled: bool,
    recallable: bool,
    evidence: Vec<EntryId>,
}

/// Something that Washington may have, to be done in both worlds.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Report(Box<Finding>),
    Observe(Box<Observation>),
    Recall(Recall),
    /// Washington's own entry comes in.
    Come(Box<Finding>),
    /// Washington takes its own back.
    TakeBack(EntryId, Marking),
}

pub(super) struct World {
    pub(super) core: Arc<Core>,
    pub(super) router: Router,
    pub(super) cookie: String,
    still: Arc<Still>,
    seed: u64,
    pub(super) side: u64,
    /// What Washington has of ours, in the order of its going.
    shown: Vec<(EntryId, Item, Marking)>,
    /// What came from Washington.
    came: Vec<(EntryId, Marking)>,
    pub(super) hidden: Vec<(EntryId, Marking, bool)>,
    /// Whether a national policy is in force.
    pub(super) policed: bool,
    /// What the TAXII collections hold, in a world that has some.
    pub(super) shelf: Option<Shelf>,
    tokyo: bool,
    thread: Option<std::thread::JoinHandle<()>>,
    stop: tokio::sync::watch::Sender<bool>,
    folder: TempDir,
}

/// A node that runs.
struct Running {
    core: Arc<Core>,
    router: Router,
    thread: std::thread::JoinHandle<()>,
    stop: tokio::sync::watch::Sender<bool>,
}

impl Running {
    async fn start(data: &std::path::Path, still: &Arc<Still>) -> Self {
        let config = Config::load(data, &crate::Overrides::default()).unwrap();
        let certificate = KeyFingerprint::from_bytes([7; 32]);
        let surroundings = Arc::clone(still) as Arc<dyn Surroundings>;
        let files = people::Files::read(&config, "http://localhost:8420".to_owned()).unwrap();
        let (core, thread) = writer::start(config, key("seoul"), certificate, surroundings).unwrap();
        let people = Arc::new(people::People::new(Arc::clone(&core), files).unwrap());
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let (opening, stop_taxii) = (Arc::clone(&core), stopped.clone());
        let opened = tokio::task::spawn_blocking(move || crate::taxii::Taxii::open(&opening, stop_taxii));
        let api = api::Api { core: Arc::clone(&core), people, stop: stopped };
        let router = crate::taxii::mount(api::router(api), opened.await.unwrap().unwrap());
        Self { core, router, thread, stop }
    }
}

pub(super) fn key(name: &str) -> NodeKey {
    NodeKey::from_secret(name.parse().unwrap(), &Sha256::digest(name).into())
}

fn peer(name: &str, country: &str, clearance: &str) -> Peer {
    Peer {
        node: name.parse().unwrap(),
        title: name.to_owned(),
        country: country.parse().unwrap(),
        clearance: clearance.to_owned(),
        key: key(name).public().to_hex(),
        certificate: KeyFingerprint::from_bytes(Sha256::digest(name).into()),
        address: "127.0.0.1:1".to_owned(),
        marking: nobody(&"KOR".parse().unwrap()),
    }
}

pub(super) fn washington() -> NodeName {
    "washington".parse().unwrap()
}

impl World {
    /// Seoul's node with Washington as its peer, and nothing else.
    pub(super) async fn bare(seed: u64) -> Self {
        let world = Self::alone(seed, 0).await;
        world.introduce_washington().await;
        world
    }

    async fn introduce_washington(&self) {
        self.still.set(DAY_NANOS - MINUTE_NANOS / 2, self.seed);
        self.core.append(vec![Draft::Peer(peer("washington", "USA", "SECRET"))]).await.unwrap();
    }

    /// Seoul's node without a peer.
    async fn alone(seed: u64, side: u64) -> Self {
        // Memory where there is some: what is compared does not depend on the disk.
        let memory = std::path::Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let mut settings = "name = \"seoul\"\ntitle = \"Seoul\"\ncountry = \"KOR\"\n".to_owned();
        if taxii::has(seed) {
            settings += &taxii::settings(folder.path());
        }
        std::fs::write(folder.path().join("bongsu.toml"), settings).unwrap();
        let still = Arc::new(Still::default());
        still.set(DAY_NANOS - MINUTE_NANOS, seed);
        let running = Running::start(folder.path(), &still).await;
        let token = people::new_entry_token(folder.path()).unwrap();
        let enter = axum::http::Request::get(format!("/enter?token={token}"))
            .header("host", "localhost")
            .body(axum::body::Body::empty())
            .unwrap();
        let entered = running.router.clone().oneshot(enter).await.unwrap();
        let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let Running { core, router, thread, stop } = running;
        Self {
            core,
            router,
            cookie,
            still,
            seed,
            side,
            shown: Vec::new(),
            came: Vec::new(),
            hidden: Vec::new(),
            policed: seed % 2 == 1,
            shelf: taxii::has(seed).then(Shelf::default),
            tokyo: false,
            thread: Some(thread),
            stop,
            folder,
        }
    }

    /// Seoul's node with a past and with Washington as its peer; in every second one a national policy is in force. Two
    /// sides of a seed differ in what Washington may not have.
    pub(super) async fn new(seed: u64, side: u64) -> Self {
        let mut world = Self::alone(seed, side).await;
        if world.policed {
            world.put_in_force().await;
        }
        // Before the peer is known, so that there is something to catch up with, and something hidden in it.
        let mut rng = Rng::new(seed);
        let mut hidden = Rng::new(seed);
        for n in 0..3 {
            if side == 1 {
                world.hide(&mut hidden, 0, n + 90).await;
            }
            let marking = Marking::new("RESTRICTED", &["USA"], "KOR");
            let mut finding = Self::finding(&mut rng, format!("Before {n}"), marking, Vec::new());
            world.permitted(&mut finding);
            world.still.set(DAY_NANOS - MINUTE_NANOS * 3 / 4 + n.cast_signed(), seed ^ n);
            world.core.append(vec![Draft::Finding(finding)]).await.unwrap();
        }
        world.introduce_washington().await;
        let caught_up = world.lanes().await.into_iter().flat_map(|(_, ids, _)| ids).collect();
        world.note_shown(caught_up).await;
        world
    }

    /// Records the policy with its officers and their signatures, as the commands for it do.
    async fn put_in_force(&self) {
        use crate::policy_change::{Officer, PolicyApplied, PolicyApproval, PolicySignature};
        let country = "KOR".parse().unwrap();
        let marking = nobody(&country);
        let document = label::PolicyDocument {
            name: "kor".to_owned(),
            version: 1,
            author: "Kim".to_owned(),
            effective_from: Timestamp::UNIX_EPOCH,
            policy_schema: label::POLICY_SCHEMA.to_owned(),
            text: POLICY.to_owned(),
            marking: marking.clone(),
        };
        let policy_sha256 = document.sha256().unwrap();
        let mut chance = crate::core::Chance(&*self.still);
        let now = self.still.now();
        let mut entries = Vec::new();
        let mut sign = |noun: &dyn Fn(&mut crate::core::Chance<'_>) -> Entry| {
            entries.push(noun(&mut chance));
            entries.last().unwrap().clone()
        };
        let by = key("seoul");
        let proposal = sign(&|chance| Entry::sign(&document, &country, &by, now, chance).unwrap()).id();
        let mut signatures = Vec::new();
        for name in ["kim", "lee"] {
            let officer = key(name);
            let enrolled = Officer {
                name: officer.name().clone(),
                key: officer.public().to_hex(),
                marking: marking.clone(),
            };
            sign(&|chance| Entry::sign(&enrolled, &country, &by, now, chance).unwrap());
            let approval = PolicyApproval { proposal, policy_sha256, marking: marking.clone() };
            let mut own = crate::core::Chance(&*self.still);
            let approval = Entry::sign(&approval, &country, &officer, now, &mut own).unwrap();
            let signature = PolicySignature {
                proposal,
                officer: officer.name().clone(),
                approval: approval.to_envelope(),
                marking: marking.clone(),
            };
            signatures
                .push(sign(&|chance| Entry::sign(&signature, &country, &by, now, chance).unwrap()).id());
        }
        let applied = PolicyApplied { proposal, policy_sha256, signatures, marking };
        sign(&|chance| Entry::sign(&applied, &country, &by, now, chance).unwrap());
        entries.iter().for_each(|entry| self.core.rules.write().unwrap().apply(entry));
        assert!(!self.core.rules(now).national.is_none(), "the policy is not in force");
        self.core.with_record(move |record| record.commit(&Batch::of(entries)).unwrap()).await.unwrap();
        self.nudge().await;
    }

    /// Changes what the policy would withhold from Washington.
    fn permitted(&self, finding: &mut Finding) {
        if self.policed {
            if finding.kind == "lure.mail" {
                finding.kind = KINDS[0].to_owned();
            }
            if finding.severity == Severity::Approaching {
                finding.severity = Severity::AtTheBorder;
            }
        }
    }

    /// Changes a finding with a marking that lets it go so that the policy withholds it.
    fn forbidden(rng: &mut Rng, early: bool, finding: &mut Finding) {
        match rng.below(3) {
            0 if early => {
                finding.objects.push(ObjectRef { id: EARLY.to_owned(), name: None, protected: false })
            }
            0 | 1 => finding.kind = "lure.mail".to_owned(),
            _ => finding.severity = Severity::Approaching,
        }
    }

    pub(super) async fn stop(mut self) {
        self.halt().await;
    }

    /// The same world without its node.
    pub(super) async fn halted(mut self) -> Self {
        self.halt().await;
        self
    }

    async fn halt(&mut self) {
        let _ = self.stop.send(true);
        self.core.stop();
        let thread = self.thread.take().unwrap();
        tokio::task::spawn_blocking(move || thread.join()).await.unwrap().unwrap();
    }

    /// Stops the node, lets `meanwhile` have its folder, and starts it again.
    pub(super) async fn restart(&mut self, meanwhile: impl FnOnce(&std::path::Path)) {
        self.halt().await;
        meanwhile(self.folder.path());
        let Running { core, router, thread, stop } = Running::start(self.folder.path(), &self.still).await;
        (self.core, self.router, self.thread, self.stop) = (core, router, Some(thread), stop);
    }

    pub(super) fn data(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(super) fn home_size(&self) -> u64 {
        crate::core::lock(&self.core.checkpoint).as_ref().map_or(0, record::Checkpoint::size)
    }

    /// All lanes to and from Washington: ids, sizes, roots.
    pub(super) async fn lanes(&self) -> Vec<(String, Vec<EntryId>, [u8; 32])> {
        self.core
            .with_record(|record| {
                let mut lanes = Vec::new();
                for direction in [Direction::Out, Direction::In] {
                    for precedence in base::Precedence::ALL {
                        let lane = Lane { peer: washington(), direction, precedence };
                        let ids = record.lane_ids(&lane, 0, u64::MAX).unwrap();
                        let frontier = record.lane(&lane).unwrap().frontier;
                        assert_eq!(ids.len() as u64, frontier.size());
                        lanes.push((lane.to_string(), ids, frontier.root()));
                    }
                }
                lanes
            })
            .await
            .unwrap()
    }

    /// What Washington has, newest last.
    pub(super) fn visible(&self) -> Vec<EntryId> {
        self.shown.iter().map(|(id, ..)| *id).chain(self.came.iter().map(|(id, _)| *id)).collect()
    }

    pub(super) fn finding(rng: &mut Rng, title: String, marking: Marking, evidence: Vec<EntryId>) -> Finding {
        let start = Timestamp::from_unix_nanos(DAY_NANOS + MINUTE_NANOS * rng.below(24 * 60).cast_signed());
        let length = [0.0, 0.0, 600.0, 90_000.0][usize::try_from(rng.below(4)).unwrap()];
        let objects = (0..rng.below(3))
            .map(|_| ObjectRef {
                id: (*rng.pick(&OBJECTS)).to_owned(),
                name: (rng.below(2) == 0).then(|| "KOREASAT 5".to_owned()),
                protected: rng.below(3) == 0,
            })
            .collect();
        Finding {
            kind: (*rng.pick(&KINDS)).to_owned(),
            text: (rng.below(2) == 0).then(|| format!("{title}, in more words. 자세한 내용")),
            title,
            interval: Interval::starting(start, length),
            place: None,
            objects,
            severity: Severity::try_from(u8::try_from(rng.below(5) + 1).unwrap()).unwrap(),
            likelihood: None,
            confidence: Confidence::Moderate,
            method: Method { name: "test".to_owned(), version: "1".to_owned() },
            measures: std::collections::BTreeMap::from([("miss_km".to_owned(), 0.5)]),
            marking,
            evidence,
        }
    }

    /// Records it with its raw bytes, which are its title.
    async fn observe(&self, observation: Observation) -> EntryId {
        let bytes = observation.title.clone().into_bytes();
        self.core.with_record(move |record| record.put_blob(&bytes).unwrap()).await.unwrap();
        self.core.append(vec![Draft::Observation(observation)]).await.unwrap()[0]
    }

    fn observation(title: String, marking: Marking, received: i64) -> Observation {
        let received = Timestamp::from_unix_nanos(received);
        Observation {
            kind: "orbit.catalogue".to_owned(),
            source: Source::ungraded(&title),
            blob: base::BlobHash::from_bytes(Sha256::digest(&title).into()),
            bytes: title.len() as u64,
            title,
            received,
            interval: Interval::at(received),
            place: None,
            items: 1,
            faults: 0,
            marking,
            evidence: Vec::new(),
        }
    }

    /// A finding that Washington may have.
    pub(super) fn report(rng: &mut Rng) -> Act {
        let marking = Marking::new("RESTRICTED", &["USA"], "KOR");
        let mut finding = Self::finding(rng, "A report".to_owned(), marking, Vec::new());
        (finding.kind, finding.severity) = (KINDS[0].to_owned(), Severity::Seen);
        Act::Report(Box::new(finding))
    }

    /// The next thing that Washington may have. It depends on what is shown alone.
    pub(super) fn plan(&self, rng: &mut Rng) -> Act {
        let standing: Vec<_> =
            self.shown.iter().filter(|(_, item, _)| !item.recalled && item.recallable).collect();
        let dice = rng.below(20);
        if dice < 4 && !standing.is_empty() {
            let (target, _, marking) = rng.pick(&standing);
            return Act::Recall(Recall {
                target: *target,
                reason: "taken back".to_owned(),
                marking: marking.clone(),
            });
        }
        if dice == 4 && !self.came.is_empty() {
            let (target, marking) = rng.pick(&self.came).clone();
            return Act::TakeBack(target, marking);
        }
        if dice < 8 {
            let marking = Marking::new("RESTRICTED", &["KOR"], "USA");
            return Act::Come(Box::new(Self::finding(
                rng,
                format!("From Washington {dice}"),
                marking,
                vec![],
            )));
        }
        let level = usize::try_from(rng.below(4)).unwrap();
        let rel = [&["USA"][..], &["USA", "JPN"], &["FVEY"]][usize::try_from(rng.below(3)).unwrap()];
        let mut marking = Marking::new(LEVELS[level], rel, "KOR");
        if rng.below(4) == 0 {
            marking.caveats.push((*rng.pick(&["EXERCISE", "ORCON"])).to_owned());
        }
        if dice == 8 {
            let received = DAY_NANOS + MINUTE_NANOS * rng.below(500).cast_signed();
            return Act::Observe(Box::new(Self::observation("Shared input".to_owned(), marking, received)));
        }
        // Evidence that does not withhold it: no level above, no caveat lost, not taken back.
        let fits = |item: &&&(EntryId, Item, Marking)| {
            item.1.level <= level
                && item.1.caveats.iter().all(|caveat| marking.caveats.contains(caveat))
                && self.stands(&item.0)
        };
        let fitting: Vec<EntryId> = standing.iter().filter(fits).map(|(id, ..)| *id).collect();
        let evidence: Vec<EntryId> = match rng.below(3) {
            0 => fitting.into_iter().rev().take(2).collect(),
            _ => Vec::new(),
        };
        let title = format!("Shared {} {}", self.shown.len(), rng.below(1000));
        let mut finding = Self::finding(rng, title, marking, evidence);
        self.permitted(&mut finding);
        Act::Report(Box::new(finding))
    }

    /// Whether neither it nor anything below it was taken back.
    fn stands(&self, id: &EntryId) -> bool {
        let item = self.shown.iter().find(|(shown, ..)| shown == id);
        item.is_some_and(|(_, item, _)| {
            !item.recalled && item.evidence.iter().all(|below| self.stands(below))
        })
    }

    /// Does it, and gives the entries that Washington got by it.
    pub(super) async fn show(&mut self, step: u64, act: &Act) -> Vec<EntryId> {
        let former: Vec<EntryId> = self.lanes().await.into_iter().flat_map(|(_, ids, _)| ids).collect();
        self.still.set(DAY_NANOS + MINUTE_NANOS * step.cast_signed(), self.seed ^ (step << 8));
        match act {
            Act::Report(finding) => {
                self.core.append(vec![Draft::Finding((**finding).clone())]).await.unwrap();
            }
            Act::Observe(observation) => {
                self.observe((**observation).clone()).await;
            }
            Act::Recall(recall) => {
                self.core.append(vec![Draft::Recall(recall.clone())]).await.unwrap();
            }
            Act::Come(finding) => {
                let id = self.come("washington", "USA", &**finding).await;
                self.came.push((id, finding.marking.clone()));
            }
            Act::TakeBack(target, marking) => {
                let recall =
                    Recall { target: *target, reason: "ours, back".to_owned(), marking: marking.clone() };
                self.come("washington", "USA", &recall).await;
                self.came.retain(|(id, _)| id != target);
            }
        }
        let lanes = self.lanes().await;
        let new: Vec<EntryId> =
            lanes.into_iter().flat_map(|(_, ids, _)| ids).filter(|id| !former.contains(id)).collect();
        assert!(!new.is_empty(), "the kernel withheld what it should release: {act:?}");
        if !matches!(act, Act::Come(_) | Act::TakeBack(..)) {
            self.note_shown(new.clone()).await;
        }
        new
    }

    /// Notes what Washington has of ours.
    async fn note_shown(&mut self, new: Vec<EntryId>) {
        let stored = self.core.with_record(move |record| {
            new.iter().map(|id| record.get(id).unwrap().unwrap()).collect::<Vec<_>>()
        });
        for stored in stored.await.unwrap() {
            let entry = stored.entry.unwrap();
            let marking = base::Marked::marking(&entry).unwrap().clone();
            if let Ok(recall) = entry.noun::<Recall>() {
                for (id, item, _) in &mut self.shown {
                    item.recalled |= *id == recall.target;
                }
            }
            let item = Item {
                level: level_of(&marking),
                caveats: marking.caveats.clone(),
                recalled: false,
                recallable: entry.kind() == "bongsu.finding/1" || entry.kind() == "bongsu.observation/1",
                evidence: base::Marked::evidence(&entry).to_vec(),
            };
            self.shown.push((entry.id(), item, marking));
        }
    }

    /// What of ours was taken back since it went to Washington, and what stands.
    pub(super) fn went(&self) -> (BTreeSet<EntryId>, BTreeSet<EntryId>) {
        let (recalled, stands): (Vec<_>, Vec<_>) = self.shown.iter().partition(|(_, item, _)| item.recalled);
        let ids = |of: Vec<&(EntryId, Item, Marking)>| of.into_iter().map(|(id, ..)| *id).collect();
        (ids(recalled), ids(stands))
    }

    /// An entry of another node comes in over its lane, as the link stores it; the views follow with the next entry
    /// of this node, which a refusal in the record is.
    async fn come<T: base::Noun + Clone + Send + 'static>(
        &self,
        from: &str,
        country: &str,
        noun: &T,
    ) -> EntryId {
        let (now, country) = (self.still.now(), country.parse().unwrap());
        let entry =
            Entry::sign(noun, &country, &key(from), now, &mut crate::core::Chance(&*self.still)).unwrap();
        let id = entry.id();
        let peer: NodeName = from.parse().unwrap();
        self.core
            .with_record(move |record| {
                let lane = Lane { peer, direction: Direction::In, precedence: base::Precedence::Routine };
                let purge = entry
                    .noun::<Recall>()
                    .ok()
                    .map(|recall| record::Purge { target: recall.target, recall: id });
                let batch = Batch {
                    lane_rows: vec![LaneRow { lane, id }],
                    entries: vec![Incoming { entry, received: Some(now) }],
                    purge: purge.into_iter().collect(),
                    ..Batch::default()
                };
                record.commit(&batch).unwrap();
            })
            .await
            .unwrap();
        self.nudge().await;
        id
    }

    async fn nudge(&self) {
        let marking = nobody(&"KOR".parse().unwrap());
        let observation = Self::observation("nothing".to_owned(), marking, self.still.now().unix_nanos());
        self.observe(observation).await;
    }

    /// Sets the time of what TAXII clients do in a step: what is hidden comes before what is shown, `n` steps back.
    pub(super) fn at_taxii_time(&self, step: u64, hidden: Option<u64>) {
        let shown = DAY_NANOS + MINUTE_NANOS * step.cast_signed() + MINUTE_NANOS / 2;
        match hidden {
            None => self.still.set(shown, self.seed ^ (step << 8) ^ (1 << 32)),
            Some(n) => {
                let seed = self.seed ^ (step << 8) ^ ((n + 1) << 33) ^ ((self.side + 1) << 60);
                self.still.set(shown - (n.cast_signed() + 1) * 1_000_000, seed);
            }
        }
    }

    /// Does something that Washington may not know of.
    pub(super) async fn hide(&mut self, rng: &mut Rng, step: u64, n: u64) {
        let seed = self.seed ^ (step << 8) ^ ((n + 1) << 40) ^ ((self.side + 1) << 60);
        let time = DAY_NANOS + MINUTE_NANOS * step.cast_signed() - (n.cast_signed() + 1) * 1_000_000;
        self.still.set(time, seed);
        let title = format!("{CANARY} {step} {n}");
        let recallable: Vec<_> =
            self.hidden.iter().filter(|(_, _, recallable)| *recallable).cloned().collect();
        match rng.below(12) {
            0 | 1 if !recallable.is_empty() => {
                let (target, marking, _) = rng.pick(&recallable).clone();
                self.hidden.retain(|(id, ..)| *id != target);
                self.hidden.push((target, marking.clone(), false));
                self.append_hidden(Draft::Recall(Recall { target, reason: title, marking })).await;
            }
            2 => {
                let marking = Marking::new("RESTRICTED", &["JPN"], "KOR");
                let observation = Self::observation(title, marking, time);
                self.append_hidden(Draft::Observation(observation)).await;
            }
            3 if !self.tokyo => {
                self.tokyo = true;
                self.append_hidden(Draft::Peer(peer("tokyo", "JPN", "SECRET"))).await;
            }
            3 => {
                let marking = Marking::new("RESTRICTED", &["KOR", "USA"], "JPN");
                let finding = Self::finding(rng, title, marking.clone(), Vec::new());
                let id = self.come("tokyo", "JPN", &finding).await;
                self.hidden.push((id, marking, false));
            }
            4 => {
                let refused = link::Refused {
                    peer: Some(washington()),
                    certificate: None,
                    address: Some(CANARY.to_owned()),
                    refusal: link::Refusal::Malformed { reason: title },
                    at: self.still.now(),
                    suppressed: 0,
                    marking: nobody(&"KOR".parse().unwrap()),
                };
                self.core.append(vec![Draft::Refused(refused)]).await.unwrap();
            }
            5 => {
                let job = self.core.jobs.start("screen", title, self.still.now());
                self.core.jobs.update(job.id, |job| job.state = "done");
            }
            6 if step.is_multiple_of(5) => self.take_catalogue(title).await,
            7..=9 if self.policed => {
                let level = LEVELS[usize::try_from(rng.below(2)).unwrap()];
                let marking = Marking::new(level, &["USA"], "KOR");
                let mut finding = Self::finding(rng, title, marking.clone(), Vec::new());
                let early = rng.below(2) == 0 && step < 9;
                Self::forbidden(rng, early, &mut finding);
                let id = self.core.append(vec![Draft::Finding(finding)]).await.unwrap()[0];
                // What comes to rest on it may go when it may itself, later.
                self.hidden.push((id, marking, false));
            }
            _ => {
                let (marking, evidence) = self.hidden_marking(rng);
                let mut finding = Self::finding(rng, title, marking, evidence);
                if rng.below(3) == 0 {
                    let id = format!("host:{CANARY}");
                    finding.objects.push(ObjectRef { id, name: Some(CANARY.to_owned()), protected: true });
                }
                self.append_hidden(Draft::Finding(finding)).await;
            }
        }
    }

    /// One of the ways in which a marking, or what an item rests on, keeps it here.
    fn hidden_marking(&self, rng: &mut Rng) -> (Marking, Vec<EntryId>) {
        let usa = |level: &str| Marking::new(level, &["USA"], "KOR");
        let visible = self.visible();
        let by_marking = |marking: &Marking| !marking.rel_to.contains(&"USA".to_owned());
        let hidden: Vec<EntryId> =
            self.hidden.iter().filter(|(_, marking, _)| by_marking(marking)).map(|(id, ..)| *id).collect();
        match rng.below(8) {
            0 => (Marking::new("RESTRICTED", &[], "KOR"), visible.into_iter().rev().take(2).collect()),
            1 => (Marking::new("CONFIDENTIAL", &["JPN"], "KOR"), Vec::new()),
            2 => (usa("TOP SECRET"), visible.into_iter().take(1).collect()),
            3 => {
                let mut marking = Marking::new("RESTRICTED", &[], "KOR");
                marking.caveats.push("NOFORN".to_owned());
                (marking, hidden.into_iter().rev().take(2).collect())
            }
            4 => (Marking::new("RESTRICTED", &["USA", "XYZ"], "KOR"), Vec::new()),
            5 => (usa("EYES ONLY"), Vec::new()),
            // The item alone could go, but not what it rests on.
            6 if !hidden.is_empty() => {
                let evidence = vec![*rng.pick(&hidden)];
                (usa("SECRET"), evidence)
            }
            _ => (usa("RESTRICTED"), vec![EntryId::from_bytes([0xee; 32])]),
        }
    }

    async fn append_hidden(&mut self, draft: Draft) {
        let recallable = matches!(draft, Draft::Finding(_) | Draft::Observation(_));
        let marking = match &draft {
            Draft::Finding(finding) => finding.marking.clone(),
            Draft::Observation(observation) => observation.marking.clone(),
            Draft::Recall(recall) => recall.marking.clone(),
            _ => nobody(&"KOR".parse().unwrap()),
        };
        let id = match draft {
            Draft::Observation(observation) => self.observe(observation).await,
            other => self.core.append(vec![other]).await.unwrap()[0],
        };
        // As it was recorded: what rests on something narrower became narrower.
        let stored = self.core.with_record(move |record| record.get(&id).unwrap().unwrap()).await.unwrap();
        let entry = stored.entry.unwrap();
        let marking = base::Marked::marking(&entry).cloned().unwrap_or(marking);
        self.hidden.push((id, marking, recallable));
    }

    async fn take_catalogue(&mut self, title: String) {
        let core = Arc::clone(&self.core);
        let elements = "1 29349U 06034A   26069.50000000  .00000000  00000-0  00000-0 0  9990\n\
                        2 29349   0.0500 100.0000 0002000  90.0000 200.0000  1.00270000 10009\n";
        let bytes = format!("{CANARY}\n{elements}").into_bytes();
        let taken = tokio::task::spawn_blocking(move || {
            crate::feeds::take_in(&core, FeedKind::Catalogue, &title, bytes)
        });
        if let Ok(taken) = taken.await.unwrap() {
            self.hidden.push((taken.entry, nobody(&"KOR".parse().unwrap()), true));
        }
    }
}

fn level_of(marking: &Marking) -> usize {
    LEVELS.iter().position(|level| *level == marking.level).unwrap()
}
