//! Questions to the database, shared by the store, by reading and by verification, which have only a connection.

use std::path::Path;

use base::{EntryId, NodeName, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};
use sha2::{Digest, Sha256};

use super::damage::{Damage, DamageKind};
use super::{StoreError, Stored, blobs};
use crate::{Entry, Frontier, PublicKey};

/// What [`stored_row`] reads.
pub(crate) const SELECT_ROW: &str =
    "SELECT seq, id, sum, received, purged_by, key, signature, payload FROM entry";

/// The size and the right edge of the own log, as the newest commit left them.
pub(crate) fn head(db: &Connection) -> Result<Frontier, StoreError> {
    let (size, edge): (i64, Vec<u8>) = db
        .query_row("SELECT size, edge FROM head WHERE one = 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(StoreError::Sql)?;
    Frontier::from_bytes(size.cast_unsigned(), &edge)
        .ok_or_else(|| Damage::general(DamageKind::Database, "the table `head` holds no right edge").into())
}

/// Gives the ids of the places from `start` to before `end` in order; a place that is empty is an error.
pub(crate) fn for_ids(
    db: &Connection,
    start: u64,
    end: u64,
    give: &mut dyn FnMut(EntryId) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut select =
        db.prepare_cached("SELECT seq, id FROM entry WHERE seq >= ?1 AND seq < ?2 ORDER BY seq")?;
    let mut rows = select.query([start.cast_signed(), end.cast_signed()])?;
    let mut expected = start;
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(0)?.cast_unsigned() != expected {
            break;
        }
        give(EntryId::from_bytes(row.get(1)?))?;
        expected += 1;
    }
    if expected >= end { Ok(()) } else { Err(ReadError::Damage(Box::new(Damage::missing_entry(expected)))) }
}

/// The key that signed the first entry.
pub(crate) fn owner_key(db: &Connection) -> rusqlite::Result<Option<[u8; 32]>> {
    db.query_row("SELECT key FROM entry WHERE seq = 0", [], |row| row.get(0)).optional()
}

/// The id at a place.
pub(crate) fn id_at(db: &Connection, seq: u64) -> rusqlite::Result<Option<EntryId>> {
    db.prepare_cached("SELECT id FROM entry WHERE seq = ?1")?
        .query_row([seq.cast_signed()], |row| row.get(0).map(EntryId::from_bytes))
        .optional()
}

/// The entry at a place, checked by itself.
pub(crate) fn stored_at(db: &Connection, seq: u64) -> rusqlite::Result<Option<Result<Stored, StoreError>>> {
    db.prepare_cached(&format!("{SELECT_ROW} WHERE seq = ?1"))?
        .query_row([seq.cast_signed()], stored_row)
        .optional()
}

/// The recall that took an entry's content, and the entry's signature.
pub(crate) fn purge_of(db: &Connection, seq: u64) -> rusqlite::Result<(Option<EntryId>, [u8; 64])> {
    db.prepare_cached("SELECT purged_by, signature FROM entry WHERE seq = ?1")?
        .query_row([seq.cast_signed()], |row| {
            Ok((row.get::<_, Option<[u8; 32]>>(0)?.map(EntryId::from_bytes), row.get(1)?))
        })
}

/// Up to where the own log has been looked through for each peer.
pub(crate) fn cursors(db: &Connection) -> rusqlite::Result<Vec<(NodeName, u64)>> {
    let rows: Vec<(String, i64)> = db
        .prepare("SELECT peer, seq FROM cursor ORDER BY peer")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(rows.into_iter().filter_map(|(peer, seq)| Some((peer.parse().ok()?, seq.cast_unsigned()))).collect())
}

/// What vouches for the columns of a row that the entry's own signature does not cover: the first eight bytes of a
/// SHA-256 over all but the payload.
pub(crate) fn row_sum(
    seq: u64,
    id: &EntryId,
    received: Option<i64>,
    purged_by: Option<&[u8; 32]>,
    key: &[u8; 32],
    signature: &[u8; 64],
) -> i64 {
    let mut hash = Sha256::new();
    hash.update(b"bongsu.row/2\n");
    hash.update(seq.to_be_bytes());
    hash.update(id.as_bytes());
    hash.update([u8::from(received.is_some()), u8::from(purged_by.is_some())]);
    hash.update(received.unwrap_or(0).to_be_bytes());
    hash.update(purged_by.unwrap_or(&[0; 32]));
    hash.update(key);
    hash.update(signature);
    hash.finalize().first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}

/// A row as an entry; its bytes are checked again on every read.
pub(crate) fn stored_row(row: &Row<'_>) -> rusqlite::Result<Result<Stored, StoreError>> {
    read_row(row, |payload, key, signature| {
        let key = PublicKey::from_bytes(&key)?;
        let entry = payload.map(|bytes| Entry::from_parts(bytes, &key, signature)).transpose()?;
        Ok((key, entry))
    })
}

/// A row as an entry for sending on: that it is as it was written is checked, but not the signature, which its receiver
/// checks. `own` is the key of most.
pub(crate) fn stored_row_as_written(
    row: &Row<'_>,
    own: &PublicKey,
) -> rusqlite::Result<Result<Stored, StoreError>> {
    read_row(row, |payload, key, signature| {
        let key = if key == own.to_bytes() { *own } else { PublicKey::from_bytes(&key)? };
        let entry = payload.map(|bytes| Entry::as_stored(bytes, &key, signature)).transpose()?;
        Ok((key, entry))
    })
}

type ReadEntry = Result<(PublicKey, Option<Entry>), crate::EntryError>;

fn read_row(
    row: &Row<'_>,
    read: impl FnOnce(Option<Vec<u8>>, [u8; 32], [u8; 64]) -> ReadEntry,
) -> rusqlite::Result<Result<Stored, StoreError>> {
    let seq = row.get::<_, i64>(0)?.cast_unsigned();
    let id = EntryId::from_bytes(row.get(1)?);
    let sum: i64 = row.get(2)?;
    let received: Option<i64> = row.get(3)?;
    let purged_by: Option<[u8; 32]> = row.get(4)?;
    let key: [u8; 32] = row.get(5)?;
    let signature: [u8; 64] = row.get(6)?;
    let payload: Option<Vec<u8>> = row.get(7)?;
    let damaged = |why: &str| Damage::entry(seq, id, why).into();
    if sum != row_sum(seq, &id, received, purged_by.as_ref(), &key, &signature) {
        return Ok(Err(damaged("its row is not as it was written")));
    }
    if payload.is_none() && purged_by.is_none() {
        return Ok(Err(damaged("its content is gone and no recall says so")));
    }
    Ok(match read(payload, key, signature) {
        Ok((_, Some(entry))) if entry.id() != id => Err(damaged("content does not have its hash")),
        Ok((key, entry)) => {
            Ok(Stored { seq, id, entry, key, received: received.map(Timestamp::from_unix_nanos) })
        }
        Err(e) => Err(damaged(&e.to_string())),
    })
}

/// Tells a full disk and damage from other refusals.
pub(crate) fn sql_error(root: &Path, error: rusqlite::Error) -> StoreError {
    use rusqlite::ffi::{ErrorCode, SQLITE_IOERR_WRITE};
    if let rusqlite::Error::SqliteFailure(e, message) = &error {
        if e.code == ErrorCode::DiskFull || e.extended_code == SQLITE_IOERR_WRITE {
            return StoreError::Full { path: root.to_owned() };
        }
        if matches!(e.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) {
            let why = message.clone().unwrap_or_else(|| e.to_string());
            return Damage::general(DamageKind::Database, format!("SQLite finds it malformed: {why}")).into();
        }
    }
    // A column that is not of its type: nothing writes such a thing.
    if matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
    ) {
        return Damage::general(DamageKind::Database, format!("a column is not of its type: {error}")).into();
    }
    StoreError::Sql(error)
}

/// Each kind of trouble while ids are read into a file.
#[derive(Debug)]
pub(crate) enum ReadError {
    Io(std::io::Error),
    Sql(rusqlite::Error),
    Damage(Box<Damage>),
}

impl From<std::io::Error> for ReadError {
    fn from(e: std::io::Error) -> Self {
        Self::Io(e)
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(e: rusqlite::Error) -> Self {
        Self::Sql(e)
    }
}

impl ReadError {
    pub(crate) fn at(self, root: &Path) -> StoreError {
        match self {
            Self::Io(e) => blobs::io_error(root, e),
            Self::Sql(e) => sql_error(root, e),
            Self::Damage(first) => StoreError::Damaged { first },
        }
    }
}
