//! Answers as TAXII writes them: documents, envelopes of stored bytes, and errors (TAXII 2.1, section 3.6).

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use threat::taxii::{
    Endpoint, ErrorMessage, MEDIA_TYPE, ManifestRecord, format_micros, write_envelope_end,
    write_envelope_start,
};

use super::pages::Page;
use super::store::{Held, Reader};
use crate::NodeError;

/// When the first object of a page was added.
const FIRST: &str = "x-taxii-date-added-first";
/// When the last object of a page was added.
const LAST: &str = "x-taxii-date-added-last";

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    title: &'static str,
    code: &'static str,
    description: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str, description: impl Into<String>) -> Self {
        let title = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "Unauthorized",
            _ => "ProcessingError",
        };
        Self { status, title, code, description: description.into() }
    }

    /// Hidden and absent answer alike.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "taxii::not_found", "there is nothing here by that name")
    }

    pub(super) fn into_response(self) -> Response {
        let message = ErrorMessage {
            title: self.title.to_owned(),
            description: self.description,
            error_code: self.code.to_owned(),
            http_status: self.status.as_u16().to_string(),
        };
        let mut response = document(self.status, &message);
        if self.status == StatusCode::UNAUTHORIZED {
            let ways = HeaderValue::from_static("Basic realm=\"taxii\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, ways);
        }
        response
    }
}

impl From<NodeError> for Refused {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::NotStored { .. } => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "taxii::not_stored", error.to_string())
            }
            NodeError::Stopping => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "taxii::stopping",
                "the node is stopping; ask again",
            ),
            other => {
                // Paths and system messages are for the operator's log.
                tracing::error!(error = %other, "a TAXII request failed");
                let what = "the node could not do this; its log says why";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "taxii::internal", what)
            }
        }
    }
}

/// A JSON document.
pub(super) fn document<T: Serialize>(status: StatusCode, document: &T) -> Response {
    raw(status, serde_json::to_vec(document).unwrap_or_default())
}

pub(super) fn raw(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// A page as the resource that was asked for.
pub(super) fn page(reader: &Reader<'_>, page: &Page, endpoint: Endpoint) -> Result<Response, NodeError> {
    let next = page.next.map(threat::taxii::Cursor::to_text);
    let mut body = Vec::new();
    if page.held.is_empty() {
        body.extend_from_slice(b"{}");
    } else if matches!(endpoint, Endpoint::Objects | Endpoint::Object) {
        let bytes: usize = page.held.iter().map(|held| held.length + 2).sum();
        body.reserve_exact(bytes + 128);
        write_envelope_start(&mut body, next.as_deref());
        reader.append(&page.held, &mut body)?;
        write_envelope_end(&mut body);
    } else {
        listing(page, endpoint, next.as_deref(), &mut body);
    }
    let mut response = raw(StatusCode::OK, body);
    if let (Some(first), Some(last)) = (page.held.first(), page.held.last()) {
        for (name, held) in [(FIRST, first), (LAST, last)] {
            if let Ok(value) = HeaderValue::from_str(&format_micros(held.added)) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    Ok(response)
}

#[derive(Serialize)]
struct Listing<'a, T> {
    more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
    #[serde(flatten)]
    list: T,
}

#[derive(Serialize)]
struct Manifest<'a> {
    objects: Vec<ManifestRecord<'a>>,
}

#[derive(Serialize)]
struct Versions<'a> {
    versions: Vec<&'a str>,
}

fn listing(page: &Page, endpoint: Endpoint, next: Option<&str>, body: &mut Vec<u8>) {
    let texts: Vec<String> = page.held.iter().map(Held::version_text).collect();
    let more = next.is_some();
    let written = if endpoint == Endpoint::Versions {
        let list = Versions { versions: texts.iter().map(String::as_str).collect() };
        serde_json::to_writer(body, &Listing { more, next, list })
    } else {
        let records = page.held.iter().zip(&texts).map(|(held, version)| ManifestRecord {
            id: &held.id,
            date_added: format_micros(held.added),
            version,
            media_type: format!("application/stix+json;version={}", held.spec),
        });
        let list = Manifest { objects: records.collect() };
        serde_json::to_writer(body, &Listing { more, next, list })
    };
    if let Err(error) = written {
        tracing::error!(%error, "a listing could not be written");
    }
}
