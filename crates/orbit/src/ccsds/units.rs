//! Units as messages write them: `km**3/s**2`, `m^2`, `m×s⁻¹`, `m**3/(kg*s)` (502.0-B-3, 7.7).

/// Exponents of metre, kilogram, second, kelvin, radian, and of one unit that converts into no other.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Unit {
    scale: f64,
    exponents: [i32; 5],
    other: Option<(&'static str, i32)>,
}

const ONE: Unit = Unit { scale: 1.0, exponents: [0; 5], other: None };

/// Longest unit that is looked at, in characters.
const MAX_CHARS: usize = 64;

/// What a number in `given` is multiplied by to stand in `wanted`; `None` when one of them is no unit or they measure
/// different things.
pub(crate) fn factor(given: &str, wanted: &str) -> Option<f64> {
    if given == wanted {
        return Some(1.0);
    }
    let (given, wanted) = (parse(given)?, parse(wanted)?);
    let same = given.exponents == wanted.exponents && given.other == wanted.other;
    same.then(|| given.scale / wanted.scale)
}

/// Whether `text` can be read as a unit.
pub(crate) fn is_unit(text: &str) -> bool {
    parse(text).is_some()
}

fn parse(text: &str) -> Option<Unit> {
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("n/a") {
        return Some(ONE);
    }
    let chars: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if chars.len() > MAX_CHARS {
        return None;
    }
    let mut parser = Parser { chars: &chars, at: 0 };
    let unit = parser.product(0)?;
    (parser.at == chars.len() && unit.scale.is_finite() && unit.scale > 0.0).then_some(unit)
}

struct Parser<'a> {
    chars: &'a [char],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn product(&mut self, depth: u32) -> Option<Unit> {
        let mut unit = self.power(depth)?;
        while let Some(c) = self.peek() {
            let sign = match c {
                '*' | '·' | '×' | '.' | '⋅' => 1,
                '/' | '⁄' => -1,
                _ => break,
            };
            self.at += 1;
            unit = times(unit, raise(self.power(depth)?, sign)?)?;
        }
        Some(unit)
    }

    fn power(&mut self, depth: u32) -> Option<Unit> {
        let base = if self.take('(') {
            // Nesting is bounded, so that no input can exhaust the stack.
            let inner = (depth < 4).then(|| self.product(depth + 1))??;
            self.take(')').then_some(inner)?
        } else {
            self.atom()?
        };
        raise(base, self.exponent()?)
    }

    /// `**2`, `^2`, `⁻²`, `2` behind a name, or nothing.
    fn exponent(&mut self) -> Option<i32> {
        if self.peek() == Some('*') && self.chars.get(self.at + 1) == Some(&'*') {
            self.at += 2;
        } else if !self.take('^') {
            let start = self.at;
            let negative = self.take('⁻');
            let mut value = 0;
            while let Some(digit) = self.peek().and_then(|c| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().position(|s| s == c))
            {
                value = value * 10 + i32::try_from(digit).ok()?;
                self.at += 1;
                if value > 99 {
                    return None;
                }
            }
            return if self.at == start { Some(1) } else { Some(if negative { -value } else { value }) };
        }
        let open = self.take('(');
        let negative = self.take('-');
        let digits: String = self.chars.get(self.at..)?.iter().take_while(|c| c.is_ascii_digit()).collect();
        self.at += digits.len();
        let value: i32 = digits.parse().ok().filter(|v| *v <= 99)?;
        if open && !self.take(')') {
            return None;
        }
        Some(if negative { -value } else { value })
    }

    fn atom(&mut self) -> Option<Unit> {
        let name: String = self
            .chars
            .get(self.at..)?
            .iter()
            .take_while(|c| c.is_alphabetic() || matches!(c, '%' | '°' | '#' | '\'' | '"' | '_'))
            .collect();
        if name.is_empty() {
            return self.take('1').then_some(ONE);
        }
        self.at += name.chars().count();
        named(&name)
    }
}

fn times(a: Unit, b: Unit) -> Option<Unit> {
    let mut exponents = a.exponents;
    for (sum, more) in exponents.iter_mut().zip(b.exponents) {
        *sum += more;
    }
    let other = match (a.other, b.other) {
        (Some((x, n)), Some((y, m))) if x == y => Some((x, n + m)).filter(|(_, sum)| *sum != 0),
        (Some(_), Some(_)) => return None,
        (one, two) => one.or(two),
    };
    Some(Unit { scale: a.scale * b.scale, exponents, other })
}

fn raise(unit: Unit, power: i32) -> Option<Unit> {
    let mut exponents = unit.exponents;
    for exponent in &mut exponents {
        *exponent = exponent.checked_mul(power)?;
    }
    let other = match unit.other {
        Some((name, n)) => Some((name, n.checked_mul(power)?)).filter(|(_, n)| *n != 0),
        None => None,
    };
    Some(Unit { scale: unit.scale.powi(power), exponents, other })
}

fn named(name: &str) -> Option<Unit> {
    if let Some(unit) = whole(name) {
        return Some(unit);
    }
    let mut chars = name.chars();
    let prefix = match chars.next()? {
        'P' => 1e15,
        'T' => 1e12,
        'G' => 1e9,
        'M' => 1e6,
        'k' => 1e3,
        'h' => 1e2,
        'd' => 1e-1,
        'c' => 1e-2,
        'm' => 1e-3,
        'µ' | 'μ' => 1e-6,
        'n' => 1e-9,
        'p' => 1e-12,
        _ => return None,
    };
    let unit = whole(chars.as_str()).filter(|_| {
        matches!(chars.as_str(), "m" | "g" | "s" | "Hz" | "N" | "W" | "Pa" | "J" | "K" | "T" | "rad" | "bar")
    })?;
    Some(Unit { scale: unit.scale * prefix, ..unit })
}

fn whole(name: &str) -> Option<Unit> {
    let of = |scale: f64, exponents: [i32; 5]| Some(Unit { scale, exponents, other: None });
    let alone = |name: &'static str| Some(Unit { other: Some((name, 1)), ..ONE });
    let day = 86_400.0;
    match name {
        "m" => of(1.0, [1, 0, 0, 0, 0]),
        "g" => of(1e-3, [0, 1, 0, 0, 0]),
        "s" | "sec" => of(1.0, [0, 0, 1, 0, 0]),
        "min" => of(60.0, [0, 0, 1, 0, 0]),
        "h" => of(3600.0, [0, 0, 1, 0, 0]),
        "d" | "day" => of(day, [0, 0, 1, 0, 0]),
        "yr" | "a" => of(365.25 * day, [0, 0, 1, 0, 0]),
        "K" => of(1.0, [0, 0, 0, 1, 0]),
        "rad" => of(1.0, [0, 0, 0, 0, 1]),
        "deg" | "°" | "º" => of(std::f64::consts::PI / 180.0, [0, 0, 0, 0, 1]),
        "arcsec" | "\"" => of(std::f64::consts::PI / 648_000.0, [0, 0, 0, 0, 1]),
        "arcmin" | "'" => of(std::f64::consts::PI / 10_800.0, [0, 0, 0, 0, 1]),
        "rev" => of(std::f64::consts::TAU, [0, 0, 0, 0, 1]),
        "Hz" => of(1.0, [0, 0, -1, 0, 0]),
        "N" => of(1.0, [1, 1, -2, 0, 0]),
        "W" => of(1.0, [2, 1, -3, 0, 0]),
        "J" => of(1.0, [2, 1, -2, 0, 0]),
        "Pa" => of(1.0, [-1, 1, -2, 0, 0]),
        "bar" => of(1e5, [-1, 1, -2, 0, 0]),
        "%" | "percent" => of(0.01, [0; 5]),
        // Not convertible into anything else here.
        "ER" => alone("ER"),
        "RU" => alone("RU"),
        "TECU" => alone("TECU"),
        "SFU" => alone("SFU"),
        "T" => alone("T"),
        "C" => alone("C"),
        "dB" => alone("dB"),
        "dBW" => alone("dBW"),
        "dBHz" => alone("dBHz"),
        "mag" => alone("mag"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_unit() {
        for spelling in ["km**3/s**2", "km^3/s^2", "km³/s²", "km³·s⁻²", "km**3*s**-2", "km³/(s·s)"] {
            assert_eq!(factor(spelling, "km**3/s**2"), Some(1.0), "{spelling}");
        }
        assert_eq!(factor("m×s⁻¹", "km/s"), Some(1e-3));
        assert_eq!(factor("m**3/(kg*s)", "m**3/kg/s"), Some(1.0));
        assert_eq!(factor("km².s⁻²", "km**2/s**2"), Some(1.0));
        assert_eq!(factor("n/a", ""), Some(1.0));
        assert_eq!(factor("rev/day", "deg/s").map(|f| (f - 360.0 / 86_400.0).abs() < 1e-15), Some(true));
    }

    #[test]
    fn other_dimensions_and_no_units_are_refused() {
        for (given, wanted) in [
            ("s", "m**2"),
            ("km", "km/s"),
            ("kg", "1/ER"),
            ("wat", "km"),
            ("km**", "km"),
            ("km)", "km"),
            ("(((((((km)))))))", "km"),
            ("km**999999999999", "km"),
            ("km/", "km"),
            ("ER", "RU"),
        ] {
            assert_eq!(factor(given, wanted), None, "{given} {wanted}");
        }
    }
}
