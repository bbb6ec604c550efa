//! Few objects against all: body by body, the windows side by side.

use std::ops::Range;

use super::bound::{Bound, Mark, Meeting, Test};
use super::curves::{Curves, Limits, STEP_WINDOWS, crossings};
use super::grid::Splat;
use super::marks::Track;
use super::rough::{Looks, Nodes};
use super::sightings::Sightings;
use super::sweep::{Found, Sweep};
use crate::Kernel;
use crate::sgp4::kernel::Steps;
use crate::simd::{Floats, Job, Lanes, MAX_FLOATS, dispatch};

/// A body over a run of windows: marks, and what stands in for them in odd windows.
#[derive(Default)]
pub(super) struct Followed {
    pub(super) track: Track,
    /// Odd windows by rising number, counted from the run's first; nothing where the body has no valid state.
    pub(super) odd: Vec<(usize, Option<Sightings>)>,
    /// Memory for a rough body.
    pub(super) looks: Looks,
    /// Memory for one without a valid state at some times.
    pub(super) nodes: Nodes,
}

/// So many windows are compared at once: what a vector holds.
const UNIT: usize = MAX_FLOATS;

/// Steps a unit.
const UNIT_STEPS: u32 = UNIT as u32 / STEP_WINDOWS as u32;

/// Units between two that are compared which are followed as well, because a run costs more to begin than to go on.
const JOINED: u32 = 2;

/// A primary over a block of windows.
#[derive(Default)]
struct Primary {
    followed: Followed,
    curves: Curves,
    /// By unit, whether it has no valid state in it.
    is_nowhere: Vec<bool>,
}

/// Memory of one thread.
#[derive(Default)]
pub(super) struct FewScratch {
    primaries: Vec<Primary>,
    /// Between which radii each of them stays in the block, in km; by place.
    radii_km: Vec<(f32, f32)>,
    followed: Followed,
    curves: Curves,
    /// Places of the primaries that one body can meet.
    near: Vec<u32>,
    /// Steps, then units, and places of primaries.
    units: Vec<(u32, u32)>,
    meetings: Vec<(usize, Meeting)>,
}

impl Sweep<'_> {
    /// The primaries `few` against some bodies, in a block of windows of which the first begins a step.
    pub(super) fn few_block(
        &self,
        few: &[u32],
        block: &Range<u64>,
        bodies: Range<u32>,
        scratch: &mut FewScratch,
        found: &mut Found,
    ) {
        scratch.primaries.resize_with(few.len(), Primary::default);
        for (index, primary) in few.iter().zip(&mut scratch.primaries) {
            self.follow(*index, block, &mut primary.followed);
            self.follow_curves(*index, block, &mut primary.curves);
            let count = (block.end - block.start) as usize;
            let part = |from: usize| Part { of: &primary.followed, from }.is_nowhere(UNIT.min(count - from));
            primary.is_nowhere.clear();
            primary.is_nowhere.extend((0..count).step_by(UNIT).map(part));
        }
        scratch.radii_km.clear();
        scratch.radii_km.extend(scratch.primaries.iter().map(|p| p.curves.radii_km(self.bound.within_km)));
        for index in bodies {
            self.few_to_one(few, index, block, scratch, found);
        }
    }

    fn follow_curves(&self, index: u32, block: &Range<u64>, into: &mut Curves) {
        let Some(body) = self.bodies.get(index as usize) else { return };
        let step_s = STEP_WINDOWS as f64 * 2.0 * self.bound.half_window_s;
        // From the middle of the first window to that of the first step.
        let later_s = 0.5 * step_s - self.bound.half_window_s;
        let first = body.propagator.minutes_to(self.middle(block.start)) + later_s / 60.0;
        let steps = Steps { first, step: step_s / 60.0, count: steps_in(block) };
        into.follow(body, steps, (block.start / STEP_WINDOWS) as usize, self.kernel);
    }

    fn few_to_one(
        &self,
        few: &[u32],
        index: u32,
        block: &Range<u64>,
        scratch: &mut FewScratch,
        found: &mut Found,
    ) {
        let FewScratch { primaries, radii_km, followed, curves, near, units, meetings } = scratch;
        if !self.bodies.get(index as usize).is_some_and(|b| b.is_needed) {
            return;
        }
        self.follow_curves(index, block, curves);
        // A pair of two primaries is met twice; the lower one takes it.
        let before = few.partition_point(|primary| !self.wanted(index) || *primary < index);
        places_meeting(curves.radii_km(0.0), radii_km.get(..before).unwrap_or_default(), near);
        if near.is_empty() {
            return;
        }
        let within_km = self.bound.within_km;
        let of = |place: u32| primaries.get(place as usize);
        let others = near.iter().filter_map(|place| Some((*place, &of(*place)?.curves)));
        let half_step_s = STEP_WINDOWS as f64 * self.bound.half_window_s;
        let limits = Limits { within_km, half_step_s };
        crossings(curves, others, limits, steps_in(block), self.kernel, units);
        units.iter_mut().for_each(|(step, _)| *step /= UNIT_STEPS);
        let is_somewhere = |p: &Primary, unit: u32| p.is_nowhere.get(unit as usize) == Some(&false);
        units.retain(|(unit, place)| of(*place).is_some_and(|p| is_somewhere(p, *unit)));
        units.sort_unstable();
        units.dedup();
        for run in units.chunk_by(|a, b| b.0 - a.0 <= 1 + JOINED) {
            let (first, last) = (run.first().map_or(0, |u| u.0), run.last().map_or(0, |u| u.0));
            let start = block.start + u64::from(first) * UNIT as u64;
            let end = (block.start + u64::from(last + 1) * UNIT as u64).min(block.end);
            self.follow(index, &(start..end), followed);
            for unit in run.chunk_by(|a, b| a.0 == b.0) {
                let number = unit.first().map_or(0, |u| u.0 as usize);
                let here = number * UNIT - first as usize * UNIT;
                let count = UNIT.min((end - start) as usize - here);
                let b = Part { of: followed, from: here };
                if b.is_nowhere(count) {
                    continue;
                }
                for (_, place) in unit {
                    let (Some(primary), Some(other)) = (of(*place), few.get(*place as usize)) else {
                        continue;
                    };
                    let a = Part { of: &primary.followed, from: number * UNIT };
                    let pads_km = self.pad_km(*other) + self.pad_km(index);
                    meetings_of(a, b, pads_km, count, &self.bound, self.kernel, meetings);
                    for (window, meeting) in meetings.iter() {
                        self.look(start + (here + window) as u64, *other, index, *meeting, found);
                    }
                }
            }
        }
    }
}

/// The places of those ranges that overlap `one`.
fn places_meeting(one: (f32, f32), ranges: &[(f32, f32)], places: &mut Vec<u32>) {
    places.clear();
    places.resize(ranges.len(), 0);
    let mut count = 0;
    // Without a branch, which nobody could foretell: each place is written, and kept by counting it.
    for (place, range) in (0u32..).zip(ranges) {
        if let Some(next) = places.get_mut(count) {
            *next = place;
        }
        count += usize::from(one.0 <= range.1 && range.0 <= one.1);
    }
    places.truncate(count);
}

fn steps_in(block: &Range<u64>) -> usize {
    (block.end - block.start).div_ceil(STEP_WINDOWS) as usize
}

/// What was followed, from a window on that is a multiple of [`UNIT`].
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) of: &'a Followed,
    pub(super) from: usize,
}

impl<'a> Part<'a> {
    fn mark(&self, window: usize) -> Mark {
        self.of.track.mark(self.from + window)
    }

    /// States at some windows, as columns.
    #[inline(always)]
    fn floats(&self, window: usize) -> [&'a [f32]; 6] {
        self.of.track.floats.each_ref().map(|column| &column[self.from + window..])
    }

    fn odd(&self, count: usize) -> &'a [(usize, Option<Sightings>)] {
        let at = |window: usize| self.of.odd.partition_point(|o| o.0 < window);
        self.of.odd.get(at(self.from)..at(self.from + count)).unwrap_or_default()
    }

    /// Whether the body has no valid state in any of `count` windows.
    fn is_nowhere(&self, count: usize) -> bool {
        let odd = self.odd(count);
        odd.len() == count && odd.iter().all(|o| o.1.is_none())
    }

    fn odd_at(&self, window: usize) -> Option<&'a Option<Sightings>> {
        self.odd(window + 1).last().filter(|o| o.0 == self.from + window).map(|o| &o.1)
    }
}

/// The windows, counted from the first, in which two bodies can meet, and when; of `count` windows.
pub(super) fn meetings_of(
    a: Part<'_>,
    b: Part<'_>,
    pads_km: f64,
    count: usize,
    bound: &Bound,
    kernel: Kernel,
    found: &mut Vec<(usize, Meeting)>,
) {
    found.clear();
    let test = bound.widest_test(pads_km);
    let mut windows = Vec::new();
    dispatch(kernel, SideBySide { a, b, test: &test, count, found: &mut windows });
    let (a_odd, b_odd) = (a.odd(count), b.odd(count));
    found.extend(windows.into_iter().filter_map(|w| {
        if a.odd_at(w).is_some() || b.odd_at(w).is_some() {
            return None;
        }
        Some((w, test.meeting(bound, &a.mark(w), &b.mark(w), pads_km)?))
    }));
    if a_odd.is_empty() && b_odd.is_empty() {
        return;
    }
    let numbers = |odd: &[(usize, Option<Sightings>)], from: usize| -> Vec<usize> {
        odd.iter().map(|o| o.0 - from).collect()
    };
    let mut windows = [numbers(a_odd, a.from), numbers(b_odd, b.from)].concat();
    windows.sort_unstable();
    windows.dedup();
    found.extend(windows.into_iter().filter_map(|w| Some((w, odd_meeting(a, b, w, bound)?))));
    found.sort_unstable_by_key(|(window, _)| *window);
}

fn odd_meeting(a: Part<'_>, b: Part<'_>, window: usize, bound: &Bound) -> Option<Meeting> {
    let marked = |seen: &Sightings, other: Part<'_>| {
        seen.meeting(bound, &other.mark(window), other.of.track.reach_km[other.from + window])
    };
    match (a.odd_at(window), b.odd_at(window)) {
        (Some(None), _) | (_, Some(None)) | (None, None) => None,
        (Some(Some(x)), Some(Some(y))) => x.meeting_other(bound, y),
        (Some(Some(x)), None) => marked(x, b),
        (None, Some(Some(y))) => marked(y, a),
    }
}

struct SideBySide<'a> {
    a: Part<'a>,
    b: Part<'a>,
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
            let [x, y, z, u, v, w] = self.a.floats(at);
            let [xs, ys, zs, us, vs, ws] = self.b.floats(at);
            let s = [between::<F>(x, xs), between(y, ys), between(z, zs)];
            let t = [between::<F>(u, us), between(v, vs), between(w, ws)];
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
fn between<F: Floats>(from: &[f32], to: &[f32]) -> F {
    F::load(to).sub(F::load(from))
}
