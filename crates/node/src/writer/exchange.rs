//! What the writing thread does for the link: peers, decisions, what is sent and what is received.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use base::{EntryId, Marked as _, Marking, NodeName, Noun as _, Precedence, Recall, Timestamp};
use incident::Incident;
use label::{Audience, Evidence, Level, Relayed, Released, Standing, Withheld};
use link::{
    Acceptance, Agreement, DerivativeFlag, Grant, Held, Inbound, Item, Outbound, PeerIdentity, RecallReceipt,
    Refusal, Reply, VerifiedBatch, precedence_of,
};
use record::{
    Batch, Checkpoint, Direction, Entry, Lane, LaneAck, LaneItem, LaneRow, Peer, PublicKey, RecordStore,
    SqliteRecord, Stored,
};

use super::incidents::Readers;
use super::{IncidentParts, Plan, Writer};
use crate::NodeError;
use crate::core::{Draft, Judgement, lock, nobody};
use crate::link_index::LinkIndex;
use crate::peer_link::{Gathered, PeerLink};
use crate::people::Act;
use crate::share::Rates;
use crate::view::{Decided, View};

/// Ids that are read from a lane in one go.
const CHUNK: u64 = 4096;
/// Entries that are decided for a new peer in one commit.
const CATCH_UP: u64 = 1000;
/// The most bytes that are read for one batch.
const GATHER_BYTES: usize = link::MAX_BATCH_BYTES / 2;

/// A grant to those behind a hub holds for so long.
const GRANT_SECONDS: f64 = 30.0 * 86_400.0;

/// What the kernel says.
type Verdict = Result<Released<Entry>, Withheld>;

impl Plan {
    /// Notes what was decided on the entry at place `home`; what was released gets the next place of its lane.
    pub(super) fn add(&mut self, link: &Arc<PeerLink>, home: u64, id: EntryId, decided: Verdict) {
        let precedence =
            decided.as_ref().map_or(Precedence::Routine, |released| precedence_of(released.get()));
        self.add_in(link, precedence, home, id, decided);
    }

    /// The same in a lane that is not the entry's own.
    fn add_in(
        &mut self,
        link: &Arc<PeerLink>,
        precedence: Precedence,
        home: u64,
        id: EntryId,
        decided: Verdict,
    ) {
        let precedence = link.lane_for(precedence);
        let outcome = match decided {
            Ok(released) => {
                let planned = self.planned.entry((link.peer.node.clone(), precedence)).or_default();
                let place = lock(&link.lane(precedence).outbound).size() + *planned;
                *planned += 1;
                self.batch
                    .lane_rows
                    .push(LaneRow { lane: lane(&link.peer.node, Direction::Out, precedence), id });
                self.released.push((Arc::clone(link), precedence, released));
                Decided::Shared { lane: precedence.to_string(), place }
            }
            Err(withheld) => Decided::Withheld(withheld),
        };
        self.decisions.entry(link.peer.node.clone()).or_default().push((home, outcome));
    }
}

/// What was released and is recorded now goes to the tasks that send it.
pub(super) fn hand_on(released: Vec<(Arc<PeerLink>, Precedence, Released<Entry>)>) {
    let mut woken: Vec<(Arc<PeerLink>, Precedence)> = Vec::new();
    for (link, precedence, entry) in released {
        if let Err(e) = link.lane(precedence).append(entry) {
            tracing::error!(error = %e, "released for another peer");
        }
        if !woken.iter().any(|(other, lane)| *lane == precedence && Arc::ptr_eq(other, &link)) {
            woken.push((link, precedence));
        }
    }
    for (link, precedence) in woken {
        link.lane(precedence).wake.notify_one();
    }
}

fn lane(peer: &NodeName, direction: Direction, precedence: Precedence) -> Lane {
    Lane { peer: peer.clone(), direction, precedence }
}

impl Writer {
    /// Makes the link for a peer and decides for it on everything that was recorded before.
    pub(super) fn introduce(&mut self, peer: Peer) -> Result<(), NodeError> {
        let bad = |message: &str| NodeError::BadPeer { message: message.to_owned() };
        let key = PublicKey::from_hex(&peer.key).map_err(|_| bad("its key is no Ed25519 public key"))?;
        let clearance: Level =
            peer.clearance.parse().map_err(|_| bad("its clearance is not a level word such as SECRET"))?;
        let me = self.core.config.name.clone();
        let identity = PeerIdentity { node: peer.node.clone(), country: peer.country.clone(), key };
        let audience = Audience {
            node: peer.node.clone(),
            country: peer.country.clone(),
            clearance,
            organisation: Some(peer.title.clone()),
        };
        let (mut inbounds, mut outbounds) = (Vec::new(), Vec::new());
        for precedence in Precedence::ALL {
            let state = |direction| self.record.lane(&lane(&peer.node, direction, precedence));
            let (received, sent) = (state(Direction::In)?, state(Direction::Out)?);
            inbounds.push(Inbound::new(me.clone(), identity.clone(), precedence, received));
            let domain = self.core.domain();
            outbounds.push(Outbound::new(me.clone(), identity.clone(), precedence, domain, sent));
        }
        let four = "a lane for each precedence";
        let inbounds: [Inbound; 4] = inbounds.try_into().map_err(|_| bad(four))?;
        let outbounds: [Outbound; 4] = outbounds.try_into().map_err(|_| bad(four))?;
        let received = [0, 1, 2, 3].map(|at: usize| inbounds[at].size());
        self.inbounds.insert(peer.node.clone(), inbounds);
        let rates = Rates {
            items_per_second: self.core.config.peer_items_per_second,
            bytes_per_second: self.core.config.peer_bytes_per_second,
        };
        let link = Arc::new(PeerLink::new(peer, audience, outbounds, received, rates));
        if let Some(agreement) = lock(&self.core.index).agreement(&self.core.config.name, &link.peer.node) {
            link.agree(agreement);
        }
        if link.via.is_none() {
            self.catch_up(&link)?;
        }
        self.core
            .links
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(link.peer.node.clone(), Arc::clone(&link));
        self.core.peer_added.notify_one();
        Ok(())
    }

    /// A new agreement holds from now on.
    pub(super) fn agreed(&self, agreement: &Agreement) {
        let other = agreement.other(&self.core.config.name).map(|party| &party.node);
        if let Some(link) = other.and_then(|other| self.core.link(other)) {
            link.agree(agreement);
            link.wake();
        }
    }

    /// Where an entry stands in the logs for a peer.
    fn place_for(&self, peer: &NodeName, id: &EntryId) -> Result<Option<(Precedence, u64)>, NodeError> {
        for precedence in Precedence::ALL {
            if let Some(place) = self.record.lane_place(&lane(peer, Direction::Out, precedence), id)? {
                return Ok(Some((precedence, place)));
            }
        }
        Ok(None)
    }

    pub(super) fn catch_up(&mut self, link: &Arc<PeerLink>) -> Result<(), NodeError> {
        let name = &link.peer.node;
        let cursor = self.record.cursor(name)?;
        let noted = self.folds.owner()?.decided_upto(name)?;
        let end = self.record.log_size();
        let mut from = cursor.min(noted);
        // In steps: a peer that is new to a long log must not fill the memory.
        while from < end {
            let upto = (from + CATCH_UP).min(end);
            self.catch_up_to(link, from, upto, cursor)?;
            from = upto;
        }
        if cursor < end {
            // Only with them is it caught up: after a crash before this all is looked through again.
            self.tell_of_incidents(link, cursor)?;
            let cursors = vec![(name.clone(), self.record.log_size())];
            self.record.commit(&Batch { cursors, ..Batch::default() })?;
        }
        self.folds.add(&self.core.views, &self.record, View::Peer(name.clone()))?;
        link.wake();
        Ok(())
    }

    fn catch_up_to(
        &mut self,
        link: &Arc<PeerLink>,
        from: u64,
        upto: u64,
        cursor: u64,
    ) -> Result<(), NodeError> {
        let name = &link.peer.node;
        let mut plan = Plan::default();
        let noted = plan.decisions.entry(name.clone()).or_default();
        let mut fresh = Vec::new();
        for home in from..upto {
            let Some(stored) = self.record.at(home)? else { continue };
            if stored.received.is_some() {
                continue;
            }
            if let Some((precedence, place)) = self.place_for(name, &stored.id)? {
                noted.push((home, Decided::Shared { lane: precedence.to_string(), place }));
                continue;
            }
            let Some(entry) = stored.entry else { continue };
            match self.decide(&entry, link, &HashMap::new())? {
                Some(Ok(_)) if home < cursor => {
                    // It was looked through before and not released then: rules may widen, the past stays.
                }
                Some(Ok(_)) if entry.kind() == Incident::SCHEMA => {
                    // The peer gets those that its own findings make.
                }
                Some(decided) => fresh.push((home, stored.id, decided)),
                None => {}
            }
        }
        for (home, id, decided) in fresh {
            plan.add(link, home, id, decided);
        }
        if !plan.batch.is_empty() {
            self.record.commit(&plan.batch)?;
            self.folds.committed(&self.core.views, &self.record, &plan.batch, &[]);
        }
        self.note_decisions(plan.decisions, upto);
        hand_on(plan.released);
        Ok(())
    }

    /// Whether `entry` goes to the peer. `None`: it is no matter between the two, and leaves no line anywhere.
    pub(super) fn decide(
        &self,
        entry: &Entry,
        link: &PeerLink,
        pending: &HashMap<EntryId, Evidence>,
    ) -> Result<Option<Verdict>, NodeError> {
        if [Act::SCHEMA, IncidentParts::SCHEMA].contains(&entry.kind()) {
            // Who did what here, and what is read here, is no matter between the two.
            return Ok(None);
        }
        if let Ok(recall) = entry.noun::<Recall>()
            && self.place_for(&link.peer.node, &recall.target)?.is_none()
        {
            // A recall of something that the peer never had would tell it that there was something.
            return Ok(None);
        }
        let recalled = self.folds.is_recalled(&self.record, &entry.id());
        Ok(Some(self.judged(entry.clone(), recalled, link, pending)))
    }

    /// What the kernel says on an entry of this node, or on another's that is to go on.
    pub(super) fn judged(
        &self,
        entry: Entry,
        recalled: bool,
        link: &PeerLink,
        pending: &HashMap<EntryId, Evidence>,
    ) -> Verdict {
        let now = self.core.surroundings.now();
        let (audience, rules) = (&link.audience, &self.core.rules(now));
        if *entry.key() != self.core.public {
            let granted = self.is_granted_on(&entry, &link.peer.node);
            return label::relay(entry, audience, rules, Relayed { recalled, granted }, now);
        }
        let look_up =
            |id: &EntryId| pending.get(id).cloned().unwrap_or_else(|| self.folds.evidence(&self.record, id));
        label::release(entry, audience, rules, &Standing { recalled, evidence: &look_up }, now)
    }

    /// Whether an entry may go now.
    fn may_go(&self, entry: Entry, link: &PeerLink) -> Verdict {
        let recalled = self.folds.is_recalled(&self.record, &entry.id());
        self.judged(entry, recalled, link, &HashMap::new())
    }

    /// Whether the author of an entry lets it go on to `audience`. A grant speaks for itself, and so does a recall.
    fn is_granted_on(&self, entry: &Entry, audience: &NodeName) -> bool {
        if let Ok(grant) = entry.noun::<Grant>() {
            return grant.audience == *audience;
        }
        let now = self.core.surroundings.now();
        entry.kind() == Recall::SCHEMA
            || lock(&self.core.index).grant(&entry.id(), entry.key(), audience, now).is_some()
    }

    /// What the kernel says now on an own entry and a peer, with what was decided then.
    pub(super) fn judge(&self, id: &EntryId, peer: &NodeName) -> Result<Option<Judgement>, NodeError> {
        let (Some(link), Some(stored)) = (self.core.link(peer), self.record.get(id)?) else {
            return Ok(None);
        };
        let Some(entry) = stored.entry else { return Ok(None) };
        let decided = self.folds.owner()?.decision(peer, stored.seq)?;
        let is_for = entry.kind() != Incident::SCHEMA || matches!(decided, Some(Decided::Shared { .. }));
        let now = self.decide(&entry, &link, &HashMap::new())?.map(|decided| decided.map(|_| ()));
        // An incident that was made for others is no matter between the two.
        let now = now.filter(|now| is_for || now.is_err());
        Ok(Some(Judgement { decided, now }))
    }

    /// The items of a lane as they may go now: what was recalled since it entered the log stays here.
    pub(super) fn gather(
        &self,
        peer: &NodeName,
        precedence: Precedence,
        start: u64,
        end: u64,
    ) -> Result<Gathered, NodeError> {
        let link =
            self.core.link(peer).ok_or_else(|| NodeError::NotFound { what: format!("peer `{peer}`") })?;
        let lane = lane(peer, Direction::Out, precedence);
        let known = lock(&link.lane(precedence).outbound).frontier_at(start);
        let before = match known {
            Some(frontier) => frontier,
            None => self.record.lane_frontier(&lane, start)?,
        };
        let count = end.saturating_sub(start).min(CHUNK);
        let found = self.record.lane_items(&lane, start, count, GATHER_BYTES)?;
        let items = found.into_iter().map(|LaneItem { id, seq, entry }| {
            let decided = seq.zip(entry).map(|(seq, entry)| {
                let recalled = self.folds.is_recalled_at(seq);
                self.judged(entry, recalled, &link, &HashMap::new())
            });
            decided.and_then(Result::ok).map_or(Item::Withdrawn(id), Item::Released)
        });
        Ok(Gathered { before, items: items.collect() })
    }

    /// Keeps a receipt for the next commit, or for when there is nothing else to do: it is worth no disk write of its
    /// own while others wait.
    pub(super) fn acknowledged(&mut self, peer: NodeName, precedence: Precedence, checkpoint: Checkpoint) {
        let lane = lane(&peer, Direction::Out, precedence);
        self.receipts.retain(|kept| kept.lane != lane);
        self.receipts.push(LaneAck { lane, checkpoint });
    }

    /// Stores the receipts that wait.
    pub(super) fn keep_receipts(&mut self) {
        let acks = std::mem::take(&mut self.receipts);
        if acks.is_empty() {
            return;
        }
        if let Err(e) = self.record.commit(&Batch { acks, ..Batch::default() }) {
            // The peer has it; the receipt will come again with the next batch.
            tracing::warn!(error = %e, "receipt not stored");
        }
    }

    pub(super) fn receive(&mut self, peer: &NodeName, batch: VerifiedBatch, address: String) -> Reply {
        let precedence = batch.precedence();
        let Some(inbound) = self.inbounds.get(peer).map(|lanes| &lanes[precedence as usize]) else {
            return Reply::Refused { refusal: Refusal::UnknownPeer, size: 0 };
        };
        let size = inbound.size();
        let at = self.core.surroundings.now();
        let shown = batch.shown();
        let asks = batch.is_empty();
        if let Err(refusal) = self.check_disk_share(peer, &batch) {
            tracing::warn!(%peer, %refusal, "batch refused");
            self.record_refusal(peer, address, refusal.clone(), at);
            return Reply::Refused { refusal, size };
        }
        let accepted = {
            let index = lock(&self.core.index);
            let me = &self.core.config.name;
            let held = HeldRecord { record: &self.record, index: &index, me, peer, precedence };
            inbound.receive(batch, &held, &self.core.key, at)
        };
        let acceptance = match accepted {
            Ok(acceptance) => acceptance,
            Err(refusal) => {
                tracing::warn!(%peer, code = refusal.code(), %refusal, "batch refused");
                if !refusal.is_ordinary() {
                    self.record_refusal(peer, address, refusal.clone(), at);
                    self.record_fraud(peer, precedence, &refusal, &shown, at);
                }
                return Reply::Refused { refusal, size };
            }
        };
        if let Err(e) = self.store_received(&acceptance.batch) {
            tracing::error!(%peer, error = %e, "cannot store what the peer sent; it will send it again");
            let refusal = Refusal::CannotStore { reason: "the record cannot be written".to_owned() };
            return Reply::Refused { refusal, size };
        }
        let link = self.core.link(peer);
        if let Some(inbound) = self.inbounds.get_mut(peer).map(|lanes| &mut lanes[precedence as usize]) {
            inbound.stored(&acceptance);
            if let Some(link) = &link {
                link.lane(precedence).received.store(inbound.size(), Ordering::Relaxed);
            }
        }
        if let Err(e) = self.relay(peer, &acceptance) {
            tracing::error!(%peer, error = %e, "not passed on");
        }
        if let Some(link) = &link
            && !acceptance.recalls.is_empty()
        {
            self.answer_recalls(link, &acceptance, at);
        }
        if asks && precedence == Precedence::Flash {
            self.confirm(peer);
        }
        // Who sends can be reached: do not wait with what lies here for it.
        if let Some(link) = link {
            link.wake();
        }
        self.core.metrics.items_received.inc_by(acceptance.new_items as u64);
        acceptance.reply
    }

    /// Says in this node's name that what goes to a hub may go on to those who are reached through it: under this
    /// node's rules for the hub and for them.
    pub(super) fn grant_through_hubs(
        &self,
        entries: &mut Vec<(Entry, Draft)>,
        readers: &Readers,
    ) -> Result<(), NodeError> {
        let links = self.core.links();
        let mut grants = Vec::new();
        for link in &links {
            let Some(hub) = link.via.as_ref().and_then(|hub| links.iter().find(|l| l.peer.node == *hub))
            else {
                continue;
            };
            for (entry, draft) in entries.iter() {
                if !matches!(draft, Draft::Observation(_) | Draft::Finding(_) | Draft::Incident(_))
                    || !readers.has(entry, &hub.peer.node)
                {
                    continue;
                }
                let orcon = |word: &String| word.eq_ignore_ascii_case("ORCON");
                if entry.marking().is_none_or(|marking| marking.caveats.iter().any(orcon)) {
                    // With ORCON its officer is asked each time.
                    continue;
                }
                if self.may_go(entry.clone(), link).is_ok() && self.may_go(entry.clone(), hub).is_ok() {
                    let to = [hub.peer.country.as_str(), link.peer.country.as_str()];
                    grants.push(Draft::Grant(Grant {
                        target: entry.id(),
                        audience: link.peer.node.clone(),
                        audience_country: link.peer.country.clone(),
                        granted: true,
                        request: None,
                        expires: entry.time().plus_seconds(GRANT_SECONDS),
                        marking: Marking::new("RESTRICTED", &to, self.core.config.country.as_str()),
                    }));
                }
            }
        }
        for draft in grants {
            entries.push((self.core.sign(&draft, None)?, draft));
        }
        Ok(())
    }

    /// Passes on what others own and their grants let go to other peers of this node.
    fn relay(&mut self, from: &NodeName, acceptance: &Acceptance) -> Result<(), NodeError> {
        let mut plan = Plan::default();
        for link in self.core.links() {
            if link.peer.node == *from || link.via.is_some() {
                continue;
            }
            for incoming in &acceptance.batch.entries {
                for (precedence, entry) in self.moved_by(&incoming.entry, &link)? {
                    let id = entry.id();
                    let Some(home) = self.record.place(&id)? else { continue };
                    if let Ok(released) = self.may_go(entry, &link) {
                        plan.add_in(&link, precedence, home, id, Ok(released));
                    }
                }
            }
        }
        if !plan.batch.is_empty() {
            self.record.commit(&plan.batch)?;
            self.folds.committed(&self.core.views, &self.record, &plan.batch, &[]);
            self.note_decisions(plan.decisions, 0);
            hand_on(plan.released);
        }
        Ok(())
    }

    /// What may go on to `link` now that `entry` came, with the lane: a granted item behind its grant, or a recall of
    /// what went before.
    fn moved_by(&self, entry: &Entry, link: &PeerLink) -> Result<Vec<(Precedence, Entry)>, NodeError> {
        let went = |id: &EntryId| Ok::<_, NodeError>(self.place_for(&link.peer.node, id)?.is_some());
        let held = |id: &EntryId| -> Result<Option<Entry>, NodeError> {
            Ok(self.record.get(id)?.and_then(|stored| stored.entry))
        };
        if let Ok(recall) = entry.noun::<Recall>() {
            let moves = went(&recall.target)? && !went(&entry.id())?;
            return Ok(if moves { vec![(Precedence::Flash, entry.clone())] } else { Vec::new() });
        }
        let (item, author) = match entry.noun::<Grant>() {
            Ok(grant) => (held(&grant.target)?, entry.key()),
            Err(_) => (Some(entry.clone()), entry.key()),
        };
        let Some(item) = item.filter(|item| item.key() == author) else { return Ok(Vec::new()) };
        let granted =
            lock(&self.core.index).grant(&item.id(), author, &link.peer.node, self.core.surroundings.now());
        let Some(grant) = granted.map(|id| held(&id)).transpose()?.flatten() else { return Ok(Vec::new()) };
        if went(&item.id())? {
            return Ok(Vec::new());
        }
        // The grant goes before the item in the item's lane, so that it is there first.
        let precedence = precedence_of(&item);
        let mut moved = vec![(precedence, item)];
        if !went(&grant.id())? {
            moved.insert(0, (precedence, grant));
        }
        Ok(moved)
    }

    pub(super) fn store_received(&mut self, batch: &Batch) -> Result<(), NodeError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.remember_recalls(batch.entries.iter().map(|incoming| &incoming.entry));
        let committed = self.record.commit(batch)?;
        let new = batch.entries.iter().zip(&committed.places).filter(|(_, (_, new))| *new);
        {
            let mut index = lock(&self.core.index);
            new.clone().for_each(|(incoming, _)| index.apply(&incoming.entry));
        }
        let fresh: Vec<Stored> = new
            .map(|(incoming, (seq, _))| Stored {
                seq: *seq,
                id: incoming.entry.id(),
                entry: Some(incoming.entry.clone()),
                key: *incoming.entry.key(),
                received: incoming.received,
            })
            .collect();
        self.after_commit(batch, &fresh, |_| ());
        Ok(())
    }

    /// Confirms each recall to who made it, and flags own items that rest on what was recalled.
    fn answer_recalls(&mut self, link: &PeerLink, acceptance: &Acceptance, at: Timestamp) {
        let country = &self.core.config.country;
        let mut drafts = Vec::new();
        for (recall, target) in &acceptance.recalls {
            drafts.push(Draft::Receipt(RecallReceipt {
                target: *target,
                recall: *recall,
                purged: acceptance.batch.purge.iter().any(|purge| purge.target == *target),
                at,
                marking: Marking::new("RESTRICTED", &[link.peer.country.as_str()], country.as_str()),
            }));
            for (item, marking) in self.resting_on(target) {
                drafts.push(Draft::Flag(DerivativeFlag {
                    item,
                    recalled: *target,
                    recall: *recall,
                    marking: nobody(country),
                }));
                if self.core.config.recall_derivatives
                    && let Some(marking) = marking
                {
                    let reason = "it rests on an item that its owner recalled".to_owned();
                    drafts.push(Draft::Recall(Recall { target: item, reason, marking }));
                }
            }
        }
        let signed = drafts.into_iter().map(|draft| Ok((self.core.sign(&draft, None)?, draft)));
        let committed =
            signed.collect::<Result<Vec<_>, NodeError>>().and_then(|entries| self.commit_own(entries));
        if let Err(e) = committed {
            tracing::error!(error = %e, "the receipt of a recall is not recorded");
        }
    }

    /// Own items that rest on `target`, at any remove, and that stand; with their markings, in the order of the log.
    fn resting_on(&self, target: &EntryId) -> Vec<(EntryId, Option<Marking>)> {
        let found = || -> Result<_, NodeError> {
            let Some(place) = self.record.place(target)? else { return Ok(Vec::new()) };
            let owner = self.folds.owner()?;
            let (mut seen, mut open, mut found) = (BTreeSet::from([place]), vec![place], Vec::new());
            while let Some(upon) = open.pop() {
                for row in owner.resting_on(upon)? {
                    if seen.insert(row.seq) {
                        open.push(row.seq);
                        found.push(row);
                    }
                }
            }
            found.retain(|row| row.is_own() && row.recalled_by.is_none());
            found.sort_by_key(|row| row.seq);
            Ok(found.into_iter().map(|row| (row.id, row.marking)).collect())
        };
        found().unwrap_or_else(|error| {
            tracing::error!(%error, %target, "what rests on a recalled item is not flagged");
            Vec::new()
        })
    }
}

/// The record as the receiving half asks it.
pub(super) struct HeldRecord<'a> {
    pub(super) record: &'a SqliteRecord,
    pub(super) index: &'a LinkIndex,
    pub(super) me: &'a NodeName,
    pub(super) peer: &'a NodeName,
    pub(super) precedence: Precedence,
}

impl Held for HeldRecord<'_> {
    fn lane_ids(&self, start: u64, count: usize) -> Result<Vec<EntryId>, String> {
        let lane = lane(self.peer, Direction::In, self.precedence);
        self.record.lane_ids(&lane, start, count as u64).map_err(|e| e.to_string())
    }

    fn place(&self, id: &EntryId) -> Result<Option<(Precedence, u64)>, String> {
        // Nearly all that comes is new: one question tells so.
        if self.record.get(id).map_err(|e| e.to_string())?.is_none() {
            return Ok(None);
        }
        for precedence in Precedence::ALL {
            let lane = lane(self.peer, Direction::In, precedence);
            if let Some(place) = self.record.lane_place(&lane, id).map_err(|e| e.to_string())? {
                return Ok(Some((precedence, place)));
            }
        }
        Ok(None)
    }

    fn entry(&self, id: &EntryId) -> Result<Option<Entry>, String> {
        Ok(self.record.get(id).map_err(|e| e.to_string())?.and_then(|stored| stored.entry))
    }

    fn is_recalled(&self, id: &EntryId, author: &PublicKey) -> bool {
        self.index.is_recalled(id, author)
    }

    fn is_granted(&self, id: &EntryId, author: &PublicKey, now: Timestamp) -> bool {
        self.index.grant(id, author, self.me, now).is_some()
    }
}
