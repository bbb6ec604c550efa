//! Asking an originator whether its item may go on to another, and answering such a question. For this node's
//! officers only.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use base::{EntryId, Marking, NodeName, Timestamp};
use link::{Grant, ReleaseRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::accounts::{ApprovalAnswer, ApprovalRequest, approved};
use super::model::{Page, PageQuery, Receipt, page};
use super::viewer::OwnerOnly;
use super::{Api, ErrorView, Failure};
use crate::core::{Draft, lock};
use crate::people::{ActKind, Caller};
use crate::view::{Noun, Row, View};

/// Longest reason of a request.
const MAX_REASON: usize = 2000;
/// Longest time that a grant may hold, in hours.
const MAX_HOURS: f64 = 24.0 * 365.0;

/// The entry as the owner sees it.
async fn row_of(api: &Api, id: EntryId) -> Result<Option<Row>, Failure> {
    let place = api.core.place(id).await?;
    Ok(api.core.read(&View::Owner, move |reader| Ok(reader.rows()?.by_home(place)?)).await?)
}

/// To whom an item of another owner should go on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseRequestBody {
    /// The name of a peer of this node.
    audience: String,
    /// Why; the originator's officer reads it.
    reason: String,
}

/// Asks the originator of a received item whether it may go on to another peer. Nothing leaves before it grants.
#[utoipa::path(post, path = "/api/entries/{id}/request-release", tag = "share", params(("id" = String, Path)),
    request_body = ReleaseRequestBody,
    responses((status = 201, body = Receipt), (status = 404, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn request_release(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(request): Json<ReleaseRequestBody>,
) -> Result<(StatusCode, Json<Receipt>), Failure> {
    let core = &api.core;
    let target: EntryId = id.parse().map_err(|_| Failure::not_found())?;
    let reason = request.reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Failure::bad(format!("`reason` must have 1 to {MAX_REASON} characters")));
    }
    let audience: NodeName =
        request.audience.parse().map_err(|e| Failure::bad(format!("`audience`: {e}")))?;
    let conflict = |message: &str| Failure::new(StatusCode::CONFLICT, "node::conflict", message);
    let row = row_of(&api, target).await?.filter(|row| row.noun != Noun::Purged);
    let row = row.ok_or_else(Failure::not_found)?;
    if row.is_own() {
        return Err(conflict("it is this node's own: its marking says who gets it"));
    }
    if row.recalled_by.is_some() {
        return Err(conflict("its owner took it back"));
    }
    let owner = row.country;
    let link = core.link(&audience).ok_or_else(|| Failure::bad("`audience` is no peer of this node"))?;
    let draft = Draft::Request(ReleaseRequest {
        target,
        audience,
        audience_country: link.peer.country.clone(),
        reason: reason.to_owned(),
        marking: Marking::new("RESTRICTED", &[owner.as_str()], core.config.country.as_str()),
    });
    let act = core.act(ActKind::ReleaseAsked, caller.actor()).about([target]);
    let ids = core.append(vec![draft, Draft::Act(Box::new(act))]).await?;
    let id = ids.first().ok_or_else(Failure::not_found)?;
    Ok((StatusCode::CREATED, Json(Receipt::of(*id))))
}

/// A question whether an item may go on, and its answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct RequestView {
    id: String,
    /// The item.
    target: String,
    /// The node that asks.
    from: String,
    /// The node that would get it.
    audience: String,
    audience_country: String,
    reason: String,
    /// `open`, `granted`, `refused` or `expired`.
    state: &'static str,
    /// The entry that answers it.
    answer: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
}

fn view(
    id: EntryId,
    from: &NodeName,
    asked: &ReleaseRequest,
    answer: Option<(EntryId, &Grant)>,
    now: Timestamp,
) -> RequestView {
    let state = match answer {
        None => "open",
        Some((_, grant)) if !grant.granted => "refused",
        Some((_, grant)) if grant.expires <= now => "expired",
        Some(_) => "granted",
    };
    RequestView {
        id: id.to_string(),
        target: asked.target.to_string(),
        from: from.to_string(),
        audience: asked.audience.to_string(),
        audience_country: asked.audience_country.to_string(),
        reason: asked.reason.clone(),
        state,
        answer: answer.map(|(id, _)| id.to_string()),
        expires: answer.map(|(_, grant)| grant.expires),
    }
}

/// Questions of this node to originators, and of peers to this node.
#[utoipa::path(get, path = "/api/release-requests", tag = "share", params(PageQuery),
    responses((status = 200, body = Page<RequestView>)))]
pub(crate) async fn release_requests(
    State(api): State<Api>,
    _: OwnerOnly,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<RequestView>>, Failure> {
    let now = api.core.surroundings.now();
    let index = lock(&api.core.index);
    let all: Vec<_> = index.requests.iter().collect();
    page("bongsu.release-requests/1", &all, &query, |(id, (from, asked))| {
        view(**id, from, asked, index.answer(id), now)
    })
    .map(Json)
}

/// The originator's answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    granted: bool,
    /// For how long the grant holds, in hours; 24 when left out.
    #[serde(default)]
    hours: Option<f64>,
    /// Needed from who has a passkey.
    #[serde(default)]
    approval: Option<ApprovalAnswer>,
}

/// Grants or refuses what a peer asked for an item of this node. A grant is bound to the item, the audience and a time.
#[utoipa::path(post, path = "/api/release-requests/{id}/answer", tag = "share", params(("id" = String, Path)),
    request_body = Answer,
    responses((status = 201, body = Receipt), (status = 404, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn answer_request(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(answer): Json<Answer>,
) -> Result<(StatusCode, Json<Receipt>), Failure> {
    let core = &api.core;
    let id: EntryId = id.parse().map_err(|_| Failure::not_found())?;
    let hours = answer.hours.unwrap_or(24.0);
    if !(hours > 0.0 && hours <= MAX_HOURS) {
        return Err(Failure::bad(format!("`hours` must be above 0 and at most {MAX_HOURS}")));
    }
    let (from, asked) = lock(&core.index).requests.get(&id).cloned().ok_or_else(Failure::not_found)?;
    let conflict = |message: &str| Failure::new(StatusCode::CONFLICT, "node::conflict", message);
    let own = row_of(&api, asked.target).await?.is_some_and(|row| row.is_own() && row.recalled_by.is_none());
    if from == core.config.name || !own {
        return Err(conflict("only the owner of an item that stands can answer for it"));
    }
    let holder = core.link(&from).ok_or_else(Failure::not_found)?.peer.country.clone();
    let mut to = vec![holder.as_str(), asked.audience_country.as_str()];
    if !answer.granted {
        // Whom a refusal concerns is between the two.
        to.truncate(1);
    }
    let approval = {
        let asked = ApprovalRequest::AnswerRequest { request: id, granted: answer.granted, hours };
        approved(&api, &caller, &asked, answer.approval).await?
    };
    let draft = Draft::Grant(Grant {
        target: asked.target,
        audience: asked.audience.clone(),
        audience_country: asked.audience_country.clone(),
        granted: answer.granted,
        request: Some(id),
        expires: core.surroundings.now().plus_seconds(hours * 3600.0),
        marking: Marking::new("RESTRICTED", &to, core.config.country.as_str()),
    });
    let mut act = core.act(ActKind::ReleaseAnswered, caller.actor()).about([id, asked.target]);
    act.approval = approval;
    let ids = core.append(vec![draft, Draft::Act(Box::new(act))]).await?;
    let id = ids.first().ok_or_else(Failure::not_found)?;
    Ok((StatusCode::CREATED, Json(Receipt::of(*id))))
}
