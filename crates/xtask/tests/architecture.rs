//! The cut of the workspace, held by tests: who may use whom, and what each crate says of itself.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::process::Command;

use xtask::{Workspace, banned_libraries, forbidden_edges, invariant, repository, section_invariants};

/// The crates that may use clocks, files, sockets and threads: each has a clippy.toml that lifts the ban.
const OUTWARD: [&str; 5] = ["bench", "bongsu", "node", "testkit", "xtask"];

fn workspace() -> Result<Workspace, Box<dyn Error>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(repository())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(Workspace::from_metadata(&serde_json::from_slice(&output.stdout)?)?)
}

fn all_well(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn only_allowed_edges_between_crates() -> Result<(), Box<dyn Error>> {
    all_well(&forbidden_edges(&workspace()?));
    Ok(())
}

#[test]
fn pure_crates_bring_no_runtime_network_or_database() -> Result<(), Box<dyn Error>> {
    all_well(&banned_libraries(&workspace()?));
    Ok(())
}

#[test]
fn each_crate_states_its_invariant() -> Result<(), Box<dyn Error>> {
    let mut complaints = Vec::new();
    for one in workspace()?.crates {
        if let Err(complaint) = invariant(&fs::read_to_string(&one.root_file)?) {
            complaints.push(format!("{}: {complaint}", one.root_file.display()));
        }
    }
    all_well(&complaints);
    Ok(())
}

#[test]
fn architecture_md_has_one_invariant_for_each_crate() -> Result<(), Box<dyn Error>> {
    let sections = section_invariants(&fs::read_to_string(repository().join("ARCHITECTURE.md"))?)?;
    let crates: BTreeMap<_, _> = workspace()?.crates.into_iter().map(|c| (c.name, ())).collect();
    assert_eq!(
        sections.keys().collect::<Vec<_>>(),
        crates.keys().collect::<Vec<_>>(),
        "ARCHITECTURE.md must have one section for each crate"
    );
    Ok(())
}

#[test]
fn only_the_outward_crates_lift_the_clippy_ban() -> Result<(), Box<dyn Error>> {
    let lifted: Vec<String> = workspace()?
        .crates
        .into_iter()
        .filter(|c| c.folder().join("clippy.toml").exists())
        .map(|c| c.name)
        .collect();
    assert_eq!(lifted, OUTWARD);
    assert!(fs::read_to_string(repository().join("clippy.toml"))?.contains("std::time::SystemTime::now"));
    Ok(())
}

#[test]
fn each_crate_keeps_the_workspace_lints() -> Result<(), Box<dyn Error>> {
    let mut complaints = Vec::new();
    for one in workspace()?.crates {
        let path = one.folder().join("Cargo.toml");
        let manifest = fs::read_to_string(&path)?;
        if !manifest.contains("[lints]\nworkspace = true") {
            complaints.push(format!("{}: `[lints] workspace = true` is missing", path.display()));
        }
    }
    all_well(&complaints);
    Ok(())
}
