//! What only the owner may ask: decided for whom, and why not.

use std::collections::BTreeMap;

use base::{EntryId, NodeName};
use label::{Rule, Withheld};
use record::Peer;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{Noun, Row, Rows, below, count};
use crate::people::ActKind;

/// What was decided on an own entry for one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decided {
    /// It has a place in a log for the peer.
    Shared { lane: String, place: u64 },
    /// It stays here.
    Withheld(Withheld),
}

/// The owner's rows: those of the view, and the decisions beside. Made from an owner's reader only.
#[derive(Clone, Copy)]
pub(crate) struct OwnerRows<'a> {
    pub(super) rows: Rows<'a>,
}

impl<'a> std::ops::Deref for OwnerRows<'a> {
    type Target = Rows<'a>;

    fn deref(&self) -> &Rows<'a> {
        &self.rows
    }
}

impl OwnerRows<'_> {
    const fn db(&self) -> &Connection {
        self.rows.db
    }

    /// The peers as last introduced, by name.
    pub(crate) fn peers(&self) -> rusqlite::Result<Vec<Peer>> {
        let rows = self.many("WHERE noun = ?1 AND recalled_by IS NULL ORDER BY seq", [Noun::Peer as i64])?;
        let peers: std::collections::BTreeMap<NodeName, Peer> = rows
            .iter()
            .filter(|row| row.is_own())
            .filter_map(|row| row.peer().map(|peer| (peer.node.clone(), peer)))
            .collect();
        Ok(peers.into_values().collect())
    }

    /// Recalls, and entries of no noun of pages, such as receipts and grants: what the link goes by, in the order of
    /// the log.
    pub(crate) fn exchanged(&self) -> rusqlite::Result<Vec<EntryId>> {
        let rows = self.many(
            "WHERE noun IN (?1, ?2) AND recalled_by IS NULL ORDER BY seq",
            [Noun::Recall as i64, Noun::Other as i64],
        )?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// All recalls, in the order of the log.
    pub(crate) fn recalls(&self) -> rusqlite::Result<Vec<EntryId>> {
        self.db()
            .prepare_cached("SELECT id FROM item WHERE noun = ?1 ORDER BY seq")?
            .query_map([Noun::Recall as i64], |row| row.get::<_, [u8; 32]>(0).map(EntryId::from_bytes))?
            .collect()
    }

    /// Whether an own act of that kind was ever recorded.
    pub(crate) fn did(&self, kind: ActKind) -> rusqlite::Result<bool> {
        let acts = self.many(
            "WHERE noun = ?1 AND recalled_by IS NULL AND kind = ?2 AND received IS NULL LIMIT 1",
            params![Noun::Act as i64, kind.as_str()],
        )?;
        Ok(!acts.is_empty())
    }

    /// What names the entry at place `seq` as its evidence, in the order of the log.
    pub(crate) fn resting_on(&self, seq: u64) -> rusqlite::Result<Vec<Row>> {
        self.many(
            "WHERE seq IN (SELECT seq FROM rest WHERE upon = ?1 UNION SELECT incident FROM member WHERE finding = ?1)
             ORDER BY seq",
            [seq.cast_signed()],
        )
    }

    /// What has a place in a log for `peer`, newest first.
    pub(crate) fn shared(
        &self,
        peer: &NodeName,
        before: Option<u64>,
        limit: usize,
    ) -> rusqlite::Result<Vec<(Row, String, u64)>> {
        let sql =
            "SELECT seq, lane, place FROM shared WHERE peer = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
        self.decided_for(sql, peer, before, limit, |r| Ok((r.get(1)?, r.get::<_, i64>(2)?.cast_unsigned())))
    }

    /// What stayed here for `peer`, newest first.
    pub(crate) fn withheld(
        &self,
        peer: &NodeName,
        before: Option<u64>,
        limit: usize,
    ) -> rusqlite::Result<Vec<(Row, String, String)>> {
        let sql =
            "SELECT seq, rule, path FROM withheld WHERE peer = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
        self.decided_for(sql, peer, before, limit, |r| Ok((r.get(1)?, r.get(2)?)))
    }

    /// The entries whose places `sql` finds for `peer`, each with the two words that `beside` reads next to its place.
    fn decided_for<A, B>(
        &self,
        sql: &str,
        peer: &NodeName,
        before: Option<u64>,
        limit: usize,
        beside: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<(A, B)>,
    ) -> rusqlite::Result<Vec<(Row, A, B)>> {
        let found: Vec<(i64, (A, B))> = self
            .db()
            .prepare_cached(sql)?
            .query_map(params![peer.as_str(), below(before), count(limit)], |r| Ok((r.get(0)?, beside(r)?)))?
            .collect::<rusqlite::Result<_>>()?;
        found
            .into_iter()
            .filter_map(|(seq, (a, b))| {
                let row = self.at(seq.cast_unsigned()).transpose()?;
                Some(row.map(|row| (row, a, b)))
            })
            .collect()
    }

    /// The own recalls that have a place in a log for `peer`, in the order of the log.
    pub(crate) fn recalls_to(&self, peer: &NodeName) -> rusqlite::Result<Vec<EntryId>> {
        let rows = self.many(
            "WHERE noun = ?1 AND recalled_by IS NULL AND received IS NULL
             AND EXISTS (SELECT 1 FROM shared WHERE shared.peer = ?2 AND shared.seq = item.seq) ORDER BY seq",
            params![Noun::Recall as i64, peer.as_str()],
        )?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// What was decided for `peer` on the entry at place `seq`; `None` when it was no matter between the two.
    pub(crate) fn decision(&self, peer: &NodeName, seq: u64) -> rusqlite::Result<Option<Decided>> {
        let shared = self
            .db()
            .prepare_cached("SELECT lane, place FROM shared WHERE peer = ?1 AND seq = ?2")?
            .query_row(params![peer.as_str(), seq.cast_signed()], |r| {
                Ok(Decided::Shared { lane: r.get(0)?, place: r.get::<_, i64>(1)?.cast_unsigned() })
            })
            .optional()?;
        if shared.is_some() {
            return Ok(shared);
        }
        let words: Option<(String, String, Option<String>)> = self
            .db()
            .prepare_cached("SELECT rule, path, cause FROM withheld WHERE peer = ?1 AND seq = ?2")?
            .query_row(params![peer.as_str(), seq.cast_signed()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
            .optional()?;
        Ok(words.and_then(|(rule, path, cause)| {
            let rule: Rule = rule.parse().ok()?;
            Some(Decided::Withheld(Withheld { rule, path, cause: cause.and_then(|c| c.parse().ok()) }))
        }))
    }

    /// Up to which place of the home log decisions for `peer` are noted.
    pub(crate) fn decided_upto(&self, peer: &NodeName) -> rusqlite::Result<u64> {
        self.db()
            .prepare_cached("SELECT upto FROM decided WHERE peer = ?1")?
            .query_row([peer.as_str()], |row| row.get::<_, i64>(0))
            .optional()
            .map(|upto| upto.unwrap_or(0).cast_unsigned())
    }

    /// The newest own observations of a kind that stand, by their titles.
    pub(crate) fn newest_of_each_title(
        &self,
        kind: &str,
    ) -> rusqlite::Result<BTreeMap<String, (EntryId, base::Observation)>> {
        let mut found = BTreeMap::new();
        let mut before = None;
        loop {
            let rows = self.observations_of(kind, before, 100)?;
            let Some(last) = rows.last() else { return Ok(found) };
            before = Some(last.seq);
            for row in rows.iter().filter(|row| row.is_own()) {
                let Some(observation) = row.observation() else { continue };
                found.entry(observation.title.clone()).or_insert((row.id, observation));
            }
        }
    }

    /// The newest own observation of a kind that stands and fits.
    pub(crate) fn newest_observation(
        &self,
        kind: &str,
        fits: impl Fn(&base::Observation) -> bool,
    ) -> rusqlite::Result<Option<(EntryId, base::Observation)>> {
        let mut before = None;
        loop {
            let rows = self.observations_of(kind, before, 100)?;
            let Some(last) = rows.last() else { return Ok(None) };
            before = Some(last.seq);
            let own = rows.iter().filter(|row| row.is_own());
            let found = own.filter_map(|row| Some((row.id, row.observation()?))).find(|(_, o)| fits(o));
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}
