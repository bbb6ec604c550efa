//! The release decision, and what it is made of. Percentiles of the decision are printed on stderr before the benches.

use std::time::Instant;

use base::{EntryId, Facts, Marked, Marking, Timestamp};
use divan::{Bencher, black_box};
use label::{
    Audience, Codes, Evidence, Format, FormatContext, Label, Level, National, Organisations, POLICY_SCHEMA,
    Policy, PolicyDocument, Rules, Standing, join, release, write_marking,
};

fn main() {
    percentiles();
    divan::main();
}

struct Item(Marking, Vec<EntryId>, Option<Facts>);

impl Marked for Item {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.0)
    }

    fn evidence(&self) -> &[EntryId] {
        &self.1
    }

    fn facts(&self) -> Option<Facts> {
        self.2.clone()
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

/// The policy that ships as a sample, in force.
fn sample_policy() -> Option<National> {
    let document = PolicyDocument {
        name: "sample".to_owned(),
        version: 1,
        author: "bench".to_owned(),
        effective_from: Timestamp::UNIX_EPOCH,
        policy_schema: POLICY_SCHEMA.to_owned(),
        text: include_str!("../../samples/label/kor-national.cedar").to_owned(),
        marking: plain(),
    };
    Policy::compile(document).ok().map(|policy| National::Policy(policy.into()))
}

impl Desk {
    fn with_policy() -> Option<Self> {
        let mut desk = Self::new()?;
        desk.rules.national = sample_policy()?;
        Some(desk)
    }

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
fn percentiles() {
    let Some(desk) = Desk::new() else { return };
    for name in KINDS {
        report(&desk, name, |_| Item(marking(name), Vec::new(), None));
    }
    let Some(policed) = Desk::with_policy() else { return };
    let about = |object: String| Some(Facts { objects: vec![object], ..Facts::of_noun("bongsu.finding/1") });
    let many = |n: usize| about(format!("norad:{}", n % 100_000));
    report(&policed, "under a Cedar policy, 100,000 objects", |n| Item(plain(), Vec::new(), many(n)));
    // So many kinds of items that no answer is at hand: Cedar is asked each time.
    report_each("under a Cedar policy, never asked before", 2_000, Desk::with_policy, |n| {
        Item(plain(), Vec::new(), many(n))
    });
}

fn report(desk: &Desk, name: &str, item: impl Fn(usize) -> Item) {
    let items: Vec<Item> = (0..200_000).map(item).collect();
    let nanos = items.iter().map(|item| {
        let start = Instant::now();
        black_box(desk.decide(black_box(item)));
        start.elapsed().as_nanos()
    });
    print(name, nanos.collect());
}

/// The same with a desk of its own for each decision, which is made outside the time.
fn report_each(name: &str, count: usize, desk: impl Fn() -> Option<Desk>, item: impl Fn(usize) -> Item) {
    let mut nanos = Vec::with_capacity(count);
    for n in 0..count {
        let (Some(desk), item) = (desk(), item(n)) else { return };
        let start = Instant::now();
        black_box(desk.decide(black_box(&item)));
        nanos.push(start.elapsed().as_nanos());
    }
    print(name, nanos);
}

#[expect(clippy::print_stderr, reason = "a bench speaks to people")]
fn print(name: &str, mut nanos: Vec<u128>) {
    nanos.sort_unstable();
    let at = |share: usize| nanos[nanos.len() * share / 1000];
    eprintln!("release {name}: p50 {} ns, p99 {} ns, p99.9 {} ns", at(500), at(990), at(999));
}

#[divan::bench(args = KINDS)]
fn decision(bencher: Bencher<'_, '_>, kind: &str) {
    let Some(desk) = Desk::new() else { return };
    let item = Item(marking(kind), Vec::new(), None);
    bencher.bench(|| desk.decide(black_box(&item)));
}

#[divan::bench(args = [1, 10, 100])]
fn decision_with_evidence(bencher: Bencher<'_, '_>, count: u8) {
    let Some(desk) = Desk::new() else { return };
    let item = Item(plain(), (0..count).map(|n| EntryId::from_bytes([n; 32])).collect(), None);
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
