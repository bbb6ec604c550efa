//! Evidence from a stopped node's folder, and the files of a witness: its key and what it cosigned last.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rand_core::{OsRng, RngCore as _};
use record::{Checkpoint, Genesis, NodeKey, SqliteOptions, SqliteRecord, WitnessKey};
use sha2::{Digest, Sha256};

use crate::{NodeError, keys};

/// A stopped node's folder, opened by its owner.
pub struct Stopped {
    /// Whose it is.
    pub genesis: Genesis,
    /// Its key.
    pub key: NodeKey,
    /// Its record.
    pub record: SqliteRecord,
}

impl Stopped {
    /// Opens the data folder `data`.
    ///
    /// # Errors
    /// When there is no record, a node has it open, it is damaged, or its key is not there.
    pub fn open(data: &Path) -> Result<Self, NodeError> {
        let genesis = record::founder(data)?.ok_or_else(|| NodeError::Conflict {
            message: "the record does not say whose it is".to_owned(),
        })?;
        let key = keys::signing_key(data, &genesis.node)?;
        let own = NodeKey::from_secret(key.name().clone(), &key.secret());
        let record = SqliteRecord::open(data, own, SqliteOptions::default())?;
        Ok(Self { genesis, key, record })
    }
}

/// The key of the witness `name` in the file `path`; made when there is none.
///
/// # Errors
/// When the file cannot be read or written, is no key, or signed-note does not allow the name.
pub fn witness_key(path: &Path, name: &str) -> Result<WitnessKey, NodeError> {
    let bad = || NodeError::BadKey { path: path.to_owned() };
    let mut secret = [0; 32];
    match std::fs::read_to_string(path) {
        Ok(text) => hex::decode_to_slice(text.trim(), &mut secret).map_err(|_| bad())?,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            OsRng.fill_bytes(&mut secret);
            keys::write_secret_file(path, hex::encode(secret).as_bytes())?;
        }
        Err(source) => return Err(NodeError::Io { path: path.to_owned(), source }),
    }
    WitnessKey::from_secret(name, &secret).map_err(|_| NodeError::BadRequest {
        message: format!("`{name}` is no name for a witness: it must have no space and no plus"),
    })
}

/// What a witness cosigned last, one file a log, named by the SHA-256 of the origin (as in the monitoring path of C2SP
/// tlog-witness). While this is held, no other process of the same witness decides.
pub struct WitnessState {
    folder: PathBuf,
    _lock: File,
}

impl WitnessState {
    /// Opens the folder; made when it is not there. Waits until no other process has it.
    ///
    /// # Errors
    /// When it cannot be made or locked.
    pub fn open(folder: &Path) -> Result<Self, NodeError> {
        let io = |source| NodeError::Io { path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(io)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))
            .map_err(io)?;
        lock.lock().map_err(io)?;
        Ok(Self { folder: folder.to_owned(), _lock: lock })
    }

    fn path(&self, origin: &str) -> PathBuf {
        self.folder.join(format!("{}.txt", hex::encode(Sha256::digest(origin.as_bytes()))))
    }

    /// The checkpoint of the log `origin` that was cosigned last.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else: then nothing may be cosigned.
    pub fn latest(&self, origin: &str) -> Result<Option<Checkpoint>, NodeError> {
        let path = self.path(origin);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(NodeError::Io { path, source }),
        };
        let read = Checkpoint::parse(&text).ok().filter(|checkpoint| checkpoint.origin() == origin);
        read.map(Some).ok_or_else(|| NodeError::BadInput {
            name: path.display().to_string(),
            message: "it is not the checkpoint that was cosigned last; restore it from a copy".to_owned(),
        })
    }

    /// Keeps `checkpoint` as the latest; on disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written; then it must not be handed out.
    pub fn keep(&self, checkpoint: &Checkpoint) -> Result<(), NodeError> {
        write_whole(&self.path(checkpoint.origin()), checkpoint.note().as_bytes())
    }
}

/// Writes a file whole or not at all; on disk when this returns.
///
/// # Errors
/// When it cannot be written; what stood there before stands there still.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    use std::io::Write as _;
    let io = |source| NodeError::Io { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(io)?;
    file.persist(path).map_err(|e| io(e.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}
