//! Approaches as `orbit screen` prints them, and reads them again.

use base::{NoradId, Timestamp};
use orbit::{Approach, Event, Proximity};
use serde::{Deserialize, Serialize, Serializer};

use crate::error::CliError;
use crate::input;

/// Fractional digits of a second that a closest approach has at least.
const TCA_DIGITS: usize = 4;

/// An approach as `orbit screen` prints it.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Item {
    Event {
        norad_a: NoradId,
        norad_b: NoradId,
        #[serde(serialize_with = "precise")]
        tca: Timestamp,
        miss_km: f64,
        relative_speed_km_s: f64,
        radial_km: f64,
        in_track_km: f64,
        cross_track_km: f64,
    },
    Interval {
        norad_a: NoradId,
        norad_b: NoradId,
        start: Timestamp,
        end: Timestamp,
        min_km: f64,
        #[serde(serialize_with = "precise")]
        min_time: Timestamp,
        mean_km: f64,
    },
}

impl From<&Approach> for Item {
    fn from(approach: &Approach) -> Self {
        match *approach {
            Approach::Event(e) => Self::Event {
                norad_a: e.norad_a,
                norad_b: e.norad_b,
                tca: e.tca,
                miss_km: e.miss_km,
                relative_speed_km_s: e.relative_speed_km_s,
                radial_km: e.radial_km,
                in_track_km: e.in_track_km,
                cross_track_km: e.cross_track_km,
            },
            Approach::Interval(p) => Self::Interval {
                norad_a: p.norad_a,
                norad_b: p.norad_b,
                start: p.start,
                end: p.end,
                min_km: p.min_km,
                min_time: p.min_time,
                mean_km: p.mean_km,
            },
        }
    }
}

/// A time with at least [`TCA_DIGITS`] digits behind the second: it was found by root finding, so `:00Z` would hide
/// how exact it is.
fn precise<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    let text = time.to_string();
    let body = text.strip_suffix('Z').unwrap_or(&text);
    let digits = body.split_once('.').map_or(0, |(_, digits)| digits.len());
    if digits >= TCA_DIGITS {
        return to.serialize_str(&text);
    }
    let point = if digits == 0 { "." } else { "" };
    let zeros = "0".repeat(TCA_DIGITS - digits);
    to.serialize_str(&format!("{body}{point}{zeros}Z"))
}

impl From<Item> for Approach {
    fn from(item: Item) -> Self {
        match item {
            Item::Event {
                norad_a,
                norad_b,
                tca,
                miss_km,
                relative_speed_km_s,
                radial_km,
                in_track_km,
                cross_track_km,
            } => Self::Event(Event {
                norad_a,
                norad_b,
                tca,
                miss_km,
                relative_speed_km_s,
                radial_km,
                in_track_km,
                cross_track_km,
            }),
            Item::Interval { norad_a, norad_b, start, end, min_km, min_time, mean_km } => {
                Self::Interval(Proximity { norad_a, norad_b, start, end, min_km, min_time, mean_km })
            }
        }
    }
}

/// What `--json` prints.
#[derive(Deserialize)]
struct Document {
    items: Vec<Item>,
}

/// Reads what an earlier screening printed as JSON or NDJSON. One line that cannot be read spoils all: an approach would
/// be lost.
pub(super) fn earlier(file: &str) -> Result<Vec<Approach>, CliError> {
    let bytes = input::read(file)?;
    if let Ok(document) = serde_json::from_slice::<Document>(&bytes) {
        return Ok(document.items.into_iter().map(Approach::from).collect());
    }
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    let items = lines.map(|(number, line)| {
        serde_json::from_slice::<Item>(line).map(Approach::from).map_err(|error| {
            CliError::Usage(format!(
                "`{}`, line {}: {error}; give what `orbit screen` printed with --format json or ndjson, or screen all pairs anew",
                input::name(file),
                number + 1
            ))
        })
    });
    items.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closest_approaches_have_four_digits_at_least() {
        let shown = |text: &str| {
            let time: Timestamp = text.parse().unwrap();
            precise(&time, serde_json::value::Serializer).unwrap()
        };
        assert_eq!(shown("2026-03-10T12:00:00Z"), "2026-03-10T12:00:00.0000Z");
        assert_eq!(shown("2026-03-10T12:00:00.25Z"), "2026-03-10T12:00:00.2500Z");
        assert_eq!(shown("2026-03-10T12:00:00.123456789Z"), "2026-03-10T12:00:00.123456789Z");
    }
}
