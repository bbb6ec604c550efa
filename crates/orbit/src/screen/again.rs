use std::collections::BTreeSet;
use std::ops::ControlFlow;

use base::{Interval, NoradId};

use super::{Approach, MAX_APPROACHES, ScreenError, ScreenLimits, Screening, screen};
use crate::Catalogue;

/// Screens again after some element sets of a catalogue have changed, in a part of the time.
///
/// `previous` is what [`screen`] found among all pairs of the catalogue as it was, over the same span and with the same
/// limits; `changed` names the objects whose element sets have changed since, and those that have come or gone. Pairs
/// with one of them are screened, approaches of the others are kept, but for those of objects that `catalogue` no longer
/// has. The approaches are, to the last bit, those of [`screen`] for all pairs of `catalogue`; the faults are those of
/// a screening in which the changed objects are the primaries. An object that has changed and is not named keeps its old
/// approaches: nothing here can tell.
///
/// # Errors
/// As [`screen`]; also when an approach of `previous` does not lie in the span and within the limit, so that it comes
/// from another screening.
///
/// ```
/// use std::ops::ControlFlow;
/// let quiet = |_, _| ControlFlow::Continue(());
/// let catalogue = orbit::Catalogue::default();
/// let span = base::Interval::starting("2026-03-10T12:00:00Z".parse().unwrap(), 3600.0);
/// let limits = orbit::ScreenLimits::within_km(5.0).unwrap();
/// let before = orbit::screen(&catalogue, span, &limits, None, None, &quiet).unwrap();
/// let changed = [base::NoradId::new(25544)].into();
/// let after =
///     orbit::rescreen(&before.approaches, &changed, &catalogue, span, &limits, None, &quiet).unwrap();
/// assert_eq!(after, before);
/// ```
pub fn rescreen(
    previous: &[Approach],
    changed: &BTreeSet<NoradId>,
    catalogue: &Catalogue,
    span: Interval,
    limits: &ScreenLimits,
    pool: Option<&rayon::ThreadPool>,
    progress: &(dyn Fn(u64, u64) -> ControlFlow<()> + Sync),
) -> Result<Screening, ScreenError> {
    if let Some(strange) = previous.iter().find(|approach| !belongs(approach, span, limits)) {
        return Err(ScreenError::OtherScreening { a: strange.norad_a(), b: strange.norad_b() });
    }
    let present = changed.iter().copied().filter(|id| catalogue.get(*id).is_some()).collect();
    let mut found = screen(catalogue, span, limits, Some(&present), pool, progress)?;
    let stays = |id: NoradId| !changed.contains(&id) && catalogue.get(id).is_some();
    found.approaches.extend(previous.iter().filter(|a| stays(a.norad_a()) && stays(a.norad_b())));
    if found.approaches.len() > MAX_APPROACHES {
        return Err(ScreenError::TooMany { limit: MAX_APPROACHES });
    }
    found.approaches.sort_by_key(Approach::order);
    Ok(found)
}

/// Whether a screening of this span can have found it.
fn belongs(approach: &Approach, span: Interval, limits: &ScreenLimits) -> bool {
    let is_inside = match approach {
        Approach::Event(e) => span.contains(e.tca),
        Approach::Interval(p) => span.start() <= p.start && p.end <= span.end(),
    };
    is_inside && approach.closest_km() <= limits.km() && approach.norad_a() < approach.norad_b()
}
