//! Zeek's tables. The head says what stands where; only columns that an indicator can name are looked at.

use std::io;

use base::Fault;
use serde_json::{Map, Value};

use super::{FieldType, LineShape, cut_line, field_type, time, without_mark};
use crate::lines::Lines;
use crate::matching::Scan;

/// What the head of a log says.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    separator: u8,
    set_separator: u8,
    empty: Vec<u8>,
    unset: Vec<u8>,
    fields: Vec<String>,
    types: Vec<String>,
    /// Those that are looked at, in their order.
    columns: Vec<Column>,
    time: Option<usize>,
    path: Option<String>,
    /// Positions in `columns` of a host and of the path that belongs to it.
    url: Option<(usize, usize)>,
}

#[derive(Debug, Clone)]
struct Column {
    at: usize,
    name: String,
    sort: FieldType,
    /// A set or vector of such values.
    several: bool,
    /// Of Zeek's type `addr`: never a name.
    address: bool,
}

impl Column {
    /// A number for the way in which its cells are looked up.
    const fn way(&self) -> u8 {
        1 + (self.sort as u8) * 4 + self.several as u8 * 2 + self.address as u8
    }
}

impl Default for Head {
    fn default() -> Self {
        Self {
            separator: b'\t',
            set_separator: b',',
            empty: b"(empty)".to_vec(),
            unset: b"-".to_vec(),
            fields: Vec::new(),
            types: Vec::new(),
            columns: Vec::new(),
            time: None,
            path: None,
            url: None,
        }
    }
}

pub(super) fn read(lines: &mut Lines<'_>, scan: &mut Scan<'_, '_>) -> io::Result<()> {
    rows(lines, Head::default(), scan)
}

/// Lines under `head`, which other lines of a head may change.
pub(super) fn rows(lines: &mut Lines<'_>, mut head: Head, scan: &mut Scan<'_, '_>) -> io::Result<()> {
    scan.shape(|| head.shape());
    // Ranges of the wanted cells of a line; kept between lines.
    let mut cells: Vec<(usize, usize)> = Vec::new();
    while let Some(line) = lines.next()? {
        scan.begin(line.number, line.offset);
        if line.cut {
            cut_line(&line, scan);
        }
        let bytes = without_mark(&line);
        if bytes.first() == Some(&b'#') {
            head.directive(bytes, line.number, scan);
            scan.shape(|| head.shape());
            continue;
        }
        if bytes.is_empty() {
            continue;
        }
        head.row(bytes, line.number, &mut cells, scan);
    }
    Ok(())
}

/// Finds the wanted cells: their first byte and the one after the last. Whether all are there.
fn split(line: &[u8], separator: u8, columns: &[Column], cells: &mut Vec<(usize, usize)>) -> bool {
    cells.clear();
    let mut wanted = columns.iter().map(|column| column.at);
    let Some(mut next) = wanted.next() else { return true };
    let repeated = u64::from(separator) * ONES;
    // Separators passed, and where the cell behind the last of them begins.
    let mut passed = 0;
    let mut start = if next == 0 { Some(0) } else { None };
    let mut at = 0;
    let mut chunks = line.chunks_exact(8);
    loop {
        // The last word is filled up with what is no separator.
        let word = match chunks.next() {
            Some(chunk) => u64::from_le_bytes(std::array::from_fn(|i| chunk[i])),
            None if at < line.len() => {
                let rest = chunks.remainder();
                u64::from_le_bytes(std::array::from_fn(|i| rest.get(i).copied().unwrap_or(!separator)))
            }
            None => break,
        };
        let mut found = zeros(word ^ repeated);
        let count = found.count_ones() as usize;
        // Until the border that is waited for, words are only counted.
        if count == 0 || passed + count < next + usize::from(start.is_some()) {
            passed += count;
            at += 8;
            continue;
        }
        while found != 0 {
            let place = at + (found.trailing_zeros() / 8) as usize;
            found &= found - 1;
            passed += 1;
            if let Some(from) = start
                && passed == next + 1
            {
                cells.push((from, place));
                start = None;
                match wanted.next() {
                    Some(column) => next = column,
                    None => return true,
                }
            }
            if passed == next && start.is_none() {
                start = Some(place + 1);
            }
        }
        at += 8;
    }
    if let Some(from) = start {
        cells.push((from, line.len()));
        return wanted.next().is_none();
    }
    false
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte that is zero, exactly (Warren, Hacker's Delight, 6-1).
#[inline]
const fn zeros(word: u64) -> u64 {
    const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
    !(((word & LOW) + LOW) | word | LOW)
}

impl Head {
    /// What the head says, for a store.
    fn shape(&self) -> LineShape {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        LineShape::ZeekTsv {
            separator: self.separator,
            set_separator: self.set_separator,
            empty: text(&self.empty),
            unset: text(&self.unset),
            fields: self.fields.clone(),
            types: self.types.clone(),
        }
    }

    /// The head of a line that a store gives back.
    pub(super) fn of_shape(shape: &LineShape, scan: &Scan<'_, '_>) -> Self {
        let mut head = Self::default();
        if let LineShape::ZeekTsv { separator, set_separator, empty, unset, fields, types } = shape {
            (head.separator, head.set_separator) = (*separator, *set_separator);
            (head.empty, head.unset) = (empty.clone().into_bytes(), unset.clone().into_bytes());
            (head.fields, head.types) = (fields.clone(), types.clone());
            head.plan(scan);
        }
        head
    }

    /// Looks at one line that is none of a head.
    #[inline]
    pub(super) fn row(
        &self,
        bytes: &[u8],
        number: u64,
        cells: &mut Vec<(usize, usize)>,
        scan: &mut Scan<'_, '_>,
    ) {
        if self.fields.is_empty() {
            let message = "a line before `#fields` says what stands where; give the log with its head";
            scan.fault(Fault::error("log::no_head", message).at_line(number));
            scan.text("line", bytes);
        } else {
            // Fewer cells than the head names: what is there is looked at.
            if !split(bytes, self.separator, &self.columns, cells) {
                let found = memchr::memchr_iter(self.separator, bytes).count() + 1;
                let wanted = self.fields.len();
                let message = format!("the line has {found} cells and the head {wanted}; is it cut off?");
                scan.fault(Fault::error("log::cells", message).at_line(number));
            }
            self.scan(bytes, cells, scan);
        }
        if scan.wants_events() && !self.fields.is_empty() {
            scan.event(bytes, &self.object(bytes), self.time_of(bytes), self.path.as_deref());
        }
        scan.end(bytes, || self.time_of(bytes));
    }

    fn directive(&mut self, line: &[u8], number: u64, scan: &mut Scan<'_, '_>) {
        let text = String::from_utf8_lossy(line);
        let separator = char::from(self.separator);
        let (name, value) = text.split_once([' ', separator]).unwrap_or((&text, ""));
        let byte = |value: &str| match value.strip_prefix("\\x") {
            Some(digits) => u8::from_str_radix(digits, 16).ok(),
            None => value.bytes().next(),
        };
        match name {
            "#separator" => match byte(value.trim_end()) {
                Some(found) if found != b'\n' => self.separator = found,
                _ => {
                    let message = "the separator cannot be read; `#separator \\x09` is a tab";
                    scan.fault(Fault::error("log::bad_head", message).at_line(number).in_field("separator"));
                }
            },
            "#path" => self.path = Some(value.trim_end().to_owned()),
            "#set_separator" => self.set_separator = byte(value).unwrap_or(self.set_separator),
            "#empty_field" => self.empty = value.as_bytes().to_vec(),
            "#unset_field" => self.unset = value.as_bytes().to_vec(),
            "#fields" => {
                self.fields = value.split(separator).map(str::to_owned).collect();
                self.types = Vec::new();
                self.plan(scan);
            }
            "#types" => {
                self.types = value.split(separator).map(str::to_owned).collect();
                if self.types.len() != self.fields.len() {
                    let message = format!(
                        "the head names {} fields and {} types; fields without a type are told by their name",
                        self.fields.len(),
                        self.types.len()
                    );
                    scan.fault(Fault::error("log::bad_head", message).at_line(number).in_field("types"));
                }
                self.plan(scan);
            }
            _ => {}
        }
    }

    /// Decides which columns are looked at.
    fn plan(&mut self, scan: &Scan<'_, '_>) {
        self.columns.clear();
        for (at, name) in self.fields.iter().enumerate() {
            let sort = self.types.get(at).map_or("string", String::as_str);
            let (several, inner) = match sort.split_once('[') {
                Some((_, inner)) => (true, inner.trim_end_matches(']')),
                None => (false, sort),
            };
            let (sort, address) = match inner {
                "addr" | "subnet" => (FieldType::Host, true),
                "string" => (field_type(name), false),
                _ => (FieldType::Skip, false),
            };
            if scan.wants(sort) {
                self.columns.push(Column { at, name: name.clone(), sort, several, address });
            }
        }
        self.time = self.fields.iter().position(|name| name == "ts");
        let at = |name: &str| self.columns.iter().position(|column| column.name == name);
        self.url = at("host").zip(at("uri"));
    }

    fn scan(&self, line: &[u8], cells: &[(usize, usize)], scan: &mut Scan<'_, '_>) {
        for (column, (start, end)) in self.columns.iter().zip(cells) {
            let cell = &line[*start..*end];
            if cell == self.unset || cell == self.empty || cell.is_empty() {
                continue;
            }
            scan.unless_clean(column.way(), cell, |scan| {
                if !column.several {
                    self.value(column, cell, scan);
                    return;
                }
                for part in cell.split(|b| *b == self.set_separator) {
                    self.value(column, part, scan);
                }
            });
        }
        if let Some((host, path)) = self.url
            && let (Some(host), Some(path)) = (cells.get(host), cells.get(path))
        {
            let of = |range: &(usize, usize)| &line[range.0..range.1];
            if of(host) != self.unset && of(path) != self.unset {
                scan.host_and_path("uri", of(host), of(path));
            }
        }
        if scan.wants_texts() {
            scan.texts_of_line(line, |at| self.name_at(line, at));
        }
    }

    #[inline]
    fn value(&self, column: &Column, value: &[u8], scan: &mut Scan<'_, '_>) {
        if column.address {
            scan.address(&column.name, value);
        } else if memchr::memchr(b'\\', value).is_some() {
            scan.value(column.sort, &column.name, &unescaped(value));
        } else {
            scan.value(column.sort, &column.name, value);
        }
    }

    /// The field that holds byte `at` of the line.
    fn name_at(&self, line: &[u8], at: usize) -> &str {
        let column = memchr::memchr_iter(self.separator, &line[..at]).count();
        self.fields.get(column).map_or("line", String::as_str)
    }

    /// A line as an object: what is unset is absent, numbers are numbers, sets and vectors are lists.
    fn object(&self, line: &[u8]) -> Value {
        let cells = line.split(|b| *b == self.separator);
        let mut object = Map::new();
        for ((name, cell), at) in self.fields.iter().zip(cells).zip(0..) {
            if cell == self.unset {
                continue;
            }
            let sort = self.types.get(at).map_or("string", String::as_str);
            let value = match sort.split_once('[') {
                Some(_) if cell == self.empty => Value::Array(Vec::new()),
                Some((_, inner)) => {
                    let inner = inner.trim_end_matches(']');
                    cell.split(|b| *b == self.set_separator).map(|part| plain_value(inner, part)).collect()
                }
                None if cell == self.empty => Value::from(""),
                None => plain_value(sort, cell),
            };
            object.insert(name.clone(), value);
        }
        Value::Object(object)
    }

    fn time_of(&self, line: &[u8]) -> Option<base::Timestamp> {
        let cell = line.split(|b| *b == self.separator).nth(self.time?)?;
        time::time(std::str::from_utf8(cell).ok()?)
    }
}

/// A cell of one of Zeek's types; a number that is none stays text.
fn plain_value(sort: &str, cell: &[u8]) -> Value {
    let bytes = unescaped(cell);
    let text = String::from_utf8_lossy(&bytes);
    let number = match sort {
        "count" | "int" | "port" => text.parse::<i64>().ok().map(Value::from),
        "double" | "interval" | "time" => text.parse::<f64>().ok().map(Value::from),
        "bool" => Some(Value::from(text == "T")),
        _ => None,
    };
    number.unwrap_or_else(|| Value::from(text.as_ref()))
}

/// Zeek writes bytes that are no ASCII, and its own separators, as `\xHH`.
fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        let byte = after
            .strip_prefix(b"x")
            .filter(|_| *first == b'\\')
            .and_then(|digits| std::str::from_utf8(digits.get(..2)?).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[3..] } else { after };
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn wanted_cells_are_those_of_a_plain_split(line in "[ab\t]{0,60}", wanted in 0_u32..(1 << 12)) {
            let column = |at| Column {
                at, name: String::new(), sort: FieldType::Text, several: false, address: false,
            };
            let columns: Vec<Column> = (0..12).filter(|at| wanted >> at & 1 == 1).map(column).collect();
            let mut cells = Vec::new();
            let all = split(line.as_bytes(), b'\t', &columns, &mut cells);
            let plain: Vec<&str> = line.split('\t').collect();
            let want: Vec<&str> = columns.iter().filter_map(|c| plain.get(c.at).copied()).collect();
            let got: Vec<&str> = cells.iter().map(|(start, end)| &line[*start..*end]).collect();
            prop_assert_eq!(got, want.clone());
            prop_assert_eq!(all, want.len() == columns.len());
        }
    }

    #[test]
    fn escapes_are_bytes() {
        assert_eq!(unescaped(br"a\x2c\xEd\x9"), b"a,\xED\\x9");
    }
}
