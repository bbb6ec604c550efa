//! Each form by example: what stands in it, and what that means.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::sync::LazyLock;

use base::{Country, Marking};
use label::{
    Codes, Format, FormatContext, Label, Organisations, ReadMarkings, WrittenMarking, banner, join_markings,
    read_markings, write_marking,
};
use serde_json::{Value, json};

static CODES: LazyLock<Codes> = LazyLock::new(Codes::builtin);

const KOREA: &str = "00000000-0000-4000-8000-000000000001";
const STATES: &str = "00000000-0000-4000-8000-000000000002";
const GROUP: &str = "00000000-0000-4000-8000-000000000090";

/// One organisation for each of two countries, and the group of both.
static ORGANISATIONS: LazyLock<Organisations> = LazyLock::new(|| {
    serde_json::from_value(json!({
        "countries": { KOREA: "KOR", STATES: "USA" },
        "groups": { GROUP: [KOREA, STATES] },
    }))
    .unwrap()
});

static OWNER: LazyLock<Country> = LazyLock::new(|| "KOR".parse().unwrap());

fn context() -> FormatContext<'static> {
    FormatContext { codes: &CODES, originator: Some(&OWNER), organisations: &ORGANISATIONS }
}

fn read(text: &str) -> (Format, ReadMarkings) {
    let format = Format::of(text.as_bytes());
    assert!(format.is_some(), "no form: {text}");
    let format = format.unwrap();
    (format, read_markings(text.as_bytes(), format, &context()))
}

/// The only marking of a document.
fn marking(text: &str) -> Marking {
    let (format, mut read) = read(text);
    assert_eq!(read.items.len(), 1, "{format} {text}: {:?}", read.faults);
    read.items.remove(0).marking
}

fn codes(text: &str) -> Vec<String> {
    read(text).1.faults.into_iter().map(|fault| fault.code).collect()
}

/// The rule that a marking breaks, or its banner.
fn judged(text: &str) -> String {
    match Label::parse(&marking(text), &CODES) {
        Ok(label) => banner(&label),
        Err(error) => error.rule().to_string(),
    }
}

fn write(marking: &Marking, format: Format) -> WrittenMarking {
    write_marking(&Label::parse(marking, &CODES).unwrap(), format, &context())
}

fn lost(written: &WrittenMarking) -> Vec<&str> {
    written.losses.iter().map(|loss| loss.field.as_str()).collect()
}

#[test]
fn capco_lines() {
    for (line, expected) in [
        ("SECRET//REL TO USA, KOR", "SECRET//REL TO USA, KOR"),
        ("(S//REL TO USA, KOR)", "SECRET//REL TO USA, KOR"),
        ("TOP SECRET//ORCON/NOFORN", "TOP SECRET//ORCON/NOFORN"),
        ("(TS//OC/NF)", "TOP SECRET//ORCON/NOFORN"),
        ("//KOR SECRET//REL TO USA, KOR", "SECRET//REL TO KOR, USA"),
        ("(//KOR S//REL TO USA)", "SECRET//REL TO KOR, USA"),
        ("//JOINT SECRET KOR USA//REL TO USA, KOR", "SECRET//REL TO KOR, USA"),
        ("EXERCISE//SECRET//REL TO USA, FVEY", "EXERCISE//SECRET//REL TO USA, AUS, CAN, GBR, NZL"),
        ("EXERCISE////KOR SECRET//REL TO USA", "EXERCISE//SECRET//REL TO KOR, USA"),
        ("SECRET//FGI KOR//REL TO USA, KOR", "SECRET//REL TO KOR, USA"),
        ("SECRET//REL TO USA, GBR/DISPLAY ONLY KOR", "SECRET//REL TO USA, GBR/DISPLAY ONLY KOR"),
        ("UNCLASSIFIED", "UNCLASSIFIED"),
        ("(U)", "UNCLASSIFIED"),
        ("SECRET//NOFORN/REL TO USA, KOR", "caveat.noforn_with_rel"),
        ("SECRET//REL TO USA, XXX", "rel.unknown_code"),
        ("SECRET//REL TO USA, KOR//TLP:PINK", "tlp.unknown"),
        ("//XXX SECRET", "originator.unknown"),
        // What nobody here knows restricts.
        ("SECRET//SI-G ABCD/TK//NOFORN", "SECRET//SCI:SI-G ABCD/SCI:TK//NOFORN"),
        ("UNCLASSIFIED//FOUO", "UNCLASSIFIED//DISSEM:FOUO"),
        ("SECRET//WOMBAT//REL TO USA, KOR", "SECRET//CAPCO:WOMBAT//REL TO USA, KOR"),
        ("SECRET//noforn", "SECRET//CAPCO:noforn"),
        ("SECRET//FGI", "SECRET//FGI"),
        // A second list leaves who is on both.
        ("SECRET//REL TO USA, KOR, JPN//REL TO USA, JPN", "SECRET//REL TO USA, JPN"),
        ("(S//REL)", "SECRET"),
        ("NATO SECRET", "SECRET"),
    ] {
        assert_eq!(judged(line), expected, "{line}");
    }
    let joint = marking("//JOINT SECRET KOR USA//REL TO USA, KOR");
    assert_eq!(joint.originator, "KOR USA");
    assert_eq!(marking("SECRET//REL TO USA, KOR").originator, "USA");
    assert_eq!(marking("SECRET//FGI KOR//REL TO USA, KOR").originator, "USA KOR");
}

#[test]
fn capco_faults() {
    assert_eq!(codes("SECRET//REL TO KOR, USA"), ["label::rel_order"]);
    assert_eq!(codes("SECRET//REL TO USA"), ["label::rel_single"]);
    assert_eq!(codes("(S//REL)"), ["label::rel_without_list"]);
    assert_eq!(codes("SECRET//NOFORN\n(S//NF"), ["label::bad_portion"]);
    let (_, read) = read("SECRET//NOFORN\n\nsome text\n(S//NF)");
    assert_eq!(read.items.iter().map(|item| item.line).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(read.faults[0].line, Some(3));
    assert_eq!(Format::of(b"some text"), None);
    let long = format!("SECRET//{}", "NOFORN/".repeat(10_000));
    assert_eq!(codes(&long), ["label::too_large"]);
}

#[test]
fn capco_written() {
    let plain = Marking::new("RESTRICTED", &["USA"], "KOR");
    assert_eq!(write(&plain, Format::Capco).text, "//KOR RESTRICTED//REL TO USA");
    let us = Marking::new("RESTRICTED", &["KOR", "USA"], "USA");
    let written = write(&us, Format::Capco);
    assert_eq!((written.text.as_str(), lost(&written)), ("CONFIDENTIAL//REL TO USA, KOR", vec!["level"]));
    // The register cannot keep other nodes of the United States out.
    let written = write(&Marking::new("SECRET", &["KOR"], "USA"), Format::Capco);
    assert_eq!((written.text.as_str(), lost(&written)), ("SECRET//NOFORN", vec!["rel_to"]));
    let full = Marking {
        caveats: vec!["EXERCISE".into(), "ORCON".into()],
        categories: vec!["SCI:SI".into(), "NONIC:DS".into(), "NOFORN".into()],
        tlp: Some("AMBER".into()),
        ..Marking::new("SECRET", &["USA", "JPN"], "KOR")
    };
    assert_eq!(
        write(&full, Format::Capco).text,
        "EXERCISE////KOR SECRET//SI//ORCON/REL TO USA, JPN//LIMITED DISTRIBUTION//TLP:AMBER/CAT NOFORN"
    );
}

const STANAG: &str = r#"<ConfidentialityLabel xmlns="urn:nato:stanag:4774:confidentialitymetadatalabel:1:0">
  <ConfidentialityInformation>
    <PolicyIdentifier>urn:nato:stanag:4774:confidentialitymetadatalabel:1:0:policy:NATO</PolicyIdentifier>
    <Classification>SECRET</Classification>
    <Category TagName="ReleasableTo" Type="PERMISSIVE"><CategoryValue>JPN</CategoryValue><GenericValue>USA</GenericValue></Category>
  </ConfidentialityInformation>
</ConfidentialityLabel>"#;

#[test]
fn stanag_4774() {
    assert_eq!(judged(STANAG), "SECRET//REL TO KOR, JPN, USA");
    assert!(CODES.knows_policy(&marking(STANAG).policy.unwrap()));
    let with = |category: &str| STANAG.replace(" </Confid", &format!(" {category}</Confid"));
    let value = |tag: &str, kind: &str| {
        with(&format!(
            "<Category TagName=\"{tag}\" Type=\"{kind}\"><GenericValue>X</GenericValue></Category>"
        ))
    };
    assert_eq!(marking(&value("Special", "RESTRICTIVE")).categories, ["STANAG:Special=X"]);
    assert_eq!(marking(&value("Context", "PERMISSIVE")).categories, ["STANAG:Context=X"]);
    assert_eq!(marking(&value("Special", "")).categories, ["STANAG:Special=X"]);
    assert_eq!(codes(&value("Additional", "INFORMATIVE")), ["label::not_kept"]);
    assert_eq!(marking(&with("<Unknown>1</Unknown>")).categories, ["STANAG:Unknown=1"]);
    // The second word of two cannot lower the first.
    assert_eq!(marking(&with("<Classification>UNCLASSIFIED</Classification>")).level, "SECRET");
    assert_eq!(codes(&STANAG.replace("SECRET", " ")), ["label::no_level"]);
    assert_eq!(judged(&STANAG.replace("SECRET", "COSMIC TOP SECRET")), "TOP SECRET//REL TO KOR, JPN, USA");
    assert_eq!(judged(&STANAG.replace("SECRET", "Secret")), "level.unknown");
}

#[test]
fn open_tdf_handling() {
    let ocl = json!({ "ocl": {
        "pol": "2ccf11cb-6c9a-4e49-9746-a7f0a295945d", "cls": "SECRET", "dcr": "2024-12-17T13:00:52Z",
        "catl": [{ "type": "P", "name": "Releasable To", "vals": ["usa"] }],
    } });
    let text = ocl.to_string();
    let manifest = |value: Value| {
        json!({ "assertions": [{ "id": "1", "type": "handling", "statement": { "value": value } }] })
            .to_string()
    };
    for text in [text.clone(), manifest(ocl), manifest(Value::String(text))] {
        assert_eq!(judged(&text), "SECRET//REL TO KOR, USA", "{text}");
    }
    assert_eq!(codes(&manifest(json!({}))), ["label::no_marking"]);
    let odd = json!({ "ocl": { "cls": "SECRET", "catl": "NOFORN" } }).to_string();
    assert_eq!(marking(&odd).categories, ["STANAG:catl=%22NOFORN%22"]);
}

#[test]
fn cot_events() {
    let event = |attributes: &str| format!("<event version=\"2.0\" uid=\"a\" {attributes}><point/></event>");
    let of = |attributes: &str| judged(&event(attributes));
    assert_eq!(of(r#"access="SECRET" releaseableTo="USA, JPN""#), "SECRET//REL TO KOR, JPN, USA");
    assert_eq!(
        of(r#"access="SECRET" releasableTo="USA JPN" caveat="ORCON""#),
        "SECRET//ORCON/REL TO KOR, JPN, USA"
    );
    assert_eq!(
        of(r#"access="UNCLASSIFIED" releaseableTo="USA" opex="e""#),
        "EXERCISE//UNCLASSIFIED//REL TO KOR, USA"
    );
    assert_eq!(of(r#"access="nato" releaseableTo="USA""#), "level.unknown");
    assert_eq!(
        of(r#"access="SECRET" caveat="EYES ONLY" releaseableTo="USA""#),
        "SECRET//CAPCO:EYES ONLY//REL TO KOR, USA"
    );
    // Both spellings at once: who is in both.
    assert_eq!(of(r#"access="SECRET" releaseableTo="USA" releasableTo="JPN""#), "SECRET");
    assert_eq!(codes(&event(r#"access="Undefined" releaseableTo="USA""#)), ["label::no_level"]);
    assert_eq!(codes(&event("")), ["label::no_level"]);
    for broken in
        ["<!DOCTYPE event><event access=\"SECRET\"/>", "<event access=\"SECRET\">", "<event access=\"&x;\"/>"]
    {
        assert_eq!(codes(broken), ["label::bad_xml"], "{broken}");
    }
    let written = write(&Marking::new("RESTRICTED", &["USA", "JPN"], "KOR"), Format::Cot);
    assert_eq!(
        written.text,
        r#"<event version="2.0" access="RESTRICTED" releaseableTo="USA,JPN" opex="o-"/>"#
    );
    assert_eq!(written.losses, []);
}

#[test]
fn cap_alerts() {
    let alert = |fields: &str| {
        format!(
            "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><status>Actual</status>{fields}</alert>"
        )
    };
    let restricted =
        |rule: &str| alert(&format!("<scope>Restricted</scope><restriction>{rule}</restriction>"));
    assert_eq!(judged(&restricted("//KOR SECRET//REL TO USA")), "SECRET//REL TO KOR, USA");
    assert!(
        judged(&restricted("for the police only"))
            .starts_with("UNCLASSIFIED//CAP:restriction=for the police")
    );
    assert_eq!(
        judged(&alert("<scope>Private</scope><addresses>USA \"a b\" x@y.z</addresses>")),
        "UNCLASSIFIED//REL TO KOR, USA"
    );
    assert_eq!(codes(&alert("<scope>Private</scope><addresses>x@y.z</addresses>")), ["label::not_kept"]);
    assert_eq!(judged(&alert("<scope>Public</scope>")), "UNCLASSIFIED");
    assert_eq!(codes(&alert("<scope>Public</scope>")), ["label::no_list"]);
    assert_eq!(codes(&alert("<scope>Everybody</scope>")), ["label::no_level"]);
    assert_eq!(codes(&alert("<scope>Private</scope><scope>Public</scope>")), ["label::twice"]);
    let test = alert("<scope>Private</scope><addresses>USA</addresses>").replace("Actual", "Test");
    assert_eq!(judged(&test), "EXERCISE//UNCLASSIFIED//REL TO KOR, USA");
    assert_eq!(judged(&test.replace("Test", "Draft")), "UNCLASSIFIED//CAP:status=Draft//REL TO KOR, USA");
    // A scope within something else is none.
    assert_eq!(codes(&alert("<info><scope>Public</scope></info>")), ["label::no_level"]);
}

fn stix(refs: &[&str]) -> String {
    json!({ "type": "indicator", "id": "indicator--1", "object_marking_refs": refs }).to_string()
}

const TLP_1_RED: &str = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed";
const TLP_1_WHITE: &str = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9";
const TLP_2_RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
const TLP_2_STRICT: &str = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003";
const TLP_2_GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";

#[test]
fn stix_references() {
    assert_eq!(judged(&stix(&[TLP_1_WHITE])), "UNCLASSIFIED//TLP:CLEAR");
    assert_eq!(judged(&stix(&[TLP_1_RED])), "UNCLASSIFIED//TLP:RED");
    // All of them count, not the first.
    assert_eq!(judged(&stix(&[TLP_2_GREEN, TLP_2_STRICT])), "UNCLASSIFIED//TLP:AMBER+STRICT");
    assert_eq!(judged(&stix(&[TLP_2_RED, TLP_2_GREEN])), "UNCLASSIFIED//TLP:RED");
    let unknown = "marking-definition--00000000-0000-4000-8000-000000000000";
    assert_eq!(marking(&stix(&[TLP_2_GREEN, unknown])).categories, [format!("STIX:{unknown}")]);
    assert_eq!(codes(&stix(&[])), ["label::no_marking"]);
    let odd =
        json!({ "type": "indicator", "id": "indicator--1", "object_marking_refs": TLP_2_GREEN }).to_string();
    assert_eq!(codes(&odd), ["label::bad_marking"]);
    // A definition alone is read as what a reference to it says.
    let alone = json!({ "type": "bundle", "id": "bundle--1", "objects": [
        { "type": "marking-definition", "id": TLP_2_GREEN, "name": "TLP:CLEAR" },
    ] });
    assert_eq!(judged(&alone.to_string()), "UNCLASSIFIED//TLP:GREEN");
    // A definition that travels along is not believed to be a TLP of ours, whatever it says.
    let bundle = json!({ "type": "bundle", "id": "bundle--1", "objects": [
        { "type": "marking-definition", "id": unknown, "definition_type": "tlp", "definition": { "tlp": "white" } },
        { "type": "indicator", "id": "indicator--1", "object_marking_refs": [unknown] },
        { "type": "marking-definition", "id": "marking-definition--2", "definition_type": "statement",
          "definition": { "statement": "Copyright (c) 2026" } },
        { "type": "tool", "id": "tool--1", "object_marking_refs": ["marking-definition--2"] },
    ] });
    let (_, read) = read(&bundle.to_string());
    let words: Vec<_> = read.items.iter().map(|item| item.marking.categories.join(" ")).collect();
    assert_eq!(words, [format!("STIX:{unknown}"), "STATEMENT:Copyright %28c%29 2026".to_owned()]);
}

#[test]
fn a_granular_marking_never_widens() {
    let object = json!({
        "type": "indicator", "id": "indicator--1", "name": "x", "object_marking_refs": [TLP_2_RED],
        "granular_markings": [{ "selectors": ["name"], "marking_ref": TLP_2_GREEN }],
    });
    let (_, read) = read(&object.to_string());
    let tlp: Vec<_> =
        read.items.iter().map(|item| (item.name.as_str(), item.marking.tlp.clone().unwrap())).collect();
    assert_eq!(tlp, [("indicator--1 name", "RED".to_owned()), ("indicator--1", "RED".to_owned())]);
}

fn tlp_ids(text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).unwrap();
    let refs = value.as_array().unwrap().last().unwrap()["object_marking_refs"].clone();
    serde_json::from_value(refs).unwrap()
}

/// Who does not know our extension sees the TLP word alone: it is never wider than the list.
#[test]
fn stix_is_written_with_tlp_2_and_never_wider_than_the_list() {
    let tlp =
        |word: &str| Marking { tlp: Some(word.to_owned()), ..Marking::new("UNCLASSIFIED", &["USA"], "KOR") };
    for word in ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT"] {
        assert_eq!(tlp_ids(&write(&tlp(word), Format::Stix).text), [TLP_2_STRICT], "{word}");
    }
    assert_eq!(tlp_ids(&write(&tlp("RED"), Format::Stix).text), [TLP_2_RED]);
    assert_eq!(tlp_ids(&write(&Marking::new("UNCLASSIFIED", &[], "KOR"), Format::Stix).text), [TLP_2_RED]);
    let secret = write(&Marking::new("SECRET", &["USA"], "KOR"), Format::Stix);
    assert_eq!((tlp_ids(&secret.text), lost(&secret)[0]), (vec![TLP_2_RED.to_owned()], "caveats"));
    assert!(lost(&secret).contains(&"level"));
    let exercise =
        Marking { caveats: vec!["EXERCISE".into()], ..Marking::new("UNCLASSIFIED", &["USA"], "KOR") };
    let text = write(&exercise, Format::Stix).text;
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shown[1]["labels"], json!(["exercise"]));
    // Read again by us, the list is there.
    let written = write(&Marking::new("UNCLASSIFIED", &["USA"], "KOR"), Format::Stix);
    assert_eq!(judged(&written.text), "UNCLASSIFIED//REL TO KOR, USA//TLP:AMBER+STRICT");
    // Another TLP beside our extension is joined with it.
    assert_eq!(
        judged(&written.text.replace(TLP_2_STRICT, TLP_1_RED)),
        "UNCLASSIFIED//REL TO KOR, USA//TLP:RED"
    );
}

fn event(fields: Value) -> String {
    json!({ "Event": fields }).to_string()
}

fn group(uuid: Option<&str>, members: &[&str]) -> Value {
    let members: Vec<Value> =
        members.iter().map(|uuid| json!({ "Organisation": { "uuid": uuid } })).collect();
    json!({ "id": "1", "uuid": uuid, "active": true, "SharingGroupOrg": members, "SharingGroupServer": [] })
}

#[test]
fn misp_distributions() {
    for distribution in 0..=3 {
        assert_eq!(
            marking(&event(json!({ "distribution": distribution }))).rel_to.len(),
            0,
            "{distribution}"
        );
    }
    assert_eq!(codes(&event(json!({ "distribution": "0" }))), Vec::<String>::new());
    assert_eq!(codes(&event(json!({ "distribution": "3" }))), ["label::no_list"]);
    assert_eq!(codes(&event(json!({ "distribution": 5 }))), ["label::no_marking"]);
    assert_eq!(codes(&event(json!({ "distribution": "x" }))), ["label::no_marking"]);
    assert_eq!(codes(&event(json!({}))), ["label::no_marking"]);
    let shared = json!({ "distribution": "4", "SharingGroup": group(Some(GROUP), &[KOREA, STATES]) });
    assert_eq!(judged(&event(shared)), "UNCLASSIFIED//REL TO KOR, USA");
}

#[test]
fn misp_tags_only_narrow() {
    let tagged = |names: &[&str]| {
        let tags: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        judged(&event(
            json!({ "distribution": 4, "SharingGroup": group(Some(GROUP), &[STATES]), "Tag": tags }),
        ))
    };
    assert_eq!(tagged(&["tlp:green", "tlp:amber", "tlp:white"]), "UNCLASSIFIED//REL TO KOR, USA//TLP:AMBER");
    assert_eq!(tagged(&["tlp:unclear"]), "UNCLASSIFIED//REL TO KOR, USA//TLP:RED");
    assert_eq!(tagged(&["PAP:RED"]), "UNCLASSIFIED//REL TO KOR, USA//PAP:RED");
    assert_eq!(tagged(&["euci:S-UE/EU-S"]), "SECRET//REL TO KOR, USA");
    // A list in a tag lets nobody in.
    assert_eq!(tagged(&["bongsu:control=\"REL TO JPN\""]), "UNCLASSIFIED");
    assert_eq!(
        tagged(&["bongsu:control=\"LEVEL UNCLASSIFIED\"", "euci:S-UE/EU-S"]),
        "SECRET//REL TO KOR, USA"
    );
    assert_eq!(tagged(&["bongsu:new=\"x\""]), "UNCLASSIFIED//MISP:bongsu:new=%22x%22//REL TO KOR, USA");
    assert_eq!(tagged(&["exercise:generic=\"comcheck\""]), "EXERCISE//UNCLASSIFIED//REL TO KOR, USA");
}

/// Who does not know our tags sees the distribution alone.
#[test]
fn misp_is_written_for_a_known_group_or_for_nobody() {
    let distribution = |marking: &Marking| {
        let written: Value = serde_json::from_str(&write(marking, Format::Misp).text).unwrap();
        let event = &written["Event"];
        (
            event["distribution"].as_str().unwrap().to_owned(),
            event["SharingGroup"]["uuid"].as_str().map(str::to_owned),
        )
    };
    let both = Marking::new("UNCLASSIFIED", &["KOR", "USA"], "KOR");
    assert_eq!(distribution(&both), ("4".to_owned(), Some(GROUP.to_owned())));
    let nobody = ("0".to_owned(), None);
    // The group has a member that is not on the list.
    assert_eq!(distribution(&Marking::new("UNCLASSIFIED", &["USA"], "KOR")), nobody);
    assert_eq!(distribution(&Marking::new("RESTRICTED", &["KOR", "USA"], "KOR")), nobody);
    let noforn = Marking { caveats: vec!["NOFORN".into()], ..Marking::new("UNCLASSIFIED", &[], "KOR") };
    assert_eq!(distribution(&noforn), nobody);
    for marking in [
        Marking { expires: "2027-01-01T00:00:00Z".parse().ok(), ..both.clone() },
        Marking { categories: vec!["SCI:SI".into()], ..both.clone() },
        Marking { policy: Some("x@1".into()), ..both.clone() },
    ] {
        assert_eq!(distribution(&marking), nobody, "{marking:?}");
    }
    let three = Marking::new("UNCLASSIFIED", &["JPN", "KOR", "USA"], "KOR");
    assert_eq!(lost(&write(&three, Format::Misp)), ["rel_to"]);
}

/// A document may hold millions of words and faults: what is kept of them is bounded, and refused.
#[test]
fn floods_are_bounded() {
    let refs: Vec<String> = (0..200_000).map(|n| format!("marking-definition--{n}")).collect();
    let flood = json!({ "type": "tool", "id": "tool--1", "object_marking_refs": refs }).to_string();
    assert_eq!(judged(&flood), "marking.too_long");
    let objects: Vec<Value> = (0..5_000).map(|_| json!({ "type": "tool", "id": "tool--1" })).collect();
    let faults = codes(&json!(objects).to_string());
    assert_eq!((faults.len(), faults[1_000].as_str()), (1_001, "label::more_faults"));
    let owners = "USA KOR ".repeat(100_000);
    let xml = format!(
        "<a xmlns:ism=\"urn:us:gov:ic:ism\" ism:classification=\"S\" ism:ownerProducer=\"{owners}\"/>"
    );
    assert_eq!(judged(&xml), "SECRET");
    let owners: String = (0..100_000).map(|n| format!("X{n} ")).collect();
    let xml = format!(
        "<a xmlns:ism=\"urn:us:gov:ic:ism\" ism:classification=\"S\" ism:ownerProducer=\"{owners}\"/>"
    );
    assert_eq!(judged(&xml), "marking.too_long");
}

/// Leaks of others, as tests of ours; the numbers are those of public reports.
mod leaks {
    use super::*;

    /// MISP a0f08501d and a71aafdeb: a number that another server gave was taken for a group of this one.
    #[test]
    fn a_sharing_group_is_never_read_by_its_local_number() {
        for group in [json!({ "id": "1" }), group(None, &[KOREA]), group(Some("1"), &[KOREA]), Value::Null] {
            let text = event(json!({ "distribution": "4", "sharing_group_id": "1", "SharingGroup": group }));
            assert_eq!(marking(&text).rel_to.len(), 0, "{text}");
            assert_eq!(codes(&text), ["label::local_sharing_group"]);
        }
        let list =
            json!([{ "SharingGroup": { "id": "1", "local": true }, "SharingGroupOrg": [] }]).to_string();
        assert_eq!(
            (marking(&list).rel_to.len(), codes(&list)),
            (0, vec!["label::local_sharing_group".to_owned()])
        );
        // The same on an attribute.
        let attribute = json!({ "uuid": "a", "distribution": "4", "sharing_group_id": "1" });
        let text = event(json!({
            "distribution": "4", "SharingGroup": group(Some(GROUP), &[KOREA, STATES]), "Attribute": [attribute],
        }));
        let (_, read) = read(&text);
        let attribute = read.items.iter().find(|item| item.name == "a").unwrap();
        assert_eq!(attribute.marking.rel_to.len(), 0);
    }

    /// The same UUID with other members on two servers: never beyond what this node knows of the group.
    #[test]
    fn a_known_sharing_group_never_grows_by_what_another_says() {
        let other = "00000000-0000-4000-8000-000000000003";
        let mut organisations = ORGANISATIONS.clone();
        organisations.countries.insert(other.to_owned(), "JPN".parse().unwrap());
        let context = FormatContext { organisations: &organisations, ..context() };
        let of = |uuid: &str| {
            let text =
                event(json!({ "distribution": 4, "SharingGroup": group(Some(uuid), &[STATES, other]) }));
            read_markings(text.as_bytes(), Format::Misp, &context).items.remove(0).marking.rel_to
        };
        assert_eq!(of(GROUP), ["USA"]);
        assert_eq!(of("00000000-0000-4000-8000-000000000099"), ["JPN", "USA"]);
    }

    /// MISP ca13fee27: "all organisations" of another server were taken as those of this one.
    #[test]
    fn all_organisations_of_another_server_are_nobody() {
        for flag in [json!(true), json!(1), json!("1")] {
            let mut group = group(Some(GROUP), &[]);
            group["SharingGroupServer"] = json!([{ "all_orgs": flag, "server_id": "0" }]);
            let text = event(json!({ "distribution": 4, "SharingGroup": group }));
            assert_eq!(marking(&text).rel_to.len(), 0);
            assert_eq!(codes(&text), ["label::all_orgs"]);
        }
    }

    /// MISP issue 4200: an event for an empty group reached everybody.
    #[test]
    fn an_empty_sharing_group_reaches_nobody() {
        let text = event(json!({ "distribution": 4, "SharingGroup": group(Some(GROUP), &[]) }));
        assert_eq!(judged(&text), "UNCLASSIFIED");
        let mut inactive = group(Some(GROUP), &[STATES]);
        inactive["active"] = json!(false);
        assert_eq!(judged(&event(json!({ "distribution": 4, "SharingGroup": inactive }))), "UNCLASSIFIED");
    }

    /// MISP 423750573: the parts of a cluster were not covered by its own distribution.
    #[test]
    fn a_part_is_never_wider_than_what_holds_it() {
        let open = json!({ "distribution": 4, "SharingGroup": group(Some(GROUP), &[KOREA, STATES]) });
        let mut attribute = open.clone();
        attribute["uuid"] = json!("a");
        let held = event(
            json!({ "distribution": 4, "SharingGroup": group(Some(GROUP), &[STATES]), "Attribute": [attribute] }),
        );
        // It says no more than its event: no marking of its own.
        assert_eq!(judged(&held), "UNCLASSIFIED//REL TO KOR, USA");
        assert_eq!(marking(&held).rel_to, ["USA"]);
        let object = json!({ "uuid": "o", "distribution": 0, "Attribute": [attribute] });
        let (_, read) = read(&event(
            json!({ "distribution": 4, "SharingGroup": group(Some(GROUP), &[STATES]), "Object": [object] }),
        ));
        let of = |name: &str| {
            read.items.iter().find(|item| item.name == name).map(|item| item.marking.rel_to.len())
        };
        assert_eq!((of("o"), of("event")), (Some(0), Some(1)));
    }

    /// OpenCTI issue 785: of several markings only the first was inherited.
    #[test]
    fn what_is_derived_inherits_all_markings() {
        let inputs = ["TLP:GREEN", "PAP:RED", "NOFORN", "SI", "TLP:RED"]
            .map(|control| marking(&format!("//KOR SECRET//{control}")));
        let joined = join_markings(&inputs.iter().collect::<Vec<_>>(), &CODES).unwrap();
        assert_eq!((joined.tlp.as_deref(), joined.pap.as_deref()), (Some("RED"), Some("RED")));
        assert_eq!(
            (joined.caveats, joined.categories),
            (vec!["NOFORN".to_owned()], vec!["SCI:SI".to_owned()])
        );
    }

    /// OpenCTI issue 6068: a relation that was made automatically had no markings, and so went to everybody.
    #[test]
    fn what_has_no_marking_has_none_here_either() {
        let relation = json!({ "type": "relationship", "id": "relationship--1", "source_ref": "a--1", "target_ref": "b--1" });
        let (_, read) = read(&relation.to_string());
        assert_eq!((read.items.len(), read.faults[0].code.as_str()), (0, "label::no_marking"));
        assert!(join_markings(&[], &CODES).is_err());
    }

    /// OpenTDF platform issue 766: a second file format went past the check of the first.
    #[test]
    fn every_form_of_one_label_gives_the_same_decision() {
        let nobody = Marking { tlp: Some("RED".into()), ..Marking::new("SECRET", &["USA"], "KOR") };
        for &format in Format::ALL {
            let again = marking(&write(&nobody, format).text);
            let label = Label::parse(&again, &CODES).unwrap();
            let closed = label.rel_to().is_empty() || label.tlp() == Some(label::Tlp::Red);
            assert!(closed, "{format}: {again:?}");
        }
    }

    /// TLP 1 RED was for a meeting: its id on an item of TLP 2 RED would widen it.
    #[test]
    fn tlp_red_is_never_written_with_the_id_of_version_1() {
        let red = Marking { tlp: Some("RED".into()), ..Marking::new("UNCLASSIFIED", &["USA"], "KOR") };
        let text = write(&red, Format::Stix).text;
        assert!(text.contains(TLP_2_RED) && !text.contains(TLP_1_RED));
    }
}
