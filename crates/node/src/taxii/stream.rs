//! The live stream of a collection beside polling: server-sent events, each with a cursor to go on from.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use threat::taxii::{Cursor, Endpoint, Query};

use super::answer::Refused;
use super::clients::Client;
use super::pages::{Asked, cursors};
use super::{Taxii, TaxiiCollection};
use crate::serve::stopped;

/// Objects that are read in one go.
const STEP: usize = 200;

/// An open stream and how far it is.
struct Open {
    taxii: Arc<Taxii>,
    client: Client,
    collection: String,
    query: Query,
    grown: tokio::sync::watch::Receiver<u64>,
}

impl Taxii {
    /// `GET collections/{id}/stream/`: an event `object` for each object that the same question to `objects/` would
    /// give, now and as they are added. `Last-Event-ID`, or `next`, goes on behind an event.
    pub(super) fn stream(
        self: &Arc<Self>,
        client: Client,
        collection: &TaxiiCollection,
        request: &Request,
    ) -> Result<Response, Refused> {
        let bad = |e: String| Refused::new(StatusCode::BAD_REQUEST, "taxii::bad_query", e);
        let mut query = Query::parse(request.uri().query().unwrap_or_default(), Endpoint::Objects)
            .map_err(|e| bad(e.to_string()))?;
        if let Some(last) = request.headers().get("last-event-id").and_then(|v| v.to_str().ok()) {
            let cursor = Cursor::parse(last).filter(|cursor| cursor.question == query.question);
            query.next = Some(cursor.ok_or_else(|| bad("`Last-Event-ID` is of another stream".to_owned()))?);
        }
        let open = Open {
            taxii: Arc::clone(self),
            client,
            collection: collection.id.clone(),
            query,
            grown: self.grown.subscribe(),
        };
        let events = stream::unfold(open, |mut open| async move { Some((open.next().await?, open)) })
            .flat_map(|events| stream::iter(events.into_iter().map(Ok::<_, Infallible>)));
        Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
    }
}

impl Open {
    /// The next events; `None` when the node stops or cannot read.
    async fn next(&mut self) -> Option<Vec<Event>> {
        let mut stop = self.taxii.stop.clone();
        loop {
            self.grown.borrow_and_update();
            let objects = self.objects().await.ok()?;
            if !objects.is_empty() {
                let event = |(cursor, bytes): (Cursor, Vec<u8>)| {
                    let text = String::from_utf8_lossy(&bytes).replace('\r', " ");
                    Event::default().event("object").id(cursor.to_text()).data(text)
                };
                return Some(objects.into_iter().map(event).collect());
            }
            tokio::select! {
                () = stopped(&mut stop) => return None,
                grown = self.grown.changed() => grown.ok()?,
            }
        }
    }

    async fn objects(&mut self) -> Result<Vec<(Cursor, Vec<u8>)>, Refused> {
        let (client, id, query) = (self.client.clone(), self.collection.clone(), self.query.clone());
        let objects = self
            .taxii
            .off(move |taxii| {
                let reader = taxii.store.reader()?;
                let Some(collection) = reader.collection(&id)? else { return Ok(Vec::new()) };
                let seen = taxii.seen(&reader, &client)?;
                let asked = Asked {
                    reader: &reader,
                    collection,
                    seen: &seen,
                    query: &query,
                    endpoint: Endpoint::Objects,
                    object: None,
                    limit: STEP,
                    who: client.name.as_str(),
                    marks: &taxii.marks,
                };
                let page = asked.page()?.unwrap_or_default();
                let cursors = cursors(&page, query.next, query.question).into_iter();
                cursors.zip(&page.held).map(|(cursor, held)| Ok((cursor, reader.bytes(held)?))).collect()
            })
            .await?;
        if let Some((cursor, _)) = objects.last() {
            self.query.next = Some(*cursor);
        }
        Ok(objects)
    }
}
