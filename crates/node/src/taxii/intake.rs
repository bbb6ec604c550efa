//! Taking envelopes in: the bytes into a blob, an entry into the record, the objects into the index, in this order.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use base::Timestamp;
use record::{RecordStore, Stored};
use threat::taxii::{Arrived, EnvelopeFault, Micros, Status, read_envelope};

use super::classes::{Marker, may_have};
use super::noun::{RemovedVersion, TaxiiAdded, TaxiiRemoved, TaxiiStatusTaken};
use super::store::{Addition, Held, ToAdd};
use super::watched::indicator_ids;
use super::{Taxii, TaxiiCollection, TaxiiRoot};
use crate::NodeError;
use crate::core::{Draft, lock, nobody};

/// Why an envelope was not taken.
pub(super) enum NotTaken {
    /// It is none.
    Malformed(EnvelopeFault),
    /// It could not be written.
    Failed(NodeError),
}

impl<E: Into<NodeError>> From<E> for NotTaken {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn micros(time: Timestamp) -> Micros {
    time.unix_nanos().div_euclid(1000)
}

impl Taxii {
    /// Takes one envelope in; when it returns, what the status calls a success is on disk. Blocks.
    pub(super) fn add(
        &self,
        root: &TaxiiRoot,
        collection: &TaxiiCollection,
        client: &str,
        body: Vec<u8>,
        added: Vec<Timestamp>,
    ) -> Result<Status, NotTaken> {
        let body = Arc::new(body);
        let arrived = read_envelope(&body).map_err(NotTaken::Malformed)?;
        let _turn = lock(&self.adding);
        let at = self.core.surroundings.now();
        let mut id = [0; 16];
        self.core.surroundings.fill(&mut id);
        let raw = Arc::clone(&body);
        let blob = self.core.with_record_blocking(move |record| record.put_blob(&raw))??;
        let added = TaxiiAdded {
            collection: collection.id.clone(),
            blob,
            bytes: body.len() as u64,
            objects: arrived.len() as u64,
            at,
            added,
            client: client.to_owned(),
            status: uuid(id),
            marking: nobody(&self.core.config.country),
        };
        let home = self.record(Draft::TaxiiAdded(Box::new(added.clone())))?;
        let ids = indicator_ids(&arrived);
        let before = self.newest_indicators(&collection.id, &ids)?;
        let status = self.index(&root.path, &added, arrived, home)?;
        self.changed(before, &collection.id, &ids);
        self.grown.send_modify(|size| *size += 1);
        Ok(status)
    }

    /// Deletes versions of an object. Blocks.
    pub(super) fn remove(
        &self,
        collection: &TaxiiCollection,
        client: &str,
        object: &str,
        held: &[Held],
    ) -> Result<(), NodeError> {
        let _turn = lock(&self.adding);
        let versions = held
            .iter()
            .map(|held| RemovedVersion { version: held.version, spec_version: held.spec.clone() })
            .collect();
        let removed = TaxiiRemoved {
            collection: collection.id.clone(),
            object: object.to_owned(),
            versions,
            at: self.core.surroundings.now(),
            client: client.to_owned(),
            marking: nobody(&self.core.config.country),
        };
        let home = self.record(Draft::TaxiiRemoved(Box::new(removed.clone())))?;
        let ids = BTreeSet::from([object.to_owned()]);
        let before = self.newest_indicators(&collection.id, &ids)?;
        self.forget(&removed, home)?;
        self.changed(before, &collection.id, &ids);
        Ok(())
    }

    /// Records a draft; gives its place in the home log.
    fn record(&self, draft: Draft) -> Result<u64, NodeError> {
        let ids = self.core.append_blocking(vec![draft])?;
        let id = *ids.first().ok_or(NodeError::Stopping)?;
        let place = self.core.with_record_blocking(move |record| record.place(&id))??;
        place.ok_or(NodeError::Stopping)
    }

    fn index(
        &self,
        root: &str,
        added: &TaxiiAdded,
        arrived: Vec<Arrived<'_>>,
        home: u64,
    ) -> Result<Status, NodeError> {
        let base = self.base_marking(&added.collection);
        let rules = self.core.rules(added.at);
        let mut marker = Marker {
            rules: &rules,
            country: &self.core.config.country,
            base: base.as_ref(),
            known: HashMap::new(),
        };
        let objects = arrived
            .into_iter()
            .enumerate()
            .map(|(at, Arrived { start, bytes, header })| ToAdd {
                start,
                bytes,
                added: added.added.get(at).copied().map(micros),
                header: header.map(|header| {
                    let marking = marker.marking(&header, bytes);
                    (header, marking)
                }),
            })
            .collect();
        let eyes = self.clients.eyes(&added.client);
        let told = |kind: &str, marking: &base::Marking| {
            // What no account can be called is this node itself, which pulls from other servers or loads a file.
            let itself = || added.client.parse::<base::NodeName>().is_err();
            eyes.map_or_else(itself, |eyes| may_have(eyes, marking, kind, &rules, added.at))
        };
        self.store.add(&Addition {
            collection: &added.collection,
            root: root.trim_matches('/'),
            client: &added.client,
            status: &added.status,
            at: micros(added.at),
            blob: added.blob,
            home,
            objects,
            told: &told,
        })
    }

    fn forget(&self, removed: &TaxiiRemoved, home: u64) -> Result<(), NodeError> {
        let versions: Vec<(Micros, &str)> =
            removed.versions.iter().map(|version| (version.version, version.spec_version.as_str())).collect();
        self.store.remove(&removed.collection, &removed.object, &versions, home)
    }

    /// Takes in what the record has and the index has not: after a crash between the two, or all when the index is new.
    pub(super) fn catch_up(&self) -> Result<(), NodeError> {
        /// Entries that are looked at in one turn.
        const STEP: u64 = 1000;
        let mut from = self.store.applied()?;
        loop {
            let entries = self.core.with_record_blocking(move |record| {
                let upto = (from + STEP).min(record.log_size());
                let entries: Result<Vec<Option<Stored>>, _> =
                    (from..upto).map(|seq| record.at(seq)).collect();
                entries.map(|entries| (entries, upto))
            })??;
            let (entries, upto) = entries;
            for stored in entries.into_iter().flatten().filter(|stored| stored.received.is_none()) {
                self.follow(&stored)?;
            }
            self.store.skip_to(upto)?;
            if upto == from {
                return Ok(());
            }
            from = upto;
        }
    }

    fn follow(&self, stored: &Stored) -> Result<(), NodeError> {
        let Some(entry) = &stored.entry else { return Ok(()) };
        if let Ok(added) = entry.noun::<TaxiiAdded>() {
            let blob = added.blob;
            let Some(body) = self.core.with_record_blocking(move |record| record.blob(&blob))?? else {
                tracing::error!(%blob, "an envelope of a TAXII client is missing; its objects are not served");
                return Ok(());
            };
            let root = self.root_of(&added.collection);
            match read_envelope(&body) {
                Ok(arrived) => self.index(&root, &added, arrived, stored.seq).map(|_| ())?,
                Err(fault) => {
                    tracing::error!(%blob, %fault, "an envelope cannot be read again; its objects are not served");
                }
            }
        } else if let Ok(removed) = entry.noun::<TaxiiRemoved>() {
            self.forget(&removed, stored.seq)?;
        } else if let Ok(taken) = entry.noun::<TaxiiStatusTaken>() {
            self.store.keep_status(&taken.root, &taken.status, stored.seq)?;
        }
        Ok(())
    }

    /// The root that holds a collection; empty when the settings name it no more.
    fn root_of(&self, collection: &str) -> String {
        let of = |root: &&TaxiiRoot| root.collections.iter().any(|c| c.id == collection);
        self.settings.roots.iter().find(of).map_or_else(String::new, |root| root.path.clone())
    }
}

/// A UUID of version 4 (RFC 9562, section 5.4).
pub(super) fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
