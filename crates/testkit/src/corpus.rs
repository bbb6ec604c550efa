//! The corpora of the fuzz targets on stable: every seed, and changes of each, through the function of a target.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Changes that [`replay`] makes of each seed.
pub const CHANGES: u64 = 1000;

/// SplitMix64 (Steele, Lea, Flood, 2014): enough to choose places, and the same on every machine.
#[derive(Debug, Clone)]
pub struct Seeded(u64);

impl Seeded {
    /// The sequence that this number begins.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, any of 64 bits.
    pub const fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// The next number below `limit`; zero when that is zero.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next_number() % limit.max(1) as u64) as usize
    }
}

/// A seed with one to four changes: bits flipped, parts cut, doubled, exchanged, or replaced by one of `tokens`, the
/// signs of the format.
pub fn changed(seed: &[u8], tokens: &[&[u8]], random: &mut Seeded) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        change(&mut bytes, tokens, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, tokens: &[&[u8]], random: &mut Seeded) {
    let at = random.below(bytes.len());
    let end = at + random.below((bytes.len() - at).min(80));
    match random.below(7) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(at..end)),
        3 => bytes.extend_from_within(at..end),
        4 => drop(bytes.splice(at..at, token(tokens, random))),
        5 => {
            // Two lines change places.
            let mut lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
            let (a, b) = (random.below(lines.len()), random.below(lines.len()));
            lines.swap(a, b);
            *bytes = lines.join(&b'\n');
        }
        _ => drop(bytes.splice(at..end, token(tokens, random))),
    }
}

fn token(tokens: &[&[u8]], random: &mut Seeded) -> Vec<u8> {
    tokens.get(random.below(tokens.len())).map_or_else(Vec::new, |token| token.to_vec())
}

/// The seeds of a target, by name: the files of `fuzz/corpus/TARGET`.
///
/// # Errors
/// When they cannot be read.
pub fn seeds(target: &str) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut paths = fs::read_dir(folder)?
        .map(|file| file.map(|file| file.path()))
        .collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    paths.into_iter().map(|path| fs::read(&path).map(|seed| (path, seed))).collect()
}

/// Gives every seed of a target, and [`CHANGES`] changes of each, to its function. How many seeds there were.
///
/// # Errors
/// When the seeds cannot be read.
///
/// # Panics
/// When the function panics, with the input at which it did; when there are fewer than two seeds.
pub fn replay(target: &str, tokens: &[&[u8]], entry: fn(&[u8])) -> io::Result<usize> {
    let seeds = seeds(target)?;
    assert!(seeds.len() >= 2, "{target}: too few seeds");
    for ((path, seed), number) in seeds.iter().zip(1..) {
        entry(seed);
        let mut random = Seeded::new(number);
        for change in 0..CHANGES {
            let bytes = changed(seed, tokens, &mut random);
            let failed = catch_unwind(AssertUnwindSafe(|| entry(&bytes))).is_err();
            assert!(!failed, "{}: change {change}:\n{}", path.display(), String::from_utf8_lossy(&bytes));
        }
    }
    Ok(seeds.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_the_same_for_one_seed_and_differ_between_two() {
        let made = |number| {
            let mut random = Seeded::new(number);
            (0..50).map(|_| changed(b"one\ntwo\nthree", &[b"?"], &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
        assert!(made(1).iter().any(|bytes| bytes.contains(&b'?')));
    }

    #[test]
    fn nothing_can_be_changed_too() {
        let mut random = Seeded::new(1);
        (0..100).for_each(|_| drop(changed(b"", &[], &mut random)));
    }
}
