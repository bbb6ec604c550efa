use std::collections::BTreeMap;

use base::Timestamp;

use super::{Hit, HitLine};
use crate::indicator::IndicatorKind;

/// Lines of one group that are kept as evidence.
const LINES: usize = 16;
/// Bytes of lines that are kept of one log; when they are spent, each group still keeps its first line.
const LINE_BYTES: usize = 64 << 20;

/// The hits of one indicator in one log: what one finding tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HitGroup {
    /// The first of them.
    pub first: Hit,
    /// How many there are.
    pub hits: u64,
    /// The earliest and the latest time, as far as lines say one.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Whether every one of them is outside the time for which somebody vouches.
    pub outside_validity: bool,
    /// The first lines, word by word and each with its number.
    pub lines: Vec<(u64, Vec<u8>)>,
}

/// Gathers the hits of one log by indicator. Memory is bounded by the number of different indicators asked for, and by
/// 64 MiB of lines beside the first of each.
#[derive(Debug)]
pub struct HitGroups {
    limit: usize,
    groups: BTreeMap<(IndicatorKind, String, bool), HitGroup>,
    bytes: usize,
    hits: u64,
    untold: u64,
    head_lines: u64,
    lines_before: u64,
}

impl HitGroups {
    /// None yet; at most `limit` different indicators are told apart.
    pub const fn new(limit: usize) -> Self {
        Self { limit, groups: BTreeMap::new(), bytes: 0, hits: 0, untold: 0, head_lines: 0, lines_before: 0 }
    }

    /// For a part of a log that is given behind the `head_lines` that head it: what is found in these is passed over,
    /// and the others are counted on from the `lines_before` it.
    pub const fn behind(mut self, head_lines: u64, lines_before: u64) -> Self {
        self.head_lines = head_lines;
        self.lines_before = lines_before;
        self
    }

    /// Takes a hit as [`match_log`](crate::match_log) gives it.
    pub fn take(&mut self, hit: &Hit, line: &HitLine<'_>) {
        let Some(number) = hit.line.checked_sub(self.head_lines).filter(|number| *number > 0) else { return };
        let number = self.lines_before + number;
        self.hits += 1;
        let key = (hit.kind, hit.indicator.clone(), hit.suppressed_by.is_some());
        if !self.groups.contains_key(&key) && self.groups.len() >= self.limit {
            self.untold += 1;
            return;
        }
        let group = self.groups.entry(key).or_insert_with(|| HitGroup {
            first: Hit { line: number, ..hit.clone() },
            hits: 0,
            span: None,
            outside_validity: true,
            lines: Vec::new(),
        });
        group.hits += 1;
        group.outside_validity &= hit.outside_validity;
        if let Some(time) = hit.time {
            let (from, to) = group.span.unwrap_or((time, time));
            group.span = Some((from.min(time), to.max(time)));
        }
        let is_new = group.lines.last().is_none_or(|(last, _)| *last != number);
        let fits = group.lines.is_empty() || self.bytes + line.bytes.len() <= LINE_BYTES;
        if is_new && fits && group.lines.len() < LINES {
            self.bytes += line.bytes.len();
            group.lines.push((number, line.bytes.to_vec()));
        }
    }

    /// All hits.
    pub const fn hits(&self) -> u64 {
        self.hits
    }

    /// Hits of indicators beyond the limit, which no group tells of.
    pub const fn untold(&self) -> u64 {
        self.untold
    }

    /// The groups in the order of their first lines.
    pub fn into_groups(self) -> Vec<HitGroup> {
        let mut groups: Vec<HitGroup> = self.groups.into_values().collect();
        groups.sort_by(|a, b| {
            (a.first.line, &a.first.field, &a.first.indicator).cmp(&(
                b.first.line,
                &b.first.field,
                &b.first.indicator,
            ))
        });
        groups
    }
}

impl HitGroup {
    /// The bytes that prove it: the lines that were kept, each ended by a line feed.
    pub fn evidence(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|(_, bytes)| bytes.iter().copied().chain([b'\n'])).collect()
    }
}
