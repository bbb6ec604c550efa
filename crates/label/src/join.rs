use std::borrow::Cow;
use std::collections::BTreeSet;

use base::{Country, Marking};

use crate::{Caveat, Codes, Label, LabelError};

/// The label that an item derived from two others must carry at least.
///
/// Level is the higher one, caveats are the union, originators are the union. The REL list is the intersection, and
/// empty as soon as one side is `NOFORN`. Between items of different originators each side's REL list first counts
/// its own originator in (it has its own already), so that an answer to an ally's item can go to that ally; who was on
/// one list only loses it. What follows from several originators at release: see [`release`](crate::release()).
///
/// The operation is commutative, associative and idempotent, and the result never reaches anybody whom one of the
/// two sides does not.
pub fn join(a: &Label, b: &Label) -> Label {
    let caveats: BTreeSet<_> = a.caveats.union(&b.caveats).copied().collect();
    let rel_to = if caveats.contains(&Caveat::Noforn) {
        BTreeSet::new()
    } else if a.originators == b.originators {
        a.rel_to.intersection(&b.rel_to).cloned().collect()
    } else {
        holders(a).intersection(&holders(b)).cloned().collect()
    };
    Label {
        level: a.level.max(b.level),
        rel_to,
        caveats,
        originators: a.originators.union(&b.originators).cloned().collect(),
    }
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
