//! Regions from GeoJSON (RFC 7946).

use base::Fault;
use serde_json::{Map, Value};

use super::region::{Polygon, Region};

/// The most corners that are read.
const MAX_CORNERS: usize = 2_000_000;

/// What [`read_region`] got out of the input.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionRead {
    /// All polygons that could be read; `None` when there was not one.
    pub region: Option<Region>,
    /// Codes `orbit::not_geojson`, `orbit::not_a_polygon`, `orbit::bad_ring` and `orbit::bad_corner` (what they name
    /// was left out) and `orbit::antimeridian` (a warning: the ring was taken the short way).
    pub faults: Vec<Fault>,
}

/// Reads the polygons of a GeoJSON document: Polygon and MultiPolygon, also in features and collections. Of a polygon
/// all rings are taken by the even-odd rule, so holes are holes whichever way they turn.
///
/// RFC 7946 has polygons that cross the antimeridian cut in two (section 3.1.9). Many are not: a ring with an edge of
/// more than 180 degrees of longitude is taken the short way round, with a warning. An edge of 360 is left as it is.
///
/// ```
/// let text = br#"{"type":"Polygon","coordinates":[[[126,34],[129,34],[129,38],[126,38],[126,34]]]}"#;
/// let read = orbit::read_region(text, "south.geojson");
/// assert!(read.faults.is_empty());
/// assert_eq!(read.region.unwrap().cells(1.0).unwrap().len(), 12);
/// ```
pub fn read_region(bytes: &[u8], source: &str) -> RegionRead {
    let mut reader = Reader { polygons: Vec::new(), faults: Vec::new(), corners: 0 };
    match serde_json::from_slice::<Value>(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
        Ok(value) => reader.object(&value, "", 0),
        Err(error) => reader.faults.push(
            Fault::error("orbit::not_geojson", format!("{error}; give a GeoJSON document (RFC 7946)"))
                .at_line(error.line() as u64),
        ),
    }
    if reader.polygons.is_empty() && reader.faults.is_empty() {
        let message = "it holds no polygon; give a Polygon or MultiPolygon, alone or in features";
        reader.faults.push(Fault::error("orbit::not_geojson", message));
    }
    let region = (!reader.polygons.is_empty()).then(|| Region::of_polygons(reader.polygons));
    RegionRead { region, faults: reader.faults.into_iter().map(|fault| fault.in_source(source)).collect() }
}

struct Reader {
    polygons: Vec<Polygon>,
    faults: Vec<Fault>,
    corners: usize,
}

impl Reader {
    fn fault(&mut self, code: &str, path: &str, message: &str) {
        let field = if path.is_empty() { "/" } else { path };
        self.faults.push(Fault::error(code, message).in_field(field));
    }

    /// An object at a JSON pointer. serde_json holds the depth of nesting at 128.
    fn object(&mut self, value: &Value, path: &str, depth: usize) {
        let Value::Object(object) = value else {
            return self.fault(
                "orbit::not_geojson",
                path,
                "this is no GeoJSON object; it needs a member `type`",
            );
        };
        match object.get("type").and_then(Value::as_str) {
            Some("FeatureCollection") => self.members(object, "features", path, depth),
            Some("GeometryCollection") => self.members(object, "geometries", path, depth),
            Some("Feature") => match object.get("geometry") {
                // A feature without a place is allowed (section 3.2).
                Some(Value::Null) => {}
                Some(geometry) => self.object(geometry, &format!("{path}/geometry"), depth + 1),
                None => self.fault("orbit::not_geojson", path, "a feature without `geometry`; add it"),
            },
            Some("Polygon") => match object.get("coordinates") {
                Some(rings) => self.polygon(rings, &format!("{path}/coordinates")),
                None => self.fault("orbit::not_geojson", path, "a geometry without `coordinates`; add them"),
            },
            Some("MultiPolygon") => match object.get("coordinates") {
                Some(Value::Array(polygons)) => {
                    for (index, rings) in polygons.iter().enumerate() {
                        self.polygon(rings, &format!("{path}/coordinates/{index}"));
                    }
                }
                _ => self.fault("orbit::not_geojson", path, "a MultiPolygon without `coordinates`; add them"),
            },
            Some("Point" | "MultiPoint" | "LineString" | "MultiLineString") => {
                self.fault(
                    "orbit::not_a_polygon",
                    path,
                    "points and lines have no inside; left out, give polygons",
                );
            }
            Some(_) => self.fault(
                "orbit::not_geojson",
                path,
                "`type` is none of GeoJSON's; see RFC 7946, section 1.4",
            ),
            None => self.fault("orbit::not_geojson", path, "there is no `type`; see RFC 7946, section 3"),
        }
    }

    fn members(&mut self, object: &Map<String, Value>, name: &str, path: &str, depth: usize) {
        match object.get(name) {
            Some(Value::Array(members)) => {
                for (index, member) in members.iter().enumerate() {
                    self.object(member, &format!("{path}/{name}/{index}"), depth + 1);
                }
            }
            _ => self.fault("orbit::not_geojson", path, "a collection without its array; add it"),
        }
    }

    /// A polygon; one with a bad ring is left out as a whole, because a hole would else become land.
    fn polygon(&mut self, rings: &Value, path: &str) {
        let Value::Array(rings) = rings else {
            return self.fault(
                "orbit::bad_ring",
                path,
                "this is no array of rings; see RFC 7946, section 3.1.6",
            );
        };
        let read: Vec<_> =
            rings.iter().enumerate().map(|(i, ring)| self.ring(ring, &format!("{path}/{i}"))).collect();
        if let Some(mut rings) =
            read.into_iter().collect::<Option<Vec<_>>>().filter(|rings| !rings.is_empty())
        {
            bring_together(&mut rings);
            self.polygons.push(Polygon { rings });
        }
    }

    fn ring(&mut self, ring: &Value, path: &str) -> Option<Vec<[f64; 2]>> {
        let Value::Array(corners) = ring else {
            self.fault("orbit::bad_ring", path, "this is no array of positions; see RFC 7946, section 3.1.6");
            return None;
        };
        self.corners += corners.len();
        if self.corners > MAX_CORNERS {
            self.fault("orbit::bad_ring", path, "more than 2,000,000 corners in all; simplify the polygons");
            return None;
        }
        let mut read = Vec::with_capacity(corners.len());
        for (index, corner) in corners.iter().enumerate() {
            let Some(corner) = position(corner) else {
                let message = "no position; give longitude (-360 to 360) and latitude (-90 to 90) in degrees";
                self.fault("orbit::bad_corner", &format!("{path}/{index}"), message);
                return None;
            };
            read.push(corner);
        }
        if read.len() < 4 || read.first() != read.last() {
            self.fault(
                "orbit::bad_ring",
                path,
                "a ring has at least four positions, the last like the first",
            );
            return None;
        }
        if !unwrap(&mut read) {
            self.fault("orbit::bad_ring", path, "the ring goes around a pole; cut it along a meridian");
            return None;
        }
        if read.iter().zip(corners).any(|(read, given)| position(given).is_none_or(|given| given != *read)) {
            let message =
                "an edge of more than 180 degrees of longitude: taken the short way, over the antimeridian";
            self.faults.push(Fault::warning("orbit::antimeridian", message).in_field(path));
        }
        Some(read)
    }
}

fn position(value: &Value) -> Option<[f64; 2]> {
    let numbers = value.as_array()?;
    let (longitude, latitude) = (numbers.first()?.as_f64()?, numbers.get(1)?.as_f64()?);
    ((-360.0..=360.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude))
        .then_some([longitude, latitude])
}

/// Makes longitudes go on where a ring crosses the antimeridian. Gives whether it closes.
fn unwrap(ring: &mut [[f64; 2]]) -> bool {
    let mut turns = 0.0;
    let mut last = None;
    for corner in ring.iter_mut() {
        let given = corner[0];
        if let Some(last) = last {
            let step: f64 = given - last;
            if step.abs() > 180.0 && step.abs() < 360.0 {
                turns -= 360.0_f64.copysign(step);
            }
        }
        last = Some(given);
        corner[0] = given + turns;
    }
    turns == 0.0
}

/// Moves holes by whole turns to where the outer ring is.
fn bring_together(rings: &mut [Vec<[f64; 2]>]) {
    let west = |ring: &[[f64; 2]]| ring.iter().map(|corner| corner[0]).fold(f64::INFINITY, f64::min);
    let east = |ring: &[[f64; 2]]| ring.iter().map(|corner| corner[0]).fold(f64::NEG_INFINITY, f64::max);
    let Some((outer, holes)) = rings.split_first_mut() else { return };
    for hole in holes {
        let middle = 0.5 * (west(hole) + east(hole));
        let turns = ((0.5 * (west(outer) + east(outer)) - middle) / 360.0).round() * 360.0;
        for corner in hole.iter_mut() {
            corner[0] += turns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn codes(text: &str) -> Vec<(String, Option<String>)> {
        let read = read_region(text.as_bytes(), "x.geojson");
        read.faults.into_iter().map(|fault| (fault.code, fault.field)).collect()
    }

    fn cells(text: &str) -> usize {
        read_region(text.as_bytes(), "x.geojson").region.unwrap().cells(1.0).unwrap().len()
    }

    const SQUARE: &str = r#"{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,2],[0,2],[0,0]]]}"#;

    #[test]
    fn polygons_are_found_in_collections() {
        let feature = format!(r#"{{"type":"Feature","properties":null,"geometry":{SQUARE}}}"#);
        let none = r#"{"type":"Feature","properties":null,"geometry":null}"#;
        for text in [
            SQUARE.to_owned(),
            feature.clone(),
            format!(r#"{{"type":"FeatureCollection","features":[{none},{feature}]}}"#),
            format!(r#"{{"type":"GeometryCollection","geometries":[{SQUARE}]}}"#),
            r#"{"type":"MultiPolygon","coordinates":[[[[0,0,5],[2,0,5],[2,2,5],[0,2,5],[0,0,5]]]]}"#
                .to_owned(),
        ] {
            assert_eq!((cells(&text), codes(&text)), (4, vec![]), "{text}");
        }
    }

    #[test]
    fn the_antimeridian_is_crossed_the_short_way() {
        let text = r#"{"type":"Polygon","coordinates":[[[179,0],[-179,0],[-179,2],[179,2],[179,0]]]}"#;
        assert_eq!(cells(text), 4);
        assert_eq!(codes(text), [("orbit::antimeridian".to_owned(), Some("/coordinates/0".to_owned()))]);
        let world =
            r#"{"type":"Polygon","coordinates":[[[-180,-90],[180,-90],[180,90],[-180,90],[-180,-90]]]}"#;
        let read = read_region(world.as_bytes(), "x.geojson");
        assert_eq!((read.region.unwrap().cells(5.0).unwrap().len(), read.faults), (72 * 36, vec![]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let at = |code: &str, field: &str| vec![(code.to_owned(), Some(field.to_owned()))];
        assert_eq!(codes(r#"{"type":"Point","coordinates":[1,2]}"#), at("orbit::not_a_polygon", "/"));
        assert_eq!(codes("[]"), at("orbit::not_geojson", "/"));
        assert_eq!(codes(r#"{"type":"Polygon"}"#), at("orbit::not_geojson", "/"));
        let open = r#"{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,2],[0,2]]]}"#;
        assert_eq!(codes(open), at("orbit::bad_ring", "/coordinates/0"));
        let far = r#"{"type":"Polygon","coordinates":[[[0,0],[2,0],[2,91],[0,0]]]}"#;
        assert_eq!(codes(far), at("orbit::bad_corner", "/coordinates/0/2"));
        let pole = r#"{"type":"Polygon","coordinates":[[[0,80],[120,80],[-120,80],[0,80]]]}"#;
        assert_eq!(codes(pole), at("orbit::bad_ring", "/coordinates/0"));
        let faults = read_region(b"{\n\"type\": oops}", "x.geojson").faults;
        assert_eq!((faults[0].code.as_str(), faults[0].line), ("orbit::not_geojson", Some(2)));
        assert_eq!(read_region(b"", "x").region, None);
        assert!(read_region("[".repeat(100_000).as_bytes(), "x").region.is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in r#"[\[\]{}",:0-9a-zA-Z.e-]{0,200}"#) {
            let read = read_region(text.as_bytes(), "x");
            prop_assert!(read.region.is_some() || !read.faults.is_empty());
        }
    }
}
