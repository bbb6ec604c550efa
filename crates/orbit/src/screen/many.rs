//! All objects against all, or many primaries against all: window by window, through the grid.

use std::ops::Range;

use super::bound::{Mark, Meeting, Special, Test};
use super::few::Followed;
use super::grid::Grid;
use super::sightings::Sightings;
use super::sweep::{Found, Sweep, ordered};

/// Memory of one thread.
#[derive(Default)]
pub(super) struct ManyScratch {
    followed: Followed,
    /// By window and then by body; `low` is NaN for bodies that are not ordinary there.
    marks: Vec<Mark>,
    windows: Vec<Window>,
    grid: Grid,
    pairs: Vec<(u32, u32)>,
    near: Vec<u32>,
}

/// The objects of one window that are not ordinary.
#[derive(Default)]
struct Window {
    specials: Vec<Special>,
    odd: Vec<Sightings>,
}

impl Window {
    fn clear(&mut self) {
        self.specials.clear();
        self.odd.clear();
    }
}

impl Sweep<'_> {
    /// All against all, or many primaries against all.
    pub(super) fn block(&self, windows: &Range<u64>, scratch: &mut ManyScratch, found: &mut Found) {
        // There is nothing to cut the marks into.
        if self.bodies.is_empty() {
            return;
        }
        let count = (windows.end - windows.start) as usize;
        scratch.windows.resize_with(count, Window::default);
        scratch.windows.iter_mut().for_each(Window::clear);
        scratch.marks.resize(count * self.bodies.len(), Mark::default());
        for index in 0..self.bodies.len() as u32 {
            self.follow(index, windows, &mut scratch.followed);
            self.put(index, count, scratch);
        }
        let ManyScratch { windows: all, marks, grid, pairs, near, .. } = scratch;
        for ((window, one), marks) in (windows.start..).zip(all).zip(marks.chunks_exact(self.bodies.len())) {
            grid.fill(marks, &self.bound);
            let mut meet = |a: u32, b: u32, meeting: Meeting| self.look(window, a, b, meeting, found);
            match &self.wanted {
                None => self.all_pairs(one, marks, grid, pairs, near, &mut meet),
                Some(wanted) => self.wanted_pairs(wanted, one, marks, grid, near, &mut meet),
            }
            self.with_odd(one, grid, &mut meet);
        }
    }

    /// Puts the marks of a body that was followed where their windows have them.
    fn put(&self, index: u32, count: usize, scratch: &mut ManyScratch) {
        let Followed { track, odd, .. } = &scratch.followed;
        let (at, bodies) = (index as usize, self.bodies.len());
        let pad_km = self.pad_km(index);
        for (i, marks) in scratch.marks.chunks_exact_mut(bodies).take(count).enumerate() {
            marks[at] = track.mark(i);
        }
        if odd.is_empty() && self.bound.is_ordinary(track.longest_reach_km, pad_km) {
            return;
        }
        let mut odd = odd.iter().peekable();
        let windows = scratch.marks.chunks_exact_mut(bodies).zip(&mut scratch.windows);
        for (i, (marks, window)) in windows.enumerate() {
            if let Some((_, odd)) = odd.next_if(|o| o.0 == i) {
                marks[at].low = f32::NAN;
                window.odd.extend(odd.clone());
            } else if !self.bound.is_ordinary(track.reach_km[i], pad_km) {
                let (mark, reach_km) = (marks[at], track.reach_km[i]);
                window.specials.push(Special { index, mark, reach_km, pad_km });
                marks[at].low = f32::NAN;
            }
        }
    }

    fn all_pairs(
        &self,
        window: &Window,
        marks: &[Mark],
        grid: &Grid,
        pairs: &mut Vec<(u32, u32)>,
        near: &mut Vec<u32>,
        meet: &mut impl FnMut(u32, u32, Meeting),
    ) {
        pairs.clear();
        let test = self.bound.ordinary_test();
        grid.pairs(&test, self.kernel, pairs);
        for (a, b) in pairs.iter_mut() {
            (*a, *b) = ordered(*a, *b);
        }
        // A pair on both sides of a bin's border comes twice.
        pairs.sort_unstable();
        pairs.dedup();
        for (a, b) in pairs.iter() {
            let pads_km = self.pad_km(*a) + self.pad_km(*b);
            let (one, other) = (&marks[*a as usize], &marks[*b as usize]);
            if let Some(meeting) = test.meeting(&self.bound, one, other, pads_km) {
                meet(*a, *b, meeting);
            }
        }
        for (i, one) in window.specials.iter().enumerate() {
            self.one_to_grid(one, marks, grid, near, |_| true, meet);
            self.one_to_specials(one, window.specials.get(i + 1..).unwrap_or_default(), |_| true, meet);
        }
    }

    fn wanted_pairs(
        &self,
        wanted: &[bool],
        window: &Window,
        marks: &[Mark],
        grid: &Grid,
        near: &mut Vec<u32>,
        meet: &mut impl FnMut(u32, u32, Meeting),
    ) {
        let (reach_km, pad_km) = (self.bound.ordinary_km, self.bound.ordinary_pad_km);
        let ordinary = (0u32..)
            .zip(marks.iter().zip(wanted))
            .filter(|(_, (mark, wanted))| **wanted && !mark.low.is_nan())
            .map(|(index, (mark, _))| Special { index, mark: *mark, reach_km, pad_km });
        let specials = window.specials.iter().copied().filter(|one| self.wanted(one.index));
        for one in ordinary.chain(specials) {
            // A pair of two primaries is met twice; the lower one takes it.
            let takes = |other: u32| other != one.index && (!self.wanted(other) || one.index < other);
            self.one_to_grid(&one, marks, grid, near, takes, meet);
            self.one_to_specials(&one, &window.specials, takes, meet);
        }
    }

    fn test_of(&self, one: &Special, other_reach_km: f64, other_pad_km: f64) -> Test {
        self.bound.test(one.reach_km + other_reach_km, one.pad_km + other_pad_km)
    }

    fn one_to_grid(
        &self,
        one: &Special,
        marks: &[Mark],
        grid: &Grid,
        near: &mut Vec<u32>,
        takes: impl Fn(u32) -> bool,
        meet: &mut impl FnMut(u32, u32, Meeting),
    ) {
        near.clear();
        let test = self.test_of(one, self.bound.ordinary_km, self.bound.ordinary_pad_km);
        let far_km = self.bound.within_km + one.reach_km + self.bound.ordinary_km;
        grid.near(one, &test, far_km, self.kernel, near);
        // What is near x = 0 may come from both of its sides.
        near.sort_unstable();
        near.dedup();
        for other in near.iter().filter(|other| takes(**other)) {
            let pads_km = one.pad_km + self.pad_km(*other);
            let mark = &marks[*other as usize];
            if let Some(meeting) = test.meeting(&self.bound, &one.mark, mark, pads_km) {
                meet(one.index, *other, meeting);
            }
        }
    }

    fn one_to_specials(
        &self,
        one: &Special,
        others: &[Special],
        takes: impl Fn(u32) -> bool,
        meet: &mut impl FnMut(u32, u32, Meeting),
    ) {
        for other in others.iter().filter(|o| takes(o.index)) {
            let apart = |k: usize| (one.mark.r[k] - other.mark.r[k]).abs();
            let far_km = (self.bound.within_km + one.reach_km + other.reach_km) as f32 * 1.000_1;
            let overlap = one.mark.low <= other.mark.high && other.mark.low <= one.mark.high;
            if overlap && apart(0) <= far_km && apart(1) <= far_km && apart(2) <= far_km {
                let test = self.test_of(one, other.reach_km, other.pad_km);
                let pads_km = one.pad_km + other.pad_km;
                if let Some(meeting) = test.meeting(&self.bound, &one.mark, &other.mark, pads_km) {
                    meet(one.index, other.index, meeting);
                }
            }
        }
    }

    fn with_odd(&self, window: &Window, grid: &Grid, meet: &mut impl FnMut(u32, u32, Meeting)) {
        let ordinary_km = self.bound.ordinary_km;
        for (i, seen) in window.odd.iter().enumerate() {
            let (center, far_km) = seen.around();
            let mut pair = |other: u32, meeting: Option<Meeting>| {
                if let Some(meeting) = meeting {
                    meet(seen.index, other, meeting);
                }
            };
            let takes = |other: u32| self.wanted(seen.index) || self.wanted(other);
            let far_km = self.bound.within_km + far_km + ordinary_km;
            let far_km2 = (far_km * far_km) as f32 * 1.001;
            let center_km = center.map(|x| x as f32);
            let near = grid.marks_near(center, far_km, seen.bins()).filter_map(|(other, mark)| {
                let apart = |k: usize| (mark.r[k] - center_km[k]).powi(2);
                let is_near = apart(0) + apart(1) + apart(2) <= far_km2 && takes(other);
                Some((other, is_near.then(|| seen.meeting(&self.bound, &mark, ordinary_km)).flatten()?))
            });
            let mut near: Vec<(u32, Meeting)> = near.collect();
            near.sort_unstable_by_key(|(other, _)| *other);
            near.dedup_by_key(|(other, _)| *other);
            for (other, meeting) in near {
                pair(other, Some(meeting));
            }
            for other in window.specials.iter().filter(|o| takes(o.index)) {
                pair(other.index, seen.meeting(&self.bound, &other.mark, other.reach_km));
            }
            for other in window.odd.iter().skip(i + 1).filter(|o| takes(o.index)) {
                pair(other.index, seen.meeting_other(&self.bound, other));
            }
        }
    }
}
