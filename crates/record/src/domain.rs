use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether something happened or is played. The two are signed under different DSSE payload types, so that no
/// signature of one can ever stand for the other, and no record holds both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    /// It happened.
    #[default]
    Live,
    /// EXERCISE EXERCISE EXERCISE.
    Exercise,
}

impl Domain {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Live, Self::Exercise];

    /// The word, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Exercise => "exercise",
        }
    }

    /// The `payloadType` of an entry's DSSE envelope.
    pub const fn payload_type(self) -> &'static str {
        match self {
            Self::Live => "application/vnd.bongsu.entry+json",
            Self::Exercise => "application/vnd.bongsu.exercise-entry+json",
        }
    }

    /// The schema name of an entry.
    pub const fn entry_schema(self) -> &'static str {
        match self {
            Self::Live => "bongsu.entry/1",
            Self::Exercise => "bongsu.exercise-entry/1",
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
