use base::{Marking, Source, Timestamp};

use crate::indicator::{IndicatorKind, OriginId};

/// An indicator that was found in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// When, as far as the line says.
    pub time: Option<Timestamp>,
    /// The log.
    pub log: String,
    /// The physical line, from 1, head lines counted; in EVTX the record, from 1.
    pub line: u64,
    /// The field by its name in the log, `line` in plain text.
    pub field: String,
    /// What stands in the log.
    pub value: String,
    /// What sort of indicator it is.
    pub kind: IndicatorKind,
    /// The indicator in canonical form.
    pub indicator: String,
    /// Who gave it, in the order of reading.
    pub origins: Vec<OriginId>,
    /// The time is outside that for which every one of its origins vouches.
    pub outside_validity: bool,
    /// The warninglist that knows the value or the indicator: no reason for an alarm.
    pub suppressed_by: Option<String>,
}

/// The line of a log in which something was found: the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HitLine<'b> {
    /// Its bytes without the line break; in EVTX the event as JSON.
    pub bytes: &'b [u8],
    /// Its first byte in the unpacked log, from 0.
    pub offset: u64,
}

/// What the node knows about a log and its own part in the finding.
#[derive(Debug, Clone, PartialEq)]
pub struct HitContext {
    /// Where the log comes from, with its grade.
    pub source: Source,
    /// When this node received the line.
    pub received: Timestamp,
    /// Who may have what is concluded: the join of the log's marking and those of the hit's origins, which room
    /// `label` makes.
    pub marking: Marking,
}
