//! The documents that a server sends (TAXII 2.1, sections 3.6, 3.7, 4 and 5).

use serde::{Deserialize, Serialize};

/// Section 4.1.1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// The name of the server for people.
    pub title: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whom to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The root to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The addresses of all roots that the reader may know of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub api_roots: Vec<String>,
}

/// Section 4.2.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiRoot {
    /// The name for people.
    pub title: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The media types of TAXII that it speaks.
    pub versions: Vec<String>,
    /// The largest body that it takes, in bytes. True: one byte more is refused.
    pub max_content_length: u64,
}

/// Section 5.2.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// A UUID.
    pub id: String,
    /// The name for people.
    pub title: String,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A name that may stand in the address in place of the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Whether the reader may get.
    pub can_read: bool,
    /// Whether the reader may add and delete.
    pub can_write: bool,
    /// What its objects are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_types: Vec<String>,
}

/// Section 5.3.1.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManifestRecord<'a> {
    /// The object.
    pub id: &'a str,
    /// When this version was added here.
    pub date_added: String,
    /// The version, as the object writes it.
    pub version: &'a str,
    /// `application/stix+json;version=2.1`.
    pub media_type: String,
}

/// What became of one object (section 4.3.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusDetails {
    /// The object.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What is to be said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Section 4.3.1. A list that is empty is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Of which request.
    pub id: String,
    /// `complete`: all that is named under `successes` is on disk.
    pub status: String,
    /// When the request came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_timestamp: Option<String>,
    /// Objects of the request.
    #[serde(default)]
    pub total_count: u64,
    /// Of these kept.
    pub success_count: u64,
    /// The kept ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successes: Vec<StatusDetails>,
    /// Of these refused.
    pub failure_count: u64,
    /// The refused ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<StatusDetails>,
    /// Of these not yet dealt with.
    pub pending_count: u64,
    /// Those not yet dealt with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pendings: Vec<StatusDetails>,
}

/// Section 3.6.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorMessage {
    /// What is wrong, in a word.
    pub title: String,
    /// What is wrong and what to do.
    pub description: String,
    /// A stable code.
    pub error_code: String,
    /// The status of HTTP.
    pub http_status: String,
}

/// Begins an envelope with objects; the objects follow, separated by commas, then [`write_envelope_end`].
pub fn write_envelope_start(out: &mut Vec<u8>, next: Option<&str>) {
    out.extend_from_slice(if next.is_some() { b"{\"more\":true," } else { b"{\"more\":false," });
    if let Some(next) = next {
        // A cursor holds digits, letters and dots only.
        out.extend_from_slice(b"\"next\":\"");
        out.extend_from_slice(next.as_bytes());
        out.extend_from_slice(b"\",");
    }
    out.extend_from_slice(b"\"objects\":[");
}

/// Ends an envelope.
pub fn write_envelope_end(out: &mut Vec<u8>) {
    out.extend_from_slice(b"]}");
}
