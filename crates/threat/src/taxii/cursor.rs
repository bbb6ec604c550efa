use super::Micros;

/// Where a page ended: the time at which its last object was added, and how many objects of the answer with that very
/// time were given. So a bulk load, which gives thousands of objects one time, loses and repeats nothing, and the
/// cursor tells nothing of objects that the reader may not see: both numbers are of the answer alone.
///
/// It also carries a digest of the question, so that a cursor of another question is refused (TAXII 2.1, section
/// 3.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last object given.
    pub added: Micros,
    /// How many objects with that time were given.
    pub given: u64,
    /// Of which question.
    pub question: u32,
}

impl Cursor {
    /// As clients send it back.
    pub fn to_text(self) -> String {
        format!("{:x}.{:x}.{:08x}", self.added, self.given, self.question)
    }

    /// `None` for anything that was not made by [`Self::to_text`].
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let cursor = Self {
            added: i64::from_str_radix(parts.next()?, 16).ok()?,
            given: u64::from_str_radix(parts.next()?, 16).ok()?,
            question: u32::from_str_radix(parts.next()?, 16).ok()?,
        };
        // One text for one cursor.
        (cursor.to_text() == text).then_some(cursor)
    }
}

/// A digest of a question, the same on every machine (FNV-1a).
pub(super) fn digest(parts: &str) -> u32 {
    parts.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn only_its_own_text_is_read() {
        let cursor = Cursor { added: 1_700_000_000_000_000, given: 17, question: 5 };
        assert_eq!(Cursor::parse(&cursor.to_text()), Some(cursor));
        let before = Cursor { added: -5, given: 0, question: u32::MAX };
        // Before 1970 nothing was added; such a cursor is not ours.
        assert_eq!(Cursor::parse(&before.to_text()), None);
        for no in
            ["", "1", "1.2", "1.2.3", "01.2.00000003", "1.2.00000003.4", "+1.2.00000003", "x.2.00000003"]
        {
            assert_eq!(Cursor::parse(no), None, "{no}");
        }
    }
}
