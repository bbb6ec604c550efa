//! The keys of a store of old logs. A value of a log has keys, an indicator has keys, and where the one matches the
//! other they share one: who keeps the keys of each block of lines need not open the blocks without them.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::canonical::{mapped, mask};
use super::text::is_word_byte;
use super::{Indicator, IndicatorKind};

/// Prefix lengths, within 128 bits, whose networks are keys of every address.
const PREFIXES: [u8; 4] = [16, 32, 48, 64];
/// Further ones for IPv4: /8, /16 and /24.
const PREFIXES_V4: [u8; 3] = [104, 112, 120];
/// Shortest word that is a key. Words of digits alone are none: times and ports are most of a log.
const SHORTEST_WORD: usize = 3;

/// What a key is made of.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Sort {
    Name = 1,
    Address = 2,
    Prefix = 3,
    Url = 4,
    Digest = 5,
    Email = 6,
    File = 7,
    Word = 8,
}

/// 64 bits that stand for a key, the same in every store. Two keys may share one, also on purpose: then a block is
/// opened in vain, and nothing more.
fn hash(sort: Sort, bytes: &[u8]) -> u64 {
    let mut sip = SipHasher13::new_with_keys(0x626f_6e67_7375_2d68, 0x756e_742d_6b65_7973 ^ sort as u64);
    sip.write(bytes);
    sip.finish()
}

/// The key of a domain name in canonical form; those below it have it too.
pub(crate) fn name_key(name: &[u8]) -> u64 {
    hash(Sort::Name, name)
}

/// The key of a canonical value that is compared as a whole.
pub(crate) fn exact_key(kind: IndicatorKind, key: &[u8]) -> u64 {
    let sort = match kind {
        IndicatorKind::Domain | IndicatorKind::Subdomains => Sort::Name,
        IndicatorKind::Address | IndicatorKind::Network => Sort::Address,
        IndicatorKind::Url => Sort::Url,
        IndicatorKind::Digest => Sort::Digest,
        IndicatorKind::Email => Sort::Email,
        IndicatorKind::FileName => Sort::File,
        IndicatorKind::Text => Sort::Word,
    };
    hash(sort, key)
}

/// The keys of an address: its own, and those of networks around it.
pub(crate) fn address_keys(address: u128, mut each: impl FnMut(u64)) {
    each(hash(Sort::Address, &address.to_be_bytes()));
    let v4: &[u8] = if is_v4(address) { &PREFIXES_V4 } else { &[] };
    for length in PREFIXES.iter().chain(v4) {
        each(prefix_key(address, *length));
    }
}

fn prefix_key(address: u128, length: u8) -> u64 {
    let mut bytes = [length; 17];
    bytes[1..].copy_from_slice(&(address & mask(length)).to_be_bytes());
    hash(Sort::Prefix, &bytes)
}

const fn is_v4(address: u128) -> bool {
    address >> 32 == mapped(0) >> 32
}

/// The keys of a text: its words, whatever their case in ASCII. `scratch` is overwritten.
pub(crate) fn word_keys(text: &[u8], scratch: &mut Vec<u8>, mut each: impl FnMut(u64)) {
    for word in text.split(|b| !is_word_byte(*b)) {
        if word.len() >= SHORTEST_WORD && !word.iter().all(u8::is_ascii_digit) {
            scratch.clear();
            scratch.extend(word.iter().map(u8::to_ascii_lowercase));
            each(hash(Sort::Word, scratch));
        }
    }
}

/// The keys that indicators need. A block of lines in which none of them is wanted, by the rules of the three parts,
/// holds no match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchKeys {
    /// Keys of which each one alone makes a match possible.
    pub single: Vec<u64>,
    /// Keys of which all of one list must be there.
    pub together: Vec<Vec<u64>>,
    /// An indicator has no key: every block must be looked at. So it is with networks wider than /16 of IPv6, and with
    /// texts without a word of three characters that are not all digits.
    pub anything: bool,
}

impl SearchKeys {
    /// Adds what `indicator` needs.
    pub fn add(&mut self, indicator: &Indicator) {
        match indicator.kind() {
            IndicatorKind::Domain | IndicatorKind::Subdomains => {
                self.single.push(name_key(indicator.bare_text().as_bytes()));
            }
            IndicatorKind::Network => match indicator.network().and_then(network_key) {
                Some(key) => self.single.push(key),
                None => self.anything = true,
            },
            IndicatorKind::Text => {
                let mut keys = Vec::new();
                word_keys(indicator.bare_text().as_bytes(), &mut Vec::new(), |key| keys.push(key));
                match keys.as_slice() {
                    [] => self.anything = true,
                    [one] => self.single.push(*one),
                    _ => self.together.push(keys),
                }
            }
            kind => self.single.push(exact_key(kind, &indicator.key())),
        }
    }

    /// Sorts the keys and drops those that are there twice.
    pub fn sort(&mut self) {
        self.single.sort_unstable();
        self.single.dedup();
        self.together.sort_unstable();
        self.together.dedup();
    }
}

/// The key of the narrowest kept network that holds all of this one.
fn network_key((base, length): (u128, u8)) -> Option<u64> {
    let v4: &[u8] = if is_v4(base) { &PREFIXES_V4 } else { &[] };
    let narrowest = PREFIXES.iter().chain(v4).filter(|kept| **kept <= length).max()?;
    Some(prefix_key(base, *narrowest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::address;

    fn keys(text: &str) -> SearchKeys {
        let mut keys = SearchKeys::default();
        keys.add(&Indicator::by_shape(text).unwrap());
        keys
    }

    #[test]
    fn an_address_has_the_key_of_every_network_around_it() {
        for (text, length, widths) in [("203.0.113.77", 96, 1..=32), ("2001:db8:1:2::3", 0, 16..=128)] {
            let number = address(text.as_bytes()).unwrap();
            let mut own = Vec::new();
            address_keys(number, |key| own.push(key));
            for width in widths {
                let needed = keys(&format!("{text}/{width}"));
                assert!(!needed.anything, "{text}/{width} of {length}");
                assert!(needed.single.iter().all(|key| own.contains(key)), "{text}/{width}");
            }
        }
        assert!(keys("2000::/12").anything);
    }

    #[test]
    fn a_text_needs_all_its_words() {
        assert_eq!(keys("Cobalt Strike 4.9").together[0].len(), 2);
        assert_eq!(keys("Mimikatz!").single.len(), 1);
        assert!(keys("12 34 !!").anything);
    }
}
