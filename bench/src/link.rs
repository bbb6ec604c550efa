//! Figures of the link: two real nodes in this process, each with its own folder, over TLS on loopback, with fsync on
//! both sides. Each figure is a line of JSON.
//!
//! **Invariant:** nothing of it is in the product, and no test depends on a time that it measured.

#[path = "link_hostile.rs"]
mod hostile;

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base::{
    BlobHash, Credibility, EntryId, Interval, Marking, NodeName, Observation, Precedence, Recall,
    Reliability, Source, Timestamp,
};
use clap::Parser;
use node::{Arrival, Arrivals, Config, Node, Origin, Overrides};
use serde_json::{Value, json};

type Failed = Box<dyn Error + Send + Sync>;

/// What to measure.
#[derive(Debug, Parser)]
#[command(name = "link", about = "Figures of the link between two nodes on this machine")]
struct Arguments {
    /// One of latency, flash, sustained, drain, recall, hostile; all of them when left out
    figure: Option<String>,
    /// Where the two data folders are made; they are removed again
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// For how long the first three go on
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// How many items wait for the peer in `drain`
    #[arg(long, default_value_t = 100_000)]
    items: usize,
    /// How many recalls
    #[arg(long, default_value_t = 100)]
    recalls: usize,
}

fn main() -> Result<(), Failed> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> Result<(), Failed> {
    let wanted = |figure: &str| arguments.figure.as_deref().is_none_or(|only| only == figure);
    let span = Duration::from_secs(arguments.seconds);
    if wanted("latency") {
        let pair = Pair::start(&arguments.folder).await?;
        pair.latency(span).await?;
        pair.stop().await;
    }
    if wanted("flash") {
        let pair = Pair::start(&arguments.folder).await?;
        pair.flash(span).await?;
        pair.stop().await;
    }
    if wanted("sustained") {
        let pair = Pair::start(&arguments.folder).await?;
        pair.sustained(span).await?;
        pair.stop().await;
    }
    if wanted("recall") {
        let pair = Pair::start(&arguments.folder).await?;
        pair.recall(arguments.recalls).await?;
        pair.stop().await;
    }
    if wanted("hostile") {
        hostile::hostile(&arguments.folder, span).await?;
    }
    if wanted("drain") {
        drain(&arguments.folder, arguments.items).await?;
    }
    Ok(())
}

/// Two nodes that have met.
struct Pair {
    seoul: Arc<Node>,
    washington: Arc<Node>,
    _folder: tempfile::TempDir,
}

/// When entries became visible, as long as it is kept.
struct Seen {
    when: Arc<Mutex<HashMap<Arrival, Instant>>>,
    listening: tokio::task::JoinHandle<()>,
}

impl Seen {
    fn listen(mut arrivals: Arrivals) -> Self {
        let when: Arc<Mutex<HashMap<Arrival, Instant>>> = Arc::default();
        let seen = Arc::clone(&when);
        let listening = tokio::spawn(async move {
            while let Some(arrival) = arrivals.next().await {
                let now = Instant::now();
                seen.lock().unwrap_or_else(PoisonError::into_inner).entry(arrival).or_insert(now);
            }
        });
        Self { when, listening }
    }

    fn when(&self, arrival: &Arrival) -> Option<Instant> {
        self.when.lock().unwrap_or_else(PoisonError::into_inner).get(arrival).copied()
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Processor time that this process has used, in seconds: in all, and by the threads that live now, by their names.
/// Load by others falsifies it less than a rate. Empty where there is no `/proc`.
#[derive(Default)]
struct Processor {
    all: f64,
    by_thread: BTreeMap<String, f64>,
}

impl Processor {
    fn now() -> Self {
        let mut now = Self { all: Self::used(Path::new("/proc/self")), ..Self::default() };
        for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            // `signatures 0` and `signatures 1` are one.
            let name = name.trim_end_matches(|c: char| c.is_whitespace() || c.is_ascii_digit());
            *now.by_thread.entry(name.to_owned()).or_default() += Self::used(&task.path());
        }
        now
    }

    /// User and system time (proc(5), `stat`, fields 14 and 15), in hundredths of a second.
    fn used(of: &Path) -> f64 {
        let stat = std::fs::read_to_string(of.join("stat")).unwrap_or_default();
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
    }

    /// Microseconds an item since then.
    fn since(&self, items: usize) -> Value {
        let now = Self::now();
        let an_item = |seconds: f64| (seconds * 1e6 / items as f64).round();
        let by_thread: BTreeMap<_, _> = now
            .by_thread
            .iter()
            .map(|(name, used)| (name, an_item(used - self.by_thread.get(name).unwrap_or(&0.0))))
            .filter(|(_, used)| *used > 0.0)
            .collect();
        json!({"both_nodes": an_item(now.all - self.all), "by_thread": by_thread})
    }
}

fn settings(folder: &Path, name: &str, country: &str, port: u16) -> Result<Config, Failed> {
    let data = folder.join(name);
    std::fs::create_dir_all(&data)?;
    let text = format!("name = \"{name}\"\ncountry = \"{country}\"\nlink_address = \"127.0.0.1:{port}\"\n");
    std::fs::write(data.join("bongsu.toml"), text)?;
    let flag = |value: String| (Some(value), Origin::Flag("bench".to_owned()));
    let (listen, from) = flag("127.0.0.1:0".to_owned());
    let (link, _) = flag(format!("127.0.0.1:{port}"));
    let overrides = Overrides::default().with("listen", listen, from.clone()).with("link_listen", link, from);
    Ok(Config::load(&data, &overrides)?)
}

/// The two settings; both folders are founded and know one another.
async fn meet(folder: &Path) -> Result<[Config; 2], Failed> {
    let free = || -> Result<u16, Failed> { Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port()) };
    let sides = [settings(folder, "seoul", "KOR", free()?)?, settings(folder, "washington", "USA", free()?)?];
    for side in &sides {
        Node::start(side.clone()).await?.stop().await;
    }
    for (side, other) in [(&sides[0], &sides[1]), (&sides[1], &sides[0])] {
        node::accept(side, node::card(other)?, "SECRET", None)?;
    }
    Ok(sides)
}

fn observation(number: usize) -> Result<Observation, Failed> {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    Ok(Observation {
        kind: "bench".to_owned(),
        title: format!("Item {number} of a bench, with a title of some length as they have"),
        blob: BlobHash::from_bytes(hash),
        bytes: 0,
        source: Source {
            name: "bench".to_owned(),
            reliability: Reliability::A,
            credibility: Credibility::Confirmed,
        },
        received: Timestamp::UNIX_EPOCH,
        interval: Interval::at(Timestamp::UNIX_EPOCH),
        place: None,
        items: 0,
        faults: 0,
        evidence: Vec::new(),
        marking: marking(),
    })
}

fn marking() -> Marking {
    Marking::new("RESTRICTED", &["USA"], "KOR")
}

fn observations(from: usize, count: usize) -> Result<Vec<Observation>, Failed> {
    (from..from + count).map(observation).collect()
}

/// The share of `sorted` below which `percent` of all lie.
fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let at = ((sorted.len() as f64 * percent / 100.0).ceil() as usize).saturating_sub(1).min(last);
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

fn print(figure: &str, mut milliseconds: Vec<f64>, more: &Value) -> Result<(), Failed> {
    milliseconds.sort_by(f64::total_cmp);
    let mut line = json!({"figure": figure});
    if !milliseconds.is_empty() {
        line["items"] = json!(milliseconds.len());
        for percent in [50.0, 99.0, 100.0] {
            let rounded = (percentile(&milliseconds, percent) * 100.0).round() / 100.0;
            line[format!("p{percent}_ms")] = json!(rounded);
        }
    }
    for (name, value) in more.as_object().into_iter().flatten() {
        line[name] = value.clone();
    }
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

impl Pair {
    async fn start(folder: &Path) -> Result<Self, Failed> {
        let folder = tempfile::Builder::new().prefix("bongsu-bench-").tempdir_in(folder)?;
        let [seoul, washington] = meet(folder.path()).await?;
        let pair = Self {
            seoul: Arc::new(Node::start(seoul).await?),
            washington: Arc::new(Node::start(washington).await?),
            _folder: folder,
        };
        // Until the first item is through, the lanes are not up.
        pair.seoul.observe(observations(usize::MAX / 2, 1)?, None).await?;
        pair.received(1).await;
        Ok(pair)
    }

    async fn stop(self) {
        for node in [self.seoul, self.washington] {
            if let Ok(node) = Arc::try_unwrap(node) {
                node.stop().await;
            }
        }
    }

    fn count(&self) -> u64 {
        seoul().map_or(0, |seoul| self.washington.received_from(&seoul))
    }

    async fn received(&self, count: u64) {
        while self.count() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// From visible at Seoul to visible at Washington, for items that both saw.
    async fn compare(&self, ids: &[EntryId], here: &Seen, there: &Seen) -> Vec<f64> {
        let mut spans = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        for id in ids {
            let arrival = Arrival::Entry(*id);
            let (start, end) = loop {
                if let (Some(start), Some(end)) = (here.when(&arrival), there.when(&arrival)) {
                    break (start, end);
                }
                if Instant::now() > deadline {
                    return spans;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            spans.push(end.saturating_duration_since(start).as_secs_f64() * 1000.0);
        }
        spans
    }

    /// Commit at Seoul to visible at Washington, at 1,000 items a second one by one.
    async fn latency(&self, span: Duration) -> Result<(), Failed> {
        let (here, there) = (Seen::listen(self.seoul.arrivals()?), Seen::listen(self.washington.arrivals()?));
        let mut tick = tokio::time::interval(Duration::from_millis(1));
        let began = Instant::now();
        let mut work = tokio::task::JoinSet::new();
        let mut number = 0;
        while began.elapsed() < span {
            tick.tick().await;
            let (seoul, one) = (Arc::clone(&self.seoul), observations(number, 1)?);
            work.spawn(async move { seoul.observe(one, None).await });
            number += 1;
        }
        let ids: Vec<EntryId> = work.join_all().await.into_iter().flatten().flatten().collect();
        let rate = ids.len() as f64 / began.elapsed().as_secs_f64();
        let spans = self.compare(&ids, &here, &there).await;
        print("latency at 1,000 items/s", spans, &json!({"items_per_second": rate.round()}))
    }

    /// FLASH items, while ROUTINE has more than goes through.
    async fn flash(&self, span: Duration) -> Result<(), Failed> {
        let (here, there) = (Seen::listen(self.seoul.arrivals()?), Seen::listen(self.washington.arrivals()?));
        let began = Instant::now();
        let seoul = Arc::clone(&self.seoul);
        let bulk = tokio::spawn(async move {
            let mut sent = 0;
            while began.elapsed() < span {
                seoul.observe(observations(sent, 256)?, None).await?;
                sent += 256;
            }
            Ok::<_, Failed>(sent)
        });
        let mut ids = Vec::new();
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        while began.elapsed() < span {
            tick.tick().await;
            let one = observations(usize::MAX / 4 + ids.len(), 1)?;
            ids.extend(self.seoul.observe(one, Some(Precedence::Flash)).await?);
        }
        let sent = bulk.await??;
        let spans = self.compare(&ids, &here, &there).await;
        let more = json!({"routine_per_second": (sent as f64 / span.as_secs_f64()).round()});
        print("flash with routine saturated", spans, &more)
    }

    /// As many items as go through, from signing at Seoul to visible at Washington.
    async fn sustained(&self, span: Duration) -> Result<(), Failed> {
        let (began, first, processor) = (Instant::now(), self.count(), Processor::now());
        let mut sent = 0;
        while began.elapsed() < span {
            let (seoul, one, two) = (&self.seoul, observations(sent, 512)?, observations(sent + 512, 512)?);
            let (one, two) = tokio::join!(seoul.observe(one, None), seoul.observe(two, None));
            one?;
            two?;
            sent += 1024;
        }
        self.received(first + sent as u64).await;
        let rate = sent as f64 / began.elapsed().as_secs_f64();
        let more = json!({
            "items": sent,
            "items_per_second": rate.round(),
            "processor_us_per_item": processor.since(sent),
        });
        print("sustained", Vec::new(), &more)
    }

    /// Commit of a recall at Seoul to gone at Washington.
    async fn recall(&self, count: usize) -> Result<(), Failed> {
        let first = self.count();
        let ids = self.seoul.observe(observations(0, count)?, None).await?;
        self.received(first + count as u64).await;
        let there = Seen::listen(self.washington.arrivals()?);
        let mut spans = Vec::new();
        for target in ids {
            let recall = Recall { target, reason: "bench".to_owned(), marking: marking() };
            self.seoul.recall(recall).await?;
            let committed = Instant::now();
            let gone = loop {
                if let Some(gone) = there.when(&Arrival::Recalled(target)) {
                    break gone;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            };
            spans.push(gone.saturating_duration_since(committed).as_secs_f64() * 1000.0);
        }
        print("recall", spans, &Value::Null)
    }
}

fn seoul() -> Result<NodeName, base::IdError> {
    "seoul".parse()
}

/// What waited while the peer was away, and a FLASH item among the last.
async fn drain(folder: &Path, items: usize) -> Result<(), Failed> {
    let folder = tempfile::Builder::new().prefix("bongsu-bench-").tempdir_in(folder)?;
    let [seoul_side, washington_side] = meet(folder.path()).await?;
    let seoul_node = Node::start(seoul_side).await?;
    let filling = Instant::now();
    let mut sent = 0;
    while sent < items {
        let count = 1024.min(items - sent);
        seoul_node.observe(observations(sent, count)?, None).await?;
        sent += count;
    }
    let urgent = seoul_node.observe(observations(usize::MAX / 4, 1)?, Some(Precedence::Flash)).await?;
    let filled = filling.elapsed();
    let (began, processor) = (Instant::now(), Processor::now());
    let washington = Node::start(washington_side).await?;
    let mut there = Some(Seen::listen(washington.arrivals()?));
    let name = seoul()?;
    let mut flash_ms = f64::NAN;
    let mut flash_after = 0;
    while washington.received_from(&name) < items as u64 + 1 {
        let seen =
            urgent.first().zip(there.as_ref()).and_then(|(id, there)| there.when(&Arrival::Entry(*id)));
        if let Some(seen) = seen {
            // Who listens on reads every row.
            there = None;
            flash_ms = seen.duration_since(began).as_secs_f64() * 1000.0;
            flash_after = washington.received_from(&name);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = began.elapsed().as_secs_f64();
    let more = json!({
        "items": items,
        "seconds": (took * 100.0).round() / 100.0,
        "items_per_second": (items as f64 / took).round(),
        "flash_ms": flash_ms.round(),
        "items_there_when_flash_was_seen": flash_after,
        "processor_us_per_item": processor.since(items),
        "filled_in_seconds": (filled.as_secs_f64() * 100.0).round() / 100.0,
    });
    print("drain after a partition", Vec::new(), &more)?;
    seoul_node.stop().await;
    washington.stop().await;
    Ok(())
}
