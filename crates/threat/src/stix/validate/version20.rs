//! Objects of STIX 2.0 are judged as what they become in 2.1, and by what only 2.0 demands.

use super::checks::Check;
use super::{Level, ValidateOptions, Violation, engine, shown};
use crate::stix::json::{self, Node};
use crate::stix::upgrade;

/// What 2.0 requires and 2.1 no longer does (STIX 2.0 part 2).
const REQUIRED: &[(&str, &str)] = &[
    ("identity", "identity_class"),
    ("indicator", "labels"),
    ("malware", "labels"),
    ("malware", "name"),
    ("report", "labels"),
    ("threat-actor", "labels"),
    ("tool", "labels"),
    ("observed-data", "objects"),
    ("bundle", "spec_version"),
];

/// Whether an object of a bundle that is judged by 2.1 is one of 2.0: it has a time of creation and no version of the
/// specification, which every object of 2.1 with a time has.
pub(crate) fn is_of_2_0(node: &Node<'_>) -> bool {
    node.get("created").is_some() && node.get("spec_version").is_none()
}

/// Judges the object `node`, whose bytes are `text`, by STIX 2.0. All places are the object as a whole where it became
/// something else.
pub(crate) fn validate(
    node: &Node<'_>,
    text: &[u8],
    options: &ValidateOptions,
    offset: u64,
    violations: &mut Vec<Violation>,
) -> String {
    let id = shown(node.text("id").unwrap_or_default()).to_owned();
    let (byte_start, byte_end) = (offset + node.start as u64, offset + node.end as u64);
    let name = node.text("type").unwrap_or_default();
    let mut add = |code, path: &str, message: String| {
        violations.push(Violation {
            code,
            level: Level::Must,
            check: None,
            object_id: id.clone(),
            path: path.to_owned(),
            message,
            byte_start,
            byte_end,
        });
    };
    for (_, property) in REQUIRED.iter().filter(|(of, property)| *of == name && node.get(property).is_none())
    {
        add("threat::missing_property", "", format!("`{property}` is required by STIX 2.0 and is not there"));
    }
    let version = node.text("spec_version");
    if name == "bundle" && version.is_some_and(|version| version != "2.0") {
        add("threat::wrong_value", "spec_version", "must be 2.0 in a bundle of STIX 2.0".to_owned());
    }
    let objects = match upgrade(text, offset) {
        Ok(upgraded) => {
            // What has no place in 2.1, or had to be assumed, is nobody's mistake.
            let mistakes = ["threat::missing_property", "threat::not_an_object", "threat::reference_unknown"];
            for fault in upgraded.faults {
                if let Some(code) = mistakes.iter().find(|code| **code == fault.code) {
                    add(code, fault.field.as_deref().unwrap_or_default(), fault.message);
                }
            }
            upgraded.objects
        }
        Err(fault) => {
            add("threat::not_an_object", "", fault.message);
            return id;
        }
    };
    engine::validate_original(node, options, offset, violations);
    let checks = options.checks.of_2_0();
    let own = ValidateOptions { checks, ..options.clone() };
    // Observables had no ids in 2.0, so nobody can be told to choose others.
    let made = ValidateOptions { checks: checks.without(Check::UUID_CHECK), ..options.clone() };
    for (at, object) in objects.iter().enumerate() {
        let Ok(node) = json::parse(object) else { continue };
        let mut found = Vec::new();
        let options = if at + 1 == objects.len() { &own } else { &made };
        engine::validate_node(&node, options, 0, &mut found);
        violations.extend(found.into_iter().map(|one| Violation {
            byte_start,
            byte_end,
            object_id: id.clone(),
            ..one
        }));
    }
    id
}
