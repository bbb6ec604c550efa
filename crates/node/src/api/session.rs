//! Letting the local officer in: a one-time link, then a cookie. Only hashes of secrets are kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use base::Timestamp;
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{Api, Failure, writes};
use crate::NodeError;
use crate::core::{lock, now};
use crate::keys::write_secret;

/// A one-time link is good for so long.
const LINK_SECONDS: f64 = 15.0 * 60.0;
/// Below the data folder.
const URL_FILE: &str = "sessions/url";
/// A session ends after so long.
const SESSION_SECONDS: f64 = 12.0 * 3600.0;

/// Sessions and unused entry links, by the hash of their token. Sessions survive a restart.
pub(crate) struct Sessions {
    folder: PathBuf,
    sessions: Mutex<BTreeMap<String, Timestamp>>,
    metrics_token: String,
}

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

fn token() -> String {
    let mut bytes = [0; 24];
    OsRng.fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// Writes a new one-time link for the node on `data`, running or not, and gives its token.
///
/// # Errors
/// When the folder cannot be written.
pub fn new_entry_token(data: &Path) -> Result<String, NodeError> {
    let token = token();
    write_secret(&data.join("sessions/links").join(hash(&token)), now().to_string().as_bytes())?;
    Ok(token)
}

/// Where the node on `data` answers, or did when it ran last; `None` when it never ran.
pub fn last_url(data: &Path) -> Option<String> {
    std::fs::read_to_string(data.join(URL_FILE)).ok().map(|url| url.trim().to_owned())
}

/// Keeps where the node answers, for who makes an entry link beside it.
pub(crate) fn keep_url(data: &Path, url: &str) -> Result<(), NodeError> {
    write_secret(&data.join(URL_FILE), url.as_bytes())
}

impl Sessions {
    pub(crate) fn open(data: &Path) -> Result<Self, NodeError> {
        let folder = data.join("sessions");
        let path = folder.join("sessions.json");
        let sessions = match std::fs::read(&path) {
            // A file that cannot be read only means that people must come in anew.
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(_) => BTreeMap::new(),
        };
        let metrics_path = data.join("keys/metrics.token");
        let metrics_token = match std::fs::read_to_string(&metrics_path) {
            Ok(token) => token.trim().to_owned(),
            Err(_) => {
                let token = token();
                write_secret(&metrics_path, token.as_bytes())?;
                token
            }
        };
        Ok(Self { folder, sessions: Mutex::new(sessions), metrics_token })
    }

    fn redeem(&self, token: &str) -> bool {
        let path = self.folder.join("links").join(hash(token));
        let Ok(text) = std::fs::read_to_string(&path) else { return false };
        // Whoever removes it has it: two at once cannot both.
        let mine = std::fs::remove_file(&path).is_ok();
        let fresh = text.parse::<Timestamp>().is_ok_and(|made| now().seconds_since(made) < LINK_SECONDS);
        mine && fresh
    }

    fn begin(&self) -> Result<String, NodeError> {
        let token = token();
        self.change(|sessions| {
            sessions.retain(|_, since| now().seconds_since(*since) < SESSION_SECONDS);
            sessions.insert(hash(&token), now());
        })?;
        Ok(token)
    }

    fn end(&self, token: &str) -> Result<(), NodeError> {
        self.change(|sessions| {
            sessions.remove(&hash(token));
        })
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Timestamp>)) -> Result<(), NodeError> {
        // Held while it is written: two that come at once must not write over one another.
        let mut sessions = lock(&self.sessions);
        change(&mut sessions);
        let bytes = serde_json::to_vec(&*sessions).unwrap_or_default();
        write_secret(&self.folder.join("sessions.json"), &bytes)
    }

    pub(crate) fn holds(&self, token: &str) -> bool {
        lock(&self.sessions)
            .get(&hash(token))
            .is_some_and(|since| now().seconds_since(*since) < SESSION_SECONDS)
    }
}

/// Cookies do not tell ports apart, and two nodes may run on one machine: each has its own name.
fn cookie_name(api: &Api) -> String {
    format!("bongsu_{}", api.core.config.name)
}

pub(crate) fn cookie(api: &Api, headers: &HeaderMap) -> Option<String> {
    let name = cookie_name(api);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, token)| token.to_owned())
}

/// Lets nobody past without a session; a change also needs the header that other sites cannot send.
pub(crate) async fn guard(State(api): State<Api>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let path = request.uri().path();
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let monitoring =
        path == "/metrics" && bearer.is_some_and(|t| hash(t) == hash(&api.sessions.metrics_token));
    let inside = monitoring || cookie(&api, headers).is_some_and(|token| api.sessions.holds(&token));
    if !inside {
        if path.starts_with("/api/") || path == "/metrics" {
            return Failure::new(StatusCode::UNAUTHORIZED, "node::no_session", "there is no session")
                .hint("open the link that `bongsu serve` printed, or make one with `bongsu officer link`")
                .into_response();
        }
        // A strict cookie is not sent when a link on another site leads here: a page of our own in between asks again.
        let from_elsewhere =
            headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site");
        let page = if path == "/" && from_elsewhere { page(ASK_AGAIN) } else { page(NO_SESSION) };
        return (StatusCode::UNAUTHORIZED, no_store(), Html(page)).into_response();
    }
    if writes(request.method()) && headers.get("x-bongsu").is_none_or(|value| value != "1") {
        return Failure::new(StatusCode::FORBIDDEN, "node::no_header", "the header `X-Bongsu: 1` is missing")
            .into_response();
    }
    next.run(request).await
}

/// A page that needs nothing but itself: without a session nothing else is served.
fn page(content: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"dark light\">\
         <title>Bongsu</title></head><body><main><h1>Bongsu</h1>{content}</main></body></html>"
    )
}

fn no_store() -> [(header::HeaderName, &'static str); 1] {
    [(header::CACHE_CONTROL, "no-store")]
}

const NO_SESSION: &str = "<p>There is no session in this browser. This node lets in only who holds its one-time \
link. The node prints one when it starts; a new one is made on the node's machine by \
<code>bongsu officer link --data FOLDER</code>.</p>\
<p lang=\"ko\">이 브라우저에는 세션이 없습니다. 이 노드는 일회용 링크로만 들어올 수 있습니다. 링크는 노드가 시작할 때 출력하며, 노드가 설치된 \
컴퓨터에서 <code>bongsu officer link --data FOLDER</code> 명령으로 새로 만들 수 있습니다.</p>";

const USED_LINK: &str = "<p>This link has been used or is too old: it lets in once, within 15 minutes. A new one is made \
on the node's machine by <code>bongsu officer link --data FOLDER</code>.</p>\
<p lang=\"ko\">이미 사용했거나 기한이 지난 링크입니다. 링크는 15분 안에 한 번만 쓸 수 있습니다. 노드가 설치된 컴퓨터에서 \
<code>bongsu officer link --data FOLDER</code> 명령으로 새로 만들 수 있습니다.</p>";

const ASK_AGAIN: &str = "<meta http-equiv=\"refresh\" content=\"0;url=/\"><p><a href=\"/\">Go on to the console</a></p>\
<p lang=\"ko\"><a href=\"/\">콘솔로 계속</a></p>";

#[derive(Deserialize)]
pub(crate) struct Enter {
    token: String,
}

pub(crate) async fn enter(
    State(api): State<Api>,
    Query(query): Query<Enter>,
    headers: HeaderMap,
) -> Response {
    if !api.sessions.redeem(&query.token) {
        // Whoever opens the used link again in the browser that it let in is in already.
        if cookie(&api, &headers).is_some_and(|token| api.sessions.holds(&token)) {
            return Redirect::to("/").into_response();
        }
        return (StatusCode::UNAUTHORIZED, no_store(), Html(page(USED_LINK))).into_response();
    }
    match api.sessions.begin() {
        Ok(token) => {
            tracing::info!("an officer came in by a one-time link");
            let secure = if api.core.config.tls { "; Secure" } else { "" };
            let cookie = format!(
                "{}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={SESSION_SECONDS}{secure}",
                cookie_name(&api)
            );
            ([(header::SET_COOKIE, cookie)], no_store(), Redirect::to("/")).into_response()
        }
        Err(e) => Failure::from(e).into_response(),
    }
}

/// Who is at the console of which node.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// `bongsu.session/1`.
    schema: &'static str,
    node: NodeView,
    /// Role of the person.
    officer: &'static str,
    #[schema(value_type = String, format = DateTime)]
    now: Timestamp,
}

/// A node as it presents itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct NodeView {
    name: String,
    title: String,
    country: String,
    /// Ed25519 public key, hexadecimal.
    key: String,
    version: &'static str,
}

/// The present session.
#[utoipa::path(get, path = "/api/session", tag = "session", responses((status = 200, body = SessionView), (status = 401, body = super::ErrorView)))]
pub(crate) async fn session(State(api): State<Api>) -> Json<SessionView> {
    let config = &api.core.config;
    Json(SessionView {
        schema: "bongsu.session/1",
        node: NodeView {
            name: config.name.to_string(),
            title: config.title.clone(),
            country: config.country.to_string(),
            key: api.core.public.to_hex(),
            version: env!("CARGO_PKG_VERSION"),
        },
        officer: "local officer",
        now: api.core.surroundings.now(),
    })
}

/// Ends the present session.
#[utoipa::path(post, path = "/api/session/end", tag = "session", responses((status = 204)))]
pub(crate) async fn end(State(api): State<Api>, headers: HeaderMap) -> Result<StatusCode, Failure> {
    if let Some(token) = cookie(&api, &headers) {
        api.sessions.end(&token)?;
    }
    Ok(StatusCode::NO_CONTENT)
}
