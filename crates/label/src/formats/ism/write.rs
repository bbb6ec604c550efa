//! Labels to attributes.

use super::{ISM, OWN, place};
use crate::formats::capco;
use crate::formats::xml::escape;
use crate::formats::{Loss, countries, ordered};
use crate::{Caveat, Label, Level};

/// One empty element with the attributes of a resource, ready to be taken over into a document.
pub(in crate::formats) fn write(label: &Label, losses: &mut Vec<Loss>) -> String {
    let mut attributes: Vec<(String, String)> = Vec::new();
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            attributes.push((format!("ism:{name}"), value));
        }
    };
    put("resourceElement", "true".to_owned());
    put("DESVersion", "10".to_owned());
    let level = match capco::level_for(label, losses) {
        Level::Unclassified => "U",
        Level::Restricted => "R",
        Level::Confidential => "C",
        Level::Secret => "S",
        Level::TopSecret => "TS",
    };
    put("classification", level.to_owned());
    put("ownerProducer", ordered(label.originators.iter()).join(" "));
    for name in ["SCIcontrols", "SARIdentifier", "atomicEnergyMarkings"] {
        put(name, native(label, name).join(" "));
    }
    if label.categories.contains("FGI") {
        put("FGIsourceProtected", "FGI".to_owned());
    }
    let released = release_to(label, losses);
    let shown = ordered(label.display_only.iter());
    put("disseminationControls", dissemination(label, &released).join(" "));
    put("releasableTo", released.unwrap_or_default().join(" "));
    put("displayOnlyTo", shown.join(" "));
    for name in ["nonICmarkings", "nonUSControls"] {
        put(name, native(label, name).join(" "));
    }
    attributes.extend(own(label, losses));
    let attributes: Vec<String> =
        attributes.into_iter().map(|(name, value)| format!("{name}=\"{}\"", escape(&value))).collect();
    format!("<marking xmlns:ism=\"{ISM}\" xmlns:bongsu=\"{OWN}\" {}/>", attributes.join(" "))
}

fn native<'l>(label: &'l Label, attribute: &str) -> Vec<&'l str> {
    let placed = label.categories.iter().filter_map(|category| place(category));
    placed.filter(|(name, _)| *name == attribute).map(|(_, token)| token).collect()
}

/// Who may have it, USA first; `None` when the label cannot be said: the list of a resource of the United States
/// begins with USA and has a second country (ISM-ID-00041 and ISM-ID-00319).
fn release_to<'l>(label: &'l Label, losses: &mut Vec<Loss>) -> Option<Vec<&'l str>> {
    let codes = ordered(label.rel_to.iter());
    let us = label.originators.iter().any(|owner| owner.as_str() == "USA");
    if us && !codes.is_empty() && (codes.first() != Some(&"USA") || codes.len() == 1) {
        let why = "releasableTo of the United States begins with USA and names another; closed to everybody but the \
                   originator";
        losses.push(Loss::new("rel_to", countries(label.rel_to.iter()), why));
        return None;
    }
    Some(codes)
}

fn dissemination(label: &Label, released: &Option<Vec<&str>>) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let noforn = label.caveats.contains(&Caveat::Noforn) || released.is_none();
    let shown = !label.display_only.is_empty() && released.is_some();
    let listed = released.as_ref().is_some_and(|codes| !codes.is_empty());
    if label.caveats.contains(&Caveat::Orcon) {
        tokens.push("OC".to_owned());
    }
    tokens.extend(native(label, "disseminationControls").into_iter().map(str::to_owned));
    for (present, token) in
        [(noforn, "NF"), (listed, "REL"), (label.relido && !noforn, "RELIDO"), (shown, "DISPLAYONLY")]
    {
        if present {
            tokens.push(token.to_owned());
        }
    }
    tokens
}

fn own(label: &Label, losses: &mut Vec<Loss>) -> Vec<(String, String)> {
    let beside = "in an attribute of ours, which other programs do not read";
    let mut attributes = Vec::new();
    if label.caveats.contains(&Caveat::Exercise) {
        losses.push(Loss::new("caveats", "EXERCISE", beside));
        attributes.push(("bongsu:exercise".to_owned(), "true".to_owned()));
    }
    let mut controls = Vec::new();
    let mut put = |field: &str, word: String| {
        losses.push(Loss::new(field, word.clone(), beside));
        controls.push(word);
    };
    label.policies.iter().for_each(|policy| put("policy", format!("POLICY {policy}")));
    if let Some(tlp) = label.tlp {
        put("tlp", format!("TLP:{tlp}"));
    }
    if let Some(pap) = label.pap {
        put("pap", format!("PAP:{pap}"));
    }
    for (field, word, time) in [
        ("valid_from", "FROM", label.valid_from),
        ("review", "REVIEW", label.review),
        ("expires", "UNTIL", label.expires),
    ] {
        if let Some(time) = time {
            put(field, format!("{word} {time}"));
        }
    }
    for category in label.categories.iter().filter(|category| !super::is_native(category)) {
        put("categories", format!("CAT {category}"));
    }
    if !controls.is_empty() {
        attributes.push(("bongsu:controls".to_owned(), controls.join("/")));
    }
    attributes
}
