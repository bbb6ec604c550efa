//! A peer that means harm: each of its ways over real TLS is refused, counted and recorded, costs little memory, and
//! leaves nothing behind.

use std::sync::Arc;

use base::{EntryId, Marking, Noun, Precedence};
use ed25519_dalek::Signer as _;
use hyper::Method;
use link::{MAX_BATCH_BYTES, MAX_BATCH_ITEMS, MAX_BATCH_VALUES, ReceivedBatch, ReceivedItem};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::wire::{self, Hand};
use crate::support::{SEOUL, Side, TOKYO, WASHINGTON, allies, files_with, introduce, text};

/// A Washington with settings of its own that knows a Seoul and a Tokyo; these are stopped and lend their keys.
struct Prey {
    washington: Side,
    seoul: Hand,
    tokyo: Hand,
    _owners: [Side; 2],
}

async fn prey(settings: &str) -> Prey {
    let (mut seoul, mut washington) = allies().await;
    let mut tokyo = Side::started(TOKYO).await;
    introduce(&washington, &tokyo).await;
    seoul.stop().await;
    tokyo.stop().await;
    if !settings.is_empty() {
        let whole = format!("{WASHINGTON}{settings}");
        std::fs::write(washington.data().join("bongsu.toml"), whole).unwrap();
        washington.restart().await;
    }
    let hand = |side: &Side, name: &str, country: &str| {
        Hand::new(side.data(), name, country, "washington", washington.link_address())
    };
    let (seouls, tokyos) = (hand(&seoul, "seoul", "KOR"), hand(&tokyo, "tokyo", "JPN"));
    Prey { washington, seoul: seouls, tokyo: tokyos, _owners: [seoul, tokyo] }
}

/// A figure of the node.
async fn metric(side: &Side, name: &str) -> u64 {
    let answer = side.officer().ask(Method::GET, "/metrics", Vec::new()).await.unwrap();
    let text = answer.text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("_total "));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

async fn refusals(side: &Side) -> Vec<Value> {
    side.officer().all("/api/refusals").await
}

/// The code of a refusal on the wire.
fn code(answer: &Result<(u16, Vec<u8>), String>) -> String {
    let (status, body) = answer.as_ref().unwrap();
    let reply: Value = serde_json::from_slice(body)
        .unwrap_or_else(|e| panic!("{status}: {e}: {}", String::from_utf8_lossy(body)));
    text(&reply["refusal"], "code").to_owned()
}

/// A batch with one item of these bytes, signed and numbered as it should be.
fn with_payload(hand: &Hand, payload: Vec<u8>) -> ReceivedBatch {
    let key = ed25519_dalek::SigningKey::from_bytes(&hand.key.secret());
    let kind = "application/vnd.bongsu.entry+json";
    assert_eq!(kind, record::PAYLOAD_TYPE);
    let mut signed = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    signed.extend_from_slice(&payload);
    let id = EntryId::from_bytes(Sha256::digest(&payload).into());
    let item = ReceivedItem::Entry {
        payload,
        key: hand.key.public().to_bytes(),
        signature: key.sign(&signed).to_bytes(),
    };
    with_items(hand, vec![(id, item)])
}

fn with_items(hand: &Hand, items: Vec<(EntryId, ReceivedItem)>) -> ReceivedBatch {
    let mut batch = hand.next(&[]);
    let mut log = hand.log.clone();
    items.iter().for_each(|(id, _)| log.push(id));
    let origin = record::lane_origin(hand.key.name(), &hand.to, hand.lane);
    let checkpoint = record::Checkpoint::sign(&origin, log.size(), log.root(), &hand.key).unwrap();
    batch.head.count = u32::try_from(items.len()).unwrap();
    batch.head.checkpoint = checkpoint.note().to_owned();
    batch.items = items.into_iter().map(|(_, item)| item).collect();
    batch
}

/// A noun of many small values.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Many {
    values: Vec<u8>,
    marking: Marking,
}

impl Noun for Many {
    const SCHEMA: &'static str = "test.many/1";
}

fn many(hand: &Hand, values: usize) -> record::Entry {
    let marking = Marking::new("RESTRICTED", &["USA", "KOR"], "KOR");
    hand.sign(&Many { values: vec![0; values], marking })
}

fn nested(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_is_refused_counted_and_recorded() {
    let Prey { washington, mut seoul, tokyo, _owners } = prey("").await;
    let other = seoul.next(&[seoul.finding("WRONG")]);
    seoul.deliver(&[seoul.finding("First")]).await;
    let delivered = seoul.finding("Second");
    let replayed = seoul.next(std::slice::from_ref(&delivered));
    seoul.deliver(std::slice::from_ref(&delivered)).await;
    seoul.deliver(&[seoul.finding("Third")]).await;
    let size = washington.log_size().await;
    let counted = metric(&washington, "bongsu_refusals").await;
    let bytes = |batch: &ReceivedBatch| batch.to_bytes().unwrap();
    let good = || seoul.finding("WRONG");
    let late = |seconds: f64| {
        let mut batch = seoul.next(&[good()]);
        batch.head.made = wire::now().plus_seconds(seconds);
        bytes(&batch)
    };
    let mut renumbered = replayed.clone();
    renumbered.head.start = seoul.log.size();
    let mut deep_head = link::BATCH_MAGIC.to_vec();
    let head = format!("{{\"from\":{}}}", nested(5_000));
    deep_head.extend_from_slice(&u32::try_from(head.len()).unwrap().to_be_bytes());
    deep_head.extend_from_slice(head.as_bytes());
    let deep = format!("{{\"body\":{{\"schema\":\"x/1\",\"x\":{}}}}}", nested(10_000)).into_bytes();
    let bomb = zstd::bulk::compress(&vec![b' '; 64 << 20], 3).unwrap();
    let mut million = seoul.next(&[]);
    million.head.count = 1_000_000;
    let mut hidden = bytes(&seoul.next(&[good()]));
    hidden.resize(hidden.len() + 1_000_000, 0);
    let ways: Vec<(&str, &str, Vec<u8>)> = vec![
        ("a replay of a session", "replay", bytes(&replayed)),
        ("another start than the one before", "fork", bytes(&other)),
        ("the same envelope with a new sequence", "bad_checkpoint", bytes(&renumbered)),
        (
            "the same item, numbered and signed anew",
            "replay",
            bytes(&seoul.next(std::slice::from_ref(&delivered))),
        ),
        ("an object of another owner", "other_author", bytes(&seoul.next(&[tokyo.finding("WRONG")]))),
        ("a clock an hour ahead", "clock_off", late(3600.0)),
        ("a clock an hour behind", "clock_off", late(-3600.0)),
        ("a head of 5,000 levels", "malformed", deep_head),
        ("a payload of 10,000 levels", "bad_entry", bytes(&with_payload(&seoul, deep))),
        ("packed content within", "bad_entry", bytes(&with_payload(&seoul, bomb.clone()))),
        ("a packed envelope that does not say so", "malformed", bomb),
        ("a million items announced", "too_large", bytes(&million)),
        ("a million items behind the last", "malformed", hidden),
        ("half a million values in one entry", "too_large", bytes(&seoul.next(&[many(&seoul, 500_000)]))),
        (
            "a million values in several",
            "too_large",
            bytes(&seoul.next(&[many(&seoul, 200_000), many(&seoul, 200_000)])),
        ),
    ];
    let mut codes = Vec::new();
    for (way, expected, body) in &ways {
        let answer = seoul.send_bytes(body.clone()).await;
        assert_eq!(code(&answer), *expected, "{way}");
        codes.push((*expected).to_owned());
    }
    assert_eq!(metric(&washington, "bongsu_refusals").await, counted + ways.len() as u64);
    // One of each sort a minute stands in the record; the counter has them all.
    codes.sort();
    codes.dedup();
    let mut recorded: Vec<String> =
        refusals(&washington).await.iter().map(|refused| text(refused, "code").to_owned()).collect();
    recorded.sort();
    assert_eq!(recorded, codes);
    let frauds = washington.peer("seoul").await["frauds"].as_array().unwrap().len() as u64;
    assert_eq!(washington.log_size().await, size + codes.len() as u64 + frauds);
    assert!(files_with(washington.data(), "WRONG").is_empty());
    // It is still a peer.
    seoul.deliver(&[seoul.finding("After")]).await;
    washington.verify().await;
}

/// Items in lanes of which the agreement says nothing. What the peer put there before it signed still comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_that_was_not_agreed_on_is_refused() {
    let (mut seoul, mut washington) = (Side::started(SEOUL).await, Side::started(WASHINGTON).await);
    seoul.stop().await;
    washington.stop().await;
    let card = node::card(&seoul.config().unwrap()).unwrap();
    let terms = node::Terms {
        lanes: vec![Precedence::Flash, Precedence::Routine],
        ..node::Terms::until("2100-01-01T00:00:00Z".parse().unwrap())
    };
    node::accept_until(&washington.config().unwrap(), card, "SECRET", Some(terms), None).unwrap();
    washington.start().await;
    let mut routine = Hand::new(seoul.data(), "seoul", "KOR", "washington", washington.link_address());
    let mut flash = routine.in_lane(Precedence::Flash);
    let mut priority = flash.in_lane(Precedence::Priority);
    // Before both have signed, nothing is agreed.
    let early = priority.finding("In the lane before");
    priority.deliver(&[priority.finding("Before the agreement")]).await;
    let mut live = washington.officer().listen(Some(0)).await;
    let signed = live.wait("entry", |event| event["kind"] == "agreement").await;
    let entry = washington.officer().get(&format!("/api/entries/{}", text(&signed.data, "id"))).await;
    let agreement: link::Agreement = base::from_document(&entry["body"]).unwrap();
    flash.deliver(&[flash.sign(&agreement)]).await;
    assert_eq!(washington.peer("seoul").await["agreement"], json!("signed"));

    let counted = metric(&washington, "bongsu_refusals").await;
    let immediate = flash.in_lane(Precedence::Immediate);
    for hand in [&priority, &immediate] {
        assert_eq!(hand.refused(&hand.next(&[hand.finding("WRONG")])).await, "lane_not_agreed");
        let mixed = hand.next(&[early.clone(), hand.finding("WRONG")]);
        assert_eq!(hand.refused(&mixed).await, "lane_not_agreed", "an old item takes no new one along");
    }
    assert_eq!(metric(&washington, "bongsu_refusals").await, counted + 4);
    let codes: Vec<Value> =
        refusals(&washington).await.iter().map(|refused| refused["code"].clone()).collect();
    assert_eq!(codes, ["lane_not_agreed"], "one of a sort a minute stands in the record");
    assert!(files_with(washington.data(), "WRONG").is_empty());
    priority.deliver(&[early]).await;
    routine.deliver(&[routine.finding("In a lane that is used")]).await;
    assert_eq!(washington.officer().ids("/api/findings").await.len(), 3);
    washington.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_gibibytes_are_not_read() {
    let Prey { washington, mut seoul, _owners, .. } = prey("").await;
    // Announced: refused before a byte of it came.
    let mut line = seoul.open().await;
    line.head("content-length: 10737418240\r\n").await.unwrap();
    let answer = line.answer().await;
    assert_eq!((answer.as_ref().unwrap().0, code(&answer).as_str()), (413, "too_large"));
    // Streamed: cut off soon after the limit.
    let mut line = seoul.open().await;
    line.head("transfer-encoding: chunked\r\n").await.unwrap();
    let mut chunk = b"10000\r\n".to_vec();
    chunk.resize(chunk.len() + 0x10000, b'x');
    chunk.extend_from_slice(b"\r\n");
    let mut taken = 0_u64;
    while taken < 10 << 30 && line.say(&chunk).await.is_ok() {
        taken += 0x10000;
    }
    // What the system's buffers hold was sent, not read.
    assert!(taken < 4 * MAX_BATCH_BYTES as u64, "{taken} bytes were taken");
    // Packed: a gigabyte in a few bytes is not unpacked.
    let mut line = seoul.open().await;
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    for encoding in ["gzip", "zstd", "br", "deflate"] {
        let length = bomb.len();
        line.head(&format!("content-encoding: {encoding}\r\ncontent-length: {length}\r\n")).await.unwrap();
        let _ = line.say(&bomb).await;
        let answer = line.answer().await;
        assert_eq!((answer.as_ref().unwrap().0, code(&answer).as_str()), (415, "malformed"));
        line = seoul.open().await;
    }
    seoul.deliver(&[seoul.finding("After")]).await;
    let codes: Vec<Value> = refusals(&washington).await.iter().map(|r| r["code"].clone()).collect();
    assert_eq!(codes, ["malformed", "too_large"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_does_not_help_and_a_revoked_key_opens_nothing() {
    let Prey { washington, mut seoul, _owners, .. } = prey("").await;
    // Right name, wrong key: another node that calls itself Seoul.
    let mut other = Side::started(SEOUL).await;
    let card = other.officer().get("/api/card").await;
    other.stop().await;
    let mut live = washington.officer().listen(None).await;
    let stranger = Hand::new(other.data(), "seoul", "KOR", "washington", washington.link_address());
    assert!(
        stranger.send_bytes(stranger.next(&[stranger.finding("WRONG")]).to_bytes().unwrap()).await.is_err()
    );
    live.wait("entry", |event| event["kind"] == "refusal").await;
    let shown = &refusals(&washington).await[0];
    assert_eq!((text(shown, "code"), &shown["peer"]), ("unknown_peer", &Value::Null));
    assert_eq!(shown["certificate"], card["certificate"]);

    // Seoul gets new keys: the officer introduces its new card. The old ones open nothing any more.
    seoul.deliver(&[seoul.finding("By the old key")]).await;
    let mut open = seoul.open().await;
    let (status, _) = open.post(&seoul.next(&[]).to_bytes().unwrap()).await.unwrap();
    assert_eq!(status, 200);
    washington.officer().post("/api/peers", &json!({"card": card, "clearance": "SECRET"})).await;
    let body = seoul.next(&[seoul.finding("WRONG")]).to_bytes().unwrap();
    assert_eq!(code(&open.post(&body).await), "unknown_peer", "over the open connection");
    assert!(seoul.send_bytes(body).await.is_err(), "over a new connection");
    // By the new key comes only what the new key signed.
    let mut new = stranger;
    new.log = seoul.log.clone();
    assert_eq!(new.refused(&new.next(&[seoul.finding("WRONG")])).await, "other_author");
    new.deliver(&[new.finding("By the new key")]).await;
    assert_eq!(washington.officer().ids("/api/findings").await.len(), 2);
    assert!(files_with(washington.data(), "WRONG").is_empty());
    washington.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_tiny_objects_ends_at_the_peers_share_of_the_disk() {
    let Prey { mut washington, mut seoul, mut tokyo, _owners } =
        prey("[link]\npeer_max_bytes = 2000000\n").await;
    let tiny = |hand: &Hand| {
        let mut salt = hand.log.size();
        let items = (0..MAX_BATCH_ITEMS).map(|_| {
            salt += 1;
            let id = EntryId::from_bytes(Sha256::digest(salt.to_be_bytes()).into());
            (id, ReceivedItem::Withdrawn(id))
        });
        items.collect::<Vec<_>>()
    };
    let mut taken = 0;
    loop {
        let items = tiny(&seoul);
        let ids: Vec<EntryId> = items.iter().map(|(id, _)| *id).collect();
        match seoul.send(&with_items(&seoul, items)).await {
            link::Reply::Ack { .. } => taken += ids.len(),
            link::Reply::Refused { refusal, .. } => {
                assert_eq!(refusal.code(), "over_share", "{refusal}");
                break;
            }
        }
        ids.iter().for_each(|id| seoul.log.push(id));
        assert!(taken < 1_000_000, "nobody stops it");
    }
    assert!((2000..10_000).contains(&taken), "{taken}");
    let standing = washington.peer("seoul").await;
    let (held, allowed) =
        (standing["held_bytes"].as_u64().unwrap(), standing["allowed_bytes"].as_u64().unwrap());
    assert!(allowed == 2_000_000 && held <= allowed && held > allowed / 2, "{standing}");
    assert_eq!(refusals(&washington).await[0]["code"], "over_share");

    // Others are not touched, a recall still comes, and a restart forgets nothing.
    tokyo.deliver(&[tokyo.finding("From Tokyo")]).await;
    washington.restart().await;
    assert_eq!(washington.peer("seoul").await["held_bytes"], json!(held));
    loop {
        let one = seoul.finding("One more");
        let link::Reply::Ack { .. } = seoul.send(&seoul.next(std::slice::from_ref(&one))).await else {
            break;
        };
        seoul.log.push(&one.id());
    }
    assert_eq!(seoul.refused(&seoul.next(&[seoul.finding("WRONG")])).await, "over_share");
    let recall = base::Recall {
        target: EntryId::from_bytes([7; 32]),
        reason: "it must still come".to_owned(),
        marking: Marking::new("RESTRICTED", &["USA", "KOR"], "KOR"),
    };
    seoul.deliver(&[seoul.sign(&recall)]).await;
    washington.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_too_fast_waits_and_loses_nothing() {
    let Prey { washington, mut seoul, _owners, .. } = prey("[link]\npeer_items_per_second = 10.0\n").await;
    for number in 0..4 {
        let some: Vec<record::Entry> =
            (0..10).map(|n| seoul.finding(&format!("Item {number} {n}"))).collect();
        seoul.deliver(&some).await;
    }
    assert_eq!(washington.officer().ids("/api/findings").await.len(), 40);
    assert!(metric(&washington, "bongsu_link_pauses").await >= 1);
    assert!(washington.peer("seoul").await["paused_milliseconds"].as_u64().unwrap() >= 100);
    assert_eq!(refusals(&washington).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_shows_two_histories_is_proven_a_liar() {
    let Prey { mut washington, mut seoul, _owners, .. } = prey("").await;
    let mut liar = Hand::new_like(&seoul);
    let first = [seoul.finding("First"), seoul.finding("Second"), seoul.finding("Third")];
    seoul.deliver(&first).await;
    // The same first item, then another history: longer than the one that was shown.
    let mut forked = vec![first[0].clone()];
    forked.extend((0..4).map(|_| liar.finding("WRONG")));
    assert_eq!(liar.refused(&liar.next(&forked)).await, "fork");
    let frauds = washington.peer("seoul").await["frauds"].clone();
    assert_eq!(frauds.as_array().unwrap().len(), 1, "{frauds}");
    assert_eq!(frauds[0]["kind"], "fork");
    assert_eq!(frauds[0]["origin"], "bongsu/seoul/to/washington/routine");
    // The entry holds the proof, which needs nothing but itself.
    let id = text(&frauds[0], "entry");
    let entry = washington.officer().get(&format!("/api/entries/{id}")).await;
    let fraud: record::Fraud = base::from_document(&entry["body"]).unwrap_or_else(|e| panic!("{e}: {entry}"));
    fraud.proof.check().unwrap();
    assert_eq!(fraud.proof, record::FraudProof::read(&fraud.proof.to_bytes()).unwrap());
    assert_eq!(fraud.proof.fork.unwrap().index, 1);
    // A flood of lies is one proof, and it outlives a restart.
    for _ in 0..5 {
        liar.refused(&liar.next(&forked)).await;
    }
    washington.restart().await;
    let standing = washington.peer("seoul").await;
    assert_eq!(standing["frauds"].as_array().unwrap().len(), 1);
    assert_eq!(metric(&washington, "bongsu_link_frauds").await, 0, "since the start");

    // One size, two roots: a split view, in another lane.
    seoul = seoul.in_lane(Precedence::Priority);
    liar = seoul.in_lane(Precedence::Priority);
    seoul.deliver(&[seoul.finding("Fourth")]).await;
    assert_eq!(liar.refused(&liar.next(&[liar.finding("WRONG")])).await, "fork");
    let frauds = washington.peer("seoul").await["frauds"].clone();
    assert_eq!(frauds[1]["kind"], "split_view", "{frauds}");
    assert_eq!(metric(&washington, "bongsu_link_frauds").await, 1);
    // An empty batch with another root of the same size is one as well.
    let mut honest = seoul.in_lane(Precedence::Immediate);
    let mut lies = Hand::new_like(&honest);
    honest.deliver(&[honest.finding("Fifth")]).await;
    lies.log.push(&EntryId::from_bytes([9; 32]));
    assert_eq!(lies.refused(&lies.next(&[])).await, "bad_checkpoint");
    let frauds = washington.peer("seoul").await["frauds"].clone();
    assert_eq!((frauds[2]["kind"].as_str(), frauds.as_array().unwrap().len()), (Some("split_view"), 3));
    assert!(files_with(washington.data(), "WRONG").is_empty());
    washington.verify().await;
}

/// What this process holds in memory, in KiB: `VmRSS` now or `VmHWM` at most.
fn memory_kib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The memory of a process can be told only when nothing else runs in it.
#[test]
fn a_bad_peer_costs_at_most_256_mebibytes() {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hostile::in_a_process_of_its_own", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the test above runs it in a process of its own"]
async fn in_a_process_of_its_own() {
    let Prey { washington, mut seoul, _owners, .. } = prey("").await;
    seoul.deliver(&[seoul.finding("First")]).await;
    washington.verify().await;
    // The dearest that passes the form: as many values as may be, in all lanes over many connections, none taken in
    // the end, so that it can come again and again.
    let entries = 8;
    let mut bodies = Vec::new();
    for lane in Precedence::ALL {
        let hand = seoul.in_lane(lane);
        let each = MAX_BATCH_VALUES / entries - 100;
        let mut some: Vec<record::Entry> = (0..entries).map(|_| many(&hand, each)).collect();
        some.push(some[0].clone());
        let batch = hand.next(&some);
        // The last stands there twice: found after everything was read.
        bodies.push((lane, Arc::new(batch.to_bytes().unwrap())));
    }
    // As many bytes as may be, of few values.
    let marking = Marking::new("RESTRICTED", &["USA", "KOR"], "KOR");
    let long = |hand: &Hand| hand.sign(&Long { text: "x".repeat(1_000_000), marking: marking.clone() });
    let mut hand = Hand::new_like(&seoul);
    let mut some: Vec<record::Entry> = (0..7).map(|_| long(&hand)).collect();
    some.push(some[0].clone());
    bodies.push((Precedence::Routine, Arc::new(hand.next(&some).to_bytes().unwrap())));
    hand = seoul.in_lane(Precedence::Flash);
    bodies.push((Precedence::Flash, Arc::new(hand.next(&some).to_bytes().unwrap())));
    drop(some);

    let before = memory_kib("VmRSS");
    let mut work = tokio::task::JoinSet::new();
    for round in 0..24 {
        let (lane, body) = bodies[round % bodies.len()].clone();
        let hand = seoul.in_lane(lane);
        work.spawn(async move {
            for _ in 0..4 {
                let mut line = hand.open().await;
                let head = format!(
                    "POST /link/v2/batch/{lane} HTTP/1.1\r\nhost: link\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let said = line.say(head.as_bytes()).await;
                if said.is_ok() && line.say(&body).await.is_ok() {
                    // Too many connections are cut off.
                    let _ = line.answer().await;
                }
            }
        });
    }
    while work.join_next().await.is_some() {}
    let grown = memory_kib("VmHWM").saturating_sub(before);
    assert!(metric(&washington, "bongsu_refusals").await > 20);
    assert!(grown < 256 << 10, "{grown} KiB");
    seoul.deliver(&[seoul.finding("After")]).await;
}

/// A noun of one long text.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Long {
    text: String,
    marking: Marking,
}

impl Noun for Long {
    const SCHEMA: &'static str = "test.long/1";
}
