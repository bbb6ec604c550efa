//! The score: a product, so that each part can be read from the explanation and none can make up for another.
//!
//! `score = dwell * nearness * steadiness * plane * standing * recognition`, all between 0 and 1:
//!
//! | part | is | why |
//! |---|---|---|
//! | dwell | share of the span within the distance | a passer-by does not stay |
//! | nearness | 1 / (1 + 2 mean / within) | the mean distance, not the smallest, tells company from a pass |
//! | steadiness | 1 / (1 + 2 drift / within), drift in km a day along the orbit | who drifts through today is gone tomorrow |
//! | plane | 1 / (1 + angle / 2 deg) off GEO, else 1 | to lie in the plane of another takes fuel or a launch to fit |
//! | standing | 1 came between two catalogues; 0.85 drifts in, or is a known visitor; 0.7 not known; 0.5 was there in the earliest catalogue | neighbours of years are neighbours |
//! | recognition | 1; 0.4 one name or operator; 0.3 one launch; 0.2 one of a constellation near another object; 0.1 named fleet, formation or constellation; 0.05 one set of elements twice | company by design |

use super::Direction;

/// What a score is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    pub(super) dwell_share: f64,
    pub(super) mean_km: f64,
    pub(super) within_km: f64,
    pub(super) drift_km_per_day: f64,
    /// Angle between the planes; 0 for a pair in GEO, where the mean distance says it.
    pub(super) plane_angle_deg: f64,
    pub(super) direction: Direction,
    /// In company already in the earliest of several catalogues.
    pub(super) long_standing: bool,
    /// 1 when nothing is recognised.
    pub(super) recognition: f64,
}

impl Parts {
    pub(super) fn score(&self) -> f64 {
        let nearness = 1.0 / (1.0 + 2.0 * self.mean_km / self.within_km);
        let steadiness = 1.0 / (1.0 + 2.0 * self.drift_km_per_day.abs() / self.within_km);
        let plane = 1.0 / (1.0 + self.plane_angle_deg / 2.0);
        let standing = match self.direction {
            Direction::Moved | Direction::New => 1.0,
            Direction::Drifts | Direction::KnownVisitor => 0.85,
            Direction::Unknown if self.long_standing => 0.5,
            Direction::Unknown => 0.7,
        };
        self.dwell_share.clamp(0.0, 1.0) * nearness * steadiness * plane * standing * self.recognition
    }
}
