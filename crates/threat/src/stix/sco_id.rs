//! Ids of cyber-observables from their content: STIX 2.1 clause 2.9.

use serde_json::{Map, Value as Plain};
use uuid::Uuid;

use super::json::{self, Node, Value};
use super::validate::{Class, object_type};

/// The namespace of the ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);

/// Hashes in the order in which one is taken (clause 2.9).
const PREFERRED_HASHES: &[&str] = &["MD5", "SHA-1", "SHA-256", "SHA-512"];

/// The id that the content of a cyber-observable object gives it: UUID version 5 over the canonical JSON (RFC 8785) of
/// its ID contributing properties. `None` for other objects, for processes, which have random ids, and for objects that
/// have none of these properties.
///
/// ```
/// let id = threat::deterministic_id(br#"{"type": "ipv4-addr", "value": "198.51.100.3"}"#);
/// assert_eq!(id.as_deref(), Some("ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"));
/// ```
pub fn deterministic_id(object: &[u8]) -> Option<String> {
    let node = json::parse(object).ok()?;
    let known = object_type(node.text("type")?)?;
    deterministic_id_of(known, &node)
}

/// Whether the type of `node` is a cyber-observable of the specification.
pub(crate) fn is_observable(node: &Node<'_>) -> bool {
    node.text("type").is_some_and(is_observable_type)
}

/// Whether `name` is the type of a cyber-observable of the specification.
pub(crate) fn is_observable_type(name: &str) -> bool {
    object_type(name).is_some_and(|known| known.class == Class::Observable)
}

pub(crate) fn deterministic_id_of(known: &super::validate::ObjectType, node: &Node<'_>) -> Option<String> {
    if known.class != Class::Observable {
        return None;
    }
    let mut content = Map::new();
    for name in known.contributing {
        let Some(value) = node.get(name) else { continue };
        let value = if *name == "hashes" { one_hash(value)? } else { plain(value) };
        content.insert((*name).to_owned(), value);
    }
    if content.is_empty() {
        return None;
    }
    let canonical = serde_json_canonicalizer::to_vec(&content).ok()?;
    Some(format!("{}--{}", known.name, Uuid::new_v5(&NAMESPACE, &canonical)))
}

/// The hash that stands for all: the first of the preferred ones, else the first by name.
fn one_hash(hashes: &Node<'_>) -> Option<Plain> {
    let preferred = PREFERRED_HASHES.iter().find_map(|name| Some((*name, hashes.get(name)?)));
    let (name, value) = match preferred {
        Some(found) => found,
        None => {
            let least = hashes.as_map()?.iter().min_by(|a, b| a.key.cmp(&b.key))?;
            (&*least.key, &least.value)
        }
    };
    Some(Plain::Object(Map::from_iter([(name.to_owned(), plain(value))])))
}

/// The value as serde_json has it.
pub(crate) fn plain(node: &Node<'_>) -> Plain {
    match &node.value {
        Value::Null => Plain::Null,
        Value::Bool(value) => Plain::Bool(*value),
        Value::Number(text) => serde_json::from_str(text).unwrap_or(Plain::Null),
        Value::Text(text) => Plain::String(text.clone().into_owned()),
        Value::List(items) => Plain::Array(items.iter().map(plain).collect()),
        Value::Map(members) => {
            members.iter().map(|member| (member.key.clone().into_owned(), plain(&member.value))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids that the Python library `stix2` 3.0.2 of OASIS gives the same objects.
    #[test]
    fn ids_are_those_of_other_programs() {
        let (sha256, sha512, md5) = ("a".repeat(64), "a".repeat(128), "b".repeat(32));
        let check = |object: serde_json::Value, id: &str| {
            assert_eq!(deterministic_id(object.to_string().as_bytes()).as_deref(), Some(id), "{object}");
        };
        check(
            serde_json::json!({"type": "ipv4-addr", "value": "198.51.100.3"}),
            "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4",
        );
        check(
            serde_json::json!({"type": "file", "name": "a", "hashes": {"SHA-256": sha256, "MD5": md5}}),
            "file--98ba3673-f71f-5311-9c44-167af68c96f7",
        );
        check(
            serde_json::json!({"type": "file", "name": "a", "hashes": {"SHA-512": sha512, "SSDEEP": "3:abc"}}),
            "file--2e66b71d-a9ec-522e-bcae-0e4f07cf4e39",
        );
        check(
            serde_json::json!({"type": "network-traffic", "protocols": ["tcp"], "src_port": 5,
                "start": "2020-01-01T00:00:00.5Z", "src_ref": "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"}),
            "network-traffic--215b38db-146b-5ca1-b5c3-aeac7e889c07",
        );
        let value = serde_json::json!({"name": "F\u{fc}", "data": "q", "data_type": "REG_SZ"});
        check(
            serde_json::json!({"type": "windows-registry-key", "key": "a\\b", "values": [value]}),
            "windows-registry-key--2288eaae-8dee-5e91-9ea8-c56bf379c4d1",
        );
    }
}
