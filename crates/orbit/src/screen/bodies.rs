use std::sync::OnceLock;

use base::{Fault, Interval, NoradId, Timestamp};

use super::astray::{Astray, Samples};
use super::curves::STEP_WINDOWS;
use super::refine::CELL_NANOS;
use crate::frame::{dot, minus, norm};
use crate::{Catalogue, Kernel, Propagator, StateBatch};

/// The Earth's gravity parameter in km^3/s^2 (WGS-72, as SGP4 has it).
pub(super) const MU_KM3_S2: f64 = 398_600.8;

/// Acceleration at the surface in km/s^2, rounded up.
pub(super) const GRAVITY_KM_S2: f64 = 9.83e-3;

/// More times than these are not looked at for a pad: some three months of windows.
const MAX_SAMPLES: f64 = 32_768.0;

/// So many looks are taken at once, to bound memory.
pub(super) const LOOKS_AT_ONCE: usize = 4096;

/// What J2 adds to it at most (3 J2 mu / R^2), in km/s^2, rounded up.
const J2_KM_S2: f64 = 3.3e-5;

/// An object ready to be screened.
pub(super) struct Body {
    pub(super) propagator: Propagator,
    /// How far it gets from its curves; not known where nobody needs it.
    pub(super) astray: Astray,
    /// Whether it can meet anybody by the radii between which it stays.
    pub(super) is_needed: bool,
    pad_km: OnceLock<f64>,
    looks: Looks,
}

/// How a body is looked at.
#[derive(Debug, Clone, Copy)]
struct Looks {
    span: Interval,
    half_window_s: f64,
    /// Whether it is much the same all the time, but for its place in the orbit.
    is_even: bool,
    period_s: f64,
}

/// So many looks are taken at an even orbit.
const EVEN_LOOKS: usize = 16;

impl Looks {
    /// The time between two looks at an even orbit that are spread over `length_s`. A number of periods near a whole one
    /// or near a half would show the same places again and again; the golden ratio spreads the looks over the orbit.
    fn spread_s(&self, length_s: f64) -> f64 {
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        let revolutions = length_s / (EVEN_LOOKS - 1) as f64 / self.period_s;
        if revolutions >= GOLDEN {
            return ((revolutions - GOLDEN).floor() + GOLDEN) * self.period_s;
        }
        // Looks nearer to each other than a tenth of a revolution pass by all places that there are.
        let powers = std::iter::successors(Some(GOLDEN), |x| Some(x * GOLDEN)).take_while(|x| *x > 0.09);
        powers.filter(|x| *x <= revolutions).fold(revolutions.min(0.09), f64::max) * self.period_s
    }
}

impl Body {
    /// How far it strays from two-body motion within half a window, in km; worked out when it is first asked for.
    pub(super) fn pad_km(&self) -> f64 {
        *self.pad_km.get_or_init(|| pad(&self.propagator, self.looks))
    }
}

/// A body with what is to be told of it, or why there is none.
type Prepared = Result<(Body, [Option<Fault>; 2]), Box<Fault>>;

/// What must be known of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// It meets nobody.
    Nothing,
    Pad,
    PadAndCurve,
}

/// All objects of the catalogue that make an orbit, by rising catalogue number, and faults for the others. What a body
/// needs is told by its number and the radii between which it stays.
pub(super) fn prepare(
    catalogue: &Catalogue,
    span: Interval,
    half_window_s: f64,
    needs: &(dyn Fn(NoradId, (f64, f64)) -> Needs + Sync),
    pool: Option<&rayon::ThreadPool>,
) -> (Vec<Body>, Vec<Fault>) {
    use rayon::prelude::*;
    let sets: Vec<_> = catalogue.iter().collect();
    let one = |set: &&crate::ElementSet| {
        let propagator = Propagator::new(set)
            .map_err(|error| {
                Box::new(Fault::error(
                    "orbit::cannot_propagate",
                    format!("object {}: {error}; get a newer element set", set.norad_id()),
                ))
            })?
            .anchored(span.start(), span.end());
        // An eccentric orbit strays at its perigee, one that decays at its end, and SDP4 jumps by kilometres where the
        // inclination passes 0.2 rad (11.46 degrees): these are looked at in every window.
        let may_jump = propagator.is_deep_space() && (set.inclination_deg() - 11.46).abs() < 3.0;
        let is_even = set.eccentricity() <= 0.1
            && !may_jump
            && propagator.always_valid_between(span.start(), span.end());
        let radii_km = propagator.radii_between(span.start(), span.end());
        let period_s = 86_400.0 / set.mean_motion_rev_per_day();
        let looks = Looks { span, half_window_s, is_even, period_s };
        let needs = needs(set.norad_id(), radii_km);
        let astray = match needs {
            Needs::PadAndCurve => strays(&propagator, looks),
            Needs::Pad | Needs::Nothing => Astray::default(),
        };
        let is_needed = needs != Needs::Nothing;
        let body = Body { propagator, astray, is_needed, pad_km: OnceLock::new(), looks };
        // What keeps to its curves all the time is not carried off.
        let may_be_rough = is_needed && !body.astray.is_known();
        let carried_off = may_be_rough.then(|| body.first_carried_off(span)).flatten();
        let warnings = [first_error(&body.propagator, span), carried_off];
        Ok((body, warnings))
    };
    let all: Vec<Prepared> = match pool {
        Some(pool) => pool.install(|| sets.par_iter().map(one).collect()),
        None => sets.iter().map(one).collect(),
    };
    let (mut bodies, mut faults, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    for item in all {
        match item {
            Ok((body, told)) => {
                bodies.push(body);
                warnings.extend(told.into_iter().flatten());
            }
            Err(fault) => faults.push(*fault),
        }
    }
    faults.extend(warnings);
    (bodies, faults)
}

/// [`Astray`] in the steps of the span: even orbits are looked at in 16, others in all.
fn strays(propagator: &Propagator, looks: Looks) -> Astray {
    let Looks { span, half_window_s, is_even, .. } = looks;
    let step_s = STEP_WINDOWS as f64 * 2.0 * half_window_s;
    let steps = (span.seconds() / step_s).ceil().max(1.0);
    // In the middle of the first.
    let first = propagator.minutes_to(span.start()) + 0.5 * step_s / 60.0;
    if is_even {
        let every_s = looks.spread_s((steps - 1.0) * step_s);
        Astray::of_some(propagator, Samples { first, every_s, count: EVEN_LOOKS, step_s })
    } else if steps <= MAX_SAMPLES {
        Astray::of_all(propagator, Samples { first, every_s: step_s, count: steps as usize, step_s })
    } else {
        Astray::default()
    }
}

/// Times between two looks for an error state: as many as the default windows have.
const LOOK_NANOS: i64 = 8 * CELL_NANOS;

/// A warning where the object is in an error state at a look in the span or at its end. What it says depends on nothing
/// but the object and the span.
fn first_error(propagator: &Propagator, span: Interval) -> Option<Fault> {
    if span.end() <= span.start() || propagator.always_valid_between(span.start(), span.end()) {
        return None;
    }
    let step = LOOK_NANOS as f64 / 6e10;
    let looks = (span.seconds() * 1e9 / LOOK_NANOS as f64) as u64 + 1;
    let at = |i: u64| span.start().plus_seconds(i as f64 * LOOK_NANOS as f64 * 1e-9).min(span.end());
    let mut states = StateBatch::default();
    let told = |time: Timestamp| {
        let code = propagator.raw(propagator.minutes_to(time)).err()?.code();
        Some(Fault::warning(
            "orbit::error_state",
            format!(
                "object {}: no valid state (code {code}) at {time}; such times are left out, get a newer element set",
                propagator.norad_id()
            ),
        ))
    };
    for from in (0..looks).step_by(LOOKS_AT_ONCE) {
        let count = (looks - from).min(LOOKS_AT_ONCE as u64) as usize;
        propagator.states_every(propagator.minutes_to(at(from)), step, count, Kernel::best(), &mut states);
        // The kernel finds them; the reference decides.
        let gaps = (0..count).filter(|i| states.position_km(*i).is_none());
        if let Some(fault) = gaps.filter_map(|i| told(at(from + i as u64))).next() {
            return Some(fault);
        }
    }
    told(span.end())
}

/// Twice the largest deviation from two-body motion that is seen, and at least what J2 can do. An even orbit is looked
/// at 16 times; others in all windows in which they come low, and in every 64th.
fn pad(propagator: &Propagator, looks: Looks) -> f64 {
    let Looks { span, half_window_s, is_even, .. } = looks;
    let first = propagator.minutes_to(span.start());
    let windows = (span.seconds() / (2.0 * half_window_s)).ceil().max(1.0);
    let mut worst = Worst::default();
    if is_even || windows > MAX_SAMPLES {
        let (every_s, count) = if is_even {
            (looks.spread_s(span.seconds()), EVEN_LOOKS)
        } else {
            (span.seconds() / (MAX_SAMPLES - 1.0), MAX_SAMPLES as usize)
        };
        worst.look(propagator, first, every_s, half_window_s, count);
        return padded(worst.km, half_window_s);
    }
    let group_s = 2.0 * half_window_s * GROUP as f64;
    let groups = windows as usize / GROUP + 1;
    let mut middles = StateBatch::default();
    propagator.states_every(
        first + 0.5 * group_s / 60.0,
        group_s / 60.0,
        groups,
        Kernel::best(),
        &mut middles,
    );
    let is_looked_at = |group: usize| {
        group.is_multiple_of(EVERY) || middles.position_km(group).is_none_or(|r| norm(r) < LOW_KM)
    };
    let mut group = 0;
    while group < groups {
        let end = (group..groups).find(|g| !is_looked_at(*g)).unwrap_or(groups);
        if end > group {
            let from = first + (group as f64 * group_s + half_window_s) / 60.0;
            worst.look(propagator, from, 2.0 * half_window_s, half_window_s, (end - group) * GROUP);
        }
        group = end.max(group) + 1;
    }
    padded(worst.km, half_window_s)
}

/// Windows that are looked at together, or not.
const GROUP: usize = 4;

/// Of groups that are not low every so many are looked at.
const EVERY: usize = 16;

/// Radius in km in the middle of a group above which a body does not come below two radii of the Earth in all of it,
/// where J2 does no more than a sixteenth of what it can at the surface.
const LOW_KM: f64 = 17_000.0;

/// The largest deviation from two-body motion.
#[derive(Default)]
struct Worst {
    km: f64,
    middle: StateBatch,
    before: StateBatch,
    after: StateBatch,
}

impl Worst {
    /// Looks at `count` windows, of which the middle of the first is `first` minutes from the epoch, and each `step_s`
    /// after the last.
    fn look(&mut self, propagator: &Propagator, first: f64, step_s: f64, half_window_s: f64, count: usize) {
        let Self { km, middle, before, after } = self;
        for (offset_s, states) in
            [(0.0, &mut *middle), (-half_window_s, &mut *before), (half_window_s, &mut *after)]
        {
            let (first, step) = (first + offset_s / 60.0, step_s / 60.0);
            propagator.states_every(first, step, count, Kernel::best(), states);
        }
        for i in 0..count {
            let (Some(r), Some(v)) = (middle.position_km(i), middle.velocity_km_s(i)) else { continue };
            for (there, offset_s) in [(&before, -half_window_s), (&after, half_window_s)] {
                let Some(there) = there.position_km(i) else { continue };
                *km = km.max(norm(minus(there, two_body(r, v, offset_s))));
            }
        }
    }
}

pub(super) fn padded(worst_km: f64, half_window_s: f64) -> f64 {
    0.01 + (2.0 * worst_km).max(0.5 * J2_KM_S2 * half_window_s * half_window_s)
}

/// Two-body motion by Taylor's series to the fourth power; for two minutes its error is some metres in low orbit, and
/// pads are a tenth of a kilometre and more.
pub(super) fn two_body(r: [f64; 3], v: [f64; 3], step_s: f64) -> [f64; 3] {
    let radius2 = dot(r, r);
    let pull = MU_KM3_S2 / (radius2 * radius2.sqrt());
    let share = dot(r, v) / radius2;
    let bend = (dot(v, v) - pull * radius2) / radius2;
    let mut out = r;
    for (i, x) in out.iter_mut().enumerate() {
        let a = -pull * r[i];
        let jerk = -pull * (v[i] - 3.0 * share * r[i]);
        let snap = -pull * (a - 6.0 * share * v[i] + (15.0 * share * share - 3.0 * bend) * r[i]);
        *x += step_s * (v[i] + step_s * (a / 2.0 + step_s * (jerk / 6.0 + step_s * snap / 24.0)));
    }
    out
}
