use std::io::{self, Read};

use base::Fault;

use super::{Hit, HitLine, Scan};
use crate::indicator::{IndicatorSet, Warninglists};
use crate::lines::Lines;
use crate::logs::{self, LogFormat};

/// What is looked for and what is passed over.
#[derive(Clone, Copy)]
pub struct Matcher<'s> {
    /// The indicators.
    pub set: &'s IndicatorSet,
    /// Values that raise no alarm.
    pub warninglists: Option<&'s Warninglists>,
}

/// How one log is matched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchOptions {
    /// What the log is called in hits and faults.
    pub log: String,
    /// Give suppressed hits too; they say by which list.
    pub suppressed: bool,
}

/// What a log gave.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchSummary {
    /// What it was read as.
    pub format: LogFormat,
    /// Lines (records in EVTX) that were searched.
    pub lines: u64,
    /// Bytes of these lines.
    pub bytes: u64,
    /// Hits that count.
    pub hits: u64,
    /// Hits that a warninglist suppressed.
    pub suppressed: u64,
    /// What could not be read; those beyond 10,000 are told as one.
    pub faults: Vec<Fault>,
}

/// Searches a log of any known format, line by line with bounded memory, and gives each hit to `each` as it is found.
///
/// # Errors
/// When the stream cannot be read. What is wrong within the log is a fault.
pub fn match_log(
    input: &mut dyn Read,
    matcher: &Matcher<'_>,
    options: &MatchOptions,
    each: &mut dyn FnMut(&Hit, &HitLine<'_>),
) -> io::Result<MatchSummary> {
    let mut lines = Lines::new(input);
    let mut scan = Scan::new(matcher, options, each);
    let format = logs::read(&mut lines, &mut scan)?;
    Ok(scan.summary(format))
}
