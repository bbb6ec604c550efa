//! Items that go on to a third: through a hub, by the originator's grant, back by a recall; and the link as files.

use std::collections::BTreeMap;

use base::Precedence;
use serde_json::{Value, json};

use crate::support::{SEOUL, Side, TOKYO, WASHINGTON, allies, report, text};

/// Seoul and Tokyo know one another, and reach one another through Washington alone.
async fn hub() -> [Side; 3] {
    let mut sides = [SEOUL, WASHINGTON, TOKYO].map(Side::new);
    for side in &mut sides {
        side.start().await;
        side.stop().await;
    }
    let met = |at: &Side, other: &Side, via: bool| {
        let mut card = node::card(&other.config().unwrap()).unwrap();
        if via {
            card.address = "via:washington".to_owned();
        }
        node::accept(&at.config().unwrap(), card, "SECRET", None).unwrap();
    };
    let [seoul, washington, tokyo] = &sides;
    for (at, other) in [(seoul, washington), (washington, seoul), (washington, tokyo), (tokyo, washington)] {
        met(at, other, false);
    }
    met(seoul, tokyo, true);
    met(tokyo, seoul, true);
    for side in &mut sides {
        side.start().await;
    }
    sides
}

async fn refusals(side: &Side) -> Vec<Value> {
    side.officer().all("/api/refusals").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_a_hub_goes_what_both_rules_allow() {
    let [seoul, washington, tokyo] = hub().await;
    let mut live = tokyo.officer().listen(None).await;
    let not_tokyo = seoul.officer().report(&report("FOR-WASHINGTON only", &["USA"])).await;
    let not_hub = seoul.officer().report(&report("FOR-TOKYO only", &["JPN"])).await;
    let both = seoul.officer().report(&report("For both", &["USA", "JPN"])).await;
    live.wait("entry", |event| event["id"] == both.as_str()).await;

    // The entry is Seoul's own, unchanged, and says so.
    let found = tokyo.officer().get(&format!("/api/findings/{both}")).await;
    assert_eq!(text(&found["owner"], "node"), "seoul");
    let verdict = tokyo.officer().post(&format!("/api/entries/{both}/verify"), &json!({})).await;
    assert_eq!(verdict["ok"], json!(true), "{verdict}");
    assert_eq!(washington.officer().status(&format!("/api/findings/{not_tokyo}")).await, 200);
    assert_eq!(tokyo.officer().status(&format!("/api/findings/{not_tokyo}")).await, 404);
    // What the hub may not have does not go through it, even for who may.
    for side in [&washington, &tokyo] {
        assert_eq!(side.officer().status(&format!("/api/findings/{not_hub}")).await, 404);
    }
    assert_eq!(tokyo.officer().ids("/api/findings").await, std::slice::from_ref(&both));

    // A recall follows the item.
    seoul.officer().recall(&both).await;
    live.wait("recall", |event| event["target"] == both.as_str()).await;
    assert_eq!(tokyo.officer().status(&format!("/api/findings/{both}")).await, 404);
    for side in [&seoul, &washington, &tokyo] {
        side.verify().await;
        assert_eq!(refusals(side).await, Vec::<Value>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_orcon_item_goes_on_only_when_its_originator_grants_it() {
    let [seoul, washington, tokyo] = hub().await;
    let mut item = report("Ask first", &["USA", "JPN"]);
    item["marking"]["caveats"] = json!(["ORCON"]);
    // What may go through the hub goes by itself; with ORCON its officer is asked first.
    let mut hears = washington.officer().listen(None).await;
    let id = seoul.officer().report(&item).await;
    hears.wait("entry", |event| event["id"] == id.as_str()).await;
    let mut other = report("Not for Tokyo", &["USA"]);
    other["marking"]["caveats"] = json!(["ORCON"]);
    let narrow = seoul.officer().report(&other).await;
    hears.wait("entry", |event| event["id"] == narrow.as_str()).await;

    let ask = |id: &str| format!("/api/entries/{id}/request-release");
    let body = json!({"audience": "tokyo", "reason": "they saw the same"});
    let mut seoul_hears = seoul.officer().listen(None).await;
    for target in [&id, &narrow] {
        let request = text(&washington.officer().post(&ask(target), &body).await, "entry").to_owned();
        seoul_hears.wait("entry", |event| event["id"] == request.as_str()).await;
        let open = seoul.officer().all("/api/release-requests").await;
        let open = open.iter().find(|r| r["id"] == request.as_str()).unwrap();
        assert_eq!(
            (text(open, "state"), text(open, "from"), text(open, "target")),
            ("open", "washington", &**target)
        );
        let answer = format!("/api/release-requests/{request}/answer");
        // Who asked cannot answer himself.
        let own = washington.officer().try_post(&answer, &json!({"granted": true})).await.unwrap();
        assert_eq!(own.status, 409);
        let grant =
            text(&seoul.officer().post(&answer, &json!({"granted": true, "hours": 1})).await, "entry")
                .to_owned();
        hears.wait("entry", |event| event["id"] == grant.as_str()).await;
    }
    let mut live = tokyo.officer().listen(Some(0)).await;
    live.wait("entry", |event| event["id"] == id.as_str()).await;
    // A grant widens nothing: the marking of the second does not allow Japan.
    washington.delivered("tokyo").await;
    assert_eq!(tokyo.officer().status(&format!("/api/findings/{narrow}")).await, 404);
    let mut own = report("Own", &["JPN"]);
    own["marking"]["originator"] = json!("USA");
    let own = washington.officer().report(&own).await;
    let asked = washington.officer().try_post(&ask(&own), &body).await.unwrap();
    assert_eq!(asked.status, 409, "of its own nobody needs to be asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recall_is_confirmed_by_a_signed_receipt() {
    let (seoul, mut washington) = allies().await;
    let id = seoul.officer().report(&report("Taken back", &["USA"])).await;
    seoul.delivered("washington").await;
    washington.stop().await;
    let recall = text(&seoul.officer().recall(&id).await, "entry").to_owned();
    let standing = seoul.peer("washington").await;
    assert_eq!(standing["recalls_unconfirmed"], json!(2), "the report and its incident: {standing}");
    let mut live = seoul.officer().listen(None).await;
    washington.start().await;
    for _ in 0..2 {
        live.wait("entry", |event| event["kind"] == "recall-receipt").await;
    }
    assert_eq!(seoul.peer("washington").await["recalls_unconfirmed"], json!(0));
    let shared = seoul.officer().all("/api/peers/washington/shared").await;
    let line = shared.iter().find(|s| s["id"] == recall.as_str()).unwrap();
    let receipt = text(line, "confirmed_by");
    assert_eq!(text(line, "precedence"), "flash");
    let verdict = seoul.officer().post(&format!("/api/entries/{receipt}/verify"), &json!({})).await;
    assert_eq!(verdict["ok"], json!(true), "{verdict}");
}

fn everything() -> BTreeMap<Precedence, u64> {
    Precedence::ALL.map(|precedence| (precedence, 0)).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_as_files() {
    let (mut seoul, mut washington) = allies().await;
    washington.stop().await;
    let mut ids = Vec::new();
    for number in 0..40 {
        ids.push(seoul.officer().report(&report(&format!("By courier {number}"), &["USA"])).await);
    }
    let hidden = seoul.officer().report(&report("STAYS-HERE", &["JPN"])).await;
    seoul.stop().await;
    let (from, to) = (seoul.config().unwrap(), washington.config().unwrap());
    // A node runs no second runtime on this thread.
    let told = tokio::task::spawn_blocking(move || {
        let peer = "washington".parse().unwrap();
        let mut file = Vec::new();
        let spans = node::send_file(&from, &peer, &BTreeMap::new(), &mut file).unwrap();
        assert!(!String::from_utf8_lossy(&file).contains("STAYS-HERE"));
        let priority = spans.iter().find(|span| span.precedence == Precedence::Priority).unwrap();
        assert_eq!(priority.start, 0);

        // The second half without the first: a gap that names the places, and nothing is taken of that lane.
        let mut late = Vec::new();
        let later = BTreeMap::from([(Precedence::Priority, 10)]);
        node::send_file(&from, &peer, &later, &mut late).unwrap();
        let gap = node::receive_file(&to, &late[..]).unwrap();
        let missing = gap.faults.iter().find(|fault| fault.code == "link::gap").unwrap();
        assert!(
            missing.message.contains("the places 0 to 9 of the lane priority of seoul"),
            "{}",
            missing.message
        );

        // A cut file gives what came before the cut.
        let cut = node::receive_file(&to, &file[..file.len() - 1]).unwrap();
        assert_eq!(cut.faults.last().unwrap().code, "link::cut_file");

        let taken = node::receive_file(&to, &file[..]).unwrap();
        assert_eq!(taken.faults, []);
        let again = node::receive_file(&to, &file[..]).unwrap();
        assert_eq!((again.faults.len(), &again.receipts), (0, &taken.receipts), "again is nothing new");
        // Not for this node, and not a file.
        let codes: Vec<_> = node::receive_file(&from, &file[..]).unwrap().faults;
        assert!(codes.iter().all(|fault| fault.code == "link::unknown_peer"), "{codes:?}");
        assert!(node::receive_file(&to, &b"bongsu.link-batch/2\n"[..]).is_err());

        // Receipts come back as a file, and a wrong one moves nothing.
        let lines: String = taken.receipts.iter().map(|r| serde_json::to_string(r).unwrap() + "\n").collect();
        let forged = lines.replace("seoul/to/washington", "seoul/to/tokyo");
        assert!(node::receive_receipts(&from, forged.as_bytes()).is_err());
        let acked = node::receive_receipts(&from, lines.as_bytes()).unwrap();
        assert!(acked.iter().any(|span| span.precedence == Precedence::Priority && span.end == priority.end));
        let mut nothing = Vec::new();
        let spans = node::send_file(&from, &peer, &BTreeMap::new(), &mut nothing).unwrap();
        assert!(spans.iter().all(|span| span.start == span.end), "{spans:?}");
        let all = node::send_file(&from, &peer, &everything(), &mut Vec::new()).unwrap();
        assert!(all.iter().all(|span| span.start == 0));
    });
    told.await.unwrap();
    washington.start().await;
    let arrived = washington.officer().ids("/api/findings").await;
    assert_eq!(arrived.iter().rev().cloned().collect::<Vec<_>>(), ids);
    assert_eq!(washington.officer().status(&format!("/api/findings/{hidden}")).await, 404);
    washington.verify().await;
    // Over the line it goes on where the files ended.
    seoul.start().await;
    seoul.delivered("washington").await;
    seoul.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_played_stays_apart() {
    let mut live = Side::started(SEOUL).await;
    live.officer().report(&report("It happened", &["USA"])).await;
    live.stop().await;
    let settings = format!("{SEOUL}exercise = true\n");
    std::fs::write(live.data().join("bongsu.toml"), &settings).unwrap();
    let refused = live.try_start().await.unwrap_err().to_string();
    assert!(refused.contains("what is played needs a folder of its own"), "{refused}");

    // A node that plays and one that does not: the certificates are right, and still nothing passes.
    let (mut player, mut washington) = (Side::started(&settings).await, Side::started(WASHINGTON).await);
    player.stop().await;
    washington.stop().await;
    for (at, other) in [(&player, &washington), (&washington, &player)] {
        let card = node::card(&other.config().unwrap()).unwrap();
        node::accept(&at.config().unwrap(), card, "SECRET", None).unwrap();
    }
    player.start().await;
    washington.start().await;
    player.officer().report(&report("EXERCISE-WORDS", &["USA"])).await;
    let standing = player.peer_until("washington", |p| p["state"] == "refused").await;
    assert!(text(&standing, "detail").contains("exercise"), "{standing}");
    assert_eq!(washington.officer().ids("/api/findings").await, Vec::<String>::new());
    assert!(crate::support::files_with(washington.data(), "EXERCISE-WORDS").is_empty());
    let codes: Vec<_> = refusals(&washington).await.iter().map(|r| text(r, "code").to_owned()).collect();
    assert!(codes.contains(&"other_domain".to_owned()), "{codes:?}");
}

/// Two that agree until `expires`, and until `other` on the second side.
async fn agreed(expires: base::Timestamp, other: base::Timestamp) -> (Side, Side) {
    let (mut seoul, mut washington) = (Side::started(SEOUL).await, Side::started(WASHINGTON).await);
    seoul.stop().await;
    washington.stop().await;
    for (at, with, expires) in [(&seoul, &washington, expires), (&washington, &seoul, other)] {
        let card = node::card(&with.config().unwrap()).unwrap();
        node::accept_until(&at.config().unwrap(), card, "SECRET", Some(node::Terms::until(expires)), None)
            .unwrap();
    }
    seoul.start().await;
    washington.start().await;
    (seoul, washington)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sign_one_agreement_and_it_runs_out() {
    let far: base::Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
    let (seoul, washington) = agreed(far, far).await;
    for (side, peer) in [(&seoul, "washington"), (&washington, "seoul")] {
        let standing = side.delivered(peer).await;
        assert_eq!((text(&standing, "expires"), &standing["state"]), ("2100-01-01T00:00:00Z", &json!("up")));
    }
    // Each has the other's entry by now, or gets it with the next batch.
    let mut live = seoul.officer().listen(Some(0)).await;
    live.wait("entry", |event| event["kind"] == "agreement" && event["owner"]["node"] == "washington").await;
    assert_eq!(seoul.peer("washington").await["agreement"], json!("signed"));

    // Other terms on the two sides are no agreement of both.
    let later: base::Timestamp = "2101-01-01T00:00:00Z".parse().unwrap();
    let (seoul, _washington) = agreed(far, later).await;
    let mut live = seoul.officer().listen(Some(0)).await;
    live.wait("entry", |event| event["kind"] == "agreement" && event["owner"]["node"] == "washington").await;
    assert_eq!(seoul.peer("washington").await["agreement"], json!("differs"));

    // What has run out stops the link, in both directions, and a new one starts it while the nodes run.
    let past: base::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let (seoul, washington) = agreed(past, far).await;
    let id = seoul.officer().report(&report("Too late", &["USA"])).await;
    let standing = seoul.peer_until("washington", |p| p["state"] == "expired").await;
    assert_eq!(text(&standing, "agreement"), "expired");
    let refused = washington.peer_until("seoul", |p| p["state"] == "refused").await;
    assert!(text(&refused, "detail").contains("run out"), "{refused}");
    assert_eq!(washington.officer().status(&format!("/api/findings/{id}")).await, 404);
    let mut hears = washington.officer().listen(None).await;
    let card = washington.officer().get("/api/card").await;
    let again = json!({"card": card, "clearance": "SECRET", "expires": "2100-01-01T00:00:00Z"});
    seoul.officer().post("/api/peers", &again).await;
    hears.wait("entry", |event| event["id"] == id.as_str()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_replaced_is_a_strangers() {
    let (seoul, washington) = allies().await;
    let id = seoul.officer().report(&report("Before", &["USA"])).await;
    seoul.delivered("washington").await;
    // Washington's officer learns that Seoul's keys are in other hands, and takes those of a new node of that name.
    let renewed = Side::started(SEOUL).await;
    let card = renewed.officer().get("/api/card").await;
    washington.officer().post("/api/peers", &json!({"card": card, "clearance": "SECRET"})).await;
    let after = seoul.officer().report(&report("After the revocation", &["USA"])).await;
    // An open connection ends with its certificate: what follows is refused.
    seoul.peer_until("washington", |p| p["state"] == "down" || p["state"] == "refused").await;
    assert_eq!(washington.officer().status(&format!("/api/findings/{after}")).await, 404);
    assert_eq!(washington.officer().status(&format!("/api/findings/{id}")).await, 200);
    assert!(!refusals(&washington).await.is_empty());
}
