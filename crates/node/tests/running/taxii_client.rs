//! The TAXII client: against another node, against OASIS' reference server, and against servers that do everything
//! wrong.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use node::{TaxiiAccess, TaxiiFetch, TaxiiFetched, TaxiiTrouble};
use serde_json::{Value, json};

use crate::support::{Client, PATIENCE, SEOUL, Side, WASHINGTON, taxii_accounts};

const TYPE: &str = "application/taxii+json;version=2.1";
const FEED: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
const INBOX: &str = "472c94ae-3113-4e3e-a4dd-a9f4ac7471d4";
const MIRROR: &str = "365fed99-08fa-4dcd-a1b3-fb247eb41d01";
const OUTBOX: &str = "52892447-4d7e-4f70-b94d-d7f22742ff63";
const CLOSED: &str = "64993447-4d7e-4f70-b94d-d7f33742ee63";

fn collection(id: &str, marking: &str) -> String {
    format!(
        "[[taxii.roots.collections]]\nid = \"{id}\"\ntitle = \"{id}\"\nread = [\"*\"]\nwrite = [\"*\"]\n{marking}\n"
    )
}

fn server(country: &str, collections: &[String]) -> String {
    format!(
        "{country}[taxii]\ntitle = \"A server\"\n[[taxii.roots]]\npath = \"cert\"\ntitle = \"CERT\"\n{}",
        collections.concat()
    )
}

const TO_USA: &str = "marking = { names = [], level = \"RESTRICTED\", rel_to = [\"USA\"] }";

/// Accounts at the side's own server, and files that only their owner reads.
fn secrets(side: &Side) {
    taxii_accounts(side);
    let put = |name: &str, text: &str| {
        let path = side.data().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    put("password", "Password0\n");
}

struct Caller(Client, String);

impl Caller {
    fn new(side: &Side, name: &str) -> Self {
        Self(Client::stranger(&side.url()), format!("Basic {}", STANDARD.encode(format!("{name}:Password0"))))
    }

    async fn objects(&self, collection: &str) -> String {
        let headers = [("authorization", self.1.as_str()), ("accept", TYPE)];
        let path = format!("/cert/collections/{collection}/objects/?match[version]=all&limit=1000");
        self.0.raw(Method::GET, &path, &headers, Vec::new()).await.unwrap().text().to_owned()
    }

    async fn post(&self, collection: &str, objects: &str) {
        let headers = [("authorization", self.1.as_str()), ("accept", TYPE), ("content-type", TYPE)];
        let path = format!("/cert/collections/{collection}/objects/");
        let body = format!("{{\"objects\":[{objects}]}}").into_bytes();
        let answer = self.0.raw(Method::POST, &path, &headers, body).await.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
}

/// An object with spellings that a program which writes JSON anew would change.
fn object(number: u32, name: &str) -> String {
    format!(
        "{{\"x_first\": 1.50, \"type\":\"indicator\",  \"spec_version\":\"2.1\",\"id\":\"indicator--00000000-0000-4000-8000-{number:012}\",\
         \"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"name\":\"{name}\",\
         \"pattern_type\":\"stix\",\"pattern\":\"[url:value = 'http://example.com/']\",\"valid_from\":\"2026-01-01T00:00:00Z\"}}"
    )
}

/// Waits until it stands so with the only server of the settings.
async fn until(side: &Side, fits: impl Fn(&Value) -> bool) -> Value {
    let mut seen = Value::Null;
    let search = async {
        loop {
            seen = side.officer().get("/api/taxii/peers").await["items"][0].clone();
            if fits(&seen) {
                return seen.clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, search).await {
        Ok(found) => found,
        Err(_) => panic!("it does not come to stand so: {seen}"),
    }
}

fn peer(name: &str, url: &str, rest: &str) -> String {
    format!(
        "[[taxii_peers]]\nname = \"{name}\"\nurl = \"{url}\"\nuser = \"admin\"\npassword_file = \"password\"\n\
         every_seconds = 1\n{rest}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_pulls_from_and_pushes_to_another() {
    let mut washington = Side::new(&server(WASHINGTON, &[collection(FEED, ""), collection(INBOX, "")]));
    secrets(&washington);
    washington.start().await;
    let theirs = Caller::new(&washington, "admin");
    let many: Vec<String> = (0..250).map(|n| object(n, &format!("number {n}"))).collect();
    theirs.post(FEED, &many.join(",")).await;

    let push = |from: &str| {
        format!(
            "[[taxii_peers.push]]\nfrom = \"{from}\"\ncollection = \"{INBOX}\"\ncountry = \"USA\"\nclearance = \"RESTRICTED\"\nbatch_objects = 2\n"
        )
    };
    let peers = peer(
        "washington",
        &format!("{}/taxii2", washington.url()),
        &format!(
            "[[taxii_peers.pull]]\ncollection = \"{FEED}\"\ninto = \"{MIRROR}\"\npage_objects = 60\n{}{}",
            push(OUTBOX),
            push(CLOSED)
        ),
    );
    let own = [collection(MIRROR, ""), collection(OUTBOX, TO_USA), collection(CLOSED, "")];
    let mut seoul = Side::new(&format!("{}{peers}", server(SEOUL, &own)));
    secrets(&seoul);
    seoul.start().await;
    let ours = Caller::new(&seoul, "admin");
    until(&seoul, |p| p["pulled"] == 250 && p["state"] == "ok").await;
    assert_eq!(ours.objects(MIRROR).await, theirs.objects(FEED).await, "byte for byte");
    assert_eq!(Caller::new(&seoul, "usa").objects(MIRROR).await, "{}", "nobody but the own clients");

    // Nothing new writes nothing, also after a start; and after the state was lost what is there is dropped.
    let before = until(&seoul, |p| p["state"] == "ok" && p["places"][0]["under_way"] == false).await;
    let size = seoul.log_size().await;
    until(&seoul, |p| p["last_success"] != before["last_success"]).await;
    assert_eq!(seoul.log_size().await, size);
    seoul.stop().await;
    for file in ["peers.db", "peers.db-wal", "peers.db-shm"] {
        let _ = std::fs::remove_file(seoul.data().join("taxii").join(file));
    }
    seoul.start().await;
    let again = until(&seoul, |p| p["repeats"].as_u64() >= Some(250) && p["state"] == "ok").await;
    assert_eq!(again["pulled"], json!(0), "{again}");

    // Another content of one version is kept beside the first and shown.
    let ours = Caller::new(&seoul, "admin");
    ours.post(MIRROR, &object(900, "as Seoul has it")).await;
    theirs.post(FEED, &object(900, "as Washington has it")).await;
    let shown = until(&seoul, |p| p["conflicts"] == 1).await;
    assert_eq!(shown["faults"][0]["code"], "taxii::conflict");

    // What may go goes, once, byte for byte; what has no marking for them does not.
    let out = [object(1, "one"), object(2, "two"), object(3, "three")];
    ours.post(CLOSED, &object(4, "ours")).await;
    ours.post(OUTBOX, &out.join(",")).await;
    until(&seoul, |p| p["pushed"]["done"] == 3).await;
    seoul.restart().await;
    let ours = Caller::new(&seoul, "admin");
    ours.post(OUTBOX, &object(5, "five")).await;
    let pushed = until(&seoul, |p| p["pushed"]["done"] == 4 && p["state"] == "ok").await;
    assert_eq!((&pushed["pushed"]["pending"], &pushed["pushed"]["failed"]), (&json!(0), &json!(0)));
    let inbox = theirs.objects(INBOX).await;
    assert_eq!(inbox, format!("{{\"more\":false,\"objects\":[{},{}]}}", out.join(","), object(5, "five")));
    seoul.verify().await;

    // A wrong password is not tried again at once, and what to do is said.
    std::fs::write(seoul.data().join("password"), "wrong").unwrap();
    seoul.restart().await;
    let failing = until(&seoul, |p| p["state"] == "failing").await;
    assert_eq!(failing["last_error"]["code"], "taxii::credentials_refused");
    let next: base::Timestamp = failing["next_try"].as_str().unwrap().parse().unwrap();
    let at: base::Timestamp = failing["last_error"]["at"].as_str().unwrap().parse().unwrap();
    assert!(next.unix_nanos() - at.unix_nanos() >= 3_600_000_000_000);
    let stopped = seoul.config().unwrap();
    seoul.stop().await;
    assert_eq!(node::taxii_peers(&stopped).unwrap()[0].state, "failing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_mean_nothing_are_refused() {
    let own = [collection(MIRROR, ""), collection(OUTBOX, TO_USA)];
    let base = server(SEOUL, &own);
    let pull = format!("[[taxii_peers.pull]]\ncollection = \"*\"\ninto = \"{MIRROR}\"\n");
    let push = format!(
        "[[taxii_peers.push]]\nfrom = \"{MIRROR}\"\ncollection = \"x\"\ncountry = \"USA\"\nclearance = \"SECRET\"\n"
    );
    let with = |peers: &str| Side::new(&format!("{base}{peers}")).config().map(|config| config.taxii_peers);
    let refused = |peers: &str, word: &str| {
        let error = with(peers).unwrap_err().to_string();
        assert!(error.contains(word), "{peers}: {error}");
    };
    refused(&peer("a", "http://taxii.example/", &pull), "plain_http");
    refused(&peer("a", "ftp://taxii.example/", &pull), "https");
    refused(&peer("a", "https://u:p@taxii.example/", &pull), "password");
    refused(&peer("a", "https://taxii.example/", ""), "nothing is pulled");
    refused(&peer("a", "https://taxii.example/", &format!("{pull}{push}")), "circle");
    refused(&peer("a", "https://taxii.example/", &format!("token_file = \"t\"\n{pull}")), "either");
    let twice = peer("a", "https://taxii.example/", &pull).repeat(2);
    refused(&twice, "twice");
    // Collections may be set up by commands, so that only the start knows all.
    let into = "[[taxii_peers.pull]]\ncollection = \"*\"\ninto = \"x\"\n";
    let mut side = Side::new(&format!("{base}{}", peer("a", "https://taxii.example/", into)));
    let error = side.try_start().await.unwrap_err().to_string();
    assert!(error.contains("`x`") && error.contains("collection add"), "{error}");
}

/// A server of the test: the first part of the path says what it does wrong.
#[derive(Default)]
struct Hostile {
    /// Requests by what goes wrong.
    asked: Mutex<BTreeMap<String, Vec<String>>>,
}

impl Hostile {
    async fn start() -> (Arc<Self>, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let hostile = Arc::new(Self::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&hostile));
        let server = hyper_util::service::TowerToHyperService::new(router);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = server.clone();
                tokio::spawn(async move {
                    let io = hyper_util::rt::TokioIo::new(stream);
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, server).await;
                });
            }
        });
        (hostile, url)
    }

    fn count(&self, wrong: &str) -> usize {
        self.asked.lock().unwrap().get(wrong).map_or(0, Vec::len)
    }
}

fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::builder().status(status);
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        response = response.header("content-type", TYPE);
    }
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

const LAST: (&str, &str) = ("x-taxii-date-added-last", "2026-01-01T00:00:05.000000Z");

fn page(range: std::ops::Range<u32>, rest: &str) -> String {
    let objects: Vec<String> = range.map(|n| object(n, "x")).collect();
    format!("{{{rest}\"objects\":[{}]}}", objects.join(","))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

async fn answer(State(hostile): State<Arc<Hostile>>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (wrong, rest) = path.split_once('/').unwrap_or((&path, ""));
    let time = {
        let mut asked = hostile.asked.lock().unwrap();
        let of = asked.entry(wrong.to_owned()).or_default();
        of.push(format!("{rest}?{query}"));
        of.len()
    };
    let objects = rest.ends_with("objects/");
    match (wrong, rest) {
        ("refused", _) => return reply(401, &[], r#"{"title":"no","description":"not you"}"#),
        ("other-version", _) => return reply(406, &[], "{}"),
        ("page-of-html", _) => return reply(200, &[("content-type", "text/html")], "<html>"),
        ("away", _) => return reply(302, &[("location", "http://127.0.0.2:9/taxii2/")], ""),
        ("round", _) => return reply(302, &[("location", &format!("/{path}"))], ""),
        ("moved", "") => return reply(301, &[("location", "/moved/here/")], ""),
        ("root-elsewhere", "") => {
            return reply(200, &[], r#"{"title":"x","api_roots":["https://other.example/a/"]}"#);
        }
        ("no-taxii", _) => return reply(200, &[], r#"{"hello":[[["#),
        _ => {}
    }
    if !objects {
        let body = if rest.ends_with("collections/") {
            r#"{"collections":[{"id":"../c d","title":"C","can_read":true}]}"#
        } else {
            r#"{"title":"x","versions":["application/taxii+json;version=2.1"],"max_content_length":1000}"#
        };
        return reply(200, &[], body);
    }
    let first = !query.contains("next=") && !query.contains("added_after=");
    match wrong {
        "busy" if time < 5 => reply(429, &[("retry-after", "1")], ""),
        "late" if time < 5 => reply(503, &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], ""),
        "broken" if time < 5 => reply(500, &[("content-type", "text/plain")], "oops"),
        // A body that ends too early: the connection is cut.
        "cut" if time < 5 => reply(200, &[("content-length", "100000")], "{\"objects\":["),
        "same-next" => reply(200, &[], page(0..3, r#""more":true,"next":"a","#)),
        "no-next" if first => reply(200, &[LAST], page(0..3, r#""more":true,"#)),
        "no-next" => reply(200, &[LAST], page(2..5, "")),
        "bomb" => reply(200, &[("content-encoding", "gzip")], gzip(&vec![b' '; 50 << 20])),
        "packed" => reply(200, &[("content-encoding", "gzip")], gzip(page(0..5, "").as_bytes())),
        // Pages that are too large unless fewer objects are asked for.
        "large" if !query.contains("limit=1&") => reply(200, &[], vec![b' '; 200_000]),
        "large" if first => reply(200, &[], page(0..1, r#""more":true,"next":"b","#)),
        "large" => reply(200, &[], page(1..2, "")),
        "huge" => reply(200, &[], vec![b' '; 200_000]),
        "deep" => {
            let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
            let id = "indicator--00000000-0000-4000-8000-000000000077";
            let body = format!(
                r#"{{"objects":[{{"type":"indicator","id":"{id}","x":{deep}}},{}]}}"#,
                object(1, "x")
            );
            reply(200, &[], body)
        }
        "deep-page" => reply(200, &[], format!("{{\"objects\":{}", "[".repeat(90_000))),
        "forgets" if query.contains("next=") => reply(400, &[], r#"{"title":"next has run out"}"#),
        "forgets" if first => reply(200, &[LAST], page(0..3, r#""more":true,"next":"a","#)),
        "forgets" => reply(200, &[LAST], page(2..5, "")),
        _ => reply(200, &[], page(0..5, "")),
    }
    .into_response()
}

type Given = (Vec<Vec<u8>>, Vec<&'static str>, Result<Vec<TaxiiFetched>, TaxiiTrouble>);

async fn fetch(url: String) -> Given {
    tokio::task::spawn_blocking(move || {
        let access = TaxiiAccess { url, max_page_bytes: 100_000, ..TaxiiAccess::default() };
        let what = TaxiiFetch {
            collection: None,
            added_after: None,
            matching: BTreeMap::new(),
            page_objects: 100,
            most_objects: u64::MAX,
            tries: 5,
            most_wait_seconds: 0,
        };
        let (mut objects, mut faults) = (Vec::new(), Vec::new());
        let fetched = node::taxii_fetch(&access, &what, &mut |given| {
            match given {
                Ok(bytes) => objects.push(bytes.to_vec()),
                Err(trouble) => faults.push(trouble.code),
            }
            Ok(())
        });
        (objects, faults, fetched.unwrap())
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_do_it_wrong_are_survived_or_named() {
    let (hostile, url) = Hostile::start().await;
    // What is got over, with all objects and each once.
    for (wrong, faults) in [
        ("right", &[][..]),
        ("busy", &[]),
        ("late", &[]),
        ("broken", &[]),
        ("cut", &[]),
        ("moved", &[]),
        ("no-next", &[]),
        ("packed", &[]),
        ("forgets", &["taxii::next_refused", "taxii::next_refused"]),
    ] {
        let (objects, found, ended) = fetch(format!("{url}/{wrong}/")).await;
        ended.unwrap_or_else(|e| panic!("{wrong}: {e}"));
        let expected: Vec<Vec<u8>> = (0..5).map(|n| object(n, "x").into_bytes()).collect();
        assert_eq!(objects, expected, "{wrong}");
        assert_eq!(found, faults, "{wrong}");
    }
    assert!(
        hostile.asked.lock().unwrap()["right"]
            .iter()
            .any(|asked| asked.contains("collections/..%2Fc%20d/objects/"))
    );
    let (objects, _, ended) = fetch(format!("{url}/large/")).await;
    assert!(ended.is_ok() && objects.len() == 2, "{ended:?}");
    let (objects, faults, ended) = fetch(format!("{url}/deep/")).await;
    assert!(ended.is_ok() && objects.len() == 2 && faults == ["taxii::bad_object"], "{faults:?}");
    // What is not, and how often it was asked at the most.
    for (wrong, code, most) in [
        ("refused", "taxii::credentials_refused", 1),
        ("other-version", "taxii::media_type_refused", 1),
        ("page-of-html", "taxii::media_type", 1),
        ("away", "taxii::redirect", 1),
        ("round", "taxii::redirect", 6),
        ("root-elsewhere", "taxii::other_host", 1),
        ("no-taxii", "taxii::no_document", 1),
        ("same-next", "taxii::same_page", 10),
        ("bomb", "taxii::too_large", 12),
        ("huge", "taxii::too_large", 12),
        ("deep-page", "taxii::bad_page", 3),
    ] {
        let (_, _, ended) = fetch(format!("{url}/{wrong}/")).await;
        let trouble = ended.expect_err(wrong);
        assert_eq!(trouble.code, code, "{wrong}: {trouble}");
        assert!(!trouble.hint.is_empty() && trouble.message.contains(&url), "{wrong}: {trouble}");
        assert!(hostile.count(wrong) <= most, "{wrong}: {:?}", hostile.count(wrong));
    }
    let (_, _, ended) = fetch("http://127.0.0.1:9/".to_owned()).await;
    assert_eq!(ended.unwrap_err().code, "taxii::unreachable");
}

/// OASIS' reference server, in a virtual environment that is made once.
struct Medallion {
    child: Child,
    url: String,
}

impl Drop for Medallion {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tell(line: &str) {
    // Past the harness, which shows nothing of tests that pass.
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("it failed").to_owned())
}

/// The program, installed by pip when it is not there; why not otherwise.
fn medallion() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("medallion-3.0.0");
    let program = folder.join("bin/medallion");
    if program.exists() {
        return Ok(program);
    }
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    run(Command::new(python).args(["-m", "venv"]).arg(&folder))
        .map_err(|e| format!("no virtual environment: {e}"))?;
    let pip =
        ["-m", "pip", "install", "-q", "--disable-pip-version-check", "medallion==3.0.0", "setuptools<81"];
    run(Command::new(folder.join("bin/python")).args(pip))
        .map_err(|e| format!("pip does not install it: {e}"))?;
    Ok(program)
}

impl Medallion {
    async fn start(folder: &Path) -> Result<Self, String> {
        let program = medallion()?;
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}");
        let data = include_str!("../data/taxii/default_data.json").replace("http://localhost:5000", &url);
        std::fs::write(folder.join("data.json"), data).unwrap();
        let config = json!({
            "backend": {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend",
                        "filename": folder.join("data.json")},
            "users": {"admin": "Password0"}, "taxii": {"max_page_size": 3},
        });
        std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
        let child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .arg(folder.join("config.json"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| e.to_string())?;
        let server = Self { child, url };
        for _ in 0..600 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("it was started and does not listen".to_owned())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_server_is_pulled_from_and_pushed_to() {
    let folder = tempfile::tempdir().unwrap();
    let medallion = match Medallion::start(folder.path()).await {
        Ok(medallion) => medallion,
        Err(why) => {
            tell(&format!(
                "medallion: SKIPPED, the client was not tried against the reference server: {why}"
            ));
            return;
        }
    };
    let rest = format!(
        "[[taxii_peers.pull]]\ncollection = \"High Value Indicator Collection\"\ninto = \"{MIRROR}\"\n\
         [[taxii_peers.push]]\nfrom = \"{OUTBOX}\"\ncollection = \"365fed99-08fa-fdcd-a1b3-fb247eb41d01\"\n\
         country = \"USA\"\nclearance = \"RESTRICTED\"\n"
    );
    let peers = peer("medallion", &format!("{}/taxii2/", medallion.url), &rest);
    let own = [collection(MIRROR, ""), collection(OUTBOX, TO_USA)];
    let mut seoul = Side::new(&format!("{}{peers}", server(SEOUL, &own)));
    secrets(&seoul);
    seoul.start().await;
    // Eight versions of five objects, by pages of three.
    let pulled = until(&seoul, |p| p["state"] == "ok" && p["pulled"].as_u64() >= Some(7)).await;
    let count = pulled["pulled"].as_u64().unwrap();
    let ours = Caller::new(&seoul, "admin");
    let held: Value = serde_json::from_str(&ours.objects(MIRROR).await).unwrap();
    let file: Value = serde_json::from_str(include_str!("../data/taxii/default_data.json")).unwrap();
    let collections = file["trustgroup1"]["collections"].as_array().unwrap();
    let theirs = collections.iter().find(|c| c["id"] == FEED).unwrap()["objects"].as_array().unwrap();
    for object in held["objects"].as_array().unwrap() {
        assert!(theirs.contains(object), "{object}");
    }
    let out: Vec<String> = (0..7).map(|n| object(n, &format!("number {n}"))).collect();
    ours.post(OUTBOX, &out.join(",")).await;
    until(&seoul, |p| p["pushed"]["done"] == 7 && p["state"] == "ok").await;
    seoul.restart().await;
    let after = until(&seoul, |p| p["state"] == "ok" && p["pushed"]["done"] == 7).await;
    assert_eq!(after["pulled"].as_u64(), Some(count), "nothing is doubled");
    let access = TaxiiAccess {
        url: format!("{}/trustgroup1/", medallion.url),
        basic: Some(("admin".to_owned(), "Password0".to_owned())),
        max_page_bytes: 1 << 20,
        ..TaxiiAccess::default()
    };
    let there = tokio::task::spawn_blocking(move || {
        let what = TaxiiFetch {
            collection: Some("365fed99-08fa-fdcd-a1b3-fb247eb41d01".to_owned()),
            added_after: None,
            matching: BTreeMap::new(),
            page_objects: 2,
            most_objects: u64::MAX,
            tries: 2,
            most_wait_seconds: 1,
        };
        let mut objects: Vec<Value> = Vec::new();
        node::taxii_fetch(&access, &what, &mut |given| {
            objects.extend(given.ok().map(|bytes| serde_json::from_slice::<Value>(bytes).unwrap()));
            Ok(())
        })
        .unwrap()
        .unwrap();
        objects
    })
    .await
    .unwrap();
    for object in &out {
        let sent: Value = serde_json::from_str(object).unwrap();
        assert_eq!(there.iter().filter(|one| **one == sent).count(), 1, "{sent}");
    }
    tell(&format!("medallion: ran, {count} versions pulled and 7 objects pushed"));
}
