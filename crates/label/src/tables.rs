//! Dated tables as they are recorded: codes of countries and groups, and the words of a nation for levels.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use base::{Country, Marking, Noun, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Codes, CodesError, Level};

/// The most rows of a [`MappingTable`], countries of a [`CodeTable`] or groups of one.
pub const MAX_ROWS: usize = 4096;

/// The longest word of a table, in bytes.
const MAX_WORD_BYTES: usize = 200;

/// A table of country and group codes as it is recorded: the record signs it, the log dates it.
///
/// From `valid_from` on decisions are made with it, until a later one is valid. It takes the place of the whole
/// table before it, so a code that it leaves out reaches nobody any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeTable {
    /// Its name, which every decision made with it keeps.
    pub version: String,
    /// From when on it holds.
    pub valid_from: Timestamp,
    /// The countries, as ISO 3166-1 alpha-3 codes.
    pub countries: BTreeSet<Country>,
    /// The groups with their members.
    pub groups: BTreeMap<String, BTreeSet<Country>>,
    /// The restrictive categories, each with the countries that are read in to it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<String, BTreeSet<Country>>,
    /// The policies (`id` or `id@version`) of markings whose words mean what they mean here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub policies: BTreeSet<String>,
    /// Codes that were taken out of use, and since when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub withdrawn: BTreeMap<String, Timestamp>,
    /// Who may have the table itself.
    pub marking: Marking,
}

impl Noun for CodeTable {
    const SCHEMA: &'static str = "bongsu.code-table/1";
}

impl CodeTable {
    /// The SHA-256 of its canonical JSON (RFC 8785), which officers sign; `None` when it has no JSON form.
    pub fn sha256(&self) -> Option<base::BlobHash> {
        crate::policy::canonical_sha256(self)
    }

    /// The codes as a noun that can be recorded; those that ship with this version are a start for an own table.
    pub fn of(codes: Codes, marking: Marking) -> Self {
        codes.into_table(marking)
    }

    /// The codes of the table.
    ///
    /// # Errors
    /// As [`Codes::new`], when a country that is read in to a category is not in the table, and when there are more
    /// than [`MAX_ROWS`] rows of one sort.
    pub fn codes(&self) -> Result<Codes, CodesError> {
        let rows = [
            self.countries.len(),
            self.groups.len(),
            self.categories.len(),
            self.policies.len(),
            self.withdrawn.len(),
        ];
        if rows.into_iter().any(|count| count > MAX_ROWS) {
            return Err(CodesError::TooLong);
        }
        for (category, readers) in &self.categories {
            if let Some(country) = readers.iter().find(|country| !self.countries.contains(*country)) {
                return Err(CodesError::UnknownReader {
                    category: category.chars().take(80).collect(),
                    country: country.clone(),
                });
            }
        }
        let codes = Codes::new(&self.version, self.valid_from, self.countries.clone(), self.groups.clone())?;
        Ok(codes
            .with_categories(self.categories.clone())
            .with_policies(self.policies.clone())
            .with_withdrawn(self.withdrawn.clone()))
    }
}

/// One row of a [`MappingTable`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingRow {
    /// The nation's word, exactly as its markings have it: `2급비밀`.
    pub word: String,
    /// The level that it stands for.
    pub level: Level,
}

/// What the words of one nation's markings stand for, as that nation signs it.
///
/// A word without a row is unknown, and unknown is withheld. Several words may stand for one level; the first row of
/// a level is the word with which it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingTable {
    /// Its name.
    pub version: String,
    /// From when on it holds.
    pub valid_from: Timestamp,
    /// Whose words these are: the table holds for markings with this originator alone.
    pub authority: Country,
    /// The rows.
    pub rows: Vec<MappingRow>,
    /// Who may have the table itself.
    pub marking: Marking,
}

impl Noun for MappingTable {
    const SCHEMA: &'static str = "bongsu.mapping-table/1";
}

/// Why rows make no table of words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// A decision must be able to name its table.
    #[error("the table of words has no version")]
    NoVersion,
    /// A table that says nothing.
    #[error("the table of words has no rows")]
    NoRows,
    /// More than [`MAX_ROWS`] rows.
    #[error("the table of words has more than {MAX_ROWS} rows")]
    TooLong,
    /// Empty, with blanks around it, or longer than any word.
    #[error("rows[{index}].word: `{word}` is empty, too long or has blanks around it")]
    BadWord {
        /// Which row, from 0.
        index: usize,
        /// What was given, cut after 80 characters.
        word: String,
    },
    /// Two rows for one word: which holds is a guess.
    #[error("rows[{index}].word: `{word}` has a row already")]
    Twice {
        /// Which row, from 0.
        index: usize,
        /// The word.
        word: String,
    },
    /// A level word of this program that is to stand for another level.
    #[error("rows[{index}].word: `{word}` is a level of its own and cannot stand for `{level}`")]
    LevelWord {
        /// Which row, from 0.
        index: usize,
        /// The word.
        word: String,
        /// The level that the row gives.
        level: Level,
    },
}

impl MappingTable {
    /// Whether the rows make a table.
    ///
    /// # Errors
    /// With the first row that is wrong.
    pub fn check(&self) -> Result<(), MappingError> {
        if self.version.is_empty() {
            return Err(MappingError::NoVersion);
        }
        if self.rows.is_empty() {
            return Err(MappingError::NoRows);
        }
        if self.rows.len() > MAX_ROWS {
            return Err(MappingError::TooLong);
        }
        let mut seen = BTreeSet::new();
        for (index, row) in self.rows.iter().enumerate() {
            let word = || row.word.chars().take(80).collect();
            if row.word.is_empty() || row.word.trim() != row.word || row.word.len() > MAX_WORD_BYTES {
                return Err(MappingError::BadWord { index, word: word() });
            }
            if !seen.insert(&row.word) {
                return Err(MappingError::Twice { index, word: word() });
            }
            if row.word.parse::<Level>().is_ok_and(|level| level != row.level) {
                return Err(MappingError::LevelWord { index, word: word(), level: row.level });
            }
        }
        Ok(())
    }

    /// The level that a word stands for; `None` without a row.
    pub fn level(&self, word: &str) -> Option<Level> {
        self.rows.iter().find(|row| row.word == word).map(|row| row.level)
    }

    /// The word with which a level is written; `None` without a row.
    pub fn word(&self, level: Level) -> Option<&str> {
        self.rows.iter().find(|row| row.level == level).map(|row| row.word.as_str())
    }
}

/// The tables of words of one day, at most one a nation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    tables: BTreeMap<Country, MappingTable>,
}

impl Words {
    /// The tables, each for its authority; a later one of the same authority takes the place of an earlier one.
    ///
    /// # Errors
    /// With the first table that is none.
    pub fn new(tables: impl IntoIterator<Item = MappingTable>) -> Result<Self, MappingError> {
        let mut all = BTreeMap::new();
        for table in tables {
            table.check()?;
            all.insert(table.authority.clone(), table);
        }
        Ok(Self { tables: all })
    }

    /// The tables, by country.
    pub fn tables(&self) -> impl Iterator<Item = &MappingTable> {
        self.tables.values()
    }

    /// The marking with the level word of its originator's nation put as a level of this program. A marking with a
    /// known level, without a table for its one originator, or without a row for its word is given back as it is.
    pub fn read<'a>(&self, marking: &'a Marking) -> Cow<'a, Marking> {
        if self.tables.is_empty() || marking.level.parse::<Level>().is_ok() {
            return Cow::Borrowed(marking);
        }
        let table = marking.originator.parse::<Country>().ok().and_then(|country| self.tables.get(&country));
        match table.and_then(|table| table.level(&marking.level)) {
            Some(level) => Cow::Owned(Marking { level: level.to_string(), ..marking.clone() }),
            None => Cow::Borrowed(marking),
        }
    }
}

macro_rules! marked {
    ($($noun:ty),+) => {$(
        impl base::Marked for $noun {
            fn marking(&self) -> Option<&base::Marking> {
                Some(&self.marking)
            }

            fn evidence(&self) -> &[base::EntryId] {
                &[]
            }

            fn facts(&self) -> Option<base::Facts> {
                Some(base::Facts::of_noun(<Self as base::Noun>::SCHEMA))
            }
        }
    )+};
}
pub(crate) use marked;

marked!(CodeTable, MappingTable);
