use base::Country;

use crate::{Caveat, Label};

/// The label as a line for people, in the order of a CAPCO banner: `RESTRICTED//ORCON/REL TO KOR, USA`.
///
/// The originators lead the REL list, the others follow by code. `EXERCISE//` leads everything, so that nobody
/// takes it for real. A banner is for reading; [`write_marking`](crate::write_marking) gives one to be read again.
pub fn banner(label: &Label) -> String {
    let mut line = String::new();
    if label.caveats.contains(&Caveat::Exercise) {
        line.push_str("EXERCISE//");
    }
    line.push_str(label.level.as_str());
    let categories = label.categories.iter().cloned().collect();
    for group in [categories, controls(label), protocols(label), validity(label)] {
        if !group.is_empty() {
            line.push_str("//");
            line.push_str(&group.join("/"));
        }
    }
    line
}

fn controls(label: &Label) -> Vec<String> {
    let list = |codes: Vec<&str>| codes.join(", ");
    let mut parts: Vec<String> = [Caveat::Orcon, Caveat::Noforn]
        .iter()
        .filter(|caveat| label.caveats.contains(caveat))
        .map(Caveat::to_string)
        .collect();
    if !label.rel_to.is_empty() {
        // A single originator has its own item; one of several has it only when it stands in the list.
        let mut first = label.originators.clone();
        if first.len() > 1 {
            first.retain(|country| label.rel_to.contains(country));
        }
        let rest = label.rel_to.difference(&first);
        parts.push(format!("REL TO {}", list(first.iter().chain(rest).map(Country::as_str).collect())));
    }
    if !label.display_only.is_empty() {
        let shown = label.display_only.iter().map(Country::as_str).collect();
        parts.push(format!("DISPLAY ONLY {}", list(shown)));
    }
    if label.relido {
        parts.push("RELIDO".to_owned());
    }
    parts
}

fn protocols(label: &Label) -> Vec<String> {
    let tlp = label.tlp.map(|tlp| format!("TLP:{tlp}"));
    let pap = label.pap.map(|pap| format!("PAP:{pap}"));
    tlp.into_iter().chain(pap).collect()
}

fn validity(label: &Label) -> Vec<String> {
    let from = label.valid_from.map(|time| format!("FROM {time}"));
    let until = label.expires.map(|time| format!("UNTIL {time}"));
    from.into_iter().chain(until).collect()
}
