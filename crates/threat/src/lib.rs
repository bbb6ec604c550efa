//! Cyber threat intelligence: indicators of compromise against logs.
//!
//! **Invariant:** there is no clock, file, socket or thread here, and no hit by a substring where the field has a type.

mod indicator;
mod lines;
mod logs;
mod matching;

pub use indicator::{
    Change, Indicator, IndicatorError, IndicatorFormat, IndicatorKind, IndicatorReader, IndicatorSet,
    IndicatorsRead, Origin, OriginId, SetBuilder, SetError, SetStatistics, Validity, Warninglists,
    indicators_in_pattern,
};
pub use logs::{FieldType, LogFormat, detect_log_format, field_type};
pub use matching::{
    Hit, HitContext, HitLine, MatchOptions, MatchSummary, Matcher, Sighting, finding_of_hit, match_log,
    observation_of_hit, sightings_of_hit,
};
