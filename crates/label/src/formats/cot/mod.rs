//! Cursor on Target 2.0 with the release attributes of TAK: `access` (classification), `caveat`, `releaseableTo` (so
//! spelt there; `releasableTo` is read too), and `opex`, whose `e` and `s` say exercise and simulation.

use base::{Fault, Marking};

use super::capco::{self, Controls};
use super::xml::{Element, escape};
use super::{FormatContext, Loss, ReadMarkings, complain, cut, ordered, push_caveat};
use crate::{Caveat, Label};

pub(super) fn read(elements: &[Element], context: &FormatContext<'_>) -> ReadMarkings {
    let mut read = ReadMarkings::default();
    for event in elements.iter().filter(|element| element.name == "event") {
        let level = event.attribute("", "access").unwrap_or_default();
        if ["", "undefined"].contains(&level.to_lowercase().as_str()) {
            let message = "`access` says nothing, so the level is unknown; it reaches nobody";
            complain(
                &mut read.faults,
                event.place(Fault::error("label::no_level", message).in_field("access")),
            );
            continue;
        }
        let (marking, faults) = marking(event, level, context);
        faults.into_iter().for_each(|fault| complain(&mut read.faults, event.place(fault)));
        read.push(cut(event.attribute("", "uid").unwrap_or("event")), event.line, marking);
    }
    if read.items.is_empty() && read.faults.is_empty() {
        read.faults.push(Fault::error("label::no_marking", "there is no event"));
    }
    read
}

fn marking(event: &Element, level: &str, context: &FormatContext<'_>) -> (Marking, Vec<Fault>) {
    let mut controls = Controls::onto(Marking::new(&cut(level), &[], context.owner()));
    for name in ["releaseableTo", "releasableTo"] {
        if let Some(list) = event.attribute("", name) {
            let codes = list.split(|c: char| c.is_whitespace() || [',', ';', '/'].contains(&c));
            controls.release_to(codes.filter(|code| !code.is_empty()).map(str::to_owned).collect());
        }
    }
    for control in event.attribute("", "caveat").unwrap_or_default().split(['/', ';']) {
        let control = control.split_whitespace().collect::<Vec<_>>().join(" ");
        controls.take(&control);
    }
    // The second sign may say which exercise.
    if event.attribute("", "opex").is_some_and(|opex| opex.starts_with(['e', 's'])) {
        push_caveat(&mut controls.marking, Caveat::Exercise);
    }
    (controls.marking, controls.faults)
}

/// The attributes on an otherwise empty event, ready to be taken over into one.
pub(super) fn write(label: &Label, losses: &mut Vec<Loss>) -> String {
    // The first is the sender's own country, which the event does not say.
    let further = label.originators.iter().skip(1).map(|owner| format!("FGI {owner}"));
    let caveats = capco::caveat(label, losses);
    let caveats: Vec<String> = Some(caveats).filter(|c| !c.is_empty()).into_iter().chain(further).collect();
    let exercise = label.caveats.contains(&Caveat::Exercise);
    let attributes = [
        ("access", label.level.to_string()),
        ("caveat", caveats.join("/")),
        ("releaseableTo", ordered(label.rel_to.iter()).join(",")),
        ("opex", if exercise { "e-".to_owned() } else { "o-".to_owned() }),
    ];
    let attributes = attributes.iter().filter(|(_, value)| !value.is_empty());
    let attributes: Vec<String> =
        attributes.map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    format!("<event version=\"2.0\" {}/>", attributes.join(" "))
}
