//! The TAXII 2.1 server: what clients of other programs read and write.
//!
//! An envelope that a client adds is a blob and an entry of the record before it is answered; the index of objects
//! (`store`) follows from these. What a client sees is decided object by object by the label kernel (`classes`), and
//! every page, count and cursor is of that alone (`pages`).

mod answer;
mod classes;
mod clients;
mod http;
mod intake;
mod noun;
mod pages;
mod settings;
mod store;
mod stream;
mod takeover;

use std::path::Path;
use std::sync::Arc;

use base::Marking;

use self::clients::Clients;
use self::pages::Marks;
use self::store::Store;
use crate::NodeError;
use crate::core::Core;
use crate::serve::Stop;

pub use clients::taxii_secret_hash;
#[cfg(test)]
pub(crate) use http::ROUTES;
pub(crate) use http::mount;
pub use noun::{RemovedVersion, TaxiiAdded, TaxiiRemoved, TaxiiStatusTaken};
pub use settings::{TaxiiClient, TaxiiCollection, TaxiiRoot, TaxiiSettings};
pub use takeover::{TaxiiTaken, taxii_take_over};

/// The server of one node.
pub(crate) struct Taxii {
    pub(crate) core: Arc<Core>,
    pub(crate) settings: TaxiiSettings,
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

/// Bodies that are held at once.
const BODIES: usize = 4;

impl Taxii {
    /// Opens the server of a node, when the settings ask for one. Blocks while the index is brought up to the record.
    pub(crate) fn open(core: &Arc<Core>, stop: Stop) -> Result<Option<Arc<Self>>, NodeError> {
        let Some(settings) = core.config.taxii.clone() else { return Ok(None) };
        settings.check()?;
        let data: &Path = &core.config.data;
        let taxii = Self {
            clients: Clients::read(&settings, data, &*core.surroundings)?,
            store: Store::open(data)?,
            settings,
            core: Arc::clone(core),
            marks: Marks::default(),
            adding: std::sync::Mutex::default(),
            bodies: tokio::sync::Semaphore::new(BODIES),
            stop,
            grown: tokio::sync::watch::Sender::new(0),
        };
        taxii.catch_up()?;
        Ok(Some(Arc::new(taxii)))
    }

    /// The marking that the settings give to a collection.
    fn base_marking(&self, collection: &str) -> Option<Marking> {
        let collections = self.settings.roots.iter().flat_map(|root| &root.collections);
        let rule = collections.into_iter().find(|c| c.id == collection)?.marking.as_ref()?;
        Some(rule.marking(self.core.config.country.as_str()))
    }
}

impl TaxiiSettings {
    /// What is of the right kind and still means nothing.
    fn check(&self) -> Result<(), NodeError> {
        let bad = |message: String| Err(NodeError::BadRequest { message: format!("[taxii]: {message}") });
        if self.roots.is_empty() {
            return bad("there is no root; add [[taxii.roots]]".to_owned());
        }
        if self.page_objects == 0 || self.max_content_length < 1024 || self.max_content_length > 1 << 30 {
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
                let known =
                    |name: &String| name == "*" || self.clients.iter().any(|c| c.name.as_str() == name);
                if let Some(name) = collection.read.iter().chain(&collection.write).find(|name| !known(name))
                {
                    return bad(format!("collection {}: there is no client `{name}`", collection.id));
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
