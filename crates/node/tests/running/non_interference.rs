//! What an ally sees must not depend on what it may not see.

use std::collections::BTreeMap;

use base::Precedence;
use record::{Direction, Lane, ReadRecord};
use serde_json::{Value, json};

use crate::support::{Side, allies, files_with, introduce, report, text};

fn about(title: &str, rel_to: &[&str], object: &str, minute: u32) -> Value {
    let mut report = report(title, rel_to);
    report["objects"] = json!([{"id": object}]);
    // In the lane of recalls: between lanes chance decides what is there first, and days are compared to the event.
    report["severity"] = json!(5);
    report["start"] = json!(format!("2026-03-10T12:{minute:02}:00Z"));
    report
}

/// Seoul's day: shared items and one recall; with `more`, also items that Washington may not have, on the same
/// objects and at the same times.
async fn day(more: bool) -> (Side, Side) {
    let (seoul, washington) = allies().await;
    if more {
        seoul.officer().report(&about("HIDDEN first of all", &[], "norad:1", 0)).await;
        let tokyo = Side::started(crate::support::TOKYO).await;
        introduce(&seoul, &tokyo).await;
    }
    let mut shared = Vec::new();
    for number in 0..12 {
        let object = format!("norad:{}", number % 4);
        if more {
            for (rel_to, level) in
                [(&[][..], "RESTRICTED"), (&["JPN"], "RESTRICTED"), (&["USA"], "TOP SECRET")]
            {
                let mut hidden = about(&format!("HIDDEN {number}"), rel_to, &object, number);
                hidden["marking"]["level"] = json!(level);
                hidden["severity"] = json!(5);
                let id = seoul.officer().report(&hidden).await;
                if number % 3 == 0 {
                    seoul.officer().recall(&id).await;
                }
            }
        }
        shared.push(
            seoul.officer().report(&about(&format!("Shared {number}"), &["USA"], &object, number)).await,
        );
        if number == 7 {
            // What is recalled before it left, leaves no content: how far the link got must not make a difference here.
            seoul.delivered("washington").await;
            seoul.officer().recall(&shared[2]).await;
        }
    }
    if more {
        let catalogue = std::fs::read(
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/orbit/korea-2026-03.csv"),
        );
        let answer = seoul.officer().upload("HIDDEN.csv", catalogue.unwrap()).await;
        assert_eq!(answer.status, 201);
        seoul.officer().report(&about("HIDDEN last of all", &[], "norad:1", 59)).await;
    }
    seoul.delivered("washington").await;
    (seoul, washington)
}

/// A document with ids, keys and times of this run replaced by their order of appearance.
struct Normal {
    seen: BTreeMap<String, String>,
}

impl Normal {
    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                // Base64 of hashes and signatures, which differ as the keys do; their number and place stay.
                .map(|(key, value)| {
                    let opaque = ["root", "checkpoint", "envelope", "hashes", "address", "since", "last_ack"];
                    // How long an entry is depends on the digits of its time of signing.
                    let value = match key.as_str() {
                        "held_bytes" => Value::Null,
                        key if opaque.contains(&key) => shape(value),
                        _ => self.value(value),
                    };
                    (key.clone(), value)
                })
                .collect(),
            other => other.clone(),
        }
    }

    fn text(&mut self, text: &str) -> String {
        let hash = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        // Times that the test set are to the second.
        let time = text.parse::<base::Timestamp>().is_ok() && text.contains('.');
        if !hash && !time {
            return text.to_owned();
        }
        let next =
            format!("{} {}", if hash { "hash" } else { "time" }, if hash { self.seen.len() } else { 0 });
        if hash { self.seen.entry(text.to_owned()).or_insert(next).clone() } else { next }
    }
}

/// How many there are and how long.
fn shape(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Null => Value::Null,
        Value::String(text) if text.contains('\n') => json!(text.lines().count()),
        _ => json!("."),
    }
}

/// Everything that Washington's API says, list by list and item by item.
async fn view(washington: &Side) -> Vec<(String, Value)> {
    let officer = washington.officer();
    let mut normal = Normal { seen: BTreeMap::new() };
    let mut all = Vec::new();
    for list in ["/api/findings", "/api/incidents", "/api/feeds", "/api/refusals", "/api/peers", "/api/jobs"]
    {
        let mut items = officer.all(list).await;
        // Incidents of one severity and start stand in the order of their ids, which differ from run to run.
        if list == "/api/incidents" {
            items.sort_by_key(|i| (text(i, "title").to_owned(), text(i, "start").to_owned()));
        }
        for item in items {
            let mut name = format!("{list} item");
            for path in ["findings", "incidents"] {
                if list == format!("/api/{path}") {
                    let id = text(&item, "id");
                    for path in [format!("/api/{path}/{id}"), format!("/api/entries/{id}")] {
                        let document = officer.get(&path).await;
                        all.push((format!("{list} page"), normal.value(&document)));
                    }
                }
            }
            name.push_str(list);
            all.push((name, normal.value(&item)));
        }
    }
    all.push(("overview".to_owned(), normal.value(&officer.get("/api/overview").await)));
    for list in ["shared", "withheld"] {
        let document = officer.get(&format!("/api/peers/seoul/{list}")).await;
        all.push((list.to_owned(), normal.value(&document)));
    }
    let mut live = officer.listen(Some(0)).await;
    loop {
        let event = live.next(crate::support::PATIENCE).await.unwrap();
        let last = event.id == Some(washington.log_size().await - 1);
        all.push((format!("event {}", event.name), normal.value(&event.data)));
        if last {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ally_sees_the_same_whatever_is_withheld_from_it() {
    let (mut seoul, mut washington) = day(false).await;
    let (mut fuller_seoul, mut fuller_washington) = day(true).await;
    assert!(fuller_seoul.log_size().await > seoul.log_size().await + 40, "nothing was withheld");
    let (less, more) = (view(&washington).await, view(&fuller_washington).await);
    for (one, other) in less.iter().zip(&more) {
        assert_eq!(one, other);
    }
    assert_eq!(less.len(), more.len());
    assert!(less.len() > 40, "only {} things were compared", less.len());
    assert!(files_with(fuller_washington.data(), "HIDDEN").is_empty());

    let mut sizes = Vec::new();
    for (seoul, washington) in [(&mut seoul, &mut washington), (&mut fuller_seoul, &mut fuller_washington)] {
        seoul.stop().await;
        washington.stop().await;
        let read = ReadRecord::open(washington.data()).unwrap();
        let kinds: Vec<_> = (0..read.size().unwrap())
            .map(|seq| read.at(seq).unwrap().and_then(|stored| stored.entry))
            .map(|entry| entry.map(|entry| entry.kind().to_owned()))
            .collect();
        let lane = Lane {
            peer: "washington".parse().unwrap(),
            direction: Direction::Out,
            precedence: Precedence::Priority,
        };
        let sent = ReadRecord::open(seoul.data()).unwrap().lane_ids(&lane).unwrap().len();
        sizes.push((read.size().unwrap(), read.lane_sizes().unwrap(), sent, kinds));
    }
    assert_eq!(sizes[0], sizes[1]);
}
