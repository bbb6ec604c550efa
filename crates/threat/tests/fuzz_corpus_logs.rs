//! The corpus of the fuzz targets on stable: every seed, and changes of each, through the functions of the targets.

#[path = "../../../fuzz/log_entries.rs"]
mod entries;

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
    b"ElfChnk\0",
    b"\x2a\x2a\0\0",
    b"evil.example",
    b"10.0.0.1",
    b"/129",
    b"xn--",
    b"1e999",
    b"\"objects\":",
    b"\"Attribute\":",
];

#[test]
fn log() {
    testkit::corpus::replay("log", TOKENS, entries::log).unwrap();
}

#[test]
fn indicators() {
    testkit::corpus::replay("indicators", TOKENS, entries::indicators).unwrap();
}
