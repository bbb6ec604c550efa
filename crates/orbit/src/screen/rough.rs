//! Objects that SGP4 carries off: looked at window by window, and seen every 10 s where there is no bound for them.

use std::ops::Range;

use base::{Fault, Interval, Timestamp};

use super::bodies::{Body, LOOKS_AT_ONCE, padded, two_body};
use super::refine::{CELL_NANOS, Lattice};
use super::sightings::Sight;
use crate::frame::{minus, norm};
use crate::{Kernel, StateBatch};

/// A pad in km beyond which an object is rough: SGP4 carries it off, as it does with objects about to decay. Its pad
/// is then worked out window by window.
pub(super) const ROUGH_PAD_KM: f64 = 1.0;

impl Body {
    /// Whether [`ROUGH_PAD_KM`] does not hold in all windows.
    pub(super) fn is_rough(&self) -> bool {
        self.pad_km() > ROUGH_PAD_KM
    }
}

/// Looks at a rough body in a run of windows, four a window.
#[derive(Default)]
pub(super) struct Looks {
    states: StateBatch,
    half_window_s: f64,
}

impl Looks {
    /// Looks at `count` windows, whose middles are `step` minutes apart, the first `first` minutes from the epoch.
    pub(super) fn take(&mut self, body: &Body, first: f64, step: f64, count: usize, kernel: Kernel) {
        self.half_window_s = 30.0 * step;
        body.propagator.states_every(
            first - 0.5 * step,
            0.25 * step,
            4 * count + 1,
            kernel,
            &mut self.states,
        );
    }

    /// Whether a pad of [`ROUGH_PAD_KM`] will do in the `i`-th window.
    pub(super) fn is_smooth(&self, i: usize) -> bool {
        let (h, middle) = (self.half_window_s, 4 * i + 2);
        let (Some(r), Some(v)) = (self.states.position_km(middle), self.states.velocity_km_s(middle)) else {
            return false;
        };
        let deviation = |(look, offset_s): (usize, f64)| {
            let there = self.states.position_km(look)?;
            Some(norm(minus(there, two_body(r, v, offset_s))))
        };
        let looks = [(middle - 2, -h), (middle - 1, -0.5 * h), (middle + 1, 0.5 * h), (middle + 2, h)];
        // What becomes invalid inside the window has no bound here.
        let worst = looks.map(deviation).iter().fold(0.0f64, |w, d| w.max(d.unwrap_or(f64::INFINITY)));
        padded(worst, h) <= ROUGH_PAD_KM
    }
}

/// A body at the ends of the lattice cells of a run of windows.
#[derive(Default)]
pub(super) struct Nodes {
    states: StateBatch,
}

impl Nodes {
    /// Looks at the ends of `cells` cells, the first of which begins `first` minutes from the epoch.
    pub(super) fn take(&mut self, body: &Body, first: f64, cells: usize, kernel: Kernel) {
        body.propagator.states_every(first, CELL_NANOS as f64 / 6e10, cells + 1, kernel, &mut self.states);
    }

    /// Whether the body has no valid state at any end of a cell of the `i`-th window, so that nothing is searched there.
    pub(super) fn are_invalid(&self, i: usize, cells: usize) -> bool {
        (i * cells..=(i + 1) * cells).all(|node| self.states.position_km(node).is_none())
    }
}

/// Time between two looks at an object that is odd, in seconds; a part of a lattice cell.
pub(super) const SIGHT_S: f64 = 10.0;

/// Speed in km/s beyond which no object near the Earth goes: twice the escape speed at the surface.
const UNBOUND_KM_S: f64 = 25.0;

impl Body {
    /// The valid places of the object from `start` to `end`, every [`SIGHT_S`] and at the end.
    pub(super) fn seen(&self, start: Timestamp, end: Timestamp) -> Vec<(Timestamp, [f64; 3])> {
        let times = (0..).map(|i| start.plus_seconds(f64::from(i) * SIGHT_S)).take_while(|t| *t < end);
        times
            .chain([end])
            .filter_map(|t| Some((t, self.propagator.raw(self.propagator.minutes_to(t)).ok()?.0)))
            .collect()
    }

    /// Whether places next to each other are further apart than anything in orbit goes: SGP4 turns objects about to
    /// decay about the Earth at hundreds of km/s, without an error code.
    pub(super) fn is_carried_off(&self, seen: &[(Timestamp, [f64; 3])]) -> bool {
        let steps = seen.iter().zip(seen.iter().skip(1));
        let mut steps = steps.filter(|(a, b)| b.0.seconds_since(a.0) <= 1.001 * SIGHT_S);
        steps.any(|(a, b)| norm(minus(b.1, a.1)) > UNBOUND_KM_S * SIGHT_S)
    }
}

impl Body {
    /// A warning for the first time in the span at which the object is carried off.
    pub(super) fn first_carried_off(&self, span: Interval) -> Option<Fault> {
        if !self.is_rough() {
            return None;
        }
        let first = self.propagator.minutes_to(span.start());
        let looks = (span.seconds() / SIGHT_S).ceil() as usize + 1;
        let mut states = StateBatch::default();
        for from in (0..looks).step_by(LOOKS_AT_ONCE) {
            let start = first + from as f64 * SIGHT_S / 60.0;
            self.propagator.states_every(
                start,
                SIGHT_S / 60.0,
                LOOKS_AT_ONCE + 1,
                Kernel::best(),
                &mut states,
            );
            let far = |i: &usize| match (states.position_km(*i), states.position_km(i + 1)) {
                (Some(a), Some(b)) => norm(minus(a, b)) > 0.99 * UNBOUND_KM_S * SIGHT_S,
                _ => false,
            };
            // The kernel finds them; the reference decides.
            for i in (0..LOOKS_AT_ONCE).filter(far) {
                let at = span.start().plus_seconds((from + i) as f64 * SIGHT_S);
                if at < span.end()
                    && self.is_carried_off(&self.seen(at, at.plus_seconds(SIGHT_S).min(span.end())))
                {
                    return Some(Fault::warning(
                        "orbit::carried_off",
                        format!(
                            "object {}: its places at {at} are further apart than any orbit allows; such times are left out, get a newer element set",
                            self.propagator.norad_id()
                        ),
                    ));
                }
            }
        }
        None
    }
}

/// Where an object is seen in the lattice cells `cells` of a window with this middle: every [`SIGHT_S`] where it has a
/// valid state, but for cells in which it is surely carried off.
pub(super) fn places_seen(
    body: &Body,
    lattice: &Lattice,
    cells: Range<u64>,
    middle: Timestamp,
    kernel: Kernel,
) -> Vec<Sight> {
    let per_cell = (CELL_NANOS as f64 * 1e-9 / SIGHT_S) as usize;
    let (count, start) = ((cells.end - cells.start) as usize, lattice.node(cells.start));
    let (start_s, end_s) = (start.seconds_since(middle), lattice.node(cells.end).seconds_since(middle));
    let mut states = StateBatch::default();
    let first = body.propagator.minutes_to(start);
    body.propagator.states_every(first, SIGHT_S / 60.0, count * per_cell + 1, kernel, &mut states);
    let at_s = |look: usize| start_s + look as f64 * SIGHT_S;
    let carried_off = |look: &usize| match (states.position_km(*look), states.position_km(look + 1)) {
        // Only what the reference finds as well, which does not look beyond the span.
        (Some(a), Some(b)) => {
            norm(minus(b, a)) > 1.01 * UNBOUND_KM_S * SIGHT_S && at_s(look + 1) <= end_s + 1e-3
        }
        _ => false,
    };
    let mut places = Vec::new();
    let mut next = 0;
    for cell in 0..count {
        let looks = cell * per_cell..(cell + 1) * per_cell;
        if looks.clone().any(|look| carried_off(&look)) {
            continue;
        }
        // The end of a cell is the start of the next.
        for look in looks.start.max(next)..=looks.end {
            places.extend(states.position_km(look).map(|r| (at_s(look), r)));
        }
        next = looks.end + 1;
    }
    places
}
