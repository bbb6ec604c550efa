//! The laws of `join`, tried on every pair of a bounded lattice and on sampled triples, and against a second
//! implementation that was written from the documentation with small integers instead of sets.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use base::{EntryId, Marking, Timestamp};
use label::{Codes, Label, LabelError, Level, Pap, Tlp, join, join_markings};

const COUNTRIES: [&str; 6] = ["AUS", "DEU", "GBR", "JPN", "KOR", "USA"];
const CAVEATS: [&str; 3] = ["EXERCISE", "NOFORN", "ORCON"];
const CATEGORIES: [&str; 2] = ["NONIC:LES", "SCI:SI"];
const POLICIES: [&str; 2] = ["a@1", "urn:b"];
const NOFORN: u8 = 0b010;

/// A label as small numbers over the tables above. The lists of who may have it and who may be shown it are bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Bits {
    level: u8,
    rel_to: u8,
    shown: u8,
    caveats: u8,
    relido: bool,
    categories: u8,
    policies: u8,
    /// 0 for none.
    tlp: u8,
    pap: u8,
    derived_from: u8,
    /// Seconds; 0 for none.
    valid_from: u8,
    review: u8,
    expires: u8,
    originators: u8,
}

fn words(bits: u8, table: &[&str]) -> Vec<String> {
    (0..table.len()).filter(|i| bits & (1 << i) != 0).map(|i| table[i].to_owned()).collect()
}

fn time(seconds: u8) -> Option<Timestamp> {
    (seconds > 0).then(|| Timestamp::from_unix_nanos(i64::from(seconds) * 1_000_000_000))
}

impl Bits {
    fn marking(self) -> Marking {
        let nth = |n: u8| usize::from(n).checked_sub(1);
        Marking {
            level: Level::ALL[usize::from(self.level)].to_string(),
            rel_to: words(self.rel_to, &COUNTRIES),
            caveats: words(self.caveats, &CAVEATS),
            originator: words(self.originators, &COUNTRIES).join(" "),
            policy: (self.policies > 0).then(|| words(self.policies, &POLICIES).join(" ")),
            categories: words(self.categories, &CATEGORIES),
            display_only: words(self.shown, &COUNTRIES),
            relido: self.relido,
            tlp: nth(self.tlp).map(|n| Tlp::ALL[n].to_string()),
            pap: nth(self.pap).map(|n| Pap::ALL[n].to_string()),
            derived_from: (0..8)
                .filter(|bit| self.derived_from & (1 << bit) != 0)
                .map(|n| EntryId::from_bytes([n; 32]))
                .collect(),
            valid_from: time(self.valid_from),
            review: time(self.review),
            expires: time(self.expires),
        }
    }

    fn label(self, codes: &Codes) -> Label {
        Label::parse(&self.marking(), codes).unwrap()
    }

    /// Whether it is in the one spelling: no country in both lists, no single originator who is only shown its own,
    /// nothing that NOFORN excludes.
    fn is_canonical(self) -> bool {
        let open = self.rel_to | self.shown != 0 || self.relido;
        let shown_to_itself = self.originators.count_ones() == 1 && self.originators & self.shown != 0;
        self.rel_to & self.shown == 0 && !shown_to_itself && !(open && self.caveats & NOFORN != 0)
    }

    /// The documented operation, country by country.
    fn join(self, other: Self) -> Self {
        // 0 nothing, 1 may be shown, 2 may have.
        let standing = |side: Self, country: u8| {
            let bit = 1 << country;
            let counted = side.originators == bit && self.originators != other.originators;
            if side.shown & bit != 0 {
                1
            } else if side.rel_to & bit != 0 || counted {
                2
            } else {
                0
            }
        };
        let caveats = self.caveats | other.caveats;
        let noforn = caveats & NOFORN != 0;
        let (mut rel_to, mut shown) = (0, 0);
        for country in 0..COUNTRIES.len() as u8 {
            match standing(self, country).min(standing(other, country)) {
                _ if noforn => {}
                2 => rel_to |= 1 << country,
                1 => shown |= 1 << country,
                _ => {}
            }
        }
        let narrower = |a: u8, b: u8| if a > b { a } else { b };
        let earlier = |a: u8, b: u8| match (a, b) {
            (0, end) | (end, 0) => end,
            (a, b) if a < b => a,
            (_, b) => b,
        };
        Self {
            level: narrower(self.level, other.level),
            rel_to,
            shown,
            caveats,
            relido: self.relido && other.relido && !noforn,
            categories: self.categories | other.categories,
            policies: self.policies | other.policies,
            tlp: narrower(self.tlp, other.tlp),
            pap: narrower(self.pap, other.pap),
            derived_from: self.derived_from | other.derived_from,
            valid_from: narrower(self.valid_from, other.valid_from),
            review: earlier(self.review, other.review),
            expires: earlier(self.expires, other.expires),
            originators: self.originators | other.originators,
        }
    }
}

/// Numbers that look random and are the same in each run.
struct Samples(u64);

impl Samples {
    fn below(&mut self, limit: u8) -> u8 {
        // Knuth, The Art of Computer Programming 2, section 3.3.4: MMIX.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(limit)) as u8
    }

    /// Any label over all fields.
    fn label(&mut self) -> Bits {
        loop {
            // Shared originators are common, as they are in life.
            let originators = [0b1_0000, 0b1_0000, 0b10_0000, 0b11_0000, 0b1, 1 + self.below(63)];
            let bits = Bits {
                level: self.below(5),
                rel_to: self.below(64),
                shown: self.below(64) & self.below(64) & self.below(64),
                caveats: self.below(8) & self.below(8),
                relido: self.below(2) == 1,
                categories: self.below(4),
                policies: self.below(4),
                tlp: self.below(6),
                pap: self.below(5),
                derived_from: self.below(8),
                valid_from: self.below(4),
                review: self.below(4),
                expires: self.below(4),
                originators: originators[usize::from(self.below(6))],
            };
            if bits.is_canonical() {
                return bits;
            }
        }
    }
}

/// The part of the lattice of one originator without the level: REL over six members, two restrictive categories,
/// the four flags.
fn one_originator() -> Vec<Bits> {
    let mut all = Vec::new();
    for rel_to in 0..64 {
        for categories in 0..4 {
            for flags in 0..16 {
                let (caveats, relido) = (flags & 7, flags & 8 != 0);
                let bits =
                    Bits { rel_to, categories, caveats, relido, originators: 0b1_0000, ..Bits::default() };
                if bits.is_canonical() {
                    all.push(bits);
                }
            }
        }
    }
    all
}

fn check_pair(codes: &Codes, (a, bits_a): (&Label, Bits), (b, bits_b): (&Label, Bits)) {
    let both = join(a, b);
    assert_eq!(both, bits_a.join(bits_b).label(codes), "{bits_a:?} {bits_b:?}");
    assert_eq!(join(b, a), both, "commutative: {bits_a:?} {bits_b:?}");
    assert_eq!(join(&both, a), both, "absorbs what it was made of: {bits_a:?} {bits_b:?}");
    assert!(both.level() >= a.level());
    assert!(both.caveats().is_superset(a.caveats()));
    assert!(both.categories().is_superset(a.categories()));
    // Never wider: beside its own originator a label's list never reaches more.
    assert!(both.rel_to().iter().all(|c| a.rel_to().contains(c) || a.originators().contains(c)));
    if a.originators() == b.originators() {
        assert!(both.restricts_at_least(a) && both.restricts_at_least(b), "{bits_a:?} {bits_b:?}");
    }
}

/// Every pair of the lattice without levels; the levels go round, so that each pair of levels meets some 170,000 of them.
#[test]
fn every_pair_of_one_originator() {
    let codes = Codes::builtin();
    let all = one_originator();
    assert_eq!(all.len(), 4 * (64 * 8 + 4));
    let at = |level: u8| -> Vec<(Label, Bits)> {
        all.iter().map(|bits| Bits { level, ..*bits }).map(|bits| (bits.label(&codes), bits)).collect()
    };
    let by_level: Vec<Vec<(Label, Bits)>> = (0..5).map(at).collect();
    let mut turn = 0;
    for a in 0..all.len() {
        for b in a..all.len() {
            let (x, y) = (&by_level[turn % 5][a], &by_level[turn / 5 % 5][b]);
            turn += 1;
            let both = join(&x.0, &y.0);
            let expected = x.1.join(y.1);
            assert_eq!(both, by_level[usize::from(expected.level)][place(expected)].0, "{:?} {:?}", x.1, y.1);
        }
    }
    // The laws on a share of them; that `join` is the other implementation was held for all.
    for (a, b) in (0..all.len()).flat_map(|a| (a % 7..all.len()).step_by(7).map(move |b| (a, b))) {
        let (x, y) = (&by_level[a % 5][a], &by_level[b % 5][b]);
        check_pair(&codes, (&x.0, x.1), (&y.0, y.1));
    }
}

/// Where a label of [`one_originator`] stands in that list.
fn place(bits: Bits) -> usize {
    static PLACES: std::sync::LazyLock<std::collections::HashMap<(u8, u8, u8, bool), usize>> =
        std::sync::LazyLock::new(|| {
            let key = |bits: &Bits| (bits.rel_to, bits.categories, bits.caveats, bits.relido);
            one_originator().iter().enumerate().map(|(at, bits)| (key(bits), at)).collect()
        });
    PLACES[&(bits.rel_to, bits.categories, bits.caveats, bits.relido)]
}

/// All 108 million pairs with all levels: some minutes.
#[test]
#[ignore = "takes minutes; run it when `join` changes"]
fn every_pair_at_every_level() {
    let codes = Codes::builtin();
    let all: Vec<Bits> = (0..5)
        .flat_map(|level| one_originator().into_iter().map(move |bits| Bits { level, ..bits }))
        .collect();
    let labels: Vec<Label> = all.iter().map(|bits| bits.label(&codes)).collect();
    for (a, bits_a) in labels.iter().zip(&all) {
        for (b, bits_b) in labels.iter().zip(&all) {
            let expected = bits_a.join(*bits_b);
            let at = usize::from(expected.level) * (all.len() / 5) + place(expected);
            assert_eq!(join(a, b), labels[at], "{bits_a:?} {bits_b:?}");
        }
    }
}

#[test]
fn pairs_over_all_fields() {
    let codes = Codes::builtin();
    let mut samples = Samples(1);
    let all: Vec<(Label, Bits)> =
        (0..600).map(|_| samples.label()).map(|bits| (bits.label(&codes), bits)).collect();
    for (a, bits_a) in &all {
        assert_eq!(&join(a, a), a, "idempotent");
        for (b, bits_b) in &all {
            check_pair(&codes, (a, *bits_a), (b, *bits_b));
        }
    }
}

#[test]
fn triples_over_all_fields() {
    let codes = Codes::builtin();
    let mut samples = Samples(2);
    for _ in 0..100_000 {
        let bits = [samples.label(), samples.label(), samples.label()];
        let [a, b, c] = bits.map(|bits| bits.label(&codes));
        assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)), "{bits:?}");
    }
}

#[test]
fn a_label_survives_its_own_marking() {
    let codes = Codes::builtin();
    let mut samples = Samples(3);
    for bits in one_originator().into_iter().chain((0..20_000).map(|_| samples.label())) {
        let label = bits.label(&codes);
        assert_eq!(label.to_marking(), bits.marking());
        assert_eq!(Label::parse(&label.to_marking(), &codes), Ok(label));
    }
}

#[test]
fn who_stands_in_both_lists_may_only_be_shown_it() {
    let codes = Codes::builtin();
    let marking = Marking { display_only: vec!["USA".into()], ..Marking::new("SECRET", &["FVEY"], "KOR") };
    let label = Label::parse(&marking, &codes).unwrap();
    assert_eq!(label.to_marking().rel_to, ["AUS", "CAN", "GBR", "NZL"]);
    assert_eq!(label.to_marking().display_only, ["USA"]);
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
