//! A port in use, a folder of another version, a full disk: what it says, and what it leaves behind.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::client::{Answer, report, text};
use crate::process::{Serving, Site, reading, run, verified};

/// All files of a folder with their bytes; empty when there is no folder.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
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

/// The command ends with exit 2, says all `words`, and leaves `data` as it was.
fn refused(data: &Path, args: &[String], words: &[&str]) {
    let before = content(data);
    let there = data.exists();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (code, out, err) = run(&args);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
    for word in words {
        assert!(err.contains(word), "`{word}` is missing in: {err}");
    }
    assert_eq!(data.exists(), there, "{err}");
    assert_eq!(content(data).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{err}");
    assert_eq!(content(data), before, "{err}");
}

fn args(list: &[&str]) -> Vec<String> {
    list.iter().map(|arg| (*arg).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_told_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for flag in ["--listen", "--link-listen"] {
        let mut site = Site::new(folder.path(), "seoul", "KOR");
        *(if flag == "--listen" { &mut site.listen } else { &mut site.link_listen }) = address.clone();
        // On a folder that is not there yet, and on one with a record.
        refused(&site.data, &site.args(), &[&address, flag, "stop the program that has it"]);
    }
    let mut site = Site::new(folder.path(), "seoul", "KOR");
    site.start().await.stop();
    site.listen = address.clone();
    refused(&site.data, &site.args(), &[&address, "--listen"]);
    verified(&site.data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_not_for_this_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::new(folder.path(), "seoul", "KOR");
    let mut serving = site.start().await;
    let data = site.data.to_str().unwrap().to_owned();

    // In use by another process.
    for command in [
        vec!["record", "verify", &data],
        vec!["record", "stats", "--store", &data],
        vec!["link", "status", "--data", &data],
    ] {
        let (code, _, err) = run(&command);
        assert_eq!(code, Some(2), "{command:?}");
        assert!(
            err.contains("in use by another bongsu process") || err.contains("runs"),
            "{command:?}: {err}"
        );
    }
    let mut second = Site::new(folder.path(), "seoul", "KOR");
    second.data.clone_from(&site.data);
    let (code, _, err) = run(&second.args().iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code, Some(2));
    assert!(err.contains("in use by another bongsu process; stop that one first"), "{err}");
    assert_eq!(site.officer().status("/api/session").await, 200, "the first one was disturbed");
    serving.stop();

    // Of a later version.
    let format = site.data.join("record/format");
    let right = std::fs::read(&format).unwrap();
    std::fs::write(&format, "bongsu.record/3\n").unwrap();
    let words = ["bongsu.record/3", "bongsu.record/2", "use the bongsu that wrote it or a newer one"];
    refused(&site.data, &site.args(), &words);
    refused(&site.data, &args(&["record", "stats", "--store", &data]), &words);
    refused(&site.data, &args(&["link", "offer", "--data", &data]), &words);
    std::fs::write(&format, right).unwrap();

    // No folder at all, and a file in its place.
    let none = folder.path().join("none");
    refused(&none, &args(&["record", "verify", none.to_str().unwrap()]), &["none", "No such file"]);
    let mut file = Site::new(folder.path(), "busan", "KOR");
    std::fs::write(&file.data, "a file").unwrap();
    let (code, _, err) = run(&file.args().iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("busan"), "{err}");
    assert_eq!(std::fs::read(&file.data).unwrap(), b"a file");
    file.data = "/proc/bongsu".into();
    let (code, _, err) = run(&file.args().iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("/proc/bongsu"), "{err}");

    site.start().await.stop();
    verified(&site.data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_setting_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "seoul", "KOR");
    std::fs::create_dir(&site.data).unwrap();
    for (settings, words) in [
        ("name = \"seoul\"\n\ncontry = \"KOR\"\n", &["line 3", "contry"][..]),
        ("[watch]\nnames = []\nname = []\n", &["line 3", "`name`"]),
        (
            "[[feeds.http]]\ntitle = \"x\"\nkind = \"catalogue\"\nurl = \"http://x/\"\nevery_minutes = 1\nkey = 1\n",
            &["key"],
        ),
        ("name = \"seoul\"\nlisten = 8420\n", &["line 2", "string"]),
        ("name = \"seoul\n", &["line 1"]),
        ("[screen]\nhours = -1\n", &["screen.hours", "bongsu.toml"]),
        ("country = \"Korea\"\n", &["country"]),
    ] {
        std::fs::write(site.data.join("bongsu.toml"), settings).unwrap();
        let data = site.data.to_str().unwrap();
        for command in ["serve", "config show"] {
            let mut line: Vec<String> = command.split(' ').map(str::to_owned).collect();
            line.extend(args(&["--data", data]));
            refused(&site.data, &line, &[words, &["bongsu.toml"]].concat());
        }
    }
}

/// Reports of `bytes` each until one is refused; gives what was acknowledged and the refusal.
async fn fill(site: &Site, bytes: usize) -> (Vec<String>, Answer) {
    let mut posted = Vec::new();
    loop {
        let mut report = report(&format!("Item {}", posted.len()), &[]);
        report["text"] = json!("x".repeat(bytes));
        report["objects"] = json!([{"id": format!("host:{bytes}-{}", posted.len())}]);
        let answer = site.officer().try_post("/api/reports", &report).await.unwrap();
        if answer.status != 201 {
            return (posted, answer);
        }
        posted.push(text(&answer.json(), "entry").to_owned());
        assert!(posted.len() < 2000, "the disk does not fill");
    }
}

/// A node on a disk that is full, with what it acknowledged.
async fn full(site: &mut Site) -> (Serving, Vec<String>) {
    site.start().await.stop();
    site.file_limit_kib = Some(600);
    let serving = site.start().await;
    let (mut posted, refused) = fill(site, 9000).await;
    assert_eq!(refused.status, 507, "{}", refused.text());
    let error = refused.json();
    assert_eq!(error["code"], "node::not_stored");
    let message = text(&error, "message");
    assert!(message.contains("no space left") && message.contains("free some space"), "{message}");
    assert!(posted.len() > 10, "{}", posted.len());
    // What is small may still fit behind what did not; then that does not fit any more either.
    let (small, refused) = fill(site, 10).await;
    assert_eq!(refused.status, 507, "{}", refused.text());
    posted.extend(small);
    // Raw bytes of a feed.
    let catalogue = std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/orbit/celestrak-active-2026-03.csv.zst"),
    );
    let refused = site.officer().upload("active.csv.zst", catalogue.unwrap()).await;
    assert_eq!(refused.status, 507, "{}", refused.text());

    // It still answers, and shows what it took and nothing else.
    assert_eq!(site.officer().status("/healthz").await, 200);
    let mut shown = site.officer().ids("/api/findings").await;
    shown.reverse();
    // A page may lack the last ones: their views found no space. Nothing else is shown, and nothing more is taken.
    assert_eq!(shown, posted[..shown.len()]);
    assert!(posted.len() - shown.len() <= 1, "{} of {}", shown.len(), posted.len());
    let page = site.officer().get(&format!("/api/findings/{}", posted[0])).await;
    assert_eq!(page["text"].as_str().unwrap().len(), 9000);
    assert_eq!(site.officer().get("/api/feeds").await["items"], json!([]));
    (serving, posted)
}

/// The folder holds what was acknowledged, whole, and takes more once there is space.
async fn recovered(site: &mut Site, posted: &[String]) {
    let verdict = verified(&site.data);
    assert_eq!(verdict["blobs"], json!(0), "{verdict}");
    let findings: Vec<String> = reading(&site.data, |read| {
        (0..read.size().unwrap())
            .map(|seq| read.at(seq).unwrap().unwrap())
            .filter(|stored| stored.entry.as_ref().unwrap().kind() == "bongsu.finding/1")
            .map(|stored| stored.id.to_string())
            .collect()
    });
    assert_eq!(findings, posted);
    site.file_limit_kib = None;
    let mut serving = site.start().await;
    let more = site.officer().report(&report("There is space again", &[])).await;
    let mut shown = site.officer().ids("/api/findings").await;
    shown.reverse();
    assert_eq!(shown, [posted, &[more]].concat());
    let verdict: Value = site.officer().post("/api/record/verify", &json!({})).await;
    assert_eq!(verdict["ok"], json!(true), "{verdict}");
    serving.stop();
    verified(&site.data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_nothing_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::new(folder.path(), "seoul", "KOR");
    let (mut serving, posted) = full(&mut site).await;
    serving.stop();
    recovered(&mut site, &posted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_on_a_full_disk_nothing_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::new(folder.path(), "seoul", "KOR");
    let (mut serving, posted) = full(&mut site).await;
    serving.kill();
    recovered(&mut site, &posted).await;
}
