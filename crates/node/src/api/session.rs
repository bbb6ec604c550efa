//! The door: who has a session, what its roles allow, and the pages for who has none.

use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use base::{EntryId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Api, Failure, assets, writes};
use crate::people::{Access, Caller, Role, Way, rights, row, session_seconds};
use crate::view::{Noun, View};

/// Cookies do not tell ports apart, and two nodes may run on one machine: each has its own name.
pub(crate) fn cookie_name(api: &Api) -> String {
    format!("bongsu_{}", api.core.config.name)
}

/// The value of the cookie `name`.
pub(crate) fn cookie(name: &str, headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, token)| token.to_owned())
}

/// What keeps a cookie off open lines: with TLS here, or before here.
pub(crate) fn secure(api: &Api) -> &'static str {
    if api.core.config.tls || api.people.origin.starts_with("https:") { "; Secure" } else { "" }
}

/// The cookie that carries a session.
pub(crate) fn session_cookie(api: &Api, token: &str, way: Way) -> String {
    format!(
        "{}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}",
        cookie_name(api),
        session_seconds(way),
        secure = secure(api),
    )
}

/// Lets through what the table of roles allows and nothing else; a change also needs the header that other sites
/// cannot send.
pub(crate) async fn guard(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let caller = cookie(&cookie_name(&api), request.headers()).and_then(|token| api.people.caller(&token));
    if let Err(refusal) = admit(&api, &request, caller.as_ref()) {
        return *refusal;
    }
    if let Some(caller) = caller {
        let may_list_acts = row("GET", "/api/acts").is_some_and(|row| row.lets(&caller));
        if !may_list_acts
            && let Some(id) = named_entry(&request)
            && is_an_act(&api, id).await
        {
            return Failure::not_found().into_response();
        }
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

fn admit(api: &Api, request: &Request, caller: Option<&Caller>) -> Result<(), Box<Response>> {
    let refuse = |failure: Failure| Err(Box::new(failure.into_response()));
    let (method, path) = (request.method(), request.uri().path());
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let found = matched.and_then(|matched| row(method.as_str(), matched));
    let open = match found {
        Some(row) => row.access == Access::Anybody || (matched == Some("/metrics") && monitors(api, request)),
        None => matched.is_none() && !writes(method) && assets::is_open(path),
    };
    if caller.is_none() && !open {
        return Err(Box::new(no_session(api, request)));
    }
    if writes(method) && request.headers().get("x-bongsu").is_none_or(|value| value != "1") {
        let message = "the header `X-Bongsu: 1` is missing";
        return refuse(Failure::new(StatusCode::FORBIDDEN, "node::no_header", message));
    }
    if open {
        return Ok(());
    }
    let Some(caller) = caller else { return Err(Box::new(no_session(api, request))) };
    match (found, matched) {
        (Some(row), _) if row.lets(caller) => {}
        (Some(row), _) if row.allows(&caller.roles) => {
            let message = "this shows or changes what lies beyond the clearance of your account";
            return refuse(Failure::new(StatusCode::FORBIDDEN, "node::beyond_clearance", message));
        }
        (Some(row), _) => return refuse(not_allowed(row.access)),
        // No rule, no answer: also where somebody added a route and forgot it.
        (None, Some(_)) => {
            let message = "there is nothing here by that method";
            return refuse(Failure::new(StatusCode::METHOD_NOT_ALLOWED, "node::no_method", message));
        }
        // The console's own files.
        (None, None) => {}
    }
    Ok(())
}

fn not_allowed(access: Access) -> Failure {
    let who = match access {
        Access::Only(roles) => roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", "),
        Access::Anybody | Access::Inside => String::new(),
    };
    Failure::new(StatusCode::FORBIDDEN, "node::not_your_role", format!("this needs one of the roles {who}"))
        .hint("an administrator of this node gives roles")
}

/// Whether a program shows the token for monitoring.
fn monitors(api: &Api, request: &Request) -> bool {
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    authorization
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|token| api.people.is_metrics_token(token))
}

/// The entry that the request names.
fn named_entry(request: &Request) -> Option<EntryId> {
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    if !matched.is_some_and(|matched| matched.starts_with("/api/entries/{id}")) {
        return None;
    }
    request.uri().path().trim_start_matches("/api/entries/").split('/').next()?.parse().ok()
}

/// Whether the entry tells what people did.
async fn is_an_act(api: &Api, id: EntryId) -> bool {
    let noun = async {
        let place = api.core.place(id).await?;
        let row = api.core.read(&View::Owner, move |reader| Ok(reader.rows()?.by_home(place)?)).await?;
        Ok::<_, crate::NodeError>(row.map(|row| row.noun))
    };
    // What cannot be looked up is not shown.
    noun.await.map_or(true, |noun| noun == Some(Noun::Act))
}

fn no_session(api: &Api, request: &Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") || path == "/metrics" {
        let hint = if api.people.is_open() {
            "open the link that `bongsu serve` printed, or make one with `bongsu officer link`"
        } else {
            "log in at /login"
        };
        return Failure::new(StatusCode::UNAUTHORIZED, "node::no_session", "there is no session")
            .hint(hint)
            .into_response();
    }
    // A strict cookie is not sent when a link on another site leads here: a page of our own in between asks again.
    let from_elsewhere = request
        .headers()
        .get("sec-fetch-site")
        .is_some_and(|site| site == "cross-site" || site == "same-site");
    let content = match (path == "/" && from_elsewhere, api.people.is_open()) {
        (true, _) => ASK_AGAIN,
        (false, true) => NO_SESSION,
        (false, false) => LOG_IN,
    };
    (StatusCode::UNAUTHORIZED, no_store(), Html(page(content))).into_response()
}

/// A page that needs nothing but itself: without a session nothing of the console is served.
fn page(content: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"dark light\">\
         <title>Bongsu</title></head><body><main><h1>Bongsu</h1>{content}</main></body></html>"
    )
}

pub(crate) fn no_store() -> [(header::HeaderName, &'static str); 1] {
    [(header::CACHE_CONTROL, "no-store")]
}

const NO_SESSION: &str = "<p>There is no session in this browser. This node has no administrator yet and lets in only \
who holds its one-time link. The node prints one when it starts; a new one is made on the node's machine by \
<code>bongsu officer link --data FOLDER</code>.</p>\
<p lang=\"ko\">이 브라우저에는 세션이 없습니다. 이 노드에는 아직 관리자가 없으며 일회용 링크로만 들어올 수 있습니다. 링크는 노드가 시작할 때 \
출력하며, 노드가 설치된 컴퓨터에서 <code>bongsu officer link --data FOLDER</code> 명령으로 새로 만들 수 있습니다.</p>";

const LOG_IN: &str = "<meta http-equiv=\"refresh\" content=\"0;url=/login\"><p>There is no session in this browser. \
<a href=\"/login\">Log in</a></p><p lang=\"ko\">이 브라우저에는 세션이 없습니다. <a href=\"/login\">로그인</a></p>";

const USED_LINK: &str = "<p>This link has been used or is too old: it lets in once, within 15 minutes. A new one is made \
on the node's machine by <code>bongsu officer link --data FOLDER</code>; a link to a person's account is made anew by an \
administrator.</p>\
<p lang=\"ko\">이미 사용했거나 기한이 지난 링크입니다. 링크는 15분 안에 한 번만 쓸 수 있습니다. 노드가 설치된 컴퓨터에서 \
<code>bongsu officer link --data FOLDER</code> 명령으로 새로 만들 수 있습니다. 개인 계정의 링크는 관리자가 다시 만듭니다.</p>";

const ASK_AGAIN: &str = "<meta http-equiv=\"refresh\" content=\"0;url=/\"><p><a href=\"/\">Go on to the console</a></p>\
<p lang=\"ko\"><a href=\"/\">콘솔로 계속</a></p>";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enter {
    token: String,
}

pub(crate) async fn enter(
    State(api): State<Api>,
    Query(query): Query<Enter>,
    caller: Option<Extension<Caller>>,
) -> Result<Response, Failure> {
    match api.people.enter(&query.token).await? {
        Some((token, way)) => {
            let to = if way == Way::Enrolment { "/#/account" } else { "/" };
            let cookie = session_cookie(&api, &token, way);
            Ok(([(header::SET_COOKIE, cookie)], no_store(), Redirect::to(to)).into_response())
        }
        // Whoever opens the used link again in the browser that it let in is in already.
        None if caller.is_some() => Ok(Redirect::to("/").into_response()),
        None => Ok((StatusCode::UNAUTHORIZED, no_store(), Html(page(USED_LINK))).into_response()),
    }
}

/// Who is at the console of which node.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// `bongsu.session/1`.
    schema: &'static str,
    node: NodeView,
    /// The person, for people.
    officer: String,
    /// The account; none for the links of the first start and of the machine's operator.
    account: Option<String>,
    way: Way,
    roles: Vec<Role>,
    /// What the roles allow beside what every session may, as `POST /api/reports`.
    rights: Vec<String>,
    /// What the account may read: `level`, `categories`, `countries`; null: everything that its roles allow.
    #[schema(value_type = Option<Object>)]
    clearance: Option<label::Clearance>,
    /// Whether recalls, introductions, grants and policies must be approved by a fresh passkey assertion.
    approves: bool,
    /// Whether the node still waits for its first administrator.
    awaits_administrator: bool,
    /// The name under which passkeys of this node work.
    origin: String,
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
pub(crate) async fn session(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Json<SessionView> {
    let config = &api.core.config;
    let own = api.people.own(&caller);
    Json(SessionView {
        schema: "bongsu.session/1",
        node: NodeView {
            name: config.name.to_string(),
            title: config.title.clone(),
            country: config.country.to_string(),
            key: api.core.public.to_hex(),
            version: env!("CARGO_PKG_VERSION"),
        },
        officer: own.map_or_else(|| "local officer".to_owned(), |account| account.title),
        account: caller.account.as_ref().map(|(_, name)| name.to_string()),
        way: caller.way,
        roles: caller.roles.iter().copied().collect(),
        rights: rights(&caller),
        clearance: caller.clearance.clone(),
        approves: api.people.must_approve(&caller),
        awaits_administrator: api.people.is_open(),
        origin: api.people.origin.clone(),
        now: api.core.surroundings.now(),
    })
}

/// Ends the present session.
#[utoipa::path(post, path = "/api/session/end", tag = "session", responses((status = 204)))]
pub(crate) async fn end(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, Failure> {
    api.people.leave(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where to go on.
#[derive(Serialize, ToSchema)]
pub(crate) struct MoveView {
    /// `bongsu.move/1`.
    schema: &'static str,
    /// A one-time address under the node's own name.
    enter: String,
}

/// A one-time link by which a session of the first start, or of a person who registers, goes on under the node's own
/// name: passkeys do not work under a bare address.
#[utoipa::path(post, path = "/api/session/move", tag = "session",
    responses((status = 200, body = MoveView), (status = 409, body = super::ErrorView)))]
pub(crate) async fn move_on(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<MoveView>, Failure> {
    Ok(Json(MoveView { schema: "bongsu.move/1", enter: api.people.move_link(&caller)? }))
}

/// The page to log in, for who has no session.
pub(crate) async fn login_page() -> Response {
    assets::login()
}
