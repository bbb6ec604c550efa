//! Release by example: one question a test.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod common;

use base::{EntryId, Finding, Marking, Timestamp};
use common::{Held, Item, RULES, audience, decide, id, rule};
use label::{Evidence, Level, MAX_EVIDENCE, MAX_WORDS, Rule, Standing, Withheld, release};

fn to_usa() -> Marking {
    Marking::new("RESTRICTED", &["USA"], "KOR")
}

fn withheld(item: Item, held: &Held) -> (String, String, String) {
    let Withheld { rule, path, cause } = decide(item, &audience("USA", Level::Secret), held).unwrap_err();
    (rule.to_string(), path, cause.map(|c| c.to_string()).unwrap_or_default())
}

fn why(marking: Marking) -> (String, String) {
    let (rule, path, _) = withheld(Item::new(marking), &Held::new());
    (rule, path)
}

fn pair(rule: &str, path: &str) -> (String, String) {
    (rule.to_owned(), path.to_owned())
}

#[test]
fn what_is_released_knows_for_whom_when_and_by_what() {
    let now: Timestamp = "2026-03-10T00:00:00Z".parse().unwrap();
    let standing = Standing { recalled: false, evidence: &|_| Evidence::Unknown };
    let item = Item::new(to_usa());
    let released = release(&item, &audience("USA", Level::Restricted), &RULES, &standing, now).unwrap();
    assert_eq!(released.get(), &&item);
    assert_eq!(released.audience().as_str(), "ally");
    assert_eq!(released.decided_at(), now);
    assert_eq!(released.codes_version(), "builtin-1");
    assert_eq!(released.into_inner(), &item);
}

#[test]
fn it_is_written_as_the_item_is() {
    let finding: Finding = base::from_document(
        &serde_json::from_str(include_str!("../../base/tests/data/golden/finding_bare.json")).unwrap(),
    )
    .unwrap();
    let finding = Finding { marking: to_usa(), ..finding };
    let released = decide(&finding, &audience("USA", Level::Secret), &Held::new()).unwrap();
    assert_eq!(serde_json::to_value(&released).unwrap(), serde_json::to_value(&finding).unwrap());
}

#[test]
fn recalled_comes_before_everything() {
    let standing = Standing { recalled: true, evidence: &|_| Evidence::Unknown };
    let ally = audience("USA", Level::Secret);
    for marking in [None, Some(to_usa()), Some(Marking::new("?", &[], ""))] {
        let item = Item { marking, evidence: vec![] };
        let got = release(item, &ally, &RULES, &standing, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(got, Withheld { rule: Rule::Recalled, path: "item".to_owned(), cause: None });
    }
}

#[test]
fn a_missing_marking_is_withheld() {
    let item = Item { marking: None, evidence: vec![] };
    assert_eq!(withheld(item, &Held::new()).0, "marking.missing");
}

#[test]
fn each_unknown_word_is_named_by_its_path() {
    let ok = to_usa;
    assert_eq!(why(Marking { level: "restricted".into(), ..ok() }), pair("level.unknown", "marking.level"));
    assert_eq!(
        why(Marking { originator: "FVEY".into(), ..ok() }),
        pair("originator.unknown", "marking.originator")
    );
    assert_eq!(
        why(Marking { rel_to: vec!["USA".into(), "XXX".into()], ..ok() }),
        pair("rel.unknown_code", "marking.rel_to[1]")
    );
    assert_eq!(
        why(Marking { caveats: vec!["ORCON".into(), "Noforn".into()], ..ok() }),
        pair("caveat.unknown", "marking.caveats[1]")
    );
    assert_eq!(
        why(Marking { caveats: vec!["NOFORN".into()], ..ok() }),
        pair("caveat.noforn_with_rel", "marking.caveats")
    );
    assert_eq!(
        why(Marking { rel_to: vec!["USA".into(); MAX_WORDS + 1], ..ok() }),
        pair("marking.too_long", "marking.rel_to")
    );
    assert_eq!(
        why(Marking { caveats: vec!["ORCON".into(); MAX_WORDS + 1], ..ok() }),
        pair("marking.too_long", "marking.caveats")
    );
    assert_eq!(
        why(Marking { originator: "KOR ".repeat(MAX_WORDS + 1), ..ok() }),
        pair("marking.too_long", "marking.originator")
    );
}

#[test]
fn an_empty_rel_list_reaches_nobody() {
    for country in ["KOR", "USA", "JPN"] {
        let item = Item::new(Marking::new("UNCLASSIFIED", &[], "KOR"));
        assert_eq!(rule(item, &audience(country, Level::TopSecret), &Held::new()), "rel.empty");
    }
}

#[test]
fn groups_reach_their_members() {
    let fvey = || Item::new(Marking::new("SECRET", &["FVEY"], "KOR"));
    for (country, expected) in
        [("USA", ""), ("NZL", ""), ("JPN", "rel.not_listed"), ("KOR", "rel.not_listed")]
    {
        assert_eq!(rule(fvey(), &audience(country, Level::Secret), &Held::new()), expected, "{country}");
    }
}

#[test]
fn another_node_of_our_own_country_must_be_listed() {
    let seoul = audience("KOR", Level::Secret);
    assert_eq!(rule(Item::new(to_usa()), &seoul, &Held::new()), "rel.not_listed");
    let listed = Marking::new("RESTRICTED", &["KOR", "USA"], "KOR");
    assert_eq!(rule(Item::new(listed), &seoul, &Held::new()), "");
}

#[test]
fn an_item_of_another_owner_is_not_reshared() {
    assert_eq!(
        why(Marking::new("RESTRICTED", &["USA"], "JPN")),
        pair("originator.other", "marking.originator")
    );
    assert_eq!(
        why(Marking::new("RESTRICTED", &["USA"], "USA")),
        pair("originator.other", "marking.originator")
    );
    assert_eq!(
        why(Marking::new("RESTRICTED", &["USA"], "JPN KOR")),
        pair("originator.other", "marking.originator")
    );
}

#[test]
fn a_joint_item_goes_to_its_other_originator_only_and_not_with_orcon() {
    let joint = Marking::new("RESTRICTED", &["KOR", "USA", "JPN"], "KOR USA");
    let secret = |country| audience(country, Level::Secret);
    assert_eq!(rule(Item::new(joint.clone()), &secret("USA"), &Held::new()), "");
    assert_eq!(rule(Item::new(joint.clone()), &secret("JPN"), &Held::new()), "originator.other");
    let orcon = Marking { caveats: vec!["ORCON".to_owned()], ..joint };
    assert_eq!(rule(Item::new(orcon), &secret("USA"), &Held::new()), "caveat.orcon");
}

fn held(marking: Marking, evidence: &[EntryId]) -> Evidence {
    Evidence::held(&Item::on(marking, evidence))
}

#[test]
fn evidence_that_is_not_held_or_was_taken_back() {
    let item = || Item::on(to_usa(), &[id(1), id(2)]);
    let mut store = Held::from([(id(1), held(to_usa(), &[]))]);
    assert_eq!(withheld(item(), &store), ("evidence.unknown".into(), "evidence[1]".into(), String::new()));
    store.insert(id(2), Evidence::Recalled);
    assert_eq!(withheld(item(), &store).0, "evidence.recalled");
    store.insert(id(2), Evidence::Held { marking: None, evidence: vec![], facts: None });
    assert_eq!(
        withheld(item(), &store),
        ("evidence.withheld".into(), "evidence[1]".into(), "marking.missing".into())
    );
    store.insert(id(2), held(to_usa(), &[]));
    assert!(decide(item(), &audience("USA", Level::Secret), &store).is_ok());
}

#[test]
fn evidence_is_followed_to_the_end() {
    let store = Held::from([
        (id(1), held(to_usa(), &[])),
        (id(2), held(to_usa(), &[id(1), id(3)])),
        (id(3), held(Marking::new("RESTRICTED", &["JPN"], "KOR"), &[])),
    ]);
    assert_eq!(
        withheld(Item::on(to_usa(), &[id(1), id(2)]), &store),
        ("evidence.withheld".into(), "evidence[1].evidence[1]".into(), "rel.not_listed".into())
    );
}

#[test]
fn a_diamond_is_held_against_both_of_its_sides() {
    let secret = || Marking::new("SECRET", &["USA"], "KOR");
    let store = Held::from([
        (id(1), held(secret(), &[])),
        (id(2), held(secret(), &[id(1)])),
        (id(3), held(to_usa(), &[id(1)])),
    ]);
    assert_eq!(
        withheld(Item::on(secret(), &[id(2), id(3)]), &store),
        ("evidence.level".into(), "evidence[1].evidence[0]".into(), String::new())
    );
}

#[test]
fn what_the_audience_owns_it_may_be_answered() {
    let theirs = Marking::new("RESTRICTED", &["KOR"], "USA");
    let note = || Item::on(to_usa(), &[id(1)]);
    // They have it and what it rests on, which we need not hold.
    let store = Held::from([(id(1), held(theirs.clone(), &[id(9)]))]);
    assert!(decide(note(), &audience("USA", Level::Secret), &store).is_ok());
    let orcon = Marking { caveats: vec!["ORCON".to_owned()], ..theirs };
    let store = Held::from([(id(1), held(orcon, &[]))]);
    assert_eq!(
        withheld(note(), &store),
        ("evidence.withheld".into(), "evidence[0]".into(), "caveat.orcon".into())
    );
    // A third party's item is not answered past its owner.
    let store = Held::from([(id(1), held(Marking::new("RESTRICTED", &["KOR", "USA"], "JPN"), &[]))]);
    assert_eq!(withheld(note(), &store).2, "originator.other");
}

#[test]
fn an_exercise_stays_an_exercise() {
    let exercise = || Marking { caveats: vec!["EXERCISE".to_owned()], ..to_usa() };
    let store = Held::from([(id(1), held(exercise(), &[]))]);
    assert_eq!(withheld(Item::on(to_usa(), &[id(1)]), &store).0, "evidence.caveat");
    assert!(decide(Item::on(exercise(), &[id(1)]), &audience("USA", Level::Secret), &store).is_ok());
}

fn numbered(number: usize) -> EntryId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    EntryId::from_bytes(bytes)
}

#[test]
fn long_chains_and_wide_fans_end() {
    let ally = audience("USA", Level::Secret);
    let chain = |length: usize| -> Held {
        let next = |n: usize| if n + 1 < length { vec![numbered(n + 1)] } else { Vec::new() };
        (0..length).map(|n| (numbered(n), held(to_usa(), &next(n)))).collect()
    };
    assert_eq!(rule(Item::on(to_usa(), &[numbered(0)]), &ally, &chain(MAX_EVIDENCE)), "");
    let too_long = decide(Item::on(to_usa(), &[numbered(0)]), &ally, &chain(MAX_EVIDENCE + 1)).unwrap_err();
    assert_eq!(too_long.rule, Rule::EvidenceTooMany);
    let fan = vec![numbered(0); MAX_EVIDENCE];
    assert_eq!(rule(Item::on(to_usa(), &fan), &ally, &chain(1)), "");
    let fan = vec![numbered(0); MAX_EVIDENCE + 1];
    assert_eq!(rule(Item::on(to_usa(), &fan), &ally, &chain(1)), "evidence.too_many");
}

#[test]
fn the_owner_reads_why() {
    let store = Held::from([(id(1), held(Marking::new("RESTRICTED", &[], "KOR"), &[]))]);
    let withheld = decide(Item::on(to_usa(), &[id(1)]), &audience("USA", Level::Secret), &store).unwrap_err();
    assert_eq!(withheld.to_string(), "withheld by evidence.withheld at evidence[0] (rel.empty)");
    let json = serde_json::to_string(&withheld).unwrap();
    assert_eq!(json, r#"{"rule":"evidence.withheld","path":"evidence[0]","cause":"rel.empty"}"#);
    assert_eq!(serde_json::from_str::<Withheld>(&json).unwrap(), withheld);
}
