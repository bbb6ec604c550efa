//! The corpus of the fuzz targets on stable: every seed, and changes of each, through the functions of the targets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../fuzz/entries.rs"]
mod entries;

/// What breaks readers: signs of the formats, zeros, bytes of half characters.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\xFF",
    b"\xC3",
    b"\n",
    b"\r\n",
    b"=",
    b"[",
    b"]",
    b"<",
    b"</",
    b"/>",
    b"&a;",
    b"&#0;",
    b"<!DOCTYPE a>",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"NaN",
    b"-",
    b"1e999",
    b"\"",
    b",",
    b"{",
    b"}",
    b"COMMENT ",
    b"META_START\n",
    b"COVARIANCE_START\n",
    b"DATA_STOP\n",
    b"CCSDS_OEM_VERS = 3.0\n",
    b"\xEF\xBB\xBF",
    b"\xFE\xFF",
    b" ",
    b"\t",
];

fn replay(target: &str, entry: fn(&[u8])) {
    testkit::corpus::replay(target, TOKENS, entry).unwrap();
}

#[test]
fn tle() {
    replay("tle", entries::catalogue);
}

#[test]
fn omm_json() {
    replay("omm_json", entries::catalogue);
}

#[test]
fn omm_csv() {
    replay("omm_csv", entries::catalogue);
}

#[test]
fn kvn() {
    replay("kvn", entries::messages);
    replay("kvn", entries::catalogue);
}

#[test]
fn xml() {
    replay("xml", entries::messages);
    replay("xml", entries::catalogue);
}
