//! How it stands with other TAXII servers. For this node's own people only.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};

use super::model::{Page, PageQuery, page};
use super::viewer::OwnerOnly;
use super::{Api, Failure};
use crate::NodeError;
use crate::taxii_client::{TaxiiPeerStatus, taxii_peers};

/// Other TAXII servers: what was pulled and pushed, what went wrong and what to do.
#[utoipa::path(get, path = "/api/taxii/peers", tag = "share", params(PageQuery),
    responses((status = 200, body = Page<TaxiiPeerStatus>)))]
pub(crate) async fn peers(
    State(api): State<Api>,
    _: OwnerOnly,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<TaxiiPeerStatus>>, Failure> {
    let core = Arc::clone(&api.core);
    let read = tokio::task::spawn_blocking(move || taxii_peers(&core.config));
    let all = read.await.map_err(|_| NodeError::Stopping)??;
    page("bongsu.taxii-peers/1", &all, &query, Clone::clone).map(Json)
}
