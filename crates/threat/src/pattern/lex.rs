//! From text to tokens (STIX 2.1 section 9, STIX 2.0 part 5: the grammar's terminals).

use super::ast::Literal;
use super::decode::{base64_bytes, hex_bytes};
use super::error::{PatternFault, Span, short};
use super::time;

/// A terminal of the grammar.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    /// A key word; key words are told by their capitals.
    Word(Word),
    /// A name, perhaps with hyphens.
    Name(&'a str),
    /// A constant.
    Literal(Literal),
    /// `=` or `==`, `!=` or `<>`, `<`, `<=`, `>`, `>=`.
    Relation(super::ast::Relation),
    /// `[`, `]`, `(`, `)`, `:`, `.`, `,`, `*`.
    Sign(char),
    /// After the last character.
    End,
}

macro_rules! words {
    ($($variant:ident $text:literal),* $(,)?) => {
        /// A key word of the language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Word { $($variant),* }

        impl Word {
            pub(super) const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            fn of(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words! {
    And "AND", Or "OR", Not "NOT", FollowedBy "FOLLOWEDBY", Like "LIKE", Matches "MATCHES", IsSuperset "ISSUPERSET",
    IsSubset "ISSUBSET", Exists "EXISTS", Last "LAST", In "IN", Start "START", Stop "STOP", Seconds "SECONDS",
    Within "WITHIN", Repeats "REPEATS", Times "TIMES",
}

/// Whether `text` can stand in a path without quotes.
pub(super) fn is_plain_key(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && Word::of(text).is_none()
        && !matches!(text, "true" | "false")
}

/// The tokens of a text, one at a time.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next token and where it stands.
    pub(super) fn next(&mut self) -> Result<(Token<'a>, Span), PatternFault> {
        self.skip_blanks()?;
        let start = self.at;
        let token = self.token()?;
        Ok((token, Span::new(start, self.at)))
    }

    fn skip_blanks(&mut self) -> Result<(), PatternFault> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches(is_blank).len();
            if blank > 0 {
                self.at += blank;
            } else if rest.starts_with("//") {
                self.at += rest.find(['\r', '\n']).unwrap_or(rest.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    let span = Span::new(self.at, self.text.len());
                    return Err(syntax("a comment has no end: write `*/` after it", span));
                };
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token<'a>, PatternFault> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        match first {
            '[' | ']' | '(' | ')' | ':' | ',' | '*' => {
                self.at += 1;
                Ok(Token::Sign(first))
            }
            '\'' => self.string().map(|text| Token::Literal(Literal::Text(text))),
            '=' | '!' | '<' | '>' => self.relation(),
            '0'..='9' | '+' | '-' | '.' => self.number(),
            'a'..='z' | 'A'..='Z' | '_' => self.name(),
            _ => {
                let span = Span::new(self.at, self.at + first.len_utf8());
                let hint = match first {
                    '"' => ": constants stand in single quotes",
                    '/' => ": a regular expression stands in single quotes after MATCHES",
                    _ => "",
                };
                Err(PatternFault::new(
                    "pattern::unknown_character",
                    format!("`{}` has no meaning here{hint}", first.escape_debug()),
                    span,
                ))
            }
        }
    }

    fn relation(&mut self) -> Result<Token<'a>, PatternFault> {
        use super::ast::Relation::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let rest = self.rest();
        let known = [
            ("==", Equal),
            ("=", Equal),
            ("!=", NotEqual),
            ("<>", NotEqual),
            ("<=", LessOrEqual),
            ("<", Less),
            (">=", GreaterOrEqual),
            (">", Greater),
        ];
        let Some((text, relation)) = known.into_iter().find(|(text, _)| rest.starts_with(text)) else {
            return Err(syntax("`!` stands alone: write `!=`", Span::new(self.at, self.at + 1)));
        };
        self.at += text.len();
        Ok(Token::Relation(relation))
    }

    fn number(&mut self) -> Result<Token<'a>, PatternFault> {
        let start = self.at;
        let rest = self.rest();
        let sign = usize::from(rest.starts_with(['+', '-']));
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let whole = digits(&rest[sign..]);
        let after = &rest[sign + whole..];
        let fraction = after.strip_prefix('.').map_or(0, digits);
        if fraction > 0 {
            self.at += sign + whole + 1 + fraction;
        } else if whole > 0 {
            self.at += sign + whole;
        } else if sign == 0 {
            self.at += 1;
            return Ok(Token::Sign('.'));
        } else {
            let span = Span::new(start, start + 1);
            return Err(syntax("a sign must stand directly before a number", span));
        }
        let span = Span::new(start, self.at);
        let text = &self.text[start..self.at];
        let bad =
            |why: &str| PatternFault::new("pattern::bad_number", format!("`{}` {why}", short(text)), span);
        if fraction > 0 {
            let value: f64 = text.parse().map_err(|_| bad("is no number"))?;
            return if value.is_finite() {
                Ok(Token::Literal(Literal::Float(value)))
            } else {
                Err(bad("is too large"))
            };
        }
        if whole > 1 && rest[sign..].starts_with('0') {
            return Err(bad("has a leading zero"));
        }
        text.parse().map(|value| Token::Literal(Literal::Integer(value))).map_err(|_| bad("is too large"))
    }

    fn name(&mut self) -> Result<Token<'a>, PatternFault> {
        let start = self.at;
        let rest = self.rest();
        let length =
            rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
        let name = &rest[..length];
        self.at += length;
        if matches!(name, "h" | "b" | "t") && self.rest().starts_with('\'') {
            return self.prefixed(name, start).map(Token::Literal);
        }
        Ok(match name {
            "true" => Token::Literal(Literal::Bool(true)),
            "false" => Token::Literal(Literal::Bool(false)),
            _ => Word::of(name).map_or(Token::Name(name), Token::Word),
        })
    }

    /// `h'..'`, `b'..'` or `t'..'`, the letter being read.
    fn prefixed(&mut self, letter: &str, start: usize) -> Result<Literal, PatternFault> {
        let rest = &self.rest()[1..];
        let Some(length) = rest.find('\'') else {
            return Err(no_closing_quote(Span::new(start, self.text.len())));
        };
        let text = &rest[..length];
        self.at += length + 2;
        let span = Span::new(start, self.at);
        let bad = |code, what: &str| PatternFault::new(code, format!("`{}` is {what}", short(text)), span);
        match letter {
            "h" => hex_bytes(text)
                .map(Literal::Hex)
                .ok_or_else(|| bad("pattern::bad_hex", "no hex: expected pairs of 0-9, a-f")),
            "b" => base64_bytes(text)
                .filter(|bytes| !bytes.is_empty())
                .map(Literal::Base64)
                .ok_or_else(|| bad("pattern::bad_base64", "no base64 (RFC 4648, with padding, not empty)")),
            _ if time::is_literal(text) => Ok(Literal::Time(text.into())),
            _ => Err(bad("pattern::bad_time", "no time: expected YYYY-MM-DDThh:mm:ss[.fraction]Z")),
        }
    }

    fn string(&mut self) -> Result<Box<str>, PatternFault> {
        let start = self.at;
        let mut text = String::new();
        let mut from = start + 1;
        loop {
            let Some(length) = self.text[from..].find(['\'', '\\']) else {
                return Err(no_closing_quote(Span::new(start, self.text.len())));
            };
            let at = from + length;
            text.push_str(&self.text[from..at]);
            let after = &self.text[at..];
            if after.starts_with('\'') {
                self.at = at + 1;
                return Ok(text.into());
            }
            match after[1..].chars().next() {
                Some(escaped @ ('\'' | '\\')) => text.push(escaped),
                other => {
                    let end = at + 1 + other.map_or(0, char::len_utf8);
                    let message = "only `\\'` and `\\\\` are escapes: write a backslash as `\\\\`";
                    return Err(PatternFault::new("pattern::bad_escape", message, Span::new(at, end)));
                }
            }
            from = at + 2;
        }
    }
}

fn syntax(message: &str, span: Span) -> PatternFault {
    PatternFault::new("pattern::syntax", message, span)
}

fn no_closing_quote(span: Span) -> PatternFault {
    syntax("a constant has no closing quote", span)
}

/// White space of the grammar: that of Unicode, without the byte order mark and the joiners.
fn is_blank(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}')
        || matches!(c, '\u{202f}' | '\u{205f}' | '\u{3000}')
}
