//! Labels to lines.

use super::{CATEGORIES, Controls, LEVELS};
use crate::formats::{Loss, countries, ordered};
use crate::{Caveat, Label, Level};

/// The banner of a label with everything that it says.
pub(in crate::formats) fn write(label: &Label, losses: &mut Vec<Loss>) -> String {
    let level = level_for(label, losses);
    let word = LEVELS.iter().find(|(.., known)| *known == level).map_or("", |(banner, ..)| banner);
    let owners = ordered(label.originators.iter());
    let first = match owners.as_slice() {
        ["USA"] => word.to_owned(),
        [owner] => format!("//{owner} {word}"),
        several => format!("//JOINT {word} {}", several.join(" ")),
    };
    let exercise = if label.caveats.contains(&Caveat::Exercise) { "EXERCISE//" } else { "" };
    let mut line = format!("{exercise}{first}");
    for group in groups(label, losses) {
        line.push_str("//");
        line.push_str(&group.join("/"));
    }
    line
}

/// All controls of a label but the REL list, for fields that hold nothing but caveats.
pub(in crate::formats) fn caveat(label: &Label, losses: &mut Vec<Loss>) -> String {
    let mut without = label.clone();
    without.rel_to.clear();
    let exercise = label.caveats.contains(&Caveat::Exercise).then(|| "EXERCISE".to_owned());
    exercise.into_iter().chain(groups(&without, losses).into_iter().flatten()).collect::<Vec<_>>().join("/")
}

/// The register has no RESTRICTED for the United States: the next level says no less.
pub(in crate::formats) fn level_for(label: &Label, losses: &mut Vec<Loss>) -> Level {
    let us = label.originators.iter().any(|owner| owner.as_str() == "USA");
    if us && label.level == Level::Restricted {
        let why = "the United States have no such level; written as CONFIDENTIAL";
        losses.push(Loss::new("level", "RESTRICTED", why));
        return Level::Confidential;
    }
    label.level
}

fn groups(label: &Label, losses: &mut Vec<Loss>) -> Vec<Vec<String>> {
    let mut own = Vec::new();
    let (mut sci, mut sar, mut aea, mut fgi) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut dissem, mut non_ic) = (Vec::new(), Vec::new());
    for category in &label.categories {
        let Some(word) = control(category) else {
            own.push(format!("CAT {category}"));
            continue;
        };
        match category.split(':').next() {
            Some("SCI") => sci.push(word),
            Some("SAR") => sar.push(word),
            Some("AEA") => aea.push(word),
            Some("FGI") => fgi.push(word),
            Some("DISSEM") => dissem.push(word),
            _ => non_ic.push(word),
        }
    }
    let mut controls = Vec::new();
    if label.caveats.contains(&Caveat::Orcon) {
        controls.push("ORCON".to_owned());
    }
    controls.append(&mut dissem);
    if label.caveats.contains(&Caveat::Noforn) {
        controls.push("NOFORN".to_owned());
    }
    if !label.rel_to.is_empty() {
        controls.push(release_to(label, losses));
    }
    if label.relido {
        controls.push("RELIDO".to_owned());
    }
    if !label.display_only.is_empty() {
        controls.push(format!("DISPLAY ONLY {}", countries(label.display_only.iter())));
    }
    own.splice(0..0, added(label));
    [sci, sar, aea, fgi, controls, non_ic, own].into_iter().filter(|group| !group.is_empty()).collect()
}

/// The register wants the United States first on their own lists. A label that keeps their other nodes out cannot be said
/// in it, and who would read `REL TO KOR` as theirs would read it wrong.
fn release_to(label: &Label, losses: &mut Vec<Loss>) -> String {
    let us = |country: &base::Country| country.as_str() == "USA";
    if label.originators.iter().any(us) && !label.rel_to.iter().any(us) {
        let why = "a list of the United States begins with USA, and this label does not reach their other nodes; \
                   closed to everybody but the originator: put USA on the list to write it";
        losses.push(Loss::new("rel_to", countries(label.rel_to.iter()), why));
        return "NOFORN".to_owned();
    }
    format!("REL TO {}", countries(label.rel_to.iter()))
}

/// A category as the control that is read as it; `None` when there is none.
fn control(category: &str) -> Option<String> {
    let known =
        CATEGORIES.iter().find(|(.., known)| *known == category).map(|(banner, ..)| (*banner).to_owned());
    let word = known.or_else(|| match category.split_once(':') {
        Some(("SAR", word)) => Some(format!("SAR-{word}")),
        Some((_, word)) => Some(word.to_owned()),
        None => Some(category.to_owned()),
    })?;
    // Whatever the word looks like: only what is read as this very category is written as it.
    let mut again = Controls::onto(base::Marking::default());
    again.take(&word);
    let same = base::Marking { categories: vec![category.to_owned()], ..base::Marking::default() };
    (again.marking == same && !word.contains(['/', ','])).then_some(word)
}

fn added(label: &Label) -> Vec<String> {
    let policies = label.policies.iter().map(|policy| format!("POLICY {policy}"));
    let words = [
        label.tlp.map(|tlp| format!("TLP:{tlp}")),
        label.pap.map(|pap| format!("PAP:{pap}")),
        label.valid_from.map(|time| format!("FROM {time}")),
        label.review.map(|time| format!("REVIEW {time}")),
        label.expires.map(|time| format!("UNTIL {time}")),
    ];
    policies.chain(words.into_iter().flatten()).collect()
}
