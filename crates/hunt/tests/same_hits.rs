//! A hunt over a store gives what matching the logs gives: for real logs of each format and for made ones that grow.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking and reads files"
)]

use std::io::{self, Read};
use std::path::Path;

use hunt::{HuntOptions, HuntSummary, IndexLimits, Indexed, Indexer, Store, Taken};
use proptest::prelude::*;
use threat::{
    Hit, Indicator, IndicatorSet, MatchOptions, Matcher, Origin, SearchKeys, SetBuilder, match_log,
};

/// Blocks and segments of few lines, so that small logs have many.
const SMALL: IndexLimits = IndexLimits {
    block_lines: 7,
    block_bytes: 4096,
    segment_lines: 40,
    segment_keys: 100_000,
    segment_bytes: 1 << 20,
};

fn index(folder: &Path, limits: IndexLimits, logs: &[(&str, &[u8])]) -> Vec<Indexed> {
    let mut indexer = Indexer::open(folder, limits).unwrap();
    let taken = logs.iter().map(|(name, bytes)| add(&mut indexer, name, bytes)).collect();
    indexer.finish().unwrap();
    taken
}

fn add(indexer: &mut Indexer, name: &str, bytes: &[u8]) -> Indexed {
    indexer.add(name, &mut || io::Result::Ok(Box::new(bytes) as Box<dyn Read>)).unwrap()
}

fn set(indicators: &[Indicator]) -> (IndicatorSet, SearchKeys) {
    let mut builder = SetBuilder::with_search_keys([7; 32]);
    let origin = builder.origin(Origin::of_source("test")).unwrap();
    indicators.iter().for_each(|indicator| builder.add(indicator, origin));
    let keys = builder.take_search_keys();
    (builder.finish().unwrap(), keys)
}

fn matched(logs: &[(&str, &[u8])], set: &IndicatorSet) -> Vec<Hit> {
    let mut hits = Vec::new();
    let matcher = Matcher { set, warninglists: None };
    for (name, bytes) in logs {
        let options = MatchOptions { log: (*name).to_owned(), suppressed: false };
        match_log(&mut &bytes[..], &matcher, &options, &mut |hit, _| hits.push(hit.clone())).unwrap();
    }
    hits
}

fn hunted(
    folder: &Path,
    (set, keys): &(IndicatorSet, SearchKeys),
    options: &HuntOptions,
) -> (Vec<Hit>, HuntSummary) {
    let mut hits = Vec::new();
    let store = Store::open(folder).unwrap();
    let matcher = Matcher { set, warninglists: None };
    let summary = store.hunt(keys, &matcher, options, None, &|_, _| {}, &mut |hit, line| {
        assert!(!line.bytes.is_empty());
        hits.push(hit.clone());
    });
    (hits, summary)
}

/// Indicators of every kind that stand in `logs`, one by one and all together: both ways give the same.
fn check(logs: &[(&str, &[u8])], limits: IndexLimits, indicators: &[Indicator]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    index(folder.path(), limits, logs);
    let mut found = 0;
    let alone = indicators.iter().map(std::slice::from_ref);
    for some in alone.chain([indicators]) {
        let searched = set(some);
        let want = matched(logs, &searched.0);
        let (got, summary) = hunted(folder.path(), &searched, &HuntOptions::default());
        assert_eq!(summary.faults, []);
        assert_eq!(got, want, "{some:?}");
        assert_eq!(summary.hits, want.len() as u64);
        found += want.len();
    }
    found
}

fn shapes(texts: &[&str]) -> Vec<Indicator> {
    texts.iter().map(|text| Indicator::by_shape(text).unwrap()).collect()
}

const ZEEK: &str = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n\
#fields\tts\tuid\tid.orig_h\tid.resp_h\tquery\tanswers\thost\turi\n\
#types\ttime\tstring\taddr\taddr\tstring\tvector[string]\tstring\tstring\n";

fn zeek(rows: usize) -> String {
    let mut log = ZEEK.to_owned();
    for n in 0..rows {
        log.push_str(&format!(
            "{}.5\tC{n:04x}z\t10.0.{}.{}\t2001:db8::{:x}\tWWW{}.Evil{}.example\ta{}.cdn.example,203.0.113.{}\thost{}.example\t/path/{n}?q=%2f\n",
            1_700_000_000 + n * 60, n % 7, n % 250, n % 9, n % 11, n % 5, n % 13, n % 200, n % 3
        ));
    }
    log
}

#[test]
fn every_kind_of_indicator_is_found_where_matching_finds_it() {
    let zeek = zeek(300);
    let text: String = (0..100)
        .map(|n| format!(
            "2026-03-{:02}T10:00:00Z host smtpd: from=<bob{n}@mail.evil{}.example> saw Cobalt Strike beacon {n}, \
             file C:\\Temp\\drop{n}.exe md5 {n:032x} see hxxp or http://Evil{}.example:80/a/{n}.php now\r\n",
            1 + n % 28, n % 4, n % 6))
        .collect();
    let json: String = (0..100)
        .map(|n| format!(
            "{{\"@timestamp\":\"2026-01-01T00:00:{:02}Z\",\"source\":{{\"ip\":\"198.51.{}.{n}\"}},\"file\":{{\"hash\":{{\"sha256\":\"{n:064X}\"}},\
             \"path\":\"/tmp/Drop{n}.EXE\"}},\"message\":\"Cobalt \\u0053trike {n}\",\"url\":{{\"full\":\"https://evil{}.example/x\"}}}}\n",
            n % 60, n % 3, n % 4))
        .collect();
    let csv: String = "time,src_ip,host,uri,note\n".to_owned()
        + &(0..60).map(|n| format!("2026-01-01 00:00:00,\"192.0.2.{n}\",evil{}.example,/a/{n}.php,\"two\nlines of Cobalt Strike\"\n", n % 4)).collect::<String>();
    let array = format!("[{}]", json.trim_end().replace('\n', ",\n"));
    let logs: [(&str, &[u8]); 5] = [
        ("zeek", zeek.as_bytes()),
        ("text", text.as_bytes()),
        ("json", json.as_bytes()),
        ("csv", csv.as_bytes()),
        ("array", array.as_bytes()),
    ];
    let mut indicators = shapes(&[
        "evil3.example",
        "*.evil2.example",
        "www7.evil1.example",
        "vil3.example",
        "example",
        "203.0.113.77",
        "203.0.113.64/28",
        "10.0.3.0/24",
        "10.0.0.0/9",
        "10.0.3.1/31",
        "2001:db8::5",
        "2001:db8::/61",
        "2000::/12",
        "198.51.1.0/26",
        "192.0.2.7",
        "http://evil3.example/a/3.php",
        "evil1.example/x",
        "bob7@mail.evil3.example",
        "drop5.exe",
        "/tmp/drop9.exe",
        "00000000000000000000000000000011",
        "Cobalt Strike",
        "cobalt strike beacon 12",
        "obalt Strike",
        "C00a0z",
        "host1.example/path/4?q=%2F",
        "absent.example",
        "8.8.8.8",
    ]);
    indicators.push(Indicator::new(threat::IndicatorKind::Text, "12, f").unwrap());
    let found = check(&logs, SMALL, &indicators);
    assert!(found > 2000, "{found}");
    assert_eq!(check(&logs, IndexLimits::default(), &indicators), found);
}

#[test]
fn real_logs_of_each_format() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../threat/tests/data");
    let mut files = Vec::new();
    let mut folders = vec![data];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            match ending.as_str() {
                _ if path.is_dir() => folders.push(path),
                "log" | "evtx" | "jsonl" | "csv" | "txt" | "json" => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    let read: Vec<(String, Vec<u8>)> =
        files.iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    let logs: Vec<(&str, &[u8])> = read
        .iter()
        .filter(|(_, bytes)| bytes.len() < 2 << 20)
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
        .collect();
    let indicators = shapes(&[
        "example.com",
        "microsoft.com",
        "google.com",
        "10.0.0.0/8",
        "192.168.0.0/16",
        "fe80::/16",
        "8.8.8.8",
        "powershell.exe",
        "cmd.exe",
        "svchost.exe",
        "mimikatz",
        "malware family",
        "administrator",
    ]);
    let found = check(&logs, SMALL, &indicators);
    assert!(logs.len() > 10 && found > 50, "{} logs, {found} hits", logs.len());
}

#[test]
fn a_window_is_half_open_and_lines_without_a_time_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let zeek = zeek(100);
    let undated = b"no time here: evil3.example\n".as_slice();
    index(folder.path(), SMALL, &[("zeek", zeek.as_bytes()), ("text", undated)]);
    let searched = set(&shapes(&["evil3.example"]));
    let all = hunted(folder.path(), &searched, &HuntOptions::default()).0;
    let times: Vec<_> = all.iter().filter_map(|hit| hit.time).collect();
    assert_eq!((all.len(), times.len()), (21, 20));
    let window = |from: usize, to: usize, undated| {
        let options =
            HuntOptions { from: Some(times[from]), to: Some(times[to]), undated, suppressed: false };
        hunted(folder.path(), &searched, &options)
    };
    let (got, summary) = window(4, 9, false);
    assert_eq!(got, all[4..9]);
    assert_eq!((summary.hits, summary.undated), (5, 1));
    assert_eq!(window(4, 9, true).0.len(), 6);
    assert_eq!(window(4, 4, false).0.len(), 0);
}

#[test]
fn the_same_log_is_taken_once_and_a_grown_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    // More than what a format is told from, so that reading goes on and does not begin again.
    let whole = zeek(1500);
    let cut = whole[..120_000].rfind("host").unwrap() + 3;
    assert!(cut > 64 << 10);
    let (half, whole) = (&whole.as_bytes()[..cut], whole.as_bytes());
    let taken = |logs: &[(&str, &[u8])]| -> Vec<(Taken, u64)> {
        index(folder.path(), SMALL, logs).iter().map(|one| (one.taken, one.lines)).collect()
    };
    let first = taken(&[("a", half), ("b", half)]);
    assert_eq!((first[0].0, first[1]), (Taken::New, (Taken::Known, 0)));
    assert_eq!(taken(&[("a", half)])[0], (Taken::Known, 0));
    // The last line was cut off: it is read once more, and what was kept of it no longer counts.
    let grown = taken(&[("a", whole)])[0];
    assert_eq!(grown, (Taken::Continued, 1500 - first[0].1 + 1));
    assert_eq!(taken(&[("rotated", whole)])[0], (Taken::Known, 0));
    let searched = set(&shapes(&["host0.example", "host1.example", "host2.example"]));
    let mut got = hunted(folder.path(), &searched, &HuntOptions::default()).0;
    got.iter_mut().for_each(|hit| hit.log = "a".to_owned());
    assert_eq!(got, matched(&[("a", whole)], &searched.0));

    // A short log that grows is read again; one that begins like it under another name is another.
    let short = b"evil1.example\nevil2.example".as_slice();
    let longer = b"evil1.example\nevil2.example.net\nevil3.example\n".as_slice();
    assert_eq!(taken(&[("s", short), ("t", longer)]), [(Taken::New, 2), (Taken::New, 3)]);
    assert_eq!(taken(&[("s", b"evil1.example\nevil2.example\n")])[0], (Taken::Again, 2));
    let searched = set(&shapes(&["evil2.example"]));
    let got = hunted(folder.path(), &searched, &HuntOptions::default()).0;
    let lines: Vec<_> = got.iter().filter(|hit| hit.log == "s").map(|hit| hit.line).collect();
    assert_eq!(lines, [2]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Made logs from few words, indexed in pieces as they grow.
    #[test]
    fn growing_logs_give_what_matching_the_whole_gives(
        lines in proptest::collection::vec(
            "(1\\.2\\.3\\.[0-9]|[ab]{1,2}\\.(evil|vile)\\.(com|org)|x@[ab]\\.evil\\.com|[a-c]{4}|\"|,|\t|#|\\{|\\}|https?://a\\.evil\\.com/[ab]| |\r){0,12}",
            1..60),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..3),
        repeat in prop::sample::select(vec![1_usize, 400]),
        head in prop::sample::select(vec!["", ZEEK, "time,host,note\n", "{\"a\":1}\n", "#fields\tts\thost\n"]),
        segment_lines in 5_u64..60,
    ) {
        let log = (head.to_owned() + &(lines.join("\n") + "\n").repeat(repeat)).into_bytes();
        let log = &log[..log.len().min(150_000)];
        let folder = tempfile::tempdir().unwrap();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(log.len() + 1)).collect();
        ends.push(log.len());
        ends.sort_unstable();
        let limits = IndexLimits { segment_lines: segment_lines * repeat as u64 / 4 + 5, block_lines: 16, ..SMALL };
        for end in ends {
            index(folder.path(), limits, &[("log", &log[..end])]);
        }
        let searched = set(&shapes(&["evil.com", "*.vile.org", "1.2.3.4", "1.2.3.0/30", "x@a.evil.com",
            "http://a.evil.com/b", "aabb", "a.evil"]));
        let (got, summary) = hunted(folder.path(), &searched, &HuntOptions::default());
        prop_assert_eq!(&summary.faults, &[]);
        prop_assert_eq!(got, matched(&[("log", log)], &searched.0));
    }
}
