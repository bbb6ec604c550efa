//! The plain files beside the database that follow from it: tiles and the signed checkpoint. Other tools read these;
//! this store never needs them to read the record, but compares them when it verifies.
//!
//! Order of writing: database, tiles, checkpoint; only then the tiles go that the former checkpoint needed. So whatever
//! checkpoint a killed process leaves, it never speaks of more than the database and the tiles hold.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::{Checkpoint, MerkleLog};

/// Writes the tiles that grew since `old_size` and then the checkpoint.
#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub(crate) fn write(
    record: &Path,
    log: &MerkleLog,
    old_size: u64,
    checkpoint: &Checkpoint,
) -> std::io::Result<()> {
    let tiles = record.join("tiles");
    let mut narrower = Vec::new();
    for (path, bytes) in log.new_tiles(old_size) {
        write_whole(&tiles.join(&path), &bytes, false)?;
        let (full, width) = match path.split_once(".p/") {
            Some((full, width)) => (full, width.parse().unwrap_or(0)),
            None => (path.as_str(), 256_u32),
        };
        narrower.push((tiles.join(format!("{full}.p")), width));
    }
    fs::create_dir_all(record.join("checkpoints"))?;
    write_whole(&record.join("checkpoints/home"), checkpoint.note().as_bytes(), true)?;
    // Narrower versions of the same tile are needed as long as the checkpoint speaks of them.
    for (folder, width) in narrower {
        drop_narrower(&folder, width)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
fn drop_narrower(folder: &Path, width: u32) -> std::io::Result<()> {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    for file in files {
        let file = file?;
        let narrower =
            file.file_name().to_str().and_then(|n| n.parse::<u32>().ok()).is_some_and(|w| w < width);
        if narrower {
            fs::remove_file(file.path())?;
        }
    }
    if width == 256 {
        // Empty now; should another tool have put something there, it stays.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// Replaces a small file as a whole: whoever reads it sees the old or the new one, also after a crash of the process.
/// With `synced` the bytes are on disk before the name is theirs, so that a power cut leaves the old or the new one too.
/// Tiles do without: after a run that did not end in order they are all written anew.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the record's stores touch disk (DESIGN.md section 2)"
)]
fn write_whole(path: &Path, bytes: &[u8], synced: bool) -> std::io::Result<()> {
    let temporary = path.with_added_extension("tmp");
    let write = || {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        if synced { file.sync_data() } else { Ok(()) }
    };
    let written = write().or_else(|e| {
        let Some(folder) = path.parent().filter(|_| e.kind() == std::io::ErrorKind::NotFound) else {
            return Err(e);
        };
        fs::create_dir_all(folder)?;
        write()
    });
    if let Err(e) = written.and_then(|()| fs::rename(&temporary, path)) {
        let _ = fs::remove_file(&temporary);
        return Err(e);
    }
    Ok(())
}
