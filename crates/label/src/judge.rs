//! The decision on one label, without what the item rests on.

use base::Country;

use crate::{Audience, Caveat, Label, Rule};

/// What a label stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The item that is to go out: we must own it, at least with others.
    Item,
    /// Something it rests on, which may also be the audience's own.
    Evidence,
}

/// Why a label does not reach an audience: the rule and the field of the marking.
pub(crate) type Refusal = (Rule, &'static str);

pub(crate) fn judge(label: &Label, part: Part, audience: &Audience, own: &Country) -> Result<(), Refusal> {
    let originators = &label.originators;
    let ours_or_theirs = originators.iter().all(|c| c == own || *c == audience.country);
    if !ours_or_theirs || (part == Part::Item && !originators.contains(own)) {
        return Err((Rule::OriginatorOther, "marking.originator"));
    }
    let only_ours = originators.iter().all(|c| c == own);
    if label.caveats.contains(&Caveat::Orcon) && !only_ours {
        return Err((Rule::CaveatOrcon, "marking.caveats"));
    }
    if label.level > audience.clearance {
        return Err((Rule::LevelAboveClearance, "marking.level"));
    }
    if label.caveats.contains(&Caveat::Noforn) {
        return Err((Rule::CaveatNoforn, "marking.caveats"));
    }
    // An originator always has its own, whoever else is on its list.
    if originators.contains(own) {
        if label.rel_to.is_empty() {
            return Err((Rule::RelEmpty, "marking.rel_to"));
        }
        if !label.rel_to.contains(&audience.country) {
            return Err((Rule::RelNotListed, "marking.rel_to"));
        }
    }
    Ok(())
}
