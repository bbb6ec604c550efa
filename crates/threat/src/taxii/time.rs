//! Instants as TAXII writes them: RFC 3339 in UTC with six digits after the second (TAXII 2.1, section 2).

use base::Timestamp;

/// Microseconds since 1970-01-01T00:00:00Z: the step in which objects are ordered and written.
pub type Micros = i64;

const NANOS: i64 = 1000;

/// Reads an RFC 3339 time; what is finer than a microsecond is cut off.
pub fn parse_micros(text: &str) -> Option<Micros> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.unix_nanos().div_euclid(NANOS))
}

/// Writes `2016-11-03T12:30:59.001000Z`.
pub fn format_micros(micros: Micros) -> String {
    let whole = micros.div_euclid(1_000_000);
    let fraction = micros.rem_euclid(1_000_000);
    let seconds = Timestamp::from_unix_nanos(whole.saturating_mul(1_000_000_000)).to_string();
    format!("{}.{fraction:06}Z", seconds.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::{format_micros, parse_micros};

    #[test]
    fn there_and_back() {
        for text in
            ["2016-11-03T12:30:59.001000Z", "1969-12-31T23:59:59.999999Z", "2026-01-01T00:00:00.000000Z"]
        {
            assert_eq!(parse_micros(text).map(format_micros).as_deref(), Some(text));
        }
        assert_eq!(parse_micros("2016-11-03T12:30:59Z"), parse_micros("2016-11-03T13:30:59.0000009+01:00"));
        assert_eq!(parse_micros("yesterday"), None);
    }
}
