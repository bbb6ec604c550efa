//! The views as the writer keeps them: in the order of the log, after each commit, and made up for at the start.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use base::{EntryId, Finding, NodeName, Noun as _, Observation, Precedence};
use incident::Incident;
use label::Evidence;
use record::{Batch, Direction, Lane, RecordStore, SqliteRecord, Stored};

use crate::NodeError;
use crate::tombstones::Unconfirmed;
use crate::view::{Decided, Fold, Intake, Mark, OwnerRows, Prepared, View, Views};

/// Entries that are made up for in one transaction.
const CHUNK: u64 = 1000;
/// Pieces of evidence that are remembered between two commits.
const REMEMBERED: usize = 4096;

/// The writing sides of all views.
pub(crate) struct Folds {
    owner: Fold,
    others: BTreeMap<View, Fold>,
    /// Views that are being brought up, a piece at a time.
    opening: BTreeMap<View, Fold>,
    /// What the kernel asked about evidence since the last commit.
    evidence: RefCell<HashMap<EntryId, Evidence>>,
    /// What is hidden since the folder was restored.
    unconfirmed: Unconfirmed,
}

/// What a view calls a lane.
fn lane_name(lane: &Lane) -> String {
    let way = match lane.direction {
        Direction::Out => "out",
        Direction::In => "in",
    };
    format!("{way}/{}", lane.precedence)
}

fn lanes_of(peer: &NodeName) -> impl Iterator<Item = Lane> + '_ {
    [Direction::Out, Direction::In].into_iter().flat_map(move |direction| {
        Precedence::ALL.into_iter().map(move |precedence| Lane { peer: peer.clone(), direction, precedence })
    })
}

impl Folds {
    /// Opens the owner's view and brings it up to the record.
    pub(crate) fn open(
        views: &Views,
        record: &SqliteRecord,
        unconfirmed: Unconfirmed,
    ) -> Result<Self, NodeError> {
        let owner = Fold::open(views.folder(), View::Owner, holds(record))?;
        let (others, opening, evidence) = (BTreeMap::new(), BTreeMap::new(), RefCell::default());
        let mut folds = Self { owner, others, opening, evidence, unconfirmed };
        follow_home(&mut folds.owner, record, &folds.unconfirmed, |_| ())?;
        views.show(&folds.owner)?;
        Ok(folds)
    }

    /// Opens another view and brings it up to the record; nothing when it is open.
    pub(crate) fn add(&mut self, views: &Views, record: &SqliteRecord, view: View) -> Result<(), NodeError> {
        if view == View::Owner || self.others.contains_key(&view) {
            return Ok(());
        }
        let mut fold = Fold::open(views.folder(), view.clone(), holds(record))?;
        follow(&mut fold, record, &self.unconfirmed, |_| ())?;
        views.show(&fold)?;
        self.others.insert(view, fold);
        Ok(())
    }

    /// What is hidden since the folder was restored.
    pub(crate) const fn unconfirmed(&self) -> &Unconfirmed {
        &self.unconfirmed
    }

    /// The open views beside the owner's.
    pub(crate) fn views(&self) -> Vec<View> {
        self.others.keys().cloned().collect()
    }

    /// Removes the files of all views: they are to be opened anew.
    pub(crate) fn discard(&self, views: &Views) {
        for view in self.views().into_iter().chain([View::Owner]) {
            views.discard(&view);
        }
    }

    /// Goes on to open the view of people with one clearance, by one piece of the record; says whether it can be read
    /// now. A long record must not keep everybody else waiting.
    pub(crate) fn add_piece(
        &mut self,
        views: &Views,
        record: &SqliteRecord,
        view: &View,
    ) -> Result<bool, NodeError> {
        if *view == View::Owner || self.others.contains_key(view) {
            return Ok(true);
        }
        let mut fold = match self.opening.remove(view) {
            Some(fold) => fold,
            None => Fold::open(views.folder(), view.clone(), holds(record))?,
        };
        follow_home_by(&mut fold, record, &self.unconfirmed, CHUNK, |_| ())?;
        if fold.applied() < record.log_size() {
            self.opening.insert(view.clone(), fold);
            return Ok(false);
        }
        views.show(&fold)?;
        self.others.insert(view.clone(), fold);
        Ok(true)
    }

    /// Makes up for what the owner's view could not take in before: nothing is decided by a view that is behind.
    pub(crate) fn keep_up(&mut self, views: &Views, record: &SqliteRecord) -> Result<(), NodeError> {
        if self.owner.applied() == record.log_size() {
            return Ok(());
        }
        self.evidence.borrow_mut().clear();
        let tell = |intake: &Intake| views.took_in(&View::Owner, intake);
        follow_home(&mut self.owner, record, &self.unconfirmed, tell)
    }

    /// What only the owner may ask, as it stands after the last commit.
    pub(crate) fn owner(&self) -> Result<OwnerRows<'_>, NodeError> {
        self.owner.owner_rows().ok_or(NodeError::Stopping)
    }

    /// Takes in what a commit wrote. The views are derived: when one cannot follow, it is behind until the next commit
    /// or start, and nothing is lost.
    pub(crate) fn committed(
        &mut self,
        views: &Views,
        record: &SqliteRecord,
        batch: &Batch,
        fresh: &[Stored],
    ) {
        self.evidence.borrow_mut().clear();
        let fresh: Vec<Rc<Prepared>> = fresh.iter().map(|stored| Rc::new(stored.clone().into())).collect();
        let by_id: HashMap<EntryId, &Rc<Prepared>> = fresh.iter().map(|fresh| (fresh.id(), fresh)).collect();
        let end = record.log_size();
        for fold in std::iter::once(&mut self.owner).chain(self.others.values_mut()) {
            let view = fold.view().clone();
            let tell = |intake: &Intake| views.took_in(&view, intake);
            let done = match &view {
                View::Owner | View::User(_) => {
                    follow_fresh(fold, record, &self.unconfirmed, &fresh, end, tell)
                }
                View::Peer(peer) => follow_rows(fold, record, &self.unconfirmed, (peer, batch), &by_id, tell),
            };
            if let Err(error) = done {
                tracing::error!(%error, ?view, "a view is behind; it follows with the next entry");
            }
        }
    }

    /// Notes decisions on own entries, by their place in the home log, for one peer in the owner's view. All before
    /// `upto` is then noted.
    pub(crate) fn note_decisions(
        &mut self,
        peer: &NodeName,
        decisions: &[(u64, Decided)],
        upto: u64,
    ) -> Result<(), NodeError> {
        Ok(self.owner.note_decisions(peer, decisions, upto)?)
    }

    /// What the label kernel asks about evidence.
    pub(crate) fn evidence(&self, record: &SqliteRecord, id: &EntryId) -> Evidence {
        if let Some(known) = self.evidence.borrow().get(id) {
            return known.clone();
        }
        let evidence = match record.get(id) {
            Ok(Some(Stored { entry: None, .. })) => Evidence::Recalled,
            Ok(Some(Stored { seq, entry: Some(entry), .. })) => match self.owner.rows().is_recalled(seq) {
                Ok(Some(false)) => Evidence::held(&entry),
                Ok(Some(true)) => Evidence::Recalled,
                // What cannot be looked up is not released.
                Ok(None) | Err(_) => Evidence::Unknown,
            },
            Ok(None) | Err(_) => Evidence::Unknown,
        };
        let mut known = self.evidence.borrow_mut();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(*id, evidence.clone());
        evidence
    }

    /// Whether the entry `id` was taken back.
    pub(crate) fn is_recalled(&self, record: &SqliteRecord, id: &EntryId) -> bool {
        let place = record.place(id).ok().flatten();
        place.is_some_and(|seq| self.is_recalled_at(seq))
    }

    /// The same of the entry at place `seq` of the home log.
    pub(crate) fn is_recalled_at(&self, seq: u64) -> bool {
        // What cannot be looked up counts as taken back: it stays here.
        !matches!(self.owner.rows().is_recalled(seq), Ok(Some(false)))
    }
}

/// The entry as the views get it: without its content while that is hidden. What the link goes by, such as recalls, is
/// never hidden.
fn veiled(mut stored: Stored, record: &SqliteRecord, unconfirmed: &Unconfirmed) -> Stored {
    if unconfirmed.reaches(stored.seq) && tells_of_hidden(&stored, record, unconfirmed) {
        stored.entry = None;
    }
    stored
}

/// How much of what one own entry rests on is looked at; beyond it the entry is hidden.
const MOST_LOOKED_AT: usize = 10_000;

/// Whether an entry is hidden since the folder was restored: what a peer sent, and what this node concluded from it
/// before, which tells of it.
fn tells_of_hidden(stored: &Stored, record: &SqliteRecord, unconfirmed: &Unconfirmed) -> bool {
    let mut met: HashSet<EntryId> = HashSet::new();
    let (mut next, mut hidden) = rests_on(stored, unconfirmed);
    while let Some(id) = next.pop().filter(|_| !hidden) {
        if !met.insert(id) {
            continue;
        }
        match record.get(&id) {
            Ok(Some(below)) if met.len() < MOST_LOOKED_AT => {
                let (further, is_hidden) = rests_on(&below, unconfirmed);
                next.extend(further);
                hidden = is_hidden;
            }
            Ok(None) => {}
            // What cannot be looked at could be what is hidden.
            Ok(Some(_)) | Err(_) => hidden = true,
        }
    }
    hidden
}

/// What an own entry rests on, and whether an entry is itself hidden.
fn rests_on(stored: &Stored, unconfirmed: &Unconfirmed) -> (Vec<EntryId>, bool) {
    let Some(entry) = &stored.entry else { return (Vec::new(), false) };
    let concludes = [Observation::SCHEMA, Finding::SCHEMA, Incident::SCHEMA].contains(&entry.kind());
    if stored.received.is_some() {
        return (Vec::new(), concludes && unconfirmed.hides(stored.seq, &entry.author().node));
    }
    let ids = match entry.kind() {
        Incident::SCHEMA => entry.noun::<Incident>().map(|incident| incident.findings).unwrap_or_default(),
        _ if concludes => base::Marked::evidence(entry).to_vec(),
        _ => Vec::new(),
    };
    (ids, false)
}

/// Whether the record has that entry at that place.
fn holds(record: &SqliteRecord) -> impl Fn(u64, &EntryId) -> bool {
    |seq, id| record.place(id).ok().flatten() == Some(seq)
}

fn finder(record: &SqliteRecord) -> impl Fn(&EntryId) -> Option<u64> {
    |id| record.place(id).ok().flatten()
}

fn follow(
    fold: &mut Fold,
    record: &SqliteRecord,
    unconfirmed: &Unconfirmed,
    tell: impl Fn(&Intake),
) -> Result<(), NodeError> {
    match fold.view().clone() {
        View::Owner | View::User(_) => follow_home(fold, record, unconfirmed, tell),
        View::Peer(peer) => follow_lanes(fold, record, unconfirmed, &peer, tell),
    }
}

/// Brings a view of the home log up to its end.
fn follow_home(
    fold: &mut Fold,
    record: &SqliteRecord,
    unconfirmed: &Unconfirmed,
    tell: impl Fn(&Intake),
) -> Result<(), NodeError> {
    let end = record.log_size();
    if end - fold.applied().min(end) > CHUNK {
        tracing::info!(view = ?fold.view(), from = fold.applied(), to = end, "a view is brought up to the record");
    }
    while fold.applied() < end {
        follow_home_by(fold, record, unconfirmed, CHUNK, &tell)?;
    }
    Ok(())
}

/// The same by at most `count` entries.
fn follow_home_by(
    fold: &mut Fold,
    record: &SqliteRecord,
    unconfirmed: &Unconfirmed,
    count: u64,
    tell: impl Fn(&Intake),
) -> Result<(), NodeError> {
    let upto = (fold.applied() + count).min(record.log_size());
    let mut entries: Vec<Prepared> = Vec::new();
    for seq in fold.applied()..upto {
        entries.extend(record.at(seq)?.map(|stored| Prepared::from(veiled(stored, record, unconfirmed))));
    }
    if !entries.is_empty() {
        tell(&fold.take_in(&entries, Mark::Home(upto), &finder(record))?);
    }
    Ok(())
}

fn follow_fresh(
    fold: &mut Fold,
    record: &SqliteRecord,
    unconfirmed: &Unconfirmed,
    fresh: &[Rc<Prepared>],
    end: u64,
    tell: impl Fn(&Intake),
) -> Result<(), NodeError> {
    if fresh.first().is_none_or(|first| first.home() == fold.applied()) {
        if !fresh.is_empty() {
            tell(&fold.take_in(fresh.iter().cloned(), Mark::Home(end), &finder(record))?);
        }
        return Ok(());
    }
    // It could not be written before.
    follow_home(fold, record, unconfirmed, tell)
}

/// Takes in the leaves that a commit appended to a peer's lanes.
fn follow_rows(
    fold: &mut Fold,
    record: &SqliteRecord,
    unconfirmed: &Unconfirmed,
    (peer, batch): (&NodeName, &Batch),
    fresh: &HashMap<EntryId, &Rc<Prepared>>,
    tell: impl Fn(&Intake),
) -> Result<(), NodeError> {
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    let mut entries = Vec::new();
    for row in batch.lane_rows.iter().filter(|row| row.lane.peer == *peer) {
        let name = lane_name(&row.lane);
        let size = sizes.entry(name.clone()).or_insert_with(|| fold.lane(&name));
        *size += 1;
        entries.extend(match fresh.get(&row.id) {
            Some(fresh) => Some(Rc::clone(fresh)),
            None => record.get(&row.id)?.map(|stored| Rc::new(veiled(stored, record, unconfirmed).into())),
        });
    }
    if sizes.is_empty() {
        return Ok(());
    }
    for lane in lanes_of(peer) {
        let size = record.lane(&lane)?.frontier.size();
        let name = lane_name(&lane);
        if sizes.get(&name).copied().unwrap_or_else(|| fold.lane(&name)) != size {
            // It could not be written before.
            return follow_lanes(fold, record, unconfirmed, peer, tell);
        }
    }
    tell(&fold.take_in(entries, Mark::Lanes(&sizes), &finder(record))?);
    Ok(())
}

/// Brings a peer's view up to its lanes. What stands in several is taken in the order of the home log, which is the
/// order in which it was released or came.
fn follow_lanes(
    fold: &mut Fold,
    record: &SqliteRecord,
    unconfirmed: &Unconfirmed,
    peer: &NodeName,
    tell: impl Fn(&Intake),
) -> Result<(), NodeError> {
    /// One lane, from where the view has it.
    struct Behind {
        lane: Lane,
        /// The next place to read.
        read: u64,
        /// What was read, with its place.
        next: VecDeque<(u64, Stored)>,
    }
    let mut lanes: Vec<Behind> = lanes_of(peer)
        .map(|lane| Behind { read: fold.lane(&lane_name(&lane)), lane, next: VecDeque::new() })
        .collect();
    loop {
        let mut entries: Vec<Prepared> = Vec::new();
        while (entries.len() as u64) < CHUNK {
            for behind in &mut lanes {
                while behind.next.is_empty() {
                    let ids = record.lane_ids(&behind.lane, behind.read, CHUNK)?;
                    if ids.is_empty() {
                        break;
                    }
                    for (place, id) in (behind.read..).zip(&ids) {
                        // What was withdrawn before it came has a place in the lane but no entry.
                        let stored = record.get(id)?.map(|stored| veiled(stored, record, unconfirmed));
                        behind.next.extend(stored.map(|stored| (place, stored)));
                    }
                    behind.read += ids.len() as u64;
                }
            }
            let first = lanes
                .iter_mut()
                .filter(|behind| !behind.next.is_empty())
                .min_by_key(|behind| behind.next.front().map(|(_, stored)| stored.seq));
            let Some(first) = first else { break };
            entries.extend(first.next.pop_front().map(|(_, stored)| stored.into()));
        }
        let sizes: BTreeMap<String, u64> = lanes
            .iter()
            .map(|behind| {
                let taken = behind.next.front().map_or(behind.read, |(place, _)| *place);
                (lane_name(&behind.lane), taken)
            })
            .collect();
        if entries.is_empty() && sizes.iter().all(|(lane, size)| fold.lane(lane) == *size) {
            return Ok(());
        }
        tell(&fold.take_in(&entries, Mark::Lanes(&sizes), &finder(record))?);
    }
}
