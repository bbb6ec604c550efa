//! Every question that Washington's eyes can put to a node, and its answer to the last byte.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, Uri};
use axum::response::Response;
use base::EntryId;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::Through;
use super::world::{Rng, World, washington};
use crate::view::View;

/// One question.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) method: Method,
    /// The path as the OpenAPI document has it.
    pub(super) template: &'static str,
    pub(super) uri: String,
    body: Option<&'static str>,
    gzip: bool,
    /// For the stream: the last event that was seen.
    last_event: Option<u64>,
    /// Whether the route stands in the document.
    pub(super) documented: bool,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

/// A header that a leaking node adds.
#[derive(Clone)]
pub(super) struct Extra(pub(super) String);

/// What is asked about: the same in both worlds.
pub(super) struct Known {
    ids: Vec<EntryId>,
    size: u64,
}

impl Known {
    /// Some of what Washington has, some of what either node hides, and one that nobody has.
    pub(super) fn of(worlds: &[World; 2], rng: &mut Rng) -> Self {
        let mut ids = vec![EntryId::from_bytes([0xab; 32])];
        let visible = worlds[0].visible();
        ids.extend(visible.last());
        if !visible.is_empty() {
            ids.extend((0..2).map(|_| *rng.pick(&visible)));
        }
        for world in worlds.iter().filter(|world| !world.hidden.is_empty()) {
            ids.push(rng.pick(&world.hidden).0);
        }
        let view = View::Peer(washington());
        let size = |world: &World| world.core.look(&view).unwrap().rows().unwrap().size().unwrap();
        assert_eq!(size(&worlds[0]), size(&worlds[1]), "the sizes of the views differ");
        Self { ids, size: size(&worlds[0]) }
    }

    pub(super) fn about(world: &World, ids: Vec<EntryId>) -> Self {
        let reader = world.core.look(&View::Peer(washington())).unwrap();
        let size = reader.rows().unwrap().size().unwrap();
        Self { ids, size }
    }

    pub(super) fn example() -> Self {
        Self { ids: vec![EntryId::from_bytes([0xab; 32])], size: 0 }
    }
}

impl Question {
    /// The same for an answer that people can read.
    pub(super) fn plainly(self) -> Self {
        Self { gzip: false, ..self }
    }

    /// A question of Washington's TAXII client.
    pub(super) fn taxii(method: Method, template: &'static str, uri: String) -> Self {
        Self { method, uri, ..Self::get(template, String::new()) }
    }

    /// A question with Washington's eyes.
    pub(super) fn get(template: &'static str, uri: String) -> Self {
        let join = if uri.contains('?') { '&' } else { '?' };
        let uri = format!("{uri}{join}as=washington");
        Self {
            method: Method::GET,
            template,
            uri,
            body: None,
            gzip: false,
            last_event: None,
            documented: true,
        }
    }
}

fn get(template: &'static str, uri: String) -> Question {
    Question::get(template, uri)
}

fn post(template: &'static str, uri: String, body: &'static str) -> Question {
    Question { method: Method::POST, body: Some(body), ..get(template, uri) }
}

/// All questions of a step: each route at least once.
pub(super) fn questions(known: &Known, rng: &mut Rng) -> Vec<Question> {
    let plain = |path: &'static str| get(path, path.to_owned());
    let with = |path: &'static str, query: String| get(path, format!("{path}?{query}"));
    let mut all = vec![
        plain("/api/session"),
        plain("/api/card"),
        plain("/api/overview"),
        Question { gzip: true, ..with("/api/findings", "limit=1000".to_owned()) },
        with("/api/findings", format!("limit=2&cursor={}", rng.below(known.size + 3))),
        with("/api/findings", "kind=report.officer".to_owned()),
        with("/api/incidents", "limit=1000".to_owned()),
        with("/api/incidents", format!("limit=2&cursor={}.0.{}", rng.below(6), rng.below(known.size + 3))),
        plain("/api/feeds"),
        plain("/api/facets"),
        with("/api/search", "q=shared".to_owned()),
        with("/api/search", format!("q=canary&limit={}", rng.below(5) + 1)),
        with("/api/search", "q=in+more+words+norad&limit=3".to_owned()),
        with("/api/history", "object=norad:29268&limit=3".to_owned()),
        with("/api/history", "object=host:CANARY-kx7Qz".to_owned()),
        plain("/api/jobs"),
        plain("/api/peers"),
        get("/api/peers/{name}/shared", "/api/peers/washington/shared".to_owned()),
        get("/api/peers/{name}/withheld", "/api/peers/tokyo/withheld".to_owned()),
        plain("/api/taxii/peers"),
        plain("/api/refusals"),
        plain("/api/release-requests"),
        plain("/api/account"),
        plain("/api/accounts"),
        plain("/api/acts"),
        post("/api/session/move", "/api/session/move".to_owned(), ""),
        post("/api/approvals", "/api/approvals".to_owned(), "{}"),
        post("/api/account/passkeys/start", "/api/account/passkeys/start".to_owned(), "{}"),
        post("/api/account/passkeys/finish", "/api/account/passkeys/finish".to_owned(), "{}"),
        post("/api/account/passkeys/{id}/remove", "/api/account/passkeys/x/remove".to_owned(), ""),
        post("/api/accounts", "/api/accounts".to_owned(), "{}"),
        post("/api/accounts/{name}/roles", "/api/accounts/x/roles".to_owned(), "{}"),
        post("/api/accounts/{name}/remove", "/api/accounts/x/remove".to_owned(), ""),
        post("/api/accounts/{name}/link", "/api/accounts/x/link".to_owned(), ""),
        post(
            "/api/accounts/{name}/clearance",
            "/api/accounts/x/clearance".to_owned(),
            "{\"clearance\":null}",
        ),
        plain("/api/policy"),
        post("/api/policy", "/api/policy".to_owned(), "{\"name\":\"x\",\"text\":\"\"}"),
        post("/api/policy/dry-run", "/api/policy/dry-run".to_owned(), "{\"text\":\"\"}"),
        plain("/api/tables"),
        post("/api/tables", "/api/tables".to_owned(), "{\"table\":{}}"),
        plain("/api/catalogue"),
        with("/api/catalogue/states", "at=2026-03-10T12:00:00Z".to_owned()),
        post("/api/session/end", "/api/session/end".to_owned(), ""),
        post("/api/record/verify", "/api/record/verify".to_owned(), "{}"),
        post("/api/reports", "/api/reports".to_owned(), "{}"),
        post("/api/jobs/screen", "/api/jobs/screen".to_owned(), "{}"),
        post("/api/feeds/{kind}", "/api/feeds/catalogue".to_owned(), "x"),
        post("/api/peers", "/api/peers".to_owned(), "{}"),
        post("/api/peers/{name}/file", "/api/peers/washington/file".to_owned(), "{}"),
        post("/api/link/file", "/api/link/file".to_owned(), "x"),
        post("/api/link/receipts", "/api/link/receipts".to_owned(), "x"),
        Question { last_event: None, ..plain("/api/events") },
        Question { last_event: Some(rng.below(known.size + 1)), ..plain("/api/events") },
        Question { documented: false, ..get("", "/metrics".to_owned()) },
        Question { documented: false, ..get("", "/api/openapi.json".to_owned()) },
        Question { documented: false, ..get("", "/api/nothing".to_owned()) },
        Question { documented: false, ..get("", "/healthz".to_owned()) },
        Question { documented: false, ..get("", "/".to_owned()) },
    ];
    for id in &known.ids {
        all.push(get("/api/incidents/{id}", format!("/api/incidents/{id}")));
        all.push(get("/api/findings/{id}", format!("/api/findings/{id}")));
        all.push(get("/api/entries/{id}", format!("/api/entries/{id}")));
    }
    if let Some(id) = known.ids.last() {
        all.push(get("/api/entries/{id}/release", format!("/api/entries/{id}/release?peer=washington")));
        all.push(post("/api/entries/{id}/verify", format!("/api/entries/{id}/verify"), "{}"));
        let ask = format!("/api/entries/{id}/request-release");
        all.push(post("/api/entries/{id}/request-release", ask, "{\"audience\":\"tokyo\",\"reason\":\"x\"}"));
        let answer = format!("/api/release-requests/{id}/answer");
        all.push(post("/api/release-requests/{id}/answer", answer, "{\"granted\":true}"));
        let sign = format!("/api/policy/{id}/sign");
        all.push(post("/api/policy/{id}/sign", sign, "{\"sha256\":\"x\"}"));
        all.push(post("/api/policy/{id}/apply", format!("/api/policy/{id}/apply"), ""));
        all.push(post("/api/entries/{id}/recall", format!("/api/entries/{id}/recall"), "{\"reason\":\"x\"}"));
    }
    all
}

/// The same question with the owner's eyes: what a route does that forgets the view.
pub(super) fn without_view(mut request: Request<Body>) -> Request<Body> {
    let uri = request.uri().to_string().replace("?as=washington", "").replace("&as=washington", "");
    *request.uri_mut() = uri.parse::<Uri>().unwrap();
    request
}

pub(super) async fn ask(world: &World, question: &Question, through: Through) -> Asked {
    let mut request = Request::builder()
        .method(question.method.clone())
        .uri(question.uri.as_str())
        .header("host", "localhost")
        .header("cookie", &world.cookie)
        .header("x-bongsu", "1")
        .header("content-type", "application/json");
    if question.gzip {
        request = request.header("accept-encoding", "gzip");
    }
    if let Some(seen) = question.last_event {
        request = request.header("last-event-id", seen.to_string());
    }
    let body = question.body.map_or_else(Body::empty, Body::from);
    let request = through(world, question, request.body(body).unwrap());
    let extra = request.extensions().get::<Extra>().cloned();
    let response = world.router.clone().oneshot(request).await.unwrap();
    let mut asked = match question.template {
        "/api/events" => {
            let (head, body) = response.into_parts();
            let body = stream(world, question, body).await;
            Asked { status: head.status.as_u16(), headers: sorted(&head.headers), body }
        }
        _ => whole(response).await,
    };
    asked.headers.extend(extra.map(|Extra(text)| ("x-extra".to_owned(), text.into_bytes())));
    asked
}

/// An answer that ends.
pub(super) async fn whole(response: Response) -> Asked {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().into();
    Asked { status: head.status.as_u16(), headers: sorted(&head.headers), body }
}

/// Headers in an order that depends on nothing else.
pub(super) fn sorted(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let mut headers: Vec<(String, Vec<u8>)> =
        headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    headers.sort();
    headers
}

/// What a stream sends until it has nothing more to say.
async fn stream(world: &World, question: &Question, mut body: Body) -> Vec<u8> {
    let rows = {
        let reader = world.core.look(&View::Peer(washington())).unwrap();
        reader.rows().unwrap().size().unwrap()
    };
    // Without a last event it begins at the end.
    let waits = question.last_event.is_some_and(|seen| seen + 1 < rows);
    let last = format!("id: {}\n", rows.saturating_sub(1));
    let mut bytes = Vec::new();
    loop {
        let done = !waits || String::from_utf8_lossy(&bytes).contains(&last);
        let patience = if done { 0 } else { 5_000 };
        match tokio::time::timeout(std::time::Duration::from_millis(patience), body.frame()).await {
            Ok(Some(frame)) => bytes.extend_from_slice(&frame.unwrap().into_data().unwrap_or(Bytes::new())),
            Ok(None) => return bytes,
            Err(_) => {
                assert!(
                    done,
                    "the stream does not come to event {last}: {}",
                    String::from_utf8_lossy(&bytes)
                );
                return bytes;
            }
        }
    }
}

/// The first difference between two answers, in words.
pub(super) fn difference(a: &Asked, b: &Asked) -> Option<String> {
    if a == b {
        return None;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(3000).collect::<String>();
    Some(format!(
        "{} {:?}\n{}\n--- and ---\n{} {:?}\n{}",
        a.status,
        a.headers,
        text(&a.body),
        b.status,
        b.headers,
        text(&b.body)
    ))
}
