//! The label as OpenTDF carries it: `{"ocl": {"pol", "cls", "catl": [{"type", "name", "vals"}]}}`, alone or as the
//! `handling` assertion of a manifest.

use base::Fault;
use serde_json::Value;

use super::{Category, Information, marking};
use crate::formats::{FormatContext, ReadMarkings, complain};

pub(in crate::formats) fn read_json(value: &Value, context: &FormatContext<'_>) -> ReadMarkings {
    let mut read = ReadMarkings::default();
    match value.get("assertions").and_then(Value::as_array) {
        Some(assertions) => {
            for assertion in assertions.iter().filter(|a| text(a, "type") == "handling") {
                let name = text(assertion, "id");
                // The value is an object, or that object as a string.
                let statement = assertion.pointer("/statement/value");
                let inner =
                    statement.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
                one(&name, inner.as_ref().or(statement).unwrap_or(&Value::Null), context, &mut read);
            }
        }
        None => one("label", value, context, &mut read),
    }
    if read.items.is_empty() && read.faults.is_empty() {
        read.faults.push(Fault::error("label::no_marking", "there is no handling assertion"));
    }
    read
}

fn one(name: &str, value: &Value, context: &FormatContext<'_>, read: &mut ReadMarkings) {
    let Some(ocl) = value.get("ocl").and_then(Value::as_object) else {
        let fault =
            Fault::error("label::no_marking", "the assertion holds no `ocl` object; it reaches nobody");
        complain(&mut read.faults, fault.in_field("statement"));
        return;
    };
    let list = |value: &Value| -> Vec<String> {
        let values = value.get("vals").and_then(Value::as_array).into_iter().flatten();
        values.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
    };
    let word = |key: &str| ocl.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let categories = ocl.get("catl").and_then(Value::as_array).into_iter().flatten();
    let information = Information {
        policy: word("pol"),
        classification: word("cls"),
        categories: categories
            .map(|value| Category {
                tag: text(value, "name"),
                kind: text(value, "type"),
                values: list(value),
            })
            .collect(),
        review: None,
    };
    let unknown = ocl
        .iter()
        .filter(|(key, value)| {
            // A list that is no list could hide a restriction.
            !["pol", "cls", "dcr", "catl"].contains(&key.as_str()) || (*key == "catl" && !value.is_array())
        })
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let mut faults = Vec::new();
    if let Some(marking) = marking(information, unknown, context, &mut faults) {
        read.push(name, 1, marking);
    }
    faults.into_iter().for_each(|fault| complain(&mut read.faults, fault));
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
