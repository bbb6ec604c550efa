//! How much work an evaluation may do.

/// What to do with a value that cannot be compared as a pattern asks: a string held against a time that is no time,
/// a string in ISSUBSET that is no address, a reference that is no string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unreadable {
    /// The evaluation ends with an error, as in the OASIS matcher.
    #[default]
    Error,
    /// The comparison is false for that value. So one bad value from outside cannot keep a pattern from being seen
    /// elsewhere.
    NoMatch,
}

/// How much work one evaluation may do, and how strict it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternLimits {
    /// Units of work: a value compared, an observation tried. The default is 200 million, some seconds.
    pub max_steps: u64,
    /// Values that cannot be compared.
    pub unreadable: Unreadable,
}

impl Default for PatternLimits {
    fn default() -> Self {
        Self { max_steps: 200_000_000, unreadable: Unreadable::Error }
    }
}

/// What is left of [`PatternLimits::max_steps`].
#[derive(Debug)]
pub(super) struct Steps(u64);

impl Steps {
    pub(super) const fn new(max: u64) -> Self {
        Self(max)
    }

    /// Takes `count`; `None` when they are used up.
    pub(super) fn take(&mut self, count: u64) -> Option<()> {
        self.0 = self.0.checked_sub(count)?;
        Some(())
    }
}
