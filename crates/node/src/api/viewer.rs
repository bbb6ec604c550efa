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
use crate::people::Caller;
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

/// A request of people of this node with their own eyes, be it all that there is or what a clearance admits.
#[derive(Debug, Clone)]
pub(crate) struct AtHome(pub(crate) View);

impl FromRequestParts<Api> for AtHome {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Failure> {
        match Viewer::from_request_parts(parts, api).await? {
            Viewer(View::Peer(_)) => Err(not_the_owner()),
            Viewer(view) => Ok(Self(view)),
        }
    }
}

/// A request that only the owner may make, with its own eyes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnerOnly;

/// The view of whoever holds the session. Accounts with a clearance become `View::User` here and nowhere else.
async fn view_of_session(parts: &Parts, api: &Api) -> Result<View, Failure> {
    let clearance = parts.extensions.get::<Caller>().and_then(|caller| caller.clearance.clone());
    let view = clearance.map_or(View::Owner, View::User);
    api.core.open(&view).await?;
    Ok(view)
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
        if let (View::Peer(peer), Some(caller)) = (&view, parts.extensions.get::<Caller>()) {
            api.people.note_seen_as(caller, peer).await?;
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
