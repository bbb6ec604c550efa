//! What the repository says, held by tests: links, glossary, origin of data, and nothing of the maker's machine.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use xtask::{absolute_paths, files, foreign_lock_sources, glossary_faults, links, repository};

fn all_well(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Whether a file is someone else's, kept as it came.
fn is_kept_as_it_came(path: &Path) -> bool {
    data_root(path).is_some() && !is_note(path)
}

/// The folder of reference data that a path lies in: `samples`, or a crate's `tests/data`. What lies in a folder
/// `golden` is our own output.
fn data_root(path: &Path) -> Option<&Path> {
    if path.components().any(|part| part.as_os_str() == "golden") {
        return None;
    }
    path.ancestors().skip(1).find(|folder| folder == &Path::new("samples") || folder.ends_with("tests/data"))
}

fn is_note(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "README" || stem == "ORIGIN")
}

#[test]
fn each_link_to_a_file_resolves() -> Result<(), Box<dyn Error>> {
    let root = repository();
    let mut complaints = Vec::new();
    for path in files(&root)? {
        if path.extension().is_none_or(|e| e != "md") || is_kept_as_it_came(&path) {
            continue;
        }
        let folder = root.join(&path).parent().map(Path::to_owned).unwrap_or_default();
        for target in links(&fs::read_to_string(root.join(&path))?) {
            if !folder.join(&target).exists() {
                complaints.push(format!("{}: `{target}` does not exist", path.display()));
            }
        }
    }
    all_well(&complaints);
    Ok(())
}

#[test]
fn the_glossary_is_in_both_languages() -> Result<(), Box<dyn Error>> {
    all_well(&glossary_faults(&fs::read_to_string(repository().join("docs/glossary.md"))?));
    Ok(())
}

#[test]
fn nothing_tells_of_the_machine_it_was_made_on() -> Result<(), Box<dyn Error>> {
    // Put together here so that this file does not complain about itself.
    let folders = ["work", "root", "home"].map(|name| format!("/{name}/"));
    let folders = folders.each_ref().map(String::as_str);
    let root = repository();
    let mut complaints = Vec::new();
    for path in files(&root)? {
        // xtask's own tests need an example of such a path.
        if path.starts_with("crates/xtask/src") || is_kept_as_it_came(&path) {
            continue;
        }
        for line in absolute_paths(&fs::read(root.join(&path))?, &folders) {
            complaints.push(format!("{}:{line}: a path of one machine", path.display()));
        }
    }
    all_well(&complaints);
    Ok(())
}

#[test]
fn lock_files_fetch_from_the_public_registries() -> Result<(), Box<dyn Error>> {
    let root = repository();
    let mut complaints = Vec::new();
    for path in files(&root)? {
        if path.file_name().is_some_and(|name| name == "Cargo.lock" || name == "package-lock.json") {
            for line in foreign_lock_sources(&fs::read_to_string(root.join(&path))?) {
                complaints.push(format!("{}: {line}", path.display()));
            }
        }
    }
    all_well(&complaints);
    Ok(())
}

#[test]
fn data_has_a_note_of_origin_and_licence() -> Result<(), Box<dyn Error>> {
    let root = repository();
    let all = files(&root)?;
    let mut complaints = Vec::new();
    for path in all.iter().filter(|path| is_kept_as_it_came(path)) {
        let top = data_root(path).unwrap_or(path);
        let notes: Vec<&PathBuf> = all
            .iter()
            .filter(|note| is_note(note))
            .filter(|note| {
                note.parent().is_some_and(|folder| path.starts_with(folder) && folder.starts_with(top))
            })
            .collect();
        let mut told = false;
        for note in notes {
            let text = fs::read_to_string(root.join(note))?.to_lowercase();
            told |= text.contains("origin") && (text.contains("licence") || text.contains("license"));
        }
        if !told {
            complaints.push(format!(
                "{}: no README or ORIGIN beside or above it names origin and licence",
                path.display()
            ));
        }
    }
    all_well(&complaints);
    Ok(())
}

#[cfg(unix)]
#[test]
fn the_two_commands_of_the_readme_can_be_run() -> Result<(), Box<dyn Error>> {
    use std::os::unix::fs::PermissionsExt;

    let root = repository();
    let readme = fs::read_to_string(root.join("README.md"))?;
    for command in ["tools/demo.sh", "tools/check.sh"] {
        assert!(readme.contains(command), "README.md does not name {command}");
    }
    for script in ["tools/demo.sh", "tools/check.sh", ".ci/run"] {
        assert_eq!(fs::metadata(root.join(script))?.permissions().mode() & 0o111, 0o111, "{script}");
    }
    Ok(())
}
