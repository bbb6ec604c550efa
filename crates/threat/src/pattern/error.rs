//! Why a pattern cannot be read, made ready or evaluated.

use std::fmt;

use base::Fault;

/// A part of a pattern's text: first byte, and first byte after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte, from 0.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

impl Span {
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the start of this to the end of `other`.
    pub(crate) const fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }
}

/// Why a pattern is refused, and which bytes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternFault {
    /// A stable code such as `pattern::syntax`.
    pub code: &'static str,
    /// What was expected, what was found, and what to do.
    pub message: String,
    /// The wrong part of the text.
    pub span: Span,
}

impl PatternFault {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self { code, message: message.into(), span }
    }

    /// As a fault of an input.
    pub fn to_fault(&self) -> Fault {
        Fault::error(self.code, &*self.message).at_bytes(self.span.start as u64, self.span.end as u64)
    }
}

impl fmt::Display for PatternFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (bytes {} to {})", self.message, self.span.start, self.span.end)
    }
}

impl std::error::Error for PatternFault {}

/// Why an evaluation gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MatchError {
    /// The pattern reads well but means nothing that could be evaluated.
    #[error("{0}")]
    Pattern(#[from] PatternFault),
    /// The work that the caller allows was not enough.
    #[error("no answer within {0} steps: raise the limit, or simplify the pattern")]
    LimitReached(u64),
    /// The pattern nests more choices (OR, FOLLOWEDBY, WITHIN, and copies of them by REPEATS) than are tried.
    #[error("the pattern repeats or nests too many OR, FOLLOWEDBY and WITHIN: simplify it")]
    TooManyChoices,
    /// A value of an observation cannot be compared as the pattern asks, and [`Unreadable::Error`] was chosen.
    ///
    /// [`Unreadable::Error`]: crate::Unreadable::Error
    #[error("{0}")]
    Value(ValueFault),
}

impl MatchError {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Pattern(fault) => fault.code,
            Self::LimitReached(_) => "pattern::limit_reached",
            Self::TooManyChoices => "pattern::too_many_choices",
            Self::Value(fault) => fault.code,
        }
    }

    /// As a fault of an input: the bytes are those of the pattern.
    pub fn to_fault(&self) -> Fault {
        match self {
            Self::Pattern(fault) => fault.to_fault(),
            Self::LimitReached(_) | Self::TooManyChoices => Fault::error(self.code(), self.to_string()),
            Self::Value(fault) => fault.to_fault(),
        }
    }
}

/// A value of an observation that cannot be compared as a pattern asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueFault {
    /// A stable code: `pattern::bad_time_value`, `pattern::bad_address_value` or `pattern::bad_reference_value`.
    pub code: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// The comparison that asked, in the pattern's text.
    pub span: Span,
    /// Which observation has the value.
    pub observation: crate::ObservationIndex,
}

impl ValueFault {
    /// As a fault of an input: the bytes are those of the pattern.
    pub fn to_fault(&self) -> Fault {
        Fault::error(self.code, self.to_string()).at_bytes(self.span.start as u64, self.span.end as u64)
    }
}

impl fmt::Display for ValueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "observation {}: {}", self.observation, self.message)
    }
}

/// A value in a message: cut, so that no input fills a log.
pub(crate) fn short(text: &str) -> String {
    const SHOWN: usize = 60;
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}..", &text[..at]),
        None => text.to_owned(),
    }
}
