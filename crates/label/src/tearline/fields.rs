//! A document as a list of fields, and back.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{MAX_DEPTH, MAX_FIELDS, TearlineError, first, prf};

/// One step of a path: a member by its name, or an element by a token. In JSON a text, or a list with one text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Step {
    Member(String),
    Element([String; 1]),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As in a JSON pointer, RFC 6901 section 3.
            Self::Member(name) => f.write_str(&name.replace('~', "~0").replace('/', "~1")),
            Self::Element([token]) => write!(f, "[{token}]"),
        }
    }
}

/// A value with its path: a text, a number, true, false, null, `{}` or `[]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) path: Vec<Step>,
    /// The same path with indices, as the owner names it; empty for a field that was received.
    steps: Vec<String>,
    pub(super) value: Value,
}

impl Field {
    /// A field as it was received; `None` when its value is none of a field, or its path leads nowhere.
    pub(super) fn read(path: &[Step], value: &Value) -> Option<Self> {
        let tokens = path.iter().all(|step| match step {
            Step::Member(_) => true,
            Step::Element([token]) => is_token(token),
        });
        let starts = matches!(path.first(), Some(Step::Member(_))) && path.len() <= MAX_DEPTH;
        // A number in another spelling than the committed one could be another number to another reader.
        let normal = normal(value).is_some_and(|normal| normal == *value);
        (tokens && starts && normal && is_leaf(value)).then(|| Self {
            path: path.to_vec(),
            steps: Vec::new(),
            value: value.clone(),
        })
    }

    /// The bytes that stand for the field's place in the document; no two fields have the same.
    pub(super) fn name(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(&self.path).unwrap_or_default()
    }

    /// Whether the field is at or below a place.
    pub(super) fn is_below(&self, place: &[String]) -> bool {
        self.steps.starts_with(place)
    }
}

/// The value of a field as RFC 8785 writes it; `None` for a whole number that it cannot write exactly.
fn normal(value: &Value) -> Option<Value> {
    let Value::Number(number) = value else { return Some(value.clone()) };
    let bytes = serde_json_canonicalizer::to_vec(value).ok()?;
    let normal: Value = serde_json::from_slice(&bytes).ok()?;
    (number.is_f64() || normal == *value).then_some(normal)
}

fn is_leaf(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    }
}

fn is_token(token: &str) -> bool {
    token.len() == 16 && token.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The steps of a JSON pointer; `None` when it is none.
pub(super) fn below(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let steps = pointer.strip_prefix('/')?.split('/');
    Some(steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
}

/// All fields of a document, members in the order of their names (RFC 8785), elements in their own.
pub(super) fn fields(document: &Value, secret: &[u8; 32]) -> Result<Vec<Field>, TearlineError> {
    let mut found = Vec::new();
    walk(document, &mut Vec::new(), &mut Vec::new(), secret, &mut found)?;
    if found.iter().all(|field| field.path.is_empty()) { Err(TearlineError::NoObject) } else { Ok(found) }
}

fn walk(
    value: &Value,
    path: &mut Vec<Step>,
    steps: &mut Vec<String>,
    secret: &[u8; 32],
    found: &mut Vec<Field>,
) -> Result<(), TearlineError> {
    if path.len() > MAX_DEPTH {
        return Err(TearlineError::TooDeep);
    }
    if is_leaf(value) {
        let pointer = || format!("/{}", steps.join("/"));
        let value = normal(value).ok_or_else(|| TearlineError::Inexact { pointer: pointer() })?;
        found.push(Field { path: path.clone(), steps: steps.clone(), value });
        // Far beyond the limit nothing more needs to be counted.
        return if found.len() > 16 * MAX_FIELDS {
            Err(TearlineError::TooManyFields { count: found.len() })
        } else {
            Ok(())
        };
    }
    let mut below = |step: Step, name: String, value: &Value, path: &mut Vec<Step>| {
        path.push(step);
        steps.push(name);
        let walked = walk(value, path, steps, secret, found);
        path.pop();
        steps.pop();
        walked
    };
    match value {
        Value::Object(map) => {
            for name in sorted_names(map) {
                below(Step::Member(name.clone()), name.clone(), &map[name], path)?;
            }
        }
        Value::Array(items) => {
            let array = serde_json_canonicalizer::to_vec(path).unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                let input = [&array[..], &index.to_be_bytes()].concat();
                let token: [u8; 8] = first(&prf(secret, b"element", &input));
                below(Step::Element([hex::encode(token)]), index.to_string(), item, path)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// By UTF-16 code units, as RFC 8785 section 3.2.3 has it.
fn sorted_names(map: &Map<String, Value>) -> Vec<&String> {
    let mut names: Vec<&String> = map.keys().collect();
    names.sort_unstable_by(|a, b| a.encode_utf16().cmp(b.encode_utf16()));
    names
}

/// A document under way: what an object or array has so far.
enum Part {
    Leaf(Value),
    Object(Vec<(String, Part)>),
    Array(Vec<(String, Part)>),
}

/// The document that fields make, when they stand in its order and do not contradict one another.
pub(super) fn assemble(fields: &[Field]) -> Result<Value, TearlineError> {
    let mut document = Part::Object(Vec::new());
    for (index, field) in fields.iter().enumerate() {
        place(&mut document, &field.path, &field.value, index)?;
    }
    Ok(finish(document))
}

/// Puts one more field to the end. What is not the continuation of the last place is out of order.
fn place(part: &mut Part, path: &[Step], value: &Value, index: usize) -> Result<(), TearlineError> {
    let contradiction = || Err(TearlineError::Contradiction { index });
    let out_of_order = || Err(TearlineError::OutOfOrder { index });
    let Some((step, rest)) = path.split_first() else { return contradiction() };
    let (name, entries) = match (step, part) {
        (Step::Member(name), Part::Object(entries)) => {
            if let Some((last, _)) = entries.last()
                && last.encode_utf16().gt(name.encode_utf16())
            {
                return out_of_order();
            }
            (name, entries)
        }
        (Step::Element([token]), Part::Array(entries)) => (token, entries),
        _ => return contradiction(),
    };
    match entries.iter().position(|(seen, _)| seen == name) {
        Some(at) if at + 1 < entries.len() => return out_of_order(),
        Some(at) if rest.is_empty() => {
            return if matches!(entries[at].1, Part::Leaf(_)) {
                Err(TearlineError::Twice { index })
            } else {
                contradiction()
            };
        }
        Some(_) => {}
        None => entries.push((
            name.clone(),
            match rest.first() {
                None => Part::Leaf(value.clone()),
                Some(Step::Member(_)) => Part::Object(Vec::new()),
                Some(Step::Element(_)) => Part::Array(Vec::new()),
            },
        )),
    }
    match entries.last_mut() {
        Some((_, below)) if !rest.is_empty() => place(below, rest, value, index),
        _ => Ok(()),
    }
}

fn finish(part: Part) -> Value {
    match part {
        Part::Leaf(value) => value,
        Part::Object(entries) => {
            Value::Object(entries.into_iter().map(|(name, part)| (name, finish(part))).collect())
        }
        Part::Array(entries) => Value::Array(entries.into_iter().map(|(_, part)| finish(part)).collect()),
    }
}
