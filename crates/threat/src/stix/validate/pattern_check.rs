//! The pattern of an indicator. This is the one place where the validator asks for a pattern's syntax.

use std::collections::BTreeSet;

use super::checks::Check;
use super::table::{Class, object_type};
use super::{Context, form, shown};
use crate::stix::json::Node;
use crate::{Pattern, SpecVersion};

/// A type of object and the first property of a path, as a pattern compares them.
type Compared = (String, String);

/// What is compared in a pattern, or why it is none.
fn inspect(pattern: &str, version: &str) -> Result<BTreeSet<Compared>, String> {
    let version = if version == "2.0" { SpecVersion::V2_0 } else { SpecVersion::V2_1 };
    let pattern = Pattern::parse(pattern, version).map_err(|fault| fault.to_string())?;
    match pattern.check().into_iter().next() {
        None => Ok(pattern.compared()),
        Some(fault) => Err(fault.message),
    }
}

/// Judges the pattern `node` of an indicator.
pub(crate) fn check<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>, version: &str) {
    let Some(text) = node.as_str() else { return };
    let compared = match inspect(text, version) {
        Ok(compared) => compared,
        Err(message) => {
            return context.must("threat::pattern", node, format!("the pattern does not parse: {message}"));
        }
    };
    for (name, property) in &compared {
        let known = object_type(name).filter(|one| one.class == Class::Observable);
        object_name(context, node, name, known.is_some());
        let defined = known.is_some_and(|known| {
            super::engine::defined(known, super::engine::common_shape(Class::Observable, name), property)
        });
        if !defined {
            property_name(context, node, name, property, known.is_some());
        }
    }
}

fn object_name(context: &mut Context<'_, '_>, node: &Node<'_>, name: &str, known: bool) {
    if known {
        return;
    }
    if !form::is_type_name(name) {
        let message = format!("`{}` is no name of a type", shown(name));
        context.must("threat::pattern", node, message);
    } else {
        prefixed(context, node, name, '-');
    }
    if context.options.strict_types {
        let message = format!("the specification has no observable `{}`", shown(name));
        context.custom("threat::custom_type", node, message);
    }
}

fn property_name(context: &mut Context<'_, '_>, node: &Node<'_>, name: &str, property: &str, known: bool) {
    let formed = (3..=250).contains(&property.len())
        && property.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !formed {
        let message = format!("`{}` is no name of a property", shown(property));
        context.must("threat::pattern", node, message);
    } else if known {
        prefixed(context, node, property, '_');
    }
    if known && context.options.strict_properties {
        let message = format!("the specification has no property `{}` of a {name}", shown(property));
        context.custom("threat::custom_property", node, message);
    }
}

/// Without extensions a name of one's own must show by its beginning that it is one.
fn prefixed(context: &mut Context<'_, '_>, node: &Node<'_>, name: &str, separator: char) {
    let checks = context.options.checks;
    if !checks.disables(Check::EXTENSIONS_USE) {
        return;
    }
    let parts = if !checks.disables(Check::CUSTOM_PREFIX) {
        2
    } else if !checks.disables(Check::CUSTOM_PREFIX_LAX) {
        1
    } else {
        return;
    };
    if !super::recommended::has_prefix(name, separator, parts) {
        let message = format!("`{}` should begin with `x{separator}`", shown(name));
        context.must("threat::pattern", node, message);
    }
}
