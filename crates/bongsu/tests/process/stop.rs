//! Told to stop, it stops: soon, in order, and with nothing left to do.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::client::{PATIENCE, report};
use crate::process::{Site, introduce, verified};

/// Takes connections and says nothing; tells of each.
async fn silent(address: &str) -> (String, tokio::sync::mpsc::Receiver<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, met) = tokio::sync::mpsc::channel(16);
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read_u8().await;
            held.push(stream);
            let _ = tell.send(()).await;
        }
    });
    (address, met)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_within_five_seconds_whatever_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut seoul = Site::new(folder.path(), "seoul", "KOR");
    let mut washington = Site::new(folder.path(), "washington", "USA");
    seoul.start().await.stop();
    washington.start().await.stop();
    introduce(&seoul, &washington);
    // A source of a feed and a peer that take a connection and then say nothing.
    let (address, mut fed) = silent("127.0.0.1:0").await;
    let (_, mut linked) = silent(&washington.link_listen).await;
    let feed =
        format!("title = \"Slow\"\nkind = \"catalogue\"\nurl = \"http://{address}/\"\nevery_minutes = 1\n");
    let settings = seoul.data.join("bongsu.toml");
    let before = std::fs::read_to_string(&settings).unwrap_or_default();
    std::fs::write(&settings, format!("{before}\n[[feeds.http]]\n{feed}")).unwrap();

    for signal in ["TERM", "INT"] {
        let mut serving = seoul.start().await;
        for met in [&mut fed, &mut linked] {
            tokio::time::timeout(PATIENCE, met.recv()).await.expect("nobody calls").unwrap();
        }
        let mut streams = Vec::new();
        for _ in 0..5 {
            streams.push(seoul.officer().listen(None).await);
        }
        let id = seoul.officer().report(&report("Last words", &["USA"])).await;
        for stream in &mut streams {
            stream.wait("entry", |event| event["id"] == id).await;
        }
        let log = std::fs::metadata(seoul.data.join("record/record.db-wal")).unwrap().len();
        assert!(log > 0, "there is nothing to put in order");
        let told = Instant::now();
        serving.signal(signal);
        let status = serving.ended(Duration::from_secs(5));
        assert_eq!(status.and_then(|s| s.code()), Some(0), "{signal}: {:?}", told.elapsed());
        for mut stream in streams {
            // The end of the stream, not a connection that broke off.
            let end = loop {
                if let Err(end) = stream.next(PATIENCE).await {
                    break end;
                }
            };
            assert_eq!(end, "the stream ended");
        }
        let log = std::fs::metadata(seoul.data.join("record/record.db-wal")).map_or(0, |m| m.len());
        assert_eq!(log, 0, "the write-ahead log is not empty");
        let verdict = verified(&seoul.data);
        assert_eq!(verdict["notes"], json!([]), "{verdict}");
    }
}
