//! Collections as the client of other servers needs them: what they bring goes the same way in as what is posted here,
//! and what goes to them is decided as for a client of that organisation.

use std::collections::{BTreeSet, HashMap};

use base::NodeName;
use label::Audience;
use serde_json::Value;
use threat::taxii::{Header, Micros};

use super::clients::Client;
use super::intake::NotTaken;
use super::store::{Depth, Held};
use super::{Taxii, classes::Eyes};
use crate::NodeError;

/// What came of objects of another server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mirrored {
    /// Objects that were added.
    pub(crate) added: u64,
    /// Of these such that were here with another content.
    pub(crate) conflicts: u64,
}

/// An object on its way to another server.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) spec: String,
    pub(crate) bytes: Vec<u8>,
}

/// Where a look through a collection stands.
pub(crate) type Place = (Micros, u64);

/// What a server may have of a collection, from a place on.
pub(crate) struct Outbound {
    pub(crate) objects: Vec<Outgoing>,
    /// Where to go on; the same place when there was nothing.
    pub(crate) next: Place,
    /// Whether the collection was looked through to its end.
    pub(crate) ended: bool,
}

/// Who asks, for what.
pub(crate) struct Wanted<'a> {
    pub(crate) collection: &'a str,
    pub(crate) audience: &'a Audience,
    /// Types of objects; empty: all.
    pub(crate) types: &'a [String],
    pub(crate) from: Place,
    pub(crate) most: usize,
    pub(crate) most_bytes: u64,
}

impl Taxii {
    /// Which of these objects of one collection are there already, by id, version and content.
    pub(crate) fn known(
        &self,
        collection: &str,
        objects: &[(&Header<'_>, &[u8])],
    ) -> Result<Vec<bool>, NodeError> {
        let reader = self.store.reader()?;
        let Some(number) = reader.collection(collection)? else { return Ok(vec![false; objects.len()]) };
        let value = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
        let mut known = Vec::with_capacity(objects.len());
        for (header, bytes) in objects {
            let mut found = false;
            for held in reader.group(number, &header.id)? {
                let same = header.version.is_none_or(|version| version == held.version);
                if found || !same || held.spec != header.spec_version {
                    continue;
                }
                let before = reader.bytes(&held)?;
                // As the index does: the same said in other words is no other content.
                found = before == *bytes || value(&before).is_some_and(|before| Some(before) == value(bytes));
            }
            known.push(found);
        }
        Ok(known)
    }

    /// Takes an envelope from another server in, as if `client` had posted it. When it returns, it is on disk. Blocks.
    pub(crate) fn mirror(
        &self,
        collection: &str,
        client: &str,
        envelope: Vec<u8>,
    ) -> Result<Mirrored, NodeError> {
        let found = self.settings.roots.iter().find_map(|root| {
            root.collections.iter().find(|c| c.id == collection).map(|collection| (root, collection))
        });
        let what = || NodeError::NotFound { what: format!("collection `{collection}`") };
        let (root, collection) = found.ok_or_else(what)?;
        let status = self.add(root, collection, client, envelope, Vec::new()).map_err(|e| match e {
            NotTaken::Malformed(fault) => NodeError::BadRequest { message: fault.to_string() },
            NotTaken::Failed(error) => error,
        })?;
        let conflicts = status.successes.iter().filter(|one| one.message.is_some()).count();
        Ok(Mirrored { added: status.success_count, conflicts: conflicts as u64 })
    }

    /// What may go to an audience now, of what `wants` has not seen go. Decided anew at every call.
    pub(crate) fn outbound(
        &self,
        wanted: &Wanted<'_>,
        mut wants: impl FnMut(&Held, &str) -> Result<bool, NodeError>,
    ) -> Result<Outbound, NodeError> {
        let reader = self.store.reader()?;
        let mut out = Outbound { objects: Vec::new(), next: wanted.from, ended: true };
        let Some(number) = reader.collection(wanted.collection)? else { return Ok(out) };
        let seen = self.seen(&reader, &eyes(wanted.audience))?;
        let (mut bytes, mut chosen) = (0, Vec::new());
        let mut taken: BTreeSet<(String, String, String)> = BTreeSet::new();
        reader.scan(number, wanted.from, None, Depth::Whole, |held| {
            let kind = seen.get(&held.class);
            if kind.is_none_or(|kind| !wanted.types.is_empty() && !wanted.types.contains(kind)) {
                out.next = (held.added, held.seq + 1);
                return Ok(true);
            }
            let version = held.version_text();
            if !wants(&held, &version)? {
                out.next = (held.added, held.seq + 1);
                return Ok(true);
            }
            bytes += held.length as u64 + 1;
            if chosen.len() == wanted.most || (bytes > wanted.most_bytes && !chosen.is_empty()) {
                out.ended = false;
                return Ok(false);
            }
            out.next = (held.added, held.seq + 1);
            // Of two contents of one version the first that it may have goes.
            if taken.insert((held.id.clone(), version.clone(), held.spec.clone())) {
                chosen.push((held, version));
            }
            Ok(true)
        })?;
        for (held, version) in chosen {
            let bytes = reader.bytes(&held)?;
            out.objects.push(Outgoing { id: held.id, version, spec: held.spec, bytes });
        }
        Ok(out)
    }

    /// The markings and kinds that an audience may have now; when one comes to it, earlier objects may be due.
    pub(crate) fn classes_for(&self, audience: &Audience) -> Result<BTreeSet<i64>, NodeError> {
        let reader = self.store.reader()?;
        let seen: HashMap<i64, String> = self.seen(&reader, &eyes(audience))?;
        Ok(seen.into_keys().collect())
    }
}

/// A server is a client of its organisation as far as release goes.
fn eyes(audience: &Audience) -> Client {
    let name: NodeName = audience.node.clone();
    Client { name, eyes: Eyes::Of(audience.clone()) }
}
