//! Timestamps of patterns and observations, in microseconds: years 0000 to 9999, which is more than
//! [`base::Timestamp`] holds.

/// Microseconds since 1970-01-01T00:00:00Z, without leap seconds.
pub(super) type Micros = i64;

pub(super) const MICROS_PER_SECOND: f64 = 1e6;

/// Whether `text` has the form of a timestamp constant: each part within its range, but the day not held against the
/// month (the grammar's `TimestampLiteral`).
pub(super) fn is_literal(text: &str) -> bool {
    Parts::read(text).is_some()
}

/// The instant that `text` names: RFC 3339 in UTC with `T` and `Z`. Digits beyond the microsecond are dropped. A
/// leap second is the second after it.
pub(super) fn micros(text: &str) -> Option<Micros> {
    let parts = Parts::read(text)?;
    if parts.day > days_in_month(parts.year, parts.month) {
        return None;
    }
    let days = days_from_civil(parts.year, parts.month, parts.day);
    let seconds = ((days * 24 + parts.hour) * 60 + parts.minute) * 60 + parts.second;
    Some(seconds * 1_000_000 + parts.micros)
}

struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
}

impl Parts {
    /// `YYYY-MM-DDThh:mm:ss[.fraction]Z`, each part within its range.
    fn read(text: &str) -> Option<Self> {
        let (head, tail) = text.as_bytes().split_at_checked(19)?;
        for (at, sign) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
            if head[at] != sign {
                return None;
            }
        }
        let number = |from: usize, to: usize, low: i64, high: i64| {
            let mut value = 0;
            for digit in &head[from..to] {
                value = value * 10 + i64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
            }
            (low..=high).contains(&value).then_some(value)
        };
        let micros = match tail {
            [b'Z'] => 0,
            [b'.', digits @ .., b'Z'] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
                let sixth = digits.iter().copied().chain(std::iter::repeat(b'0')).take(6);
                sixth.fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))
            }
            _ => return None,
        };
        Some(Self {
            year: number(0, 4, 0, 9999)?,
            month: number(5, 7, 1, 12)?,
            day: number(8, 10, 1, 31)?,
            hour: number(11, 13, 0, 23)?,
            minute: number(14, 16, 0, 59)?,
            second: number(17, 19, 0, 60)?,
            micros,
        })
    }
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_fractions() {
        assert_eq!(micros("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(micros("2000-02-29T12:00:00.5Z"), Some(951_825_600_500_000));
        assert_eq!(micros("2000-02-29T12:00:00.1234567Z"), Some(951_825_600_123_456));
        assert_eq!(micros("1969-12-31T23:59:59.999999Z"), Some(-1));
        assert_eq!(micros("0000-01-01T00:00:00Z"), Some(-62_167_219_200_000_000));
        assert_eq!(micros("2016-12-31T23:59:60Z"), micros("2017-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_no_time() {
        for text in ["", "2024-01-15", "2024-01-15T12:30:45", "2024-01-15t12:30:45Z", "2024-01-15T12:30:45.Z"]
        {
            assert!(!is_literal(text), "{text}");
        }
        for text in
            ["2024-13-01T00:00:00Z", "2024-01-15T24:00:00Z", "2024-01-15T12:30:61Z", "2024-01-15T12:30:4éZ"]
        {
            assert!(!is_literal(text), "{text}");
        }
        assert!(is_literal("2023-02-29T00:00:00Z"), "the grammar does not know the months");
        assert_eq!(micros("2023-02-29T00:00:00Z"), None);
    }
}
