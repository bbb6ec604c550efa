//! Sources that are fetched.

use std::sync::Arc;
use std::time::Duration;

use base::BlobHash;
use sha2::{Digest, Sha256};

use super::{FeedKind, MAX_INPUT_BYTES, refused, take_in};
use crate::NodeError;
use crate::config::HttpFeed;
use crate::core::Core;
use crate::serve::{Stop, stopped};
use crate::view::View;

/// Fetches one address again and again until the node stops. The same bytes as last time are not taken in again, also
/// when the node was started anew in between.
pub(crate) async fn fetch(core: Arc<Core>, feed: HttpFeed, mut stop: Stop) {
    loop {
        let fetched = tokio::select! {
            () = stopped(&mut stop) => return,
            fetched = get_aside(feed.url.clone()) => fetched,
        };
        let kind = FeedKind::named(&feed.kind).unwrap_or(FeedKind::Catalogue);
        let (title, task_core) = (feed.title.clone(), Arc::clone(&core));
        let taken = tokio::task::spawn_blocking(move || {
            let bytes = fetched?;
            let hash = BlobHash::from_bytes(Sha256::digest(&bytes).into());
            if newest_titled(&task_core, kind, &title)? == Some(hash) {
                return Ok(None);
            }
            take_in(&task_core, kind, &title, bytes).map(Some)
        });
        match taken.await {
            Ok(Ok(Some(taken))) => {
                tracing::info!(feed = %feed.title, entry = %taken.entry, faults = taken.faults.len(), "fetched");
            }
            Ok(Ok(None)) => tracing::debug!(feed = %feed.title, "nothing new"),
            Ok(Err(e)) => {
                tracing::warn!(feed = %feed.title, error = %e, "fetch failed; it is tried again later");
            }
            Err(_) => return,
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(Duration::from_secs(feed.every_minutes.saturating_mul(60))) => {}
        }
    }
}

/// The raw bytes of the newest own observation of that kind and title; a log is never the same again.
fn newest_titled(core: &Core, kind: FeedKind, title: &str) -> Result<Option<BlobHash>, NodeError> {
    let Some(kind) = kind.observed_as() else { return Ok(None) };
    let newest = core.look(&View::Owner)?.owner()?.newest_observation(kind, |o| o.title == title)?;
    Ok(newest.map(|(_, observation)| observation.blob))
}

/// Fetches on a thread of its own: a server that says nothing for minutes must not hold up the node's stop.
async fn get_aside(url: String) -> Result<Vec<u8>, NodeError> {
    let (reply, answer) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("fetch".to_owned())
        .spawn(move || {
            // Nobody waits for it any more when the node stops.
            let _ = reply.send(get(&url));
        })
        .map_err(|source| NodeError::Io { path: "thread".into(), source })?;
    answer.await.map_err(|_| NodeError::Stopping)?
}

fn get(url: &str) -> Result<Vec<u8>, NodeError> {
    let bad = |message: String| refused(url, message);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(120)))
        .max_redirects(3)
        .build()
        .into();
    let mut response = agent.get(url).call().map_err(|e| bad(e.to_string()))?;
    response.body_mut().with_config().limit(MAX_INPUT_BYTES).read_to_vec().map_err(|e| bad(e.to_string()))
}
