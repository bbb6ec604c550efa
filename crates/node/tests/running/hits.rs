//! Indicators that are seen in logs: findings with the lines as evidence, for whom both markings let have them.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use hyper::Method;
use record::ReadRecord;
use serde_json::{Value, json};

use crate::support::{Answer, Client, SEOUL, Side, WASHINGTON, allies_of, text};

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/threat").join(name)).unwrap()
}

async fn give(client: &Client, kind: &str, title: &str, bytes: Vec<u8>) -> Answer {
    client.ask(Method::POST, &format!("/api/feeds/{kind}?title={title}"), bytes).await.unwrap()
}

async fn seen(client: &Client) -> Vec<Value> {
    let all = client.all("/api/findings").await;
    let mut seen: Vec<Value> = all.into_iter().filter(|f| f["kind"] == "threat.indicator_seen").collect();
    seen.sort_by_key(|finding| text(finding, "title").to_owned());
    seen
}

fn titles(seen: &[Value]) -> Vec<&str> {
    seen.iter().map(|finding| text(finding, "title")).collect()
}

/// Waits until so many findings are there.
async fn seen_by(client: &Client, count: usize) -> Vec<Value> {
    for _ in 0..300 {
        let found = seen(client).await;
        if found.len() >= count {
            assert_eq!(found.len(), count, "{found:?}");
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{:?}", seen(client).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_searched_for_what_is_looked_for() {
    let mut side = Side::started(SEOUL).await;
    let early = give(side.officer(), "log", "dns.log", sample("dns.log")).await;
    assert_eq!(early.status, 409, "{}", early.text());
    let taken = give(side.officer(), "indicators", "list", sample("indicators.txt")).await;
    assert_eq!(taken.status, 201, "{}", taken.text());
    let bad = give(side.officer(), "indicators", "odd", b"\x00\x01\x02".to_vec()).await;
    assert_eq!(bad.status, 422, "{}", bad.text());
    let unknown = give(side.officer(), "logs", "dns.log", sample("dns.log")).await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.text().contains("indicators, warninglist, log"), "{}", unknown.text());

    let log = give(side.officer(), "log", "dns.log", sample("dns.log")).await;
    assert_eq!(log.status, 201, "{}", log.text());
    let found = seen(side.officer()).await;
    let wanted = [
        "address 203.0.113.7 seen 2 times in dns.log, first in field id.resp_h of line 9",
        "domain policy-review.example seen in field query of dns.log, line 10",
        "network 198.51.100.0/28 seen in field answers of dns.log, line 10",
    ];
    assert_eq!(titles(&found), wanted);
    // The finding rests on the lines and on the indicators, the lines on the log; the bytes of the lines are kept.
    let whole = side.officer().get(&format!("/api/findings/{}", text(&found[0], "id"))).await;
    let evidence: Vec<String> = whole["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["id"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(evidence.len(), 2, "{whole}");
    assert_eq!(evidence[1], text(&taken.json(), "entry"));
    side.verify().await;

    // The same again tells nothing new; what a warninglist knows raises no alarm; another start changes nothing.
    give(side.officer(), "log", "dns.log", sample("dns.log")).await;
    assert_eq!(seen(side.officer()).await.len(), 3);
    let lists = give(side.officer(), "warninglist", "resolvers", sample("warninglist.json")).await;
    assert_eq!(lists.status, 201, "{}", lists.text());
    side.restart().await;
    give(side.officer(), "log", "other.log", sample("dns.log")).await;
    let found = seen(side.officer()).await;
    assert_eq!(found.len(), 5, "{:?}", titles(&found));
    assert!(!titles(&found).iter().any(|title| title.contains("203.0.113.7") && title.contains("other.log")));

    // Indicators of one title take the place of the former ones.
    give(side.officer(), "indicators", "list", b"www.example.org\n".to_vec()).await;
    give(side.officer(), "log", "third.log", sample("dns.log")).await;
    let found = seen(side.officer()).await;
    let third: Vec<&str> = titles(&found).into_iter().filter(|title| title.contains("third.log")).collect();
    assert_eq!(third, ["domain www.example.org seen in field query of third.log, line 9"]);

    side.verify().await;
}

const FOLLOWED: &str = "[[feeds.logs]]\ntitle = \"dns\"\npath = \"dns.log\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_followed_over_restarts_and_rotation() {
    let mut side = Side::new(&format!("{SEOUL}{FOLLOWED}"));
    let path = side.data().join("dns.log");
    let log = String::from_utf8(sample("dns.log")).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let head = format!("{}\n", lines[..8].join("\n"));
    std::fs::write(&path, format!("{head}{}\n{}", lines[8], &lines[9][..30])).unwrap();
    side.start().await;
    // A folder feeds it too.
    let folder = side.data().join("feeds/indicators");
    std::fs::write(folder.join("list.txt"), sample("indicators.txt")).unwrap();
    let found = seen_by(side.officer(), 1).await;
    assert_eq!(titles(&found), ["address 203.0.113.7 seen in field id.resp_h of dns, line 9"]);

    let append = |bytes: &str| {
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(bytes.as_bytes()).unwrap();
    };
    append(&format!("{}\n", &lines[9][30..]));
    let found = seen_by(side.officer(), 4).await;
    assert!(titles(&found).contains(&"domain policy-review.example seen in field query of dns, line 10"));
    side.stop().await;
    // What came while nobody looked.
    append(&format!("{}\n", lines[9].replace("1773144001.5", "1773144901.5").replace("update.", "mail.")));
    side.start().await;
    let found = seen_by(side.officer(), 7).await;
    assert!(titles(&found).contains(&"domain policy-review.example seen in field query of dns, line 11"));

    // Another file under the same name.
    std::fs::rename(&path, side.data().join("dns.1.log")).unwrap();
    std::fs::write(&path, format!("{head}{}\n", lines[9].replace("1773144001.5", "1773145001.5"))).unwrap();
    let found = seen_by(side.officer(), 10).await;
    assert!(titles(&found).contains(&"domain policy-review.example seen in field query of dns, line 9"));
    side.verify().await;
}

const SHARED: &str = "[marking.logs]\nnames = []\nlevel = \"RESTRICTED\"\nrel_to = [\"USA\"]\n\
    [marking.indicators]\nnames = []\nlevel = \"RESTRICTED\"\nrel_to = [\"USA\"]\n";

fn indicator(tlp: &str, name: &str, number: u32) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--00000000-0000-4000-8000-{number:012}"),
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "pattern_type": "stix",
        "pattern": format!("[domain-name:value = '{name}']"), "valid_from": "2026-01-01T00:00:00Z",
        "object_marking_refs": [tlp],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_and_a_sighting_reach_whom_the_indicator_may_reach() {
    const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
    const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
    let (seoul, mut washington) = allies_of(&format!("{SEOUL}{SHARED}"), WASHINGTON).await;
    let indicators = json!({"type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000000", "objects": [
        indicator(GREEN, "policy-review.example", 1), indicator(RED, "www.example.org", 2),
    ]});
    let taken = give(seoul.officer(), "indicators", "bundle", indicators.to_string().into_bytes()).await;
    assert_eq!(taken.status, 201, "{}", taken.text());
    give(seoul.officer(), "log", "dns.log", sample("dns.log")).await;
    assert_eq!(seen(seoul.officer()).await.len(), 2);
    seoul.delivered("washington").await;
    let there = seen_by(washington.officer(), 1).await;
    assert_eq!(titles(&there), ["domain policy-review.example seen in field query of dns.log, line 10"]);
    washington.stop().await;
    let record = ReadRecord::open(washington.data()).unwrap();
    let sightings: Vec<threat::Sighting> =
        (0..record.size().unwrap()).filter_map(|seq| record.at(seq).unwrap()?.entry?.noun().ok()).collect();
    let [sighting] = &sightings[..] else { panic!("{sightings:?}") };
    assert_eq!(sighting.object.as_deref(), Some("indicator--00000000-0000-4000-8000-000000000001"));
    assert_eq!((sighting.indicator.as_str(), sighting.count), ("policy-review.example", 1));
}
