//! The client's side without HTTP: what to ask a server next, how its answers are read, and when to try again.
//!
//! **Invariant:** a place never lies behind an object that was not handed over, and no server, however wrong its
//! answers are, keeps a walk going for ever.

mod page;
mod place;
mod pull;
mod remote;
mod retry;

pub use page::{Page, match_query, read_page};
pub use place::PullPlace;
pub use pull::{Ask, PageFacts, Pull, PullFault, Step};
pub use remote::{
    RemoteCollection, RemoteRoot, RemoteStatus, Served, StatusItem, read_collections, read_status,
};
pub use retry::{CREDENTIALS_WAIT_SECONDS, MOST_WAIT_SECONDS, Trouble, wait_seconds};
