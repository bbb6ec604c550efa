use base::NoradId;

use crate::ElementSet;
use crate::tle::checksum;
use crate::utc::{NANOS_PER_DAY, from_nanos, year_and_nanos};

/// Why an element set has no TLE.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TleWriteError {
    /// Beyond Alpha-5.
    #[error("catalogue number `{norad_id}` does not fit a TLE, whose numbers end at 339999; use OMM")]
    NumberTooLarge {
        /// The number.
        norad_id: NoradId,
    },
    /// Outside 1957 to 2056.
    #[error("epoch year `{year}` does not fit a TLE, whose years are 1957 to 2056; use OMM")]
    EpochOutOfRange {
        /// The year.
        year: i64,
    },
    /// A value too large for its columns.
    #[error("`{field}` does not fit its columns in a TLE; use OMM")]
    ValueTooLarge {
        /// The field's name as in an OMM.
        field: &'static str,
    },
}

impl ElementSet {
    /// The two lines of a TLE. The format rounds: epoch to 1e-8 day, mean motion to 1e-8 rev/day, eccentricity to
    /// 1e-7, angles to 1e-4 degrees; what was read from a TLE comes back with the same values.
    ///
    /// # Errors
    /// When the catalogue number, the epoch or a value does not fit.
    pub fn to_tle(&self) -> Result<[String; 2], TleWriteError> {
        let id = alpha5(self.norad_id())?;
        let day_unit = NANOS_PER_DAY / 100_000_000;
        // Rounded as a whole first, so that 31 December 23:59:59.9999 carries into the next year.
        let rounded = (i128::from(self.epoch().unix_nanos()) + day_unit / 2).div_euclid(day_unit) * day_unit;
        let epoch = from_nanos(rounded).unwrap_or(self.epoch());
        let (year, nanos) = year_and_nanos(epoch);
        if !(1957..=2056).contains(&year) {
            return Err(TleWriteError::EpochOutOfRange { year });
        }
        let units = nanos / day_unit;
        let (day, fraction) = (units / 100_000_000 + 1, units % 100_000_000);
        let dot = self.mean_motion_dot();
        let dot_digits = (dot.abs() * 1e8).round();
        if dot_digits >= 1e8 {
            return Err(TleWriteError::ValueTooLarge { field: "MEAN_MOTION_DOT" });
        }
        let mut one = format!(
            "1 {id}{} {:<8} {:02}{day:03}.{fraction:08} {}.{:08} {} {} 0 {:>4}",
            // Whatever else an OMM may say would make a line that no reader takes.
            if self.classification().is_ascii_uppercase() { self.classification() } else { 'U' },
            self.designator_columns(),
            year % 100,
            if dot < 0.0 { '-' } else { ' ' },
            dot_digits as u64,
            assumed_point(self.mean_motion_ddot(), "MEAN_MOTION_DDOT")?,
            assumed_point(self.bstar(), "BSTAR")?,
            self.element_set_no() % 10_000,
        );
        let eccentricity = ((self.eccentricity() * 1e7).round() as u64).min(9_999_999);
        let mut two = format!(
            "2 {id} {:8.4} {:8.4} {eccentricity:07} {:8.4} {:8.4} {:11.8}{:>5}",
            self.inclination_deg(),
            wrapped(self.raan_deg()),
            wrapped(self.argument_of_perigee_deg()),
            wrapped(self.mean_anomaly_deg()),
            self.mean_motion_rev_per_day(),
            self.rev_at_epoch() % 100_000,
        );
        for line in [&mut one, &mut two] {
            let digit = char::from(b'0' + checksum(line));
            line.push(digit);
        }
        Ok([one, two])
    }

    /// `1998-067A` as `98067A`; blank when it does not fit eight columns.
    fn designator_columns(&self) -> String {
        let text = self.object_id().unwrap_or_default();
        let short = match text.split_once('-') {
            Some((year, rest)) if year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()) => {
                format!("{}{rest}", &year[2..])
            }
            _ => text.to_owned(),
        };
        let fits = short.len() <= 8 && short.bytes().all(|b| b.is_ascii_graphic());
        if fits { short } else { String::new() }
    }
}

/// 0 to 360 degrees as the columns hold them, which have no sign.
fn wrapped(angle_deg: f64) -> f64 {
    if angle_deg < 0.0 { angle_deg.rem_euclid(360.0) } else { angle_deg }
}

fn alpha5(id: NoradId) -> Result<String, TleWriteError> {
    let number = id.get();
    if number < 100_000 {
        return Ok(format!("{number:05}"));
    }
    // I and O are left out, because they look like 1 and 0.
    const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    let letter = LETTERS.get((number / 10_000) as usize - 10);
    letter
        .map(|l| format!("{}{:04}", char::from(*l), number % 10_000))
        .ok_or(TleWriteError::NumberTooLarge { norad_id: id })
}

/// ` 28098-4`: sign, five digits after an assumed point, sign and digit of the power of ten.
fn assumed_point(value: f64, field: &'static str) -> Result<String, TleWriteError> {
    let sign = if value < 0.0 { '-' } else { ' ' };
    let magnitude = value.abs();
    if magnitude == 0.0 {
        return Ok(" 00000-0".to_owned());
    }
    let mut exponent = magnitude.log10().floor() as i32 + 1;
    let mut digits = (magnitude * 10f64.powi(5 - exponent)).round();
    if digits >= 1e5 {
        digits /= 10.0;
        exponent += 1;
    }
    if exponent > 9 {
        return Err(TleWriteError::ValueTooLarge { field });
    }
    if exponent < -9 {
        // Too small for the form: leading zeros, then nothing.
        digits = (magnitude * 1e14).round();
        exponent = -9;
    }
    let power = if exponent > 0 { '+' } else { '-' };
    Ok(format!("{sign}{:05}{power}{}", digits as u64, exponent.abs()))
}
