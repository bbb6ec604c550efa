//! Rules that nobody would write in good faith, or that are broken: each a fault with its place, in bounded memory.

use serde_json::json;
use sigma::{Event, RuleLoader};

const HEAD: &str = "title: One\nlogsource: {product: windows}\n";

/// The rules that were read, and the code, line and field of each fault.
/// Code, line and field of a fault.
type Told = (String, Option<u64>, Option<String>);

fn read(yaml: &str) -> (usize, Vec<Told>) {
    let mut loader = RuleLoader::new();
    let faults = loader.read(yaml.as_bytes(), "rule.yml");
    assert!(
        faults.iter().all(|fault| fault.message.len() < 1000 && fault.source.as_deref() == Some("rule.yml"))
    );
    (loader.len(), faults.into_iter().map(|fault| (fault.code, fault.line, fault.field)).collect())
}

#[track_caller]
fn refused(yaml: &str, code: &str, line: u64) {
    let (rules, faults) = read(yaml);
    assert_eq!(rules, 0);
    assert_eq!((faults[0].0.as_str(), faults[0].1), (code, Some(line)), "{faults:?}");
}

#[test]
fn broken_rules_are_told_with_their_line() {
    refused("title: One\nlogsource: [\n", "sigma::bad_rule", 3);
    refused("just words", "sigma::bad_rule", 1);
    refused("title: One\n", "sigma::bad_rule", 1);
    refused(&format!("{HEAD}detection:\n  a: {{B: c}}\n  condition: a and (\n"), "sigma::bad_rule", 1);
    refused(&format!("{HEAD}detection:\n  a: {{B|nonsense: c}}\n  condition: a\n"), "sigma::bad_rule", 1);
    refused(&format!("{HEAD}detection:\n  a: {{B: c}}\n  condition: other\n"), "sigma::bad_rule", 1);
    let mut loader = RuleLoader::new();
    let fault = loader.read(b"title: a\nb: \xFF\n", "rule.yml").remove(0);
    assert_eq!((fault.code.as_str(), fault.line, fault.byte_start), ("sigma::bad_utf8", Some(2), Some(12)));
}

#[test]
fn a_broken_rule_does_not_hide_the_others() {
    let good = |title: &str| {
        format!(
            "title: {title}\nlogsource: {{product: windows}}\ndetection:\n  a: {{B: c}}\n  condition: a\n"
        )
    };
    let (rules, faults) = read(&format!("{}---\ntitle: Broken\n---\n{}", good("One"), good("Two")));
    assert_eq!((rules, faults.len()), (2, 1));
    let (rules, faults) = read(&format!("{}---\n{}", good("One"), good("One")));
    assert_eq!((rules, faults[0].0.as_str()), (1, "sigma::duplicate_rule"));
}

#[test]
fn yaml_bombs_are_refused() {
    // Nine levels of nine aliases would be 387 million values.
    let mut bomb = "title: One\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb += &format!("a{level}: &a{level} [{below}]\n");
    }
    let (rules, faults) = read(&bomb);
    assert_eq!((rules, faults[0].0.as_str()), (0, "sigma::bad_rule"));
    // An alias within itself.
    assert_eq!(read("a: &a [*a]\ntitle: One\n").0, 0);
}

#[test]
fn ten_thousand_levels_are_refused() {
    refused(&format!("title: One\na: {}1{}\n", "[".repeat(10_000), "]".repeat(10_000)), "sigma::bad_rule", 2);
    assert_eq!(read(&format!("title: One\na: {}", "{b: ".repeat(10_000))).0, 0);
    let deep = |count: usize| {
        format!("{HEAD}detection:\n  a: {{B: c}}\n  condition: {}a{}\n", "(".repeat(count), ")".repeat(count))
    };
    assert_eq!(read(&deep(20)).0, 1);
    assert_eq!(read(&deep(10_000)).0, 0);
    let nots = format!("{HEAD}detection:\n  a: {{B: c}}\n  condition: {}a\n", "not ".repeat(10_000));
    assert_eq!(read(&nots).0, 0);
    let flat =
        |count: usize| format!("{HEAD}detection:\n  a: {{B: c}}\n  condition: a{}\n", " and a".repeat(count));
    assert_eq!(read(&flat(900)).0, 1);
    assert_eq!(read(&flat(5000)).0, 0);
}

#[test]
fn large_files_are_refused() {
    let large = format!("{HEAD}description: {}\n", "x".repeat(sigma::MAX_FILE_BYTES));
    let (rules, faults) = read(&large);
    assert_eq!((rules, faults[0].0.as_str()), (0, "sigma::large_file"));
}

#[test]
fn evil_expressions_are_bounded_or_run_in_linear_time() {
    let rule =
        |expression: &str| format!("{HEAD}detection:\n  a: {{B|re: '{expression}'}}\n  condition: a\n");
    let (rules, faults) = read(&rule("((a{1000}){1000}){1000}"));
    assert_eq!(
        (rules, faults[0].0.as_str(), faults[0].2.as_deref()),
        (0, "sigma::bad_expression", Some("detection"))
    );
    let (rules, faults) = read(&rule("(unclosed"));
    assert_eq!((rules, faults[0].0.as_str()), (0, "sigma::bad_expression"));
    let many = vec!["'a.c'"; 101].join(", ");
    let (rules, faults) = read(&format!("{HEAD}detection:\n  a: {{B|re: [{many}]}}\n  condition: a\n"));
    assert_eq!((rules, faults[0].0.as_str()), (0, "sigma::bad_expression"));
    // Catastrophic for an expression that goes back; here a pass over the value.
    let mut loader = RuleLoader::new();
    assert_eq!(loader.read(rule("^(a+)+$").as_bytes(), "rule.yml"), []);
    let rules = loader.finish();
    let long = format!("{}!", "a".repeat(1 << 20));
    assert_eq!(rules.hits(&Event::new(&json!({"B": long}), None)).len(), 0);
    assert_eq!(rules.hits(&Event::new(&json!({"B": &long[..1 << 20]}), None)).len(), 1);
}

#[test]
fn values_of_any_sort_are_read() {
    let yaml = format!("{HEAD}detection:\n  a: {{B: [1, 2.5, true, x]}}\n  condition: a\n");
    let mut loader = RuleLoader::new();
    assert_eq!(loader.read(yaml.as_bytes(), "rule.yml"), []);
    let rules = loader.finish();
    for (value, hits) in [
        (json!(1), 1),
        (json!("X"), 1),
        (json!(true), 1),
        (json!(null), 0),
        (json!("y"), 0),
        (json!({"deep": [1]}), 0),
        (json!([]), 0),
    ] {
        assert_eq!(rules.hits(&Event::new(&json!({"B": value}), None)).len(), hits, "{value}");
    }
    assert_eq!(rules.rules()[0].level.name(), "medium");
}

#[test]
fn a_field_that_is_absent_is_null() {
    let yaml = format!("{HEAD}detection:\n  a: {{B: null}}\n  condition: a\n");
    let mut loader = RuleLoader::new();
    assert_eq!(loader.read(yaml.as_bytes(), "rule.yml"), []);
    let rules = loader.finish();
    for (event, hits) in [(json!({}), 1), (json!({"B": null}), 1), (json!({"B": "x"}), 0)] {
        assert_eq!(rules.hits(&Event::new(&event, None)).len(), hits, "{event}");
    }
}
