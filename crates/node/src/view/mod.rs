//! Who sees what. Every read of the record's content goes through a [`View`], and each view has a database of its own,
//! which holds the entries of that view and nothing else: there is no condition that a query could forget.
//!
//! A view is a log: the owner's is the home log, a peer's is what was released to it and what came from it, a user's
//! is the home log up to a clearance. [`Fold`] takes a log in, entry by entry, and computes everything that pages
//! show (counts, facets, what was recalled or replaced) from that log alone. So what a view does not hold can change
//! nothing in it: no number, no order, no count, and no time that a look-up takes.
//!
//! The databases are derived: they lie in `views/` of the data folder and are built again from the record when they
//! are absent, older or of another format.

mod content;
mod decisions;
mod fold;
mod nearby;
mod owner;
mod pool;
mod rows;
mod schema;
mod step;
mod words;

use base::NodeName;
use label::Level;

pub(crate) use content::Prepared;
pub(crate) use fold::{Fold, Intake, Mark};
pub(crate) use owner::{Decided, OwnerRows};
pub(crate) use pool::{Opened, Reader, Views};
pub(crate) use rows::{Noun, Row, Rows};

/// Whose eyes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum View {
    /// The node's owner: the whole home log.
    Owner,
    /// A person of this organisation: the home log up to a level.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "accounts have clearances; today's one officer is the owner")
    )]
    User(Level),
    /// An ally: what was released to it and what came from it, in the order in which it was.
    Peer(NodeName),
}

impl View {
    /// The name of its files, unique among views: the names of nodes hold no dot and no slash.
    fn file(&self) -> String {
        match self {
            Self::Owner => "owner".to_owned(),
            Self::User(level) => format!("user.{}", level.as_str().to_lowercase().replace(' ', "-")),
            Self::Peer(peer) => format!("peer.{peer}"),
        }
    }

    /// Whether it is of people of this node.
    const fn is_at_home(&self) -> bool {
        !matches!(self, Self::Peer(_))
    }

    /// Whether what was taken back keeps its content in this view: only for an own item, and only at home.
    const fn keeps(&self, own: bool) -> bool {
        own && self.is_at_home()
    }
}
