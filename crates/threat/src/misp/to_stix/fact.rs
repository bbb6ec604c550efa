//! One value at one path: what a pattern compares and an observable holds.

use std::net::IpAddr;

use base::Timestamp;
use serde_json::{Value, json};

use crate::misp::table::{Holds, holds, is_list};

/// One value at one path.
#[derive(Debug, Clone)]
pub(super) struct Fact {
    /// The type of the observable: `file`.
    pub(super) observable: String,
    /// The steps: `hashes`, `MD5`.
    pub(super) keys: Vec<String>,
    /// The last step as patterns spell it.
    pub(super) pattern_key: String,
    pub(super) value: Value,
    /// The UUID of the attribute that says it.
    pub(super) uuid: String,
    /// Whether it is meant for detection.
    pub(super) to_ids: bool,
}

impl Fact {
    /// `None` when the value cannot stand there.
    pub(super) fn new(
        kind: &str,
        path: &str,
        pattern_path: &str,
        value: &str,
        uuid: &str,
        to_ids: bool,
    ) -> Option<Self> {
        let (observable, keys) = path.split_once(':')?;
        let keys: Vec<String> = keys.split('.').map(str::to_owned).collect();
        let last = keys.last()?.clone();
        let pattern_key = pattern_path.rsplit('.').next().filter(|_| pattern_path.contains('.'));
        let value = typed(kind, observable, &keys, value)?;
        Some(Self {
            observable: observable.to_owned(),
            pattern_key: pattern_key.unwrap_or(&last).to_owned(),
            keys,
            value,
            uuid: uuid.to_owned(),
            to_ids,
        })
    }

    /// The comparison of a pattern.
    pub(super) fn comparison(&self) -> String {
        let mut path = format!("{}:", self.observable);
        let last = self.keys.len().saturating_sub(1);
        for (number, key) in self.keys.iter().enumerate() {
            if number > 0 {
                path.push('.');
            }
            path.push_str(&step(if number == last { &self.pattern_key } else { key }));
            if is_list(key) {
                path.push_str("[*]");
            }
        }
        match &self.value {
            Value::String(text) if is_network(text) => format!("{path} ISSUBSET {}", quoted(text)),
            Value::String(text) if holds(&self.keys[last]) == Holds::Time => format!("{path} = t'{text}'"),
            Value::String(text) => format!("{path} = {}", quoted(text)),
            other => format!("{path} = {other}"),
        }
    }
}

/// All comparisons, of which each must hold.
pub(super) fn pattern<'f>(facts: impl Iterator<Item = &'f Fact>) -> String {
    let all: Vec<String> = facts.map(Fact::comparison).collect();
    format!("[{}]", all.join(" AND "))
}

fn step(key: &str) -> String {
    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && key.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if plain { key.to_owned() } else { quoted(key) }
}

/// A text between single quotes (STIX 2.1 clause 9.2).
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn is_network(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    address.parse::<IpAddr>().is_ok() && length.parse::<u8>().is_ok()
}

/// The type of the observable that an address is; `None` when it is none.
pub(super) fn address_type(text: &str) -> Option<&'static str> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    length.is_none_or(|length| length <= most).then_some(())?;
    Some(if address.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" })
}

/// Whether a text is an address or a network.
pub(in crate::misp) fn is_address(text: &str) -> bool {
    address_type(text).is_some()
}

/// The value as the property holds it. `None`: it cannot.
fn typed(kind: &str, observable: &str, keys: &[String], value: &str) -> Option<Value> {
    let last = keys.last()?.as_str();
    if value.is_empty() {
        return None;
    }
    match holds(last) {
        Holds::Integer => {
            let digits = if last == "number" {
                value.trim_start_matches(|c: char| {
                    c.eq_ignore_ascii_case(&'a') || c.eq_ignore_ascii_case(&'s')
                })
            } else {
                value
            };
            let number: u64 = digits.trim().parse().ok()?;
            let most = match last {
                "src_port" | "dst_port" => 65_535,
                "number" => u64::from(u32::MAX),
                // Beyond it, programs that read numbers as doubles change it (RFC 7493, 2.2).
                _ => 1 << 53,
            };
            return (number <= most).then(|| json!(number));
        }
        Holds::Number => {
            return value.parse::<f64>().ok().filter(|number| number.is_finite()).map(|n| json!(n));
        }
        Holds::Flag => {
            return match value.to_ascii_lowercase().as_str() {
                "1" | "true" => Some(json!(true)),
                "0" | "false" => Some(json!(false)),
                _ => None,
            };
        }
        Holds::Time => return time(value).map(|time| json!(rfc_3339(time))),
        Holds::Text => {}
    }
    let fits = match (kind, last) {
        (kind, "value") if kind.starts_with("ip-") => address_type(value).is_some(),
        (_, "value") if keys.first().is_some_and(|key| key == "resolves_to_refs") => {
            address_type(value).is_some()
        }
        ("hostname" | "domain" | "domain|ip" | "hostname|port", "value") => {
            !value.contains(|c: char| c.is_whitespace() || c.is_control()) && address_type(value).is_none()
        }
        (_, "value") if observable == "email-message" || observable == "email-addr" => is_email(value),
        (_, "value") if observable == "mac-addr" => return mac(value).map(|mac| json!(mac)),
        _ => true,
    };
    let in_hashes = keys.len() > 1 && keys[keys.len() - 2] == "hashes" || last == "imphash";
    let fits = fits && (!in_hashes || is_hash(last, value));
    if !fits {
        return None;
    }
    Some(json!(if last == "protocols" { value.to_lowercase() } else { value.to_owned() }))
}

fn is_hash(name: &str, value: &str) -> bool {
    use crate::misp::table::{HASHES, hash_of_name};
    let kind = hash_of_name(name);
    let digits = HASHES.iter().find(|(known, ..)| Some(*known) == kind).map_or(0, |(.., digits)| *digits);
    let hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    match digits {
        0 => !value.contains(char::is_whitespace),
        digits => hex && value.len() == digits,
    }
}

fn is_email(value: &str) -> bool {
    let parts = value.split_once('@');
    let solid = !value.contains(|c: char| c.is_whitespace() || c.is_control());
    solid && parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
}

/// Six octets with colons, in small letters (STIX 2.1 clause 6.8).
fn mac(value: &str) -> Option<String> {
    let lower = value.to_ascii_lowercase().replace('-', ":");
    let octets: Vec<&str> = lower.split(':').collect();
    let fits = octets.len() == 6
        && octets.iter().all(|octet| octet.len() == 2 && octet.bytes().all(|byte| byte.is_ascii_hexdigit()));
    fits.then_some(lower)
}

fn rfc_3339(time: Timestamp) -> String {
    time.to_string()
}

/// A time as MISP and Python write it: with a blank, without a zone, as a day, or with any offset.
pub(in crate::misp) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_ascii() || text.len() < 10 {
        return None;
    }
    if text.len() == 10 {
        return format!("{text}T00:00:00Z").parse().ok();
    }
    let (day, rest) = text.split_at(10);
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let zone = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone);
    let naive: Timestamp = format!("{day}T{clock}Z").parse().ok()?;
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = match digits.len() {
        0 => (0, 0),
        2 => (digits.parse::<i64>().ok()?, 0),
        4 => (digits[..2].parse::<i64>().ok()?, digits[2..].parse::<i64>().ok()?),
        _ => return None,
    };
    let sign = if zone.starts_with('-') { 1 } else { -1 };
    Some(naive.plus_nanos(sign * (hours * 3600 + minutes * 60) * 1_000_000_000))
}
