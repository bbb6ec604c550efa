//! Founds a record with many findings and one peer, to measure on:
//! `cargo run --release -p bongsu-record --example many-findings -- DIR COUNT`.
//!
//! The node is `seoul`, the peer `washington`; of ten findings seven may go to it. Ten days lie between the first and
//! the last. Prints the time of the last finding.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program of its own, not the room")]

use std::error::Error;
use std::path::PathBuf;

use base::{
    Confidence, Country, Finding, Interval, Marking, Method, NodeName, ObjectRef, Severity, Timestamp,
};
use rand_core::OsRng;
use record::{Batch, Entry, NodeKey, Peer, RecordStore, SqliteRecord};

const BATCH: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(count)) = (args.next().map(PathBuf::from), args.next()) else {
        return Err("give a folder and a number of findings".into());
    };
    let count: u64 = count.parse()?;
    let name: NodeName = "seoul".parse()?;
    let country: Country = "KOR".parse()?;
    let first: Timestamp = "2026-03-01T00:00:00Z".parse()?;
    let step = 10 * 86_400 * 1_000_000_000 / i64::try_from(count.max(1))?;
    let key = NodeKey::generate(name.clone(), &mut OsRng);
    let own = NodeKey::from_secret(name, &key.secret());
    std::fs::create_dir_all(&folder)?;
    let mut record = SqliteRecord::create(&folder, own, &country, "Seoul", "0", first, &mut OsRng)?;
    record.commit(&Batch::of([Entry::sign(&washington()?, &country, &key, first, &mut OsRng)?]))?;
    let mut last = first;
    for from in (0..count).step_by(usize::try_from(BATCH)?) {
        let entries = (from..count.min(from + BATCH))
            .map(|number| {
                last = Timestamp::from_unix_nanos(first.unix_nanos() + step * number.cast_signed());
                Ok(Entry::sign(&finding(number, last)?, &country, &key, last, &mut OsRng)?)
            })
            .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        record.commit(&Batch::of(entries))?;
    }
    println!("{last}");
    Ok(())
}

fn washington() -> Result<Peer, Box<dyn Error>> {
    let key = NodeKey::generate("washington".parse()?, &mut OsRng);
    Ok(Peer {
        node: "washington".parse()?,
        title: "Washington".to_owned(),
        country: "USA".parse()?,
        clearance: "SECRET".to_owned(),
        key: key.public().to_hex(),
        certificate: key.public().fingerprint(),
        address: "127.0.0.1:8431".to_owned(),
        marking: Marking::new("RESTRICTED", &[], "KOR"),
    })
}

fn finding(number: u64, time: Timestamp) -> Result<Finding, Box<dyn Error>> {
    let object = |id: u64| ObjectRef { id: format!("norad:{id}"), name: None, protected: false };
    let marking = match number % 10 {
        0..7 => Marking::new("RESTRICTED", &["USA", "JPN"], "KOR"),
        7 => Marking::new("TOP SECRET", &["USA"], "KOR"),
        _ => Marking::new("SECRET", &["JPN"], "KOR"),
    };
    Ok(Finding {
        kind: "orbit.approach".to_owned(),
        title: format!("Approach {number}"),
        text: None,
        interval: Interval::new(time, time)?,
        place: None,
        objects: vec![object(40_000 + number % 5_000), object(20_000 + number % 7_919)],
        severity: Severity::ALL[(number % 5) as usize],
        likelihood: None,
        confidence: Confidence::Moderate,
        method: Method { name: "orbit.screen".to_owned(), version: "1".to_owned() },
        measures: [("miss_km".to_owned(), (number % 1_000) as f64 / 10.0)].into(),
        marking,
        evidence: Vec::new(),
    })
}
