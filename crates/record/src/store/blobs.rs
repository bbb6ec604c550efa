//! Raw bytes, once each, as files named by their SHA-256: `blobs/<first two digits>/<all digits>`.

use std::fs;
use std::path::{Path, PathBuf};

use base::BlobHash;
use sha2::{Digest, Sha256};

use super::StoreError;
use super::files::{sync_folder, write_whole};

pub(crate) fn hash_of(bytes: &[u8]) -> BlobHash {
    BlobHash::from_bytes(Sha256::digest(bytes).into())
}

pub(crate) fn path_of(root: &Path, hash: &BlobHash) -> PathBuf {
    let name = hash.to_string();
    root.join(&name[..2]).join(name)
}

/// When it returns, bytes and names are on disk; also when a killed process wrote them before and did not get so far.
#[expect(clippy::disallowed_methods, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub(crate) fn put(root: &Path, bytes: &[u8]) -> Result<BlobHash, StoreError> {
    let hash = hash_of(bytes);
    let path = path_of(root, &hash);
    let io = |source| io_error(&path, source);
    // One that is damaged is written anew.
    if !fs::read(&path).is_ok_and(|held| held == bytes) {
        write_whole(&path, bytes, true).map_err(io)?;
    }
    sync_folder(path.parent().unwrap_or(root)).and_then(|()| sync_folder(root)).map_err(io)?;
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

/// Tells a full disk from other refusals.
pub(crate) fn io_error(path: &Path, source: std::io::Error) -> StoreError {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
        let path = path.parent().unwrap_or(path).to_owned();
        return StoreError::Full { path };
    }
    StoreError::Io { path: path.to_owned(), source }
}
