//! The laws of `join`, tried on every pair and triple of a bounded lattice, and against a second implementation that
//! was written from the documentation with bits instead of sets.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use base::Marking;
use label::{Codes, Label, LabelError, Level, join, join_markings};

const COUNTRIES: [&str; 5] = ["AUS", "GBR", "JPN", "KOR", "USA"];
const CAVEATS: [&str; 3] = ["EXERCISE", "NOFORN", "ORCON"];
const NOFORN: u8 = 0b010;

/// A label as bits over the tables above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bits {
    level: u8,
    rel_to: u8,
    caveats: u8,
    originators: u8,
}

fn words(bits: u8, table: &[&str]) -> Vec<String> {
    (0..table.len()).filter(|i| bits & (1 << i) != 0).map(|i| table[i].to_owned()).collect()
}

impl Bits {
    fn marking(self) -> Marking {
        Marking {
            level: Level::ALL[usize::from(self.level)].to_string(),
            rel_to: words(self.rel_to, &COUNTRIES),
            caveats: words(self.caveats, &CAVEATS),
            originator: words(self.originators, &COUNTRIES).join(" "),
        }
    }

    fn label(self, codes: &Codes) -> Label {
        Label::parse(&self.marking(), codes).unwrap()
    }

    /// The documented operation, country by country.
    fn join(self, other: Self) -> Self {
        let has = |side: Self, country: u8| {
            let own = side.originators == 1 << country && self.originators != other.originators;
            side.rel_to & (1 << country) != 0 || own
        };
        let caveats = self.caveats | other.caveats;
        let mut rel_to = 0;
        for country in 0..COUNTRIES.len() as u8 {
            if caveats & NOFORN == 0 && has(self, country) && has(other, country) {
                rel_to |= 1 << country;
            }
        }
        Self {
            level: if self.level > other.level { self.level } else { other.level },
            rel_to,
            caveats,
            originators: self.originators | other.originators,
        }
    }
}

/// Every label over the first `levels` levels, the first `countries` countries and the given caveats and originators.
fn lattice(levels: u8, countries: u32, caveats: &[u8], originators: &[u8]) -> Vec<Bits> {
    let mut all = Vec::new();
    for level in 0..levels {
        for rel_to in 0..(1_u8 << countries) {
            for &caveats in caveats {
                for &originators in originators {
                    if rel_to == 0 || caveats & NOFORN == 0 {
                        all.push(Bits { level, rel_to, caveats, originators });
                    }
                }
            }
        }
    }
    all
}

const ANY_CAVEATS: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

fn pairs(all: &[Bits]) {
    let codes = Codes::builtin();
    let labels: Vec<Label> = all.iter().map(|bits| bits.label(&codes)).collect();
    for (a, bits_a) in labels.iter().zip(all) {
        assert_eq!(&join(a, a), a, "idempotent");
        for (b, bits_b) in labels.iter().zip(all) {
            let both = join(a, b);
            assert_eq!(both.to_marking(), bits_a.join(*bits_b).marking(), "{bits_a:?} {bits_b:?}");
            assert_eq!(join(b, a), both, "commutative");
            assert_eq!(join(&both, a), both, "absorbs what it was made of");
            assert!(both.level() >= a.level());
            assert!(both.caveats().is_superset(a.caveats()));
            assert!(both.originators().is_superset(a.originators()));
            // Never wider: beside its own originator a label's list never reaches more.
            assert!(both.rel_to().iter().all(|c| a.rel_to().contains(c) || a.originators().contains(c)));
        }
    }
}

#[test]
fn pairs_of_one_originator() {
    pairs(&lattice(5, 5, &ANY_CAVEATS, &[0b1]));
}

#[test]
fn pairs_of_one_and_of_several_originators() {
    pairs(&lattice(2, 3, &ANY_CAVEATS, &[0b1, 0b10, 0b100, 0b11, 0b110, 0b111]));
}

#[test]
fn triples() {
    let codes = Codes::builtin();
    let labels: Vec<Label> = lattice(2, 3, &[0, 2, 4], &[0b1, 0b10, 0b11, 0b110])
        .iter()
        .filter(|bits| bits.level == 0 || bits.rel_to == 0b101)
        .map(|bits| bits.label(&codes))
        .collect();
    for a in &labels {
        for b in &labels {
            let a_b = join(a, b);
            for c in &labels {
                assert_eq!(join(&a_b, c), join(a, &join(b, c)), "{a:?} {b:?} {c:?}");
            }
        }
    }
}

#[test]
fn a_label_survives_its_own_marking() {
    let codes = Codes::builtin();
    for bits in lattice(5, 5, &ANY_CAVEATS, &[0b1, 0b10, 0b11, 0b11111]) {
        let label = bits.label(&codes);
        assert_eq!(Label::parse(&label.to_marking(), &codes), Ok(label));
    }
}

#[test]
fn joining_markings() {
    let codes = Codes::builtin();
    let ours = Marking::new("RESTRICTED", &["FVEY", "JPN"], "KOR");
    let theirs = Marking::new("SECRET", &["KOR", "GBR"], "USA");
    assert_eq!(join_markings(&[&ours], &codes).unwrap().rel_to, ["AUS", "CAN", "GBR", "JPN", "NZL", "USA"]);
    assert_eq!(
        join_markings(&[&ours, &theirs, &ours], &codes),
        Ok(Marking::new("SECRET", &["GBR", "KOR", "USA"], "KOR USA"))
    );
    assert_eq!(join_markings(&[], &codes), Err(LabelError::NothingToJoin));
    let unknown = Marking::new("SECRET", &["KOR", "XXX"], "USA");
    let error = join_markings(&[&ours, &unknown], &codes).unwrap_err();
    assert_eq!((error.rule().as_str(), error.path().as_str()), ("rel.unknown_code", "marking.rel_to[1]"));
}
