//! `label preview|table|policy|tearline` and `officer new`, on records.

use std::path::Path;

use base::EntryId;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{NOW, Ran, Seoul, bongsu_in, finding, nobody, recall, root, to_usa, washington};

const EMBARGO: &str = r#"permit(principal, action, resource);
@id("embargo") forbid(principal, action, resource) when { resource.objects.contains("norad:40536") };"#;

/// Seoul with Washington as a peer and three own findings: one to the USA, one on which it rests, one to nobody.
fn seoul() -> (TempDir, [EntryId; 3]) {
    let mut seoul = Seoul::found();
    seoul.add(&washington());
    let first = seoul.add(&finding("first", 3, &to_usa(), &[]));
    let second = seoul.add(&finding("second", 3, &to_usa(), &[first]));
    let third = seoul.add(&finding("third", 3, &nobody(), &[]));
    (seoul.close(), [first, second, third])
}

fn run(folder: &TempDir, args: &[&str]) -> Ran {
    bongsu_in(folder.path(), &[args, &["--now", NOW]].concat())
}

fn write(folder: &TempDir, name: &str, text: &str) {
    std::fs::write(folder.path().join(name), text).unwrap();
}

fn preview(folder: &TempDir, more: &[&str]) -> Vec<Value> {
    let args = ["label", "preview", "--store", "seoul", "--as", "washington"];
    run(folder, &[&args[..], more].concat()).exits(0).items()
}

/// The rows of a preview by the id of the entry: released, rule, path.
fn row(rows: &[Value], id: EntryId) -> (bool, String, String) {
    let row = rows.iter().find(|row| row["id"] == json!(id)).unwrap();
    let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
    assert!(!text("why").is_empty(), "{row}");
    (row["released"] == true, text("rule"), text("path"))
}

fn word(rule: &str, path: &str) -> (bool, String, String) {
    (rule.is_empty(), rule.to_owned(), path.to_owned())
}

fn officer(folder: &TempDir, name: &str) {
    run(folder, &["officer", "new", name, "--key", &format!("{name}.key"), "--store", "seoul"]).exits(0);
}

fn propose(folder: &TempDir, text: &str) -> String {
    write(folder, "new.cedar", text);
    let args =
        ["label", "policy", "propose", "new.cedar", "--name", "kor", "--author", "Kim", "--store", "seoul"];
    run(folder, &args).exits(0).json()["entry"].as_str().unwrap().to_owned()
}

fn sign(folder: &TempDir, id: &str, name: &str) -> Ran {
    run(folder, &["label", "policy", "sign", id, "--key", &format!("{name}.key"), "--store", "seoul"])
}

fn apply(folder: &TempDir, id: &str) -> Ran {
    run(folder, &["label", "policy", "apply", id, "--store", "seoul"])
}

#[test]
fn a_preview_says_why_also_under_a_draft() {
    let (folder, [first, second, third]) = seoul();
    let rows = preview(&folder, &[]);
    assert_eq!(row(&rows, first), word("", ""));
    assert_eq!(row(&rows, second), word("", ""));
    assert_eq!(row(&rows, third), word("rel.empty", "marking.rel_to"));
    assert!(rows.iter().all(|row| row["codes_version"] == "builtin-1" && row["policy"].is_null()));

    write(&folder, "draft.cedar", EMBARGO);
    let rows = preview(&folder, &["--policy", "draft.cedar"]);
    assert_eq!(row(&rows, first), word("policy.forbid", "policy/draft/0#embargo"));
    // Its own evidence is looked at first.
    assert_eq!(row(&rows, second), word("evidence.withheld", "evidence[0]"));
    assert_eq!(row(&rows, third), word("rel.empty", "marking.rel_to"));

    write(&folder, "draft.cedar", "permit(principal, action, resource) when { resource.colour };");
    let args = ["label", "preview", "--store", "seoul", "--as", "washington", "--policy", "draft.cedar"];
    let ran = run(&folder, &args).exits(2);
    assert_eq!(ran.faults()[0]["code"], "policy::not_valid");
    assert!(ran.faults()[0]["byte_start"].is_u64(), "{ran:?}");
}

#[test]
fn a_policy_takes_two_officers_and_every_step_is_an_entry() {
    let (folder, [first, ..]) = seoul();
    officer(&folder, "kim");
    officer(&folder, "lee");
    let id = propose(&folder, EMBARGO);
    assert_eq!(row(&preview(&folder, &[]), first), word("", ""));
    assert!(apply(&folder, &id).exits(2).err.contains("0 of 2"));
    sign(&folder, &id, "kim").exits(0);
    assert!(sign(&folder, &id, "kim").exits(2).err.contains("signed this already"));
    assert!(apply(&folder, &id).exits(2).err.contains("1 of 2"));
    // A key that nobody enrolled.
    write(&folder, "stranger.key", &"11".repeat(32));
    assert!(sign(&folder, &id, "stranger").exits(2).err.contains("no officer"));
    assert_eq!(row(&preview(&folder, &[]), first), word("", ""));
    sign(&folder, &id, "lee").exits(0);
    apply(&folder, &id).exits(0);
    assert!(apply(&folder, &id).exits(2).err.contains("applied already"));
    let rows = preview(&folder, &[]);
    assert_eq!(row(&rows, first), word("policy.forbid", "policy/kor/1#embargo"));

    let listed = run(&folder, &["label", "policy", "list", "--store", "seoul"]).exits(0).items();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["in_force"], &listed[0]["signed_by"]), (&json!(true), &json!(["kim", "lee"])));
    let stats = run(&folder, &["record", "stats", "--store", "seoul"]).exits(0).json();
    let kinds =
        ["bongsu.officer/1", "bongsu.policy/1", "bongsu.policy-signature/1", "bongsu.policy-applied/1"];
    assert_eq!(kinds.map(|kind| stats["kinds"][kind].as_u64()), [Some(2), Some(1), Some(2), Some(1)]);
    run(&folder, &["record", "verify", "seoul"]).exits(0);

    // The next version opens it again.
    let next = propose(&folder, "permit(principal, action, resource);");
    sign(&folder, &next, "lee").exits(0);
    sign(&folder, &next, "kim").exits(0);
    apply(&folder, &next).exits(0);
    assert_eq!(row(&preview(&folder, &[]), first), word("", ""));
    assert_eq!(preview(&folder, &[])[0]["policy"], "policy/kor/2");
}

#[test]
fn what_is_no_policy_is_not_proposed() {
    let (folder, _) = seoul();
    write(&folder, "new.cedar", "permit(");
    let text = ["label", "policy", "propose", "new.cedar", "--store", "seoul"];
    assert!(run(&folder, &text).exits(2).err.contains("--name"));
    let args = [&text[..], &["--name", "kor", "--author", "Kim"]].concat();
    assert_eq!(run(&folder, &args).exits(2).faults()[0]["code"], "policy::bad_syntax");
    let check = |text: &str| {
        write(&folder, "new.cedar", text);
        run(&folder, &["label", "policy", "check", "new.cedar"])
    };
    assert_eq!(check("permit").exits(2).faults()[0]["code"], "policy::bad_syntax");
    assert_eq!(check(&"(".repeat(60_000)).exits(2).faults()[0]["code"], "policy::too_large");
    assert_eq!(check("{").exits(2).faults()[0]["code"], "cli::usage");
    let only_forbid = check("forbid(principal, action, resource);").exits(0);
    assert_eq!(
        (&only_forbid.json()["warnings"], only_forbid.codes()[0].0.as_str()),
        (&json!(1), "policy::no_permit")
    );
    let none = run(&folder, &["label", "policy", "list", "--store", "seoul"]).exits(0);
    assert_eq!(none.out, "");
    let key = ["officer", "new", "kim", "--key", "new.cedar", "--store", "seoul"];
    assert!(run(&folder, &key).exits(2).err.contains("never overwritten"));
}

#[test]
fn a_dry_run_counts_what_would_change_and_for_whom() {
    let mut seoul = Seoul::found();
    seoul.add(&washington());
    let had = seoul.add(&finding("had", 3, &to_usa(), &[]));
    seoul.share("washington", had);
    let taken_back = seoul.add(&recall(had, to_usa()));
    let kept = seoul.add(&finding("kept", 3, &nobody(), &[]));
    let open = seoul.add(&finding("open", 4, &to_usa(), &[]));
    let folder = seoul.close();
    write(&folder, "new.cedar", EMBARGO);
    let dry = |policy: &str, more: &[&str]| {
        let args = ["label", "policy", "dry-run", "--store", "seoul", "--policy", policy];
        run(&folder, &[&args[..], more].concat()).exits(0).items()
    };
    let rows = dry("new.cedar", &[]);
    let count = &rows[0];
    assert_eq!((&count["kind"], &count["peer"]), (&json!("count"), &json!("washington")));
    let numbers =
        ["newly_held", "newly_released", "unchanged", "considered"].map(|f| count[f].as_u64().unwrap());
    // The recalled finding stays back as before, its recall goes as before; one finding changes.
    assert_eq!((numbers[0], numbers[1], numbers[2] + 1), (1, 0, numbers[3]));
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[1]["entry"], &rows[1]["change"]), (&json!(open), &json!("newly_held")));
    assert_eq!((&rows[1]["rule"], &rows[1]["shared"]), (&json!("policy.forbid"), &json!(false)));
    assert!(rows.iter().all(|row| row["entry"] != json!(kept) && row["entry"] != json!(taken_back)));
    // The other way round, with the embargo in force.
    officer(&folder, "kim");
    officer(&folder, "lee");
    let id = propose(&folder, EMBARGO);
    sign(&folder, &id, "kim").exits(0);
    sign(&folder, &id, "lee").exits(0);
    apply(&folder, &id).exits(0);
    write(&folder, "open.cedar", "permit(principal, action, resource);");
    let rows = dry("open.cedar", &["--days", "1"]);
    assert_eq!((&rows[0]["newly_released"], &rows[0]["newly_held"]), (&json!(1), &json!(0)));
    assert_eq!((&rows[1]["entry"], &rows[1]["change"]), (&json!(open), &json!("newly_released")));
    // Nothing is that recent a year later.
    let later = ["label", "policy", "dry-run", "--store", "seoul", "--policy", "open.cedar"];
    let rows =
        bongsu_in(folder.path(), &[&later[..], &["--now", "2027-03-10T12:00:00Z"]].concat()).exits(0).items();
    assert_eq!((rows.len(), &rows[0]["considered"]), (1, &json!(0)));
}

/// `label check` and `label join` judge by the tables of the record when they are told of one.
#[test]
fn markings_are_judged_by_the_tables_of_the_day() {
    let (folder, _) = seoul();
    let grade = r#"{"level": "대외비", "rel_to": ["USA"], "originator": "KOR"}"#;
    let check = |more: &[&str]| run(&folder, &[&["label", "check", grade], more].concat());
    assert_eq!(check(&[]).exits(1).items()[0]["rule"], json!("level.unknown"));
    assert_eq!(check(&["--store", "seoul"]).exits(1).items()[0]["rule"], json!("level.unknown"));
    let file = root().join("samples/label/kor-grades.json");
    run(&folder, &["label", "table", "load", file.to_str().unwrap(), "--store", "seoul"]).exits(0);
    assert_eq!(check(&["--data", "seoul"]).exits(0).items()[0]["level"], json!("RESTRICTED"));
    // Before its day it did not hold.
    let args = ["label", "check", grade, "--store", "seoul", "--now", "2025-12-31T00:00:00Z"];
    assert_eq!(bongsu_in(folder.path(), &args).exits(1).items()[0]["rule"], json!("level.unknown"));
    let join = |more: &[&str]| run(&folder, &[&["label", "join", grade, grade], more].concat());
    join(&[]).exits(2);
    assert_eq!(join(&["--store", "seoul"]).exits(0).json()["level"], json!("RESTRICTED"));
}

#[test]
fn a_table_is_loaded_and_holds_from_its_day() {
    let mut seoul = Seoul::found();
    seoul.add(&washington());
    let grade = base::Marking::new("군사 2급비밀", &["USA"], "KOR");
    let id = seoul.add(&finding("in our words", 3, &grade, &[]));
    let folder = seoul.close();
    assert_eq!(row(&preview(&folder, &[]), id), word("level.unknown", "marking.level"));
    let file = root().join("samples/label/kor-grades.json");
    let loaded = run(&folder, &["label", "table", "load", file.to_str().unwrap(), "--store", "seoul"]);
    assert_eq!(loaded.exits(0).json()["rows"], 4);
    assert_eq!(row(&preview(&folder, &[]), id), word("", ""));

    let shown = run(&folder, &["label", "table", "show"]).exits(0).items();
    let mut table = shown[0].clone();
    table["version"] = json!("kor-2026");
    table["groups"] = json!({"NATO": ["GBR"]});
    table["countries"] = json!(["GBR", "KOR"]);
    write(&folder, "codes.json", &table.to_string());
    run(&folder, &["label", "table", "check", "codes.json"]).exits(0);
    let loaded = run(&folder, &["label", "table", "load", "codes.json", "--store", "seoul"]).exits(0).json();
    let proposal = loaded["entry"].as_str().unwrap();
    // A table of codes says who is a member of what: two officers sign it, as they do a policy.
    assert_eq!(row(&preview(&folder, &[]), id), word("", ""));
    officer(&folder, "kim");
    officer(&folder, "lee");
    let signed = sign(&folder, proposal, "kim").exits(0).json();
    let told = ["kind", "name", "version", "table"].map(|field| signed[field].clone());
    assert_eq!(told, [json!("codes"), json!("codes"), json!(1), json!("kor-2026")]);
    assert!(apply(&folder, proposal).exits(2).err.contains("1 of 2"));
    assert_eq!(row(&preview(&folder, &[]), id), word("", ""));
    sign(&folder, proposal, "lee").exits(0);
    apply(&folder, proposal).exits(0);
    assert_eq!(row(&preview(&folder, &[]), id), word("rel.unknown_code", "marking.rel_to[0]"));
    let listed = run(&folder, &["label", "policy", "list", "--store", "seoul"]).exits(0).items();
    assert_eq!((&listed[0]["in_force"], &listed[0]["signed_by"]), (&json!(true), &json!(["kim", "lee"])));
    let at = |time: &str| {
        run(&folder, &["label", "table", "show", "--store", "seoul", "--at", time]).exits(0).items()
    };
    assert_eq!(at(NOW)[0]["version"], "kor-2026");
    assert_eq!(at(NOW)[1]["authority"], "KOR");
    assert_eq!(
        (at("2020-01-01T00:00:00Z").len(), &at("2020-01-01T00:00:00Z")[0]["version"]),
        (1, &json!("builtin-1"))
    );

    table["groups"] = json!({"NATO": ["USA"]});
    for bad in [table.to_string(), "{}".to_owned(), "[]".to_owned(), "x".to_owned()] {
        write(&folder, "codes.json", &bad);
        run(&folder, &["label", "table", "check", "codes.json"]).exits(2);
        run(&folder, &["label", "table", "load", "codes.json", "--store", "seoul"]).exits(2);
    }
}

const TO_USA: &str = r#"{"level":"RESTRICTED","rel_to":["USA"],"originator":"KOR"}"#;

/// Makes a whole of `document`, and a version of it that opens two fields; gives both texts.
fn tearline(folder: &TempDir, document: &Value) -> (String, String) {
    write(folder, "document.json", &document.to_string());
    let whole = run(folder, &["label", "tearline", "make", "document.json", "--store", "seoul"]).exits(0).out;
    write(folder, "whole.json", &whole);
    let fields = ["--field", "/title", "--field", "/list/0"];
    let args = ["label", "tearline", "disclose", "whole.json", "--store", "seoul", "--marking", TO_USA];
    let version = run(folder, &[&args[..], &fields].concat()).exits(0).out;
    (whole, version)
}

fn verify(folder: &TempDir, text: &str, more: &[&str]) -> Ran {
    write(folder, "part.json", text);
    run(folder, &[&["label", "tearline", "verify", "part.json"], more].concat())
}

#[test]
fn a_tear_line_verifies_and_hides_the_rest() {
    let (folder, _) = seoul();
    let (_, part) = tearline(&folder, &json!({"title": "shown", "list": [1, 2], "secret": "a"}));
    let verified = verify(&folder, &part, &[]).exits(0).json();
    assert_eq!(verified["document"], json!({"title": "shown", "list": [1]}));
    assert_eq!((&verified["ok"], &verified["node"]), (&json!(true), &json!("seoul")));
    let key = verified["key"].as_str().unwrap();
    verify(&folder, &part, &["--key", key]).exits(0);
    let other =
        run(&folder, &["officer", "new", "kim", "--key", "kim.key", "--store", "seoul"]).exits(0).json();
    let refused = verify(&folder, &part, &["--key", other["key"].as_str().unwrap()]).exits(1);
    assert_eq!(refused.faults()[0]["code"], "tearline::other_key");

    // Another document with more, longer and deeper hidden fields: the same size to the byte.
    let hidden: Vec<Value> = (0..300).map(|n| json!({"name": "x".repeat(n)})).collect();
    let document = json!({"title": "shown", "list": [1, 2, 3, 4], "more": hidden, "a": {"b": {"c": null}}});
    let (_, longer) = tearline(&folder, &document);
    assert_eq!(part.len(), longer.len());
    assert_eq!(verify(&folder, &longer, &[]).exits(0).json()["document"], verified["document"]);

    // The version goes where its own marking lets it go; the root goes nowhere.
    let rows = preview(&folder, &[]);
    let by_kind = |kind: &str| -> Vec<bool> {
        rows.iter().filter(|row| row["kind"] == kind).map(|row| row["released"] == true).collect()
    };
    assert_eq!(by_kind("bongsu.tearline/1"), [true, true]);
    assert_eq!(by_kind("bongsu.tearline-root/1"), [false, false]);
}

#[test]
fn a_changed_version_is_refused() {
    let (folder, _) = seoul();
    let (whole, part) = tearline(&folder, &json!({"title": "shown", "list": [1, 2], "secret": "a"}));
    let mut document: Value = serde_json::from_str(&part).unwrap();
    document["envelope"]["signatures"][0]["sig"] = json!("A".repeat(86) + "==");
    let refused = verify(&folder, &document.to_string(), &[]).exits(1);
    assert_eq!(refused.faults()[0]["code"], "record::bad_signature");
    assert_eq!(refused.json()["ok"], false);
    for text in ["{}", "[]", r#"{"envelope": 1}"#] {
        let refused = verify(&folder, text, &[]).exits(1);
        assert_eq!(refused.faults()[0]["code"], "record::bad_envelope");
    }
    verify(&folder, "no JSON", &[]).exits(2);

    // The owner's file, with another document under the signed root.
    let changed = whole.replace("\"secret\":\"a\"", "\"secret\":\"b\"");
    assert_ne!(changed, whole);
    write(&folder, "whole.json", &changed);
    let args = ["label", "tearline", "disclose", "whole.json", "--store", "seoul", "--field"];
    let with =
        |field: &str, marking: &str| run(&folder, &[&args[..], &[field, "--marking", marking]].concat());
    assert!(with("/title", TO_USA).exits(2).err.contains("root was signed"));
    write(&folder, "whole.json", &whole);
    assert!(with("/titel", TO_USA).exits(2).err.contains("/titel"));
    assert!(with("/title", r#"{"level":"?","rel_to":[],"originator":"KOR"}"#).exits(2).err.contains("level"));
    assert!(with("/title", "{}").exits(2).err.contains("--marking"));
}

#[test]
fn another_nodes_whole_is_not_ours_to_disclose() {
    let (ours, _) = seoul();
    let (theirs, _) = seoul();
    let (whole, _) = tearline(&theirs, &json!({"title": "shown", "list": [1]}));
    write(&ours, "whole.json", &whole);
    let args = ["label", "tearline", "disclose", "whole.json", "--store", "seoul", "--marking", TO_USA];
    let ran = run(&ours, &[&args[..], &["--field", "/title"]].concat()).exits(2);
    assert!(ran.err.contains("only the originator"), "{ran:?}");
}

#[test]
fn an_entry_can_be_the_whole() {
    let (folder, [first, ..]) = seoul();
    let id = first.to_string();
    let made = run(&folder, &["label", "tearline", "make", "--id", &id, "--store", "seoul"]).exits(0).out;
    write(&folder, "whole.json", &made);
    let args = ["label", "tearline", "disclose", "whole.json", "--store", "seoul", "--marking", TO_USA];
    let part = run(&folder, &[&args[..], &["--field", "/objects/0/id"]].concat()).exits(0).out;
    let document = verify(&folder, &part, &[]).exits(0).json()["document"].clone();
    assert_eq!(document, json!({"objects": [{"id": "norad:40536"}]}));
    let absent = "0".repeat(64);
    run(&folder, &["label", "tearline", "make", "--id", &absent, "--store", "seoul"]).exits(2);
    assert!(Path::new(folder.path()).join("seoul/record").is_dir());
}
