//! What commands set up: accounts, roots and collections, in `taxii.json` of the data folder beside the record.
//!
//! Every change is an entry of the record before it is kept here; the hashes of passwords are here alone. Before the
//! first start there is no record: what is to be recorded waits, and the node records it when it is founded.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base::{KeyFingerprint, NodeName};
use serde::{Deserialize, Serialize};
use threat::taxii::Discovery;

use super::noun::TaxiiAct;
use super::settings::{TaxiiAccount, TaxiiCollection, TaxiiRoot, TaxiiSettings};
use crate::{Config, NodeError};

const SCHEMA: &str = "bongsu.taxii-book/1";
/// The file below the data folder.
const FILE: &str = "taxii.json";
/// The folder below it with what is to be loaded at the first start.
const WAITING: &str = "taxii-waiting";
/// The root of collections that name none.
pub(super) const DEFAULT_ROOT: &str = "taxii2/default";

/// The state that commands made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Book {
    schema: String,
    /// How another server, which was taken over, introduced itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) discovery: Option<Discovery>,
    #[serde(default)]
    pub(super) roots: Vec<TaxiiRoot>,
    #[serde(default)]
    pub(super) accounts: Vec<Known>,
    /// What is not in the record yet, because there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) waiting: Vec<Waiting>,
}

/// An account with the hash of its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    pub(crate) account: TaxiiAccount,
    /// Argon2id; none where a certificate alone lets in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hash: Option<String>,
}

/// Something to record at the first start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Waiting {
    Act(Box<TaxiiAct>),
    /// A bundle or an envelope for a collection; its file is named after its content.
    Envelope {
        file: String,
        collection: String,
    },
    /// The data file of a medallion server.
    Medallion {
        file: String,
    },
}

impl Default for Book {
    fn default() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            discovery: None,
            roots: Vec::new(),
            accounts: Vec::new(),
            waiting: Vec::new(),
        }
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> NodeError {
    let path = path.to_owned();
    move |source| NodeError::Io { path, source }
}

impl Book {
    /// The book in a data folder; empty where there is none.
    pub(crate) fn load(data: &Path) -> Result<Self, NodeError> {
        let path = data.join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(io(&path)(e)),
        };
        let bad = |message: String| NodeError::BadInput { name: path.display().to_string(), message };
        let book: Self = serde_json::from_slice(&bytes)
            .map_err(|e| bad(format!("{e}; restore it from a copy, or set the TAXII side up anew")))?;
        if book.schema != SCHEMA {
            return Err(bad(format!("it is of schema `{}`, not {SCHEMA}", book.schema)));
        }
        Ok(book)
    }

    /// Writes the book whole or not at all, for its owner only.
    pub(super) fn save(&self, data: &Path) -> Result<(), NodeError> {
        let text =
            serde_json::to_vec_pretty(self).map_err(|e| NodeError::BadRequest { message: e.to_string() })?;
        write_whole(data, Path::new(FILE), &text)
    }

    /// Whether nobody ever set anything up.
    pub(crate) fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.roots.is_empty() && self.discovery.is_none()
    }

    pub(super) fn account(&self, name: &NodeName) -> Option<usize> {
        self.accounts.iter().position(|known| known.account.name == *name)
    }

    /// Whose certificate it is.
    pub(super) fn of_certificate(&self, shown: &KeyFingerprint) -> Option<&Known> {
        self.accounts.iter().find(|known| known.account.certificate == Some(*shown))
    }

    /// The root at a path, made when there is none.
    pub(super) fn root(&mut self, path: &str, title: &str) -> &mut TaxiiRoot {
        let path = path.trim_matches('/');
        let at = self.roots.iter().position(|root| root.path == path).unwrap_or_else(|| {
            let root = TaxiiRoot { path: path.to_owned(), title: title.to_owned(), ..TaxiiRoot::default() };
            self.roots.push(root);
            self.roots.len() - 1
        });
        &mut self.roots[at]
    }

    /// Keeps bytes for the first start; gives the name of their file.
    pub(super) fn keep(data: &Path, bytes: &[u8]) -> Result<String, NodeError> {
        use sha2::{Digest, Sha256};
        let name = hex::encode(Sha256::digest(bytes));
        make_folder(&data.join(WAITING))?;
        write_whole(data, &Path::new(WAITING).join(&name), bytes)?;
        Ok(name)
    }

    /// What [`keep`](Self::keep) kept.
    pub(super) fn kept(data: &Path, name: &str) -> Result<Vec<u8>, NodeError> {
        let path = data.join(WAITING).join(name);
        std::fs::read(&path).map_err(io(&path))
    }

    /// Drops what waited, once all of it is recorded.
    pub(super) fn drop_kept(data: &Path) {
        // What is left there is never read again.
        let _ = std::fs::remove_dir_all(data.join(WAITING));
    }
}

/// Makes the folder of a node, for its owner only, where it is not there.
pub(super) fn make_folder(path: &Path) -> Result<(), NodeError> {
    if path.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io(path))
}

fn write_whole(data: &Path, name: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    let path: PathBuf = data.join(name);
    let draft = path.with_extension("draft");
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&draft)
        .map_err(io(&draft))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io(&draft))?;
    std::fs::rename(&draft, &path).map_err(io(&path))?;
    let folder = path.parent().unwrap_or(data);
    // The name itself must be on disk as well.
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io(folder))
}

impl TaxiiSettings {
    /// What the node serves: `[taxii]` of bongsu.toml and what commands set up, together. `None` when neither says
    /// anything.
    pub(crate) fn effective(config: &Config, book: &Book) -> Option<Self> {
        if config.taxii.is_none() && book.is_empty() {
            return None;
        }
        let mut settings = config.taxii.clone().unwrap_or_default();
        if let Some(known) = &book.discovery {
            settings.description = settings.description.or_else(|| known.description.clone());
            settings.contact = settings.contact.or_else(|| known.contact.clone());
            if settings.title.is_empty() {
                settings.title.clone_from(&known.title);
            }
        }
        if settings.title.is_empty() {
            settings.title.clone_from(&config.title);
        }
        for root in &book.roots {
            match settings.roots.iter_mut().find(|own| own.path.trim_matches('/') == root.path) {
                Some(own) => own.collections.extend(root.collections.iter().cloned()),
                None => settings.roots.push(root.clone()),
            }
        }
        if settings.roots.is_empty() {
            settings.roots.push(TaxiiRoot { path: DEFAULT_ROOT.to_owned(), ..TaxiiRoot::default() });
        }
        for root in &mut settings.roots {
            if root.title.is_empty() {
                root.title.clone_from(&settings.title);
            }
        }
        Some(settings)
    }

    /// A collection by its id, its alias or its title, when only one is called so.
    pub(super) fn named(&self, name: &str) -> Result<&TaxiiCollection, NodeError> {
        let all = || self.roots.iter().flat_map(|root| &root.collections);
        let is = |c: &&TaxiiCollection| c.id == name || c.alias.as_deref() == Some(name);
        if let Some(found) = all().find(is) {
            return Ok(found);
        }
        let mut titled = all().filter(|collection| collection.title == name);
        match (titled.next(), titled.next()) {
            (Some(found), None) => Ok(found),
            (Some(_), Some(_)) => Err(NodeError::Conflict {
                message: format!("several collections are called `{name}`; give the id of one"),
            }),
            (None, _) => Err(NodeError::NotFound { what: format!("the collection `{name}`") }),
        }
    }
}
