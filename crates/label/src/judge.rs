//! The decision on one label, without what the item rests on.

use base::Timestamp;

use crate::{Audience, Caveat, Codes, Label, Rule, Rules, Tlp};

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

pub(crate) fn judge(
    label: &Label,
    part: Part,
    audience: &Audience,
    rules: &Rules,
    now: Timestamp,
) -> Result<(), Refusal> {
    let own = &rules.own;
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
    policy_and_categories(label, audience, &rules.codes)?;
    protocol_and_time(label, only_ours, now)?;
    if label.display_only.contains(&audience.country) {
        return Err((Rule::DisplayOnly, "marking.display_only"));
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

fn policy_and_categories(label: &Label, audience: &Audience, codes: &Codes) -> Result<(), Refusal> {
    if !label.policies.iter().all(|policy| codes.knows_policy(policy)) {
        return Err((Rule::PolicyUnknown, "marking.policy"));
    }
    for category in &label.categories {
        match codes.read_in(category) {
            None => return Err((Rule::CategoryUnknown, "marking.categories")),
            Some(countries) if !countries.contains(&audience.country) => {
                return Err((Rule::CategoryNotHeld, "marking.categories"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn protocol_and_time(label: &Label, only_ours: bool, now: Timestamp) -> Result<(), Refusal> {
    match label.tlp {
        Some(Tlp::Red) => return Err((Rule::TlpRed, "marking.tlp")),
        // Another organisation's, perhaps not the audience's: the label knows countries, not organisations.
        Some(Tlp::AmberStrict) if !only_ours => return Err((Rule::TlpAmberStrict, "marking.tlp")),
        _ => {}
    }
    if label.valid_from.is_some_and(|start| now < start) {
        return Err((Rule::ValidityNotYet, "marking.valid_from"));
    }
    if label.expires.is_some_and(|end| now >= end) {
        return Err((Rule::ValidityExpired, "marking.expires"));
    }
    Ok(())
}
