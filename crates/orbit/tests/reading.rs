//! Readers give what they could read, and say where and why they could not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base::{Fault, FaultLevel, NoradId};
use orbit::{CatalogueRead, ElementSet, Elements, Format, MAX_LINE_BYTES, TleWriteError, read_catalogue};
use proptest::prelude::*;

const ISS: &str = "1 25544U 98067A   20194.88612269 -.00002218  00000-0 -31515-4 0  9992\n\
                   2 25544  51.6461 221.2784 0001413  89.1723 280.4612 15.49507896236008\n";
const VANGUARD: &str = "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753\n\
                        2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667\n";
const CSV: &str = include_str!("data/sgp4-verify/sample_omm.csv");
const JSON: &str = include_str!("data/sgp4-verify/sample_omm.json");
const EXCERPT: &[u8] = include_bytes!("data/celestrak/active-2026-03-excerpt.csv");
const THREE_LINE: &[u8] = include_bytes!("data/celestrak/active-2025-04-15-excerpt.3le");

fn read(text: &str) -> CatalogueRead {
    read_catalogue(text.as_bytes(), "in")
}

fn ids(read: &CatalogueRead) -> Vec<u32> {
    read.catalogue.iter().map(|s| s.norad_id().get()).collect()
}

/// Code, line and field of each fault.
fn where_from(faults: &[Fault]) -> Vec<(&str, u64, &str)> {
    faults
        .iter()
        .map(|f| {
            assert_eq!(f.source.as_deref(), Some("in"));
            (f.code.as_str(), f.line.unwrap_or(0), f.field.as_deref().unwrap_or(""))
        })
        .collect()
}

fn spanned<'a>(input: &'a [u8], fault: &Fault) -> &'a [u8] {
    &input[fault.byte_start.unwrap() as usize..fault.byte_end.unwrap() as usize]
}

fn with_checksum(line: &str) -> String {
    let sum: u32 = line[..68].chars().map(|c| if c == '-' { 1 } else { c.to_digit(10).unwrap_or(0) }).sum();
    format!("{}{}", &line[..68], sum % 10)
}

#[test]
fn tle_values_are_exact() {
    let got = read(ISS);
    assert_eq!((got.format, got.faults.len()), (Format::Tle, 0));
    let iss = got.catalogue.get(NoradId::new(25_544)).unwrap();
    assert_eq!(iss.epoch().to_string(), "2020-07-12T21:16:01.000416Z");
    assert_eq!((iss.object_id(), iss.name(), iss.classification()), (Some("1998-067A"), None, 'U'));
    assert_eq!((iss.inclination_deg(), iss.raan_deg(), iss.eccentricity()), (51.6461, 221.2784, 0.000_141_3));
    assert_eq!((iss.argument_of_perigee_deg(), iss.mean_anomaly_deg()), (89.1723, 280.4612));
    assert_eq!((iss.mean_motion_rev_per_day(), iss.bstar()), (15.495_078_96, -0.31515e-4));
    assert_eq!((iss.mean_motion_dot(), iss.mean_motion_ddot()), (-0.000_022_18, 0.0));
    assert_eq!((iss.element_set_no(), iss.rev_at_epoch()), (999, 23_600));
}

#[test]
fn line_ends_marks_blanks_names_and_comments() {
    let text = format!(
        "\u{feff}# a comment\r\n\r\n0 ISS (ZARYA)  \r\n{}   \r\nVANGUARD 1\r\n{}",
        ISS.replace('\n', "\r\n"),
        VANGUARD
    );
    let got = read(&text);
    assert_eq!(where_from(&got.faults), []);
    assert_eq!(got.format, Format::ThreeLine);
    let names: Vec<_> = got.catalogue.iter().map(|s| s.name().unwrap()).collect();
    assert_eq!(names, ["VANGUARD 1", "ISS (ZARYA)"]);
    let three = read_catalogue(THREE_LINE, "in");
    assert_eq!((three.format, three.catalogue.len(), three.faults.len()), (Format::ThreeLine, 20, 0));
    assert_eq!(three.catalogue.iter().next().unwrap().name(), Some("CALSPHERE 1"));
}

#[test]
fn a_bad_checksum_costs_one_set() {
    let bad = ISS.replace("236008", "236003");
    let text = format!("{bad}{VANGUARD}");
    let got = read(&text);
    assert_eq!(ids(&got), [5]);
    assert_eq!(where_from(&got.faults), [("orbit::bad_checksum", 2, "CHECKSUM")]);
    assert_eq!(spanned(text.as_bytes(), &got.faults[0]), b"3");
    assert_eq!(got.faults[0].level, FaultLevel::Error);
}

#[test]
fn alpha5_and_wrong_ids() {
    let alpha =
        |id: &str| ISS.lines().map(|l| with_checksum(&l.replace("25544", id))).collect::<Vec<_>>().join("\n");
    assert_eq!(ids(&read(&alpha("A0001"))), [100_001]);
    assert_eq!(ids(&read(&alpha("Z9999"))), [339_999]);
    assert_eq!(where_from(&read(&alpha("I0001")).faults), [("orbit::bad_field", 1, "NORAD_CAT_ID")]);
    let mixed = format!("{}\n{}\n", ISS.lines().next().unwrap(), VANGUARD.lines().nth(1).unwrap());
    assert_eq!(where_from(&read(&mixed).faults), [("orbit::orphan_line", 2, "NORAD_CAT_ID")]);
}

#[test]
fn alpha5_is_written_and_what_lies_beyond_is_refused() {
    let iss = read(ISS).catalogue.iter().next().unwrap().elements().clone();
    let with = |id: u32| ElementSet::new(Elements { norad_id: NoradId::new(id), ..iss.clone() }).unwrap();
    // I and O are left out, so H is followed by J and N by P.
    let cases = [
        (0, "00000"),
        (99_999, "99999"),
        (100_000, "A0000"),
        (179_999, "H9999"),
        (180_000, "J0000"),
        (229_999, "N9999"),
        (230_000, "P0000"),
        (339_999, "Z9999"),
    ];
    for (id, columns) in cases {
        let [one, two] = with(id).to_tle().unwrap();
        assert_eq!((&one[2..7], &two[2..7]), (columns, columns));
        assert_eq!(ids(&read(&format!("{one}\n{two}\n"))), [id]);
    }
    for id in [340_000, 799_500_766, u32::MAX] {
        let refused = TleWriteError::NumberTooLarge { norad_id: NoradId::new(id) };
        assert_eq!(with(id).to_tle(), Err(refused));
        let json = JSON.replace(": 5,", &format!(": {id},"));
        assert_eq!(ids(&read(&json)), [id]);
    }
}

#[test]
fn what_an_omm_says_cannot_break_the_columns_of_a_tle() {
    let iss = read(ISS).catalogue.iter().next().unwrap().elements().clone();
    for (object_id, classification) in
        [("1998-067ABCD", '\u{ac00}'), ("19\n1 2", '\n'), ("\u{ac00}", 'u'), ("1998-0 7", ' ')]
    {
        let odd = Elements { object_id: Some(object_id.to_owned()), classification, ..iss.clone() };
        let [one, two] = ElementSet::new(odd).unwrap().to_tle().unwrap();
        let got = read(&format!("{one}\n{two}\n"));
        assert_eq!((where_from(&got.faults), ids(&got)), (vec![], vec![25_544]), "{one}");
        assert_eq!(got.catalogue.iter().next().unwrap().object_id(), None);
    }
}

#[test]
fn tle_fields_out_of_range_or_unreadable() {
    let two = |from: &str, to: &str| {
        let mut lines = ISS.lines();
        format!(
            "{}\n{}\n{VANGUARD}",
            lines.next().unwrap(),
            with_checksum(&lines.next().unwrap().replace(from, to))
        )
    };
    for (from, to, field) in [
        (" 51.6461", "181.6461", "INCLINATION"),
        (" 51.6461", " 51.x461", "INCLINATION"),
        ("15.49507896", "00.00000000", "MEAN_MOTION"),
        ("15.49507896", "-5.49507896", "MEAN_MOTION"),
        ("0001413", "00014 3", "ECCENTRICITY"),
        ("221.2784", "     NaN", "RA_OF_ASC_NODE"),
    ] {
        let got = read(&two(from, to));
        assert_eq!(where_from(&got.faults), [("orbit::bad_field", 2, field)], "{to}");
        assert_eq!(ids(&got), [5]);
    }
    let one = |from: &str, to: &str| {
        let mut lines = ISS.lines();
        format!("{}\n{}\n", with_checksum(&lines.next().unwrap().replace(from, to)), lines.next().unwrap())
    };
    for (from, to, field) in [
        ("20194.88612269", "20367.88612269", "EPOCH"),
        ("20194.88612269", "20000.88612269", "EPOCH"),
        ("-31515-4", "-31515e4", "BSTAR"),
        ("-31515-4 0", "-31515-4 4", "EPHEMERIS_TYPE"),
        ("-.00002218", "-.0000221x", "MEAN_MOTION_DOT"),
    ] {
        assert_eq!(where_from(&read(&one(from, to)).faults), [("orbit::bad_field", 1, field)], "{to}");
    }
}

#[test]
fn a_cut_tle_gives_what_came_before() {
    let text = format!("{VANGUARD}{ISS}");
    for cut in [text.len() - 2, text.len() - 40, text.len() - 60] {
        let got = read(&text[..cut]);
        assert_eq!(
            (ids(&got), where_from(&got.faults)),
            (vec![5], vec![("orbit::truncated", 4, "")]),
            "{cut}"
        );
    }
    let got = read(&text[..text.len() - 70]);
    assert_eq!((ids(&got), where_from(&got.faults)), (vec![5], vec![("orbit::truncated", 3, "")]));
    let got = read(&text[..text.len() - 100]);
    assert_eq!(ids(&got), [5]);
    assert_eq!(got.faults.len(), 1);
}

#[test]
fn orphans() {
    let first = ISS.lines().next().unwrap();
    let second = ISS.lines().nth(1).unwrap();
    let got = read(&format!("{first}\n{VANGUARD}{second}\nLOST NAME\n0 OTHER\n{ISS}"));
    assert_eq!(ids(&got), [5, 25_544]);
    assert_eq!(
        where_from(&got.faults),
        [("orbit::orphan_line", 1, ""), ("orbit::orphan_line", 4, ""), ("orbit::orphan_line", 5, "")]
    );
}

#[test]
fn bytes_that_are_no_text() {
    let mut bytes = format!("{VANGUARD}NAME ").into_bytes();
    let at = bytes.len() as u64;
    bytes.extend([0xC3, 0x28]);
    bytes.extend(format!("\n{ISS}").bytes());
    let got = read_catalogue(&bytes, "in");
    assert_eq!(ids(&got), [5, 25_544]);
    assert_eq!(where_from(&got.faults), [("orbit::invalid_utf8", 3, "")]);
    assert_eq!((got.faults[0].byte_start, got.faults[0].byte_end), (Some(at), Some(at + 1)));

    let mut csv = CSV.trim_end().as_bytes().to_vec();
    csv.extend(b"\r\nBAD \xFF NAME,1,2\r\n");
    let row = CSV.lines().nth(1).unwrap().replace(",5,999", ",6,999");
    csv.extend(row.bytes());
    let got = read_catalogue(&csv, "in");
    assert_eq!((ids(&got), where_from(&got.faults)), (vec![5, 6], vec![("orbit::invalid_utf8", 3, "")]));

    let json = JSON.replace("VANGUARD 1", "VANG\u{1}").into_bytes();
    let json: Vec<u8> = json.into_iter().map(|b| if b == 1 { 0xFF } else { b }).collect();
    assert_eq!(where_from(&read_catalogue(&json, "in").faults), [("orbit::invalid_utf8", 2, "")]);
}

#[test]
fn nothing_and_unknown() {
    for text in ["", "\n \n\r\n", "\u{feff}"] {
        let got = read(text);
        assert_eq!((got.format, where_from(&got.faults)), (Format::Unknown, vec![("orbit::empty", 0, "")]));
    }
    for text in ["hello\nworld\n", "a,b\n1,2\n", "\u{0}\u{1}\u{2}"] {
        let got = read(text);
        assert_eq!(
            (got.format, where_from(&got.faults)),
            (Format::Unknown, vec![("orbit::unknown_format", 1, "")])
        );
    }
    assert_eq!(where_from(&read("<html></html>").faults), [("orbit::unknown_format", 1, "html")]);
    assert_eq!(where_from(&read("<omm></omm>").faults)[0], ("orbit::missing_field", 1, "CCSDS_OMM_VERS"));
}

#[test]
fn endless_lines_are_refused() {
    let long = "x".repeat(MAX_LINE_BYTES + 1);
    let got = read(&format!("{VANGUARD}{long}\n{ISS}"));
    assert_eq!(
        (ids(&got), where_from(&got.faults)),
        (vec![5, 25_544], vec![("orbit::line_too_long", 3, "")])
    );
    let header = CSV.lines().next().unwrap();
    let row = CSV.lines().nth(1).unwrap();
    let got = read(&format!("{header}\n{long}\n{row}\n"));
    assert_eq!((ids(&got), where_from(&got.faults)), (vec![5], vec![("orbit::line_too_long", 2, "")]));
    assert_eq!(where_from(&read(&long).faults), [("orbit::line_too_long", 1, "")]);
    let object = JSON.trim().trim_start_matches('[').trim_end_matches(']');
    let got = read(&format!("[{{\"OBJECT_NAME\": \"{long}\"}},\n{object}]"));
    assert_eq!(ids(&got), [5]);
    assert_eq!(got.faults[0].code, "orbit::line_too_long");
    assert_eq!(read(&"{".repeat(1_000_000)).catalogue.len(), 0);
}

#[test]
fn csv_columns_in_any_order_and_missing() {
    let got = read(CSV);
    assert_eq!((got.format, got.faults.len()), (Format::OmmCsv, 0));
    let set = got.catalogue.get(NoradId::new(5)).unwrap();
    assert_eq!(set.epoch().to_string(), "2020-10-13T04:52:48.47232Z");
    assert_eq!((set.bstar(), set.mean_motion_dot(), set.name()), (-0.224_83e-4, -1.6e-7, Some("VANGUARD 1")));
    let reversed: Vec<String> =
        CSV.lines().map(|l| l.split(',').rev().collect::<Vec<_>>().join(",")).collect();
    assert_eq!(read(&reversed.join("\n")).catalogue, got.catalogue);
    let without = CSV.replacen("EPOCH", "WHEN", 1).replacen("ECCENTRICITY", "E", 1);
    let got = read(&without);
    assert_eq!(
        where_from(&got.faults),
        [("orbit::missing_field", 1, "EPOCH"), ("orbit::missing_field", 1, "ECCENTRICITY")]
    );
    assert!(got.catalogue.is_empty());
}

#[test]
fn csv_rows_that_are_cut_or_wrong() {
    let header = CSV.lines().next().unwrap();
    let row = CSV.lines().nth(1).unwrap();
    let wide = row.replace(",5,999", ",4294967295,999").replace("VANGUARD 1", "\"A, \"\"B\"\"\"");
    let text = format!(
        "{header}\r\n{wide}\r\n{}\r\n{}\r\n{}\r\n{}\r\n{}",
        row.replace("10.84869164", "ten"),
        row.replace(".1845686", "1.0"),
        row.replace("10.84869164", "inf"),
        row.replace("2020-10-13T04:52:48.472320", "2020-13-13T04:52:48"),
        &row[..40]
    );
    let got = read(&text);
    assert_eq!(ids(&got), [u32::MAX]);
    assert_eq!(got.catalogue.iter().next().unwrap().name(), Some("A, \"B\""));
    assert_eq!(
        where_from(&got.faults),
        [
            ("orbit::bad_field", 3, "MEAN_MOTION"),
            ("orbit::bad_field", 4, "ECCENTRICITY"),
            ("orbit::bad_field", 5, "MEAN_MOTION"),
            ("orbit::bad_field", 6, "EPOCH"),
            ("orbit::truncated", 7, ""),
        ]
    );
    assert_eq!(spanned(text.as_bytes(), &got.faults[0]), b"ten");
    assert_eq!(spanned(text.as_bytes(), &got.faults[1]), b"1.0");
}

#[test]
fn json_numbers_as_numbers_or_text() {
    let got = read(JSON);
    assert_eq!((got.format, got.faults.len(), ids(&got)), (Format::OmmJson, 0, vec![5]));
    let mut text = JSON.to_owned();
    for number in [
        "10.85873516",
        "0.1841322",
        "34.2493",
        "19.2327",
        "100.1057",
        "281.1229",
        "39027",
        "0.00035436",
        "2.64e-6",
    ] {
        text = text.replace(number, &format!("\"{number}\""));
    }
    let quoted = text.replace(": 5,", ": \"4294967295\",").replace(": 999,", ": \"999\",");
    let other = read(&quoted);
    assert_eq!(where_from(&other.faults), []);
    let (a, b) = (got.catalogue.iter().next().unwrap(), other.catalogue.iter().next().unwrap());
    assert_eq!(b.norad_id().get(), u32::MAX);
    let same = Elements { norad_id: a.norad_id(), ..b.elements().clone() };
    assert_eq!(&same, a.elements());
    // One object, and objects one after the other.
    let object = JSON.trim().trim_start_matches('[').trim_end_matches(']');
    assert_eq!(ids(&read(object)), [5]);
    assert_eq!(ids(&read(&format!("{object}\n{}", object.replace(": 5,", ": 6,")))), [5, 6]);
}

#[test]
fn json_that_is_cut_or_wrong() {
    let object = JSON.trim().trim_start_matches('[').trim_end_matches(']').to_owned();
    let text = format!("[{object},\n{}]", object.replace(": 5,", ": 6,"));
    let got = read(&text[..text.len() - 100]);
    assert_eq!((ids(&got), where_from(&got.faults)), (vec![5], vec![("orbit::truncated", 20, "")]));
    let got = read(&text[..text.len() - 1]);
    assert_eq!((ids(&got), where_from(&got.faults)), (vec![5, 6], vec![("orbit::truncated", 1, "")]));
    let cases = [
        ("\"ECCENTRICITY\": 0.1841322", "\"ECCENTRICITY\": -0.1", "orbit::bad_field", "ECCENTRICITY"),
        ("\"INCLINATION\": 34.2493", "\"INCLINATION\": 181", "orbit::bad_field", "INCLINATION"),
        ("\"MEAN_MOTION\": 10.85873516", "\"MEAN_MOTION\": 1e999", "orbit::bad_field", "MEAN_MOTION"),
        ("\"MEAN_MOTION\": 10.85873516", "\"MEAN_MOTION\": [1]", "orbit::bad_field", "MEAN_MOTION"),
        ("\"MEAN_MOTION\": 10.85873516", "\"MEAN_MOTION\": null", "orbit::missing_field", "MEAN_MOTION"),
        ("\"NORAD_CAT_ID\": 5", "\"NORAD_CAT_ID\": 4294967296", "orbit::bad_field", "NORAD_CAT_ID"),
        ("\"NORAD_CAT_ID\": 5", "\"NORAD_CAT_ID\": 5.5", "orbit::bad_field", "NORAD_CAT_ID"),
        ("\"EPHEMERIS_TYPE\": 0", "\"EPHEMERIS_TYPE\": 4", "orbit::bad_field", "EPHEMERIS_TYPE"),
        ("\"EPHEMERIS_TYPE\": 0", "\"REF_FRAME\": \"GCRF\"", "orbit::bad_field", "REF_FRAME"),
    ];
    for (from, to, code, field) in cases {
        let text = format!(
            "[{},{}]",
            JSON.trim().trim_matches(['[', ']']).replace(from, to),
            object.replace(": 5,", ": 6,")
        );
        let got = read(&text);
        let found: Vec<_> =
            got.faults.iter().map(|f| (f.code.as_str(), f.field.as_deref().unwrap_or(""))).collect();
        assert_eq!((ids(&got), found), (vec![6], vec![(code, field)]), "{to}");
        let (_, line, _) = where_from(&got.faults)[0];
        let in_text = text.lines().position(|l| l.contains(to)).unwrap() as u64 + 1;
        assert_eq!(line, if code == "orbit::missing_field" { 1 } else { in_text }, "{to}");
    }
    assert_eq!(where_from(&read("{\"EPOCH\": }").faults), [("orbit::bad_field", 1, "")]);
    assert_eq!(where_from(&read("[] x").faults), [("orbit::orphan_line", 1, "")]);
}

#[test]
fn the_newest_set_of_an_object_is_kept() {
    let old = ISS
        .lines()
        .map(|l| with_checksum(&l.replace("20194.88612269", "20193.88612269")))
        .collect::<Vec<_>>()
        .join("\n");
    let epoch = read(ISS).catalogue.iter().next().unwrap().epoch();
    for text in [format!("{old}\n{ISS}"), format!("{ISS}{old}\n")] {
        let got = read(&text);
        assert_eq!(where_from(&got.faults), [("orbit::duplicate", 3, "NORAD_CAT_ID")]);
        assert_eq!(got.faults[0].level, FaultLevel::Warning);
        assert_eq!(got.catalogue.iter().map(ElementSet::epoch).collect::<Vec<_>>(), [epoch]);
    }
}

#[test]
fn lookups() {
    let catalogue = read_catalogue(EXCERPT, "in").catalogue;
    let names: Vec<_> = catalogue
        .find_by_name(&["*kompsat-3*", "CAS500-?", "CAS500-1"])
        .iter()
        .map(|s| s.name().unwrap())
        .collect();
    assert_eq!(names, ["ARIRANG-3 (KOMPSAT-3)", "KOMPSAT-3A", "CAS500-1"]);
    assert!(catalogue.get(NoradId::new(1)).is_none());
    assert!(catalogue.find_by_name::<&str>(&[]).is_empty());
}

#[test]
fn many_faults_are_counted() {
    let got = read(&format!("{VANGUARD}{}", "A\n".repeat(20_000)));
    assert_eq!(got.faults.len(), 10_001);
    assert_eq!(got.faults.last().unwrap().code, "orbit::too_many_faults");
}

#[test]
fn every_excerpt_object_goes_through_a_tle() {
    for set in &read_catalogue(EXCERPT, "in").catalogue {
        let [one, two] = set.to_tle().unwrap();
        let got = read(&format!("{one}\n{two}\n"));
        assert_eq!(where_from(&got.faults), []);
        let back = got.catalogue.iter().next().unwrap();
        assert_eq!((back.norad_id(), back.object_id()), (set.norad_id(), set.object_id()));
        assert!(back.epoch().seconds_since(set.epoch()).abs() <= 0.000_432_1);
        assert!((back.eccentricity() - set.eccentricity()).abs() <= 0.51e-7);
        assert_eq!(back.mean_motion_rev_per_day(), set.mean_motion_rev_per_day());
        assert!((back.bstar() - set.bstar()).abs() <= 5.1e-5 * set.bstar().abs() + 1e-14);
    }
}

proptest! {
    #[test]
    fn what_a_tle_holds_comes_back(
        id in 0u32..340_000, epoch_units in 0i64..3_150_000_000_000, mean_motion in 1u64..1_700_000_000,
        eccentricity in 0u32..10_000_000, inclination in 0u32..=1_800_000, angles in prop::array::uniform3(0u32..3_600_000),
        bstar in -99_999i32..=99_999, exponent in -9i32..=0, revolution in 0u32..100_000, number in 0u32..10_000,
    ) {
        let hundredth = |n: u32| f64::from(n) / 1e4;
        let bstar = if bstar.abs() < 10_000 { 0.0 } else { format!("{bstar}e{}", exponent - 5).parse().unwrap() };
        let set = ElementSet::new(Elements {
            norad_id: NoradId::new(id), name: None, object_id: Some("1998-067ABC".to_owned()),
            epoch: base::Timestamp::from_unix_nanos((epoch_units - 462_962_962_962) * 864_000),
            mean_motion_rev_per_day: mean_motion as f64 / 1e8, eccentricity: format!("0.{eccentricity:07}").parse().unwrap(),
            inclination_deg: hundredth(inclination), raan_deg: hundredth(angles[0]),
            argument_of_perigee_deg: hundredth(angles[1]), mean_anomaly_deg: hundredth(angles[2]), bstar,
            mean_motion_dot: 0.0, mean_motion_ddot: 0.0, classification: 'U', element_set_no: number, rev_at_epoch: revolution,
        }).unwrap();
        let [one, two] = set.to_tle().unwrap();
        prop_assert_eq!((one.len(), two.len()), (69, 69), "{}\n{}", one, two);
        let got = read(&format!("{one}\n{two}"));
        prop_assert!(got.faults.is_empty(), "{:?}", got.faults);
        prop_assert_eq!(got.catalogue.iter().next().unwrap(), &set);
    }

    #[test]
    fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0usize..4) {
        let start: &[u8] = [b"".as_slice(), b"[", ISS.as_bytes(), CSV.as_bytes()][kind];
        let input = [start, &bytes].concat();
        let got = read_catalogue(&input, "in");
        for fault in &got.faults {
            prop_assert!(fault.byte_end.unwrap_or(0) <= input.len() as u64);
        }
    }

    /// Objects without escapes go a quick way; an escape in front sends the same object the long way.
    #[test]
    fn both_ways_through_json_agree(
        changes in prop::collection::vec((0usize..800, prop::sample::select(&br#" "\:,.{}[]-+eE0n\n5x"#[..])), 0..3),
    ) {
        const ESCAPE: &str = r#""\u0041":0,"#;
        let mut text = JSON.trim().trim_matches(['[', ']']).trim().as_bytes().to_vec();
        for (at, byte) in changes {
            // The brace stays, so that the escape lands inside.
            let at = 1 + at % (text.len() - 1);
            text[at] = byte;
        }
        // In front of nothing the comma of the escape would itself be the fault.
        let first = text[1..].iter().find(|byte| !byte.is_ascii_whitespace());
        prop_assume!(first != Some(&b'}'));
        let quick = read_catalogue(&text, "in");
        let long = read_catalogue(&[b"{", ESCAPE.as_bytes(), &text[1..]].concat(), "in");
        prop_assert_eq!(&quick.catalogue, &long.catalogue);
        let shown = |read: &CatalogueRead, shift: u64| -> Vec<_> {
            let place = |at: Option<u64>| at.map(|at| if at > 1 { at - shift } else { at });
            read.faults
                .iter()
                .map(|f| (f.code.clone(), f.line, f.field.clone(), place(f.byte_start), place(f.byte_end)))
                .collect()
        };
        prop_assert_eq!(shown(&quick, 0), shown(&long, ESCAPE.len() as u64));
    }

    #[test]
    fn cut_anywhere(cut in 0usize..2000) {
        let bytes = &EXCERPT[..cut.min(EXCERPT.len())];
        let got = read_catalogue(bytes, "in");
        let whole = bytes.iter().filter(|b| **b == b'\n').count();
        prop_assert!(got.catalogue.len() + 1 >= whole);
    }
}
