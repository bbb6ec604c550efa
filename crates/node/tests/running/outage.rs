//! Peers that come and go: what waits, what arrives, how often and in which order.

use base::Precedence;
use record::{Direction, Lane, ReadRecord};
use serde_json::json;

use crate::support::{Rng, Side, allies, report, text};

/// What stands in the lane between a stopped node and `peer`, in order.
fn lane(side: &Side, peer: &str, direction: Direction) -> Vec<String> {
    let read = ReadRecord::open(side.data()).unwrap();
    let ids = read
        .lane_ids(&Lane { peer: peer.parse().unwrap(), direction, precedence: Precedence::Routine })
        .unwrap();
    ids.iter().map(ToString::to_string).collect()
}

/// Both are stopped; what one sent the other holds, in the same order and once.
fn same_lanes(seoul: &Side, washington: &Side) -> Vec<String> {
    let sent = lane(seoul, "washington", Direction::Out);
    assert_eq!(lane(washington, "seoul", Direction::In), sent);
    let mut distinct = sent.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), sent.len(), "an item stands twice in the lane");
    sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_for_a_peer_arrives_once_and_in_order() {
    let (mut seoul, mut washington) = allies().await;
    let before = seoul.officer().report(&report("Before", &["USA"])).await;
    seoul.delivered("washington").await;
    washington.stop().await;
    let mut posted = vec![before];
    for number in 0..30 {
        posted.push(seoul.officer().report(&report(&format!("While away {number}"), &["USA"])).await);
        seoul.officer().report(&report(&format!("Kept {number}"), &[])).await;
    }
    let standing = seoul.peer_until("washington", |p| p["state"] == "down").await;
    assert!(standing["queued"].as_u64().unwrap() >= 30, "{standing}");
    let shared = seoul.officer().all("/api/peers/washington/shared").await;
    let queued = shared.iter().filter(|s| s["kind"] == "finding" && s["state"] == "queued").count();
    assert_eq!(queued, 30);
    // The sender too is away for a while: what waits is on disk.
    seoul.restart().await;
    washington.start().await;
    seoul.delivered("washington").await;
    let arrived = washington.officer().ids("/api/findings").await;
    assert_eq!(arrived.iter().rev().cloned().collect::<Vec<_>>(), posted);
    seoul.verify().await;
    washington.verify().await;
    seoul.stop().await;
    washington.stop().await;
    same_lanes(&seoul, &washington);
}

/// Either side stops and starts again while the other sends; each item is there once at the end.
async fn restarts_while_items_flow(seed: u64) {
    let mut rng = Rng(seed);
    let (mut seoul, mut washington) = allies().await;
    let mut posted = Vec::new();
    for round in 0..6 {
        let officer = seoul.officer().clone();
        let writer = tokio::spawn(async move {
            let mut done = Vec::new();
            for number in 0..40 {
                let report = report(&format!("Round {round}, {number}"), &["USA"]);
                match officer.try_post("/api/reports", &report).await {
                    Ok(answer) if answer.status == 201 => done.push(text(&answer.json(), "entry").to_owned()),
                    // The node stops under the writer: what was not acknowledged may be there or not.
                    _ => break,
                }
            }
            done
        });
        // Somewhere within the flow, by what has come through rather than by the clock.
        let upto = rng.below(posted.len() + 40) as u64;
        let either = rng.below(2) == 0;
        if either {
            let mut live = washington.officer().listen(None).await;
            let _ = live.next(std::time::Duration::from_millis(20 + upto % 60)).await;
            washington.restart().await;
        } else {
            let mut live = seoul.officer().listen(None).await;
            let _ = live.next(std::time::Duration::from_millis(20 + upto % 60)).await;
            seoul.restart().await;
        }
        posted.extend(writer.await.unwrap());
    }
    seoul.delivered("washington").await;
    let arrived = washington.officer().ids("/api/findings").await;
    let mut expected = seoul.officer().ids("/api/findings").await;
    assert_eq!(arrived, expected, "seed {seed}");
    expected.reverse();
    assert!(posted.len() > 60, "only {} were posted", posted.len());
    for id in &posted {
        assert!(expected.contains(id), "seed {seed}: {id} was acknowledged and is gone");
    }
    for side in [&seoul, &washington] {
        side.verify().await;
        let refused = side.officer().all("/api/refusals").await;
        assert_eq!(refused, Vec::<serde_json::Value>::new(), "honest nodes accuse one another");
    }
    seoul.stop().await;
    washington.stop().await;
    assert!(same_lanes(&seoul, &washington).len() >= posted.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_of_either_side_lose_and_double_nothing() {
    for seed in [1, 2] {
        restarts_while_items_flow(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_met_late_gets_what_it_may_have() {
    let seoul = Side::started(crate::support::SEOUL).await;
    let mut may = Vec::new();
    for number in 0..5 {
        may.push(seoul.officer().report(&report(&format!("Early {number}"), &["USA"])).await);
        seoul.officer().report(&report(&format!("Kept {number}"), &[])).await;
    }
    let recalled = seoul.officer().report(&report("Recalled before", &["USA"])).await;
    seoul.officer().recall(&recalled).await;
    let washington = Side::started(crate::support::WASHINGTON).await;
    crate::support::introduce(&washington, &seoul).await;
    crate::support::introduce(&seoul, &washington).await;
    let standing = seoul.delivered("washington").await;
    let arrived = washington.officer().ids("/api/findings").await;
    assert_eq!(arrived.iter().rev().cloned().collect::<Vec<_>>(), may);
    assert!(crate::support::files_with(washington.data(), &recalled).is_empty(), "{standing}");
    // Introduced once more, nothing goes twice.
    crate::support::introduce(&seoul, &washington).await;
    let again = seoul.delivered("washington").await;
    assert_eq!(again["log_size"], standing["log_size"]);
    assert_eq!(again["shared"], standing["shared"], "{again}");
    assert_eq!(again["refusals"], json!(0));
}
