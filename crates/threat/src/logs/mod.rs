//! Readers of logs: each finds the typed fields of its format and gives them to the look-up. Formats are told apart by
//! content, memory is bounded, and what cannot be read is a fault with its line.

mod columns;
mod evtx_log;
mod field;
mod json;
mod shape;
mod text;
mod time;
mod zeek;

pub use field::{FieldType, field_type};
pub(crate) use shape::LineReader;
pub use shape::LineShape;

use std::io;

use base::Fault;

use crate::lines::{Line, Lines, cells};
use crate::matching::Scan;

/// What a log was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Zeek's own tables: head lines, then cells between tabs.
    ZeekTsv,
    /// One JSON object a line, or an array of them: Zeek, ECS, OCSF and others.
    Json,
    /// Windows XML Event Log.
    Evtx,
    /// A table with a head.
    Csv,
    /// Lines of text: syslog, mail logs.
    Text,
    /// Nothing was in it.
    Empty,
}

impl LogFormat {
    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ZeekTsv => "zeek_tsv",
            Self::Json => "json",
            Self::Evtx => "evtx",
            Self::Csv => "csv",
            Self::Text => "text",
            Self::Empty => "empty",
        }
    }
}

/// Bytes from which a format is told.
const HEAD: usize = 64 << 10;

/// The format of a log that begins with `head`.
pub fn detect_log_format(head: &[u8]) -> LogFormat {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    if head.starts_with(b"ElfFile\0") {
        return LogFormat::Evtx;
    }
    let mut solid = head.iter().filter(|b| !b.is_ascii_whitespace());
    match (solid.next(), solid.next()) {
        (None, _) => return LogFormat::Empty,
        (Some(b'{'), _) | (Some(b'['), Some(b'{')) => return LogFormat::Json,
        _ => {}
    }
    let mut lines = head.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let directive = |line: &[u8]| line.starts_with(b"#separator") || line.starts_with(b"#fields");
    if lines.clone().take_while(|line| line.starts_with(b"#")).any(directive) {
        return LogFormat::ZeekTsv;
    }
    let (first, second) = (lines.next().unwrap_or_default(), lines.next());
    match columns::separator(first, second) {
        Some(_) => LogFormat::Csv,
        None => LogFormat::Text,
    }
}

/// Reads a whole log and gives its fields to `scan`.
///
/// # Errors
/// When the stream cannot be read.
pub(crate) fn read(lines: &mut Lines<'_>, scan: &mut Scan<'_, '_>) -> io::Result<LogFormat> {
    let head = lines.peek(HEAD)?;
    if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        let message = "the text is UTF-16; save it as UTF-8";
        scan.fault(Fault::error("log::utf16", message).at_line(1));
        return Ok(LogFormat::Empty);
    }
    let format = detect_log_format(head);
    let separator = {
        let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
        let mut lines = head.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        columns::separator(lines.next().unwrap_or_default(), lines.next())
    };
    match format {
        LogFormat::Empty => {}
        LogFormat::Evtx => evtx_log::read(lines, scan)?,
        LogFormat::ZeekTsv => zeek::read(lines, scan)?,
        LogFormat::Json => json::read(lines, scan)?,
        LogFormat::Csv => columns::read(lines, separator.unwrap_or(b','), scan)?,
        LogFormat::Text => text::read(lines, scan)?,
    }
    Ok(format)
}

/// Reads on in a log whose head said `shape`.
///
/// # Errors
/// When the stream cannot be read.
pub(crate) fn read_on(
    lines: &mut Lines<'_>,
    shape: &LineShape,
    scan: &mut Scan<'_, '_>,
) -> io::Result<LogFormat> {
    match shape {
        LineShape::ZeekTsv { .. } => {
            let head = zeek::Head::of_shape(shape, scan);
            zeek::rows(lines, head, scan)?;
        }
        LineShape::Csv { separator, columns } => {
            columns::rows(lines, *separator, &columns::typed(columns.clone()), scan)?;
        }
        LineShape::Json => json::objects(lines, scan)?,
        LineShape::Text => text::read(lines, scan)?,
        LineShape::JsonDocument | LineShape::Evtx => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "logs of this format are only read as a whole",
            ));
        }
    }
    Ok(shape.format())
}

/// Tells that a line was too long to be held.
fn cut_line(line: &Line<'_>, scan: &mut Scan<'_, '_>) {
    let message =
        format!("the line is longer than {} MiB; its first part was searched", crate::lines::MAX_LINE >> 20);
    scan.fault(Fault::warning("log::long_line", message).at_line(line.number));
}

/// The bytes of a line without a byte order mark.
fn without_mark<'b>(line: &Line<'b>) -> &'b [u8] {
    let mark = (line.number == 1).then(|| line.bytes.strip_prefix(b"\xEF\xBB\xBF")).flatten();
    mark.unwrap_or(line.bytes)
}

/// The names in a head, as texts.
fn names(head: &[u8], separator: u8) -> Vec<String> {
    let name = |cell: &[u8]| String::from_utf8_lossy(cell).trim().to_owned();
    cells(head, separator).iter().map(|cell| name(cell)).collect()
}
