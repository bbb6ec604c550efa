//! Physical lines of a stream, with bounded memory, and the cells of a line of CSV.

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::Range;

/// Bytes that are read at a time.
const BLOCK: usize = 256 << 10;
/// Longest line that is held; what follows in the same line is skipped.
pub(crate) const MAX_LINE: usize = 16 << 20;

/// Lines of a stream. A line is what stands before LF; a CR before it is no part of it.
pub(crate) struct Lines<'r> {
    input: &'r mut dyn Read,
    buffer: Vec<u8>,
    /// Unread bytes of the buffer.
    unread: Range<usize>,
    /// Bytes of the stream before the buffer.
    passed: u64,
    number: u64,
    ended: bool,
    /// Whether the line break of the last line was there.
    whole: bool,
}

/// One line: where it stands, and whether it was cut at [`MAX_LINE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'b> {
    /// From 1.
    pub(crate) number: u64,
    /// First byte in the stream, from 0.
    pub(crate) offset: u64,
    pub(crate) bytes: &'b [u8],
    pub(crate) cut: bool,
}

impl<'r> Lines<'r> {
    pub(crate) fn new(input: &'r mut dyn Read) -> Self {
        Self { input, buffer: vec![0; BLOCK], unread: 0..0, passed: 0, number: 0, ended: false, whole: true }
    }

    /// Lines of a stream that is part of another: its first line is `number` there and begins at byte `offset`.
    pub(crate) fn at(input: &'r mut dyn Read, number: u64, offset: u64) -> Self {
        Self { passed: offset, number: number.saturating_sub(1), ..Self::new(input) }
    }

    /// The number and the first byte of the line after the last one, when that has its line break.
    pub(crate) fn next_line(&self) -> Option<(u64, u64)> {
        self.whole.then(|| (self.number + 1, self.passed + self.unread.start as u64))
    }

    /// The bytes that come next, without reading on; at least `wanted` when the stream has so many.
    pub(crate) fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        while self.unread.len() < wanted && !self.ended {
            self.fill()?;
        }
        Ok(&self.buffer[self.unread.clone()])
    }

    /// The next line.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = 0;
        let (length, cut) = loop {
            let unread = &self.buffer[self.unread.clone()];
            if let Some(at) = memchr::memchr(b'\n', &unread[searched..]) {
                break (searched + at, searched + at > MAX_LINE);
            }
            searched = unread.len();
            if self.ended {
                if searched == 0 {
                    return Ok(None);
                }
                break (searched, searched > MAX_LINE);
            }
            if searched > MAX_LINE {
                break (searched, true);
            }
            self.fill()?;
        };
        let start = self.unread.start;
        let offset = self.passed + start as u64;
        let whole = self.buffer.get(start + length) == Some(&b'\n') && start + length < self.unread.end;
        self.unread.start += length + usize::from(whole);
        self.number += 1;
        self.whole = whole;
        if cut && !whole {
            self.skip_line()?;
        }
        let bytes = &self.buffer[start..start + length.min(MAX_LINE)];
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Ok(Some(Line { number: self.number, offset, bytes, cut }))
    }

    /// Drops the rest of a line that is too long, reading beside the bytes that are still wanted.
    fn skip_line(&mut self) -> io::Result<()> {
        let mut block = vec![0; BLOCK];
        loop {
            let read = read_some(self.input, &mut block)?;
            if read == 0 {
                self.ended = true;
                return Ok(());
            }
            if let Some(at) = memchr::memchr(b'\n', &block[..read]) {
                self.whole = true;
                let rest = &block[at + 1..read];
                // The held line stays where it is; what follows goes behind it.
                self.passed += (at + 1) as u64;
                let end = self.unread.start;
                self.buffer.truncate(end);
                self.buffer.extend_from_slice(rest);
                self.unread = end..end + rest.len();
                return Ok(());
            }
            self.passed += read as u64;
        }
    }

    /// Reads on, behind the unread bytes.
    fn fill(&mut self) -> io::Result<()> {
        if self.unread.start > 0 {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.passed += self.unread.start as u64;
            self.unread = 0..self.unread.len();
        }
        if self.buffer.len() - self.unread.end < BLOCK / 2 {
            let room = (2 * self.buffer.len()).max(BLOCK);
            self.buffer.resize(room, 0);
        }
        let read = read_some(self.input, &mut self.buffer[self.unread.end..])?;
        self.unread.end += read;
        self.ended = read == 0;
        Ok(())
    }

    /// All that is left, up to `limit` bytes.
    ///
    /// # Errors
    /// When there is more, or the stream cannot be read.
    pub(crate) fn rest(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        let mut all = self.buffer[self.unread.clone()].to_vec();
        self.unread.start = self.unread.end;
        self.input.take((limit as u64 + 1).saturating_sub(all.len() as u64)).read_to_end(&mut all)?;
        if all.len() > limit {
            let message = format!("the document is larger than {} MiB; split it", limit >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(all)
    }

    /// The next `wanted` bytes into `bytes`, fewer at the end of the stream.
    pub(crate) fn take(&mut self, wanted: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
        bytes.clear();
        while bytes.len() < wanted {
            if self.unread.is_empty() {
                if self.ended {
                    break;
                }
                self.fill()?;
                continue;
            }
            let count = self.unread.len().min(wanted - bytes.len());
            bytes.extend_from_slice(&self.buffer[self.unread.start..self.unread.start + count]);
            self.unread.start += count;
        }
        Ok(())
    }
}

fn read_some(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Whether a quoted cell of CSV (RFC 4180) is still open at the end of `record`. A quote within a cell opens nothing.
pub(crate) fn open_quote(record: &[u8], separator: u8) -> bool {
    let mut rest = record;
    loop {
        let quoted = rest.first() == Some(&b'"');
        let end = if quoted { quoted_end(rest) } else { Some(0) };
        let Some(end) = end else { return true };
        match memchr::memchr(separator, &rest[end..]) {
            Some(at) => rest = &rest[end + at + 1..],
            None => return false,
        }
    }
}

/// The cells of a record of CSV (RFC 4180), without their quotes.
pub(crate) fn cells(record: &[u8], separator: u8) -> Vec<Cow<'_, [u8]>> {
    let mut cells = Vec::new();
    let mut rest = record;
    loop {
        let quoted = rest.first() == Some(&b'"');
        let end = if quoted { quoted_end(rest).unwrap_or(rest.len()) } else { 0 };
        let end = end + memchr::memchr(separator, &rest[end..]).unwrap_or(rest.len() - end);
        let cell = &rest[..end];
        cells.push(if quoted { unquoted(cell) } else { Cow::Borrowed(cell) });
        match rest.get(end + 1..) {
            Some(after) => rest = after,
            None => return cells,
        }
    }
}

/// The end of the quoted part at the beginning of `bytes`; `None` when it has none.
fn quoted_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    while let Some(next) = memchr::memchr(b'"', &bytes[at..]) {
        at += next + 1;
        if bytes.get(at) != Some(&b'"') {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn unquoted(cell: &[u8]) -> Cow<'_, [u8]> {
    let inner = &cell[1..];
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    if memchr::memchr(b'"', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut doubled = false;
    for byte in inner {
        doubled = *byte == b'"' && !doubled;
        if !doubled {
            plain.push(*byte);
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(text: &[u8], step: usize) -> Vec<(u64, u64, Vec<u8>, bool)> {
        let mut input = Trickle(text, step);
        let mut lines = Lines::new(&mut input);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let text = if line.cut { line.bytes[..3].to_vec() } else { line.bytes.to_vec() };
            all.push((line.number, line.offset, text, line.cut));
        }
        all
    }

    #[test]
    fn lines_are_counted_as_they_stand() {
        let text = b"one\r\n\nthree\nfour";
        let want = [(1, 0, &b"one"[..]), (2, 5, b""), (3, 6, b"three"), (4, 12, b"four")];
        for step in [1, 3, 100] {
            let got = all(text, step);
            assert_eq!(got.len(), 4);
            for ((number, offset, bytes, cut), want) in got.iter().zip(want) {
                assert_eq!((*number, *offset, bytes.as_slice(), *cut), (want.0, want.1, want.2, false));
            }
        }
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let mut text = vec![b'x'; 3 * MAX_LINE];
        text.extend_from_slice(b"\nnext\nlast");
        let far = 3 * MAX_LINE as u64 + 1;
        for step in [BLOCK, 1 << 20] {
            let got = all(&text, step);
            assert_eq!(got[0], (1, 0, b"xxx".to_vec(), true));
            assert_eq!(got[1], (2, far, b"next".to_vec(), false));
            assert_eq!(got[2], (3, far + 5, b"last".to_vec(), false));
        }
        let mut input = text.as_slice();
        let mut lines = Lines::new(&mut input);
        lines.next().unwrap();
        assert!(lines.buffer.len() <= 4 * MAX_LINE, "{}", lines.buffer.len());
    }

    #[test]
    fn only_a_quote_at_the_beginning_of_a_cell_opens_it() {
        for (record, open) in [
            (r#"a,"b"#, true),
            (r#"a,"b""#, false),
            (r#"a,"b"""#, true),
            (r#"5" disk,b"#, false),
            (r#""a","b,""#, false),
            ("", false),
        ] {
            assert_eq!(open_quote(record.as_bytes(), b','), open, "{record}");
        }
    }

    #[test]
    fn cells_lose_their_quotes() {
        let check = |record: &str, want: &[&str]| {
            let got = cells(record.as_bytes(), b',');
            let got: Vec<&str> = got.iter().map(|cell| std::str::from_utf8(cell).unwrap()).collect();
            assert_eq!(got, want, "{record}");
        };
        check("a,b,", &["a", "b", ""]);
        check("", &[""]);
        check(r#""a,b","c""d",e"#, &["a,b", "c\"d", "e"]);
        check(r#""open, and on"#, &["open, and on"]);
        check(r#""""#, &[""]);
        check("\"", &[""]);
    }
}
