use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use base::Fault;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use super::canonical::{address, mask, network, split_port, split_scheme};
use super::form::short;
use super::network::Networks;
use super::{IndicatorKind, OriginId};

/// Largest compiled regular expression of a warninglist.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// Warninglists in the form of MISP: well-known values that raise no alarm although a source names them, such as
/// public resolvers and private networks. Types `string`, `hostname`, `cidr`, `substring` and `regex`.
#[derive(Debug, Clone, Default)]
pub struct Warninglists {
    lists: Vec<List>,
}

#[derive(Debug, Clone)]
struct List {
    name: String,
    /// The kinds of indicators that it is about.
    kinds: u16,
    entries: Entries,
}

#[derive(Debug, Clone)]
enum Entries {
    Strings(BTreeSet<String>),
    /// A name and all names below it.
    Hostnames(BTreeSet<String>),
    Networks(Networks),
    Substrings(Box<AhoCorasick>),
    Patterns(Vec<Regex>),
}

/// Why a hit raises no alarm: the name of the list that knows its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suppression<'a>(pub(crate) &'a str);

/// The JSON of a list, as far as it is used here.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    name: String,
    #[serde(rename = "type", default = "string_type")]
    sort: String,
    #[serde(default)]
    list: Vec<String>,
    #[serde(default)]
    matching_attributes: Vec<String>,
}

fn string_type() -> String {
    "string".to_owned()
}

impl Warninglists {
    /// Adds the list in `bytes`. An entry that cannot be used is a fault; the others count.
    pub fn read(&mut self, bytes: &[u8], source: &str) -> Vec<Fault> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let document: Document = match serde_json::from_slice(bytes) {
            Ok(document) => document,
            Err(error) => {
                let message =
                    format!("no warninglist of MISP: {error}; give a list.json of misp-warninglists");
                let line = error.line().max(1) as u64;
                return vec![Fault::error("warninglist::bad_json", message).in_source(source).at_line(line)];
            }
        };
        let mut faults = Vec::new();
        if let Some(entries) = entries(&document, source, &mut faults) {
            let name = if document.name.is_empty() { source.to_owned() } else { document.name };
            self.lists.push(List { name, kinds: kinds(&document.matching_attributes), entries });
        }
        faults
    }

    /// How many lists there are.
    pub fn len(&self) -> usize {
        self.lists.len()
    }

    /// Whether there is no list.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// The list that knows one of the values, in the order in which the lists were read.
    pub(crate) fn suppressing(&self, kind: IndicatorKind, values: [&str; 2]) -> Option<Suppression<'_>> {
        let lists = self.lists.iter().filter(|list| list.kinds & kind.bit() != 0);
        for list in lists {
            if values.iter().any(|value| list.entries.know(value)) {
                return Some(Suppression(&list.name));
            }
        }
        None
    }
}

impl Entries {
    fn know(&self, value: &str) -> bool {
        match self {
            Self::Strings(list) => list.contains(value) || list.contains(&value.to_lowercase()),
            Self::Hostnames(list) => {
                let name = host(value).trim_end_matches('.').to_lowercase();
                let below = name.match_indices('.').map(|(at, _)| &name[at + 1..]);
                std::iter::once(name.as_str()).chain(below).any(|name| list.contains(name))
            }
            Self::Networks(networks) => {
                let plain = value.split_once('/').map_or(value, |(start, _)| start);
                let length = network(value).map_or(128, |(_, length)| length);
                address(host(plain).as_bytes())
                    .is_some_and(|address| networks.holding(address).any(|entry| entry.length <= length))
            }
            Self::Substrings(automaton) => automaton.is_match(value),
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.is_match(value)),
        }
    }
}

/// The host of a URL or a mail address; any other value as it is.
fn host(value: &str) -> &str {
    let rest = split_scheme(value).1;
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if address(authority.as_bytes()).is_some() { authority } else { split_port(authority).0 }
}

fn entries(document: &Document, source: &str, faults: &mut Vec<Fault>) -> Option<Entries> {
    let bad = |index: usize, text: &str, why: &str| {
        let message = format!("`{}` is {why}; correct or remove it", short(text));
        Fault::error("warninglist::bad_entry", message).in_source(source).in_field(format!("list[{index}]"))
    };
    let lower = || document.list.iter().map(|entry| entry.trim().to_lowercase());
    match document.sort.as_str() {
        "string" => {
            let written = document.list.iter().map(|entry| entry.trim().to_owned());
            Some(Entries::Strings(written.chain(lower()).collect()))
        }
        "hostname" => Some(Entries::Hostnames(
            lower().map(|name| name.trim_matches('.').to_owned()).filter(|name| !name.is_empty()).collect(),
        )),
        "substring" => {
            let list: Vec<&str> =
                document.list.iter().map(String::as_str).filter(|e| !e.is_empty()).collect();
            match AhoCorasick::builder().ascii_case_insensitive(true).build(list) {
                Ok(automaton) => Some(Entries::Substrings(Box::new(automaton))),
                Err(error) => {
                    faults.push(bad(0, &document.name, &format!("too large a list: {error}")));
                    None
                }
            }
        }
        "cidr" => {
            let mut networks = Vec::new();
            let none = OriginId::new(0)?;
            for (index, entry) in document.list.iter().enumerate() {
                let entry = entry.trim();
                match network(entry).or_else(|| Some((address(entry.as_bytes())?, 128))) {
                    Some((base, length)) => networks.push((base & mask(length), length, none)),
                    None => faults.push(bad(index, entry, "no network and no address")),
                }
            }
            Some(Entries::Networks(Networks::new(networks)))
        }
        "regex" => {
            let mut patterns = Vec::new();
            for (index, entry) in document.list.iter().enumerate() {
                match pattern(entry) {
                    Ok(pattern) => patterns.push(pattern),
                    Err(_) => faults.push(bad(index, entry, "no regular expression of linear time")),
                }
            }
            Some(Entries::Patterns(patterns))
        }
        other => {
            let message = format!(
                "type `{}` is not known; known are string, hostname, cidr, substring and regex",
                short(other)
            );
            faults
                .push(Fault::error("warninglist::unknown_type", message).in_source(source).in_field("type"));
            None
        }
    }
}

/// A regular expression as MISP writes it: bare, or between slashes with flags.
fn pattern(text: &str) -> Result<Regex, regex::Error> {
    let delimited = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    let (body, flags) = match delimited {
        Some((body, flags)) if flags.bytes().all(|b| b.is_ascii_lowercase()) => (body, flags),
        _ => (text, ""),
    };
    RegexBuilder::new(body)
        .case_insensitive(flags.contains('i'))
        .size_limit(MAX_REGEX_BYTES)
        .dfa_size_limit(MAX_REGEX_BYTES)
        .build()
}

/// The kinds of indicators that attributes of MISP stand for; all when none is named.
fn kinds(attributes: &[String]) -> u16 {
    use IndicatorKind::{Address, Digest, Domain, Email, FileName, Network, Subdomains, Url};
    let mut bits = 0;
    for attribute in attributes {
        let of = |kinds: &[IndicatorKind]| kinds.iter().fold(0, |bits, kind| bits | kind.bit());
        bits |= match attribute.as_str() {
            "domain|ip" => of(&[Domain, Subdomains, Address, Network]),
            a if a.starts_with("ip-") => of(&[Address, Network]),
            "domain" | "hostname" | "hostname|port" => of(&[Domain, Subdomains]),
            "url" | "uri" | "link" => of(&[Url]),
            "filename" => of(&[FileName]),
            a if a.starts_with("email") => of(&[Email]),
            a if a.starts_with("md5") || a.starts_with("sha") || a.starts_with("filename|") => of(&[Digest]),
            _ => 0,
        };
    }
    if bits == 0 { u16::MAX } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(sort: &str, entries: &str, attributes: &str) -> Warninglists {
        let mut lists = Warninglists::default();
        let json = format!(
            r#"{{"name":"n","type":"{sort}","version":1,"list":{entries},"matching_attributes":{attributes}}}"#
        );
        assert_eq!(lists.read(json.as_bytes(), "list.json"), []);
        lists
    }

    #[test]
    fn each_type_compares_in_its_own_way() {
        use IndicatorKind::{Address, Domain, Email, Network, Text, Url};
        let check = |lists: &Warninglists, kind, value: &str, want: bool| {
            assert_eq!(lists.suppressing(kind, [value, ""]).is_some(), want, "{value}");
        };
        let strings = list("string", r#"["Known.example"]"#, "[]");
        check(&strings, Domain, "known.example", true);
        check(&strings, Domain, "www.known.example", false);
        let names = list("hostname", r#"[".Known.example", "other.example"]"#, r#"["domain","url"]"#);
        check(&names, Domain, "www.known.example", true);
        check(&names, Domain, "unknown.example", false);
        check(&names, Url, "known.example:8080/path", true);
        check(&names, Email, "a@known.example", false);
        let networks = list("cidr", r#"["10.0.0.0/8", "8.8.8.8"]"#, r#"["ip-dst"]"#);
        check(&networks, Address, "10.9.8.7", true);
        check(&networks, Address, "8.8.8.8", true);
        check(&networks, Network, "8.8.8.0/24", false);
        check(&networks, Network, "10.1.0.0/16", true);
        let parts = list("substring", r#"["microsoft"]"#, "[]");
        check(&parts, Text, "a Microsoft thing", true);
        let patterns = list("regex", r#"["/^a+b$/i", "c{2}"]"#, "[]");
        check(&patterns, Text, "AAB", true);
        check(&patterns, Text, "xccx", true);
        check(&patterns, Text, "xcx", false);
    }

    #[test]
    fn what_cannot_be_used_is_a_fault() {
        let mut lists = Warninglists::default();
        let faults = |lists: &mut Warninglists, json: &str| -> Vec<String> {
            lists.read(json.as_bytes(), "x").into_iter().map(|fault| fault.code).collect()
        };
        assert_eq!(faults(&mut lists, "{"), ["warninglist::bad_json"]);
        assert_eq!(faults(&mut lists, r#"{"type":"odd","list":[]}"#), ["warninglist::unknown_type"]);
        assert_eq!(
            faults(&mut lists, r#"{"type":"cidr","list":["x","10.0.0.0/8"]}"#),
            ["warninglist::bad_entry"]
        );
        assert_eq!(
            faults(&mut lists, r#"{"type":"regex","list":["(a","(?:(?:a{1000}){1000}){1000}"]}"#),
            ["warninglist::bad_entry", "warninglist::bad_entry"]
        );
        assert_eq!(lists.len(), 2);
    }
}
