//! Changing the TAXII side of a stopped node: who may come in, what is served, what is loaded.

use base::{Fault, NodeName, Timestamp};
use rand_core::{OsRng, RngCore};
use record::{SqliteRecord, StoreError};
use threat::taxii::read_envelope;

use super::book::{Book, DEFAULT_ROOT, Known, Waiting, make_folder};
use super::clients::taxii_secret_hash;
use super::intake::uuid;
use super::noun::{TaxiiAct, TaxiiAdded, TaxiiSetUp};
use super::settings::{EVERYBODY, OWN, TaxiiAccount, TaxiiCollection, TaxiiSettings};
use super::takeover::{self, TaxiiTaken};
use crate::core::Surroundings;
use crate::offline::Desk;
use crate::{Config, NodeError, keys, writer};

/// The largest file that is loaded.
pub(super) const MAX_BYTES: usize = 1 << 30;

/// A change of what the TAXII server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaxiiOrder {
    /// Lets somebody in: by the password, by the certificate of the account, or by either.
    AddAccount {
        /// Who.
        account: TaxiiAccount,
        /// The password, as it will be typed.
        password: Option<String>,
    },
    /// Lets somebody in no more.
    RemoveAccount {
        /// Who.
        name: NodeName,
    },
    /// Offers a collection.
    AddCollection {
        /// The path of its root, `taxii2/default` when left out; a root that is not there is made.
        root: Option<String>,
        /// The collection; an empty id is drawn.
        collection: TaxiiCollection,
    },
    /// Offers a collection no more. What it holds stays in the record and is served again under the same id.
    RemoveCollection {
        /// Its id, its alias or its title.
        name: String,
    },
}

/// What is loaded and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxiiLoad {
    /// The id, the alias or the title of the collection. Left out: the only one, or a new one when there is none.
    pub collection: Option<String>,
    /// The title of a new collection.
    pub title: String,
}

fn bad(message: String) -> NodeError {
    NodeError::BadRequest { message }
}

/// The accounts and the settings, those of bongsu.toml and those of commands together, as the next start serves them.
///
/// # Errors
/// When the folder cannot be read, or what it says contradicts itself.
pub fn taxii_set_up(config: &Config) -> Result<(TaxiiSettings, Vec<TaxiiAccount>), NodeError> {
    let book = Book::load(&config.data)?;
    let settings = TaxiiSettings::effective(config, &book).unwrap_or_default();
    Ok((settings, book.accounts.into_iter().map(|known| known.account).collect()))
}

/// Changes what the stopped node in `config.data` offers. The act is an entry of the record; on a folder without one
/// it becomes one when the node is founded.
///
/// # Errors
/// When the change makes no sense, the node runs, or the folder cannot be written.
pub fn order_taxii(
    config: &Config,
    order: TaxiiOrder,
    now: Option<Timestamp>,
) -> Result<TaxiiAct, NodeError> {
    let mut change = Change::open(config, now)?;
    let act = match order {
        TaxiiOrder::AddAccount { account, password } => change.add_account(account, password.as_deref())?,
        TaxiiOrder::RemoveAccount { name } => change.remove_account(name)?,
        TaxiiOrder::AddCollection { root, collection } => {
            change.add_collection(root.as_deref(), collection)?
        }
        TaxiiOrder::RemoveCollection { name } => change.remove_collection(&name)?,
    };
    change.note(act.clone())?;
    change.close()?;
    Ok(act)
}

/// Loads a STIX bundle or a TAXII envelope into the stopped node in `config.data`, byte for byte.
///
/// # Errors
/// When it is neither, no collection is meant, the node runs, or the folder cannot be written.
pub fn taxii_load(
    config: &Config,
    file: &[u8],
    load: &TaxiiLoad,
    now: Option<Timestamp>,
) -> Result<TaxiiTaken, NodeError> {
    within(file)?;
    let arrived = read_envelope(file).map_err(|fault| {
        bad(format!("this is no STIX bundle and no TAXII envelope: {fault}; the data file of a medallion server is loaded with `--fixture medallion`"))
    })?;
    let refused = arrived.iter().enumerate().filter_map(|(place, one)| {
        let (id, why) = one.header.as_ref().err()?;
        let what = id.clone().unwrap_or_else(|| format!("object {place}"));
        let end = (one.start + one.bytes.len()) as u64;
        let message = format!("{what} is not served: {why}");
        Some(Fault::error("taxii::refused", message).at_bytes(one.start as u64, end))
    });
    let refused: Vec<Fault> = refused.collect();
    let objects = (arrived.len() - refused.len()) as u64;
    let mut change = Change::open(config, now)?;
    let collection = change.destination(load)?;
    let id = collection.id.clone();
    match &mut change.desk {
        Some(desk) => {
            record_envelope(desk, file, &id, change.now)?;
        }
        None => {
            let file = Book::keep(&config.data, file)?;
            change.book.waiting.push(Waiting::Envelope { file, collection: id.clone() });
        }
    }
    change.close()?;
    Ok(TaxiiTaken { collection: id, title: collection.title, objects, undated: 0, refused })
}

/// Takes the data file of a medallion server over into the stopped node in `config.data`: its roots and collections
/// with who may read and write them, its objects with the times at which they were added there, its status resources.
/// A collection that is there keeps its rights.
///
/// # Errors
/// When the file cannot be read, the node runs, or the folder cannot be written.
pub fn taxii_take_over(
    config: &Config,
    file: &[u8],
    now: Option<Timestamp>,
) -> Result<Vec<TaxiiTaken>, NodeError> {
    within(file)?;
    let found = takeover::read(file)?;
    let mut change = Change::open(config, now)?;
    let is_first =
        change.book.roots.is_empty() && config.taxii.as_ref().is_none_or(|own| own.roots.is_empty());
    let settings = change.settings();
    let acts = takeover::acts(&found, &settings, is_first);
    acts.iter().for_each(|act| change.apply(act));
    change.check()?;
    for act in acts {
        change.note(act)?;
    }
    let taken = takeover::summary(&found);
    match &mut change.desk {
        Some(desk) => takeover::record(desk, found, change.now)?,
        None => {
            let file = Book::keep(&config.data, file)?;
            change.book.waiting.push(Waiting::Medallion { file });
        }
    }
    change.close()?;
    Ok(taken)
}

fn within(file: &[u8]) -> Result<(), NodeError> {
    if file.len() > MAX_BYTES {
        return Err(bad(format!("a file has at most {MAX_BYTES} bytes; load its objects in several")));
    }
    Ok(())
}

/// Founds the record of a folder that was set up before its first start, and records what waits.
pub(crate) fn settle(config: &Config, surroundings: &dyn Surroundings) -> Result<(), NodeError> {
    let mut book = Book::load(&config.data)?;
    if book.waiting.is_empty() {
        return Ok(());
    }
    if !SqliteRecord::exists(&config.data) {
        writer::found(config, keys::signing_key(&config.data, &config.name)?, surroundings)?;
    }
    let mut desk = Desk::open(config)?;
    let now = surroundings.now();
    for waiting in &book.waiting {
        match waiting {
            Waiting::Act(act) => record_act(&mut desk, TaxiiAct::clone(act), now)?,
            Waiting::Envelope { file, collection } => {
                record_envelope(&mut desk, &Book::kept(&config.data, file)?, collection, now)?;
            }
            Waiting::Medallion { file } => {
                let file = Book::kept(&config.data, file)?;
                takeover::record(&mut desk, takeover::read(&file)?, now)?;
            }
        }
    }
    // After a crash before this line all is recorded once more: acts stand there twice, objects are the same ones.
    book.waiting.clear();
    book.save(&config.data)?;
    Book::drop_kept(&config.data);
    Ok(())
}

fn record_act(desk: &mut Desk, act: TaxiiAct, now: Timestamp) -> Result<(), NodeError> {
    let noun = TaxiiSetUp { act, by: "operator".to_owned(), at: now, marking: desk.nobody() };
    let entry = desk.sign(&noun, Some(now))?;
    desk.record(entry).map(|_| ())
}

fn record_envelope(desk: &mut Desk, file: &[u8], collection: &str, now: Timestamp) -> Result<(), NodeError> {
    let objects = read_envelope(file).map_err(|fault| bad(fault.to_string()))?.len() as u64;
    let added = TaxiiAdded {
        collection: collection.to_owned(),
        blob: desk.put_blob(file)?,
        bytes: file.len() as u64,
        objects,
        at: now,
        added: Vec::new(),
        client: "load".to_owned(),
        status: String::new(),
        marking: desk.nobody(),
    };
    let entry = desk.sign(&added, Some(now))?;
    desk.record(entry).map(|_| ())
}

/// A change under way.
struct Change<'a> {
    config: &'a Config,
    book: Book,
    now: Timestamp,
    /// None on a folder that holds no record yet.
    desk: Option<Desk>,
}

impl<'a> Change<'a> {
    fn open(config: &'a Config, now: Option<Timestamp>) -> Result<Self, NodeError> {
        let running = |error| match error {
            NodeError::Store(StoreError::InUse { path }) => NodeError::Conflict {
                message: format!(
                    "a node runs on `{}`; stop it, give this command again and start it again",
                    path.display()
                ),
            },
            other => other,
        };
        let desk = match SqliteRecord::exists(&config.data) {
            true => Some(Desk::open(config).map_err(running)?),
            false => None,
        };
        let book = Book::load(&config.data)?;
        if desk.is_some() && !book.waiting.is_empty() {
            let folder = config.data.display();
            let message =
                format!("the first start on `{folder}` was cut off; start the node once, then stop it");
            return Err(NodeError::Conflict { message });
        }
        Ok(Self { config, book, now: now.unwrap_or_else(crate::core::now), desk })
    }

    fn settings(&self) -> TaxiiSettings {
        TaxiiSettings::effective(self.config, &self.book).unwrap_or_default()
    }

    /// Whether what is served then still means something.
    fn check(&self) -> Result<(), NodeError> {
        self.settings().check()
    }

    /// Records an act, or keeps it for the first start.
    fn note(&mut self, act: TaxiiAct) -> Result<(), NodeError> {
        match &mut self.desk {
            Some(desk) => record_act(desk, act, self.now),
            None => {
                self.book.waiting.push(Waiting::Act(Box::new(act)));
                Ok(())
            }
        }
    }

    fn close(self) -> Result<(), NodeError> {
        make_folder(&self.config.data)?;
        self.book.save(&self.config.data)
    }

    fn apply(&mut self, act: &TaxiiAct) {
        match act {
            TaxiiAct::DiscoverySet { discovery } => self.book.discovery = Some(discovery.clone()),
            TaxiiAct::RootAdded { root } => {
                let kept = self.book.root(&root.path, &root.title);
                kept.description.clone_from(&root.description);
                kept.max_content_length = root.max_content_length;
            }
            TaxiiAct::CollectionAdded { root, collection } => {
                self.book.root(root, "").collections.push(collection.clone());
            }
            TaxiiAct::CollectionRemoved { id, .. } => {
                self.book.roots.iter_mut().for_each(|root| root.collections.retain(|c| c.id != *id));
            }
            TaxiiAct::AccountRemoved { name } => {
                self.book.accounts.retain(|known| known.account.name != *name);
                let mine = |other: &String| other != name.as_str();
                let collections = self.book.roots.iter_mut().flat_map(|root| &mut root.collections);
                for collection in collections {
                    // Who comes under this name later inherits nothing.
                    collection.read.retain(mine);
                    collection.write.retain(mine);
                }
            }
            // With the hash of its password, by who has it.
            TaxiiAct::AccountAdded { .. } => {}
        }
    }

    fn add_account(&mut self, account: TaxiiAccount, password: Option<&str>) -> Result<TaxiiAct, NodeError> {
        let name = &account.name;
        if self.book.account(name).is_some() {
            let message = format!("there is an account `{name}`; remove it first");
            return Err(NodeError::Conflict { message });
        }
        if password.is_none() && account.certificate.is_none() {
            return Err(bad(format!("account `{name}` needs a password or a certificate")));
        }
        if password.is_some_and(str::is_empty) {
            return Err(bad("the password is empty".to_owned()));
        }
        if let Some(other) = account.certificate.and_then(|shown| self.book.of_certificate(&shown)) {
            let message = format!("the certificate is that of account `{}`", other.account.name);
            return Err(NodeError::Conflict { message });
        }
        account.eyes()?;
        let hash = password.map(taxii_secret_hash).transpose()?;
        self.book.accounts.push(Known { account: account.clone(), hash });
        Ok(TaxiiAct::AccountAdded { account })
    }

    fn remove_account(&mut self, name: NodeName) -> Result<TaxiiAct, NodeError> {
        if self.book.account(&name).is_none() {
            return Err(NodeError::NotFound { what: format!("the account `{name}`") });
        }
        let act = TaxiiAct::AccountRemoved { name };
        self.apply(&act);
        Ok(act)
    }

    fn add_collection(
        &mut self,
        root: Option<&str>,
        mut collection: TaxiiCollection,
    ) -> Result<TaxiiAct, NodeError> {
        if collection.title.trim().is_empty() {
            return Err(bad("a collection has a title".to_owned()));
        }
        if collection.id.is_empty() {
            let mut bytes = [0; 16];
            OsRng.fill_bytes(&mut bytes);
            collection.id = uuid(bytes);
        }
        // Where a collection goes that names no root: where the server says that clients begin.
        let settings = self.settings();
        let first = settings.roots.first().map_or(DEFAULT_ROOT, |root| &root.path);
        let root = root.unwrap_or(first).trim_matches('/').to_owned();
        let act = TaxiiAct::CollectionAdded { root, collection };
        self.apply(&act);
        self.check()?;
        Ok(act)
    }

    fn remove_collection(&mut self, name: &str) -> Result<TaxiiAct, NodeError> {
        let settings = self.settings();
        let collection = settings.named(name)?;
        let (id, title) = (collection.id.clone(), collection.title.clone());
        if !self.book.roots.iter().flat_map(|root| &root.collections).any(|c| c.id == id) {
            let message = format!("the collection `{title}` stands in bongsu.toml; take it out there");
            return Err(NodeError::Conflict { message });
        }
        let act = TaxiiAct::CollectionRemoved { id, title };
        self.apply(&act);
        Ok(act)
    }

    /// The collection that a load is for.
    fn destination(&mut self, load: &TaxiiLoad) -> Result<TaxiiCollection, NodeError> {
        let settings = self.settings();
        if let Some(name) = &load.collection {
            return settings.named(name).cloned();
        }
        let all: Vec<&TaxiiCollection> = settings.roots.iter().flat_map(|root| &root.collections).collect();
        match all[..] {
            [one] => Ok(one.clone()),
            [] => {
                let collection = TaxiiCollection {
                    title: load.title.clone(),
                    read: vec![OWN.to_owned()],
                    write: vec![OWN.to_owned()],
                    ..TaxiiCollection::default()
                };
                let act = self.add_collection(None, collection)?;
                self.note(act.clone())?;
                match act {
                    TaxiiAct::CollectionAdded { collection, .. } => Ok(collection),
                    _ => Err(NodeError::Stopping),
                }
            }
            _ => {
                let names: Vec<String> = all.iter().map(|c| format!("`{}` ({})", c.title, c.id)).collect();
                Err(bad(format!("say which collection, by --collection: {}", names.join(", "))))
            }
        }
    }
}

/// Names of a collection's lists that are no account.
pub(super) fn unknown_names<'s>(settings: &'s TaxiiSettings, known: &[Known]) -> Vec<(&'s str, &'s str)> {
    let is_known = |name: &str| {
        name == EVERYBODY || name == OWN || known.iter().any(|k| k.account.name.as_str() == name)
    };
    let all = settings.roots.iter().flat_map(|root| &root.collections);
    all.flat_map(|c| c.read.iter().chain(&c.write).map(|name| (c.title.as_str(), name.as_str())))
        .filter(|(_, name)| !is_known(name))
        .collect()
}
