//! What the operator says about the TAXII server, in `bongsu.toml`.

use std::path::PathBuf;

use base::{Country, NodeName};
use serde::{Deserialize, Serialize};

use crate::config::MarkingRule;

/// `[taxii]`. Without it the node serves no TAXII.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiSettings {
    /// The name of the server for people.
    pub title: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Whom to ask.
    #[serde(default)]
    pub contact: Option<String>,
    /// How clients call the server, say `https://taxii.example`; empty: paths alone, which the standard allows.
    #[serde(default)]
    pub url: String,
    /// The most objects of a page.
    #[serde(default = "page")]
    pub page_objects: usize,
    /// The largest body that is taken, in bytes.
    #[serde(default = "body")]
    pub max_content_length: usize,
    /// The API roots; the first is the default.
    pub roots: Vec<TaxiiRoot>,
    /// Who may come in.
    #[serde(default)]
    pub clients: Vec<TaxiiClient>,
}

const fn page() -> usize {
    1000
}

const fn body() -> usize {
    100 << 20
}

/// An API root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiRoot {
    /// Its address below the server's: `taxii2/default` when left out for the first, else as named.
    pub path: String,
    /// The name for people.
    pub title: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Its collections.
    #[serde(default)]
    pub collections: Vec<TaxiiCollection>,
}

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiCollection {
    /// A UUID.
    pub id: String,
    /// The name for people.
    pub title: String,
    /// What it holds.
    #[serde(default)]
    pub description: Option<String>,
    /// A name that may stand in the address in place of the id.
    #[serde(default)]
    pub alias: Option<String>,
    /// Whether clients that may neither read nor write are told that it is there.
    #[serde(default)]
    pub listed: bool,
    /// The clients that may read; `*` stands for all.
    #[serde(default)]
    pub read: Vec<String>,
    /// The clients that may add and delete; `*` stands for all.
    #[serde(default)]
    pub write: Vec<String>,
    /// The marking of its objects. What an object says of itself narrows it; nothing widens it. Left out, an object
    /// reaches nobody but the node's own clients, unless its own marking names who may have it.
    #[serde(default)]
    pub marking: Option<MarkingRule>,
}

/// Who may come in, and how far its eyes reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiClient {
    /// The name, also for the log-in.
    pub name: NodeName,
    /// A file below the data folder with the hash of its password (`bongsu taxii client` writes it).
    pub secret_file: PathBuf,
    /// Whether it belongs to this organisation and sees all of what it may read.
    #[serde(default)]
    pub own: bool,
    /// Else: whose it is.
    #[serde(default)]
    pub country: Option<Country>,
    /// And up to which level.
    #[serde(default)]
    pub clearance: Option<String>,
}
