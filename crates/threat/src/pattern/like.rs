//! `LIKE`: `%` is any text, `_` any one character.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::limits::Steps;

/// A `LIKE` operand in NFC, cut at its `%`.
#[derive(Debug, Clone)]
pub(super) struct Like {
    /// The parts between `%`. One part alone is the whole text.
    parts: Vec<Part>,
    /// Whether bytes can be held against it: all its characters are below U+0100.
    for_bytes: bool,
}

#[derive(Debug, Clone)]
struct Part {
    text: Box<str>,
    /// Has a `_`.
    any_character: bool,
}

impl Like {
    pub(super) fn new(operand: &str) -> Self {
        let operand: String = operand.nfc().collect();
        let part = |text: &str| Part { text: text.into(), any_character: text.contains('_') };
        Self {
            parts: operand.split('%').map(part).collect(),
            for_bytes: operand.chars().all(|c| u32::from(c) < 256),
        }
    }

    /// Whether `value`, normalised to NFC, is like this. `None`: out of steps.
    pub(super) fn is_like(&self, value: &str, steps: &mut Steps) -> Option<bool> {
        if value.is_ascii() {
            return self.is_like_normal(value, steps);
        }
        let value: String = value.nfc().collect();
        self.is_like_normal(&value, steps)
    }

    /// The same for bytes: UTF-8, or else one character a byte.
    pub(super) fn is_like_bytes(&self, value: &[u8], steps: &mut Steps) -> Option<bool> {
        if !self.for_bytes {
            return Some(false);
        }
        let text = match std::str::from_utf8(value) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(value.iter().copied().map(char::from).collect()),
        };
        self.is_like(&text, steps)
    }

    fn is_like_normal(&self, value: &str, steps: &mut Steps) -> Option<bool> {
        let [first, between @ .., last] = self.parts.as_slice() else {
            // One part: the whole value.
            let whole = self.parts.first().and_then(|part| part.starts(value));
            return Some(whole == Some(value.len()));
        };
        let Some(start) = first.starts(value) else { return Some(false) };
        let mut rest = &value[start..];
        for part in between {
            match part.find(rest, steps)? {
                Some(end) => rest = &rest[end..],
                None => return Some(false),
            }
        }
        Some(last.ends(rest))
    }
}

impl Part {
    /// The length of what it stands for at the start of `value`.
    fn starts(&self, value: &str) -> Option<usize> {
        if !self.any_character {
            return value.starts_with(&*self.text).then_some(self.text.len());
        }
        let mut rest = value.chars();
        for wanted in self.text.chars() {
            if !rest.next().is_some_and(|c| wanted == '_' || wanted == c) {
                return None;
            }
        }
        Some(value.len() - rest.as_str().len())
    }

    fn ends(&self, value: &str) -> bool {
        if !self.any_character {
            return value.ends_with(&*self.text);
        }
        let mut rest = value.chars();
        self.text.chars().rev().all(|wanted| rest.next_back().is_some_and(|c| wanted == '_' || wanted == c))
    }

    /// The end of its first place in `value`.
    fn find(&self, value: &str, steps: &mut Steps) -> Option<Option<usize>> {
        if !self.any_character {
            return Some(value.find(&*self.text).map(|at| at + self.text.len()));
        }
        for (at, _) in value.char_indices().chain([(value.len(), ' ')]) {
            steps.take(1 + self.text.len() as u64 / 8)?;
            if let Some(length) = self.starts(&value[at..]) {
                return Some(Some(at + length));
            }
        }
        Some(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(operand: &str, value: &str, expected: bool) {
        let mut steps = Steps::new(1000);
        assert_eq!(Like::new(operand).is_like(value, &mut steps), Some(expected), "{value} LIKE {operand}");
    }

    #[test]
    fn wildcards() {
        check("", "", true);
        check("", "a", false);
        check("%", "", true);
        check("a%", "abc", true);
        check("%c", "abc", true);
        check("%b%", "abc", true);
        check("a_c", "abc", true);
        check("a_c", "aéc", true);
        check("a_c", "ac", false);
        check("%_", "", false);
        check("a%a", "a", false);
        check("%a_b%c", "xaab xc", true);
        check("a%b%b", "ab", false);
        check("A%", "abc", false);
        check("a.c", "abc", false);
        check("a%\nc", "ab\nc", true);
        check("\u{1e0d}\u{307}", "d\u{323}\u{307}", true);
    }
}
