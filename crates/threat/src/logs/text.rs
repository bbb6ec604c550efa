//! Lines of text without fields: syslog, mail logs. Each word is looked at by its shape.

use std::io;

use serde_json::json;

use super::{LineShape, cut_line, time, without_mark};
use crate::lines::Lines;
use crate::matching::Scan;

/// How the one field of a line is called.
const FIELD: &str = "line";

pub(super) fn read(lines: &mut Lines<'_>, scan: &mut Scan<'_, '_>) -> io::Result<()> {
    scan.shape(|| LineShape::Text);
    while let Some(found) = lines.next()? {
        scan.begin(found.number, found.offset);
        if found.cut {
            cut_line(&found, scan);
        }
        line(without_mark(&found), scan);
    }
    Ok(())
}

/// Looks at one line.
pub(super) fn line(bytes: &[u8], scan: &mut Scan<'_, '_>) {
    scan.text(FIELD, bytes);
    scan.texts_of_line(bytes, |_| FIELD);
    if scan.wants_events() && !bytes.is_empty() {
        let object = json!({"message": String::from_utf8_lossy(bytes)});
        scan.event(bytes, &object, time_of(bytes), None);
    }
    scan.end(bytes, || time_of(bytes));
}

/// The time at the beginning of a line, when it has a year (RFC 5424, ISO 8601). That of RFC 3164 has none.
fn time_of(line: &[u8]) -> Option<base::Timestamp> {
    let head = std::str::from_utf8(line.get(..line.len().min(64))?)
        .or_else(|error| std::str::from_utf8(&line[..error.valid_up_to()]))
        .ok()?;
    // RFC 5424 begins with a priority and a version.
    let head =
        head.split_once('>').filter(|(before, _)| before.starts_with('<')).map_or(head, |(_, rest)| rest);
    let head = head.strip_prefix("1 ").unwrap_or(head).trim_start_matches('[');
    let mut words = head.split([' ', ']']);
    let first = words.next()?;
    if first.len() == 10
        && let Some(second) = words.next()
    {
        return time::time(&format!("{first} {second}")).or_else(|| time::time(first));
    }
    time::time(first).filter(|_| first.len() >= 10)
}
