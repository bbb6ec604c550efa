//! OASIS' TAXII 2.1 Interoperability Test Document, version 1.0: every row of its checklist, asked of a real node.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Empty};
use hyper::Method;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};

use crate::support::{Answer, Client, SEOUL, Side, wire};

const TYPE: &str = "application/taxii+json;version=2.1";
const ROOT: &str = "/trustgroup1/";
const MAIN: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
const BOTH: &str = "365fed99-08fa-fdcd-a1b3-fb247eb41d01";
const WRITE_ONLY: &str = "472c94ae-3113-4e3e-a4dd-a9f4ac7471d4";
const READ_ONLY: &str = "52892447-4d7e-4f70-b94d-d7f22742ff63";
const NEITHER: &str = "64993447-4d7e-4f70-b94d-d7f33742ee63";
const MALWARE: &str = "malware--c0931cc6-c75e-47e5-9036-78fabc95d4ec";
const INDICATOR: &str = "indicator--6770298f-0fd8-471a-ab8c-1c658a46574e";

/// A row of the checklist.
#[derive(Debug, serde::Deserialize)]
struct Row {
    req_id: String,
    section: String,
    test_case: String,
    verification: String,
}

#[derive(serde::Deserialize)]
struct Manifest {
    requirement: Vec<Row>,
}

/// A node with the reference server's data, and who asks it.
struct World {
    _side: Side,
    http: Client,
}

impl World {
    async fn new() -> Self {
        let mut side = Side::new(SEOUL);
        let config = side.config().unwrap();
        let account = node::TaxiiAccount {
            name: "admin".parse().unwrap(),
            country: None,
            clearance: None,
            certificate: None,
        };
        let order = node::TaxiiOrder::AddAccount { account, password: Some("Password0".to_owned()) };
        node::order_taxii(&config, order, None).unwrap();
        node::taxii_take_over(&config, include_bytes!("../data/taxii/default_data.json"), None).unwrap();
        side.start().await;
        let http = Client::stranger(&side.url());
        Self { _side: side, http }
    }

    async fn ask(&self, method: Method, path: &str, who: &str, body: Vec<u8>) -> Answer {
        let mut headers = vec![("accept", TYPE), ("content-type", TYPE)];
        if !who.is_empty() {
            headers.push(("authorization", who));
        }
        let answer = self.http.raw(method, path, &headers, body).await.unwrap();
        assert_eq!(answer.header("content-type"), TYPE, "{path}");
        answer
    }

    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        self.ask(method, path, &basic("admin:Password0"), body).await
    }

    async fn refused(&self, method: Method, path: &str, status: u16) {
        let answer = self.send(method.clone(), path, Vec::new()).await;
        assert_eq!(answer.status, status, "{method} {path}");
        // Section 3.6.1 of TAXII 2.1: an error message has a title.
        assert!(answer.json()["title"].is_string(), "{}", answer.text());
    }

    async fn get(&self, path: &str) -> Answer {
        let answer = self.send(Method::GET, path, Vec::new()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer
    }

    async fn post(&self, objects: &Value) -> Value {
        let body = json!({ "objects": objects }).to_string().into_bytes();
        let answer = self.send(Method::POST, &path(BOTH, "objects/"), body).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()
    }

    /// How many objects of `collection` answer.
    async fn count(&self, collection: &str, rest: &str) -> usize {
        let found = self.get(&path(collection, &format!("objects/{rest}"))).await.json();
        found["objects"].as_array().map_or(0, Vec::len)
    }

    async fn collection(&self, id: &str, rights: (bool, bool)) {
        let found = self.get(&path(id, "")).await.json();
        assert_eq!(
            (&found["id"], &found["can_read"], &found["can_write"]),
            (&json!(id), &json!(rights.0), &json!(rights.1))
        );
        assert!(found["title"].is_string() && found["media_types"].is_array());
    }
}

fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

fn path(collection: &str, rest: &str) -> String {
    format!("{ROOT}collections/{collection}/{rest}")
}

fn id(number: u32) -> String {
    format!("indicator--00000000-0000-4000-8000-{number:012}")
}

fn indicator(number: u32, modified: &str) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1", "id": id(number), "created": "2020-01-01T00:00:00.000Z",
        "modified": modified, "pattern_type": "stix", "pattern": "[url:value = 'http://example.com/']",
        "valid_from": "2020-01-01T00:00:00Z", "indicator_types": ["malicious-activity"],
    })
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "each row is reported by its name")]
async fn every_row_of_the_interoperability_document() {
    let manifest: Manifest = toml::from_str(include_str!("../data/taxii-interop/manifest.toml")).unwrap();
    let world = Arc::new(World::new().await);
    let mut failed = Vec::new();
    let mut passed = (0, 0);
    for row in &manifest.requirement {
        let (at, section) = (Arc::clone(&world), row.section.clone());
        let verdict = match tokio::spawn(async move { ask(&at, &section).await }).await {
            Ok(()) => "ok",
            Err(_) => "FAILED",
        };
        eprintln!("{verdict:6} {} {} ({})", row.req_id, row.test_case, row.verification);
        match (verdict, row.verification.as_str()) {
            ("ok", "Mandatory") => passed.0 += 1,
            ("ok", _) => passed.1 += 1,
            _ => failed.push(&row.req_id),
        }
    }
    eprintln!("{} mandatory and {} optional rows hold", passed.0, passed.1);
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(passed, (39, 5));
}

/// Asks what one row asks; a row that is not here fails.
async fn ask(world: &World, section: &str) {
    match section.split('.').nth(1) {
        Some("1") => ask_who(world, section).await,
        Some("2" | "3" | "4") => ask_resources(world, section).await,
        Some("5") => ask_rights(world, section).await,
        Some("13") => ask_filters(world, section).await,
        _ => ask_objects(world, section).await,
    }
}

async fn ask_who(world: &World, section: &str) {
    match section {
        "3.1.1" => {
            let answer = world.ask(Method::GET, "/taxii2/", "", Vec::new()).await;
            assert_eq!(answer.status, 401);
            assert!(answer.header("www-authenticate").starts_with("Basic"));
        }
        "3.1.2" => {
            let odd = ["admin:password0", "nobody:Password0", ":", ""].map(basic);
            for who in odd.iter().map(String::as_str).chain(["Basic", "Basic %%%", "Digest x"]) {
                assert_eq!(world.ask(Method::GET, "/taxii2/", who, Vec::new()).await.status, 401, "{who}");
            }
        }
        "3.1.3" => by_certificate().await,
        "3.1.4" => {
            world.get("/taxii2/").await;
            let bearer = world.ask(Method::GET, "/taxii2/", "Bearer admin:Password0", Vec::new()).await;
            assert_eq!(bearer.status, 200);
        }
        _ => panic!("no check of {section}"),
    }
}

/// A client's key with its certificate.
fn identity() -> (String, CertificateDer<'static>, PrivateKeyDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["sensor.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
    (made.cert.pem(), made.cert.der().clone(), key)
}

async fn by_certificate() {
    let side = Side::new(&format!("{SEOUL}tls = \"on\"\n"));
    let config = side.config().unwrap();
    let (pem, certificate, key) = identity();
    let account = node::TaxiiAccount {
        name: "sensor".parse().unwrap(),
        country: None,
        clearance: None,
        certificate: node::certificate_fingerprint(pem.as_bytes()),
    };
    node::order_taxii(&config, node::TaxiiOrder::AddAccount { account, password: None }, None).unwrap();
    let running = node::Node::start(config).await.unwrap();
    let address: SocketAddr = running.url().trim_start_matches("https://").parse().unwrap();
    let (_, other, other_key) = identity();
    for (identity, status) in [(Some((certificate, key)), 200), (Some((other, other_key)), 401), (None, 401)]
    {
        let stream = wire::open(&address.to_string(), identity).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::get("/taxii2/").header("host", "localhost").header("accept", TYPE);
        let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status);
        let body: Value =
            serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
        assert_eq!(body["api_roots"].is_array(), status == 200, "{body}");
    }
    running.stop().await;
}

async fn ask_resources(world: &World, section: &str) {
    match section {
        "3.2.1" => {
            let found = world.get("/taxii2/").await.json();
            assert_eq!(found["title"], "Some TAXII Server");
            let roots = found["api_roots"].as_array().unwrap();
            assert!(roots.len() == 3 && roots.contains(&found["default"]), "{found}");
        }
        "3.3.1" => {
            let found = world.get(ROOT).await.json();
            assert_eq!(
                (&found["title"], &found["versions"]),
                (&json!("Malware Research Group"), &json!([TYPE]))
            );
            assert_eq!(found["max_content_length"], 9_765_625);
        }
        "3.3.2" => {
            world.refused(Method::GET, "/taxii2/carbon1/", 404).await;
            world.refused(Method::GET, "/carbon1/", 404).await;
            world.refused(Method::GET, "/carbon1/collections/", 404).await;
        }
        "3.4.1" => {
            let found = world.get(&format!("{ROOT}collections/")).await.json();
            assert_eq!(found["collections"].as_array().unwrap().len(), 5);
        }
        _ => panic!("no check of {section}"),
    }
}

async fn ask_rights(world: &World, section: &str) {
    match section {
        "3.5.1.1" => world.collection(WRITE_ONLY, (false, true)).await,
        "3.5.1.2" => world.collection(BOTH, (true, true)).await,
        "3.5.1.3" => world.collection(READ_ONLY, (true, false)).await,
        "3.5.1.4" => world.collection(NEITHER, (false, false)).await,
        "3.5.2.1" => {
            for resource in ["objects/", "manifest/", &format!("objects/{MALWARE}/")] {
                world.refused(Method::GET, &path(WRITE_ONLY, resource), 403).await;
            }
        }
        "3.5.2.2" => world.refused(Method::POST, &path(READ_ONLY, "objects/"), 403).await,
        "3.5.2.3" => {
            for collection in [READ_ONLY, WRITE_ONLY] {
                let object = path(collection, &format!("objects/{MALWARE}/"));
                world.refused(Method::DELETE, &object, 403).await;
            }
        }
        "3.5.2.4" => {
            world.refused(Method::DELETE, &path(NEITHER, &format!("objects/{MALWARE}/")), 404).await;
        }
        "3.5.3" => {
            world.refused(Method::GET, &path("12345678-1234-1234-1234-123456789012", ""), 404).await;
            world.refused(Method::GET, &path("24042009", "objects/"), 404).await;
        }
        _ => panic!("no check of {section}"),
    }
}

async fn ask_objects(world: &World, section: &str) {
    match section {
        "3.6.1" => {
            let answer = world.get(&path(MAIN, "manifest/")).await;
            let found = answer.json();
            let records = found["objects"].as_array().unwrap();
            assert_eq!(records.len(), 5);
            let added: Vec<&str> = records.iter().map(|one| one["date_added"].as_str().unwrap()).collect();
            assert!(added.is_sorted());
            assert!(records.iter().all(|one| one["id"].is_string() && one["version"].is_string()));
            assert_eq!(answer.header("x-taxii-date-added-first"), added[0]);
            assert_eq!(answer.header("x-taxii-date-added-last"), added[4]);
        }
        "3.7.1" => assert_eq!(world.count(MAIN, "").await, 5),
        "3.7.2" => assert_eq!(world.get(&path(READ_ONLY, "objects/")).await.json(), json!({})),
        "3.8.1" => {
            let found = world.get(&path(MAIN, &format!("objects/{MALWARE}/"))).await.json();
            assert_eq!(
                (&found["objects"][0]["id"], found["objects"].as_array().unwrap().len()),
                (&json!(MALWARE), 1)
            );
        }
        "3.8.2" => {
            let object = path(MAIN, "objects/malware--cee60c30-a68c-41e3-b0c1-a01aac20d000/");
            world.refused(Method::GET, &object, 404).await;
        }
        "3.9.1" => {
            let found = world.get(&path(MAIN, &format!("objects/{INDICATOR}/versions/"))).await.json();
            assert_eq!(found["versions"].as_array().unwrap().len(), 3);
        }
        "3.10.1" => {
            let status = world.post(&json!([indicator(101, "2020-01-01T00:00:00.000Z")])).await;
            assert_eq!((&status["status"], &status["success_count"]), (&json!("complete"), &json!(1)));
            assert_eq!(world.count(BOTH, &format!("{}/", id(101))).await, 1);
        }
        "3.11.1" => {
            let status = world.post(&json!([indicator(111, "2020-01-01T00:00:00.000Z")])).await;
            let asked = world.get(&format!("{ROOT}status/{}/", status["id"].as_str().unwrap())).await.json();
            assert_eq!(asked, status);
        }
        "3.11.2" => {
            let bad = json!({ "type": "indicator", "id": "indicator--1" });
            let status = world.post(&json!([indicator(112, "2020-01-01T00:00:00.000Z"), bad])).await;
            for (count, number) in
                [("total_count", 2), ("success_count", 1), ("failure_count", 1), ("pending_count", 0)]
            {
                assert_eq!(status[count], number, "{status}");
            }
            assert!(status["request_timestamp"].is_string());
            assert_eq!(status["successes"][0]["id"], id(112));
            assert_eq!(status["successes"][0]["version"], "2020-01-01T00:00:00.000Z");
            assert_eq!(status["failures"][0]["id"], "indicator--1");
            assert!(status["failures"][0]["message"].is_string());
        }
        "3.12.1" => {
            world.post(&json!([indicator(121, "2020-01-01T00:00:00.000Z")])).await;
            let object = path(BOTH, &format!("objects/{}/", id(121)));
            assert_eq!(world.send(Method::DELETE, &object, Vec::new()).await.status, 200);
            world.refused(Method::GET, &object, 404).await;
            world.refused(Method::DELETE, &object, 404).await;
        }
        "3.14.1" => {
            let (mut seen, mut next) = (Vec::new(), String::new());
            loop {
                let page = world.get(&path(MAIN, &format!("objects/?limit=2{next}"))).await.json();
                let objects = page["objects"].as_array().unwrap();
                seen.extend(objects.iter().map(|one| one["id"].clone()));
                assert_eq!(page["more"].as_bool().unwrap(), page["next"].is_string());
                match page["next"].as_str() {
                    Some(cursor) => next = format!("&next={cursor}"),
                    None => break,
                }
            }
            let whole = world.get(&path(MAIN, "objects/")).await.json();
            let whole: Vec<Value> =
                whole["objects"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
            assert_eq!(seen, whole);
        }
        "3.15.1" => {
            let mut object = indicator(151, "2020-01-01T00:00:00.000Z");
            object["x_own_property"] = json!({ "deep": [1.50, "two", null] });
            world.post(&json!([object])).await;
            let found = world.get(&path(BOTH, &format!("objects/{}/", id(151)))).await.json();
            assert_eq!(found["objects"][0], object);
        }
        _ => panic!("no check of {section}"),
    }
}

async fn ask_filters(world: &World, section: &str) {
    let counts: &[(&str, usize)] = match section {
        "3.13.1.1" => &[
            ("?added_after=2016-11-03T12:30:59Z", 3),
            ("?added_after=2014-05-08T09:00:00Z", 4),
            ("?added_after=2030-01-01T00:00:00Z", 0),
        ],
        "3.13.1.2" => &[("?limit=1", 1), ("?limit=3", 3), ("?limit=100", 5)],
        "3.13.1.3" => &[
            ("?match[id]=malware--c0931cc6-c75e-47e5-9036-78fabc95d4ec", 1),
            ("?match[id]=malware--cee60c30-a68c-41e3-b0c1-a01aac20d000", 0),
        ],
        "3.13.1.4" => &[("?match[type]=indicator", 2), ("?match[type]=tool", 0)],
        "3.13.1.5" => &[
            ("?match[version]=all", 7),
            ("?match[version]=first", 5),
            ("?match[version]=last", 5),
            ("?match[version]=2016-12-25T12:30:59.444Z", 1),
        ],
        "3.13.1.6" => &[("?match[spec_version]=2.0", 1), ("?match[spec_version]=2.1", 5)],
        "3.13.1.7" => {
            &[("?match[type]=indicator,malware", 3), ("?match[version]=first,last&match[type]=indicator", 3)]
        }
        "3.13.1.8" => &[
            ("?match[type]=indicator&match[version]=all", 4),
            ("?match[type]=malware&match[spec_version]=2.0", 1),
        ],
        "3.13.1.9" => &[(
            "?match[type]=indicator,malware&match[id]=malware--c0931cc6-c75e-47e5-9036-78fabc95d4ec,indicator--cd981c25-8042-4166-8945-51178443bdac",
            2,
        )],
        "3.13.1.10" => {
            for rest in ["?match[type]=indicator&match[type]=malware", "?limit=1&limit=2"] {
                world.refused(Method::GET, &path(MAIN, &format!("objects/{rest}")), 400).await;
            }
            return;
        }
        "3.13.2.1" => &[("?match[pattern_type]=stix", 2), ("?match[relationship_type]=indicates", 1)],
        "3.13.2.2" => {
            &[("?match[malware_types]=remote-access-trojan", 1), ("?match[indicator_types]=nothing", 0)]
        }
        "3.13.2.3" => &[("?match[phase_name]=nothing", 0), ("?match[tlp]=green", 0)],
        "3.13.2.4" => &[("?match[relationships-all]=malware--c0931cc6-c75e-47e5-9036-78fabc95d4ec", 1)],
        "3.13.2.5" => &[
            ("?match[confidence-gte]=10", 0),
            ("?match[modified-gte]=2017-01-01T00:00:00Z", 2),
            ("?match[modified-lte]=2014-12-31T00:00:00Z", 2),
        ],
        _ => panic!("no check of {section}"),
    };
    for (rest, count) in counts {
        assert_eq!(world.count(MAIN, rest).await, *count, "{rest}");
    }
}
