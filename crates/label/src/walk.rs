//! The walk from an item to everything that it rests on.

use std::collections::{BTreeMap, BTreeSet};

use base::{EntryId, Timestamp};

use crate::judge::{Part, judge};
use crate::{
    Audience, Caveat, Evidence, Label, Level, MAX_EVIDENCE, Pap, Rule, Rules, Standing, Tlp, Withheld,
};

pub(crate) struct Walk<'a> {
    audience: &'a Audience,
    rules: &'a Rules,
    standing: &'a Standing<'a>,
    now: Timestamp,
    steps: Vec<Step>,
    /// What the holders of evidence are marked with; the item's first.
    banners: Vec<Banner>,
    /// What was already judged, with its banner, so that a diamond costs one judgement.
    seen: BTreeMap<EntryId, usize>,
}

/// One link from a holder to what it rests on.
struct Step {
    /// The step that led to the holder; `None` for the item.
    from: Option<usize>,
    /// In which list of the holder it stands.
    list: &'static str,
    /// Which of that list.
    index: usize,
    id: EntryId,
    /// Which banner is the holder's.
    holder: usize,
}

/// The holder's own list of evidence, and that of its marking.
const EVIDENCE: &str = "evidence";
const DERIVED_FROM: &str = "marking.derived_from";

/// What evidence must not lose on the way up.
struct Banner {
    level: Level,
    caveats: BTreeSet<Caveat>,
    categories: BTreeSet<String>,
    tlp: Option<Tlp>,
    pap: Option<Pap>,
    expires: Option<Timestamp>,
}

impl Banner {
    fn of(label: &Label) -> Self {
        Self {
            level: label.level,
            caveats: label.caveats.clone(),
            categories: label.categories.clone(),
            tlp: label.tlp,
            pap: label.pap,
            expires: label.expires,
        }
    }

    /// The first restriction of `evidence` that is lost here.
    fn lost(&self, evidence: &Self) -> Option<Rule> {
        let later = |end: Timestamp| self.expires.is_none_or(|ours| ours > end);
        let losses = [
            (evidence.level > self.level, Rule::EvidenceLevel),
            (!evidence.caveats.is_subset(&self.caveats), Rule::EvidenceCaveat),
            (!evidence.categories.is_subset(&self.categories), Rule::EvidenceCategory),
            (evidence.tlp > self.tlp, Rule::EvidenceTlp),
            (evidence.pap > self.pap, Rule::EvidencePap),
            (evidence.expires.is_some_and(later), Rule::EvidenceValidity),
        ];
        losses.into_iter().find(|(lost, _)| *lost).map(|(_, rule)| rule)
    }
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        audience: &'a Audience,
        rules: &'a Rules,
        standing: &'a Standing<'a>,
        now: Timestamp,
    ) -> Self {
        Self { audience, rules, standing, now, steps: Vec::new(), banners: Vec::new(), seen: BTreeMap::new() }
    }

    pub(crate) fn check(mut self, item: &Label, evidence: &[EntryId]) -> Result<(), Withheld> {
        if evidence.is_empty() && item.derived_from.is_empty() {
            return Ok(());
        }
        let mut open = Vec::new();
        self.banners.push(Banner::of(item));
        self.open(&mut open, None, 0, item, evidence)?;
        while let Some(step) = open.pop() {
            self.step(&mut open, step)?;
        }
        Ok(())
    }

    /// Puts what a holder rests on on the stack, its first on top.
    fn open(
        &mut self,
        open: &mut Vec<usize>,
        from: Option<usize>,
        holder: usize,
        label: &Label,
        evidence: &[EntryId],
    ) -> Result<(), Withheld> {
        let derived = &label.derived_from;
        if self.steps.len().saturating_add(evidence.len()).saturating_add(derived.len()) > MAX_EVIDENCE {
            let path = from.map_or_else(|| "evidence".to_owned(), |step| self.path(step) + ".evidence");
            return Err(Withheld { rule: Rule::EvidenceTooMany, path, cause: None });
        }
        let first = self.steps.len();
        let evidence = evidence.iter().enumerate().map(|(index, id)| (EVIDENCE, index, id));
        let derived = derived.iter().enumerate().map(|(index, id)| (DERIVED_FROM, index, id));
        self.steps.extend(evidence.chain(derived).map(|(list, index, id)| Step {
            from,
            list,
            index,
            id: *id,
            holder,
        }));
        open.extend((first..self.steps.len()).rev());
        Ok(())
    }

    fn step(&mut self, open: &mut Vec<usize>, at: usize) -> Result<(), Withheld> {
        let id = self.steps[at].id;
        if let Some(banner) = self.seen.get(&id) {
            return self.compare(at, *banner);
        }
        let refuse = |walk: &Self, rule, cause| Withheld { rule, path: walk.path(at), cause };
        let (marking, evidence, facts) = match (self.standing.evidence)(&id) {
            Evidence::Unknown => return Err(refuse(self, Rule::EvidenceUnknown, None)),
            Evidence::Recalled => return Err(refuse(self, Rule::EvidenceRecalled, None)),
            Evidence::Held { marking, evidence, facts } => (marking, evidence, facts),
        };
        let marking =
            marking.ok_or_else(|| refuse(self, Rule::EvidenceWithheld, Some(Rule::MarkingMissing)))?;
        let label =
            self.rules.label(&marking).map_err(|e| refuse(self, Rule::EvidenceWithheld, Some(e.rule())))?;
        judge(&label, Part::Evidence, self.audience, self.rules, self.now)
            .map_err(|(rule, _)| refuse(self, Rule::EvidenceWithheld, Some(rule)))?;
        let banner = self.banners.len();
        self.banners.push(Banner::of(&label));
        self.compare(at, banner)?;
        self.seen.insert(id, banner);
        if label.originators.contains(&self.rules.own) {
            self.rules
                .national
                .check(self.audience, &label, facts.as_ref(), self.now)
                .map_err(|(rule, _)| refuse(self, Rule::EvidenceWithheld, Some(rule)))?;
            self.open(open, Some(at), banner, &label, &evidence)?;
        }
        Ok(())
    }

    /// Holds evidence against what rests on it.
    fn compare(&self, at: usize, evidence: usize) -> Result<(), Withheld> {
        match self.banners[self.steps[at].holder].lost(&self.banners[evidence]) {
            Some(rule) => Err(Withheld { rule, path: self.path(at), cause: None }),
            None => Ok(()),
        }
    }

    /// `evidence[0].evidence[2]`
    fn path(&self, at: usize) -> String {
        let mut parts = Vec::new();
        let mut next = Some(at);
        while let Some(index) = next {
            let step = &self.steps[index];
            parts.push(format!("{}[{}]", step.list, step.index));
            next = step.from;
        }
        parts.reverse();
        parts.join(".")
    }
}
