//! A conversion only narrows: whoever may have an item by what was written could have it by the label, for every form
//! and every pair of forms.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use base::{Country, EntryId, Marked, Marking, Timestamp};
use label::{
    Audience, Codes, Evidence, Format, FormatContext, Label, Level, Organisations, Rules, Standing,
    read_markings, release, write_marking,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use testkit::nouns;

const CATEGORIES: [&str; 14] = [
    "SCI:SI",
    "SCI:TK-G ABCD",
    "SAR:BP",
    "AEA:RD",
    "AEA:FRD-SG 1",
    "NONIC:DS",
    "NONIC:SBU-NF",
    "DISSEM:IMC",
    "FGI",
    "STIX:marking-definition--1",
    "REL TO USA",
    "NOFORN",
    "CAT X",
    "TLP:CLEAR",
];

const POLICIES: [&str; 3] =
    ["urn:nato:stanag:4774:confidentialitymetadatalabel:1:0:policy:NATO", "x@2", "a:b"];

/// Everybody is read in to everything, so that a category that is lost shows as somebody who should not have it.
static CODES: LazyLock<Codes> = LazyLock::new(|| {
    let all: BTreeSet<Country> = nouns::COUNTRIES.iter().map(|c| c.parse().unwrap()).collect();
    let some: BTreeSet<Country> = all.iter().take(3).cloned().collect();
    let read_in = |(at, word): (usize, &&str)| {
        ((*word).to_owned(), if at % 2 == 0 { all.clone() } else { some.clone() })
    };
    Codes::builtin()
        .with_categories(CATEGORIES.iter().enumerate().map(read_in).collect())
        .with_policies(POLICIES[..2].iter().map(|policy| (*policy).to_owned()).collect())
});

static ORGANISATIONS: LazyLock<Organisations> = LazyLock::new(|| {
    let uuid = |n: usize| format!("00000000-0000-4000-8000-{n:012}");
    let countries: BTreeMap<String, Country> =
        nouns::COUNTRIES.iter().enumerate().map(|(n, c)| (uuid(n), c.parse().unwrap())).collect();
    let group = |members: &[usize]| members.iter().map(|n| uuid(*n)).collect();
    let groups = [
        (uuid(90), group(&[4, 5])),
        (uuid(91), group(&[5])),
        (uuid(92), group(&[0, 2, 5])),
        (uuid(93), group(&[7])),
    ];
    Organisations { countries, groups: groups.into_iter().collect() }
});

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_nanos(seconds * 1_000_000_000)
}

fn any_label() -> impl Strategy<Value = Label> {
    let owners = subsequence(&nouns::COUNTRIES[..], 1..=2).prop_map(|owners| owners.join(" "));
    let mostly_one = prop_oneof![3 => select(&nouns::COUNTRIES[..]).prop_map(str::to_owned), 1 => owners];
    let handling = (
        subsequence(&CATEGORIES[..], 0..3),
        option::of(select(&POLICIES[..])),
        option::of(select(&["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"][..])),
        option::of(select(&["CLEAR", "GREEN", "AMBER", "RED"][..])),
        any::<bool>(),
        subsequence(&nouns::COUNTRIES[..], 0..3),
        (option::of(0..4_i64), option::of(0..4_i64), option::of(0..4_i64)),
        vec(nouns::entry_id(), 0..2),
    );
    // Two thirds without any, so that plain labels are common too.
    let handling = prop_oneof![1 => handling.prop_map(Some), 2 => Just(None)];
    (nouns::known_marking(), mostly_one, handling).prop_filter_map(
        "a label",
        |(marking, originator, handling)| {
            let mut marking = Marking { originator, ..marking };
            if let Some((categories, policy, tlp, pap, relido, shown, (from, review, until), derived_from)) =
                handling
            {
                let noforn = marking.caveats.iter().any(|caveat| caveat == "NOFORN");
                marking = Marking {
                    categories: categories.into_iter().map(str::to_owned).collect(),
                    policy: policy.map(str::to_owned),
                    tlp: tlp.map(str::to_owned),
                    pap: pap.map(str::to_owned),
                    relido,
                    display_only: if noforn {
                        Vec::new()
                    } else {
                        shown.into_iter().map(str::to_owned).collect()
                    },
                    valid_from: from.map(at),
                    review: review.map(at),
                    expires: until.map(at),
                    derived_from,
                    ..marking
                };
            }
            Label::parse(&marking, &CODES).ok()
        },
    )
}

struct Item(Marking);

impl Marked for Item {
    fn marking(&self) -> Option<&Marking> {
        Some(&self.0)
    }

    fn evidence(&self) -> &[EntryId] {
        &[]
    }
}

/// Who gets an item with this marking, from a node of its first owner and at which times.
fn reach(marking: &Marking) -> BTreeSet<(String, Level, i64)> {
    let own: Country = marking.originator.split(' ').next().unwrap().parse().unwrap();
    let rules = Rules { codes: CODES.clone(), ..Rules::new(own) };
    let standing = Standing { recalled: false, evidence: &|_: &EntryId| Evidence::Unknown };
    let mut reached = BTreeSet::new();
    for country in nouns::COUNTRIES {
        for &clearance in Level::ALL {
            for time in 0..4 {
                let audience = Audience {
                    node: "ally".parse().unwrap(),
                    country: country.parse().unwrap(),
                    clearance,
                    organisation: None,
                };
                // What a marking was derived from is the record's matter, not the form's.
                let item = Item(Marking { derived_from: Vec::new(), ..marking.clone() });
                if release(item, &audience, &rules, &standing, at(time)).is_ok() {
                    reached.insert((country.to_owned(), clearance, time));
                }
            }
        }
    }
    reached
}

fn convert(label: &Label, format: Format) -> Label {
    let owner = label.originators().first().unwrap();
    let context = FormatContext { codes: &CODES, originator: Some(owner), organisations: &ORGANISATIONS };
    let written = write_marking(label, format, &context);
    let read = read_markings(written.text.as_bytes(), format, &context);
    assert_eq!(read.items.len(), 1, "{format} {:?}: {} {:?}", label.to_marking(), written.text, read.faults);
    let errors: Vec<_> = read.faults.iter().filter(|fault| fault.level == base::FaultLevel::Error).collect();
    assert!(errors.is_empty(), "{format}: {} {errors:?}", written.text);
    assert_eq!(Format::of(written.text.as_bytes()), Some(format), "{}", written.text);
    Label::parse(&read.items[0].marking, &CODES).unwrap()
}

/// What must hold of every conversion.
fn narrower(before: &Label, after: &Label, how: &str) {
    let (had, has) = (reach(&before.to_marking()), reach(&after.to_marking()));
    assert!(has.is_subset(&had), "{how}: {:?} became {:?}", before.to_marking(), after.to_marking());
    let exercise = label::Caveat::Exercise;
    assert!(
        after.caveats().contains(&exercise) || !before.caveats().contains(&exercise),
        "{how}: an exercise is real"
    );
    if !has.is_empty() {
        assert!(
            after.restricts_at_least(before),
            "{how}: {:?} became {:?}",
            before.to_marking(),
            after.to_marking()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_form_and_every_pair_of_forms_narrows(label in any_label()) {
        for &first in Format::ALL {
            let once = convert(&label, first);
            narrower(&label, &once, first.as_str());
            for &second in Format::ALL {
                let twice = convert(&once, second);
                narrower(&once, &twice, &format!("{first} to {second}"));
            }
        }
    }

    /// Forms that have a place for everything keep everything, save what is said of the register's lists.
    #[test]
    fn what_has_a_place_is_kept(label in any_label()) {
        let us = label.originators().iter().any(|owner| owner.as_str() == "USA");
        let plain = Marking { derived_from: Vec::new(), ..label.to_marking() };
        for format in [Format::Stanag4774, Format::Capco, Format::Cap, Format::Cot] {
            if !us || [Format::Stanag4774, Format::Cot].contains(&format) {
                prop_assert_eq!(convert(&label, format).to_marking(), plain.clone(), "{}", format);
            }
        }
    }

    #[test]
    fn nothing_read_makes_it_panic(text in nouns::text(), format in select(Format::ALL), wrap in 0..5) {
        let text = match wrap {
            0 => text,
            1 => format!("<event access=\"{text}\" caveat=\"{text}\"/>"),
            2 => format!("<a xmlns:ism=\"urn:us:gov:ic:ism\" ism:classification=\"{text}\" ism:{text}=\"{text}\"/>"),
            3 => format!("SECRET//{text}"),
            _ => serde_json::json!({ "object_marking_refs": [text.clone()], "distribution": text }).to_string(),
        };
        let owner = "KOR".parse().unwrap();
        let context = FormatContext { codes: &CODES, originator: Some(&owner), organisations: &ORGANISATIONS };
        let read = read_markings(text.as_bytes(), format, &context);
        for item in read.items {
            // Whatever it says, it can be judged.
            let _ = Label::parse(&item.marking, &CODES);
        }
        let _ = Format::of(text.as_bytes());
        label::check_ism(text.as_bytes(), &CODES);
    }
}
