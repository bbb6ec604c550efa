//! `kill -9` at 1,000 random moments: a real process stores and is killed, what it acknowledged is there.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests start and kill real processes")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Rng, append, check_all, found, key, restless};
use record::{RecordStore, SqliteRecord, verify_dir};

const KILLS: u64 = 1000;
/// The record is founded anew after so many kills, so that it stays small.
const KILLS_OF_A_RECORD: u64 = 100;
const FOLDER: &str = "BONGSU_TEST_KILL_FOLDER";

/// Not a test by itself: what the killed process does. It appends until it is killed, a line for each commit.
#[test]
fn the_process_that_is_killed() {
    let Ok(data) = std::env::var(FOLDER) else { return };
    let mut record = SqliteRecord::open(Path::new(&data), key(), restless()).unwrap();
    let mut out = std::io::stdout();
    loop {
        let next = record.log_size() - 1;
        append(&mut record, next, next + 1 + next % 5);
        writeln!(out, "stored {}", record.log_size() - 1).unwrap();
        out.flush().unwrap();
    }
}

/// Starts the process and kills it after `lines` acknowledgements and a little more. Gives what it acknowledged last.
fn kill_after(data: &Path, lines: u64, rng: &mut Rng) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_that_is_killed", "--nocapture"])
        .env(FOLDER, data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = 0;
    let mut seen = 0;
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    while seen < lines {
        let Some(line) = output.next() else { break };
        if let Some(size) = line.unwrap().strip_prefix("stored ") {
            acknowledged = size.parse().unwrap();
            seen += 1;
        }
    }
    // Somewhere within the next commits.
    std::thread::sleep(std::time::Duration::from_micros(rng.below(3000)));
    child.kill().unwrap();
    child.wait().unwrap();
    for line in output.map_while(Result::ok) {
        // Cut off lines were not read by anybody.
        if let Some(size) = line.strip_prefix("stored ").and_then(|size| size.parse().ok()) {
            acknowledged = size;
        }
    }
    acknowledged
}

#[test]
fn nothing_that_was_acknowledged_is_lost() {
    let mut rng = Rng(20_260_310);
    let mut kills = 0;
    let mut in_log = 0;
    while kills < KILLS {
        let data = tempfile::tempdir().unwrap();
        found(data.path());
        let mut acknowledged = 0;
        for round in 0..KILLS_OF_A_RECORD {
            let lines = rng.below(4);
            acknowledged = acknowledged.max(kill_after(data.path(), lines, &mut rng));
            kills += 1;
            let log = std::fs::metadata(data.path().join("record/record.db-wal"));
            in_log += u64::from(log.is_ok_and(|log| log.len() > 0));
            if round % 10 == 0 {
                let verdict = verify_dir(data.path()).unwrap();
                assert_eq!(verdict.damage, [], "kill {kills}");
                assert!(verdict.entries > acknowledged);
            }
            let record = SqliteRecord::open(data.path(), key(), restless()).unwrap();
            assert!(record.log_size() > acknowledged, "kill {kills}");
            if round % 10 == 9 {
                check_all(&record, acknowledged);
            }
        }
        assert_eq!(verify_dir(data.path()).unwrap().damage, []);
    }
    // Most kills must come in the middle of work.
    assert!(in_log > KILLS / 2, "{in_log} of {KILLS} left a log");
}
