//! Tables with a head (RFC 4180): comma, semicolon, tab or bar between cells, which may hold line breaks in quotes.

use std::borrow::Cow;
use std::io;

use base::Fault;
use serde_json::Value;

use super::{FieldType, LineShape, cut_line, field_type, names, time, without_mark};
use crate::lines::{Lines, cells, open_quote};
use crate::matching::Scan;

/// Longest record that goes over several lines.
const MAX_RECORD: usize = 1 << 20;

/// What separates the cells, when the first line is a head: only names, two or more, and the second line has as many.
pub(super) fn separator(first: &[u8], second: Option<&[u8]>) -> Option<u8> {
    let is_name = |cell: &[u8]| {
        cell.first().is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'@' | b'#'))
            && cell.len() <= 80
            && cell.iter().all(|b| b.is_ascii_alphanumeric() || b"_-.@ :/#()".contains(b))
    };
    [b',', b';', b'\t', b'|'].into_iter().find(|separator| {
        let head = cells(first, *separator);
        let named = head.len() >= 2 && head.iter().all(|cell| is_name(cell.trim_ascii()));
        let rows = second.is_none_or(|row| {
            row.is_empty() || open_quote(row, *separator) || cells(row, *separator).len() == head.len()
        });
        named && rows
    })
}

pub(super) fn read(lines: &mut Lines<'_>, separator: u8, scan: &mut Scan<'_, '_>) -> io::Result<()> {
    let Some(first) = lines.next()? else { return Ok(()) };
    let columns = typed(names(without_mark(&first), separator));
    rows(lines, separator, &columns, scan)
}

/// Columns with the type that their name tells.
pub(super) fn typed(names: Vec<String>) -> Vec<(String, FieldType)> {
    let typed = |name: String| {
        let sort = field_type(&name.replace(' ', "_"));
        (name, sort)
    };
    names.into_iter().map(typed).collect()
}

/// The records after the head.
pub(super) fn rows(
    lines: &mut Lines<'_>,
    separator: u8,
    columns: &[(String, FieldType)],
    scan: &mut Scan<'_, '_>,
) -> io::Result<()> {
    scan.shape(|| {
        let names = columns.iter().map(|(name, _)| name.clone()).collect();
        LineShape::Csv { separator, columns: names }
    });
    let mut record = Vec::new();
    let mut open = false;
    while let Some(line) = lines.next()? {
        if !open {
            scan.begin(line.number, line.offset);
            record.clear();
        } else {
            record.push(b'\n');
        }
        if line.cut {
            cut_line(&line, scan);
        }
        record.extend_from_slice(line.bytes);
        open = open_quote(&record, separator);
        if open && record.len() < MAX_RECORD {
            continue;
        }
        if open {
            unclosed(scan);
            open = false;
        }
        row(&record, separator, columns, scan);
    }
    if open {
        unclosed(scan);
        scan.unfinished();
        row(&record, separator, columns, scan);
    }
    Ok(())
}

fn unclosed(scan: &mut Scan<'_, '_>) {
    let message = "a quote is opened and not closed; its text was searched as one cell";
    let line = scan.line();
    scan.fault(Fault::error("log::open_quote", message).at_line(line));
}

pub(super) fn row(record: &[u8], separator: u8, columns: &[(String, FieldType)], scan: &mut Scan<'_, '_>) {
    if record.is_empty() {
        return;
    }
    let found = cells(record, separator);
    if found.len() != columns.len() {
        let message = format!("the row has {} cells and the head {}", found.len(), columns.len());
        let line = scan.line();
        scan.fault(Fault::warning("log::cells", message).at_line(line));
    }
    for (index, cell) in found.iter().enumerate() {
        let (name, sort) =
            columns.get(index).map_or(("", FieldType::Text), |(name, sort)| (name.as_str(), *sort));
        scan.value(sort, name, cell.trim_ascii());
        scan.texts(name, cell);
    }
    let of = |wanted: FieldType, name: &str| {
        let at = columns.iter().position(|(known, sort)| *sort == wanted && known.eq_ignore_ascii_case(name));
        at.and_then(|at| found.get(at))
    };
    if let (Some(host), Some(path)) = (of(FieldType::Host, "host"), of(FieldType::Path, "uri")) {
        scan.host_and_path("uri", host, path);
    }
    let time = || {
        let at = time::NAMES
            .iter()
            .find_map(|name| columns.iter().position(|(known, _)| known.eq_ignore_ascii_case(name)))?;
        time::time(std::str::from_utf8(found.get(at)?).ok()?)
    };
    if scan.wants_events() {
        let cell = |((name, _), cell): (&(String, FieldType), &Cow<'_, [u8]>)| {
            (name.clone(), Value::from(String::from_utf8_lossy(cell)))
        };
        let object = Value::Object(columns.iter().zip(&found).map(cell).collect());
        scan.event(record, &object, time(), None);
    }
    scan.end(record, time);
}
