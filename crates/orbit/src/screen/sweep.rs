use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base::{Fault, Interval, NoradId, Timestamp};
use rayon::prelude::*;

use super::bodies::{Body, Needs, prepare};
use super::bound::{Bound, Meeting};
use super::curves::STEP_WINDOWS;
use super::few::{FewScratch, Followed, Part, meetings_of};
use super::many::ManyScratch;
use super::refine::{CELL_NANOS, Lattice, Pair, search};
use super::rough::{ROUGH_PAD_KM, SIGHT_S, places_seen};
use super::sightings::Sightings;
use super::{Approach, Event, MAX_APPROACHES, ScreenError, Screening, slow};
use crate::simd::MAX_FLOATS;
use crate::{Catalogue, Kernel, Propagator};

/// Windows that are followed at once: whole vectors, and a few megabytes a thread.
const BLOCK: u64 = 16;

/// The same where one pair is in memory at a time.
const LONG_BLOCK: u64 = 128;

/// The same for few primaries, of which so many windows in all fit into a fast memory.
const FEW_WINDOWS: u64 = 1 << 17;
const LONGEST_FEW_BLOCK: u64 = 4096;

/// A vector of steps.
const SHORTEST_FEW_BLOCK: u64 = MAX_FLOATS as u64 * STEP_WINDOWS;

/// For few primaries the bodies are cut so that there are so many tasks.
const FEW_TASKS: u64 = 32;

/// Tasks done between two merges: enough to keep threads busy, few enough to bound memory.
const ROUND: usize = 64;

/// Lattice cells a window: measured to be fastest. Shorter windows cost more propagation and sorting, longer ones let
/// more pairs through that do not meet.
const DEFAULT_CELLS: u64 = 8;

/// Up to this many primaries are compared with all objects directly; more go through the grid.
const MAX_FEW: usize = 2000;

/// One screening.
pub(super) struct Run<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) span: Interval,
    pub(super) within_km: f64,
    pub(super) primaries: Option<&'a BTreeSet<NoradId>>,
    pub(super) pool: Option<&'a rayon::ThreadPool>,
    pub(super) progress: &'a (dyn Fn(u64, u64) -> ControlFlow<()> + Sync),
    pub(super) plan: Plan,
}

/// Choices that change the time that a screening takes, and never its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// Lattice cells a window; by default what is fastest.
    pub(super) cells: Option<u64>,
    pub(super) kernel: Kernel,
    /// Up to so many primaries are compared directly.
    pub(super) max_few: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self { cells: None, kernel: Kernel::best(), max_few: MAX_FEW }
    }
}

/// What a block of windows gave.
#[derive(Default)]
pub(super) struct Found {
    events: Vec<Event>,
    slow: BTreeSet<(u32, u32)>,
}

/// Memory of one thread.
#[derive(Default)]
struct Scratch {
    many: ManyScratch,
    few: FewScratch,
}

/// Everything that the windows share.
pub(super) struct Sweep<'a> {
    pub(super) bodies: &'a [Body],
    lattice: Lattice,
    pub(super) bound: Bound,
    cells: u64,
    pub(super) kernel: Kernel,
    /// For each body whether it is a primary; `None` screens all against all.
    pub(super) wanted: Option<Vec<bool>>,
    /// Places of the primaries among the bodies when they are few.
    few: Option<Vec<u32>>,
}

impl Run<'_> {
    pub(super) fn go(&self) -> Result<Screening, ScreenError> {
        let few = self.primaries.is_some_and(|p| p.len() <= self.plan.max_few);
        let cells = self.plan.cells.unwrap_or(DEFAULT_CELLS);
        let half_window_s = cells as f64 * CELL_NANOS as f64 * 0.5e-9;
        // Few primaries: what never comes to their height is not looked at any further.
        let heights = if few { self.primary_radii_km() } else { Vec::new() };
        let needs = |id: NoradId, radii: (f64, f64)| {
            let meets = |p: &(f64, f64)| p.0 <= radii.1 + self.within_km && radii.0 <= p.1 + self.within_km;
            match few {
                false => Needs::Pad,
                true if self.primaries.is_some_and(|p| p.contains(&id)) => Needs::PadAndCurve,
                true if heights.iter().any(meets) => Needs::PadAndCurve,
                true => Needs::Nothing,
            }
        };
        let (bodies, mut faults) = prepare(self.catalogue, self.span, half_window_s, &needs, self.pool);
        faults.extend(self.absent_primaries());
        let wanted = self
            .primaries
            .map(|p| bodies.iter().map(|b| p.contains(&b.propagator.norad_id())).collect::<Vec<bool>>());
        let places = |w: &Vec<bool>| (0u32..).zip(w).filter(|x| *x.1).map(|x| x.0).collect();
        let sweep = Sweep {
            bodies: &bodies,
            lattice: Lattice::new(self.span),
            bound: Bound::new(self.within_km, half_window_s),
            cells,
            kernel: self.plan.kernel,
            few: wanted.as_ref().filter(|_| few).map(places),
            wanted,
        };
        let found = self.blocks(&sweep)?;
        let stays = self.stays(&sweep, &found.slow)?;
        let approaches = found.events.into_iter().map(Approach::Event).chain(stays).collect();
        Ok(Screening { approaches, faults })
    }

    /// Between which radii each primary stays.
    fn primary_radii_km(&self) -> Vec<(f64, f64)> {
        let sets = self.primaries.into_iter().flatten().filter_map(|id| self.catalogue.get(*id));
        let propagators = sets.filter_map(|set| Propagator::new(set).ok());
        propagators.map(|p| p.radii_between(self.span.start(), self.span.end())).collect()
    }

    fn absent_primaries(&self) -> Vec<Fault> {
        let absent = self.primaries.into_iter().flatten().filter(|id| self.catalogue.get(**id).is_none());
        absent
            .map(|id| {
                Fault::warning(
                    "orbit::not_in_catalogue",
                    format!("primary {id} is not in the catalogue; add its element set or correct the list"),
                )
            })
            .collect()
    }

    fn blocks(&self, sweep: &Sweep<'_>) -> Result<Found, ScreenError> {
        let tasks = sweep.tasks();
        let steps = tasks.iter().map(Task::steps).sum();
        let done = AtomicU64::new(0);
        let stop = AtomicBool::new(false);
        let one = |scratch: &mut Scratch, task: &Task| {
            let mut found = Found::default();
            if stop.load(Ordering::Relaxed) {
                return found;
            }
            match &sweep.few {
                Some(few) => {
                    sweep.few_block(few, &task.windows, task.bodies.clone(), &mut scratch.few, &mut found);
                }
                None => sweep.block(&task.windows, &mut scratch.many, &mut found),
            }
            let so_far = done.fetch_add(task.steps(), Ordering::Relaxed) + task.steps();
            if (self.progress)(so_far, steps).is_break() {
                stop.store(true, Ordering::Relaxed);
            }
            found
        };
        let mut all = Found::default();
        let mut own = Scratch::default();
        for round in tasks.chunks(ROUND) {
            let parts: Vec<Found> = match self.pool {
                Some(pool) => pool.install(|| {
                    round.par_iter().map_init(Scratch::default, |s, task| one(s, task)).collect()
                }),
                None => round.iter().map(|task| one(&mut own, task)).collect(),
            };
            for part in parts {
                all.merge(part);
            }
            if stop.load(Ordering::Relaxed) {
                return Err(ScreenError::Cancelled);
            }
            if all.events.len() + all.slow.len() > MAX_APPROACHES {
                return Err(ScreenError::TooMany { limit: MAX_APPROACHES });
            }
        }
        Ok(all)
    }

    fn stays(&self, sweep: &Sweep<'_>, pairs: &BTreeSet<(u32, u32)>) -> Result<Vec<Approach>, ScreenError> {
        let pairs: Vec<(u32, u32)> = pairs.iter().copied().collect();
        let steps = sweep.tasks().iter().map(Task::steps).sum();
        let stop = AtomicBool::new(false);
        let one = |scratch: &mut (Followed, Followed), pair: &(u32, u32)| {
            if stop.load(Ordering::Relaxed) {
                return Vec::new();
            }
            if (self.progress)(steps, steps).is_break() {
                stop.store(true, Ordering::Relaxed);
            }
            let Some(both) = sweep.pair(*pair) else { return Vec::new() };
            let cells = sweep.cells_of(*pair, scratch);
            slow::stays(&both, &sweep.lattice, self.within_km, &cells)
        };
        let found: Vec<Vec<super::Proximity>> = match self.pool {
            Some(pool) => pool.install(|| pairs.par_iter().map_init(Default::default, one).collect()),
            None => {
                let mut own = Default::default();
                pairs.iter().map(|pair| one(&mut own, pair)).collect()
            }
        };
        if stop.load(Ordering::Relaxed) {
            return Err(ScreenError::Cancelled);
        }
        Ok(found.into_iter().flatten().map(Approach::Interval).collect())
    }
}

/// What one thread does at a time.
struct Task {
    windows: Range<u64>,
    bodies: Range<u32>,
}

impl Task {
    fn steps(&self) -> u64 {
        (self.windows.end - self.windows.start) * u64::from(self.bodies.end - self.bodies.start)
    }
}

impl Found {
    fn merge(&mut self, part: Self) {
        self.events.extend(part.events);
        self.slow.extend(part.slow);
    }
}

pub(super) fn ordered(a: u32, b: u32) -> (u32, u32) {
    if a < b { (a, b) } else { (b, a) }
}

impl Sweep<'_> {
    /// Blocks of windows; with few primaries also of bodies.
    fn tasks(&self) -> Vec<Task> {
        let windows = self.lattice.cells().div_ceil(self.cells);
        let bodies = self.bodies.len() as u64;
        let (length, share) = match &self.few {
            Some(few) => {
                let length =
                    FEW_WINDOWS / (few.len() as u64).max(1) / SHORTEST_FEW_BLOCK * SHORTEST_FEW_BLOCK;
                let length = length.clamp(SHORTEST_FEW_BLOCK, LONGEST_FEW_BLOCK);
                let parts = FEW_TASKS.div_ceil(windows.div_ceil(length).max(1));
                (length, bodies.div_ceil(parts).max(1))
            }
            None => (BLOCK, bodies.max(1)),
        };
        let cut = |count: u64, length: u64| {
            (0..count).step_by(length as usize).map(move |start| start..(start + length).min(count))
        };
        let of_bodies = |b: Range<u64>| b.start as u32..b.end as u32;
        cut(windows, length)
            .flat_map(|w| cut(bodies, share).map(move |b| Task { windows: w.clone(), bodies: of_bodies(b) }))
            .collect()
    }

    fn pair(&self, (a, b): (u32, u32)) -> Option<Pair<'_>> {
        Some(Pair { a: self.bodies.get(a as usize)?, b: self.bodies.get(b as usize)? })
    }

    pub(super) fn wanted(&self, index: u32) -> bool {
        self.wanted.as_deref().is_none_or(|w| w.get(index as usize).copied().unwrap_or(false))
    }

    /// The middle of a window; that of the last may lie behind the span.
    pub(super) fn middle(&self, window: u64) -> Timestamp {
        let cells = (window * self.cells) as i64 * CELL_NANOS + self.cells as i64 * CELL_NANOS / 2;
        self.lattice.span().start().plus_nanos(cells)
    }

    /// Follows a body through `windows`. Odd windows get sightings, or nothing where the body has no valid state.
    pub(super) fn follow(&self, index: u32, windows: &Range<u64>, into: &mut Followed) {
        let Followed { track, odd, looks, nodes } = into;
        odd.clear();
        let Some(body) = self.bodies.get(index as usize) else { return };
        let count = (windows.end - windows.start) as usize;
        let first = body.propagator.minutes_to(self.middle(windows.start));
        let step = 2.0 * self.bound.half_window_s / 60.0;
        track.follow(body, first, step, count, &self.bound, self.kernel);
        let rough = body.is_rough();
        if !rough && !track.has_gaps {
            return;
        }
        if rough {
            looks.take(body, first, step, count, self.kernel);
        }
        if track.has_gaps {
            let start = body.propagator.minutes_to(self.lattice.node(windows.start * self.cells));
            nodes.take(body, start, count * self.cells as usize, self.kernel);
        }
        for i in 0..count {
            let window = windows.start + i as u64;
            if !track.is_valid(i) && self.is_whole(window) && nodes.are_invalid(i, self.cells as usize) {
                odd.push((i, None));
            } else if !track.is_valid(i) || rough && !looks.is_smooth(i) {
                odd.push((i, self.sightings(window, index, body)));
            }
        }
    }

    /// Whether the window ends before the span.
    fn is_whole(&self, window: u64) -> bool {
        (window + 1) * self.cells < self.lattice.cells()
    }

    /// Where the object is seen during the window; see [`places_seen`].
    fn sightings(&self, window: u64, index: u32, body: &Body) -> Option<Sightings> {
        let cells = window * self.cells..((window + 1) * self.cells).min(self.lattice.cells());
        let places = places_seen(body, &self.lattice, cells, self.middle(window), self.kernel);
        Sightings::new(index, places, SIGHT_S, self.bound.within_km)
    }

    /// Looks at a pair that can meet, in the lattice cells in which it can.
    pub(super) fn look(&self, window: u64, a: u32, b: u32, meeting: Meeting, found: &mut Found) {
        let pair = ordered(a, b);
        if meeting.slow {
            // It has no fast pass here; whether it has a slow one is seen when all of it is followed.
            found.slow.insert(pair);
            return;
        }
        let Some(both) = self.pair(pair) else { return };
        let cell_s = CELL_NANOS as f64 * 1e-9;
        let h = self.bound.half_window_s;
        let last = self.cells - 1;
        let cell = |s: f64| (((s + h) / cell_s).floor().max(0.0) as u64).min(last);
        let base = window * self.cells;
        let cells = base + cell(meeting.from_s)..base + cell(meeting.to_s) + 1;
        if search(&both, &self.lattice, cells.start, cells.end, self.bound.within_km, &mut found.events) {
            found.slow.insert(pair);
        }
    }

    /// How far a body strays from two-body motion in a window for which it has a mark.
    pub(super) fn pad_km(&self, index: u32) -> f64 {
        self.bodies.get(index as usize).map_or(0.0, |b| b.pad_km().min(ROUGH_PAD_KM))
    }

    /// The lattice cells in which a pair can be within the limit, as runs.
    fn cells_of(&self, (a, b): (u32, u32), scratch: &mut (Followed, Followed)) -> Vec<Range<u64>> {
        let count = self.lattice.cells().div_ceil(self.cells);
        let mut cells: Vec<Range<u64>> = Vec::new();
        let mut here = Vec::new();
        for start in (0..count).step_by(LONG_BLOCK as usize) {
            let windows_here = start..(start + LONG_BLOCK).min(count);
            self.follow(a, &windows_here, &mut scratch.0);
            self.follow(b, &windows_here, &mut scratch.1);
            let size = (windows_here.end - windows_here.start) as usize;
            let (one, other) = (Part { of: &scratch.0, from: 0 }, Part { of: &scratch.1, from: 0 });
            let pads_km = self.pad_km(a) + self.pad_km(b);
            meetings_of(one, other, pads_km, size, &self.bound, self.kernel, &mut here);
            for (i, _) in &here {
                let window = start + *i as u64;
                let (from, to) = (window * self.cells, (window + 1) * self.cells);
                match cells.last_mut() {
                    Some(last) if last.end == from => last.end = to,
                    _ => cells.push(from..to),
                }
            }
        }
        cells
    }
}
