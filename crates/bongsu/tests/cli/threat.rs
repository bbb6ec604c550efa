//! `threat pattern`: verdicts with their bytes, matches with their observations, cases line by line.

use serde_json::json;

use crate::support::{bongsu, bongsu_with};

#[test]
fn a_pattern_is_valid_or_its_wrong_bytes_are_told() {
    let good = bongsu(&["threat", "pattern", "check", "[ a:b==1 ]"]).exits(0).items();
    assert_eq!((&good[0]["valid"], &good[0]["canonical"]), (&json!(true), &json!("[a:b = 1]")));

    let ran = bongsu(&["threat", "pattern", "check", "[file:size = ]"]).exits(1);
    let error = &ran.items()[0]["error"];
    assert_eq!(
        (&error["code"], &error["byte_start"], &error["byte_end"]),
        (&json!("pattern::syntax"), &json!(13), &json!(14))
    );
    assert_eq!(ran.codes(), [("pattern::syntax".to_owned(), Some(1))]);

    let hash = ["threat", "pattern", "check", "[file:hashes.MD5 = 'f00']"];
    assert_eq!(bongsu(&hash).exits(1).items()[0]["error"]["code"], "pattern::bad_hash");
    let exists = |spec: &str| bongsu(&["threat", "pattern", "check", "[EXISTS a:b]", "--spec", spec]).code;
    assert_eq!((exists("2.1"), exists("2.0")), (0, 1));
    let warned = bongsu(&["threat", "pattern", "check", "[a:b MATCHES '(?=x)']"]).exits(0).items();
    assert_eq!(warned[0]["warnings"][0]["code"], "pattern::bad_regex");
}

#[test]
fn a_file_holds_a_pattern_a_line_or_one_over_several() {
    let check = |text: &str| bongsu_with(&["threat", "pattern", "check", "--file", "-"], text.as_bytes());
    let lines = check("# two\n[a:b = 1]\n\n[a:b = ]\n").exits(1).items();
    let verdicts: Vec<_> = lines.iter().map(|item| (item["line"].clone(), item["valid"].clone())).collect();
    assert_eq!(verdicts, [(json!(2), json!(true)), (json!(4), json!(false))]);
    assert_eq!(check("[a:b = 1]\n  AND [a:c = 2]\n").exits(0).items().len(), 1);
}

#[test]
fn a_match_names_its_observations() {
    let run = |pattern: &str| {
        bongsu(&["threat", "pattern", "match", pattern, "--data", "samples/threat/observed.json"])
    };
    let second = "[process:pid = 4120]";
    let pattern = format!("[file:name = 'invoice.lnk'] FOLLOWEDBY {second} WITHIN 60 SECONDS");
    let item = &run(&pattern).exits(0).items()[0];
    let ids = ["2", "4"].map(|n| format!("observed-data--0000000{n}-0000-4000-8000-000000000099"));
    assert_eq!((&item["matched"], &item["observations"]), (&json!(true), &json!(ids)));
    assert_eq!(
        (&item["bindings"][1]["expression"], &item["bindings"][1]["observations"]),
        (&json!(second), &json!([ids[1]]))
    );
    assert_eq!(item["bindings"][1]["byte_start"], 39);

    let item = &run("[file:name = 'other']").exits(0).items()[0];
    assert_eq!(*item, json!({"matched": false, "observations": [], "bindings": []}));
    assert_eq!(run("[file:name = ]").exits(2).codes()[0].0, "pattern::syntax");
    let bad = bongsu_with(&["threat", "pattern", "match", "[a:b = 1]", "--data", "-"], b"[{]").exits(2);
    assert_eq!(bad.codes()[0].0, "observations::bad_json");
}

#[test]
fn cases_give_one_line_each_and_errors_leave_the_exit() {
    let ran =
        bongsu(&["threat", "pattern", "match", "--cases", "samples/threat/pattern-cases.jsonl"]).exits(0);
    let items = ran.items();
    assert_eq!(items[0], json!({"case": "a match", "matched": true}));
    assert_eq!(items[1], json!({"case": "no match", "matched": false}));
    assert_eq!((&items[2]["case"], &items[2]["error"]["byte_start"]), (&json!("no pattern"), &json!(13)));

    let observed = r#"[{"type":"observed-data","first_observed":"2026-01-01T00:00:00Z","last_observed":"2026-01-01T00:00:00Z","number_observed":1,"objects":{"0":{"type":"a","t":"x"}}}]"#;
    let line = format!(
        r#"{{"case":7,"spec":"2.0","pattern":"[a:t = t'2026-01-01T00:00:00Z']","observed":{observed}}}"#
    );
    let input = format!("{line}\nno case\n");
    let ran = bongsu_with(&["threat", "pattern", "match", "--cases", "-"], input.as_bytes()).exits(0);
    assert_eq!(ran.items()[0]["error"]["code"], "pattern::bad_time_value");
    assert_eq!(ran.codes(), [("pattern::bad_case".to_owned(), Some(2))]);
    let skipping = ["threat", "pattern", "match", "--cases", "-", "--skip-unreadable"];
    assert_eq!(
        bongsu_with(&skipping, line.as_bytes()).exits(0).items()[0],
        json!({"case": 7, "matched": false})
    );
}
