//! What the operator says about the TAXII server: `[taxii]` in `bongsu.toml`, and what commands add to it.

use base::{Country, KeyFingerprint, NodeName};
use label::{Audience, Level};
use serde::{Deserialize, Serialize};

use super::classes::Eyes;
use crate::NodeError;
use crate::config::MarkingRule;

/// In a collection's lists: every account.
pub(super) const EVERYBODY: &str = "*";
/// In a collection's lists: every account of this organisation.
pub(super) const OWN: &str = "@own";

/// `[taxii]`, and what commands set up beside it. A node with neither serves no TAXII.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiSettings {
    /// The name of the server for people; empty: that of the node.
    #[serde(default)]
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
    /// The API roots; the first is the default. Without any there is `taxii2/default`.
    #[serde(default)]
    pub roots: Vec<TaxiiRoot>,
}

impl Default for TaxiiSettings {
    fn default() -> Self {
        Self {
            title: String::new(),
            description: None,
            contact: None,
            url: String::new(),
            page_objects: page(),
            max_content_length: body(),
            roots: Vec::new(),
        }
    }
}

const fn page() -> usize {
    1000
}

const fn body() -> usize {
    100 << 20
}

/// An API root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiRoot {
    /// Its address below the server's, say `taxii2/cert`.
    pub path: String,
    /// The name for people; empty: that of the server.
    #[serde(default)]
    pub title: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The largest body that is taken here, in bytes; left out, that of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_content_length: Option<usize>,
    /// Its collections.
    #[serde(default)]
    pub collections: Vec<TaxiiCollection>,
}

/// A collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiCollection {
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
    /// Whether clients that may neither read nor write are told that it is there.
    #[serde(default)]
    pub listed: bool,
    /// The accounts that may read; `*` stands for all, `@own` for all of this organisation.
    #[serde(default)]
    pub read: Vec<String>,
    /// The accounts that may add and delete; `*` and `@own` as above.
    #[serde(default)]
    pub write: Vec<String>,
    /// The media types of its objects; left out, STIX 2.1 and 2.0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_types: Vec<String>,
    /// The marking of its objects. What an object says of itself narrows it; nothing widens it. Left out, an object
    /// reaches nobody but the node's own accounts, unless its own marking names who may have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marking: Option<MarkingRule>,
}

/// Who may come in, and how far its eyes reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiAccount {
    /// The name, also for the log-in.
    pub name: NodeName,
    /// Whose it is; none: of this organisation, which sees all of what it may read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Up to which level what is another's is seen, say `RESTRICTED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clearance: Option<String>,
    /// SHA-256 of the TLS certificate that lets it in without a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<KeyFingerprint>,
}

impl TaxiiAccount {
    /// What it may see.
    pub(super) fn eyes(&self) -> Result<Eyes, NodeError> {
        let bad = |message: String| NodeError::BadRequest { message };
        let (Some(country), Some(level)) = (&self.country, &self.clearance) else {
            if self.country.is_some() || self.clearance.is_some() {
                let message = format!("account `{}`: country and clearance go together", self.name);
                return Err(bad(message));
            }
            return Ok(Eyes::Own);
        };
        let clearance = level.parse::<Level>().map_err(|e| bad(format!("account `{}`: {e}", self.name)))?;
        Ok(Eyes::Of(Audience {
            node: self.name.clone(),
            country: country.clone(),
            clearance,
            organisation: None,
        }))
    }
}
