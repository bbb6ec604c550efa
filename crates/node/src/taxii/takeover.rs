//! Taking over what another server holds: its collections with the times at which objects were added there, so that
//! clients go on where they were.

use std::collections::{BTreeMap, HashMap};

use base::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::noun::{TaxiiAdded, TaxiiStatusTaken};
use super::settings::TaxiiSettings;
use crate::offline::Desk;
use crate::{Config, NodeError};

/// The largest file.
const MAX_BYTES: usize = 1 << 30;

/// A data file of OASIS' reference server (medallion 3), as far as it is taken over.
#[derive(Deserialize)]
struct Root<'a> {
    #[serde(borrow, default)]
    collections: Vec<Collection<'a>>,
    #[serde(default)]
    status: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Collection<'a> {
    id: String,
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

/// What was taken over from one collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaxiiTaken {
    /// The collection.
    pub collection: String,
    /// Objects of it.
    pub objects: u64,
    /// Of these without a time at the other server; they carry the present.
    pub undated: u64,
}

/// Takes the data file of a medallion server over into the stopped node in `config.data`. Collections are known by
/// their ids; those that the settings do not name are left alone and not in the answer.
///
/// # Errors
/// When the file cannot be read, the settings have no `[taxii]`, or the node runs.
pub fn taxii_take_over(config: &Config, file: &[u8]) -> Result<Vec<TaxiiTaken>, NodeError> {
    let bad = |message: String| NodeError::BadRequest { message };
    let Some(settings) = &config.taxii else { return Err(bad("bongsu.toml has no [taxii]".to_owned())) };
    if file.len() > MAX_BYTES {
        return Err(bad(format!("a file has at most {MAX_BYTES} bytes")));
    }
    let unreadable = |e: serde_json::Error| bad(format!("this is no data file of a TAXII server: {e}"));
    let parts: BTreeMap<String, &RawValue> = serde_json::from_slice(file).map_err(unreadable)?;
    let mut desk = Desk::open(config)?;
    let mut taken = Vec::new();
    for (name, part) in parts.iter().filter(|(name, _)| !name.starts_with('/')) {
        let root: Root<'_> = serde_json::from_str(part.get()).map_err(unreadable)?;
        for collection in root.collections.into_iter().filter(|c| known(settings, &c.id)) {
            taken.push(take(&mut desk, collection)?);
        }
        if settings.roots.iter().any(|root| root.path.trim_matches('/') == name) {
            for status in root.status {
                let marking = desk.nobody();
                let noun = TaxiiStatusTaken { root: name.clone(), status, marking };
                let entry = desk.sign(&noun, None)?;
                desk.record(entry)?;
            }
        }
    }
    Ok(taken)
}

fn known(settings: &TaxiiSettings, id: &str) -> bool {
    settings.roots.iter().flat_map(|root| &root.collections).any(|collection| collection.id == id)
}

fn take(desk: &mut Desk, collection: Collection<'_>) -> Result<TaxiiTaken, NodeError> {
    let now = crate::core::now();
    let dates: HashMap<(&str, Timestamp), Timestamp> =
        collection.manifest.iter().map(|one| ((one.id.as_str(), one.version), one.date_added)).collect();
    let mut undated = 0;
    let mut objects: Vec<(Timestamp, &RawValue)> = Vec::with_capacity(collection.objects.len());
    for object in collection.objects {
        let added = serde_json::from_str::<Versioned>(object.get()).ok().and_then(|head| {
            let version = head.modified.or(head.created)?;
            dates.get(&(head.id.as_str(), version)).copied()
        });
        undated += u64::from(added.is_none());
        objects.push((added.unwrap_or(now), object));
    }
    objects.sort_by_key(|(added, _)| *added);
    let count = objects.len() as u64;
    if count > 0 {
        let list: Vec<&str> = objects.iter().map(|(_, object)| object.get()).collect();
        let envelope = format!("{{\"objects\":[{}]}}", list.join(",")).into_bytes();
        let added = TaxiiAdded {
            collection: collection.id.clone(),
            bytes: envelope.len() as u64,
            blob: desk.put_blob(&envelope)?,
            objects: count,
            at: now,
            added: objects.iter().map(|(added, _)| *added).collect(),
            client: "take-over".to_owned(),
            status: String::new(),
            marking: desk.nobody(),
        };
        let entry = desk.sign(&added, None)?;
        desk.record(entry)?;
    }
    Ok(TaxiiTaken { collection: collection.id, objects: count, undated })
}
