//! What the program is built from, held by tests: each library has a reason and a permissive licence.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::process::Command;

use serde_json::Value;
use xtask::{Workspace, is_permissive, repository};

fn cargo(arguments: &[&str]) -> Result<Vec<u8>, Box<dyn Error>> {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(repository()).output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into())
    }
}

fn read_json(path: &str) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::from_str(&fs::read_to_string(repository().join(path))?)?)
}

fn all_well(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn each_library_has_its_reason() -> Result<(), Box<dyn Error>> {
    const PAGE: &str = "docs/decisions/0002-dependencies.md";
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"])?;
    let mut named: BTreeSet<String> = Workspace::from_metadata(&serde_json::from_slice(&metadata)?)?
        .crates
        .into_iter()
        .flat_map(|one| one.dependencies)
        .filter(|dependency| !dependency.local)
        .map(|dependency| dependency.name)
        .collect();
    let package = read_json("console/package.json")?;
    for group in ["dependencies", "devDependencies"] {
        named.extend(package[group].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    }

    let page = fs::read_to_string(repository().join(PAGE))?;
    let listed: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|row| row.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect();
    let missing = named.difference(&listed).map(|name| format!("{PAGE}: no row for `{name}`"));
    let left_over = listed.difference(&named).map(|name| format!("{PAGE}: `{name}` is not used"));
    all_well(&missing.chain(left_over).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn every_crate_of_the_build_has_a_permissive_licence() -> Result<(), Box<dyn Error>> {
    // Only what this machine builds: the others' crates need not have been downloaded.
    let version = String::from_utf8(cargo(&["-vV"])?)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("cargo names no host")?;
    let metadata: Value = serde_json::from_slice(&cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        host,
    ])?)?;
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    let complaints: Vec<String> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(is_permissive))
        .map(|package| format!("{} {}: licence {}", package["name"], package["version"], package["license"]))
        .collect();
    all_well(&complaints);
    Ok(())
}

#[test]
fn every_package_of_the_console_has_a_permissive_licence() -> Result<(), Box<dyn Error>> {
    let lock = read_json("console/package-lock.json")?;
    let packages = lock["packages"].as_object().ok_or("no packages")?;
    let complaints: Vec<String> = packages
        .iter()
        .filter(|(_, package)| !package["license"].as_str().is_some_and(is_permissive))
        .map(|(name, package)| format!("{name}: licence {}", package["license"]))
        .collect();
    all_well(&complaints);
    Ok(())
}
