//! Passing on what another owns.

use base::{Marked, Timestamp};

use crate::{Audience, Caveat, Label, Released, Rule, Rules, Withheld};

/// What the record says of an item of another owner that is to be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relayed {
    /// Whether its owner took it back.
    pub recalled: bool,
    /// Whether its originator's signed grant for this item and this audience is held, and holds now.
    pub granted: bool,
}

/// Decides whether an item of another owner may go on to `audience`. Without the originator's own grant it never may,
/// with ORCON or without; with it, the marking must still allow the audience, and our view of its clearance may only
/// narrow. What the item rests on was judged by its originator for this audience when it granted.
///
/// # Errors
/// With the rule that withheld it: `recalled`, those of the marking, `caveat.orcon` or `originator.other` without a
/// grant, `level.above_clearance`, `caveat.noforn`, `rel.empty`, `rel.not_listed`.
pub fn relay<T: Marked>(
    item: T,
    audience: &Audience,
    rules: &Rules,
    relayed: Relayed,
    now: Timestamp,
) -> Result<Released<T>, Withheld> {
    let withheld = |rule, path: &str| Withheld { rule, path: path.to_owned(), cause: None };
    if relayed.recalled {
        return Err(withheld(Rule::Recalled, "item"));
    }
    let marking = item.marking().ok_or_else(|| withheld(Rule::MarkingMissing, "marking"))?;
    let label = Label::parse(marking, &rules.codes).map_err(|e| withheld(e.rule(), &e.path()))?;
    let orcon = label.caveats.contains(&Caveat::Orcon);
    let refused = if !relayed.granted && orcon {
        Some((Rule::CaveatOrcon, "marking.caveats"))
    } else if !relayed.granted {
        Some((Rule::OriginatorOther, "marking.originator"))
    } else if label.level > audience.clearance {
        Some((Rule::LevelAboveClearance, "marking.level"))
    } else if label.caveats.contains(&Caveat::Noforn) {
        Some((Rule::CaveatNoforn, "marking.caveats"))
    } else if label.rel_to.is_empty() {
        Some((Rule::RelEmpty, "marking.rel_to"))
    } else if !label.rel_to.contains(&audience.country) {
        Some((Rule::RelNotListed, "marking.rel_to"))
    } else {
        None
    };
    match refused {
        Some((rule, path)) => Err(withheld(rule, path)),
        None => Ok(Released::decided(item, audience, rules, now)),
    }
}
