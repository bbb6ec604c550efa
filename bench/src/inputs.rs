//! Catalogues in the forms that are measured.

use std::fs;
use std::path::Path;

use base::{NoradId, Timestamp};
use orbit::{Catalogue, Cell, ElementSet, Region};

/// Objects in the made-up JSON catalogue: as many as are in orbit and listed.
pub(crate) const JSON_OBJECTS: usize = 30_000;

/// Period in minutes from which an object is propagated by the deep-space part of SGP4.
pub(crate) const DEEP_SPACE_MIN: f64 = 225.0;

/// Period in minutes below which an object counts as low.
const LOW_MIN: f64 = 128.0;

/// A time that suits a catalogue: its middle epoch.
pub(crate) fn start(catalogue: &Catalogue) -> Timestamp {
    let mut epochs: Vec<Timestamp> = catalogue.iter().map(ElementSet::epoch).collect();
    epochs.sort_unstable();
    epochs.get(epochs.len() / 2).copied().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `catalogue` as two-line element sets; objects that do not fit are left out.
pub(crate) fn tle(catalogue: &Catalogue) -> Vec<u8> {
    let lines = catalogue.iter().filter_map(|set| set.to_tle().ok()).flatten();
    lines.flat_map(|line| line.into_bytes().into_iter().chain([b'\n'])).collect()
}

/// The bytes of a file, unpacked where it is `.zst`.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let packed = fs::read(path)?;
    if packed.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) { zstd::decode_all(&packed[..]) } else { Ok(packed) }
}

/// A catalogue from a file.
///
/// # Errors
/// When it cannot be read, or not one object is in it.
pub(crate) fn catalogue(path: &Path) -> std::io::Result<Catalogue> {
    let read = orbit::read_catalogue(&bytes(path)?, &path.display().to_string());
    if read.catalogue.is_empty() {
        let message = format!("`{}` holds no element set", path.display());
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
    }
    Ok(read.catalogue)
}

/// The middle ones of `count` equal parts of `catalogue`, or as many as there are.
pub(crate) fn spread(catalogue: &Catalogue, count: usize) -> Vec<NoradId> {
    let apart = (catalogue.len() / count.max(1)).max(1);
    catalogue.iter().map(ElementSet::norad_id).skip(apart / 2).step_by(apart).take(count).collect()
}

/// `count` low satellites, spread over the catalogue.
pub(crate) fn constellation(catalogue: &Catalogue, count: usize) -> Catalogue {
    let low = catalogue.only(|set| set.period_min() < LOW_MIN);
    let ids = spread(&low, count);
    low.only(|set| ids.contains(&set.norad_id()))
}

/// Some thousand cells: the box of 33 to 43 degrees north, 124 to 131 degrees east.
///
/// # Errors
/// When the room no longer takes such a box.
pub(crate) fn cells() -> Result<Vec<Cell>, orbit::RegionError> {
    Region::of_box(33.0, 124.0, 43.0, 131.0)?.cells(0.265)
}

/// `catalogue` as OMM JSON of `count` objects, as CelesTrak writes it; objects beyond the catalogue's are its own
/// under numbers of nine digits.
pub(crate) fn omm_json(catalogue: &Catalogue, count: usize) -> Vec<u8> {
    let mut text = String::from("[");
    for (index, set) in catalogue.iter().cycle().take(count).enumerate() {
        let id = if index < catalogue.len() {
            set.norad_id()
        } else {
            NoradId::new(799_000_000 + u32::try_from(index).unwrap_or(u32::MAX))
        };
        text.push_str(if index == 0 { "" } else { "," });
        text.push_str(&object(set, id).to_string());
    }
    text.push(']');
    text.into_bytes()
}

fn object(set: &ElementSet, id: NoradId) -> serde_json::Value {
    serde_json::json!({
        "OBJECT_NAME": set.label(),
        "OBJECT_ID": set.object_id().unwrap_or("1957-001A"),
        "EPOCH": microseconds(set.epoch()),
        "MEAN_MOTION": set.mean_motion_rev_per_day(),
        "ECCENTRICITY": set.eccentricity(),
        "INCLINATION": set.inclination_deg(),
        "RA_OF_ASC_NODE": set.raan_deg(),
        "ARG_OF_PERICENTER": set.argument_of_perigee_deg(),
        "MEAN_ANOMALY": set.mean_anomaly_deg(),
        "EPHEMERIS_TYPE": 0,
        "CLASSIFICATION_TYPE": set.classification().to_string(),
        "NORAD_CAT_ID": id.get(),
        "ELEMENT_SET_NO": set.element_set_no(),
        "REV_AT_EPOCH": set.rev_at_epoch(),
        "BSTAR": set.bstar(),
        "MEAN_MOTION_DOT": set.mean_motion_dot(),
        "MEAN_MOTION_DDOT": set.mean_motion_ddot(),
    })
}

/// A time as CelesTrak writes it: `2026-03-10T07:26:52.157760`.
fn microseconds(time: Timestamp) -> String {
    let text = time.to_string();
    let body = text.strip_suffix('Z').unwrap_or(&text);
    let (seconds, fraction) = body.split_once('.').unwrap_or((body, ""));
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    format!("{seconds}.{digits}")
}
