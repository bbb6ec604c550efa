use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base::{Country, Fault, Timestamp};

use crate::{
    CodeTable, Codes, CodesError, MappingError, MappingTable, National, Policy, PolicyDocument, Rules, Words,
};

/// Before all tables.
const BEGINNING: Timestamp = Timestamp::from_unix_nanos(i64::MIN);

/// All tables and policies that a record holds, and from them the [`Rules`] of any day.
///
/// What is added is taken in the order of the record. The table that holds at a time is the one with the latest
/// `valid_from` that has come; of two with the same, the one recorded later. To repeat a decision, add what the
/// record held when it was made and ask for its time.
#[derive(Debug)]
pub struct Rulebook {
    own: Country,
    codes: BTreeMap<Timestamp, Codes>,
    words: BTreeMap<(Country, Timestamp), MappingTable>,
    /// By the time from which each holds.
    national: BTreeMap<Timestamp, National>,
    /// The rules that were asked for last: most questions are about now.
    last: Mutex<Option<Span>>,
}

/// Rules with the time from which they hold and that from which others do.
#[derive(Debug)]
struct Span {
    from: Timestamp,
    until: Option<Timestamp>,
    rules: Arc<Rules>,
}

impl Rulebook {
    /// A rulebook of a node of country `own`, with the table that ships with this version and no national policy.
    pub fn new(own: Country) -> Self {
        Self {
            own,
            codes: BTreeMap::new(),
            words: BTreeMap::new(),
            national: BTreeMap::new(),
            last: Mutex::default(),
        }
    }

    /// The rules at `now`.
    pub fn at(&self, now: Timestamp) -> Arc<Rules> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(span) = &*last
            && span.from <= now
            && span.until.is_none_or(|until| now < until)
        {
            return Arc::clone(&span.rules);
        }
        let rules = Arc::new(self.rules(now));
        let from = self.changes().filter(|at| *at <= now).max().unwrap_or(BEGINNING);
        *last = Some(Span { from, until: self.next_change(now), rules: Arc::clone(&rules) });
        rules
    }

    /// When the rules change next after `now`.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        self.changes().filter(|at| *at > now).min()
    }

    /// Adds a table of codes.
    ///
    /// # Errors
    /// When it is none; the rulebook stays as it was.
    pub fn add_codes(&mut self, table: &CodeTable) -> Result<(), CodesError> {
        self.codes.insert(table.valid_from, table.codes()?);
        self.forget();
        Ok(())
    }

    /// Puts a table of codes in force from `applied_at` on, or from its own `valid_from` when that is later: what was
    /// decided before stays decided by the table of its day.
    ///
    /// Whether two officers signed it is for the caller to know.
    ///
    /// # Errors
    /// When it is none; the rulebook stays as it was.
    pub fn apply_codes(&mut self, table: &CodeTable, applied_at: Timestamp) -> Result<(), CodesError> {
        self.codes.insert(table.valid_from.max(applied_at), table.codes()?);
        self.forget();
        Ok(())
    }

    /// Adds a table of level words.
    ///
    /// # Errors
    /// When it is none; the rulebook stays as it was.
    pub fn add_words(&mut self, table: MappingTable) -> Result<(), MappingError> {
        table.check()?;
        self.words.insert((table.authority.clone(), table.valid_from), table);
        self.forget();
        Ok(())
    }

    /// Puts a policy in force from `applied_at` on, or from its own `effective_from` when that is later. A policy that
    /// cannot be read is in force all the same, and lets nothing go.
    ///
    /// Whether two officers signed it is for the caller to know.
    ///
    /// # Errors
    /// With the faults of a policy that cannot be read.
    pub fn apply(&mut self, document: PolicyDocument, applied_at: Timestamp) -> Result<(), Vec<Fault>> {
        let from = document.effective_from.max(applied_at);
        let path = document.path();
        let (national, faults) = match Policy::compile(document) {
            Ok(policy) => (National::Policy(Arc::new(policy)), None),
            Err(faults) => (National::Unreadable { path }, Some(faults)),
        };
        self.national.insert(from, national);
        self.forget();
        faults.map_or(Ok(()), Err)
    }

    fn forget(&mut self) {
        *self.last.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The times at which the rules change, in no order.
    fn changes(&self) -> impl Iterator<Item = Timestamp> {
        let words = self.words.keys().map(|(_, at)| *at);
        self.codes.keys().copied().chain(self.national.keys().copied()).chain(words)
    }

    fn rules(&self, now: Timestamp) -> Rules {
        let newest = |country: &Country| {
            let first = (country.clone(), BEGINNING);
            self.words.range(first..=(country.clone(), now)).next_back().map(|(_, table)| table.clone())
        };
        let mut countries: Vec<&Country> = self.words.keys().map(|(country, _)| country).collect();
        countries.dedup();
        let words = countries.into_iter().filter_map(newest);
        Rules {
            own: self.own.clone(),
            codes: self
                .codes
                .range(..=now)
                .next_back()
                .map_or_else(Codes::builtin, |(_, codes)| codes.clone()),
            // Each was checked when it was added.
            words: Words::new(words).unwrap_or_default(),
            national: self.national.range(..=now).next_back().map(|(_, n)| n.clone()).unwrap_or_default(),
        }
    }
}
