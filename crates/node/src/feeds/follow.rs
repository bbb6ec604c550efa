//! Logs that are followed as they grow. How far each was searched is kept in a file below the data folder, written after
//! what was found is on disk: after a crash lines are searched twice rather than not at all.

use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use threat::{HitGroups, LogFormat, detect_log_format};

use super::logs::{self, Part};
use crate::NodeError;
use crate::config::FollowedLog;
use crate::core::Core;
use crate::serve::{Stop, stopped};

/// How often a log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long it waits after something failed.
const REST: Duration = Duration::from_secs(10);
/// Bytes that are searched in one go.
const PIECE: u64 = 64 << 20;
/// Lines that head a table, at most.
const HEAD_BYTES: u64 = 64 << 10;
/// Indicators of one piece that are told of.
const FINDINGS: usize = 10_000;

/// How far a log was searched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// The file, as the file system numbers it: another one under the same name is read from its beginning.
    inode: u64,
    /// The first byte that was not yet searched; a line begins there.
    offset: u64,
    /// Lines before it.
    lines: u64,
}

/// Follows one log until the node stops.
pub(crate) async fn follow(core: Arc<Core>, log: FollowedLog, mut stop: Stop) {
    let path = core.config.data.join(&log.path);
    let state = state_file(&core.config.data, &path);
    let mut wait = LOOK_EVERY;
    let mut failing = false;
    loop {
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = tokio::time::sleep(wait) => {}
        }
        let (task_core, title) = (Arc::clone(&core), log.title.clone());
        let (path, state) = (path.clone(), state.clone());
        let step = tokio::task::spawn_blocking(move || step(&task_core, &title, &path, &state));
        wait = match step.await {
            Ok(Ok(more)) => {
                failing = false;
                if more { Duration::ZERO } else { LOOK_EVERY }
            }
            Ok(Err(error)) => {
                if !failing {
                    tracing::warn!(log = %log.title, %error, "a log cannot be followed; it is tried again");
                }
                failing = true;
                REST
            }
            Err(_) => return,
        };
    }
}

fn state_file(data: &Path, path: &Path) -> PathBuf {
    let name = hex::encode(Sha256::digest(path.as_os_str().as_encoded_bytes()));
    data.join("followed").join(format!("{}.json", &name[..16]))
}

/// Searches what came since the last look; whether there is more. Before there are indicators nothing is searched.
fn step(core: &Arc<Core>, title: &str, path: &Path, state: &Path) -> Result<bool, NodeError> {
    let io = |source| NodeError::Io { path: path.to_owned(), source };
    let Some(watched) = core.indicators.now().filter(|watched| !logs::is_empty(watched)) else {
        return Ok(false);
    };
    let mut file = File::open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    let mut place: Place =
        std::fs::read(state).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    if place.inode != meta.ino() || place.offset > meta.len() {
        place = Place { inode: meta.ino(), ..Place::default() };
    }
    if place.offset == meta.len() {
        return Ok(false);
    }
    let Piece { bytes, head_lines, whole } = piece(&mut file, &place).map_err(io)?;
    if whole == 0 {
        return Ok(false);
    }
    let mut groups = HitGroups::new(FINDINGS).behind(head_lines, place.lines);
    let summary = logs::search(&mut Cursor::new(&bytes), title, &watched, &mut groups).map_err(io)?;
    let lines = memchr::memchr_iter(b'\n', &bytes).count() as u64 - head_lines;
    let was_seen = place.clone();
    place.offset += whole;
    place.lines += lines;
    if groups.hits() > 0 {
        let part = Part { sha256: None, bytes: whole, from_line: was_seen.lines + 1 };
        logs::keep(core, title, &watched, &part, &summary, groups)?;
    }
    logs::tell(title, &summary.faults);
    keep_place(state, &place).map_err(|source| NodeError::Io { path: state.to_owned(), source })?;
    Ok(place.offset < meta.len())
}

/// Whole lines that were not searched, behind those that head the log.
struct Piece {
    bytes: Vec<u8>,
    head_lines: u64,
    /// Bytes of them without the head.
    whole: u64,
}

fn piece(file: &mut File, place: &Place) -> std::io::Result<Piece> {
    let mut bytes = if place.offset == 0 { Vec::new() } else { head(file)? };
    let head = bytes.len();
    let head_lines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
    file.seek(SeekFrom::Start(place.offset))?;
    file.take(PIECE).read_to_end(&mut bytes)?;
    let fresh = bytes.get(head..).unwrap_or_default();
    // A line that is still being written waits; one longer than a piece is cut.
    let whole = match memchr::memrchr(b'\n', fresh) {
        Some(last) => last + 1,
        None if fresh.len() as u64 == PIECE => fresh.len(),
        None => 0,
    };
    bytes.truncate(head + whole);
    Ok(Piece { bytes, head_lines, whole: whole as u64 })
}

/// The lines that say what the columns are: of Zeek's tables and of CSV.
fn head(file: &mut File) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(0))?;
    let mut start = Vec::new();
    Read::by_ref(file).take(HEAD_BYTES).read_to_end(&mut start)?;
    let format = detect_log_format(&start);
    let mut head = Vec::new();
    let mut lines = BufReader::new(&start[..]);
    loop {
        let mut line = Vec::new();
        lines.read_until(b'\n', &mut line)?;
        let belongs = match format {
            LogFormat::ZeekTsv => line.starts_with(b"#"),
            LogFormat::Csv => head.is_empty(),
            _ => false,
        };
        if !belongs || !line.ends_with(b"\n") {
            return Ok(head);
        }
        head.extend_from_slice(&line);
    }
}

fn keep_place(state: &Path, place: &Place) -> std::io::Result<()> {
    let folder = state.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let draft = state.with_extension("tmp");
    std::fs::write(&draft, serde_json::to_vec(place)?)?;
    File::open(&draft)?.sync_all()?;
    std::fs::rename(&draft, state)
}
