//! The corpus of the fuzz targets on stable: every seed, and changes of each, through the functions of the targets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests read their data")]

#[path = "../../../fuzz/log_entries.rs"]
mod entries;

use std::path::Path;

use proptest::prelude::*;

/// What breaks readers: signs of the formats, zeros, bytes of half characters.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\xFF",
    b"\xC3",
    b"\n",
    b"\r\n",
    b"\t",
    b",",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"#",
    b"#fields\t",
    b"#separator ",
    b"\\x",
    b"\\u0000",
    b"://",
    b"hxxp",
    b"@",
    b"..",
    b"::",
    b"/",
    b"\xEF\xBB\xBF",
    b"ElfFile\0",
    b"evil.example",
    b"10.0.0.1",
    b"/129",
    b"xn--",
    b"1e999",
    b"\"objects\":",
    b"\"Attribute\":",
];

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 4, "{target}");
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// One change: which, where, how far, with what.
type Edit = (u8, prop::sample::Index, usize, prop::sample::Index);

fn changed(seed: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (what, place, length, token) in edits {
        let at = place.index(bytes.len() + 1);
        let end = (at + length).min(bytes.len());
        let token = TOKENS[token.index(TOKENS.len())];
        match what {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            3 => drop(bytes.splice(at..at, token.iter().copied())),
            _ => drop(bytes.splice(at..end, token.iter().copied())),
        }
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    proptest::collection::vec(
        (0..5_u8, any::<prop::sample::Index>(), 0..80_usize, any::<prop::sample::Index>()),
        0..5,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn log(seed in any::<prop::sample::Index>(), edits in edits()) {
        let seeds = seeds("log");
        entries::log(&changed(&seeds[seed.index(seeds.len())], &edits));
    }

    #[test]
    fn indicators(seed in any::<prop::sample::Index>(), edits in edits()) {
        let seeds = seeds("indicators");
        entries::indicators(&changed(&seeds[seed.index(seeds.len())], &edits));
    }
}

#[test]
fn seeds_as_they_are() {
    seeds("log").iter().for_each(|seed| entries::log(seed));
    seeds("indicators").iter().for_each(|seed| entries::indicators(seed));
}
