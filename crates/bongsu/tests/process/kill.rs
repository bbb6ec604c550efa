//! `kill -9` at any moment loses nothing that was acknowledged.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base::Precedence;
use record::{Direction, Lane};
use serde_json::json;

use crate::client::{Client, PATIENCE, report, text};
use crate::process::{Rng, Serving, Site, introduce, reading, verified};

const ROUNDS: u64 = 50;
/// From this round on Washington runs too.
const WITH_PEER: u64 = 30;
/// Reports that are under way at once.
const WRITERS: u64 = 4;

type Acknowledged = Arc<Mutex<Vec<String>>>;

/// Writers who post until the node is gone; each 201 goes into `acknowledged`.
fn post(
    client: &Client,
    round: u64,
    acknowledged: &Acknowledged,
    stop: &Arc<AtomicBool>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let writer = |writer: u64| {
        let (client, acknowledged, stop) = (client.clone(), Arc::clone(acknowledged), Arc::clone(stop));
        tokio::spawn(async move {
            for number in 0.. {
                let mut report = report(&format!("Round {round}, {writer}-{number}"), &["USA"]);
                // Many objects: incidents stay small, as the test is about writing and not about grouping.
                report["objects"] = json!([{"id": format!("host:{round}-{writer}-{number}")}]);
                match client.try_post("/api/reports", &report).await {
                    Ok(answer) if answer.status == 201 => {
                        acknowledged.lock().unwrap().push(text(&answer.json(), "entry").to_owned());
                    }
                    Ok(answer) => panic!("{}: {}", answer.status, answer.text()),
                    // Not up yet, or gone.
                    Err(_) if stop.load(Ordering::SeqCst) => return,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        })
    };
    (0..WRITERS).map(writer).collect()
}

/// All ids that are in the record of a folder.
fn ids(data: &Path) -> BTreeSet<String> {
    reading(data, |read| {
        (0..read.size().unwrap()).map(|seq| read.at(seq).unwrap().unwrap().id.to_string()).collect()
    })
}

/// What stands in all lanes, the most urgent first.
fn lane(data: &Path, peer: &str, direction: Direction) -> Vec<String> {
    let ids = |precedence| {
        let lane = Lane { peer: peer.parse().unwrap(), direction, precedence };
        reading(data, |read| read.lane_ids(&lane).unwrap())
    };
    Precedence::ALL.into_iter().flat_map(ids).map(|id| id.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "how much was tried belongs to the test")]
async fn killed_at_fifty_moments_nothing_acknowledged_is_lost() {
    let mut rng = Rng::announced("kill");
    let folder = tempfile::tempdir().unwrap();
    let mut seoul = Site::new(folder.path(), "seoul", "KOR");
    let mut washington = Site::new(folder.path(), "washington", "USA");
    seoul.start().await.stop();
    let timed = Instant::now();
    washington.start().await.stop();
    let starting = timed.elapsed().as_micros() as u64;
    introduce(&seoul, &washington);

    let acknowledged = Acknowledged::default();
    let mut peer: Option<Serving> = None;
    for round in 0..ROUNDS {
        if round >= WITH_PEER && peer.is_none() {
            peer = Some(washington.spawn());
        }
        let before = acknowledged.lock().unwrap().len();
        let mut serving = seoul.spawn();
        let stop = Arc::new(AtomicBool::new(false));
        let writers = post(seoul.officer(), round, &acknowledged, &stop);
        // One round in five is cut off while it starts; the others when they write.
        if round % 5 != 0 {
            let started = serving.started().await;
            started.unwrap_or_else(|why| panic!("it does not start after a kill: {why}"));
        }
        if round % 5 == 0 {
            tokio::time::sleep(Duration::from_micros(rng.below(starting.clamp(150_000, 300_000)))).await;
        } else {
            // In the midst of the writing on a machine of any speed: after answers, not after a time.
            let enough = before + usize::try_from(rng.below(12)).unwrap() + 1;
            let deadline = Instant::now() + Duration::from_secs(60);
            while acknowledged.lock().unwrap().len() < enough {
                assert!(Instant::now() < deadline, "round {round}: the writers are not answered");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_micros(rng.below(30_000))).await;
        }
        serving.kill();
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.unwrap();
        }
        // The other side is killed now and then, or both are.
        if let Some(mut washingtons) = peer.take_if(|_| rng.below(4) == 0) {
            washingtons.kill();
            verified(&washington.data);
        }
        let acknowledged = acknowledged.lock().unwrap().clone();
        verified(&seoul.data);
        let there = ids(&seoul.data);
        let lost: Vec<_> = acknowledged.iter().filter(|id| !there.contains(*id)).collect();
        assert!(lost.is_empty(), "round {round}: {} of {} are lost", lost.len(), acknowledged.len());
    }
    let acknowledged = acknowledged.lock().unwrap().clone();
    eprintln!("{} acknowledged in {ROUNDS} rounds", acknowledged.len());

    // Both go on, and all that was acknowledged at one is at the other, once.
    let mut serving = seoul.start().await;
    let mut washingtons = match peer {
        Some(running) => running,
        None => washington.start().await,
    };
    let mut live = seoul.officer().listen(None).await;
    let settled = async {
        loop {
            let peer = seoul.officer().get("/api/peers").await["items"][0].clone();
            if peer["state"] == "up" && peer["queued"] == 0 {
                return;
            }
            live.wait("link", |_| true).await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.expect("the link does not settle");
    for id in acknowledged.iter().rev().take(20) {
        assert_eq!(seoul.officer().status(&format!("/api/findings/{id}")).await, 200);
        assert_eq!(washington.officer().status(&format!("/api/findings/{id}")).await, 200);
    }
    for site in [&seoul, &washington] {
        // Neither accuses the other of anything because it was killed.
        assert_eq!(site.officer().get("/api/refusals").await["items"], json!([]));
    }
    serving.stop();
    washingtons.stop();
    verified(&seoul.data);
    verified(&washington.data);
    let sent = lane(&seoul.data, "washington", Direction::Out);
    assert_eq!(lane(&washington.data, "seoul", Direction::In), sent);
    let distinct: BTreeSet<_> = sent.iter().cloned().collect();
    assert_eq!(distinct.len(), sent.len());
    assert!(acknowledged.iter().all(|id| distinct.contains(id)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_founds_its_folder_it_can_be_started_again() {
    let mut rng = Rng::announced("first start");
    let folder = tempfile::tempdir().unwrap();
    let mut first = Site::new(&folder.path().join("first"), "seoul", "KOR");
    std::fs::create_dir(folder.path().join("first")).unwrap();
    let timed = Instant::now();
    let mut serving = first.start().await;
    let starting = timed.elapsed().as_micros() as u64;
    serving.stop();
    for round in 0..12 {
        let place = folder.path().join(format!("round-{round}"));
        std::fs::create_dir(&place).unwrap();
        let mut site = Site::new(&place, "seoul", "KOR");
        let mut serving = site.spawn();
        tokio::time::sleep(Duration::from_micros(rng.below(starting))).await;
        serving.kill();
        if site.data.join("record").exists() {
            verified(&site.data);
        }
        let mut serving = site.start().await;
        site.officer().report(&report("After the kill", &[])).await;
        serving.stop();
        verified(&site.data);
        assert!(!site.data.join("record.new").exists());
    }
}
