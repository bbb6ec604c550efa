//! `label` and `incident`: what a marking means, what a peer would get, which incidents stand.

use std::collections::HashMap;

use base::{EntryId, Marking};
use serde_json::{Value, json};

use crate::support::{
    Ran, Seoul, bongsu, bongsu_in, bongsu_with, finding, hold, incident, nobody, recall, to_usa, washington,
};

#[test]
fn markings_are_judged_one_by_one() {
    let input = b"{\"level\":\"RESTRICTED\",\"rel_to\":[\"USA\"],\"originator\":\"KOR\"}\n\
        {\"level\":\"RESTRICTED\",\"rel_to\":[\"USA\",\"ATLANTIS\"],\"originator\":\"KOR\"}\n\
        \n\
        {\"level\":\"RESTRICTED\",\"rel_to\":[],\"caveats\":[\"NOFORN\"],\"originator\":\"KOR\",\"extra\":1}\n";
    let items = bongsu_with(&["label", "check", "-"], input).exits(1).items();
    let wanted = json!({
        "line": 1, "ok": true, "banner": "RESTRICTED//REL TO KOR, USA",
        "level": "RESTRICTED", "rel_to": ["USA"], "caveats": [], "originator": "KOR",
    });
    assert_eq!(items[0], wanted);
    assert_eq!(
        (&items[1]["rule"], &items[1]["path"]),
        (&"rel.unknown_code".into(), &"marking.rel_to[1]".into())
    );
    assert_eq!((&items[2]["line"], &items[2]["rule"]), (&4.into(), &"marking.missing".into()));
}

#[test]
fn a_line_that_is_no_json_is_a_fault() {
    let good = r#"{"level":"SECRET","rel_to":["JPN"],"originator":"KOR"}"#;
    let ran =
        bongsu_with(&["label", "check", "-"], format!("{good}\nnonsense\n{good}\n").as_bytes()).exits(1);
    assert_eq!(ran.items().len(), 2);
    assert_eq!(ran.codes(), [("label::bad_json".to_owned(), Some(2))]);
    let ran = bongsu_with(&["label", "check", "-"], b"nonsense\n").exits(2);
    assert_eq!(ran.codes()[0], ("label::bad_json".to_owned(), Some(1)));
    bongsu(&["label", "check", "{\"level\":"]).exits(2);
}

#[test]
fn what_is_printed_can_be_read_again() {
    let a = r#"{"level":"RESTRICTED","rel_to":["JPN","USA"],"originator":"KOR"}"#;
    let b = r#"{"level":"SECRET","rel_to":["USA"],"caveats":["ORCON"],"originator":"KOR"}"#;
    let joined = bongsu(&["label", "join", a, b]).exits(0).json();
    assert_eq!(joined["level"], "SECRET");
    assert_eq!((&joined["rel_to"], &joined["caveats"]), (&json!(["USA"]), &json!(["ORCON"])));
    let again = bongsu(&["label", "check", &joined.to_string()]).exits(0).items();
    assert_eq!(again[0]["banner"], joined["banner"]);
    let ran = bongsu(&["label", "join", a, r#"{"level":"COSMIC","rel_to":[],"originator":"KOR"}"#]).exits(2);
    assert!(ran.err.contains("marking B") && ran.err.contains("level.unknown"), "{ran:?}");
}

/// A record with every sort of decision in it.
fn record() -> (tempfile::TempDir, HashMap<&'static str, EntryId>) {
    let mut seoul = Seoul::found();
    let mut ids = HashMap::from([("genesis", seoul.genesis())]);
    ids.insert("peer", seoul.add(&washington()));
    ids.insert("shared", seoul.add(&finding("shared", 3, &to_usa(), &[])));
    ids.insert("kept", seoul.add(&finding("kept", 2, &nobody(), &[])));
    ids.insert("japan", seoul.add(&finding("japan", 2, &Marking::new("RESTRICTED", &["JPN"], "KOR"), &[])));
    ids.insert("secret", seoul.add(&finding("secret", 2, &Marking::new("TOP SECRET", &["USA"], "KOR"), &[])));
    ids.insert("rests", seoul.add(&finding("rests on what is kept", 2, &to_usa(), &[ids["kept"]])));
    ids.insert("gone", seoul.add(&finding("gone", 5, &to_usa(), &[])));
    seoul.share("washington", ids["shared"]);
    seoul.share("washington", ids["gone"]);
    ids.insert("recall", seoul.add(&recall(ids["gone"], to_usa())));
    ids.insert("quiet recall", seoul.add(&recall(ids["japan"], to_usa())));
    (seoul.close(), ids)
}

fn preview(folder: &std::path::Path, peer: &str) -> Ran {
    bongsu_in(folder, &["label", "preview", "--store", "seoul", "--as", peer])
}

#[test]
fn a_preview_decides_as_the_node_does() {
    let (folder, ids) = record();
    let items = preview(folder.path(), "washington").exits(0).items();
    assert_eq!(items.len(), ids.len());
    let row = |name: &str| -> Vec<Value> {
        let item = items.iter().find(|item| item["id"] == ids[name].to_string()).unwrap();
        ["released", "rule", "path"].iter().map(|key| item[*key].clone()).collect()
    };
    let withheld = |rule: &str, path: &str| vec![json!(false), json!(rule), json!(path)];
    assert_eq!(row("shared"), [json!(true), Value::Null, Value::Null]);
    assert_eq!(row("genesis"), withheld("rel.empty", "marking.rel_to"));
    assert_eq!(row("peer"), withheld("rel.empty", "marking.rel_to"));
    assert_eq!(row("kept"), withheld("rel.empty", "marking.rel_to"));
    assert_eq!(row("secret"), withheld("level.above_clearance", "marking.level"));
    assert_eq!(row("rests"), withheld("evidence.withheld", "evidence[0]"));
    assert_eq!(row("gone"), withheld("recalled", "item"));
    assert_eq!(row("japan"), withheld("recalled", "item"));
    assert_eq!(row("recall"), [json!(true), Value::Null, Value::Null]);
    assert_eq!(row("quiet recall"), withheld("recall.never_shared", "target"));
    assert_eq!(items[2]["kind"], "bongsu.finding/1");
}

#[test]
fn a_preview_for_a_stranger_names_the_peers() {
    let (folder, _) = record();
    let ran = preview(folder.path(), "tokyo").exits(2);
    assert!(ran.err.contains("tokyo") && ran.err.contains("washington"), "{ran:?}");
    preview(folder.path(), "To kyo").exits(2);
}

#[test]
fn a_running_node_or_no_node_is_told() {
    let (folder, _) = record();
    let held = hold(folder.path());
    for args in [
        &["label", "preview", "--store", "seoul", "--as", "washington"][..],
        &["incident", "list", "--store", "seoul"],
        &["link", "status", "--data", "seoul"],
        &["link", "offer", "--data", "seoul"],
    ] {
        let ran = bongsu_in(folder.path(), args).exits(2);
        assert!(ran.err.contains("stop"), "{ran:?}");
    }
    drop(held);
    let ran = bongsu_in(folder.path(), &["incident", "list", "--store", "nowhere"]).exits(2);
    assert!(ran.err.contains("nowhere"), "{ran:?}");
}

#[test]
fn incidents_that_stand_are_listed_worst_first() {
    let mut seoul = Seoul::found();
    let found = |seoul: &mut Seoul, title: &str, severity: u8| {
        let finding = finding(title, severity, &to_usa(), &[]);
        (seoul.add(&finding), finding)
    };
    let (first, second, third) =
        (found(&mut seoul, "first", 2), found(&mut seoul, "second", 4), found(&mut seoul, "third", 3));
    let old = seoul.add(&incident(std::slice::from_ref(&first), &[]));
    let grown = seoul.add(&incident(&[first, second], &[old]));
    let other = seoul.add(&incident(std::slice::from_ref(&third), &[]));
    let gone = seoul.add(&incident(&[third], &[]));
    seoul.add(&recall(gone, to_usa()));
    let folder = seoul.close();

    let list =
        |more: &[&str]| bongsu_in(folder.path(), &[&["incident", "list", "--store", "seoul"], more].concat());
    let items = list(&[]).exits(0).items();
    let shown: Vec<_> = items.iter().map(|item| (item["id"].clone(), item["severity"].clone())).collect();
    assert_eq!(shown, [(json!(grown), json!(4)), (json!(other), json!(3))]);
    assert_eq!((&items[0]["findings"], &items[0]["owner"]), (&json!(2), &json!("seoul")));
    list(&["--fail-on", "4"]).exits(1);
    list(&["--fail-on", "5"]).exits(0);
    let csv = list(&["--format", "csv"]).exits(0).out;
    assert!(csv.lines().nth(1).unwrap().contains("KOMPSAT-3A"), "{csv}");

    let show =
        |id: EntryId| bongsu_in(folder.path(), &["incident", "show", &id.to_string(), "--store", "seoul"]);
    assert_eq!(show(grown).exits(0).json()["timeline"].as_array().unwrap().len(), 2);
    assert_eq!(show(old).exits(0).json()["superseded_by"], json!(grown));
    assert!(show(gone).exits(2).err.contains("recalled"));
    assert!(show(EntryId::from_bytes([7; 32])).exits(2).err.contains("no incident"));
}
