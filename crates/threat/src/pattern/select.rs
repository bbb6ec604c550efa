//! Which objects of a table pass a comparison expression.

use super::ast::{Comparison, ObjectPath, PropertyTest, Step};
use super::error::{MatchError, PatternFault, Span, ValueFault, short};
use super::limits::{PatternLimits, Steps, Unreadable};
use super::operand::{NoAnswer, Operand};
use super::read::Kind;
use super::table::{Column, Key, ObservationIndex, Observations, Target, Value};

/// Types of version 2.1 that are no cyber-observable objects: no pattern matches them.
const NOT_OBSERVABLE: [&str; 25] = [
    "attack-pattern",
    "bundle",
    "campaign",
    "course-of-action",
    "extension-definition",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "language-content",
    "location",
    "malware",
    "malware-analysis",
    "marking-definition",
    "note",
    "observed-data",
    "opinion",
    "relationship",
    "report",
    "sighting",
    "threat-actor",
    "tool",
    "vulnerability",
];

/// A comparison expression made ready.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Atom(Box<Atom>),
}

/// One comparison made ready.
#[derive(Debug, Clone)]
pub(super) struct Atom {
    pub(super) path: ObjectPath,
    negated: bool,
    operand: Operand,
    /// Where all that is asked is that the value is one of these.
    pub(super) keys: Option<Vec<Key<'static>>>,
    span: Span,
    /// The path asks for a list's element, or follows a reference.
    winding: bool,
}

impl Expression {
    /// `expressions`: how many of the pattern's tests are MATCHES.
    pub(super) fn new(comparison: &Comparison, expressions: usize) -> Result<Self, PatternFault> {
        let all = |parts: &[Comparison]| -> Result<Vec<Self>, PatternFault> {
            parts.iter().map(|part| Self::new(part, expressions)).collect()
        };
        Ok(match comparison {
            Comparison::And(parts) => Self::And(all(parts)?),
            Comparison::Or(parts) => Self::Or(all(parts)?),
            Comparison::Test(test) => Self::Atom(Box::new(Atom::new(test, expressions)?)),
        })
    }

    /// The instances of objects for which this is true, ascending.
    pub(super) fn select(&self, work: &mut Work<'_>) -> Result<Vec<u32>, MatchError> {
        match self {
            Self::Atom(atom) => atom.select(work),
            Self::And(parts) => {
                let mut all: Option<Vec<u32>> = None;
                // Every part, also when nothing is left: a value that cannot be compared is told whatever the order.
                for part in parts {
                    let found = part.select(work)?;
                    all = Some(match all {
                        Some(mut before) => {
                            intersect(&mut before, &found);
                            before
                        }
                        None => found,
                    });
                }
                Ok(all.unwrap_or_default())
            }
            Self::Or(parts) => {
                let mut any = Vec::new();
                for part in parts {
                    any.append(&mut part.select(work)?);
                }
                any.sort_unstable();
                any.dedup();
                Ok(any)
            }
        }
    }
}

/// Keeps of `all`, ascending, what is also in `other`, ascending.
fn intersect(all: &mut Vec<u32>, other: &[u32]) {
    let mut rest = other.iter().peekable();
    all.retain(|one| {
        while rest.next_if(|o| *o < one).is_some() {}
        rest.peek() == Some(&one)
    });
}

/// An evaluation under way.
pub(super) struct Work<'a> {
    pub(super) table: &'a Observations,
    pub(super) limits: &'a PatternLimits,
    pub(super) steps: Steps,
    pub(super) is_2_1: bool,
}

impl Work<'_> {
    pub(super) fn take(&mut self, count: u64) -> Result<(), MatchError> {
        self.steps.take(count).ok_or(MatchError::LimitReached(self.limits.max_steps))
    }
}

impl Atom {
    fn new(test: &PropertyTest, expressions: usize) -> Result<Self, PatternFault> {
        let winding = test.path.steps.iter().any(|step| match step {
            Step::Key(key) => matches!(Kind::of(key), Kind::Reference | Kind::References),
            Step::Index(_) => true,
            Step::Any => false,
        });
        let operand = Operand::new(test, expressions)?;
        let keys = operand.keys().filter(|_| !test.negated);
        Ok(Self { path: test.path.clone(), negated: test.negated, operand, keys, span: test.span, winding })
    }

    /// Whether the path goes straight to a column: no reference, no place in a list.
    pub(super) const fn is_straight(&self) -> bool {
        !self.winding
    }

    fn select(&self, work: &mut Work<'_>) -> Result<Vec<u32>, MatchError> {
        let table = work.table;
        if work.is_2_1 && NOT_OBSERVABLE.contains(&&*self.path.object_type) {
            return Ok(Vec::new());
        }
        let Some(objects) = table.types.get(&self.path.object_type) else { return Ok(Vec::new()) };
        if self.winding {
            return self.select_winding(*objects, work);
        }
        let column = straight(table, *objects, &self.path);
        let rows = match (&self.operand, column) {
            (Operand::Exists, column) => {
                let mut rows = column.map_or(Vec::new(), |column| column.rows.clone());
                rows.dedup();
                if self.negated { without(&table.columns[*objects as usize].rows, &rows) } else { rows }
            }
            (_, None) => Vec::new(),
            (_, Some(column)) => match &self.keys {
                Some(keys) => {
                    work.take(keys.len() as u64)?;
                    rows_with(column, keys)
                }
                None => self.scan(column, work)?,
            },
        };
        Ok(table.instances.of_rows(rows))
    }

    /// The rows whose value passes, one after the other.
    fn scan(&self, column: &Column, work: &mut Work<'_>) -> Result<Vec<u32>, MatchError> {
        work.take(column.cells.len() as u64)?;
        let mut rows: Vec<u32> = Vec::new();
        for (entry, row) in column.rows.iter().enumerate() {
            // One value that passes is enough for the object.
            if rows.last() == Some(row) {
                continue;
            }
            let value = column.value(entry);
            match self.operand.passes(value, self.negated, &mut work.steps) {
                Ok(false) => (),
                Ok(true) => rows.push(*row),
                Err(why) => self.no_answer(why, value, work.table.instances.first_observation(*row), work)?,
            }
        }
        Ok(rows)
    }

    /// What a value without answer means: the end, or that it does not pass.
    fn no_answer(
        &self,
        why: NoAnswer,
        value: Value<'_>,
        observation: u32,
        work: &Work<'_>,
    ) -> Result<(), MatchError> {
        let (code, what) = match why {
            NoAnswer::OutOfSteps => return Err(MatchError::LimitReached(work.limits.max_steps)),
            NoAnswer::NoTime => ("pattern::bad_time_value", "no time such as 2026-01-01T00:00:00Z"),
            NoAnswer::NoAddress => ("pattern::bad_address_value", "no address and no network"),
        };
        let shown = if let Value::Text(text) = value { short(text) } else { String::new() };
        self.bad_value(code, format!("`{shown}` at {} is {what}", self.path), observation, work)
    }

    fn bad_value(
        &self,
        code: &'static str,
        message: String,
        observation: u32,
        work: &Work<'_>,
    ) -> Result<(), MatchError> {
        match work.limits.unreadable {
            Unreadable::NoMatch => Ok(()),
            Unreadable::Error => Err(MatchError::Value(ValueFault {
                code,
                message,
                span: self.span,
                observation: ObservationIndex(observation),
            })),
        }
    }

    /// A path through references and places in lists: every object's values by themselves.
    fn select_winding(&self, objects: u32, work: &mut Work<'_>) -> Result<Vec<u32>, MatchError> {
        let table = work.table;
        let instances = &table.instances;
        let ids = instances.of_rows(table.columns[objects as usize].rows.clone());
        let mut selected = Vec::new();
        let mut places = Vec::new();
        for instance in ids {
            let row = instances.rows[instance as usize];
            let observation = instances.observations[instance as usize];
            places.clear();
            places.push(table.rows[row as usize]);
            let mut after = Kind::Plain;
            for step in &self.path.steps {
                work.take(1 + places.len() as u64)?;
                after = self.step(step, after, &mut places, observation, work)?;
            }
            if self.is_selected(&places, observation, work)? {
                selected.push(instance);
            }
        }
        Ok(selected)
    }

    fn is_selected(
        &self,
        places: &[(u32, u32)],
        observation: u32,
        work: &mut Work<'_>,
    ) -> Result<bool, MatchError> {
        if matches!(self.operand, Operand::Exists) {
            return Ok(places.is_empty() == self.negated);
        }
        for (column, entry) in places {
            let value = work.table.columns[*column as usize].value(*entry as usize);
            match self.operand.passes(value, self.negated, &mut work.steps) {
                Ok(true) => return Ok(true),
                Ok(false) => (),
                Err(why) => self.no_answer(why, value, observation, work)?,
            }
        }
        Ok(false)
    }

    /// One step of a path from each of `places`. `after` says what the step before went to.
    fn step(
        &self,
        step: &Step,
        after: Kind,
        places: &mut Vec<(u32, u32)>,
        observation: u32,
        work: &Work<'_>,
    ) -> Result<Kind, MatchError> {
        let columns = &work.table.columns;
        let mut next = Vec::new();
        for (column, entry) in places.iter() {
            let above = &columns[*column as usize];
            let child = match step {
                Step::Key(key) => above.keys.get(key).copied(),
                Step::Index(_) | Step::Any => above.elements,
            };
            let Some(child) = child else { continue };
            let below = &columns[child as usize];
            for entry in below.of_parent(*entry) {
                if let Step::Index(index) = step
                    && i64::from(below.positions[entry]) != *index
                {
                    continue;
                }
                next.push((child, entry as u32));
            }
        }
        let kind = match step {
            Step::Key(key) => Kind::of(key),
            _ if after == Kind::References => Kind::Reference,
            _ => Kind::Plain,
        };
        *places = match kind {
            Kind::Reference | Kind::References => self.referred(&next, kind, observation, work)?,
            _ => next,
        };
        // Many references may lead to one place: counted once, so that a long path does not multiply them.
        places.sort_unstable();
        places.dedup();
        Ok(kind)
    }

    /// The objects that references name; of a list of references the list itself, once it is known to be one.
    fn referred(
        &self,
        places: &[(u32, u32)],
        kind: Kind,
        observation: u32,
        work: &Work<'_>,
    ) -> Result<Vec<(u32, u32)>, MatchError> {
        let table = work.table;
        let mut objects = Vec::new();
        for (column, entry) in places {
            // A property of this name that is itself an element or a property of another object has no targets.
            match table.columns[*column as usize].targets.get(*entry as usize) {
                Some(Target::Row(row)) if table.instances.has(observation, *row) => {
                    objects.push(table.rows[*row as usize]);
                }
                Some(Target::Unresolved) if kind == Kind::References => {
                    // A list of which nothing is there is not there.
                    let elements =
                        table.columns[*column as usize].elements.map(|child| &table.columns[child as usize]);
                    let resolves = |target: &Target| match target {
                        Target::Row(row) => table.instances.has(observation, *row),
                        Target::Unresolved | Target::NoReference => false,
                    };
                    if elements
                        .is_some_and(|below| below.targets[below.of_parent(*entry)].iter().any(resolves))
                    {
                        objects.push((*column, *entry));
                    }
                }
                Some(Target::NoReference) => {
                    let what =
                        if kind == Kind::References { "no list of references" } else { "no reference" };
                    let message = format!("a value at {} is {what}", self.path);
                    self.bad_value("pattern::bad_reference_value", message, observation, work)?;
                }
                _ => (),
            }
        }
        Ok(objects)
    }
}

/// The column to which a path without references and places in lists leads.
pub(super) fn straight<'a>(table: &'a Observations, objects: u32, path: &ObjectPath) -> Option<&'a Column> {
    let mut column = &table.columns[objects as usize];
    for step in &path.steps {
        let child = match step {
            Step::Key(key) => column.keys.get(key).copied(),
            _ => column.elements,
        };
        column = &table.columns[child? as usize];
    }
    Some(column)
}

/// The rows with one of `keys`, ascending.
fn rows_with(column: &Column, keys: &[Key<'_>]) -> Vec<u32> {
    let entries = keys.iter().flat_map(|key| column.equal_to(key));
    let mut rows: Vec<u32> = entries.map(|entry| column.rows[entry as usize]).collect();
    if keys.len() > 1 {
        rows.sort_unstable();
    }
    rows.dedup();
    rows
}

/// `all` without `some`, both ascending.
fn without(all: &[u32], some: &[u32]) -> Vec<u32> {
    all.iter().copied().filter(|row| some.binary_search(row).is_err()).collect()
}
