//! National policy: it is AND-ed with the kernel, and whatever goes wrong withholds.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

#[expect(dead_code, reason = "not every file asks all of it")]
mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{EntryId, Facts, Marked, Marking, Severity, Timestamp};
use common::{Held, audience, id};
use label::{
    Audience, Evidence, Level, MAX_POLICIES, MAX_POLICY_BYTES, National, POLICY_SCHEMA, Policy,
    PolicyDocument, Rule, Rulebook, Rules, Standing, Withheld, release,
};
use proptest::prelude::*;

const PASS: &str = "permit(principal, action, resource);";

#[derive(Debug, Clone)]
struct Item {
    marking: Marking,
    evidence: Vec<EntryId>,
    facts: Option<Facts>,
}

impl Marked for Item {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.marking)
    }

    fn evidence(&self) -> &[EntryId] {
        &self.evidence
    }

    fn facts(&self) -> Option<Facts> {
        self.facts.clone()
    }
}

fn to_usa() -> Marking {
    Marking {
        tlp: Some("AMBER".to_owned()),
        pap: Some("GREEN".to_owned()),
        ..Marking::new("RESTRICTED", &["USA", "JPN"], "KOR")
    }
}

fn approach() -> Facts {
    Facts {
        noun: "bongsu.finding/1".to_owned(),
        kind: Some("orbit.approach".to_owned()),
        objects: vec!["norad:40536".to_owned()],
        severity: Some(Severity::Approaching),
        precedence: None,
    }
}

fn item() -> Item {
    Item { marking: to_usa(), evidence: Vec::new(), facts: Some(approach()) }
}

fn document(text: &str) -> PolicyDocument {
    PolicyDocument {
        name: "kor-national".to_owned(),
        version: 3,
        author: "Kim".to_owned(),
        effective_from: Timestamp::UNIX_EPOCH,
        policy_schema: POLICY_SCHEMA.to_owned(),
        text: text.to_owned(),
        marking: Marking::new("RESTRICTED", &[], "KOR"),
    }
}

fn rules(text: &str) -> Rules {
    let policy = Policy::compile(document(text)).unwrap();
    Rules { national: National::Policy(Arc::new(policy)), ..common::RULES.clone() }
}

fn noon() -> Timestamp {
    "2026-03-10T12:30:00Z".parse().unwrap()
}

fn decide(item: &Item, to: &Audience, rules: &Rules, held: &Held) -> Result<(), Withheld> {
    let find = |id: &EntryId| held.get(id).cloned().unwrap_or(Evidence::Unknown);
    release(item, to, rules, &Standing { recalled: false, evidence: &find }, noon()).map(|_| ())
}

/// What a policy says of the usual item to a node of the USA.
fn says(text: &str) -> (String, String) {
    match decide(&item(), &audience("USA", Level::Secret), &rules(text), &Held::new()) {
        Ok(()) => Default::default(),
        Err(withheld) => (withheld.rule.to_string(), withheld.path),
    }
}

fn codes(text: &str) -> Vec<String> {
    Policy::compile(document(text)).unwrap_err().into_iter().map(|fault| fault.code).collect()
}

#[test]
fn a_forbid_is_named_and_a_missing_permit_withholds() {
    assert_eq!(says(PASS), Default::default());
    let forbid = format!(
        r#"{PASS} @id("no-orbit") forbid(principal, action, resource) when {{ resource has kind && resource.kind like "orbit.*" }};"#
    );
    assert_eq!(says(&forbid), ("policy.forbid".into(), "policy/kor-national/3#no-orbit".into()));
    let only_japan = r#"permit(principal in Country::"JPN", action, resource);"#;
    assert_eq!(says(only_japan), ("policy.no_permit".into(), "policy/kor-national/3".into()));
    // An empty policy permits nothing.
    assert_eq!(says(""), ("policy.no_permit".into(), "policy/kor-national/3".into()));
    assert_eq!(says("// nothing"), ("policy.no_permit".into(), "policy/kor-national/3".into()));
    // Without a name a policy is known by its place.
    let unnamed = format!("{PASS} forbid(principal, action, resource);");
    assert_eq!(says(&unnamed).1, "policy/kor-national/3#policy1");
}

#[test]
fn each_attribute_can_be_asked() {
    let holds = |condition: &str| {
        let text = format!("permit(principal, action, resource) when {{ {condition} }};");
        assert_eq!(says(&text), Default::default(), "{condition}");
        let text = format!("permit(principal, action, resource) unless {{ {condition} }};");
        assert_eq!(says(&text).0, "policy.no_permit", "{condition}");
    };
    holds(r#"principal == Node::"ally""#);
    holds(r#"principal in Country::"USA" && principal.country == "USA""#);
    holds(r#"principal.clearance == "SECRET" && principal.clearance_rank == 3"#);
    holds("!(principal has organisation)");
    holds(r#"resource.level == "RESTRICTED" && resource.level_rank == 1"#);
    holds(r#"resource.rel_to.containsAll(["USA", "JPN"]) && !resource.rel_to.contains("KOR")"#);
    holds(r#"resource.originators == ["KOR"]"#);
    holds(r#"!resource.exercise && resource.caveats.isEmpty()"#);
    holds("resource.categories.isEmpty() && resource.display_only.isEmpty() && !resource.relido");
    holds(r#"resource has tlp && resource.tlp == "AMBER" && resource has pap && resource.pap == "GREEN""#);
    holds(r#"resource.noun == "bongsu.finding/1""#);
    holds(r#"resource has kind && resource.kind == "orbit.approach""#);
    holds(r#"resource.objects.contains("norad:40536")"#);
    holds("resource has severity && resource.severity == 3");
    holds("!(resource has precedence)");
    holds("context.date == 20260310 && context.hour == 12 && context.unix_time_s == 1773145800");
    holds(r#"action == Action::"receive""#);
}

#[test]
fn an_error_in_any_policy_withholds_although_cedar_skips_it() {
    let text = format!(
        r#"{PASS} @id("sum") forbid(principal, action, resource) when {{ context.unix_time_s * 9223372036854775807 > 0 }};"#
    );
    assert_eq!(says(&text), ("policy.error".into(), "policy/kor-national/3#sum".into()));
}

#[test]
fn an_item_that_does_not_tell_what_it_is_is_withheld() {
    let silent = Item { facts: None, ..item() };
    let usa = audience("USA", Level::Secret);
    let got = decide(&silent, &usa, &rules(PASS), &Held::new()).unwrap_err();
    assert_eq!((got.rule, got.path.as_str()), (Rule::PolicyNoFacts, "policy/kor-national/3"));
    // Without a policy nobody asks.
    assert_eq!(decide(&silent, &usa, &common::RULES, &Held::new()), Ok(()));
}

#[test]
fn the_kernel_stands_whatever_the_policy_permits() {
    let secret = Item { marking: Marking::new("SECRET", &["USA"], "KOR"), ..item() };
    let got = decide(&secret, &audience("USA", Level::Restricted), &rules(PASS), &Held::new()).unwrap_err();
    assert_eq!(got.rule, Rule::LevelAboveClearance);
    // And its rule comes first when both refuse.
    let none = "forbid(principal, action, resource);";
    let got = decide(&secret, &audience("USA", Level::Restricted), &rules(none), &Held::new()).unwrap_err();
    assert_eq!(got.rule, Rule::LevelAboveClearance);
}

#[test]
fn evidence_that_the_policy_holds_back_holds_back_what_rests_on_it() {
    let text = format!(
        r#"{PASS} forbid(principal, action, resource) when {{ resource.objects.contains("norad:1") }};"#
    );
    let rules = rules(&text);
    let usa = audience("USA", Level::Secret);
    let top = Item { evidence: vec![id(1)], ..item() };
    let held = |facts: Option<Facts>, marking: Marking| {
        Held::from([(id(1), Evidence::Held { marking: Some(marking), evidence: Vec::new(), facts })])
    };
    let about = |object: &str| Some(Facts { objects: vec![object.to_owned()], ..approach() });
    assert_eq!(decide(&top, &usa, &rules, &held(about("norad:2"), to_usa())), Ok(()));
    let got = decide(&top, &usa, &rules, &held(about("norad:1"), to_usa())).unwrap_err();
    let expected = Withheld {
        rule: Rule::EvidenceWithheld,
        path: "evidence[0]".to_owned(),
        cause: Some(Rule::PolicyForbid),
    };
    assert_eq!(got, expected);
    let got = decide(&top, &usa, &rules, &held(None, to_usa())).unwrap_err();
    assert_eq!(got.cause, Some(Rule::PolicyNoFacts));
    // What is the audience's own it has already.
    let theirs = Marking::new("RESTRICTED", &["KOR"], "USA");
    assert_eq!(decide(&top, &usa, &rules, &held(about("norad:1"), theirs)), Ok(()));
}

#[test]
fn what_is_released_names_the_policy() {
    let standing = Standing { recalled: false, evidence: &|_| Evidence::Unknown };
    let usa = audience("USA", Level::Secret);
    let released = release(item(), &usa, &rules(PASS), &standing, noon()).unwrap();
    assert_eq!(released.policy(), Some("policy/kor-national/3"));
    let released = release(item(), &usa, &common::RULES, &standing, noon()).unwrap();
    assert_eq!(released.policy(), None);
}

#[test]
fn a_text_that_is_not_in_order_is_refused_with_its_place() {
    let fault = &Policy::compile(document("permit(principal action, resource);")).unwrap_err()[0];
    assert_eq!((fault.code.as_str(), fault.byte_start), ("policy::bad_syntax", Some(17)), "{fault}");
    let unknown = r#"permit(principal, action, resource) when { resource.colour == "red" };"#;
    let fault = &Policy::compile(document(unknown)).unwrap_err()[0];
    assert_eq!((fault.code.as_str(), fault.field.as_deref()), ("policy::not_valid", Some("text")), "{fault}");
    assert!(fault.byte_start.is_some() && fault.message.contains("colour"), "{fault}");
    // Strict: an optional attribute needs `has`.
    assert_eq!(
        codes(r#"permit(principal, action, resource) when { resource.kind == "a" };"#),
        ["policy::not_valid"]
    );
    assert_eq!(codes(r#"permit(principal == User::"x", action, resource);"#)[0], "policy::not_valid");
    assert_eq!(codes(r#"permit(principal, action == Action::"send", resource);"#)[0], "policy::not_valid");
    assert_eq!(codes("permit(principal == ?principal, action, resource);"), ["policy::template"]);
    assert_eq!(codes(&format!(r#"@id("a") {PASS} @id("a") {PASS}"#)), ["policy::twice"]);
    // A name cannot be that of another's place.
    assert_eq!(codes(&format!(r#"{PASS} @id("policy0") {PASS}"#)), ["policy::twice"]);
    assert_eq!(codes(&format!(r#"@id("A b") {PASS}"#)), ["policy::bad_name"]);
    let other = PolicyDocument { policy_schema: "x/1".to_owned(), name: String::new(), ..document(PASS) };
    let codes: Vec<_> = Policy::compile(other).unwrap_err().into_iter().map(|fault| fault.code).collect();
    assert_eq!(codes, ["policy::bad_name", "policy::other_schema"]);
}

#[test]
fn what_is_lawful_but_hardly_meant_is_a_warning() {
    let warnings = |text: &str| -> Vec<String> {
        Policy::compile(document(text)).unwrap().warnings().iter().map(|fault| fault.code.clone()).collect()
    };
    assert_eq!(warnings(PASS), Vec::<String>::new());
    assert_eq!(warnings("forbid(principal, action, resource);"), ["policy::no_permit"]);
    assert_eq!(warnings("permit(principal, action, resource) when { false };"), ["policy::doubtful"]);
}

#[test]
fn hostile_texts_end_in_a_fault_and_not_in_the_stack() {
    let when = |condition: String| format!("permit(principal, action, resource) when {{ {condition} }};");
    let deep = |open: &str, close: &str, n: usize| when(format!("{}true{}", open.repeat(n), close.repeat(n)));
    let texts = [
        deep("(", ")", 30_000),
        deep("!", "", 60_000),
        when("true && ".repeat(7_000) + "true"),
        when("true || ".repeat(7_000) + "true"),
        when("1 + ".repeat(14_000) + "1 == 1"),
        when(format!("resource{} == 1", ".a".repeat(30_000))),
        when("if true then true else ".repeat(2_800) + "true"),
        when("if (if true then true else ".repeat(2_000) + "true"),
        deep("[", "]", 30_000),
        deep("{a: ", "}", 10_000),
        when(format!("resource has {}", "a.".repeat(30_000) + "a")),
        when("resource is Item in ".repeat(3_000) + "resource"),
        "(".repeat(60_000),
        "@a(\"b\")".repeat(9_000),
        "\"".to_owned(),
        "\u{0}".repeat(100),
        "permit".repeat(10_000),
        "x".repeat(MAX_POLICY_BYTES + 1),
        PASS.repeat(MAX_POLICIES + 1),
        // The counting must not be led astray by strings and comments.
        when(format!("\"\\\"\" == \"//\" && {}true", "!".repeat(10_000))),
        format!("// \"\n{}", when("!".repeat(10_000) + "true")),
    ];
    for text in texts {
        let faults = Policy::compile(document(&text)).unwrap_err();
        assert!(!faults.is_empty(), "{}", &text[..text.len().min(80)]);
    }
    // As far as the limits go, it works.
    for text in [
        when("(".repeat(28) + "true" + &")".repeat(28)),
        when("true && ".repeat(95) + "true"),
        when("1 + ".repeat(190) + "1 == 191"),
        when("if true then true else ".repeat(190) + "true"),
        PASS.repeat(MAX_POLICIES),
        format!("// {}\n{PASS}", "-".repeat(5_000)),
    ] {
        assert_eq!(says(&text), Default::default(), "{}", &text[..text.len().min(80)]);
    }
}

#[test]
fn a_rulebook_gives_the_policy_of_the_day() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let mut book = Rulebook::new("KOR".parse().unwrap());
    let named = |version, from: &str| PolicyDocument { version, effective_from: at(from), ..document(PASS) };
    book.apply(named(1, "2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z")).unwrap();
    book.apply(named(2, "2026-06-01T00:00:00Z"), at("2026-02-02T00:00:00Z")).unwrap();
    let path = |book: &Rulebook, day: &str| book.at(at(day)).national.path().unwrap_or_default();
    assert_eq!(path(&book, "2026-01-15T00:00:00Z"), "");
    assert_eq!(path(&book, "2026-02-01T00:00:00Z"), "policy/kor-national/1");
    assert_eq!(path(&book, "2026-06-01T00:00:00Z"), "policy/kor-national/2");
    assert_eq!(book.next_change(at("2026-02-01T00:00:00Z")), Some(at("2026-06-01T00:00:00Z")));

    // One that cannot be read is in force and lets nothing go.
    let broken = PolicyDocument { version: 4, text: "permit".to_owned(), ..document("") };
    assert_eq!(book.apply(broken, at("2026-07-01T00:00:00Z")).unwrap_err()[0].code, "policy::bad_syntax");
    let rules = book.at(at("2026-07-02T00:00:00Z"));
    let got = decide(&item(), &audience("USA", Level::Secret), &rules, &Held::new()).unwrap_err();
    assert_eq!((got.rule, got.path.as_str()), (Rule::PolicyUnreadable, "policy/kor-national/4"));
}

#[test]
fn the_hash_that_officers_sign_depends_on_every_field() {
    let base = document(PASS);
    let hash = |d: &PolicyDocument| d.sha256().unwrap();
    let changed = [
        PolicyDocument { name: "x".to_owned(), ..base.clone() },
        PolicyDocument { version: 4, ..base.clone() },
        PolicyDocument { author: "Lee".to_owned(), ..base.clone() },
        PolicyDocument { effective_from: noon(), ..base.clone() },
        PolicyDocument { policy_schema: String::new(), ..base.clone() },
        PolicyDocument { text: String::new(), ..base.clone() },
        PolicyDocument { marking: to_usa(), ..base.clone() },
    ];
    let all: std::collections::BTreeSet<_> = changed.iter().chain([&base]).map(hash).collect();
    assert_eq!(all.len(), 8);
}

/// Conditions that between them look at every attribute.
const CONDITIONS: &[&str] = &[
    r#"principal in Country::"USA""#,
    r#"principal == Node::"ally""#,
    r#"principal.country == "JPN""#,
    "principal.clearance_rank >= 2",
    r#"principal has organisation && principal.organisation == "Navy""#,
    "resource.level_rank >= 1",
    r#"resource.level == "SECRET""#,
    r#"resource.rel_to.contains("JPN")"#,
    "resource.exercise",
    r#"resource has tlp && resource.tlp == "GREEN""#,
    r#"resource has pap"#,
    "resource.relido",
    r#"resource.display_only.contains("JPN")"#,
    r#"resource.categories.contains("NOVA")"#,
    r#"resource.caveats.contains("ORCON")"#,
    r#"resource.noun == "bongsu.finding/1""#,
    r#"resource has kind && resource.kind like "orbit.*""#,
    r#"resource.objects.contains("norad:1")"#,
    r#"resource.objects == ["norad:1"]"#,
    "resource has severity && resource.severity > 3",
    r#"resource has precedence && resource.precedence == "flash""#,
    "context.hour < 12",
    "context.date == 20260310",
    r#"context == {date: 20260310, hour: 12, unix_time_s: 1773145800}"#,
    "context has hour",
];

fn any_policy() -> impl Strategy<Value = String> {
    let clause = (any::<bool>(), any::<bool>(), proptest::sample::select(CONDITIONS)).prop_map(
        |(permit, when, condition)| {
            let effect = if permit { "permit" } else { "forbid" };
            let word = if when { "when" } else { "unless" };
            format!("{effect}(principal, action, resource) {word} {{ {condition} }};")
        },
    );
    (any::<bool>(), proptest::collection::vec(clause, 0..4))
        .prop_map(|(pass, clauses)| clauses.concat() + if pass { PASS } else { "" })
}

fn any_item() -> impl Strategy<Value = Item> {
    let word = |words: &'static [&'static str]| proptest::sample::select(words).prop_map(str::to_owned);
    let marking = (
        word(&["UNCLASSIFIED", "RESTRICTED", "SECRET", "?"]),
        proptest::collection::vec(word(&["USA", "JPN", "KOR", "NATO"]), 0..3),
        proptest::collection::vec(word(&["EXERCISE", "ORCON", "NOFORN"]), 0..2),
        word(&["KOR", "USA", "KOR USA"]),
        proptest::option::of(word(&["GREEN", "AMBER", "RED"])),
        any::<bool>(),
        proptest::collection::vec(word(&["JPN", "USA"]), 0..2),
    )
        .prop_map(|(level, rel_to, caveats, originator, tlp, relido, display_only)| Marking {
            caveats,
            rel_to,
            relido,
            display_only,
            pap: tlp.clone().filter(|_| relido),
            tlp,
            ..Marking::new(&level, &[], &originator)
        });
    let facts = (
        word(&["bongsu.finding/1", "bongsu.recall/1"]),
        proptest::option::of(word(&["orbit.approach", "a", ""])),
        proptest::collection::vec(word(&["norad:1", "norad:2", "norad:1norad:2"]), 0..3),
        proptest::option::of(proptest::sample::select(&Severity::ALL[..])),
        proptest::option::of(word(&["flash", "routine"])),
    )
        .prop_map(|(noun, kind, objects, severity, precedence)| Facts {
            noun,
            kind,
            objects,
            severity,
            precedence,
        });
    (marking, proptest::option::weighted(0.9, facts)).prop_map(|(marking, facts)| Item {
        marking,
        evidence: Vec::new(),
        facts,
    })
}

fn any_audience() -> impl Strategy<Value = Audience> {
    let country = proptest::sample::select(&["USA", "JPN", "KOR"][..]);
    let organisation = proptest::option::of(Just("Navy".to_owned()));
    (country, proptest::sample::select(Level::ALL), organisation, any::<bool>()).prop_map(
        |(country, level, organisation, other)| Audience {
            node: if other { "other" } else { "ally" }.parse().unwrap(),
            organisation,
            ..audience(country, level)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whoever gets an item under a policy gets it without one too, and the kernel's own reason is never replaced.
    #[test]
    fn a_policy_only_narrows(text in any_policy(), item in any_item(), to in any_audience()) {
        let with = decide(&item, &to, &rules(&text), &Held::new());
        let without = decide(&item, &to, &common::RULES, &Held::new());
        match without {
            Err(withheld) => prop_assert_eq!(with, Err(withheld)),
            Ok(()) => if let Err(withheld) = with {
                prop_assert!(withheld.rule.as_str().starts_with("policy."));
            },
        }
    }

    /// An answer that is kept is the answer that a fresh policy gives: what distinguishes two items for the policy
    /// distinguishes them for the memory.
    #[test]
    fn what_was_answered_before_changes_no_answer(
        text in any_policy(),
        asked in proptest::collection::vec((any_item(), any_audience(), 0_i64..3), 1..12),
    ) {
        let old = Policy::compile(document(&text)).unwrap();
        for (item, to, day) in &asked {
            let Ok(label) = common::RULES.label(&item.marking) else { continue };
            let now = Timestamp::from_unix_nanos(noon().unix_nanos() + day * 43_200_000_000_000);
            let fresh = Policy::compile(document(&text)).unwrap();
            let facts = item.facts.as_ref();
            prop_assert_eq!(old.check(to, &label, facts, now), fresh.check(to, &label, facts, now));
        }
    }

    /// Whatever the text, the answer is a policy or faults.
    #[test]
    fn any_text_ends_in_an_answer(text in "\\PC*") {
        if let Err(faults) = Policy::compile(document(&text)) {
            prop_assert!(!faults.is_empty());
        }
    }
}

#[test]
fn a_map_of_reasons_has_a_meaning_for_each_rule() {
    let meanings: BTreeMap<_, _> = Rule::ALL.iter().map(|rule| (rule.as_str(), rule.meaning())).collect();
    assert_eq!(meanings.len(), Rule::ALL.len());
    for (rule, meaning) in meanings {
        assert!(
            meaning.ends_with('.') && !meaning.starts_with(' ') && meaning.len() > 5,
            "{rule}: `{meaning}`"
        );
    }
}
