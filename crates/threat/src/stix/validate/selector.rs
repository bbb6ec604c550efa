//! Selectors of granular markings: STIX 2.1 clause 7.2.3.1.

use super::Context;
use crate::stix::json::{Node, Value};

/// Whether `text` has the form of a selector: names and `[index]` with dots between.
pub(crate) fn is_selector(text: &str) -> bool {
    let mut steps = text.split('.');
    let name = |step: &str, least: usize| {
        (least..=250).contains(&step.len())
            && step.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
    };
    let first = steps.next().unwrap_or_default();
    if !(name(first, 3) || first == "id") {
        return false;
    }
    // Names of hash algorithms are in capitals and belong to a path like any other.
    let inner = |step: &str| index(step).is_some() || name(step, 1) || name(&step.to_ascii_lowercase(), 1);
    text == "id" || steps.all(inner)
}

/// The number in `[number]`.
fn index(step: &str) -> Option<&str> {
    let digits = step.strip_prefix('[')?.strip_suffix(']')?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

/// What a selector of `node` points at.
pub(crate) fn select<'n, 'a>(node: &'n Node<'a>, selector: &str) -> Option<&'n Node<'a>> {
    selector.split('.').try_fold(node, |node, step| match (index(step), &node.value) {
        (Some(digits), Value::List(items)) => items.get(digits.parse::<usize>().ok()?),
        (Some(_), _) => None,
        (None, _) => node.get(step),
    })
}

/// Every selector of the object points at something.
pub(crate) fn selectors_point_somewhere<'n>(context: &mut Context<'_, 'n>, node: &'n Node<'n>) {
    let markings = node.get("granular_markings").and_then(Node::as_list).unwrap_or_default();
    for marking in markings {
        for selector in marking.get("selectors").and_then(Node::as_list).unwrap_or_default() {
            let Some(text) = selector.as_str() else { continue };
            if is_selector(text) && select(node, text).is_none() {
                let message = format!("selector `{}` points at nothing in this object", super::shown(text));
                context.at("granular_markings", |context| {
                    context.must("threat::selector", selector, message);
                });
            }
        }
    }
}
