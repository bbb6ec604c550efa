//! What an officer decides about the way: files for a courier at running nodes, the terms of an agreement, and the
//! precedence of a report.

use hyper::Method;
use serde_json::{Value, json};

use crate::support::{SEOUL, Side, WASHINGTON, allies, report, text};

async fn post_bytes(side: &Side, path: &str, bytes: Vec<u8>) -> crate::support::Answer {
    side.officer().ask(Method::POST, path, bytes).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_courier_serves_running_nodes() {
    let (mut seoul, mut washington) = allies().await;
    seoul.delivered("washington").await;
    washington.stop().await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(seoul.officer().report(&report(&format!("Carried {number}"), &["USA"])).await);
    }
    let path = "/api/peers/washington/file";
    let file = post_bytes(&seoul, path, b"{}".to_vec()).await;
    assert_eq!(file.status, 200, "{}", file.text());
    let lanes = file.header("bongsu-lanes").to_owned();
    assert!(lanes.split(' ').any(|lane| lane.ends_with("=0-0")) || lanes.contains("=0-"), "{lanes}");
    // The line is as it was: what waits there waits on.
    assert_eq!(seoul.peer("washington").await["acked"], json!(0));
    let from = post_bytes(&seoul, path, b"{\"from\":{\"routine\":9999}}".to_vec()).await;
    assert_eq!(from.status, 400, "{}", from.text());
    assert_eq!(post_bytes(&seoul, "/api/peers/tokyo/file", b"{}".to_vec()).await.status, 404);

    // Washington runs, and hears nothing over the line.
    seoul.stop().await;
    washington.start().await;
    let taken = post_bytes(&washington, "/api/link/file", file.body.clone()).await;
    assert_eq!(taken.status, 200, "{}", taken.text());
    let taken = taken.json();
    assert_eq!(taken["faults"], json!([]), "{taken}");
    let mut shown = washington.officer().ids("/api/findings").await;
    shown.reverse();
    assert_eq!(shown, ids);
    // Once more is nothing new; what is cut off or no such file is told.
    let again = post_bytes(&washington, "/api/link/file", file.body.clone()).await.json();
    assert_eq!((&again["faults"], washington.officer().ids("/api/findings").await.len()), (&json!([]), 3));
    let cut = file.body[..file.body.len() - 1].to_vec();
    let cut = post_bytes(&washington, "/api/link/file", cut).await.json();
    assert_eq!(text(&cut["faults"][0], "code"), "link::cut_file", "{cut}");
    assert_eq!(post_bytes(&washington, "/api/link/file", b"no file".to_vec()).await.status, 422);
    washington.verify().await;

    // The receipts go back the same way.
    let receipts: Vec<String> =
        taken["receipts"].as_array().unwrap().iter().map(|receipt| receipt.to_string() + "\n").collect();
    washington.stop().await;
    seoul.start().await;
    let receipts = receipts.concat().into_bytes();
    let mut answer = post_bytes(&seoul, "/api/link/receipts", receipts.clone()).await;
    for _ in 0..100 {
        if answer.status == 200 {
            break;
        }
        // A batch was under way on the line at that moment.
        assert!(answer.text().contains("try again"), "{}", answer.text());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        answer = post_bytes(&seoul, "/api/link/receipts", receipts.clone()).await;
    }
    assert_eq!(answer.status, 200, "{}", answer.text());
    let standing = seoul.peer("washington").await;
    assert_eq!((&standing["acked"], &standing["queued"]), (&standing["log_size"], &json!(0)), "{standing}");
    let acts: Vec<Value> =
        seoul.officer().all("/api/acts").await.iter().map(|act| act["kind"].clone()).collect();
    assert!(acts.contains(&json!("courier_sent")) && acts.contains(&json!("courier_received")), "{acts:?}");
    // And the line takes over where the courier left off.
    washington.start().await;
    let more = seoul.officer().report(&report("Over the line", &["USA"])).await;
    seoul.delivered("washington").await;
    assert_eq!(washington.officer().status(&format!("/api/findings/{more}")).await, 200);
    assert_eq!(washington.officer().all("/api/refusals").await, Vec::<Value>::new());
    seoul.verify().await;
    washington.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agreement_holds_what_both_officers_state() {
    let contact = |settings: &str, who: &str| format!("{settings}[link]\ncontacts = [\"{who}\"]\n");
    let (mut seoul, mut washington) = (
        Side::started(&contact(SEOUL, "watch, +82 2 405 5118")).await,
        Side::started(&contact(WASHINGTON, "watch, +1 888 282 0870")).await,
    );
    seoul.stop().await;
    washington.stop().await;
    let terms = || node::Terms {
        lanes: vec![base::Precedence::Routine, base::Precedence::Flash],
        witnesses: vec!["second".to_owned(), "first".to_owned()],
        tables: [("grades".to_owned(), "2026-03".to_owned())].into(),
        ..node::Terms::until("2100-01-01T00:00:00Z".parse().unwrap())
    };
    for (at, with) in [(&seoul, &washington), (&washington, &seoul)] {
        let card = node::card(&with.config().unwrap()).unwrap();
        let bad = node::Terms { lanes: vec![base::Precedence::Routine], ..terms() };
        assert!(node::accept_until(&at.config().unwrap(), card.clone(), "SECRET", Some(bad), None).is_err());
        node::accept_until(&at.config().unwrap(), card, "SECRET", Some(terms()), None).unwrap();
    }
    seoul.start().await;
    washington.start().await;
    let mut live = seoul.officer().listen(Some(0)).await;
    let entry = live
        .wait("entry", |event| event["kind"] == "agreement" && event["owner"]["node"] == "washington")
        .await;
    assert_eq!(seoul.peer("washington").await["agreement"], json!("signed"));
    let entry = seoul.officer().get(&format!("/api/entries/{}", text(&entry.data, "id"))).await;
    let agreed: link::Agreement =
        base::from_document(&entry["body"]).unwrap_or_else(|e| panic!("{e}: {entry}"));
    assert_eq!(agreed.parties[0].contacts, ["watch, +82 2 405 5118"]);
    assert_eq!(agreed.parties[1].contacts, ["watch, +1 888 282 0870"]);
    assert_eq!(agreed.witnesses, ["first", "second"]);
    assert_eq!(agreed.tables["grades"], "2026-03");
    assert!(agreed.tables.contains_key("codes"));
    // What would go in a lane that is not used goes in the next less urgent one.
    let mut urgent = report("Four beacons", &["USA"]);
    urgent["severity"] = json!(4);
    urgent["precedence"] = json!("immediate");
    let id = seoul.officer().report(&urgent).await;
    seoul.delivered("washington").await;
    let shared = seoul.officer().all("/api/peers/washington/shared").await;
    let item = shared.iter().find(|item| item["id"] == id.as_str()).unwrap();
    assert_eq!(item["precedence"], json!("routine"));
    assert_eq!(washington.officer().status(&format!("/api/findings/{id}")).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_goes_as_fast_as_its_author_says() {
    let (seoul, _washington) = allies().await;
    for (severity, said, lane) in [
        (2, None, "routine"),
        (5, None, "flash"),
        (2, Some("flash"), "flash"),
        (5, Some("routine"), "routine"),
    ] {
        let mut report = report("Some words", &["USA"]);
        report["severity"] = json!(severity);
        if let Some(said) = said {
            report["precedence"] = json!(said);
        }
        let id = seoul.officer().report(&report).await;
        let shared = seoul.officer().all("/api/peers/washington/shared").await;
        let item = shared.iter().find(|item| item["id"] == id.as_str()).unwrap();
        assert_eq!(item["precedence"], json!(lane), "{severity} {said:?}");
    }
    let mut wrong = report("Some words", &["USA"]);
    wrong["precedence"] = json!("at once");
    assert_eq!(seoul.officer().try_post("/api/reports", &wrong).await.unwrap().status, 400);
}
