use std::collections::{BTreeMap, BTreeSet};

use base::{Confidence, EntryId, Finding, Marking, Method, NoradId, ObjectRef, Severity};

use crate::{Approach, ElementSet, Propagator, sub_point};

/// The name of the method that findings of this room carry.
pub const METHOD_NAME: &str = "orbit.screen";

/// An element set older than this at the closest approach gives low confidence.
const STALE_SECONDS: f64 = 3.0 * 86_400.0;

/// What a finding needs beside the approach.
#[derive(Debug, Clone)]
pub struct FindingContext<'a> {
    /// The satellites that we protect.
    pub protected: &'a BTreeSet<NoradId>,
    /// Who may have the finding.
    pub marking: Marking,
    /// The entries that hold the element sets.
    pub evidence: Vec<EntryId>,
    /// Version of the program.
    pub version: &'a str,
}

/// The finding for an approach of `a` and `b` (in the order of the approach).
///
/// - kind `orbit.approach` (event) or `orbit.proximity` (slow pair); the interval is the closest approach or the time
///   of the stay; the place is the point below `a` at the closest approach, with its altitude.
/// - The protected object comes first in the title and in the list; of two or none `a` does.
/// - Severity of an event: below 0.2 km at the border (4), below 1 km approaching (3), else seen (2). Of a slow pair:
///   seen (2), because co-located fleets are ordinary; who is alone with whom is for analysis behind this to say.
/// - Confidence: element sets are a kilometre off or more, so never high; moderate while both are at most three days
///   from the closest approach, else low.
///
/// Measures: `miss_km`, `relative_speed_km_s`, `radial_km`, `in_track_km`, `cross_track_km` (b relative to a), or
/// `min_km`, `mean_km`, `duration_s`; and `element_age_max_s`.
pub fn finding(approach: &Approach, a: &ElementSet, b: &ElementSet, context: &FindingContext<'_>) -> Finding {
    let object = |set: &ElementSet| ObjectRef {
        id: format!("norad:{}", set.norad_id()),
        name: set.name().map(str::to_owned),
        protected: context.protected.contains(&set.norad_id()),
    };
    let (mut first, mut second) = ((object(a), a.label()), (object(b), b.label()));
    if second.0.protected && !first.0.protected {
        std::mem::swap(&mut first, &mut second);
    }
    let closest = approach.closest_time();
    let age_s = closest.seconds_since(a.epoch()).abs().max(closest.seconds_since(b.epoch()).abs());
    let (kind, title, severity, mut measures) = match approach {
        Approach::Event(event) => (
            "orbit.approach",
            format!("{} passes {} at {} km", second.1, first.1, shown_km(event.miss_km)),
            if event.miss_km < 0.2 {
                Severity::AtTheBorder
            } else if event.miss_km < 1.0 {
                Severity::Approaching
            } else {
                Severity::Seen
            },
            BTreeMap::from([
                ("miss_km".to_owned(), event.miss_km),
                ("relative_speed_km_s".to_owned(), event.relative_speed_km_s),
                ("radial_km".to_owned(), event.radial_km),
                ("in_track_km".to_owned(), event.in_track_km),
                ("cross_track_km".to_owned(), event.cross_track_km),
            ]),
        ),
        Approach::Interval(stay) => (
            "orbit.proximity",
            format!("{} stays near {}, down to {} km", second.1, first.1, shown_km(stay.min_km)),
            Severity::Seen,
            BTreeMap::from([
                ("min_km".to_owned(), stay.min_km),
                ("mean_km".to_owned(), stay.mean_km),
                ("duration_s".to_owned(), approach.interval().seconds()),
            ]),
        ),
    };
    measures.insert("element_age_max_s".to_owned(), age_s);
    let place = Propagator::new(a).ok().and_then(|p| p.state_at(closest).ok()).and_then(|s| sub_point(&s));
    Finding {
        kind: kind.to_owned(),
        title,
        text: None,
        interval: approach.interval(),
        place,
        objects: vec![first.0, second.0],
        severity,
        likelihood: None,
        confidence: if age_s <= STALE_SECONDS { Confidence::Moderate } else { Confidence::Low },
        method: Method { name: METHOD_NAME.to_owned(), version: context.version.to_owned() },
        measures,
        marking: context.marking.clone(),
        evidence: context.evidence.clone(),
    }
}

/// Two decimals, but never a rounded zero.
fn shown_km(km: f64) -> String {
    if km < 0.1 { format!("{km:.3}") } else { format!("{km:.2}") }
}
