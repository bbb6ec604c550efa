//! `--now` and `--seed`: the same input gives the same entries.

use std::path::Path;

use base::{EntryId, Interval, Marking, Observation, Source, Timestamp};
use node::{Config, Node, Origin, Overrides, Repeatable};

use super::support::SEOUL;

fn config(data: &Path) -> Config {
    let any = || (Some("127.0.0.1:0".to_owned()), Origin::Flag("test".to_owned()));
    let ((listen, from), (link, of)) = (any(), any());
    Config::load(data, &Overrides::default().with("listen", listen, from).with("link_listen", link, of))
        .unwrap()
}

fn observation(number: u8) -> Observation {
    Observation {
        kind: "test".to_owned(),
        title: format!("Observation {number}"),
        source: Source::ungraded("Test"),
        received: Timestamp::UNIX_EPOCH,
        interval: Interval::at(Timestamp::UNIX_EPOCH),
        place: None,
        blob: base::BlobHash::from_bytes([number; 32]),
        bytes: 1,
        items: 1,
        faults: 0,
        marking: Marking::new("RESTRICTED", &["USA"], "KOR"),
        evidence: Vec::new(),
    }
}

/// What a node that has the folder `like` to begin with records.
async fn recorded(like: &Path, fixed: Repeatable) -> Vec<EntryId> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(like.join("bongsu.toml"), folder.path().join("bongsu.toml")).unwrap();
    std::fs::create_dir(folder.path().join("keys")).unwrap();
    for file in std::fs::read_dir(like.join("keys")).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), folder.path().join("keys").join(file.file_name())).unwrap();
    }
    let node = Node::start_repeatable(config(folder.path()), fixed).await.unwrap();
    let mut ids = node.observe(vec![observation(1), observation(2)], None).await.unwrap();
    ids.extend(node.observe(vec![observation(3)], None).await.unwrap());
    node.stop().await;
    let record = record::ReadRecord::open(folder.path()).unwrap();
    let first = record.at(0).unwrap().unwrap();
    assert_eq!(
        first.entry.unwrap().time() == fixed.now.unwrap_or(Timestamp::UNIX_EPOCH),
        fixed.now.is_some()
    );
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_time_and_seed_give_the_same_entries() {
    let like = tempfile::tempdir().unwrap();
    std::fs::write(like.path().join("bongsu.toml"), SEOUL).unwrap();
    // Keys are always random: all runs have those of one.
    Node::start(config(like.path())).await.unwrap().stop().await;
    let fixed = Repeatable { now: Some("2026-03-10T12:00:00Z".parse().unwrap()), seed: Some(7) };
    let once = recorded(like.path(), fixed).await;
    assert_eq!(once, recorded(like.path(), fixed).await);
    let others = recorded(like.path(), Repeatable { seed: Some(8), ..fixed }).await;
    assert!(once.iter().all(|id| !others.contains(id)));
    let unseeded = recorded(like.path(), Repeatable { seed: None, ..fixed }).await;
    assert!(once.iter().all(|id| !unseeded.contains(id)));
}
