//! The quick way through OMM objects as catalogues write them: flat, without escapes. Whatever is else goes the long
//! way, so this has no faults of its own.

use std::borrow::Cow;

use crate::omm::Cell;
use crate::read::MAX_LINE_BYTES;

/// A flat object: where the values of the fields that an element set is made of stand in the input.
pub(crate) struct PlainObject<'a> {
    text: &'a str,
    /// Offset of the object in the input.
    start: usize,
    /// Offset behind its closing brace.
    pub(crate) end: usize,
    /// Offsets of raw values in `text`; where a name comes twice the last one counts, as in `serde_json`.
    values: [Option<(usize, usize)>; FIELDS],
}

/// How many names [`slot`] knows.
const FIELDS: usize = 21;

/// The place of a field of an element set; others are stepped over.
fn slot(name: &[u8]) -> Option<usize> {
    Some(match name {
        b"OBJECT_NAME" => 0,
        b"OBJECT_ID" => 1,
        b"EPOCH" => 2,
        b"MEAN_MOTION" => 3,
        b"ECCENTRICITY" => 4,
        b"INCLINATION" => 5,
        b"RA_OF_ASC_NODE" => 6,
        b"ARG_OF_PERICENTER" => 7,
        b"MEAN_ANOMALY" => 8,
        b"EPHEMERIS_TYPE" => 9,
        b"CLASSIFICATION_TYPE" => 10,
        b"NORAD_CAT_ID" => 11,
        b"ELEMENT_SET_NO" => 12,
        b"REV_AT_EPOCH" => 13,
        b"BSTAR" => 14,
        b"MEAN_MOTION_DOT" => 15,
        b"MEAN_MOTION_DDOT" => 16,
        b"CENTER_NAME" => 17,
        b"REF_FRAME" => 18,
        b"TIME_SYSTEM" => 19,
        b"MEAN_ELEMENT_THEORY" => 20,
        _ => return None,
    })
}

impl<'a> PlainObject<'a> {
    /// The object that starts at `start`, if it is flat and right JSON with no escape in it and no value that is an
    /// array or an object, and no longer than [`MAX_LINE_BYTES`]. `None` says nothing about what it is instead.
    pub(crate) fn read(bytes: &'a [u8], start: usize) -> Option<Self> {
        let limit = bytes.len().min(start + MAX_LINE_BYTES);
        let mut scan = Scan { bytes: bytes.get(start..limit)?, at: 0 };
        let mut values = [None; FIELDS];
        scan.expect(b'{')?;
        if scan.blank()? == b'}' {
            return None;
        }
        loop {
            scan.blank()?;
            let name = scan.string()?;
            scan.blank()?;
            scan.expect(b':')?;
            scan.blank()?;
            let from = scan.at;
            scan.value()?;
            if let Some(value) = slot(name).and_then(|slot| values.get_mut(slot)) {
                *value = Some((from, scan.at));
            }
            match scan.blank()? {
                b',' => scan.at += 1,
                b'}' => break,
                _ => return None,
            }
        }
        let length = scan.at + 1;
        let text = std::str::from_utf8(scan.bytes.get(..length)?).ok()?;
        Some(Self { text, start, end: start + length, values })
    }

    /// The value of a field; null counts as absent.
    pub(crate) fn field(&self, name: &str) -> Option<Cell<'a>> {
        let (from, to) = (*self.values.get(slot(name.as_bytes())?)?)?;
        let raw = self.text.get(from..to)?;
        let text = match raw.as_bytes().first()? {
            b'n' => return None,
            b'"' => raw.get(1..raw.len() - 1)?,
            _ => raw,
        };
        Some(Cell { text: Cow::Borrowed(text), start: self.start + from, end: self.start + to })
    }
}

/// JSON's tokens (RFC 8259), read strictly; `None` wherever they are not plain.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Steps over blanks; gives the byte behind them.
    fn blank(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                other => return Some(other),
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let rest = self.bytes.get(self.at..)?;
        let length = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20))?;
        self.at += length;
        self.expect(b'"')?;
        rest.get(..length)
    }

    fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.number(),
            b'n' => self.word(b"null"),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            _ => None,
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }

    /// RFC 8259, 6: no leading zeros, digits on both sides of the point. What may follow is for the caller to see.
    fn number(&mut self) -> Option<()> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek()? == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek()?, b'e' | b'E') {
            self.at += 1;
            if matches!(self.peek()?, b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        let length = rest.iter().position(|b| !b.is_ascii_digit())?;
        self.at += length;
        (length > 0).then_some(())
    }
}
