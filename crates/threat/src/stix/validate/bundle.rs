//! What holds between the objects of a bundle.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::Check;
use crate::SpecVersion;

use super::{Level, ValidateOptions, Violation, engine, shown, version20};
use crate::stix::Header;
use crate::stix::json::{Node, Value};

/// Looks at the objects of a bundle one after the other and remembers of each only its id, time and ends, so that a
/// bundle of any length can be judged as it is read.
#[derive(Debug, Default)]
pub struct BundleCheck {
    /// The first `modified` of each id.
    modified: BTreeMap<String, String>,
    ids: BTreeSet<String>,
    /// Ends of relationships: the relationship, its end, the place.
    ends: Vec<(String, String, u64, u64)>,
}

impl BundleCheck {
    /// The objects of a new bundle.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next object, and tells when an earlier one has the same id and time. `offset` is its first byte.
    pub fn object(
        &mut self,
        header: &Header<'_>,
        offset: u64,
        length: u64,
        options: &ValidateOptions,
    ) -> Option<Violation> {
        let id = header.id.as_deref()?;
        if options.enforce_refs {
            if header.object_type.as_deref() == Some("relationship") {
                for end in [&header.source_ref, &header.target_ref].into_iter().flatten() {
                    self.ends.push((id.to_owned(), end.to_string(), offset, offset + length));
                }
            } else {
                self.ids.insert(id.to_owned());
            }
        }
        let modified = header.modified.as_deref()?;
        match self.modified.get(id) {
            None => {
                self.modified.insert(id.to_owned(), modified.to_owned());
                None
            }
            Some(first) if first == modified && options.checks.has(Check::DUPLICATE_IDS) => Some(Violation {
                code: Check::DUPLICATE_IDS.code(),
                level: Level::Should,
                check: Some(Check::DUPLICATE_IDS),
                object_id: id.to_owned(),
                path: "id".to_owned(),
                message:
                    "another object of this bundle has the same id and `modified`: versions differ in it"
                        .to_owned(),
                byte_start: offset,
                byte_end: offset + length,
            }),
            Some(_) => None,
        }
    }

    /// Relationships whose ends are not in the bundle, when the options ask for them.
    pub fn finish(self) -> Vec<Violation> {
        let Self { ids, ends, .. } = self;
        let missing = ends.into_iter().filter(|(_, end, ..)| !ids.contains(end));
        missing
            .map(|(relationship, end, byte_start, byte_end)| Violation {
                code: "threat::reference_outside",
                level: Level::Should,
                check: None,
                object_id: relationship,
                path: String::new(),
                message: format!("{} is not in this bundle", shown(&end)),
                byte_start,
                byte_end,
            })
            .collect()
    }
}

/// Judges the objects of a bundle that is held as a whole.
pub(crate) fn validate_children(
    bundle: &Node<'_>,
    text: &[u8],
    options: &ValidateOptions,
    violations: &mut Vec<Violation>,
) {
    let mut check = BundleCheck::new();
    for object in bundle.get("objects").and_then(Node::as_list).unwrap_or_default() {
        let bytes = text.get(object.start..object.end).unwrap_or_default();
        if options.spec == SpecVersion::V2_0 || version20::is_of_2_0(object) {
            version20::validate(object, bytes, options, 0, violations);
        } else {
            engine::validate_node(object, options, 0, violations);
        }
        if let Value::Map(_) = object.value {
            let (start, length) = (object.start as u64, (object.end - object.start) as u64);
            violations.extend(check.object(&Header::of(object), start, length, options));
        }
        if object.text("type") == Some("bundle") {
            validate_children(object, text, options, violations);
        }
    }
    violations.extend(check.finish());
}
