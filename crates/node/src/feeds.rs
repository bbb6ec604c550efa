//! How bytes come in: a watched folder, fetched addresses, uploads. All end in [`take_in`]: the bytes are kept, read,
//! and told of in one observation; what could not be read is told as faults.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::{BlobHash, EntryId, Fault, Interval, Observation, Source, Timestamp};
use record::RecordStore;
use sha2::{Digest, Sha256};

use crate::NodeError;
use crate::config::HttpFeed;
use crate::core::{Core, Draft};
use crate::serve::{Stop, stopped};
use crate::situation::LoadedCatalogue;
use crate::unpack::{InputLimits, unpack};
use crate::view::View;

/// The most bytes of one input, compressed or not.
pub(crate) const MAX_INPUT_BYTES: u64 = 256 << 20;
const LIMITS: InputLimits = InputLimits { bytes: MAX_INPUT_BYTES, line_bytes: 128 << 20 };
/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long it waits after the record could not take something.
const REST: Duration = Duration::from_secs(10);

/// What came of an input.
pub(crate) struct Taken {
    pub(crate) entry: EntryId,
    pub(crate) faults: Vec<Fault>,
}

/// Takes in one catalogue. Blocks; call it off the async part.
pub(crate) fn take_in(core: &Arc<Core>, title: &str, bytes: Vec<u8>) -> Result<Taken, NodeError> {
    let refused = |message: String| NodeError::BadInput { name: title.to_owned(), message };
    let plain = unpack(&bytes[..], &LIMITS).map_err(|e| refused(e.to_string()))?;
    let read = orbit::read_catalogue(&plain, title);
    core.metrics.faults.inc_by(read.faults.len() as u64);
    if read.catalogue.is_empty() {
        let first = read.faults.first().map_or_else(|| "it holds no objects".to_owned(), ToString::to_string);
        return Err(refused(format!("nothing could be read from it: {first}")));
    }
    let received = core.surroundings.now();
    let size = bytes.len() as u64;
    let blob = core
        .with_record_blocking(move |record| record.put_blob(&bytes))?
        .map_err(|e| NodeError::NotStored { message: e.to_string() })?;
    let epochs = epochs(&read.catalogue);
    let observation = Observation {
        kind: "orbit.catalogue".to_owned(),
        title: title.to_owned(),
        source: Source::ungraded(title),
        received,
        interval: epochs.unwrap_or_else(|| Interval::at(received)),
        place: None,
        blob,
        bytes: size,
        items: read.catalogue.len() as u64,
        faults: read.faults.len() as u64,
        marking: core.config.catalogue_marking.marking(core.config.country.as_str()),
        evidence: Vec::new(),
    };
    let ids = core.append_blocking(vec![Draft::Observation(observation)])?;
    let entry = *ids.first().ok_or(NodeError::Stopping)?;
    load(core, entry, title, received, read.catalogue);
    Ok(Taken { entry, faults: read.faults })
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
pub(crate) fn reload(core: &Arc<Core>) -> Result<(), NodeError> {
    let newest = core.look(&View::Owner)?.owner()?.newest_observation(|o| o.kind == "orbit.catalogue")?;
    let Some((entry, observation)) = newest else { return Ok(()) };
    let blob = observation.blob;
    let Some(bytes) = core.with_record_blocking(move |record| record.blob(&blob))?? else { return Ok(()) };
    let refused = |message: String| NodeError::BadInput { name: observation.title.clone(), message };
    let plain = unpack(&bytes[..], &LIMITS).map_err(|e| refused(e.to_string()))?;
    let read = orbit::read_catalogue(&plain, &observation.title);
    load(core, entry, &observation.title, observation.received, read.catalogue);
    Ok(())
}

fn epochs(catalogue: &orbit::Catalogue) -> Option<Interval> {
    let first = catalogue.iter().map(orbit::ElementSet::epoch).min()?;
    let last = catalogue.iter().map(orbit::ElementSet::epoch).max()?;
    Interval::new(first, last).ok()
}

/// Watches the feed folder until the node stops. A file is taken once its size has held still between two looks, and
/// then moved to `done/`, or to `refused/` with the reason beside it. When the record cannot take it, which is no fault
/// of the file, it stays where it is and is tried again.
pub(crate) async fn watch_folder(core: Arc<Core>, mut stop: Stop) {
    let folder = core.config.feed_folder.clone();
    if let Err(e) = std::fs::create_dir_all(&folder) {
        tracing::error!(folder = %folder.display(), error = %e, "feed folder cannot be made");
        return;
    }
    let mut seen = std::collections::HashMap::new();
    let mut wait = LOOK_EVERY;
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = LOOK_EVERY;
        let mut sizes = std::collections::HashMap::new();
        for (path, size) in files(&folder) {
            if seen.get(&path) == Some(&size) {
                let core = Arc::clone(&core);
                let taken = path.clone();
                // One after the other: a folder full of catalogues must not fill the memory.
                let done = tokio::task::spawn_blocking(move || take_file(&core, &taken)).await;
                if !done.unwrap_or(true) {
                    wait = REST;
                    break;
                }
            } else {
                sizes.insert(path, size);
            }
        }
        seen = sizes;
    }
}

fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries
        .flatten()
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
        .filter(|(path, meta)| {
            let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            meta.is_file() && !hidden && path.extension().is_none_or(|e| e != "tmp" && e != "part")
        })
        .map(|(path, meta)| (path, meta.len()))
        .collect();
    files.sort();
    files
}

/// Whether the file was dealt with.
fn take_file(core: &Arc<Core>, path: &Path) -> bool {
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let io = |source| NodeError::Io { path: path.to_owned(), source };
    let read = || -> Result<Vec<u8>, NodeError> {
        let size = std::fs::metadata(path).map_err(io)?.len();
        if size > MAX_INPUT_BYTES {
            let message = format!("it has {size} bytes, allowed are {MAX_INPUT_BYTES}");
            return Err(NodeError::BadInput { name: name.clone(), message });
        }
        std::fs::read(path).map_err(io)
    };
    let job = core.jobs.start("read", name.clone(), core.surroundings.now());
    let result = read().and_then(|bytes| take_in(core, &name, bytes));
    let folder = path.parent().unwrap_or(Path::new("."));
    let (state, message, aside) = match &result {
        Ok(taken) => ("done", format!("{} faults", taken.faults.len()), "done"),
        Err(e) => ("failed", e.to_string(), "refused"),
    };
    tracing::info!(file = %name, state, message, "feed file");
    if let Some(job) = core.jobs.update(job.id, |job| {
        job.state = state;
        job.ended = Some(core.surroundings.now());
        job.message = Some(message.clone());
    }) {
        let _ = core.events.send(crate::events::NodeEvent::Job(job));
    }
    if matches!(result, Err(NodeError::NotStored { .. } | NodeError::Store(_) | NodeError::Stopping)) {
        return false;
    }
    let target = folder.join(aside);
    let moved = std::fs::create_dir_all(&target).and_then(|()| {
        let stamp = core.surroundings.now().unix_nanos() / 1_000_000;
        let place = target.join(format!("{stamp}-{name}"));
        if aside == "refused" {
            std::fs::write(place.with_added_extension("why"), format!("{message}\n"))?;
        }
        std::fs::rename(path, place)
    });
    if let Err(e) = moved {
        tracing::error!(file = %name, error = %e, "cannot move the file aside");
    }
    true
}

/// Fetches one address again and again until the node stops. The same bytes as last time are not taken in again, also
/// when the node was started anew in between.
pub(crate) async fn fetch(core: Arc<Core>, feed: HttpFeed, mut stop: Stop) {
    loop {
        let fetched = tokio::select! {
            () = stopped(&mut stop) => return,
            fetched = get_aside(feed.url.clone()) => fetched,
        };
        let (title, task_core) = (feed.title.clone(), Arc::clone(&core));
        let taken = tokio::task::spawn_blocking(move || {
            let bytes = fetched?;
            let hash = BlobHash::from_bytes(Sha256::digest(&bytes).into());
            if newest_titled(&task_core, &title)? == Some(hash) {
                return Ok(None);
            }
            take_in(&task_core, &title, bytes).map(Some)
        });
        match taken.await {
            Ok(Ok(Some(taken))) => {
                tracing::info!(feed = %feed.title, entry = %taken.entry, faults = taken.faults.len(), "fetched");
            }
            Ok(Ok(None)) => tracing::debug!(feed = %feed.title, "nothing new"),
            Ok(Err(e)) => {
                tracing::warn!(feed = %feed.title, error = %e, "fetch failed; it is tried again later");
            }
            Err(_) => return,
        }
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(Duration::from_secs(feed.every_minutes.saturating_mul(60))) => {}
        }
    }
}

/// The raw bytes of the newest own observation of that title.
fn newest_titled(core: &Core, title: &str) -> Result<Option<BlobHash>, NodeError> {
    let newest = core.look(&View::Owner)?.owner()?.newest_observation(|o| o.title == title)?;
    Ok(newest.map(|(_, observation)| observation.blob))
}

/// Fetches on a thread of its own: a server that says nothing for minutes must not hold up the node's stop.
async fn get_aside(url: String) -> Result<Vec<u8>, NodeError> {
    let (reply, answer) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("fetch".to_owned())
        .spawn(move || {
            // Nobody waits for it any more when the node stops.
            let _ = reply.send(get(&url));
        })
        .map_err(|source| NodeError::Io { path: "thread".into(), source })?;
    answer.await.map_err(|_| NodeError::Stopping)?
}

fn get(url: &str) -> Result<Vec<u8>, NodeError> {
    let bad = |message: String| NodeError::BadInput { name: url.to_owned(), message };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(120)))
        .max_redirects(3)
        .build()
        .into();
    let mut response = agent.get(url).call().map_err(|e| bad(e.to_string()))?;
    response.body_mut().with_config().limit(MAX_INPUT_BYTES).read_to_vec().map_err(|e| bad(e.to_string()))
}
