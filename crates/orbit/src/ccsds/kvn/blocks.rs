//! Which block a line belongs to: marks such as `META_START`, and the order of the sections where there are none.

use super::{At, Reader, has_triangle};
use crate::ccsds::model::Place;
use crate::ccsds::schema::{Occurs, SectionTable, Shape, Table};

impl Reader<'_> {
    /// Takes `META_START` and its like; whether the line was one.
    pub(super) fn mark(&mut self, table: &'static Table, text: &str, here: Place) -> bool {
        let closed = self.open_mark.is_none();
        let open = self.open_mark.map(|(mark, _)| mark);
        match text {
            "META_START" if table.meta_marks => {
                let fits = match self.at {
                    At::Header => true,
                    At::Data(_) => !table.data_marks && closed,
                    At::Closed => true,
                    At::Relative | At::Metadata => false,
                };
                if fits && closed {
                    self.begin_segment(table, here);
                    self.open_mark = Some(("META_START", here));
                } else {
                    self.misplaced(here, text, "the block before is not closed");
                }
            }
            "META_STOP" if table.meta_marks => {
                if open == Some("META_START") {
                    self.flush();
                    self.open_mark = None;
                    self.at = At::Data(None);
                } else {
                    self.misplaced(here, text, "there is no META_START before it");
                }
            }
            "DATA_START" if table.data_marks => {
                if closed && self.at == At::Data(None) {
                    self.open_mark = Some(("DATA_START", here));
                } else {
                    self.misplaced(here, text, "it follows META_STOP and nothing else");
                }
            }
            "DATA_STOP" if table.data_marks => {
                if open == Some("DATA_START") {
                    self.loose_comments(here);
                    self.open_mark = None;
                    self.at = At::Closed;
                } else {
                    self.misplaced(here, text, "there is no DATA_START before it");
                }
            }
            "COVARIANCE_START" if has_triangle(table) => {
                if closed && matches!(self.at, At::Data(_)) {
                    self.loose_comments(here);
                    self.open_mark = Some(("COVARIANCE_START", here));
                    self.at = At::Data(None);
                } else {
                    self.misplaced(here, text, "it stands behind the lines of an ephemeris");
                }
            }
            "COVARIANCE_STOP" if has_triangle(table) => {
                if open == Some("COVARIANCE_START") {
                    self.flush();
                    self.open_mark = None;
                    self.at = At::Data(None);
                } else {
                    self.misplaced(here, text, "there is no COVARIANCE_START before it");
                }
            }
            _ => return false,
        }
        true
    }

    pub(super) fn misplaced(&mut self, here: Place, what: &str, why: &str) {
        self.faults.error(
            "orbit::misplaced_keyword",
            here,
            Some(what),
            format!("it may not stand here: {why}; put the blocks in the order of the standard"),
        );
    }

    /// The section that takes `keyword`, and whether it begins here. Moves on to it.
    pub(super) fn target(
        &mut self,
        table: &'static Table,
        keyword: &str,
    ) -> Option<(&'static SectionTable, bool)> {
        if let Some((mark, _)) = self.open_mark {
            let section = match mark {
                "META_START" => &table.metadata,
                "DATA_START" => table.data.first()?,
                _ => table.data.iter().find(|section| section.shape == Shape::Triangle)?,
            };
            let triangle = section.shape == Shape::Triangle;
            let takes = section.takes(keyword)
                && !(triangle && section.matrix_keys().iter().any(|key| key.name == keyword));
            let again = triangle && (self.at == At::Data(None) || keyword == "EPOCH");
            return takes.then(|| {
                if triangle {
                    self.at = At::Data(table.data.iter().position(|s| s.shape == Shape::Triangle));
                }
                (section, again)
            });
        }
        if table.meta_marks {
            let header = self.at == At::Header && table.header.takes(keyword);
            return header.then_some((&table.header, false));
        }
        self.unmarked_target(table, keyword)
    }

    /// As [`Self::target`] in messages without marks: the present section, or one behind it.
    pub(super) fn unmarked_target(
        &mut self,
        table: &'static Table,
        keyword: &str,
    ) -> Option<(&'static SectionTable, bool)> {
        let data = |at: At| if let At::Data(Some(i)) = at { Some(i) } else { None };
        if self.at == At::Header {
            if table.header.takes(keyword) {
                return Some((&table.header, false));
            }
            if let Some(relative) = table.relative.as_ref().filter(|r| r.takes(keyword)) {
                self.at = At::Relative;
                return Some((relative, true));
            }
        }
        if let (At::Relative, Some(relative)) = (self.at, &table.relative)
            && relative.takes(keyword)
        {
            return Some((relative, false));
        }
        if matches!(self.at, At::Header | At::Relative) && table.metadata.takes(keyword) {
            self.at = At::Metadata;
            return Some((&table.metadata, true));
        }
        if self.at == At::Metadata && table.metadata.takes(keyword) {
            return Some((&table.metadata, false));
        }
        let from = data(self.at).unwrap_or(0);
        if matches!(self.at, At::Metadata | At::Data(_)) {
            for (i, section) in table.data.iter().enumerate().skip(from) {
                if section.takes(keyword) {
                    let same = data(self.at) == Some(i);
                    let first = section.keys.first().is_some_and(|key| key.name == keyword);
                    self.at = At::Data(Some(i));
                    return Some((section, !same || (first && section.occurs == Occurs::Many)));
                }
            }
            let segments = self.message.as_ref().map_or(0, |(_, message)| message.segments.len());
            if table.metadata.takes(keyword) && segments < table.segments {
                self.at = At::Metadata;
                return Some((&table.metadata, true));
            }
        }
        None
    }

    pub(super) fn refuse_keyword(&mut self, table: &Table, keyword: &str, here: Place) {
        let known = [Some(&table.header), table.relative.as_ref(), Some(&table.metadata)]
            .into_iter()
            .flatten()
            .chain(table.data)
            .any(|section| section.takes(keyword));
        if known {
            self.misplaced(here, keyword, "its block is over, or has not begun");
        } else {
            let message = format!(
                "no keyword of {}; correct the spelling, or name it USER_DEFINED_x where the standard allows",
                self.found.kind
            );
            self.faults.error("orbit::unknown_keyword", here, Some(keyword), message);
        }
    }
}
