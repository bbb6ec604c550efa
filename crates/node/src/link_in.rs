//! Receiving from peers: the route, a peer's share of this machine, and the checks that need no record.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base::{NodeName, Precedence};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use link::{Expected, MAX_BATCH_BYTES, PeerIdentity, ReceivedBatch, Refusal, Refused, Reply, VerifiedBatch};
use record::PublicKey;
use tokio::sync::{MutexGuard, SemaphorePermit};

use crate::core::{Core, Draft, lock, nobody};
use crate::peer_link::{Lane, PeerLink};
use crate::serve::LinkCaller;

/// Where batches go; the lane follows.
pub(crate) const BATCH_PATH: &str = "/link/v2/batch";

/// How long the body of a request may take.
const BODY_WITHIN: Duration = Duration::from_secs(20);
/// How long a batch waits for those that it overtook ..
const OVERTAKEN_WITHIN: Duration = Duration::from_millis(500);
/// .. and how often it looks for them.
const LOOK_FOR_OVERTAKEN: Duration = Duration::from_millis(1);
/// A peer whose batches are refused waits for each answer: so many times as long as the check took ..
const WAIT_FOR_WORK: u32 = 4;
/// .. and so long for each refusal in a row ..
const WAIT_FOR_EACH_REFUSAL: Duration = Duration::from_millis(5);
/// .. up to so many.
const MOST_WAITS: usize = 20;

pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new().route(&format!("{BATCH_PATH}/{{lane}}"), post(receive)).with_state(core)
}

async fn receive(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<LinkCaller>,
    Path(lane): Path<String>,
    request: Request,
) -> Response {
    let Some(link) = core.link(&caller.peer) else { return StatusCode::FORBIDDEN.into_response() };
    let Ok(lane) = lane.parse::<Precedence>() else { return StatusCode::NOT_FOUND.into_response() };
    // One batch of a lane is read and checked at a time, while the one before it is stored; further ones wait unread.
    let turn = link.lane(lane).turn.lock().await;
    hold_back(&core, &link, lane).await;
    let read = if link.peer.certificate == caller.certificate {
        read(request).await
    } else {
        // The connection is older than the peer's new keys.
        Err(Unread::Refused(StatusCode::FORBIDDEN, Refusal::UnknownPeer))
    };
    let began = Instant::now();
    let reply = match read {
        Ok(bytes) => match check(&core, &link, lane, bytes).await {
            Ok((batch, _room)) => {
                let _storing = in_order(link.lane(lane), batch.start(), turn).await;
                match core.receive(caller.peer.clone(), batch, caller.address.clone()).await {
                    Ok(reply) => Ok(reply),
                    Err(e) => return (StatusCode::SERVICE_UNAVAILABLE, e.to_string()).into_response(),
                }
            }
            Err(refusal) => Err((StatusCode::BAD_REQUEST, refusal)),
        },
        Err(Unread::Refused(status, refusal)) => Err((status, refusal)),
        // The connection broke off: nothing was sent that could be refused.
        Err(Unread::Broken) => return StatusCode::BAD_REQUEST.into_response(),
    };
    match reply {
        Ok(reply) => {
            let refused = matches!(&reply, Reply::Refused { refusal, .. } if !refusal.is_ordinary());
            pause(&link, refused, began).await;
            Json(reply).into_response()
        }
        Err((status, refusal)) => {
            let refused = Refused {
                peer: Some(caller.peer.clone()),
                certificate: Some(caller.certificate),
                address: Some(caller.address),
                refusal: refusal.clone(),
                at: core.surroundings.now(),
                suppressed: 0,
                marking: nobody(&core.config.country),
            };
            core.metrics.refusals.inc();
            // Recorded before it is answered; should that fail, the log of the program says so.
            let _ = core.append(vec![Draft::Refused(refused)]).await;
            pause(&link, true, began).await;
            (status, Json(Reply::Refused { refusal, size: 0 })).into_response()
        }
    }
}

/// The turn to be stored. The batches of a lane come over several connections; one that overtook those before it
/// waits for them a while, outside of its turn to be read.
async fn in_order<'l>(lane: &'l Lane, start: u64, turn: MutexGuard<'l, ()>) -> MutexGuard<'l, ()> {
    let storing = lane.storing.lock().await;
    if start <= lane.received() {
        return storing;
    }
    drop((storing, turn));
    let until = Instant::now() + OVERTAKEN_WITHIN;
    while start > lane.received() && Instant::now() < until {
        tokio::time::sleep(LOOK_FOR_OVERTAKEN).await;
    }
    lane.storing.lock().await
}

/// Who sends more than its share waits, unread.
async fn hold_back(core: &Core, link: &PeerLink, lane: Precedence) {
    let pause = link.share.pause(lane, core.others_need_it(link));
    if !pause.is_zero() {
        core.metrics.pauses.inc();
        link.share.paused(pause);
        tokio::time::sleep(pause).await;
    }
}

/// Who sends what is refused waits ever longer, so that it costs the others little.
async fn pause(link: &PeerLink, refused: bool, began: Instant) {
    if !refused {
        link.refused.store(0, Ordering::Relaxed);
        return;
    }
    let in_a_row = link.refused.fetch_add(1, Ordering::Relaxed).min(MOST_WAITS);
    let wait = WAIT_FOR_EACH_REFUSAL * u32::try_from(in_a_row).unwrap_or(0);
    tokio::time::sleep(wait + began.elapsed() * WAIT_FOR_WORK).await;
}

enum Unread {
    Refused(StatusCode, Refusal),
    Broken,
}

async fn read(request: Request) -> Result<Vec<u8>, Unread> {
    if request.headers().contains_key(CONTENT_ENCODING) {
        // What cannot be unpacked cannot burst.
        let reason = "a packed body".to_owned();
        return Err(Unread::Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, Refusal::Malformed { reason }));
    }
    let too_large = || {
        let refusal = Refusal::TooLarge { limit: MAX_BATCH_BYTES as u64 };
        Unread::Refused(StatusCode::PAYLOAD_TOO_LARGE, refusal)
    };
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: u64| bytes > MAX_BATCH_BYTES as u64) {
        return Err(too_large());
    }
    let body = Limited::new(request.into_body(), MAX_BATCH_BYTES).collect();
    match tokio::time::timeout(BODY_WITHIN, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) | Err(_) => Err(Unread::Broken),
    }
}

/// What the batch alone tells, outside the thread that writes, with the room in memory that it takes until it is
/// stored.
async fn check<'l>(
    core: &Arc<Core>,
    link: &'l Arc<PeerLink>,
    lane: Precedence,
    bytes: Vec<u8>,
) -> Result<(VerifiedBatch, SemaphorePermit<'l>), Refusal> {
    let cannot = || Refusal::CannotStore { reason: "the node is stopping".to_owned() };
    let room = link.share.room_for(bytes.len()).await.ok_or_else(cannot)?;
    let (core, sender) = (Arc::clone(core), Arc::clone(link));
    let work = move || {
        let began = Instant::now();
        let batch = verified(&core, &sender, Some(lane), &bytes);
        let items = batch.as_ref().map_or(0, |batch| batch.len() as u64);
        sender.share.came(lane, items, bytes.len() as u64);
        sender.share.worked(lane, began.elapsed());
        batch
    };
    Ok((tokio::task::spawn_blocking(work).await.map_err(|_| cannot())??, room))
}

/// Reads and checks a batch of `link`'s peer; `lane` is that of the connection, or none for a file.
pub(crate) fn verified(
    core: &Core,
    link: &PeerLink,
    lane: Option<Precedence>,
    bytes: &[u8],
) -> Result<VerifiedBatch, Refusal> {
    let batch = ReceivedBatch::read(bytes)?;
    if let Some(at) = lock(&link.expires).filter(|at| core.surroundings.now() >= *at) {
        return Err(Refusal::Expired { at });
    }
    let peer = identity(link)?;
    let author = |name: &NodeName| core.link(name).and_then(|link| identity(&link).ok());
    let expected = Expected {
        me: &core.config.name,
        domain: core.domain(),
        peer: &peer,
        lane,
        now: lane.map(|_| core.surroundings.now()),
        author: &author,
    };
    let batch = link::verify(batch, &expected, &core.pool)?;
    agreed_lane(core, link, &batch)?;
    Ok(batch)
}

/// Refuses what came in a lane that the agreement with the peer does not name, once both have signed it. What the peer
/// put there before must still get through: nothing of a lane may be left out.
fn agreed_lane(core: &Core, link: &PeerLink, batch: &VerifiedBatch) -> Result<(), Refusal> {
    let index = lock(&core.index);
    let Some((since, agreement)) = index.agreed(&core.config.name, &link.peer.node) else { return Ok(()) };
    let lane = batch.precedence();
    // A peer that dates its agreement ahead wins no time by it.
    let since = since.min(core.surroundings.now());
    if agreement.lanes.contains(&lane) || batch.newest().is_none_or(|newest| newest <= since) {
        return Ok(());
    }
    Err(Refusal::LaneNotAgreed { lane })
}

fn identity(link: &PeerLink) -> Result<PeerIdentity, Refusal> {
    let key = PublicKey::from_hex(&link.peer.key).map_err(|_| Refusal::UnknownPeer)?;
    Ok(PeerIdentity { node: link.peer.node.clone(), country: link.peer.country.clone(), key })
}
