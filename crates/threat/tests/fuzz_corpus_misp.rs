//! The corpus of the MISP fuzz target on stable: every seed, and changes of each, through the function of the target.

#![expect(clippy::print_stdout, reason = "counts of what agrees are printed")]
#![expect(clippy::disallowed_methods, reason = "tests read their data")]

#[path = "../../../fuzz/misp_entries.rs"]
mod entries;

use std::path::Path;

/// Changes of each seed.
const CHANGES: u64 = 500;

/// SplitMix64 (Steele, Lea, Flood, 2014): enough to choose places, and the same on every machine.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// What breaks readers of JSON.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\xFF",
    b"\xC3",
    b"\n",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"\\",
    b",",
    b":",
    b"null",
    b"[[[[[[[[",
    b"-",
    b"1e999",
    b"\\ud800",
    b"\"Attribute\": [",
    b"\"distribution\": \"4\"",
    b"\"uuid\": 5",
    b"\xEF\xBB\xBF",
    b" ",
];

fn changed(seed: &[u8], random: &mut Seeded) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
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
            3 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            4 => {
                let token = TOKENS[random.below(TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            5 => {
                // Two lines change places.
                let mut lines: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
                let (a, b) = (random.below(lines.len()), random.below(lines.len()));
                lines.swap(a, b);
                bytes = lines.join(&b'\n');
            }
            _ => {
                let token = TOKENS[random.below(TOKENS.len())];
                bytes.splice(at..end, token.iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn seeds_and_their_changes_break_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/misp");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 3);
    for (path, number) in paths.iter().zip(1..) {
        let seed = std::fs::read(path).unwrap();
        entries::misp(&seed);
        let mut random = Seeded(number);
        for change in 0..CHANGES {
            let bytes = changed(&seed, &mut random);
            let failed = std::panic::catch_unwind(|| entries::misp(&bytes)).is_err();
            assert!(!failed, "{}: change {change}:\n{}", path.display(), String::from_utf8_lossy(&bytes));
        }
    }
    println!("{} seeds and {} changes of them", paths.len(), paths.len() as u64 * CHANGES);
}
