//! `record verify` on records as nodes make them: any bit that is not as it was written is found.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::client::{PATIENCE, report, text};
use crate::process::{Rng, Serving, Site, introduce, run, verified};

const FLIPS: u64 = 25;

/// All files below `folder` with their sizes, in order.
fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let size = path.metadata().unwrap().len();
                found.push((path, size));
            }
        }
    }
    found.sort();
    found
}

/// Whether the log has a version of the page of `record.db` in which byte `at` lies (SQLite file format, section 4.1). Then
/// nobody reads the page, and a copy that was under way may have left any mixture there: it is not compared.
fn is_superseded(record: &Path, path: &Path, at: u64) -> bool {
    const PAGE: usize = 4096;
    if !path.ends_with("record.db") {
        return false;
    }
    let log = std::fs::read(record.join("record.db-wal")).unwrap_or_default();
    let page = u32::try_from(at / PAGE as u64 + 1).unwrap();
    log.get(32..).unwrap_or_default().chunks(24 + PAGE).any(|frame| frame.starts_with(&page.to_be_bytes()))
}

/// Flips one bit, anywhere in the record that is read, and expects `record verify` to find it.
fn flip(data: &Path, rng: &mut Rng) {
    let files = files(&data.join("record"));
    let mut at = rng.below(files.iter().map(|(_, size)| size).sum());
    let (path, _) = files
        .iter()
        .find(|(_, size)| {
            let here = at < *size;
            at -= if here { 0 } else { *size };
            here
        })
        .unwrap();
    if is_superseded(&data.join("record"), path, at) {
        return;
    }
    let whole = std::fs::read(path).unwrap();
    let mut changed = whole.clone();
    let bit = rng.below(8);
    changed[usize::try_from(at).unwrap()] ^= 1 << bit;
    std::fs::write(path, changed).unwrap();
    let (code, out, err) = run(&["record", "verify", data.to_str().unwrap()]);
    assert_eq!(code, Some(1), "bit {bit} of byte {at} of {} is not found: {out}{err}", path.display());
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(verdict["ok"], json!(false));
    assert!(verdict["first"].is_object(), "{verdict}");
    std::fs::write(path, whole).unwrap();
}

/// Two nodes as after a day: a catalogue, a screening, reports, things shared, kept back, recalled and refused.
async fn day(folder: &Path) -> (Site, Serving, Site, Serving) {
    let mut seoul = Site::new(folder, "seoul", "KOR");
    let mut washington = Site::new(folder, "washington", "USA");
    seoul.start().await.stop();
    washington.start().await.stop();
    introduce(&seoul, &washington);
    let settings = seoul.data.join("bongsu.toml");
    let before = std::fs::read_to_string(&settings).unwrap_or_default();
    let more = "[watch]\nnames = [\"*KOMPSAT*\", \"*KOREASAT*\"]\n[marking]\n\
                catalogue = { names = [], level = \"UNCLASSIFIED\", rel_to = [\"USA\"] }\n\
                default = { names = [], level = \"RESTRICTED\", rel_to = [\"USA\"] }\n";
    std::fs::write(&settings, format!("{before}\n{more}")).unwrap();
    let seouls = seoul.start().await;
    let washingtons = washington.start().await;

    let sample = |name: &str| {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples").join(name)).unwrap()
    };
    let officer = seoul.officer();
    for name in ["orbit/korea-2026-03.csv", "bad/truncated.3le", "orbit/korea-2026-03.csv"] {
        assert_eq!(officer.upload(name.split('/').nth(1).unwrap(), sample(name)).await.status, 201);
    }
    let mut live = officer.listen(None).await;
    let wanted = json!({"from": "2026-03-10T12:00:00Z", "hours": 24, "within_km": 900});
    let job = officer.post("/api/jobs/screen", &wanted).await;
    let ended =
        live.wait("job", |event| event["job"]["id"] == job["id"] && event["job"]["state"] != "running").await;
    assert_eq!(ended.data["job"]["state"], "done", "{ended:?}");
    let mut shared = Vec::new();
    for number in 0..20 {
        officer.report(&report(&format!("Kept {number}"), &[])).await;
        let mut item = report(&format!("Shared {number}"), &["USA"]);
        item["text"] = json!("words ".repeat(number * 40 + 1));
        shared.push(officer.report(&item).await);
    }
    for id in shared.iter().step_by(4) {
        officer.recall(id).await;
    }
    let settled = async {
        loop {
            let peer = officer.get("/api/peers").await["items"][0].clone();
            if peer["state"] == "up" && peer["queued"] == 0 {
                return;
            }
            live.wait("link", |_| true).await;
        }
    };
    tokio::time::timeout(PATIENCE, settled).await.expect("the link does not settle");
    let arrived = washington.officer().all("/api/findings").await;
    let screened = arrived.iter().filter(|f| text(f, "kind").starts_with("orbit.")).count();
    assert!(screened > 0, "no approach was found and shared");
    assert!(arrived.len() - screened >= 15);
    (seoul, seouls, washington, washingtons)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_flipped_bit_of_a_record_in_use_is_found() {
    let mut rng = Rng::announced("flips");
    let folder = tempfile::tempdir().unwrap();
    let (seoul, mut seouls, washington, mut washingtons) = day(folder.path()).await;
    // One was killed and has much in its write-ahead log; the other was stopped in order.
    seouls.kill();
    washingtons.stop();
    assert!(seoul.data.join("record/record.db-wal").metadata().unwrap().len() > 100_000);
    let verdict = verified(&seoul.data);
    assert!(verdict["blobs"].as_u64().unwrap() >= 2, "{verdict}");
    let verdict = verified(&washington.data);
    // What was recalled before it came has a place and no entry; how many of five those are is chance.
    assert!(verdict["purged"].as_u64().unwrap() >= 3, "{verdict}");
    for data in [&seoul.data, &washington.data] {
        for _ in 0..FLIPS {
            flip(data, &mut rng);
        }
        verified(data);
    }
}
