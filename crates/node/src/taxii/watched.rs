//! Indicators in collections: logs are searched for the newest version of each from the moment that it is added.

use std::collections::BTreeSet;
use std::sync::Arc;

use base::Marking;
use threat::taxii::Arrived;
use threat::{Indicator, IndicatorReader, Origin};

use super::Taxii;
use super::store::{Depth, Held, Reader};
use crate::NodeError;
use crate::feeds::{Give, Indicators, heed};

/// The type of the objects that matter here.
const INDICATOR: &str = "indicator";

/// The ids of the indicators of an envelope.
pub(super) fn indicator_ids(arrived: &[Arrived<'_>]) -> BTreeSet<String> {
    let headers = arrived.iter().filter_map(|object| object.header.as_ref().ok());
    headers.filter(|header| header.kind == INDICATOR).map(|header| header.id.clone().into_owned()).collect()
}

impl Taxii {
    /// Lets the node look for what the collections hold, from now on.
    pub(super) fn be_watched(self: &Arc<Self>, indicators: &Indicators) {
        let taxii = Arc::downgrade(self);
        indicators.look_elsewhere(Box::new(move |give| {
            taxii.upgrade().map_or(Ok(()), |taxii| taxii.all_indicators(give))
        }));
    }

    /// What the newest versions of these objects of a collection look for.
    pub(super) fn newest_indicators(
        &self,
        collection: &str,
        ids: &BTreeSet<String>,
    ) -> Result<Vec<(Indicator, Origin)>, NodeError> {
        let mut found = Vec::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let reader = self.store.reader()?;
        let Some(number) = reader.collection(collection)? else { return Ok(found) };
        let classes = reader.classes()?;
        for id in ids {
            let Some(newest) = newest(reader.group(number, id)?) else { continue };
            let Some((kind, marking)) = classes.get(&newest.class) else { continue };
            if kind == INDICATOR {
                read(&reader, collection, &newest, marking, &mut |indicator, origin| {
                    found.push((indicator, origin.clone()));
                })?;
            }
        }
        Ok(found)
    }

    /// Tells the node that these were looked for and those are now. What fails here fails no client: the objects are
    /// kept, and are looked for after the next start.
    pub(super) fn changed(&self, before: Vec<(Indicator, Origin)>, collection: &str, ids: &BTreeSet<String>) {
        let changed = self.newest_indicators(collection, ids).and_then(|now| {
            match (before.is_empty(), now.is_empty()) {
                (true, true) => Ok(()),
                _ => heed(&self.core, before, now),
            }
        });
        if let Err(error) = changed {
            tracing::error!(%error, collection, "indicators that came by TAXII are not looked for");
        }
    }

    fn all_indicators(&self, give: &mut Give<'_>) -> Result<(), NodeError> {
        let reader = self.store.reader()?;
        let classes = reader.classes()?;
        for collection in self.settings.roots.iter().flat_map(|root| &root.collections) {
            let Some(number) = reader.collection(&collection.id)? else { continue };
            for (class, (_, marking)) in classes.iter().filter(|(_, (kind, _))| kind == INDICATOR) {
                reader.scan(number, (i64::MIN, 0), Some(*class), Depth::Whole, |held| {
                    let is_newest =
                        held.alone || newest(reader.group(number, &held.id)?).as_ref() == Some(&held);
                    if is_newest {
                        read(&reader, &collection.id, &held, marking, give)?;
                    }
                    Ok(true)
                })?;
            }
        }
        Ok(())
    }
}

/// The newest version; of two with one version the first, which is the one that is served.
fn newest(mut versions: Vec<Held>) -> Option<Held> {
    versions.retain(|held| !held.conflict);
    versions.into_iter().max_by_key(|held| held.version)
}

fn read(
    reader: &Reader<'_>,
    collection: &str,
    held: &Held,
    marking: &Marking,
    give: &mut Give<'_>,
) -> Result<(), NodeError> {
    let bytes = reader.bytes(held)?;
    let source = Origin::of_source(format!("taxii:{collection}"));
    let read = IndicatorReader::each(&mut &bytes[..], &source, &mut |indicator, origin| {
        let marking = Some(marking.clone());
        give(indicator, &Origin { marking, ..origin.clone() });
    });
    read.map(|_| ()).map_err(|source| NodeError::Io { path: "blobs".into(), source })
}
