use crate::indicator::{IndicatorKind, Keys};

/// Values in which nothing was found, so that the hosts that fill a log are looked up once and not a million times.
/// They are compared byte by byte: a value that is taken for clean was looked up.
pub(super) struct Clean {
    slots: Vec<Slot>,
}

#[derive(Clone, Copy)]
struct Slot {
    sort: u8,
    length: u8,
    bytes: [u8; LONGEST],
}

/// Longest value that is kept: with its length and sort a cache line.
const LONGEST: usize = 62;
/// They fit into the second level of the cache.
const SLOTS: usize = 4096;

/// A place for a value that was not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing is in it.
    Clean,
    /// It must be looked up, and has this place when it is clean.
    No(Option<Place>),
}

impl Clean {
    pub(super) fn new() -> Self {
        Self { slots: vec![Slot { sort: 0, length: 0, bytes: [0; LONGEST] }; SLOTS] }
    }

    /// Whether a value of some sort is known, and where it is to be kept when nothing is found in it.
    #[inline]
    pub(super) fn look(&self, keys: &Keys, sort: u8, value: &[u8]) -> Known {
        if value.len() > LONGEST {
            return Known::No(None);
        }
        let at = keys.add(keys.start(IndicatorKind::Text), value).0 as usize % SLOTS;
        let slot = &self.slots[at];
        let known = slot.sort == sort && usize::from(slot.length) == value.len();
        if known && slot.bytes[..value.len()] == *value { Known::Clean } else { Known::No(Some(Place(at))) }
    }

    pub(super) fn keep(&mut self, place: Place, sort: u8, value: &[u8]) {
        let slot = &mut self.slots[place.0];
        slot.sort = sort;
        slot.length = value.len() as u8;
        slot.bytes[..value.len()].copy_from_slice(value);
    }
}
