//! What the tables cannot say in data.

use super::checks::Check;
use super::engine::{dictionary, open_form};
use super::table::{Kind, Shape, must, object_type, open};
use super::vocabulary::{COUNTRIES, HASH_ALGORITHMS};
use super::{Context, form, pattern_check, shown};
use crate::stix::json::{Node, Value};

/// Common relationship types: any object may have them to any other (clause 5).
const COMMON_RELATIONSHIPS: &[&str] = &["derived-from", "duplicate-of", "related-to"];
/// Objects for which the summary of relationships does not speak.
const NO_RELATIONSHIPS: &[&str] =
    &["bundle", "language-content", "marking-definition", "sighting", "relationship", "extension-definition"];

pub(crate) fn type_name<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    match node.as_str() {
        Some("action") => {
            context.must("threat::reserved_type", node, "the type `action` is reserved for later versions");
        }
        Some(name) if form::is_type_name(name) => {}
        Some(name) => {
            let message = format!(
                "`{}` is no type: 3 to 250 lower-case letters and digits in words with single hyphens between",
                shown(name)
            );
            context.must("threat::type_name", node, message);
        }
        None => context.must("threat::wrong_type", node, "a string is expected"),
    }
}

pub(crate) fn kill_chain_names<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    for name in ["kill_chain_name", "phase_name"] {
        if let Some((node, text)) = node.get(name).and_then(|node| Some((node, node.as_str()?))) {
            context.at(name, |context| open_form(context, Check::KILL_CHAIN_NAMES, node, text));
        }
    }
}

pub(crate) fn indicator_pattern<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let Some(pattern) = node.get("pattern") else { return };
    if node.text("pattern_type") == Some("stix") && pattern.as_str().is_some() {
        let version = node.text("pattern_version").or(node.text("spec_version")).unwrap_or("2.1");
        context.at("pattern", |context| pattern_check::check(context, pattern, version));
    }
}

pub(crate) fn indicator_properties<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    if node.get("name").is_none() || node.get("description").is_none() {
        context.should(Check::INDICATOR_PROPERTIES, node, || {
            "an indicator should have a name and a description".to_owned()
        });
    }
}

pub(crate) fn country<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let Some(country) = node.get("country") else { return };
    if country.as_str().is_some_and(|text| COUNTRIES.binary_search(&&*text.to_uppercase()).is_err()) {
        context.at("country", |context| {
            context.should(Check::COUNTRIES, country, || {
                "should be a country of ISO 3166-1 in two letters, such as kr".to_owned()
            });
        });
    }
}

pub(crate) fn malware_family_has_a_name<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let family = node.get("is_family").is_some_and(|family| matches!(family.value, Value::Bool(true)));
    if family && node.get("name").is_none() {
        context.must("threat::missing_property", node, "a family of malware must have a `name`");
    }
}

pub(crate) fn analysis_product<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let Some(product) = node.get("product") else { return };
    let formed = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if product.as_str().is_some_and(|text| !formed(text)) {
        context.at("product", |context| {
            context.should(Check::MALWARE_ANALYSIS_PRODUCT, product, || {
                "should be lower-case letters, digits and hyphens, or `anonymized`".to_owned()
            });
        });
    }
}

/// The hashes of an external reference name algorithms of the vocabulary only (clause 2.5).
pub(crate) fn reference_hashes<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    super::rules_observable::hashes(context, node);
    for member in node.as_map().unwrap_or_default() {
        if !HASH_ALGORITHMS.contains(&&*member.key) {
            context.must(
                "threat::dictionary_key",
                &member.value,
                "the algorithm is not in hash-algorithm-ov",
            );
        }
    }
}

/// An external reference says where; those of CVE and CAPEC have the ids of these lists (clause 2.5.2).
pub(crate) fn external_reference<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let source = node.text("source_name");
    let id = node.get("external_id");
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let cve = |text: &str| {
        let Some((year, number)) = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')) else {
            return false;
        };
        // Numbers of more than four digits have no zeros in front.
        let long = number.len() > 4 && !number.starts_with('0');
        year.len() == 4 && digits(year) && digits(number) && (number.len() == 4 || long)
    };
    let capec = |text: &str| text.strip_prefix("CAPEC-").is_some_and(digits);
    let text = id.and_then(Node::as_str);
    let wrong = match source {
        Some("cve") => (!text.is_some_and(cve)).then_some("`external_id` must be such as CVE-2026-1234"),
        Some("capec") => (!text.is_some_and(capec)).then_some("`external_id` must be such as CAPEC-123"),
        _ if text.is_some_and(cve) => Some("with an id of CVE `source_name` must be `cve`"),
        _ if text.is_some_and(capec) => Some("with an id of CAPEC `source_name` must be `capec`"),
        _ if ["external_id", "description", "url"].iter().all(|name| node.get(name).is_none()) => {
            Some("one of description, url and external_id is required")
        }
        _ => None,
    };
    if let Some(message) = wrong {
        context.must("threat::external_reference", id.unwrap_or(node), message);
    }
}

pub(crate) fn extension_definition<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let types = node.get("extension_types").and_then(Node::as_list).unwrap_or_default();
    let toplevel = types.iter().any(|one| one.as_str() == Some("toplevel-property-extension"));
    let properties = node.get("extension_properties");
    if let Some(properties) = properties.filter(|_| !toplevel) {
        context.at("extension_properties", |context| {
            let message = "only an extension of type toplevel-property-extension has this property";
            context.must("threat::forbidden_property", properties, message);
        });
    }
    if node.get("description").is_none() {
        context.should(Check::EXTENSION_DESCRIPTION, node, || "should have a `description`".to_owned());
    }
    if toplevel && properties.is_none() {
        context.should(Check::EXTENSION_PROPERTIES, node, || {
            "should name its properties in `extension_properties`".to_owned()
        });
    }
}

/// Languages, and in each the properties that it translates (clause 7.1).
pub(crate) fn language_contents<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    for member in dictionary(context, node).unwrap_or_default() {
        context.at(&member.key, |context| {
            if !form::is_language(&member.key) {
                context.must("threat::language", &member.value, "the key is no language tag (RFC 5646)");
            }
            let Some(properties) = member.value.as_map() else {
                return context.must("threat::wrong_type", &member.value, "a JSON object is expected");
            };
            for property in properties {
                let name = &property.key;
                let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
                if !(3..=250).contains(&name.len()) || !name.bytes().all(word) {
                    let message = format!("`{}` is no name of a property", shown(name));
                    context.must("threat::property_name", &property.value, message);
                }
            }
        });
    }
}

pub(crate) fn marking_content<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    if node.as_map().is_none() {
        context.must("threat::wrong_type", node, "a JSON object is expected");
    }
}

/// TLP 1 as the specification writes it (clause 7.2.1.4): id, name, colour.
const TLP: &[(&str, &str, &str)] = &[
    ("marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", "TLP:WHITE", "white"),
    ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", "TLP:GREEN", "green"),
    ("marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", "TLP:AMBER", "amber"),
    ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "TLP:RED", "red"),
];

const STATEMENT: Shape = open(&[must("statement", Kind::Text)], &[]);

pub(crate) fn marking_definition<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    match node.text("definition_type") {
        Some("tlp") => tlp(context, node),
        Some("statement") => match node.get("definition") {
            Some(definition) => {
                context.at("definition", |context| super::engine::shape(context, &STATEMENT, definition));
            }
            None => context.must("threat::missing_property", node, "`definition` is required"),
        },
        Some(other) if node.get("extensions").is_none() && node.get("definition").is_none() => {
            let message = format!("`definition` is required for `{}`", shown(other));
            context.must("threat::missing_property", node, message);
        }
        None if node.get("extensions").is_none() => {
            let message = "either `definition_type` and `definition` or `extensions` are required";
            context.must("threat::missing_property", node, message);
        }
        _ => {}
    }
    for reference in node.get("object_marking_refs").and_then(Node::as_list).unwrap_or_default() {
        own_marking(context, node, reference);
    }
    for marking in node.get("granular_markings").and_then(Node::as_list).unwrap_or_default() {
        if let Some(reference) = marking.get("marking_ref") {
            own_marking(context, node, reference);
        }
    }
}

fn own_marking(context: &mut Context<'_, '_>, node: &Node<'_>, reference: &Node<'_>) {
    if reference.as_str().is_some() && reference.as_str() == node.text("id") {
        context.must("threat::circular_marking", reference, "a marking must not mark itself");
    }
}

fn tlp<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    const OWN: &[&str] = &["type", "id", "spec_version", "name", "created", "definition", "definition_type"];
    let found = TLP.iter().find(|(id, ..)| node.text("id") == Some(id));
    let right = found.is_some_and(|(_, name, colour)| {
        node.text("name") == Some(name)
            && node.text("created") == Some("2017-01-20T00:00:00.000Z")
            && node.text("spec_version") == Some("2.1")
            && node
                .get("definition")
                .and_then(|one| one.get("tlp"))
                .is_some_and(|one| one.as_str() == Some(colour))
            && node.get("definition").is_some_and(|one| one.as_map().is_some())
            && node.as_map().unwrap_or_default().iter().all(|member| OWN.contains(&&*member.key))
    });
    if !right {
        let message = "a TLP marking must be one of the four that the specification writes out, unchanged";
        context.must("threat::tlp", node, message);
    }
}

pub(crate) fn bundle_objects<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    if node.as_list().is_none() {
        context.must("threat::wrong_type", node, "a list of objects is expected");
    }
}

/// Whether the specification suggests the relationship between these two types (appendix B).
pub(crate) fn relationship_type<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let kind = node.get("relationship_type");
    let (Some(name), Some(source), Some(target)) =
        (kind.and_then(Node::as_str), node.text("source_ref"), node.text("target_ref"))
    else {
        return;
    };
    let (source, target) = (form::type_of(source), form::type_of(target));
    if COMMON_RELATIONSHIPS.contains(&name)
        || NO_RELATIONSHIPS.contains(&source)
        || NO_RELATIONSHIPS.contains(&target)
    {
        return;
    }
    let suggested = object_type(source).map(|one| one.relationships).unwrap_or_default();
    let targets = suggested.iter().find(|(kind, _)| *kind == name).map(|(_, targets)| *targets);
    if !targets.is_some_and(|targets| targets.contains(&target)) {
        context.should(Check::RELATIONSHIP_TYPES, kind.unwrap_or(node), || {
            let (source, target) = (shown(source), shown(target));
            match targets {
                Some(targets) => {
                    format!("permitted, but `{source}` `{name}` is suggested for {}", targets.join(", "))
                }
                None => format!("permitted, but `{name}` from `{source}` to `{target}` is not suggested"),
            }
        });
    }
}
