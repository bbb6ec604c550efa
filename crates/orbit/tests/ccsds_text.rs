//! Messages that are wrong in ways no collected file is, hostile ones, and round trips over generated text.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use base::{Fault, Interval};
use orbit::{
    CdmHeader, Conjunction, ConjunctionObject, ElementSet, Encounter, Message, Propagator, read_catalogue,
    read_messages,
};
use proptest::prelude::*;

const OPM: &str = include_str!("data/ccsds/odm/opm/OPMExample5.txt");
const OPM_XML: &str = include_str!("data/ccsds/odm/opm/OPMExample3.xml");
const OEM: &str = include_str!("data/ccsds/odm/oem/OEM-Issue839.txt");
const OMM: &str = include_str!("data/ccsds/odm/omm/OMMExample3.txt");
const CDM: &str = include_str!("data/ccsds/cdm/CDMExample2.txt");
const CDM_XML: &str = include_str!("data/ccsds/cdm/CDMExample_issue_940.xml");
const TDM: &str = include_str!("data/ccsds/tdm/kvn/TDMExample15.txt");

fn faults(text: &str) -> Vec<Fault> {
    let read = read_messages(text.as_bytes(), "in");
    assert_eq!(read.is_ok(), read.faults.is_empty() && !read.messages.is_empty());
    read.faults
}

/// Reads `text` with the first `old` replaced by `new`: refused, with this code and field first.
#[track_caller]
fn refused(text: &str, old: &str, new: &str, code: &str, field: &str) {
    assert!(text.contains(old), "`{old}` is not in the text");
    let changed = text.replacen(old, new, 1);
    let faults = faults(&changed);
    let first = faults.first().unwrap_or_else(|| panic!("`{old}` as `{new}` was read"));
    assert_eq!((first.code.as_str(), first.field.as_deref().unwrap_or("")), (code, field), "{first}");
    let (start, end) = (first.byte_start.unwrap() as usize, first.byte_end.unwrap() as usize);
    assert!(start <= end && end <= changed.len() && first.line.unwrap() >= 1);
}

#[test]
fn values_that_are_none() {
    for bad in ["NaN", "inf", "-Infinity", "1e999", "0x10", "1,5", "1.0d3", "--1", "1e", "."] {
        refused(OPM, "X = 6655.9942", &format!("X = {bad}"), "orbit::bad_field", "X");
    }
    for bad in
        ["2006-06-31T00:00:00", "2006-366T00:00:00", "2006-06-03", "06-06-03T00:00:00", "2006-06-03 00:00:00"]
    {
        refused(
            OPM,
            "EPOCH = 2006-06-03T00:00:00.000",
            &format!("EPOCH = {bad}"),
            "orbit::bad_field",
            "EPOCH",
        );
    }
    refused(
        CDM,
        "MANEUVERABLE                                   = YES",
        "MANEUVERABLE = MAYBE",
        "orbit::bad_field",
        "MANEUVERABLE",
    );
    refused(
        CDM,
        "OBS_USED                                       = 579",
        "OBS_USED = 5.5",
        "orbit::bad_field",
        "OBS_USED",
    );
    refused(OPM, "CCSDS_OPM_VERS = 2.0", "CCSDS_OPM_VERS = two", "orbit::bad_field", "CCSDS_OPM_VERS");
    refused(OPM, "CCSDS_OPM_VERS = 2.0", "CCSDS_OPM_VERS =", "orbit::missing_field", "CCSDS_OPM_VERS");
    refused(OPM, "ORIGINATOR = GSOC", "ORIGINATOR = GS\u{1}OC", "orbit::bad_field", "ORIGINATOR");
}

#[test]
fn a_newer_version_is_read_with_a_warning() {
    let read = read_messages(OPM.replace("VERS = 2.0", "VERS = 4.0").as_bytes(), "in");
    assert!(read.is_ok());
    assert_eq!(read.faults[0].code, "orbit::unknown_version");
}

#[test]
fn a_screening_names_what_it_was() {
    refused(CDM_XML, "<SCREEN_TYPE>SHAPE<", "<SCREEN_TYPE>VOLUME<", "orbit::bad_field", "SCREEN_TYPE");
    let by_probability = CDM_XML.replace("<SCREEN_TYPE>SHAPE<", "<SCREEN_TYPE>PC<");
    let threshold = "<SCREEN_PC_THRESHOLD>1.000E-03</SCREEN_PC_THRESHOLD>";
    refused(&by_probability, threshold, "", "orbit::missing_field", "SCREEN_PC_THRESHOLD");
    let frame = "<ALT_COV_REF_FRAME>EME2000</ALT_COV_REF_FRAME>";
    refused(CDM_XML, frame, "", "orbit::missing_field", "ALT_COV_REF_FRAME");
}

#[test]
fn units_that_measure_something_else() {
    refused(OPM, "X = 6655.9942 [km]", "X = 6655.9942 [km/s]", "orbit::bad_unit", "X");
    refused(OPM, "X = 6655.9942 [km]", "X = 6655.9942 [furlong]", "orbit::bad_unit", "X");
    refused(OPM, "ECCENTRICITY = 0.020842611", "ECCENTRICITY = 0.02 [km]", "orbit::bad_unit", "ECCENTRICITY");
    assert_eq!(faults(&OPM.replace("X = 6655.9942 [km]", "X = 6655994.2 [m]")), []);
    assert_eq!(faults(&OPM.replace("ECCENTRICITY = 0.020842611", "ECCENTRICITY = 0.02 [n/a]")), []);
}

#[test]
fn what_is_missing_is_named() {
    refused(OPM, "Y = -40218.5751 [km]\n", "", "orbit::missing_field", "Y");
    refused(OPM, "Y = -40218.5751 [km]", "Y =", "orbit::missing_field", "Y");
    refused(OPM, "ORIGINATOR = GSOC\n", "", "orbit::missing_field", "ORIGINATOR");
    refused(OPM, "TRUE_ANOMALY = 41.922339 [deg]\n", "", "orbit::missing_field", "TRUE_ANOMALY");
    refused(OMM, "CZ_DOT_Z_DOT = 6.224444338635500e-10\n", "", "orbit::missing_field", "CZ_DOT_Z_DOT");
    refused(OMM, "SEMI_MAJOR_AXIS = 6800\n", "", "orbit::missing_field", "MEAN_MOTION");
    let goes = include_str!("data/ccsds/odm/omm/OMMExample2.txt");
    let derivative = "MEAN_MOTION_DOT   = -0.00000113\n";
    refused(goes, derivative, "", "orbit::missing_field", "MEAN_MOTION_DOT");
    assert_eq!(faults(&goes.replace(derivative, "").replace("SGP/SGP4", "SGP4")), []);
    refused(OEM, "STOP_TIME           = 1996-12-28T21:28:00.331\n", "", "orbit::missing_field", "STOP_TIME");
    refused(TDM, "PARTICIPANT_1 = DSS-10\n", "", "orbit::missing_field", "PARTICIPANT_1");
    let one_object = CDM.split("COMMENT Object2 Metadata").next().unwrap();
    refused(one_object, "CCSDS", "CCSDS", "orbit::missing_field", "OBJECT");
    refused(OPM_XML, "<X>6503.514000</X>", "<X/>", "orbit::missing_field", "X");
    refused(
        OPM_XML,
        "<stateVector>",
        "<spacecraftParameters></spacecraftParameters><stateVector>",
        "orbit::misplaced_keyword",
        "stateVector",
    );
    refused(
        CDM_XML,
        "<RELATIVE_POSITION_R",
        "<RELATIVE_POSITION_Q",
        "orbit::unknown_keyword",
        "RELATIVE_POSITION_Q",
    );
}

#[test]
fn order_and_repetition() {
    refused(OPM, "Y = -40218.5751 [km]", "X = 1\nY = -40218.5751 [km]", "orbit::repeated_keyword", "X");
    refused(
        OPM,
        "MASS = 1913.000 [kg]",
        "MASS = 1913.000 [kg]\nCREATION_DATE = 2000-06-03T05:33:00",
        "orbit::misplaced_keyword",
        "CREATION_DATE",
    );
    refused(OPM, "GM = 398600.4415 [km**3/s**2]", "GM = 1\nZ = 2", "orbit::misplaced_keyword", "Z");
    refused(OPM, "GM = 398600.4415 [km**3/s**2]", "gm = 1", "orbit::unknown_keyword", "gm");
    refused(OEM, "META_STOP", "", "orbit::bad_line", "");
    refused(OEM, "META_START\n", "", "orbit::misplaced_keyword", "OBJECT_NAME");
    refused(OEM, "META_STOP", "META_STOP\nMETA_STOP", "orbit::misplaced_keyword", "META_STOP");
    refused(OEM, "COVARIANCE_STOP", "", "orbit::misplaced_keyword", "META_START");
    refused(TDM, "DATA_START\n", "", "orbit::misplaced_keyword", "CLOCK_BIAS");
    refused(
        TDM,
        "CLOCK_BIAS  = 2005-142T12:00:00  9.56e-7",
        "CLOCK_BIAS = 9.56e-7",
        "orbit::bad_line",
        "CLOCK_BIAS",
    );
    refused(
        TDM,
        "CLOCK_BIAS  = 2005-142T12:00:00  9.56e-7",
        "CLOCK_BIAS = 2005-142T12:00:00 1 2",
        "orbit::bad_line",
        "CLOCK_BIAS",
    );
    refused(
        TDM,
        "PARTICIPANT_2 = UTC-NIST\n",
        "PARTICIPANT_2 = UTC-NIST\nPATH = 1,3\n",
        "orbit::inconsistent",
        "PATH",
    );
    refused(CDM, "= OBJECT1", "= OBJECT2", "orbit::inconsistent", "OBJECT");
    refused(OEM, "2789.619 -280.045", "2789.619", "orbit::bad_line", "");
    refused(OEM, "4.6189273e-04 6.7824216e-04", "4.6189273e-04", "orbit::bad_line", "");
    refused(
        OPM_XML,
        "<MASS>3000.000000</MASS>",
        "<MASS>1</MASS><MASS>2</MASS>",
        "orbit::repeated_keyword",
        "MASS",
    );
    refused(OPM_XML, "<header>", "<header></header><header>", "orbit::misplaced_keyword", "header");
    refused(OPM_XML, "version=\"3.0\"", "", "orbit::missing_field", "CCSDS_OPM_VERS");
    refused(OPM_XML, "id=\"CCSDS_OPM_VERS\"", "id=\"CCSDS_OMM_VERS\"", "orbit::inconsistent", "id");
    refused(OPM_XML, "<stateVector>", "<stateVector>stray", "orbit::bad_xml", "");
    refused(OPM_XML, "</stateVector>", "", "orbit::unknown_keyword", "spacecraftParameters");
    refused(OPM_XML, "</opm>", "</omm>", "orbit::bad_xml", "");
    refused(OPM_XML, "</opm>", "", "orbit::truncated", "");
}

#[test]
fn xml_resolves_nothing() {
    let bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE opm [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>\n<opm>&b;</opm>";
    let external = "<!DOCTYPE opm SYSTEM \"http://example.org/x.dtd\"><opm/>";
    for text in [bomb, external] {
        let faults = faults(text);
        assert_eq!(faults.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["orbit::xml_doctype"]);
    }
    refused(OPM_XML, "OSPREY 5", "&osprey;", "orbit::xml_entity", "");
    let escaped = OPM_XML.replace("OSPREY 5", "A &amp; B &lt;&#x35;&gt;");
    let read = read_messages(escaped.as_bytes(), "in");
    assert_eq!(read.messages[0].segments()[0].metadata().value("OBJECT_NAME"), Some("A & B <5>"));
    // A document type behind the root would be read by others.
    refused(OPM_XML, "<header>", "<!DOCTYPE x><header>", "orbit::xml_doctype", "DOCTYPE");
}

#[test]
fn hostile_inputs_are_bounded() {
    let deep = format!("<ndm>{}", "<a>".repeat(200_000));
    assert_eq!(faults(&deep)[0].code, "orbit::unknown_format");
    let deep = OPM_XML.replace("<stateVector>", &format!("<b>{}", "<a>".repeat(200_000)));
    let found = faults(&deep);
    assert!(found.iter().any(|fault| fault.code == "orbit::too_deep") && found.len() < 10);
    let many = OPM.replace("MASS = 1913.000 [kg]", &"WHAT = 1\n".repeat(100_000));
    assert_eq!(faults(&many).len(), 201);
    assert_eq!(faults(&many).last().unwrap().code, "orbit::too_many_faults");
    let long = format!("CCSDS_OPM_VERS = 2.0\n{}", "x".repeat(200_000));
    assert!(faults(&long).iter().all(|fault| fault.message.len() < 300));
    for nothing in ["", "   \n\n", "\u{feff}"] {
        assert_eq!(faults(nothing)[0].code, "orbit::empty");
    }
    let second = format!("{OPM_XML}<opm/>");
    assert_eq!(faults(&second)[0].code, "orbit::bad_xml");
}

/// Every cut of a message, and a broken byte at every place, is refused or read, and faults stand within the input.
#[test]
fn cut_and_broken_messages() {
    for text in [OPM, OPM_XML, OEM, TDM] {
        let step = (text.len() / 300).max(1);
        for at in (0..text.len()).step_by(step) {
            let cut = &text.as_bytes()[..at];
            let mut broken = text.as_bytes().to_vec();
            broken[at] ^= 0x15;
            for input in [cut, &broken] {
                for fault in read_messages(input, "in").faults {
                    let (start, end) = (fault.byte_start.unwrap(), fault.byte_end.unwrap());
                    assert!(start <= end && end <= input.len() as u64 && fault.line.unwrap() >= 1, "{fault}");
                }
            }
        }
    }
}

fn conjunction() -> Conjunction {
    let case = include_str!("data/ccsds/cdm/AlfanoTestCase08.cdm");
    Conjunction::from_cdm(&read_messages(case.as_bytes(), "case").messages[0]).unwrap()
}

fn header() -> CdmHeader {
    CdmHeader {
        creation_date: "2026-03-10T12:00:00Z".parse().unwrap(),
        originator: "TEST".to_owned(),
        message_id: "1".to_owned(),
        screened: None,
    }
}

#[test]
fn a_conjunction_comes_back_from_the_cdm_that_it_is_written_to() {
    let mut wanted = conjunction();
    wanted.probability = Some((1.25e-7, "ALFANO-2005".to_owned()));
    let message = wanted.to_cdm(&header()).unwrap();
    for text in [message.to_kvn(), message.to_xml()] {
        let read = read_messages(text.as_bytes(), "cdm");
        assert_eq!(read.faults, [], "{text}");
        assert!(read.messages[0].same_content(&message));
        assert_eq!(Conjunction::from_cdm(&read.messages[0]).unwrap(), wanted);
    }
}

/// The relative state that is computed here is the one that the originator of a real message wrote beside the states.
#[test]
fn the_relative_state_is_that_of_the_originator() {
    let text = include_str!("data/ccsds/cdm/ION_SCV8_vs_STARLINK_1233.txt");
    let original = read_messages(text.as_bytes(), "real").messages.remove(0);
    let message = Conjunction::from_cdm(&original).unwrap().to_cdm(&header()).unwrap();
    for keyword in [
        "MISS_DISTANCE",
        "RELATIVE_SPEED",
        "RELATIVE_POSITION_R",
        "RELATIVE_POSITION_T",
        "RELATIVE_POSITION_N",
        "RELATIVE_VELOCITY_R",
        "RELATIVE_VELOCITY_T",
        "RELATIVE_VELOCITY_N",
    ] {
        let number = |m: &Message| m.relative().unwrap().number(keyword).unwrap();
        let (got, want) = (number(&message), number(&original));
        // The states are in an Earth-fixed frame; metres and tenths of a metre are what is given of the approach.
        let tolerance = if keyword.contains("_R") || keyword.contains("_T") || keyword.contains("_N") {
            0.06
        } else {
            1.0
        };
        assert!((got - want).abs() < tolerance, "{keyword}: {got} {want}");
    }
}

/// From two element sets to a message and to a probability: what a screening does with an event.
#[test]
fn an_approach_becomes_a_message() {
    let catalogue =
        read_catalogue(include_bytes!("data/celestrak/active-2026-03-excerpt.csv"), "csv").catalogue;
    let sets: Vec<_> = catalogue.iter().take(2).collect();
    let time = sets[0].epoch();
    let mut covariance_rtn = [[0.0; 6]; 6];
    for (i, row) in covariance_rtn.iter_mut().enumerate() {
        row[i] = if i < 3 { 1e6 } else { 1.0 };
    }
    let object = |set: &ElementSet| {
        let state = Propagator::new(set).unwrap().state_at(time).unwrap().to_gcrf();
        ConjunctionObject::of(set, &state, covariance_rtn)
    };
    let conjunction = Conjunction {
        tca: time,
        objects: [object(sets[0]), object(sets[1])],
        hard_body_radius_m: Some(10.0),
        probability: None,
    };
    let screened = Some(Interval::starting(time, 3600.0));
    let message = conjunction.to_cdm(&CdmHeader { screened, ..header() }).unwrap();
    let read = read_messages(message.to_kvn().as_bytes(), "cdm");
    assert_eq!(read.faults, []);
    assert_eq!(Conjunction::from_cdm(&read.messages[0]).unwrap(), conjunction);
    let distance: f64 = conjunction.relative_position_m().iter().map(|x| x * x).sum::<f64>().sqrt();
    assert_eq!(read.messages[0].relative().unwrap().number("MISS_DISTANCE"), Some(distance));
    assert!(read.messages[0].relative().unwrap().value("STOP_SCREEN_PERIOD").is_some());
    assert!(Encounter::new(&conjunction, 10.0).is_ok());
}

#[test]
fn no_cdm_of_values_that_are_none() {
    let mut bad = conjunction();
    bad.objects[0].name = " ".to_owned();
    assert_eq!(bad.to_cdm(&header()).unwrap_err().field.as_deref(), Some("OBJECT_NAME"));
    let mut bad = conjunction();
    bad.objects[1].covariance_rtn[2][1] = f64::NAN;
    assert_eq!(bad.to_cdm(&header()).unwrap_err().field.as_deref(), Some("CN_T"));
    let mut bad = conjunction();
    bad.objects[0].velocity_km_s = [0.0; 3];
    assert_eq!(bad.to_cdm(&header()).unwrap_err().code, "orbit::inconsistent");
}

#[test]
fn objects_in_two_frames_have_no_relative_state() {
    let text = include_str!("data/ccsds/cdm/AlfanoTestCase08.cdm");
    let at = text.rfind("= EME2000").unwrap();
    let text = format!("{}= ITRF   {}", &text[..at], &text[at + 9..]);
    let fault = Conjunction::from_cdm(&read_messages(text.as_bytes(), "in").messages[0]).unwrap_err();
    assert_eq!((fault.code.as_str(), fault.field.as_deref()), ("orbit::inconsistent", Some("REF_FRAME")));
}

fn round_trips(text: &str) -> Result<(), TestCaseError> {
    let read = read_messages(text.as_bytes(), "in");
    prop_assert_eq!(&read.faults, &Vec::<Fault>::new());
    for message in &read.messages {
        let (kvn, xml) = (message.to_kvn(), message.to_xml());
        for written in [&kvn, &xml] {
            let again = read_messages(written.as_bytes(), "written");
            prop_assert_eq!(&again.faults, &Vec::<Fault>::new(), "{}", written);
            prop_assert!(again.messages[0].same_content(message), "{}", written);
            prop_assert_eq!(again.messages[0].to_kvn(), kvn.clone());
        }
    }
    Ok(())
}

/// `text` with `lines` for the first `mark` comes back, and with it the comments of `lines` in their order.
#[track_caller]
fn comments_survive(text: &str, mark: &str, lines: &str) {
    assert!(text.contains(mark), "`{mark}` is not in the text");
    let text = text.replacen(mark, lines, 1);
    round_trips(&text).unwrap_or_else(|error| panic!("{lines}: {error}"));
    let message = read_messages(text.as_bytes(), "in").messages.remove(0);
    let own: Vec<&str> = message.comments().filter(|c| matches!(*c, "" | "a" | "b")).collect();
    let written: Vec<&str> = lines.lines().filter_map(|l| l.strip_prefix("COMMENT")).map(str::trim).collect();
    assert_eq!(own, written, "{lines}");
}

#[test]
fn comments_on_both_sides_of_a_mark_survive() {
    // Found by `generated_text_survives`: the end of a data section between two empty comments.
    comments_survive(TDM, "DATA_STOP", "COMMENT\nDATA_STOP\nCOMMENT");
    comments_survive(TDM, "DATA_STOP", "COMMENT a\nDATA_STOP\n\nCOMMENT\nCOMMENT b");
    comments_survive(TDM, "DATA_START", "COMMENT\nDATA_START\nCOMMENT");
    comments_survive(TDM, "META_STOP", "COMMENT\nMETA_STOP\nCOMMENT");
    comments_survive(TDM, "META_START", "COMMENT\nMETA_START\nCOMMENT");
    comments_survive(OEM, "META_STOP", "COMMENT\nMETA_STOP\nCOMMENT");
    comments_survive(OEM, "COVARIANCE_START", "COMMENT\nCOVARIANCE_START\nCOMMENT");
    comments_survive(OEM, "COVARIANCE_STOP", "COMMENT\nCOVARIANCE_STOP\nCOMMENT");
}

#[test]
fn comments_of_an_empty_covariance_survive() {
    let empty = "COVARIANCE_START\nCOMMENT a\nCOVARIANCE_STOP\n";
    comments_survive(OEM, "COVARIANCE_START", &format!("{empty}COVARIANCE_START"));
    comments_survive(OEM, "COVARIANCE_START", &format!("COMMENT\n{empty}COMMENT b\nCOVARIANCE_START"));
    comments_survive(OEM, "COVARIANCE_STOP", &format!("COVARIANCE_STOP\n{empty}COMMENT b"));
}

#[test]
fn a_comment_behind_a_covariance_stays_with_it() {
    let block = OEM.split_once("COVARIANCE_START").unwrap().1.split_once("COVARIANCE_STOP").unwrap().0;
    let two = format!("COMMENT a\nCOVARIANCE_STOP\nCOVARIANCE_START{block}COVARIANCE_STOP");
    round_trips(&OEM.replacen("COVARIANCE_STOP", &two, 1)).unwrap();
}

#[test]
fn comments_of_an_element_that_holds_nothing_else_survive() {
    let lone =
        "<COMMENT>a</COMMENT><covarianceMatrix><COMMENT/></covarianceMatrix><COMMENT>b</COMMENT></data>";
    let read = read_messages(CDM_XML.replacen("</data>", lone, 1).as_bytes(), "in");
    assert_eq!(read.faults, []);
    let again = read_messages(read.messages[0].to_xml().as_bytes(), "written");
    assert!(again.messages[0].same_content(&read.messages[0]));
    let comments: Vec<&str> = read.messages[0].segments()[0].data().last().unwrap().comments().collect();
    assert_eq!(comments, ["a", "", "b"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any comment anywhere, any name, any number: read(write(read(x))) is read(x).
    #[test]
    fn generated_text_survives(
        which in 0_usize..5,
        comments in prop::collection::vec(("[^\\p{C}\\p{Z}]?\\PC{0,40}", 0.0..1.0_f64), 0..6),
        name in "[^\\p{C}\\p{Z}]\\PC{0,30}",
        number in -1e9..1e9_f64,
        crlf in any::<bool>(),
    ) {
        let text = [OPM, OMM, OEM, TDM, CDM][which];
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (comment, place) in comments {
            let at = 1 + ((lines.len() - 1) as f64 * place) as usize;
            lines.insert(at, format!("COMMENT {comment}"));
        }
        for line in &mut lines {
            if line.trim_start().starts_with("OBJECT_NAME") || line.trim_start().starts_with("PARTICIPANT_2") {
                let keyword = line.split('=').next().unwrap_or_default().trim().to_owned();
                *line = format!("{keyword} = {name}");
            } else if line.starts_with("X ") {
                *line = format!("X = {number:e}");
            }
        }
        round_trips(&lines.join(if crlf { "\r\n" } else { "\n" }))?;
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let read = read_messages(&bytes, "in");
        prop_assert!(read.is_ok() || !read.faults.is_empty());
    }
}
