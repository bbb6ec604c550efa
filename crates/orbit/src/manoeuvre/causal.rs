//! The same detector as somebody meets it who reads the sets one by one as they come.

use std::collections::BTreeMap;

use base::{NoradId, Timestamp};

use crate::ElementSet;

use super::detect::{Gap, alarm_in};
use super::step::{Burn, SETS_A_SIDE};
use super::track::{SECONDS_PER_DAY, Track};
use super::{Alarm, Manoeuvre, Settings, manoeuvre};

/// Older sets are not looked at again.
const MEMORY_DAYS: f64 = 320.0;

/// The alarms of one object, by the time at which they are raised.
pub(super) fn alarms(id: NoradId, sets: &[ElementSet], settings: &Settings) -> Vec<Manoeuvre> {
    let mut raised: Vec<(Timestamp, Manoeuvre)> = Vec::new();
    // What the fits about a gap said once sets to the end of the window were there, by the epoch before the gap.
    let mut closed: BTreeMap<Timestamp, Gap> = BTreeMap::new();
    for count in 2 * SETS_A_SIDE..=sets.len() {
        let Some((newest, known)) = sets.get(..count).and_then(<[ElementSet]>::split_last) else {
            break;
        };
        let oldest = newest.epoch().plus_seconds(-MEMORY_DAYS * SECONDS_PER_DAY);
        let from = known.partition_point(|set| set.epoch() < oldest);
        let track = Track::new(&sets[from..count]);
        closed = closed.split_off(&oldest);
        let burns: Vec<Burn> =
            raised.iter().filter_map(|(before, past)| burn_of(&track, *before, past)).collect();
        let Some(found) = alarm_in(&track, &burns, &mut closed, settings) else {
            continue;
        };
        let before = track.time(track.day[found.burn.before]);
        let alarm = Alarm { time: newest.epoch(), sets: track.len() - 1 - found.burn.before };
        let one = Manoeuvre { alarm: Some(alarm), ..manoeuvre(id, &track, &found, &burns, settings) };
        raised.push((before, one));
    }
    raised.into_iter().map(|(_, one)| one).collect()
}

/// A burn that was told of, in the indices of `track`; `before` is the epoch of the last set before it.
fn burn_of(track: &Track, before: Timestamp, past: &Manoeuvre) -> Option<Burn> {
    let start = track.time(0.0);
    let day = before.seconds_since(start) / SECONDS_PER_DAY;
    let after = track.day.partition_point(|other| *other <= day + 1e-6);
    if after == 0 || after >= track.len() {
        return None;
    }
    Some(Burn { before: after - 1, day: past.onset.seconds_since(start) / SECONDS_PER_DAY })
}
