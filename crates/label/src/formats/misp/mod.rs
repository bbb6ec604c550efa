//! MISP: `distribution`, sharing groups and tags of events and attributes (MISP core format, draft-dulaunoy).
//!
//! | distribution | reaches |
//! |---|---|
//! | 0 your organisation only | nobody else |
//! | 1 this community, 2 connected communities, 3 all | nobody: they name no organisations |
//! | 4 sharing group | the organisations of the group, by UUID, that stand for a country |
//! | 5 inherit | as the event |
//!
//! A number of a sharing group means something on the server that gave it and nowhere else: it is never read. Nor is
//! `all_orgs` of a server: whose organisations those are is that server's matter.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::write;

use std::collections::{BTreeMap, BTreeSet};

use base::Country;
use serde::Deserialize;

use crate::Level;

/// Which MISP organisations stand for which country, and the sharing groups that this node knows, by UUID in small
/// letters.
///
/// An organisation belongs here only when its country's nodes may have all that it may: a company of a country does not
/// stand for it. One that is not here reaches nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisations {
    /// The country for which an organisation stands.
    #[serde(default)]
    pub countries: BTreeMap<String, Country>,
    /// The organisations of a sharing group. A group that is here never reaches further than this says.
    #[serde(default)]
    pub groups: BTreeMap<String, BTreeSet<String>>,
}

/// Tags of the `nato` and `euci` taxonomies that say a level.
const LEVELS: [(&str, Level); 9] = [
    ("nato:classification=\"CTS\"", Level::TopSecret),
    ("nato:classification=\"NS\"", Level::Secret),
    ("nato:classification=\"NC\"", Level::Confidential),
    ("nato:classification=\"NR\"", Level::Restricted),
    ("nato:classification=\"NU\"", Level::Unclassified),
    ("euci:TS-UE/EU-TS", Level::TopSecret),
    ("euci:S-UE/EU-S", Level::Secret),
    ("euci:C-UE/EU-C", Level::Confidential),
    ("euci:R-UE/EU-R", Level::Restricted),
];

/// What our own tags begin with; the rest is a control of a banner.
const OWN: &str = "bongsu:control=\"";
