//! The verdicts of the validator of OASIS, each with the same object.
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
