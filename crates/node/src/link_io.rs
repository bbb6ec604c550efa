//! Moving the link's bytes: one task per peer that sends what the state machine says, and the route that receives.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base::Timestamp;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use link::{Action, Event, LinkState, MAX_BATCH_BYTES, ReceivedBatch, Refusal, Refused, Reply};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::core::{Core, Draft, PeerLink, lock, nobody, now};
use crate::events::NodeEvent;
use crate::keys::TlsIdentity;
use crate::serve::{LinkCaller, Stop, stopped};
use crate::{NodeError, tls};

const PATH: &str = "/link/v1/batch";
/// How long connecting, and one request, may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most bytes of an answer.
const MAX_REPLY_BYTES: usize = 64 << 10;

pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new().route(PATH, post(receive)).layer(DefaultBodyLimit::max(MAX_BATCH_BYTES)).with_state(core)
}

async fn receive(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<LinkCaller>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let read = match &body {
        Ok(body) => serde_json::from_slice::<ReceivedBatch>(body).map_err(|e| {
            let reason = e.to_string().chars().take(200).collect();
            (StatusCode::BAD_REQUEST, Refusal::Malformed { reason })
        }),
        Err(e) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, Refusal::TooLarge { limit: MAX_BATCH_BYTES as u64 }))
        }
        // The connection broke off: nothing was sent that could be refused.
        Err(e) => return e.status().into_response(),
    };
    let batch = match read {
        Ok(batch) => batch,
        Err((status, refusal)) => {
            let refused = Refused {
                peer: Some(caller.peer.clone()),
                certificate: core.link(&caller.peer).map(|l| l.peer.certificate),
                address: Some(caller.address),
                refusal: refusal.clone(),
                at: now(),
                suppressed: 0,
                marking: nobody(&core.config.country),
            };
            core.metrics.refusals.inc();
            // Recorded before it is answered; should that fail, the log of the program says so.
            let _ = core.append(vec![Draft::Refused(refused)]).await;
            return (status, Json(Reply::Refused { refusal, size: 0 })).into_response();
        }
    };
    match core.receive(caller.peer, batch, caller.address).await {
        Ok(reply) => Json(reply).into_response(),
        Err(e) => (StatusCode::SERVICE_UNAVAILABLE, e.to_string()).into_response(),
    }
}

/// Starts a task for each peer, now and as they are added, until the node stops.
pub(crate) async fn run(core: Arc<Core>, identity: Arc<TlsIdentity>, mut stop: Stop) {
    let mut tasks: std::collections::BTreeMap<base::NodeName, (Arc<PeerLink>, tokio::task::JoinHandle<()>)> =
        std::collections::BTreeMap::new();
    loop {
        for link in core.links() {
            let name = link.peer.node.clone();
            if tasks.get(&name).is_some_and(|(running, _)| Arc::ptr_eq(running, &link)) {
                continue;
            }
            match tls::link_client(&identity, link.peer.certificate) {
                Ok(client) => {
                    let sender =
                        Sender { core: Arc::clone(&core), link: Arc::clone(&link), client, open: None };
                    let task = tokio::spawn(sender.run(stop.clone()));
                    if let Some((_, old)) = tasks.insert(name, (link, task)) {
                        old.abort();
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
    for (_, (_, task)) in tasks {
        let _ = tokio::time::timeout(Duration::from_secs(2), task).await;
    }
}

struct Sender {
    core: Arc<Core>,
    link: Arc<PeerLink>,
    client: Arc<ClientConfig>,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Sender {
    async fn run(mut self, mut stop: Stop) {
        let mut inbox = Vec::new();
        loop {
            let actions = lock(&self.link.outbound).poll(now(), std::mem::take(&mut inbox));
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
                        let items = lock(&self.link.outbound).acked();
                        tracing::debug!(peer = %self.link.peer.node, items, "acknowledged");
                        self.core.metrics.items_acknowledged.inc();
                        *lock(&self.link.last_ack) = Some(now());
                        let _ = self.core.acknowledged(self.link.peer.node.clone(), checkpoint);
                        self.tell();
                    }
                    Action::Changed(state) => {
                        tracing::info!(peer = %self.link.peer.node, ?state, "link");
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
                () = self.link.wake.notified() => {}
                () = tokio::time::sleep(until(wake_at)) => {}
            }
        }
    }

    fn tell(&self) {
        let (state, acked, log_size) = {
            let outbound = lock(&self.link.outbound);
            (state_word(outbound.state()), outbound.acked(), outbound.size())
        };
        let peer = self.link.peer.node.clone();
        let _ = self.core.events.send(NodeEvent::Link { peer, state, acked, log_size });
    }

    async fn send(&mut self, start: u64, end: u64) -> Result<Reply, String> {
        let text = |e: NodeError| e.to_string();
        let items = self.core.gather(self.link.peer.node.clone(), start, end).await.map_err(text)?;
        let core = Arc::clone(&self.core);
        let link = Arc::clone(&self.link);
        let batch = core
            .with_record(move |record| lock(&link.outbound).batch(start, items, record.key()))
            .await
            .map_err(text)?
            .map_err(|e| e.to_string())?;
        let body = serde_json::to_vec(&batch).map_err(|e| e.to_string())?;
        tokio::time::timeout(PATIENCE, self.post(body)).await.map_err(|_| "no answer in time".to_owned())?
    }

    async fn post(&mut self, body: Vec<u8>) -> Result<Reply, String> {
        let mut connection = match self.open.take().filter(|open| !open.is_closed()) {
            Some(open) => open,
            None => self.connect().await?,
        };
        connection.ready().await.map_err(|e| e.to_string())?;
        let request = hyper::Request::post(PATH)
            .header("host", &self.link.peer.address)
            .header("content-type", "application/json")
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
    }
}
