//! Looks up the fields of logs among indicators, and makes nouns of what is found.

mod clean;
mod gather;
mod hit;
mod matcher;
mod nouns;
mod scan;
mod stored;
mod words;

pub use gather::{AfterLine, LogLine, LogLines, LogPosition, log_lines};
pub use hit::{Hit, HitContext, HitLine};
pub use matcher::{MatchOptions, MatchSummary, Matcher, match_log};
pub use nouns::{Sighting, finding_of_hit, observation_of_hit, sightings_of_hit};
pub(crate) use scan::Scan;
pub use stored::{StoredLine, match_stored};
