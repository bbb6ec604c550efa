//! Words of free text by their shape: hosts, URLs, digests, mail addresses, files.

use super::Scan;

/// Shortest word that can name anything: `::1`.
const SHORTEST: usize = 3;

impl Scan<'_, '_> {
    /// Looks up every word of a text.
    pub(crate) fn text(&mut self, name: &str, bytes: &[u8]) {
        for word in bytes.split(ends_word) {
            if word.len() >= SHORTEST {
                self.word(name, word);
            }
        }
    }

    fn word(&mut self, name: &str, word: &[u8]) {
        if let Some(at) = memchr::memmem::find(word, b"://") {
            let scheme = word[..at]
                .iter()
                .rev()
                .take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b))
                .count();
            let (before, url) = word.split_at(at - scheme);
            self.parts(name, before);
            self.url(name, trimmed(url));
            return;
        }
        // A URL without a scheme may hold what separates parts.
        if self.wants_urls() && memchr::memchr(b'/', word).is_some_and(|slash| word[..slash].contains(&b'.'))
        {
            self.url(name, trimmed(word));
        }
        self.parts(name, word);
    }

    fn parts(&mut self, name: &str, word: &[u8]) {
        for part in word.split(ends_part) {
            let part = trimmed(part);
            if part.len() >= SHORTEST {
                self.part(name, part);
            }
        }
    }

    fn part(&mut self, name: &str, part: &[u8]) {
        if matches!(part.len(), 32 | 40 | 64 | 128) && part.iter().all(u8::is_ascii_hexdigit) {
            self.digest(name, part);
            return;
        }
        let (mut dot, mut colon, mut at, mut slash) = (false, false, false, false);
        for byte in part {
            match byte {
                b'.' => dot = true,
                b':' => colon = true,
                b'@' => at = true,
                b'/' | b'\\' => slash = true,
                _ => {}
            }
        }
        if self.wants_files() && (dot || slash) {
            self.file(name, part);
        }
        if at && !slash {
            let address = part.rsplit(|b| *b == b':').find(|one| one.contains(&b'@')).unwrap_or(part);
            self.email(name, address);
        } else if slash {
            let head = part.split(|b| matches!(b, b'/' | b'\\')).next().unwrap_or_default();
            if head.contains(&b'.') || head.contains(&b':') {
                self.named(name, head);
            }
        } else if colon {
            self.named(name, part);
        } else if dot {
            self.host(name, part);
        }
    }

    /// A host with what stands before or behind a colon: a port, a label.
    fn named(&mut self, name: &str, part: &[u8]) {
        if !part.contains(&b':') || crate::indicator::address(part).is_some() {
            self.host(name, part);
            return;
        }
        for one in part.split(|b| *b == b':') {
            if matches!(one.len(), 32 | 40 | 64 | 128) && one.iter().all(u8::is_ascii_hexdigit) {
                self.digest(name, one);
            } else if one.contains(&b'.') {
                self.host(name, trimmed(one));
            }
        }
    }
}

const fn ends_word(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, 0..=0x1F | b'"' | b'\'' | b'`' | b'<' | b'>' | b'|' | b'^')
}

const fn ends_part(byte: &u8) -> bool {
    matches!(
        byte,
        b',' | b';'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'='
            | b'!'
            | b'*'
            | b'#'
            | b'&'
            | b'?'
            | b'$'
    )
}

/// Without the signs that end a sentence or open a bracket.
fn trimmed(mut word: &[u8]) -> &[u8] {
    while let [rest @ .., b'.' | b',' | b';' | b':' | b'!' | b'?' | b')' | b']' | b'}' | b'-'] = word {
        word = rest;
    }
    while let [b'.' | b'-' | b'(' | b'[' | b'{', rest @ ..] = word {
        word = rest;
    }
    word
}
