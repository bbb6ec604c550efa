//! The live stream of a console page.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Api;
use crate::events::NodeEvent;
use crate::people::{Caller, row};
use crate::serve::stopped;

/// How often an open stream looks whether its session still stands.
const SESSION_CHECK: Duration = Duration::from_secs(1);
/// Most missed events that are gathered in one go.
const MOST_MISSED: usize = 1000;

/// Server-sent events: `entry`, `recall`, `link`, `job`. The id is the place in the log; `Last-Event-ID` goes on behind it.
#[utoipa::path(get, path = "/api/events", tag = "record",
    params(("Last-Event-ID" = Option<u64>, Header, description = "The id of the last event that was seen")),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(crate) async fn events(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let receiver = api.core.events.subscribe();
    let seen: Option<u64> =
        headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    // Subscribed first, then looked up: an event may come twice, never not at all; `seen` drops the double.
    let token = caller.token;
    let page = match seen {
        Some(seen) => Page { receiver, api, token, seen: Some(seen), behind: true },
        None => {
            let newest = api.core.read().entries.last().map(|meta| meta.seq);
            Page { receiver, api, token, seen: newest, behind: false }
        }
    };
    use futures_util::StreamExt;
    let all = stream::unfold(page, |mut page| async move { page.next().await.map(|events| (events, page)) })
        .flat_map(|events| stream::iter(events.into_iter().map(|event| Ok(sse(&event)))));
    Sse::new(all).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// An open page and how far it has seen the log.
struct Page {
    receiver: Receiver<NodeEvent>,
    api: Api,
    token: String,
    seen: Option<u64>,
    /// There may be entries behind `seen` that no longer come over the receiver.
    behind: bool,
}

impl Page {
    /// The next events; `None` when the node stops or the session has ended.
    async fn next(&mut self) -> Option<Vec<NodeEvent>> {
        let mut stop = self.api.stop.clone();
        let mut check = tokio::time::interval(SESSION_CHECK);
        loop {
            if !self.may_listen() {
                return None;
            }
            if self.behind {
                let missed = self.missed();
                if missed.is_empty() {
                    continue;
                }
                return Some(missed);
            }
            let event = tokio::select! {
                () = stopped(&mut stop) => return None,
                _ = check.tick() => continue,
                event = self.receiver.recv() => event,
            };
            match event {
                Ok(NodeEvent::Entry { seq, .. }) if self.seen.is_some_and(|seen| seq <= seen) => {}
                Ok(event) if self.may_listen() => {
                    if let NodeEvent::Entry { seq, .. } = event {
                        self.seen = Some(seq);
                    }
                    return Some(vec![event]);
                }
                Ok(_) => return None,
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Whether the session still stands and its roles still allow this.
    fn may_listen(&self) -> bool {
        let caller = self.api.people.caller(&self.token);
        caller.is_some_and(|c| row("GET", "/api/events").is_some_and(|row| row.allows(&c.roles)))
    }

    /// The first of what is in the log behind `seen`, in its order.
    fn missed(&mut self) -> Vec<NodeEvent> {
        let p = self.api.core.read();
        let from = self.seen.map_or(0, |seen| usize::try_from(seen).unwrap_or(usize::MAX).saturating_add(1));
        let behind = p.entries.get(from..).unwrap_or_default();
        let first = &behind[..behind.len().min(MOST_MISSED)];
        self.behind = first.len() < behind.len();
        // One that names a place beyond the end goes on at the end.
        self.seen = first.last().or(p.entries.last()).map(|meta| meta.seq);
        first.iter().filter_map(|meta| NodeEvent::of_meta(&p, meta)).collect()
    }
}

fn sse(event: &NodeEvent) -> Event {
    let (name, id, data) = event.parts();
    let event = Event::default().event(name).data(data.to_string());
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}
