//! TAXII 2.1 (OASIS standard, 10 June 2021) without HTTP: what a request asks, which versions of objects answer it,
//! and the documents that are sent. The server in `node` stores and serves; who may see what is decided there too.
//!
//! **Invariant:** an object is never written anew: what a client gets are the bytes that another sent.

pub mod client;
mod content;
mod cursor;
mod envelope;
mod media;
mod query;
mod resource;
mod select;
mod time;

pub use content::ContentMatch;
pub use cursor::Cursor;
pub use envelope::{Arrived, EnvelopeFault, Header, MAX_ID_BYTES, read_envelope};
pub use media::{MEDIA_TYPE, accepts, is_taxii};
pub use query::{Endpoint, Filter, Query, QueryFault, VersionMatch};
pub use resource::{
    ApiRoot, Collection, Discovery, ErrorMessage, ManifestRecord, Status, StatusDetails, write_envelope_end,
    write_envelope_start,
};
pub use select::{Version, select};
pub use time::{Micros, format_micros, parse_micros};
