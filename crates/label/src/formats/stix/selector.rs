//! Selectors of granular markings (STIX 2.1 section 7.2.3.1): `name`, `external_references.[1].url`.

use serde_json::Value;

/// One step of a selector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

pub(super) type Path = Vec<Step>;

/// The path of a selector that points at something in the object; `None` when it is malformed or points at nothing.
pub(super) fn path(selector: &str, object: &Value) -> Option<Path> {
    let mut at = object;
    let mut steps = Vec::new();
    for word in selector.split('.') {
        let index = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
        let step = match index {
            // One spelling of each number, so that a selector is never two things.
            Some(index) if index.len() <= 9 && (index == "0" || !index.starts_with('0')) => {
                Step::Index(index.bytes().all(|b| b.is_ascii_digit()).then(|| index.parse().ok())??)
            }
            Some(_) => return None,
            None => Step::Key(word.to_owned()),
        };
        at = match &step {
            Step::Key(key) => at.get(key)?,
            Step::Index(index) => at.as_array()?.get(*index)?,
        };
        steps.push(step);
    }
    Some(steps)
}

/// The selector of a path.
pub(super) fn selector(path: &[Step]) -> String {
    let words = path.iter().map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => format!("[{index}]"),
    });
    words.collect::<Vec<_>>().join(".")
}

/// Takes a path out of an object. Lists and objects that it leaves empty go too, as STIX has none.
pub(super) fn remove(value: &mut Value, path: &[Step]) {
    match (value, path) {
        (Value::Object(map), [Step::Key(key)]) => {
            map.remove(key);
        }
        (Value::Array(list), [Step::Index(index)]) if *index < list.len() => {
            list.remove(*index);
        }
        (Value::Object(map), [Step::Key(key), rest @ ..]) => {
            if let Some(inner) = map.get_mut(key) {
                remove(inner, rest);
            }
        }
        (Value::Array(list), [Step::Index(index), rest @ ..]) => {
            if let Some(inner) = list.get_mut(*index) {
                remove(inner, rest);
            }
        }
        _ => {}
    }
}

/// Where a path points after others were taken out of their lists; `None` when it was taken out itself.
///
/// `removed` is sorted, nothing in it lies within another of it, and its numbers are those before any was taken out.
pub(super) fn after(path: &[Step], removed: &[Path]) -> Option<Path> {
    if removed.iter().any(|gone| path.starts_with(gone)) {
        return None;
    }
    let mut moved = path.to_vec();
    for (depth, step) in moved.iter_mut().enumerate() {
        if let Step::Index(index) = step {
            let before = removed.iter().filter(|gone| {
                gone.len() == depth + 1
                    && gone[..depth] == path[..depth]
                    && matches!(&gone[depth], Step::Index(other) if other < index)
            });
            *index -= before.count();
        }
    }
    Some(moved)
}
