//! OMM in JSON: an object, an array of objects, or objects one after the other.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base::Fault;
use serde_json::value::RawValue;

use crate::json_plain::PlainObject;
use crate::omm::{Cell, Message};
use crate::read::{MAX_LINE_BYTES, Sink, content_start, invalid_utf8};

/// Reads every object of the input, each for itself, so that a cut or damaged one costs no other.
pub(crate) fn read(bytes: &[u8], sink: &mut Sink) {
    let mut at = content_start(bytes);
    let mut line = 1;
    let mut open_array: Option<(u64, usize)> = None;
    let mut stray: Option<(u64, usize)> = None;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\n' => line += 1,
            b' ' | b'\t' | b'\r' | b',' => {}
            b'[' if open_array.is_none() && stray.is_none() => open_array = Some((line, at)),
            b']' if open_array.is_some() && stray.is_none() => open_array = None,
            b'{' => {
                report_stray(&mut stray, at, sink);
                if let Some(plain) = PlainObject::read(bytes, at) {
                    let end = plain.end;
                    let message = Message { line, start: at, end, field: |name: &str| plain.field(name) };
                    take(&message, bytes, sink);
                    line += count_line_ends(bytes.get(at..end).unwrap_or_default());
                    at = end;
                    continue;
                }
                let end = match object_end(bytes, at) {
                    End::At(end) => {
                        object(bytes, at, end, line, sink);
                        end
                    }
                    End::TooLong(end) => {
                        sink.fault(
                            Fault::error(
                                "orbit::line_too_long",
                                format!("an object of more than {MAX_LINE_BYTES} bytes; stepped over, reading goes on behind"),
                            )
                            .at_line(line)
                            .at_bytes(at as u64, end as u64),
                        );
                        end
                    }
                    End::Missing => {
                        sink.fault(
                            Fault::error(
                                "orbit::truncated",
                                "the input ends inside this object; fetch it again",
                            )
                            .at_line(line)
                            .at_bytes(at as u64, bytes.len() as u64),
                        );
                        return;
                    }
                };
                line += count_line_ends(bytes.get(at..end).unwrap_or_default());
                at = end;
                continue;
            }
            _ => {
                stray.get_or_insert((line, at));
            }
        }
        at += 1;
    }
    report_stray(&mut stray, at, sink);
    if let Some((line, start)) = open_array {
        sink.fault(
            Fault::error(
                "orbit::truncated",
                "the array that starts here is not closed; objects are missing, fetch it again",
            )
            .at_line(line)
            .at_bytes(start as u64, bytes.len() as u64),
        );
    }
}

fn report_stray(stray: &mut Option<(u64, usize)>, end: usize, sink: &mut Sink) {
    if let Some((line, start)) = stray.take() {
        sink.fault(
            Fault::error("orbit::orphan_line", "text between the objects; it was stepped over")
                .at_line(line)
                .at_bytes(start as u64, end as u64),
        );
    }
}

fn count_line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|b| **b == b'\n').count() as u64
}

enum End {
    /// The offset behind the closing brace.
    At(usize),
    /// No closing brace within the limit; the offset behind what was looked at.
    TooLong(usize),
    /// The input ends first.
    Missing,
}

/// Where the object that starts at `start` ends. Looks at each byte once, at most [`MAX_LINE_BYTES`] of them.
fn object_end(bytes: &[u8], start: usize) -> End {
    let limit = bytes.len().min(start + MAX_LINE_BYTES);
    let (mut depth, mut in_text, mut escaped) = (0u32, false, false);
    for (i, byte) in bytes.get(start..limit).unwrap_or_default().iter().enumerate() {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return End::At(start + i + 1);
                }
            }
            _ => {}
        }
    }
    if limit < bytes.len() { End::TooLong(limit) } else { End::Missing }
}

fn object(bytes: &[u8], start: usize, end: usize, line: u64, sink: &mut Sink) {
    let slice = bytes.get(start..end).unwrap_or_default();
    let text = match std::str::from_utf8(slice) {
        Ok(text) => text,
        Err(error) => {
            let before = slice.get(..error.valid_up_to()).unwrap_or_default();
            sink.fault(invalid_utf8(line + count_line_ends(before), start, error));
            return;
        }
    };
    let fields: BTreeMap<String, &RawValue> = match serde_json::from_str(text) {
        Ok(fields) => fields,
        Err(error) => {
            sink.fault(
                Fault::error("orbit::bad_field", format!("not a JSON object: {error}"))
                    .at_line(line + (error.line() as u64).saturating_sub(1))
                    .at_bytes(start as u64, end as u64),
            );
            return;
        }
    };
    let message = Message {
        line,
        start,
        end,
        field: |name: &str| {
            let raw = fields.get(name)?.get();
            // The raw value is a part of `text`, so the difference of addresses is its offset.
            let offset = (raw.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
            let text = match raw.as_bytes().first() {
                Some(b'n') => return None,
                Some(b'"') => Cow::Owned(serde_json::from_str::<String>(raw).unwrap_or_default()),
                _ => Cow::Borrowed(raw),
            };
            Some(Cell { text, start: start + offset, end: start + offset + raw.len() })
        },
    };
    take(&message, bytes, sink);
}

fn take<'a>(message: &Message<'a, impl Fn(&str) -> Option<Cell<'a>>>, bytes: &[u8], sink: &mut Sink) {
    match message.element_set() {
        Ok(set) => sink.set(set, message.line),
        Err(fault) => {
            // Point at the field's own line where its bytes are known.
            let shift = fault.byte_start.map_or(0, |at| {
                count_line_ends(
                    bytes.get(message.start..(at as usize).max(message.start)).unwrap_or_default(),
                )
            });
            let at = fault.line.unwrap_or(message.line) + shift;
            sink.fault(fault.at_line(at));
        }
    }
}
