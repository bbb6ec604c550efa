use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Country, Fault, Timestamp};

use crate::{
    CodeTable, Codes, CodesError, MappingError, MappingTable, National, Policy, PolicyDocument, Rules, Words,
};

/// All tables and policies that a record holds, and from them the [`Rules`] of any day.
///
/// What is added is taken in the order of the record. The table that holds at a time is the one with the latest
/// `valid_from` that has come; of two with the same, the one recorded later. To repeat a decision, add what the
/// record held when it was made and ask for its time.
#[derive(Debug, Clone)]
pub struct Rulebook {
    own: Country,
    codes: BTreeMap<Timestamp, Codes>,
    words: BTreeMap<(Country, Timestamp), MappingTable>,
    /// By the time from which each holds.
    national: BTreeMap<Timestamp, National>,
    /// The rules from each time on at which they change; rebuilt when something is added.
    spans: BTreeMap<Timestamp, Arc<Rules>>,
}

impl Rulebook {
    /// A rulebook of a node of country `own`, with the table that ships with this version and no national policy.
    pub fn new(own: Country) -> Self {
        let mut book = Self {
            own,
            codes: BTreeMap::new(),
            words: BTreeMap::new(),
            national: BTreeMap::new(),
            spans: BTreeMap::new(),
        };
        book.rebuild();
        book
    }

    /// The rules at `now`.
    pub fn at(&self, now: Timestamp) -> Arc<Rules> {
        match self.spans.range(..=now).next_back() {
            Some((_, rules)) => Arc::clone(rules),
            None => Arc::new(Rules::new(self.own.clone())),
        }
    }

    /// When the rules change next after `now`.
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        self.spans.range(now..).map(|(at, _)| *at).find(|at| *at > now)
    }

    /// Adds a table of codes.
    ///
    /// # Errors
    /// When it is none; the rulebook stays as it was.
    pub fn add_codes(&mut self, table: &CodeTable) -> Result<(), CodesError> {
        self.codes.insert(table.valid_from, table.codes()?);
        self.rebuild();
        Ok(())
    }

    /// Adds a table of level words.
    ///
    /// # Errors
    /// When it is none; the rulebook stays as it was.
    pub fn add_words(&mut self, table: MappingTable) -> Result<(), MappingError> {
        table.check()?;
        self.words.insert((table.authority.clone(), table.valid_from), table);
        self.rebuild();
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
        let path = format!("policy/{}/{}", document.name, document.version);
        let (national, faults) = match Policy::compile(document) {
            Ok(policy) => (National::Policy(Arc::new(policy)), None),
            Err(faults) => (National::Unreadable { path }, Some(faults)),
        };
        self.national.insert(from, national);
        self.rebuild();
        faults.map_or(Ok(()), Err)
    }

    /// From `applied_at` on nothing goes out, because the policy that was put in force is not to be had.
    pub fn apply_unreadable(&mut self, path: String, applied_at: Timestamp) {
        self.national.insert(applied_at, National::Unreadable { path });
        self.rebuild();
    }

    fn rebuild(&mut self) {
        let mut changes: Vec<Timestamp> = self.codes.keys().chain(self.national.keys()).copied().collect();
        changes.extend(self.words.keys().map(|(_, at)| *at));
        changes.sort_unstable();
        changes.dedup();
        self.spans = changes.into_iter().map(|at| (at, Arc::new(self.rules(at)))).collect();
    }

    fn rules(&self, now: Timestamp) -> Rules {
        let newest = |country: &Country| {
            let first = (country.clone(), Timestamp::from_unix_nanos(i64::MIN));
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
