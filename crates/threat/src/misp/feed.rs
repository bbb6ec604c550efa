//! A feed of MISP: a folder with `manifest.json`, `hashes.csv` and one file an event.

use base::Fault;

use super::value::{seconds, text, uuid};
use super::{MispOrganisation, MispTag};
use crate::stix::json::{self, Node};

/// What a manifest says of a feed.
#[derive(Debug, Clone, Default)]
pub struct MispFeed {
    /// The events, by UUID.
    pub events: Vec<MispFeedEntry>,
}

/// What a manifest says of one event.
#[derive(Debug, Clone)]
pub struct MispFeedEntry {
    /// UUID in small letters; the event lies in the file `UUID.json`.
    pub uuid: String,
    /// Its title.
    pub info: String,
    /// The day it is about.
    pub date: Option<String>,
    /// Unix time of its last change in seconds.
    pub timestamp_s: Option<i64>,
    /// Who made it.
    pub creator: Option<MispOrganisation>,
    /// Its tags.
    pub tags: Vec<MispTag>,
}

/// A line of `hashes.csv`: the MD5 of a value and the event that has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MispHash {
    /// MD5 of the value, hexadecimal in small letters.
    pub md5: String,
    /// UUID of the event.
    pub event: String,
}

/// Reads `manifest.json`. An entry whose name is no UUID is a fault, so that no name of a file is taken from a feed
/// that is not one.
///
/// ```
/// let (feed, faults) = threat::read_misp_manifest(br#"{"a6ef17d6-91cb-4a05-b10b-2f045daf874f":
///   {"info": "x", "timestamp": 1700000000, "Orgc": {"name": "KrCERT"}}, "../../etc/passwd": {}}"#);
/// assert_eq!(feed.events[0].info, "x");
/// assert_eq!(faults[0].code, "misp::bad_manifest");
/// ```
pub fn read_misp_manifest(bytes: &[u8]) -> (MispFeed, Vec<Fault>) {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let node = match json::parse(bytes) {
        Ok(node) => node,
        Err(error) => return (MispFeed::default(), vec![error.to_fault(0)]),
    };
    let bad = |message: &str, start: usize, end: usize| {
        Fault::error("misp::bad_manifest", message).at_bytes(start as u64, end as u64)
    };
    let Some(members) = node.as_map() else {
        let message = "a manifest is an object with an entry for each event";
        return (MispFeed::default(), vec![bad(message, node.start, node.end)]);
    };
    let (mut events, mut faults) = (Vec::new(), Vec::new());
    for member in members {
        match uuid(&member.key) {
            Some(uuid) if member.value.as_map().is_some() => events.push(entry(uuid, &member.value)),
            _ => {
                let message = "an entry of the manifest is named by no UUID, or is no object; it is left out";
                faults.push(bad(message, member.key_start, member.value.end));
            }
        }
    }
    events.sort_by(|a: &MispFeedEntry, b| a.uuid.cmp(&b.uuid));
    (MispFeed { events }, faults)
}

fn entry(uuid: String, node: &Node<'_>) -> MispFeedEntry {
    let creator = node.get("Orgc").and_then(|creator| {
        let uuid = creator.text("uuid").and_then(self::uuid);
        let name = creator.get("name").and_then(text).unwrap_or_default();
        (uuid.is_some() || !name.is_empty()).then_some(MispOrganisation { uuid, name })
    });
    let tags = node.get("Tag").and_then(Node::as_list).unwrap_or_default().iter();
    let tags = tags.filter_map(|tag| tag.get("name").and_then(text));
    MispFeedEntry {
        uuid,
        info: node.get("info").and_then(text).unwrap_or_default(),
        date: node.get("date").and_then(text),
        timestamp_s: node.get("timestamp").and_then(seconds),
        creator,
        tags: tags.map(|name| MispTag { name, local: false, unknown: Vec::new() }).collect(),
    }
}

/// Reads `hashes.csv`: lines `MD5,UUID`. A line that is none is a fault.
pub fn read_misp_hashes(bytes: &[u8]) -> (Vec<MispHash>, Vec<Fault>) {
    let (mut hashes, mut faults) = (Vec::new(), Vec::new());
    let mut at = 0_u64;
    for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        let next = at + line.len() as u64 + 1;
        let read = std::str::from_utf8(line.trim_ascii()).ok().and_then(|text| {
            let (md5, event) = text.split_once(',')?;
            let hex = md5.len() == 32 && md5.bytes().all(|byte| byte.is_ascii_hexdigit());
            Some(MispHash { md5: hex.then(|| md5.to_ascii_lowercase())?, event: uuid(event.trim())? })
        });
        match read {
            Some(read) => hashes.push(read),
            None if line.trim_ascii().is_empty() => {}
            None => {
                let message = "the line is no `MD5,UUID`; it is left out";
                let fault = Fault::error("misp::bad_hash", message).at_line(number);
                faults.push(fault.at_bytes(at, next - 1));
            }
        }
        at = next;
    }
    (hashes, faults)
}
