//! `threat index` and `threat hunt`: the hits of `threat match` over the same logs, now and later.

use serde_json::json;

use crate::support::{bongsu_in, root};

const LOGS: [&str; 2] = ["samples/threat/dns.log", "samples/threat/mail.log"];

/// A folder in which the samples are and `store` is indexed.
fn stage() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("samples"), folder.path().join("samples")).unwrap();
    let ran = bongsu_in(folder.path(), &["threat", "index", LOGS[0], LOGS[1], "--store", "store"]).exits(0);
    let items = ran.items();
    assert_eq!(items[0]["taken"], "new");
    assert_eq!((&items[0]["format"], &items[1]["format"]), (&json!("zeek_tsv"), &json!("text")));
    folder
}

#[test]
fn a_hunt_prints_what_matching_prints() {
    let folder = stage();
    let run = |args: &[&str]| bongsu_in(folder.path(), args);
    for more in [vec![], vec!["--warninglists", "samples/threat/warninglist.json"], vec!["--fail-on", "2"]] {
        let indicators =
            ["--indicators", "samples/threat/indicators.txt", "samples/threat/indicators.stix.json"];
        let matching = [&["threat", "match", LOGS[0], LOGS[1]], &indicators[..], &more].concat();
        let hunting = [&["threat", "hunt", "--store", "store"], &indicators[..], &more].concat();
        let (matched, hunted) = (run(&matching), run(&hunting));
        assert!(!matched.out.is_empty());
        assert_eq!((hunted.code, hunted.out, hunted.err), (matched.code, matched.out, matched.err));
    }
}

#[test]
fn a_window_is_half_open() {
    let folder = stage();
    let hunt = |more: &[&str]| {
        let base = ["threat", "hunt", "--store", "store", "--indicators", "samples/threat/indicators.txt"];
        bongsu_in(folder.path(), &[&base, more].concat())
    };
    let all: Vec<String> = hunt(&[])
        .exits(0)
        .items()
        .iter()
        .map(|item| item["time"].as_str().unwrap_or("").to_owned())
        .collect();
    let last = all.iter().max().unwrap();
    let of = |items: usize| assert!(items > 0 && items < all.len(), "{items} of {all:?}");
    let before = hunt(&["--to", last]).exits(0);
    assert!(before.items().iter().all(|item| item["time"].as_str().unwrap() < last.as_str()));
    of(before.items().len());
    let from = hunt(&["--from", last]).exits(0);
    assert!(from.items().iter().all(|item| item["time"] == *last));
    of(from.items().len());
    assert_eq!(hunt(&["--from", last, "--to", last]).exits(0).items().len(), 0);
    let ran = hunt(&["--from", "2027-01-01T00:00:00Z", "--to", "2026-01-01T00:00:00Z"]).exits(2);
    assert_eq!(ran.codes()[0].0, "cli::usage");
}

#[test]
fn logs_are_known_again_and_what_cannot_be_read_is_told() {
    let folder = stage();
    let run =
        |args: &[&str]| bongsu_in(folder.path(), &[&["threat", "index", "--store", "store"], args].concat());
    let again = run(&[LOGS[0]]).exits(0).items();
    assert_eq!((&again[0]["taken"], &again[0]["lines"]), (&json!("known"), &json!(0)));
    let missing = run(&["missing.log", LOGS[1]]).exits(2);
    assert_eq!(missing.codes()[0].0, "cli::io");
    assert_eq!(missing.items()[0]["taken"], "known");
}

#[test]
fn a_damaged_store_is_named_and_the_rest_is_searched() {
    let folder = stage();
    let mail = ["threat", "index", "samples/threat/patterns.txt", "--store", "store"];
    bongsu_in(folder.path(), &mail).exits(0);
    let hunt = ["threat", "hunt", "--store", "store", "--indicators", "samples/threat/indicators.txt"];
    let whole = bongsu_in(folder.path(), &hunt).exits(0).items().len();
    std::fs::write(folder.path().join("store/segment-0000000002.keys"), b"bad").unwrap();
    let ran = bongsu_in(folder.path(), &hunt).exits(2);
    assert_eq!(ran.codes()[0].0, "hunt::damaged_segment");
    assert!(ran.items().len() <= whole && !ran.items().is_empty());
    let none = bongsu_in(
        folder.path(),
        &["threat", "hunt", "--store", "none", "--indicators", "samples/threat/indicators.txt"],
    );
    assert_eq!(none.exits(2).codes()[0].0, "hunt::no_store");
}
