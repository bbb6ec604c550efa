use serde::{Deserialize, Serialize};

use crate::{EntryId, Facts};

/// The release marking as it travels with an item: words, not yet judged.
///
/// A marking may hold words that this version does not know, because it may come from a later one or from
/// another nation. Room `label` judges it, and what it cannot read it withholds. The words are kept as they came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marking {
    /// The level word, say `RESTRICTED`.
    pub level: String,
    /// Who beside the originator's own country may have it: country codes. Empty reaches nobody.
    pub rel_to: Vec<String>,
    /// Further restrictions, say `NOFORN` or `ORCON`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caveats: Vec<String>,
    /// The country code of the owner; several with one space between for an item derived from items of several.
    pub originator: String,
}

impl Marking {
    /// A marking without caveats.
    pub fn new(level: &str, rel_to: &[&str], originator: &str) -> Self {
        Self {
            level: level.to_owned(),
            rel_to: rel_to.iter().map(|s| (*s).to_owned()).collect(),
            caveats: Vec::new(),
            originator: originator.to_owned(),
        }
    }
}

/// Something that carries a marking and rests on evidence. Room `label` decides on anything that is `Marked`.
pub trait Marked {
    /// The marking; `None` when it is missing or cannot be read, which withholds the item.
    fn marking(&self) -> Option<&Marking>;

    /// The entries it rests on.
    fn evidence(&self) -> &[EntryId];

    /// What a policy may look at; `None` when it cannot be told, which withholds the item where a policy is in force.
    fn facts(&self) -> Option<Facts> {
        None
    }
}

impl<T: Marked + ?Sized> Marked for &T {
    fn marking(&self) -> Option<&Marking> {
        (**self).marking()
    }

    fn evidence(&self) -> &[EntryId] {
        (**self).evidence()
    }

    fn facts(&self) -> Option<Facts> {
        (**self).facts()
    }
}
