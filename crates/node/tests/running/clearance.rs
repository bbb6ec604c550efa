//! Two people with different clearances: each reads the node as if there were no more than what the own one admits.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::person::{ALL_ROLES, Person, add, chief, enrol};
use crate::support::{Client, PATIENCE, SEOUL, Side, report, text};

fn marked(title: &str, level: &str, rel_to: &[&str], categories: &[&str]) -> Value {
    let mut report = report(title, rel_to);
    report["marking"]["level"] = json!(level);
    report["marking"]["categories"] = json!(categories);
    report["objects"] = json!([{"id": format!("norad:{}", title.len())}]);
    report
}

async fn cleared(by: &Client, name: &str, roles: &[&str], clearance: Value) -> Person {
    let added =
        by.post("/api/accounts", &json!({"name": name, "roles": roles, "clearance": clearance})).await;
    assert_eq!(added["clearance"], clearance);
    enrol(text(&added, "enter"), name).await
}

/// The titles of all findings that somebody sees, by every way that leads to them.
async fn titles(client: &Client) -> BTreeSet<String> {
    let found = client.all("/api/findings").await;
    let titles: BTreeSet<String> = found.iter().map(|f| text(f, "title").to_owned()).collect();
    let overview = client.get("/api/overview").await;
    assert_eq!(overview["findings"].as_u64().unwrap(), titles.len() as u64);
    let facets = client.get("/api/facets").await;
    let counted: u64 = facets["level"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(counted, titles.len() as u64);
    let hits = client.get("/api/search?q=watched&limit=1000").await;
    let hits: BTreeSet<&str> = hits["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|h| h["noun"] == "finding")
        .map(|h| text(h, "title"))
        .collect();
    assert_eq!(hits, titles.iter().map(String::as_str).collect());
    titles
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_read_different_bytes_and_hidden_is_absent() {
    let side = Side::started(SEOUL).await;
    let chief = chief(&side).await;
    let admin = &chief.client;
    let low = admin.report(&marked("watched low", "RESTRICTED", &["USA"], &[])).await;
    let secret = admin.report(&marked("watched secret", "SECRET", &["USA"], &[])).await;
    let special = admin.report(&marked("watched special", "SECRET", &[], &["SCI:SI"])).await;
    let kim = cleared(admin, "kim", &["analyst"], json!({"level": "SECRET"})).await;
    let lee = cleared(admin, "lee", &["observer"], json!({"level": "RESTRICTED"})).await;
    let choi =
        cleared(admin, "choi", &["observer"], json!({"level": "SECRET", "categories": ["SCI:SI"]})).await;
    let guest =
        cleared(admin, "guest", &["observer"], json!({"level": "SECRET", "countries": ["USA"]})).await;

    let seen = |titles: &[&str]| titles.iter().map(|t| format!("watched {t}")).collect::<BTreeSet<_>>();
    assert_eq!(titles(admin).await, seen(&["low", "secret", "special"]));
    assert_eq!(titles(&kim.client).await, seen(&["low", "secret"]));
    assert_eq!(titles(&lee.client).await, seen(&["low"]));
    assert_eq!(titles(&choi.client).await, seen(&["low", "secret", "special"]));
    assert_eq!(titles(&guest.client).await, seen(&["low", "secret"]));

    // One that is hidden answers as one that never was, byte by byte.
    let absent = "0".repeat(64);
    for (person, hidden) in [(&lee, &secret), (&lee, &special), (&kim, &special), (&guest, &special)] {
        for path in ["/api/findings/{}", "/api/incidents/{}", "/api/entries/{}"] {
            let ask = |id: &str| {
                let (client, path) = (person.client.clone(), path.replace("{}", id));
                async move { client.ask(hyper::Method::GET, &path, Vec::new()).await.unwrap() }
            };
            let (a, b) = (ask(hidden).await, ask(&absent).await);
            assert_eq!((a.status, a.text()), (404, b.text()), "{path}");
        }
    }
    assert_eq!(lee.client.status(&format!("/api/findings/{low}")).await, 200);
    let entry = lee.client.get(&format!("/api/entries/{low}")).await;
    assert_eq!(entry["proof"], Value::Null);
    let page = lee.client.get("/api/history?object=norad:14").await;
    assert_eq!(page["items"], json!([]));

    // An analyst reports what the own clearance admits, and nobody learns of more by writing.
    kim.client.report(&marked("watched by kim", "SECRET", &[], &[])).await;
    let above = kim.client.try_post("/api/reports", &marked("x", "TOP SECRET", &[], &[])).await.unwrap();
    assert_eq!(above.status, 400, "{}", above.text());
    for id in [&special, &absent] {
        let answer = kim.client.try_post(&format!("/api/entries/{id}/verify"), &json!({})).await.unwrap();
        assert_eq!(answer.status, 404);
        assert_eq!(kim.client.status(&format!("/api/entries/{id}/release?peer=washington")).await, 404);
    }
}

/// The stream of a person tells of what the person may see, and the numbers in it are the view's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_tells_of_no_more() {
    let side = Side::started(SEOUL).await;
    let chief = chief(&side).await;
    let lee = cleared(&chief.client, "lee", &["observer"], json!({"level": "UNCLASSIFIED"})).await;
    let mut live = lee.client.listen(None).await;
    for n in 0..3 {
        chief.client.report(&marked(&format!("hidden {n}"), "SECRET", &[], &[])).await;
    }
    let shown = chief.client.report(&marked("shown", "UNCLASSIFIED", &[], &[])).await;
    let first = live.next(PATIENCE).await.unwrap();
    assert_eq!((first.data["id"].as_str(), first.id), (Some(shown.as_str()), Some(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clearance_is_changed_by_an_act_and_ends_sessions() {
    let mut side = Side::started(SEOUL).await;
    let chief = chief(&side).await;
    let mut kim = add(&chief.client, "kim", &["observer"]).await;
    chief.client.report(&marked("watched secret", "SECRET", &[], &[])).await;
    assert_eq!(titles(&kim.client).await.len(), 1);
    let change = |body: Value| {
        let client = chief.client.clone();
        async move { client.try_post("/api/accounts/kim/clearance", &body).await.unwrap() }
    };
    for wrong in [
        json!({}),
        json!({"clearance": {"level": "COSMIC"}}),
        json!({"clearance": {"level": "SECRET", "countries": ["XQX"]}}),
        json!({"clearance": {"level": "SECRET", "categories": ["a b"]}}),
        json!({"clearance": {"level": "SECRET", "more": 1}}),
    ] {
        let answer = change(wrong.clone()).await;
        assert!([400, 422].contains(&answer.status), "{wrong}: {}", answer.status);
    }
    assert_eq!(kim.client.status("/api/session").await, 200);
    let mut live = kim.client.listen(None).await;
    assert_eq!(change(json!({"clearance": {"level": "RESTRICTED", "countries": ["KOR"]}})).await.status, 200);
    while live.next(PATIENCE).await.is_ok() {}
    assert_eq!(kim.client.status("/api/session").await, 401);
    kim.client = crate::support::person::try_log_in(&side, &mut kim.passkey, |_| ()).await.unwrap();
    // A national of the own country is no guest.
    assert_eq!(kim.client.get("/api/session").await["clearance"], json!({"level": "RESTRICTED"}));
    assert_eq!(titles(&kim.client).await.len(), 0);
    let acts = chief.client.all("/api/acts").await;
    let act = acts.iter().find(|act| act["kind"] == "clearance_changed").unwrap();
    assert_eq!((text(act, "by"), text(act, "account")), ("chief", "kim"));
    assert_eq!(act["clearance"], json!({"level": "RESTRICTED"}));
    // Nobody clears oneself.
    let own = json!({"clearance": null});
    assert_eq!(chief.client.try_post("/api/accounts/chief/clearance", &own).await.unwrap().status, 409);

    // It holds over a restart. A view that no account needs any more does not lie around.
    let view = "user.restricted.";
    let views = side.data().join("views");
    let held = || {
        std::fs::read_dir(&views).unwrap().any(|f| f.unwrap().file_name().to_string_lossy().starts_with(view))
    };
    side.restart_as(&chief.client).await;
    assert_eq!(titles(&kim.client).await.len(), 0);
    assert!(held());
    assert_eq!(change(json!({"clearance": null})).await.status, 200);
    side.restart_as(&chief.client).await;
    assert!(!held());
    let kim = crate::support::person::try_log_in(&side, &mut kim.passkey, |_| ()).await.unwrap();
    assert_eq!(titles(&kim).await.len(), 1);
}

/// With any clearance and all roles: what the session says that one may is let through, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_beyond_a_clearance_is_refused_as_the_session_says() {
    let side = Side::started(SEOUL).await;
    let chief = chief(&side).await;
    let kim = cleared(&chief.client, "kim", &ALL_ROLES, json!({"level": "TOP SECRET"})).await;
    let session = kim.client.get("/api/session").await;
    let rights: BTreeSet<&str> =
        session["rights"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
    let mut refused = 0;
    for (method, path, who) in node::access_table() {
        if who == ["anybody"] || who == ["inside"] || method != "GET" || path == "/api/events" {
            continue;
        }
        let question = path.replace("{id}", &"0".repeat(64)).replace("{name}", "washington");
        let answer = kim.client.ask(hyper::Method::GET, &question, Vec::new()).await.unwrap();
        let may = rights.contains(format!("GET {path}").as_str());
        assert_eq!(answer.status == 403, !may, "{path}: {}", answer.text());
        if !may {
            assert_eq!(answer.json()["code"], json!("node::beyond_clearance"));
            refused += 1;
        }
    }
    assert!(refused >= 8, "{refused}");
    for path in ["/api/peers", "/api/jobs", "/api/acts"] {
        assert!(!rights.contains(format!("GET {path}").as_str()));
    }
    // Nor by another's eyes.
    let as_peer =
        kim.client.ask(hyper::Method::GET, "/api/findings?as=washington", Vec::new()).await.unwrap();
    assert_eq!(as_peer.status, 403, "{}", as_peer.text());
}

/// An administrator who clears others reads nothing by that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_reads_no_content() {
    let side = Side::started(SEOUL).await;
    let chief = chief(&side).await;
    chief.client.report(&marked("watched", "RESTRICTED", &[], &[])).await;
    let admin = add(&chief.client, "admin", &["administrator"]).await;
    let clearance = json!({"clearance": {"level": "TOP SECRET"}});
    add(&chief.client, "kim", &["observer"]).await;
    admin.client.post("/api/accounts/kim/clearance", &clearance).await;
    for path in ["/api/overview", "/api/findings", "/api/search?q=watched", "/api/events", "/api/policy"] {
        assert_eq!(admin.client.status(path).await, 403, "{path}");
    }
}

/// Looking with an ally's eyes is an act, once an hour for each person and peer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_with_an_allys_eyes_is_an_act() {
    let (mut seoul, _washington) = crate::support::allies().await;
    let chief = chief(&seoul).await;
    let kim = add(&chief.client, "kim", &["observer"]).await;
    let count = || async {
        let acts = chief.client.all("/api/acts").await;
        acts.iter()
            .filter(|act| act["kind"] == "seen_as")
            .map(|act| text(act, "by").to_owned())
            .collect::<Vec<_>>()
    };
    for _ in 0..3 {
        kim.client.get("/api/findings?as=washington").await;
        kim.client.get("/api/overview?as=washington").await;
    }
    assert_eq!(count().await, ["kim"]);
    chief.client.get("/api/findings?as=washington").await;
    assert_eq!(count().await, ["chief", "kim"]);
    seoul.restart_as(&chief.client).await;
    kim.client.get("/api/findings?as=washington").await;
    assert_eq!(count().await, ["chief", "kim"]);
}
