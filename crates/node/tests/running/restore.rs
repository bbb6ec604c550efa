//! A backup that was made before a recall, restored after it.

use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::support::wire::finding;
use crate::support::{PATIENCE, Side, WASHINGTON, allies, copy_folder, files_with, report};

/// A copy of a stopped node's folder.
struct Backup(TempDir);

impl Backup {
    fn of(side: &Side) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(side.data(), folder.path());
        Self(folder)
    }

    /// Puts it in place of all that is there.
    fn restore(&self, side: &Side) {
        for entry in std::fs::read_dir(side.data()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
        }
        copy_folder(self.0.path(), side.data());
    }
}

/// Washington keeps its tombstones in `file`.
async fn keep_tombstones(washington: &mut Side, file: &Path) {
    let settings = format!("{WASHINGTON}[link]\ntombstones = \"{}\"\n", file.display());
    std::fs::write(washington.data().join("bongsu.toml"), settings).unwrap();
    washington.restart().await;
}

/// Washington has three items of Seoul and one of its own, and a backup; then the first is recalled.
struct Story {
    seoul: Side,
    washington: Side,
    backup: Backup,
    recalled: String,
    stays: [String; 2],
    own: String,
}

async fn story(tombstones: Option<&Path>) -> Story {
    let (seoul, mut washington) = allies().await;
    if let Some(file) = tombstones {
        keep_tombstones(&mut washington, file).await;
    }
    let recalled = seoul.officer().report(&report("RECALLED-WORDS", &["USA"])).await;
    let stays = [
        seoul.officer().report(&report("STAYS-WORDS one", &["USA"])).await,
        seoul.officer().report(&report("STAYS-WORDS two", &["USA"])).await,
    ];
    let mut own = report("Washington's own", &[]);
    own["marking"]["originator"] = json!("USA");
    let own = washington.officer().report(&own).await;
    seoul.delivered("washington").await;
    washington.stop().await;
    let backup = Backup::of(&washington);
    washington.start().await;
    seoul.officer().recall(&recalled).await;
    seoul.delivered("washington").await;
    assert_eq!(washington.officer().status(&format!("/api/findings/{recalled}")).await, 404);
    Story { seoul, washington, backup, recalled, stays, own }
}

/// Nothing tells of the item, which the words know.
async fn is_gone(side: &Side, id: &str, words: &str) {
    for path in ["findings", "entries", "incidents"] {
        assert_eq!(side.officer().status(&format!("/api/{path}/{id}")).await, 404, "{path}");
    }
    for list in ["/api/findings", "/api/incidents"] {
        let all = serde_json::to_string(&side.officer().all(list).await).unwrap();
        assert!(!all.contains(words) && !all.contains(id), "{list} tells of it: {all}");
    }
    let found = side.officer().get(&format!("/api/search?q={words}")).await;
    assert_eq!(found["items"], json!([]), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tombstones_elsewhere_a_restored_backup_brings_nothing_back() {
    let elsewhere = tempfile::tempdir().unwrap();
    let file: PathBuf = elsewhere.path().join("washington.tombstones");
    let Story { mut seoul, mut washington, backup, recalled, stays, own } = story(Some(&file)).await;
    washington.stop().await;
    seoul.stop().await;
    backup.restore(&washington);
    assert!(!files_with(washington.data(), "RECALLED-WORDS").is_empty(), "the backup does not hold it");

    // Nobody is there who could tell.
    washington.start().await;
    is_gone(&washington, &recalled, "RECALLED-WORDS").await;
    assert!(files_with(washington.data(), "RECALLED-WORDS").is_empty());
    let mut expected = stays.to_vec();
    expected.push(own);
    expected.sort();
    let mut shown = washington.officer().ids("/api/findings").await;
    shown.sort();
    assert_eq!(shown, expected, "the rest is not hidden");
    assert_eq!(washington.peer("seoul").await["unconfirmed"], json!(false));
    washington.verify().await;

    // The sender's own recall comes again, over its lane, and is no contradiction.
    seoul.start().await;
    seoul.delivered("washington").await;
    is_gone(&washington, &recalled, "RECALLED-WORDS").await;
    assert_eq!(washington.officer().all("/api/refusals").await, Vec::<serde_json::Value>::new());
    washington.restart().await;
    is_gone(&washington, &recalled, "RECALLED-WORDS").await;
    washington.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_them_what_peers_sent_is_hidden_until_they_are_heard() {
    let Story { mut seoul, mut washington, backup, recalled, stays, own } = story(None).await;
    washington.stop().await;
    seoul.stop().await;
    backup.restore(&washington);
    washington.start().await;
    // The whole folder is as it was: it cannot know of the recall, but that it was restored.
    is_gone(&washington, &recalled, "RECALLED-WORDS").await;
    assert_eq!(washington.officer().ids("/api/findings").await, std::slice::from_ref(&own));
    assert_eq!(washington.peer("seoul").await["unconfirmed"], json!(true));
    // That holds over a restart as well.
    washington.restart().await;
    assert_eq!(washington.officer().ids("/api/findings").await, std::slice::from_ref(&own));
    washington.verify().await;

    seoul.start().await;
    let heard = async {
        while washington.peer("seoul").await["unconfirmed"] == json!(true) {
            assert_eq!(washington.officer().status(&format!("/api/findings/{recalled}")).await, 404);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.unwrap();
    is_gone(&washington, &recalled, "RECALLED-WORDS").await;
    let mut expected = stays.to_vec();
    expected.push(own);
    expected.sort();
    let shown = async {
        loop {
            let mut shown = washington.officer().ids("/api/findings").await;
            shown.sort();
            if shown == expected {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, shown).await.unwrap();
    assert!(files_with(washington.data(), "RECALLED-WORDS").is_empty());
    washington.verify().await;
    washington.restart().await;
    assert_eq!(washington.officer().ids("/api/findings").await.len(), 3);
    assert_eq!(seoul.peer("washington").await["recalls_unconfirmed"], json!(0));
}

/// What the node concluded from something hidden tells of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rests_on_something_hidden_is_hidden_with_it() {
    let (mut seoul, mut washington) = allies().await;
    let theirs = seoul.officer().report(&report("Theirs", &["USA"])).await;
    seoul.delivered("washington").await;
    washington.stop().await;
    let mut desk = node::Desk::open(&washington.config().unwrap()).unwrap();
    let mut conclude = |title: &str, evidence: Vec<base::EntryId>| {
        let finding = base::Finding { evidence, ..finding(title, "USA") };
        let entry = desk.sign(&finding, None).unwrap();
        desk.record(entry).unwrap()
    };
    let first = conclude("From theirs", vec![theirs.parse().unwrap()]);
    conclude("From what is from theirs", vec![first]);
    let alone = conclude("From nothing of theirs", Vec::new()).to_string();
    drop(desk);
    washington.start().await;
    let all = washington.officer().ids("/api/findings").await;
    assert_eq!(all.len(), 4);
    washington.stop().await;
    seoul.stop().await;
    let backup = Backup::of(&washington);
    backup.restore(&washington);
    washington.start().await;
    assert_eq!(washington.officer().ids("/api/findings").await, std::slice::from_ref(&alone));
    assert_eq!(washington.officer().status(&format!("/api/findings/{first}")).await, 404);
    let incidents = washington.officer().all("/api/incidents").await;
    assert!(!serde_json::to_string(&incidents).unwrap().contains("theirs\""), "{incidents:?}");
    washington.verify().await;
    seoul.start().await;
    let shown = async {
        while washington.officer().ids("/api/findings").await != all {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, shown).await.unwrap();
    washington.verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_officer_may_show_it_all_the_same() {
    let Story { mut seoul, mut washington, backup, .. } = story(None).await;
    washington.stop().await;
    seoul.stop().await;
    backup.restore(&washington);
    washington.start().await;
    assert_eq!(washington.officer().ids("/api/findings").await.len(), 1);
    let settings = format!("{WASHINGTON}[link]\nshow_unconfirmed = true\n");
    std::fs::write(washington.data().join("bongsu.toml"), settings).unwrap();
    washington.restart().await;
    assert_eq!(washington.officer().ids("/api/findings").await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owners_own_recall_outlives_a_restore_too() {
    let elsewhere = tempfile::tempdir().unwrap();
    let file: PathBuf = elsewhere.path().join("tombstones");
    let (seoul, mut washington) = allies().await;
    keep_tombstones(&mut washington, &file).await;
    let mut own = report("RECALLED-WORDS of its own", &["KOR"]);
    own["marking"]["originator"] = json!("USA");
    let id = washington.officer().report(&own).await;
    washington.delivered("seoul").await;
    washington.stop().await;
    let backup = Backup::of(&washington);
    washington.start().await;
    washington.officer().recall(&id).await;
    washington.delivered("seoul").await;
    is_gone(&seoul, &id, "RECALLED-WORDS").await;
    washington.stop().await;
    backup.restore(&washington);
    washington.start().await;
    let shown = washington.officer().get(&format!("/api/findings/{id}")).await;
    assert_eq!(shown["recalled"], json!(true));
    assert_eq!(washington.officer().ids("/api/findings").await, Vec::<String>::new());
    is_gone(&seoul, &id, "RECALLED-WORDS").await;
    washington.verify().await;
}
