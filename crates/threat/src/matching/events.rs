use std::io::{self, Read};

use base::Timestamp;
use serde_json::Value;

use super::{Hit, HitLine, MatchOptions, MatchSummary, Matcher, Scan};
use crate::indicator::SetBuilder;
use crate::lines::Lines;
use crate::logs;

/// A line of a log as an object, whatever the log's format.
///
/// Lines of JSON and records of EVTX are objects; cells of a table stand under the names of its head, those of Zeek with
/// their numbers as numbers and without what is unset; a line of plain text is `{"message": ..}`.
#[derive(Debug, Clone, Copy)]
pub struct LogEvent<'e> {
    /// The physical line, from 1, head lines counted; in EVTX the record.
    pub line: u64,
    /// Its first byte in the unpacked log, from 0.
    pub offset: u64,
    /// The bytes of the line, in EVTX the event as JSON: the evidence.
    pub bytes: &'e [u8],
    /// The line as an object.
    pub object: &'e Value,
    /// When, as far as the line says.
    pub time: Option<Timestamp>,
    /// In a table of Zeek, the path of the log: `dns`.
    pub zeek_path: Option<&'e str>,
}

/// Reads a log of any known format, line by line with bounded memory, and gives each line to `each` as an object.
///
/// # Errors
/// When the stream cannot be read. What is wrong within the log is a fault.
pub fn read_events(
    input: &mut dyn Read,
    log: &str,
    each: &mut dyn FnMut(&LogEvent<'_>),
) -> io::Result<MatchSummary> {
    // Nothing is looked for: no secret is needed.
    let set = SetBuilder::new([0; 32]).finish().map_err(io::Error::other)?;
    let matcher = Matcher { set: &set, warninglists: None };
    let options = MatchOptions { log: log.to_owned(), suppressed: false };
    let mut no_hit = |_: &Hit, _: &HitLine<'_>| {};
    let mut lines = Lines::new(input);
    let mut scan = Scan::new(&matcher, &options, &mut no_hit).with_events(each);
    let format = logs::read(&mut lines, &mut scan)?;
    Ok(scan.summary(format))
}
