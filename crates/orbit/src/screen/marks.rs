//! From bodies to marks: the states of one body at the middles of many windows.

use super::bodies::{Body, GRAVITY_KM_S2, MU_KM3_S2};
use super::bound::{Bound, Mark, bin};
use super::rough::ROUGH_PAD_KM;
use crate::Kernel;
use crate::sgp4::kernel::Steps;
use crate::simd::{Floats, Job, Lanes, MAX_LANES, dispatch};

/// States and reaches of one body at the middles of a run of windows, as columns; memory that is kept.
#[derive(Default)]
pub(super) struct Track {
    /// x, y, z in km, their rates in km/s; NaN in an error state.
    pub(super) state: [Vec<f64>; 6],
    /// The same as floats.
    pub(super) floats: [Vec<f32>; 6],
    pub(super) reach_km: Vec<f64>,
    /// Bins of the lowest and the highest radius; see [`Mark`].
    low: Vec<f64>,
    high: Vec<f64>,
    /// Whether any time has no valid state.
    pub(super) has_gaps: bool,
    pub(super) longest_reach_km: f64,
}

impl Track {
    /// Follows `body` at `count` times, the first `first` minutes from its epoch.
    pub(super) fn follow(
        &mut self,
        body: &Body,
        first: f64,
        step: f64,
        count: usize,
        bound: &Bound,
        kernel: Kernel,
    ) {
        // Rounded up, so that whole vectors can be worked on.
        let padded = count.next_multiple_of(MAX_LANES);
        let own = [&mut self.reach_km, &mut self.low, &mut self.high];
        for column in self.state.iter_mut().chain(own) {
            column.resize(padded, f64::NAN);
        }
        let mut columns = self.state.each_mut().map(Vec::as_mut_slice);
        body.propagator.fill_columns(Steps { first, step, count: padded }, kernel, &mut columns);
        let pad_km = body.pad_km().min(ROUGH_PAD_KM);
        dispatch(kernel, Reaches { track: self, bound, pad_km });
        for (to, from) in self.floats.iter_mut().zip(&self.state) {
            to.resize(padded, 0.0);
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from as f32;
            }
        }
        // A sum is NaN where any of its terms is; the longest is then not needed.
        let sum: f64 = self.reach_km.iter().sum();
        self.has_gaps = sum.is_nan();
        self.longest_reach_km =
            self.reach_km.iter().fold(0.0, |longest, x| if *x > longest { *x } else { longest });
    }

    /// The mark at the `i`-th time.
    #[inline(always)]
    pub(super) fn mark(&self, i: usize) -> Mark {
        let [x, y, z, u, v, w] = &self.floats;
        Mark {
            r: [x[i], y[i], z[i]],
            v: [u[i], v[i], w[i]],
            low: self.low[i] as f32,
            high: self.high[i] as f32,
        }
    }

    pub(super) fn is_valid(&self, i: usize) -> bool {
        !self.reach_km[i].is_nan()
    }
}

/// How far a body gets, from two-body motion and the pad. With e^2 = (p/r - 1)^2 + (r')^2 p / mu the acceleration along
/// the radius is r'' = mu / r^2 (p/r - 1), where |p/r - 1| <= e and r >= p / (1 + e). The speed is largest at the low end
/// of the range of radii.
struct Reaches<'a> {
    track: &'a mut Track,
    bound: &'a Bound,
    pad_km: f64,
}

impl Job for Reaches<'_> {
    type Out = ();

    #[inline(always)]
    fn run<D: Lanes, F: Floats>(self) {
        let Self { track, bound, pad_km } = self;
        let c = D::splat;
        let (h, mu, pad) = (bound.half_window_s, MU_KM3_S2, c(pad_km));
        for at in (0..track.reach_km.len()).step_by(D::N) {
            let [x, y, z, u, v, w] = &track.state;
            let (x, y, z) = (D::load(&x[at..]), D::load(&y[at..]), D::load(&z[at..]));
            let (u, v, w) = (D::load(&u[at..]), D::load(&v[at..]), D::load(&w[at..]));
            let r2 = x.mul_add(x, y.mul_add(y, z * z));
            let radius = r2.sqrt();
            let speed2 = u.mul_add(u, v.mul_add(v, w * w));
            let along = x.mul_add(u, y.mul_add(v, z * w));
            let inverse = c(1.0) / radius;
            let rate = along * inverse;
            let parameter = along.neg_mul_add(along, r2 * speed2) * c(1.0 / mu);
            let shape = parameter.mul_add(inverse, c(-1.0));
            let e = shape.mul_add(shape, rate * rate * parameter * c(1.0 / mu)).sqrt();
            let more = c(1.0) + e;
            let pull = c(mu) * more * more * e / (parameter * parameter);
            let strongest = c(GRAVITY_KM_S2);
            let pull = D::select(pull.less(strongest), pull, strongest);
            let radial = rate.abs().mul_add(c(h), c(0.5 * h * h).mul_add(pull, pad));
            let lowest = (radius - radial).max(c(6000.0));
            let gain = (c(1.0) / lowest - inverse).max(c(0.0));
            let fastest = c(2.0 * mu).mul_add(gain, speed2).sqrt();
            // Half a metre more, because marks are floats.
            let half = radial + c(0.5 * bound.within_km + 5e-4);
            bin(radius - half).store(&mut track.low[at..]);
            bin(radius + half).store(&mut track.high[at..]);
            fastest.mul_add(c(h), pad).store(&mut track.reach_km[at..]);
        }
    }
}
