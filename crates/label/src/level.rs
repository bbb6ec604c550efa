use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A word that stands for nothing on one of the scales of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {scale}; allowed are {allowed}")]
pub struct UnknownWord {
    /// What was given, cut after 80 characters.
    pub word: String,
    /// `level`, `caveat`, `TLP` or `PAP`.
    pub scale: &'static str,
    /// What may be given.
    pub allowed: &'static str,
}

macro_rules! words {
    ($name:ident, $scale:literal, $allowed:literal, [$($value:ident = $word:literal),+ $(,)?]) => {
        impl $name {
            /// All of them in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The word as it stands in a marking.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word),+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            /// Exactly the word: no other case, no abbreviation, no space around it. A spelling that had to be
            /// guessed would be a guess about who may have an item.
            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word).ok_or_else(|| UnknownWord {
                    word: word.chars().take(80).collect(),
                    scale: $scale,
                    allowed: $allowed,
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

/// How much harm the loss of an item would do, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `UNCLASSIFIED`
    Unclassified,
    /// `RESTRICTED`
    Restricted,
    /// `CONFIDENTIAL`
    Confidential,
    /// `SECRET`
    Secret,
    /// `TOP SECRET`
    TopSecret,
}

words!(
    Level,
    "level",
    "UNCLASSIFIED, RESTRICTED, CONFIDENTIAL, SECRET, TOP SECRET",
    [
        Unclassified = "UNCLASSIFIED",
        Restricted = "RESTRICTED",
        Confidential = "CONFIDENTIAL",
        Secret = "SECRET",
        TopSecret = "TOP SECRET",
    ]
);

/// A restriction beside level and REL list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Caveat {
    /// `EXERCISE`: not real. It restricts nobody, but it must never be lost on the way.
    Exercise,
    /// `NOFORN`: reaches no other node, whatever else is written.
    Noforn,
    /// `ORCON`: only the originator releases it, and everything derived from it.
    Orcon,
}

words!(
    Caveat,
    "caveat",
    "EXERCISE, NOFORN, ORCON",
    [Exercise = "EXERCISE", Noforn = "NOFORN", Orcon = "ORCON",]
);

/// How far a holder may pass an item on: Traffic Light Protocol 2.0 (FIRST, August 2022), widest first.
///
/// It says nothing about who gets the item in the first place: that is the REL list's matter, and no word here
/// widens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tlp {
    /// `CLEAR`: no limit.
    Clear,
    /// `GREEN`: within the community.
    Green,
    /// `AMBER`: within the organisation and to its clients.
    Amber,
    /// `AMBER+STRICT`: within the organisation.
    AmberStrict,
    /// `RED`: for the individual recipients only. A node stands for an organisation, so no other node gets it.
    Red,
}

words!(
    Tlp,
    "TLP",
    "CLEAR, GREEN, AMBER, AMBER+STRICT, RED",
    [Clear = "CLEAR", Green = "GREEN", Amber = "AMBER", AmberStrict = "AMBER+STRICT", Red = "RED"]
);

/// What a holder may do with an item: Permissible Actions Protocol, most permitted first. Each word permits less than
/// the one before it, so the intersection of what two permit is the narrower word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pap {
    /// `CLEAR`: anything.
    Clear,
    /// `GREEN`: also active measures, such as blocking or probing the other side.
    Green,
    /// `AMBER`: also look-ups with third parties.
    Amber,
    /// `RED`: only what cannot be seen from outside, such as searching one's own logs.
    Red,
}

words!(
    Pap,
    "PAP",
    "CLEAR, GREEN, AMBER, RED",
    [Clear = "CLEAR", Green = "GREEN", Amber = "AMBER", Red = "RED"]
);
