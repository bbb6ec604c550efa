//! `taxii`: accounts, collections and loading, on a folder before its first start and on a stopped node.

use serde_json::{Value, json};

use crate::support::{Ran, Seoul, bongsu_in, hold, root};

const ID: &str = "indicator--00000000-0000-4000-8000-000000000001";

/// Runs `taxii` on the folder `seoul` below `folder`.
fn taxii(folder: &std::path::Path, args: &[&str]) -> Ran {
    bongsu_in(folder, &[&["taxii"], args, &["--data", "seoul"]].concat())
}

fn bundle(objects: &[Value]) -> String {
    json!({ "type": "bundle", "id": "bundle--00000000-0000-4000-8000-000000000002", "objects": objects })
        .to_string()
}

fn indicator() -> Value {
    json!({ "type": "indicator", "spec_version": "2.1", "id": ID, "modified": "2026-01-01T00:00:00.000Z" })
}

#[test]
fn acts_are_entries_without_secrets() {
    let folder = Seoul::found().close();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("password"), "swordfish-9\r\n").unwrap();
    let run = |args: &[&str]| taxii(folder.path(), args);
    let added = run(&["account", "add", "sensor", "--password-file", "password"]).exits(0).json();
    assert_eq!(added, json!({ "schema": "bongsu.taxii-account/1", "name": "sensor" }));
    run(&["account", "add", "us-cert", "--password-file", "password", "--country", "USA"]).exits(0);
    let made = run(&["collection", "add", "One", "--read", "sensor, us-cert", "--write", "@own"]).exits(0);
    let made = made.json();
    assert_eq!((&made["root"], &made["title"]), (&json!("taxii2/default"), &json!("One")));
    assert_eq!((&made["read"], &made["write"]), (&json!(["sensor", "us-cert"]), &json!(["@own"])));
    let accounts = run(&["account", "list"]).exits(0).items();
    assert_eq!(accounts[1], json!({ "name": "us-cert", "country": "USA", "clearance": "UNCLASSIFIED" }));

    std::fs::write(at("two.json"), bundle(&[indicator(), json!({ "type": "indicator", "id": "x" })]))
        .unwrap();
    let loaded = run(&["load", "two.json"]).exits(0);
    assert_eq!((&loaded.items()[0]["objects"], &loaded.items()[0]["title"]), (&json!(1), &json!("One")));
    assert_eq!(loaded.codes(), [("taxii::refused".to_owned(), None)]);
    run(&["account", "remove", "us-cert"]).exits(0);
    let left = run(&["collection", "list"]).exits(0).items();
    assert_eq!(left[0]["read"], json!(["sensor"]), "who comes under the name later inherits nothing");
    run(&["collection", "remove", "One"]).exits(0);

    let exported = bongsu_in(folder.path(), &["record", "stats", "--store", "seoul"]).exits(0).out;
    assert!(exported.contains("bongsu.taxii-set-up/1"), "{exported}");
    let book = std::fs::read_to_string(at("seoul/taxii.json")).unwrap();
    assert!(book.contains("$argon2id$") && !book.contains("swordfish"));
    let read = record::ReadRecord::open(&at("seoul")).unwrap();
    let mut acts = 0;
    for seq in 0..read.size().unwrap() {
        let entry = read.at(seq).unwrap().unwrap().entry.unwrap();
        let text = String::from_utf8_lossy(entry.payload()).into_owned();
        assert!(!text.contains("argon2") && !text.contains("swordfish"), "a secret is in the record");
        acts += usize::from(entry.kind() == "bongsu.taxii-set-up/1");
    }
    assert_eq!(acts, 5);
}

#[test]
fn what_cannot_be_done_says_so_and_changes_nothing() {
    let folder = Seoul::found().close();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("password"), "x\n").unwrap();
    std::fs::write(at("empty"), "\n").unwrap();
    std::fs::write(at("bundle.json"), bundle(&[indicator()])).unwrap();
    std::fs::write(at("cut.json"), "{\"objects\": [").unwrap();
    let medallion = root().join("crates/node/tests/data/taxii/default_data.json");
    let medallion = medallion.to_str().unwrap();
    let run = |args: &[&str]| taxii(folder.path(), args);
    for (args, code, what) in [
        (&["account", "add", "a", "--password-file", "empty"][..], 2, "empty"),
        (&["account", "add", "a", "--password-file", "absent"], 2, "absent"),
        (&["account", "add", "a"], 2, "--password-file"),
        (&["account", "add", "a", "--password-file", "password", "--country", "KOREA"], 2, "KOREA"),
        (&["account", "add", "a", "--certificate", "password"], 2, "PEM"),
        (&["account", "remove", "nobody"], 2, "nobody"),
        (&["collection", "add", "T", "--id", "seven"], 2, "UUID"),
        (&["collection", "add", "T", "--root", "api/x"], 2, "api/x"),
        (&["collection", "add", " "], 2, "title"),
        (&["collection", "remove", "T"], 2, "`T`"),
        (&["load", "bundle.json", "--collection", "T"], 2, "`T`"),
        (&["load", "cut.json"], 2, "byte 1"),
        (&["load", medallion], 2, "--fixture medallion"),
        (&["load", "bundle.json", "--fixture", "medallion"], 2, "medallion"),
    ] {
        let ran = run(args).exits(code);
        assert!(ran.err.contains(what), "{args:?}: {}", ran.err);
    }
    assert!(!at("seoul/taxii.json").exists());
    run(&["collection", "add", "T", "--read", "*"]).exits(0);
    run(&["collection", "add", "U", "--read", "*"]).exits(0);
    assert!(run(&["load", "bundle.json"]).exits(2).err.contains("--collection"));

    let held = hold(folder.path());
    let refused = run(&["account", "add", "a", "--password-file", "password"]).exits(2);
    assert!(refused.err.contains("stop it") && refused.err.contains("start it again"), "{}", refused.err);
    run(&["collection", "list"]).exits(0);
    drop(held);
    run(&["account", "add", "a", "--password-file", "password"]).exits(0);
    assert!(
        run(&["account", "add", "a", "--password-file", "password"]).exits(2).err.contains("remove it first")
    );
}

#[test]
fn another_servers_data_makes_its_roots() {
    let folder = tempfile::tempdir().unwrap();
    let medallion = root().join("crates/node/tests/data/taxii/default_data.json");
    let ran = taxii(folder.path(), &["load", medallion.to_str().unwrap(), "--fixture", "medallion"]).exits(0);
    assert!(ran.err.contains("for tests only"));
    assert_eq!(ran.items().iter().filter_map(|one| one["objects"].as_u64()).sum::<u64>(), 8);
    // Again: nothing is made twice.
    taxii(folder.path(), &["load", medallion.to_str().unwrap(), "--fixture", "medallion"]).exits(0);
    let collections = taxii(folder.path(), &["collection", "list"]).exits(0).items();
    assert_eq!(collections.len(), 5);
    assert!(collections.iter().all(|one| one["root"] == "trustgroup1" && one["listed"] == true));
    let accounts = taxii(folder.path(), &["account", "list"]).exits(0).items();
    assert_eq!(accounts.len(), 3);
    assert!(!folder.path().join("seoul/record").exists(), "the first start founds it");
}
