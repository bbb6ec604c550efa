//! What the operator says about other TAXII servers, in `bongsu.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base::{Country, NodeName, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::MarkingRule;
use crate::taxii::TaxiiSettings;

/// `[[taxii_peers]]`: another TAXII 2.1 server, from which objects are pulled and to which they are pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiPeer {
    /// What it is called here.
    pub name: NodeName,
    /// Its discovery resource or one API root. `http://` is taken on loopback, elsewhere with `plain_http` only.
    pub url: String,
    /// The name to log in with; needs `password_file`.
    #[serde(default)]
    pub user: Option<String>,
    /// A file below the data folder with the password, readable by its owner only.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// In place of a name: a file with a bearer token, readable by its owner only.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// A file with the certificates (PEM) to show, the own one first; needs `key_file`.
    #[serde(default)]
    pub certificate_file: Option<PathBuf>,
    /// A file with the key (PEM) of the own certificate, readable by its owner only.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// A file with the certificates (PEM) of the authorities that the server's own stands under, instead of the public
    /// ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whether it is spoken to without TLS beyond loopback: everybody on the way reads along.
    #[serde(default)]
    pub plain_http: bool,
    /// How often it is asked, in seconds.
    #[serde(default = "every")]
    pub every_seconds: u64,
    /// The most bytes of one answer, packed or not.
    #[serde(default = "page_bytes")]
    pub max_page_bytes: u64,
    /// The most objects of one pull; the next one goes on a moment later.
    #[serde(default = "pull_objects")]
    pub max_pull_objects: u64,
    /// What is pulled.
    #[serde(default)]
    pub pull: Vec<TaxiiPull>,
    /// What is pushed.
    #[serde(default)]
    pub push: Vec<TaxiiPush>,
}

const fn every() -> u64 {
    600
}

const fn page_bytes() -> u64 {
    32 << 20
}

const fn pull_objects() -> u64 {
    100_000
}

const fn page_objects() -> u32 {
    1000
}

const fn batch_objects() -> usize {
    500
}

const fn batch_bytes() -> u64 {
    8 << 20
}

/// A collection there that one of ours mirrors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiPull {
    /// The collection there, by id, alias or title; `*` stands for all that may be read.
    pub collection: String,
    /// The id of the collection of this node that takes the objects.
    pub into: String,
    /// The marking of the objects, which nothing that they say of themselves widens. Left out, it is that of the
    /// collection here, and without one they reach nobody but this node's own clients.
    #[serde(default)]
    pub marking: Option<MarkingRule>,
    /// Only what was added there after this time.
    #[serde(default)]
    pub added_after: Option<Timestamp>,
    /// Further filters by name, as `{ type = "indicator,malware" }`. All versions are asked for unless `version` says
    /// otherwise.
    #[serde(default, rename = "match")]
    pub matching: BTreeMap<String, String>,
    /// How many objects are asked for at once.
    #[serde(default = "page_objects")]
    pub page_objects: u32,
}

impl TaxiiPull {
    /// The filters with what is left out.
    pub(super) fn filters(&self) -> BTreeMap<String, String> {
        filters(&self.matching)
    }
}

/// Filters with all versions, unless they say which.
pub(super) fn filters(matching: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut filters = matching.clone();
    filters.entry("version".to_owned()).or_insert_with(|| "all".to_owned());
    filters
}

/// A collection of ours, of which a server gets what the rules of release allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxiiPush {
    /// The id of the collection of this node.
    pub from: String,
    /// The collection there, by id, alias or title.
    pub collection: String,
    /// Whose server it is: what may not go to this country is not sent.
    pub country: Country,
    /// Up to which level.
    pub clearance: String,
    /// Only objects of these types; all when left out.
    #[serde(default)]
    pub types: Vec<String>,
    /// The most objects of one request.
    #[serde(default = "batch_objects")]
    pub batch_objects: usize,
    /// The most bytes of one request; the server's own limit holds as well.
    #[serde(default = "batch_bytes")]
    pub batch_bytes: u64,
}

/// The address of a server, when it may be spoken to.
pub(super) fn address(text: &str, plain_http: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|e| format!("`{text}` is no URL: {e}"))?;
    match url.scheme() {
        "https" => {}
        "http" if plain_http || is_loopback(&url) => {}
        "http" => {
            return Err(format!("`{text}`: http is taken on loopback only; use https, or set plain_http"));
        }
        _ => return Err(format!("`{text}` is neither https nor http")),
    }
    if url.host_str().is_none() || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("`{text}` must hold a host, and neither name nor password"));
    }
    Ok(url)
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// What can be told of the settings alone.
///
/// # Errors
/// In words, for values that mean nothing.
pub(crate) fn check_peers(peers: &[TaxiiPeer]) -> Result<(), String> {
    for (at, peer) in peers.iter().enumerate() {
        let say = |what: String| format!("`{}`: {what}", peer.name);
        if peers[..at].iter().any(|other| other.name == peer.name) {
            return Err(say("stands twice".to_owned()));
        }
        check(peer).map_err(say)?;
        for push in &peer.push {
            if peer.pull.iter().any(|pull| pull.into == push.from) {
                let what =
                    format!("push: `{}` holds what came from there; it would go in a circle", push.from);
                return Err(say(what));
            }
        }
    }
    Ok(())
}

/// The settings of the own server with the markings that pulls give to its collections.
///
/// # Errors
/// In words, when a collection is not there.
pub(crate) fn settle(mut taxii: TaxiiSettings, peers: &[TaxiiPeer]) -> Result<TaxiiSettings, String> {
    for peer in peers {
        let say = |what: String| format!("`{}`: {what}", peer.name);
        for pull in &peer.pull {
            mirror(&mut taxii, pull).map_err(say)?;
        }
        for push in &peer.push {
            let known = taxii.roots.iter().flat_map(|root| &root.collections).any(|c| c.id == push.from);
            if !known {
                return Err(say(format!("push: there is no collection `{}`; {ADD}", push.from)));
            }
        }
    }
    Ok(taxii)
}

const ADD: &str = "add it with `bongsu taxii collection add` or in [taxii]";

fn check(peer: &TaxiiPeer) -> Result<(), String> {
    address(&peer.url, peer.plain_http)?;
    if peer.user.is_some() != peer.password_file.is_some() {
        return Err("user and password_file belong together".to_owned());
    }
    if peer.user.is_some() && peer.token_file.is_some() {
        return Err("either user and password_file or token_file".to_owned());
    }
    if peer.user.as_deref().is_some_and(|user| user.contains([':', '\n', '\r'])) {
        return Err("user holds a colon or a line break, which Basic cannot carry (RFC 7617)".to_owned());
    }
    if peer.certificate_file.is_some() != peer.key_file.is_some() {
        return Err("certificate_file and key_file belong together".to_owned());
    }
    let sizes = peer.every_seconds > 0
        && (1024..=1 << 30).contains(&peer.max_page_bytes)
        && peer.max_pull_objects > 0
        && peer.pull.iter().all(|pull| (1..=65_536).contains(&pull.page_objects))
        && peer.push.iter().all(|push| push.batch_objects > 0 && push.batch_bytes >= 1024);
    if !sizes {
        return Err(
            "every_seconds, max_pull_objects and batch_objects are above 0, max_page_bytes is from 1 KiB to \
                    1 GiB, page_objects from 1 to 65536, batch_bytes from 1 KiB"
                .to_owned(),
        );
    }
    if peer.pull.is_empty() && peer.push.is_empty() {
        return Err("nothing is pulled and nothing is pushed; add [[taxii_peers.pull]]".to_owned());
    }
    Ok(())
}

/// Gives the collection that takes the objects the marking of the pull; what has none reaches nobody.
fn mirror(taxii: &mut TaxiiSettings, pull: &TaxiiPull) -> Result<(), String> {
    let mut collections = taxii.roots.iter_mut().flat_map(|root| &mut root.collections);
    let Some(collection) = collections.find(|c| c.id == pull.into) else {
        return Err(format!("pull: there is no collection `{}`; {ADD}", pull.into));
    };
    match (&collection.marking, &pull.marking) {
        (Some(has), Some(wanted)) if has != wanted => {
            Err(format!("pull: collection `{}` carries another marking already", pull.into))
        }
        (Some(_), _) => Ok(()),
        (None, wanted) => {
            collection.marking = Some(wanted.clone().unwrap_or_else(|| MarkingRule {
                names: Vec::new(),
                level: "RESTRICTED".to_owned(),
                rel_to: Vec::new(),
                caveats: Vec::new(),
            }));
            Ok(())
        }
    }
}
