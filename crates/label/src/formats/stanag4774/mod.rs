//! The confidentiality label of STANAG 4774 as in the public sample (`ConfidentialityLabel` with `Category` elements
//! that are PERMISSIVE, RESTRICTIVE or INFORMATIVE), and its JSON form in an OpenTDF `handling` assertion (ADatP-5636).
//!
//! The text of the agreement is not public: what is here is what the sample and public products show. A reader of a
//! RESTRICTIVE category that it does not know must refuse, so all that our label says beside level and list goes there.

mod json;
mod write;

pub(super) use json::read_json;
pub(super) use write::write;

use base::{Fault, Marking};

use super::capco::{Controls, NATO_LEVELS};
use super::xml::{Element, children};
use super::{FormatContext, ReadMarkings, category, complain, cut, push_caveat, push_new};
use crate::Caveat;

const NAMESPACE: &str = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0";

pub(super) fn is_label(element: &Element) -> bool {
    element.name == "ConfidentialityInformation"
}

/// What a label says, whatever its form.
#[derive(Debug, Default)]
struct Information {
    policy: String,
    classification: String,
    categories: Vec<Category>,
    review: Option<String>,
}

#[derive(Debug)]
struct Category {
    tag: String,
    kind: String,
    values: Vec<String>,
}

pub(super) fn read(elements: &[Element], context: &FormatContext<'_>) -> ReadMarkings {
    let mut read = ReadMarkings::default();
    for (index, element) in elements.iter().enumerate().filter(|(_, element)| is_label(element)) {
        let (information, unknown) = information(elements, index);
        let mut faults = Vec::new();
        let marking = marking(information, unknown, context, &mut faults);
        faults.into_iter().for_each(|fault| complain(&mut read.faults, element.place(fault)));
        if let Some(marking) = marking {
            read.push("label", element.line, marking);
        }
    }
    if read.items.is_empty() && read.faults.is_empty() {
        read.faults.push(Fault::error("label::no_marking", "there is no ConfidentialityInformation"));
    }
    read
}

/// The information of one label, and the elements of it that are not known.
fn information(elements: &[Element], at: usize) -> (Information, Vec<String>) {
    let mut information = Information::default();
    let mut unknown = Vec::new();
    for (index, child) in children(elements, at) {
        let text = child.text.trim().to_owned();
        match child.name.as_str() {
            "PolicyIdentifier" if information.policy.is_empty() => information.policy = text,
            "Classification" if information.classification.is_empty() => information.classification = text,
            "PrivacyMark" | "CreationDateTime" => {}
            "Category" => information.categories.push(Category {
                tag: child.attribute("", "TagName").unwrap_or_default().to_owned(),
                kind: child.attribute("", "Type").unwrap_or_default().to_owned(),
                values: children(elements, index).map(|(_, value)| value.text.trim().to_owned()).collect(),
            }),
            other => unknown.push(format!("{other}={text}")),
        }
    }
    // The label's own dates stand beside the information.
    if let Some(parent) = elements[at].parent {
        for (_, child) in children(elements, parent) {
            match child.name.as_str() {
                "ReviewDateTime" => information.review = Some(child.text.trim().to_owned()),
                "ConfidentialityInformation" | "CreationDateTime" | "OriginatorID" | "MetadataLabelID" => {}
                other => unknown.push(format!("{other}={}", child.text.trim())),
            }
        }
    }
    (information, unknown)
}

fn marking(
    information: Information,
    unknown: Vec<String>,
    context: &FormatContext<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Marking> {
    if information.classification.is_empty() {
        let fault = Fault::error("label::no_level", "the label has no classification; it reaches nobody");
        faults.push(fault.in_field("Classification"));
        return None;
    }
    let word = information.classification.as_str();
    let nato = NATO_LEVELS.iter().find(|(banner, ..)| *banner == word);
    let level = nato.map_or(word, |(.., level)| level.as_str());
    let mut controls = Controls::onto(Marking::new(&cut(level), &[], ""));
    if !information.policy.is_empty() && information.policy != write::POLICY {
        controls.marking.policy = Some(information.policy);
    }
    for one in &information.categories {
        take(one, &mut controls, faults);
    }
    for word in unknown {
        push_new(&mut controls.marking.categories, category("STANAG", &word));
    }
    if let Some(review) = information.review {
        controls.take(&format!("REVIEW {review}"));
    }
    if controls.marking.originator.is_empty() {
        controls.owner(context.owner());
    }
    faults.append(&mut controls.faults);
    Some(controls.marking)
}

fn take(one: &Category, controls: &mut Controls, faults: &mut Vec<Fault>) {
    // `ReleasableTo`, `Releasable To`, `Releasable to`
    let tag: String = one.tag.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase();
    let kind = match one.kind.to_uppercase().as_str() {
        "PERMISSIVE" | "P" => "PERMISSIVE",
        "RESTRICTIVE" | "R" => "RESTRICTIVE",
        "INFORMATIVE" | "I" => "INFORMATIVE",
        _ => "",
    };
    match (kind, tag.as_str()) {
        ("PERMISSIVE", "releasableto") => {
            // OpenTDF writes codes in small letters.
            controls.release_to(one.values.iter().map(|code| code.to_uppercase()).collect());
        }
        ("RESTRICTIVE", "caveat") => one.values.iter().for_each(|value| controls.take(value)),
        ("INFORMATIVE", "originator") => one.values.iter().for_each(|value| controls.owner(value)),
        ("INFORMATIVE", "exercise") => push_caveat(&mut controls.marking, Caveat::Exercise),
        ("INFORMATIVE", _) => {
            let message = format!("`{}` informs and restricts nobody; it is not kept", cut(&one.tag));
            complain(faults, Fault::warning("label::not_kept", message).in_field("Category"));
        }
        // Also a permissive one: who lacks all its values is kept out.
        _ => {
            for value in &one.values {
                push_new(
                    &mut controls.marking.categories,
                    category("STANAG", &format!("{}={value}", one.tag)),
                );
            }
            if one.values.is_empty() {
                push_new(&mut controls.marking.categories, category("STANAG", &one.tag));
            }
        }
    }
}
