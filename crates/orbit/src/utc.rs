use base::Timestamp;

pub(crate) const NANOS_PER_DAY: i128 = 86_400_000_000_000;

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar (month 1 to 12; day may run over).
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years start in March, so that the leap day is the last of the year.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The year of an instant and the nanoseconds since its 1 January 00:00.
pub(crate) fn year_and_nanos(t: Timestamp) -> (i64, i128) {
    let nanos = i128::from(t.unix_nanos());
    let days = nanos.div_euclid(NANOS_PER_DAY) as i64;
    // The guess may be one off; both loops run at most once in the range of the type.
    let mut year = 1970 + days.div_euclid(365);
    while days_from_civil(year + 1, 1, 1) <= days {
        year += 1;
    }
    while days_from_civil(year, 1, 1) > days {
        year -= 1;
    }
    (year, nanos - i128::from(days_from_civil(year, 1, 1)) * NANOS_PER_DAY)
}

/// An instant from nanoseconds since 1970; `None` outside the range of the type.
pub(crate) fn from_nanos(nanos: i128) -> Option<Timestamp> {
    i64::try_from(nanos).ok().map(Timestamp::from_unix_nanos)
}

/// Days in a year.
pub(crate) fn days_in_year(year: i64) -> i64 {
    days_from_civil(year + 1, 1, 1) - days_from_civil(year, 1, 1)
}

/// Decimal digits after a point as nanoseconds of a unit that has `unit_nanos`, rounded to the nearest.
pub(crate) fn fraction_nanos(digits: &str, unit_nanos: i128) -> Option<i128> {
    if digits.len() > 18 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    if digits.is_empty() {
        return Some(0);
    }
    let scale = 10i128.pow(digits.len() as u32);
    let value: i128 = digits.parse().ok()?;
    Some((value * unit_nanos + scale / 2) / scale)
}

/// Reads `YYYY-MM-DDThh:mm:ss[.d..][Z]` or `YYYY-DDDThh:mm:ss[.d..][Z]` (CCSDS 502.0-B-3, 7.5.10), UTC.
/// A leap second `:60` counts as the first second of the next minute, as POSIX time has it.
pub(crate) fn parse_ccsds(text: &str) -> Option<Timestamp> {
    from_nanos(ccsds_nanos(text)?)
}

/// As [`parse_ccsds`], in nanoseconds since 1970, for any year from 0 to 9999.
pub(crate) fn ccsds_nanos(text: &str) -> Option<i128> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = text.split_once('T').or_else(|| text.split_once(' '))?;
    let (y, rest) = date.split_once('-')?;
    if y.len() != 4 {
        return None;
    }
    let y = number(y)?;
    let days = match rest.split_once('-') {
        Some((m, d)) if m.len() == 2 && d.len() == 2 => {
            let (m, d) = (number(m)?, number(d)?);
            let first = (1..=12).contains(&m).then(|| days_from_civil(y, m, 1))?;
            let next = if m == 12 { days_from_civil(y + 1, 1, 1) } else { days_from_civil(y, m + 1, 1) };
            (1..=next - first).contains(&d).then_some(first + d - 1)?
        }
        None if rest.len() == 3 => {
            let doy = number(rest)?;
            (1..=days_in_year(y)).contains(&doy).then(|| days_from_civil(y, 1, 1) + doy - 1)?
        }
        _ => return None,
    };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let (h, rest) = clock.split_once(':')?;
    let (m, s) = rest.split_once(':')?;
    if h.len() != 2 || m.len() != 2 || s.len() != 2 {
        return None;
    }
    let (h, m, s) = (number(h)?, number(m)?, number(s)?);
    if h > 23 || m > 59 || s > 60 {
        return None;
    }
    let seconds = i128::from(days) * 86_400 + i128::from(h * 3600 + m * 60 + s);
    // Programs print more digits than anybody can mean; what stands behind the 18th is nothing.
    let all_digits = fraction.bytes().all(|b| b.is_ascii_digit());
    let fraction = if all_digits { fraction.get(..18).unwrap_or(fraction) } else { fraction };
    Some(seconds * 1_000_000_000 + fraction_nanos(fraction, 1_000_000_000)?)
}

fn number(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) { None } else { digits.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ccsds_times_agree_with_rfc_3339() {
        for text in ["2026-03-10T07:26:52.157760", "1958-12-31T23:59:59.999999999", "2024-02-29T00:00:00"] {
            let expect: Timestamp = format!("{text}Z").parse().unwrap();
            assert_eq!(parse_ccsds(text), Some(expect));
        }
        let march = "2024-02-29T12:00:00Z".parse().unwrap();
        assert_eq!(parse_ccsds("2024-060T12:00:00"), Some(march));
        for bad in [
            "2023-02-29T00:00:00",
            "2023-366T00:00:00",
            "2023-01-01T24:00:00",
            "2023-01-01",
            "x",
            "2023-1-1T0:0:0",
        ] {
            assert_eq!(parse_ccsds(bad), None, "{bad}");
        }
    }

    #[test]
    fn years_come_back() {
        for text in [
            "1999-12-31T23:59:59.9Z",
            "2000-01-01T00:00:00Z",
            "1957-01-01T00:00:00Z",
            "2056-12-31T12:00:00Z",
            "2200-12-31T23:00:00Z",
        ] {
            let t: Timestamp = text.parse().unwrap();
            let (year, nanos) = year_and_nanos(t);
            assert_eq!(year.to_string(), text[..4]);
            let day_ns = i128::from(days_from_civil(year, 1, 1)) * NANOS_PER_DAY;
            assert_eq!(from_nanos(day_ns + nanos), Some(t));
        }
    }
}
