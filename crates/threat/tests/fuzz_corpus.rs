//! The corpus of the fuzz targets on stable: every seed, and changes of each, through the functions of the targets.

#[path = "../../../fuzz/threat_entries.rs"]
mod entries;

/// What breaks readers of patterns and of observed data.
const TOKENS: &[&[u8]] = &[
    b"\0",
    "é".as_bytes(),
    b"\xEF\xBB\xBF",
    b"'",
    b"\\",
    b"(",
    b")",
    b"[",
    b"]",
    b"[*]",
    b"{",
    b"}",
    b",",
    b":",
    b".",
    b"null",
    b"true",
    b"1e999",
    b"-0",
    b"99999999999999999999",
    b"NOT ",
    b" AND ",
    b" OR ",
    b" FOLLOWEDBY ",
    b" REPEATS 3 TIMES",
    b" WITHIN 1 SECONDS",
    b"_ref",
    b"_refs",
    b"_hex",
    b"_bin",
    b"h''",
    b"t'",
    b"//",
    b"/*",
    b"*/",
    b"\"",
    b"\"0\":",
    b"observed-data",
    b"2026-01-01T00:00:00Z",
];

#[test]
fn pattern() {
    testkit::corpus::replay("pattern", TOKENS, entries::pattern).unwrap();
}

#[test]
fn observed() {
    testkit::corpus::replay("observed", TOKENS, entries::observed).unwrap();
}
