use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A word or number that stands for no value of a scale.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {scale}; allowed are {allowed}")]
pub struct UnknownWord {
    /// What was given.
    pub word: String,
    /// Which scale.
    pub scale: &'static str,
    /// What may be given.
    pub allowed: &'static str,
}

/// The five beacons: one scale for findings and incidents. Written as the number of lit beacons.
///
/// Joseon's relay lit one fire in peace, two when an enemy was seen, three on approach, four at the border and
/// five in battle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Severity {
    /// 1: nothing out of the ordinary.
    Calm = 1,
    /// 2: something was seen that deserves a look.
    Seen = 2,
    /// 3: it comes closer; somebody should act on it in this watch.
    Approaching = 3,
    /// 4: it is about to do harm; act now.
    AtTheBorder = 4,
    /// 5: harm is being done.
    Attack = 5,
}

impl Severity {
    /// All five, calm first.
    pub const ALL: [Self; 5] = [Self::Calm, Self::Seen, Self::Approaching, Self::AtTheBorder, Self::Attack];

    /// The number of lit beacons, 1 to 5.
    pub const fn beacons(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Calm => "calm",
            Self::Seen => "seen",
            Self::Approaching => "approaching",
            Self::AtTheBorder => "at the border",
            Self::Attack => "attack",
        })
    }
}

impl TryFrom<u8> for Severity {
    type Error = UnknownWord;

    fn try_from(beacons: u8) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|s| s.beacons() == beacons).ok_or_else(|| UnknownWord {
            word: beacons.to_string(),
            scale: "severity",
            allowed: "1 to 5",
        })
    }
}

impl FromStr for Severity {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|s| s.to_string() == word || s.beacons().to_string() == word).ok_or_else(
            || UnknownWord {
                word: word.to_owned(),
                scale: "severity",
                allowed: "1 to 5, calm, seen, approaching, at the border, attack",
            },
        )
    }
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u8(self.beacons())
    }
}

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::try_from(u8::deserialize(from)?).map_err(de::Error::custom)
    }
}

/// How likely something is: the seven bands of ICD 203 (2015), D.6.e.(2)(a). It says nothing about how sure the
/// analyst is of that; that is [`Confidence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likelihood {
    /// 1 to 5 %.
    AlmostNoChance,
    /// 5 to 20 %.
    VeryUnlikely,
    /// 20 to 45 %.
    Unlikely,
    /// 45 to 55 %.
    RoughlyEvenChance,
    /// 55 to 80 %.
    Likely,
    /// 80 to 95 %.
    VeryLikely,
    /// 95 to 99 %.
    AlmostCertain,
}

impl Likelihood {
    /// All seven, least likely first.
    pub const ALL: [Self; 7] = [
        Self::AlmostNoChance,
        Self::VeryUnlikely,
        Self::Unlikely,
        Self::RoughlyEvenChance,
        Self::Likely,
        Self::VeryLikely,
        Self::AlmostCertain,
    ];

    /// Lower and upper edge of the band in percent.
    pub const fn percent(self) -> (u8, u8) {
        match self {
            Self::AlmostNoChance => (1, 5),
            Self::VeryUnlikely => (5, 20),
            Self::Unlikely => (20, 45),
            Self::RoughlyEvenChance => (45, 55),
            Self::Likely => (55, 80),
            Self::VeryLikely => (80, 95),
            Self::AlmostCertain => (95, 99),
        }
    }
}

/// How sure the analyst is of a judgement, apart from how likely the judged thing is (ICD 203, D.6.e.(2)(b)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Thin or doubtful evidence.
    Low,
    /// Credible evidence that leaves room for other readings.
    Moderate,
    /// Strong evidence from good sources.
    High,
}

impl Confidence {
    /// All three, low first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Moderate, Self::High];
}
