//! Manoeuvres from the history of an object's element sets.

mod detect;
mod fit;
mod history;
mod step;
mod track;

use base::{NoradId, Timestamp};

use crate::ElementSet;
use track::{SECONDS_PER_DAY, Track, circular_speed_m_s};

pub use history::ElementHistory;

/// How [`detect_manoeuvres`] judges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    pub window_days: f64,
    pub false_discovery_rate: f64,
    pub least_score: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { window_days: 10.0, false_discovery_rate: 0.1, least_score: 2.8 }
    }
}

/// x
#[derive(Debug, Clone, PartialEq)]
pub struct Manoeuvre {
    pub norad_id: NoradId,
    pub time: Timestamp,
    pub window_start: Timestamp,
    pub window_end: Timestamp,
    pub onset: Timestamp,
    pub delta_v_m_s: f64,
    pub confidence: f64,
    pub below_floor: bool,
    pub score: f64,
}

/// x
pub fn detect_manoeuvres(history: &ElementHistory, settings: &Settings) -> Vec<Manoeuvre> {
    let mut found = Vec::new();
    for (id, sets) in history.iter() {
        found.extend(of_object(id, sets, settings));
    }
    found
}

fn of_object(id: NoradId, sets: &[ElementSet], settings: &Settings) -> Vec<Manoeuvre> {
    let track = Track::new(sets);
    detect::find(&track, settings)
        .into_iter()
        .map(|(burn, gap)| {
            let (first, last) = (track.day[burn.before], track.day[burn.before + 1]);
            let rate = gap.rate.map_or(track.rate_m_day[burn.before + 1] - track.rate_m_day[burn.before], |r| r.0);
            Manoeuvre {
                norad_id: id,
                time: track.time(last),
                window_start: track.time(first),
                window_end: track.time(last),
                onset: track.time(burn.day),
                delta_v_m_s: -rate / (3.0 * SECONDS_PER_DAY),
                confidence: 1.0 - detect::two_sided(gap.joint()),
                below_floor: gap.below_floor,
                score: gap.joint(),
            }
        })
        .collect()
}
