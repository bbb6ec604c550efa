use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base::{Fault, Interval, NoradId, Timestamp};
use rayon::prelude::*;

use super::bodies::{Body, ROUGH_PAD_KM, prepare};
use super::pairs::{Ball, Bound, Grid, MAX_DIRECT, Mark, direct, ordered};
use super::refine::{CELL_NANOS, Lattice, Pair, search};
use super::{Approach, Event, MAX_APPROACHES, ScreenError, Screening, slow};
use crate::Catalogue;

/// Windows handled between two merges: enough to keep threads busy, few enough to bound memory.
const BLOCK: u64 = 64;

/// Time between two looks at an object that has no better bound; a part of a lattice cell.
const BALL_NANOS: i64 = CELL_NANOS / 3;

/// One screening.
pub(super) struct Run<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) span: Interval,
    pub(super) within_km: f64,
    pub(super) primaries: Option<&'a BTreeSet<NoradId>>,
    pub(super) pool: Option<&'a rayon::ThreadPool>,
    pub(super) progress: &'a (dyn Fn(u64, u64) -> ControlFlow<()> + Sync),
    /// Lattice cells a window.
    pub(super) cells: u64,
}

/// What one window gave.
#[derive(Default)]
struct Found {
    events: Vec<Event>,
    slow: Vec<(u32, u32)>,
    /// Objects in an error state at the middle, with the code.
    errors: Vec<(u32, u8)>,
}

/// Memory of one thread.
#[derive(Default)]
struct Scratch {
    marks: Vec<Mark>,
    balls: Vec<Ball>,
    grid: Grid,
    pairs: Vec<(u32, u32)>,
}

/// Everything that the windows share.
struct Sweep<'a> {
    bodies: &'a [Body],
    lattice: Lattice,
    bound: Bound,
    within_km: f64,
    cells: u64,
    /// For each body whether it is a primary; `None` screens all against all.
    wanted: Option<Vec<bool>>,
    few: bool,
}

impl Run<'_> {
    pub(super) fn go(&self) -> Result<Screening, ScreenError> {
        let half_window_s = self.cells as f64 * CELL_NANOS as f64 * 0.5e-9;
        let (bodies, mut faults) = prepare(self.catalogue, self.span, half_window_s, self.pool);
        faults.extend(self.absent_primaries());
        let wanted = self
            .primaries
            .map(|p| bodies.iter().map(|b| p.contains(&b.propagator.norad_id())).collect::<Vec<bool>>());
        let few = wanted.as_ref().is_some_and(|w| w.iter().filter(|x| **x).count() <= MAX_DIRECT);
        let sweep = Sweep {
            bodies: &bodies,
            lattice: Lattice::new(self.span),
            bound: Bound::new(self.within_km, half_window_s),
            within_km: self.within_km,
            cells: self.cells,
            wanted,
            few,
        };
        let (events, slow_pairs, errors) = self.windows(&sweep)?;
        let stays = self.slow_pairs(&sweep, &slow_pairs)?;
        faults.extend(errors.into_iter().filter_map(|(index, (time, code))| {
            let id = bodies.get(index as usize)?.propagator.norad_id();
            Some(Fault::warning(
                "orbit::error_state",
                format!("object {id}: no valid state (code {code}) at {time}; such times are left out, get a newer element set"),
            ))
        }));
        let approaches = events.into_iter().map(Approach::Event).chain(stays).collect();
        Ok(Screening { approaches, faults })
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

    #[expect(clippy::type_complexity, reason = "three lists that are taken apart at once")]
    fn windows(
        &self,
        sweep: &Sweep<'_>,
    ) -> Result<(Vec<Event>, BTreeSet<(u32, u32)>, BTreeMap<u32, (Timestamp, u8)>), ScreenError> {
        let windows = sweep.lattice.cells().div_ceil(self.cells);
        let done = AtomicU64::new(0);
        let stop = AtomicBool::new(false);
        let one = |scratch: &mut Scratch, window: u64| {
            if stop.load(Ordering::Relaxed) {
                return Found::default();
            }
            let found = sweep.window(window, scratch);
            let count = done.fetch_add(1, Ordering::Relaxed) + 1;
            if (self.progress)(count, windows).is_break() {
                stop.store(true, Ordering::Relaxed);
            }
            found
        };
        let (mut events, mut slow, mut errors) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        let mut own = Scratch::default();
        let mut first = 0;
        while first < windows {
            let block = first..(first + BLOCK).min(windows);
            let found: Vec<(u64, Found)> = match self.pool {
                Some(pool) => pool.install(|| {
                    block.clone().into_par_iter().map_init(Scratch::default, |s, w| (w, one(s, w))).collect()
                }),
                None => block.clone().map(|w| (w, one(&mut own, w))).collect(),
            };
            for (window, part) in found {
                events.extend(part.events);
                slow.extend(part.slow);
                for (index, code) in part.errors {
                    errors.entry(index).or_insert((sweep.middle(window), code));
                }
            }
            if stop.load(Ordering::Relaxed) {
                return Err(ScreenError::Cancelled);
            }
            if events.len() + slow.len() > MAX_APPROACHES {
                return Err(ScreenError::TooMany { limit: MAX_APPROACHES });
            }
            first = block.end;
        }
        Ok((events, slow, errors))
    }

    fn slow_pairs(
        &self,
        sweep: &Sweep<'_>,
        pairs: &BTreeSet<(u32, u32)>,
    ) -> Result<Vec<Approach>, ScreenError> {
        let pairs: Vec<(u32, u32)> = pairs.iter().copied().collect();
        let windows = sweep.lattice.cells().div_ceil(self.cells);
        let stop = AtomicBool::new(false);
        let one = |pair: &(u32, u32)| {
            if stop.load(Ordering::Relaxed) {
                return Vec::new();
            }
            if (self.progress)(windows, windows).is_break() {
                stop.store(true, Ordering::Relaxed);
            }
            sweep.pair(*pair).map_or(Vec::new(), |p| slow::stays(&p, &sweep.lattice, self.within_km))
        };
        let found: Vec<Vec<super::Proximity>> = match self.pool {
            Some(pool) => pool.install(|| pairs.par_iter().map(one).collect()),
            None => pairs.iter().map(one).collect(),
        };
        if stop.load(Ordering::Relaxed) {
            return Err(ScreenError::Cancelled);
        }
        Ok(found.into_iter().flatten().map(Approach::Interval).collect())
    }
}

impl Sweep<'_> {
    fn pair(&self, (a, b): (u32, u32)) -> Option<Pair<'_>> {
        Some(Pair { a: self.bodies.get(a as usize)?, b: self.bodies.get(b as usize)? })
    }

    fn wanted(&self, (a, b): (u32, u32)) -> bool {
        let is = |w: &[bool], i: u32| w.get(i as usize).copied().unwrap_or(false);
        self.wanted.as_deref().is_none_or(|w| is(w, a) || is(w, b))
    }

    fn middle(&self, window: u64) -> Timestamp {
        let start = self.lattice.node(window * self.cells);
        let end = self.lattice.node((window + 1) * self.cells);
        start.plus_nanos((end.unix_nanos() - start.unix_nanos()) / 2)
    }

    fn window(&self, window: u64, scratch: &mut Scratch) -> Found {
        let mut found = Found::default();
        let Scratch { marks, balls, grid, pairs } = scratch;
        marks.clear();
        balls.clear();
        pairs.clear();
        let middle = self.middle(window);
        for (index, body) in (0u32..).zip(self.bodies) {
            match body.propagator.raw(body.propagator.minutes_to(middle)) {
                Ok((r, v)) => {
                    let pad_km = body.pad_at(middle, self.bound.half_window_s());
                    if pad_km <= ROUGH_PAD_KM {
                        marks.push(self.bound.mark(index, r, v, pad_km));
                    } else {
                        balls.extend(self.ball(window, index, body));
                    }
                }
                Err(error) => {
                    found.errors.push((index, error.code()));
                    balls.extend(self.ball(window, index, body));
                }
            }
        }
        match &self.wanted {
            Some(wanted) if self.few => direct(marks, &self.bound, wanted, pairs),
            _ => grid.all_pairs(marks, &self.bound, pairs),
        }
        for (i, ball) in balls.iter().enumerate() {
            let near =
                marks.iter().filter(|m| self.bound.can_meet_ball(ball, m.r, m.reach_km)).map(|m| m.index);
            let others = balls.get(i + 1..).unwrap_or_default();
            let others = others
                .iter()
                .filter(|o| self.bound.can_meet_ball(ball, o.center, o.radius_km))
                .map(|o| o.index);
            pairs.extend(near.chain(others).map(|other| ordered(ball.index, other)));
        }
        let cells = window * self.cells..(window + 1) * self.cells;
        for pair in pairs.iter().filter(|p| self.wanted(**p)) {
            let Some(both) = self.pair(*pair) else { continue };
            if search(&both, &self.lattice, cells.start, cells.end, self.within_km, &mut found.events) {
                found.slow.push(*pair);
            }
        }
        found
    }

    /// Where the object is during the window, seen every 10 s; `None` when it is in an error state at all of them.
    fn ball(&self, window: u64, index: u32, body: &Body) -> Option<Ball> {
        let start = self.lattice.node(window * self.cells);
        let end = self.lattice.node((window + 1) * self.cells);
        let times = (0..).map(|i| start.plus_nanos(i * BALL_NANOS)).take_while(|t| *t < end).chain([end]);
        let places: Vec<[f64; 3]> =
            times.filter_map(|t| Some(body.propagator.raw(body.propagator.minutes_to(t)).ok()?.0)).collect();
        Ball::around(index, &places, BALL_NANOS as f64 * 1e-9)
    }
}
