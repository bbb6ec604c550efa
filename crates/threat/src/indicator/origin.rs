use base::{Interval, Marking, Timestamp};

/// Which origin an indicator has, within one set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginId(u32);

impl OriginId {
    /// Bytes that the table keeps of it.
    pub(super) const BYTES: usize = 3;
    /// How many origins a set can have.
    pub(super) const LIMIT: usize = 1 << 24;

    pub(super) fn new(index: usize) -> Option<Self> {
        (index < Self::LIMIT).then_some(Self(index as u32))
    }

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }

    pub(super) const fn to_bytes(self) -> [u8; Self::BYTES] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(0, |id, byte| id << 8 | u32::from(*byte)))
    }
}

/// When an indicator holds (STIX 2.1, 4.7: `valid_from`, `valid_until`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Validity {
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Until this time, exclusive.
    pub until: Option<Timestamp>,
}

impl Validity {
    /// Whether something seen at `time` is within. What has no time is.
    pub fn holds(&self, time: Option<Interval>) -> bool {
        let Some(time) = time else { return true };
        self.from.is_none_or(|from| time.end() >= from) && self.until.is_none_or(|until| time.start() < until)
    }
}

/// Where an indicator comes from: a file, or one object in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The file or feed.
    pub source: String,
    /// The identifier of the object in it: a STIX id or a MISP UUID.
    pub object: Option<String>,
    /// What the object says of itself, for people.
    pub name: Option<String>,
    /// Who may have what is derived from it. Absent: the source says nothing.
    pub marking: Option<Marking>,
    /// When it holds.
    pub validity: Validity,
}

impl Origin {
    /// All of a file or feed.
    pub fn of_source(source: impl Into<String>) -> Self {
        Self { source: source.into(), ..Self::default() }
    }
}
