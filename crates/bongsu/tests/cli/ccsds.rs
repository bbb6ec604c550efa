//! Messages of CCSDS: `orbit check` with `--to`, and `orbit probability`.

use crate::support::{bongsu, bongsu_in, bongsu_with, root, sample};

const CDM: &str = "samples/ccsds/conjunction.cdm";
const NOW: &str = "2026-03-10T12:00:00Z";

fn data(name: &str) -> String {
    format!("crates/orbit/tests/data/ccsds/{name}")
}

#[test]
fn check_names_kind_version_and_objects() {
    for (file, kind, version, objects) in [
        ("samples/ccsds/conjunction.cdm".to_owned(), "CDM KVN", "1.0", 2),
        ("samples/ccsds/state.opm".to_owned(), "OPM KVN", "3.0", 1),
        ("samples/ccsds/ephemeris.oem".to_owned(), "OEM KVN", "2.0", 1),
        ("samples/ccsds/tracking.tdm".to_owned(), "TDM KVN", "1.0", 2),
        ("samples/ccsds/elements-omm.xml".to_owned(), "OMM XML", "2.0", 1),
        (data("ndm/NDM-opm.xml"), "OPM XML", "3.0", 1),
    ] {
        let ran = bongsu(&["orbit", "check", &file]).exits(0);
        let item = &ran.items()[0];
        assert_eq!(
            (&item["kind"], &item["version"], &item["objects"], &item["ok"]),
            (&kind.into(), &version.into(), &objects.into(), &true.into()),
            "{file}"
        );
    }
}

#[test]
fn a_refused_message_has_a_fault_with_its_place() {
    for (file, kind, code, line, field) in [
        ("odm/opm/OPM-wrong-keyword.txt", "OPM KVN", "orbit::unknown_keyword", 11, "WRONG_KEYWORD"),
        ("tdm/xml/TDM-external-doctype.xml", "unknown", "orbit::xml_doctype", 2, "DOCTYPE"),
        ("tdm/xml/TDM-missing-participants.xml", "TDM XML", "orbit::missing_field", 11, "PARTICIPANT_1"),
        ("odm/ocm/OCMExample1.txt", "OCM KVN", "orbit::unsupported_message", 1, "CCSDS_OCM_VERS"),
        ("ndm/NDM-ocm-apm.xml", "NDM XML", "orbit::unsupported_message", 4, "ocm"),
    ] {
        let ran = bongsu(&["orbit", "check", &data(file)]).exits(2);
        let items = ran.items();
        assert_eq!((&items[0]["ok"], &items[0]["kind"]), (&false.into(), &kind.into()), "{file}");
        let fault = &ran.faults()[0];
        assert_eq!((&fault["code"], &fault["line"]), (&code.into(), &line.into()), "{file}");
        assert_eq!(fault["field"], field, "{file}");
        assert_eq!(ran.codes().last().unwrap().0, "cli::refused");
    }
}

#[test]
fn messages_go_from_form_to_form_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["conjunction.cdm", "state.opm", "ephemeris.oem", "tracking.tdm"] {
        let path = format!("samples/ccsds/{file}");
        let kvn = bongsu(&["orbit", "check", &path, "--to", "kvn"]).exits(0).out;
        let xml = bongsu(&["orbit", "check", &path, "--to", "xml"]).exits(0).out;
        assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
        std::fs::write(folder.path().join("it.xml"), xml).unwrap();
        let back = bongsu_in(folder.path(), &["orbit", "check", "it.xml", "--to", "kvn"]).exits(0);
        assert_eq!((back.out, back.err.as_str()), (kvn, ""), "{file}");
    }
}

#[test]
fn catalogues_become_messages_and_stay_the_same_catalogue() {
    let tle = "samples/orbit/korea-2025-04-15.3le";
    let states = |input: &[u8]| {
        bongsu_with(&["orbit", "propagate", "-", "--at", "2025-04-15T00:00:00Z"], input).exits(0).out
    };
    let wanted = states(&sample("orbit/korea-2025-04-15.3le"));
    for form in ["kvn", "xml", "json"] {
        let written = bongsu(&["orbit", "check", tle, "--to", form, "--now", NOW]).exits(0).out;
        assert!(written.contains("2026-03-10T12:00:00"), "{form}");
        assert_eq!(states(written.as_bytes()), wanted, "{form}");
    }
}

#[test]
fn what_is_in_order_is_written_and_the_rest_refused() {
    let bad = data("odm/opm/OPM-wrong-keyword.txt");
    let ran = bongsu(&["orbit", "check", &bad, "samples/ccsds/state.opm", "--to", "json"]).exits(2);
    assert_eq!(ran.json().as_array().unwrap().len(), 1);
    assert_eq!(ran.json()[0]["segments"][0]["metadata"]["OBJECT_NAME"], "EUTELSAT W4");
    assert_eq!(ran.codes()[0].0, "orbit::unknown_keyword");
}

#[test]
fn the_probability_of_a_known_case() {
    let item = bongsu(&["orbit", "probability", CDM]).exits(0).items().remove(0);
    // NASA CARA's figure for Alfano's case 11.
    assert!((item["pc"].as_f64().unwrap() - 0.002_672_026).abs() < 1e-7, "{item}");
    assert_eq!((&item["method"], &item["radius_m"]), (&"Alfano 2005, converged".into(), &4.0.into()));
    assert_eq!(item["dilution"], true);
    assert!(item["pc_max"].as_f64().unwrap() > 0.02);
    assert!((item["miss_km"].as_f64().unwrap() - 0.076_13).abs() < 1e-5);
    let sum = bongsu(&["orbit", "probability", CDM, "--terms", "100"]).exits(0).items().remove(0);
    assert_eq!(sum["method"], "Alfano 2005, 100-term sum");
    assert!((sum["pc"].as_f64().unwrap() / item["pc"].as_f64().unwrap() - 1.0).abs() < 0.01);
}

#[test]
fn the_radius_that_is_given_wins() {
    let small = bongsu(&["orbit", "probability", CDM, "--radius-m", "1"]).exits(0).items().remove(0);
    assert_eq!(small["radius_m"], 1.0);
    assert!(small["pc"].as_f64().unwrap() < 0.002);
    for radius in ["0", "-1", "NaN", "inf"] {
        let ran = bongsu(&["orbit", "probability", CDM, &format!("--radius-m={radius}")]).exits(2);
        assert_eq!(ran.codes()[0].0, "orbit::probability");
        assert_eq!(ran.faults()[0]["field"], "HBR");
    }
}

#[test]
fn without_a_radius_or_a_conjunction_there_is_a_fault() {
    let ran = bongsu(&["orbit", "probability", &data("cdm/CDMExample2.txt")]).exits(2);
    assert_eq!((ran.out.as_str(), ran.codes()[0].0.as_str()), ("", "orbit::missing_radius"));
    let ran = bongsu(&["orbit", "probability", "samples/ccsds/state.opm", "--radius-m", "5"]).exits(2);
    assert_eq!(ran.codes()[0].0, "orbit::unsupported_message");
    let ran =
        bongsu(&["orbit", "probability", &data("cdm/CDM-wrong-key-word.txt"), "--radius-m", "5"]).exits(2);
    assert_eq!(ran.codes()[0], ("orbit::unknown_keyword".to_owned(), Some(6)));
}

#[test]
fn xml_gives_the_same_probability() {
    let xml = bongsu(&["orbit", "check", CDM, "--to", "xml"]).exits(0).out;
    let from_xml = bongsu_with(&["orbit", "probability", "-"], xml.as_bytes()).exits(0).out;
    assert_eq!(from_xml, bongsu(&["orbit", "probability", CDM]).exits(0).out);
    assert!(root().join(CDM).is_file());
}
