//! ATT&CK and SPARTA in one index.
#![expect(clippy::print_stdout, reason = "counts of what agrees are printed")]
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data must stop")]

use threat::{Framework, TechniqueIndex, TechniqueKind};

fn unpacked(packed: &[u8]) -> Vec<u8> {
    zstd::decode_all(packed).unwrap()
}

#[test]
fn both_frameworks_stand_side_by_side() {
    let mut index = TechniqueIndex::new();
    let ics = unpacked(include_bytes!("data/attack/ics-attack-18.1.json.zst"));
    let mobile = unpacked(include_bytes!("data/attack/mobile-attack-17.1.json.zst"));
    let mut faults = index.add_attack(&ics[..]);
    faults.extend(index.add_attack(&mobile[..]));
    faults.extend(index.add_sparta(&unpacked(include_bytes!("data/sparta/techniques.json.zst"))));
    faults.extend(index.add_sparta(&unpacked(include_bytes!("data/sparta/mitigations.json.zst"))));
    let errors: Vec<_> = faults.iter().filter(|fault| fault.level == base::FaultLevel::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let count =
        |framework, kind| index.iter().filter(|one| one.framework == framework && one.kind == kind).count();
    println!(
        "techniques: ATT&CK {}, SPARTA {}; countermeasures: ATT&CK {}, SPARTA {}",
        count(Framework::Attack, TechniqueKind::Technique),
        count(Framework::Sparta, TechniqueKind::Technique),
        count(Framework::Attack, TechniqueKind::Countermeasure),
        count(Framework::Sparta, TechniqueKind::Countermeasure),
    );
    assert_eq!(count(Framework::Sparta, TechniqueKind::Technique), 258);

    let monitor = index.get("T0801").unwrap();
    assert_eq!(
        (monitor.name.as_str(), &monitor.tactics[..]),
        ("Monitor Process State", &["collection".to_owned()][..])
    );
    assert_eq!(monitor.url.as_deref(), Some("https://attack.mitre.org/techniques/T0801"));
    assert!(monitor.relations.iter().any(|one| one.kind == "mitigated-by" && one.other == "M0816"));
    let jamming = index.get("EX-0016.02").unwrap();
    assert_eq!(jamming.framework, Framework::Sparta);
    assert!(jamming.relations.iter().any(|one| one.kind == "subtechnique-of" && one.other == "EX-0016"));
    assert!(index.get("EX-0016").unwrap().relations.iter().any(|one| one.kind == "has-subtechnique"));
    assert_eq!(index.get("CM0001").unwrap().kind, TechniqueKind::Countermeasure);
    assert!(index.get("nothing").is_none());
}

#[test]
fn what_is_no_list_is_told_of() {
    let mut index = TechniqueIndex::new();
    assert_eq!(index.add_sparta(b"{\"type\": \"x\"}")[0].code, "threat::not_sparta");
    assert_eq!(index.add_sparta(b"{")[0].code, "threat::cut_off");
    assert_eq!(index.add_attack(&b"{\"objects\": [{\"type\": "[..])[0].code, "threat::cut_off");
}
