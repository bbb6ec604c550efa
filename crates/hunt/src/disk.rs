//! Files of a store: written whole or not at all, read with their place, one writer at a time.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a store is files in one folder")]

use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::HuntError;

/// The lock of a folder; the system lets it go when the process ends, however it ends.
pub(crate) struct Lock(#[expect(dead_code, reason = "held for its lock")] fs::File);

impl Lock {
    pub(crate) fn take(folder: &Path) -> Result<Self, HuntError> {
        let path = folder.join("index.lock");
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(HuntError::io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(fs::TryLockError::WouldBlock) => Err(HuntError::InUse { path: folder.to_owned() }),
            Err(fs::TryLockError::Error(source)) => Err(HuntError::Io { path, source }),
        }
    }
}

/// A file in the making: it gets its name when it is whole and on disk.
pub(crate) struct NewFile {
    file: fs::File,
    path: PathBuf,
    kept: bool,
}

impl NewFile {
    pub(crate) fn create(path: &Path) -> Result<Self, HuntError> {
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .read(true)
            .open(temporary(path))
            .map_err(HuntError::io(path))?;
        Ok(Self { file, path: path.to_owned(), kept: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What was written so far, from its beginning.
    pub(crate) fn written(&self) -> io::Result<impl Read + use<>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(io::BufReader::with_capacity(1 << 20, file))
    }

    /// Gives the file its name.
    pub(crate) fn keep(mut self) -> Result<(), HuntError> {
        let keep = || {
            self.file.sync_all()?;
            fs::rename(temporary(&self.path), &self.path)
        };
        keep().map_err(HuntError::io(&self.path))?;
        self.kept = true;
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(temporary(&self.path));
        }
    }
}

fn temporary(path: &Path) -> PathBuf {
    path.with_added_extension("tmp")
}

/// A file that is read by place.
pub(crate) struct Pages {
    file: fs::File,
    length: u64,
}

impl Pages {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }

    pub(crate) const fn len(&self) -> u64 {
        self.length
    }

    /// The bytes of `start..end`; an error when the file ends before.
    pub(crate) fn read(&mut self, start: u64, end: u64) -> io::Result<Vec<u8>> {
        if start > end || end > self.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
        self.file.seek(SeekFrom::Start(start))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// A small file as a whole; `None` when there is none.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, HuntError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(HuntError::io(path)(error)),
    }
}

pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), HuntError> {
    let mut file = NewFile::create(path)?;
    file.write_all(bytes).map_err(HuntError::io(path))?;
    file.keep()
}

/// Names are on disk only once their folder is.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), HuntError> {
    fs::File::open(folder).and_then(|file| file.sync_all()).map_err(HuntError::io(folder))
}

pub(crate) fn make_folder(folder: &Path) -> Result<(), HuntError> {
    fs::create_dir_all(folder).map_err(HuntError::io(folder))
}

/// Removes what an indexing that was cut off left behind: files in the making, and whole ones that `is_known` does not
/// know.
pub(crate) fn remove_leftovers(folder: &Path, is_known: impl Fn(&str) -> bool) -> Result<(), HuntError> {
    let entries = fs::read_dir(folder).map_err(HuntError::io(folder))?;
    for entry in entries {
        let entry = entry.map_err(HuntError::io(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = name.starts_with("segment-")
            && [".parquet", ".keys", ".tmp"].iter().any(|ending| name.ends_with(ending));
        if ours && !is_known(&name) {
            fs::remove_file(entry.path()).map_err(HuntError::io(&entry.path()))?;
        }
    }
    Ok(())
}
