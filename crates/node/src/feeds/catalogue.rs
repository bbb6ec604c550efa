//! Catalogues of satellites: the newest one is what positions and screenings are made from.

use std::sync::Arc;

use base::{EntryId, Interval, Observation, Source, Timestamp};
use record::RecordStore;

use super::{LIMITS, Taken, refused};
use crate::NodeError;
use crate::core::{Core, Draft};
use crate::situation::LoadedCatalogue;
use crate::unpack::unpack;
use crate::view::View;

/// The kind of their observations.
pub(super) const KIND: &str = "orbit.catalogue";

/// Takes in one catalogue. Blocks; call it off the async part.
pub(super) fn take_in(core: &Arc<Core>, title: &str, bytes: Vec<u8>) -> Result<Taken, NodeError> {
    let plain = unpack(&bytes[..], &LIMITS).map_err(|e| refused(title, e.to_string()))?;
    let read = orbit::read_catalogue(&plain, title);
    core.metrics.faults.inc_by(read.faults.len() as u64);
    if read.catalogue.is_empty() {
        let first = read.faults.first().map_or_else(|| "it holds no objects".to_owned(), ToString::to_string);
        return Err(refused(title, format!("nothing could be read from it: {first}")));
    }
    let objects = read.catalogue.len();
    let received = core.surroundings.now();
    let size = bytes.len() as u64;
    let blob = core
        .with_record_blocking(move |record| record.put_blob(&bytes))?
        .map_err(|e| NodeError::NotStored { message: e.to_string() })?;
    let epochs = epochs(&read.catalogue);
    let observation = Observation {
        kind: KIND.to_owned(),
        title: title.to_owned(),
        source: Source::ungraded(title),
        received,
        interval: epochs.unwrap_or_else(|| Interval::at(received)),
        place: None,
        blob,
        bytes: size,
        items: objects as u64,
        faults: read.faults.len() as u64,
        marking: core.config.catalogue_marking.marking(core.config.country.as_str()),
        evidence: Vec::new(),
    };
    let ids = core.append_blocking(vec![Draft::Observation(observation)])?;
    let entry = *ids.first().ok_or(NodeError::Stopping)?;
    load(core, entry, title, received, read.catalogue);
    let said = format!("{} objects, {} faults", objects, read.faults.len());
    Ok(Taken { entry, faults: read.faults, said })
}

/// Makes a catalogue the current one.
pub(crate) fn load(
    core: &Core,
    entry: EntryId,
    title: &str,
    received: Timestamp,
    catalogue: orbit::Catalogue,
) {
    let patterns: Vec<&str> = core.config.watch_names.iter().map(String::as_str).collect();
    let protected = catalogue.find_by_name(&patterns).iter().map(|set| set.norad_id()).collect();
    let (ephemeris, faults) = orbit::Ephemeris::new(&catalogue);
    for fault in faults.iter().take(20) {
        tracing::warn!(%fault, "object cannot be propagated");
    }
    let loaded = LoadedCatalogue {
        entry,
        title: title.to_owned(),
        received,
        epochs: epochs(&catalogue),
        catalogue,
        ephemeris,
    };
    core.update(|p| {
        p.catalogue = Some(Arc::new(loaded));
        p.protected = Arc::new(protected);
    });
}

/// The newest own catalogue of the record becomes the current one again after a start.
pub(super) fn reload(core: &Arc<Core>) -> Result<(), NodeError> {
    let newest = core.look(&View::Owner)?.owner()?.newest_observation(KIND, |_| true)?;
    let Some((entry, observation)) = newest else { return Ok(()) };
    let blob = observation.blob;
    let Some(bytes) = core.with_record_blocking(move |record| record.blob(&blob))?? else { return Ok(()) };
    let title = &observation.title;
    let plain = unpack(&bytes[..], &LIMITS).map_err(|e| refused(title, e.to_string()))?;
    let read = orbit::read_catalogue(&plain, title);
    load(core, entry, title, observation.received, read.catalogue);
    Ok(())
}

fn epochs(catalogue: &orbit::Catalogue) -> Option<Interval> {
    let first = catalogue.iter().map(orbit::ElementSet::epoch).min()?;
    let last = catalogue.iter().map(orbit::ElementSet::epoch).max()?;
    Interval::new(first, last).ok()
}
