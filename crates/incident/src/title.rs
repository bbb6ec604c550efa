use std::collections::{BTreeMap, BTreeSet};

use base::ObjectRef;

use crate::group::{Entry, ties};

/// How many names a title lists before it counts the rest.
const NAMES: usize = 2;

/// One line for an incident.
///
/// What an officer wrote says it best: the worst, then earliest report gives its title. A single finding gives its
/// own. Otherwise the title is counted: `KOMPSAT-3A: 3 approaches, closest 0.84 km`.
pub(crate) fn title(members: &[Entry<'_>], objects: &[ObjectRef]) -> String {
    // `min_by_key` takes the first of equals, and members are sorted by time.
    let report = members
        .iter()
        .filter(|(_, finding)| finding.kind.starts_with("report."))
        .min_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    if let Some((_, report)) = report {
        return report.title.clone();
    }
    if let [(_, only)] = members {
        return only.title.clone();
    }
    let counted = format!("{}: {}", subject(members, objects), counts(members));
    match closest_km(members) {
        Some(km) => format!("{counted}, closest {km:.2} km"),
        None => counted,
    }
}

/// The names of what ties the findings together.
fn subject(members: &[Entry<'_>], objects: &[ObjectRef]) -> String {
    let tying: BTreeSet<&str> =
        members.iter().flat_map(|(_, finding)| ties(finding)).map(|object| object.id.as_str()).collect();
    let any_protected = objects.iter().any(|object| object.protected);
    let mut names: Vec<&str> = objects
        .iter()
        .filter(|object| tying.contains(object.id.as_str()) && (object.protected || !any_protected))
        .map(|object| object.name.as_deref().unwrap_or(&object.id))
        .collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(NAMES);
    names.truncate(NAMES);
    let listed = names.join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

/// How many of what: `3 approaches, 1 proximity`.
fn counts(members: &[Entry<'_>]) -> String {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (_, finding) in members {
        *counts.entry(words(&finding.kind)).or_default() += 1;
    }
    let part = |((one, many), count): ((&str, &str), usize)| {
        if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
    };
    counts.into_iter().map(part).collect::<Vec<_>>().join(", ")
}

/// The words for one and for many findings of a kind.
fn words(kind: &str) -> (&'static str, &'static str) {
    match kind.rsplit('.').next() {
        Some("approach") => ("approach", "approaches"),
        Some("proximity") => ("proximity", "proximities"),
        _ => ("finding", "findings"),
    }
}

/// The smallest distance that any finding measured.
fn closest_km(members: &[Entry<'_>]) -> Option<f64> {
    members
        .iter()
        .flat_map(|(_, finding)| ["miss_km", "min_km"].map(|measure| finding.measures.get(measure).copied()))
        .flatten()
        .min_by(f64::total_cmp)
}
