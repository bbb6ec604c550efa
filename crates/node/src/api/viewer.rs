//! Who is asking, and so what is read: the one place where a request becomes a [`View`].

use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base::NodeName;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Api, Failure, writes};
use crate::view::View;

/// Through whose eyes.
#[derive(Deserialize, IntoParams)]
pub(crate) struct AsQuery {
    /// The name of a peer: the answer is what this peer could be told. For the owner's officers.
    #[serde(rename = "as")]
    #[param(rename = "as")]
    seen_as: Option<String>,
}

/// The view that a request reads.
#[derive(Debug, Clone)]
pub(crate) struct Viewer(pub(crate) View);

/// A request that only the owner may make, with its own eyes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnerOnly;

/// The view of whoever holds the session: today there is one officer, who is the owner's. Accounts with a clearance
/// become `View::User` here and nowhere else.
#[expect(clippy::unused_async, reason = "accounts will be looked up")]
async fn view_of_session(_parts: &Parts, _api: &Api) -> Result<View, Failure> {
    Ok(View::Owner)
}

fn seen_as(parts: &Parts) -> Result<Option<String>, Failure> {
    let query = Query::<AsQuery>::try_from_uri(&parts.uri);
    query.map(|query| query.0.seen_as).map_err(|_| Failure::bad("`as` must be given once"))
}

impl FromRequestParts<Api> for Viewer {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        let own = view_of_session(parts, api).await?;
        let Some(name) = seen_as(parts)? else { return Ok(Self(own)) };
        if own != View::Owner {
            return Err(not_the_owner());
        }
        let view = View::Peer(name.parse::<NodeName>().map_err(|_| Failure::not_found())?);
        if api.core.views.get(&view).is_none() {
            return Err(Failure::not_found());
        }
        Ok(Self(view))
    }
}

impl FromRequestParts<Api> for OwnerOnly {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        match Viewer::from_request_parts(parts, api).await? {
            Viewer(View::Owner) => Ok(Self),
            Viewer(_) => Err(not_the_owner()),
        }
    }
}

fn not_the_owner() -> Failure {
    Failure::new(StatusCode::FORBIDDEN, "node::owner_only", "this is for the owner of the node")
}

/// Through another's eyes one only looks.
pub(crate) async fn look_only(State(_): State<Api>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if writes(&parts.method) {
        match seen_as(&parts) {
            Ok(None) => {}
            Ok(Some(_)) => return not_the_owner().into_response(),
            Err(failure) => return failure.into_response(),
        }
    }
    next.run(Request::from_parts(parts, body)).await
}
