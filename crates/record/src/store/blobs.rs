//! Raw bytes, once each, as files named by their SHA-256: `blobs/<first two digits>/<all digits>`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use base::BlobHash;
use sha2::{Digest, Sha256};

use super::StoreError;

pub(crate) fn hash_of(bytes: &[u8]) -> BlobHash {
    BlobHash::from_bytes(Sha256::digest(bytes).into())
}

pub(crate) fn path_of(root: &Path, hash: &BlobHash) -> PathBuf {
    let name = hash.to_string();
    root.join(&name[..2]).join(name)
}

/// Writes through a temporary file, so that a blob is there whole or not at all.
#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub(crate) fn put(root: &Path, bytes: &[u8]) -> Result<BlobHash, StoreError> {
    let hash = hash_of(bytes);
    let path = path_of(root, &hash);
    if path.exists() {
        return Ok(hash);
    }
    let folder = path.parent().unwrap_or(root);
    let io = |source| io_error(&path, source);
    fs::create_dir_all(folder).map_err(io)?;
    let mut file = tempfile::Builder::new().suffix(".tmp").tempfile_in(folder).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(&path).map_err(|e| io(e.error))?;
    sync_folder(folder).map_err(io)?;
    Ok(hash)
}

#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub(crate) fn get(root: &Path, hash: &BlobHash) -> Result<Option<Vec<u8>>, StoreError> {
    let path = path_of(root, hash);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(io_error(&path, source)),
    };
    if hash_of(&bytes) == *hash {
        return Ok(Some(bytes));
    }
    let file = format!("blobs/{}/{hash}", &hash.to_string()[..2]);
    let why = "bytes do not have their hash";
    Err(super::Damage::file(super::DamageKind::Blob, &file, 0, bytes.len(), why).into())
}

/// A rename is on disk only once its folder is.
#[expect(clippy::disallowed_types, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Puts a folder and all that is in it on disk.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the record's stores touch disk (DESIGN.md section 2)"
)]
pub(crate) fn sync_all_below(folder: &Path) -> std::io::Result<()> {
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

/// Tells a full disk from other refusals.
pub(crate) fn io_error(path: &Path, source: std::io::Error) -> StoreError {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
        let path = path.parent().unwrap_or(path).to_owned();
        return StoreError::Full { path };
    }
    StoreError::Io { path: path.to_owned(), source }
}
