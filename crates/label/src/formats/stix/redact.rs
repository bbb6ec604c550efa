//! What of a bundle an audience may have.

use std::collections::BTreeSet;

use base::{Fault, Marking};
use serde_json::{Map, Value};

use super::read::{Definitions, objects, text};
use super::selector::{Path, Step, after, path, remove, selector};
use crate::formats::FormatContext;

/// What may go, and what stays. The second part is for the owner's eyes only.
#[derive(Debug, Clone, PartialEq)]
pub struct Redacted {
    /// What may go: the bundle or list without what may not, `None` when nothing is left.
    pub value: Option<Value>,
    /// What was taken out and why, for the owner's log.
    pub withheld: Vec<Fault>,
}

/// Without these an object is none.
const REQUIRED: &[&str] = &[
    "type",
    "id",
    "spec_version",
    "created",
    "modified",
    "object_marking_refs",
    "granular_markings",
    "relationship_type",
    "source_ref",
    "target_ref",
    "sighting_of_ref",
    "object_refs",
];

/// These say who may have the object: a marking on one of them is no marking of content.
const MARKINGS: &[&str] = &["object_marking_refs", "granular_markings"];

/// The most selectors of one object that are followed.
const MAX_SELECTORS: usize = 1_000;

/// Takes out of a bundle, a list of objects or one object what `may_have` refuses, by its marking:
///
/// - objects, by the join of all their markings; an object without one, or with a granular marking that points at
///   nothing, stays back;
/// - parts with a granular marking. A part is judged by its own marking on top of the whole object's, never wider.
///   The selectors of what remains are numbered anew, and lists and objects that become empty go;
/// - references to objects that were taken out, and every property that was derived from such a reference (whose name
///   begins with that of the reference, as `where_sighted_values` beside `where_sighted_refs`); an object that needs
///   the reference goes with it;
/// - definitions of markings that nothing left refers to.
///
/// Nothing tells that something was taken out. References to objects that are not in the bundle stay.
pub fn redact_stix(
    value: &Value,
    may_have: &dyn Fn(&Marking) -> bool,
    context: &FormatContext<'_>,
) -> Redacted {
    let definitions = Definitions::of(value);
    let mut withheld = Vec::new();
    let mut kept: Vec<Map<String, Value>> = Vec::new();
    let mut hidden: BTreeSet<String> = BTreeSet::new();
    for object in objects(value) {
        if text(object, "type") == "marking-definition" {
            continue;
        }
        match parts(object, &definitions, may_have, context) {
            Ok((open, faults)) => {
                kept.push(open);
                withheld.extend(faults);
            }
            Err(fault) => {
                hidden.insert(text(object, "id").to_owned());
                withheld.push(*fault);
            }
        }
    }
    forget(&mut kept, &mut hidden, &mut withheld);
    let named: BTreeSet<String> = kept.iter().flat_map(marking_refs).collect();
    let definitions = objects(value)
        .into_iter()
        .filter(|object| text(object, "type") == "marking-definition" && named.contains(text(object, "id")));
    let mut left: Vec<Value> = definitions.cloned().collect();
    let any = !kept.is_empty();
    left.extend(kept.into_iter().map(Value::Object));
    let value = any.then(|| match value {
        Value::Object(bundle) if text(value, "type") == "bundle" => {
            let mut bundle = bundle.clone();
            bundle.insert("objects".to_owned(), Value::Array(left));
            Value::Object(bundle)
        }
        Value::Array(_) => Value::Array(left),
        _ => left.pop().unwrap_or_default(),
    });
    Redacted { value, withheld }
}

type Kept = (Map<String, Value>, Vec<Fault>);

/// An object without the parts that may not go.
fn parts(
    object: &Value,
    definitions: &Definitions<'_>,
    may_have: &dyn Fn(&Marking) -> bool,
    context: &FormatContext<'_>,
) -> Result<Kept, Box<Fault>> {
    let id = super::super::cut(text(object, "id"));
    let refuse = |message: String| Box::new(Fault::warning("label::withheld", format!("`{id}`: {message}")));
    let whole = definitions.marking(object, context)?;
    if !may_have(&whole) {
        return Err(refuse("its marking does not reach the audience".to_owned()));
    }
    let mut paths: Vec<Path> = Vec::new();
    for (selectors, marking) in definitions.granular(object, &whole, context) {
        let open = may_have(&marking);
        for one in &selectors {
            let Some(path) = path(one, object) else {
                return Err(refuse(format!("the selector `{}` points at nothing", super::super::cut(one))));
            };
            if !open {
                paths.push(path);
            }
        }
    }
    if paths.len() > MAX_SELECTORS {
        return Err(refuse(format!("more than {MAX_SELECTORS} selectors")));
    }
    // A malformed list of granular markings could hide one.
    if object.get("granular_markings").is_some_and(|granular| !well_formed(granular)) {
        return Err(refuse("its granular markings are malformed".to_owned()));
    }
    let faults = paths.iter().map(|path| *refuse(format!("`{}` may not go", selector(path)))).collect();
    let removed = with_emptied(object, paths);
    let needed = |path: &Path| match path.as_slice() {
        [Step::Key(key)] => REQUIRED.contains(&key.as_str()),
        [Step::Key(key), ..] => MARKINGS.contains(&key.as_str()),
        _ => true,
    };
    if removed.iter().any(needed) {
        return Err(refuse("a part that every object needs may not go".to_owned()));
    }
    let mut open = object.clone();
    // From behind, so that the numbers before stay right.
    for path in removed.iter().rev() {
        remove(&mut open, path);
    }
    let granular = renumbered(object, &removed, |single| {
        definitions.granular(single, &whole, context).iter().all(|(_, marking)| may_have(marking))
    });
    let Value::Object(mut open) = open else {
        return Err(refuse("it is no object".to_owned()));
    };
    if granular.is_empty() {
        open.remove("granular_markings");
    } else {
        open.insert("granular_markings".to_owned(), Value::Array(granular));
    }
    Ok((open, faults))
}

/// The paths with those that they leave empty, sorted, none within another: from within outwards, lists and objects
/// that become empty go too, and count as taken out when numbers are given anew.
fn with_emptied(object: &Value, paths: Vec<Path>) -> Vec<Path> {
    let mut gone: BTreeSet<Path> = paths.iter().cloned().collect();
    for path in paths {
        let mut outer = path;
        while outer.pop().is_some() && !outer.is_empty() {
            if is_empty(object, &outer, &gone) {
                gone.insert(outer.clone());
            }
        }
    }
    let mut outermost: Vec<Path> = Vec::new();
    for path in gone {
        // Sorted, a path follows the one that it lies within.
        if !outermost.last().is_some_and(|outer| path.starts_with(outer)) {
            outermost.push(path);
        }
    }
    outermost
}

/// The granular markings that may go, with the selectors of what is left.
fn renumbered(object: &Value, removed: &[Path], open: impl Fn(&Value) -> bool) -> Vec<Value> {
    let granular = object.get("granular_markings").and_then(Value::as_array).into_iter().flatten();
    let left = granular.filter_map(|one| {
        // Also one whose parts went with others: its name would tell what was there.
        if !open(&serde_json::json!({ "granular_markings": [one] })) {
            return None;
        }
        let selectors = one.get("selectors").and_then(Value::as_array).into_iter().flatten();
        let moved: Vec<Value> = selectors
            .filter_map(|selector| after(&path(selector.as_str()?, object)?, removed))
            .map(|path| Value::String(selector(&path)))
            .collect();
        let mut one = one.clone();
        one.as_object_mut()?.insert("selectors".to_owned(), Value::Array(moved.clone()));
        (!moved.is_empty()).then_some(one)
    });
    left.collect()
}

fn well_formed(granular: &Value) -> bool {
    let Some(list) = granular.as_array() else { return false };
    list.iter().all(|one| {
        let selectors = one.get("selectors").and_then(Value::as_array);
        let strings = selectors.is_some_and(|list| list.iter().all(Value::is_string));
        let named = one.get("marking_ref").is_some_and(Value::is_string) || one.get("lang").is_some();
        strings && named
    })
}

/// Whether nothing is left at a path when others were taken out.
fn is_empty(object: &Value, at: &Path, gone: &BTreeSet<Path>) -> bool {
    let value = at.iter().try_fold(object, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.as_array()?.get(*index),
    });
    let inner = |step: Step| {
        let mut path = at.clone();
        path.push(step);
        gone.contains(&path)
    };
    match value {
        Some(Value::Array(list)) => (0..list.len()).all(|index| inner(Step::Index(index))),
        Some(Value::Object(map)) => map.keys().all(|key| inner(Step::Key(key.clone()))),
        _ => false,
    }
}

/// Takes references to hidden objects out, until no object is hidden by another's absence any more.
fn forget(kept: &mut Vec<Map<String, Value>>, hidden: &mut BTreeSet<String>, withheld: &mut Vec<Fault>) {
    loop {
        let before = hidden.len();
        kept.retain_mut(|object| {
            if strip(object, hidden) {
                return true;
            }
            let id = object.get("id").and_then(Value::as_str).unwrap_or_default();
            let message = format!("`{}`: it needs an object that may not go", super::super::cut(id));
            withheld.push(Fault::warning("label::withheld", message));
            hidden.insert(id.to_owned());
            false
        });
        if hidden.len() == before {
            return;
        }
    }
}

/// Whether the object stands without its references to hidden objects.
fn strip(object: &mut Map<String, Value>, hidden: &BTreeSet<String>) -> bool {
    let is_hidden = |value: &Value| value.as_str().is_some_and(|id| hidden.contains(id));
    let mut stems = Vec::new();
    for (key, value) in object.iter_mut() {
        if let Some(stem) = key.strip_suffix("_refs")
            && let Value::Array(list) = value
        {
            let before = list.len();
            list.retain(|one| !is_hidden(one));
            if list.len() < before {
                stems.push((stem.to_owned(), list.is_empty()));
            }
        } else if let Some(stem) = key.strip_suffix("_ref")
            && is_hidden(value)
        {
            stems.push((stem.to_owned(), true));
        }
    }
    for (stem, emptied) in stems {
        let names = [format!("{stem}_refs"), format!("{stem}_ref")];
        if emptied && names.iter().any(|name| REQUIRED.contains(&name.as_str()) && object.contains_key(name))
        {
            return false;
        }
        // Numbers that selectors give could be those before.
        object.retain(|key, _| {
            let derived = key.starts_with(&format!("{stem}_")) && !names.contains(key);
            !(derived || emptied && names.contains(key))
        });
        if object.get("granular_markings").is_some_and(|granular| mentions(granular, &stem)) {
            return false;
        }
    }
    true
}

/// Whether a selector points into a property of that stem.
fn mentions(granular: &Value, stem: &str) -> bool {
    let lists = granular.as_array().into_iter().flatten();
    let selectors = lists.filter_map(|one| one.get("selectors")?.as_array()).flatten();
    selectors.filter_map(Value::as_str).any(|selector| selector.starts_with(stem))
}

fn marking_refs(object: &Map<String, Value>) -> Vec<String> {
    let whole = object.get("object_marking_refs").and_then(Value::as_array).into_iter().flatten();
    let granular = object.get("granular_markings").and_then(Value::as_array).into_iter().flatten();
    let refs = whole.chain(granular.filter_map(|one| one.get("marking_ref")));
    refs.filter_map(|id| Some(id.as_str()?.to_owned())).collect()
}
