//! The corpora of the TAXII fuzz targets on stable: every seed, and changes of each, through the functions of the
//! targets.

#[path = "../../../fuzz/taxii_entries.rs"]
mod entries;

/// What breaks readers of envelopes, of queries and of headers.
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
    b"\\u0000",
    b"\\ud800",
    b",",
    b":",
    b";",
    b"=",
    b"&",
    b"%",
    b"%5B",
    b"%00",
    b"%FF",
    b"+",
    b"*/*",
    b"q=",
    b"q=0",
    b"q=NaN",
    b"version=2.1",
    b"application/taxii+json",
    b"null",
    b"[[[[[[[[",
    b"1e999",
    b"-1",
    b"18446744073709551616",
    b"9999-12-31T23:59:59.999999Z",
    b"match[id]=",
    b"match[version]=",
    b"added_after=",
    b"limit=",
    b"next=",
    b"\"objects\":",
    b"\"id\":",
    b"\"modified\":",
];

#[test]
fn envelopes() {
    testkit::corpus::replay("taxii_envelope", TOKENS, entries::envelope).unwrap();
}

#[test]
fn queries() {
    testkit::corpus::replay("taxii_query", TOKENS, entries::query).unwrap();
}

#[test]
fn headers() {
    testkit::corpus::replay("taxii_headers", TOKENS, entries::headers).unwrap();
}
