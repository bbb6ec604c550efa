use crate::read::MAX_LINE_BYTES;

/// One physical line of the input, without its line end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: u64,
    /// Offset of its first byte in the input.
    pub(crate) start: usize,
    /// Its bytes without `\n` or `\r\n`.
    pub(crate) bytes: &'a [u8],
}

impl Line<'_> {
    pub(crate) fn end(&self) -> usize {
        self.start + self.bytes.len()
    }

    pub(crate) fn too_long(&self) -> bool {
        self.bytes.len() > MAX_LINE_BYTES
    }

    pub(crate) fn blank(&self) -> bool {
        // Cut, so that a gigabyte of blanks costs nothing.
        !self.too_long() && self.bytes.iter().all(u8::is_ascii_whitespace)
    }
}

/// The lines of `bytes`; a byte order mark is stepped over, nothing is copied.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut start = skip_bom(bytes);
    let mut number = 0;
    std::iter::from_fn(move || {
        if start >= bytes.len() {
            return None;
        }
        let rest = bytes.get(start..)?;
        let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        let mut line = rest.get(..length)?;
        if let Some(cut) = line.strip_suffix(b"\r") {
            line = cut;
        }
        number += 1;
        let this = Line { number, start, bytes: line };
        start += length + 1;
        Some(this)
    })
}

/// 3 when the input starts with the byte order mark of UTF-8, else 0.
pub(crate) fn skip_bom(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 }
}

/// `text` cut to what a message can carry.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}
