//! Roles of people at a node. A role is a bundle of rows of the [table](super::table); none contains another.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person may be at a node. A person may have several; what each may do stands in `docs/reference/roles.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Reads what the node holds.
    Observer,
    /// Reads, reports, takes in feeds and starts analyses.
    Analyst,
    /// Reads, sees what was withheld and why, and takes back what was released.
    ReleaseOfficer,
    /// Reads, introduces peers and checks the record.
    KeyHolder,
    /// Keeps the accounts and reads the list of acts; reads nothing of the content.
    Administrator,
}

impl Role {
    /// All of them, in their order.
    pub const ALL: [Self; 5] =
        [Self::Observer, Self::Analyst, Self::ReleaseOfficer, Self::KeyHolder, Self::Administrator];

    /// The word that stands in files, requests and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observer => "observer",
            Self::Analyst => "analyst",
            Self::ReleaseOfficer => "release-officer",
            Self::KeyHolder => "key-holder",
            Self::Administrator => "administrator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no role.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not observer, analyst, release-officer, key-holder or administrator")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or_else(|| UnknownRole(word.to_owned()))
    }
}

/// The roles of one person.
pub(crate) type Roles = BTreeSet<Role>;
