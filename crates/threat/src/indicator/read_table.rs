use std::borrow::Cow;

use super::read::{Sink, Take};
use super::{Indicator, IndicatorError, IndicatorFormat, IndicatorKind};
use crate::lines::cells;

/// The head of a table: which column holds what.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    separator: u8,
    format: IndicatorFormat,
    columns: Vec<(String, Column)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Column {
    /// Indicators of one kind.
    Typed(IndicatorKind),
    /// Indicators of the kind that another column says, or else of the kind that they look like.
    Any,
    /// The kind of the indicator in the same row.
    Kind,
    /// Whether it is meant for detection.
    ToIds,
    Other,
}

impl Header {
    /// The head in a line, when it names a column with indicators. Heads may stand behind `#`.
    pub(super) fn of(line: &str) -> Option<Self> {
        if let Some(fields) = line.strip_prefix("#fields").filter(|rest| rest.starts_with(['\t', ' '])) {
            let header = Self::with_columns(fields.trim_start(), b'\t', IndicatorFormat::ZeekIntel);
            return header.has_values().then_some(header);
        }
        let text = line.trim_start_matches('#').trim();
        let separator = [b',', b';', b'\t', b'|'].into_iter().find(|s| text.bytes().any(|b| b == *s));
        let header = Self::with_columns(text, separator.unwrap_or(b','), IndicatorFormat::Csv);
        // One word alone may be a title.
        let enough = separator.is_some() || (!line.starts_with('#') && header.columns.len() == 1);
        (enough && header.has_values()).then_some(header)
    }

    fn with_columns(text: &str, separator: u8, format: IndicatorFormat) -> Self {
        let columns = cells(text.as_bytes(), separator)
            .iter()
            .map(|cell| {
                let name = String::from_utf8_lossy(cell).trim().trim_matches('"').to_owned();
                let column = column(&name);
                (name, column)
            })
            .collect();
        Self { separator, format, columns }
    }

    fn has_values(&self) -> bool {
        self.columns.iter().any(|(_, column)| matches!(column, Column::Typed(_) | Column::Any))
    }

    pub(super) const fn format(&self) -> IndicatorFormat {
        self.format
    }

    /// Takes the indicators of a row.
    pub(super) fn read(&self, line: &str, number: u64, sink: &mut Sink, take: &mut Take<'_>) {
        let cells: Vec<Cow<'_, str>> =
            cells(line.as_bytes(), self.separator).iter().map(|cell| lossless(cell)).collect();
        let of = |wanted: Column| {
            let at = self.columns.iter().position(|(_, column)| *column == wanted)?;
            cells.get(at).map(|cell| cell.trim())
        };
        if of(Column::ToIds).is_some_and(|word| matches!(word, "0" | "false" | "False")) {
            sink.passed_over += 1;
            return;
        }
        let kind = of(Column::Kind).map(kind_of_word);
        for ((name, column), cell) in self.columns.iter().zip(&cells) {
            let cell = cell.trim();
            // `-` is how tables of Zeek leave a cell empty.
            if cell.is_empty() || cell == "-" {
                continue;
            }
            let read = match (column, kind) {
                (Column::Typed(kind), _) => of_kind(*kind, cell),
                (Column::Any, Some(WordKind::Kind(kind))) => of_kind(kind, first_part(cell, kind)),
                (Column::Any, Some(WordKind::NoValue)) => {
                    sink.passed_over += 1;
                    continue;
                }
                (Column::Any, Some(WordKind::Unknown) | None) => Indicator::by_shape(cell),
                _ => continue,
            };
            sink.take(read, number, Some(name), take);
        }
    }
}

/// The cells come from a text, so this only fails for a cell that was cut within a character, which none is.
fn lossless<'a>(cell: &Cow<'a, [u8]>) -> Cow<'a, str> {
    match cell {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn of_kind(kind: IndicatorKind, cell: &str) -> Result<Indicator, IndicatorError> {
    match kind {
        IndicatorKind::Address if cell.contains('/') => Indicator::new(IndicatorKind::Network, cell),
        IndicatorKind::Domain if cell.starts_with("*.") => Indicator::new(IndicatorKind::Subdomains, cell),
        // Feeds put addresses into columns for hosts.
        IndicatorKind::Domain => {
            Indicator::new(IndicatorKind::Address, cell).or_else(|_| Indicator::new(kind, cell))
        }
        _ => Indicator::new(kind, cell),
    }
}

/// Of a pair such as `1.2.3.4|443` the part of the kind.
pub(super) fn first_part(value: &str, kind: IndicatorKind) -> &str {
    match (kind, value.split_once('|')) {
        (IndicatorKind::Digest, Some((_, digest))) => digest,
        (IndicatorKind::Text | IndicatorKind::Url, _) | (_, None) => value,
        (_, Some((first, _))) => first,
    }
}

fn column(name: &str) -> Column {
    use IndicatorKind::{Address, Digest, Domain, Email, FileName, Url};
    let name = name.to_ascii_lowercase().replace([' ', '-', '.'], "_");
    match name.as_str() {
        "indicator" | "value" | "ioc" | "ioc_value" | "indicator_value" | "observable"
        | "observable_value" => Column::Any,
        "type" | "ioc_type" | "indicator_type" | "observable_type" => Column::Kind,
        "to_ids" => Column::ToIds,
        "domain" | "domains" | "domain_name" | "hostname" | "host" | "fqdn" => Column::Typed(Domain),
        "ip" | "ips" | "ip_address" | "ipaddress" | "ipv4" | "ipv6" | "dst_ip" | "src_ip" | "dest_ip"
        | "cidr" | "network" | "netblock" => Column::Typed(Address),
        "url" | "urls" | "malware_url" | "phishing_url" => Column::Typed(Url),
        "md5" | "md5_hash" | "sha1" | "sha1_hash" | "sha256" | "sha256_hash" | "sha512" | "sha512_hash"
        | "hash" | "file_hash" => Column::Typed(Digest),
        "email" | "email_address" | "sender" => Column::Typed(Email),
        "filename" | "file_name" => Column::Typed(FileName),
        _ => Column::Other,
    }
}

/// What a word for a type of indicator means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum WordKind {
    Kind(IndicatorKind),
    /// Something that is not looked up in logs: a comment, a link to a report.
    NoValue,
    Unknown,
}

/// The types of MISP, of Zeek's intelligence framework and of common feeds.
pub(super) fn kind_of_word(word: &str) -> WordKind {
    use IndicatorKind::{Address, Digest, Domain, Email, FileName, Text, Url};
    let word = word.trim().to_ascii_lowercase();
    let word = word.strip_prefix("intel::").unwrap_or(&word);
    WordKind::Kind(match word {
        "domain" | "hostname" | "host" | "fqdn" | "domain-name" | "domain|ip" | "hostname|port" => Domain,
        "ip" | "ip-src" | "ip-dst" | "ip-src|port" | "ip-dst|port" | "ip:port" | "addr" | "subnet"
        | "ipv4" | "ipv6" | "cidr" | "ipv4-addr" | "ipv6-addr" => Address,
        "url" => Url,
        "email" | "email-src" | "email-dst" | "email-reply-to" | "email-addr" => Email,
        "filename" | "file_name" | "file" => FileName,
        "mutex" | "regkey" | "user-agent" | "email-subject" | "named pipe" | "uri" | "software" => Text,
        "file_hash" | "cert_hash" | "hash" => Digest,
        // Digests that no log gives, and what is there for people.
        w if w.contains("ssdeep")
            || w.contains("imphash")
            || w.contains("tlsh")
            || w.contains("impfuzzy") =>
        {
            return WordKind::NoValue;
        }
        w if w.contains("sha224") || w.contains("sha384") || w.contains("sha3-") || w.contains("pehash") => {
            return WordKind::NoValue;
        }
        w if w.contains("md5") || w.contains("sha1") || w.contains("sha256") || w.contains("sha512") => {
            Digest
        }
        w if w.contains("sha-1") || w.contains("sha-256") || w.contains("sha-512") => Digest,
        "comment" | "link" | "text" | "other" | "datetime" | "counter" | "float" | "attachment"
        | "vulnerability" | "yara" | "sigma" | "snort" | "size-in-bytes" | "port" | "as" | "regkey|value"
        | "threat-actor" | "campaign-name" | "target-org" | "boolean" | "mime-type" | "malware-sample"
        | "malware-type" | "hex" | "btc" | "xmr" => {
            return WordKind::NoValue;
        }
        _ => return WordKind::Unknown,
    })
}
