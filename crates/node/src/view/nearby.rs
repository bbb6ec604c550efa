//! What grouping looks at: own findings and incidents near one another, not all of them.

use std::collections::{BTreeMap, BTreeSet};

use base::{EntryId, Finding, NodeName};
use incident::Incident;
use rusqlite::params;

use super::owner::OwnerRows;
use super::rows::{Noun, Row};

/// What a change of findings can touch.
#[derive(Debug, Default)]
pub(crate) struct Nearby {
    /// Own open incidents.
    pub(crate) incidents: Vec<(EntryId, Incident)>,
    /// Own findings that stand: those of the incidents, and those near the changed ones.
    pub(crate) findings: Vec<(EntryId, Finding)>,
}

impl OwnerRows<'_> {
    /// Own incidents and findings that could come to belong together with `fresh` ones, or that lose one of the
    /// findings at the places `gone`. Findings that share no object with those, or lie further off than `gap_seconds`,
    /// form the incidents that they form already. For the `reader`, a peer: only what it has; `None`: for the people of
    /// this node.
    pub(crate) fn nearby(
        &self,
        reader: Option<&NodeName>,
        fresh: &[&Finding],
        gone: &[u64],
        gap_seconds: f64,
    ) -> rusqlite::Result<Nearby> {
        let mut findings: BTreeSet<u64> = BTreeSet::new();
        for finding in fresh {
            findings.extend(self.near(finding, gap_seconds)?);
        }
        let mut incidents: BTreeMap<u64, Row> = BTreeMap::new();
        for finding in findings.iter().chain(gone) {
            let open = match reader {
                None => self.open_at_home(*finding)?,
                Some(peer) => self.open_to(peer, *finding)?,
            };
            incidents.extend(open.into_iter().map(|row| (row.seq, row)));
        }
        let mut nearby = Nearby::default();
        for row in incidents.into_values() {
            findings.extend(row.refs.iter().flatten());
            if let Some(incident) = row.incident() {
                nearby.incidents.push((row.id, incident));
            }
        }
        for seq in findings {
            let Some(row) = self.at(seq)? else { continue };
            let has = match reader {
                None => true,
                Some(peer) => self.has(peer, seq)?,
            };
            if has
                && row.is_own()
                && row.recalled_by.is_none()
                && let Some(finding) = row.finding()
            {
                nearby.findings.push((row.id, finding));
            }
        }
        Ok(nearby)
    }

    /// Places of findings that share an object with `finding` and lie within the gap of it.
    fn near(&self, finding: &Finding, gap_seconds: f64) -> rusqlite::Result<Vec<u64>> {
        // A second more: the bound is looked at in whole nanoseconds, grouping decides in seconds.
        #[expect(clippy::cast_possible_truncation, reason = "a cast from f64 stays within the bounds of i64")]
        let gap = ((gap_seconds.max(0.0) + 1.0) * 1e9) as i64;
        let (start, end) = (finding.interval.start().unix_nanos(), finding.interval.end().unix_nanos());
        let mut near = Vec::new();
        for object in &finding.objects {
            let longest: i64 = self
                .rows
                .db
                .prepare_cached("SELECT coalesce(max(nanos), 0) FROM longest WHERE object = ?1")?
                .query_row([&object.id], |row| row.get(0))?;
            let from = start.saturating_sub(gap);
            let found = self
                .rows
                .db
                .prepare_cached(
                    "SELECT seq FROM about WHERE object = ?1 AND start >= ?2 AND start <= ?3 AND end >= ?4",
                )?
                .query_map(
                    params![object.id, from.saturating_sub(longest), end.saturating_add(gap), from],
                    |row| row.get::<_, i64>(0).map(i64::cast_unsigned),
                )?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            near.extend(found);
        }
        Ok(near)
    }

    /// Own incidents that the people of this node read and that hold the finding at place `seq`.
    fn open_at_home(&self, seq: u64) -> rusqlite::Result<Vec<Row>> {
        let mut rows = self.incidents_with(seq)?;
        rows.retain(|row| row.superseded_by.is_none());
        Ok(rows)
    }

    /// Own incidents that `peer` has and that hold the finding at place `seq`, neither recalled nor replaced by another
    /// that it has: what replaced them here may be for others.
    pub(crate) fn open_to(&self, peer: &NodeName, seq: u64) -> rusqlite::Result<Vec<Row>> {
        let mut rows = self.many(
            "WHERE seq IN (SELECT incident FROM member WHERE finding = ?1)
             AND EXISTS (SELECT 1 FROM shared WHERE shared.peer = ?2 AND shared.seq = item.seq) ORDER BY seq",
            params![seq.cast_signed(), peer.as_str()],
        )?;
        rows.retain(|row| row.is_own() && row.noun == Noun::Incident);
        let replaced: BTreeSet<EntryId> =
            rows.iter().filter_map(Row::incident).flat_map(|incident| incident.supersedes).collect();
        rows.retain(|row| row.recalled_by.is_none() && !replaced.contains(&row.id));
        Ok(rows)
    }

    /// Whether the entry at place `seq` has a place in a log for `peer`.
    fn has(&self, peer: &NodeName, seq: u64) -> rusqlite::Result<bool> {
        self.rows
            .db
            .prepare_cached("SELECT count(*) > 0 FROM shared WHERE peer = ?1 AND seq = ?2")?
            .query_row(params![peer.as_str(), seq.cast_signed()], |row| row.get(0))
    }

    /// Own findings that stand and that `peer` has, but in no incident that stands, from place `from` on, with their
    /// places.
    pub(crate) fn untold(
        &self,
        peer: &NodeName,
        from: u64,
        limit: usize,
    ) -> rusqlite::Result<Vec<(u64, EntryId, Finding)>> {
        let rows = self.many(
            "WHERE seq IN (SELECT seq FROM shared WHERE peer = ?1 AND seq >= ?2)
             AND noun = 2 AND recalled_by IS NULL AND received IS NULL
             AND NOT EXISTS (SELECT 1 FROM member
                 JOIN item AS told ON told.seq = member.incident AND told.recalled_by IS NULL
                 JOIN shared ON shared.seq = member.incident AND shared.peer = ?1
                 WHERE member.finding = item.seq)
             ORDER BY seq LIMIT ?3",
            params![peer.as_str(), from.cast_signed(), i64::try_from(limit).unwrap_or(i64::MAX)],
        )?;
        Ok(rows.into_iter().filter_map(|row| Some((row.seq, row.id, row.finding()?))).collect())
    }

    /// Own incidents, replaced ones too, that hold the finding at place `seq` and were not recalled.
    pub(crate) fn incidents_with(&self, seq: u64) -> rusqlite::Result<Vec<Row>> {
        let rows = self.many(
            "WHERE seq IN (SELECT incident FROM member WHERE finding = ?1) ORDER BY seq",
            [seq.cast_signed()],
        )?;
        Ok(rows
            .into_iter()
            .filter(|row| row.is_own() && row.noun == Noun::Incident && row.recalled_by.is_none())
            .collect())
    }

    /// Whether an own finding that stands has the same kind, objects and second of start. One that names no object is
    /// never known.
    pub(crate) fn knows(&self, finding: &Finding) -> rusqlite::Result<bool> {
        self.knows_as(finding, |_| true)
    }

    /// The same of one that is alike also in what `alike` looks at.
    pub(crate) fn knows_as(
        &self,
        finding: &Finding,
        alike: impl Fn(&Finding) -> bool,
    ) -> rusqlite::Result<bool> {
        let Some(object) = finding.objects.first() else { return Ok(false) };
        let second = 1_000_000_000;
        let from = finding.interval.start().unix_nanos().div_euclid(second).saturating_mul(second);
        let places: Vec<i64> = self
            .rows
            .db
            .prepare_cached("SELECT seq FROM about WHERE object = ?1 AND start >= ?2 AND start < ?3")?
            .query_map(params![object.id, from, from.saturating_add(second)], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let ids = |finding: &Finding| finding.objects.iter().map(|o| o.id.clone()).collect::<Vec<_>>();
        for place in places {
            let Some(row) = self.at(place.cast_unsigned())? else { continue };
            let same =
                |known: Finding| known.kind == finding.kind && ids(&known) == ids(finding) && alike(&known);
            if row.is_own() && row.recalled_by.is_none() && row.finding().is_some_and(same) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
