//! The link by files, for a courier or a diode, while the node runs. For this node's officers only.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base::{NodeName, Precedence};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::FaultView;
use super::viewer::OwnerOnly;
use super::{Api, ErrorView, Failure};
use crate::NodeError;
use crate::core::Draft;
use crate::courier::{self, LaneSpan};
use crate::people::{ActKind, Caller};

/// A file for a courier ends behind the batch with which it has so many bytes; what is left goes in the next.
const FILE_BYTES: u64 = 64 << 20;
/// The largest file that is taken in: one that was written here, with its last batch.
const MOST_BYTES: usize = (FILE_BYTES as usize) + 2 * link::MAX_BATCH_BYTES;

/// From where on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CarryRequest {
    /// For a lane the first place to send, say `{"routine": 120}`; a lane that is left out begins where the last
    /// receipt ended.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, u64>)]
    from: BTreeMap<Precedence, u64>,
}

/// What one lane has in a file.
#[derive(Serialize, ToSchema)]
pub(crate) struct LaneSpanView {
    peer: String,
    precedence: &'static str,
    /// The first place.
    start: u64,
    /// The first place after.
    end: u64,
}

impl From<LaneSpan> for LaneSpanView {
    fn from(span: LaneSpan) -> Self {
        let LaneSpan { peer, precedence, start, end } = span;
        Self { peer: peer.to_string(), precedence: precedence.as_str(), start, end }
    }
}

/// What came of a file.
#[derive(Serialize, ToSchema)]
pub(crate) struct CarriedView {
    /// `bongsu.carried/1`.
    schema: &'static str,
    /// For each lane where it stood before and stands now.
    lanes: Vec<LaneSpanView>,
    /// Cosigned checkpoints that the sender may take in; one a line as JSON strings they are the file of receipts.
    receipts: Vec<String>,
    /// What was not taken: refusals, and gaps with the places that are missing.
    faults: Vec<FaultView>,
}

async fn act(api: &Api, caller: &Caller, kind: ActKind) -> Result<(), Failure> {
    let act = api.core.act(kind, caller.actor());
    api.core.append(vec![Draft::Act(Box::new(act))]).await?;
    Ok(())
}

/// Writes what a peer has not acknowledged as a file for a courier. The header `bongsu-lanes` tells what is in it, say
/// `routine=120-633`.
#[utoipa::path(post, path = "/api/peers/{name}/file", tag = "share", params(("name" = String, Path)),
    request_body = CarryRequest,
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 400, body = ErrorView), (status = 404, body = ErrorView)))]
pub(crate) async fn write(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    Json(request): Json<CarryRequest>,
) -> Result<Response, Failure> {
    let peer: NodeName = name.parse().map_err(|_| Failure::not_found())?;
    api.core.link(&peer).ok_or_else(Failure::not_found)?;
    act(&api, &caller, ActKind::CourierSent).await?;
    let mut file = Vec::new();
    let spans = courier::write_file(&api.core, &peer, &request.from, FILE_BYTES, &mut file).await?;
    let lanes: Vec<String> =
        spans.iter().map(|span| format!("{}={}-{}", span.precedence, span.start, span.end)).collect();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"to-{peer}.bongsu\"")),
        (header::HeaderName::from_static("bongsu-lanes"), lanes.join(" ")),
    ];
    Ok((StatusCode::OK, headers, file).into_response())
}

/// Takes in a file of batches that a courier brought.
#[utoipa::path(post, path = "/api/link/file", tag = "share",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = CarriedView), (status = 422, body = ErrorView)))]
pub(crate) async fn read(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<CarriedView>, Failure> {
    act(&api, &caller, ActKind::CourierReceived).await?;
    let core = api.core.clone();
    let now = tokio::runtime::Handle::current();
    // Signatures are checked on the way: nothing for the threads that answer others.
    let taken = tokio::task::spawn_blocking(move || now.block_on(courier::read_file(&core, &body[..])));
    let received = taken.await.map_err(|_| NodeError::Stopping)??;
    Ok(Json(CarriedView {
        schema: "bongsu.carried/1",
        lanes: received.lanes.into_iter().map(Into::into).collect(),
        receipts: received.receipts,
        faults: received.faults.iter().take(1000).map(Into::into).collect(),
    }))
}

/// Takes in receipts for what was sent by a file: notes as JSON strings, one a line.
#[utoipa::path(post, path = "/api/link/receipts", tag = "share",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = CarriedView), (status = 422, body = ErrorView)))]
pub(crate) async fn receipts(
    State(api): State<Api>,
    _: OwnerOnly,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<CarriedView>, Failure> {
    act(&api, &caller, ActKind::CourierReceived).await?;
    let core = api.core.clone();
    let taken = tokio::task::spawn_blocking(move || courier::read_receipts(&core, &body[..]));
    let lanes = taken.await.map_err(|_| NodeError::Stopping)??;
    Ok(Json(CarriedView {
        schema: "bongsu.carried/1",
        lanes: lanes.into_iter().map(Into::into).collect(),
        receipts: Vec::new(),
        faults: Vec::new(),
    }))
}

/// Files are larger than other requests.
pub(crate) fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(MOST_BYTES)
}
