//! `threat match --sigma`, in a program that was built with it.

use crate::support::bongsu;

const RULES: &str = "samples/threat/sigma";

#[test]
fn rules_are_held_against_the_logs_that_they_name() {
    let ran = bongsu(&[
        "threat",
        "match",
        "samples/threat/windows-events.json",
        "samples/threat/dns.log",
        "--sigma",
        RULES,
    ])
    .exits(0);
    let items = ran.items();
    let told: Vec<(&str, u64, &str)> = items
        .iter()
        .map(|item| {
            let text = |name: &str| item[name].as_str().unwrap();
            (text("level"), item["line"].as_u64().unwrap(), text("time"))
        })
        .collect();
    assert_eq!(told, [("medium", 1, "2026-03-10T12:00:02Z"), ("high", 10, "2026-03-10T12:00:01.5Z")]);
    assert_eq!(items[0]["techniques"][0], "T1033");
    assert_eq!(items[0]["computer"], "ws5.example");
}

#[test]
fn the_level_of_a_rule_decides_the_exit() {
    let run = |level: &str| {
        ["threat", "match", "samples/threat/windows-events.json", "--sigma", RULES, "--fail-on", level]
            .map(str::to_owned)
    };
    for (level, code) in [("2", 1), ("3", 0)] {
        let args = run(level);
        bongsu(&args.each_ref().map(String::as_str)).exits(code);
    }
}

#[test]
fn what_is_no_rule_is_told_of() {
    let ran =
        bongsu(&["threat", "match", "samples/threat/dns.log", "--sigma", "samples/threat/dns.log"]).exits(2);
    assert!(ran.codes().iter().any(|(code, line)| code == "sigma::bad_rule" && line.is_some()), "{ran:?}");
}
