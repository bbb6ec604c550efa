//! The TAXII 2.1 server: what clients of other programs read and write.
//!
//! An envelope that a client adds is a blob and an entry of the record before it is answered; the index of objects
//! (`store`) follows from these. What a client sees is decided object by object by the label kernel (`classes`), and
//! every page, count and cursor is of that alone (`pages`).

mod answer;
mod book;
mod classes;
mod clients;
mod http;
mod intake;
mod mirror;
mod noun;
mod orders;
mod pages;
mod settings;
mod store;
mod stream;
mod takeover;
mod watched;

use std::path::Path;
use std::sync::Arc;

use base::Marking;
use threat::taxii::Discovery;

use self::book::Book;
use self::clients::Clients;
use self::pages::Marks;
use self::store::Store;
use crate::NodeError;
use crate::core::Core;
use crate::serve::Stop;
use crate::taxii_client;

#[cfg(test)]
pub(crate) use http::ROUTES;
pub(crate) use http::mount;
pub(crate) use mirror::{Outbound, Outgoing, Place, Wanted};
pub use noun::{RemovedVersion, TaxiiAct, TaxiiAdded, TaxiiRemoved, TaxiiSetUp, TaxiiStatusTaken};
pub(crate) use orders::settle;
pub use orders::{TaxiiLoad, TaxiiOrder, order_taxii, taxii_load, taxii_set_up, taxii_take_over};
pub use settings::{TaxiiAccount, TaxiiCollection, TaxiiRoot, TaxiiSettings};
pub use takeover::TaxiiTaken;

/// The server of one node.
pub(crate) struct Taxii {
    pub(crate) core: Arc<Core>,
    pub(crate) settings: TaxiiSettings,
    discovery: Discovery,
    clients: Clients,
    store: Store,
    marks: Marks,
    /// Held from the record to the index, so that both have envelopes in one order.
    adding: std::sync::Mutex<()>,
    /// Bodies that are taken in at once: memory for these and no more.
    bodies: tokio::sync::Semaphore,
    stop: Stop,
    /// Told whenever something was added.
    grown: tokio::sync::watch::Sender<u64>,
}

/// Whether some account of the node in `data` comes in by a TLS certificate, so that callers are asked for theirs.
pub(crate) fn asks_for_certificates(data: &Path) -> Result<bool, NodeError> {
    Ok(Book::load(data)?.accounts.iter().any(|known| known.account.certificate.is_some()))
}

/// Bodies that are held at once.
const BODIES: usize = 4;

impl Taxii {
    /// Opens the server of a node, when settings or commands ask for one. Blocks while the index is brought up to the record.
    pub(crate) fn open(core: &Arc<Core>, stop: Stop) -> Result<Option<Arc<Self>>, NodeError> {
        let data: &Path = &core.config.data;
        let book = Book::load(data)?;
        let peers = &core.config.taxii_peers;
        let effective = TaxiiSettings::effective(&core.config, &book);
        let Some(settings) = effective.or_else(|| (!peers.is_empty()).then(TaxiiSettings::default)) else {
            return Ok(None);
        };
        let settings = taxii_client::settle(settings, peers)
            .map_err(|e| NodeError::BadRequest { message: format!("[[taxii_peers]] {e}") })?;
        settings.check()?;
        for (collection, name) in orders::unknown_names(&settings, &book.accounts) {
            tracing::warn!(collection, name, "a TAXII collection names an account that is not there");
        }
        let taxii = Self {
            clients: Clients::of(&book.accounts, &*core.surroundings)?,
            store: Store::open(data)?,
            discovery: settings.discovery(book.discovery.as_ref()),
            settings,
            core: Arc::clone(core),
            marks: Marks::default(),
            adding: std::sync::Mutex::default(),
            bodies: tokio::sync::Semaphore::new(BODIES),
            stop,
            grown: tokio::sync::watch::Sender::new(0),
        };
        taxii.catch_up()?;
        let taxii = Arc::new(taxii);
        taxii.be_watched(&core.indicators);
        Ok(Some(taxii))
    }

    /// The marking that the settings give to a collection.
    fn base_marking(&self, collection: &str) -> Option<Marking> {
        let collections = self.settings.roots.iter().flat_map(|root| &root.collections);
        let rule = collections.into_iter().find(|c| c.id == collection)?.marking.as_ref()?;
        Some(rule.marking(self.core.config.country.as_str()))
    }
}

/// Whether text is a UUID (RFC 9562, section 4).
fn is_uuid(text: &str) -> bool {
    let digits = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(digits)
}

impl TaxiiSettings {
    /// How clients call a root.
    fn address(&self, root: &TaxiiRoot) -> String {
        format!("{}/{}/", self.url.trim_end_matches('/'), root.path.trim_matches('/'))
    }

    /// The discovery resource (TAXII 2.1, section 4.1). A server that was taken over keeps its addresses, under which
    /// clients know it, unless the settings say how this one is called.
    fn discovery(&self, taken: Option<&Discovery>) -> Discovery {
        let taken = taken.filter(|_| self.url.is_empty());
        let known = |root: &TaxiiRoot| {
            let end = format!("/{}", root.path.trim_matches('/'));
            let all = taken.map_or(&[][..], |taken| &taken.api_roots);
            all.iter().find(|address| address.trim_end_matches('/').ends_with(&end)).cloned()
        };
        let api_roots: Vec<String> =
            self.roots.iter().map(|root| known(root).unwrap_or_else(|| self.address(root))).collect();
        let default = taken.and_then(|taken| taken.default.clone()).or_else(|| api_roots.first().cloned());
        Discovery {
            title: self.title.clone(),
            description: self.description.clone(),
            contact: self.contact.clone(),
            default,
            api_roots,
        }
    }

    /// The largest body that a root takes.
    fn most(&self, root: &TaxiiRoot) -> usize {
        root.max_content_length.unwrap_or(self.max_content_length)
    }

    /// What is of the right kind and still means nothing.
    fn check(&self) -> Result<(), NodeError> {
        let bad = |message: String| Err(NodeError::BadRequest { message: format!("[taxii]: {message}") });
        let lengths = self.roots.iter().filter_map(|root| root.max_content_length);
        let odd_length = |length: usize| !(1024..=1 << 30).contains(&length);
        if self.page_objects == 0 || lengths.chain([self.max_content_length]).any(odd_length) {
            return bad("page_objects must be above 0 and max_content_length from 1 KiB to 1 GiB".to_owned());
        }
        let mut paths: Vec<&str> = Vec::new();
        let mut ids: Vec<&str> = Vec::new();
        for root in &self.roots {
            let path = root.path.trim_matches('/');
            let reserved = ["api", "enter", "login", "healthz", "metrics", "link"];
            let first = path.split('/').next().unwrap_or_default();
            let odd = |c: char| !(c.is_ascii_alphanumeric() || "-_/.".contains(c));
            if path.is_empty() || path == "taxii2" || reserved.contains(&first) || path.contains(odd) {
                return bad(format!("`{}` cannot be the path of a root; take say taxii2/cert", root.path));
            }
            paths.push(path);
            for collection in &root.collections {
                ids.push(&collection.id);
                ids.extend(collection.alias.as_deref());
                if !is_uuid(&collection.id) {
                    return bad(format!("`{}` is no id of a collection; it must be a UUID", collection.id));
                }
            }
        }
        for list in [&mut paths, &mut ids] {
            list.sort_unstable();
            if let Some(twice) = list.windows(2).find(|pair| pair[0] == pair[1]) {
                return bad(format!("`{}` stands twice", twice[0]));
            }
        }
        Ok(())
    }
}
