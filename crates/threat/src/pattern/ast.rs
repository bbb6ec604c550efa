//! What a pattern says, and its one spelling.

use std::fmt::{self, Display, Formatter};

use super::decode::base64_text;
use super::error::Span;
use super::lex::is_plain_key;

/// An observation expression: which observations, in which order and time.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Observation {
    /// `[..]`: one observation that has an object for which the test is true.
    Test(Comparison, Span),
    /// `a AND b ..`: different observations for each.
    And(Vec<Observation>),
    /// `a OR b ..`.
    Or(Vec<Observation>),
    /// `a FOLLOWEDBY b ..`: different observations for each, none before one further left.
    FollowedBy(Vec<Observation>),
    /// An expression with qualifiers, the first applied first.
    Qualified(Box<Observation>, Vec<(Qualifier, Span)>),
    /// Parentheses directly before a qualifier: they decide which qualifiers may stand twice.
    Group(Box<Observation>),
}

/// What an observation expression is held to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Qualifier {
    /// All within so many seconds.
    Within(Seconds),
    /// So many times, each with observations of its own.
    Repeats(u64),
    /// All from the first time (inclusive) to the second (exclusive).
    StartStop(Box<str>, Box<str>),
}

/// A number of seconds as it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Seconds {
    Whole(u64),
    Fraction(f64),
}

/// What is asked of one object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Comparison {
    And(Vec<Comparison>),
    Or(Vec<Comparison>),
    Test(PropertyTest),
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PropertyTest {
    pub(super) path: ObjectPath,
    pub(super) negated: bool,
    pub(super) test: Test,
    pub(super) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    Relation(Relation, Literal),
    In(Vec<Literal>),
    Like(Box<str>),
    Matches(Box<str>),
    IsSubset(Box<str>),
    IsSuperset(Box<str>),
    Exists,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Relation {
    pub(super) const fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// `type:key.key[2]..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ObjectPath {
    pub(super) object_type: Box<str>,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Step {
    Key(Box<str>),
    /// An element of a list, from 0. A negative one is written but never there.
    Index(i64),
    /// Any element of a list.
    Any,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Integer(i128),
    Float(f64),
    Text(Box<str>),
    Bool(bool),
    Base64(Box<[u8]>),
    Hex(Box<[u8]>),
    /// As written: the grammar admits days that no month has.
    Time(Box<str>),
}

impl Literal {
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Integer(_) | Self::Float(_) => "number",
            Self::Text(_) => "string",
            Self::Bool(_) => "truth value",
            Self::Base64(_) | Self::Hex(_) => "binary",
            Self::Time(_) => "time",
        }
    }
}

impl Observation {
    /// Hands over every path that is compared.
    pub(super) fn each_path(&self, take: &mut impl FnMut(&ObjectPath)) {
        match self {
            Self::Test(test, _) => test.each_path(take),
            Self::And(parts) | Self::Or(parts) | Self::FollowedBy(parts) => {
                parts.iter().for_each(|part| part.each_path(take));
            }
            Self::Qualified(inner, _) | Self::Group(inner) => inner.each_path(take),
        }
    }
}

impl Comparison {
    fn each_path(&self, take: &mut impl FnMut(&ObjectPath)) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.each_path(take)),
            Self::Test(test) => take(&test.path),
        }
    }
}

impl Display for Observation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test(test, _) => write!(f, "[{test}]"),
            Self::And(parts) => joined(f, parts, " AND ", |p| p.rank() < 3),
            Self::Or(parts) => joined(f, parts, " OR ", |p| p.rank() < 2),
            Self::FollowedBy(parts) => joined(f, parts, " FOLLOWEDBY ", |p| p.rank() < 1),
            Self::Group(inner) => write!(f, "({inner})"),
            Self::Qualified(inner, qualifiers) => {
                write!(f, "{inner}")?;
                qualifiers.iter().try_for_each(|(qualifier, _)| write!(f, " {qualifier}"))
            }
        }
    }
}

impl Observation {
    /// How tightly it holds together; a part that holds less tightly than its whole needs parentheses, and so does
    /// one as tight, which was written with them.
    const fn rank(&self) -> u8 {
        match self {
            Self::FollowedBy(_) => 0,
            Self::Or(_) => 1,
            Self::And(_) => 2,
            Self::Test(..) | Self::Qualified(..) | Self::Group(_) => 3,
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => joined(f, parts, " AND ", |p| !matches!(p, Self::Test(_))),
            Self::Or(parts) => joined(f, parts, " OR ", |p| matches!(p, Self::Or(_))),
            Self::Test(test) => write!(f, "{test}"),
        }
    }
}

fn joined<T: Display>(
    f: &mut Formatter<'_>,
    parts: &[T],
    between: &str,
    in_parentheses: impl Fn(&T) -> bool,
) -> fmt::Result {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            f.write_str(between)?;
        }
        if in_parentheses(part) {
            write!(f, "({part})")?;
        } else {
            write!(f, "{part}")?;
        }
    }
    Ok(())
}

impl Display for Qualifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within(Seconds::Whole(seconds)) => write!(f, "WITHIN {seconds} SECONDS"),
            Self::Within(Seconds::Fraction(seconds)) => {
                write!(f, "WITHIN {} SECONDS", Literal::Float(*seconds))
            }
            Self::Repeats(times) => write!(f, "REPEATS {times} TIMES"),
            Self::StartStop(start, stop) => write!(f, "START t'{start}' STOP t'{stop}'"),
        }
    }
}

impl Display for PropertyTest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let not = if self.negated { "NOT " } else { "" };
        let path = &self.path;
        match &self.test {
            Test::Exists => write!(f, "{not}EXISTS {path}"),
            Test::Relation(relation, literal) => write!(f, "{path} {not}{relation} {literal}"),
            Test::In(literals) => {
                write!(f, "{path} {not}IN (")?;
                joined(f, literals, ", ", |_| false)?;
                f.write_str(")")
            }
            Test::Like(text) => write!(f, "{path} {not}LIKE {}", Quoted(text)),
            Test::Matches(text) => write!(f, "{path} {not}MATCHES {}", Quoted(text)),
            Test::IsSubset(text) => write!(f, "{path} {not}ISSUBSET {}", Quoted(text)),
            Test::IsSuperset(text) => write!(f, "{path} {not}ISSUPERSET {}", Quoted(text)),
        }
    }
}

impl Display for Relation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl Display for ObjectPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.object_type)?;
        for (number, step) in self.steps.iter().enumerate() {
            match step {
                Step::Key(key) => {
                    f.write_str(if number == 0 { ":" } else { "." })?;
                    if is_plain_key(key) { f.write_str(key)? } else { write!(f, "{}", Quoted(key))? }
                }
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Any => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => {
                // The grammar has no exponents; Rust writes none, but leaves out the fraction of whole numbers.
                let text = value.to_string();
                write!(f, "{text}{}", if text.contains('.') { "" } else { ".0" })
            }
            Self::Text(text) => write!(f, "{}", Quoted(text)),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Base64(bytes) => write!(f, "b'{}'", base64_text(bytes)),
            Self::Hex(bytes) => write!(f, "h'{}'", hex::encode(bytes)),
            Self::Time(text) => write!(f, "t'{text}'"),
        }
    }
}

/// A text in single quotes.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        let mut rest = self.0;
        while let Some(at) = rest.find(['\'', '\\']) {
            write!(f, "{}\\{}", &rest[..at], &rest[at..=at])?;
            rest = &rest[at + 1..];
        }
        write!(f, "{rest}'")
    }
}
