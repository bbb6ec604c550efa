//! Attributes to markings.

use base::{Fault, Marking};

use super::{CATEGORIES, INFORMATIVE, ISM, OWN};
use crate::formats::capco::{Controls, NATO_POLICY};
use crate::formats::xml::Element;
use crate::formats::{FormatContext, ReadMarkings, category, complain, cut, push_caveat, push_new};
use crate::{Caveat, Level};

pub(in crate::formats) fn is_marked(element: &Element) -> bool {
    element.attribute(ISM, "classification").is_some()
}

pub(in crate::formats) fn read(elements: &[Element], context: &FormatContext<'_>) -> ReadMarkings {
    let mut read = ReadMarkings::default();
    let banner = super::check::resource(elements);
    let mut portions = 0;
    for (index, element) in elements.iter().enumerate() {
        let marked =
            element.attributes.iter().any(|a| a.namespace == ISM && !INFORMATIVE.contains(&a.name.as_str()));
        if !marked {
            continue;
        }
        let name = if Some(index) == banner {
            "banner".to_owned()
        } else {
            portions += 1;
            format!("portion {portions}")
        };
        match marking(element, context, &mut read.faults) {
            Some(marking) => read.push(name, element.line, marking),
            None => {
                let message =
                    format!("{name} `{}` has no classification; it reaches nobody", cut(&element.name));
                complain(
                    &mut read.faults,
                    element.place(Fault::error("label::no_level", message).in_field("classification")),
                );
            }
        }
    }
    if read.items.is_empty() && read.faults.is_empty() {
        read.faults.push(Fault::error("label::no_marking", "no element has a classification"));
    }
    read
}

/// The tokens of an attribute.
pub(super) fn tokens<'e>(element: &'e Element, attribute: &str) -> Vec<&'e str> {
    element.attribute(ISM, attribute).unwrap_or_default().split_whitespace().collect()
}

fn marking(element: &Element, context: &FormatContext<'_>, faults: &mut Vec<Fault>) -> Option<Marking> {
    let level = match element.attribute(ISM, "classification")? {
        "U" => Level::Unclassified.as_str(),
        "R" => Level::Restricted.as_str(),
        "C" => Level::Confidential.as_str(),
        "S" => Level::Secret.as_str(),
        "TS" => Level::TopSecret.as_str(),
        other => other,
    };
    let mut controls = Controls::onto(Marking::new(&cut(level), &[], ""));
    owners(element, &mut controls, context);
    dissemination(element, &mut controls, faults);
    let marking = &mut controls.marking;
    for code in tokens(element, "displayOnlyTo") {
        push_new(&mut marking.display_only, code);
    }
    for (attribute, space) in CATEGORIES {
        for token in tokens(element, attribute) {
            push_new(&mut marking.categories, category(space, token));
        }
    }
    if !tokens(element, "FGIsourceProtected").is_empty() {
        push_new(&mut marking.categories, "FGI");
    }
    unknown(element, marking);
    own(element, &mut controls);
    Some(controls.marking)
}

fn owners(element: &Element, controls: &mut Controls, context: &FormatContext<'_>) {
    for owner in tokens(element, "ownerProducer").into_iter().chain(tokens(element, "FGIsourceOpen")) {
        match owner {
            "NATO" => controls.marking.policy = Some(NATO_POLICY.to_owned()),
            "FGI" | "UNKNOWN" => push_new(&mut controls.marking.categories, "FGI"),
            country => controls.owner(country),
        }
    }
    if controls.marking.originator.is_empty() {
        controls.owner(context.owner());
    }
}

fn dissemination(element: &Element, controls: &mut Controls, faults: &mut Vec<Fault>) {
    let controlled = tokens(element, "disseminationControls");
    let released: Vec<String> = tokens(element, "releasableTo").into_iter().map(str::to_owned).collect();
    for token in &controlled {
        match *token {
            "OC" | "NF" | "RELIDO" => controls.take(token),
            "REL" | "EYES" | "DISPLAYONLY" => {}
            other => push_new(&mut controls.marking.categories, category("DISSEM", other)),
        }
    }
    if controlled.iter().any(|token| ["REL", "EYES"].contains(token)) {
        controls.release_to(released);
    } else if !released.is_empty() {
        // The list says to whom the control REL applies; without the control it says nothing.
        let message =
            "releasableTo without REL or EYES in disseminationControls is not read: it reaches nobody";
        complain(
            faults,
            element.place(Fault::error("label::rel_without_control", message).in_field("releasableTo")),
        );
    }
}

/// Attributes of the namespace that this version does not know restrict.
fn unknown(element: &Element, marking: &mut Marking) {
    let read = [
        "classification",
        "ownerProducer",
        "disseminationControls",
        "releasableTo",
        "displayOnlyTo",
        "FGIsourceOpen",
        "FGIsourceProtected",
    ];
    for attribute in element.attributes.iter().filter(|a| a.namespace == ISM) {
        let name = attribute.name.as_str();
        let known = read.contains(&name) || CATEGORIES.iter().any(|(known, _)| *known == name);
        if !known && !INFORMATIVE.contains(&name) {
            push_new(&mut marking.categories, category("ISM", &format!("{name}={}", attribute.value)));
        }
    }
}

fn own(element: &Element, controls: &mut Controls) {
    for attribute in element.attributes.iter().filter(|a| a.namespace == OWN) {
        let value = attribute.value.trim();
        match attribute.name.as_str() {
            "exercise" => push_caveat(&mut controls.marking, Caveat::Exercise),
            // The words of a banner's own group, read as they are there.
            "controls" => value.split('/').for_each(|control| controls.take(control.trim())),
            other => {
                push_new(&mut controls.marking.categories, category("BONGSU", &format!("{other}={value}")))
            }
        }
    }
}
