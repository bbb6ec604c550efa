//! Retro-hunt: what a store of logs costs, and how long indicators take in it.
//!
//! **Invariant:** nothing of it is in the product, and no test depends on a time that it measured.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Parser;
use hunt::{HuntOptions, IndexLimits, Indexer, Store};
use threat::{Indicator, Matcher, Origin, SetBuilder};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Indexes a made DNS log (or one of yours), then hunts 1, 1,000 and 1,000,000 indicators in it, each in a process of its
/// own, and searches a part of the log with zgrep for comparison. 100 million events take some 6 GB of disk.
#[derive(Parser)]
struct Args {
    /// Events of the made log
    #[arg(long, default_value_t = 10_000_000)]
    events: u64,
    /// A plain log in place of the made one
    #[arg(long)]
    log: Option<PathBuf>,
    /// Where the store and the packed log are made, in a folder that is removed in the end
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// Events that are packed for zgrep
    #[arg(long, default_value_t = 1_000_000)]
    peer_events: u64,
    /// Threads of a hunt
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Only hunt in this store; what the other processes do
    #[arg(long, hide = true)]
    store: Option<PathBuf>,
    /// How many indicators
    #[arg(long, hide = true, default_value_t = 1)]
    indicators: u64,
}

/// SplitMix64 (Steele, Lea, Flood, 2014): the same on every machine.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }
}

const fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The rare name that an ally warns of; it stands in seven events.
const RARE: &str = "c2.update-policy-review.example";
const RARE_EVENTS: u64 = 7;
/// Different names that are asked for, by Zipf's law, and clients that ask.
const NAMES: f64 = 3e6;
const CLIENTS: u64 = 20_000;
const DAYS: u64 = 30;

/// A DNS log of Zeek over thirty days.
struct MadeLog {
    random: Seeded,
    done: u64,
    events: u64,
    chunk: Vec<u8>,
    at: usize,
}

impl MadeLog {
    fn new(events: u64) -> Self {
        let mut chunk =
            b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
                .to_vec();
        chunk.extend_from_slice(b"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\ttrans_id\trtt\tquery\tqclass\tqclass_name\tqtype\tqtype_name\trcode\trcode_name\tAA\tTC\tRD\tRA\tZ\tanswers\tTTLs\trejected\n");
        chunk.extend_from_slice(b"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tcount\tinterval\tstring\tcount\tstring\tcount\tstring\tcount\tstring\tbool\tbool\tbool\tbool\tcount\tvector[string]\tvector[interval]\tbool\n");
        Self { random: Seeded(3), done: 0, events, chunk, at: 0 }
    }

    fn event(&mut self) -> io::Result<()> {
        let (a, b, c) = (self.random.next(), self.random.next(), self.random.next());
        let micros = 1_772_323_200_000_000 + self.done * (DAYS * 86_400_000_000 / self.events.max(1));
        let rank = NAMES.powf((a >> 11) as f64 / (1_u64 << 53) as f64) as u64;
        let of_name = mixed(rank);
        let name = if self.done % (self.events / RARE_EVENTS).max(1) == self.events / 20 {
            RARE.to_owned()
        } else {
            format!(
                "h{}.site{:x}.{}",
                of_name % 40,
                rank / 3,
                ["com", "net", "org", "co.kr"][(of_name >> 20) as usize % 4]
            )
        };
        let client = mixed(b % CLIENTS);
        let answer = [of_name as u8, (of_name >> 8) as u8, (of_name >> 16) as u8, (of_name >> 24) as u8];
        writeln!(
            self.chunk,
            "{}.{:06}\tC{:016x}\t10.{}.{}.{}\t{}\t10.0.0.{}\t53\tudp\t{}\t0.{:06}\t{name}\t1\tC_INTERNET\t1\tA\t0\tNOERROR\tF\tF\tT\tT\t0\t{}.{}.{}.{}\t{}.000000\tF",
            micros / 1_000_000,
            micros % 1_000_000,
            c,
            client % 4,
            (client >> 8) as u8,
            (client >> 16) as u8,
            1024 + (b >> 32) % 60_000,
            2 + b % 4,
            (c >> 48),
            (a >> 3) % 90_000,
            answer[0] | 1,
            answer[1],
            answer[2],
            answer[3],
            60 * (1 + of_name % 5)
        )?;
        self.done += 1;
        Ok(())
    }
}

impl Read for MadeLog {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            self.chunk.clear();
            self.at = 0;
            for _ in 0..(self.events - self.done).min(4096) {
                self.event()?;
            }
        }
        let count = buffer.len().min(self.chunk.len() - self.at);
        buffer[..count].copy_from_slice(&self.chunk[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Resident memory of this process at most, in MB, as Linux tells it.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<f64>().ok()).unwrap_or(f64::NAN) * 1024.0 / 1e6
}

fn index(args: &Args, folder: &Path) -> Outcome<()> {
    let start = Instant::now();
    let mut indexer = Indexer::open(folder, IndexLimits::default())?;
    let taken = indexer.add("dns.log", &mut || -> io::Result<Box<dyn Read>> {
        Ok(match &args.log {
            Some(path) => Box::new(std::fs::File::open(path)?),
            None => Box::new(MadeLog::new(args.events)),
        })
    })?;
    indexer.finish()?;
    let seconds = start.elapsed().as_secs_f64();
    let store = Store::open(folder)?;
    let sum = |of: fn(&hunt::KeptSegment) -> u64| store.segments().iter().map(of).sum::<u64>() as f64;
    let lines = taken.lines.max(1) as f64;
    println!(
        "index    {lines:.0} events, {:.0} MB in {seconds:.1} s: {:.2} M events/s; {:.1} bytes/event of log, {:.1} of lines, {:.1} of keys; {} segments; at most {:.0} MB",
        taken.bytes as f64 / 1e6,
        lines / seconds / 1e6,
        taken.bytes as f64 / lines,
        sum(|segment| segment.events_bytes) / lines,
        sum(|segment| segment.keys_bytes) / lines,
        store.segments().len(),
        peak_mb(),
    );
    Ok(())
}

/// One hunt from the start of a process to its last hit.
fn hunt(folder: &Path, indicators: u64, threads: usize) -> Outcome<()> {
    let start = Instant::now();
    let mut builder = SetBuilder::with_search_keys([7; 32]);
    let origin = builder.origin(Origin::of_source("ally"))?;
    builder.add(&Indicator::by_shape(RARE)?, origin);
    let mut random = Seeded(11);
    for number in 1..indicators {
        let n = random.next();
        let text = match number % 4 {
            0 => format!("198.{}.{}.{}", 18 + n % 2, (n >> 8) as u8, (n >> 16) as u8),
            1 => format!("{n:016x}{:016x}", random.next()),
            _ => format!("h{:x}.evil{:x}.example", n >> 40, n & 0xFF_FFFF),
        };
        builder.add(&Indicator::by_shape(&text)?, origin);
    }
    let keys = builder.take_search_keys();
    let set = builder.finish()?;
    let ready = start.elapsed().as_secs_f64();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let store = Store::open(folder)?;
    let matcher = Matcher { set: &set, warninglists: None };
    let summary =
        store.hunt(&keys, &matcher, &HuntOptions::default(), Some(&pool), &|_, _| {}, &mut |_, _| {});
    println!(
        "hunt     {indicators} indicators in {:.3} s, {ready:.3} s of it to make the set: {} hits; {} of {} blocks opened; at most {:.0} MB; {} faults",
        start.elapsed().as_secs_f64(),
        summary.hits,
        summary.blocks_searched,
        summary.blocks,
        peak_mb(),
        summary.faults.len(),
    );
    Ok(())
}

/// The beginning of the log, packed, searched by zgrep for one name.
fn peer(args: &Args, folder: &Path) -> Outcome<()> {
    let packed = folder.join("dns.log.gz");
    let out = std::fs::File::create(&packed)?;
    let mut gzip = Command::new("gzip").stdin(Stdio::piped()).stdout(out).spawn()?;
    let events = args.peer_events.min(args.events);
    let mut log: Box<dyn Read> = match &args.log {
        Some(path) => Box::new(std::fs::File::open(path)?),
        None => Box::new(MadeLog { events, ..MadeLog::new(args.events) }),
    };
    if let Some(mut into) = gzip.stdin.take() {
        io::copy(&mut log, &mut into)?;
    }
    gzip.wait()?;
    let bytes = std::fs::metadata(&packed)?.len();
    let start = Instant::now();
    let found = Command::new("zgrep").args(["-c", "-F", RARE]).arg(&packed).output()?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "zgrep    1 name in the first {events} events ({:.1} MB packed) in {seconds:.2} s: {} lines; {:.1} s for all {} events at this rate",
        bytes as f64 / 1e6,
        String::from_utf8_lossy(&found.stdout).trim(),
        seconds * args.events as f64 / events as f64,
        args.events,
    );
    Ok(())
}

fn main() -> Outcome<()> {
    let args = Args::parse();
    if let Some(store) = &args.store {
        return hunt(store, args.indicators, args.threads);
    }
    let folder = tempfile::tempdir_in(&args.folder)?;
    let store = folder.path().join("store");
    index(&args, &store)?;
    let program = std::env::current_exe()?;
    for indicators in ["1", "1", "1000", "1000000"] {
        let threads = args.threads.to_string();
        let status = Command::new(&program)
            .args(["--indicators", indicators, "--threads", &threads, "--store"])
            .arg(&store)
            .status()?;
        if !status.success() {
            return Err("a hunt failed".into());
        }
    }
    peer(&args, folder.path())
}
