//! Where an object has been seen during a window that has no mark for it.

use super::bodies::MU_KM3_S2;
use super::bound::{Bound, Mark, Meeting, bin};
use super::rough::ROUGH_PAD_KM;
use crate::frame::{dot, minus, norm};
use crate::simd::{Lanes, MAX_LANES, Plain};

/// Seconds from the middle of a window, and a place then, in TEME and km.
pub(super) type Sight = (f64, [f64; 3]);

/// Where an object has been seen during a window that has no mark for it: it is in an error state in a part of the
/// window, or SGP4 carries it off, so that its velocity says nothing of its places.
#[derive(Debug, Clone)]
pub(super) struct Sightings {
    pub(super) index: u32,
    /// Seconds from the middle of the window, and places; at most `gap_s` apart while the state is valid.
    places: Vec<Sight>,
    gap_s: f64,
    /// How far it gets in a gap: as fast as the fastest, or a quarter faster than between any two sightings.
    more_km: f64,
    /// How far it gets from the straight way between two sightings: twice what the sightings themselves show.
    bent_km: f64,
    /// Between these radii it stays: one that SGP4 carries off turns wildly about the Earth, but at a known height.
    radii_km: (f64, f64),
    /// The bins of these, widened by half the limit.
    bins: (f32, f32),
}

fn one_bin(radius_km: f64) -> f32 {
    let mut out = [0.0; MAX_LANES];
    bin(Plain::splat(radius_km)).store(&mut out);
    out[0] as f32
}

/// No object bound to the Earth is faster than the escape speed; SGP4 may be for one that it carries off.
const FASTEST_KM_S: f64 = 12.0;

impl Sightings {
    /// `None` where nothing has been seen.
    pub(super) fn new(index: u32, places: Vec<Sight>, gap_s: f64, within_km: f64) -> Option<Self> {
        let radii = || places.iter().map(|p| norm(p.1));
        let (low, high) = (radii().fold(f64::INFINITY, f64::min), radii().fold(0.0, f64::max));
        let steps = places.iter().zip(places.iter().skip(1));
        let longest = steps.map(|(a, b)| norm(minus(b.1, a.1))).fold(0.0, f64::max);
        let gap_km = FASTEST_KM_S * gap_s;
        // Second differences: eight times the distance of a parabola from its chord.
        let bends =
            places.windows(3).map(|p| norm([0, 1, 2].map(|k| p[0].1[k] - 2.0 * p[1].1[k] + p[2].1[k])));
        let bent_km = 0.25 * bends.fold(0.0, f64::max) + 1.0;
        let more = 0.25 * (high - low) + gap_km;
        (!places.is_empty()).then_some(Self {
            index,
            places,
            gap_s,
            more_km: gap_km.max(1.25 * longest),
            bent_km,
            radii_km: (low - more, high + more),
            bins: (one_bin(low - more - 0.5 * within_km), one_bin(high + more + 0.5 * within_km)),
        })
    }

    /// The bins between which it stays, as those of a [`Mark`].
    pub(super) fn bins(&self) -> (f32, f32) {
        self.bins
    }

    /// The middle of what was seen, and a distance that all of it keeps.
    pub(super) fn around(&self) -> ([f64; 3], f64) {
        let center = self.places.get(self.places.len() / 2).map_or([0.0; 3], |p| p.1);
        let far = self.places.iter().map(|p| norm(minus(p.1, center))).fold(0.0, f64::max);
        (center, far + self.more_km)
    }

    /// When it can meet a marked object with this reach, as seconds from the middle.
    pub(super) fn meeting(&self, bound: &Bound, mark: &Mark, reach_km: f64) -> Option<Meeting> {
        if mark.high < self.bins.0 || self.bins.1 < mark.low {
            return None;
        }
        let h = bound.half_window_s;
        let (r, v) = (mark.r.map(f64::from), mark.v.map(f64::from));
        // The bins end somewhere; far out the radii themselves tell.
        let (height, margin) = (norm(r), reach_km + bound.within_km);
        if height + margin < self.radii_km.0 || self.radii_km.1 < height - margin {
            return None;
        }
        let pull = -0.5 * MU_KM3_S2 / norm(r).powi(3);
        // The mark's object follows a parabola but for what the pull changes on the way, and its pad.
        let there = |t: f64| [0, 1, 2].map(|k| r[k] + v[k] * t + pull * r[k] * t * t);
        let off_km = 2.5e-6 * reach_km * h * h / 3.0 + ROUGH_PAD_KM;
        let limit = bound.within_km + off_km + self.bent_km;
        let apart = |place: &Sight| minus(place.1, there(place.0));
        // Between two sightings they are no nearer than at one of them less half of what both can go in a gap.
        let reaching = limit + self.more_km + reach_km / h * self.gap_s;
        let at_all = |place: &Sight| {
            let d = apart(place);
            dot(d, d) <= reaching * reaching
        };
        if !self.places.iter().any(at_all) {
            return None;
        }
        let mut times = Times::default();
        for (a, b) in self.steps() {
            if segment_km(apart(a), apart(b)) <= limit {
                times.add(a.0);
                times.add(b.0);
            }
        }
        // Before the first sighting and after the last it is not far either, if it has a valid state there.
        for end in self.ends() {
            if norm(apart(end)) <= reaching {
                times.add(end.0 - self.gap_s);
                times.add(end.0 + self.gap_s);
            }
        }
        times.meeting(h)
    }

    /// When it can meet another that has no mark.
    pub(super) fn meeting_other(&self, bound: &Bound, other: &Self) -> Option<Meeting> {
        let (a, b) = (self.radii_km, other.radii_km);
        if a.0 > b.1 + bound.within_km || b.0 > a.1 + bound.within_km {
            return None;
        }
        // Both are seen at the same times of the window, but for those at which one has no valid state.
        let limit = bound.within_km + self.bent_km + other.bent_km;
        let seen = |at: f64| other.place_at(at);
        let apart = |p: &Sight| Some(minus(seen(p.0)?, p.1));
        let mut times = Times::default();
        for (a, b) in self.steps() {
            if let (Some(from), Some(to)) = (apart(a), apart(b))
                && segment_km(from, to) <= limit
            {
                times.add(a.0);
                times.add(b.0);
            }
        }
        let ends = self.ends().chain(other.ends());
        for end in ends {
            let here = self.place_at(end.0).and_then(|r| apart(&(end.0, r)));
            if here.is_some_and(|d| norm(d) <= limit + self.more_km + other.more_km) {
                times.add(end.0 - self.gap_s);
                times.add(end.0 + self.gap_s);
            }
        }
        times.meeting(bound.half_window_s)
    }

    /// Where it was seen at a time, to a millisecond.
    fn place_at(&self, at_s: f64) -> Option<[f64; 3]> {
        let after = self.places.partition_point(|p| p.0 < at_s - 1e-3);
        self.places.get(after).filter(|p| p.0 <= at_s + 1e-3).map(|p| p.1)
    }

    fn steps(&self) -> impl Iterator<Item = (&Sight, &Sight)> {
        let gap = 1.001 * self.gap_s;
        self.places.iter().zip(self.places.iter().skip(1)).filter(move |(a, b)| b.0 - a.0 <= gap)
    }

    /// The first and the last sighting, and those next to a time without a valid state.
    fn ends(&self) -> impl Iterator<Item = &Sight> {
        let gap = 1.001 * self.gap_s;
        let places = &self.places;
        (0..places.len()).filter_map(move |i| {
            let here = places.get(i)?;
            let joined = |other: Option<&Sight>| other.is_some_and(|o| (o.0 - here.0).abs() <= gap);
            let inner = i > 0 && joined(places.get(i - 1)) && joined(places.get(i + 1));
            (!inner).then_some(here)
        })
    }
}

/// Shortest distance from the origin to a straight way.
pub(super) fn segment_km(from: [f64; 3], to: [f64; 3]) -> f64 {
    let way = minus(to, from);
    let length2 = dot(way, way);
    let part = if length2 > 0.0 { (-dot(from, way) / length2).clamp(0.0, 1.0) } else { 0.0 };
    norm([0, 1, 2].map(|k| from[k] + part * way[k]))
}

/// The earliest and the latest of some times.
#[derive(Default)]
struct Times(Option<(f64, f64)>);

impl Times {
    fn add(&mut self, t: f64) {
        let (first, last) = self.0.unwrap_or((t, t));
        self.0 = Some((first.min(t), last.max(t)));
    }

    fn meeting(self, half_window_s: f64) -> Option<Meeting> {
        let (first, last) = self.0?;
        let h = half_window_s;
        Some(Meeting { from_s: first.max(-h), to_s: last.min(h), slow: false })
    }
}
