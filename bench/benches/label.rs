//! The release decision, and what it is made of. Percentiles of the decision are printed on stderr before the benches.

use std::time::Instant;

use base::{EntryId, Marked, Marking, Timestamp};
use divan::{Bencher, black_box};
use label::{
    Audience, Codes, Evidence, Format, FormatContext, Label, Level, Organisations, Rules, Standing, join,
    release, write_marking,
};

fn main() {
    percentiles();
    divan::main();
}

struct Item(Marking, Vec<EntryId>);

impl Marked for Item {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.0)
    }

    fn evidence(&self) -> &[EntryId] {
        &self.1
    }
}

fn plain() -> Marking {
    Marking::new("RESTRICTED", &["USA", "JPN"], "KOR")
}

fn group() -> Marking {
    Marking::new("SECRET", &["FVEY", "JPN", "DEU"], "KOR")
}

fn full() -> Marking {
    Marking {
        caveats: vec!["ORCON".to_owned(), "EXERCISE".to_owned()],
        display_only: vec!["DEU".to_owned()],
        tlp: Some("AMBER".to_owned()),
        pap: Some("GREEN".to_owned()),
        expires: Some(Timestamp::from_unix_nanos(i64::MAX)),
        ..Marking::new("SECRET", &["USA", "JPN"], "KOR")
    }
}

const KINDS: [&str; 3] = ["plain", "group", "full"];

fn marking(kind: &str) -> Marking {
    match kind {
        "plain" => plain(),
        "group" => group(),
        _ => full(),
    }
}

/// What every decision needs.
struct Desk {
    audience: Audience,
    rules: Rules,
}

impl Desk {
    fn new() -> Option<Self> {
        let audience = Audience {
            node: "washington".parse().ok()?,
            country: "USA".parse().ok()?,
            clearance: Level::Secret,
            organisation: None,
        };
        Some(Self { audience, rules: Rules::new("KOR".parse().ok()?) })
    }

    fn decide(&self, item: &Item) -> bool {
        let held =
            |_: &EntryId| Evidence::Held { marking: Some(item.0.clone()), evidence: Vec::new(), facts: None };
        let standing = Standing { recalled: false, evidence: &held };
        release(black_box(item), &self.audience, &self.rules, &standing, Timestamp::UNIX_EPOCH).is_ok()
    }
}

/// Each decision timed alone; the clock's own cost is in the figure.
#[expect(clippy::print_stderr, reason = "a bench speaks to people")]
fn percentiles() {
    let Some(desk) = Desk::new() else { return };
    for name in KINDS {
        let item = Item(marking(name), Vec::new());
        let mut nanos: Vec<u128> = (0..200_000)
            .map(|_| {
                let start = Instant::now();
                black_box(desk.decide(black_box(&item)));
                start.elapsed().as_nanos()
            })
            .collect();
        nanos.sort_unstable();
        let at = |share: usize| nanos[nanos.len() * share / 1000];
        eprintln!("release {name}: p50 {} ns, p99 {} ns, p99.9 {} ns", at(500), at(990), at(999));
    }
}

#[divan::bench(args = KINDS)]
fn decision(bencher: Bencher<'_, '_>, kind: &str) {
    let Some(desk) = Desk::new() else { return };
    let item = Item(marking(kind), Vec::new());
    bencher.bench(|| desk.decide(black_box(&item)));
}

#[divan::bench(args = [1, 10, 100])]
fn decision_with_evidence(bencher: Bencher<'_, '_>, count: u8) {
    let Some(desk) = Desk::new() else { return };
    let item = Item(plain(), (0..count).map(|n| EntryId::from_bytes([n; 32])).collect());
    bencher.bench(|| desk.decide(black_box(&item)));
}

#[divan::bench]
fn joined(bencher: Bencher<'_, '_>) {
    let codes = Codes::builtin();
    let (Ok(a), Ok(b)) = (Label::parse(&group(), &codes), Label::parse(&full(), &codes)) else { return };
    bencher.bench(|| join(black_box(&a), black_box(&b)));
}

#[divan::bench(args = Format::ALL)]
fn written(bencher: Bencher<'_, '_>, format: Format) {
    let codes = Codes::builtin();
    let organisations = Organisations::default();
    let Ok(label) = Label::parse(&full(), &codes) else { return };
    let context = FormatContext { codes: &codes, originator: None, organisations: &organisations };
    bencher.bench(|| write_marking(black_box(&label), format, &context));
}
