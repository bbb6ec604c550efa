use std::collections::BTreeSet;

use base::{Country, Marking};

use crate::{Caveat, Codes, Level, Rule};

/// The most words that a REL list, the caveats or the originator of a marking may have. Above the number of countries
/// and groups there are, so that no honest marking meets it.
pub const MAX_WORDS: usize = 512;

/// A marking whose every word was understood.
///
/// It is made by [`Label::parse`] or by [`join`](crate::join) and by nothing else. Groups of the REL list are expanded.
///
/// An item derived from items of several countries has several originators; its marking names them with one space
/// between (`KOR USA`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    pub(crate) level: Level,
    pub(crate) rel_to: BTreeSet<Country>,
    pub(crate) caveats: BTreeSet<Caveat>,
    pub(crate) originators: BTreeSet<Country>,
}

/// Why a marking is no [`Label`]. Whoever carries it is withheld.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The level is no word of this version.
    #[error("level: `{word}` is not known")]
    UnknownLevel {
        /// What was given, cut after 80 characters.
        word: String,
    },
    /// The originator is no country of the table.
    #[error("originator: `{word}` is not a known country")]
    UnknownOriginator {
        /// What was given, cut after 80 characters.
        word: String,
    },
    /// A word of the REL list is neither country nor group of the table.
    #[error("rel_to[{index}]: `{word}` is not a known country or group")]
    UnknownCode {
        /// What was given, cut after 80 characters.
        word: String,
        /// Which word, from 0.
        index: usize,
    },
    /// A caveat is no word of this version.
    #[error("caveats[{index}]: `{word}` is not known")]
    UnknownCaveat {
        /// What was given, cut after 80 characters.
        word: String,
        /// Which word, from 0.
        index: usize,
    },
    /// NOFORN beside a REL list that is not empty: one of the two is wrong.
    #[error("`NOFORN` and a REL list exclude each other")]
    NofornWithRel,
    /// More than [`MAX_WORDS`] words.
    #[error("{field}: more than {MAX_WORDS} words")]
    TooLong {
        /// `rel_to`, `caveats` or `originator`.
        field: &'static str,
    },
    /// An item derived from nothing has no marking to inherit.
    #[error("there is no marking to join")]
    NothingToJoin,
}

impl LabelError {
    /// The rule by which an item with this marking is withheld.
    pub const fn rule(&self) -> Rule {
        match self {
            Self::UnknownLevel { .. } => Rule::LevelUnknown,
            Self::UnknownOriginator { .. } => Rule::OriginatorUnknown,
            Self::UnknownCode { .. } => Rule::RelUnknownCode,
            Self::UnknownCaveat { .. } => Rule::CaveatUnknown,
            Self::NofornWithRel => Rule::CaveatNofornWithRel,
            Self::TooLong { .. } => Rule::MarkingTooLong,
            Self::NothingToJoin => Rule::MarkingMissing,
        }
    }

    /// What is wrong in the item: `marking.rel_to[1]`.
    pub fn path(&self) -> String {
        match self {
            Self::UnknownLevel { .. } => "marking.level".to_owned(),
            Self::UnknownOriginator { .. } => "marking.originator".to_owned(),
            Self::UnknownCode { index, .. } => format!("marking.rel_to[{index}]"),
            Self::UnknownCaveat { index, .. } => format!("marking.caveats[{index}]"),
            Self::NofornWithRel => "marking.caveats".to_owned(),
            Self::TooLong { field } => format!("marking.{field}"),
            Self::NothingToJoin => "marking".to_owned(),
        }
    }
}

impl Label {
    /// Judges the words of a marking in the order length, level, originator, REL list, caveats, contradictions.
    /// The same word twice is the same word.
    ///
    /// # Errors
    /// When a word is not known exactly as written, `NOFORN` stands beside a REL list, or there are more than
    /// [`MAX_WORDS`] words in a field.
    pub fn parse(marking: &Marking, codes: &Codes) -> Result<Self, LabelError> {
        let too_long = |field| Err(LabelError::TooLong { field });
        if marking.rel_to.len() > MAX_WORDS {
            return too_long("rel_to");
        }
        if marking.caveats.len() > MAX_WORDS {
            return too_long("caveats");
        }
        if marking.originator.len() > MAX_WORDS * 4 {
            return too_long("originator");
        }

        let level =
            marking.level.parse().map_err(|_| LabelError::UnknownLevel { word: cut(&marking.level) })?;
        let originators = marking
            .originator
            .split(' ')
            .map(|word| codes.country(word))
            .collect::<Option<BTreeSet<_>>>()
            .ok_or_else(|| LabelError::UnknownOriginator { word: cut(&marking.originator) })?;
        let mut rel_to = BTreeSet::new();
        for (index, word) in marking.rel_to.iter().enumerate() {
            let unknown = || LabelError::UnknownCode { word: cut(word), index };
            rel_to.append(&mut codes.expand(word).ok_or_else(unknown)?);
        }
        let mut caveats = BTreeSet::new();
        for (index, word) in marking.caveats.iter().enumerate() {
            caveats.insert(word.parse().map_err(|_| LabelError::UnknownCaveat { word: cut(word), index })?);
        }
        if caveats.contains(&Caveat::Noforn) && !rel_to.is_empty() {
            return Err(LabelError::NofornWithRel);
        }
        Ok(Self { level, rel_to, caveats, originators })
    }

    /// The marking that says the same in one spelling: groups expanded, everything sorted, nothing twice.
    pub fn to_marking(&self) -> Marking {
        Marking {
            level: self.level.to_string(),
            rel_to: self.rel_to.iter().map(Country::to_string).collect(),
            caveats: self.caveats.iter().map(Caveat::to_string).collect(),
            originator: self.originators.iter().map(Country::as_str).collect::<Vec<_>>().join(" "),
        }
    }

    /// How much harm its loss would do.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The countries that may have it; empty reaches nobody. The originator's own country is in it only when it was
    /// written: it stands for other nodes of that country.
    pub fn rel_to(&self) -> &BTreeSet<Country> {
        &self.rel_to
    }

    /// The further restrictions.
    pub fn caveats(&self) -> &BTreeSet<Caveat> {
        &self.caveats
    }

    /// Whose it is: one country, or several for an item derived from items of several.
    pub fn originators(&self) -> &BTreeSet<Country> {
        &self.originators
    }
}

/// The label as a line for people, in the order of a CAPCO banner: `RESTRICTED//ORCON/REL TO KOR, USA`.
///
/// The originators lead the REL list, the others follow by code. `EXERCISE//` leads everything, so that nobody
/// takes it for real. A banner is for reading; nothing parses it.
pub fn banner(label: &Label) -> String {
    let mut parts: Vec<String> = [Caveat::Orcon, Caveat::Noforn]
        .iter()
        .filter(|caveat| label.caveats.contains(caveat))
        .map(Caveat::to_string)
        .collect();
    if !label.rel_to.is_empty() {
        // A single originator has its own item; one of several has it only when it stands in the list.
        let mut first = label.originators.clone();
        if first.len() > 1 {
            first.retain(|country| label.rel_to.contains(country));
        }
        let rest = label.rel_to.difference(&first);
        let codes: Vec<&str> = first.iter().chain(rest).map(Country::as_str).collect();
        parts.push(format!("REL TO {}", codes.join(", ")));
    }
    let exercise = if label.caveats.contains(&Caveat::Exercise) { "EXERCISE//" } else { "" };
    let separator = if parts.is_empty() { "" } else { "//" };
    format!("{exercise}{}{separator}{}", label.level, parts.join("/"))
}

/// Text from outside is cut before it goes into a message.
fn cut(word: &str) -> String {
    word.chars().take(80).collect()
}
