//! A pattern made ready: tests on objects, and how observations must stand to one another.

use super::ast::{Comparison, Observation, Qualifier, Seconds, Test};
use super::error::{PatternFault, Span};
use super::operand::instant;
use super::select::Expression;
use super::time::{MICROS_PER_SECOND, Micros};

/// How observations must stand to one another. Numbers are those of [`Plan::tests`].
#[derive(Debug, Clone)]
pub(super) enum Arrangement {
    Test(usize),
    And(Vec<Arrangement>),
    Or(Vec<Arrangement>),
    FollowedBy(Vec<Arrangement>),
    Within(Box<Arrangement>, Micros),
    Repeats(Box<Arrangement>, u64),
    /// From the first instant (inclusive) to the second (exclusive).
    Between(Box<Arrangement>, Micros, Micros),
}

#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) arrangement: Arrangement,
    /// Each `[..]` with its place in the text.
    pub(super) tests: Vec<(Expression, Span)>,
}

impl Plan {
    pub(super) fn new(pattern: &Observation) -> Result<Self, PatternFault> {
        let mut tests = Tests { all: Vec::new(), expressions: expressions(pattern) };
        let arrangement = arrange(pattern, &mut tests)?;
        Ok(Self { arrangement, tests: tests.all })
    }
}

struct Tests {
    all: Vec<(Expression, Span)>,
    /// How many comparisons of the pattern are MATCHES.
    expressions: usize,
}

fn expressions(pattern: &Observation) -> usize {
    fn of(comparison: &Comparison) -> usize {
        match comparison {
            Comparison::And(parts) | Comparison::Or(parts) => parts.iter().map(of).sum(),
            Comparison::Test(test) => usize::from(matches!(test.test, Test::Matches(_))),
        }
    }
    match pattern {
        Observation::Test(test, _) => of(test),
        Observation::And(parts) | Observation::Or(parts) | Observation::FollowedBy(parts) => {
            parts.iter().map(expressions).sum()
        }
        Observation::Qualified(inner, _) | Observation::Group(inner) => expressions(inner),
    }
}

fn arrange(pattern: &Observation, tests: &mut Tests) -> Result<Arrangement, PatternFault> {
    let mut all =
        |parts: &[Observation]| parts.iter().map(|part| arrange(part, tests)).collect::<Result<Vec<_>, _>>();
    Ok(match pattern {
        Observation::Test(test, span) => {
            tests.all.push((Expression::new(test, tests.expressions)?, *span));
            Arrangement::Test(tests.all.len() - 1)
        }
        Observation::And(parts) => Arrangement::And(all(parts)?),
        Observation::Or(parts) => Arrangement::Or(all(parts)?),
        Observation::FollowedBy(parts) => Arrangement::FollowedBy(all(parts)?),
        Observation::Group(inner) => arrange(inner, tests)?,
        Observation::Qualified(inner, qualifiers) => {
            let inner = arrange(inner, tests)?;
            qualifiers
                .iter()
                .try_fold(inner, |inner, (qualifier, span)| qualified(inner, qualifier, *span))?
        }
    })
}

fn qualified(inner: Arrangement, qualifier: &Qualifier, span: Span) -> Result<Arrangement, PatternFault> {
    let inner = Box::new(inner);
    Ok(match qualifier {
        Qualifier::Within(Seconds::Whole(0)) | Qualifier::Repeats(0) => {
            let message = format!("`{qualifier}`: expected a number above zero");
            return Err(PatternFault::new("pattern::zero_qualifier", message, span));
        }
        Qualifier::Within(seconds) => {
            let micros = match seconds {
                Seconds::Whole(seconds) => {
                    i64::try_from(*seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000)
                }
                // Saturates. No less than a microsecond: a duration is positive.
                Seconds::Fraction(seconds) if *seconds > 0.0 => ((seconds * MICROS_PER_SECOND) as i64).max(1),
                Seconds::Fraction(_) => {
                    let message = format!("`{qualifier}`: expected a number above zero");
                    return Err(PatternFault::new("pattern::zero_qualifier", message, span));
                }
            };
            Arrangement::Within(inner, micros)
        }
        Qualifier::Repeats(times) => Arrangement::Repeats(inner, *times),
        Qualifier::StartStop(start, stop) => {
            Arrangement::Between(inner, instant(start, span)?, instant(stop, span)?)
        }
    })
}
