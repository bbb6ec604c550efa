//! Passing on what another owns: never without its originator's grant, and never wider than its marking.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use base::{EntryId, Marked, Marking, Timestamp};
use label::{Audience, Level, Relayed, Rules, relay};

struct Item(Marking);

impl Marked for Item {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.0)
    }

    fn evidence(&self) -> &[EntryId] {
        &[]
    }
}

/// What the hub in the USA says of an item of Korea for Japan: the rule, or that it goes.
fn decide(marking: Marking, recalled: bool, granted: bool) -> &'static str {
    let audience = Audience {
        node: "tokyo".parse().unwrap(),
        country: "JPN".parse().unwrap(),
        clearance: Level::Confidential,
        organisation: None,
    };
    let rules = Rules::new("USA".parse().unwrap());
    match relay(Item(marking), &audience, &rules, Relayed { recalled, granted }, Timestamp::UNIX_EPOCH) {
        Ok(released) => {
            assert_eq!(*released.audience(), audience.node);
            "released"
        }
        Err(withheld) => withheld.rule.as_str(),
    }
}

fn korean(level: &str, rel_to: &[&str], caveats: &[&str]) -> Marking {
    let caveats = caveats.iter().map(|caveat| (*caveat).to_owned()).collect();
    Marking { caveats, ..Marking::new(level, rel_to, "KOR") }
}

#[test]
fn with_a_grant_what_the_marking_allows() {
    for caveats in [&[][..], &["ORCON"]] {
        assert_eq!(decide(korean("RESTRICTED", &["USA", "JPN"], caveats), false, true), "released");
    }
}

#[test]
fn without_a_grant_nothing() {
    assert_eq!(decide(korean("RESTRICTED", &["USA", "JPN"], &[]), false, false), "originator.other");
    assert_eq!(decide(korean("RESTRICTED", &["USA", "JPN"], &["ORCON"]), false, false), "caveat.orcon");
}

#[test]
fn a_grant_does_not_widen_the_marking() {
    assert_eq!(decide(korean("RESTRICTED", &["USA"], &[]), false, true), "rel.not_listed");
    assert_eq!(decide(korean("RESTRICTED", &[], &[]), false, true), "rel.empty");
    assert_eq!(decide(korean("SECRET", &["USA", "JPN"], &[]), false, true), "level.above_clearance");
    assert_eq!(decide(korean("RESTRICTED", &["USA", "JPN"], &[]), true, true), "recalled");
    assert_eq!(decide(korean("MARVELLOUS", &["USA", "JPN"], &[]), false, true), "level.unknown");
}
