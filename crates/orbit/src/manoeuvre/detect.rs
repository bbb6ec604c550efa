//! From fits about every gap to burns: scales of the object's own, false-discovery control, repeated fits.

use std::collections::BTreeMap;

use base::Timestamp;

use super::Settings;
use super::fit::{MEDIAN_OF_GAUSSIAN, QUICK, median};
use super::step::{Burn, Onset, SETS_A_SIDE, level_step, onset, rate_step};
use super::track::Track;

/// Each gap is judged by the spread of the fits within this many days.
const SCALE_DAYS: f64 = 150.0;

/// Fewer fits than this say nothing about the spread: then all of the object's are taken.
const SCALE_FITS: usize = 20;

/// And at most this many on each side, however close they lie.
const MOST_SCALE_FITS: usize = 500;

/// Two burns closer than this are told apart only when the second is very clear.
const SEPARATION_DAYS: f64 = 3.0;
const CLEAR_SCORE: f64 = 12.0;

/// Passes over all gaps; the first ones take only clear burns, so that these do not blur their surroundings.
const PASSES: usize = 6;
const PASS_SCORES: [f64; PASSES] = [6.0, 4.5, 0.0, 0.0, 0.0, 0.0];

/// Steps of the plane are written by bad fits too: they count half.
const CROSS_WEIGHT: f64 = 0.5;

/// What the fits about one gap say.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Gap {
    /// Step of the along-track rate, m a day, and its formal significance.
    pub(super) rate: Option<(f64, f64)>,
    /// Step of the inclination, rad, and its formal significance.
    pub(super) plane: Option<(f64, f64)>,
    /// How many spreads of this object the significance is.
    pub(super) score: f64,
    /// How many spreads of this object the step itself is: below the threshold the burn is below the floor.
    pub(super) size_score: f64,
    /// Whether the plane gave the score.
    pub(super) by_plane: bool,
    /// Too small to be claimed.
    pub(super) below_floor: bool,
    /// Spread of the steps of the rate about here, m a day.
    pub(super) spread_m_day: f64,
    /// The score of the plane alone.
    pub(super) plane_score: f64,
}

impl Gap {
    /// What decides: clear against the noise of the fit, and large against the steps that this object always shows.
    pub(super) fn joint(&self) -> f64 {
        self.score.min(self.size_score)
    }

    /// What tells which gap of several the burn is in: rate and plane together, where both have a step.
    fn evidence(&self) -> f64 {
        if self.by_plane || self.plane_score < CLEAR_PLANE {
            self.score
        } else {
            self.score.hypot(self.plane_score)
        }
    }
}

/// From this score on a step of the plane also says where a burn was.
const CLEAR_PLANE: f64 = 4.0;

/// One burn, and what was found about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub(super) burn: Burn,
    pub(super) gap: Gap,
    /// Earliest and latest onset, days since the first set.
    pub(super) onset: (f64, f64),
    /// The estimated share of true burns among those at least this clear.
    pub(super) confidence: f64,
    /// The along-track rate step, m a day, below which nothing is claimed.
    pub(super) floor_m_day: f64,
    /// The plane has a step of its own.
    pub(super) plane_clear: bool,
}

/// The burns of `track` by time, and steps below the floor.
pub(super) fn find(track: &Track, settings: &Settings) -> Vec<Found> {
    let gross = gross(track, settings);
    let mut burns = gross.clone();
    let (mut gaps, mut least) = (Vec::new(), f64::INFINITY);
    for minimum in PASS_SCORES {
        gaps = scan(track, &burns, settings);
        least = threshold(&gaps, settings).max(minimum);
        let before = burns.clone();
        burns.extend(peaks(track, &gaps, |gap| gap.joint() >= least, &burns));
        burns.sort_by_key(|burn| burn.before);
        burns =
            burns.iter().copied().filter(|burn| is_real(burn, &burns, &gaps, &gross, least, track)).collect();
        let known = burns.clone();
        for burn in &mut burns {
            if let Some(found) = onset(track, burn.before, &known, settings.window_days, true) {
                *burn = found.burn;
            }
        }
        if burns == before && minimum == 0.0 {
            break;
        }
    }
    mark_untypical(&burns, &mut gaps);
    let faint = peaks(track, &gaps, |gap| gap.score >= least, &burns);
    let mut all: Vec<Found> =
        burns.iter().map(|burn| describe(track, *burn, &gaps, &burns, least, settings)).collect();
    all.extend(faint.into_iter().filter(|burn| !is_echo(burn, &burns, &gaps, track)).map(|burn| {
        let mut found = describe(track, burn, &gaps, &burns, least, settings);
        found.gap.below_floor = true;
        found
    }));
    all.sort_by_key(|found| found.burn.before);
    all
}

fn is_real(burn: &Burn, burns: &[Burn], gaps: &[Gap], gross: &[Burn], least: f64, track: &Track) -> bool {
    let gap = &gaps[burn.before];
    let is_gross = gross.binary_search_by_key(&burn.before, |other| other.before).is_ok();
    // In a crowd the fit is poor: a gross step stands with half the score, or alone where there is no fit.
    let stands = gap.rate.is_none() || gap.joint() >= 0.5 * least;
    is_gross && stands || gap.joint() >= least && !is_echo(burn, burns, gaps, track)
}

fn describe(
    track: &Track,
    burn: Burn,
    gaps: &[Gap],
    burns: &[Burn],
    least: f64,
    settings: &Settings,
) -> Found {
    let mut gap = gaps[burn.before];
    let (first, last) = (track.day[burn.before], track.day[burn.before + 1]);
    // Only a strong step of the rate alone says more about its gap than where it is clearest.
    let fixed = gap.by_plane || gap.plane_score >= CLEAR_PLANE || gap.joint() < CLEAR_SCORE;
    let at = onset(track, burn.before, burns, settings.window_days, fixed)
        .unwrap_or(Onset { burn, range: (first, last) });
    let others: Vec<Burn> = burns.iter().copied().filter(|other| other.before != burn.before).collect();
    let there = rate_step(track, at.burn, &others, settings.window_days);
    gap.rate = there.map(|step| (step.value, step.significance)).or(gap.rate);
    Found {
        burn: at.burn,
        gap,
        onset: at.range,
        confidence: confidence(gaps, &gap),
        floor_m_day: gap.spread_m_day * if least.is_finite() { least } else { 0.0 },
        plane_clear: gap.plane_score >= least,
    }
}

/// One less the share of false ones expected among the gaps that are at least as clear.
fn confidence(gaps: &[Gap], gap: &Gap) -> f64 {
    let joint = if gap.rate.is_none() && gap.plane.is_none() { GROSS_SCORE } else { gap.joint() };
    let judged = gaps.iter().filter(|other| other.joint() > 0.0).count() as f64;
    let clearer = gaps.iter().filter(|other| other.joint() >= joint).count().max(1) as f64;
    (1.0 - two_sided(joint) * judged / clearer).clamp(0.0, 1.0)
}

/// A weak step this much smaller than the object's usual clear one is not claimed.
const UNTYPICAL_SHARE: f64 = 0.2;
const WEAK_SCORE: f64 = 6.0;

/// An operator's burns are of one kind; a weak step far below their size is more likely the air or a bad fit.
fn mark_untypical(burns: &[Burn], gaps: &mut [Gap]) {
    let size = |gap: &Gap| gap.rate.map_or(0.0, |rate| rate.0.abs());
    let mut sizes: Vec<f64> =
        burns.iter().map(|burn| &gaps[burn.before]).filter(|gap| !gap.by_plane).map(size).collect();
    let usual = median(&mut sizes);
    for burn in burns {
        let gap = &mut gaps[burn.before];
        gap.below_floor =
            gap.rate.is_some() && gap.joint() < WEAK_SCORE && size(gap) < UNTYPICAL_SHARE * usual;
    }
}

/// Element sets swing for days after a burn, until their fit holds no data from before it.
const ECHO_DAYS: f64 = 10.0;

/// A step this much smaller than a burn in the same window is what the fit of that burn left over.
const LEAKED_SHARE: f64 = 0.01;

/// Whether `burn` is only the swing after an earlier one: a smaller step back, or a step of the plane; or what a far
/// larger one leaves over.
fn is_echo(burn: &Burn, burns: &[Burn], gaps: &[Gap], track: &Track) -> bool {
    let gap = &gaps[burn.before];
    let clear = gap.joint() >= CLEAR_SCORE;
    let rate = gap.rate.map_or(0.0, |rate| rate.0);
    burns.iter().any(|other| {
        let earlier = &gaps[other.before];
        let first = earlier.rate.map_or(rate_change(track, other.before), |rate| rate.0);
        let days = track.day[burn.before] - track.day[other.before];
        let back = rate * first < 0.0 && rate.abs() < 0.7 * first.abs();
        let leaked = |share: f64| burn.before != other.before && rate.abs() < share * first.abs();
        let swing = days > 0.0 && (gap.by_plane || back);
        // Next to a large burn even what is left over is clear, and larger.
        days.abs() < SEPARATION_DAYS && leaked(3.0 * LEAKED_SHARE)
            || days.abs() < ECHO_DAYS && !clear && (leaked(LEAKED_SHARE) || swing)
    })
}

/// How the rate itself differs between the sets on both sides of a gap.
pub(super) fn rate_change(track: &Track, before: usize) -> f64 {
    track.rate_m_day[before + 1] - track.rate_m_day[before]
}

/// A gross step needs no fit: the rate changes by more than this many of its usual changes from set to set.
const GROSS_SPREADS: f64 = 25.0;

/// What a gross step without a fit counts as.
const GROSS_SCORE: f64 = 6.0;

/// Gaps over which the rate changes by far more than it ever does otherwise.
fn gross(track: &Track, settings: &Settings) -> Vec<Burn> {
    let changes: Vec<f64> = track.rate_m_day.windows(2).map(|rate| rate[1] - rate[0]).collect();
    let spread = super::fit::median_abs(&changes) / MEDIAN_OF_GAUSSIAN;
    let mut burns = Vec::new();
    for (before, change) in changes.iter().enumerate() {
        if spread > 0.0 && change.abs() > GROSS_SPREADS * spread {
            let (first, last) = (track.day[before], track.day[before + 1]);
            // Where the places before and after meet.
            let ahead = track.along_m[before + 1] - track.along_m[before];
            let kept = track.rate_m_day[before + 1] * (last - first);
            let day = (first + (kept - ahead) / change).clamp(first, last);
            burns.push(Burn { before, day });
        }
    }
    // One that stands alone is dated better by the fit about it.
    let alone = |burn: &Burn| {
        let near = |other: &&Burn| (other.day - burn.day).abs() <= settings.window_days;
        burns.iter().filter(near).count() == 1 && rate_step(track, *burn, &[], settings.window_days).is_some()
    };
    burns.iter().copied().filter(|burn| !alone(burn)).collect()
}

fn scan(track: &Track, burns: &[Burn], settings: &Settings) -> Vec<Gap> {
    let count = track.len().saturating_sub(1);
    let mut gaps: Vec<Gap> = (0..count).map(|index| fit_gap(track, index, burns, settings)).collect();
    score(track, &mut gaps, burns);
    gaps
}

pub(super) fn fit_gap(track: &Track, index: usize, burns: &[Burn], settings: &Settings) -> Gap {
    let day = 0.5 * (track.day[index] + track.day[index + 1]);
    let known = burns.iter().find(|burn| burn.before == index);
    let burn = known.copied().unwrap_or(Burn { before: index, day });
    let width = settings.window_days;
    Gap {
        rate: rate_step(track, burn, burns, width).map(|step| (step.value, step.significance)),
        plane: level_step(track, &track.inclination_rad, burn, burns, width, QUICK)
            .map(|step| (step.value, step.significance)),
        ..Gap::default()
    }
}

/// Fills in the scores: each value over the median of those about it.
fn score(track: &Track, gaps: &mut [Gap], burns: &[Burn]) {
    type Pick = fn(&Gap) -> Option<f64>;
    let picks: [Pick; 4] = [
        |gap| gap.rate.map(|rate| rate.1.abs()),
        |gap| gap.rate.map(|rate| rate.0.abs()),
        |gap| gap.plane.map(|plane| plane.1.abs()),
        |gap| gap.plane.map(|plane| plane.0.abs()),
    ];
    let scales = picks.map(|pick| spreads(track, gaps, burns, pick));
    for (index, gap) in gaps.iter_mut().enumerate() {
        let over = |which: usize| {
            let scale = scales[which][index];
            picks[which](gap).filter(|_| scale > 0.0).map_or(0.0, |value| value / scale)
        };
        let rate = (over(0), over(1));
        let plane = (CROSS_WEIGHT * over(2), CROSS_WEIGHT * over(3));
        gap.plane_score = plane.0.min(plane.1);
        gap.by_plane = gap.plane_score > rate.0.min(rate.1);
        gap.spread_m_day = scales[1][index];
        (gap.score, gap.size_score) = if gap.by_plane { plane } else { rate };
    }
}

/// For each gap the spread of `pick` over the gaps about it, those of known burns left out.
fn spreads(track: &Track, gaps: &[Gap], burns: &[Burn], pick: fn(&Gap) -> Option<f64>) -> Vec<f64> {
    let quiet = |index: &usize| burns.binary_search_by_key(index, |burn| burn.before).is_err();
    let values: Vec<(f64, f64)> = (0..gaps.len())
        .filter(quiet)
        .filter_map(|index| pick(&gaps[index]).map(|value| (track.day[index], value)))
        .collect();
    let spread = |values: &[(f64, f64)]| {
        let mut values: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        median(&mut values) / MEDIAN_OF_GAUSSIAN
    };
    let all = spread(&values);
    (0..gaps.len())
        .map(|index| {
            let day = track.day[index];
            let from = values.partition_point(|(other, _)| *other < day - SCALE_DAYS);
            let to = values.partition_point(|(other, _)| *other <= day + SCALE_DAYS);
            let here = values.partition_point(|(other, _)| *other < day);
            let (from, to) = (from.max(here.saturating_sub(MOST_SCALE_FITS)), to.min(here + MOST_SCALE_FITS));
            if to - from < SCALE_FITS { all } else { spread(&values[from..to]) }
        })
        .collect()
}

/// The score from which gaps are burns: Benjamini and Hochberg's procedure over all gaps that were judged.
fn threshold(gaps: &[Gap], settings: &Settings) -> f64 {
    let mut scores: Vec<f64> = gaps.iter().map(Gap::joint).filter(|score| *score > 0.0).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let judged = scores.len() as f64;
    let mut lowest = f64::INFINITY;
    for (rank, score) in scores.iter().enumerate() {
        let allowed = settings.false_discovery_rate * (rank + 1) as f64 / judged;
        if two_sided(*score) <= allowed {
            lowest = *score;
        }
    }
    lowest.max(settings.least_score)
}

/// The largest scores, each the largest within the separation.
fn peaks(track: &Track, gaps: &[Gap], counts: impl Fn(&Gap) -> bool, burns: &[Burn]) -> Vec<Burn> {
    let mut order: Vec<usize> = (0..gaps.len()).filter(|index| counts(&gaps[*index])).collect();
    order.sort_by(|a, b| gaps[*b].evidence().total_cmp(&gaps[*a].evidence()).then(a.cmp(b)));
    let mut taken: Vec<usize> = burns.iter().map(|burn| burn.before).collect();
    let mut new = Vec::new();
    for index in order {
        let apart = |other: &usize| {
            let days = (track.day[*other] - track.day[index]).abs();
            days >= SEPARATION_DAYS
        };
        if taken.iter().all(apart) {
            taken.push(index);
            new.push(Burn { before: index, day: 0.5 * (track.day[index] + track.day[index + 1]) });
        }
    }
    new
}

/// The chance that a Gaussian lies at least `score` from zero: Abramowitz and Stegun 7.1.26 below 3, its asymptotic
/// series above (relative error below 1 %).
pub(super) fn two_sided(score: f64) -> f64 {
    let x = score / std::f64::consts::SQRT_2;
    if x > 2.5 {
        let u = 1.0 / (2.0 * x * x);
        return (-x * x).exp() / (x * std::f64::consts::PI.sqrt())
            * (1.0 - u + 3.0 * u * u - 15.0 * u * u * u);
    }
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    series * (-x * x).exp()
}

/// What an alarm needs: false-discovery control cannot be had before all gaps are there.
const ALARM_SCORE: f64 = 4.0;

/// The clearest new burn among the gaps whose window is still open, with `burns` known; `closed` keeps what was found
/// about the others.
pub(super) fn alarm_in(
    track: &Track,
    burns: &[Burn],
    closed: &mut BTreeMap<Timestamp, Gap>,
    settings: &Settings,
) -> Option<Found> {
    let last = *track.day.last()?;
    let mut gaps: Vec<Gap> = Vec::with_capacity(track.len());
    for index in 0..track.len() - 1 {
        let is_open = last - track.day[index] <= settings.window_days;
        let epoch = track.time(track.day[index]);
        let gap = match closed.get(&epoch) {
            Some(gap) if !is_open => *gap,
            _ => fit_gap(track, index, burns, settings),
        };
        if !is_open {
            closed.insert(epoch, gap);
        }
        gaps.push(gap);
    }
    score(track, &mut gaps, burns);
    let open = track.day.partition_point(|day| last - day > settings.window_days);
    // The next set may show that the newest gap that can be fitted only feels a burn after it.
    let newest = track.len().checked_sub(1 + SETS_A_SIDE)?;
    peaks(track, &gaps, |gap| gap.joint() >= ALARM_SCORE, burns)
        .into_iter()
        .filter(|burn| (open..newest).contains(&burn.before) && !is_echo(burn, burns, &gaps, track))
        .map(|burn| describe(track, burn, &gaps, burns, ALARM_SCORE, settings))
        .next()
}
