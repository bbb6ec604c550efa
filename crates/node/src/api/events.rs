//! The live stream of a console page.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream;
use tokio::sync::broadcast::error::RecvError;

use super::Api;
use super::session::cookie;
use crate::events::NodeEvent;
use crate::serve::stopped;

/// How often an open stream looks whether its session still stands.
const SESSION_CHECK: Duration = Duration::from_secs(1);
/// Most missed events that are sent again; a page that was away longer loads anew.
const MOST_MISSED: usize = 1000;

/// Server-sent events: `entry`, `recall`, `link`, `job`. The id is the place in the log; `Last-Event-ID` goes on behind it.
#[utoipa::path(get, path = "/api/events", tag = "record",
    params(("Last-Event-ID" = Option<u64>, Header, description = "The id of the last event that was seen")),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
pub(crate) async fn events(
    State(api): State<Api>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let receiver = api.core.events.subscribe();
    let seen: Option<u64> =
        headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    // Subscribed first, then looked up: an event may come twice, never not at all; `seen` drops the double.
    let (missed, seen) = missed(&api, seen);
    let token = cookie(&api, &headers).unwrap_or_default();
    let live =
        stream::unfold((receiver, api, seen, token), |(mut receiver, api, mut seen, token)| async move {
            let mut stop = api.stop.clone();
            let mut check = tokio::time::interval(SESSION_CHECK);
            loop {
                let event = tokio::select! {
                    () = stopped(&mut stop) => return None,
                    _ = check.tick() => {
                        if api.sessions.holds(&token) {
                            continue;
                        }
                        return None;
                    }
                    event = receiver.recv() => event,
                };
                if !api.sessions.holds(&token) {
                    return None;
                }
                match event {
                    Ok(NodeEvent::Entry { seq, .. }) if seen.is_some_and(|seen| seq <= seen) => {}
                    Ok(event) => {
                        if let NodeEvent::Entry { seq, .. } = event {
                            seen = Some(seq);
                        }
                        return Some((vec![event], (receiver, api, seen, token)));
                    }
                    Err(RecvError::Lagged(_)) => {
                        let (events, newest) = missed_events(&api, seen);
                        seen = newest;
                        return Some((events, (receiver, api, seen, token)));
                    }
                    Err(RecvError::Closed) => return None,
                }
            }
        });
    use futures_util::StreamExt;
    let all = stream::once(async move { missed })
        .chain(live)
        .flat_map(|events| stream::iter(events.into_iter().map(|event| Ok(sse(&event)))));
    Sse::new(all).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

fn missed(api: &Api, seen: Option<u64>) -> (Vec<NodeEvent>, Option<u64>) {
    match seen {
        Some(_) => missed_events(api, seen),
        None => (Vec::new(), api.core.read().entries.last().map(|meta| meta.seq)),
    }
}

fn missed_events(api: &Api, seen: Option<u64>) -> (Vec<NodeEvent>, Option<u64>) {
    let p = api.core.read();
    let from = seen.map_or(0, |seen| usize::try_from(seen).unwrap_or(usize::MAX).saturating_add(1));
    let behind = p.entries.get(from..).unwrap_or_default();
    let recent = &behind[behind.len().saturating_sub(MOST_MISSED)..];
    let events = recent.iter().filter_map(|meta| NodeEvent::of_meta(&p, meta)).collect();
    (events, p.entries.last().map(|meta| meta.seq))
}

fn sse(event: &NodeEvent) -> Event {
    let (name, id, data) = event.parts();
    let event = Event::default().event(name).data(data.to_string());
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}
