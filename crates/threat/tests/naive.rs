//! A second matcher, as plain as it can be, against ours: every way to bind observations is tried, and each comparison
//! is one function on JSON.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use threat::{Observations, Pattern, PatternLimits, PatternMatcher, PatternSet, SpecVersion};

/// A comparison on the property `p` of objects of a type.
#[derive(Debug, Clone)]
enum Test {
    Equal(&'static str, i64),
    NotEqual(&'static str, i64),
    Less(&'static str, i64),
    In(&'static str, Vec<i64>),
    /// Any element of a list.
    Any(&'static str, i64),
    Exists(&'static str, bool),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
}

impl Test {
    fn text(&self) -> String {
        match self {
            Self::Equal(kind, value) => format!("{kind}:p = {value}"),
            Self::NotEqual(kind, value) => format!("{kind}:p != {value}"),
            Self::Less(kind, value) => format!("{kind}:p < {value}"),
            Self::In(kind, values) => {
                let values: Vec<String> = values.iter().map(i64::to_string).collect();
                format!("{kind}:p NOT IN ({})", values.join(", "))
            }
            Self::Any(kind, value) => format!("{kind}:l[*] = {value}"),
            Self::Exists(kind, there) => format!("{}EXISTS {kind}:l", if *there { "" } else { "NOT " }),
            Self::And(a, b) => format!("({}) AND ({})", a.text(), b.text()),
            Self::Or(a, b) => format!("({}) OR ({})", a.text(), b.text()),
        }
    }

    fn is_true(&self, object: &Value) -> bool {
        let is = |kind: &str| object["type"] == kind;
        let number = object["p"].as_i64();
        match self {
            Self::Equal(kind, value) => is(kind) && number == Some(*value),
            Self::NotEqual(kind, value) => is(kind) && object.get("p").is_some() && number != Some(*value),
            Self::Less(kind, value) => is(kind) && number.is_some_and(|number| number < *value),
            Self::In(kind, values) => {
                is(kind)
                    && object.get("p").is_some()
                    && !number.is_some_and(|number| values.contains(&number))
            }
            Self::Any(kind, value) => {
                is(kind) && object["l"].as_array().is_some_and(|list| list.contains(&json!(value)))
            }
            Self::Exists(kind, there) => is(kind) && object.get("l").is_some() == *there,
            Self::And(a, b) => a.is_true(object) && b.is_true(object),
            Self::Or(a, b) => a.is_true(object) || b.is_true(object),
        }
    }
}

#[derive(Debug, Clone)]
enum Expression {
    Test(Test),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    FollowedBy(Box<Expression>, Box<Expression>),
    Within(Box<Expression>, i64),
    Repeats(Box<Expression>, usize),
    StartStop(Box<Expression>, i64, i64),
}

#[derive(Debug, Clone)]
struct Observed {
    first: i64,
    last: i64,
    count: usize,
    objects: Vec<Value>,
}

/// An observation and which one of its `count`.
type Unit = (usize, usize);

impl Expression {
    fn text(&self) -> String {
        match self {
            Self::Test(test) => format!("[{}]", test.text()),
            Self::And(a, b) => format!("({}) AND ({})", a.text(), b.text()),
            Self::Or(a, b) => format!("({}) OR ({})", a.text(), b.text()),
            Self::FollowedBy(a, b) => format!("({}) FOLLOWEDBY ({})", a.text(), b.text()),
            Self::Within(inner, seconds) => format!("({}) WITHIN {seconds} SECONDS", inner.text()),
            Self::Repeats(inner, times) => format!("({}) REPEATS {times} TIMES", inner.text()),
            Self::StartStop(inner, start, stop) => {
                format!("({}) START t'{}' STOP t'{}'", inner.text(), time(*start), time(*stop))
            }
        }
    }

    /// Every binding; `None` when there are too many for this way.
    fn bindings(&self, observed: &[Observed]) -> Option<Vec<Vec<Unit>>> {
        let all = match self {
            Self::Test(test) => {
                let is_true = |one: &Observed| one.objects.iter().any(|object| test.is_true(object));
                let numbered = observed.iter().enumerate().filter(|(_, one)| is_true(one));
                numbered
                    .flat_map(|(number, one)| (0..one.count).map(move |unit| vec![(number, unit)]))
                    .collect()
            }
            Self::And(a, b) => pairs(&a.bindings(observed)?, &b.bindings(observed)?, |_, _| true)?,
            Self::Or(a, b) => [a.bindings(observed)?, b.bindings(observed)?].concat(),
            Self::FollowedBy(a, b) => pairs(&a.bindings(observed)?, &b.bindings(observed)?, |a, b| {
                let latest = a.iter().map(|(number, _)| observed[*number].first).max();
                latest <= b.iter().map(|(number, _)| observed[*number].last).min()
            })?,
            Self::Within(inner, seconds) => {
                let mut all = inner.bindings(observed)?;
                all.retain(|binding| {
                    let ends = binding.iter().map(|(number, _)| observed[*number].last).min().unwrap();
                    binding.iter().all(|(number, _)| observed[*number].first <= ends + seconds)
                });
                all
            }
            Self::Repeats(inner, times) => {
                let one = inner.bindings(observed)?;
                let mut all = one.clone();
                for _ in 1..*times {
                    all = pairs(&all, &one, |_, _| true)?;
                }
                all
            }
            Self::StartStop(inner, start, stop) => {
                let mut all = inner.bindings(observed)?;
                all.retain(|binding| {
                    let inside = |one: &Observed| one.last >= *start && one.first < *stop;
                    start < stop && binding.iter().all(|(number, _)| inside(&observed[*number]))
                });
                all
            }
        };
        (all.len() < 20_000).then_some(all)
    }
}

fn pairs(
    a: &[Vec<Unit>],
    b: &[Vec<Unit>],
    fits: impl Fn(&[Unit], &[Unit]) -> bool,
) -> Option<Vec<Vec<Unit>>> {
    if a.len() * b.len() > 200_000 {
        return None;
    }
    let mut all = Vec::new();
    for left in a {
        for right in b {
            if left.iter().all(|unit| !right.contains(unit)) && fits(left, right) {
                let mut both = [left.as_slice(), right].concat();
                both.sort_unstable();
                all.push(both);
            }
        }
    }
    Some(all)
}

fn time(seconds: i64) -> String {
    format!("2026-01-01T00:00:{seconds:02}Z")
}

/// The observations as STIX 2.0, and as STIX 2.1.
fn documents(observed: &[Observed]) -> [Value; 2] {
    let (mut older, mut newer) = (Vec::new(), Vec::new());
    for (number, one) in observed.iter().enumerate() {
        let head = json!({
            "type": "observed-data", "id": format!("observed-data--{number}"), "number_observed": one.count,
            "first_observed": time(one.first), "last_observed": time(one.last),
        });
        let (mut old, mut new) = (head.clone(), head);
        let ids: Vec<String> = (0..one.objects.len()).map(|n| format!("a--{number}-{n}")).collect();
        old["objects"] = ids.iter().cloned().zip(one.objects.iter().cloned()).collect();
        new["object_refs"] = json!(ids);
        newer.push(new);
        for (id, object) in ids.iter().zip(&one.objects) {
            let mut object = object.clone();
            object["id"] = json!(id);
            newer.push(object);
        }
        older.push(old);
    }
    [json!(older), json!({"type": "bundle", "id": "bundle--1", "objects": newer})]
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just("a"), 1 => Just("b")]
}

fn test() -> impl Strategy<Value = Test> {
    let value = || 0..3_i64;
    let leaf = prop_oneof![
        4 => (kind(), value()).prop_map(|(kind, value)| Test::Equal(kind, value)),
        2 => (kind(), value()).prop_map(|(kind, value)| Test::NotEqual(kind, value)),
        2 => (kind(), value()).prop_map(|(kind, value)| Test::Less(kind, value)),
        1 => (kind(), prop::collection::vec(value(), 0..3)).prop_map(|(kind, values)| Test::In(kind, values)),
        1 => (kind(), value()).prop_map(|(kind, value)| Test::Any(kind, value)),
        1 => (kind(), any::<bool>()).prop_map(|(kind, there)| Test::Exists(kind, there)),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| {
        let two = (inner.clone(), inner);
        (two, any::<bool>()).prop_map(|((a, b), and)| {
            if and { Test::And(a.into(), b.into()) } else { Test::Or(a.into(), b.into()) }
        })
    })
}

fn expression() -> impl Strategy<Value = Expression> {
    test().prop_map(Expression::Test).prop_recursive(4, 8, 2, |inner| {
        let two = || (inner.clone(), inner.clone());
        prop_oneof![
            2 => two().prop_map(|(a, b)| Expression::And(a.into(), b.into())),
            1 => two().prop_map(|(a, b)| Expression::Or(a.into(), b.into())),
            3 => two().prop_map(|(a, b)| Expression::FollowedBy(a.into(), b.into())),
            2 => (inner.clone(), 1..4_i64).prop_map(|(a, seconds)| Expression::Within(a.into(), seconds)),
            2 => (inner.clone(), 1..4_usize).prop_map(|(a, times)| Expression::Repeats(a.into(), times)),
            1 => (inner.clone(), 0..5_i64, 2..9_i64)
                .prop_map(|(a, start, stop)| Expression::StartStop(a.into(), start, stop)),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    let p = prop::option::of(prop_oneof![4 => (0..3_i64).prop_map(|p| json!(p)), 1 => Just(json!("x"))]);
    let l = prop::option::of(prop::collection::vec(0..3_i64, 0..3));
    (kind(), p, l).prop_map(|(kind, p, l)| {
        let mut object = BTreeMap::from([("type", json!(kind))]);
        object.extend(p.map(|p| ("p", p)));
        object.extend(l.map(|l| ("l", json!(l))));
        json!(object)
    })
}

fn observed() -> impl Strategy<Value = Vec<Observed>> {
    let one = (0..7_i64, 0..3_i64, 1..3_usize, prop::collection::vec(object(), 1..3));
    let one = one.prop_map(|(first, length, count, objects)| Observed {
        first,
        last: first + length,
        count,
        objects,
    });
    prop::collection::vec(one, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_plain_way(expression in expression(), observed in observed()) {
        let Some(bindings) = expression.bindings(&observed) else { return Ok(()) };
        let text = expression.text();
        let documents = documents(&observed);
        let pattern = Pattern::parse(&text, SpecVersion::V2_1).unwrap();
        let mut set = PatternSet::default();
        set.add(&pattern).unwrap();
        for document in documents {
            let read = Observations::from_json(document.to_string().as_bytes());
            prop_assert!(read.faults.is_empty(), "{:?}", read.faults);
            let found = pattern.matches(&read.observations, &PatternLimits::default()).unwrap();
            prop_assert_eq!(found.is_some(), !bindings.is_empty(), "{}\n{}", text, document);
            let in_set = set.matches(&read.observations, &PatternLimits::default());
            prop_assert_eq!(in_set.found.len(), usize::from(found.is_some()), "{}", text);
            if let Some(found) = found {
                // What is told is one of the bindings of the plain way.
                let mut told: Vec<usize> = found.observations().iter().map(|index| index.get()).collect();
                told.dedup();
                let is_one = bindings.iter().any(|binding| {
                    let mut numbers: Vec<usize> = binding.iter().map(|(number, _)| *number).collect();
                    numbers.dedup();
                    numbers == told
                });
                prop_assert!(is_one, "{}: {:?}", text, told);
            }
        }
    }

    #[test]
    fn the_one_spelling_is_read_as_the_same(expression in expression()) {
        let pattern = Pattern::parse(&expression.text(), SpecVersion::V2_1).unwrap();
        let text = pattern.to_string();
        let again = Pattern::parse(&text, SpecVersion::V2_1).unwrap();
        prop_assert_eq!(again.to_string(), text);
    }

    /// Any text: a pattern, or a fault within it. And what is read survives being printed.
    #[test]
    fn any_text_is_read_or_refused(
        parts in prop::collection::vec(
            prop_oneof![
                3 => prop::sample::select(vec![
                    "[", "]", "(", ")", "a:b", "a", ":", ".", "=", "!=", "<", ">=", "'x'", "1", "-2.5", "true", "h'ff'",
                    "b'AA=='", "t'2026-01-01T00:00:00Z'", "AND", "OR", "NOT", "FOLLOWEDBY", "LIKE", "MATCHES", "IN",
                    "EXISTS", "WITHIN", "SECONDS", "REPEATS", "TIMES", "START", "STOP", "[*]", ",", "//", "/*", "\\", "é",
                ]).prop_map(str::to_owned),
                1 => ".{0,4}",
            ],
            0..16,
        ),
        joined in prop::sample::select(vec!["", " "]),
        version in prop::sample::select(vec![SpecVersion::V2_0, SpecVersion::V2_1]),
    ) {
        let text = parts.join(joined);
        match Pattern::parse(&text, version) {
            Ok(pattern) => {
                let printed = pattern.to_string();
                prop_assert_eq!(Pattern::parse(&printed, version).unwrap().to_string(), printed);
                let _ = (pattern.check(), PatternMatcher::new(&pattern));
            }
            Err(fault) => {
                prop_assert!(fault.span.start <= fault.span.end && fault.span.end <= text.len(), "{}", fault);
                prop_assert!(text.is_char_boundary(fault.span.start) && text.is_char_boundary(fault.span.end));
            }
        }
    }
}
