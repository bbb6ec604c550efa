use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use super::IndicatorKind;

/// The secret under which indicators are hashed. Whoever does not know it cannot make values that collide.
#[derive(Clone)]
pub(crate) struct Keys {
    sip: [u64; 2],
    quick: [u64; 2],
}

/// A hash of 64 bits that costs a few nanoseconds: where to look, never whether it is equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quick(pub(crate) u64);

/// 88 bits that stand for an indicator: 48 of [`Quick`], then 40 of SipHash-1-3.
///
/// A value that is no indicator matches one of n with a probability of n / 2^88: 2^-64.7 for ten million. A log
/// of 1 GB/s asks some 2^50 times a year, so one false match is to be expected in 27,000 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fingerprint(u128);

impl Fingerprint {
    /// Bytes of a fingerprint.
    pub(super) const BYTES: usize = 11;

    pub(super) const fn to_bytes(self) -> [u8; Self::BYTES] {
        let all = self.0.to_be_bytes();
        let mut bytes = [0; Self::BYTES];
        let mut i = 0;
        while i < Self::BYTES {
            bytes[i] = all[i + 16 - Self::BYTES];
            i += 1;
        }
        bytes
    }

    /// The quick hash that it begins with, as far as it is kept.
    pub(super) const fn quick(self) -> Quick {
        Quick(((self.0 >> 40) as u64) << 16)
    }

    /// From the first byte and the other ten.
    pub(super) fn from_parts(first: u8, rest: &[u8]) -> Self {
        Self(rest.iter().fold(u128::from(first), |all, byte| all << 8 | u128::from(*byte)))
    }
}

impl Keys {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        let word = |i: usize| u64::from_le_bytes(std::array::from_fn(|j| seed[8 * i + j]));
        let mut expand = SipHasher13::new_with_keys(word(0), word(1));
        expand.write(seed);
        let expanded = expand.finish128();
        // Hashed, so that a seed with a pattern makes no multiplier with one; odd, so that none is zero.
        Self { sip: [word(2), word(3)], quick: [expanded.h1 | 1, expanded.h2 | 1] }
    }

    /// The quick hash before any byte.
    #[inline]
    pub(crate) const fn start(&self, kind: IndicatorKind) -> Quick {
        Quick(self.quick[0] ^ (kind as u64) << 56)
    }

    /// The quick hash with `bytes` added to it. Domain names are added label by label from the last, so that one
    /// pass gives the hashes of all the names above.
    #[inline]
    pub(crate) fn add(&self, state: Quick, bytes: &[u8]) -> Quick {
        let mut hash = state.0;
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let word = u64::from_le_bytes(std::array::from_fn(|i| chunk[i]));
            hash = fold(hash ^ word, self.quick[1]);
        }
        let rest = chunks.remainder();
        let last = tail(rest);
        Quick(fold(hash ^ last, self.quick[1] ^ (bytes.len() as u64) << 1))
    }

    /// The quick hash of an address.
    #[inline]
    pub(crate) const fn address(&self, number: u128) -> Quick {
        let (high, low) = ((number >> 64) as u64, number as u64);
        let first = fold(self.start(IndicatorKind::Address).0 ^ low, self.quick[1]);
        Quick(fold(first ^ high, self.quick[1].rotate_left(32)))
    }

    /// The quick hash of a whole key.
    pub(crate) fn quick(&self, kind: IndicatorKind, key: &[u8]) -> Quick {
        match kind {
            IndicatorKind::Domain | IndicatorKind::Subdomains => {
                key.rsplit(|b| *b == b'.').fold(self.start(kind), |state, label| self.add(state, label))
            }
            IndicatorKind::Address => {
                self.address(key.iter().fold(0, |number, byte| number << 8 | u128::from(*byte)))
            }
            _ => self.add(self.start(kind), key),
        }
    }

    /// The fingerprint of a key whose quick hash is known.
    pub(crate) fn fingerprint(&self, kind: IndicatorKind, quick: Quick, key: &[u8]) -> Fingerprint {
        let mut sip = SipHasher13::new_with_keys(self.sip[0], self.sip[1] ^ kind as u64);
        sip.write(key);
        let strong = sip.finish128().h1 & 0xFF_FFFF_FFFF;
        Fingerprint(u128::from(quick.0 >> 16) << 40 | u128::from(strong))
    }
}

/// Both halves of a product, one over the other.
#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    (product >> 64) as u64 ^ product as u64
}

/// Up to seven bytes as a number, different for different bytes of one length: two halves that may overlap.
#[inline]
fn tail(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if length >= 4 {
        let four = |at: usize| u64::from(u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i])));
        four(0) | four(length - 4) << 32
    } else if length > 0 {
        u64::from(bytes[0]) | u64::from(bytes[length / 2]) << 8 | u64::from(bytes[length - 1]) << 16
    } else {
        0
    }
}
