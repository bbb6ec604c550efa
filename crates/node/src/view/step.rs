//! Taking one entry into a view: its row, what others say of it, and the counts.

use std::collections::{BTreeMap, HashMap};

use base::{EntryId, Marking, Timestamp};
use record::{Entry, Stored};
use rusqlite::{OptionalExtension, Transaction, params};

use super::View;
use super::content::{Content, Prepared, Said};
use super::decisions::add_tallies;
use super::fold::{Find, Intake};
use super::rows::{Noun, Row, Rows, refs_bytes};

/// Ids whose places are remembered, twice: the older half is dropped when the younger is full.
const REMEMBERED: usize = 32_768;
/// The longest value of a facet; what is longer counts by its beginning.
const FACET_CHARS: usize = 100;

/// The places of ids that were met lately.
#[derive(Default)]
pub(super) struct Recent {
    young: HashMap<EntryId, Option<u64>>,
    old: HashMap<EntryId, Option<u64>>,
}

impl Recent {
    fn get(&self, id: &EntryId) -> Option<Option<u64>> {
        self.young.get(id).or_else(|| self.old.get(id)).copied()
    }

    fn put(&mut self, id: EntryId, place: Option<u64>) {
        if self.young.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, place);
    }
}

/// One transaction of a fold.
pub(super) struct Step<'f> {
    pub(super) view: &'f View,
    pub(super) tx: &'f Transaction<'f>,
    pub(super) size: &'f mut u64,
    pub(super) recent: &'f mut Recent,
    pub(super) wanted: &'f mut u64,
    pub(super) find: Find<'f>,
    pub(super) tallies: BTreeMap<(String, String), i64>,
    pub(super) intake: Intake,
}

impl Step<'_> {
    /// Whether the view holds the entry. Of a peer's view only what is its is given in the first place.
    pub(super) fn is_for(&self, stored: &Stored) -> bool {
        let View::User(clearance) = self.view else { return true };
        clearance.admits(stored.entry.as_ref().and_then(base::Marked::marking))
    }

    fn tally(&mut self, field: &str, value: &str, by: i64) {
        *self.tallies.entry((field.to_owned(), value.to_owned())).or_default() += by;
    }

    pub(super) fn keep_tallies(&mut self) -> rusqlite::Result<()> {
        add_tallies(self.tx, &self.tallies)?;
        self.tallies.clear();
        Ok(())
    }

    pub(super) fn apply(&mut self, prepared: &Prepared) -> rusqlite::Result<()> {
        let stored = &prepared.stored;
        let seq = *self.size;
        *self.size += 1;
        self.recent.put(stored.id, Some(seq));
        let Some(entry) = &stored.entry else {
            self.insert_purged(seq, stored)?;
            return self.arrived(seq, stored.id);
        };
        let said = prepared.said(entry);
        let content = &said.content;
        let mut places = Vec::with_capacity(content.refs.len());
        for id in &content.refs {
            let place = self.place(id)?;
            if place.is_none() {
                self.want(id, seq)?;
            }
            places.push(place);
        }
        self.insert(seq, stored, entry, said, &places)?;
        self.count(&content.noun.unwrap_or(Noun::Other), content, entry, 1);
        if *self.view == View::Owner && stored.received.is_some() {
            let bytes = i64::try_from(entry.payload().len()).unwrap_or(i64::MAX);
            self.tally("received_bytes", entry.author().node.as_str(), bytes);
        }
        if content.noun == Some(Noun::Finding) {
            self.index_objects(seq, content)?;
            for place in places.iter().flatten() {
                self.rest(*place, seq)?;
            }
        }
        if content.noun == Some(Noun::Incident) {
            for place in places.iter().flatten() {
                self.join(*place, seq)?;
            }
        }
        for former in &content.supersedes {
            self.want_or(former, seq, |step, place| step.supersede(place, seq))?;
        }
        if let Some(target) = &content.target {
            self.want_or(target, seq, |step, place| step.recall(place, seq))?;
        }
        self.arrived(seq, stored.id)
    }

    fn insert(
        &self,
        seq: u64,
        stored: &Stored,
        entry: &Entry,
        said: &Said,
        places: &[Option<u64>],
    ) -> rusqlite::Result<()> {
        let content = &said.content;
        self.tx
            .prepare_cached(
                "INSERT INTO item (seq, home, id, noun, schema, kind, title, severity, start, node, country, time,
                 received, marking, body, refs)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            )?
            .execute(params![
                seq.cast_signed(),
                stored.seq.cast_signed(),
                stored.id.as_bytes(),
                content.noun.unwrap_or(Noun::Other) as i64,
                entry.kind(),
                content.kind,
                content.title,
                content.severity,
                content.start,
                entry.author().node.as_str(),
                entry.author().country.as_str(),
                entry.time().unix_nanos(),
                stored.received.map(Timestamp::unix_nanos),
                said.marking,
                said.body,
                refs_bytes(places),
            ])
            .map(|_| ())
    }

    /// An entry whose content was gone before this view was built. Its author is known by the key alone.
    fn insert_purged(&self, seq: u64, stored: &Stored) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO item (seq, home, id, noun, schema, kind, title, severity, start, node, country, time,
                 received, recalled_by) VALUES (?1, ?2, ?3, ?4, 'purged', '', '', 0, 0, ?5, '', 0, ?6, ?3)",
            )?
            .execute(params![
                seq.cast_signed(),
                stored.seq.cast_signed(),
                stored.id.as_bytes(),
                Noun::Purged as i64,
                stored.key.to_hex(),
                stored.received.map(Timestamp::unix_nanos),
            ])
            .map(|_| ())
    }

    /// The place of an id in this view.
    fn place(&mut self, id: &EntryId) -> rusqlite::Result<Option<u64>> {
        if let Some(known) = self.recent.get(id) {
            return Ok(known);
        }
        let place = match (self.find)(id) {
            None => None,
            Some(home) => self
                .tx
                .prepare_cached("SELECT seq FROM item WHERE home = ?1")?
                .query_row([home.cast_signed()], |row| row.get::<_, i64>(0))
                .optional()?
                .map(i64::cast_unsigned),
        };
        if place.is_some() {
            self.recent.put(*id, place);
        }
        Ok(place)
    }

    fn want(&mut self, id: &EntryId, seq: u64) -> rusqlite::Result<()> {
        let new = self
            .tx
            .prepare_cached("INSERT OR IGNORE INTO wanted (id, seq) VALUES (?1, ?2)")?
            .execute(params![id.as_bytes(), seq.cast_signed()])?;
        *self.wanted += new as u64;
        Ok(())
    }

    /// Does it when the view holds `id`, and else when it comes.
    fn want_or(
        &mut self,
        id: &EntryId,
        seq: u64,
        act: impl FnOnce(&mut Self, u64) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        match self.place(id)? {
            Some(place) => act(self, place),
            None => self.want(id, seq),
        }
    }

    /// What waited for the entry at `seq`: items of another lane may come in another order.
    fn arrived(&mut self, seq: u64, id: EntryId) -> rusqlite::Result<()> {
        if *self.wanted == 0 {
            return Ok(());
        }
        let waiting: Vec<i64> = self
            .tx
            .prepare_cached("DELETE FROM wanted WHERE id = ?1 RETURNING seq")?
            .query_map([id.as_bytes()], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        *self.wanted -= waiting.len() as u64;
        for waiter in waiting {
            let Some(row) = self.row(waiter.cast_unsigned())? else { continue };
            match row.noun {
                Noun::Recall => self.recall(seq, row.seq)?,
                Noun::Finding | Noun::Incident => self.refer(&row, seq, &id)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Fills in the place of what `row` named before it was there.
    fn refer(&mut self, row: &Row, seq: u64, id: &EntryId) -> rusqlite::Result<()> {
        let found = row.incident();
        let named = found
            .as_ref()
            .map(|i| i.findings.clone())
            .or_else(|| row.finding().map(|f| f.evidence))
            .unwrap_or_default();
        let mut places = row.refs.clone();
        let mut met = false;
        for (place, _) in places.iter_mut().zip(&named).filter(|(_, named)| *named == id) {
            *place = Some(seq);
            met = true;
        }
        if met {
            self.tx
                .prepare_cached("UPDATE item SET refs = ?2 WHERE seq = ?1")?
                .execute(params![row.seq.cast_signed(), refs_bytes(&places)])?;
        }
        if let Some(found) = found {
            if met {
                self.join(seq, row.seq)?;
            }
            if found.supersedes.contains(id) {
                self.supersede(seq, row.seq)?;
            }
        } else if met {
            self.rest(seq, row.seq)?;
        }
        Ok(())
    }

    fn row(&self, seq: u64) -> rusqlite::Result<Option<Row>> {
        Rows { db: self.tx, at_home: self.view.is_at_home() }.at(seq)
    }

    /// Notes, for the owner, that the finding at `seq` rests upon the entry at `upon`.
    fn rest(&self, upon: u64, seq: u64) -> rusqlite::Result<()> {
        if *self.view != View::Owner {
            return Ok(());
        }
        self.tx
            .prepare_cached("INSERT OR IGNORE INTO rest (upon, seq) VALUES (?1, ?2)")?
            .execute(params![upon.cast_signed(), seq.cast_signed()])
            .map(|_| ())
    }

    fn join(&self, finding: u64, incident: u64) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("INSERT OR IGNORE INTO member (finding, incident) VALUES (?1, ?2)")?
            .execute(params![finding.cast_signed(), incident.cast_signed()])
            .map(|_| ())
    }

    /// The incident at `former` is replaced by the one at `by`: only its author may do that.
    fn supersede(&mut self, former: u64, by: u64) -> rusqlite::Result<()> {
        let (Some(former), Some(by)) = (self.row(former)?, self.row(by)?) else { return Ok(()) };
        if former.noun != Noun::Incident || former.node != by.node || former.superseded_by.is_some() {
            return Ok(());
        }
        if former.recalled_by.is_none() {
            self.tally("noun", "incident", -1);
        }
        self.tx
            .prepare_cached("UPDATE item SET superseded_by = ?2 WHERE seq = ?1")?
            .execute(params![former.seq.cast_signed(), by.id.as_bytes()])
            .map(|_| ())
    }

    /// The entry at `target` is taken back by the recall at `by`: only its author may do that.
    fn recall(&mut self, target: u64, by: u64) -> rusqlite::Result<()> {
        let (Some(row), Some(by)) = (self.row(target)?, self.row(by)?) else { return Ok(()) };
        let same_key = row.noun == Noun::Purged && row.node == by.kind;
        if row.node != by.node && !same_key {
            return Ok(());
        }
        self.tx.prepare_cached("UPDATE item SET target = ?2, refs = ?3 WHERE seq = ?1")?.execute(params![
            by.seq.cast_signed(),
            row.id.as_bytes(),
            refs_bytes(&[Some(row.seq)])
        ])?;
        if row.recalled_by.is_some() {
            return Ok(());
        }
        self.uncount(&row)?;
        self.intake.gone.push(row.seq);
        if *self.view == View::Owner && row.is_own() {
            self.count_recalled(&row)?;
        }
        if self.view.keeps(row.is_own()) {
            return self
                .tx
                .prepare_cached("UPDATE item SET recalled_by = ?2 WHERE seq = ?1")?
                .execute(params![row.seq.cast_signed(), by.id.as_bytes()])
                .map(|_| ());
        }
        self.intake.purged = true;
        self.tx
            .prepare_cached(
                "UPDATE item SET noun = ?3, schema = 'purged', kind = '', title = '', severity = 0, start = 0,
                 country = '', time = 0, marking = NULL, body = NULL, refs = NULL, superseded_by = NULL,
                 recalled_by = ?2 WHERE seq = ?1",
            )?
            .execute(params![row.seq.cast_signed(), by.id.as_bytes(), Noun::Purged as i64])?;
        self.tx.prepare_cached("DELETE FROM member WHERE finding = ?1")?.execute([row.seq.cast_signed()])?;
        Ok(())
    }

    /// How many of what went to each peer was taken back since.
    fn count_recalled(&mut self, row: &Row) -> rusqlite::Result<()> {
        let peers: Vec<String> = self
            .tx
            .prepare_cached("SELECT peer FROM decided")?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for peer in peers {
            let went: bool = self
                .tx
                .prepare_cached("SELECT count(*) > 0 FROM shared WHERE peer = ?1 AND seq = ?2")?
                .query_row(params![peer, row.seq.cast_signed()], |row| row.get(0))?;
            if went {
                self.tally("recalled", &peer, 1);
            }
        }
        Ok(())
    }

    fn count(&mut self, noun: &Noun, content: &Content, entry: &Entry, by: i64) {
        let marking = base::Marked::marking(entry);
        let node = entry.author().node.as_str();
        self.count_as(*noun, &content.kind, content.severity, node, marking, by);
        if let Some(peer) = &content.peer {
            self.tally("refusal", peer.as_str(), by);
        }
    }

    fn uncount(&mut self, row: &Row) -> rusqlite::Result<()> {
        // A replaced incident was not counted any more.
        if row.noun != Noun::Incident || row.superseded_by.is_none() {
            let severity = row.severity.map_or(0, |s| s.beacons());
            self.count_as(row.noun, &row.kind, severity, &row.node, row.marking.as_ref(), -1);
        }
        if let Some(finding) = row.finding() {
            for object in &finding.objects {
                self.tx
                    .prepare_cached("DELETE FROM about WHERE object = ?1 AND start = ?2 AND seq = ?3")?
                    .execute(params![
                        object.id,
                        finding.interval.start().unix_nanos(),
                        row.seq.cast_signed()
                    ])?;
            }
        }
        Ok(())
    }

    fn count_as(
        &mut self,
        noun: Noun,
        kind: &str,
        severity: u8,
        node: &str,
        marking: Option<&Marking>,
        by: i64,
    ) {
        let word = match noun {
            Noun::Observation => "observation",
            Noun::Finding => "finding",
            Noun::Incident => "incident",
            _ => return,
        };
        self.tally("noun", word, by);
        if noun != Noun::Finding {
            return;
        }
        let cut = |text: &str| text.chars().take(FACET_CHARS).collect::<String>();
        self.tally("kind", &cut(kind), by);
        self.tally("severity", &severity.to_string(), by);
        self.tally("owner", node, by);
        if let Some(marking) = marking {
            self.tally("level", &cut(&marking.level), by);
        }
    }

    fn index_objects(&self, seq: u64, content: &Content) -> rusqlite::Result<()> {
        let length = content.end.saturating_sub(content.start);
        for object in &content.objects {
            self.tx
                .prepare_cached(
                    "INSERT OR IGNORE INTO about (object, start, seq, end) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![object.id, content.start, seq.cast_signed(), content.end])?;
            if length > 0 {
                self.tx
                    .prepare_cached(
                        "INSERT INTO longest (object, nanos) VALUES (?1, ?2)
                         ON CONFLICT (object) DO UPDATE SET nanos = max(nanos, excluded.nanos)
                         WHERE excluded.nanos > nanos",
                    )?
                    .execute(params![object.id, length])?;
            }
        }
        Ok(())
    }
}
