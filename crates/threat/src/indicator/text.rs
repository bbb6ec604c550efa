use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;

use super::{OriginId, SetError};

/// Free texts, searched for all at once (Aho, Corasick 1975), whatever their case in ASCII.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    list: Vec<(String, Vec<OriginId>)>,
    automaton: Option<AhoCorasick>,
}

impl Texts {
    pub(super) fn new(texts: BTreeMap<String, Vec<OriginId>>) -> Result<Self, SetError> {
        let list: Vec<(String, Vec<OriginId>)> = texts
            .into_iter()
            .map(|(text, mut origins)| {
                origins.sort_unstable();
                origins.dedup();
                (text, origins)
            })
            .collect();
        if list.is_empty() {
            return Ok(Self::default());
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(list.iter().map(|(text, _)| text))
            .map_err(|e| SetError::Texts { reason: e.to_string() })?;
        Ok(Self { list, automaton: Some(automaton) })
    }

    /// The texts that stand in `bytes` with no letter or digit joined to them.
    pub(super) fn find(&self, bytes: &[u8], mut each: impl FnMut(usize, &str, &[OriginId])) {
        let Some(automaton) = &self.automaton else { return };
        for found in automaton.find_overlapping_iter(bytes) {
            if stands_alone(bytes, found.start(), found.end()) {
                let (text, origins) = &self.list[found.pattern().as_usize()];
                each(found.start(), text, origins);
            }
        }
    }

    pub(super) fn list(&self) -> &[(String, Vec<OriginId>)] {
        &self.list
    }

    pub(super) fn bytes(&self) -> usize {
        let texts: usize = self.list.iter().map(|(text, origins)| text.len() + 4 * origins.len() + 48).sum();
        texts + self.automaton.as_ref().map_or(0, AhoCorasick::memory_usage)
    }
}

/// Letters, digits, `_` and all beyond ASCII: what joins to a word.
pub(super) const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether no word goes on beyond `start..end`.
fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let is_word = |b: Option<&u8>| b.is_some_and(|b| is_word_byte(*b));
    let before = start.checked_sub(1).and_then(|i| bytes.get(i));
    let joined_before = is_word(before) && is_word(bytes.get(start));
    let joined_after = is_word(bytes.get(end)) && is_word(end.checked_sub(1).and_then(|i| bytes.get(i)));
    !joined_before && !joined_after
}
