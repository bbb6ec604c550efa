//! What becomes of an element at its end.

use super::Reader;
use crate::ccsds::check;
use crate::ccsds::model::{Entry, Field};

impl Reader<'_, '_> {
    pub(super) fn end_field(&mut self, at: usize) {
        let open = std::mem::take(&mut self.open);
        let value = folded(&open.text);
        let raw = self.decoded.text.get(open.text_start..at).unwrap_or_default();
        let lead = raw.len() - raw.trim_start().len();
        let place = if raw.trim().is_empty() {
            open.place
        } else {
            self.place(open.text_start + lead, open.text_start + lead + raw.trim().len())
        };
        let Some(reading) = &mut self.message else { return };
        let Some(section) = &mut reading.section else { return };
        if section.fields().any(|old| old.keyword == open.keyword) {
            let message = "it stands in this block already; keep one of the two";
            reading.faults.error("orbit::repeated_keyword", place, Some(&open.keyword), message);
            return;
        }
        section.entries.push(Entry::Field(Field { keyword: open.keyword, value, unit: open.unit, place }));
    }

    pub(super) fn end_comment(&mut self) {
        let open = std::mem::take(&mut self.open);
        let comments: Vec<Entry> = if open.text.trim().contains('\n') {
            open.text
                .lines()
                .map(str::trim)
                .filter(|l| !l.is_empty())
                .map(|l| Entry::Comment(l.to_owned()))
                .collect()
        } else {
            vec![Entry::Comment(open.text.trim_matches(['\n', '\r']).trim_end().to_owned())]
        };
        let Some(reading) = &mut self.message else {
            // Bounded: a comment costs its own bytes of the input.
            self.combined_comments.extend(comments);
            return;
        };
        if let Some(section) = &mut reading.section {
            section.entries.extend(comments);
        } else if let Some((_, message)) = &mut reading.table {
            match message.segments.last_mut() {
                Some(segment) => segment.add_loose(comments, open.place),
                None => message.header.entries.extend(comments),
            }
        }
    }

    pub(super) fn end_section(&mut self) {
        let Some(reading) = &mut self.message else { return };
        let (Some(section), Some((table, message))) = (reading.section.take(), &mut reading.table) else {
            return;
        };
        if section.name == table.header.name {
            message.header = section;
        } else if table.relative.as_ref().is_some_and(|relative| relative.name == section.name) {
            message.relative = Some(section);
        } else if let Some(segment) = message.segments.last_mut() {
            if section.name == table.metadata.name {
                segment.metadata = section;
            } else if section.name.is_empty() {
                // An element that stands for several and holds none of their fields: only its comments count.
                segment.add_loose(section.entries, section.place);
            } else {
                segment.data.push(section);
            }
        }
    }

    pub(super) fn end_message(&mut self) {
        let Some(reading) = self.message.take() else { return };
        self.any = true;
        let message = reading.table.map(|(_, message)| message);
        (self.take)(check::conclude(message, reading.found, reading.faults, reading.last));
    }
}

/// A value without the blanks around it; line ends within become one blank.
fn folded(text: &str) -> String {
    let text = text.trim();
    if text.contains(['\n', '\r']) {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        text.to_owned()
    }
}
