//! How fast the record is: entries signed and stored a second, how long a large log takes to open, and how much
//! memory it needs.
//!
//! One thread signs (salt, canonical JSON, Ed25519), one stores in groups as a node does: SQLite with `synchronous=FULL`,
//! tree, signed checkpoint, tiles, index. Everything that is printed was measured in this run.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[path = "../clock.rs"]
#[expect(dead_code, reason = "`timed` is for the other program")]
mod clock;
mod entries;

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use base::EntryId;
use clap::Parser;
use record::{Batch, RecordStore, SqliteOptions, SqliteRecord, inclusion_holds};
use serde_json::json;

use crate::clock::{cpu_s, peak_mib};
use crate::entries::{key, now, signed, washington};

#[derive(Parser)]
#[command(
    about = "Signs and stores entries, then opens the log again after a clean stop and after a kill",
    after_help = "Example:\n  cargo run --release -p bongsu-bench --bin record -- --entries 1000000 --folder record-bench"
)]
struct Arguments {
    /// How many entries to write
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// How many entries share one commit
    #[arg(long, default_value_t = 1024)]
    group: u64,
    /// A new folder for the log; about 1.3 KB an entry. It is removed at the end
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Print a line each time that this many entries were written
    #[arg(long, default_value_t = 1_000_000)]
    every: u64,
    /// Leave the folder, with a peer `washington`, for other commands to be measured on
    #[arg(long)]
    keep: bool,
    /// Only open the log in the folder, read and append once, and print how long it took
    #[arg(long, hide = true)]
    open: bool,
    /// Only open the log in the folder and append until killed, a line for each commit
    #[arg(long, hide = true)]
    append: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = if arguments.open {
        open(&arguments.folder)
    } else if arguments.append {
        append(&arguments)
    } else {
        measure(&arguments)
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            println!("{}", json!({"error": e.to_string()}));
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let folder = &arguments.folder;
    std::fs::create_dir(folder)?;
    let measured = fill(arguments).and_then(|()| {
        println!("{}", json!({"stop": "clean", "opened": child(folder, "--open")?}));
        kill(folder, arguments.group)?;
        println!("{}", json!({"stop": "kill -9", "opened": child(folder, "--open")?}));
        Ok(())
    });
    if !arguments.keep || measured.is_err() {
        std::fs::remove_dir_all(folder)?;
    }
    measured
}

/// Writes the log and prints the rate of each part of it.
fn fill(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let own = key();
    let country = "KOR".parse()?;
    let mut record =
        SqliteRecord::create(&arguments.folder, key(), &country, "Bench", "0", now(), &mut rand_core::OsRng)?;
    if arguments.keep {
        record.commit(&Batch::of([washington()?]))?;
    }
    let groups = signed(own, arguments.entries, arguments.group);
    let (mut written, mut commits) = (0, 0_u64);
    let (mut since, mut before) = (Instant::now(), 0);
    let mut slowest_ms = 0.0_f64;
    let mut cpu = cpu_s();
    for group in groups {
        let group = group?;
        written += group.len() as u64;
        let began = Instant::now();
        let committed = record.commit(&Batch::of(group))?;
        slowest_ms = slowest_ms.max(began.elapsed().as_secs_f64() * 1e3);
        commits += 1;
        if let Some(why) = committed.derived_behind {
            return Err(why.into());
        }
        if written / arguments.every > before / arguments.every || written == arguments.entries {
            let seconds = since.elapsed().as_secs_f64();
            // The thread that signed may have ended, and its time with it.
            let cpu_us = cpu.zip(cpu_s()).map(|(from, to)| (to - from) * 1e6 / (written - before) as f64);
            let cpu_us = cpu_us.filter(|cpu_us| *cpu_us > 0.0);
            println!(
                "{}",
                json!({
                    "entries": written,
                    "entries_per_s": ((written - before) as f64 / seconds).round(),
                    "cpu_us_per_entry": cpu_us.map(f64::round),
                    "commits": commits,
                    "slowest_commit_ms": slowest_ms.round(),
                    "peak_memory_mib": peak_mib().map(f64::round),
                    "folder_mib": folder_bytes(&arguments.folder)? >> 20,
                })
            );
            (since, before, slowest_ms, cpu) = (Instant::now(), written, 0.0, cpu_s());
        }
    }
    Ok(())
}

/// Opens the log as a node does at its start, and prints when what was there.
fn open(folder: &Path) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let ms = |began: Instant| (began.elapsed().as_secs_f64() * 1e4).round() / 10.0;
    let mut record = SqliteRecord::open(folder, key(), SqliteOptions::default())?;
    let opened_ms = ms(began);
    let size = record.log_size();
    let at = Instant::now();
    let first = record.at(size / 3)?.ok_or("the entry is missing")?;
    let read_by_place_ms = ms(at);
    let at = Instant::now();
    let id: EntryId = first.id;
    let read = record.get(&id)?.ok_or("the entry is missing")?;
    let read_by_id_ms = ms(at);
    let at = Instant::now();
    let proof = record.inclusion(read.seq, size)?;
    let proof_ms = ms(at);
    if !inclusion_holds(&proof, size, record.root(), read.seq, &id) {
        return Err("the proof does not hold".into());
    }
    let at = Instant::now();
    let group = signed(key(), 1, 1).next().ok_or("nothing was signed")??;
    record.commit(&Batch::of(group))?;
    let append_ms = ms(at);
    let all_ms = ms(began);
    let healed = record.healed().len();
    println!(
        "{}",
        json!({
            "entries": size, "open_ms": opened_ms, "first_read_by_place_ms": read_by_place_ms,
            "first_read_by_id_ms": read_by_id_ms, "first_proof_ms": proof_ms, "first_append_ms": append_ms,
            "all_ms": all_ms, "healed": healed, "peak_memory_mib": peak_mib().map(f64::round),
        })
    );
    Ok(())
}

/// Appends until somebody kills this process; each line is acknowledged.
fn append(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut record = SqliteRecord::open(&arguments.folder, key(), SqliteOptions::default())?;
    for group in signed(key(), u64::MAX, arguments.group) {
        record.commit(&Batch::of(group?))?;
        println!("{}", record.log_size());
        std::io::stdout().flush()?;
    }
    Ok(())
}

/// Lets another process append, kills it in the middle of it, and makes sure that what it acknowledged is there.
fn kill(folder: &Path, group: u64) -> Result<(), Box<dyn Error>> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--append", "--group", &group.to_string(), "--folder"])
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let mut acknowledged = 0_u64;
    for line in lines.take(50) {
        acknowledged = line?.parse()?;
    }
    child.kill()?;
    child.wait()?;
    println!("{}", json!({"killed_after": acknowledged}));
    Ok(())
}

fn child(folder: &Path, what: &str) -> Result<serde_json::Value, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).arg(what).arg("--folder").arg(folder).output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn folder_bytes(folder: &Path) -> std::io::Result<u64> {
    // The database is nearly all of it; walking all tiles would disturb what is measured.
    Ok(std::fs::metadata(folder.join("record/record.db"))?.len())
}
