//! Looks up the fields of logs among indicators, and makes nouns of what is found.

mod clean;
mod events;
mod gather;
mod group;
mod hit;
mod matcher;
mod nouns;
mod scan;
mod stored;
mod words;

pub use events::{LogEvent, read_events};
pub use gather::{AfterLine, LogLine, LogLines, LogPosition, log_lines};
pub use group::{HitGroup, HitGroups};
pub use hit::{Hit, HitContext, HitLine};
pub use matcher::{MatchOptions, MatchSummary, Matcher, match_log};
pub use nouns::{Sighting, finding_of_hits, observation_of_event, observation_of_hits, sightings_of_hits};
pub(crate) use scan::Scan;
pub use stored::{StoredLine, match_stored};
