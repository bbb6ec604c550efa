//! The probability that two objects collide, after Alfano, "A Numerical Implementation of Spherical Object Collision
//! Probability", Journal of the Astronautical Sciences 53(1), 2005.
//!
//! The encounter is short: both move straight while they are near. So only the plane across their relative velocity
//! counts. Both covariances are added there, turned to their principal axes, and the normal distribution is integrated
//! over the disc of both hard bodies around the miss vector: the error function does one axis, a sum the other.
//!
//! Functions come from `libm`, not from the system, so that every machine gives the same digits.

use crate::ccsds::Conjunction;
use crate::frame::{cross, dot, norm};

/// The disc of both bodies in the plane of the encounter, in the principal axes of the combined covariance.
///
/// ```
/// // Two bodies of 5 m together pass at 10 m; the errors are 50 m and 25 m.
/// let encounter = orbit::Encounter { miss_m: [0.0, 10.0], sigma_m: [50.0, 25.0], radius_m: 5.0 };
/// let all = encounter.assess();
/// assert!((all.probability - 9.181e-3).abs() < 5e-7);
/// // Errors of half that size would make it likelier: not knowing hides the risk.
/// assert!(all.dilution && all.maximum > all.probability);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Encounter {
    /// The miss vector in m: along the major axis, along the minor axis.
    pub miss_m: [f64; 2],
    /// Standard deviations in m: the major axis, then the minor one.
    pub sigma_m: [f64; 2],
    /// Radius of both bodies together in m.
    pub radius_m: f64,
}

/// A probability of collision and what it depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CollisionProbability {
    /// The probability for the covariance as it is.
    pub probability: f64,
    /// The largest one over all covariances of the same shape: the worst that a covariance of unknown size may hide.
    pub maximum: f64,
    /// Whether the covariance is larger than the one that gives the maximum. Then less knowledge gives a smaller
    /// probability, and a small one is no comfort.
    pub dilution: bool,
    /// The miss distance in the plane of the encounter in standard deviations.
    pub mahalanobis: f64,
}

/// Why there is no probability.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbabilityError {
    /// The radius is not above 0 or not finite.
    #[error("the radius {radius_m} m is not a finite number above 0")]
    Radius {
        /// What was given.
        radius_m: f64,
    },
    /// Without relative motion there is no plane of the encounter, and no short encounter.
    #[error("the objects do not move against each other; a short encounter is needed")]
    NoRelativeMotion,
    /// Position and velocity of an object are parallel or zero.
    #[error("position and velocity of object {number} span no orbit, so its covariance has no axes")]
    NoAxes {
        /// 1 or 2.
        number: u8,
    },
    /// The combined covariance is that of no distribution.
    #[error("the combined covariance in the plane of the encounter is not positive; ask for a valid one")]
    NotPositive,
}

impl ProbabilityError {
    /// The field of a CDM that the error is about.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Radius { .. } => "HBR",
            Self::NoRelativeMotion => "RELATIVE_SPEED",
            Self::NoAxes { .. } => "X_DOT",
            Self::NotPositive => "CR_R",
        }
    }
}

/// A negative variance this small against the major one is rounding, and taken as zero.
const ROUNDING: f64 = 1e-9;

impl Encounter {
    /// The encounter of `conjunction` for a hard-body radius. The frame of both must be one; axes and relative
    /// velocity are those against the stars also when it turns with the Earth.
    ///
    /// # Errors
    /// See [`ProbabilityError`].
    pub fn new(conjunction: &Conjunction, radius_m: f64) -> Result<Self, ProbabilityError> {
        if !(radius_m > 0.0 && radius_m.is_finite()) {
            return Err(ProbabilityError::Radius { radius_m });
        }
        let (r, v) = (conjunction.relative_position_m(), conjunction.relative_velocity_m_s());
        let speed = norm(v);
        if !(speed > 0.0 && speed.is_finite()) {
            return Err(ProbabilityError::NoRelativeMotion);
        }
        let [x, y] = plane(v.map(|component| component / speed));
        let mut plane_covariance = [[0.0; 2]; 2];
        for (object, number) in conjunction.objects.iter().zip(1_u8..) {
            let axes = object.rtn_axes().ok_or(ProbabilityError::NoAxes { number })?;
            // The plane's axes seen from the object's, so that the covariance needs no turning.
            let seen = [x, y].map(|e| axes.map(|axis| dot(axis, e)));
            for (i, row) in plane_covariance.iter_mut().enumerate() {
                for (j, cell) in row.iter_mut().enumerate() {
                    *cell += quadratic(&object.covariance_rtn, &seen[i], &seen[j]);
                }
            }
        }
        principal(plane_covariance, [dot(x, r), dot(y, r)], radius_m)
    }

    /// The converged probability: relative error below 1e-9, or below 1e-300 absolute.
    pub fn probability(&self) -> f64 {
        self.scaled(1.0)
    }

    /// The paper's sum by Simpson's rule over `terms` intervals of the disc's diameter (rounded up to even, 2 to
    /// 100,000). With few terms it is wrong where the covariance is narrow against the disc.
    pub fn simpson_sum(&self, terms: u32) -> f64 {
        let terms = terms.clamp(2, 100_000).next_multiple_of(2);
        if self.sigma_m.iter().any(|sigma| *sigma <= 0.0) {
            return self.degenerate();
        }
        let step = 2.0 * self.radius_m / f64::from(terms);
        let sum: f64 = (0..=terms)
            .map(|i| {
                let weight = if i == 0 || i == terms {
                    1.0
                } else if i % 2 == 1 {
                    4.0
                } else {
                    2.0
                };
                let x = f64::from(i) * step - self.radius_m;
                weight
                    * self.density(self.sigma_m, x, (self.radius_m * self.radius_m - x * x).max(0.0).sqrt())
            })
            .sum();
        (sum * step / 3.0).clamp(0.0, 1.0)
    }

    /// Probability, maximum, dilution and distance together.
    pub fn assess(&self) -> CollisionProbability {
        let probability = self.probability();
        let mahalanobis = self.mahalanobis();
        let distance = libm::hypot(self.miss_m[0], self.miss_m[1]);
        if distance <= self.radius_m {
            // The smaller the covariance, the surer the hit.
            let maximum = if distance < self.radius_m { 1.0 } else { probability.max(0.5) };
            return CollisionProbability { probability, maximum, dilution: true, mahalanobis };
        }
        if self.sigma_m[1] <= 0.0 {
            return CollisionProbability { probability, maximum: probability, dilution: false, mahalanobis };
        }
        let (scale, maximum) = self.worst_scale(mahalanobis);
        CollisionProbability {
            probability,
            maximum: maximum.max(probability),
            dilution: scale < 1.0,
            mahalanobis,
        }
    }

    /// The miss vector in standard deviations; infinite when it leaves the line of a flat covariance.
    fn mahalanobis(&self) -> f64 {
        let part = |i: usize| if self.miss_m[i] == 0.0 { 0.0 } else { self.miss_m[i] / self.sigma_m[i] };
        libm::hypot(part(0), part(1))
    }

    /// The factor on the standard deviations that gives the largest probability, and that probability. For a small
    /// disc it is the Mahalanobis distance over the square root of 2; a wide grid around it finds the rest.
    fn worst_scale(&self, mahalanobis: f64) -> (f64, f64) {
        const STEPS: i32 = 80;
        let start = libm::log(mahalanobis / std::f64::consts::SQRT_2);
        let at = |step: f64| start + step * 0.15;
        let value = |log: f64| self.scaled(libm::exp(log));
        let best = (-STEPS..=STEPS / 2)
            .map(|step| (f64::from(step), value(at(f64::from(step)))))
            .fold((0.0, f64::NEG_INFINITY), |best, now| if now.1 > best.1 { now } else { best });
        let (mut low, mut high) = (at(best.0 - 1.0), at(best.0 + 1.0));
        let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
        let (mut a, mut b) = (high - golden * (high - low), low + golden * (high - low));
        let (mut fa, mut fb) = (value(a), value(b));
        for _ in 0..60 {
            if fa > fb {
                (high, b, fb) = (b, a, fa);
                a = high - golden * (high - low);
                fa = value(a);
            } else {
                (low, a, fa) = (a, b, fb);
                b = low + golden * (high - low);
                fb = value(b);
            }
        }
        let top = f64::midpoint(low, high);
        (libm::exp(top), value(top).max(best.1))
    }

    /// The probability with both standard deviations times `scale`.
    fn scaled(&self, scale: f64) -> f64 {
        let sigma = self.sigma_m.map(|sigma| sigma * scale);
        if sigma[1] <= 0.0 {
            return self.degenerate();
        }
        let radius = self.radius_m;
        // With x = R sin t the integrand is smooth up to the rim.
        let integrand = |t: f64| {
            let (sin, cos) = libm::sincos(t);
            self.density(sigma, radius * sin, radius * cos) * radius * cos
        };
        integrate(&integrand, &self.breaks(sigma)).clamp(0.0, 1.0)
    }

    /// What stands under the integral over `x` of the disc, where the disc reaches `half` up and down.
    fn density(&self, sigma: [f64; 2], x: f64, half: f64) -> f64 {
        let along = (x + self.miss_m[0]) / sigma[0];
        let root = std::f64::consts::SQRT_2 * sigma[1];
        let miss = self.miss_m[1].abs();
        let across = 0.5 * erf_between((miss - half) / root, (miss + half) / root);
        across * libm::exp(-0.5 * along * along) / (sigma[0] * (2.0 * std::f64::consts::PI).sqrt())
    }

    /// Angles between which the integrand is smooth: at the peak along the major axis and where the disc's rim passes
    /// the miss along the minor one, each with steps of its own width.
    fn breaks(&self, sigma: [f64; 2]) -> Vec<f64> {
        use std::f64::consts::FRAC_PI_2;
        let radius = self.radius_m;
        let widths = [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        let mut breaks = vec![-FRAC_PI_2, 0.0, FRAC_PI_2];
        for width in widths {
            for sign in [-1.0, 1.0] {
                breaks.push((-self.miss_m[0] + sign * width * sigma[0]) / radius);
                let half = (self.miss_m[1].abs() + sign * width * sigma[1]) / radius;
                if (0.0..=1.0).contains(&half) {
                    let x = (1.0 - half * half).sqrt();
                    breaks.extend([-x, x]);
                }
            }
        }
        // The first three are angles already.
        let mut angles: Vec<f64> = breaks.drain(..3).collect();
        angles.extend(breaks.into_iter().filter(|x| x.abs() < 1.0).map(libm::asin));
        angles.sort_by(f64::total_cmp);
        angles.dedup();
        angles
    }

    /// The limit for a covariance without width along the minor axis: all probability lies on a line, or in a point.
    fn degenerate(&self) -> f64 {
        let miss = self.miss_m[1].abs();
        if miss >= self.radius_m {
            return 0.0;
        }
        let half = (self.radius_m * self.radius_m - miss * miss).sqrt();
        let along = self.miss_m[0].abs();
        if self.sigma_m[0] <= 0.0 {
            return if along < half { 1.0 } else { 0.0 };
        }
        let root = std::f64::consts::SQRT_2 * self.sigma_m[0];
        0.5 * erf_between((along - half) / root, (along + half) / root)
    }
}

/// Two unit vectors across `direction` and each other.
fn plane(direction: [f64; 3]) -> [[f64; 3]; 2] {
    let smallest = if direction[0].abs() <= direction[1].abs() && direction[0].abs() <= direction[2].abs() {
        [1.0, 0.0, 0.0]
    } else if direction[1].abs() <= direction[2].abs() {
        [0.0, 1.0, 0.0]
    } else {
        [0.0, 0.0, 1.0]
    };
    let x = cross(direction, smallest);
    let length = norm(x);
    let x = x.map(|component| component / length);
    [x, cross(direction, x)]
}

/// `a` times the upper left 3x3 of `matrix` times `b`.
fn quadratic(matrix: &[[f64; 6]; 6], a: &[f64; 3], b: &[f64; 3]) -> f64 {
    matrix.iter().zip(a).map(|(row, a)| a * row.iter().zip(b).map(|(c, b)| c * b).sum::<f64>()).sum()
}

/// Turns a covariance and a miss vector of the plane to the principal axes.
fn principal(c: [[f64; 2]; 2], miss: [f64; 2], radius_m: f64) -> Result<Encounter, ProbabilityError> {
    let (a, b, d) = (c[0][0], f64::midpoint(c[0][1], c[1][0]), c[1][1]);
    let spread = libm::hypot(0.5 * (a - d), b);
    let major = 0.5 * (a + d) + spread;
    // By the determinant: the difference of two near numbers would lose the minor axis of a long ellipse.
    let minor = if major > 0.0 { (a * d - b * b) / major } else { 0.5 * (a + d) - spread };
    let finite = [a, b, d, miss[0], miss[1]].iter().all(|value| value.is_finite());
    if !finite || major < 0.0 || minor < -ROUNDING * major {
        return Err(ProbabilityError::NotPositive);
    }
    let angle = 0.5 * libm::atan2(2.0 * b, a - d);
    let (sin, cos) = libm::sincos(angle);
    Ok(Encounter {
        miss_m: [cos * miss[0] + sin * miss[1], cos * miss[1] - sin * miss[0]],
        sigma_m: [major.max(0.0).sqrt(), minor.max(0.0).sqrt()],
        radius_m,
    })
}

/// erf(b) - erf(a) for a <= b, without losing what is left of two numbers that are near each other.
fn erf_between(a: f64, b: f64) -> f64 {
    if (b - a) * (1.0 + a.abs().max(b.abs())) < 2.0 {
        // The normal curve hardly bends here: 15 points give all digits.
        return kronrod(&|t: f64| libm::exp(-t * t), a, b).0 * std::f64::consts::FRAC_2_SQRT_PI;
    }
    if a > 0.0 {
        libm::erfc(a) - libm::erfc(b)
    } else if b < 0.0 {
        libm::erfc(-b) - libm::erfc(-a)
    } else {
        libm::erf(b) - libm::erf(a)
    }
}

/// Nodes and weights of the 15-point Kronrod rule and weights of the 7-point Gauss rule within it (QUADPACK, qk15).
const KRONROD: [(f64, f64, f64); 8] = [
    (0.991_455_371_120_812_6, 0.022_935_322_010_529_224, 0.0),
    (0.949_107_912_342_758_5, 0.063_092_092_629_978_56, 0.129_484_966_168_869_7),
    (0.864_864_423_359_769_1, 0.104_790_010_322_250_18, 0.0),
    (0.741_531_185_599_394_4, 0.140_653_259_715_525_92, 0.279_705_391_489_276_64),
    (0.586_087_235_467_691_1, 0.169_004_726_639_267_9, 0.0),
    (0.405_845_151_377_397_2, 0.190_350_578_064_785_4, 0.381_830_050_505_118_9),
    (0.207_784_955_007_898_47, 0.204_432_940_075_298_9, 0.0),
    (0.0, 0.209_482_141_084_727_82, 0.417_959_183_673_469_4),
];

/// The Kronrod sum over `from..to`, and how far the Gauss sum is from it.
fn kronrod<F: Fn(f64) -> f64>(f: &F, from: f64, to: f64) -> (f64, f64) {
    let (middle, half) = (f64::midpoint(from, to), 0.5 * (to - from));
    let (mut fine, mut coarse) = (0.0, 0.0);
    for (node, weight, gauss) in KRONROD {
        let value = if node == 0.0 { f(middle) } else { f(middle - half * node) + f(middle + half * node) };
        fine += weight * value;
        coarse += gauss * value;
    }
    (fine * half, ((fine - coarse) * half).abs())
}

/// The integral of `f` over the intervals between `breaks`, each halved until it is exact to 1e-12 of the whole or to
/// rounding.
fn integrate<F: Fn(f64) -> f64>(f: &F, breaks: &[f64]) -> f64 {
    /// Rounding may keep an interval from converging; this bounds the work, and was never reached in tests.
    const MAX_HALVINGS: u32 = 4000;
    const MAX_DEPTH: u32 = 40;
    let mut open: Vec<(f64, f64, f64, f64, u32)> = breaks
        .windows(2)
        .filter_map(|pair| {
            let &[from, to] = pair else { return None };
            let (value, error) = kronrod(f, from, to);
            Some((from, to, value, error, 0))
        })
        .collect();
    let whole: f64 = open.iter().map(|piece| piece.2).sum();
    let allowed = 1e-12 * whole / open.len().max(1) as f64;
    let (mut sum, mut halvings) = (0.0, 0);
    while let Some((from, to, value, error, depth)) = open.pop() {
        if error <= allowed.max(1e-13 * value) || depth >= MAX_DEPTH || halvings >= MAX_HALVINGS {
            sum += value;
            continue;
        }
        halvings += 1;
        let middle = f64::midpoint(from, to);
        for (from, to) in [(from, middle), (middle, to)] {
            let (value, error) = kronrod(f, from, to);
            open.push((from, to, value, error, depth + 1));
        }
    }
    sum
}

#[cfg(test)]
#[path = "probability_tests.rs"]
mod tests;
