//! One spelling a thing: two texts that name the same host, address or resource have the same canonical bytes.
//!
//! Nothing here fails: a text that is not of the kind gives `None` or `false`.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Longest domain name as text (RFC 1035, 3.1: 255 octets on the wire).
const MAX_DOMAIN: usize = 253;

/// Appends the canonical form of a domain name to `out`: A-labels (UTS 46), lower case, no dot at the end.
/// Letters, digits, `-` and `_` only; the last label is not a number.
pub(crate) fn domain(text: &str, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_ascii() {
        out.extend_from_slice(text.as_bytes());
    } else {
        // A name of a megabyte is no name; UTS 46 need not see it.
        if text.len() > 4 * MAX_DOMAIN {
            return false;
        }
        let Ok(ascii) = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY) else {
            return false;
        };
        out.extend_from_slice(ascii.strip_suffix('.').unwrap_or(&ascii).as_bytes());
    }
    out[start..].make_ascii_lowercase();
    let good = is_domain(&out[start..]);
    if !good {
        out.truncate(start);
    }
    good
}

/// Whether `name`, in lower case, has the form of a domain name. `_` is no letter of a host name but of many records.
pub(super) fn is_domain(name: &[u8]) -> bool {
    let (mut label, mut last) = (0, 0);
    for (at, byte) in name.iter().enumerate() {
        match byte {
            b'.' if label == 0 => return false,
            b'.' => (label, last) = (0, at + 1),
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' if label < 63 => label += 1,
            _ => return false,
        }
    }
    label > 0 && name.len() <= MAX_DOMAIN && name[last].is_ascii_alphabetic()
}

/// An IP address as a number of 128 bits, IPv4 as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2): so `1.2.3.4` and
/// `::ffff:1.2.3.4` are one. Brackets and a zone (`%eth0`) are dropped.
pub(crate) fn address(bytes: &[u8]) -> Option<u128> {
    if let Some(v4) = ipv4(bytes) {
        return Some(mapped(v4));
    }
    if bytes.len() > 64 || !bytes.contains(&b':') {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let text = text.split_once('%').map_or(text, |(address, _)| address);
    Ipv6Addr::from_str(text).ok().map(u128::from)
}

pub(crate) const fn mapped(v4: u32) -> u128 {
    0xFFFF_0000_0000 | v4 as u128
}

/// Four decimal numbers without leading zeros: what one reader takes for octal and another for decimal is no address.
fn ipv4(bytes: &[u8]) -> Option<u32> {
    if !(7..=15).contains(&bytes.len()) {
        return None;
    }
    let (mut address, mut part, mut digits, mut parts) = (0_u32, 0_u32, 0_u32, 0_u32);
    for byte in bytes {
        match byte {
            b'0'..=b'9' => {
                if digits > 0 && part == 0 {
                    return None;
                }
                part = part * 10 + u32::from(byte - b'0');
                digits += 1;
                if part > 255 {
                    return None;
                }
            }
            b'.' if digits > 0 && parts < 3 => {
                address = address << 8 | part;
                (part, digits, parts) = (0, 0, parts + 1);
            }
            _ => return None,
        }
    }
    (digits > 0 && parts == 3).then_some(address << 8 | part)
}

/// The text of an address of [`address`].
pub(crate) fn address_text(address: u128) -> String {
    let v6 = Ipv6Addr::from(address);
    v6.to_ipv4_mapped().as_ref().map_or_else(|| v6.to_string(), Ipv4Addr::to_string)
}

/// A network in CIDR form as its first address and the length of its prefix within 128 bits. Host bits are cleared.
pub(crate) fn network(text: &str) -> Option<(u128, u8)> {
    let (start, length) = text.split_once('/')?;
    if length.is_empty() || length.len() > 3 || !length.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let length: u8 = length.parse().ok()?;
    let base = address(start.as_bytes())?;
    let length = if start.contains(':') { length } else { length.checked_add(96).filter(|l| *l >= 96)? };
    (length <= 128).then(|| (base & mask(length), length))
}

/// The bits of a prefix of `length`.
pub(crate) fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

/// A digest in hexadecimal of MD5, SHA-1, SHA-256 or SHA-512, told by its length; any case.
pub(crate) fn digest(bytes: &[u8]) -> Option<Vec<u8>> {
    if !matches!(bytes.len(), 32 | 40 | 64 | 128) {
        return None;
    }
    hex::decode(bytes).ok()
}

/// Appends an e-mail address in lower case. Mail systems of today do not tell local parts apart by case, though
/// RFC 5321, 2.4 allows it.
pub(crate) fn email(text: &str, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | '@' | '"');
    if local.is_empty() || local.len() > 64 || local.contains(bad) {
        return false;
    }
    out.extend_from_slice(local.to_lowercase().as_bytes());
    out.push(b'@');
    let good = domain(host, out);
    if !good {
        out.truncate(start);
    }
    good
}

/// Appends a file name or path: lower case, `/` for `\`. Windows compares so, and a log does not say whose file it was.
pub(crate) fn file_name(text: &str, out: &mut Vec<u8>) -> bool {
    let text = text.trim();
    if text.is_empty() || text.len() > 4096 {
        return false;
    }
    out.extend(text.to_lowercase().bytes().map(|b| if b == b'\\' { b'/' } else { b }));
    true
}

/// The last part of a canonical path.
pub(crate) fn file_suffix(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or(path)
}

/// Appends a URL without its scheme (RFC 3986, 6.2.2 and 6.2.3): host as [`domain`] or [`address`] gives it, no user,
/// no default port, no fragment, `/` for an empty path, percent-encoding in one spelling. `http://h/a`, `https://h/a`
/// and `h/a` are one.
pub(crate) fn url(text: &str, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let good = try_url(text, out).is_some();
    if !good {
        out.truncate(start);
    }
    good
}

fn try_url(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let text = text.trim();
    let (scheme, rest) = split_scheme(text);
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = split_port(authority);
    if let Some(number) = address(host.as_bytes()) {
        out.extend_from_slice(address_text(number).as_bytes());
    } else if !domain(host, out) {
        // Single labels and numbers stand in URLs too, but no more than that.
        return None;
    }
    if let Some(port) = port.filter(|port| !port.is_empty()) {
        let port: u16 = port.parse().ok()?;
        let default = match scheme.map(str::to_ascii_lowercase).as_deref() {
            Some("https" | "wss") => port == 443,
            Some("http" | "ws") => port == 80,
            Some("ftp") => port == 21,
            _ => port == 80 || port == 443,
        };
        if !default {
            out.extend_from_slice(format!(":{port}").as_bytes());
        }
    }
    let tail = tail.split('#').next().unwrap_or_default();
    if !tail.starts_with(['/', '\\']) {
        out.push(b'/');
    }
    path(tail.as_bytes(), out);
    Some(())
}

/// The scheme, when there is one.
pub(crate) fn split_scheme(text: &str) -> (Option<&str>, &str) {
    match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, text.strip_prefix("//").unwrap_or(text)),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`.
pub(crate) fn split_port(authority: &str) -> (&str, Option<&str>) {
    if let Some(close) = authority.find(']') {
        let (host, rest) = authority.split_at(close + 1);
        return (host, rest.strip_prefix(':'));
    }
    match authority.split_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
        _ => (authority, None),
    }
}

/// Path and query with percent-encoding in one spelling: unreserved characters plain, others as `%XX`.
fn path(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        let encoded = (*byte == b'%').then(|| after.get(..2).and_then(hex_byte)).flatten();
        rest = if encoded.is_some() { &after[2..] } else { after };
        match encoded {
            Some(value) if value.is_ascii_alphanumeric() || b"-._~".contains(&value) => out.push(value),
            Some(value) => percent(value, out),
            None if *byte <= b' ' || *byte >= 0x7F => percent(*byte, out),
            None => out.push(*byte),
        }
    }
}

fn hex_byte(two: &[u8]) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    Some((digit(two[0])? * 16 + digit(two[1])?) as u8)
}

fn percent(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(form: fn(&str, &mut Vec<u8>) -> bool, text: &str) -> Option<String> {
        let mut out = Vec::new();
        form(text, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn domains_have_one_spelling() {
        for (text, want) in [
            ("Evil.EXAMPLE.com.", Some("evil.example.com")),
            ("_dmarc.example.com", Some("_dmarc.example.com")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("한국。한국", Some("xn--3e0b707e.xn--3e0b707e")),
            ("XN--3E0B707E.com", Some("xn--3e0b707e.com")),
            ("localhost", Some("localhost")),
            ("1.2.3.4", None),
            ("a..b", None),
            ("", None),
            (".", None),
            ("a b.com", None),
            ("a.com/x", None),
        ] {
            assert_eq!(of(domain, text).as_deref(), want, "{text}");
        }
        assert_eq!(of(domain, &format!("{}.com", "a".repeat(64))), None);
    }

    #[test]
    fn addresses_are_numbers() {
        let same = |a: &str, b: &str| assert_eq!(address(a.as_bytes()), address(b.as_bytes()), "{a} {b}");
        same("1.2.3.4", "::ffff:1.2.3.4");
        same("1.2.3.4", "::FFFF:102:304");
        same("2001:db8::1", "[2001:0DB8:0:0:0:0:0:1%eth0]");
        for bad in ["1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.", ".1.2.3", "1..2.3", "::1::", ""]
        {
            assert_eq!(address(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(address_text(address(b"10.0.0.1").unwrap()), "10.0.0.1");
        assert_eq!(address_text(address(b"2001:DB8::a").unwrap()), "2001:db8::a");
    }

    #[test]
    fn networks_clear_their_host_bits() {
        assert_eq!(network("10.1.2.3/8"), network("10.0.0.0/8"));
        assert_eq!(network("::ffff:10.0.0.0/104"), network("10.0.0.0/8"));
        assert_eq!(network("::/0"), Some((0, 0)));
        for bad in ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/255", "::/129", "x/8"] {
            assert_eq!(network(bad), None, "{bad}");
        }
    }

    #[test]
    fn urls_have_one_spelling() {
        for (text, want) in [
            ("http://Evil.com", Some("evil.com/")),
            ("https://evil.com:443/a%7eb?q=%2f#top", Some("evil.com/a~b?q=%2F")),
            ("evil.com:8080/x", Some("evil.com:8080/x")),
            ("http://user:pass@evil.com/", Some("evil.com/")),
            ("http://1.2.3.4/a b", Some("1.2.3.4/a%20b")),
            ("http://[2001:DB8::1]:80/", Some("2001:db8::1/")),
            ("http://evil.com?x", Some("evil.com/?x")),
            ("http://evil.com:99999/", None),
            ("http:///x", None),
        ] {
            assert_eq!(of(url, text).as_deref(), want, "{text}");
        }
    }
}
