//! The lanes in the database: rows at the end of a table, and right edges from which a tree of any former size is soon
//! computed again.

use std::collections::HashMap;

use base::{EntryId, NodeName, Precedence};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::damage::{Damage, DamageKind};
use super::{Direction, Lane, LaneItem, StoreError, queries};
use crate::{BeyondLog, Frontier, PublicKey};

/// The right edge of a lane is kept at each multiple of this size: to go back to a size in between, no more ids than
/// this are read.
pub(crate) const EDGE_EVERY: u64 = 1024;

/// Bits of a row's key that hold the place.
const PLACE_BITS: u32 = 40;

/// Where a lane stands, as its row says.
#[derive(Debug, Clone)]
pub(crate) struct LaneHead {
    pub(crate) number: i64,
    pub(crate) frontier: Frontier,
    pub(crate) ack: Option<String>,
}

impl LaneHead {
    const fn key(&self, place: u64) -> i64 {
        (self.number << PLACE_BITS) | place.cast_signed()
    }
}

/// What vouches for a row of a lane's tables, so that a flipped bit is found when the row is read: the first four bytes
/// of a SHA-256 over its columns, each after its length.
fn sum(columns: &[&[u8]]) -> i64 {
    let mut hash = Sha256::new();
    for column in columns {
        hash.update((column.len() as u64).to_be_bytes());
        hash.update(column);
    }
    hash.finalize().first_chunk::<4>().map_or(0, |bytes| i64::from(u32::from_be_bytes(*bytes)))
}

fn row_sum(at: i64, seq: Option<i64>, id: Option<&[u8; 32]>) -> i64 {
    let seq = seq.map(i64::to_be_bytes);
    sum(&[&at.to_be_bytes(), seq.as_ref().map_or(&[], |s| &s[..]), id.map_or(&[], |id| &id[..])])
}

fn head_sum(number: i64, words: [&str; 3], size: i64, edge: &[u8], ack: Option<&str>) -> i64 {
    let [peer, direction, precedence] = words.map(str::as_bytes);
    let ack = ack.unwrap_or_default().as_bytes();
    sum(&[&number.to_be_bytes(), peer, direction, precedence, &size.to_be_bytes(), edge, ack])
}

fn damaged(lane: &Lane, why: &str) -> StoreError {
    Damage::general(DamageKind::Lane, format!("the lane {lane} {why}")).into()
}

fn sql(e: rusqlite::Error) -> StoreError {
    StoreError::Sql(e)
}

const fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Out => "out",
        Direction::In => "in",
    }
}

/// All lanes, checked as far as their rows alone tell.
pub(crate) fn read_all(db: &Connection) -> Result<HashMap<Lane, LaneHead>, StoreError> {
    type Row = (i64, String, String, String, i64, Vec<u8>, Option<String>, i64);
    let rows: Vec<Row> = db
        .prepare("SELECT number, peer, direction, precedence, size, edge, ack, sum FROM lane")
        .and_then(|mut select| {
            select
                .query_map([], |r| {
                    Ok((
                        r.get(0)?,
                        r.get(1)?,
                        r.get(2)?,
                        r.get(3)?,
                        r.get(4)?,
                        r.get(5)?,
                        r.get(6)?,
                        r.get(7)?,
                    ))
                })?
                .collect()
        })
        .map_err(sql)?;
    let mut lanes = HashMap::new();
    for (number, peer, direction, precedence, size, edge, ack, sum) in rows {
        let name = format!("{direction} {peer} {precedence}");
        let unreadable = || {
            StoreError::from(Damage::general(
                DamageKind::Lane,
                format!("the row of the lane `{name}` cannot be read"),
            ))
        };
        if sum != head_sum(number, [&peer, &direction, &precedence], size, &edge, ack.as_deref()) {
            return Err(unreadable());
        }
        let lane = Lane {
            peer: peer.parse::<NodeName>().map_err(|_| unreadable())?,
            direction: match direction.as_str() {
                "out" => Direction::Out,
                "in" => Direction::In,
                _ => return Err(unreadable()),
            },
            precedence: precedence.parse::<Precedence>().map_err(|_| unreadable())?,
        };
        let frontier = Frontier::from_bytes(size.cast_unsigned(), &edge).ok_or_else(unreadable)?;
        lanes.insert(lane, LaneHead { number, frontier, ack });
    }
    Ok(lanes)
}

/// Makes the row of a lane that is used for the first time; [`write`] completes it.
pub(crate) fn found(db: &Connection, lane: &Lane) -> rusqlite::Result<LaneHead> {
    db.prepare_cached(
        "INSERT INTO lane (peer, direction, precedence, size, edge, sum) VALUES (?1, ?2, ?3, 0, x'', 0)",
    )?
    .execute(params![lane.peer.as_str(), direction_word(lane.direction), lane.precedence.as_str()])?;
    Ok(LaneHead { number: db.last_insert_rowid(), frontier: Frontier::default(), ack: None })
}

/// Appends one leaf: the entry at `seq`, or an id whose entry is not in the record.
pub(crate) fn append(
    db: &Connection,
    head: &mut LaneHead,
    id: &EntryId,
    seq: Option<u64>,
) -> rusqlite::Result<()> {
    let place = head.frontier.size();
    let key = head.key(place);
    let seq = seq.map(u64::cast_signed);
    let absent = if seq.is_none() { Some(id.as_bytes()) } else { None };
    db.prepare_cached("INSERT INTO lane_row (at, seq, id, sum) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![key, seq, absent, row_sum(key, seq, absent)])?;
    match seq {
        Some(seq) => db
            .prepare_cached("INSERT INTO lane_entry (lane, seq, place) VALUES (?1, ?2, ?3)")?
            .execute(params![head.number, seq, place.cast_signed()])?,
        None => db
            .prepare_cached("INSERT INTO lane_absent (lane, id, place) VALUES (?1, ?2, ?3)")?
            .execute(params![head.number, id.as_bytes(), place.cast_signed()])?,
    };
    head.frontier.push(id);
    if head.frontier.size().is_multiple_of(EDGE_EVERY) {
        let (key, edge) = (head.key(head.frontier.size()), head.frontier.to_bytes());
        db.prepare_cached("INSERT INTO lane_edge (at, edge, sum) VALUES (?1, ?2, ?3)")?.execute(params![
            key,
            edge,
            sum(&[&key.to_be_bytes(), &edge])
        ])?;
    }
    Ok(())
}

/// Writes where the lane stands now.
pub(crate) fn write(db: &Connection, lane: &Lane, head: &LaneHead) -> rusqlite::Result<()> {
    let (size, edge) = (head.frontier.size().cast_signed(), head.frontier.to_bytes());
    let words = [lane.peer.as_str(), direction_word(lane.direction), lane.precedence.as_str()];
    let sum = head_sum(head.number, words, size, &edge, head.ack.as_deref());
    db.prepare_cached("UPDATE lane SET size = ?2, edge = ?3, ack = ?4, sum = ?5 WHERE number = ?1")?
        .execute(params![head.number, size, edge, head.ack, sum])?;
    Ok(())
}

/// The leaves from place `start` on, at most `count`, given one by one with the place of the entry in the own log. That
/// the entry there is the one that the row meant, only the own log's tree tells.
pub(crate) fn for_ids(
    db: &Connection,
    lane: &Lane,
    head: &LaneHead,
    start: u64,
    count: u64,
    mut give: impl FnMut(EntryId, Option<u64>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let end = start.saturating_add(count).min(head.frontier.size());
    if start >= end {
        return Ok(());
    }
    let mut select = db
        .prepare_cached(
            "SELECT r.at, r.seq, r.id, r.sum, e.id FROM lane_row r LEFT JOIN entry e ON e.seq = r.seq
             WHERE r.at >= ?1 AND r.at < ?2 ORDER BY r.at",
        )
        .map_err(sql)?;
    let mut rows = select.query([head.key(start), head.key(end)]).map_err(sql)?;
    let mut place = start;
    while let Some(row) = rows.next().map_err(sql)? {
        let at: i64 = row.get(0).map_err(sql)?;
        let seq: Option<i64> = row.get(1).map_err(sql)?;
        let absent: Option<[u8; 32]> = row.get(2).map_err(sql)?;
        let sum: i64 = row.get(3).map_err(sql)?;
        let held: Option<[u8; 32]> = row.get(4).map_err(sql)?;
        if at != head.key(place) {
            break;
        }
        if sum != row_sum(at, seq, absent.as_ref()) {
            return Err(damaged(lane, &format!("has a row at place {place} that is not as it was written")));
        }
        let Some(id) = absent.or(held) else {
            return Err(damaged(lane, "names an entry that is not in the record"));
        };
        give(EntryId::from_bytes(id), seq.map(i64::cast_unsigned))?;
        place += 1;
    }
    if place == end { Ok(()) } else { Err(damaged(lane, &format!("has a gap at place {place}"))) }
}

/// The leaves from place `start` on with their entries, at most `count`; no more once they have `bytes` of content. The
/// rows of both tables vouch for themselves, and the id for the content.
pub(crate) fn items(
    db: &Connection,
    lane: &Lane,
    head: &LaneHead,
    (start, count): (u64, u64),
    most_bytes: usize,
    own: &PublicKey,
) -> Result<Vec<LaneItem>, StoreError> {
    let end = start.saturating_add(count).min(head.frontier.size());
    if start >= end {
        return Ok(Vec::new());
    }
    let mut select = db
        .prepare_cached(
            "SELECT e.seq, e.id, e.sum, e.received, e.purged_by, e.key, e.signature, e.payload,
             r.at, r.seq, r.id, r.sum FROM lane_row r LEFT JOIN entry e ON e.seq = r.seq
             WHERE r.at >= ?1 AND r.at < ?2 ORDER BY r.at",
        )
        .map_err(sql)?;
    let mut rows = select.query([head.key(start), head.key(end)]).map_err(sql)?;
    let mut items = Vec::new();
    let (mut place, mut bytes) = (start, 0);
    while let Some(row) = rows.next().map_err(sql)? {
        let at: i64 = row.get(8).map_err(sql)?;
        let seq: Option<i64> = row.get(9).map_err(sql)?;
        let absent: Option<[u8; 32]> = row.get(10).map_err(sql)?;
        let sum: i64 = row.get(11).map_err(sql)?;
        if at != head.key(place) {
            break;
        }
        if sum != row_sum(at, seq, absent.as_ref()) {
            return Err(damaged(lane, &format!("has a row at place {place} that is not as it was written")));
        }
        items.push(match (absent, seq) {
            (Some(id), _) => LaneItem { id: EntryId::from_bytes(id), seq: None, entry: None },
            (None, Some(_)) if row.get::<_, Option<i64>>(0).map_err(sql)?.is_some() => {
                let stored = queries::stored_row_as_written(row, own).map_err(sql)??;
                bytes += stored.entry.as_ref().map_or(0, |entry| entry.payload().len());
                LaneItem { id: stored.id, seq: Some(stored.seq), entry: stored.entry }
            }
            _ => return Err(damaged(lane, "names an entry that is not in the record")),
        });
        place += 1;
        if bytes >= most_bytes {
            return Ok(items);
        }
    }
    if place == end { Ok(items) } else { Err(damaged(lane, &format!("has a gap at place {place}"))) }
}

/// The right edge of the tree over the first `size` leaves. `check` is asked of each leaf whose entry is in the own log,
/// at which place.
pub(crate) fn frontier_at(
    db: &Connection,
    lane: &Lane,
    head: &LaneHead,
    size: u64,
    check: impl Fn(&EntryId, u64) -> Result<(), StoreError>,
) -> Result<Frontier, StoreError> {
    if size == head.frontier.size() {
        return Ok(head.frontier.clone());
    }
    if size > head.frontier.size() {
        return Err(BeyondLog { size: head.frontier.size(), asked: size }.into());
    }
    let start = size / EDGE_EVERY * EDGE_EVERY;
    let mut frontier = Frontier::default();
    if start > 0 {
        frontier = edge(db, head, start)
            .map_err(sql)?
            .and_then(|edge| Frontier::from_bytes(start, &edge))
            .ok_or_else(|| damaged(lane, &format!("has no right edge of size {start}")))?;
    }
    for_ids(db, lane, head, start, size - start, |id, seq| {
        frontier.push(&id);
        seq.map_or(Ok(()), |seq| check(&id, seq))
    })?;
    Ok(frontier)
}

/// The right edge that was kept at `size`; `None` when there is none, or it is damaged.
pub(crate) fn edge(db: &Connection, head: &LaneHead, size: u64) -> rusqlite::Result<Option<Vec<u8>>> {
    let key = head.key(size);
    let row: Option<(Vec<u8>, i64)> = db
        .prepare_cached("SELECT edge, sum FROM lane_edge WHERE at = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(row.filter(|(edge, found)| *found == sum(&[&key.to_be_bytes(), edge])).map(|(edge, _)| edge))
}

/// The pages of the main file, from 0, that hold the ways from an entry to its place in a lane.
pub(crate) fn pages_of_ways_back(db: &Connection) -> rusqlite::Result<Vec<u64>> {
    db.prepare("SELECT pageno FROM dbstat WHERE name IN ('lane_entry', 'lane_absent') ORDER BY pageno")?
        .query_map([], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned().saturating_sub(1)))?
        .collect()
}

/// Where an entry stands in the lane; `seq` is its place in the own log, when it is there.
pub(crate) fn place(
    db: &Connection,
    lane: &Lane,
    head: &LaneHead,
    id: &EntryId,
    seq: Option<u64>,
) -> Result<Option<u64>, StoreError> {
    let by_entry = match seq {
        Some(seq) => db
            .prepare_cached("SELECT place FROM lane_entry WHERE lane = ?1 AND seq = ?2")
            .and_then(|mut select| {
                select.query_row([head.number, seq.cast_signed()], |row| row.get::<_, i64>(0)).optional()
            })
            .map_err(sql)?,
        None => None,
    };
    let place = match by_entry {
        Some(place) => Some(place),
        // It may have been withdrawn there and come by another way.
        None => db
            .prepare_cached("SELECT place FROM lane_absent WHERE lane = ?1 AND id = ?2")
            .and_then(|mut select| {
                select.query_row(params![head.number, id.as_bytes()], |row| row.get::<_, i64>(0)).optional()
            })
            .map_err(sql)?,
    };
    let Some(place) = place.map(i64::cast_unsigned) else { return Ok(None) };
    // The way there must lead back.
    let mut there = None;
    for_ids(db, lane, head, place, 1, |id, _| {
        there = Some(id);
        Ok(())
    })?;
    if there == Some(*id) {
        Ok(Some(place))
    } else {
        Err(damaged(lane, &format!("leads to place {place} for an entry that does not stand there")))
    }
}
