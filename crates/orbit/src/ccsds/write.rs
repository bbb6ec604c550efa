//! Messages written again, in either form. Values, units, comments and their order are kept; blanks and blank lines
//! are those of one canonical layout.

use std::fmt::{self, Write};

use super::model::{Entry, Field, Message, Section};
use super::schema::{Key, SectionTable, Shape, Table, USER_DEFINED};

/// The declaration that a document begins with.
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The column of `=` in KVN; longer keywords push it out.
const KEYWORD_WIDTH: usize = 20;

impl Message {
    /// The message in KVN. Several may stand one after the other in a file.
    ///
    /// The lines of an ephemeris, a covariance in an OEM and the observations of a TDM have no room for units: theirs
    /// are always those of the standard.
    pub fn to_kvn(&self) -> String {
        let mut out = String::new();
        // Writing into a string cannot fail.
        let _: fmt::Result = write_kvn(&mut out, self);
        out
    }

    /// The message as an XML document.
    pub fn to_xml(&self) -> String {
        let mut out = DECLARATION.to_owned();
        let _: fmt::Result = write_xml(&mut out, self, 0);
        out
    }
}

/// One XML document of all `messages`: a message by itself, or several in an `<ndm>`.
pub fn to_xml_document(messages: &[Message]) -> String {
    if let [only] = messages {
        return only.to_xml();
    }
    let mut out = format!("{DECLARATION}<ndm>\n");
    for message in messages {
        let _: fmt::Result = write_xml(&mut out, message, 1);
    }
    out.push_str("</ndm>\n");
    out
}

fn write_kvn(out: &mut String, message: &Message) -> fmt::Result {
    let table = message.kind.table();
    writeln!(out, "{:<KEYWORD_WIDTH$} = {}", table.version, message.version.value)?;
    let mut blank = block(out, &message.header, table.meta_marks)?;
    if let Some(relative) = &message.relative {
        separate(out, blank)?;
        blank = block(out, relative, false)?;
    }
    for segment in &message.segments {
        separate(out, blank)?;
        marked(out, table.meta_marks, "META_START")?;
        blank = block(out, &segment.metadata, table.meta_marks)?;
        marked(out, table.meta_marks, "META_STOP")?;
        separate(out, blank)?;
        marked(out, table.data_marks, "DATA_START")?;
        blank = data(out, table, &segment.data)?;
        marked(out, table.data_marks, "DATA_STOP")?;
    }
    Ok(())
}

fn marked(out: &mut String, marks: bool, mark: &str) -> fmt::Result {
    if marks { writeln!(out, "{mark}") } else { Ok(()) }
}

fn separate(out: &mut String, blank: bool) -> fmt::Result {
    if blank { Ok(()) } else { writeln!(out) }
}

/// Writes a section. Comments at its end belong to the next one when they are read again, unless a mark closes it: so
/// the blank line stands before them. Whether it was written.
fn block(out: &mut String, section: &Section, closed: bool) -> Result<bool, fmt::Error> {
    let end =
        section.entries.iter().rposition(|entry| matches!(entry, Entry::Field(_))).map_or(0, |at| at + 1);
    let (body, tail) = section.entries.split_at(if closed { section.entries.len() } else { end });
    lines(out, body)?;
    if tail.is_empty() {
        return Ok(false);
    }
    writeln!(out)?;
    lines(out, tail)?;
    Ok(true)
}

/// Writes the sections of a segment; whether a blank line stands before the comments at their end.
fn data(out: &mut String, table: &Table, sections: &[Section]) -> Result<bool, fmt::Error> {
    let mut in_covariance = false;
    let mut blank = false;
    for (index, section) in sections.iter().enumerate() {
        let rules = table.section(section.name);
        let shape = rules.map_or(Shape::Lines, |rules| rules.shape);
        if in_covariance && shape != Shape::Triangle {
            writeln!(out, "COVARIANCE_STOP")?;
            in_covariance = false;
        }
        match (shape, rules) {
            (Shape::Row, Some(rules)) => row(out, rules.keys, section)?,
            (Shape::Observation, _) => observation(out, section)?,
            (Shape::Triangle, Some(rules)) => {
                if !in_covariance {
                    writeln!(out, "COVARIANCE_START")?;
                    in_covariance = true;
                }
                if triangle(out, rules, section)? {
                    writeln!(out, "COVARIANCE_STOP")?;
                    in_covariance = false;
                }
            }
            _ if index + 1 == sections.len() => blank = block(out, section, table.meta_marks)?,
            _ => lines(out, &section.entries)?,
        }
    }
    if in_covariance {
        writeln!(out, "COVARIANCE_STOP")?;
    }
    Ok(blank)
}

fn lines(out: &mut String, entries: &[Entry]) -> fmt::Result {
    entries.iter().try_for_each(|entry| match entry {
        Entry::Comment(text) => comment(out, text),
        Entry::Field(field) => line(out, field),
    })
}

fn comment(out: &mut String, text: &str) -> fmt::Result {
    if text.is_empty() { writeln!(out, "COMMENT") } else { writeln!(out, "COMMENT {text}") }
}

fn line(out: &mut String, field: &Field) -> fmt::Result {
    write!(out, "{:<KEYWORD_WIDTH$} =", field.keyword)?;
    if !field.value.is_empty() {
        write!(out, " {}", field.value)?;
    }
    if let Some(unit) = &field.unit {
        write!(out, " [{unit}]")?;
    }
    writeln!(out)
}

/// Comments of a row stand before it; its values are in the order of the standard.
fn row(out: &mut String, keys: &[Key], section: &Section) -> fmt::Result {
    section.comments().try_for_each(|text| comment(out, text))?;
    let values: Vec<&str> = keys.iter().filter_map(|key| section.value(key.name)).collect();
    writeln!(out, "{}", values.join(" "))
}

fn observation(out: &mut String, section: &Section) -> fmt::Result {
    section.comments().try_for_each(|text| comment(out, text))?;
    let epoch = section.value("EPOCH").unwrap_or_default();
    for field in section.fields().filter(|field| field.keyword != "EPOCH" && !field.value.is_empty()) {
        writeln!(out, "{:<KEYWORD_WIDTH$} = {epoch} {}", field.keyword, field.value)?;
    }
    Ok(())
}

/// The matrix in rows of the standard's order; a comment between two rows stays there. Whether comments stand behind
/// the last row: before the next matrix of the block they would belong to that one.
fn triangle(out: &mut String, rules: &SectionTable, section: &Section) -> Result<bool, fmt::Error> {
    let keys = rules.matrix_keys();
    let mut comments: Vec<(usize, &str)> = Vec::new();
    let mut seen = 0;
    for entry in &section.entries {
        match entry {
            Entry::Comment(text) if seen == 0 => comment(out, text)?,
            Entry::Comment(text) => comments.push((seen, text)),
            Entry::Field(field) if keys.iter().any(|key| key.name == field.keyword) => seen += 1,
            Entry::Field(field) => line(out, field)?,
        }
    }
    let values: Vec<&str> = keys.iter().filter_map(|key| section.value(key.name)).collect();
    let (mut rest, mut written) = (values.as_slice(), 0);
    let mut comments = comments.into_iter().peekable();
    for length in 1.. {
        let Some((now, later)) = rest.split_at_checked(length).filter(|(now, _)| !now.is_empty()) else {
            break;
        };
        while let Some((_, text)) = comments.next_if(|(after, _)| *after < written + length) {
            comment(out, text)?;
        }
        writeln!(out, "{}", now.join(" "))?;
        (rest, written) = (later, written + length);
    }
    let behind = comments.peek().is_some();
    comments.try_for_each(|(_, text)| comment(out, text))?;
    Ok(behind)
}

fn write_xml(out: &mut String, message: &Message, depth: usize) -> fmt::Result {
    let table = message.kind.table();
    let mut xml = Xml { out, depth };
    let version = escaped(&message.version.value);
    xml.open(&format!("{} id=\"{}\" version=\"{version}\"", table.root, table.version))?;
    xml.section("header", Some(&table.header), &message.header)?;
    xml.open("body")?;
    if let (Some(section), Some(rules)) = (&message.relative, &table.relative) {
        xml.section(rules.element, Some(rules), section)?;
    }
    for segment in &message.segments {
        xml.open("segment")?;
        xml.section("metadata", Some(&table.metadata), &segment.metadata)?;
        xml.open("data")?;
        for section in &segment.data {
            match table.section(section.name) {
                Some(rules) => xml.section(rules.element, Some(rules), section)?,
                None => section.entries.iter().try_for_each(|entry| xml.entry(entry))?,
            }
        }
        xml.close("data")?;
        xml.close("segment")?;
    }
    xml.close("body")?;
    xml.close(table.root)
}

struct Xml<'a> {
    out: &'a mut String,
    depth: usize,
}

impl Xml<'_> {
    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
    }

    fn open(&mut self, tag: &str) -> fmt::Result {
        self.indent();
        self.depth += 1;
        writeln!(self.out, "<{tag}>")
    }

    fn close(&mut self, name: &str) -> fmt::Result {
        self.depth = self.depth.saturating_sub(1);
        self.indent();
        writeln!(self.out, "</{name}>")
    }

    fn section(&mut self, element: &str, rules: Option<&SectionTable>, section: &Section) -> fmt::Result {
        self.open(element)?;
        let mut group = None;
        for entry in &section.entries {
            let wanted = match entry {
                // A comment between two fields of a group stays in it.
                Entry::Comment(_) => group,
                Entry::Field(field) => rules.and_then(|rules| rules.key(&field.keyword)?.group),
            };
            if wanted != group {
                if let Some(open) = group {
                    self.close(open)?;
                }
                if let Some(next) = wanted {
                    self.open(next)?;
                }
                group = wanted;
            }
            self.entry(entry)?;
        }
        if let Some(open) = group {
            self.close(open)?;
        }
        self.close(element)
    }

    fn entry(&mut self, entry: &Entry) -> fmt::Result {
        self.indent();
        match entry {
            Entry::Comment(text) => writeln!(self.out, "<COMMENT>{}</COMMENT>", escaped(text)),
            Entry::Field(field) => {
                let (name, parameter) = match field.keyword.strip_prefix(USER_DEFINED) {
                    Some(parameter) => ("USER_DEFINED", format!(" parameter=\"{}\"", escaped(parameter))),
                    None => (&*field.keyword, String::new()),
                };
                let units =
                    field.unit.as_ref().map_or_else(String::new, |u| format!(" units=\"{}\"", escaped(u)));
                if field.value.is_empty() {
                    return writeln!(self.out, "<{name}{parameter}{units}/>");
                }
                writeln!(self.out, "<{name}{parameter}{units}>{}</{name}>", escaped(&field.value))
            }
        }
    }
}

fn escaped(text: &str) -> std::borrow::Cow<'_, str> {
    quick_xml::escape::escape(text)
}
