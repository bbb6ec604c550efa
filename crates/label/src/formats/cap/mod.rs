//! Common Alerting Protocol 1.2 (OASIS, 2010): `scope`, `restriction`, `addresses` and `status` (section 3.2.1).
//!
//! A restricted alert carries our banner as its restriction: the field is for a rule in words.

use base::{Fault, Marking};

use super::xml::{Element, children, escape};
use super::{FormatContext, Loss, ReadMarkings, capco, category, complain, push_caveat, push_new};
use crate::{Caveat, Label, Level};

const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";

pub(super) fn read(elements: &[Element], context: &FormatContext<'_>) -> ReadMarkings {
    let mut read = ReadMarkings::default();
    for (index, alert) in elements.iter().enumerate().filter(|(_, element)| element.name == "alert") {
        let field = |name: &str| {
            let mut named = children(elements, index).filter(|(_, child)| child.name == name);
            named.next().map(|(_, child)| child.text.trim().to_owned()).unwrap_or_default()
        };
        let mut faults = Vec::new();
        let twice =
            |name: &&&str| children(elements, index).filter(|(_, child)| child.name == ***name).count() > 1;
        if let Some(name) = ["status", "scope", "restriction", "addresses"].iter().find(twice) {
            let fault = Fault::error("label::twice", "given twice; it reaches nobody").in_field(*name);
            complain(&mut read.faults, alert.place(fault));
            continue;
        }
        let marking = marking(&field, context, &mut faults);
        faults.into_iter().for_each(|fault| complain(&mut read.faults, alert.place(fault)));
        if let Some(marking) = marking {
            read.push(field("identifier"), alert.line, marking);
        }
    }
    if read.items.is_empty() && read.faults.is_empty() {
        read.faults.push(Fault::error("label::no_marking", "there is no alert"));
    }
    read
}

fn marking(
    field: &dyn Fn(&str) -> String,
    context: &FormatContext<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Marking> {
    let unrestricted = || Marking::new(Level::Unclassified.as_str(), &[], context.owner());
    let mut warn = |code: &str, field: &str, message: &str| {
        complain(faults, Fault::warning(code, message).in_field(field));
    };
    let scope = field("scope");
    let mut marking = match scope.as_str() {
        "Public" => {
            warn(
                "label::no_list",
                "scope",
                "a public alert names no countries; nobody gets it until some are listed",
            );
            unrestricted()
        }
        "Private" => {
            let mut marking = unrestricted();
            for address in addresses(&field("addresses")) {
                // An address that is no code names a person or a place, not an ally.
                if context.codes.expand(&address).is_some() {
                    push_new(&mut marking.rel_to, address);
                } else {
                    warn(
                        "label::not_kept",
                        "addresses",
                        "an address that is no country or group code reaches nobody here",
                    );
                }
            }
            marking
        }
        "Restricted" => restricted(&field("restriction"), context, faults),
        _ => {
            let message = "`scope` is none of Public, Restricted and Private; it reaches nobody";
            faults.push(Fault::error("label::no_level", message).in_field("scope"));
            return None;
        }
    };
    match field("status").as_str() {
        "Actual" => {}
        // All of these say: do not act on it as real.
        "Exercise" | "System" | "Test" => push_caveat(&mut marking, Caveat::Exercise),
        other => push_new(&mut marking.categories, category("CAP", &format!("status={other}"))),
    }
    Some(marking)
}

fn restricted(rule: &str, context: &FormatContext<'_>, faults: &mut Vec<Fault>) -> Marking {
    let (marking, found) = capco::line(rule, context);
    if let Some(marking) = marking {
        faults.extend(found);
        return marking;
    }
    // Words that only a person understands keep everybody out.
    let mut marking = Marking::new(Level::Unclassified.as_str(), &[], context.owner());
    push_new(&mut marking.categories, category("CAP", &format!("restriction={rule}")));
    let message = "the restriction is no banner; it is kept as a category that no table knows";
    faults.push(Fault::warning("label::unknown_restriction", message).in_field("restriction"));
    marking
}

/// Addresses part at spaces; one with spaces stands in quotes.
fn addresses(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (index, part) in text.split('"').enumerate() {
        if index % 2 == 1 {
            all.push(part.to_owned());
        } else {
            all.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    all
}

/// The elements of an alert that carry the marking, ready to be taken over into one.
pub(super) fn write(label: &Label, losses: &mut Vec<Loss>) -> String {
    let status = if label.caveats.contains(&Caveat::Exercise) { "Exercise" } else { "Actual" };
    let restriction = escape(&capco::write(label, losses));
    format!(
        "<alert xmlns=\"{NAMESPACE}\">\n <status>{status}</status>\n <scope>Restricted</scope>\n \
         <restriction>{restriction}</restriction>\n</alert>"
    )
}
