//! How far a body gets from its curves ([`Curves`]), as far as it is seen.

use super::curves::{Away, Curves};
use crate::sgp4::kernel::Steps;
use crate::{Kernel, Propagator, StateBatch};

/// An object that gets further than this from its curve in half a step has none.
const MOST_ASTRAY_KM: f64 = 100.0;

/// Rate in rad/s at which nothing turns that is bound to the Earth: the escape speed at the surface, over its radius,
/// and a tenth more.
const FASTEST_TURN: f64 = 1.93e-3;

/// How far a body gets from its curves within half a step, as far as it has been seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Astray {
    /// In km along the radius.
    pub(super) radius_km: f64,
    /// In km along the normal.
    pub(super) height_km: f64,
    /// Between these rates in rad/s it turns about the Earth, on the average since the middle.
    pub(super) turns: (f64, f64),
    knows: Knows,
}

/// For which steps that is known.
#[derive(Debug, Clone, Default, PartialEq)]
enum Knows {
    #[default]
    None,
    All,
    /// By step.
    Some(Vec<bool>),
}

/// At which steps a body is looked at: the middle of the first is `first` minutes from the epoch, each is `every_s`
/// after the last, and all are `step_s` long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Samples {
    pub(super) first: f64,
    pub(super) every_s: f64,
    pub(super) count: usize,
    pub(super) step_s: f64,
}

impl Astray {
    /// Twice as far as the body is seen in some steps, told of all steps; of none where one of them is none.
    pub(super) fn of_some(propagator: &Propagator, samples: Samples) -> Self {
        let mut out = Self::of_all(propagator, samples);
        if out.knows != Knows::All {
            out.knows = Knows::None;
        }
        out
    }

    /// Twice as far as the body is seen in all steps, each for itself, in which it has valid states and keeps to its
    /// curve: at the borders and halfway to them.
    pub(super) fn of_all(propagator: &Propagator, samples: Samples) -> Self {
        let Samples { first, every_s, count, step_s } = samples;
        let step = every_s / 60.0;
        let mut curves = Curves::default();
        curves.fill(propagator, Steps { first, step, count }, Kernel::best());
        let offsets_s = [-0.5, -0.25, 0.25, 0.5].map(|part| part * step_s);
        let around = offsets_s.map(|offset_s| {
            let mut states = StateBatch::default();
            propagator.states_every(first + offset_s / 60.0, step, count, Kernel::best(), &mut states);
            (offset_s, states)
        });
        let mut seen = Seen::default();
        let known: Vec<bool> = (0..count)
            .map(|i| {
                let mut here = Seen::default();
                let sees = |(offset_s, states): &(f64, StateBatch)| {
                    states.position_km(i).is_some_and(|place| here.add(&curves.away(i, place), *offset_s))
                };
                let is_known = curves.is_bound(i) && around.iter().all(sees);
                if is_known {
                    seen.merge(&here);
                }
                is_known
            })
            .collect();
        let more = 0.5 * (seen.turns.1 - seen.turns.0);
        Self {
            radius_km: 2.0 * seen.radius_km + 0.1,
            height_km: 2.0 * seen.height_km + 0.1,
            turns: (seen.turns.0 - more, seen.turns.1 + more),
            knows: if known.iter().all(|k| *k) {
                Knows::All
            } else if known.iter().any(|k| *k) {
                Knows::Some(known)
            } else {
                Knows::None
            },
        }
    }

    /// Whether it is known for all steps.
    pub(super) fn is_known(&self) -> bool {
        self.knows == Knows::All
    }

    pub(super) fn knows_step(&self, number: usize) -> bool {
        match &self.knows {
            Knows::None => false,
            Knows::All => true,
            Knows::Some(steps) => steps.get(number).copied().unwrap_or(false),
        }
    }
}

/// What was seen of a body beside its curves.
struct Seen {
    radius_km: f64,
    height_km: f64,
    turns: (f64, f64),
}

impl Default for Seen {
    fn default() -> Self {
        Self { radius_km: 0.0, height_km: 0.0, turns: (f64::INFINITY, f64::NEG_INFINITY) }
    }
}

impl Seen {
    /// Counts a place; false where it does not belong to a curve.
    fn add(&mut self, away: &Away, offset_s: f64) -> bool {
        // A turn by more than a half is seen as one backwards.
        let turn = away.angle / offset_s;
        self.merge(&Self { radius_km: away.radius_km, height_km: away.height_km, turns: (turn, turn) });
        // Not the other way round: NaN does not belong.
        2.0 * away.radius_km.max(away.height_km) <= MOST_ASTRAY_KM
            && !away.radius_km.is_nan()
            && (0.0..FASTEST_TURN).contains(&turn)
    }

    fn merge(&mut self, other: &Self) {
        self.radius_km = self.radius_km.max(other.radius_km);
        self.height_km = self.height_km.max(other.height_km);
        self.turns = (self.turns.0.min(other.turns.0), self.turns.1.max(other.turns.1));
    }
}
