//! Logs of the past, kept in Parquet beside a table of what stands in them, so that a new indicator is searched for in
//! all of them at once.
//!
//! An [`Indexer`] takes logs into a folder, a [`Store`] is such a folder with its indicators to be hunted. A hunt gives
//! the hits that `threat::match_log` gives over the same logs: the tables of keys only say which blocks of lines need not
//! be opened, and in those that are, each line is read once more by the reader of its log
//! ([decision 0024](https://github.com/bongsu/bongsu/blob/main/docs/decisions/0024-retro-hunt.md)).
//!
//! **Invariant:** a file of a store that has its name never changes; what is in no manifest is in no hunt. There is no
//! clock, socket or thread here but the pool that is handed in; files are touched in the folder of the store only.

mod disk;
mod error;
mod events;
mod index;
mod keys;
mod limits;
mod manifest;
mod recognise;
mod search;
mod segment;
mod tap;

pub use error::HuntError;
pub use index::{Indexed, Indexer, OpenLog, Taken};
pub use limits::IndexLimits;
pub use manifest::{KeptLog, KeptSegment, Next, Part, STORE_SCHEMA};
pub use search::{HuntOptions, HuntSummary, Progress, Store};
