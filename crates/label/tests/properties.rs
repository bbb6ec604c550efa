//! What must hold for any marking whatever.

mod common;

use base::{EntryId, Marking};
use common::{Held, Item, audience, decide, rule};
use label::{Audience, Caveat, Codes, Evidence, Label, Level, banner};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use testkit::nouns;

fn any_audience() -> impl Strategy<Value = Audience> {
    (select(&nouns::COUNTRIES[..]), select(Level::ALL)).prop_map(|(country, level)| audience(country, level))
}

/// Any marking: known, unknown, and known with one field replaced.
fn any_marking() -> impl Strategy<Value = Marking> {
    let spoilt =
        (nouns::known_marking(), nouns::marking(), 0..4).prop_map(|(known, random, field)| match field {
            0 => Marking { level: random.level, ..known },
            1 => Marking { rel_to: random.rel_to, ..known },
            2 => Marking { caveats: random.caveats, ..known },
            _ => Marking { originator: random.originator, ..known },
        });
    prop_oneof![nouns::known_marking(), nouns::marking(), spoilt]
}

/// A word that is surely in no table.
fn unknown_word() -> impl Strategy<Value = String> {
    nouns::text().prop_filter("unknown", |word| {
        let known = Codes::builtin().expand(word).is_some();
        !known && word.parse::<Level>().is_err() && word.parse::<Caveat>().is_err()
    })
}

/// Six entries, each resting only on later ones, so that there is no circle.
fn store() -> impl Strategy<Value = Held> {
    btree_map(0..6_u8, (nouns::known_marking(), vec(1..6_u8, 0..3)), 0..6).prop_map(|entries| {
        entries
            .into_iter()
            .map(|(n, (marking, later))| {
                let evidence = later.into_iter().filter(|l| *l > n).map(common::id).collect();
                (common::id(n), Evidence::Held { marking: Some(marking), evidence, facts: None })
            })
            .collect()
    })
}

fn reachable(from: &[EntryId], held: &Held) -> Vec<EntryId> {
    let mut open = from.to_vec();
    let mut found = Vec::new();
    while let Some(id) = open.pop() {
        if let Some(Evidence::Held { evidence, .. }) = held.get(&id) {
            open.extend(evidence);
        }
        found.push(id);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_marking_makes_it_panic_and_release_needs_every_word_known(marking in any_marking(), ally in any_audience()) {
        let label = Label::parse(&marking, &Codes::builtin());
        let decision = decide(Item::new(marking.clone()), &ally, &Held::new());
        match label {
            Err(error) => {
                let withheld = decision.err();
                prop_assert_eq!(withheld.as_ref().map(|w| w.rule), Some(error.rule()));
                prop_assert_eq!(withheld.map(|w| w.path), Some(error.path()));
            }
            Ok(label) => {
                prop_assert_eq!(label.to_marking().level, marking.level);
                prop_assert!(banner(&label).contains(label.level().as_str()));
                if decision.is_ok() {
                    prop_assert!(label.level() <= ally.clearance);
                    prop_assert!(label.rel_to().contains(&ally.country));
                    prop_assert!(!label.caveats().contains(&Caveat::Noforn));
                }
            }
        }
    }

    #[test]
    fn an_unknown_word_anywhere_withholds(
        marking in nouns::known_marking(), word in unknown_word(), at in any::<prop::sample::Index>(), field in 0..4,
        ally in any_audience(),
    ) {
        let mut marking = marking;
        match field {
            0 => marking.level = word,
            1 => marking.rel_to.insert(at.index(marking.rel_to.len() + 1), word),
            2 => marking.caveats.insert(at.index(marking.caveats.len() + 1), word),
            _ => marking.originator = word,
        }
        prop_assert!(rule(Item::new(marking), &ally, &Held::new()).contains("unknown"));
    }

    /// Lower level, more listed, fewer caveats, higher clearance: what went out before still goes out.
    #[test]
    fn wider_never_releases_less(
        marking in nouns::known_marking(), more in select(&nouns::COUNTRIES[..]), lower in select(Level::ALL),
        dropped in select(Caveat::ALL), cleared in select(Level::ALL), ally in any_audience(),
    ) {
        let before = decide(Item::new(marking.clone()), &ally, &Held::new());
        let mut wider = marking;
        if let Ok(level) = wider.level.parse::<Level>() {
            wider.level = level.min(lower).to_string();
        }
        wider.caveats.retain(|word| word != dropped.as_str());
        if !wider.caveats.iter().any(|word| word == "NOFORN") {
            wider.rel_to.push(more.to_owned());
        }
        let ally = Audience { clearance: ally.clearance.max(cleared), ..ally };
        prop_assert!(before.is_err() || decide(Item::new(wider), &ally, &Held::new()).is_ok());
    }

    /// Spelling, order and repetition of words decide nothing.
    #[test]
    fn one_label_one_decision(marking in nouns::known_marking(), ally in any_audience()) {
        let Ok(label) = Label::parse(&marking, &Codes::builtin()) else { return Ok(()) };
        let mut other = marking.clone();
        other.rel_to.reverse();
        other.rel_to.extend(marking.rel_to.clone());
        other.caveats.reverse();
        let of = |marking| decide(Item::new(marking), &ally, &Held::new()).map(|_| ());
        prop_assert_eq!(of(marking.clone()), of(label.to_marking()));
        prop_assert_eq!(of(marking), of(other));
    }

    /// What an item does not rest on cannot be told from the decision about it, nor from what goes out.
    #[test]
    fn what_it_does_not_rest_on_changes_nothing(
        marking in nouns::known_marking(), evidence in vec(0..6_u8, 0..3), held in store(), other in store(),
        ally in any_audience(),
    ) {
        let evidence: Vec<EntryId> = evidence.into_iter().map(common::id).collect();
        let item = Item::on(marking, &evidence);
        let rests_on = reachable(&evidence, &held);
        let mut changed = other;
        changed.retain(|id, _| !rests_on.contains(id));
        changed.extend(held.iter().filter(|(id, _)| rests_on.contains(id)).map(|(id, e)| (*id, e.clone())));
        let of = |held| decide(&item, &ally, held).map(|released| released.into_inner().clone());
        prop_assert_eq!(of(&held), of(&changed));
    }

    /// An item goes out only when all that it rests on does, down to what is the audience's own.
    #[test]
    fn nothing_rests_on_what_is_withheld(
        marking in nouns::known_marking(), evidence in vec(0..6_u8, 0..3), held in store(), ally in any_audience(),
    ) {
        let evidence: Vec<EntryId> = evidence.into_iter().map(common::id).collect();
        let item = Item::on(marking.clone(), &evidence);
        if decide(&item, &ally, &held).is_err() {
            return Ok(());
        }
        prop_assert_eq!(rule(Item::new(marking), &ally, &Held::new()), "");
        for id in evidence {
            let Some(Evidence::Held { marking: Some(marking), evidence, facts: None }) = held.get(&id) else {
                return Err(TestCaseError::fail("released on evidence that is not held"));
            };
            let theirs = marking.originator == ally.country.as_str();
            prop_assert!(theirs || decide(Item::on(marking.clone(), evidence), &ally, &held).is_ok());
        }
    }
}
