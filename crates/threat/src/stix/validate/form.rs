//! Single values: numbers, and strings whose form this or another standard defines.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::table::{Form, Kind};
use super::vocabulary::{COUNTRIES, LANGUAGES, LANGUAGES_OF_THREE_LETTERS, OLDER_LANGUAGE_TAGS};
use super::{registers, selector, shown};
use crate::stix::json::{Node, Value};

/// Whether `node` is a value of `kind`; else what is wrong. Kinds with parts of their own are not asked here.
pub(crate) fn scalar(kind: &Kind, type_name: &str, node: &Node<'_>) -> Result<(), String> {
    match kind {
        Kind::Bool => match node.value {
            Value::Bool(_) => Ok(()),
            _ => Err("true or false is expected, without quotation marks".to_owned()),
        },
        Kind::Integer { min, max } => integer(node, *min, *max),
        Kind::Number { min, max } => number(node, *min, *max),
        _ => match &node.value {
            Value::Text(text) => string(kind, type_name, text),
            _ => Err("a string is expected: put the value in quotation marks".to_owned()),
        },
    }
}

fn integer(node: &Node<'_>, min: i64, max: i64) -> Result<(), String> {
    let Value::Number(text) = node.value else {
        return Err("an integer is expected, without quotation marks".to_owned());
    };
    // 1.0 and 1e3 are integers in JSON.
    let whole = match text.parse::<i64>() {
        Ok(number) => Some(number),
        Err(_) => {
            let number: f64 = text.parse().unwrap_or(f64::NAN);
            if number.fract() != 0.0 || number.is_nan() {
                return Err(format!("`{}` is not an integer", shown(text)));
            }
            (number.abs() <= 9e15).then_some(number as i64)
        }
    };
    let fits = match whole {
        Some(number) => (min..=max).contains(&number),
        // Beyond 64 bits: STIX sets no limit of its own where the table sets none.
        None => {
            if text.starts_with('-') {
                min == i64::MIN
            } else {
                max == i64::MAX
            }
        }
    };
    if fits { Ok(()) } else { Err(format!("`{}` is outside {min} to {max}", shown(text))) }
}

fn number(node: &Node<'_>, min: f64, max: f64) -> Result<(), String> {
    let Value::Number(text) = node.value else {
        return Err("a number is expected, without quotation marks".to_owned());
    };
    match text.parse::<f64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(()),
        _ => Err(format!("`{}` is outside {min} to {max}", shown(text))),
    }
}

fn string(kind: &Kind, type_name: &str, text: &str) -> Result<(), String> {
    let say = |right: bool, what: &str| {
        if right { Ok(()) } else { Err(format!("`{}` is not {what}", shown(text))) }
    };
    match kind {
        Kind::Timestamp => timestamp(text).map(|_| ()),
        Kind::Milliseconds => match timestamp(text)? {
            digits if digits >= 3 => Ok(()),
            _ => Err(format!("`{}` must have at least three digits after the second", shown(text))),
        },
        Kind::WholeSeconds => match timestamp(text)? {
            0 => Ok(()),
            _ => Err(format!("`{}` must have no fraction of a second", shown(text))),
        },
        Kind::Id => identifier(text),
        Kind::OwnId => {
            identifier(text)?;
            say(
                type_of(text) == type_name,
                &format!("an id of a `{}`: it must begin with that", shown(type_name)),
            )
        }
        Kind::Ref(types) => {
            identifier(text)?;
            say(types.contains(&type_of(text)), &format!("the id of a {}", types.join(" or ")))
        }
        Kind::RefExcept(types) => {
            identifier(text)?;
            say(!types.contains(&type_of(text)), &format!("allowed here: no {}", types.join(", no ")))
        }
        Kind::Enum(values) => say(values.contains(&text), &format!("one of {}", values.join(", "))),
        Kind::Hex => say(is_hex(text), "hexadecimal digits, two a byte"),
        Kind::Binary => say(is_base64(text), "base64 with its padding"),
        Kind::Form(form) => say(has_form(*form, text), form.name()),
        _ => Ok(()),
    }
}

impl Form {
    /// What a string of the form is called.
    fn name(self) -> &'static str {
        match self {
            Self::Uri => "a URI (RFC 3986) with its scheme",
            Self::HostName => "a domain name (RFC 5890)",
            Self::EmailAddress => "an e-mail address such as name@example.com",
            Self::Ipv4 => "an IPv4 address or CIDR range",
            Self::Ipv6 => "an IPv6 address or CIDR range",
            Self::Mac => "a MAC address in lower case with colons",
            Self::MediaType => "a media type of the IANA registry such as application/zip",
            Self::CharacterSet => "a character set of the IANA registry such as UTF-8",
            Self::Cpe => "a CPE 2.3 formatted string (NISTIR 7695)",
            Self::Language | Self::SoftwareLanguage => "a language tag (RFC 5646) such as ko or en-US",
            Self::RelationshipType => "a relationship type: lower-case letters, digits and hyphens",
            Self::Selector => "a selector such as `description` or `labels.[0]`",
        }
    }
}

fn has_form(form: Form, text: &str) -> bool {
    match form {
        Form::Uri => is_uri(text),
        Form::HostName => is_host_name(text),
        Form::EmailAddress => is_email_address(text),
        Form::Ipv4 => is_ipv4(text),
        Form::Ipv6 => is_ipv6(text),
        Form::Mac => is_mac(text),
        Form::MediaType => registers::is_media_type(text),
        Form::CharacterSet => registers::is_character_set(text),
        Form::Cpe => is_cpe(text),
        Form::Language => is_language(text),
        Form::SoftwareLanguage => {
            is_language(text) || LANGUAGES_OF_THREE_LETTERS.binary_search(&text).is_ok()
        }
        Form::RelationshipType => {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        }
        Form::Selector => selector::is_selector(text),
    }
}

/// Digits after the second of a timestamp `YYYY-MM-DDTHH:MM:SS[.s+]Z` that names a real day.
fn timestamp(text: &str) -> Result<usize, String> {
    fraction_digits(text)
        .ok_or_else(|| format!("`{}` is not a time such as 2026-03-10T12:00:00.000Z", shown(text)))
}

fn fraction_digits(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|(at, mark)| bytes.get(*at) != Some(mark)) {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<u32> {
        bytes
            .get(from..to)?
            .iter()
            .try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(*digit - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    if year == 0 || day == 0 || day > days || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    match bytes.get(19..)? {
        b"Z" => Some(0),
        [b'.', digits @ .., b'Z'] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            Some(digits.len())
        }
        _ => None,
    }
}

/// A timestamp such that the order of the texts is the order of the times; `None` when it is none.
pub(crate) fn comparable(text: &str) -> Option<&str> {
    fraction_digits(text)?;
    let text = text.strip_suffix('Z')?;
    Some(if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text })
}

fn identifier(text: &str) -> Result<(), String> {
    if is_identifier(text) {
        return Ok(());
    }
    Err(format!("`{}` is not an identifier: a type, two hyphens and a UUID of RFC 4122", shown(text)))
}

/// `type--uuid` with a UUID of versions 1 to 5 (clause 2.9).
pub(crate) fn is_identifier(text: &str) -> bool {
    let Some((name, uuid)) = text.len().checked_sub(38).and_then(|at| {
        let (name, rest) = text.split_at_checked(at)?;
        Some((name, rest.strip_prefix("--")?))
    }) else {
        return false;
    };
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    let named = bytes.len() >= 3
        && bytes[0].is_ascii_lowercase()
        && letter(bytes[bytes.len() - 1])
        && bytes.iter().all(|b| letter(*b) || *b == b'-');
    named && is_uuid(uuid)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => matches!(byte, b'1'..=b'5'),
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The version digit of the UUID of an identifier, whatever stands before it.
pub(crate) fn uuid_version(id: &str) -> Option<u8> {
    let at = id.len().checked_sub(22)?;
    is_uuid(id.get(id.len().checked_sub(36)?..)?).then(|| id.as_bytes()[at] - b'0')
}

/// Whether `text` is an identifier of type `name`.
pub(crate) fn is_identifier_of(text: &str, name: &str) -> bool {
    is_identifier(text) && type_of(text) == name
}

/// What stands before the first `--` of an identifier.
pub(crate) fn type_of(id: &str) -> &str {
    id.split("--").next().unwrap_or_default()
}

/// Clause 3.1: begins with a letter; `id` is the one name of two letters.
pub(crate) fn is_property_name(name: &str) -> bool {
    name == "id"
        || (3..=250).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

pub(crate) fn is_dictionary_key(key: &str) -> bool {
    key.len() <= 250 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// A type name: words of lower-case letters and digits with single hyphens between, 3 to 250 characters.
pub(crate) fn is_type_name(name: &str) -> bool {
    (3..=250).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.contains("--")
}

/// The key of an extension in the old way: a type name that ends in `-ext`.
pub(crate) fn is_extension_name(key: &str) -> bool {
    key.strip_suffix("-ext").is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !name.contains("--")
            && !name.ends_with('-')
    })
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let letters = body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    letters && !body.is_empty() && text.len().is_multiple_of(4) && text.len() - body.len() <= 2
}

/// RFC 3986: a scheme, a colon, and only characters that a URI may have.
pub(crate) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let (before_fragment, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (hierarchy, query) = before_fragment.split_once('?').unwrap_or((before_fragment, ""));
    named && is_hierarchy(hierarchy) && is_of(query, b"/?:@") && is_of(fragment, b"/?:@")
}

fn is_hierarchy(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("//") else { return is_of(text, b"/:@") };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let after = match host.strip_prefix('[') {
        Some(literal) => {
            let Some((inside, after)) = literal.split_once(']') else { return false };
            let future = inside.starts_with(['v', 'V']) && is_of(inside, b":");
            if inside.parse::<Ipv6Addr>().is_err() && !future {
                return false;
            }
            after
        }
        None => {
            let (name, _) = host.split_once(':').unwrap_or((host, ""));
            if !is_of(name, b"") {
                return false;
            }
            &host[name.len()..]
        }
    };
    let port = after.strip_prefix(':').unwrap_or(after);
    let ported = after.is_empty() || after.starts_with(':');
    ported && port.bytes().all(|b| b.is_ascii_digit()) && is_of(user, b":") && is_of(path, b"/:@")
}

/// Unreserved characters, sub-delimiters, percent-encoded bytes and those of `more`.
fn is_of(text: &str, more: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let plain =
            byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) || more.contains(&byte);
        let encoded = byte == b'%'
            && [bytes.next(), bytes.next()].iter().all(|b| b.is_some_and(|b| b.is_ascii_hexdigit()));
        if !plain && !encoded {
            return false;
        }
    }
    true
}

/// RFC 5890: letters, digits and hyphens, or labels that IDNA2008 takes.
fn is_host_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let ascii = text.is_ascii() && !text.split('.').any(|label| label.starts_with("xn--"));
    if !ascii {
        return idna::domain_to_ascii_strict(text).is_ok();
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.get(2..4) != Some("--")
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn is_email_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let Some((host, rest)) = domain.split_once('.') else { return false };
    let of = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
    };
    of(local, b"_.+-") && of(host, b"-") && of(rest, b"-.")
}

/// An address and the bits of its prefix, when it is a range.
fn with_prefix(text: &str, most: u8) -> Option<&str> {
    let Some((address, bits)) = text.split_once('/') else { return Some(text) };
    let canonical = bits == "0" || !bits.starts_with(['0', '+']);
    (canonical && bits.parse::<u8>().is_ok_and(|bits| bits <= most)).then_some(address)
}

pub(crate) fn is_ipv4(text: &str) -> bool {
    with_prefix(text, 32).is_some_and(|address| address.parse::<Ipv4Addr>().is_ok())
}

pub(crate) fn is_ipv6(text: &str) -> bool {
    with_prefix(text, 128).is_some_and(|address| {
        let (address, zone) = address.split_once('%').unwrap_or((address, "-"));
        !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok()
    })
}

fn is_mac(text: &str) -> bool {
    text.len() == 17
        && text.bytes().enumerate().all(|(at, b)| match at % 3 {
            2 => b == b':',
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
        })
}

/// RFC 5646 with registered subtags: language, script, region; the rest by its form.
pub(crate) fn is_language(text: &str) -> bool {
    if OLDER_LANGUAGE_TAGS.binary_search(&text).is_ok() {
        return true;
    }
    let mut parts = text.split('-').peekable();
    if parts.next().is_none_or(|language| LANGUAGES.binary_search(&language).is_err()) {
        return false;
    }
    let is_script = |part: &&str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_alphabetic());
    parts.next_if(is_script);
    let is_region = |part: &&str| {
        COUNTRIES.binary_search(part).is_ok() || part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit())
    };
    parts.next_if(is_region);
    let is_variant = |part: &&str| {
        let form = part.bytes().all(|b| b.is_ascii_alphanumeric());
        form && (matches!(part.len(), 5..=8)
            || part.len() == 4 && part.starts_with(|c: char| c.is_ascii_digit()))
    };
    while parts.next_if(is_variant).is_some() {}
    // Extensions and private use: a single letter or digit, and then what belongs to it.
    let rest: Vec<&str> = parts.collect();
    let formed =
        |part: &&str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let opened = rest.first().is_none_or(|first| first.len() == 1);
    let closed = rest.last().is_none_or(|last| last.len() > 1 || rest.len() > 1 && rest[0] == "x");
    opened && closed && rest.iter().all(formed)
}

/// NISTIR 7695, formatted string binding: eleven components after `cpe:2.3`.
fn is_cpe(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("cpe:2.3:") else { return false };
    let components = split_unescaped(rest);
    components.len() == 11
        && components.iter().enumerate().all(|(at, one)| match (at, *one) {
            (_, "*" | "-") => true,
            (0, part) => matches!(part, "a" | "h" | "o"),
            (6, language) => is_cpe_language(language),
            (_, value) => is_cpe_value(value),
        })
}

fn split_unescaped(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, byte) in text.bytes().enumerate() {
        if byte == b':' && !escaped {
            parts.push(&text[start..at]);
            start = at + 1;
        }
        escaped = byte == b'\\' && !escaped;
    }
    parts.push(&text[start..]);
    parts
}

fn is_cpe_language(text: &str) -> bool {
    let (language, region) = text.split_once('-').map_or((text, None), |(l, r)| (l, Some(r)));
    let letters = |text: &str| text.bytes().all(|b| b.is_ascii_alphabetic());
    let region = region
        .is_none_or(|r| r.len() == 2 && letters(r) || r.len() == 3 && r.bytes().all(|b| b.is_ascii_digit()));
    matches!(language.len(), 2 | 3) && letters(language) && region
}

/// Letters, digits, `-`, `.`, `_`, escaped punctuation; `?` and `*` unescaped only at the ends.
fn is_cpe_value(text: &str) -> bool {
    let head = text.trim_start_matches('?');
    let head = if head.len() == text.len() { text.strip_prefix('*').unwrap_or(text) } else { head };
    let ends = head.len() - head.trim_end_matches(['?', '*']).len();
    // An escaped sign at the end is no wildcard.
    let escaped = head[..head.len() - ends].ends_with('\\');
    let body = &head[..head.len() - ends + usize::from(escaped && ends > 0)];
    let mut bytes = body.bytes();
    let mut some = false;
    while let Some(byte) = bytes.next() {
        let right = match byte {
            b'\\' => bytes.next().is_some_and(|b| b.is_ascii_punctuation()),
            _ => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'),
        };
        if !right {
            return false;
        }
        some = true;
    }
    some
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(form: Form, right: &[&str], wrong: &[&str]) {
        for text in right {
            assert!(has_form(form, text), "{form:?} refuses {text}");
        }
        for text in wrong {
            assert!(!has_form(form, text), "{form:?} takes {text}");
        }
    }

    #[test]
    fn forms_of_other_standards() {
        all(
            Form::Uri,
            &["https://a.example/b?c=d#e", "urn:x:y", "ftp://u:p@[2001:db8::1]:21/", "mailto:a@b.c", "a:"],
            &["", "example.com", "http://a b/", "http://[::1/", "1a:b", "http://a/%zz", "https://a:x/"],
        );
        all(
            Form::HostName,
            &[
                "example.com",
                "EXAMPLE.com",
                "a-b.c.",
                "xn--bcher-kva.example",
                "b\u{fc}cher.example",
                "\u{c11c}\u{c6b8}.kr",
            ],
            &["", ".", "a..b", "-a.b", "a_b.c", "ab--c.d", "a b.c", "xn--a.b", &"a".repeat(64)],
        );
        all(Form::EmailAddress, &["a.b+c@d-e.f.g"], &["a", "a@b", "@b.c", "a@b.c@d", "a b@c.d"]);
        all(
            Form::Ipv4,
            &["1.2.3.4", "1.2.3.0/24", "0.0.0.0/0"],
            &["1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4/33", "1.2.3.4/01", "1.2.3.4/"],
        );
        all(
            Form::Ipv6,
            &["::", "2001:db8::/32", "::ffff:1.2.3.4", "FE80::1%eth0"],
            &["1::2::3", "::/129", "::g", "1.2.3.4"],
        );
        all(Form::Mac, &["d2:fb:49:24:37:18"], &["D2:fb:49:24:37:18", "d2-fb-49-24-37-18", "d2:fb:49:24:37"]);
        all(
            Form::Language,
            &["ko", "en-US", "az-Cyrl-AZ", "zh-Hant", "de-1996", "en-x-private", "es-419", "kok-IN"],
            &["", "eng", "EN", "en_US", "xx", "en-", "en-USA-", "foo"],
        );
        all(
            Form::Cpe,
            &["cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*", "cpe:2.3:a:a\\:b:?c*:-:*:*:en-us:*:*:*:*"],
            &[
                "cpe:/a:microsoft:word:2000",
                "cpe:2.3:a:b:c",
                "cpe:2.3:x:b:c:*:*:*:*:*:*:*:*",
                "cpe:2.3:a:b b:c:*:*:*:*:*:*:*:*",
            ],
        );
    }

    #[test]
    fn times_name_real_days_and_compare() {
        for wrong in [
            "2016-02-30T00:00:00Z",
            "2017-02-29T00:00:00Z",
            "2016-01-01T00:00:60Z",
            "2016-01-01T24:00:00Z",
            "2016-01-01T00:00:00",
            "2016-01-01T00:00:00.Z",
            "2016-1-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "2016-01-01t00:00:00Z",
        ] {
            assert_eq!(fraction_digits(wrong), None, "{wrong}");
        }
        assert_eq!(fraction_digits("2016-02-29T23:59:59.123456789Z"), Some(9));
        assert_eq!(comparable("2016-01-01T00:00:00.000Z"), comparable("2016-01-01T00:00:00Z"));
        assert!(comparable("2016-01-01T00:00:00.1Z") > comparable("2016-01-01T00:00:00Z"));
        assert!(comparable("2016-01-01T00:00:00.1Z") < comparable("2016-01-01T00:00:00.11Z"));
    }

    #[test]
    fn identifiers() {
        let uuid = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
        assert!(is_identifier(&format!("x-my-type--{uuid}")));
        assert_eq!(uuid_version(&format!("tool--{uuid}")), Some(4));
        for wrong in [
            "tool-8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "to--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "Tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
            "tool--8e2e2d2b-17d4-0cbf-938f-98ee46b3cd3f",
            "tool--8e2e2d2b-17d4-4cbf-c38f-98ee46b3cd3f",
            "",
            "\u{e9}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        ] {
            assert!(!is_identifier(wrong), "{wrong}");
        }
    }
}
