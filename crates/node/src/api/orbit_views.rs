//! The catalogue for the globe.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::viewer::{AsQuery, Viewer};
use super::{Api, ErrorView, Failure};
use crate::situation::Situation;
use crate::view::View;

/// One object of the catalogue.
#[derive(Serialize, ToSchema)]
pub(crate) struct CatalogueItem {
    norad_id: u32,
    name: Option<String>,
    protected: bool,
}

/// All objects of the current catalogue by number.
#[derive(Serialize, ToSchema)]
pub(crate) struct CatalogueList {
    /// `bongsu.catalogue/1`.
    schema: &'static str,
    /// The observation; null when there is no catalogue.
    entry: Option<String>,
    items: Vec<CatalogueItem>,
}

/// All objects of the current catalogue by number.
#[utoipa::path(get, path = "/api/catalogue", tag = "orbit", params(AsQuery), responses((status = 200, body = CatalogueList)))]
pub(crate) async fn catalogue(State(api): State<Api>, Viewer(view): Viewer) -> Json<CatalogueList> {
    let Situation { catalogue: loaded, protected, .. } = situation(&api, &view);
    let items = loaded.iter().flat_map(|l| l.catalogue.iter()).map(|set| CatalogueItem {
        norad_id: set.norad_id().get(),
        name: set.name().map(str::to_owned),
        protected: protected.contains(&set.norad_id()),
    });
    Json(CatalogueList {
        schema: "bongsu.catalogue/1",
        items: items.collect(),
        entry: loaded.as_ref().map(|l| l.entry.to_string()),
    })
}

/// The catalogue as a view has it: raw bytes do not travel with an entry, so an ally has none from here. Whoever does
/// not see everything could tell from positions what was watched.
fn situation(api: &Api, view: &View) -> Situation {
    match view {
        View::Owner => api.core.situation(),
        View::User(_) | View::Peer(_) => Situation::default(),
    }
}

/// At which time.
#[derive(Deserialize, IntoParams)]
pub(crate) struct At {
    /// RFC 3339; now when left out.
    #[param(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

/// Earth-fixed states of all objects at one time, little endian, 28 bytes each: `u32` catalogue number, three `f32`
/// kilometres, three `f32` kilometres per second (the rate of change of the former). Objects whose propagation fails
/// at that time are left out.
#[utoipa::path(get, path = "/api/catalogue/states", tag = "orbit", params(At, AsQuery),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 404, body = ErrorView)))]
pub(crate) async fn states(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Query(query): Query<At>,
) -> Result<Response, Failure> {
    let loaded = situation(&api, &view).catalogue.ok_or_else(Failure::not_found)?;
    let at = query.at.unwrap_or_else(|| api.core.surroundings.now());
    let bytes = tokio::task::spawn_blocking(move || {
        let states = loaded.ephemeris.states_at(at, None);
        let mut bytes = Vec::with_capacity(states.len() * 28);
        for (norad_id, state) in states {
            bytes.extend_from_slice(&norad_id.get().to_le_bytes());
            for value in state.position().km().into_iter().chain(state.velocity().km_s()) {
                #[expect(clippy::cast_possible_truncation, reason = "a picture needs no more than f32")]
                bytes.extend_from_slice(&(value as f32).to_le_bytes());
            }
        }
        bytes
    })
    .await
    .map_err(|_| crate::NodeError::Stopping)?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}
