//! `MATCHES`: regular expressions as PCRE writes them, run in linear time.
//!
//! STIX names PCRE, whose look-around, back-references and recursion have no linear-time form: they are refused by
//! name. The rest is rewritten where the two syntaxes differ.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder, bytes};
use unicode_normalization::UnicodeNormalization;

use super::error::short;

/// Expressions that one pattern may have.
pub(super) const MAX_EXPRESSIONS: usize = 512;

/// Bytes that one compiled expression may take, and all of a pattern together.
const MAX_COMPILED_BYTES: usize = 4 << 20;
const MAX_ALL_COMPILED_BYTES: usize = 32 << 20;

/// Bytes of an expression.
const MAX_REGEX_BYTES: usize = 64 << 10;

/// Groups within one another in an expression.
const MAX_NESTING: u32 = 200;

/// An expression made ready for strings, and when needed for bytes.
#[derive(Debug, Clone)]
pub(super) struct Matches {
    text: Regex,
    /// In NFC, for the expression over bytes.
    pattern: Box<str>,
    size_limit: usize,
    /// Compiled when it is first needed: few properties are binary.
    bytes: OnceLock<Option<bytes::Regex>>,
    /// `$` is also true before a line feed at the very end.
    before_line_feed: bool,
}

impl Matches {
    /// Compiles `pattern`, one of `count` in a whole, after normalising it to NFC (STIX 2.1 section 9.6.1).
    pub(super) fn new(pattern: &str, count: usize) -> Result<Self, String> {
        if pattern.len() > MAX_REGEX_BYTES {
            return Err(format!(
                "a regular expression of {} bytes: at most {MAX_REGEX_BYTES} are read",
                pattern.len()
            ));
        }
        let size_limit = (MAX_ALL_COMPILED_BYTES / count.max(1)).min(MAX_COMPILED_BYTES);
        let pattern: String = pattern.nfc().collect();
        let rewritten = Rewriter::new(&pattern, false).run()?;
        let text = RegexBuilder::new(&rewritten.text)
            .size_limit(size_limit)
            .dfa_size_limit(size_limit)
            .nest_limit(MAX_NESTING)
            .octal(true)
            .build()
            .map_err(|error| told(&error))?;
        Ok(Self {
            text,
            pattern: pattern.into(),
            size_limit,
            bytes: OnceLock::new(),
            before_line_feed: rewritten.end_of_text,
        })
    }

    /// The expression over bytes, where all its characters are below U+0100.
    fn bytes(&self) -> Option<&bytes::Regex> {
        let compile = || {
            if self.pattern.chars().any(|c| u32::from(c) > 255) {
                return None;
            }
            bytes::RegexBuilder::new(&Rewriter::new(&self.pattern, true).run().ok()?.text)
                .unicode(false)
                .size_limit(self.size_limit)
                .dfa_size_limit(self.size_limit)
                .nest_limit(MAX_NESTING)
                .octal(true)
                .build()
                .ok()
        };
        self.bytes.get_or_init(compile).as_ref()
    }

    /// Whether it is found in `value`, which is normalised to NFC first.
    pub(super) fn is_in_text(&self, value: &str) -> bool {
        if value.is_ascii() {
            return self.finds(value);
        }
        let value: String = value.nfc().collect();
        self.finds(&value)
    }

    fn finds(&self, value: &str) -> bool {
        self.text.is_match(value)
            || (self.before_line_feed
                && value.strip_suffix('\n').is_some_and(|value| self.text.is_match(value)))
    }

    /// Whether it is found in bytes.
    pub(super) fn is_in_bytes(&self, value: &[u8]) -> bool {
        self.bytes().is_some_and(|regex| {
            regex.is_match(value)
                || (self.before_line_feed
                    && value.strip_suffix(b"\n").is_some_and(|value| regex.is_match(value)))
        })
    }
}

/// The last line of what the library says, which is the reason.
fn told(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("the regular expression needs more than {limit} bytes: write smaller repetitions")
        }
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("the regular expression is not valid: {}", last.trim_start_matches("error: "))
        }
    }
}

struct Rewritten {
    text: String,
    end_of_text: bool,
}

/// From PCRE's syntax to that of the `regex` crate.
struct Rewriter<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    out: String,
    for_bytes: bool,
    end_of_text: bool,
    /// Whether something that can be repeated stands before.
    repeated: bool,
}

impl<'a> Rewriter<'a> {
    fn new(pattern: &'a str, for_bytes: bool) -> Self {
        Self {
            rest: pattern.chars().peekable(),
            out: String::with_capacity(pattern.len() + 8),
            for_bytes,
            end_of_text: false,
            repeated: false,
        }
    }

    fn run(mut self) -> Result<Rewritten, String> {
        while let Some(c) = self.rest.next() {
            let quantifier = matches!(c, '*' | '+' | '?');
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.group()?,
                '{' => {
                    if self.bounds()? {
                        continue;
                    }
                }
                '+' if self.repeated => {
                    return Err(unsupported("the possessive quantifier `+` after another"));
                }
                '$' => {
                    self.end_of_text = true;
                    self.out.push('$');
                }
                '}' => self.out.push_str("\\}"),
                ']' => self.out.push_str("\\]"),
                other => self.literal(other),
            }
            self.repeated = quantifier;
        }
        Ok(Rewritten { text: self.out, end_of_text: self.end_of_text })
    }

    /// A character that stands for itself; in bytes one below U+0100 is one byte.
    fn literal(&mut self, c: char) {
        if self.for_bytes && !c.is_ascii() {
            self.out.push_str(&format!("\\x{:02X}", u32::from(c)));
        } else {
            self.out.push(c);
        }
    }

    /// `{n}`, `{n,}`, `{n,m}`; anything else is a brace that stands for itself. Whether it was a quantifier.
    fn bounds(&mut self) -> Result<bool, String> {
        let ahead: String = self.rest.clone().take_while(|c| *c != '}').take(16).collect();
        let closed = self.rest.clone().nth(ahead.chars().count()) == Some('}');
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let is_quantifier = closed
            && match ahead.split_once(',') {
                None => number(&ahead),
                Some((low, high)) => number(low) && (high.is_empty() || number(high)),
            };
        if !is_quantifier {
            self.out.push_str("\\{");
            return Ok(false);
        }
        self.out.push('{');
        self.out.extend(self.rest.by_ref().take(ahead.chars().count() + 1));
        if self.rest.peek() == Some(&'+') {
            return Err(unsupported("a possessive quantifier"));
        }
        self.repeated = true;
        Ok(true)
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.rest.peek() == Some(&'*') {
            return Err(unsupported("a verb such as `(*SKIP)`"));
        }
        if self.rest.peek() != Some(&'?') {
            return Ok(());
        }
        let ahead: String = self.rest.clone().skip(1).take(2).collect();
        let refused = match ahead.as_bytes() {
            [b'=' | b'!', ..] => "look-ahead",
            [b'<', b'=' | b'!'] => "look-behind",
            [b'>', ..] => "an atomic group",
            [b'|', ..] => "a branch reset",
            [b'(', ..] => "a conditional group",
            [b'P', b'=' | b'>'] => "a back-reference or recursion",
            [b'R' | b'&' | b'+' | b'0'..=b'9', ..] | [b'-', b'0'..=b'9'] => "recursion",
            [b'#', ..] => {
                // A comment up to the next parenthesis.
                self.out.pop();
                for c in self.rest.by_ref() {
                    if c == ')' {
                        return Ok(());
                    }
                }
                return Err("the regular expression is not valid: a comment has no end".to_owned());
            }
            [b'\'', ..] => {
                // (?'name'..)
                self.rest.by_ref().take(2).for_each(drop);
                let name: String = self.rest.by_ref().take_while(|c| *c != '\'').collect();
                self.out.push_str(&format!("?<{name}>"));
                return Ok(());
            }
            _ => {
                self.out.push('?');
                self.rest.next();
                return Ok(());
            }
        };
        Err(unsupported(refused))
    }

    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        if self.rest.next_if_eq(&']').is_some() {
            self.out.push_str("\\]");
        }
        let mut before = None;
        while let Some(c) = self.rest.next() {
            match c {
                ']' => {
                    self.out.push(']');
                    return Ok(());
                }
                '\\' => self.escape(true)?,
                '[' if self.rest.peek() == Some(&':') => {
                    self.out.push('[');
                    for c in self.rest.by_ref() {
                        self.out.push(c);
                        if c == ']' {
                            break;
                        }
                    }
                }
                // Set operators of the `regex` crate stand for themselves in PCRE.
                '[' | '&' | '~' => self.out.extend(['\\', c]),
                '-' if before == Some('-') => self.out.push_str("\\-"),
                other => self.literal(other),
            }
            before = Some(c);
        }
        Err("the regular expression is not valid: a class has no closing `]`".to_owned())
    }

    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(c) = self.rest.next() else {
            return Err("the regular expression is not valid: a backslash at its end".to_owned());
        };
        match c {
            '1'..='9' if !in_class => return Err(unsupported("a back-reference")),
            'k' | 'g' if !in_class => return Err(unsupported("a back-reference or recursion")),
            'G' | 'K' | 'X' | 'C' if !in_class => return Err(unsupported(&format!("`\\{c}`"))),
            'Z' if !in_class => {
                self.end_of_text = true;
                self.out.push_str("\\z");
            }
            'e' => self.out.push_str("\\x1B"),
            'h' => self.out.push_str(if self.for_bytes { "[\\t\\x20\\xA0]" } else { "[\\t\\p{Zs}]" }),
            'R' if !in_class => self.out.push_str("(?:\\r\\n|[\\n\\x0B\\f\\r])"),
            'N' if !in_class => self.out.push_str("[^\\n]"),
            'Q' => self.quoted(),
            'E' => (),
            'b' if in_class => self.out.push_str("\\x08"),
            '<' | '>' => self.out.push(c),
            other if other.is_ascii() => self.out.extend(['\\', other]),
            other => self.literal(other),
        }
        Ok(())
    }

    /// `\Q..\E`: everything between stands for itself.
    fn quoted(&mut self) {
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.rest.next_if_eq(&'E').is_some() {
                return;
            }
            if c.is_ascii_punctuation() && !matches!(c, '<' | '>') {
                self.out.push('\\');
            }
            self.literal(c);
        }
    }
}

fn unsupported(what: &str) -> String {
    format!("{} has no linear-time form and is not supported in MATCHES: write it without", short(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, value: &str, expected: bool) {
        assert_eq!(Matches::new(pattern, 1).unwrap().is_in_text(value), expected, "{pattern} in {value:?}");
    }

    #[test]
    fn what_pcre_writes_differently() {
        check("c$", "abc\n", true);
        check(r"c\z", "abc\n", false);
        check(r"c\Z", "abc\n", true);
        check(r"a{b", "a{b", true);
        check("a{,2}b", "a{,2}b", true);
        check("^a{2,}$", "aaa", true);
        check("[[a]", "[", true);
        check("[]a]+$", "]a", true);
        check("[a&&b]", "&", true);
        check("[+--]", ",", true);
        check("[[:digit:]]", "5", true);
        check(r"\<b\>", "<b>", true);
        check(r"\/\_\é", "/_é", true);
        check(r"\Qa.b\E.", "a.bc", true);
        check(r"\Qa.b\E.", "axbc", false);
        check(r"a\h+b", "a \tb", true);
        check("a(?#note)b", "ab", true);
        check("(?i)ABC", "abc", true);
        check(r"^\0$", "\0", true);
        check(r"x}]", "x}]", true);
    }

    #[test]
    fn what_has_no_linear_form_is_named() {
        let check = |pattern: &str, named: &str| {
            let error = Matches::new(pattern, 1).unwrap_err();
            assert!(error.contains(named), "{pattern}: {error}");
        };
        check("(?=a)", "look-ahead");
        check("(?<!a)b", "look-behind");
        check(r"(a)\1", "back-reference");
        check("(?>a)", "atomic group");
        check("a++", "possessive");
        check("a{2}+", "possessive");
        check("(?R)", "recursion");
        check("(", "not valid");
        check("[a", "no closing");
        check(r"\", "backslash");
        check("(((a{1000}){1000}){1000})", "bytes");
    }

    #[test]
    fn bytes_are_code_points_below_256() {
        let regex = Matches::new(r"^\xd4\xc3é", 1).unwrap();
        assert!(regex.is_in_bytes(b"\xd4\xc3\xe9"));
        assert!(!regex.is_in_bytes("\u{d4}\u{c3}é".as_bytes()));
        assert!(!Matches::new("ă", 1).unwrap().is_in_bytes("ă".as_bytes()));
    }
}
