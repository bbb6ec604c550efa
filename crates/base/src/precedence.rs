use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::UnknownWord;

/// How urgent an item is on its way to an ally (ACP 127): what is more urgent never waits behind what is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precedence {
    /// An attack, or a recall.
    Flash,
    /// About to do harm.
    Immediate,
    /// Somebody should act on it in this watch.
    Priority,
    /// All else.
    Routine,
}

impl Precedence {
    /// All four, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Flash, Self::Immediate, Self::Priority, Self::Routine];

    /// The word, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flash => "flash",
            Self::Immediate => "immediate",
            Self::Priority => "priority",
            Self::Routine => "routine",
        }
    }
}

impl fmt::Display for Precedence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Precedence {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|p| p.as_str() == text).ok_or_else(|| UnknownWord { word: text.to_owned(), scale: "precedence", allowed: "flash, immediate, priority, routine" })
    }
}
