//! Which observations satisfy a pattern: each `[..]` bound to observations of its own.
//!
//! Qualifiers and FOLLOWEDBY only ever ask that every observation of some tests begins no later than one instant and
//! ends no earlier than another. So once these instants, and the branches of OR, are chosen, what remains is a flow
//! from tests to observations: each test needs some number, each observation gives `number_observed`. The choices are
//! tried in order of time, each held against the flow that it leaves. One WITHIN or FOLLOWEDBY costs polynomial time;
//! patterns that nest many of them can ask for the packing of sets, which is NP-hard, and end at the limit of steps.

use super::flow::{Demand, assign, is_feasible};
use super::limits::Steps;
use super::plan::Arrangement;
use super::table::Observed;
use super::time::Micros;

/// Choices that may stand upon one another.
const MAX_CHOICES: usize = 512;

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unbound {
    OutOfSteps,
    /// More than [`MAX_CHOICES`].
    TooManyChoices,
}

/// For each test of the pattern the observations that it is bound to, ascending; `None` where there is no binding.
/// `candidates` are, for each test, the observations for which it is true, ascending.
pub(super) fn bind(
    arrangement: &Arrangement,
    candidates: Vec<Vec<u32>>,
    observed: &[Observed],
    steps: &mut Steps,
) -> Result<Option<Vec<Vec<u32>>>, Unbound> {
    let mut bound = vec![Vec::new(); candidates.len()];
    // The usual pattern: one test, once.
    if let Arrangement::Test(test) = arrangement {
        let Some(first) = candidates[*test].first() else { return Ok(None) };
        bound[*test].push(*first);
        return Ok(Some(bound));
    }
    let tests: Vec<Candidates> = candidates.into_iter().map(|list| Candidates::new(list, observed)).collect();
    let mut search = Search { observed, tests: &tests, most: most(arrangement), leaves: Vec::new(), steps };
    let start = Agenda { item: Item::Part(arrangement), window: Window::ALWAYS, rest: None };
    let Some(found) = search.solve(Some(&start), 0)? else { return Ok(None) };
    for (test, observations) in found {
        bound[test].extend(observations);
    }
    for list in &mut bound {
        list.sort_unstable();
        list.dedup();
    }
    Ok(Some(bound))
}

/// The observations of a test, by their beginning and by their end.
struct Candidates {
    by_first: Vec<u32>,
    /// Of each prefix of `by_first` the latest end.
    latest_end: Vec<Micros>,
    by_last: Vec<u32>,
}

impl Candidates {
    fn new(list: Vec<u32>, observed: &[Observed]) -> Self {
        let (mut by_first, mut by_last) = (list.clone(), list);
        by_first.sort_by_key(|index| observed[*index as usize].first);
        by_last.sort_by_key(|index| observed[*index as usize].last);
        let mut latest = Micros::MIN;
        let latest_end = by_first.iter().map(|index| {
            latest = latest.max(observed[*index as usize].last);
            latest
        });
        Self { latest_end: latest_end.collect(), by_first, by_last }
    }
}

/// Observations that begin no later than `begin_by` and end no earlier than `end_from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    begin_by: Micros,
    end_from: Micros,
}

impl Window {
    const ALWAYS: Self = Self { begin_by: Micros::MAX, end_from: Micros::MIN };

    fn and(self, begin_by: Micros, end_from: Micros) -> Self {
        Self { begin_by: self.begin_by.min(begin_by), end_from: self.end_from.max(end_from) }
    }

    const fn has(&self, observed: &Observed) -> bool {
        observed.first <= self.begin_by && observed.last >= self.end_from
    }
}

/// A test that needs some number of observations in a window.
#[derive(Debug, Clone, Copy)]
struct Leaf {
    test: usize,
    demand: u64,
    window: Window,
}

/// What is still to be satisfied: a list that branches of the search share.
#[derive(Clone, Copy)]
struct Agenda<'a> {
    item: Item<'a>,
    window: Window,
    rest: Option<&'a Agenda<'a>>,
}

#[derive(Clone, Copy)]
enum Item<'a> {
    Part(&'a Arrangement),
    /// Each after those that stand before it.
    Followed(&'a [Arrangement]),
    /// So many times. Copies are alike, so that what is chosen for them may be taken to ascend from `least`.
    Copies {
        part: &'a Arrangement,
        times: u64,
        least: i64,
    },
}

/// Whether nothing has to be chosen in a part.
fn is_plain(part: &Arrangement) -> bool {
    match part {
        Arrangement::Test(_) => true,
        Arrangement::And(parts) => parts.iter().all(is_plain),
        Arrangement::Repeats(inner, _) | Arrangement::Between(inner, ..) => is_plain(inner),
        Arrangement::Within(inner, _) => is_single(inner),
        Arrangement::Or(_) | Arrangement::FollowedBy(_) => false,
    }
}

/// Whether a part asks for one observation: that is within any duration of itself.
fn is_single(part: &Arrangement) -> bool {
    match part {
        Arrangement::Test(_) => true,
        Arrangement::Within(inner, _) | Arrangement::Between(inner, ..) => is_single(inner),
        _ => false,
    }
}

/// No binding of a part has more observations than this.
fn most(part: &Arrangement) -> u64 {
    match part {
        Arrangement::Test(_) => 1,
        Arrangement::And(parts) | Arrangement::Or(parts) | Arrangement::FollowedBy(parts) => {
            parts.iter().map(most).fold(0, u64::saturating_add)
        }
        Arrangement::Repeats(inner, times) => most(inner).saturating_mul(*times),
        Arrangement::Between(inner, ..) | Arrangement::Within(inner, _) => most(inner),
    }
}

/// The tests that `part` needs whatever is chosen, `times` over, into `leaves`. Under OR there is none.
fn needed(part: &Arrangement, times: u64, window: Window, leaves: &mut Vec<Leaf>) {
    match part {
        Arrangement::Test(test) => leaves.push(Leaf { test: *test, demand: times, window }),
        Arrangement::And(parts) | Arrangement::FollowedBy(parts) => {
            parts.iter().for_each(|part| needed(part, times, window, leaves));
        }
        Arrangement::Repeats(inner, more) => needed(inner, times.saturating_mul(*more), window, leaves),
        Arrangement::Within(inner, _) => needed(inner, times, window, leaves),
        Arrangement::Between(inner, start, stop) => {
            needed(inner, times, between(window, *start, *stop), leaves);
        }
        Arrangement::Or(_) => (),
    }
}

/// From `start` to before `stop`.
fn between(window: Window, start: Micros, stop: Micros) -> Window {
    // An empty interval has nothing.
    let begin_by = if start < stop { stop.saturating_sub(1) } else { Micros::MIN };
    window.and(begin_by, start)
}

impl Agenda<'_> {
    fn needed(&self, leaves: &mut Vec<Leaf>) {
        match self.item {
            Item::Part(part) => needed(part, 1, self.window, leaves),
            Item::Followed(parts) => parts.iter().for_each(|part| needed(part, 1, self.window, leaves)),
            Item::Copies { part, times, least } => {
                let window = match part {
                    Arrangement::Within(..) => self.window.and(Micros::MAX, least),
                    _ => self.window,
                };
                needed(part, times, window, leaves);
            }
        }
    }
}

/// The tests of a binding, each with its observations.
type Assigned = Vec<(usize, Vec<u32>)>;

struct Search<'a> {
    observed: &'a [Observed],
    tests: &'a [Candidates],
    /// No binding has more observations than this, so that a test which has as many to choose from is never short.
    most: u64,
    /// What is settled.
    leaves: Vec<Leaf>,
    steps: &'a mut Steps,
}

impl Search<'_> {
    /// A binding of what is settled together with the agenda, after `depth` choices.
    fn solve(&mut self, mut agenda: Option<&Agenda<'_>>, depth: usize) -> Result<Option<Assigned>, Unbound> {
        let settled = self.leaves.len();
        if !self.may_be(agenda)? {
            return Ok(None);
        }
        let found = loop {
            let Some(&Agenda { item, window, rest }) = agenda else { break self.assigned()? };
            if let Item::Part(part) = item
                && is_plain(part)
            {
                needed(part, 1, window, &mut self.leaves);
                agenda = rest;
            } else if depth == MAX_CHOICES {
                return Err(Unbound::TooManyChoices);
            } else {
                break self.choose(item, window, rest, depth + 1)?;
            }
        };
        self.leaves.truncate(settled);
        Ok(found)
    }

    fn choose(
        &mut self,
        item: Item<'_>,
        window: Window,
        rest: Option<&Agenda<'_>>,
        depth: usize,
    ) -> Result<Option<Assigned>, Unbound> {
        match item {
            Item::Part(Arrangement::Or(parts)) => self.choose_branch(parts, 0, window, None, rest, depth),
            Item::Part(Arrangement::FollowedBy(parts)) => {
                self.choose_order(parts, Micros::MIN, window, None, rest, depth)
            }
            Item::Followed(parts) => self.choose_order(parts, Micros::MIN, window, None, rest, depth),
            Item::Part(Arrangement::Within(inner, duration)) => {
                self.choose_span(inner, *duration, Micros::MIN, window, None, rest, depth)
            }
            Item::Part(Arrangement::And(parts)) => self.choose_all(parts, window, rest, depth),
            Item::Part(Arrangement::Between(inner, start, stop)) => {
                let window = between(window, *start, *stop);
                self.solve(Some(&Agenda { item: Item::Part(inner), window, rest }), depth)
            }
            Item::Part(Arrangement::Repeats(inner, times)) => {
                let item = Item::Copies { part: inner, times: *times, least: i64::MIN };
                self.solve(Some(&Agenda { item, window, rest }), depth)
            }
            Item::Part(test @ Arrangement::Test(_)) => {
                self.solve(Some(&Agenda { item: Item::Part(test), window, rest }), depth)
            }
            Item::Copies { part, times, least } => self.choose_copy(part, times, least, window, rest, depth),
        }
    }

    /// AND: its parts one after the other.
    fn choose_all(
        &mut self,
        parts: &[Arrangement],
        window: Window,
        rest: Option<&Agenda<'_>>,
        depth: usize,
    ) -> Result<Option<Assigned>, Unbound> {
        // What needs no choice first: it narrows the rest.
        let settled = self.leaves.len();
        let mut open = Vec::new();
        for part in parts {
            if is_plain(part) {
                needed(part, 1, window, &mut self.leaves);
            } else {
                open.push(part);
            }
        }
        let found = self.choose_each(&open, window, rest, depth);
        self.leaves.truncate(settled);
        found
    }

    fn choose_each(
        &mut self,
        parts: &[&Arrangement],
        window: Window,
        rest: Option<&Agenda<'_>>,
        depth: usize,
    ) -> Result<Option<Assigned>, Unbound> {
        let Some((last, before)) = parts.split_last() else { return self.solve(rest, depth) };
        if depth + before.len() > MAX_CHOICES {
            return Err(Unbound::TooManyChoices);
        }
        let agenda = Agenda { item: Item::Part(last), window, rest };
        if before.is_empty() {
            self.solve(Some(&agenda), depth)
        } else {
            self.choose_each(before, window, Some(&agenda), depth)
        }
    }

    /// The first of several copies.
    fn choose_copy(
        &mut self,
        part: &Arrangement,
        times: u64,
        least: i64,
        window: Window,
        rest: Option<&Agenda<'_>>,
        depth: usize,
    ) -> Result<Option<Assigned>, Unbound> {
        if times == 0 {
            return self.solve(rest, depth);
        }
        let more = Some((part, times - 1));
        match part {
            Arrangement::Or(parts) => self.choose_branch(parts, least, window, more, rest, depth),
            Arrangement::FollowedBy(parts) => self.choose_order(parts, least, window, more, rest, depth),
            Arrangement::Within(inner, duration) => {
                self.choose_span(inner, *duration, least, window, more, rest, depth)
            }
            Arrangement::Between(inner, start, stop) => {
                let window = between(window, *start, *stop);
                let item = Item::Copies { part: inner, times, least };
                self.solve(Some(&Agenda { item, window, rest }), depth)
            }
            Arrangement::Repeats(inner, inner_times) => {
                let item = Item::Copies { part: inner, times: times.saturating_mul(*inner_times), least };
                self.solve(Some(&Agenda { item, window, rest }), depth)
            }
            other => {
                let item = Item::Copies { part: other, times: times - 1, least };
                let after = Agenda { item, window, rest };
                self.solve(Some(&Agenda { item: Item::Part(other), window, rest: Some(&after) }), depth)
            }
        }
    }

    /// OR: one branch after the other.
    fn choose_branch(
        &mut self,
        parts: &[Arrangement],
        least: i64,
        window: Window,
        more: Option<(&Arrangement, u64)>,
        rest: Option<&Agenda<'_>>,
        depth: usize,
    ) -> Result<Option<Assigned>, Unbound> {
        for (part, number) in parts.iter().zip(0..) {
            if number < least {
                continue;
            }
            let copies = copies(more, number, window, rest);
            let agenda = Agenda { item: Item::Part(part), window, rest: copies.as_ref().or(rest) };
            if let Some(found) = self.solve(Some(&agenda), depth)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// FOLLOWEDBY: the instant by which all but the last part begin, and from which the last ends.
    fn choose_order(
        &mut self,
        parts: &[Arrangement],
        least: Micros,
        window: Window,
        more: Option<(&Arrangement, u64)>,
        rest: Option<&Agenda<'_>>,
        depth: usize,
    ) -> Result<Option<Assigned>, Unbound> {
        let Some((last, before)) = parts.split_last() else { return self.solve(rest, depth) };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        before.iter().for_each(|part| needed(part, 1, window, &mut left));
        needed(last, 1, window, &mut right);
        let from = self.begin_by(&left, |leaf| leaf.demand)?.map(|from| from.max(least));
        let mut until = self.end_from(&right)?;
        let most = self.most;
        if before.iter().all(is_plain)
            && let Some(never_short) = self.begin_by(&left, |_| most)?
        {
            // From here on a later instant gives the left nothing that it needs, and takes from the right.
            until = until.map(|until| until.min(never_short.max(least)));
        }
        let (Some(from), Some(until)) = (from, until) else { return Ok(None) };
        for instant in self.instants(before, window, from, until, true)? {
            let copies = copies(more, instant, window, rest);
            let rest = copies.as_ref().or(rest);
            let last = Agenda { item: Item::Part(last), window: window.and(Micros::MAX, instant), rest };
            let item = match before {
                [single] => Item::Part(single),
                several => Item::Followed(several),
            };
            let agenda = Agenda { item, window: window.and(instant, Micros::MIN), rest: Some(&last) };
            if let Some(found) = self.solve(Some(&agenda), depth)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// WITHIN: the instant at which the first observation ends.
    #[expect(clippy::too_many_arguments, reason = "the part, and where the search stands")]
    fn choose_span(
        &mut self,
        inner: &Arrangement,
        duration: Micros,
        least: Micros,
        window: Window,
        more: Option<(&Arrangement, u64)>,
        rest: Option<&Agenda<'_>>,
        depth: usize,
    ) -> Result<Option<Assigned>, Unbound> {
        let mut leaves = Vec::new();
        needed(inner, 1, window, &mut leaves);
        let Some(until) = self.end_from(&leaves)? else { return Ok(None) };
        for instant in self.instants(std::slice::from_ref(inner), window, least, until, false)? {
            let copies = copies(more, instant, window, rest);
            let window = window.and(instant.saturating_add(duration), instant);
            let agenda = Agenda { item: Item::Part(inner), window, rest: copies.as_ref().or(rest) };
            if let Some(found) = self.solve(Some(&agenda), depth)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The instants from `from` to `until` at which a candidate of one of `parts` begins, or ends.
    fn instants(
        &mut self,
        parts: &[Arrangement],
        window: Window,
        from: Micros,
        until: Micros,
        begins: bool,
    ) -> Result<Vec<Micros>, Unbound> {
        let mut tests = Vec::new();
        parts.iter().for_each(|part| tests_of(part, &mut tests));
        tests.sort_unstable();
        tests.dedup();
        let mut instants = Vec::new();
        for test in tests {
            let candidates = &self.tests[test];
            let list = if begins { &candidates.by_first } else { &candidates.by_last };
            let instant = |index: &u32| {
                let observed = &self.observed[*index as usize];
                if begins { observed.first } else { observed.last }
            };
            let start = list.partition_point(|index| instant(index) < from);
            let end = list.partition_point(|index| instant(index) <= until);
            let list = &list[start..end.max(start)];
            self.steps.take(list.len() as u64).ok_or(Unbound::OutOfSteps)?;
            let inside = list.iter().filter(|index| window.has(&self.observed[**index as usize]));
            instants.extend(inside.map(instant));
        }
        instants.sort_unstable();
        instants.dedup();
        Ok(instants)
    }

    /// The earliest instant by which each of `leaves` has observations that begin, as many as `enough` says; `None`
    /// where one never has.
    fn begin_by(
        &mut self,
        leaves: &[Leaf],
        enough: impl Fn(&Leaf) -> u64,
    ) -> Result<Option<Micros>, Unbound> {
        let mut latest = Micros::MIN;
        for leaf in leaves {
            let list = self.tests[leaf.test].by_first.iter();
            match self.reached(leaf, list, enough(leaf))? {
                Some(observed) => latest = latest.max(self.observed[observed as usize].first),
                None => return Ok(None),
            }
        }
        Ok(Some(latest))
    }

    /// The latest instant from which each of `leaves` has observations that end, as many as it needs.
    fn end_from(&mut self, leaves: &[Leaf]) -> Result<Option<Micros>, Unbound> {
        let mut earliest = Micros::MAX;
        for leaf in leaves {
            let list = self.tests[leaf.test].by_last.iter().rev();
            match self.reached(leaf, list, leaf.demand)? {
                Some(observed) => earliest = earliest.min(self.observed[observed as usize].last),
                None => return Ok(None),
            }
        }
        Ok(Some(earliest))
    }

    /// The observation in `list` with which a leaf has `enough`.
    fn reached<'l>(
        &mut self,
        leaf: &Leaf,
        list: impl Iterator<Item = &'l u32>,
        enough: u64,
    ) -> Result<Option<u32>, Unbound> {
        let mut count = 0_u64;
        for index in list {
            self.steps.take(1).ok_or(Unbound::OutOfSteps)?;
            let observed = &self.observed[*index as usize];
            if leaf.window.has(observed) {
                count = count.saturating_add(observed.count);
                if count >= enough {
                    return Ok(Some(*index));
                }
            }
        }
        Ok(None)
    }

    /// Whether what is settled, and what the agenda needs whatever is chosen, has observations for all.
    fn may_be(&mut self, agenda: Option<&Agenda<'_>>) -> Result<bool, Unbound> {
        let mut leaves = self.leaves.clone();
        let mut next = agenda;
        while let Some(agenda) = next {
            agenda.needed(&mut leaves);
            next = agenda.rest;
        }
        let Some(demands) = self.demands(&leaves)? else { return Ok(false) };
        is_feasible(demands, self.observed, self.most, self.steps).ok_or(Unbound::OutOfSteps)
    }

    /// A binding of what is settled.
    fn assigned(&mut self) -> Result<Option<Assigned>, Unbound> {
        let leaves = std::mem::take(&mut self.leaves);
        let demands = self.demands(&leaves)?;
        let found = match demands {
            Some(demands) => {
                assign(demands, self.observed, self.most, self.steps).ok_or(Unbound::OutOfSteps)?
            }
            None => None,
        };
        let found = found.map(|lists| leaves.iter().map(|leaf| leaf.test).zip(lists).collect());
        self.leaves = leaves;
        Ok(found)
    }

    /// The observations that each leaf can have, no more than can ever be needed; `None` where one has too few.
    fn demands(&mut self, leaves: &[Leaf]) -> Result<Option<Vec<Demand>>, Unbound> {
        let mut demands = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let mut demand = Demand { count: leaf.demand, candidates: Vec::new(), capacity: 0 };
            let candidates = &self.tests[leaf.test];
            let end = candidates
                .by_first
                .partition_point(|index| self.observed[*index as usize].first <= leaf.window.begin_by);
            let mut visit = |at: usize| {
                self.steps.take(1).ok_or(Unbound::OutOfSteps)?;
                let index = candidates.by_first[at];
                let observed = &self.observed[index as usize];
                if leaf.window.has(observed) {
                    demand.candidates.push(index);
                    demand.capacity = demand.capacity.saturating_add(observed.count);
                }
                Ok(demand.capacity < self.most)
            };
            if leaf.window.end_from == Micros::MIN {
                for at in 0..end {
                    if !visit(at)? {
                        break;
                    }
                }
            } else {
                // From the latest: the earlier ones have mostly ended too early.
                for at in (0..end).rev() {
                    if candidates.latest_end[at] < leaf.window.end_from || !visit(at)? {
                        break;
                    }
                }
            }
            if demand.capacity < demand.count {
                return Ok(None);
            }
            demands.push(demand);
        }
        Ok(Some(demands))
    }
}

/// The copies that are left, from `least` on.
fn copies<'a>(
    more: Option<(&'a Arrangement, u64)>,
    least: i64,
    window: Window,
    rest: Option<&'a Agenda<'a>>,
) -> Option<Agenda<'a>> {
    let (part, times) = more.filter(|(_, times)| *times > 0)?;
    Some(Agenda { item: Item::Copies { part, times, least }, window, rest })
}

fn tests_of(part: &Arrangement, tests: &mut Vec<usize>) {
    match part {
        Arrangement::Test(test) => tests.push(*test),
        Arrangement::And(parts) | Arrangement::Or(parts) | Arrangement::FollowedBy(parts) => {
            parts.iter().for_each(|part| tests_of(part, tests));
        }
        Arrangement::Within(inner, _) | Arrangement::Repeats(inner, _) | Arrangement::Between(inner, ..) => {
            tests_of(inner, tests);
        }
    }
}
