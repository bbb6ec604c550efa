//! The messages of the Orekit project, the valid and the malformed: what is read, what is refused and where, and that
//! nothing is lost when a message is written again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "tests read their data")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base::NoradId;
use orbit::{Field, Message, MessageForm, MessagesRead, read_catalogue, read_messages, to_xml_document};

/// Files that are refused: code, line and field of the first fault.
const REFUSED: &[(&str, &str, u64, &str)] = &[
    ("adm/apm/APMExample01.txt", "orbit::unsupported_message", 1, "CCSDS_APM_VERS"),
    ("cdm/CDM-covariance-wrong-entry-format.txt", "orbit::bad_field", 65, "CRDOT_T"),
    ("cdm/CDM-wrong-key-word.txt", "orbit::unknown_keyword", 6, "WRONG_KEYWORD"),
    ("cdm/CDMExample_issue1319_mandatory_empty_value.xml", "orbit::missing_field", 88, "X"),
    // Documents of no message, in every encoding: read to their root element.
    ("lexical/minimalist-UCS-4-BE-BOM.xml", "orbit::unknown_format", 2, "greeting"),
    ("lexical/minimalist-UCS-4-LE.xml", "orbit::unknown_format", 2, "greeting"),
    ("lexical/minimalist-UTF-16-BE-BOM.xml", "orbit::unknown_format", 2, "greeting"),
    ("lexical/minimalist-UTF-16-BE.xml", "orbit::unknown_format", 2, "greeting"),
    ("lexical/minimalist-UTF-16-LE.xml", "orbit::unknown_format", 2, "greeting"),
    ("lexical/minimalist-UTF-8-BOM.xml", "orbit::unknown_format", 2, "greeting"),
    ("lexical/minimalist-UTF-8.kvn", "orbit::unsupported_message", 1, "CCSDS_XYZ_VERSION"),
    ("ndm/NDM-ocm-apm.xml", "orbit::unsupported_message", 4, "ocm"),
    ("ndm/empty.xml", "orbit::empty", 4, "ndm"),
    ("ndm/wrong-format.txt", "orbit::unsupported_message", 1, "CCSDS_NDM_VERS"),
    ("odm/ocm/OCMExample1.txt", "orbit::unsupported_message", 1, "CCSDS_OCM_VERS"),
    ("odm/oem/OEM-ephemeris-number-format-error.txt", "orbit::bad_field", 44, "Z"),
    ("odm/oem/OEM-inconsistent-time-systems.txt", "orbit::inconsistent", 33, "TIME_SYSTEM"),
    ("odm/oem/OEM-keyword-within-ephemeris.txt", "orbit::unknown_keyword", 24, "USER_DEFINED_TEST_KEY"),
    ("odm/oem/OEM-too-large-covariance-dimension.txt", "orbit::bad_line", 91, ""),
    ("odm/oem/OEM-too-many-covariance-columns.txt", "orbit::bad_line", 51, ""),
    ("odm/oem/OEM-too-small-covariance-dimension.txt", "orbit::missing_field", 83, "CY_DOT_X"),
    ("odm/oem/OEM-wrong-keyword.txt", "orbit::unknown_keyword", 19, "WRONG_KEYWORD"),
    // Orekit's tests put two halves together; neither is a message.
    ("odm/oem/OEMExample7.txt.post", "orbit::unknown_format", 2, ""),
    ("odm/oem/OEMExample7.txt.pre", "orbit::truncated", 5, "META_STOP"),
    ("odm/omm/OMM-number-format-error.txt", "orbit::bad_field", 15, "ARG_OF_PERICENTER"),
    ("odm/opm/OPM-incompatible-units.txt", "orbit::bad_unit", 20, "SOLAR_RAD_AREA"),
    ("odm/opm/OPM-number-format-error.txt", "orbit::bad_field", 17, "SEMI_MAJOR_AXIS"),
    ("odm/opm/OPM-wrong-keyword.txt", "orbit::unknown_keyword", 11, "WRONG_KEYWORD"),
    ("odm/opm/spurious-metadata.xml", "orbit::repeated_keyword", 23, "metadata"),
    ("tdm/kvn/TDM-data-number-format-error.txt", "orbit::bad_field", 26, "RECEIVE_FREQ_1"),
    ("tdm/kvn/TDM-data-wrong-keyword.txt", "orbit::unknown_keyword", 26, "WRONG_KEYWORD"),
    ("tdm/kvn/TDM-inconsistent-time-systems.txt", "orbit::inconsistent", 29, "TIME_SYSTEM"),
    ("tdm/kvn/TDM-metadata-timesystem-not-implemented.txt", "orbit::bad_field", 7, "TIME_SYSTEM"),
    ("tdm/xml/TDM-data-inconsistent-block.xml", "orbit::missing_field", 31, "EPOCH"),
    ("tdm/xml/TDM-data-number-format-error.xml", "orbit::bad_field", 47, "RECEIVE_FREQ_1"),
    ("tdm/xml/TDM-external-doctype.xml", "orbit::xml_doctype", 2, "DOCTYPE"),
    ("tdm/xml/TDM-metadata-number-format-error.xml", "orbit::bad_field", 24, "TRANSMIT_DELAY_1"),
    ("tdm/xml/TDM-missing-participants.xml", "orbit::missing_field", 11, "PARTICIPANT_1"),
    ("tdm/xml/TDM-missing-timesystem.xml", "orbit::missing_field", 16, "TIME_SYSTEM"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/ccsds")
}

/// Every file with its name below the folder, sorted.
fn files() -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, all) } else { all.push(path) }
        }
    }
    let mut all = Vec::new();
    walk(&folder(), &mut all);
    all.sort();
    let name = |path: &Path| path.strip_prefix(folder()).unwrap().to_str().unwrap().to_owned();
    all.iter()
        .filter(|path| !matches!(path.file_name().unwrap().to_str(), Some("README.md" | "LICENSE.txt")))
        .map(|path| (name(path), std::fs::read(path).unwrap()))
        .collect()
}

fn valid() -> Vec<(String, Vec<u8>, MessagesRead)> {
    let refused: BTreeSet<&str> = REFUSED.iter().map(|(name, ..)| *name).collect();
    files()
        .into_iter()
        .filter(|(name, _)| !refused.contains(name.as_str()))
        .map(|(name, bytes)| {
            let read = read_messages(&bytes, &name);
            (name, bytes, read)
        })
        .collect()
}

fn one(text: &str) -> Message {
    let read = read_messages(text.as_bytes(), "written");
    assert_eq!(read.faults, [], "{text}");
    let [message] = read.messages.try_into().unwrap();
    message
}

#[test]
fn every_malformed_file_is_refused_at_its_place() {
    for (name, code, line, field) in REFUSED {
        let bytes = std::fs::read(folder().join(name)).unwrap();
        let read = read_messages(&bytes, name);
        assert!(!read.is_ok() && read.messages.is_empty(), "{name}");
        assert!(read.found.iter().all(|found| !found.ok), "{name}");
        let first = &read.faults[0];
        let place = (first.code.as_str(), first.line.unwrap_or(0), first.field.as_deref().unwrap_or(""));
        assert_eq!(place, (*code, *line, *field), "{name}");
        for fault in &read.faults {
            let (start, end) = (fault.byte_start.unwrap(), fault.byte_end.unwrap());
            assert!(start <= end && end <= bytes.len() as u64, "{name}: {fault}");
            assert_eq!(fault.source.as_deref(), Some(*name));
        }
    }
}

#[test]
fn every_valid_file_is_read() {
    let valid = valid();
    assert_eq!(valid.len(), 62);
    for (name, _, read) in &valid {
        assert_eq!(read.faults, [], "{name}");
        assert!(read.is_ok(), "{name}");
    }
}

/// The bytes that a value points at are the value, so that evidence can be shown in the original.
#[test]
fn every_value_points_at_its_bytes() {
    let mut values = 0;
    for (name, bytes, read) in valid() {
        let text_at = |field: &Field| {
            let place = field.place();
            let span = &bytes[place.byte_start as usize..place.byte_end as usize];
            let before = &bytes[..place.byte_start as usize];
            let line = 1 + before.iter().filter(|b| **b == b'\n').count() as u64;
            assert_eq!(place.line, line, "{name}: {}", field.keyword());
            String::from_utf8(span.to_vec()).unwrap()
        };
        for field in read.messages.iter().flat_map(Message::sections).flat_map(|section| section.fields()) {
            if !field.value().is_empty() {
                assert_eq!(
                    text_at(field).replace("&gt;", ">").replace("&quot;", "\""),
                    field.value(),
                    "{name}"
                );
                values += 1;
            }
        }
    }
    assert!(values > 5000, "{values}");
}

#[test]
fn nothing_is_lost_between_the_forms() {
    for (name, _, read) in valid() {
        for message in &read.messages {
            let (kvn, xml) = (message.to_kvn(), message.to_xml());
            let own = if message.form() == MessageForm::Kvn { one(&kvn) } else { one(&xml) };
            assert!(own.same_content(message), "{name}");
            // Through the other form and back: the canonical layout is the same to the byte.
            assert_eq!(one(&xml).to_kvn(), kvn, "{name}");
            assert_eq!(one(&kvn).to_kvn(), kvn, "{name}");
            assert_eq!(one(&one(&kvn).to_xml()).to_kvn(), kvn, "{name}");
            if message.form() == MessageForm::Kvn {
                assert!(one(&xml).same_content(message), "{name}");
            }
        }
    }
}

/// In every valid KVN file: a keyword that is none is refused at its line, and so is a header or metadata keyword that
/// stands twice.
#[test]
fn every_line_is_held_against_the_table() {
    let mut lines = 0;
    for (name, bytes, read) in valid() {
        if read.form != Some(MessageForm::Kvn) {
            continue;
        }
        let text = String::from_utf8(bytes).unwrap();
        let once: BTreeSet<&str> = read.messages[0]
            .sections()
            .filter(|section| matches!(section.name(), "header" | "metadata" | "relativeMetadataData"))
            .flat_map(|section| section.fields().map(|field| field.keyword()))
            .collect();
        for (number, line) in text.lines().enumerate().skip(1) {
            let Some((keyword, value)) = line.split_once('=').map(|(k, v)| (k.trim(), v)) else { continue };
            if keyword.starts_with("COMMENT") {
                continue;
            }
            let with = |replacement: &str| {
                let all: Vec<&str> = text
                    .lines()
                    .enumerate()
                    .map(|(i, l)| if i == number { replacement } else { l })
                    .collect();
                read_messages(all.join("\n").as_bytes(), "changed").faults
            };
            let unknown = with(&format!("ZZ_{keyword} = {value}"));
            let found = unknown
                .iter()
                .any(|f| f.code == "orbit::unknown_keyword" && f.line == Some(number as u64 + 1));
            assert!(found, "{name}:{number}: {unknown:?}");
            if once.contains(keyword) && !value.trim().is_empty() {
                let twice = with(&format!("{line}\n{line}"));
                assert!(
                    twice.iter().any(|f| f.field.as_deref() == Some(keyword)),
                    "{name}: {keyword} {twice:?}"
                );
            }
            lines += 1;
        }
    }
    assert!(lines > 1000, "{lines}");
}

#[test]
fn comments_units_and_digits_are_kept() {
    for (name, _, read) in valid() {
        for message in &read.messages {
            for written in [message.to_kvn(), message.to_xml()] {
                let again = one(&written);
                assert!(again.comments().eq(message.comments()), "{name}");
                let values = |m: &Message| -> Vec<(String, String)> {
                    let fields = m.sections().flat_map(|s| s.fields());
                    fields.map(|f| (f.keyword().to_owned(), f.value().to_owned())).collect()
                };
                assert_eq!(values(&again), values(message), "{name}");
                if !matches!(message.kind(), orbit::MessageKind::Oem | orbit::MessageKind::Tdm) {
                    let units = |m: &Message| -> Vec<Option<String>> {
                        m.sections().flat_map(|s| s.fields()).map(|f| f.unit().map(str::to_owned)).collect()
                    };
                    assert_eq!(units(&again), units(message), "{name}");
                }
            }
        }
    }
}

#[test]
fn utf_16_and_ucs_4_give_the_same_message() {
    let text = std::fs::read_to_string(folder().join("odm/omm/OMMExample4.xml")).unwrap();
    let plain = one(&text);
    let body = text.replace("UTF-8", "UTF-16");
    let utf16: Vec<u8> = body.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let ucs4: Vec<u8> = body.chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    for bytes in [utf16, ucs4] {
        let read = read_messages(&bytes, "wide");
        assert_eq!(read.faults, []);
        assert!(read.messages[0].same_content(&plain));
        let field = read.messages[0].segments()[0].data()[0].field("MEAN_MOTION").unwrap();
        let span = &bytes[field.place().byte_start as usize..field.place().byte_end as usize];
        let ascii: Vec<u8> = span.iter().copied().filter(|b| *b != 0).collect();
        assert_eq!(ascii, field.value().as_bytes());
    }
}

#[test]
fn several_messages_in_one_input() {
    let kvn = |name: &str| std::fs::read_to_string(folder().join(name)).unwrap();
    let good = kvn("odm/opm/OPMExample1.txt");
    let bad = kvn("odm/opm/OPM-wrong-keyword.txt");
    let read = read_messages(format!("{good}\n{bad}\n{good}").as_bytes(), "three");
    assert_eq!(read.found.iter().map(|found| found.ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!((read.messages.len(), read.faults.len()), (2, 1));
    let lines = good.lines().count() as u64 + 1;
    assert_eq!(read.faults[0].line, Some(lines + 11));
    let document = to_xml_document(&read.messages);
    let again = read_messages(document.as_bytes(), "ndm");
    assert_eq!((again.faults.len(), again.messages.len(), again.form), (0, 2, Some(MessageForm::Xml)));
}

#[test]
fn omm_messages_are_catalogues() {
    let csv = include_bytes!("data/celestrak/active-2026-03-excerpt.csv");
    let csv = read_catalogue(csv, "csv");
    let now = "2026-03-12T00:00:00Z".parse().unwrap();
    let messages: Vec<Message> = csv.catalogue.iter().map(|set| Message::omm(set, now, "TEST")).collect();
    let kvn: String = messages.iter().map(Message::to_kvn).collect();
    let xml = to_xml_document(&messages);
    for (bytes, format) in [(&kvn, orbit::Format::OmmKvn), (&xml, orbit::Format::OmmXml)] {
        let read = read_catalogue(bytes.as_bytes(), "omm");
        assert_eq!((read.faults.len(), read.format), (0, format));
        assert_eq!(read.catalogue, csv.catalogue);
    }
    let flat = serde_json::to_string(&messages.iter().map(Message::to_json).collect::<Vec<_>>()).unwrap();
    assert_eq!(read_catalogue(flat.as_bytes(), "json").catalogue, csv.catalogue);
}

/// CelesTrak leaves the header of its OMMs empty.
#[test]
fn a_publishers_omm_without_a_header_says_what_its_csv_says() {
    let xml = read_catalogue(include_bytes!("data/sgp4-verify/sample_omm.xml"), "xml");
    let csv = read_catalogue(include_bytes!("data/sgp4-verify/sample_omm.csv"), "csv");
    assert_eq!((xml.faults.len(), xml.format), (0, orbit::Format::OmmXml));
    assert_eq!(xml.catalogue, csv.catalogue);
}

#[test]
fn the_standards_own_omm_is_an_element_set() {
    for name in ["odm/omm/OMMExample2.txt", "odm/omm/OMM-with-units.xml", "odm/omm/OMMExample4.xml"] {
        let read = read_catalogue(&std::fs::read(folder().join(name)).unwrap(), name);
        assert_eq!((read.faults.len(), read.catalogue.len()), (0, 1), "{name}");
    }
    let read = read_catalogue(&std::fs::read(folder().join("odm/omm/OMMExample2.txt")).unwrap(), "goes");
    let goes = read.catalogue.get(NoradId::new(23_581)).unwrap();
    assert_eq!((goes.mean_motion_rev_per_day(), goes.element_set_no()), (1.002_732_72, 925));
    // Another theory is read as a message and refused as an element set, with its field.
    let read = read_catalogue(&std::fs::read(folder().join("odm/omm/OMMExample5.txt")).unwrap(), "xp");
    assert_eq!(read.catalogue.len(), 0);
    assert_eq!(
        (read.faults[0].field.as_deref(), read.faults[0].line),
        (Some("MEAN_ELEMENT_THEORY"), Some(10))
    );
}

#[test]
fn states_are_in_the_units_of_the_standard() {
    let read = |name: &str| {
        let bytes = std::fs::read(folder().join(name)).unwrap();
        read_messages(&bytes, name).messages.remove(0).states()
    };
    let metres = &read("odm/opm/OPM-non-standard-units.txt")[0];
    assert_eq!((metres.position_km[0], metres.velocity_km_s[1]), (6503.514, 8.74042));
    assert_eq!((metres.time_system.as_str(), metres.time), ("GMST", None));
    let ephemeris = read("odm/oem/OEMExample4.txt");
    assert_eq!(ephemeris.len(), 3);
    assert_eq!(ephemeris[2].velocity_km_s, [5.63678, -2.33951, -1.94687]);
    assert_eq!(ephemeris[2].time.unwrap().to_string(), "2002-12-18T12:02:00.331Z");
    assert_eq!((ephemeris[2].center_name.as_str(), ephemeris[2].ref_frame.as_str()), ("MARS", "EME2000"));
}
