//! The link between nodes over real TLS: who may speak, and what is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::{Marking, Recall};
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::wire::{self, Hand};
use crate::support::{PATIENCE, SEOUL, Side, TOKYO, allies, files_with, introduce, report, text};

/// Refusals in the record, newest first, as code and peer.
async fn refusals(side: &Side) -> Vec<(String, Value)> {
    let all = side.officer().all("/api/refusals").await;
    all.iter().map(|r| (text(r, "code").to_owned(), r["peer"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_released_arrives_and_nothing_else() {
    let (seoul, washington) = allies().await;
    let mut live = washington.officer().listen(None).await;
    let mut released = Vec::new();
    let mut withheld = Vec::new();
    for number in 0..5 {
        withheld.push(seoul.officer().report(&report(&format!("KOREA-ONLY {number}"), &[])).await);
        withheld.push(seoul.officer().report(&report(&format!("KOREA-JAPAN {number}"), &["JPN"])).await);
        released.push(seoul.officer().report(&report(&format!("Shared {number}"), &["USA"])).await);
    }
    let mut above = report("KOREA-TOP", &["USA"]);
    above["marking"]["level"] = json!("TOP SECRET");
    withheld.push(seoul.officer().report(&above).await);
    let last = released.last().unwrap().clone();
    live.wait("entry", |event| event["id"] == last).await;
    let standing = seoul.delivered("washington").await;

    assert_eq!(
        washington.officer().ids("/api/findings").await,
        released.iter().rev().cloned().collect::<Vec<_>>()
    );
    for id in &released {
        let verdict = washington.officer().post(&format!("/api/entries/{id}/verify"), &json!({})).await;
        assert_eq!(verdict["ok"], json!(true), "{verdict}");
        assert_eq!(
            text(&washington.officer().get(&format!("/api/findings/{id}")).await["owner"], "node"),
            "seoul"
        );
    }
    for id in &withheld {
        for path in ["findings", "incidents", "entries"] {
            assert_eq!(washington.officer().status(&format!("/api/{path}/{id}")).await, 404);
        }
        assert!(files_with(washington.data(), id).is_empty(), "the id of a withheld item is at the ally");
    }
    assert!(files_with(washington.data(), "KOREA-").is_empty(), "words of a withheld item are at the ally");
    let told: Vec<String> = seoul
        .officer()
        .all("/api/peers/washington/withheld")
        .await
        .iter()
        .filter(|w| w["kind"] == "finding")
        .map(|w| text(w, "id").to_owned())
        .collect();
    assert_eq!(told, withheld.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(standing["received"], json!(0));
    assert_eq!(refusals(&seoul).await, []);
    assert_eq!(refusals(&washington).await, []);
    seoul.verify().await;
    washington.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_pinned_is_refused_and_recorded() {
    let (seoul, washington) = allies().await;
    let tokyo = Side::started(TOKYO).await;
    let mut live = washington.officer().listen(None).await;
    introduce(&tokyo, &washington).await;
    let mut item = report("From nobody", &["USA"]);
    item["marking"]["originator"] = json!("JPN");
    tokyo.officer().report(&item).await;
    tokyo.peer_until("washington", |p| p["state"] == "down").await;
    live.wait("entry", |event| event["kind"] == "refusal").await;
    let shown = &washington.officer().all("/api/refusals").await[0];
    assert_eq!((text(shown, "code"), &shown["peer"]), ("unknown_peer", &Value::Null));
    assert_eq!(shown["certificate"], tokyo.officer().get("/api/card").await["certificate"]);
    assert!(text(shown, "address").starts_with("127.0.0.1:"));
    assert_eq!(washington.officer().ids("/api/findings").await, Vec::<String>::new());
    assert!(files_with(washington.data(), "From nobody").is_empty());

    // Without any certificate nobody comes as far as a request.
    let body = b"{}".to_vec();
    assert!(wire::post(washington.link_address(), None, wire::PATH, body.clone()).await.is_err());
    // A peer's certificate opens one route and no other.
    for path in ["/", "/healthz", "/api/findings", "/metrics", "/enter?token=none"] {
        let identity = Some(wire::identity(seoul.data()));
        let (status, _) = wire::post(washington.link_address(), identity, path, body.clone()).await.unwrap();
        assert_eq!(status, 404, "{path}");
    }
    seoul.delivered("washington").await;
}

/// A Washington that knows Seoul and Tokyo; both are stopped and lend their keys to a hand.
struct Hands {
    washington: Side,
    seoul: Hand,
    tokyo: Hand,
    /// Whose folders hold the keys.
    owners: [Side; 2],
}

async fn hands() -> Hands {
    let (mut seoul, washington) = allies().await;
    let mut tokyo = Side::started(TOKYO).await;
    introduce(&washington, &tokyo).await;
    seoul.stop().await;
    tokyo.stop().await;
    let hand = |side: &Side, name: &str, country: &str| {
        Hand::new(side.data(), name, country, "washington", washington.link_address())
    };
    let (seouls, tokyos) = (hand(&seoul, "seoul", "KOR"), hand(&tokyo, "tokyo", "JPN"));
    Hands { washington, seoul: seouls, tokyo: tokyos, owners: [seoul, tokyo] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_or_played_again_is_refused_and_recorded() {
    let Hands { washington, mut seoul, mut tokyo, owners: _owners } = hands().await;
    let first = [seoul.finding("First"), seoul.finding("Second")];
    let replay = seoul.next(&first);
    seoul.deliver(&first).await;
    seoul.deliver(&[seoul.finding("Third")]).await;
    let size = washington.log_size().await;

    let good = seoul.finding("WRONG");
    let of = |code: &str| format!("{code} was not the answer");
    let mut expected = Vec::new();
    let mut check = |code: &'static str, got: String| {
        assert_eq!(got, code, "{}", of(code));
        expected.push(code);
    };

    // Over the connection of Seoul, in the name of Tokyo.
    let mut batch = seoul.next(std::slice::from_ref(&good));
    batch.head.from = "tokyo".parse().unwrap();
    check("wrong_sender", seoul.refused(&batch).await);
    // For somebody else.
    let mut batch = seoul.next(std::slice::from_ref(&good));
    batch.head.to = "tokyo".parse().unwrap();
    check("wrong_recipient", seoul.refused(&batch).await);
    // Once more.
    check("replay", seoul.refused(&replay).await);
    // The checkpoint of another hand.
    let mut batch = seoul.next(std::slice::from_ref(&good));
    batch.head.checkpoint = tokyo.next(std::slice::from_ref(&good)).head.checkpoint;
    check("bad_checkpoint", seoul.refused(&batch).await);
    // Signed by another key, though the author says Seoul.
    let stranger = record::NodeKey::generate("seoul".parse().unwrap(), &mut rand_core::OsRng);
    let noun = wire::finding("WRONG", "KOR");
    let forged = record::Entry::sign(&noun, &seoul.country, &stranger, wire::now(), &mut rand_core::OsRng);
    check("other_author", seoul.refused(&seoul.next(&[forged.unwrap()])).await);
    // A signature that does not fit.
    let mut batch = seoul.next(std::slice::from_ref(&good));
    let link::ReceivedItem::Entry { signature, .. } = &mut batch.items[0] else { panic!("no entry") };
    *signature = *seoul.finding("OTHER").signature();
    check("bad_entry", seoul.refused(&batch).await);
    // A log that was rewritten.
    let mut rewritten = Hand::new_like(&seoul);
    rewritten.log = record::MerkleLog::default();
    let other = [rewritten.finding("WRONG"), rewritten.finding("WRONG"), rewritten.finding("WRONG")];
    check("fork", rewritten.refused(&rewritten.next(&other)).await);
    // Not the form.
    let (status, body) = seoul.send_bytes(b"bongsu.link-batch/1\n".to_vec()).await.unwrap();
    let reply: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 400);
    check("malformed", text(&reply["refusal"], "code").to_owned());

    // Nothing of it is here, and each stands in the record in Seoul's name.
    let recorded = refusals(&washington).await;
    let codes: Vec<&str> = recorded.iter().rev().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, expected);
    assert!(recorded.iter().all(|(_, peer)| peer == "seoul"), "{recorded:?}");
    // The rewritten log contradicts what was cosigned: the proof of it is kept as well.
    assert_eq!(washington.peer("seoul").await["frauds"].as_array().unwrap().len(), 1);
    assert_eq!(washington.log_size().await, size + expected.len() as u64 + 1);
    assert!(files_with(washington.data(), "WRONG").is_empty());
    assert_eq!(washington.officer().ids("/api/findings").await.len(), 3);
    // A gap is what honest nodes run into after a crash: answered, not recorded.
    let mut ahead = Hand::new_like(&seoul);
    ahead.log.push(&good.id());
    assert_eq!(ahead.refused(&ahead.next(std::slice::from_ref(&good))).await, "gap");
    assert_eq!(refusals(&washington).await.len(), expected.len());

    // What is in order is still taken, after Tokyo's word too.
    seoul.deliver(&[seoul.finding("Fourth")]).await;
    tokyo.deliver(&[tokyo.finding("From Tokyo")]).await;
    assert_eq!(washington.officer().ids("/api/findings").await.len(), 5);
    washington.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_cannot_recall_what_is_not_his() {
    let Hands { washington, mut seoul, mut tokyo, owners: _owners } = hands().await;
    let item = seoul.finding("Seoul's own");
    seoul.deliver(std::slice::from_ref(&item)).await;
    let own = washington
        .officer()
        .report(&{
            let mut own = report("Washington's own", &["KOR", "JPN"]);
            own["marking"]["originator"] = json!("USA");
            own
        })
        .await;
    let recall = |target| Recall {
        target,
        reason: "not mine".to_owned(),
        marking: Marking::new("RESTRICTED", &["USA", "KOR", "JPN"], "JPN"),
    };
    tokyo.deliver(&[tokyo.sign(&recall(item.id())), tokyo.sign(&recall(own.parse().unwrap()))]).await;
    for id in [item.id().to_string(), own] {
        assert_eq!(washington.officer().status(&format!("/api/findings/{id}")).await, 200);
        let finding = washington.officer().get(&format!("/api/findings/{id}")).await;
        assert_eq!(finding["recalled"], json!(false), "{finding}");
    }
    washington.verify().await;

    // A recall is the proof of what it took back: its own author cannot take it back in turn.
    let recall = |target| Recall {
        target,
        reason: "mine".to_owned(),
        marking: Marking::new("RESTRICTED", &["USA", "KOR", "JPN"], "KOR"),
    };
    let back = seoul.sign(&recall(item.id()));
    seoul.deliver(std::slice::from_ref(&back)).await;
    assert_eq!(washington.officer().status(&format!("/api/findings/{}", item.id())).await, 404);
    let again = seoul.sign(&recall(back.id()));
    seoul.deliver(&[again]).await;
    washington.verify().await;
    // Twice the same is nothing new.
    seoul.deliver(&[seoul.sign(&recall(item.id())), seoul.sign(&recall(item.id()))]).await;
    washington.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_refusals_does_not_fill_the_record() {
    let Hands { washington, seoul, owners, .. } = hands().await;
    let stranger = Side::started(&SEOUL.replace("seoul", "busan")).await;
    let size = washington.log_size().await;
    let mut work = Vec::new();
    for number in 0..200 {
        let folder = if number % 4 == 0 { stranger.data() } else { owners[0].data() };
        let identity = wire::identity(folder);
        let address = washington.link_address().to_owned();
        let body = format!("not a batch, try {number}").into_bytes();
        work.push(tokio::spawn(async move { wire::post(&address, Some(identity), wire::PATH, body).await }));
        if work.len() == 20 {
            for each in work.drain(..) {
                if let Ok((status, _)) = each.await.unwrap() {
                    assert_eq!(status, 400);
                }
            }
        }
    }
    // The last one is of another sort, so that all before it have been decided on.
    let mut batch = seoul.next(&[seoul.finding("x")]);
    batch.head.to = "tokyo".parse().unwrap();
    assert_eq!(seoul.refused(&batch).await, "wrong_recipient");
    let mut codes: Vec<String> = refusals(&washington).await.into_iter().map(|(code, _)| code).collect();
    codes.sort();
    assert_eq!(codes, ["malformed", "unknown_peer", "wrong_recipient"]);
    assert_eq!(washington.log_size().await, size + 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_over_the_limit_is_refused() {
    let Hands { washington, mut seoul, owners: _owners, .. } = hands().await;
    let mut batch = seoul.next(&[seoul.finding("Small")]).to_bytes().unwrap();
    batch.resize(link::MAX_BATCH_BYTES + 1, 0);
    match seoul.send_bytes(batch).await {
        Ok((status, body)) => {
            assert_eq!(status, 413, "{}", String::from_utf8_lossy(&body));
            let reply: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(reply["refusal"], json!({"code": "too_large", "limit": link::MAX_BATCH_BYTES}));
        }
        // It may also cut off who is still sending.
        Err(why) => assert!(!why.contains("in time"), "{why}"),
    }
    seoul.deliver(&[seoul.finding("After")]).await;
    assert_eq!(washington.officer().ids("/api/findings").await.len(), 1);
    assert_eq!(refusals(&washington).await, [("too_large".to_owned(), json!("seoul"))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_another_certificate_is_told_nothing() {
    let (seoul, mut washington) = allies().await;
    seoul.delivered("washington").await;
    washington.stop().await;

    // Somebody else takes Washington's address; he would let anybody in.
    let tokyo = Side::started(TOKYO).await;
    let (certificate, key) = wire::identity(tokyo.data());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let listener = TcpListener::bind(washington.link_address()).await.unwrap();
    let (heard, met) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let middle = {
        let (heard, met) = (Arc::clone(&heard), Arc::clone(&met));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                met.fetch_add(1, Ordering::SeqCst);
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut bytes = Vec::new();
                    let _ = stream.read_to_end(&mut bytes).await;
                    heard.fetch_add(bytes.len(), Ordering::SeqCst);
                }
            }
        })
    };
    let id = seoul.officer().report(&report("For Washington's eyes", &["USA"])).await;
    let standing = seoul
        .peer_until("washington", |p| {
            p["state"] == "down" && p["detail"].as_str().is_some_and(|d| d.contains("certificate"))
        })
        .await;
    let pinned = washington_certificate(&seoul).await;
    let detail = text(&standing, "detail");
    assert!(detail.contains(&pinned) && detail.contains("pinned"), "{detail}");
    assert!(met.load(Ordering::SeqCst) > 0, "nobody called");
    assert_eq!(heard.load(Ordering::SeqCst), 0, "the stranger was told something");
    middle.abort();
    let _ = middle.await;

    // The right one at the same address gets it.
    washington.start().await;
    seoul.delivered("washington").await;
    assert_eq!(washington.officer().ids("/api/findings").await, [id]);
}

async fn washington_certificate(seoul: &Side) -> String {
    text(&seoul.peer("washington").await, "certificate").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_peer_does_not_hold_up_the_stop() {
    let (seoul, mut washington) = allies().await;
    washington.stop().await;
    // It takes the connection and says nothing.
    let listener = TcpListener::bind(washington.link_address()).await.unwrap();
    let (met, mut meeting) = tokio::sync::mpsc::channel(8);
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
            let _ = met.send(()).await;
        }
    });
    let mut seoul = seoul;
    seoul.officer().report(&report("Queued", &["USA"])).await;
    tokio::time::timeout(PATIENCE, meeting.recv()).await.unwrap().unwrap();
    let started = std::time::Instant::now();
    seoul.stop().await;
    assert!(started.elapsed().as_secs_f64() < 5.0, "{:?}", started.elapsed());
    silent.abort();
}
