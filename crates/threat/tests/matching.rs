//! Logs against indicators: each format by an example, the set by a plain comparison, the false names of real traffic.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use threat::{
    Change, Hit, Indicator, IndicatorKind, IndicatorReader, IndicatorSet, LogFormat, MatchOptions,
    MatchSummary, Matcher, Origin, SetBuilder, Warninglists, match_log,
};

fn set_of(list: &str) -> IndicatorSet {
    let mut builder = SetBuilder::new([1; 32]);
    let origin = Origin::of_source("list");
    let read = IndicatorReader::new(&mut builder).read(&mut list.as_bytes(), &origin).unwrap();
    assert_eq!(read.faults, [], "{list}");
    builder.finish().unwrap()
}

fn run(log: &[u8], set: &IndicatorSet) -> (Vec<Hit>, MatchSummary) {
    let mut hits = Vec::new();
    let matcher = Matcher { set, warninglists: None };
    let options = MatchOptions { log: "log".to_owned(), suppressed: false };
    let mut log = log;
    let summary = match_log(&mut log, &matcher, &options, &mut |hit, _| hits.push(hit.clone())).unwrap();
    assert_eq!(summary.hits, hits.len() as u64);
    (hits, summary)
}

/// Line, field, value and indicator of each hit.
fn found(log: &str, list: &str) -> Vec<(u64, String, String, String)> {
    let (hits, summary) = run(log.as_bytes(), &set_of(list));
    assert_eq!(summary.faults, [], "{log}");
    hits.into_iter().map(|hit| (hit.line, hit.field, hit.value, hit.indicator)).collect()
}

fn check(log: &str, list: &str, want: &[(u64, &str, &str, &str)]) {
    let got = found(log, list);
    let got: Vec<(u64, &str, &str, &str)> = got.iter().map(|(l, f, v, i)| (*l, &**f, &**v, &**i)).collect();
    assert_eq!(got, want, "{log}");
}

const DNS: &str = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n\
    #fields\tts\tuid\tid.orig_h\tid.resp_h\tquery\tanswers\n#types\ttime\tstring\taddr\taddr\tstring\tvector[string]\n";

#[test]
fn zeek_tables_are_read_by_their_head() {
    let log = format!(
        "{DNS}1379288667.631940\tC1\t10.0.0.1\t8.8.8.8\tWWW.Evil.example.\t5.6.7.8,evil.example\n\
         1379288668.0\tC2\t10.0.0.1\t2001:db8::1\tnotevil.example\t-\n\
         1379288669\tC3\t::ffff:10.0.0.1\t-\t(empty)\tx\\x2ey.evil.example\n#close\t2026\n"
    );
    let list = "evil.example\n2001:db8::/32 # a note\n5.6.7.8\n10.0.0.1\n";
    check(
        &log,
        list,
        &[
            (8, "id.orig_h", "10.0.0.1", "10.0.0.1"),
            (8, "query", "WWW.Evil.example.", "evil.example"),
            (8, "answers", "5.6.7.8", "5.6.7.8"),
            (8, "answers", "evil.example", "evil.example"),
            (9, "id.orig_h", "10.0.0.1", "10.0.0.1"),
            (9, "id.resp_h", "2001:db8::1", "2001:db8::/32"),
            (10, "id.orig_h", "::ffff:10.0.0.1", "10.0.0.1"),
            (10, "answers", "x.y.evil.example", "evil.example"),
        ],
    );
    let (hits, summary) = run(log.as_bytes(), &set_of(list));
    assert_eq!(hits[0].time.unwrap().to_string(), "2013-09-15T23:44:27.63194Z");
    assert_eq!((summary.format, summary.lines), (LogFormat::ZeekTsv, 3));
}

#[test]
fn requests_of_zeek_are_urls() {
    let log = "#separator \\x09\n#fields\tts\thost\turi\treferrer\tuser_agent\n#types\ttime\tstring\tstring\tstring\tstring\n\
        1.0\tevil.example\t/a/b.php\thttp://ref.example/x\tEvil Agent 1.0\n1.0\tevil.example\t/a/b.phpx\t-\tGood\n";
    check(
        log,
        "http://Evil.example/a/b.php\nref.example\nevil agent\n",
        &[
            (4, "referrer", "ref.example", "ref.example"),
            (4, "uri", "evil.example/a/b.php", "evil.example/a/b.php"),
            (4, "user_agent", "Evil Agent", "evil agent"),
        ],
    );
}

#[test]
fn digests_files_and_mail_have_their_fields() {
    let log = "#separator \\x09\n#fields\tmailfrom\tto\tfilename\tmd5\n#types\tstring\tset[string]\tstring\tstring\n\
        <Kim@Evil.example>\t\"Lee\" <lee@good.example>,park@good.example\tDropper.EXE\tD41D8CD98F00B204E9800998ECF8427E\n";
    check(
        log,
        "kim@evil.example\nevil.example\npark@good.example\ndropper.exe\nd41d8cd98f00b204e9800998ecf8427e\n",
        &[
            (4, "mailfrom", "Kim@Evil.example", "kim@evil.example"),
            (4, "mailfrom", "Evil.example", "evil.example"),
            (4, "to", "park@good.example", "park@good.example"),
            (4, "filename", "Dropper.EXE", "dropper.exe"),
            (4, "md5", "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"),
        ]
        .map(|row| row),
    );
}

#[test]
fn json_lines_are_read_by_their_names() {
    let list = "evil.example\n1.2.3.4\nhttp://evil.example/a\nd41d8cd98f00b204e9800998ecf8427e\nbad.dll\n";
    for (log, field, value) in [
        (
            r#"{"@timestamp":"2026-03-10T12:00:00Z","dns":{"question":{"name":"a.evil.example"}}}"#,
            "dns.question.name",
            "a.evil.example",
        ),
        (r#"{"time":1773144000000,"src_endpoint":{"ip":"1.2.3.4"}}"#, "src_endpoint.ip", "1.2.3.4"),
        (r#"{"ts":1773144000.0,"id.resp_h":"1.2.3.4"}"#, "id.resp_h", "1.2.3.4"),
        (r#"{"url":{"full":"https://evil.example/b"}}"#, "url.full", "evil.example"),
        (
            r#"{"process":{"hash":{"md5":"D41D8CD98F00B204E9800998ECF8427E"}}}"#,
            "process.hash.md5",
            "D41D8CD98F00B204E9800998ECF8427E",
        ),
        (
            r#"{"EventData":{"Hashes":"SHA1=x,MD5=D41D8CD98F00B204E9800998ECF8427E"}}"#,
            "EventData.Hashes",
            "D41D8CD98F00B204E9800998ECF8427E",
        ),
        (
            r#"{"EventData":{"ImageLoaded":"C:\\Program Files\\x y\\BAD.dll"}}"#,
            "EventData.ImageLoaded",
            "C:\\Program Files\\x y\\BAD.dll",
        ),
        (r#"{"odd":["see evil.example."]}"#, "odd", "evil.example"),
        (r#"{"message":"a \u0065vil.example b"}"#, "message", "evil.example"),
    ] {
        let got = found(log, list);
        assert_eq!(got.len(), 1, "{log}: {got:?}");
        assert_eq!((got[0].0, got[0].1.as_str(), got[0].2.as_str()), (1, field, value), "{log}");
    }
    check(
        "{\"a\":1}\n\n{\"host\":\"evil.example\",\"uri\":\"/a\"}\n",
        list,
        &[(3, "host", "evil.example", "evil.example"), (3, "uri", "evil.example/a", "evil.example/a")],
    );
    check(
        "[\n {\"q\":\"x\"},\n {\"q\":\n \"evil.example\"}\n]\n",
        list,
        &[(3, "q", "evil.example", "evil.example")],
    );
    check(
        "{\n \"q\":\n \"evil.example\"\n}\n{\"q\":\"1.2.3.4\"}\n",
        list,
        &[(1, "q", "evil.example", "evil.example"), (5, "q", "1.2.3.4", "1.2.3.4")],
    );
}

#[test]
fn tables_and_texts_are_read() {
    let list = "evil.example\n1.2.3.0/24\nhttp://evil.example/x?a=b,c\n::1\n";
    check(
        "time,src_ip,note\n2026-03-10 12:00:00,1.2.3.4,\"two\nlines, evil.example\"\n2026,9.9.9.9,-\n2026,1.2.3.5,\n",
        list,
        &[
            (2, "src_ip", "1.2.3.4", "1.2.3.0/24"),
            (2, "note", "evil.example", "evil.example"),
            (5, "src_ip", "1.2.3.5", "1.2.3.0/24"),
        ],
    );
    let mail = "Mar 10 12:00:00 mx postfix/smtp[1]: A1: to=<a@evil.example>, relay=mx.evil.example[1.2.3.4]:25, status=sent\n\
        2026-03-10T12:00:01Z gw fw: deny 1.2.3.9:443->10.0.0.1:22 url=hxxp GET http://evil.example/x?a=b,c\n\
        named: client @0x7f 1.2.3.7#5353 (evil.example): query: evil.example IN A, from [::1]:53\n\
        1.2.3 evil.examples notevil.example evil.example.org 11.2.3.4.5\n";
    let got = found(mail, list);
    let got: Vec<(u64, &str, &str)> =
        got.iter().map(|(line, _, value, _)| (*line, &**value)).map(|(l, v)| (l, v, "")).collect();
    let want = [
        (1, "evil.example"),
        (1, "mx.evil.example"),
        (1, "1.2.3.4"),
        (2, "1.2.3.9"),
        (2, "http://evil.example/x?a=b,c"),
        (2, "evil.example"),
        (3, "1.2.3.7"),
        (3, "evil.example"),
        (3, "::1"),
    ];
    assert_eq!(got.iter().map(|(l, v, _)| (*l, *v)).collect::<Vec<_>>(), want);
}

/// Names of real traffic that a search for substrings took for names of published indicators: what stands before or
/// behind joins them to another name.
#[test]
fn no_hit_within_a_label_or_beyond_a_name() {
    let list = "mail.com\nt.co\nnaver.co\nad.kr\n1.2.3.4\nhot.me\n";
    let names = [
        "hotmail.com.evil.org",
        "hotmail.com",
        "reddit.com",
        "t.com",
        "bit.company",
        "at.co.kr",
        "naver.com",
        "naver.company",
        "broad.kr.com",
        "hot.media",
        "hot.me.uk",
        "nomail.com",
    ];
    let mut log = DNS.to_owned();
    names
        .iter()
        .for_each(|name| log.push_str(&format!("1.0\tC\t11.2.3.4\t1.2.3.40\t{name}\tx{name},21.2.3.4\n")));
    assert_eq!(found(&log, list), []);
    let lines: String =
        names.iter().map(|name| format!("host {name} asked 11.2.3.4 and (x{name})\n")).collect();
    assert_eq!(found(&lines, list), []);
}

#[test]
fn broken_lines_are_faults_and_the_rest_is_read() {
    let set = set_of("evil.example\n");
    let check = |log: &[u8], lines: &[u64], faults: &[(&str, u64)]| {
        let (hits, summary) = run(log, &set);
        assert_eq!(
            hits.iter().map(|hit| hit.line).collect::<Vec<_>>(),
            lines,
            "{}",
            String::from_utf8_lossy(log)
        );
        let got: Vec<(&str, u64)> =
            summary.faults.iter().map(|f| (f.code.as_str(), f.line.unwrap_or(0))).collect();
        assert_eq!(got, faults, "{}", String::from_utf8_lossy(log));
    };
    check(
        format!("{DNS}1.0\tC\t1.1.1.1\n1.0\tC\t-\t-\tevil.example\t-\n").as_bytes(),
        &[9],
        &[("log::cells", 8)],
    );
    check(
        b"{\"q\":\"evil.example\"}\n{\"q\":\"evil.example\"\n{\"q\":\"evil.example\"}\n",
        &[1, 2, 3],
        &[("log::bad_json", 2)],
    );
    check(b"{\"q\":\"evil.example\n{\"q\":\"evil.example\"}\n", &[1, 2], &[("log::bad_json", 1)]);
    check(b"{\"a\":1}\n{\"q\":\"\xFF evil.example\"}\n", &[2], &[("log::bad_utf8", 2)]);
    check(
        b"#separator \\x09\n#set_separator\t,\nfirst evil.example\n#fields\tquery\nevil.example\n",
        &[3, 5],
        &[("log::no_head", 3)],
    );
    check(b"\xFF\xFEa\0", &[], &[("log::utf16", 1)]);
    check(b"a,b\n\"open evil.example\n", &[2], &[("log::open_quote", 2), ("log::cells", 2)]);
    check(b"", &[], &[]);
    check("\u{FEFF}{\"q\":\"evil.example\"}\n".as_bytes(), &[1], &[]);
    let deep = format!("{}{}\n{{\"q\":\"evil.example\"}}\n", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    let (hits, summary) = run(format!("{{\"b\":1}}\n{deep}").as_bytes(), &set);
    assert_eq!((hits[0].line, summary.faults[0].code.as_str()), (3, "log::bad_json"));
}

#[test]
fn hostile_names_hide_nothing() {
    let list = "evil.example\n*.below.example\nxn--bcher-kva.example\n";
    for (name, hit) in [
        ("a b!.evil.example", true),
        ("..evil.example", true),
        (".evil.example", true),
        ("evil.example..", false),
        ("xn--.evil.example", true),
        ("below.example", false),
        (".below.example", false),
        ("x.below.example", true),
        ("Bücher.EXAMPLE", true),
        ("B\\xc3\\xbccher.example", true),
        ("evil\\x2eexample", true),
    ] {
        let log = format!("{DNS}1.0\tC\t-\t-\t{name}\t-\n");
        let (hits, _) = run(log.as_bytes(), &set_of(list));
        assert_eq!(!hits.is_empty(), hit, "{name}");
    }
    let long = format!("{}.evil.example", "a".repeat(400));
    assert_eq!(found(&format!("{DNS}1.0\tC\t-\t-\t{long}\t-\n"), list).len(), 1);
}

#[test]
fn suppressed_hits_are_counted_and_can_be_shown() {
    let set = set_of("8.8.8.8\nevil.example\n");
    let mut lists = Warninglists::default();
    let list = br#"{"name":"Public resolvers","type":"cidr","list":["8.8.8.0/24"],"matching_attributes":["ip-dst"]}"#;
    assert_eq!(lists.read(list, "list.json"), []);
    let log = format!("{DNS}1.0\tC\t-\t8.8.8.8\tevil.example\t-\n");
    for shown in [false, true] {
        let matcher = Matcher { set: &set, warninglists: Some(&lists) };
        let options = MatchOptions { log: "log".to_owned(), suppressed: shown };
        let mut hits = Vec::new();
        let summary =
            match_log(&mut log.as_bytes(), &matcher, &options, &mut |hit, _| hits.push(hit.clone())).unwrap();
        assert_eq!((summary.hits, summary.suppressed, hits.len()), (1, 1, 1 + usize::from(shown)));
        let lists: Vec<_> = hits.iter().filter_map(|hit| hit.suppressed_by.as_deref()).collect();
        assert_eq!(lists, ["Public resolvers"][..usize::from(shown)]);
    }
}

#[test]
fn changes_count_at_once_and_after_merging() {
    let origin = |source: &str| Origin::of_source(source);
    let indicator = |text: &str| Indicator::by_shape(text).unwrap();
    let mut set = set_of("old.example\n10.0.0.0/8\nsome words\n1.2.3.4\n");
    let add = |text: &str| Change::Add { indicator: indicator(text), origin: origin("new").into() };
    let remove = |text: &str| Change::Remove { indicator: indicator(text), only_from: None };
    let log = "see old.example and 10.1.1.1 some words 1.2.3.4 new.example 11.1.1.1 other words\n";
    let values = |set: &IndicatorSet| {
        let mut all: Vec<String> = run(log.as_bytes(), set).0.into_iter().map(|hit| hit.indicator).collect();
        all.sort();
        all
    };
    assert_eq!(values(&set), ["1.2.3.4", "10.0.0.0/8", "old.example", "some words"]);
    let changes = ["new.example", "11.0.0.0/8", "other words"].map(add);
    set.apply(&changes).unwrap();
    set.apply(&["old.example", "10.0.0.0/8", "some words"].map(remove)).unwrap();
    let want = ["1.2.3.4", "11.0.0.0/8", "new.example", "other words"];
    assert_eq!(values(&set), want);
    let merged = set.merged().unwrap();
    assert_eq!((values(&merged), merged.unmerged()), (want.map(str::to_owned).to_vec(), 0));
    // Gone from one source only, and back again.
    set.apply(&[add("1.2.3.4")]).unwrap();
    let only = Some(("list".to_owned(), None));
    set.apply(&[Change::Remove { indicator: indicator("1.2.3.4"), only_from: only }]).unwrap();
    let sources: Vec<&str> =
        set.origins_of(&indicator("1.2.3.4")).iter().map(|o| o.source.as_str()).collect();
    assert_eq!(sources, ["new"]);
    set.apply(&[remove("new.example"), add("new.example"), add("old.example")]).unwrap();
    assert!(
        values(&set).contains(&"new.example".to_owned()) && values(&set).contains(&"old.example".to_owned())
    );
}

/// One of a few labels, so that names meet.
fn name() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop_oneof!["[a-c]", "[A-B]b", Just("x-y".to_owned())], 1..4)
        .prop_map(|labels| format!("{}.zz", labels.join(".")))
}

fn address() -> impl Strategy<Value = String> {
    (0..3_u8, 0..3_u8, 0..9_u8).prop_map(|(a, b, c)| format!("10.{a}.{b}.{c}"))
}

fn listed() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => name(),
        2 => address(),
        1 => (address(), 20..32_u8).prop_map(|(address, length)| format!("{address}/{length}")),
    ]
}

/// Whether an indicator, as it was written, names a value: the plain way.
fn names(indicator: &str, value: &str) -> bool {
    let number = |text: &str| text.parse::<std::net::Ipv4Addr>().ok().map(u32::from);
    if let Some((base, length)) = indicator.split_once('/') {
        let shift = 32 - length.parse::<u32>().unwrap();
        return number(value).is_some_and(|n| n >> shift == number(base).unwrap() >> shift);
    }
    let (indicator, value) = (indicator.to_lowercase(), value.to_lowercase());
    value == indicator || (number(&value).is_none() && value.ends_with(&format!(".{indicator}")))
}

proptest! {
    #[test]
    fn the_set_finds_what_a_plain_comparison_finds(
        list in proptest::collection::vec(listed(), 1..30),
        later in proptest::collection::vec((any::<bool>(), 0..60_usize, listed()), 0..20),
        rows in proptest::collection::vec((address(), name(), proptest::collection::vec(prop_oneof![name(), address()], 0..3)), 1..30),
    ) {
        let mut set = set_of(&list.join("\n"));
        let mut known: BTreeSet<Indicator> = list.iter().map(|text| Indicator::by_shape(text).unwrap()).collect();
        for (add, at, text) in &later {
            let indicator = if *add { Indicator::by_shape(text).unwrap() } else {
                Indicator::by_shape(&list[at % list.len()]).unwrap()
            };
            let origin = Origin::of_source("later").into();
            if *add { known.insert(indicator.clone()); } else { known.remove(&indicator); }
            let change = if *add { Change::Add { indicator, origin } } else { Change::Remove { indicator, only_from: None } };
            set.apply(&[change]).unwrap();
        }
        let mut log = DNS.to_owned();
        let mut want = BTreeSet::new();
        for (index, (address, name, answers)) in rows.iter().enumerate() {
            log.push_str(&format!("1.0\tC\t{address}\t-\t{name}\t{}\n", answers.join(",")));
            let fields = [("id.orig_h", address), ("query", name)];
            for (field, value) in fields.into_iter().chain(answers.iter().map(|answer| ("answers", answer))) {
                for one in known.iter().filter(|one| names(&one.text(), value)) {
                    want.insert((index as u64 + 8, field.to_owned(), value.clone(), one.text().into_owned()));
                }
            }
        }
        for set in [&set, &set.merged().unwrap()] {
            let got: BTreeSet<_> = run(log.as_bytes(), set).0.into_iter().map(|h| (h.line, h.field, h.value, h.indicator)).collect();
            prop_assert_eq!(&got, &want);
        }
    }
}

#[test]
fn nouns_come_from_a_hit() {
    let stix = r#"{"type":"bundle","id":"bundle--1","objects":[{"type":"indicator","id":"indicator--1","name":"n",
        "pattern_type":"stix","pattern":"[domain-name:value = 'evil.example']","valid_from":"2020-01-01T00:00:00Z",
        "valid_until":"2021-01-01T00:00:00Z",
        "object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"]}]}"#;
    let set = set_of(stix);
    let log =
        format!("{DNS}1773144000.5\tC\t-\t-\tw.evil.example\t-\n1773144100.5\tC\t-\t-\tevil.example\t-\n");
    let matcher = Matcher { set: &set, warninglists: None };
    let options = MatchOptions { log: "dns.log".to_owned(), suppressed: false };
    let context = threat::HitContext {
        source: base::Source::ungraded("sensor"),
        received: "2026-03-10T12:01:00Z".parse().unwrap(),
        marking: base::Marking::new("RESTRICTED", &[], "KOR"),
    };
    let gathered = || {
        let mut groups = threat::HitGroups::new(100);
        match_log(&mut log.as_bytes(), &matcher, &options, &mut |hit, line| groups.take(hit, line)).unwrap();
        assert_eq!(groups.untold(), 0);
        groups.into_groups()
    };
    let groups = gathered();
    assert_eq!(groups, gathered());
    let [group] = &groups[..] else { panic!("{groups:?}") };
    assert!(group.outside_validity && group.first.kind == IndicatorKind::Domain && group.hits == 2);
    let lines: Vec<&str> = log.lines().skip(7).collect();
    assert_eq!(group.evidence(), format!("{}\n", lines.join("\n")).as_bytes());
    let observation = threat::observation_of_hits(group, &context);
    let finding = threat::finding_of_hits(group, &context, &[]);
    assert_eq!((observation.title.as_str(), observation.items), ("dns.log, lines 8, 9", 2));
    assert_eq!(finding.title, "domain evil.example seen 2 times in dns.log, first in field query of line 8");
    assert_eq!(finding.interval.end().to_string(), "2026-03-10T12:01:40.5Z");
    assert_eq!(finding.objects[0].id, "domain:evil.example");
    assert_eq!(finding.confidence, base::Confidence::Low);
    let seen = threat::sightings_of_hits(group, &set);
    assert_eq!(seen[0].count, 2);
    let sighting = &seen[0];
    assert_eq!(
        (sighting.object.as_deref(), sighting.marking.tlp.as_deref()),
        (Some("indicator--1"), Some("AMBER"))
    );
    let document = base::to_document(sighting).unwrap();
    assert_eq!(base::from_document::<threat::Sighting>(&document).unwrap(), *sighting);
    assert!(!document.to_string().contains("w.evil.example"), "{document}");
}
