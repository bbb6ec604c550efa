//! The TAXII 2.1 client: pulls from and pushes to other servers, each at its own pace.
//!
//! What comes goes the way of what is posted to the own server (`taxii`): a blob, an entry of the record, the index of
//! objects; then the place behind it is kept. What goes is what the label kernel lets go to the server's organisation,
//! told in an entry before it leaves. How to follow a server is decided in `threat::taxii::client`.

mod http;
mod noun;
mod one_off;
mod push;
mod round;
mod settings;
mod state;
mod status;
mod trouble;
mod walk;

use std::sync::Arc;

use label::{Audience, Level};

use self::round::Round;
use self::state::PeerStore;
use crate::NodeError;
use crate::core::Core;
use crate::serve::{Stop, stopped};
use crate::taxii::Taxii;

pub use http::TaxiiAccess;
pub use noun::{SentObject, TaxiiSent};
pub use one_off::{FetchSink, TaxiiFetch, TaxiiFetched, taxii_fetch};
pub use settings::{TaxiiPeer, TaxiiPull, TaxiiPush};
pub(crate) use settings::{check_peers, settle};
pub use state::{TaxiiPeerState, TaxiiPlace, TaxiiPushed, TaxiiUnsent};
pub use status::{TaxiiPeerStatus, taxii_peers};
pub use trouble::{TaxiiFault, TaxiiTrouble};

/// The servers that the settings name, each ready to be spoken with. Blocks.
pub(crate) fn open(
    core: &Arc<Core>,
    taxii: Option<&Arc<Taxii>>,
    stop: &Stop,
) -> Result<Vec<Peer>, NodeError> {
    let Some(taxii) = taxii.filter(|_| !core.config.taxii_peers.is_empty()) else { return Ok(Vec::new()) };
    let store = Arc::new(PeerStore::open(&core.config.data)?);
    let mut peers = Vec::new();
    for peer in &core.config.taxii_peers {
        let bad = |what: String| NodeError::BadRequest {
            message: format!("[[taxii_peers]] `{}`: {what}", peer.name),
        };
        let rules = core.rules(core.surroundings.now());
        for rule in peer.pull.iter().filter_map(|pull| pull.marking.as_ref()) {
            rules.label(&rule.marking(core.config.country.as_str())).map_err(|e| bad(e.to_string()))?;
        }
        let mut audiences = Vec::with_capacity(peer.push.len());
        for push in &peer.push {
            if !rules.codes.knows(&push.country) {
                return Err(bad(format!("`{}` is no known country", push.country)));
            }
            let clearance: Level = push.clearance.parse().map_err(|e| bad(format!("clearance: {e}")))?;
            let country = push.country.clone();
            audiences.push(Audience { node: peer.name.clone(), country, clearance, organisation: None });
        }
        let (core, taxii, store) = (Arc::clone(core), Arc::clone(taxii), Arc::clone(&store));
        peers.push(Peer(Round::new(core, taxii, store, peer.clone(), audiences, stop.clone())?));
    }
    Ok(peers)
}

/// One server.
pub(crate) struct Peer(Round);

impl Peer {
    /// Speaks with the server, round after round, until the node stops.
    pub(crate) async fn run(self, mut stop: Stop) {
        let mut round = self.0;
        let mut wait = round.first_wait();
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = tokio::time::sleep(wait) => {}
            }
            let done = tokio::select! {
                () = stopped(&mut stop) => return,
                done = aside(round) => done,
            };
            match done {
                Some(after) => round = after,
                None => return,
            }
            wait = round.wait();
        }
    }
}

/// Does a round on a thread of its own: a server that says nothing for minutes must not hold up the node's stop.
/// `None` when the node stops or cannot keep how it stands.
async fn aside(mut round: Round) -> Option<Round> {
    let (reply, answer) = tokio::sync::oneshot::channel();
    let spawned = std::thread::Builder::new().name("taxii".to_owned()).spawn(move || {
        let done = match round.run() {
            Ok(()) => Some(round),
            Err(NodeError::Stopping) => None,
            Err(error) => {
                tracing::error!(%error, "a TAXII server is not asked any more: how it stands cannot be kept");
                None
            }
        };
        // Nobody waits for it any more when the node stops.
        let _ = reply.send(done);
    });
    if let Err(error) = spawned {
        tracing::error!(%error, "no thread for a TAXII server");
        return None;
    }
    answer.await.ok().flatten()
}
