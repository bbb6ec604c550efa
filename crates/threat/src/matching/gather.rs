//! The other side of the look-up: what a line would be asked for, as keys for a store of old logs.

use std::io::{self, Read};
use std::sync::Arc;

use base::{Fault, Timestamp};

use super::{MatchOptions, Matcher, Scan};
use crate::indicator::{self, IndicatorKind, SetBuilder, SetError};
use crate::lines::Lines;
use crate::logs::{self, LineShape, LogFormat};

/// One line of a log, for a store.
#[derive(Debug, Clone, Copy)]
pub struct LogLine<'b> {
    /// The physical line, from 1; in EVTX the record.
    pub line: u64,
    /// Its first byte in the unpacked log, from 0.
    pub offset: u64,
    /// When, as far as the line says.
    pub time: Option<Timestamp>,
    /// Its bytes without the line break; in EVTX the event as JSON.
    pub bytes: &'b [u8],
    /// How it is to be read when it stands alone.
    pub shape: &'b Arc<LineShape>,
    /// The keys of its values, as [`crate::SearchKeys`] has them, save those that an earlier line of the block gave. Some may
    /// come twice.
    pub keys: &'b [u64],
}

/// What follows a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterLine {
    /// The same block.
    Same,
    /// A new block: all keys are given anew.
    NewBlock,
}

/// Where the reading of a log goes on when it has grown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPosition {
    /// The physical line, from 1.
    pub line: u64,
    /// Its first byte in the unpacked log, from 0.
    pub offset: u64,
    /// What the head of the log said up to there.
    pub shape: Arc<LineShape>,
}

/// What a log gave.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLines {
    /// What it was read as; when reading went on, what it is known to be.
    pub format: LogFormat,
    /// Lines that were given.
    pub lines: u64,
    /// Where to go on when the log has grown: the next line, or the last one once more when its end may be missing. Absent
    /// for logs that can only be read as a whole, and for empty ones.
    pub next: Option<LogPosition>,
    /// What could not be read; those beyond 10,000 are told as one.
    pub faults: Vec<Fault>,
}

/// Reads a log of any known format with bounded memory and gives its lines with their keys to `each`. `from` is a
/// position that an earlier reading ended with; `input` then begins at its offset.
///
/// # Errors
/// When the stream cannot be read. What is wrong within the log is a fault.
pub fn log_lines(
    input: &mut dyn Read,
    log: &str,
    from: Option<&LogPosition>,
    each: &mut dyn FnMut(&LogLine<'_>) -> AfterLine,
) -> io::Result<LogLines> {
    let nothing =
        SetBuilder::new([0; 32]).finish().map_err(|error: SetError| io::Error::other(error.to_string()))?;
    let matcher = Matcher { set: &nothing, warninglists: None };
    let options = MatchOptions { log: log.to_owned(), suppressed: false };
    let mut found = |_: &super::Hit, _: &super::HitLine<'_>| {};
    let mut scan = Scan::new(&matcher, &options, &mut found);
    let shape = from.map_or_else(|| Arc::new(LineShape::Text), |position| Arc::clone(&position.shape));
    scan.gather(Gather::new(shape, each));
    let mut lines = match from {
        Some(position) => Lines::at(input, position.line, position.offset),
        None => Lines::new(input),
    };
    let format = match from {
        Some(position) => logs::read_on(&mut lines, &position.shape, &mut scan)?,
        None => logs::read(&mut lines, &mut scan)?,
    };
    let next = scan.next_position(lines.next_line());
    let summary = scan.summary(format);
    Ok(LogLines { format, lines: summary.lines, next, faults: summary.faults })
}

/// Gathers the keys of a line.
pub(super) struct Gather<'w> {
    each: &'w mut dyn FnMut(&LogLine<'_>) -> AfterLine,
    shape: Arc<LineShape>,
    /// The shape before the line that was begun last, and whether that line may go on.
    before: Arc<LineShape>,
    unfinished: bool,
    keys: Vec<u64>,
    /// Keys that were given in this block, each at the place of its last bits: what is given twice is only a waste.
    given: Vec<u64>,
    scratch: Vec<u8>,
}

const GIVEN: usize = 1 << 13;

impl<'w> Gather<'w> {
    fn new(shape: Arc<LineShape>, each: &'w mut dyn FnMut(&LogLine<'_>) -> AfterLine) -> Self {
        Self {
            each,
            before: Arc::clone(&shape),
            shape,
            unfinished: false,
            keys: Vec::new(),
            given: vec![0; GIVEN],
            scratch: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self) {
        if !Arc::ptr_eq(&self.before, &self.shape) {
            self.before = Arc::clone(&self.shape);
        }
        self.unfinished = false;
    }

    pub(super) fn shape(&mut self, shape: LineShape) {
        if *self.shape != shape {
            self.shape = Arc::new(shape);
        }
    }

    pub(super) const fn unfinished(&mut self) {
        self.unfinished = true;
    }

    /// Where to go on, after the line that was begun at `begun`; `next` is the line after it when it is whole.
    pub(super) fn position(&self, begun: (u64, u64), next: Option<(u64, u64)>) -> Option<LogPosition> {
        let (at, shape) = match next {
            Some(next) if !self.unfinished => (next, &self.shape),
            _ => (begun, &self.before),
        };
        let position = LogPosition { line: at.0, offset: at.1, shape: Arc::clone(shape) };
        (at.0 > 0 && shape.goes_on()).then_some(position)
    }

    /// Gives the line; whether a new block begins.
    pub(super) fn end(&mut self, at: (u64, u64), bytes: &[u8], time: Option<Timestamp>) -> bool {
        let line = LogLine { line: at.0, offset: at.1, time, bytes, shape: &self.shape, keys: &self.keys };
        let new_block = (self.each)(&line) == AfterLine::NewBlock;
        self.keys.clear();
        if new_block {
            self.given.fill(0);
        }
        new_block
    }

    pub(super) fn address(&mut self, number: u128) {
        indicator::address_keys(number, |key| note(&mut self.given, &mut self.keys, key));
    }

    /// A name in lower case and all names above it.
    pub(super) fn name(&mut self, name: &[u8]) {
        let mut end = name.len();
        loop {
            let dot = memchr::memrchr(b'.', &name[..end]);
            let start = dot.map_or(0, |dot| dot + 1);
            if start == end {
                return;
            }
            note(&mut self.given, &mut self.keys, indicator::name_key(&name[start..]));
            match dot {
                Some(dot) => end = dot,
                None => return,
            }
        }
    }

    pub(super) fn exact(&mut self, kind: IndicatorKind, key: &[u8]) {
        note(&mut self.given, &mut self.keys, indicator::exact_key(kind, key));
    }

    pub(super) fn words(&mut self, text: &[u8]) {
        let Self { given, keys, scratch, .. } = self;
        indicator::word_keys(text, scratch, |key| note(given, keys, key));
    }
}

fn note(given: &mut [u64], keys: &mut Vec<u64>, key: u64) {
    let place = &mut given[key as usize % GIVEN];
    if *place != key {
        *place = key;
        keys.push(key);
    }
}
