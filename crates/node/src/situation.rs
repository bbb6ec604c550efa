//! What is computed from the record but kept in memory, because it is whole or nothing: the catalogue that positions
//! and screenings are made from. For the owner only: raw bytes do not travel with an entry, so no ally has it.

use std::collections::BTreeSet;
use std::sync::Arc;

use base::{EntryId, Finding, Interval, NoradId, Timestamp};

/// A catalogue with what is computed from it once.
pub(crate) struct LoadedCatalogue {
    pub(crate) entry: EntryId,
    pub(crate) title: String,
    pub(crate) received: Timestamp,
    pub(crate) epochs: Option<Interval>,
    pub(crate) catalogue: orbit::Catalogue,
    pub(crate) ephemeris: orbit::Ephemeris,
}

/// The current catalogue and what was done with it.
#[derive(Default, Clone)]
pub(crate) struct Situation {
    pub(crate) catalogue: Option<Arc<LoadedCatalogue>>,
    pub(crate) protected: Arc<BTreeSet<NoradId>>,
    pub(crate) screened: Option<Interval>,
}

/// By which a finding that was reached before is known again: kind, objects and start to the second.
pub(crate) fn finding_key(finding: &Finding) -> (String, Vec<String>, i64) {
    let objects = finding.objects.iter().map(|o| o.id.clone()).collect();
    (finding.kind.clone(), objects, finding.interval.start().unix_nanos().div_euclid(1_000_000_000))
}
