//! What a view answers.

use base::{EntryId, Finding, Marking, Observation, Severity, Timestamp};
use incident::Incident;
use rusqlite::{Connection, OptionalExtension, Params, params};
use serde_json::Value;

use crate::arrivals::Arrival;

/// What sort of entry a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noun {
    Other = 0,
    Observation = 1,
    Finding = 2,
    Incident = 3,
    Recall = 4,
    Peer = 5,
    Refusal = 6,
    /// The content is gone; only the place is known.
    Purged = 7,
    /// What a person did.
    Act = 8,
}

impl Noun {
    const ALL: [Self; 9] = [
        Self::Other,
        Self::Observation,
        Self::Finding,
        Self::Incident,
        Self::Recall,
        Self::Peer,
        Self::Refusal,
        Self::Purged,
        Self::Act,
    ];

    fn of(code: i64) -> Self {
        usize::try_from(code).ok().and_then(|code| Self::ALL.get(code)).copied().unwrap_or(Self::Other)
    }
}

/// One entry of a view.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Its place in the view's log.
    pub(crate) seq: u64,
    pub(crate) id: EntryId,
    pub(crate) noun: Noun,
    /// The schema of the body.
    pub(crate) schema: String,
    /// The finding's or observation's own kind.
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) severity: Option<Severity>,
    pub(crate) node: String,
    pub(crate) country: String,
    pub(crate) time: Timestamp,
    pub(crate) received: Option<Timestamp>,
    pub(crate) marking: Option<Marking>,
    body: Option<String>,
    /// Per id of its evidence the place in this view, when the view holds it.
    pub(crate) refs: Vec<Option<u64>>,
    /// What a recall takes back, when the view holds it and it is the recaller's.
    pub(crate) target: Option<EntryId>,
    pub(crate) recalled_by: Option<EntryId>,
    pub(crate) superseded_by: Option<EntryId>,
}

impl Row {
    pub(crate) const fn is_own(&self) -> bool {
        self.received.is_none()
    }

    /// The body, of what pages show.
    pub(crate) fn document(&self) -> Option<Value> {
        serde_json::from_str(self.body.as_ref()?).ok()
    }

    fn read<T: base::Noun>(&self) -> Option<T> {
        base::from_document(&self.document()?).ok()
    }

    pub(crate) fn finding(&self) -> Option<Finding> {
        if self.noun == Noun::Finding { self.read() } else { None }
    }

    pub(crate) fn incident(&self) -> Option<Incident> {
        if self.noun == Noun::Incident { self.read() } else { None }
    }

    pub(crate) fn observation(&self) -> Option<Observation> {
        if self.noun == Noun::Observation { self.read() } else { None }
    }

    pub(crate) fn refusal(&self) -> Option<link::Refused> {
        if self.noun == Noun::Refusal { self.read() } else { None }
    }

    pub(crate) fn act(&self) -> Option<crate::people::Act> {
        self.read()
    }

    pub(crate) fn peer(&self) -> Option<record::Peer> {
        if self.noun == Noun::Peer { self.read() } else { None }
    }
}

/// A place in the list of open incidents: severity, start in nanoseconds, place in the view.
pub(crate) type Worst = (u8, i64, u64);

const COLUMNS: &str = "seq, id, noun, schema, kind, title, severity, node, country, time, received, marking, \
                       body, refs, target, recalled_by, superseded_by";

/// The rows of one view. Only the view's own files can make one (see `Reader` and `Fold`).
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(super) db: &'a Connection,
    /// Whether the view is of people of this node, who have the raw bytes of its own observations.
    pub(super) at_home: bool,
}

pub(super) fn get_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let id = |index| -> rusqlite::Result<Option<EntryId>> {
        Ok(row.get::<_, Option<[u8; 32]>>(index)?.map(EntryId::from_bytes))
    };
    let marking: Option<String> = row.get(11)?;
    let severity: u8 = row.get(6)?;
    Ok(Row {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        id: EntryId::from_bytes(row.get(1)?),
        noun: Noun::of(row.get(2)?),
        schema: row.get(3)?,
        kind: row.get(4)?,
        title: row.get(5)?,
        severity: Severity::try_from(severity).ok(),
        node: row.get(7)?,
        country: row.get(8)?,
        time: Timestamp::from_unix_nanos(row.get(9)?),
        received: row.get::<_, Option<i64>>(10)?.map(Timestamp::from_unix_nanos),
        marking: marking.and_then(|text| serde_json::from_str(&text).ok()),
        body: row.get(12)?,
        refs: refs(&row.get::<_, Option<Vec<u8>>>(13)?.unwrap_or_default()),
        target: id(14)?,
        recalled_by: id(15)?,
        superseded_by: id(16)?,
    })
}

/// Places as they are kept: 8 bytes each, -1 for one that the view does not hold.
pub(super) fn refs(bytes: &[u8]) -> Vec<Option<u64>> {
    bytes
        .chunks_exact(8)
        .map(|chunk| {
            let place = i64::from_le_bytes(chunk.try_into().unwrap_or([0xff; 8]));
            u64::try_from(place).ok()
        })
        .collect()
}

pub(super) fn refs_bytes(places: &[Option<u64>]) -> Vec<u8> {
    places.iter().flat_map(|place| place.map_or(-1, u64::cast_signed).to_le_bytes()).collect()
}

/// A bound for `seq < ?`: everything when there is none.
pub(super) fn below(before: Option<u64>) -> i64 {
    before.map_or(i64::MAX, |seq| i64::try_from(seq).unwrap_or(i64::MAX))
}

pub(super) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl Rows<'_> {
    pub(super) fn many(&self, tail: &str, params: impl Params) -> rusqlite::Result<Vec<Row>> {
        self.db
            .prepare_cached(&format!("SELECT {COLUMNS} FROM item {tail}"))?
            .query_map(params, get_row)?
            .collect()
    }

    fn one(&self, tail: &str, params: impl Params) -> rusqlite::Result<Option<Row>> {
        self.db
            .prepare_cached(&format!("SELECT {COLUMNS} FROM item {tail}"))?
            .query_row(params, get_row)
            .optional()
    }

    /// Whether whoever has this view has the raw bytes of an observation: they do not travel with an entry.
    pub(crate) const fn has_bytes_of(&self, row: &Row) -> bool {
        self.at_home && row.is_own()
    }

    /// How many entries the view holds.
    pub(crate) fn size(&self) -> rusqlite::Result<u64> {
        self.db
            .prepare_cached("SELECT coalesce(max(seq) + 1, 0) FROM item")?
            .query_row([], |row| row.get::<_, i64>(0))
            .map(i64::cast_unsigned)
    }

    /// The entry at place `seq` of the view.
    pub(crate) fn at(&self, seq: u64) -> rusqlite::Result<Option<Row>> {
        self.one("WHERE seq = ?1", [seq.cast_signed()])
    }

    /// The entry at place `home` of the home log, if the view holds it. `None` asks for one that no view holds, with
    /// the same work.
    pub(crate) fn by_home(&self, home: Option<u64>) -> rusqlite::Result<Option<Row>> {
        self.one("WHERE home = ?1", [home.map_or(-1, u64::cast_signed)])
    }

    /// Whether the entry at place `seq` was taken back; `None` when the view holds none there.
    pub(crate) fn is_recalled(&self, seq: u64) -> rusqlite::Result<Option<bool>> {
        self.db
            .prepare_cached("SELECT recalled_by IS NOT NULL FROM item WHERE seq = ?1")?
            .query_row([seq.cast_signed()], |row| row.get(0))
            .optional()
    }

    /// Entries of one noun that were not taken back, newest first, below `before`.
    pub(crate) fn standing(
        &self,
        noun: Noun,
        before: Option<u64>,
        limit: usize,
    ) -> rusqlite::Result<Vec<Row>> {
        self.many(
            "INDEXED BY standing WHERE noun = ?1 AND recalled_by IS NULL AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
            params![noun as i64, below(before), count(limit)],
        )
    }

    /// Observations of one kind that were not taken back, newest first, below `before`. It looks at all observations:
    /// for what is asked once.
    pub(crate) fn observations_of(
        &self,
        kind: &str,
        before: Option<u64>,
        limit: usize,
    ) -> rusqlite::Result<Vec<Row>> {
        self.many(
            "INDEXED BY standing WHERE noun = ?1 AND kind = ?2 AND recalled_by IS NULL AND seq < ?3 \
             ORDER BY seq DESC LIMIT ?4",
            params![Noun::Observation as i64, kind, below(before), count(limit)],
        )
    }

    /// Findings of one kind that were not taken back, newest first, below `before`.
    pub(crate) fn findings_of(
        &self,
        kind: &str,
        before: Option<u64>,
        limit: usize,
    ) -> rusqlite::Result<Vec<Row>> {
        self.many(
            "INDEXED BY standing_kind WHERE noun = 2 AND kind = ?1 AND recalled_by IS NULL AND seq < ?2 \
             ORDER BY seq DESC LIMIT ?3",
            params![kind, below(before), count(limit)],
        )
    }

    /// Open incidents, worst first, then by start, behind `after`.
    pub(crate) fn open_incidents(&self, after: Option<Worst>, limit: usize) -> rusqlite::Result<Vec<Row>> {
        let mut rows = Vec::new();
        for severity in Severity::ALL.iter().rev().map(|s| s.beacons()) {
            let (start, seq) = match after {
                Some((worst, ..)) if severity > worst => continue,
                Some((worst, start, seq)) if severity == worst => (start, seq.cast_signed()),
                _ => (i64::MIN, -1),
            };
            let left = limit - rows.len();
            if left == 0 {
                break;
            }
            rows.extend(self.many(
                "INDEXED BY open_incident WHERE noun = 3 AND recalled_by IS NULL AND superseded_by IS NULL \
                 AND severity = ?1 AND (start, seq) > (?2, ?3) ORDER BY start, seq LIMIT ?4",
                params![severity, start, seq, count(left)],
            )?);
        }
        Ok(rows)
    }

    /// Where an incident stands in that list.
    pub(crate) fn worst_of(&self, row: &Row) -> rusqlite::Result<Worst> {
        self.db
            .prepare_cached("SELECT severity, start FROM item WHERE seq = ?1")?
            .query_row([row.seq.cast_signed()], |r| Ok((r.get(0)?, r.get(1)?, row.seq)))
    }

    /// Entries in the order of the log from place `from` on.
    pub(crate) fn from(&self, from: u64, limit: usize) -> rusqlite::Result<Vec<Row>> {
        self.many("WHERE seq >= ?1 ORDER BY seq LIMIT ?2", params![below(Some(from)), count(limit)])
    }

    /// What is to be told of the entries from place `from` on, at most `limit` of them, and the place behind these.
    pub(crate) fn arrivals(&self, from: u64, limit: usize) -> rusqlite::Result<(Vec<Arrival>, u64)> {
        let mut select = self
            .db
            .prepare_cached("SELECT seq, noun, id, target FROM item WHERE seq >= ?1 ORDER BY seq LIMIT ?2")?;
        let mut rows = select.query(params![below(Some(from)), count(limit)])?;
        let (mut arrivals, mut next) = (Vec::new(), from);
        while let Some(row) = rows.next()? {
            next = row.get::<_, i64>(0)?.cast_unsigned() + 1;
            let target: Option<[u8; 32]> = row.get(3)?;
            arrivals.extend(match Noun::of(row.get(1)?) {
                Noun::Purged | Noun::Act => None,
                Noun::Recall => target.map(|target| Arrival::Recalled(EntryId::from_bytes(target))),
                _ => Some(Arrival::Entry(EntryId::from_bytes(row.get(2)?))),
            });
        }
        Ok((arrivals, next))
    }

    /// The open incident that holds the finding at place `seq`.
    pub(crate) fn incident_of(&self, seq: u64) -> rusqlite::Result<Option<EntryId>> {
        self.db
            .prepare_cached(
                "SELECT item.id FROM member JOIN item ON item.seq = member.incident
                 WHERE member.finding = ?1 AND item.recalled_by IS NULL AND item.superseded_by IS NULL
                 ORDER BY member.incident DESC LIMIT 1",
            )?
            .query_row([seq.cast_signed()], |row| row.get::<_, [u8; 32]>(0))
            .optional()
            .map(|id| id.map(EntryId::from_bytes))
    }

    /// Findings about `object` that stand, newest start first, behind the start and place `after`.
    pub(crate) fn history(
        &self,
        object: &str,
        after: Option<(i64, u64)>,
        limit: usize,
    ) -> rusqlite::Result<Vec<Row>> {
        let (start, seq) = after.unwrap_or((i64::MAX, i64::MAX.cast_unsigned()));
        let places: Vec<i64> = self
            .db
            .prepare_cached(
                "SELECT seq FROM about WHERE object = ?1 AND (start, seq) < (?2, ?3)
                 ORDER BY start DESC, seq DESC LIMIT ?4",
            )?
            .query_map(params![object, start, below(Some(seq)), count(limit)], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        places.into_iter().filter_map(|seq| self.at(seq.cast_unsigned()).transpose()).collect()
    }

    /// A count that the view keeps.
    pub(crate) fn tally(&self, field: &str, value: &str) -> rusqlite::Result<u64> {
        self.db
            .prepare_cached("SELECT n FROM tally WHERE field = ?1 AND value = ?2")?
            .query_row([field, value], |row| row.get::<_, i64>(0))
            .optional()
            .map(|n| n.unwrap_or(0).cast_unsigned())
    }

    /// All counts of a field that are not zero, by value, at most `limit`.
    pub(crate) fn tallies(&self, field: &str, limit: usize) -> rusqlite::Result<Vec<(String, u64)>> {
        self.db
            .prepare_cached("SELECT value, n FROM tally WHERE field = ?1 AND n > 0 ORDER BY value LIMIT ?2")?
            .query_map(params![field, count(limit)], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
            })?
            .collect()
    }

    /// Beacons of the worst open incident; 1 when there is none.
    pub(crate) fn worst_severity(&self) -> rusqlite::Result<u8> {
        let worst = self.open_incidents(None, 1)?;
        Ok(worst.first().and_then(|row| row.severity).map_or(1, |s| s.beacons()))
    }
}
