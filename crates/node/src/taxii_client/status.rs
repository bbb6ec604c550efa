//! How it stands with each server, for people.

use base::NodeName;
use serde::Serialize;
use threat::taxii::format_micros;
use utoipa::ToSchema;

use super::state::{PeerStore, TaxiiPeerState, TaxiiPlace, TaxiiPushed, TaxiiUnsent};
use crate::{Config, NodeError};

/// How it stands with one server.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TaxiiPeerStatus {
    /// What it is called here.
    #[schema(value_type = String)]
    pub name: NodeName,
    /// Its address.
    pub url: String,
    /// `new`, `ok`, or `failing`.
    pub state: &'static str,
    /// What was done and what went wrong.
    #[serde(flatten)]
    pub since: TaxiiPeerState,
    /// Where pulls stand.
    pub places: Vec<TaxiiPlace>,
    /// What became of pushed objects.
    pub pushed: TaxiiPushed,
    /// Pushed objects that the server has not taken, 100 at the most.
    pub unsent: Vec<TaxiiUnsent>,
}

/// How it stands with the servers of the settings, in their order; the node may run or not.
///
/// # Errors
/// When what the node kept cannot be read.
pub fn taxii_peers(config: &Config) -> Result<Vec<TaxiiPeerStatus>, NodeError> {
    let store = PeerStore::open_existing(&config.data)?;
    config.taxii_peers.iter().map(|peer| status(store.as_ref(), &peer.name, &peer.url)).collect()
}

fn status(store: Option<&PeerStore>, name: &NodeName, url: &str) -> Result<TaxiiPeerStatus, NodeError> {
    let of = name.as_str();
    let (since, places, (pushed, unsent)) = match store {
        Some(store) => (store.peer(of)?, store.places(of)?, store.pushed(of)?),
        None => Default::default(),
    };
    let state = match (&since.last_error, since.last_success) {
        (Some(_), _) => "failing",
        (None, Some(_)) => "ok",
        (None, None) => "new",
    };
    let places = places
        .into_iter()
        .map(|(task, place)| TaxiiPlace {
            collection: task.split(' ').next().unwrap_or_default().to_owned(),
            taken_up_to: place.taken_up_to().map(format_micros),
            under_way: place.is_within_walk(),
        })
        .collect();
    Ok(TaxiiPeerStatus { name: name.clone(), url: url.to_owned(), state, since, places, pushed, unsent })
}
