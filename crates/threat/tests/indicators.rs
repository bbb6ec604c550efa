//! Indicators from each format, and what of them cannot be used.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base::FaultLevel;
use threat::{Indicator, IndicatorFormat, IndicatorReader, IndicatorsRead, Origin};

fn read(text: &[u8]) -> (Vec<(Indicator, Origin)>, IndicatorsRead) {
    let mut all = Vec::new();
    let mut text = text;
    let read = IndicatorReader::each(&mut text, &Origin::of_source("file"), &mut |indicator, origin| {
        all.push((indicator, origin.clone()));
    });
    let read = read.unwrap();
    assert_eq!(read.indicators, all.len() as u64);
    (all, read)
}

fn check(text: &str, format: IndicatorFormat, indicators: &[&str], faults: &[(&str, u64)]) {
    let (all, read) = read(text.as_bytes());
    let got: Vec<String> = all.iter().map(|(i, _)| format!("{} {}", i.kind(), i.text())).collect();
    assert_eq!(got, indicators, "{text}");
    let got: Vec<(&str, u64)> = read.faults.iter().map(|f| (f.code.as_str(), f.line.unwrap_or(0))).collect();
    assert_eq!((got.as_slice(), read.format), (faults, format), "{text}");
}

#[test]
fn plain_lists() {
    check(
        "# notes\n\nEvil.example # why\r\nhttp://h.example/a#b\nhxxp://h[.]example/c # d\n0.0.0.0 ads.example\n\
         1.2.3.4,seen\n1.2.3.400\nabc\nx.example y z\nGlobal\\Mutex one\n",
        IndicatorFormat::List,
        &[
            "domain evil.example",
            "url h.example/a",
            "url h.example/c",
            "domain ads.example",
            "address 1.2.3.4",
            "domain x.example",
            "text global\\mutex one",
        ],
        &[("indicator::bad_address", 8), ("indicator::too_short", 9)],
    );
    check("", IndicatorFormat::Empty, &[], &[]);
    check("\u{FEFF}evil.example", IndicatorFormat::List, &["domain evil.example"], &[]);
    check("[2001:db8::1]\n", IndicatorFormat::List, &["address 2001:db8::1"], &[]);
    let (all, read) = read(b"a.example\nb\xFF.example\nc.example\n");
    assert_eq!(all.len(), 2);
    let fault = &read.faults[0];
    assert_eq!(
        (fault.code.as_str(), fault.line, fault.byte_start),
        ("indicator::bad_utf8", Some(2), Some(11))
    );
}

#[test]
fn tables() {
    check(
        "type,value,comment,to_ids\nip-dst|port,1.2.3.4|443,c,1\nfilename|md5,a.exe|d41d8cd98f00b204e9800998ecf8427e,,1\n\
         comment,text,,1\ndomain,off.example,,0\nurl,\"http://h.example/a,b\",,1\nmd5,zz,,1\n",
        IndicatorFormat::Csv,
        &["address 1.2.3.4", "digest d41d8cd98f00b204e9800998ecf8427e", "url h.example/a,b"],
        &[("indicator::not_of_kind", 7)],
    );
    check(
        "# \"first_seen\",\"dst_ip\",\"port\"\n\"2020\",\"1.2.3.4\",\"80\"\n",
        IndicatorFormat::Csv,
        &["address 1.2.3.4"],
        &[],
    );
    check(
        "Indicator type;Indicator\nhostname;a.example\nFileHash-SHA1;da39a3ee5e6b4b0d3255bfef95601890afd80709\nCIDR;10.0.0.0/8\n",
        IndicatorFormat::Csv,
        &["domain a.example", "digest da39a3ee5e6b4b0d3255bfef95601890afd80709", "network 10.0.0.0/8"],
        &[],
    );
    check(
        "#fields\tindicator\tindicator_type\tmeta.source\nevil.example\tIntel::DOMAIN\tx\n1.2.3.4\tIntel::ADDR\tx\n",
        IndicatorFormat::ZeekIntel,
        &["domain evil.example", "address 1.2.3.4"],
        &[],
    );
}

const BUNDLE: &str = r#"{"type":"bundle","id":"bundle--1","objects":[
{"type":"indicator","id":"indicator--1","name":"one","pattern_type":"stix","pattern":"[domain-name:value = 'Evil.example' OR ipv4-addr:value = '10.0.0.0/8']"},
{"type":"indicator","id":"indicator--2","revoked":true,"pattern":"[domain-name:value = 'gone.example']"},
{"type":"indicator","id":"indicator--3","pattern":"[domain-name:value = 'a.example' AND file:size = 3]"},
{"type":"indicator","id":"indicator--4","pattern_type":"sigma","pattern":"title: x"},
{"type":"indicator","id":"indicator--5","pattern":"[ipv4-addr:value = '1.2.3.400']"},
{"type":"indicator","id":"indicator--6","pattern":7},
{"type":"file","id":"file--1","name":"A.exe","hashes":{"MD5":"d41d8cd98f00b204e9800998ecf8427e","SSDEEP":"3:x"}},
{"type":"url","id":"url--1","value":"http://h.example/a"},
{"type":"malware","id":"malware--1","name":"m"},
5
]}"#;

#[test]
fn bundles_of_stix() {
    let values = [
        "domain evil.example",
        "network 10.0.0.0/8",
        "digest d41d8cd98f00b204e9800998ecf8427e",
        "file_name a.exe",
        "url h.example/a",
    ];
    let faults = [
        ("indicator::pattern_beyond_values", 4),
        ("indicator::other_pattern", 5),
        ("indicator::not_of_kind", 6),
        ("indicator::bad_object", 7),
        ("indicator::bad_object", 11),
    ];
    check(BUNDLE, IndicatorFormat::Stix, &values, &faults);
    let (all, read) = read(BUNDLE.as_bytes());
    assert_eq!(
        (all[1].1.object.as_deref(), all[1].1.name.as_deref(), read.passed_over),
        (Some("indicator--1"), Some("one"), 1)
    );
    assert_eq!(read.faults[0].level, FaultLevel::Warning);
    // Cut off: what stands before the cut is read.
    let cut = &BUNDLE[..BUNDLE.find("malware").unwrap()];
    let (all, read) = self::read(cut.as_bytes());
    assert_eq!(all.len(), values.len());
    let last = read.faults.last().unwrap();
    assert_eq!((last.code.as_str(), last.line), ("indicator::bad_json", Some(10)));
    // Objects without a bundle, one a line.
    check(
        "{\"type\":\"domain-name\",\"id\":\"domain-name--1\",\"value\":\"a.example\"}\n\n{\"type\":\"ipv4-addr\",\"id\":\"ipv4-addr--1\",\"value\":\"1.2.3.400\"}\n",
        IndicatorFormat::Stix,
        &["domain a.example"],
        &[("indicator::not_of_kind", 3)],
    );
}

#[test]
fn events_of_misp() {
    let event = r#"{"response":[{"Event":{"uuid":"e","info":"x","Attribute":[
{"uuid":"a1","type":"domain|ip","value":"evil.example|1.2.3.4","to_ids":true,"comment":"c2"},
{"uuid":"a2","type":"link","value":"http://report.example/","to_ids":true},
{"uuid":"a3","type":"domain","value":"off.example","to_ids":false},
{"uuid":"a4","type":"domain","value":"gone.example","to_ids":true,"deleted":true},
{"uuid":"a5","type":"md5","value":"nonsense","to_ids":true}],
"Object":[{"name":"file","Attribute":[{"uuid":"a6","type":"filename|sha1","value":"x|da39a3ee5e6b4b0d3255bfef95601890afd80709","to_ids":true,"Tag":[{"name":"tlp:red"}]}]}],
"Tag":[{"name":"tlp:green"},{"name":"tlp:amber"}]}}]}"#;
    check(
        event,
        IndicatorFormat::Misp,
        &["domain evil.example", "address 1.2.3.4", "digest da39a3ee5e6b4b0d3255bfef95601890afd80709"],
        &[("indicator::not_of_kind", 6)],
    );
    let (all, read) = read(event.as_bytes());
    let tlp: Vec<_> = all.iter().map(|(_, o)| o.marking.as_ref().unwrap().tlp.as_deref().unwrap()).collect();
    assert_eq!((tlp, read.passed_over), (vec!["AMBER", "AMBER", "RED"], 3));
    assert_eq!((all[0].1.object.as_deref(), all[0].1.name.as_deref()), (Some("a1"), Some("c2")));
}

#[test]
fn hostile_documents_take_bounded_time_and_memory() {
    for text in [
        "[".repeat(100_000),
        format!("{{\"objects\":{}", "[".repeat(100_000)),
        format!("{{\"Event\":{}", "{\"Object\":".repeat(100_000)),
        format!("{{\"objects\":[{{\"type\":\"indicator\",\"pattern\":\"{}\"}}]}}", "[".repeat(2 << 20)),
        "x".repeat(70 << 10),
    ] {
        let (all, read) = read(text.as_bytes());
        assert_eq!(all.len(), 0);
        assert!(
            !read.faults.is_empty() && read.faults.iter().all(|fault| fault.message.len() < 400),
            "{:?}",
            read.faults
        );
    }
    let many = "1.2.3.400\n".repeat(20_000);
    assert_eq!(read(many.as_bytes()).1.faults.len(), 10_001);
}
