//! Where everything is at the sample times, and who is near whom.

use std::collections::HashMap;
use std::ops::ControlFlow;

use base::{Interval, NoradId, Timestamp};
use rayon::prelude::*;

use super::{CompanionError, MAX_PAIRS, MAX_SAMPLES, MAX_STATES, MIN_SAMPLES, SLOW_NEIGHBOUR_KM_S, STEP_S};
use crate::frame::{dot, minus, norm};
use crate::samples::states_every;
use crate::{Ephemeris, Propagator, State, Teme};

/// Further out SGP4 has lost the object: it does so long after the epoch, without an error.
const MAX_RADIUS_KM: f64 = 2e6;

/// A grid finer than this would only be larger.
const MIN_CELL_KM: f64 = 10.0;

/// Samples that are looked at together: neighbours are kept for no more than these at a time.
const BATCH: usize = 16;

/// Samples around which the minimum is sought, and steps of the golden section there: 16 shrink ten minutes to 0.3 s.
const REFINED: usize = 3;
const REFINE_STEPS: usize = 16;

/// The states of all objects at all sample times.
pub(super) struct Samples<'a> {
    propagators: &'a [Propagator],
    pub(super) times: Vec<Timestamp>,
    /// Object by object; NaN where there is no state.
    positions_km: Vec<[f64; 3]>,
    velocities_km_s: Vec<[f32; 3]>,
}

const LOST: ([f64; 3], [f32; 3]) = ([f64::NAN; 3], [f32::NAN; 3]);

/// How near two objects are over the samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encounter {
    pub(super) dwell_share: f64,
    pub(super) mean_km: f64,
    pub(super) min_km: f64,
    /// The first sample within the distance, else the time of the lowest.
    pub(super) first: Timestamp,
}

/// Evenly spaced times over `span`, both ends among them.
fn times(span: Interval, objects: usize) -> Vec<Timestamp> {
    let most = (MAX_STATES / objects.max(1)).clamp(MIN_SAMPLES, MAX_SAMPLES);
    let steps = ((span.seconds() / STEP_S).ceil() as usize).clamp(MIN_SAMPLES - 1, most - 1);
    let step_s = span.seconds() / steps as f64;
    (0..=steps).map(|i| span.start().plus_seconds(step_s * i as f64)).collect()
}

/// The states at `count` of [`times`].
fn states(propagator: &Propagator, span: Interval, count: usize) -> Vec<([f64; 3], [f32; 3])> {
    let step_s = span.seconds() / (count.max(2) - 1) as f64;
    let kept = |state: Option<State<Teme>>| match state {
        Some(state) if state.position().radius_km() <= MAX_RADIUS_KM => {
            (state.position().km(), state.velocity().km_s().map(|v| v as f32))
        }
        _ => LOST,
    };
    states_every(propagator, span.start(), step_s, count).map(kept).collect()
}

/// `work` on every item, on `pool` when there is one; the results are in the order of the items.
pub(super) fn map<T: Sync, U: Send>(
    pool: Option<&rayon::ThreadPool>,
    items: &[T],
    work: impl Fn(&T) -> U + Sync,
) -> Vec<U> {
    match pool {
        Some(pool) => pool.install(|| items.par_iter().map(&work).collect()),
        None => items.iter().map(work).collect(),
    }
}

impl<'a> Samples<'a> {
    pub(super) fn new(ephemeris: &'a Ephemeris, span: Interval, pool: Option<&rayon::ThreadPool>) -> Self {
        let times = times(span, ephemeris.propagators().len());
        let states = map(pool, ephemeris.propagators(), |propagator| states(propagator, span, times.len()));
        let (positions_km, velocities_km_s) = states.into_iter().flatten().unzip();
        Self { propagators: ephemeris.propagators(), times, positions_km, velocities_km_s }
    }

    /// The objects that have no state at one of the times or more, by rising number.
    pub(super) fn in_error(&self) -> Vec<NoradId> {
        let lost = |states: &[[f64; 3]]| states.iter().any(|km| !km[0].is_finite());
        let states = self.positions_km.chunks(self.times.len());
        self.propagators.iter().zip(states).filter(|(_, s)| lost(s)).map(|(p, _)| p.norad_id()).collect()
    }

    /// The pairs (by place in the ephemeris, the lower first) that are slow neighbours at `share` of the samples or
    /// more, sorted.
    pub(super) fn slow_neighbours(
        &self,
        within_km: f64,
        share: f64,
        pool: Option<&rayon::ThreadPool>,
        progress: &(dyn Fn(u64, u64) -> ControlFlow<()> + Sync),
    ) -> Result<Vec<(u32, u32)>, CompanionError> {
        let mut counts: HashMap<(u32, u32), u16> = HashMap::new();
        let samples: Vec<usize> = (0..self.times.len()).collect();
        for (done, batch) in samples.chunks(BATCH).enumerate() {
            if progress((done * BATCH) as u64, samples.len() as u64).is_break() {
                return Err(CompanionError::Cancelled);
            }
            for near in map(pool, batch, |sample| self.near_at(*sample, within_km)) {
                for pair in near? {
                    *counts.entry(pair).or_default() += 1;
                }
                if counts.len() > MAX_PAIRS {
                    return Err(CompanionError::TooMany { limit: MAX_PAIRS });
                }
            }
        }
        let least = (share * samples.len() as f64).ceil().max(1.0);
        let mut pairs: Vec<_> =
            counts.into_iter().filter(|(_, n)| f64::from(*n) >= least).map(|(pair, _)| pair).collect();
        pairs.sort_unstable();
        Ok(pairs)
    }

    /// All pairs within the distance and slow at one sample.
    fn near_at(&self, sample: usize, within_km: f64) -> Result<Vec<(u32, u32)>, CompanionError> {
        let cell_km = within_km.max(MIN_CELL_KM);
        let cell = |km: [f64; 3]| km.map(|x| (x / cell_km).floor() as i32);
        let mut placed: Vec<([i32; 3], u32)> = (0..self.propagators.len())
            .filter_map(|i| self.position_km(i, sample).map(|km| (cell(km), i as u32)))
            .collect();
        placed.sort_unstable();
        let mut cells: HashMap<[i32; 3], &[([i32; 3], u32)]> = HashMap::new();
        for group in placed.chunk_by(|a, b| a.0 == b.0) {
            if let Some((cell, _)) = group.first() {
                cells.insert(*cell, group);
            }
        }
        let mut near = Vec::new();
        for group in placed.chunk_by(|a, b| a.0 == b.0) {
            for (index, (cell, a)) in group.iter().enumerate() {
                for (_, b) in group.get(index + 1..).unwrap_or_default() {
                    self.keep_if_near(*a, *b, sample, within_km, &mut near);
                }
                for step in HALF_AROUND {
                    let other = [cell[0] + step[0], cell[1] + step[1], cell[2] + step[2]];
                    for (_, b) in cells.get(&other).copied().unwrap_or_default() {
                        self.keep_if_near(*a, *b, sample, within_km, &mut near);
                    }
                }
                if near.len() > MAX_PAIRS {
                    return Err(CompanionError::TooMany { limit: MAX_PAIRS });
                }
            }
        }
        Ok(near)
    }

    fn keep_if_near(&self, a: u32, b: u32, sample: usize, within_km: f64, near: &mut Vec<(u32, u32)>) {
        let (i, j) = (a as usize, b as usize);
        let Some(apart_km) = self.distance_km(i, j, sample) else { return };
        if apart_km > within_km {
            return;
        }
        let (Some(v), Some(w)) = (self.velocity_km_s(i, sample), self.velocity_km_s(j, sample)) else {
            return;
        };
        let relative = minus(v, w);
        if dot(relative, relative) <= SLOW_NEIGHBOUR_KM_S * SLOW_NEIGHBOUR_KM_S {
            near.push((a.min(b), a.max(b)));
        }
    }

    fn position_km(&self, object: usize, sample: usize) -> Option<[f64; 3]> {
        self.positions_km.get(object * self.times.len() + sample).copied().filter(|km| km[0].is_finite())
    }

    fn velocity_km_s(&self, object: usize, sample: usize) -> Option<[f64; 3]> {
        self.velocities_km_s.get(object * self.times.len() + sample).map(|v| v.map(f64::from))
    }

    fn distance_km(&self, i: usize, j: usize, sample: usize) -> Option<f64> {
        Some(norm(minus(self.position_km(i, sample)?, self.position_km(j, sample)?)))
    }

    /// How near objects `i` and `j` are; `None` when they never have a state at the same sample.
    pub(super) fn encounter(&self, i: usize, j: usize, within_km: f64) -> Option<Encounter> {
        let step_s = self.times.get(1)?.seconds_since(*self.times.first()?);
        let (mut within, mut valid, mut sum_km) = (0_usize, 0_usize, 0.0);
        let mut first = None;
        let mut lowest: Option<(f64, usize)> = None;
        // The samples around which the pair comes nearest if it goes on straight, nearest first.
        let mut nearest = [(f64::INFINITY, 0_usize); REFINED];
        for sample in 0..self.times.len() {
            let Some(km) = self.distance_km(i, j, sample) else { continue };
            valid += 1;
            sum_km += km;
            if km <= within_km {
                within += 1;
                first = first.or(Some(sample));
            }
            if lowest.is_none_or(|(least, _)| km < least) {
                lowest = Some((km, sample));
            }
            let straight_km = self.straight_min_km(i, j, sample, step_s / 2.0).unwrap_or(km);
            if let Some(last) = nearest.last_mut().filter(|(km, _)| straight_km < *km) {
                *last = (straight_km, sample);
                nearest.sort_by(|a, b| a.0.total_cmp(&b.0));
            }
        }
        let (lowest_km, at) = lowest?;
        let refined = nearest
            .iter()
            .filter(|(km, _)| *km < lowest_km)
            .filter_map(|(_, sample)| self.refined_min_km(i, j, *sample, step_s / 2.0));
        Some(Encounter {
            dwell_share: within as f64 / self.times.len() as f64,
            mean_km: sum_km / valid as f64,
            min_km: refined.fold(lowest_km, f64::min),
            first: *self.times.get(first.unwrap_or(at))?,
        })
    }

    /// The smallest distance within `half_s` of a sample if both objects went on straight.
    fn straight_min_km(&self, i: usize, j: usize, sample: usize, half_s: f64) -> Option<f64> {
        let apart = minus(self.position_km(i, sample)?, self.position_km(j, sample)?);
        let speed = minus(self.velocity_km_s(i, sample)?, self.velocity_km_s(j, sample)?);
        let squared = dot(speed, speed);
        let at = if squared > 0.0 { (-dot(apart, speed) / squared).clamp(-half_s, half_s) } else { 0.0 };
        Some(norm([0, 1, 2].map(|k| apart[k] + speed[k] * at)))
    }

    /// The smallest distance within `half_s` of a sample, by golden section; inside the span.
    fn refined_min_km(&self, i: usize, j: usize, sample: usize, half_s: f64) -> Option<f64> {
        let (a, b) = (self.propagators.get(i)?, self.propagators.get(j)?);
        let at = *self.times.get(sample)?;
        let start = at.plus_seconds(-half_s).max(*self.times.first()?);
        let end = at.plus_seconds(half_s).min(*self.times.last()?);
        let km = |seconds: f64| distance_km(a, b, start.plus_seconds(seconds));
        let ratio = (5f64.sqrt() - 1.0) / 2.0;
        let (mut low, mut high) = (0.0, end.seconds_since(start));
        let (mut x, mut y) = (high - ratio * (high - low), low + ratio * (high - low));
        let (mut at_x, mut at_y) = (km(x)?, km(y)?);
        for _ in 0..REFINE_STEPS {
            if at_x < at_y {
                (high, y, at_y) = (y, x, at_x);
                x = high - ratio * (high - low);
                at_x = km(x)?;
            } else {
                (low, x, at_x) = (x, y, at_y);
                y = low + ratio * (high - low);
                at_y = km(y)?;
            }
        }
        Some(at_x.min(at_y))
    }
}

/// Half of the 26 cells around one, so that each pair of cells is looked at once.
const HALF_AROUND: [[i32; 3]; 13] = [
    [0, 0, 1],
    [0, 1, -1],
    [0, 1, 0],
    [0, 1, 1],
    [1, -1, -1],
    [1, -1, 0],
    [1, -1, 1],
    [1, 0, -1],
    [1, 0, 0],
    [1, 0, 1],
    [1, 1, -1],
    [1, 1, 0],
    [1, 1, 1],
];

/// Distance of two objects at a time; `None` in an error state.
pub(super) fn distance_km(a: &Propagator, b: &Propagator, time: Timestamp) -> Option<f64> {
    let (a, b) = (a.state_at(time).ok()?, b.state_at(time).ok()?);
    Some(norm(minus(a.position().km(), b.position().km())))
}
