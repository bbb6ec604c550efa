//! The verdicts of the validator of OASIS, each with the same object.
#![expect(clippy::print_stdout, reason = "counts of what agrees are printed")]
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data must stop")]

use serde_json::Value;

fn rows() -> Vec<Value> {
    let packed = include_bytes!("data/oasis/validity.jsonl.zst");
    let text = String::from_utf8(zstd::decode_all(&packed[..]).unwrap()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_verdict_of_stix2_validator_agrees() {
    let options = threat::ValidateOptions { strict: true, ..Default::default() };
    let rows = rows();
    let (mut valid, mut invalid, mut differ) = (0, 0, Vec::new());
    for row in rows.iter().filter(|row| row["spec"] == "2.1") {
        let verdict = threat::validate(row["instance"].as_str().unwrap().as_bytes(), &options);
        let expected = row["valid"].as_bool().unwrap();
        *(if expected { &mut valid } else { &mut invalid }) += 1;
        if verdict.valid != expected {
            differ.push(format!("{}: {:?}", row["test"], verdict.violations));
        }
    }
    println!(
        "verdicts of stix2-validator for 2.1 that agree: {} of {}",
        valid + invalid - differ.len(),
        valid + invalid
    );
    assert_eq!((valid, invalid), (81, 193));
    assert!(differ.is_empty(), "{differ:#?}");
}

/// STIX 2.0 is judged as what it becomes in 2.1: its verdicts agree as far as both ask the same.
#[test]
fn verdicts_for_2_0_agree_too() {
    let options =
        threat::ValidateOptions { spec: threat::SpecVersion::V2_0, strict: true, ..Default::default() };
    let rows = rows();
    let rows: Vec<_> = rows.iter().filter(|row| row["spec"] == "2.0").collect();
    let differ: Vec<_> = rows
        .iter()
        .filter(|row| {
            let verdict = threat::validate(row["instance"].as_str().unwrap().as_bytes(), &options);
            verdict.valid != row["valid"].as_bool().unwrap()
        })
        .map(|row| row["test"].as_str().unwrap())
        .collect();
    println!(
        "verdicts of stix2-validator for 2.0 that agree: {} of {}",
        rows.len() - differ.len(),
        rows.len()
    );
    assert_eq!(rows.len(), 193);
    assert!(differ.is_empty(), "{differ:#?}");
}

/// Valid objects of every kind stay valid; of each, every required property is missed when it is gone.
#[test]
fn what_is_required_is_missed() {
    let options = threat::ValidateOptions::default();
    let mut looked_at = 0;
    for row in rows().iter().filter(|row| row["spec"] == "2.1" && row["valid"] == true) {
        let whole: Value = serde_json::from_str(row["instance"].as_str().unwrap()).unwrap();
        for property in ["type", "id"] {
            let mut part = whole.clone();
            part.as_object_mut().unwrap().remove(property);
            let verdict = threat::validate(part.to_string().as_bytes(), &options);
            assert!(!verdict.valid, "{part}");
            looked_at += 1;
        }
    }
    assert_eq!(looked_at, 162);
}
