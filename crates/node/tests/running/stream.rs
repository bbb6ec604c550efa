//! The live stream of a page: nothing is lost when it breaks off, and nothing comes twice.

use std::time::Duration;

use crate::support::{Live, PATIENCE, SEOUL, Side, allies, report};

/// Events up to the one with id `last`, entries and recalls only.
async fn upto(live: &mut Live, last: u64) -> Vec<(u64, String)> {
    let mut events = Vec::new();
    loop {
        let event = live.next(PATIENCE).await.unwrap();
        if let Some(id) = event.id {
            events.push((id, event.name));
            if id >= last {
                return events;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_goes_on_where_it_was() {
    let side = Side::started(SEOUL).await;
    let officer = side.officer();
    let mut whole = officer.listen(None).await;
    let writer = {
        let officer = officer.clone();
        tokio::spawn(async move {
            for number in 0..120 {
                officer.report(&report(&format!("Item {number}"), &[])).await;
            }
        })
    };
    // One page breaks off again and again while items come in; it names the last event that it saw.
    let (mut seen, mut pieces) = (None, Vec::new());
    while pieces.len() < 150 {
        let mut live = officer.listen(seen).await;
        for _ in 0..7 {
            let event = live.next(PATIENCE).await.unwrap();
            if let Some(id) = event.id {
                pieces.push((id, event.name));
                seen = Some(id);
            }
        }
    }
    writer.await.unwrap();
    let last = side.log_size().await - 1;
    pieces.extend(upto(&mut officer.listen(seen).await, last).await);
    let whole = upto(&mut whole, last).await;
    assert_eq!(whole.len(), 240, "an entry for each finding and each incident");
    // The broken page began when it began; from there on it is the same.
    let from = whole.iter().position(|event| *event == pieces[0]).unwrap();
    assert_eq!(pieces, whole[from..]);
    // From the very start.
    let again = upto(&mut officer.listen(Some(0)).await, last).await;
    assert_eq!(again, whole);
    // What is beyond the log's end, or no number, is no reason to fall over.
    let mut ahead = officer.listen(Some(1_000_000)).await;
    assert!(ahead.next(Duration::from_millis(100)).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_was_away_for_long_misses_nothing() {
    let side = Side::started(SEOUL).await;
    let officer = side.officer();
    let mut work = Vec::new();
    for writer in 0..8 {
        let officer = officer.clone();
        work.push(tokio::spawn(async move {
            for number in 0..80 {
                let mut report = report(&format!("Item {writer} {number}"), &[]);
                report["objects"] = serde_json::json!([{"id": format!("host:{writer}-{number}")}]);
                officer.report(&report).await;
            }
        }));
    }
    for each in work {
        each.await.unwrap();
    }
    let last = side.log_size().await - 1;
    assert!(last > 1200, "{last}");
    let events = upto(&mut officer.listen(Some(0)).await, last).await;
    let ids: Vec<u64> = events.into_iter().map(|(id, _)| id).collect();
    // The first entries are the node's own and the officer's log-in, which shows nowhere.
    assert_eq!(ids, (2..=last).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recall_is_sent_again_to_who_missed_it() {
    let (seoul, mut washington) = allies().await;
    let mut live = washington.officer().listen(None).await;
    let id = seoul.officer().report(&report("To be recalled", &["USA"])).await;
    let seen = live.wait("entry", |event| event["id"] == id).await.id;
    drop(live);
    seoul.officer().recall(&id).await;
    seoul.delivered("washington").await;
    // The page comes back, also after the node was started anew in between.
    for restart in [false, true] {
        if restart {
            washington.restart().await;
        }
        let mut live = washington.officer().listen(seen).await;
        let event = live.wait("recall", |event| event["target"] == id).await;
        assert!(event.id > seen, "{event:?}");
        let mut all = washington.officer().listen(Some(0)).await;
        loop {
            let next = all.next(PATIENCE).await.unwrap();
            assert!(next.name != "entry" || next.data["id"] != id, "recalled, and shown again: {next:?}");
            if next == event {
                break;
            }
        }
    }
}
