use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::UnknownWord;

/// How soon a message must be there, in the four steps of military message handling (ACP 121): flash goes first.
///
/// The order is that of sending: `Flash < Immediate < Priority < Routine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precedence {
    /// A warning that people act on in this minute.
    Flash,
    /// It changes what a watch does now.
    Immediate,
    /// It is wanted before the routine.
    Priority,
    /// All else.
    Routine,
}

impl Precedence {
    /// All four, in the order of sending.
    pub const ALL: [Self; 4] = [Self::Flash, Self::Immediate, Self::Priority, Self::Routine];

    /// The word in lower case.
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

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|p| p.as_str() == word).ok_or_else(|| UnknownWord {
            word: word.to_owned(),
            scale: "precedence",
            allowed: "flash, immediate, priority, routine",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_order_and_json_agree() {
        let mut sorted = Precedence::ALL;
        sorted.sort_unstable();
        assert_eq!(sorted, Precedence::ALL);
        for precedence in Precedence::ALL {
            assert_eq!(precedence.as_str().parse(), Ok(precedence));
            let json = serde_json::to_string(&precedence).unwrap();
            assert_eq!(json, format!("\"{precedence}\""));
            assert_eq!(serde_json::from_str::<Precedence>(&json).unwrap(), precedence);
        }
        assert!("FLASH".parse::<Precedence>().is_err());
    }
}
