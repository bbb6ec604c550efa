use std::borrow::Cow;
use std::collections::BTreeSet;

use base::{Country, Marking, Timestamp};

use crate::{Caveat, Codes, Label, LabelError};

/// The label that an item derived from two others must carry at least.
///
/// | field | join |
/// |---|---|
/// | level, TLP, PAP | the narrower word; a word is narrower than none |
/// | caveats (NOFORN, ORCON, EXERCISE), categories, policies, originators, derived-from | union |
/// | REL list | intersection; empty as soon as one side is NOFORN |
/// | display-only list | who may see both (has it or may be shown it) and may not have both |
/// | RELIDO | only when both have it: it permits |
/// | valid-from | the later |
/// | review, expiry | the earlier |
///
/// Between items of different originators each side's REL list first counts its own originator in (it has its own
/// already), so that an answer to an ally's item can go to that ally; who was on one list only loses it. What follows
/// from several originators at release: see [`release`](crate::release()).
///
/// The operation is commutative, associative and idempotent, and the result never reaches anybody whom one of the
/// two sides does not.
pub fn join(a: &Label, b: &Label) -> Label {
    let caveats: BTreeSet<_> = a.caveats.union(&b.caveats).copied().collect();
    let noforn = caveats.contains(&Caveat::Noforn);
    let (rel_to, display_only) = if noforn { Default::default() } else { reach(a, b) };
    Label {
        level: a.level.max(b.level),
        rel_to,
        caveats,
        originators: union(&a.originators, &b.originators),
        policies: union(&a.policies, &b.policies),
        categories: union(&a.categories, &b.categories),
        display_only,
        relido: a.relido && b.relido && !noforn,
        tlp: a.tlp.max(b.tlp),
        pap: a.pap.max(b.pap),
        derived_from: union(&a.derived_from, &b.derived_from),
        valid_from: a.valid_from.max(b.valid_from),
        review: earlier(a.review, b.review),
        expires: earlier(a.expires, b.expires),
    }
}

fn union<T: Ord + Clone>(a: &BTreeSet<T>, b: &BTreeSet<T>) -> BTreeSet<T> {
    a.union(b).cloned().collect()
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    a.into_iter().chain(b).min()
}

/// Who may have both, and who may only be shown both. For each country the chain is: nothing, shown, given.
fn reach(a: &Label, b: &Label) -> (BTreeSet<Country>, BTreeSet<Country>) {
    let (a_has, b_has) = if a.originators == b.originators {
        (Cow::Borrowed(&a.rel_to), Cow::Borrowed(&b.rel_to))
    } else {
        (holders(a), holders(b))
    };
    let given: BTreeSet<Country> = a_has.intersection(&b_has).cloned().collect();
    let shown = a
        .display_only
        .iter()
        .filter(|country| b_has.contains(country) || b.display_only.contains(country))
        .chain(b.display_only.iter().filter(|country| a_has.contains(country)))
        .cloned()
        .collect();
    (given, shown)
}

/// Who has the item when its rules are followed. A joint REL list is already a list of holders: counting the
/// originators in again would widen it.
fn holders(label: &Label) -> Cow<'_, BTreeSet<Country>> {
    if label.originators.len() > 1 || label.originators.is_subset(&label.rel_to) {
        Cow::Borrowed(&label.rel_to)
    } else {
        Cow::Owned(label.rel_to.union(&label.originators).cloned().collect())
    }
}

/// The marking that an item derived from all of these must carry at least, in one spelling.
///
/// Whoever derives adds the marking of its own contribution to the list: an item derived only from an ally's items
/// otherwise remains that ally's.
///
/// # Errors
/// When one of the markings is no [`Label`], or there is none.
pub fn join_markings(markings: &[&Marking], codes: &Codes) -> Result<Marking, LabelError> {
    let mut joined: Option<Label> = None;
    for marking in markings {
        let label = Label::parse(marking, codes)?;
        joined = Some(match joined {
            Some(so_far) => join(&so_far, &label),
            None => label,
        });
    }
    joined.map(|label| label.to_marking()).ok_or(LabelError::NothingToJoin)
}
