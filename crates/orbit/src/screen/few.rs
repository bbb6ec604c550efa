//! Few objects against all: body by body, the windows side by side.

use super::bodies::Body;
use super::bound::{Ball, Bound, Test};
use super::grid::Splat;
use super::marks::Track;
use crate::Kernel;
use crate::simd::{Floats, Job, Lanes, dispatch};

/// What is known of a body in a window that has no mark.
#[derive(Debug, Clone, Copy)]
pub(super) enum Odd {
    /// It is somewhere in a ball.
    Ball(Ball),
    /// It has no valid state in the window.
    Gone,
}

/// A body over a run of windows: marks, and what stands in for them in odd windows.
#[derive(Default)]
pub(super) struct Followed {
    pub(super) track: Track,
    /// Odd windows by rising number, counted from the run's first.
    pub(super) odd: Vec<(usize, Odd)>,
}

impl Followed {
    fn odd_at(&self, window: usize) -> Option<&Odd> {
        self.odd.binary_search_by_key(&window, |o| o.0).ok().and_then(|i| self.odd.get(i)).map(|o| &o.1)
    }
}

/// Whether two bodies whose radii these are can meet at all.
pub(super) fn radii_meet(a: &Body, b: &Body, within_km: f64) -> bool {
    a.radii_km.0 <= b.radii_km.1 + within_km && b.radii_km.0 <= a.radii_km.1 + within_km
}

/// The windows of a run, counted from its first, in which two bodies can meet.
pub(super) fn windows(
    a: &Followed,
    b: &Followed,
    pads_km: f64,
    count: usize,
    bound: &Bound,
    kernel: Kernel,
    found: &mut Vec<usize>,
) {
    let test = bound.widest_test(pads_km);
    dispatch(kernel, SideBySide { a: &a.track, b: &b.track, test: &test, count, found });
    if a.odd.is_empty() && b.odd.is_empty() {
        return;
    }
    found.retain(|w| a.odd_at(*w).is_none() && b.odd_at(*w).is_none());
    let odd = |x: &Followed| x.odd.iter().map(|o| o.0).collect::<Vec<usize>>();
    let mut windows = [odd(a), odd(b)].concat();
    windows.sort_unstable();
    windows.dedup();
    found.extend(windows.into_iter().filter(|w| odd_meet(a, b, *w, bound)));
    found.sort_unstable();
}

fn odd_meet(a: &Followed, b: &Followed, window: usize, bound: &Bound) -> bool {
    match (a.odd_at(window), b.odd_at(window)) {
        (Some(Odd::Gone), _) | (_, Some(Odd::Gone)) => false,
        (Some(Odd::Ball(x)), Some(Odd::Ball(y))) => x.can_meet(y, bound),
        (Some(Odd::Ball(x)), None) => bound.can_meet_ball(x, b.track.place(window), b.track.reach_km[window]),
        (None, Some(Odd::Ball(y))) => bound.can_meet_ball(y, a.track.place(window), a.track.reach_km[window]),
        (None, None) => false,
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
            let part = |k: usize| F::load(&self.b.floats[k][at..]).sub(F::load(&self.a.floats[k][at..]));
            let mut bits = test.hits([part(0), part(1), part(2)], [part(3), part(4), part(5)]);
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
