//! The values of simple STIX patterns: equalities joined by OR. Anything else is the pattern engine's.

use std::borrow::Cow;

use super::{Indicator, IndicatorError, IndicatorKind};

/// The indicators that alone make a STIX pattern true: `[domain-name:value = 'x' OR ipv4-addr:value = '1.2.3.4']`.
///
/// `None`: the pattern has parts that no single value decides (AND, FOLLOWEDBY, NOT, LIKE, MATCHES, qualifiers) or
/// object paths that are no value of a log. A value that is not of its type is an error in the list.
pub fn indicators_in_pattern(pattern: &str) -> Option<Vec<Result<Indicator, IndicatorError>>> {
    let tokens = tokens(pattern)?;
    let mut rest = tokens.as_slice();
    let mut found = Vec::new();
    loop {
        rest = observation(rest, &mut found)?;
        match rest.split_first() {
            None => return Some(found),
            Some((Token::Word(word), after)) if word.eq_ignore_ascii_case("OR") => rest = after,
            Some(_) => return None,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token<'a> {
    /// A keyword or an object path.
    Word(&'a str),
    Text(Cow<'a, str>),
    Sign(u8),
}

/// Longest pattern and most comparisons that are looked at.
const MAX_PATTERN: usize = 1 << 20;

fn tokens(pattern: &str) -> Option<Vec<Token<'_>>> {
    if pattern.len() > MAX_PATTERN {
        return None;
    }
    let mut tokens = Vec::new();
    let mut rest = pattern.trim_start();
    while let Some(first) = rest.bytes().next() {
        let after = match first {
            b'\'' => {
                let (text, after) = quoted(rest)?;
                tokens.push(Token::Text(text));
                after
            }
            b'[' | b']' | b'(' | b')' | b'=' | b',' => {
                tokens.push(Token::Sign(first));
                &rest[1..]
            }
            _ => {
                let (word, after) = word(rest)?;
                tokens.push(Token::Word(word));
                after
            }
        };
        rest = after.trim_start();
    }
    Some(tokens)
}

/// A text in single quotes; `\'` and `\\` stand for the sign itself.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let body = &text[1..];
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => {
                let inner = &body[..at];
                let plain = if inner.contains('\\') {
                    Cow::Owned(inner.replace("\\'", "'").replace("\\\\", "\\"))
                } else {
                    Cow::Borrowed(inner)
                };
                return Some((plain, &body[at + 1..]));
            }
            _ => {}
        }
    }
    None
}

/// A keyword or an object path, whose parts may be quoted: `file:hashes.'SHA-256'`.
fn word(text: &str) -> Option<(&str, &str)> {
    let mut end = 0;
    let mut in_quotes = false;
    for (at, c) in text.char_indices() {
        let part =
            c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '_' | '-' | '*') || (in_quotes && c != '\'');
        if c == '\'' && (in_quotes || at > 0) {
            in_quotes = !in_quotes;
        } else if !part {
            break;
        }
        end = at + c.len_utf8();
    }
    (end > 0 && !in_quotes).then(|| text.split_at(end))
}

type Found = Vec<Result<Indicator, IndicatorError>>;

/// `[ comparison OR comparison .. ]`, also in round brackets.
fn observation<'t, 'a>(tokens: &'t [Token<'a>], found: &mut Found) -> Option<&'t [Token<'a>]> {
    let depth = tokens.iter().take_while(|token| **token == Token::Sign(b'(')).count();
    let mut rest = expect(&tokens[depth..], b'[')?;
    loop {
        rest = comparison(rest, found)?;
        match rest.split_first()? {
            (Token::Sign(b']'), after) => {
                rest = after;
                break;
            }
            (Token::Word(word), after) if word.eq_ignore_ascii_case("OR") => rest = after,
            _ => return None,
        }
    }
    for _ in 0..depth {
        rest = expect(rest, b')')?;
    }
    Some(rest)
}

fn expect<'t, 'a>(tokens: &'t [Token<'a>], sign: u8) -> Option<&'t [Token<'a>]> {
    tokens.split_first().filter(|(first, _)| **first == Token::Sign(sign)).map(|(_, rest)| rest)
}

/// `path = 'value'`, `path IN ('a', 'b')` or `path ISSUBSET 'network'`, perhaps in brackets.
fn comparison<'t, 'a>(tokens: &'t [Token<'a>], found: &mut Found) -> Option<&'t [Token<'a>]> {
    let depth = tokens.iter().take_while(|token| **token == Token::Sign(b'(')).count();
    let (Token::Word(path), rest) = tokens[depth..].split_first()? else { return None };
    let kind = kind_of_path(path)?;
    let mut rest = match rest {
        [Token::Sign(b'='), Token::Text(value), after @ ..] => {
            found.push(indicator(kind, value));
            after
        }
        [Token::Word(word), Token::Text(value), after @ ..]
            if word.eq_ignore_ascii_case("ISSUBSET") && kind == IndicatorKind::Address =>
        {
            found.push(indicator(kind, value));
            after
        }
        [Token::Word(word), Token::Sign(b'('), after @ ..] if word.eq_ignore_ascii_case("IN") => {
            values(after, kind, found)?
        }
        _ => return None,
    };
    for _ in 0..depth {
        rest = expect(rest, b')')?;
    }
    Some(rest)
}

fn values<'t, 'a>(
    mut tokens: &'t [Token<'a>],
    kind: IndicatorKind,
    found: &mut Found,
) -> Option<&'t [Token<'a>]> {
    loop {
        match tokens {
            [Token::Text(value), Token::Sign(b','), after @ ..] => {
                found.push(indicator(kind, value));
                tokens = after;
            }
            [Token::Text(value), Token::Sign(b')'), after @ ..] => {
                found.push(indicator(kind, value));
                return Some(after);
            }
            _ => return None,
        }
    }
}

/// An address with a prefix is a network.
fn indicator(kind: IndicatorKind, value: &str) -> Result<Indicator, IndicatorError> {
    match kind {
        IndicatorKind::Address if value.contains('/') => Indicator::new(IndicatorKind::Network, value),
        _ => Indicator::new(kind, value),
    }
}

/// What an object path of STIX 2.0 or 2.1 stands for in a log.
pub(super) fn kind_of_path(path: &str) -> Option<IndicatorKind> {
    let (object, property) = path.split_once(':')?;
    let property = property.to_ascii_lowercase();
    match object.to_ascii_lowercase().as_str() {
        "domain-name" if property == "value" => Some(IndicatorKind::Domain),
        "ipv4-addr" | "ipv6-addr" if property == "value" => Some(IndicatorKind::Address),
        "url" if property == "value" => Some(IndicatorKind::Url),
        "email-addr" if property == "value" => Some(IndicatorKind::Email),
        "file" if property == "name" => Some(IndicatorKind::FileName),
        "file" | "artifact" | "x509-certificate" if property.starts_with("hashes.") => {
            let algorithm = property["hashes.".len()..].replace(['\'', '-'], "");
            matches!(algorithm.as_str(), "md5" | "sha1" | "sha256" | "sha512")
                .then_some(IndicatorKind::Digest)
        }
        "mutex" if property == "name" => Some(IndicatorKind::Text),
        "windows-registry-key" if property == "key" => Some(IndicatorKind::Text),
        "network-traffic" => match property.as_str() {
            "src_ref.value" | "dst_ref.value" => Some(IndicatorKind::Address),
            _ => None,
        },
        "email-message" => match property.as_str() {
            "from_ref.value" | "sender_ref.value" => Some(IndicatorKind::Email),
            "subject" => Some(IndicatorKind::Text),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pattern: &str) -> Option<Vec<String>> {
        let found = indicators_in_pattern(pattern)?;
        Some(
            found
                .into_iter()
                .map(|one| one.map_or_else(|e| e.code().to_owned(), |i| i.text().into_owned()))
                .collect(),
        )
    }

    #[test]
    fn equalities_joined_by_or_are_values() {
        for (pattern, want) in [
            ("[domain-name:value = 'Evil.com']", vec!["evil.com"]),
            (
                "[ipv4-addr:value='223.166.0.0/15' OR ipv4-addr:value = '1.2.3.4']",
                vec!["223.166.0.0/15", "1.2.3.4"],
            ),
            (
                "[file:hashes.'SHA-1' = 'DA39A3EE5E6B4B0D3255BFEF95601890AFD80709']",
                vec!["da39a3ee5e6b4b0d3255bfef95601890afd80709"],
            ),
            (
                "[file:name IN ('a.exe','b\\'c.exe')] OR ([url:value = 'http://h.com/'])",
                vec!["a.exe", "b'c.exe", "h.com/"],
            ),
            ("[ (ipv4-addr:value ISSUBSET '10.0.0.0/8') ]", vec!["10.0.0.0/8"]),
            ("[ipv4-addr:value = '1.2.3.400']", vec!["indicator::not_of_kind"]),
        ] {
            assert_eq!(texts(pattern).unwrap(), want, "{pattern}");
        }
    }

    #[test]
    fn what_one_value_does_not_decide_is_left_to_the_pattern_engine() {
        for pattern in [
            "",
            "[",
            "[domain-name:value = 'a.com",
            "[domain-name:value = 'a.com' AND ipv4-addr:value = '1.2.3.4']",
            "[domain-name:value != 'a.com']",
            "[NOT domain-name:value = 'a.com']",
            "[domain-name:value LIKE 'a%']",
            "[domain-name:value = 'a.com'] FOLLOWEDBY [domain-name:value = 'b.com']",
            "[domain-name:value = 'a.com'] REPEATS 5 TIMES",
            "[process:pid = 5]",
            "[x509-certificate:issuer = 'CN=WEBMAIL']",
        ] {
            assert_eq!(texts(pattern), None, "{pattern}");
        }
    }
}
