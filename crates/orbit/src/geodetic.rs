use base::Place;

use crate::frame::{Pef, Position, State, Teme};

/// WGS-84 equatorial radius in km.
const RADIUS_KM: f64 = 6378.137;
/// WGS-84 flattening.
const FLATTENING: f64 = 1.0 / 298.257_223_563;

/// A point above the WGS-84 ellipsoid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geodetic {
    /// Degrees north, -90 to 90.
    pub latitude_deg: f64,
    /// Degrees east, -180 to 180.
    pub longitude_deg: f64,
    /// Kilometres above the ellipsoid.
    pub altitude_km: f64,
}

/// Latitude, longitude and altitude of an Earth-fixed position, by Bowring's iteration on the reduced latitude;
/// below 1e-9 degrees and 1e-6 km from 1,000 km below the surface to far beyond GEO.
pub fn geodetic(position: &Position<Pef>) -> Geodetic {
    let [x, y, z] = position.km();
    let polar_km = RADIUS_KM * (1.0 - FLATTENING);
    let e2 = FLATTENING * (2.0 - FLATTENING);
    let ep2 = e2 / (1.0 - e2);
    let p = x.hypot(y);
    let mut reduced = (z * RADIUS_KM).atan2(p * polar_km);
    let mut latitude = 0.0;
    for _ in 0..5 {
        let (s, c) = reduced.sin_cos();
        latitude = (z + ep2 * polar_km * s.powi(3)).atan2(p - e2 * RADIUS_KM * c.powi(3));
        reduced = ((1.0 - FLATTENING) * latitude.sin()).atan2(latitude.cos());
    }
    let (s, c) = latitude.sin_cos();
    // This form of the altitude is good at the poles too.
    let altitude_km = p * c + z * s - RADIUS_KM * (1.0 - e2 * s * s).sqrt();
    Geodetic { latitude_deg: latitude.to_degrees(), longitude_deg: y.atan2(x).to_degrees(), altitude_km }
}

/// The Earth-fixed position of a point above the ellipsoid: the inverse of [`geodetic`].
pub fn pef_position(at: &Geodetic) -> Position<Pef> {
    let e2 = FLATTENING * (2.0 - FLATTENING);
    let (s, c) = at.latitude_deg.to_radians().sin_cos();
    let (sl, cl) = at.longitude_deg.to_radians().sin_cos();
    let n = RADIUS_KM / (1.0 - e2 * s * s).sqrt();
    let ring = (n + at.altitude_km) * c;
    Position::new([ring * cl, ring * sl, (n * (1.0 - e2) + at.altitude_km) * s])
}

/// The outward normal of the ellipsoid below an Earth-fixed position: the geodetic zenith there. Three of Bowring's
/// iterations without angles, so that it is cheap; below 1e-10 rad off [`geodetic`] from the surface to beyond GEO.
pub(crate) fn zenith([x, y, z]: [f64; 3]) -> [f64; 3] {
    let polar_km = RADIUS_KM * (1.0 - FLATTENING);
    let e2 = FLATTENING * (2.0 - FLATTENING);
    let ep2 = e2 / (1.0 - e2);
    let p = x.hypot(y);
    let (mut s, mut c) = unit(z * RADIUS_KM, p * polar_km);
    let (mut up, mut out) = (0.0, 1.0);
    for _ in 0..3 {
        (up, out) = unit(z + ep2 * polar_km * s * s * s, p - e2 * RADIUS_KM * c * c * c);
        (s, c) = unit((1.0 - FLATTENING) * up, out);
    }
    if p == 0.0 { [0.0, 0.0, up] } else { [out * x / p, out * y / p, up] }
}

/// The two numbers over the root of their sum of squares.
fn unit(a: f64, b: f64) -> (f64, f64) {
    let length = (a * a + b * b).sqrt();
    (a / length, b / length)
}

/// The point below a state, with the state's altitude.
pub fn sub_point(state: &State<Teme>) -> Option<Place> {
    let at = geodetic(&state.to_pef().position());
    Place::new(at.latitude_deg, at.longitude_deg).ok()?.with_altitude_km(at.altitude_km).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn matches_the_published_example() {
        // Vallado, example 3-3.
        let at = geodetic(&Position::new([6524.834, 6862.875, 6448.296]));
        assert!((at.latitude_deg - 34.352_496).abs() < 1e-6);
        assert!((at.longitude_deg - 46.4464).abs() < 1e-4);
        assert!((at.altitude_km - 5085.22).abs() < 1e-2);
    }

    #[test]
    fn poles_and_meridian() {
        for (lat, lon, alt) in
            [(90.0, 0.0, 500.0), (-90.0, 0.0, 0.0), (0.0, 180.0, 35_786.0), (0.0, -90.0, 0.0)]
        {
            let back = geodetic(&pef_position(&Geodetic {
                latitude_deg: lat,
                longitude_deg: lon,
                altitude_km: alt,
            }));
            assert!((back.latitude_deg - lat).abs() < 1e-9);
            assert!((back.altitude_km - alt).abs() < 1e-8);
        }
    }

    proptest! {
        #[test]
        fn goes_there_and_back(lat in -89.999..89.999f64, lon in -179.999..179.999f64, alt in -1000.0..400_000.0f64) {
            let back = geodetic(&pef_position(&Geodetic { latitude_deg: lat, longitude_deg: lon, altitude_km: alt }));
            prop_assert!((back.latitude_deg - lat).abs() < 1e-9, "{back:?}");
            prop_assert!((back.longitude_deg - lon).abs() < 1e-9);
            prop_assert!((back.altitude_km - alt).abs() < 1e-6);
        }

        #[test]
        fn the_zenith_is_the_normal(lat in -90.0..=90.0f64, lon in -180.0..=180.0f64, alt in 0.0..400_000.0f64) {
            let position = pef_position(&Geodetic { latitude_deg: lat, longitude_deg: lon, altitude_km: alt });
            let (s, c) = lat.to_radians().sin_cos();
            let (sl, cl) = lon.to_radians().sin_cos();
            let want = [c * cl, c * sl, s];
            let got = zenith(position.km());
            for (g, w) in got.iter().zip(want) {
                prop_assert!((g - w).abs() < 1e-10, "{got:?} {want:?}");
            }
        }
    }
}
