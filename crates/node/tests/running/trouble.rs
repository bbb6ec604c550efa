//! What a node says when something around it is wrong, and what it leaves behind.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use crate::support::{SEOUL, Side, WASHINGTON, report, text};

/// All files of a folder with their bytes.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.to_str().unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// A start that must fail leaves the folder as it was, and says `words`.
async fn fails(side: &mut Side, words: &[&str]) {
    let before = content(side.data());
    let error = side.try_start().await.expect_err("it started").to_string();
    for word in words {
        assert!(error.contains(word), "{word} is missing in: {error}");
    }
    assert_eq!(
        content(side.data()).into_keys().collect::<Vec<_>>(),
        before.keys().cloned().collect::<Vec<_>>(),
        "{error}"
    );
    assert_eq!(content(side.data()), before, "{error}");
}

/// A node with something in its record, stopped.
async fn stopped() -> Side {
    let mut side = Side::started(SEOUL).await;
    side.officer().report(&report("Here before", &[])).await;
    side.stop().await;
    side
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_key_is_not_made_anew() {
    let mut side = stopped().await;
    let keys = side.data().join("keys");
    for name in ["signing.key", "tls.key", "tls.crt"] {
        let bytes = std::fs::read(keys.join(name)).unwrap();
        std::fs::remove_file(keys.join(name)).unwrap();
        fails(&mut side, &[name, "is missing", "restore"]).await;
        std::fs::write(keys.join(name), bytes).unwrap();
    }
    side.start().await;
    side.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_or_foreign_key_is_named() {
    let mut side = stopped().await;
    let mut other = Side::started(WASHINGTON).await;
    other.stop().await;
    let keys = side.data().join("keys");
    for name in ["signing.key", "tls.key", "tls.crt"] {
        let bytes = std::fs::read(keys.join(name)).unwrap();
        for wrong in [&b""[..], b"not a key", &bytes[..bytes.len() / 2], b"\xff\xfe"] {
            std::fs::write(keys.join(name), wrong).unwrap();
            fails(&mut side, &[name, "restore"]).await;
        }
        std::fs::remove_file(keys.join(name)).unwrap();
        std::fs::create_dir(keys.join(name)).unwrap();
        fails(&mut side, &[name]).await;
        std::fs::remove_dir(keys.join(name)).unwrap();
        std::fs::write(keys.join(name), bytes).unwrap();
    }
    let right = std::fs::read(keys.join("signing.key")).unwrap();
    std::fs::copy(other.data().join("keys/signing.key"), keys.join("signing.key")).unwrap();
    fails(&mut side, &["signing.key", "another key", "restore"]).await;
    std::fs::write(keys.join("signing.key"), right).unwrap();
    // A certificate and the key of another one.
    let right = std::fs::read(keys.join("tls.key")).unwrap();
    std::fs::copy(other.data().join("keys/tls.key"), keys.join("tls.key")).unwrap();
    fails(&mut side, &["TLS"]).await;
    std::fs::write(keys.join("tls.key"), right).unwrap();
    side.start().await;
    side.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_keeps_its_name_and_country() {
    let mut side = stopped().await;
    // Nothing is set any more: the record says whose it is.
    std::fs::write(side.data().join("bongsu.toml"), "").unwrap();
    side.start().await;
    let session = side.officer().get("/api/session").await;
    assert_eq!(
        (text(&session["node"], "name"), text(&session["node"], "country"), text(&session["node"], "title")),
        ("seoul", "KOR", "Seoul")
    );
    side.officer().report(&report("And after", &[])).await;
    side.verify().await;
    side.stop().await;
    // Something else is set: it says so, and does not speak of damage.
    std::fs::write(side.data().join("bongsu.toml"), "name = \"busan\"\n").unwrap();
    fails(&mut side, &["seoul", "busan"]).await;
    std::fs::write(side.data().join("bongsu.toml"), "country = \"USA\"\n").unwrap();
    fails(&mut side, &["KOR", "USA"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_at_its_limit_takes_nothing_more_and_is_read_on() {
    let mut side = Side::started(&format!("{SEOUL}max_record_bytes = 200000\n")).await;
    let mut posted = Vec::new();
    let full = loop {
        let mut report = report(&format!("Item {}", posted.len()), &[]);
        report["text"] = json!("x".repeat(10_000));
        let answer = side.officer().try_post("/api/reports", &report).await.unwrap();
        if answer.status != 201 {
            break answer;
        }
        posted.push(text(&answer.json(), "entry").to_owned());
        assert!(posted.len() < 100, "it takes more than its limit");
    };
    assert_eq!(full.status, 507, "{}", full.text());
    assert_eq!(full.json()["code"], "node::not_stored");
    assert!(text(&full.json(), "message").contains("no space left"), "{}", full.text());
    assert!(posted.len() > 3);
    let mut ids = side.officer().ids("/api/findings").await;
    ids.reverse();
    assert_eq!(ids, posted);
    side.verify().await;
    side.restart().await;
    side.verify().await;
    assert_eq!(side.officer().ids("/api/findings").await.len(), posted.len());
}
