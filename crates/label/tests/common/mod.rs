//! An item with nothing but a marking and evidence, and shorthands around `release`.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base::{EntryId, Marked, Marking, Timestamp};
use label::{Audience, Evidence, Level, Released, Rules, Standing, Withheld, release};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) marking: Option<Marking>,
    pub(crate) evidence: Vec<EntryId>,
}

impl Item {
    pub(crate) fn new(marking: Marking) -> Self {
        Self { marking: Some(marking), evidence: Vec::new() }
    }

    pub(crate) fn on(marking: Marking, evidence: &[EntryId]) -> Self {
        Self { marking: Some(marking), evidence: evidence.to_vec() }
    }
}

impl Marked for Item {
    fn marking(&self) -> Option<&Marking> {
        self.marking.as_ref()
    }

    fn evidence(&self) -> &[EntryId] {
        &self.evidence
    }
}

pub(crate) fn id(number: u8) -> EntryId {
    EntryId::from_bytes([number; 32])
}

pub(crate) fn audience(country: &str, clearance: Level) -> Audience {
    Audience {
        node: "ally".parse().unwrap(),
        country: country.parse().unwrap(),
        clearance,
        organisation: None,
    }
}

/// We are KOR.
pub(crate) static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::new("KOR".parse().unwrap()));

/// What a node holds.
pub(crate) type Held = BTreeMap<EntryId, Evidence>;

pub(crate) fn decide<T: Marked>(item: T, audience: &Audience, held: &Held) -> Result<Released<T>, Withheld> {
    let find = |id: &EntryId| held.get(id).cloned().unwrap_or(Evidence::Unknown);
    let standing = Standing { recalled: false, evidence: &find };
    release(item, audience, &RULES, &standing, Timestamp::UNIX_EPOCH)
}

/// The rule that holds an item back, empty when it goes out.
pub(crate) fn rule<T: Marked>(item: T, audience: &Audience, held: &Held) -> &'static str {
    decide(item, audience, held).err().map_or("", |withheld| withheld.rule.as_str())
}
