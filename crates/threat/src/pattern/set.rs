//! Many patterns at once: an index over what they need.

use std::collections::HashMap;

use super::error::{MatchError, PatternFault};
use super::limits::PatternLimits;
use super::plan::Arrangement;
use super::select::{Atom, Expression, straight};
use super::table::{Column, Key, Observations};
use super::{Pattern, PatternMatch, PatternMatcher};

/// Patterns that are held against observations together.
///
/// Of each pattern the comparisons by equality are looked for without which it cannot match; where there are several
/// ways, the fewest. All of them lie in one index, which is asked once for each value of the observations. Only
/// patterns of which something is there are evaluated, and those that have no such comparison.
#[derive(Debug, Default)]
pub struct PatternSet {
    matchers: Vec<PatternMatcher>,
    /// Of each path and value the patterns that need it.
    needs: HashMap<super::ast::ObjectPath, HashMap<Key<'static>, Vec<u32>>>,
    /// Patterns that need nothing that could be looked up.
    always: Vec<u32>,
}

/// What a set of patterns found.
#[derive(Debug, Default)]
pub struct SetMatches {
    /// Patterns that match, by the number that [`PatternSet::add`] gave, ascending, each with one match.
    pub found: Vec<(usize, PatternMatch)>,
    /// Patterns that have no answer.
    pub errors: Vec<(usize, MatchError)>,
}

/// One of these must be there.
type Needs<'a> = Vec<(&'a Atom, Key<'static>)>;

impl PatternSet {
    /// Adds a pattern and gives its number: 0, 1, 2 and so on.
    ///
    /// # Errors
    /// As [`PatternMatcher::new`]. The pattern is not added.
    pub fn add(&mut self, pattern: &Pattern) -> Result<usize, PatternFault> {
        let matcher = PatternMatcher::new(pattern)?;
        let number = self.matchers.len();
        let needs = needed(&matcher.plan.arrangement, &|test| of_expression(&matcher.plan.tests[test].0));
        match needs {
            Some(needs) => {
                for (atom, key) in needs {
                    // Patterns of one path are many: the path is copied only once.
                    let keys = match self.needs.get_mut(&atom.path) {
                        Some(keys) => keys,
                        None => self.needs.entry(atom.path.clone()).or_default(),
                    };
                    let patterns = keys.entry(key).or_default();
                    if patterns.last() != Some(&(number as u32)) {
                        patterns.push(number as u32);
                    }
                }
            }
            None => self.always.push(number as u32),
        }
        self.matchers.push(matcher);
        Ok(number)
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.matchers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.matchers.is_empty()
    }

    /// All patterns that match. The limits are those of each evaluation. A value that cannot be compared makes an
    /// error only of patterns of which something that they need is there.
    pub fn matches(&self, observations: &Observations, limits: &PatternLimits) -> SetMatches {
        let mut result = SetMatches::default();
        for number in self.possible(observations) {
            match self.matchers[number as usize].matches(observations, limits) {
                Ok(Some(found)) => result.found.push((number as usize, found)),
                Ok(None) => (),
                Err(error) => result.errors.push((number as usize, error)),
            }
        }
        result
    }

    /// The patterns of which something that they need is there, ascending.
    fn possible(&self, observations: &Observations) -> Vec<u32> {
        let mut possible = self.always.clone();
        for (path, keys) in &self.needs {
            let objects = observations.types.get(&path.object_type);
            let Some(column) = objects.and_then(|objects| straight(observations, *objects, path)) else {
                continue;
            };
            if keys.len() < column.cells.len() / 8 {
                // Few values are needed: the column's own index is asked for each.
                let there = keys.iter().filter(|(key, _)| !column.equal_to(key).is_empty());
                possible.extend(there.flat_map(|(_, patterns)| patterns));
            } else {
                possible.extend(found_in(column, keys));
            }
        }
        possible.sort_unstable();
        possible.dedup();
        possible
    }
}

fn found_in<'a>(column: &'a Column, keys: &'a HashMap<Key<'static>, Vec<u32>>) -> Vec<&'a u32> {
    let values = (0..column.cells.len()).filter_map(|entry| Key::of(column.value(entry)));
    values.filter_map(|key| keys.get(&key)).flatten().collect()
}

/// What an arrangement needs, by what its tests need: the fewest of what all of its parts need, or for OR one of each.
fn needed<'a>(arrangement: &Arrangement, test: &impl Fn(usize) -> Option<Needs<'a>>) -> Option<Needs<'a>> {
    match arrangement {
        Arrangement::Test(number) => test(*number),
        Arrangement::And(parts) | Arrangement::FollowedBy(parts) => {
            parts.iter().filter_map(|part| needed(part, test)).min_by_key(Vec::len)
        }
        Arrangement::Or(parts) => joined(parts.iter().map(|part| needed(part, test))),
        Arrangement::Within(inner, _) | Arrangement::Repeats(inner, _) | Arrangement::Between(inner, ..) => {
            needed(inner, test)
        }
    }
}

fn of_expression(expression: &Expression) -> Option<Needs<'_>> {
    match expression {
        Expression::And(parts) => parts.iter().filter_map(of_expression).min_by_key(Vec::len),
        Expression::Or(parts) => joined(parts.iter().map(of_expression)),
        Expression::Atom(atom) if atom.is_straight() => {
            Some(atom.keys.as_ref()?.iter().map(|key| (&**atom, key.clone())).collect())
        }
        Expression::Atom(_) => None,
    }
}

fn joined<'a>(parts: impl Iterator<Item = Option<Needs<'a>>>) -> Option<Needs<'a>> {
    let all: Option<Vec<Needs<'a>>> = parts.collect();
    all.map(|all| all.into_iter().flatten().collect())
}
