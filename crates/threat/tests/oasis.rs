//! The cases of the OASIS pattern validator and the OASIS pattern matcher, each with the verdict of that program.
//! `cargo test -p bongsu-threat --test oasis -- --nocapture` prints the counts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the counts")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use threat::{Observations, Pattern, PatternLimits, SpecVersion};

const SYNTAX: &str = include_str!("data/oasis/pattern-syntax.jsonl");
const MATCH: &str = include_str!("data/oasis/pattern-match.jsonl");

#[derive(Deserialize)]
struct Case {
    spec: String,
    pattern: String,
    test: String,
    valid: Option<bool>,
    expect: Option<Value>,
    #[serde(default)]
    observed: Value,
}

/// Holds each case against `verdict` and prints how many agree.
fn check(name: &str, lines: &str, verdict: impl Fn(&Case, SpecVersion) -> Result<(), String>) {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in lines.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let count = counts.entry(case.spec.clone()).or_default();
        count.1 += 1;
        match verdict(&case, case.spec.parse().unwrap()) {
            Ok(()) => count.0 += 1,
            Err(why) => wrong.push(format!("{}: {}\n    {why}", case.test, case.pattern)),
        }
    }
    for (spec, (agree, all)) in counts {
        println!("OASIS pattern {name}, STIX {spec}: {agree} of {all} agree");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn syntax() {
    check("syntax", SYNTAX, |case, version| {
        let read = Pattern::parse(&case.pattern, version);
        let valid = read.as_ref().is_ok_and(|pattern| pattern.check().is_empty());
        if Some(valid) == case.valid { Ok(()) } else { Err(format!("valid: {valid}, {:?}", read.err())) }
    });
}

#[test]
fn matches() {
    check("match", MATCH, |case, version| {
        let expected = case.expect.clone().unwrap();
        let outcome = outcome(case, version);
        let agree = match (&expected, &outcome) {
            (Value::Bool(expected), Ok(matched)) => expected == matched,
            (Value::String(error), Err(ours)) => {
                // What is no pattern is told apart from what cannot be evaluated.
                (error == "error:ParseException") == ours.starts_with("parse")
            }
            _ => false,
        };
        if agree { Ok(()) } else { Err(format!("expected {expected}, got {outcome:?}")) }
    });
}

fn outcome(case: &Case, version: SpecVersion) -> Result<bool, String> {
    let pattern = Pattern::parse(&case.pattern, version).map_err(|fault| format!("parse: {fault}"))?;
    let read = Observations::from_json(case.observed.to_string().as_bytes());
    if let Some(fault) = read.faults.iter().find(|fault| fault.level == base::FaultLevel::Error) {
        return Err(fault.to_string());
    }
    let found =
        pattern.matches(&read.observations, &PatternLimits::default()).map_err(|error| error.to_string())?;
    Ok(found.is_some())
}

/// The one spelling of each pattern is read as the same pattern, and gives the same verdict.
#[test]
fn spelling() {
    for lines in [SYNTAX, MATCH] {
        for line in lines.lines() {
            let case: Case = serde_json::from_str(line).unwrap();
            let version = case.spec.parse().unwrap();
            let Ok(pattern) = Pattern::parse(&case.pattern, version) else { continue };
            let text = pattern.to_string();
            let again = Pattern::parse(&text, version).unwrap();
            assert_eq!(again.to_string(), text, "{}", case.pattern);
            assert_eq!(again.check().is_empty(), pattern.check().is_empty(), "{}", case.pattern);
            if case.expect.is_some() {
                let before = outcome(&case, version).ok();
                assert_eq!(outcome(&Case { pattern: text, ..case }, version).ok(), before, "{pattern}");
            }
        }
    }
}
