//! The HTTP interface: REST as the OpenAPI document says, server-sent events, and the embedded console.
//!
//! What is answered to whom says the table of roles (`people::table`); without a session that is `/healthz`, the entry
//! link and the log-in. Every read goes through the view of whoever asks (`viewer`).

mod accounts;
mod assets;
mod carried;
mod events;
mod login;
mod model;
mod mutate;
mod orbit_views;
mod peers;
mod policy;
mod read;
mod requests;
mod search;
mod session;
mod taxii;
mod viewer;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::Serialize;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::NodeError;
use crate::core::Core;
use crate::people::People;
use crate::serve::Stop;

/// What every handler has.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) core: Arc<Core>,
    pub(crate) people: Arc<People>,
    pub(crate) stop: Stop,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bongsu node",
        description = "One organisation's node: what it observed, found, shared and received. All documents carry `schema`; times are RFC 3339 UTC; ids are SHA-256 in hexadecimal.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "session", description = "Who is at the console"),
        (name = "people", description = "Accounts and what was done by whom"),
        (name = "record", description = "Entries, incidents, findings and their proof"),
        (name = "share", description = "Peers: what went, what was withheld and why"),
        (name = "policy", description = "The rules of release: policies and tables"),
        (name = "orbit", description = "Catalogue and screening"),
        (name = "work", description = "Feeds and jobs")
    )
)]
struct Document;

fn documented() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(session::session))
        .routes(routes!(session::end))
        .routes(routes!(session::move_on))
        .routes(routes!(accounts::own))
        .routes(routes!(accounts::start_passkey))
        .routes(routes!(accounts::finish_passkey))
        .routes(routes!(accounts::remove_passkey))
        .routes(routes!(accounts::accounts, accounts::add))
        .routes(routes!(accounts::roles))
        .routes(routes!(accounts::clearance))
        .routes(routes!(accounts::remove))
        .routes(routes!(accounts::link))
        .routes(routes!(accounts::acts))
        .routes(routes!(accounts::start_approval))
        .routes(routes!(read::overview))
        .routes(routes!(read::incidents))
        .routes(routes!(read::incident))
        .routes(routes!(read::findings))
        .routes(routes!(read::finding))
        .routes(routes!(read::entry))
        .routes(routes!(search::search))
        .routes(routes!(search::facets))
        .routes(routes!(search::history))
        .routes(routes!(search::release))
        .routes(routes!(read::verify_entry))
        .routes(routes!(read::verify_record))
        .routes(routes!(mutate::recall))
        .routes(routes!(mutate::report))
        .routes(routes!(mutate::screen))
        .routes(UtoipaMethodRouterExt::layer(routes!(mutate::feed), mutate::upload_limit()))
        .routes(routes!(read::feeds))
        .routes(routes!(read::jobs))
        .routes(routes!(peers::card))
        .routes(routes!(peers::peers, peers::introduce))
        .routes(routes!(peers::shared))
        .routes(routes!(peers::withheld))
        .routes(routes!(peers::refusals))
        .routes(routes!(carried::write))
        .routes(UtoipaMethodRouterExt::layer(routes!(carried::read), carried::limit()))
        .routes(UtoipaMethodRouterExt::layer(routes!(carried::receipts), carried::limit()))
        .routes(routes!(taxii::peers))
        .routes(routes!(requests::request_release))
        .routes(routes!(requests::release_requests))
        .routes(routes!(requests::answer_request))
        .routes(routes!(policy::policies, policy::propose))
        .routes(routes!(policy::try_out))
        .routes(routes!(policy::sign))
        .routes(routes!(policy::apply))
        .routes(routes!(policy::tables, policy::load_table))
        .routes(routes!(orbit_views::catalogue))
        .routes(routes!(orbit_views::states))
        .routes(routes!(events::events))
}

/// The OpenAPI document, pretty-printed, as it stands in docs/reference/openapi.json.
///
/// # Errors
/// When it has no JSON form.
pub fn openapi() -> Result<String, serde_json::Error> {
    let (_, document) = documented().split_for_parts();
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}

/// The whole interface of a node.
pub(crate) fn router(api: Api) -> Router {
    let (routes, document) = documented().split_for_parts();
    // Each request has a copy of its route: of this it must share one.
    let document = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
    let text = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    routes
        .route("/api/openapi.json", axum::routing::get(move || async move { as_json(document) }))
        .route("/metrics", axum::routing::get(metrics))
        .route("/healthz", axum::routing::get(|| async { "ok\n" }))
        .route("/enter", axum::routing::get(session::enter))
        .route("/login", axum::routing::get(session::login_page))
        .route("/login/ways", axum::routing::get(login::ways))
        .route("/login/passkey/start", axum::routing::post(login::start))
        .route("/login/passkey/finish", axum::routing::post(login::finish))
        .route("/login/oidc", axum::routing::get(login::oidc))
        .route("/login/oidc/callback", axum::routing::get(login::oidc_callback))
        .fallback(assets::serve)
        .layer(DefaultBodyLimit::max(1 << 20))
        .layer(middleware::from_fn_with_state(api.clone(), viewer::look_only))
        .layer(middleware::from_fn_with_state(api.clone(), session::guard))
        .layer(middleware::from_fn_with_state(api.clone(), check_host))
        .layer(CompressionLayer::new())
        .layer(text(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(text(header::X_FRAME_OPTIONS, "DENY"))
        .layer(text(header::REFERRER_POLICY, "no-referrer"))
        .layer(text(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ))
        .with_state(api)
}

fn as_json(document: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document).into_response()
}

async fn metrics(State(api): State<Api>, _: viewer::OwnerOnly) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], api.core.metrics.render(&api.core)).into_response()
}

/// A page of another site that makes its name point at this machine (DNS rebinding) carries its own name here.
async fn check_host(State(api): State<Api>, request: Request, next: Next) -> Response {
    api.core.metrics.requests.inc();
    let host = request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    let name =
        host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    let config = &api.core.config;
    let loopback = config.listen.ip().is_loopback();
    // Behind a proxy it is called by the name that the settings say.
    let own = api.people.origin.split("://").nth(1).unwrap_or_default();
    let known = !loopback || ["127.0.0.1", "localhost", "[::1]"].contains(&name) || host == own;
    if !known {
        return Failure::new(
            StatusCode::MISDIRECTED_REQUEST,
            "node::other_host",
            "this node does not answer to that name",
        )
        .into_response();
    }
    next.run(request).await
}

/// An error document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorView {
    /// `bongsu.error/1`.
    schema: &'static str,
    /// A stable code.
    code: &'static str,
    /// What is wrong.
    message: String,
    /// What to do.
    hint: Option<&'static str>,
}

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    hint: Option<&'static str>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Hidden and absent answer alike.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "node::not_found", "there is nothing here by that name")
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "node::bad_request", message)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let view =
            ErrorView { schema: "bongsu.error/1", code: self.code, message: self.message, hint: self.hint };
        (self.status, Json(view)).into_response()
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        let (status, code) = match &error {
            NodeError::NotFound { .. } => return Self::not_found(),
            NodeError::PolicyStep(step) => return policy::refused(step),
            NodeError::BadRequest { .. } | NodeError::BadPeer { .. } => {
                (StatusCode::BAD_REQUEST, "node::bad_request")
            }
            NodeError::BadInput { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "node::bad_input"),
            NodeError::Conflict { .. } => (StatusCode::CONFLICT, "node::conflict"),
            NodeError::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "node::stopping"),
            NodeError::NotStored { .. } => (StatusCode::INSUFFICIENT_STORAGE, "node::not_stored"),
            other => {
                // Paths and system messages are for the operator's log.
                tracing::error!(error = %other, "request failed");
                return Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "node::internal",
                    "the node could not do this; its log says why",
                );
            }
        };
        Self::new(status, code, error.to_string())
    }
}

/// Whether a request could change something.
fn writes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
