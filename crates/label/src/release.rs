use std::collections::{BTreeMap, BTreeSet};

use base::{Country, EntryId, Marked, Marking, NodeName, Timestamp};
use serde::{Deserialize, Serialize, Serializer};

use crate::judge::{Part, judge};
use crate::{Caveat, Codes, Label, Level, Rule, Withheld};

/// The most links from an item to its evidence, and from there on, that one decision follows.
pub const MAX_EVIDENCE: usize = 100_000;

/// For whom a decision is made: one node of an ally.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// The node.
    pub node: NodeName,
    /// The country whose node it is.
    pub country: Country,
    /// The highest level that may go there.
    pub clearance: Level,
}

/// By what a decision is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The country of this node: it releases its own items and nobody else's.
    pub own: Country,
    /// The table of codes of the day.
    pub codes: Codes,
}

impl Rules {
    /// Rules of a node of country `own` with the table that ships with this version.
    pub fn new(own: Country) -> Self {
        Self { own, codes: Codes::builtin() }
    }
}

/// What this node knows of an entry that something rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// It is not held here, or cannot be read.
    Unknown,
    /// Its owner took it back.
    Recalled,
    /// It is held here.
    Held {
        /// Its marking, when it can be read.
        marking: Option<Marking>,
        /// The entries that it rests on in turn.
        evidence: Vec<EntryId>,
    },
}

impl Evidence {
    /// The evidence that an entry held here is.
    pub fn held<T: Marked + ?Sized>(entry: &T) -> Self {
        Self::Held { marking: entry.marking().cloned(), evidence: entry.evidence().to_vec() }
    }
}

/// What the record says beside the item itself.
#[derive(Clone, Copy)]
pub struct Standing<'a> {
    /// Whether the owner took the item back.
    pub recalled: bool,
    /// Finds what is held under an id.
    pub evidence: &'a dyn Fn(&EntryId) -> Evidence,
}

impl std::fmt::Debug for Standing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standing").field("recalled", &self.recalled).finish_non_exhaustive()
    }
}

/// An item that may go to one audience, and to no other.
///
/// Only [`release`] makes one. There is no way to put another item in, to change the one inside or to name another
/// audience; what comes out by [`into_inner`](Self::into_inner) is an ordinary, unreleased item again. Whoever sends
/// it checks that [`audience`](Self::audience) is the peer at the other end.
///
/// It is written exactly as the item is, and cannot be read: what arrives over a wire was released by another.
#[derive(Debug)]
#[must_use]
pub struct Released<T> {
    item: T,
    audience: NodeName,
    decided_at: Timestamp,
    codes_version: String,
}

impl<T> Released<T> {
    /// What a decision of this crate says may go; there is no other way to one.
    pub(crate) fn decided(item: T, audience: &Audience, rules: &Rules, now: Timestamp) -> Self {
        Self {
            item,
            audience: audience.node.clone(),
            decided_at: now,
            codes_version: rules.codes.version().to_owned(),
        }
    }

    /// The item.
    pub fn get(&self) -> &T {
        &self.item
    }

    /// The item, no longer released.
    pub fn into_inner(self) -> T {
        self.item
    }

    /// The node that may have it.
    pub fn audience(&self) -> &NodeName {
        &self.audience
    }

    /// When that was decided: the `now` that was passed in.
    pub fn decided_at(&self) -> Timestamp {
        self.decided_at
    }

    /// The version of the table of codes by which it was decided.
    pub fn codes_version(&self) -> &str {
        &self.codes_version
    }
}

impl<T: Serialize> Serialize for Released<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.item.serialize(to)
    }
}

/// Decides whether `item` may go to `audience`. The first rule that refuses is reported, in this order:
///
/// 1. `recalled`: the owner took it back.
/// 2. `marking.missing`, then the marking is [parsed](Label::parse): `marking.too_long`, `level.unknown`,
///    `originator.unknown`, `rel.unknown_code`, `caveat.unknown`, `caveat.noforn_with_rel`.
/// 3. `originator.other`: our own country must be an originator, and every further one must be the audience's own.
///    An item of another owner is not re-shared.
/// 4. `caveat.orcon`: with ORCON, we must be the only originator.
/// 5. `level.above_clearance`, `caveat.noforn`.
/// 6. `rel.empty`, `rel.not_listed`: the audience's country must be in the REL list, also when it is our own.
/// 7. What the item rests on, to the end (evidence of evidence), each in the order of its list, depth first:
///    `evidence.too_many`, `evidence.unknown`, `evidence.recalled`, `evidence.withheld` when steps 2 to 6 refuse it,
///    `evidence.level` and `evidence.caveat` when its level is above that of what rests on it or one of its caveats
///    was lost. Evidence that is the audience's own needs no REL entry and is not followed: the audience has it.
///
/// The audience's own clock, network and past play no part: the answer depends on the arguments alone.
///
/// # Errors
/// With the rule that withheld it; see [`Withheld`] for who may read that.
pub fn release<T: Marked>(
    item: T,
    audience: &Audience,
    rules: &Rules,
    standing: &Standing<'_>,
    now: Timestamp,
) -> Result<Released<T>, Withheld> {
    let withheld = |rule, path: &str| Withheld { rule, path: path.to_owned(), cause: None };
    if standing.recalled {
        return Err(withheld(Rule::Recalled, "item"));
    }
    let marking = item.marking().ok_or_else(|| withheld(Rule::MarkingMissing, "marking"))?;
    let label = Label::parse(marking, &rules.codes).map_err(|e| withheld(e.rule(), &e.path()))?;
    judge(&label, Part::Item, audience, &rules.own).map_err(|(rule, path)| withheld(rule, path))?;
    Walk { audience, rules, standing, steps: Vec::new(), seen: BTreeMap::new() }
        .check(&label, item.evidence())?;
    Ok(Released {
        item,
        audience: audience.node.clone(),
        decided_at: now,
        codes_version: rules.codes.version().to_owned(),
    })
}

/// The walk from an item to everything that it rests on.
struct Walk<'a> {
    audience: &'a Audience,
    rules: &'a Rules,
    standing: &'a Standing<'a>,
    steps: Vec<Step>,
    /// What was already judged, so that a diamond costs one judgement.
    seen: BTreeMap<EntryId, Banner>,
}

/// One link from a holder to its evidence.
struct Step {
    /// The step that led to the holder; `None` for the item.
    from: Option<usize>,
    /// Which of the holder's evidence.
    index: usize,
    id: EntryId,
    /// What the holder is marked with.
    holder: Banner,
}

/// What evidence must not lose on the way up.
#[derive(Clone)]
struct Banner {
    level: Level,
    caveats: BTreeSet<Caveat>,
}

impl Banner {
    fn of(label: &Label) -> Self {
        Self { level: label.level, caveats: label.caveats.clone() }
    }
}

impl Walk<'_> {
    fn check(mut self, item: &Label, evidence: &[EntryId]) -> Result<(), Withheld> {
        let mut open = Vec::new();
        self.open(&mut open, None, &Banner::of(item), evidence)?;
        while let Some(step) = open.pop() {
            self.step(&mut open, step)?;
        }
        Ok(())
    }

    /// Puts a holder's evidence on the stack, its first on top.
    fn open(
        &mut self,
        open: &mut Vec<usize>,
        from: Option<usize>,
        holder: &Banner,
        evidence: &[EntryId],
    ) -> Result<(), Withheld> {
        if self.steps.len().saturating_add(evidence.len()) > MAX_EVIDENCE {
            let path = from.map_or_else(|| "evidence".to_owned(), |step| self.path(step) + ".evidence");
            return Err(Withheld { rule: Rule::EvidenceTooMany, path, cause: None });
        }
        let first = self.steps.len();
        self.steps.extend(evidence.iter().enumerate().map(|(index, id)| Step {
            from,
            index,
            id: *id,
            holder: holder.clone(),
        }));
        open.extend((first..self.steps.len()).rev());
        Ok(())
    }

    fn step(&mut self, open: &mut Vec<usize>, at: usize) -> Result<(), Withheld> {
        let id = self.steps[at].id;
        if let Some(banner) = self.seen.get(&id) {
            return self.compare(at, banner);
        }
        let refuse = |walk: &Self, rule, cause| Withheld { rule, path: walk.path(at), cause };
        let (marking, evidence) = match (self.standing.evidence)(&id) {
            Evidence::Unknown => return Err(refuse(self, Rule::EvidenceUnknown, None)),
            Evidence::Recalled => return Err(refuse(self, Rule::EvidenceRecalled, None)),
            Evidence::Held { marking, evidence } => (marking, evidence),
        };
        let marking =
            marking.ok_or_else(|| refuse(self, Rule::EvidenceWithheld, Some(Rule::MarkingMissing)))?;
        let label = Label::parse(&marking, &self.rules.codes)
            .map_err(|e| refuse(self, Rule::EvidenceWithheld, Some(e.rule())))?;
        judge(&label, Part::Evidence, self.audience, &self.rules.own)
            .map_err(|(rule, _)| refuse(self, Rule::EvidenceWithheld, Some(rule)))?;
        let banner = Banner::of(&label);
        self.compare(at, &banner)?;
        if label.originators.contains(&self.rules.own) {
            self.open(open, Some(at), &banner, &evidence)?;
        }
        self.seen.insert(id, banner);
        Ok(())
    }

    /// Holds evidence against what rests on it.
    fn compare(&self, at: usize, evidence: &Banner) -> Result<(), Withheld> {
        let step = &self.steps[at];
        let refuse = |rule| Err(Withheld { rule, path: self.path(at), cause: None });
        if evidence.level > step.holder.level {
            return refuse(Rule::EvidenceLevel);
        }
        if !evidence.caveats.is_subset(&step.holder.caveats) {
            return refuse(Rule::EvidenceCaveat);
        }
        Ok(())
    }

    /// `evidence[0].evidence[2]`
    fn path(&self, at: usize) -> String {
        let mut parts = Vec::new();
        let mut next = Some(at);
        while let Some(index) = next {
            let step = &self.steps[index];
            parts.push(format!("evidence[{}]", step.index));
            next = step.from;
        }
        parts.reverse();
        parts.join(".")
    }
}
