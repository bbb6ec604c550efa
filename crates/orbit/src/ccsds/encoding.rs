//! Which bytes are which characters: UTF-8, UTF-16 and UCS-4, with and without a byte order mark.

use std::borrow::Cow;

use base::Fault;

/// The text of an input, and how to come back from it to the input's bytes.
pub(crate) struct Decoded<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Bytes of the byte order mark.
    start: u64,
    encoding: Encoding,
    /// For each [`STRIDE`] bytes of the text: the next character's offset there, and its offset in the input.
    marks: Vec<(usize, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { big: bool },
    Ucs4 { big: bool },
}

const STRIDE: usize = 1024;

impl<'a> Decoded<'a> {
    /// Decodes `bytes`.
    ///
    /// # Errors
    /// A fault with the first bytes that are no character.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, Box<Fault>> {
        let (encoding, mark) = detect(bytes);
        let rest = bytes.get(mark..).unwrap_or_default();
        let wide = |text: Result<(String, Vec<(usize, u64)>), usize>| {
            let (text, marks) = text.map_err(|at| invalid(bytes, mark + at))?;
            Ok(Self { text: Cow::Owned(text), start: mark as u64, encoding, marks })
        };
        match encoding {
            Encoding::Utf8 => {
                let text = std::str::from_utf8(rest).map_err(|e| invalid(bytes, mark + e.valid_up_to()))?;
                Ok(Self { text: Cow::Borrowed(text), start: mark as u64, encoding, marks: Vec::new() })
            }
            Encoding::Utf16 { big } => wide(from_utf16(rest, big)),
            Encoding::Ucs4 { big } => wide(from_ucs4(rest, big)),
        }
    }

    /// Where the byte `at` of the text stands in the input.
    pub(crate) fn offset(&self, at: usize) -> u64 {
        if self.encoding == Encoding::Utf8 {
            return self.start + at as u64;
        }
        let mark = self.marks.partition_point(|(text, _)| *text <= at).saturating_sub(1);
        let (text_at, input_at) = self.marks.get(mark).copied().unwrap_or((0, 0));
        let between = self.text.get(text_at..at).unwrap_or_default();
        self.start + input_at + between.chars().map(|c| self.encoding.width(c)).sum::<u64>()
    }
}

impl Encoding {
    fn width(self, c: char) -> u64 {
        match self {
            Self::Utf8 => c.len_utf8() as u64,
            Self::Utf16 { .. } => 2 * c.len_utf16() as u64,
            Self::Ucs4 { .. } => 4,
        }
    }
}

/// By the byte order mark, or else by the zero bytes around the first character, as XML 1.0 does in appendix F.
fn detect(bytes: &[u8]) -> (Encoding, usize) {
    match bytes {
        [0, 0, 0xFE, 0xFF, ..] => (Encoding::Ucs4 { big: true }, 4),
        [0xFF, 0xFE, 0, 0, ..] => (Encoding::Ucs4 { big: false }, 4),
        [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
        [0xFE, 0xFF, ..] => (Encoding::Utf16 { big: true }, 2),
        [0xFF, 0xFE, ..] => (Encoding::Utf16 { big: false }, 2),
        [0, 0, 0, 1..=0x7F, ..] => (Encoding::Ucs4 { big: true }, 0),
        [1..=0x7F, 0, 0, 0, ..] => (Encoding::Ucs4 { big: false }, 0),
        [0, 1..=0x7F, 0, 1..=0x7F, ..] => (Encoding::Utf16 { big: true }, 0),
        [1..=0x7F, 0, 1..=0x7F, 0, ..] => (Encoding::Utf16 { big: false }, 0),
        _ => (Encoding::Utf8, 0),
    }
}

type Text = Result<(String, Vec<(usize, u64)>), usize>;

fn from_utf16(bytes: &[u8], big: bool) -> Text {
    let units = bytes.chunks(2).map(|pair| match pair {
        [a, b] => Some(if big { u16::from_be_bytes([*a, *b]) } else { u16::from_le_bytes([*a, *b]) }),
        _ => None,
    });
    let (mut text, mut marks, mut at) = (String::new(), Vec::new(), 0);
    // An odd byte at the end becomes half of a pair, which is an error at its place.
    for c in char::decode_utf16(units.map(|unit| unit.unwrap_or(0xDC00))) {
        let c = c.map_err(|_| at)?;
        mark(&mut marks, &text, at);
        text.push(c);
        at += 2 * c.len_utf16();
    }
    Ok((text, marks))
}

fn from_ucs4(bytes: &[u8], big: bool) -> Text {
    let (mut text, mut marks) = (String::new(), Vec::new());
    for (i, four) in bytes.chunks(4).enumerate() {
        let value = match four {
            [a, b, c, d] if big => u32::from_be_bytes([*a, *b, *c, *d]),
            [a, b, c, d] => u32::from_le_bytes([*a, *b, *c, *d]),
            _ => u32::MAX,
        };
        mark(&mut marks, &text, 4 * i);
        text.push(char::from_u32(value).ok_or(4 * i)?);
    }
    Ok((text, marks))
}

fn mark(marks: &mut Vec<(usize, u64)>, text: &str, at: usize) {
    if text.len() >= marks.len() * STRIDE {
        marks.push((text.len(), at as u64));
    }
}

fn invalid(bytes: &[u8], at: usize) -> Box<Fault> {
    let before = bytes.get(..at).unwrap_or_default();
    let line = before.iter().filter(|b| **b == b'\n').count() as u64 + 1;
    Box::new(
        Fault::error(
            "orbit::invalid_utf8",
            "neither UTF-8 nor UTF-16 nor UCS-4; re-encode the file as UTF-8",
        )
        .at_line(line)
        .at_bytes(at as u64, (at + 1).min(bytes.len()) as u64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_the_same_text_and_its_own_offsets() {
        let text = format!("{}é𝄞z", "<a/>\n".repeat(600));
        let utf16: Vec<u16> = text.encode_utf16().collect();
        let inputs: Vec<Vec<u8>> = vec![
            text.clone().into_bytes(),
            [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            utf16.iter().flat_map(|u| u.to_be_bytes()).collect(),
            [vec![0xFE, 0xFF], utf16.iter().flat_map(|u| u.to_be_bytes()).collect()].concat(),
            utf16.iter().flat_map(|u| u.to_le_bytes()).collect(),
            text.chars().flat_map(|c| (c as u32).to_be_bytes()).collect(),
            [vec![0, 0, 0xFE, 0xFF], text.chars().flat_map(|c| (c as u32).to_be_bytes()).collect()].concat(),
            text.chars().flat_map(|c| (c as u32).to_le_bytes()).collect(),
        ];
        for input in inputs {
            let decoded = Decoded::new(&input).unwrap();
            assert_eq!(decoded.text, text);
            let z = decoded.offset(text.len() - 1) as usize;
            assert_eq!(input[z..].iter().filter(|b| **b != 0).collect::<Vec<_>>(), [&b'z']);
        }
    }

    #[test]
    fn what_is_no_character_is_named_by_its_place() {
        let fault = |bytes: &[u8]| Decoded::new(bytes).err().map(|f| (f.line, f.byte_start));
        assert_eq!(fault(b"a\nb\xFFc"), Some((Some(2), Some(3))));
        assert_eq!(fault(b"\xFE\xFF\x00a\xD8\x00"), Some((Some(1), Some(4))));
        assert_eq!(fault(b"\x00\x00\xFE\xFF\x00\x00\x00a\x00"), Some((Some(1), Some(8))));
    }
}
