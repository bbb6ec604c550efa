use std::io;
use std::path::{Path, PathBuf};

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HuntError {
    /// A file.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process indexes into it.
    #[error("`{}` is being indexed into by another process; wait until that is done", path.display())]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// No store is there.
    #[error("`{}` is no store of logs; make one with `threat index`", path.display())]
    NoStore {
        /// The folder.
        path: PathBuf,
    },
    /// The manifest cannot be read.
    #[error("`{}` cannot be read: {reason}; bring it back from a copy or index the logs anew", path.display())]
    BadManifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A segment is not as it was written.
    #[error("the segment `{}` is damaged: {reason}; its lines were not searched, the others were: bring it back from a copy or index its logs into a new store", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Parquet could not be written.
    #[error("`{}` cannot be written: {reason}", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the library says.
        reason: String,
    },
}

impl HuntError {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "hunt::io",
            Self::InUse { .. } => "hunt::in_use",
            Self::NoStore { .. } => "hunt::no_store",
            Self::BadManifest { .. } => "hunt::bad_manifest",
            Self::Damaged { .. } => "hunt::damaged_segment",
            Self::NotWritten { .. } => "hunt::not_written",
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }
}
