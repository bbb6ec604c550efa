//! The live stream of a console page.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::viewer::{AsQuery, Viewer};
use super::{Api, Failure};
use crate::events::NodeEvent;
use crate::people::{Caller, row};
use crate::serve::stopped;
use crate::view::{Opened, Row, View};

/// How often an open stream looks whether its session still stands.
const SESSION_CHECK: Duration = Duration::from_secs(1);
/// Most missed events that are gathered in one go.
const MOST_MISSED: usize = 1000;

/// Server-sent events: `entry`, `recall`, `link`, `job`. The id is the place in the log; `Last-Event-ID` goes on behind
/// it. Seen as a peer, it is the place in what the peer has, and there are neither `link` nor `job`.
#[utoipa::path(get, path = "/api/events", tag = "record",
    params(AsQuery, ("Last-Event-ID" = Option<u64>, Header, description = "The id of the last event that was seen")),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(crate) async fn events(
    State(api): State<Api>,
    Viewer(view): Viewer,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Failure> {
    let receiver = (view == View::Owner).then(|| api.core.events.subscribe());
    let opened = api.core.views.get(&view).ok_or_else(Failure::not_found)?;
    let growth = opened.growth();
    let seen: Option<u64> =
        headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    let size = *growth.borrow();
    // One that names a place beyond the end goes on at the end.
    let next = seen.map_or(size, |seen| seen.saturating_add(1)).min(size);
    let page = Page { receiver, growth, opened, api, token: caller.token, next };
    let all = stream::unfold(page, |mut page| async move { page.next().await.map(|events| (events, page)) })
        .flat_map(|events| stream::iter(events.into_iter().map(|event| Ok(sse(&event)))));
    Ok(Sse::new(all).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

/// An open page and how far it has seen its log.
struct Page {
    /// Links and jobs, for the owner.
    receiver: Option<Receiver<NodeEvent>>,
    growth: watch::Receiver<u64>,
    opened: Arc<Opened>,
    api: Api,
    token: String,
    /// The place of the next entry.
    next: u64,
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
            if *self.growth.borrow_and_update() > self.next {
                let missed = self.missed().await?;
                if missed.is_empty() {
                    continue;
                }
                return Some(missed);
            }
            tokio::select! {
                () = stopped(&mut stop) => return None,
                _ = check.tick() => {}
                grown = self.growth.changed() => grown.ok()?,
                event = other(&mut self.receiver) => match event {
                    Ok(event) if self.may_listen() => return Some(vec![event]),
                    // What was missed of links and jobs, the next one of its kind tells.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    }

    /// Whether the session still stands and its roles still allow this.
    fn may_listen(&self) -> bool {
        let caller = self.api.people.caller(&self.token);
        caller.is_some_and(|c| row("GET", "/api/events").is_some_and(|row| row.lets(&c)))
    }

    /// The next entries of the log.
    async fn missed(&mut self) -> Option<Vec<NodeEvent>> {
        let (opened, from) = (Arc::clone(&self.opened), self.next);
        let read = move || -> Result<Vec<Row>, crate::NodeError> {
            Ok(opened.reader()?.rows()?.from(from, MOST_MISSED)?)
        };
        match tokio::task::spawn_blocking(read).await.ok()? {
            Ok(rows) => {
                self.next = rows.last().map_or(self.next, |row| row.seq + 1);
                Some(rows.iter().filter_map(NodeEvent::of).collect())
            }
            Err(error) => {
                tracing::error!(%error, "a stream of events ends");
                None
            }
        }
    }
}

/// The next event of links and jobs; never for who does not hear of them.
async fn other(receiver: &mut Option<Receiver<NodeEvent>>) -> Result<NodeEvent, RecvError> {
    match receiver {
        Some(receiver) => receiver.recv().await,
        None => std::future::pending().await,
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
