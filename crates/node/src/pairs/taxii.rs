//! The TAXII side of a pair: what a client of Washington's country reads, follows and is answered must not depend on
//! what it may not have.
//!
//! Every fifth walk has it. The own desk and Washington's client add, change and delete objects in both worlds alike;
//! in between each world gets objects of its own that Washington may not have: marked RED, in collections of others,
//! kept back by the national policy, as newer versions and as twins of what Washington has.

use axum::body::Body;
use axum::http::{Method, Request};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::Through;
use super::canary::CANARY;
use super::drive::{self, Asked, Question};
use super::world::{Rng, World};

/// One walk in so many.
const EVERY: u64 = 5;
/// The client whose answers are compared.
const WASHINGTON: &str = "washington-desk";
/// A client of this organisation, which sees everything.
const DESK: &str = "desk";
const PASSWORD: &str = "pass";

const ROOT: &str = "/taxii2/seoul";
const SHARED: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
const TOKYO: &str = "52892447-4d7e-4f70-b94d-d7f22742ff63";
const CLOSED: &str = "64993447-4d7e-4f70-b94d-d7f33742ee63";
/// In no collection.
const ABSENT: &str = "indicator--ffffffff-ffff-4fff-8fff-ffffffffffff";
/// TLP 2.0 RED.
const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";

/// Whether the walk of `seed` has TAXII.
pub(super) fn has(seed: u64) -> bool {
    seed.is_multiple_of(EVERY)
}

/// Writes the file with the clients and gives what stands in `bongsu.toml`.
pub(super) fn settings(data: &std::path::Path) -> String {
    use argon2::password_hash::{PasswordHasher, SaltString};
    // As weak as may be: a walk must not wait for it.
    let params = argon2::Params::new(8, 1, 1, None).unwrap();
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let salt = SaltString::encode_b64(&[7; 16]).unwrap();
    let hash = argon.hash_password(PASSWORD.as_bytes(), &salt).unwrap().to_string();
    let account = |name: &str, country: Option<&str>| {
        let clearance = country.map(|_| "SECRET");
        json!({"account": {"name": name, "country": country, "clearance": clearance}, "hash": hash})
    };
    let book = json!({
        "schema": "bongsu.taxii-book/1",
        "accounts": [account(DESK, None), account(WASHINGTON, Some("USA"))],
    });
    std::fs::write(data.join("taxii.json"), book.to_string()).unwrap();
    let collection = |id: &str, clients: &str, country: &str| {
        format!(
            "[[taxii.roots.collections]]\nid = \"{id}\"\ntitle = \"Collection {country}\"\nread = [{clients}]\nwrite = [{clients}]\n\
             marking = {{ names = [], level = \"RESTRICTED\", rel_to = [\"{country}\"] }}\n"
        )
    };
    format!(
        "[taxii]\ntitle = \"Seoul\"\npage_objects = 50\n[[taxii.roots]]\npath = \"{}\"\ntitle = \"Allies\"\n{}{}{}",
        ROOT.trim_start_matches('/'),
        collection(SHARED, "\"*\"", "USA"),
        collection(TOKYO, "\"*\"", "JPN"),
        collection(CLOSED, &format!("\"{DESK}\""), "USA"),
    )
}

/// What a world's collections hold, as far as its acts go by it.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// Objects that Washington has, as they were added last.
    shown: Vec<Value>,
    /// The number of the next one.
    next: u64,
    /// Ids of which Washington may have no version.
    hidden: Vec<String>,
}

fn id(kind: &str, world: u64, number: u64) -> String {
    format!("{kind}--0000000{world}-0000-4000-8000-{number:012}")
}

fn indicator(number: u64, world: u64, name: &str) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1", "id": id("indicator", world, number), "name": name,
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "pattern": "[url:value = 'http://a/']", "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z",
    })
}

/// An observable, which has no version of its own.
fn address(number: u64, world: u64, value: &str) -> Value {
    json!({"type": "ipv4-addr", "spec_version": "2.1", "id": id("ipv4-addr", world, number), "value": value})
}

fn red(mut object: Value) -> Value {
    object["object_marking_refs"] = json!([RED]);
    object
}

/// The same id and version, with words of its own that Washington may not have.
fn twin(object: &Value) -> Value {
    let mut twin = red(object.clone());
    twin["name"] = json!(CANARY);
    twin
}

/// What both worlds are given next, and who gives it.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Add { client: &'static str, objects: Vec<Value> },
    Delete { client: &'static str, id: String },
}

/// The next act. It depends on what is shown alone.
pub(super) fn plan(world: &World, rng: &mut Rng) -> Option<Act> {
    let shelf = world.shelf.as_ref()?;
    let number = shelf.next;
    let client = if rng.below(2) == 0 { DESK } else { WASHINGTON };
    let objects = match rng.below(8) {
        0 | 1 => (0..=rng.below(3)).map(|n| indicator(number + n, 0, &format!("Shared {n}"))).collect(),
        2 | 3 => vec![address(number, 0, "198.51.100.1"), indicator(number + 1, 0, "Beside")],
        4 if !shelf.shown.is_empty() => {
            let mut newer = rng.pick(&shelf.shown).clone();
            if newer["type"] == "indicator" {
                newer["modified"] = json!(format!("2026-02-01T00:00:{:02}.000Z", number % 60));
            }
            newer["value"] = json!(format!("203.0.113.{}", number % 250));
            vec![newer]
        }
        5 if !shelf.shown.is_empty() => {
            let id = rng.pick(&shelf.shown)["id"].as_str().unwrap().to_owned();
            return Some(Act::Delete { client, id });
        }
        // A guess at what Washington may not have, marked so that it comes to see nothing of its own either.
        6 => vec![red(address(rng.below(3), 2, "192.0.2.9"))],
        _ => vec![indicator(number, 0, "Alone")],
    };
    Some(Act::Add { client, objects })
}

/// Does it, and gives what Washington's client is answered.
pub(super) async fn show(world: &mut World, act: &Act, step: u64, own: &mut Rng) -> Option<Asked> {
    world.at_taxii_time(step, None);
    let shelf = world.shelf.as_mut().unwrap();
    match act {
        Act::Delete { client, id } => {
            shelf.shown.retain(|object| object["id"] != id.as_str());
            shelf.next += 1;
            let uri = format!("{ROOT}/collections/{SHARED}/objects/{id}/");
            let answer = send(world, client, Method::DELETE, &uri, Body::empty()).await;
            assert_eq!(answer.status, 200, "{act:?}: {}", String::from_utf8_lossy(&answer.body));
            (*client == WASHINGTON).then_some(answer)
        }
        Act::Add { client, objects } => {
            shelf.next += 4;
            for object in objects.iter().filter(|object| object.get("object_marking_refs").is_none()) {
                shelf.shown.retain(|shown| shown["id"] != object["id"]);
                shelf.shown.push(object.clone());
            }
            let mut objects = objects.clone();
            // What the desk sends may hold more, in the same envelope.
            if *client == DESK && world.side == 1 {
                let at = usize::try_from(own.below(objects.len() as u64 + 1)).unwrap();
                let more =
                    if own.below(2) == 0 { twin(&objects[0]) } else { red(indicator(step, 3, CANARY)) };
                objects.insert(at, more);
            }
            let answer = add(world, client, SHARED, &objects).await;
            (*client == WASHINGTON).then_some(answer)
        }
    }
}

/// Does something that Washington may not know of.
pub(super) async fn hide(world: &mut World, rng: &mut Rng, step: u64, n: u64) {
    world.at_taxii_time(step, Some(n));
    let policed = world.policed;
    let shelf = world.shelf.as_mut().unwrap();
    let number = step * 10 + n;
    let own = 4 + world.side;
    let (collection, object) = match rng.below(9) {
        0 => (TOKYO, indicator(number, own, CANARY)),
        1 => (CLOSED, indicator(number, own, CANARY)),
        2 | 3 if !shelf.shown.is_empty() => {
            let mut newer = twin(rng.pick(&shelf.shown));
            if newer["type"] == "indicator" && rng.below(2) == 0 {
                let year = 2025 + 2 * rng.below(2);
                newer["modified"] = json!(format!("{year}-06-01T00:00:00.000Z"));
            }
            (SHARED, newer)
        }
        // What Washington is yet to be given.
        4 => (SHARED, twin(&indicator(shelf.next, 0, ""))),
        5 => (SHARED, twin(&address(shelf.next, 0, "192.0.2.7"))),
        6 => (SHARED, red(address(rng.below(3), 2, "192.0.2.9"))),
        7 if policed => {
            let mut tool = indicator(number, own, CANARY);
            tool["type"] = json!("tool");
            tool["id"] = json!(id("tool", own, number));
            (SHARED, tool)
        }
        8 if !shelf.hidden.is_empty() => {
            let at = usize::try_from(rng.below(shelf.hidden.len() as u64)).unwrap();
            let id = shelf.hidden.swap_remove(at);
            let uri = format!("{ROOT}/collections/{SHARED}/objects/{id}/");
            assert_eq!(send(world, DESK, Method::DELETE, &uri, Body::empty()).await.status, 200);
            return;
        }
        _ => {
            let object = red(indicator(number, own, CANARY));
            shelf.hidden.push(object["id"].as_str().unwrap().to_owned());
            (SHARED, object)
        }
    };
    add(world, DESK, collection, &[object]).await;
}

async fn add(world: &World, client: &str, collection: &str, objects: &[Value]) -> Asked {
    let body = json!({ "objects": objects }).to_string();
    let uri = format!("{ROOT}/collections/{collection}/objects/");
    let answer = send(world, client, Method::POST, &uri, Body::from(body)).await;
    let text = String::from_utf8_lossy(&answer.body);
    assert!(answer.status == 202 && text.contains("\"failure_count\":0"), "{client}: {text}");
    answer
}

async fn send(world: &World, client: &str, method: Method, uri: &str, body: Body) -> Asked {
    let request = request(client, method, uri).header("content-type", threat::taxii::MEDIA_TYPE);
    drive::whole(world.router.clone().oneshot(request.body(body).unwrap()).await.unwrap()).await
}

fn authorization(client: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{client}:{PASSWORD}")))
}

fn request(client: &str, method: Method, uri: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(uri).header("authorization", authorization(client))
}

/// All questions of a step: each route at least once.
pub(super) fn questions(worlds: Option<&[World; 2]>, status: Option<&str>, rng: &mut Rng) -> Vec<Question> {
    let get = |template, rest: String| Question::taxii(Method::GET, template, format!("{ROOT}/{rest}"));
    let (objects, manifest) = ("{root}/collections/{id}/objects/", "{root}/collections/{id}/manifest/");
    let (object, versions) =
        ("{root}/collections/{id}/objects/{object}/", "{root}/collections/{id}/objects/{object}/versions/");
    let of = |rest: &str| format!("collections/{SHARED}/{rest}");
    let status = status.unwrap_or("00000000-0000-4000-8000-000000000000");
    let mut all = vec![
        Question::taxii(Method::GET, "taxii2/", "/taxii2/".to_owned()),
        get("{root}/", String::new()),
        get("{root}/status/{id}/", format!("status/{status}/")),
        get("{root}/collections/", "collections/".to_owned()),
        get("{root}/collections/{id}/", format!("collections/{SHARED}/")),
        get("{root}/collections/{id}/", format!("collections/{CLOSED}/")),
        get(manifest, of("manifest/?match[version]=all")),
        get(manifest, of(&format!("manifest/?limit={}", rng.below(4) + 1))),
        get(manifest, format!("collections/{CLOSED}/manifest/")),
        get(objects, of("objects/?limit=5&match[version]=all")),
        get(objects, of("objects/?match[type]=ipv4-addr")),
        get(objects, of("objects/?match[type]=tool")),
        get(objects, of("objects/?match[version]=first")),
        get(objects, of("objects/?match[spec_version]=2.0,2.1&added_after=2026-03-10T00:05:00Z")),
        get(objects, format!("collections/{TOKYO}/objects/")),
        get("{root}/collections/{id}/stream/", of("stream/")),
        get("{root}/collections/{id}/stream/", format!("collections/{TOKYO}/stream/")),
        Question::taxii(Method::POST, objects, format!("{ROOT}/collections/{CLOSED}/objects/")),
        Question::taxii(Method::DELETE, object, format!("{ROOT}/{}", of(&format!("objects/{ABSENT}/")))),
        Question::taxii(Method::PUT, "", format!("{ROOT}/collections/{CLOSED}/objects/")),
    ];
    let mut ids = vec![ABSENT.to_owned()];
    for shelf in worlds.into_iter().flatten().filter_map(|world| world.shelf.as_ref()) {
        ids.extend(shelf.hidden.last().cloned());
        if !shelf.shown.is_empty() {
            ids.push(rng.pick(&shelf.shown)["id"].as_str().unwrap().to_owned());
        }
    }
    for id in ids {
        all.push(get(object, of(&format!("objects/{id}/"))));
        all.push(get(object, of(&format!("objects/{id}/?match[version]=all"))));
        all.push(get(versions, of(&format!("objects/{id}/versions/"))));
        all.push(get(manifest, of(&format!("manifest/?match[id]={id}"))));
    }
    all
}

/// The id of the status resource that an answer names.
pub(super) fn status_id(answer: &Asked) -> Option<String> {
    serde_json::from_slice::<Value>(&answer.body).ok()?.get("id")?.as_str().map(str::to_owned)
}

/// The same question with the desk's eyes: what a route does that forgets who asks.
pub(super) fn with_the_desks_eyes(mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().insert("authorization", authorization(DESK).parse().unwrap());
    request
}

/// Asks, and goes on as far as it goes: through all pages of a list, and behind a part of a stream again.
pub(super) async fn ask(world: &World, question: &Question, through: Through) -> Asked {
    if question.template == "{root}/collections/{id}/stream/" {
        return stream(world, question, through).await;
    }
    let mut all = once(world, question, &question.uri, through).await;
    let mut next = next_page(&all.body);
    while let Some(cursor) = next {
        let join = if question.uri.contains('?') { '&' } else { '?' };
        let page = once(world, question, &format!("{}{join}next={cursor}", question.uri), through).await;
        next = next_page(&page.body);
        all.headers.extend(page.headers);
        all.body.extend(page.body);
    }
    all
}

fn next_page(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Value>(body).ok()?.get("next")?.as_str().map(str::to_owned)
}

async fn once(world: &World, question: &Question, uri: &str, through: Through) -> Asked {
    let request = through(world, question, asking(question, uri));
    drive::whole(world.router.clone().oneshot(request).await.unwrap()).await
}

fn asking(question: &Question, uri: &str) -> Request<Body> {
    request(WASHINGTON, question.method.clone(), uri)
        .header("content-type", threat::taxii::MEDIA_TYPE)
        .body(if question.method == Method::POST { Body::from("{}") } else { Body::empty() })
        .unwrap()
}

/// All events of a stream, and those behind one in the middle again.
async fn stream(world: &World, question: &Question, through: Through) -> Asked {
    let list = question.uri.replace("/stream/", "/objects/");
    let list = Question::taxii(Method::GET, "{root}/collections/{id}/objects/", list);
    let listed = Box::pin(ask(world, &list, super::straight)).await;
    let count = String::from_utf8_lossy(&listed.body).matches("\"spec_version\"").count();
    let mut all = events(world, question, None, count, through).await;
    let text = String::from_utf8_lossy(&all.body).into_owned();
    let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    if let Some(middle) = ids.get(ids.len() / 2) {
        let rest = events(world, question, Some(middle), ids.len() - ids.len() / 2 - 1, through).await;
        all.headers.extend(rest.headers);
        all.body.extend(rest.body);
    }
    all
}

/// At least `count` events, and what comes with them.
async fn events(
    world: &World,
    question: &Question,
    last: Option<&str>,
    count: usize,
    through: Through,
) -> Asked {
    let mut request = asking(question, &question.uri);
    if let Some(last) = last {
        request.headers_mut().insert("last-event-id", last.parse().unwrap());
    }
    let request = through(world, question, request);
    let (head, mut body) = world.router.clone().oneshot(request).await.unwrap().into_parts();
    let mut bytes = Vec::new();
    loop {
        let came = bytes.windows(5).filter(|five| *five == b"\nid: ").count();
        let patience = std::time::Duration::from_millis(if came < count { 5_000 } else { 0 });
        match tokio::time::timeout(patience, body.frame()).await {
            Ok(Some(frame)) => bytes.extend_from_slice(&frame.unwrap().into_data().unwrap_or_default()),
            Ok(None) => break,
            Err(_) => {
                assert!(came >= count, "{came} of {count} events came: {}", String::from_utf8_lossy(&bytes));
                break;
            }
        }
    }
    Asked { status: head.status.as_u16(), headers: drive::sorted(&head.headers), body: bytes }
}
