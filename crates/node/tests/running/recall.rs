//! Taking back: before it went, and after.

use serde_json::json;

use crate::support::{Rng, Side, allies, files_with, report};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_recalled_before_it_left_never_leaves() {
    let (seoul, mut washington) = allies().await;
    let mut live = washington.officer().listen(None).await;
    let first = seoul.officer().report(&report("First", &["USA"])).await;
    live.wait("entry", |event| event["id"] == first).await;
    washington.stop().await;
    let id = seoul.officer().report(&report("WITHDRAWN-WORDS in the title", &["USA"])).await;
    let stays = seoul.officer().report(&report("Stays", &["USA"])).await;
    seoul.officer().recall(&id).await;
    washington.start().await;
    seoul.delivered("washington").await;
    assert_eq!(washington.officer().ids("/api/findings").await, [stays, first]);
    for path in ["findings", "entries", "incidents"] {
        assert_eq!(washington.officer().status(&format!("/api/{path}/{id}")).await, 404);
    }
    assert!(files_with(washington.data(), "WITHDRAWN-WORDS").is_empty());
    seoul.verify().await;
    washington.verify().await;
    // Its owner still has it, marked.
    let own = seoul.officer().get(&format!("/api/findings/{id}")).await;
    assert_eq!(own["recalled"], json!(true));
    let again = seoul.officer().try_post(&format!("/api/entries/{id}/recall"), &json!({"reason": "x"})).await;
    assert_eq!(again.unwrap().status, 409);
}

/// Nothing tells of `id` at `side`, whose words hold `needle`.
async fn gone(side: &Side, id: &str, needle: &str) {
    let officer = side.officer();
    for path in ["findings", "entries", "incidents"] {
        assert_eq!(officer.status(&format!("/api/{path}/{id}")).await, 404, "{path} {id}");
    }
    for list in ["/api/findings", "/api/incidents", "/api/feeds"] {
        let all = serde_json::to_string(&officer.all(list).await).unwrap();
        assert!(!all.contains(needle), "{list} tells of {needle}");
        assert!(!all.contains(id), "{list} tells of {id}");
    }
    let found = files_with(side.data(), needle);
    assert!(found.is_empty(), "{needle} stands in {found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_recalled_leaves_no_byte_at_the_ally() {
    let (mut seoul, mut washington) = allies().await;
    // Long and short ones: SQLite keeps them in different ways.
    let mut items = Vec::new();
    for number in 0..60 {
        let needle = format!("NEEDLE-{number:03}-{}", number * 7919);
        let mut report = report(&format!("{needle} in the title"), &["USA"]);
        let length = [0, 300, 1500, 5000, 19_000][number % 5];
        report["text"] = json!(format!("{needle} {}", format!("{needle} and more. ").repeat(length / 30)));
        // Each its own incident, save every third.
        report["objects"] = json!([{"id": format!("host:{}", number / 3 * 3 + number % 3 % 2)}]);
        let id = seoul.officer().report(&report).await;
        items.push((id, needle));
    }
    seoul.delivered("washington").await;
    assert_eq!(washington.officer().ids("/api/findings").await.len(), 60);
    for (_, needle) in &items {
        assert!(!files_with(washington.data(), needle).is_empty(), "the search finds nothing at all");
    }
    let mut rng = Rng(7);
    rng.shuffle(&mut items);
    let mut live = washington.officer().listen(None).await;
    for (place, (id, needle)) in items.iter().enumerate() {
        seoul.officer().recall(id).await;
        let event = live.wait("recall", |event| event["target"] == id.as_str()).await;
        assert_eq!(event.data["target"], id.as_str());
        seoul.delivered("washington").await;
        gone(&washington, id, needle).await;
        if place == 20 {
            washington.restart().await;
            live = washington.officer().listen(None).await;
            gone(&washington, id, needle).await;
        }
    }
    assert_eq!(washington.officer().ids("/api/incidents").await, Vec::<String>::new());
    assert!(
        files_with(washington.data(), "NEEDLE").is_empty(),
        "{:?}",
        files_with(washington.data(), "NEEDLE")
    );
    seoul.verify().await;
    washington.verify().await;
    washington.stop().await;
    seoul.stop().await;
    assert!(files_with(washington.data(), "NEEDLE").is_empty());
    assert!(!files_with(seoul.data(), "NEEDLE").is_empty(), "the owner lost its own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_that_told_of_it_goes_too_and_the_rest_stays() {
    let (seoul, washington) = allies().await;
    let about = |title: &str| {
        let mut report = report(title, &["USA"]);
        report["objects"] = json!([{"id": "norad:29268", "name": "KOREASAT 5"}]);
        report["start"] = json!("2026-03-10T12:00:00Z");
        report
    };
    let stays = seoul.officer().report(&about("STAYS-WORDS")).await;
    let goes = seoul.officer().report(&about("GOES-WORDS")).await;
    seoul.delivered("washington").await;
    let incidents = washington.officer().all("/api/incidents").await;
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(incidents[0]["findings"], json!(2));
    let told = incidents[0]["id"].as_str().unwrap().to_owned();

    seoul.officer().recall(&goes).await;
    seoul.delivered("washington").await;
    gone(&washington, &goes, "GOES-WORDS").await;
    assert_eq!(washington.officer().status(&format!("/api/incidents/{told}")).await, 404);
    let incidents = washington.officer().all("/api/incidents").await;
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(incidents[0]["findings"], json!(1));
    assert_eq!(washington.officer().ids("/api/findings").await, [stays]);
    washington.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_recalls() {
    let (seoul, washington) = allies().await;
    let id = seoul.officer().report(&report("Seoul's", &["USA"])).await;
    let kept = seoul.officer().report(&report("Kept", &[])).await;
    seoul.delivered("washington").await;
    let path = format!("/api/entries/{id}/recall");
    let reason = json!({"reason": "not ours"});
    assert_eq!(washington.officer().try_post(&path, &reason).await.unwrap().status, 409);
    assert_eq!(washington.officer().status(&format!("/api/findings/{id}")).await, 200);
    // A recall of what the ally never had does not tell it that there was something.
    let before = seoul.peer("washington").await["log_size"].clone();
    seoul.officer().recall(&kept).await;
    let after = seoul.delivered("washington").await;
    assert_eq!(after["log_size"], before);
    assert!(files_with(washington.data(), &kept).is_empty());
    let nothing = format!("/api/entries/{}/recall", "0".repeat(64));
    assert_eq!(seoul.officer().try_post(&nothing, &reason).await.unwrap().status, 404);
}
