//! What patterns are measured on: as many observations as asked for, each with an address, a name, a file and a URL of
//! its own, and eight patterns of all kinds.

use std::fmt::Write;

/// An equality of each kind, LIKE, ISSUBSET, MATCHES with AND, FOLLOWEDBY with WITHIN, and OR with IN.
pub(crate) const PATTERNS: [&str; 8] = [
    "[ipv4-addr:value = '10.0.0.7']",
    "[domain-name:value = 'h77.example.com']",
    "[file:hashes.'SHA-256' = '0000000000000000000000000000000000000000000000000000000000000021']",
    "[url:value LIKE 'http://h5%.example.com/%']",
    "[ipv4-addr:value ISSUBSET '10.0.1.0/24']",
    r"[file:name MATCHES '^f9[0-9]+\\.exe$' AND file:size > 5]",
    "[domain-name:value = 'h1.example.com'] FOLLOWEDBY [ipv4-addr:value = '10.0.0.9'] WITHIN 600 SECONDS",
    "[ipv4-addr:value = '10.0.0.3' OR domain-name:value IN ('a','b','h4.example.com')]",
];

/// An array of STIX 2.1 bundles, one an observation.
pub(crate) fn observed_json(count: usize) -> String {
    let mut json = String::with_capacity(count * 1400);
    for number in 0..count {
        json.push_str(if number == 0 { "[" } else { ",\n" });
        // Writing to a string does not fail.
        let _ = bundle(&mut json, number);
    }
    json.push_str("]\n");
    json
}

fn bundle(json: &mut String, n: usize) -> std::fmt::Result {
    let id = |kind: &str, offset: usize| format!("{kind}--{:08x}-0000-4000-8000-{:012x}", offset, n + 1);
    let [address, name] = [id("ipv4-addr", 0), id("domain-name", 1)];
    let [file, url] = [id("file", 2), id("url", 3)];
    let time = format!("2026-01-01T{:02}:{:02}:{:02}Z", n / 3600 % 24, n / 60 % 60, n % 60);
    write!(
        json,
        r#"{{"type":"bundle","id":"{}","objects":[{{"type":"observed-data","spec_version":"2.1","id":"{}","created":"{time}","modified":"{time}","first_observed":"{time}","last_observed":"{time}","number_observed":1,"object_refs":["{address}","{name}","{file}","{url}"]}},"#,
        id("bundle", 5),
        id("observed-data", 4),
    )?;
    let ip = format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255);
    write!(json, r#"{{"type":"ipv4-addr","spec_version":"2.1","id":"{address}","value":"{ip}"}},"#)?;
    write!(
        json,
        r#"{{"type":"domain-name","spec_version":"2.1","id":"{name}","value":"h{n}.example.com"}},"#
    )?;
    write!(
        json,
        r#"{{"type":"file","spec_version":"2.1","id":"{file}","name":"f{n}.exe","hashes":{{"SHA-256":"{n:064x}"}},"size":{n}}},"#
    )?;
    write!(
        json,
        r#"{{"type":"url","spec_version":"2.1","id":"{url}","value":"http://h{n}.example.com/a/b?i={n}"}}]}}"#
    )
}

/// Equality patterns, most of which match nothing: names that no observation has, and each thousandth that one has.
pub(crate) fn equalities(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| match n % 4 {
        0 if n % 1000 == 0 => format!("[domain-name:value = 'h{}.example.com']", n / 1000),
        0 => format!("[domain-name:value = 'indicator{n}.example.org']"),
        1 => format!("[ipv4-addr:value = '192.168.{}.{}']", n >> 8 & 255, n & 255),
        2 => format!("[file:hashes.'SHA-256' = 'ff{n:062x}' OR file:name = 'bad{n}.exe']"),
        _ => format!("[url:value = 'http://bad{n}.example.org/' AND url:value != 'x']"),
    })
}
