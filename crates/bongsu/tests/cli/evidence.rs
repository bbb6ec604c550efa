//! `record proof` and `record repair`.

use base::EntryId;
use serde_json::Value;

use crate::support::{Seoul, bongsu_in, finding, to_usa};

fn record() -> (tempfile::TempDir, Vec<EntryId>) {
    let mut seoul = Seoul::found();
    let ids = (0..40).map(|n| seoul.add(&finding(&format!("finding {n}"), 2, &to_usa(), &[]))).collect();
    (seoul.close(), ids)
}

fn verify(folder: &std::path::Path) -> Value {
    bongsu_in(folder, &["record", "verify", "seoul", "--json"]).json()
}

#[test]
fn a_proof_is_a_file_that_needs_only_the_key() {
    let (folder, ids) = record();
    let folder = folder.path();
    let key = verify(folder)["key"].as_str().unwrap().to_owned();
    let made = bongsu_in(folder, &["record", "proof", &ids[7].to_string(), "--store", "seoul"]).exits(0);
    assert!(made.out.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{}", made.out);
    std::fs::write(folder.join("entry.tlog-proof"), &made.out).unwrap();
    let check = ["record", "proof", "--verify", "entry.tlog-proof", "--key", &key, "--json"];
    let verdict = bongsu_in(folder, &check).exits(0).json();
    assert_eq!((&verdict["ok"], &verdict["index"]), (&true.into(), &8.into()));
    assert_eq!(verdict["id"], ids[7].to_string());
    // Another hash: it does not hold. Another key: neither. No proof at all: nothing to check.
    let line = made.out.lines().nth(3).unwrap();
    let other = if line.starts_with('A') { 'B' } else { 'A' };
    let wrong = made.out.replace(line, &format!("{other}{}", &line[1..]));
    std::fs::write(folder.join("wrong.tlog-proof"), wrong).unwrap();
    let wrong = ["record", "proof", "--verify", "wrong.tlog-proof", "--key", &key, "--json"];
    assert_eq!(bongsu_in(folder, &wrong).exits(1).json()["code"], "record::proof_does_not_hold");
    let stranger = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    bongsu_in(folder, &["record", "proof", "--verify", "entry.tlog-proof", "--key", stranger]).exits(1);
    bongsu_in(folder, &["record", "proof", "--verify", "seoul/keys/tls.crt", "--key", &key]).exits(2);
    bongsu_in(folder, &["record", "proof", &"00".repeat(32), "--store", "seoul"]).exits(2);
}

#[test]
fn that_the_log_only_grew_is_proven_too() {
    let mut seoul = Seoul::found();
    seoul.add(&finding("before", 2, &to_usa(), &[]));
    let data = seoul.folder.path().join("seoul");
    std::fs::copy(data.join("record/checkpoints/home"), seoul.folder.path().join("old")).unwrap();
    for n in 0..9 {
        seoul.add(&finding(&format!("after {n}"), 2, &to_usa(), &[]));
    }
    let folder = seoul.close();
    let key = verify(folder.path())["key"].as_str().unwrap().to_owned();
    let made = bongsu_in(folder.path(), &["record", "proof", "--since", "old", "--store", "seoul"]).exits(0);
    assert!(made.out.starts_with("old 2\n"), "{}", made.out);
    std::fs::write(folder.path().join("grown"), &made.out).unwrap();
    let check = ["record", "proof", "--verify", "grown", "--since", "old", "--key", &key, "--json"];
    let verdict = bongsu_in(folder.path(), &check).exits(0).json();
    assert_eq!(
        (&verdict["ok"], &verdict["old_size"], &verdict["size"]),
        (&true.into(), &2.into(), &11.into())
    );
}

#[test]
fn a_damaged_record_is_put_together_from_a_backup() {
    let (folder, ids) = record();
    let folder = folder.path();
    let before = verify(folder);
    let copied =
        std::process::Command::new("cp").args(["-r", "seoul", "backup"]).current_dir(folder).status();
    assert!(copied.unwrap().success());
    let path = folder.join("seoul/record/record.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let from = bytes.len() - 3 * 4096;
    bytes[from..].fill(0);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(verify(folder)["ok"], false);
    let alone = bongsu_in(folder, &["record", "repair", "seoul", "--json"]).exits(1).json();
    assert!(alone["done"] == false && !alone["missing"].as_array().unwrap().is_empty(), "{alone}");
    let report =
        bongsu_in(folder, &["record", "repair", "seoul", "--from", "backup", "--json"]).exits(0).json();
    assert!(report["done"] == true && report["restored"].as_u64().unwrap() > 0, "{report}");
    let after = verify(folder);
    assert_eq!((&after["ok"], &after["root"]), (&true.into(), &before["root"]));
    bongsu_in(folder, &["record", "show", &ids[39].to_string(), "--store", "seoul"]).exits(0);
    assert!(folder.join("seoul/record.damaged-1/record.db").exists());
    bongsu_in(folder, &["record", "repair", "seoul", "--from", "seoul/keys/tls.crt"]).exits(2);
}
