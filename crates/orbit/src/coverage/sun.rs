//! Where the Sun stands, well enough to tell day from night.

use base::Timestamp;

use crate::frame::gmst_rad;
use crate::propagate::J2000_UNIX_NANOS;

/// The direction to the Sun in the Earth-fixed frame, as a unit vector.
///
/// Low-precision formulas of the Astronomical Almanac (Vallado, "Fundamentals", algorithm 29), to 0.01 degrees from
/// 1950 to 2050; UT1 and TDB are taken as UTC, and the mean equator of date as the true one (0.005 degrees).
pub(super) fn sun_direction(time: Timestamp) -> [f64; 3] {
    let [x, y, z] = of_date(time);
    let (s, c) = gmst_rad(time).sin_cos();
    [c * x + s * y, c * y - s * x, z]
}

/// The same in the mean equator and equinox of date.
fn of_date(time: Timestamp) -> [f64; 3] {
    let nanos = i128::from(time.unix_nanos()) - J2000_UNIX_NANOS;
    let t = nanos as f64 / (36_525.0 * 86_400.0 * 1e9);
    let mean_longitude_deg = 280.460 + 36_000.771 * t;
    let (s1, c1) = (357.529_109_2 + 35_999.050_34 * t).to_radians().sin_cos();
    let longitude = (mean_longitude_deg + 1.914_666_471 * s1 + 0.019_994_643 * 2.0 * s1 * c1).to_radians();
    let (so, co) = (23.439_291 - 0.013_004_2 * t).to_radians().sin_cos();
    let (s, c) = longitude.sin_cos();
    [c, co * s, so * s]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_published_example() {
        // Vallado, example 5-1: the Sun on 2006-04-02T00:00:00 UTC in astronomical units, mean equator of date.
        let want = [0.977_194_5, 0.192_442_4, 0.083_430_8_f64];
        let length = want.iter().map(|x| x * x).sum::<f64>().sqrt();
        let got = of_date("2006-04-02T00:00:00Z".parse().unwrap());
        for (got, want) in got.iter().zip(want) {
            assert!((got - want / length).abs() < 1e-5, "{got} {want}");
        }
    }

    #[test]
    fn noon_at_greenwich_is_in_the_south() {
        // 2026-04-15: the equation of time is zero within seconds, so the Sun stands in the meridian at 12:00.
        let [x, y, _] = sun_direction("2026-04-15T12:00:00Z".parse().unwrap());
        assert!(x > 0.9 && y.atan2(x).to_degrees().abs() < 0.05);
    }
}
