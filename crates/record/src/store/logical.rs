//! Questions about lanes, asked in SQL. Shared by the store and by verification, which has only a connection.

use base::EntryId;
use rusqlite::{Connection, OptionalExtension, params};

use super::sqlite::outward;
use super::{Direction, Lane};

pub(crate) fn lanes(db: &Connection) -> rusqlite::Result<Vec<Lane>> {
    let rows: Vec<(String, i64)> = db
        .prepare("SELECT peer, outward FROM lane UNION SELECT peer, outward FROM ack ORDER BY 1, 2")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(rows
        .into_iter()
        .filter_map(|(peer, outward)| {
            let direction = if outward == 1 { Direction::Out } else { Direction::In };
            Some(Lane { peer: peer.parse().ok()?, direction })
        })
        .collect())
}

pub(crate) fn lane_size(db: &Connection, lane: &Lane) -> rusqlite::Result<u64> {
    db.prepare_cached("SELECT coalesce(max(seq) + 1, 0) FROM lane WHERE peer = ?1 AND outward = ?2")?
        .query_row(params![lane.peer.as_str(), outward(lane)], |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
}

pub(crate) fn lane_ids(db: &Connection, lane: &Lane) -> rusqlite::Result<Vec<EntryId>> {
    db.prepare_cached("SELECT id FROM lane WHERE peer = ?1 AND outward = ?2 ORDER BY seq")?
        .query_map(params![lane.peer.as_str(), outward(lane)], |row| {
            row.get::<_, [u8; 32]>(0).map(EntryId::from_bytes)
        })?
        .collect()
}

pub(crate) fn ack_note(db: &Connection, lane: &Lane) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT note FROM ack WHERE peer = ?1 AND outward = ?2")?
        .query_row(params![lane.peer.as_str(), outward(lane)], |row| row.get(0))
        .optional()
}
