//! Taking over what another server holds: its roots and collections, and the times at which objects were added there,
//! so that clients go on where they were.

use std::collections::{BTreeMap, HashMap};

use base::{Fault, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use threat::taxii::{ApiRoot, Discovery};

use super::noun::{TaxiiAct, TaxiiAdded, TaxiiStatusTaken};
use super::settings::{EVERYBODY, TaxiiCollection, TaxiiRoot, TaxiiSettings};
use crate::NodeError;
use crate::offline::Desk;

/// What stands in a data file of OASIS' reference server (medallion 3), as far as it is taken over.
pub(super) struct Found<'a> {
    discovery: Option<Discovery>,
    /// By path, in the order of the discovery resource.
    roots: Vec<(String, Root<'a>)>,
}

#[derive(Deserialize)]
struct Root<'a> {
    #[serde(default)]
    information: Option<ApiRoot>,
    #[serde(borrow, default)]
    collections: Vec<Collection<'a>>,
    #[serde(default)]
    status: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Collection<'a> {
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    alias: Option<String>,
    #[serde(default)]
    can_read: bool,
    #[serde(default)]
    can_write: bool,
    #[serde(default)]
    media_types: Vec<String>,
    #[serde(borrow, default)]
    objects: Vec<&'a RawValue>,
    #[serde(default)]
    manifest: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    date_added: Timestamp,
    version: Timestamp,
}

#[derive(Deserialize)]
struct Versioned {
    id: String,
    created: Option<Timestamp>,
    modified: Option<Timestamp>,
}

/// What was loaded into one collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaxiiTaken {
    /// The collection's id.
    pub collection: String,
    /// Its title.
    pub title: String,
    /// Objects that were loaded.
    pub objects: u64,
    /// Of these without a time at the server that they come from; they carry the present.
    pub undated: u64,
    /// Which objects cannot be kept, and why.
    #[serde(skip)]
    pub refused: Vec<Fault>,
}

/// Reads a data file.
pub(super) fn read(file: &[u8]) -> Result<Found<'_>, NodeError> {
    let unreadable = |e: serde_json::Error| NodeError::BadRequest {
        message: format!("this is no data file of a medallion server: {e}"),
    };
    let parts: BTreeMap<String, &RawValue> = serde_json::from_slice(file).map_err(unreadable)?;
    let discovery = parts.get("/discovery").map(|part| serde_json::from_str::<Discovery>(part.get()));
    let discovery = discovery.transpose().map_err(unreadable)?;
    let mut roots = Vec::new();
    for (name, part) in parts.iter().filter(|(name, _)| !name.starts_with('/')) {
        // A bundle is an object too.
        if !part.get().starts_with('{') {
            return Err(unreadable(serde::de::Error::custom(format!("`{name}` is no API root"))));
        }
        roots.push((name.clone(), serde_json::from_str::<Root<'_>>(part.get()).map_err(unreadable)?));
    }
    if let Some(discovery) = &discovery {
        let place = |path: &str| {
            let is = |address: &String| address.trim_end_matches('/').ends_with(&format!("/{path}"));
            discovery.api_roots.iter().position(is).unwrap_or(usize::MAX)
        };
        roots.sort_by_key(|(path, _)| place(path));
    }
    Ok(Found { discovery, roots })
}

/// What the settings lack to serve it. The first server that is taken over also gives its name and addresses.
pub(super) fn acts(found: &Found<'_>, settings: &TaxiiSettings, is_first: bool) -> Vec<TaxiiAct> {
    let served: Vec<&TaxiiCollection> = settings.roots.iter().flat_map(|root| &root.collections).collect();
    let mut acts = Vec::new();
    for (path, root) in &found.roots {
        if !settings.roots.iter().any(|own| own.path.trim_matches('/') == path) {
            let info = root.information.as_ref();
            acts.push(TaxiiAct::RootAdded {
                root: TaxiiRoot {
                    path: path.clone(),
                    title: info.map_or_else(String::new, |info| info.title.clone()),
                    description: info.and_then(|info| info.description.clone()),
                    max_content_length: info.and_then(|info| usize::try_from(info.max_content_length).ok()),
                    collections: Vec::new(),
                },
            });
        }
        let lacking = root.collections.iter().filter(|c| !served.iter().any(|own| own.id == c.id));
        acts.extend(lacking.map(|collection| TaxiiAct::CollectionAdded {
            root: path.clone(),
            collection: collection.offered(),
        }));
    }
    if is_first && let Some(discovery) = &found.discovery {
        acts.push(TaxiiAct::DiscoverySet { discovery: discovery.clone() });
    }
    acts
}

impl Collection<'_> {
    /// The collection as this server offers it: there, all clients have the same rights.
    fn offered(&self) -> TaxiiCollection {
        let all = |may: bool| if may { vec![EVERYBODY.to_owned()] } else { Vec::new() };
        TaxiiCollection {
            id: self.id.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            alias: self.alias.clone(),
            listed: true,
            read: all(self.can_read),
            write: all(self.can_write),
            media_types: self.media_types.clone(),
            marking: None,
        }
    }

    /// Each object with the time at which it was added there, if that is known.
    fn dated(&self) -> Vec<(Option<Timestamp>, &RawValue)> {
        let dates: HashMap<(&str, Timestamp), Timestamp> =
            self.manifest.iter().map(|one| ((one.id.as_str(), one.version), one.date_added)).collect();
        let added = |object: &RawValue| {
            let head = serde_json::from_str::<Versioned>(object.get()).ok()?;
            dates.get(&(head.id.as_str(), head.modified.or(head.created)?)).copied()
        };
        self.objects.iter().map(|object| (added(object), *object)).collect()
    }
}

/// What will be loaded, by collection.
pub(super) fn summary(found: &Found<'_>) -> Vec<TaxiiTaken> {
    let collections = found.roots.iter().flat_map(|(_, root)| &root.collections);
    let taken = collections.map(|collection| TaxiiTaken {
        collection: collection.id.clone(),
        title: collection.title.clone(),
        objects: collection.objects.len() as u64,
        undated: collection.dated().iter().filter(|(added, _)| added.is_none()).count() as u64,
        refused: Vec::new(),
    });
    taken.collect()
}

/// Records objects and status resources.
pub(super) fn record(desk: &mut Desk, found: Found<'_>, now: Timestamp) -> Result<(), NodeError> {
    for (path, root) in found.roots {
        for collection in &root.collections {
            record_collection(desk, collection, now)?;
        }
        for status in root.status {
            let noun = TaxiiStatusTaken { root: path.clone(), status, marking: desk.nobody() };
            let entry = desk.sign(&noun, Some(now))?;
            desk.record(entry)?;
        }
    }
    Ok(())
}

fn record_collection(desk: &mut Desk, collection: &Collection<'_>, now: Timestamp) -> Result<(), NodeError> {
    let mut objects: Vec<(Timestamp, &RawValue)> =
        collection.dated().into_iter().map(|(added, object)| (added.unwrap_or(now), object)).collect();
    if objects.is_empty() {
        return Ok(());
    }
    objects.sort_by_key(|(added, _)| *added);
    let list: Vec<&str> = objects.iter().map(|(_, object)| object.get()).collect();
    let envelope = format!("{{\"objects\":[{}]}}", list.join(",")).into_bytes();
    let added = TaxiiAdded {
        collection: collection.id.clone(),
        bytes: envelope.len() as u64,
        blob: desk.put_blob(&envelope)?,
        objects: objects.len() as u64,
        at: now,
        added: objects.iter().map(|(added, _)| *added).collect(),
        client: "take-over".to_owned(),
        status: String::new(),
        marking: desk.nobody(),
    };
    let entry = desk.sign(&added, Some(now))?;
    desk.record(entry).map(|_| ())
}
