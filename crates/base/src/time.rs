use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant in UTC, in nanoseconds since 1970-01-01T00:00:00Z (leap seconds not counted, as POSIX).
///
/// The range is 1677-09-21 to 2262-04-11. Written as RFC 3339 with as many fractional digits as the value
/// has; read from any RFC 3339 offset and kept as UTC.
///
/// ```
/// let t: base::Timestamp = "2026-03-10T00:00:00.25Z".parse().unwrap();
/// assert_eq!(t.to_string(), "2026-03-10T00:00:00.25Z");
/// assert_eq!(t.plus_seconds(0.75).to_string(), "2026-03-10T00:00:01Z");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is no [`Timestamp`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Not RFC 3339, or without an offset.
    #[error("`{text}` is not an RFC 3339 time such as 2026-03-10T00:00:00Z")]
    NotRfc3339 {
        /// What was given.
        text: String,
    },
    /// Outside the years 1677 to 2262.
    #[error("`{text}` lies outside the years 1677 to 2262")]
    OutOfRange {
        /// What was given.
        text: String,
    },
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// From nanoseconds since the Unix epoch.
    pub const fn from_unix_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn unix_nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch; exact to about 0.2 microseconds in this century.
    pub fn unix_seconds(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// Seconds from `earlier` to `self`; the difference is taken in integers, so it loses nothing for spans of
    /// up to 104 days (2^53 ns).
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (i128::from(self.0) - i128::from(earlier.0)) as f64 * 1e-9
    }

    /// `self` moved by `seconds` (rounded to the nanosecond), held inside the range of the type.
    #[must_use]
    pub fn plus_seconds(self, seconds: f64) -> Self {
        self.plus_nanos((seconds * 1e9).round() as i64)
    }

    /// `self` moved by `nanos`, held inside the range of the type.
    #[must_use]
    pub const fn plus_nanos(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// Milliseconds from `earlier` to `self`, rounded down; negative when `self` is earlier.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(1_000_000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(t) => write!(f, "{t}"),
            // Cannot happen: the range of i64 nanoseconds lies inside jiff's.
            Err(_) => write!(f, "{}ns", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::NotRfc3339 { text: text.chars().take(80).collect() };
        // jiff also reads further forms of ISO 8601, such as a time without seconds or a zone in brackets.
        if !is_rfc_3339(text.as_bytes()) {
            return Err(wrong());
        }
        let parsed: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        i64::try_from(parsed.as_nanosecond())
            .map(Self)
            .map_err(|_| TimeError::OutOfRange { text: text.to_owned() })
    }
}

/// Whether a text has the shape of `date-time` in RFC 3339 section 5.6; the ranges of its numbers are not looked at.
fn is_rfc_3339(text: &[u8]) -> bool {
    const DATE_TIME: &[u8] = b"0000-00-00T00:00:00";
    let like = |text: &[u8], shape: &[u8]| {
        text.len() == shape.len()
            && text.iter().zip(shape).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                _ => byte.eq_ignore_ascii_case(like),
            })
    };
    let Some((date_time, rest)) = text.split_at_checked(DATE_TIME.len()) else { return false };
    let offset = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            &fraction[digits..]
        }
        None => rest,
    };
    like(date_time, DATE_TIME) && (like(offset, b"Z") || like(offset, b"+00:00") || like(offset, b"-00:00"))
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// A half-open span of time, `start <= t < end`; an instant has `start == end` and contains nothing but is
/// still somewhere in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Interval {
    start: Timestamp,
    end: Timestamp,
}

/// Why two times make no [`Interval`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the interval ends at {end}, before its start {start}")]
pub struct IntervalError {
    /// The start that was given.
    pub start: Timestamp,
    /// The end that was given.
    pub end: Timestamp,
}

impl Interval {
    /// A span from `start` to `end`.
    ///
    /// # Errors
    /// When `end` lies before `start`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, IntervalError> {
        if end < start { Err(IntervalError { start, end }) } else { Ok(Self { start, end }) }
    }

    /// The instant `at`.
    pub const fn at(at: Timestamp) -> Self {
        Self { start: at, end: at }
    }

    /// A span of `seconds` from `start`; a negative or NaN length counts as zero.
    pub fn starting(start: Timestamp, seconds: f64) -> Self {
        Self { start, end: start.plus_seconds(seconds.max(0.0)) }
    }

    /// First instant inside.
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// First instant after.
    pub const fn end(&self) -> Timestamp {
        self.end
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.end.seconds_since(self.start)
    }

    /// Whether `t` lies inside.
    pub fn contains(&self, t: Timestamp) -> bool {
        self.start <= t && t < self.end
    }

    /// Seconds between two intervals; 0 when they touch or overlap.
    pub fn gap_seconds(&self, other: &Self) -> f64 {
        if self.end < other.start {
            other.start.seconds_since(self.end)
        } else if other.end < self.start {
            self.start.seconds_since(other.end)
        } else {
            0.0
        }
    }

    /// The smallest interval that covers both.
    #[must_use]
    pub fn hull(&self, other: &Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            start: Timestamp,
            end: Timestamp,
        }
        let raw = Raw::deserialize(from)?;
        Self::new(raw.start, raw.end).map_err(de::Error::custom)
    }
}
