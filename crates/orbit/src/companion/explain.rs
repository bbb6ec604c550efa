//! The explanation of a pair, for the analyst who reads it.

use base::Interval;

use super::history::History;
use super::mean::MeanOrbit;
use super::{Encounter, MIN_DWELL};
use crate::ElementSet;

/// Planes nearer than this are the same plane: the alarm for launches into the plane of a target.
const SAME_PLANE_DEG: f64 = 1.0;

/// Element sets further from the span than this are named as old.
const OLD_DAYS: f64 = 3.0;

/// Everything that is known of a pair.
pub(super) struct Pair<'a> {
    pub(super) chaser: &'a ElementSet,
    pub(super) target: &'a ElementSet,
    pub(super) now: &'a Encounter,
    pub(super) past: &'a History,
    /// Chaser and target in the middle of the span.
    pub(super) orbits: (MeanOrbit, MeanOrbit),
    pub(super) within_km: f64,
    pub(super) span: Interval,
}

impl Pair<'_> {
    /// In this order: what explains the company, how near and how long, how the orbits lie, who came, and what weakens it.
    pub(super) fn explanation(&self, recognised: Option<&str>) -> String {
        let mut parts = Vec::new();
        if let Some(name) = recognised {
            parts.push(name.to_owned());
        }
        let stays = if self.now.dwell_share >= MIN_DWELL { "is" } else { "only passes" };
        parts.push(format!(
            "{} {stays} within {} km of {} for {:.1} % of {:.1} h, {:.1} km away on average",
            self.chaser.label(),
            self.within_km,
            self.target.label(),
            self.now.dwell_share * 100.0,
            self.span.seconds() / 3600.0,
            self.now.mean_km,
        ));
        parts.push(self.geometry());
        parts.push(self.past.words.clone());
        if self.past.long_standing {
            parts.push("they were in company in the earliest catalogue already".to_owned());
        }
        let middle = self.orbits.0.time;
        let away = |set: &ElementSet| middle.seconds_since(set.epoch()).abs() / 86_400.0;
        let old = away(self.chaser).max(away(self.target));
        if old > OLD_DAYS {
            parts.push(format!("element sets up to {old:.0} days from the span, so distances are rough"));
        }
        parts.join("; ")
    }

    /// How the planes and phases lie to each other.
    fn geometry(&self) -> String {
        let (chaser, target) = &self.orbits;
        let drift = chaser.drift_deg_per_day(target);
        if chaser.near_synchronous() && target.near_synchronous() {
            return format!(
                "mean longitudes {:.3} deg apart, drifting by {:.3} deg a day",
                chaser.phase_deg(target).abs(),
                drift.abs(),
            );
        }
        let phase = chaser.phase_deg(target);
        let angle = chaser.plane_angle_deg(target);
        let plane = if angle < SAME_PLANE_DEG { "same plane" } else { "planes" };
        let closing = if phase * drift < 0.0 { "closing" } else { "opening" };
        format!(
            "{plane}, {angle:.2} deg apart; phase {:.2} deg, {closing} by {:.3} deg a day",
            phase.abs(),
            drift.abs()
        )
    }
}
