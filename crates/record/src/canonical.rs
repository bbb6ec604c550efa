use serde_json::{Map, Value};

/// The largest integer that JSON readers agree on, 2^53 (RFC 8785, 3.2.2.3 and appendix B).
const LARGEST_EXACT: u64 = 1 << 53;

/// The canonical bytes of a JSON value (RFC 8785).
///
/// Strings and integers up to 2^53 have the same bytes as serde_json writes; any other number is left to the library,
/// which knows how ECMAScript writes it.
///
/// # Errors
/// When a number has no canonical form.
pub(crate) fn to_vec(value: &Value) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1024);
    write(value, &mut bytes)?;
    Ok(bytes)
}

/// Appends the canonical bytes of `value`.
pub(crate) fn write(value: &Value, to: &mut Vec<u8>) -> serde_json::Result<()> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(exact) if exact.unsigned_abs() <= LARGEST_EXACT => serde_json::to_writer(to, &exact),
            _ => serde_json_canonicalizer::to_writer(value, to),
        },
        Value::Array(items) => {
            to.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    to.push(b',');
                }
                write(item, to)?;
            }
            to.push(b']');
            Ok(())
        }
        Value::Object(fields) => write_object(fields, to),
        Value::Null | Value::Bool(_) | Value::String(_) => serde_json::to_writer(to, value),
    }
}

fn write_object(fields: &Map<String, Value>, to: &mut Vec<u8>) -> serde_json::Result<()> {
    let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
    sorted.sort_unstable_by(|(a, _), (b, _)| by_utf_16(a, b));
    to.push(b'{');
    for (at, (name, value)) in sorted.into_iter().enumerate() {
        if at > 0 {
            to.push(b',');
        }
        serde_json::to_writer(&mut *to, name)?;
        to.push(b':');
        write(value, to)?;
    }
    to.push(b'}');
    Ok(())
}

/// The order of names: that of their UTF-16 code units (RFC 8785, 3.2.3), which for ASCII is that of their bytes.
fn by_utf_16(a: &str, b: &str) -> std::cmp::Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-(1_i64 << 54)..1 << 54).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\x00-\\x7f\u{80}\u{fb01}\u{1d11e}]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                // Names whose order differs between UTF-8 and UTF-16 too.
                prop::collection::btree_map("[a-c\u{e9}\u{fb01}\u{10000}\n\"]{0,3}", inner, 0..6)
                    .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_bytes_are_those_of_the_library(value in any_value()) {
            let library = serde_json_canonicalizer::to_vec(&value).unwrap();
            prop_assert_eq!(String::from_utf8(to_vec(&value).unwrap()), String::from_utf8(library));
        }
    }

    #[test]
    fn integers_around_the_limit_are_those_of_the_library() {
        for exact in [1 << 53, (1 << 53) + 1, (1 << 53) - 1, u64::MAX, 0] {
            for value in [Value::from(exact), Value::from(-(exact as i128) as i64)] {
                assert_eq!(
                    to_vec(&value).unwrap(),
                    serde_json_canonicalizer::to_vec(&value).unwrap(),
                    "{value}"
                );
            }
        }
    }
}
