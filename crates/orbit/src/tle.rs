//! Two-line element sets: columns as in Spacetrack Report #3 and Vallado 2006, appendix; Alpha-5 ids.

use base::{Fault, NoradId, Timestamp};

use crate::lines::{Line, lines, shown};
use crate::read::{Sink, invalid_utf8, too_long};
use crate::utc::{NANOS_PER_DAY, days_from_civil, days_in_year, fraction_nanos, from_nanos};
use crate::{ElementSet, Elements};

/// Characters of a TLE line with its checksum.
const LINE_LENGTH: usize = 69;

/// Whether a line has the build of the first or second line of a set, perhaps cut or damaged.
pub(crate) fn looks_like_line(bytes: &[u8]) -> bool {
    let [b'1' | b'2', b' ', rest @ ..] = bytes else { return false };
    let Some(id) = rest.get(..5) else { return false };
    id.iter().all(|b| b.is_ascii_alphanumeric() || *b == b' ')
        && id.last().is_some_and(u8::is_ascii_digit)
        && bytes.len() < 200
        && bytes.get(7).is_none_or(|b| b.is_ascii_uppercase() || *b == b' ')
}

/// Whether a line starts like one of a set but is no longer one; names do not look like this.
fn cut_line(bytes: &[u8]) -> bool {
    matches!(bytes, [b'1' | b'2', b' ', b'0'..=b'9', ..]) && bytes.len() < LINE_LENGTH
}

/// Reads all sets of a TLE or 3LE file.
pub(crate) fn read(bytes: &[u8], sink: &mut Sink) {
    let mut name: Option<(String, Line<'_>)> = None;
    let mut first: Option<Line<'_>> = None;
    let mut last_text_line = None;
    for line in lines(bytes) {
        if line.too_long() {
            sink.fault(too_long(line.number, line.start, line.end()));
            name = None;
            continue;
        }
        if line.blank() || line.bytes.first() == Some(&b'#') {
            continue;
        }
        let text = match std::str::from_utf8(line.bytes) {
            Ok(text) => text,
            Err(error) => {
                sink.fault(invalid_utf8(line.number, line.start, error));
                // What is pending belongs to the damaged line, not to the next.
                first = None;
                name = None;
                continue;
            }
        };
        last_text_line = Some(line.number);
        match (looks_like_line(line.bytes), text.as_bytes().first()) {
            (true, Some(b'1')) => {
                if let Some(orphan) = first.replace(line) {
                    sink.fault(orphan_first(&orphan));
                    name = None;
                }
            }
            (true, _) => match first.take() {
                Some(one) => {
                    sink.named |= name.is_some();
                    pair(name.take().map(|(n, _)| n), one, line, sink);
                }
                None => {
                    sink.fault(orphan(&line, "line 2 of a set without its line 1; it was stepped over"));
                    name = None;
                }
            },
            (false, Some(b'1' | b'2')) if cut_line(line.bytes) => {
                sink.fault(
                    Fault::error("orbit::truncated", "the start of a TLE line, cut off; fetch the set again")
                        .at_line(line.number)
                        .at_bytes(line.start as u64, line.end() as u64),
                );
                first = None;
                name = None;
            }
            (false, _) => {
                if let Some(one) = first.take() {
                    sink.fault(orphan_first(&one));
                    name = None;
                }
                if let Some((_, earlier)) = name.replace((clean_name(text), line)) {
                    sink.fault(orphan(
                        &earlier,
                        "a name line that no element set follows; it was stepped over",
                    ));
                }
            }
        }
    }
    if let Some(one) = first {
        let at_end = last_text_line == Some(one.number);
        let fault = if at_end {
            Fault::error("orbit::truncated", "the input ends after line 1 of a set; fetch it again")
                .at_line(one.number)
                .at_bytes(one.start as u64, one.end() as u64)
        } else {
            orphan_first(&one)
        };
        sink.fault(fault);
    } else if let Some((_, line)) = name {
        sink.fault(
            Fault::error("orbit::truncated", "the input ends after a name line; fetch it again")
                .at_line(line.number)
                .at_bytes(line.start as u64, line.end() as u64),
        );
    }
}

fn clean_name(text: &str) -> String {
    // Space-Track writes `0 NAME`; a name that itself starts with `0 ` does not occur there.
    text.strip_prefix("0 ").unwrap_or(text).trim().to_owned()
}

fn orphan(line: &Line<'_>, message: &str) -> Fault {
    Fault::error("orbit::orphan_line", message)
        .at_line(line.number)
        .at_bytes(line.start as u64, line.end() as u64)
}

fn orphan_first(line: &Line<'_>) -> Fault {
    orphan(line, "line 1 of a set without its line 2; it was stepped over")
}

/// One set from its two lines.
fn pair(name: Option<String>, one: Line<'_>, two: Line<'_>, sink: &mut Sink) {
    match parse(name, &one, &two) {
        Ok(set) => sink.set(set, one.number),
        Err(fault) => sink.fault(*fault),
    }
}

/// A line together with the means to read its columns and to say where they are.
struct Columns<'a> {
    line: &'a Line<'a>,
    text: &'a str,
}

type Read<T> = Result<T, Box<Fault>>;

impl<'a> Columns<'a> {
    fn new(line: &'a Line<'a>) -> Read<Self> {
        let text = std::str::from_utf8(line.bytes).unwrap_or_default();
        if !text.is_ascii() {
            return Err(Box::new(
                Fault::error("orbit::bad_field", "a TLE line holds ASCII only")
                    .at_line(line.number)
                    .at_bytes(line.start as u64, line.end() as u64),
            ));
        }
        if text.trim_end().len() < LINE_LENGTH {
            return Err(Box::new(
                Fault::error(
                    "orbit::truncated",
                    format!(
                        "{} characters of {LINE_LENGTH}: the line is cut; fetch the set again",
                        text.trim_end().len()
                    ),
                )
                .at_line(line.number)
                .at_bytes(line.start as u64, line.end() as u64),
            ));
        }
        let columns = Self { line, text };
        // Vallado's verification set has start, stop and step behind a blank; anything else is no TLE.
        if columns.text.as_bytes().get(LINE_LENGTH).is_some_and(|b| !b.is_ascii_whitespace()) {
            return Err(columns.fault(
                "orbit::bad_field",
                "LINE",
                LINE_LENGTH + 1,
                columns.text.len(),
                "characters behind the checksum; remove them",
            ));
        }
        columns.checksum()?;
        Ok(columns)
    }

    fn fault(&self, code: &str, field: &str, from: usize, to: usize, message: &str) -> Box<Fault> {
        let start = self.line.start as u64;
        Box::new(
            Fault::error(code, message)
                .at_line(self.line.number)
                .in_field(field)
                .at_bytes(start + from as u64 - 1, start + to as u64),
        )
    }

    /// Modulo 10: digits count as they are, a minus as 1, all else as 0.
    fn checksum(&self) -> Read<()> {
        let expected = checksum(self.text);
        let found = self.text.as_bytes().get(LINE_LENGTH - 1).copied().unwrap_or(b' ');
        if found == b'0' + expected {
            return Ok(());
        }
        let message = format!(
            "checksum is `{}`, the line adds up to {expected}; the line is damaged, fetch the set again",
            char::from(found)
        );
        Err(self.fault("orbit::bad_checksum", "CHECKSUM", LINE_LENGTH, LINE_LENGTH, &message))
    }

    /// Columns `from..=to`, counted from 1 as the standard does, without blanks around.
    fn at(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from - 1..to).unwrap_or_default().trim()
    }

    fn wrong(&self, field: &str, from: usize, to: usize, want: &str) -> Box<Fault> {
        let message = format!("`{}` is not {want}; fetch the set again", shown(self.at(from, to)));
        self.fault("orbit::bad_field", field, from, to, &message)
    }

    fn float(&self, field: &str, from: usize, to: usize) -> Read<f64> {
        let text = self.at(from, to);
        plain_number(text).ok_or_else(|| self.wrong(field, from, to, "a decimal number"))
    }

    /// A number with the point assumed before its digits and a power of ten: ` 28098-4`.
    fn assumed_point(&self, field: &str, from: usize, to: usize) -> Read<f64> {
        let text = self.at(from, to);
        if text.is_empty() {
            return Ok(0.0);
        }
        let wrong = || self.wrong(field, from, to, "a number such as -12345-4");
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let split = digits.find(['-', '+']).ok_or_else(wrong)?;
        let (mantissa, exponent) = digits.split_at(split);
        let mantissa = mantissa.trim();
        let digits_only = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        if !digits_only(mantissa) || exponent.len() != 2 || !digits_only(&exponent[1..]) {
            return Err(wrong());
        }
        format!("{sign}0.{mantissa}e{exponent}").parse().map_err(|_| wrong())
    }

    /// A count; blank counts as 0, as in sets of the 1980s.
    fn count(&self, field: &str, from: usize, to: usize) -> Read<u32> {
        let text = self.at(from, to);
        if text.is_empty() {
            return Ok(0);
        }
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.wrong(field, from, to, "a whole number"));
        }
        text.parse().map_err(|_| self.wrong(field, from, to, "a whole number"))
    }

    fn id(&self) -> Read<NoradId> {
        // Blanks before the digits stand for zeros; blanks inside are wrong.
        self.at(3, 7)
            .parse()
            .map_err(|_| self.wrong("NORAD_CAT_ID", 3, 7, "a catalogue number (digits or Alpha-5)"))
    }

    fn epoch(&self) -> Read<Timestamp> {
        let wrong = || self.wrong("EPOCH", 19, 32, "an epoch such as 26069.31032590");
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        let (year, day) = (self.at(19, 20), self.at(21, 32));
        let (day, fraction) = day.split_once('.').unwrap_or((day, ""));
        if !digits(year) || !digits(day) {
            return Err(wrong());
        }
        let year: i64 = year.parse().map_err(|_| wrong())?;
        // Two digits reach from Sputnik to 2056.
        let year = if year < 57 { 2000 + year } else { 1900 + year };
        let day: i64 = day.parse().map_err(|_| wrong())?;
        if !(1..=days_in_year(year)).contains(&day) {
            return Err(wrong());
        }
        let days = i128::from(days_from_civil(year, 1, 1) + day - 1);
        let nanos = fraction_nanos(fraction, NANOS_PER_DAY).ok_or_else(wrong)?;
        from_nanos(days * NANOS_PER_DAY + nanos).ok_or_else(wrong)
    }

    /// `98067A` as `1998-067A`; anything else as it stands.
    fn object_id(&self) -> Option<String> {
        let text = self.at(10, 17);
        let (Some(yy), Some(rest)) = (text.get(..2), text.get(2..)) else {
            return (!text.is_empty()).then(|| text.to_owned());
        };
        match yy.parse::<u32>() {
            Ok(year) if rest.len() >= 4 => {
                Some(format!("{}-{rest}", if year < 57 { 2000 + year } else { 1900 + year }))
            }
            _ => Some(text.to_owned()),
        }
    }
}

/// The checksum digit of the first 68 characters.
pub(crate) fn checksum(line: &str) -> u8 {
    let sum: u32 = line
        .bytes()
        .take(LINE_LENGTH - 1)
        .map(|b| match b {
            b'0'..=b'9' => u32::from(b - b'0'),
            b'-' => 1,
            _ => 0,
        })
        .sum();
    (sum % 10) as u8
}

/// A decimal number without exponent, with digits; `inf`, `nan` and hexadecimal are none.
fn plain_number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let valid =
        digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') && digits.bytes().any(|b| b.is_ascii_digit());
    if valid { text.parse().ok() } else { None }
}

fn parse(name: Option<String>, one: &Line<'_>, two: &Line<'_>) -> Read<ElementSet> {
    let c1 = Columns::new(one)?;
    let c2 = Columns::new(two)?;
    let norad_id = c1.id()?;
    let second = c2.id()?;
    if norad_id != second {
        let message = format!(
            "line 1 is of object {norad_id}, line 2 of object {second}; a line is missing or out of order"
        );
        return Err(c2.fault("orbit::orphan_line", "NORAD_CAT_ID", 3, 7, &message));
    }
    if c1.at(63, 63) == "4" {
        return Err(c1.fault(
            "orbit::bad_field",
            "EPHEMERIS_TYPE",
            63,
            63,
            "type 4 is SGP4-XP, whose elements SGP4 cannot propagate; ask the source for SGP4 elements",
        ));
    }
    let eccentricity = {
        let text = c2.at(27, 33);
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(c2.wrong("ECCENTRICITY", 27, 33, "seven digits"));
        }
        // Blanks at the end would shift the assumed point only if digits were lost; the checksum guards those.
        format!("0.{text}").parse().map_err(|_| c2.wrong("ECCENTRICITY", 27, 33, "seven digits"))?
    };
    let elements = Elements {
        norad_id,
        name: name.filter(|n| !n.is_empty()),
        object_id: c1.object_id(),
        epoch: c1.epoch()?,
        mean_motion_rev_per_day: c2.float("MEAN_MOTION", 53, 63)?,
        eccentricity,
        inclination_deg: c2.float("INCLINATION", 9, 16)?,
        raan_deg: c2.float("RA_OF_ASC_NODE", 18, 25)?,
        argument_of_perigee_deg: c2.float("ARG_OF_PERICENTER", 35, 42)?,
        mean_anomaly_deg: c2.float("MEAN_ANOMALY", 44, 51)?,
        bstar: c1.assumed_point("BSTAR", 54, 61)?,
        mean_motion_dot: c1.float("MEAN_MOTION_DOT", 34, 43)?,
        mean_motion_ddot: c1.assumed_point("MEAN_MOTION_DDOT", 45, 52)?,
        classification: c1.at(8, 8).chars().next().unwrap_or('U'),
        element_set_no: c1.count("ELEMENT_SET_NO", 65, 68)?,
        rev_at_epoch: c2.count("REV_AT_EPOCH", 64, 68)?,
    };
    ElementSet::new(elements).map_err(|error| {
        let (columns, from, to) = match error.field {
            "MEAN_MOTION" => (&c2, 53, 63),
            "ECCENTRICITY" => (&c2, 27, 33),
            "INCLINATION" => (&c2, 9, 16),
            "RA_OF_ASC_NODE" => (&c2, 18, 25),
            "ARG_OF_PERICENTER" => (&c2, 35, 42),
            "MEAN_ANOMALY" => (&c2, 44, 51),
            _ => (&c1, 34, 61),
        };
        columns.fault("orbit::bad_field", error.field, from, to, &error.to_string())
    })
}
