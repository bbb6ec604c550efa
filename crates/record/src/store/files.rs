//! Files and names that are on disk when the call returns.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Replaces a small file as a whole: whoever reads it sees the old or the new one, also after a crash of the process.
/// With `synced` the bytes are on disk before the name is theirs, so that a power cut leaves the old or the new one too.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the record's stores touch disk (DESIGN.md section 2)"
)]
pub(crate) fn write_whole(path: &Path, bytes: &[u8], synced: bool) -> io::Result<()> {
    let temporary = path.with_added_extension("tmp");
    let write = || {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        if synced { file.sync_data() } else { Ok(()) }
    };
    let written = write().or_else(|e| {
        let Some(folder) = path.parent().filter(|_| e.kind() == io::ErrorKind::NotFound) else {
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

/// A rename is on disk only once its folder is.
#[expect(clippy::disallowed_types, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Puts a folder and all that is in it on disk.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the record's stores touch disk (DESIGN.md section 2)"
)]
pub(crate) fn sync_all_below(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sync_all_below(&path)?;
        } else {
            fs::File::open(&path)?.sync_all()?;
        }
    }
    sync_folder(folder)
}
