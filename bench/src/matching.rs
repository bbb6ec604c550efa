//! Indicators against a log: load, memory, rate and updates, on one core.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::io::{BufWriter, Read, Write};
use std::path::PathBuf;

use clap::Parser;
use threat::{
    Change, Indicator, IndicatorReader, IndicatorSet, MatchOptions, Matcher, Origin, SetBuilder, match_log,
};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Matches a log against made indicators and prints the figures.
#[derive(Parser)]
struct Args {
    /// A plain log to match; without it a Zeek DNS log with names that never repeat is made
    #[arg(long)]
    log: Option<PathBuf>,
    /// How many indicators: half domain names, a quarter addresses, a quarter digests
    #[arg(long, default_value_t = 1_000_000)]
    indicators: u64,
    /// Megabytes of the log that are matched; a shorter one is matched again and again
    #[arg(long, default_value_t = 1000)]
    megabytes: u64,
    /// Write the made indicators and log into this folder, for other programs
    #[arg(long)]
    write: Option<PathBuf>,
}

/// SplitMix64 (Steele, Lea, Flood, 2014): the same on every machine.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// The lines of a list of made indicators, as they are asked for.
struct MadeList {
    random: Seeded,
    left: u64,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for MadeList {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.chunk.len() {
            self.chunk.clear();
            self.at = 0;
            for _ in 0..self.left.min(4096) {
                let n = self.random.next();
                match self.left % 4 {
                    0 => writeln!(
                        self.chunk,
                        "{}.{}.{}.{}",
                        n as u8,
                        (n >> 8) as u8,
                        (n >> 16) as u8,
                        (n >> 24) as u8
                    )?,
                    1 => writeln!(self.chunk, "{n:016x}{:016x}", self.random.next())?,
                    _ => writeln!(self.chunk, "h{:x}.evil{:x}.example", n >> 40, n & 0xFF_FFFF)?,
                }
                self.left -= 1;
            }
        }
        let count = buffer.len().min(self.chunk.len() - self.at);
        buffer[..count].copy_from_slice(&self.chunk[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn made_list(indicators: u64) -> MadeList {
    MadeList { random: Seeded(1), left: indicators, chunk: Vec::new(), at: 0 }
}

/// A DNS log of Zeek in which no name and no address comes twice.
fn made_log(bytes: usize) -> Vec<u8> {
    let mut log =
        b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n".to_vec();
    log.extend_from_slice(b"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\ttrans_id\trtt\tquery\tqclass\tqclass_name\tqtype\tqtype_name\trcode\trcode_name\tAA\tTC\tRD\tRA\tZ\tanswers\tTTLs\trejected\n");
    log.extend_from_slice(b"#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tcount\tinterval\tstring\tcount\tstring\tcount\tstring\tcount\tstring\tbool\tbool\tbool\tbool\tcount\tvector[string]\tvector[interval]\tbool\n");
    let mut random = Seeded(2);
    while log.len() < bytes {
        let (a, b, c) = (random.next(), random.next(), random.next());
        let address =
            |n: u64| format!("{}.{}.{}.{}", n as u8, (n >> 8) as u8, (n >> 16) as u8, (n >> 24) as u8);
        log.extend_from_slice(
            format!(
                "1521911720.{:06}\tC{:016x}\t{}\t{}\t{}\t53\tudp\t{}\t0.000870\tw{:x}.host{:x}.example.org\t1\tC_INTERNET\t1\tA\t0\tNOERROR\tF\tF\tT\tT\t0\te{:x}.cdn.example.net,{}\t60.000000,60.000000\tF\n",
                a % 1_000_000, b, address(a), a % 65536, address(b), b % 65536, b & 0xFFFF, a >> 40, c & 0xFF_FFFF, address(c)
            )
            .as_bytes(),
        );
    }
    log
}

/// Seconds that this thread had a processor: on a busy machine the clock on the wall says little. Linux only.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

/// Resident memory of this process in bytes, as Linux tells it; the value of another kind of line is in kibibytes too.
fn memory(of: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(of)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn load(indicators: u64) -> Outcome<IndicatorSet> {
    let start = cpu_seconds();
    let mut builder = SetBuilder::new([7; 32]);
    let read =
        IndicatorReader::new(&mut builder).read(&mut made_list(indicators), &Origin::of_source("made"))?;
    let set = builder.finish()?;
    let seconds = cpu_seconds() - start;
    let statistics = set.statistics();
    println!(
        "load     {} indicators in {seconds:.2} s; {:.2} bytes each in the set; resident {:.1} MB, at most {:.1} MB; {} faults",
        read.indicators,
        statistics.bytes as f64 / read.indicators.max(1) as f64,
        memory("VmRSS") as f64 / 1e6,
        memory("VmHWM") as f64 / 1e6,
        read.faults.len(),
    );
    Ok(set)
}

/// The slowest of many updates: a copy of the set with ten indicators more and ten fewer, until it answers.
fn update(set: &IndicatorSet) -> Outcome<()> {
    let mut current = set.clone();
    let mut slowest = 0.0_f64;
    for round in 0..1000 {
        let name = |i: u32| Indicator::by_shape(&format!("update{i}.of{round}.example"));
        let mut changes = Vec::new();
        for i in 0..10 {
            changes.push(Change::Add { indicator: name(i)?, origin: Origin::of_source("later").into() });
            changes.push(Change::Remove {
                indicator: Indicator::by_shape("h1.evil1.example")?,
                only_from: None,
            });
        }
        let start = cpu_seconds();
        let mut next = current.clone();
        next.apply(&changes)?;
        if next.origins_of(&name(9)?).is_empty() {
            return Err("an update was not active".into());
        }
        current = next;
        slowest = slowest.max(cpu_seconds() - start);
    }
    let start = cpu_seconds();
    let merged = current.merged()?;
    println!(
        "update   20 changes active in at most {:.3} ms, with {} before them; merged in {:.2} s into {}",
        slowest * 1e3,
        current.unmerged(),
        (cpu_seconds() - start),
        merged.statistics().kept,
    );
    Ok(())
}

fn main() -> Outcome<()> {
    let args = Args::parse();
    let set = load(args.indicators)?;
    let log = match &args.log {
        Some(path) => std::fs::read(path)?,
        None => made_log(200 << 20),
    };
    if let Some(folder) = &args.write {
        std::io::copy(
            &mut made_list(args.indicators),
            &mut BufWriter::new(std::fs::File::create(folder.join("indicators.txt"))?),
        )?;
        std::fs::write(folder.join("dns.log"), &log)?;
    }
    let matcher = Matcher { set: &set, warninglists: None };
    let (mut bytes, mut lines, mut hits) = (0_u64, 0_u64, 0_u64);
    let start = cpu_seconds();
    while bytes < args.megabytes * 1_000_000 {
        let summary = match_log(&mut log.as_slice(), &matcher, &MatchOptions::default(), &mut |_, _| {})?;
        bytes += log.len() as u64;
        lines += summary.lines;
        hits += summary.hits;
    }
    let seconds = cpu_seconds() - start;
    println!(
        "match    {:.2} GB/s, {:.2} M lines/s over {:.0} MB; {hits} hits",
        bytes as f64 / seconds / 1e9,
        lines as f64 / seconds / 1e6,
        bytes as f64 / 1e6,
    );
    update(&set)
}
