//! Checking an evidence bundle of 10,000 items, on one thread.

use base::{EntryId, Marking, Recall, Timestamp};
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use record::{
    BundleContents, BundleItem, BundleTrust, Checkpoint, Entry, MerkleLog, NodeKey, Software, verify_bundle,
};

const ITEMS: u64 = 10_000;

fn main() {
    divan::main();
}

/// Small entries with a text each, all in one log.
fn bundle() -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut rng = rand_core::OsRng;
    let key = NodeKey::from_secret("seoul".parse()?, &[7; 32]);
    let korea: base::Country = "KOR".parse()?;
    let mut entries = Vec::new();
    for n in 0..ITEMS {
        let noun = Recall {
            target: EntryId::from_bytes([3; 32]),
            reason: format!("item {n}: {}", "some words about an approach ".repeat(20)),
            marking: Marking::new("RESTRICTED", &["USA"], "KOR"),
        };
        entries.push(Entry::sign(&noun, &korea, &key, Timestamp::UNIX_EPOCH, &mut rng)?);
    }
    let ids: Vec<EntryId> = entries.iter().map(Entry::id).collect();
    let log = MerkleLog::from_ids(&ids);
    let checkpoint = Checkpoint::sign("bongsu/seoul/home", log.size(), log.root(), &key)?;
    let mut items = Vec::new();
    for (index, entry) in (0..).zip(entries) {
        let path = log.inclusion(index, log.size())?;
        items.push(BundleItem { id: entry.id(), log: 0, index, path, entry: Some(entry), received: None });
    }
    let contents = BundleContents {
        software: Software { name: "bench".to_owned(), version: "0".to_owned(), sha256: None },
        country: korea,
        audience: None,
        exported: None,
        checkpoints: vec![checkpoint],
        items,
        blobs: std::collections::BTreeMap::new(),
        keys: Vec::new(),
        policy: None,
    };
    let bytes = contents.write(&key)?;
    if let Ok(path) = std::env::var("BONGSU_BENCH_BUNDLE") {
        // For the second verifier: `time python3 tools/verify_bundle.py FILE`.
        std::fs::write(path, &bytes)?;
    }
    Ok(bytes)
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn verify_10k(bencher: Bencher<'_, '_>) {
    let Ok(bytes) = bundle() else { return };
    bencher
        .counter(BytesCount::new(bytes.len()))
        .counter(ItemsCount::new(ITEMS))
        .bench(|| assert!(verify_bundle(black_box(&bytes), &BundleTrust::default()).ok));
}
