//! The watched folder.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{FeedKind, MAX_INPUT_BYTES, Taken, logs, refused, take_in};
use crate::NodeError;
use crate::core::Core;
use crate::serve::{Stop, stopped};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long it waits after the record could not take something.
const REST: Duration = Duration::from_secs(10);

/// Watches the feed folder until the node stops: catalogues in it, all else in folders below it that are called as
/// their kind. A file is taken once its size has held still between two looks, and
/// then moved to `done/`, or to `refused/` with the reason beside it. When the record cannot take it, which is no fault
/// of the file, it stays where it is and is tried again.
pub(crate) async fn watch_folder(core: Arc<Core>, mut stop: Stop) {
    let folder = core.config.feed_folder.clone();
    for kind in FeedKind::ALL {
        if let Err(e) = std::fs::create_dir_all(place(&folder, kind)) {
            tracing::error!(folder = %folder.display(), error = %e, "feed folder cannot be made");
            return;
        }
    }
    let mut seen = HashMap::new();
    let mut wait = LOOK_EVERY;
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = LOOK_EVERY;
        let mut sizes = HashMap::new();
        let all =
            FeedKind::ALL.into_iter().flat_map(|kind| files(&place(&folder, kind)).map(move |f| (kind, f)));
        for (kind, (path, size)) in all {
            if seen.get(&path) == Some(&size) {
                let core = Arc::clone(&core);
                let taken = path.clone();
                // One after the other: a folder full of inputs must not fill the memory.
                let done = tokio::task::spawn_blocking(move || take_file(&core, kind, &taken)).await;
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

fn place(folder: &Path, kind: FeedKind) -> PathBuf {
    if kind == FeedKind::ALL[0] { folder.to_owned() } else { folder.join(kind.name()) }
}

fn files(folder: &Path) -> impl Iterator<Item = (PathBuf, u64)> + use<> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
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
    files.into_iter()
}

/// Whether the file was dealt with.
fn take_file(core: &Arc<Core>, kind: FeedKind, path: &Path) -> bool {
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let io = |source| NodeError::Io { path: path.to_owned(), source };
    let take = || -> Result<Taken, NodeError> {
        let mut file = File::open(path).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        if kind.streams() {
            return logs::take_in(core, &name, &mut file);
        }
        if size > MAX_INPUT_BYTES {
            return Err(refused(&name, format!("it has {size} bytes, allowed are {MAX_INPUT_BYTES}")));
        }
        take_in(core, kind, &name, std::fs::read(path).map_err(io)?)
    };
    let job = core.jobs.start("read", name.clone(), core.surroundings.now());
    let result = take();
    let folder = path.parent().unwrap_or(Path::new("."));
    let (state, message, aside) = match &result {
        Ok(taken) => ("done", taken.said.clone(), "done"),
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
