//! The path of one satellite over the turning Earth, as samples from which it can be had at any time.

use base::{Fault, Timestamp};

use crate::frame::norm;
use crate::samples::states_every;
use crate::{ElementSet, Propagator, State, Teme};

use super::merit::Stretch;

/// Seconds between samples.
pub(super) const STEP_S: f64 = 60.0;

/// Samples that one value is interpolated from.
const STENCIL: usize = 8;
/// Samples of the stencil before the cell of the lattice that the time lies in.
const BEFORE: usize = 3;

/// The largest error of interpolation in km; where it is more, SGP4 itself is asked.
const TOLERANCE_KM: f64 = 1e-6;

/// How exactly the time is found at which error states begin, in seconds.
const VALIDITY_S: f64 = 1e-3;

/// What the motion is bounded by in one cell of the lattice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Speed over the turning Earth in km/s.
    pub(super) speed_km_s: f64,
    /// Acceleration in the Earth-fixed frame in km/s^2.
    pub(super) acceleration_km_s2: f64,
    /// Distance from the Earth's centre in km, at least.
    pub(super) radius_km: f64,
    /// The same, at most.
    pub(super) top_km: f64,
}

/// A satellite's Earth-fixed positions on a lattice of [`STEP_S`]. Sample i stands at `(i - BEFORE) * STEP_S` from
/// `start_s`; those of error states are NaN.
pub(super) struct Track<'a> {
    propagator: &'a Propagator,
    /// Second 0.
    origin: Timestamp,
    start_s: f64,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) z: Vec<f64>,
    speed_km_s: Vec<f64>,
    /// For each cell of the lattice, whether interpolation is good enough there.
    smooth: Vec<bool>,
    /// When there are states, in order.
    valid: Vec<Stretch>,
}

impl<'a> Track<'a> {
    /// Samples from `span.start_s` to `span.end_s` and a little beyond, in seconds from `origin`.
    pub(super) fn new(propagator: &'a Propagator, origin: Timestamp, span: Stretch) -> Self {
        let cells = (span.seconds() / STEP_S).ceil().max(1.0) as usize;
        let samples = cells + STENCIL - 1;
        let mut track = Self {
            propagator,
            origin,
            start_s: span.start_s,
            x: Vec::with_capacity(samples),
            y: Vec::with_capacity(samples),
            z: Vec::with_capacity(samples),
            speed_km_s: Vec::with_capacity(samples),
            smooth: Vec::with_capacity(cells),
            valid: Vec::new(),
        };
        for state in track.every_step(track.sample_s(0), samples) {
            let (position, speed) = state.unwrap_or(([f64::NAN; 3], f64::NAN));
            track.x.push(position[0]);
            track.y.push(position[1]);
            track.z.push(position[2]);
            track.speed_km_s.push(speed);
        }
        for (cell, middle) in track.every_step(span.start_s + 0.5 * STEP_S, cells).into_iter().enumerate() {
            let smooth = middle.is_some_and(|(exact, _)| {
                let got = track.interpolated(cell, 0.5);
                // NaN is not below either.
                norm(crate::frame::minus(exact, got)) <= TOLERANCE_KM
            });
            track.smooth.push(smooth);
        }
        track.valid = track.valid_stretches(span);
        track
    }

    /// Cells of the lattice between samples in the span.
    pub(super) fn cells(&self) -> usize {
        self.smooth.len()
    }

    /// When there are states, in order.
    pub(super) fn valid(&self) -> &[Stretch] {
        &self.valid
    }

    /// Index of the sample at the start of a cell of the lattice; the next one is at its end.
    pub(super) const fn sample_of(cell: usize) -> usize {
        cell + BEFORE
    }

    pub(super) fn cell_start_s(&self, cell: usize) -> f64 {
        self.start_s + cell as f64 * STEP_S
    }

    fn sample_s(&self, index: usize) -> f64 {
        self.start_s + (index as f64 - BEFORE as f64) * STEP_S
    }

    pub(super) fn time(&self, second: f64) -> Timestamp {
        self.origin.plus_seconds(second)
    }

    /// The Earth-fixed position in km at a time inside a cell of the lattice.
    pub(super) fn position(&self, cell: usize, second: f64) -> Option<[f64; 3]> {
        if self.smooth.get(cell).copied().unwrap_or(false) {
            Some(self.interpolated(cell, (second - self.cell_start_s(cell)) / STEP_S))
        } else {
            self.state(second).map(|(position, _)| position)
        }
    }

    /// What the motion in a cell of the lattice stays within, from its two ends.
    ///
    /// The acceleration is that of the Earth's attraction (J2 is 0.2 % of it at the most) and of the turning frame.
    /// Both are taken at the higher speed and the lower radius that the cell may hold, and a tenth more.
    pub(super) fn bounds(&self, cell: usize) -> Bounds {
        const MU_KM3_S2: f64 = 398_600.8;
        const EARTH_RATE_RAD_S: f64 = 7.292_115_9e-5;
        let end = |index: usize| {
            let position = [self.x[index], self.y[index], self.z[index]];
            (norm(position), self.speed_km_s[index])
        };
        let (a, b) = (end(Self::sample_of(cell)), end(Self::sample_of(cell) + 1));
        // `min` and `max` leave out NaN, so that next to an error state the other end counts.
        let (low_km, high_km, fast_km_s) = (a.0.min(b.0), a.0.max(b.0), a.1.max(b.1));
        // 10 m/s^2 is more than any acceleration above the ground.
        let bend_km = 0.01 * STEP_S * STEP_S / 8.0;
        let (radius_km, top_km) = (low_km - bend_km, high_km + bend_km);
        let speed_km_s = fast_km_s + 0.01 * STEP_S / 2.0;
        let fall = MU_KM3_S2 / (radius_km * radius_km);
        let turn = 2.0 * EARTH_RATE_RAD_S * speed_km_s + EARTH_RATE_RAD_S.powi(2) * high_km;
        Bounds { speed_km_s, acceleration_km_s2: 1.1 * (fall + turn), radius_km, top_km }
    }

    /// What to tell of error states.
    pub(super) fn fault(&self, set: &ElementSet, span: Stretch) -> Option<Fault> {
        let whole = matches!(self.valid[..], [all] if all == span);
        (!whole).then(|| {
            let first = match self.valid.first() {
                Some(stretch) if stretch.start_s <= span.start_s => stretch.end_s,
                _ => span.start_s,
            };
            Fault::warning(
                "orbit::error_state",
                format!(
                    "object {}: no valid state at {}; such times count as without access, get a newer element set",
                    set.norad_id(),
                    self.time(first)
                ),
            )
        })
    }

    fn state(&self, second: f64) -> Option<([f64; 3], f64)> {
        Some(earth_fixed(&self.propagator.state_at(self.time(second)).ok()?))
    }

    /// Earth-fixed position and speed at `count` times [`STEP_S`] apart.
    fn every_step(&self, first_s: f64, count: usize) -> Vec<Option<([f64; 3], f64)>> {
        let states = states_every(self.propagator, self.time(first_s), STEP_S, count);
        states.map(|state| state.as_ref().map(earth_fixed)).collect()
    }

    /// Lagrange's polynomial through eight samples, at share `u` of a cell.
    fn interpolated(&self, cell: usize, u: f64) -> [f64; 3] {
        let weights = weights(u);
        let sum = |values: &[f64]| -> f64 {
            values.iter().skip(cell).zip(weights).map(|(value, weight)| value * weight).sum()
        };
        [sum(&self.x), sum(&self.y), sum(&self.z)]
    }

    fn valid_stretches(&self, span: Stretch) -> Vec<Stretch> {
        let ok = |index: usize| !self.x[index].is_nan();
        let mut stretches = Vec::new();
        let mut open = ok(BEFORE).then_some(span.start_s);
        for cell in 0..self.cells() {
            let (here, next) = (ok(Self::sample_of(cell)), ok(Self::sample_of(cell) + 1));
            if here == next {
                continue;
            }
            let border = self.border_s(cell, here);
            if let Some(start_s) = open.take() {
                stretches.extend(Stretch { start_s, end_s: border }.within(span.start_s, span.end_s));
            } else {
                open = Some(border);
            }
        }
        let last =
            open.and_then(|start_s| Stretch { start_s, end_s: span.end_s }.within(span.start_s, span.end_s));
        stretches.extend(last);
        stretches
    }

    /// When error states begin or end in a cell whose start has a state or not: the last known time with one.
    fn border_s(&self, cell: usize, start_is_valid: bool) -> f64 {
        let (mut a, mut b) = (self.cell_start_s(cell), self.cell_start_s(cell) + STEP_S);
        while b - a > VALIDITY_S {
            let middle = 0.5 * (a + b);
            if self.state(middle).is_some() == start_is_valid {
                a = middle;
            } else {
                b = middle;
            }
        }
        if start_is_valid { a } else { b }
    }
}

/// Position in km and speed in km/s over the turning Earth.
fn earth_fixed(state: &State<Teme>) -> ([f64; 3], f64) {
    let state = state.to_pef();
    (state.position().km(), state.velocity().speed_km_s())
}

/// Weights of eight equally spaced samples for the place `u` between the fourth (0) and the fifth (1).
fn weights(u: f64) -> [f64; STENCIL] {
    // Products of (i - j) over all j but i, times the sign that the order of factors below has.
    const DIVISORS: [f64; STENCIL] = [-5040.0, 720.0, -240.0, 144.0, -144.0, 240.0, -720.0, 5040.0];
    let mut after = [1.0; STENCIL];
    let offset = |i: usize| u + BEFORE as f64 - i as f64;
    for i in (0..STENCIL - 1).rev() {
        after[i] = after[i + 1] * offset(i + 1);
    }
    let mut before = 1.0;
    let mut weights = [0.0; STENCIL];
    for (i, weight) in weights.iter_mut().enumerate() {
        *weight = before * after[i] / DIVISORS[i];
        before *= offset(i);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_carry_polynomials() {
        for u in [0.0, 0.25, 0.5, 1.0] {
            let weights = weights(u);
            for power in 0..8 {
                let got: f64 =
                    weights.iter().enumerate().map(|(i, w)| w * (i as f64 - 3.0).powi(power)).sum();
                assert!((got - f64::from(u as f32).powi(power)).abs() < 1e-10, "{u} {power} {got}");
            }
        }
    }
}
