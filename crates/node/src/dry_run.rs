//! What a policy would newly release or hold back, by the own entries of the last days, on a running node.
//!
//! The owner's view is read a few rows at a time, and each decision is the kernel's: what changes goes out at once and
//! is not kept, so memory does not grow with the days.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base::{EntryId, Facts, Marked, Marking, NodeName, Timestamp};
use label::{Evidence, National, Policy, Rules, Standing, Withheld};
use record::RecordStore;
use serde::Serialize;

use crate::NodeError;
use crate::core::Core;
use crate::peer_link::PeerLink;
use crate::view::{Decided, Noun, Row, View};

/// Rows that are read at once.
const BATCH: usize = 200;
/// Pieces of evidence that are remembered.
const REMEMBERED: usize = 4096;
/// By how much the clock of this node may have been set back: entries are looked for from so much earlier on.
const CLOCK_SET_BACK_SECONDS: f64 = 86_400.0;

/// One line of a dry run.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum DryRunLine {
    /// The first line: what is compared.
    Begin {
        /// `bongsu.policy-dry-run/1`.
        schema: &'static str,
        days: u32,
        since: Timestamp,
        now: Timestamp,
        /// The policy that is in force.
        in_force: Option<String>,
        /// The one that is tried.
        tried: String,
    },
    /// One entry whose decision for one peer changes.
    Change {
        peer: NodeName,
        change: Changed,
        entry: EntryId,
        entry_kind: String,
        title: String,
        time: Timestamp,
        /// Whether it stands in a log for the peer already: a policy takes nothing back.
        shared: bool,
        /// The rule that holds it back: now for what would be released, then for what would be held.
        rule: String,
        path: String,
        why: String,
    },
    /// One peer in numbers.
    Count { peer: NodeName, days: u32, considered: u64, unchanged: u64, newly_released: u64, newly_held: u64 },
    /// The last line: without it the answer is not whole.
    End { changes: u64 },
}

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Changed {
    NewlyReleased,
    NewlyHeld,
}

/// An entry as the kernel sees it.
struct Held {
    marking: Option<Marking>,
    evidence: Vec<EntryId>,
    facts: Option<Facts>,
}

impl Marked for Held {
    fn marking(&self) -> Option<&Marking> {
        self.marking.as_ref()
    }

    fn evidence(&self) -> &[EntryId] {
        &self.evidence
    }

    fn facts(&self) -> Option<Facts> {
        self.facts.clone()
    }
}

#[derive(Default)]
struct Count {
    considered: u64,
    newly_released: u64,
    newly_held: u64,
}

/// Compares the rules of today with the same rules under `policy`, for every peer, over the own entries of the last
/// `days`. Each line goes to `give`, which says whether anybody still listens. Blocks: call it where it may.
///
/// # Errors
/// When the record or the view cannot be read, or the node stops.
pub(crate) fn dry_run(
    core: &Arc<Core>,
    policy: Arc<Policy>,
    days: u32,
    mut give: impl FnMut(DryRunLine) -> bool,
) -> Result<(), NodeError> {
    let now = core.surroundings.now();
    let old = core.rules(now);
    let tried = policy.document().path();
    let new = Rules { national: National::Policy(policy), ..Rules::clone(&old) };
    let since = now.plus_seconds(-86_400.0 * f64::from(days));
    let first = DryRunLine::Begin {
        schema: "bongsu.policy-dry-run/1",
        days,
        since,
        now,
        in_force: old.national.path(),
        tried,
    };
    if !give(first) {
        return Ok(());
    }
    let comparison = Comparison { core, old: &old, new: &new, now, evidence: RefCell::default() };
    // What goes on through a hub is decided for the hub.
    let links: Vec<Arc<PeerLink>> = core.links().into_iter().filter(|link| link.via.is_none()).collect();
    let mut counts: BTreeMap<NodeName, Count> =
        links.iter().map(|link| (link.peer.node.clone(), Count::default())).collect();
    let mut next = beginning(core, since)?;
    loop {
        // A reader of its own for each batch: a long look at one moment would keep the view's log from being emptied.
        let reader = core.look(&View::Owner)?;
        let rows = reader.owner()?.from(next, BATCH)?;
        let Some(last) = rows.last() else { break };
        next = last.seq + 1;
        for row in rows.iter().filter(|row| row.is_own() && row.time >= since && row.noun != Noun::Act) {
            let Some(held) = comparison.held(row)? else { continue };
            for link in &links {
                let peer = &link.peer.node;
                let shared = |seq| Ok::<_, NodeError>(reader.owner()?.decision(peer, seq)?);
                if row.noun == Noun::Recall {
                    // A recall of something that the peer never had is no matter between the two.
                    let target = row.refs.first().copied().flatten();
                    let went = target.map(shared).transpose()?.flatten();
                    if !matches!(went, Some(Decided::Shared { .. })) {
                        continue;
                    }
                }
                let count = counts.entry(peer.clone()).or_default();
                count.considered += 1;
                let Some((change, withheld)) = comparison.compare(row, &held, link) else { continue };
                match change {
                    Changed::NewlyReleased => count.newly_released += 1,
                    Changed::NewlyHeld => count.newly_held += 1,
                }
                let line = DryRunLine::Change {
                    peer: peer.clone(),
                    change,
                    entry: row.id,
                    entry_kind: row.schema.clone(),
                    title: row.title.clone(),
                    time: row.time,
                    shared: matches!(shared(row.seq)?, Some(Decided::Shared { .. })),
                    rule: withheld.rule.to_string(),
                    why: withheld.meaning(),
                    path: withheld.path,
                };
                if !give(line) {
                    return Ok(());
                }
            }
        }
    }
    let mut changes = 0;
    for (peer, Count { considered, newly_released, newly_held }) in counts {
        let changed = newly_released + newly_held;
        changes += changed;
        let unchanged = considered - changed;
        if !give(DryRunLine::Count { peer, days, considered, unchanged, newly_released, newly_held }) {
            return Ok(());
        }
    }
    give(DryRunLine::End { changes });
    Ok(())
}

/// The place before which the home log has nothing of `since` or later: found by halves, because entries came in the
/// order of this node's clock.
fn beginning(core: &Core, since: Timestamp) -> Result<u64, NodeError> {
    let reader = core.look(&View::Owner)?;
    let rows = reader.rows()?;
    let since = since.plus_seconds(-CLOCK_SET_BACK_SECONDS);
    let (mut low, mut high) = (0, rows.size()?);
    while low < high {
        let middle = low + (high - low) / 2;
        // What was purged tells no time of its own: it counts as old, and a step further is asked.
        let mut at = middle;
        let mut time = None;
        while at < high && time.is_none() {
            time = rows
                .at(at)?
                .filter(|row| row.noun != Noun::Purged)
                .map(|row| row.received.unwrap_or(row.time));
            at += 1;
        }
        if time.is_some_and(|time| time < since) {
            low = at;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Two sets of rules over one record.
struct Comparison<'a> {
    core: &'a Arc<Core>,
    old: &'a Rules,
    new: &'a Rules,
    now: Timestamp,
    /// What was asked about evidence lately.
    evidence: RefCell<HashMap<EntryId, Evidence>>,
}

impl Comparison<'_> {
    /// What the kernel looks at; `None` for what is gone.
    fn held(&self, row: &Row) -> Result<Option<Held>, NodeError> {
        if row.noun == Noun::Purged {
            return Ok(None);
        }
        if let Some(body) = row.document() {
            let finding = row.finding().map(|finding| finding.evidence);
            let evidence = finding.or_else(|| row.observation().map(|observation| observation.evidence));
            if matches!(row.noun, Noun::Finding | Noun::Observation) && evidence.is_some() {
                let evidence = evidence.unwrap_or_default();
                return Ok(Some(Held { marking: row.marking.clone(), evidence, facts: Facts::read(&body) }));
            }
        }
        let id = row.id;
        let entry = self.core.with_record_blocking(move |record| record.get(&id))??;
        Ok(entry.and_then(|stored| stored.entry).map(|entry| Held {
            marking: entry.marking().cloned(),
            evidence: entry.evidence().to_vec(),
            facts: entry.facts(),
        }))
    }

    fn look_up(&self, id: &EntryId) -> Evidence {
        if let Some(known) = self.evidence.borrow().get(id) {
            return known.clone();
        }
        // What cannot be looked up is not released, before and after alike.
        let found = self.core.evidence_blocking(*id).unwrap_or(Evidence::Unknown);
        let mut known = self.evidence.borrow_mut();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(*id, found.clone());
        found
    }

    fn decide(&self, row: &Row, held: &Held, link: &PeerLink, rules: &Rules) -> Result<(), Withheld> {
        let look_up = |id: &EntryId| self.look_up(id);
        let standing = Standing { recalled: row.recalled_by.is_some(), evidence: &look_up };
        label::release(held, &link.audience, rules, &standing, self.now).map(|_| ())
    }

    /// Whether the new rules decide otherwise on an entry, and what holds it back: now, or then.
    fn compare(&self, row: &Row, held: &Held, link: &PeerLink) -> Option<(Changed, Withheld)> {
        let before = self.decide(row, held, link, self.old);
        // What the kernel alone withholds no policy changes.
        let by_policy = |withheld: &Withheld| withheld.cause.unwrap_or(withheld.rule).is_of_national_policy();
        if before.as_ref().is_err_and(|withheld| !by_policy(withheld)) {
            return None;
        }
        match (before, self.decide(row, held, link, self.new)) {
            (Ok(()), Err(withheld)) => Some((Changed::NewlyHeld, withheld)),
            (Err(withheld), Ok(())) => Some((Changed::NewlyReleased, withheld)),
            _ => None,
        }
    }
}
