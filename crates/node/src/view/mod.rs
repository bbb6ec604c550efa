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
use label::Clearance;
use sha2::{Digest, Sha256};

pub(crate) use content::Prepared;
pub(crate) use fold::{Fold, Intake, Mark};
pub(crate) use owner::{Decided, OwnerRows};
pub(crate) use pool::{Opened, Reader, Views};
pub(crate) use rows::{Noun, Row, Rows};

/// With this the files of people's views begin.
const USER: &str = "user.";

/// Whose eyes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum View {
    /// The node's owner: the whole home log.
    Owner,
    /// People of this organisation with one clearance: what it admits of the home log.
    User(Clearance),
    /// An ally: what was released to it and what came from it, in the order in which it was.
    Peer(NodeName),
}

impl View {
    /// The name of its files, unique among views: the names of nodes hold no dot and no slash.
    fn file(&self) -> String {
        match self {
            Self::Owner => "owner".to_owned(),
            Self::User(clearance) => {
                let level = clearance.level.as_str().to_lowercase().replace(' ', "-");
                // Its words may be longer than a file's name, and hold what no name may.
                let text = serde_json::to_vec(clearance).unwrap_or_default();
                format!("{USER}{level}.{}", &hex::encode(Sha256::digest(text))[..16])
            }
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
