use serde::{Deserialize, Serialize};

/// How far a source has earned trust: the letter of the Admiralty code (NATO AJP-2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reliability {
    /// Completely reliable.
    A,
    /// Usually reliable.
    B,
    /// Fairly reliable.
    C,
    /// Not usually reliable.
    D,
    /// Unreliable.
    E,
    /// Cannot be judged.
    F,
}

/// How far one piece of information is borne out: the digit of the Admiralty code. Written as 1 to 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Credibility {
    /// 1: confirmed by other independent sources.
    Confirmed,
    /// 2: probably true.
    ProbablyTrue,
    /// 3: possibly true.
    PossiblyTrue,
    /// 4: doubtful.
    Doubtful,
    /// 5: improbable.
    Improbable,
    /// 6: truth cannot be judged.
    CannotBeJudged,
}

impl Credibility {
    /// All six, confirmed first.
    pub const ALL: [Self; 6] = [
        Self::Confirmed,
        Self::ProbablyTrue,
        Self::PossiblyTrue,
        Self::Doubtful,
        Self::Improbable,
        Self::CannotBeJudged,
    ];
}

impl From<Credibility> for u8 {
    fn from(credibility: Credibility) -> u8 {
        credibility as u8 + 1
    }
}

impl TryFrom<u8> for Credibility {
    type Error = String;

    fn try_from(digit: u8) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|c| u8::from(*c) == digit)
            .ok_or_else(|| format!("`{digit}` is no Admiralty credibility; allowed are 1 to 6"))
    }
}

/// Where something came from, with its Admiralty grade, say `B2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The name of the source: a feed, a file, a person's role.
    pub name: String,
    /// The letter.
    pub reliability: Reliability,
    /// The digit.
    pub credibility: Credibility,
}

impl Source {
    /// A source of which nothing is known yet: F6.
    pub fn ungraded(name: impl Into<String>) -> Self {
        Self { name: name.into(), reliability: Reliability::F, credibility: Credibility::CannotBeJudged }
    }

    /// The grade as written by people, say `F6`.
    pub fn grade(&self) -> String {
        format!("{:?}{}", self.reliability, u8::from(self.credibility))
    }
}
