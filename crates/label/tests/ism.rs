//! The rules of IC-ISM on documents of our own, and the attributes as markings.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "the documents are files")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use base::FaultLevel;
use label::{
    Codes, Format, FormatContext, Label, Organisations, banner, check_ism, join_markings, read_markings,
    write_marking,
};

fn documents(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/ism").join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect()
}

/// Where one wrong attribute breaks a second rule: one code alone is also less than the portions have in common.
const ALSO: &[(&str, &str)] = &[("00319-one-code", "ism::00320")];

#[test]
fn valid_documents_have_no_fault() {
    let all = documents("valid");
    assert!(all.len() >= 14);
    for (name, bytes) in all {
        assert_eq!(check_ism(&bytes, &Codes::builtin()), [], "{name}");
    }
}

#[test]
fn invalid_documents_break_their_rule_and_no_other() {
    let mut rules = BTreeSet::new();
    for (name, bytes) in documents("invalid") {
        let faults = check_ism(&bytes, &Codes::builtin());
        let found: BTreeSet<&str> = faults.iter().map(|fault| fault.code.as_str()).collect();
        let own = format!("ism::{}", &name[..5]);
        let also: BTreeSet<&str> = ALSO.iter().filter(|(n, _)| *n == name).map(|(_, rule)| *rule).collect();
        let expected: BTreeSet<&str> = also.into_iter().chain([own.as_str()]).collect();
        assert_eq!(found, expected, "{name}: {faults:?}");
        for fault in &faults {
            assert!(
                fault.line.is_some() && fault.field.is_some() && fault.byte_end > fault.byte_start,
                "{fault:?}"
            );
            assert!(fault.message.starts_with("ISM-ID-"), "{fault:?}");
        }
        rules.insert(own);
    }
    let all =
        ["00033", "00041", "00067", "00088", "00199", "00319", "00320"].map(|rule| format!("ism::{rule}"));
    assert_eq!(rules, all.into_iter().collect());
}

#[test]
fn a_code_that_will_be_withdrawn_is_a_warning() {
    let document = |day: &str| {
        format!(
            "<d xmlns:ism=\"urn:us:gov:ic:ism\" ism:resourceElement=\"true\" ism:createDate=\"{day}\" \
             ism:classification=\"S\" ism:ownerProducer=\"USA\" ism:disseminationControls=\"REL\" \
             ism:releasableTo=\"USA ANT\"/>"
        )
    };
    let level = |day| check_ism(document(day).as_bytes(), &Codes::builtin())[0].level;
    assert_eq!(level("2010-12-14"), FaultLevel::Warning);
    assert_eq!(level("2010-12-15"), FaultLevel::Error);
    // Without a day that can be read, the day of the table counts.
    assert_eq!(level(""), FaultLevel::Error);
}

#[test]
fn what_is_no_document_is_one_fault() {
    for text in ["", "<", "<a>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "<a b='&c;'/>", "<a/>"] {
        let faults = check_ism(text.as_bytes(), &Codes::builtin());
        assert_eq!(faults.len(), 1, "`{text}`: {faults:?}");
    }
    assert_eq!(check_ism(b"\xff\xfe<", &Codes::builtin())[0].code, "label::not_utf8");
    let deep = "<a>".repeat(100_000);
    assert_eq!(check_ism(deep.as_bytes(), &Codes::builtin())[0].code, "label::bad_xml");
}

/// The join of the portions is a banner that the rules let stand.
#[test]
fn the_join_of_the_portions_is_a_banner_that_the_rules_let_stand() {
    let codes = Codes::builtin();
    let organisations = Organisations::default();
    let context = FormatContext { codes: &codes, originator: None, organisations: &organisations };
    let mut checked = 0;
    for (name, bytes) in documents("valid").into_iter().chain(documents("invalid")) {
        let read = read_markings(&bytes, Format::Ism, &context);
        let portions: Vec<_> =
            read.items.iter().filter(|item| item.name != "banner").map(|item| &item.marking).collect();
        // What only groups name has no countries to compare, and an excluded portion does not count for the rules.
        let Ok(joined) = join_markings(&portions, &codes) else { continue };
        let text = String::from_utf8(bytes).unwrap();
        if text.contains("excludeFromRollup") || text.contains("NATO") || text.contains("CFCK") {
            continue;
        }
        let label = Label::parse(&joined, &codes).unwrap();
        let written = write_marking(&label, Format::Ism, &context).text;
        let attributes = written.split_once("ism:resourceElement").unwrap().1.trim_end_matches("/>");
        let body = text.split_once("  <p").unwrap().1;
        let document = format!(
            "<doc xmlns:ism=\"urn:us:gov:ic:ism\" xmlns:bongsu=\"urn:bongsu:label:1\" ism:resourceElement{attributes}>\n  <p{body}"
        );
        let faults: Vec<_> = check_ism(document.as_bytes(), &codes)
            .into_iter()
            .filter(|fault| fault.line == Some(1))
            .collect();
        assert_eq!(faults, [], "{name}: {document}");
        checked += 1;
    }
    assert!(checked >= 15, "only {checked}");
}

#[test]
fn attributes_are_read_as_a_marking() {
    let codes = Codes::builtin();
    let organisations = Organisations::default();
    let context = FormatContext { codes: &codes, originator: None, organisations: &organisations };
    let read = |attributes: &str| {
        let text = format!("<d xmlns:ism=\"urn:us:gov:ic:ism\" {attributes}/>");
        let mut read = read_markings(text.as_bytes(), Format::Ism, &context);
        (read.items.pop().map(|item| item.marking), read.faults)
    };
    let (marking, faults) = read(
        "ism:classification=\"S\" ism:ownerProducer=\"USA\" ism:disseminationControls=\"OC REL DISPLAYONLY\" \
         ism:releasableTo=\"USA KOR\" ism:displayOnlyTo=\"JPN\" ism:SCIcontrols=\"SI TK\" ism:FGIsourceOpen=\"GBR\"",
    );
    assert_eq!(faults, []);
    let label = Label::parse(&marking.unwrap(), &codes).unwrap();
    assert_eq!(banner(&label), "SECRET//SCI:SI/SCI:TK//ORCON/REL TO USA, KOR/DISPLAY ONLY JPN");
    assert_eq!(label.to_marking().originator, "GBR USA");

    // A list without its control says nothing, and an attribute that nobody knows restricts.
    let (marking, faults) =
        read("ism:classification=\"S\" ism:ownerProducer=\"USA\" ism:releasableTo=\"USA KOR\"");
    assert_eq!((marking.unwrap().rel_to.len(), faults[0].code.as_str()), (0, "label::rel_without_control"));
    let (marking, _) = read("ism:classification=\"U\" ism:ownerProducer=\"USA\" ism:newControl=\"a/b\"");
    assert_eq!(marking.unwrap().categories, ["ISM:newControl=a%2Fb"]);
    let (marking, faults) = read("ism:ownerProducer=\"USA\"");
    assert_eq!((marking, faults[0].code.as_str()), (None, "label::no_level"));
}
