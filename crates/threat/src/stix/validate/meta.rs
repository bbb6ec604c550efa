//! Common properties and meta objects: STIX 2.1 clauses 3.2, 7 and 8. This file is data.

use super::rules;
use super::table::{Class, Form, Kind, ObjectType, Property, REFS, Rule, Shape, TEXTS};
use super::table::{may, must, open};

/// Properties of every domain and relationship object, and of language content.
pub(crate) const COMMON: Shape = open(
    &[
        must("type", Kind::Own(rules::type_name)),
        must("spec_version", Kind::Enum(&["2.0", "2.1"])),
        must("id", Kind::OwnId),
        may("created_by_ref", Kind::Id),
        must("created", Kind::Milliseconds),
        must("modified", Kind::Milliseconds),
        may("revoked", Kind::Bool),
        may("labels", TEXTS),
        may("confidence", Kind::Integer { min: 0, max: 100 }),
        may("lang", Kind::Form(Form::Language)),
        EXTERNAL_REFERENCES,
        may("object_marking_refs", REFS),
        GRANULAR_MARKINGS,
        may("extensions", Kind::Extensions),
    ],
    &[Rule::NotBefore("modified", "created")],
);

/// Properties of every cyber-observable object.
pub(crate) const OBSERVABLE_COMMON: Shape = open(
    &[
        must("type", Kind::Own(rules::type_name)),
        must("id", Kind::OwnId),
        may("spec_version", Kind::Enum(&["2.0", "2.1"])),
        may("object_marking_refs", REFS),
        GRANULAR_MARKINGS,
        may("defanged", Kind::Bool),
        may("extensions", Kind::Extensions),
    ],
    &[],
);

/// Properties of marking definitions (clause 7.2.1): they have no versions.
pub(crate) const MARKING_COMMON: Shape = open(
    &[
        must("type", Kind::Own(rules::type_name)),
        must("spec_version", Kind::Enum(&["2.0", "2.1"])),
        must("id", Kind::OwnId),
        may("created_by_ref", Kind::Id),
        must("created", Kind::Timestamp),
        may("lang", Kind::Form(Form::Language)),
        EXTERNAL_REFERENCES,
        may("object_marking_refs", Kind::List { of: &Kind::Ref(&["marking-definition"]), min: 1 }),
        GRANULAR_MARKINGS,
        may("extensions", Kind::Extensions),
    ],
    &[],
);

/// Properties of bundles (clause 8).
pub(crate) const BUNDLE_COMMON: Shape =
    open(&[must("type", Kind::Own(rules::type_name)), must("id", Kind::OwnId)], &[]);

const EXTERNAL_REFERENCES: Property =
    may("external_references", Kind::List { of: &Kind::Shape(&EXTERNAL_REFERENCE), min: 1 });
const GRANULAR_MARKINGS: Property =
    may("granular_markings", Kind::List { of: &Kind::Shape(&GRANULAR_MARKING), min: 1 });

/// Clause 2.5.
const EXTERNAL_REFERENCE: Shape = open(
    &[
        must("source_name", Kind::Text),
        may("description", Kind::Text),
        may("url", Kind::Form(Form::Uri)),
        may("hashes", Kind::Own(rules::reference_hashes)),
        may("external_id", Kind::Text),
    ],
    &[Rule::Own(rules::external_reference)],
);

/// Clause 7.2.3.
const GRANULAR_MARKING: Shape = open(
    &[
        must("selectors", Kind::List { of: &Kind::Form(Form::Selector), min: 1 }),
        may("lang", Kind::Form(Form::Language)),
        must("marking_ref", Kind::Ref(&["marking-definition"])),
    ],
    &[],
);

const fn meta(name: &'static str, shape: Shape) -> ObjectType {
    ObjectType { name, class: Class::Meta, shape, extensions: &[], relationships: &[], contributing: &[] }
}

const EXTENSION_TYPES: Kind = Kind::Enum(EXTENSION_TYPE_NAMES);
/// extension-type-enum, clause 10.3.
pub(crate) const EXTENSION_TYPE_NAMES: &[&str] =
    &["new-sdo", "new-sco", "new-sro", "property-extension", "toplevel-property-extension"];

pub(crate) static TYPES: &[ObjectType] = &[
    meta(
        "extension-definition",
        open(
            &[
                must("name", Kind::Text),
                may("description", Kind::Text),
                must("schema", Kind::Text),
                must("version", Kind::Text),
                must("extension_types", Kind::List { of: &EXTENSION_TYPES, min: 1 }),
                may("extension_properties", TEXTS),
            ],
            &[Rule::Own(rules::extension_definition)],
        ),
    ),
    meta(
        "language-content",
        open(
            &[
                must("object_ref", Kind::RefExcept(&["bundle", "language-content"])),
                may("object_modified", Kind::Timestamp),
                must("contents", Kind::Own(rules::language_contents)),
            ],
            &[],
        ),
    ),
    meta(
        "marking-definition",
        open(
            &[
                may("name", Kind::Text),
                may("definition_type", Kind::Text),
                may("definition", Kind::Own(rules::marking_content)),
            ],
            &[Rule::Own(rules::marking_definition)],
        ),
    ),
    meta("bundle", open(&[may("objects", Kind::Own(rules::bundle_objects))], &[])),
];
