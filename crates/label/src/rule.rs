use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is the code of no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{code}` is no rule of the label kernel")]
pub struct UnknownRule {
    /// What was given, cut after 80 characters.
    pub code: String,
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $value:ident = $code:literal),+ $(,)?) => {
        /// The rule that withheld an item, with a stable dotted code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $($(#[doc = $doc])+ #[doc = concat!(" Code `", $code, "`.")] $value),+
        }

        impl Rule {
            /// All rules in the order in which they are looked at.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The stable code.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $code),+
                }
            }

            /// What the rule says, in words for people.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$value => concat!($($doc),+).trim_ascii()),+
                }
            }
        }
    };
}

rules! {
    /// The owner took the item back.
    Recalled = "recalled",
    /// The item has no marking, or one that cannot be read.
    MarkingMissing = "marking.missing",
    /// The marking has more words than this version reads.
    MarkingTooLong = "marking.too_long",
    /// The level is no word of this version.
    LevelUnknown = "level.unknown",
    /// The originator is no country of the table.
    OriginatorUnknown = "originator.unknown",
    /// A word of the REL list is neither a country nor a group of the table.
    RelUnknownCode = "rel.unknown_code",
    /// A caveat is no word of this version.
    CaveatUnknown = "caveat.unknown",
    /// NOFORN beside a REL list contradicts itself.
    CaveatNofornWithRel = "caveat.noforn_with_rel",
    /// A word of the display-only list is neither a country nor a group of the table.
    DisplayUnknownCode = "display.unknown_code",
    /// The word of the Traffic Light Protocol is none of this version.
    TlpUnknown = "tlp.unknown",
    /// The word of the Permissible Actions Protocol is none of this version.
    PapUnknown = "pap.unknown",
    /// The policy is not in the table, or its name is malformed.
    PolicyUnknown = "policy.unknown",
    /// A restrictive category is not in the table, or is malformed.
    CategoryUnknown = "category.unknown",
    /// The item, or part of it, belongs to somebody who is neither we nor the audience.
    OriginatorOther = "originator.other",
    /// Part of the item belongs to another, and only the originator may release it.
    CaveatOrcon = "caveat.orcon",
    /// The level is above what the audience is cleared for.
    LevelAboveClearance = "level.above_clearance",
    /// NOFORN.
    CaveatNoforn = "caveat.noforn",
    /// The audience's country is not read in to a restrictive category.
    CategoryNotHeld = "category.not_held",
    /// TLP:RED is for named persons; a node stands for an organisation.
    TlpRed = "tlp.red",
    /// Part of the item belongs to another, who keeps it within its organisation.
    TlpAmberStrict = "tlp.amber_strict",
    /// The item is not to be given away yet.
    ValidityNotYet = "validity.not_yet",
    /// The item is no longer to be given away.
    ValidityExpired = "validity.expired",
    /// The audience may be shown the item, but not be given it.
    DisplayOnly = "display.only",
    /// The REL list is empty, which reaches nobody.
    RelEmpty = "rel.empty",
    /// The audience's country is not in the REL list.
    RelNotListed = "rel.not_listed",
    /// The item rests on more entries than are looked at.
    EvidenceTooMany = "evidence.too_many",
    /// An entry that the item rests on is not held here.
    EvidenceUnknown = "evidence.unknown",
    /// An entry that the item rests on was taken back.
    EvidenceRecalled = "evidence.recalled",
    /// An entry that the item rests on may not go to the audience; the cause says why.
    EvidenceWithheld = "evidence.withheld",
    /// An entry that the item rests on has a higher level than what rests on it.
    EvidenceLevel = "evidence.level",
    /// An entry that the item rests on has a caveat that what rests on it lost.
    EvidenceCaveat = "evidence.caveat",
    /// An entry that the item rests on has a restrictive category that what rests on it lost.
    EvidenceCategory = "evidence.category",
    /// An entry that the item rests on has a narrower TLP than what rests on it.
    EvidenceTlp = "evidence.tlp",
    /// An entry that the item rests on permits less than what rests on it.
    EvidencePap = "evidence.pap",
    /// An entry that the item rests on expires before what rests on it.
    EvidenceValidity = "evidence.validity",
    /// A national policy that is in force could not be read, so nothing may go out.
    PolicyUnreadable = "policy.unreadable",
    /// The item does not tell what it is and what it is about, which the national policy asks.
    PolicyNoFacts = "policy.no_facts",
    /// The national policy could not be evaluated to the end.
    PolicyError = "policy.error",
    /// The national policy forbids it.
    PolicyForbid = "policy.forbid",
    /// No permit of the national policy covers it.
    PolicyNoPermit = "policy.no_permit",
}

impl Rule {
    /// Whether it is the word of a national policy, which another policy may change, and not of the kernel.
    pub const fn is_of_national_policy(self) -> bool {
        matches!(
            self,
            Self::PolicyUnreadable
                | Self::PolicyNoFacts
                | Self::PolicyError
                | Self::PolicyForbid
                | Self::PolicyNoPermit
        )
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(code: &str) -> Result<Self, UnknownRule> {
        Self::ALL
            .iter()
            .copied()
            .find(|rule| rule.as_str() == code)
            .ok_or_else(|| UnknownRule { code: code.chars().take(80).collect() })
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// Why an item stays back.
///
/// **For the owner's eyes only.** The rule and the path tell about an item that the audience must not even know to
/// exist: keep this in the owner's log and on the owner's screen, and answer an audience as if the item were absent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// The first rule that held it back.
    pub rule: Rule,
    /// What the rule looked at: `item`, `marking.rel_to[1]`, `evidence[0]`, `evidence[0].evidence[2]`; for the
    /// rules of a national policy which one: `policy/kor-national/3#exercise-stays`.
    pub path: String,
    /// For [`Rule::EvidenceWithheld`]: the rule that holds the evidence back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Rule>,
}

impl Withheld {
    /// Why, in words: what the rule means, and for evidence what the rule means that holds it back.
    pub fn meaning(&self) -> String {
        match self.cause {
            Some(cause) => format!("{} {}", self.rule.meaning(), cause.meaning()),
            None => self.rule.meaning().to_owned(),
        }
    }
}

/// For the owner's log; see [`Withheld`] before you send it anywhere.
impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "withheld by {} at {}", self.rule, self.path)?;
        match self.cause {
            Some(cause) => write!(f, " ({cause})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Withheld {}
