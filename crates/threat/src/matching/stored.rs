use base::Timestamp;

use super::{Hit, HitLine, MatchOptions, Matcher, Scan};
use crate::logs::{LineReader, LineShape};

/// A line that a store gives back, as [`crate::log_lines`] gave it.
#[derive(Debug, Clone, Copy)]
pub struct StoredLine<'b> {
    /// The physical line, from 1; in EVTX the record.
    pub line: u64,
    /// Its first byte in the unpacked log, from 0.
    pub offset: u64,
    /// When, as the line said.
    pub time: Option<Timestamp>,
    /// Its bytes.
    pub bytes: &'b [u8],
    /// How it is read. Lines of one log share one: what is read anew for each costs time.
    pub shape: &'b LineShape,
}

/// Searches lines that were taken out of their logs. Each gives the hits that [`crate::match_log`] finds in it where it
/// stood; faults were told when the log was read.
pub fn match_stored<'b>(
    lines: &mut dyn Iterator<Item = StoredLine<'b>>,
    matcher: &Matcher<'_>,
    options: &MatchOptions,
    each: &mut dyn FnMut(&Hit, &HitLine<'_>),
) {
    let mut scan = Scan::new(matcher, options, each);
    let mut last: Option<(&LineShape, LineReader)> = None;
    for line in lines {
        let mut known = last.take().filter(|(shape, _)| std::ptr::eq(*shape, line.shape));
        let (_, reader) = known.get_or_insert_with(|| (line.shape, LineReader::new(line.shape, &scan)));
        scan.known_time(line.time);
        reader.read(line.bytes, line.line, line.offset, &mut scan);
        last = known;
    }
}
