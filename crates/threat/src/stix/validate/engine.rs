//! Walks an object by the tables.

use super::checks::Check;
use super::form;
use super::meta::{BUNDLE_COMMON, COMMON, EXTENSION_TYPE_NAMES, MARKING_COMMON, OBSERVABLE_COMMON};
use super::path::Path;
use super::table::{Class, Kind, ObjectType, Property, Rule, Shape, object_type};
use super::vocabulary::Vocabulary;
use super::{Context, ValidateOptions, Violation, recommended, rules_observable, selector, shown};
use crate::stix::json::{Member, Node, Value};

/// Names that later versions may give a meaning; no property may have them (clause 3.1).
const RESERVED: &[&str] = &["severity", "action", "username", "phone_numbers"];

/// Judges the object `node` and gives its id, as far as it has one.
pub(crate) fn validate_node(
    node: &Node<'_>,
    options: &ValidateOptions,
    offset: u64,
    violations: &mut Vec<Violation>,
) -> String {
    let mut context = context_of(node, options, offset, violations);
    if node.as_map().is_none() {
        context.must("threat::not_an_object", node, "a STIX object is a JSON object: this is something else");
        return String::new();
    }
    object(&mut context, node);
    shown(context.id).to_owned()
}

/// Judges of an object of 2.0 what would be gone once it is an object of 2.1: its selectors and the keys of its `objects`.
pub(crate) fn validate_original(
    node: &Node<'_>,
    options: &ValidateOptions,
    offset: u64,
    violations: &mut Vec<Violation>,
) {
    let mut context = context_of(node, options, offset, violations);
    selector::selectors_point_somewhere(&mut context, node);
    for member in node.get("objects").and_then(Node::as_map).unwrap_or_default() {
        rules_observable::object_key(&mut context, member);
        if member.value.text("type") == Some("file") {
            super::version20::file_encryption(&mut context, &member.value);
        }
    }
}

fn context_of<'v, 'n>(
    node: &'n Node<'n>,
    options: &'v ValidateOptions,
    offset: u64,
    violations: &'v mut Vec<Violation>,
) -> Context<'v, 'n> {
    Context {
        options,
        id: node.text("id").unwrap_or_default(),
        type_name: node.text("type").unwrap_or_default(),
        observable: false,
        siblings: None,
        path: Path::default(),
        offset,
        violations,
    }
}

/// Judges an object: the one of `context`, or one within the deprecated `objects` of it.
pub(crate) fn object<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let Some(members) = node.as_map() else {
        context.must("threat::not_an_object", node, "a cyber-observable object is a JSON object");
        return;
    };
    let name = node.text("type").unwrap_or_default();
    let known = object_type(name);
    let class = known.map_or_else(|| class_of_custom(node), |one| one.class);
    let outer = (context.observable, context.type_name);
    (context.observable, context.type_name) = (class == Class::Observable, name);
    let common = common_shape(class, name);
    for member in members {
        let property =
            known.and_then(|one| one.shape.property(&member.key)).or_else(|| common.property(&member.key));
        match property {
            Some(property) => known_property(context, property, member),
            None if class == Class::Meta && name != "extension-definition" && name != "language-content" => {}
            None => custom_property(context, member),
        }
    }
    required(context, common, node);
    if let Some(known) = known {
        required(context, &known.shape, node);
        between(context, known.shape.rules, node);
    }
    between(context, common.rules, node);
    recommended::whole_object(context, known, common, node);
    (context.observable, context.type_name) = outer;
}

/// Properties that every object of a class has.
pub(crate) fn common_shape(class: Class, name: &str) -> &'static Shape {
    match (class, name) {
        (Class::Observable, _) => &OBSERVABLE_COMMON,
        (Class::Meta, "bundle") => &BUNDLE_COMMON,
        (Class::Meta, "marking-definition") => &MARKING_COMMON,
        _ => &COMMON,
    }
}

/// A type of somebody's own is a cyber-observable when it has neither time of a version.
fn class_of_custom(node: &Node<'_>) -> Class {
    if node.get("created").is_none() && node.get("modified").is_none() {
        Class::Observable
    } else {
        Class::Domain
    }
}

fn known_property<'n>(context: &mut Context<'_, 'n>, property: &'static Property, member: &'n Member<'n>) {
    context.at(&member.key, |context| {
        if present(context, &member.value) {
            value(context, &property.kind, &member.value);
            if let Some(vocabulary) = property.vocabulary {
                from_vocabulary(context, vocabulary, &member.value);
            }
        }
    });
}

/// Neither null nor an empty list: such properties are left out (clause 3.1).
fn present(context: &mut Context<'_, '_>, node: &Node<'_>) -> bool {
    match &node.value {
        Value::Null => {
            context.must("threat::null", node, "null says nothing in STIX: leave the property out");
            false
        }
        Value::List(items) if items.is_empty() => {
            context.must("threat::empty_list", node, "an empty list: leave the property out");
            false
        }
        _ => true,
    }
}

/// A property that no table knows.
fn custom_property<'n>(context: &mut Context<'_, 'n>, member: &'n Member<'n>) {
    context.at(&member.key, |context| {
        if RESERVED.contains(&&*member.key) {
            context.must(
                "threat::reserved_property",
                &member.value,
                "this name is reserved for later versions of STIX: take another",
            );
        }
        named_value(context, member);
    });
}

/// What holds for any property of an object or extension by its name alone.
fn named_value<'n>(context: &mut Context<'_, 'n>, member: &'n Member<'n>) {
    let node = &member.value;
    if !form::is_property_name(&member.key) {
        context.must(
            "threat::property_name",
            node,
            "a property name has 3 to 250 lower-case letters, digits and underscores and begins with a letter",
        );
    }
    if !present(context, node) {
        return;
    }
    if member.key.ends_with("_bin") {
        value(context, &Kind::Binary, node);
    } else if member.key.ends_with("_hex") {
        value(context, &Kind::Hex, node);
    }
}

fn required(context: &mut Context<'_, '_>, shape: &Shape, node: &Node<'_>) {
    for property in shape.properties.iter().filter(|property| property.required) {
        if node.get(property.name).is_none() {
            let message = format!("`{}` is required and is not there", property.name);
            context.must("threat::missing_property", node, message);
        }
    }
}

/// Judges a value by what it must be.
pub(crate) fn value<'n>(context: &mut Context<'_, 'n>, kind: &'static Kind, node: &'n Node<'n>) {
    match kind {
        Kind::List { of, min } => list(context, of, *min, node),
        Kind::Shape(inner) => shape(context, inner, node),
        Kind::Dictionary => {
            dictionary(context, node);
        }
        Kind::DictionaryOf(kinds) => dictionary_of(context, kinds, node),
        Kind::Hashes => rules_observable::hashes(context, node),
        Kind::Extensions => extensions(context, node),
        Kind::Own(own) => own(context, node),
        Kind::ObservableRef(types) => rules_observable::observable_ref_to(context, types, node),
        scalar => {
            if let Err(message) = form::scalar(scalar, context.type_name, node) {
                context.must("threat::wrong_value", node, message);
            }
        }
    }
}

fn list<'n>(context: &mut Context<'_, 'n>, of: &'static Kind, min: usize, node: &'n Node<'n>) {
    let Some(items) = node.as_list() else {
        context.must("threat::wrong_type", node, "a list is expected: put the value in brackets");
        return;
    };
    if items.len() < min {
        context.must("threat::empty_list", node, "an empty list: leave the property out");
    }
    for (index, item) in items.iter().enumerate() {
        context.at_index(index, |context| value(context, of, item));
    }
}

/// Judges a part of an object by its own table.
pub(crate) fn shape<'n>(context: &mut Context<'_, 'n>, shape: &'static Shape, node: &'n Node<'n>) {
    let Some(members) = node.as_map() else {
        context.must("threat::wrong_type", node, "a JSON object is expected");
        return;
    };
    for member in members {
        match shape.property(&member.key) {
            Some(property) => context.at(&member.key, |context| {
                value(context, &property.kind, &member.value);
                if let Some(vocabulary) = property.vocabulary {
                    from_vocabulary(context, vocabulary, &member.value);
                }
            }),
            None if !shape.open => context.at(&member.key, |context| {
                let message = "the specification has no such property, and no others are allowed here";
                context.must("threat::unknown_property", &member.value, message);
            }),
            None if context.observable => {
                context.at(&member.key, |context| recommended::custom_part(context, member));
            }
            None => {}
        }
    }
    required(context, shape, node);
    between(context, shape.rules, node);
}

/// The members of a dictionary (clause 2.3), when it is one.
pub(crate) fn dictionary<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) -> Option<&'n [Member<'n>]> {
    let Some(members) = node.as_map() else {
        context.must("threat::wrong_type", node, "a JSON object of names and values is expected");
        return None;
    };
    if members.is_empty() {
        context.must("threat::empty_dictionary", node, "an empty object: leave the property out");
    }
    for member in members {
        context.at(&member.key, |context| {
            present(context, &member.value);
            if !form::is_dictionary_key(&member.key) {
                let message = "a key has at most 250 ASCII letters, digits, hyphens and underscores";
                context.must("threat::dictionary_key", &member.value, message);
            }
        });
    }
    Some(members)
}

fn dictionary_of<'n>(context: &mut Context<'_, 'n>, kinds: &'static [Kind], node: &'n Node<'n>) {
    for member in dictionary(context, node).unwrap_or_default() {
        let fits = kinds.iter().any(|kind| form::scalar(kind, context.type_name, &member.value).is_ok());
        if !fits {
            context.at(&member.key, |context| {
                context.must("threat::wrong_type", &member.value, "a value of another kind is expected here");
            });
        }
    }
}

/// The `extensions` of an object (clause 3.2 and 7.3).
fn extensions<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let predefined = object_type(context.type_name).map(|own| own.extensions);
    for member in dictionary(context, node).unwrap_or_default() {
        context.at(&member.key, |context| {
            let inner = predefined.and_then(|all| all.iter().find(|(name, _)| *name == member.key));
            let definition = form::is_identifier_of(&member.key, "extension-definition");
            if !definition
                && (!form::is_extension_name(&member.key) || context.type_name == "marking-definition")
            {
                let message =
                    "the key of an extension is the id of its extension-definition, or ends in `-ext`";
                context.must("threat::extension_key", &member.value, message);
            }
            extension(context, member, definition, inner.map(|(_, shape)| *shape));
        });
    }
}

fn extension<'n>(
    context: &mut Context<'_, 'n>,
    member: &'n Member<'n>,
    definition: bool,
    inner: Option<&'static Shape>,
) {
    let node = &member.value;
    let Some(members) = node.as_map() else {
        context.must("threat::wrong_type", node, "an extension is a JSON object");
        return;
    };
    if members.is_empty() {
        context.must("threat::empty_dictionary", node, "an extension has at least one property");
    }
    for part in members {
        context.at(&part.key, |context| named_value(context, part));
    }
    if definition && !node.text("extension_type").is_some_and(|kind| EXTENSION_TYPE_NAMES.contains(&kind)) {
        let message = format!("`extension_type` is required: {}", EXTENSION_TYPE_NAMES.join(", "));
        context.must("threat::extension_type", node, message);
    }
    if let Some(inner) = inner {
        shape(context, inner, node);
    }
}

fn from_vocabulary(context: &mut Context<'_, '_>, vocabulary: &'static Vocabulary, node: &Node<'_>) {
    let values = node.as_list().unwrap_or(std::slice::from_ref(node));
    for one in values {
        let Some(text) = one.as_str() else { continue };
        if !vocabulary.values.contains(&text) {
            context.should(vocabulary.check, one, || {
                format!("`{}` is permitted, but is not in the vocabulary {}", shown(text), vocabulary.name)
            });
        }
        if vocabulary.formed {
            open_form(context, Check::OPEN_VOCAB_FORMAT, one, text);
        }
    }
}

/// Values of open vocabularies have lower-case letters and hyphens between words.
pub(crate) fn open_form(context: &mut Context<'_, '_>, check: Check, node: &Node<'_>, text: &str) {
    let lower = text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase);
    if !lower || text.contains(['_', ' ']) {
        context.should(check, node, || {
            format!("`{}` should be lower-case, with hyphens between words", shown(text))
        });
    }
}

fn between<'n>(context: &mut Context<'_, 'n>, rules: &'static [Rule], node: &'n Node<'n>) {
    let has = |name: &str| node.get(name).is_some();
    for rule in rules {
        match rule {
            Rule::AnyOf(names) if !names.iter().any(|name| has(name)) => {
                let message = format!("at least one of {} is required", names.join(", "));
                context.must("threat::missing_property", node, message);
            }
            Rule::OneOf(names) if names.iter().filter(|name| has(name)).count() != 1 => {
                let message = format!("exactly one of {} is required", names.join(" and "));
                context.must("threat::one_of", node, message);
            }
            Rule::Needs(one, other) if has(one) && !has(other) => {
                let message = format!("with `{one}` there must be `{other}`");
                context.must("threat::missing_property", node, message);
            }
            Rule::NotBefore(later, earlier) => order(context, node, later, earlier, false),
            Rule::After(later, earlier) => order(context, node, later, earlier, true),
            Rule::Own(own) => own(context, node),
            _ => {}
        }
    }
}

fn order(
    context: &mut Context<'_, '_>,
    node: &Node<'_>,
    later: &'static str,
    earlier: &'static str,
    strictly: bool,
) {
    let Some(late) = node.get(later) else { return };
    let (Some(last), Some(first)) = (late.as_str(), node.text(earlier)) else { return };
    let (Some(last), Some(first)) = (form::comparable(last), form::comparable(first)) else { return };
    if last < first || (strictly && last == first) {
        let how = if strictly { "later than" } else { "not earlier than" };
        context.at(later, |context| {
            context.must("threat::time_order", late, format!("must be {how} `{earlier}`"));
        });
    }
}

/// Whether `known` or the common properties have `name`.
pub(crate) fn defined(known: &ObjectType, common: &Shape, name: &str) -> bool {
    known.shape.property(name).is_some() || common.property(name).is_some()
}
