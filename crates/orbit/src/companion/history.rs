//! What earlier catalogues say about a pair: since when it is in company, and who came.
//!
//! Catalogues whose middle epochs lie within half a day are one snapshot. In each snapshot that holds both objects, the
//! pair is in company when it spends at least half as much of the day after the later epoch within the distance as it
//! does of the span. Going back from the present, the first snapshot in which it is not in company ends the run: in
//! between, somebody came. In GEO that is the object whose mean longitude over the ground changed more; elsewhere the one
//! whose orbit changed more beyond what drag and the Earth's flattening explain, as the velocity change that this
//! would take. The larger change must be twice the smaller and above what station-keeping and element noise make, or
//! the direction stays unknown.

use std::collections::BTreeMap;

use base::{Interval, NoradId, Timestamp};

use super::fleet::{known_visitor, launch_year};
use super::mean::{MeanOrbit, wrapped};
use super::sample::distance_km;
use super::{Direction, Encounter, MIN_DWELL};
use crate::{Catalogue, ElementSet, Elements, Propagator};

/// Catalogues whose middle epochs are nearer than this are of one day.
const ONE_SNAPSHOT_S: f64 = 43_200.0;

/// Times in the day after a snapshot at which a pair is looked at.
const LOOKS: usize = 25;

const DAY_S: f64 = 86_400.0;

/// Change of longitude in degrees that station-keeping makes in GEO.
const KEEPING_DEG: f64 = 0.1;

/// Change of velocity in m/s that is noise in low orbit.
const NOISE_M_S: f64 = 1.0;

/// Over more days than this the turn of a plane by J2 is not known well enough to tell a manoeuvre from it.
const NODE_DAYS: f64 = 30.0;

/// Degrees a day over the ground: who is slower stands, who is faster drifts.
const STANDS_DEG_DAY: f64 = 0.05;
const DRIFTS_DEG_DAY: f64 = 0.15;

/// The catalogues by day, and the element set of each object that is nearest to the span.
pub(super) struct Snapshots {
    days: Vec<Snapshot>,
    pub(super) current: Catalogue,
    /// Objects that are only in catalogues of long ago.
    pub(super) stale: usize,
}

struct Snapshot {
    middle: Timestamp,
    sets: Catalogue,
}

/// What is known of a pair's past.
#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) since: Timestamp,
    pub(super) direction: Direction,
    /// Known unless the direction is unknown.
    pub(super) chaser: Option<NoradId>,
    pub(super) long_standing: bool,
    /// How it is known, as a sentence without its end.
    pub(super) words: String,
}

impl Snapshots {
    /// Sorts `catalogues` into days; of each object the set nearest to `middle` is current, unless it is more than
    /// `stale_days` further away than that of most objects.
    pub(super) fn new(catalogues: &[Catalogue], middle: Timestamp, stale_days: f64) -> Self {
        let mut days: Vec<(Timestamp, Vec<&ElementSet>)> = Vec::new();
        let mut sorted: Vec<(Timestamp, &Catalogue)> =
            catalogues.iter().filter_map(|c| Some((median(c.iter().map(ElementSet::epoch))?, c))).collect();
        sorted.sort_by_key(|(time, _)| *time);
        for (time, catalogue) in sorted {
            match days.last_mut() {
                Some((start, sets)) if time.seconds_since(*start) < ONE_SNAPSHOT_S => sets.extend(catalogue),
                _ => days.push((time, catalogue.iter().collect())),
            }
        }
        let days: Vec<Snapshot> =
            days.into_iter().map(|(middle, sets)| Snapshot { middle, sets: newest(sets) }).collect();
        let away_s = |set: &ElementSet| middle.seconds_since(set.epoch()).abs();
        let mut nearest: BTreeMap<NoradId, &ElementSet> = BTreeMap::new();
        for set in days.iter().flat_map(|day| &day.sets) {
            let kept = nearest.entry(set.norad_id()).or_insert(set);
            // Days rise, so of two equally near the later stays.
            if away_s(set) <= away_s(kept) {
                *kept = set;
            }
        }
        let mut away: Vec<f64> = nearest.values().map(|set| away_s(set)).collect();
        away.sort_by(f64::total_cmp);
        let usual_s = away.get(away.len() / 2).copied().unwrap_or_default();
        let all = nearest.len();
        let current = Catalogue::new(
            nearest
                .into_values()
                .filter(|set| away_s(set) <= usual_s + stale_days * DAY_S)
                .map(|set| with_name(set, &days)),
        );
        Self { days, stale: all - current.len(), current }
    }

    /// The past of the pair `a`, `b`, of which `now` is the present.
    pub(super) fn history(
        &self,
        a: &ElementSet,
        b: &ElementSet,
        now: &Encounter,
        within_km: f64,
        span: Interval,
    ) -> History {
        let mut past = History {
            since: now.first,
            direction: Direction::Unknown,
            chaser: None,
            long_standing: false,
            words: String::new(),
        };
        // A pass has no past that element sets could tell.
        if now.dwell_share >= MIN_DWELL {
            self.follow_back(a, b, now, within_km, &mut past);
        }
        if past.direction == Direction::Unknown {
            self.guess(a, b, span, &mut past);
        }
        past
    }

    fn follow_back(
        &self,
        a: &ElementSet,
        b: &ElementSet,
        now: &Encounter,
        within_km: f64,
        past: &mut History,
    ) {
        // The sets at the early end of the run of company, and whether it goes back beyond the present one.
        let mut run: Option<(&ElementSet, &ElementSet)> = None;
        let mut earlier = false;
        let present = a.epoch().max(b.epoch());
        for day in self.days.iter().rev() {
            match (day.sets.get(a.norad_id()), day.sets.get(b.norad_id())) {
                (Some(x), Some(y)) if x.epoch().max(y.epoch()) > present => {}
                (Some(x), Some(y)) => {
                    if !in_company(x, y, now.dwell_share, within_km) {
                        if let Some((later_x, later_y)) = run {
                            arrived(day, (x, later_x), (y, later_y), past);
                        }
                        return;
                    }
                    past.since = past.since.min(x.epoch().max(y.epoch()));
                    earlier |= run.is_some();
                    run = Some((x, y));
                }
                (Some(_), None) if is_new(b, day) => return appeared(b, day, past),
                (None, Some(_)) if is_new(a, day) => return appeared(a, day, past),
                _ => {}
            }
        }
        past.long_standing = earlier;
    }

    /// Without catalogues that tell: who drifts in GEO, or is known to visit.
    fn guess(&self, a: &ElementSet, b: &ElementSet, span: Interval, past: &mut History) {
        let middle = span.start().plus_seconds(span.seconds() / 2.0);
        let drift = |set: &ElementSet| {
            let orbit = MeanOrbit::at(set, middle);
            orbit.near_synchronous().then(|| orbit.ground_drift_deg_day())
        };
        if let (Some(x), Some(y)) = (drift(a), drift(b)) {
            let mover = match (x.abs(), y.abs()) {
                (x, y) if x >= DRIFTS_DEG_DAY && y <= STANDS_DEG_DAY => Some((a, x, b)),
                (x, y) if y >= DRIFTS_DEG_DAY && x <= STANDS_DEG_DAY => Some((b, y, a)),
                _ => None,
            };
            if let Some((mover, rate, stander)) = mover {
                past.direction = Direction::Drifts;
                past.chaser = Some(mover.norad_id());
                past.words = format!(
                    "{} drifts over the ground by {rate:.2} deg a day, {} stands",
                    mover.label(),
                    stander.label()
                );
                return;
            }
        }
        let visitor = match (known_visitor(a.norad_id()), known_visitor(b.norad_id())) {
            (true, false) => a,
            (false, true) => b,
            _ => {
                past.words = "who came to whom is not known".to_owned();
                return;
            }
        };
        past.direction = Direction::KnownVisitor;
        past.chaser = Some(visitor.norad_id());
        past.words = format!("{} is known to visit others; when it came is not known", visitor.label());
    }
}

/// The newest set of each object; of equal epochs the greatest by its values, so that the order given does not matter.
fn newest(mut sets: Vec<&ElementSet>) -> Catalogue {
    let values = |s: &ElementSet| {
        [
            s.mean_motion_rev_per_day(),
            s.eccentricity(),
            s.inclination_deg(),
            s.raan_deg(),
            s.argument_of_perigee_deg(),
            s.mean_anomaly_deg(),
            s.bstar(),
            s.mean_motion_dot(),
        ]
    };
    sets.sort_by(|x, y| {
        let by_values = || {
            let pairs = values(x).into_iter().zip(values(y));
            pairs.map(|(p, q)| p.total_cmp(&q)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        };
        (x.norad_id(), x.epoch())
            .cmp(&(y.norad_id(), y.epoch()))
            .then_with(by_values)
            // Two sources name one object differently; a name is better than none.
            .then_with(|| (x.name(), x.object_id()).cmp(&(y.name(), y.object_id())))
    });
    Catalogue::new(sets.into_iter().cloned())
}

/// `set` with the name that it has in any of `days`: two lines alone name nothing.
fn with_name(set: &ElementSet, days: &[Snapshot]) -> ElementSet {
    let named = |other: &&ElementSet| other.name().is_some();
    let other = days.iter().rev().filter_map(|day| day.sets.get(set.norad_id())).find(named);
    match (set.name(), other) {
        (None, Some(other)) => {
            let elements = Elements { name: other.name().map(str::to_owned), ..set.elements().clone() };
            // The values were checked before.
            ElementSet::new(elements).unwrap_or_else(|_| set.clone())
        }
        _ => set.clone(),
    }
}

fn median(times: impl Iterator<Item = Timestamp>) -> Option<Timestamp> {
    let mut all: Vec<Timestamp> = times.collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

fn in_company(x: &ElementSet, y: &ElementSet, dwell_now: f64, within_km: f64) -> bool {
    let (Ok(p), Ok(q)) = (Propagator::new(x), Propagator::new(y)) else { return false };
    let start = x.epoch().max(y.epoch());
    let near = (0..LOOKS)
        .map(|i| start.plus_seconds(DAY_S * i as f64 / (LOOKS - 1) as f64))
        .filter(|time| distance_km(&p, &q, *time).is_some_and(|km| km <= within_km))
        .count();
    near > 0 && near as f64 >= 0.5 * dwell_now * LOOKS as f64
}

/// Whether `set` may have been launched since `day`: objects that a catalogue merely lacks say nothing.
fn is_new(set: &ElementSet, day: &Snapshot) -> bool {
    let (year, _) = crate::utc::year_and_nanos(day.middle);
    launch_year(set).is_none_or(|launched| launched >= year)
}

fn appeared(new: &ElementSet, day: &Snapshot, past: &mut History) {
    past.direction = Direction::New;
    past.chaser = Some(new.norad_id());
    past.words = format!("{} is not in the catalogue of {}", new.label(), date(day.middle));
}

/// Fills in who came between `day` and the later sets, each pair being one object before and after.
fn arrived(day: &Snapshot, x: (&ElementSet, &ElementSet), y: (&ElementSet, &ElementSet), past: &mut History) {
    let dates = format!("between {} and {}", date(day.middle), date(past.since));
    let orbit = |set: &ElementSet| MeanOrbit::at(set, set.epoch());
    let all = [x.0, x.1, y.0, y.1].map(orbit);
    let [x_old, x_new, y_old, y_new] = all;
    let (size_x, size_y, floor, unit) = if all.iter().all(MeanOrbit::near_synchronous) {
        let moved =
            |old: &MeanOrbit, new: &MeanOrbit| wrapped(new.longitude_deg() - old.longitude_deg()).abs();
        (moved(&x_old, &x_new), moved(&y_old, &y_new), KEEPING_DEG, "deg of longitude")
    } else {
        (change_m_s(x.0, x.1), change_m_s(y.0, y.1), NOISE_M_S, "m/s, as far as mean elements tell")
    };
    let (mover, larger, other, smaller) =
        if size_x >= size_y { (x, size_x, y, size_y) } else { (y, size_y, x, size_x) };
    if larger < floor || larger < 2.0 * smaller {
        past.words = format!("they came into company {dates}; who came is not known");
        return;
    }
    past.direction = Direction::Moved;
    past.chaser = Some(mover.1.norad_id());
    let mut words = format!(
        "{} came {dates}: it changed by {larger:.2} {unit}, {} by {smaller:.2}",
        mover.1.label(),
        other.1.label()
    );
    if unit.starts_with("deg") {
        let (old, new) = (orbit(mover.0), orbit(mover.1));
        words.push_str(&format!(
            "; it went from {} to {}, its drift from {:.2} to {:.2} deg a day",
            place(old.longitude_deg()),
            place(new.longitude_deg()),
            old.ground_drift_deg_day(),
            new.ground_drift_deg_day()
        ));
    }
    past.words = words;
}

/// The velocity change that would take an orbit from `old` to `new`, beyond drag and the turn of its plane by J2.
fn change_m_s(old: &ElementSet, new: &ElementSet) -> f64 {
    let days = new.epoch().seconds_since(old.epoch()) / DAY_S;
    let (before, after) = (MeanOrbit::at(old, old.epoch()), MeanOrbit::at(new, new.epoch()));
    // The mean of both listed derivatives (each is half of one) over the time between.
    let decay_rev = (old.mean_motion_dot() + new.mean_motion_dot()) * days;
    let motion = new.mean_motion_rev_per_day();
    let raised_rev = motion - old.mean_motion_rev_per_day() - decay_rev;
    let speed_m_s = after.speed_km_s() * 1000.0;
    // da/a = -2/3 dn/n, and dv/v = da / 2a.
    let in_plane = speed_m_s * (raised_rev / motion).abs() / 3.0;
    let tilt = (after.inclination_deg - before.inclination_deg).to_radians();
    if days.abs() > NODE_DAYS {
        return in_plane + speed_m_s * tilt.abs();
    }
    // The node is carried on with both orbits' rates, and each day is allowed a hundredth of a degree.
    let carried = (MeanOrbit::at(old, new.epoch()).raan_deg, MeanOrbit::at(new, old.epoch()).raan_deg);
    let node = (wrapped(after.raan_deg - carried.0).abs() + wrapped(carried.1 - before.raan_deg).abs()) / 2.0;
    let node = (node - 0.01 * days.abs()).max(0.0).to_radians() * after.inclination_deg.to_radians().sin();
    in_plane + speed_m_s * tilt.hypot(node)
}

fn date(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

fn place(longitude_deg: f64) -> String {
    let side = if longitude_deg < 0.0 { 'W' } else { 'E' };
    format!("{:.2} {side}", longitude_deg.abs())
}
