//! The release rules of what a marking may say beside level, REL list and caveats.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use base::{Marking, Timestamp};
use common::{Held, Item, RULES, audience, decide, id, rule};
use label::{Codes, Evidence, Level, Rules, Standing, Withheld, join_markings, release};

const NATO: &str = "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0:policy:NATO";

fn to_usa() -> Marking {
    Marking::new("RESTRICTED", &["USA"], "KOR")
}

fn with(change: impl FnOnce(&mut Marking)) -> Marking {
    let mut marking = to_usa();
    change(&mut marking);
    marking
}

/// The rule and the path for an item of KOR on its way to USA; empty when it goes out.
fn why(marking: Marking) -> (String, String) {
    match decide(Item::new(marking), &audience("USA", Level::Secret), &Held::new()) {
        Ok(_) => (String::new(), String::new()),
        Err(Withheld { rule, path, .. }) => (rule.to_string(), path),
    }
}

fn pair(rule: &str, path: &str) -> (String, String) {
    (rule.to_owned(), path.to_owned())
}

#[test]
fn words_that_are_not_known_are_named_by_their_path() {
    for (marking, rule, path) in [
        (with(|m| m.tlp = Some("WHITE".into())), "tlp.unknown", "marking.tlp"),
        (with(|m| m.pap = Some("amber".into())), "pap.unknown", "marking.pap"),
        (
            with(|m| m.display_only = vec!["JPN".into(), "XXX".into()]),
            "display.unknown_code",
            "marking.display_only[1]",
        ),
        (with(|m| m.policy = Some("urn:other".into())), "policy.unknown", "marking.policy"),
        (with(|m| m.policy = Some(String::new())), "policy.unknown", "marking.policy"),
        (with(|m| m.policy = Some(format!("{NATO} a/b"))), "policy.unknown", "marking.policy"),
        (with(|m| m.categories = vec!["SCI:SI".into()]), "category.unknown", "marking.categories"),
        (
            with(|m| m.categories = vec!["SCI:SI".into(), "a, b".into()]),
            "category.unknown",
            "marking.categories[1]",
        ),
        (with(|m| m.categories = vec![" a".into()]), "category.unknown", "marking.categories[0]"),
        (with(|m| m.categories = vec!["x".repeat(129)]), "category.unknown", "marking.categories[0]"),
        (with(|m| m.categories = vec!["x".into(); 513]), "marking.too_long", "marking.categories"),
        (with(|m| m.derived_from = vec![id(1); 513]), "marking.too_long", "marking.derived_from"),
        (with(|m| m.policy = Some("p ".repeat(40_000))), "marking.too_long", "marking.policy"),
    ] {
        assert_eq!(why(marking), pair(rule, path));
    }
    assert_eq!(why(with(|m| m.policy = Some(NATO.into()))), pair("", ""));
}

#[test]
fn noforn_excludes_a_display_only_list_too() {
    let marking = Marking {
        caveats: vec!["NOFORN".into()],
        display_only: vec!["USA".into()],
        ..Marking::new("SECRET", &[], "KOR")
    };
    assert_eq!(why(marking), pair("caveat.noforn_with_rel", "marking.caveats"));
}

#[test]
fn tlp() {
    let tlp = |word: &str| with(|m| m.tlp = Some(word.into()));
    for word in ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT"] {
        assert_eq!(why(tlp(word)), pair("", ""), "{word}");
    }
    assert_eq!(why(tlp("RED")), pair("tlp.red", "marking.tlp"));
    // TLP never lets in whom the list does not.
    let clear = Marking { rel_to: vec!["JPN".into()], ..tlp("CLEAR") };
    assert_eq!(why(clear), pair("rel.not_listed", "marking.rel_to"));
    // Another's item within its organisation: which of its country's organisations, the label does not know.
    let joint = |word: &str| Marking { originator: "KOR USA".into(), ..tlp(word) };
    assert_eq!(why(joint("AMBER")), pair("", ""));
    assert_eq!(why(joint("AMBER+STRICT")), pair("tlp.amber_strict", "marking.tlp"));
}

#[test]
fn pap_and_review_and_relido_hold_nothing_back() {
    for word in ["CLEAR", "GREEN", "AMBER", "RED"] {
        assert_eq!(why(with(|m| m.pap = Some(word.into()))), pair("", ""));
    }
    assert_eq!(why(with(|m| m.review = Some(Timestamp::from_unix_nanos(-1)))), pair("", ""));
    assert_eq!(why(with(|m| m.relido = true)), pair("", ""));
    let relido = Marking { relido: true, ..Marking::new("RESTRICTED", &[], "KOR") };
    assert_eq!(why(relido), pair("rel.empty", "marking.rel_to"));
}

/// `decide` decides at the beginning of 1970.
#[test]
fn validity_is_half_open() {
    let at = |nanos| Some(Timestamp::from_unix_nanos(nanos));
    for (from, until, rule) in [
        (at(0), None, ""),
        (at(1), None, "validity.not_yet"),
        (None, at(0), "validity.expired"),
        (None, at(1), ""),
        (at(-1), at(1), ""),
        (at(1), at(-1), "validity.not_yet"),
        (at(-1), at(-1), "validity.expired"),
    ] {
        let got = why(with(|m| (m.valid_from, m.expires) = (from, until))).0;
        assert_eq!(got, rule, "{from:?} {until:?}");
    }
}

#[test]
fn display_only_is_never_given_away() {
    let shown = |rel_to: &[&str], shown: &[&str]| Marking {
        display_only: shown.iter().map(|s| (*s).to_owned()).collect(),
        ..Marking::new("SECRET", rel_to, "KOR")
    };
    assert_eq!(why(shown(&["JPN"], &["USA"])), pair("display.only", "marking.display_only"));
    assert_eq!(why(shown(&["USA"], &["USA"])), pair("display.only", "marking.display_only"));
    assert_eq!(why(shown(&["USA"], &["FVEY"])), pair("display.only", "marking.display_only"));
    assert_eq!(why(shown(&["USA"], &["JPN"])), pair("", ""));
}

#[test]
fn categories_reach_who_is_read_in() {
    let read_in = |countries: &[&str]| -> BTreeSet<base::Country> {
        countries.iter().map(|c| c.parse().unwrap()).collect()
    };
    let categories =
        BTreeMap::from([("A".to_owned(), read_in(&["USA"])), ("B".to_owned(), read_in(&["JPN"]))]);
    let codes = Codes::builtin().with_categories(categories);
    let rules = Rules { codes, ..Rules::new("KOR".parse().unwrap()) };
    let standing = Standing { recalled: false, evidence: &|_| Evidence::Unknown };
    let why = |categories: &[&str]| {
        let item = Item::new(with(|m| m.categories = categories.iter().map(|c| (*c).to_owned()).collect()));
        release(item, &audience("USA", Level::Secret), &rules, &standing, Timestamp::UNIX_EPOCH)
            .err()
            .map_or("", |withheld| withheld.rule.as_str())
    };
    assert_eq!(why(&["A"]), "");
    assert_eq!(why(&["A", "B"]), "category.not_held");
    assert_eq!(why(&["A", "C"]), "category.unknown");
}

#[test]
fn nothing_that_evidence_asks_is_lost_on_the_way_up() {
    let end = |nanos| Some(Timestamp::from_unix_nanos(nanos));
    let cases: [(&str, Marking, Marking); 4] = [
        ("evidence.tlp", with(|m| m.tlp = Some("GREEN".into())), with(|m| m.tlp = Some("AMBER".into()))),
        ("evidence.tlp", to_usa(), with(|m| m.tlp = Some("CLEAR".into()))),
        ("evidence.pap", with(|m| m.pap = Some("AMBER".into())), with(|m| m.pap = Some("RED".into()))),
        ("evidence.validity", with(|m| m.expires = end(20)), with(|m| m.expires = end(10))),
    ];
    for (expected, item, evidence) in cases {
        let held = Held::from([(id(1), Evidence::held(&Item::new(evidence.clone())))]);
        let ally = audience("USA", Level::Secret);
        assert_eq!(rule(Item::on(item.clone(), &[id(1)]), &ally, &held), expected);
        let joined = join_markings(&[&item, &evidence], &RULES.codes).unwrap();
        assert_eq!(rule(Item::on(joined, &[id(1)]), &ally, &held), "", "{expected}");
    }
}

#[test]
fn a_lost_category_of_evidence_is_found() {
    let held = Held::from([(id(1), Evidence::held(&Item::new(with(|m| m.categories = vec!["A".into()]))))]);
    let all = [("A".to_owned(), BTreeSet::from(["USA".parse().unwrap()]))];
    let codes = Codes::builtin().with_categories(all.into());
    let rules = Rules { codes, ..Rules::new("KOR".parse().unwrap()) };
    let find = |id: &base::EntryId| held.get(id).cloned().unwrap_or(Evidence::Unknown);
    let standing = Standing { recalled: false, evidence: &find };
    let got = release(
        Item::on(to_usa(), &[id(1)]),
        &audience("USA", Level::Secret),
        &rules,
        &standing,
        Timestamp::UNIX_EPOCH,
    );
    assert_eq!(got.unwrap_err().rule.as_str(), "evidence.category");
}

/// The ids in a marking travel with it: they must be such as the audience may know.
#[test]
fn what_a_marking_was_derived_from_is_followed_as_evidence_is() {
    let ally = audience("USA", Level::Secret);
    let derived = || with(|m| m.derived_from = vec![id(1), id(2)]);
    let mut store = Held::from([(id(1), Evidence::held(&Item::new(to_usa())))]);
    let withheld = decide(Item::new(derived()), &ally, &store).unwrap_err();
    assert_eq!(
        (withheld.rule.as_str(), withheld.path.as_str()),
        ("evidence.unknown", "marking.derived_from[1]")
    );
    store.insert(id(2), Evidence::held(&Item::new(with(|m| m.derived_from = vec![id(3)]))));
    store.insert(id(3), Evidence::held(&Item::new(Marking::new("RESTRICTED", &["JPN"], "KOR"))));
    let withheld = decide(Item::new(derived()), &ally, &store).unwrap_err();
    assert_eq!(withheld.path, "marking.derived_from[1].marking.derived_from[0]");
    assert_eq!(withheld.rule.as_str(), "evidence.withheld");
    store.insert(id(3), Evidence::held(&Item::new(to_usa())));
    assert_eq!(rule(Item::new(derived()), &ally, &store), "");
}
