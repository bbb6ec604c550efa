//! Writing: reports, recalls, feeds, screenings. Each is an entry or leads to entries; nothing is changed in place.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use base::{
    Confidence, EntryId, Finding, Interval, Likelihood, Method, ObjectRef, Place, Precedence, Recall,
    Severity, Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::accounts::{ApprovalAnswer, ApprovalRequest, approved};
use super::model::{MarkingView, ObjectView, PlaceView, Receipt};
use super::read::held_by;
use super::viewer::{AtHome, OwnerOnly};
use super::{Api, ErrorView, Failure};
use crate::core::Draft;
use crate::feeds::{self, FeedKind};
use crate::jobs::Job;
use crate::people::{ActKind, Caller};
use crate::screening;
use crate::view::{Noun, View};

/// Longest title of a report.
const MAX_TITLE: usize = 200;
/// Longest text of a report.
const MAX_TEXT: usize = 20_000;

/// Why an item is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecallRequest {
    /// All who have the item will read it.
    reason: String,
    /// Needed from who has a passkey.
    #[serde(default)]
    approval: Option<ApprovalAnswer>,
}

/// Takes an own entry back: allies that have it drop its content.
#[utoipa::path(post, path = "/api/entries/{id}/recall", tag = "share", params(("id" = String, Path)), request_body = RecallRequest,
    responses((status = 200, body = Receipt), (status = 404, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn recall(
    State(api): State<Api>,
    AtHome(view): AtHome,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Json(request): Json<RecallRequest>,
) -> Result<Json<Receipt>, Failure> {
    let target: EntryId = id.parse().map_err(|_| Failure::not_found())?;
    let reason = text("reason", &request.reason, MAX_TITLE)?;
    let row = held_by(&api, &view, target).await?;
    let conflict = |message: &str| Err(Failure::new(StatusCode::CONFLICT, "node::conflict", message));
    if !row.is_own() {
        return conflict("only its owner can recall an item");
    }
    if row.recalled_by.is_some() {
        return conflict("it is recalled already");
    }
    if !matches!(row.noun, Noun::Finding | Noun::Observation | Noun::Incident) {
        return conflict("an entry of this kind cannot be recalled");
    }
    let marking = row.marking.ok_or_else(Failure::not_found)?;
    let asked = ApprovalRequest::Recall { entry: id, reason: reason.clone() };
    let approval = approved(&api, &caller, &asked, request.approval).await?;
    let mut act = api.core.act(ActKind::Recall, caller.actor()).about([target]);
    act.approval = approval;
    let drafts = vec![Draft::Recall(Recall { target, reason, marking }), Draft::Act(Box::new(act))];
    let ids = api.core.append(drafts).await?;
    ids.first().map(|id| Json(Receipt::of(*id))).ok_or_else(Failure::not_found)
}

/// What an officer reports.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportRequest {
    title: String,
    #[serde(default)]
    text: Option<String>,
    /// Beacons, 1 to 5.
    severity: u8,
    /// `low`, `moderate` or `high`.
    confidence: String,
    /// A band of ICD 203, say `likely`.
    #[serde(default)]
    likelihood: Option<String>,
    #[serde(default)]
    objects: Vec<ObjectView>,
    #[serde(default)]
    place: Option<PlaceView>,
    marking: MarkingView,
    /// Now when left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    start: Option<Timestamp>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    end: Option<Timestamp>,
    /// How urgent: `flash`, `immediate`, `priority` or `routine`. By severity when left out.
    #[serde(default)]
    precedence: Option<String>,
}

fn text(field: &str, value: &str, most: usize) -> Result<String, Failure> {
    let value = value.trim();
    if value.is_empty() || value.chars().count() > most {
        return Err(Failure::bad(format!("`{field}` must have 1 to {most} characters")));
    }
    Ok(value.to_owned())
}

fn parsed<T: serde::de::DeserializeOwned>(field: &str, value: &str) -> Result<T, Failure> {
    serde_json::from_value(serde_json::Value::String(value.to_owned()))
        .map_err(|e| Failure::bad(format!("`{field}`: {e}")))
}

/// Records an officer's report as a finding; whom it reaches, its marking says.
#[utoipa::path(post, path = "/api/reports", tag = "record", request_body = ReportRequest,
    responses((status = 201, body = Receipt), (status = 400, body = ErrorView)))]
pub(crate) async fn report(
    State(api): State<Api>,
    AtHome(view): AtHome,
    Extension(caller): Extension<Caller>,
    Json(request): Json<ReportRequest>,
) -> Result<(StatusCode, Json<Receipt>), Failure> {
    let bad = |e: &dyn std::fmt::Display| Failure::bad(e.to_string());
    let marking = base::Marking::from(request.marking);
    if marking.originator != api.core.config.country.as_str() {
        return Err(Failure::bad(format!("`marking.originator` must be {}", api.core.config.country)));
    }
    if api.core.config.country.as_str() != "ZZZ" {
        // What the kernel could not read would be withheld from everybody in silence.
        label::Label::parse(&marking, &api.core.rules(api.core.surroundings.now()).codes)
            .map_err(|e| bad(&e))?;
    }
    if let View::User(clearance) = &view
        && !clearance.admits(Some(&marking))
    {
        return Err(Failure::bad("`marking`: beyond your clearance; you could not read your own report"));
    }
    let start = request.start.unwrap_or_else(|| api.core.surroundings.now());
    let interval = Interval::new(start, request.end.unwrap_or(start)).map_err(|e| bad(&e))?;
    let place = request
        .place
        .map(|p| {
            let mut place = Place::new(p.latitude_deg, p.longitude_deg)?;
            if let Some(km) = p.altitude_km {
                place = place.with_altitude_km(km)?;
            }
            if let Some(km) = p.radius_km {
                place = place.with_radius_km(km)?;
            }
            Ok::<_, base::PlaceError>(place)
        })
        .transpose()
        .map_err(|e| bad(&e))?;
    let precedence = request.precedence.map(|word| parsed::<Precedence>("precedence", &word)).transpose()?;
    if request.objects.len() > 100 {
        return Err(Failure::bad("at most 100 objects"));
    }
    let finding = Finding {
        kind: "report.officer".to_owned(),
        title: text("title", &request.title, MAX_TITLE)?,
        text: request
            .text
            .filter(|t| !t.trim().is_empty())
            .map(|t| text("text", &t, MAX_TEXT))
            .transpose()?,
        interval,
        place,
        objects: request
            .objects
            .into_iter()
            .map(|o| {
                Ok(ObjectRef { id: text("objects.id", &o.id, 200)?, name: o.name, protected: o.protected })
            })
            .collect::<Result<_, Failure>>()?,
        severity: Severity::try_from(request.severity).map_err(|e| bad(&e))?,
        likelihood: request.likelihood.map(|l| parsed::<Likelihood>("likelihood", &l)).transpose()?,
        confidence: parsed::<Confidence>("confidence", &request.confidence)?,
        method: Method { name: "officer".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        measures: std::collections::BTreeMap::new(),
        marking,
        evidence: Vec::new(),
    };
    let mut drafts = vec![Draft::Finding(finding)];
    // The one session of the first start is nobody's: its log-in is on record, and a report adds nothing to that.
    if caller.account.is_some() {
        let act = api.core.act(ActKind::Report, caller.actor());
        drafts.push(Draft::Act(Box::new(act)));
    }
    let ids = api.core.append_as(drafts, precedence).await?;
    let id = ids.first().ok_or_else(Failure::not_found)?;
    Ok((StatusCode::CREATED, Json(Receipt::of(*id))))
}

/// What to screen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScreenRequest {
    /// How far ahead; as configured when left out.
    #[serde(default)]
    hours: Option<f64>,
    /// How near is near; as configured when left out.
    #[serde(default)]
    within_km: Option<f64>,
    /// From when; now when left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Names of the protected objects; as configured when left out.
    #[serde(default)]
    protected: Option<Vec<String>>,
}

/// A job with its schema.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobView {
    /// `bongsu.job/1`.
    schema: &'static str,
    #[serde(flatten)]
    job: Job,
}

/// Starts a screening of the protected objects against the current catalogue.
#[utoipa::path(post, path = "/api/jobs/screen", tag = "orbit", request_body = ScreenRequest,
    responses((status = 202, body = JobView), (status = 400, body = ErrorView), (status = 409, body = ErrorView)))]
pub(crate) async fn screen(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    Json(request): Json<ScreenRequest>,
) -> Result<(StatusCode, Json<JobView>), Failure> {
    let config = &api.core.config;
    let hours = request.hours.unwrap_or(config.screen_hours);
    if !(hours > 0.0 && hours <= 24.0 * 31.0) {
        return Err(Failure::bad("`hours` must be above 0 and at most 744"));
    }
    let within_km = request.within_km.unwrap_or(config.screen_within_km);
    let span =
        Interval::starting(request.from.unwrap_or_else(|| api.core.surroundings.now()), hours * 3600.0);
    let span_text = format!("{} to {}, within {within_km} km", span.start(), span.end());
    let act = api.core.act(ActKind::Screening, caller.actor()).detail(span_text);
    api.core.append(vec![Draft::Act(Box::new(act))]).await?;
    let job = screening::start(&api.core, span, within_km, request.protected)?;
    Ok((StatusCode::ACCEPTED, Json(JobView { schema: "bongsu.job/1", job })))
}

/// What an upload is called.
#[derive(Deserialize, IntoParams)]
pub(crate) struct FeedQuery {
    /// A name for people.
    title: Option<String>,
}

/// Takes in bytes: `catalogue` (TLE, 3LE or OMM as CSV, JSON, KVN or XML), `indicators` (STIX, MISP, CSV, lists; in
/// place of those of the same title), `warninglist` (MISP) or `log` (Zeek, EVTX, JSON, CSV, text: searched for the
/// indicators); also .zst or .gz.
#[utoipa::path(post, path = "/api/feeds/{kind}", tag = "work", params(("kind" = String, Path), FeedQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = Receipt), (status = 404, body = ErrorView), (status = 422, body = ErrorView)))]
pub(crate) async fn feed(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    Path(kind): Path<String>,
    Query(query): Query<FeedQuery>,
    body: Bytes,
) -> Result<(StatusCode, Json<Receipt>), Failure> {
    let Some(kind) = FeedKind::named(&kind) else {
        return Err(
            Failure::not_found().hint("the kinds of feeds are: catalogue, indicators, warninglist, log")
        );
    };
    let title = text("title", query.title.as_deref().unwrap_or("upload"), MAX_TITLE)?;
    let core = api.core.clone();
    let taken = tokio::task::spawn_blocking(move || feeds::take_in(&core, kind, &title, body.to_vec()))
        .await
        .map_err(|_| crate::NodeError::Stopping)??;
    let act = api.core.act(ActKind::Feed, caller.actor()).about([taken.entry]);
    api.core.append(vec![Draft::Act(Box::new(act))]).await?;
    let faults = taken.faults.iter().take(1000).map(Into::into).collect();
    Ok((StatusCode::CREATED, Json(Receipt { faults, ..Receipt::of(taken.entry) })))
}

/// Uploads may be large; other requests may not.
pub(crate) fn upload_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(usize::try_from(feeds::MAX_INPUT_BYTES).unwrap_or(usize::MAX))
}
