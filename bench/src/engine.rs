//! Whose SGP4 is measured, and in which of our ways.

use std::fmt;

use orbit::{Kernel, Propagator, StateBatch};

/// One way of propagating.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Engine {
    /// Ours, one time after another
    Scalar,
    /// Ours, many times at once, in plain code
    Portable,
    /// Ours, many times at once, by AVX2
    Avx2,
    /// Ours, many times at once, by AVX-512
    Avx512,
    /// The `sgp4` crate
    Sgp4,
}

impl Engine {
    /// Our ways on this processor: the scalar one, then every kernel, the fastest last.
    pub(crate) fn ours() -> Vec<Self> {
        [Self::Scalar, Self::Portable, Self::Avx2, Self::Avx512].into_iter().filter(|e| e.runs()).collect()
    }

    /// Whether this processor can.
    pub(crate) fn runs(self) -> bool {
        self.kernel().is_none_or(|kernel| Kernel::available().contains(&kernel))
    }

    /// The kernel; `None` for those that take one time after another.
    pub(crate) const fn kernel(self) -> Option<Kernel> {
        match self {
            Self::Scalar | Self::Sgp4 => None,
            Self::Portable => Some(Kernel::Portable),
            Self::Avx2 => Some(Kernel::Avx2),
            Self::Avx512 => Some(Kernel::Avx512),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Sgp4 => "sgp4",
        })
    }
}

/// Position in km and velocity in km/s.
pub(crate) type PosVel = ([f64; 3], [f64; 3]);

/// Hands `take` our states at `count` one-minute steps from `first_min` after the epoch; `None` in an error state.
pub(crate) fn each_minute(
    propagator: &Propagator,
    first_min: f64,
    count: usize,
    kernel: Option<Kernel>,
    batch: &mut StateBatch,
    mut take: impl FnMut(usize, Option<PosVel>),
) {
    let Some(kernel) = kernel else {
        return (0..count).for_each(|step| take(step, at_minutes(propagator, first_min + step as f64)));
    };
    propagator.states_every(first_min, 1.0, count, kernel, batch);
    for step in 0..count {
        take(step, batch.position_km(step).zip(batch.velocity_km_s(step)));
    }
}

/// Our state at `minutes` from the epoch; `None` in an error state.
pub(crate) fn at_minutes(propagator: &Propagator, minutes: f64) -> Option<PosVel> {
    let state = propagator.state_at_minutes(minutes).ok()?;
    Some((state.position().km(), state.velocity().km_s()))
}
