//! STIX patterning (STIX 2.1 section 9; STIX 2.0 part 5): parsed, printed, checked and evaluated.

mod ast;
mod bind;
mod check;
mod decode;
mod equal;
mod error;
mod flow;
mod lex;
mod like;
mod limits;
mod net;
mod operand;
mod parse;
mod plan;
mod read;
mod regexp;
mod select;
mod set;
mod table;
mod time;

use std::collections::BTreeSet;
use std::fmt;

use base::Fault;

use crate::SpecVersion;

pub(crate) use equal::Equalities;
pub use error::{MatchError, PatternFault, Span, ValueFault};
pub use limits::{PatternLimits, Unreadable};
pub use parse::{MAX_PATTERN_BYTES, MAX_PATTERN_NESTING};
pub use read::{MAX_OBSERVED_BYTES, ReadObservations};
pub use set::{PatternSet, SetMatches};
pub use table::{ObservationIndex, Observations};

use bind::Unbound;
use limits::Steps;
use plan::Plan;
use select::Work;

/// A pattern that reads well. Its `Display` is its one spelling: reading that gives an equal pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    version: SpecVersion,
    root: ast::Observation,
}

impl Pattern {
    /// Reads a pattern by the grammar of `version`.
    ///
    /// # Errors
    /// The first thing that the grammar does not allow, with what was expected and found, and its bytes. Too long
    /// ([`MAX_PATTERN_BYTES`]) or too deep ([`MAX_PATTERN_NESTING`]).
    pub fn parse(text: &str, version: SpecVersion) -> Result<Self, PatternFault> {
        parse::parse(text, version).map(|root| Self { version, root })
    }

    /// What the standard asks beyond the grammar: hashes have the length of their algorithm, and in version 2.1 an
    /// observation expression has a qualifier of each kind only once. A pattern with such a fault can be evaluated
    /// all the same.
    pub fn check(&self) -> Vec<Fault> {
        check::check(&self.root, self.version)
    }

    /// The type and the first property of every path that it compares.
    pub(crate) fn compared(&self) -> BTreeSet<(String, String)> {
        let mut paths = BTreeSet::new();
        self.root.each_path(&mut |path| {
            let first = path.steps.iter().find_map(|step| match step {
                ast::Step::Key(key) => Some(key.to_string()),
                ast::Step::Index(_) | ast::Step::Any => None,
            });
            paths.extend(first.map(|first| (path.object_type.to_string(), first)));
        });
        paths
    }

    /// Its equalities when it has nothing else.
    pub(crate) fn equalities(&self) -> Option<Equalities> {
        equal::equalities(&self.root)
    }

    /// The version by which it was read.
    pub const fn version(&self) -> SpecVersion {
        self.version
    }

    /// Makes it ready once and evaluates it; see [`PatternMatcher::matches`].
    ///
    /// # Errors
    /// As [`PatternMatcher::new`] and [`PatternMatcher::matches`].
    pub fn matches(
        &self,
        observations: &Observations,
        limits: &PatternLimits,
    ) -> Result<Option<PatternMatch>, MatchError> {
        PatternMatcher::new(self)?.matches(observations, limits)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)
    }
}

/// A pattern made ready to be evaluated many times.
#[derive(Debug, Clone)]
pub struct PatternMatcher {
    plan: Plan,
    version: SpecVersion,
}

impl PatternMatcher {
    /// Compiles regular expressions, networks, times and sets of constants.
    ///
    /// # Errors
    /// What reads well but means nothing: a regular expression that is not valid or has no linear-time form, a day
    /// that no month has, a network that is none, a set of several types, `REPEATS 0 TIMES`, `WITHIN 0 SECONDS`.
    pub fn new(pattern: &Pattern) -> Result<Self, PatternFault> {
        Ok(Self { plan: Plan::new(&pattern.root)?, version: pattern.version })
    }

    /// Whether the pattern matches, and by which observations: the binding of one match.
    ///
    /// Every comparison is evaluated on every object of its type (STIX 2.1 section 9.5); comparisons joined by AND
    /// must be true of one object. Each observation expression is bound to observations of its own, of which each
    /// is there `number_observed` times.
    ///
    /// # Errors
    /// The limit of steps; and, if `limits` says so, a value that cannot be compared.
    pub fn matches(
        &self,
        observations: &Observations,
        limits: &PatternLimits,
    ) -> Result<Option<PatternMatch>, MatchError> {
        let is_2_1 = self.version == SpecVersion::V2_1;
        let mut work = Work { table: observations, limits, steps: Steps::new(limits.max_steps), is_2_1 };
        let mut candidates = Vec::with_capacity(self.plan.tests.len());
        for (test, _) in &self.plan.tests {
            let instances = test.select(&mut work)?;
            let of = &observations.instances.observations;
            let mut list: Vec<u32> = instances.into_iter().map(|instance| of[instance as usize]).collect();
            list.dedup();
            candidates.push(list);
        }
        let bound = bind::bind(&self.plan.arrangement, candidates, &observations.observed, &mut work.steps);
        let bound = bound.map_err(|why| match why {
            Unbound::OutOfSteps => MatchError::LimitReached(limits.max_steps),
            Unbound::TooManyChoices => MatchError::TooManyChoices,
        })?;
        Ok(bound.map(|lists| {
            let bindings = self.plan.tests.iter().zip(lists).filter(|(_, list)| !list.is_empty());
            let bindings = bindings.map(|((_, span), list)| Binding {
                expression: *span,
                observations: list.into_iter().map(ObservationIndex).collect(),
            });
            PatternMatch { bindings: bindings.collect() }
        }))
    }
}

/// A match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternMatch {
    /// What each observation expression is bound to, in the order of the text. One without observations, in a
    /// branch of OR that was not needed, is not here.
    pub bindings: Vec<Binding>,
}

impl PatternMatch {
    /// All observations of the match, each once, ascending.
    pub fn observations(&self) -> Vec<ObservationIndex> {
        let mut all: Vec<_> =
            self.bindings.iter().flat_map(|binding| binding.observations.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// What one observation expression is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The `[..]` in the pattern's text.
    pub expression: Span,
    /// Its observations, ascending.
    pub observations: Vec<ObservationIndex>,
}
