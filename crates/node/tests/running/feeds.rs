//! What comes in: by folder, by address, by upload.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Live, PATIENCE, SEOUL, Side, text};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples")
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(samples().join(name)).unwrap()
}

/// What stands in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder).map_or_else(
        |_| Vec::new(),
        |entries| entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect(),
    );
    names.sort();
    names
}

async fn job_ended(live: &mut Live, title: &str) -> Value {
    let ended = |event: &Value| event["job"]["title"] == title && event["job"]["state"] != "running";
    live.wait("job", ended).await.data["job"].clone()
}

/// Right objects, and the lines of the faults, as samples/README.md says; no objects means refused.
type Expected = (&'static str, u64, &'static [Option<u64>]);
const BAD: &[Expected] = &[
    ("truncated.csv", 5, &[Some(7)]),
    ("truncated.3le", 2, &[Some(9)]),
    ("truncated.csv.zst", 0, &[]),
    ("bad-checksum.3le", 3, &[Some(5)]),
    ("changed-digit.3le", 3, &[Some(9)]),
    ("mismatched-lines.3le", 1, &[Some(3), Some(6)]),
    ("invalid-utf8.csv", 3, &[Some(4)]),
    ("bad-values.csv", 1, &[Some(3), Some(4), Some(5)]),
    ("missing-column.csv", 0, &[]),
    ("unknown-format.txt", 0, &[]),
    ("empty.csv", 0, &[]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_of_each_bad_sample_is_answered() {
    assert_eq!(names(&samples().join("bad")).len(), BAD.len(), "a sample is not tried here");
    let side = Side::started(SEOUL).await;
    let officer = side.officer();
    for (name, items, lines) in BAD {
        let size = side.log_size().await;
        let answer = officer.upload(name, sample(&format!("bad/{name}"))).await;
        if *items == 0 {
            assert_eq!(answer.status, 422, "{name}: {}", answer.text());
            let error = answer.json();
            assert_eq!(error["code"], "node::bad_input", "{name}");
            assert!(text(&error, "message").contains(name), "{error}");
            assert_eq!(side.log_size().await, size, "{name} was refused and recorded");
            continue;
        }
        assert_eq!(answer.status, 201, "{name}: {}", answer.text());
        let receipt = answer.json();
        let faults = receipt["faults"].as_array().unwrap();
        let found: Vec<Option<u64>> = faults.iter().map(|f| f["line"].as_u64()).collect();
        assert_eq!(found, *lines, "{name}: {faults:?}");
        for fault in faults {
            assert!(text(fault, "code").starts_with("orbit::"), "{fault}");
            assert_eq!(fault["source"], *name);
        }
        let feed = officer.get("/api/feeds").await["items"][0].clone();
        assert_eq!((&feed["entry"], &feed["items"]), (&receipt["entry"], &json!(items)), "{name}");
        assert_eq!(feed["faults"], json!(lines.len()), "{name}");
        assert_eq!(officer.get("/api/overview").await["objects"], json!(items), "{name}");
        let verdict =
            officer.post(&format!("/api/entries/{}/verify", text(&receipt, "entry")), &json!({})).await;
        assert_eq!(verdict["ok"], json!(true), "{verdict}");
    }
    // Not a kind of feed, and a name that is too long.
    let answer = officer.ask(hyper::Method::POST, "/api/feeds/mail", b"x".to_vec()).await.unwrap();
    assert_eq!(answer.status, 404);
    assert_eq!(officer.upload(&"x".repeat(300), sample("orbit/korea-2026-03.csv")).await.status, 400);
    side.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packed_input_is_unpacked_and_kept_as_it_came() {
    let side = Side::started(SEOUL).await;
    let plain = sample("orbit/korea-2026-03.csv");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(&plain).unwrap();
    let gz = gz.finish().unwrap();
    let zst = zstd::encode_all(&plain[..], 3).unwrap();
    for (name, bytes) in [("korea.csv", plain), ("korea.csv.gz", gz.clone()), ("korea.csv.zst", zst)] {
        let answer = side.officer().upload(name, bytes.clone()).await;
        assert_eq!(answer.status, 201, "{name}: {}", answer.text());
        let feed = side.officer().get("/api/feeds").await["items"][0].clone();
        assert_eq!((&feed["items"], &feed["faults"]), (&json!(23), &json!(0)), "{name}");
        assert_eq!(feed["bytes"], json!(bytes.len()), "{name}");
    }
    // Cut off, and with a byte changed: nothing is recorded.
    let size = side.log_size().await;
    let mut changed = gz.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 0x10;
    for bytes in [gz[..gz.len() / 2].to_vec(), changed] {
        let answer = side.officer().upload("broken.gz", bytes).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
    }
    // A small file that unpacks to more than is taken in.
    let mut bomb = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..257 {
        bomb.write_all(&[b'\n'; 1 << 20]).unwrap();
    }
    let answer = side.officer().upload("bomb.zst", bomb.finish().unwrap()).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert!(answer.text().contains("more than 268435456 bytes"), "{}", answer.text());
    assert_eq!(side.log_size().await, size);
    side.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_in_the_folder_is_read_and_put_aside() {
    let mut side = Side::new(SEOUL);
    let folder = side.data().join("feeds");
    std::fs::create_dir(&folder).unwrap();
    // One lies there already, some come while the node runs; those that are still written to are left alone.
    std::fs::write(folder.join("early.csv"), sample("orbit/korea-2026-03.csv")).unwrap();
    side.start().await;
    let mut live = side.officer().listen(None).await;
    if names(&folder.join("done")).is_empty() {
        assert_eq!(job_ended(&mut live, "early.csv").await["state"], "done");
    }
    for (name, bytes) in [
        ("later.3le", sample("orbit/korea-2025-04-15.3le")),
        ("faulty.csv", sample("bad/truncated.csv")),
        ("nothing.txt", sample("bad/unknown-format.txt")),
        ("empty.csv", Vec::new()),
        (".hidden.csv", sample("orbit/korea-2026-03.csv")),
        ("coming.csv.part", sample("orbit/korea-2026-03.csv")),
    ] {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let mut states = std::collections::BTreeMap::new();
    while states.len() < 4 {
        let job = live.wait("job", |event| event["job"]["state"] != "running").await.data["job"].clone();
        states.insert(text(&job, "title").to_owned(), text(&job, "state").to_owned());
    }
    let expected =
        [("empty.csv", "failed"), ("faulty.csv", "done"), ("later.3le", "done"), ("nothing.txt", "failed")];
    assert_eq!(states, expected.map(|(name, state)| (name.to_owned(), state.to_owned())).into());

    // A job's end is told before its file has moved, but files are taken one after the other.
    std::fs::write(folder.join("zz-last.csv"), sample("orbit/korea-2026-03.csv")).unwrap();
    job_ended(&mut live, "zz-last.csv").await;
    let ends = |list: Vec<String>| -> Vec<String> {
        let mut ends: Vec<String> =
            list.iter().map(|name| name.split_once('-').unwrap().1.to_owned()).collect();
        ends.retain(|name| name != "zz-last.csv");
        ends.sort();
        ends
    };
    assert_eq!(ends(names(&folder.join("done"))), ["early.csv", "faulty.csv", "later.3le"]);
    assert_eq!(
        ends(names(&folder.join("refused"))),
        ["empty.csv", "empty.csv.why", "nothing.txt", "nothing.txt.why"]
    );
    let why = names(&folder.join("refused")).into_iter().find(|n| n.ends_with("nothing.txt.why")).unwrap();
    let why = std::fs::read_to_string(folder.join("refused").join(why)).unwrap();
    assert!(why.contains("nothing.txt") && why.contains("nothing could be read"), "{why}");
    assert_eq!(names(&folder).iter().filter(|n| n.contains("hidden") || n.contains("part")).count(), 2);
    let feeds: Vec<String> =
        side.officer().all("/api/feeds").await.iter().map(|f| text(f, "title").to_owned()).collect();
    assert_eq!(feeds.iter().filter(|f| *f == "early.csv").count(), 1, "{feeds:?}");
    assert_eq!(feeds.len(), 4, "{feeds:?}");
    side.verify().await;
}

/// Answers each request with the next of `answers`, the last again and again.
async fn serve(answers: Vec<(&'static str, Vec<u8>)>) -> (String, tokio::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/catalogue.csv", listener.local_addr().unwrap());
    let (tell, asked) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        let mut answers = answers.into_iter().peekable();
        let mut current = None;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            current = answers.next().or(current);
            let (status, body) = current.clone().unwrap();
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.write_all(&body).await;
            let _ = stream.shutdown().await;
            let _ = tell.send(String::from_utf8_lossy(&head).into_owned()).await;
        }
    });
    (url, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_fetched() {
    let catalogue = sample("orbit/korea-2026-03.csv");
    let (url, mut asked) = serve(vec![("200 OK", catalogue.clone())]).await;
    let (broken, mut broken_asked) = serve(vec![("500 Broken", b"no".to_vec())]).await;
    let feed = |title: &str, url: &str| {
        format!(
            "[[feeds.http]]\ntitle = \"{title}\"\nkind = \"catalogue\"\nurl = \"{url}\"\nevery_minutes = 1\n"
        )
    };
    let settings = format!("{SEOUL}{}{}", feed("By address", &url), feed("Broken", &broken));
    let mut side = Side::started(&settings).await;
    let head = tokio::time::timeout(PATIENCE, asked.recv()).await.unwrap().unwrap();
    assert!(head.starts_with("GET /catalogue.csv HTTP/1.1\r\n"), "{head}");
    tokio::time::timeout(PATIENCE, broken_asked.recv()).await.unwrap().unwrap();
    let mut live = side.officer().listen(Some(0)).await;
    live.wait("entry", |event| event["title"] == "By address").await;
    let feeds = side.officer().all("/api/feeds").await;
    assert_eq!(feeds.len(), 1, "{feeds:?}");
    assert_eq!((&feeds[0]["title"], &feeds[0]["items"]), (&json!("By address"), &json!(23)));
    assert_eq!(feeds[0]["bytes"], json!(catalogue.len()));

    // The same bytes once more, after a restart: nothing new. What the folder brings meanwhile takes longer.
    side.restart().await;
    let mut live = side.officer().listen(None).await;
    tokio::time::timeout(PATIENCE, asked.recv()).await.unwrap().unwrap();
    std::fs::write(side.data().join("feeds/later.3le"), sample("orbit/korea-2025-04-15.3le")).unwrap();
    assert_eq!(job_ended(&mut live, "later.3le").await["state"], "done");
    let feeds: Vec<String> =
        side.officer().all("/api/feeds").await.iter().map(|f| text(f, "title").to_owned()).collect();
    assert_eq!(feeds, ["later.3le", "By address"]);
    side.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_the_record_cannot_take_stays() {
    let mut side = Side::new(&format!("{SEOUL}max_record_bytes = 200000\n"));
    side.start().await;
    loop {
        let mut report = crate::support::report("Fills the record", &[]);
        report["text"] = json!("x".repeat(10_000));
        if side.officer().try_post("/api/reports", &report).await.unwrap().status == 507 {
            break;
        }
    }
    // Nor does anything small fit behind it.
    let mut small = 0;
    while side.officer().upload("x", sample("orbit/korea-2026-03.csv")).await.status == 201 {
        small += 1;
        assert!(small < 100, "the record does not fill");
    }
    let file = side.data().join("feeds/alarm.csv");
    let mut live = side.officer().listen(None).await;
    std::fs::write(&file, sample("orbit/korea-2026-03.csv")).unwrap();
    let job = job_ended(&mut live, "alarm.csv").await;
    assert_eq!(job["state"], "failed");
    assert!(text(&job, "message").contains("no space left"), "{job}");
    assert!(file.exists(), "a good file was put aside because the disk is full");
    assert_eq!(names(&side.data().join("feeds/refused")), Vec::<String>::new());
    // With space it is taken.
    side.stop().await;
    std::fs::write(side.data().join("bongsu.toml"), SEOUL).unwrap();
    side.start().await;
    let mut live = side.officer().listen(None).await;
    assert_eq!(job_ended(&mut live, "alarm.csv").await["state"], "done");
    side.verify().await;
}
