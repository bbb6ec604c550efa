//! Tables of codes and of a nation's words: what the day's table says, and that what it lacks reaches nobody.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

#[expect(dead_code, reason = "not every file asks all of it")]
mod common;

use std::collections::{BTreeMap, BTreeSet};

use base::{Country, EntryId, Marking, Timestamp};
use common::{Item, audience};
use label::{
    CodeTable, Codes, CodesError, Evidence, Level, MAX_ROWS, MappingError, MappingRow, MappingTable,
    Rulebook, Rules, Standing, Words, release,
};

fn day(text: &str) -> Timestamp {
    format!("{text}T00:00:00Z").parse().unwrap()
}

fn nobody() -> Marking {
    Marking::new("RESTRICTED", &[], "KOR")
}

fn countries(codes: &str) -> BTreeSet<Country> {
    codes.split_whitespace().map(|code| code.parse().unwrap()).collect()
}

fn table(version: &str, from: &str, nato: &str) -> CodeTable {
    CodeTable {
        version: version.to_owned(),
        valid_from: day(from),
        countries: countries("KOR USA GBR FIN SWE"),
        groups: BTreeMap::from([("NATO".to_owned(), countries(nato))]),
        categories: BTreeMap::new(),
        policies: BTreeSet::new(),
        withdrawn: BTreeMap::new(),
        marking: nobody(),
    }
}

fn korean(rows: &[(&str, Level)]) -> MappingTable {
    MappingTable {
        version: "kor-1".to_owned(),
        valid_from: day("2026-01-01"),
        authority: "KOR".parse().unwrap(),
        rows: rows
            .iter()
            .map(|(word, level)| MappingRow { word: (*word).to_owned(), level: *level })
            .collect(),
        marking: nobody(),
    }
}

fn grades() -> MappingTable {
    korean(&[
        ("군사 1급비밀", Level::TopSecret),
        ("군사 2급비밀", Level::Secret),
        ("군사 3급비밀", Level::Confidential),
        ("대외비", Level::Restricted),
    ])
}

/// The rule that holds an item with this marking back from a node of `to`, and the table of the decision.
fn why(rules: &Rules, marking: Marking, to: &str) -> (String, String) {
    let standing = Standing { recalled: false, evidence: &|_: &EntryId| Evidence::Unknown };
    let to = audience(to, Level::Secret);
    match release(Item::new(marking), &to, rules, &standing, Timestamp::UNIX_EPOCH) {
        Ok(released) => (String::new(), released.codes_version().to_owned()),
        Err(withheld) => (withheld.rule.to_string(), String::new()),
    }
}

#[test]
fn a_decision_is_made_with_the_table_of_its_day() {
    let mut book = Rulebook::new("KOR".parse().unwrap());
    book.add_codes(&table("after-2024", "2024-03-07", "USA GBR FIN SWE")).unwrap();
    // Recorded later, but for an earlier time.
    book.add_codes(&table("after-2023", "2023-04-04", "USA GBR FIN")).unwrap();
    let nato = || Marking::new("RESTRICTED", &["NATO"], "KOR");
    let on = |date, to| why(&book.at(day(date)), nato(), to);
    assert_eq!(on("2024-01-01", "FIN"), (String::new(), "after-2023".to_owned()));
    assert_eq!(on("2024-01-01", "SWE").0, "rel.not_listed");
    assert_eq!(on("2024-03-07", "SWE"), (String::new(), "after-2024".to_owned()));
    // Before the first: the table that ships with this version.
    assert_eq!(on("2020-01-01", "FIN").1, "builtin-1");
    // What the new table leaves out is unknown now.
    assert_eq!(
        why(&book.at(day("2024-03-07")), Marking::new("RESTRICTED", &["FVEY"], "KOR"), "USA").0,
        "rel.unknown_code"
    );
    assert_eq!(book.next_change(day("2020-01-01")), Some(day("2023-04-04")));
    assert_eq!(book.next_change(day("2024-03-07")), None);
}

#[test]
fn of_two_tables_of_one_day_the_later_entry_holds() {
    let mut book = Rulebook::new("KOR".parse().unwrap());
    book.add_codes(&table("first", "2024-03-07", "USA FIN")).unwrap();
    book.add_codes(&table("corrected", "2024-03-07", "USA")).unwrap();
    assert_eq!(book.at(day("2025-01-01")).codes.version(), "corrected");
}

#[test]
fn a_table_that_is_none_changes_nothing() {
    let mut book = Rulebook::new("KOR".parse().unwrap());
    let cases = [
        (CodeTable { version: String::new(), ..table("", "2024-01-01", "USA") }, CodesError::NoVersion),
        (table("a", "2024-01-01", ""), CodesError::EmptyGroup { group: "NATO".to_owned() }),
        (
            table("a", "2024-01-01", "USA JPN"),
            CodesError::UnknownMember { group: "NATO".to_owned(), member: "JPN".parse().unwrap() },
        ),
    ];
    for (bad, expected) in cases {
        assert_eq!(book.add_codes(&bad), Err(expected));
        assert_eq!(book.at(day("2025-01-01")).codes.version(), "builtin-1");
    }
    let categories = BTreeMap::from([("NOVA".to_owned(), countries("USA JPN"))]);
    let unknown = CodesError::UnknownReader { category: "NOVA".to_owned(), country: "JPN".parse().unwrap() };
    assert_eq!(book.add_codes(&CodeTable { categories, ..table("a", "2024-01-01", "USA") }), Err(unknown));
    let groups = (0..=MAX_ROWS).map(|n| (format!("G{n:04}"), countries("USA"))).collect();
    assert_eq!(
        book.add_codes(&CodeTable { groups, ..table("a", "2024-01-01", "USA") }),
        Err(CodesError::TooLong)
    );
}

#[test]
fn a_table_says_who_is_read_in_to_a_category() {
    let mut book = Rulebook::new("KOR".parse().unwrap());
    let categories = BTreeMap::from([("NOVA".to_owned(), countries("USA"))]);
    book.add_codes(&CodeTable { categories, ..table("a", "2024-01-01", "USA") }).unwrap();
    let nova =
        Marking { categories: vec!["NOVA".to_owned()], ..Marking::new("RESTRICTED", &["USA", "GBR"], "KOR") };
    let rules = book.at(day("2025-01-01"));
    assert_eq!(why(&rules, nova.clone(), "USA").0, "");
    assert_eq!(why(&rules, nova.clone(), "GBR").0, "category.not_held");
    assert_eq!(why(&book.at(day("2020-01-01")), nova, "USA").0, "category.unknown");
}

#[test]
fn the_table_that_ships_can_be_recorded_and_says_the_same() {
    let table = CodeTable::of(Codes::builtin(), nobody());
    assert_eq!(table.codes().unwrap(), Codes::builtin());
    let document = base::to_document(&table).unwrap();
    assert_eq!(base::from_document::<CodeTable>(&document).unwrap(), table);
    assert_eq!(document["schema"], "bongsu.code-table/1");
}

#[test]
fn a_nations_words_stand_for_levels_and_a_missing_row_withholds() {
    let mut book = Rulebook::new("KOR".parse().unwrap());
    book.add_words(grades()).unwrap();
    let rules = book.at(day("2026-02-01"));
    let to_usa = |level: &str, originator: &str| Marking::new(level, &["USA"], originator);
    assert_eq!(why(&rules, to_usa("군사 2급비밀", "KOR"), "USA").0, "");
    assert_eq!(why(&rules, to_usa("대외비", "KOR"), "USA").0, "");
    assert_eq!(why(&rules, to_usa("군사 1급비밀", "KOR"), "USA").0, "level.above_clearance");
    // No row, no guess: another spelling, another blank, another nation's marking, several originators.
    for marking in [
        to_usa("군사2급비밀", "KOR"),
        to_usa("2급비밀", "KOR"),
        to_usa("대외비 ", "KOR"),
        to_usa("대외비", "USA"),
        to_usa("대외비", "KOR USA"),
        to_usa("", "KOR"),
    ] {
        assert_eq!(why(&rules, marking.clone(), "USA").0, "level.unknown", "{marking:?}");
    }
    // Before the table was valid, the words were unknown; a level of this program is never another.
    assert_eq!(why(&book.at(day("2025-12-31")), to_usa("대외비", "KOR"), "USA").0, "level.unknown");
    assert_eq!(why(&rules, to_usa("SECRET", "KOR"), "USA").0, "");
    assert_eq!(rules.words.tables().collect::<Vec<_>>(), [&grades()]);
}

#[test]
fn words_are_read_in_evidence_too() {
    let mut book = Rulebook::new("KOR".parse().unwrap());
    book.add_words(grades()).unwrap();
    let rules = book.at(day("2026-02-01"));
    let evidence = |level: &str| Evidence::Held {
        marking: Some(Marking::new(level, &["USA"], "KOR")),
        evidence: Vec::new(),
        facts: None,
    };
    let rule = |level: &str| {
        let find = |_: &EntryId| evidence(level);
        let item = Item::on(Marking::new("RESTRICTED", &["USA"], "KOR"), &[common::id(1)]);
        let standing = Standing { recalled: false, evidence: &find };
        release(item, &audience("USA", Level::Secret), &rules, &standing, Timestamp::UNIX_EPOCH)
            .map_or_else(|withheld| withheld.rule.to_string(), |_| String::new())
    };
    assert_eq!(rule("대외비"), "");
    assert_eq!(rule("군사 3급비밀"), "evidence.level");
    assert_eq!(rule("비밀"), "evidence.withheld");
}

#[test]
fn rows_that_leave_a_guess_are_refused() {
    let check = |rows: &[(&str, Level)]| korean(rows).check().unwrap_err();
    assert_eq!(check(&[]), MappingError::NoRows);
    let twice = [("대외비", Level::Restricted), ("대외비", Level::Secret)];
    assert_eq!(check(&twice), MappingError::Twice { index: 1, word: "대외비".to_owned() });
    assert!(matches!(check(&[(" a", Level::Secret)]), MappingError::BadWord { index: 0, .. }));
    assert!(matches!(check(&[("", Level::Secret)]), MappingError::BadWord { index: 0, .. }));
    assert!(matches!(check(&[(&"a".repeat(300), Level::Secret)]), MappingError::BadWord { .. }));
    // A table may not lower a level of this program.
    let lowered = MappingError::LevelWord { index: 0, word: "SECRET".to_owned(), level: Level::Restricted };
    assert_eq!(check(&[("SECRET", Level::Restricted)]), lowered);
    assert_eq!(korean(&[("SECRET", Level::Secret)]).check(), Ok(()));
    let nameless = MappingTable { version: String::new(), ..grades() };
    assert_eq!(nameless.check(), Err(MappingError::NoVersion));
    assert!(Words::new([nameless]).is_err());
}

#[test]
fn a_level_is_written_with_the_first_word_that_has_it() {
    let table = korean(&[("2급", Level::Secret), ("군사 2급비밀", Level::Secret)]);
    assert_eq!((table.word(Level::Secret), table.word(Level::TopSecret)), (Some("2급"), None));
    assert_eq!((table.level("군사 2급비밀"), table.level("2")), (Some(Level::Secret), None));
}
