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
/// assert_eq!(id.as_deref(), Some("ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd"));
/// ```
pub fn deterministic_id(object: &[u8]) -> Option<String> {
    let node = json::parse(object).ok()?;
    let known = object_type(node.text("type")?)?;
    deterministic_id_of(known, &node)
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
