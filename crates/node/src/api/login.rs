//! Coming in: by passkey, or by the organisation's identity provider. No session is needed, so every try counts.

use std::net::SocketAddr;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use webauthn_rs::prelude::PublicKeyCredential;

use super::session::{cookie, cookie_name, no_store, secure, session_cookie};
use super::{Api, Failure};
use crate::NodeError;
use crate::people::Way;
use crate::serve::ConsoleCaller;

/// How long the browser may be away at the provider.
const AWAY_SECONDS: u32 = 300;

/// Which ways in there are.
#[derive(Serialize)]
pub(crate) struct Ways {
    /// `bongsu.login-ways/1`.
    schema: &'static str,
    /// The node, for people.
    title: String,
    /// Whether passkeys work under `origin`.
    passkey: bool,
    /// What the button of the organisation's provider says.
    oidc: Option<String>,
    /// Under which name the node is to be called.
    origin: String,
    /// Whether the node still waits for its first administrator.
    awaits_administrator: bool,
}

pub(crate) async fn ways(State(api): State<Api>) -> Json<Ways> {
    Json(Ways {
        schema: "bongsu.login-ways/1",
        title: api.core.config.title.clone(),
        passkey: api.people.passkeys_ready().is_ok(),
        oidc: api.people.oidc_title(),
        origin: api.people.origin.clone(),
        awaits_administrator: api.people.is_open(),
    })
}

fn count_try(api: &Api, address: SocketAddr) -> Result<(), Failure> {
    if api.people.may_try(address.ip()) {
        return Ok(());
    }
    Err(Failure::new(StatusCode::TOO_MANY_REQUESTS, "node::too_many_tries", "too many tries to log in")
        .hint("wait a minute"))
}

fn not_let_in() -> Failure {
    // One answer for all reasons: it must not tell which accounts there are.
    Failure::new(StatusCode::UNAUTHORIZED, "node::not_let_in", "this does not let in")
}

/// What a browser needs to ask its authenticator.
#[derive(Serialize)]
pub(crate) struct Challenge {
    schema: &'static str,
    ceremony: String,
    options: Value,
}

pub(crate) async fn start(
    State(api): State<Api>,
    Extension(ConsoleCaller(address)): Extension<ConsoleCaller>,
) -> Result<Json<Challenge>, Failure> {
    count_try(&api, address)?;
    let (ceremony, options) = api.people.start_log_in()?;
    let options = serde_json::to_value(options).unwrap_or_default();
    Ok(Json(Challenge { schema: "bongsu.login-challenge/1", ceremony, options }))
}

/// What the authenticator answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assertion {
    ceremony: String,
    credential: PublicKeyCredential,
}

pub(crate) async fn finish(
    State(api): State<Api>,
    Extension(ConsoleCaller(address)): Extension<ConsoleCaller>,
    Json(request): Json<Assertion>,
) -> Result<Response, Failure> {
    count_try(&api, address)?;
    match api.people.finish_log_in(&request.ceremony, &request.credential).await {
        Ok(token) => {
            let cookie = session_cookie(&api, &token, Way::Passkey);
            Ok(([(header::SET_COOKIE, cookie)], no_store(), StatusCode::NO_CONTENT).into_response())
        }
        Err(e @ (NodeError::NotStored { .. } | NodeError::Stopping | NodeError::Io { .. })) => Err(e.into()),
        Err(e) => {
            api.people.note_failure(Way::Passkey, &e.to_string()).await;
            Err(not_let_in())
        }
    }
}

fn away_cookie(api: &Api) -> String {
    format!("{}_oidc", cookie_name(api))
}

/// Goes to the provider. The cookie must come back from another site, so it is lax; it holds no session.
pub(crate) async fn oidc(
    State(api): State<Api>,
    Extension(ConsoleCaller(address)): Extension<ConsoleCaller>,
) -> Result<Response, Failure> {
    count_try(&api, address)?;
    let (url, browser) = api.people.begin_oidc().await?;
    let name = away_cookie(&api);
    let secure = secure(&api);
    let cookie =
        format!("{name}={browser}; Path=/login/oidc; HttpOnly; SameSite=Lax; Max-Age={AWAY_SECONDS}{secure}");
    Ok(([(header::SET_COOKIE, cookie)], no_store(), Redirect::to(&url)).into_response())
}

/// What the provider sends the browser back with. It may add parameters of its own.
#[derive(Deserialize)]
pub(crate) struct Back {
    state: Option<String>,
    code: Option<String>,
}

pub(crate) async fn oidc_callback(
    State(api): State<Api>,
    Extension(ConsoleCaller(address)): Extension<ConsoleCaller>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    count_try(&api, address)?;
    let name = away_cookie(&api);
    let token = match (back.state, back.code, cookie(&name, &headers)) {
        (Some(state), Some(code), Some(browser)) => api.people.finish_oidc(state, code, browser).await?,
        _ => {
            api.people.note_failure(Way::Oidc, "the provider sent nobody back, or to another browser").await;
            None
        }
    };
    let over = format!("{name}=; Path=/login/oidc; HttpOnly; SameSite=Lax; Max-Age=0");
    match token {
        Some(token) => {
            let cookies = [over, session_cookie(&api, &token, Way::Oidc)];
            let cookies = AppendHeaders(cookies.map(|cookie| (header::SET_COOKIE, cookie)));
            Ok((cookies, no_store(), Redirect::to("/")).into_response())
        }
        None => {
            Ok(([(header::SET_COOKIE, over)], no_store(), Redirect::to("/login#refused")).into_response())
        }
    }
}
