//! Values of MISP, which come as numbers or as texts of numbers.

use serde_json::value::RawValue;

use crate::stix::json::{Node, Value};

/// A text, or a number or truth value as a text.
pub(super) fn text(node: &Node<'_>) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone().into_owned()),
        Value::Number(text) => Some((*text).to_owned()),
        Value::Bool(flag) => Some(if *flag { "1" } else { "0" }.to_owned()),
        _ => None,
    }
}

/// `true`, 1 and "1" are one thing.
pub(super) fn flag(node: &Node<'_>) -> Option<bool> {
    match &node.value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(text) => Some(*text != "0"),
        Value::Text(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Some(true),
            "0" | "false" | "no" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A whole number that is not negative.
pub(super) fn whole(node: &Node<'_>) -> Option<u64> {
    match &node.value {
        Value::Number(text) => text.parse().ok(),
        Value::Text(text) => text.trim().parse().ok(),
        Value::Bool(flag) => Some(u64::from(*flag)),
        _ => None,
    }
}

/// The last second that a `Timestamp` holds, 2262-04-11.
const LAST_S: i64 = 9_223_372_036;

/// Unix time in seconds: a number, a text of one, or a time as RFC 3339 writes it.
pub(super) fn seconds(node: &Node<'_>) -> Option<i64> {
    let spelled = text(node)?;
    let number = spelled.split_once('.').map_or(spelled.as_str(), |(whole, _)| whole);
    let found = number.parse::<i64>().ok().or_else(|| {
        let time = crate::misp::to_stix::time(&spelled)?;
        Some(time.unix_nanos().div_euclid(1_000_000_000))
    })?;
    (0..=LAST_S).contains(&found).then_some(found)
}

/// A UUID (RFC 9562) in small letters.
pub(super) fn uuid(text: &str) -> Option<String> {
    let shape: Vec<usize> = text.split('-').map(str::len).collect();
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (shape == [8, 4, 4, 4, 12] && hex).then(|| text.to_ascii_lowercase())
}

/// The bytes of `node` as they stood in `source`.
pub(super) fn raw(source: &[u8], node: &Node<'_>) -> Option<Box<RawValue>> {
    let text = std::str::from_utf8(source.get(node.start..node.end)?).ok()?;
    RawValue::from_string(text.to_owned()).ok()
}
