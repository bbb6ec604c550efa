//! Labels to an event.

use serde_json::{Value, json};

use super::OWN;
use crate::formats::capco;
use crate::formats::{FormatContext, Loss, countries};
use crate::{Caveat, Label, Level};

/// The part of an event that carries the marking.
///
/// The REL list becomes a sharing group of the known organisations of its countries; without one for a country that
/// country is left out, and without any the event is for its organisation only. The group is one of this node's
/// directory that has exactly these organisations: a UUID names a group for ever, so none is made up.
pub(in crate::formats) fn write(
    label: &Label,
    context: &FormatContext<'_>,
    losses: &mut Vec<Loss>,
) -> String {
    let tags: Vec<Value> = tags(label, losses).into_iter().map(|name| json!({ "name": name })).collect();
    if !label.display_only.is_empty() {
        let why = "MISP gives what it shows; they get nothing";
        losses.push(Loss::new("display_only", countries(label.display_only.iter()), why));
    }
    let event = match group(label, context, losses) {
        Some((uuid, organisations)) => {
            let members: Vec<Value> = organisations
                .iter()
                .map(|uuid| json!({ "extend": false, "Organisation": { "uuid": uuid } }))
                .collect();
            let group =
                json!({ "uuid": uuid, "active": true, "SharingGroupOrg": members, "SharingGroupServer": [] });
            json!({ "Event": { "distribution": "4", "SharingGroup": group, "Tag": tags } })
        }
        None => json!({ "Event": { "distribution": "0", "Tag": tags } }),
    };
    format!("{event:#}")
}

/// The largest known group all of whose organisations stand for countries of the list.
fn group<'c>(
    label: &Label,
    context: &FormatContext<'c>,
    losses: &mut Vec<Loss>,
) -> Option<(&'c String, &'c std::collections::BTreeSet<String>)> {
    if label.rel_to.is_empty() || label.caveats.contains(&Caveat::Noforn) {
        return None;
    }
    let directory = context.organisations;
    let country =
        |uuid: &String| directory.countries.get(uuid).filter(|country| label.rel_to.contains(country));
    let reached = |members: &std::collections::BTreeSet<String>| -> Option<std::collections::BTreeSet<_>> {
        members.iter().map(country).collect()
    };
    let fitting =
        directory.groups.iter().filter_map(|(uuid, members)| Some((reached(members)?, uuid, members)));
    // Of several as large as each other the one that comes first.
    let best = fitting
        .filter(|(reached, ..)| !reached.is_empty())
        .max_by(|a, b| (a.0.len(), b.1).cmp(&(b.0.len(), a.1)));
    let left: Vec<_> = label
        .rel_to
        .iter()
        .filter(|c| !best.as_ref().is_some_and(|(reached, ..)| reached.contains(c)))
        .collect();
    if !left.is_empty() {
        let why = "no sharing group is known that reaches them and nobody beside the list; left out";
        losses.push(Loss::new("rel_to", countries(left.into_iter()), why));
    }
    best.map(|(_, uuid, members)| (uuid, members))
}

fn tags(label: &Label, losses: &mut Vec<Loss>) -> Vec<String> {
    let mut tags = Vec::new();
    if let Some(tlp) = label.tlp {
        tags.push(format!("tlp:{}", tlp.as_str().to_lowercase()));
    }
    if let Some(pap) = label.pap {
        tags.push(format!("PAP:{pap}"));
    }
    if label.level > Level::Unclassified {
        tags.push(format!("{OWN}LEVEL {}\"", label.level));
    }
    let mut rest = label.clone();
    (rest.tlp, rest.pap) = (None, None);
    rest.display_only.clear();
    let controls = capco::caveat(&rest, losses);
    let further = label.originators.iter().skip(1).map(|owner| format!("FGI {owner}"));
    for control in controls.split('/').filter(|c| !c.is_empty()).map(str::to_owned).chain(further) {
        losses.push(Loss::new(
            "caveats",
            control.clone(),
            "a tag of ours, which other programs do not follow",
        ));
        tags.push(format!("{OWN}{control}\""));
    }
    tags
}
