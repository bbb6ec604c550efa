//! The table of codes, the words, the banner and the stable codes of rules.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use base::{Country, Marking, Timestamp};
use label::{Caveat, Codes, CodesError, Label, Level, Pap, Rule, Tlp, banner};

fn countries(codes: &[&str]) -> BTreeSet<Country> {
    codes.iter().map(|code| code.parse().unwrap()).collect()
}

#[test]
fn the_built_in_table() {
    let codes = Codes::builtin();
    assert_eq!(codes.version(), "builtin-1");
    assert_eq!(codes.as_of(), "2026-01-01T00:00:00Z".parse().unwrap());
    let all =
        (b'A'..=b'Z').flat_map(|a| (b'A'..=b'Z').flat_map(move |b| (b'A'..=b'Z').map(move |c| [a, b, c])));
    let known = all.filter(|code| codes.knows(&std::str::from_utf8(code).unwrap().parse().unwrap())).count();
    assert_eq!(known, 249, "ISO 3166-1 has 249 codes");
    assert_eq!(codes.expand("KOR"), Some(countries(&["KOR"])));
    assert_eq!(codes.expand("CFCK"), Some(countries(&["KOR", "USA"])));
    assert_eq!(codes.expand("FVEY"), Some(countries(&["AUS", "CAN", "GBR", "NZL", "USA"])));
    assert_eq!(codes.expand("NATO").unwrap().len(), 32);
    for unknown in ["", "XXX", "kor", " KOR", "KOR ", "KO", "UNK", "fvey", "FVEY ", "KOR,USA", "ALL", "*"] {
        assert_eq!(codes.expand(unknown), None, "`{unknown}`");
    }
}

#[test]
fn a_table_that_could_mislead_is_refused() {
    let make = |version: &str, group: &str, members: &[&str]| {
        let groups = BTreeMap::from([(group.to_owned(), countries(members))]);
        Codes::new(version, Timestamp::UNIX_EPOCH, countries(&["KOR", "USA"]), groups).map(|_| ())
    };
    assert_eq!(make("1", "CFCK", &["KOR", "USA"]), Ok(()));
    assert_eq!(make("", "CFCK", &["KOR"]), Err(CodesError::NoVersion));
    assert_eq!(make("1", "CFCK", &[]), Err(CodesError::EmptyGroup { group: "CFCK".to_owned() }));
    let member = "JPN".parse().unwrap();
    assert_eq!(
        make("1", "CFCK", &["JPN"]),
        Err(CodesError::UnknownMember { group: "CFCK".to_owned(), member })
    );
    for group in ["", "USA", "cfck", "CFC K", "ABCDEFGHIJKLMNOPQ"] {
        assert_eq!(make("1", group, &["KOR"]), Err(CodesError::BadGroup { group: group.to_owned() }));
    }
}

#[test]
fn words_are_exact() {
    let levels: Vec<&str> = Level::ALL.iter().map(|level| level.as_str()).collect();
    assert_eq!(levels, ["UNCLASSIFIED", "RESTRICTED", "CONFIDENTIAL", "SECRET", "TOP SECRET"]);
    assert_eq!(levels, testkit::nouns::LEVELS);
    assert!(Level::ALL.is_sorted());
    for level in Level::ALL {
        assert_eq!(level.as_str().parse(), Ok(*level));
        assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
        assert_eq!(serde_json::from_value::<Level>(level.as_str().into()).unwrap(), *level);
    }
    for caveat in Caveat::ALL {
        assert_eq!(caveat.as_str().parse(), Ok(*caveat));
        assert_eq!(serde_json::from_value::<Caveat>(caveat.as_str().into()).unwrap(), *caveat);
    }
    for tlp in Tlp::ALL {
        assert_eq!(tlp.as_str().parse(), Ok(*tlp));
    }
    for pap in Pap::ALL {
        assert_eq!(pap.as_str().parse(), Ok(*pap));
    }
    for word in ["", "white", "WHITE", "AMBER STRICT", "Red", "TLP:RED"] {
        assert!(word.parse::<Tlp>().is_err() && word.parse::<Pap>().is_err(), "`{word}`");
    }
    for word in
        ["", "secret", "Secret", " SECRET", "SECRET ", "S", "TOPSECRET", "TOP  SECRET", "TOP_SECRET", "2"]
    {
        assert!(word.parse::<Level>().is_err(), "`{word}`");
    }
    for word in ["", "NF", "noforn", "NOFORN ", "DISPLAYONLY", "RELIDO"] {
        assert!(word.parse::<Caveat>().is_err(), "`{word}`");
    }
}

#[test]
fn banners() {
    let line = |level: &str, rel_to: &[&str], caveats: &[&str], originator: &str| {
        let caveats = caveats.iter().map(|c| (*c).to_owned()).collect();
        let marking = Marking { caveats, ..Marking::new(level, rel_to, originator) };
        banner(&Label::parse(&marking, &Codes::builtin()).unwrap())
    };
    assert_eq!(line("RESTRICTED", &["USA"], &[], "KOR"), "RESTRICTED//REL TO KOR, USA");
    assert_eq!(line("SECRET", &["FVEY", "KOR"], &[], "KOR"), "SECRET//REL TO KOR, AUS, CAN, GBR, NZL, USA");
    assert_eq!(line("SECRET", &["JPN"], &["ORCON"], "USA"), "SECRET//ORCON/REL TO USA, JPN");
    assert_eq!(line("TOP SECRET", &[], &["NOFORN", "ORCON"], "KOR"), "TOP SECRET//ORCON/NOFORN");
    assert_eq!(line("UNCLASSIFIED", &[], &[], "KOR"), "UNCLASSIFIED");
    assert_eq!(line("RESTRICTED", &["KOR"], &["EXERCISE"], "KOR"), "EXERCISE//RESTRICTED//REL TO KOR");
    assert_eq!(line("RESTRICTED", &["USA", "JPN"], &[], "KOR USA"), "RESTRICTED//REL TO USA, JPN");
    let full = Marking {
        categories: vec!["SCI:SI".into()],
        display_only: vec!["JPN".into()],
        relido: true,
        tlp: Some("AMBER+STRICT".into()),
        pap: Some("GREEN".into()),
        expires: "2027-01-01T00:00:00Z".parse().ok(),
        ..Marking::new("SECRET", &["USA", "JPN"], "KOR")
    };
    assert_eq!(
        banner(&Label::parse(&full, &Codes::builtin()).unwrap()),
        "SECRET//SCI:SI//REL TO KOR, USA/DISPLAY ONLY JPN/RELIDO//TLP:AMBER+STRICT/PAP:GREEN\
         //UNTIL 2027-01-01T00:00:00Z"
    );
}

/// Stores and consoles keep these words.
#[test]
fn the_codes_of_the_rules_are_stable() {
    let codes: Vec<&str> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
    assert_eq!(
        codes,
        [
            "recalled",
            "marking.missing",
            "marking.too_long",
            "level.unknown",
            "originator.unknown",
            "rel.unknown_code",
            "caveat.unknown",
            "caveat.noforn_with_rel",
            "display.unknown_code",
            "tlp.unknown",
            "pap.unknown",
            "policy.unknown",
            "category.unknown",
            "originator.other",
            "caveat.orcon",
            "level.above_clearance",
            "caveat.noforn",
            "category.not_held",
            "tlp.red",
            "tlp.amber_strict",
            "validity.not_yet",
            "validity.expired",
            "display.only",
            "rel.empty",
            "rel.not_listed",
            "evidence.too_many",
            "evidence.unknown",
            "evidence.recalled",
            "evidence.withheld",
            "evidence.level",
            "evidence.caveat",
            "evidence.category",
            "evidence.tlp",
            "evidence.pap",
            "evidence.validity",
            "policy.unreadable",
            "policy.no_facts",
            "policy.error",
            "policy.forbid",
            "policy.no_permit",
        ]
    );
    for rule in Rule::ALL {
        assert_eq!(rule.as_str().parse(), Ok(*rule));
        assert_eq!(serde_json::from_value::<Rule>(rule.as_str().into()).unwrap(), *rule);
    }
    assert!("rel.".parse::<Rule>().is_err());
}
