use base::{Country, EntryId, Facts, Marked, Marking, NodeName, Timestamp};
use serde::{Deserialize, Serialize, Serializer};

use crate::judge::{Part, judge};
use crate::walk::Walk;
use crate::{Codes, Label, LabelError, Level, National, Rule, Withheld, Words};

/// The most links from an item to its evidence, and from there on, that one decision follows.
pub const MAX_EVIDENCE: usize = 100_000;

/// For whom a decision is made: one node of an ally.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// The node.
    pub node: NodeName,
    /// The country whose node it is.
    pub country: Country,
    /// The highest level that may go there.
    pub clearance: Level,
    /// The name under which the officer introduced it; a national policy may ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
}

/// By what a decision is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The country of this node: it releases its own items and nobody else's.
    pub own: Country,
    /// The table of codes of the day.
    pub codes: Codes,
    /// The nations' tables of level words of the day.
    pub words: Words,
    /// The national policy of the day.
    pub national: National,
}

impl Rules {
    /// Rules of a node of country `own` with the table that ships with this version and no national policy.
    pub fn new(own: Country) -> Self {
        Self { own, codes: Codes::builtin(), words: Words::default(), national: National::None }
    }

    /// What the national policy says on an item that the kernel lets go.
    pub(crate) fn ask_nation<T: Marked>(
        &self,
        item: &T,
        label: &Label,
        audience: &Audience,
        now: Timestamp,
    ) -> Result<(), Withheld> {
        if self.national.is_none() {
            return Ok(());
        }
        self.national.check(audience, label, item.facts().as_ref(), now).map_err(|(rule, path)| Withheld {
            rule,
            path,
            cause: None,
        })
    }

    /// Judges a marking, in whose nation's words it may be, by the tables of the day.
    ///
    /// # Errors
    /// As [`Label::parse`].
    pub fn label(&self, marking: &Marking) -> Result<Label, LabelError> {
        Label::parse(&self.words.read(marking), &self.codes)
    }
}

/// What this node knows of an entry that something rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "made for one question and dropped; nobody keeps many")]
pub enum Evidence {
    /// It is not held here, or cannot be read.
    Unknown,
    /// Its owner took it back.
    Recalled,
    /// It is held here.
    Held {
        /// Its marking, when it can be read.
        marking: Option<Marking>,
        /// The entries that it rests on in turn.
        evidence: Vec<EntryId>,
        /// What a national policy may look at; `None` withholds where one is in force.
        facts: Option<Facts>,
    },
}

impl Evidence {
    /// The evidence that an entry held here is.
    pub fn held<T: Marked + ?Sized>(entry: &T) -> Self {
        Self::Held {
            marking: entry.marking().cloned(),
            evidence: entry.evidence().to_vec(),
            facts: entry.facts(),
        }
    }
}

/// What the record says beside the item itself.
#[derive(Clone, Copy)]
pub struct Standing<'a> {
    /// Whether the owner took the item back.
    pub recalled: bool,
    /// Finds what is held under an id.
    pub evidence: &'a dyn Fn(&EntryId) -> Evidence,
}

impl std::fmt::Debug for Standing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standing").field("recalled", &self.recalled).finish_non_exhaustive()
    }
}

/// An item that may go to one audience, and to no other.
///
/// Only [`release`] makes one. There is no way to put another item in, to change the one inside or to name another
/// audience; what comes out by [`into_inner`](Self::into_inner) is an ordinary, unreleased item again. Whoever sends
/// it checks that [`audience`](Self::audience) is the peer at the other end.
///
/// It is written exactly as the item is, and cannot be read: what arrives over a wire was released by another.
#[derive(Debug)]
#[must_use]
pub struct Released<T> {
    item: T,
    audience: NodeName,
    decided_at: Timestamp,
    codes_version: String,
    policy: Option<String>,
}

impl<T> Released<T> {
    /// What a decision of this crate says may go; there is no other way to one.
    pub(crate) fn decided(item: T, audience: &Audience, rules: &Rules, now: Timestamp) -> Self {
        Self {
            item,
            audience: audience.node.clone(),
            decided_at: now,
            codes_version: rules.codes.version().to_owned(),
            policy: rules.national.path(),
        }
    }

    /// The item.
    pub fn get(&self) -> &T {
        &self.item
    }

    /// The item, no longer released.
    pub fn into_inner(self) -> T {
        self.item
    }

    /// The node that may have it.
    pub fn audience(&self) -> &NodeName {
        &self.audience
    }

    /// When that was decided: the `now` that was passed in.
    pub fn decided_at(&self) -> Timestamp {
        self.decided_at
    }

    /// The version of the table of codes by which it was decided.
    pub fn codes_version(&self) -> &str {
        &self.codes_version
    }

    /// The national policy that let it go; `None` when there was none.
    pub fn policy(&self) -> Option<&str> {
        self.policy.as_deref()
    }
}

impl<T: Serialize> Serialize for Released<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.item.serialize(to)
    }
}

/// Decides whether `item` may go to `audience`. The first rule that refuses is reported, in this order:
///
/// 1. `recalled`: the owner took it back.
/// 2. `marking.missing`, then the marking is [parsed](Label::parse): `marking.too_long`, `level.unknown`,
///    `originator.unknown`, `rel.unknown_code`, `caveat.unknown`, `caveat.noforn_with_rel`, `display.unknown_code`,
///    `tlp.unknown`, `pap.unknown`, `policy.unknown`, `category.unknown`.
/// 3. `originator.other`: our own country must be an originator, and every further one must be the audience's own.
///    An item of another owner is not re-shared.
/// 4. `caveat.orcon`: with ORCON, we must be the only originator.
/// 5. `level.above_clearance`, `caveat.noforn`.
/// 6. `policy.unknown`, `category.unknown`, `category.not_held`: the table must know the policies and the categories,
///    and the audience's country must be read in to each category.
/// 7. `tlp.red`: named persons only, and a node is no person. `tlp.amber_strict`: with it, we must be the only
///    originator. The other words, and PAP, bind whoever gets the item; they hold nothing back here.
/// 8. `validity.not_yet` before valid-from, `validity.expired` from the expiry on.
/// 9. `display.only`: the audience may be shown it, and what goes out is given.
/// 10. `rel.empty`, `rel.not_listed`: the audience's country must be in the REL list, also when it is our own.
/// 11. What the item rests on, to the end (evidence of evidence, and what a marking says that it was derived from), each
///     in the order of its list, depth first: `evidence.too_many`, `evidence.unknown`, `evidence.recalled`,
///     `evidence.withheld` when steps 2 to 10 refuse it, and `evidence.level`, `.caveat`, `.category`, `.tlp`,
///     `.pap`, `.validity` when what rests on it lost some of its restriction. Evidence that is the audience's own
///     needs no REL entry and is not followed: the audience has it. Evidence of ours that the national policy refuses
///     is `evidence.withheld` as well.
/// 12. The national policy, which is asked last and can only narrow: `policy.unreadable`, `policy.no_facts`,
///     `policy.error`, `policy.forbid`, `policy.no_permit`. The path names the policy.
///
/// The audience's own clock, network and past play no part: the answer depends on the arguments alone.
///
/// # Errors
/// With the rule that withheld it; see [`Withheld`] for who may read that.
pub fn release<T: Marked>(
    item: T,
    audience: &Audience,
    rules: &Rules,
    standing: &Standing<'_>,
    now: Timestamp,
) -> Result<Released<T>, Withheld> {
    let withheld = |rule, path: &str| Withheld { rule, path: path.to_owned(), cause: None };
    if standing.recalled {
        return Err(withheld(Rule::Recalled, "item"));
    }
    let marking = item.marking().ok_or_else(|| withheld(Rule::MarkingMissing, "marking"))?;
    let label = rules.label(marking).map_err(|e| withheld(e.rule(), &e.path()))?;
    judge(&label, Part::Item, audience, rules, now).map_err(|(rule, path)| withheld(rule, path))?;
    Walk::new(audience, rules, standing, now).check(&label, item.evidence())?;
    rules.ask_nation(&item, &label, audience, now)?;
    Ok(Released::decided(item, audience, rules, now))
}
