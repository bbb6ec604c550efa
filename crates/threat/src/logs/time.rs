use base::Timestamp;
use serde_json::Value;

/// A time as logs write it: RFC 3339, or seconds of the Unix epoch with any number of decimals; milli-, micro- and
/// nanoseconds are told by their size. A time without a zone is taken as UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return epoch(text);
    }
    let text = text.trim_end_matches(" UTC");
    let iso = text.len() >= 19 && text.as_bytes()[4] == b'-' && matches!(text.as_bytes()[10], b' ' | b'T');
    if !iso || !text.is_char_boundary(10) || !text.is_char_boundary(11) {
        return None;
    }
    format!("{}T{}Z", &text[..10], text[11..].replace(',', ".")).parse().ok()
}

/// Seconds since 1970 as decimal text, exact to the nanosecond.
fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let number: i64 = whole.parse().ok()?;
    if !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction = decimals.bytes().chain(std::iter::repeat(b'0')).take(9);
    let fraction = fraction.fold(0, |nanos, digit| nanos * 10 + i64::from(digit - b'0'));
    // Seconds stay below 10^11 until the year 5138.
    let nanos = match whole.len() {
        0..=11 => number.checked_mul(1_000_000_000)?.checked_add(fraction)?,
        12..=14 => number.checked_mul(1_000_000)?,
        15..=17 => number.checked_mul(1000)?,
        _ => number,
    };
    Some(Timestamp::from_unix_nanos(nanos))
}

/// Names under which logs keep their time, the most telling first.
pub(super) const NAMES: &[&str] = &[
    "ts",
    "@timestamp",
    "timestamp",
    "time",
    "eventtime",
    "utctime",
    "systemtime",
    "_time",
    "datetime",
    "date",
    "time_dt",
    "event_time",
    "timegenerated",
    "start_time",
    "created",
];

/// The time of an object of JSON.
pub(super) fn time_of(object: &Value) -> Option<Timestamp> {
    let fields = object.as_object()?;
    for name in NAMES {
        let value = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let found = match value {
            Some(Value::String(text)) => time(text),
            // As it is written: a float would lose its digits.
            Some(Value::Number(number)) => time(&number.to_string()),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_logs() {
        for (text, want) in [
            ("1379288667.631940", Some("2013-09-15T23:44:27.63194Z")),
            ("1379288667", Some("2013-09-15T23:44:27Z")),
            ("1379288667631", Some("2013-09-15T23:44:27.631Z")),
            ("1379288667631940", Some("2013-09-15T23:44:27.63194Z")),
            ("2026-03-10T12:00:00+09:00", Some("2026-03-10T03:00:00Z")),
            ("2026-03-10 12:00:00.5", Some("2026-03-10T12:00:00.5Z")),
            ("2026-03-10 12:00:00,123 UTC", Some("2026-03-10T12:00:00.123Z")),
            ("-", None),
            ("1.2.3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(time(text).map(|t| t.to_string()).as_deref(), want, "{text}");
        }
    }
}
