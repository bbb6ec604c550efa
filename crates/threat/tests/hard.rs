//! What a hostile or odd input does: an answer or a clear error, in bounded time and memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use threat::{
    MatchError, Observations, Pattern, PatternLimits, PatternMatcher, PatternSet, SpecVersion, Unreadable,
};

fn parse(text: &str) -> Result<Pattern, threat::PatternFault> {
    Pattern::parse(text, SpecVersion::V2_1)
}

/// Code, what the bytes of the fault are, and a part of what is said.
#[track_caller]
fn refused(text: &str, code: &str, bytes: &str, said: &str) {
    let fault = parse(text).map(|pattern| pattern.to_string()).unwrap_err();
    assert_eq!((fault.code, &text[fault.span.start..fault.span.end]), (code, bytes), "{fault}");
    assert!(fault.message.contains(said), "{fault}");
}

#[test]
fn faults_say_what_was_expected_and_found_and_where() {
    refused("[file:size = ]", "pattern::syntax", "]", "expected a constant, found `]`");
    refused("[file.size = 1]", "pattern::syntax", ".", "expected `:` after the object type");
    refused("file:size = 1", "pattern::syntax", "file", "expected `[` or `(`");
    refused("[a:b = 1] within 2 SECONDS", "pattern::syntax", "within", "in capitals, `WITHIN`");
    refused("[a:b = null]", "pattern::syntax", "null", "there is no null");
    refused("[a:b = \"x\"]", "pattern::unknown_character", "\"", "single quotes");
    refused("[a:b MATCHES /x/]", "pattern::unknown_character", "/", "single quotes");
    refused("[a:b-c = 1]", "pattern::syntax", "b-c", "single quotes");
    refused("[a:IN = 1]", "pattern::syntax", "IN", "key words stand in single quotes");
    refused("[a:b = 'x]", "pattern::syntax", "'x]", "no closing quote");
    refused(r"[a:b = '\d']", "pattern::bad_escape", r"\d", r"`\\`");
    refused("[a:b = h'f']", "pattern::bad_hex", "h'f'", "pairs");
    refused("[a:b = b'====']", "pattern::bad_base64", "b'===='", "base64");
    refused("[a:b = t'2026-13-01T00:00:00Z']", "pattern::bad_time", "t'2026-13-01T00:00:00Z'", "YYYY");
    refused("[a:b = 007]", "pattern::bad_number", "007", "leading zero");
    refused("[a:b > true]", "pattern::syntax", "true", "no order");
    refused("[a:b = 1", "pattern::syntax", "", "found the end of the pattern");
    refused("[a:b = 1] [a:b = 1]", "pattern::syntax", "[", "expected an operator");
    refused("[NOT a:b = 1]", "pattern::syntax", "a", "EXISTS");
    refused("[a:b = 1] START '2026-01-01T00:00:00Z'", "pattern::syntax", "'2026-01-01T00:00:00Z'", "t'");
    refused("[é:b = 1]", "pattern::unknown_character", "é", "no meaning");
}

#[test]
fn versions_differ_in_exists_and_bounds() {
    let both = |text: &str| {
        [SpecVersion::V2_0, SpecVersion::V2_1].map(|version| Pattern::parse(text, version).is_ok())
    };
    assert_eq!(both("[NOT EXISTS a:b]"), [false, true]);
    assert_eq!(both("[EXISTS:EXISTS = 1]"), [true, false]);
    assert_eq!(both("[a:b = 1] START '2026-01-01T00:00:00Z' STOP '2026-01-02T00:00:00Z'"), [true, false]);
    assert_eq!(both("[a:b = 1] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'"), [true, true]);
}

#[test]
fn ten_thousand_levels_are_refused() {
    for (open, middle, close) in [("(", "[a:b = 1]", ")"), ("[(", "", "")] {
        let text = format!("{}{middle}{}", open.repeat(10_000), close.repeat(10_000));
        assert!(["pattern::too_deep", "pattern::syntax"].contains(&parse(&text).unwrap_err().code));
    }
    let text = format!("[{}a:b = 1{}]", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(parse(&text).unwrap_err().code, "pattern::too_deep");
    let text = format!("[a:b = 1]{}", " WITHIN 5 SECONDS".repeat(10_000));
    assert_eq!(parse(&text).unwrap_err().code, "pattern::too_deep");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(Observations::from_json(deep.as_bytes()).faults.len(), 1);
    let deep = format!(r#"{{"type":"a","id":"a","x":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let read = Observations::from_json(observed(&[&deep]).as_bytes());
    assert_eq!(read.faults.iter().map(|fault| &*fault.code).collect::<Vec<_>>(), ["observations::bad_json"]);
}

/// Observations a second apart, each with one object, in the form of version 2.0.
fn observed(objects: &[&str]) -> String {
    let one = |(number, object): (usize, &&str)| {
        let time = format!("2026-01-01T{:02}:{:02}:{:02}Z", number / 3600, number / 60 % 60, number % 60);
        format!(
            r#"{{"type":"observed-data","first_observed":"{time}","last_observed":"{time}","number_observed":1,"objects":{{"0":{object}}}}}"#
        )
    };
    format!("[{}]", objects.iter().enumerate().map(one).collect::<Vec<_>>().join(","))
}

fn read(objects: &[&str]) -> Observations {
    let read = Observations::from_json(observed(objects).as_bytes());
    assert_eq!(read.faults, []);
    read.observations
}

#[test]
fn megabyte_patterns_are_read_and_evaluated() {
    let observations = read(&[r#"{"type":"a","b":77}"#; 50]);
    let limits = PatternLimits::default();
    let chain =
        |joint: &str, one: &dyn Fn(usize) -> String| (0..50_000).map(one).collect::<Vec<_>>().join(joint);
    let or = parse(&format!("[{}]", chain(" OR ", &|n| format!("a:b = {n}")))).unwrap();
    assert!(or.matches(&observations, &limits).unwrap().is_some());
    let and = parse(&format!("[{}]", chain(" AND ", &|_| "a:b = 77".to_owned()))).unwrap();
    assert!(and.matches(&observations, &limits).unwrap().is_some());
    let set = parse(&format!("[a:b IN ({})]", chain(", ", &|n| n.to_string()))).unwrap();
    assert!(set.matches(&observations, &limits).unwrap().is_some());
    for joint in [" AND ", " FOLLOWEDBY "] {
        let many = parse(&chain(joint, &|_| "[a:b = 77]".to_owned())).unwrap();
        assert_eq!(many.matches(&observations, &limits).unwrap(), None, "more tests than observations");
    }
    let either = parse(&chain(" OR ", &|n| format!("[a:b = {n}]"))).unwrap();
    assert!(either.matches(&observations, &limits).unwrap().is_some());
    let text = format!("[a:b = '{}']", "x".repeat(4 << 20));
    assert_eq!(parse(&text).unwrap().to_string(), text);
    let text = format!("[a:b = '{}']", "x".repeat(threat::MAX_PATTERN_BYTES));
    assert_eq!(parse(&text).unwrap_err().code, "pattern::too_long");
}

#[test]
fn counts_are_never_expanded() {
    let time = "2026-01-01T00:00:00Z";
    let one = json!([{"type": "observed-data", "first_observed": time, "last_observed": time,
        "number_observed": 999_999_999_u64, "objects": {"0": {"type": "a", "b": 1}}}]);
    let read = Observations::from_json(one.to_string().as_bytes());
    let check = |text: &str, expected: bool| {
        let found = parse(text).unwrap().matches(&read.observations, &PatternLimits::default());
        assert_eq!(found.unwrap().is_some(), expected, "{text}");
    };
    check("[a:b = 1] REPEATS 999999999 TIMES", true);
    check("[a:b = 1] REPEATS 1000000000 TIMES", false);
    check("[a:b = 1] REPEATS 500000000 TIMES AND [a:b = 1] REPEATS 499999999 TIMES", true);
    check("[a:b = 1] REPEATS 500000000 TIMES AND [a:b = 1] REPEATS 500000000 TIMES", false);
    check("([a:b = 1] REPEATS 99999 TIMES) REPEATS 9999 TIMES WITHIN 1 SECONDS", true);
    check("[a:b = 1] REPEATS 18446744073709551615 TIMES", false);
    check("[a:b = 1] REPEATS 400000000 TIMES FOLLOWEDBY [a:b = 1] REPEATS 400000000 TIMES", true);
}

#[test]
fn many_observations_and_repeats_have_an_answer() {
    let objects: Vec<String> =
        (0..2000).map(|n| format!(r#"{{"type":"a","b":{},"c":{n}}}"#, n % 2)).collect();
    let observations = read(&objects.iter().map(String::as_str).collect::<Vec<_>>());
    let check = |text: &str, expected: bool| {
        let found = parse(text).unwrap().matches(&observations, &PatternLimits::default());
        assert_eq!(found.map(|found| found.is_some()), Ok(expected), "{text}");
    };
    check("([a:b = 0] FOLLOWEDBY [a:b = 1]) REPEATS 40 TIMES", true);
    check("([a:b = 1] AND [a:b = 0]) WITHIN 1 SECONDS REPEATS 40 TIMES", true);
    check("([a:b = 1] AND [a:b = 0]) WITHIN 1 SECONDS REPEATS 1001 TIMES", false);
    check("([a:b = 1] AND [a:b = 0]) REPEATS 1000 TIMES WITHIN 1999 SECONDS", true);
    check("([a:b = 1] AND [a:b = 0]) REPEATS 1000 TIMES WITHIN 1998 SECONDS", false);
    check("[a:c > 1998] FOLLOWEDBY [a:c < 1]", false);
    check("[a:c < 1] FOLLOWEDBY [a:c > 1998] FOLLOWEDBY [a:c > 1998]", false);
    check("([a:c = 0] AND [a:c = 1999]) WITHIN 1998 SECONDS", false);
    check("([a:c = 0] AND [a:c = 1999]) WITHIN 1999 SECONDS", true);
}

#[test]
fn choices_upon_one_another_are_limited() {
    let observations = read(&[r#"{"type":"a","b":1}"#; 20]);
    let choices = vec!["([a:b = 2] OR ([a:b = 1] AND [a:b = 3]))"; 600];
    let found = parse(&choices.join(" AND ")).unwrap().matches(&observations, &PatternLimits::default());
    assert_eq!(found, Err(MatchError::TooManyChoices));
}

/// The packing of triples (Karp, 1972) as a pattern: no way in polynomial time is known, so the limit ends it.
#[test]
fn what_is_hard_ends_at_the_limit() {
    let mut seed = 7_u64;
    let mut next = |limit: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % limit
    };
    let objects: Vec<String> = (0..60).map(|n| format!(r#"{{"type":"a","n":{n}}}"#)).collect();
    let observations = read(&objects.iter().map(String::as_str).collect::<Vec<_>>());
    let triple = |next: &mut dyn FnMut(u64) -> u64| {
        format!("([a:n = {}] AND [a:n = {}] AND [a:n = {}])", next(60), next(60), next(60))
    };
    let triples: Vec<String> = (0..40).map(|_| triple(&mut next)).collect();
    let text = format!("({}) REPEATS 20 TIMES", triples.join(" OR "));
    let limits = PatternLimits { max_steps: 3_000_000, ..PatternLimits::default() };
    let found = parse(&text).unwrap().matches(&observations, &limits);
    assert_eq!(found, Err(MatchError::LimitReached(3_000_000)));
}

#[test]
fn evil_expressions_run_in_linear_time() {
    let long = format!(r#"{{"type":"a","b":"{}!"}}"#, "a".repeat(1_000_000));
    let observations = read(&[&long]);
    let check = |text: &str, expected: bool| {
        let found = parse(text).unwrap().matches(&observations, &PatternLimits::default());
        assert_eq!(found.unwrap().is_some(), expected, "{text}");
    };
    check("[a:b MATCHES '^(a+)+$']", false);
    check("[a:b MATCHES '(a|a)*b']", false);
    check("[a:b MATCHES '^(([a-z])+.)+[A-Z]([a-z])+$']", false);
    check("[a:b LIKE '%a%a%a%a%a%b']", false);
    check("[a:b LIKE '%a_a%a_a%!']", true);
    let look = parse(r"[a:b MATCHES '(?=a)b']").unwrap();
    let fault = PatternMatcher::new(&look).unwrap_err();
    assert_eq!(fault.code, "pattern::bad_regex");
    assert!(fault.message.contains("look-ahead"), "{fault}");
    let big = parse("[a:b MATCHES '((a{1000}){1000}){1000}']").unwrap();
    assert_eq!(PatternMatcher::new(&big).unwrap_err().code, "pattern::bad_regex");
    // A part with `_` that is nearly everywhere costs its length at each place: the limit ends it.
    let near = parse(&format!("[a:b LIKE '%{}_x%']", "a".repeat(10_000))).unwrap();
    let limits = PatternLimits { max_steps: 1_000_000, ..PatternLimits::default() };
    assert_eq!(near.matches(&observations, &limits), Err(MatchError::LimitReached(1_000_000)));
}

#[test]
fn what_cannot_be_made_ready_is_named() {
    let check = |text: &str, code: &str| {
        assert_eq!(PatternMatcher::new(&parse(text).unwrap()).unwrap_err().code, code, "{text}");
    };
    check("[a:b IN (1, 'a')]", "pattern::mixed_set");
    check("[a:b IN (1, true)]", "pattern::mixed_set");
    check("[a:b = t'2026-02-30T00:00:00Z']", "pattern::bad_time");
    check("[a:b ISSUBSET '1.2.3.4/33']", "pattern::bad_address");
    check("[a:b = 1] REPEATS 0 TIMES", "pattern::zero_qualifier");
    check("[a:b = 1] WITHIN 0.0 SECONDS", "pattern::zero_qualifier");
}

#[test]
fn one_bad_value_need_not_hide_the_rest() {
    let observations =
        read(&[r#"{"type":"a","t":"yesterday"}"#, r#"{"type":"a","t":"2026-01-01T00:00:00Z"}"#]);
    let pattern = parse("[a:t > t'2025-01-01T00:00:00Z']").unwrap();
    let Err(MatchError::Value(fault)) = pattern.matches(&observations, &PatternLimits::default()) else {
        panic!("an error by default, as in the OASIS matcher");
    };
    assert_eq!((fault.code, fault.observation.get()), ("pattern::bad_time_value", 0));
    let lenient = PatternLimits { unreadable: Unreadable::NoMatch, ..PatternLimits::default() };
    let found = pattern.matches(&observations, &lenient).unwrap().unwrap();
    assert_eq!(found.observations().iter().map(|index| index.get()).collect::<Vec<_>>(), [1]);
}

#[test]
fn paths_follow_references_lists_and_dictionaries() {
    let time = "2026-01-01T00:00:00Z";
    let observations = json!({"type": "bundle", "id": "bundle--1", "objects": [
        {"type": "observed-data", "id": "observed-data--1", "first_observed": time, "last_observed": time,
            "number_observed": 1, "object_refs": ["file--1", "directory--1", "x--1", "x--2"]},
        // A second observation shares an object, but not what that refers to.
        {"type": "observed-data", "id": "observed-data--2", "first_observed": time, "last_observed": time,
            "number_observed": 1, "object_refs": ["file--1"]},
        {"type": "file", "id": "file--1", "name": "a", "parent_directory_ref": "directory--1",
            "extensions": {"windows-pebinary-ext": {"sections": [{"entropy": 1.5}, {"entropy": 7.5}]}},
            "hashes": {"SHA-256": "00"}},
        {"type": "directory", "id": "directory--1", "path": "/tmp", "contains_refs": ["x--1", "gone--1", "x--2"]},
        {"type": "x", "id": "x--1", "grid": [[1, 2], [3]], "next_ref": "x--2", "key.with.dots": 1},
        {"type": "x", "id": "x--2", "next_ref": "x--1", "loop_refs": ["x--1", "x--2"]},
    ]});
    let read = Observations::from_json(observations.to_string().as_bytes());
    assert!(read.faults.is_empty(), "{:?}", read.faults);
    let check = |text: &str, expected: &[usize]| {
        let found = parse(text).unwrap().matches(&read.observations, &PatternLimits::default()).unwrap();
        let found =
            found.map(|found| found.observations().iter().map(|index| index.get()).collect::<Vec<_>>());
        assert_eq!(found.unwrap_or_default(), expected, "{text}");
    };
    check("[file:parent_directory_ref.path = '/tmp']", &[0]);
    check("[file:parent_directory_ref.path = '/tmp'] AND [file:name = 'a']", &[0, 1]);
    check("[file:parent_directory_ref.contains_refs[*].grid[0][1] = 2]", &[0]);
    check("[file:parent_directory_ref.contains_refs[0].next_ref.next_ref.grid[1][0] = 3]", &[0]);
    check("[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]", &[0]);
    check("[file:extensions.'windows-pebinary-ext'.sections[0].entropy > 7.0]", &[]);
    check("[file:extensions.'windows-pebinary-ext'.sections[-1].entropy > 7.0]", &[]);
    check("[x:grid[*][*] = 3]", &[0]);
    check("[x:'key.with.dots' = 1]", &[0]);
    check("[x:loop_refs[*].next_ref.loop_refs[*].type = 'x']", &[0]);
    check("[file:parent_directory_ref = 'directory--1']", &[]);
    check("[EXISTS file:parent_directory_ref.path] AND [NOT EXISTS file:parent_directory_ref.path]", &[0, 1]);
    check("[NOT EXISTS x:grid AND EXISTS x:loop_refs]", &[0]);
    check("[file:hashes.'SHA-256' = '00'] REPEATS 2 TIMES", &[0, 1]);
    check("[observed-data:number_observed = 1]", &[]);
}

#[test]
fn damaged_observations_are_told_with_their_bytes() {
    let check = |input: &Value, code: &str, field: Option<&str>, left: usize| {
        let text = input.to_string();
        let read = Observations::from_json(text.as_bytes());
        assert_eq!(read.faults.len(), 1, "{:?}", read.faults);
        let fault = &read.faults[0];
        assert_eq!((&*fault.code, fault.field.as_deref()), (code, field), "{fault}");
        assert!(fault.byte_start < fault.byte_end && fault.byte_end <= Some(text.len() as u64), "{fault}");
        assert_eq!(read.observations.len(), left);
    };
    let good = json!({"type": "observed-data", "first_observed": "2026-01-01T00:00:00Z",
        "last_observed": "2026-01-01T00:00:01Z", "number_observed": 1, "objects": {"0": {"type": "a"}}});
    let with = |key: &str, value: Value| {
        let mut one = good.clone();
        one[key] = value;
        json!([good, one])
    };
    check(&with("number_observed", json!(0)), "observations::bad_count", Some("number_observed"), 1);
    check(&with("first_observed", json!("2026-01-01")), "observations::bad_time", Some("first_observed"), 1);
    check(
        &with("last_observed", json!("2025-01-01T00:00:00Z")),
        "observations::bad_time",
        Some("last_observed"),
        1,
    );
    check(&with("objects", Value::Null), "observations::no_objects", Some("object_refs"), 1);
    check(&with("objects", json!({"0": {"x": 1}})), "observations::bad_object", Some("type"), 2);
    check(&with("object_refs", json!(["gone--1"])), "observations::missing_object", None, 2);
    check(
        &with("objects", json!({"0": {"type": "a", "x_hex": "zz"}})),
        "observations::bad_binary",
        Some("x_hex"),
        2,
    );
    check(&json!([good, 5]), "observations::bad_object", None, 1);
    check(&json!([good, {"type": "file"}]), "observations::bad_object", None, 1);

    let text = observed(&[r#"{"type":"a"}"#]);
    let read = Observations::from_json(&text.as_bytes()[..text.len() - 5]);
    assert_eq!((read.faults.len(), &*read.faults[0].code), (1, "observations::bad_json"));
    assert_eq!(Observations::from_json(b"[\xFF]").faults.len(), 1);
    assert_eq!(Observations::from_json(b"").faults.len(), 1);
}

#[test]
fn a_hundred_thousand_patterns_in_one_set() {
    let mut set = PatternSet::default();
    for n in 0..100_000 {
        let text = match n % 3 {
            0 => format!("[a:b = {n}]"),
            1 => format!("[a:b = {n} OR a:c = 'v{n}']"),
            _ => format!("[a:b = {n} AND a:c = 'v{n}'] OR [a:d = {n}]"),
        };
        assert_eq!(set.add(&parse(&text).unwrap()).unwrap(), n);
    }
    let like = set.add(&parse("[a:c LIKE 'v%' AND a:b NOT IN (1)]").unwrap()).unwrap();
    let observations = read(&[
        r#"{"type":"a","b":3}"#,
        r#"{"type":"a","b":5,"c":"v5"}"#,
        r#"{"type":"a","b":8,"c":"v9"}"#,
        r#"{"type":"a","c":"v10"}"#,
    ]);
    let found = set.matches(&observations, &PatternLimits::default());
    let numbers: Vec<_> =
        found.found.iter().map(|(number, found)| (*number, found.observations()[0].get())).collect();
    assert_eq!(numbers, [(3, 0), (5, 1), (10, 3), (like, 1)]);
    assert_eq!(found.errors, []);
}

/// Every object refers to every other: what a long path reaches does not multiply.
#[test]
fn references_to_all_do_not_multiply() {
    let ids: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let objects = ids.iter().map(|id| (id.clone(), json!({"type": "a", "x_refs": ids, "n": 1})));
    let one = json!([{"type": "observed-data", "first_observed": "2026-01-01T00:00:00Z",
        "last_observed": "2026-01-01T00:00:00Z", "number_observed": 1,
        "objects": objects.collect::<serde_json::Map<_, _>>()}]);
    let read = Observations::from_json(one.to_string().as_bytes());
    let text = format!("[a:{}n = 2]", "x_refs[*].".repeat(8));
    let limits = PatternLimits { max_steps: 20_000_000, ..PatternLimits::default() };
    assert_eq!(parse(&text).unwrap().matches(&read.observations, &limits), Ok(None));
}

#[test]
fn regular_expressions_of_a_pattern_share_a_bound() {
    let many = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!("a:b MATCHES '^x{n}'")).collect();
        PatternMatcher::new(&parse(&format!("[{}]", all.join(" OR "))).unwrap())
    };
    assert!(many(512).is_ok());
    assert_eq!(many(513).unwrap_err().code, "pattern::bad_regex");
}
