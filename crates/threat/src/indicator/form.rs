use std::borrow::Cow;
use std::fmt;

use super::canonical::{self, address, address_text, digest, domain, email, file_name, network, url};

/// What an indicator is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum IndicatorKind {
    /// A domain name; it also matches the names below it.
    Domain = 1,
    /// All names below a domain but not itself: `*.example.com`.
    Subdomains = 2,
    /// An IPv4 or IPv6 address.
    Address = 3,
    /// A network in CIDR form.
    Network = 4,
    /// A URL, whatever its scheme.
    Url = 5,
    /// A digest: MD5, SHA-1, SHA-256 or SHA-512.
    Digest = 6,
    /// An e-mail address.
    Email = 7,
    /// A file name or path.
    FileName = 8,
    /// Any other text, found where it stands as words of its own.
    Text = 9,
}

impl IndicatorKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Domain,
        Self::Subdomains,
        Self::Address,
        Self::Network,
        Self::Url,
        Self::Digest,
        Self::Email,
        Self::FileName,
        Self::Text,
    ];

    /// The name as it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Subdomains => "subdomains",
            Self::Address => "address",
            Self::Network => "network",
            Self::Url => "url",
            Self::Digest => "digest",
            Self::Email => "email",
            Self::FileName => "file_name",
            Self::Text => "text",
        }
    }

    pub(crate) const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for IndicatorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is no indicator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndicatorError {
    /// Not of the kind that the source says.
    #[error("`{text}` is no {kind}; correct it or remove it")]
    NotOfKind {
        /// The kind.
        kind: IndicatorKind,
        /// What was given, cut short.
        text: String,
    },
    /// So few characters that it stands in every log.
    #[error("`{text}` is shorter than {MIN_TEXT} characters and would match everywhere; give more of it")]
    TooShort {
        /// What was given.
        text: String,
    },
    /// Longer than any value in a log.
    #[error("the indicator is longer than {MAX_TEXT} bytes; give the part that is telling")]
    TooLong,
    /// Every address.
    #[error("`{text}` is every address; give a narrower network")]
    TooWide {
        /// What was given.
        text: String,
    },
    /// Looks like an address or a network, but is none.
    #[error("`{text}` looks like an IP address but is none; correct it or remove it")]
    NotAnAddress {
        /// What was given, cut short.
        text: String,
    },
}

impl IndicatorError {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotOfKind { .. } => "indicator::not_of_kind",
            Self::TooShort { .. } => "indicator::too_short",
            Self::TooLong => "indicator::too_long",
            Self::TooWide { .. } => "indicator::too_wide",
            Self::NotAnAddress { .. } => "indicator::bad_address",
        }
    }
}

/// Shortest text that is searched for.
pub(super) const MIN_TEXT: usize = 4;
/// Longest indicator.
pub(super) const MAX_TEXT: usize = 8192;

/// One indicator in canonical form: equal indicators are one, however they were written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Indicator {
    kind: IndicatorKind,
    /// Canonical text.
    text: String,
    /// Digests and addresses: what is hashed in place of the text.
    number: Option<Number>,
}

/// The value behind the text of an address, a network or a digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Number {
    Address(u128),
    Network(u128, u8),
    Digest(Vec<u8>),
}

impl Indicator {
    /// An indicator of `kind`, in any spelling, also defanged (`hxxp://`, `[.]`, `[@]`).
    ///
    /// # Errors
    /// When the text is not of the kind, too short or too long.
    pub fn new(kind: IndicatorKind, text: &str) -> Result<Self, IndicatorError> {
        if text.len() > MAX_TEXT {
            return Err(IndicatorError::TooLong);
        }
        let trimmed = text.trim();
        let plain = if kind == IndicatorKind::Text { Cow::Borrowed(trimmed) } else { refanged(trimmed) };
        let wrong = || IndicatorError::NotOfKind { kind, text: short(text) };
        match kind {
            IndicatorKind::Domain => Self::canonical(kind, &plain, domain).ok_or_else(wrong),
            IndicatorKind::Subdomains => {
                let plain = plain.strip_prefix("*.").unwrap_or(&plain);
                Self::canonical(kind, plain, domain).ok_or_else(wrong)
            }
            IndicatorKind::Url => Self::canonical(kind, &plain, url).ok_or_else(wrong),
            IndicatorKind::Email => {
                let plain = plain.strip_prefix("mailto:").unwrap_or(&plain);
                Self::canonical(kind, plain, email).ok_or_else(wrong)
            }
            IndicatorKind::FileName => Self::canonical(kind, trimmed, file_name).ok_or_else(wrong),
            IndicatorKind::Address => {
                let number = address(canonical::split_port(&plain).0.as_bytes())
                    .or_else(|| address(plain.as_bytes()))
                    .ok_or_else(wrong)?;
                Ok(Self::of_address(number))
            }
            IndicatorKind::Network => match network(&plain) {
                Some((_, 0)) => Err(IndicatorError::TooWide { text: short(text) }),
                // All of IPv4.
                Some((base, 96)) if base == canonical::mapped(0) => {
                    Err(IndicatorError::TooWide { text: short(text) })
                }
                Some((base, 128)) => Ok(Self::of_address(base)),
                Some((base, length)) => Ok(Self::of_network(base, length)),
                None => Err(wrong()),
            },
            IndicatorKind::Digest => {
                let bytes = digest(trimmed.as_bytes()).ok_or_else(wrong)?;
                Ok(Self { kind, text: hex::encode(&bytes), number: Some(Number::Digest(bytes)) })
            }
            IndicatorKind::Text if trimmed.chars().count() < MIN_TEXT => {
                Err(IndicatorError::TooShort { text: short(text) })
            }
            IndicatorKind::Text => Ok(Self { kind, text: trimmed.to_ascii_lowercase(), number: None }),
        }
    }

    /// The indicator in `text` by its shape, as plain lists give it.
    ///
    /// # Errors
    /// When it looks like an address but is none, is too short or too long.
    pub fn by_shape(text: &str) -> Result<Self, IndicatorError> {
        if text.len() > MAX_TEXT {
            return Err(IndicatorError::TooLong);
        }
        let trimmed = text.trim();
        if let Some(plain) = Self::of_plain(trimmed) {
            return Ok(plain);
        }
        let plain = refanged(trimmed);
        let kind = match Shape::of(&plain) {
            Shape::Address => IndicatorKind::Address,
            Shape::Network => IndicatorKind::Network,
            Shape::Digest => IndicatorKind::Digest,
            Shape::Email => IndicatorKind::Email,
            Shape::Url => IndicatorKind::Url,
            Shape::File => IndicatorKind::FileName,
            Shape::Domain if plain.starts_with("*.") => IndicatorKind::Subdomains,
            Shape::Domain => IndicatorKind::Domain,
            Shape::Numbers => return Err(IndicatorError::NotAnAddress { text: short(text) }),
            Shape::Other => IndicatorKind::Text,
        };
        let plain =
            if kind == IndicatorKind::Domain { plain.strip_prefix('.').unwrap_or(&plain) } else { &plain };
        Self::new(kind, plain)
    }

    /// The names, addresses and digests that most lists consist of, when they are in canonical form already. `None`
    /// says nothing: the long way decides.
    fn of_plain(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !is_plain(bytes) {
            return None;
        }
        if matches!(bytes.len(), 32 | 40 | 64 | 128) && bytes.iter().all(u8::is_ascii_hexdigit) {
            return Self::new(IndicatorKind::Digest, text).ok();
        }
        let (before, ending) = text.rsplit_once('.')?;
        if before.is_empty() || !ending.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return address(bytes).map(Self::of_address);
        }
        let common = matches!(ending, "com" | "net" | "org");
        let name = canonical::is_domain(bytes) && (common || FILE_ENDINGS.binary_search(&ending).is_err());
        name.then(|| Self { kind: IndicatorKind::Domain, text: text.to_owned(), number: None })
    }

    fn canonical(kind: IndicatorKind, text: &str, form: fn(&str, &mut Vec<u8>) -> bool) -> Option<Self> {
        let mut out = Vec::with_capacity(text.len());
        let text = form(text, &mut out).then(|| String::from_utf8(out).ok())??;
        Some(Self { kind, text, number: None })
    }

    /// The address with this number.
    pub(crate) fn of_address(number: u128) -> Self {
        let text = address_text(number);
        Self { kind: IndicatorKind::Address, text, number: Some(Number::Address(number)) }
    }

    /// The network with this first address and prefix length.
    pub(crate) fn of_network(base: u128, length: u8) -> Self {
        let text = if length >= 96 && base >> 32 == 0xFFFF {
            format!("{}/{}", address_text(base), length - 96)
        } else {
            format!("{}/{length}", std::net::Ipv6Addr::from(base))
        };
        Self { kind: IndicatorKind::Network, text, number: Some(Number::Network(base, length)) }
    }

    /// What it is compared with.
    pub const fn kind(&self) -> IndicatorKind {
        self.kind
    }

    /// The canonical text: what is printed.
    pub fn text(&self) -> Cow<'_, str> {
        match self.kind {
            IndicatorKind::Subdomains => Cow::Owned(format!("*.{}", self.text)),
            _ => Cow::Borrowed(&self.text),
        }
    }

    /// The canonical text without `*.`.
    pub(super) fn bare_text(&self) -> &str {
        &self.text
    }

    /// The bytes by which it is known: numbers for addresses and digests, canonical text for the others.
    pub(super) fn key(&self) -> Cow<'_, [u8]> {
        match &self.number {
            Some(Number::Address(number)) => Cow::Owned(number.to_be_bytes().to_vec()),
            Some(Number::Network(base, length)) => {
                Cow::Owned([base.to_be_bytes().as_slice(), &[*length]].concat())
            }
            Some(Number::Digest(bytes)) => Cow::Borrowed(bytes),
            None => Cow::Borrowed(self.text.as_bytes()),
        }
    }

    pub(super) const fn network(&self) -> Option<(u128, u8)> {
        match self.number {
            Some(Number::Network(base, length)) => Some((base, length)),
            _ => None,
        }
    }
}

/// Whether there is nothing but what names, addresses and digests in lower case are made of.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
}

/// What a text without a type looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Address,
    Network,
    Digest,
    Email,
    Url,
    Domain,
    File,
    /// Digits and dots that are no address.
    Numbers,
    Other,
}

/// Endings of files that are no top-level domains.
const FILE_ENDINGS: &[&str] = &[
    "7z", "apk", "asp", "aspx", "bat", "bin", "bmp", "cab", "cfg", "chm", "cmd", "cpl", "dat", "dll", "dmp",
    "doc", "docm", "docx", "dylib", "elf", "exe", "gif", "gz", "hta", "htm", "html", "hwp", "hwpx", "img",
    "ini", "iso", "jar", "jpeg", "jpg", "js", "jse", "json", "jsp", "lnk", "log", "msc", "msi", "pdf", "php",
    "png", "pps", "ppt", "pptx", "ps1", "rar", "rtf", "scr", "so", "swf", "sys", "tar", "tgz", "tmp", "txt",
    "vbe", "vbs", "vhd", "vhdx", "wsf", "xls", "xlsm", "xlsx", "xml",
];

impl Shape {
    /// The shape of a text without blanks around it.
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        if matches!(bytes.len(), 32 | 40 | 64 | 128) && bytes.iter().all(u8::is_ascii_hexdigit) {
            return Self::Digest;
        }
        if text.len() < 3 || text.contains(char::is_whitespace) {
            return Self::Other;
        }
        if address(canonical::split_port(text).0.as_bytes()).or_else(|| address(bytes)).is_some() {
            return Self::Address;
        }
        if network(text).is_some() {
            return Self::Network;
        }
        if bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'/' | b':')) {
            return if bytes.iter().filter(|b| **b == b'.').count() == 3 {
                Self::Numbers
            } else {
                Self::Other
            };
        }
        if text.contains("://") {
            return if canonical::split_scheme(text).0.is_some() { Self::Url } else { Self::Other };
        }
        if text.contains('@') && !text.contains('/') {
            return Self::Email.if_canonical(text.strip_prefix("mailto:").unwrap_or(text), email);
        }
        if text.contains('\\') {
            return Self::File;
        }
        let host_end = text.find(['/', '?']).unwrap_or(text.len());
        let (host, port) = canonical::split_port(&text[..host_end]);
        if host_end < text.len() || port.is_some() {
            let named = host.contains('.') || address(host.as_bytes()).is_some();
            return if named { Self::Url.if_canonical(text, url) } else { Self::Other };
        }
        Self::of_name(text)
    }

    fn of_name(text: &str) -> Self {
        let Some((_, ending)) = text.rsplit_once('.').filter(|_| text.trim_matches('.').contains('.')) else {
            return Self::Other;
        };
        if FILE_ENDINGS.binary_search(&ending.to_ascii_lowercase().as_str()).is_ok() {
            return Self::File;
        }
        let name = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
        Self::Domain.if_canonical(name, domain)
    }

    fn if_canonical(self, text: &str, form: fn(&str, &mut Vec<u8>) -> bool) -> Self {
        if form(text, &mut Vec::with_capacity(text.len())) { self } else { Self::Other }
    }
}

/// The text without the marks by which people keep it from being clicked.
fn refanged(text: &str) -> Cow<'_, str> {
    let head = text.as_bytes().get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"hxxp"));
    let marked = text.bytes().any(|b| matches!(b, b'[' | b'(' | b'{'));
    if !head && !marked {
        return Cow::Borrowed(text);
    }
    let mut plain = text.to_owned();
    if head {
        plain.replace_range(..4, "http");
    }
    if marked {
        // `[://]` before `[:]`, so that no half of it stays.
        for (mark, meant) in [
            ("[://]", "://"),
            ("[:]", ":"),
            ("[.]", "."),
            ("(.)", "."),
            ("{.}", "."),
            ("[dot]", "."),
            ("(dot)", "."),
            ("[DOT]", "."),
            ("[@]", "@"),
            ("(at)", "@"),
            ("[at]", "@"),
            ("[AT]", "@"),
        ] {
            if plain.contains(mark) {
                plain = plain.replace(mark, meant);
            }
        }
        // `evil[.com`: half a mark. An IPv6 address has no dot behind its bracket.
        if plain.contains("[.") {
            plain = plain.replace("[.", ".");
        }
    }
    Cow::Owned(plain)
}

/// At most 80 characters, for messages.
pub(super) fn short(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_endings_are_sorted() {
        assert!(FILE_ENDINGS.is_sorted());
    }

    #[test]
    fn plain_texts_are_told_by_their_shape() {
        use IndicatorKind::{Address, Digest, Domain, Email, FileName, Network, Subdomains, Text, Url};
        for (text, kind, want) in [
            ("evil.com", Domain, "evil.com"),
            ("EVIL[.]com.", Domain, "evil.com"),
            ("evil[.com", Domain, "evil.com"),
            (".evil.com", Domain, "evil.com"),
            ("*.evil.com", Subdomains, "*.evil.com"),
            ("hxxps[:]//evil(.)com/a", Url, "evil.com/a"),
            ("hXXp[://]evil[dot]com", Url, "evil.com/"),
            ("evil.com/a/b.php", Url, "evil.com/a/b.php"),
            ("evil.com:8080", Url, "evil.com:8080/"),
            ("1.2.3[.]4", Address, "1.2.3.4"),
            ("1.2.3.4:443", Address, "1.2.3.4"),
            ("::FFFF:1.2.3.4", Address, "1.2.3.4"),
            ("[2001:db8::1]", Address, "2001:db8::1"),
            ("10.1.0.0/16", Network, "10.1.0.0/16"),
            ("10.1.2.3/32", Address, "10.1.2.3"),
            ("D41D8CD98F00B204E9800998ECF8427E", Digest, "d41d8cd98f00b204e9800998ecf8427e"),
            ("Kim[@]Evil[.]com", Email, "kim@evil.com"),
            ("Dropper.EXE", FileName, "dropper.exe"),
            (r"C:\Windows\x.tmp", FileName, "c:/windows/x.tmp"),
            ("/checksync/v2/", Text, "/checksync/v2/"),
            ("Global Mutex", Text, "global mutex"),
        ] {
            let got = Indicator::by_shape(text).unwrap();
            assert_eq!((got.kind(), got.text().as_ref()), (kind, want), "{text}");
        }
        for (text, code) in [
            ("1.2.3.400", "indicator::bad_address"),
            ("1.2.3.4/40", "indicator::bad_address"),
            ("abc", "indicator::too_short"),
            ("0.0.0.0/0", "indicator::too_wide"),
            ("::/0", "indicator::too_wide"),
        ] {
            assert_eq!(Indicator::by_shape(text).unwrap_err().code(), code, "{text}");
        }
    }
}
