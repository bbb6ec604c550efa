//! What a value is held against: the right side of a comparison, made ready.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::ast::{Literal, PropertyTest, Relation, Test};
use super::error::{PatternFault, Span};
use super::like::Like;
use super::limits::Steps;
use super::net::Network;
use super::regexp::{MAX_EXPRESSIONS, Matches};
use super::table::{Key, Value};
use super::time::{Micros, micros};

/// Bytes of a long value that a regular expression reads in one step.
const BYTES_PER_STEP: u64 = 64;

/// A comparison without its path.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Equal(Constant),
    NotEqual(Constant),
    Order(Relation, Constant),
    In(Set),
    Like(Like),
    Matches(Box<Matches>),
    IsSubset(Network),
    IsSuperset(Network),
    Exists,
}

/// A constant that values are held against.
#[derive(Debug, Clone)]
pub(super) enum Constant {
    Integer(i128),
    Float(f64),
    Text(Box<str>),
    Bool(bool),
    Bytes(Box<[u8]>),
    Time(Micros),
}

/// The constants of IN, all of one type.
#[derive(Debug, Clone)]
pub(super) enum Set {
    Keys(HashSet<Key<'static>>),
    Times(HashSet<Micros>),
}

/// Why a comparison has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    NoTime,
    NoAddress,
    OutOfSteps,
}

impl Operand {
    /// `expressions`: how many of the pattern's tests are MATCHES.
    pub(super) fn new(test: &PropertyTest, expressions: usize) -> Result<Self, PatternFault> {
        let span = test.span;
        let bad = |code, message: String| PatternFault::new(code, message, span);
        Ok(match &test.test {
            Test::Relation(Relation::Equal, literal) => Self::Equal(Constant::new(literal, span)?),
            Test::Relation(Relation::NotEqual, literal) => Self::NotEqual(Constant::new(literal, span)?),
            Test::Relation(relation, literal) => Self::Order(*relation, Constant::new(literal, span)?),
            Test::In(literals) => Self::In(Set::new(literals, span)?),
            Test::Like(operand) => Self::Like(Like::new(operand)),
            Test::Matches(operand) => {
                if expressions > MAX_EXPRESSIONS {
                    let why =
                        format!("{expressions} regular expressions: a pattern may have {MAX_EXPRESSIONS}");
                    return Err(bad("pattern::bad_regex", why));
                }
                let matches =
                    Matches::new(operand, expressions).map_err(|why| bad("pattern::bad_regex", why))?;
                Self::Matches(Box::new(matches))
            }
            Test::IsSubset(operand) => Self::IsSubset(network(operand, span)?),
            Test::IsSuperset(operand) => Self::IsSuperset(network(operand, span)?),
            Test::Exists => Self::Exists,
        })
    }

    /// Keys one of which a value must have to pass, where that is all that is asked.
    pub(super) fn keys(&self) -> Option<Vec<Key<'static>>> {
        match self {
            Self::Equal(constant) if !matches!(constant, Constant::Time(_)) => {
                Some(constant.key().into_iter().collect())
            }
            Self::In(Set::Keys(keys)) => Some(keys.iter().cloned().collect()),
            _ => None,
        }
    }

    /// Whether `value` passes; `negated` for `NOT`.
    pub(super) fn passes(
        &self,
        value: Value<'_>,
        negated: bool,
        steps: &mut Steps,
    ) -> Result<bool, NoAnswer> {
        let passes = match self {
            Self::Equal(constant) => constant.equals(value)?,
            Self::NotEqual(constant) => !constant.equals(value)?,
            Self::Order(relation, constant) => match constant.compare(value)? {
                Compared::Types => return Ok(false),
                Compared::Characters => false,
                Compared::Ordering(ordering) => holds(*relation, ordering),
            },
            Self::In(set) => set.contains(value)?,
            Self::Like(like) => match value {
                Value::Text(text) => like.is_like(text, steps).ok_or(NoAnswer::OutOfSteps)?,
                Value::Bytes(bytes) => like.is_like_bytes(bytes, steps).ok_or(NoAnswer::OutOfSteps)?,
                _ => false,
            },
            Self::Matches(regex) => match value {
                Value::Text(text) => {
                    steps.take(text.len() as u64 / BYTES_PER_STEP).ok_or(NoAnswer::OutOfSteps)?;
                    regex.is_in_text(text)
                }
                Value::Bytes(bytes) => {
                    steps.take(bytes.len() as u64 / BYTES_PER_STEP).ok_or(NoAnswer::OutOfSteps)?;
                    regex.is_in_bytes(bytes)
                }
                _ => false,
            },
            Self::IsSubset(outer) => match value {
                Value::Text(text) => Network::parse(text).ok_or(NoAnswer::NoAddress)?.is_subset_of(outer),
                _ => false,
            },
            Self::IsSuperset(inner) => match value {
                Value::Text(text) => inner.is_subset_of(&Network::parse(text).ok_or(NoAnswer::NoAddress)?),
                _ => false,
            },
            Self::Exists => true,
        };
        Ok(passes != negated)
    }
}

fn network(operand: &str, span: Span) -> Result<Network, PatternFault> {
    Network::parse(operand).ok_or_else(|| {
        let message = format!(
            "`{}` is no address and no network: expected one such as 192.0.2.0/24 or 2001:db8::/32",
            super::error::short(operand)
        );
        PatternFault::new("pattern::bad_address", message, span)
    })
}

const fn holds(relation: Relation, ordering: Ordering) -> bool {
    match relation {
        Relation::Less => ordering.is_lt(),
        Relation::LessOrEqual => ordering.is_le(),
        Relation::Greater => ordering.is_gt(),
        Relation::GreaterOrEqual => ordering.is_ge(),
        Relation::Equal => ordering.is_eq(),
        Relation::NotEqual => ordering.is_ne(),
    }
}

/// How a value stands to a constant.
enum Compared {
    Ordering(Ordering),
    /// Types that have no order between them: false, with NOT as without (STIX 2.1 section 9.6.1).
    Types,
    /// A string with characters that are no bytes, held against binary: false, and so true with NOT.
    Characters,
}

impl Constant {
    fn new(literal: &Literal, span: Span) -> Result<Self, PatternFault> {
        Ok(match literal {
            Literal::Integer(value) => Self::Integer(*value),
            Literal::Float(value) => Self::Float(*value),
            Literal::Text(text) => Self::Text(text.clone()),
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Base64(bytes) | Literal::Hex(bytes) => Self::Bytes(bytes.clone()),
            Literal::Time(text) => Self::Time(instant(text, span)?),
        })
    }

    /// `None` for a time, and for a number that no value can have.
    fn key(&self) -> Option<Key<'static>> {
        Some(match self {
            Self::Integer(value) => match i64::try_from(*value) {
                Ok(value) => Key::Integer(value),
                Err(_) if (*value as f64) as i128 == *value => Key::of_float(*value as f64),
                Err(_) => return None,
            },
            Self::Float(value) => Key::of_float(*value),
            Self::Text(text) => Key::Text(text.to_string().into()),
            Self::Bool(value) => Key::Bool(*value),
            Self::Bytes(bytes) => Key::of_bytes(bytes).into_owned(),
            Self::Time(_) => return None,
        })
    }

    fn equals(&self, value: Value<'_>) -> Result<bool, NoAnswer> {
        Ok(match (self, value) {
            (Self::Time(time), Value::Text(text)) => micros(text).ok_or(NoAnswer::NoTime)? == *time,
            (Self::Text(constant), Value::Text(text)) => **constant == *text,
            (Self::Bool(constant), Value::Bool(value)) => *constant == value,
            (Self::Text(constant), Value::Bytes(bytes)) => is_text_of(constant, bytes),
            (Self::Bytes(constant), Value::Text(text)) => is_text_of(text, constant),
            (Self::Bytes(constant), Value::Bytes(bytes)) => **constant == *bytes,
            _ => number(self, value).is_some_and(Ordering::is_eq),
        })
    }

    /// How `value` stands to this: `Less` where it is less.
    fn compare(&self, value: Value<'_>) -> Result<Compared, NoAnswer> {
        let ordering = match (self, value) {
            (Self::Time(time), Value::Text(text)) => Some(micros(text).ok_or(NoAnswer::NoTime)?.cmp(time)),
            (Self::Text(constant), Value::Text(text)) => Some(text.cmp(constant)),
            (Self::Bytes(constant), Value::Bytes(bytes)) => Some(bytes.cmp(constant)),
            (Self::Text(constant), Value::Bytes(bytes)) => match bytes_of(constant) {
                Some(constant) => Some(bytes.iter().copied().cmp(constant)),
                None => return Ok(Compared::Characters),
            },
            (Self::Bytes(constant), Value::Text(text)) => match bytes_of(text) {
                Some(text) => Some(text.cmp(constant.iter().copied())),
                None => return Ok(Compared::Characters),
            },
            _ => number(self, value),
        };
        Ok(ordering.map_or(Compared::Types, Compared::Ordering))
    }
}

fn is_text_of(text: &str, bytes: &[u8]) -> bool {
    text.chars().map(u32::from).eq(bytes.iter().map(|byte| u32::from(*byte)))
}

/// The characters of a text as bytes, where all are below U+0100.
fn bytes_of(text: &str) -> Option<impl Iterator<Item = u8>> {
    let fits = text.chars().all(|c| u32::from(c) < 256);
    fits.then(|| text.chars().map(|c| u32::from(c) as u8))
}

/// How a number stands to a constant that is one, exactly.
fn number(constant: &Constant, value: Value<'_>) -> Option<Ordering> {
    match (value, constant) {
        (Value::Integer(value), Constant::Integer(constant)) => Some(i128::from(value).cmp(constant)),
        (Value::Integer(value), Constant::Float(constant)) => integer_to_float(value.into(), *constant),
        (Value::Float(value), Constant::Integer(constant)) => {
            integer_to_float(*constant, value).map(Ordering::reverse)
        }
        (Value::Float(value), Constant::Float(constant)) => value.partial_cmp(constant),
        _ => None,
    }
}

/// Exact, also where the integer has no float of its own.
fn integer_to_float(integer: i128, float: f64) -> Option<Ordering> {
    // Every float from here on is larger than every i128.
    const BEYOND: f64 = 1.701_411_834_604_692_3e38;
    if float.is_nan() {
        None
    } else if float >= BEYOND {
        Some(Ordering::Less)
    } else if float < -BEYOND {
        Some(Ordering::Greater)
    } else {
        // Truncation toward zero: what it cuts off decides between equals.
        let whole = integer.cmp(&(float.trunc() as i128));
        Some(whole.then(0.0.partial_cmp(&float.fract())?))
    }
}

/// The instant of a time constant, whose form the grammar has checked.
pub(super) fn instant(text: &str, span: Span) -> Result<Micros, PatternFault> {
    micros(text).ok_or_else(|| {
        PatternFault::new(
            "pattern::bad_time",
            format!("`{text}` is no time: that month has no such day"),
            span,
        )
    })
}

impl Set {
    fn new(literals: &[Literal], span: Span) -> Result<Self, PatternFault> {
        if let [first, rest @ ..] = literals
            && let Some(other) = rest.iter().find(|other| other.kind() != first.kind())
        {
            let message = format!(
                "a set of both {} and {}: all constants must have one type",
                first.kind(),
                other.kind()
            );
            return Err(PatternFault::new("pattern::mixed_set", message, span));
        }
        if let Some(Literal::Time(_)) = literals.first() {
            let times = literals.iter().map(|literal| match literal {
                Literal::Time(text) => instant(text, span),
                _ => Ok(0),
            });
            return times.collect::<Result<_, _>>().map(Self::Times);
        }
        let keys = literals.iter().map(|literal| Ok(Constant::new(literal, span)?.key()));
        let keys: Vec<Option<Key<'static>>> = keys.collect::<Result<_, PatternFault>>()?;
        Ok(Self::Keys(keys.into_iter().flatten().collect()))
    }

    fn contains(&self, value: Value<'_>) -> Result<bool, NoAnswer> {
        Ok(match (self, value) {
            (Self::Times(times), Value::Text(text)) => times.contains(&micros(text).ok_or(NoAnswer::NoTime)?),
            (Self::Times(_), _) => false,
            (Self::Keys(keys), value) => Key::of(value).is_some_and(|key| keys.contains(&key)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_exactly() {
        let check = |integer: i128, float: f64, expected| {
            assert_eq!(integer_to_float(integer, float), Some(expected), "{integer} {float}");
        };
        check(5, 5.0, Ordering::Equal);
        check(5, 5.5, Ordering::Less);
        check(-5, -5.5, Ordering::Greater);
        check(9_007_199_254_740_993, 9_007_199_254_740_992.0, Ordering::Greater);
        check(i128::MAX, 1e300, Ordering::Less);
        check(i128::MIN, -1e300, Ordering::Greater);
        assert_eq!(Key::of(Value::Float(12.0)), Some(Key::Integer(12)));
        assert_eq!(Key::of(Value::Float(-0.0)), Some(Key::Integer(0)));
    }
}
