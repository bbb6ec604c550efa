//! `kill -9` while TAXII clients add objects: what was answered is there, and no status says more than is true.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::{Rng, Site, run, verified};

const ROUNDS: u64 = 14;
const WRITERS: u64 = 3;
/// Objects of one request.
const OBJECTS: u64 = 40;
const COLLECTION: &str = "5f3c0d4e-7a49-4d1c-8a51-3f6d6c1f2a10";
const TYPE: &str = "application/taxii+json;version=2.1";
/// Basic: admin:Password0
const ADMIN: &str = "Basic YWRtaW46UGFzc3dvcmQw";

async fn ask(client: &Client, method: Method, path: &str, body: Vec<u8>) -> Result<Answer, String> {
    let headers = [("authorization", ADMIN), ("accept", TYPE), ("content-type", TYPE)];
    client.raw(method, &format!("/taxii2/default/{path}"), &headers, body).await
}

fn envelope(round: u64, writer: u64, number: u64) -> Vec<u8> {
    let object = |place: u64| {
        json!({
            "type": "indicator", "spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z",
            "id": format!("indicator--{round:08}-{writer:04}-4000-8000-{:012}", number * OBJECTS + place),
            "modified": "2026-01-01T00:00:00.000Z", "pattern": "[url:value = 'http://example.com/']",
            "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z",
        })
    };
    json!({ "objects": (0..OBJECTS).map(object).collect::<Vec<Value>>() }).to_string().into_bytes()
}

/// Writers who add until the node is gone; each status that they were given goes into `given`.
fn write(
    client: &Client,
    round: u64,
    given: &Arc<Mutex<Vec<Value>>>,
    stop: &Arc<AtomicBool>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let writer = |writer: u64| {
        let (client, given, stop) = (client.clone(), Arc::clone(given), Arc::clone(stop));
        tokio::spawn(async move {
            for number in 0.. {
                let path = format!("collections/{COLLECTION}/objects/");
                match ask(&client, Method::POST, &path, envelope(round, writer, number)).await {
                    Ok(answer) if answer.status == 202 => given.lock().unwrap().push(answer.json()),
                    Ok(answer) => panic!("{}: {}", answer.status, answer.text()),
                    Err(_) if stop.load(Ordering::SeqCst) => return,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        })
    };
    (0..WRITERS).map(writer).collect()
}

/// Every id and version that the collection has.
async fn listed(client: &Client) -> std::collections::BTreeSet<(String, String)> {
    let (mut all, mut next) = (std::collections::BTreeSet::new(), String::new());
    loop {
        let path = format!("collections/{COLLECTION}/manifest/?limit=1000{next}");
        let page = ask(client, Method::GET, &path, Vec::new()).await.unwrap();
        assert_eq!(page.status, 200, "{}", page.text());
        let page = page.json();
        for one in page["objects"].as_array().into_iter().flatten() {
            let text = |field: &str| one[field].as_str().unwrap().to_owned();
            assert!(all.insert((text("id"), text("version"))), "{one} is there twice");
        }
        match page["next"].as_str() {
            Some(cursor) => next = format!("&next={cursor}"),
            None => return all,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "how much was tried belongs to the test")]
async fn killed_while_objects_come_in_no_status_says_more_than_is_there() {
    let mut rng = Rng::announced("taxii kill");
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::new(folder.path(), "seoul", "KOR");
    let data = site.data.to_str().unwrap().to_owned();
    let password = folder.path().join("password");
    std::fs::write(&password, "Password0\n").unwrap();
    // Before the first start: all of it waits for the record.
    for args in [
        &["account", "add", "admin", "--password-file", password.to_str().unwrap()][..],
        &["collection", "add", "Everything", "--read", "admin", "--write", "admin", "--id", COLLECTION],
    ] {
        let (code, out, err) = run(&[&["taxii"], args, &["--data", &data]].concat());
        assert_eq!(code, Some(0), "{out}{err}");
    }
    // Ports that stay.
    site.start().await.stop();
    let client = Client::stranger(&format!("http://{}", site.listen));
    let given = Arc::new(Mutex::new(Vec::new()));
    for round in 0..ROUNDS {
        let before = given.lock().unwrap().len();
        let mut serving = site.spawn();
        let stop = Arc::new(AtomicBool::new(false));
        if let Err(why) = serving.started().await {
            panic!("it does not start after a kill: {why}");
        }
        let writers = write(&client, round, &given, &stop);
        // In the midst of the writing on a machine of any speed: after answers, not after a time.
        let enough = before + usize::try_from(rng.below(6)).unwrap() + 1;
        let deadline = Instant::now() + Duration::from_secs(60);
        while given.lock().unwrap().len() < enough {
            assert!(Instant::now() < deadline, "round {round}: the writers are not answered");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(rng.below(40_000))).await;
        serving.kill();
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.unwrap();
        }
        verified(&site.data);
        let mut serving = site.spawn();
        serving.started().await.unwrap();
        let there = listed(&client).await;
        let statuses = given.lock().unwrap().clone();
        // An envelope is there whole or not at all, answered or not.
        assert_eq!(there.len() as u64 % OBJECTS, 0, "round {round}");
        for status in &statuses {
            let path = format!("status/{}/", status["id"].as_str().unwrap());
            let asked = ask(&client, Method::GET, &path, Vec::new()).await.unwrap();
            assert_eq!((asked.status, &asked.json()), (200, status));
            assert_eq!((&status["status"], &status["success_count"]), (&json!("complete"), &json!(OBJECTS)));
            for one in status["successes"].as_array().unwrap() {
                let text = |field: &str| one[field].as_str().unwrap().to_owned();
                assert!(there.contains(&(text("id"), text("version"))), "round {round}: {one} is lost");
            }
        }
        serving.kill();
    }
    let count = given.lock().unwrap().len();
    eprintln!("{count} envelopes of {OBJECTS} acknowledged in {ROUNDS} rounds");
    verified(&site.data);
}
