//! What a person of the own organisation may read.

use std::collections::BTreeSet;

use base::{Country, Marking};
use serde::{Deserialize, Serialize};

use crate::{Caveat, Codes, Label, Level};

/// Most categories, and most countries, of a clearance.
pub const MAX_CLEARANCE_WORDS: usize = 64;

/// What a person is cleared for: a level, the categories that the person is read in to, and the countries whose
/// national the person is when the own one is not among them.
///
/// Cleared is not released: this says what a person of this node may read here, and never what leaves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clearance {
    /// The highest level.
    pub level: Level,
    /// Restrictive categories, as markings name them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub categories: BTreeSet<String>,
    /// Empty for a national of the own country. Else the person reads only what one of these countries may have.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub countries: BTreeSet<Country>,
}

impl Clearance {
    /// Whether the person may read an item of this marking, by the table that ships with this version: a view that is
    /// built anew in another year must hold the same.
    ///
    /// What cannot be judged is above everybody: no marking, an unknown word, a nation's own word for a level.
    pub fn admits(&self, marking: Option<&Marking>) -> bool {
        thread_local! {
            static CODES: Codes = Codes::builtin();
        }
        let label = marking.and_then(|marking| CODES.with(|codes| Label::parse(marking, codes)).ok());
        let Some(label) = label else { return false };
        label.level() <= self.level
            && label.categories().is_subset(&self.categories)
            && (self.countries.is_empty() || self.countries.iter().any(|country| may_have(&label, country)))
    }

    /// The first thing that is wrong with it, in words.
    ///
    /// # Errors
    /// When there are too many words, one is too long, or a country is not known.
    pub fn check(&self) -> Result<(), String> {
        if self.categories.len().max(self.countries.len()) > MAX_CLEARANCE_WORDS {
            return Err(format!("at most {MAX_CLEARANCE_WORDS} categories and countries"));
        }
        let plain = |word: &&String| {
            (1..=crate::MAX_WORD_BYTES).contains(&word.len())
                && word.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if let Some(word) = self.categories.iter().find(|word| !plain(word)) {
            return Err(format!("`{}` is no category", word.chars().take(80).collect::<String>()));
        }
        let codes = Codes::builtin();
        match self.countries.iter().find(|country| !codes.knows(country)) {
            Some(country) => Err(format!("`{country}` is no known country code")),
            None => Ok(()),
        }
    }
}

/// Whether a national of `country` may have it: it is the country's own alone, or is released to it.
fn may_have(label: &Label, country: &Country) -> bool {
    let own = label.originators().iter().all(|originator| originator == country);
    own || (!label.caveats().contains(&Caveat::Noforn) && label.rel_to().contains(country))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clearance(level: Level, categories: &[&str], countries: &[&str]) -> Clearance {
        Clearance {
            level,
            categories: categories.iter().map(|word| (*word).to_owned()).collect(),
            countries: countries.iter().map(|code| code.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn level_categories_and_countries_each_hold_back() {
        let item = |level: &str, rel_to: &[&str], categories: &[&str]| Marking {
            categories: categories.iter().map(|word| (*word).to_owned()).collect(),
            ..Marking::new(level, rel_to, "KOR")
        };
        let national = clearance(Level::Secret, &["SCI:SI"], &[]);
        let guest = clearance(Level::Secret, &["SCI:SI"], &["USA"]);
        let noforn = Marking { caveats: vec!["NOFORN".to_owned()], ..Marking::new("SECRET", &[], "USA") };
        for (marking, by_national, by_guest) in [
            (item("SECRET", &["USA"], &[]), true, true),
            (item("SECRET", &[], &[]), true, false),
            (item("SECRET", &["JPN"], &[]), true, false),
            (item("SECRET", &["FVEY"], &["SCI:SI"]), true, true),
            (item("TOP SECRET", &["USA"], &[]), false, false),
            (item("SECRET", &["USA"], &["SCI:TK"]), false, false),
            (item("SECRET", &["USA"], &["SCI:SI", "SCI:TK"]), false, false),
            (item("II급", &["USA"], &[]), false, false),
            (item("SECRET", &["NOWHERE"], &[]), false, false),
            (noforn, true, true),
            (Marking::new("SECRET", &[], "KOR USA"), true, false),
        ] {
            assert_eq!(national.admits(Some(&marking)), by_national, "{marking:?}");
            assert_eq!(guest.admits(Some(&marking)), by_guest, "{marking:?}");
        }
        assert!(!national.admits(None));
    }

    #[test]
    fn what_nobody_can_be_cleared_for_is_refused() {
        assert_eq!(clearance(Level::Secret, &["SCI:SI"], &["USA"]).check(), Ok(()));
        assert!(clearance(Level::Secret, &["two words"], &[]).check().is_err());
        assert!(clearance(Level::Secret, &[""], &[]).check().is_err());
        assert!(clearance(Level::Secret, &[], &["XQX"]).check().is_err());
        let many: Vec<String> = (0..=MAX_CLEARANCE_WORDS).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(clearance(Level::Secret, &many, &[]).check().is_err());
    }
}
