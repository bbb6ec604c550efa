//! Few objects against all: body by body, the windows side by side.

use super::bodies::Body;
use super::bound::{Bound, Meeting, Test};
use super::grid::Splat;
use super::marks::Track;
use super::rough::Looks;
use super::sightings::Sightings;
use crate::Kernel;
use crate::simd::{Floats, Job, Lanes, dispatch};

/// A body over a run of windows: marks, and what stands in for them in odd windows.
#[derive(Default)]
pub(super) struct Followed {
    pub(super) track: Track,
    /// Odd windows by rising number, counted from the run's first; nothing where the body has no valid state.
    pub(super) odd: Vec<(usize, Option<Sightings>)>,
    /// Memory for a rough body.
    pub(super) looks: Looks,
}

impl Followed {
    fn odd_at(&self, window: usize) -> Option<&Option<Sightings>> {
        self.odd.binary_search_by_key(&window, |o| o.0).ok().and_then(|i| self.odd.get(i)).map(|o| &o.1)
    }
}

/// Whether two bodies whose radii these are can meet at all.
pub(super) fn radii_meet(a: &Body, b: &Body, within_km: f64) -> bool {
    a.radii_km.0 <= b.radii_km.1 + within_km && b.radii_km.0 <= a.radii_km.1 + within_km
}

/// The windows of a run, counted from its first, in which two bodies can meet, and when.
pub(super) fn meetings(
    a: &Followed,
    b: &Followed,
    pads_km: f64,
    count: usize,
    bound: &Bound,
    kernel: Kernel,
    found: &mut Vec<(usize, Meeting)>,
) {
    found.clear();
    let test = bound.widest_test(pads_km);
    let mut windows = Vec::new();
    dispatch(kernel, SideBySide { a: &a.track, b: &b.track, test: &test, count, found: &mut windows });
    found.extend(windows.into_iter().filter_map(|w| {
        if a.odd_at(w).is_some() || b.odd_at(w).is_some() {
            return None;
        }
        let meeting = test.meeting(bound, &a.track.mark(w), &b.track.mark(w), pads_km)?;
        Some((w, meeting))
    }));
    if a.odd.is_empty() && b.odd.is_empty() {
        return;
    }
    let mut windows: Vec<usize> = a.odd.iter().chain(&b.odd).map(|o| o.0).collect();
    windows.sort_unstable();
    windows.dedup();
    found.extend(windows.into_iter().filter_map(|w| Some((w, odd_meeting(a, b, w, bound)?))));
    found.sort_unstable_by_key(|(window, _)| *window);
}

fn odd_meeting(a: &Followed, b: &Followed, window: usize, bound: &Bound) -> Option<Meeting> {
    let marked =
        |seen: &Sightings, track: &Track| seen.meeting(bound, &track.mark(window), track.reach_km[window]);
    match (a.odd_at(window), b.odd_at(window)) {
        (Some(None), _) | (_, Some(None)) | (None, None) => None,
        (Some(Some(x)), Some(Some(y))) => x.meeting_other(bound, y),
        (Some(Some(x)), None) => marked(x, &b.track),
        (None, Some(Some(y))) => marked(y, &a.track),
    }
}

struct SideBySide<'a> {
    a: &'a Track,
    b: &'a Track,
    test: &'a Test,
    count: usize,
    found: &'a mut Vec<usize>,
}

impl Job for SideBySide<'_> {
    type Out = ();

    #[inline(always)]
    fn run<D: Lanes, F: Floats>(self) {
        let test = Splat::<F>::new(self.test);
        for at in (0..self.count).step_by(F::N) {
            let [x, y, z, u, v, w] = &self.a.floats;
            let [xs, ys, zs, us, vs, ws] = &self.b.floats;
            let s = [part::<F>(x, xs, at), part::<F>(y, ys, at), part::<F>(z, zs, at)];
            let t = [part::<F>(u, us, at), part::<F>(v, vs, at), part::<F>(w, ws, at)];
            let mut bits = test.hits(s, t);
            while bits != 0 {
                let window = at + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if window < self.count {
                    self.found.push(window);
                }
            }
        }
    }
}

#[inline(always)]
fn part<F: Floats>(from: &[f32], to: &[f32], at: usize) -> F {
    F::load(&to[at..]).sub(F::load(&from[at..]))
}
