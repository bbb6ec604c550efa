//! Moving the link's bytes: for each peer and lane one task that sends what the state machine says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use base::{NodeName, Precedence, Timestamp};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use link::{Action, Batch, Event, Item, LinkState, Reply};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::core::{Core, lock, now};
use crate::events::NodeEvent;
use crate::keys::TlsIdentity;
use crate::link_in::BATCH_PATH;
use crate::peer_link::{Gathered, PeerLink};
use crate::serve::{Stop, stopped};
use crate::tls;

/// How long connecting, and one request, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most bytes of an answer.
const MAX_REPLY_BYTES: usize = 64 << 10;

/// The tasks that send to one peer.
struct Tasks {
    link: Arc<PeerLink>,
    lanes: Vec<JoinHandle<()>>,
}

/// Starts four tasks for each peer, now and as they are added, until the node stops.
pub(crate) async fn run(core: Arc<Core>, identity: Arc<TlsIdentity>, mut stop: Stop) {
    let mut tasks: BTreeMap<NodeName, Tasks> = BTreeMap::new();
    loop {
        for link in core.links() {
            let name = link.peer.node.clone();
            if link.via.is_some() {
                continue;
            }
            if tasks.get(&name).is_some_and(|running| Arc::ptr_eq(&running.link, &link)) {
                continue;
            }
            match tls::link_client(&identity, link.peer.certificate) {
                Ok(client) => {
                    let lanes = Precedence::ALL.map(|lane| {
                        let (core, link, client) =
                            (Arc::clone(&core), Arc::clone(&link), Arc::clone(&client));
                        let sender = Sender { core, link, lane, client, open: None };
                        tokio::spawn(sender.run(stop.clone()))
                    });
                    if let Some(old) = tasks.insert(name, Tasks { link, lanes: lanes.into() }) {
                        old.lanes.iter().for_each(JoinHandle::abort);
                    }
                }
                Err(e) => tracing::error!(peer = %name, error = %e, "no TLS for this peer"),
            }
        }
        tokio::select! {
            () = stopped(&mut stop) => break,
            () = core.peer_added.notified() => {}
        }
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(2);
    for task in tasks.into_values().flat_map(|tasks| tasks.lanes) {
        let _ = tokio::time::timeout_at(deadline, task).await;
    }
}

/// Sends one lane to one peer, over a connection of its own.
struct Sender {
    core: Arc<Core>,
    link: Arc<PeerLink>,
    lane: Precedence,
    client: Arc<ClientConfig>,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Sender {
    async fn run(mut self, mut stop: Stop) {
        let mut inbox = Vec::new();
        let link = Arc::clone(&self.link);
        let lane = link.lane(self.lane);
        loop {
            let actions = lock(&lane.outbound).poll(now(), std::mem::take(&mut inbox));
            let mut wake_at = now().plus_seconds(5.0);
            for action in actions {
                match action {
                    Action::Send { start, end } => {
                        let sent = tokio::select! {
                            // What is cut off here is sent again after the start.
                            () = stopped(&mut stop) => return,
                            sent = self.send(start, end) => sent,
                        };
                        inbox.push(match sent {
                            Ok(reply) => Event::Reply(reply),
                            Err(why) => {
                                self.open = None;
                                Event::Failed(why)
                            }
                        });
                    }
                    Action::Acknowledged(checkpoint) => {
                        let items = lock(&lane.outbound).acked();
                        tracing::debug!(peer = %self.link.peer.node, lane = %self.lane, items, "acknowledged");
                        self.core.metrics.items_acknowledged.inc();
                        *lock(&self.link.last_ack) = Some(now());
                        let peer = self.link.peer.node.clone();
                        let _ = self.core.acknowledged(peer, self.lane, checkpoint);
                        self.tell();
                    }
                    Action::Changed(state) => {
                        tracing::info!(peer = %self.link.peer.node, lane = %self.lane, ?state, "link");
                        *lock(&self.link.since) = Some(now());
                        self.tell();
                    }
                    Action::WakeAt(at) => wake_at = at,
                }
            }
            if !inbox.is_empty() {
                continue;
            }
            tokio::select! {
                () = stopped(&mut stop) => return,
                () = lane.wake.notified() => {}
                () = tokio::time::sleep(until(wake_at)) => {}
            }
        }
    }

    fn tell(&self) {
        let peer = self.link.peer.node.clone();
        let state = state_word(&self.link.state());
        let (acked, log_size) = (self.link.acked(), self.link.size());
        let _ = self.core.events.send(NodeEvent::Link { peer, state, acked, log_size });
    }

    async fn send(&mut self, start: u64, end: u64) -> Result<Reply, String> {
        let batch = batch(&self.core, &self.link, self.lane, start, end).await?;
        let body = batch.to_bytes().map_err(|e| e.to_string())?;
        tokio::time::timeout(PATIENCE, self.post(body)).await.map_err(|_| "no answer in time".to_owned())?
    }

    async fn post(&mut self, body: Vec<u8>) -> Result<Reply, String> {
        let mut connection = match self.open.take().filter(|open| !open.is_closed()) {
            Some(open) => open,
            None => self.connect().await?,
        };
        connection.ready().await.map_err(|e| e.to_string())?;
        let request = hyper::Request::post(format!("{BATCH_PATH}/{}", self.lane))
            .header("host", &self.link.peer.address)
            .header("content-type", "application/vnd.bongsu.link-batch")
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| e.to_string())?;
        let response = connection
            .send_request(request)
            .await
            .map_err(|e| format!("{e}; does the peer know this node's certificate?"))?;
        let status = response.status();
        let bytes = Limited::new(response.into_body(), MAX_REPLY_BYTES)
            .collect()
            .await
            .map_err(|e| e.to_string())?
            .to_bytes();
        self.open = Some(connection);
        serde_json::from_slice(&bytes).map_err(|_| format!("the peer answered {status}"))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let address = &self.link.peer.address;
        let stream = TcpStream::connect(address).await.map_err(|e| format!("{address}: {e}"))?;
        let _ = stream.set_nodelay(true);
        // The name is not looked at: the pinned certificate decides.
        let name = ServerName::try_from("bongsu.invalid").map_err(|e| e.to_string())?;
        let stream = TlsConnector::from(Arc::clone(&self.client))
            .connect(name, stream)
            .await
            .map_err(|e| format!("{address}: {e}"))?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "link connection ended");
            }
        });
        Ok(sender)
    }
}

/// The signed batch of what a lane has from `start` to `end`, fewer items when they are large.
pub(crate) async fn batch(
    core: &Core,
    link: &PeerLink,
    precedence: Precedence,
    start: u64,
    end: u64,
) -> Result<Batch, String> {
    let lane = link.lane(precedence);
    let fresh = lane.take_fresh(start, end);
    let known = lock(&lane.outbound).frontier_at(start);
    let (before, items) = match known {
        Some(before) if start == end || !fresh.is_empty() => {
            let index = lock(&core.index);
            // What was recalled since it was released stays here.
            let recalled = |entry: &record::Entry| index.is_recalled(&entry.id(), entry.key());
            let item = |entry: label::Released<record::Entry>| match recalled(entry.get()) {
                true => Item::Withdrawn(entry.get().id()),
                false => Item::Released(entry),
            };
            (before, fresh.into_iter().map(item).collect())
        }
        _ => {
            let gathered = core.gather(link.peer.node.clone(), precedence, start, end).await;
            let Gathered { before, items } = gathered.map_err(|e| e.to_string())?;
            (before, items)
        }
    };
    let now = core.surroundings.now();
    lock(&lane.outbound).batch(before, items, &core.key, now).map_err(|e| e.to_string())
}

fn until(at: Timestamp) -> Duration {
    Duration::try_from_secs_f64(at.seconds_since(now())).unwrap_or_default()
}

/// The word for a state in the API.
pub(crate) const fn state_word(state: &LinkState) -> &'static str {
    match state {
        LinkState::Never => "never",
        LinkState::Up => "up",
        LinkState::Down(_) => "down",
        LinkState::Refused(_) => "refused",
        LinkState::Expired(_) => "expired",
    }
}
