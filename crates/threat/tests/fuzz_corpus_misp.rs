//! The corpus of the MISP fuzz target on stable: every seed, and changes of each, through the function of the target.

#![expect(clippy::print_stdout, reason = "counts of what agrees are printed")]
#[path = "../../../fuzz/misp_entries.rs"]
mod entries;

use testkit::corpus::{CHANGES, replay};

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

#[test]
fn seeds_and_their_changes_break_nothing() {
    let seeds = replay("misp", TOKENS, entries::misp).unwrap();
    assert!(seeds >= 3);
    println!("{seeds} seeds and {} changes of them", seeds as u64 * CHANGES);
}
