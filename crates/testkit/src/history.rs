//! Element-set histories that nobody measured: a known orbit with known burns and known noise, written as TLE.

use std::fmt::Write;

const MU_KM3_S2: f64 = 398_600.8;
const EARTH_RADIUS_KM: f64 = 6378.135;
const J2: f64 = 0.001_082_616;
const SECONDS_PER_DAY: f64 = 86_400.0;

/// A burn of a [`SimulatedHistory`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedBurn {
    /// Days after the first epoch.
    pub day: f64,
    /// Along the track in m/s; positive raises the orbit.
    pub in_plane_m_s: f64,
    /// Across the plane at the node in m/s; positive raises the inclination.
    pub cross_plane_m_s: f64,
}

/// `samples/orbit/synthetic-history.tle`: a low and a geosynchronous object with burns at known times.
pub fn sample_history() -> String {
    let burn = |day, in_plane_m_s, cross_plane_m_s| SimulatedBurn { day, in_plane_m_s, cross_plane_m_s };
    let low =
        vec![burn(40.45, 0.02, 0.0), burn(75.2, 0.015, 0.0), burn(110.8, 0.03, 1.5), burn(150.6, -0.01, 0.0)];
    let high = vec![burn(60.6, -0.25, 0.0), burn(120.7, -0.26, 0.0)];
    SimulatedHistory::low_orbit(200, low, 1).tle() + &SimulatedHistory::geosynchronous(200, high, 2).tle()
}

/// What the sets of one invented object are made of.
///
/// The truth is a near-circular orbit with the secular rates of J2, a steady decay, and instant burns. A set knows
/// the place along the track at its epoch but spreads a burn over [`lag_days`](Self::lag_days), because its fit holds
/// data from before. Noise is added to every set by itself, from a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedHistory {
    /// The catalogue number, up to 99999.
    pub norad_id: u32,
    /// First epoch: year and day of the year (1 is 1 January).
    pub start: (u32, f64),
    /// How many sets.
    pub sets: usize,
    /// Days between sets; each comes up to a tenth of that early or late.
    pub cadence_days: f64,
    /// Mean motion in revolutions per day.
    pub mean_motion_rev_day: f64,
    /// Inclination in degrees.
    pub inclination_deg: f64,
    /// Rise of the mean motion by drag in revolutions per day squared.
    pub decay_rev_day2: f64,
    /// Noise of the place along the track, m (one standard deviation).
    pub place_noise_m: f64,
    /// Noise of the semi-major axis, m.
    pub axis_noise_m: f64,
    /// Noise of the inclination, degrees.
    pub inclination_noise_deg: f64,
    /// Over how many days after a burn the sets take it in.
    pub lag_days: f64,
    /// The burns.
    pub burns: Vec<SimulatedBurn>,
    /// Of the noise.
    pub seed: u64,
}

impl SimulatedHistory {
    /// A low orbit as of an Earth observation satellite: one set a day, some 50 m and 0.2 m of noise.
    pub fn low_orbit(sets: usize, burns: Vec<SimulatedBurn>, seed: u64) -> Self {
        Self {
            norad_id: 99001,
            start: (2024, 10.3),
            sets,
            cadence_days: 1.0,
            mean_motion_rev_day: 14.27,
            inclination_deg: 98.6,
            decay_rev_day2: 2e-7,
            place_noise_m: 50.0,
            axis_noise_m: 0.2,
            inclination_noise_deg: 2e-4,
            lag_days: 0.5,
            burns,
            seed,
        }
    }

    /// A geosynchronous orbit: one set a day, some 1.5 km and 150 m of noise.
    pub fn geosynchronous(sets: usize, burns: Vec<SimulatedBurn>, seed: u64) -> Self {
        Self {
            norad_id: 99002,
            mean_motion_rev_day: 1.002_7,
            inclination_deg: 1.5,
            decay_rev_day2: 0.0,
            place_noise_m: 1500.0,
            axis_noise_m: 150.0,
            inclination_noise_deg: 5e-4,
            ..Self::low_orbit(sets, burns, seed)
        }
    }

    /// The sets as lines of a TLE file, by rising epoch.
    pub fn tle(&self) -> String {
        let mut noise = Noise(self.seed);
        let mut text = String::new();
        for index in 0..self.sets {
            let day = (index as f64 + 0.1 * noise.uniform()) * self.cadence_days;
            self.push_set(&mut text, day, &mut noise);
        }
        text
    }

    fn push_set(&self, text: &mut String, day: f64, noise: &mut Noise) {
        let axis_km = axis_km(self.mean_motion_rev_day);
        let speed_m_s = (MU_KM3_S2 / axis_km).sqrt() * 1e3;
        let mut motion = self.mean_motion_rev_day + self.decay_rev_day2 * day;
        let mut turns = self.mean_motion_rev_day * day + 0.5 * self.decay_rev_day2 * day * day;
        let mut inclination = self.inclination_deg;
        // Both as they are after the burns so far, however little of these the sets have taken in.
        let (mut true_motion, mut true_inclination) = (self.mean_motion_rev_day, self.inclination_deg);
        let (perigee_rate, node_rate) = secular_deg_day(true_motion, true_inclination);
        let (mut perigee, mut node) = (90.0 + perigee_rate * day, 40.0 + node_rate * day);
        for burn in self.burns.iter().filter(|burn| day > burn.day) {
            // Gauss on a circle: dn / n = -3 dv / v, di = dv / v at the node.
            let change = -3.0 * self.mean_motion_rev_day * burn.in_plane_m_s / speed_m_s;
            let tilt = (burn.cross_plane_m_s / speed_m_s).to_degrees();
            let since = day - burn.day;
            let taken_in = (since / self.lag_days.max(1e-6)).min(1.0);
            motion += taken_in * change;
            turns += change * since;
            inclination += taken_in * tilt;
            let before = secular_deg_day(true_motion, true_inclination);
            true_motion += change;
            true_inclination += tilt;
            let after = secular_deg_day(true_motion, true_inclination);
            perigee += (after.0 - before.0) * since;
            node += (after.1 - before.1) * since;
        }
        let metres_a_turn = std::f64::consts::TAU * axis_km * 1e3;
        turns += self.place_noise_m * noise.gauss() / metres_a_turn;
        motion += -1.5 * motion * self.axis_noise_m * noise.gauss() / (axis_km * 1e3);
        inclination += self.inclination_noise_deg * noise.gauss();
        let anomaly = turns * 360.0;
        let (year, day_of_year) = self.date(day);
        line(
            text,
            &format!(
                "1 {:05}U 24001A   {:02}{:012.8} {}  00000-0  00000-0 0  999",
                self.norad_id,
                year % 100,
                day_of_year,
                derivative(0.5 * self.decay_rev_day2)
            ),
        );
        line(
            text,
            &format!(
                "2 {:05} {:8.4} {:8.4} 0001200 {:8.4} {:8.4} {:11.8}{:5}",
                self.norad_id,
                inclination,
                node.rem_euclid(360.0).min(359.999_9),
                perigee.rem_euclid(360.0).min(359.999_9),
                anomaly.rem_euclid(360.0).min(359.999_9),
                motion,
                (turns as u64) % 100_000
            ),
        );
    }

    /// Year and day of the year `day` days after the start.
    fn date(&self, day: f64) -> (u32, f64) {
        let (mut year, mut day_of_year) = (self.start.0, self.start.1 + day);
        loop {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = if leap { 366.0 } else { 365.0 };
            if day_of_year < length + 1.0 {
                return (year, day_of_year);
            }
            day_of_year -= length;
            year += 1;
        }
    }
}

fn axis_km(mean_motion_rev_day: f64) -> f64 {
    let rad_s = mean_motion_rev_day * std::f64::consts::TAU / SECONDS_PER_DAY;
    (MU_KM3_S2 / (rad_s * rad_s)).cbrt()
}

/// How perigee and node turn by J2, degrees a day.
fn secular_deg_day(mean_motion_rev_day: f64, inclination_deg: f64) -> (f64, f64) {
    let cos_i = inclination_deg.to_radians().cos();
    let size =
        1.5 * J2 * (EARTH_RADIUS_KM / axis_km(mean_motion_rev_day)).powi(2) * mean_motion_rev_day * 360.0;
    (0.5 * size * (5.0 * cos_i * cos_i - 1.0), -size * cos_i)
}

/// Ten columns: sign, point, eight digits.
fn derivative(value: f64) -> String {
    let sign = if value < 0.0 { '-' } else { ' ' };
    format!("{sign}{}", format!("{:.8}", value.abs()).trim_start_matches('0'))
}

/// Writes a line and its checksum.
fn line(text: &mut String, body: &str) {
    let sum: u32 = body.chars().map(|c| if c == '-' { 1 } else { c.to_digit(10).unwrap_or(0) }).sum();
    let _ = writeln!(text, "{body}{}", sum % 10);
}

/// SplitMix64 (Steele, Lea, Flood 2014); the Gaussian is a sum of twelve, so that every machine draws the same.
struct Noise(u64);

impl Noise {
    /// 0 to below 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn gauss(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_what_the_generator_writes() -> Result<(), std::io::Error> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/orbit/synthetic-history.tle");
        assert_eq!(std::fs::read_to_string(path)?, sample_history());
        Ok(())
    }

    #[test]
    fn lines_have_the_width_and_the_checksum_of_a_tle() {
        for line in sample_history().lines() {
            assert_eq!(line.len(), 69, "{line}");
            let digit = |c: char| if c == '-' { 1 } else { c.to_digit(10).unwrap_or(0) };
            let sum: u32 = line[..68].chars().map(digit).sum();
            assert_eq!(line[68..].parse(), Ok(sum % 10), "{line}");
        }
    }

    #[test]
    fn days_go_on_into_the_next_year() {
        let history =
            SimulatedHistory { start: (2024, 366.5), ..SimulatedHistory::low_orbit(2, Vec::new(), 0) };
        assert_eq!((history.date(0.0), history.date(1.0)), ((2024, 366.5), (2025, 1.5)));
    }
}
