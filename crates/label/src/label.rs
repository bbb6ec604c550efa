use std::collections::BTreeSet;
use std::str::FromStr;

use base::{Country, EntryId, Marking, Timestamp};

use crate::{Caveat, Codes, Level, Pap, Rule, Tlp};

/// The most bytes of a restrictive category or of the name of a policy.
pub const MAX_WORD_BYTES: usize = 128;

/// The most words that one list of a marking may have. Above the number of countries
/// and groups there are, so that no honest marking meets it.
pub const MAX_WORDS: usize = 512;

/// A marking whose every word was understood.
///
/// It is made by [`Label::parse`] or by [`join`](crate::join) and by nothing else. Groups of the lists are expanded;
/// who stands in both lists may only be shown the item, save a single originator, who has it; with NOFORN there is no
/// RELIDO. Whether a policy and a
/// category are known is the release decision's matter, so that labels with national words can be joined and converted.
///
/// An item derived from items of several countries has several originators; its marking names them with one space
/// between (`KOR USA`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    pub(crate) level: Level,
    pub(crate) rel_to: BTreeSet<Country>,
    pub(crate) caveats: BTreeSet<Caveat>,
    pub(crate) originators: BTreeSet<Country>,
    pub(crate) policies: BTreeSet<String>,
    pub(crate) categories: BTreeSet<String>,
    pub(crate) display_only: BTreeSet<Country>,
    pub(crate) relido: bool,
    pub(crate) tlp: Option<Tlp>,
    pub(crate) pap: Option<Pap>,
    pub(crate) derived_from: BTreeSet<EntryId>,
    pub(crate) valid_from: Option<Timestamp>,
    pub(crate) review: Option<Timestamp>,
    pub(crate) expires: Option<Timestamp>,
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
    /// A word of the display-only list is neither country nor group of the table.
    #[error("display_only[{index}]: `{word}` is not a known country or group")]
    UnknownDisplay {
        /// What was given, cut after 80 characters.
        word: String,
        /// Which word, from 0.
        index: usize,
    },
    /// The word of the Traffic Light Protocol is none of this version.
    #[error("tlp: `{word}` is not known")]
    UnknownTlp {
        /// What was given, cut after 80 characters.
        word: String,
    },
    /// The word of the Permissible Actions Protocol is none of this version.
    #[error("pap: `{word}` is not known")]
    UnknownPap {
        /// What was given, cut after 80 characters.
        word: String,
    },
    /// The name of a policy is empty, longer than [`MAX_WORD_BYTES`] or holds what no name holds.
    #[error("policy: `{word}` is no name of a policy: letters, digits and `: . _ + @ = -`")]
    BadPolicy {
        /// What was given, cut after 80 characters.
        word: String,
    },
    /// A category is empty, longer than [`MAX_WORD_BYTES`] or holds what no category holds.
    #[error(
        "categories[{index}]: `{word}` is no category: letters, digits, single spaces and `: . _ + @ = % -`"
    )]
    BadCategory {
        /// What was given, cut after 80 characters.
        word: String,
        /// Which word, from 0.
        index: usize,
    },
    /// NOFORN beside a REL or display-only list that is not empty: one of the two is wrong.
    #[error("`NOFORN` and a REL or display-only list exclude each other")]
    NofornWithRel,
    /// More than [`MAX_WORDS`] words.
    #[error("{field}: more than {MAX_WORDS} words")]
    TooLong {
        /// `rel_to`, `caveats`, `originator`, `policy`, `categories`, `display_only` or `derived_from`.
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
            Self::UnknownDisplay { .. } => Rule::DisplayUnknownCode,
            Self::UnknownTlp { .. } => Rule::TlpUnknown,
            Self::UnknownPap { .. } => Rule::PapUnknown,
            Self::BadPolicy { .. } => Rule::PolicyUnknown,
            Self::BadCategory { .. } => Rule::CategoryUnknown,
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
            Self::UnknownDisplay { index, .. } => format!("marking.display_only[{index}]"),
            Self::UnknownTlp { .. } => "marking.tlp".to_owned(),
            Self::UnknownPap { .. } => "marking.pap".to_owned(),
            Self::BadPolicy { .. } => "marking.policy".to_owned(),
            Self::BadCategory { index, .. } => format!("marking.categories[{index}]"),
            Self::NofornWithRel => "marking.caveats".to_owned(),
            Self::TooLong { field } => format!("marking.{field}"),
            Self::NothingToJoin => "marking".to_owned(),
        }
    }
}

impl Label {
    /// Judges the words of a marking in the order length, level, originator, REL list, caveats, contradictions,
    /// display-only list, TLP, PAP, policy, categories. The same word twice is the same word.
    ///
    /// # Errors
    /// When a word is not known exactly as written, a policy or category is malformed, `NOFORN` stands beside a list
    /// of who may have it, or there are more than [`MAX_WORDS`] words in a field.
    pub fn parse(marking: &Marking, codes: &Codes) -> Result<Self, LabelError> {
        bounded(marking)?;
        let level =
            marking.level.parse().map_err(|_| LabelError::UnknownLevel { word: cut(&marking.level) })?;
        let originators = marking
            .originator
            .split(' ')
            .map(|word| codes.country(word))
            .collect::<Option<BTreeSet<_>>>()
            .ok_or_else(|| LabelError::UnknownOriginator { word: cut(&marking.originator) })?;
        let mut rel_to = expand(&marking.rel_to, codes)
            .map_err(|(word, index)| LabelError::UnknownCode { word, index })?;
        let mut caveats = BTreeSet::new();
        for (index, word) in marking.caveats.iter().enumerate() {
            caveats.insert(word.parse().map_err(|_| LabelError::UnknownCaveat { word: cut(word), index })?);
        }
        let noforn = caveats.contains(&Caveat::Noforn);
        if noforn && !(rel_to.is_empty() && marking.display_only.is_empty()) {
            return Err(LabelError::NofornWithRel);
        }
        let mut display_only = expand(&marking.display_only, codes)
            .map_err(|(word, index)| LabelError::UnknownDisplay { word, index })?;
        // A single originator has its own item, so to be shown it says nothing.
        display_only.retain(|country| originators.len() > 1 || !originators.contains(country));
        rel_to.retain(|country| !display_only.contains(country));

        Ok(Self {
            level,
            rel_to,
            caveats,
            originators,
            display_only,
            relido: marking.relido && !noforn,
            tlp: scale(marking.tlp.as_deref()).map_err(|word| LabelError::UnknownTlp { word })?,
            pap: scale(marking.pap.as_deref()).map_err(|word| LabelError::UnknownPap { word })?,
            policies: policies(marking)?,
            categories: categories(marking)?,
            derived_from: marking.derived_from.iter().copied().collect(),
            valid_from: marking.valid_from,
            review: marking.review,
            expires: marking.expires,
        })
    }

    /// The marking that says the same in one spelling: groups expanded, everything sorted, nothing twice.
    pub fn to_marking(&self) -> Marking {
        let codes = |set: &BTreeSet<Country>| set.iter().map(Country::to_string).collect();
        let policies: Vec<&str> = self.policies.iter().map(String::as_str).collect();
        Marking {
            level: self.level.to_string(),
            rel_to: codes(&self.rel_to),
            caveats: self.caveats.iter().map(Caveat::to_string).collect(),
            originator: self.originators.iter().map(Country::as_str).collect::<Vec<_>>().join(" "),
            policy: (!policies.is_empty()).then(|| policies.join(" ")),
            categories: self.categories.iter().cloned().collect(),
            display_only: codes(&self.display_only),
            relido: self.relido,
            tlp: self.tlp.map(|tlp| tlp.to_string()),
            pap: self.pap.map(|pap| pap.to_string()),
            derived_from: self.derived_from.iter().copied().collect(),
            valid_from: self.valid_from,
            review: self.review,
            expires: self.expires,
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

    /// The policies whose words it is written in; none for the words of this program.
    pub fn policies(&self) -> &BTreeSet<String> {
        &self.policies
    }

    /// The restrictive categories, known or not.
    pub fn categories(&self) -> &BTreeSet<String> {
        &self.categories
    }

    /// Who may be shown the item but not be given it; never one of the REL list.
    pub fn display_only(&self) -> &BTreeSet<Country> {
        &self.display_only
    }

    /// Whether a disclosure officer may release it further.
    pub fn relido(&self) -> bool {
        self.relido
    }

    /// How far a holder may pass it on.
    pub fn tlp(&self) -> Option<Tlp> {
        self.tlp
    }

    /// What a holder may do with it.
    pub fn pap(&self) -> Option<Pap> {
        self.pap
    }

    /// The entries from whose markings it was derived.
    pub fn derived_from(&self) -> &BTreeSet<EntryId> {
        &self.derived_from
    }

    /// Before this time nobody else gets it.
    pub fn valid_from(&self) -> Option<Timestamp> {
        self.valid_from
    }

    /// When somebody should look at it again.
    pub fn review(&self) -> Option<Timestamp> {
        self.review
    }

    /// From this time on nobody else gets it.
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// Whether it restricts at least as much as `other`: nobody reaches an item with this label whom one with `other`
    /// would not, and nothing that `other` asks of a holder is lost.
    pub fn restricts_at_least(&self, other: &Self) -> bool {
        let see = |label: &Self| label.rel_to.union(&label.display_only).cloned().collect::<BTreeSet<_>>();
        let noforn = self.caveats.contains(&Caveat::Noforn);
        self.level >= other.level
            && self.rel_to.is_subset(&other.rel_to)
            && see(self).is_subset(&see(other))
            && self.caveats.is_superset(&other.caveats)
            && self.originators.is_superset(&other.originators)
            && self.policies.is_superset(&other.policies)
            && self.categories.is_superset(&other.categories)
            && (!self.relido || other.relido || noforn)
            && self.tlp >= other.tlp
            && self.pap >= other.pap
            && self.valid_from >= other.valid_from
            && other.expires.is_none_or(|end| self.expires.is_some_and(|ours| ours <= end))
    }
}

fn bounded(marking: &Marking) -> Result<(), LabelError> {
    let lengths = [
        ("rel_to", marking.rel_to.len()),
        ("caveats", marking.caveats.len()),
        ("originator", marking.originator.len() / 4),
        ("policy", marking.policy.as_ref().map_or(0, |policy| policy.len() / MAX_WORD_BYTES)),
        ("categories", marking.categories.len()),
        ("display_only", marking.display_only.len()),
        ("derived_from", marking.derived_from.len()),
    ];
    match lengths.into_iter().find(|(_, length)| *length > MAX_WORDS) {
        Some((field, _)) => Err(LabelError::TooLong { field }),
        None => Ok(()),
    }
}

/// The countries of a list, or its first unknown word.
fn expand(words: &[String], codes: &Codes) -> Result<BTreeSet<Country>, (String, usize)> {
    let mut all = BTreeSet::new();
    for (index, word) in words.iter().enumerate() {
        all.append(&mut codes.expand(word).ok_or_else(|| (cut(word), index))?);
    }
    Ok(all)
}

fn scale<T: FromStr>(word: Option<&str>) -> Result<Option<T>, String> {
    word.map(|word| word.parse().map_err(|_| cut(word))).transpose()
}

fn policies(marking: &Marking) -> Result<BTreeSet<String>, LabelError> {
    let Some(words) = &marking.policy else { return Ok(BTreeSet::new()) };
    let sound = |word: &&str| well_formed(word, b":._+@=-");
    match words.split(' ').find(|word| !sound(word)) {
        Some(_) => Err(LabelError::BadPolicy { word: cut(words) }),
        None => Ok(words.split(' ').map(str::to_owned).collect()),
    }
}

fn categories(marking: &Marking) -> Result<BTreeSet<String>, LabelError> {
    for (index, word) in marking.categories.iter().enumerate() {
        if !is_category(word) {
            return Err(LabelError::BadCategory { word: cut(word), index });
        }
    }
    Ok(marking.categories.iter().cloned().collect())
}

/// Whether a word can name a category: so few signs that no format takes it for anything else.
pub(crate) fn is_category(word: &str) -> bool {
    well_formed(word, b":._+@=%- ") && !word.starts_with(' ') && !word.ends_with(' ') && !word.contains("  ")
}

fn well_formed(word: &str, signs: &[u8]) -> bool {
    (1..=MAX_WORD_BYTES).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || signs.contains(&b))
}

/// The label as a line for people, in the order of a CAPCO banner: `RESTRICTED//ORCON/REL TO KOR, USA`.
///
/// The originators lead the REL list, the others follow by code. `EXERCISE//` leads everything, so that nobody
/// takes it for real. A banner is for reading; [`formats::write`](crate::formats::write) gives one to be read again.
pub fn banner(label: &Label) -> String {
    let mut line = String::new();
    if label.caveats.contains(&Caveat::Exercise) {
        line.push_str("EXERCISE//");
    }
    line.push_str(label.level.as_str());
    let categories = label.categories.iter().cloned().collect();
    for group in [categories, controls(label), protocols(label), validity(label)] {
        if !group.is_empty() {
            line.push_str("//");
            line.push_str(&group.join("/"));
        }
    }
    line
}

fn controls(label: &Label) -> Vec<String> {
    let list = |codes: Vec<&str>| codes.join(", ");
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
        parts.push(format!("REL TO {}", list(first.iter().chain(rest).map(Country::as_str).collect())));
    }
    if !label.display_only.is_empty() {
        let shown = label.display_only.iter().map(Country::as_str).collect();
        parts.push(format!("DISPLAY ONLY {}", list(shown)));
    }
    if label.relido {
        parts.push("RELIDO".to_owned());
    }
    parts
}

fn protocols(label: &Label) -> Vec<String> {
    let tlp = label.tlp.map(|tlp| format!("TLP:{tlp}"));
    let pap = label.pap.map(|pap| format!("PAP:{pap}"));
    tlp.into_iter().chain(pap).collect()
}

fn validity(label: &Label) -> Vec<String> {
    let from = label.valid_from.map(|time| format!("FROM {time}"));
    let until = label.expires.map(|time| format!("UNTIL {time}"));
    from.into_iter().chain(until).collect()
}

/// Text from outside is cut before it goes into a message.
fn cut(word: &str) -> String {
    word.chars().take(80).collect()
}
