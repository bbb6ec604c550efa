//! One process at a time: a lock on a file beside the record, which the system lets go when the process ends, however
//! it ends.

use std::fs;
use std::path::Path;

use super::{StoreError, blobs};

#[expect(clippy::disallowed_types, reason = "the record's stores touch disk (DESIGN.md section 2)")]
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its lock")] fs::File);

impl Lock {
    #[expect(clippy::disallowed_types, reason = "the record's stores touch disk (DESIGN.md section 2)")]
    pub(crate) fn take(data: &Path) -> Result<Self, StoreError> {
        let path = data.join("record.lock");
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|source| blobs::io_error(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: data.to_owned() }),
            Err(fs::TryLockError::Error(source)) => Err(blobs::io_error(&path, source)),
        }
    }
}
