//! Checks that look at an object as a whole.

use super::checks::Check;
use super::engine::{defined, open_form};
use super::table::{Class, ObjectType, Shape};
use super::{Context, form, selector, shown};
use crate::stix::json::{Member, Node, Value};
use crate::stix::sco_id;

/// Dictionaries whose keys keep the capitals of where they come from (clause 6).
const KEYS_WITH_CAPITALS: &[&str] = &[
    "hashes",
    "file_header_hashes",
    "request_header",
    "additional_header_fields",
    "document_info_dict",
    "exif_tags",
    "ipfix",
    "options",
    "environment_variables",
    "key",
    "startup_info",
];

/// Everything that is asked of an object once its parts were judged.
pub(crate) fn whole_object<'n>(
    context: &mut Context<'_, 'n>,
    known: Option<&'static ObjectType>,
    common: &Shape,
    node: &'n Node<'n>,
) {
    let inner = context.siblings.is_some();
    uuid_version(context, known, node, inner);
    custom_type(context, known, node, inner);
    custom_properties(context, known, common, node);
    if let Some(known) = known {
        custom_extensions(context, known, node);
        if known.class == Class::Observable {
            dictionary_keys(context, node);
            deterministic_id(context, known, node);
        }
    }
    reference_hashes(context, node);
    if !inner {
        selector::selectors_point_somewhere(context, node);
    }
    if context.type_name == "observed-data"
        && let Some(objects) = node.get("objects")
    {
        context.at("objects", |context| {
            context.should(Check::DEPRECATED_PROPERTIES, objects, || {
                "deprecated since 2.1: put the objects beside and name them in `object_refs`".to_owned()
            });
        });
    }
    if context.type_name == "marking-definition" {
        marking_type(context, node);
    }
}

/// Objects of a domain have random ids, observables have ids of their content; processes are an exception.
fn uuid_version(
    context: &mut Context<'_, '_>,
    known: Option<&'static ObjectType>,
    node: &Node<'_>,
    inner: bool,
) {
    let Some((id, version)) = node.get("id").and_then(|id| Some((id, form::uuid_version(id.as_str()?)?)))
    else {
        return;
    };
    let observable = known.is_some_and(|one| one.class == Class::Observable && one.name != "process");
    let wanted = if observable { 5 } else { 4 };
    if version != wanted && !inner {
        context.should(Check::UUID_CHECK, id, || {
            format!("the UUID should have version {wanted}, not {version}")
        });
    }
    // Without anything to make an id from, it must be random (clause 2.9).
    const OPTIONAL: &[&str] =
        &["artifact", "email-message", "user-account", "windows-registry-key", "x509-certificate"];
    if let Some(known) = known.filter(|known| OPTIONAL.contains(&known.name))
        && version != 4
        && known.contributing.iter().all(|name| node.get(name).is_none())
    {
        context.must(
            "threat::uuid_version",
            id,
            "without ID contributing properties the UUID must have version 4",
        );
    }
}

/// Whether an extension of the object has one of these types.
fn uses_extension(node: &Node<'_>, types: &[&str]) -> bool {
    let extensions = node.get("extensions").and_then(Node::as_map).unwrap_or_default();
    extensions.iter().any(|one| one.value.text("extension_type").is_some_and(|kind| types.contains(&kind)))
}

fn custom_type(
    context: &mut Context<'_, '_>,
    known: Option<&'static ObjectType>,
    node: &Node<'_>,
    inner: bool,
) {
    let name = context.type_name;
    if known.is_some() || name == "action" {
        return;
    }
    let type_node = node.get("type").unwrap_or(node);
    if context.options.strict_types {
        let message = format!("the specification has no type `{}`", shown(name));
        context.custom("threat::custom_type", type_node, message);
    }
    if inner {
        return;
    }
    if !uses_extension(node, &["new-sdo", "new-sco", "new-sro"]) {
        context.should(Check::EXTENSIONS_USE, type_node, || {
            "a type of one's own should come with an extension of type new-sdo, new-sco or new-sro".to_owned()
        });
    }
    if !has_prefix(name, '-', 2) {
        context.should(Check::CUSTOM_PREFIX, type_node, || {
            "a type of one's own should begin with `x-`, whose it is, and a hyphen".to_owned()
        });
    }
    if !has_prefix(name, '-', 1) {
        context.should(Check::CUSTOM_PREFIX_LAX, type_node, || {
            "a type of one's own should begin with `x-`".to_owned()
        });
    }
}

/// `x`, the separator, and `parts` parts that are not empty with separators between.
pub(crate) fn has_prefix(name: &str, separator: char, parts: usize) -> bool {
    let Some(rest) = name.strip_prefix('x').and_then(|rest| rest.strip_prefix(separator)) else {
        return false;
    };
    match parts {
        1 => !rest.is_empty(),
        // The first part may hold separators itself.
        _ => rest.char_indices().any(|(at, c)| c == separator && at > 0 && at + 1 < rest.len()),
    }
}

/// What a name of one's own should look like; no `x_` where an extension brings the name.
fn custom_name(context: &mut Context<'_, '_>, name: &str, node: &Node<'_>) {
    if !has_prefix(name, '_', 2) {
        context.should(Check::CUSTOM_PREFIX, node, || {
            format!("`{}` should begin with `x_`, whose it is, and an underscore", shown(name))
        });
    }
    if !has_prefix(name, '_', 1) {
        context
            .should(Check::CUSTOM_PREFIX_LAX, node, || format!("`{}` should begin with `x_`", shown(name)));
    }
}

const RESERVED: &[&str] = &["severity", "username", "phone_numbers", "action"];

fn custom_properties<'n>(
    context: &mut Context<'_, 'n>,
    known: Option<&'static ObjectType>,
    common: &Shape,
    node: &'n Node<'n>,
) {
    let Some(known) = known else { return };
    let extended = uses_extension(node, &["toplevel-property-extension"]);
    for member in node.as_map().unwrap_or_default() {
        let name = &*member.key;
        if defined(known, common, name) {
            continue;
        }
        context.at(name, |context| {
            if context.options.strict_properties {
                let message = format!("the specification has no such property of a {}", known.name);
                context.custom("threat::custom_property", &member.value, message);
            }
            if RESERVED.contains(&name) {
                return;
            }
            if !extended {
                context.should(Check::EXTENSIONS_USE, &member.value, || {
                    "a property of one's own should come with an extension that defines it".to_owned()
                });
            }
            custom_name(context, name, &member.value);
        });
    }
}

/// A property of one's own within a part of an observable that the specification defines.
pub(crate) fn custom_part<'n>(context: &mut Context<'_, 'n>, member: &'n Member<'n>) {
    if context.options.strict_properties {
        let message = format!("the specification has no property `{}` here", shown(&member.key));
        context.custom("threat::custom_property", &member.value, message);
    }
    context.should(Check::EXTENSIONS_USE, &member.value, || {
        "a property of one's own should come with an extension that defines it".to_owned()
    });
    custom_name(context, &member.key, &member.value);
}

fn custom_extensions<'n>(context: &mut Context<'_, 'n>, known: &'static ObjectType, node: &'n Node<'n>) {
    if known.extensions.is_empty() {
        return;
    }
    let defined = uses_extension(node, &["property-extension"]);
    for member in node.get("extensions").and_then(Node::as_map).unwrap_or_default() {
        let name = &*member.key;
        if known.extensions.iter().any(|(own, _)| *own == name) {
            continue;
        }
        context.at("extensions", |context| {
            if !defined {
                context.should(Check::EXTENSIONS_USE, &member.value, || {
                    format!("`{}` should be an extension of type property-extension", shown(name))
                });
            }
            let stem = name.strip_suffix("-ext").unwrap_or_default();
            if !has_prefix(stem, '-', 2) {
                context.should(Check::CUSTOM_PREFIX, &member.value, || {
                    "an extension of one's own should begin with `x-`, whose it is, and a hyphen".to_owned()
                });
            }
            if !has_prefix(stem, '-', 1) {
                context.should(Check::CUSTOM_PREFIX_LAX, &member.value, || {
                    "an extension of one's own should begin with `x-`".to_owned()
                });
            }
        });
    }
}

/// Keys of dictionaries are in lower case.
fn dictionary_keys<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    for member in node.as_map().unwrap_or_default() {
        if member.key.is_empty() || member.key.bytes().any(|b| b.is_ascii_uppercase()) {
            context.should(Check::OBSERVABLE_DICTIONARY_KEYS, &member.value, || {
                format!("key `{}` should be in lower case", shown(&member.key))
            });
        }
        if matches!(member.value.value, Value::Map(_)) && !KEYS_WITH_CAPITALS.contains(&&*member.key) {
            context.at(&member.key, |context| dictionary_keys(context, &member.value));
        }
    }
}

/// What a reference points at can change: its hash says what was meant.
fn reference_hashes<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let references = node.get("external_references").and_then(Node::as_list).unwrap_or_default();
    let Some(at) = references.iter().position(|one| one.get("url").is_some() && one.get("hashes").is_none())
    else {
        return;
    };
    context.at("external_references", |context| {
        context.at_index(at, |context| {
            context.should(Check::EXTREF_HASHES, &references[at], || {
                "a reference with a URL should have hashes of what it points at".to_owned()
            });
        });
    });
}

fn marking_type(context: &mut Context<'_, '_>, node: &Node<'_>) {
    let kind = node.get("definition_type");
    let usual = kind.and_then(Node::as_str).is_some_and(|kind| matches!(kind, "statement" | "tlp"));
    if let Some(kind) = kind.filter(|_| !usual) {
        context.should(Check::MARKING_DEFINITION_TYPE, kind, || "should be statement or tlp".to_owned());
    }
    if let Some((kind, text)) = kind.and_then(|kind| Some((kind, kind.as_str()?))) {
        open_form(context, Check::OPEN_VOCAB_FORMAT, kind, text);
    }
    if !usual && node.get("extensions").is_none() {
        context.should(Check::EXTENSIONS_USE, node, || {
            "a marking of one's own should be defined in an extension".to_owned()
        });
    }
}

/// An id of version 5 that the algorithm of clause 2.9 would not give.
fn deterministic_id<'n>(context: &mut Context<'_, 'n>, known: &'static ObjectType, node: &'n Node<'n>) {
    if !context.options.checks.has(Check::DETERMINISTIC_IDS) || context.siblings.is_some() {
        return;
    }
    let Some((id, text)) = node.get("id").and_then(|id| Some((id, id.as_str()?))) else { return };
    if form::uuid_version(text) != Some(5) {
        return;
    }
    if let Some(right) = sco_id::deterministic_id_of(known, node).filter(|right| right != text) {
        context.at("id", |context| {
            context
                .should(Check::DETERMINISTIC_IDS, id, || format!("by its content the id should be {right}"));
        });
    }
}
