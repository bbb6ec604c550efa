//! What PyMISP and misp-stix make of the same events.
//!
//! Runs with the Python of `MISP_PYTHON`, else `python3`, when that has the packages `pymisp` and `misp-stix`; with
//! `BONGSU_NEED_MISP` set (as tools/check.sh does once it has installed them) it fails without them.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data must stop")]
#![expect(clippy::print_stdout, reason = "what was run and what agrees are printed")]
#![expect(clippy::disallowed_methods, reason = "tests read their data")]

use std::path::Path;
use std::process::Command;

use threat::{ValidateOptions, misp_to_stix, read_misp, stix_to_misp, validate, write_misp_event};

fn python() -> Option<String> {
    let names = std::env::var("MISP_PYTHON").into_iter().chain(["python3".to_owned()]);
    let has = |name: &String| {
        let run = Command::new(name).args(["-c", "import pymisp, misp_stix_converter"]).output();
        run.is_ok_and(|run| run.status.success())
    };
    names.into_iter().find(has)
}

fn script(python: &str, step: &str, folder: &Path) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/misp/oracle.py");
    let run = Command::new(python).arg(script).arg(step).arg(folder).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    (run.status.success(), said)
}

#[test]
fn events_are_to_other_programs_what_they_are_to_us() {
    let Some(python) = python() else {
        assert!(
            std::env::var_os("BONGSU_NEED_MISP").is_none(),
            "no Python has the packages pymisp and misp-stix"
        );
        println!("left out: no Python has the packages pymisp and misp-stix (pip install pymisp misp-stix)");
        return;
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("misp-oracle");
    let folder = folder.as_path();
    std::fs::create_dir_all(folder).unwrap();
    let (made, said) = script(&python, "generate", folder);
    assert!(made, "{said}");
    let mut events = 0;
    loop {
        let path = |end: &str| folder.join(format!("{events}{end}.json"));
        let Ok(text) = std::fs::read(path("")) else { break };
        let read = read_misp(&text);
        let errors: Vec<_> = read.faults.iter().filter(|f| f.level == base::FaultLevel::Error).collect();
        assert!(errors.is_empty() && read.events.len() == 1, "{errors:?}");
        std::fs::write(path(".ours.misp"), write_misp_event(&read.events[0])).unwrap();
        let stix = misp_to_stix(&read.events[0]);
        for object in &stix.objects {
            let verdict = validate(object, &ValidateOptions::default());
            assert!(verdict.valid, "{}: {:?}", String::from_utf8_lossy(object), verdict.violations);
        }
        std::fs::write(path(".ours.stix"), stix.to_bundle()).unwrap();
        let back = stix_to_misp(&stix.to_bundle());
        assert_eq!(back.events.len(), 1, "{:?}", back.faults);
        std::fs::write(path(".back.misp"), write_misp_event(&back.events[0])).unwrap();
        events += 1;
    }
    assert!(events > 0);
    let (same, said) = script(&python, "compare", folder);
    println!("{python}: {said}");
    assert!(same, "{said}");
}
