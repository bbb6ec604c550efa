//! Figures of merit of one cell, from when it is seen.

/// What counts for a gap that the span cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndGaps {
    /// It counts with the length that it has inside the span.
    #[default]
    Cut,
    /// It does not count; a cell that is never seen has no gap then, and no figures but the covered share.
    Ignore,
    /// It counts with its whole length, up to the last access before the span or the first one after it.
    Extend,
}

/// How well a cell, or a region, is covered. Figures that do not exist are `None`: there is no gap that counts
/// although not everything is covered. A cell that is covered all the time has gaps of 0 s.
///
/// With the span T, the gaps g that count, and of each gap the part p that lies inside the span (p = g but for
/// [`EndGaps::Extend`]) and the part q that follows behind the span's end:
///
/// | figure | is |
/// |---|---|
/// | mean, max, p95 of revisit | mean, largest and 95th percentile of g (linear between ranks) |
/// | time-average gap | sum(p g) / T: the gap that an instant chosen at random falls in, 0 when it is covered |
/// | mean response | sum(p^2 / 2 + p q) / T: the wait from an instant chosen at random to the next access |
///
/// So with T = 100 s and the gaps 5, 10 and 15 s: revisit 10 s, time-average gap 350 / 100 = 3.5 s, response
/// 350 / 200 = 1.75 s, covered 70 %.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Merit {
    /// How many accesses there are in the span, each satellite's counted for itself, also where they overlap.
    pub accesses: u64,
    /// Share of the span in which at least one satellite has access, in percent.
    pub covered_percent: f64,
    /// Mean length of the gaps in seconds.
    pub revisit_mean_s: Option<f64>,
    /// Length of the longest gap in seconds.
    pub revisit_max_s: Option<f64>,
    /// 95th percentile of the lengths of the gaps in seconds.
    pub revisit_p95_s: Option<f64>,
    /// Mean length of the gap that an instant falls in, in seconds.
    pub time_average_gap_s: Option<f64>,
    /// Mean wait for the next access in seconds.
    pub response_mean_s: Option<f64>,
}

/// A stretch of time in seconds from the start of the span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    pub(super) start_s: f64,
    pub(super) end_s: f64,
}

impl Stretch {
    pub(super) fn seconds(self) -> f64 {
        self.end_s - self.start_s
    }

    /// The part between two times, when there is any.
    pub(super) fn within(self, start_s: f64, end_s: f64) -> Option<Self> {
        let part = Self { start_s: self.start_s.max(start_s), end_s: self.end_s.min(end_s) };
        (part.end_s > part.start_s).then_some(part)
    }
}

/// Sums over gaps, from which the figures come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    gaps: u64,
    uncovered_s: f64,
    length_s: f64,
    max_s: f64,
    weighted_s2: f64,
    wait_s2: f64,
}

impl Sums {
    /// Takes in a gap. Gaps that end before the span or start behind it are none of it. Gives the length that counts.
    pub(super) fn gap(&mut self, gap: Stretch, span_s: f64, rule: EndGaps) -> Option<f64> {
        let part = gap.within(0.0, span_s)?;
        self.uncovered_s += part.seconds();
        let whole = match rule {
            EndGaps::Cut => part,
            EndGaps::Ignore if gap.start_s <= 0.0 || gap.end_s >= span_s => return None,
            EndGaps::Ignore | EndGaps::Extend => gap,
        };
        let (length, inside) = (whole.seconds(), part.seconds());
        self.gaps += 1;
        self.length_s += length;
        self.max_s = self.max_s.max(length);
        self.weighted_s2 += inside * length;
        self.wait_s2 += inside * (0.5 * inside + (whole.end_s - part.end_s));
        Some(length)
    }

    /// The figures; the percentile is not among them.
    pub(super) fn merit(&self, accesses: u64, span_s: f64) -> Merit {
        let known = |value: f64| (self.gaps > 0 || self.uncovered_s <= 0.0).then_some(value);
        let count = self.gaps.max(1) as f64;
        Merit {
            accesses,
            covered_percent: (100.0 * (1.0 - self.uncovered_s / span_s)).clamp(0.0, 100.0),
            revisit_mean_s: known(self.length_s / count),
            revisit_max_s: known(self.max_s),
            revisit_p95_s: None,
            time_average_gap_s: known(self.weighted_s2 / span_s),
            response_mean_s: known(self.wait_s2 / span_s),
        }
    }
}

/// The figures of one cell. `windows` are the accesses in any order, in seconds from the start of the span; they may
/// overlap, and with [`EndGaps::Extend`] those outside the span tell how far its end gaps go, at most `reach`.
pub(super) fn merit(
    mut windows: Vec<Stretch>,
    span_s: f64,
    reach: Stretch,
    rule: EndGaps,
) -> (Merit, Vec<f64>) {
    windows.sort_by(|a, b| a.start_s.total_cmp(&b.start_s).then(a.end_s.total_cmp(&b.end_s)));
    let accesses = windows.iter().filter(|w| w.within(0.0, span_s).is_some()).count() as u64;
    let mut sums = Sums::default();
    let mut lengths = Vec::new();
    let mut seen_to_s = reach.start_s;
    for window in windows.iter().copied().chain([Stretch { start_s: reach.end_s, end_s: reach.end_s }]) {
        if window.start_s > seen_to_s {
            lengths.extend(sums.gap(Stretch { start_s: seen_to_s, end_s: window.start_s }, span_s, rule));
        }
        seen_to_s = seen_to_s.max(window.end_s);
    }
    lengths.sort_by(f64::total_cmp);
    let mut merit = sums.merit(accesses, span_s);
    merit.revisit_p95_s = percentile(&lengths, 0.95).or(merit.revisit_max_s);
    (merit, lengths)
}

/// The value below which `share` of `sorted` lies, linear between ranks (Hyndman and Fan 1996, definition 7).
pub(super) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = share * last as f64;
    let below = sorted.get(rank.floor() as usize)?;
    let above = sorted.get(rank.ceil() as usize)?;
    Some(below + (above - below) * rank.fract())
}

/// Figures of merit of accesses that are given as pairs of start and end, in seconds from the start of a span of
/// `span_s` seconds; in any order, overlapping or not. With [`EndGaps::Extend`] accesses outside the span count for
/// the end gaps; where there are none, these are cut.
///
/// Pairs that are not finite or do not end after their start are left out, and a span that is not above 0 has no
/// figures but zeros.
///
/// ```
/// let seen = [(5.0, 40.0), (50.0, 80.0), (95.0, 100.0)];
/// let merit = orbit::merit_of_accesses(&seen, 100.0, orbit::EndGaps::Cut);
/// assert_eq!(merit.revisit_mean_s, Some(10.0));
/// assert_eq!(merit.time_average_gap_s, Some(3.5));
/// assert_eq!(merit.response_mean_s, Some(1.75));
/// assert!((merit.covered_percent - 70.0).abs() < 1e-12);
/// ```
pub fn merit_of_accesses(accesses_s: &[(f64, f64)], span_s: f64, rule: EndGaps) -> Merit {
    if !(span_s > 0.0 && span_s.is_finite()) {
        return Merit::default();
    }
    let windows: Vec<Stretch> = accesses_s
        .iter()
        .filter(|(start, end)| start.is_finite() && end.is_finite() && end > start)
        .map(|&(start_s, end_s)| Stretch { start_s, end_s })
        .collect();
    // Where nothing is known beyond the span, an end gap ends with it.
    let first = windows.iter().map(|w| w.start_s).fold(0.0, f64::min);
    let last = windows.iter().map(|w| w.end_s).fold(span_s, f64::max);
    merit(windows, span_s, Stretch { start_s: first, end_s: last }, rule).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn end_gaps_by_each_rule() {
        // Gaps inside a span of 100: 10 at the start, 20 in the middle, 30 at the end; beyond it 5 and 15 more.
        let seen = [(-20.0, -5.0), (10.0, 30.0), (50.0, 70.0), (115.0, 120.0)];
        let cut = merit_of_accesses(&seen, 100.0, EndGaps::Cut);
        assert_eq!((cut.accesses, cut.covered_percent), (2, 40.0));
        assert_eq!((cut.revisit_mean_s, cut.revisit_max_s), (Some(20.0), Some(30.0)));
        assert_eq!(cut.time_average_gap_s, Some(14.0));
        assert_eq!(cut.response_mean_s, Some(7.0));
        // Between ranks 1 and 2 of 10, 20, 30: 20 + 0.9 * 10.
        assert!((cut.revisit_p95_s.unwrap() - 29.0).abs() < 1e-12);
        let ignored = merit_of_accesses(&seen, 100.0, EndGaps::Ignore);
        assert_eq!((ignored.revisit_mean_s, ignored.revisit_max_s), (Some(20.0), Some(20.0)));
        assert_eq!(ignored.time_average_gap_s, Some(4.0));
        assert_eq!(ignored.covered_percent, 40.0);
        let whole = merit_of_accesses(&seen, 100.0, EndGaps::Extend);
        assert_eq!(whole.revisit_max_s, Some(45.0));
        assert_eq!(whole.revisit_mean_s, Some((15.0 + 20.0 + 45.0) / 3.0));
        assert_eq!(whole.time_average_gap_s, Some((10.0 * 15.0 + 20.0 * 20.0 + 30.0 * 45.0) / 100.0));
        assert_eq!(whole.response_mean_s, Some((50.0 + 200.0 + 450.0 + 30.0 * 15.0) / 100.0));
    }

    #[test]
    fn nothing_and_everything() {
        let never = merit_of_accesses(&[], 100.0, EndGaps::Cut);
        assert_eq!((never.covered_percent, never.revisit_max_s), (0.0, Some(100.0)));
        assert_eq!(never.response_mean_s, Some(50.0));
        assert_eq!(merit_of_accesses(&[], 100.0, EndGaps::Ignore).revisit_max_s, None);
        let always = merit_of_accesses(&[(-1.0, 60.0), (60.0, 101.0)], 100.0, EndGaps::Ignore);
        assert_eq!((always.covered_percent, always.revisit_max_s), (100.0, Some(0.0)));
        assert_eq!((always.revisit_p95_s, always.response_mean_s), (Some(0.0), Some(0.0)));
        assert_eq!(
            merit_of_accesses(&[(f64::NAN, 2.0), (3.0, f64::INFINITY), (5.0, 5.0)], 100.0, EndGaps::Cut),
            never
        );
        assert_eq!(merit_of_accesses(&[], f64::NAN, EndGaps::Cut), Merit::default());
    }

    proptest! {
        /// Against a walk over every second of the span, with accesses on whole seconds.
        #[test]
        fn figures_are_what_their_words_say(seen in prop::collection::vec((0u32..200, 1u32..40), 0..12)) {
            const SPAN: u32 = 200;
            let pairs: Vec<(f64, f64)> =
                seen.iter().map(|&(start, long)| (f64::from(start), f64::from(start + long))).collect();
            let merit = merit_of_accesses(&pairs, f64::from(SPAN), EndGaps::Cut);
            let covered = |second: u32| seen.iter().any(|&(start, long)| start <= second && second < start + long);
            let share = (0..SPAN).filter(|s| covered(*s)).count();
            prop_assert!((merit.covered_percent - share as f64 / f64::from(SPAN) * 100.0).abs() < 1e-9);
            // Wait from the middle of each second to the next access or the end: exact, as the wait is linear in it.
            let wait = |second: u32| (second..SPAN).take_while(|s| !covered(*s)).count() as f64;
            let waits: f64 = (0..SPAN).map(|s| (wait(s) - 0.5).max(0.0)).sum();
            prop_assert!((merit.response_mean_s.unwrap() - waits / f64::from(SPAN)).abs() < 1e-9);
            let gap = |second: u32| {
                let before = (0..second).rev().take_while(|s| !covered(*s)).count() as f64;
                if covered(second) { 0.0 } else { before + wait(second) }
            };
            let gaps: f64 = (0..SPAN).map(gap).sum();
            prop_assert!((merit.time_average_gap_s.unwrap() - gaps / f64::from(SPAN)).abs() < 1e-9);
            let longest = (0..SPAN).map(gap).fold(0.0, f64::max);
            prop_assert_eq!(merit.revisit_max_s, Some(longest));
        }
    }
}
