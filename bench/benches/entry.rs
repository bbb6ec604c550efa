//! What an entry costs: to sign it, and to check it alone or as one of many by the same key.

#![expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to say")]

use base::{Finding, Marking, Timestamp};
use divan::{Bencher, black_box};
use rand_core::OsRng;
use record::{Entry, NodeKey, Verifier};

fn main() {
    divan::main();
}

fn key() -> NodeKey {
    NodeKey::generate("seoul".parse().unwrap(), &mut OsRng)
}

fn finding() -> Finding {
    serde_json::from_value(serde_json::json!({
        "kind": "orbit.approach", "title": "KOMPSAT-3A: an object comes within 0.84 km",
        "interval": { "start": "2026-03-01T00:00:00Z", "end": "2026-03-01T00:01:00Z" },
        "severity": 3, "confidence": "moderate",
        "objects": [{ "id": "norad:40536", "name": "KOMPSAT-3A", "protected": true }, { "id": "norad:29268" }],
        "measures": { "miss_km": 0.84, "relative_speed_km_s": 11.2 },
        "method": { "name": "orbit.screen", "version": "1" },
        "marking": Marking::new("RESTRICTED", &["USA"], "KOR"),
    }))
    .unwrap()
}

fn signed(key: &NodeKey) -> Entry {
    let now: Timestamp = "2026-03-01T00:02:00Z".parse().unwrap();
    Entry::sign(&finding(), &"KOR".parse().unwrap(), key, now, &mut OsRng).unwrap()
}

#[divan::bench]
fn sign(bencher: Bencher<'_, '_>) {
    let key = key();
    bencher.bench(|| signed(black_box(&key)));
}

#[divan::bench]
fn check_alone(bencher: Bencher<'_, '_>) {
    let key = key();
    let entry = signed(&key);
    let key = key.public();
    bencher
        .with_inputs(|| entry.payload().to_vec())
        .bench_values(|payload| Entry::from_parts(payload, &key, *entry.signature()).unwrap());
}

#[divan::bench]
fn check_one_of_many(bencher: Bencher<'_, '_>) {
    let key = key();
    let entry = signed(&key);
    let key = key.public();
    let verifier = Verifier::new(&key);
    bencher
        .with_inputs(|| entry.payload().to_vec())
        .bench_values(|payload| Entry::from_parts_by(payload, &verifier, *entry.signature()).unwrap());
}

#[divan::bench]
fn make_ready(bencher: Bencher<'_, '_>) {
    let key = key().public();
    bencher.bench(|| Verifier::new(black_box(&key)));
}
