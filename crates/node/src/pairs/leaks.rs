//! Leaks of the field, one test each: that it cannot happen here. The table of all of them is in
//! docs/reference/leaks.md.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use base::{EntryId, Finding, Interval, Marking, ObjectRef, Recall, Timestamp};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::canary::CANARY;
use super::world::World;
use crate::core::Draft;

const OBJECT: &str = "norad:29268";

fn finding(title: &str, marking: Marking) -> Finding {
    Finding {
        kind: "report.officer".to_owned(),
        title: title.to_owned(),
        text: None,
        interval: Interval::at("2026-03-10T12:00:00Z".parse::<Timestamp>().unwrap()),
        place: None,
        objects: vec![ObjectRef { id: OBJECT.to_owned(), name: Some(title.to_owned()), protected: true }],
        severity: base::Severity::Seen,
        likelihood: None,
        confidence: base::Confidence::High,
        method: base::Method { name: "test".to_owned(), version: "1".to_owned() },
        measures: std::collections::BTreeMap::new(),
        marking,
        evidence: Vec::new(),
    }
}

fn shared() -> Marking {
    Marking::new("RESTRICTED", &["USA"], "KOR")
}

fn hidden() -> Marking {
    Marking::new("SECRET", &["JPN"], "KOR")
}

async fn record(world: &World, finding: Finding) -> EntryId {
    world.core.append(vec![Draft::Finding(finding)]).await.unwrap()[0]
}

async fn ask(world: &World, method: Method, uri: &str, body: &Value) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "localhost")
        .header("cookie", &world.cookie)
        .header("x-bongsu", "1")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

/// What Washington's eyes see at `path`.
async fn seen(world: &World, path: &str) -> Value {
    let join = if path.contains('?') { '&' } else { '?' };
    let (status, text) = ask(world, Method::GET, &format!("{path}{join}as=washington"), &Value::Null).await;
    assert!(!text.contains(CANARY), "{path}: {text}");
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// A node with one item that Washington has and one on the same object and at the same time that it may not have.
async fn two() -> (World, EntryId, EntryId) {
    let world = World::bare(1).await;
    let open = record(&world, finding("Open", shared())).await;
    let closed =
        record(&world, Finding { severity: base::Severity::Attack, ..finding(CANARY, hidden()) }).await;
    (world, open, closed)
}

fn run(test: impl Future<Output = ()>) {
    super::runtime().block_on(test);
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// MISP 609bfbd45: a correlation revealed metadata of an item that one cannot reach.
/// OpenCTI 6785 and 11496: history and entity views showed restricted names and relations.
#[test]
fn what_is_known_of_an_object_is_what_the_view_holds() {
    run(async {
        let (world, open, _) = two().await;
        let history = seen(&world, &format!("/api/history?object={OBJECT}")).await;
        assert_eq!(ids(&history), [open.to_string()]);
        let incidents = seen(&world, "/api/incidents").await;
        assert_eq!(incidents["items"].as_array().unwrap().len(), 1);
        let incident = &incidents["items"][0];
        assert_eq!((incident["findings"].as_u64(), incident["severity"].as_u64()), (Some(1), Some(2)));
        // DFIR-IRIS 462: a row shared between cases carried its tags across.
        assert_eq!(incident["objects"][0]["name"], json!("Open"));
        world.stop().await;
    });
}

/// MISP 4f27f83a7: the search did not ask who may see what the API asked.
#[test]
fn a_search_finds_what_the_view_holds() {
    run(async {
        let (world, open, closed) = two().await;
        let found = seen(&world, "/api/search?q=open").await;
        assert_eq!(
            (ids(&found)[..].contains(&open.to_string().as_str()), &found["complete"]),
            (true, &json!(true))
        );
        let (_, all) = ask(&world, Method::GET, "/api/search?q=canary", &Value::Null).await;
        assert!(all.contains(&closed.to_string()), "the owner finds it: {all}");
        assert_eq!(ids(&seen(&world, "/api/search?q=canary").await), Vec::<&str>::new());
        world.stop().await;
    });
}

/// OpenCTI 6856: the list of markings was visible. MISP 1668, 2442, 10019: names of other organisations.
#[test]
fn counts_and_values_are_those_of_the_view() {
    run(async {
        let (world, ..) = two().await;
        let facets = seen(&world, "/api/facets").await;
        assert_eq!(facets["level"], json!({"RESTRICTED": 1}));
        assert_eq!(facets["severity"], json!({"2": 1}));
        let overview = seen(&world, "/api/overview").await;
        let counts =
            ["findings", "incidents", "severity", "peers", "objects"].map(|field| overview[field].as_u64());
        assert_eq!(counts, [1, 1, 2, 0, 0].map(Some));
        let (_, own) = ask(&world, Method::GET, "/api/overview", &Value::Null).await;
        let own: Value = serde_json::from_str(&own).unwrap();
        assert_eq!(own["findings"], json!(2));
        // The finding and its incident, and not how long the own log is.
        assert_eq!(overview["log"]["size"], json!(2));
        assert!(own["log"]["size"].as_u64() > Some(4));
        world.stop().await;
    });
}

/// MISP f039b21af, 92888b137, DFIR-IRIS 583 and 1034: logs of work and of changes were open to everybody.
#[test]
fn work_and_decisions_are_the_owners() {
    run(async {
        let (world, _, closed) = two().await;
        let release = format!("/api/entries/{closed}/release?peer=washington&as=washington");
        for path in ["/api/jobs", "/api/peers", "/api/peers/washington/withheld", "/metrics", &release] {
            let join = if path.contains("as=") { "" } else { "?as=washington" };
            let (status, text) = ask(&world, Method::GET, &format!("{path}{join}"), &Value::Null).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {text}");
        }
        let own = release.replace("&as=washington", "");
        let (status, why) = ask(&world, Method::GET, &own, &Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{why}");
        let why: Value = serde_json::from_str(&why).unwrap();
        for verdict in ["decided", "now"] {
            assert_eq!(why[verdict]["verdict"], json!("withheld"), "{why}");
            assert_eq!(why[verdict]["rule"], json!("rel.not_listed"), "{why}");
        }
        world.stop().await;
    });
}

/// MISP d14ce7de7: attachments without a check. There is no route that gives raw bytes, and what is said of them is
/// said by the view.
#[test]
fn raw_bytes_are_not_given_out() {
    run(async {
        let world = World::bare(1).await;
        let document: Value = serde_json::from_str(&crate::openapi().unwrap()).unwrap();
        let raw: Vec<&String> =
            document["paths"].as_object().unwrap().keys().filter(|path| path.contains("blob")).collect();
        assert_eq!(raw, Vec::<&String>::new());
        let marking = shared();
        let observation = base::Observation {
            kind: "orbit.catalogue".to_owned(),
            title: "Input".to_owned(),
            source: base::Source::ungraded("Input"),
            received: Timestamp::UNIX_EPOCH,
            interval: Interval::at(Timestamp::UNIX_EPOCH),
            place: None,
            blob: base::BlobHash::from_bytes([3; 32]),
            bytes: 10,
            items: 1,
            faults: 0,
            marking: marking.clone(),
            evidence: Vec::new(),
        };
        let input = world.core.append(vec![Draft::Observation(observation)]).await.unwrap()[0];
        let of_it = Finding { evidence: vec![input], ..finding("Of it", marking) };
        let id = record(&world, of_it).await;
        let there = seen(&world, &format!("/api/findings/{id}")).await;
        assert_eq!(there["evidence"][0]["held"], json!(true));
        assert_eq!(there["evidence"][0]["blob_held"], json!(false));
        world.stop().await;
    });
}

/// MISP 423750573: parts of a whole were not covered by its rules. OpenCTI 785 and 6068: only the first of several
/// markings was inherited, or none.
#[test]
fn what_is_derived_inherits_every_marking() {
    run(async {
        let (world, open, closed) = two().await;
        for evidence in [vec![open, closed], vec![closed, open], vec![open, EntryId::from_bytes([9; 32])]] {
            let id = record(&world, Finding { evidence, ..finding(CANARY, shared()) }).await;
            for path in ["findings", "entries"] {
                let uri = format!("/api/{path}/{id}?as=washington");
                assert_eq!(ask(&world, Method::GET, &uri, &Value::Null).await.0, StatusCode::NOT_FOUND);
            }
        }
        // And holds nothing back: the incident of what is shared is there, with one finding.
        let incidents = seen(&world, "/api/incidents").await;
        assert_eq!(incidents["items"].as_array().unwrap().len(), 1);
        assert_eq!(incidents["items"][0]["findings"], json!(1));
        world.stop().await;
    });
}

/// OpenCTI 15533: the live stream left out references but not values derived from them.
#[test]
fn the_stream_tells_what_the_view_holds() {
    run(async {
        let (world, open, closed) = two().await;
        record(&world, finding("Open again", shared())).await;
        let opened = world.core.views.get(&crate::view::View::Peer(super::world::washington())).unwrap();
        let reader = opened.reader().unwrap();
        let rows = reader.rows().unwrap().from(0, 100).unwrap();
        let events: Vec<Value> =
            rows.iter().filter_map(crate::events::NodeEvent::of).map(|e| e.parts().2).collect();
        let text = serde_json::to_string(&events).unwrap();
        assert!(text.contains(&open.to_string()));
        assert!(!text.contains(&closed.to_string()) && !text.contains(CANARY), "{text}");
        let places: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert_eq!(places, (0..places.len() as u64).collect::<Vec<_>>(), "no gap tells of what is hidden");
        drop(reader);
        world.stop().await;
    });
}

/// CVE-2026-56424 of MISP: one object was checked and another changed. CVE-2026-21886 of OpenCTI: a change of one
/// type of object removed one of another.
#[test]
fn a_change_is_of_the_item_that_was_checked() {
    run(async {
        let (world, open, closed) = two().await;
        let uri = format!("/api/entries/{open}/recall");
        let body = json!({"reason": "x", "target": closed});
        let (status, text) = ask(&world, Method::POST, &uri, &body).await;
        assert!(status.is_client_error(), "{status} {text}");
        // The entry of a peer cannot be recalled, nor a recall.
        let rows = {
            let reader = world.core.look(&crate::view::View::Owner).unwrap();
            reader.rows().unwrap().from(0, 100).unwrap()
        };
        let others = rows.iter().filter(|row| {
            use crate::view::Noun;
            matches!(row.noun, Noun::Peer | Noun::Other)
        });
        for row in others {
            let uri = format!("/api/entries/{}/recall", row.id);
            let (status, text) = ask(&world, Method::POST, &uri, &json!({"reason": "x"})).await;
            assert_eq!(status, StatusCode::CONFLICT, "{text}");
        }
        assert_eq!(ids(&seen(&world, "/api/findings").await), [open.to_string()]);
        world.stop().await;
    });
}

/// What is taken back is gone from every list, count and index of the view, also when the recall came first.
#[test]
fn what_is_taken_back_is_gone_everywhere() {
    run(async {
        let (world, open, _) = two().await;
        let recall = Recall { target: open, reason: "back".to_owned(), marking: shared() };
        world.core.append(vec![Draft::Recall(recall)]).await.unwrap();
        for path in [
            "/api/findings",
            "/api/incidents",
            "/api/search?q=open",
            &format!("/api/history?object={OBJECT}"),
        ] {
            assert_eq!(ids(&seen(&world, path).await), Vec::<&str>::new(), "{path}");
        }
        let facets = seen(&world, "/api/facets").await;
        assert_eq!((&facets["level"], &facets["kind"]), (&json!({}), &json!({})));
        let overview = seen(&world, "/api/overview").await;
        assert_eq!((&overview["findings"], &overview["incidents"]), (&json!(0), &json!(0)));
        world.stop().await;
    });
}
