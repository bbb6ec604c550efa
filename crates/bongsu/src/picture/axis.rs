//! Scales: from a value to a pixel, and the values worth a line.

use base::{Interval, Timestamp};

/// A straight or logarithmic scale between two pixels.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from_px: f64,
    to_px: f64,
    log: bool,
}

impl Scale {
    /// From `low` at `from_px` to `high` at `to_px`; equal ends are moved apart.
    pub(super) fn linear(low: f64, high: f64, from_px: f64, to_px: f64) -> Self {
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
        Self { low, high, from_px, to_px, log: false }
    }

    /// The same by decades; both ends are above zero.
    pub(super) fn log(low: f64, high: f64, from_px: f64, to_px: f64) -> Self {
        let low = low.max(f64::MIN_POSITIVE);
        let (low, high) = if high > low { (low, high) } else { (low / 2.0, low * 2.0) };
        Self { low, high, from_px, to_px, log: true }
    }

    /// The pixel of a value, held between the ends.
    pub(super) fn px(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        let share = if self.log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from_px + share * (self.to_px - self.from_px)
    }

    /// Round values inside, with their texts: about `wanted` of them.
    pub(super) fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        if self.log {
            let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            let few = decades.clone().count() <= 4;
            let digits: &[f64] = if few { &[1.0, 2.0, 5.0] } else { &[1.0] };
            return decades
                .flat_map(|decade| digits.iter().map(move |digit| digit * 10f64.powi(decade)))
                .filter(|value| (self.low..=self.high).contains(value))
                .map(|value| (value, short(value)))
                .collect();
        }
        let step = round_step((self.high - self.low) / wanted.max(1) as f64);
        let digits = usize::try_from(-step.log10().floor() as i64).unwrap_or(0);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last)
            .map(|index| index as f64 * step)
            .map(|value| (value, format!("{value:.digits$}")))
            .collect()
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|round| *round >= step * 0.999)
        .unwrap_or(step)
}

/// A value as short as can be: `0.02`, `5`, `200`.
fn short(value: f64) -> String {
    let digits = usize::try_from(-value.log10().floor() as i64).unwrap_or(0);
    format!("{value:.digits$}")
}

/// A scale of time.
#[derive(Clone, Copy)]
pub(super) struct TimeScale {
    span: Interval,
    scale: Scale,
}

impl TimeScale {
    pub(super) fn new(span: Interval, from_px: f64, to_px: f64) -> Self {
        Self { span, scale: Scale::linear(0.0, span.seconds(), from_px, to_px) }
    }

    pub(super) fn px(&self, time: Timestamp) -> f64 {
        self.scale.px(time.seconds_since(self.span.start()))
    }

    /// About `wanted` round times inside, with their texts: time of day, or the day where one is new.
    pub(super) fn ticks(&self, wanted: usize) -> Vec<(Timestamp, String)> {
        const STEPS_S: [i64; 17] = [
            60, 120, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600,
            2_592_000, 7_776_000, 31_536_000,
        ];
        let least = self.span.seconds() / wanted.max(1) as f64;
        let step =
            STEPS_S.into_iter().find(|step| *step as f64 >= least).unwrap_or_else(|| least.ceil() as i64);
        let (start, end) = (self.span.start().unix_nanos(), self.span.end().unix_nanos());
        let step_nanos = step.saturating_mul(1_000_000_000);
        let first = start.div_euclid(step_nanos) + i64::from(start.rem_euclid(step_nanos) != 0);
        (first..=end.div_euclid(step_nanos))
            .map(|index| Timestamp::from_unix_nanos(index * step_nanos))
            .map(|time| (time, tick_text(time, step)))
            .collect()
    }
}

fn tick_text(time: Timestamp, step_s: i64) -> String {
    let text = time.to_string();
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    if step_s >= 86_400 || clock.starts_with("00:00:00") {
        date.to_owned()
    } else {
        clock.chars().take(5).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<T>(ticks: Vec<(T, String)>) -> Vec<String> {
        ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(texts(Scale::linear(0.13, 0.94, 0.0, 1.0).ticks(5)), ["0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(texts(Scale::linear(6878.0, 6931.0, 0.0, 1.0).ticks(3)), ["6880", "6900", "6920"]);
        assert_eq!(
            texts(Scale::log(0.03, 5.0, 0.0, 1.0).ticks(5)),
            ["0.05", "0.1", "0.2", "0.5", "1", "2", "5"]
        );
        let day = Interval::starting("2026-03-10T21:07:00Z".parse().unwrap(), 21_600.0);
        assert_eq!(texts(TimeScale::new(day, 0.0, 1.0).ticks(4)), ["22:00", "2026-03-11", "02:00"]);
        let long = Interval::starting("2020-01-01T00:00:00Z".parse().unwrap(), 3e8);
        assert!((2..=12).contains(&TimeScale::new(long, 0.0, 1.0).ticks(8).len()));
    }

    #[test]
    fn values_outside_stay_on_the_picture() {
        let scale = Scale::log(0.1, 10.0, 100.0, 0.0);
        assert_eq!(scale.px(1.0), 50.0);
        assert_eq!((scale.px(0.0), scale.px(99.0)), (100.0, 0.0));
        assert!(Scale::linear(3.0, 3.0, 0.0, 1.0).px(3.0) == 0.5);
    }
}
