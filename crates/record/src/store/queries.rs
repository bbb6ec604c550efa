//! Questions to the database, shared by the store, by reading and by verification, which have only a connection.

use std::path::Path;

use base::{EntryId, Precedence, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::damage::Damage;
use super::{Direction, Lane, StoreError, Stored};
use crate::{Entry, PublicKey};

pub(crate) fn lanes(db: &Connection) -> rusqlite::Result<Vec<Lane>> {
    let rows: Vec<(String, i64)> = db
        .prepare("SELECT peer, outward FROM lane UNION SELECT peer, outward FROM ack ORDER BY 1, 2")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(rows
        .into_iter()
        .filter_map(|(peer, outward)| {
            let direction = if outward & 1 == 1 { Direction::Out } else { Direction::In };
            let precedence = *Precedence::ALL.get(usize::try_from(outward >> 1).ok()?)?;
            Some(Lane { peer: peer.parse().ok()?, direction, precedence })
        })
        .collect())
}

pub(crate) fn lane_size(db: &Connection, lane: &Lane) -> rusqlite::Result<u64> {
    db.prepare_cached("SELECT coalesce(max(seq) + 1, 0) FROM lane WHERE peer = ?1 AND outward = ?2")?
        .query_row(params![lane.peer.as_str(), outward(lane)], |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
}

pub(crate) fn lane_ids(
    db: &Connection,
    lane: &Lane,
    start: u64,
    count: u64,
) -> rusqlite::Result<Vec<EntryId>> {
    let limit = i64::try_from(count).unwrap_or(i64::MAX);
    db.prepare_cached(
        "SELECT id FROM lane WHERE peer = ?1 AND outward = ?2 AND seq >= ?3 ORDER BY seq LIMIT ?4",
    )?
    .query_map(params![lane.peer.as_str(), outward(lane), start.cast_signed(), limit], |row| {
        row.get::<_, [u8; 32]>(0).map(EntryId::from_bytes)
    })?
    .collect()
}

pub(crate) fn lane_place(db: &Connection, lane: &Lane, id: &EntryId) -> rusqlite::Result<Option<u64>> {
    db.prepare_cached("SELECT seq FROM lane WHERE peer = ?1 AND outward = ?2 AND id = ?3")?
        .query_row(params![lane.peer.as_str(), outward(lane), id.as_bytes()], |row| {
            row.get::<_, i64>(0).map(i64::cast_unsigned)
        })
        .optional()
}

pub(crate) fn ack_note(db: &Connection, lane: &Lane) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT note FROM ack WHERE peer = ?1 AND outward = ?2")?
        .query_row(params![lane.peer.as_str(), outward(lane)], |row| row.get(0))
        .optional()
}

pub(crate) fn all_ids(db: &Connection) -> rusqlite::Result<Vec<EntryId>> {
    db.prepare("SELECT id FROM entry ORDER BY seq")?
        .query_map([], |row| row.get::<_, [u8; 32]>(0).map(EntryId::from_bytes))?
        .collect()
}

/// The key that signed the first entry.
pub(crate) fn owner_key(db: &Connection) -> rusqlite::Result<Option<[u8; 32]>> {
    db.query_row("SELECT key FROM entry WHERE seq = 0", [], |row| row.get(0)).optional()
}

pub(crate) fn place_of(db: &Connection, id: &EntryId) -> rusqlite::Result<Option<u64>> {
    db.prepare_cached("SELECT seq FROM entry WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))
        .optional()
}

pub(crate) fn stored(db: &Connection, id: &EntryId) -> rusqlite::Result<Option<Result<Stored, StoreError>>> {
    db.prepare_cached("SELECT seq, id, payload, signature, key, received FROM entry WHERE id = ?1")?
        .query_row([id.as_bytes()], stored_row)
        .optional()
}

/// A row as an entry; its bytes are checked again on every read.
pub(crate) fn stored_row(row: &Row<'_>) -> rusqlite::Result<Result<Stored, StoreError>> {
    let seq = row.get::<_, i64>(0)?.cast_unsigned();
    let id = EntryId::from_bytes(row.get(1)?);
    let payload: Option<Vec<u8>> = row.get(2)?;
    let signature: [u8; 64] = row.get(3)?;
    let key: [u8; 32] = row.get(4)?;
    let received = row.get::<_, Option<i64>>(5)?.map(Timestamp::from_unix_nanos);
    let read = || -> Result<Stored, crate::EntryError> {
        let key = PublicKey::from_bytes(&key)?;
        let entry = payload.map(|bytes| Entry::from_parts(bytes, &key, signature)).transpose()?;
        Ok(Stored { seq, id, entry, key, received })
    };
    let damaged = |why: &str| Damage::entry(seq, id, why).into();
    Ok(match read() {
        Ok(stored) if stored.entry.as_ref().is_some_and(|e| e.id() != id) => {
            Err(damaged("content does not have its hash"))
        }
        Ok(stored) => Ok(stored),
        Err(e) => Err(damaged(&e.to_string())),
    })
}

pub(crate) fn outward(lane: &Lane) -> i64 {
    i64::from(lane.direction == Direction::Out) | (lane.precedence as i64) << 1
}

/// Tells a full disk from other refusals.
pub(crate) fn sql_error(root: &Path, error: rusqlite::Error) -> StoreError {
    use rusqlite::ffi::{ErrorCode, SQLITE_IOERR_WRITE};
    if let rusqlite::Error::SqliteFailure(e, _) = &error
        && (e.code == ErrorCode::DiskFull || e.extended_code == SQLITE_IOERR_WRITE)
    {
        return StoreError::Full { path: root.to_owned() };
    }
    StoreError::Sql(error)
}
