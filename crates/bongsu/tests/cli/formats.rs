//! The four forms of output, standard input and packed inputs.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use crate::support::{bongsu, bongsu_with, command, root, sample};

const KOREA: &str = "samples/orbit/korea-2026-03.csv";
const AT: &str = "2026-03-10T12:00:00Z";

#[test]
fn ndjson_is_the_default_off_a_terminal() {
    let ran = bongsu(&["orbit", "propagate", KOREA, "--at", AT]).exits(0);
    assert_eq!(ran.err, "");
    let items = ran.items();
    assert_eq!(items.len(), 23);
    assert_eq!(items[0]["norad_id"], 29268);
    assert!(items[0].get("schema").is_none());
}

#[test]
fn json_is_one_document_with_items_and_faults() {
    let ran = bongsu(&["orbit", "propagate", "samples/bad/truncated.csv", "--at", AT, "--json"]).exits(0);
    let document = ran.json();
    assert_eq!(document["schema"], "bongsu.states/1");
    assert_eq!(document["items"].as_array().unwrap().len(), 5);
    assert_eq!(document["faults"][0]["code"], "orbit::truncated");
    assert_eq!(document["faults"][0]["line"], 7);
    assert_eq!(document["faults"][0], ran.faults()[0]);
}

#[test]
fn json_without_items_is_still_a_document() {
    let args = ["orbit", "screen", KOREA, "--from", AT, "--hours", "1", "--within-km", "0.001", "--json"];
    let document = bongsu(&args).exits(0).json();
    assert_eq!(document["items"], serde_json::json!([]));
    assert_eq!(document["faults"], serde_json::json!([]));
}

#[test]
fn a_refused_input_gives_a_document_too() {
    let ran = bongsu(&["orbit", "propagate", "samples/bad/empty.csv", "--at", AT, "--json"]).exits(2);
    assert_eq!(ran.json()["faults"][0]["code"], "orbit::empty");
}

#[test]
fn csv_has_one_head_whatever_the_items_are() {
    let ran = bongsu(&[
        "orbit",
        "screen",
        KOREA,
        "--from",
        AT,
        "--hours",
        "24",
        "--within-km",
        "300",
        "--format",
        "csv",
    ])
    .exits(0);
    let mut lines = ran.out.lines();
    let head = "kind,norad_a,norad_b,tca,miss_km,relative_speed_km_s,radial_km,in_track_km,cross_track_km,start,end,min_km,min_time,mean_km";
    assert_eq!(lines.next(), Some(head));
    let cells = head.split(',').count();
    let kinds: std::collections::BTreeSet<&str> = lines
        .map(|line| {
            assert_eq!(line.split(',').count(), cells);
            line.split(',').next().unwrap()
        })
        .collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["event", "interval"]);
}

#[test]
fn csv_and_json_have_the_same_digits() {
    let args = ["orbit", "propagate", KOREA, "--at", AT, "--ids", "29268", "--format"];
    let csv = bongsu(&[&args[..], &["csv"]].concat()).exits(0).out;
    let item = &bongsu(&[&args[..], &["ndjson"]].concat()).exits(0).items()[0];
    let row: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
    for axis in 0..3 {
        assert_eq!(row[2 + axis], item["position_km"][axis].to_string());
        assert_eq!(row[5 + axis], item["velocity_km_s"][axis].to_string());
    }
}

#[test]
fn standard_input_is_read() {
    let ran =
        bongsu_with(&["orbit", "propagate", "-", "--at", AT], &sample("orbit/korea-2025-04-15.3le")).exits(0);
    assert_eq!(ran.items().len(), 18);
}

#[test]
fn packed_inputs_are_known_by_content() {
    let plain = sample("orbit/korea-2026-03.csv");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&plain).unwrap();
    let gz = gz.finish().unwrap();
    assert_eq!(bongsu_with(&["orbit", "propagate", "-", "--at", AT], &gz).exits(0).items().len(), 23);
    let zst = sample("orbit/celestrak-active-2026-03.csv.zst");
    let ran = bongsu_with(&["orbit", "propagate", "-", "--at", AT, "--ids", "29268,38338"], &zst).exits(0);
    assert_eq!(ran.items().len(), 2);
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let mut child = command(&root())
        .args(["orbit", "propagate", "samples/orbit/celestrak-active-2026-03.csv.zst", "--at", AT])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"norad_id\":"));
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{err}");
    assert_eq!(err, "");
}
