//! References to markings.

use std::collections::BTreeMap;

use base::{Fault, Marking};
use serde_json::Value;

use super::{EXERCISE, EXTENSION, TLP_1, TLP_2};
use crate::formats::{FormatContext, ReadMarkings, category, complain, cut, narrow, push_caveat, push_new};
use crate::{Caveat, Label, Level, Tlp};

pub(in crate::formats) fn is_stix(value: &Value) -> bool {
    let kind = text(value, "type");
    kind == "bundle"
        || kind == "marking-definition"
        || value.get("object_marking_refs").is_some()
        || value.get("granular_markings").is_some()
        || text(value, "id").starts_with(&format!("{kind}--")) && !kind.is_empty()
        || value.get(0).is_some_and(|first| first.is_object() && is_stix(first))
}

/// The marking of each object, and one for each granular marking, named `ID selector`.
pub(in crate::formats) fn read(value: &Value, context: &FormatContext<'_>) -> ReadMarkings {
    let mut read = ReadMarkings::default();
    let definitions = Definitions::of(value);
    for object in objects(value) {
        if text(object, "type") == "marking-definition" {
            continue;
        }
        let id = cut(text(object, "id"));
        match definitions.marking(object, context) {
            Ok(marking) => {
                for (selectors, granular) in definitions.granular(object, &marking, context) {
                    read.push(format!("{id} {}", cut(&selectors.join(" "))).trim().to_owned(), 1, granular);
                }
                read.push(id, 1, marking);
            }
            Err(fault) => complain(&mut read.faults, *fault),
        }
    }
    if read.items.is_empty() && read.faults.is_empty() {
        alone(&definitions, context, &mut read);
    }
    read
}

/// Definitions that nothing refers to: what a reference to each would say.
fn alone(definitions: &Definitions<'_>, context: &FormatContext<'_>, read: &mut ReadMarkings) {
    for id in definitions.0.keys() {
        let mut marking = unmarked(context);
        definitions.apply(&Value::from(*id), &mut marking);
        read.push(cut(id), 1, marking);
    }
    if read.items.is_empty() {
        read.faults.push(Fault::error("label::no_marking", "there is no object"));
    }
}

fn unmarked(context: &FormatContext<'_>) -> Marking {
    Marking::new(Level::Unclassified.as_str(), &[], context.owner())
}

/// The objects of a bundle, of a list, or the one that it is.
pub(super) fn objects(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(objects) => objects.iter().collect(),
        _ if text(value, "type") == "bundle" => value
            .get("objects")
            .and_then(Value::as_array)
            .map(|objects| objects.iter().collect())
            .unwrap_or_default(),
        one => vec![one],
    }
}

pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The marking definitions that travel with the objects.
pub(super) struct Definitions<'v>(BTreeMap<&'v str, &'v Value>);

impl<'v> Definitions<'v> {
    pub(super) fn of(value: &'v Value) -> Self {
        let definitions =
            objects(value).into_iter().filter(|object| text(object, "type") == "marking-definition");
        Self(definitions.map(|definition| (text(definition, "id"), definition)).collect())
    }

    /// What all references of an object say together, with the extension that it may carry.
    pub(super) fn marking(&self, object: &Value, context: &FormatContext<'_>) -> Result<Marking, Box<Fault>> {
        let fault = |code: &str, message: String| Err(Box::new(Fault::error(code, message)));
        let id = cut(text(object, "id"));
        let refs = object.get("object_marking_refs");
        if refs.is_some_and(|refs| !refs.is_array()) {
            return fault(
                "label::bad_marking",
                format!("`{id}`: object_marking_refs is no list; it reaches nobody"),
            );
        }
        let refs: Vec<&Value> = refs.and_then(Value::as_array).into_iter().flatten().collect();
        let own = object.get("extensions").and_then(|extensions| extensions.get(EXTENSION));
        let mut marking = match own {
            Some(extension) => {
                let marking = extension.get("marking").cloned().unwrap_or_default();
                match serde_json::from_value::<Marking>(marking) {
                    Ok(marking) => marking,
                    Err(error) => {
                        let message = format!("`{id}`: the marking in the extension cannot be read: {error}");
                        return fault("label::bad_marking", message);
                    }
                }
            }
            None if refs.is_empty() => {
                return fault("label::no_marking", format!("`{id}` has no marking; it reaches nobody"));
            }
            None => unmarked(context),
        };
        for reference in refs {
            self.apply(reference, &mut marking);
        }
        let labels = object.get("labels").and_then(Value::as_array).into_iter().flatten();
        if labels.filter_map(Value::as_str).any(|label| label.eq_ignore_ascii_case(EXERCISE)) {
            push_caveat(&mut marking, Caveat::Exercise);
        }
        Ok(marking)
    }

    fn apply(&self, reference: &Value, marking: &mut Marking) {
        let id = reference.as_str().unwrap_or_default();
        if let Some((_, tlp)) = TLP_1.iter().chain(&TLP_2).find(|(known, _)| *known == id) {
            narrow::<Tlp>(&mut marking.tlp, tlp.as_str());
            return;
        }
        let statement =
            self.0.get(id).filter(|definition| text(definition, "definition_type") == "statement");
        let word = match statement.and_then(|definition| definition.pointer("/definition/statement")) {
            Some(statement) => category("STATEMENT", statement.as_str().unwrap_or_default()),
            // A definition says what it means to whoever knows it. We do not, TLP under another id among them.
            None => category("STIX", reference.as_str().unwrap_or(&reference.to_string())),
        };
        push_new(&mut marking.categories, word);
    }

    /// The granular markings of an object, each on top of the object's own: a part is never wider than the whole, though
    /// the standard lets it be.
    pub(super) fn granular(
        &self,
        object: &Value,
        whole: &Marking,
        context: &FormatContext<'_>,
    ) -> Vec<(Vec<String>, Marking)> {
        let granular = object.get("granular_markings").and_then(Value::as_array).into_iter().flatten();
        let mut all = Vec::new();
        for one in granular {
            let Some(reference) = one.get("marking_ref") else {
                // A language tag restricts nobody.
                continue;
            };
            let selectors = one.get("selectors").and_then(Value::as_array).into_iter().flatten();
            let selectors =
                selectors.map(|s| s.as_str().map_or_else(|| s.to_string(), str::to_owned)).collect();
            let mut marking = whole.clone();
            self.apply(reference, &mut marking);
            // The extension's words may be such that nothing can be said of them: then they stay as they are.
            if let Ok(label) = Label::parse(&marking, context.codes) {
                marking = label.to_marking();
            }
            all.push((selectors, marking));
        }
        all
    }
}
