//! Moving the link's bytes: for each peer and lane one task that sends what the state machine says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use base::{NodeName, Precedence, Timestamp};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use link::{Action, Batch, Event, Item, LinkState, Reply};
use record::Frontier;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::core::{Core, lock};
use crate::events::NodeEvent;
use crate::keys::TlsIdentity;
use crate::link_in::BATCH_PATH;
use crate::peer_link::{Gathered, PeerLink};
use crate::serve::{Stop, stopped};
use crate::{NodeError, tls};

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
                        let (core, link) = (Arc::clone(&core), Arc::clone(&link));
                        let line = Line {
                            address: link.peer.address.clone(),
                            path: format!("{BATCH_PATH}/{lane}"),
                            client: Arc::clone(&client),
                        };
                        let (idle, under_way) = (Vec::new(), VecDeque::new());
                        let sender = Sender { core, link, lane, line, idle, under_way };
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

/// Sends one lane to one peer, over connections of its own.
struct Sender {
    core: Arc<Core>,
    link: Arc<PeerLink>,
    lane: Precedence,
    line: Line,
    /// Connections on which nothing is under way.
    idle: Vec<SendRequest<Full<Bytes>>>,
    /// What was sent and not answered, oldest first.
    under_way: VecDeque<Posted>,
}

/// The answer to a batch on its way, with the connection when it can be used again.
type Posted = JoinHandle<Result<(Reply, SendRequest<Full<Bytes>>), String>>;

impl Sender {
    async fn run(mut self, mut stop: Stop) {
        let mut inbox = Vec::new();
        let link = Arc::clone(&self.link);
        let lane = link.lane(self.lane);
        'run: loop {
            let actions = lock(&lane.outbound).poll(self.now(), std::mem::take(&mut inbox));
            let mut wake_at = self.now().plus_seconds(5.0);
            let mut sent = false;
            for action in actions {
                match action {
                    Action::Send { start, end } => {
                        let made = tokio::select! {
                            // What is cut off here is sent again after the start.
                            () = stopped(&mut stop) => break 'run,
                            made = self.make(start, end) => made,
                        };
                        match made {
                            Ok(body) => self.post(body),
                            Err(why) => inbox.push(Event::Failed(why)),
                        }
                        sent = true;
                    }
                    Action::Acknowledged(checkpoint) => {
                        let items = lock(&lane.outbound).acked();
                        tracing::debug!(peer = %self.link.peer.node, lane = %self.lane, items, "acknowledged");
                        self.core.metrics.items_acknowledged.inc();
                        *lock(&self.link.last_ack) = Some(self.now());
                        let peer = self.link.peer.node.clone();
                        let _ = self.core.acknowledged(peer, self.lane, checkpoint);
                        self.tell();
                    }
                    Action::Changed(state) => {
                        tracing::info!(peer = %self.link.peer.node, lane = %self.lane, ?state, "link");
                        *lock(&self.link.since) = Some(self.now());
                        self.tell();
                    }
                    Action::WakeAt(at) => wake_at = at,
                }
            }
            // Nobody waits any more for the answers to what was given up.
            let awaited = lock(&lane.outbound).under_way();
            self.under_way.drain(awaited.min(self.under_way.len())..).for_each(|posted| posted.abort());
            if sent {
                continue;
            }
            let wait = self.until(wake_at);
            tokio::select! {
                () = stopped(&mut stop) => break 'run,
                () = lane.wake.notified() => inbox.extend(lane.news()),
                Some(answer) = answered(&mut self.under_way) => inbox.push(match answer {
                    Ok((reply, open)) => {
                        self.idle.push(open);
                        Event::Reply(reply)
                    }
                    Err(why) => {
                        self.idle.clear();
                        Event::Failed(why)
                    }
                }),
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.under_way.iter().for_each(JoinHandle::abort);
    }

    fn now(&self) -> Timestamp {
        self.core.surroundings.now()
    }

    fn until(&self, at: Timestamp) -> Duration {
        Duration::try_from_secs_f64(at.seconds_since(self.now())).unwrap_or_default()
    }

    fn tell(&self) {
        let peer = self.link.peer.node.clone();
        let state = state_word(&self.link.state());
        let (acked, log_size) = (self.link.acked(), self.link.size());
        let _ = self.core.events.send(NodeEvent::Link { peer, state, acked, log_size });
    }

    /// The batch from `start` to `end` as bytes.
    async fn make(&self, start: u64, end: u64) -> Result<Bytes, String> {
        let batch = batch(&self.core, &self.link, self.lane, (start, end)).await?;
        Ok(batch.to_bytes().map_err(|e| e.to_string())?.into())
    }

    /// Sends a batch behind those that are under way.
    fn post(&mut self, body: Bytes) {
        let (line, open) = (self.line.clone(), self.idle.pop().filter(|open| !open.is_closed()));
        self.under_way.push_back(tokio::spawn(async move {
            let answer = tokio::time::timeout(PATIENCE, line.post(open, body)).await;
            answer.map_err(|_| "no answer in time".to_owned())?
        }));
    }
}

/// The answer to the oldest; the others wait for it. `None` when nothing is under way.
async fn answered(
    under_way: &mut VecDeque<Posted>,
) -> Option<Result<(Reply, SendRequest<Full<Bytes>>), String>> {
    let answer = under_way.front_mut()?.await;
    under_way.pop_front();
    Some(answer.unwrap_or_else(|e| Err(e.to_string())))
}

/// Where a lane goes.
#[derive(Clone)]
struct Line {
    address: String,
    path: String,
    client: Arc<ClientConfig>,
}

impl Line {
    /// Sends a batch over the connection that is `open`, or over a new one.
    async fn post(
        &self,
        open: Option<SendRequest<Full<Bytes>>>,
        body: Bytes,
    ) -> Result<(Reply, SendRequest<Full<Bytes>>), String> {
        let mut connection = match open {
            Some(open) => open,
            None => self.connect().await?,
        };
        connection.ready().await.map_err(|e| e.to_string())?;
        let request = hyper::Request::post(&self.path)
            .header("host", &self.address)
            .header("content-type", "application/vnd.bongsu.link-batch")
            .body(Full::new(body))
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
        let reply = serde_json::from_slice(&bytes).map_err(|_| format!("the peer answered {status}"))?;
        Ok((reply, connection))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let address = &self.address;
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
    (start, end): (u64, u64),
) -> Result<Batch, String> {
    let gathered = items(core, link, precedence, (start, end)).await;
    let (before, items) = gathered.map_err(|e| e.to_string())?;
    let now = core.surroundings.now();
    lock(&link.lane(precedence).outbound).batch(before, items, &core.key, now).map_err(|e| e.to_string())
}

/// The items, with the right edge of the log before them.
async fn items(
    core: &Core,
    link: &PeerLink,
    precedence: Precedence,
    (start, end): (u64, u64),
) -> Result<(Frontier, Vec<Item>), NodeError> {
    let known = lock(&link.lane(precedence).outbound).frontier_at(start);
    if let Some(before) = known {
        if start == end {
            return Ok((before, Vec::new()));
        }
        let mut items = fresh(link, precedence, start, end);
        if !items.is_empty() {
            withdraw(core, &mut items);
            return Ok((before, items));
        }
    }
    let Gathered { before, items } = core.gather(link.peer.node.clone(), precedence, start, end).await?;
    Ok((before, items))
}

/// What was released since `start`, when it is still at hand.
fn fresh(link: &PeerLink, precedence: Precedence, start: u64, end: u64) -> Vec<Item> {
    link.lane(precedence).take_fresh(start, end).into_iter().map(Item::Released).collect()
}

/// What was recalled since it was released stays here.
fn withdraw(core: &Core, items: &mut [Item]) {
    let index = lock(&core.index);
    for item in items {
        if let Item::Released(entry) = item {
            let (id, key) = (entry.get().id(), entry.get().key());
            if index.is_recalled(&id, key) {
                *item = Item::Withdrawn(id);
            }
        }
    }
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
