//! How deep conditions may nest. The library reads them by recursion, so that a deep one would end the program.

use serde::Deserialize;
use yaml_serde::Value;

/// Brackets and negations within one another.
const MAX_DEPTH: usize = 64;
/// Words of a condition.
const MAX_WORDS: usize = 2000;

/// Looks at the conditions of all documents of a file.
///
/// # Errors
/// When a condition is too long or nests too deep: what is wrong, in words.
pub(crate) fn check(text: &str) -> Result<(), String> {
    for document in yaml_serde::Deserializer::from_str(text) {
        // What is no YAML the library tells of, and reads no further either.
        let Ok(value) = Value::deserialize(document) else { return Ok(()) };
        look(&value)?;
    }
    Ok(())
}

/// YAML of more than 128 levels was refused before.
fn look(value: &Value) -> Result<(), String> {
    match value {
        Value::Sequence(items) => items.iter().try_for_each(look),
        Value::Mapping(fields) => fields.iter().try_for_each(|(key, value)| {
            if key.as_str() == Some("condition") {
                match value {
                    Value::String(text) => condition(text)?,
                    Value::Sequence(all) => all.iter().filter_map(Value::as_str).try_for_each(condition)?,
                    _ => {}
                }
            }
            look(value)
        }),
        Value::Tagged(tagged) => look(&tagged.value),
        _ => Ok(()),
    }
}

fn condition(text: &str) -> Result<(), String> {
    let (mut brackets, mut negations, mut deepest) = (0_usize, 0_usize, 0);
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    for (count, word) in spaced.split_whitespace().enumerate() {
        if count == MAX_WORDS {
            return Err(format!("a condition of more than {MAX_WORDS} words; split the rule"));
        }
        match word {
            "(" => brackets += 1,
            ")" => brackets = brackets.saturating_sub(1),
            _ if word.eq_ignore_ascii_case("not") => negations += 1,
            _ => negations = 0,
        }
        deepest = deepest.max(brackets + negations);
    }
    if deepest > MAX_DEPTH {
        return Err(format!("a condition of more than {MAX_DEPTH} levels; write it flat"));
    }
    Ok(())
}
