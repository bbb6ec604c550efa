//! The fit about one gap: is there a step between the sets before and those after?

use super::fit::{Estimate, MAX_UNKNOWNS, QUICK, Row, robust_fit};
use super::track::Track;

/// Sets that a fit needs on each side.
pub(super) const SETS_A_SIDE: usize = 3;

/// Sets that a fit takes on each side at most, so that a crowd of sets costs no more than its number.
const MOST_SETS_A_SIDE: usize = 60;

/// Neighbouring burns that one fit can hold.
const MAX_NEIGHBOURS: usize = MAX_UNKNOWNS - 4;

/// A burn: the last set before it, and when it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Burn {
    /// Index of the last set that knows nothing of it.
    pub(super) before: usize,
    /// Days since the first set. May lie outside the gap: a set may hold data from after its epoch, or none from
    /// shortly before it.
    pub(super) day: f64,
}

/// The sets about a gap that a fit uses.
struct Window<'a> {
    track: &'a Track,
    burn: Burn,
    from: usize,
    to: usize,
    neighbours: Vec<Burn>,
    scale_days: f64,
}

impl<'a> Window<'a> {
    fn new(track: &'a Track, burn: Burn, known: &[Burn], half_width_days: f64) -> Option<Self> {
        let days = &track.day;
        let middle = 0.5 * (days.get(burn.before)? + days.get(burn.before + 1)?);
        let mut from = days.partition_point(|day| *day < middle - half_width_days);
        let mut to = days.partition_point(|day| *day <= middle + half_width_days);
        from = from.max((burn.before + 1).saturating_sub(MOST_SETS_A_SIDE));
        to = to.min(burn.before + 1 + MOST_SETS_A_SIDE);
        let mut neighbours: Vec<Burn> =
            known.iter().copied().filter(|other| other.before != burn.before).collect();
        // Farther burns than the fit can hold end the window.
        neighbours.sort_by_key(|other| other.before.abs_diff(burn.before));
        let inside = |other: &Burn, from: usize, to: usize| other.before >= from && other.before + 1 < to;
        neighbours.retain(|other| inside(other, from, to));
        for far in neighbours.iter().skip(MAX_NEIGHBOURS) {
            if far.before < burn.before {
                from = from.max(far.before + 1);
            } else {
                to = to.min(far.before + 1);
            }
        }
        neighbours.truncate(MAX_NEIGHBOURS);
        neighbours.retain(|other| inside(other, from, to));
        let enough = burn.before + 1 >= from + SETS_A_SIDE && to > burn.before + SETS_A_SIDE;
        enough.then_some(Self { track, burn, from, to, neighbours, scale_days: half_width_days })
    }

    /// Unknowns: place, rate, drag, the step, and a step for each neighbour.
    fn unknowns(&self) -> usize {
        4 + self.neighbours.len()
    }

    fn row(&self, index: usize, base: [f64; 3], step: impl Fn(&Burn) -> f64, observed: f64) -> Row {
        let mut factors = [0.0; MAX_UNKNOWNS];
        factors[..3].copy_from_slice(&base);
        for (slot, burn) in std::iter::once(&self.burn).chain(&self.neighbours).enumerate() {
            if index > burn.before {
                factors[3 + slot] = step(burn);
            }
        }
        Row { factors, observed }
    }

    /// Along-track places and rates: a parabola whose slope has a step at the burn. A rate counts as a place a day
    /// off: that is how far apart the sets are, and both are about equally well known.
    fn along_track_rows(&self) -> Vec<Row> {
        let track = self.track;
        let mut rows = Vec::with_capacity(2 * (self.to - self.from));
        let origin = track.along_m[self.burn.before];
        for index in self.from..self.to {
            let day = track.day[index];
            let t = day - self.burn.day;
            let w = self.scale_days;
            let place = track.along_m[index] - origin;
            rows.push(self.row(index, [1.0, t, t * t / w], |burn| day - burn.day, place));
            rows.push(self.row(index, [0.0, 1.0, 2.0 * t / w], |_| 1.0, track.rate_m_day[index]));
        }
        rows
    }

    /// The fit with the burn elsewhere in the same window.
    fn fit_at(&self, burn: Burn, scale: Option<f64>) -> Option<(Estimate, f64)> {
        let moved = Window { burn, neighbours: self.neighbours.clone(), ..*self };
        robust_fit(&moved.along_track_rows(), moved.unknowns(), 3, scale, QUICK)
    }

    fn level_rows(&self, series: &[f64]) -> Vec<Row> {
        let origin = series[self.burn.before];
        (self.from..self.to)
            .map(|index| {
                let t = self.track.day[index] - self.burn.day;
                self.row(index, [1.0, t, t * t / self.scale_days], |_| 1.0, series[index] - origin)
            })
            .collect()
    }
}

/// The step of the along-track rate at `burn`, m a day, with `known` burns about it fitted as well.
pub(super) fn rate_step(track: &Track, burn: Burn, known: &[Burn], half_width_days: f64) -> Option<Estimate> {
    let window = Window::new(track, burn, known, half_width_days)?;
    robust_fit(&window.along_track_rows(), window.unknowns(), 3, None, QUICK).map(|(step, _)| step)
}

/// The step of the level of `series` at `burn`.
pub(super) fn level_step(
    track: &Track,
    series: &[f64],
    burn: Burn,
    known: &[Burn],
    half_width_days: f64,
    rounds: usize,
) -> Option<Estimate> {
    let window = Window::new(track, burn, known, half_width_days)?;
    robust_fit(&window.level_rows(series), window.unknowns(), 3, None, rounds).map(|(step, _)| step)
}

/// Onset grid, and how far outside the gap the burn may lie.
const ONSET_STEP_DAYS: f64 = 0.05;
const ONSET_MARGIN_DAYS: f64 = 1.0;

/// How much worse than the best a fit may be, in squared scales, for its time to belong to the 95 % interval.
const ONSET_COST: f64 = 3.84;

/// Gaps on each side of the one with the clearest step in which the burn may be: a set that is half way through its
/// burn makes its neighbour's gap look clearer.
const NEARBY_GAPS: usize = 2;

/// Where a burn is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Onset {
    pub(super) burn: Burn,
    /// The earliest and the latest day that the places allow (95 %).
    pub(super) range: (f64, f64),
}

/// The gap and the time at which the places before and after meet best, near the gap behind set `before`; in that
/// gap itself where `fixed`.
pub(super) fn onset(
    track: &Track,
    before: usize,
    known: &[Burn],
    half_width_days: f64,
    fixed: bool,
) -> Option<Onset> {
    let (first, last) = (*track.day.get(before)?, *track.day.get(before + 1)?);
    let middle = Burn { before, day: 0.5 * (first + last) };
    let window = Window::new(track, middle, known, half_width_days)?;
    let reach = if fixed { 0 } else { NEARBY_GAPS };
    let nearby = before.saturating_sub(reach)..=before + reach;
    let taken = |gap: &usize| window.neighbours.iter().any(|other| other.before.abs_diff(*gap) <= 1);
    let inside = |gap: &usize| *gap > window.from && gap + 2 < window.to && !taken(gap);
    // One scale for all, the least that any of them has, so that costs can be compared.
    let candidates: Vec<usize> = nearby.filter(|gap| *gap == before || inside(gap)).collect();
    let scale = candidates
        .iter()
        .filter_map(|gap| {
            let day = 0.5 * (track.day[*gap] + track.day[gap + 1]);
            window.fit_at(Burn { before: *gap, day }, None).map(|(_, scale)| scale)
        })
        .min_by(f64::total_cmp)?;
    let mut costs: Vec<(Burn, f64)> = Vec::new();
    for gap in candidates {
        let (first, last) = (track.day[gap], track.day[gap + 1]);
        let span = last - first + 2.0 * ONSET_MARGIN_DAYS;
        let steps = (span / ONSET_STEP_DAYS).ceil().min(2000.0) as usize;
        for step in 0..=steps {
            let day = first - ONSET_MARGIN_DAYS + span * step as f64 / steps as f64;
            let burn = Burn { before: gap, day };
            costs.extend(window.fit_at(burn, Some(scale)).map(|(fit, _)| (burn, fit.cost / (scale * scale))));
        }
    }
    let (burn, least) = costs.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let near = costs.iter().filter(|(_, cost)| *cost <= least + ONSET_COST).map(|(burn, _)| burn.day);
    let range = near.fold((burn.day, burn.day), |(low, high), day| (low.min(day), high.max(day)));
    Some(Onset { burn, range })
}
