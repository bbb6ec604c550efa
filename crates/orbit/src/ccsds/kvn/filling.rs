//! Putting what was read into the message: sections that begin, and comments that wait for theirs.

use super::{At, Reader};
use crate::ccsds::model::{Entry, Place, Section, Segment};
use crate::ccsds::schema::{SectionTable, Shape, Table};

impl Reader<'_> {
    pub(super) fn begin_segment(&mut self, table: &'static Table, here: Place) {
        self.flush_before_segment(here);
        self.at = At::Metadata;
        if let Some((_, message)) = &mut self.message {
            message
                .segments
                .push(Segment { metadata: Section::new(table.metadata.name, here), data: Vec::new() });
        }
    }

    /// Comments between two blocks stay with the block before.
    pub(super) fn flush_before_segment(&mut self, here: Place) {
        match self.at {
            At::Data(_) | At::Closed => self.loose_comments(here),
            At::Header | At::Relative | At::Metadata => self.flush(),
        }
    }

    /// Begins `section`; the comments before it are its own.
    pub(super) fn start(&mut self, section: &'static SectionTable, here: Place) {
        self.rows = 0;
        let new = Section::new(section.name, here);
        let at = self.at;
        if let Some((table, message)) = &mut self.message {
            match at {
                At::Relative => message.relative = Some(new),
                At::Metadata => message.segments.push(Segment { metadata: new, data: Vec::new() }),
                At::Data(_) | At::Closed if table.name_is_data(section) => {
                    if let Some(segment) = message.segments.last_mut() {
                        segment.data.push(new);
                    }
                }
                At::Header | At::Data(_) | At::Closed => {}
            }
        }
        if section.shape == Shape::Observation {
            self.at = At::Data(Some(0));
        }
    }

    /// The section that is being filled; `None` between two of them.
    pub(super) fn section(&mut self) -> Option<&mut Section> {
        let (_, message) = self.message.as_mut()?;
        match self.at {
            At::Header => Some(&mut message.header),
            At::Relative => message.relative.as_mut(),
            At::Metadata => message.segments.last_mut().map(|segment| &mut segment.metadata),
            At::Data(Some(_)) => message.segments.last_mut().and_then(|segment| segment.data.last_mut()),
            At::Data(None) | At::Closed => None,
        }
    }

    /// Puts the comments read so far into the present section.
    pub(super) fn flush(&mut self) {
        if self.section().is_none() {
            self.loose_comments(self.last);
            return;
        }
        let comments: Vec<Entry> = self.pending.drain(..).map(Entry::Comment).collect();
        if let Some(section) = self.section() {
            section.entries.extend(comments);
        }
    }

    /// Puts the comments read so far into a section of their own: lines of data have no room for them.
    pub(super) fn loose_comments(&mut self, here: Place) {
        let comments: Vec<Entry> = self.pending.drain(..).map(Entry::Comment).collect();
        if let Some(segment) = self.message.as_mut().and_then(|(_, m)| m.segments.last_mut()) {
            segment.add_loose(comments, here);
        }
    }
}
