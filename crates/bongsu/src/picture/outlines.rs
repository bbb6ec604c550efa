//! Coastlines and borders around the Korean peninsula, built in: Natural Earth, public domain (samples/geo).

use serde_json::Value;

const KOREA: &str = include_str!("../../../../samples/geo/ne_10m_korea.geojson");
const NEIGHBOURS: &str = include_str!("../../../../samples/geo/ne_50m_neasia.geojson");

/// All rings, as longitude and latitude in degrees: Korea at 1:10 million, its neighbours at 1:50 million.
pub(super) fn outlines() -> Vec<Vec<[f64; 2]>> {
    let mut rings = Vec::new();
    for (text, leave_out) in [(KOREA, ""), (NEIGHBOURS, "Korea")] {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        for feature in value["features"].as_array().into_iter().flatten() {
            let name = feature["properties"]["name"].as_str().unwrap_or_default();
            if leave_out.is_empty() || !name.contains(leave_out) {
                collect(&feature["geometry"]["coordinates"], &mut rings);
            }
        }
    }
    rings
}

/// The rings at the bottom of nested arrays: a ring is an array of arrays of numbers.
fn collect(value: &Value, rings: &mut Vec<Vec<[f64; 2]>>) {
    let corners: Vec<[f64; 2]> = value.as_array().into_iter().flatten().filter_map(corner).collect();
    if corners.is_empty() {
        value.as_array().into_iter().flatten().for_each(|inner| collect(inner, rings));
    } else {
        rings.push(corners);
    }
}

fn corner(value: &Value) -> Option<[f64; 2]> {
    Some([value.get(0)?.as_f64()?, value.get(1)?.as_f64()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jeju_is_there_once() {
        let near = |ring: &&Vec<[f64; 2]>| {
            ring.iter().all(|[x, y]| (126.1..127.0).contains(x) && (33.1..33.6).contains(y))
        };
        assert_eq!(outlines().iter().filter(near).filter(|ring| ring.len() > 20).count(), 1);
    }
}
