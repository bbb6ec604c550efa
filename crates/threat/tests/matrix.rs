//! Techniques that were seen, counted over every form in which they are told.

use threat::{Framework, TechniqueIndex, TechniqueMatrix, TechniqueSeen};

fn seen(text: &str) -> Vec<TechniqueSeen> {
    let mut matrix = TechniqueMatrix::new();
    assert_eq!(matrix.read(text.as_bytes(), "one"), []);
    matrix.items(&TechniqueIndex::new())
}

/// Id and count of each.
fn counts(text: &str) -> Vec<(String, u64)> {
    seen(text).into_iter().map(|one| (one.technique, one.seen)).collect()
}

fn want(all: &[(&str, u64)]) -> Vec<(String, u64)> {
    all.iter().map(|(id, count)| ((*id).to_owned(), *count)).collect()
}

#[test]
fn stix_counts_what_leads_to_a_technique() {
    let all = seen(include_str!("../../../samples/threat/techniques-seen.stix.json"));
    let ids: Vec<(&str, Framework, u64)> =
        all.iter().map(|one| (one.technique.as_str(), one.framework, one.seen)).collect();
    assert_eq!(ids, [("T1566.002", Framework::Attack, 3), ("EX-0016", Framework::Sparta, 1)]);
    assert_eq!(all[0].name.as_deref(), Some("Spearphishing Link"));
    assert_eq!(all[0].tactics, ["initial-access"]);
    assert_eq!(all[0].last.map(|time| time.to_string()).as_deref(), Some("2026-03-10T13:00:00Z"));
    assert_eq!(all[1].first, None);
    assert_eq!(all[1].sources, ["one"]);
    // Who uses it is seen; what it is a part of is not, whatever comes first.
    let text = r#"{"type":"bundle","id":"bundle--1","objects":[
        {"type":"relationship","id":"relationship--1","relationship_type":"uses","source_ref":"malware--1","target_ref":"attack-pattern--1"},
        {"type":"relationship","id":"relationship--2","relationship_type":"subtechnique-of","source_ref":"attack-pattern--1","target_ref":"attack-pattern--2"},
        {"type":"attack-pattern","id":"attack-pattern--1","external_references":[{"source_name":"mitre-attack","external_id":"T1059.001"}]},
        {"type":"indicator","id":"indicator--1","external_references":[{"source_name":"mitre-attack","external_id":"t1059.001"},{"source_name":"capec","external_id":"CAPEC-1"}]}]}"#;
    assert_eq!(counts(text), want(&[("T1059.001", 2)]));
}

#[test]
fn misp_findings_and_hits_count() {
    let misp = r#"{"Event":{"date":"2026-03-10","Tag":[{"name":"misp-galaxy:mitre-attack-pattern=\"Phishing - T1566\""}],
        "Galaxy":[{"GalaxyCluster":[{"tag_name":"misp-galaxy:mitre-attack-pattern=\"Phishing - T1566\"","meta":{"external_id":["T1566"]}}]}],
        "Attribute":[{"timestamp":"1773144000","Tag":[{"name":"misp-galaxy:mitre-attack-pattern=\"Phishing - T1566\""},{"name":"tlp:green"}]}]}}"#;
    assert_eq!(counts(misp), want(&[("T1566", 2)]));
    let lines = "{\"time\":\"2026-03-10T12:00:00Z\",\"techniques\":[\"T1033\"],\"tags\":[\"attack.t1033\",\"attack.execution\"]}\n\
        {\"kind\":\"threat.rule_matched\",\"interval\":{\"start\":\"2026-03-09T12:00:00Z\",\"end\":\"2026-03-09T12:00:00Z\"},\"objects\":[{\"id\":\"attack:T1033\"},{\"id\":\"sparta:IA-0007.02\"}]}\n";
    let all = seen(lines);
    assert_eq!((all[0].technique.as_str(), all[0].seen), ("T1033", 2));
    assert_eq!(all[0].first.map(|time| time.to_string()).as_deref(), Some("2026-03-10T12:00:00Z"));
    assert_eq!((all[1].technique.as_str(), all[1].framework), ("IA-0007.02", Framework::Sparta));
    let document =
        r#"{"schema":"x","items":[{"tags":["attack.t1033"]},{"tags":["attack.t1033"]}],"faults":[]}"#;
    assert_eq!(counts(document), want(&[("T1033", 2)]));
}

#[test]
fn odd_input_is_told_and_the_rest_counts() {
    let mut matrix = TechniqueMatrix::new();
    let faults = matrix.read(&b"{\"tags\":[\"attack.t1033\"]}\n{\"tags\": [\"attack.t10\n"[..], "one");
    assert_eq!(matrix.items(&TechniqueIndex::new()).len(), 1);
    assert_eq!(faults.len(), 1);
    assert!(faults[0].byte_start.is_some() && faults[0].source.as_deref() == Some("one"), "{}", faults[0]);
    assert_eq!(
        counts(r#"{"tags":["attack.t1","attack.T10590","attack.g0010",5],"techniques":["EX-1","XX-0001"]}"#),
        []
    );
}
