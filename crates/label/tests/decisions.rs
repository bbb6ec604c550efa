//! Every decision over a bounded domain, held against a second implementation that was written from the documentation
//! of `release` as one flat list of conditions.

mod common;

use base::Marking;
use common::{Held, Item, audience, decide, id, rule};
use label::{Evidence, Level, Withheld, join_markings};

const CAVEATS: [&str; 3] = ["EXERCISE", "ORCON", "NOFORN"];
/// We are KOR.
const COUNTRIES: [&str; 3] = ["KOR", "USA", "JPN"];

fn subsets<'a>(table: &'a [&'a str]) -> impl Iterator<Item = Vec<String>> + 'a {
    (0..1_u32 << table.len())
        .map(|bits| (0..table.len()).filter(|i| bits & (1 << i) != 0).map(|i| table[i].to_owned()).collect())
}

/// Every marking over the given levels, the countries and the caveats, contradictions among them.
fn markings(levels: &[Level]) -> Vec<Marking> {
    let mut all = Vec::new();
    for level in levels {
        for rel_to in subsets(&COUNTRIES) {
            for caveats in subsets(&CAVEATS) {
                for originators in subsets(&COUNTRIES).filter(|o| !o.is_empty()) {
                    all.push(Marking {
                        level: level.to_string(),
                        rel_to: rel_to.clone(),
                        caveats: caveats.clone(),
                        originator: originators.join(" "),
                        ..Marking::default()
                    });
                }
            }
        }
    }
    all
}

/// The documented order of rules on one marking; empty when none refuses.
fn expected(m: &Marking, is_item: bool, country: &str, clearance: Level) -> &'static str {
    let originators: Vec<&str> = m.originator.split(' ').collect();
    let caveat = |word: &str| m.caveats.iter().any(|c| c == word);
    let rank = |word: &str| Level::ALL.iter().position(|l| l.as_str() == word);
    let needs_rel = originators.contains(&"KOR");
    let table = [
        (caveat("NOFORN") && !m.rel_to.is_empty(), "caveat.noforn_with_rel"),
        (is_item && !originators.contains(&"KOR"), "originator.other"),
        (originators.iter().any(|o| *o != "KOR" && *o != country), "originator.other"),
        (caveat("ORCON") && originators != ["KOR"], "caveat.orcon"),
        (rank(&m.level) > rank(clearance.as_str()), "level.above_clearance"),
        (caveat("NOFORN"), "caveat.noforn"),
        (needs_rel && m.rel_to.is_empty(), "rel.empty"),
        (needs_rel && !m.rel_to.iter().any(|c| c == country), "rel.not_listed"),
    ];
    table.into_iter().find(|(refuses, _)| *refuses).map_or("", |(_, rule)| rule)
}

#[test]
fn items_without_evidence() {
    let all = markings(Level::ALL);
    let mut released = 0;
    for country in COUNTRIES {
        for &clearance in Level::ALL {
            let ally = audience(country, clearance);
            for marking in &all {
                let got = rule(Item::new(marking.clone()), &ally, &Held::new());
                assert_eq!(got, expected(marking, true, country, clearance), "{marking:?} to {ally:?}");
                released += usize::from(got.is_empty());
            }
        }
    }
    // A table that refused everything would agree with itself.
    assert!(released > 500, "only {released} released");
}

#[test]
fn items_with_one_piece_of_evidence() {
    let levels = [Level::Unclassified, Level::Secret];
    let all = markings(&levels);
    for country in ["KOR", "USA"] {
        let ally = audience(country, Level::Secret);
        let items: Vec<&Marking> =
            all.iter().filter(|m| expected(m, true, country, Level::Secret).is_empty()).collect();
        for evidence in &all {
            let held = Held::from([(
                id(1),
                Evidence::Held { marking: Some(evidence.clone()), evidence: Vec::new(), facts: None },
            )]);
            let cause = expected(evidence, false, country, Level::Secret);
            for item in &items {
                let got = decide(Item::on((*item).clone(), &[id(1)]), &ally, &held);
                let lost = evidence.caveats.iter().any(|c| !item.caveats.contains(c));
                let rule = if !cause.is_empty() {
                    "evidence.withheld"
                } else if evidence.level == "SECRET" && item.level == "UNCLASSIFIED" {
                    "evidence.level"
                } else if lost {
                    "evidence.caveat"
                } else {
                    ""
                };
                match got {
                    Ok(_) => assert_eq!(rule, "", "{item:?} on {evidence:?}"),
                    Err(Withheld { rule: got, path, cause: got_cause }) => {
                        assert_eq!(got.as_str(), rule, "{item:?} on {evidence:?}");
                        assert_eq!(path, "evidence[0]");
                        assert_eq!(got_cause.map_or("", label::Rule::as_str), cause);
                    }
                }
            }
        }
    }
}

/// What carries the join of its evidence goes to nobody to whom the evidence does not: `join` is narrow enough.
#[test]
fn a_join_is_narrow_enough_for_its_evidence() {
    let codes = label::Codes::builtin();
    let all: Vec<Marking> = markings(&[Level::Restricted, Level::Secret])
        .into_iter()
        .filter(|m| !m.caveats.iter().any(|c| c == "EXERCISE"))
        .filter(|m| m.caveats.iter().all(|c| c != "NOFORN") || m.rel_to.is_empty())
        .collect();
    let allies: Vec<_> = COUNTRIES
        .iter()
        .flat_map(|country| [Level::Restricted, Level::Secret].map(|level| audience(country, level)))
        .collect();
    let held = |a: &Marking, b: &Marking| {
        let held =
            |m: &Marking| Evidence::Held { marking: Some(m.clone()), evidence: Vec::new(), facts: None };
        Held::from([(id(1), held(a)), (id(2), held(b))])
    };
    let mut released = 0;
    for a in &all {
        for b in &all {
            let joined = join_markings(&[a, b], &codes);
            let Ok(joined) = joined else { panic!("{a:?} {b:?} {joined:?}") };
            for ally in &allies {
                if rule(Item::new(joined.clone()), ally, &Held::new()).is_empty() {
                    let got = rule(Item::on(joined.clone(), &[id(1), id(2)]), ally, &held(a, b));
                    assert_eq!(got, "", "{a:?} and {b:?} to {ally:?}");
                    released += 1;
                }
            }
        }
    }
    assert!(released > 500, "only {released} released");
}
