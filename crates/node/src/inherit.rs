//! What is derived is never wider than what it rests on.

use std::collections::BTreeSet;

use base::{EntryId, Marking};
use label::{Codes, Evidence, Label};

use crate::core::Draft;

/// The draft with the marking that its evidence leaves it: the join with the marking of each entry that it rests on
/// or that its marking says it was derived from, and nobody when one of these is not held, was taken back or cannot be judged.
///
/// So what an item shows of itself says already that it is withheld, and nobody who marks what rests on it need know
/// what lies below.
pub(crate) fn narrowed(mut draft: Draft, codes: &Codes, look_up: impl Fn(&EntryId) -> Evidence) -> Draft {
    let (marking, evidence) = match &mut draft {
        Draft::Finding(finding) => (&mut finding.marking, &finding.evidence),
        Draft::Observation(observation) => (&mut observation.marking, &observation.evidence),
        // An incident is derived from findings of its own marking; the rest rests on nothing.
        _ => return draft,
    };
    let derived_from = marking.derived_from.clone();
    for id in evidence.iter().chain(&derived_from) {
        let below = match look_up(id) {
            Evidence::Held { marking, .. } => marking,
            Evidence::Unknown | Evidence::Recalled => None,
        };
        *marking = joined(marking, below.as_ref(), codes);
    }
    draft
}

/// What the drafts rest on, each once.
pub(crate) fn rests_on(drafts: &[Draft]) -> BTreeSet<EntryId> {
    drafts
        .iter()
        .filter_map(|draft| match draft {
            Draft::Finding(finding) => Some((&finding.evidence, &finding.marking)),
            Draft::Observation(observation) => Some((&observation.evidence, &observation.marking)),
            _ => None,
        })
        .flat_map(|(evidence, marking)| evidence.iter().chain(&marking.derived_from))
        .copied()
        .collect()
}

fn joined(own: &Marking, below: Option<&Marking>, codes: &Codes) -> Marking {
    let nobody = || Marking { rel_to: Vec::new(), ..own.clone() };
    let Some(below) = below else { return nobody() };
    match label::join_markings(&[own, below], codes) {
        // Nothing was lost: the words stay as they were written.
        Ok(joined) if Label::parse(own, codes).is_ok_and(|label| label.to_marking() == joined) => own.clone(),
        Ok(joined) => joined,
        Err(_) => nobody(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marking(level: &str, rel_to: &[&str]) -> Marking {
        Marking::new(level, rel_to, "KOR")
    }

    #[test]
    fn every_marking_below_counts() {
        let codes = Codes::builtin();
        let join = |own: &Marking, below: Option<Marking>| joined(own, below.as_ref(), &codes);
        let own = marking("RESTRICTED", &["USA", "JPN"]);
        assert_eq!(join(&own, Some(marking("SECRET", &["USA"]))), marking("SECRET", &["USA"]));
        assert_eq!(join(&own, Some(marking("UNCLASSIFIED", &["JPN", "USA", "AUS"]))), own);
        assert_eq!(join(&own, None), marking("RESTRICTED", &[]));
        assert_eq!(join(&own, Some(marking("EYES ONLY", &["USA"]))), marking("RESTRICTED", &[]));
        let group = marking("RESTRICTED", &["FVEY"]);
        assert_eq!(join(&group, Some(group.clone())), group, "the words stay as they were written");
    }
}
