//! Objects of STIX 2.0 are judged as what they become in 2.1, and by what only 2.0 demands.

use super::checks::Check;
use super::{Context, Level, ValidateOptions, Violation, engine, shown};
use crate::stix::json::{self, Node, Value};
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

/// encryption-algo-ov of STIX 2.0 part 1.
const ENCRYPTION: &[&str] = &[
    "AES128-ECB",
    "AES128-CBC",
    "AES128-CFB",
    "AES128-COFB",
    "AES128-CTR",
    "AES128-XTS",
    "AES128-GCM",
    "Salsa20",
    "Salsa12",
    "Salsa8",
    "ChaCha20-Poly1305",
    "ChaCha20",
    "DES-CBC",
    "3DES-CBC",
    "DES-EBC",
    "3DES-EBC",
    "CAST128-CBC",
    "CAST256-CBC",
    "RSA",
    "DSA",
];

/// How a file is encrypted is said of files that are (STIX 2.0 part 4, 2.8). 2.1 says it of artifacts.
pub(crate) fn file_encryption(context: &mut Context<'_, '_>, file: &Node<'_>) {
    let encrypted = file.get("is_encrypted").is_some_and(|one| matches!(one.value, Value::Bool(true)));
    let said = ["encryption_algorithm", "decryption_key"].iter().find_map(|name| file.get(name));
    if let Some(said) = said.filter(|_| !encrypted) {
        context.must("threat::forbidden_property", said, "only a file that `is_encrypted` has this property");
    }
    let algorithm = file.get("encryption_algorithm");
    if let Some(node) = algorithm.filter(|node| !node.as_str().is_some_and(|text| ENCRYPTION.contains(&text)))
    {
        let message = "not in the vocabulary encryption-algo-ov of STIX 2.0".to_owned();
        context.custom("threat::encryption_algo", node, message);
    }
}

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
