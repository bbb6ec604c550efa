use serde::{Deserialize, Serialize};

use crate::{EntryId, Facts, Timestamp};

/// The release marking as it travels with an item: words, not yet judged.
///
/// A marking may hold words that this version does not know, because it may come from a later one or from
/// another nation. Room `label` judges it, and what it cannot read it withholds. The words are kept as they came.
///
/// Everything after `originator` is optional: what is absent is not written, so that a marking without it has the
/// bytes that it always had. Start from [`Marking::new`] or `..Marking::default()`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// The policy whose words these are, `id` or `id@version`; several with one space between for an item derived
    /// from items under several. Absent: the words of this program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Restrictive categories (compartments, national controls), say `SCI:SI`: whoever has the item must be read
    /// in to each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Who may be shown the item but never be given it: country and group codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub display_only: Vec<String>,
    /// Whether a disclosure officer may release it further (`RELIDO`). It releases nothing by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub relido: bool,
    /// The word of the Traffic Light Protocol 2.0, say `AMBER+STRICT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlp: Option<String>,
    /// The word of the Permissible Actions Protocol, say `AMBER`: what a holder may do with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pap: Option<String>,
    /// The entries from whose markings this one was derived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived_from: Vec<EntryId>,
    /// Before this time nobody else may have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// When somebody should look at the marking again. It decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Timestamp>,
    /// From this time on it is given to nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Marking {
    /// A marking without caveats.
    pub fn new(level: &str, rel_to: &[&str], originator: &str) -> Self {
        Self {
            level: level.to_owned(),
            rel_to: rel_to.iter().map(|s| (*s).to_owned()).collect(),
            originator: originator.to_owned(),
            ..Self::default()
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
