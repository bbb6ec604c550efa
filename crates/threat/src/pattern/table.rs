//! Observations as columns: for each object type and property the values of all objects together.
//!
//! Objects stand in rows. A row belongs to an observation by an *instance*: version 2.1 lets several observations
//! name one object, so a row may have several.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use super::time::Micros;

/// Which of the observations, counted from 0 in the order of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservationIndex(pub(super) u32);

impl ObservationIndex {
    /// The number, from 0.
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl std::fmt::Display for ObservationIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What patterns are held against: observed data with its objects, indexed.
///
/// Read by [`Observations::from_json`]. Memory is a small multiple of the input.
#[derive(Debug, Default)]
pub struct Observations {
    pub(super) observed: Vec<Observed>,
    pub(super) columns: Vec<Column>,
    /// The column of each object type; its entries are the objects.
    pub(super) types: HashMap<Box<str>, u32>,
    /// Of each row: its type's column and its entry there.
    pub(super) rows: Vec<(u32, u32)>,
    pub(super) instances: Instances,
}

/// One observed-data object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Observed {
    pub(super) id: Box<str>,
    pub(super) first: Micros,
    pub(super) last: Micros,
    /// `number_observed`: a count, never expanded.
    pub(super) count: u64,
}

/// Which rows belong to which observations, ordered by observation and row.
#[derive(Debug, Default)]
pub(super) struct Instances {
    pub(super) rows: Vec<u32>,
    pub(super) observations: Vec<u32>,
    /// Of each row the first of its instances in `by_row`, and one more at the end. Empty where instance `n` is row
    /// `n`.
    starts: Vec<u32>,
    by_row: Vec<u32>,
}

impl Instances {
    /// Finds the instances of each row, once all are known.
    pub(super) fn index(&mut self, rows: usize) {
        if self.rows.len() == rows && self.rows.iter().zip(0..).all(|(row, number)| *row == number) {
            return;
        }
        let mut starts = vec![0; rows + 1];
        for row in &self.rows {
            starts[*row as usize + 1] += 1;
        }
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        self.by_row = vec![0; self.rows.len()];
        for (row, instance) in self.rows.iter().zip(0..) {
            let at = &mut next[*row as usize];
            self.by_row[*at as usize] = instance;
            *at += 1;
        }
        self.starts = starts;
    }

    /// The instances of ascending rows, ascending.
    pub(super) fn of_rows(&self, rows: Vec<u32>) -> Vec<u32> {
        if self.starts.is_empty() {
            return rows;
        }
        let mut instances: Vec<u32> = rows.into_iter().flat_map(|row| self.of_row(row)).collect();
        instances.sort_unstable();
        instances
    }

    fn of_row(&self, row: u32) -> impl Iterator<Item = u32> {
        let row = row as usize;
        self.by_row[self.starts[row] as usize..self.starts[row + 1] as usize].iter().copied()
    }

    /// An observation that has `row`: the first.
    pub(super) fn first_observation(&self, row: u32) -> u32 {
        let instance = if self.starts.is_empty() { Some(row) } else { self.of_row(row).next() };
        instance.map_or(0, |instance| self.observations[instance as usize])
    }

    /// Whether `observation` has `row`.
    pub(super) fn has(&self, observation: u32, row: u32) -> bool {
        let start = self.observations.partition_point(|o| *o < observation);
        let end = self.observations.partition_point(|o| *o <= observation);
        self.rows[start..end].binary_search(&row).is_ok()
    }
}

/// All values of one property of one object type, or all elements of its lists.
#[derive(Debug, Default)]
pub(super) struct Column {
    /// Of each entry the object's row, ascending.
    pub(super) rows: Vec<u32>,
    /// Of each entry the one that holds it in the column above, ascending.
    pub(super) parents: Vec<u32>,
    /// Of each element its place in its list.
    pub(super) positions: Vec<u32>,
    pub(super) cells: Vec<Cell>,
    /// Of each entry of a reference property, or element of a list of references, what it refers to.
    pub(super) targets: Vec<Target>,
    texts: String,
    bytes: Vec<u8>,
    pub(super) keys: HashMap<Box<str>, u32>,
    pub(super) elements: Option<u32>,
    equal: OnceLock<EqualIndex>,
}

/// A value as it lies in a column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    /// From and to in the column's texts.
    Text(u32, u32),
    /// From and to in the column's bytes.
    Bytes(u32, u32),
    List,
    Dictionary,
}

/// What a reference refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Row(u32),
    /// Nothing that is there.
    Unresolved,
    /// It is no string, or where a list of references should be there is none.
    NoReference,
}

/// A value with its text.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    List,
    Dictionary,
}

impl Column {
    pub(super) fn value(&self, entry: usize) -> Value<'_> {
        match self.cells[entry] {
            Cell::Null => Value::Null,
            Cell::Bool(value) => Value::Bool(value),
            Cell::Integer(value) => Value::Integer(value),
            Cell::Float(value) => Value::Float(value),
            Cell::Text(start, end) => Value::Text(&self.texts[start as usize..end as usize]),
            Cell::Bytes(start, end) => Value::Bytes(&self.bytes[start as usize..end as usize]),
            Cell::List => Value::List,
            Cell::Dictionary => Value::Dictionary,
        }
    }

    pub(super) fn text_cell(&mut self, text: &str) -> Cell {
        let start = self.texts.len() as u32;
        self.texts.push_str(text);
        Cell::Text(start, self.texts.len() as u32)
    }

    pub(super) fn bytes_cell(&mut self, bytes: &[u8]) -> Cell {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        Cell::Bytes(start, self.bytes.len() as u32)
    }

    /// The entries that `parent` holds.
    pub(super) fn of_parent(&self, parent: u32) -> std::ops::Range<usize> {
        let start = self.parents.partition_point(|p| *p < parent);
        start..start + self.parents[start..].partition_point(|p| *p == parent)
    }

    /// The entries whose value is `key`, ascending.
    pub(super) fn equal_to(&self, key: &Key<'_>) -> Vec<u32> {
        let index = self.equal.get_or_init(|| EqualIndex::new(self));
        let mut found = Vec::new();
        let mut at = index.first(key);
        while at != EqualIndex::NONE {
            if Key::of(self.value(at as usize)).as_ref() == Some(key) {
                found.push(at);
            }
            at = index.next[at as usize];
        }
        found
    }
}

/// The entries of a column by their value: chains of equal hashes.
#[derive(Debug)]
struct EqualIndex {
    state: RandomState,
    heads: Vec<u32>,
    next: Vec<u32>,
}

impl EqualIndex {
    const NONE: u32 = u32::MAX;

    fn new(column: &Column) -> Self {
        let size = (column.cells.len() * 2).next_power_of_two();
        let mut index = Self {
            state: RandomState::new(),
            heads: vec![Self::NONE; size],
            next: vec![Self::NONE; column.cells.len()],
        };
        // From the last, so that the chains ascend.
        for entry in (0..column.cells.len()).rev() {
            if let Some(key) = Key::of(column.value(entry)) {
                let slot = index.slot(&key);
                index.next[entry] = std::mem::replace(&mut index.heads[slot], entry as u32);
            }
        }
        index
    }

    fn slot(&self, key: &Key<'_>) -> usize {
        self.state.hash_one(key) as usize & (self.heads.len() - 1)
    }

    fn first(&self, key: &Key<'_>) -> u32 {
        self.heads[self.slot(key)]
    }
}

/// A value so that two are equal exactly when STIX calls them equal: numbers whatever their spelling, binary as the
/// string of its bytes (STIX 2.1 section 9.6.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    /// The bits of a number that is no `i64`.
    Float(u64),
    Bool(bool),
}

impl<'a> Key<'a> {
    pub(super) fn of(value: Value<'a>) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Bool(value),
            Value::Integer(value) => Self::Integer(value),
            Value::Float(value) => Self::of_float(value),
            Value::Text(text) => Self::Text(Cow::Borrowed(text)),
            Value::Bytes(bytes) => Self::of_bytes(bytes),
            Value::Null | Value::List | Value::Dictionary => return None,
        })
    }

    pub(super) fn of_float(value: f64) -> Self {
        // Both bounds are exact; the upper one is the first that is no i64.
        if value.fract() == 0.0
            && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value)
        {
            Self::Integer(value as i64)
        } else {
            Self::Float(value.to_bits())
        }
    }

    pub(super) fn of_bytes(bytes: &'a [u8]) -> Self {
        if bytes.is_ascii()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Self::Text(Cow::Borrowed(text));
        }
        Self::Text(Cow::Owned(bytes.iter().copied().map(char::from).collect()))
    }

    pub(super) fn into_owned(self) -> Key<'static> {
        match self {
            Self::Text(text) => Key::Text(Cow::Owned(text.into_owned())),
            Self::Integer(value) => Key::Integer(value),
            Self::Float(bits) => Key::Float(bits),
            Self::Bool(value) => Key::Bool(value),
        }
    }
}

impl Observations {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.observed.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.observed.is_empty()
    }

    /// The `id` of an observed-data object; empty where it has none.
    pub fn id(&self, index: ObservationIndex) -> &str {
        self.observed.get(index.get()).map_or("", |observed| &observed.id)
    }
}
