//! Taking a log in: each entry once, in order. What a view shows follows from this alone.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use base::{EntryId, Finding, Marking, NodeName, Noun as _, ObjectRef, Observation, Recall, Timestamp};
use incident::Incident;
use label::Level;
use link::Refused;
use record::{Entry, Peer, Stored};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::owner::{Decided, OwnerRows};
use super::rows::{Noun, Row, Rows, refs_bytes};
use super::{View, schema};

/// Ids whose places are remembered, twice: the older half is dropped when the younger is full.
const REMEMBERED: usize = 32_768;
/// Values of one facet that are counted apart; further ones are not counted.
const FACET_CHARS: usize = 100;

/// Finds the place of an id in the home log.
pub(crate) type Find<'a> = &'a dyn Fn(&EntryId) -> Option<u64>;

/// How far an intake brings a view.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mark<'a> {
    /// To this place of the home log: entries before it that are not given are not for the view.
    Home(u64),
    /// A peer's view: to these sizes of lanes, by their names.
    Lanes(&'a BTreeMap<String, u64>),
}

/// What an intake did.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    /// The size of the view now.
    pub(crate) size: u64,
    /// Entries that were taken back: the words of these go from the search index.
    pub(crate) gone: Vec<u64>,
    /// Content was removed: its bytes must leave the files too.
    pub(crate) purged: bool,
}

/// The writing side of one view.
pub(crate) struct Fold {
    view: View,
    path: PathBuf,
    db: Connection,
    /// The next place of the view.
    size: u64,
    /// Entries of the home log before this place were looked at; in a peer's view, the place behind the last entry.
    applied: u64,
    /// The id of the last of them, by which a record with another history is known.
    last: Option<EntryId>,
    /// A peer's view: how much of each lane was taken in.
    lanes: BTreeMap<String, u64>,
    recent: Recent,
    /// How many ids are waited for.
    wanted: u64,
}

/// The places of ids that were met lately.
#[derive(Default)]
struct Recent {
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

impl Fold {
    /// Opens the view's database in `folder`. `holds` tells whether the home log has that id at that place: a database
    /// that followed another log is built anew.
    pub(crate) fn open(
        folder: &Path,
        view: View,
        holds: impl Fn(u64, &EntryId) -> bool,
    ) -> rusqlite::Result<Self> {
        let path = folder.join(format!("{}.db", view.file()));
        let mut fold = Self::start(&path, view.clone())?;
        let follows = match (fold.applied, fold.last) {
            (0, _) => true,
            (applied, Some(last)) => holds(applied - 1, &last),
            (_, None) => false,
        };
        if !follows {
            drop(fold);
            schema::remove(&path);
            schema::remove(&folder.join(format!("{}.words.db", view.file())));
            fold = Self::start(&path, view)?;
        }
        Ok(fold)
    }

    fn start(path: &Path, view: View) -> rusqlite::Result<Self> {
        let (db, _) = schema::open(path, &view)?;
        let meta = |key: &str| -> rusqlite::Result<Option<i64>> {
            db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
        };
        let applied = meta("applied")?.unwrap_or(0).cast_unsigned();
        let last: Option<[u8; 32]> =
            db.query_row("SELECT value FROM meta WHERE key = 'last'", [], |row| row.get(0)).optional()?;
        let size = Rows { db: &db, at_home: true }.size()?;
        let wanted = db.query_row("SELECT count(*) FROM wanted", [], |row| row.get::<_, i64>(0))?;
        let lanes = db
            .prepare("SELECT substr(key, 6), value FROM meta WHERE key LIKE 'lane/%'")?
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            lanes,
            view,
            path: path.to_owned(),
            db,
            size,
            applied,
            last: last.map(EntryId::from_bytes),
            recent: Recent::default(),
            wanted: wanted.cast_unsigned(),
        })
    }

    pub(crate) const fn view(&self) -> &View {
        &self.view
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Up to which place of the home log the view is.
    pub(crate) const fn applied(&self) -> u64 {
        self.applied
    }

    /// How much of a lane a peer's view has taken in.
    pub(crate) fn lane(&self, name: &str) -> u64 {
        self.lanes.get(name).copied().unwrap_or(0)
    }

    /// The rows as they stand, also for the thread that writes.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows { db: &self.db, at_home: self.view.is_at_home() }
    }

    /// The same with what only the owner may ask.
    pub(crate) fn owner_rows(&self) -> Option<OwnerRows<'_>> {
        (self.view == View::Owner).then(|| OwnerRows { rows: self.rows() })
    }

    /// Takes in the next entries of the log, all or nothing.
    pub(crate) fn take_in<'s>(
        &mut self,
        entries: impl IntoIterator<Item = &'s Stored>,
        mark: Mark<'_>,
        find: Find<'_>,
    ) -> rusqlite::Result<Intake> {
        let former = (self.size, self.wanted);
        let taken = self.write(entries, mark, find);
        if taken.is_err() {
            (self.size, self.wanted) = former;
            self.recent = Recent::default();
        }
        taken
    }

    fn write<'s>(
        &mut self,
        entries: impl IntoIterator<Item = &'s Stored>,
        mark: Mark<'_>,
        find: Find<'_>,
    ) -> rusqlite::Result<Intake> {
        let Self { view, db, size, recent, wanted, last, applied, .. } = self;
        let tx = db.transaction()?;
        let mut step = Step {
            view,
            tx: &tx,
            size: &mut *size,
            recent,
            wanted,
            find,
            tallies: BTreeMap::new(),
            intake: Intake::default(),
        };
        let (mut newest, mut applied) = (*last, *applied);
        for stored in entries {
            if step.is_for(stored) {
                step.apply(stored)?;
            }
            (newest, applied) = (Some(stored.id), stored.seq + 1);
        }
        step.keep_tallies()?;
        let mut intake = step.intake;
        intake.size = *size;
        match mark {
            // The log has no gaps: what was given last is what stands before `upto`.
            Mark::Home(upto) => applied = upto,
            Mark::Lanes(lanes) => {
                for (lane, size) in lanes {
                    keep(&tx, &format!("lane/{lane}"), &size.cast_signed())?;
                }
            }
        }
        keep(&tx, "applied", &applied.cast_signed())?;
        if let Some(last) = newest {
            keep(&tx, "last", last.as_bytes())?;
        }
        tx.commit()?;
        self.applied = applied;
        self.last = newest;
        if let Mark::Lanes(lanes) = mark {
            self.lanes.extend(lanes.iter().map(|(lane, size)| (lane.clone(), *size)));
        }
        if intake.purged {
            self.wipe();
        }
        Ok(intake)
    }

    /// Empties the log of the database, which still holds what was removed.
    fn wipe(&self) {
        let wiped: rusqlite::Result<i64> =
            self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        if !matches!(wiped, Ok(0)) {
            tracing::warn!(view = ?self.view, "what was recalled is still in the log of a view");
        }
    }

    /// Notes what was decided for a peer on own entries, and that all before `upto` is noted.
    pub(crate) fn note_decisions(
        &mut self,
        peer: &NodeName,
        decisions: &[(u64, Decided)],
        upto: u64,
    ) -> rusqlite::Result<()> {
        let tx = self.db.transaction()?;
        let mut tallies: BTreeMap<(String, String), i64> = BTreeMap::new();
        for (seq, outcome) in decisions {
            let name = peer.as_str();
            match outcome {
                Decided::Shared { lane, place } => {
                    let new = tx
                        .prepare_cached(
                            "INSERT OR IGNORE INTO shared (peer, seq, lane, place) VALUES (?1, ?2, ?3, ?4)",
                        )?
                        .execute(params![name, seq.cast_signed(), lane, place.cast_signed()])?;
                    if new == 1 {
                        *tallies.entry(("shared".to_owned(), name.to_owned())).or_default() += 1;
                        let recalled: bool = tx
                            .prepare_cached("SELECT recalled_by IS NOT NULL FROM item WHERE seq = ?1")?
                            .query_row([seq.cast_signed()], |row| row.get(0))
                            .optional()?
                            .unwrap_or(false);
                        if recalled {
                            *tallies.entry(("recalled".to_owned(), name.to_owned())).or_default() += 1;
                        }
                    }
                }
                Decided::Withheld(withheld) => {
                    let new = tx
                        .prepare_cached(
                            "INSERT OR IGNORE INTO withheld (peer, seq, rule, path, cause)
                             VALUES (?1, ?2, ?3, ?4, ?5)",
                        )?
                        .execute(params![
                            name,
                            seq.cast_signed(),
                            withheld.rule.as_str(),
                            withheld.path,
                            withheld.cause.map(label::Rule::as_str)
                        ])?;
                    if new == 1 {
                        *tallies.entry(("withheld".to_owned(), name.to_owned())).or_default() += 1;
                        let rule = format!("rule/{name}");
                        *tallies.entry((rule, withheld.rule.as_str().to_owned())).or_default() += 1;
                    }
                }
            }
        }
        add_tallies(&tx, &tallies)?;
        tx.prepare_cached(
            "INSERT INTO decided (peer, upto) VALUES (?1, ?2)
             ON CONFLICT (peer) DO UPDATE SET upto = max(upto, excluded.upto)",
        )?
        .execute(params![peer.as_str(), upto.cast_signed()])?;
        tx.commit()
    }
}

fn keep(tx: &Connection, key: &str, value: &dyn rusqlite::ToSql) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, value])
        .map(|_| ())
}

fn add_tallies(tx: &Connection, tallies: &BTreeMap<(String, String), i64>) -> rusqlite::Result<()> {
    for ((field, value), n) in tallies.iter().filter(|(_, n)| **n != 0) {
        tx.prepare_cached(
            "INSERT INTO tally (field, value, n) VALUES (?1, ?2, ?3)
             ON CONFLICT (field, value) DO UPDATE SET n = n + excluded.n",
        )?
        .execute(params![field, value, n])?;
    }
    Ok(())
}

/// One transaction of a fold.
struct Step<'f> {
    view: &'f View,
    tx: &'f Transaction<'f>,
    size: &'f mut u64,
    recent: &'f mut Recent,
    wanted: &'f mut u64,
    find: Find<'f>,
    tallies: BTreeMap<(String, String), i64>,
    intake: Intake,
}

/// What an entry's body says, as far as rows need it.
#[derive(Default)]
struct Content {
    noun: Option<Noun>,
    kind: String,
    title: String,
    severity: u8,
    start: i64,
    objects: Vec<ObjectRef>,
    end: i64,
    /// The ids whose places the row keeps.
    refs: Vec<EntryId>,
    supersedes: Vec<EntryId>,
    target: Option<EntryId>,
    peer: Option<NodeName>,
}

impl Content {
    fn of(entry: &Entry) -> Self {
        let kind = entry.kind();
        if kind == Finding::SCHEMA
            && let Ok(finding) = entry.noun::<Finding>()
        {
            return Self {
                noun: Some(Noun::Finding),
                start: finding.interval.start().unix_nanos(),
                end: finding.interval.end().unix_nanos(),
                kind: finding.kind,
                title: finding.title,
                severity: finding.severity.beacons(),
                objects: finding.objects,
                refs: finding.evidence,
                ..Self::default()
            };
        }
        if kind == Incident::SCHEMA
            && let Ok(found) = entry.noun::<Incident>()
        {
            return Self {
                noun: Some(Noun::Incident),
                start: found.interval.start().unix_nanos(),
                title: found.title,
                severity: found.severity.beacons(),
                refs: found.findings,
                supersedes: found.supersedes,
                ..Self::default()
            };
        }
        if kind == Observation::SCHEMA
            && let Ok(observation) = entry.noun::<Observation>()
        {
            return Self {
                noun: Some(Noun::Observation),
                kind: observation.kind,
                title: observation.title,
                ..Self::default()
            };
        }
        if kind == Recall::SCHEMA
            && let Ok(recall) = entry.noun::<Recall>()
        {
            return Self {
                noun: Some(Noun::Recall),
                // By which the author of something that is gone is known.
                kind: entry.key().to_hex(),
                title: recall.reason,
                target: Some(recall.target),
                ..Self::default()
            };
        }
        if kind == Peer::SCHEMA
            && let Ok(peer) = entry.noun::<Peer>()
        {
            let title = format!("{} ({})", peer.title, peer.country);
            return Self { noun: Some(Noun::Peer), title, ..Self::default() };
        }
        if kind == Refused::SCHEMA
            && let Ok(refused) = entry.noun::<Refused>()
        {
            return Self {
                noun: Some(Noun::Refusal),
                title: refused.refusal.to_string(),
                peer: refused.peer,
                ..Self::default()
            };
        }
        Self { noun: Some(Noun::Other), title: kind.to_owned(), ..Self::default() }
    }
}

impl Step<'_> {
    /// Whether the view holds the entry. Of a peer's view only what is its is given in the first place.
    fn is_for(&self, stored: &Stored) -> bool {
        let View::User(clearance) = self.view else { return true };
        let marking = stored.entry.as_ref().and_then(base::Marked::marking);
        // What cannot be judged is above everybody.
        marking.and_then(|m| m.level.parse::<Level>().ok()).is_some_and(|level| level <= *clearance)
    }

    fn tally(&mut self, field: &str, value: &str, by: i64) {
        *self.tallies.entry((field.to_owned(), value.to_owned())).or_default() += by;
    }

    fn keep_tallies(&mut self) -> rusqlite::Result<()> {
        add_tallies(self.tx, &self.tallies)?;
        self.tallies.clear();
        Ok(())
    }

    fn apply(&mut self, stored: &Stored) -> rusqlite::Result<()> {
        let seq = *self.size;
        *self.size += 1;
        self.recent.put(stored.id, Some(seq));
        let Some(entry) = &stored.entry else {
            self.insert_purged(seq, stored)?;
            return self.arrived(seq, stored.id);
        };
        let content = Content::of(entry);
        let mut places = Vec::with_capacity(content.refs.len());
        for id in &content.refs {
            let place = self.place(id)?;
            if place.is_none() {
                self.want(id, seq)?;
            }
            places.push(place);
        }
        self.insert(seq, stored, entry, &content, &places)?;
        self.count(&content.noun.unwrap_or(Noun::Other), &content, entry, 1);
        if content.noun == Some(Noun::Finding) {
            self.index_objects(seq, &content)?;
        }
        if content.noun == Some(Noun::Incident) {
            for place in places.iter().flatten() {
                self.join(*place, seq)?;
            }
            for former in &content.supersedes {
                self.want_or(former, seq, |step, place| step.supersede(place, seq))?;
            }
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
        content: &Content,
        places: &[Option<u64>],
    ) -> rusqlite::Result<()> {
        let noun = content.noun.unwrap_or(Noun::Other);
        let shown = !matches!(noun, Noun::Other | Noun::Recall);
        let marking = base::Marked::marking(entry).and_then(|m| serde_json::to_string(m).ok());
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
                noun as i64,
                entry.kind(),
                content.kind,
                content.title,
                content.severity,
                content.start,
                entry.author().node.as_str(),
                entry.author().country.as_str(),
                entry.time().unix_nanos(),
                stored.received.map(Timestamp::unix_nanos),
                marking,
                shown.then(|| entry.body().to_string()),
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
        }
        Ok(())
    }

    fn row(&self, seq: u64) -> rusqlite::Result<Option<Row>> {
        Rows { db: self.tx, at_home: self.view.is_at_home() }.at(seq)
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
        self.tx
            .prepare_cached("UPDATE item SET target = ?2 WHERE seq = ?1")?
            .execute(params![by.seq.cast_signed(), row.id.as_bytes()])?;
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
