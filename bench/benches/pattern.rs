//! STIX patterns: read, made ready, held against observations alone and in a set.

#[path = "../src/pattern/inputs.rs"]
mod inputs;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use threat::{Observations, Pattern, PatternFault, PatternLimits, PatternMatcher, PatternSet, SpecVersion};

fn main() {
    divan::main();
}

fn ready(text: &str) -> Result<PatternMatcher, PatternFault> {
    PatternMatcher::new(&Pattern::parse(text, SpecVersion::V2_1)?)
}

/// Items: patterns.
#[divan::bench]
fn made_ready(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(inputs::PATTERNS.len()))
        .bench(|| black_box(inputs::PATTERNS).map(|text| ready(text).is_ok()));
}

/// Items: observations.
#[divan::bench(args = [1000, 10_000])]
fn observations_read(bencher: Bencher<'_, '_>, count: usize) {
    let text = inputs::observed_json(count);
    bencher.counter(ItemsCount::new(count)).bench(|| Observations::from_json(black_box(text.as_bytes())));
}

/// Items: observations times patterns.
#[divan::bench(args = [10, 1000, 10_000])]
fn matched(bencher: Bencher<'_, '_>, count: usize) {
    let read = Observations::from_json(inputs::observed_json(count).as_bytes());
    let matchers: Vec<PatternMatcher> = inputs::PATTERNS.iter().filter_map(|text| ready(text).ok()).collect();
    let limits = PatternLimits::default();
    bencher.counter(ItemsCount::new(count * matchers.len())).bench(|| {
        matchers
            .iter()
            .filter(|matcher| matches!(matcher.matches(black_box(&read.observations), &limits), Ok(Some(_))))
            .count()
    });
}

/// 100,000 patterns of equality at once. Items: observations.
#[divan::bench(args = [1000, 10_000])]
fn set(bencher: Bencher<'_, '_>, count: usize) {
    let mut set = PatternSet::default();
    for text in inputs::equalities(100_000) {
        if let Ok(pattern) = Pattern::parse(&text, SpecVersion::V2_1) {
            // Each of them is one that can be made ready.
            let _ = set.add(&pattern);
        }
    }
    let read = Observations::from_json(inputs::observed_json(count).as_bytes());
    bencher
        .counter(ItemsCount::new(count))
        .bench(|| set.matches(black_box(&read.observations), &PatternLimits::default()).found.len());
}
