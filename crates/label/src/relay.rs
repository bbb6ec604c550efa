//! Passing on what another owns.

use base::{Marked, Timestamp};

use crate::judge::{Part, judge};
use crate::{Audience, Caveat, Released, Rule, Rules, Withheld};

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
/// grant, then those that [`release`](crate::release()) has for an item of our own, the national policy among them.
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
    let label = rules.label(marking).map_err(|e| withheld(e.rule(), &e.path()))?;
    if !relayed.granted {
        return Err(if label.caveats.contains(&Caveat::Orcon) {
            withheld(Rule::CaveatOrcon, "marking.caveats")
        } else {
            withheld(Rule::OriginatorOther, "marking.originator")
        });
    }
    judge(&label, Part::Granted, audience, rules, now).map_err(|(rule, path)| withheld(rule, path))?;
    rules.ask_nation(&item, &label, audience, now)?;
    Ok(Released::decided(item, audience, rules, now))
}
