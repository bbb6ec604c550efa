//! The corpus of the fuzz targets on stable: every seed, and changes of each, through the functions of the targets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests read their data")]

#[path = "../../../fuzz/threat_entries.rs"]
mod entries;

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;

/// The seeds of a target by name.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 2, "{target}");
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[derive(Debug, Clone)]
enum Edit {
    Flip(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Double(Index, usize),
    Insert(Index, &'static str),
}

const TOKENS: &[&str] = &[
    "\0",
    "é",
    "\u{feff}",
    "'",
    "\\",
    "(",
    ")",
    "[",
    "]",
    "[*]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "null",
    "true",
    "1e999",
    "-0",
    "99999999999999999999",
    "NOT ",
    " AND ",
    " OR ",
    " FOLLOWEDBY ",
    " REPEATS 3 TIMES",
    " WITHIN 1 SECONDS",
    "_ref",
    "_refs",
    "_hex",
    "_bin",
    "h''",
    "t'",
    "//",
    "/*",
    "*/",
    "\"",
    "\"0\":",
    "observed-data",
    "2026-01-01T00:00:00Z",
];

fn edit() -> impl Strategy<Value = Edit> {
    let place = || any::<Index>();
    prop_oneof![
        (place(), 0..8_u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        place().prop_map(Edit::Cut),
        (place(), 1..80_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        (place(), 1..80_usize).prop_map(|(at, length)| Edit::Double(at, length)),
        (place(), prop::sample::select(TOKENS)).prop_map(|(at, token)| Edit::Insert(at, token)),
    ]
}

fn edited(seed: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for edit in edits {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match edit {
            Edit::Flip(at, bit) => {
                let at = place(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Edit::Cut(at) => bytes.truncate(place(at)),
            Edit::Remove(at, length) => {
                let at = place(at);
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Edit::Double(at, length) => {
                let at = place(at);
                let part = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, part);
            }
            Edit::Insert(at, token) => {
                let at = place(at);
                bytes.splice(at..at, token.bytes());
            }
        }
    }
    bytes
}

fn replay(target: &str, entry: fn(&[u8])) {
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| entry(seed));
    let changes = (prop::sample::select(seeds), prop::collection::vec(edit(), 1..5));
    proptest!(ProptestConfig::with_cases(4000), |((seed, edits) in changes)| {
        entry(&edited(&seed, &edits));
    });
}

#[test]
fn pattern() {
    replay("pattern", entries::pattern);
}

#[test]
fn observed() {
    replay("observed", entries::observed);
}
